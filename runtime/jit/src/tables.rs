//! The entries of a table as compiled code reads them: a record of words an entry.
//!
//! A record is the number of the action among those that are possible (or [`PICK`]) and the action data, each parameter in ceil(width / 64) words,
//! the lowest first. Records lie one after the other, all of the same length: first that of the default
//! action, then that of each slot, so that the place that a lookup gives ([`MatchTable::place`]) is
//! the number of the record that counts. Where all keys are exact, an entry's record stands in its bucket instead,
//! which is then all that a lookup reads.

use p4rmt_engine::{
    Changes, EntryTarget, KeyLayout, MatchTable, Schedule, Search, TableEntries, TableKind,
    WordLayout,
};
use p4rmt_ir::{ActionCall, ActionId, Body, Gress, Table, TableId};

/// Stands for the action of an entry that leads to a member or a group.
pub(crate) const PICK: u64 = u64::MAX;
/// Stands for the action of a group without members.
pub(crate) const NO_ACTION: u64 = u64::MAX - 1;

/// Words of a record in front of the action data.
pub(crate) const DATA: usize = 1;

/// Entries of a table, as they were when they were last brought up to date.
pub(crate) struct ArrangedTable {
    matching: MatchTable,
    /// What else it is looked up in.
    masked: MaskedEntries,
    records: Vec<u64>,
    /// Words of a record.
    stride: usize,
    /// Whether records of entries stand in buckets.
    is_in_buckets: bool,
    /// [`possible_actions`].
    possible: Vec<ActionId>,
}

/// Entries that compete, as compiled code goes through them.
enum MaskedEntries {
    /// Few, each tried in turn: its mask, its value and its place; then a mask of zeros with place 0, which ends any
    /// search.
    Few(Vec<u64>),
    /// Up to 64: by byte of the key, from the lowest, and by its value the entries that it does not rule out, as bits,
    /// the strongest lowest; then the places of the entries.
    ByBytes(Vec<u64>),
    /// None, or more, or by ranges: the engine looks up.
    Elsewhere,
}

/// No more entries than that are tried in turn.
const FEW: usize = 4;

impl MaskedEntries {
    fn new(table: &MatchTable) -> Self {
        let layout = table.layout();
        let (Some(n_bytes), Some(entries)) = (layout.n_bytes(), table.in_order(64)) else {
            return Self::Elsewhere;
        };
        if entries.len() <= FEW {
            let mut words = Vec::new();
            for entry in entries {
                words.extend_from_slice(entry.mask);
                words.extend_from_slice(entry.value);
                words.push(entry.place);
            }
            words.resize(words.len() + layout.n_words() * 2 + 1, 0);
            return Self::Few(words);
        }
        let mut words = vec![0; n_bytes * 256];
        for (rank, entry) in entries.iter().enumerate() {
            for (byte, vectors) in words.chunks_exact_mut(256).enumerate() {
                let of = |words: &[u64]| (words[byte / 8] >> (byte % 8 * 8)) as u8;
                let (value, free) = (of(entry.value), !of(entry.mask));
                // Every number below the bits that are free, from all of them down to none.
                let mut more = free;
                loop {
                    vectors[usize::from(value | more)] |= 1 << rank;
                    if more == 0 {
                        break;
                    }
                    more = (more - 1) & free;
                }
            }
        }
        words.extend(entries.iter().map(|entry| entry.place));
        // Where nothing is left, the lowest bit that is set is number 64.
        words.resize(n_bytes * 256 + 65, 0);
        Self::ByBytes(words)
    }

    /// Where the few lie, and where the vectors do.
    fn addresses(&self) -> [*const u8; 2] {
        match self {
            Self::Few(words) => [words.as_ptr().cast(), std::ptr::null()],
            Self::ByBytes(words) => [std::ptr::null(), words.as_ptr().cast()],
            Self::Elsewhere => [std::ptr::null(); 2],
        }
    }
}

/// Whether a table lies in several stages.
fn is_divided(id: TableId, schedule: Option<&Schedule>) -> bool {
    schedule.is_some_and(|schedule| schedule.divides(id))
}

/// Whether the records of a table stand in the buckets of its entries.
pub(crate) fn has_records_in_buckets(
    gress: &Gress,
    id: TableId,
    schedule: Option<&Schedule>,
) -> bool {
    let table = &gress.tables[id];
    let layout = KeyLayout::new(gress, table);
    let is_short = (1..=MAX_PROBED_WORDS).contains(&layout.n_words());
    let is_in_one_piece = !is_divided(id, schedule) && table.implementation.is_none();
    layout.kind() == TableKind::Exact && is_short && is_in_one_piece
}

/// Longer keys are looked up by the engine.
pub(crate) const MAX_PROBED_WORDS: usize = 3;

/// The actions that a table may run, in the order of their numbers in records.
pub(crate) fn possible_actions(table: &Table) -> Vec<ActionId> {
    let listed = table.actions.iter().map(|listed| listed.action);
    let mut possible: Vec<ActionId> = listed.chain([table.default_action.action]).collect();
    possible.sort_unstable();
    possible.dedup();
    possible
}

/// Where compiled code finds a table. Pointers are good until entries are brought up to date.
#[repr(C)]
pub(crate) struct TableView {
    /// The buckets of an exact table, the cells of a prefix table, or the few entries of another; nothing
    /// where there are more.
    pub(crate) entries: *const u8,
    /// Of up to 64 entries that compete: their vectors and places; else nothing.
    pub(crate) vectors: *const u64,
    /// By how much a hash is shifted to the right to number a bucket of an exact table; what is left of a key to number
    /// a cell in the root of a prefix table.
    pub(crate) shift: u64,
    /// Of a prefix table: what is taken off a key before.
    pub(crate) base: u64,
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
        id: TableId,
        entries: &TableEntries,
        schedule: Option<&Schedule>,
    ) -> Self {
        let table = &gress.tables[id];
        let stride = record_words(gress, table);
        let is_in_buckets = has_records_in_buckets(gress, id, schedule);
        let is_divided = is_divided(id, schedule);
        let n_data = if is_in_buckets { stride } else { 0 };
        let mut arranged = Self {
            matching: MatchTable::with_data(gress, table, entries, is_divided, n_data),
            masked: MaskedEntries::Elsewhere,
            records: Vec::new(),
            stride,
            is_in_buckets,
            possible: possible_actions(table),
        };
        arranged.masked = MaskedEntries::new(&arranged.matching);
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
            self.masked = MaskedEntries::new(&self.matching);
        }
        match changes {
            Changes::None => {}
            Changes::Slots(slots) => {
                self.records.resize(self.n_record_words(entries), 0);
                self.write(0, &record(entries.default_action(), &self.possible));
                slots
                    .iter()
                    .for_each(|slot| self.write_slot(*slot, entries));
            }
            Changes::All => self.write_all(entries),
        }
    }

    fn n_record_words(&self, entries: &TableEntries) -> usize {
        let n_slots = if self.is_in_buckets {
            0
        } else {
            entries.n_slots()
        };
        self.stride * (n_slots + 1)
    }

    fn write_all(&mut self, entries: &TableEntries) {
        self.records.clear();
        self.records.resize(self.n_record_words(entries), 0);
        self.write(0, &record(entries.default_action(), &self.possible));
        for (slot, _) in entries.iter() {
            self.write_slot(slot, entries);
        }
    }

    fn write_slot(&mut self, slot: usize, entries: &TableEntries) {
        match entries.get(slot).map(|entry| &entry.target) {
            Some(EntryTarget::Action(call)) => {
                let record = record(call, &self.possible);
                match self.matching.data_mut(slot) {
                    Some(data) if self.is_in_buckets => {
                        data[..record.len()].copy_from_slice(&record);
                    }
                    Some(_) | None => self.write(slot + 1, &record),
                }
            }
            Some(EntryTarget::Member(_) | EntryTarget::Group(_)) => self.write(slot + 1, &[PICK]),
            None => {}
        }
    }

    fn write(&mut self, place: usize, words: &[u64]) {
        self.records[place * self.stride..][..words.len()].copy_from_slice(words);
    }

    /// Where compiled code finds it.
    pub(crate) fn view(&self) -> TableView {
        let [few, vectors] = self.masked.addresses();
        let (entries, shift, base) = match self.matching.search() {
            Search::Exact(exact) => (exact.buckets().as_ptr().cast(), exact.shift(), 0),
            Search::Prefix(prefix) => {
                let cells = prefix.cells().as_ptr().cast();
                (cells, prefix.root_shift(), prefix.root_base())
            }
            Search::Ternary(_) => (few, 0, 0),
        };
        TableView {
            entries,
            vectors: vectors.cast(),
            shift: u64::from(shift),
            base,
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
    let words = possible_actions(table).into_iter().map(|action| {
        let params = params(action).iter();
        params.map(|param| param.width.div_ceil(64) as usize).sum()
    });
    DATA + words.max().unwrap_or(0)
}

/// The record of an action call, of a table that may run these actions.
pub(crate) fn record(call: &ActionCall, possible: &[ActionId]) -> Vec<u64> {
    let number = possible.binary_search(&call.action);
    let mut words = vec![number.map_or(NO_ACTION, |number| number as u64)];
    for arg in &call.args {
        WordLayout::push(&mut words, arg);
    }
    words
}
