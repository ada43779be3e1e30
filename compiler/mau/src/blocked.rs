//! Why a unit is not one stage earlier: the question that authors of programs ask of a placement.
//!
//! In: the graph and the schedule. Out: for each unit the first reason that holds: a dependency of its
//! own; one of what must be in its stage; a resource that the stage before had not enough of; a pragma;
//! another user of its register, counter or meter.

use p4rmt_ir::{FieldId, Id};

use crate::graph::Edge;
use crate::resource::Resource;
use crate::schedule::{Job, Refusal, Schedule, UnitDemand};
use crate::unit::UnitId;

/// Why a unit is not one stage earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockedBy {
    /// It, or the gateway `through` above it, depends on a unit in the stage before, or must follow
    /// one in the same stage.
    Dependency {
        /// The dependency.
        edge: Edge,
        /// The unit that depends, if it is not the table itself.
        through: Option<UnitId>,
    },
    /// The stage before had not enough of a resource left.
    Resource {
        /// Which.
        resource: Resource,
        /// What is needed.
        needed: u32,
        /// What was left.
        available: u32,
    },
    /// Another user of a memory could not be there.
    SharedMemory {
        /// The other user.
        user: UnitId,
    },
    /// Without long branches, what this unit leads to had to come first.
    NextTable {
        /// The unit.
        open: UnitId,
    },
    /// A table in the stage before writes a container that this one writes too.
    Container {
        /// The other table.
        other: UnitId,
        /// What this one writes there.
        own_field: FieldId,
        /// What the other one does.
        other_field: FieldId,
    },
    /// The program wants it there.
    StagePragma,
    /// Nothing that could be named: other tables had their turn first.
    Order,
}

/// Why a unit is not one stage earlier.
pub(crate) fn blocked_by(job: &Job<'_>, schedule: &Schedule, unit: UnitId) -> Option<BlockedBy> {
    let stage_of = |unit: UnitId| {
        schedule.positions[unit.index()]
            .as_ref()
            .map(|p| p.first.stage)
    };
    let stage = stage_of(unit).filter(|stage| *stage > 0)?;
    let bound = |unit: UnitId| {
        job.graph
            .edges_to(unit)
            .filter(|edge| edge.kind.distance() > 0)
            .find(|edge| {
                let from = schedule.positions[edge.from.index()].as_ref();
                from.is_some_and(|from| from.last.stage + 1 == stage)
            })
            .copied()
    };
    if let Some(edge) = bound(unit) {
        return Some(BlockedBy::Dependency {
            edge,
            through: None,
        });
    }
    // What must be in the same stage and before it may be what can't be earlier.
    let mut same_stage: Vec<UnitId> = vec![unit];
    let mut position = 0;
    while let Some(&at) = same_stage.get(position) {
        position += 1;
        for edge in job.graph.edges_to(at) {
            if stage_of(edge.from) == Some(stage) && !same_stage.contains(&edge.from) {
                if let Some(edge) = bound(edge.from) {
                    return Some(BlockedBy::Dependency {
                        edge,
                        through: Some(edge.to),
                    });
                }
                same_stage.push(edge.from);
            }
        }
    }
    let refusal = same_stage
        .iter()
        .find_map(|unit| match &schedule.refusals[unit.index()] {
            Some((refused_in, refusal)) if refused_in + 1 == stage => Some(refusal),
            Some(_) | None => None,
        });
    if let Some(refusal) = refusal {
        return Some(blocked_by_refusal(refusal));
    }
    let pragma = |unit: UnitId| match &job.demands[unit.index()] {
        UnitDemand::Table(demand) => demand.stage_pragma,
        UnitDemand::Gateway { .. } => None,
    };
    if pragma(unit) == Some(stage) {
        return Some(BlockedBy::StagePragma);
    }
    let other_user = job.groups[unit.index()].iter().copied().find(|member| {
        *member != unit && (bound(*member).is_some() || pragma(*member) == Some(stage))
    });
    let any_user = job.groups[unit.index()]
        .iter()
        .copied()
        .find(|member| *member != unit);
    if let Some(user) = other_user.or(any_user) {
        return Some(BlockedBy::SharedMemory { user });
    }
    // It had its turn before, but not in the stage before: what goes with it was not ready there.
    let earlier = same_stage
        .iter()
        .find_map(|unit| schedule.refusals[unit.index()].as_ref());
    Some(earlier.map_or(BlockedBy::Order, |(_, refusal)| blocked_by_refusal(refusal)))
}

fn blocked_by_refusal(refusal: &Refusal) -> BlockedBy {
    match refusal {
        Refusal::Resource {
            resource,
            needed,
            available,
            ..
        } => BlockedBy::Resource {
            resource: *resource,
            needed: *needed,
            available: *available,
        },
        Refusal::NextTable { open } => BlockedBy::NextTable { open: *open },
        Refusal::Container {
            other,
            own_field,
            other_field,
        } => BlockedBy::Container {
            other: *other,
            own_field: *own_field,
            other_field: *other_field,
        },
    }
}
