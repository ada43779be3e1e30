//! What v1model has and Tofino has not: a packet's requests to the switch, hashes over fields of varying
//! length and over payload, messages and assertions; and implementations of tables.
//!
//! Much of v1model needs no node of its own. `mark_to_drop` assigns. Checksums are a
//! [`V1Call::Hash`] with a condition around it: verifying assigns to `checksum_error`. `random` is a
//! wide enough draw, brought into its range by operators; so is a hash with base and maximum.
//! Registers, counters, meters and digests are those of [`crate::CallKind`].

use p4rmt_source::Span;

use crate::{Expr, FieldId, HashId};

/// An extern of v1model.
///
/// Requests change nothing at once: the switch looks at them at the end of the control. Where one is
/// made twice, the last one counts. The fields to be kept are read at the end of the control, too,
/// and a copied packet starts its way with their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum V1Call {
    /// Asks for copies of the packet, which then take the egress.
    Clone {
        /// Which packet is copied.
        of: Cloned,
        /// The session; 32 bits.
        session: Expr,
        /// The fields that the copies keep; all others start as in a new packet.
        kept: Vec<FieldId>,
    },
    /// Ingress: asks that the packet as it was received starts again.
    Resubmit {
        /// The fields that it keeps.
        kept: Vec<FieldId>,
    },
    /// Egress: asks that the packet as it is deparsed starts again.
    Recirculate {
        /// The fields that it keeps.
        kept: Vec<FieldId>,
    },
    /// Asks that the packet is cut to this many bytes when it leaves.
    Truncate {
        /// The length in bytes; 32 bits.
        length: Expr,
    },
    /// Hashes the data, one behind the other; zero bits behind fill the last byte. `Identity` is the
    /// number that the first eight bytes make. Result: the hash, as wide as the hash function says.
    Hash {
        /// The function.
        hash: HashId,
        /// What is hashed, in order.
        data: Vec<Datum>,
        /// Whether what the parser left of the packet follows behind the data. Only in controls.
        with_payload: bool,
    },
    /// A message to whoever watches, without effect on the packet.
    Log {
        /// The text; each `{}` in it is replaced by a value, in order.
        format: String,
        /// The values.
        values: Vec<Expr>,
    },
    /// A claim of the program. Where it is wrong, the run ends with an error at this place.
    Claim {
        /// Whether the program proves it or takes it for granted; both are checked.
        kind: ClaimKind,
        /// One bit.
        cond: Expr,
    },
}

/// Which packet a clone is a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cloned {
    /// The packet as it was received; asked for in the ingress (`I2E`).
    Received,
    /// The packet as it is at the end of the egress, neither deparsed nor parsed again; asked for in
    /// the egress (`E2E`).
    Deparsed,
}

/// How a program makes a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimKind {
    /// `assert`.
    Assert,
    /// `assume`.
    Assume,
}

/// A piece of the data of a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// A value, all its bits. A field of an invalid header, where it stands by itself, is left out.
    Value(Expr),
    /// A varbit field: as many bits as it has in this packet, which are the lowest of the field; none
    /// in an invalid header.
    Varbit {
        /// The field.
        field: FieldId,
        /// Its width in this packet, a field of 32 bits.
        width: FieldId,
    },
}

impl Datum {
    /// The value, where it is one.
    #[must_use]
    pub fn value(&self) -> Option<&Expr> {
        match self {
            Self::Value(value) => Some(value),
            Self::Varbit { .. } => None,
        }
    }
}

impl V1Call {
    /// The expressions among the arguments, in order.
    #[must_use]
    pub fn args(&self) -> Vec<&Expr> {
        match self {
            Self::Clone { session, .. } => vec![session],
            Self::Resubmit { .. } | Self::Recirculate { .. } => Vec::new(),
            Self::Truncate { length } => vec![length],
            Self::Hash { data, .. } => data.iter().filter_map(Datum::value).collect(),
            Self::Log { values, .. } => values.iter().collect(),
            Self::Claim { cond, .. } => vec![cond],
        }
    }

    /// The expressions among the arguments, in order, to change in place.
    pub fn args_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::Clone { session, .. } => vec![session],
            Self::Resubmit { .. } | Self::Recirculate { .. } => Vec::new(),
            Self::Truncate { length } => vec![length],
            Self::Hash { data, .. } => {
                let values = data.iter_mut().filter_map(|datum| match datum {
                    Datum::Value(value) => Some(value),
                    Datum::Varbit { .. } => None,
                });
                values.collect()
            }
            Self::Log { values, .. } => values.iter_mut().collect(),
            Self::Claim { cond, .. } => vec![cond],
        }
    }

    /// The fields that it names beside its expressions, in order.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldId> {
        match self {
            Self::Clone { kept, .. } | Self::Resubmit { kept } | Self::Recirculate { kept } => {
                kept.clone()
            }
            Self::Hash { data, .. } => {
                let fields = data.iter().flat_map(|datum| match datum {
                    Datum::Value(_) => Vec::new(),
                    Datum::Varbit { field, width } => vec![*field, *width],
                });
                fields.collect()
            }
            Self::Truncate { .. } | Self::Log { .. } | Self::Claim { .. } => Vec::new(),
        }
    }

    /// The fields that it names beside its expressions, in order, to change in place.
    pub fn fields_mut(&mut self) -> Vec<&mut FieldId> {
        match self {
            Self::Clone { kept, .. } | Self::Resubmit { kept } | Self::Recirculate { kept } => {
                kept.iter_mut().collect()
            }
            Self::Hash { data, .. } => {
                let fields = data.iter_mut().flat_map(|datum| match datum {
                    Datum::Value(_) => Vec::new(),
                    Datum::Varbit { field, width } => vec![field, width],
                });
                fields.collect()
            }
            Self::Truncate { .. } | Self::Log { .. } | Self::Claim { .. } => Vec::new(),
        }
    }

    /// What it calls, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Clone { .. } => "a clone",
            Self::Resubmit { .. } => "a resubmission",
            Self::Recirculate { .. } => "a recirculation",
            Self::Truncate { .. } => "a truncation",
            Self::Hash { .. } => "a hash",
            Self::Log { .. } => "a message",
            Self::Claim { .. } => "an assertion",
        }
    }
}

/// An implementation of tables: actions with their data are members with a number, and entries name
/// a member, or, with a selector, a group of them. Tables with the same implementation share them.
///
/// An entry that names an action itself has a member of its own, which no other entry sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionProfile {
    /// Its name towards the control plane, dotted.
    pub name: String,
    /// How many members it holds.
    pub size: u64,
    /// How a member of a group is picked; none where there are no groups.
    pub selector: Option<Selector>,
    /// Its declaration.
    pub span: Span,
}

/// How an action selector picks a member of a group: by the hash of the table's `selector` keys, in
/// the order of the keys, modulo the number of members. Members count by their numbers, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The hash; its width is what the program says.
    pub hash: HashId,
    /// How large and how many groups are at most; nothing where the program does not say (v1model).
    pub groups: Option<GroupLimits>,
}

/// How large and how many the groups of a selector are at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupLimits {
    /// Members a group.
    pub max_size: u32,
    /// Groups.
    pub n_groups: u32,
}
