//! Reading the packet: extraction, lookahead, and moving on.
//!
//! Where all headers are made of whole bytes, fields are read straight from the packet; else the engine
//! reads them.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, condcodes::IntCC, types};
use p4rmt_ir::{Expr, Gress, GressRole, HeaderId, StmtKind};
use p4rmt_source::Span;

use super::number::Number;
use super::{Compiler, Word};
use crate::callbacks::Name;

impl Compiler<'_> {
    fn remaining_bits(&mut self) -> Word {
        let cursor = self.b.use_var(self.cursor);
        self.b.ins().isub(self.n_bits, cursor)
    }

    /// The address of the byte that the cursor stands at.
    fn cursor_address(&mut self) -> Word {
        let cursor = self.b.use_var(self.cursor);
        let byte = self.shr_word(cursor, 3);
        self.b.ins().iadd(self.bytes, byte)
    }

    /// Reads a header. Nothing is read if the packet ends before the header does.
    pub(super) fn extract(&mut self, id: HeaderId, varbit_bits: Option<&Expr>, span: Span) {
        let header = &self.gress.headers[id];
        let varbit_bits = varbit_bits.map(|bits| self.index(bits));
        self.check_too_short(span);
        let errors = self.loaded.errors;
        let varbit = header.varbit.map(|(field, _)| field);
        let fixed = header.fields.iter().filter(|field| Some(**field) != varbit);
        let fixed_bits: u64 = fixed
            .map(|id| u64::from(self.gress.fields[*id].width))
            .sum();
        let remaining = self.remaining_bits();
        let fixed = self.word(fixed_bits);
        let is_short = match varbit_bits {
            None => self
                .b
                .ins()
                .icmp(IntCC::UnsignedGreaterThan, fixed, remaining),
            Some(bits) => {
                self.check_length(bits, span);
                let varbit_short = self
                    .b
                    .ins()
                    .icmp(IntCC::UnsignedGreaterThan, bits, remaining);
                let rest = self.b.ins().isub(remaining, bits);
                let fixed_short = self.b.ins().icmp(IntCC::UnsignedGreaterThan, fixed, rest);
                self.b.ins().bor(varbit_short, fixed_short)
            }
        };
        self.fail_if(is_short, errors.packet_too_short, span);
        if let (Some(bits), Some(field)) = (varbit_bits, varbit) {
            let most = u64::from(self.gress.fields[field].width);
            let is_long = self.is(IntCC::UnsignedGreaterThan, bits, most);
            self.fail_if(is_long, errors.header_too_short, span);
        }
        match varbit_bits {
            None if is_byte_aligned(self.gress) => self.read_header(id, fixed_bits as u32, span),
            _ => self.read_header_by_bits(id, varbit_bits, span),
        }
        if let (Some((_, width)), Some(bits)) = (header.varbit, varbit_bits) {
            let value = self.cut(vec![bits], 32);
            self.write_field(width, &value, span);
        }
        let one = self.word(1);
        let valid = Number {
            width: 1,
            words: vec![one],
        };
        self.write_field(header.valid, &valid, span);
    }

    /// Reads all fields of a header of whole bytes.
    fn read_header(&mut self, id: HeaderId, n_bits: u32, span: Span) {
        let address = self.cursor_address();
        self.note_header(id, address);
        let mut offset = 0;
        for (position, field) in self.gress.headers[id].fields.iter().enumerate() {
            let width = self.gress.fields[*field].width;
            if self.header_bytes.stays(id, position) {
                offset += width;
                continue;
            }
            let value = self.packet_bits(address, n_bits / 8, offset, width);
            self.subtract_from_residuals(&value, None);
            self.write_field(*field, &value, span);
            offset += width;
        }
        let cursor = self.b.use_var(self.cursor);
        let n_bits = self.word(u64::from(n_bits));
        let cursor = self.b.ins().iadd(cursor, n_bits);
        self.b.def_var(self.cursor, cursor);
    }

    /// Reads the fields of a header one after the other, wherever they start.
    fn read_header_by_bits(&mut self, id: HeaderId, varbit_bits: Option<Word>, span: Span) {
        let header = &self.gress.headers[id];
        let varbit = header.varbit.map(|(field, _)| field);
        for field in header.fields.clone() {
            let width = self.gress.fields[field].width;
            let bits = match varbit_bits {
                Some(bits) if Some(field) == varbit => bits,
                Some(_) | None if Some(field) == varbit => self.word(0),
                Some(_) | None => self.word(u64::from(width)),
            };
            let cursor = self.b.use_var(self.cursor);
            let to_width = self.word(u64::from(width));
            self.call(Name::Peek, [cursor, bits, to_width]);
            let value = self.take_from_scratch(width);
            self.subtract_from_residuals(&value, Some(bits));
            self.write_field(field, &value, span);
            let cursor = self.b.ins().iadd(cursor, bits);
            self.b.def_var(self.cursor, cursor);
        }
    }

    /// Bits of a piece of the packet that is `n_bytes` long and certainly there.
    pub(super) fn packet_bits(
        &mut self,
        address: Word,
        n_bytes: u32,
        offset: u32,
        width: u32,
    ) -> Number {
        let mut words = Vec::new();
        let mut left = width;
        while left > 0 {
            let n_bits = left.min(64);
            left -= n_bits;
            words.push(self.packet_word(address, n_bytes, offset + left, n_bits));
        }
        Number { width, words }
    }

    /// Up to 64 bits, read by one load if there is a suitable one within the piece.
    fn packet_word(&mut self, address: Word, n_bytes: u32, offset: u32, width: u32) -> Word {
        let (first, end) = (offset / 8, (offset + width).div_ceil(8));
        let size = (end - first).next_power_of_two();
        if size > n_bytes.min(8) {
            let low_width = offset + width - (first + size / 2) * 8;
            let high = self.packet_word(address, n_bytes, offset, width - low_width);
            let low_offset = offset + width - low_width;
            let low = self.packet_word(address, n_bytes, low_offset, low_width);
            let high = self.shl_word(high, low_width);
            return self.b.ins().bor(high, low);
        }
        let start = first.min(n_bytes - size);
        let of_type = match size {
            1 => types::I8,
            2 => types::I16,
            4 => types::I32,
            _ => types::I64,
        };
        let flags = MemFlagsData::new().with_notrap();
        let mut word = self.b.ins().load(of_type, flags, address, start as i32);
        if size > 1 {
            word = self.b.ins().bswap(word);
        }
        if size < 8 {
            word = self.b.ins().uextend(types::I64, word);
        }
        let below = (start + size) * 8 - (offset + width);
        let word = self.shr_word(word, below);
        if (start + size) * 8 - below - start * 8 == width {
            return word;
        }
        self.cut(vec![word], width).words[0]
    }

    /// The value of a lookahead; zero, and noted, where the packet ends before.
    pub(super) fn lookahead(&mut self, offset: u32, width: u32) -> Number {
        let remaining = self.remaining_bits();
        let end = self.word(u64::from(offset) + u64::from(width));
        let is_short = self
            .b
            .ins()
            .icmp(IntCC::UnsignedGreaterThan, end, remaining);
        self.note_too_short(is_short);
        if !is_byte_aligned(self.gress) {
            let cursor = self.b.use_var(self.cursor);
            let offset = self.word(u64::from(offset));
            let position = self.b.ins().iadd(cursor, offset);
            let bits = self.word(u64::from(width));
            self.call(Name::Peek, [position, bits, bits]);
            return self.take_from_scratch(width);
        }
        // Where the packet ends before, whatever the scratch holds is read, and not used.
        let n_bytes = (offset + width).div_ceil(8);
        self.need_scratch(n_bytes.div_ceil(8) as usize);
        let address = self.cursor_address();
        let address = self.b.ins().select(is_short, self.scratch, address);
        let value = self.packet_bits(address, n_bytes, offset, width);
        let zero = self.zero(width);
        self.select(is_short, &zero, &value)
    }

    /// Moves the cursor.
    pub(super) fn advance(&mut self, bits: &Expr, span: Span) {
        let bits = self.index(bits);
        self.check_too_short(span);
        self.check_length(bits, span);
        let remaining = self.remaining_bits();
        let is_short = self
            .b
            .ins()
            .icmp(IntCC::UnsignedGreaterThan, bits, remaining);
        self.fail_if(is_short, self.loaded.errors.packet_too_short, span);
        let cursor = self.b.use_var(self.cursor);
        let cursor = self.b.ins().iadd(cursor, bits);
        self.b.def_var(self.cursor, cursor);
    }

    /// The parser of v1model moves by whole bytes.
    fn check_length(&mut self, bits: Word, span: Span) {
        if self.is_whole() {
            let seven = self.word(7);
            let rest = self.b.ins().band(bits, seven);
            self.fail_if(rest, self.loaded.errors.parser_invalid_argument, span);
        }
    }

    /// Raises the error where the condition does not hold.
    pub(super) fn verify(&mut self, cond: &Expr, error: &Expr, span: Span) {
        let holds = self.condition(cond);
        let error = self.expr(error);
        self.check_too_short(span);
        let (failed, on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(failed);
        self.b.ins().brif(holds, on, &[], failed, &[]);
        self.enter(failed);
        let zero = self.word(0);
        let error = error.words.first().copied().unwrap_or(zero);
        let error = self.shl_word(error, 32);
        let number = self.loaded.span_number(span);
        let number = self.word(number);
        let failure = self.b.ins().bor(error, number);
        self.b.def_var(self.failure, failure);
        let fail = self.exits.expect("a parser has somewhere to fail").fail;
        self.jump(fail);
        self.enter(on);
    }
}

/// Whether the cursor of a parser always stands at the start of a byte.
pub(crate) fn is_byte_aligned(gress: &Gress) -> bool {
    fn block_is(gress: &Gress, block: &p4rmt_ir::Block) -> bool {
        block.iter().all(|stmt| match &stmt.kind {
            StmtKind::Extract { header, .. } => {
                let header = &gress.headers[*header];
                let varbit = header.varbit.map(|(field, _)| field);
                let fixed = header.fields.iter().filter(|field| Some(**field) != varbit);
                let n_bits: u32 = fixed.map(|field| gress.fields[*field].width).sum();
                let is_varbit_aligned = varbit.is_none() || gress.role == GressRole::Whole;
                n_bits.is_multiple_of(8) && is_varbit_aligned
            }
            StmtKind::Advance { bits } => {
                let is_known = matches!(bits, Expr::Const(bits) if bits.low_u64() % 8 == 0);
                is_known || gress.role == GressRole::Whole
            }
            StmtKind::If {
                then, otherwise, ..
            } => block_is(gress, then) && block_is(gress, otherwise),
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => block_is(gress, body),
            StmtKind::Apply { .. }
            | StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => true,
        })
    }
    gress
        .parser
        .states
        .values()
        .all(|state| block_is(gress, &state.body))
}
