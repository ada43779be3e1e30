//! What a gateway can compare, and how many gateways a condition takes.
//!
//! * A condition joins, by and, or, not: one-bit fields, (in)equality of two sources, order of a
//!   source and a constant. A source is a field, a slice of one, a constant, or a field under a
//!   constant mask.
//! * A gateway sees a limited number of bits. A condition on more is a chain of gateways.

use p4rmt_ir::{BinaryOp, Expr, Gateway, Gress, UnaryOp};

use crate::problem::{LocatedProblem, Problem};
use crate::target::Target;
use crate::unit::field_slices;

/// What of a condition no gateway can compute.
#[must_use]
pub fn check_condition(gateway: &Gateway) -> Option<LocatedProblem> {
    let problem = check_cond(&gateway.cond).err()?;
    Some(LocatedProblem {
        problem,
        span: gateway.span,
    })
}

/// The gateways that a condition takes: at least one, and enough for the bits that it reads.
#[must_use]
pub fn n_gateways(gateway: &Gateway, gress: &Gress, target: &Target) -> u32 {
    let mut slices = field_slices(&gateway.cond, gress);
    slices.sort_unstable();
    slices.dedup();
    let bits: u32 = slices.iter().map(|(_, hi, lo)| hi - lo + 1).sum();
    bits.div_ceil(target.gateway.match_bits).max(1)
}

fn check_cond(cond: &Expr) -> Result<(), Problem> {
    if is_source(cond) {
        return Ok(());
    }
    match cond {
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => check_cond(arg),
        Expr::Unary {
            op: UnaryOp::Neg, ..
        } => Err(computes("negation")),
        Expr::Binary { op, lhs, rhs } => check_binary(*op, lhs, rhs),
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => check_cond(arg),
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => {
            check_cond(cond)?;
            check_cond(then)?;
            check_cond(otherwise)
        }
        Expr::Param { .. } | Expr::Local { .. } => Err(computes("action data")),
        Expr::MathUnit { .. } => Err(computes("a math unit")),
        Expr::Lookahead { .. } => Err(computes("bits of the packet")),
        Expr::Const(_) | Expr::Field(_) => Ok(()),
    }
}

fn check_binary(op: BinaryOp, lhs: &Expr, rhs: &Expr) -> Result<(), Problem> {
    match op {
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
            check_cond(lhs)?;
            check_cond(rhs)
        }
        BinaryOp::Eq | BinaryOp::Ne => {
            check_operand(lhs)?;
            check_operand(rhs)
        }
        BinaryOp::LtU | BinaryOp::LeU | BinaryOp::LtS | BinaryOp::LeS => {
            check_operand(lhs)?;
            check_operand(rhs)?;
            if reads_field(lhs) && reads_field(rhs) {
                Err(Problem::ConditionOrdersFields)
            } else {
                Ok(())
            }
        }
        BinaryOp::Add | BinaryOp::AddSatU | BinaryOp::AddSatS => Err(computes("a sum")),
        BinaryOp::Sub | BinaryOp::SubSatU | BinaryOp::SubSatS => Err(computes("a difference")),
        BinaryOp::Mul | BinaryOp::DivU | BinaryOp::RemU => {
            Err(computes("multiplication or division"))
        }
        BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS => Err(computes("a shift")),
        BinaryOp::Concat => Err(computes("a concatenation")),
    }
}

fn computes(operator: &'static str) -> Problem {
    Problem::ConditionComputes { operator }
}

/// One side of a comparison.
fn check_operand(expr: &Expr) -> Result<(), Problem> {
    if is_source(expr) {
        Ok(())
    } else {
        check_cond(expr)
    }
}

fn is_source(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_) | Expr::Field(_) => true,
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => is_source(arg),
        Expr::Binary {
            op: BinaryOp::Concat,
            lhs,
            rhs,
        } => is_source(lhs) && is_source(rhs),
        Expr::Binary {
            op: BinaryOp::And,
            lhs,
            rhs,
        } => {
            let is_masked = matches!(**lhs, Expr::Const(_)) || matches!(**rhs, Expr::Const(_));
            is_masked && is_source(lhs) && is_source(rhs)
        }
        Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. } => false,
    }
}

fn reads_field(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| found |= matches!(expr, Expr::Field(_)));
    found
}

#[cfg(test)]
mod tests {
    use p4rmt_ir::{Bits, FieldId, Id};

    use super::*;

    fn field(index: usize) -> Expr {
        Expr::Field(FieldId::from_index(index))
    }

    fn constant(value: u64) -> Expr {
        Expr::Const(Bits::from_u64(32, value))
    }

    #[track_caller]
    fn check(cond: &Expr, expected: Result<(), Problem>) {
        assert_eq!(check_cond(cond), expected, "{cond:?}");
    }

    #[test]
    fn comparisons_of_fields_and_constants_are_possible() {
        let equal = Expr::binary(BinaryOp::Eq, field(0), field(1));
        let less = Expr::binary(BinaryOp::LtS, field(0), constant(0));
        check(&equal, Ok(()));
        check(&less, Ok(()));
        check(
            &Expr::binary(BinaryOp::And, equal, Expr::unary(UnaryOp::Not, less)),
            Ok(()),
        );
        let masked = Expr::binary(BinaryOp::And, field(0), constant(0xff));
        check(&Expr::binary(BinaryOp::Ne, masked, constant(0)), Ok(()));
    }

    #[test]
    fn arithmetic_is_refused() {
        let difference = Expr::binary(BinaryOp::Sub, field(0), field(1));
        let cond = Expr::binary(BinaryOp::LtS, difference, constant(0));
        check(&cond, Err(computes("a difference")));
    }

    #[test]
    fn two_fields_are_not_ordered() {
        let cond = Expr::binary(BinaryOp::LtU, field(0), field(1));
        check(&cond, Err(Problem::ConditionOrdersFields));
    }
}
