//! What the tables of a stage need of crossbars, hash functions, buses and instruction memory at the least,
//! derived from the control flow alone.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    ActionId, Body, CallKind, Expr, FieldId, Gress, Id, Key, MatchKind, ParallelAction, Pipe,
    Place, Table, Tables,
};

use super::flow::Item;
use crate::target::Target;

/// Needs of a stage: none of them can be less.
#[derive(Default)]
pub(super) struct Wires {
    pub(super) ternary_tables: u64,
    pub(super) ternary_bytes: u64,
    pub(super) exact_bytes: u64,
    pub(super) search_buses: u64,
    pub(super) instruction_rows: u64,
    pub(super) hash_bits: u64,
    pub(super) hash_functions: u64,
    pub(super) hash_dist_units: u64,
    pub(super) action_bus_bytes: u64,
}

/// The needs of the items of a stage, each with the memory that it has there.
pub(super) fn wires_of(here: &[&Item], stage: u32, pipe: &Pipe, target: &Target) -> Wires {
    let mut wires = Wires::default();
    let mut exact: BTreeSet<(usize, FieldId, u32)> = BTreeSet::new();
    let mut ternary: BTreeSet<(usize, FieldId, u32)> = BTreeSet::new();
    let mut n_actions = vec![0_u64; pipe.gresses.len()];
    let mut indices = BTreeSet::new();
    let mut value_units: u64 = 0;
    for item in here {
        let gress = &pipe.gresses[item.gress];
        let table = item.table.map(|table| &gress.tables[table]);
        let is_exact = table.is_none_or(|table| {
            let mut keys = table.keys.iter();
            keys.all(|key| matches!(key.kind, MatchKind::Exact | MatchKind::Selector))
        });
        let parts = || item.parts.iter().filter(|part| part.slot.stage == stage);
        let has_tcam = parts().any(|part| part.memory.tcam > 0);
        let has_sram = parts().any(|part| part.memory.sram > 0);
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
            && has_sram
            && !item.is_found_by_position(gress);
        wires.search_buses += u64::from(stores_keys);
        if let Some(table) = table.filter(|_| stores_keys) {
            wires.hash_bits += lookup_bits(table, gress, target);
        }
        if item.acting().any(|slot| slot.stage == stage) {
            let writing = item
                .actions
                .values()
                .filter(|(_, writes)| !writes.is_empty());
            n_actions[Id::index(item.gress)] += writing.count() as u64;
            if let (Some(table), Body::Tables(tables)) = (table, &gress.body) {
                let values = distributed(item, table, gress, tables, &mut indices);
                value_units =
                    value_units.max(values.div_ceil(u64::from(target.hash.dist_unit_bits)));
                wires.action_bus_bytes += bus_bytes(table, gress, tables);
            }
        }
    }
    // Indices of one kind of memory that come from the same bits share a unit, whatever hash values share.
    wires.hash_dist_units = (indices.len() as u64).max(value_units);
    let function_bits =
        u64::from(target.stage.hash_bits / target.stage.hash_functions.max(1)).max(1);
    wires.hash_functions = wires.hash_bits.div_ceil(function_bits);
    wires.exact_bytes = exact.len() as u64;
    wires.ternary_bytes = ternary.len() as u64;
    // A row holds two actions, and one place of the first row does nothing.
    let rows = n_actions
        .into_iter()
        .map(|actions| (actions + 1).div_ceil(2));
    wires.instruction_rows = rows.max().unwrap_or(0);
    wires
}

/// Bits of hash functions that find the words of an exact table: those of the word in each of its ways. A key
/// that is hardly wider than those needs one way.
fn lookup_bits(table: &Table, gress: &Gress, target: &Target) -> u64 {
    let exact = &target.exact;
    let keys = table
        .keys
        .iter()
        .filter(|key| key.kind != MatchKind::Selector);
    let is_masked = keys
        .clone()
        .any(|key| matches!(key.expr, Expr::Binary { .. }));
    let key_bits: u32 = keys.map(|key| key.expr.width(gress)).sum();
    let is_hashed = key_bits
        > exact
            .hash_index_bits
            .saturating_add(exact.identity_extra_bits_max);
    let may_have_fewer =
        table.ways_pragma.is_some() || table.proxy_hash.is_some() || table.partitions.is_some();
    let ways = if is_hashed && !is_masked && !may_have_fewer {
        exact.ways_min
    } else {
        1
    };
    u64::from(ways) * u64::from(exact.hash_index_bits)
}

/// A source of indices: gress, whether it leads to counters, and the bits that it reads.
type Index = (usize, bool, BTreeSet<(FieldId, u32)>);

/// Adds the indices that a table takes from fields. Returns bits of hashes that its actions write as they are.
fn distributed(
    item: &Item,
    table: &Table,
    gress: &Gress,
    tables: &Tables,
    indices: &mut BTreeSet<Index>,
) -> u64 {
    let mut hashes: BTreeSet<(usize, String)> = BTreeSet::new();
    let mut bits = 0;
    for action in actions(table, tables) {
        for (call, _) in &action.calls {
            let (index, counts) = match &call.kind {
                CallKind::RegisterAction { index, .. } => (index.as_ref(), false),
                CallKind::Count { index, .. } => (index.as_ref(), true),
                CallKind::Meter { index, .. } | CallKind::Filter { index, .. } => {
                    (index.as_ref(), false)
                }
                CallKind::RegisterRead { index, .. } | CallKind::RegisterWrite { index, .. } => {
                    (Some(index), false)
                }
                CallKind::Hash { hash, args } => {
                    let is_new = hashes.insert((Id::index(*hash), format!("{args:?}")));
                    let written = call.outs.iter().flatten().map(|place| match place {
                        Place::Field(field) => u64::from(gress.fields[*field].width),
                        Place::FieldSlice { hi, lo, .. } => u64::from(hi - lo + 1),
                        Place::Local(_) | Place::LocalSlice { .. } => 0,
                    });
                    bits += if is_new { written.sum() } else { 0 };
                    (None, false)
                }
                CallKind::Random { .. }
                | CallKind::Checksum { .. }
                | CallKind::Mirror { .. }
                | CallKind::Resubmit { .. }
                | CallKind::Generate { .. }
                | CallKind::Digest { .. }
                | CallKind::V1(_) => (None, false),
            };
            let mut fields = BTreeSet::new();
            if let Some(index) = index {
                index.walk(&mut |part| {
                    if let Expr::Field(field) = part {
                        fields.insert((*field, 0));
                    }
                });
            }
            if !fields.is_empty() {
                indices.insert((Id::index(item.gress), counts, fields));
            }
        }
    }
    bits
}

/// Bytes of parameters that the greediest action of a table assigns as they are.
fn bus_bytes(table: &Table, gress: &Gress, tables: &Tables) -> u64 {
    let bytes = actions(table, tables).map(|action| -> u64 {
        // A parameter that goes to several fields may come once.
        let mut taken: BTreeMap<u32, u32> = BTreeMap::new();
        for assign in &action.assigns {
            let Expr::Param { index, .. } = &assign.value else {
                continue;
            };
            let bits = match &assign.dst {
                Place::Field(field) => gress.fields[*field].width,
                Place::FieldSlice { hi, lo, .. } => hi - lo + 1,
                Place::Local(_) | Place::LocalSlice { .. } => 0,
            };
            let known = taken.entry(*index).or_default();
            *known = bits.max(*known);
        }
        taken.values().map(|bits| u64::from(bits.div_ceil(8))).sum()
    });
    bytes.max().unwrap_or(0)
}

fn actions<'a>(table: &'a Table, tables: &'a Tables) -> impl Iterator<Item = &'a ParallelAction> {
    let listed = table.actions.iter().map(|action| action.action);
    let all: BTreeSet<ActionId> = listed.chain([table.default_action.action]).collect();
    all.into_iter().map(|action| &tables.actions[action])
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
