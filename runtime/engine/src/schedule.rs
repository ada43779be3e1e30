//! The order of units in a placed gress.
//!
//! Tables and gateways become units in the order of stage and logical id, a gateway before the table
//! that it shares its number with.

mod order;

use std::ops::Range;

use p4rmt_ir::{
    GatewayId, Gress, GressId, GressPlacement, Node, Outcome, Seq, Slot, TableId, Tables,
};

use crate::EngineError;

/// The units of a gress in the order in which they run.
#[derive(Debug)]
pub struct Schedule {
    units: Vec<PlacedUnit>,
    /// By stage: its units.
    stages: Vec<Range<usize>>,
    n_nodes: usize,
}

/// A gateway, or a part of a table.
#[derive(Debug)]
pub struct PlacedUnit {
    /// Where it stands.
    pub slot: Slot,
    /// Its node of the control flow. Nodes are numbered in the order in which they would run.
    pub node: usize,
    /// The node that leads to it, and by which branch: of a table the position of an arm, of a gateway
    /// [`THEN`] or [`OTHERWISE`].
    pub parent: Option<(usize, usize)>,
    /// What it is.
    pub kind: UnitKind,
}

/// What a unit is.
#[derive(Debug)]
pub enum UnitKind {
    /// A condition.
    Gateway(GatewayId),
    /// A table, or what a stage has of it.
    Table(TablePart),
}

/// What a stage has of a table.
#[derive(Debug)]
pub struct TablePart {
    /// The table.
    pub table: TableId,
    /// The rank of its first entry.
    pub first_rank: u64,
    /// The rank behind its last one.
    pub end_rank: u64,
    /// Whether there is another part.
    pub is_divided: bool,
    /// Whether it is the last part, which runs the default action.
    pub is_last: bool,
    /// What follows which outcome.
    pub arms: Vec<Outcome>,
}

/// The branch of a gateway whose condition holds.
pub const THEN: usize = 0;
/// The branch of a gateway whose condition does not hold.
pub const OTHERWISE: usize = 1;

impl Schedule {
    /// Orders the units of a gress that is placed in `n_stages`.
    ///
    /// # Errors
    /// A placement of another gress, or one that leaves something out.
    pub fn new(
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

    /// The units of a stage, in order.
    #[must_use]
    pub fn units(&self, stage: u32) -> &[PlacedUnit] {
        let units = self.stages.get(stage as usize).cloned().unwrap_or_default();
        &self.units[units]
    }

    /// How many nodes the control flow has.
    #[must_use]
    pub fn n_nodes(&self) -> usize {
        self.n_nodes
    }

    /// How many stages packets pass.
    #[must_use]
    pub fn n_stages(&self) -> u32 {
        self.stages.len() as u32
    }

    /// Whether several stages have a part of a table.
    #[must_use]
    pub fn divides(&self, table: TableId) -> bool {
        self.units.iter().any(|unit| match &unit.kind {
            UnitKind::Table(part) => part.table == table && part.is_divided,
            UnitKind::Gateway(_) => false,
        })
    }

    /// The tables that are looked up in a stage.
    pub fn tables_in(&self, stage: u32) -> impl Iterator<Item = TableId> {
        self.units(stage)
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
                    self.units.push(PlacedUnit {
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
            self.units.push(PlacedUnit {
                slot: part.slot,
                node,
                parent,
                kind: UnitKind::Table(TablePart {
                    table,
                    first_rank,
                    end_rank,
                    is_divided: parts.len() > 1,
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
