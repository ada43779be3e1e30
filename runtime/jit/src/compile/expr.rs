//! Expressions: what a value is, at the moment when it is asked for.

use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use p4rmt_ir::{BinaryOp, Expr, Id, LanePart, UnaryOp};

use super::number::Number;
use super::{Compiler, Word};
use crate::callbacks::Name;

impl Compiler<'_> {
    /// The value of an expression. A lookahead beyond the packet is noted in `too_short`.
    pub(super) fn expr(&mut self, expr: &Expr) -> Number {
        match expr {
            Expr::Const(value) => self.constant(value),
            Expr::Field(field) => self.field(*field),
            Expr::Param { index, .. } => self.params[*index as usize].clone(),
            Expr::Local { local, width } => self.local(local.index(), Some(*width)),
            Expr::Slice { arg, hi, lo } => {
                let arg = self.expr(arg);
                self.slice(&arg, *hi, *lo)
            }
            Expr::Unary { op, arg } => {
                let arg = self.expr(arg);
                self.unary(*op, &arg)
            }
            Expr::Binary { op, lhs, rhs } => {
                let (left, right) = (self.expr(lhs), self.expr(rhs));
                self.binary(*op, &left, &right)
            }
            Expr::Resize {
                arg,
                width,
                is_signed,
            } => {
                let arg = self.expr(arg);
                self.resize(&arg, *width, *is_signed)
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => self.mux(cond, then, otherwise),
            Expr::Lookahead { offset, width } => self.lookahead(*offset, *width),
            Expr::MathUnit { unit, arg, width } => {
                let arg = self.expr(arg);
                self.put_in_scratch([&arg]);
                let words = [unit.index() as u64, u64::from(arg.width), u64::from(*width)];
                self.call_with(Name::MathUnit, words);
                self.take_from_scratch(*width)
            }
            Expr::Lane(lane) => {
                let [word, mask, change] = lane.args().map(|arg| self.expr(arg));
                self.put_in_scratch([&word, &mask, &change]);
                let part = match lane.op.part {
                    LanePart::Number => 0,
                    LanePart::Index => 1,
                    LanePart::Word => 2,
                };
                let is_largest = u64::from(lane.op.is_largest);
                let words = [u64::from(lane.op.lane_bits), is_largest, part];
                self.call_with(Name::Lane, words);
                self.take_from_scratch(lane.op.width())
            }
        }
    }

    /// Only the side that is chosen counts, also for a lookahead beyond the packet.
    fn mux(&mut self, cond: &Expr, then: &Expr, otherwise: &Expr) -> Number {
        let cond = self.condition(cond);
        let before = self.too_short.take();
        let then = self.expr(then);
        let then_short = self.too_short.take();
        let otherwise = self.expr(otherwise);
        let otherwise_short = self.too_short.take();
        self.too_short = before;
        if then_short.is_some() || otherwise_short.is_some() {
            let long = self.b.ins().iconst(types::I8, 0);
            let then = then_short.unwrap_or(long);
            let otherwise = otherwise_short.unwrap_or(long);
            let chosen = self.b.ins().select(cond, then, otherwise);
            self.note_too_short(chosen);
        }
        self.select(cond, &then, &otherwise)
    }

    pub(super) fn note_too_short(&mut self, is_too_short: Word) {
        self.too_short = Some(match self.too_short {
            Some(before) => self.b.ins().bor(before, is_too_short),
            None => is_too_short,
        });
    }

    /// A condition: any word that is not zero means that it holds.
    pub(super) fn condition(&mut self, cond: &Expr) -> Word {
        match cond {
            Expr::Binary { op, lhs, rhs } if op.is_comparison() && lhs.width(self.gress) > 0 => {
                let (left, right) = (self.expr(lhs), self.expr(rhs));
                let right = self.resize(&right, left.width, false);
                self.compare(*op, &left, &right)
            }
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            } if arg.width(self.gress) == 1 => {
                let arg = self.condition(arg);
                self.is_zero(arg)
            }
            Expr::Binary {
                op: op @ (BinaryOp::And | BinaryOp::Or),
                lhs,
                rhs,
            } if lhs.width(self.gress) == 1 => {
                let (left, right) = (self.truth(lhs), self.truth(rhs));
                match op {
                    BinaryOp::And => self.b.ins().band(left, right),
                    _ => self.b.ins().bor(left, right),
                }
            }
            _ => {
                let value = self.expr(cond);
                self.any_bit(&value.words)
            }
        }
    }

    /// A condition as 0 or 1 in the smallest type.
    fn truth(&mut self, cond: &Expr) -> Word {
        let cond = self.condition(cond);
        if self.b.func.dfg.value_type(cond) == types::I8 {
            return cond;
        }
        self.is(IntCC::NotEqual, cond, 0)
    }

    pub(super) fn is_zero(&mut self, condition: Word) -> Word {
        let of_type = self.b.func.dfg.value_type(condition);
        let zero = self.b.ins().iconst(of_type, 0);
        self.b.ins().icmp(IntCC::Equal, condition, zero)
    }

    /// The arguments as one number, the first in the highest bits.
    pub(super) fn concat_all(&mut self, args: &[Expr]) -> Number {
        let args: Vec<Number> = args.iter().map(|arg| self.expr(arg)).collect();
        self.join(&args)
    }
}
