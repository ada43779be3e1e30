//! The comparisons of a register action, and the alternatives between which they choose.

use p4rmt_ir::{BinaryOp, Bits, Expr, UnaryOp};

use super::{Fault, is_truth, operand, without_casts};

/// What a register action needs, while it is collected.
#[derive(Default)]
pub(super) struct Contents {
    /// Comparisons, each once, as operator and sides; negations and mirror images are one.
    pub(super) comparisons: Vec<(BinaryOp, Expr, Expr)>,
}

impl Contents {
    /// Divides a value into its alternatives, each once, and takes the comparisons that choose.
    pub(super) fn take_value<'a>(
        &mut self,
        value: &'a Expr,
        leaves: &mut Vec<&'a Expr>,
    ) -> Result<(), Fault> {
        // Bits of a choice are a choice of bits.
        match without_casts(value) {
            Expr::Mux {
                cond,
                then,
                otherwise,
            } if !is_minimum(cond, then, otherwise) => {
                self.take_condition(cond)?;
                self.take_value(then, leaves)?;
                self.take_value(otherwise, leaves)
            }
            bare => {
                if is_truth(bare) {
                    self.take_condition(bare)?;
                }
                if !leaves.contains(&value) {
                    leaves.push(value);
                }
                Ok(())
            }
        }
    }

    fn take_condition(&mut self, cond: &Expr) -> Result<(), Fault> {
        match cond {
            Expr::Const(_) => Ok(()),
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            } => self.take_condition(arg),
            Expr::Binary {
                op: BinaryOp::And | BinaryOp::Or | BinaryOp::Xor,
                lhs,
                rhs,
            } => {
                self.take_condition(lhs)?;
                self.take_condition(rhs)
            }
            Expr::Binary { op, lhs, rhs } if op.is_comparison() => {
                self.take_comparison(*op, lhs, rhs)
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                self.take_condition(cond)?;
                self.take_condition(then)?;
                self.take_condition(otherwise)
            }
            // A bit by itself is compared with zero.
            Expr::Field(_) | Expr::Local { .. } | Expr::Slice { .. } | Expr::Resize { .. } => {
                let zero = Expr::Const(Bits::zero(1));
                self.take_comparison(BinaryOp::Ne, cond, &zero)
            }
            Expr::Param { .. }
            | Expr::Unary { .. }
            | Expr::Binary { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. } => Err(Fault::ComparisonTooDeep),
        }
    }

    fn take_comparison(&mut self, op: BinaryOp, lhs: &Expr, rhs: &Expr) -> Result<(), Fault> {
        let mut terms = Terms::default();
        terms.take(lhs)?;
        terms.take(rhs)?;
        if terms.memory.len() > 1 || terms.fields.len() > 1 {
            return Err(Fault::ComparisonTooDeep);
        }
        let (op, lhs, rhs) = match op {
            BinaryOp::Ne => (BinaryOp::Eq, lhs, rhs),
            BinaryOp::LeU => (BinaryOp::LtU, rhs, lhs),
            BinaryOp::LeS => (BinaryOp::LtS, rhs, lhs),
            op => (op, lhs, rhs),
        };
        let known = |(o, a, b): &(BinaryOp, Expr, Expr)| {
            let mirrored = op == BinaryOp::Eq && (a, b) == (rhs, lhs);
            *o == op && ((a, b) == (lhs, rhs) || mirrored)
        };
        if !self.comparisons.iter().any(known) {
            self.comparisons.push((op, lhs.clone(), rhs.clone()));
        }
        Ok(())
    }
}

/// Whether a choice is the smaller or larger of its two sides, which is one operation.
fn is_minimum(cond: &Expr, then: &Expr, otherwise: &Expr) -> bool {
    match cond {
        Expr::Binary {
            op: BinaryOp::LtU | BinaryOp::LeU | BinaryOp::LtS | BinaryOp::LeS,
            lhs,
            rhs,
        } => {
            let sides = (&**lhs, &**rhs);
            let is_simple = |expr: &Expr| operand(expr).is_some();
            (sides == (then, otherwise) || sides == (otherwise, then))
                && is_simple(then)
                && is_simple(otherwise)
        }
        _ => false,
    }
}

/// The terms of a comparison.
#[derive(Default)]
struct Terms {
    memory: Vec<Expr>,
    fields: Vec<Expr>,
}

impl Terms {
    fn take(&mut self, expr: &Expr) -> Result<(), Fault> {
        match expr {
            Expr::Const(_) => Ok(()),
            Expr::Local { .. } => {
                if !self.memory.contains(expr) {
                    self.memory.push(expr.clone());
                }
                Ok(())
            }
            Expr::Field(_) => {
                if !self.fields.contains(expr) {
                    self.fields.push(expr.clone());
                }
                Ok(())
            }
            Expr::Slice { arg, .. } if matches!(**arg, Expr::Field(_)) => {
                if !self.fields.contains(expr) {
                    self.fields.push(expr.clone());
                }
                Ok(())
            }
            Expr::Slice { arg, .. } | Expr::Resize { arg, .. } | Expr::Unary { arg, .. } => {
                self.take(arg)
            }
            Expr::Binary {
                op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::And,
                lhs,
                rhs,
            } => {
                self.take(lhs)?;
                self.take(rhs)
            }
            Expr::Binary { .. }
            | Expr::Mux { .. }
            | Expr::Param { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. } => Err(Fault::ComparisonTooDeep),
        }
    }
}
