//! Statements, parser states, and keysets as written.

use p4rmt_source::Span;

use crate::ast::{Annotation, BinaryOp, Const, Expr, Instantiation, Name, Type, Variable};

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Which one.
    pub kind: StatementKind,
    /// Where.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// `;`
    Empty,
    /// `x = a;`, `x += a;`
    Assign {
        /// The place that is written.
        target: Expr,
        /// The operator before `=`, if there is one.
        op: Option<BinaryOp>,
        /// The value.
        value: Expr,
    },
    /// A call; the expression is an [`ExprKind::Call`](crate::ast::ExprKind::Call).
    Call(Expr),
    /// `if (c) … else …`
    If {
        /// What is asked.
        condition: Expr,
        /// What is done when it holds.
        then: Box<Statement>,
        /// What is done when it does not.
        otherwise: Option<Box<Statement>>,
    },
    /// `{ … }`
    Block(Block),
    /// `return;`, `return a;`
    Return(Option<Expr>),
    /// `exit;`
    Exit,
    /// `break;`
    Break,
    /// `continue;`
    Continue,
    /// `switch (a) { … }`
    Switch {
        /// What is looked at.
        subject: Expr,
        /// The cases, in order.
        cases: Vec<SwitchCase>,
    },
    /// `for (init, …; condition; update, …) …`
    For {
        /// Before the loop's keyword.
        annotations: Vec<Annotation>,
        /// Declarations, assignments and calls that come first.
        init: Vec<Statement>,
        /// Asked before each round.
        condition: Expr,
        /// Assignments and calls after each round.
        update: Vec<Statement>,
        /// Each round.
        body: Box<Statement>,
    },
    /// `for (T x in a) …`
    ForIn {
        /// Before the loop's keyword.
        annotations: Vec<Annotation>,
        /// Before the variable.
        variable_annotations: Vec<Annotation>,
        /// The variable's type.
        ty: Type,
        /// The variable.
        name: Name,
        /// What it runs over.
        collection: ForCollection,
        /// Each round.
        body: Box<Statement>,
    },
    /// A variable.
    Variable(Variable),
    /// A constant.
    Const(Const),
    /// An instantiation, which the language does not allow here; kept for a good error.
    Instantiation(Instantiation),
}

/// What a `for … in` loop runs over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForCollection {
    /// An expression.
    Expr(Expr),
    /// `first .. last`, both included.
    Range(Expr, Expr),
}

/// `{ … }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Before the brace.
    pub annotations: Vec<Annotation>,
    /// Statements and declarations, in order.
    pub statements: Vec<Statement>,
    /// Where, from brace to brace.
    pub span: Span,
}

/// A case of a `switch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchCase {
    /// What it is for.
    pub label: SwitchLabel,
    /// What is done; `None` falls through to the next case.
    pub body: Option<Block>,
    /// Where.
    pub span: Span,
}

/// The label of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchLabel {
    /// `default`
    Default(Span),
    /// A value, or the name of an action.
    Expr(Expr),
}

/// A parser's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParserState {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name.
    pub name: Name,
    /// What is done in it.
    pub statements: Vec<Statement>,
    /// Where it goes; `None` goes to `reject`.
    pub transition: Option<Transition>,
    /// Where.
    pub span: Span,
}

/// `transition …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Which kind.
    pub kind: TransitionKind,
    /// Where.
    pub span: Span,
}

/// The kinds of transitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransitionKind {
    /// To one state.
    Direct(Name),
    /// By value.
    Select {
        /// What is looked at, one or more.
        subjects: Vec<Expr>,
        /// The cases, in order.
        cases: Vec<SelectCase>,
    },
}

/// A case of a `select`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectCase {
    /// What must match.
    pub keyset: KeysetTuple,
    /// The state to go to.
    pub state: Name,
    /// Where.
    pub span: Span,
}

/// What must match, one keyset for each value that is looked at. A single `_` or `default` stands for
/// any number of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysetTuple {
    /// The keysets, in order.
    pub elements: Vec<Keyset>,
    /// Whether they were written in parentheses.
    pub is_tuple: bool,
    /// Where.
    pub span: Span,
}

/// A set of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyset {
    /// Which kind.
    pub kind: KeysetKind,
    /// Where.
    pub span: Span,
}

/// The kinds of keysets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysetKind {
    /// `default`
    Default,
    /// `_`
    DontCare,
    /// One value, or the name of a value set.
    Expr(Expr),
    /// `value &&& mask`
    Mask(Expr, Expr),
    /// `first .. last`, both included.
    Range(Expr, Expr),
}
