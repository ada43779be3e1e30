//! Why a parser or deparser does not fit, each with its code and the way out.

use p4rmt_source::Code;

use crate::counted::counted;

/// What parser or deparser can't do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PardeProblem {
    /// Too many transitions.
    #[error("the states of `{parser}` take {}, the machine has {available}", counted(*needed, "rows"))]
    TooManyRows {
        /// The parser.
        parser: String,
        /// Rows.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// A state looks too far ahead.
    #[error("`{state}` looks {} ahead, a parser sees {available}", counted(*needed, "bytes"))]
    LookaheadTooFar {
        /// The state.
        state: String,
        /// Bytes.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// The packet is parsed too deep.
    #[error(
        "`{state}` ends {} into the packet, a parser of the {gress} goes to {available}", counted(*needed, "bytes")
    )]
    TooDeep {
        /// The state.
        state: String,
        /// `ingress` or `egress`.
        gress: &'static str,
        /// Bytes.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// The cursor moves by a value.
    #[error("`{state}` advances by a value, and a parser by constants only")]
    AdvanceByValue {
        /// The state.
        state: String,
    },
    /// A value set that is wider than what a transition looks at.
    #[error(
        "a member of the value set `{value_set}` has {}, a transition matches on {available}", counted(*needed, "bytes")
    )]
    ValueSetTooWide {
        /// The value set.
        value_set: String,
        /// Bytes.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Too many checksums at one time.
    #[error(
        "`{block}` computes {} of one packet, the {place} has {}", counted(*needed, "checksums"), counted(*available, "units")
    )]
    TooManyChecksums {
        /// The parser or deparser.
        block: String,
        /// `parser` or `deparser`.
        place: &'static str,
        /// Checksums.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Too many entries of the field dictionary.
    #[error("`{deparser}` emits {}, its field dictionary holds {available}", counted(*needed, "pieces"))]
    DictionaryFull {
        /// The deparser.
        deparser: String,
        /// Entries.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// A message or a header in front of a copy is too long.
    #[error("a {what} of `{deparser}` has {}, the machine takes {available}", counted(*needed, "bytes"))]
    ListTooLong {
        /// The deparser.
        deparser: String,
        /// `digest` or `resubmission`.
        what: &'static str,
        /// Bytes.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Too many of them to be told apart.
    #[error("`{deparser}` has {} of {what}, the machine tells {available} apart", counted(*needed, "kinds"))]
    TooManyKinds {
        /// The deparser.
        deparser: String,
        /// `digest`, `resubmission` or `mirror header`.
        what: &'static str,
        /// Kinds.
        needed: u32,
        /// The limit.
        available: u32,
    },
}

impl PardeProblem {
    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        Code(match self {
            Self::TooManyRows { .. } => "E0550",
            Self::LookaheadTooFar { .. } => "E0551",
            Self::TooDeep { .. } => "E0552",
            Self::AdvanceByValue { .. } => "E0553",
            Self::ValueSetTooWide { .. } => "E0554",
            Self::TooManyChecksums { .. } => "E0555",
            Self::DictionaryFull { .. } => "E0556",
            Self::ListTooLong { .. } => "E0557",
            Self::TooManyKinds { .. } => "E0558",
        })
    }

    /// What would help.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::TooManyRows { .. } => {
                "replace ranges by masks, make value sets smaller, or select on fewer values"
                    .to_owned()
            }
            Self::LookaheadTooFar { available, .. } => {
                format!(
                    "extract or advance first, so that at most {} lie ahead",
                    counted(*available, "bytes")
                )
            }
            Self::TooDeep { .. } => {
                "stop parsing earlier; what is not parsed follows as payload".to_owned()
            }
            Self::AdvanceByValue { .. } => {
                "select on the value, with a state that advances by a constant for each".to_owned()
            }
            Self::ValueSetTooWide { available, .. } => {
                format!(
                    "match on {} of it in the parser, and on the rest in a table",
                    counted(*available, "bytes")
                )
            }
            Self::TooManyChecksums { .. } => {
                "verify or update fewer of them, or some in the other gress".to_owned()
            }
            Self::DictionaryFull { .. } => {
                "emit fewer headers, or join small ones into one".to_owned()
            }
            Self::ListTooLong { .. } => {
                "send fewer fields, or what the receiver can look them up by".to_owned()
            }
            Self::TooManyKinds { .. } => {
                "join kinds with the same fields, and tell them apart by a field".to_owned()
            }
        }
    }
}
