//! What can keep a program out of the tables form.

use p4rmt_source::{Code, Diagnostic, Span};

/// Why a program has no tables form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MidendError {
    /// A loop that the front end did not unroll.
    #[error("a loop has no place in a pipeline of tables")]
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
    /// A statement of a parser or deparser in a control, or of a control in an action.
    #[error("{what} has no place in {place}")]
    Misplaced {
        /// The statement.
        what: &'static str,
        /// Where it stands.
        place: &'static str,
        /// The statement.
        span: Span,
    },
    /// A gress with more than one control, or none.
    #[error("tables are made of one control, and the gress has {n_controls}")]
    NotOneControl {
        /// How many it has.
        n_controls: usize,
        /// The pipe.
        span: Span,
    },
    /// A `Leave` of a label that is not around it.
    #[error("a statement leaves a block that it is not in")]
    UnknownLabel {
        /// The statements.
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
            | Self::DirectOutside { span, .. }
            | Self::Misplaced { span, .. }
            | Self::NotOneControl { span, .. }
            | Self::UnknownLabel { span } => *span,
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
            Self::Misplaced { .. } => "E0407",
            Self::NotOneControl { .. } => "E0408",
            Self::UnknownLabel { .. } => "E0409",
            Self::TooDeep { .. } => "E0410",
            Self::TouchedTwice { .. } => "E0411",
            Self::DirectOutside { .. } => "E0412",
        })
    }

    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Loop { .. } => Some("write the turns of the loop out one after the other"),
            Self::TooDeep { .. } => Some("split the control, or let a table decide"),
            Self::ConditionalExit { .. } | Self::ConditionalCall { .. } => Some(
                "test the condition in the control, around two actions, or let the entries of a \
                 table choose between them",
            ),
            Self::ReadsWritten { .. } => {
                Some("write the field in a table that is applied before this one")
            }
            Self::ValueTooLarge { .. } => {
                Some("compute parts of it in tables that are applied before this one")
            }
            Self::AppliedTwice { .. } => Some(
                "apply it once, behind a field that says whether to, or declare a second table",
            ),
            Self::TouchedTwice { .. } => Some(
                "let one register action do both, or put the two into branches of one condition",
            ),
            Self::DirectOutside { .. } => {
                Some("call it in an action of its table, or give it a size and an index")
            }
            Self::Misplaced { .. } | Self::NotOneControl { .. } | Self::UnknownLabel { .. } => None,
        }
    }
}

impl From<&MidendError> for Diagnostic {
    fn from(error: &MidendError) -> Self {
        let mut diagnostic = Self::error(error.code(), error.span(), error.to_string());
        if let MidendError::TouchedTwice { first, .. } = error {
            diagnostic = diagnostic.with_note_at(*first, "it is touched here before");
        }
        match error.help() {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        }
    }
}
