//! Tables in TCAM: blocks side by side for the key, on top of each other for the entries.

use super::{
    Blocks, MatchShape, TableLayout, action_data_blocks, action_data_splits, add_direct_memories,
    blocks_for,
};
use crate::target::Target;

/// Blocks of TCAM side by side for a key.
///
/// A block takes some bytes by itself; two side by side share one more, a half each. A half also holds
/// the version of an entry. The vendor's compiler adds shared bytes and blocks in turn until the key
/// has room (`mau/tofino/input_xbar.cpp`), then takes as many blocks as the halves need
/// (`mau/table_format.cpp`).
fn tcam_width(shape: &MatchShape, target: &Target) -> u64 {
    let alone = u64::from(target.tcam.single_key_bytes);
    let has_shared = u64::from(target.tcam.pair_key_bytes) > 2 * alone;
    let (mut blocks, mut halves) = (if shape.is_range_split { 2 } else { 1 }, 0);
    loop {
        let whole = halves / 2;
        let has_room = alone * blocks + whole >= shape.key_bytes;
        let has_half = halves % 2 == 1
            && shape.half_bytes > 0
            && alone * blocks + whole + 1 >= shape.key_bytes;
        if has_room || has_half {
            break;
        }
        if has_shared && blocks > halves {
            halves += 1;
        } else {
            blocks += 1;
        }
    }
    let shareable = shape.key_bytes - shape.range_bytes.min(shape.key_bytes);
    let whole = (halves / 2).min(shareable);
    let half = if halves % 2 == 1 {
        shape.half_bytes.min(1)
    } else {
        0
    };
    let version = 1;
    blocks.max(2 * whole + half + version)
}

pub(super) fn lay_out_ternary(
    shape: &MatchShape,
    entries: u64,
    range_lines: u64,
    target: &Target,
) -> Option<TableLayout> {
    let tcam = &target.tcam;
    let percent = u64::from(tcam.range_entries_percent).min(100);
    let n_ranges = if range_lines > 1 {
        entries * percent / 100
    } else {
        0
    };
    let rows = n_ranges * range_lines + (entries - n_ranges);
    let depth_rows = u64::from(tcam.depth_rows);
    let depth = rows.div_ceil(depth_rows);
    let capacity_entries = if range_lines > 1 {
        entries
    } else {
        depth * depth_rows
    };
    let width = tcam_width(shape, target);
    action_data_splits(shape, target)
        .into_iter()
        .filter(|(immediate, _)| {
            immediate + shape.overhead_bits <= u64::from(target.exact.overhead_bits_max)
        })
        .map(|(immediate_bits, table_bytes)| {
            let mut blocks = Blocks {
                sram: 0,
                tcam: depth * width,
                map_ram: 0,
            };
            let beside_bits = (immediate_bits + shape.overhead_bits)
                .max(8)
                .next_power_of_two();
            let per_word = u64::from(target.sram.width_bits) / beside_bits;
            let indirection = blocks_for(depth * depth_rows, per_word, target);
            let indirection_blocks = u32::try_from(indirection).unwrap_or(u32::MAX);
            blocks.sram += indirection;
            blocks.sram += action_data_blocks(table_bytes, depth * depth_rows, target);
            add_direct_memories(&mut blocks, shape, depth * depth_rows, target);
            TableLayout {
                capacity_entries,
                pack: 0,
                width,
                memory: blocks.finish(),
                reads: 1,
                logical_tables: 1,
                action_data_bytes: table_bytes,
                immediate_bytes: immediate_bits.div_ceil(8),
                independent_ways: 0,
                hash_bits: 0,
                hash_dist_units: 0,
                indirection_blocks,
            }
        })
        .min_by_key(|layout| layout.memory.sram)
}
