//! What is deprecated, and arguments that overwrite each other.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Annotation, ArgumentValue, Direction, Expr, ExprKind};

use crate::check::Checker;
use crate::decl::{DeclId, Node};
use crate::rules::string_of;
use crate::typed::{ArgSource, Callee};
use crate::types::TypeKind;
use crate::walk::{self, Site, Visitor};
use crate::warnings::{Warning, Warnings};

/// Looks at calls and instances.
pub(crate) fn check<'a>(
    check: &mut Checker<'a>,
    program: &'a ast::Program,
    warnings: &mut Warnings<'_>,
) {
    walk::program(&mut Calls { check, warnings }, program);
}

struct Calls<'c, 'w, 'o, 'a> {
    check: &'c mut Checker<'a>,
    warnings: &'w mut Warnings<'o>,
}

impl<'a> Calls<'_, '_, '_, 'a> {
    fn used(&mut self, decl: DeclId, span: Span) {
        let decl = self.check.decl(decl);
        let annotations: &[Annotation] = match decl.node {
            Node::Extern(object) => &object.annotations,
            Node::ExternFunction(prototype) => &prototype.annotations,
            Node::Method(method) => &method.annotations,
            Node::Function(function) => &function.prototype.annotations,
            Node::Action(action) => &action.annotations,
            Node::Parser(parser) => &parser.head.annotations,
            Node::Control(control) => &control.head.annotations,
            Node::Package(package) => &package.annotations,
            _ => return,
        };
        let marked = annotations.iter().find(|a| a.name.text == "deprecated");
        if let Some(marked) = marked {
            let warning = Warning::Deprecated {
                name: decl.name.to_owned(),
                reason: string_of(marked).unwrap_or("use something else").to_owned(),
            };
            self.warnings.warn(span, &warning);
        }
    }
}

impl<'a> Visitor<'a> for Calls<'_, '_, '_, 'a> {
    fn instantiation(&mut self, _at: Site<'a>, instance: &'a ast::Instantiation) {
        let ty = self.check.written(&instance.ty);
        if let TypeKind::Named { decl, .. } = *self.check.types.kind(ty) {
            self.used(decl, instance.ty.span);
        }
    }

    fn expr(&mut self, _at: Site<'a>, expr: &'a Expr) {
        let Some(call) = self.check.call_of(expr) else {
            return;
        };
        match call.callee {
            Callee::Function(decl)
            | Callee::ExternFunction(decl)
            | Callee::Method(decl)
            | Callee::Action(decl)
            | Callee::Apply(decl)
            | Callee::ApplyDirectly(decl) => self.used(decl, expr.span),
            Callee::ExternConstructor(_)
            | Callee::Constructor(_)
            | Callee::ApplyTable(_)
            | Callee::Builtin(_) => {}
        }
        let Some(signature) = self.check.signature_of(&call) else {
            return;
        };
        let mut written: Vec<String> = Vec::new();
        for (param, source) in signature.params.iter().zip(&call.args) {
            let is_written = matches!(param.direction, Direction::Out | Direction::InOut);
            let ArgSource::Given(ast::Argument {
                value: ArgumentValue::Expr(value),
                ..
            }) = source
            else {
                continue;
            };
            if !is_written || !matches!(value.kind, ExprKind::Path(_) | ExprKind::Member { .. }) {
                continue;
            }
            let name = p4rmt_syntax::print_expr(value);
            let overlaps = written.iter().any(|other| {
                other == &name
                    || other
                        .strip_prefix(&name)
                        .is_some_and(|rest| rest.starts_with('.'))
                    || name
                        .strip_prefix(other.as_str())
                        .is_some_and(|rest| rest.starts_with('.'))
            });
            if overlaps {
                let warning = Warning::Overlap { name: name.clone() };
                self.warnings.warn(value.span, &warning);
            }
            written.push(name);
        }
    }
}
