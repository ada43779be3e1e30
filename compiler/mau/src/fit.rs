//! Placing a pipe: the steps in order, and what comes of them.
//!
//! 1. Collect units, build the dependency graph.
//! 2. Refuse what no action ALU, gateway or stateful ALU can do.
//! 3. Size tables and shared memories; tables that share one stand in one stage.
//! 4. Schedule.
//! 5. Check the placement by code of its own ([`crate::checker`]).
//! 6. Find containers ([`crate::phv`]), and check them by code of its own, too.

use std::collections::BTreeSet;

use p4rmt_ir::{
    Arch, Arena, Gateway, Gress, GressId, GressPlacement, GressRole, Id, MatchKind, Pipe, PipeId,
    Placement, Program, Slot, Table, TableId, Tables,
};

use crate::action::check_action;
use crate::blocked::{BlockedBy, blocked_by};
use crate::bounds::{Direction, grouped_bounds, least_stages};
use crate::census::{Occupant, add_census};
use crate::checker::{Violation, check_placement};
use crate::condition::{check_condition, n_gateways};
use crate::demand::{
    SharedKey, SharedMemory, TableDemand, classifier_accesses, shared_usage, table_accesses,
    table_demand,
};
use crate::graph::DependencyGraph;
use crate::latency::{GressLatency, StageFeatures, gress_latency};
use crate::parde::{PardeUse, parde_use};
use crate::phv::checker::{PhvViolation, check_allocation};
use crate::phv::{Allocated, PhvAllocation, PhvProblem, allocate};
use crate::power::{PoweredUnit, worst_power};
use crate::problem::{LocatedProblem, Problem};
use crate::resource::Usage;
use crate::schedule::{Job, Schedule, UnitDemand, schedule};
use crate::sharing::Sharing;
use crate::sizing::{MatchForm, lay_out};
use crate::stateful::{InexactComparison, map_registers};
use crate::target::Target;
use crate::unit::{Unit, UnitId, UnitKind, actions_of, collect_units};

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
    /// Fields for which the search found no container. It may have missed one, so this alone does not
    /// say that the program does not fit.
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

/// The same without a search for containers: all that it takes to run the program, and sooner.
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
        shared_usage: Vec::new(),
        groups: graph.unit_ids().map(|unit| vec![unit]).collect(),
        sharing: Sharing::new(&graph.units, pipe, target),
        own_wires: Vec::new(),
        pipe,
        graph: &graph,
        target,
    };
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
            // Containers do not decide whether the program fits: better none than wrong ones.
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
    let stages = stage_usage(pipe, &job, &schedule);
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

/// What no unit of the machine can do, wherever it is placed.
fn check_program(pipe: &Pipe, graph: &DependencyGraph, target: &Target) -> Vec<LocatedProblem> {
    let mut problems = Vec::new();
    for (gress_id, gress) in pipe.gresses.iter() {
        let tables = tables_of(gress);
        let mut checked_actions = Vec::new();
        for unit in graph.units.iter().filter(|unit| unit.gress == gress_id) {
            problems
                .extend(gateway_of(pipe, unit).and_then(|of| check_condition(of, gress, target)));
            let Some((_, table)) = table_of(pipe, unit) else {
                continue;
            };
            problems.extend(check_table(table, unit, gress, target));
            for action in actions_of(table) {
                if checked_actions.contains(&action) {
                    continue;
                }
                checked_actions.push(action);
                problems.extend(check_action(&tables.actions[action]));
            }
        }
    }
    problems
}

fn check_table(table: &Table, unit: &Unit, gress: &Gress, target: &Target) -> Vec<LocatedProblem> {
    let mut problems = Vec::new();
    for key in table.keys.iter().filter(|key| key.kind == MatchKind::Range) {
        let needed = key.expr.width(gress);
        let available = target.tcam.range_key_bits_max;
        if needed > available {
            let problem = Problem::RangeTooWide {
                key: key.name.clone(),
                needed,
                available,
            };
            problems.push(LocatedProblem {
                problem,
                span: key.span,
            });
        }
    }
    let demand = table_demand(
        table,
        unit.branches_on_action,
        gress,
        tables_of(gress),
        target,
    );
    if lay_out(&demand.shape, demand.entries, target).is_none() {
        let problem = Problem::EntryTooWide {
            table: table.name.clone(),
            bits: demand.shape.key_bits,
        };
        problems.push(LocatedProblem {
            problem,
            span: table.span,
        });
    }
    let is_counter = |memory: &&SharedMemory| matches!(memory, SharedMemory::Counter(_));
    let counters: Vec<&SharedMemory> = demand.shared.iter().filter(is_counter).collect();
    let meters: Vec<&SharedMemory> = demand.shared.iter().filter(|m| !is_counter(m)).collect();
    for memories in [counters, meters] {
        if let [first, second, ..] = memories[..] {
            let problem = Problem::TwoMemories {
                table: table.name.clone(),
                first: first.name(gress).to_owned(),
                second: second.name(gress).to_owned(),
            };
            problems.push(LocatedProblem {
                problem,
                span: table.span,
            });
        }
    }
    problems
}

/// What a unit takes of the wires of a stage if it is alone there.
fn own_wires(job: &Job<'_>, unit: UnitId) -> Usage {
    let layout = match &job.demands[unit.index()] {
        UnitDemand::Table(demand) => lay_out(&demand.shape, demand.entries, job.target),
        UnitDemand::Gateway { .. } => None,
    };
    let alone = |layout| {
        let occupant = Occupant {
            unit: &job.graph.units[unit.index()],
            layout,
        };
        let mut usage = Usage::default();
        add_census(&mut usage, &[occupant], job.pipe, &job.sharing, job.target);
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

/// The users of each memory that tables reach by an index. Puts the users of one into one group.
fn share_memories(job: &mut Job<'_>, pipe: &Pipe) -> Vec<(SharedKey, Vec<UnitId>)> {
    let mut users: Vec<(SharedKey, Vec<UnitId>)> = Vec::new();
    for unit in job.graph.unit_ids() {
        let UnitDemand::Table(demand) = &job.demands[unit.index()] else {
            continue;
        };
        for memory in &demand.shared {
            let key = (job.graph.units[unit.index()].gress, *memory);
            match users.iter_mut().find(|(known, _)| *known == key) {
                Some((_, users)) => users.push(unit),
                None => users.push((key, vec![unit])),
            }
        }
    }
    for ((gress, memory), users) in &users {
        let usage = shared_usage(*memory, &pipe.gresses[*gress], job.target);
        job.shared_usage.push(((*gress, *memory), usage));
        if !is_divided(job, users, &usage) {
            join_groups(&mut job.groups, users);
        }
    }
    users
}

/// Whether one of the users of a memory is too large for a stage and may be divided: each stage that it
/// is in then has a copy.
fn is_divided(job: &Job<'_>, users: &[UnitId], usage: &Usage) -> bool {
    users.iter().any(|unit| match &job.demands[unit.index()] {
        UnitDemand::Table(demand) if demand.is_splittable() => {
            let layout = lay_out(&demand.shape, demand.entries, job.target);
            layout.is_some_and(|layout| {
                let mut total = Usage::of_memory(layout.memory);
                total.add(usage);
                total.first_over(job.target).is_some()
            })
        }
        UnitDemand::Table(_) | UnitDemand::Gateway { .. } => false,
    })
}

/// Makes one group of the groups of these units.
fn join_groups(groups: &mut [Vec<UnitId>], units: &[UnitId]) {
    let mut members: Vec<UnitId> = units
        .iter()
        .flat_map(|unit| groups[unit.index()].iter().copied())
        .collect();
    members.sort_unstable();
    members.dedup();
    for member in members.clone() {
        groups[member.index()].clone_from(&members);
    }
}

/// Dissolves groups that no placement keeps together, and says why.
fn separate_impossible_groups(
    job: &mut Job<'_>,
    pipe: &Pipe,
    users: &[(SharedKey, Vec<UnitId>)],
    problems: &mut Vec<LocatedProblem>,
) {
    let mut kept: Vec<&(SharedKey, Vec<UnitId>)> = users.iter().collect();
    while grouped_bounds(job, Direction::FromStart).is_none() {
        let direct = kept
            .iter()
            .position(|(_, users)| apart(job.graph, users).is_some());
        // Groups that are impossible only together go one after the other.
        let many = || kept.iter().rposition(|(_, users)| users.len() > 1);
        let Some(index) = direct.or_else(many) else {
            return;
        };
        let ((gress, memory), users) = kept.remove(index);
        let (first, second) = apart(job.graph, users)
            .unwrap_or((users[0], *users.last().expect("a memory has a user")));
        let name = |unit: UnitId| job.graph.units[unit.index()].name.clone();
        let problem = Problem::SharedOverStages {
            memory: memory.name(&pipe.gresses[*gress]).to_owned(),
            first: name(first),
            second: name(second),
        };
        problems.push(LocatedProblem {
            problem,
            span: job.graph.units[second.index()].span,
        });
        job.groups = job.graph.unit_ids().map(|unit| vec![unit]).collect();
        for (_, users) in &kept {
            join_groups(&mut job.groups, users);
        }
    }
}

/// Two of the units of which the second needs a later stage than the first.
fn apart(graph: &DependencyGraph, units: &[UnitId]) -> Option<(UnitId, UnitId)> {
    for &first in units {
        let mut distances: Vec<Option<u32>> = vec![None; graph.units.len()];
        distances[first.index()] = Some(0);
        for unit in graph.unit_ids() {
            for edge in graph.edges_to(unit) {
                if let Some(distance) = distances[edge.from.index()] {
                    let longer = distance + edge.kind.distance();
                    distances[unit.index()] = distances[unit.index()].max(Some(longer));
                }
            }
        }
        let second = units.iter().find(|unit| distances[unit.index()] > Some(0));
        if let Some(second) = second {
            return Some((first, *second));
        }
    }
    None
}

/// Whether all stages exist and pragmas are kept.
fn check_stages(
    job: &Job<'_>,
    schedule: &Schedule,
    critical_path: u32,
    pipe: &Pipe,
) -> Vec<LocatedProblem> {
    let mut problems = Vec::new();
    let needed = u32::try_from(schedule.stages.len()).unwrap_or(u32::MAX);
    let available = job.target.machine.stages;
    let is_complete = schedule.positions.iter().all(Option::is_some);
    if needed > available || !is_complete {
        let problem = Problem::TooManyStages {
            needed,
            available,
            critical_path,
        };
        problems.push(LocatedProblem {
            problem,
            span: pipe.span,
        });
    }
    for unit in job.graph.unit_ids() {
        let UnitDemand::Table(demand) = &job.demands[unit.index()] else {
            continue;
        };
        let Some(wanted) = demand.stage_pragma else {
            continue;
        };
        let position = schedule.positions[unit.index()].as_ref();
        if position.is_none_or(|position| position.first.stage != wanted) {
            let of = &job.graph.units[unit.index()];
            let problem = Problem::StageNotPossible {
                table: of.name.clone(),
                wanted,
            };
            problems.push(LocatedProblem {
                problem,
                span: of.span,
            });
        }
    }
    problems
}

fn placement_of(
    pipe: &Pipe,
    graph: &DependencyGraph,
    schedule: &Schedule,
    target: &Target,
) -> Placement {
    let nowhere = Slot {
        stage: 0,
        logical_id: 0,
    };
    let mut gresses: Arena<GressId, GressPlacement> = pipe
        .gresses
        .values()
        .map(|gress| GressPlacement {
            tables: gress.tables.values().map(|_| Vec::new()).collect(),
            gateways: tables_of(gress)
                .gateways
                .values()
                .map(|_| nowhere)
                .collect(),
            stateful: Vec::new(),
        })
        .collect();
    for (unit, position) in graph.units.iter().zip(&schedule.positions) {
        let Some(position) = position else {
            continue;
        };
        match unit.kind {
            UnitKind::Table(table) => {
                gresses[unit.gress].tables[table].clone_from(&position.parts);
            }
            UnitKind::Gateway(gateway) => gresses[unit.gress].gateways[gateway] = position.first,
        }
    }
    Placement {
        target: target.name.clone(),
        stages_available: target.machine.stages,
        stages_used: u32::try_from(schedule.stages.len()).unwrap_or(u32::MAX),
        gresses,
    }
}

/// What each stage uses, of the resources that limit placement and of the others.
fn stage_usage(pipe: &Pipe, job: &Job<'_>, schedule: &Schedule) -> Vec<Usage> {
    let mut occupants: Vec<Vec<Occupant<'_>>> =
        schedule.stages.iter().map(|_| Vec::new()).collect();
    for id in job.graph.unit_ids() {
        let unit = &job.graph.units[id.index()];
        let Some(position) = &schedule.positions[id.index()] else {
            continue;
        };
        match &job.demands[id.index()] {
            UnitDemand::Table(demand) => {
                for part in &position.parts {
                    let layout = demand.layout_of(part.entries, job.target);
                    occupants[part.slot.stage as usize].push(Occupant { unit, layout });
                }
            }
            UnitDemand::Gateway { .. } => {
                let layout = None;
                occupants[position.first.stage as usize].push(Occupant { unit, layout });
            }
        }
    }
    let mut stages = schedule.stages.clone();
    for (usage, occupants) in stages.iter_mut().zip(&occupants) {
        add_census(usage, occupants, pipe, &job.sharing, job.target);
    }
    stages
}

fn latency_of(pipe: &Pipe, gress: GressId, job: &Job<'_>, schedule: &Schedule) -> GressLatency {
    let mut units_in: Vec<Vec<UnitId>> = vec![Vec::new(); schedule.stages.len()];
    let mut features = vec![StageFeatures::default(); schedule.stages.len()];
    let mut classified = BTreeSet::new();
    for unit in job.graph.unit_ids() {
        let of = &job.graph.units[unit.index()];
        let Some(position) = schedule.positions[unit.index()].as_ref() else {
            continue;
        };
        if of.gress != gress {
            continue;
        }
        let has_classifier = matches!(
            &job.demands[unit.index()],
            UnitDemand::Table(demand) if demand.classifier.is_some()
        );
        if has_classifier {
            classified.insert(unit);
        }
        for stage in position.stages() {
            units_in[stage as usize].push(unit);
            if let UnitDemand::Table(demand) = &job.demands[unit.index()] {
                let table = table_of(pipe, of).map(|(_, table)| table);
                let features = &mut features[stage as usize];
                if has_classifier && stage == position.first.stage {
                    features.has_tcam = true;
                    continue;
                }
                add_features(features, demand, table, &pipe.gresses[gress], job.target);
            }
        }
    }
    let is_egress = pipe.gresses[gress].role == GressRole::Egress;
    gress_latency(
        job.graph,
        (&job.sharing, &classified),
        is_egress,
        &units_in,
        &features,
        job.target,
    )
}

/// The units of a gress with what they read and write. A memory that several tables share counts for
/// the first of them.
fn powered_units(
    pipe: &Pipe,
    gress: GressId,
    job: &Job<'_>,
    schedule: &Schedule,
) -> Vec<PoweredUnit> {
    let mut seen: Vec<SharedKey> = Vec::new();
    let mut powered = Vec::new();
    for unit in job.graph.unit_ids() {
        let of = &job.graph.units[unit.index()];
        let Some(position) = schedule.positions[unit.index()].as_ref() else {
            continue;
        };
        if of.gress != gress {
            continue;
        }
        let mut accesses = Vec::new();
        if let (UnitDemand::Table(demand), Some((_, table))) =
            (&job.demands[unit.index()], table_of(pipe, of))
        {
            let new = demand.shared.iter().filter(|memory| {
                let key = (gress, **memory);
                let is_new = !seen.contains(&key);
                if is_new {
                    seen.push(key);
                }
                is_new
            });
            let new: Vec<SharedMemory> = new.copied().collect();
            for part in &position.parts {
                let gress = &pipe.gresses[gress];
                let of_part = if demand.classifier.is_some() && part.entries == 0 {
                    classifier_accesses(demand, job.target)
                } else {
                    table_accesses(demand, table, part.entries, &new, gress, job.target)
                };
                accesses.push((part.slot.stage, of_part));
            }
        }
        powered.push(PoweredUnit {
            unit,
            place: (position.first.stage, position.first.logical_id),
            accesses,
        });
    }
    powered
}

fn add_features(
    features: &mut StageFeatures,
    demand: &TableDemand,
    table: Option<&Table>,
    gress: &Gress,
    target: &Target,
) {
    features.has_tcam |= match demand.shape.form {
        MatchForm::Ternary { .. } => true,
        MatchForm::Keyless => !demand.needs_gateway,
        MatchForm::Exact | MatchForm::Partitioned { .. } => false,
    };
    let has_direct = |n: fn(&Table) -> usize| table.is_some_and(|table| n(table) > 0);
    let reaches = |is_wanted: fn(&SharedMemory) -> bool| demand.shared.iter().any(is_wanted);
    let profile = table.and_then(|table| table.implementation);
    if let Some(selector) = profile.and_then(|profile| gress.profiles[profile].selector) {
        features.has_selector = true;
        // Words of a group are chosen on the way of TCAM.
        features.has_tcam |= selector
            .groups
            .is_some_and(|groups| groups.max_size > target.selector.members_per_word);
    }
    features.has_meter |= has_direct(|table| table.direct_meters.len())
        || reaches(|memory| matches!(memory, SharedMemory::Meter(_)));
    features.has_stateful |= has_direct(|table| table.direct_registers.len())
        || reaches(|memory| matches!(memory, SharedMemory::Register(_)));
}
