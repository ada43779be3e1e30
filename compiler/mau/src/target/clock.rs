//! What a packet costs: clocks in the stages and around them, and power. Nothing here limits a program.

use serde::Deserialize;

use super::ends::Number;

/// Clocks that a stage adds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyModel {
    /// A stage that matches on what the stage before wrote.
    pub base_cycles: u32,
    /// More where a TCAM is searched.
    pub tcam_cycles: u32,
    /// More where an action selector picks.
    pub selector_cycles: u32,
    /// More where a filter runs.
    pub meter_cycles: u32,
    /// More where a stateful ALU runs.
    pub stateful_cycles: u32,
    /// A stage that depends on the one before only by actions.
    pub action_dependent_cycles: u32,
    /// A stage that does not depend on the one before.
    pub concurrent_cycles: u32,
    /// What the egress takes at the least.
    pub egress_cycles_min: u32,
    /// A stage that always counts whole; 0 for none.
    pub forced_match_stage: u32,
}

/// Clocks around the stages. No figures are published: those of the built-in targets are assumed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AroundStages {
    /// In a parser.
    pub parser_cycles: u32,
    /// In a deparser.
    pub deparser_cycles: u32,
    /// From a deparser to the moment at which the egress can take the packet, if no other waits.
    pub traffic_manager_cycles: u32,
}

/// What an access to a memory costs, in microwatts for each pipe.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerModel {
    /// Reading an SRAM block.
    pub sram_read: u32,
    /// Writing one.
    pub sram_write: u32,
    /// Searching a TCAM block.
    pub tcam_search: u32,
    /// Reading a map RAM.
    pub map_ram_read: u32,
    /// Writing one.
    pub map_ram_write: u32,
    /// Reading an SRAM block after the packet has ended.
    pub deferred_read: u32,
    /// Writing one.
    pub deferred_write: u32,
    /// Pipes that the figures of a report stand for.
    pub pipes: u32,
    /// Whether the table that ends the worst path counts.
    pub counts_last_table: bool,
    /// Cycles of latency from which packets come slower; 0 for never.
    pub throttled_from_cycles: u32,
    /// Packets under way when they do.
    pub packets_under_way: u32,
    /// Cycles that admitting one takes beside the stages.
    pub admission_cycles: u32,
}

impl LatencyModel {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("base_cycles", self.base_cycles, 0),
            ("tcam_cycles", self.tcam_cycles, 0),
            ("selector_cycles", self.selector_cycles, 0),
            ("meter_cycles", self.meter_cycles, 0),
            ("stateful_cycles", self.stateful_cycles, 0),
            ("action_dependent_cycles", self.action_dependent_cycles, 0),
            ("concurrent_cycles", self.concurrent_cycles, 0),
            ("egress_cycles_min", self.egress_cycles_min, 0),
            ("forced_match_stage", self.forced_match_stage, 0),
        ]
    }
}

impl AroundStages {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("parser_cycles", self.parser_cycles, 1),
            ("deparser_cycles", self.deparser_cycles, 1),
            ("traffic_manager_cycles", self.traffic_manager_cycles, 1),
        ]
    }
}

impl PowerModel {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("sram_read", self.sram_read, 0),
            ("sram_write", self.sram_write, 0),
            ("tcam_search", self.tcam_search, 0),
            ("map_ram_read", self.map_ram_read, 0),
            ("map_ram_write", self.map_ram_write, 0),
            ("deferred_read", self.deferred_read, 0),
            ("deferred_write", self.deferred_write, 0),
            ("pipes", self.pipes, 1),
            ("throttled_from_cycles", self.throttled_from_cycles, 0),
            ("packets_under_way", self.packets_under_way, 0),
            ("admission_cycles", self.admission_cycles, 0),
        ]
    }
}
