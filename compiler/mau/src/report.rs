//! The fit report: what a person or a program reads of a [`Fit`], under stable names.
//!
//! The types are the JSON. What is not computed yet is `null`, never invented: the action data bus,
//! containers, the parser, power.

use std::collections::BTreeMap;

use p4rmt_ir::{GressRole, Id, MatchKind, Pipe, PipeId, Program, Table, TablePart};
use p4rmt_source::{Sources, Span};
use serde::Serialize;

use crate::blocked::BlockedBy;
use crate::fit::Fit;
use crate::graph::DependencyKind;
use crate::resource::Resource;
use crate::target::Target;
use crate::unit::{UnitId, UnitKind};

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
    /// The tables, in the order of the control flow, ingress first.
    pub tables: Vec<TableReport>,
    /// The stages, from 0.
    pub stages: Vec<StageReport>,
    /// By resource.
    pub totals: BTreeMap<&'static str, Total>,
    /// Containers by size; not computed yet.
    pub phv: Option<()>,
    /// Parser states; not computed yet.
    pub parser: Option<()>,
    /// Latency.
    pub latency: LatencyReport,
    /// Worst-case power; not computed yet.
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
    /// Of the ingress; not computed yet.
    pub ingress: Option<f64>,
    /// Of the egress; not computed yet.
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

/// Makes the report of a fit. Program, pipe and target are those that it was made of; `sources` leads
/// from spans to files and lines.
///
/// # Panics
///
/// If the program has no such pipe.
#[must_use]
pub fn report(
    fit: &Fit,
    program: &Program,
    pipe_id: PipeId,
    target: &Target,
    sources: &Sources,
) -> FitReport {
    let pipe = &program.pipes[pipe_id];
    let reporter = Reporter { fit, pipe, sources };
    let stages: Vec<StageReport> = reporter.stages(target);
    let cycles = |role: GressRole| pipe.gress(role).map(|(gress, _)| fit.latency_cycles[gress]);
    let total_cycles: u32 = fit.latency_cycles.values().sum();
    let mau_ns = f64::from(total_cycles) * 1_000.0 / f64::from(target.machine.clock_mhz);
    FitReport {
        program: program.name.clone(),
        target: target.name.clone(),
        pipe: pipe.name.clone(),
        fits: fit.fits(),
        stages_used: fit.placement.stages_used,
        stages_available: target.machine.stages,
        critical_path: fit.critical_path_stages,
        tables: reporter.tables(),
        totals: totals(&stages, target),
        stages,
        phv: None,
        parser: None,
        latency: LatencyReport {
            ingress_cycles: cycles(GressRole::Ingress).or(cycles(GressRole::Whole)),
            egress_cycles: cycles(GressRole::Egress),
            mau_ns: two_decimals(mau_ns),
        },
        power_w_per_pipe: PowerReport {
            ingress: None,
            egress: None,
        },
        problems: reporter.problems(),
    }
}

fn two_decimals(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn totals(stages: &[StageReport], target: &Target) -> BTreeMap<&'static str, Total> {
    let n_stages = target.machine.stages;
    let limits = &target.stage;
    let sum = |of: fn(&StageReport) -> Option<u32>| -> Option<u32> {
        stages.iter().map(of).sum::<Option<u32>>()
    };
    let rows: [(&'static str, Option<u32>, u32); 13] = [
        (
            "logical_tables",
            sum(|s| Some(s.logical_tables)),
            limits.logical_tables,
        ),
        ("sram", sum(|s| Some(s.sram)), limits.sram_blocks),
        ("tcam", sum(|s| Some(s.tcam)), limits.tcam_blocks),
        ("map_ram", sum(|s| Some(s.map_ram)), limits.map_rams),
        ("gateway", sum(|s| Some(s.gateway)), limits.gateways),
        (
            "exact_xbar_bytes",
            sum(|s| s.exact_xbar_bytes),
            limits.exact_xbar_bytes,
        ),
        (
            "ternary_xbar_bytes",
            sum(|s| s.ternary_xbar_bytes),
            limits.ternary_xbar_bytes,
        ),
        ("hash_bits", sum(|s| s.hash_bits), limits.hash_bits),
        ("hash_dist", sum(|s| s.hash_dist), limits.hash_dist_units),
        ("meter_alu", sum(|s| Some(s.meter_alu)), limits.meter_alus),
        ("stats_alu", sum(|s| Some(s.stats_alu)), limits.stats_alus),
        ("vliw", sum(|s| s.vliw), limits.vliw_rows),
        (
            "action_bus_bytes",
            sum(|s| s.action_bus_bytes),
            limits.action_bus_bytes,
        ),
    ];
    rows.into_iter()
        .map(|(name, used, limit)| {
            let available = limit.saturating_mul(n_stages);
            let share =
                |used: u32| two_decimals(100.0 * f64::from(used) / f64::from(available.max(1)));
            (
                name,
                Total {
                    used,
                    available,
                    percent: used.map(share),
                },
            )
        })
        .collect()
}

struct Reporter<'a> {
    fit: &'a Fit,
    pipe: &'a Pipe,
    sources: &'a Sources,
}

impl Reporter<'_> {
    fn span(&self, span: Span) -> Option<SpanReport> {
        let location = self.sources.locate(span)?;
        Some(SpanReport {
            file: location.file.display().to_string(),
            line: location.line,
            column: location.column,
        })
    }

    /// `at file:line`, or where the compiler made it up, nothing.
    fn at(&self, span: Span) -> String {
        self.span(span).map_or_else(String::new, |span| {
            format!(" at {}:{}", span.file, span.line)
        })
    }

    fn stages(&self, target: &Target) -> Vec<StageReport> {
        let n_stages = (target.machine.stages as usize).max(self.fit.stages.len());
        (0..n_stages)
            .map(|index| {
                let usage = self.fit.stages.get(index).copied().unwrap_or_default();
                StageReport {
                    stage: u32::try_from(index).unwrap_or(u32::MAX),
                    logical_tables: usage[Resource::LogicalTables],
                    sram: usage[Resource::Sram],
                    tcam: usage[Resource::Tcam],
                    map_ram: usage[Resource::MapRam],
                    gateway: usage[Resource::Gateway],
                    exact_xbar_bytes: Some(usage[Resource::ExactXbarBytes]),
                    ternary_xbar_bytes: Some(usage[Resource::TernaryXbarBytes]),
                    hash_bits: Some(usage[Resource::HashBits]),
                    hash_dist: Some(usage[Resource::HashDist]),
                    meter_alu: usage[Resource::MeterAlu],
                    stats_alu: usage[Resource::StatsAlu],
                    vliw: Some(usage[Resource::Vliw]),
                    action_bus_bytes: None,
                }
            })
            .collect()
    }

    fn tables(&self) -> Vec<TableReport> {
        self.fit
            .graph
            .unit_ids()
            .filter_map(|id| {
                let unit = &self.fit.graph.units[id.index()];
                let UnitKind::Table(table_id) = unit.kind else {
                    return None;
                };
                let gress = &self.pipe.gresses[unit.gress];
                let table = &gress.tables[table_id];
                let parts = &self.fit.placement.gresses[unit.gress].tables[table_id];
                let sum = |of: fn(&TablePart) -> u32| {
                    parts
                        .iter()
                        .fold(0_u32, |sum, part| sum.saturating_add(of(part)))
                };
                let matched = table
                    .keys
                    .iter()
                    .filter(|key| key.kind != MatchKind::Selector);
                Some(TableReport {
                    name: unit.name.clone(),
                    gress: gress_name(gress.role),
                    stages: parts.iter().map(|part| part.slot.stage).collect(),
                    match_kind: match_kind(table),
                    key_bits: matched.map(|key| u64::from(key.expr.width(gress))).sum(),
                    entries: parts
                        .iter()
                        .fold(0, |sum, part| sum.saturating_add(part.entries)),
                    sram: sum(|part| part.memory.sram),
                    tcam: sum(|part| part.memory.tcam),
                    map_ram: sum(|part| part.memory.map_ram),
                    blocked_by: self.fit.blocked_by[id.index()]
                        .as_ref()
                        .map(|by| self.blocked_by(by)),
                    span: self.span(unit.span),
                })
            })
            .collect()
    }

    fn unit_name(&self, unit: UnitId) -> String {
        self.fit.graph.units[unit.index()].name.clone()
    }

    fn blocked_by(&self, by: &BlockedBy) -> BlockedByReport {
        match by {
            BlockedBy::Dependency { edge, through } => {
                let first = self.unit_name(edge.from);
                let unit = &self.fit.graph.units[edge.to.index()];
                let fields = &self.pipe.gresses[unit.gress].fields;
                let field = edge.field.map_or("", |field| fields[field].name.as_str());
                let (did, does) = match edge.kind {
                    DependencyKind::Match => ("writes", "matches on it"),
                    DependencyKind::Action => ("writes", "reads it"),
                    DependencyKind::Output => ("writes", "writes it too"),
                    DependencyKind::Anti => ("reads", "writes it"),
                    DependencyKind::Control => ("decides", "runs under it"),
                };
                let who = match through {
                    Some(gateway) => {
                        format!("`{}`, which must come before it,", self.unit_name(*gateway))
                    }
                    None => "this".to_owned(),
                };
                BlockedByReport {
                    kind: edge.kind.name(),
                    detail: format!(
                        "`{first}` {did} `{field}`{}; {who} {does}{}",
                        self.at(edge.from_span),
                        self.at(edge.to_span)
                    ),
                    on: first,
                }
            }
            BlockedBy::Resource {
                resource,
                needed,
                available,
            } => BlockedByReport {
                kind: "resource",
                on: resource.name().to_owned(),
                detail: format!(
                    "needs {needed} {}, the stage before had {available} left",
                    resource.words()
                ),
            },
            BlockedBy::SharedMemory { user } => BlockedByReport {
                kind: "shared_memory",
                on: self.unit_name(*user),
                detail: format!(
                    "shares a register, counter or meter with `{}`{}, which can't be earlier",
                    self.unit_name(*user),
                    self.at(self.fit.graph.units[user.index()].span)
                ),
            },
            BlockedBy::NextTable { open } => BlockedByReport {
                kind: "next_table",
                on: self.unit_name(*open),
                detail: format!(
                    "without long branches, all that `{}`{} leads to comes before anything else",
                    self.unit_name(*open),
                    self.at(self.fit.graph.units[open.index()].span)
                ),
            },
            BlockedBy::StagePragma => BlockedByReport {
                kind: "stage_pragma",
                on: "@stage".to_owned(),
                detail: "the program wants it in this stage".to_owned(),
            },
            BlockedBy::Order => BlockedByReport {
                kind: "order",
                on: String::new(),
                detail: "other tables had their turn first".to_owned(),
            },
        }
    }

    fn problems(&self) -> Vec<ProblemReport> {
        self.fit
            .problems
            .iter()
            .map(|located| ProblemReport {
                code: located.problem.code().0,
                message: located.problem.to_string(),
                help: located.problem.help(),
                span: self.span(located.span),
            })
            .collect()
    }
}

fn gress_name(role: GressRole) -> &'static str {
    match role {
        GressRole::Ingress => "ingress",
        GressRole::Egress => "egress",
        GressRole::Whole => "whole",
    }
}

/// The kind of the key that decides how the table is stored.
fn match_kind(table: &Table) -> &'static str {
    let has = |kind: MatchKind| table.keys.iter().any(|key| key.kind == kind);
    if table.keys.is_empty() {
        "none"
    } else if has(MatchKind::Range) {
        "range"
    } else if has(MatchKind::Lpm) {
        "lpm"
    } else if has(MatchKind::Ternary) || has(MatchKind::Optional) {
        "ternary"
    } else {
        "exact"
    }
}
