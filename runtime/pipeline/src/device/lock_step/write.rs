//! What the control plane writes while packets are on their way.
//!
//! A write enters its gress between two packets and travels with them: what entered before it finds
//! the old, what entered behind it the new, in every stage. So it happens at the stage that owns what
//! is written; a table that lies in several stages has, while a write passes them, a version a stage.

use p4rmt_engine::{InstalledEntry, Ref, State, StateError, TableEntries};
use p4rmt_ir::{
    ActionCall, Bits, Body, CallKind, CounterId, Gress, GressPlacement, Id, Match, MeterId,
    RegisterId, TableId,
};

/// A write of the control plane.
#[derive(Clone, Debug)]
pub enum ControlWrite {
    /// Adds an entry.
    Insert {
        /// To which table.
        table: Ref<TableId>,
        /// The entry.
        entry: InstalledEntry,
    },
    /// Removes an entry.
    Delete {
        /// From which table.
        table: Ref<TableId>,
        /// What it wants of the keys.
        matches: Vec<Match>,
        /// Its priority.
        priority: u32,
    },
    /// Gives a table another default action.
    SetDefault {
        /// Which table.
        table: Ref<TableId>,
        /// The action.
        action: ActionCall,
    },
    /// Writes an element of a register.
    Register {
        /// Which register.
        register: Ref<RegisterId>,
        /// Which element.
        index: u64,
        /// A value a field.
        values: Vec<Bits>,
    },
}

impl ControlWrite {
    /// The gress that it goes through.
    #[must_use]
    pub fn gress(&self) -> p4rmt_ir::GressId {
        match self {
            Self::Insert { table, .. }
            | Self::Delete { table, .. }
            | Self::SetDefault { table, .. } => table.gress,
            Self::Register { register, .. } => register.gress,
        }
    }

    /// The table that it changes, if it does.
    pub(super) fn table(&self) -> Option<Ref<TableId>> {
        match self {
            Self::Insert { table, .. }
            | Self::Delete { table, .. }
            | Self::SetDefault { table, .. } => Some(*table),
            Self::Register { .. } => None,
        }
    }

    /// Does it.
    pub(super) fn apply(&self, state: &mut State) -> Result<(), StateError> {
        match self {
            Self::Insert { table, entry } => {
                state.insert_entry(*table, entry.clone())?;
            }
            Self::Delete {
                table,
                matches,
                priority,
            } => state.delete_entry(*table, matches.clone(), *priority)?,
            Self::SetDefault { table, action } => {
                state.set_default_action(*table, action.clone())?;
            }
            Self::Register {
                register,
                index,
                values,
            } => state.write_register(*register, *index, values)?,
        }
        Ok(())
    }
}

/// By table of a gress: the stages that it lies in.
pub(super) type TableStages = Vec<Vec<u32>>;

/// Memory that packets share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    Register(RegisterId),
    Counter(CounterId),
    Meter(MeterId),
}

/// Where a gress keeps what.
#[derive(Clone, Debug, Default)]
pub(super) struct Homes {
    pub(super) tables: TableStages,
    /// By register: its stage; none for a direct one whose table lies in several.
    pub(super) registers: Vec<Option<u32>>,
}

impl Homes {
    /// Finds the stage of everything.
    ///
    /// # Errors
    /// The name of a register, counter or meter that several stages touch.
    pub(super) fn new(gress: &Gress, placement: &GressPlacement) -> Result<Self, String> {
        let tables: TableStages = placement
            .tables
            .values()
            .map(|parts| {
                let mut stages: Vec<u32> = parts.iter().map(|part| part.slot.stage).collect();
                stages.sort_unstable();
                stages
            })
            .collect();
        let mut touched: Vec<(Memory, u32)> = Vec::new();
        let Body::Tables(body) = &gress.body else {
            return Ok(Self::default());
        };
        for (id, table) in gress.tables.iter() {
            for action in table.actions.iter().map(|action| action.action) {
                for (call, _) in &body.actions[action].calls {
                    let Some(memory) = memory_of(gress, &call.kind) else {
                        continue;
                    };
                    touched.extend(tables[id.index()].iter().map(|stage| (memory, *stage)));
                }
            }
        }
        let stages_of = |memory: Memory| {
            let mut stages = touched.iter().filter(move |(of, _)| *of == memory);
            let first = stages.next().map(|(_, stage)| *stage);
            let is_one = stages.all(|(_, stage)| Some(*stage) == first);
            is_one.then_some(first.unwrap_or(0))
        };
        let mut registers = Vec::new();
        for (id, register) in gress.registers.iter() {
            let mut owners = gress.tables.iter();
            let owner = owners.find(|(_, table)| table.direct_registers.contains(&id));
            let stage = match owner.map(|(table, _)| &tables[table.index()][..]) {
                Some([stage]) => Some(*stage),
                Some(_) => None,
                None => {
                    let stage = stages_of(Memory::Register(id));
                    Some(stage.ok_or_else(|| register.name.clone())?)
                }
            };
            registers.push(stage);
        }
        for (id, counter) in gress.counters.iter() {
            stages_of(Memory::Counter(id)).ok_or_else(|| counter.name.clone())?;
        }
        for (id, meter) in gress.meters.iter() {
            stages_of(Memory::Meter(id)).ok_or_else(|| meter.name.clone())?;
        }
        Ok(Self { tables, registers })
    }

    /// The stages at which a write happens: one for each part of a table. None for what lies in several
    /// and is not a table.
    pub(super) fn stages(&self, write: &ControlWrite) -> Vec<u32> {
        match write {
            ControlWrite::Insert { table, .. }
            | ControlWrite::Delete { table, .. }
            | ControlWrite::SetDefault { table, .. } => {
                let stages = self.tables.get(table.id.index());
                stages.cloned().unwrap_or_else(|| vec![0])
            }
            ControlWrite::Register { register, .. } => {
                let stage = self.registers.get(register.id.index());
                stage.copied().unwrap_or(Some(0)).into_iter().collect()
            }
        }
    }
}

/// The memory that a call touches by an index. What is direct to a table lies in the entry's stage.
fn memory_of(gress: &Gress, call: &CallKind) -> Option<Memory> {
    match call {
        CallKind::RegisterAction {
            action,
            index: Some(_),
        } => Some(Memory::Register(gress.register_actions[*action].register)),
        CallKind::RegisterRead { register, .. } | CallKind::RegisterWrite { register, .. } => {
            Some(Memory::Register(*register))
        }
        CallKind::Count {
            counter,
            index: Some(_),
        } => Some(Memory::Counter(*counter)),
        CallKind::Meter {
            meter,
            index: Some(_),
            ..
        }
        | CallKind::Filter {
            meter,
            index: Some(_),
            ..
        } => Some(Memory::Meter(*meter)),
        CallKind::RegisterAction { index: None, .. }
        | CallKind::Count { index: None, .. }
        | CallKind::Meter { index: None, .. }
        | CallKind::Filter { index: None, .. }
        | CallKind::Hash { .. }
        | CallKind::Random { .. }
        | CallKind::Checksum { .. }
        | CallKind::Mirror { .. }
        | CallKind::Resubmit { .. }
        | CallKind::Generate { .. }
        | CallKind::Digest { .. }
        | CallKind::V1(_) => None,
    }
}

/// The versions of a table that lies in several stages, while writes pass it.
#[derive(Debug)]
pub(super) struct Versions {
    pub(super) table: Ref<TableId>,
    /// By part, without the last: its stage, and what it holds.
    pub(super) parts: Vec<(u32, TableEntries)>,
    /// Writes that have passed the first part and not the last.
    pub(super) n_passing: u32,
}
