//! Actions: in order in the structured form, all at once in the tables form.

use p4rmt_ir::{Bits, ParallelAction};

use crate::packet::Packet;

impl<'a> Packet<'a> {
    /// Runs an action of the tables form on the fields as they are: calls in order, then all
    /// assignments. What it writes to fields lands later.
    pub(crate) fn run_parallel(&mut self, action: &'a ParallelAction) {
        self.work.locals.clear();
        for local in action.locals.values() {
            self.work.locals.push(Bits::zero(local.width));
        }
        for (call, span) in &action.calls {
            self.run_call(call, *span);
        }
        for assign in &action.assigns {
            let value = self.eval(&assign.value).into_owned();
            self.store_later(&assign.dst, value, assign.span);
        }
    }
}
