//! What pipes that were emitted as Rust are built on, beside the parts that all engines share.
//!
//! An emitted crate depends on this crate alone: it finds the IR under [`crate::ir`], and here what would
//! otherwise stand in every crate again: the packet at hand ([`Context`]), typed values and matches
//! ([`Value`], [`Ternary`] and the like), tables with typed actions ([`TypedTable`]), cells of memory at
//! places that are known when the crate is emitted, and the pieces of a declaration
//! ([`declare`]).
//!
//! What a program means is in the emitted text; nothing here decides anything about it.

pub mod declare;
mod memory;
mod table;
mod value;

use std::ops::ControlFlow;
use std::sync::Arc;

use p4rmt_ir::{
    ActionCall, Bits, FieldId, GressId, HeaderId, Id, MeterId, PipeId, Program, TableId, ValueSetId,
};
use p4rmt_source::Span;

use crate::{
    Color, Cursor, EngineError, FilterCell, GressInterface, Interface, Job, MAX_TURNS, MeterCell,
    OnesSum, Outcome, ParseFailure, Part, Ref, State, StateLayout, TableCounts, Verdict,
    WordLayout, Writer, are_in_key_sets, filter_draw, random_value,
};

pub use p4rmt_ir::{LaneOp, LanePart};

pub use memory::{CountCells, CountField, load, load_wide, store, store_wide};
pub use table::{TypedTable, arg, pick};
pub use value::{
    BitBuffer, Lpm, MatchValue, Range, Ternary, Value, add_sat_s, bits, lane, math, narrow,
    sub_sat_s, word,
};

/// The packet at hand, beside its fields.
pub struct Context<'a> {
    /// What came in.
    pub job: Job<'a>,
    /// Where the parser is.
    pub cursor: Cursor<'a>,
    /// What outlives the packet.
    pub state: &'a mut State,
    /// What comes out.
    pub outcome: &'a mut Outcome,
    /// Hits and misses, by table.
    pub counts: &'a mut [TableCounts],
    /// Turns that loops may still take.
    pub turns_left: u32,
    /// The cell of what is direct to the table whose action runs.
    pub direct_index: u64,
}

/// Why a control ends before its last statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The program said `exit`.
    Exit,
    /// A claim of the program was wrong: the packet ends.
    Stop,
}

/// Why a parser ends without accepting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParserEnd {
    /// With an error.
    Fail(ParseFailure),
    /// A claim of the program was wrong: the packet ends.
    Stop,
}

/// What applying a table led to; `C` says which actions it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied<C> {
    /// Whether an entry matched.
    pub is_hit: bool,
    /// What ran; nothing where the entry leads to a group without members.
    pub action: Option<C>,
}

/// Whether a packet goes on behind a control.
#[inline]
#[must_use]
pub fn goes_on(control: ControlFlow<End>) -> bool {
    control != ControlFlow::Break(End::Stop)
}

/// A place in the program.
#[must_use]
pub const fn at(lo: u32, hi: u32) -> Span {
    Span { lo, hi }
}

impl<'a> Context<'a> {
    /// A packet before its first step.
    pub fn new(
        job: Job<'a>,
        outcome: &'a mut Outcome,
        state: &'a mut State,
        counts: &'a mut [TableCounts],
    ) -> Self {
        Self {
            cursor: Cursor::new(&[], job.bytes),
            job,
            state,
            outcome,
            counts,
            turns_left: MAX_TURNS,
            direct_index: u64::MAX,
        }
    }

    /// A parser error.
    #[must_use]
    pub fn fail(error: u32, span: Span) -> ParserEnd {
        ParserEnd::Fail(ParseFailure { error, span })
    }

    /// A statement wrote the watched field at this position.
    #[inline]
    pub fn wrote(&mut self, position: usize, span: Span) {
        if let Some(written) = self.outcome.written.get_mut(position) {
            *written = Writer::new(span);
        }
    }

    /// The end of parsing: notes how it ended and where the payload starts. Returns the failure, where
    /// there is one, and whether the packet goes on.
    pub fn end_parsing(
        &mut self,
        result: Result<(), ParserEnd>,
        drops: bool,
    ) -> (Option<ParseFailure>, bool) {
        self.outcome.payload_offset = self.cursor.position_bytes();
        match result {
            Ok(()) => (None, true),
            Err(ParserEnd::Stop) => (None, false),
            Err(ParserEnd::Fail(failure)) if drops => {
                self.outcome.verdict = Verdict::Dropped(failure);
                (None, false)
            }
            Err(ParserEnd::Fail(failure)) => {
                self.outcome.verdict = Verdict::Failed(failure);
                (Some(failure), true)
            }
        }
    }

    /// Where the payload starts, in bytes from the start of the packet.
    #[must_use]
    pub fn payload_offset(&self) -> usize {
        match self.job.part {
            Part::Whole | Part::Parser | Part::Front => self.cursor.position_bytes(),
            Part::Back { payload_offset } => payload_offset,
        }
    }

    /// What the parser has left of the packet.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        let offset = self.payload_offset();
        self.job.packet().get(offset..).unwrap_or_default()
    }

    /// Bits ahead of the parser; nothing beyond the end of the packet.
    #[must_use]
    pub fn ahead(&self, offset: u32, width: u32) -> Option<Bits> {
        self.cursor.peek(u64::from(offset), width)
    }

    /// A turn of a loop; whether the packet has one left.
    #[inline]
    pub fn turn(&mut self) -> bool {
        let has_one = self.turns_left > 0;
        self.turns_left = self.turns_left.saturating_sub(1);
        has_one
    }

    /// Whether values are those of a member of a value set.
    #[must_use]
    pub fn is_in_value_set(&self, gress: usize, set: usize, values: &[Bits]) -> bool {
        let set: Ref<ValueSetId> = Ref {
            gress: Id::from_index(gress),
            id: Id::from_index(set),
        };
        let mut members = self.state.value_set(set).iter();
        members.any(|member| are_in_key_sets(member, values))
    }

    /// Meters the packet, of so many units, which comes with a colour.
    pub fn meter(
        &mut self,
        gress: usize,
        meter: usize,
        index: u64,
        units: u64,
        color: Color,
    ) -> Color {
        let layout = Arc::clone(self.state.layout());
        let gress = layout.gress(Id::from_index(gress));
        let array = gress.and_then(|gress| gress.meters.get(Id::from_index(meter)));
        let Some(array) = array.filter(|array| index < array.cells) else {
            return color;
        };
        let mut cell = MeterCell::read(array, self.state.memory(), index);
        let marked = cell.mark(self.job.clock, units, color);
        cell.write(array, self.state.memory_mut(), index);
        marked
    }

    /// Gives a value to a filter. Beyond the array: the value itself, and no drop.
    pub fn filter(&mut self, gress: usize, meter: usize, index: u64, value: u32) -> Filtered {
        let layout = Arc::clone(self.state.layout());
        let (gress_id, meter): (GressId, MeterId) = (Id::from_index(gress), Id::from_index(meter));
        let array = layout
            .gress(gress_id)
            .and_then(|gress| gress.meters.get(meter));
        let array = array.filter(|array| index < array.cells);
        let mut cell = array.map_or_else(FilterCell::default, |array| {
            FilterCell::read(array, self.state.memory(), index)
        });
        let average = cell.average(self.job.clock, value);
        if let Some(array) = array {
            cell.write(array, self.state.memory_mut(), index);
        }
        let draw = filter_draw(self.job.clock, gress_id, meter, index);
        Filtered {
            average,
            drops: cell.drops(draw),
        }
    }

    /// A table was looked up.
    #[inline]
    pub fn count_lookup(&mut self, table: usize, is_hit: bool) {
        if let Some(counts) = self.counts.get_mut(table) {
            if is_hit {
                counts.hits += 1;
            } else {
                counts.misses += 1;
            }
        }
    }

    /// The deparser puts a header into the packet.
    #[inline]
    pub fn emit(&mut self, header: usize, bytes: &[u8]) {
        self.outcome.bytes.extend_from_slice(bytes);
        self.outcome.emitted.push(p4rmt_ir::Id::from_index(header));
    }

    /// The deparser puts a header into the packet whose bytes are written elsewhere.
    pub fn emit_elsewhere(&mut self, header: usize) {
        let header: HeaderId = p4rmt_ir::Id::from_index(header);
        self.outcome.emitted.push(header);
    }

    /// Puts bytes behind those of earlier requests; their place.
    pub fn extra(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.outcome.extra.len();
        self.outcome.extra.extend_from_slice(bytes);
        start..self.outcome.extra.len()
    }

    /// The bytes of the packet that counters and meters count.
    #[must_use]
    pub fn counted_bytes(&self, adjust_bytes: i32) -> u64 {
        let n_bytes = self.job.packet().len() as u64;
        let adjust = u64::from(adjust_bytes.unsigned_abs());
        if adjust_bytes < 0 {
            n_bytes.saturating_add(adjust)
        } else {
            n_bytes.saturating_sub(adjust)
        }
    }
}

/// What an emitted pipe must be given: a batch with as many outcomes as jobs, the words of its inputs,
/// and a state of its layout.
///
/// # Errors
/// As [`crate::Instance::run`] has them.
pub fn check_batch(
    layout: &StateLayout,
    jobs: &[Job<'_>],
    outcomes: &[Outcome],
    state: &State,
    n_input_words: usize,
    n_field_words: usize,
) -> Result<(), EngineError> {
    if outcomes.len() < jobs.len() {
        return Err(EngineError::TooFewOutcomes {
            needed: jobs.len(),
            available: outcomes.len(),
        });
    }
    state.expect_layout(layout)?;
    for job in jobs {
        if job.inputs.len() != n_input_words {
            return Err(EngineError::WrongInputs {
                needed: n_input_words,
                available: job.inputs.len(),
            });
        }
        let needed = job.part.n_given_words(n_field_words);
        if !job.phv.is_empty() && job.phv.len() != needed {
            return Err(EngineError::WrongFields {
                needed,
                available: job.phv.len(),
            });
        }
    }
    Ok(())
}

/// Whether an interface is the one that a pipe was emitted for. Gresses that it leaves out exchange
/// nothing. How packets cross a traffic manager does not matter: they wait in front of it.
///
/// # Errors
/// [`EngineError::OtherInterface`].
pub fn check_interface(emitted: &Interface, asked: &Interface) -> Result<(), EngineError> {
    let nothing = GressInterface::default();
    for (gress, own) in emitted.gresses.iter() {
        let asked = asked.gresses.get(gress).unwrap_or(&nothing);
        if own.inputs != asked.inputs || own.watched != asked.watched {
            return Err(EngineError::OtherInterface { gress });
        }
    }
    Ok(())
}

/// Whether the memory of a layout is where it was when the pipe was emitted: the offset of each register,
/// counter and meter, in this order, a gress after the other.
///
/// # Errors
/// [`EngineError::State`].
pub fn check_layout(
    layout: &StateLayout,
    n_bytes: usize,
    offsets: &[usize],
) -> Result<(), EngineError> {
    let gresses: Vec<GressId> = layout.pipe().gresses.ids().collect();
    let arrays = gresses.iter().filter_map(|id| layout.gress(*id));
    let found = arrays.flat_map(|gress| {
        let registers = gress.registers.values().chain(gress.counters.values());
        registers
            .chain(gress.meters.values())
            .map(|array| array.offset)
    });
    if layout.n_bytes() == n_bytes && found.eq(offsets.iter().copied()) {
        return Ok(());
    }
    Err(EngineError::State(crate::StateError::WrongLayout {
        expected: layout.program().name.clone(),
        found: layout.program().name.clone(),
    }))
}

/// Whether a pipe is the one of a program that was emitted.
///
/// # Errors
/// [`EngineError::State`].
pub fn check_program(
    layout: &StateLayout,
    program: &Arc<Program>,
    pipe: PipeId,
) -> Result<(), EngineError> {
    let asked = StateLayout::new(Arc::clone(program), pipe)?;
    if asked.fingerprint() == layout.fingerprint() {
        return Ok(());
    }
    Err(EngineError::State(crate::StateError::WrongLayout {
        expected: layout.program().name.clone(),
        found: program.name.clone(),
    }))
}

/// Emitted pipes tell no trace.
///
/// # Errors
/// [`EngineError::Unsupported`], where one is asked for.
pub fn refuse_trace(is_asked_for: bool) -> Result<(), EngineError> {
    if !is_asked_for {
        return Ok(());
    }
    Err(EngineError::Unsupported {
        construct: "a trace, which the interpreter gives,",
        span: Span::NONE,
    })
}

/// A gress of a layout.
#[derive(Clone, Copy, Debug)]
pub struct GressOf<'a> {
    /// The layout.
    pub layout: &'a StateLayout,
    /// The gress.
    pub gress: GressId,
}

/// Brings a table up to date with the state.
pub fn arrange<A>(
    table: &mut TypedTable<A>,
    of: GressOf<'_>,
    number: usize,
    state: &State,
    read: impl Fn(&ActionCall) -> Option<A>,
) {
    let id: TableId = Id::from_index(number);
    let place = Ref {
        gress: of.gress,
        id,
    };
    let gress = of.layout.pipe().gresses.get(of.gress);
    if let (Some(gress), Ok(entries)) = (gress, state.table(place)) {
        table.arrange(gress, &gress.tables[id], entries, read);
    }
}

/// The checksum of bytes; all ones in place of zero, where that is wanted.
#[inline]
#[must_use]
pub fn checksum(bytes: &[u8], zeros_as_ones: bool) -> u16 {
    let mut sum = OnesSum::default();
    sum.add_bytes(bytes);
    match !sum.to_u16() {
        0 if zeros_as_ones => 0xffff,
        checksum => checksum,
    }
}

/// Draws a value from a source of random values.
pub fn draw(clock: u64, gress: usize, unit: usize, draw: &mut u32, width: u32) -> Bits {
    let (gress, unit) = (Id::from_index(gress), Id::from_index(unit));
    let value = random_value(clock, gress, unit, *draw, width);
    *draw = draw.wrapping_add(1);
    value
}

/// What a filter gives.
#[derive(Clone, Copy, Debug)]
pub struct Filtered {
    /// The average.
    pub average: u32,
    /// Whether the packet is to be dropped.
    pub drops: bool,
}

/// The list of a gress's fields by their numbers.
#[must_use]
pub fn fields(numbers: &[usize]) -> Vec<FieldId> {
    let ids = numbers
        .iter()
        .map(|number| p4rmt_ir::Id::from_index(*number));
    ids.collect()
}

/// Appends a value as the words of [`WordLayout`].
pub fn push_words(words: &mut Vec<u64>, width: u32, value: impl Value) {
    WordLayout::push(words, &value.to_bits(width));
}
