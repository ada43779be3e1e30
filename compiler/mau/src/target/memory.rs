//! Memories: their blocks, and how entries, action data and cells fill them.

use serde::Deserialize;

use super::ends::Number;

/// An SRAM block.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SramBlock {
    /// Words.
    pub depth_words: u32,
    /// Bits a word.
    pub width_bits: u32,
}

/// A TCAM block and how keys fill it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcamRules {
    /// Rows of a block.
    pub depth_rows: u32,
    /// Bytes of key that two blocks side by side hold.
    pub pair_key_bytes: u32,
    /// Bytes of key that one block alone holds.
    pub single_key_bytes: u32,
    /// Bits of a range key from which it stands in a container whose bytes can't all reach one block.
    pub range_split_bits: u32,
    /// Most rows that one entry with a range takes.
    pub range_lines_max: u32,
    /// How many of a hundred entries are taken to need them.
    pub range_entries_percent: u32,
    /// Most bits of a range key.
    pub range_key_bits_max: u32,
    /// Blocks in a row that may hold what entries of TCAM do: they share a bus to where that is read.
    pub indirection_row_blocks: u32,
}

/// How entries of exact tables fill SRAM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExactRules {
    /// Most entries in one word of one block.
    pub entries_per_word_max: u32,
    /// Most entries in one word of several blocks side by side.
    pub pack_max: u32,
    /// Most blocks side by side.
    pub width_rams_max: u32,
    /// Most bits of a word that are not key.
    pub overhead_bits_max: u32,
    /// Bits of an entry that make changing it atomic.
    pub version_bits: u32,
    /// Least independent hash ways.
    pub ways_min: u32,
    /// Most ways that a program may ask for.
    pub ways_max: u32,
    /// Key bits beyond the address of a word that may still be looked up without a hash.
    pub identity_extra_bits_max: u32,
    /// Bits of a hash that pick the word of a block.
    pub hash_index_bits: u32,
    /// Blocks that one logical table searches in order, where entries have priorities.
    pub partition_blocks_max: u32,
}

/// What an entry carries for its action.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionDataRules {
    /// Bits of action data that fit beside the key.
    pub immediate_bits: u32,
    /// Bits of a constant that an instruction holds; larger ones are action data.
    pub inline_constant_bits: u32,
    /// The same of a negative one, beside the ones above them.
    pub inline_negative_bits: u32,
    /// Bits of a constant that an instruction holds that fills a container with it.
    pub load_constant_bits: u32,
    /// Most bytes of action data an entry.
    pub entry_bytes_max: u32,
    /// Actions up to which an entry names its action by a short code.
    pub short_codes: u32,
    /// Bits that name an action otherwise.
    pub instruction_address_bits: u32,
    /// Bits that name what follows an action, where its code does not.
    pub next_table_bits: u32,
    /// Least bits of an index into a register, counter or meter that an entry carries.
    pub index_bits_min: u32,
}

/// Memory of meters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterRules {
    /// Blocks whose colours one map RAM holds.
    pub blocks_per_color_ram: u32,
    /// Entries whose idle times a word of map RAM holds.
    pub idle_times_per_word: u32,
}

/// Memory of action selectors.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectorRules {
    /// Members of a group that a word holds.
    pub members_per_word: u32,
    /// Bits of hash that pick a member.
    pub select_bits: u32,
    /// Bits of a hash that pick the word of a group that has several.
    pub word_bits: u32,
}

impl SramBlock {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("depth_words", self.depth_words, 1),
            ("width_bits", self.width_bits, 1),
        ]
    }
}

impl TcamRules {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("depth_rows", self.depth_rows, 1),
            ("pair_key_bytes", self.pair_key_bytes, 1),
            ("single_key_bytes", self.single_key_bytes, 1),
            ("range_split_bits", self.range_split_bits, 0),
            ("range_lines_max", self.range_lines_max, 1),
            ("range_entries_percent", self.range_entries_percent, 0),
            ("range_key_bits_max", self.range_key_bits_max, 0),
            ("indirection_row_blocks", self.indirection_row_blocks, 1),
        ]
    }
}

impl ExactRules {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("entries_per_word_max", self.entries_per_word_max, 1),
            ("pack_max", self.pack_max, 1),
            ("width_rams_max", self.width_rams_max, 1),
            ("overhead_bits_max", self.overhead_bits_max, 1),
            ("version_bits", self.version_bits, 0),
            ("ways_min", self.ways_min, 1),
            ("ways_max", self.ways_max, 1),
            ("identity_extra_bits_max", self.identity_extra_bits_max, 0),
            ("hash_index_bits", self.hash_index_bits, 0),
            ("partition_blocks_max", self.partition_blocks_max, 1),
        ]
    }
}

impl ActionDataRules {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("immediate_bits", self.immediate_bits, 0),
            ("inline_constant_bits", self.inline_constant_bits, 0),
            ("inline_negative_bits", self.inline_negative_bits, 0),
            ("load_constant_bits", self.load_constant_bits, 0),
            ("entry_bytes_max", self.entry_bytes_max, 0),
            ("short_codes", self.short_codes, 0),
            ("instruction_address_bits", self.instruction_address_bits, 0),
            ("next_table_bits", self.next_table_bits, 0),
            ("index_bits_min", self.index_bits_min, 0),
        ]
    }
}

impl MeterRules {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("blocks_per_color_ram", self.blocks_per_color_ram, 1),
            ("idle_times_per_word", self.idle_times_per_word, 1),
        ]
    }
}

impl SelectorRules {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("members_per_word", self.members_per_word, 1),
            ("select_bits", self.select_bits, 0),
            ("word_bits", self.word_bits, 0),
        ]
    }
}
