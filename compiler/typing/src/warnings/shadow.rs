//! Names that hide others: a variable, constant, parameter, instance, table or action with the name of
//! one in a scope around it.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{
    self, ControlLocal, DeclarationKind, ParserLocal, Statement, StatementKind,
};

use crate::check::Checker;
use crate::hash::FastMap;
use crate::warnings::{Warning, Warnings};

/// Looks for names that hide others.
pub(crate) fn check<'a>(
    _check: &mut Checker<'a>,
    program: &'a ast::Program,
    warnings: &mut Warnings<'_>,
) {
    let mut shadow = Shadow {
        scopes: vec![FastMap::default()],
        warnings,
    };
    for declaration in &program.declarations {
        shadow.top_level(declaration);
    }
}

struct Shadow<'a, 'w, 'o> {
    scopes: Vec<FastMap<&'a str, Span>>,
    warnings: &'w mut Warnings<'o>,
}

impl<'a> Shadow<'a, '_, '_> {
    fn declare(&mut self, name: &'a ast::Name) {
        let around = self.scopes.len().saturating_sub(1);
        let hidden = self.scopes[..around]
            .iter()
            .rev()
            .find_map(|scope| scope.get(name.text.as_str()).copied());
        if let Some(hidden) = hidden {
            let warning = Warning::Shadow {
                name: name.text.clone(),
            };
            self.warnings.warn_with(
                name.span,
                &warning,
                Some((hidden, "the one that is hidden")),
            );
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(&name.text, name.span);
        }
    }

    fn params(&mut self, params: &'a [ast::Parameter]) {
        for param in params {
            self.declare(&param.name);
        }
    }

    fn scoped(&mut self, f: impl FnOnce(&mut Self)) {
        self.scopes.push(FastMap::default());
        f(self);
        self.scopes.pop();
    }

    fn top_level(&mut self, declaration: &'a ast::Declaration) {
        match &declaration.kind {
            DeclarationKind::Const(constant) => self.declare(&constant.name),
            DeclarationKind::Action(action) => self.action(action),
            DeclarationKind::Instantiation(instance) => self.declare(&instance.name),
            DeclarationKind::Function(function) => self.scoped(|shadow| {
                shadow.params(&function.prototype.params);
                shadow.block(&function.body);
            }),
            DeclarationKind::Parser(parser) => self.scoped(|shadow| {
                shadow.params(&parser.head.params);
                shadow.params(&parser.constructor_params);
                shadow.scoped(|shadow| shadow.parser(parser));
            }),
            DeclarationKind::Control(control) => self.scoped(|shadow| {
                shadow.params(&control.head.params);
                shadow.params(&control.constructor_params);
                shadow.scoped(|shadow| shadow.control(control));
            }),
            _ => {}
        }
    }

    fn parser(&mut self, parser: &'a ast::Parser) {
        for local in &parser.locals {
            match local {
                ParserLocal::Const(constant) => self.declare(&constant.name),
                ParserLocal::Variable(variable) => self.declare(&variable.name),
                ParserLocal::Instantiation(instance) => self.declare(&instance.name),
                ParserLocal::ValueSet(set) => self.declare(&set.name),
            }
        }
        for state in &parser.states {
            self.scoped(|shadow| shadow.statements(&state.statements));
        }
    }

    fn control(&mut self, control: &'a ast::Control) {
        for local in &control.locals {
            match local {
                ControlLocal::Const(constant) => self.declare(&constant.name),
                ControlLocal::Variable(variable) => self.declare(&variable.name),
                ControlLocal::Instantiation(instance) => self.declare(&instance.name),
                ControlLocal::Action(action) => self.action(action),
                ControlLocal::Table(table) => self.declare(&table.name),
            }
        }
        self.block(&control.apply);
    }

    fn action(&mut self, action: &'a ast::Action) {
        self.declare(&action.name);
        self.scoped(|shadow| {
            shadow.params(&action.params);
            shadow.block(&action.body);
        });
    }

    fn block(&mut self, block: &'a ast::Block) {
        self.scoped(|shadow| shadow.statements(&block.statements));
    }

    fn statements(&mut self, statements: &'a [Statement]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'a Statement) {
        match &statement.kind {
            StatementKind::Variable(variable) => self.declare(&variable.name),
            StatementKind::Const(constant) => self.declare(&constant.name),
            StatementKind::Block(block) => self.block(block),
            StatementKind::If {
                then, otherwise, ..
            } => {
                self.scoped(|shadow| shadow.statement(then));
                if let Some(otherwise) = otherwise {
                    self.scoped(|shadow| shadow.statement(otherwise));
                }
            }
            StatementKind::Switch { cases, .. } => {
                for case in cases {
                    if let Some(body) = &case.body {
                        self.block(body);
                    }
                }
            }
            StatementKind::For { init, body, .. } => self.scoped(|shadow| {
                shadow.statements(init);
                shadow.statement(body);
            }),
            StatementKind::ForIn { name, body, .. } => self.scoped(|shadow| {
                shadow.declare(name);
                shadow.statement(body);
            }),
            StatementKind::Empty
            | StatementKind::Assign { .. }
            | StatementKind::Call(_)
            | StatementKind::Return(_)
            | StatementKind::Exit
            | StatementKind::Break
            | StatementKind::Continue
            | StatementKind::Instantiation(_) => {}
        }
    }
}
