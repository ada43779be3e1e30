//! Expressions: what a value is, at the moment when it is asked for.

use std::borrow::Cow;

use p4rmt_engine::math_unit;
use p4rmt_ir::{Bits, Expr, Id};

use crate::packet::Packet;

impl Packet<'_> {
    /// The value of an expression. A lookahead beyond the packet is zero, and sets `is_too_short`.
    #[inline]
    pub(crate) fn eval<'e>(&'e self, expr: &'e Expr) -> Cow<'e, Bits> {
        match expr {
            Expr::Const(value) => Cow::Borrowed(value),
            Expr::Field(field) => Cow::Borrowed(&self.work.fields[field.index()]),
            Expr::Param { index, .. } => Cow::Borrowed(&self.work.params[*index as usize]),
            Expr::Local { local, .. } => Cow::Borrowed(&self.work.locals[local.index()]),
            Expr::Slice { .. }
            | Expr::Unary { .. }
            | Expr::Binary { .. }
            | Expr::Resize { .. }
            | Expr::Mux { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => Cow::Owned(self.compute(expr)),
        }
    }

    /// The value of an expression that is not stored anywhere.
    fn compute(&self, expr: &Expr) -> Bits {
        match expr {
            Expr::Const(_) | Expr::Field(_) | Expr::Param { .. } | Expr::Local { .. } => {
                self.eval(expr).into_owned()
            }
            Expr::Slice { arg, hi, lo } => self.eval(arg).slice(*hi, *lo),
            Expr::Unary { op, arg } => Bits::unary(*op, &self.eval(arg)),
            Expr::Binary { op, lhs, rhs } => Bits::binary(*op, &self.eval(lhs), &self.eval(rhs)),
            Expr::Resize {
                arg,
                width,
                is_signed,
            } => self.eval(arg).resize(*width, *is_signed),
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                let chosen = if self.holds(cond) { then } else { otherwise };
                self.eval(chosen).into_owned()
            }
            Expr::Lookahead { offset, width } => {
                let ahead = self.cursor.peek(u64::from(*offset), *width);
                ahead.unwrap_or_else(|| {
                    self.is_too_short.set(true);
                    Bits::zero(*width)
                })
            }
            Expr::MathUnit { unit, arg, width } => {
                math_unit(&self.gress.math_units[*unit], &self.eval(arg), *width)
            }
            Expr::Lane(lane) => {
                let [word, mask, change] = lane.args().map(|arg| self.eval(arg));
                lane.op.value(&word, &mask, &change)
            }
        }
    }

    /// Whether a condition holds.
    pub(crate) fn holds(&self, cond: &Expr) -> bool {
        self.eval(cond).is_true()
    }

    /// An index into an array; one that does not fit into 64 bits is beyond any.
    pub(crate) fn eval_index(&self, index: &Expr) -> u64 {
        self.eval(index).to_u64().unwrap_or(u64::MAX)
    }

    /// The arguments as one number, the first in the highest bits.
    pub(crate) fn eval_concat(&self, args: &[Expr]) -> Bits {
        match args {
            [] => Bits::zero(0),
            [first, rest @ ..] => rest
                .iter()
                .fold(self.eval(first).into_owned(), |high, arg| {
                    high.concat(&self.eval(arg))
                }),
        }
    }
}
