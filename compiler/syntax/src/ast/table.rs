//! Tables as written: every property in its place and order.

use p4rmt_source::Span;

use crate::ast::{Annotation, Argument, Expr, KeysetTuple, Name, Path};

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name.
    pub name: Name,
    /// Its properties, in order.
    pub properties: Vec<Property>,
    /// Where.
    pub span: Span,
}

/// A property of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Whether it says `const`.
    pub is_const: bool,
    /// Which one.
    pub kind: PropertyKind,
    /// Where.
    pub span: Span,
}

/// The kinds of properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyKind {
    /// `key = { … }`
    Key(Vec<KeyElement>),
    /// `actions = { … }`
    Actions(Vec<ActionRef>),
    /// `entries = { … }`
    Entries(Vec<Entry>),
    /// `default_action = a;` or `a(…)`.
    DefaultAction(Expr),
    /// `size = a;`
    Size(Expr),
    /// Any other.
    Other {
        /// Its name.
        name: Name,
        /// Its value.
        value: Expr,
    },
}

/// `a : kind;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyElement {
    /// What is matched.
    pub expr: Expr,
    /// How.
    pub match_kind: Name,
    /// After it, such as `@name`.
    pub annotations: Vec<Annotation>,
    /// Where.
    pub span: Span,
}

/// An action in the list of a table or in an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRef {
    /// Before it, such as `@defaultonly`.
    pub annotations: Vec<Annotation>,
    /// The action.
    pub path: Path,
    /// Its arguments; `None` when there are no parentheses.
    pub args: Option<Vec<Argument>>,
    /// Where.
    pub span: Span,
}

/// `const priority = 5 : keyset : action(…);`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whether it says `const`.
    pub is_const: bool,
    /// `priority = …`
    pub priority: Option<Expr>,
    /// What must match.
    pub keyset: KeysetTuple,
    /// What is done.
    pub action: ActionRef,
    /// After the action.
    pub annotations: Vec<Annotation>,
    /// Where.
    pub span: Span,
}
