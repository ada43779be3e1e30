//! Tables: the key, the entry that it finds, and the action with its data.

use p4rmt_engine::{Event, Hit, Ref, WordLayout};
use p4rmt_ir::{ActionId, Bits, TableId};

use crate::packet::Packet;

/// What applying a table led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) is_hit: bool,
    pub(crate) action: ActionId,
}

impl Packet<'_> {
    /// Looks a table up with the fields as they are.
    pub(crate) fn look_up(&mut self, id: TableId) -> Option<Hit> {
        let table = &self.gress.tables[id];
        if table.keys.is_empty() {
            return None;
        }
        let mut key = std::mem::take(&mut self.work.key);
        key.clear();
        for part in &table.keys {
            WordLayout::push(&mut key, &self.eval(&part.expr));
        }
        let hit = self.work.tables[id].lookup(&key);
        self.work.key = key;
        hit
    }

    /// Makes ready what a lookup has selected: action data, and the cell of direct externs.
    pub(crate) fn select(&mut self, id: TableId, hit: Option<Hit>) -> Applied {
        let table = &self.gress.tables[id];
        let place = Ref {
            gress: self.loaded.id,
            id,
        };
        let entries = self.state.table(place).expect("the layout was checked");
        let entry = hit.and_then(|hit| entries.get(hit.slot));
        let call = entry.map_or(entries.default_action(), |entry| &entry.action);
        let params = &mut self.work.params;
        params.clear();
        params.extend_from_slice(&call.args);
        let action = call.action;
        self.direct_index = hit.map_or(table.size, |hit| hit.slot as u64);
        let counts = &mut self.work.counts[p4rmt_ir::Id::index(id)];
        match hit {
            Some(_) => counts.hits += 1,
            None => counts.misses += 1,
        }
        if self.trace.is_some() {
            self.tell_table(id, hit, action);
        }
        Applied {
            is_hit: hit.is_some(),
            action,
        }
    }

    fn tell_table(&mut self, id: TableId, hit: Option<Hit>, action: ActionId) {
        let keys = self.gress.tables[id].keys.iter();
        let key: Vec<Bits> = keys
            .map(|part| self.eval(&part.expr).into_owned())
            .collect();
        if let Some(trace) = &mut self.trace {
            trace.event(Event::Table {
                table: id,
                key: &key,
                entry: hit.map(|hit| hit.slot),
                action,
                args: &self.work.params,
            });
        }
    }
}
