//! Where a pipe's tables go: what the placer computes and what a placed engine runs.
//!
//! A placement is a side table of the tables form. A placed engine visits the stages in order. In a
//! stage it visits the units (tables and gateways) in the order of their logical ids; a unit runs if
//! its parent in the control flow ran and had the outcome that leads to it. All units of a stage
//! match on the fields as they entered the stage; what their actions write is seen by the next.

use crate::salu::{InstructionKind, StatefulUnit};
use crate::{Arena, GatewayId, GressId, RegisterActionId, TableId};

/// The placement of one pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Name of the target.
    pub target: String,
    /// Stages of the machine.
    pub stages_available: u32,
    /// Stages used: the last one with a unit in it, plus one.
    pub stages_used: u32,
    /// A placement a gress.
    pub gresses: Arena<GressId, GressPlacement>,
}

/// The placement of one gress.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GressPlacement {
    /// By table: its parts in order of stages, at least one.
    pub tables: Arena<TableId, Vec<TablePart>>,
    /// By gateway.
    pub gateways: Arena<GatewayId, Slot>,
    /// The stateful ALUs, one for each register whose actions are called. Their instructions run in
    /// place of the statements of the register actions; one that no unit has (in a placement that
    /// was made without a machine) runs as its statements.
    pub stateful: Vec<StatefulUnit>,
}

impl GressPlacement {
    /// The unit of a register action, and what it does for it.
    #[must_use]
    pub fn instruction(
        &self,
        action: RegisterActionId,
    ) -> Option<(&StatefulUnit, &InstructionKind)> {
        let of = |unit: &'_ StatefulUnit| unit.instruction(action).is_some();
        let unit = self.stateful.iter().find(|unit| of(unit))?;
        Some((unit, unit.instruction(action)?))
    }
}

/// A place in the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The stage, from 0.
    pub stage: u32,
    /// The order in the stage. A gateway that shares the logical table of the table behind it has
    /// that table's number, and comes before it.
    pub logical_id: u32,
}

/// The part of a table that is in one stage. A table that is split over stages is searched in order;
/// the actions of the entries in a part run in the part's stage, the default action in the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TablePart {
    /// Where it is.
    pub slot: Slot,
    /// Capacity in entries: the first entries of the table fill the first part, and so on.
    pub entries: u64,
    /// Memory of this part in blocks.
    pub memory: MemoryUse,
}

/// Memory in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct MemoryUse {
    /// SRAM blocks of 1,024 words of 128 bits.
    pub sram: u32,
    /// TCAM blocks of 512 words of 44 bits.
    pub tcam: u32,
    /// Map RAM blocks.
    pub map_ram: u32,
}
