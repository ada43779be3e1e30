//! Bounds on stages: the graph's chains, where users of one memory share a stage.

use p4rmt_ir::Id;

use crate::schedule::Job;
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
            match direction {
                Direction::FromStart => {
                    for edge in graph.edges_to(unit) {
                        bound = bound.max(bounds[edge.from.index()] + edge.kind.distance());
                    }
                }
                Direction::FromEnd => {
                    for edge in graph.edges_from(unit) {
                        bound = bound.max(bounds[edge.to.index()] + edge.kind.distance());
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
