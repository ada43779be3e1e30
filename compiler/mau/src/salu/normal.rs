//! Expressions of register actions in a form in which what is the same looks the same: slices and
//! casts as far inside as they go, constants folded, signs and extensions of values gone where they
//! change nothing.

use p4rmt_ir::{BinaryOp, Bits, Expr, Gress, UnaryOp};

/// The expression, normal from the inside out.
pub(super) fn normal(expr: Expr, gress: &Gress) -> Expr {
    let expr = expr.map_args(&mut |arg| normal(arg, gress));
    match expr {
        Expr::Slice { arg, hi, lo } => slice(*arg, hi, lo, gress),
        Expr::Resize {
            arg,
            width,
            is_signed,
        } => resize(*arg, width, is_signed, gress),
        Expr::Unary { op, arg } => unary(op, *arg),
        Expr::Binary { op, lhs, rhs } => binary(op, *lhs, *rhs, gress),
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => match *cond {
            Expr::Const(ref bits) => *(if bits.is_true() { then } else { otherwise }),
            _ if then == otherwise => *then,
            cond => Expr::mux(cond, *then, *otherwise),
        },
        Expr::Const(_)
        | Expr::Field(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => expr,
    }
}

/// Bits of a normal expression, normal.
pub(super) fn slice(arg: Expr, hi: u32, lo: u32, gress: &Gress) -> Expr {
    let width = hi - lo + 1;
    if lo == 0 && width == arg.width(gress) {
        return arg;
    }
    match arg {
        Expr::Const(bits) => Expr::Const(bits.slice(hi, lo)),
        Expr::Slice {
            arg, lo: inner_lo, ..
        } => slice(*arg, hi + inner_lo, lo + inner_lo, gress),
        Expr::Resize {
            arg: inner,
            width: outer_width,
            is_signed,
        } => {
            let inner_width = inner.width(gress);
            if hi < inner_width {
                slice(*inner, hi, lo, gress)
            } else if !is_signed && lo >= inner_width {
                Expr::Const(Bits::zero(width))
            } else if !is_signed || lo == 0 {
                let known = slice(*inner, inner_width - 1, lo, gress);
                resize(known, width, is_signed, gress)
            } else {
                Expr::slice(Expr::resize(*inner, outer_width, is_signed), hi, lo)
            }
        }
        Expr::Binary { op, lhs, rhs } => match op {
            BinaryOp::Concat => {
                let low_width = rhs.width(gress);
                if hi < low_width {
                    slice(*rhs, hi, lo, gress)
                } else if lo >= low_width {
                    slice(*lhs, hi - low_width, lo - low_width, gress)
                } else {
                    let high = slice(*lhs, hi - low_width, 0, gress);
                    let low = slice(*rhs, low_width - 1, lo, gress);
                    binary(BinaryOp::Concat, high, low, gress)
                }
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => binary(
                op,
                slice(*lhs, hi, lo, gress),
                slice(*rhs, hi, lo, gress),
                gress,
            ),
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::DivU
            | BinaryOp::RemU
            | BinaryOp::AddSatU
            | BinaryOp::SubSatU
            | BinaryOp::AddSatS
            | BinaryOp::SubSatS
            | BinaryOp::Shl
            | BinaryOp::ShrU
            | BinaryOp::ShrS
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::LtU
            | BinaryOp::LeU
            | BinaryOp::LtS
            | BinaryOp::LeS => Expr::slice(Expr::Binary { op, lhs, rhs }, hi, lo),
        },
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => unary(UnaryOp::Not, slice(*arg, hi, lo, gress)),
        arg @ (Expr::Field(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_)) => Expr::slice(arg, hi, lo),
    }
}

/// A normal expression cut or extended, normal.
pub(super) fn resize(arg: Expr, width: u32, is_signed: bool, gress: &Gress) -> Expr {
    let arg_width = arg.width(gress);
    if width == arg_width {
        return arg;
    }
    if width < arg_width {
        return slice(arg, width - 1, 0, gress);
    }
    match arg {
        Expr::Const(bits) => Expr::Const(bits.resize(width, is_signed)),
        // What was extended by zeros is not negative.
        Expr::Resize {
            arg,
            is_signed: false,
            ..
        } => Expr::resize(*arg, width, false),
        Expr::Resize {
            arg,
            is_signed: true,
            ..
        } if is_signed => Expr::resize(*arg, width, true),
        arg => Expr::resize(arg, width, is_signed),
    }
}

fn unary(op: UnaryOp, arg: Expr) -> Expr {
    match (op, arg) {
        (op, Expr::Const(bits)) => Expr::Const(Bits::unary(op, &bits)),
        (
            UnaryOp::Not,
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            },
        ) => *arg,
        (op, arg) => Expr::unary(op, arg),
    }
}

fn binary(op: BinaryOp, lhs: Expr, rhs: Expr, gress: &Gress) -> Expr {
    if let (Expr::Const(a), Expr::Const(b)) = (&lhs, &rhs) {
        return Expr::Const(Bits::binary(op, a, b));
    }
    let is_zero = |expr: &Expr| matches!(expr, Expr::Const(bits) if bits.is_zero());
    let is_ones =
        |expr: &Expr| matches!(expr, Expr::Const(bits) if *bits == Bits::ones(bits.width()));
    match op {
        BinaryOp::Add | BinaryOp::Or | BinaryOp::Xor if is_zero(&lhs) => rhs,
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Or | BinaryOp::Xor if is_zero(&rhs) => lhs,
        BinaryOp::And if is_ones(&lhs) => rhs,
        BinaryOp::And if is_ones(&rhs) => lhs,
        BinaryOp::And if is_zero(&lhs) => lhs,
        BinaryOp::And if is_zero(&rhs) => rhs,
        BinaryOp::And | BinaryOp::Or if lhs == rhs => lhs,
        // Zeros above are an extension.
        BinaryOp::Concat if is_zero(&lhs) => {
            let width = lhs.width(gress) + rhs.width(gress);
            resize(rhs, width, false, gress)
        }
        BinaryOp::Concat => match (lhs, rhs) {
            // Neighbouring bits of one value.
            (
                Expr::Slice { arg, hi, lo },
                Expr::Slice {
                    arg: low_arg,
                    hi: low_hi,
                    lo: low_lo,
                },
            ) if arg == low_arg && lo == low_hi + 1 => slice(*arg, hi, low_lo, gress),
            (lhs, rhs) => Expr::binary(BinaryOp::Concat, lhs, rhs),
        },
        op => Expr::binary(op, lhs, rhs),
    }
}

/// Whether a choice is the smaller or larger of its two sides, which is one operation: which operation
/// it is, on what.
pub(super) fn minimum<'a>(
    cond: &'a Expr,
    then: &'a Expr,
    otherwise: &'a Expr,
) -> Option<Minimum<'a>> {
    let Expr::Binary { op, lhs, rhs } = cond else {
        return None;
    };
    let is_signed = match op {
        BinaryOp::LtU | BinaryOp::LeU => false,
        BinaryOp::LtS | BinaryOp::LeS => true,
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::DivU
        | BinaryOp::RemU
        | BinaryOp::AddSatU
        | BinaryOp::SubSatU
        | BinaryOp::AddSatS
        | BinaryOp::SubSatS
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Xor
        | BinaryOp::Shl
        | BinaryOp::ShrU
        | BinaryOp::ShrS
        | BinaryOp::Concat
        | BinaryOp::Eq
        | BinaryOp::Ne => return None,
    };
    let (lhs, rhs) = (&**lhs, &**rhs);
    let is_maximum = if (lhs, rhs) == (then, otherwise) {
        false
    } else if (lhs, rhs) == (otherwise, then) {
        true
    } else {
        return None;
    };
    Some(Minimum {
        is_maximum,
        is_signed,
        lhs,
        rhs,
    })
}

/// The smaller or larger of two.
pub(super) struct Minimum<'a> {
    pub(super) is_maximum: bool,
    pub(super) is_signed: bool,
    pub(super) lhs: &'a Expr,
    pub(super) rhs: &'a Expr,
}

/// Whether a choice is the smaller or larger of its two sides.
pub(super) fn is_minimum(cond: &Expr, then: &Expr, otherwise: &Expr) -> bool {
    minimum(cond, then, otherwise).is_some()
}

/// Whether an expression is made of fields by the crossbar alone: bits of fields and constants side by
/// side, extended by zeros or signs.
pub(super) fn is_operand(expr: &Expr) -> bool {
    fn is_routed(expr: &Expr) -> bool {
        match expr {
            Expr::Const(_) | Expr::Field(_) => true,
            Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => is_routed(arg),
            Expr::Binary {
                op: BinaryOp::Concat,
                lhs,
                rhs,
            } => is_routed(lhs) && is_routed(rhs),
            Expr::Unary { .. }
            | Expr::Binary { .. }
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Mux { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => false,
        }
    }
    !matches!(expr, Expr::Const(_)) && is_routed(expr)
}

/// An operand without the zeros above it, which the unit puts there by itself.
pub(super) fn bare_operand(expr: &Expr) -> Expr {
    match expr {
        Expr::Resize {
            arg,
            is_signed: false,
            ..
        } => bare_operand(arg),
        expr => expr.clone(),
    }
}
