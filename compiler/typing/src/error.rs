//! What can be wrong with a program whatever its architecture: one variant a cause.
//!
//! E1xxx names, E2xxx types, E3xxx constants.

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

    /// Types or expressions nested too deeply.
    #[error("this nests deeper than {limit} levels")]
    TooDeep {
        /// How deep they may nest.
        limit: usize,
    },
    /// A call that gives nothing, where a value is needed.
    #[error("this call gives no value")]
    NoValue,
    /// A size of what has none.
    #[error("`{ty}` has no size")]
    NoSize {
        /// The type.
        ty: String,
    },
    /// Keysets that are more or fewer than what they are matched with.
    #[error("{needed} values are matched, with {available} keysets")]
    KeyCount {
        /// How many values there are.
        needed: usize,
        /// How many keysets there are.
        available: usize,
    },
    /// A type that is put together from too many others.
    #[error("this type is made of more than {most} others")]
    TypeTooLarge {
        /// How many it may be made of.
        most: u32,
    },
    /// Something else where an action must be named.
    #[error("this names no action")]
    NotAnAction,
    /// A string too long to be put together.
    #[error("this string has more than {most} bytes")]
    StringTooLong {
        /// How many bytes it may have.
        most: usize,
    },
    /// A number too large to be computed with.
    #[error("this number needs more than {most} bits")]
    NumberTooLarge {
        /// How many bits it may need.
        most: usize,
    },
    /// `...` for a type that has no default value.
    #[error("`{ty}` has no default value")]
    NoDefault {
        /// The type.
        ty: String,
    },
    /// A struct expression that lacks a field.
    #[error("no value for the field `{field}` of `{ty}`")]
    MissingField {
        /// The type.
        ty: String,
        /// The field.
        field: String,
    },
    /// Arguments of which some are named and some are not.
    #[error("either all arguments are named, or none")]
    MixedArguments,
    /// A call that no function of the name fits.
    #[error("no `{callee}` takes {available} arguments of these names")]
    NoOverload {
        /// What is called.
        callee: String,
        /// How many arguments there are.
        available: usize,
    },
    /// A call that several functions of the name fit.
    #[error("more than one `{callee}` fits these arguments")]
    AmbiguousCall {
        /// What is called.
        callee: String,
    },
    /// A rule beside names and types.
    #[error(transparent)]
    Rule(#[from] crate::rules::Violation),
    /// An instance that lacks an abstract method that it must define.
    #[error("`{name}` does not define the abstract method `{method}`")]
    MissingMethod {
        /// The instance.
        name: String,
        /// The method.
        method: String,
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
            Self::WrongKind { .. } | Self::NotAnAction => "E1005",
            Self::UnknownState { .. } => "E1006",
            Self::Mismatch { .. } => "E2001",
            Self::BinaryOperands { .. } | Self::UnaryOperand { .. } => "E2002",
            Self::NotAssignable => "E2003",
            Self::ReadOnly { .. } => "E2004",
            Self::ArgumentCount { .. }
            | Self::UnknownParameter { .. }
            | Self::MissingArgument { .. }
            | Self::MixedArguments
            | Self::NoOverload { .. }
            | Self::AmbiguousCall { .. } => "E2005",
            Self::NoValue => "E2017",
            Self::NoSize { .. } => "E2018",
            Self::KeyCount { .. } => "E2020",
            Self::NoDefault { .. } => "E2015",
            Self::MissingField { .. } => "E2016",
            Self::NumberTooLarge { .. } | Self::StringTooLong { .. } => "E3007",
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
            Self::TooDeep { .. } | Self::TypeTooLarge { .. } => "E2013",
            Self::Rule(violation) => violation.code(),
            Self::MissingMethod { .. } => "E2014",
        }
    }
}
