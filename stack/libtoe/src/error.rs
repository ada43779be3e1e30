//! What can be wrong: with a packet, with what an application asks for, with a connection.

use std::io;

use p4rmt_wire::{FailReason, WireError};

/// Why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToeError {
    /// A packet is no RDMA write, or damaged.
    #[error("not a write of the switch: {0}")]
    Wire(#[from] WireError),
    /// A write is for a queue pair that no context has.
    #[error("no context has queue pair {queue_pair:#x}")]
    UnknownQueuePair {
        /// Which.
        queue_pair: u32,
    },
    /// A write is for another address than that of its context.
    #[error("a write for another host")]
    OtherHost,
    /// A write has another key than its context.
    #[error("a write with the key {found:#x}, not {expected:#x}")]
    WrongKey {
        /// The key of the write.
        found: u32,
        /// The key of the context.
        expected: u32,
    },
    /// A write lies, wholly or in part, outside of all memory of its context.
    #[error("a write of {len} bytes to {address:#x} is outside of all buffers")]
    OutsideOfMemory {
        /// Where it begins.
        address: u64,
        /// Its bytes.
        len: usize,
    },
    /// A write, a report or an event is for a connection that this host does not have.
    #[error("connection {connection} is not open here")]
    UnknownConnection {
        /// Its number.
        connection: u16,
    },
    /// A report acknowledges what was never sent, or an event contradicts what is known.
    #[error("connection {connection} is told what cannot be")]
    Contradiction {
        /// Its number.
        connection: u16,
    },
    /// The settings of a context are not such as the pipe can work with.
    #[error("`{setting}` is {found}, {rule}")]
    BadSettings {
        /// Which setting.
        setting: &'static str,
        /// What it is.
        found: u64,
        /// What it must be.
        rule: &'static str,
    },
    /// A connection, listener or context of an application is no more.
    #[error("it is no longer open")]
    Gone,
    /// Nothing can be read, or there is no room for anything to be written, for now.
    #[error("nothing can be done now without waiting")]
    WouldBlock,
    /// The stream was ended by the application itself.
    #[error("the stream was shut down before")]
    ShutDown,
    /// More bytes are asked for than can be had at once.
    #[error("{needed} bytes are asked for, and {available} can be had")]
    TooMany {
        /// Asked for.
        needed: usize,
        /// What can be had, even if one waits.
        available: usize,
    },
    /// The connection, or an attempt at one, failed.
    #[error("the connection failed: {0:?}")]
    Failed(FailReason),
    /// Bytes of the peer were lost between switch and host, where nobody sends them again.
    #[error("bytes were lost between switch and host")]
    Lost,
}

impl From<ToeError> for io::Error {
    /// The kinds that users of `std::net` expect.
    fn from(error: ToeError) -> Self {
        let kind = match error {
            ToeError::WouldBlock => io::ErrorKind::WouldBlock,
            ToeError::ShutDown => io::ErrorKind::BrokenPipe,
            ToeError::Gone | ToeError::UnknownConnection { .. } => io::ErrorKind::NotConnected,
            ToeError::Lost => io::ErrorKind::ConnectionAborted,
            ToeError::Failed(reason) => match reason {
                FailReason::Refused => io::ErrorKind::ConnectionReset,
                FailReason::TimedOut => io::ErrorKind::TimedOut,
                FailReason::NoneLeft => io::ErrorKind::ResourceBusy,
                FailReason::BadAddress => io::ErrorKind::AddrNotAvailable,
                FailReason::NoRoute => io::ErrorKind::HostUnreachable,
                FailReason::Aborted => io::ErrorKind::ConnectionAborted,
                FailReason::BadSettings => io::ErrorKind::InvalidInput,
            },
            ToeError::BadSettings { .. } | ToeError::TooMany { .. } => io::ErrorKind::InvalidInput,
            ToeError::Wire(_)
            | ToeError::UnknownQueuePair { .. }
            | ToeError::OtherHost
            | ToeError::WrongKey { .. }
            | ToeError::OutsideOfMemory { .. }
            | ToeError::Contradiction { .. } => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
