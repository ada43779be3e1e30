//! A batch: for each packet a frame, a call of compiled code, and what comes of it.

use std::collections::HashMap;
use std::sync::Arc;

use p4rmt_engine::{
    EngineError, Instance, Interface, Job, Mode, Outcome, ParseFailure, Part, Ref, Schedule, State,
    StateLayout, Step, TableCounts, Trace, Verdict, WordLayout,
};
use p4rmt_ir::{Arena, Body, Gress, GressId, HeaderId, Id, PipeId, Program, TableId};

use crate::compile::{Section, Variant, compile};
use crate::frame::{Frame, Run};
use crate::load::LoadedGress;
use crate::machine_code::{Function, MachineCode};
use crate::tables::ArrangedTable;

/// One pipe, ready to run.
pub(crate) struct JitInstance {
    layout: Arc<StateLayout>,
    interface: Interface,
    gresses: Arena<GressId, GressCode>,
}

/// A gress with its compiled code.
struct GressCode {
    // Functions are dropped before the code that they point to.
    functions: HashMap<Variant, Function>,
    machine_code: MachineCode,
    loaded: LoadedGress,
    schedule: Option<Schedule>,
    tables: Arena<TableId, ArrangedTable>,
    buffers: Buffers,
    /// By slot: a packet between two steps.
    flights: Vec<Flight>,
}

/// A packet between two steps.
#[derive(Default)]
struct Flight {
    /// Its fields, laid out as [`p4rmt_engine::WordLayout`] says, and what compiled code keeps behind
    /// them.
    words: Vec<u64>,
    /// Whether its parser dropped it.
    is_over: bool,
}

/// What is used again from packet to packet.
#[derive(Default)]
struct Buffers {
    /// By table: the address of the record of its default action.
    defaults: Vec<usize>,
    /// By table: hits and misses.
    counts: Vec<[u64; 2]>,
    shown_counts: Vec<TableCounts>,
    scratch: Vec<u64>,
    /// Prefix and packet in one piece.
    bytes: Vec<u8>,
    written: Vec<u32>,
    emitted: Vec<u32>,
    hashed_bytes: Vec<u8>,
}

impl JitInstance {
    pub(crate) fn load(
        program: Arc<Program>,
        pipe_id: PipeId,
        mode: &Mode,
        mut interface: Interface,
    ) -> Result<Self, EngineError> {
        let Some(pipe) = program.pipes.get(pipe_id) else {
            return Err(EngineError::NoPipe {
                pipe: pipe_id,
                available: program.pipes.len(),
            });
        };
        while interface.gresses.len() < pipe.gresses.len() {
            interface.gresses.push(Default::default());
        }
        let layout = StateLayout::new(Arc::clone(&program), pipe_id)?;
        let gresses = pipe
            .gresses
            .iter()
            .map(|(id, gress)| {
                let arrays = layout.gress(id).expect("a gress of the pipe");
                let interface = &interface.gresses[id];
                let mut loaded = LoadedGress::new(&program, id, gress, arrays, interface)?;
                let schedule = schedule(id, gress, mode)?;
                let machine_code = MachineCode::new().ok_or(EngineError::Unsupported {
                    construct: "this processor",
                    span: gress.parser.span,
                })?;
                loaded.n_scratch_words = loaded.n_scratch_words.max(64);
                let n_tables = gress.tables.len();
                Ok(GressCode {
                    functions: HashMap::new(),
                    machine_code,
                    loaded,
                    schedule,
                    tables: Arena::default(),
                    buffers: Buffers {
                        defaults: vec![0; n_tables],
                        counts: vec![[0; 2]; n_tables],
                        shown_counts: vec![TableCounts::default(); n_tables],
                        ..Buffers::default()
                    },
                    flights: Vec::new(),
                })
            })
            .collect::<Result<_, EngineError>>()?;
        Ok(Self {
            layout,
            interface,
            gresses,
        })
    }
}

fn schedule(id: GressId, gress: &Gress, mode: &Mode) -> Result<Option<Schedule>, EngineError> {
    match (mode, &gress.body) {
        (Mode::Unplaced, _) => Ok(None),
        (Mode::Placed(_), Body::Structured(_)) => Err(EngineError::NotTables { gress: id }),
        (Mode::Placed(placement), Body::Tables(tables)) => {
            let placed = placement.gresses.get(id);
            let placed = placed.ok_or(EngineError::PlacementMismatch {
                gress: id,
                what: "gresses",
                needed: id.index() + 1,
                available: placement.gresses.len(),
            })?;
            Schedule::new(id, gress, tables, placed, placement.stages_available).map(Some)
        }
    }
}

impl Instance for JitInstance {
    fn run(
        &mut self,
        gress_id: GressId,
        jobs: &[Job<'_>],
        outcomes: &mut [Outcome],
        state: &mut State,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError> {
        let gress = find_gress(&self.layout, gress_id)?;
        refuse_trace(gress, trace.is_some())?;
        if outcomes.len() < jobs.len() {
            return Err(EngineError::TooFewOutcomes {
                needed: jobs.len(),
                available: outcomes.len(),
            });
        }
        state.expect_layout(&self.layout)?;
        let code = &mut self.gresses[gress_id];
        code.arrange_entries(gress_id, gress, state);
        for (job, outcome) in jobs.iter().zip(outcomes) {
            code.check_job(job)?;
            let variant = Variant {
                section: Section::from(job.part),
                has_fields: !job.phv.is_empty(),
            };
            outcome.clear();
            outcome
                .written
                .resize(code.loaded.watched_fields.len(), None);
            if variant.section != Section::Whole {
                outcome.phv.resize(code.loaded.phv.n_words(), 0);
            }
            let fields = Fields {
                before: job.phv.as_ptr(),
                after: outcome.phv.as_mut_ptr(),
            };
            code.run(gress, variant, fields, job, outcome, state)?;
        }
        code.buffers.show_counts();
        Ok(())
    }

    fn step(
        &mut self,
        gress_id: GressId,
        slot: usize,
        step: Step,
        job: &Job<'_>,
        outcome: &mut Outcome,
        state: &mut State,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError> {
        let gress = find_gress(&self.layout, gress_id)?;
        refuse_trace(gress, trace.is_some())?;
        state.expect_layout(&self.layout)?;
        let code = &mut self.gresses[gress_id];
        let available = code.schedule.as_ref().map_or(0, Schedule::n_stages);
        let is_there = match step {
            Step::Stage(stage) => stage < available,
            Step::Parser | Step::Deparser => code.schedule.is_some(),
        };
        if !is_there {
            return Err(EngineError::NoStep {
                gress: gress_id,
                step,
                available,
            });
        }
        code.step(gress, slot, step, job, outcome, state)
    }

    fn n_stages(&self, gress: GressId) -> Option<u32> {
        let schedule = self.gresses.get(gress)?.schedule.as_ref()?;
        Some(schedule.n_stages())
    }

    fn fields(&self, gress: GressId, slot: usize, words: &mut Vec<u64>) {
        let Some(code) = self.gresses.get(gress) else {
            return;
        };
        if let Some(flight) = code.flights.get(slot) {
            let n_words = code.loaded.phv.n_words().min(flight.words.len());
            words.extend_from_slice(&flight.words[..n_words]);
        }
    }

    fn interface(&self) -> &Interface {
        &self.interface
    }

    fn table_counts(&self, gress: GressId) -> &[TableCounts] {
        let code = self.gresses.get(gress);
        code.map_or(&[], |code| &code.buffers.shown_counts)
    }
}

fn find_gress(layout: &StateLayout, id: GressId) -> Result<&Gress, EngineError> {
    let gresses = &layout.pipe().gresses;
    gresses.get(id).ok_or(EngineError::NoGress {
        gress: id,
        available: gresses.len(),
    })
}

fn refuse_trace(gress: &Gress, has_trace: bool) -> Result<(), EngineError> {
    if !has_trace {
        return Ok(());
    }
    Err(EngineError::Unsupported {
        construct: "a trace, which the interpreter gives,",
        span: gress.parser.span,
    })
}

impl Buffers {
    fn show_counts(&mut self) {
        for (shown, [hits, misses]) in self.shown_counts.iter_mut().zip(&self.counts) {
            *shown = TableCounts {
                hits: *hits,
                misses: *misses,
            };
        }
    }
}

/// Where the fields of a packet lie, if anywhere: where compiled code reads them first, and where it
/// leaves them.
#[derive(Clone, Copy)]
struct Fields {
    before: *const u64,
    after: *mut u64,
}

impl GressCode {
    /// Brings records up to date with the state.
    fn arrange_entries(&mut self, id: GressId, gress: &Gress, state: &State) {
        for table in gress.tables.ids() {
            self.arrange_table(id, gress, table, state);
        }
    }

    /// The same for one table; those before it have been arranged.
    fn arrange_table(&mut self, gress_id: GressId, gress: &Gress, id: TableId, state: &State) {
        let place = Ref {
            gress: gress_id,
            id,
        };
        let table = &gress.tables[id];
        let entries = state.table(place).expect("the layout was checked");
        match self.tables.get(id) {
            Some(arranged) if arranged.is_current(entries) => return,
            Some(_) => self.tables[id] = ArrangedTable::new(gress, table, entries),
            None => {
                self.tables.push(ArrangedTable::new(gress, table, entries));
            }
        }
        let default = self.tables[id].default.as_ptr();
        self.buffers.defaults[id.index()] = default as usize;
    }

    /// Refuses a job that is not one of the interface.
    fn check_job(&self, job: &Job<'_>) -> Result<(), EngineError> {
        let (n_inputs, n_fields) = (self.loaded.inputs.n_words(), self.loaded.phv.n_words());
        if job.inputs.len() != n_inputs {
            return Err(EngineError::WrongInputs {
                needed: n_inputs,
                available: job.inputs.len(),
            });
        }
        if !job.phv.is_empty() && job.phv.len() != n_fields {
            return Err(EngineError::WrongFields {
                needed: n_fields,
                available: job.phv.len(),
            });
        }
        Ok(())
    }

    /// One step of a packet in a slot, of a gress that is placed.
    fn step(
        &mut self,
        gress: &Gress,
        slot: usize,
        step: Step,
        job: &Job<'_>,
        outcome: &mut Outcome,
        state: &mut State,
    ) -> Result<(), EngineError> {
        let gress_id = self.loaded.id;
        if self.flights.len() <= slot {
            self.flights.resize_with(slot + 1, Flight::default);
        }
        let n_nodes = self.schedule.as_ref().map_or(0, Schedule::n_nodes);
        let n_words = self.loaded.phv.n_words() + n_nodes + 1 + gress.randoms.len();
        self.flights[slot].words.resize(n_words, 0);
        let words = self.flights[slot].words.as_mut_ptr();
        let mut variant = Variant {
            section: Section::Step(step),
            has_fields: true,
        };
        let mut before = words.cast_const();
        match step {
            Step::Parser => {
                self.check_job(job)?;
                outcome.clear();
                outcome
                    .written
                    .resize(self.loaded.watched_fields.len(), None);
                variant.has_fields = !job.phv.is_empty();
                before = job.phv.as_ptr();
                if self.tables.len() < gress.tables.len() {
                    self.arrange_entries(gress_id, gress, state);
                }
            }
            Step::Stage(stage) => {
                let schedule = self.schedule.as_ref().expect("the caller has looked");
                let tables: Vec<TableId> = schedule.tables_in(stage).collect();
                for table in tables {
                    self.arrange_table(gress_id, gress, table, state);
                }
            }
            Step::Deparser => {}
        }
        if step != Step::Parser && self.flights[slot].is_over {
            if step == Step::Deparser {
                for field in &self.loaded.watched_fields {
                    let words = &self.flights[slot].words;
                    let value = self.loaded.phv.get(words, field.index());
                    WordLayout::push(&mut outcome.values, &value);
                }
            }
            return Ok(());
        }
        let fields = Fields {
            before,
            after: words,
        };
        self.run(gress, variant, fields, job, outcome, state)?;
        if step == Step::Parser {
            self.flights[slot].is_over = matches!(outcome.verdict, Verdict::Dropped(_));
        }
        self.buffers.show_counts();
        Ok(())
    }

    fn function(&mut self, gress: &Gress, variant: Variant) -> Result<Function, EngineError> {
        if let Some(function) = self.functions.get(&variant) {
            return Ok(*function);
        }
        let id = compile(
            &mut self.machine_code,
            gress,
            &mut self.loaded,
            self.schedule.as_ref(),
            variant,
        )?;
        let function = self.machine_code.finish(id);
        self.functions.insert(variant, function);
        Ok(function)
    }

    /// Runs compiled code on a packet. What it shows is added to the outcome.
    fn run(
        &mut self,
        gress: &Gress,
        variant: Variant,
        fields: Fields,
        job: &Job<'_>,
        outcome: &mut Outcome,
        state: &mut State,
    ) -> Result<(), EngineError> {
        let function = self.function(gress, variant)?;
        let (loaded, buffers) = (&self.loaded, &mut self.buffers);
        let shows_values = !matches!(
            variant.section,
            Section::Step(Step::Parser | Step::Stage(_))
        );
        if shows_values {
            outcome.values.resize(loaded.watched.n_words(), 0);
        }
        outcome.bytes.reserve(loaded.n_out_bytes);
        buffers.scratch.resize(loaded.n_scratch_words, 0);
        buffers.emitted.resize(loaded.n_emitted, 0);
        buffers.written.clear();
        buffers.written.resize(loaded.watched_fields.len(), 0);
        let bytes = if job.prefix.is_empty() {
            job.packet.as_ptr()
        } else {
            let seen = job.packet.len().min(loaded.n_parsed_bytes);
            buffers.bytes.clear();
            buffers.bytes.extend_from_slice(job.prefix);
            buffers.bytes.extend_from_slice(&job.packet[..seen]);
            buffers.bytes.as_ptr()
        };
        let memory = state.memory_mut();
        let (memory, memory_bytes) = (memory.as_mut_ptr(), memory.len());
        let outcome_at: *mut Outcome = outcome;
        let mut run = Run {
            gress,
            gress_id: loaded.id,
            loaded,
            tables: &raw const self.tables,
            state,
            memory_bytes,
            job: std::ptr::from_ref(job).cast(),
            outcome: outcome_at,
            bytes: std::mem::take(&mut buffers.hashed_bytes),
            hashed: Vec::new(),
            emitted: Vec::new(),
            extracted: Vec::new(),
            record: Vec::new(),
        };
        // SAFETY: nothing else reaches the outcome before the call.
        let outcome = unsafe { &mut *outcome_at };
        let mut frame = Frame {
            bytes,
            n_bits: (job.prefix.len() as u64 + job.packet.len() as u64) * 8,
            packet_bytes: job.packet.len() as u64,
            memory,
            inputs: job.inputs.as_ptr(),
            phv_in: fields.before,
            phv_out: fields.after,
            values: outcome.values.as_mut_ptr(),
            written: buffers.written.as_mut_ptr(),
            out: outcome.bytes.as_mut_ptr(),
            out_bytes: 0,
            emitted: buffers.emitted.as_mut_ptr(),
            n_emitted: 0,
            scratch: buffers.scratch.as_mut_ptr(),
            defaults: buffers.defaults.as_ptr().cast(),
            counts: buffers.counts.as_mut_ptr(),
            payload_offset: match job.part {
                Part::Back { payload_offset } => payload_offset as u64,
                Part::Whole | Part::Parser | Part::Front => 0,
            },
            failure: 0,
            is_dropped: 0,
            parsed_bits: 0,
            rank: 0,
            run: &raw mut run,
        };
        // SAFETY: the code belongs to this gress; all buffers are as long as it was compiled for, and
        // outlive the call.
        unsafe { function.run(&mut frame) };
        // SAFETY: the call is over.
        let outcome = unsafe { &mut *outcome_at };
        if frame.out_bytes > 0 {
            // SAFETY: so many bytes were reserved, and the code wrote them.
            unsafe { outcome.bytes.set_len(frame.out_bytes as usize) };
        }
        let emitted = &buffers.emitted[..frame.n_emitted as usize];
        let emitted = emitted.iter().map(|id| HeaderId::from_index(*id as usize));
        outcome.emitted.extend(emitted);
        buffers.hashed_bytes = run.bytes;
        if !matches!(
            variant.section,
            Section::Step(Step::Stage(_) | Step::Deparser)
        ) {
            outcome.payload_offset = frame.payload_offset as usize;
            outcome.parsed_bits = frame.parsed_bits;
        }
        for (shown, number) in outcome.written.iter_mut().zip(&buffers.written) {
            if let Some(index) = number.checked_sub(1) {
                *shown = Some(loaded.spans[index as usize]);
            }
        }
        if frame.failure != 0 {
            let failure = ParseFailure {
                error: (frame.failure >> 32) as u32,
                span: loaded.spans[(frame.failure as u32 - 1) as usize],
            };
            outcome.verdict = if frame.is_dropped == 0 {
                Verdict::Failed(failure)
            } else {
                Verdict::Dropped(failure)
            };
        }
        Ok(())
    }
}
