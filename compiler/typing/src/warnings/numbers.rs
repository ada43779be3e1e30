//! Numbers that their type cuts.

use num_bigint::{BigInt, Sign};
use p4rmt_syntax::ast::{self, Expr, ExprKind};

use crate::check::Checker;
use crate::rules::fits;
use crate::types::{Type, TypeKind};
use crate::value::Value;
use crate::walk::{self, Site, Visitor};
use crate::warnings::{Warning, Warnings};

/// Looks for numbers that do not fit.
pub(crate) fn check<'a>(
    check: &mut Checker<'a>,
    program: &'a ast::Program,
    warnings: &mut Warnings<'_>,
) {
    walk::program(&mut Numbers { check, warnings }, program);
}

struct Numbers<'c, 'w, 'o, 'a> {
    check: &'c mut Checker<'a>,
    warnings: &'w mut Warnings<'o>,
}

impl Numbers<'_, '_, '_, '_> {
    fn look_at(&mut self, expr: &Expr, value: &BigInt, to: Type) {
        let TypeKind::Bits { width, is_signed } = *self.check.types.kind(to) else {
            return;
        };
        if fits(value, width, is_signed) {
            return;
        }
        // All ones are written as -1, and as the largest unsigned number, for either kind of type.
        let all = (BigInt::from(1) << width) - 1;
        let is_pattern = if is_signed {
            value.sign() != Sign::Minus && *value <= all
        } else {
            value.sign() == Sign::Minus && fits(value, width, true)
        };
        if is_pattern {
            return;
        }
        let modulus = BigInt::from(1) << width;
        let cut: BigInt = ((value % &modulus) + &modulus) % &modulus;
        let warning = Warning::Cut {
            value: shown(value),
            ty: self.check.show(to),
            cut: shown(&cut),
        };
        self.warnings.warn(expr.span, &warning);
    }
}

/// A number that a line can hold.
fn shown(value: &BigInt) -> String {
    if value.bits() > 128 {
        format!("a number of {} bits", value.bits())
    } else {
        value.to_string()
    }
}

impl<'a> Visitor<'a> for Numbers<'_, '_, '_, 'a> {
    fn expr(&mut self, _at: Site<'a>, expr: &'a Expr) {
        // A number that took its width from its place.
        let conversion = self
            .check
            .tables
            .conversions
            .get(&crate::typed::Address::of(expr))
            .map(|(ty, _)| *ty);
        if let Some(to) = conversion
            && self.check.type_of(expr) == Type::INT
            && let Some(Value::Int(value)) = self.check.own_value(expr)
        {
            self.look_at(expr, &value, to);
        }
        // A number that is written with its width.
        if let ExprKind::Int(literal) = &expr.kind
            && let Some((width, is_signed)) = literal.width
        {
            let value = BigInt::from(literal.value.clone());
            let ty = self.check.type_of(expr);
            if !fits(&value, width, is_signed) {
                self.look_at(expr, &value, ty);
            }
        }
    }
}
