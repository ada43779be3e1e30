//! What a table's entries are looked up in, derived from the State and good for one [`Stamp`].
//!
//! A key is a string of words, as [`KeyLayout`] says. A lookup leads to a *place*: 0 where no entry
//! matches, else 1 more than the entry's slot, so that what belongs to entries and to the default action
//! can lie in one array.
//!
//! | keys | structure | cost of a lookup |
//! |---|---|---|
//! | all exact | [`ExactTable`], a hash table | about one probe |
//! | one prefix, else exact | [`PrefixTable`], a trie | a step for each four bits of the longest prefix |
//! | ternary, range, optional | [`TernaryTable`] | see there |
//!
//! All of them follow the control plane entry by entry ([`MatchTable::update`]); nothing is arranged
//! anew because one entry came or went.
//!
//! Where a table is divided over stages, entries have a *rank*, which says in which part they lie: by
//! strength (priority, else prefix length), then slot; where no entry can win against another, the slot.

mod exact;
mod key;
mod prefix;
mod ternary;

use std::cmp::Reverse;

use p4rmt_ir::{Gress, Table};

use crate::{Stamp, TableEntries};

pub use exact::ExactTable;
use key::Pattern;
pub use key::{KeyLayout, KeyPiece, TableKind};
pub use prefix::PrefixTable;
pub use ternary::TernaryTable;

/// Entries of a table, arranged for lookup.
#[derive(Clone, Debug)]
pub struct MatchTable {
    stamp: Stamp,
    layout: KeyLayout,
    search: Search,
    /// By slot: the entry that `search` has.
    patterns: Vec<Option<Pattern>>,
    /// By slot, if they are wanted and are not the slots themselves.
    ranks: Option<Vec<usize>>,
}

/// What the entries of a table are looked up in.
#[derive(Clone, Debug)]
pub enum Search {
    /// All keys are exact.
    Exact(ExactTable),
    /// One key is a prefix, the others are exact.
    Prefix(PrefixTable),
    /// Anything else.
    Ternary(TernaryTable),
}

/// An entry that matches the keys that, under its mask, are its value.
#[derive(Clone, Copy, Debug)]
pub struct Masked<'a> {
    /// Words of the mask, the lowest first.
    pub mask: &'a [u64],
    /// Words of the value, zero where the mask is.
    pub value: &'a [u64],
    /// Its place.
    pub place: u64,
}

/// What an update has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Nothing.
    None,
    /// The default action, perhaps, and the entries of these slots.
    Slots(Vec<usize>),
    /// Anything.
    All,
}

impl MatchTable {
    /// Arranges the entries of a table. Ranks are for tables that are divided.
    #[must_use]
    pub fn new(gress: &Gress, table: &Table, entries: &TableEntries, has_ranks: bool) -> Self {
        Self::with_data(gress, table, entries, has_ranks, 0)
    }

    /// The same with so many words beside each entry, if all keys are exact; they start as zeros.
    #[must_use]
    pub fn with_data(
        gress: &Gress,
        table: &Table,
        entries: &TableEntries,
        has_ranks: bool,
        n_data: usize,
    ) -> Self {
        let layout = KeyLayout::new(gress, table);
        let n_words = layout.n_words();
        let search = match layout.kind() {
            TableKind::Exact => Search::Exact(ExactTable::new(n_words, n_data, entries.len())),
            TableKind::Prefix => Search::Prefix(PrefixTable::new(&layout)),
            TableKind::Ternary => Search::Ternary(TernaryTable::new(layout.n_words())),
        };
        let has_ranks = has_ranks && layout.kind() != TableKind::Exact;
        let mut arranged = Self {
            stamp: entries.stamp(),
            layout,
            search,
            patterns: Vec::new(),
            ranks: has_ranks.then(Vec::new),
        };
        arranged.fill(entries);
        arranged
    }

    fn fill(&mut self, entries: &TableEntries) {
        self.patterns = vec![None; entries.n_slots()];
        for (slot, entry) in entries.iter() {
            self.patterns[slot] = Some(self.layout.pattern(entry));
        }
        match &mut self.search {
            Search::Exact(exact) => exact.fill(&self.patterns),
            Search::Prefix(prefix) => prefix.fill(&self.patterns),
            Search::Ternary(ternary) => ternary.fill(&self.patterns),
        }
        self.rank();
    }

    /// The words beside the entry in a slot.
    pub fn data_mut(&mut self, slot: usize) -> Option<&mut [u64]> {
        let pattern = self.patterns.get(slot)?.as_ref()?;
        match &mut self.search {
            Search::Exact(exact) => Some(exact.data_mut(&pattern.value)),
            Search::Prefix(_) | Search::Ternary(_) => None,
        }
    }

    /// Follows the table to what it holds now. Words beside entries that did not change stay, unless anything may
    /// have changed: then they are zeros again.
    pub fn update(&mut self, entries: &TableEntries) -> Changes {
        if self.stamp == entries.stamp() {
            return Changes::None;
        }
        let changes = entries.changes_since(self.stamp);
        self.stamp = entries.stamp();
        let Some(slots) = changes else {
            self.fill(entries);
            return Changes::All;
        };
        self.patterns.resize(entries.n_slots(), None);
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        for slot in &slots {
            let new = entries.get(*slot).map(|entry| self.layout.pattern(entry));
            if self.patterns[*slot] == new {
                continue;
            }
            added.extend(new.is_some().then_some(*slot));
            let old = std::mem::replace(&mut self.patterns[*slot], new);
            removed.extend(old.map(|old| (*slot, old)));
        }
        let followed = match &mut self.search {
            Search::Exact(exact) => exact.follow(&removed, &added, &self.patterns),
            Search::Prefix(prefix) => prefix.follow(&removed, &added, &self.patterns),
            Search::Ternary(ternary) => ternary.follow(&removed, &added, &self.patterns),
        };
        if followed.is_none() {
            self.fill(entries);
            return Changes::All;
        }
        self.rank();
        Changes::Slots(slots)
    }

    /// Orders the entries, if that is wanted.
    fn rank(&mut self) {
        let Some(ranks) = &mut self.ranks else { return };
        let entries = self.patterns.iter().enumerate();
        let mut ordered: Vec<(Reverse<u32>, usize)> = entries
            .filter_map(|(slot, pattern)| Some((Reverse(pattern.as_ref()?.strength), slot)))
            .collect();
        ordered.sort_unstable();
        ranks.clear();
        ranks.resize(self.patterns.len(), 0);
        for (rank, (_, slot)) in ordered.into_iter().enumerate() {
            ranks[slot] = rank;
        }
    }

    /// What keys look like.
    #[must_use]
    pub fn layout(&self) -> &KeyLayout {
        &self.layout
    }

    /// What entries are looked up in.
    #[must_use]
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// Whether it shows what the table holds.
    #[must_use]
    pub fn is_current(&self, entries: &TableEntries) -> bool {
        self.stamp == entries.stamp()
    }

    /// The slot of the entry that wins for a key of the table's layout.
    #[must_use]
    pub fn lookup(&self, key: &[u64]) -> Option<usize> {
        usize::try_from(self.place(key)).ok()?.checked_sub(1)
    }

    /// The same as a place: 1 more than the slot, 0 for none.
    #[must_use]
    pub fn place(&self, key: &[u64]) -> u64 {
        match &self.search {
            Search::Exact(exact) => exact.lookup(key),
            Search::Prefix(prefix) => prefix.lookup(key),
            Search::Ternary(ternary) => ternary.lookup(key, &self.patterns),
        }
    }

    /// Of a table with at most so many entries that compete, none of them by ranges: each, the strongest
    /// first.
    #[must_use]
    pub fn in_order(&self, most: usize) -> Option<Vec<Masked<'_>>> {
        let Search::Ternary(ternary) = &self.search else {
            return None;
        };
        let entries = ternary.in_order(most)?.map(|slot| {
            let pattern = self.patterns[slot].as_ref()?;
            pattern.ranges.is_empty().then(|| Masked {
                mask: &pattern.mask,
                value: &pattern.value,
                place: u64::from(place_of(slot)),
            })
        });
        entries.collect()
    }

    /// The rank of the entry in a slot.
    #[must_use]
    pub fn rank_of(&self, slot: usize) -> usize {
        let ranked = self.ranks.as_ref().and_then(|ranks| ranks.get(slot));
        ranked.copied().unwrap_or(slot)
    }
}

/// The place of a slot.
fn place_of(slot: usize) -> u32 {
    u32::try_from(slot + 1).expect("tables have room for fewer entries")
}
