//! The packet in work: its fields, and when what is written to them can be read.

use std::borrow::Cow;
use std::cell::Cell;

use p4rmt_engine::{
    Color, Cursor, Event, GressLayout, Job, MAX_TURNS, MatchTable, OnesSum, Outcome, Part, Stamp,
    State, TableCounts, Trace, Writer,
};
use p4rmt_ir::{Arena, Bits, ChecksumId, FieldId, Gress, Id, Place, TableId};
use p4rmt_source::Span;

use crate::load::LoadedGress;

/// Everything that a step can reach.
pub(crate) struct Packet<'a> {
    pub(crate) gress: &'a Gress,
    pub(crate) loaded: &'a LoadedGress,
    pub(crate) layout: &'a GressLayout,
    pub(crate) work: &'a mut Work,
    pub(crate) state: &'a mut State,
    pub(crate) outcome: &'a mut Outcome,
    pub(crate) trace: Option<&'a mut dyn Trace>,
    pub(crate) job: Job<'a>,
    /// Where the parser is.
    pub(crate) cursor: Cursor<'a>,
    /// Whether the deparser runs.
    pub(crate) is_deparsing: bool,
    /// Whether a lookahead has gone beyond the end of the packet.
    pub(crate) is_too_short: Cell<bool>,
    /// The cell of the direct counters, meters and registers of the table whose action runs.
    pub(crate) direct_index: u64,
}

/// What is used again from packet to packet.
#[derive(Default)]
pub(crate) struct Work {
    /// By field: its value.
    pub(crate) fields: Vec<Bits>,
    /// Writes that have not landed.
    pub(crate) pending: Vec<Write>,
    /// The action data of the action that runs.
    pub(crate) params: Vec<Bits>,
    /// The variables of the action or register action that runs.
    pub(crate) locals: Vec<Bits>,
    /// The variables of the action, while a register action runs.
    pub(crate) outer_locals: Vec<Bits>,
    /// Results of a call.
    pub(crate) results: Vec<Bits>,
    /// The key that is looked up, as words.
    pub(crate) key: Vec<u64>,
    /// What entries are looked up in.
    pub(crate) tables: Arena<TableId, MatchTable>,
    /// What all tables together showed when they were last arranged.
    pub(crate) entries_stamp: Option<Stamp>,
    /// Hits and misses by table.
    pub(crate) counts: Vec<TableCounts>,
    /// By checksum unit: its running sum.
    pub(crate) sums: Vec<OnesSum>,
    /// Residual checksums that take in what is extracted until the end of the parser.
    pub(crate) deposits: Vec<(ChecksumId, Place, Span)>,
    /// By checksum unit: what was extracted since its residual was asked for.
    pub(crate) extracted: Vec<Bits>,
    /// By source of random values: how often the packet has drawn.
    pub(crate) draws: Vec<u32>,
    /// By direct meter of a whole gress: the colour that the last lookup gave.
    pub(crate) direct_colors: Vec<Color>,
    /// The values that the deparser has emitted.
    pub(crate) emitted: Vec<Bits>,
    /// By node of the schedule: where it led.
    pub(crate) taken: Vec<Option<usize>>,
    /// The node whose action ended the control: those that would run after it do not.
    pub(crate) last_node: usize,
    /// How many more turns loops may take: what keeps an endless one from hanging.
    pub(crate) turns_left: u32,
}

/// What a packet carries from one step of its gress to the next.
#[derive(Default)]
pub(crate) struct Flight {
    /// Its fields, while it waits for its next step.
    pub(crate) fields: Vec<Bits>,
    /// What it has led to so far.
    pub(crate) outcome: Outcome,
    taken: Vec<Option<usize>>,
    last_node: usize,
    draws: Vec<u32>,
    turns_left: u32,
    /// Whether its parser dropped it.
    pub(crate) is_over: bool,
}

impl Flight {
    /// Changes places with the packet in work.
    pub(crate) fn exchange(&mut self, work: &mut Work) {
        std::mem::swap(&mut self.fields, &mut work.fields);
        std::mem::swap(&mut self.taken, &mut work.taken);
        std::mem::swap(&mut self.last_node, &mut work.last_node);
        std::mem::swap(&mut self.draws, &mut work.draws);
        std::mem::swap(&mut self.turns_left, &mut work.turns_left);
    }
}

/// A write to bits of a field.
pub(crate) struct Write {
    field: FieldId,
    /// Highest and lowest bit, where it is not the whole field.
    slice: Option<(u32, u32)>,
    value: Bits,
    span: Span,
}

impl<'a> Packet<'a> {
    /// The packet before anything has happened to it: every field as the job has it.
    pub(crate) fn new(
        (gress, loaded, layout): (&'a Gress, &'a LoadedGress, &'a GressLayout),
        work: &'a mut Work,
        state: &'a mut State,
        outcome: &'a mut Outcome,
        trace: Option<&'a mut dyn Trace>,
        job: Job<'a>,
    ) -> Self {
        if job.phv.is_empty() {
            work.fields.clone_from(&loaded.zeros);
        } else {
            let fields = 0..gress.fields.len();
            work.fields.clear();
            work.fields
                .extend(fields.map(|position| loaded.phv.get(job.phv, position)));
        }
        work.last_node = usize::MAX;
        work.turns_left = MAX_TURNS;
        work.draws.clear();
        work.draws.resize(gress.randoms.len(), 0);
        work.direct_colors.clear();
        work.direct_colors.resize(gress.meters.len(), Color::Green);
        Self::resumed((gress, loaded, layout), work, state, outcome, trace, job)
    }

    /// The packet in work, at the beginning of a step. Check sums of parser and deparser have nothing
    /// to do with each other.
    pub(crate) fn resumed(
        (gress, loaded, layout): (&'a Gress, &'a LoadedGress, &'a GressLayout),
        work: &'a mut Work,
        state: &'a mut State,
        outcome: &'a mut Outcome,
        trace: Option<&'a mut dyn Trace>,
        job: Job<'a>,
    ) -> Self {
        work.pending.clear();
        work.sums.clear();
        work.sums.resize(gress.checksums.len(), OnesSum::default());
        work.deposits.clear();
        work.extracted.clear();
        work.extracted.resize(gress.checksums.len(), Bits::zero(0));
        Self {
            gress,
            loaded,
            layout,
            work,
            state,
            outcome,
            trace,
            job,
            cursor: Cursor::new(job.prefix(), job.packet()),
            is_deparsing: false,
            is_too_short: Cell::new(false),
            direct_index: u64::MAX,
        }
    }

    /// Where the payload starts, in bytes from the start of the packet. Only where there is no prefix.
    pub(crate) fn payload_offset(&self) -> usize {
        match self.job.part {
            Part::Whole | Part::Parser | Part::Front => self.cursor.position_bytes(),
            Part::Back { payload_offset } => payload_offset,
        }
    }

    /// Writes a place; it can be read at once.
    pub(crate) fn store(&mut self, place: &Place, value: Bits, span: Span) {
        match *place {
            Place::Field(field) => self.write(field, None, value, span),
            Place::FieldSlice { field, hi, lo } => self.write(field, Some((hi, lo)), value, span),
            Place::Local(local) => self.work.locals[local.index()] = value,
            Place::LocalSlice { local, hi, lo } => {
                let variable = &mut self.work.locals[local.index()];
                *variable = variable.with_slice(hi, lo, &value);
            }
        }
    }

    /// Writes a place; a field shows it when the writes land.
    pub(crate) fn store_later(&mut self, place: &Place, value: Bits, span: Span) {
        let (field, slice) = match *place {
            Place::Field(field) => (field, None),
            Place::FieldSlice { field, hi, lo } => (field, Some((hi, lo))),
            Place::Local(_) | Place::LocalSlice { .. } => return self.store(place, value, span),
        };
        self.work.pending.push(Write {
            field,
            slice,
            value,
            span,
        });
    }

    /// Makes what was written later readable.
    pub(crate) fn land(&mut self) {
        let mut pending = std::mem::take(&mut self.work.pending);
        for write in pending.drain(..) {
            self.write(write.field, write.slice, write.value, write.span);
        }
        self.work.pending = pending;
    }

    /// Writes a field, or the bits of it from the highest to the lowest of `slice`.
    fn write(&mut self, field: FieldId, slice: Option<(u32, u32)>, value: Bits, span: Span) {
        let index = field.index();
        let old = &mut self.work.fields[index];
        let new = match slice {
            Some((hi, lo)) => old.with_slice(hi, lo, &value),
            None if value.width() == old.width() => value,
            None => value.resize(old.width(), false),
        };
        if let Some(position) = self.loaded.watched_at[index] {
            self.outcome.written[position] = Writer::new(span);
        }
        if let Some(trace) = &mut self.trace {
            trace.event(Event::Write {
                field,
                before: Cow::Borrowed(old),
                after: Cow::Borrowed(&new),
                span,
            });
        }
        *old = new;
    }

    /// Tells the trace, if there is one.
    pub(crate) fn tell(&mut self, event: impl FnOnce() -> Event<'static>) {
        if let Some(trace) = &mut self.trace {
            trace.event(event());
        }
    }
}
