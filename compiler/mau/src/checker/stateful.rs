//! Whether stateful ALUs can do what a placement has them do, derived from gress, units and target
//! alone.

use std::collections::BTreeSet;

use p4rmt_ir::salu::{
    ArithmeticInstruction, Comparator, Constant, Divider, DividerSource, Half, InstructionKind,
    LaneChange, LaneSearch, LayoutKind, MathInput, Opcode, OutputSource, Predicate, Relation, Slot,
    SourceA, SourceB, StatefulUnit, SumKind,
};
use p4rmt_ir::{
    BinaryOp, CallKind, Expr, Gress, GressPlacement, LaneOp, RegisterAction, RegisterActionId,
    Tables,
};

use super::Violation;
use crate::counted::counted;
use crate::target::{SaluLimits, Target};

/// What is wrong with a stateful ALU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitFault {
    /// A register action without an instruction.
    #[error("`{action}` is no instruction")]
    NoInstruction {
        /// The register action.
        action: String,
    },
    /// Halves that the element does not lie in.
    #[error("the element does not lie in the halves")]
    Layout,
    /// More of something than there is.
    #[error("it uses {}, and has {available}", counted(*needed as u64, what))]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        needed: usize,
        /// How many there are.
        available: u32,
    },
    /// A name for something that is not there, or not of that kind.
    #[error("`{action}` names {what} that is not there")]
    NotThere {
        /// The register action.
        action: String,
        /// What.
        what: &'static str,
    },
    /// An operand that the crossbar does not make.
    #[error("operand {position} is not made by the crossbar, or too wide")]
    Operand {
        /// Its position.
        position: usize,
    },
    /// A constant that does not fit where it stands.
    #[error("`{action}` has the constant {value} where it does not fit")]
    Constant {
        /// The register action.
        action: String,
        /// The constant.
        value: i64,
    },
    /// Something that the unit can't do.
    #[error("`{action}` {what}")]
    Impossible {
        /// The register action.
        action: String,
        /// What, with its verb.
        what: &'static str,
    },
}

/// The rules that the units of a gress break.
pub(super) fn check_units(
    gress: &Gress,
    tables: &Tables,
    placed: &GressPlacement,
    target: &Target,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let units = &placed.stateful;
    for (unit, fault) in missing(gress, tables, placed) {
        violations.push(Violation::StatefulUnit {
            register: unit,
            fault,
        });
    }
    for unit in units {
        let Some(register) = gress.registers.get(unit.register) else {
            violations.push(Violation::StatefulUnit {
                register: unit.register.to_string(),
                fault: UnitFault::Layout,
            });
            continue;
        };
        let mut checker = UnitChecker {
            unit,
            gress,
            salu: &target.salu,
            shown: None,
            masks: Vec::new(),
            faults: Vec::new(),
        };
        checker.check();
        let faults = checker.faults.into_iter();
        violations.extend(faults.map(|fault| Violation::StatefulUnit {
            register: register.name.clone(),
            fault,
        }));
    }
    violations
}

/// Register actions that tables call and that no unit has as an instruction.
fn missing(gress: &Gress, tables: &Tables, placed: &GressPlacement) -> Vec<(String, UnitFault)> {
    let mut missing = Vec::new();
    let mut seen = BTreeSet::new();
    for (id, table) in gress.tables.iter() {
        if placed.tables.get(id).is_none_or(Vec::is_empty) {
            continue;
        }
        let named = table.actions.iter().map(|named| named.action);
        for action in named.chain([table.default_action.action]) {
            let Some(action) = tables.actions.get(action) else {
                continue;
            };
            for (call, _) in &action.calls {
                let CallKind::RegisterAction { action, .. } = call.kind else {
                    continue;
                };
                let Some(of) = gress.register_actions.get(action) else {
                    continue;
                };
                let is_there = placed
                    .stateful
                    .iter()
                    .any(|unit| unit.register == of.register && unit.instruction(action).is_some());
                if !is_there && seen.insert(action) {
                    let register = gress.registers.get(of.register);
                    missing.push((
                        register.map_or_else(String::new, |register| register.name.clone()),
                        UnitFault::NoInstruction {
                            action: of.name.clone(),
                        },
                    ));
                }
            }
        }
    }
    missing
}

struct UnitChecker<'a> {
    unit: &'a StatefulUnit,
    gress: &'a Gress,
    salu: &'a SaluLimits,
    /// What the predicate shows, the same for all actions.
    shown: Option<OutputSource>,
    /// By comparator: under which mask it compares wide values, the same for all actions.
    masks: Vec<(usize, u64)>,
    faults: Vec<UnitFault>,
}

impl UnitChecker<'_> {
    fn check(&mut self) {
        if !self.lies_in_halves() {
            self.faults.push(UnitFault::Layout);
        }
        self.at_most(
            "instructions",
            self.unit.instructions.len(),
            self.salu.actions_per_register,
        );
        self.at_most("operands", self.unit.operands.len(), self.salu.phv_operands);
        self.at_most(
            "rows of constants",
            self.unit.rows.len(),
            self.salu.register_file_rows,
        );
        let widest = self
            .salu
            .phv_operand_bits_max
            .min(self.unit.layout.half_bits.max(8));
        for (position, operand) in self.unit.operands.iter().enumerate() {
            if !is_routed(operand) || operand.width(self.gress) > widest {
                self.faults.push(UnitFault::Operand { position });
            }
        }
        let mut actions: Vec<RegisterActionId> = Vec::new();
        for instruction in &self.unit.instructions {
            let Some(action) = self.gress.register_actions.get(instruction.action) else {
                self.not_there(&instruction.action.to_string(), "a register action");
                continue;
            };
            if action.register != self.unit.register || actions.contains(&instruction.action) {
                self.not_there(&action.name, "a register action of this register");
            }
            actions.push(instruction.action);
            for row in &self.unit.rows {
                self.constant(action, *row, self.salu.register_file_bits);
            }
            let is_bit = self.unit.layout.half_bits == 1;
            match &instruction.kind {
                InstructionKind::Bit(_) if is_bit => {}
                InstructionKind::Arithmetic(of) if !is_bit => self.arithmetic(of, action),
                InstructionKind::Bit(_) | InstructionKind::Arithmetic(_) => {
                    self.impossible(action, "is an instruction for another element");
                }
            }
        }
    }

    fn lies_in_halves(&self) -> bool {
        let element = &self.gress.registers[self.unit.register].element;
        let widths: Vec<u32> = element.iter().map(|value| value.width).collect();
        let bits = self.unit.layout.half_bits;
        match (self.unit.layout.kind, &widths[..]) {
            (LayoutKind::Single, [width]) => {
                bits == *width && self.salu.element_bits.contains(width)
            }
            (LayoutKind::Split, [width]) => {
                2 * bits == *width && self.salu.element_bits.contains(width)
            }
            (LayoutKind::Pair, [lo, hi]) => {
                bits == *lo && lo == hi && self.salu.pair_bits.contains(lo)
            }
            (LayoutKind::Single | LayoutKind::Split | LayoutKind::Pair, _) => false,
        }
    }

    fn at_most(&mut self, what: &'static str, needed: usize, available: u32) {
        if needed > available as usize {
            self.faults.push(UnitFault::TooMany {
                what,
                needed,
                available,
            });
        }
    }

    fn not_there(&mut self, action: &str, what: &'static str) {
        self.faults.push(UnitFault::NotThere {
            action: action.to_owned(),
            what,
        });
    }

    fn impossible(&mut self, action: &RegisterAction, what: &'static str) {
        self.faults.push(UnitFault::Impossible {
            action: action.name.clone(),
            what,
        });
    }

    fn constant(&mut self, action: &RegisterAction, value: i64, bits: u32) {
        let limit = 1_i128 << bits.clamp(1, 64).saturating_sub(1);
        if !(-limit..limit).contains(&i128::from(value)) {
            self.faults.push(UnitFault::Constant {
                action: action.name.clone(),
                value,
            });
        }
    }

    fn placed_constant(&mut self, action: &RegisterAction, constant: Constant, bits: u32) {
        match constant {
            Constant::Inline(value) => self.constant(action, value, bits),
            Constant::Row(row) if (row as usize) < self.unit.rows.len() => {}
            Constant::Row(_) => self.not_there(&action.name, "a row of constants"),
        }
    }

    fn operand(&mut self, action: &RegisterAction, position: u32) {
        if position as usize >= self.unit.operands.len() {
            self.not_there(&action.name, "an operand");
        }
    }

    fn memory(&mut self, action: &RegisterAction, half: Half) {
        if half == Half::Hi && self.unit.layout.kind == LayoutKind::Single {
            self.not_there(&action.name, "an upper half of memory");
        }
    }

    fn arithmetic(&mut self, instruction: &ArithmeticInstruction, action: &RegisterAction) {
        let n_comparators = instruction.comparators.len();
        let limit = self.salu.comparators.min(4);
        self.at_most("comparators", n_comparators, limit);
        for (number, comparator) in instruction.comparators.iter().enumerate() {
            self.width_of_comparison(number, comparator, action);
            if let Some(term) = comparator.memory {
                self.memory(action, term.source);
            }
            if let Some(term) = comparator.operand {
                self.operand(action, term.source);
            }
            let bits = self.salu.comparator_constant_bits;
            self.placed_constant(action, comparator.constant, bits);
        }
        self.slots(instruction, action);
        if let Some(divider) = &instruction.divider {
            self.divider(divider, instruction, action);
        }
        let n_elements = action.n_elements(&self.gress.registers[self.unit.register]);
        match &instruction.search {
            Some(search) => self.search(search, instruction, action),
            None if n_elements != 1 => self.impossible(action, "sees more than its element"),
            None => {}
        }
        self.words(instruction, action);
        let slots = instruction.slots.iter().map(|slot| slot.predicate);
        let words = instruction.words.iter().map(|word| word.predicate);
        if slots.chain(words).any(|of| looks_beyond(of, n_comparators)) {
            self.not_there(&action.name, "a comparator");
        }
    }

    /// Whether a comparator sees all of what it compares.
    fn width_of_comparison(
        &mut self,
        number: usize,
        comparator: &Comparator,
        action: &RegisterAction,
    ) {
        let masks = [
            comparator.memory.map(|term| term.mask),
            comparator.operand.map(|term| term.mask),
        ];
        if comparator.sum == SumKind::Match {
            let [Some(mask), Some(other)] = masks else {
                return self.impossible(action, "compares wide values of which one is not there");
            };
            if comparator.relation != Relation::Equal || mask != other || mask == 0 {
                self.impossible(action, "compares wide values otherwise than for equality");
            }
            if number >= self.salu.wide_comparators as usize {
                self.not_there(&action.name, "a comparator of wide values");
            }
            if self
                .masks
                .iter()
                .any(|(of, known)| *of == number && *known != mask)
            {
                self.impossible(action, "compares wide values under another mask");
            }
            return self.masks.push((number, mask));
        }
        let half_bits = self.unit.layout.half_bits;
        let all = u64::MAX >> (64 - half_bits.clamp(1, 64));
        let is_masked = masks.into_iter().flatten().any(|mask| mask != all);
        if is_masked && !self.salu.has_comparator_masks {
            self.impossible(action, "masks what it compares");
        }
        let most = self.salu.arithmetic_bits_max;
        let operand = comparator
            .operand
            .and_then(|term| self.unit.operands.get(term.source as usize));
        let is_narrow = operand.is_none_or(|operand| operand.width(self.gress) <= most);
        if half_bits > most && (comparator.memory.is_some() || !is_narrow) {
            self.impossible(action, "compares halves that are too wide");
        }
    }

    fn divider(
        &mut self,
        divider: &Divider,
        instruction: &ArithmeticInstruction,
        action: &RegisterAction,
    ) {
        if !self.salu.has_divider {
            self.not_there(&action.name, "a divider");
        }
        if self.unit.layout.half_bits > self.salu.arithmetic_bits_max {
            self.impossible(action, "divides halves that are too wide");
        }
        let is_taken = |half, is_second| {
            let mut slots = instruction.slots.iter();
            slots.any(|slot| slot.unit.half == half && slot.unit.is_second == is_second)
        };
        if is_taken(Half::Hi, true) {
            self.impossible(action, "does an operation where it divides");
        }
        if self.unit.layout.kind != LayoutKind::Single && !is_taken(Half::Hi, false) {
            self.impossible(action, "loses its upper half where it divides");
        }
        let mut constants = Vec::new();
        for source in [divider.dividend, divider.divisor] {
            match source {
                DividerSource::Memory(half) => self.memory(action, half),
                DividerSource::Operand(position) => self.operand(action, position),
                DividerSource::Constant(constant) => constants.push(constant),
            }
        }
        if let [a, b] = constants[..]
            && a != b
        {
            self.impossible(action, "has two constants in one operation");
        }
        for constant in constants {
            self.placed_constant(action, constant, self.salu.inline_constant_bits);
        }
    }

    fn search(
        &mut self,
        search: &LaneSearch,
        instruction: &ArithmeticInstruction,
        action: &RegisterAction,
    ) {
        if !self.salu.has_lane_search {
            self.not_there(&action.name, "a search in lanes");
        }
        if !instruction.slots.is_empty() || instruction.divider.is_some() {
            self.impossible(action, "does an operation beside a search in lanes");
        }
        let memory = action
            .memory
            .iter()
            .filter_map(|local| action.locals.get(*local));
        if memory.map(|local| local.width).sum::<u32>() != LaneOp::WORD_BITS {
            self.impossible(action, "searches in something else than a word of memory");
        }
        let needs_row = !search.masks_by_operand || search.change == LaneChange::Row;
        if needs_row != search.row.is_some() {
            self.impossible(action, "has a search with the wrong sources");
        }
        if let Some(row) = search.row {
            self.placed_constant(action, Constant::Row(row), 0);
            // The last comparator names the row.
            let last = instruction.comparators.get(Predicate::COMPARATORS_MAX - 1);
            let constant = last.map(|comparator| comparator.constant);
            if matches!(constant, Some(Constant::Row(of)) if of != row) {
                self.impossible(action, "names two rows with its last comparator");
            }
        }
        if search.masks_by_operand {
            self.operand(action, 0);
        }
        if search.change == LaneChange::Operand {
            self.operand(action, 1);
        }
    }

    fn slots(&mut self, instruction: &ArithmeticInstruction, action: &RegisterAction) {
        let half_bits = self.unit.layout.half_bits;
        for half in [Half::Lo, Half::Hi] {
            let of_half = instruction.slots.iter().filter(|s| s.unit.half == half);
            self.at_most(
                "slots of a half",
                of_half.count(),
                self.salu.slots_per_value,
            );
        }
        let mut taken = BTreeSet::new();
        for slot in &instruction.slots {
            if !taken.insert(slot.unit) {
                self.impossible(action, "does two operations in one slot");
            }
            if slot.opcode.takes_a() != slot.a.is_some()
                || slot.opcode.takes_b() != slot.b.is_some()
            {
                self.impossible(action, "has an operation with the wrong sources");
            }
            let moves = matches!(
                slot.opcode,
                Opcode::AluA | Opcode::AluB | Opcode::SetZ | Opcode::SetHi
            );
            if let Some(half) = slot.passes {
                self.memory(action, half);
                let is_other = matches!(slot.a, Some(a) if a != SourceA::Memory(half));
                if is_other || half_bits <= Slot::LOW_BITS {
                    self.impossible(action, "lets pass what its first source is not");
                }
            }
            let computes = !moves && slot.passes.is_none();
            if computes && half_bits > self.salu.arithmetic_bits_max {
                self.impossible(action, "computes with halves that are too wide");
            }
            let inline = self.salu.inline_constant_bits;
            let mut constants = Vec::new();
            match slot.a {
                None => {}
                Some(SourceA::Memory(half)) => self.memory(action, half),
                Some(SourceA::Constant(constant)) => constants.push(constant),
            }
            match slot.b {
                None => {}
                Some(SourceB::Operand(position)) => self.operand(action, position),
                Some(SourceB::Constant(constant)) => constants.push(constant),
                Some(SourceB::Math(input)) => {
                    match input {
                        MathInput::Memory(half) => self.memory(action, half),
                        MathInput::Operand(position) => self.operand(action, position),
                    }
                    let known = self
                        .unit
                        .math_unit
                        .is_some_and(|unit| self.gress.math_units.get(unit).is_some());
                    if !known {
                        self.not_there(&action.name, "a math unit");
                    }
                    if slot.unit.half == Half::Hi || !slot.unit.is_second {
                        self.impossible(action, "has the math unit where it does not lead");
                    }
                }
            }
            if let [a, b] = constants[..]
                && a != b
            {
                self.impossible(action, "has two constants in one operation");
            }
            for constant in constants {
                self.placed_constant(action, constant, inline);
            }
        }
    }

    fn words(&mut self, instruction: &ArithmeticInstruction, action: &RegisterAction) {
        let mut taken = BTreeSet::new();
        let mut shown = None;
        for word in &instruction.words {
            if word.word >= self.salu.outputs {
                self.not_there(&action.name, "a word of output");
            }
            if !taken.insert(word.word) {
                self.impossible(action, "shows two things in one word");
            }
            match word.source {
                OutputSource::Memory(half) => self.memory(action, half),
                OutputSource::Operand(position) => self.operand(action, position),
                OutputSource::Alu(_) => {}
                OutputSource::Quotient | OutputSource::Remainder => {
                    if instruction.divider.is_none() {
                        self.not_there(&action.name, "a divider");
                    }
                }
                OutputSource::LaneNumber | OutputSource::LaneIndex => {
                    if instruction.search.is_none() {
                        self.not_there(&action.name, "a search in lanes");
                    }
                }
                source @ (OutputSource::Predicate { .. } | OutputSource::Case) => {
                    let is_other = *shown.get_or_insert(word.predicate) != word.predicate;
                    let is_beyond =
                        matches!(source, OutputSource::Predicate { shift } if shift >= 32);
                    if is_other || is_beyond || *self.shown.get_or_insert(source) != source {
                        self.impossible(action, "shows two predicates");
                    }
                }
            }
            let of_search = matches!(word.source, OutputSource::Memory(_) | OutputSource::Alu(_));
            if instruction.search.is_some() && of_search {
                self.impossible(action, "shows memory beside a search in lanes");
            }
        }
        if instruction.outputs.len() != action.outputs.len() {
            self.not_there(&action.name, "an output");
        }
        for (words, output) in instruction.outputs.iter().zip(&action.outputs) {
            let width = action.locals.get(*output).map_or(0, |local| local.width);
            if words.len() != width.div_ceil(32) as usize {
                self.impossible(action, "has an output with too few or too many words");
            }
            if words.iter().flatten().any(|word| !taken.contains(word)) {
                self.not_there(&action.name, "a word of output");
            }
        }
    }
}

/// Whether a predicate depends on comparators from this number on.
fn looks_beyond(predicate: Predicate, n_comparators: usize) -> bool {
    (0..16usize).any(|case| {
        let known = case & ((1 << n_comparators.min(4)) - 1);
        predicate.holds(case) != predicate.holds(known)
    })
}

/// Whether the crossbar makes an expression: bits of fields and constants side by side.
fn is_routed(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_) | Expr::Field(_) => true,
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => is_routed(arg),
        Expr::Binary { op, lhs, rhs } => {
            *op == BinaryOp::Concat && is_routed(lhs) && is_routed(rhs)
        }
        Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => false,
    }
}
