//! Placing a pipe: the steps in order, and what comes of them.
//!
//! 1. Collect units, build the dependency graph.
//! 2. Refuse what no action ALU, gateway or stateful ALU can do.
//! 3. Size tables and shared memories; tables that share one stand in one stage.
//! 4. Schedule.
//! 5. Check the placement by code of its own ([`crate::checker`]).
//! 6. Find containers ([`crate::phv`]), and check them by code of its own, too.
//! 7. Count what parsers and deparsers take ([`crate::parde`]), and check that once more.

mod check;
mod group;
mod outcome;

use p4rmt_ir::{
    Arch, Arena, Gateway, Gress, GressId, Id, Pipe, PipeId, Placement, Program, Table, TableId,
    Tables,
};

use self::check::{check_program, check_stages};
use self::group::{separate_impossible_groups, share_memories};
use self::outcome::{latency_of, placement_of, powered_units, stage_usage};
use crate::blocked::{BlockedBy, blocked_by};
use crate::bounds::least_stages;
use crate::census::{Occupant, add_census};
use crate::checker::{Violation, check_ends, check_placement};
use crate::condition::n_gateways;
use crate::demand::table_demand;
use crate::graph::DependencyGraph;
use crate::latency::GressLatency;
use crate::parde::{PardeUse, parde_use};
use crate::phv::checker::{PhvViolation, check_allocation};
use crate::phv::{Allocated, PhvAllocation, PhvProblem, allocate};
use crate::power::worst_power;
use crate::problem::{LocatedProblem, Problem};
use crate::resource::{Resource, Usage};
use crate::schedule::{Job, UnitDemand, schedule};
use crate::sharing::Sharing;
use crate::sizing::lay_out;
use crate::stateful::{InexactComparison, map_registers};
use crate::target::Target;
use crate::unit::{Unit, UnitId, UnitKind, collect_units};
use crate::wiring::compared_in;

/// Whether and how a pipe fits a machine.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Where everything goes. If the program does not fit, it may name stages that the machine does
    /// not have, or leave out what can't be placed.
    pub placement: Placement,
    /// What stands in the way; none if the program fits.
    pub problems: Vec<LocatedProblem>,
    /// What depends on what.
    pub graph: DependencyGraph,
    /// By unit of the graph: why it is not one stage earlier; none in stage 0.
    pub blocked_by: Vec<Option<BlockedBy>>,
    /// By stage: what is used of each resource.
    pub stages: Vec<Usage>,
    /// Stages of the longest chain of dependencies.
    pub critical_path_stages: u32,
    /// Cycles through the stages, by gress.
    pub latency_cycles: Arena<GressId, u32>,
    /// By gress and stage of the machine: cycles of them.
    pub stage_cycles: Arena<GressId, Vec<u32>>,
    /// Worst-case power of the memories in microwatts, by gress.
    pub power_microwatts: Arena<GressId, u64>,
    /// Where a stateful ALU compares sums without letting them wrap, as the language would.
    pub inexact: Vec<InexactComparison>,
    /// Containers of the fields; empty where the stages do not fit.
    pub phv: PhvAllocation,
    /// Fields for which the search found no container where there may be one: it gives up at some point.
    /// What no allocation can place is a problem.
    pub unallocated: Vec<LocatedProblem>,
    /// Rules that the containers found break: a bug of the search, which the checker noticed. They are
    /// left out then; the stages stand.
    pub bugs: Vec<LocatedProblem>,
    /// What parsers and deparsers use.
    pub parde: Arena<GressId, PardeUse>,
}

impl Fit {
    /// Whether the program fits.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Why a pipe could not be placed at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The program has no such pipe.
    #[error("the program has no pipe `{pipe}`")]
    NoSuchPipe {
        /// Which.
        pipe: PipeId,
    },
    /// The program is for a machine that has no stages.
    #[error("a v1model program has no stages to be placed in: only programs of TNA and T2NA have")]
    NoStages,
    /// A gress is in the structured form.
    #[error("`{gress}` of the pipe is not in the tables form")]
    NotTables {
        /// Which.
        gress: GressId,
    },
    /// The checker refused a placement that claims to fit: a bug of the placer.
    #[error("the placement breaks a rule: {}", violations.first().map(ToString::to_string).unwrap_or_default())]
    Unsound {
        /// The rules that it breaks.
        violations: Vec<Violation>,
    },
}

/// Places a pipe of a program on a machine. A program that does not fit is no error: the result says
/// what stands in the way.
///
/// # Errors
///
/// If there is no such pipe, the program is for v1model, a gress is not in the tables form, or the checker refuses the result.
pub fn place(program: &Program, pipe_id: PipeId, target: &Target) -> Result<Fit, PlaceError> {
    place_on(program, pipe_id, target, true)
}

/// The same without a search for containers: all that it takes to run the program stage by stage, and
/// sooner. So what comes of it may fit here and lack containers all the same.
///
/// # Errors
///
/// As [`place`].
pub fn place_tables(
    program: &Program,
    pipe_id: PipeId,
    target: &Target,
) -> Result<Fit, PlaceError> {
    place_on(program, pipe_id, target, false)
}

fn place_on(
    program: &Program,
    pipe_id: PipeId,
    target: &Target,
    with_containers: bool,
) -> Result<Fit, PlaceError> {
    let pipe = program
        .pipes
        .get(pipe_id)
        .ok_or(PlaceError::NoSuchPipe { pipe: pipe_id })?;
    match program.arch {
        Arch::Tna | Arch::T2na => {}
        Arch::V1model => return Err(PlaceError::NoStages),
    }
    let units = collect_units(pipe).map_err(|gress| PlaceError::NotTables { gress })?;
    let graph = DependencyGraph::build(units);
    let critical_path_stages = graph.critical_path_stages();
    let mut problems = check_program(pipe, &graph, target);
    let stateful = map_registers(pipe, &graph, target);
    problems.extend(stateful.problems);
    let mut job = Job {
        demands: demands(pipe, &graph, target),
        whole: Vec::new(),
        shared_usage: Vec::new(),
        groups: graph.unit_ids().map(|unit| vec![unit]).collect(),
        sharing: Sharing::new(&graph.units, pipe, target),
        compared: compared_in(pipe, target),
        own_wires: Vec::new(),
        pipe,
        graph: &graph,
        target,
    };
    job.whole = job
        .demands
        .iter()
        .map(|demand| match demand {
            UnitDemand::Table(demand) => lay_out(&demand.shape, demand.entries, target),
            UnitDemand::Gateway { .. } => None,
        })
        .collect();
    job.own_wires = graph.unit_ids().map(|unit| own_wires(&job, unit)).collect();
    let users = share_memories(&mut job, pipe);
    separate_impossible_groups(&mut job, pipe, &users, &mut problems);
    let bound = least_stages(&job);
    let schedule = schedule(&job, bound);
    for (unit, problem) in &schedule.problems {
        let mut problem = problem.clone();
        if let Problem::StageOverflow { memories, .. } = &mut problem
            && let UnitDemand::Table(demand) = &job.demands[unit.index()]
        {
            let gress = &pipe.gresses[graph.units[unit.index()].gress];
            let names = demand.shared.iter().map(|memory| memory.name(gress));
            memories.extend(names.map(str::to_owned));
        }
        let span = graph.units[unit.index()].span;
        problems.push(LocatedProblem { problem, span });
    }
    problems.extend(check_stages(&job, &schedule, critical_path_stages, pipe));
    let mut placement = placement_of(pipe, &graph, &schedule, target);
    for (placed, units) in placement.gresses.values_mut().zip(stateful.units) {
        placed.stateful = units;
    }
    let violations = check_placement(pipe, &placement, target);
    if problems.is_empty() && !violations.is_empty() {
        return Err(PlaceError::Unsound { violations });
    }
    let allocated = if problems.is_empty() && with_containers {
        allocate(pipe, &graph.units, &placement, target)
    } else {
        Allocated::default()
    };
    let Allocated {
        allocation: mut phv,
        problems: against,
        left_over: unallocated,
    } = allocated;
    let mut bugs = Vec::new();
    if problems.is_empty() && against.is_empty() {
        let mut violations = check_allocation(pipe, &graph.units, &placement, &phv, target);
        if !with_containers || !unallocated.is_empty() {
            violations.retain(|violation| !matches!(violation, PhvViolation::Missing { .. }));
        }
        if !violations.is_empty() {
            // Better none than wrong ones.
            phv = PhvAllocation::default();
        }
        bugs.extend(violations.into_iter().map(|violation| LocatedProblem {
            problem: Problem::Phv(PhvProblem::Unsound { violation }),
            span: pipe.span,
        }));
    }
    problems.extend(against);
    let (parde, against) = parde_use(pipe, &phv, target);
    problems.extend(against);
    if problems.is_empty() && with_containers {
        let violations = check_ends(pipe, &phv, &parde, target);
        if !violations.is_empty() {
            return Err(PlaceError::Unsound { violations });
        }
    }
    let blocked_by = graph
        .unit_ids()
        .map(|unit| blocked_by(&job, &schedule, unit))
        .collect();
    let latencies: Arena<GressId, GressLatency> = pipe
        .gresses
        .iter()
        .map(|(gress, _)| latency_of(pipe, gress, &job, &schedule))
        .collect();
    let power_microwatts = latencies
        .iter()
        .map(|(gress, latency)| {
            let units = powered_units(pipe, gress, &job, &schedule);
            worst_power(&graph, &units, latency, target)
        })
        .collect();
    let latency_cycles = latencies.values().map(|latency| latency.cycles).collect();
    let stage_cycles = latencies
        .values()
        .map(|latency| latency.by_stage.clone())
        .collect();
    let stages = stage_usage(&job, &schedule);
    drop(job);
    Ok(Fit {
        placement,
        problems,
        blocked_by,
        stages,
        critical_path_stages,
        latency_cycles,
        stage_cycles,
        power_microwatts,
        inexact: stateful.inexact,
        phv,
        unallocated,
        bugs,
        parde,
        graph,
    })
}

/// The tables form of a gress whose units were collected.
fn tables_of(gress: &Gress) -> &Tables {
    gress
        .as_tables()
        .expect("units were collected from the tables form")
}

fn table_of<'a>(pipe: &'a Pipe, unit: &Unit) -> Option<(TableId, &'a Table)> {
    match unit.kind {
        UnitKind::Table(table) => Some((table, &pipe.gresses[unit.gress].tables[table])),
        UnitKind::Gateway(_) => None,
    }
}

fn gateway_of<'a>(pipe: &'a Pipe, unit: &Unit) -> Option<&'a Gateway> {
    match unit.kind {
        UnitKind::Gateway(gateway) => Some(&tables_of(&pipe.gresses[unit.gress]).gateways[gateway]),
        UnitKind::Table(_) => None,
    }
}

fn demands(pipe: &Pipe, graph: &DependencyGraph, target: &Target) -> Vec<UnitDemand> {
    graph
        .units
        .iter()
        .map(|unit| {
            let gress = &pipe.gresses[unit.gress];
            match (table_of(pipe, unit), gateway_of(pipe, unit)) {
                (Some((_, table)), _) => UnitDemand::Table(Box::new(table_demand(
                    table,
                    unit.branches_on_action,
                    gress,
                    tables_of(gress),
                    target,
                ))),
                (None, Some(gateway)) => UnitDemand::Gateway {
                    n_gateways: n_gateways(gateway, gress, target),
                },
                (None, None) => UnitDemand::Gateway { n_gateways: 1 },
            }
        })
        .collect()
}

/// What a unit takes of the wires of a stage if it is alone there.
fn own_wires(job: &Job<'_>, unit: UnitId) -> Usage {
    let layout = job.whole[unit.index()];
    let alone = |layout| {
        let occupant = Occupant {
            unit: &job.graph.units[unit.index()],
            layout,
        };
        let mut usage = Usage::default();
        add_census(&mut usage, &[occupant], job);
        // Together, a section that one has begun may be of no use to another.
        let bytes = usage[Resource::ExactXbarBytes];
        usage[Resource::ExactXbarBytes] = bytes.next_multiple_of(job.target.hash.section_bytes);
        usage
    };
    let mut usage = alone(layout);
    // Of a partitioned table, the part in front or the part behind it is in a stage.
    if let UnitDemand::Table(demand) = &job.demands[unit.index()]
        && demand.classifier.is_some()
    {
        usage.add(&alone(demand.layout_of(0, job.target)));
    }
    usage
}
