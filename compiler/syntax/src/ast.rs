//! The syntax tree: P4-16 as written, before any name is resolved.
//!
//! Trees are owned, and every node has a [`Span`]. [`structure`] is the tree without the spans, for
//! comparing two programs that differ in layout only. Names are those of the language's
//! specification, version 1.2.5.
//!
//! What the parser cannot know it does not guess: `X.y` is a [`ExprKind::Member`] of the path `X`
//! and `X(…)` a [`ExprKind::Call`] of it, whether `X` is a variable or a type.
//! `error.X` and `T<…>.x` are [`ExprKind::TypeMember`].

mod declaration;
mod expression;
mod statement;
mod table;
mod types;

pub use declaration::{
    Action, Annotation, AnnotationBody, Const, Control, ControlLocal, ControlType, Declaration,
    DeclarationKind, Direction, Enum, Extern, FieldList, Function, FunctionPrototype,
    Instantiation, MatchKinds, Method, MethodKind, ObjectDeclaration, Package, Parameter, Parser,
    ParserLocal, ParserType, Program, SerializableEnum, StructField, Typedef, ValueSet, Variable,
};
pub use expression::{
    Argument, ArgumentValue, BinaryOp, Expr, ExprKind, IntLiteral, NamedExpr, UnaryOp,
};
pub use statement::{
    Block, ForCollection, Keyset, KeysetKind, KeysetTuple, ParserState, SelectCase, Statement,
    StatementKind, SwitchCase, SwitchLabel, Transition, TransitionKind,
};
pub use table::{ActionRef, Entry, KeyElement, Property, PropertyKind, Table};
pub use types::{Type, TypeKind};

use p4rmt_source::Span;

/// An identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// A name as it is looked up: `x`, or `.x` for the top level's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Whether it begins with a dot.
    pub is_absolute: bool,
    /// The name.
    pub name: Name,
    /// Where, the dot included.
    pub span: Span,
}

/// The tree as text without its spans: equal for two programs that differ in layout only.
#[must_use]
pub fn structure(program: &Program) -> String {
    let with_spans = format!("{program:?}");
    let mut text = String::with_capacity(with_spans.len());
    let mut rest = with_spans.as_str();
    while let Some((before, after)) = rest.split_once("Span(") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text
}
