//! The rules of containers that an allocation may break.

use crate::counted::counted;
use crate::phv::Container;

/// A rule that an allocation breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhvViolation {
    /// A field is nowhere when it is needed.
    #[error("bit {bit} of `{field}` is in no container at entry {entry}")]
    Missing {
        /// The field.
        field: String,
        /// Which bit.
        bit: u32,
        /// When.
        entry: u32,
    },
    /// Two fields have the same bit of a container.
    #[error("`{first}` and `{second}` have the same bit of {container} at entry {entry}")]
    Overlap {
        /// A field.
        first: String,
        /// Another one.
        second: String,
        /// Where.
        container: Container,
        /// When.
        entry: u32,
    },
    /// Bits beyond a container or a field.
    #[error("`{field}` does not fit where it is in {container}")]
    OutOfBounds {
        /// The field.
        field: String,
        /// Where.
        container: Container,
    },
    /// A container of another gress, or none at all.
    #[error("{container} can't be of the gress of `{field}`")]
    WrongGress {
        /// The field.
        field: String,
        /// Where.
        container: Container,
    },
    /// A kind of container that can't do what is needed.
    #[error("{container} can't hold `{field}`, which {reason}")]
    WrongKind {
        /// The field.
        field: String,
        /// Where.
        container: Container,
        /// What is done with it.
        reason: &'static str,
    },
    /// Bytes of a header are not as on the wire.
    #[error("{container} holds `{field}` otherwise than the wire does")]
    NotAsOnTheWire {
        /// The field.
        field: String,
        /// Where.
        container: Container,
    },
    /// The device does not find a value where it looks for it.
    #[error(
        "the device finds `{field}` only in the lowest byte of one container, not in {container}"
    )]
    Scattered {
        /// The field.
        field: String,
        /// Where a part of it is.
        container: Container,
    },
    /// Something else is moved with the bytes of a header.
    #[error("{container} is moved whole with `{field}`, and `{other}` is in it")]
    ForeignBits {
        /// The field.
        field: String,
        /// What else.
        other: String,
        /// Where.
        container: Container,
    },
    /// Too many sources, or more than one computation.
    #[error("`{action}` fills {container} from {needed} sources")]
    TooManySources {
        /// The action.
        action: String,
        /// Where.
        container: Container,
        /// Sources.
        needed: usize,
    },
    /// A source that the ALU does not see.
    #[error("`{action}` fills {container} from {source_container}, which its ALU does not see")]
    OutOfReach {
        /// The action.
        action: String,
        /// Where.
        container: Container,
        /// From where.
        source_container: Container,
    },
    /// Bits that an instruction can't bring where they belong.
    #[error("`{action}` fills {container} with bits that stand elsewhere in their containers")]
    Misaligned {
        /// The action.
        action: String,
        /// Where.
        container: Container,
    },
    /// A computation over containers that don't carry into one another.
    #[error("`{action}` computes one value in {container} and others that are not beside it")]
    Divided {
        /// The action.
        action: String,
        /// The first.
        container: Container,
    },
    /// Arithmetic that disturbs a neighbour, or is disturbed by one.
    #[error("`{action}` computes in {container}, and `{neighbour}` is beside the result")]
    Disturbs {
        /// The action.
        action: String,
        /// Where.
        container: Container,
        /// What is disturbed.
        neighbour: String,
    },
    /// More bytes outside containers than can be.
    #[error("`{header}` has {} outside containers, at most {available} are possible", counted(*used, what))]
    ClotLimit {
        /// The header, or one of them.
        header: String,
        /// Of what.
        what: &'static str,
        /// How many.
        used: u64,
        /// How many there are at the most.
        available: u32,
    },
    /// A run of bytes outside containers that is not whole fields that pass, or too near to another.
    #[error("the run at byte {first_byte} of `{header}` can't pass outside containers")]
    TornClot {
        /// The header.
        header: String,
        /// Where the run begins.
        first_byte: u32,
    },
    /// Two tables write one container.
    #[error("`{first}` and `{second}` write {container} in one stage")]
    Conflict {
        /// A table.
        first: String,
        /// Another one.
        second: String,
        /// Where.
        container: Container,
    },
}
