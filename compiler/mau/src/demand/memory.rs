//! Memories with cells of their own that tables reach by an index, and what they ask of a stage.

use p4rmt_ir::{
    CallKind, CountKind, Counter, CounterId, Expr, Gress, GressId, MeterId, ProfileId, Register,
    RegisterId, Selector,
};

use super::shape::action_data;
use crate::resource::{Resource, Usage};
use crate::sizing::{action_data_memory, attached_blocks, color_map_rams};
use crate::target::Target;
use crate::unit::actions_of;

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

/// Whether several stages may have copies of a memory.
#[must_use]
pub fn is_copied(memory: SharedMemory, gress: &Gress) -> bool {
    match memory {
        SharedMemory::Profile(profile) => gress.profiles[profile].selector.is_none(),
        SharedMemory::Register(_) | SharedMemory::Counter(_) | SharedMemory::Meter(_) => false,
    }
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
                counter_cells_per_word(counter, target),
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
pub(super) fn profile_data_bytes(id: ProfileId, gress: &Gress) -> u64 {
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
pub(super) fn register_cells_per_word(register: &Register, target: &Target) -> u64 {
    let bits: u32 = register.element.iter().map(|value| value.width).sum();
    u64::from(target.sram.width_bits) / u64::from(bits.clamp(1, 1 << 20)).next_power_of_two()
}

/// Counts in a word (`mau/resource_estimate.cpp`): of both kinds, 28 and 36 bits or 64 and 64.
pub(super) fn counter_cells_per_word(counter: &Counter, target: &Target) -> u64 {
    let bits = match counter.kind {
        CountKind::Packets | CountKind::Bytes if counter.width <= 32 => 32,
        CountKind::Packets | CountKind::Bytes => 64,
        CountKind::PacketsAndBytes if counter.width <= 36 => 64,
        CountKind::PacketsAndBytes => 128,
    };
    (u64::from(target.sram.width_bits) / bits).max(1)
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

/// The gress and memory that tables share, as a key that no two memories of a pipe have in common.
pub type SharedKey = (GressId, SharedMemory);
