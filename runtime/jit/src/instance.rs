//! A batch: what all packets of it share is set up once, then each is a call of compiled code.

mod steps;

use std::sync::Arc;

use p4rmt_engine::{
    Arriving, EngineError, Instance, Interface, Job, Mode, Outcome, Part, Passage, Passed, Ref,
    Schedule, Stamp, State, StateLayout, Stepping, TableCounts, Trace, open_pipe, schedule_of,
};
use p4rmt_ir::{Arena, Gress, GressId, Id, PipeId, Program, TableId};

use crate::call::{Call, Fields};
use crate::compile::{Section, compile, may_cross};
use crate::flight::Flights;
use crate::frame::{Frame, Run, RunBuffers};
use crate::load::LoadedGress;
use crate::machine_code::{Function, MachineCode};
use crate::tables::{ArrangedTable, TableView};
use steps::{StepBuffers, StepFunctions};

/// One pipe, ready to run.
pub(crate) struct JitInstance {
    layout: Arc<StateLayout>,
    interface: Interface,
    gresses: Arena<GressId, GressCode>,
}

/// A gress with its compiled code.
struct GressCode {
    /// By [`Section::number`]. Functions are dropped before the code that they point to.
    functions: Vec<Option<Function>>,
    machine_code: MachineCode,
    loaded: LoadedGress,
    schedule: Option<Schedule>,
    /// Whether packets may run through it at once.
    runs_through: bool,
    tables: Arena<TableId, ArrangedTable>,
    /// What all tables of the state together held when `tables` were last brought up to date.
    entries_stamp: Option<Stamp>,
    buffers: Buffers,
    /// The fields of a packet whose caller does not see them.
    fields: Vec<u64>,
    /// Packets between two steps.
    flights: Flights,
    /// What moves them on; none until one wants to.
    steps: Option<StepFunctions>,
    step_buffers: StepBuffers,
}

/// What is used again from packet to packet.
#[derive(Default)]
struct Buffers {
    /// By table: where compiled code finds it, good as long as nothing is brought up to date.
    views: Vec<TableView>,
    /// By table: hits and misses.
    counts: Vec<[u64; 2]>,
    scratch: Vec<u64>,
    /// Pointers in it are set anew for each batch, or each packet.
    frame: Frame,
    run: Run,
    callbacks: RunBuffers,
}

// SAFETY: the pointers of the views lead to what the instance owns, and moves with it; those of the frame
// are set anew before each use.
unsafe impl Send for JitInstance {}

impl JitInstance {
    pub(crate) fn load(
        program: Arc<Program>,
        pipe_id: PipeId,
        mode: &Mode,
        mut interface: Interface,
    ) -> Result<Self, EngineError> {
        let layout = open_pipe(&program, pipe_id, &mut interface)?;
        let gresses = layout.pipe().gresses.iter();
        let gresses = gresses
            .map(|(id, gress)| {
                let arrays = layout.gress(id).expect("a gress of the pipe");
                let interface = &interface.gresses[id];
                let schedule = schedule_of(id, gress, mode)?;
                let schedule_of = schedule.as_ref();
                let loaded = LoadedGress::new(&program, id, gress, arrays, interface, schedule_of)?;
                let machine_code = MachineCode::new().ok_or(EngineError::Unsupported {
                    construct: "this processor",
                    span: gress.parser.span,
                })?;
                Ok(GressCode {
                    functions: Vec::new(),
                    machine_code,
                    runs_through: loaded.crossing.is_some() && may_cross(gress),
                    loaded,
                    schedule,
                    tables: Arena::default(),
                    entries_stamp: None,
                    buffers: Buffers {
                        counts: vec![[0; 2]; gress.tables.len()],
                        ..Buffers::default()
                    },
                    fields: Vec::new(),
                    flights: Flights::default(),
                    steps: None,
                    step_buffers: StepBuffers::default(),
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

impl JitInstance {
    /// A gress with all that packets need, where nothing is wrong with them.
    #[inline(always)]
    fn ready(
        &mut self,
        gress_id: GressId,
        jobs: &[Job<'_>],
        outcomes: &[Outcome],
        state: &State,
        has_trace: bool,
    ) -> Result<(&mut GressCode, &Gress), EngineError> {
        let gress = find_gress(&self.layout, gress_id)?;
        let code = &mut self.gresses[gress_id];
        let is_ready = !has_trace
            && outcomes.len() >= jobs.len()
            && state.has_layout(&self.layout)
            && code.entries_stamp == Some(state.entries_stamp())
            && jobs.iter().all(|job| code.takes(job));
        if !is_ready {
            refuse_trace(gress, has_trace)?;
            if outcomes.len() < jobs.len() {
                return Err(EngineError::TooFewOutcomes {
                    needed: jobs.len(),
                    available: outcomes.len(),
                });
            }
            state.expect_layout(&self.layout)?;
            code.make_ready(gress, jobs, state)?;
        }
        Ok((code, gress))
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
        let (code, gress) = self.ready(gress_id, jobs, outcomes, state, trace.is_some())?;
        code.run(gress, jobs, outcomes, state);
        Ok(())
    }

    #[inline]
    fn pass(
        &mut self,
        gress_id: GressId,
        job: &Job<'_>,
        outcome: &mut Outcome,
        state: &mut State,
    ) -> Result<(), EngineError> {
        if let Some(code) = self.gresses.get_mut(gress_id)
            && let Some(function) = code.function_for_next(job, state)
        {
            let gress = &self.layout.pipe().gresses[gress_id];
            code.pass(function, gress, job, outcome, state);
            return Ok(());
        }
        let (jobs, outcomes) = (std::slice::from_ref(job), std::slice::from_mut(outcome));
        self.run(gress_id, jobs, outcomes, state, None)
    }

    fn runs_through(&self, gress: GressId) -> bool {
        let code = self.gresses.get(gress);
        code.is_some_and(|code| code.runs_through)
    }

    fn run_through(
        &mut self,
        gress_id: GressId,
        arriving: &[Arriving<'_>],
        passage: &mut Passage,
        state: &mut State,
    ) -> Result<Passed, EngineError> {
        let gress = find_gress(&self.layout, gress_id)?;
        let code = &mut self.gresses[gress_id];
        state.expect_layout(&self.layout)?;
        if !code.runs_through {
            return Ok(Passed::default());
        }
        if code.entries_stamp != Some(state.entries_stamp()) {
            code.arrange_entries(gress, state);
        }
        let function = code.prepare(gress, Section::Through)?;
        let mut call = code.buffers.call(&code.loaded, gress, state);
        Ok(call.run_through(function, arriving, passage))
    }

    fn advance(
        &mut self,
        gress_id: GressId,
        packets: &mut [Stepping<'_>],
        state: &mut State,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError> {
        let gress = find_gress(&self.layout, gress_id)?;
        refuse_trace(gress, trace.is_some())?;
        state.expect_layout(&self.layout)?;
        self.gresses[gress_id].advance(gress, packets, state)
    }

    fn n_stages(&self, gress: GressId) -> Option<u32> {
        let schedule = self.gresses.get(gress)?.schedule.as_ref()?;
        Some(schedule.n_stages())
    }

    fn interface(&self) -> &Interface {
        &self.interface
    }

    fn table_counts(&self, gress: GressId) -> Vec<TableCounts> {
        let counts = self.gresses.get(gress).map(|code| &code.buffers.counts);
        let counts = counts.into_iter().flatten();
        counts
            .map(|[hits, misses]| TableCounts {
                hits: *hits,
                misses: *misses,
            })
            .collect()
    }
}

#[inline]
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

#[cold]
fn resize_words(words: &mut Vec<u64>, n_words: usize) {
    words.resize(n_words, 0);
}

/// Every field as the job has it.
#[inline]
fn start_fields(fields: &mut Vec<u64>, job: &Job<'_>, n_words: usize) {
    if fields.len() != n_words {
        resize_words(fields, n_words);
    }
    if job.phv.is_empty() {
        fields.fill(0);
    } else {
        fields.copy_from_slice(job.phv);
    }
}

impl GressCode {
    /// Brings tables up to date with the state.
    fn arrange_entries(&mut self, gress: &Gress, state: &State) {
        for table in gress.tables.ids() {
            self.arrange_table(gress, table, state);
        }
        let views = self.tables.values().map(ArrangedTable::view);
        self.buffers.views = views.collect();
        self.entries_stamp = Some(state.entries_stamp());
    }

    /// The same for one table; those before it have been arranged.
    fn arrange_table(&mut self, gress: &Gress, id: TableId, state: &State) {
        let place = Ref {
            gress: self.loaded.id,
            id,
        };
        let entries = state.table(place).expect("the layout was checked");
        if let Some(arranged) = self.tables.get_mut(id) {
            return arranged.update(entries);
        }
        let arranged = ArrangedTable::new(gress, id, entries, self.schedule.as_ref());
        self.tables.push(arranged);
    }

    /// The same for the tables of a stage alone: one that a write has not come to yet differs.
    fn arrange_stage(&mut self, gress: &Gress, stage: u32, state: &State) {
        if self.tables.len() < gress.tables.len() {
            self.arrange_entries(gress, state);
        }
        let schedule = self.schedule.as_ref().expect("the caller has looked");
        let tables = schedule.tables_in(stage).map(|id| {
            let gress = self.loaded.id;
            (id, state.table(Ref { gress, id }).ok())
        });
        for (id, entries) in tables {
            let arranged = &mut self.tables[id];
            if let Some(entries) = entries
                && !arranged.is_current(entries)
            {
                arranged.update(entries);
                self.buffers.views[id.index()] = arranged.view();
                self.entries_stamp = None;
            }
        }
    }

    /// Brings all up to date that packets need, and refuses a job that is not one of the interface.
    #[cold]
    fn make_ready(
        &mut self,
        gress: &Gress,
        jobs: &[Job<'_>],
        state: &State,
    ) -> Result<(), EngineError> {
        if self.entries_stamp != Some(state.entries_stamp()) {
            self.arrange_entries(gress, state);
        }
        for job in jobs {
            self.prepare(gress, Section::from(job.part))?;
            self.check_job(job)?;
        }
        Ok(())
    }

    /// Whether a job is one of the interface, and there is a function for it.
    #[inline]
    fn takes(&self, job: &Job<'_>) -> bool {
        let number = Section::from(job.part).number();
        let has_function = matches!(self.functions.get(number), Some(Some(_)));
        has_function
            && job.inputs.len() == self.loaded.inputs.n_words()
            && (job.phv.is_empty()
                || job.phv.len() == job.part.n_given_words(self.loaded.phv.n_words()))
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
        let needed = job.part.n_given_words(n_fields);
        if !job.phv.is_empty() && job.phv.len() != needed {
            return Err(EngineError::WrongFields {
                needed,
                available: job.phv.len(),
            });
        }
        Ok(())
    }

    /// The function for one more packet through the whole gress, if all is up to date.
    #[inline]
    fn function_for_next(&self, job: &Job<'_>, state: &State) -> Option<Function> {
        // A state with this stamp was checked.
        let is_ready = self.entries_stamp == Some(state.entries_stamp())
            && job.part == Part::Whole
            && job.inputs.len() == self.loaded.inputs.n_words()
            && job.phv.is_empty();
        let function = *self.functions.get(Section::Whole.number())?;
        function.filter(|_| is_ready)
    }

    /// Runs a packet through the whole gress, where [`Self::function_for_next`] gave the function.
    #[inline]
    fn pass(
        &mut self,
        function: Function,
        gress: &Gress,
        job: &Job<'_>,
        outcome: &mut Outcome,
        state: &mut State,
    ) {
        let loaded = &self.loaded;
        outcome.begin(loaded.watched.n_words(), loaded.watched_fields.len());
        outcome.phv.clear();
        let nowhere = std::ptr::null_mut();
        let fields = Fields {
            at: nowhere,
            shown: nowhere,
        };
        let mut call = self.buffers.call(loaded, gress, state);
        call.run(function, fields, job, outcome);
    }

    /// The function for a section, compiled when it is wanted first.
    fn prepare(&mut self, gress: &Gress, section: Section) -> Result<Function, EngineError> {
        let number = section.number();
        if let Some(Some(function)) = self.functions.get(number) {
            return Ok(*function);
        }
        let id = compile(
            &mut self.machine_code,
            gress,
            &mut self.loaded,
            self.schedule.as_ref(),
            section,
        )?;
        let function = self.machine_code.finish(id);
        if self.functions.len() <= number {
            self.functions.resize(number + 1, None);
        }
        self.functions[number] = Some(function);
        let n_words = self.loaded.n_scratch_words;
        self.buffers.scratch.resize(n_words, 0);
        Ok(function)
    }

    /// Runs packets, each with a function that was prepared.
    #[inline]
    fn run(
        &mut self,
        gress: &Gress,
        jobs: &[Job<'_>],
        outcomes: &mut [Outcome],
        state: &mut State,
    ) {
        let n_fields = self.loaded.phv.n_words();
        let n_value_words = self.loaded.watched.n_words();
        let n_watched = self.loaded.watched_fields.len();
        let mut call = self.buffers.call(&self.loaded, gress, state);
        for (job, outcome) in jobs.iter().zip(outcomes) {
            let section = Section::from(job.part);
            outcome.begin(n_value_words, n_watched);
            let fields = match section {
                // Compiled code has them on its stack.
                Section::Whole => {
                    outcome.phv.clear();
                    let shown = outcome.phv.as_mut_ptr();
                    Fields { at: shown, shown }
                }
                // The caller sees them only as they are on the way.
                Section::Back => {
                    start_fields(&mut self.fields, job, n_fields);
                    if outcome.phv.len() != n_fields {
                        resize_words(&mut outcome.phv, n_fields);
                    }
                    Fields {
                        at: self.fields.as_mut_ptr(),
                        shown: outcome.phv.as_mut_ptr(),
                    }
                }
                Section::Parser | Section::Front | Section::Through | Section::Step(_) => {
                    start_fields(&mut outcome.phv, job, n_fields);
                    let at = outcome.phv.as_mut_ptr();
                    Fields { at, shown: at }
                }
            };
            let function = self.functions[section.number()].expect("the caller has prepared it");
            call.run(function, fields, job, outcome);
        }
    }
}

impl Buffers {
    /// What all packets of a batch share.
    #[inline]
    fn call<'c>(
        &'c mut self,
        loaded: &'c LoadedGress,
        gress: &Gress,
        state: &'c mut State,
    ) -> Call<'c> {
        let Self {
            views,
            counts,
            scratch,
            frame,
            run,
            callbacks,
        } = self;
        let memory = state.memory_mut();
        frame.memory = memory.as_mut_ptr();
        frame.scratch = scratch.as_mut_ptr();
        frame.tables = views.as_ptr();
        frame.counts = counts.as_mut_ptr();
        frame.run = run;
        run.gress = gress;
        run.gress_id = loaded.id;
        run.loaded = loaded;
        run.memory_bytes = memory.len();
        run.state = state;
        run.buffers = callbacks;
        Call { loaded, frame, run }
    }
}
