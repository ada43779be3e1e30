//! Explicit casts (clause 8.11.1).

use p4rmt_syntax::ast::{Expr, ExprKind};

use crate::check::{Checker, Operand};
use crate::error::ErrorKind;
use crate::eval;
use crate::types::{Sort, Type, TypeKind};
use crate::value::Value;

impl<'a> Checker<'a> {
    /// `(T) a`
    pub(crate) fn infer_cast(
        &mut self,
        expr: &'a Expr,
        ty: &'a p4rmt_syntax::ast::Type,
        inner: &'a Expr,
    ) -> Operand {
        let to = self.resolve(ty);
        let operand = self.infer(inner);
        if to.is_poison() || operand.ty.is_poison() {
            return Operand {
                ty: to,
                ..Operand::poison()
            };
        }
        let is_literal = matches!(
            inner.kind,
            ExprKind::List(_) | ExprKind::Struct { .. } | ExprKind::Dots | ExprKind::Invalid
        );
        if is_literal {
            let value = self.coerce(inner, to);
            return Operand::known(to, value, operand.known);
        }
        if !self.can_cast(operand.ty, to) {
            let (from, to_shown) = (self.show(operand.ty), self.show(to));
            self.error(expr.span, ErrorKind::Cast { from, to: to_shown });
            return Operand {
                ty: to,
                ..Operand::poison()
            };
        }
        let number = operand.value.as_ref().and_then(Value::as_int);
        if let Some(number) = number
            && (operand.ty, to) == (Type::INT, Type::BOOL)
            && *number != 0.into()
            && *number != 1.into()
        {
            let from = eval::shown(number);
            let to = "bool".to_owned();
            self.error(expr.span, ErrorKind::Cast { from, to });
        }
        let value = operand.value.and_then(|value| self.cast_value(value, to));
        Operand::known(to, value, operand.known)
    }

    /// Whether the language casts from one type to another.
    pub(crate) fn can_cast(&mut self, from: Type, to: Type) -> bool {
        if self.agrees(from, to) {
            return !self.is_object(to);
        }
        match (self.types.kind(from).clone(), self.types.kind(to).clone()) {
            (
                TypeKind::Bits { width, is_signed },
                TypeKind::Bits {
                    width: to_width,
                    is_signed: to_signed,
                },
            ) => is_signed == to_signed || width == to_width,
            (TypeKind::Int, TypeKind::Bits { .. } | TypeKind::Bool)
            | (TypeKind::Bits { .. }, TypeKind::Int)
            | (
                TypeKind::Bits {
                    width: 1,
                    is_signed: false,
                },
                TypeKind::Bool,
            )
            | (
                TypeKind::Bool,
                TypeKind::Bits {
                    width: 1,
                    is_signed: false,
                },
            ) => true,
            (
                TypeKind::Named {
                    sort: Sort::SerializableEnum,
                    decl,
                    ..
                },
                _,
            ) => {
                let underlying = self.underlying(decl);
                underlying.is_some_and(|from| self.can_cast(from, to))
            }
            (
                _,
                TypeKind::Named {
                    sort: Sort::SerializableEnum,
                    decl,
                    ..
                },
            ) => {
                let underlying = self.underlying(decl);
                underlying.is_some_and(|to| self.can_cast(from, to))
            }
            // A new type is cast to and from what it is made of, not by way of it to something else.
            _ if self.is_new_type(from) || self.is_new_type(to) => {
                let (below_from, below_to) = (self.below(from), self.below(to));
                let is_step = below_from.is_some_and(|below| self.agrees(below, to))
                    || below_to.is_some_and(|below| self.agrees(from, below));
                is_step
                    || below_from
                        .is_some_and(|below| self.is_new_type(below) && self.can_cast(below, to))
                    || below_to.is_some_and(|below| {
                        (from == Type::INT || self.is_new_type(below)) && self.can_cast(from, below)
                    })
            }
            _ => false,
        }
    }

    /// What a type that is introduced by `type` is made of.
    fn below(&self, ty: Type) -> Option<Type> {
        match *self.types.kind(ty) {
            TypeKind::Named {
                sort: Sort::NewType,
                decl,
                ..
            } => self.underlying(decl),
            _ => None,
        }
    }

    /// Whether a type is introduced by `type`.
    fn is_new_type(&self, ty: Type) -> bool {
        matches!(
            self.types.kind(ty),
            TypeKind::Named {
                sort: Sort::NewType,
                ..
            }
        )
    }

    /// A value after a cast that the language has.
    fn cast_value(&mut self, value: Value, to: Type) -> Option<Value> {
        match self.types.kind(to).clone() {
            TypeKind::Bits { width, is_signed } => match &value {
                Value::Bool(value) => Some(Value::Int(u8::from(*value).into())),
                _ => value
                    .as_int()
                    .map(|value| Value::Int(eval::wrap(value, width, is_signed))),
            },
            TypeKind::Int => value.as_int().cloned().map(Value::Int),
            TypeKind::Bool => match &value {
                Value::Bool(_) => Some(value),
                _ => value.as_int().map(|value| Value::Bool(*value != 0.into())),
            },
            TypeKind::Named {
                sort: Sort::SerializableEnum,
                decl,
                ..
            } => {
                let underlying = self.underlying(decl)?;
                let value = self.cast_value(value, underlying)?;
                value.as_int().cloned().map(Value::SerializableEnum)
            }
            TypeKind::Named {
                sort: Sort::NewType,
                decl,
                ..
            } => {
                let underlying = self.underlying(decl)?;
                self.cast_value(value, underlying)
            }
            _ => Some(value),
        }
    }
}
