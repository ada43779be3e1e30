//! The counter of a parser: eight bits, which the program sets, changes and compares with zero.
//!
//! It is a field like any other: setting, adding and subtracting are assignments, modulo 256. It is
//! negative where its highest bit is set. That of Tofino 2 has a stack of four values, which are fields,
//! too.

use num_bigint::BigInt;
use p4rmt_ir::{BinaryOp, Bits, Expr, FieldKind};
use p4rmt_source::Span;

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::{Construction, ExternKind};
use crate::fold;
use crate::lower::Lower;
use crate::storage::{Slot, Storage};
use crate::types::Type;
use crate::value::{Data, Value};

/// Bits of a counter.
const WIDTH: u32 = 8;
/// How many values its stack holds (`tofino2_base.p4`).
const STACK_DEPTH: usize = 4;

/// A parser counter.
#[derive(Clone, Debug)]
pub(crate) struct ParserCounter {
    value: Slot,
    /// What `push` has put aside, the last first.
    stack: Vec<Slot>,
}

impl<'a> Lower<'a> {
    pub(super) fn make_parser_counter(
        &mut self,
        made: &Construction<'a, '_>,
    ) -> Option<ExternKind> {
        let mut field = |name: &str| {
            let storage =
                self.gress
                    .storage(name, &Type::bit(WIDTH), FieldKind::Local, made.span)?;
            let Storage::Leaf(slot) = storage else {
                return None;
            };
            Some(slot)
        };
        let value = field(&made.name)?;
        let has_stack = made.decl.methods.iter().any(|m| m.name.text == "push");
        let mut stack = Vec::new();
        if has_stack {
            for position in 0..STACK_DEPTH {
                stack.push(field(&format!("{}.$stack{position}", made.name))?);
            }
        }
        Some(ExternKind::ParserCounter(ParserCounter { value, stack }))
    }

    /// A method of a parser counter.
    pub(super) fn run_parser_counter(
        &mut self,
        counter: &ParserCounter,
        name: &str,
        args: &[Arg<'a>],
        span: Span,
    ) -> Value {
        let slot = counter.value;
        let current = slot.read();
        let step = |lower: &mut Self, op| {
            let by = lower.counter_arg(args.first(), span)?;
            Some(fold::binary(op, current.clone(), by))
        };
        let next = match (name, args.len()) {
            ("is_zero", _) => {
                let zero = Expr::Const(Bits::zero(WIDTH));
                let is_zero = fold::binary(BinaryOp::Eq, current, zero);
                return Value::scalar(Type::Bool, is_zero);
            }
            ("is_negative", _) => {
                let sign = fold::slice(current, WIDTH, WIDTH - 1, WIDTH - 1);
                return Value::scalar(Type::Bool, sign);
            }
            ("increment", _) => step(self, BinaryOp::Add),
            ("decrement", _) => step(self, BinaryOp::Sub),
            ("pop", _) => {
                self.pop(counter, span);
                return Value::void();
            }
            ("set", 5) | ("push", 5..) => self.loaded(args, span),
            ("set" | "push", _) => self.counter_arg(args.first(), span),
            _ => {
                let object = "ParserCounter".to_owned();
                let method = name.to_owned();
                self.error(span, ErrorKind::ExternMethod { object, method });
                None
            }
        };
        let Some(next) = next else {
            return Value::poison();
        };
        if name == "push" {
            let is_set = |arg: &Arg<'a>| {
                arg.value()
                    .and_then(Value::as_bits)
                    .is_some_and(Bits::is_true)
            };
            if matches!(args.len(), 2 | 6) && args.last().is_some_and(is_set) {
                self.unsupported(
                    span,
                    "a parser counter that follows the top of its stack",
                    "push without `update_with_top`",
                );
                return Value::poison();
            }
            let mut above = slot.read();
            // From the bottom up, so that none is overwritten before it has moved.
            for position in (0..counter.stack.len()).rev() {
                let from = match position.checked_sub(1) {
                    Some(upper) => counter.stack[upper].read(),
                    None => std::mem::replace(&mut above, Expr::Const(Bits::zero(WIDTH))),
                };
                self.emit_assign(span, counter.stack[position].place(), from);
            }
        }
        self.emit_assign(span, slot.place(), next);
        Value::void()
    }

    fn pop(&mut self, counter: &ParserCounter, span: Span) {
        let slots: Vec<Slot> = std::iter::once(counter.value)
            .chain(counter.stack.iter().copied())
            .collect();
        for pair in slots.windows(2) {
            self.emit_assign(span, pair[0].place(), pair[1].read());
        }
    }

    /// A value as the counter takes it: at most 255.
    fn counter_arg(&mut self, arg: Option<&Arg<'a>>, span: Span) -> Option<Expr> {
        let value = arg?.value()?;
        if let Data::Int(number) = &value.data {
            let largest = BigInt::from((1 << WIDTH) - 1);
            return Some(Expr::Const(Bits::from_bigint(WIDTH, number.min(&largest))));
        }
        let value = value.clone();
        let width = value.ty.scalar_width();
        let Some(width) = width else {
            self.mismatch(span, "a number", &value.ty);
            return None;
        };
        let read = self.read(&value, span)?;
        Some(at_most(read, width, (1 << WIDTH) - 1))
    }

    /// `set(field, max, rotate, mask, add)`: the field, at most `max`, rotated to the right, under a
    /// mask, and more. TNA gives the position of the highest bit of the mask, T2NA the mask.
    fn loaded(&mut self, args: &[Arg<'a>], span: Span) -> Option<Expr> {
        let mut field = self.counter_arg(args.first(), span)?;
        let mut numbers = [0_u64; 4];
        for (number, arg) in numbers.iter_mut().zip(&args[1..]) {
            let bits = arg.value().and_then(Value::as_bits);
            let Some(bits) = bits else {
                self.not_constant(span);
                return None;
            };
            *number = bits.low_u64();
        }
        let [max, rotate, mask, add] = numbers;
        field = at_most(field, WIDTH, max);
        let rotate = u32::try_from(rotate).ok()? % WIDTH;
        if rotate > 0 {
            let low = fold::slice(field.clone(), WIDTH, rotate - 1, 0);
            let high = fold::slice(field, WIDTH, WIDTH - 1, rotate);
            field = fold::binary(BinaryOp::Concat, low, high);
        }
        let mask_width = args[3].value()?.ty.scalar_width()?;
        let mask = if mask_width < WIDTH {
            (2 << mask) - 1
        } else {
            mask
        };
        field = fold::binary(BinaryOp::And, field, fold::constant(WIDTH, mask));
        Some(fold::binary(
            BinaryOp::Add,
            field,
            fold::constant(WIDTH, add),
        ))
    }
}

/// A value of `width` bits, cut to the counter's where it is no more than `most`, else `most`.
fn at_most(value: Expr, width: u32, most: u64) -> Expr {
    let cut = fold::resize(value.clone(), width, WIDTH, false);
    let largest = 1_u64.checked_shl(width).map_or(u64::MAX, |above| above - 1);
    if largest <= most {
        return cut;
    }
    let is_more = fold::binary(BinaryOp::LtU, fold::constant(width, most), value);
    fold::mux(is_more, fold::constant(WIDTH, most), cut)
}
