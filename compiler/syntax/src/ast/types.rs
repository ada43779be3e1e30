//! Types as written.

use p4rmt_source::Span;

use crate::ast::{Declaration, Expr, Path};

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// Which one.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// The kinds of types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    /// `void`, as the result of functions and as a type argument.
    Void,
    /// `bool`.
    Bool,
    /// `error`.
    Error,
    /// `match_kind`.
    MatchKind,
    /// `string`.
    String,
    /// `bit<W>`; without a width, `bit`, which is `bit<1>`.
    Bit(Option<Box<Expr>>),
    /// `int<W>`.
    Int(Box<Expr>),
    /// `int`, of any size.
    Integer,
    /// `varbit<W>`.
    Varbit(Box<Expr>),
    /// A declared type, or a type variable.
    Named(Path),
    /// `T<A, …>`.
    Specialized {
        /// The generic type.
        base: Path,
        /// Its arguments.
        args: Vec<Type>,
    },
    /// `T[N]`.
    Array {
        /// The type of an element.
        element: Box<Type>,
        /// How many.
        size: Box<Expr>,
    },
    /// `tuple<A, …>`.
    Tuple(Vec<Type>),
    /// `list<A>`.
    List(Box<Type>),
    /// `_`, as a type argument.
    DontCare,
    /// A struct, header, union or enum declared within a `typedef`.
    Derived(Box<Declaration>),
}
