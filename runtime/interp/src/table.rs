//! Tables: the key, the entry that it finds, and the action with its data.

use std::borrow::Cow;

use p4rmt_engine::{BitWriter, EntryTarget, Event, HitEntry, Ref};
use p4rmt_ir::{ActionId, Bits, GressRole, HashId, Id, MatchKind, TableId};

use crate::packet::Packet;

/// What applying a table led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) is_hit: bool,
    /// What runs; nothing where the entry leads to a group without members.
    pub(crate) action: Option<ActionId>,
}

impl Packet<'_> {
    /// Looks a table up with the fields as they are: the slot of the entry that is hit.
    pub(crate) fn look_up(&mut self, id: TableId) -> Option<usize> {
        let table = &self.gress.tables[id];
        if table.keys.is_empty() {
            return None;
        }
        let mut key = std::mem::take(&mut self.work.key);
        let arranged = &self.work.tables[id];
        let layout = arranged.layout();
        layout.key(&mut key, |part| self.eval(&table.keys[part].expr));
        let slot = arranged.lookup(&key);
        self.work.key = key;
        slot
    }

    /// Makes ready what a lookup has selected: action data, and the cell of direct externs.
    pub(crate) fn select(&mut self, id: TableId, hit: Option<usize>) -> Applied {
        let table = &self.gress.tables[id];
        let place = Ref {
            gress: self.loaded.id,
            id,
        };
        let hash = hit.and_then(|_| self.selector_hash(id)).unwrap_or(0);
        let entries = self.state.table(place).expect("the layout was checked");
        let entry = hit.and_then(|slot| entries.get(slot));
        let profile = table.implementation.and_then(|id| {
            let gress = self.loaded.id;
            self.state.profile(Ref { gress, id })
        });
        let call = match entry.map(|entry| &entry.target) {
            None => Some(entries.default_action()),
            Some(EntryTarget::Action(call)) => Some(call),
            Some(EntryTarget::Member(member)) => profile.and_then(|p| p.member(*member)),
            Some(EntryTarget::Group(group)) => profile.and_then(|p| p.pick(*group, hash)),
        };
        let params = &mut self.work.params;
        params.clear();
        params.extend(call.into_iter().flat_map(|call| call.args.iter().cloned()));
        let action = call.map(|call| call.action);
        self.direct_index = hit.map_or(table.size, |slot| slot as u64);
        let counts = &mut self.work.counts[id.index()];
        match hit {
            Some(_) => counts.hits += 1,
            None if table.keys.is_empty() => {}
            None => counts.misses += 1,
        }
        if self.gress.role == GressRole::Whole {
            self.run_direct(id, hit);
        }
        if self.trace.is_some() {
            self.tell_table(id, hit, action);
        }
        Applied {
            is_hit: hit.is_some(),
            action,
        }
    }

    /// The hash by which the table's selector picks a member, if it has one.
    fn selector_hash(&self, id: TableId) -> Option<u64> {
        let table = &self.gress.tables[id];
        let profile = &self.gress.profiles[table.implementation?];
        let hash: HashId = profile.selector?.hash;
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        for key in &table.keys {
            if key.kind == MatchKind::Selector {
                writer.write(&self.eval(&key.expr));
            }
        }
        Some(self.loaded.hashers[hash].hash_bytes(&bytes).low_u64())
    }

    fn tell_table(&mut self, id: TableId, hit: Option<usize>, action: Option<ActionId>) {
        let keys = self.gress.tables[id].keys.iter();
        let key: Vec<Bits> = keys
            .map(|part| self.eval(&part.expr).into_owned())
            .collect();
        let place = Ref {
            gress: self.loaded.id,
            id,
        };
        let entries = self.state.table(place).expect("the layout was checked");
        let entry = hit.and_then(|slot| {
            let entry = Cow::Borrowed(entries.get(slot)?);
            Some(HitEntry { slot, entry })
        });
        if let Some(trace) = &mut self.trace {
            trace.event(Event::Table {
                table: id,
                key: key.into(),
                entry,
                action,
                args: (&self.work.params[..]).into(),
            });
        }
    }
}
