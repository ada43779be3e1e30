//! Where objects can be instantiated, and what their blocks define (clauses 11.3, 11.3.1, 11.3.2,
//! appendix F).
//!
//! * Parsers in parsers, controls in controls, packages and externs at the top level, externs in
//!   parsers and controls; nothing in a state, an `apply`, an action or a function.
//! * The block of an instance defines every abstract method of its extern with the declared head, and
//!   nothing else but instances.
//! * `main` is a package.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Direction, Expr, ObjectDeclaration};

use crate::check::Checker;
use crate::decl::{DeclId, Signature};
use crate::error::ErrorKind;
use crate::rules::violation::Violation;
use crate::typed::Callee;
use crate::types::{Sort, Type, TypeKind};
use crate::walk::{self, Body, Site, Visitor};

/// Looks at all instances of a program.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    walk::program(&mut Instances { check }, program);
    for declaration in &program.declarations {
        main_is_package(check, declaration);
    }
}

/// `main`, if there is one, is an instance of a package.
fn main_is_package<'a>(check: &mut Checker<'a>, declaration: &'a ast::Declaration) {
    let name = match &declaration.kind {
        ast::DeclarationKind::Instantiation(instance) => {
            let ty = check.written(&instance.ty);
            let is_package = match check.types.kind(ty) {
                TypeKind::Poison => true,
                TypeKind::Named { sort, .. } => *sort == Sort::Package,
                _ => false,
            };
            if is_package {
                return;
            }
            &instance.name
        }
        ast::DeclarationKind::Extern(object) => &object.name,
        ast::DeclarationKind::ExternForward(name) => name,
        ast::DeclarationKind::Const(constant) => &constant.name,
        ast::DeclarationKind::Parser(parser) => &parser.head.name,
        ast::DeclarationKind::Control(control) => &control.head.name,
        ast::DeclarationKind::Action(action) => &action.name,
        ast::DeclarationKind::Header(record)
        | ast::DeclarationKind::HeaderUnion(record)
        | ast::DeclarationKind::Struct(record) => &record.name,
        ast::DeclarationKind::Typedef(typedef) | ast::DeclarationKind::NewType(typedef) => {
            &typedef.name
        }
        ast::DeclarationKind::Function(_)
        | ast::DeclarationKind::ExternFunction(_)
        | ast::DeclarationKind::ParserType(_)
        | ast::DeclarationKind::ControlType(_)
        | ast::DeclarationKind::Package(_)
        | ast::DeclarationKind::Enum(_)
        | ast::DeclarationKind::SerializableEnum(_)
        | ast::DeclarationKind::Error(_)
        | ast::DeclarationKind::MatchKind(_) => return,
    };
    if name.text == "main" {
        check.violate(name.span, Violation::Main);
    }
}

/// What a body is called.
pub(crate) fn place_name(body: Body) -> &'static str {
    match body {
        Body::TopLevel => "the top level",
        Body::ParserLocals => "a parser",
        Body::State => "a parser's state",
        Body::ControlLocals => "a control",
        Body::Apply => "the `apply` of a control",
        Body::Action => "an action",
        Body::Function => "a function",
        Body::Method => "a method",
        Body::Key => "a key",
        Body::Table => "a table",
    }
}

/// What an instance of a sort is called.
fn sort_name(sort: Sort) -> Option<&'static str> {
    match sort {
        Sort::Package => Some("a package"),
        Sort::Parser => Some("a parser"),
        Sort::Control => Some("a control"),
        Sort::Extern => Some("an extern"),
        Sort::Struct
        | Sort::Header
        | Sort::Union
        | Sort::Enum
        | Sort::SerializableEnum
        | Sort::NewType => None,
    }
}

/// Whether an object of a sort can be instantiated in a place.
fn may_stand(sort: Sort, body: Body) -> bool {
    match body {
        Body::TopLevel => matches!(sort, Sort::Package | Sort::Extern),
        Body::ParserLocals => matches!(sort, Sort::Parser | Sort::Extern),
        Body::ControlLocals => matches!(sort, Sort::Control | Sort::Extern),
        Body::State
        | Body::Apply
        | Body::Action
        | Body::Function
        | Body::Method
        | Body::Key
        | Body::Table => false,
    }
}

struct Instances<'c, 'a> {
    check: &'c mut Checker<'a>,
}

impl<'a> Instances<'_, 'a> {
    /// The block behind an instantiation.
    fn block(&mut self, instance: &'a ast::Instantiation, items: &'a [ObjectDeclaration]) {
        let ty = self.check.written(&instance.ty);
        let ty = self.check.instance_type(instance, ty);
        let TypeKind::Named {
            sort: Sort::Extern,
            decl,
            args,
        } = self.check.types.kind(ty).clone()
        else {
            self.no_methods(instance, ty);
            return;
        };
        let methods = self.check.methods_of(decl);
        let abstracts: Vec<_> = methods.iter().filter(|method| method.is_abstract).collect();
        if abstracts.is_empty()
            && items
                .iter()
                .any(|item| matches!(item, ObjectDeclaration::Function(_)))
        {
            self.no_methods(instance, ty);
            return;
        }
        let subst = self.check.substitution(decl, &args);
        for item in items {
            let ObjectDeclaration::Function(function) = item else {
                continue;
            };
            let name = &function.prototype.name;
            match abstracts.iter().find(|method| method.name == name.text) {
                Some(method) => self.same_head(function, method, &subst),
                None => {
                    let object = self.check.decl(decl).name.to_owned();
                    let method = name.text.clone();
                    self.check.violate(
                        name.span,
                        Violation::UnknownAbstractMethod { object, method },
                    );
                }
            }
        }
    }

    fn no_methods(&mut self, instance: &ast::Instantiation, ty: Type) {
        if !ty.is_poison() {
            let name = self.check.show(ty);
            self.check
                .violate(instance.name.span, Violation::NoAbstractMethods { name });
        }
    }

    /// Whether a method's body has the head that its extern declares.
    fn same_head(
        &mut self,
        function: &'a ast::Function,
        declared: &Signature<'a>,
        subst: &[(DeclId, Type)],
    ) {
        let prototype = &function.prototype;
        let given = self.check.written(&prototype.result);
        let wanted = self.check.types.substitute(declared.result, subst);
        let mut difference = None;
        if !self.check.same_type(given, wanted) {
            let (given, wanted) = (self.check.show(given), self.check.show(wanted));
            difference = Some((
                prototype.result.span,
                format!("it returns `{given}` instead of `{wanted}`"),
            ));
        } else if prototype.params.len() > declared.params.len()
            || declared.params[prototype.params.len()..]
                .iter()
                .any(|param| !param.is_optional)
        {
            let (given, wanted) = (prototype.params.len(), declared.params.len());
            difference = Some((
                prototype.name.span,
                format!("it has {given} parameters instead of {wanted}"),
            ));
        } else if !prototype.type_params.is_empty() && declared.type_params.is_empty() {
            difference = Some((prototype.name.span, "it is generic".to_owned()));
        } else {
            for (param, wanted) in prototype.params.iter().zip(declared.params.iter()) {
                let given = self.check.written(&param.ty);
                let ty = self.check.types.substitute(wanted.ty, subst);
                let name = &param.name;
                if param.direction != wanted.direction {
                    let (given, wanted) = (direction(param.direction), direction(wanted.direction));
                    difference = Some((
                        param.span,
                        format!("`{name}` has {given} instead of {wanted}"),
                    ));
                } else if !self.check.same_type(given, ty) {
                    let (given, wanted) = (self.check.show(given), self.check.show(ty));
                    difference = Some((
                        param.ty.span,
                        format!("`{name}` is of type `{given}` instead of `{wanted}`"),
                    ));
                }
                if difference.is_some() {
                    break;
                }
            }
        }
        if let Some((span, difference)) = difference {
            let method = prototype.name.text.clone();
            let at = self.check.decl(declared.decl).span;
            let violation = Violation::MethodSignature { method, difference };
            self.check
                .violate_with(span, violation, at, "declared here");
        }
    }

    /// A parser or control does not instantiate itself.
    fn itself(&mut self, at: Site<'a>, decl: DeclId, span: Span) {
        if at
            .owner
            .is_some_and(|owner| self.check.declared(owner) == Some(decl))
        {
            let name = self.check.decl(decl).name.to_owned();
            self.check.error(span, ErrorKind::Recursive { name });
        }
    }

    fn constructed(&mut self, at: Site<'a>, sort: Sort, span: Span) {
        let Some(what) = sort_name(sort) else {
            return;
        };
        if !may_stand(sort, at.body) {
            let place = place_name(at.body);
            self.check
                .violate(span, Violation::InstancePlace { what, place });
        }
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::None => "no direction",
        Direction::In => "the direction `in`",
        Direction::Out => "the direction `out`",
        Direction::InOut => "the direction `inout`",
    }
}

impl<'a> Visitor<'a> for Instances<'_, 'a> {
    fn instantiation(&mut self, at: Site<'a>, instance: &'a ast::Instantiation) {
        let mut ty = self.check.written(&instance.ty);
        while let TypeKind::Stack(element, _) = self.check.types.kind(ty) {
            ty = *element;
        }
        if let TypeKind::Named { sort, decl, .. } = *self.check.types.kind(ty) {
            self.constructed(at, sort, instance.span);
            self.itself(at, decl, instance.ty.span);
        }
        if let Some(items) = &instance.body {
            self.block(instance, items);
        }
    }

    fn expr(&mut self, at: Site<'a>, expr: &'a Expr) {
        let Some(call) = self.check.call_of(expr) else {
            return;
        };
        let (sort, decl) = match call.callee {
            Callee::ApplyDirectly(decl) => return self.itself(at, decl, expr.span),
            Callee::ExternConstructor(_) | Callee::Constructor(_) => {
                let TypeKind::Named { sort, decl, .. } = *self.check.types.kind(call.result) else {
                    return;
                };
                (sort, decl)
            }
            Callee::Function(_)
            | Callee::ExternFunction(_)
            | Callee::Method(_)
            | Callee::Action(_)
            | Callee::Apply(_)
            | Callee::ApplyTable(_)
            | Callee::Builtin(_) => return,
        };
        // An object without a name can be made wherever it is passed to something.
        if matches!(at.body, Body::Action | Body::Function | Body::Method) {
            self.constructed(at, sort, expr.span);
        }
        let has_abstract =
            sort == Sort::Extern
                && self.check.methods_of(decl).iter().any(|method| {
                    method.is_abstract && !self.check.is_optional_method(method.decl)
                });
        if has_abstract {
            let name = self.check.decl(decl).name.to_owned();
            self.check
                .violate(expr.span, Violation::AbstractConstructor { name });
        }
    }
}
