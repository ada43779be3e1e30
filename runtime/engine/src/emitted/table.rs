//! Tables whose entries lead to typed actions.

use p4rmt_ir::{ActionCall, Gress, ProfileId, Table, TableId};

use super::Value;
use crate::{Changes, EntryTarget, MatchTable, Ref, State, TableEntries};

/// The entries of a table with the actions of type `A` that they lead to, as they were when they were last
/// brought up to date.
#[derive(Clone, Debug)]
pub struct TypedTable<A> {
    matching: Option<MatchTable>,
    /// By place ([`MatchTable::place`]), that of the default action first: its action; none where it
    /// leads to a member or a group.
    actions: Vec<Option<A>>,
}

impl<A> Default for TypedTable<A> {
    fn default() -> Self {
        Self {
            matching: None,
            actions: Vec::new(),
        }
    }
}

impl<A> TypedTable<A> {
    /// Brings it up to date with what the state holds; `read` makes an action of its data.
    pub fn arrange(
        &mut self,
        gress: &Gress,
        table: &Table,
        entries: &TableEntries,
        read: impl Fn(&ActionCall) -> Option<A>,
    ) {
        let changes = match &mut self.matching {
            Some(matching) => matching.update(entries),
            None => {
                self.matching = Some(MatchTable::new(gress, table, entries, false));
                Changes::All
            }
        };
        let action = |slot: usize| match &entries.get(slot)?.target {
            EntryTarget::Action(call) => read(call),
            EntryTarget::Member(_) | EntryTarget::Group(_) => None,
        };
        let n_places = entries.n_slots() + 1;
        match changes {
            Changes::None => return,
            Changes::Slots(slots) => {
                self.actions.resize_with(n_places, || None);
                for slot in slots {
                    self.actions[slot + 1] = action(slot);
                }
            }
            Changes::All => {
                self.actions.clear();
                self.actions.push(None);
                self.actions
                    .extend((1..n_places).map(|place| action(place - 1)));
            }
        }
        self.actions[0] = read(entries.default_action());
    }

    /// The place that a key leads to: 1 more than the slot of the entry that wins, 0 for none. The key
    /// is laid out as [`crate::KeyLayout`] says.
    #[inline]
    #[must_use]
    pub fn place(&self, key: &[u64]) -> u64 {
        let matching = self.matching.as_ref();
        matching.map_or(0, |matching| matching.place(key))
    }

    /// The action of a place; none where it leads to a member or a group.
    #[inline]
    #[must_use]
    pub fn action(&self, place: u64) -> Option<&A> {
        self.actions.get(place as usize)?.as_ref()
    }
}

/// An argument of an action call; zero where there is none.
#[must_use]
pub fn arg<T: Value>(call: &ActionCall, position: usize) -> T {
    let zero = p4rmt_ir::Bits::zero(1);
    T::from_bits(call.args.get(position).unwrap_or(&zero))
}

/// What an entry runs that leads to a member or a group of an action profile.
#[must_use]
pub fn pick(
    state: &State,
    table: Ref<TableId>,
    profile: ProfileId,
    slot: usize,
    hash: u64,
) -> Option<&ActionCall> {
    let profile = state.profile(Ref {
        gress: table.gress,
        id: profile,
    });
    match &state.table(table).ok()?.get(slot)?.target {
        EntryTarget::Action(call) => Some(call),
        EntryTarget::Member(member) => profile?.member(*member),
        EntryTarget::Group(group) => profile?.pick(*group, hash),
    }
}
