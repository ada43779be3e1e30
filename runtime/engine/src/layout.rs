//! Where everything that outlives a packet lies: the layout of a [`crate::State`], fixed by the IR.
//!
//! All registers, counters and meters of a pipe share one block of bytes. An array is `cells` times
//! `stride` bytes from `offset` on; an element is a value a field, each a little-endian number of 1,
//! 2, 4, or a multiple of 8 bytes. Arrays start at multiples of 64 bytes, so that no two share a
//! cache line. What is direct to a table has a cell for each slot of the table, and one more for
//! the default action.

use std::borrow::Cow;
use std::sync::Arc;

use p4rmt_ir::{
    Arena, Bits, Body, CountKind, CounterId, Gress, GressId, Id, MatchKind, MeterId, Param, Pipe,
    PipeId, Program, RegisterId, Table,
};

use crate::StateError;

/// Something of a gress, named across the whole pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ref<I> {
    /// The gress that owns it.
    pub gress: GressId,
    /// Its id there.
    pub id: I,
}

/// The layout of the state of one pipe.
#[derive(Debug)]
pub struct StateLayout {
    program: Arc<Program>,
    pipe: PipeId,
    gresses: Arena<GressId, GressLayout>,
    n_bytes: usize,
    fingerprint: u64,
}

/// The arrays of one gress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GressLayout {
    /// By register: its element.
    pub registers: Arena<RegisterId, Array>,
    /// By counter: packets, bytes, or packets and bytes.
    pub counters: Arena<CounterId, Array>,
    /// By meter: see [`crate::MeterCell`].
    pub meters: Arena<MeterId, Array>,
}

/// An array of equal cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Of the first cell, in bytes.
    pub offset: usize,
    /// From cell to cell, in bytes.
    pub stride: usize,
    /// How many cells.
    pub cells: u64,
    /// The values of a cell.
    pub fields: Vec<ArrayField>,
}

/// A value of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayField {
    /// From the start of the cell, in bytes.
    pub offset: usize,
    /// How many bytes it takes.
    pub n_bytes: usize,
    /// How many bits count; the others are zero.
    pub width: u32,
}

/// All memory of a pipe is at most this many bytes: the largest machine has about 40 MB.
const MAX_BYTES: u64 = 1 << 30;

/// Arrays start at multiples of this.
const ALIGNMENT: usize = 64;

impl StateLayout {
    /// Lays out the state of one pipe.
    ///
    /// # Errors
    /// [`StateError::NoPipe`], and [`StateError::TooLarge`] if the arrays take more than 1 GiB.
    pub fn new(program: Arc<Program>, pipe: PipeId) -> Result<Arc<Self>, StateError> {
        let owner = program.pipes.get(pipe).ok_or(StateError::NoPipe {
            pipe,
            available: program.pipes.len(),
        })?;
        let mut allocator = Allocator::default();
        let gresses = owner
            .gresses
            .values()
            .map(|gress| GressLayout::new(gress, &mut allocator))
            .collect::<Result<_, _>>()?;
        let fingerprint = fingerprint(&program, owner);
        Ok(Arc::new(Self {
            program,
            pipe,
            gresses,
            n_bytes: allocator.n_bytes,
            fingerprint,
        }))
    }

    /// The program that it belongs to.
    #[must_use]
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The pipe's id in the program.
    #[must_use]
    pub fn pipe_id(&self) -> PipeId {
        self.pipe
    }

    /// The pipe.
    #[must_use]
    #[inline]
    pub fn pipe(&self) -> &Pipe {
        &self.program.pipes[self.pipe]
    }

    /// The arrays of a gress.
    #[must_use]
    pub fn gress(&self, gress: GressId) -> Option<&GressLayout> {
        self.gresses.get(gress)
    }

    /// The arrays of a gress of the pipe.
    pub(crate) fn arrays(&self, gress: GressId) -> &GressLayout {
        &self.gresses[gress]
    }

    /// How many bytes all arrays take.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// A number that differs, in all likelihood, where names, widths or sizes differ.
    #[must_use]
    #[inline]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl GressLayout {
    fn new(gress: &Gress, allocator: &mut Allocator) -> Result<Self, StateError> {
        let registers = gress
            .registers
            .iter()
            .map(|(id, register)| {
                let widths = register.element.iter().map(|field| field.width);
                let cells = n_cells(gress, register.size, |table| {
                    table.direct_registers.contains(&id)
                });
                allocator.allocate(cells, widths)
            })
            .collect::<Result<_, _>>()?;
        let counters = gress
            .counters
            .iter()
            .map(|(id, counter)| {
                let n_fields = match counter.kind {
                    CountKind::Packets | CountKind::Bytes => 1,
                    CountKind::PacketsAndBytes => 2,
                };
                let cells = n_cells(gress, counter.size, |table| {
                    table.direct_counters.contains(&id)
                });
                allocator.allocate(cells, std::iter::repeat_n(counter.width, n_fields))
            })
            .collect::<Result<_, _>>()?;
        let meters = gress
            .meters
            .iter()
            .map(|(id, meter)| {
                let cells = n_cells(gress, meter.size, |table| table.direct_meters.contains(&id));
                allocator.allocate(cells, std::iter::repeat_n(64, crate::meter::N_FIELDS))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            registers,
            counters,
            meters,
        })
    }
}

impl Array {
    /// The values of a cell.
    ///
    /// # Panics
    /// If the index is not below `cells`, or the memory is not one of this layout.
    pub fn read<'a>(&'a self, memory: &'a [u8], index: u64) -> impl Iterator<Item = Bits> + 'a {
        let start = self.offset + index as usize * self.stride;
        let fields = self.fields.iter();
        fields.map(move |field| read_value(&memory[start + field.offset..], field))
    }

    /// Writes a value of a cell, cut to its width; `field` is one of `fields`.
    ///
    /// # Panics
    /// If the index is not below `cells`, or the memory is not one of this layout.
    pub fn write_field(&self, memory: &mut [u8], index: u64, field: &ArrayField, value: &Bits) {
        let start = self.offset + index as usize * self.stride + field.offset;
        let value = cut(value, field.width);
        let bytes = &mut memory[start..];
        let word = value.low_u64().to_le_bytes();
        match field.n_bytes {
            1 => bytes[0] = word[0],
            2 => bytes[..2].copy_from_slice(&word[..2]),
            4 => bytes[..4].copy_from_slice(&word[..4]),
            8 => bytes[..8].copy_from_slice(&word),
            n_bytes => {
                for (chunk, lo) in bytes[..n_bytes].chunks_mut(8).zip((0u32..).step_by(64)) {
                    let word = value.slice(lo + 63, lo).low_u64();
                    chunk.copy_from_slice(&word.to_le_bytes());
                }
            }
        }
    }

    /// Writes the values of a cell, cut to their widths.
    ///
    /// # Panics
    /// If the index is not below `cells`, or the memory is not one of this layout.
    pub fn write(&self, memory: &mut [u8], index: u64, values: &[Bits]) {
        for (field, value) in self.fields.iter().zip(values) {
            self.write_field(memory, index, field, value);
        }
    }
}

/// The value that lies at the start of these bytes.
fn read_value(bytes: &[u8], field: &ArrayField) -> Bits {
    let mut word = [0; 8];
    match field.n_bytes {
        1 => word[0] = bytes[0],
        2 => word[..2].copy_from_slice(&bytes[..2]),
        4 => word[..4].copy_from_slice(&bytes[..4]),
        8 => word.copy_from_slice(&bytes[..8]),
        n_bytes => {
            let big_endian: Vec<u8> = bytes[..n_bytes].iter().rev().copied().collect();
            return Bits::from_bytes_be(field.width, &big_endian);
        }
    }
    Bits::from_u64(field.width, u64::from_le_bytes(word))
}

/// The value cut or extended with zeros to a width; mostly it has it.
fn cut(value: &Bits, width: u32) -> Cow<'_, Bits> {
    if value.width() == width {
        Cow::Borrowed(value)
    } else {
        Cow::Owned(value.resize(width, false))
    }
}

/// Cells of an array: `size`, or for a direct one (size 0) those of the table that owns it, and one
/// for its default action.
fn n_cells(gress: &Gress, size: u64, owns: impl Fn(&Table) -> bool) -> u64 {
    if size != 0 {
        return size;
    }
    gress
        .tables
        .values()
        .find(|table| owns(table))
        .map_or(0, |table| table.size.saturating_add(1))
}

#[derive(Default)]
struct Allocator {
    n_bytes: usize,
}

impl Allocator {
    fn allocate(
        &mut self,
        cells: u64,
        widths: impl Iterator<Item = u32>,
    ) -> Result<Array, StateError> {
        let mut stride = 0usize;
        let mut fields = Vec::new();
        for width in widths {
            let n_bytes = match width.div_ceil(8) as usize {
                0..=1 => 1,
                2 => 2,
                3..=4 => 4,
                5.. => width.div_ceil(64) as usize * 8,
            };
            let offset = stride.next_multiple_of(n_bytes.min(8));
            fields.push(ArrayField {
                offset,
                n_bytes,
                width,
            });
            stride = offset + n_bytes;
        }
        let alignment = fields.iter().map(|field| field.n_bytes.min(8)).max();
        stride = stride.next_multiple_of(alignment.unwrap_or(1));
        let offset = self.n_bytes.next_multiple_of(ALIGNMENT);
        let needed = (stride as u64)
            .saturating_mul(cells)
            .saturating_add(offset as u64);
        if needed > MAX_BYTES {
            return Err(StateError::TooLarge {
                needed,
                available: MAX_BYTES,
            });
        }
        self.n_bytes = usize::try_from(needed).expect("at most MAX_BYTES");
        Ok(Array {
            offset,
            stride,
            cells,
            fields,
        })
    }
}

/// The parameters of an action of either form.
pub(crate) fn action_params(gress: &Gress, action: p4rmt_ir::ActionId) -> Option<&[Param]> {
    match &gress.body {
        Body::Structured(body) => body.actions.get(action).map(|action| &*action.params),
        Body::Tables(body) => body.actions.get(action).map(|action| &*action.params),
    }
}

/// The name of an action of either form.
pub(crate) fn action_name(gress: &Gress, action: p4rmt_ir::ActionId) -> Option<&str> {
    match &gress.body {
        Body::Structured(body) => body.actions.get(action).map(|action| &*action.name),
        Body::Tables(body) => body.actions.get(action).map(|action| &*action.name),
    }
}

/// FNV-1a, 64 bits, over everything that a saved state relies on.
struct Fingerprint(u64);

impl Fingerprint {
    fn number(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn fingerprint(program: &Program, pipe: &Pipe) -> u64 {
    let mut print = Fingerprint(0xcbf2_9ce4_8422_2325);
    print.text(&program.name);
    print.text(&pipe.name);
    for gress in pipe.gresses.values() {
        print.number(gress.registers.len() as u64);
        for register in gress.registers.values() {
            print.text(&register.name);
            print.number(register.size);
            print.number(register.element.len() as u64);
            for field in &register.element {
                print.text(&field.name);
                print.number(u64::from(field.width));
            }
        }
        print.number(gress.counters.len() as u64);
        for counter in gress.counters.values() {
            print.text(&counter.name);
            print.number(counter.size);
            print.number(u64::from(counter.width));
            print.number(counter.kind as u64);
        }
        print.number(gress.meters.len() as u64);
        for meter in gress.meters.values() {
            print.text(&meter.name);
            print.number(meter.size);
            print.number(meter.kind as u64);
        }
        print.number(gress.tables.len() as u64);
        for table in gress.tables.values() {
            print_table(&mut print, gress, table);
        }
        print.number(gress.profiles.len() as u64);
        for profile in gress.profiles.values() {
            print.text(&profile.name);
            print.number(profile.size);
            print.number(u64::from(profile.selector.is_some()));
        }
        print.number(gress.value_sets.len() as u64);
        for set in gress.value_sets.values() {
            print.text(&set.name);
            print.number(set.size);
            print.number(set.widths.len() as u64);
            for width in &set.widths {
                print.number(u64::from(*width));
            }
        }
    }
    print.0
}

fn print_table(print: &mut Fingerprint, gress: &Gress, table: &Table) {
    print.text(&table.name);
    print.number(table.size);
    print.number(table.keys.len() as u64);
    for key in &table.keys {
        print.number(u64::from(key.expr.width(gress)));
        print.number(match key.kind {
            MatchKind::Exact => 0,
            MatchKind::Ternary => 1,
            MatchKind::Lpm => 2,
            MatchKind::Range => 3,
            MatchKind::Optional => 4,
            MatchKind::Selector => 5,
        });
    }
    for direct in [
        table
            .direct_registers
            .iter()
            .map(|id| id.index())
            .collect::<Vec<_>>(),
        table.direct_counters.iter().map(|id| id.index()).collect(),
        table.direct_meters.iter().map(|id| id.index()).collect(),
    ] {
        print.number(direct.len() as u64);
        direct.iter().for_each(|id| print.number(*id as u64));
    }
    print.number(table.implementation.map_or(0, |id| id.index() as u64 + 1));
    print.number(table.actions.len() as u64);
    for action in &table.actions {
        print.text(action_name(gress, action.action).unwrap_or_default());
        let params = action_params(gress, action.action).unwrap_or_default();
        print.number(params.len() as u64);
        for param in params {
            print.number(u64::from(param.width));
        }
    }
}
