//! Many sockets watched at once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use super::host::{Host, PollerId, PollerState, SocketId, wait_until};
use super::listener::TcpListener;
use super::stream::TcpStream;
use crate::connection::Readiness;

/// What one wants to hear of. That a connection has hung up is always told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Bytes, the end, an error; at a listener, a connection.
    pub is_readable: bool,
    /// Room, or an error.
    pub is_writable: bool,
}

impl Interest {
    /// What can be read.
    pub const READ: Self = Self {
        is_readable: true,
        is_writable: false,
    };
    /// What can be written to.
    pub const WRITE: Self = Self {
        is_readable: false,
        is_writable: true,
    };
    /// Both.
    pub const BOTH: Self = Self {
        is_readable: true,
        is_writable: true,
    };

    fn wants(self, readiness: Readiness) -> bool {
        self.is_readable && readiness.is_readable
            || self.is_writable && readiness.is_writable
            || readiness.is_hung_up
    }
}

/// What a poller can watch: a stream or a listener.
#[derive(Clone, Copy, Debug)]
pub struct Pollable<'a> {
    host: &'a Host,
    socket: SocketId,
}

impl<'a> From<&'a TcpStream> for Pollable<'a> {
    fn from(stream: &'a TcpStream) -> Self {
        Self {
            host: &stream.handle.host,
            socket: stream.handle.socket,
        }
    }
}

impl<'a> From<&'a TcpListener> for Pollable<'a> {
    fn from(listener: &'a TcpListener) -> Self {
        Self {
            host: &listener.host,
            socket: listener.socket,
        }
    }
}

/// Watches streams and listeners of one host. A wait costs as much as there are sockets on which something has happened,
/// however many are watched. What is not dealt with is told again.
#[derive(Debug)]
pub struct Poller {
    host: Host,
    id: PollerId,
    changed: Arc<Condvar>,
}

impl Poller {
    /// A poller that watches nothing.
    #[must_use]
    pub fn new(host: &Host) -> Self {
        let changed = Arc::new(Condvar::new());
        let state = PollerState {
            registered: HashMap::new(),
            queue: VecDeque::new(),
            queued: HashSet::new(),
            changed: Arc::clone(&changed),
        };
        let id = host.shared.with(|core| {
            let id = PollerId(core.next_id());
            core.pollers.insert(id, state);
            id
        });
        Self {
            host: host.clone(),
            id,
            changed,
        }
    }

    /// Watches a socket under a key of the caller's choice, or watches it for something else. It is forgotten when it
    /// is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] where it belongs to another host.
    pub fn add<'a>(
        &self,
        socket: impl Into<Pollable<'a>>,
        key: usize,
        interest: Interest,
    ) -> io::Result<()> {
        let id = self.check(socket.into())?;
        self.host.shared.with(|core| {
            if let Some(socket) = core.sockets.get_mut(&id)
                && !socket.pollers.contains(&self.id)
            {
                socket.pollers.push(self.id);
            }
            if let Some(state) = core.pollers.get_mut(&self.id) {
                state.registered.insert(id, (key, interest));
                state.enqueue(id);
            }
        });
        Ok(())
    }

    /// Watches a socket no longer.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] where it belongs to another host.
    pub fn remove<'a>(&self, socket: impl Into<Pollable<'a>>) -> io::Result<()> {
        let id = self.check(socket.into())?;
        self.host.shared.with(|core| {
            if let Some(socket) = core.sockets.get_mut(&id) {
                socket.pollers.retain(|poller| *poller != self.id);
            }
            if let Some(state) = core.pollers.get_mut(&self.id) {
                state.registered.remove(&id);
            }
        });
        Ok(())
    }

    /// Puts keys and readiness of all sockets that are ready into `ready`, in place of what it has. Waits until there is
    /// one, for so long at most (`Duration::ZERO`: not at all; `None`: however long it takes).
    ///
    /// # Errors
    /// [`io::ErrorKind::ConnectionAborted`] where the driver has stopped.
    pub fn wait(
        &self,
        ready: &mut Vec<(usize, Readiness)>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        ready.clear();
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut core = self.host.shared.lock();
        loop {
            core.dispatch();
            let n_queued = core
                .pollers
                .get(&self.id)
                .map_or(0, |state| state.queue.len());
            for _ in 0..n_queued {
                let Some(state) = core.pollers.get_mut(&self.id) else {
                    break;
                };
                let Some(id) = state.queue.pop_front() else {
                    break;
                };
                state.queued.remove(&id);
                let Some((key, interest)) = state.registered.get(&id).copied() else {
                    continue;
                };
                let Some(readiness) = core.readiness(id) else {
                    continue;
                };
                if interest.wants(readiness) {
                    ready.push((key, readiness));
                    if let Some(state) = core.pollers.get_mut(&self.id) {
                        state.enqueue(id);
                    }
                }
            }
            if !ready.is_empty() {
                return Ok(());
            }
            if core.is_stopped {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            core = match wait_until(&self.changed, core, deadline) {
                Ok(core) => core,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(()),
                Err(error) => return Err(error),
            };
        }
    }

    fn check(&self, socket: Pollable<'_>) -> io::Result<SocketId> {
        if !Arc::ptr_eq(&socket.host.shared, &self.host.shared) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(socket.socket)
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        let state = self.host.shared.lock().pollers.remove(&self.id);
        let mut core = self.host.shared.lock();
        for id in state.iter().flat_map(|state| state.registered.keys()) {
            if let Some(socket) = core.sockets.get_mut(id) {
                socket.pollers.retain(|poller| *poller != self.id);
            }
        }
    }
}
