//! Tables in partitions of SRAM, whose entries have wildcards.

use super::{
    Blocks, MatchShape, TableLayout, action_data_blocks, action_data_splits, add_direct_memories,
};
use crate::target::Target;

/// A table in partitions: a word of each block belongs to one partition, so that the entries of one stand
/// in as many blocks as it has words (`options_to_atcam_entries` of the vendor's compiler).
pub(super) fn lay_out_partitioned(
    shape: &MatchShape,
    entries: u64,
    (partitions, index_bits): (u64, u32),
    (stored_bits, stored_bytes): (u64, u64),
    target: &Target,
) -> Option<TableLayout> {
    let exact = &target.exact;
    let word_bits = u64::from(target.sram.width_bits);
    let depth_words = u64::from(target.sram.depth_words);
    let per_partition = entries.div_ceil(partitions.max(1));
    let deep = partitions.max(1).div_ceil(depth_words);
    let mut options = Vec::new();
    for (immediate_bits, table_bytes) in action_data_splits(shape, target) {
        let overhead = immediate_bits + shape.overhead_bits;
        for pack in 1..=u64::from(exact.entries_per_word_max) {
            let entry = overhead + u64::from(exact.version_bits) + stored_bits;
            let width = [
                (pack * entry).div_ceil(word_bits),
                (pack * stored_bytes).div_ceil((word_bits / 8).max(1)),
                1,
            ];
            let width = width.into_iter().max().unwrap_or(1);
            // What entries say beside their keys comes over one bus.
            let is_possible = pack * overhead <= u64::from(exact.overhead_bits_max)
                && width <= u64::from(exact.width_rams_max);
            if !is_possible {
                break;
            }
            let words = per_partition.div_ceil(pack);
            let capacity_entries = words.saturating_mul(pack * partitions.max(1));
            let mut blocks = Blocks {
                sram: words * deep * width,
                tcam: 0,
                map_ram: 0,
            };
            blocks.sram += action_data_blocks(table_bytes, capacity_entries, target);
            add_direct_memories(&mut blocks, shape, capacity_entries, target);
            let logical = words.div_ceil(u64::from(exact.partition_blocks_max));
            let layout = TableLayout {
                capacity_entries,
                pack,
                width,
                memory: blocks.finish(),
                reads: words * width,
                logical_tables: u32::try_from(logical).unwrap_or(u32::MAX),
                action_data_bytes: table_bytes,
                immediate_bytes: immediate_bits.div_ceil(8),
                independent_ways: 1,
                hash_bits: index_bits,
                hash_dist_units: 0,
                indirection_blocks: 0,
            };
            options.push((blocks.sram, width, table_bytes, pack, layout));
        }
    }
    let least = options
        .into_iter()
        .min_by_key(|(sram, width, bytes, pack, _)| (*sram, *width, *bytes, *pack));
    least.map(|(.., layout)| layout)
}
