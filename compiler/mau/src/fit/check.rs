//! What stands in the way wherever units are placed, and what of a schedule breaks the machine.

use p4rmt_ir::{Gress, Id, MatchKind, Pipe, Table};

use super::{gateway_of, table_of, tables_of};
use crate::action::check_action;
use crate::condition::check_condition;
use crate::demand::{SharedMemory, table_demand};
use crate::graph::DependencyGraph;
use crate::index::check_indices;
use crate::problem::{LocatedProblem, Problem};
use crate::schedule::{Job, Schedule, UnitDemand};
use crate::sizing::lay_out;
use crate::target::Target;
use crate::unit::{Unit, actions_of};

/// What no unit of the machine can do, wherever it is placed.
pub(super) fn check_program(
    pipe: &Pipe,
    graph: &DependencyGraph,
    target: &Target,
) -> Vec<LocatedProblem> {
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
    problems.extend(check_indices(table, gress, tables_of(gress)));
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

/// Whether all stages exist and pragmas are kept.
pub(super) fn check_stages(
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
