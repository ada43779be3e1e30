//! The clients of a run: who is connected, what they ask, what they are told.

use std::os::fd::AsFd as _;
use std::path::Path;

use p4rmt_control::{ControlError, Event, Message, Reply, Request, Subscription};

use crate::LiveError;
use crate::connection::Connection;
use crate::socket::SocketFile;
use crate::wait::Readiness;

/// So many clients are connected at the same time.
const MAX_CLIENTS: usize = 64;

/// Knows its clients, and lets them in if it has a socket.
#[derive(Default)]
pub(crate) struct Server {
    socket: Option<SocketFile>,
    connections: Vec<Connection>,
}

/// Where the descriptors of a server stand among those that are waited for.
pub(crate) struct Positions {
    socket: Option<usize>,
    connections: Vec<usize>,
}

/// Which of them are ready.
pub(crate) struct Ready {
    socket: bool,
    connections: Vec<bool>,
}

impl Positions {
    pub(crate) fn ready(self, readiness: &Readiness<'_>) -> Ready {
        let connections = self.connections.iter();
        Ready {
            socket: self.socket.is_some_and(|at| readiness.is_ready(at)),
            connections: connections.map(|at| readiness.is_ready(*at)).collect(),
        }
    }
}

impl Server {
    /// From now on clients are let in at this path.
    pub(crate) fn listen(&mut self, path: &Path) -> Result<(), LiveError> {
        // The old file goes before the new one comes, which may have its name.
        self.socket = None;
        self.socket = Some(SocketFile::bind(path)?);
        Ok(())
    }

    /// What is to be waited for.
    pub(crate) fn wait_for<'a>(&'a self, readiness: &mut Readiness<'a>) -> Positions {
        let socket = self.socket.as_ref();
        let socket = socket.map(|socket| readiness.read(socket.listener.as_fd()));
        let connections = self.connections.iter().map(|connection| {
            let (reads, writes) = (connection.wants_to_read(), connection.wants_to_write());
            readiness.read_or_write(connection.stream.as_fd(), reads, writes)
        });
        Positions {
            socket,
            connections: connections.collect(),
        }
    }

    /// Whether there is something to do without waiting.
    pub(crate) fn is_busy(&self) -> bool {
        self.connections.iter().any(Connection::has_request)
    }

    /// When a client must be looked after at the latest.
    pub(crate) fn deadline_ns(&self) -> Option<u64> {
        let connections = self.connections.iter();
        connections.filter_map(Connection::deadline_ns).min()
    }

    /// Reads what clients have written, and lets new ones in.
    pub(crate) fn read(&mut self, ready: &Ready, now_ns: u64) {
        for (connection, is_ready) in self.connections.iter_mut().zip(&ready.connections) {
            if *is_ready {
                connection.read();
            }
        }
        if ready.socket {
            self.let_in(now_ns);
        }
    }

    fn let_in(&mut self, now_ns: u64) {
        let Some(socket) = &self.socket else { return };
        // Who cannot be let in now asks again, or is gone.
        while let Ok((stream, _)) = socket.listener.accept() {
            let Ok(mut connection) = Connection::new(stream) else {
                continue;
            };
            if self.connections.len() < MAX_CLIENTS {
                self.connections.push(connection);
            } else {
                let why = format!("{MAX_CLIENTS} clients are connected already");
                connection.end(why, now_ns);
                connection.write();
            }
        }
    }

    /// How many clients there are.
    pub(crate) fn n_clients(&self) -> usize {
        self.connections.len()
    }

    /// The next request of a client, if there is one.
    pub(crate) fn take_request(&mut self, client: usize, now_ns: u64) -> Option<Request> {
        self.connections.get_mut(client)?.take_request(now_ns)
    }

    /// Answers a client.
    pub(crate) fn answer(&mut self, client: usize, answer: Result<Reply, ControlError>) {
        if let Some(connection) = self.connections.get_mut(client) {
            connection.answer(answer);
        }
    }

    /// What a client listens to from now on.
    pub(crate) fn subscribe(&mut self, client: usize, subscription: Subscription) {
        if let Some(connection) = self.connections.get_mut(client) {
            connection.subscription = subscription;
        }
    }

    /// What clients listen to.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        let connections = self.connections.iter();
        connections.map(|connection| &connection.subscription)
    }

    /// Tells an event to those who listen to it, by what `is_of` says.
    pub(crate) fn tell(
        &mut self,
        is_of: impl Fn(&Subscription) -> bool,
        event: &Event,
        now_ns: u64,
    ) {
        let mut line = None;
        let connections = self.connections.iter_mut();
        for connection in connections.filter(|connection| is_of(&connection.subscription)) {
            let line = line.get_or_insert_with(|| Message::Event(event.clone()).to_line());
            connection.tell(line, now_ns);
        }
    }

    /// Writes what is to be said, and forgets those who are gone. Says whether somebody is.
    pub(crate) fn write(&mut self, now_ns: u64) -> bool {
        let before = self.connections.len();
        self.connections.retain_mut(|connection| {
            connection.write();
            !connection.is_over(now_ns)
        });
        self.connections.len() < before
    }
}
