//! What each unit asks of a stage, as far as it does not depend on where the unit goes.
//!
//! In: a unit. Out: its [`Demand`]: the shape that its memory follows from, the registers, counters
//! and meters that it shares with other tables, gateways. A memory that several tables use stands in
//! one stage, and so do they.

mod access;
mod memory;
mod shape;

use p4rmt_ir::{CallKind, Expr, Gress, ParallelAction, Table, Tables};

use crate::resource::{Resource, Usage};
use crate::sizing::{MatchForm, MatchShape, TableLayout, lay_out};
use crate::target::Target;
use crate::unit::actions_of;

pub(crate) use self::access::{classifier_accesses, table_accesses};
pub use self::memory::{SharedKey, SharedMemory, is_copied, shared_usage};
pub(crate) use self::memory::{cells_of, index_of, shared_memory};
pub(crate) use self::shape::{classifier_shape, n_subsets};
use self::shape::{is_in_gateway, match_form, match_shape, overhead_bits};

/// What a table asks of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDemand {
    /// What its size depends on.
    pub shape: MatchShape,
    /// The table in TCAM in front of it that finds the partition of a packet, with its entries: it
    /// stands in an earlier stage.
    pub classifier: Option<(MatchShape, u64)>,
    /// How many entries it must hold; 0 without keys.
    pub entries: u64,
    /// The memories that it reaches by an index, each once.
    pub shared: Vec<SharedMemory>,
    /// Whether each stage that it is in may have copies of all of those: action data of a profile, which
    /// packets only read.
    pub are_shared_copied: bool,
    /// ALUs of memories with one cell an entry: a part of the table in another stage needs as many
    /// there.
    pub direct_alus: Usage,
    /// Whether it needs a gateway to run, one that it may share with the condition above it.
    pub needs_gateway: bool,
    /// Whether a gateway has its few constant entries: no memory, and no other condition there.
    pub is_in_gateway: bool,

    /// The stage that the program wants.
    pub stage_pragma: Option<u32>,
}

impl TableDemand {
    /// The layout of a part with so many entries; none are in the table in front of a partitioned one.
    #[must_use]
    pub fn layout_of(&self, entries: u64, target: &Target) -> Option<TableLayout> {
        match &self.classifier {
            Some((shape, entries_in_front)) if entries == 0 => {
                lay_out(shape, *entries_in_front, target)
            }
            Some(_) | None => lay_out(&self.shape, entries, target),
        }
    }

    /// Whether its entries may be divided over stages.
    #[must_use]
    pub fn is_splittable(&self) -> bool {
        self.shape.form != MatchForm::Keyless
            && (self.shared.is_empty() || self.are_shared_copied)
            && self.stage_pragma.is_none()
    }
}

/// What a table asks of a stage.
#[must_use]
pub fn table_demand(
    table: &Table,
    branches_on_action: bool,
    gress: &Gress,
    tables: &Tables,
    target: &Target,
) -> TableDemand {
    let actions: Vec<&ParallelAction> = actions_of(table)
        .into_iter()
        .map(|action| &tables.actions[action])
        .collect();
    let mut shared: Vec<SharedMemory> = actions
        .iter()
        .flat_map(|action| &action.calls)
        .filter_map(|(call, _)| shared_memory(&call.kind, gress))
        .collect();
    shared.extend(table.implementation.map(SharedMemory::Profile));
    shared.sort_unstable();
    shared.dedup();
    let is_in_gateway = is_in_gateway(table, branches_on_action, gress, tables, target);
    let mut direct_alus = Usage::default();
    direct_alus[Resource::StatsAlu] = count(table.direct_counters.len());
    direct_alus[Resource::MeterAlu] =
        count(table.direct_meters.len() + table.direct_registers.len());
    TableDemand {
        shape: MatchShape {
            overhead_bits: overhead_bits(table, branches_on_action, gress, tables, target),
            form: if is_in_gateway {
                MatchForm::Keyless
            } else {
                match_form(table, gress, target)
            },
            ..match_shape(table, &actions, gress, tables, target)
        },
        is_in_gateway,
        entries: if table.keys.is_empty() {
            0
        } else if is_in_gateway {
            table.entries.len() as u64
        } else {
            table.size.max(1)
        },
        classifier: classifier_shape(table, gress, target),
        are_shared_copied: shared.iter().all(|memory| is_copied(*memory, gress)),
        shared,
        direct_alus,
        needs_gateway: is_in_gateway
            || table.keys.is_empty() && actions.iter().any(|action| uses_hash(action)),
        stage_pragma: table.stage_pragma,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Whether an action needs the path of hash distribution or random numbers.
pub(crate) fn uses_hash(action: &ParallelAction) -> bool {
    action.calls.iter().any(|(call, _)| match &call.kind {
        CallKind::Hash { .. } | CallKind::Random { .. } => true,
        kind => index_of(kind).is_some_and(|index| {
            let mut is_computed = false;
            index.walk(&mut |expr| {
                is_computed |= matches!(expr, Expr::Field(_) | Expr::Local { .. })
            });
            is_computed
        }),
    })
}
