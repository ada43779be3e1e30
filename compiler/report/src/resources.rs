//! The resources of a stage in the order in which reports show them.

use crate::schema::{FitReport, StageReport};

/// A resource of a stage.
pub(crate) struct ResourceRow {
    /// Its key in `totals`.
    pub(crate) key: &'static str,
    /// What a person calls it.
    pub(crate) words: &'static str,
    /// Its count in a stage; none where it is not computed.
    pub(crate) of: fn(&StageReport) -> Option<u32>,
}

impl ResourceRow {
    /// How much of it one stage has.
    pub(crate) fn limit(&self, report: &FitReport) -> u32 {
        let total = report.totals.get(self.key);
        total.map_or(0, |total| total.available / report.stages_available.max(1))
    }
}

/// All of them.
pub(crate) const RESOURCES: [ResourceRow; 13] = [
    row("logical_tables", "logical tables", |s| {
        Some(s.logical_tables)
    }),
    row("sram", "SRAM", |s| Some(s.sram)),
    row("map_ram", "map RAM", |s| Some(s.map_ram)),
    row("tcam", "TCAM", |s| Some(s.tcam)),
    row("gateway", "gateways", |s| Some(s.gateway)),
    row("meter_alu", "stateful, meter ALUs", |s| Some(s.meter_alu)),
    row("stats_alu", "counter ALUs", |s| Some(s.stats_alu)),
    row("exact_xbar_bytes", "exact xbar bytes", |s| {
        s.exact_xbar_bytes
    }),
    row("ternary_xbar_bytes", "ternary xbar bytes", |s| {
        s.ternary_xbar_bytes
    }),
    row("hash_bits", "hash bits", |s| s.hash_bits),
    row("hash_dist", "hash distribution", |s| s.hash_dist),
    row("vliw", "instruction rows", |s| s.vliw),
    row("action_bus_bytes", "action bus bytes", |s| {
        s.action_bus_bytes
    }),
];

const fn row(
    key: &'static str,
    words: &'static str,
    of: fn(&StageReport) -> Option<u32>,
) -> ResourceRow {
    ResourceRow { key, words, of }
}
