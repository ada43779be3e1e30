//! Names, types, constants, instantiation: from the syntax tree to the structured IR.
//!
//! [`lower`] takes a program apart in one walk from `main` inwards:
//!
//! 1. Names of the top level are collected ([`scope`]), errors numbered.
//! 2. `main` and its pipelines are taken apart; the blocks of a gress share storage ([`package`]).
//! 3. Parsers, controls and deparsers are walked with every sub-parser, sub-control, function and
//!    directly called action put in its place ([`parser`], [`inline`], [`stmt`], [`expr`]). Types are
//!    checked on the way ([`types`], [`coerce`]), constants computed ([`operators`], [`fold`]).
//!    What externs mean is known by name ([`externs`]).
//! 4. What no pipe reaches is checked and dropped ([`check_only`]).
//!
//! Every complaint is a [`Diagnostic`](p4rmt_source::Diagnostic) with a code that [`explanation`]
//! knows; after one, lowering goes on with the next statement, and what depends on the mistake is not
//! complained about again. Nothing here prints, and no tree makes it panic.

mod action;
mod args;
mod assign;
mod call;
mod check_only;
mod coerce;
mod compact;
mod entries;
mod error;
mod exits;
mod explain;
mod expr;
mod externs;
mod fold;
mod gress;
mod inline;
mod leaves;
mod loops;
mod lower;
mod member;
mod operators;
mod package;
mod parser;
mod priority;
mod resolve;
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

pub use error::ErrorKind;
pub use explain::{explanation, explanations};

use crate::lower::Lower;
use crate::scope::Binding;

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

/// Codes of complaints that there is no machine for a program.
const NO_MACHINE: [&str; 2] = ["E4001", "E4002"];

/// Lowers a program to the structured form of the IR. `name` is the name of the program.
///
/// # Errors
///
/// Everything that is wrong with the program, in the order in which it was found; and what is only
/// worth knowing. The same list of the latter comes with a program that is accepted.
pub fn lower(program: &ast::Program, name: &str) -> Result<(Program, Diagnostics), Diagnostics> {
    let mut by_copy = HashSet::new();
    let (mut lower, lowered) = loop {
        let mut lower = Lower::new();
        lower.by_copy = by_copy;
        lower.collect(program);
        lower.declarations(program);
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
            if NO_MACHINE.contains(&diagnostic.code.0) {
                diagnostics.push(diagnostic.clone());
            }
        }
        return Err(diagnostics);
    }
    lower.check_unreached(program);
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

/// Whether it declares a function, of the program or of the architecture.
fn is_function(declaration: &ast::Declaration) -> bool {
    matches!(
        declaration.kind,
        DeclarationKind::Function(_)
            | DeclarationKind::ExternFunction(_)
            | DeclarationKind::ExternForward(_)
    )
}

impl<'a> Lower<'a> {
    /// Evaluates constants and types of the top level in the order of their declaration, so that each
    /// finds those that it builds on.
    fn declarations(&mut self, program: &'a ast::Program) {
        for declaration in &program.declarations {
            match &declaration.kind {
                DeclarationKind::Const(constant) => {
                    let binding = self.scopes.lookup_here(self.global, &constant.name.text);
                    if matches!(binding, Some(Binding::Declaration(bound)) if std::ptr::eq(*bound, declaration))
                    {
                        self.settle_binding(Binding::Declaration(declaration));
                    }
                }
                DeclarationKind::Header(_)
                | DeclarationKind::HeaderUnion(_)
                | DeclarationKind::Struct(_)
                | DeclarationKind::Enum(_)
                | DeclarationKind::SerializableEnum(_)
                | DeclarationKind::Typedef(_)
                | DeclarationKind::NewType(_)
                    if resolve::type_params(declaration).is_empty() =>
                {
                    self.declared(declaration, Vec::new(), declaration.span);
                }
                _ => {}
            }
        }
    }

    /// Collects the names of the top level.
    fn collect(&mut self, program: &'a ast::Program) {
        self.errors = STANDARD_ERRORS.map(str::to_owned).to_vec();
        for declaration in &program.declarations {
            if let DeclarationKind::Error(names) = &declaration.kind {
                for name in names {
                    if !self.errors.contains(&name.text) {
                        self.errors.push(name.text.clone());
                    }
                }
                continue;
            }
            let Some(name) = resolve::name_of(declaration) else {
                continue;
            };
            let others = self.globals.entry(&name.text).or_default();
            // What is called with arguments may have namesakes with other parameters.
            let may_overload = |declaration: &ast::Declaration| {
                matches!(
                    declaration.kind,
                    DeclarationKind::Function(_)
                        | DeclarationKind::ExternFunction(_)
                        | DeclarationKind::ExternForward(_)
                        | DeclarationKind::Extern(_)
                        | DeclarationKind::Parser(_)
                        | DeclarationKind::Control(_)
                        | DeclarationKind::Package(_)
                )
            };
            let is_duplicate = others.first().is_some_and(|first| {
                !may_overload(first)
                    || std::mem::discriminant(&first.kind)
                        != std::mem::discriminant(&declaration.kind)
                        && !(is_function(first) && is_function(declaration))
            });
            others.push(declaration);
            if is_duplicate {
                let first = others[0].span;
                self.error_with(
                    name.span,
                    &ErrorKind::DuplicateName {
                        name: name.text.clone(),
                    },
                    first,
                    "declared here before",
                );
                continue;
            }
            if others.len() == 1 {
                let global = self.global;
                self.scopes
                    .bind(global, &name.text, Binding::Declaration(declaration));
            }
        }
    }
}
