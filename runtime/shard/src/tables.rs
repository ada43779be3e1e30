//! Tables as they stand: what a lookup can lead to, and what it does for a key.

use std::collections::HashMap;
use std::rc::Rc;

use p4rmt_engine::{EntryTarget, MatchTable, Ref, State, TableEntries};
use p4rmt_ir::{ActionCall, ActionId, Bits, TableId};

/// What a table can do with the entries that it has.
#[derive(Debug)]
pub(crate) struct Outcomes {
    /// Its actions, each with its data where all of its entries have the same.
    pub(crate) actions: Vec<(ActionId, Vec<Option<Bits>>)>,
    /// Whether there is an entry.
    pub(crate) has_entries: bool,
    /// Whether something else than the entry picks the action.
    pub(crate) has_groups: bool,
}

/// Outcomes of all tables of a pipe, found out when they are asked for.
pub(crate) struct Summaries<'a> {
    state: &'a State,
    known: HashMap<Ref<TableId>, Rc<Outcomes>>,
}

/// What an entry runs: an action of its own or a member's; none of a group.
fn call_of<'a>(
    state: &'a State,
    table: Ref<TableId>,
    target: &'a EntryTarget,
) -> Option<&'a ActionCall> {
    match target {
        EntryTarget::Action(call) => Some(call),
        EntryTarget::Member(member) => {
            let gress = &state.layout().pipe().gresses[table.gress];
            let profile = Ref {
                gress: table.gress,
                id: gress.tables[table.id].implementation?,
            };
            state.profile(profile)?.member(*member)
        }
        EntryTarget::Group(_) => None,
    }
}

/// The entries of a table of the pipe.
fn entries(state: &State, table: Ref<TableId>) -> &TableEntries {
    state.table(table).expect("the table is one of the pipe")
}

impl<'a> Summaries<'a> {
    pub(crate) fn new(state: &'a State) -> Self {
        Self {
            state,
            known: HashMap::new(),
        }
    }

    pub(crate) fn of(&mut self, table: Ref<TableId>) -> Rc<Outcomes> {
        let state = self.state;
        let known = self.known.entry(table);
        Rc::clone(known.or_insert_with(|| Rc::new(summarize(state, table))))
    }
}

fn summarize(state: &State, table: Ref<TableId>) -> Outcomes {
    let entries = entries(state, table);
    let mut outcomes = Outcomes {
        actions: Vec::new(),
        has_entries: !entries.is_empty(),
        has_groups: false,
    };
    let mut positions: HashMap<ActionId, usize> = HashMap::new();
    let mut note = |call: &ActionCall| {
        let args = || call.args.iter().cloned().map(Some).collect();
        let actions = &mut outcomes.actions;
        let Some(position) = positions.get(&call.action) else {
            positions.insert(call.action, actions.len());
            return actions.push((call.action, args()));
        };
        for (known, arg) in actions[*position].1.iter_mut().zip(&call.args) {
            if known.as_ref() != Some(arg) {
                *known = None;
            }
        }
    };
    note(entries.default_action());
    for (_, entry) in entries.iter() {
        match call_of(state, table, &entry.target) {
            Some(call) => note(call),
            None => outcomes.has_groups = true,
        }
    }
    if outcomes.has_groups {
        let gress = &state.layout().pipe().gresses[table.gress];
        let profile = gress.tables[table.id].implementation;
        let profile = profile.and_then(|id| {
            let gress = table.gress;
            state.profile(Ref { gress, id })
        });
        let members = profile.into_iter().flat_map(|profile| profile.members());
        members.for_each(|(_, call)| note(call));
    }
    outcomes
}

/// A table as keys are looked up in it.
#[derive(Debug)]
pub(crate) struct Arranged {
    pub(crate) lookup: MatchTable,
    /// By slot.
    calls: Vec<Option<ActionCall>>,
    default: ActionCall,
    /// What a direct array is indexed by without an entry.
    pub(crate) behind: u64,
}

impl Arranged {
    pub(crate) fn new(state: &State, table: Ref<TableId>) -> Self {
        let gress = &state.layout().pipe().gresses[table.gress];
        let entries = entries(state, table);
        let call = |slot| call_of(state, table, &entries.get(slot)?.target).cloned();
        Self {
            lookup: MatchTable::new(gress, &gress.tables[table.id], entries, false),
            calls: (0..entries.n_slots()).map(call).collect(),
            default: entries.default_action().clone(),
            behind: gress.tables[table.id].size,
        }
    }

    /// What runs for a slot, or without one.
    pub(crate) fn call(&self, slot: Option<usize>) -> Option<&ActionCall> {
        match slot {
            Some(slot) => self.calls.get(slot)?.as_ref(),
            None => Some(&self.default),
        }
    }
}
