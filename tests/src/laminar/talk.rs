//! Conversations between sockets of a machine and libTOE: what each side sends, when it ends its stream, and what it
//! has read.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use p4rmt_libtoe::{ConnectionId, Event, ToeError};
use smoltcp::socket::tcp;

use super::machine::Socket;
use super::world::{CONTEXT, OUR_IP, PEER_IP, World};
use crate::mutation::Random;

/// Our port.
pub const PORT: u16 = 20_000;

/// So many bytes, any but the same each time.
#[must_use]
pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..len).map(|_| (random.any() >> 56) as u8).collect()
}

/// When a side ends its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// As soon as all is written.
    First,
    /// When it has read the end of the other one.
    Second,
}

/// One side of a connection: what it sends, and what it has read.
#[derive(Clone, Debug)]
pub struct Side {
    to_send: Vec<u8>,
    n_written: usize,
    ends: Ends,
    has_shut: bool,
    got: Vec<u8>,
    has_end: bool,
    /// It reads nothing before this time, in microseconds.
    reads_from: u64,
}

impl Side {
    /// A side that sends this.
    #[must_use]
    pub fn new(to_send: Vec<u8>, ends: Ends) -> Self {
        Self {
            to_send,
            n_written: 0,
            ends,
            has_shut: false,
            got: Vec::new(),
            has_end: false,
            reads_from: 0,
        }
    }

    /// The same, but it reads nothing before this time, in microseconds.
    #[must_use]
    pub fn reading_from(self, reads_from: u64) -> Self {
        Self { reads_from, ..self }
    }

    fn may_shut(&self) -> bool {
        let is_time = self.ends == Ends::First || self.has_end;
        !self.has_shut && is_time && self.n_written == self.to_send.len()
    }
}

/// A connection between a socket of the machine and libTOE.
pub struct Talk {
    socket: Socket,
    peer: Side,
    host: Side,
    id: Option<ConnectionId>,
    is_closed: bool,
}

/// Many of them.
#[derive(Default)]
pub struct Talks {
    /// By the machine's port.
    pub talks: BTreeMap<u16, Talk>,
    /// Connections that libTOE has asked for.
    tokens: BTreeMap<u64, u16>,
    /// What nobody expects.
    pub failures: Vec<String>,
}

impl Talks {
    /// The machine connects.
    pub fn connect(&mut self, world: &mut World, port: u16, peer: Side, host: Side, buffer: usize) {
        let socket = world.machine.connect([port, PORT], buffer);
        self.talks.insert(
            port,
            Talk {
                socket,
                peer,
                host,
                id: None,
                is_closed: false,
            },
        );
    }

    /// libTOE connects to a port on which the machine listens.
    ///
    /// # Panics
    /// If libTOE has no context.
    pub fn connect_to(&mut self, world: &mut World, port: u16, peer: Side, host: Side) {
        let socket = world.machine.listen(port, 65_535);
        self.talks.insert(
            port,
            Talk {
                socket,
                peer,
                host,
                id: None,
                is_closed: false,
            },
        );
        self.tokens.insert(port.into(), port);
        let any = SocketAddrV4::new(OUR_IP, 0);
        let remote = SocketAddrV4::new(PEER_IP, port);
        world
            .toe
            .connect(CONTEXT, port.into(), remote, any)
            .expect("the context is there");
    }

    /// Each side does what it can; returns whether all is done.
    ///
    /// # Panics
    /// If libTOE tells of what it was not asked for.
    pub fn go_on(&mut self, world: &mut World) -> bool {
        while let Some(event) = world.events.pop_front() {
            match event {
                Event::Accepted { id, .. } => {
                    let [_, remote] = world.toe.addresses(id).expect("it is open");
                    world.toe.take(id).expect("it is open");
                    match self.talks.get_mut(&remote.port()) {
                        Some(talk) if talk.id.is_none() => talk.id = Some(id),
                        _ => self.failures.push(format!("{remote} was accepted")),
                    }
                }
                Event::Connected { token, id } => {
                    let port = self.tokens[&token];
                    self.talks.get_mut(&port).expect("it was asked for").id = Some(id);
                }
                Event::Changed(_) => {}
                other => self.failures.push(format!("{other:?}")),
            }
        }
        let now = world.time();
        let mut is_done = true;
        for (port, talk) in &mut self.talks {
            talk.go_on_at_peer(world);
            let Some(id) = talk.id else {
                is_done = false;
                continue;
            };
            if talk.is_closed {
                continue;
            }
            is_done = false;
            if let Err(error) = talk.go_on_at_host(world, id) {
                self.failures.push(format!("port {port}: {error}"));
                talk.is_closed = true;
                world.toe.close(id, now);
            }
            let is_hung_up = world
                .toe
                .readiness(id)
                .is_ok_and(|readiness| readiness.is_hung_up);
            if is_hung_up && talk.host.has_end {
                talk.is_closed = true;
                world.toe.close(id, now);
            }
        }
        is_done
    }

    /// All bytes came, and nothing else happened.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn check(&self, what: &str) {
        assert!(self.failures.is_empty(), "{what}: {:?}", self.failures);
        for (port, talk) in &self.talks {
            let (host, peer) = (&talk.host, &talk.peer);
            assert!(host.got == peer.to_send, "{what}: port {port}: at the host");
            assert!(peer.got == host.to_send, "{what}: port {port}: at the peer");
        }
    }

    /// Whether a sequence number is far from all that the machine sends on a connection.
    #[must_use]
    pub fn is_far(&self, world: &World, port: u16, seq: u32) -> bool {
        let first = world.first_rx(port);
        let end = self
            .talks
            .get(&port)
            .map_or(0, |talk| talk.peer.to_send.len());
        // A buffer and some more on both sides.
        first.is_some_and(|first| {
            seq.wrapping_sub(first).wrapping_add(1 << 20) > end as u32 + (2 << 20)
        })
    }

    /// How far all is.
    #[must_use]
    pub fn summary(&self, world: &World) -> String {
        let n_bytes = |side: fn(&Talk) -> &Side| {
            let sides = self.talks.values().map(side);
            sides.map(|side| side.got.len()).sum::<usize>()
        };
        let n_closed = self.talks.values().filter(|talk| talk.is_closed).count();
        format!(
            "{} ms, {} of {} closed, {} bytes at hosts, {} at peers, {} lost; {:?}; {:?}",
            world.now() / 1000,
            n_closed,
            self.talks.len(),
            n_bytes(|talk| &talk.host),
            n_bytes(|talk| &talk.peer),
            world.n_lost(),
            world.statistics(),
            world.toe.counters(),
        )
    }

    /// Lets all go on until all is done and nothing is left of it.
    ///
    /// # Panics
    /// If it is not, or bytes are wrong.
    #[track_caller]
    pub fn finish(&mut self, world: &mut World, seconds: u64) {
        let until = world.now() + seconds * 1_000_000;
        let is_done = world.run_until(until, |world| self.go_on(world));
        let summary = self.summary(world);
        println!("{summary}");
        assert!(is_done, "not done: {summary}");
        self.check(&summary);
        // Sockets in TIME-WAIT and connections that the peer ended first.
        let until = world.now() + 20_000_000;
        let is_empty = world.run_until(until, |world| world.plane.n_connections() == (0, 0));
        assert!(
            is_empty,
            "{:?} are left: {summary}",
            world.plane.n_connections()
        );
    }
}

impl Talk {
    fn go_on_at_peer(&mut self, world: &mut World) {
        let side = &mut self.peer;
        side.n_written += world
            .machine
            .write(self.socket, &side.to_send[side.n_written..]);
        if world.now() >= side.reads_from {
            side.got.extend(world.machine.read(self.socket, usize::MAX));
        }
        let socket = world.machine.tcp(self.socket);
        let was_open = self.id.is_some();
        let has_fin = matches!(
            socket.state(),
            tcp::State::CloseWait
                | tcp::State::LastAck
                | tcp::State::Closing
                | tcp::State::TimeWait
                | tcp::State::Closed
        );
        side.has_end |= was_open && has_fin && socket.recv_queue() == 0;
        // smoltcp takes the acknowledgment of its SYN for that of a FIN that it has not sent yet.
        if side.may_shut() && was_open && socket.state() != tcp::State::SynReceived {
            let socket = world.machine.tcp(self.socket);
            if socket.is_open() && socket.state() != tcp::State::Listen {
                side.has_shut = true;
                socket.close();
            }
        }
    }

    fn go_on_at_host(&mut self, world: &mut World, id: ConnectionId) -> Result<(), ToeError> {
        let side = &mut self.host;
        if side.n_written < side.to_send.len() {
            match world.toe.write(id, &side.to_send[side.n_written..]) {
                Ok(n_written) => side.n_written += n_written,
                Err(ToeError::WouldBlock) => {}
                Err(error) => return Err(error),
            }
        }
        let mut buffer = [0; 4096];
        while !side.has_end && world.now() >= side.reads_from {
            match world.toe.read(id, &mut buffer) {
                Ok(0) => side.has_end = true,
                Ok(n_read) => side.got.extend(&buffer[..n_read]),
                Err(ToeError::WouldBlock) => break,
                Err(error) => return Err(error),
            }
        }
        if side.may_shut() {
            side.has_shut = true;
            world.toe.shutdown_write(id)?;
        }
        Ok(())
    }
}
