//! Why a request is refused.

use std::io;
use std::path::PathBuf;

use p4rmt_engine::{EntryError, NameError, StateError};
use p4rmt_pipeline::DeviceError;
use thiserror::Error;

use crate::Number;

/// Why a request is refused.
#[derive(Debug, Error)]
pub enum ControlError {
    /// A name finds nothing, or too much.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A table has no such key.
    #[error("table `{table}` has no key `{key}`: it has {}", keys.join(", "))]
    NoKey {
        /// The table.
        table: String,
        /// What was asked for.
        key: String,
        /// The keys that it has.
        keys: Vec<String>,
    },
    /// A key is named twice, or an exact one not at all.
    #[error("table `{table}` needs its key `{key}` once: it came {n} times")]
    KeyCount {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// How often.
        n: usize,
    },
    /// An action has no such parameter, or it is given twice or not at all.
    #[error("action `{action}` takes {}: parameter `{param}` came {n} times", params.join(", "))]
    ParamCount {
        /// The action.
        action: String,
        /// The parameter.
        param: String,
        /// How often.
        n: usize,
        /// The parameters that it has.
        params: Vec<String>,
    },
    /// A number does not fit.
    #[error("{value} does not fit `{what}`, which has {width} bits")]
    TooWide {
        /// The number.
        value: Number,
        /// What it is for.
        what: String,
        /// Its width, in bits.
        width: u32,
    },
    /// More elements than there are.
    #[error("`{name}` has no {count} elements from {index} on")]
    NoElements {
        /// The register or counter.
        name: String,
        /// The first.
        index: u64,
        /// How many were asked for.
        count: u64,
    },
    /// An element of a register has no such value.
    #[error("an element of `{register}` has {available} values: there is none at {position}")]
    NoValue {
        /// The register.
        register: String,
        /// Which was asked for, from 0.
        position: u8,
        /// How many there are.
        available: usize,
    },
    /// What a table does not take.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// What a register, counter or meter does not take.
    #[error(transparent)]
    State(#[from] StateError),
    /// What the device does not take.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// One request asks for more than one reply may carry.
    #[error("a request may read {available} elements and entries at most: ask for fewer at a time")]
    TooMuch {
        /// How many it may read.
        available: u64,
    },
    /// A request as text is longer than a switch takes.
    #[error("the request takes {needed} bytes as text, and a switch takes {available}: divide it")]
    RequestTooLong {
        /// Its length, in bytes.
        needed: usize,
        /// The longest that there can be.
        available: usize,
    },
    /// Nothing listens at a socket.
    #[error("no switch listens at `{}`: {source}", path.display())]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The connection to a switch ended.
    #[error("the switch has ended the connection")]
    Ended,
    /// The connection to a switch broke.
    #[error("the connection to the switch broke: {0}")]
    Broken(#[source] io::Error),
    /// What came from the switch is no message.
    #[error("what the switch says makes no sense")]
    NoMessage,
    /// A device alone has nobody who could tell what happens.
    #[error("nobody listens here: a subscription is for what runs a device, and stands alone")]
    NoEvents,
    /// A switch elsewhere refused it, or is out of reach.
    #[error("{reason}")]
    Remote {
        /// What it said.
        reason: String,
    },
}

impl ControlError {
    /// An answer to something else than was asked.
    pub(crate) fn unexpected(reply: &crate::Reply) -> Self {
        Self::Remote {
            reason: format!("the switch answered something else than was asked: {reply:?}"),
        }
    }
}
