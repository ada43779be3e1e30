//! Instantiation: from a syntax tree and what typing found out about it to the structured IR.
//!
//! What names mean, which types and constants there are, which conversions stand where, and which
//! declaration a call means: all that is asked of [`Typed`](p4rmt_typing::Typed). [`lower`] takes the
//! program apart in one walk from `main` inwards:
//!
//! 1. `main` and its pipelines are taken apart; the blocks of a gress share storage ([`package`]).
//! 2. Parsers, controls and deparsers are walked with every sub-parser, sub-control, function and
//!    directly called action put in its place ([`parser`], [`inline`], [`stmt`], [`expr`]). A declaration
//!    stands for something else in each of them ([`scope`]); type parameters get what they stand for
//!    ([`concrete`]), and constants that only instantiation gives are computed ([`operators`], [`fold`]).
//!    What externs mean is known by name ([`externs`]).
//!
//! What no pipe reaches is not lowered: typing has checked it. Every complaint is a
//! [`Diagnostic`](p4rmt_source::Diagnostic) with a code that [`explanation`] or typing knows; after one,
//! lowering goes on with the next statement. Nothing here prints, and no tree makes it panic.

mod action;
mod args;
mod assign;
mod call;
mod compact;
mod concrete;
mod convert;
mod entries;
mod error;
mod exits;
mod explain;
mod expr;
mod externs;
mod fold;
mod gress;
mod in_hash;
mod inline;
mod leaves;
mod loops;
mod lower;
mod member;
mod operators;
mod package;
mod parser;
mod priority;
mod rewrite;
mod scope;
mod select;
mod stmt;
mod storage;
mod table;
mod types;
mod v1switch;
mod value;

use std::collections::HashSet;

use p4rmt_ir::Program;
use p4rmt_source::Diagnostics;
use p4rmt_syntax::ast::{self, DeclarationKind};
use p4rmt_typing::Typed;

pub use error::ErrorKind;
pub use explain::{explanation, explanations};

use crate::lower::Lower;

/// Errors that `core.p4` declares, in its order: they come first in every program.
const STANDARD_ERRORS: [&str; 7] = [
    "NoError",
    "PacketTooShort",
    "NoMatch",
    "StackOutOfBounds",
    "HeaderTooShort",
    "ParserTimeout",
    "ParserInvalidArgument",
];

/// The codes of what is said about a program without `main`, and about a package that no machine runs.
/// Nothing else is said of such a program.
pub const NO_MACHINE_CODES: [&str; 2] = ["E4001", "E4002"];

/// Lowers a program without errors of typing, `typed`, to the structured form of the IR. `name` is the
/// name of the program.
///
/// # Errors
///
/// What the machine cannot carry, and what only instantiation shows to be wrong, in the order in which it
/// was found; and what is only worth knowing. The same list of the latter comes with a program that is
/// accepted.
pub fn lower<'a>(
    program: &'a ast::Program,
    typed: &'a Typed<'a>,
    name: &str,
) -> Result<(Program, Diagnostics), Diagnostics> {
    let mut by_copy = HashSet::new();
    let (lower, lowered) = loop {
        let mut lower = Lower::new(typed);
        lower.by_copy = by_copy;
        lower.errors = errors(program);
        let lowered = lower.program(program);
        if !lower.must_restart {
            break (lower, lowered);
        }
        // Each round knows at least one more instance that needs copies.
        by_copy = lower.by_copy;
    };
    if lower.lacks_machine {
        // That is all there is to say: what else is wrong is not about a machine.
        let mut diagnostics = Diagnostics::new();
        for diagnostic in &lower.diagnostics {
            if NO_MACHINE_CODES.contains(&diagnostic.code.0) {
                diagnostics.push(diagnostic.clone());
            }
        }
        return Err(diagnostics);
    }
    match lowered {
        Some((arch, pipes)) if !lower.diagnostics.has_errors() => Ok((
            Program {
                name: name.to_owned(),
                arch,
                errors: lower.errors,
                pipes,
            },
            lower.diagnostics,
        )),
        _ => Err(lower.diagnostics),
    }
}

/// All errors by position: those of the core library, and those of the program in their order.
fn errors(program: &ast::Program) -> Vec<String> {
    let mut errors = STANDARD_ERRORS.map(str::to_owned).to_vec();
    for declaration in &program.declarations {
        let DeclarationKind::Error(names) = &declaration.kind else {
            continue;
        };
        for name in names {
            if !errors.contains(&name.text) {
                errors.push(name.text.clone());
            }
        }
    }
    errors
}
