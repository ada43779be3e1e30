//! The entries of a table as compiled code reads them: a record of words an entry.
//!
//! A record is the action (or [`PICK`]), the slot, and the action data, each parameter in
//! ceil(width / 64) words, the lowest first. What is direct to the entry has its cell at the slot.

use p4rmt_engine::{EntryTarget, MatchTable, Stamp, TableEntries, WordLayout};
use p4rmt_ir::{ActionCall, Gress, Id, Table};

/// Stands for the action of an entry that leads to a member or a group.
pub(crate) const PICK: u64 = u64::MAX;
/// Stands for the action of a group without members.
pub(crate) const NO_ACTION: u64 = u64::MAX - 1;

/// Words of a record in front of the action data.
pub(crate) const DATA: usize = 2;

/// Entries of a table, good for one [`Stamp`].
pub(crate) struct ArrangedTable {
    stamp: Stamp,
    matching: MatchTable,
    records: Vec<u64>,
    stride: usize,
    /// The record of the default action.
    pub(crate) default: Vec<u64>,
}

impl ArrangedTable {
    pub(crate) fn new(gress: &Gress, table: &Table, entries: &TableEntries) -> Self {
        let record = |slot: usize, target: &EntryTarget| match target {
            EntryTarget::Action(call) => record(slot as u64, call),
            EntryTarget::Member(_) | EntryTarget::Group(_) => vec![PICK, slot as u64],
        };
        let all: Vec<(usize, Vec<u64>)> = entries
            .iter()
            .map(|(slot, entry)| (slot, record(slot, &entry.target)))
            .collect();
        let stride = all.iter().map(|(_, words)| words.len()).max().unwrap_or(0);
        let mut records = vec![0; stride * entries.n_slots()];
        for (slot, words) in all {
            records[slot * stride..][..words.len()].copy_from_slice(&words);
        }
        Self {
            stamp: entries.stamp(),
            matching: MatchTable::new(gress, table, entries),
            records,
            stride,
            default: self::record(table.size, entries.default_action()),
        }
    }

    pub(crate) fn is_current(&self, entries: &TableEntries) -> bool {
        self.stamp == entries.stamp()
    }

    /// The record of the entry that wins for a key, and its rank.
    pub(crate) fn lookup(&self, key: &[u64]) -> Option<(&[u64], usize)> {
        let hit = self.matching.lookup(key)?;
        Some((&self.records[hit.slot * self.stride..], hit.rank))
    }
}

/// The record of an action call.
pub(crate) fn record(slot: u64, call: &ActionCall) -> Vec<u64> {
    let mut words = vec![call.action.index() as u64, slot];
    for arg in &call.args {
        WordLayout::push(&mut words, arg);
    }
    words
}
