//! Why packets may not run apart.

use p4rmt_source::Span;
use thiserror::Error;

/// What a value hangs on that the packet alone does not say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum Cause {
    /// What a register returned.
    #[error("what register `{name}` returns")]
    Register {
        /// Its name.
        name: String,
    },
    /// What a meter or filter returned.
    #[error("what meter `{name}` returns")]
    Meter {
        /// Its name.
        name: String,
    },
    /// A random draw.
    #[error("a random value")]
    Random,
    /// When the packet comes.
    #[error("the clock")]
    Clock,
    /// What the machine gives a packet on its way.
    #[error("`{field}`, which the machine decides")]
    Machine {
        /// The field.
        field: String,
    },
    /// A checksum unit.
    #[error("a checksum")]
    Checksum,
    /// More of the packet than its headers of fixed length.
    #[error("a part of the packet whose place or length varies")]
    Varying,
    /// A loop of the program.
    #[error("a loop")]
    Loop,
    /// Which member of a group an action selector picks.
    #[error("the member that a selector picks")]
    Selector,
}

/// Why no key was found by which packets could run apart.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoKey {
    /// An index that hangs on more than the packet.
    #[error("the index of `{array}` is {cause}")]
    Index {
        /// The register or meter.
        array: String,
        /// Where it is used.
        span: Span,
        /// What the index hangs on.
        cause: Cause,
        /// Where that comes from.
        origin: Span,
    },
    /// An element that packets of every key touch.
    #[error("all packets share element {index} of `{array}`")]
    Shared {
        /// The register or meter.
        array: String,
        /// The element.
        index: u64,
        /// Where it is used.
        span: Span,
    },
    /// Two indices of one packet, and nothing says which of their values belong together.
    #[error("no entry says which index of `{other}` comes with which index of `{array}`")]
    Unlinked {
        /// The register or meter.
        array: String,
        /// Where it is used.
        span: Span,
        /// The other one.
        other: String,
    },
    /// Words of other sizes make other indices of one memory.
    #[error("`{array}` is used in words of several sizes")]
    WordSizes {
        /// The register.
        array: String,
        /// Where it is used.
        span: Span,
    },
    /// What the index of an egress is, arriving packets do not show.
    #[error(
        "the egress takes the index of `{array}` from a header that the ingress does not send it"
    )]
    OnlyInEgress {
        /// The register or meter.
        array: String,
        /// Where it is used.
        span: Span,
    },
    /// A copy of v1model that starts with other headers than its cause had.
    #[error("{what} may have another key than the packet that it is made of")]
    Copies {
        /// `a clone`, `a resubmission`, `a recirculation`.
        what: &'static str,
        /// The statement.
        span: Span,
    },
    /// All that can be told apart belongs together.
    #[error("the entries make one key of all packets")]
    OneKey,
    /// A parser with too many ways through it.
    #[error("{gress} has more than {available} ways through its parser")]
    TooManyPaths {
        /// `the ingress`, `the egress`, `the program`.
        gress: &'static str,
        /// How many are looked at.
        available: usize,
    },
}

impl NoKey {
    /// Its place in the program, where it has one.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Index { span, .. }
            | Self::Shared { span, .. }
            | Self::Unlinked { span, .. }
            | Self::WordSizes { span, .. }
            | Self::OnlyInEgress { span, .. }
            | Self::Copies { span, .. } => Some(*span),
            Self::OneKey | Self::TooManyPaths { .. } => None,
        }
    }

    /// Where the cause stands, if it has a place of its own.
    #[must_use]
    pub fn origin(&self) -> Option<Span> {
        match self {
            Self::Index { origin, .. } => Some(*origin),
            Self::Shared { .. }
            | Self::Unlinked { .. }
            | Self::WordSizes { .. }
            | Self::OnlyInEgress { .. }
            | Self::Copies { .. }
            | Self::OneKey
            | Self::TooManyPaths { .. } => None,
        }
    }
}

/// A packet that touches memory of another key than the one by which it was sent to its core.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("element {index} of `{array}` belongs to another key than the packet that leads there")]
pub struct Crossing {
    /// The register or meter.
    pub array: String,
    /// The element.
    pub index: u64,
}
