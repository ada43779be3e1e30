//! What a register action asks of its own unit, as methods of `this`: the case of its comparators, and
//! the smallest or largest lane of a word of memory.

use p4rmt_ir::{
    Arena, BinaryOp, Bits, Expr, LaneExpr, LaneOp, LanePart, Local, LocalId, RegisterId, Stmt,
    StmtKind,
};
use p4rmt_source::Span;

use crate::args::Arg;
use crate::fold;
use crate::lower::Lower;
use crate::storage::{Base, Slot, Storage};
use crate::types::Type;
use crate::value::Value;

/// Elements that lie in a word of memory, as variables of a register action.
pub(super) struct WordOfElements {
    /// A variable a value, from the lowest bits.
    pub(super) memory: Vec<LocalId>,
    /// What brings them into the variable that the program has for the word.
    pub(super) prologue: Vec<Stmt>,
    /// What brings them back.
    pub(super) epilogue: Vec<Stmt>,
}

impl<'a> Lower<'a> {
    /// The elements of a register that make up the word in this variable; nothing where a word is not
    /// made of whole elements.
    pub(super) fn word_of_elements(
        &mut self,
        register: RegisterId,
        word: LocalId,
        span: Span,
    ) -> Option<WordOfElements> {
        let element = &self.gress.registers[register].element;
        let widths: Vec<u32> = element.iter().map(|field| field.width).collect();
        let element_bits: u32 = widths.iter().sum();
        let is_whole = widths.iter().all(|width| *width >= 8)
            && element_bits.is_power_of_two()
            && element_bits <= LaneOp::WORD_BITS;
        if !is_whole {
            self.unsupported(
                span,
                "a word of memory of such elements",
                "declare the register with elements of 8, 16, 32, 64 or 128 bits",
            );
            return None;
        }
        if widths.len() == 1 && element_bits == LaneOp::WORD_BITS {
            return Some(WordOfElements {
                memory: vec![word],
                prologue: Vec::new(),
                epilogue: Vec::new(),
            });
        }
        let locals: &mut Arena<LocalId, Local> = self.locals.as_mut()?;
        let n_elements = LaneOp::WORD_BITS / element_bits;
        let mut memory = Vec::new();
        let mut slots = Vec::new();
        for width in (0..n_elements).flat_map(|_| widths.iter().copied()) {
            let local = locals.push(Local {
                name: format!("${}", memory.len()),
                width,
            });
            memory.push(local);
            slots.push(Slot::whole(Base::Local(local), width));
        }
        let whole = Slot::whole(Base::Local(word), LaneOp::WORD_BITS);
        let joined = concat(slots.iter().rev().map(|slot| slot.read()));
        let assign = |slot: Slot, value: Expr| Stmt {
            kind: StmtKind::Assign {
                dst: slot.place(),
                value,
            },
            span,
        };
        let mut lo = 0;
        let epilogue = slots.iter().map(|slot| {
            let part = whole.slice(lo + slot.width() - 1, lo).read();
            lo += slot.width();
            assign(*slot, part)
        });
        Some(WordOfElements {
            memory,
            epilogue: epilogue.collect(),
            prologue: joined
                .map(|joined| assign(whole, joined))
                .into_iter()
                .collect(),
        })
    }

    /// A method of `this`, whose element is in `memory`.
    pub(super) fn run_own_method(
        &mut self,
        name: &str,
        memory: &Storage,
        args: &[Arg<'a>],
        result: Type,
        span: Span,
    ) -> Value {
        match name {
            "predicate" => self.comparator_case(args, result, span),
            "min8" => self.search_lanes(false, 8, memory, args, result, span),
            "max8" => self.search_lanes(true, 8, memory, args, result, span),
            "min16" => self.search_lanes(false, 16, memory, args, result, span),
            "max16" => self.search_lanes(true, 16, memory, args, result, span),
            _ => {
                self.unsupported(
                    span,
                    "this method of `this`",
                    "return the value, and compute the rest in the action that calls it",
                );
                Value::poison()
            }
        }
    }

    /// `this.predicate(a, b, …)`: the bit of the case that the comparators see, which is the number that
    /// the answers make, the first the lowest bit. What is left out is false.
    fn comparator_case(&mut self, args: &[Arg<'a>], result: Type, span: Span) -> Value {
        let Some(width) = result.scalar_width() else {
            self.mismatch(span, "a number", &result);
            return Value::poison();
        };
        let mut answers = Vec::new();
        for arg in args {
            match arg {
                Arg::Value(value) => match self.read(value, span) {
                    Some(answer) => answers.push(answer),
                    None => return Value::poison(),
                },
                Arg::Omitted | Arg::Place(..) | Arg::Object(_) => answers.push(fold::truth(false)),
            }
        }
        while answers
            .last()
            .and_then(fold::as_const)
            .is_some_and(Bits::is_zero)
        {
            answers.pop();
        }
        let n_cases = 1 << answers.len();
        let one = fold::constant(n_cases, 1);
        let bit = match concat(answers.into_iter().rev()) {
            None => one,
            Some(case) => fold::binary(BinaryOp::Shl, one, case),
        };
        Value::scalar(result, fold::resize(bit, n_cases, width, false))
    }

    /// `this.min8(value, mask, index, postmod)` and its kin.
    fn search_lanes(
        &mut self,
        is_largest: bool,
        lane_bits: u32,
        memory: &Storage,
        args: &[Arg<'a>],
        result: Type,
        span: Span,
    ) -> Value {
        let (Some(value), Some(mask)) = (
            args.first().and_then(Arg::value),
            args.get(1).and_then(Arg::value),
        ) else {
            return Value::poison();
        };
        let (Some(parts), Some(mask)) = (self.flatten(value, span), self.read(mask, span)) else {
            return Value::poison();
        };
        let bits: u32 = parts
            .iter()
            .map(|part| part.width_in(&self.gress.fields))
            .sum();
        let Some(word) = concat(parts.into_iter().rev()).filter(|_| bits == LaneOp::WORD_BITS)
        else {
            self.unsupported(
                span,
                "a search in a value that is not a word of 128 bits",
                "write a `MinMaxAction`, which sees whole words of the register's memory",
            );
            return Value::poison();
        };
        let change = match args.get(3).and_then(Arg::value) {
            None => fold::constant(lane_bits, 0),
            Some(change) => match self.read(change, span) {
                None => return Value::poison(),
                Some(change) => {
                    let from = change.width_in(&self.gress.fields);
                    fold::resize(change, from, lane_bits, true)
                }
            },
        };
        let find = |part: LanePart| {
            Expr::Lane(Box::new(LaneExpr {
                op: LaneOp {
                    is_largest,
                    lane_bits,
                    part,
                },
                word: word.clone(),
                mask: mask.clone(),
                change: change.clone(),
            }))
        };
        let is_changed = !fold::as_const(&change).is_some_and(Bits::is_zero);
        let mut number = Value::scalar(result.clone(), find(LanePart::Number));
        if is_changed {
            // It is what it was before the lane is changed.
            let Some(slot) = self.scalar_temporary("lane", &result, span) else {
                return Value::poison();
            };
            self.emit_assign(span, slot.place(), find(LanePart::Number));
            number = Value::slot(result, slot);
        }
        let index = find(LanePart::Index);
        let changed = find(LanePart::Word);
        let kept = is_changed.then(|| {
            let bits = LaneOp::WORD_BITS;
            self.scalar_temporary("word", &Type::bit(bits), span)
        });
        if let Some(Some(kept)) = kept {
            self.emit_assign(span, kept.place(), changed);
        }
        if let Some(Arg::Place(ty, storage)) = args.get(2) {
            self.assign_storage(storage, &Value::scalar(ty.clone(), index), span);
        }
        if let Some(Some(kept)) = kept {
            let mut lo = 0;
            memory.visit_leaves(&mut |slot| {
                let part = kept.slice(lo + slot.width() - 1, lo).read();
                lo += slot.width();
                self.emit_assign(span, slot.place(), part);
            });
        }
        number
    }
}

/// Side by side, the first highest; nothing of nothing.
fn concat(parts: impl Iterator<Item = Expr>) -> Option<Expr> {
    parts.reduce(|high, low| fold::binary(BinaryOp::Concat, high, low))
}
