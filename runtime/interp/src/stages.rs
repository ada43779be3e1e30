//! Control flow, placed: stage by stage.
//!
//! Tables and gateways become units in the order of stage and logical id, a gateway before the table
//! that it shares its number with. A unit runs if its parent in the control flow led to it. All units
//! of a stage read the fields as they entered the stage; what they write lands between two stages.
//!
//! A table that lies in several stages is looked up in each: a part runs the action if the winning
//! entry is one of its own, and the last part runs the default action if none did.

use std::ops::Range;

use p4rmt_engine::{EngineError, Event};
use p4rmt_ir::{
    GatewayId, Gress, GressId, GressPlacement, Node, Outcome, Seq, Slot, TableId, Tables,
};

use crate::control::first_arm;
use crate::packet::Packet;

/// The units of a gress in the order in which they run.
#[derive(Debug)]
pub(crate) struct Schedule {
    units: Vec<Unit>,
    /// By stage: its units.
    stages: Vec<Range<usize>>,
    n_nodes: usize,
}

/// A gateway, or a part of a table.
#[derive(Debug)]
struct Unit {
    slot: Slot,
    /// Its node of the control flow. Nodes are numbered in the order in which they would run.
    node: usize,
    /// The node that leads to it, and by which branch.
    parent: Option<(usize, usize)>,
    kind: UnitKind,
}

#[derive(Debug)]
enum UnitKind {
    Gateway(GatewayId),
    Table(Part),
}

#[derive(Debug)]
struct Part {
    table: TableId,
    /// Ranks of its entries: from the first up to but without the last.
    first_rank: u64,
    end_rank: u64,
    is_last: bool,
    arms: Vec<Outcome>,
}

/// The branch of a node that ran and leads nowhere.
const NOWHERE: usize = usize::MAX;
/// The branch of a gateway whose condition holds, and of one whose does not.
const THEN: usize = 0;
const OTHERWISE: usize = 1;

impl Schedule {
    /// Orders the units of a gress.
    pub(crate) fn new(
        id: GressId,
        gress: &Gress,
        tables: &Tables,
        placement: &GressPlacement,
        n_stages: u32,
    ) -> Result<Self, EngineError> {
        for (what, needed, available) in [
            ("tables", gress.tables.len(), placement.tables.len()),
            ("gateways", tables.gateways.len(), placement.gateways.len()),
        ] {
            if needed != available {
                return Err(EngineError::PlacementMismatch {
                    gress: id,
                    what,
                    needed,
                    available,
                });
            }
        }
        let mut schedule = Self {
            units: Vec::new(),
            stages: Vec::new(),
            n_nodes: 0,
        };
        schedule.add_seq(id, &tables.seq, None, placement)?;
        schedule.units.sort_by_key(|unit| {
            let is_table = matches!(unit.kind, UnitKind::Table(_));
            (unit.slot, is_table, unit.node)
        });
        let last_stage = schedule.units.last().map_or(0, |unit| unit.slot.stage);
        for stage in 0..n_stages.max(last_stage.saturating_add(1)) {
            let start = schedule.stages.last().map_or(0, |units| units.end);
            let rest = &schedule.units[start..];
            let n_units = rest.partition_point(|unit| unit.slot.stage == stage);
            schedule.stages.push(start..start + n_units);
        }
        Ok(schedule)
    }

    /// How many stages packets pass.
    pub(crate) fn n_stages(&self) -> u32 {
        self.stages.len() as u32
    }

    /// The tables that are looked up in a stage.
    pub(crate) fn tables_in(&self, stage: u32) -> impl Iterator<Item = TableId> {
        let units = self.stages.get(stage as usize).cloned().unwrap_or_default();
        self.units[units]
            .iter()
            .filter_map(|unit| match &unit.kind {
                UnitKind::Table(part) => Some(part.table),
                UnitKind::Gateway(_) => None,
            })
    }

    fn add_seq(
        &mut self,
        gress: GressId,
        seq: &Seq,
        parent: Option<(usize, usize)>,
        placement: &GressPlacement,
    ) -> Result<(), EngineError> {
        for child in seq {
            let node = self.n_nodes;
            self.n_nodes += 1;
            match child {
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    self.units.push(Unit {
                        slot: placement.gateways[*gateway],
                        node,
                        parent,
                        kind: UnitKind::Gateway(*gateway),
                    });
                    self.add_seq(gress, then, Some((node, THEN)), placement)?;
                    self.add_seq(gress, otherwise, Some((node, OTHERWISE)), placement)?;
                }
                Node::Table { table, arms } => {
                    self.add_table(gress, *table, arms, node, parent, placement)?;
                    for (branch, (_, seq)) in arms.iter().enumerate() {
                        self.add_seq(gress, seq, Some((node, branch)), placement)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add_table(
        &mut self,
        gress: GressId,
        table: TableId,
        arms: &[(Outcome, Seq)],
        node: usize,
        parent: Option<(usize, usize)>,
        placement: &GressPlacement,
    ) -> Result<(), EngineError> {
        let parts = &placement.tables[table];
        let mut end_rank = 0u64;
        for (position, part) in parts.iter().enumerate() {
            let is_last = position + 1 == parts.len();
            let first_rank = end_rank;
            end_rank = if is_last {
                u64::MAX
            } else {
                first_rank.saturating_add(part.entries)
            };
            self.units.push(Unit {
                slot: part.slot,
                node,
                parent,
                kind: UnitKind::Table(Part {
                    table,
                    first_rank,
                    end_rank,
                    is_last,
                    arms: arms.iter().map(|(on, _)| *on).collect(),
                }),
            });
        }
        if parts.is_empty() {
            return Err(EngineError::PlacementMismatch {
                gress,
                what: "parts of a table",
                needed: 1,
                available: 0,
            });
        }
        Ok(())
    }
}

impl<'a> Packet<'a> {
    /// Runs all stages.
    pub(crate) fn run_stages(&mut self, body: &'a Tables, schedule: &'a Schedule) {
        self.enter_stages(schedule);
        for stage in 0..schedule.n_stages() {
            self.run_stage(body, schedule, stage);
        }
    }

    /// Before the first stage: no node has led anywhere.
    pub(crate) fn enter_stages(&mut self, schedule: &Schedule) {
        self.work.taken.clear();
        self.work.taken.resize(schedule.n_nodes, None);
    }

    /// Runs one stage. What its units write lands when all of them have read.
    pub(crate) fn run_stage(&mut self, body: &'a Tables, schedule: &'a Schedule, stage: u32) {
        let units = schedule.stages[stage as usize].clone();
        if !units.is_empty() {
            self.tell(|| Event::Stage { stage });
        }
        for unit in &schedule.units[units] {
            let is_led_to = unit
                .parent
                .is_none_or(|(parent, branch)| self.work.taken[parent] == Some(branch));
            if !is_led_to || unit.node > self.work.last_node || self.work.taken[unit.node].is_some()
            {
                continue;
            }
            match &unit.kind {
                UnitKind::Gateway(gateway) => {
                    let holds = self.holds(&body.gateways[*gateway].cond);
                    self.work.taken[unit.node] = Some(if holds { THEN } else { OTHERWISE });
                    self.tell(|| Event::Gateway {
                        gateway: *gateway,
                        holds,
                    });
                }
                UnitKind::Table(part) => {
                    if self.run_part(body, unit.node, part) {
                        self.work.last_node = self.work.last_node.min(unit.node);
                    }
                }
            }
        }
        self.land();
    }

    /// Runs a part of a table; returns whether its action ends the control.
    fn run_part(&mut self, body: &'a Tables, node: usize, part: &Part) -> bool {
        let hit = self.look_up(part.table).filter(|hit| {
            let rank = hit.rank as u64;
            (part.first_rank..part.end_rank).contains(&rank)
        });
        if hit.is_none() && !part.is_last {
            return false;
        }
        let applied = self.select(part.table, hit);
        let action = applied.action.map(|id| &body.actions[id]);
        if let Some(action) = action {
            self.run_parallel(action);
        }
        let branch = first_arm(part.arms.iter().copied(), applied);
        self.work.taken[node] = Some(branch.unwrap_or(NOWHERE));
        action.is_some_and(|action| action.exits)
    }
}
