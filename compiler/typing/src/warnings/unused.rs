//! Declarations that nothing uses.
//!
//! Parameters of parsers, controls and extern methods are the architecture's, and what stands in an
//! included file may be used by another program; neither is complained about.

use p4rmt_syntax::ast::{self, ControlLocal, DeclarationKind, ParserLocal};

use crate::check::Checker;
use crate::decl::DeclId;
use crate::hash::FastSet;
use crate::typed::Callee;
use crate::types::{Sort, TypeKind};
use crate::walk::{self, Site, Visitor};
use crate::warnings::{Warning, Warnings};

/// Looks for declarations that nothing uses.
pub(crate) fn check<'a>(
    check: &mut Checker<'a>,
    program: &'a ast::Program,
    warnings: &mut Warnings<'_>,
) {
    let mut used: FastSet<DeclId> = check.tables.paths.values().copied().collect();
    for call in check.tables.calls.values() {
        match call.callee {
            Callee::Function(decl)
            | Callee::ExternFunction(decl)
            | Callee::Method(decl)
            | Callee::Action(decl)
            | Callee::ExternConstructor(decl)
            | Callee::Constructor(decl)
            | Callee::Apply(decl)
            | Callee::ApplyDirectly(decl)
            | Callee::ApplyTable(decl) => {
                used.insert(decl);
            }
            Callee::Builtin(_) => {}
        }
    }
    let mut unused = Unused {
        check,
        warnings,
        used,
    };
    for declaration in &program.declarations {
        unused.top_level(declaration);
    }
    walk::program(&mut unused, program);
}

struct Unused<'c, 'w, 'o, 'a> {
    check: &'c mut Checker<'a>,
    warnings: &'w mut Warnings<'o>,
    used: FastSet<DeclId>,
}

impl<'a> Unused<'_, '_, '_, 'a> {
    fn look_at(&mut self, what: &'static str, name: &ast::Name) {
        let is_used = self
            .check
            .declared(name)
            .is_none_or(|decl| self.used.contains(&decl));
        if !is_used && !name.text.starts_with('_') {
            let warning = Warning::Unused {
                what,
                name: name.text.clone(),
            };
            self.warnings.warn(name.span, &warning);
        }
    }

    /// What can be used by nothing outside of the program's own file.
    fn own(&mut self, what: &'static str, name: &ast::Name) {
        if self.warnings.is_own(name.span) {
            self.look_at(what, name);
        }
    }

    fn top_level(&mut self, declaration: &'a ast::Declaration) {
        match &declaration.kind {
            DeclarationKind::Action(action) => self.own("action", &action.name),
            DeclarationKind::Function(function) => self.own("function", &function.prototype.name),
            DeclarationKind::Parser(parser) => self.own("parser", &parser.head.name),
            DeclarationKind::Control(control) => self.own("control", &control.head.name),
            DeclarationKind::Header(record)
            | DeclarationKind::HeaderUnion(record)
            | DeclarationKind::Struct(record) => self.own("type", &record.name),
            DeclarationKind::Instantiation(instance) => self.instance(instance),
            // A constant or the name of a type documents a format, used or not.
            DeclarationKind::Const(_)
            | DeclarationKind::Typedef(_)
            | DeclarationKind::NewType(_)
            | DeclarationKind::Enum(_)
            | DeclarationKind::SerializableEnum(_)
            | DeclarationKind::Error(_)
            | DeclarationKind::MatchKind(_)
            | DeclarationKind::Extern(_)
            | DeclarationKind::ExternForward(_)
            | DeclarationKind::ExternFunction(_)
            | DeclarationKind::ParserType(_)
            | DeclarationKind::ControlType(_)
            | DeclarationKind::Package(_) => {}
        }
    }

    /// An instance does something by being there only if it is a package, or has methods of its own
    /// that the machine calls.
    fn instance(&mut self, instance: &ast::Instantiation) {
        let is_package = matches!(
            self.check.types.kind(self.check.written(&instance.ty)),
            TypeKind::Named {
                sort: Sort::Package,
                ..
            }
        );
        if !is_package && instance.body.is_none() {
            self.look_at("instance", &instance.name);
        }
    }

    fn params(&mut self, params: &[ast::Parameter]) {
        for param in params {
            self.look_at("parameter", &param.name);
        }
    }
}

impl<'a> Visitor<'a> for Unused<'_, '_, '_, 'a> {
    fn parser(&mut self, parser: &'a ast::Parser) {
        for local in &parser.locals {
            match local {
                ParserLocal::Const(constant) => self.look_at("constant", &constant.name),
                ParserLocal::Instantiation(instance) => self.instance(instance),
                ParserLocal::ValueSet(set) => self.look_at("value set", &set.name),
                ParserLocal::Variable(_) => {}
            }
        }
    }

    fn control(&mut self, control: &'a ast::Control) {
        for local in &control.locals {
            match local {
                ControlLocal::Const(constant) => self.look_at("constant", &constant.name),
                ControlLocal::Instantiation(instance) => self.instance(instance),
                ControlLocal::Action(action) => self.look_at("action", &action.name),
                ControlLocal::Table(table) => self.look_at("table", &table.name),
                ControlLocal::Variable(_) => {}
            }
        }
    }

    fn variable(&mut self, _at: Site<'a>, variable: &'a ast::Variable) {
        self.look_at("variable", &variable.name);
    }

    fn action(&mut self, _at: Site<'a>, action: &'a ast::Action) {
        self.params(&action.params);
    }

    fn function(&mut self, at: Site<'a>, function: &'a ast::Function) {
        // The parameters of an abstract method are its extern's.
        if at.body == walk::Body::Function {
            self.params(&function.prototype.params);
        }
    }
}
