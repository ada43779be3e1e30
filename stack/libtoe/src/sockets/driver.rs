//! What moves packets and messages between a host, the pipe and the control plane.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::host::Shared;
use super::link::{ControlChannel, PacketLink, Waker};

/// Packets that are moved each way before others may have the lock.
const BATCH: usize = 64;
/// How long the driver waits before it looks again at a link that does not call: first, and at most.
const SHORTEST_WAIT: Duration = Duration::from_micros(50);
const LONGEST_WAIT: Duration = Duration::from_millis(1);
/// How long it waits at most where link and channel call.
const IDLE_WAIT: Duration = Duration::from_secs(1);

/// Moves the packets and messages of a host. Where it is dropped, or fails, nothing moves any longer, and whoever
/// waits gets an error.
#[derive(Debug)]
pub struct Driver<L, C> {
    shared: Arc<Shared>,
    link: L,
    control: C,
    inbound: Vec<u8>,
    /// The next packet to go; it waits for room if it is not empty.
    outbound: Vec<u8>,
    are_calling: bool,
}

impl<L: PacketLink, C: ControlChannel> Driver<L, C> {
    pub(crate) fn new(shared: Arc<Shared>, mut link: L, mut control: C) -> Self {
        let woken = Arc::downgrade(&shared);
        let waker = Waker::new(move || {
            if let Some(shared) = woken.upgrade() {
                shared.wake();
            }
        });
        let is_link_calling = link.set_waker(waker.clone());
        let is_control_calling = control.set_waker(waker);
        Self {
            shared,
            link,
            control,
            inbound: Vec::new(),
            outbound: Vec::new(),
            are_calling: is_link_calling && is_control_calling,
        }
    }

    /// Moves what can be moved now, at most a batch each way. Whether anything was.
    ///
    /// # Errors
    /// Where link or channel are broken for good.
    pub fn drive(&mut self) -> io::Result<bool> {
        let shared = Arc::clone(&self.shared);
        let mut core = shared.lock();
        let now = core.now();
        let mut is_moved = false;
        core.toe.poll(now);
        // Messages first: a connection is known before its packets where both are there. The other way round is no
        // harm.
        while let Some(event) = self.control.receive()? {
            // What the control plane says wrongly is counted.
            let _ = core.toe.handle(event, now);
            is_moved = true;
        }
        for _ in 0..BATCH {
            if !self.link.receive(&mut self.inbound)? {
                break;
            }
            // So is what comes that is not for us: other hosts may be on the same wire.
            let _ = core.toe.receive(&self.inbound, now);
            is_moved = true;
        }
        core.dispatch();
        while let Some(request) = core.toe.poll_request() {
            self.control.send(request)?;
            is_moved = true;
        }
        for _ in 0..BATCH {
            if self.outbound.is_empty() && !core.toe.poll_transmit(&mut self.outbound) {
                break;
            }
            match self.link.send(&self.outbound) {
                Ok(()) => self.outbound.clear(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            is_moved = true;
        }
        Ok(is_moved)
    }

    /// Moves everything until [`Host::stop`](crate::Host::stop) is called.
    ///
    /// # Errors
    /// Where link or channel are broken for good.
    pub fn run(mut self) -> io::Result<()> {
        let mut wait = SHORTEST_WAIT;
        loop {
            let driven = self.drive();
            let core = self.shared.lock();
            if core.is_stopped {
                return Ok(());
            }
            if driven? {
                wait = SHORTEST_WAIT;
                continue;
            }
            let is_calling = self.are_calling && self.outbound.is_empty();
            let mut at_most = if is_calling { IDLE_WAIT } else { wait };
            if let Some(next) = core.toe.poll_at() {
                at_most = at_most.min(next.saturating_sub(core.now()));
            }
            drop(core);
            self.shared.sleep(at_most);
            wait = (2 * wait).min(LONGEST_WAIT);
        }
    }
}

impl<L, C> Driver<L, C>
where
    L: PacketLink + Send + 'static,
    C: ControlChannel + Send + 'static,
{
    /// Runs in a thread of its own.
    #[must_use = "it says whether link and channel stayed whole"]
    pub fn spawn(self) -> JoinHandle<io::Result<()>> {
        std::thread::spawn(move || self.run())
    }
}

impl<L, C> Drop for Driver<L, C> {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
