//! Exact tables: words that entries share, and hashed ways of blocks.

use super::{
    BLOCKS_MAX, Blocks, MatchShape, TableLayout, action_data_blocks, action_data_splits,
    add_direct_memories,
};
use crate::target::Target;

pub(super) fn lay_out_exact(
    shape: &MatchShape,
    entries: u64,
    target: &Target,
) -> Option<TableLayout> {
    let mut options = Vec::new();
    for (immediate_bits, table_bytes) in action_data_splits(shape, target) {
        options.extend(by_position(
            shape,
            immediate_bits,
            table_bytes,
            entries,
            target,
        ));
        let packs = 1..=u64::from(target.exact.pack_max);
        let is_wanted = |pack: &u64| shape.wanted_pack.is_none_or(|wanted| *pack == wanted);
        for pack in packs.filter(is_wanted) {
            let Some(width) = word_width(shape, immediate_bits, pack, target) else {
                break;
            };
            let is_multiple = if width > pack {
                width % pack == 0 && pack != 1
            } else {
                pack % width == 0 && width != 1
            };
            if is_multiple && shape.wanted_pack.is_none() {
                continue;
            }
            let depth_words = u64::from(target.sram.depth_words);
            let ways = ways(shape, table_bytes, pack, entries, target);
            let depth: u64 = ways.blocks.iter().sum();
            let capacity_entries = depth * pack * depth_words;
            let mut blocks = Blocks {
                sram: depth * width,
                tcam: 0,
                map_ram: 0,
            };
            blocks.sram += action_data_blocks(table_bytes, capacity_entries, target);
            add_direct_memories(&mut blocks, shape, capacity_entries, target);
            options.push((
                TableLayout {
                    capacity_entries,
                    pack,
                    width,
                    memory: blocks.finish(),
                    reads: ways.blocks.len() as u64 * width,
                    logical_tables: 1,
                    action_data_bytes: table_bytes,
                    immediate_bytes: immediate_bits.div_ceil(8),
                    independent_ways: ways.n_independent,
                    hash_bits: ways.hash_bits,
                    hash_dist_units: 0,
                    indirection_blocks: 0,
                },
                table_bytes,
            ));
        }
    }
    options
        .into_iter()
        .min_by_key(|(layout, table_bytes)| {
            let entries_last = std::cmp::Reverse(layout.capacity_entries);
            (
                layout.memory.sram,
                layout.width,
                *table_bytes,
                entries_last,
                layout.pack,
            )
        })
        .map(|(layout, _)| layout)
}

/// A table whose key is the position of the entry: one action, an entry for each value of the key,
/// and nothing to store but action data.
fn by_position(
    shape: &MatchShape,
    immediate_bits: u64,
    table_bytes: u64,
    entries: u64,
    target: &Target,
) -> Option<(TableLayout, u64)> {
    let is_full = shape.key_bits < 40 && entries == 1 << shape.key_bits;
    let key_bits = u32::try_from(shape.key_bits).unwrap_or(u32::MAX);
    let stores_nothing = shape.overhead_bits == 0 && immediate_bits == 0;
    if !(is_full && stores_nothing && shape.has_single_action) {
        return None;
    }
    let mut blocks = Blocks {
        sram: action_data_blocks(table_bytes, entries, target),
        tcam: 0,
        map_ram: 0,
    };
    add_direct_memories(&mut blocks, shape, entries, target);
    let layout = TableLayout {
        capacity_entries: entries,
        pack: 0,
        width: 0,
        memory: blocks.finish(),
        reads: 0,
        logical_tables: 1,
        action_data_bytes: table_bytes,
        immediate_bytes: 0,
        independent_ways: 0,
        hash_bits: key_bits,
        hash_dist_units: key_bits.div_ceil(target.hash.dist_unit_bits),
        indirection_blocks: 0,
    };
    Some((layout, table_bytes))
}

/// Blocks side by side for `pack` entries; nothing where a word can't be that wide.
fn word_width(shape: &MatchShape, immediate_bits: u64, pack: u64, target: &Target) -> Option<u64> {
    let exact = &target.exact;
    let word_bits = u64::from(target.sram.width_bits);
    let overhead_bits = immediate_bits + shape.overhead_bits;
    let entry_bits = overhead_bits + u64::from(exact.version_bits) + shape.key_bits;
    let width = [
        (pack * entry_bits).div_ceil(word_bits),
        (pack * shape.key_bytes).div_ceil((word_bits / 8).max(1)),
        (pack * overhead_bits).div_ceil(u64::from(exact.overhead_bits_max)),
        pack.div_ceil(u64::from(exact.entries_per_word_max)),
    ]
    .into_iter()
    .max()
    .unwrap_or(1)
    .max(1);
    (width <= u64::from(exact.width_rams_max)).then_some(width)
}

/// The ways of an exact table.
struct Ways {
    /// By way: blocks on top of each other.
    blocks: Vec<u64>,
    /// How many of them find their words by bits of their own.
    n_independent: u32,
    /// Bits that find a word of each.
    hash_bits: u32,
}

/// The ways of `entries` entries, `pack` a word (`calculate_way_sizes` of the vendor's compiler).
fn ways(shape: &MatchShape, table_bytes: u64, pack: u64, entries: u64, target: &Target) -> Ways {
    let exact = &target.exact;
    let index_bits = u64::from(exact.hash_index_bits);
    let depth = entries.div_ceil(pack * u64::from(target.sram.depth_words));
    let without_hash = |blocks: u64| Ways {
        blocks: vec![blocks],
        n_independent: 1,
        hash_bits: exact.hash_index_bits + blocks.next_power_of_two().ilog2(),
    };
    if let Some(wanted) = shape.wanted_ways {
        return Ways::of_blocks(wanted_ways(wanted, depth), usize::MAX, target);
    }
    if shape.key_bits < index_bits && depth == 1 {
        return without_hash(1);
    }
    let hashed = depth.max(u64::from(exact.ways_min));
    let extra_bits = shape.key_bits.saturating_sub(index_bits);
    // A miss then needs a word of its own, and a key of all ones would collide with it.
    let has_miss_entry = shape.default_calls_units
        || (shape.default_takes_data && table_bytes > 0)
        || shape.has_idle_times;
    if extra_bits <= u64::from(exact.identity_extra_bits_max) && extra_bits < 32 && !has_miss_entry
    {
        let identity = (1_u64 << extra_bits).div_ceil(pack).next_power_of_two();
        if identity <= hashed {
            return without_hash(identity);
        }
    }
    let n_ways = u64::from(exact.ways_min).max(1);
    let mut blocks = Vec::new();
    if hashed < 2 * n_ways {
        blocks.extend((0..n_ways).map(|way| 1 + u64::from(way < hashed - n_ways)));
    } else {
        // Equal ways as large as they can be, then smaller ones for the rest.
        let mut size = 1 << (hashed.min(64).ilog2() - n_ways.ilog2());
        let mut rest = hashed;
        while rest > 0 {
            if size > rest {
                size /= 2;
            } else if blocks.len() >= WAYS_MAX {
                let last = blocks.len() - 1;
                blocks[last] += rest;
                rest = 0;
            } else {
                blocks.push(size);
                rest -= size;
            }
        }
    }
    Ways::of_blocks(blocks, exact.ways_min as usize, target)
}

impl Ways {
    /// Ways of so many blocks. Those beyond the independent ones find their words by the same bits.
    fn of_blocks(blocks: Vec<u64>, n_independent: usize, target: &Target) -> Self {
        let exact = &target.exact;
        let select = |way: &u64| way.next_power_of_two().ilog2();
        let independent = blocks.iter().take(n_independent);
        let hash_bits = independent
            .map(|way| exact.hash_index_bits + select(way))
            .sum();
        let n_independent = u32::try_from(blocks.len().min(n_independent)).unwrap_or(u32::MAX);
        Self {
            blocks,
            n_independent,
            hash_bits,
        }
    }
}

/// As many ways as the program asks for, each a power of two of blocks, `depth` blocks or more in all.
fn wanted_ways(wanted: u64, depth: u64) -> Vec<u64> {
    let n_ways = wanted.clamp(1, WAYS_MAX as u64);
    let mut rest = depth.min(BLOCKS_MAX);
    let mut blocks = Vec::new();
    for way in 0..n_ways {
        let size = rest.max(1).div_ceil(n_ways - way).next_power_of_two();
        rest = rest.saturating_sub(size);
        blocks.push(size);
    }
    blocks
}

/// Ways of a table that is larger than any machine; the rest counts as one.
const WAYS_MAX: usize = 128;
