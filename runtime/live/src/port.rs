//! What stands at a port of the device.

use std::io;
use std::os::fd::BorrowedFd;

use crate::Burst;

/// Where packets of a port come from and go to. Nothing here waits.
pub trait LivePort {
    /// What it is, for messages: `tap:NAME`, `packet:NAME`, or the name of a pair.
    fn name(&self) -> &str;

    /// Puts packets that wait behind those in `burst`, at most so many.
    ///
    /// # Errors
    /// It is gone, and will not come back.
    fn receive(&mut self, burst: &mut Burst, max_packets: usize) -> io::Result<()>;

    /// Sends a packet.
    ///
    /// # Errors
    /// It is gone, and will not come back.
    fn send(&mut self, packet: &[u8]) -> io::Result<Sent>;

    /// Asked now and then, for what does not become readable when it goes.
    ///
    /// # Errors
    /// It is gone, and will not come back.
    fn check(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// What becomes readable when packets wait, or when the port is gone.
    fn descriptor(&self) -> BorrowedFd<'_>;
}

/// What became of a packet that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is sent.
    Done,
    /// It is lost: there was no room for it.
    Full,
    /// It is lost: the interface is down.
    Down,
    /// It is lost: it is too short or too long for the interface.
    Refused,
}
