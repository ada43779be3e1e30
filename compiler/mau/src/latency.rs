//! Cycles that a packet takes through the stages of a gress.
//!
//! The formula is that of the vendor's open compiler (`mau/mau_power.cpp`,
//! `mau/determine_power_usage.cpp`): a stage counts whole if a table in it matches on what a stage
//! before wrote, else only by a few cycles. Stages that do not match on one another form a chain, and
//! what one of them has (TCAM, meters, stateful ALUs) slows the first. A table without keys takes the
//! way of TCAM, unless it needs a hash.

use std::collections::BTreeSet;

use p4rmt_ir::Id;

use crate::graph::DependencyGraph;
use crate::sharing::Sharing;
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

/// The cycles of a gress, and what they follow from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GressLatency {
    pub(crate) cycles: u32,
    /// By stage: whether it matches on what a stage before it wrote, or is taken to.
    pub(crate) is_match: Vec<bool>,
    /// By stage: cycles if it does.
    pub(crate) stage_cycles: Vec<u32>,
    /// By stage: cycles.
    pub(crate) by_stage: Vec<u32>,
}

/// Cycles of one gress through all stages of the machine. `units_in` gives the units of a stage;
/// `classified` are those of which what is behind matches on what is in front.
pub(crate) fn gress_latency(
    graph: &DependencyGraph,
    (sharing, classified): (&Sharing, &BTreeSet<UnitId>),
    is_egress: bool,
    units_in: &[Vec<UnitId>],
    features: &[StageFeatures],
    target: &Target,
) -> GressLatency {
    let n_stages = target.machine.stages as usize;
    let n_stages = n_stages.max(features.len()).max(units_in.len());
    let none = Vec::new();
    let units = |stage: usize| units_in.get(stage).unwrap_or(&none);
    let mut dependencies = Vec::new();
    let mut last_match = 0;
    for stage in 0..n_stages {
        let is_forced = stage > 0 && stage == target.latency.forced_match_stage as usize;
        let dependency = if stage == 0 || is_forced {
            StageDependency::Match
        } else {
            let before: Vec<UnitId> = (last_match..stage).flat_map(units).copied().collect();
            let on_itself = |unit: &&UnitId| classified.contains(*unit) && before.contains(*unit);
            if units(stage).iter().any(|unit| on_itself(&unit)) {
                StageDependency::Match
            } else {
                worst_dependency(graph, sharing, units(stage), &before)
            }
        };
        if dependency == StageDependency::Match {
            last_match = stage;
        }
        dependencies.push(dependency);
    }
    let least = if is_egress {
        target.latency.egress_cycles_min
    } else {
        0
    };
    for stage in 0..dependencies.len() {
        if cycles_by_stage(&dependencies, features, target)
            .iter()
            .sum::<u32>()
            >= least
        {
            break;
        }
        dependencies[stage] = StageDependency::Match;
    }
    let by_stage = cycles_by_stage(&dependencies, features, target);
    GressLatency {
        cycles: by_stage.iter().sum(),
        is_match: dependencies
            .iter()
            .map(|of| *of == StageDependency::Match)
            .collect(),
        stage_cycles: (0..n_stages)
            .map(|stage| match_cycles(stage, &dependencies, features, target))
            .collect(),
        by_stage,
    }
}

/// The worst dependency of units in a stage on units in the stages before, by container.
fn worst_dependency(
    graph: &DependencyGraph,
    sharing: &Sharing,
    units: &[UnitId],
    before: &[UnitId],
) -> StageDependency {
    let mut worst = StageDependency::Concurrent;
    for &unit in units {
        let touched = sharing.of(unit);
        if touched.matches_on_copies {
            return StageDependency::Match;
        }
        for &earlier in before {
            let written = &sharing.of(earlier).written;
            let own = &graph.units[unit.index()];
            if unit == earlier || graph.units[earlier.index()].is_exclusive_with(own) {
                continue;
            }
            for (container, _) in written {
                if touched.matched.contains(container) {
                    return StageDependency::Match;
                }
                let is_written = touched.written.iter().any(|(own, _)| own == container);
                if touched.operands.contains(container) || is_written {
                    worst = StageDependency::Action;
                }
            }
        }
    }
    worst
}

fn cycles_by_stage(
    dependencies: &[StageDependency],
    features: &[StageFeatures],
    target: &Target,
) -> Vec<u32> {
    let stages = dependencies.iter().enumerate();
    let cycles = stages.map(|(stage, dependency)| match dependency {
        StageDependency::Concurrent => target.latency.concurrent_cycles,
        StageDependency::Action => target.latency.action_dependent_cycles,
        StageDependency::Match => match_cycles(stage, dependencies, features, target),
    });
    cycles.collect()
}

/// Cycles of a stage that counts whole: with what the slowest of its chain has.
fn match_cycles(
    stage: usize,
    dependencies: &[StageDependency],
    features: &[StageFeatures],
    target: &Target,
) -> u32 {
    let model = &target.latency;
    let is_linked = |d: &&StageDependency| **d != StageDependency::Match;
    let up_to_stage = dependencies[..=stage].iter().rev();
    let first = stage - up_to_stage.take_while(is_linked).count().min(stage);
    let n_after = dependencies[stage + 1..].iter().take_while(is_linked);
    let last = stage + n_after.count();
    let any = |has: fn(&StageFeatures) -> bool| {
        let chain = features.iter().skip(first).take(last + 1 - first);
        chain.into_iter().any(has)
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, is_egress: bool, features: &[StageFeatures], expected: u32) {
        let target = Target::built_in(target).expect("built in");
        let graph = DependencyGraph::build(Vec::new());
        let sharing = Sharing::default();
        let none = BTreeSet::new();
        let latency = gress_latency(&graph, (&sharing, &none), is_egress, &[], features, &target);
        assert_eq!(latency.cycles, expected);
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
