//! The deparser: valid headers in order.
//!
//! Where all headers are made of whole bytes, they are written straight to the room for them; else the
//! engine writes them.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, types};
use p4rmt_engine::{EngineError, emitted_headers};
use p4rmt_ir::{Block, Expr, Gress, HeaderId, Id, StmtKind};

use super::number::Number;
use super::{Compiler, Exits, Word, plain};
use crate::callbacks::Name;
use crate::frame::Frame;

impl Compiler<'_> {
    /// The deparser.
    pub(super) fn deparse(&mut self) -> Result<(), EngineError> {
        self.is_deparsing = true;
        let zero = self.word(0);
        self.b.def_var(self.out_bytes, zero);
        let end = self.b.create_block();
        self.exits = Some(Exits {
            exit: end,
            fail: end,
            stop: end,
        });
        if self.block(&self.gress.deparser.body.clone())? {
            self.jump(end);
        }
        self.enter(end);
        self.exits = None;
        if !is_byte_aligned(self.gress) {
            self.call_with(Name::EmitEnd, [0; 3]);
        }
        let n_headers = emitted_headers(self.gress).len();
        self.loaded.n_emitted = self.loaded.n_emitted.max(n_headers);
        self.loaded.n_out_bytes = self.loaded.n_out_bytes.max(most_bytes(self.gress));
        Ok(())
    }

    /// Appends a header if it is valid.
    pub(super) fn emit(&mut self, id: HeaderId) {
        let header = &self.gress.headers[id];
        let valid = self.field(header.valid).words[0];
        let (emitted, behind) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(valid, emitted, &[], behind, &[]);
        self.enter(emitted);
        if is_byte_aligned(self.gress) {
            self.emit_bytes(id);
        } else {
            self.emit_bits(id);
        }
        self.go(behind);
    }

    /// Writes values one behind the other, filled up with zero bits. Each is computed when it is written, so that few
    /// of them wait.
    pub(super) fn write_values(&mut self, values: &[Expr], n_bytes: u32, address: Word) {
        let mut end = 0;
        let placed: Vec<(u32, u32, &Expr)> = values
            .iter()
            .map(|value| {
                let start = end;
                end += value.width(self.gress);
                (start, end, value)
            })
            .collect();
        let mut offset = 0;
        while offset < n_bytes {
            let size = 1 << (n_bytes - offset).min(8).ilog2();
            let (from, to) = (offset * 8, (offset + size) * 8);
            let inside = placed
                .iter()
                .filter(|(start, end, _)| *start < to && *end > from);
            let inside: Vec<_> = inside.collect();
            let last = inside.last().map_or(from, |(_, end, _)| *end);
            let mut parts: Vec<Number> = inside
                .iter()
                .map(|(_, _, value)| self.expr(value))
                .collect();
            let filled = last.max(to);
            parts.push(self.zero(filled - last));
            let word = self.join_bits(&parts, filled - to, filled - from);
            self.store_bytes(word, size, address, offset);
            offset += size;
        }
    }

    pub(super) fn note_emitted(&mut self, id: HeaderId) {
        let emitted = self.load_frame(offset_of!(Frame, emitted));
        let n_emitted = self.b.use_var(self.n_emitted);
        let offset = self.shl_word(n_emitted, 2);
        let address = self.b.ins().iadd(emitted, offset);
        let header = self.b.ins().iconst(types::I32, id.index() as i64);
        self.b.ins().store(plain(), header, address, 0);
        let one = self.word(1);
        let n_emitted = self.b.ins().iadd(n_emitted, one);
        self.b.def_var(self.n_emitted, n_emitted);
    }

    /// Writes the lowest bytes of a word, the highest of them first.
    pub(super) fn store_bytes(&mut self, word: Word, size: u32, address: Word, offset: u32) {
        let of_type = match size {
            1 => types::I8,
            2 => types::I16,
            4 => types::I32,
            _ => types::I64,
        };
        let mut piece = word;
        if size < 8 {
            piece = self.b.ins().ireduce(of_type, piece);
        }
        if size > 1 {
            piece = self.b.ins().bswap(piece);
        }
        let flags = MemFlagsData::new().with_notrap();
        self.b.ins().store(flags, piece, address, offset as i32);
    }

    fn emit_bits(&mut self, id: HeaderId) {
        self.call_with(Name::EmitStart, [id.index() as u64, 0, 0]);
        let header = &self.gress.headers[id];
        let varbit = header.varbit;
        for field in header.fields.clone() {
            let value = self.field(field);
            self.put_in_scratch([&value]);
            let width = self.word(u64::from(value.width));
            let used = match varbit {
                Some((of, used)) if of == field => self.field(used).words[0],
                Some(_) | None => width,
            };
            let zero = self.word(0);
            self.call(Name::Emit, [width, used, zero]);
        }
    }
}

/// Whether all headers that a deparser emits are made of whole bytes, and each statement emits once.
pub(super) fn is_byte_aligned(gress: &Gress) -> bool {
    let is_aligned =
        |id: HeaderId| gress.headers[id].varbit.is_none() && n_bits(gress, id).is_multiple_of(8);
    !has_loop(&gress.deparser.body) && emitted_headers(gress).into_iter().all(is_aligned)
}

fn has_loop(block: &Block) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Loop { .. } => true,
        StmtKind::If {
            then, otherwise, ..
        } => has_loop(then) || has_loop(otherwise),
        StmtKind::Labeled { body, .. } => has_loop(body),
        StmtKind::Apply { arms, .. } => arms.iter().any(|arm| has_loop(&arm.body)),
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}

/// The most bytes that a deparser emits, each statement once.
fn most_bytes(gress: &Gress) -> usize {
    let headers = emitted_headers(gress).into_iter();
    let n_bits: usize = headers.map(|id| n_bits(gress, id)).sum();
    n_bits / 8
}

fn n_bits(gress: &Gress, id: HeaderId) -> usize {
    let fields = gress.headers[id].fields.iter();
    let widths = fields.map(|field| gress.fields[*field].width as usize);
    widths.sum()
}
