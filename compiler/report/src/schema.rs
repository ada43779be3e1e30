//! The fit report under stable names: these types are the JSON. What is not computed yet is `null`,
//! never invented.

use std::collections::BTreeMap;

use serde::Serialize;

pub use crate::phv::{
    ClotReport, ContainerReport, ContainersReport, DeparserReport, ParserReport, PhvReport,
    SliceReport,
};

/// Whether and how a pipe fits a machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FitReport {
    /// The program.
    pub program: String,
    /// The machine.
    pub target: String,
    /// The pipe.
    pub pipe: String,
    /// Whether it fits.
    pub fits: bool,
    /// Stages up to the last one with something in it.
    pub stages_used: u32,
    /// Stages of the machine.
    pub stages_available: u32,
    /// Stages that the longest chain of dependencies needs.
    pub critical_path: u32,
    /// One of the longest chains, from its first unit to its last: each link but the first needs a
    /// later stage than the one before, or the same one and a later place in it.
    pub critical_chain: Vec<ChainLink>,
    /// The tables, in the order of the control flow, ingress first.
    pub tables: Vec<TableReport>,
    /// The conditions, in the same order.
    pub gateways: Vec<GatewayReport>,
    /// What depends on what: the graph that placement keeps.
    pub dependencies: Vec<DependencyReport>,
    /// Registers, counters, meters and profiles that tables reach by an index.
    pub memories: Vec<MemoryReport>,
    /// What of each stateful ALU is used.
    pub stateful: Vec<StatefulReport>,
    /// The stages, from 0.
    pub stages: Vec<StageReport>,
    /// By resource.
    pub totals: BTreeMap<&'static str, Total>,
    /// Containers and what they hold; nothing where the stages do not fit.
    pub phv: Option<PhvReport>,
    /// The parsers, by gress.
    pub parser: Vec<ParserReport>,
    /// The deparsers, by gress.
    pub deparser: Vec<DeparserReport>,
    /// Latency.
    pub latency: LatencyReport,
    /// Worst-case power of the memories.
    pub power_w_per_pipe: PowerReport,
    /// What stands in the way.
    pub problems: Vec<ProblemReport>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableReport {
    /// Its name.
    pub name: String,
    /// `ingress` or `egress`.
    pub gress: &'static str,
    /// Where it is, in order.
    pub stages: Vec<u32>,
    /// What is in each of these stages.
    pub parts: Vec<PartReport>,
    /// `none`, `exact`, `ternary`, `lpm` or `range`.
    pub match_kind: &'static str,
    /// Bits of its key.
    pub key_bits: u64,
    /// Entries that it holds.
    pub entries: u64,
    /// SRAM blocks, those of its registers, counters and meters included. What several tables share
    /// counts for the first.
    pub sram: u32,
    /// TCAM blocks.
    pub tcam: u32,
    /// Map RAM blocks.
    pub map_ram: u32,
    /// Why it is not one stage earlier; nothing in stage 0.
    pub blocked_by: Option<BlockedByReport>,
    /// Its declaration.
    pub span: Option<SpanReport>,
}

/// What a stage has of a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartReport {
    /// The stage, from 0.
    pub stage: u32,
    /// Its order in the stage.
    pub logical_id: u32,
    /// Entries that it holds.
    pub entries: u64,
    /// SRAM blocks.
    pub sram: u32,
    /// TCAM blocks.
    pub tcam: u32,
    /// Map RAM blocks.
    pub map_ram: u32,
}

/// A condition of the control flow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GatewayReport {
    /// Its name.
    pub name: String,
    /// `ingress` or `egress`.
    pub gress: &'static str,
    /// Where it is.
    pub stage: u32,
    /// Why it is not one stage earlier; nothing in stage 0.
    pub blocked_by: Option<BlockedByReport>,
    /// Where it stands in the program.
    pub span: Option<SpanReport>,
}

/// A link of the longest chain of dependencies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChainLink {
    /// The table or condition.
    pub unit: String,
    /// The first stage that dependencies leave it.
    pub earliest: u32,
    /// What binds it to the link before; nothing for the first.
    pub because: Option<BlockedByReport>,
    /// Where it stands in the program.
    pub span: Option<SpanReport>,
}

/// That a table or condition must come after another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DependencyReport {
    /// `ingress` or `egress`: names of conditions are those of a gress.
    pub gress: &'static str,
    /// The one that comes first.
    pub from: String,
    /// The one that comes after.
    pub to: String,
    /// `match`, `action` or `output`, which need a later stage; `anti` or `control`, which need a later
    /// place.
    pub kind: &'static str,
    /// The field that both touch.
    pub field: Option<String>,
    /// Whether it is on one of the longest chains.
    pub is_critical: bool,
}

/// A memory that tables reach by an index.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemoryReport {
    /// Its name.
    pub name: String,
    /// `ingress` or `egress`.
    pub gress: &'static str,
    /// `register`, `counter`, `meter` or `profile`.
    pub kind: &'static str,
    /// The stage that it is in, with all that use it.
    pub stage: Option<u32>,
    /// Cells.
    pub size: u64,
    /// SRAM blocks, the spare one included.
    pub sram: u32,
    /// Map RAM blocks.
    pub map_ram: u32,
    /// The tables that use it.
    pub tables: Vec<String>,
}

/// The stateful ALU of a register.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatefulReport {
    /// The register.
    pub register: String,
    /// `ingress` or `egress`.
    pub gress: &'static str,
    /// The stage that it is in.
    pub stage: Option<u32>,
    /// Bits of an element; of a pair as `32x2`.
    pub element: String,
    /// Register actions.
    pub instructions: Share,
    /// Comparators of the action that uses most.
    pub comparators: Share,
    /// Slots of the action that uses most.
    pub slots: Share,
    /// Words of output of the action that uses most.
    pub outputs: Share,
    /// Operands that the actions share.
    pub operands: Share,
    /// Rows of constants that the actions share.
    pub constants: Share,
    /// What each action uses.
    pub actions: Vec<InstructionReport>,
    /// The register's declaration.
    pub span: Option<SpanReport>,
}

/// What is used of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// What is used.
    pub used: u32,
    /// What there is.
    pub available: u32,
}

/// What a register action uses of its stateful ALU.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstructionReport {
    /// Its name.
    pub name: String,
    /// Comparators.
    pub comparators: u32,
    /// Slots.
    pub slots: u32,
    /// Words of output.
    pub outputs: u32,
    /// Comparisons of sums that are taken as if they did not wrap, since comparators for more are not
    /// left.
    pub without_wrapping: Vec<SpanReport>,
    /// Its declaration.
    pub span: Option<SpanReport>,
}

/// Why a table is not one stage earlier.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BlockedByReport {
    /// `match`, `action`, `output`, `anti`, `control`, `resource`, `shared_memory`, `next_table`,
    /// `stage_pragma` or `order`.
    pub kind: &'static str,
    /// The table or resource.
    pub on: String,
    /// A sentence with the field and both lines.
    pub detail: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpanReport {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// What a stage uses; `null` is not computed yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageReport {
    /// Its number, from 0.
    pub stage: u32,
    /// Logical tables.
    pub logical_tables: u32,
    /// SRAM blocks.
    pub sram: u32,
    /// TCAM blocks.
    pub tcam: u32,
    /// Map RAM blocks.
    pub map_ram: u32,
    /// Gateways.
    pub gateway: u32,
    /// Bytes of the exact match crossbar.
    pub exact_xbar_bytes: Option<u32>,
    /// Bytes of the ternary match crossbar.
    pub ternary_xbar_bytes: Option<u32>,
    /// Hash bits.
    pub hash_bits: Option<u32>,
    /// Hash distribution units.
    pub hash_dist: Option<u32>,
    /// Stateful and meter ALUs.
    pub meter_alu: u32,
    /// Counter ALUs.
    pub stats_alu: u32,
    /// Rows of instruction memory.
    pub vliw: Option<u32>,
    /// Bytes of the action data bus.
    pub action_bus_bytes: Option<u32>,
}

/// Use of a resource in all stages.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Total {
    /// What is used; nothing where it is not computed yet.
    pub used: Option<u32>,
    /// What all stages of the pipe have.
    pub available: u32,
    /// The share in percent.
    pub percent: Option<f64>,
}

/// Latency of the stages. Parser, deparser and traffic manager are not in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LatencyReport {
    /// Cycles through the ingress.
    pub ingress_cycles: Option<u32>,
    /// Cycles through the egress.
    pub egress_cycles: Option<u32>,
    /// Both together in nanoseconds at the target's clock.
    pub mau_ns: f64,
}

/// Worst-case power in watts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PowerReport {
    /// Of the ingress.
    pub ingress: Option<f64>,
    /// Of the egress.
    pub egress: Option<f64>,
}

/// What stands in the way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProblemReport {
    /// Its code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What would help.
    pub help: String,
    /// Where.
    pub span: Option<SpanReport>,
}
