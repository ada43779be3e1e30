//! Checksum units of parsers and deparsers: one's-complement sums of 16-bit words.

use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use p4rmt_ir::{CallKind, ChecksumId, ChecksumOp, Expr, Id, Parser, Place, StmtKind, UnaryOp};
use p4rmt_source::Span;

use super::number::Number;
use super::{Compiler, Deposit, Word};
use crate::callbacks::Name;

impl Compiler<'_> {
    /// An operation of a checksum unit; its result, if it has one.
    pub(super) fn checksum(
        &mut self,
        unit: ChecksumId,
        op: ChecksumOp,
        args: &[Expr],
        outs: &[Option<Place>],
    ) -> Option<Number> {
        let data = self.concat_all(args);
        let sum = self.sums[unit.index()];
        let result = match op {
            ChecksumOp::Add | ChecksumOp::Subtract => {
                let data = self.in_words(&data, op == ChecksumOp::Subtract);
                let before = self.b.use_var(sum);
                let after = self.sum_of(&data, before);
                self.b.def_var(sum, after);
                return None;
            }
            ChecksumOp::Verify => {
                let sum = self.b.use_var(sum);
                let is_wrong = self.is(IntCC::NotEqual, sum, 0xffff);
                return Some(self.bit_of(is_wrong));
            }
            ChecksumOp::Get => {
                let sum = self.b.use_var(sum);
                if self.is_deparsing {
                    self.complement(sum)
                } else {
                    sum
                }
            }
            ChecksumOp::Update { zeros_as_ones } => {
                let data = self.in_words(&data, false);
                let zero = self.word(0);
                let sum = self.sum_of(&data, zero);
                let checksum = self.complement(sum);
                if zeros_as_ones {
                    let is_zero = self.is(IntCC::Equal, checksum, 0);
                    let ones = self.word(0xffff);
                    self.b.ins().select(is_zero, ones, checksum)
                } else {
                    checksum
                }
            }
            ChecksumOp::SubtractAllAndDeposit => {
                if let Some(Some(place)) = outs.first() {
                    self.ask_for_residual(unit, place);
                }
                return None;
            }
        };
        Some(Number {
            width: 16,
            words: vec![result],
        })
    }

    fn ask_for_residual(&mut self, unit: ChecksumId, place: &Place) {
        let of_call = self
            .deposits
            .iter()
            .find(|deposit| deposit.unit == unit.index() && deposit.place == *place);
        let is_due = of_call
            .expect("all were found before the first state")
            .is_due;
        self.call_with(Name::DepositStart, [unit.index() as u64, 0, 0]);
        let one = self.word(1);
        self.b.def_var(is_due, one);
    }

    /// The checksum of data one behind the other, filled with zeros at their end. Each is summed up where it lies in
    /// its sixteen bits: modulo 2^16 - 1 it does not matter in which.
    pub(super) fn checksum_of(&mut self, data: &[Number]) -> Number {
        let width: u32 = data.iter().map(|part| part.width).sum();
        let mut below = width.next_multiple_of(16);
        let (mut sum, mut most) = (self.word(0), 0u64);
        for part in data {
            below -= part.width;
            let mut left = part.width;
            for word in &part.words {
                let n_bits = left.min(64);
                left -= n_bits;
                self.sum_word(*word, n_bits, below % 16, &mut sum, &mut most);
            }
        }
        let sum = self.fold(sum, most);
        Number {
            width: 16,
            words: vec![self.complement(sum)],
        }
    }

    /// Adds a word of so many bits, moved up, to a sum that is at most so much. It is folded where it becomes too
    /// large.
    fn sum_word(&mut self, word: Word, n_bits: u32, up: u32, sum: &mut Word, most: &mut u64) {
        /// Words of more bits are added half by half.
        const LONG: u32 = 44;
        let halves = if n_bits > LONG {
            let low = self.b.ins().ireduce(types::I32, word);
            let low = self.b.ins().uextend(types::I64, low);
            let high = self.shr_word(word, 32);
            vec![(low, 32), (high, n_bits - 32)]
        } else {
            vec![(word, n_bits)]
        };
        for (half, n_bits) in halves {
            let half_most = u64::MAX.checked_shr(64 - n_bits).unwrap_or(0) << up;
            let half = self.shl_word(half, up);
            if most.checked_add(half_most).is_none() {
                *sum = self.fold(*sum, *most);
                *most = 0xffff;
            }
            *sum = self.b.ins().iadd(*sum, half);
            *most += half_most;
        }
    }

    /// A sum that is at most so much, in sixteen bits: zero only where it is.
    fn fold(&mut self, sum: Word, most: u64) -> Word {
        if most <= 0xffff {
            return sum;
        }
        // A number and itself with its halves exchanged: the carry of the low halves comes round to the high ones.
        let mut sum = sum;
        if most > u64::from(u32::MAX) {
            let half = self.word(32);
            let turned = self.b.ins().rotl(sum, half);
            let both = self.b.ins().iadd(sum, turned);
            sum = self.shr_word(both, 32);
        }
        let low = self.b.ins().ireduce(types::I32, sum);
        let half = self.b.ins().iconst(types::I32, 16);
        let turned = self.b.ins().rotl(low, half);
        let both = self.b.ins().iadd(low, turned);
        let folded = self.b.ins().ushr(both, half);
        self.b.ins().uextend(types::I64, folded)
    }

    fn complement(&mut self, sum: Word) -> Word {
        let ones = self.word(0xffff);
        self.b.ins().bxor(sum, ones)
    }

    /// Data as whole 16-bit words: zero bits follow a short one. Where it is subtracted, the complement
    /// of each.
    fn in_words(&mut self, data: &Number, is_subtracted: bool) -> Number {
        let rest = data.width % 16;
        let mut whole = data.clone();
        if rest > 0 {
            let padding = self.zero(16 - rest);
            whole = self.concat(data, &padding);
        }
        if is_subtracted {
            whole = self.unary(UnaryOp::Not, &whole);
        }
        whole
    }

    /// The one's-complement sum of whole 16-bit words and of what there is. It may be folded as late as
    /// one likes: a sum of 32-bit halves is the same, modulo 2^16 - 1, and zero only where all is.
    fn sum_of(&mut self, data: &Number, start: Word) -> Word {
        let mut sum = start;
        let low = self.word(0xffff_ffff);
        for word in &data.words {
            let high_half = self.shr_word(*word, 32);
            let low_half = self.b.ins().band(*word, low);
            sum = self.b.ins().iadd(sum, high_half);
            sum = self.b.ins().iadd(sum, low_half);
        }
        // At most 34 words of 64 bits come here: below 2^39, which three folds bring to 16 bits.
        for _ in 0..3 {
            let ones = self.word(0xffff);
            let high = self.shr_word(sum, 16);
            let low = self.b.ins().band(sum, ones);
            sum = self.b.ins().iadd(high, low);
        }
        sum
    }

    /// The residuals that may be asked for.
    pub(super) fn find_deposits(&mut self, parser: &Parser) {
        for state in parser.states.values() {
            find_deposits(&state.body, &mut |unit, place, span| {
                let is_due = self.b.declare_var(types::I64);
                let zero = self.b.ins().iconst(types::I64, 0);
                self.b.def_var(is_due, zero);
                self.deposits.push(Deposit {
                    unit,
                    place: place.clone(),
                    span,
                    is_due,
                });
            });
        }
    }

    /// Takes what is extracted, of `bits` where that is not known, out of the residuals that are due.
    pub(super) fn subtract_from_residuals(&mut self, value: &Number, bits: Option<Word>) {
        for position in 0..self.deposits.len() {
            let (unit, is_due) = (self.deposits[position].unit, self.deposits[position].is_due);
            let is_due = self.b.use_var(is_due);
            let (due, on) = (self.b.create_block(), self.b.create_block());
            self.b.ins().brif(is_due, due, &[], on, &[]);
            self.enter(due);
            self.put_in_scratch([value]);
            let unit = self.word(unit as u64);
            let width = match bits {
                Some(bits) => bits,
                None => self.word(u64::from(value.width)),
            };
            let zero = self.word(0);
            self.call(Name::DepositPut, [unit, width, zero]);
            self.go(on);
        }
    }

    /// At the end of parsing: writes the residuals.
    pub(super) fn write_deposits(&mut self) {
        for deposit in std::mem::take(&mut self.deposits) {
            let is_due = self.b.use_var(deposit.is_due);
            let (due, on) = (self.b.create_block(), self.b.create_block());
            self.b.ins().brif(is_due, due, &[], on, &[]);
            self.enter(due);
            let unit = self.word(deposit.unit as u64);
            let sum = self.b.use_var(self.sums[deposit.unit]);
            let zero = self.word(0);
            let residual = self.call(Name::DepositEnd, [unit, sum, zero]);
            self.b.def_var(self.sums[deposit.unit], residual);
            let residual = Number {
                width: 16,
                words: vec![residual],
            };
            self.write(&deposit.place, residual, deposit.span);
            self.go(on);
        }
    }
}

/// Calls `found` for each residual that a block asks for.
fn find_deposits(block: &p4rmt_ir::Block, found: &mut impl FnMut(usize, &p4rmt_ir::Place, Span)) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Call(call) => {
                if let (
                    CallKind::Checksum {
                        unit,
                        op: ChecksumOp::SubtractAllAndDeposit,
                        ..
                    },
                    Some(Some(place)),
                ) = (&call.kind, call.outs.first())
                {
                    found(unit.index(), place, stmt.span);
                }
            }
            StmtKind::If {
                then, otherwise, ..
            } => {
                find_deposits(then, found);
                find_deposits(otherwise, found);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                find_deposits(body, found);
            }
            StmtKind::Apply { arms, .. } => {
                arms.iter().for_each(|arm| find_deposits(&arm.body, found));
            }
            StmtKind::Assign { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}
