//! Tables: the key, the entry that it finds, and the code of each action that it may lead to.
//!
//! An action stands once in the code of a table, whether a hit or a miss leads to it. Its data are read
//! from the record ([`crate::tables`]) of what was selected; where a miss always leads to the same
//! action, that is known here.

use std::mem::offset_of;

use cranelift_codegen::ir::{Block, InstBuilder, condcodes::IntCC, types};
use cranelift_frontend::{Switch, Variable};
use p4rmt_engine::EngineError;
use p4rmt_ir::{ActionId, Arm, Body, Id, MatchKind, Outcome, Param, Table, TableId};

use super::number::Number;
use super::{Compiler, Word};
use crate::callbacks::Name;
use crate::frame::Frame;
use crate::tables::{DATA, PICK};

/// The part of a table that a stage has.
#[derive(Clone, Copy)]
pub(super) struct Share {
    /// Ranks of its entries: from the first up to but without the last; all where none is given.
    pub(super) ranks: Option<(u64, u64)>,
    /// Where a lookup leads that finds no entry of the part; nothing if the miss is its own.
    pub(super) elsewhere: Option<Block>,
}

/// What is known where the code of an action starts.
#[derive(Clone, Copy)]
pub(super) struct Applied {
    /// What runs; nothing where the entry leads to a group without members.
    pub(super) action: Option<ActionId>,
    /// Whether the lookup found an entry: a word that is 0 or 1.
    pub(super) is_hit: Word,
}

impl Compiler<'_> {
    /// Applies a table of the structured form; returns whether what follows can be reached.
    pub(super) fn apply_structured(
        &mut self,
        id: TableId,
        arms: &[Arm],
    ) -> Result<bool, EngineError> {
        let gress = self.gress;
        let Body::Structured(body) = &gress.body else {
            unreachable!("statements are of the structured form");
        };
        let blocks: Vec<Block> = arms.iter().map(|_| self.b.create_block()).collect();
        let join = self.b.create_block();
        let outcomes: Vec<Outcome> = arms.iter().map(|arm| arm.on).collect();
        let share = Share {
            ranks: None,
            elsewhere: None,
        };
        self.apply(id, share, &mut |this, applied| {
            let goes_on = match applied.action {
                Some(action) => this.block(&body.actions[action].body)?,
                None => true,
            };
            if goes_on {
                this.choose_arm(&outcomes, applied, &blocks, join);
            }
            Ok(())
        })?;
        for (arm, block) in arms.iter().zip(blocks) {
            self.enter(block);
            if self.block(&arm.body)? {
                self.jump(join);
            }
        }
        self.enter(join);
        Ok(true)
    }

    /// Leads to the first arm that fits, or to `join`.
    pub(super) fn choose_arm(
        &mut self,
        outcomes: &[Outcome],
        applied: Applied,
        blocks: &[Block],
        join: Block,
    ) {
        for (on, block) in outcomes.iter().zip(blocks) {
            let next = match on {
                Outcome::Hit => {
                    let next = self.b.create_block();
                    self.b.ins().brif(applied.is_hit, *block, &[], next, &[]);
                    next
                }
                Outcome::Miss => {
                    let next = self.b.create_block();
                    self.b.ins().brif(applied.is_hit, next, &[], *block, &[]);
                    next
                }
                Outcome::Action(action) if Some(*action) != applied.action => continue,
                Outcome::Action(_) | Outcome::Otherwise => return self.jump(*block),
            };
            self.enter(next);
        }
        self.jump(join);
    }

    /// Looks a table up, and makes the code of each action by `run`, which ends it.
    pub(super) fn apply(
        &mut self,
        id: TableId,
        share: Share,
        run: &mut dyn FnMut(&mut Self, Applied) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let table = &self.gress.tables[id];
        let mut leads = Leads::new(self);
        let missed = self.b.create_block();
        if table.keys.is_empty() {
            self.jump(missed);
        } else {
            let found = self.b.create_block();
            let record = self.look_up(id, table, share);
            self.b.ins().brif(record, found, &[], missed, &[]);
            self.enter(found);
            self.select_entry(id, table, record, &mut leads);
        }
        self.enter(missed);
        if let Some(elsewhere) = share.elsewhere {
            self.jump(elsewhere);
        } else {
            self.select_default(id, table, &mut leads);
        }
        for (action, block) in std::mem::take(&mut leads.actions) {
            self.enter(block);
            let is_hit = self.b.use_var(leads.is_hit);
            self.params = match action {
                Some(action) => self.action_data(table, action, &leads),
                None => Vec::new(),
            };
            run(self, Applied { action, is_hit })?;
        }
        Ok(())
    }

    /// The address of the record that a lookup finds; 0 for none.
    fn look_up(&mut self, id: TableId, table: &Table, share: Share) -> Word {
        let key: Vec<Number> = table.keys.iter().map(|key| self.expr(&key.expr)).collect();
        let n_words = self.put_in_scratch(&key) as u64;
        let record = self.call_with(Name::Lookup, [id.index() as u64, n_words, 0]);
        let Some((first, end)) = share.ranks else {
            return record;
        };
        let rank = self.load_frame(offset_of!(Frame, rank));
        let start = self.word(first);
        let rank = self.b.ins().isub(rank, start);
        let is_here = self.is(IntCC::UnsignedLessThan, rank, end - first);
        let zero = self.word(0);
        self.b.ins().select(is_here, record, zero)
    }

    /// An entry was found: counts it, and leads to its action.
    fn select_entry(&mut self, id: TableId, table: &Table, record: Word, leads: &mut Leads) {
        self.count_lookup(id, 0);
        let slot = self.load(record, 8);
        self.b.def_var(self.direct_index, slot);
        let one = self.word(1);
        self.b.def_var(leads.is_hit, one);
        let hash = self.selector_hash(table);
        self.run_direct(table, Some(slot));
        let mut record = record;
        if table.implementation.is_some() {
            record = self.pick_member(id, record, slot, hash);
        }
        self.b.def_var(leads.record, record);
        let action = self.load(record, 0);
        let mut switch = Switch::new();
        for listed in &table.actions {
            let entry = listed.action.index() as u128;
            if !switch.entries().contains_key(&entry) {
                switch.set_entry(entry, leads.block(self, Some(listed.action)));
            }
        }
        let none = leads.block(self, None);
        switch.emit(&mut self.b, action, none);
    }

    /// The record of the member that an entry leads to, if it leads to one.
    fn pick_member(&mut self, id: TableId, record: Word, slot: Word, hash: Option<Word>) -> Word {
        let picked = self.b.declare_var(types::I64);
        self.b.def_var(picked, record);
        let (pick, on) = (self.b.create_block(), self.b.create_block());
        let action = self.load(record, 0);
        let leads_to_profile = self.is(IntCC::Equal, action, PICK);
        self.b.ins().brif(leads_to_profile, pick, &[], on, &[]);
        self.enter(pick);
        let table = self.word(id.index() as u64);
        let zero = self.word(0);
        let member = self.call(Name::Pick, [table, slot, hash.unwrap_or(zero)]);
        self.b.def_var(picked, member);
        self.go(on);
        self.b.use_var(picked)
    }

    /// The hash by which the table's selector picks a member, if it has one.
    fn selector_hash(&mut self, table: &Table) -> Option<Word> {
        let profile = &self.gress.profiles[table.implementation?];
        let hash = profile.selector?.hash;
        self.call_with(Name::BytesStart, [0; 3]);
        for key in &table.keys {
            if key.kind == MatchKind::Selector {
                let value = self.expr(&key.expr);
                self.put_in_scratch([&value]);
                let width = u64::from(value.width);
                self.call_with(Name::BytesPut, [width, width, 0]);
            }
        }
        Some(self.call_with(Name::BytesHash, [hash.index() as u64, 0, 0]))
    }

    /// No entry was found: counts that, and leads to the default action.
    fn select_default(&mut self, id: TableId, table: &Table, leads: &mut Leads) {
        self.count_lookup(id, 1);
        let size = self.word(table.size);
        self.b.def_var(self.direct_index, size);
        let zero = self.word(0);
        self.b.def_var(leads.is_hit, zero);
        self.run_direct(table, None);
        let defaults = self.load_frame(offset_of!(Frame, defaults));
        let record = self.load(defaults, id.index() * 8);
        self.b.def_var(leads.record, record);
        let declared = table.default_action.action;
        if table.is_default_const {
            let block = leads.block(self, Some(declared));
            return self.jump(block);
        }
        let action = self.load(record, 0);
        let mut switch = Switch::new();
        let listed = table.actions.iter().map(|listed| listed.action);
        for possible in listed.chain([declared]) {
            let entry = possible.index() as u128;
            if !switch.entries().contains_key(&entry) {
                switch.set_entry(entry, leads.block(self, Some(possible)));
            }
        }
        let none = leads.block(self, None);
        switch.emit(&mut self.b, action, none);
    }

    fn count_lookup(&mut self, id: TableId, which: usize) {
        let counts = self.load_frame(offset_of!(Frame, counts));
        let offset = id.index() * 16 + which * 8;
        let count = self.load(counts, offset);
        let one = self.word(1);
        let count = self.b.ins().iadd(count, one);
        self.store(count, counts, offset);
    }

    /// The data of an action, from the record of what was selected.
    fn action_data(&mut self, table: &Table, action: ActionId, leads: &Leads) -> Vec<Number> {
        let params: &[Param] = match &self.gress.body {
            Body::Structured(body) => &body.actions[action].params,
            Body::Tables(body) => &body.actions[action].params,
        };
        let is_default = table.is_default_const && table.default_action.action == action;
        if table.keys.is_empty() && is_default {
            let args = &table.default_action.args;
            return args.iter().map(|arg| self.constant(arg)).collect();
        }
        let mut offset = DATA * 8;
        let mut record = None;
        params
            .iter()
            .map(|param| {
                let record = *record.get_or_insert_with(|| self.b.use_var(leads.record));
                let value = self.number_at(record, offset, param.width);
                offset += param.width.div_ceil(64) as usize * 8;
                value
            })
            .collect()
    }
}

/// Where lookups of one table lead.
struct Leads {
    /// The address of the record that was selected.
    record: Variable,
    /// Whether an entry was found.
    is_hit: Variable,
    /// The actions with their code.
    actions: Vec<(Option<ActionId>, Block)>,
}

impl Leads {
    fn new(compiler: &mut Compiler<'_>) -> Self {
        Self {
            record: compiler.b.declare_var(types::I64),
            is_hit: compiler.b.declare_var(types::I64),
            actions: Vec::new(),
        }
    }

    fn block(&mut self, compiler: &mut Compiler<'_>, action: Option<ActionId>) -> Block {
        let known = self.actions.iter().find(|(known, _)| *known == action);
        if let Some((_, block)) = known {
            return *block;
        }
        let block = compiler.b.create_block();
        self.actions.push((action, block));
        block
    }
}
