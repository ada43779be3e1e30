//! Why fields do not fit into containers, each with its code and the way out.

use p4rmt_source::Code;

use crate::counted::counted;
use crate::phv::checker::PhvViolation;

/// Why there is no allocation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhvProblem {
    /// No container is left.
    #[error(
        "no container is left for {} of {fields}: the {gress} has {used} of {available} bits in use where they are live",
        counted(*.bits, "bits")
    )]
    NoRoom {
        /// The fields, in words.
        fields: String,
        /// How many bits of them.
        bits: u32,
        /// `ingress` or `egress`.
        gress: &'static str,
        /// Bits that are live at the same time.
        used: u32,
        /// Bits of containers that the gress may use.
        available: u32,
    },
    /// Fields that actions combine are more than a group of containers has room for.
    #[error(
        "`{action}` and others combine {fields}, which take {} of {size} bits; of a group, which is all that an action ALU sees, there are {available}, and no group has room",
        counted(*.needed, "containers")
    )]
    GroupTooSmall {
        /// One of the actions.
        action: String,
        /// The fields, in words.
        fields: String,
        /// Containers that they take at one time.
        needed: u32,
        /// Their size in bits.
        size: u32,
        /// Containers of a group.
        available: u32,
    },
    /// An action writes a container from too many sources.
    #[error(
        "`{action}` sets {fields}, which share a container, from {needed} sources; an action ALU takes {available}"
    )]
    TooManySources {
        /// The action.
        action: String,
        /// The fields, in words.
        fields: String,
        /// Sources.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// An action computes a field that shares its bytes with others.
    #[error("`{action}` computes `{field}`, whose bytes also hold {neighbours}")]
    ComputedBesideOthers {
        /// The action.
        action: String,
        /// The field.
        field: String,
        /// What else is there, in words.
        neighbours: String,
    },
    /// An action combines fields that do not stand alike in their bytes.
    #[error("`{action}` combines `{field}` with fields that stand elsewhere in their bytes")]
    NotAligned {
        /// The action.
        action: String,
        /// The field.
        field: String,
    },
    /// Two tables of one stage write one container.
    #[error(
        "`{first}` writes `{first_field}` and `{second}` writes `{second_field}`, which share a container, in one stage"
    )]
    Conflict {
        /// A table.
        first: String,
        /// What it writes.
        first_field: String,
        /// Another one.
        second: String,
        /// What that writes.
        second_field: String,
    },
    /// A computation over more than two containers.
    #[error(
        "`{action}` computes {needed} bits of `{field}` at once; two containers hold {available}"
    )]
    ComputationTooWide {
        /// The action.
        action: String,
        /// The field.
        field: String,
        /// Its width.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Too many validity bits.
    #[error("the {gress} has {needed} headers to emit, its deparser looks at {available}")]
    TooManyHeaders {
        /// `ingress` or `egress`.
        gress: &'static str,
        /// Validity bits.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// What the search found breaks a rule of the machine.
    #[error("the containers that were found break a rule, and are left out: {violation}")]
    Unsound {
        /// The rule.
        violation: PhvViolation,
    },
}

impl PhvProblem {
    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        Code(match self {
            Self::NoRoom { .. } => "E0540",
            Self::GroupTooSmall { .. } => "E0541",
            Self::TooManySources { .. } => "E0542",
            Self::ComputedBesideOthers { .. } => "E0543",
            Self::NotAligned { .. } => "E0544",
            Self::Conflict { .. } => "E0545",
            Self::ComputationTooWide { .. } => "E0546",
            Self::TooManyHeaders { .. } => "E0547",
            // A bug of ours, as all that the checkers find.
            Self::Unsound { .. } => "E0901",
        })
    }

    /// What would help.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoRoom { .. } => {
                "parse less, make metadata narrower, or make a header invalid where another one is added"
                    .to_owned()
            }
            Self::GroupTooSmall { .. } => {
                "copy fewer fields into one another: let tables read them where they are, or move them with `@in_hash`, which sees all groups"
                    .to_owned()
            }
            Self::TooManySources { .. } => {
                "set one of the fields in an action of another table".to_owned()
            }
            Self::ComputedBesideOthers { .. } => {
                "compute into a metadata field, and move the result in a later table".to_owned()
            }
            Self::NotAligned { .. } => {
                "move the field into a metadata field in an earlier table, and combine that".to_owned()
            }
            Self::Conflict { .. } => {
                "let one table write both, or make one of the tables depend on the other".to_owned()
            }
            Self::ComputationTooWide { .. } => {
                "compute on the bits that matter, or in two tables with a carry between them"
                    .to_owned()
            }
            Self::TooManyHeaders { .. } => {
                "emit headers that always come together as one header".to_owned()
            }
            Self::Unsound { .. } => {
                "this is a bug in p4rmt, not in your program: please report it with the program"
                    .to_owned()
            }
        }
    }
}
