//! Fields and variables: reading and writing them, where they come from, and where they go.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, Type, types};
use cranelift_frontend::{FunctionBuilder, Variable};
use p4rmt_engine::{Step, Writer};
use p4rmt_ir::{FieldId, Id, Place};
use p4rmt_source::Span;

use super::number::Number;
use super::{Compiler, Section, Word, plain};
use crate::frame::Frame;

impl Compiler<'_> {
    pub(super) fn field(&mut self, field: FieldId) -> Number {
        if let Some(place) = self.header_bytes.waiting(self.gress, field) {
            return self.header_bits(place, 1);
        }
        let width = self.gress.fields[field].width;
        let offset = self.field_offset(field);
        match self.narrow_type(width) {
            Some(of_type) => {
                let offset = offset as i32;
                let word = self.b.ins().load(of_type, plain(), self.phv, offset);
                let words = vec![self.b.ins().uextend(types::I64, word)];
                Number { width, words }
            }
            None => self.number_at(self.phv, offset, width),
        }
    }

    /// Sets a field; the value has its width.
    pub(super) fn set_field(&mut self, field: FieldId, value: &Number) {
        let offset = self.field_offset(field);
        match self.narrow_type(value.width) {
            Some(of_type) => {
                let word = self.b.ins().ireduce(of_type, value.words[0]);
                self.b.ins().store(plain(), word, self.phv, offset as i32);
            }
            None => self.put_number(value, self.phv, offset),
        }
    }

    /// What a field of few bits is in the record of a packet between steps.
    fn narrow_type(&self, width: u32) -> Option<Type> {
        match (self.section, width) {
            (Section::Step(_), 1..=8) => Some(types::I8),
            (Section::Step(_), 9..=16) => Some(types::I16),
            (Section::Step(_), 17..=32) => Some(types::I32),
            _ => None,
        }
    }

    /// Takes the fields to the stack, where they are reached without an address in a register: they start at zero, and
    /// nobody sees them but this function.
    pub(super) fn keep_fields_here(&mut self) {
        let n_words = self.loaded.phv.n_words();
        let mut is_needed = vec![false; n_words + 1];
        for field in self.gress.fields.ids() {
            let first = self.loaded.phv.first_word(field.index());
            let n_field_words = self.gress.fields[field].width.div_ceil(64) as usize;
            let waits = self.header_bytes.waiting(self.gress, field).is_some();
            is_needed[first..first + n_field_words].fill(!waits);
        }
        let size = (n_words.next_multiple_of(2) * 8) as u32;
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4);
        let slot = self.b.create_sized_stack_slot(slot);
        let address = self.b.ins().stack_addr(types::I64, slot, 0);
        let zeros = self.b.func.dfg.constants.insert([0; 16][..].into());
        let zeros = self.b.ins().vconst(types::I8X16, zeros);
        for (pair, is_needed) in is_needed.chunks_exact(2).enumerate() {
            if is_needed[0] || is_needed[1] {
                let offset = pair as i32 * 16;
                self.b.ins().store(plain(), zeros, address, offset);
            }
        }
        self.phv = address;
    }

    fn field_offset(&self, field: FieldId) -> usize {
        match self.section {
            Section::Step(_) => self.loaded.flight().field(field),
            Section::Whole
            | Section::Parser
            | Section::Front
            | Section::Through
            | Section::Back => self.loaded.phv.first_word(field.index()) * 8,
        }
    }

    pub(super) fn set(variables: &[Variable], number: &Number, b: &mut FunctionBuilder<'_>) {
        for (variable, word) in variables.iter().zip(&number.words) {
            b.def_var(*variable, *word);
        }
    }

    /// The inputs, on top of what the packet starts with.
    pub(super) fn read_inputs(&mut self) {
        if matches!(
            self.section,
            Section::Through | Section::Step(Step::Stage(_) | Step::Deparser)
        ) {
            return;
        }
        let inputs = self.load_frame(offset_of!(Frame, inputs));
        for (position, field) in self.loaded.input_fields.clone().into_iter().enumerate() {
            let width = self.gress.fields[field].width;
            let offset = self.loaded.inputs.first_word(position) * 8;
            let value = self.number_at(inputs, offset, width);
            self.set_field(field, &value);
        }
    }

    /// Shows every field to the caller.
    pub(super) fn save_fields(&mut self) {
        let shown = self.load_frame(offset_of!(Frame, phv_out));
        for position in 0..self.loaded.phv.n_words() {
            let word = self.load(self.phv, position * 8);
            self.store(word, shown, position * 8);
        }
    }

    /// Shows the watched fields, and how much was emitted.
    pub(super) fn show_values(&mut self) {
        let values = self.load_frame(offset_of!(Frame, values));
        for (position, field) in self.loaded.watched_fields.clone().into_iter().enumerate() {
            let value = self.field(field);
            let offset = self.loaded.watched.first_word(position) * 8;
            self.put_number(&value, values, offset);
        }
        let out_bytes = self.b.use_var(self.out_bytes);
        self.store_frame(out_bytes, offset_of!(Frame, out_bytes));
        let n_emitted = self.b.use_var(self.n_emitted);
        self.store_frame(n_emitted, offset_of!(Frame, n_emitted));
    }

    /// Writes a place; it can be read at once.
    pub(super) fn write(&mut self, place: &Place, value: Number, span: Span) {
        match *place {
            Place::Field(field) => {
                let width = self.gress.fields[field].width;
                let value = self.resize(&value, width, false);
                self.write_field(field, &value, span);
            }
            Place::FieldSlice { field, hi, lo } => {
                let old = self.field(field);
                let value = self.with_slice(&old, hi, lo, &value);
                self.write_field(field, &value, span);
            }
            Place::Local(local) => {
                let variables = self.locals[local.index()].clone();
                Self::set(&variables, &value, &mut self.b);
            }
            Place::LocalSlice { local, hi, lo } => {
                let old = self.local(local.index(), None);
                let value = self.with_slice(&old, hi, lo, &value);
                let variables = self.locals[local.index()].clone();
                Self::set(&variables, &value, &mut self.b);
            }
        }
    }

    pub(super) fn write_field(&mut self, field: FieldId, value: &Number, span: Span) {
        self.set_field(field, value);
        if let Some(next) = self.next_fields[field.index()].clone() {
            Self::set(&next, value, &mut self.b);
        }
        self.note_written(field, span);
    }

    /// Writes a place; a field shows it behind the stage.
    pub(super) fn write_later(&mut self, place: &Place, value: Number, span: Span) {
        let (field, slice) = match *place {
            Place::Field(field) => (field, None),
            Place::FieldSlice { field, hi, lo } => (field, Some((hi, lo))),
            Place::Local(_) | Place::LocalSlice { .. } => return self.write(place, value, span),
        };
        let Some(next) = self.next_fields[field.index()].clone() else {
            return self.write(place, value, span);
        };
        let width = self.gress.fields[field].width;
        let value = match slice {
            None => self.resize(&value, width, false),
            Some((hi, lo)) => {
                let words = next.iter().map(|variable| self.b.use_var(*variable));
                let old = Number {
                    width,
                    words: words.collect(),
                };
                self.with_slice(&old, hi, lo, &value)
            }
        };
        Self::set(&next, &value, &mut self.b);
        self.note_written(field, span);
    }

    pub(super) fn note_written(&mut self, field: FieldId, span: Span) {
        if let Some(position) = self.loaded.watched_at[field.index()] {
            let writer = self.word(Writer::new(span).bits());
            if let Section::Step(_) = self.section {
                let offset = self.loaded.flight().written + position * 8;
                return self.store(writer, self.phv, offset);
            }
            let written = self.load_frame(offset_of!(Frame, written));
            self.store(writer, written, position * 8);
        }
    }

    /// A variable of the action at hand.
    pub(super) fn local(&mut self, local: usize, width: Option<u32>) -> Number {
        let variables = self.locals[local].clone();
        let words: Vec<Word> = variables.iter().map(|v| self.b.use_var(*v)).collect();
        let width = width.unwrap_or(words.len() as u32 * 64);
        Number { width, words }
    }

    /// Variables of these widths, all zero.
    pub(super) fn new_locals(&mut self, widths: impl Iterator<Item = u32>) -> Vec<Vec<Variable>> {
        let zero = self.word(0);
        widths
            .map(|width| {
                (0..width.div_ceil(64))
                    .map(|_| {
                        let variable = self.b.declare_var(types::I64);
                        self.b.def_var(variable, zero);
                        variable
                    })
                    .collect()
            })
            .collect()
    }
}
