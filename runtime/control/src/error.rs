//! Why a request is refused.

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
    /// What a table does not take.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// What a register, counter or meter does not take.
    #[error(transparent)]
    State(#[from] StateError),
    /// What the device does not take.
    #[error(transparent)]
    Device(#[from] DeviceError),
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
