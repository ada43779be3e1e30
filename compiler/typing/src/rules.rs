//! Rules about declarations that typing itself does not need: what may be in what, which directions
//! parameters may have, what may be renamed.

use p4rmt_source::Span;
use p4rmt_syntax::ast;

use crate::check::Checker;
use crate::decl::{DeclId, Signature};
use crate::types::{Sort, Type};

/// A constant has a type that constants can have.
pub(crate) fn check_constant_type(_check: &mut Checker<'_>, _ty: Type, _span: Span) {}

/// A variable has a type that variables can have.
pub(crate) fn check_variable_type(_check: &mut Checker<'_>, _ty: Type, _span: Span) {}

/// A type can be given another name.
pub(crate) fn check_typedef(_check: &mut Checker<'_>, _typedef: &ast::Typedef, _ty: Type) {}

/// A type can have a new type made of it.
pub(crate) fn check_new_type(_check: &mut Checker<'_>, _typedef: &ast::Typedef, _underlying: Type) {
}

/// The fields of a struct, header or header union have types that may stand in it.
pub(crate) fn check_record(
    _check: &mut Checker<'_>,
    _record: &ast::FieldList,
    _sort: Sort,
    _id: DeclId,
) {
}

/// A member of a serializable enumeration has a value of the underlying type.
pub(crate) fn check_enum_member(
    _check: &mut Checker<'_>,
    _member: &ast::NamedExpr,
    _underlying: Type,
) {
}

/// An extern's methods may stand together.
pub(crate) fn check_extern(_check: &mut Checker<'_>, _object: &ast::Extern, _id: DeclId) {}

/// Parameters have directions, types, defaults and places that they may have.
pub(crate) fn check_signature(
    _check: &mut Checker<'_>,
    _signature: &Signature<'_>,
    _params: &[ast::Parameter],
) {
}

/// An object may be instantiated where it is.
pub(crate) fn check_instance(_check: &mut Checker<'_>, _instance: &ast::Instantiation, _ty: Type) {}

/// The whole program, once everything is known.
pub(crate) fn check_program(_check: &mut Checker<'_>, _program: &ast::Program) {}

/// A function returns on every way through it.
pub(crate) fn check_function_body(
    _check: &mut Checker<'_>,
    _function: &ast::Function,
    _signature: &Signature<'_>,
) {
}

/// A value set has elements that can be matched.
pub(crate) fn check_value_set(_check: &mut Checker<'_>, _set: &ast::ValueSet, _element: Type) {}

/// A statement may stand where it does.
pub(crate) fn check_statement_place(_check: &mut Checker<'_>, _statement: &ast::Statement) {}

/// The cases of a `switch` are each there once.
pub(crate) fn check_switch(
    _check: &mut Checker<'_>,
    _cases: &[ast::SwitchCase],
    _is_action_run: bool,
) {
}
