//! Steps through a placed gress: the packets of a call stand in memory, and the code of a stage goes through all
//! that are in it, one after the other.

use p4rmt_engine::{EngineError, ParseFailure, Ref, State, Step, Stepping, Verdict, Writer};
use p4rmt_ir::Gress;

use super::{Function, GressCode};
use crate::call::{Call, make_room, take_emitted};
use crate::compile::Section;
use crate::flight::{FlightHead, FlightLayout};
use crate::tables::ArrangedTable;

/// The code of the steps of a gress.
pub(super) struct StepFunctions {
    parser: Function,
    /// By the stage's number; those in which nothing stands have none.
    stages: Vec<(u32, Function)>,
    deparser: Function,
}

/// A packet that its parser let in, on its way through stages.
#[derive(Clone, Copy)]
struct InStages {
    /// The stages that it passes: from the first up to but without the last.
    first: u32,
    end: u32,
}

/// What is used again from call to call.
#[derive(Default)]
pub(super) struct StepBuffers {
    in_stages: Vec<InStages>,
    /// Of the same packets: their records.
    records: Vec<*mut u8>,
}

impl GressCode {
    /// Moves packets on, as [`p4rmt_engine::Instance::advance`] says.
    pub(super) fn advance(
        &mut self,
        gress: &Gress,
        packets: &mut [Stepping<'_>],
        state: &mut State,
    ) -> Result<(), EngineError> {
        let id = self.loaded.id;
        let Some(schedule) = &self.schedule else {
            return Err(EngineError::NoStages { gress: id });
        };
        let n_stages = schedule.n_stages();
        self.bring_up_to_date(gress, packets, n_stages, state);
        self.prepare_steps(gress, n_stages)?;
        for packet in packets.iter() {
            if packet.steps.start == 0 && packet.steps.end > 0 {
                self.check_job(&packet.job)?;
                let layout = self.loaded.flight();
                self.flights.make_room(layout, packet.slot);
                self.flights.clear(layout, packet.slot);
            }
        }
        let functions = self.steps.as_ref().expect("they were just prepared");
        let mut buffers = std::mem::take(&mut self.step_buffers);
        buffers.in_stages.clear();
        buffers.records.clear();
        let layout = self.loaded.flight();
        let records = self.flights.records(layout);
        let mut call = self.buffers.call(&self.loaded, gress, state);
        for packet in packets.iter() {
            let lost = EngineError::LostPacket {
                gress: id,
                slot: packet.slot,
            };
            let Some(record) = records.at(packet.slot) else {
                return Err(lost);
            };
            if packet.steps.start == 0 && packet.steps.end > 0 {
                call.parse(functions.parser, layout, record, packet);
            }
            // SAFETY: a record starts with its head.
            let head = unsafe { &*record.cast::<FlightHead>() };
            let is_same = head.n_bytes == packet.job.bytes.len() as u64;
            let is_shown = packet.steps.end <= n_stages + 1 || packet.outcome.is_some();
            if !is_same || !is_shown || packet.steps.end > n_stages + 2 {
                return Err(lost);
            }
            if head.is_dropped == 0 {
                buffers.records.push(record);
                buffers.in_stages.push(InStages {
                    first: packet.steps.start.saturating_sub(1),
                    end: packet.steps.end.saturating_sub(1),
                });
            }
        }
        for (stage, function) in &functions.stages {
            // Who entered later has not come further.
            let all = &buffers.in_stages;
            let start = all.partition_point(|packet| packet.first > *stage);
            let end = all.partition_point(|packet| packet.end > *stage);
            if start < end {
                call.run_stage(*function, &buffers.records[start..end]);
            }
        }
        for packet in packets {
            if packet.steps.end == n_stages + 2
                && !packet.steps.is_empty()
                && let Some(record) = records.at(packet.slot)
            {
                call.deparse(functions.deparser, layout, record, packet);
            }
        }
        self.step_buffers = buffers;
        Ok(())
    }

    /// Brings the tables up to date that packets come to: one that a write has not come to yet differs from
    /// stage to stage.
    fn bring_up_to_date(
        &mut self,
        gress: &Gress,
        packets: &[Stepping<'_>],
        n_stages: u32,
        state: &State,
    ) {
        if self.entries_stamp == Some(state.entries_stamp()) {
            return;
        }
        let first = packets.iter().map(|packet| packet.steps.start).min();
        let end = packets.iter().map(|packet| packet.steps.end).max();
        for position in first.unwrap_or(0)..end.unwrap_or(0).min(n_stages + 2) {
            if let Step::Stage(stage) = Step::at(position, n_stages) {
                self.arrange_stage(gress, stage, state);
            }
        }
        let is_current = |(table, arranged): (_, &ArrangedTable)| {
            let gress = self.loaded.id;
            let entries = state.table(Ref { gress, id: table });
            entries.is_ok_and(|entries| arranged.is_current(entries))
        };
        let has_all = self.tables.len() == gress.tables.len();
        if has_all && self.tables.iter().all(is_current) {
            self.entries_stamp = Some(state.entries_stamp());
        }
    }

    fn prepare_steps(&mut self, gress: &Gress, n_stages: u32) -> Result<(), EngineError> {
        if self.steps.is_some() {
            return Ok(());
        }
        let parser = self.prepare(gress, Section::Step(Step::Parser))?;
        let mut stages = Vec::new();
        for stage in 0..n_stages {
            let schedule = self.schedule.as_ref();
            if schedule.is_some_and(|schedule| !schedule.units(stage).is_empty()) {
                let section = Section::Step(Step::Stage(stage));
                stages.push((stage, self.prepare(gress, section)?));
            }
        }
        self.steps = Some(StepFunctions {
            parser,
            stages,
            deparser: self.prepare(gress, Section::Step(Step::Deparser))?,
        });
        Ok(())
    }
}

impl Call<'_> {
    /// The parser reads a packet into its record, which is all zero.
    fn parse(
        &mut self,
        function: Function,
        layout: &FlightLayout,
        record: *mut u8,
        packet: &Stepping<'_>,
    ) {
        let job = &packet.job;
        // SAFETY: the frame belongs to the gress, which is borrowed as long as the call is.
        let frame = unsafe { &mut *self.frame };
        frame.bytes = job.bytes.as_ptr();
        frame.n_bits = job.bytes.len() as u64 * 8;
        frame.packet_bytes = job.packet().len() as u64;
        frame.clock = job.clock;
        frame.inputs = job.inputs.as_ptr();
        frame.fields = record.cast();
        // SAFETY: the layout is that of the record.
        frame.written = unsafe { record.add(layout.written) }.cast();
        frame.failure = 0;
        frame.is_dropped = 0;
        // SAFETY: the code belongs to this gress; all buffers are as long as it was compiled for, and
        // outlive the call.
        unsafe { function.run(frame) };
        // SAFETY: a record starts with its head.
        let head = unsafe { &mut *record.cast::<FlightHead>() };
        *head = FlightHead {
            n_bytes: job.bytes.len() as u64,
            packet_bytes: frame.packet_bytes,
            clock: job.clock,
            payload_offset: frame.payload_offset,
            failure: frame.failure,
            is_dropped: frame.is_dropped,
        };
    }

    /// Packets pass a stage. Nothing in it asks for their bytes or adds to their outcomes.
    fn run_stage(&mut self, function: Function, records: &[*mut u8]) {
        // SAFETY: the frame belongs to the gress, which is borrowed as long as the call is.
        let frame = unsafe { &mut *self.frame };
        frame.records = records.as_ptr();
        frame.n_records = records.len() as u64;
        // SAFETY: the code belongs to this gress; all buffers are as long as it was compiled for, and
        // outlive the call.
        unsafe { function.run(frame) };
    }

    /// The deparser shows what a packet led to.
    fn deparse(
        &mut self,
        function: Function,
        layout: &FlightLayout,
        record: *mut u8,
        packet: &mut Stepping<'_>,
    ) {
        let loaded = self.loaded;
        let Some(outcome) = packet.outcome.as_deref_mut() else {
            return;
        };
        outcome.begin(loaded.watched.n_words(), loaded.watched_fields.len());
        outcome.phv.clear();
        // SAFETY: a record starts with its head.
        let head = unsafe { *record.cast::<FlightHead>() };
        outcome.payload_offset = head.payload_offset as usize;
        if head.failure != 0 {
            let failure = ParseFailure {
                error: (head.failure >> 32) as u32,
                span: loaded.span_of(head.failure),
            };
            if head.is_dropped != 0 {
                outcome.values.fill(0);
                outcome.verdict = Verdict::Dropped(failure);
                return;
            }
            outcome.verdict = Verdict::Failed(failure);
        }
        make_room(loaded, outcome);
        // SAFETY: the frame belongs to the gress, which is borrowed as long as the call is.
        let frame = unsafe { &mut *self.frame };
        frame.bytes = packet.job.bytes.as_ptr();
        frame.n_bits = packet.job.bytes.len() as u64 * 8;
        frame.packet_bytes = head.packet_bytes;
        frame.clock = head.clock;
        frame.fields = record.cast();
        frame.values = outcome.values.as_mut_ptr();
        frame.out = outcome.bytes.as_mut_ptr();
        frame.out_bytes = 0;
        frame.emitted = outcome.emitted.as_mut_ptr().cast();
        frame.n_emitted = 0;
        let outcome_at: *mut p4rmt_engine::Outcome = outcome;
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
        // SAFETY: the record has a word for each watched field there, and a writer is a word.
        let written = unsafe {
            let first: *const Writer = record.add(layout.written).cast();
            std::slice::from_raw_parts(first, outcome.written.len())
        };
        outcome.written.copy_from_slice(written);
    }
}
