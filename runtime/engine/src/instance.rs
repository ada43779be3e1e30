//! The interface of an engine: it loads one pipe of a program and runs batches of packets.
//!
//! An engine runs a batch of packets through one gress, in order, or, where the gress is placed, one
//! packet through one [`Step`] of it; what a packet carries from step to step stays in a slot of the
//! instance. Everything around it (ports, time, traffic manager, loops) belongs to the device;
//! everything that outlives a packet belongs to the caller's [`State`]. The interface itself allocates nothing a packet:
//! inputs are borrowed, outcomes are buffers that the caller uses again, and payload stays where it
//! is.

use std::sync::Arc;

use p4rmt_ir::{Arena, FieldId, GressId, PipeId, Placement, Program};
use p4rmt_source::Span;
use thiserror::Error;

use crate::remote::RemoteError;
use crate::{Job, Outcome, State, StateError, Trace};

/// A way to run programs.
pub trait Engine {
    /// Its name on the command line: `interp`, `jit`, …
    fn name(&self) -> &'static str;

    /// Makes one pipe ready to run. What is cheap to find out once is found out here.
    ///
    /// # Errors
    /// A pipe, field or placement that does not belong to the program, or a construct that the
    /// engine does not run.
    fn load(
        &self,
        program: Arc<Program>,
        pipe: PipeId,
        mode: Mode,
        interface: Interface,
    ) -> Result<Box<dyn Instance>, EngineError>;
}

/// One pipe, ready to run.
pub trait Instance: Send {
    /// Runs packets through a gress, in the order of `jobs`, which is the order of their entry.
    /// What packet `jobs[i]` leads to is written to `outcomes[i]`; what was there is lost, its
    /// buffers are used again.
    ///
    /// # Errors
    /// A gress that the pipe has not, a state of another layout, too few outcomes. A packet, however
    /// broken, is never an error.
    fn run(
        &mut self,
        gress: GressId,
        jobs: &[Job<'_>],
        outcomes: &mut [Outcome],
        state: &mut State,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError>;

    /// Runs packets with [`crate::Part::Through`] as [`Self::run`] does, up to the first that does not cross or makes a wrong
    /// claim. Returns how many ran, that one with them.
    ///
    /// # Errors
    /// As for [`Self::run`].
    fn run_through(
        &mut self,
        gress: GressId,
        jobs: &[Job<'_>],
        outcomes: &mut [Outcome],
        state: &mut State,
    ) -> Result<usize, EngineError> {
        for (index, (job, outcome)) in jobs.iter().zip(&mut *outcomes).enumerate() {
            let (job, outcome) = (std::slice::from_ref(job), std::slice::from_mut(outcome));
            self.run(gress, job, outcome, state, None)?;
            if outcome[0].is_end_of_batch() {
                return Ok(index + 1);
            }
        }
        Ok(jobs.len().min(outcomes.len()))
    }

    /// Runs one packet through one step of a placed gress. The packet is in `slot` from its
    /// [`Step::Parser`] on, which takes the slot, whatever was there; its other steps follow, stages in
    /// order, then [`Step::Deparser`], with the same job and outcome. Steps of packets in other slots
    /// may come between, in the order in which the machine's stages see them: so all steps of all
    /// packets together are what [`Self::run`] does.
    ///
    /// A packet that its parser dropped has nothing more to do: its steps change nothing.
    ///
    /// # Errors
    /// As for [`Self::run`], and a gress without stages.
    #[expect(
        clippy::too_many_arguments,
        reason = "all that a step touches, each from elsewhere"
    )]
    fn step(
        &mut self,
        gress: GressId,
        slot: usize,
        step: Step,
        job: &Job<'_>,
        outcome: &mut Outcome,
        state: &mut State,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError>;

    /// The stages that packets of a gress pass; none where it is not placed.
    fn n_stages(&self, gress: GressId) -> Option<u32>;

    /// Appends every field of the packet in a slot, laid out as [`crate::WordLayout`] says.
    fn fields(&self, gress: GressId, slot: usize, words: &mut Vec<u64>);

    /// The interface that the instance was loaded with.
    fn interface(&self) -> &Interface;

    /// Hits and misses since loading, by table of the gress; empty for a gress that it has not.
    fn table_counts(&self, gress: GressId) -> Vec<TableCounts>;
}

/// A step of a packet through a placed gress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The parser.
    Parser,
    /// A stage: what is read is what entered it, what is written leaves it.
    Stage(u32),
    /// The deparser.
    Deparser,
}

/// Which machine is meant.
#[derive(Clone, Debug, Default)]
pub enum Mode {
    /// Statements, or tables and gateways in the order of the control flow.
    #[default]
    Unplaced,
    /// Stage by stage: what is read is what entered the stage. Needs the tables form.
    Placed(Arc<Placement>),
}

/// What the device exchanges with each gress beyond bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// By gress of the pipe.
    pub gresses: Arena<GressId, GressInterface>,
}

/// What the device exchanges with one gress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GressInterface {
    /// The fields that [`Job::inputs`] holds, in order: they are written before the parser starts.
    pub inputs: Vec<FieldId>,
    /// The fields that [`Outcome::values`] holds, in order, as they are after the deparser.
    pub watched: Vec<FieldId>,
    /// Of a whole gress: what a packet meets between its halves that asks for nothing but a port.
    pub crossing: Option<Crossing>,
}

impl GressInterface {
    /// Words of [`Job::inputs`] for [`crate::Part::Through`].
    #[must_use]
    pub fn n_crossing_inputs(&self) -> usize {
        let crossing = self.crossing.as_ref();
        crossing.map_or(0, |crossing| crossing.before.len() + crossing.behind.len())
    }
}

/// The way of a packet across the traffic manager of a whole gress. All fields are at most a word wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The fields that are given to a packet before it starts.
    pub before: Vec<FieldId>,
    /// The field with the port that it is to take.
    pub port: FieldId,
    /// What stands there if it is to take none.
    pub no_port: u64,
    /// The fields that are zero unless it asks for more.
    pub zeros: Vec<FieldId>,
    /// The fields that become zero.
    pub cleared: Vec<FieldId>,
    /// The field that becomes its port.
    pub taken_port: Option<FieldId>,
    /// The field that becomes its length in bytes, as headers make it by then.
    pub length: Option<FieldId>,
    /// The fields that are given to it behind.
    pub behind: Vec<FieldId>,
}

/// How often a table was looked up, since the instance was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableCounts {
    /// Lookups that found an entry.
    pub hits: u64,
    /// Lookups that did not. A table without keys is not looked up.
    pub misses: u64,
}

/// Why an engine does not load or run.
#[derive(Debug, Error)]
pub enum EngineError {
    /// There is no such pipe.
    #[error("the program has no pipe {pipe}: it has {available}")]
    NoPipe {
        /// What was asked for.
        pipe: PipeId,
        /// How many there are.
        available: usize,
    },
    /// There is no such gress.
    #[error("the pipe has no gress {gress}: it has {available}")]
    NoGress {
        /// What was asked for.
        gress: GressId,
        /// How many there are.
        available: usize,
    },
    /// The interface names a field that is not there.
    #[error("gress {gress} has no field {field}")]
    NoField {
        /// Of which gress.
        gress: GressId,
        /// The field.
        field: FieldId,
    },
    /// Only the tables form can be placed.
    #[error("gress {gress} is in the structured form, which has no stages: lower it to tables")]
    NotTables {
        /// Which gress.
        gress: GressId,
    },
    /// A step of a gress that has none.
    #[error("gress {gress} has no {step:?}: it has {available} stages")]
    NoStep {
        /// Which gress.
        gress: GressId,
        /// Which step.
        step: Step,
        /// How many stages it is placed in.
        available: u32,
    },
    /// The placement leaves something out or belongs to another program.
    #[error("the placement does not fit gress {gress}: {needed} {what}, {available} placed")]
    PlacementMismatch {
        /// Which gress.
        gress: GressId,
        /// `tables`, `gateways` or `gresses`.
        what: &'static str,
        /// How many the program has.
        needed: usize,
        /// How many are placed.
        available: usize,
    },
    /// The engine does not run this construct.
    #[error("{construct} is not supported by this engine")]
    Unsupported {
        /// What it is.
        construct: &'static str,
        /// Where it stands in the program.
        span: Span,
    },
    /// A batch came with fewer outcomes than jobs.
    #[error("a batch of {needed} packets came with {available} outcomes")]
    TooFewOutcomes {
        /// How many jobs there are.
        needed: usize,
        /// How many outcomes.
        available: usize,
    },
    /// The inputs of a packet are not those of the interface.
    #[error("a packet came with {available} words of inputs: the interface has {needed}")]
    WrongInputs {
        /// How many words the interface has.
        needed: usize,
        /// How many came.
        available: usize,
    },
    /// The fields that a packet starts with are not those of the gress, or are given where all start at zero.
    #[error(
        "a packet came with {available} words of fields: this part of the gress starts with {needed}"
    )]
    WrongFields {
        /// How many words it starts with.
        needed: usize,
        /// How many came.
        available: usize,
    },
    /// A pipe that was emitted exchanges with the device what it was emitted for.
    #[error("gress {gress} was emitted for a device that exchanges other fields: emit it again")]
    OtherInterface {
        /// Which gress.
        gress: GressId,
    },
    /// What runs the packets could not be made.
    #[error("{reason}")]
    NotMade {
        /// Why.
        #[source]
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The process that runs the packets.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The state is not one of this program.
    #[error(transparent)]
    State(#[from] StateError),
}
