//! Control flow, placed: stage by stage. What units of a stage write, they write beside what was read;
//! it takes its place between two stages.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use cranelift_frontend::Variable;
use p4rmt_engine::{EngineError, OTHERWISE, PlacedUnit, Schedule, THEN, TablePart, UnitKind};
use p4rmt_ir::{FieldId, Id, Outcome, Tables};

use super::number::Number;
use super::table::{Applied, Share};
use super::{Compiler, Section, Word, plain};
use crate::frame::Frame;

/// The branch of a node that has not run.
const NOT_YET: u64 = u64::MAX;
/// The branch of a node that ran and leads nowhere.
const NOWHERE: u64 = u64::MAX - 1;

/// Where nodes have led.
struct Taken {
    /// By node: the branch.
    branches: Vec<Variable>,
    /// The node whose action ended the control, where any can: those behind it do not run.
    last_node: Option<Variable>,
}

impl Compiler<'_> {
    /// All stages.
    pub(super) fn stages(&mut self, body: &Tables, schedule: &Schedule) -> Result<(), EngineError> {
        let taken = self.no_node_taken(body, schedule);
        for stage in 0..schedule.n_stages() {
            let units: Vec<&PlacedUnit> = schedule.units(stage).iter().collect();
            self.stage(body, &units, &taken)?;
        }
        Ok(())
    }

    /// One stage by itself: packets pass it one after the other, each of which lies in memory between stages.
    pub(super) fn lone_stage(
        &mut self,
        body: &Tables,
        schedule: &Schedule,
        stage: u32,
    ) -> Result<(), EngineError> {
        let records = self.load_frame(offset_of!(Frame, records));
        let n_records = self.load_frame(offset_of!(Frame, n_records));
        let n_bytes = self.shl_word(n_records, 3);
        let end = self.b.ins().iadd(records, n_bytes);
        let at = self.b.declare_var(types::I64);
        self.b.def_var(at, records);
        let (head, done) = (self.b.create_block(), self.b.create_block());
        self.jump(head);
        self.b.switch_to_block(head);
        let here = self.b.use_var(at);
        let is_left = self.b.ins().icmp(IntCC::UnsignedLessThan, here, end);
        self.branch(is_left, done);
        self.phv = self.load(here, 0);
        self.begin_packet();
        let taken = self.no_node_taken(body, schedule);
        let mut units: Vec<&PlacedUnit> = schedule.units(stage).iter().collect();
        self.load_taken(&units, &taken);
        self.load_draws();
        if self.loaded.keeps_order {
            // In the order of the control flow, what is written can be read at once.
            units.sort_by_key(|unit| unit.node);
            self.units(body, &units, &taken)?;
        } else {
            self.stage(body, &units, &taken)?;
        }
        if let Some(last_node) = taken.last_node {
            let last = self.b.use_var(last_node);
            let last = self.b.ins().bnot(last);
            self.store(last, self.phv, self.loaded.flight().last_node);
        }
        self.save_draws();
        let word = self.word(8);
        let next = self.b.ins().iadd(here, word);
        self.b.def_var(at, next);
        self.jump(head);
        self.b.seal_block(head);
        self.enter(done);
        Ok(())
    }

    /// Where nodes have led in other stages that units of this one ask about.
    fn load_taken(&mut self, units: &[&PlacedUnit], taken: &Taken) {
        let mut asked: Vec<usize> = Vec::new();
        for unit in units {
            asked.extend(unit.parent.map(|(parent, _)| parent));
            asked.push(unit.node);
        }
        asked.sort_unstable();
        asked.dedup();
        for node in asked {
            if let Some(offset) = self.loaded.flight().node(node) {
                let offset = offset as i32;
                let branch = self.b.ins().load(types::I32, plain(), self.phv, offset);
                let branch = self.b.ins().uextend(types::I64, branch);
                let one = self.word(1);
                let branch = self.b.ins().isub(branch, one);
                self.b.def_var(taken.branches[node], branch);
            }
        }
        if let Some(last_node) = taken.last_node {
            let last = self.load(self.phv, self.loaded.flight().last_node);
            let last = self.b.ins().bnot(last);
            self.b.def_var(last_node, last);
        }
    }

    /// Notes where a node has led, for those who ask: in this stage, and in others.
    fn take(&mut self, node: usize, branch: Word, taken: &Taken) {
        self.b.def_var(taken.branches[node], branch);
        if let Section::Step(_) = self.section
            && let Some(offset) = self.loaded.flight().node(node)
        {
            let one = self.word(1);
            let branch = self.b.ins().iadd(branch, one);
            let branch = self.b.ins().ireduce(types::I32, branch);
            self.b.ins().store(plain(), branch, self.phv, offset as i32);
        }
    }

    fn load_draws(&mut self) {
        for (position, variable) in self.draws.clone().into_iter().enumerate() {
            let offset = self.loaded.flight().draws + position * 8;
            let word = self.load(self.phv, offset);
            self.b.def_var(variable, word);
        }
    }

    fn save_draws(&mut self) {
        for (position, variable) in self.draws.clone().into_iter().enumerate() {
            let word = self.b.use_var(variable);
            let offset = self.loaded.flight().draws + position * 8;
            self.store(word, self.phv, offset);
        }
    }

    /// Before the first stage.
    fn no_node_taken(&mut self, body: &Tables, schedule: &Schedule) -> Taken {
        let not_yet = self.word(NOT_YET);
        let variable = |this: &mut Self| {
            let variable = this.b.declare_var(types::I64);
            this.b.def_var(variable, not_yet);
            variable
        };
        let exits = body.actions.values().any(|action| action.exits);
        Taken {
            branches: (0..schedule.n_nodes()).map(|_| variable(self)).collect(),
            last_node: exits.then(|| variable(self)),
        }
    }

    /// One stage.
    fn stage(
        &mut self,
        body: &Tables,
        units: &[&PlacedUnit],
        taken: &Taken,
    ) -> Result<(), EngineError> {
        let written = self.written_by(body, units);
        for field in &written {
            let now = self.field(*field);
            let words = now.words.iter();
            let later: Vec<Variable> = words.map(|_| self.b.declare_var(types::I64)).collect();
            Self::set(&later, &now, &mut self.b);
            self.next_fields[field.index()] = Some(later);
        }
        self.units(body, units, taken)?;
        for field in &written {
            let later = self.next_fields[field.index()].take();
            let words = later.iter().flatten().map(|later| self.b.use_var(*later));
            let later = Number {
                width: self.gress.fields[*field].width,
                words: words.collect(),
            };
            self.set_field(*field, &later);
        }
        Ok(())
    }

    fn units(
        &mut self,
        body: &Tables,
        units: &[&PlacedUnit],
        taken: &Taken,
    ) -> Result<(), EngineError> {
        for unit in units {
            self.unit(body, unit, taken)?;
        }
        Ok(())
    }

    /// The fields that actions of these units write.
    fn written_by(&self, body: &Tables, units: &[&PlacedUnit]) -> Vec<FieldId> {
        let mut written = Vec::new();
        for unit in units {
            let UnitKind::Table(part) = &unit.kind else {
                continue;
            };
            let table = &self.gress.tables[part.table];
            let listed = table.actions.iter().map(|listed| listed.action);
            for action in listed.chain([table.default_action.action]) {
                let action = &body.actions[action];
                written.extend(
                    action
                        .assigns
                        .iter()
                        .filter_map(|assign| assign.dst.field()),
                );
                let outs = action.calls.iter().flat_map(|(call, _)| &call.outs);
                written.extend(outs.flatten().filter_map(p4rmt_ir::Place::field));
            }
        }
        written.sort_unstable();
        written.dedup();
        written
    }

    /// A unit, if its parent led to it.
    fn unit(&mut self, body: &Tables, unit: &PlacedUnit, taken: &Taken) -> Result<(), EngineError> {
        let behind = self.b.create_block();
        if let Some(runs) = self.runs(unit, taken) {
            self.branch(runs, behind);
        }
        match &unit.kind {
            UnitKind::Gateway(gateway) => {
                let holds = self.condition(&body.gateways[*gateway].cond);
                let (then, otherwise) = (self.word(THEN as u64), self.word(OTHERWISE as u64));
                let branch = self.b.ins().select(holds, then, otherwise);
                self.take(unit.node, branch, taken);
                self.jump(behind);
            }
            UnitKind::Table(part) => {
                let share = Share {
                    ranks: part.is_divided.then_some((part.first_rank, part.end_rank)),
                    elsewhere: (!part.is_last).then_some(behind),
                };
                self.apply(part.table, share, &mut |this, applied| {
                    let action = applied.action.map(|action| &body.actions[action]);
                    if let Some(action) = action {
                        this.run_parallel(action)?;
                    }
                    let branch = this.branch_of(part, applied);
                    this.take(unit.node, branch, taken);
                    if let (Some(action), Some(last_node)) = (action, taken.last_node)
                        && action.exits
                    {
                        let last = this.b.use_var(last_node);
                        let here = this.word(unit.node as u64);
                        let last = this.b.ins().umin(last, here);
                        this.b.def_var(last_node, last);
                    }
                    this.jump(behind);
                    Ok(())
                })?;
            }
        }
        self.enter(behind);
        Ok(())
    }

    /// Whether a unit runs; nothing if it always does.
    fn runs(&mut self, unit: &PlacedUnit, taken: &Taken) -> Option<Word> {
        let mut all: Option<Word> = None;
        let mut also = |this: &mut Self, condition: Word| {
            all = Some(match all {
                Some(before) => this.b.ins().band(before, condition),
                None => condition,
            });
        };
        if let Some((parent, branch)) = unit.parent {
            let led = self.b.use_var(taken.branches[parent]);
            let is_led_to = self.is(IntCC::Equal, led, branch as u64);
            also(self, is_led_to);
        }
        if let Some(last_node) = taken.last_node {
            let last = self.b.use_var(last_node);
            let goes_on = self.is(IntCC::UnsignedGreaterThanOrEqual, last, unit.node as u64);
            also(self, goes_on);
        }
        if let UnitKind::Table(part) = &unit.kind
            && part.is_divided
        {
            let led = self.b.use_var(taken.branches[unit.node]);
            let not_yet = self.is(IntCC::Equal, led, NOT_YET);
            also(self, not_yet);
        }
        all
    }

    /// The branch of the first arm that fits.
    fn branch_of(&mut self, part: &TablePart, applied: Applied) -> Word {
        let mut branch = self.word(NOWHERE);
        for (position, on) in part.arms.iter().enumerate().rev() {
            let here = self.word(position as u64);
            branch = match on {
                Outcome::Hit => self.b.ins().select(applied.is_hit, here, branch),
                Outcome::Miss => self.b.ins().select(applied.is_hit, branch, here),
                Outcome::Action(action) if Some(*action) != applied.action => branch,
                Outcome::Action(_) | Outcome::Otherwise => here,
            };
        }
        branch
    }
}
