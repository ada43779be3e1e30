//! Which types variables, constants, new types and results may have.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{
    self, DeclarationKind, Expr, ExprKind, StatementKind, TypeKind as Written,
};

use crate::check::Checker;
use crate::rules::violation::Violation;
use crate::types::{Sort, Type, TypeKind};
use crate::walk::{self, Site, Visitor};

/// Looks at the types of all declarations.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    walk::program(&mut Declared { check }, program);
    for declaration in &program.declarations {
        check_declaration(check, declaration);
    }
}

fn check_declaration<'a>(check: &mut Checker<'a>, declaration: &'a ast::Declaration) {
    match &declaration.kind {
        DeclarationKind::Typedef(typedef) => {
            let ty = check.written(&typedef.ty);
            let cannot = matches!(
                check.types.kind(ty),
                TypeKind::Void | TypeKind::String | TypeKind::MatchKind
            );
            if cannot {
                renamed(check, "typedef", ty, typedef.ty.span);
            }
        }
        DeclarationKind::NewType(typedef) => {
            let ty = check.written(&typedef.ty);
            let can = matches!(
                check.types.kind(ty),
                TypeKind::Poison
                    | TypeKind::Bool
                    | TypeKind::Bits { .. }
                    | TypeKind::Named {
                        sort: Sort::NewType,
                        ..
                    }
            );
            if !can {
                renamed(check, "type", ty, typedef.ty.span);
            }
        }
        DeclarationKind::Extern(object) => {
            for method in &object.methods {
                if let ast::MethodKind::Method { result, .. } = &method.kind {
                    check_result(check, result, "a method", true);
                }
            }
        }
        DeclarationKind::ExternFunction(prototype) => {
            check_result(check, &prototype.result, "an extern function", false);
        }
        _ => {}
    }
}

fn renamed(check: &mut Checker<'_>, keyword: &'static str, ty: Type, span: Span) {
    let ty = check.show(ty);
    check.violate(span, Violation::Renamed { keyword, ty });
}

/// A function returns values, and a method values that a packet can have.
fn check_result(
    check: &mut Checker<'_>,
    result: &ast::Type,
    callable: &'static str,
    is_method: bool,
) {
    let ty = check.written(result);
    let cannot = match check.types.kind(ty) {
        TypeKind::Int | TypeKind::String => is_method,
        TypeKind::Named { sort, .. } => {
            matches!(sort, Sort::Parser | Sort::Control | Sort::Package)
        }
        _ => mentions_dont_care(result),
    };
    if cannot {
        let ty = check.show(ty);
        check.violate(result.span, Violation::ResultType { callable, ty });
    }
}

/// Whether `_` stands somewhere in a written type.
fn mentions_dont_care(ty: &ast::Type) -> bool {
    match &ty.kind {
        Written::DontCare => true,
        Written::Specialized { args, .. } | Written::Tuple(args) => {
            args.iter().any(mentions_dont_care)
        }
        Written::Array { element, .. } | Written::List(element) => mentions_dont_care(element),
        Written::Void
        | Written::Bool
        | Written::Error
        | Written::MatchKind
        | Written::String
        | Written::Bit(_)
        | Written::Int(_)
        | Written::Integer
        | Written::Varbit(_)
        | Written::Named(_)
        | Written::Derived(_) => false,
    }
}

/// The walk over the declarations of values.
struct Declared<'c, 'a> {
    check: &'c mut Checker<'a>,
}

impl<'a> Declared<'_, 'a> {
    fn declared(&mut self, what: &'static str, ty: &'a ast::Type, span: Span) {
        let found = self.check.written(ty);
        let found = self.check.show(found);
        self.check
            .violate(span, Violation::DeclaredType { what, ty: found });
    }

    fn variable_type(&mut self, ty: &'a ast::Type) {
        let found = self.check.written(ty);
        let cannot = match self.check.types.kind(found) {
            TypeKind::Void | TypeKind::Int | TypeKind::String => true,
            TypeKind::Named { sort, .. } => is_object(*sort),
            _ => false,
        };
        if cannot || mentions_dont_care(ty) {
            self.declared("a variable", ty, ty.span);
        }
    }
}

fn is_object(sort: Sort) -> bool {
    matches!(
        sort,
        Sort::Extern | Sort::Parser | Sort::Control | Sort::Package
    )
}

impl<'a> Visitor<'a> for Declared<'_, 'a> {
    fn variable(&mut self, _at: Site<'a>, variable: &'a ast::Variable) {
        self.variable_type(&variable.ty);
    }

    fn statement(&mut self, _at: Site<'a>, statement: &'a ast::Statement) {
        if let StatementKind::ForIn { ty, .. } = &statement.kind {
            self.variable_type(ty);
        }
    }

    fn constant(&mut self, constant: &'a ast::Const) {
        let found = self.check.written(&constant.ty);
        let cannot = match self.check.types.kind(found) {
            TypeKind::Void => true,
            TypeKind::Named { sort, .. } => is_object(*sort),
            _ => false,
        };
        if cannot || mentions_dont_care(&constant.ty) {
            self.declared("a constant", &constant.ty, constant.ty.span);
        }
    }

    fn function(&mut self, _at: Site<'a>, function: &'a ast::Function) {
        check_result(self.check, &function.prototype.result, "a function", false);
    }

    fn expr(&mut self, _at: Site<'a>, expr: &'a Expr) {
        if let ExprKind::Cast { ty, .. } = &expr.kind
            && mentions_dont_care(ty)
        {
            self.declared("a cast", ty, ty.span);
        }
    }
}
