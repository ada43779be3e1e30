//! Worst-case power of the memories of a gress.
//!
//! In: the placed units, which stages match on what stages before wrote. Out: microwatts for the way
//! through the control flow that reads and writes most. The formula is that of the vendor's open
//! compiler (`mau/determine_power_usage.cpp`, `mau/walk_power_graph.cpp`); conditions and action ALUs
//! cost nothing in it.
//!
//! * A lookup reads a block of each way, or searches all blocks of TCAM; behind it, what stands beside
//!   the entry and its action data.
//! * A counter, meter, register or selector reads and writes one block, reads all its map RAMs and
//!   writes one. What runs when the packet has ended reads and writes once more.
//! * A table in a stage that does not wait for the stage before it can't be switched off: it counts
//!   although the packet does not run it.

use std::collections::BTreeSet;

use p4rmt_ir::Id;

use crate::graph::DependencyGraph;
use crate::latency::GressLatency;
use crate::target::Target;
use crate::unit::UnitId;

/// Accesses to memories for one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accesses {
    pub(crate) sram_reads: u64,
    pub(crate) sram_writes: u64,
    pub(crate) tcam_searches: u64,
    pub(crate) map_ram_reads: u64,
    pub(crate) map_ram_writes: u64,
    pub(crate) deferred: u64,
}

impl Accesses {
    /// Adds those of a counter, meter, register or selector with this many map RAMs.
    pub(crate) fn add_attached(&mut self, map_rams: u32, at: When) {
        self.sram_reads += 1;
        self.sram_writes += 1;
        self.map_ram_reads += u64::from(map_rams);
        self.map_ram_writes += 1;
        match at {
            When::Lookup => {}
            When::PacketEnd => self.deferred += 1,
            When::PacketEndWithColor => {
                self.deferred += 1;
                self.map_ram_reads += 1;
                self.map_ram_writes += 1;
            }
        }
    }

    /// Microwatts, of one access a clock, in all pipes that a report counts.
    fn microwatts(self, target: &Target) -> u64 {
        let power = &target.power;
        let of = |count: u64, each: u32| count.saturating_mul(u64::from(each));
        let deferred = power.deferred_read.saturating_add(power.deferred_write);
        [
            of(self.sram_reads, power.sram_read),
            of(self.sram_writes, power.sram_write),
            of(self.tcam_searches, power.tcam_search),
            of(self.map_ram_reads, power.map_ram_read),
            of(self.map_ram_writes, power.map_ram_write),
            of(self.deferred, deferred),
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
        .saturating_mul(u64::from(power.pipes))
    }
}

/// When a memory beside a table is updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// With the lookup.
    Lookup,
    /// When the length of the packet is known.
    PacketEnd,
    /// Then, with a colour that is kept.
    PacketEndWithColor,
}

/// A unit of a gress for the estimate.
pub(crate) struct PoweredUnit {
    pub(crate) unit: UnitId,
    /// Its first place: stage and logical table.
    pub(crate) place: (u32, u32),
    /// By stage that it is in: what it reads and writes there.
    pub(crate) accesses: Vec<(u32, Accesses)>,
}

/// Microwatts of a gress in the worst case. `units` is in the order of the control flow.
pub(crate) fn worst_power(
    graph: &DependencyGraph,
    units: &[PoweredUnit],
    latency: &GressLatency,
    target: &Target,
) -> u64 {
    let weight = |powered: &PoweredUnit| -> u64 {
        let each = powered.accesses.iter();
        each.map(|(_, accesses)| accesses.microwatts(target)).sum()
    };
    let last = if target.power.counts_last_table {
        None
    } else {
        let is_table = |powered: &&PoweredUnit| !powered.accesses.is_empty();
        let tables = units.iter().filter(is_table);
        tables.max_by_key(|of| of.place).map(|of| of.unit)
    };
    let path = worst_path(graph, units, last, &weight);
    let mut total: u64 = 0;
    for powered in units {
        if path.contains(&powered.unit) {
            if last != Some(powered.unit) {
                total += weight(powered);
            }
            continue;
        }
        for (stage, accesses) in &powered.accesses {
            let waits = latency.is_match.get(*stage as usize) != Some(&false);
            if !waits {
                total += accesses.microwatts(target);
            }
        }
    }
    throttled(total, latency.cycles, target)
}

/// The units that the costliest packet runs; one that runs `last`, if that is given.
fn worst_path(
    graph: &DependencyGraph,
    units: &[PoweredUnit],
    last: Option<UnitId>,
    weight: &dyn Fn(&PoweredUnit) -> u64,
) -> BTreeSet<UnitId> {
    let excluded = |unit: UnitId| {
        last.is_some_and(|last| {
            graph.units[unit.index()].is_exclusive_with(&graph.units[last.index()])
        })
    };
    // Backwards, each unit knows the costliest way through what stands under it.
    let mut below: Vec<(u64, Vec<UnitId>)> = Vec::new();
    let mut by_unit: Vec<Vec<(usize, u64, Vec<UnitId>)>> = vec![Vec::new(); graph.units.len()];
    for powered in units.iter().rev() {
        if excluded(powered.unit) {
            continue;
        }
        let arms = std::mem::take(&mut by_unit[powered.unit.index()]);
        let worst = arms.into_iter().max_by_key(|(_, cost, _)| *cost);
        let (mut cost, mut path) = worst.map_or((0, Vec::new()), |(_, cost, path)| (cost, path));
        cost += weight(powered);
        path.push(powered.unit);
        match graph.units[powered.unit.index()].parent() {
            Some(decision) => {
                let arms = &mut by_unit[decision.unit.index()];
                match arms.iter_mut().find(|(arm, _, _)| *arm == decision.arm) {
                    Some((_, sum, all)) => {
                        *sum += cost;
                        all.extend(path);
                    }
                    None => arms.push((decision.arm, cost, path)),
                }
            }
            None => below.push((cost, path)),
        }
    }
    below.into_iter().flat_map(|(_, path)| path).collect()
}

/// A long pipe admits fewer packets than one a clock.
fn throttled(microwatts: u64, cycles: u32, target: &Target) -> u64 {
    let power = &target.power;
    if power.throttled_from_cycles == 0 || cycles <= power.throttled_from_cycles {
        return microwatts;
    }
    let slots = u64::from(cycles) + u64::from(power.admission_cycles);
    microwatts.saturating_mul(u64::from(power.packets_under_way)) / slots.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use p4rmt_ir::{GressId, TableId};
    use p4rmt_source::Span;

    use crate::unit::{Decision, Unit, UnitKind};

    fn unit(path: Vec<Decision>) -> Unit {
        Unit {
            gress: GressId::from_index(0),
            kind: UnitKind::Table(TableId::from_index(0)),
            name: String::new(),
            span: Span::default(),
            path,
            n_descendants: 0,
            branches_on_action: false,
            exits: false,
            accesses: Vec::new(),
            arm_actions: Vec::new(),
        }
    }

    /// A unit: the unit and arm above it, its stage, and how many blocks it reads.
    type Sample = (Option<(usize, usize)>, u32, u64);

    #[track_caller]
    fn check(name: &str, units: &[Sample], reads: u64) {
        let target = Target::built_in(name).expect("built in");
        let graph = DependencyGraph::build(
            units
                .iter()
                .map(|(above, _, _)| {
                    let decision = |(unit, arm)| Decision {
                        unit: UnitId::from_index(unit),
                        arm,
                    };
                    unit(above.map(decision).into_iter().collect())
                })
                .collect(),
        );
        let powered: Vec<PoweredUnit> = units
            .iter()
            .enumerate()
            .map(|(index, (_, stage, reads))| PoweredUnit {
                unit: UnitId::from_index(index),
                place: (*stage, u32::try_from(index).expect("few")),
                accesses: vec![(
                    *stage,
                    Accesses {
                        sram_reads: *reads,
                        ..Accesses::default()
                    },
                )],
            })
            .collect();
        let latency = GressLatency {
            cycles: 100,
            is_match: vec![true, false],
            stage_cycles: vec![20, 20],
            ..GressLatency::default()
        };
        let each = 4 * u64::from(target.power.sram_read);
        let found = worst_power(&graph, &powered, &latency, &target);
        assert_eq!(found, reads * each);
    }

    #[test]
    fn tables_one_after_the_other_all_count() {
        check("tofino2", &[(None, 0, 1), (None, 0, 4)], 5);
    }

    #[test]
    fn of_two_branches_the_costlier_counts() {
        let branches = [(None, 0, 1), (Some((0, 0)), 0, 4), (Some((0, 1)), 0, 7)];
        check("tofino2", &branches, 8);
    }

    #[test]
    fn a_table_in_a_stage_that_does_not_wait_counts_always() {
        let branches = [(None, 0, 1), (Some((0, 0)), 1, 4), (Some((0, 1)), 1, 7)];
        check("tofino2", &branches, 12);
    }

    #[test]
    fn a_path_of_the_first_generation_ends_before_its_last_table() {
        check("tofino1", &[(None, 0, 1), (None, 0, 4)], 1);
    }

    #[test]
    fn long_pipes_are_throttled() {
        let target = Target::built_in("tofino1").expect("built in");
        assert_eq!(throttled(1_000, 249, &target), 1_000);
        assert_eq!(throttled(1_000, 277, &target), 1_000);
        assert_eq!(throttled(1_000, 565, &target), 500);
    }
}
