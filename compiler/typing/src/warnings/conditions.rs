//! Comparisons that come out the same for every packet.

use num_bigint::BigInt;
use p4rmt_syntax::ast::{self, BinaryOp, Expr, ExprKind};

use crate::check::Checker;
use crate::types::TypeKind;
use crate::value::Known;
use crate::walk::{self, Site, Visitor};
use crate::warnings::{Warning, Warnings};

/// Looks for comparisons with one outcome.
pub(crate) fn check<'a>(
    check: &mut Checker<'a>,
    program: &'a ast::Program,
    warnings: &mut Warnings<'_>,
) {
    walk::program(&mut Conditions { check, warnings }, program);
}

struct Conditions<'c, 'w, 'o, 'a> {
    check: &'c mut Checker<'a>,
    warnings: &'w mut Warnings<'o>,
}

impl<'a> Conditions<'_, '_, '_, 'a> {
    /// The outcome of a comparison whose left side is computed for each packet, if there is only one.
    fn outcome(&self, op: BinaryOp, left: &Expr, right: &Expr) -> Option<bool> {
        let is_same = matches!(left.kind, ExprKind::Path(_) | ExprKind::Member { .. })
            && p4rmt_syntax::print_expr(left) == p4rmt_syntax::print_expr(right);
        if is_same {
            return match op {
                BinaryOp::Eq | BinaryOp::Le | BinaryOp::Ge => Some(true),
                BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Gt => Some(false),
                _ => None,
            };
        }
        if self.check.known(left) != Known::No {
            return None;
        }
        let TypeKind::Bits {
            width,
            is_signed: false,
        } = *self.check.types.kind(self.check.type_of(left))
        else {
            return None;
        };
        let bound = self.check.value_at(right)?.as_int()?.clone();
        let most = (BigInt::from(1) << width) - 1;
        match op {
            BinaryOp::Lt if bound == BigInt::from(0) => Some(false),
            BinaryOp::Ge if bound == BigInt::from(0) => Some(true),
            BinaryOp::Gt if bound == most => Some(false),
            BinaryOp::Le if bound == most => Some(true),
            _ => None,
        }
    }
}

impl<'a> Visitor<'a> for Conditions<'_, '_, '_, 'a> {
    fn expr(&mut self, _at: Site<'a>, expr: &'a Expr) {
        let ExprKind::Binary { op, left, right } = &expr.kind else {
            return;
        };
        // What constants make of it is meant: programs are configured so.
        let is_runtime = self.check.known(left).min(self.check.known(right)) == Known::No;
        if !is_runtime {
            return;
        }
        let mirrored = match op {
            BinaryOp::Lt => BinaryOp::Gt,
            BinaryOp::Gt => BinaryOp::Lt,
            BinaryOp::Le => BinaryOp::Ge,
            BinaryOp::Ge => BinaryOp::Le,
            other => *other,
        };
        let outcome = self
            .outcome(*op, left, right)
            .or_else(|| self.outcome(mirrored, right, left));
        if let Some(value) = outcome {
            self.warnings.warn(expr.span, &Warning::Always { value });
        }
    }
}
