//! Complaints about a vector: what its text does wrong, and what its statements ask for in vain.

use p4rmt_engine::{EntryError, NameError, StateError};
use p4rmt_pipeline::DeviceError;
use p4rmt_source::Span;
use thiserror::Error;

/// A place in a vector where its text stops making sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: expected {expected}, found {found}")]
pub struct SyntaxError {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// What may stand there.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}

/// A statement that cannot be carried out.
#[derive(Debug, Error)]
#[error("{file}:{line}: {cause}")]
pub struct StatementError {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// Why.
    pub cause: StatementFault,
}

impl StatementError {
    /// Its place in the program, where it is about one.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match &self.cause {
            StatementFault::Device(error) => error.span(),
            StatementFault::Name(_)
            | StatementFault::NoKey { .. }
            | StatementFault::AmbiguousKey { .. }
            | StatementFault::KeyTwice { .. }
            | StatementFault::NoParam { .. }
            | StatementFault::MissingArg { .. }
            | StatementFault::ArgTwice { .. }
            | StatementFault::TooWide { .. }
            | StatementFault::Wildcards { .. }
            | StatementFault::NoPrefix { .. }
            | StatementFault::NoEntryId { .. }
            | StatementFault::NoHi { .. }
            | StatementFault::NotCounted { .. }
            | StatementFault::WrongDigest { .. }
            | StatementFault::Entry(_)
            | StatementFault::State(_) => None,
        }
    }
}

/// Why a statement cannot be carried out.
#[derive(Debug, Error)]
pub enum StatementFault {
    /// A name finds nothing, or too much.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A key field that the table has not.
    #[error("table `{table}` has no key `{field}`: it has {}", keys.join(", "))]
    NoKey {
        /// The table.
        table: String,
        /// The field.
        field: String,
        /// What it has.
        keys: Vec<String>,
    },
    /// A key field that may be any of several.
    #[error("`{field}` may be any of the keys {} of table `{table}`: give more of its name", keys.join(", "))]
    AmbiguousKey {
        /// The table.
        table: String,
        /// The field.
        field: String,
        /// What it may be.
        keys: Vec<String>,
    },
    /// A key field is given twice.
    #[error("key `{key}` of table `{table}` is given twice")]
    KeyTwice {
        /// The table.
        table: String,
        /// The key.
        key: String,
    },
    /// A parameter that the action has not.
    #[error("action `{action}` has no parameter `{param}`: it has {}", params.join(", "))]
    NoParam {
        /// The action.
        action: String,
        /// The parameter.
        param: String,
        /// What it has.
        params: Vec<String>,
    },
    /// A parameter without a value.
    #[error("parameter `{param}` of action `{action}` has no value")]
    MissingArg {
        /// The action.
        action: String,
        /// The parameter.
        param: String,
    },
    /// A parameter is given twice.
    #[error("parameter `{param}` of action `{action}` is given twice")]
    ArgTwice {
        /// The action.
        action: String,
        /// The parameter.
        param: String,
    },
    /// A value that is too large.
    #[error("`{value}` does not fit into the {width} bits of `{what}`")]
    TooWide {
        /// The value.
        value: String,
        /// What it is for.
        what: String,
        /// How wide that is.
        width: u32,
    },
    /// A wildcard where a number must be exact.
    #[error("`{value}` has wildcards: `{what}` wants a plain number")]
    Wildcards {
        /// The value.
        value: String,
        /// What it is for.
        what: String,
    },
    /// A prefix for a key that has none.
    #[error("key `{key}` is no lpm or ternary key: it takes no prefix length")]
    NoPrefix {
        /// The key.
        key: String,
    },
    /// No entry was given this id.
    #[error("no entry before this line was named `{id}`")]
    NoEntryId {
        /// The id.
        id: String,
    },
    /// `hi` of a register that has no pairs.
    #[error("an element of register `{register}` is a single value: it has no `hi`")]
    NoHi {
        /// The register.
        register: String,
    },
    /// A counter does not count this.
    #[error("counter `{counter}` does not count {what}")]
    NotCounted {
        /// The counter.
        counter: String,
        /// Packets or bytes.
        what: &'static str,
    },
    /// A digest of another number of fields.
    #[error("digest `{digest}` has {needed} fields, not {available}")]
    WrongDigest {
        /// The digest.
        digest: String,
        /// How many it has.
        needed: usize,
        /// How many were given.
        available: usize,
    },
    /// An entry that does not fit its table.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A register, counter or meter that refuses.
    #[error(transparent)]
    State(#[from] StateError),
    /// The device refuses.
    #[error(transparent)]
    Device(#[from] DeviceError),
}
