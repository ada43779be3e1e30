//! What compiled code asks the engine for: lookups, hashes, arithmetic on wide values, requests.
//!
//! All have one signature: the frame and three numbers in, a number out. Values of more than one word
//! come and go through [`Frame::scratch`], the lowest word first. None of them is called by anything
//! but compiled code of this crate, on the thread that runs it, with the frame that it was given.

use p4rmt_engine::{
    BitWriter, CloneRequest, Color, Cursor, DigestMessage, FilterCell, KeepRequest, LogMessage,
    MatchTable, MeterCell, MirrorRequest, OnesSum, Ref, ResubmitRequest, WordLayout, Writer,
    WrongClaim, fill_log, filter_draw, is_in_key_set, math_unit, random_value,
};
use p4rmt_ir::{
    BinaryOp, Bits, ChecksumId, FilterKind, HashId, Id, LaneOp, LanePart, MeterId, TableId, V1Call,
};

use crate::frame::{Frame, Run, RunBuffers};
use crate::load::{Request, RequestKind};
use crate::tables::{NO_ACTION, possible_actions, record};

/// A callback.
pub(crate) type Callback = extern "C" fn(*mut Frame, u64, u64, u64) -> u64;

/// Which callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    Lookup,
    Rank,
    Pick,
    ValueSet,
    Wide,
    MathUnit,
    Lane,
    Hash,
    BytesStart,
    BytesPut,
    BytesPayload,
    BytesHash,
    Meter,
    Filter,
    Random,
    ParserError,
    NoteFailure,
    Mirror,
    Request,
    DepositStart,
    DepositPut,
    DepositEnd,
    EmitStart,
    Emit,
    EmitEnd,
    Peek,
}

impl Name {
    pub(crate) const ALL: [(Self, &'static str, Callback); 26] = [
        (Self::Lookup, "lookup", lookup),
        (Self::Rank, "rank", rank),
        (Self::Pick, "pick", pick),
        (Self::ValueSet, "value_set", value_set),
        (Self::Wide, "wide", wide),
        (Self::MathUnit, "math_unit", compute_math_unit),
        (Self::Lane, "lane", find_lane),
        (Self::Hash, "hash", hash),
        (Self::BytesStart, "bytes_start", bytes_start),
        (Self::BytesPut, "bytes_put", bytes_put),
        (Self::BytesPayload, "bytes_payload", bytes_payload),
        (Self::BytesHash, "bytes_hash", bytes_hash),
        (Self::Meter, "meter", meter),
        (Self::Filter, "filter", filter),
        (Self::Random, "random", random),
        (Self::ParserError, "parser_error", parser_error),
        (Self::NoteFailure, "note_failure", note_failure),
        (Self::Mirror, "mirror", mirror),
        (Self::Request, "request", request),
        (Self::DepositStart, "deposit_start", deposit_start),
        (Self::DepositPut, "deposit_put", deposit_put),
        (Self::DepositEnd, "deposit_end", deposit_end),
        (Self::EmitStart, "emit_start", emit_start),
        (Self::Emit, "emit", emit),
        (Self::EmitEnd, "emit_end", emit_end),
        (Self::Peek, "peek", peek),
    ];
}

/// The operators that [`Name::Wide`] knows, by position.
pub(crate) const WIDE_OPERATORS: [BinaryOp; 6] = [
    BinaryOp::Mul,
    BinaryOp::DivU,
    BinaryOp::RemU,
    BinaryOp::Shl,
    BinaryOp::ShrU,
    BinaryOp::ShrS,
];

/// The frame and what callbacks work on.
struct Call<'a> {
    frame: &'a mut Frame,
    run: &'a mut Run,
}

impl<'a> Call<'a> {
    fn new(frame: *mut Frame) -> Self {
        // SAFETY: compiled code passes the frame that it was given, which the engine made of
        // values that outlive the call, and which nothing else touches meanwhile.
        let frame = unsafe { &mut *frame };
        // SAFETY: as above; the frame does not lie in the run.
        let run = unsafe { &mut *frame.run };
        Self { frame, run }
    }

    /// The first words of the scratch.
    fn words(&mut self, n_words: usize) -> &mut [u64] {
        // SAFETY: compiled code was checked when it was made to use no more words than there are.
        unsafe { std::slice::from_raw_parts_mut(self.frame.scratch, n_words) }
    }

    /// A value that starts at a word of the scratch.
    fn value(&mut self, first_word: usize, width: u32) -> Bits {
        let n_words = n_words(width);
        let words = self.words(first_word + n_words);
        from_words(width, &words[first_word..])
    }

    /// Leaves a value at the start of the scratch.
    fn give(&mut self, value: &Bits) -> u64 {
        let mut words = Vec::with_capacity(n_words(value.width()));
        WordLayout::push(&mut words, value);
        self.words(words.len()).copy_from_slice(&words);
        words.first().copied().unwrap_or(0)
    }

    fn memory(&mut self) -> &mut [u8] {
        let n_bytes = self.run.memory_bytes;
        // SAFETY: the frame's memory is that of the state, which the caller of the engine lent for
        // the run; compiled code does not touch it while a callback runs.
        unsafe { std::slice::from_raw_parts_mut(self.frame.memory, n_bytes) }
    }

    /// What the parser sees.
    fn bytes(&self) -> &[u8] {
        let n_bytes = (self.frame.n_bits / 8) as usize;
        // SAFETY: prefix and packet outlive the run.
        unsafe { std::slice::from_raw_parts(self.frame.bytes, n_bytes) }
    }

    /// The packet without its prefix.
    fn packet(&self) -> &[u8] {
        let bytes = self.bytes();
        &bytes[bytes.len() - self.frame.packet_bytes as usize..]
    }

    /// What came of the packet, to be told more.
    fn outcome(&mut self) -> &mut p4rmt_engine::Outcome {
        self.frame.is_told = 1;
        // SAFETY: the outcome outlives the run, and no other reference to it lives during a callback.
        unsafe { &mut *self.run.outcome }
    }

    fn buffers(&mut self) -> &mut RunBuffers {
        // SAFETY: the buffers outlive the run, and nothing else touches them meanwhile.
        unsafe { &mut *self.run.buffers }
    }

    fn loaded(&self) -> &'a crate::load::LoadedGress {
        // SAFETY: what was loaded outlives the run and is never changed.
        unsafe { &*self.run.loaded }
    }

    fn request(&self, request: u64) -> &'a Request {
        &self.loaded().requests[request as usize]
    }
}

/// Words that a value of this width takes.
pub(crate) fn n_words(width: u32) -> usize {
    width.div_ceil(64) as usize
}

fn from_words(width: u32, words: &[u64]) -> Bits {
    match n_words(width) {
        0 => Bits::zero(width),
        1 => Bits::from_u64(width, words[0]),
        2 => Bits::from_u128(width, u128::from(words[0]) | u128::from(words[1]) << 64),
        n_words => {
            let bytes: Vec<u8> = words[..n_words]
                .iter()
                .rev()
                .flat_map(|word| word.to_be_bytes())
                .collect();
            Bits::from_bytes_be(n_words as u32 * 64, &bytes).resize(width, false)
        }
    }
}

/// What the entries of a table are looked up in.
fn matching(call: &mut Call<'_>, table: u64) -> &'static MatchTable {
    // SAFETY: there is a view of every table of the gress.
    let view = unsafe { &*call.frame.tables.add(table as usize) };
    // SAFETY: what entries are looked up in outlives the run, and is not changed during it; nothing
    // keeps the reference.
    unsafe { &*view.matching }
}

/// The place of the entry that a key in the scratch finds.
extern "C" fn lookup(frame: *mut Frame, table: u64, _: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let matching = matching(&mut call, table);
    matching.place(call.words(matching.layout().n_words()))
}

/// The rank of the entry at a place.
extern "C" fn rank(frame: *mut Frame, table: u64, place: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let slot = (place as usize).saturating_sub(1);
    matching(&mut call, table).rank_of(slot) as u64
}

/// The record of the member that an entry leads to.
extern "C" fn pick(frame: *mut Frame, table: u64, slot: u64, hash: u64) -> u64 {
    use p4rmt_engine::EntryTarget;
    let mut call = Call::new(frame);
    let id = TableId::from_index(table as usize);
    // SAFETY: the state outlives the run, and nothing changes entries during it.
    let state = unsafe { &*call.run.state };
    let gress = call.run.gress_id;
    let entry = state.table(Ref { gress, id }).ok();
    let entry = entry.and_then(|entries| entries.get(slot as usize));
    let table = &call.run.gress().tables[id];
    let profile = table.implementation;
    let profile = profile.and_then(|profile| call.run.profile(profile));
    let picked = entry.and_then(|entry| match &entry.target {
        EntryTarget::Action(call) => Some(call),
        EntryTarget::Member(member) => profile.and_then(|profile| profile.member(*member)),
        EntryTarget::Group(group) => profile.and_then(|profile| profile.pick(*group, hash)),
    });
    let record = match picked {
        Some(picked) => record(picked, &possible_actions(table)),
        None => vec![NO_ACTION],
    };
    let buffers = call.buffers();
    buffers.record = record;
    buffers.record.as_ptr() as u64
}

/// Whether the values in the scratch are a member.
extern "C" fn value_set(frame: *mut Frame, set: u64, _: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let id = p4rmt_ir::ValueSetId::from_index(set as usize);
    let widths = call.run.gress().value_sets[id].widths.clone();
    let mut first_word = 0;
    let values: Vec<Bits> = widths
        .iter()
        .map(|width| {
            let value = call.value(first_word, *width);
            first_word += n_words(*width);
            value
        })
        .collect();
    // SAFETY: the state outlives the run, and nothing changes its value sets during it.
    let state = unsafe { &*call.run.state };
    let gress = call.run.gress_id;
    let members = state.value_set(Ref { gress, id });
    let is_member = members.iter().any(|member| {
        let mut pairs = member.iter().zip(&values);
        pairs.all(|(keyset, value)| is_in_key_set(keyset, value))
    });
    u64::from(is_member)
}

/// An operator on two values of more than a word: left, then right (of `right_width` bits).
extern "C" fn wide(frame: *mut Frame, operator: u64, width: u64, right_width: u64) -> u64 {
    let mut call = Call::new(frame);
    let left = call.value(0, width as u32);
    let right = call.value(n_words(width as u32), right_width as u32);
    let result = Bits::binary(WIDE_OPERATORS[operator as usize], &left, &right);
    call.give(&result)
}

extern "C" fn compute_math_unit(frame: *mut Frame, unit: u64, width: u64, to: u64) -> u64 {
    let mut call = Call::new(frame);
    let value = call.value(0, width as u32);
    let unit = p4rmt_ir::MathUnitId::from_index(unit as usize);
    let result = math_unit(&call.run.gress().math_units[unit], &value, to as u32);
    call.give(&result)
}

/// The smallest or largest lane of the word in the scratch, behind which are mask and change.
extern "C" fn find_lane(frame: *mut Frame, lane_bits: u64, is_largest: u64, part: u64) -> u64 {
    let mut call = Call::new(frame);
    let op = LaneOp {
        is_largest: is_largest != 0,
        lane_bits: lane_bits as u32,
        part: match part {
            0 => LanePart::Number,
            1 => LanePart::Index,
            _ => LanePart::Word,
        },
    };
    let mut first_word = 0;
    let [word, mask, change] = [LaneOp::WORD_BITS, op.n_lanes(), op.lane_bits].map(|width| {
        let value = call.value(first_word, width);
        first_word += n_words(width);
        value
    });
    call.give(&op.value(&word, &mask, &change))
}

extern "C" fn hash(frame: *mut Frame, hash: u64, width: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let data = call.value(0, width as u32);
    let hash = HashId::from_index(hash as usize);
    let result = call.run.hasher(hash).hash(&data);
    call.give(&result)
}

extern "C" fn bytes_start(frame: *mut Frame, _: u64, _: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let buffers = call.buffers();
    buffers.bytes.clear();
    buffers.hashed.clear();
    0
}

/// Adds a value of `width` bits, of which the lowest `used` count.
extern "C" fn bytes_put(frame: *mut Frame, width: u64, used: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let value = call.value(0, width as u32);
    let used = used.min(width) as u32;
    call.buffers().hashed.push(value.resize(used, false));
    0
}

extern "C" fn bytes_payload(frame: *mut Frame, offset: u64, _: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    write_hashed(call.buffers());
    let payload = call.packet().get(offset as usize..).unwrap_or_default();
    let buffers = call.run.buffers;
    // SAFETY: the buffers outlive the run, and do not lie in the packet.
    unsafe { (*buffers).bytes.extend_from_slice(payload) };
    0
}

/// Writes what waits, as bytes.
fn write_hashed(buffers: &mut RunBuffers) {
    let RunBuffers { bytes, hashed, .. } = buffers;
    let mut writer = BitWriter::new(bytes);
    hashed.drain(..).for_each(|value| writer.write(&value));
}

extern "C" fn bytes_hash(frame: *mut Frame, hash: u64, _: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    write_hashed(call.buffers());
    let hash = HashId::from_index(hash as usize);
    let bytes = std::mem::take(&mut call.buffers().bytes);
    let result = call.run.hasher(hash).hash_bytes(&bytes);
    call.buffers().bytes = bytes;
    call.give(&result)
}

extern "C" fn meter(frame: *mut Frame, meter: u64, index: u64, color: u64) -> u64 {
    let mut call = Call::new(frame);
    let id = MeterId::from_index(meter as usize);
    let loaded = call.loaded();
    let array = &loaded.arrays.meters[id];
    let color = match color {
        0 => Color::Green,
        1 => Color::Yellow,
        _ => Color::Red,
    };
    if index >= array.cells {
        return color as u64;
    }
    let units = loaded.counted_bytes(call.run.gress(), id, call.frame.packet_bytes);
    let clock = call.frame.clock;
    let mut cell = MeterCell::read(array, call.memory(), index);
    let marked = cell.mark(clock, units, color);
    cell.write(array, call.memory(), index);
    marked as u64
}

extern "C" fn filter(frame: *mut Frame, meter: u64, index: u64, value: u64) -> u64 {
    let mut call = Call::new(frame);
    let id = MeterId::from_index(meter as usize);
    let array = &call.loaded().arrays.meters[id];
    let clock = call.frame.clock;
    let is_inside = index < array.cells;
    let mut cell = FilterCell::default();
    if is_inside {
        cell = FilterCell::read(array, call.memory(), index);
    }
    let average = cell.average(clock, value as u32);
    if is_inside {
        cell.write(array, call.memory(), index);
    }
    let filter = call.run.gress().meters[id].filter.as_ref();
    let filter = filter.expect("the validator wants a filter");
    let result = match &filter.kind {
        FilterKind::LowPass => Bits::from_u64(filter.width, u64::from(average)),
        FilterKind::EarlyDrop { drop, no_drop } => {
            let draw = filter_draw(clock, call.run.gress_id, id, index);
            if cell.drops(draw) { drop } else { no_drop }.clone()
        }
    };
    call.give(&result)
}

extern "C" fn random(frame: *mut Frame, random: u64, draw: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let id = p4rmt_ir::RandomId::from_index(random as usize);
    let width = call.run.gress().randoms[id].width;
    let value = random_value(call.frame.clock, call.run.gress_id, id, draw as u32, width);
    call.give(&value)
}

/// What the program sees for an error of its parser.
extern "C" fn parser_error(frame: *mut Frame, error: u64, _: u64, _: u64) -> u64 {
    let call = Call::new(frame);
    let report = call.loaded().on_error.report.as_ref();
    let values = report.map_or(&[][..], |(_, values)| values);
    values.get(error as usize).copied().unwrap_or(1)
}

/// The statement that failed wrote what the program sees of its error.
extern "C" fn note_failure(frame: *mut Frame, failure: u64, position: u64, _: u64) -> u64 {
    let call = Call::new(frame);
    let span = call.loaded().span_of(failure);
    let writer = Writer::new(span).bits();
    // SAFETY: there is a word for each watched field.
    unsafe { *call.frame.written.add(position as usize) = writer };
    0
}

/// Hands a request for a mirrored copy to the outcome; gives the address of its header, of `n_bytes`.
extern "C" fn mirror(frame: *mut Frame, request: u64, session: u64, n_bytes: u64) -> u64 {
    let mut call = Call::new(frame);
    let request = call.request(request);
    let outcome = call.outcome();
    let start = outcome.extra.len();
    outcome.extra.resize(start + n_bytes as usize, 0);
    if let RequestKind::Mirror { mirror_type } = &request.kind {
        outcome.mirrors.push(MirrorRequest {
            mirror_type: *mirror_type,
            session,
            header: start..start + n_bytes as usize,
            span: request.span,
        });
    }
    outcome.extra[start..].as_mut_ptr() as u64
}

/// Hands a request to the outcome; its values are in the scratch, one after the other.
extern "C" fn request(frame: *mut Frame, request: u64, _: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let request = call.request(request);
    let mut first_word = 0;
    let values: Vec<Bits> = request
        .widths
        .iter()
        .map(|width| {
            let value = call.value(first_word, *width);
            first_word += n_words(*width);
            value
        })
        .collect();
    let span = request.span;
    let first = values.first().map_or(0, Bits::low_u64);
    let outcome = call.outcome();
    match &request.kind {
        RequestKind::Mirror { .. } => {}
        RequestKind::Resubmit { resubmit_type } => {
            let header = write_extra(&mut outcome.extra, &values);
            outcome.resubmit = Some(ResubmitRequest {
                resubmit_type: *resubmit_type,
                header,
                span,
            });
        }
        RequestKind::Digest {
            digest,
            has_receiver,
        } => {
            let mut fields = values;
            let receiver = has_receiver.then(|| fields.remove(0));
            outcome.digests.push(DigestMessage {
                digest: *digest,
                receiver,
                fields,
                span,
            });
        }
        RequestKind::V1(v1) => {
            let keep = |kept: &Vec<p4rmt_ir::FieldId>| KeepRequest {
                kept: kept.clone(),
                span,
            };
            match v1 {
                V1Call::Clone { of, kept, .. } => {
                    outcome.requests.clone = Some(CloneRequest {
                        of: *of,
                        session: first,
                        kept: kept.clone(),
                        span,
                    });
                }
                V1Call::Resubmit { kept } => outcome.requests.resubmit = Some(keep(kept)),
                V1Call::Recirculate { kept } => outcome.requests.recirculate = Some(keep(kept)),
                V1Call::Truncate { .. } => {
                    let least = &mut outcome.requests.truncate;
                    *least = Some(least.map_or(first, |least| least.min(first)));
                }
                V1Call::Log { format, .. } => {
                    let text = fill_log(format, values.iter().cloned());
                    outcome.log.push(LogMessage { text, span });
                }
                V1Call::Claim { kind, .. } => {
                    outcome.wrong_claim = Some(WrongClaim { kind: *kind, span });
                }
                V1Call::Hash { .. } => {}
            }
        }
    }
    0
}

fn write_extra(extra: &mut Vec<u8>, header: &[Bits]) -> std::ops::Range<usize> {
    let start = extra.len();
    let mut writer = BitWriter::new(extra);
    header.iter().for_each(|value| writer.write(value));
    start..extra.len()
}

extern "C" fn deposit_start(frame: *mut Frame, unit: u64, _: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let n_units = call.run.gress().checksums.len();
    let extracted = &mut call.buffers().extracted;
    extracted.resize(n_units, Bits::zero(0));
    extracted[unit as usize] = Bits::zero(0);
    0
}

extern "C" fn deposit_put(frame: *mut Frame, unit: u64, width: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let value = call.value(0, width as u32);
    let extracted = &mut call.buffers().extracted[unit as usize];
    *extracted = extracted.concat(&value);
    0
}

/// The residual: the sum without what was extracted.
extern "C" fn deposit_end(frame: *mut Frame, unit: u64, sum: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let unit = ChecksumId::from_index(unit as usize);
    let mut residual = OnesSum::default();
    residual.add(&Bits::from_u64(16, sum));
    residual.subtract(&call.buffers().extracted[unit.index()]);
    residual.sum().low_u64()
}

/// A header that is emitted follows.
extern "C" fn emit_start(frame: *mut Frame, header: u64, _: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let header = p4rmt_ir::HeaderId::from_index(header as usize);
    call.outcome().emitted.push(header);
    0
}

/// Emits a value of `width` bits, of which the lowest `used` count.
extern "C" fn emit(frame: *mut Frame, width: u64, used: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let value = call.value(0, width as u32);
    let used = used.min(width) as u32;
    call.buffers().emitted.push(value.resize(used, false));
    0
}

extern "C" fn emit_end(frame: *mut Frame, _: u64, _: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let mut emitted = std::mem::take(&mut call.buffers().emitted);
    let mut writer = BitWriter::new(&mut call.outcome().bytes);
    emitted.drain(..).for_each(|value| writer.write(&value));
    call.buffers().emitted = emitted;
    0
}

/// Bits of the packet from any position; the caller has checked that they are there.
extern "C" fn peek(frame: *mut Frame, position: u64, width: u64, _: u64) -> u64 {
    let mut call = Call::new(frame);
    let mut cursor = Cursor::new(call.bytes(), &[]);
    let ahead = cursor
        .advance(position)
        .and_then(|()| cursor.peek(0, width as u32));
    let value = ahead.unwrap_or_else(|| Bits::zero(width as u32));
    call.give(&value)
}
