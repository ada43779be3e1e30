//! What outlives the packet: registers, counters, meters.
//!
//! An index beyond the array touches nothing: memory reads as zeros, the write is lost.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, condcodes::IntCC, types};
use cranelift_frontend::Variable;
use p4rmt_engine::{Array, EngineError};
use p4rmt_ir::{CountKind, CounterId, Expr, Id, MeterId, RegisterActionId, RegisterId, Table};

use super::number::Number;
use super::{Compiler, Section, Word, plain};
use crate::callbacks::Name;
use crate::flight::FlightHead;
use crate::frame::Frame;

impl Compiler<'_> {
    /// The index that the call gives, or the cell of the entry whose action runs.
    pub(super) fn index_or_direct(&mut self, index: Option<&Expr>) -> Word {
        match index {
            Some(index) => self.index(index),
            None => self.b.use_var(self.direct_index),
        }
    }

    /// A program of a stateful ALU: reads the element, runs the statements on it, writes it back.
    pub(super) fn register_action(
        &mut self,
        id: RegisterActionId,
        index: Option<&Expr>,
    ) -> Result<Vec<Number>, EngineError> {
        let gress = self.gress;
        let action = &gress.register_actions[id];
        let array = self.loaded.arrays.registers[action.register].clone();
        let index = self.index_or_direct(index);
        let locals = self.new_locals(action.locals.values().map(|local| local.width));
        let outer = std::mem::replace(&mut self.locals, locals);
        let n_cells = action.n_elements(&gress.registers[action.register]);
        let n_values = array.fields.len().max(1);
        // Which cells there are is known before the statements run.
        let mut cells = Vec::new();
        for (number, memory) in action.memory.chunks(n_values).enumerate() {
            let (cell, is_inside) = self.cell_of_word(&array, index, n_cells, number as u64);
            cells.push((cell, is_inside));
            let (inside, outside) = (self.b.create_block(), self.b.create_block());
            self.b.ins().brif(is_inside, inside, &[], outside, &[]);
            self.enter(inside);
            let address = self.cell_address(&array, cell);
            for (variable, field) in memory.iter().zip(&array.fields) {
                let value = self.load_cell(address, field);
                Self::set(&self.locals[variable.index()].clone(), &value, &mut self.b);
            }
            self.go(outside);
        }
        let exits = self.exits.take();
        self.block(&action.body)?;
        self.exits = exits;
        for (memory, (cell, is_inside)) in action.memory.chunks(n_values).zip(cells) {
            let (write, behind) = (self.b.create_block(), self.b.create_block());
            self.b.ins().brif(is_inside, write, &[], behind, &[]);
            self.enter(write);
            let address = self.cell_address(&array, cell);
            for (variable, field) in memory.iter().zip(&array.fields) {
                let value = self.local(variable.index(), Some(field.width));
                self.store_cell(address, field, &value);
            }
            self.go(behind);
        }
        let outputs = action.outputs.iter().map(|output| {
            let width = action.locals[*output].width;
            self.local(output.index(), Some(width))
        });
        let outputs = outputs.collect();
        self.locals = outer;
        Ok(outputs)
    }

    /// A cell of a word of several, and whether it is there.
    fn cell_of_word(
        &mut self,
        array: &Array,
        word: Word,
        n_cells: u64,
        number: u64,
    ) -> (Word, Word) {
        if n_cells == 1 {
            return (word, self.is(IntCC::UnsignedLessThan, word, array.cells));
        }
        // A word that is there has a number that does not overflow.
        let n_words = array.cells.div_ceil(n_cells);
        let is_word = self.is(IntCC::UnsignedLessThan, word, n_words);
        let n_cells = self.word(n_cells);
        let first = self.b.ins().imul(word, n_cells);
        let number = self.word(number);
        let cell = self.b.ins().iadd(first, number);
        let is_cell = self.is(IntCC::UnsignedLessThan, cell, array.cells);
        (cell, self.b.ins().band(is_word, is_cell))
    }

    /// The address of a cell that is there.
    fn cell_address(&mut self, array: &Array, index: Word) -> Word {
        let stride = self.word(array.stride as u64);
        let offset = self.b.ins().imul(index, stride);
        let start = self.word(array.offset as u64);
        let offset = self.b.ins().iadd(offset, start);
        self.b.ins().iadd(self.memory, offset)
    }

    fn load_cell(&mut self, address: Word, field: &p4rmt_engine::ArrayField) -> Number {
        let words = match field.n_bytes {
            1 | 2 | 4 => {
                let of_type = cell_type(field.n_bytes);
                let offset = field.offset as i32;
                let word = self.b.ins().load(of_type, plain(), address, offset);
                vec![self.b.ins().uextend(types::I64, word)]
            }
            n_bytes => (0..n_bytes / 8)
                .map(|position| self.load(address, field.offset + position * 8))
                .collect(),
        };
        if field.width as usize == field.n_bytes * 8 {
            return Number {
                width: field.width,
                words,
            };
        }
        self.cut(words, field.width)
    }

    fn store_cell(&mut self, address: Word, field: &p4rmt_engine::ArrayField, value: &Number) {
        let value = self.resize(value, field.width, false);
        match field.n_bytes {
            1 | 2 | 4 => {
                let of_type = cell_type(field.n_bytes);
                let word = self.b.ins().ireduce(of_type, value.words[0]);
                self.b
                    .ins()
                    .store(plain(), word, address, field.offset as i32);
            }
            _ => self.put_number(&value, address, field.offset),
        }
    }

    /// Reads an element.
    pub(super) fn read_register(&mut self, register: RegisterId, index: Word) -> Vec<Number> {
        let array = self.loaded.arrays.registers[register].clone();
        let variables = self.new_locals(array.fields.iter().map(|field| field.width));
        let (inside, behind) = (self.b.create_block(), self.b.create_block());
        let is_inside = self.is(IntCC::UnsignedLessThan, index, array.cells);
        self.b.ins().brif(is_inside, inside, &[], behind, &[]);
        self.enter(inside);
        let address = self.cell_address(&array, index);
        for (variables, field) in variables.iter().zip(&array.fields) {
            let value = self.load_cell(address, field);
            Self::set(variables, &value, &mut self.b);
        }
        self.go(behind);
        let numbers = variables
            .iter()
            .zip(&array.fields)
            .map(|(variables, field)| {
                let words = variables
                    .iter()
                    .map(|variable: &Variable| self.b.use_var(*variable));
                Number {
                    width: field.width,
                    words: words.collect(),
                }
            });
        numbers.collect()
    }

    /// Writes an element.
    pub(super) fn write_register(&mut self, register: RegisterId, index: Word, values: &[Number]) {
        let array = self.loaded.arrays.registers[register].clone();
        let (inside, behind) = (self.b.create_block(), self.b.create_block());
        let is_inside = self.is(IntCC::UnsignedLessThan, index, array.cells);
        self.b.ins().brif(is_inside, inside, &[], behind, &[]);
        self.enter(inside);
        let address = self.cell_address(&array, index);
        for (value, field) in values.iter().zip(&array.fields) {
            self.store_cell(address, field, value);
        }
        self.go(behind);
    }

    /// Counts the packet.
    pub(super) fn count(&mut self, counter: CounterId, index: Word) {
        let array = self.loaded.arrays.counters[counter].clone();
        let counter = &self.gress.counters[counter];
        let (kind, adjust_bytes) = (counter.kind, counter.adjust_bytes);
        let (inside, behind) = (self.b.create_block(), self.b.create_block());
        let is_inside = self.is(IntCC::UnsignedLessThan, index, array.cells);
        self.b.ins().brif(is_inside, inside, &[], behind, &[]);
        self.enter(inside);
        let one = self.word(1);
        let increments = match kind {
            CountKind::Packets => vec![one],
            CountKind::Bytes => vec![self.counted_bytes(adjust_bytes)],
            CountKind::PacketsAndBytes => vec![one, self.counted_bytes(adjust_bytes)],
        };
        let address = self.cell_address(&array, index);
        for (field, more) in array.fields.iter().zip(increments) {
            let before = self.load_cell(address, field);
            let more = self.cut(vec![more], field.width.min(64));
            let after = self.binary(p4rmt_ir::BinaryOp::Add, &before, &more);
            self.store_cell(address, field, &after);
        }
        self.go(behind);
    }

    /// The bytes of the packet that count.
    fn counted_bytes(&mut self, adjust_bytes: i32) -> Word {
        let n_bytes = match self.section {
            Section::Step(_) => self.load(self.phv, offset_of!(FlightHead, packet_bytes)),
            _ => self.load_frame(offset_of!(Frame, packet_bytes)),
        };
        let adjust = u64::from(adjust_bytes.unsigned_abs());
        if adjust == 0 {
            return n_bytes;
        }
        let by = self.word(adjust);
        if adjust_bytes < 0 {
            return self.b.ins().iadd(n_bytes, by);
        }
        let rest = self.b.ins().isub(n_bytes, by);
        let is_less = self.is(IntCC::UnsignedLessThan, n_bytes, adjust);
        let zero = self.word(0);
        self.b.ins().select(is_less, zero, rest)
    }

    /// Meters the packet; the result is its colour, as the program writes it. A direct meter of a
    /// whole gress has metered it already.
    pub(super) fn meter(
        &mut self,
        id: MeterId,
        index: Option<&Expr>,
        color: Option<&Expr>,
    ) -> Number {
        let colors = self.gress.meters[id].colors.clone();
        let marked = if index.is_none() && self.is_whole() {
            self.b.use_var(self.direct_colors[id.index()])
        } else {
            let index = self.index_or_direct(index);
            let mut incoming = self.word(0);
            if let Some(color) = color {
                let color = self.expr(color);
                // Red is looked for first.
                for (position, known) in [(1, &colors[1]), (2, &colors[2])] {
                    if known.width() == color.width && color.width > 0 {
                        let known = self.constant(known);
                        let is = self.compare(p4rmt_ir::BinaryOp::Eq, &color, &known);
                        let position = self.word(position);
                        incoming = self.b.ins().select(is, position, incoming);
                    }
                }
            }
            let meter = self.word(id.index() as u64);
            self.call(Name::Meter, [meter, index, incoming])
        };
        let [green, yellow, red] = colors.map(|color| self.constant(&color));
        let is_yellow = self.is(IntCC::Equal, marked, 1);
        let result = self.select(is_yellow, &yellow, &green);
        let is_red = self.is(IntCC::Equal, marked, 2);
        self.select(is_red, &red, &result)
    }

    /// Gives a value to a filter.
    pub(super) fn filter(&mut self, id: MeterId, index: Option<&Expr>, value: &Expr) -> Number {
        let value = self.expr(value);
        let zero = self.word(0);
        let value = value.words.first().copied().unwrap_or(zero);
        let index = self.index_or_direct(index);
        let meter = self.word(id.index() as u64);
        self.call(Name::Filter, [meter, index, value]);
        let filter = self.gress.meters[id].filter.as_ref();
        let filter = filter.expect("the validator wants a filter");
        self.take_from_scratch(filter.result_width())
    }

    /// What a lookup does in a whole gress beside its action: the entry that is hit counts and meters
    /// the packet.
    pub(super) fn run_direct(&mut self, table: &Table, slot: Option<Word>) {
        if !self.is_whole() {
            return;
        }
        if let Some(slot) = slot {
            for counter in &table.direct_counters {
                self.count(*counter, slot);
            }
        }
        for meter in &table.direct_meters {
            let green = self.word(0);
            let color = match slot {
                Some(slot) => {
                    let id = self.word(meter.index() as u64);
                    self.call(Name::Meter, [id, slot, green])
                }
                None => green,
            };
            self.b.def_var(self.direct_colors[meter.index()], color);
        }
    }

    /// Where the payload starts, in bytes from the start of the packet.
    pub(super) fn payload_offset(&mut self) -> Word {
        match self.section {
            Section::Back => self.load_frame(offset_of!(Frame, payload_offset)),
            Section::Whole
            | Section::Parser
            | Section::Front
            | Section::Through
            | Section::Step(_) => {
                let cursor = self.b.use_var(self.cursor);
                let seven = self.word(7);
                let rounded = self.b.ins().iadd(cursor, seven);
                self.shr_word(rounded, 3)
            }
        }
    }
}

fn cell_type(n_bytes: usize) -> cranelift_codegen::ir::Type {
    match n_bytes {
        1 => types::I8,
        2 => types::I16,
        _ => types::I32,
    }
}
