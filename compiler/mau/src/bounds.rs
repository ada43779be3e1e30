//! Bounds on stages: the graph's chains, where users of one memory share a stage.

use p4rmt_ir::{Id, MemoryUse};

use crate::resource::{Resource, Usage};
use crate::schedule::{Job, UnitDemand};
use crate::sizing::lay_out;
use crate::unit::UnitId;

/// Which way chains of dependencies are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Stages before each unit.
    FromStart,
    /// Stages after each unit.
    FromEnd,
}

/// By unit: stages that must lie before or after it, where units of a group share a stage. Nothing if
/// no placement keeps the groups together.
pub(crate) fn grouped_bounds(job: &Job<'_>, direction: Direction) -> Option<Vec<u32>> {
    let graph = job.graph;
    let n_units = graph.units.len();
    let mut bounds = vec![0_u32; n_units];
    let units: Vec<UnitId> = match direction {
        Direction::FromStart => graph.unit_ids().collect(),
        Direction::FromEnd => graph.unit_ids().rev().collect(),
    };
    loop {
        let mut has_changed = false;
        for &unit in &units {
            let mut bound = bounds[unit.index()];
            if direction == Direction::FromStart && job.has_classifier(unit) {
                bound = bound.max(1);
            }
            match direction {
                Direction::FromStart => {
                    for edge in graph.edges_to(unit) {
                        bound = bound.max(bounds[edge.from.index()] + job.distance(edge));
                    }
                }
                Direction::FromEnd => {
                    for edge in graph.edges_from(unit) {
                        bound = bound.max(bounds[edge.to.index()] + job.distance(edge));
                    }
                }
            }
            for member in &job.groups[unit.index()] {
                if bounds[member.index()] < bound {
                    bounds[member.index()] = bound;
                    has_changed = true;
                }
            }
        }
        if bounds.iter().any(|bound| *bound as usize > n_units) {
            return None;
        }
        if !has_changed {
            return Some(bounds);
        }
    }
}

/// Stages below which no placement can be: those of the longest chain, or those that hold all logical
/// tables, or all memory.
pub(crate) fn least_stages(job: &Job<'_>) -> u32 {
    let chain = grouped_bounds(job, Direction::FromStart)
        .and_then(|bounds| bounds.into_iter().max())
        .map_or(0, |stage| stage + 1);
    let mut total = Usage::default();
    for demand in &job.demands {
        let UnitDemand::Table(demand) = demand else {
            continue;
        };
        total[Resource::LogicalTables] += 1;
        if let Some(layout) = lay_out(&demand.shape, demand.entries, job.target) {
            // What a table takes in parts rounds differently, but never by so much.
            let least = |blocks: u32| blocks - blocks / 4;
            total.add(&Usage::of_memory(MemoryUse {
                sram: least(layout.memory.sram),
                tcam: least(layout.memory.tcam),
                map_ram: least(layout.memory.map_ram),
            }));
        }
    }
    for (_, usage) in &job.shared_usage {
        total.add(usage);
    }
    let stages = |resource: Resource| total[resource].div_ceil(resource.limit(job.target).max(1));
    Resource::ALL
        .into_iter()
        .map(stages)
        .max()
        .unwrap_or(0)
        .max(chain)
}
