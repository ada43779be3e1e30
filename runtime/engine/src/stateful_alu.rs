//! What an instruction of a stateful ALU does with an element ([`p4rmt_ir::salu`]).
//!
//! Sources are public, marked where inferred: `.u` and `.s` compare the exact sum of terms extended by
//! zeros or signs, with the constant always signed (`bf-p4c/mau/stateful_alu.cpp`); inferred are that
//! equality is of the sum modulo 2^width, since it has no sign; that `.uus` takes the sum modulo
//! 2^width and its sign; that a half of which no slot ran keeps its value and shows it as the ALU's;
//! that a set or cleared bit comes out as it was before; that a division by zero gives what it does in
//! the IR; and that what passes above a slot of 32 bits passes whatever the slot does.

use p4rmt_ir::salu::{
    ArithmeticInstruction, BitInstruction, BitOutput, Comparator, Constant, DividerSource,
    ElementLayout, Half, InstructionKind, LaneChange, LaneSearch, LayoutKind, MathInput, Opcode,
    OutputSource, Relation, Slot, SourceA, SourceB, StatefulUnit, SumKind,
};
use p4rmt_ir::{BinaryOp, Bits, LaneOp, LanePart, MathUnit, UnaryOp};

use crate::math_unit::math_unit;

/// Bits of a word of output.
const WORD_BITS: u32 = 32;

/// What comes of a call: the element's values, and the outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatefulResult {
    /// The values of the element, as the register has them.
    pub element: Vec<Bits>,
    /// A value for each of the widths asked for.
    pub outputs: Vec<Bits>,
}

/// Runs an instruction. `operands` are the values of the unit's operands, `element` those of the
/// element before the call; `output_bits` are the widths of the register action's outputs.
#[must_use]
pub fn run_instruction(
    unit: &StatefulUnit,
    kind: &InstructionKind,
    math: Option<&MathUnit>,
    element: &[Bits],
    operands: &[Bits],
    output_bits: &[u32],
) -> StatefulResult {
    match kind {
        InstructionKind::Bit(instruction) => run_bit(instruction, element, output_bits),
        InstructionKind::Arithmetic(instruction) => {
            let call = Call {
                unit,
                math,
                old: halves(unit.layout, element),
                element,
                operands,
            };
            call.run(instruction, output_bits)
        }
    }
}

fn run_bit(instruction: &BitInstruction, element: &[Bits], output_bits: &[u32]) -> StatefulResult {
    let old = element.first().is_some_and(Bits::is_true);
    let shown = match instruction.output {
        None => false,
        Some(BitOutput::Old) => old,
        Some(BitOutput::OldComplement) => !old,
        Some(BitOutput::Constant(value)) => value,
    };
    let new = instruction.write.unwrap_or(old);
    let widths = output_bits.iter();
    StatefulResult {
        element: vec![Bits::from_bool(new)],
        outputs: widths
            .map(|width| Bits::from_u64(*width, u64::from(shown)))
            .collect(),
    }
}

/// The halves that an element lies in; the upper one of a single value is zero.
fn halves(layout: ElementLayout, element: &[Bits]) -> [Bits; 2] {
    let bits = layout.half_bits;
    let value = |index: usize| element.get(index).cloned().unwrap_or(Bits::zero(bits));
    match layout.kind {
        LayoutKind::Single => [value(0), Bits::zero(bits)],
        LayoutKind::Pair => [value(0), value(1)],
        LayoutKind::Split => {
            let whole = value(0).resize(2 * bits, false);
            [whole.slice(bits - 1, 0), whole.slice(2 * bits - 1, bits)]
        }
    }
}

/// The element that halves make.
fn element(layout: ElementLayout, halves: &[Bits; 2]) -> Vec<Bits> {
    let [lo, hi] = halves;
    match layout.kind {
        LayoutKind::Single => vec![lo.clone()],
        LayoutKind::Pair => vec![lo.clone(), hi.clone()],
        LayoutKind::Split => vec![hi.concat(lo)],
    }
}

/// A call, at its instant.
struct Call<'a> {
    unit: &'a StatefulUnit,
    math: Option<&'a MathUnit>,
    old: [Bits; 2],
    element: &'a [Bits],
    operands: &'a [Bits],
}

impl Call<'_> {
    fn run(&self, instruction: &ArithmeticInstruction, output_bits: &[u32]) -> StatefulResult {
        let comparators = instruction.comparators.iter().enumerate();
        let case = comparators.fold(0, |case, (number, comparator)| {
            case | usize::from(self.holds(comparator)) << number
        });
        let mut taken: [Option<Bits>; 2] = [None, None];
        if instruction.divider.is_some() {
            taken[Half::Hi.index()] = Some(Bits::zero(self.half_bits()));
        }
        for slot in instruction
            .slots
            .iter()
            .filter(|slot| slot.predicate.holds(case))
        {
            let value = self.compute(slot);
            let half = &mut taken[slot.unit.half.index()];
            *half = Some(match half.take() {
                Some(other) => joined(&other, &value),
                None => value,
            });
        }
        let [lo, hi] = taken;
        let [old_lo, old_hi] = self.old.clone();
        let new = [lo.unwrap_or(old_lo), hi.unwrap_or(old_hi)];
        let outputs = instruction.outputs.iter().zip(output_bits);
        let outputs = outputs.map(|(words, width)| {
            let mut value = Bits::zero(0);
            for word in words {
                let shown = word.map_or(Bits::zero(WORD_BITS), |word| {
                    self.word(instruction, word, case, &new)
                });
                value = shown.concat(&value);
            }
            value.resize(*width, false)
        });
        StatefulResult {
            outputs: outputs.collect(),
            element: match &instruction.search {
                None => element(self.unit.layout, &new),
                Some(search) => self.changed_lanes(search),
            },
        }
    }

    /// What a search finds, in the values of the element side by side.
    fn found(&self, search: &LaneSearch, part: LanePart) -> Bits {
        let op = LaneOp {
            is_largest: search.is_largest,
            lane_bits: search.lane_bits,
            part,
        };
        let values = self.element.iter();
        let word = values.fold(Bits::zero(0), |below, value| value.concat(&below));
        let row = search.row.map_or(0, |row| self.number(Constant::Row(row)));
        let row = Bits::from_u64(64, row.cast_unsigned());
        let mask = if search.masks_by_operand {
            self.whole_operand(0)
        } else {
            row.slice(op.n_lanes() - 1, 0)
        };
        let change = match search.change {
            LaneChange::None => Bits::zero(op.lane_bits),
            LaneChange::Row => row.slice(op.n_lanes() + LaneSearch::CHANGE_BITS - 1, op.n_lanes()),
            LaneChange::Operand => self.whole_operand(1).resize(LaneSearch::CHANGE_BITS, false),
        };
        let change = change.resize(op.lane_bits, false);
        let change = if search.is_decrement {
            Bits::unary(UnaryOp::Neg, &change)
        } else {
            change
        };
        op.value(&word, &mask.resize(op.n_lanes(), false), &change)
    }

    /// The values of the element behind a search.
    fn changed_lanes(&self, search: &LaneSearch) -> Vec<Bits> {
        let word = self.found(search, LanePart::Word);
        let mut lo = 0;
        let values = self.element.iter().map(|value| {
            let part = word.slice(lo + value.width() - 1, lo);
            lo += value.width();
            part
        });
        values.collect()
    }

    /// An operand at its own width.
    fn whole_operand(&self, position: u32) -> Bits {
        let operand = self.operands.get(position as usize);
        operand.cloned().unwrap_or(Bits::zero(1))
    }

    /// Quotient or remainder.
    fn divided(&self, instruction: &ArithmeticInstruction, op: BinaryOp) -> Bits {
        let Some(divider) = &instruction.divider else {
            return Bits::zero(WORD_BITS);
        };
        let [a, b] = [divider.dividend, divider.divisor].map(|source| match source {
            DividerSource::Memory(half) => self.memory(half).clone(),
            DividerSource::Operand(position) => self.operand(position),
            DividerSource::Constant(constant) => self.constant(constant, self.half_bits()),
        });
        Bits::binary(op, &a, &b)
    }

    fn half_bits(&self) -> u32 {
        self.unit.layout.half_bits
    }

    fn memory(&self, half: Half) -> &Bits {
        &self.old[half.index()]
    }

    /// An operand, with zeros above it.
    fn operand(&self, position: u32) -> Bits {
        let operand = self.operands.get(position as usize);
        operand.map_or(Bits::zero(self.half_bits()), |operand| {
            operand.resize(self.half_bits(), false)
        })
    }

    fn number(&self, constant: Constant) -> i64 {
        match constant {
            Constant::Inline(value) => value,
            Constant::Row(row) => self.unit.rows.get(row as usize).copied().unwrap_or(0),
        }
    }

    /// A constant as a value of so many bits.
    fn constant(&self, constant: Constant, width: u32) -> Bits {
        let value = self.number(constant);
        Bits::from_u64(64, value.cast_unsigned()).resize(width, false)
    }

    fn holds(&self, comparator: &Comparator) -> bool {
        let is_signed = comparator.sum == SumKind::Signed;
        let bits = self.half_bits();
        let term = |value: &Bits, is_negated: bool, mask: u64| -> i128 {
            let value = value.low_u64() & mask & (u64::MAX >> (64 - bits.clamp(1, 64)));
            let value = i128::from(value);
            let is_negative = is_signed && value >> (bits - 1) & 1 == 1;
            let value = if is_negative {
                value - (1 << bits)
            } else {
                value
            };
            if is_negated { -value } else { value }
        };
        let mut sum = i128::from(self.number(comparator.constant));
        if let Some(memory) = comparator.memory {
            sum += term(self.memory(memory.source), memory.is_negated, memory.mask);
        }
        if let Some(operand) = comparator.operand {
            let value = self.operand(operand.source);
            sum += term(&value, operand.is_negated, operand.mask);
        }
        let sum = match comparator.sum {
            SumKind::Unsigned | SumKind::Signed => sum,
            SumKind::Modular | SumKind::Wrapped | SumKind::Match => {
                let low = sum.rem_euclid(1 << bits);
                if low >> (bits - 1) & 1 == 1 {
                    low - (1 << bits)
                } else {
                    low
                }
            }
        };
        match comparator.relation {
            Relation::Equal => sum == 0,
            Relation::NotEqual => sum != 0,
            Relation::Less => sum < 0,
            Relation::LessOrEqual => sum <= 0,
            Relation::Greater => sum > 0,
            Relation::GreaterOrEqual => sum >= 0,
        }
    }

    fn compute(&self, slot: &Slot) -> Bits {
        let is_spare = slot.unit.half == Half::Hi && self.unit.layout.kind == LayoutKind::Single;
        let width = match slot.passes {
            Some(_) => Slot::LOW_BITS.min(self.half_bits()),
            None if is_spare && !slot.opcode.knows_width() => self.unit.layout.spare_bits(),
            None => self.half_bits(),
        };
        let a = match slot.a {
            None => Bits::zero(width),
            Some(SourceA::Memory(half)) => self.memory(half).resize(width, false),
            Some(SourceA::Constant(constant)) => self.constant(constant, width),
        };
        let b = match slot.b {
            None => Bits::zero(width),
            Some(SourceB::Operand(position)) => self.operand(position).resize(width, false),
            Some(SourceB::Constant(constant)) => self.constant(constant, width),
            Some(SourceB::Math(input)) => {
                let input = match input {
                    MathInput::Memory(half) => self.memory(half).clone(),
                    MathInput::Operand(position) => self.operand(position),
                };
                let unit = self.math.map(|unit| math_unit(unit, &input, width));
                unit.unwrap_or(Bits::zero(width))
            }
        };
        let value = operate(slot.opcode, &a, &b);
        match slot.passes.filter(|_| width < self.half_bits()) {
            None => value,
            Some(half) => {
                let high = self.memory(half).slice(self.half_bits() - 1, width);
                high.concat(&value)
            }
        }
    }

    /// What a word shows.
    fn word(
        &self,
        instruction: &ArithmeticInstruction,
        number: u32,
        case: usize,
        new: &[Bits; 2],
    ) -> Bits {
        let word = instruction.words.iter().find(|word| word.word == number);
        let Some(word) = word.filter(|word| word.predicate.holds(case)) else {
            return Bits::zero(WORD_BITS);
        };
        let value = match word.source {
            OutputSource::Memory(half) => self.memory(half).clone(),
            OutputSource::Operand(position) => self.operand(position),
            OutputSource::Alu(half) => new[half.index()].clone(),
            OutputSource::Predicate { shift } => {
                return Bits::from_u64(WORD_BITS, 1 << (shift % WORD_BITS));
            }
            OutputSource::Case => return Bits::from_u64(WORD_BITS, 1 << (case & 0xf)),
            OutputSource::Quotient => self.divided(instruction, BinaryOp::DivU),
            OutputSource::Remainder => self.divided(instruction, BinaryOp::RemU),
            OutputSource::LaneNumber | OutputSource::LaneIndex => {
                let part = match word.source {
                    OutputSource::LaneIndex => LanePart::Index,
                    _ => LanePart::Number,
                };
                let found = instruction.search.as_ref().map(|of| self.found(of, part));
                found.unwrap_or(Bits::zero(WORD_BITS))
            }
        };
        if value.width() > WORD_BITS && number >= 2 {
            let top = value.width() - 1;
            value.slice(top, WORD_BITS).resize(WORD_BITS, false)
        } else {
            value.resize(WORD_BITS, false)
        }
    }
}

/// Both joined by *or*, as wide as the wider.
fn joined(a: &Bits, b: &Bits) -> Bits {
    let width = a.width().max(b.width());
    Bits::binary(
        BinaryOp::Or,
        &a.resize(width, false),
        &b.resize(width, false),
    )
}

fn operate(opcode: Opcode, a: &Bits, b: &Bits) -> Bits {
    let two = |op: BinaryOp| Bits::binary(op, a, b);
    let reversed = |op: BinaryOp| Bits::binary(op, b, a);
    let not = |value: &Bits| Bits::unary(UnaryOp::Not, value);
    let chosen = |takes_a: bool| if takes_a { a.clone() } else { b.clone() };
    match opcode {
        Opcode::Add => two(BinaryOp::Add),
        Opcode::Sub => two(BinaryOp::Sub),
        Opcode::SubR => reversed(BinaryOp::Sub),
        Opcode::SAddU => two(BinaryOp::AddSatU),
        Opcode::SAddS => two(BinaryOp::AddSatS),
        Opcode::SSubU => two(BinaryOp::SubSatU),
        Opcode::SSubS => two(BinaryOp::SubSatS),
        Opcode::SSubRU => reversed(BinaryOp::SubSatU),
        Opcode::SSubRS => reversed(BinaryOp::SubSatS),
        Opcode::MinU => chosen(a.cmp_u(b).is_le()),
        Opcode::MinS => chosen(a.cmp_s(b).is_le()),
        Opcode::MaxU => chosen(a.cmp_u(b).is_ge()),
        Opcode::MaxS => chosen(a.cmp_s(b).is_ge()),
        Opcode::SetZ => Bits::zero(a.width()),
        Opcode::SetHi => Bits::ones(a.width()),
        Opcode::AluA => a.clone(),
        Opcode::AluB => b.clone(),
        Opcode::NotA => not(a),
        Opcode::NotB => not(b),
        Opcode::And => two(BinaryOp::And),
        Opcode::Nand => not(&two(BinaryOp::And)),
        Opcode::Or => two(BinaryOp::Or),
        Opcode::Nor => not(&two(BinaryOp::Or)),
        Opcode::Xor => two(BinaryOp::Xor),
        Opcode::Xnor => not(&two(BinaryOp::Xor)),
        Opcode::AndCA => Bits::binary(BinaryOp::And, &not(a), b),
        Opcode::AndCB => Bits::binary(BinaryOp::And, a, &not(b)),
        Opcode::OrCA => Bits::binary(BinaryOp::Or, &not(a), b),
        Opcode::OrCB => Bits::binary(BinaryOp::Or, a, &not(b)),
    }
}
