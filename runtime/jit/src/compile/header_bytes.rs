//! Headers as bytes: what of a header nobody writes goes from packet to packet as it lies there.
//!
//! A header is written in pieces of 8, 4, 2 and 1 bytes. A piece whose fields get their values by extraction
//! alone is copied from where the header was extracted, or from zeros where it was not; the others are put together
//! from their fields. A field that is only copied is not even read from the packet.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, StackSlot, StackSlotData, StackSlotKind, types};
use p4rmt_engine::FieldUses;
use p4rmt_ir::{FieldId, FieldKind, Gress, Header, HeaderId, Id};

use super::number::Number;
use super::{Compiler, Section, Word, deparser, packet, plain};
use crate::frame::Frame;
use crate::load::LoadedGress;

/// How the headers of a gress are written.
pub(super) struct HeaderBytes {
    /// By header: the address of its bytes, where any piece is copied.
    addresses: Option<StackSlot>,
    /// By header.
    plans: Vec<Plan>,
}

/// How a header is written.
#[derive(Debug, Default)]
struct Plan {
    pieces: Vec<Piece>,
    /// Where its fields start, in bits.
    starts: Vec<u32>,
    /// By field: whether nothing but copied pieces has it.
    is_idle: Vec<bool>,
    n_bytes: u32,
    /// Whether it may be valid though it was not extracted.
    may_be_made: bool,
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
            is_idle: vec![false; starts.len()],
            starts,
            n_bytes,
            may_be_made: uses.is_some_and(|uses| uses.is_written(header.valid)),
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
            plan.is_idle = header.fields.iter().map(|f| !uses.is_read(*f)).collect();
            for piece in plan.pieces.iter().filter(|piece| !piece.is_copied) {
                let fields = plan.fields_in(gress, header, piece.offset, piece.size);
                for (position, _) in fields.collect::<Vec<_>>() {
                    plan.is_idle[position] = false;
                }
            }
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

    fn copies(&self) -> bool {
        self.pieces.iter().any(|piece| piece.is_copied)
    }
}

impl HeaderBytes {
    /// Every header is put together from its fields.
    pub(super) fn composed(gress: &Gress) -> Self {
        let headers = gress.headers.values();
        Self {
            addresses: None,
            plans: headers
                .map(|header| Plan::new(gress, header, None))
                .collect(),
        }
    }

    fn plan(&self, header: HeaderId) -> &Plan {
        &self.plans[header.index()]
    }

    /// The same of any field.
    pub(super) fn has_idle(&self, gress: &Gress, field: FieldId) -> bool {
        let FieldKind::Header(header) = gress.fields[field].kind else {
            return false;
        };
        let mut fields = gress.headers[header].fields.iter();
        let position = fields.position(|other| *other == field);
        position.is_some_and(|position| self.is_idle(header, position))
    }

    /// Whether nobody needs a field, by its position in its header, but who emits the header.
    pub(super) fn is_idle(&self, header: HeaderId, position: usize) -> bool {
        self.plan(header).is_idle[position]
    }
}

/// What statements, the device and the machine around do with each field.
fn uses_of(gress: &Gress, loaded: &LoadedGress) -> FieldUses {
    let mut uses = FieldUses::new(gress);
    loaded.watched_fields.iter().for_each(|f| uses.read(*f));
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
        let is_whole_way = matches!(self.section, Section::Whole | Section::Through);
        let is_simple = packet::is_byte_aligned(gress)
            && deparser::is_byte_aligned(gress)
            && self.deposits.is_empty();
        if !is_whole_way || !is_simple {
            return;
        }
        let uses = uses_of(gress, self.loaded);
        let headers = gress.headers.values();
        let plans: Vec<Plan> = headers
            .map(|header| Plan::new(gress, header, Some(&uses)))
            .collect();
        let size = plans.len() as u32 * 8;
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3);
        let slot = self.b.create_sized_stack_slot(slot);
        let zeros = self.word(ZEROS.as_ptr() as u64);
        for (index, plan) in plans.iter().enumerate() {
            // What was not extracted is only looked at where it may be valid, or is shown.
            if plan.copies() && (plan.may_be_made || self.section == Section::Through) {
                self.b
                    .ins()
                    .stack_store(types::I64, zeros, slot, index as i32 * 8);
            }
        }
        self.header_bytes = HeaderBytes {
            addresses: Some(slot),
            plans,
        };
    }

    /// Notes where a header is extracted.
    pub(super) fn note_header(&mut self, id: HeaderId, address: Word) {
        if let Some(slot) = self.header_bytes.addresses
            && self.header_bytes.plan(id).copies()
        {
            let offset = id.index() as i32 * 8;
            self.b.ins().stack_store(types::I64, address, slot, offset);
        }
    }

    fn header_address(&mut self, id: HeaderId) -> Option<Word> {
        let slot = self.header_bytes.addresses?;
        let offset = id.index() as i32 * 8;
        self.header_bytes.plan(id).copies().then(|| {
            self.b
                .ins()
                .stack_load(types::I64, types::I64, slot, offset)
        })
    }

    /// Puts the fields that were not read from the packet where they are shown.
    pub(super) fn read_idle_fields(&mut self) {
        for (id, header) in self.gress.headers.iter() {
            let Some(address) = self.header_address(id) else {
                continue;
            };
            let n_bytes = self.header_bytes.plan(id).n_bytes;
            for (position, field) in header.fields.iter().enumerate() {
                if self.header_bytes.is_idle(id, position) {
                    let start = self.header_bytes.plan(id).starts[position];
                    let width = self.gress.fields[*field].width;
                    let value = self.packet_bits(address, n_bytes, start, width);
                    self.set_field(*field, &value);
                }
            }
        }
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
