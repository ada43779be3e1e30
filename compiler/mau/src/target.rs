//! The description of a machine: the one place where its limits are.
//!
//! In: the text of a TOML file, ours (`targets/`) or a user's copy of it. Out: a [`Target`] whose
//! numbers are all within [`RANGE`], so that no sum over them overflows and no division is by zero;
//! or an error that says where the text is wrong.

mod clock;
mod ends;
mod memory;

use serde::Deserialize;

pub use clock::{AroundStages, LatencyModel, PowerModel};
pub use ends::{ClotLimits, DeparserLimits, ParserLimits, PhvLimits};
pub use memory::{ActionDataRules, ExactRules, MeterRules, SelectorRules, SramBlock, TcamRules};

/// What any limit may be, but for those that may be 0.
const RANGE: std::ops::RangeInclusive<u32> = 1..=65_536;

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name, as `--target` knows it.
    pub name: String,
    /// The architecture whose programs it runs: `tna` or `t2na`.
    pub arch: String,
    /// The pipe as a whole.
    pub machine: MachineLimits,
    /// What each stage has.
    pub stage: StageLimits,
    /// An SRAM block.
    pub sram: SramBlock,
    /// A TCAM block and how keys fill it.
    pub tcam: TcamRules,
    /// How entries of exact tables fill SRAM.
    pub exact: ExactRules,
    /// What an entry carries for its action.
    pub action_data: ActionDataRules,
    /// What one gateway can compare.
    pub gateway: GatewayLimits,
    /// What one stateful ALU can do.
    pub salu: SaluLimits,
    /// Clocks.
    pub latency: LatencyModel,
    /// Clocks around the stages.
    pub around: AroundStages,
    /// Hash distribution.
    pub hash: HashRules,
    /// Meters.
    pub meter: MeterRules,
    /// Memory of action selectors.
    pub selector: SelectorRules,
    /// What fields share containers.
    pub containers: ContainerRules,
    /// What an access to a memory costs.
    pub power: PowerModel,
    /// Containers.
    pub phv: PhvLimits,
    /// Bytes that pass beside them.
    pub clot: ClotLimits,
    /// The parser of each gress.
    pub parser: ParserLimits,
    /// The deparser of each gress.
    pub deparser: DeparserLimits,
}

/// Limits of the pipe as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineLimits {
    /// Match-action stages.
    pub stages: u32,
    /// Ways in which a table can lead to one that is not the next: with none, all that a table
    /// leads to stands before anything else of its gress.
    pub long_branch_tags: u32,
    /// The clock in megahertz.
    pub clock_mhz: u32,
}

/// What each stage has, for both gresses together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageLimits {
    /// Logical tables.
    pub logical_tables: u32,
    /// SRAM blocks.
    pub sram_blocks: u32,
    /// Map RAM blocks.
    pub map_rams: u32,
    /// TCAM blocks.
    pub tcam_blocks: u32,
    /// Gateways.
    pub gateways: u32,
    /// Meter ALUs, which stateful ALUs are.
    pub meter_alus: u32,
    /// ALUs of counters.
    pub stats_alus: u32,
    /// Bytes of the exact match crossbar.
    pub exact_xbar_bytes: u32,
    /// Bytes of the ternary match crossbar.
    pub ternary_xbar_bytes: u32,
    /// Bits that hash functions give.
    pub hash_bits: u32,
    /// Hash distribution units of 16 bits.
    pub hash_dist_units: u32,
    /// Rows of instruction memory.
    pub vliw_rows: u32,
    /// Bytes of the action data bus.
    pub action_bus_bytes: u32,
    /// Hash functions, which share the hash bits evenly.
    pub hash_functions: u32,
    /// Buses that bring keys of exact tables to their rows of memory.
    pub search_buses: u32,
    /// Buses that bring what an entry of SRAM says, or a gateway instead of it, to where it is read.
    pub result_buses: u32,
    /// Tables in TCAM.
    pub ternary_tables: u32,
    /// Buses that bring what an entry of TCAM says, or a default action without a key.
    pub ternary_result_buses: u32,
}

/// What one gateway can compare.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayLimits {
    /// Bytes that are compared with constants, or with each other.
    pub phv_bytes: u32,
    /// Bits more, which come through the hash matrix; only these are ordered.
    pub hash_bits: u32,
    /// Rows: alternatives joined by or.
    pub rows: u32,
    /// Rows that may say what a table does, instead of its entries.
    pub payloads: u32,
}

/// What one stateful ALU can do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaluLimits {
    /// Comparisons of one register action.
    pub comparators: u32,
    /// Fields that all actions of a register read together.
    pub phv_operands: u32,
    /// Width of such a field in bits.
    pub phv_operand_bits_max: u32,
    /// Register actions of a register.
    pub actions_per_register: u32,
    /// Values that one call computes, those written back unchanged included.
    pub computed_values: u32,
    /// Alternatives of one computed value.
    pub slots_per_value: u32,
    /// Values that one call returns.
    pub outputs: u32,
    /// Width of an addition or subtraction in bits.
    pub arithmetic_bits_max: u32,
    /// Bits of a constant that stands in an instruction, its sign included.
    pub inline_constant_bits: u32,
    /// The same of a comparator.
    pub comparator_constant_bits: u32,
    /// Constants that all actions of a register share.
    pub register_file_rows: u32,
    /// Bits of such a constant, its sign included.
    pub register_file_bits: u32,
    /// Whether comparators can mask what they compare.
    pub has_comparator_masks: bool,
    /// Whether there is a divider, whose quotient and remainder can be returned.
    pub has_divider: bool,
    /// Whether the smallest or largest lane of a word of memory can be found.
    pub has_lane_search: bool,
    /// How many of the comparators, from the first, tell whether more bits are equal than sums have.
    pub wide_comparators: u32,
    /// Widths of an element of one value, in bits.
    pub element_bits: Vec<u32>,
    /// Widths of each of two values of an element, in bits.
    pub pair_bits: Vec<u32>,
    /// Blocks that a register has beyond what its elements fill.
    pub spare_banks: u32,
}

/// How hashes reach actions and memories.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashRules {
    /// Bits that a hash distribution unit carries.
    pub dist_unit_bits: u32,
    /// Hash functions that hash distribution takes slices of.
    pub dist_functions: u32,
    /// Bytes of the exact crossbar that have a hash matrix of their own.
    pub section_bytes: u32,
    /// Where in a group of the crossbar the bytes start that feed a meter or stateful ALU.
    pub meter_alu_first_byte: u32,
    /// Most bits of an index that comes from fields.
    pub index_bits_max: u32,
}

/// What fields share containers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerRules {
    /// Bits that say what is there, in one container.
    pub pov_bits: u32,
    /// Whether a bit of those says of each value for traffic manager and deparser that it was set;
    /// otherwise its container knows.
    pub output_validity: bool,
    /// Whether a stage that matches on a container without an ALU waits for the stage before.
    pub copies_match: bool,
}

/// Why a target file is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is not TOML, or a key is missing, unknown, or of the wrong type.
    #[error("line {line}, column {column}: {reason}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the reader of TOML says.
        reason: String,
    },
    /// A number makes no sense.
    #[error("line {line}: `{key}` is {value}, but must be {least} to {most}")]
    OutOfRange {
        /// Line, from 1.
        line: usize,
        /// Which.
        key: &'static str,
        /// What it is.
        value: u32,
        /// The least it may be.
        least: u32,
        /// The most it may be.
        most: u32,
    },
}

impl Target {
    /// The targets that come with the compiler: their names and texts.
    pub const BUILT_IN: [(&'static str, &'static str); 2] = [
        ("tofino1", include_str!("../targets/tofino1.toml")),
        ("tofino2", include_str!("../targets/tofino2.toml")),
    ];

    /// The target of this name that comes with the compiler.
    ///
    /// ```
    /// let target = p4rmt_mau::Target::built_in("tofino2").expect("it comes with the compiler");
    /// assert_eq!(target.machine.stages, 20);
    /// ```
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        Self::BUILT_IN
            .iter()
            .find(|(built_in, _)| *built_in == name)
            .map(|(_, text)| Self::from_toml(text).expect("a test reads every built-in target"))
    }

    /// Reads a target file.
    ///
    /// # Errors
    ///
    /// Where the text is not TOML, has not exactly the keys of a target, or a number is out of
    /// range.
    pub fn from_toml(text: &str) -> Result<Self, TargetError> {
        let target: Self = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let (line, column) = line_and_column(text, offset);
            TargetError::Malformed {
                line,
                column,
                reason: error.message().to_owned(),
            }
        })?;
        for (key, value, least) in target.numbers() {
            if value < least || value > *RANGE.end() {
                return Err(TargetError::OutOfRange {
                    line: line_of_key(text, key),
                    key,
                    value,
                    least,
                    most: *RANGE.end(),
                });
            }
        }
        Ok(target)
    }

    /// Bits of a hash function.
    pub(crate) fn function_bits(&self) -> u32 {
        (self.stage.hash_bits / self.stage.hash_functions.max(1)).max(1)
    }

    /// Slices that hash distribution takes of a function.
    pub(crate) fn dist_slices(&self) -> u32 {
        let units = self.stage.hash_dist_units;
        units.div_ceil(self.hash.dist_functions.max(1)).max(1)
    }

    /// Every number with its key and the least that it may be.
    fn numbers(&self) -> Vec<(&'static str, u32, u32)> {
        let Self {
            name: _,
            arch: _,
            machine,
            stage,
            sram,
            tcam,
            exact,
            action_data,
            gateway,
            salu,
            latency,
            around,
            hash,
            meter,
            selector,
            containers,
            power,
            phv,
            clot,
            parser,
            deparser,
        } = self;
        let one = *RANGE.start();
        let mut numbers = vec![
            ("stages", machine.stages, one),
            ("long_branch_tags", machine.long_branch_tags, 0),
            ("clock_mhz", machine.clock_mhz, one),
            ("logical_tables", stage.logical_tables, one),
            ("sram_blocks", stage.sram_blocks, 0),
            ("map_rams", stage.map_rams, 0),
            ("tcam_blocks", stage.tcam_blocks, 0),
            ("gateways", stage.gateways, 0),
            ("meter_alus", stage.meter_alus, 0),
            ("stats_alus", stage.stats_alus, 0),
            ("exact_xbar_bytes", stage.exact_xbar_bytes, 0),
            ("ternary_xbar_bytes", stage.ternary_xbar_bytes, 0),
            ("hash_bits", stage.hash_bits, 0),
            ("hash_dist_units", stage.hash_dist_units, 0),
            ("vliw_rows", stage.vliw_rows, 0),
            ("action_bus_bytes", stage.action_bus_bytes, 0),
            ("hash_functions", stage.hash_functions, one),
            ("search_buses", stage.search_buses, 0),
            ("result_buses", stage.result_buses, 0),
            ("ternary_tables", stage.ternary_tables, 0),
            ("ternary_result_buses", stage.ternary_result_buses, 0),
            ("phv_bytes", gateway.phv_bytes, one),
            ("hash_bits", gateway.hash_bits, 0),
            ("rows", gateway.rows, one),
            ("payloads", gateway.payloads, 0),
            ("comparators", salu.comparators, 0),
            ("phv_operands", salu.phv_operands, 0),
            ("phv_operand_bits_max", salu.phv_operand_bits_max, 0),
            ("actions_per_register", salu.actions_per_register, 0),
            ("computed_values", salu.computed_values, 0),
            ("slots_per_value", salu.slots_per_value, 0),
            ("outputs", salu.outputs, 0),
            ("arithmetic_bits_max", salu.arithmetic_bits_max, 0),
            ("inline_constant_bits", salu.inline_constant_bits, 0),
            ("comparator_constant_bits", salu.comparator_constant_bits, 0),
            ("register_file_rows", salu.register_file_rows, 0),
            ("register_file_bits", salu.register_file_bits, 0),
            ("spare_banks", salu.spare_banks, 0),
            ("dist_unit_bits", hash.dist_unit_bits, one),
            ("dist_functions", hash.dist_functions, one),
            ("section_bytes", hash.section_bytes, one),
            ("meter_alu_first_byte", hash.meter_alu_first_byte, 0),
            ("index_bits_max", hash.index_bits_max, 0),
            ("pov_bits", containers.pov_bits, one),
        ];
        numbers.extend(sram.numbers());
        numbers.extend(tcam.numbers());
        numbers.extend(exact.numbers());
        numbers.extend(action_data.numbers());
        numbers.extend(meter.numbers());
        numbers.extend(selector.numbers());
        numbers.extend(latency.numbers());
        numbers.extend(around.numbers());
        numbers.extend(power.numbers());
        numbers.extend(phv.numbers());
        numbers.extend(clot.numbers());
        numbers.extend(parser.numbers());
        numbers.extend(deparser.numbers());
        numbers.extend(
            salu.element_bits
                .iter()
                .map(|&bits| ("element_bits", bits, one)),
        );
        numbers.extend(salu.pair_bits.iter().map(|&bits| ("pair_bits", bits, one)));
        numbers
    }
}

/// Line and column, from 1, of a position in bytes.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// The line, from 1, on which a key is given its value.
fn line_of_key(text: &str, key: &str) -> usize {
    let is_assignment = |line: &str| {
        line.trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines()
        .position(is_assignment)
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_target_reads_and_bears_its_name() {
        for (name, _) in Target::BUILT_IN {
            let target = Target::built_in(name).expect("it is in the list");
            assert_eq!(target.name, name);
        }
        assert_eq!(Target::built_in("tofino9"), None);
    }

    /// Every number of ours says in a comment where it was read.
    #[test]
    fn every_number_has_its_source() {
        for (name, text) in Target::BUILT_IN {
            for line in text.lines() {
                if line.contains('=') && line.contains(|c: char| c.is_ascii_digit()) {
                    let is_number = !line.split('=').nth(1).is_some_and(|v| v.contains('"'));
                    assert!(!is_number || line.contains('#'), "{name}: {line}");
                }
            }
        }
    }

    #[track_caller]
    fn check_refused(from: &str, to: &str, message: &str) {
        let text = Target::BUILT_IN[1].1.replacen(from, to, 1);
        assert_ne!(
            text,
            Target::BUILT_IN[1].1,
            "the change must change something"
        );
        let error = Target::from_toml(&text).expect_err("it is broken");
        assert!(error.to_string().starts_with(message), "{error}");
    }

    #[test]
    fn broken_files_are_refused_at_their_place() {
        check_refused(
            "stages = 20",
            "stages = 0",
            "line 10: `stages` is 0, but must be 1 to 65536",
        );
        check_refused("stages = 20", "stages = \"x\"", "line 10, column 10: ");
        check_refused("stages = 20", "stage = 20", "line 10, column 1: ");
        check_refused("[machine]", "[machine", "line 9, column ");
        let mut lines = Target::BUILT_IN[1].1.lines();
        let before = lines.position(|line| line.starts_with("pair_bits"));
        let line = before.expect("it has the key") + 1;
        let message = format!("line {line}: `pair_bits` is 0");
        check_refused("= [8, 16, 32, 64]", "= [8, 0]", &message);
        assert!(Target::from_toml("").is_err());
    }
}
