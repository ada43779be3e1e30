//! What an instance finds out about each gress before the first packet.

use p4rmt_engine::{
    Crossing, EngineError, GressInterface, GressLayout, Hasher, OnParserError, PacketHeaders,
    Schedule, StandardErrors, WordLayout, watched_positions,
};
use p4rmt_ir::{
    Arena, CountKind, DigestId, FieldId, Gress, GressId, HashId, MeterId, Program, V1Call,
};
use p4rmt_source::Span;

use crate::flight::FlightLayout;

/// What is known about a gress once and for all.
pub(crate) struct LoadedGress {
    pub(crate) id: GressId,
    /// Its hash functions.
    pub(crate) hashers: Arena<HashId, Hasher>,
    /// Where its registers, counters and meters lie.
    pub(crate) arrays: GressLayout,
    /// By field: its position among the watched ones.
    pub(crate) watched_at: Vec<Option<usize>>,
    /// [`GressInterface::inputs`].
    pub(crate) input_fields: Vec<FieldId>,
    /// [`GressInterface::watched`].
    pub(crate) watched_fields: Vec<FieldId>,
    /// [`GressInterface::crossing`].
    pub(crate) crossing: Option<Crossing>,
    /// The position of [`Crossing::port`] among the watched fields.
    pub(crate) port_at: Option<usize>,
    /// The words of a job's inputs otherwise.
    pub(crate) inputs: WordLayout,
    /// The words of all fields.
    pub(crate) phv: WordLayout,
    /// The words of the watched fields.
    pub(crate) watched: WordLayout,
    /// Where packets between two steps keep what, where the gress is placed.
    flight: Option<FlightLayout>,
    /// Whether running what is placed in the order of the control flow comes to the same.
    pub(crate) keeps_order: bool,
    /// The headers that packets are made of.
    pub(crate) headers: PacketHeaders,
    /// What a parser error does.
    pub(crate) on_error: OnParserError,
    /// The standard errors.
    pub(crate) errors: StandardErrors,
    /// Statements that compiled code names by number, from 1.
    pub(crate) spans: Vec<Span>,
    /// What compiled code asks for by number.
    pub(crate) requests: Vec<Request>,
    /// Words of scratch that compiled code uses at most.
    pub(crate) n_scratch_words: usize,
    /// Bytes that the deparser emits at most.
    pub(crate) n_out_bytes: usize,
    /// Headers that it emits at most, where compiled code does it.
    pub(crate) n_emitted: usize,
}

/// A request of the program, with the values that come with it.
pub(crate) struct Request {
    pub(crate) kind: RequestKind,
    /// Widths of the values that come with it.
    pub(crate) widths: Vec<u32>,
    pub(crate) span: Span,
}

/// What is asked for.
pub(crate) enum RequestKind {
    /// A mirrored copy; the session comes first.
    Mirror { mirror_type: Option<u32> },
    /// Another round.
    Resubmit { resubmit_type: Option<u32> },
    /// A message to the control plane; the receiver, if there is one, comes first.
    Digest {
        digest: DigestId,
        has_receiver: bool,
    },
    /// What v1model has.
    V1(V1Call),
}

impl LoadedGress {
    pub(crate) fn new(
        program: &Program,
        id: GressId,
        gress: &Gress,
        arrays: &GressLayout,
        interface: &GressInterface,
        schedule: Option<&Schedule>,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            id,
            hashers: gress.hashes.values().map(Hasher::new).collect(),
            arrays: arrays.clone(),
            watched_at: watched_positions(id, gress, interface)?,
            input_fields: interface.inputs.clone(),
            watched_fields: interface.watched.clone(),
            crossing: interface.crossing.clone(),
            port_at: interface.crossing.as_ref().and_then(|crossing| {
                let mut watched = interface.watched.iter();
                watched.position(|field| *field == crossing.port)
            }),
            inputs: WordLayout::new(gress, &interface.inputs),
            phv: WordLayout::new(gress, &gress.fields.ids().collect::<Vec<_>>()),
            watched: WordLayout::new(gress, &interface.watched),
            flight: schedule
                .map(|schedule| FlightLayout::new(gress, schedule, interface.watched.len())),
            keeps_order: schedule
                .zip(gress.as_tables())
                .is_some_and(|(schedule, tables)| schedule.keeps_order(gress, tables)),
            headers: PacketHeaders::new(gress),
            on_error: OnParserError::new(program, gress),
            errors: StandardErrors::new(program),
            spans: Vec::new(),
            requests: Vec::new(),
            n_scratch_words: 64,
            n_out_bytes: 0,
            n_emitted: 0,
        })
    }

    /// Where packets between two steps keep what.
    pub(crate) fn flight(&self) -> &FlightLayout {
        let flight = self.flight.as_ref();
        flight.expect("steps are made through placed gresses only")
    }

    /// What a packet of so many bytes counts for in a meter.
    pub(crate) fn counted_bytes(&self, gress: &Gress, meter: MeterId, n_bytes: u64) -> u64 {
        let meter = &gress.meters[meter];
        match meter.kind {
            CountKind::Packets => 1,
            CountKind::Bytes | CountKind::PacketsAndBytes => {
                let adjust = u64::from(meter.adjust_bytes.unsigned_abs());
                if meter.adjust_bytes < 0 {
                    n_bytes.saturating_add(adjust)
                } else {
                    n_bytes.saturating_sub(adjust)
                }
            }
        }
    }

    /// The statement of a failure: its number is in the low half.
    pub(crate) fn span_of(&self, failure: u64) -> Span {
        let number = (failure as u32).checked_sub(1);
        let span = number.and_then(|index| self.spans.get(index as usize));
        span.copied().unwrap_or(Span::NONE)
    }

    /// The number of a statement.
    pub(crate) fn span_number(&mut self, span: Span) -> u64 {
        let known = self.spans.iter().position(|known| *known == span);
        let index = known.unwrap_or_else(|| {
            self.spans.push(span);
            self.spans.len() - 1
        });
        index as u64 + 1
    }
}
