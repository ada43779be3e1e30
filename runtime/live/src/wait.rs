//! Waiting for any of several descriptors.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

/// What is waited for, and afterwards what is ready.
#[derive(Default)]
pub(crate) struct Readiness<'a> {
    descriptors: Vec<PollFd<'a>>,
}

impl<'a> Readiness<'a> {
    /// Waits until it can be read from, too. Says by which position that is asked for.
    pub(crate) fn read(&mut self, descriptor: BorrowedFd<'a>) -> usize {
        self.add(descriptor, PollFlags::POLLIN)
    }

    /// Waits until it can be read from, if that is wanted, or written to, if that is; in any case until it is broken.
    pub(crate) fn read_or_write(
        &mut self,
        descriptor: BorrowedFd<'a>,
        reads: bool,
        writes: bool,
    ) -> usize {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::POLLIN, reads);
        flags.set(PollFlags::POLLOUT, writes);
        self.add(descriptor, flags)
    }

    fn add(&mut self, descriptor: BorrowedFd<'a>, flags: PollFlags) -> usize {
        self.descriptors.push(PollFd::new(descriptor, flags));
        self.descriptors.len() - 1
    }

    /// Whether there is something to do at a position: what it was waited for, an error, an end.
    pub(crate) fn is_ready(&self, at: usize) -> bool {
        let events = self.descriptors.get(at).and_then(PollFd::revents);
        events.is_some_and(|events| !events.is_empty())
    }
}

/// Waits until one is ready or the time is over; for ever where no time is given. A signal ends it, too.
pub(crate) fn wait(readiness: &mut Readiness<'_>, timeout: Option<Duration>) -> Result<(), Errno> {
    match ppoll(
        &mut readiness.descriptors,
        timeout.map(TimeSpec::from),
        None,
    ) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error),
    }
}
