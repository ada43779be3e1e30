//! Ports within this process: two ends, each of which receives what the other sends.
//!
//! Invariant: the event of an end is set if and only if packets wait there or the other end is gone. Both change
//! under the lock of the queues.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::{Burst, LivePort, Sent};

/// One end of a pair. The ends may be in different threads.
#[derive(Debug)]
pub struct PairEnd {
    name: String,
    shared: Arc<Shared>,
    /// Which of both.
    side: usize,
}

#[derive(Debug)]
struct Shared {
    queues: Mutex<Queues>,
    /// Of each end.
    events: [EventFd; 2],
    max_packets: usize,
}

#[derive(Debug, Default)]
struct Queues {
    /// What waits for each end.
    packets: [VecDeque<Vec<u8>>; 2],
    is_closed: bool,
}

/// Makes a pair of ends between which so many packets may be on their way in each direction.
///
/// # Panics
/// If the system has no more descriptors.
#[must_use]
pub fn pair(name: &str, max_packets: usize) -> (PairEnd, PairEnd) {
    let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
    let event = || EventFd::from_flags(flags).expect("the system has descriptors");
    let shared = Arc::new(Shared {
        queues: Mutex::default(),
        events: [event(), event()],
        max_packets,
    });
    let end = |side| PairEnd {
        name: name.to_owned(),
        shared: Arc::clone(&shared),
        side,
    };
    (end(0), end(1))
}

impl PairEnd {
    /// Takes the packet that has waited longest.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let mut queues = self.shared.lock();
        let packet = queues.packets[self.side].pop_front()?;
        self.shared.settle(&queues, self.side);
        Some(packet)
    }

    /// How many packets wait.
    #[must_use]
    pub fn n_waiting(&self) -> usize {
        self.shared.lock().packets[self.side].len()
    }
}

impl Shared {
    /// A thread that panicked left whole packets.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Packets have been taken: takes the event back if there is nothing to be told any more.
    fn settle(&self, queues: &Queues, side: usize) {
        if queues.packets[side].is_empty() && !queues.is_closed {
            // That it was not set is no harm.
            let _ = self.events[side].read();
        }
    }

    fn wake(&self, side: usize) {
        // It can only be full, and then it is set.
        let _ = self.events[side].write(1);
    }
}

impl LivePort for PairEnd {
    fn name(&self) -> &str {
        &self.name
    }

    fn receive(&mut self, burst: &mut Burst, max_packets: usize) -> io::Result<()> {
        let mut queues = self.shared.lock();
        let is_closed = queues.is_closed;
        let waiting = &mut queues.packets[self.side];
        if waiting.is_empty() && is_closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let n_packets = waiting.len().min(max_packets);
        for packet in waiting.drain(..n_packets) {
            burst.push(&packet);
        }
        self.shared.settle(&queues, self.side);
        Ok(())
    }

    fn send(&mut self, packet: &[u8]) -> io::Result<Sent> {
        let other = 1 - self.side;
        let mut queues = self.shared.lock();
        if queues.is_closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let waiting = &mut queues.packets[other];
        if waiting.len() >= self.shared.max_packets {
            return Ok(Sent::Full);
        }
        waiting.push_back(packet.to_vec());
        if waiting.len() == 1 {
            self.shared.wake(other);
        }
        Ok(Sent::Done)
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.shared.events[self.side].as_fd()
    }
}

impl Drop for PairEnd {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.wake(1 - self.side);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use crate::wait::{Readiness, wait};

    fn is_ready(end: &PairEnd) -> bool {
        let mut readiness = Readiness::default();
        let at = readiness.read(end.descriptor());
        wait(&mut readiness, Some(Duration::ZERO)).expect("the descriptor is open");
        readiness.is_ready(at)
    }

    #[test]
    fn packets_go_from_end_to_end_until_there_is_no_room() {
        let (mut left, mut right) = pair("p", 2);
        assert!(!is_ready(&right));
        for (packet, sent) in [(1, Sent::Done), (2, Sent::Done), (3, Sent::Full)] {
            assert_eq!(left.send(&[packet]).expect("it is open"), sent);
        }
        assert!(is_ready(&right) && !is_ready(&left));
        assert_eq!(right.take(), Some(vec![1]));
        assert!(is_ready(&right));
        let mut burst = Burst::default();
        right.receive(&mut burst, 9).expect("it is open");
        assert_eq!(burst.arriving(0)[0].bytes, [2]);
        assert_eq!(burst.len(), 1);
        assert!(!is_ready(&right) && right.take().is_none());
    }

    #[test]
    fn an_end_whose_other_is_gone_gives_what_it_has_and_is_broken() {
        let (mut left, mut right) = pair("p", 2);
        left.send(&[1]).expect("it is open");
        drop(left);
        let mut burst = Burst::default();
        right.receive(&mut burst, 9).expect("a packet waits");
        assert_eq!(burst.len(), 1);
        assert!(is_ready(&right));
        assert!(right.receive(&mut burst, 9).is_err());
        assert!(right.send(&[1]).is_err());
    }
}
