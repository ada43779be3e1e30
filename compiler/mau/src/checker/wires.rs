//! What the tables of a stage need of crossbars, hash functions, buses and instruction memory at the least,
//! derived from the control flow alone.
//!
//! * Bits of fields come over a crossbar in bytes; a table with all of its ways, a selector and hash
//!   distribution share theirs with nobody of their kind.
//! * A table with all of its ways has a hash function for itself, as a selector has, and hash distribution for
//!   so many of its units.
//! * An index from fields takes a unit of hash distribution for each kind of memory that it leads to, values
//!   as many as their bits fill.
//! * Keys of exact tables come over search buses, what entries say over result buses.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    ActionId, Body, CallKind, Expr, FieldId, Gress, Id, Key, MatchKind, ParallelAction, Pipe,
    Place, Table, Tables,
};

use super::Checker;
use super::condition::bits_of_single_order;
use super::flow::Item;
use super::memory::is_exact;

/// Needs of a stage: none of them can be less.
#[derive(Default)]
pub(super) struct Wires {
    pub(super) ternary_tables: u64,
    pub(super) ternary_bytes: u64,
    pub(super) exact_bytes: u64,
    pub(super) search_buses: u64,
    pub(super) result_buses: u64,
    pub(super) ternary_result_buses: u64,
    pub(super) instruction_rows: u64,
    pub(super) hash_bits: u64,
    pub(super) hash_functions: u64,
    pub(super) hash_dist_units: u64,
    pub(super) action_bus_bytes: u64,
}

/// Bits of fields, each with the gress that it is of.
type Bits = BTreeSet<(usize, FieldId, u32)>;

/// What the users of hash functions of a stage take.
#[derive(Default)]
struct Hashing {
    /// Groups of columns, each of which finds a word of a way: a function has them once, and so has a byte.
    groups: u64,
    /// Bytes of tables and selectors, once for each group of columns that they need them for.
    grouped_bytes: u64,
    /// Selectors, of which no two have one function.
    n_selectors: u64,
    /// Bits of lookups, selectors and orders.
    bits: u64,
    /// By source and destination of an index that comes from fields: bits of it.
    indices: BTreeMap<Index, u64>,
    /// The fields of those, in bits.
    distributed: Bits,
    /// Units of the table whose actions take most values from hashes, and its bits.
    value_units: u64,
    value_bits: u64,
    /// Selectors that were counted.
    selectors: BTreeSet<(usize, usize)>,
    /// Units that find the word of a group of members.
    word_units: u64,
}

/// A source of indices: gress, where it leads, and fields of more than a byte that it reads.
type Index = (usize, Destination, BTreeSet<FieldId>);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Destination {
    Counters,
    Meters,
    Colors,
}

impl Checker<'_> {
    /// The needs of the items of a stage, each with the memory that it has there.
    pub(super) fn wires_of(&self, here: &[&Item], stage: u32, pipe: &Pipe) -> Wires {
        let mut wires = Wires::default();
        let (mut exact, mut ternary) = (Bits::new(), Bits::new());
        let mut range_nibbles = 0;
        let mut n_actions = vec![0_u64; pipe.gresses.len()];
        let mut hashing = Hashing::default();
        let mut of_profiles: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for item in here {
            let gress = &pipe.gresses[item.gress];
            let table = item.table.map(|table| &gress.tables[table]);
            let parts = || item.parts.iter().filter(|part| part.slot.stage == stage);
            let has_tcam = parts().any(|part| part.memory.tcam > 0);
            let has_sram = parts().any(|part| part.memory.sram > 0);
            let keys = table.map_or(&item.compared, |_| &item.keys);
            match table {
                None => {
                    exact.extend(bits_of(keys, item));
                    let cond = item.cond.as_ref();
                    hashing.bits +=
                        u64::from(cond.map_or(0, |cond| bits_of_single_order(cond, gress)));
                }
                Some(table) if is_exact(table) => exact.extend(bits_of(keys, item)),
                Some(table) if has_tcam => {
                    wires.ternary_tables += 1;
                    let (bits, nibbles) = ternary_bits(table, item, gress);
                    ternary.extend(bits);
                    range_nibbles += nibbles;
                }
                Some(_) => {}
            }
            let Some(table) = table else {
                continue;
            };
            let stores_keys = !table.keys.is_empty()
                && is_exact(table)
                && has_sram
                && !self.is_in_gateway(table, item, gress)
                && !item.is_found_by_position(gress);
            if stores_keys {
                let lookup = self.lookup(table, item, gress);
                let is_plain = table.proxy_hash.is_none() && table.partitions.is_none();
                let is_by_ways = lookup.is_hashed && is_plain;
                let ways = if is_by_ways { lookup.ways } else { 1 };
                let width = if is_plain {
                    self.least_width(&lookup)
                } else {
                    1
                };
                let rules = &self.target.exact;
                wires.search_buses += width * ways.div_ceil(u64::from(rules.ways_min));
                hashing.bits += ways * u64::from(rules.hash_index_bits);
                if rules.hash_index_bits > 0 {
                    hashing.groups += ways;
                    let bytes = (item.matched.len() as u64).div_ceil(8);
                    hashing.grouped_bytes += if is_by_ways { ways * bytes } else { 0 };
                }
            }
            let is_of_entries = stores_keys || is_hashed(item, table);
            if has_tcam {
                let entries = parts().map(|part| part.entries).sum();
                let blocks = self.least_indirection(table, entries, item, gress);
                let in_row = u64::from(self.target.tcam.indirection_row_blocks);
                wires.ternary_result_buses += blocks.div_ceil(in_row).max(1);
            } else if is_of_entries {
                let of_part = parts().map(|part| self.logical_tables(table, part));
                wires.result_buses += of_part.sum::<u64>();
            } else if table.keys.is_empty() {
                wires.ternary_result_buses += 1;
            }
            self.add_selector(&mut hashing, table, item, gress);
            if item.acting().any(|slot| slot.stage == stage) {
                let writing = item
                    .actions
                    .values()
                    .filter(|(_, writes)| !writes.is_empty());
                n_actions[Id::index(item.gress)] += writing.count() as u64;
                if let Body::Tables(tables) = &gress.body {
                    self.distribute(&mut hashing, item, table, gress, tables);
                    let bytes = self.bus_bytes(table, gress, tables);
                    if let Some(profile) = table.implementation {
                        // Its members have their data in one memory, whoever leads there.
                        let of = (Id::index(item.gress), Id::index(profile));
                        let known = of_profiles.entry(of).or_insert(bytes);
                        *known = bytes.min(*known);
                    } else {
                        wires.action_bus_bytes += bytes;
                    }
                }
            }
        }
        wires.action_bus_bytes += of_profiles.values().sum::<u64>();
        // Indices of one kind of memory that come from the same bits share a unit, values have their own.
        wires.hash_dist_units =
            hashing.indices.len() as u64 + hashing.value_units + hashing.word_units;
        wires.hash_bits = hashing.bits + hashing.indices.values().sum::<u64>() + hashing.value_bits;
        let stage = &self.target.stage;
        let function_bits = u64::from(stage.hash_bits / stage.hash_functions.max(1)).max(1);
        let slices = stage
            .hash_dist_units
            .div_ceil(self.target.hash.dist_functions.max(1));
        let of_distribution = wires.hash_dist_units.div_ceil(u64::from(slices.max(1)));
        let all_groups = u64::from(self.target.exact.ways_min);
        wires.hash_functions = wires
            .hash_bits
            .div_ceil(function_bits)
            .max(of_distribution + hashing.n_selectors)
            .max(of_distribution + hashing.groups.div_ceil(all_groups));
        // A byte serves as many ways as its section has groups of columns, or hash distribution.
        let bytes = |bits: u64| bits.div_ceil(8);
        let together = bytes(exact.len() as u64);
        let of_ways = hashing.grouped_bytes.div_ceil(all_groups);
        wires.exact_bytes = together.max(of_ways + bytes(hashing.distributed.len() as u64));
        wires.ternary_bytes = bytes(ternary.len() as u64) + range_nibbles;
        // A row holds two actions, and one place of the first row does nothing.
        let rows = n_actions
            .into_iter()
            .map(|actions| (actions + 1).div_ceil(2));
        wires.instruction_rows = rows.max().unwrap_or(0);
        wires
    }

    /// A selector hashes what it picks a member by, and once more where a group has several words.
    fn add_selector(&self, hashing: &mut Hashing, table: &Table, item: &Item, gress: &Gress) {
        let Some(id) = table.implementation else {
            return;
        };
        let Some(selector) = gress.profiles[id].selector else {
            return;
        };
        let keys = item.keys.difference(&item.matched).count();
        if keys == 0
            || !hashing
                .selectors
                .insert((Id::index(item.gress), Id::index(id)))
        {
            return;
        }
        let rules = &self.target.selector;
        let stage = &self.target.stage;
        let function_bits = stage.hash_bits / stage.hash_functions.max(1);
        hashing.bits += u64::from(rules.select_bits.min(function_bits));
        let index_bits = self.target.exact.hash_index_bits;
        if rules.select_bits > 0 && index_bits > 0 {
            let groups = rules.select_bits.min(function_bits).div_ceil(index_bits);
            let groups = u64::from(groups.min(self.target.exact.ways_min));
            hashing.n_selectors += 1;
            hashing.groups += groups;
            hashing.grouped_bytes += groups * (keys as u64).div_ceil(8);
        }
        let most = selector.groups.map_or(1, |groups| groups.max_size);
        if most > rules.members_per_word && rules.word_bits > 0 {
            hashing.word_units += 1;
        }
    }

    /// Adds the indices that a table takes from fields, and the bits of hashes that its actions write as they
    /// are.
    fn distribute(
        &self,
        hashing: &mut Hashing,
        item: &Item,
        table: &Table,
        gress: &Gress,
        tables: &Tables,
    ) {
        let mut hashes: BTreeSet<(usize, String)> = BTreeSet::new();
        let mut value_bits = 0;
        for action in actions(table, tables) {
            for (call, _) in &action.calls {
                let (index, destinations): (Option<&Expr>, &[Destination]) = match &call.kind {
                    CallKind::Count { index, .. } => (index.as_ref(), &[Destination::Counters]),
                    CallKind::RegisterAction { index, .. } | CallKind::Filter { index, .. } => {
                        (index.as_ref(), &[Destination::Meters])
                    }
                    CallKind::Meter { meter, index, .. } => {
                        let both: &[Destination] = match gress.meters[*meter].filter {
                            None => &[Destination::Meters, Destination::Colors],
                            Some(_) => &[Destination::Meters],
                        };
                        (index.as_ref(), both)
                    }
                    CallKind::RegisterRead { index, .. }
                    | CallKind::RegisterWrite { index, .. } => {
                        (Some(index), &[Destination::Meters])
                    }
                    CallKind::Hash { hash, args } => {
                        let is_new = hashes.insert((Id::index(*hash), format!("{args:?}")));
                        let outs = call.outs.iter().flatten();
                        let written: u64 = outs.map(|place| written_bits(place, gress)).sum();
                        let mut reads_field = false;
                        for arg in args {
                            arg.walk(&mut |part| reads_field |= matches!(part, Expr::Field(_)));
                        }
                        value_bits += if is_new && reads_field { written } else { 0 };
                        (None, &[])
                    }
                    CallKind::Random { .. }
                    | CallKind::Checksum { .. }
                    | CallKind::Mirror { .. }
                    | CallKind::Resubmit { .. }
                    | CallKind::Generate { .. }
                    | CallKind::Digest { .. }
                    | CallKind::V1(_) => (None, &[]),
                };
                let Some(index) = index else {
                    continue;
                };
                // Shorter fields may stand in one byte with those of another index.
                let mut fields = BTreeSet::new();
                index.walk(&mut |part| {
                    if let Expr::Field(field) = part {
                        let is_long = gress.fields[*field].width >= 16;
                        fields.extend(is_long.then_some(*field));
                    }
                });
                if fields.is_empty() {
                    continue;
                }
                let hash = &self.target.hash;
                let most = hash.index_bits_max.min(hash.dist_unit_bits);
                let bits = index.width(gress).min(most);
                for destination in destinations {
                    let of = (Id::index(item.gress), *destination, fields.clone());
                    let known = hashing.indices.entry(of).or_insert(u64::from(bits));
                    *known = u64::from(bits).min(*known);
                }
                if let Expr::Field(field) = index {
                    let width = gress.fields[*field].width;
                    let own = (0..width).map(|bit| (Id::index(item.gress), *field, bit));
                    hashing.distributed.extend(own);
                }
            }
        }
        let units = value_bits.div_ceil(u64::from(self.target.hash.dist_unit_bits));
        hashing.value_units = units.max(hashing.value_units);
        hashing.value_bits = value_bits.max(hashing.value_bits);
    }

    /// Bytes that the greediest action of a table takes from the bus: parameters and constants that it assigns
    /// as they are, and what calls return.
    fn bus_bytes(&self, table: &Table, gress: &Gress, tables: &Tables) -> u64 {
        let load_bits = self.target.action_data.load_constant_bits;
        let bytes = actions(table, tables).map(|action| -> u64 {
            // A value that goes to several fields may come once.
            let mut taken: BTreeMap<String, u64> = BTreeMap::new();
            for assign in &action.assigns {
                let value = match &assign.value {
                    Expr::Param { index, .. } => format!("parameter {index}"),
                    Expr::Const(bits) if bits.width() == 32 => {
                        // In a container of its own an instruction has that many bits for it.
                        if bits.low_u64() >> load_bits.min(63) == 0 {
                            continue;
                        }
                        format!("constant {bits}")
                    }
                    Expr::Const(_) => continue,
                    Expr::Field(_)
                    | Expr::Local { .. }
                    | Expr::Slice { .. }
                    | Expr::Resize { .. }
                    | Expr::Unary { .. }
                    | Expr::Binary { .. }
                    | Expr::Mux { .. }
                    | Expr::Lookahead { .. }
                    | Expr::MathUnit { .. }
                    | Expr::Lane(_) => continue,
                };
                let bits = written_bits(&assign.dst, gress);
                let known = taken.entry(value).or_default();
                *known = bits.max(*known);
            }
            let assigned: u64 = taken.values().map(|bits| bits.div_ceil(8)).sum();
            let outs = action.calls.iter().flat_map(|(call, _)| call.outs.iter());
            let returned = outs
                .flatten()
                .map(|place| written_bits(place, gress).div_ceil(8));
            assigned + returned.sum::<u64>()
        });
        bytes.max().unwrap_or(0)
    }
}

/// Bits of fields that a place has.
fn written_bits(place: &Place, gress: &Gress) -> u64 {
    match place {
        Place::Field(field) => u64::from(gress.fields[*field].width),
        Place::FieldSlice { hi, lo, .. } => u64::from(hi - lo + 1),
        Place::Local(_) | Place::LocalSlice { .. } => 0,
    }
}

/// Whether what a table does comes like an entry of SRAM: its key is the position, or a hash decides.
fn is_hashed(item: &Item, table: &Table) -> bool {
    table.keys.is_empty() && item.wants_gateway
}

fn actions<'a>(table: &'a Table, tables: &'a Tables) -> impl Iterator<Item = &'a ParallelAction> {
    let listed = table.actions.iter().map(|action| action.action);
    let all: BTreeSet<ActionId> = listed.chain([table.default_action.action]).collect();
    all.into_iter().map(|action| &tables.actions[action])
}

fn bits_of<'a>(
    bits: &'a BTreeSet<(FieldId, u32)>,
    item: &'a Item,
) -> impl Iterator<Item = (usize, FieldId, u32)> + 'a {
    bits.iter()
        .map(|(field, bit)| (Id::index(item.gress), *field, *bit))
}

/// Bits that a table in TCAM matches on through its crossbar, and nibbles of ranges, which take a byte each.
fn ternary_bits(table: &Table, item: &Item, gress: &Gress) -> (Bits, u64) {
    // What is under a mask may be less; a range has bytes of its own.
    let is_plain = |key: &&Key| !matches!(key.kind, MatchKind::Selector | MatchKind::Range);
    let (mut bits, mut nibbles) = (Bits::new(), 0);
    for key in table.keys.iter().filter(is_plain) {
        if let Expr::Field(field) = key.expr {
            let width = gress.fields[field].width;
            bits.extend((0..width).map(|bit| (Id::index(item.gress), field, bit)));
        }
    }
    for key in table.keys.iter().filter(|key| key.kind == MatchKind::Range) {
        if let Expr::Field(field) = key.expr {
            nibbles += u64::from(gress.fields[field].width.div_ceil(4));
        }
    }
    (bits, nibbles)
}
