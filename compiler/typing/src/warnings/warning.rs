//! What a program may not mean: one variant a kind.

/// Something that is worth a second look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A declaration that nothing uses.
    #[error("{what} `{name}` is never used")]
    Unused {
        /// What is declared.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A declaration that hides another one.
    #[error("`{name}` hides another declaration of this name")]
    Shadow {
        /// The name.
        name: String,
    },
    /// The use of something that is marked as deprecated.
    #[error("`{name}` is deprecated: {reason}")]
    Deprecated {
        /// What is used.
        name: String,
        /// As its annotation says.
        reason: String,
    },
    /// A value that is read before it is set.
    #[error("`{name}` {verb} read before it is set")]
    Unset {
        /// What is read.
        name: String,
        /// `is` or `may be`.
        verb: &'static str,
    },
    /// An `out` parameter without a value at the end.
    #[error("`{name}` {verb} left without a value")]
    OutUnset {
        /// The parameter.
        name: String,
        /// `is` or `may be`.
        verb: &'static str,
    },
    /// A field of a header that is not valid.
    #[error("the header `{name}` {verb} invalid here")]
    InvalidHeader {
        /// The header.
        name: String,
        /// `is` or `may be`.
        verb: &'static str,
    },
    /// A comparison with one outcome.
    #[error("this is always `{value}`")]
    Always {
        /// The outcome.
        value: bool,
    },
    /// A number that its type cuts.
    #[error("{value} does not fit into `{ty}`, and is cut to {cut}")]
    Cut {
        /// As written.
        value: String,
        /// The type.
        ty: String,
        /// What is left.
        cut: String,
    },
    /// Something that no packet reaches.
    #[error("{what} is never reached")]
    Unreachable {
        /// What, with its article.
        what: &'static str,
    },
    /// A state without a transition.
    #[error("the state `{name}` ends without a transition, and so rejects the packet")]
    ImplicitReject {
        /// The state.
        name: String,
    },
    /// Arguments that are written to the same place.
    #[error("two arguments of this call are written to `{name}`")]
    Overlap {
        /// The place.
        name: String,
    },
    /// Two entries with one priority.
    #[error("an entry above has the same priority {priority}")]
    SamePriority {
        /// The priority.
        priority: String,
    },
    /// Entries whose priorities do not follow their order.
    #[error("this entry comes before the one above it, by its priority")]
    PriorityOrder,
    /// An entry behind one that matches all of its packets.
    #[error("an entry above matches all that this one would match")]
    CoveredEntry,
    /// A key that is always the same.
    #[error("this key has the same value for every packet")]
    ConstantKey,
}

impl Warning {
    /// The code that `p4rmt explain` knows.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unused { .. } => "W1001",
            Self::Shadow { .. } => "W1002",
            Self::Deprecated { .. } => "W1003",
            Self::Unset { .. } => "W2001",
            Self::OutUnset { .. } => "W2002",
            Self::InvalidHeader { .. } => "W2003",
            Self::Always { .. } => "W3001",
            Self::Cut { .. } => "W3002",
            Self::Unreachable { .. } => "W6001",
            Self::ImplicitReject { .. } => "W6002",
            Self::Overlap { .. } => "W6003",
            Self::SamePriority { .. } => "W7001",
            Self::PriorityOrder => "W7002",
            Self::CoveredEntry => "W7003",
            Self::ConstantKey => "W7004",
        }
    }

    /// The name that `@noWarn` knows beside the code, as other compilers have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unused { .. } => "unused",
            Self::Shadow { .. } => "shadow",
            Self::Deprecated { .. } => "deprecated",
            Self::Unset { .. } => "uninitialized_use",
            Self::OutUnset { .. } => "uninitialized_out_param",
            Self::InvalidHeader { .. } => "invalid_header",
            Self::Always { .. } => "always",
            Self::Cut { .. } => "overflow",
            Self::Unreachable { .. } => "unreachable",
            Self::ImplicitReject { .. } => "parser_transition",
            Self::Overlap { .. } => "ordering",
            Self::SamePriority { .. } => "duplicate_priorities",
            Self::PriorityOrder => "entries_out_of_priority_order",
            Self::CoveredEntry => "keys",
            Self::ConstantKey => "mismatch",
        }
    }
}
