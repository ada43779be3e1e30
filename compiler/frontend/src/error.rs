//! What can be wrong with a program that is P4-16: one variant a cause.
//!
//! E4xxx architecture and externs, E5xxx what the language has and this compiler does not carry; and
//! the codes of typing, where only instantiation shows what is wrong.

use crate::explain;

/// A cause of a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// What the language forbids, and only instantiation shows; or a type or value that the machine
    /// cannot take.
    #[error(transparent)]
    Language(#[from] p4rmt_typing::ErrorKind),

    /// A program without `main`.
    #[error("the program has no instance `main`")]
    NoMain,
    /// A package that is of no machine.
    #[error("no machine runs the package `{name}`")]
    UnknownPackage {
        /// The type of `main`.
        name: String,
    },
    /// A call in a part of the program where the machine does not have what is called.
    #[error("`{callee}` may not be called in {place}")]
    CallPlace {
        /// The function, or the extern and its method.
        callee: String,
        /// Where, with its article.
        place: &'static str,
        /// Where it may be called, with articles.
        possible: String,
    },
    /// A request to the switch that is made in the wrong control.
    #[error("`{function}` may only be called in the {needed}")]
    ControlPlace {
        /// The function.
        function: String,
        /// The control that may.
        needed: &'static str,
    },
    /// An extern of state that both gresses use.
    #[error("`{name}` is used in both gresses")]
    SharedExtern {
        /// The instance.
        name: String,
    },
    /// An element type that a register cannot have.
    #[error("`{ty}` is not an element of a register")]
    RegisterElement {
        /// The type.
        ty: String,
    },
    /// A list of bits whose length the machine cannot cut into units.
    #[error("these data have {bits} bits, and a multiple of {unit} is needed")]
    Alignment {
        /// How many there are.
        bits: u32,
        /// Of what they must be a multiple.
        unit: u32,
    },
    /// Two action selectors over one action profile.
    #[error("`{profile}` has an action selector already")]
    SecondSelector {
        /// The profile's name.
        profile: String,
    },
    /// Calls of one counter or meter that adjust differently.
    #[error("`{name}` counts {first} bytes less elsewhere, here {second}")]
    SecondAdjustment {
        /// The counter's or meter's name.
        name: String,
        /// What an earlier call says.
        first: i64,
        /// What this one says.
        second: i64,
    },
    /// A part of the language.
    #[error("{what} is not supported")]
    Construct {
        /// Its name.
        what: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// An extern of the architecture.
    #[error("extern `{name}` is not supported")]
    Extern {
        /// Its name.
        name: String,
    },
    /// A method of an extern of the architecture.
    #[error("`{object}.{method}` is not supported")]
    ExternMethod {
        /// The extern.
        object: String,
        /// The method.
        method: String,
    },
    /// A property of tables.
    #[error("table property `{name}` is not supported")]
    TableProperty {
        /// As written.
        name: String,
    },
    /// A way to match.
    #[error("match kind `{name}` is not supported")]
    MatchKind {
        /// As written.
        name: String,
    },
    /// A program that grows beyond bounds when everything is inlined.
    #[error("more than {limit} {what} after everything is inlined")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// Statements, expressions or calls nested too deeply.
    #[error("this nests deeper than {limit} levels when everything is inlined")]
    TooDeep {
        /// How deep they may nest.
        limit: usize,
    },
}

impl ErrorKind {
    /// The code that `p4rmt explain` knows.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Language(kind) => kind.code(),
            Self::NoMain => "E4001",
            Self::UnknownPackage { .. } => "E4002",
            Self::CallPlace { .. } | Self::ControlPlace { .. } => "E4006",
            Self::SharedExtern { .. } => "E4007",
            Self::RegisterElement { .. } => "E4008",
            Self::Alignment { .. } => "E4010",
            Self::SecondSelector { .. } => "E4014",
            Self::SecondAdjustment { .. } => "E4015",
            Self::Construct { .. } => "E5001",
            Self::Extern { .. } | Self::ExternMethod { .. } => "E5002",
            Self::TableProperty { .. } => "E5003",
            Self::MatchKind { .. } => "E5004",
            Self::TooMany { .. } | Self::TooDeep { .. } => "E5005",
        }
    }

    /// The way out, in a few words.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::CallPlace { possible, .. } => format!("call it in {possible}"),
            Self::ControlPlace { needed, .. } => format!("move the call to the {needed}"),
            Self::Construct { instead, .. } => (*instead).to_owned(),
            _ => {
                let code = self.code();
                let page = explain::explanation(code).or_else(|| p4rmt_typing::explanation(code));
                page.map_or_else(String::new, |page| page.help.to_owned())
            }
        }
    }
}
