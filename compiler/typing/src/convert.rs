//! Implicit conversions: what an expression becomes where another type is expected (clause 8.11.2),
//! and the values that come of it.

use std::rc::Rc;

use p4rmt_source::Span;
use p4rmt_syntax::ast::{Expr, ExprKind, NamedExpr};

use crate::capability::Capability;
use crate::check::{Checker, Operand};
use crate::decl::Detail;
use crate::error::ErrorKind;
use crate::eval;
use crate::typed::Address;
use crate::types::{Sort, Type, TypeKind};
use crate::value::{Known, Value};

/// The most elements of a stack whose value is computed.
const MAX_ELEMENTS: u32 = 1024;

impl<'a> Checker<'a> {
    /// Looks at an expression where a type is expected. Its value there, and how much is known.
    pub(crate) fn check_value(&mut self, expr: &'a Expr, to: Type) -> (Option<Value>, Known) {
        let operand = self.infer(expr);
        let value = self.coerce(expr, to);
        (value, operand.known)
    }

    /// Converts an expression that has been looked at. How much is known of it.
    pub(crate) fn convert(&mut self, expr: &'a Expr, to: Type) -> Known {
        self.coerce(expr, to);
        self.operand(expr).known
    }

    /// What is known of an expression that has been looked at.
    pub(crate) fn operand(&self, expr: &Expr) -> Operand {
        match self.tables.exprs.get(&Address::of(expr)) {
            Some(facts) => Operand {
                ty: facts.ty,
                value: facts.value.clone(),
                known: facts.known,
            },
            None => Operand::poison(),
        }
    }

    /// Remembers that an expression is converted.
    fn converted(&mut self, expr: &Expr, to: Type, value: Option<Value>) -> Option<Value> {
        self.tables
            .conversions
            .insert(Address::of(expr), (to, value.clone()));
        value
    }

    /// Reports that a value has another type than is expected.
    pub(crate) fn mismatch(&mut self, span: Span, expected: Type, found: Type) {
        if expected.is_poison() || found.is_poison() {
            return;
        }
        let difference = self.block_difference(expected, found);
        let has_cast = self.can_cast(found, expected);
        let (expected, found) = (self.show(expected), self.show(found));
        let remedy = (!has_cast).then(|| format!("put something of type `{expected}` here"));
        let kind = ErrorKind::Mismatch { expected, found };
        self.report(span, &kind, difference.map(|note| (None, note)), remedy);
    }

    /// Whether two types are the same as far as both are known.
    pub(crate) fn agrees(&self, left: Type, right: Type) -> bool {
        if left == right {
            return true;
        }
        match (self.types.kind(left), self.types.kind(right)) {
            (TypeKind::Poison | TypeKind::Any, _) | (_, TypeKind::Poison | TypeKind::Any) => true,
            (
                TypeKind::Named { decl, args, .. },
                TypeKind::Named {
                    decl: other,
                    args: others,
                    ..
                },
            ) => {
                decl == other
                    && args
                        .iter()
                        .zip(others.iter())
                        .all(|(a, b)| self.agrees(*a, *b))
            }
            (TypeKind::Tuple(parts), TypeKind::Tuple(others)) => {
                parts.len() == others.len()
                    && parts
                        .iter()
                        .zip(others.iter())
                        .all(|(a, b)| self.agrees(*a, *b))
            }
            (TypeKind::List(a), TypeKind::List(b)) => self.agrees(*a, *b),
            (TypeKind::Stack(a, n), TypeKind::Stack(b, m)) => n == m && self.agrees(*a, *b),
            _ => false,
        }
    }

    /// Converts an expression that has been looked at to a type, and reports if that cannot be. Its
    /// value after that, if known.
    pub(crate) fn coerce(&mut self, expr: &'a Expr, to: Type) -> Option<Value> {
        let operand = self.operand(expr);
        let from = operand.ty;
        if to == from || to == Type::ANY || to.is_poison() || from.is_poison() {
            return operand.value;
        }
        match &expr.kind {
            ExprKind::List(items) => return self.coerce_list(expr, items, to),
            ExprKind::Struct { fields, has_dots } => {
                return self.coerce_struct(expr, fields, *has_dots, to);
            }
            ExprKind::Dots => {
                if !self.can(Capability::Default, to) {
                    let ty = self.show(to);
                    self.error(expr.span, ErrorKind::NoDefault { ty });
                    return None;
                }
                let value = self.default_value(to);
                return self.converted(expr, to, value);
            }
            ExprKind::Invalid => {
                let is_header = matches!(
                    self.types.kind(to),
                    TypeKind::Named {
                        sort: Sort::Header | Sort::Union,
                        ..
                    }
                );
                if !is_header {
                    self.mismatch(expr.span, to, from);
                    return None;
                }
                return self.converted(expr, to, Some(Value::Invalid));
            }
            ExprKind::Conditional {
                condition,
                then,
                otherwise,
            } if !self.agrees(from, to) && !self.is_integral(from) => {
                let then = self.coerce(then, to);
                let otherwise = self.coerce(otherwise, to);
                let condition = self
                    .operand(condition)
                    .value
                    .and_then(|value| value.as_bool());
                let value = condition.and_then(|holds| if holds { then } else { otherwise });
                return self.converted(expr, to, value);
            }
            _ => {}
        }
        match (self.types.kind(from).clone(), self.types.kind(to).clone()) {
            (TypeKind::Int, TypeKind::Bits { width, is_signed }) => {
                let value = operand.value.as_ref().and_then(Value::as_int);
                let value = value.map(|value| Value::Int(eval::wrap(value, width, is_signed)));
                self.converted(expr, to, value)
            }
            // A number takes on the width of what a new type holds: so published programs write the
            // constants of one.
            (
                TypeKind::Int,
                TypeKind::Named {
                    sort: Sort::NewType,
                    decl,
                    ..
                },
            ) if let Some((width, is_signed)) = self.held_width(decl) => {
                let value = operand.value.as_ref().and_then(Value::as_int);
                let value = value.map(|value| Value::Int(eval::wrap(value, width, is_signed)));
                self.converted(expr, to, value)
            }
            // The specification casts to `int` explicitly only; published programs rely on more.
            (TypeKind::Bits { .. }, TypeKind::Int) => self.converted(expr, to, operand.value),
            (
                TypeKind::Named {
                    sort: Sort::SerializableEnum,
                    decl,
                    ..
                },
                TypeKind::Bits { .. },
            ) if self.underlying(decl) == Some(to) => {
                let value = operand.value.as_ref().and_then(Value::as_int).cloned();
                self.converted(expr, to, value.map(Value::Int))
            }
            (TypeKind::Named { .. }, TypeKind::Named { .. }) => {
                if !self.agrees(from, to) && !self.fits_block(to, from) {
                    self.mismatch(expr.span, to, from);
                    return None;
                }
                operand.value
            }
            _ if self.agrees(from, to) => operand.value,
            _ => {
                self.mismatch(expr.span, to, from);
                None
            }
        }
    }

    /// Whether a parser, control or package fits where another type of its kind is expected.
    fn fits_block(&mut self, to: Type, from: Type) -> bool {
        self.is_object(to) && self.unify(to, from, true)
    }

    /// The type of a serializable enumeration's values.
    pub(crate) fn underlying(&self, decl: crate::decl::DeclId) -> Option<Type> {
        match &self.decl(decl).detail {
            Detail::SerializableEnum { underlying, .. } | Detail::Underlying(underlying) => {
                Some(*underlying)
            }
            _ => None,
        }
    }

    /// The width and signedness of the numbers that a new type holds, through other new types.
    fn held_width(&self, decl: crate::decl::DeclId) -> Option<(u32, bool)> {
        let mut held = self.underlying(decl)?;
        loop {
            match *self.types.kind(held) {
                TypeKind::Bits { width, is_signed } => return Some((width, is_signed)),
                TypeKind::Named {
                    sort: Sort::NewType,
                    decl,
                    ..
                } => held = self.underlying(decl)?,
                _ => return None,
            }
        }
    }

    /// `{ a, b }` where a type is expected.
    fn coerce_list(&mut self, expr: &'a Expr, items: &'a [Expr], to: Type) -> Option<Value> {
        let (given, has_dots) = match items.split_last() {
            Some((last, before)) if matches!(last.kind, ExprKind::Dots) => (before, true),
            _ => (items, false),
        };
        let expected: Vec<Type> = match self.types.kind(to).clone() {
            TypeKind::Tuple(parts) => parts.to_vec(),
            TypeKind::Named {
                sort: Sort::Struct | Sort::Header,
                ..
            } => {
                let fields = self.fields_of(to)?;
                fields.iter().map(|field| field.ty).collect()
            }
            TypeKind::Stack(element, size) => {
                if given.len() > size as usize {
                    self.wrong_count(expr, to);
                    return None;
                }
                let n_default = if has_dots {
                    size.min(MAX_ELEMENTS) as usize
                } else {
                    0
                };
                if !has_dots && given.len() != size as usize {
                    self.wrong_count(expr, to);
                    return None;
                }
                vec![element; given.len().max(n_default)]
            }
            TypeKind::List(element) if !has_dots => vec![element; given.len()],
            _ => {
                let from = self.operand(expr).ty;
                self.mismatch(expr.span, to, from);
                return None;
            }
        };
        let fits = given.len() == expected.len() || has_dots && given.len() < expected.len();
        if !fits {
            self.wrong_count(expr, to);
            return None;
        }
        let mut values = Vec::with_capacity(expected.len());
        for (position, ty) in expected.iter().enumerate() {
            values.push(match given.get(position) {
                Some(item) => self.coerce(item, *ty),
                None => self.default_part(*ty, expr.span),
            });
        }
        self.converted(expr, to, Some(Value::Composite(values.into())))
    }

    fn wrong_count(&mut self, expr: &Expr, to: Type) {
        let from = self.operand(expr).ty;
        self.mismatch(expr.span, to, from);
    }

    /// The value of a part that `...` stands for.
    fn default_part(&mut self, ty: Type, span: Span) -> Option<Value> {
        if !self.can(Capability::Default, ty) {
            let ty = self.show(ty);
            self.error(span, ErrorKind::NoDefault { ty });
            return None;
        }
        self.default_value(ty)
    }

    /// `{ x = a, y = b }` where a type is expected.
    fn coerce_struct(
        &mut self,
        expr: &'a Expr,
        given: &'a [NamedExpr],
        has_dots: bool,
        to: Type,
    ) -> Option<Value> {
        let is_record = matches!(
            self.types.kind(to),
            TypeKind::Named {
                sort: Sort::Struct | Sort::Header,
                ..
            }
        );
        if !is_record {
            let from = self.operand(expr).ty;
            self.mismatch(expr.span, to, from);
            return None;
        }
        let fields = self.fields_of(to)?;
        let mut values: Vec<Option<Option<Value>>> = vec![None; fields.len()];
        for named in given {
            let at = fields
                .iter()
                .position(|field| field.name == named.name.text);
            let Some(at) = at else {
                let kind = ErrorKind::UnknownMember {
                    ty: self.show(to),
                    member: named.name.text.clone(),
                };
                let near = self.near_member(to, &named.name.text);
                self.error_near(named.name.span, &kind, near);
                continue;
            };
            let value = self.coerce(&named.value, fields[at].ty);
            values[at] = Some(value);
        }
        let mut all = Vec::with_capacity(fields.len());
        for (field, value) in fields.iter().zip(values) {
            all.push(match value {
                Some(value) => value,
                None if has_dots => self.default_part(field.ty, expr.span),
                None => {
                    let kind = ErrorKind::MissingField {
                        ty: self.show(to),
                        field: field.name.to_owned(),
                    };
                    self.error(expr.span, kind);
                    return None;
                }
            });
        }
        self.converted(expr, to, Some(Value::Composite(all.into())))
    }

    /// The default value of a type (clause 7.3), if it can be written down.
    pub(crate) fn default_value(&mut self, ty: Type) -> Option<Value> {
        if let Some(value) = self.defaults.get(&ty) {
            return value.clone();
        }
        let value = match self.types.kind(ty).clone() {
            TypeKind::Bool => Some(Value::Bool(false)),
            TypeKind::Int | TypeKind::Bits { .. } => Some(Value::Int(0.into())),
            TypeKind::String => Some(Value::String(Rc::from(""))),
            TypeKind::Error => self.errors.get("NoError").map(|id| Value::Error(*id)),
            TypeKind::Tuple(parts) => {
                let parts = parts.iter().map(|part| self.default_value(*part)).collect();
                Some(Value::Composite(parts))
            }
            TypeKind::Stack(element, size) if size <= MAX_ELEMENTS => {
                let element = self.default_value(element);
                Some(Value::Composite(vec![element; size as usize].into()))
            }
            TypeKind::Named { sort, decl, .. } => match sort {
                Sort::Header | Sort::Union => Some(Value::Invalid),
                Sort::Enum => Some(Value::Enum(0)),
                Sort::SerializableEnum => Some(Value::SerializableEnum(0.into())),
                Sort::Struct => {
                    let fields = self.fields_of(ty).unwrap_or_else(|| Rc::from([]));
                    let fields = fields
                        .iter()
                        .map(|field| self.default_value(field.ty))
                        .collect();
                    Some(Value::Composite(fields))
                }
                Sort::NewType => self.underlying(decl).and_then(|ty| self.default_value(ty)),
                Sort::Extern | Sort::Parser | Sort::Control | Sort::Package => None,
            },
            _ => None,
        };
        self.defaults.insert(ty, value.clone());
        value
    }
}
