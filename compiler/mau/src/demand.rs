//! What each unit asks of a stage, as far as it does not depend on where the unit goes.
//!
//! In: a unit. Out: its [`Demand`]: the shape that its memory follows from, the registers, counters
//! and meters that it shares with other tables, gateways. A memory that several tables use stands in
//! one stage, and so do they.

use std::collections::BTreeMap;

use p4rmt_ir::{
    CallKind, CountKind, Counter, CounterId, Expr, FieldId, Gress, GressId, MatchKind, MeterId,
    ParallelAction, ProfileId, Register, RegisterId, Selector, Table, Tables,
};

use crate::condition::masked_slices;
use crate::power::{Accesses, When};
use crate::resource::{Resource, Usage};
use crate::sizing::{
    MatchForm, MatchShape, TableLayout, action_data_memory, attached_blocks, color_map_rams,
    lay_out,
};
use crate::target::Target;
use crate::unit::{actions_of, call_args, field_slices};

/// A memory with cells of its own that tables reach by an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SharedMemory {
    /// A register.
    Register(RegisterId),
    /// A counter array.
    Counter(CounterId),
    /// An array of meters or filters.
    Meter(MeterId),
    /// The action data of an action profile, and the groups of its selector.
    Profile(ProfileId),
}

impl SharedMemory {
    /// Its name towards the control plane.
    #[must_use]
    pub fn name(self, gress: &Gress) -> &str {
        match self {
            Self::Register(register) => &gress.registers[register].name,
            Self::Counter(counter) => &gress.counters[counter].name,
            Self::Meter(meter) => &gress.meters[meter].name,
            Self::Profile(profile) => &gress.profiles[profile].name,
        }
    }
}

/// What a table asks of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDemand {
    /// What its size depends on.
    pub shape: MatchShape,
    /// The table in TCAM in front of it that finds the partition of a packet, with its entries: it
    /// stands in an earlier stage.
    pub classifier: Option<(MatchShape, u64)>,
    /// How many entries it must hold; 0 without keys.
    pub entries: u64,
    /// The memories that it reaches by an index, each once.
    pub shared: Vec<SharedMemory>,
    /// Whether each stage that it is in may have copies of all of those: action data of a profile, which
    /// packets only read.
    pub are_shared_copied: bool,
    /// ALUs of memories with one cell an entry: a part of the table in another stage needs as many
    /// there.
    pub direct_alus: Usage,
    /// Whether it needs a gateway to run, one that it may share with the condition above it.
    pub needs_gateway: bool,
    /// The stage that the program wants.
    pub stage_pragma: Option<u32>,
}

impl TableDemand {
    /// The layout of a part with so many entries; none are in the table in front of a partitioned one.
    #[must_use]
    pub fn layout_of(&self, entries: u64, target: &Target) -> Option<TableLayout> {
        match &self.classifier {
            Some((shape, entries_in_front)) if entries == 0 => {
                lay_out(shape, *entries_in_front, target)
            }
            Some(_) | None => lay_out(&self.shape, entries, target),
        }
    }

    /// Whether its entries may be divided over stages.
    #[must_use]
    pub fn is_splittable(&self) -> bool {
        self.shape.form != MatchForm::Keyless
            && (self.shared.is_empty() || self.are_shared_copied)
            && self.stage_pragma.is_none()
    }
}

/// What a table asks of a stage.
#[must_use]
pub fn table_demand(
    table: &Table,
    branches_on_action: bool,
    gress: &Gress,
    tables: &Tables,
    target: &Target,
) -> TableDemand {
    let actions: Vec<&ParallelAction> = actions_of(table)
        .into_iter()
        .map(|action| &tables.actions[action])
        .collect();
    let mut shared: Vec<SharedMemory> = actions
        .iter()
        .flat_map(|action| &action.calls)
        .filter_map(|(call, _)| shared_memory(&call.kind, gress))
        .collect();
    shared.extend(table.implementation.map(SharedMemory::Profile));
    shared.sort_unstable();
    shared.dedup();
    let mut direct_alus = Usage::default();
    direct_alus[Resource::StatsAlu] = count(table.direct_counters.len());
    direct_alus[Resource::MeterAlu] =
        count(table.direct_meters.len() + table.direct_registers.len());
    TableDemand {
        shape: MatchShape {
            overhead_bits: overhead_bits(table, branches_on_action, gress, tables, target),
            ..match_shape(table, &actions, gress, tables, target)
        },
        entries: if table.keys.is_empty() {
            0
        } else {
            table.size.max(1)
        },
        classifier: classifier_shape(table, gress, target),
        are_shared_copied: shared.iter().all(|memory| is_copied(*memory, gress)),
        shared,
        direct_alus,
        needs_gateway: table.keys.is_empty() && actions.iter().any(|action| uses_hash(action)),
        stage_pragma: table.stage_pragma,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Whether several stages may have copies of a memory.
#[must_use]
pub fn is_copied(memory: SharedMemory, gress: &Gress) -> bool {
    match memory {
        SharedMemory::Profile(profile) => gress.profiles[profile].selector.is_none(),
        SharedMemory::Register(_) | SharedMemory::Counter(_) | SharedMemory::Meter(_) => false,
    }
}

/// What the table in front of a partitioned one reads.
pub(crate) fn classifier_accesses(demand: &TableDemand, target: &Target) -> Accesses {
    let layout = demand.classifier.as_ref();
    let layout = layout.and_then(|(shape, entries)| lay_out(shape, *entries, target));
    Accesses {
        tcam_searches: layout.map_or(0, |layout| u64::from(layout.memory.tcam)),
        sram_reads: 1,
        ..Accesses::default()
    }
}

/// What a part of a table reads and writes for a packet, with the memories `shared` that it is the
/// first to reach.
pub(crate) fn table_accesses(
    demand: &TableDemand,
    table: &Table,
    entries: u64,
    shared: &[SharedMemory],
    gress: &Gress,
    target: &Target,
) -> Accesses {
    let mut accesses = Accesses::default();
    let Some(layout) = lay_out(&demand.shape, entries, target) else {
        return accesses;
    };
    match demand.shape.form {
        MatchForm::Keyless if demand.needs_gateway => {}
        MatchForm::Keyless | MatchForm::Exact | MatchForm::Partitioned { .. } => {
            accesses.sram_reads += layout.reads
        }
        MatchForm::Ternary { .. } => {
            accesses.tcam_searches += u64::from(layout.memory.tcam);
            accesses.sram_reads += 1;
        }
    }
    let word_bytes = u64::from(target.sram.width_bits / 8).max(1);
    accesses.sram_reads += layout.action_data_bytes.div_ceil(word_bytes);
    let meter = |id: &MeterId| match gress.meters[*id].filter {
        None => When::PacketEndWithColor,
        Some(_) => When::Lookup,
    };
    let marks = |id: &MeterId| gress.meters[*id].filter.is_none();
    let ends_late = table.direct_meters.iter().any(marks)
        || shared
            .iter()
            .any(|memory| matches!(memory, SharedMemory::Meter(id) if marks(id)));
    let counter = |id: CounterId| match gress.counters[id].kind {
        CountKind::Packets if !ends_late => When::Lookup,
        CountKind::Packets | CountKind::Bytes | CountKind::PacketsAndBytes => When::PacketEnd,
    };
    let cells = layout.capacity_entries;
    for id in &table.direct_counters {
        let per_word = counter_cells_per_word(&gress.counters[*id]);
        let blocks = attached_blocks(cells, per_word, target).map_ram;
        accesses.add_attached(blocks, counter(*id));
    }
    for id in &table.direct_meters {
        let blocks = attached_blocks(cells, 1, target).map_ram;
        accesses.add_attached(blocks, meter(id));
    }
    for id in &table.direct_registers {
        let per_word = register_cells_per_word(&gress.registers[*id], target);
        let blocks = attached_blocks(cells, per_word, target).map_ram;
        accesses.add_attached(blocks, When::Lookup);
    }
    for memory in shared {
        let usage = shared_usage(*memory, gress, target);
        let blocks = match memory {
            // Colours are in map RAMs of their own.
            SharedMemory::Meter(_) => usage[Resource::Sram],
            SharedMemory::Register(_) | SharedMemory::Counter(_) | SharedMemory::Profile(_) => {
                usage[Resource::MapRam]
            }
        };
        match memory {
            SharedMemory::Register(_) => accesses.add_attached(blocks, When::Lookup),
            SharedMemory::Counter(id) => accesses.add_attached(blocks, counter(*id)),
            SharedMemory::Meter(id) => accesses.add_attached(blocks, meter(id)),
            SharedMemory::Profile(id) => {
                let bytes = profile_data_bytes(*id, gress);
                accesses.sram_reads += bytes.div_ceil(word_bytes);
                if gress.profiles[*id].selector.is_some() {
                    accesses.add_attached(blocks, When::Lookup);
                }
            }
        }
    }
    if table.has_idle_timeout {
        accesses.sram_reads += 1;
        accesses.sram_writes += 1;
    }
    accesses
}

/// The memory that a call reaches by an index.
pub(crate) fn shared_memory(kind: &CallKind, gress: &Gress) -> Option<SharedMemory> {
    match kind {
        CallKind::RegisterAction {
            action,
            index: Some(_),
        } => Some(SharedMemory::Register(
            gress.register_actions[*action].register,
        )),
        CallKind::RegisterRead { register, .. } | CallKind::RegisterWrite { register, .. } => {
            Some(SharedMemory::Register(*register))
        }
        CallKind::Count {
            counter,
            index: Some(_),
        } => Some(SharedMemory::Counter(*counter)),
        CallKind::Meter {
            meter,
            index: Some(_),
            ..
        }
        | CallKind::Filter {
            meter,
            index: Some(_),
            ..
        } => Some(SharedMemory::Meter(*meter)),
        CallKind::RegisterAction { index: None, .. }
        | CallKind::Count { index: None, .. }
        | CallKind::Meter { index: None, .. }
        | CallKind::Filter { index: None, .. }
        | CallKind::Hash { .. }
        | CallKind::Random { .. }
        | CallKind::Checksum { .. }
        | CallKind::Mirror { .. }
        | CallKind::Resubmit { .. }
        | CallKind::Generate { .. }
        | CallKind::Digest { .. }
        | CallKind::V1(_) => None,
    }
}

/// What a shared memory asks of its stage: blocks with the spare one, map RAMs, its ALU.
#[must_use]
pub fn shared_usage(memory: SharedMemory, gress: &Gress, target: &Target) -> Usage {
    let mut usage = Usage::default();
    let (cells, per_word, alu) = match memory {
        SharedMemory::Register(register) => {
            let register = &gress.registers[register];
            (
                register.size,
                register_cells_per_word(register, target),
                Resource::MeterAlu,
            )
        }
        SharedMemory::Counter(counter) => {
            let counter = &gress.counters[counter];
            (
                counter.size,
                counter_cells_per_word(counter),
                Resource::StatsAlu,
            )
        }
        SharedMemory::Meter(meter) => (gress.meters[meter].size, 1, Resource::MeterAlu),
        SharedMemory::Profile(profile) => return profile_usage(profile, gress, target),
    };
    let blocks = attached_blocks(cells, per_word, target);
    usage[Resource::Sram] = blocks.sram;
    usage[Resource::MapRam] = blocks.map_ram;
    if let SharedMemory::Meter(meter) = memory
        && gress.meters[meter].filter.is_none()
    {
        usage[Resource::MapRam] += color_map_rams(blocks.map_ram, target);
    }
    usage[alu] = 1;
    usage
}

/// How many cells a memory has.
pub(crate) fn cells_of(memory: SharedMemory, gress: &Gress) -> u64 {
    match memory {
        SharedMemory::Register(register) => gress.registers[register].size,
        SharedMemory::Counter(counter) => gress.counters[counter].size,
        SharedMemory::Meter(meter) => gress.meters[meter].size,
        SharedMemory::Profile(profile) => gress.profiles[profile].size,
    }
}

/// What a profile asks of its stage: blocks for the action data of its members; for a selector, words
/// in which each member of a group has a bit, with the spare block, as many map RAMs, and a meter ALU.
fn profile_usage(id: ProfileId, gress: &Gress, target: &Target) -> Usage {
    let mut usage = Usage::default();
    let profile = &gress.profiles[id];
    let bytes = profile_data_bytes(id, gress);
    usage[Resource::Sram] = action_data_memory(bytes, profile.size, target).sram;
    if let Some(Selector { groups, .. }) = profile.selector {
        let (max_size, n_groups) = groups.map_or((1, profile.size), |limits| {
            (limits.max_size, u64::from(limits.n_groups))
        });
        let words = u64::from(max_size.div_ceil(target.selector.members_per_word).max(1));
        let blocks = attached_blocks(n_groups.saturating_mul(words), 1, target);
        usage[Resource::Sram] = usage[Resource::Sram].saturating_add(blocks.sram);
        usage[Resource::MapRam] = blocks.map_ram;
        usage[Resource::MeterAlu] = 1;
    }
    usage
}

/// Bytes of action data of a member of a profile, as they stand in memory.
fn profile_data_bytes(id: ProfileId, gress: &Gress) -> u64 {
    let tables = gress.tables.values();
    let tables = tables.filter(|table| table.implementation == Some(id));
    let actions = tables.flat_map(actions_of);
    let bytes = gress.as_tables().map_or(0, |form| {
        let bytes = actions.map(|action| action_data(&form.actions[action]).1);
        bytes.max().unwrap_or(0)
    });
    if bytes == 0 {
        0
    } else {
        bytes.next_power_of_two()
    }
}

/// Bits of an element as the memory holds it: one value, or a pair of equal ones.
fn register_cells_per_word(register: &Register, target: &Target) -> u64 {
    let bits: u32 = register.element.iter().map(|value| value.width).sum();
    u64::from(target.sram.width_bits) / u64::from(bits.clamp(1, 1 << 20)).next_power_of_two()
}

/// Counts in a word (`mau/resource_estimate.cpp`): of both kinds, 28 and 36 bits or 64 and 64.
fn counter_cells_per_word(counter: &Counter) -> u64 {
    match counter.kind {
        CountKind::Packets | CountKind::Bytes => {
            if counter.width <= 32 {
                4
            } else {
                2
            }
        }
        CountKind::PacketsAndBytes => {
            if counter.width <= 36 {
                2
            } else {
                1
            }
        }
    }
}

fn match_shape(
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
        .map(|id| counter_cells_per_word(&gress.counters[*id]));
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
        form: match_form(table, gress, target),
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

/// What a pragma asks for, if it is within bounds.
fn wanted(pragma: Option<u32>, most: u32) -> Option<u64> {
    let in_bounds = pragma.filter(|wanted| (1..=most).contains(wanted));
    in_bounds.map(u64::from)
}

/// The table in front of a partitioned one: it matches the same key and gives the partition.
fn classifier_shape(table: &Table, gress: &Gress, target: &Target) -> Option<(MatchShape, u64)> {
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

fn match_form(table: &Table, gress: &Gress, target: &Target) -> MatchForm {
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
fn action_data(action: &ParallelAction) -> (u64, u64) {
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

/// The index expression of a call.
pub(crate) fn index_of(kind: &CallKind) -> Option<&Expr> {
    match kind {
        CallKind::RegisterAction { index, .. }
        | CallKind::Count { index, .. }
        | CallKind::Meter { index, .. }
        | CallKind::Filter { index, .. } => index.as_ref(),
        CallKind::RegisterRead { index, .. } | CallKind::RegisterWrite { index, .. } => Some(index),
        CallKind::Hash { .. }
        | CallKind::Random { .. }
        | CallKind::Checksum { .. }
        | CallKind::Mirror { .. }
        | CallKind::Resubmit { .. }
        | CallKind::Generate { .. }
        | CallKind::Digest { .. }
        | CallKind::V1(_) => None,
    }
}

/// Bits of an entry beside key, version and action data.
fn overhead_bits(
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
        bits += u64::from(index_bits.clamp(rules.index_bits_min, 32));
        bits += u64::from(!is_always_called);
    }
    bits
}

/// Bits with which an entry finds its action data in a profile, and its group in a selector.
fn profile_pointer_bits(id: ProfileId, gress: &Gress, target: &Target) -> u64 {
    let rules = &target.action_data;
    let address = |cells: u64| {
        let bits = cells.max(1).next_power_of_two().ilog2();
        u64::from(bits.clamp(rules.index_bits_min, 32))
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

/// Whether an action needs the path of hash distribution or random numbers.
fn uses_hash(action: &ParallelAction) -> bool {
    action.calls.iter().any(|(call, _)| match &call.kind {
        CallKind::Hash { .. } | CallKind::Random { .. } => true,
        kind => index_of(kind).is_some_and(|index| {
            let mut is_computed = false;
            index.walk(&mut |expr| {
                is_computed |= matches!(expr, Expr::Field(_) | Expr::Local { .. })
            });
            is_computed
        }),
    })
}

/// The gress and memory that tables share, as a key that no two memories of a pipe have in common.
pub type SharedKey = (GressId, SharedMemory);
