//! Control flow, placed: stage by stage. What units of a stage write, they write beside what was read;
//! it takes its place between two stages.

use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use cranelift_frontend::Variable;
use p4rmt_engine::{EngineError, OTHERWISE, PlacedUnit, Schedule, THEN, TablePart, UnitKind};
use p4rmt_ir::{FieldId, Id, Outcome, Tables};

use super::number::Number;
use super::table::{Applied, Share};
use super::{Compiler, Word};

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

impl Taken {
    /// Words that it takes in memory.
    fn n_words(&self) -> usize {
        self.branches.len() + usize::from(self.last_node.is_some())
    }
}

impl Compiler<'_> {
    /// All stages.
    pub(super) fn stages(&mut self, body: &Tables, schedule: &Schedule) -> Result<(), EngineError> {
        let taken = self.no_node_taken(body, schedule);
        for stage in 0..schedule.n_stages() {
            self.stage(body, schedule.units(stage), &taken)?;
        }
        Ok(())
    }

    /// One stage by itself, of a packet that lies in memory between stages.
    pub(super) fn lone_stage(
        &mut self,
        body: &Tables,
        schedule: &Schedule,
        stage: u32,
    ) -> Result<(), EngineError> {
        let slot = self.phv;
        let taken = self.no_node_taken(body, schedule);
        let all = taken.branches.iter().chain(&taken.last_node);
        for (position, variable) in all.enumerate() {
            let word = self.load(slot, self.flight_offset() + position * 8);
            self.b.def_var(*variable, word);
        }
        self.load_draws(slot, taken.n_words());
        let units = schedule.units(stage);
        self.stage(body, units, &taken)?;
        let nodes = units.iter().map(|unit| unit.node);
        let of_units = nodes.map(|node| (node, taken.branches[node]));
        let last_node = taken
            .last_node
            .map(|variable| (taken.branches.len(), variable));
        for (position, variable) in of_units.chain(last_node) {
            let word = self.b.use_var(variable);
            self.store(word, slot, self.flight_offset() + position * 8);
        }
        self.save_draws(slot, taken.n_words());
        Ok(())
    }

    /// Leaves a packet that its parser is done with in memory, before the first stage.
    pub(super) fn enter_stages(&mut self, body: &Tables, schedule: &Schedule) {
        let slot = self.phv;
        let taken = self.no_node_taken(body, schedule);
        let not_yet = self.word(NOT_YET);
        for position in 0..taken.n_words() {
            self.store(not_yet, slot, self.flight_offset() + position * 8);
        }
        self.save_draws(slot, taken.n_words());
    }

    /// Where, behind the fields, the rest of a packet between stages lies: the branch of each node, the
    /// node that ended the control, and how often each source of random values was drawn from.
    fn flight_offset(&self) -> usize {
        self.loaded.phv.n_words() * 8
    }

    fn load_draws(&mut self, slot: Word, behind: usize) {
        for (position, variable) in self.draws.clone().into_iter().enumerate() {
            let word = self.load(slot, self.flight_offset() + (behind + position) * 8);
            self.b.def_var(variable, word);
        }
    }

    fn save_draws(&mut self, slot: Word, behind: usize) {
        for (position, variable) in self.draws.clone().into_iter().enumerate() {
            let word = self.b.use_var(variable);
            self.store(word, slot, self.flight_offset() + (behind + position) * 8);
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
        units: &[PlacedUnit],
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
        for unit in units {
            self.unit(body, unit, taken)?;
        }
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

    /// The fields that actions of these units write.
    fn written_by(&self, body: &Tables, units: &[PlacedUnit]) -> Vec<FieldId> {
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
                self.b.def_var(taken.branches[unit.node], branch);
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
                    this.b.def_var(taken.branches[unit.node], branch);
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
