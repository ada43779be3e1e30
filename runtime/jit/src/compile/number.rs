//! Values of any width as words, and every operator of [`Bits`](p4rmt_ir::Bits) on them.
//!
//! The lowest word comes first; bits at and above the width are zero, always.

use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use cranelift_frontend::FunctionBuilder;
use p4rmt_ir::{BinaryOp, UnaryOp};

use super::{Compiler, Word};
use crate::callbacks::{Name, WIDE_OPERATORS};

/// A value.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) width: u32,
    /// ceil(width / 64) words.
    pub(crate) words: Vec<Word>,
}

/// The bits of the top word of a value of this width.
fn top_mask(width: u32) -> u64 {
    match width % 64 {
        0 => u64::MAX,
        used => (1 << used) - 1,
    }
}

impl Compiler<'_> {
    /// Clears what lies above the width.
    pub(super) fn cut(&mut self, mut words: Vec<Word>, width: u32) -> Number {
        words.truncate(width.div_ceil(64) as usize);
        if let Some(top) = words.last_mut()
            && !width.is_multiple_of(64)
        {
            let mask = self.word(top_mask(width));
            *top = self.b.ins().band(*top, mask);
        }
        Number { width, words }
    }

    pub(super) fn zero(&mut self, width: u32) -> Number {
        let zero = self.word(0);
        Number {
            width,
            words: vec![zero; width.div_ceil(64) as usize],
        }
    }

    fn ones(&mut self, width: u32) -> Number {
        let ones = self.word(u64::MAX);
        self.cut(vec![ones; width.div_ceil(64) as usize], width)
    }

    /// A condition as a value of one bit.
    pub(super) fn bit_of(&mut self, condition: Word) -> Number {
        let word = self.b.ins().uextend(types::I64, condition);
        Number {
            width: 1,
            words: vec![word],
        }
    }

    pub(super) fn shl_word(&mut self, word: Word, amount: u32) -> Word {
        if amount == 0 {
            return word;
        }
        let amount = self.word(u64::from(amount));
        self.b.ins().ishl(word, amount)
    }

    pub(super) fn shr_word(&mut self, word: Word, amount: u32) -> Word {
        if amount == 0 {
            return word;
        }
        let amount = self.word(u64::from(amount));
        self.b.ins().ushr(word, amount)
    }

    /// All words joined by `or`.
    pub(super) fn any_bit(&mut self, words: &[Word]) -> Word {
        match words {
            [] => self.word(0),
            [first, rest @ ..] => rest
                .iter()
                .fold(*first, |any, word| self.b.ins().bor(any, *word)),
        }
    }

    /// The highest bit, as a word that is 0 or 1.
    fn sign(&mut self, number: &Number) -> Word {
        match number.words.last() {
            Some(top) => self.shr_word(*top, (number.width - 1) % 64),
            None => self.word(0),
        }
    }

    pub(super) fn resize(&mut self, number: &Number, width: u32, is_signed: bool) -> Number {
        if width == number.width {
            return number.clone();
        }
        let mut words = number.words.clone();
        if width < number.width {
            return self.cut(words, width);
        }
        let n_words = width.div_ceil(64) as usize;
        if !is_signed {
            let zero = self.word(0);
            words.resize(n_words, zero);
            return Number { width, words };
        }
        let sign = self.sign(number);
        let zero = self.word(0);
        let fill = self.b.ins().isub(zero, sign);
        if let Some(top) = words.last_mut()
            && !number.width.is_multiple_of(64)
        {
            let above = self.word(!top_mask(number.width));
            let above = self.b.ins().band(fill, above);
            *top = self.b.ins().bor(*top, above);
        }
        words.resize(n_words, fill);
        self.cut(words, width)
    }

    pub(super) fn slice(&mut self, number: &Number, hi: u32, lo: u32) -> Number {
        let width = hi - lo + 1;
        let words = (0..width.div_ceil(64))
            .map(|position| self.window(number, lo + position * 64))
            .collect();
        if hi + 1 == number.width {
            return Number { width, words };
        }
        self.cut(words, width)
    }

    /// The 64 bits from bit `lo` upwards.
    fn window(&mut self, number: &Number, lo: u32) -> Word {
        let (position, shift) = ((lo / 64) as usize, lo % 64);
        let Some(low) = number.words.get(position).copied() else {
            return self.word(0);
        };
        let low = self.shr_word(low, shift);
        match number.words.get(position + 1) {
            Some(high) if shift > 0 => {
                let high = self.shl_word(*high, 64 - shift);
                self.b.ins().bor(low, high)
            }
            Some(_) | None => low,
        }
    }

    /// Shifts left by what is known, in the same width, where no bit is lost.
    fn raise(&mut self, number: &Number, amount: u32) -> Number {
        let (n_words, shift) = ((amount / 64) as usize, amount % 64);
        let words = (0..number.words.len())
            .map(|position| {
                let Some(from) = position.checked_sub(n_words) else {
                    return self.word(0);
                };
                let high = self.shl_word(number.words[from], shift);
                match from.checked_sub(1) {
                    Some(below) if shift > 0 => {
                        let low = self.shr_word(number.words[below], 64 - shift);
                        self.b.ins().bor(high, low)
                    }
                    Some(_) | None => high,
                }
            })
            .collect();
        Number {
            width: number.width,
            words,
        }
    }

    /// The number with the bits from `hi` to `lo` replaced.
    pub(super) fn with_slice(&mut self, old: &Number, hi: u32, lo: u32, new: &Number) -> Number {
        let part = self.resize(new, hi - lo + 1, false);
        let part = self.resize(&part, old.width.max(hi + 1), false);
        let part = self.raise(&part, lo);
        let words = (0..)
            .zip(&old.words)
            .map(|(position, old)| {
                let covered = (0..64).filter(|bit| (lo..=hi).contains(&(position * 64 + bit)));
                let mask = covered.fold(0u64, |mask, bit| mask | 1 << bit);
                match mask {
                    0 => *old,
                    u64::MAX => part.words[position as usize],
                    mask => {
                        let kept = self.word(!mask);
                        let kept = self.b.ins().band(*old, kept);
                        self.b.ins().bor(kept, part.words[position as usize])
                    }
                }
            })
            .collect();
        Number {
            width: old.width,
            words,
        }
    }

    pub(super) fn concat(&mut self, high: &Number, low: &Number) -> Number {
        let width = high.width + low.width;
        if low.width.is_multiple_of(64) {
            let words = low.words.iter().chain(&high.words).copied().collect();
            return Number { width, words };
        }
        let high = self.resize(high, width, false);
        let high = self.raise(&high, low.width);
        let low = self.resize(low, width, false);
        self.by_word(&high, &low, |b, high, low| b.ins().bor(high, low))
    }

    /// Values one behind the other, the first in the highest bits.
    pub(super) fn join(&mut self, parts: &[Number]) -> Number {
        let width: u32 = parts.iter().map(|part| part.width).sum();
        let words = (0..width.div_ceil(64)).map(|word| {
            let lo = word * 64;
            self.join_bits(parts, lo, (lo + 64).min(width))
        });
        let words = words.collect();
        Number { width, words }
    }

    /// Up to 64 bits, from `lo` up to but without `end`, of values one behind the other. What stands above them in the
    /// word counts only where the values end there.
    pub(super) fn join_bits(&mut self, parts: &[Number], lo: u32, end: u32) -> Word {
        let mut word: Option<Word> = None;
        let mut above: u32 = parts.iter().map(|part| part.width).sum();
        for part in parts {
            let below = above - part.width;
            let (from, to) = (below.max(lo), above.min(end));
            if from < to {
                let bits = self.window(part, from - below);
                word = Some(match word {
                    // What lies above a whole word is shifted out.
                    None => bits,
                    Some(word) => {
                        let word = self.shl_word(word, to - from);
                        self.b.ins().bor(word, bits)
                    }
                });
            }
            above = below;
        }
        word.unwrap_or_else(|| self.word(0))
    }

    /// Combines word by word what is equally wide.
    fn by_word(
        &mut self,
        left: &Number,
        right: &Number,
        combine: impl Fn(&mut FunctionBuilder<'_>, Word, Word) -> Word,
    ) -> Number {
        let pairs = left.words.iter().zip(&right.words);
        Number {
            width: left.width,
            words: pairs
                .map(|(left, right)| combine(&mut self.b, *left, *right))
                .collect(),
        }
    }

    pub(super) fn select(&mut self, condition: Word, then: &Number, otherwise: &Number) -> Number {
        let otherwise = self.resize(otherwise, then.width, false);
        self.by_word(then, &otherwise, |b, then, otherwise| {
            b.ins().select(condition, then, otherwise)
        })
    }

    pub(super) fn unary(&mut self, op: UnaryOp, arg: &Number) -> Number {
        match op {
            UnaryOp::Not => {
                let words = arg.words.iter().map(|word| self.b.ins().bnot(*word));
                let words = words.collect();
                self.cut(words, arg.width)
            }
            UnaryOp::Neg => {
                let zero = self.zero(arg.width);
                self.sub(&zero, arg)
            }
        }
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: &Number, right: &Number) -> Number {
        if op == BinaryOp::Concat {
            return self.concat(left, right);
        }
        if op.is_shift() {
            return self.shift(op, left, right);
        }
        if left.width == 0 {
            return self.empty(op);
        }
        let right = &self.resize(right, left.width, false);
        match op {
            BinaryOp::Concat | BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS => {
                unreachable!("done above")
            }
            BinaryOp::Add => self.add(left, right),
            BinaryOp::Sub => self.sub(left, right),
            BinaryOp::Mul => match (&left.words[..], &right.words[..]) {
                ([left_word], [right_word]) => {
                    let product = self.b.ins().imul(*left_word, *right_word);
                    self.cut(vec![product], left.width)
                }
                _ => self.wide(op, left, right),
            },
            BinaryOp::DivU | BinaryOp::RemU => self.divide(op, left, right),
            BinaryOp::AddSatU => {
                let sum = self.add(left, right);
                let is_over = self.less(&sum, left, false);
                let most = self.ones(left.width);
                self.select(is_over, &most, &sum)
            }
            BinaryOp::SubSatU => {
                let difference = self.sub(left, right);
                let is_under = self.less(left, right, false);
                let least = self.zero(left.width);
                self.select(is_under, &least, &difference)
            }
            BinaryOp::AddSatS | BinaryOp::SubSatS => self.saturating(op, left, right),
            BinaryOp::And => self.by_word(left, right, |b, left, right| b.ins().band(left, right)),
            BinaryOp::Or => self.by_word(left, right, |b, left, right| b.ins().bor(left, right)),
            BinaryOp::Xor => self.by_word(left, right, |b, left, right| b.ins().bxor(left, right)),
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::LtU
            | BinaryOp::LeU
            | BinaryOp::LtS
            | BinaryOp::LeS => {
                let condition = self.compare(op, left, right);
                self.bit_of(condition)
            }
        }
    }

    /// What operators give for values without bits.
    fn empty(&mut self, op: BinaryOp) -> Number {
        match op {
            BinaryOp::Eq | BinaryOp::LeU | BinaryOp::LeS => {
                let one = self.word(1);
                Number {
                    width: 1,
                    words: vec![one],
                }
            }
            op if op.is_comparison() => self.zero(1),
            _ => self.zero(0),
        }
    }

    /// A comparison of what is equally wide and not empty, as a condition.
    pub(super) fn compare(&mut self, op: BinaryOp, left: &Number, right: &Number) -> Word {
        match op {
            BinaryOp::LtU => self.less(left, right, false),
            BinaryOp::LtS => self.less(left, right, true),
            BinaryOp::LeU => {
                let greater = self.less(right, left, false);
                self.is_zero(greater)
            }
            BinaryOp::LeS => {
                let greater = self.less(right, left, true);
                self.is_zero(greater)
            }
            BinaryOp::Ne => self.differs(left, right, IntCC::NotEqual),
            _ => self.differs(left, right, IntCC::Equal),
        }
    }

    fn differs(&mut self, left: &Number, right: &Number, condition: IntCC) -> Word {
        if let ([left], [right]) = (&left.words[..], &right.words[..]) {
            return self.b.ins().icmp(condition, *left, *right);
        }
        let different = self.by_word(left, right, |b, left, right| b.ins().bxor(left, right));
        let any = self.any_bit(&different.words);
        self.is(condition, any, 0)
    }

    fn less(&mut self, left: &Number, right: &Number, is_signed: bool) -> Word {
        let (mut left, mut right) = (left.clone(), right.clone());
        if is_signed {
            // With the signs turned around, the order is that of unsigned numbers.
            for number in [&mut left, &mut right] {
                let sign = self.word(1 << ((number.width - 1) % 64));
                let top = number.words.last_mut().expect("it is not empty");
                *top = self.b.ins().bxor(*top, sign);
            }
        }
        let mut pairs = left.words.iter().zip(&right.words);
        let (first_left, first_right) = pairs.next().expect("it is not empty");
        let below = IntCC::UnsignedLessThan;
        let mut less = self.b.ins().icmp(below, *first_left, *first_right);
        for (left, right) in pairs {
            let here = self.b.ins().icmp(below, *left, *right);
            let equal = self.b.ins().icmp(IntCC::Equal, *left, *right);
            let carried = self.b.ins().band(equal, less);
            less = self.b.ins().bor(here, carried);
        }
        less
    }

    fn add(&mut self, left: &Number, right: &Number) -> Number {
        let mut carry: Option<Word> = None;
        let mut words = Vec::new();
        for (position, (a, b)) in left.words.iter().zip(&right.words).enumerate() {
            let mut sum = self.b.ins().iadd(*a, *b);
            let is_last = position + 1 == left.words.len();
            let mut over = (!is_last).then(|| self.is_below(sum, *a));
            if let Some(carry) = carry {
                let with = self.b.ins().iadd(sum, carry);
                if let Some(over) = &mut over {
                    let again = self.is_below(with, sum);
                    *over = self.b.ins().bor(*over, again);
                }
                sum = with;
            }
            carry = over;
            words.push(sum);
        }
        self.cut(words, left.width)
    }

    /// 1 if one word is below the other, else 0: the carry of a sum that is below what it began with,
    /// the borrow of a difference.
    fn is_below(&mut self, word: Word, other: Word) -> Word {
        let below = self.b.ins().icmp(IntCC::UnsignedLessThan, word, other);
        self.b.ins().uextend(types::I64, below)
    }

    fn sub(&mut self, left: &Number, right: &Number) -> Number {
        let mut borrow: Option<Word> = None;
        let mut words = Vec::new();
        for (position, (a, b)) in left.words.iter().zip(&right.words).enumerate() {
            let mut difference = self.b.ins().isub(*a, *b);
            let is_last = position + 1 == left.words.len();
            let mut under = (!is_last).then(|| self.is_below(*a, *b));
            if let Some(borrow) = borrow {
                if let Some(under) = &mut under {
                    let again = self.is_below(difference, borrow);
                    *under = self.b.ins().bor(*under, again);
                }
                difference = self.b.ins().isub(difference, borrow);
            }
            borrow = under;
            words.push(difference);
        }
        self.cut(words, left.width)
    }

    fn divide(&mut self, op: BinaryOp, left: &Number, right: &Number) -> Number {
        let ([dividend], [divisor]) = (&left.words[..], &right.words[..]) else {
            return self.wide(op, left, right);
        };
        let (dividend, divisor) = (*dividend, *divisor);
        let is_zero = self.is(IntCC::Equal, divisor, 0);
        let one = self.word(1);
        // Division by zero would be a trap; what it gives is chosen behind it.
        let divisor = self.b.ins().select(is_zero, one, divisor);
        let (result, by_zero) = if op == BinaryOp::DivU {
            let ones = self.ones(left.width).words[0];
            (self.b.ins().udiv(dividend, divisor), ones)
        } else {
            (self.b.ins().urem(dividend, divisor), dividend)
        };
        Number {
            width: left.width,
            words: vec![self.b.ins().select(is_zero, by_zero, result)],
        }
    }

    /// A signed sum or difference that stays at the bound that it would go beyond.
    fn saturating(&mut self, op: BinaryOp, left: &Number, right: &Number) -> Number {
        let result = if op == BinaryOp::AddSatS {
            self.add(left, right)
        } else {
            self.sub(left, right)
        };
        let signs = [left, right, &result].map(|number| self.sign(number));
        let differ = self.b.ins().bxor(signs[0], signs[1]);
        let left_changed = self.b.ins().bxor(signs[0], signs[2]);
        let one = self.word(1);
        // A sum of different signs, or a difference of equal ones, always fits.
        let may_overflow = if op == BinaryOp::AddSatS {
            self.b.ins().bxor(differ, one)
        } else {
            differ
        };
        let is_over = self.b.ins().band(may_overflow, left_changed);
        let width = left.width;
        let one = Number {
            width: 1,
            words: vec![one],
        };
        let zero = self.zero(width);
        let least = self.with_slice(&zero, width - 1, width - 1, &one);
        let most = self.unary(UnaryOp::Not, &least);
        let bound = self.select(signs[0], &least, &most);
        self.select(is_over, &bound, &result)
    }

    fn shift(&mut self, op: BinaryOp, left: &Number, right: &Number) -> Number {
        let [word] = left.words[..] else {
            if left.words.is_empty() {
                return left.clone();
            }
            return self.wide(op, left, right);
        };
        let width = left.width;
        // The amount, and whether it leaves anything.
        let (amount, is_inside) = match right.words.split_first() {
            None => return left.clone(),
            Some((low, high)) => {
                let mut inside = self.is(IntCC::UnsignedLessThan, *low, u64::from(width));
                if !high.is_empty() {
                    let any = self.any_bit(high);
                    let none = self.is(IntCC::Equal, any, 0);
                    inside = self.b.ins().band(inside, none);
                }
                (*low, inside)
            }
        };
        if op == BinaryOp::ShrS {
            let above = 64 - width;
            let raised = self.shl_word(word, above);
            let above = self.word(u64::from(above));
            let extended = self.b.ins().sshr(raised, above);
            let most = self.word(63);
            let amount = self.b.ins().select(is_inside, amount, most);
            let shifted = self.b.ins().sshr(extended, amount);
            return self.cut(vec![shifted], width);
        }
        let shifted = if op == BinaryOp::Shl {
            self.b.ins().ishl(word, amount)
        } else {
            self.b.ins().ushr(word, amount)
        };
        let zero = self.word(0);
        let shifted = self.b.ins().select(is_inside, shifted, zero);
        self.cut(vec![shifted], width)
    }

    /// An operator that the engine computes.
    fn wide(&mut self, op: BinaryOp, left: &Number, right: &Number) -> Number {
        let known = WIDE_OPERATORS.iter().position(|known| *known == op);
        let operator = known.expect("all others are compiled") as u64;
        self.put_in_scratch([left, right]);
        let widths = [operator, u64::from(left.width), u64::from(right.width)];
        self.call_with(Name::Wide, widths);
        self.take_from_scratch(left.width)
    }
}
