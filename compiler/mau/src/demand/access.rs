//! What tables read and write of memories for a packet.

use p4rmt_ir::{CountKind, CounterId, Gress, MeterId, Table};

use super::memory::{
    counter_cells_per_word, profile_data_bytes, register_cells_per_word, shared_usage,
};
use super::{SharedMemory, TableDemand};
use crate::power::{Accesses, When};
use crate::resource::Resource;
use crate::sizing::{MatchForm, attached_blocks, lay_out};
use crate::target::Target;

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
        let per_word = counter_cells_per_word(&gress.counters[*id], target);
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
