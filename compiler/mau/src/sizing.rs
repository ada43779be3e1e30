//! How much memory a table takes: the packing rules of the machine.
//!
//! In: the [`MatchShape`] of a table, a number of entries. Out: blocks, and how many entries they
//! then hold. The rules are those of the vendor's open compiler (`mau/table_layout.cpp`,
//! `mau/resource_estimate.cpp`):
//!
//! * Exact: `pack` entries share a word `width` blocks wide; blocks are filled by hashing in at least
//!   four ways. A key that is hardly wider than the address of a word needs no hash.
//! * Ternary: blocks of TCAM side by side for the key, on top of each other for the entries; what an
//!   entry does stands in SRAM beside it. An entry with a range takes several rows.
//! * Action data stand beside the key if they are short, else in blocks of their own.

mod exact;
mod partitioned;
mod ternary;

use p4rmt_ir::MemoryUse;

use self::exact::lay_out_exact;
use self::partitioned::lay_out_partitioned;
use self::ternary::lay_out_ternary;

use crate::target::Target;

/// What the size of a table depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchShape {
    /// How it matches.
    pub form: MatchForm,
    /// Bits of key.
    pub key_bits: u64,
    /// Bytes of key as the crossbar sees them.
    pub key_bytes: u64,
    /// Of those, bytes of which only one half is used.
    pub half_bytes: u64,
    /// Of those, bytes that ranges take.
    pub range_bytes: u64,
    /// Whether the bytes of a range do not reach one block together.
    pub is_range_split: bool,
    /// Bits of an entry that name its action, what follows, and indices of attached memory.
    pub overhead_bits: u64,
    /// Bits of action data an entry.
    pub action_data_bits: u64,
    /// Bytes of action data an entry, each parameter in bytes of its own.
    pub action_data_bytes: u64,
    /// Whether a default action calls a stateful unit.
    pub default_calls_units: bool,
    /// Whether a default action has action data.
    pub default_takes_data: bool,
    /// Whether there is one action and nothing that tells entries apart but their action data.
    pub has_single_action: bool,
    /// Cells a word of each memory with one cell an entry.
    pub direct_cells_per_word: Vec<u64>,
    /// Meters with one cell an entry that mark packets, whose colours are kept.
    pub n_direct_meters: u64,
    /// Whether it keeps how long nothing has matched an entry.
    pub has_idle_times: bool,
    /// Hashed ways that the program asks for.
    pub wanted_ways: Option<u64>,
    /// Entries a word that the program asks for.
    pub wanted_pack: Option<u64>,
}

/// How a table matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchForm {
    /// It has no key.
    Keyless,
    /// All keys are exact.
    Exact,
    /// In TCAM.
    Ternary {
        /// Rows that an entry takes if its ranges are no powers of two; 1 without range keys.
        range_lines: u64,
    },
    /// In SRAM, in partitions of which a packet looks through one; entries have wildcards.
    Partitioned {
        /// How many partitions.
        partitions: u64,
        /// Bits that name one.
        index_bits: u32,
        /// Bits that an entry stores, those of wildcards twice.
        stored_bits: u64,
        /// Bytes of that.
        stored_bytes: u64,
    },
}

/// A way to lay a table out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableLayout {
    /// Entries that it holds.
    pub capacity_entries: u64,
    /// Entries that share a word; 0 where there is no SRAM for keys.
    pub pack: u64,
    /// Blocks side by side; 0 where there is no SRAM for keys.
    pub width: u64,
    /// Its blocks, memories with one cell an entry included.
    pub memory: MemoryUse,
    /// Blocks that one lookup reads: one of each way and width.
    pub reads: u64,
    /// Logical tables that it takes: entries of a partition that one does not reach are in the next.
    pub logical_tables: u32,
    /// Bytes of action data in blocks of their own.
    pub action_data_bytes: u64,
    /// Bytes of action data beside the key.
    pub immediate_bytes: u64,
    /// Ways that find their words by bits of their own.
    pub independent_ways: u32,
    /// Bits that hash functions give it: the word of each way, and the block.
    pub hash_bits: u32,
    /// Hash distribution units that it takes to find its action data.
    pub hash_dist_units: u32,
    /// Blocks of SRAM that hold what entries of TCAM do.
    pub indirection_blocks: u32,
}

/// Blocks while they are counted.
#[derive(Clone, Copy)]
struct Blocks {
    sram: u64,
    tcam: u64,
    map_ram: u64,
}

/// More blocks than any machine has; counts stop there, so that no sum overflows.
const BLOCKS_MAX: u64 = 1 << 30;

/// The cheapest layout of `entries` entries; nothing where no word is wide enough for one.
#[must_use]
pub fn lay_out(shape: &MatchShape, entries: u64, target: &Target) -> Option<TableLayout> {
    let entries = entries.clamp(1, 1 << 40);
    match shape.form {
        MatchForm::Keyless => Some(lay_out_keyless(shape, target)),
        MatchForm::Exact => lay_out_exact(shape, entries, target),
        MatchForm::Ternary { range_lines } => lay_out_ternary(shape, entries, range_lines, target),
        MatchForm::Partitioned {
            partitions,
            index_bits,
            stored_bits,
            stored_bytes,
        } => {
            let stored = (stored_bits, stored_bytes);
            lay_out_partitioned(shape, entries, (partitions, index_bits), stored, target)
        }
    }
}

/// A table without keys stores only its default action's data, if they do not fit beside.
fn lay_out_keyless(shape: &MatchShape, target: &Target) -> TableLayout {
    let beside = shape.action_data_bytes * 8 <= u64::from(target.action_data.immediate_bits);
    let bytes = if beside {
        0
    } else {
        shape.action_data_bytes.next_power_of_two()
    };
    let blocks = Blocks {
        sram: action_data_blocks(bytes, 1, target),
        tcam: 0,
        map_ram: 0,
    };
    TableLayout {
        capacity_entries: 0,
        pack: 0,
        width: 0,
        memory: blocks.finish(),
        reads: 1,
        logical_tables: 1,
        action_data_bytes: bytes,
        immediate_bytes: if beside { shape.action_data_bytes } else { 0 },
        independent_ways: 0,
        hash_bits: 0,
        hash_dist_units: 0,
        indirection_blocks: 0,
    }
}

/// Ways to divide action data: bits beside the key, bytes in blocks of their own.
fn action_data_splits(shape: &MatchShape, target: &Target) -> Vec<(u64, u64)> {
    let immediate_bits_max = u64::from(target.action_data.immediate_bits);
    let bytes = shape.action_data_bytes;
    if bytes == 0 {
        return vec![(0, 0)];
    }
    let mut splits = Vec::new();
    if bytes * 8 <= immediate_bits_max {
        splits.push((shape.action_data_bits, 0));
    } else {
        let rest = bytes - immediate_bits_max / 8;
        splits.push((immediate_bits_max, rest.next_power_of_two()));
    }
    splits.push((0, bytes.next_power_of_two()));
    splits.retain(|(_, bytes)| *bytes <= u64::from(target.action_data.entry_bytes_max));
    splits
}

/// Blocks of action data outside the entry.
fn action_data_blocks(bytes: u64, entries: u64, target: &Target) -> u64 {
    let word_bytes = u64::from(target.sram.width_bits / 8).max(1);
    if bytes == 0 {
        0
    } else if bytes <= word_bytes {
        blocks_for(entries, word_bytes / bytes, target)
    } else {
        blocks_for(entries, 1, target) * bytes.div_ceil(word_bytes)
    }
}

/// The memory of the action data of an action profile.
#[must_use]
pub fn action_data_memory(bytes: u64, members: u64, target: &Target) -> MemoryUse {
    Blocks {
        sram: action_data_blocks(bytes, members, target),
        tcam: 0,
        map_ram: 0,
    }
    .finish()
}

/// Memories with one cell an entry: each has a spare block and as many map RAMs as blocks.
fn add_direct_memories(blocks: &mut Blocks, shape: &MatchShape, entries: u64, target: &Target) {
    for &per_word in &shape.direct_cells_per_word {
        let memory = attached_blocks(entries, per_word, target);
        blocks.sram += u64::from(memory.sram);
        blocks.map_ram += u64::from(memory.map_ram);
    }
    let colors = color_map_rams(attached_blocks(entries, 1, target).sram, target);
    blocks.map_ram += shape.n_direct_meters * u64::from(colors);
    if shape.has_idle_times {
        blocks.map_ram += blocks_for(entries, u64::from(target.meter.idle_times_per_word), target);
    }
}

/// Map RAMs that hold the colours of a meter of so many blocks.
#[must_use]
pub fn color_map_rams(blocks: u32, target: &Target) -> u32 {
    let filled = blocks.saturating_sub(target.salu.spare_banks);
    filled.div_ceil(target.meter.blocks_per_color_ram)
}

/// The memory of a register, counter or meter with this many cells, so many a word: with the spare
/// block, and with as many map RAMs.
#[must_use]
pub fn attached_blocks(cells: u64, per_word: u64, target: &Target) -> MemoryUse {
    let n_blocks = blocks_for(cells, per_word, target) + u64::from(target.salu.spare_banks);
    Blocks {
        sram: n_blocks,
        tcam: 0,
        map_ram: n_blocks,
    }
    .finish()
}

fn blocks_for(cells: u64, per_word: u64, target: &Target) -> u64 {
    cells
        .div_ceil(per_word.max(1) * u64::from(target.sram.depth_words))
        .min(BLOCKS_MAX)
}

impl Blocks {
    fn finish(self) -> MemoryUse {
        let count = |n: u64| u32::try_from(n.min(BLOCKS_MAX)).expect("BLOCKS_MAX fits");
        MemoryUse {
            sram: count(self.sram),
            tcam: count(self.tcam),
            map_ram: count(self.map_ram),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(key_bits: u64, overhead_bits: u64, action_data_bits: u64) -> MatchShape {
        MatchShape {
            form: MatchForm::Exact,
            key_bits,
            key_bytes: key_bits.div_ceil(8),
            half_bytes: u64::from((1..=4).contains(&(key_bits % 8))),
            range_bytes: 0,
            is_range_split: false,
            overhead_bits,
            action_data_bits,
            action_data_bytes: action_data_bits.div_ceil(8),
            default_calls_units: false,
            default_takes_data: false,
            has_single_action: false,
            direct_cells_per_word: Vec::new(),
            n_direct_meters: 0,
            has_idle_times: false,
            wanted_ways: None,
            wanted_pack: None,
        }
    }

    fn ternary(key_bytes: u64, range_lines: u64) -> MatchShape {
        MatchShape {
            form: MatchForm::Ternary { range_lines },
            key_bytes,
            ..exact(key_bytes * 8, 1, 0)
        }
    }

    #[track_caller]
    fn check(shape: &MatchShape, entries: u64, expected: (u32, u32, u32)) {
        let target = Target::built_in("tofino2").expect("built in");
        let memory = lay_out(shape, entries, &target)
            .expect("it fits a word")
            .memory;
        assert_eq!((memory.sram, memory.tcam, memory.map_ram), expected);
    }

    #[test]
    fn the_smallest_hashed_table_takes_four_blocks() {
        check(&exact(32, 1, 0), 1, (4, 0, 0));
        check(&exact(32, 1, 0), 4096, (4, 0, 0));
    }

    #[test]
    fn a_short_key_needs_no_hash() {
        check(&exact(8, 1, 0), 256, (1, 0, 0));
        check(&exact(10, 1, 0), 1024, (1, 0, 0));
    }

    #[test]
    fn a_key_for_every_value_and_one_action_needs_no_key_memory() {
        let mut shape = exact(12, 0, 64);
        shape.has_single_action = true;
        check(&shape, 4096, (2, 0, 0));
    }

    #[test]
    fn a_program_may_ask_for_ways_and_entries_a_word() {
        // 60 bits: by itself two a word in four ways; eight share a word of five blocks.
        let mut shape = exact(60, 1, 0);
        check(&shape, 4096, (4, 0, 0));
        shape.wanted_pack = Some(8);
        shape.wanted_ways = Some(5);
        check(&shape, 4096, (25, 0, 0));
        shape.wanted_pack = None;
        // Five share a word of three blocks, in ways of two, one, one, one and one.
        check(&shape, 30_000, (18, 0, 0));
    }

    #[test]
    fn a_wide_key_takes_blocks_side_by_side() {
        // 104 bits and 15 beside: one entry a word, 32 words deep; or 32,768 entries in 32 blocks.
        check(&exact(104, 0, 15), 32_768, (32, 0, 0));
        // A key of 300 bits: three blocks side by side, four ways.
        check(&exact(300, 0, 0), 1024, (12, 0, 0));
    }

    #[test]
    fn a_key_wider_than_eight_blocks_has_no_layout() {
        let target = Target::built_in("tofino2").expect("built in");
        assert!(lay_out(&exact(1000, 0, 0), 1, &target).is_some());
        assert_eq!(lay_out(&exact(1025, 0, 0), 1, &target), None);
    }

    #[test]
    fn tcam_blocks_pair_up_for_eleven_bytes() {
        check(&ternary(5, 1), 512, (1, 1, 0));
        // A half byte beside five whole ones leaves none for the version.
        let mut half_byte = ternary(6, 1);
        half_byte.half_bytes = 1;
        check(&half_byte, 512, (1, 2, 0));
        check(&ternary(6, 1), 512, (1, 2, 0));
        check(&ternary(7, 1), 512, (1, 2, 0));
        let mut half_byte = ternary(11, 1);
        half_byte.half_bytes = 1;
        check(&half_byte, 512, (1, 2, 0));
        check(&ternary(10, 1), 512, (1, 2, 0));
        check(&ternary(11, 1), 512, (1, 3, 0));
        check(&ternary(12, 1), 513, (1, 6, 0));
    }

    #[test]
    fn a_quarter_of_the_entries_of_a_range_table_takes_more_rows() {
        // 1024 entries, 256 of them with 7 rows each: 2560 rows, five blocks.
        check(&ternary(4, 7), 1024, (1, 5, 0));
    }

    /// 32,768 entries of four bytes under masks in 1,024 partitions: 32 each, three in a word of two
    /// blocks; five blocks that are searched in order make a logical table.
    #[test]
    fn partitions_stand_in_as_many_blocks_as_one_has_words() {
        let mut shape = exact(42, 1, 9);
        shape.form = MatchForm::Partitioned {
            partitions: 1024,
            index_bits: 10,
            stored_bits: 64,
            stored_bytes: 8,
        };
        check(&shape, 32_768, (22, 0, 0));
        let target = Target::built_in("tofino2").expect("built in");
        let layout = lay_out(&shape, 32_768, &target).expect("it fits a word");
        assert_eq!(
            (layout.logical_tables, layout.pack, layout.width),
            (3, 3, 2)
        );
        let again = lay_out(&shape, layout.capacity_entries, &target).expect("it fits");
        assert_eq!(again.memory, layout.memory, "what it holds fills it");
    }

    #[test]
    fn long_action_data_stand_in_blocks_of_their_own() {
        // 128 bits an entry: 4096 entries of four bytes of key with the data beside them or not.
        check(&exact(32, 1, 128), 1024, (8, 0, 0));
    }

    #[test]
    fn direct_memories_have_a_spare_block_and_map_ram() {
        let mut shape = exact(32, 1, 0);
        shape.direct_cells_per_word = vec![4];
        // Three entries a word, four blocks: 12,288 counters, three blocks and a spare one.
        check(&shape, 1, (6, 0, 2));
    }

    #[test]
    fn absurd_sizes_neither_overflow_nor_hang() {
        let target = Target::built_in("tofino1").expect("built in");
        for entries in [0, u64::MAX] {
            assert!(lay_out(&exact(32, 1, 128), entries, &target).is_some());
            assert!(lay_out(&ternary(40, 8), entries, &target).is_some());
        }
    }
}
