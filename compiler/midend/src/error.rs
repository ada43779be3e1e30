//! What can keep a program out of the tables form.

use p4rmt_source::{Code, Diagnostic, Span};

/// Why a program has no tables form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MidendError {
    /// A loop whose turns are not known before the packet comes.
    #[error("this loop turns as often as a packet says, and no packet passes a table twice")]
    Loop {
        /// The loop.
        span: Span,
    },
    /// Branches nest too deeply.
    #[error("branches nest more than {limit} deep")]
    TooDeep {
        /// How deep they may.
        limit: usize,
        /// Where they do.
        span: Span,
    },
    /// `exit` under a condition in an action.
    #[error("action `{action}` exits under a condition")]
    ConditionalExit {
        /// The action.
        action: String,
        /// The `exit`.
        span: Span,
    },
    /// A call of a unit with memory under a condition in an action.
    #[error("action `{action}` calls {callee} under a condition, but runs all of its calls")]
    ConditionalCall {
        /// The action.
        action: String,
        /// What is called.
        callee: String,
        /// The call.
        span: Span,
    },
    /// A register action reads a field that its caller wrote before.
    #[error(
        "action `{action}` writes `{field}` and then runs {callee}, which reads it as it was before \
         the action"
    )]
    ReadsWritten {
        /// The action.
        action: String,
        /// The register action.
        callee: String,
        /// The field.
        field: String,
        /// The call.
        span: Span,
    },
    /// Substitution made a value too large.
    #[error("a value depends on more than {limit} operands and operators at once")]
    ValueTooLarge {
        /// The limit.
        limit: usize,
        /// The statement.
        span: Span,
    },
    /// A table that stands in two places.
    #[error("table `{table}` is applied twice")]
    AppliedTwice {
        /// The table.
        table: String,
        /// The first `apply`.
        first: Span,
        /// The second `apply`.
        span: Span,
    },
    /// A register that one packet can touch twice.
    #[error("a packet can touch register `{register}` twice")]
    TouchedTwice {
        /// The register.
        register: String,
        /// The access that can come first.
        first: Span,
        /// The access that can follow it.
        span: Span,
    },
    /// A unit with one cell an entry, used where there is no entry.
    #[error("{what} has a cell for each entry of a table, and is used outside the table's actions")]
    DirectOutside {
        /// The unit.
        what: &'static str,
        /// The call.
        span: Span,
    },
}

impl MidendError {
    /// The place in the program.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Loop { span }
            | Self::TooDeep { span, .. }
            | Self::ConditionalExit { span, .. }
            | Self::ConditionalCall { span, .. }
            | Self::ReadsWritten { span, .. }
            | Self::ValueTooLarge { span, .. }
            | Self::AppliedTwice { span, .. }
            | Self::TouchedTwice { span, .. }
            | Self::DirectOutside { span, .. } => *span,
        }
    }

    /// The code that `p4rmt explain` knows.
    #[must_use]
    pub fn code(&self) -> Code {
        Code(match self {
            Self::Loop { .. } => "E0401",
            Self::ConditionalExit { .. } => "E0402",
            Self::ConditionalCall { .. } => "E0403",
            Self::ReadsWritten { .. } => "E0404",
            Self::ValueTooLarge { .. } => "E0405",
            Self::AppliedTwice { .. } => "E0406",
            Self::TooDeep { .. } => "E0410",
            Self::TouchedTwice { .. } => "E0411",
            Self::DirectOutside { .. } => "E0412",
        })
    }

    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Loop { .. } => {
                "let it turn a number of times that the compiler knows, with the rest under a condition"
            }
            Self::TooDeep { .. } => {
                "what follows an `exit` or `return` under a condition nests in the other branch: let a \
                 table decide what ends"
            }
            Self::ConditionalExit { .. } | Self::ConditionalCall { .. } => {
                "test the condition in the control, around two actions, or let the entries of a \
                 table choose between them"
            }
            Self::ReadsWritten { .. } => {
                "write the field in a table that is applied before this one"
            }
            Self::ValueTooLarge { .. } => {
                "compute parts of it in tables that are applied before this one"
            }
            Self::AppliedTwice { .. } => {
                "apply it once, behind a field that says whether to, or declare a second table"
            }
            Self::TouchedTwice { .. } => {
                "let one register action do both, or put the two into branches of one condition"
            }
            Self::DirectOutside { .. } => {
                "call it in an action of its table, or give it a size and an index"
            }
        }
    }
}

impl From<&MidendError> for Diagnostic {
    fn from(error: &MidendError) -> Self {
        let mut diagnostic = Self::error(error.code(), error.span(), error.to_string());
        match error {
            MidendError::TouchedTwice { first, .. } => {
                diagnostic = diagnostic.with_note_at(*first, "it is touched here before");
            }
            MidendError::AppliedTwice { first, .. } => {
                diagnostic = diagnostic.with_note_at(*first, "it is applied here before");
            }
            MidendError::Loop { .. }
            | MidendError::TooDeep { .. }
            | MidendError::ConditionalExit { .. }
            | MidendError::ConditionalCall { .. }
            | MidendError::ReadsWritten { .. }
            | MidendError::ValueTooLarge { .. }
            | MidendError::DirectOutside { .. } => {}
        }
        diagnostic.with_help(error.help())
    }
}
