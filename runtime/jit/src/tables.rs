//! The entries of a table as compiled code reads them: a record of words an entry.
//!
//! A record is the action (or [`PICK`]) and the action data, each parameter in ceil(width / 64) words,
//! the lowest first. Records lie one after the other, all of the same length: first that of the default
//! action, then that of each slot, so that the place that a lookup gives ([`MatchTable::place`]) is
//! the number of the record that counts.

use p4rmt_engine::{Changes, EntryTarget, MatchTable, Search, TableEntries, WordLayout};
use p4rmt_ir::{ActionCall, ActionId, Body, Gress, Id, Table};

/// Stands for the action of an entry that leads to a member or a group.
pub(crate) const PICK: u64 = u64::MAX;
/// Stands for the action of a group without members.
pub(crate) const NO_ACTION: u64 = u64::MAX - 1;

/// Words of a record in front of the action data.
pub(crate) const DATA: usize = 1;

/// Entries of a table, as they were when they were last brought up to date.
pub(crate) struct ArrangedTable {
    matching: MatchTable,
    /// [`MatchTable::in_order`].
    in_order: Option<Vec<u64>>,
    records: Vec<u64>,
    /// Words of a record.
    stride: usize,
}

/// Where compiled code finds a table. Pointers are good until entries are brought up to date.
#[repr(C)]
pub(crate) struct TableView {
    /// The buckets of an exact table, the cells of a prefix table, or the entries of another in order; nothing
    /// where it has more than a few.
    pub(crate) entries: *const u8,
    /// Of an exact table: by how much a hash is shifted to the right to number a bucket.
    pub(crate) shift: u64,
    /// Of an exact table: the number of its last bucket.
    pub(crate) last_bucket: u64,
    /// The first record.
    pub(crate) records: *const u64,
    /// What any table is looked up in.
    pub(crate) matching: *const MatchTable,
}

impl ArrangedTable {
    pub(crate) fn new(
        gress: &Gress,
        table: &Table,
        entries: &TableEntries,
        is_divided: bool,
    ) -> Self {
        let mut arranged = Self {
            matching: MatchTable::new(gress, table, entries, is_divided),
            in_order: None,
            records: Vec::new(),
            stride: record_words(gress, table),
        };
        arranged.in_order = arranged.matching.in_order();
        arranged.write_all(entries);
        arranged
    }

    pub(crate) fn is_current(&self, entries: &TableEntries) -> bool {
        self.matching.is_current(entries)
    }

    /// Follows the table to what it holds now.
    pub(crate) fn update(&mut self, entries: &TableEntries) {
        let changes = self.matching.update(entries);
        if changes != Changes::None {
            self.in_order = self.matching.in_order();
        }
        match changes {
            Changes::None => {}
            Changes::Slots(slots) => {
                let n_words = self.stride * (entries.n_slots() + 1);
                self.records.resize(n_words, 0);
                self.write(0, &record(entries.default_action()));
                slots
                    .iter()
                    .for_each(|slot| self.write_slot(*slot, entries));
            }
            Changes::All => self.write_all(entries),
        }
    }

    fn write_all(&mut self, entries: &TableEntries) {
        self.records.clear();
        self.records
            .resize(self.stride * (entries.n_slots() + 1), 0);
        self.write(0, &record(entries.default_action()));
        for (slot, _) in entries.iter() {
            self.write_slot(slot, entries);
        }
    }

    fn write_slot(&mut self, slot: usize, entries: &TableEntries) {
        match entries.get(slot).map(|entry| &entry.target) {
            Some(EntryTarget::Action(call)) => self.write(slot + 1, &record(call)),
            Some(EntryTarget::Member(_) | EntryTarget::Group(_)) => self.write(slot + 1, &[PICK]),
            None => {}
        }
    }

    fn write(&mut self, place: usize, words: &[u64]) {
        self.records[place * self.stride..][..words.len()].copy_from_slice(words);
    }

    /// Where compiled code finds it.
    pub(crate) fn view(&self) -> TableView {
        let (entries, shift) = match self.matching.search() {
            Search::Exact(exact) => (exact.buckets().as_ptr().cast(), exact.shift()),
            Search::Prefix(prefix) => (prefix.cells().as_ptr().cast(), 0),
            Search::Ternary(_) => {
                let in_order = self.in_order.as_ref();
                (
                    in_order.map_or(std::ptr::null(), |words| words.as_ptr().cast()),
                    0,
                )
            }
        };
        TableView {
            entries,
            shift: u64::from(shift),
            last_bucket: u64::MAX.checked_shr(shift).unwrap_or(0),
            records: self.records.as_ptr(),
            matching: &raw const self.matching,
        }
    }
}

/// Words of the longest record of a table.
pub(crate) fn record_words(gress: &Gress, table: &Table) -> usize {
    let params = |action: ActionId| match &gress.body {
        Body::Structured(body) => &body.actions[action].params,
        Body::Tables(body) => &body.actions[action].params,
    };
    let listed = table.actions.iter().map(|listed| listed.action);
    let actions = listed.chain([table.default_action.action]);
    let words = actions.map(|action| {
        let params = params(action).iter();
        params.map(|param| param.width.div_ceil(64) as usize).sum()
    });
    DATA + words.max().unwrap_or(0)
}

/// The record of an action call.
pub(crate) fn record(call: &ActionCall) -> Vec<u64> {
    let mut words = vec![call.action.index() as u64];
    for arg in &call.args {
        WordLayout::push(&mut words, arg);
    }
    words
}
