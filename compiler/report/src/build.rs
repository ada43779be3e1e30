//! Makes the report of a [`Fit`]: names, files and lines instead of ids and spans.

use std::collections::BTreeMap;

use p4rmt_ir::{GressId, GressRole, Id, MatchKind, Pipe, PipeId, Program, Table, TablePart};
use p4rmt_mau::counted::counted;
use p4rmt_mau::demand::{SharedMemory, shared_usage, table_demand};
use p4rmt_mau::graph::{DependencyKind, Edge};
use p4rmt_mau::problem::LocatedProblem;
use p4rmt_mau::resource::Resource;
use p4rmt_mau::unit::{UnitId, UnitKind};
use p4rmt_mau::{BlockedBy, Fit, Target};
use p4rmt_source::{Sources, Span};

use crate::phv::{deparsers, parsers, phv};
use crate::schema::{
    BlockedByReport, ChainLink, DependencyReport, FitReport, GatewayReport, LatencyReport,
    MemoryReport, PartReport, PowerReport, ProblemReport, SpanReport, StageReport, TableReport,
    Total,
};
use crate::stateful::stateful_units;

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
    let watts = |role: GressRole| {
        let gress = pipe.gress(role).map(|(gress, _)| gress);
        // Three decimals, as the vendor's reports have them.
        gress.map(|gress| (fit.power_microwatts[gress] as f64 / 1_000.0).round() / 1_000.0)
    };
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
        critical_chain: reporter.critical_chain(),
        tables: reporter.tables(),
        gateways: reporter.gateways(),
        dependencies: reporter.dependencies(),
        memories: memories(fit, pipe, target),
        stateful: stateful_units(fit, pipe, target, &|span| reporter.span(span)),
        totals: totals(&stages, target),
        stages,
        phv: phv(fit, pipe, target, reporter.problems(&fit.unallocated)),
        parser: parsers(fit, pipe, target),
        deparser: deparsers(fit, pipe, target),
        latency: LatencyReport {
            ingress_cycles: cycles(GressRole::Ingress).or(cycles(GressRole::Whole)),
            egress_cycles: cycles(GressRole::Egress),
            mau_ns: two_decimals(mau_ns),
        },
        power_w_per_pipe: PowerReport {
            ingress: watts(GressRole::Ingress).or(watts(GressRole::Whole)),
            egress: watts(GressRole::Egress),
        },
        problems: [&fit.problems, &fit.bugs]
            .into_iter()
            .flat_map(|problems| reporter.problems(problems))
            .collect(),
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
                    action_bus_bytes: Some(usage[Resource::ActionBusBytes]),
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
                    parts: parts.iter().map(part_report).collect(),
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

    /// The sentence for a dependency; `through` is the unit that depends in the table's place.
    fn because(&self, edge: &Edge, through: Option<UnitId>) -> BlockedByReport {
        let first = self.unit_name(edge.from);
        let field = self.field_name(edge).unwrap_or_default();
        let (did, does) = match edge.kind {
            DependencyKind::Match => ("writes", "matches on it"),
            DependencyKind::Action => ("writes", "reads it"),
            DependencyKind::Output => ("writes", "writes it too"),
            DependencyKind::Anti => ("reads", "writes it"),
            DependencyKind::Control => ("decides", "runs under it"),
        };
        let what = if field.is_empty() {
            String::new()
        } else {
            format!(" `{field}`")
        };
        let who = match through {
            Some(gateway) => format!("`{}`, which must come before it,", self.unit_name(gateway)),
            None => "this".to_owned(),
        };
        BlockedByReport {
            kind: edge.kind.name(),
            detail: format!(
                "`{first}` {did}{what}{}; {who} {does}{}",
                self.at(edge.from_span),
                self.at(edge.to_span)
            ),
            on: first,
        }
    }

    fn field_name(&self, edge: &Edge) -> Option<String> {
        let gress = self.fit.graph.units[edge.to.index()].gress;
        let fields = &self.pipe.gresses[gress].fields;
        edge.field.map(|field| fields[field].name.clone())
    }

    fn critical_chain(&self) -> Vec<ChainLink> {
        let graph = &self.fit.graph;
        let earliest = graph.earliest_stages();
        let path = graph.critical_path();
        let link = |unit: UnitId, edge: Option<&Edge>| ChainLink {
            unit: self.unit_name(unit),
            earliest: earliest[unit.index()],
            because: edge.map(|edge| self.because(edge, None)),
            span: self.span(graph.units[unit.index()].span),
        };
        let first = path.first().map(|edge| link(edge.from, None));
        let rest = path.iter().map(|edge| link(edge.to, Some(edge)));
        first.into_iter().chain(rest).collect()
    }

    fn gateways(&self) -> Vec<GatewayReport> {
        let graph = &self.fit.graph;
        let gateways = graph.unit_ids().filter_map(|id| {
            let unit = &graph.units[id.index()];
            let UnitKind::Gateway(gateway) = unit.kind else {
                return None;
            };
            let slot = self.fit.placement.gresses[unit.gress].gateways[gateway];
            let blocked_by = self.fit.blocked_by[id.index()].as_ref();
            Some(GatewayReport {
                name: unit.name.clone(),
                gress: gress_name(self.pipe.gresses[unit.gress].role),
                stage: slot.stage,
                blocked_by: blocked_by.map(|by| self.blocked_by(by)),
                span: self.span(unit.span),
            })
        });
        gateways.collect()
    }

    fn dependencies(&self) -> Vec<DependencyReport> {
        let graph = &self.fit.graph;
        let (earliest, tails) = (graph.earliest_stages(), graph.tails());
        let longest = earliest.iter().max().copied().unwrap_or(0);
        let edges = graph.edges.iter().map(|edge| {
            let chain = earliest[edge.from.index()] + edge.kind.distance() + tails[edge.to.index()];
            let gress = graph.units[edge.to.index()].gress;
            DependencyReport {
                gress: gress_name(self.pipe.gresses[gress].role),
                from: self.unit_name(edge.from),
                to: self.unit_name(edge.to),
                kind: edge.kind.name(),
                field: self.field_name(edge),
                is_critical: edge.kind.distance() > 0 && chain == longest,
            }
        });
        edges.collect()
    }

    fn blocked_by(&self, by: &BlockedBy) -> BlockedByReport {
        match by {
            BlockedBy::Dependency { edge, through } => self.because(edge, *through),
            BlockedBy::Resource {
                resource,
                needed,
                available,
            } => BlockedByReport {
                kind: "resource",
                on: resource.name().to_owned(),
                detail: format!(
                    "needs {}, the stage before had {available} left",
                    counted(*needed, resource.words())
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
            BlockedBy::Container {
                other,
                own_field,
                other_field,
            } => {
                let of = &self.fit.graph.units[other.index()];
                let fields = &self.pipe.gresses[of.gress].fields;
                BlockedByReport {
                    kind: "container",
                    on: self.unit_name(*other),
                    detail: format!(
                        "`{}`{} writes `{}`, which shares a container with `{}`",
                        self.unit_name(*other),
                        self.at(of.span),
                        fields[*other_field].name,
                        fields[*own_field].name,
                    ),
                }
            }
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

    fn problems(&self, problems: &[LocatedProblem]) -> Vec<ProblemReport> {
        problems
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

fn part_report(part: &TablePart) -> PartReport {
    PartReport {
        stage: part.slot.stage,
        logical_id: part.slot.logical_id,
        entries: part.entries,
        sram: part.memory.sram,
        tcam: part.memory.tcam,
        map_ram: part.memory.map_ram,
    }
}

/// The memories that tables reach by an index, in the order of their first users.
fn memories(fit: &Fit, pipe: &Pipe, target: &Target) -> Vec<MemoryReport> {
    let mut found: Vec<((GressId, SharedMemory), MemoryReport)> = Vec::new();
    for unit in &fit.graph.units {
        let UnitKind::Table(table_id) = unit.kind else {
            continue;
        };
        let gress = &pipe.gresses[unit.gress];
        let tables = gress.as_tables().expect("units come from the tables form");
        let table = &gress.tables[table_id];
        let demand = table_demand(table, unit.branches_on_action, gress, tables, target);
        for memory in demand.shared {
            let key = (unit.gress, memory);
            if let Some((_, known)) = found.iter_mut().find(|(known, _)| *known == key) {
                known.tables.push(unit.name.clone());
                continue;
            }
            let usage = shared_usage(memory, gress, target);
            let parts = &fit.placement.gresses[unit.gress].tables[table_id];
            let (kind, size) = match memory {
                SharedMemory::Register(id) => ("register", gress.registers[id].size),
                SharedMemory::Counter(id) => ("counter", gress.counters[id].size),
                SharedMemory::Meter(id) => ("meter", gress.meters[id].size),
                SharedMemory::Profile(id) => ("profile", gress.profiles[id].size),
            };
            let report = MemoryReport {
                name: memory.name(gress).to_owned(),
                gress: gress_name(gress.role),
                kind,
                stage: parts.first().map(|part| part.slot.stage),
                size,
                sram: usage[Resource::Sram],
                map_ram: usage[Resource::MapRam],
                tables: vec![unit.name.clone()],
            };
            found.push((key, report));
        }
    }
    found.into_iter().map(|(_, report)| report).collect()
}

pub(crate) fn gress_name(role: GressRole) -> &'static str {
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
