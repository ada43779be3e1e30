//! What all instructions of a register share: operands, rows of the register file, the math unit, the
//! bit of the predicate's output.

use p4rmt_ir::salu::{
    ArithmeticInstruction, Comparator, Constant, Divider, DividerSource, ElementLayout, Half,
    LaneChange, LaneSearch, LayoutKind, MathInput, OutputSource, OutputWord, Predicate, Relation,
    Slot, SourceA, SourceB, SumKind, Term,
};
use p4rmt_ir::{Expr, MathUnitId};
use p4rmt_source::Span;

use super::fault::{Fault, Located};
use super::operation::{MathArg, Source};
use super::output::WordSource;
use super::plan::Plan;
use super::search::PlannedSearch;
use super::truth::Test;
use crate::target::SaluLimits;

/// What is shared, with the place of its first use.
pub(super) struct Pool<'a> {
    salu: &'a SaluLimits,
    layout: ElementLayout,
    pub(super) operands: Vec<(Expr, Span)>,
    pub(super) rows: Vec<(i64, Span)>,
    pub(super) math_unit: Option<MathUnitId>,
    /// What the predicate shows.
    shown: Option<OutputSource>,
    /// By comparator: under which mask it compares wide values.
    pub(super) masks: Vec<Option<u64>>,
    /// The operands that have to stand first and second, if there are.
    pins: [Option<Expr>; 2],
}

impl<'a> Pool<'a> {
    pub(super) fn new(salu: &'a SaluLimits, layout: ElementLayout) -> Self {
        Self {
            salu,
            layout,
            operands: Vec::new(),
            rows: Vec::new(),
            math_unit: None,
            shown: None,
            masks: vec![None; salu.wide_comparators as usize],
            pins: [None, None],
        }
    }

    /// The instruction of a plan.
    pub(super) fn instruction(&mut self, plan: &Plan) -> Result<ArithmeticInstruction, Located> {
        let mut instruction = ArithmeticInstruction {
            outputs: plan.outputs.clone(),
            ..ArithmeticInstruction::default()
        };
        for slot in &plan.slots {
            let at = |fault: Fault| fault.at(slot.span);
            let (a, b) = (&slot.operation.a, &slot.operation.b);
            // Without memory, the upper half may be wider.
            let is_spare = slot.unit.half == Half::Hi && self.layout.kind == LayoutKind::Single;
            let bits = if is_spare {
                self.layout.spare_bits()
            } else if slot.operation.passes.is_some() {
                Slot::LOW_BITS
            } else {
                self.layout.half_bits
            };
            let a = a.as_ref().map(|source| self.first(source, bits, slot.span));
            let b = b
                .as_ref()
                .map(|source| self.second(source, bits, slot.span));
            instruction.slots.push(Slot {
                unit: slot.unit,
                predicate: slot.predicate,
                opcode: slot.operation.opcode,
                a: a.transpose().map_err(at)?,
                b: b.transpose().map_err(at)?,
                passes: slot.operation.passes,
            });
        }
        if let Some(([dividend, divisor], span)) = &plan.divider {
            let [dividend, divisor] = [dividend, divisor].map(|source| self.divided(source, *span));
            instruction.divider = Some(Divider {
                dividend: dividend.map_err(|fault| fault.at(*span))?,
                divisor: divisor.map_err(|fault| fault.at(*span))?,
            });
        }
        for (place, (test, _)) in plan.tests.iter().enumerate() {
            if let (Some(mask), Some(of)) = (test.match_mask(), self.masks.get_mut(place)) {
                *of = Some(mask);
            }
        }
        for (test, span) in &plan.tests {
            let comparator = self.comparator(test, *span).map_err(|f| f.at(*span))?;
            instruction.comparators.push(comparator);
        }
        for word in &plan.words {
            let source = match &word.shown.source {
                WordSource::Memory(half) => OutputSource::Memory(*half),
                WordSource::Alu(half) => OutputSource::Alu(*half),
                WordSource::Operand(expr) => OutputSource::Operand(self.operand(expr, word.span)),
                WordSource::Predicate { shift } => OutputSource::Predicate { shift: *shift },
                WordSource::Case => OutputSource::Case,
                WordSource::Quotient(_) => OutputSource::Quotient,
                WordSource::Remainder(_) => OutputSource::Remainder,
                WordSource::LaneNumber => OutputSource::LaneNumber,
                WordSource::LaneIndex => OutputSource::LaneIndex,
            };
            if matches!(source, OutputSource::Predicate { .. } | OutputSource::Case)
                && *self.shown.get_or_insert(source) != source
            {
                let what = "returns another constant than the other actions of the register";
                return Err(Fault::Twice(what).at(word.span));
            }
            instruction.words.push(OutputWord {
                word: word.word,
                predicate: word.shown.predicate,
                source,
            });
        }
        if let Some((search, span)) = &plan.search {
            let search = self.search(search, *span)?;
            // The last comparator names the row of the search.
            let last = instruction.comparators.get(Predicate::COMPARATORS_MAX - 1);
            let row = last.map(|comparator| comparator.constant);
            if let (Some(row), Some(Constant::Row(of))) = (search.row, row)
                && row != of
            {
                let what = "compares with a large constant in the comparator that its search takes the row of";
                return Err(Fault::Search(what).at(*span));
            }
            instruction.search = Some(search);
        }
        Ok(instruction)
    }

    fn search(&mut self, search: &PlannedSearch, span: Span) -> Result<LaneSearch, Located> {
        for (position, wanted) in [&search.mask, &search.change].into_iter().enumerate() {
            let Some(wanted) = wanted else { continue };
            self.operand(wanted, span);
            let pinned = self.pins[position].get_or_insert_with(|| wanted.clone());
            if pinned != wanted {
                let what = "takes mask or change of lanes from another field than the other actions of the register";
                return Err(Fault::Search(what).at(span));
            }
        }
        let row = search.row.map(|row| self.row(&[i128::from(row)], span));
        let row = match row.transpose().map_err(|fault| fault.at(span))? {
            Some(Constant::Row(row)) => Some(row),
            Some(Constant::Inline(_)) | None => None,
        };
        Ok(LaneSearch {
            is_largest: search.is_largest,
            lane_bits: search.lane_bits,
            row,
            masks_by_operand: search.mask.is_some(),
            change: match search.change {
                Some(_) => LaneChange::Operand,
                None if search.has_row_change => LaneChange::Row,
                None => LaneChange::None,
            },
            is_decrement: search.is_decrement,
        })
    }

    /// Brings operands to the places that searches have them at: what stands at each place then, by its
    /// place until now. Nothing if they can't all be.
    pub(super) fn settle(&mut self) -> Option<Vec<u32>> {
        let at = |pool: &Self, pin: &Option<Expr>| {
            let pin = pin.as_ref()?;
            pool.operands.iter().position(|(known, _)| known == pin)
        };
        if self.pins[1].is_some() && self.operands.len() == 1 {
            // Nobody reads the first one.
            let idle = Expr::Const(p4rmt_ir::Bits::zero(8));
            self.operands.insert(0, (idle, Span::NONE));
            return self.pins[0].is_none().then(|| vec![1]);
        }
        let [first, second] = [at(self, &self.pins[0]), at(self, &self.pins[1])];
        let swaps = first == Some(1) || second == Some(0);
        let keeps = first == Some(0) || second == Some(1);
        match (swaps, keeps) {
            (true, true) => None,
            (true, false) if self.operands.len() == 2 => {
                self.operands.swap(0, 1);
                Some(vec![1, 0])
            }
            _ => Some((0..).take(self.operands.len()).collect()),
        }
    }

    fn divided(&mut self, source: &Source, span: Span) -> Result<DividerSource, Fault> {
        match source {
            Source::Memory(half) => Ok(DividerSource::Memory(*half)),
            Source::Operand(expr) => Ok(DividerSource::Operand(self.operand(expr, span))),
            Source::Constant(value) => {
                let bits = self.layout.half_bits;
                Ok(DividerSource::Constant(self.constant(*value, bits, span)?))
            }
            Source::Math(..) => Err(Fault::TooDeep),
        }
    }

    fn operand(&mut self, expr: &Expr, span: Span) -> u32 {
        let known = self.operands.iter().position(|(known, _)| known == expr);
        let position = known.unwrap_or_else(|| {
            self.operands.push((expr.clone(), span));
            self.operands.len() - 1
        });
        u32::try_from(position).unwrap_or(u32::MAX)
    }

    fn first(&mut self, source: &Source, bits: u32, span: Span) -> Result<SourceA, Fault> {
        match source {
            Source::Memory(half) => Ok(SourceA::Memory(*half)),
            Source::Constant(value) => Ok(SourceA::Constant(self.constant(*value, bits, span)?)),
            Source::Operand(_) | Source::Math(..) => Err(Fault::TooDeep),
        }
    }

    fn second(&mut self, source: &Source, bits: u32, span: Span) -> Result<SourceB, Fault> {
        match source {
            Source::Operand(expr) => Ok(SourceB::Operand(self.operand(expr, span))),
            Source::Constant(value) => Ok(SourceB::Constant(self.constant(*value, bits, span)?)),
            Source::Math(unit, arg) => {
                if *self.math_unit.get_or_insert(*unit) != *unit {
                    return Err(Fault::MathUnit(
                        "uses a second math unit, and the register has one",
                    ));
                }
                Ok(SourceB::Math(match arg {
                    MathArg::Memory(half) => MathInput::Memory(*half),
                    MathArg::Operand(expr) => MathInput::Operand(self.operand(expr, span)),
                }))
            }
            Source::Memory(_) => Err(Fault::TooDeep),
        }
    }

    /// A constant of a slot, which counts modulo 2^width.
    fn constant(&mut self, value: i64, bits: u32, span: Span) -> Result<Constant, Fault> {
        if fits(i128::from(value), self.salu.inline_constant_bits) {
            return Ok(Constant::Inline(value));
        }
        let values = congruent(i128::from(value), bits);
        self.row(&values, span)
    }

    /// A row that holds one of these values: one that is there, or else a new one.
    fn row(&mut self, values: &[i128], span: Span) -> Result<Constant, Fault> {
        let held = |value: &i128| {
            self.rows
                .iter()
                .position(|(row, _)| i128::from(*row) == *value)
        };
        let position = match values.iter().find_map(held) {
            Some(position) => position,
            None => {
                let bits = self.salu.register_file_bits;
                let value = values.iter().find(|value| fits(**value, bits));
                let value = value.and_then(|value| i64::try_from(*value).ok());
                self.rows.push((value.ok_or(Fault::ConstantTooWide)?, span));
                self.rows.len() - 1
            }
        };
        Ok(Constant::Row(u32::try_from(position).unwrap_or(u32::MAX)))
    }

    /// A comparator that makes the test. Of the ways to write the same, the first whose constant stands
    /// in the instruction, else in a row that is there, else in a new one.
    fn comparator(&mut self, test: &Test, span: Span) -> Result<Comparator, Fault> {
        let constant = test.sum.constant;
        // Sign of the terms, constant, relation.
        let mut ways: Vec<(bool, i128, Relation)> = Vec::new();
        match test.kind {
            SumKind::Modular => {
                for value in congruent(constant, self.layout.half_bits) {
                    ways.push((false, value, test.relation));
                    ways.push((true, -value, test.relation));
                }
            }
            SumKind::Wrapped => {
                for value in congruent(constant, self.layout.half_bits) {
                    ways.push((false, value, test.relation));
                }
            }
            SumKind::Match => ways.push((false, 0, test.relation)),
            SumKind::Unsigned | SumKind::Signed => {
                ways.push((true, -constant, Relation::Greater));
                ways.push((false, constant, Relation::Less));
                ways.push((true, -constant - 1, Relation::GreaterOrEqual));
                ways.push((false, constant + 1, Relation::LessOrEqual));
            }
        }
        let bits = self.salu.comparator_constant_bits;
        let inline = ways.iter().find(|(_, value, _)| fits(*value, bits));
        let (way, constant) = match inline {
            Some(way) => (*way, i64::try_from(way.1).map(Constant::Inline)),
            None => {
                let is_held = |way: &&(bool, i128, Relation)| {
                    self.rows.iter().any(|(row, _)| i128::from(*row) == way.1)
                };
                let file_bits = self.salu.register_file_bits;
                let fitting = |way: &&(bool, i128, Relation)| fits(way.1, file_bits);
                let positive = ways.iter().filter(fitting).find(|way| way.1 > 0);
                let chosen = ways.iter().find(is_held).or(positive);
                let chosen = chosen.or_else(|| ways.iter().find(fitting)).copied();
                let way = chosen.ok_or(Fault::ConstantTooWide)?;
                (way, Ok(self.row(&[way.1], span)?))
            }
        };
        let (is_flipped, _, relation) = way;
        let memory = test.sum.memory.as_ref().map(|term| Term {
            source: term.source,
            is_negated: term.is_negated != is_flipped,
            mask: term.mask,
        });
        let operand = test.sum.operand.as_ref().map(|term| Term {
            source: self.operand(&term.source, span),
            is_negated: term.is_negated != is_flipped,
            mask: term.mask,
        });
        Ok(Comparator {
            memory,
            operand,
            constant: constant.map_err(|_| Fault::ConstantTooWide)?,
            relation: if test.is_negated {
                relation.negated()
            } else {
                relation
            },
            sum: test.kind,
        })
    }
}

/// A number and those that are the same modulo 2^bits.
fn congruent(value: i128, bits: u32) -> Vec<i128> {
    if bits > 62 {
        return vec![value];
    }
    let modulus = 1_i128 << bits;
    vec![value, value + modulus, value - modulus]
}

/// Whether so many bits hold a number with its sign.
fn fits(value: i128, bits: u32) -> bool {
    let Some(bits) = bits.min(100).checked_sub(1) else {
        return value == 0;
    };
    let limit = 1_i128 << bits;
    (-limit..limit).contains(&value)
}
