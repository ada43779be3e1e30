//! Headers as bytes: what of a header nobody writes goes from packet to packet as it lies there.
//!
//! A header is written in pieces of 8, 4, 2 and 1 bytes. A piece whose fields get their values by extraction
//! alone is copied from where the header was extracted, or from zeros where it was not; the others are put together
//! from their fields. A field that nobody writes and few read is not extracted: each takes it from the packet. Where
//! several that follow each other are wanted at once, they are taken together.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, StackSlot, StackSlotData, StackSlotKind, types};
use p4rmt_engine::{FieldUses, Step};
use p4rmt_ir::{Expr, FieldId, FieldKind, Gress, Header, HeaderId, Id};

use super::number::Number;
use super::{Compiler, Section, Word, deparser, packet, plain};
use crate::frame::Frame;
use crate::load::LoadedGress;

/// How the headers of a gress are written.
pub(super) struct HeaderBytes {
    /// Where it is noted where headers were extracted, if any piece is copied.
    notes: Notes,
    /// By header.
    plans: Vec<Plan>,
}

/// Where it is noted where each header was extracted.
#[derive(Clone, Copy)]
enum Notes {
    Nowhere,
    /// Addresses.
    Here(StackSlot),
    /// Positions in the packet, from 1: the code that writes it is not the code that reads it.
    InFlight,
}

/// How a header is written.
#[derive(Debug, Default)]
struct Plan {
    pieces: Vec<Piece>,
    /// Where its fields start, in bits.
    starts: Vec<u32>,
    /// By field: whether it is what was extracted, always.
    is_steady: Vec<bool>,
    /// By field: whether it stays in the packet until it is wanted.
    stays: Vec<bool>,
    n_bytes: u32,
}

/// Up to eight bytes of a header.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// In bytes.
    offset: u32,
    /// In bytes, a power of two.
    size: u32,
    is_copied: bool,
}

/// A field that is wanted at more places than that is extracted.
const FEW_READS: u32 = 2;

/// The bytes of headers that were not extracted. Longer ones are not copied.
static ZEROS: [u8; 256] = [0; 256];

impl Plan {
    fn new(gress: &Gress, header: &Header, uses: Option<&FieldUses>) -> Self {
        let widths = header.fields.iter().map(|field| gress.fields[*field].width);
        let mut n_bits = 0;
        let starts: Vec<u32> = widths
            .map(|width| {
                n_bits += width;
                n_bits - width
            })
            .collect();
        let n_bytes = n_bits / 8;
        let uses = uses.filter(|_| n_bytes as usize <= ZEROS.len() && header.varbit.is_none());
        let mut plan = Self {
            pieces: Vec::new(),
            is_steady: vec![false; starts.len()],
            stays: vec![false; starts.len()],
            starts,
            n_bytes,
        };
        let mut offset = 0;
        while offset < n_bytes {
            let size = match n_bytes - offset {
                8.. => 8,
                4.. => 4,
                2.. => 2,
                _ => 1,
            };
            let mut fields = plan.fields_in(gress, header, offset, size);
            let is_copied =
                uses.is_some_and(|uses| fields.all(|(_, field)| !uses.is_written(field)));
            plan.pieces.push(Piece {
                offset,
                size,
                is_copied,
            });
            offset += size;
        }
        if let Some(uses) = uses {
            let fields = header.fields.iter();
            plan.is_steady = fields.map(|field| !uses.is_written(*field)).collect();
            let fields = header.fields.iter().zip(&plan.is_steady);
            let stays = fields
                .map(|(field, is_steady)| *is_steady && uses.n_single_reads(*field) <= FEW_READS);
            plan.stays = stays.collect();
        }
        plan
    }

    /// The fields that have bits in a piece, with their positions in the header.
    fn fields_in<'f>(
        &self,
        gress: &'f Gress,
        header: &'f Header,
        offset: u32,
        size: u32,
    ) -> impl Iterator<Item = (usize, FieldId)> + use<'f> {
        let (from, to) = (offset * 8, (offset + size) * 8);
        let starts = self.starts.clone().into_iter();
        let fields = header.fields.iter().zip(starts).enumerate();
        fields
            .filter(move |(_, (field, start))| {
                *start < to && start + gress.fields[**field].width > from
            })
            .map(|(position, (field, _))| (position, *field))
    }

    /// Whether anything is taken from where the header was extracted.
    fn is_looked_at(&self) -> bool {
        self.pieces.iter().any(|piece| piece.is_copied) || self.is_steady.contains(&true)
    }
}

impl HeaderBytes {
    /// Every header is put together from its fields.
    pub(super) fn composed(gress: &Gress) -> Self {
        let headers = gress.headers.values();
        Self {
            notes: Notes::Nowhere,
            plans: headers
                .map(|header| Plan::new(gress, header, None))
                .collect(),
        }
    }

    fn plan(&self, header: HeaderId) -> &Plan {
        &self.plans[header.index()]
    }

    /// Whether a field, by its position in its header, stays in the packet until it is wanted.
    pub(super) fn stays(&self, header: HeaderId, position: usize) -> bool {
        self.plan(header).stays[position]
    }

    /// Header and position of a field that is always what was extracted.
    fn steady(&self, gress: &Gress, field: FieldId) -> Option<(HeaderId, usize)> {
        let FieldKind::Header(header) = gress.fields[field].kind else {
            return None;
        };
        let mut fields = gress.headers[header].fields.iter();
        let position = fields.position(|other| *other == field)?;
        self.plan(header).is_steady[position].then_some((header, position))
    }

    /// The same of one that stays in the packet until it is wanted.
    pub(super) fn waiting(&self, gress: &Gress, field: FieldId) -> Option<(HeaderId, usize)> {
        let found = self.steady(gress, field)?;
        self.stays(found.0, found.1).then_some(found)
    }
}

/// What statements, the device and the machine around do with each field.
fn uses_of(gress: &Gress, loaded: &LoadedGress) -> FieldUses {
    let mut uses = FieldUses::new(gress);
    for field in &loaded.watched_fields {
        uses.read(*field);
        uses.write(*field);
    }
    let report = loaded.on_error.report.as_ref().map(|(field, _)| *field);
    let crossing = loaded.crossing.iter().flat_map(|crossing| {
        let given = crossing.before.iter().chain(&crossing.behind);
        let given = given.map(|(field, _)| *field);
        let fields = crossing.zeros.iter().chain(&crossing.cleared).copied();
        let single = [crossing.taken_port, crossing.length, Some(crossing.port)];
        given.chain(fields).chain(single.into_iter().flatten())
    });
    let given = loaded.input_fields.iter().copied();
    for field in given.chain(report).chain(crossing) {
        uses.read(field);
        uses.write(field);
    }
    uses
}

impl Compiler<'_> {
    /// Decides how headers are written; notes for each that it was not extracted.
    pub(super) fn plan_headers(&mut self) {
        let gress = self.gress;
        let is_whole_way = matches!(
            self.section,
            Section::Whole | Section::Through | Section::Step(Step::Parser | Step::Deparser)
        );
        let is_simple = packet::is_byte_aligned(gress)
            && deparser::is_byte_aligned(gress)
            && self.deposits.is_empty();
        if !is_whole_way || !is_simple {
            return;
        }
        let uses = uses_of(gress, self.loaded);
        let headers = gress.headers.values();
        let mut plans: Vec<Plan> = headers
            .map(|header| Plan::new(gress, header, Some(&uses)))
            .collect();
        if let Section::Step(_) = self.section {
            // Stages do not look into packets.
            let is_idle = |field: &FieldId| !uses.is_read(*field);
            for (plan, header) in plans.iter_mut().zip(gress.headers.values()) {
                for (stays, field) in plan.stays.iter_mut().zip(&header.fields) {
                    *stays &= is_idle(field);
                }
            }
            let notes = Notes::InFlight;
            self.header_bytes = HeaderBytes { notes, plans };
            return;
        }
        let size = plans.len() as u32 * 8;
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3);
        let slot = self.b.create_sized_stack_slot(slot);
        let zeros = self.word(ZEROS.as_ptr() as u64);
        for (index, plan) in plans.iter().enumerate() {
            // What was not extracted is all zeros.
            if plan.is_looked_at() {
                self.b
                    .ins()
                    .stack_store(types::I64, zeros, slot, index as i32 * 8);
            }
        }
        self.header_bytes = HeaderBytes {
            notes: Notes::Here(slot),
            plans,
        };
    }

    /// Notes where a header is extracted.
    pub(super) fn note_header(&mut self, id: HeaderId, address: Word) {
        if !self.header_bytes.plan(id).is_looked_at() {
            return;
        }
        match self.header_bytes.notes {
            Notes::Nowhere => {}
            Notes::Here(slot) => {
                let offset = id.index() as i32 * 8;
                self.b.ins().stack_store(types::I64, address, slot, offset);
            }
            Notes::InFlight => {
                let position = self.b.ins().isub(address, self.bytes);
                let one = self.word(1);
                let position = self.b.ins().iadd(position, one);
                let position = self.b.ins().ireduce(types::I32, position);
                let offset = self.loaded.flight().header(id) as i32;
                self.b.ins().store(plain(), position, self.phv, offset);
            }
        }
    }

    fn header_address(&mut self, id: HeaderId) -> Option<Word> {
        if !self.header_bytes.plan(id).is_looked_at() {
            return None;
        }
        match self.header_bytes.notes {
            Notes::Nowhere => None,
            Notes::Here(slot) => {
                let offset = id.index() as i32 * 8;
                let address = self
                    .b
                    .ins()
                    .stack_load(types::I64, types::I64, slot, offset);
                Some(address)
            }
            Notes::InFlight => {
                let offset = self.loaded.flight().header(id) as i32;
                let position = self.b.ins().load(types::I32, plain(), self.phv, offset);
                let position = self.b.ins().uextend(types::I64, position);
                let behind = self.b.ins().iadd(self.bytes, position);
                let one = self.word(1);
                let address = self.b.ins().isub(behind, one);
                let zeros = self.word(ZEROS.as_ptr() as u64);
                Some(self.b.ins().select(position, address, zeros))
            }
        }
    }

    /// Puts the fields that stayed in the packet where they are shown.
    pub(super) fn read_waiting_fields(&mut self) {
        for (id, header) in self.gress.headers.iter() {
            for (position, field) in header.fields.iter().enumerate() {
                if self.header_bytes.stays(id, position) {
                    let value = self.header_bits((id, position), 1);
                    self.set_field(*field, &value);
                }
            }
        }
    }

    /// So many fields of a header that follow each other, as they were extracted.
    pub(super) fn header_bits(
        &mut self,
        (id, first): (HeaderId, usize),
        n_fields: usize,
    ) -> Number {
        let address = self.header_address(id);
        let address = address.expect("a header with steady fields has an address");
        let plan = self.header_bytes.plan(id);
        let (n_bytes, start) = (plan.n_bytes, plan.starts[first]);
        let fields = &self.gress.headers[id].fields[first..first + n_fields];
        let widths = fields.iter().map(|field| self.gress.fields[*field].width);
        let width = widths.sum();
        self.packet_bits(address, n_bytes, start, width)
    }

    /// The values of expressions; fields that follow each other in the packet are one.
    pub(super) fn merged_values(&mut self, exprs: &[&Expr]) -> Vec<Number> {
        let steady: Vec<Option<(HeaderId, usize)>> = exprs
            .iter()
            .map(|expr| match expr {
                Expr::Field(field) => self.header_bytes.steady(self.gress, *field),
                _ => None,
            })
            .collect();
        let mut values = Vec::new();
        let mut at = 0;
        while at < exprs.len() {
            let run = steady[at].map_or(1, |(header, first)| {
                let following = (first..).zip(&steady[at..]);
                let following = following
                    .take_while(|(position, steady)| **steady == Some((header, *position)));
                following.count()
            });
            values.push(match steady[at] {
                Some(first) if run > 1 => self.header_bits(first, run),
                Some(_) | None => self.expr(exprs[at]),
            });
            at += run;
        }
        values
    }

    /// Writes a header of whole bytes behind those that were emitted before.
    pub(super) fn emit_bytes(&mut self, id: HeaderId) {
        // Nobody looks at those of packets that run through.
        if self.section != Section::Through {
            self.note_emitted(id);
        }
        let out = self.load_frame(offset_of!(Frame, out));
        let out_bytes = self.b.use_var(self.out_bytes);
        let to = self.b.ins().iadd(out, out_bytes);
        let from = self.header_address(id);
        for piece in self.header_bytes.plan(id).pieces.clone() {
            match from.filter(|_| piece.is_copied) {
                Some(from) => {
                    let of_type = match piece.size {
                        1 => types::I8,
                        2 => types::I16,
                        4 => types::I32,
                        _ => types::I64,
                    };
                    let offset = piece.offset as i32;
                    let bytes = self.b.ins().load(of_type, plain(), from, offset);
                    self.b.ins().store(plain(), bytes, to, offset);
                }
                None => self.compose(id, piece, to),
            }
        }
        let n_bytes = self.word(u64::from(self.header_bytes.plan(id).n_bytes));
        let out_bytes = self.b.ins().iadd(out_bytes, n_bytes);
        self.b.def_var(self.out_bytes, out_bytes);
    }

    /// Writes a piece of the fields that have bits in it.
    fn compose(&mut self, id: HeaderId, piece: Piece, to: Word) {
        let header = &self.gress.headers[id];
        let (from, end) = (piece.offset * 8, (piece.offset + piece.size) * 8);
        let plan = self.header_bytes.plan(id);
        let fields = plan.fields_in(self.gress, header, piece.offset, piece.size);
        let fields: Vec<(u32, FieldId)> = fields
            .map(|(position, field)| (plan.starts[position], field))
            .collect();
        let (last_start, last) = *fields.last().expect("each byte belongs to a field");
        let below = last_start + self.gress.fields[last].width - end;
        let values: Vec<Number> = fields.iter().map(|(_, field)| self.field(*field)).collect();
        let word = self.join_bits(&values, below, below + end - from);
        self.store_bytes(word, piece.size, to, piece.offset);
    }
}
