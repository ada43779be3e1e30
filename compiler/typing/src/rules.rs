//! What the specification forbids beyond names and types: one file a group of rules, each a walk over
//! the tree and the side tables once typing is done.
//!
//! | file | what it holds programs to |
//! |---|---|
//! | `nesting` | which types may stand in which |
//! | `declared_types` | types of variables, constants, new types and results |
//! | `parameters` | directions, types, default values and names of parameters |
//! | `instances` | where objects are instantiated, what their blocks define, `main` |
//! | `externs` | constructors, methods, overloads |
//! | `calls` | what is called where, arguments of the core library's methods |
//! | `statements` | where statements stand, labels of switches, functions that must return |
//! | `parsers` | states, `select`, value sets |
//! | `tables`, `entries` | properties, keys, actions, entries, priorities |
//! | `constants` | values of enumerations, division |
//! | `annotations` | bodies of annotations |
//! | `control_plane` | names that the control plane sees |

mod annotations;
mod calls;
mod constants;
mod control_plane;
mod declared_types;
mod entries;
mod externs;
mod instances;
mod nesting;
mod parameters;
mod parsers;
mod statements;
mod tables;
mod violation;

use std::rc::Rc;

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Expr};

use crate::check::Checker;
use crate::decl::{DeclId, Detail, Signature};
use crate::error::ErrorKind;
use crate::typed::{Address, Call, Callee, MemberOf};
use crate::types::{Type, TypeKind};
use crate::value::{Known, Value};

pub use annotations::string_of;
pub(crate) use constants::fits;
pub(crate) use entries::width_of;
pub(crate) use parsers::is_catch_all;
pub(crate) use tables::{action_refs, keys};
pub use violation::Violation;

/// Holds a program to all rules.
pub(crate) fn check_program<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    nesting::check(check, program);
    declared_types::check(check, program);
    parameters::check(check, program);
    instances::check(check, program);
    externs::check(check, program);
    calls::check(check, program);
    statements::check(check, program);
    parsers::check(check, program);
    tables::check(check, program);
    constants::check(check, program);
    annotations::check(check, program);
    control_plane::check(check, program);
}

/// What rules ask about the tree.
impl<'a> Checker<'a> {
    fn violate(&mut self, span: Span, violation: Violation) {
        self.error(span, ErrorKind::Rule(violation));
    }

    fn violate_with(
        &mut self,
        span: Span,
        violation: Violation,
        at: Span,
        note: impl Into<String>,
    ) {
        self.error_with(span, ErrorKind::Rule(violation), at, note);
    }

    fn violate_note(&mut self, span: Span, violation: Violation, note: impl Into<String>) {
        self.error_with(span, ErrorKind::Rule(violation), Span::NONE, note);
    }

    /// The type that a written type means.
    pub(crate) fn written(&self, ty: &ast::Type) -> Type {
        let found = self.tables.types.get(&Address::of(ty));
        found.copied().unwrap_or(Type::POISON)
    }

    /// The type of an expression.
    pub(crate) fn type_of(&self, expr: &Expr) -> Type {
        let facts = self.tables.exprs.get(&Address::of(expr));
        facts.map_or(Type::POISON, |facts| facts.ty)
    }

    /// The type of an expression as its place sees it.
    pub(crate) fn type_at(&self, expr: &Expr) -> Type {
        match self.tables.conversions.get(&Address::of(expr)) {
            Some((ty, _)) => *ty,
            None => self.type_of(expr),
        }
    }

    /// The value of an expression before it is converted.
    pub(crate) fn own_value(&self, expr: &Expr) -> Option<Value> {
        self.tables.exprs.get(&Address::of(expr))?.value.clone()
    }

    /// The value of an expression as its place sees it.
    pub(crate) fn value_at(&self, expr: &Expr) -> Option<Value> {
        match self.tables.conversions.get(&Address::of(expr)) {
            Some((_, value)) => value.clone(),
            None => self.own_value(expr),
        }
    }

    /// How much is known of an expression.
    pub(crate) fn known(&self, expr: &Expr) -> Known {
        let facts = self.tables.exprs.get(&Address::of(expr));
        facts.map_or(Known::Local, |facts| facts.known)
    }

    pub(crate) fn call_of(&self, expr: &Expr) -> Option<Rc<Call<'a>>> {
        self.tables.calls.get(&Address::of(expr)).cloned()
    }

    pub(crate) fn instance_call(&self, instance: &ast::Instantiation) -> Option<Rc<Call<'a>>> {
        self.tables.calls.get(&Address::of(instance)).cloned()
    }

    pub(crate) fn action_call(&self, action: &ast::ActionRef) -> Option<Rc<Call<'a>>> {
        self.tables.calls.get(&Address::of(action)).cloned()
    }

    pub(crate) fn member_of(&self, expr: &Expr) -> Option<MemberOf> {
        self.tables.members.get(&Address::of(expr)).copied()
    }

    pub(crate) fn path_of(&self, path: &ast::Path) -> Option<DeclId> {
        self.tables.paths.get(&Address::of(path)).copied()
    }

    pub(crate) fn declared(&self, name: &ast::Name) -> Option<DeclId> {
        self.tables.declared.get(&Address::of(name)).copied()
    }

    /// The type of an instance with its type arguments, inferred ones too.
    pub(crate) fn instance_type(&self, instance: &ast::Instantiation, written: Type) -> Type {
        self.instance_call(instance)
            .map_or(written, |call| call.result)
    }

    /// The head of what is called.
    pub(crate) fn signature_of(&self, call: &Call<'a>) -> Option<Rc<Signature<'a>>> {
        let decl = match call.callee {
            Callee::Function(decl)
            | Callee::ExternFunction(decl)
            | Callee::Method(decl)
            | Callee::Action(decl)
            | Callee::ExternConstructor(decl)
            | Callee::Constructor(decl)
            | Callee::Apply(decl)
            | Callee::ApplyDirectly(decl)
            | Callee::ApplyTable(decl) => decl,
            Callee::Builtin(_) => return None,
        };
        match &self.decl(decl).detail {
            Detail::Function(signature) | Detail::Package(signature) => Some(Rc::clone(signature)),
            Detail::Block { apply, constructor } => match call.callee {
                Callee::Constructor(_) => constructor.clone(),
                _ => Some(Rc::clone(apply)),
            },
            _ => None,
        }
    }

    /// The methods of an extern.
    fn methods_of(&self, decl: DeclId) -> Vec<Rc<Signature<'a>>> {
        let Detail::Extern { methods, .. } = &self.decl(decl).detail else {
            return Vec::new();
        };
        let methods = methods
            .iter()
            .filter_map(|id| match &self.decl(*id).detail {
                Detail::Function(signature) => Some(Rc::clone(signature)),
                _ => None,
            });
        methods.collect()
    }

    /// Whether an abstract method need not be defined.
    fn is_optional_method(&self, decl: DeclId) -> bool {
        match self.decl(decl).node {
            crate::decl::Node::Method(method) => {
                method.annotations.iter().any(|a| a.name.text == "optional")
            }
            _ => false,
        }
    }

    /// Whether two types are the same, as far as they are known.
    fn same_type(&self, left: Type, right: Type) -> bool {
        left == right
            || left.is_poison()
            || right.is_poison()
            || matches!(self.types.kind(left), TypeKind::Any | TypeKind::Param(_))
            || matches!(self.types.kind(right), TypeKind::Any | TypeKind::Param(_))
    }
}
