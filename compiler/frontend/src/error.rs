//! What can be wrong with a program after it has been parsed: one variant a cause.
//!
//! E1xxx names, E2xxx types, E3xxx constants, E4xxx architecture and externs, E5xxx what the
//! language has and this compiler does not carry. [`explanations`] is what `p4rmt explain` reads.

use crate::explain;

/// A cause of a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// A name that nothing declares.
    #[error("unknown name `{name}`")]
    UnknownName {
        /// As written.
        name: String,
    },
    /// Two declarations of one name in one scope.
    #[error("`{name}` is declared twice")]
    DuplicateName {
        /// As written.
        name: String,
    },
    /// A member that its type does not have.
    #[error("`{ty}` has no member `{member}`")]
    UnknownMember {
        /// The type.
        ty: String,
        /// The member.
        member: String,
    },
    /// A declaration that needs itself.
    #[error("`{name}` is declared in terms of itself")]
    Recursive {
        /// The declaration.
        name: String,
    },
    /// A name that stands for something of another kind.
    #[error("`{name}` is not {expected}")]
    WrongKind {
        /// As written.
        name: String,
        /// What was needed, with its article.
        expected: &'static str,
    },
    /// A transition to a state that the parser does not have.
    #[error("no state `{name}` in this parser")]
    UnknownState {
        /// As written.
        name: String,
    },

    /// A value of a type that does not fit.
    #[error("expected `{expected}`, found `{found}`")]
    Mismatch {
        /// The type that was needed.
        expected: String,
        /// The type that was there.
        found: String,
    },
    /// An operator on types that it is not defined for.
    #[error("operator `{operator}` is not defined on `{lhs}` and `{rhs}`")]
    BinaryOperands {
        /// As written.
        operator: &'static str,
        /// The type on its left.
        lhs: String,
        /// The type on its right.
        rhs: String,
    },
    /// An operator on a type that it is not defined for.
    #[error("operator `{operator}` is not defined on `{arg}`")]
    UnaryOperand {
        /// As written.
        operator: &'static str,
        /// The type of the operand.
        arg: String,
    },
    /// An assignment to something that does not hold a value.
    #[error("this cannot be written to")]
    NotAssignable,
    /// An assignment to a parameter without `out`.
    #[error("`{name}` is read only")]
    ReadOnly {
        /// The parameter or constant.
        name: String,
    },
    /// A call with too many or too few arguments.
    #[error("`{callee}` takes {needed} arguments, {available} given")]
    ArgumentCount {
        /// What is called.
        callee: String,
        /// How many it takes.
        needed: usize,
        /// How many there are.
        available: usize,
    },
    /// An argument named for a parameter that is not there.
    #[error("`{callee}` has no parameter `{name}`")]
    UnknownParameter {
        /// What is called.
        callee: String,
        /// As written.
        name: String,
    },
    /// A parameter without an argument.
    #[error("`{callee}` needs an argument for `{name}`")]
    MissingArgument {
        /// What is called.
        callee: String,
        /// The parameter.
        name: String,
    },
    /// A cast that the language does not have.
    #[error("`{from}` cannot be cast to `{to}`")]
    Cast {
        /// The type of the value.
        from: String,
        /// The type that was asked for.
        to: String,
    },
    /// A number where a width is needed to store it.
    #[error("this number needs a width")]
    NeedsWidth,
    /// Type arguments of which there are too many or too few.
    #[error("`{name}` takes {needed} type arguments, {available} given")]
    TypeArgumentCount {
        /// The generic declaration.
        name: String,
        /// How many it takes.
        needed: usize,
        /// How many there are.
        available: usize,
    },
    /// A type argument that nothing determines.
    #[error("type argument `{name}` cannot be inferred")]
    CannotInfer {
        /// The type parameter.
        name: String,
    },
    /// Something called that cannot be.
    #[error("`{name}` cannot be called here")]
    NotCallable {
        /// As written.
        name: String,
    },
    /// A bit range outside of what is sliced.
    #[error("bits [{hi}:{lo}] of a value of {width} bits")]
    SliceRange {
        /// Highest bit.
        hi: String,
        /// Lowest bit.
        lo: String,
        /// Width of the value.
        width: u32,
    },
    /// A `return` with a value where none is wanted, or without one where one is.
    #[error("this `return` does not fit what it returns from")]
    Return,
    /// A statement where its kind may not stand.
    #[error("{what} may not stand in {place}")]
    Misplaced {
        /// The statement, with its article.
        what: &'static str,
        /// Where it stands, with its article.
        place: &'static str,
    },

    /// An expression that must be known when the program is compiled.
    #[error("this must be a constant")]
    NotConstant,
    /// A division by a constant zero, or of negative constants.
    #[error("division of {lhs} by {rhs} has no result")]
    Division {
        /// Dividend.
        lhs: String,
        /// Divisor.
        rhs: String,
    },
    /// A shift of a constant by a negative or absurd distance.
    #[error("shift by {distance}")]
    ShiftDistance {
        /// The distance.
        distance: String,
    },
    /// A width that no value can have.
    #[error("a width of {width} bits is outside {least} to {most}")]
    Width {
        /// As evaluated.
        width: String,
        /// Least width.
        least: u32,
        /// Greatest width.
        most: u32,
    },
    /// A size that is negative or absurd.
    #[error("a size of {size} is outside {least} to {most}")]
    Size {
        /// As evaluated.
        size: String,
        /// Least size.
        least: u64,
        /// Greatest size.
        most: u64,
    },
    /// An index beyond the elements.
    #[error("index {index} of a stack of {size}")]
    IndexRange {
        /// The index.
        index: String,
        /// How many elements there are.
        size: u32,
    },

    /// A `static_assert` that does not hold.
    #[error("this assertion does not hold")]
    AssertionFailed,

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
    /// A key set that its match kind cannot hold.
    #[error("a key matched `{kind}` cannot take {what}")]
    EntryKey {
        /// The match kind.
        kind: &'static str,
        /// What was given, with its article.
        what: &'static str,
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
            Self::UnknownName { .. } => "E1001",
            Self::DuplicateName { .. } => "E1002",
            Self::UnknownMember { .. } => "E1003",
            Self::Recursive { .. } => "E1004",
            Self::WrongKind { .. } => "E1005",
            Self::UnknownState { .. } => "E1006",
            Self::Mismatch { .. } => "E2001",
            Self::BinaryOperands { .. } | Self::UnaryOperand { .. } => "E2002",
            Self::NotAssignable => "E2003",
            Self::ReadOnly { .. } => "E2004",
            Self::ArgumentCount { .. }
            | Self::UnknownParameter { .. }
            | Self::MissingArgument { .. } => "E2005",
            Self::Cast { .. } => "E2006",
            Self::NeedsWidth => "E2007",
            Self::TypeArgumentCount { .. } | Self::CannotInfer { .. } => "E2008",
            Self::NotCallable { .. } => "E2009",
            Self::SliceRange { .. } => "E2010",
            Self::Return => "E2011",
            Self::Misplaced { .. } => "E2012",
            Self::NotConstant => "E3001",
            Self::Division { .. } | Self::ShiftDistance { .. } => "E3003",
            Self::Width { .. } | Self::Size { .. } => "E3004",
            Self::IndexRange { .. } => "E3005",
            Self::AssertionFailed => "E3006",
            Self::NoMain => "E4001",
            Self::UnknownPackage { .. } => "E4002",
            Self::CallPlace { .. } | Self::ControlPlace { .. } => "E4006",
            Self::SharedExtern { .. } => "E4007",
            Self::RegisterElement { .. } => "E4008",
            Self::Alignment { .. } => "E4010",
            Self::EntryKey { .. } => "E4012",
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
                let page = explain::explanation(self.code());
                page.map_or_else(String::new, |page| page.help.to_owned())
            }
        }
    }
}
