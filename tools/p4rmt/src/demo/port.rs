//! The switch's end of the link to the host: a queue in this process, as a port.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use p4rmt_libtoe::{Queue, Waker};
use p4rmt_live::{Burst, LivePort, Sent};

/// Packets from and to a host.
pub(super) struct HostPort {
    queue: Queue<Vec<u8>, Vec<u8>>,
    /// A byte says that packets may wait.
    signal: UnixStream,
    waker: Waker,
}

impl HostPort {
    /// A port at one end of a queue.
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub(super) fn new(queue: Queue<Vec<u8>, Vec<u8>>) -> io::Result<Self> {
        let (signal, sender) = UnixStream::pair()?;
        signal.set_nonblocking(true)?;
        sender.set_nonblocking(true)?;
        let waker = waker(sender);
        queue.call(waker.clone());
        Ok(Self {
            queue,
            signal,
            waker,
        })
    }
}

/// Wakes who reads the other end.
pub(super) fn waker(sender: UnixStream) -> Waker {
    let sender = Arc::new(sender);
    Waker::new(move || {
        // It can only be full, and then it says so already.
        let _ = (&*sender).write(&[1]);
    })
}

impl LivePort for HostPort {
    fn name(&self) -> &str {
        "host"
    }

    fn receive(&mut self, burst: &mut Burst, max_packets: usize) -> io::Result<()> {
        // What is sent from here on makes it readable again.
        let mut bytes = [0; 256];
        while matches!(self.signal.read(&mut bytes), Ok(n_read) if n_read == bytes.len()) {}
        for _ in 0..max_packets {
            match self.queue.pop() {
                Some(packet) => burst.push(&packet),
                None => return Ok(()),
            }
        }
        // There may be more: the next turn looks.
        self.waker.wake();
        Ok(())
    }

    fn send(&mut self, packet: &[u8]) -> io::Result<Sent> {
        self.queue.push(packet.to_vec());
        Ok(Sent::Done)
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.signal.as_fd()
    }
}
