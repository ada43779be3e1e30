//! A state as bytes, and back.
//!
//! Numbers are little-endian. The order:
//!
//! 1. `p4rmt-st`, version of the format (4 bytes).
//! 2. Name of the program, name of the pipe (length in 4 bytes, UTF-8), fingerprint of the layout.
//! 3. Registers, counters and meters: their size in 8 bytes, the bytes.
//! 4. For each gress: of each profile the members, number and action, and the groups, number and
//!    numbers of members; of each table the default action and the entries, each with its slot,
//!    priority, matches, and what it does (0 and an action, 1 and a member, 2 and a group); of each value
//!    set the members, each with its key sets. Lists begin with their length.
//!
//! Restoring believes nothing: everything goes through the checks of the control plane.

use std::sync::Arc;

use p4rmt_ir::{ActionCall, ActionId, Bits, Gress, GressId, Id, KeySet, Match, ProfileId, Table};

use crate::entries::capacity;
use crate::{
    EntryTarget, InstalledEntry, ProfileMembers, Ref, State, StateError, StateLayout, TableEntries,
};

const MAGIC: &[u8; 8] = b"p4rmt-st";
const VERSION: u32 = 2;

impl State {
    /// The state as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let layout = self.layout();
        let mut out = Writer(MAGIC.to_vec());
        out.u32(VERSION);
        out.text(&layout.program().name);
        out.text(&layout.pipe().name);
        out.u64(layout.fingerprint());
        out.u64(self.memory().len() as u64);
        out.0.extend_from_slice(self.memory());
        for (gress_id, gress) in layout.pipe().gresses.iter() {
            for id in gress.profiles.ids() {
                let profile = self.profile(Ref {
                    gress: gress_id,
                    id,
                });
                out.profile(profile.expect("a profile of the layout"));
            }
            for id in gress.tables.ids() {
                let entries = self.table(Ref {
                    gress: gress_id,
                    id,
                });
                out.table(entries.expect("a table of the layout"));
            }
            for id in gress.value_sets.ids() {
                let members = self.value_set(Ref {
                    gress: gress_id,
                    id,
                });
                out.u32(members.len() as u32);
                members.iter().flatten().for_each(|key| out.key_set(key));
            }
        }
        out.0
    }

    /// The state that [`State::to_bytes`] saved.
    ///
    /// # Errors
    /// Bytes that are not a saved state, or one of another program or layout.
    pub fn from_bytes(layout: &Arc<StateLayout>, bytes: &[u8]) -> Result<Self, StateError> {
        let mut input = Reader { bytes, offset: 0 };
        if input.take(MAGIC.len())? != MAGIC {
            return Err(input.damaged_at(0, "it does not start with `p4rmt-st`"));
        }
        if input.u32()? != VERSION {
            return Err(input.damaged_at(MAGIC.len(), "a version that is not known"));
        }
        let program = input.text()?;
        let pipe = input.text()?;
        let fingerprint = input.u64()?;
        if fingerprint != layout.fingerprint()
            || program != layout.program().name
            || pipe != layout.pipe().name
        {
            return Err(StateError::WrongLayout {
                expected: layout.program().name.clone(),
                found: program.to_owned(),
            });
        }
        let mut state = Self::new(Arc::clone(layout))?;
        if input.u64()? != state.memory().len() as u64 {
            return Err(input.damaged("memory of another size"));
        }
        let memory = input.take(state.memory().len())?;
        state.memory_mut().copy_from_slice(memory);
        state.cut_memory();
        for (gress_id, gress) in layout.pipe().gresses.iter() {
            for id in gress.profiles.ids() {
                let place = Ref {
                    gress: gress_id,
                    id,
                };
                input.profile(&mut state, place, gress)?;
            }
            for (id, table) in gress.tables.iter() {
                let place = Ref {
                    gress: gress_id,
                    id,
                };
                input.table(&mut state, place, gress, table)?;
            }
            for (id, set) in gress.value_sets.iter() {
                let place = Ref {
                    gress: gress_id,
                    id,
                };
                for _ in 0..input.u32()? {
                    let keys = set.widths.iter().map(|width| input.key_set(*width));
                    let member = keys.collect::<Result<_, _>>()?;
                    state.insert_value(place, member)?;
                }
            }
        }
        if input.offset != bytes.len() {
            return Err(input.damaged("more bytes than the state has"));
        }
        Ok(state)
    }

    /// Cuts every value to its width.
    fn cut_memory(&mut self) {
        let layout = Arc::clone(self.layout());
        let ids: Vec<GressId> = layout.pipe().gresses.ids().collect();
        for gress in ids.iter().filter_map(|id| layout.gress(*id)) {
            let registers = gress.registers.values();
            for array in registers.chain(gress.counters.values()) {
                let is_whole = |bits: usize, width: u32| bits * 8 == width as usize;
                if array
                    .fields
                    .iter()
                    .all(|field| is_whole(field.n_bytes, field.width))
                {
                    continue;
                }
                for index in 0..array.cells {
                    let values: Vec<Bits> = array.read(self.memory(), index).collect();
                    array.write(self.memory_mut(), index, &values);
                }
            }
        }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn bits(&mut self, value: &Bits) {
        self.0.extend(value.to_bytes_be());
    }

    fn table(&mut self, entries: &TableEntries) {
        self.action(entries.default_action());
        self.u64(entries.len() as u64);
        for (slot, entry) in entries.iter() {
            self.u64(slot as u64);
            self.u32(entry.priority);
            for wanted in &entry.matches {
                self.wanted(wanted);
            }
            match &entry.target {
                EntryTarget::Action(call) => {
                    self.0.push(0);
                    self.action(call);
                }
                EntryTarget::Member(member) => {
                    self.0.push(1);
                    self.u32(*member);
                }
                EntryTarget::Group(group) => {
                    self.0.push(2);
                    self.u32(*group);
                }
            }
        }
    }

    fn profile(&mut self, profile: &ProfileMembers) {
        self.u32(profile.members().count() as u32);
        for (member, call) in profile.members() {
            self.u32(member);
            self.action(call);
        }
        self.u32(profile.groups().count() as u32);
        for (group, members) in profile.groups() {
            self.u32(group);
            self.u32(members.len() as u32);
            members.iter().for_each(|member| self.u32(*member));
        }
    }

    fn action(&mut self, call: &ActionCall) {
        self.u32(call.action.index() as u32);
        call.args.iter().for_each(|arg| self.bits(arg));
    }

    fn wanted(&mut self, wanted: &Match) {
        match wanted {
            Match::Exact(value) => {
                self.0.push(0);
                self.bits(value);
            }
            Match::Ternary { value, mask } => {
                self.0.push(1);
                self.bits(value);
                self.bits(mask);
            }
            Match::Lpm { value, prefix_len } => {
                self.0.push(2);
                self.bits(value);
                self.u32(*prefix_len);
            }
            Match::Range { lo, hi } => {
                self.0.push(3);
                self.bits(lo);
                self.bits(hi);
            }
            Match::Any => self.0.push(4),
        }
    }

    fn key_set(&mut self, key: &KeySet) {
        match key {
            KeySet::Exact(value) => {
                self.0.push(0);
                self.bits(value);
            }
            KeySet::Mask { value, mask } => {
                self.0.push(1);
                self.bits(value);
                self.bits(mask);
            }
            KeySet::Range { lo, hi } => {
                self.0.push(3);
                self.bits(lo);
                self.bits(hi);
            }
            KeySet::Any | KeySet::ValueSet(_) => self.0.push(4),
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn damaged(&self, reason: &'static str) -> StateError {
        self.damaged_at(self.offset, reason)
    }

    fn damaged_at(&self, offset: usize, reason: &'static str) -> StateError {
        StateError::Damaged { reason, offset }
    }

    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], StateError> {
        let taken = self
            .bytes
            .get(self.offset..)
            .and_then(|rest| rest.get(..n_bytes));
        let taken = taken.ok_or_else(|| self.damaged("it ends early"))?;
        self.offset += n_bytes;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, StateError> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, StateError> {
        let bytes = self.take(4)?.try_into().expect("four bytes");
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64, StateError> {
        let bytes = self.take(8)?.try_into().expect("eight bytes");
        Ok(u64::from_le_bytes(bytes))
    }

    fn text(&mut self) -> Result<&'a str, StateError> {
        let length = self.u32()? as usize;
        let start = self.offset;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged_at(start, "a name that is not UTF-8"))
    }

    fn bits(&mut self, width: u32) -> Result<Bits, StateError> {
        Ok(Bits::from_bytes_be(
            width,
            self.take(width.div_ceil(8) as usize)?,
        ))
    }

    fn table(
        &mut self,
        state: &mut State,
        place: Ref<p4rmt_ir::TableId>,
        gress: &Gress,
        table: &Table,
    ) -> Result<(), StateError> {
        let default_action = self.action(gress)?;
        state.set_default_action(place, default_action)?;
        let n_entries = self.u64()?;
        if n_entries > capacity(table) {
            return Err(self.damaged("more entries than the table has room for"));
        }
        let mut entries = Vec::new();
        for _ in 0..n_entries {
            let slot = self.u64()?;
            if slot >= capacity(table) {
                return Err(self.damaged("an entry beyond the table"));
            }
            let priority = self.u32()?;
            let keys = table.keys.iter();
            let matches = keys
                .map(|key| self.wanted(key.expr.width(gress)))
                .collect::<Result<_, _>>()?;
            let target = match self.u8()? {
                0 => EntryTarget::Action(self.action(gress)?),
                1 => EntryTarget::Member(self.u32()?),
                2 => EntryTarget::Group(self.u32()?),
                _ => return Err(self.damaged_at(self.offset - 1, "an entry of no known kind")),
            };
            let entry = InstalledEntry {
                matches,
                priority,
                target,
                span: table.span,
            };
            entries.push((slot as usize, entry));
        }
        state.restore_entries(place, entries)?;
        Ok(())
    }

    fn profile(
        &mut self,
        state: &mut State,
        place: Ref<ProfileId>,
        gress: &Gress,
    ) -> Result<(), StateError> {
        for _ in 0..self.u32()? {
            let member = self.u32()?;
            let call = self.action(gress)?;
            state.set_member(place, member, call)?;
        }
        for _ in 0..self.u32()? {
            let group = self.u32()?;
            let mut members = Vec::new();
            for _ in 0..self.u32()? {
                members.push(self.u32()?);
            }
            state.set_group(place, group, &members)?;
        }
        Ok(())
    }

    fn action(&mut self, gress: &Gress) -> Result<ActionCall, StateError> {
        let action = ActionId::from_index(self.u32()? as usize);
        let params = crate::layout::action_params(gress, action);
        let params = params.ok_or_else(|| self.damaged("an action that is not there"))?;
        let args = params
            .iter()
            .map(|param| self.bits(param.width))
            .collect::<Result<_, _>>()?;
        Ok(ActionCall { action, args })
    }

    fn wanted(&mut self, width: u32) -> Result<Match, StateError> {
        Ok(match self.u8()? {
            0 => Match::Exact(self.bits(width)?),
            1 => Match::Ternary {
                value: self.bits(width)?,
                mask: self.bits(width)?,
            },
            2 => Match::Lpm {
                value: self.bits(width)?,
                prefix_len: self.u32()?,
            },
            3 => Match::Range {
                lo: self.bits(width)?,
                hi: self.bits(width)?,
            },
            4 => Match::Any,
            _ => return Err(self.damaged_at(self.offset - 1, "a match of no known kind")),
        })
    }

    fn key_set(&mut self, width: u32) -> Result<KeySet, StateError> {
        match self.wanted(width)? {
            Match::Exact(value) => Ok(KeySet::Exact(value)),
            Match::Ternary { value, mask } => Ok(KeySet::Mask { value, mask }),
            Match::Range { lo, hi } => Ok(KeySet::Range { lo, hi }),
            Match::Any => Ok(KeySet::Any),
            Match::Lpm { .. } => Err(self.damaged("a prefix in a value set")),
        }
    }
}
