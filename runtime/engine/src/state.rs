//! Everything of a pipe that outlives a packet. It belongs to the caller of an engine.
//!
//! Registers, counters and meters are bytes at the places of the [`StateLayout`]; table entries,
//! default actions and members of value sets are lists. A state can be cloned, compared, saved and
//! restored. Every change of entries gives the table a new stamp, unique in the process, and the state
//! another: what an engine derives from entries is good as long as the stamp is the same.

use std::sync::Arc;

use p4rmt_ir::{
    Arena, Bits, CountKind, CounterId, GressId, KeySet, MeterId, PipeId, ProfileId, RegisterId,
    TableId, ValueSetId,
};
use thiserror::Error;

use crate::entries::{Stamp, TableEntries};
use crate::filter::FilterConfig;
use crate::layout::Array;
use crate::meter::{MeterCell, MeterConfig};
use crate::{EntryError, ProfileMembers, Ref, StateLayout};

/// The state of one pipe.
#[derive(Clone, Debug)]
pub struct State {
    layout: Arc<StateLayout>,
    memory: Vec<u8>,
    gresses: Arena<GressId, GressState>,
    entries_stamp: Stamp,
}

/// What one gress keeps in lists.
#[derive(Clone, Debug, PartialEq, Eq)]
struct GressState {
    tables: Arena<TableId, TableEntries>,
    value_sets: Arena<ValueSetId, ValueSetMembers>,
    profiles: Arena<ProfileId, ProfileMembers>,
}

/// The members of a value set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ValueSetMembers {
    members: Vec<Vec<KeySet>>,
}

/// Why a state cannot be made, used or restored.
#[derive(Debug, Error)]
pub enum StateError {
    /// There is no such pipe.
    #[error("the program has no pipe {pipe}: it has {available}")]
    NoPipe {
        /// What was asked for.
        pipe: PipeId,
        /// How many there are.
        available: usize,
    },
    /// A filter's configuration for a meter that is none.
    #[error("`{name}` marks packets; it is no filter")]
    NoFilter {
        /// The meter's name.
        name: String,
    },
    /// A meter's rates for a filter.
    #[error("`{name}` is a filter; it has no rates")]
    IsFilter {
        /// The filter's name.
        name: String,
    },
    /// Registers, counters and meters take too much memory.
    #[error("registers, counters and meters take {needed} bytes of memory: at most {available}")]
    TooLarge {
        /// What they take.
        needed: u64,
        /// What they may take.
        available: u64,
    },
    /// The state was made for another program, or another version of it.
    #[error("the state belongs to `{found}` with another layout than that of `{expected}`")]
    WrongLayout {
        /// Whose layout is wanted.
        expected: String,
        /// Whose layout it has.
        found: String,
    },
    /// An index beyond an array, or an id that the pipe has not.
    #[error("`{name}` has no element {index}: it has {available}")]
    NoElement {
        /// The array.
        name: String,
        /// What was asked for.
        index: u64,
        /// How many there are.
        available: u64,
    },
    /// An element of another number of values.
    #[error("an element of `{name}` has {needed} values, not {available}")]
    WrongElement {
        /// The array.
        name: String,
        /// How many values an element has.
        needed: usize,
        /// How many came.
        available: usize,
    },
    /// A value that is too large for its field.
    #[error("{value} does not fit into the {width} bits of `{name}`")]
    TooWide {
        /// The array.
        name: String,
        /// What was to be written.
        value: Bits,
        /// What there is room for.
        width: u32,
    },
    /// A member that is not one of this value set.
    #[error("a member of value set `{name}` does not fit: {needed} {what}, not {available}")]
    WrongMember {
        /// The value set.
        name: String,
        /// `values`, `bits`, or `members at most`.
        what: &'static str,
        /// What the set has.
        needed: u64,
        /// What came.
        available: u64,
    },
    /// An entry of the program does not fit its table.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The bytes are not a saved state.
    #[error("not a saved state: {reason}, at byte {offset}")]
    Damaged {
        /// What was expected there.
        reason: &'static str,
        /// Where.
        offset: usize,
    },
}

impl State {
    /// The state before the first packet: initial values, the program's own entries.
    ///
    /// # Errors
    /// [`StateError::Entry`] if an entry of the program does not fit its table.
    pub fn new(layout: Arc<StateLayout>) -> Result<Self, StateError> {
        let gresses = layout
            .pipe()
            .gresses
            .values()
            .map(|gress| {
                let tables = gress
                    .tables
                    .values()
                    .map(|table| TableEntries::new(gress, table))
                    .collect::<Result<_, _>>()?;
                let value_sets = gress
                    .value_sets
                    .values()
                    .map(|_| ValueSetMembers::default())
                    .collect();
                let profiles = gress
                    .profiles
                    .values()
                    .map(|_| ProfileMembers::default())
                    .collect();
                Ok::<_, EntryError>(GressState {
                    tables,
                    value_sets,
                    profiles,
                })
            })
            .collect::<Result<_, _>>()?;
        let mut state = Self {
            memory: vec![0; layout.n_bytes()],
            layout,
            gresses,
            entries_stamp: Stamp::fresh(),
        };
        state.write_initial_values();
        Ok(state)
    }

    fn write_initial_values(&mut self) {
        let layout = Arc::clone(&self.layout);
        for (gress_id, gress) in layout.pipe().gresses.iter() {
            for (id, register) in gress.registers.iter() {
                if register.initial.iter().all(Bits::is_zero) {
                    continue;
                }
                let array = &layout.arrays(gress_id).registers[id];
                for index in 0..array.cells {
                    array.write(&mut self.memory, index, &register.initial);
                }
            }
        }
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> &Arc<StateLayout> {
        &self.layout
    }

    /// Whether it is laid out so.
    #[must_use]
    #[inline]
    pub fn has_layout(&self, layout: &StateLayout) -> bool {
        std::ptr::eq(&*self.layout, layout) || self.layout.fingerprint() == layout.fingerprint()
    }

    /// Refuses a state of another layout.
    ///
    /// # Errors
    /// [`StateError::WrongLayout`].
    pub fn expect_layout(&self, layout: &StateLayout) -> Result<(), StateError> {
        if self.has_layout(layout) {
            return Ok(());
        }
        Err(StateError::WrongLayout {
            expected: layout.program().name.clone(),
            found: self.layout.program().name.clone(),
        })
    }

    /// All registers, counters and meters, as the layout says.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        &self.memory
    }

    /// The same, to change. Bits beyond the width of a value must stay zero.
    #[inline]
    pub fn memory_mut(&mut self) -> &mut [u8] {
        &mut self.memory
    }

    /// The entries of a table.
    ///
    /// # Errors
    /// [`EntryError::NoTable`].
    pub fn table(&self, table: Ref<TableId>) -> Result<&TableEntries, EntryError> {
        self.gresses
            .get(table.gress)
            .and_then(|gress| gress.tables.get(table.id))
            .ok_or(EntryError::NoTable)
    }

    /// Marks what all tables, profiles and value sets together hold now.
    #[must_use]
    #[inline]
    pub fn entries_stamp(&self) -> Stamp {
        self.entries_stamp
    }

    /// Changes the entries of a table: `change` gets them with what they must fit.
    pub(crate) fn table_mut(
        &mut self,
        table: Ref<TableId>,
    ) -> Result<(&mut TableEntries, &p4rmt_ir::Gress, &p4rmt_ir::Table), EntryError> {
        let entries = self
            .gresses
            .get_mut(table.gress)
            .and_then(|gress| gress.tables.get_mut(table.id))
            .ok_or(EntryError::NoTable)?;
        self.entries_stamp = Stamp::fresh();
        let gress = &self.layout.pipe().gresses[table.gress];
        Ok((entries, gress, &gress.tables[table.id]))
    }

    /// Exchanges the entries of a table, default action and all, for others of the same table.
    ///
    /// # Errors
    /// [`EntryError::NoTable`].
    pub fn swap_entries(
        &mut self,
        table: Ref<TableId>,
        with: &mut TableEntries,
    ) -> Result<(), EntryError> {
        let (entries, _, _) = self.table_mut(table)?;
        std::mem::swap(entries, with);
        Ok(())
    }

    pub(crate) fn profile_members(&self, profile: Ref<ProfileId>) -> Option<&ProfileMembers> {
        self.gresses.get(profile.gress)?.profiles.get(profile.id)
    }

    pub(crate) fn profile_members_mut(
        &mut self,
        profile: Ref<ProfileId>,
    ) -> Option<&mut ProfileMembers> {
        self.entries_stamp = Stamp::fresh();
        self.gresses
            .get_mut(profile.gress)?
            .profiles
            .get_mut(profile.id)
    }

    /// The members of a value set; none for one that the pipe has not.
    #[must_use]
    pub fn value_set(&self, set: Ref<ValueSetId>) -> &[Vec<KeySet>] {
        self.gresses
            .get(set.gress)
            .and_then(|gress| gress.value_sets.get(set.id))
            .map_or(&[], |set| &set.members)
    }

    /// Adds a member to a value set: a key set for each of its keys.
    ///
    /// # Errors
    /// A set that the pipe has not or that is full, a member of other widths.
    pub fn insert_value(
        &mut self,
        set: Ref<ValueSetId>,
        member: Vec<KeySet>,
    ) -> Result<(), StateError> {
        let no_set = StateError::NoElement {
            name: "value sets".to_owned(),
            index: p4rmt_ir::Id::index(set.id) as u64,
            available: 0,
        };
        let pipe = self.layout.pipe();
        let declared = pipe
            .gresses
            .get(set.gress)
            .and_then(|gress| gress.value_sets.get(set.id));
        let members = self
            .gresses
            .get_mut(set.gress)
            .and_then(|gress| gress.value_sets.get_mut(set.id));
        let (Some(declared), Some(members)) = (declared, members) else {
            return Err(no_set);
        };
        let wrong = |what, needed: u64, available: u64| StateError::WrongMember {
            name: declared.name.clone(),
            what,
            needed,
            available,
        };
        if member.len() != declared.widths.len() {
            let (needed, available) = (declared.widths.len() as u64, member.len() as u64);
            return Err(wrong("values", needed, available));
        }
        for (key_set, width) in member.iter().zip(&declared.widths) {
            let widths = match key_set {
                KeySet::Any => continue,
                KeySet::Exact(value) => [value.width(), value.width()],
                KeySet::Mask { value, mask } => [value.width(), mask.width()],
                KeySet::Range { lo, hi } => [lo.width(), hi.width()],
                KeySet::ValueSet(_) => return Err(wrong("values", 1, 0)),
            };
            if let Some(found) = widths.iter().find(|found| *found != width) {
                return Err(wrong("bits", u64::from(*width), u64::from(*found)));
            }
        }
        if members.members.contains(&member) {
            return Ok(());
        }
        let n_members = members.members.len() as u64;
        if n_members >= declared.size {
            return Err(wrong("members at most", declared.size, n_members + 1));
        }
        members.members.push(member);
        self.entries_stamp = Stamp::fresh();
        Ok(())
    }

    /// Empties a value set.
    pub fn clear_value_set(&mut self, set: Ref<ValueSetId>) {
        self.entries_stamp = Stamp::fresh();
        if let Some(members) = self
            .gresses
            .get_mut(set.gress)
            .and_then(|gress| gress.value_sets.get_mut(set.id))
        {
            members.members.clear();
        }
    }

    /// Reads an element of a register: a value a field.
    ///
    /// # Errors
    /// [`StateError::NoElement`].
    pub fn register(&self, register: Ref<RegisterId>, index: u64) -> Result<Vec<Bits>, StateError> {
        let (name, array) = self.register_array(register)?;
        check_index(name, array, index)?;
        Ok(array.read(&self.memory, index).collect())
    }

    /// Writes an element of a register: a value a field.
    ///
    /// # Errors
    /// An element that is not there, values that do not fit.
    pub fn write_register(
        &mut self,
        register: Ref<RegisterId>,
        index: u64,
        values: &[Bits],
    ) -> Result<(), StateError> {
        let (name, array) = self.register_array(register)?;
        check_index(name, array, index)?;
        if values.len() != array.fields.len() {
            return Err(StateError::WrongElement {
                name: name.to_owned(),
                needed: array.fields.len(),
                available: values.len(),
            });
        }
        for (value, field) in values.iter().zip(&array.fields) {
            if value.resize(field.width, false).cmp_u(value).is_ne() {
                return Err(StateError::TooWide {
                    name: name.to_owned(),
                    value: value.clone(),
                    width: field.width,
                });
            }
        }
        let layout = Arc::clone(&self.layout);
        let array = &layout.arrays(register.gress).registers[register.id];
        array.write(&mut self.memory, index, values);
        Ok(())
    }

    fn register_array(&self, register: Ref<RegisterId>) -> Result<(&str, &Array), StateError> {
        let declared = self.layout.pipe().gresses.get(register.gress);
        let declared = declared.and_then(|gress| gress.registers.get(register.id));
        let array = self.layout.gress(register.gress);
        let array = array.and_then(|gress| gress.registers.get(register.id));
        declared
            .zip(array)
            .map(|(declared, array)| (declared.name.as_str(), array))
            .ok_or_else(|| no_array("registers"))
    }

    /// Reads a cell of a counter: packets and bytes, where it counts them.
    ///
    /// # Errors
    /// [`StateError::NoElement`].
    pub fn counter(&self, counter: Ref<CounterId>, index: u64) -> Result<Counts, StateError> {
        let declared = self.layout.pipe().gresses.get(counter.gress);
        let declared = declared.and_then(|gress| gress.counters.get(counter.id));
        let declared = declared.ok_or_else(|| no_array("counters"))?;
        let array = &self.layout.arrays(counter.gress).counters[counter.id];
        check_index(&declared.name, array, index)?;
        let mut values = array.read(&self.memory, index).map(|value| value.low_u64());
        Ok(match declared.kind {
            CountKind::Packets => Counts {
                packets: values.next(),
                bytes: None,
            },
            CountKind::Bytes => Counts {
                packets: None,
                bytes: values.next(),
            },
            CountKind::PacketsAndBytes => Counts {
                packets: values.next(),
                bytes: values.next(),
            },
        })
    }

    /// Writes a cell of a counter, as far as it counts packets and bytes, cut to its width.
    ///
    /// # Errors
    /// [`StateError::NoElement`].
    pub fn set_counter(
        &mut self,
        counter: Ref<CounterId>,
        index: u64,
        packets: u64,
        bytes: u64,
    ) -> Result<(), StateError> {
        let layout = Arc::clone(&self.layout);
        let declared = layout.pipe().gresses.get(counter.gress);
        let declared = declared.and_then(|gress| gress.counters.get(counter.id));
        let declared = declared.ok_or_else(|| no_array("counters"))?;
        let array = &layout.arrays(counter.gress).counters[counter.id];
        check_index(&declared.name, array, index)?;
        let [packets, bytes] = [packets, bytes].map(|count| Bits::from_u64(64, count));
        let values = match declared.kind {
            CountKind::Packets => vec![packets],
            CountKind::Bytes => vec![bytes],
            CountKind::PacketsAndBytes => vec![packets, bytes],
        };
        array.write(&mut self.memory, index, &values);
        Ok(())
    }

    /// The rates of a cell of a meter.
    ///
    /// # Errors
    /// [`StateError::NoElement`].
    pub fn meter(&self, meter: Ref<MeterId>, index: u64) -> Result<MeterConfig, StateError> {
        let declared = self.layout.pipe().gresses.get(meter.gress);
        let declared = declared.and_then(|gress| gress.meters.get(meter.id));
        let declared = declared.ok_or_else(|| no_array("meters"))?;
        let array = &self.layout.arrays(meter.gress).meters[meter.id];
        check_index(&declared.name, array, index)?;
        Ok(MeterCell::read(array, &self.memory, index).config())
    }

    /// Sets the rates of a cell of a meter, and fills its buckets.
    ///
    /// # Errors
    /// [`StateError::NoElement`].
    pub fn configure_meter(
        &mut self,
        meter: Ref<MeterId>,
        index: u64,
        config: MeterConfig,
    ) -> Result<(), StateError> {
        let layout = Arc::clone(&self.layout);
        let declared = layout.pipe().gresses.get(meter.gress);
        let declared = declared.and_then(|gress| gress.meters.get(meter.id));
        let declared = declared.ok_or_else(|| no_array("meters"))?;
        if declared.filter.is_some() {
            return Err(StateError::IsFilter {
                name: declared.name.clone(),
            });
        }
        let array = &layout.arrays(meter.gress).meters[meter.id];
        check_index(&declared.name, array, index)?;
        array.write(&mut self.memory, index, &config.initial_cell());
        Ok(())
    }

    /// Sets what a cell of a filter averages over and when it drops, and forgets what it has seen.
    ///
    /// # Errors
    /// [`StateError::NoElement`]; [`StateError::NoFilter`] for a meter that marks packets.
    pub fn configure_filter(
        &mut self,
        meter: Ref<MeterId>,
        index: u64,
        config: FilterConfig,
    ) -> Result<(), StateError> {
        let layout = Arc::clone(&self.layout);
        let declared = layout.pipe().gresses.get(meter.gress);
        let declared = declared.and_then(|gress| gress.meters.get(meter.id));
        let declared = declared.ok_or_else(|| no_array("meters"))?;
        if declared.filter.is_none() {
            return Err(StateError::NoFilter {
                name: declared.name.clone(),
            });
        }
        let array = &layout.arrays(meter.gress).meters[meter.id];
        check_index(&declared.name, array, index)?;
        array.write(&mut self.memory, index, &config.initial_cell());
        Ok(())
    }
}

/// Contents are compared, not stamps: two states are equal if no packet can tell them apart.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.layout.fingerprint() == other.layout.fingerprint()
            && self.memory == other.memory
            && self.gresses == other.gresses
    }
}

impl Eq for State {}

/// What a cell of a counter has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets, where it counts them.
    pub packets: Option<u64>,
    /// Bytes, where it counts them.
    pub bytes: Option<u64>,
}

fn no_array(name: &'static str) -> StateError {
    StateError::NoElement {
        name: name.to_owned(),
        index: 0,
        available: 0,
    }
}

fn check_index(name: &str, array: &Array, index: u64) -> Result<(), StateError> {
    if index < array.cells {
        return Ok(());
    }
    Err(StateError::NoElement {
        name: name.to_owned(),
        index,
        available: array.cells,
    })
}
