//! A call of compiled code on one packet: the frame is filled in, and what is found there behind goes to the
//! outcome.

use p4rmt_engine::{Job, Outcome, ParseFailure, Part, Verdict};

use crate::frame::{Frame, Run};
use crate::load::LoadedGress;
use crate::machine_code::Function;

/// Where the fields of a packet lie, and where they are shown, if that is elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) at: *mut u64,
    pub(crate) shown: *mut u64,
}

/// Calls of compiled code, as long as nothing that they share changes.
pub(crate) struct Call<'c> {
    pub(crate) loaded: &'c LoadedGress,
    pub(crate) frame: *mut Frame,
    pub(crate) run: *mut Run,
}

/// Room for what the deparser shows.
#[inline]
pub(crate) fn make_room(loaded: &LoadedGress, outcome: &mut Outcome) {
    if outcome.values.len() != loaded.watched.n_words()
        || outcome.bytes.capacity() < loaded.n_out_bytes
        || outcome.emitted.capacity() < loaded.n_emitted
    {
        make_more_room(loaded, outcome);
    }
}

#[cold]
fn make_more_room(loaded: &LoadedGress, outcome: &mut Outcome) {
    outcome.values.resize(loaded.watched.n_words(), 0);
    outcome.bytes.reserve(loaded.n_out_bytes);
    outcome.emitted.reserve(loaded.n_emitted);
}

/// Takes over what the deparser has written to the room for it.
#[inline]
pub(crate) fn take_emitted(frame: &Frame, outcome: &mut Outcome) {
    if frame.out_bytes > 0 {
        // SAFETY: so many bytes were reserved, and the code wrote them.
        unsafe { outcome.bytes.set_len(frame.out_bytes as usize) };
    }
    if frame.n_emitted > 0 {
        // SAFETY: so many ids were reserved, and the code wrote them; an id is its number.
        unsafe { outcome.emitted.set_len(frame.n_emitted as usize) };
    }
}

impl Call<'_> {
    /// Runs compiled code on a packet. What it shows is added to the outcome.
    #[inline]
    pub(crate) fn run(
        &mut self,
        function: Function,
        fields: Fields,
        job: &Job<'_>,
        outcome: &mut Outcome,
    ) {
        let loaded = self.loaded;
        // SAFETY: the frame belongs to the gress, which is borrowed as long as the call is.
        let frame = unsafe { &mut *self.frame };
        make_room(loaded, outcome);
        frame.bytes = job.bytes.as_ptr();
        frame.n_bits = job.bytes.len() as u64 * 8;
        frame.packet_bytes = job.packet().len() as u64;
        frame.clock = job.clock;
        frame.inputs = job.inputs.as_ptr();
        frame.fields = fields.at;
        frame.phv_out = fields.shown;
        frame.values = outcome.values.as_mut_ptr();
        frame.written = outcome.written.as_mut_ptr().cast();
        frame.out = outcome.bytes.as_mut_ptr();
        frame.out_bytes = 0;
        frame.emitted = outcome.emitted.as_mut_ptr().cast();
        frame.n_emitted = 0;
        frame.payload_offset = match job.part {
            Part::Back { payload_offset } => payload_offset as u64,
            Part::Whole | Part::Parser | Part::Front => 0,
        };
        frame.failure = 0;
        frame.is_dropped = 0;
        frame.parsed_bits = 0;
        let outcome_at: *mut Outcome = outcome;
        {
            // SAFETY: as for the frame; nothing else reaches what callbacks work on before the call.
            let run = unsafe { &mut *self.run };
            run.outcome = outcome_at;
        }
        // SAFETY: the code belongs to this gress; all buffers are as long as it was compiled for, and
        // outlive the call.
        unsafe { function.run(frame) };
        // SAFETY: the call is over; nothing else reaches the outcome.
        let outcome = unsafe { &mut *outcome_at };
        take_emitted(frame, outcome);
        outcome.payload_offset = frame.payload_offset as usize;
        outcome.parsed_bits = frame.parsed_bits;
        if frame.failure != 0 {
            let failure = ParseFailure {
                error: (frame.failure >> 32) as u32,
                span: loaded.span_of(frame.failure),
            };
            outcome.verdict = if frame.is_dropped == 0 {
                Verdict::Failed(failure)
            } else {
                Verdict::Dropped(failure)
            };
        }
    }
}
