//! Tables: the key, the entry that it finds, and the code of each action that it may lead to.
//!
//! Keys of a few words are looked up by compiled code itself, others by the engine. An action stands once in
//! the code of a table, whether a hit or a miss leads to it; its data are read from the record
//! ([`crate::tables`]) of what was selected.

use std::mem::offset_of;

use cranelift_codegen::ir::{
    Block, BlockCall, InstBuilder, JumpTableData, condcodes::IntCC, types,
};
use cranelift_frontend::Variable;
use p4rmt_engine::{EngineError, ExactTable, KeyLayout, KeyPiece, PrefixTable, TableKind};
use p4rmt_ir::{ActionId, Arm, Body, Id, MatchKind, Outcome, Param, Table, TableId};

use super::number::Number;
use super::{Compiler, Word, plain};
use crate::callbacks::Name;
use crate::frame::Frame;
use crate::tables::{
    DATA, MAX_PROBED_WORDS, PICK, TableView, has_records_in_buckets, possible_actions, record_words,
};

/// The part of a table that a stage has.
#[derive(Clone, Copy)]
pub(super) struct Share {
    /// Ranks of its entries: from the first up to but without the last; all where none is given.
    pub(super) ranks: Option<(u64, u64)>,
    /// Where a lookup leads that finds no entry of the part; nothing if the miss is its own.
    pub(super) elsewhere: Option<Block>,
}

/// So many actions, and one more, are told apart one by one, more by a table of jumps.
const CHAIN: usize = 3;

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
        if table.keys.is_empty() {
            self.select_only(id, table, &mut leads);
        } else if has_records_in_buckets(self.gress, id, self.schedule) {
            self.select_in_bucket(id, table, &mut leads);
        } else {
            let place = self.look_up(id, table, share);
            self.select_found(id, table, place, &mut leads);
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

    /// The key of a table.
    fn key(&mut self, table: &Table, layout: &KeyLayout) -> Number {
        let parts: Vec<Number> = table.keys.iter().map(|key| self.expr(&key.expr)).collect();
        let pieces = layout.pieces().iter().map(|piece| match piece {
            KeyPiece::Part(part) => parts[*part].clone(),
            KeyPiece::Zeros(width) => self.zero(*width),
        });
        let pieces: Vec<Number> = pieces.collect();
        self.join(&pieces)
    }

    /// The place of the entry that is found; 0 for none. Leads away if that is in another part.
    fn look_up(&mut self, id: TableId, table: &Table, share: Share) -> Word {
        let layout = KeyLayout::new(self.gress, table);
        let key = self.key(table, &layout);
        let place = match (layout.kind(), &key.words[..]) {
            (TableKind::Exact, words) if (1..=MAX_PROBED_WORDS).contains(&words.len()) => {
                self.find_place(id, words)
            }
            (TableKind::Prefix, [word]) => self.walk(id, *word, PrefixTable::root_bits_of(&layout)),
            (TableKind::Ternary, words @ ([_] | [_, _] | [_, _, _])) => match layout.n_bytes() {
                Some(n_bytes) => self.compete(id, words, n_bytes),
                None => self.ask_for_place(id, &key),
            },
            _ => self.ask_for_place(id, &key),
        };
        let Some((first, end)) = share.ranks else {
            return place;
        };
        let rank = match layout.kind() {
            TableKind::Exact => {
                let one = self.word(1);
                self.b.ins().isub(place, one)
            }
            TableKind::Prefix | TableKind::Ternary => {
                let table = self.word(id.index() as u64);
                self.call(Name::Rank, [table, place, place])
            }
        };
        let start = self.word(first);
        let rank = self.b.ins().isub(rank, start);
        let is_here = self.is(IntCC::UnsignedLessThan, rank, end - first);
        let zero = self.word(0);
        let place = self.b.ins().select(is_here, place, zero);
        if let Some(elsewhere) = share.elsewhere {
            self.branch(place, elsewhere);
        }
        place
    }

    /// Looks up, counts the lookup, and leads to the action of what it found, where that stands in the bucket.
    fn select_in_bucket(&mut self, id: TableId, table: &Table, leads: &mut Leads) {
        let layout = KeyLayout::new(self.gress, table);
        let key = self.key(table, &layout);
        let n_data = record_words(self.gress, table);
        let found = self.probe(id, &key.words, n_data);
        let on = self.b.create_block();

        self.enter(found.hit);
        self.count_found(id, 0);
        let one = self.word(1);
        let slot = self.b.ins().isub(found.place, one);
        self.b.def_var(self.direct_index, slot);
        self.b.def_var(leads.is_hit, one);
        self.run_direct(table, Some(slot));
        let behind = self.word((key.words.len() as u64 + 1) * 8);
        let record = self.b.ins().iadd(found.bucket, behind);
        self.b.def_var(leads.record, record);
        self.jump(on);

        self.enter(found.miss);
        self.count_found(id, 1);
        let size = self.word(table.size);
        self.b.def_var(self.direct_index, size);
        let zero = self.word(0);
        self.b.def_var(leads.is_hit, zero);
        self.run_direct(table, None);
        let record = self.load_view(id, offset_of!(TableView, records));
        self.b.def_var(leads.record, record);
        self.go(on);

        let record = self.b.use_var(leads.record);
        self.switch_to_action(table, record, leads);
    }

    /// The place of a key in a hash table; 0 for none.
    fn find_place(&mut self, id: TableId, key: &[Word]) -> Word {
        let found = self.probe(id, key, 0);
        let place = self.b.declare_var(types::I64);
        let done = self.b.create_block();
        self.enter(found.hit);
        self.b.def_var(place, found.place);
        self.jump(done);
        self.enter(found.miss);
        let zero = self.word(0);
        self.b.def_var(place, zero);
        self.go(done);
        self.b.use_var(place)
    }

    /// Looks a key up in a hash table, as [`p4rmt_engine::ExactTable`] says.
    fn probe(&mut self, id: TableId, key: &[Word], n_data: usize) -> Probed {
        let buckets = self.load_view(id, offset_of!(TableView, entries));
        let shift = self.load_view(id, offset_of!(TableView, shift));
        let multiplier = self.word(ExactTable::MULTIPLIER);
        let half = self.word(32);
        let mut hash: Option<Word> = None;
        for word in key {
            let mixed = match hash {
                Some(hash) => {
                    let turned = self.b.ins().rotl(hash, half);
                    self.b.ins().bxor(turned, *word)
                }
                None => *word,
            };
            hash = Some(self.b.ins().imul(mixed, multiplier));
        }
        let hash = hash.expect("a key that is probed has words");
        let number = self.b.declare_var(types::I64);
        let home = self.b.ins().ushr(hash, shift);
        self.b.def_var(number, home);
        let (head, taken, next, hit, miss) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
        );
        self.jump(head);
        self.b.switch_to_block(head);
        let here = self.b.use_var(number);
        let stride = self.word((key.len() + 1 + n_data) as u64 * 8);
        let offset = self.b.ins().imul(here, stride);
        let bucket = self.b.ins().iadd(buckets, offset);
        let place = self.load(bucket, key.len() * 8);
        self.b.ins().brif(place, taken, &[], miss, &[]);
        self.enter(taken);
        let differences: Vec<Word> = key
            .iter()
            .enumerate()
            .map(|(position, word)| {
                let known = self.load(bucket, position * 8);
                self.b.ins().bxor(known, *word)
            })
            .collect();
        let differs = self.any_bit(&differences);
        self.b.set_cold_block(next);
        self.b.ins().brif(differs, next, &[], hit, &[]);
        self.enter(next);
        let one = self.word(1);
        let following = self.b.ins().iadd(here, one);
        let last = self.load_view(id, offset_of!(TableView, last_bucket));
        let following = self.b.ins().band(following, last);
        self.b.def_var(number, following);
        self.jump(head);
        self.b.seal_block(head);
        Probed {
            bucket,
            place,
            hit,
            miss,
        }
    }

    /// Looks a key of one word up in a trie, as [`PrefixTable`] says.
    fn walk(&mut self, id: TableId, key: Word, root_bits: u32) -> Word {
        let cells = self.load_view(id, offset_of!(TableView, entries));
        let (cell, left) = (
            self.b.declare_var(types::I64),
            self.b.declare_var(types::I64),
        );
        let (root, head, node, done) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
        );
        let shift = self.load_view(id, offset_of!(TableView, shift));
        let base = self.load_view(id, offset_of!(TableView, base));
        let none = self.word(0);
        self.b.def_var(cell, none);
        let number = self.b.ins().isub(key, base);
        let number = self.b.ins().ushr(number, shift);
        let is_covered = self.is(IntCC::UnsignedLessThan, number, 1 << root_bits);
        self.b.ins().brif(is_covered, root, &[], done, &[]);
        self.enter(root);
        let of_root = self.load_cell_of(cells, number);
        self.b.def_var(cell, of_root);
        // Shifts are counted modulo 64. Behind a root that ends with the key there are no nodes.
        let taken = self.b.ins().ineg(shift);
        let rest = self.b.ins().ishl(key, taken);
        self.b.def_var(left, rest);
        self.jump(head);
        self.b.switch_to_block(head);
        let here = self.b.use_var(cell);
        let mark = self.word(PrefixTable::NODE.into());
        let is_node = self.b.ins().band(here, mark);
        self.b.ins().brif(is_node, node, &[], done, &[]);
        self.enter(node);
        let first = self.b.ins().bxor(here, mark);
        let rest = self.b.use_var(left);
        let number = self.shr_word(rest, 64 - PrefixTable::NODE_BITS);
        let number = self.b.ins().iadd(first, number);
        let next = self.load_cell_of(cells, number);
        self.b.def_var(cell, next);
        let rest = self.shl_word(rest, PrefixTable::NODE_BITS);
        self.b.def_var(left, rest);
        self.jump(head);
        self.b.seal_block(head);
        self.enter(done);
        self.b.use_var(cell)
    }

    /// Looks a key up among entries that compete: few are tried in turn, up to 64 are ruled out byte by byte, as
    /// [`crate::tables`] has them; the engine is asked where there are more.
    fn compete(&mut self, id: TableId, key: &[Word], n_bytes: usize) -> Word {
        let found = self.b.declare_var(types::I64);
        let few = self.load_view(id, offset_of!(TableView, entries));
        let (in_turn, not_few, by_bytes, many, done) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
        );
        self.b.ins().brif(few, in_turn, &[], not_few, &[]);
        self.enter(not_few);
        let vectors = self.load_view(id, offset_of!(TableView, vectors));
        self.b.set_cold_block(many);
        self.b.ins().brif(vectors, by_bytes, &[], many, &[]);
        self.enter(by_bytes);
        let place = self.rule_out(key, n_bytes, vectors);
        self.b.def_var(found, place);
        self.jump(done);
        self.enter(many);
        let whole = Number {
            width: key.len() as u32 * 64,
            words: key.to_vec(),
        };
        let place = self.ask_for_place(id, &whole);
        self.b.def_var(found, place);
        self.jump(done);
        self.enter(in_turn);
        let place = self.try_in_turn(key, few);
        self.b.def_var(found, place);
        self.go(done);
        self.b.use_var(found)
    }

    /// Tries entries one after the other.
    fn try_in_turn(&mut self, key: &[Word], entries: Word) -> Word {
        let at = self.b.declare_var(types::I64);
        self.b.def_var(at, entries);
        let (head, next, hit) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
        );
        self.jump(head);
        self.b.switch_to_block(head);
        let entry = self.b.use_var(at);
        let differences: Vec<Word> = key
            .iter()
            .enumerate()
            .map(|(position, word)| {
                let mask = self.load(entry, position * 8);
                let value = self.load(entry, (key.len() + position) * 8);
                let masked = self.b.ins().band(*word, mask);
                self.b.ins().bxor(masked, value)
            })
            .collect();
        let differs = self.any_bit(&differences);
        self.b.ins().brif(differs, next, &[], hit, &[]);
        self.enter(next);
        let stride = self.word((key.len() as u64 * 2 + 1) * 8);
        let following = self.b.ins().iadd(entry, stride);
        self.b.def_var(at, following);
        self.jump(head);
        self.b.seal_block(head);
        self.enter(hit);
        self.load(entry, key.len() * 16)
    }

    /// The place of the strongest of the entries that no byte of the key rules out.
    fn rule_out(&mut self, key: &[Word], n_bytes: usize, vectors: Word) -> Word {
        let byte_mask = self.word(0xff);
        let of_bytes: Vec<Word> = (0..n_bytes)
            .map(|byte| {
                let word = self.shr_word(key[byte / 8], byte as u32 % 8 * 8);
                let value = self.b.ins().band(word, byte_mask);
                let offset = self.shl_word(value, 3);
                let address = self.b.ins().iadd(vectors, offset);
                self.load(address, byte * 256 * 8)
            })
            .collect();
        let all = of_bytes
            .into_iter()
            .reduce(|all, vector| self.b.ins().band(all, vector));
        let Some(left) = all else {
            return self.word(0);
        };
        let rank = self.b.ins().ctz(left);
        let offset = self.shl_word(rank, 3);
        let address = self.b.ins().iadd(vectors, offset);
        self.load(address, n_bytes * 256 * 8)
    }

    fn ask_for_place(&mut self, id: TableId, key: &Number) -> Word {
        self.put_in_scratch([key]);
        self.call_with(Name::Lookup, [id.index() as u64, 0, 0])
    }

    fn load_cell_of(&mut self, cells: Word, number: Word) -> Word {
        let offset = self.shl_word(number, 2);
        let address = self.b.ins().iadd(cells, offset);
        let cell = self.b.ins().load(types::I32, plain(), address, 0);
        self.b.ins().uextend(types::I64, cell)
    }

    /// Loads from the view of a table.
    fn load_view(&mut self, id: TableId, offset: usize) -> Word {
        let tables = self.load_frame(offset_of!(Frame, tables));
        self.load(tables, id.index() * size_of::<TableView>() + offset)
    }

    /// A table without keys does what its default action says.
    fn select_only(&mut self, id: TableId, table: &Table, leads: &mut Leads) {
        let size = self.word(table.size);
        self.b.def_var(self.direct_index, size);
        let zero = self.word(0);
        self.b.def_var(leads.is_hit, zero);
        self.run_direct(table, None);
        let declared = table.default_action.action;
        if table.is_default_const {
            self.b.def_var(leads.record, zero);
            let block = leads.block(self, Some(declared));
            return self.jump(block);
        }
        let record = self.load_view(id, offset_of!(TableView, records));
        self.b.def_var(leads.record, record);
        self.switch_to_action(table, record, leads);
    }

    /// Counts a lookup, and leads to the action of what it found.
    fn select_found(&mut self, id: TableId, table: &Table, place: Word, leads: &mut Leads) {
        let is_miss = self.is(IntCC::Equal, place, 0);
        self.count_lookup(id, is_miss);
        let one = self.word(1);
        let zero = self.word(0);
        let is_hit = self.b.ins().select(is_miss, zero, one);
        self.b.def_var(leads.is_hit, is_hit);
        let slot = self.b.ins().isub(place, one);
        let size = self.word(table.size);
        let direct = self.b.ins().select(is_miss, size, slot);
        self.b.def_var(self.direct_index, direct);
        let has_direct = !(table.direct_counters.is_empty() && table.direct_meters.is_empty());
        let hash = self.b.declare_var(types::I64);
        self.b.def_var(hash, zero);
        if (self.is_whole() && has_direct) || table.implementation.is_some() {
            let (hit, missed, on) = (
                self.b.create_block(),
                self.b.create_block(),
                self.b.create_block(),
            );
            self.b.ins().brif(place, hit, &[], missed, &[]);
            self.enter(hit);
            if let Some(selected) = self.selector_hash(table) {
                self.b.def_var(hash, selected);
            }
            self.run_direct(table, Some(slot));
            self.jump(on);
            self.enter(missed);
            self.run_direct(table, None);
            self.go(on);
        }
        let records = self.load_view(id, offset_of!(TableView, records));
        let stride = self.word(record_words(self.gress, table) as u64 * 8);
        let offset = self.b.ins().imul(place, stride);
        let mut record = self.b.ins().iadd(records, offset);
        if table.implementation.is_some() {
            let hash = self.b.use_var(hash);
            record = self.pick_member(id, record, slot, hash);
        }
        self.b.def_var(leads.record, record);
        self.switch_to_action(table, record, leads);
    }

    /// The record of the member that an entry leads to, if it leads to one.
    fn pick_member(&mut self, id: TableId, record: Word, slot: Word, hash: Word) -> Word {
        let picked = self.b.declare_var(types::I64);
        self.b.def_var(picked, record);
        let (pick, on) = (self.b.create_block(), self.b.create_block());
        let action = self.load(record, 0);
        let leads_to_profile = self.is(IntCC::Equal, action, PICK);
        self.b.ins().brif(leads_to_profile, pick, &[], on, &[]);
        self.enter(pick);
        let table = self.word(id.index() as u64);
        let member = self.call(Name::Pick, [table, slot, hash]);
        self.b.def_var(picked, member);
        self.go(on);
        self.b.use_var(picked)
    }

    /// Leads to the action of a record: one that the table lists, or its default action. Only a group
    /// without members has none.
    fn switch_to_action(&mut self, table: &Table, record: Word, leads: &mut Leads) {
        let possible = possible_actions(table).into_iter();
        let mut blocks: Vec<Block> = possible
            .map(|action| leads.block(self, Some(action)))
            .collect();
        let otherwise = match table.implementation {
            Some(_) => leads.block(self, None),
            None => blocks.pop().expect("a table has a default action"),
        };
        let action = self.load(record, 0);
        if blocks.len() > CHAIN {
            return self.jump_by(action, &blocks, otherwise);
        }
        for (number, block) in (0..).zip(blocks) {
            let is = self.is(IntCC::Equal, action, number);
            let next = self.b.create_block();
            self.b.ins().brif(is, block, &[], next, &[]);
            self.enter(next);
        }
        self.jump(otherwise);
    }

    /// Jumps to the block of this number.
    fn jump_by(&mut self, number: Word, blocks: &[Block], otherwise: Block) {
        let pool = &mut self.b.func.dfg.value_lists;
        let calls: Vec<BlockCall> = blocks
            .iter()
            .map(|block| BlockCall::new(*block, [], pool))
            .collect();
        let otherwise = BlockCall::new(otherwise, [], pool);
        let table = JumpTableData::new(otherwise, &calls);
        let table = self.b.create_jump_table(table);
        let number = self.b.ins().ireduce(types::I32, number);
        self.b.ins().br_table(number, table);
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

    fn count_lookup(&mut self, id: TableId, is_miss: Word) {
        let counts = self.load_frame(offset_of!(Frame, counts));
        let which = self.b.ins().uextend(types::I64, is_miss);
        let which = self.shl_word(which, 3);
        let address = self.b.ins().iadd(counts, which);
        let offset = id.index() * 16;
        let count = self.load(address, offset);
        let one = self.word(1);
        let count = self.b.ins().iadd(count, one);
        self.store(count, address, offset);
    }

    /// Counts a hit (0) or a miss (1).
    fn count_found(&mut self, id: TableId, which: usize) {
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

/// What a hash table has for a key.
struct Probed {
    /// Its bucket, where it is there.
    bucket: Word,
    /// Its place, where it is there.
    place: Word,
    /// Where it is there.
    hit: Block,
    /// Where it is not.
    miss: Block,
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
