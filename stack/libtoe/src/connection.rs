//! A connection as the host knows it, and what an application holds of it.

use std::net::SocketAddrV4;
use std::ops::Range;

use crate::error::ToeError;
use crate::outbound::Outbound;

/// What an application knows a connection by. Numbers of connections are used again; lives are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    pub(crate) number: u16,
    pub(crate) life: u64,
}

impl ConnectionId {
    /// The number by which pipe and control plane know it.
    #[must_use]
    pub fn number(self) -> u16 {
        self.number
    }
}

/// What can be done with a connection without waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A read returns at once: bytes, the end, or an error.
    pub is_readable: bool,
    /// A write returns at once: it takes bytes, or fails.
    pub is_writable: bool,
    /// Both streams have ended, or the connection failed.
    pub is_hung_up: bool,
}

/// Received bytes that an application has taken out of the stream, in the place where the pipe has put them. They
/// stay there until they are freed; chunks are freed in any order. One that is dropped instead keeps its place taken
/// as long as the connection lives.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "its place in the buffer is free again only when it is freed"]
pub struct Chunk {
    pub(crate) id: ConnectionId,
    pub(crate) range: Range<u64>,
}

impl Chunk {
    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// Where its first byte stands in the stream.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.range.start
    }

    /// Divides it: the first `len` bytes, or all that there are, become a chunk of their own.
    pub fn split_to(&mut self, len: usize) -> Chunk {
        let start = self.range.start;
        let middle = start + len.min(self.len()) as u64;
        self.range.start = middle;
        Chunk {
            id: self.id,
            range: start..middle,
        }
    }
}

/// The next bytes of a stream that an application sends, to be filled where the pipe takes them from. They are sent
/// when they and all that were reserved before them are committed. One that is dropped instead ends what can be sent.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "nothing that is reserved behind it is sent until it is committed"]
pub struct Reservation {
    pub(crate) id: ConnectionId,
    pub(crate) range: Range<u64>,
}

impl Reservation {
    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// Where its first byte stands in the stream.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.range.start
    }
}

/// A connection as the host knows it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    /// Its context's place.
    pub(crate) context: usize,
    pub(crate) buffer: u32,
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
    pub(crate) outbound: Outbound,
    /// Why it is no more, once it is.
    pub(crate) failure: Option<ToeError>,
    /// Both streams have ended and are acknowledged.
    pub(crate) is_closed: bool,
    /// What comes is thrown away.
    pub(crate) is_discarding: bool,
    /// No application has it any longer.
    pub(crate) is_abandoned: bool,
    /// It waits in the list of those that have something to send.
    pub(crate) is_queued: bool,
    /// The application was told that something has changed, and has not looked yet.
    pub(crate) is_changed: bool,
    /// A hole was found, and its time runs.
    pub(crate) is_watched: bool,
}
