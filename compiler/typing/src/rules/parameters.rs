//! Parameters: their directions, types, default values, names and places (clauses 6.8, 7.2.9, 14.1,
//! 16, appendix F).
//!
//! * A direction moves values: objects, strings and `int` are passed without one.
//! * Constructors and packages take what is known before a packet arrives, so no directions.
//! * Which objects can be passed to which is a table of the specification.
//! * Action data comes last.
//! * The same holds for the types that a call's type arguments make of a callee's parameters.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, DeclarationKind, Direction, Expr};

use crate::check::Checker;
use crate::decl::{DeclId, Node};
use crate::error::ErrorKind;
use crate::hash::FastMap;
use crate::rules::violation::Violation;
use crate::typed::Callee;
use crate::types::{Sort, Type, TypeKind};
use crate::walk::{self, Site, Visitor};

/// What has parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callable {
    Function,
    ExternFunction,
    Method,
    ExternConstructor,
    Action,
    Parser,
    ParserConstructor,
    Control,
    ControlConstructor,
    Package,
}

impl Callable {
    fn article(self) -> &'static str {
        match self {
            Self::Function => "a function",
            Self::ExternFunction => "an extern function",
            Self::Method => "a method",
            Self::ExternConstructor => "the constructor of an extern",
            Self::Action => "an action",
            Self::Parser => "a parser",
            Self::ParserConstructor => "the constructor of a parser",
            Self::Control => "a control",
            Self::ControlConstructor => "the constructor of a control",
            Self::Package => "a package",
        }
    }

    fn is_constructor(self) -> bool {
        matches!(
            self,
            Self::ExternConstructor
                | Self::ParserConstructor
                | Self::ControlConstructor
                | Self::Package
        )
    }

    /// Whether objects of a sort can be passed to it.
    fn takes(self, sort: Sort) -> bool {
        match sort {
            Sort::Package => self == Self::Package,
            Sort::Parser => matches!(self, Self::Package | Self::ParserConstructor),
            Sort::Control => matches!(self, Self::Package | Self::ControlConstructor),
            Sort::Extern => self != Self::Action,
            Sort::Struct
            | Sort::Header
            | Sort::Union
            | Sort::Enum
            | Sort::SerializableEnum
            | Sort::NewType => true,
        }
    }
}

/// Looks at all parameters of a program.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    for declaration in &program.declarations {
        check_declaration(check, declaration);
    }
    walk::program(&mut Calls { check }, program);
}

fn check_declaration<'a>(check: &mut Checker<'a>, declaration: &'a ast::Declaration) {
    match &declaration.kind {
        DeclarationKind::Extern(object) => {
            distinct(check, &object.type_params, &[]);
            for method in &object.methods {
                let callable = match method.kind {
                    ast::MethodKind::Constructor => Callable::ExternConstructor,
                    ast::MethodKind::Method { .. } => Callable::Method,
                };
                list(check, callable, &method.params);
                distinct(check, &method.type_params, &[&method.params]);
            }
        }
        DeclarationKind::ExternFunction(prototype) => {
            list(check, Callable::ExternFunction, &prototype.params);
            distinct(check, &prototype.type_params, &[&prototype.params]);
        }
        DeclarationKind::Parser(parser) => {
            list(check, Callable::Parser, &parser.head.params);
            list(
                check,
                Callable::ParserConstructor,
                &parser.constructor_params,
            );
            let params = [&parser.head.params[..], &parser.constructor_params];
            distinct(check, &parser.head.type_params, &params);
        }
        DeclarationKind::ParserType(head) => {
            list(check, Callable::Parser, &head.params);
            distinct(check, &head.type_params, &[&head.params]);
        }
        DeclarationKind::Control(control) => {
            list(check, Callable::Control, &control.head.params);
            list(
                check,
                Callable::ControlConstructor,
                &control.constructor_params,
            );
            let params = [&control.head.params[..], &control.constructor_params];
            distinct(check, &control.head.type_params, &params);
        }
        DeclarationKind::ControlType(head) => {
            list(check, Callable::Control, &head.params);
            distinct(check, &head.type_params, &[&head.params]);
        }
        DeclarationKind::Package(package) => {
            list(check, Callable::Package, &package.params);
            distinct(check, &package.type_params, &[&package.params]);
        }
        DeclarationKind::Header(record)
        | DeclarationKind::HeaderUnion(record)
        | DeclarationKind::Struct(record) => distinct(check, &record.type_params, &[]),
        DeclarationKind::Const(_)
        | DeclarationKind::ExternForward(_)
        | DeclarationKind::Function(_)
        | DeclarationKind::Action(_)
        | DeclarationKind::Enum(_)
        | DeclarationKind::SerializableEnum(_)
        | DeclarationKind::Error(_)
        | DeclarationKind::MatchKind(_)
        | DeclarationKind::Typedef(_)
        | DeclarationKind::NewType(_)
        | DeclarationKind::Instantiation(_) => {}
    }
}

/// Type parameters and parameters have names of their own.
fn distinct(check: &mut Checker<'_>, type_params: &[ast::Name], lists: &[&[ast::Parameter]]) {
    let params = lists
        .iter()
        .flat_map(|list| list.iter().map(|param| &param.name));
    let mut seen: FastMap<&str, Span> = FastMap::default();
    for name in type_params.iter().chain(params) {
        if let Some(first) = seen.insert(&name.text, name.span) {
            let kind = ErrorKind::DuplicateName {
                name: name.text.clone(),
            };
            check.error_with(name.span, kind, first, "first declared here");
        }
    }
}

/// The parameters of one callable.
fn list(check: &mut Checker<'_>, callable: Callable, params: &[ast::Parameter]) {
    let mut has_action_data = false;
    for param in params {
        let ty = check.written(&param.ty);
        check_type(check, callable, param.direction, ty, param.span);
        if callable == Callable::Action {
            match param.direction {
                Direction::None => has_action_data = true,
                Direction::In | Direction::Out | Direction::InOut if has_action_data => {
                    let name = param.name.text.clone();
                    check.violate(param.span, Violation::ActionDataFirst { name });
                }
                Direction::In | Direction::Out | Direction::InOut => {}
            }
        }
        let is_optional = param.annotations.iter().any(|a| a.name.text == "optional");
        if let Some(default) = &param.default {
            let what = match param.direction {
                Direction::Out => Some("an `out` parameter"),
                Direction::InOut => Some("an `inout` parameter"),
                Direction::In | Direction::None if is_optional => Some("an optional parameter"),
                Direction::In | Direction::None => None,
            };
            if let Some(what) = what {
                check.violate(default.span, Violation::DefaultValue { what });
            }
        }
        let can_be_optional = matches!(
            callable,
            Callable::Package
                | Callable::Parser
                | Callable::Control
                | Callable::ExternFunction
                | Callable::Method
                | Callable::ExternConstructor
        );
        if is_optional && !can_be_optional {
            let callable = callable.article();
            check.violate(param.span, Violation::Optional { callable });
        }
    }
}

/// A parameter's type and direction.
fn check_type(
    check: &mut Checker<'_>,
    callable: Callable,
    direction: Direction,
    ty: Type,
    span: Span,
) {
    let has_direction = direction != Direction::None;
    if has_direction && callable.is_constructor() {
        let what = format!("a parameter of {}", callable.article());
        check.violate(span, Violation::Direction { what });
        return;
    }
    let cannot = match check.types.kind(ty) {
        TypeKind::Void | TypeKind::Table(_) => true,
        TypeKind::Int => callable == Callable::Action && !has_direction,
        TypeKind::Named { sort, decl, .. } => !callable.takes(*sort) || is_body(check, *decl),
        _ => false,
    };
    if cannot {
        let callable = callable.article();
        let ty = check.show(ty);
        check.violate(span, Violation::ParameterType { callable, ty });
        return;
    }
    let is_constant = match check.types.kind(ty) {
        TypeKind::Int | TypeKind::String => true,
        TypeKind::Named { sort, .. } => matches!(
            sort,
            Sort::Extern | Sort::Parser | Sort::Control | Sort::Package
        ),
        _ => false,
    };
    if has_direction && is_constant {
        let what = format!("a parameter of type `{}`", check.show(ty));
        check.violate(span, Violation::Direction { what });
    }
}

/// Whether a declaration is a parser or control with a body, which is no type of parameters.
fn is_body(check: &Checker<'_>, decl: DeclId) -> bool {
    matches!(check.decl(decl).node, Node::Parser(_) | Node::Control(_))
}

/// The walk over what has parameters within other things, and over calls.
struct Calls<'c, 'a> {
    check: &'c mut Checker<'a>,
}

impl<'a> Calls<'_, 'a> {
    /// The types that type arguments make of a callee's parameters.
    fn specialized(&mut self, callable: Callable, call: &crate::typed::Call<'a>, span: Span) {
        let Some(signature) = self.check.signature_of(call) else {
            return;
        };
        for (param, ty) in signature.params.iter().zip(&call.param_types) {
            if *ty != param.ty && *ty != Type::VOID {
                check_type(self.check, callable, param.direction, *ty, span);
            }
        }
    }
}

impl<'a> Visitor<'a> for Calls<'_, 'a> {
    fn action(&mut self, _at: Site<'a>, action: &'a ast::Action) {
        list(self.check, Callable::Action, &action.params);
    }

    fn function(&mut self, _at: Site<'a>, function: &'a ast::Function) {
        let prototype = &function.prototype;
        list(self.check, Callable::Function, &prototype.params);
        distinct(self.check, &prototype.type_params, &[&prototype.params]);
    }

    fn expr(&mut self, _at: Site<'a>, expr: &'a Expr) {
        let Some(call) = self.check.call_of(expr) else {
            return;
        };
        if call.type_args.is_empty() {
            return;
        }
        let callable = match call.callee {
            Callee::Function(_) => Callable::Function,
            Callee::ExternFunction(_) => Callable::ExternFunction,
            Callee::Method(_) => Callable::Method,
            Callee::ExternConstructor(_) => Callable::ExternConstructor,
            Callee::Action(_)
            | Callee::Constructor(_)
            | Callee::Apply(_)
            | Callee::ApplyDirectly(_)
            | Callee::ApplyTable(_)
            | Callee::Builtin(_) => return,
        };
        self.specialized(callable, &call, expr.span);
    }

    fn instantiation(&mut self, _at: Site<'a>, instance: &'a ast::Instantiation) {
        let Some(call) = self.check.instance_call(instance) else {
            return;
        };
        if call.type_args.is_empty() || !matches!(call.callee, Callee::ExternConstructor(_)) {
            return;
        }
        self.specialized(Callable::ExternConstructor, &call, instance.span);
        // Its methods are called elsewhere, perhaps nowhere: their heads must be sound in any case.
        let TypeKind::Named { decl, args, .. } = self.check.types.kind(call.result).clone() else {
            return;
        };
        let subst = self.check.substitution(decl, &args);
        for signature in self.check.methods_of(decl) {
            for param in signature.params.iter() {
                let ty = self.check.types.substitute(param.ty, &subst);
                // What returns or takes nothing is how externs leave out what they could do.
                if ty != param.ty && ty != Type::VOID {
                    check_type(
                        self.check,
                        Callable::Method,
                        param.direction,
                        ty,
                        instance.ty.span,
                    );
                }
            }
        }
    }
}
