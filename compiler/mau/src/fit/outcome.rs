//! What a schedule comes to: the placement, what stages use, how long packets take, and what they cost.

use std::collections::BTreeSet;

use p4rmt_ir::{
    Arena, Gress, GressId, GressPlacement, GressRole, Id, Pipe, Placement, Slot, Table,
};

use super::{table_of, tables_of};
use crate::census::{Occupant, add_census};
use crate::demand::{SharedKey, SharedMemory, TableDemand, classifier_accesses, table_accesses};
use crate::graph::DependencyGraph;
use crate::latency::{GressLatency, StageFeatures, gress_latency};
use crate::power::PoweredUnit;
use crate::resource::Usage;
use crate::schedule::{Job, Schedule, UnitDemand};
use crate::sizing::MatchForm;
use crate::target::Target;
use crate::unit::{UnitId, UnitKind};

pub(super) fn placement_of(
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
pub(super) fn stage_usage(job: &Job<'_>, schedule: &Schedule) -> Vec<Usage> {
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
        add_census(usage, occupants, job);
    }
    stages
}

pub(super) fn latency_of(
    pipe: &Pipe,
    gress: GressId,
    job: &Job<'_>,
    schedule: &Schedule,
) -> GressLatency {
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
pub(super) fn powered_units(
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
