//! What the users of the exact crossbar ask for: bytes, and what is to be done with them.

use std::collections::BTreeSet;

use p4rmt_ir::FieldId;

use crate::target::Target;

/// A byte that comes through the crossbar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Byte {
    /// Of a field: gress, field, position in it.
    Of(usize, FieldId, u32),
    /// Of bytes that several fields share: gress, the container or first field, position.
    Shared(usize, u32, u32),
    /// Filled with short fields of a gress.
    Short(usize, u32),
    /// Of what the table in front of a partitioned one finds: gress, table, position.
    Partition(usize, usize, u32),
}

/// What a user wants done with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// A gateway compares them, all on one bus; so many bits come hashed by the identity.
    Compare {
        /// Of those.
        hash_bits: u32,
    },
    /// They are compared with entries, and found otherwise.
    Store,
    /// The words of an exact table.
    Find {
        /// By independent way: bits that pick its block.
        select_bits: Vec<u32>,
    },
    /// A function of their own: a selector, or operands of a stateful ALU.
    Whole {
        /// Bits of it.
        bits: u32,
    },
    /// A hash distribution unit.
    Distribute {
        /// Bits of it.
        bits: u32,
    },
    /// A meter or stateful ALU takes them as they are.
    Feed,
}

impl Want {
    /// Bits of hash functions.
    pub(super) fn hash_bits(&self, target: &Target) -> u32 {
        match self {
            Self::Store | Self::Feed => 0,
            Self::Compare { hash_bits: bits }
            | Self::Whole { bits }
            | Self::Distribute { bits } => *bits,
            Self::Find { select_bits } => {
                let index_bits = target.exact.hash_index_bits;
                let ways = select_bits
                    .iter()
                    .map(|bits| bits.saturating_add(index_bits));
                ways.fold(0, u32::saturating_add)
            }
        }
    }
}

/// The request of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) bytes: BTreeSet<Byte>,
    pub(crate) want: Want,
}
