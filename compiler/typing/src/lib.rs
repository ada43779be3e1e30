//! Names, types and constants of a whole P4-16 program, whatever its architecture, by the language's
//! specification (1.2.5).
//!
//! [`check`] walks over all declarations in order, those of included files and those that nothing uses
//! too, and needs no `main`. Generic declarations are checked once, as they are: types within them
//! mention type parameters, and what lowers a program says what these stand for. The result is [`Typed`]: side tables beside the tree.
//!
//! | file | what it does |
//! |---|---|
//! | `types`, `value`, `decl`, `typed` | what is found out: types, values, declarations, side tables |
//! | `check`, `scope`, `show`, `hints` | the state of the walk; what names mean; types in messages; remarks |
//! | `declare`, `resolve`, `blocks`, `stmt` | the walk: heads, written types, bodies, statements |
//! | `expr`, `member`, `operators`, `cast`, `sizes`, `capability`, `eval` | expressions: types and values |
//! | `call`, `args`, `infer` | calls: overloads, arguments, inference of type arguments |
//! | `convert`, `place` | implicit conversions; what can be written to |
//! | `tables`, `entries`, `keysets`, `states` | what only tables and parsers have |
//! | `rules` | what the specification forbids beyond names and types |
//!
//! ```
//! use std::path::Path;
//! use p4rmt_syntax::{LoadError, Loader, Options, parse};
//! use p4rmt_typing::Value;
//!
//! struct OneFile;
//! impl Loader for OneFile {
//!     fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
//!         let text = "const bit<8> x = 200 + 100;".to_owned();
//!         Ok((path == Path::new("a.p4")).then_some(text))
//!     }
//! }
//!
//! let parsed = parse(Path::new("a.p4"), &Options::default(), &OneFile).expect("well formed");
//! let (typed, diagnostics) = p4rmt_typing::check(&parsed.program);
//! assert!(!diagnostics.has_errors());
//! let x = typed.decls.iter().find(|decl| decl.name == "x").expect("declared");
//! assert_eq!(x.value, Some(Value::Int(44.into())));
//! ```
//!
//! What has been complained about gets the type [`TypeKind::Poison`], which agrees with everything, so
//! that one mistake is reported once. Nothing here prints, and no tree makes it panic.

mod args;
mod blocks;
mod call;
mod capability;
mod cast;
mod check;
mod convert;
mod decl;
mod declare;
mod entries;
mod error;
pub mod eval;
mod explain;
mod expr;
mod hash;
mod hints;
mod infer;
mod keysets;
mod member;
mod near;
mod operators;
mod place;
mod resolve;
mod rules;
mod scope;
mod show;
mod sizes;
mod states;
mod stmt;
mod tables;
mod typed;
mod types;
mod value;
mod walk;
mod warnings;

use p4rmt_source::{Diagnostics, Span};
use p4rmt_syntax::ast;

pub use decl::{
    Decl, DeclId, Detail, Field, Member, Node, Param, ParamRole, Signature, SignatureKind,
};
pub use error::ErrorKind;
pub use explain::{explanation, explanations};
pub use rules::{Violation, string_of};
pub use typed::{ArgSource, Builtin, Call, Callee, ExprFacts, MemberOf, Typed};
pub use types::{Sort, Type, TypeKind, Types};
pub use value::{Known, Value};
pub use warnings::{Origin, Silenced, Warning};

use crate::check::Checker;

/// Checks a program; what is wrong is said in the order of its text. What was found out is complete
/// only if there is no error among the diagnostics.
#[must_use]
pub fn check(program: &ast::Program) -> (Typed<'_>, Diagnostics) {
    run(program, None)
}

/// Checks a program as [`check`] does, and if it has no error says what it may not mean. `origin` tells
/// where a piece of its text comes from.
#[must_use]
pub fn check_and_warn<'a>(
    program: &'a ast::Program,
    origin: &dyn Fn(Span) -> Origin,
) -> (Typed<'a>, Diagnostics) {
    run(program, Some(origin))
}

fn run<'a>(
    program: &'a ast::Program,
    origin: Option<&dyn Fn(Span) -> Origin>,
) -> (Typed<'a>, Diagnostics) {
    let mut checker = Checker::new();
    checker.program(program);
    rules::check_program(&mut checker, program);
    let mut diagnostics = std::mem::take(&mut checker.diagnostics);
    diagnostics.sort_by_place();
    if let Some(origin) = origin.filter(|_| !diagnostics.has_errors()) {
        diagnostics.append(warnings::check(&mut checker, program, origin));
    }
    let typed = Typed {
        types: checker.types,
        decls: checker.decls,
        tables: checker.tables,
        top_level: checker.scopes.into_top(),
    };
    (typed, diagnostics)
}
