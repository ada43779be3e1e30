//! What an action ALU can do: each assignment must be one operation on at most two sources.
//!
//! * A piece of a concatenation is an operation of its own: it goes to bits of its own.
//! * A source is a field, a slice of one, a constant, a parameter or the result of a call, cut or
//!   extended; of the last three kinds, which come over the action data bus, an operation takes one.
//! * Operations: set; add, subtract, with and without saturation; the bitwise ones with either side
//!   complemented; shift by a constant; minimum and maximum; a choice by a parameter.

use crate::{BinaryOp, Expr, UnaryOp};

/// Why a value is not one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AluFault {
    /// It is more than one operation.
    TooDeep,
    /// It uses an operator that the ALU does not have.
    NoSuchOperation(&'static str),
    /// Both operands come over the action data bus.
    TwoDataOperands,
}

/// Where a source of an operation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AluSource {
    /// The packet's fields.
    Field,
    /// The instruction.
    Constant,
    /// Action data, or the result of a hash or a stateful unit.
    Data,
}

/// Whether an assignment of the value is an operation for each piece of it.
///
/// # Errors
///
/// Why it is not.
pub fn check_value(value: &Expr) -> Result<(), AluFault> {
    if source(value).is_some() {
        return Ok(());
    }
    match value {
        Expr::Binary {
            op: BinaryOp::Concat,
            lhs,
            rhs,
        } => {
            check_value(lhs)?;
            check_value(rhs)
        }
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => check_value(arg),
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => match &**arg {
            Expr::Binary { op, lhs, rhs } if is_bitwise(*op) => check_bitwise(lhs, rhs),
            arg => source(arg).map(|_| ()).ok_or(AluFault::TooDeep),
        },
        Expr::Unary {
            op: UnaryOp::Neg,
            arg,
        } => source(arg).map(|_| ()).ok_or(AluFault::TooDeep),
        Expr::Binary { op, lhs, rhs } => check_binary(*op, lhs, rhs),
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => check_choice(cond, then, otherwise),
        Expr::MathUnit { .. } => Err(AluFault::NoSuchOperation("a math unit")),
        Expr::Lane(_) => Err(AluFault::NoSuchOperation("a search in lanes")),
        Expr::Lookahead { .. } => Err(AluFault::NoSuchOperation("bits of the packet")),
        Expr::Const(_) | Expr::Field(_) | Expr::Param { .. } | Expr::Local { .. } => Ok(()),
    }
}

fn check_binary(op: BinaryOp, lhs: &Expr, rhs: &Expr) -> Result<(), AluFault> {
    match op {
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::AddSatU
        | BinaryOp::SubSatU
        | BinaryOp::AddSatS
        | BinaryOp::SubSatS => check_sources(lhs, rhs),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => check_bitwise(lhs, rhs),
        BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS => match (source(lhs), source(rhs)) {
            (_, Some(AluSource::Field | AluSource::Data)) | (_, None) => Err(
                AluFault::NoSuchOperation("a shift by a value that is not a constant"),
            ),
            (None, Some(AluSource::Constant)) => check_funnel(lhs),
            (Some(_), Some(AluSource::Constant)) => Ok(()),
        },
        BinaryOp::Mul | BinaryOp::DivU | BinaryOp::RemU => {
            Err(AluFault::NoSuchOperation("multiplication or division"))
        }
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::LtU
        | BinaryOp::LeU
        | BinaryOp::LtS
        | BinaryOp::LeS => Err(AluFault::NoSuchOperation("the result of a comparison")),
        BinaryOp::Concat => Ok(()),
    }
}

/// The funnel shift: two fields side by side, shifted by a constant.
fn check_funnel(lhs: &Expr) -> Result<(), AluFault> {
    match lhs {
        Expr::Binary {
            op: BinaryOp::Concat,
            lhs,
            rhs,
        } => check_sources(lhs, rhs),
        _ => Err(AluFault::TooDeep),
    }
}

fn check_bitwise(lhs: &Expr, rhs: &Expr) -> Result<(), AluFault> {
    check_sources(uncomplemented(lhs), uncomplemented(rhs))
}

fn uncomplemented(expr: &Expr) -> &Expr {
    match expr {
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => arg,
        expr => expr,
    }
}

fn is_bitwise(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Xor)
}

/// A choice: the smaller or larger of two sources, or one of two by a parameter.
fn check_choice(cond: &Expr, then: &Expr, otherwise: &Expr) -> Result<(), AluFault> {
    if is_parameter_test(cond) {
        return check_sources(then, otherwise);
    }
    match cond {
        Expr::Binary { op, lhs, rhs } if op.is_comparison() => {
            let is_ordering = !matches!(op, BinaryOp::Eq | BinaryOp::Ne);
            let same =
                [&**lhs, &**rhs] == [then, otherwise] || [&**rhs, &**lhs] == [then, otherwise];
            if is_ordering && same {
                check_sources(then, otherwise)
            } else {
                Err(AluFault::NoSuchOperation("a condition on fields"))
            }
        }
        _ => Err(AluFault::NoSuchOperation("a condition on fields")),
    }
}

/// Whether a condition reads nothing but a parameter: the entry then holds its outcome.
fn is_parameter_test(cond: &Expr) -> bool {
    let (mut reads_param, mut reads_more) = (false, false);
    cond.walk(&mut |expr| match expr {
        Expr::Param { .. } => reads_param = true,
        Expr::Field(_)
        | Expr::Local { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => {
            reads_more = true;
        }
        Expr::Const(_)
        | Expr::Slice { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Resize { .. }
        | Expr::Mux { .. } => {}
    });
    reads_param && !reads_more
}

fn check_sources(lhs: &Expr, rhs: &Expr) -> Result<(), AluFault> {
    match (source(lhs), source(rhs)) {
        (None, _) | (_, None) => Err(AluFault::TooDeep),
        (Some(AluSource::Data), Some(AluSource::Data | AluSource::Constant))
        | (Some(AluSource::Constant), Some(AluSource::Data)) => Err(AluFault::TwoDataOperands),
        (Some(AluSource::Field), Some(_)) | (Some(_), Some(AluSource::Field)) => Ok(()),
        (Some(AluSource::Constant), Some(AluSource::Constant)) => Ok(()),
    }
}

/// The source that an expression is, cut or extended; none if it is more.
#[must_use]
pub fn source(expr: &Expr) -> Option<AluSource> {
    match expr {
        Expr::Const(_) => Some(AluSource::Constant),
        Expr::Field(_) => Some(AluSource::Field),
        Expr::Param { .. } | Expr::Local { .. } => Some(AluSource::Data),
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => source(arg),
        Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Bits, FieldId, Id};

    use super::*;

    fn field(index: usize) -> Expr {
        Expr::Field(FieldId::from_index(index))
    }

    fn param(index: u32) -> Expr {
        Expr::Param { index, width: 32 }
    }

    fn constant(value: u64) -> Expr {
        Expr::Const(Bits::from_u64(32, value))
    }

    #[track_caller]
    fn check(value: Expr, expected: Result<(), AluFault>) {
        assert_eq!(check_value(&value), expected, "{value:?}");
    }

    fn two(op: BinaryOp, lhs: Expr, rhs: Expr) -> Expr {
        Expr::binary(op, lhs, rhs)
    }

    #[test]
    fn one_operation_on_two_sources_is_possible() {
        check(field(0), Ok(()));
        check(two(BinaryOp::Add, field(0), field(1)), Ok(()));
        check(two(BinaryOp::Sub, param(0), field(1)), Ok(()));
        check(
            two(BinaryOp::And, field(0), Expr::unary(UnaryOp::Not, field(1))),
            Ok(()),
        );
        check(two(BinaryOp::Shl, field(0), constant(3)), Ok(()));
    }

    #[test]
    fn two_operations_are_too_deep() {
        let sum = two(BinaryOp::Add, field(0), field(1));
        check(
            two(BinaryOp::Add, sum.clone(), field(2)),
            Err(AluFault::TooDeep),
        );
        check(Expr::unary(UnaryOp::Neg, sum), Err(AluFault::TooDeep));
    }

    #[test]
    fn each_piece_of_a_concatenation_is_an_operation_of_its_own() {
        let sum = two(BinaryOp::Add, field(0), field(1));
        check(two(BinaryOp::Concat, field(2), sum.clone()), Ok(()));
        let deep = two(BinaryOp::Add, sum, field(3));
        check(
            two(BinaryOp::Concat, field(2), deep),
            Err(AluFault::TooDeep),
        );
    }

    #[test]
    fn of_two_sources_one_is_a_field() {
        check(
            two(BinaryOp::Add, param(0), param(1)),
            Err(AluFault::TwoDataOperands),
        );
        check(
            two(BinaryOp::Or, param(0), constant(1)),
            Err(AluFault::TwoDataOperands),
        );
    }

    #[test]
    fn minimum_and_maximum_are_operations_other_choices_are_not() {
        let less = two(BinaryOp::LtU, field(0), field(1));
        check(Expr::mux(less.clone(), field(0), field(1)), Ok(()));
        let refused = Err(AluFault::NoSuchOperation("a condition on fields"));
        check(Expr::mux(less, field(0), field(2)), refused);
        let chosen = Expr::binary(BinaryOp::Eq, param(0), constant(1));
        check(Expr::mux(chosen, field(0), field(1)), Ok(()));
    }

    #[test]
    fn there_is_no_multiplication() {
        let refused = Err(AluFault::NoSuchOperation("multiplication or division"));
        check(two(BinaryOp::Mul, field(0), field(1)), refused);
    }
}
