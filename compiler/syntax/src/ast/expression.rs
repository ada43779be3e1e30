//! Expressions as written.

use num_bigint::BigUint;
use p4rmt_source::Span;

use crate::ast::{Name, Path, Type};

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// Which one.
    pub kind: ExprKind,
    /// Where. Parentheses around an expression are in its span and nowhere else.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// `true`, `false`.
    Bool(bool),
    /// An integer.
    Int(IntLiteral),
    /// A string, with its escapes resolved.
    String(String),
    /// A name.
    Path(Path),
    /// `this`, within the methods of an instance.
    This,
    /// `...`: the default value of the type that is expected.
    Dots,
    /// `{#}`: an invalid header or header union.
    Invalid,
    /// `{ a, b }`.
    List(Vec<Expr>),
    /// `{ x = a, y = b, ... }`.
    Struct {
        /// The fields, as written.
        fields: Vec<NamedExpr>,
        /// Whether `...` stands at the end, for the other fields' default values.
        has_dots: bool,
    },
    /// `-a`, `!a`, `~a`, `+a`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: Box<Expr>,
    },
    /// `a + b` and the like.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// On its left.
        left: Box<Expr>,
        /// On its right.
        right: Box<Expr>,
    },
    /// `c ? a : b`.
    Conditional {
        /// What is asked.
        condition: Box<Expr>,
        /// The value when it holds.
        then: Box<Expr>,
        /// The value when it does not.
        otherwise: Box<Expr>,
    },
    /// `(T) a`.
    Cast {
        /// To which type.
        ty: Type,
        /// What.
        operand: Box<Expr>,
    },
    /// `a.x`.
    Member {
        /// Of what: a value, or a path that names a type.
        base: Box<Expr>,
        /// Which member.
        name: Name,
    },
    /// `error.x`, `T<A>.x`.
    TypeMember {
        /// Of which type.
        ty: Type,
        /// Which member.
        name: Name,
    },
    /// `a[i]`.
    Index {
        /// Of what.
        base: Box<Expr>,
        /// Which element.
        index: Box<Expr>,
    },
    /// `a[hi:lo]`.
    Slice {
        /// Of what.
        base: Box<Expr>,
        /// The most significant bit.
        hi: Box<Expr>,
        /// The least significant bit.
        lo: Box<Expr>,
    },
    /// `a[lo+:width]`.
    PlusSlice {
        /// Of what.
        base: Box<Expr>,
        /// The least significant bit.
        lo: Box<Expr>,
        /// How many bits.
        width: Box<Expr>,
    },
    /// `f(a)`, `f<T>(a)`, `x.m(a)`, and `C(a)` for a constructor.
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// Type arguments; empty when there are none.
        type_args: Vec<Type>,
        /// Arguments.
        args: Vec<Argument>,
    },
}

/// An integer as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntLiteral {
    /// Its value.
    pub value: BigUint,
    /// The width in bits and whether it is signed, for `8w…` and `8s…`.
    pub width: Option<(u32, bool)>,
    /// The text, base and width prefix included.
    pub text: String,
}

/// `name = value` in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedExpr {
    /// The name.
    pub name: Name,
    /// The value.
    pub value: Expr,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The parameter's name, in `name = value`.
    pub name: Option<Name>,
    /// The value.
    pub value: ArgumentValue,
    /// Where.
    pub span: Span,
}

/// What an argument gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentValue {
    /// A value, or a place to write to.
    Expr(Expr),
    /// `_`: what an `out` parameter gives is not wanted.
    DontCare,
}

/// The operators of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `~`
    Complement,
    /// `-`
    Negate,
    /// `+`
    Plus,
}

/// The operators of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `|+|`
    AddSat,
    /// `|-|`
    SubSat,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `<=`
    Le,
    /// `>=`
    Ge,
    /// `<`
    Lt,
    /// `>`
    Gt,
    /// `!=`
    Ne,
    /// `==`
    Eq,
    /// `&`
    BitAnd,
    /// `^`
    BitXor,
    /// `|`
    BitOr,
    /// `++`
    Concat,
    /// `&&`
    And,
    /// `||`
    Or,
}

impl BinaryOp {
    /// As a program writes it.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Add => "+",
            Self::Sub => "-",
            Self::AddSat => "|+|",
            Self::SubSat => "|-|",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::Le => "<=",
            Self::Ge => ">=",
            Self::Lt => "<",
            Self::Gt => ">",
            Self::Ne => "!=",
            Self::Eq => "==",
            Self::BitAnd => "&",
            Self::BitXor => "^",
            Self::BitOr => "|",
            Self::Concat => "++",
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}
