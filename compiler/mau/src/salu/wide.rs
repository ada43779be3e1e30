//! Comparisons of values that are wider than a sum: whether memory and a field are equal, all bits or those
//! of a mask.

use p4rmt_ir::salu::{Relation, SumKind};
use p4rmt_ir::{BinaryOp, Bits, Expr};
use p4rmt_source::Span;

use super::fault::Fault;
use super::normal::{bare_operand, is_operand};
use super::truth::{Conditions, Signed, Sum, Test, Truth};

impl Conditions<'_> {
    /// Whether a sum has no terms that are wider than sums are.
    pub(super) fn is_summed(&self, sum: &Sum) -> bool {
        let most = self.salu.arithmetic_bits_max;
        let operand = sum.operand.as_ref();
        let is_narrow = operand.is_none_or(|term| term.source.width(self.gress) <= most);
        self.halves.layout.half_bits <= most || sum.memory.is_none() && is_narrow
    }

    pub(super) fn wide_fault(&self, what: &'static str) -> Fault {
        if self.salu.wide_comparators > 0 {
            Fault::WideComparison(what)
        } else {
            Fault::TooWide(self.halves.layout.half_bits)
        }
    }

    /// Equality of values that are wider than a sum; nothing where they are not.
    pub(super) fn wide_equality(
        &mut self,
        lhs: &Expr,
        rhs: &Expr,
        span: Span,
    ) -> Result<Option<Truth>, Fault> {
        let half = self.halves.layout.half_bits;
        if half <= self.salu.arithmetic_bits_max {
            return Ok(None);
        }
        let low = |width: u32| u64::MAX >> (64 - width.clamp(1, 64));
        let all = low(half);
        // Bits of memory are memory under a mask, and the field is brought to their place.
        let memory_bits = |expr: &Expr| match expr {
            Expr::Slice { arg, hi, lo } => {
                let half = self.halves.half_of(arg)?;
                Some((half, low(hi - lo + 1) << lo, *lo))
            }
            expr => self.halves.half_of(expr).map(|half| (half, all, 0)),
        };
        let sides = [lhs, rhs].map(|side| match side {
            Expr::Binary {
                op: BinaryOp::And,
                lhs,
                rhs,
            } => match (&**lhs, &**rhs) {
                (Expr::Const(mask), value) | (value, Expr::Const(mask)) => {
                    (value, Some(mask.low_u64()))
                }
                _ => (side, None),
            },
            side => (side, None),
        });
        let halves = sides.map(|(value, _)| memory_bits(value));
        let ((memory, bits, lo), (operand, operand_mask), memory_mask) = match (halves, sides) {
            ([Some(memory), None], [(_, mask), operand]) => (memory, operand, mask),
            ([None, Some(memory)], [operand, (_, mask)]) => (memory, operand, mask),
            ([Some(_), Some(_)], _) => return Err(Fault::Twice("compares two values of memory")),
            ([None, None], _) => {
                let is_summed = [lhs, rhs].map(|side| {
                    self.side(side, None)
                        .is_ok_and(|side| self.is_summed(&side.sum))
                });
                return match is_summed {
                    [true, true] => Ok(None),
                    _ => {
                        Err(self.wide_fault("compares wide values that are not memory and a field"))
                    }
                };
            }
        };
        if !is_operand(operand) {
            return Err(self.wide_fault("compares wide memory with something that is no field"));
        }
        let mut operand = bare_operand(operand);
        let width = operand.width(self.gress);
        if lo > 0 {
            let below = Expr::Const(Bits::zero(lo));
            operand = Expr::binary(BinaryOp::Concat, operand, below);
        }
        let mask = memory_mask.map_or(bits, |mask| mask << lo & bits);
        let operand_mask = operand_mask.map(|mask| mask << lo);
        // Bits that neither side has are equal.
        let has_bits = low(width) << lo & operand_mask.unwrap_or(all);
        if has_bits & !mask != 0 || operand_mask.unwrap_or(mask) != mask {
            return Err(self.wide_fault("compares wide values under a mask on one side"));
        }
        if self.salu.wide_comparators == 0 {
            return Err(Fault::TooWide(half));
        }
        if mask == 0 {
            return Ok(Some(Truth::Const(true)));
        }
        let sum = Sum {
            memory: Some(Signed {
                source: memory,
                is_negated: false,
                mask,
            }),
            operand: Some(Signed {
                source: operand,
                is_negated: true,
                mask,
            }),
            constant: 0,
        };
        let test = Test {
            sum,
            relation: Relation::Equal,
            kind: SumKind::Match,
            is_negated: false,
        };
        Ok(Some(self.comparator(test, span)))
    }
}
