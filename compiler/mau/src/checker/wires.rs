//! What the tables of a stage need of crossbars and instruction memory at the least, derived from the
//! control flow alone.

use std::collections::BTreeSet;

use p4rmt_ir::{FieldId, Gress, Id, Key, MatchKind, Pipe};

use super::flow::Item;

/// Needs of a stage: none of them can be less.
#[derive(Default)]
pub(super) struct Wires {
    pub(super) ternary_tables: u64,
    pub(super) ternary_bytes: u64,
    pub(super) exact_bytes: u64,
    pub(super) search_buses: u64,
    pub(super) instruction_rows: u64,
}

/// The needs of the items of a stage, each with the memory that it has there.
pub(super) fn wires_of(here: &[&Item], stage: u32, pipe: &Pipe) -> Wires {
    let mut wires = Wires::default();
    let mut exact: BTreeSet<(usize, FieldId, u32)> = BTreeSet::new();
    let mut ternary: BTreeSet<(usize, FieldId, u32)> = BTreeSet::new();
    let mut n_actions = vec![0_u64; pipe.gresses.len()];
    for item in here {
        let gress = &pipe.gresses[item.gress];
        let table = item.table.map(|table| &gress.tables[table]);
        let is_exact = table.is_none_or(|table| {
            let mut keys = table.keys.iter();
            keys.all(|key| matches!(key.kind, MatchKind::Exact | MatchKind::Selector))
        });
        let parts = item.parts.iter().filter(|part| part.slot.stage == stage);
        let has_tcam = parts.map(|part| part.memory.tcam).any(|tcam| tcam > 0);
        let keys = if table.is_some() {
            &item.keys
        } else {
            &item.reads
        };
        if is_exact {
            exact.extend(bytes_of(keys, item, gress));
        } else if has_tcam {
            wires.ternary_tables += 1;
            // What a selector hashes is on the other crossbar.
            let selects = |key: &Key| key.kind == MatchKind::Selector;
            if !table.is_some_and(|table| table.keys.iter().any(selects)) {
                ternary.extend(bytes_of(keys, item, gress));
            }
        }
        let stores_keys = table.is_some_and(|table| !table.keys.is_empty())
            && is_exact
            && !item.is_found_by_position(gress);
        wires.search_buses += u64::from(stores_keys);
        if item.acting().any(|slot| slot.stage == stage) {
            let writing = item
                .actions
                .values()
                .filter(|(_, writes)| !writes.is_empty());
            n_actions[Id::index(item.gress)] += writing.count() as u64;
        }
    }
    wires.exact_bytes = exact.len() as u64;
    wires.ternary_bytes = ternary.len() as u64;
    // A row holds two actions, and one place of the first row does nothing.
    let rows = n_actions
        .into_iter()
        .map(|actions| (actions + 1).div_ceil(2));
    wires.instruction_rows = rows.max().unwrap_or(0);
    wires
}

/// Whole bytes of fields of at least a byte; shorter fields may share.
fn bytes_of<'a>(
    bits: &'a BTreeSet<(FieldId, u32)>,
    item: &'a Item,
    gress: &'a Gress,
) -> impl Iterator<Item = (usize, FieldId, u32)> + 'a {
    let long = bits
        .iter()
        .filter(|(field, _)| gress.fields[*field].width >= 8);
    long.map(|(field, bit)| (Id::index(item.gress), *field, bit / 8))
}
