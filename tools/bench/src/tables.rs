//! Filling tables and registers by the names of the program.

use p4rmt_engine::{
    EntryTarget, InstalledEntry, Ref, State, find_action, find_register, find_table,
};
use p4rmt_ir::{ActionCall, ActionId, Bits, Body, Match, MatchKind, RegisterId, TableId};
use p4rmt_source::Span;

use crate::BenchError;

/// A table of a device, with one of its actions: entries are numbers.
pub(crate) struct Filler {
    table: Ref<TableId>,
    action: ActionId,
    keys: Vec<(MatchKind, u32)>,
    params: Vec<u32>,
}

/// What an entry wants of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// This value.
    Is(u64),
    /// This value in the highest bits.
    Prefix(u64, u32),
    /// This value under a mask.
    Masked(u64, u64),
}

impl Filler {
    /// A table and the action of its entries.
    pub(crate) fn new(state: &State, table: &str, action: &str) -> Result<Self, BenchError> {
        let pipe = state.layout().pipe();
        let table = find_table(pipe, table)?;
        let action = find_action(pipe, table, action)?;
        let gress = &pipe.gresses[table.gress];
        let declared = &gress.tables[table.id];
        let keys = declared.keys.iter();
        let params = match &gress.body {
            Body::Structured(body) => &body.actions[action].params,
            Body::Tables(body) => &body.actions[action].params,
        };
        Ok(Self {
            table,
            action,
            keys: keys.map(|key| (key.kind, key.expr.width(gress))).collect(),
            params: params.iter().map(|param| param.width).collect(),
        })
    }

    /// Adds an entry. The larger priority wins, where there are priorities.
    pub(crate) fn add(
        &self,
        state: &mut State,
        wanted: &[Wanted],
        priority: u32,
        args: &[u64],
    ) -> Result<(), BenchError> {
        let keys = self.keys.iter().zip(wanted);
        let matches = keys.map(|((_, width), wanted)| match *wanted {
            Wanted::Is(value) => Match::Exact(Bits::from_u64(*width, value)),
            Wanted::Prefix(value, prefix_len) => Match::Lpm {
                value: Bits::from_u64(*width, value),
                prefix_len,
            },
            Wanted::Masked(value, mask) => Match::Ternary {
                value: Bits::from_u64(*width, value),
                mask: Bits::from_u64(*width, mask),
            },
        });
        let args = self.params.iter().zip(args);
        let entry = InstalledEntry {
            matches: matches.collect(),
            priority,
            target: EntryTarget::Action(ActionCall {
                action: self.action,
                args: args
                    .map(|(width, arg)| Bits::from_u64(*width, *arg))
                    .collect(),
            }),
            span: Span::NONE,
        };
        state.insert_entry(self.table, entry)?;
        Ok(())
    }
}

/// Writes elements of a register: the lowest part of each value that it holds.
pub(crate) fn write_register(
    state: &mut State,
    name: &str,
    values: impl Iterator<Item = (usize, u32)>,
) -> Result<(), BenchError> {
    let register = find_register(state.layout().pipe(), name)?;
    for (index, value) in values {
        let mut element = state.register(register, index as u64)?;
        if let Some(low) = element.first_mut() {
            *low = Bits::from_u64(low.width(), value.into());
        }
        state.write_register(register, index as u64, &element)?;
    }
    Ok(())
}

/// A register of a device, to read.
pub(crate) struct Reader<'a> {
    name: &'static str,
    register: Ref<RegisterId>,
    state: &'a State,
}

impl<'a> Reader<'a> {
    /// Finds it.
    pub(crate) fn new(state: &'a State, name: &'static str) -> Result<Self, BenchError> {
        let register = find_register(state.layout().pipe(), name)?;
        Ok(Self {
            name,
            register,
            state,
        })
    }

    /// Whether an element holds these values.
    pub(crate) fn expect(&self, index: usize, values: &[u32]) -> Result<(), BenchError> {
        let element = self.state.register(self.register, index as u64)?;
        for (found, expected) in element.iter().zip(values) {
            let (found, expected) = (found.low_u64(), u64::from(*expected));
            if found != expected {
                return Err(BenchError::OtherState {
                    register: self.name,
                    index,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }
}
