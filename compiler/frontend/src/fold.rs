//! Building expressions, with constants computed at once.
//!
//! Every function returns an expression with the same value as the operator on its arguments; where
//! all arguments are constants the result is one.

use p4rmt_ir::{BinaryOp, Bits, Expr, UnaryOp};

/// A constant.
pub(crate) fn constant(width: u32, value: u64) -> Expr {
    Expr::Const(Bits::from_u64(width, value))
}

/// One bit.
pub(crate) fn truth(value: bool) -> Expr {
    Expr::Const(Bits::from_bool(value))
}

/// The value of a constant expression.
pub(crate) fn as_const(expr: &Expr) -> Option<&Bits> {
    match expr {
        Expr::Const(bits) => Some(bits),
        _ => None,
    }
}

/// An operator with one argument.
pub(crate) fn unary(op: UnaryOp, arg: Expr) -> Expr {
    match (op, arg) {
        (op, Expr::Const(bits)) => Expr::Const(Bits::unary(op, &bits)),
        (
            UnaryOp::Not,
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            },
        ) => *arg,
        (op, arg) => Expr::Unary {
            op,
            arg: Box::new(arg),
        },
    }
}

/// An operator with two arguments.
pub(crate) fn binary(op: BinaryOp, lhs: Expr, rhs: Expr) -> Expr {
    if let (Expr::Const(left), Expr::Const(right)) = (&lhs, &rhs) {
        return Expr::Const(Bits::binary(op, left, right));
    }
    Expr::Binary {
        op,
        lhs: Box::new(lhs),
        rhs: Box::new(rhs),
    }
}

/// Logical and of two bits.
pub(crate) fn and(lhs: Expr, rhs: Expr) -> Expr {
    match (
        as_const(&lhs).map(Bits::is_true),
        as_const(&rhs).map(Bits::is_true),
    ) {
        (Some(true), _) => rhs,
        (_, Some(true)) => lhs,
        (Some(false), _) | (_, Some(false)) => truth(false),
        (None, None) => binary(BinaryOp::And, lhs, rhs),
    }
}

/// Logical or of two bits.
pub(crate) fn or(lhs: Expr, rhs: Expr) -> Expr {
    match (
        as_const(&lhs).map(Bits::is_true),
        as_const(&rhs).map(Bits::is_true),
    ) {
        (Some(false), _) => rhs,
        (_, Some(false)) => lhs,
        (Some(true), _) | (_, Some(true)) => truth(true),
        (None, None) => binary(BinaryOp::Or, lhs, rhs),
    }
}

/// Bits `hi` down to `lo` of an argument of `width` bits.
pub(crate) fn slice(arg: Expr, width: u32, hi: u32, lo: u32) -> Expr {
    if lo == 0 && hi + 1 == width {
        return arg;
    }
    match arg {
        Expr::Const(bits) => Expr::Const(bits.slice(hi, lo)),
        Expr::Slice { arg, lo: inner, .. } => Expr::Slice {
            arg,
            hi: hi + inner,
            lo: lo + inner,
        },
        Expr::Lookahead {
            offset,
            width: ahead,
        } => Expr::Lookahead {
            offset: offset + (ahead - 1 - hi),
            width: hi - lo + 1,
        },
        arg => Expr::Slice {
            arg: Box::new(arg),
            hi,
            lo,
        },
    }
}

/// An argument of `from` bits cut or extended to `width` bits.
pub(crate) fn resize(arg: Expr, from: u32, width: u32, is_signed: bool) -> Expr {
    if from == width {
        return arg;
    }
    if width < from {
        return slice(arg, from, width.saturating_sub(1), 0);
    }
    match arg {
        Expr::Const(bits) => Expr::Const(bits.resize(width, is_signed)),
        arg => Expr::Resize {
            arg: Box::new(arg),
            width,
            is_signed,
        },
    }
}

/// `then` where the condition is 1, else `otherwise`.
pub(crate) fn mux(cond: Expr, then: Expr, otherwise: Expr) -> Expr {
    match as_const(&cond).map(Bits::is_true) {
        Some(true) => then,
        Some(false) => otherwise,
        None if then == otherwise => then,
        None => Expr::Mux {
            cond: Box::new(cond),
            then: Box::new(then),
            otherwise: Box::new(otherwise),
        },
    }
}

/// Logical and of all, as a balanced tree.
pub(crate) fn all(mut parts: Vec<Expr>) -> Expr {
    while parts.len() > 1 {
        let mut halved = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(left) = rest.next() {
            halved.push(match rest.next() {
                Some(right) => and(left, right),
                None => left,
            });
        }
        parts = halved;
    }
    parts.pop().unwrap_or_else(|| truth(true))
}
