//! The entries of a table and its default action, and whether a new one fits.
//!
//! An entry has a slot, the lowest that was free, and keeps it: direct counters, meters and
//! registers are indexed by it. What it does is an action of its own, or, where the table has an
//! implementation, a member or a group of that ([`crate::ProfileMembers`]). What engines look up are structures of their own, derived from the
//! slots and good for one [`Stamp`]; what has changed since a stamp is kept for a while, so that they can
//! follow.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use p4rmt_ir::{
    ActionCall, ActionId, ActionRef, BinaryOp, Bits, Entry, Gress, Key, Match, MatchKind, Table,
    TableId,
};
use p4rmt_source::Span;

use crate::layout::{action_name, action_params};
use crate::{EntryError, Ref, State};

/// Marks the contents of a table at a moment. Equal stamps mean equal contents, across all states of
/// the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64);

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryTarget {
    /// Runs an action with data of its own.
    Action(ActionCall),
    /// Runs a member of the table's implementation.
    Member(u32),
    /// Runs a member that is picked from a group of the table's implementation.
    Group(u32),
}

/// An entry as the control plane put it into a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledEntry {
    /// A match for each key, in the form of the key.
    pub matches: Vec<Match>,
    /// The larger wins, among entries of a table with a ternary, range or optional key.
    pub priority: u32,
    /// What it does.
    pub target: EntryTarget,
    /// Its place in the program, if it has one.
    pub span: Span,
}

impl From<Entry> for InstalledEntry {
    fn from(entry: Entry) -> Self {
        Self {
            matches: entry.matches,
            priority: entry.priority,
            target: EntryTarget::Action(entry.action),
            span: entry.span,
        }
    }
}

/// The entries of one table.
#[derive(Clone, Debug)]
pub struct TableEntries {
    slots: Vec<Option<InstalledEntry>>,
    slot_of: HashMap<Identity, usize>,
    /// Slots below `slots.len()` without an entry.
    free: BTreeSet<usize>,
    default_action: ActionCall,
    stamp: Stamp,
    /// The last changes: the stamp before, and the slot; none for the default action.
    changes: VecDeque<(Stamp, Option<usize>)>,
}

/// So many changes are kept: who has not followed them has to begin anew.
const MAX_CHANGES: usize = 1024;

/// What no two entries of a table share: values and masks (or bounds) of the keys, and the priority
/// where there is one.
type Identity = (Vec<(Bits, Bits)>, u32);

impl Stamp {
    /// A stamp that nothing has yet.
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl TableEntries {
    /// The entries and the default action that the program brings.
    pub(crate) fn new(gress: &Gress, table: &Table) -> Result<Self, EntryError> {
        let mut entries = Self {
            slots: Vec::new(),
            slot_of: HashMap::new(),
            free: BTreeSet::new(),
            default_action: table.default_action.clone(),
            stamp: Stamp::fresh(),
            changes: VecDeque::new(),
        };
        fit_args(gress, table, &table.default_action)?;
        for entry in &table.entries {
            entries.insert(gress, table, entry.clone().into())?;
        }
        Ok(entries)
    }

    /// Marks what the table holds now.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// What the table does without a match.
    #[must_use]
    pub fn default_action(&self) -> &ActionCall {
        &self.default_action
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slot_of.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slot_of.is_empty()
    }

    /// The entry in a slot.
    #[must_use]
    pub fn get(&self, slot: usize) -> Option<&InstalledEntry> {
        self.slots.get(slot)?.as_ref()
    }

    /// Slots and entries, in order of slots.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &InstalledEntry)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)))
    }

    /// How many slots have ever been used: slots are below it.
    #[must_use]
    pub fn n_slots(&self) -> usize {
        self.slots.len()
    }

    /// Adds an entry that fits, to the lowest free slot.
    fn insert(
        &mut self,
        gress: &Gress,
        table: &Table,
        entry: InstalledEntry,
    ) -> Result<usize, EntryError> {
        let entry = fit_entry(gress, table, entry)?;
        let identity = identity(table, &entry.matches, entry.priority);
        if self.slot_of.contains_key(&identity) {
            return Err(EntryError::Duplicate {
                table: table.name.clone(),
            });
        }
        let size = capacity(table);
        if self.len() as u64 >= size {
            return Err(EntryError::TableFull {
                table: table.name.clone(),
                size,
            });
        }
        let slot = self.free.pop_first().unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(entry);
        self.slot_of.insert(identity, slot);
        self.changed(Some(slot));
        Ok(slot)
    }

    /// The slots that have changed since a stamp, each once, in order; nothing if that is too long ago, or
    /// the stamp of another table.
    #[must_use]
    pub fn changes_since(&self, stamp: Stamp) -> Option<Vec<usize>> {
        let first = self
            .changes
            .binary_search_by_key(&stamp, |(before, _)| *before);
        let changes = self.changes.range(first.ok()?..);
        let slots: BTreeSet<usize> = changes.filter_map(|(_, slot)| *slot).collect();
        Some(slots.into_iter().collect())
    }

    /// Notes a change.
    fn changed(&mut self, slot: Option<usize>) {
        if self.changes.len() == MAX_CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back((self.stamp, slot));
        self.stamp = Stamp::fresh();
    }

    /// Removes all entries, whoever brought them.
    pub(crate) fn remove_all(&mut self) {
        self.slots.clear();
        self.slot_of.clear();
        self.free.clear();
        self.changes.clear();
        self.stamp = Stamp::fresh();
    }
}

/// Entries by slot and the default action are compared, not stamps.
impl PartialEq for TableEntries {
    fn eq(&self, other: &Self) -> bool {
        self.default_action == other.default_action && self.iter().eq(other.iter())
    }
}

impl Eq for TableEntries {}

/// What the control plane does to tables.
impl State {
    /// Adds an entry; returns its slot.
    ///
    /// # Errors
    /// An unknown table, constant entries, an entry that does not fit, a duplicate, a full table, a
    /// member or group that its implementation has not.
    pub fn insert_entry(
        &mut self,
        table: Ref<TableId>,
        entry: impl Into<InstalledEntry>,
    ) -> Result<usize, EntryError> {
        let entry = entry.into();
        self.check_target(table, &entry.target)?;
        let (entries, gress, table) = self.table_mut(table)?;
        refuse_const_entries(table)?;
        entries.insert(gress, table, entry)
    }

    /// Gives the entry with these matches (and this priority, where the table has priorities)
    /// another action; returns its slot.
    ///
    /// # Errors
    /// As for [`State::insert_entry`]; [`EntryError::NoEntry`].
    pub fn modify_entry(
        &mut self,
        table: Ref<TableId>,
        entry: impl Into<InstalledEntry>,
    ) -> Result<usize, EntryError> {
        let entry = entry.into();
        self.check_target(table, &entry.target)?;
        let (entries, gress, table) = self.table_mut(table)?;
        refuse_const_entries(table)?;
        let entry = fit_entry(gress, table, entry)?;
        let identity = identity(table, &entry.matches, entry.priority);
        let slot = *entries
            .slot_of
            .get(&identity)
            .ok_or_else(|| no_entry(table))?;
        entries.slots[slot] = Some(entry);
        entries.changed(Some(slot));
        Ok(slot)
    }

    /// Removes the entry with these matches (and this priority, where the table has priorities).
    ///
    /// # Errors
    /// An unknown table, constant entries, [`EntryError::NoEntry`].
    pub fn delete_entry(
        &mut self,
        table: Ref<TableId>,
        matches: Vec<Match>,
        priority: u32,
    ) -> Result<(), EntryError> {
        let (entries, gress, table) = self.table_mut(table)?;
        refuse_const_entries(table)?;
        let matches = fit_matches(gress, table, matches)?;
        let identity = identity(table, &matches, priority);
        let slot = entries
            .slot_of
            .remove(&identity)
            .ok_or_else(|| no_entry(table))?;
        entries.slots[slot] = None;
        entries.free.insert(slot);
        entries.changed(Some(slot));
        Ok(())
    }

    /// Removes all entries of a table.
    ///
    /// # Errors
    /// An unknown table, constant entries.
    pub fn clear_entries(&mut self, table: Ref<TableId>) -> Result<(), EntryError> {
        let (entries, _, table) = self.table_mut(table)?;
        refuse_const_entries(table)?;
        entries.remove_all();
        Ok(())
    }

    /// Sets what a table does without a match.
    ///
    /// # Errors
    /// An unknown table, a constant default action, an action that does not fit.
    pub fn set_default_action(
        &mut self,
        table: Ref<TableId>,
        action: ActionCall,
    ) -> Result<(), EntryError> {
        let (entries, gress, table) = self.table_mut(table)?;
        if action == entries.default_action {
            return Ok(());
        }
        if table.is_default_const {
            return Err(EntryError::ConstDefault {
                table: table.name.clone(),
            });
        }
        let listed = fit_action(gress, table, &action)?;
        if !listed.as_default {
            return Err(EntryError::EntriesOnly {
                table: table.name.clone(),
                action: name_of(gress, action.action),
            });
        }
        entries.default_action = action;
        entries.changed(None);
        Ok(())
    }
}

impl State {
    /// Replaces all entries, whoever brought them, by those of a saved state at their slots.
    pub(crate) fn restore_entries(
        &mut self,
        table: Ref<TableId>,
        saved: Vec<(usize, InstalledEntry)>,
    ) -> Result<(), EntryError> {
        for (_, entry) in &saved {
            self.check_target(table, &entry.target)?;
        }
        let (entries, gress, table) = self.table_mut(table)?;
        entries.remove_all();
        let n_slots = saved.iter().map(|(slot, _)| slot + 1).max().unwrap_or(0);
        entries.slots.resize(n_slots, None);
        for (slot, entry) in saved {
            let entry = fit_entry(gress, table, entry)?;
            let identity = identity(table, &entry.matches, entry.priority);
            let is_new = entries.slot_of.insert(identity, slot).is_none();
            if !is_new || entries.slots[slot].is_some() {
                return Err(EntryError::Duplicate {
                    table: table.name.clone(),
                });
            }
            entries.slots[slot] = Some(entry);
        }
        let slots = entries.slots.iter().enumerate();
        let free = slots.filter_map(|(slot, entry)| entry.is_none().then_some(slot));
        entries.free = free.collect();
        Ok(())
    }
}

/// No table holds more entries: the largest machine has room for fewer.
const MAX_ENTRIES: u64 = 1 << 22;

/// How many entries a table has room for: its size, or as many as the program brings.
pub(crate) fn capacity(table: &Table) -> u64 {
    table.size.max(table.entries.len() as u64).min(MAX_ENTRIES)
}

fn refuse_const_entries(table: &Table) -> Result<(), EntryError> {
    if table.are_entries_const {
        return Err(EntryError::ConstEntries {
            table: table.name.clone(),
        });
    }
    Ok(())
}

fn no_entry(table: &Table) -> EntryError {
    EntryError::NoEntry {
        table: table.name.clone(),
    }
}

fn name_of(gress: &Gress, action: ActionId) -> String {
    action_name(gress, action).map_or_else(|| action.to_string(), str::to_owned)
}

/// Whether entries of the table compete by priority.
pub(crate) fn has_priorities(table: &Table) -> bool {
    table.keys.iter().any(|key| match key.kind {
        MatchKind::Ternary | MatchKind::Range | MatchKind::Optional => true,
        MatchKind::Exact | MatchKind::Lpm | MatchKind::Selector => false,
    })
}

/// The entry with its matches in the form of their keys, if all of it fits.
fn fit_entry(
    gress: &Gress,
    table: &Table,
    entry: InstalledEntry,
) -> Result<InstalledEntry, EntryError> {
    if table.keys.is_empty() {
        return Err(EntryError::NoKeys {
            table: table.name.clone(),
        });
    }
    match &entry.target {
        EntryTarget::Action(call) => fit_entry_action(gress, table, call)?,
        // Where they come from, their actions were checked.
        EntryTarget::Member(_) | EntryTarget::Group(_) => {}
    }
    let matches = fit_matches(gress, table, entry.matches)?;
    Ok(InstalledEntry { matches, ..entry })
}

/// Whether entries of the table may run the action, and its arguments fit.
pub(crate) fn fit_entry_action(
    gress: &Gress,
    table: &Table,
    call: &ActionCall,
) -> Result<(), EntryError> {
    let listed = fit_action(gress, table, call)?;
    if listed.in_entries {
        return Ok(());
    }
    Err(EntryError::DefaultOnly {
        table: table.name.clone(),
        action: name_of(gress, call.action),
    })
}

/// The action as the table lists it, if its arguments fit.
fn fit_action(gress: &Gress, table: &Table, call: &ActionCall) -> Result<ActionRef, EntryError> {
    fit_args(gress, table, call)?;
    let mut listed = table.actions.iter();
    let listed = listed.find(|listed| listed.action == call.action);
    listed.copied().ok_or_else(|| no_action(gress, table, call))
}

/// Whether there is such an action, and the arguments are those of its parameters.
fn fit_args(gress: &Gress, table: &Table, call: &ActionCall) -> Result<(), EntryError> {
    let params = action_params(gress, call.action);
    let params = params.ok_or_else(|| no_action(gress, table, call))?;
    if params.len() != call.args.len() {
        return Err(EntryError::WrongArgCount {
            action: name_of(gress, call.action),
            needed: params.len(),
            available: call.args.len(),
        });
    }
    for (param, arg) in params.iter().zip(&call.args) {
        if param.width != arg.width() {
            return Err(EntryError::WrongArgWidth {
                action: name_of(gress, call.action),
                param: param.name.clone(),
                needed: param.width,
                available: arg.width(),
            });
        }
    }
    Ok(())
}

fn no_action(gress: &Gress, table: &Table, call: &ActionCall) -> EntryError {
    EntryError::NoAction {
        table: table.name.clone(),
        action: name_of(gress, call.action),
    }
}

/// The matches in the form of their keys, if they fit: values under a mask have zeros elsewhere.
fn fit_matches(
    gress: &Gress,
    table: &Table,
    matches: Vec<Match>,
) -> Result<Vec<Match>, EntryError> {
    if matches.len() != table.keys.len() {
        return Err(EntryError::WrongKeyCount {
            table: table.name.clone(),
            needed: table.keys.len(),
            available: matches.len(),
        });
    }
    let keys = table.keys.iter();
    keys.zip(matches)
        .map(|(key, wanted)| fit_match(table, key, key.expr.width(gress), wanted))
        .collect()
}

fn fit_match(table: &Table, key: &Key, width: u32, wanted: Match) -> Result<Match, EntryError> {
    let check_width = |value: &Bits| {
        if value.width() == width {
            return Ok(());
        }
        Err(EntryError::WrongKeyWidth {
            table: table.name.clone(),
            key: key.name.clone(),
            needed: width,
            available: value.width(),
        })
    };
    let available = match &wanted {
        Match::Exact(value) => {
            check_width(value)?;
            "exact"
        }
        Match::Ternary { value, mask } => {
            check_width(value)?;
            check_width(mask)?;
            "ternary"
        }
        Match::Lpm { value, prefix_len } => {
            check_width(value)?;
            if *prefix_len > width {
                return Err(EntryError::PrefixTooLong {
                    table: table.name.clone(),
                    key: key.name.clone(),
                    needed: width,
                    available: *prefix_len,
                });
            }
            "prefix"
        }
        Match::Range { lo, hi } => {
            check_width(lo)?;
            check_width(hi)?;
            if lo.cmp_u(hi).is_gt() {
                return Err(EntryError::EmptyRange {
                    table: table.name.clone(),
                    key: key.name.clone(),
                    bounds: Box::new([lo.clone(), hi.clone()]),
                });
            }
            "range"
        }
        Match::Any => "any",
    };
    let under = |value: &Bits, mask: Bits| Match::Ternary {
        value: Bits::binary(BinaryOp::And, value, &mask),
        mask,
    };
    let prefix = |value: &Bits, prefix_len: u32| {
        let mask = Bits::prefix_mask(width, prefix_len);
        Match::Lpm {
            value: Bits::binary(BinaryOp::And, value, &mask),
            prefix_len,
        }
    };
    let needed = match (key.kind, &wanted) {
        (MatchKind::Exact, Match::Exact(_))
        | (MatchKind::Optional, Match::Exact(_) | Match::Any)
        | (MatchKind::Range, Match::Range { .. })
        | (MatchKind::Selector, Match::Any) => return Ok(wanted),
        (MatchKind::Ternary, Match::Exact(value)) => return Ok(under(value, Bits::ones(width))),
        (MatchKind::Ternary, Match::Ternary { value, mask }) => {
            return Ok(under(value, mask.clone()));
        }
        (MatchKind::Ternary, Match::Lpm { value, prefix_len }) => {
            return Ok(under(value, Bits::prefix_mask(width, *prefix_len)));
        }
        (MatchKind::Ternary, Match::Any) => {
            return Ok(under(&Bits::zero(width), Bits::zero(width)));
        }
        (MatchKind::Lpm, Match::Exact(value)) => return Ok(prefix(value, width)),
        (MatchKind::Lpm, Match::Lpm { value, prefix_len }) => {
            return Ok(prefix(value, *prefix_len));
        }
        (MatchKind::Lpm, Match::Any) => return Ok(prefix(&Bits::zero(width), 0)),
        (MatchKind::Range, Match::Exact(value)) => {
            return Ok(Match::Range {
                lo: value.clone(),
                hi: value.clone(),
            });
        }
        (MatchKind::Range, Match::Any) => {
            return Ok(Match::Range {
                lo: Bits::zero(width),
                hi: Bits::ones(width),
            });
        }
        (MatchKind::Exact, _) => "exact",
        (MatchKind::Ternary, _) => "ternary",
        (MatchKind::Lpm, _) => "lpm",
        (MatchKind::Range, _) => "range",
        (MatchKind::Optional, _) => "optional",
        (MatchKind::Selector, _) => "selector",
    };
    Err(EntryError::WrongMatchKind {
        table: table.name.clone(),
        key: key.name.clone(),
        needed,
        available,
    })
}

/// What the entry shares with no other. The matches have the form of their keys.
fn identity(table: &Table, matches: &[Match], priority: u32) -> Identity {
    let pairs = matches
        .iter()
        .map(|wanted| match wanted {
            Match::Exact(value) => (value.clone(), Bits::ones(value.width())),
            Match::Ternary { value, mask } => (value.clone(), mask.clone()),
            Match::Lpm { value, prefix_len } => {
                (value.clone(), Bits::prefix_mask(value.width(), *prefix_len))
            }
            Match::Range { lo, hi } => (lo.clone(), hi.clone()),
            Match::Any => (Bits::zero(0), Bits::zero(0)),
        })
        .collect();
    let priority = if has_priorities(table) { priority } else { 0 };
    (pairs, priority)
}
