//! The moment in which the control plane does something: when it is, and the switch as it is then.

use p4rmt_control::{Request, Switch};
use p4rmt_wire::Command;

use crate::PlaneError;
use crate::tables::CONTROL_PORT;

/// A moment.
pub(crate) struct Now<'a> {
    /// When it is, in nanoseconds.
    pub(crate) ns: u64,
    /// The switch.
    pub(crate) switch: &'a mut dyn Switch,
}

impl Now<'_> {
    /// Several requests with no packet between them.
    pub(crate) fn all(&mut self, requests: Vec<Request>) -> Result<(), PlaneError> {
        if !requests.is_empty() {
            self.switch.call(&Request::All(requests))?;
        }
        Ok(())
    }

    /// Tells the pipe something.
    pub(crate) fn command(&mut self, command: Command) -> Result<(), PlaneError> {
        let mut frame = Vec::new();
        command.emit(&mut frame);
        Ok(self.switch.send(CONTROL_PORT, frame)?)
    }
}
