//! Cycles that a packet takes through the stages of a gress.
//!
//! The formula is that of the vendor's open compiler (`mau/mau_power.cpp`,
//! `mau/determine_power_usage.cpp`): a stage counts whole if a table in it matches on what a stage
//! before wrote, else only by a few cycles. Stages that do not match on one another form a chain, and
//! what one of them has (TCAM, meters, stateful ALUs) slows the first. A table without keys takes the
//! way of TCAM, unless it needs a hash.

use p4rmt_ir::GressId;

use crate::graph::{DependencyGraph, DependencyKind, Edge};
use crate::target::Target;
use crate::unit::UnitId;

/// What of a stage decides its latency in one gress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StageFeatures {
    pub(crate) has_tcam: bool,
    pub(crate) has_selector: bool,
    pub(crate) has_meter: bool,
    pub(crate) has_stateful: bool,
}

/// How a stage depends on those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum StageDependency {
    Concurrent,
    Action,
    Match,
}

/// Cycles of one gress through all stages of the machine. `stages_of` gives the stages of a unit.
pub(crate) fn latency_cycles(
    graph: &DependencyGraph,
    gress: GressId,
    is_egress: bool,
    stages_of: &dyn Fn(UnitId) -> Vec<u32>,
    features: &[StageFeatures],
    target: &Target,
) -> u32 {
    let n_stages = target
        .machine
        .stages
        .max(u32::try_from(features.len()).unwrap_or(u32::MAX));
    let edges_into = edges_into(graph, gress, n_stages, stages_of);
    let mut dependencies = Vec::new();
    let mut last_match = 0;
    for stage in 0..n_stages {
        let is_forced = stage > 0 && stage == target.latency.forced_match_stage;
        let dependency = if stage == 0 || is_forced {
            StageDependency::Match
        } else {
            worst_dependency(&edges_into[stage as usize], last_match..stage, stages_of)
        };
        if dependency == StageDependency::Match {
            last_match = stage;
        }
        dependencies.push(dependency);
    }
    let mut total = sum_stages(&dependencies, features, target);
    let least = if is_egress {
        target.latency.egress_cycles_min
    } else {
        0
    };
    for stage in 0..dependencies.len() {
        if total >= least {
            break;
        }
        dependencies[stage] = StageDependency::Match;
        total = sum_stages(&dependencies, features, target);
    }
    total
}

/// By stage: the edges that lead to a unit in it.
fn edges_into<'g>(
    graph: &'g DependencyGraph,
    gress: GressId,
    n_stages: u32,
    stages_of: &dyn Fn(UnitId) -> Vec<u32>,
) -> Vec<Vec<&'g Edge>> {
    let mut edges_into = vec![Vec::new(); n_stages as usize];
    for edge in &graph.edges {
        if graph.units[p4rmt_ir::Id::index(edge.to)].gress != gress {
            continue;
        }
        for stage in stages_of(edge.to) {
            if let Some(edges) = edges_into.get_mut(stage as usize) {
                edges.push(edge);
            }
        }
    }
    edges_into
}

/// The worst of these dependencies on units in the stages before.
fn worst_dependency(
    edges: &[&Edge],
    before: std::ops::Range<u32>,
    stages_of: &dyn Fn(UnitId) -> Vec<u32>,
) -> StageDependency {
    edges
        .iter()
        .filter(|edge| {
            stages_of(edge.from)
                .iter()
                .any(|from| before.contains(from))
        })
        .map(|edge| match edge.kind {
            DependencyKind::Match => StageDependency::Match,
            DependencyKind::Action | DependencyKind::Output => StageDependency::Action,
            DependencyKind::Anti | DependencyKind::Control => StageDependency::Concurrent,
        })
        .max()
        .unwrap_or(StageDependency::Concurrent)
}

fn sum_stages(
    dependencies: &[StageDependency],
    features: &[StageFeatures],
    target: &Target,
) -> u32 {
    let model = &target.latency;
    let mut total = 0;
    for (stage, dependency) in dependencies.iter().enumerate() {
        total += match dependency {
            StageDependency::Concurrent => model.concurrent_cycles,
            StageDependency::Action => model.action_dependent_cycles,
            StageDependency::Match => {
                let rest = &dependencies[stage + 1..];
                let n_chained = rest
                    .iter()
                    .take_while(|d| **d != StageDependency::Match)
                    .count();
                let chain = features.iter().skip(stage).take(n_chained + 1);
                let any = |has: fn(&StageFeatures) -> bool| chain.clone().any(has);
                let tcam = if any(|f| f.has_tcam) {
                    model.tcam_cycles
                } else {
                    0
                };
                let alu = if any(|f| f.has_selector) {
                    model.selector_cycles
                } else if any(|f| f.has_meter) {
                    model.meter_cycles
                } else if any(|f| f.has_stateful) {
                    model.stateful_cycles
                } else {
                    0
                };
                model.base_cycles + tcam + alu
            }
        };
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, is_egress: bool, features: &[StageFeatures], expected: u32) {
        let target = Target::built_in(target).expect("built in");
        let graph = DependencyGraph::build(Vec::new());
        let gress = p4rmt_ir::Id::from_index(0);
        let none = |_| Vec::new();
        let cycles = latency_cycles(&graph, gress, is_egress, &none, features, &target);
        assert_eq!(cycles, expected);
    }

    /// The vendor's figures for gresses without tables, with one table without keys, and with a
    /// register.
    #[test]
    fn idle_gresses_take_what_the_vendor_says() {
        let keyless = StageFeatures {
            has_tcam: true,
            ..StageFeatures::default()
        };
        let register = StageFeatures {
            has_stateful: true,
            ..keyless
        };
        check("tofino1", false, &[], 50);
        check("tofino1", false, &[keyless], 52);
        check("tofino1", false, &[register], 56);
        check("tofino1", true, &[], 164);
        check("tofino2", false, &[], 58);
        check("tofino2", false, &[keyless], 60);
        check("tofino2", false, &[register], 64);
        check("tofino2", true, &[], 58);
    }
}
