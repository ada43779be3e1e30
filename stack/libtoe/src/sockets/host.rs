//! What all sockets of a host share: the core, who waits for what, and which poller wants to hear of it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::SocketAddrV4;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use p4rmt_wire::FailReason;

use super::driver::Driver;
use super::link::{ControlChannel, PacketLink};
use super::poller::Interest;
use crate::connection::{ConnectionId, Readiness};
use crate::error::ToeError;
use crate::toe::{Counters, Event, Toe};

/// A host, with all of its contexts and sockets. Clones are the same host.
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
}

impl Host {
    /// A host on a link to the pipe and a channel to the control plane, and what moves packets and messages.
    pub fn new<L: PacketLink, C: ControlChannel>(link: L, control: C) -> (Self, Driver<L, C>) {
        let core = Core {
            toe: Toe::new(),
            start: Instant::now(),
            sockets: HashMap::new(),
            next_socket: 0,
            by_connection: HashMap::new(),
            by_listener: HashMap::new(),
            pollers: HashMap::new(),
            is_stopped: false,
        };
        let shared = Arc::new(Shared {
            core: Mutex::new(core),
            is_woken: Mutex::new(false),
            driver: Condvar::new(),
        });
        let host = Self {
            shared: Arc::clone(&shared),
        };
        (host, Driver::new(shared, link, control))
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.lock().toe.counters()
    }

    /// How many connections and listeners applications have open, or wait to be taken by them.
    #[must_use]
    pub fn n_sockets(&self) -> usize {
        let core = self.shared.lock();
        let kinds = core.sockets.values().map(|socket| &socket.kind);
        kinds
            .map(|kind| match kind {
                Kind::Context(_) => 0,
                Kind::Listener(state) => 1 + state.accepted.len(),
                Kind::Stream(_) => 1,
            })
            .sum()
    }

    /// Stops the driver: whoever waits gets an error, and nothing moves any longer.
    pub fn stop(&self) {
        self.shared.stop();
    }
}

/// What threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// The driver is to look again before it waits. A lock of its own: who wakes may hold others, and is called by the
    /// driver under that of the core.
    is_woken: Mutex<bool>,
    /// Where the driver waits.
    driver: Condvar,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        // A thread that panicked while it held the lock did so in a closure of an application, between changes.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the core, tells all whom it concerns, and wakes the driver if it has something to move.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let result = act(&mut core);
        core.dispatch();
        if core.toe.wants_to_send() {
            self.wake();
        }
        result
    }

    /// Wakes the driver, or keeps it from going to sleep.
    pub(crate) fn wake(&self) {
        *self.locked_woken() = true;
        self.driver.notify_one();
    }

    /// The driver waits until it is woken, for so long at most.
    pub(crate) fn sleep(&self, at_most: Duration) {
        let is_woken = self.locked_woken();
        let slept = self
            .driver
            .wait_timeout_while(is_woken, at_most, |is_woken| !*is_woken);
        let (mut is_woken, _) = slept.unwrap_or_else(PoisonError::into_inner);
        *is_woken = false;
    }

    fn locked_woken(&self) -> MutexGuard<'_, bool> {
        self.is_woken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stop(&self) {
        let mut core = self.lock();
        core.is_stopped = true;
        for socket in core.sockets.values() {
            socket.changed.notify_all();
        }
        for poller in core.pollers.values() {
            poller.changed.notify_all();
        }
        drop(core);
        self.wake();
    }

    /// Tries until it need not wait, or the time is up.
    pub(crate) fn wait<T>(
        &self,
        socket: SocketId,
        patience: Patience,
        mut attempt: impl FnMut(&mut Core) -> io::Result<T>,
    ) -> io::Result<T> {
        let deadline = match patience {
            Patience::None | Patience::Endless => None,
            Patience::Some(time) => Instant::now().checked_add(time),
        };
        let mut core = self.lock();
        loop {
            let result = attempt(&mut core);
            core.dispatch();
            if core.toe.wants_to_send() {
                self.wake();
            }
            match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            if patience == Patience::None {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            if core.is_stopped {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let Some(waiting) = core.sockets.get(&socket) else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            let changed = Arc::clone(&waiting.changed);
            core = wait_until(&changed, core, deadline)?;
        }
    }
}

/// Waits for a change.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] where the deadline has passed.
pub(crate) fn wait_until<'a>(
    changed: &Condvar,
    core: MutexGuard<'a, Core>,
    deadline: Option<Instant>,
) -> io::Result<MutexGuard<'a, Core>> {
    let Some(deadline) = deadline else {
        return Ok(changed.wait(core).unwrap_or_else(PoisonError::into_inner));
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let waited = changed.wait_timeout(core, left);
    let (core, _) = waited.unwrap_or_else(PoisonError::into_inner);
    Ok(core)
}

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    None,
    Some(Duration),
    Endless,
}

/// What an application has: a context, a listener or a stream. It is also the token of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SocketId(pub(crate) u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PollerId(pub(crate) u64);

#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) kind: Kind,
    /// Where those wait who want to do something with it.
    pub(crate) changed: Arc<Condvar>,
    pub(crate) pollers: Vec<PollerId>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Context(ContextState),
    Listener(ListenerState),
    Stream(StreamState),
}

#[derive(Debug, Default)]
pub(crate) struct ContextState {
    pub(crate) number: Option<u16>,
    pub(crate) failure: Option<ToeError>,
    /// Listeners and streams that wait for it to be open.
    pub(crate) waiting: Vec<SocketId>,
}

#[derive(Debug)]
pub(crate) struct ListenerState {
    pub(crate) context: SocketId,
    pub(crate) asked: SocketAddrV4,
    pub(crate) backlog: u32,
    /// The control plane was asked.
    pub(crate) is_asked: bool,
    /// Once it listens.
    pub(crate) local: Option<SocketAddrV4>,
    pub(crate) failure: Option<ToeError>,
    pub(crate) accepted: VecDeque<ConnectionId>,
}

#[derive(Debug)]
pub(crate) enum StreamState {
    /// It is not there yet.
    Connecting {
        remote: SocketAddrV4,
        local: SocketAddrV4,
    },
    Open(ConnectionId),
    Failed(ToeError),
}

#[derive(Debug)]
pub(crate) struct PollerState {
    pub(crate) registered: HashMap<SocketId, (usize, Interest)>,
    /// Sockets to look at, each once.
    pub(crate) queue: VecDeque<SocketId>,
    pub(crate) queued: HashSet<SocketId>,
    pub(crate) changed: Arc<Condvar>,
}

/// All that the lock protects.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) toe: Toe,
    start: Instant,
    pub(crate) sockets: HashMap<SocketId, Socket>,
    next_socket: u64,
    pub(crate) by_connection: HashMap<ConnectionId, SocketId>,
    pub(crate) by_listener: HashMap<SocketAddrV4, SocketId>,
    pub(crate) pollers: HashMap<PollerId, PollerState>,
    pub(crate) is_stopped: bool,
}

impl Core {
    /// Time since the host is there.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.next_socket += 1;
        self.next_socket
    }

    pub(crate) fn add(&mut self, kind: Kind) -> SocketId {
        let id = SocketId(self.next_id());
        let socket = Socket {
            kind,
            changed: Arc::new(Condvar::new()),
            pollers: Vec::new(),
        };
        self.sockets.insert(id, socket);
        id
    }

    pub(crate) fn context(&mut self, id: SocketId) -> io::Result<&mut ContextState> {
        match self.sockets.get_mut(&id).map(|socket| &mut socket.kind) {
            Some(Kind::Context(state)) => Ok(state),
            _ => Err(ToeError::Gone.into()),
        }
    }

    pub(crate) fn listener(&mut self, id: SocketId) -> io::Result<&mut ListenerState> {
        match self.sockets.get_mut(&id).map(|socket| &mut socket.kind) {
            Some(Kind::Listener(state)) => Ok(state),
            _ => Err(ToeError::Gone.into()),
        }
    }

    pub(crate) fn stream(&mut self, id: SocketId) -> io::Result<&mut StreamState> {
        match self.sockets.get_mut(&id).map(|socket| &mut socket.kind) {
            Some(Kind::Stream(state)) => Ok(state),
            _ => Err(ToeError::Gone.into()),
        }
    }

    /// The connection of a stream.
    ///
    /// # Errors
    /// Where it is not there yet, or could not be had.
    pub(crate) fn open_stream(&mut self, id: SocketId) -> io::Result<ConnectionId> {
        match self.stream(id)? {
            StreamState::Connecting { .. } => Err(ToeError::WouldBlock.into()),
            StreamState::Open(connection) => Ok(*connection),
            StreamState::Failed(failure) => Err(attempt_error(*failure)),
        }
    }

    /// Asks for what a new listener or stream wants, as soon as its context is open.
    pub(crate) fn start(&mut self, context: SocketId, id: SocketId) -> io::Result<()> {
        let state = self.context(context)?;
        if let Some(failure) = state.failure {
            return Err(failure.into());
        }
        let Some(number) = state.number else {
            state.waiting.push(id);
            return Ok(());
        };
        match self.sockets.get_mut(&id).map(|socket| &mut socket.kind) {
            Some(Kind::Listener(state)) => {
                self.toe.listen(number, state.asked, state.backlog)?;
                state.is_asked = true;
            }
            Some(Kind::Stream(StreamState::Connecting { remote, local })) => {
                self.toe.connect(number, id.0, *remote, *local)?;
            }
            Some(Kind::Stream(_) | Kind::Context(_)) | None => {}
        }
        Ok(())
    }

    /// Removes a socket; its pollers forget it.
    pub(crate) fn remove(&mut self, id: SocketId) -> Option<Kind> {
        let socket = self.sockets.remove(&id)?;
        for poller in &socket.pollers {
            if let Some(state) = self.pollers.get_mut(poller) {
                state.registered.remove(&id);
            }
        }
        socket.changed.notify_all();
        Some(socket.kind)
    }

    /// What can be done with a socket without waiting.
    pub(crate) fn readiness(&mut self, id: SocketId) -> Option<Readiness> {
        let gone = Readiness {
            is_readable: true,
            is_writable: true,
            is_hung_up: true,
        };
        Some(match &self.sockets.get(&id)?.kind {
            Kind::Context(_) => Readiness::default(),
            Kind::Listener(state) => Readiness {
                is_readable: !state.accepted.is_empty() || state.failure.is_some(),
                is_writable: false,
                is_hung_up: state.failure.is_some(),
            },
            Kind::Stream(StreamState::Connecting { .. }) => Readiness::default(),
            Kind::Stream(StreamState::Open(connection)) => {
                self.toe.readiness(*connection).unwrap_or(gone)
            }
            Kind::Stream(StreamState::Failed(_)) => gone,
        })
    }

    /// Wakes those who wait for a socket.
    pub(crate) fn notify(&mut self, id: SocketId) {
        let Some(socket) = self.sockets.get(&id) else {
            return;
        };
        socket.changed.notify_all();
        for poller in &socket.pollers {
            if let Some(state) = self.pollers.get_mut(poller) {
                state.enqueue(id);
            }
        }
    }

    /// Passes on what the core has to say.
    pub(crate) fn dispatch(&mut self) {
        while let Some(event) = self.toe.poll_event() {
            match event {
                Event::ContextOpened { token, context } => {
                    self.context_opened(SocketId(token), context);
                }
                Event::Failed { token, reason } => {
                    self.attempt_failed(SocketId(token), ToeError::Failed(reason));
                }
                Event::Listening { local, .. } => self.listening(local),
                Event::NotListening { local, reason } => {
                    if let Some(id) = self.asked_listener(local) {
                        self.attempt_failed(id, ToeError::Failed(reason));
                    }
                }
                Event::Accepted { id, local, .. } => self.accepted(id, local),
                Event::Connected { token, id } => {
                    let socket = SocketId(token);
                    match self.stream(socket) {
                        Ok(state) => {
                            *state = StreamState::Open(id);
                            self.by_connection.insert(id, socket);
                            self.notify(socket);
                        }
                        Err(_) => self.refuse(id),
                    }
                }
                Event::Changed(id) => {
                    if let Some(socket) = self.by_connection.get(&id) {
                        self.notify(*socket);
                    }
                }
            }
        }
    }

    fn context_opened(&mut self, id: SocketId, number: u16) {
        let Ok(state) = self.context(id) else {
            // Closed before it was open.
            let _ = self.toe.close_context(number);
            return;
        };
        state.number = Some(number);
        let waiting = std::mem::take(&mut state.waiting);
        for socket in waiting {
            if self.start(id, socket).is_err() {
                self.attempt_failed(socket, ToeError::Gone);
            }
        }
        self.notify(id);
    }

    /// What was asked for does not come about.
    pub(crate) fn attempt_failed(&mut self, id: SocketId, failure: ToeError) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let mut waiting = Vec::new();
        match &mut socket.kind {
            Kind::Context(state) => {
                state.failure = Some(failure);
                waiting = std::mem::take(&mut state.waiting);
            }
            Kind::Listener(state) => state.failure = Some(failure),
            Kind::Stream(state) => *state = StreamState::Failed(failure),
        }
        self.notify(id);
        for socket in waiting {
            self.attempt_failed(socket, failure);
        }
    }

    fn listening(&mut self, local: SocketAddrV4) {
        let id = self.asked_listener(local);
        let Some(state) = id.and_then(|id| self.listener(id).ok()) else {
            // The application has dropped it since.
            if !self.by_listener.contains_key(&local) {
                self.toe.stop_listening(local);
            }
            return;
        };
        state.local = Some(local);
        if let Some(id) = id {
            self.by_listener.insert(local, id);
            self.notify(id);
        }
    }

    /// The listener that waits for an answer about this address: it has asked for it, or is the first that has asked
    /// for any port.
    fn asked_listener(&self, local: SocketAddrV4) -> Option<SocketId> {
        let asked = self.sockets.iter().filter_map(|(id, socket)| {
            let Kind::Listener(state) = &socket.kind else {
                return None;
            };
            let is_waiting = state.is_asked && state.local.is_none() && state.failure.is_none();
            let is_other = state.asked != local;
            let fits = is_waiting && (!is_other || state.asked.port() == 0);
            fits.then_some((is_other, *id))
        });
        asked.min().map(|(_, id)| id)
    }

    fn accepted(&mut self, id: ConnectionId, local: SocketAddrV4) {
        let any = SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, local.port());
        let listener = self.by_listener.get(&local);
        let listener = listener.or_else(|| self.by_listener.get(&any)).copied();
        match listener.and_then(|listener| Some((listener, self.listener(listener).ok()?))) {
            Some((listener, state)) => {
                state.accepted.push_back(id);
                self.notify(listener);
            }
            None => self.refuse(id),
        }
    }

    /// Nobody wants a connection.
    pub(crate) fn refuse(&mut self, id: ConnectionId) {
        let now = self.now();
        let _ = self.toe.abort(id);
        self.toe.close(id, now);
    }
}

impl PollerState {
    pub(crate) fn enqueue(&mut self, id: SocketId) {
        if self.queued.insert(id) {
            self.queue.push_back(id);
        }
        self.changed.notify_all();
    }
}

/// Why a connection or listener does not come about: a peer that refuses was never connected.
pub(crate) fn attempt_error(failure: ToeError) -> io::Error {
    match failure {
        ToeError::Failed(FailReason::Refused) => {
            io::Error::new(io::ErrorKind::ConnectionRefused, failure)
        }
        _ => failure.into(),
    }
}
