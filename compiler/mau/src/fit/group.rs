//! Units that must stand in one stage because they use one memory.

use p4rmt_ir::{Id, Pipe};

use crate::bounds::{Direction, grouped_bounds};
use crate::demand::{SharedKey, shared_usage};
use crate::graph::DependencyGraph;
use crate::problem::{LocatedProblem, Problem};
use crate::resource::Usage;
use crate::schedule::{Job, UnitDemand};
use crate::sizing::lay_out;
use crate::unit::UnitId;

/// The users of each memory that tables reach by an index. Puts the users of one into one group.
pub(super) fn share_memories(job: &mut Job<'_>, pipe: &Pipe) -> Vec<(SharedKey, Vec<UnitId>)> {
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
pub(super) fn separate_impossible_groups(
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
