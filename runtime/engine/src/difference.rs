//! The first thing in which two states differ, by name: what a differential test prints.

use std::fmt;

use p4rmt_ir::{Bits, GressId};

use crate::layout::Array;
use crate::{Ref, State};

/// The first difference between two states of one layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The states belong to different programs.
    Layout,
    /// A cell of a register, counter or meter.
    Cell {
        /// `register`, `counter` or `meter`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Which cell.
        index: u64,
        /// The values of the one.
        left: Vec<Bits>,
        /// The values of the other.
        right: Vec<Bits>,
    },
    /// The entries or the default action of a table.
    Table {
        /// Its name.
        name: String,
    },
    /// The members of a value set.
    ValueSet {
        /// Its name.
        name: String,
    },
    /// The members or groups of an action profile.
    Profile {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout => write!(f, "the states belong to different programs"),
            Self::Cell {
                kind,
                name,
                index,
                left,
                right,
            } => write!(f, "{kind} `{name}`[{index}]: {left:?} against {right:?}"),
            Self::Table { name } => write!(f, "the entries of table `{name}`"),
            Self::ValueSet { name } => write!(f, "the members of value set `{name}`"),
            Self::Profile { name } => write!(f, "the members or groups of profile `{name}`"),
        }
    }
}

impl State {
    /// The first difference to another state, if there is one.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<Difference> {
        if self.expect_layout(other.layout()).is_err() {
            return Some(Difference::Layout);
        }
        let pipe = self.layout().pipe();
        pipe.gresses
            .ids()
            .find_map(|gress| self.difference_in(other, gress))
    }

    fn difference_in(&self, other: &Self, gress_id: GressId) -> Option<Difference> {
        let gress = &self.layout().pipe().gresses[gress_id];
        let arrays = self.layout().gress(gress_id)?;
        let in_registers = gress.registers.iter().find_map(|(id, register)| {
            self.difference_of("register", &register.name, &arrays.registers[id], other)
        });
        let in_counters = || {
            gress.counters.iter().find_map(|(id, counter)| {
                self.difference_of("counter", &counter.name, &arrays.counters[id], other)
            })
        };
        let in_meters = || {
            gress.meters.iter().find_map(|(id, meter)| {
                self.difference_of("meter", &meter.name, &arrays.meters[id], other)
            })
        };
        let in_tables = || {
            gress.tables.iter().find_map(|(id, table)| {
                let place = Ref {
                    gress: gress_id,
                    id,
                };
                (self.table(place) != other.table(place)).then(|| Difference::Table {
                    name: table.name.clone(),
                })
            })
        };
        let in_value_sets = || {
            gress.value_sets.iter().find_map(|(id, set)| {
                let place = Ref {
                    gress: gress_id,
                    id,
                };
                let differs = self.value_set(place) != other.value_set(place);
                differs.then(|| Difference::ValueSet {
                    name: set.name.clone(),
                })
            })
        };
        let in_profiles = || {
            gress.profiles.iter().find_map(|(id, profile)| {
                let place = Ref {
                    gress: gress_id,
                    id,
                };
                let differs = self.profile(place) != other.profile(place);
                differs.then(|| Difference::Profile {
                    name: profile.name.clone(),
                })
            })
        };
        in_registers
            .or_else(in_counters)
            .or_else(in_meters)
            .or_else(in_tables)
            .or_else(in_value_sets)
            .or_else(in_profiles)
    }

    fn difference_of(
        &self,
        kind: &'static str,
        name: &str,
        array: &Array,
        other: &Self,
    ) -> Option<Difference> {
        let cell = |index: u64| array.offset + index as usize * array.stride;
        let index = (0..array.cells).find(|index| {
            let bytes = cell(*index)..cell(*index + 1);
            self.memory()[bytes.clone()] != other.memory()[bytes]
        })?;
        Some(Difference::Cell {
            kind,
            name: name.to_owned(),
            index,
            left: array.read(self.memory(), index).collect(),
            right: array.read(other.memory(), index).collect(),
        })
    }
}
