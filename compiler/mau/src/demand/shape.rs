//! What the size of a table depends on: its key, what its entries say beside it, and how it matches.

use std::collections::BTreeMap;

use p4rmt_ir::{Expr, FieldId, Gress, MatchKind, ParallelAction, ProfileId, Table, Tables};

use super::memory::{
    SharedMemory, cells_of, counter_cells_per_word, index_of, register_cells_per_word,
    shared_memory,
};
use crate::condition::masked_slices;
use crate::sizing::{MatchForm, MatchShape};
use crate::target::Target;
use crate::unit::{actions_of, call_args, field_slices};

pub(super) fn match_shape(
    table: &Table,
    actions: &[&ParallelAction],
    gress: &Gress,
    tables: &Tables,
    target: &Target,
) -> MatchShape {
    let (action_data_bits, action_data_bytes) = actions
        .iter()
        .map(|action| action_data(action))
        .max_by_key(|(bits, bytes)| (*bytes, *bits))
        // The action data of an action profile stand in a memory of their own.
        .filter(|_| table.implementation.is_none())
        .unwrap_or((0, 0));
    let defaults: Vec<&ParallelAction> = table
        .actions
        .iter()
        .filter(|action| action.as_default && !table.is_default_const)
        .map(|action| action.action)
        .chain(std::iter::once(table.default_action.action))
        .map(|action| &tables.actions[action])
        .collect();
    let counters = table
        .direct_counters
        .iter()
        .map(|id| counter_cells_per_word(&gress.counters[*id], target));
    let registers = table
        .direct_registers
        .iter()
        .map(|id| register_cells_per_word(&gress.registers[*id], target));
    let mut key = key_size(table, gress, target);
    if let Some(hash) = table.proxy_hash {
        key.bits = u64::from(gress.hashes[hash].width);
        key.bytes = key.bits.div_ceil(8);
    }
    MatchShape {
        form: MatchForm::Keyless,
        key_bits: key.bits,
        key_bytes: key.bytes,
        half_bytes: key.half_bytes,
        range_bytes: key.range_bytes,
        is_range_split: key.is_range_split,
        overhead_bits: 0,
        action_data_bits,
        action_data_bytes,
        default_calls_units: defaults.iter().any(|action| !action.calls.is_empty()),
        default_takes_data: defaults.iter().any(|action| !action.params.is_empty()),
        has_single_action: actions.len() == 1,
        direct_cells_per_word: counters
            .chain(registers)
            .chain(table.direct_meters.iter().map(|_| 1))
            .collect(),
        n_direct_meters: {
            let meters = table.direct_meters.iter();
            let marking = meters.filter(|meter| gress.meters[**meter].filter.is_none());
            marking.count() as u64
        },
        has_idle_times: table.has_idle_timeout,
        // The vendor's compiler leaves out what it can't do.
        wanted_ways: wanted(table.ways_pragma, target.exact.ways_max),
        wanted_pack: wanted(table.pack_pragma, target.exact.pack_max),
    }
}

/// Whether a gateway can have all entries of a table: few of them, which never change, with nothing to read
/// from memory and a key that it can compare (`mau/payload_gateway.cpp` of the vendor's compiler).
pub(super) fn is_in_gateway(
    table: &Table,
    branches_on_action: bool,
    gress: &Gress,
    tables: &Tables,
    target: &Target,
) -> bool {
    let limits = &target.gateway;
    let n_entries = count(table.entries.len());
    let n_direct =
        table.direct_counters.len() + table.direct_meters.len() + table.direct_registers.len();
    let is_compared = |kind: MatchKind| match kind {
        MatchKind::Exact | MatchKind::Ternary | MatchKind::Lpm | MatchKind::Optional => true,
        MatchKind::Range | MatchKind::Selector => false,
    };
    let is_plain = table.are_entries_const
        && (1..=limits.payloads.min(limits.rows)).contains(&n_entries)
        && table.keys.iter().all(|key| is_compared(key.kind))
        && !table.keys.is_empty()
        && table.partitions.is_none()
        && table.proxy_hash.is_none()
        && table.implementation.is_none()
        && !table.has_idle_timeout
        && n_direct == 0;
    let actions = || {
        actions_of(table)
            .into_iter()
            .map(|action| &tables.actions[action])
    };
    let data_bytes = actions().map(|action| action_data(action).1).max();
    // Several rows that each run a stateful ALU otherwise are not what the vendor's compiler makes of them.
    let mut calls = actions().flat_map(|action| &action.calls);
    let reaches_memory = calls.any(|(call, _)| index_of(&call.kind).is_some());
    let overhead = overhead_bits(table, branches_on_action, gress, tables, target);
    let key = key_size(table, gress, target);
    let over = key.bytes.saturating_sub(u64::from(limits.phv_bytes));
    is_plain
        && (n_entries == 1 || !reaches_memory)
        && data_bytes.unwrap_or(0) * 8 <= u64::from(target.action_data.immediate_bits)
        && overhead * u64::from(n_entries) <= u64::from(target.exact.overhead_bits_max)
        && over * 8 <= u64::from(limits.hash_bits)
}

/// What a pragma asks for, if it is within bounds.
fn wanted(pragma: Option<u32>, most: u32) -> Option<u64> {
    let in_bounds = pragma.filter(|wanted| (1..=most).contains(wanted));
    in_bounds.map(u64::from)
}

/// The table in front of a partitioned one: it matches the same key and gives the partition.
pub(crate) fn classifier_shape(
    table: &Table,
    gress: &Gress,
    target: &Target,
) -> Option<(MatchShape, u64)> {
    let partitions = table.partitions.as_ref()?;
    let classifier = partitions.classifier?;
    let key = key_size(table, gress, target);
    let n_actions = n_subsets(table, gress);
    let index_bits = u64::from(index_bits(partitions.count));
    let shape = MatchShape {
        form: MatchForm::Ternary { range_lines: 1 },
        key_bits: key.bits,
        key_bytes: key.bytes,
        half_bytes: key.half_bytes,
        range_bytes: 0,
        is_range_split: false,
        overhead_bits: action_code_bits(n_actions, target),
        action_data_bits: index_bits + u64::from(n_actions > 1),
        action_data_bytes: index_bits.div_ceil(8) + u64::from(n_actions > 1),
        default_calls_units: false,
        default_takes_data: false,
        has_single_action: n_actions == 1,
        direct_cells_per_word: Vec::new(),
        n_direct_meters: 0,
        has_idle_times: false,
        wanted_ways: None,
        wanted_pack: None,
    };
    let entries = partitions.count.saturating_mul(classifier.subtrees);
    Some((shape, entries))
}

/// Bits that name one of so many partitions.
fn index_bits(partitions: u64) -> u32 {
    partitions.max(1).next_power_of_two().ilog2()
}

/// The positions in which the part of a prefix may lie that partitions store: an action each of the table
/// in front.
pub(crate) fn n_subsets(table: &Table, gress: &Gress) -> u32 {
    let classifier = table.partitions.as_ref().and_then(|of| of.classifier);
    let prefix = table.keys.iter().find(|key| key.kind == MatchKind::Lpm);
    let (Some(classifier), Some(prefix)) = (classifier, prefix) else {
        return 1;
    };
    let width = prefix.expr.width(gress);
    let subset = classifier.subset_bits.unwrap_or(width).min(width);
    let step = classifier.step_bits.unwrap_or(width).max(1);
    (width - subset) / step + 1
}

/// How a table in partitions stores its entries: without the key that names the partition, and with a
/// mask for each key that has wildcards.
fn partitioned_form(table: &Table, gress: &Gress) -> Option<MatchForm> {
    let partitions = table.partitions.as_ref()?;
    let n_subsets = n_subsets(table, gress);
    let (mut bits, mut bytes) = (0, 0);
    for (position, key) in table.keys.iter().enumerate() {
        if partitions.index == Some(position) || key.kind == MatchKind::Selector {
            continue;
        }
        let mut width = u64::from(key.expr.width(gress));
        let times = if key.kind == MatchKind::Exact { 1 } else { 2 };
        if let Some(classifier) = partitions.classifier.filter(|_| n_subsets > 1) {
            // Only a part of the prefix is left, and a bit that tells the prefixes of a partition apart.
            if key.kind != MatchKind::Lpm {
                continue;
            }
            width = u64::from(classifier.subset_bits.unwrap_or(0));
            bits += 1;
            bytes += 1;
        }
        bits += times * width;
        bytes += times * width.div_ceil(8);
    }
    let excluded = partitions.classifier.map_or(0, |of| of.excluded_bits);
    let excluded = u64::from(excluded).min(bits);
    Some(MatchForm::Partitioned {
        partitions: partitions.count,
        index_bits: index_bits(partitions.count),
        stored_bits: bits - excluded,
        stored_bytes: bytes - (excluded / 8).min(bytes),
    })
}

/// Bits with which an entry names one of so many actions.
fn action_code_bits(n_actions: u32, target: &Target) -> u64 {
    let rules = &target.action_data;
    if n_actions > rules.short_codes {
        u64::from(rules.instruction_address_bits)
    } else {
        u64::from(n_actions.max(1).next_power_of_two().ilog2())
    }
}

pub(super) fn match_form(table: &Table, gress: &Gress, target: &Target) -> MatchForm {
    if let Some(form) = partitioned_form(table, gress) {
        return form;
    }
    let kinds = || {
        table
            .keys
            .iter()
            .map(|key| key.kind)
            .filter(|kind| *kind != MatchKind::Selector)
    };
    if table.keys.is_empty() {
        return MatchForm::Keyless;
    }
    if kinds().all(|kind| kind == MatchKind::Exact) {
        return MatchForm::Exact;
    }
    let lines = table
        .keys
        .iter()
        .filter(|key| key.kind == MatchKind::Range)
        .map(|key| {
            let slices = field_slices(&key.expr, gress);
            let nibbles = slices
                .iter()
                .map(|(_, hi, lo)| u64::from(hi / 4 - lo / 4 + 1))
                .sum::<u64>()
                .max(1);
            (2 * nibbles - 1).min(u64::from(target.tcam.range_lines_max))
        });
    MatchForm::Ternary {
        range_lines: lines.max().unwrap_or(1),
    }
}

/// The key as the crossbar takes it.
struct KeySize {
    bits: u64,
    bytes: u64,
    half_bytes: u64,
    range_bytes: u64,
    is_range_split: bool,
}

/// The size of the key: the bytes of each field that the key touches, each once; fields of less than
/// a byte share. A range takes a byte a nibble.
fn key_size(table: &Table, gress: &Gress, target: &Target) -> KeySize {
    let (mut bits, mut short_bits, mut range_bytes) = (0, 0, 0);
    let mut is_range_split = false;
    let mut bytes: BTreeMap<(FieldId, u32), u8> = BTreeMap::new();
    for key in table
        .keys
        .iter()
        .filter(|key| key.kind != MatchKind::Selector)
    {
        for (field, hi, lo) in masked_slices(&key.expr, gress) {
            let width = u64::from(hi - lo + 1);
            bits += width;
            if key.kind == MatchKind::Range {
                range_bytes += u64::from(hi / 4 - lo / 4 + 1);
                is_range_split |= width >= u64::from(target.tcam.range_split_bits);
            } else if gress.fields[field].width >= 8 {
                for bit in lo..=hi {
                    *bytes.entry((field, bit / 8)).or_default() |= 1 << (bit % 8);
                }
            } else {
                short_bits += width;
            }
        }
    }
    let is_half = |used: &&u8| **used & 0x0f == 0 || **used & 0xf0 == 0;
    let half_short = u64::from((1..=4).contains(&(short_bits % 8)));
    KeySize {
        bits,
        bytes: bytes.len() as u64 + u64::div_ceil(short_bits, 8) + range_bytes,
        half_bytes: bytes.values().filter(is_half).count() as u64 + half_short,
        range_bytes,
        is_range_split,
    }
}

/// Bits and bytes of an action's data. A parameter that is only an index stands elsewhere.
pub(super) fn action_data(action: &ParallelAction) -> (u64, u64) {
    let is_used = |wanted: u32| {
        let values = action.assigns.iter().map(|assign| &assign.value);
        let args = action
            .calls
            .iter()
            .filter(|(call, _)| index_of(&call.kind).is_none())
            .flat_map(|(call, _)| call_args(&call.kind));
        values
            .chain(args)
            .any(|expr| reads_param(expr, |index| index == wanted))
    };
    let used = (0..)
        .zip(&action.params)
        .filter(|(index, _)| is_used(*index));
    used.fold((0, 0), |(bits, bytes), (_, param)| {
        let width = u64::from(param.width);
        (bits + width, bytes + width.div_ceil(8))
    })
}

fn reads_param(expr: &Expr, is_wanted: impl Fn(u32) -> bool) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        if let Expr::Param { index, .. } = expr {
            found |= is_wanted(*index);
        }
    });
    found
}

/// Bits of an entry beside key, version and action data.
pub(super) fn overhead_bits(
    table: &Table,
    branches_on_action: bool,
    gress: &Gress,
    tables: &Tables,
    target: &Target,
) -> u64 {
    if table.keys.is_empty() {
        return 0;
    }
    let rules = &target.action_data;
    let in_entries: Vec<&ParallelAction> = table
        .actions
        .iter()
        .filter(|action| action.in_entries)
        .map(|action| &tables.actions[action.action])
        .collect();
    let n_hit_actions = count(in_entries.len());
    let mut bits = action_code_bits(n_hit_actions, target);
    if n_hit_actions > rules.short_codes && branches_on_action {
        bits += u64::from(rules.next_table_bits);
    }
    if let Some(profile) = table.implementation {
        bits += profile_pointer_bits(profile, gress, target);
    }
    let mut indexed: Vec<SharedMemory> = Vec::new();
    for (call, _) in in_entries.iter().flat_map(|action| &action.calls) {
        let Some(index) = index_of(&call.kind).filter(|index| reads_param(index, |_| true)) else {
            continue;
        };
        let Some(memory) = shared_memory(&call.kind, gress).filter(|m| !indexed.contains(m)) else {
            continue;
        };
        indexed.push(memory);
        let calls_it = |action: &&&ParallelAction| {
            action
                .calls
                .iter()
                .any(|(call, _)| shared_memory(&call.kind, gress) == Some(memory))
        };
        let is_always_called = in_entries.iter().filter(calls_it).count() == in_entries.len();
        // The index, as far as the memory has cells, and a bit that says whether it counts.
        let cells = cells_of(memory, gress).max(1);
        let address_bits = cells.checked_next_power_of_two().map_or(32, u64::ilog2);
        let index_bits = index.width(gress).min(address_bits);
        bits += u64::from(index_bits.clamp(rules.index_bits_min.min(32), 32));
        bits += u64::from(!is_always_called);
    }
    bits
}

/// Bits with which an entry finds its action data in a profile, and its group in a selector.
fn profile_pointer_bits(id: ProfileId, gress: &Gress, target: &Target) -> u64 {
    let rules = &target.action_data;
    let address = |cells: u64| {
        let bits = cells.max(1).next_power_of_two().ilog2();
        u64::from(bits.clamp(rules.index_bits_min.min(32), 32))
    };
    let profile = &gress.profiles[id];
    let mut bits = address(profile.size);
    if let Some(groups) = profile.selector.and_then(|selector| selector.groups) {
        let words = groups
            .max_size
            .div_ceil(target.selector.members_per_word)
            .max(1);
        // The group, whether there is one, and how many words it has.
        bits += address(u64::from(groups.n_groups) * u64::from(words)) + 1;
        if words > 1 {
            bits += u64::from((words + 1).next_power_of_two().ilog2());
        }
    }
    bits
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
