//! Smaller expressions of the same meaning: constants folded, slices pushed down to what they cut.
//!
//! The result has no larger tree than the argument, but for slices that straddle the two halves of a
//! concatenation.

use p4rmt_ir::{Arena, BinaryOp, Bits, Expr, Field, FieldId, UnaryOp};

/// The fields of a gress, for their widths.
pub(crate) type Fields = Arena<FieldId, Field>;

/// Simplifies an expression whole.
pub(crate) fn simplified(expr: Expr, fields: &Fields) -> Expr {
    let expr = expr.map_args(&mut |arg| simplified(arg, fields));
    simplified_node(expr, fields)
}

/// Simplifies an expression whose arguments are simplified already.
pub(crate) fn simplified_node(expr: Expr, fields: &Fields) -> Expr {
    match expr {
        Expr::Const(_)
        | Expr::Field(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => expr,
        Expr::Slice { arg, hi, lo } => sliced(*arg, hi, lo, fields),
        Expr::Unary { op, arg } => unary(op, *arg, fields),
        Expr::Binary { op, lhs, rhs } => binary(op, *lhs, *rhs, fields),
        Expr::Resize {
            arg,
            width,
            is_signed,
        } => resized(*arg, width, is_signed, fields),
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => mux(*cond, *then, *otherwise, fields),
    }
}

/// Bits `hi` down to `lo` of a simplified expression.
pub(crate) fn sliced(arg: Expr, hi: u32, lo: u32, fields: &Fields) -> Expr {
    let width = arg.width_in(fields);
    if lo == 0 && hi + 1 == width {
        return arg;
    }
    match arg {
        Expr::Const(bits) => Expr::Const(bits.slice(hi, lo)),
        Expr::Slice {
            arg, lo: inner_lo, ..
        } => sliced(*arg, hi + inner_lo, lo + inner_lo, fields),
        Expr::Binary {
            op: BinaryOp::Concat,
            lhs,
            rhs,
        } => {
            let seam = rhs.width_in(fields);
            if lo >= seam {
                sliced(*lhs, hi - seam, lo - seam, fields)
            } else if hi < seam {
                sliced(*rhs, hi, lo, fields)
            } else {
                let high = sliced(*lhs, hi - seam, 0, fields);
                let low = sliced(*rhs, seam - 1, lo, fields);
                binary(BinaryOp::Concat, high, low, fields)
            }
        }
        Expr::Binary {
            op: op @ (BinaryOp::And | BinaryOp::Or | BinaryOp::Xor),
            lhs,
            rhs,
        } => {
            let lhs = sliced(*lhs, hi, lo, fields);
            let rhs = sliced(*rhs, hi, lo, fields);
            binary(op, lhs, rhs, fields)
        }
        Expr::Binary {
            op: op @ (BinaryOp::Add | BinaryOp::Sub),
            lhs,
            rhs,
        } if lo == 0 => {
            let lhs = sliced(*lhs, hi, lo, fields);
            let rhs = sliced(*rhs, hi, lo, fields);
            binary(op, lhs, rhs, fields)
        }
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => unary(UnaryOp::Not, sliced(*arg, hi, lo, fields), fields),
        Expr::Resize {
            arg,
            width,
            is_signed,
        } => {
            let inner = arg.width_in(fields);
            if hi < inner {
                sliced(*arg, hi, lo, fields)
            } else if !is_signed && lo >= inner {
                Expr::Const(Bits::zero(hi - lo + 1))
            } else if lo == 0 {
                resized(*arg, hi + 1, is_signed, fields)
            } else {
                Expr::slice(Expr::resize(*arg, width, is_signed), hi, lo)
            }
        }
        other => Expr::slice(other, hi, lo),
    }
}

fn unary(op: UnaryOp, arg: Expr, fields: &Fields) -> Expr {
    match (op, arg) {
        (op, Expr::Const(bits)) => Expr::Const(Bits::unary(op, &bits)),
        (
            UnaryOp::Not,
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            },
        ) => *arg,
        (UnaryOp::Not, Expr::Binary { op, lhs, rhs })
            if matches!(op, BinaryOp::Eq | BinaryOp::Ne) =>
        {
            let inverse = if op == BinaryOp::Eq {
                BinaryOp::Ne
            } else {
                BinaryOp::Eq
            };
            binary(inverse, *lhs, *rhs, fields)
        }
        (op, arg) => Expr::unary(op, arg),
    }
}

fn binary(op: BinaryOp, lhs: Expr, rhs: Expr, fields: &Fields) -> Expr {
    if let (Expr::Const(left), Expr::Const(right)) = (&lhs, &rhs) {
        return Expr::Const(Bits::binary(op, left, right));
    }
    match op {
        BinaryOp::Concat => return concat(lhs, rhs, fields),
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::AddSatU
        | BinaryOp::SubSatU
        | BinaryOp::Shl
        | BinaryOp::ShrU
        | BinaryOp::ShrS
            if is_zero(&rhs) =>
        {
            return lhs;
        }
        BinaryOp::Add | BinaryOp::Or | BinaryOp::Xor if is_zero(&lhs) => return rhs,
        BinaryOp::Or | BinaryOp::Xor if is_zero(&rhs) => return lhs,
        BinaryOp::And if is_ones(&rhs) || is_zero(&lhs) => return lhs,
        BinaryOp::And if is_ones(&lhs) || is_zero(&rhs) => return rhs,
        BinaryOp::Or if is_ones(&lhs) => return lhs,
        BinaryOp::Or if is_ones(&rhs) => return rhs,
        BinaryOp::Eq | BinaryOp::Ne if lhs.width_in(fields) == 1 => {
            let wants_one = op == BinaryOp::Eq;
            if is_ones(&rhs) || is_zero(&rhs) {
                return as_is_or_inverted(lhs, is_ones(&rhs) == wants_one, fields);
            }
            if is_ones(&lhs) || is_zero(&lhs) {
                return as_is_or_inverted(rhs, is_ones(&lhs) == wants_one, fields);
            }
        }
        _ => {}
    }
    Expr::binary(op, lhs, rhs)
}

fn as_is_or_inverted(bit: Expr, as_is: bool, fields: &Fields) -> Expr {
    if as_is {
        bit
    } else {
        unary(UnaryOp::Not, bit, fields)
    }
}

/// Joins neighbouring slices of one value, also where the left one ends an inner concatenation.
fn concat(lhs: Expr, rhs: Expr, fields: &Fields) -> Expr {
    match lhs {
        Expr::Binary {
            op: BinaryOp::Concat,
            lhs: outer,
            rhs: inner,
        } => match joined(&inner, &rhs, fields) {
            Some(joined) => Expr::binary(BinaryOp::Concat, *outer, joined),
            None => {
                let lhs = Expr::binary(BinaryOp::Concat, *outer, *inner);
                Expr::binary(BinaryOp::Concat, lhs, rhs)
            }
        },
        lhs => match joined(&lhs, &rhs, fields) {
            Some(joined) => joined,
            None => Expr::binary(BinaryOp::Concat, lhs, rhs),
        },
    }
}

/// Two slices of one value, or two constants, as one.
fn joined(lhs: &Expr, rhs: &Expr, fields: &Fields) -> Option<Expr> {
    if let (Expr::Const(left), Expr::Const(right)) = (lhs, rhs) {
        return Some(Expr::Const(left.concat(right)));
    }
    let (left, left_hi, left_lo) = as_slice(lhs, fields)?;
    let (right, right_hi, right_lo) = as_slice(rhs, fields)?;
    (left == right && left_lo == right_hi + 1)
        .then(|| sliced(left.clone(), left_hi, right_lo, fields))
}

/// A leaf as a slice of a whole leaf.
fn as_slice<'a>(expr: &'a Expr, fields: &Fields) -> Option<(&'a Expr, u32, u32)> {
    match expr {
        Expr::Field(_) | Expr::Param { .. } | Expr::Local { .. } => {
            Some((expr, expr.width_in(fields) - 1, 0))
        }
        Expr::Slice { arg, hi, lo } if is_whole_leaf(arg) => Some((arg, *hi, *lo)),
        _ => None,
    }
}

fn resized(arg: Expr, width: u32, is_signed: bool, fields: &Fields) -> Expr {
    let old = arg.width_in(fields);
    if width == old {
        return arg;
    }
    if width < old {
        return sliced(arg, width - 1, 0, fields);
    }
    match arg {
        Expr::Const(bits) => Expr::Const(bits.resize(width, is_signed)),
        Expr::Resize {
            arg,
            is_signed: inner_signed,
            ..
        } if !inner_signed || is_signed => resized(*arg, width, inner_signed, fields),
        arg => Expr::resize(arg, width, is_signed),
    }
}

fn mux(cond: Expr, then: Expr, otherwise: Expr, fields: &Fields) -> Expr {
    if let Expr::Const(bits) = &cond {
        return if bits.is_true() { then } else { otherwise };
    }
    if then == otherwise {
        return then;
    }
    match cond {
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => mux(*arg, otherwise, then, fields),
        cond if is_one_bit(&then) && is_ones(&then) => {
            binary(BinaryOp::Or, cond, otherwise, fields)
        }
        cond if is_one_bit(&then) => {
            let cond = unary(UnaryOp::Not, cond, fields);
            binary(BinaryOp::And, cond, otherwise, fields)
        }
        cond if is_one_bit(&otherwise) && is_zero(&otherwise) => {
            binary(BinaryOp::And, cond, then, fields)
        }
        cond if is_one_bit(&otherwise) => {
            let cond = unary(UnaryOp::Not, cond, fields);
            binary(BinaryOp::Or, cond, then, fields)
        }
        cond => Expr::mux(cond, then, otherwise),
    }
}

/// Whether the expression is a constant of one bit.
fn is_one_bit(expr: &Expr) -> bool {
    matches!(expr, Expr::Const(bits) if bits.width() == 1)
}

fn is_zero(expr: &Expr) -> bool {
    matches!(expr, Expr::Const(bits) if bits.is_zero())
}

fn is_ones(expr: &Expr) -> bool {
    matches!(expr, Expr::Const(bits) if *bits == Bits::ones(bits.width()))
}

fn is_whole_leaf(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Field(_) | Expr::Param { .. } | Expr::Local { .. }
    )
}

/// Where an operand of an action ALU comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Field,
    Constant,
    /// Action data or the result of a call: over the action data bus.
    Data,
}

/// The expression as an operand: a field, constant, parameter or result of a call, cut or extended.
fn operand(expr: &Expr) -> Option<Operand> {
    match expr {
        Expr::Const(_) => Some(Operand::Constant),
        Expr::Field(_) => Some(Operand::Field),
        Expr::Param { .. } | Expr::Local { .. } => Some(Operand::Data),
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => operand(arg),
        Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => None,
    }
}

/// Whether an action ALU can take both as operands: at most one that is not a field.
fn are_operands(lhs: &Expr, rhs: &Expr) -> bool {
    match (operand(lhs), operand(rhs)) {
        (Some(left), Some(right)) => left == Operand::Field || right == Operand::Field,
        _ => false,
    }
}

/// Whether the expression is one operand.
pub(crate) fn is_operand(expr: &Expr) -> bool {
    operand(expr).is_some()
}

/// Whether the expression is operands side by side.
pub(crate) fn is_arrangement(expr: &Expr) -> bool {
    match expr {
        Expr::Binary {
            op: BinaryOp::Concat,
            lhs,
            rhs,
        } => is_arrangement(lhs) && is_arrangement(rhs),
        other => is_operand(other),
    }
}

/// Whether an action ALU can compute the expression in one operation.
pub(crate) fn is_one_operation(expr: &Expr) -> bool {
    match expr {
        Expr::Unary { arg, .. } => is_operand(arg),
        Expr::Binary { op, lhs, rhs } => match op {
            BinaryOp::Concat => is_arrangement(expr),
            BinaryOp::Mul
            | BinaryOp::DivU
            | BinaryOp::RemU
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::LtU
            | BinaryOp::LeU
            | BinaryOp::LtS
            | BinaryOp::LeS => false,
            BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS => {
                is_operand(lhs) && operand(rhs) == Some(Operand::Constant)
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
                are_operands(uncomplemented(lhs), uncomplemented(rhs))
            }
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::AddSatU
            | BinaryOp::SubSatU
            | BinaryOp::AddSatS
            | BinaryOp::SubSatS => are_operands(lhs, rhs),
        },
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => is_min_or_max(cond, then, otherwise),
        other => is_arrangement(other),
    }
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

/// Whether a choice gives the smaller or the larger of two operands, which is one operation.
pub(crate) fn is_min_or_max(cond: &Expr, then: &Expr, otherwise: &Expr) -> bool {
    let Expr::Binary { op, lhs, rhs } = cond else {
        return false;
    };
    let orders = op.is_comparison() && !matches!(op, BinaryOp::Eq | BinaryOp::Ne);
    let compared = [&**lhs, &**rhs];
    let is_same = compared == [then, otherwise] || compared == [otherwise, then];
    orders && is_same && are_operands(then, otherwise)
}

/// Whether a comparison is part of the expression.
pub(crate) fn has_comparison(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |part| {
        found |= matches!(part, Expr::Binary { op, .. } if op.is_comparison());
    });
    found
}

/// The number of operators and operands.
pub(crate) fn size(expr: &Expr) -> usize {
    let mut nodes = 0;
    expr.walk(&mut |_| nodes += 1);
    nodes
}
