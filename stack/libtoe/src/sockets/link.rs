//! What a driver needs of the world: a way for packets to the pipe, and one for messages to the control plane.

use std::fmt;
use std::io;
use std::sync::Arc;

use p4rmt_wire::{HostEvent, HostRequest};

/// Packets to and from the pipe, whole Ethernet frames. Nothing here waits.
///
/// The link must not lose what the pipe writes: it has acknowledged that to the peer. A connection that misses bytes
/// fails. What the host writes may be lost, except what gives back buffers: that room would be lost with it.
pub trait PacketLink {
    /// Puts the next packet of the pipe into `packet`, in place of what it has; false if there is none now.
    ///
    /// # Errors
    /// Where none will ever come again.
    fn receive(&mut self, packet: &mut Vec<u8>) -> io::Result<bool>;

    /// Sends a packet to the pipe.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where there is no room now: the same packet is offered again. Any other where no
    /// packet can ever be sent again.
    fn send(&mut self, packet: &[u8]) -> io::Result<()>;

    /// Whom to call when a packet has come. Whether this link does; where not, it is asked from time to time.
    fn set_waker(&mut self, waker: Waker) -> bool {
        let _ = waker;
        false
    }
}

/// Messages to and from the control plane. Nothing here waits.
pub trait ControlChannel {
    /// The next message of the control plane, if there is one now.
    ///
    /// # Errors
    /// Where none will ever come again.
    fn receive(&mut self) -> io::Result<Option<HostEvent>>;

    /// Sends a message to the control plane.
    ///
    /// # Errors
    /// Where none can ever be sent again.
    fn send(&mut self, request: HostRequest) -> io::Result<()>;

    /// Whom to call when a message has come. Whether this channel does; where not, it is asked from time to time.
    fn set_waker(&mut self, waker: Waker) -> bool {
        let _ = waker;
        false
    }
}

/// Wakes somebody who waits for packets or messages. It may be called at any time, also for nothing.
#[derive(Clone)]
pub struct Waker(Arc<dyn Fn() + Send + Sync>);

impl Waker {
    /// One that calls a function.
    #[must_use]
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }

    /// Wakes.
    pub fn wake(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Waker")
    }
}
