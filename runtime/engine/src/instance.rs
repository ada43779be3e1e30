//! The interface of an engine: it loads one pipe of a program and runs batches of packets.
//!
//! An engine runs a batch of packets through one gress, in order, or, where the gress is placed, moves packets
//! through some [`Step`]s of it; what a packet carries from step to step stays in a slot of the
//! instance. Everything around it (ports, time, traffic manager, loops) belongs to the device;
//! everything that outlives a packet belongs to the caller's [`State`]. The interface itself allocates nothing a packet:
//! inputs are borrowed, outcomes are buffers that the caller uses again, and payload stays where it
//! is.

use std::ops::Range;
use std::sync::Arc;

use p4rmt_ir::{Arena, FieldId, GressId, PipeId, Placement, Program};
use p4rmt_source::Span;
use thiserror::Error;

use crate::remote::RemoteError;
use crate::{Arriving, Crossing, Job, Outcome, Passage, Passed, State, StateError, Trace};

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

    /// Runs one packet through a gress, as [`Self::run`] does without a trace: for packet after packet, of which each
    /// is known only when those before it are done.
    ///
    /// # Errors
    /// As for [`Self::run`].
    fn pass(
        &mut self,
        gress: GressId,
        job: &Job<'_>,
        outcome: &mut Outcome,
        state: &mut State,
    ) -> Result<(), EngineError> {
        let (job, outcome) = (std::slice::from_ref(job), std::slice::from_mut(outcome));
        self.run(gress, job, outcome, state, None)
    }

    /// Whether packets may run through a gress at once ([`Self::run_through`]).
    fn runs_through(&self, _gress: GressId) -> bool {
        false
    }

    /// Runs packets through a whole gress at once, as [`crate::Crossing`] says, each behind the one before it, up to
    /// the first that asks for more than a port or makes a wrong claim. That is the same as [`crate::Part::Front`] and
    /// [`crate::Part::Back`] of each, what happens between, and a clock for each part that it runs through; but there
    /// are no records of it. Where packets do not run through, none of them runs.
    ///
    /// # Errors
    /// A gress that the pipe has not, a state of another layout.
    fn run_through(
        &mut self,
        _gress: GressId,
        _arriving: &[Arriving<'_>],
        _passage: &mut Passage,
        _state: &mut State,
    ) -> Result<Passed, EngineError> {
        Ok(Passed::default())
    }

    /// Moves packets of a placed gress on: each makes its steps, and in each step they are in the order of
    /// `packets`, which is that of their entry. A packet may not be behind one that entered after it, neither
    /// before nor afterwards. So all steps of all packets together are what [`Self::run`] does.
    ///
    /// A packet that its parser dropped has nothing more to do: its steps change nothing. Events are those of all
    /// packets together; who wants to tell them apart moves one packet at a time.
    ///
    /// # Errors
    /// As for [`Self::run`]; a gress without stages, and a slot that holds another packet.
    fn advance(
        &mut self,
        gress: GressId,
        packets: &mut [Stepping<'_>],
        state: &mut State,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError> {
        let (_, _, _) = (packets, state, trace);
        Err(EngineError::NoStages { gress })
    }

    /// The stages that packets of a gress pass; none where it is not placed.
    fn n_stages(&self, gress: GressId) -> Option<u32> {
        let _ = gress;
        None
    }

    /// The interface that the instance was loaded with.
    fn interface(&self) -> &Interface;

    /// Hits and misses since loading, by table of the gress; empty for a gress that it has not.
    fn table_counts(&self, gress: GressId) -> Vec<TableCounts>;
}

/// A packet that makes steps through a placed gress.
#[derive(Debug)]
pub struct Stepping<'a> {
    /// Where the instance keeps what it carries from step to step, from its parser on, which takes the slot, whatever
    /// was there.
    pub slot: usize,
    /// The steps that it makes, by position ([`Step::position`]): those that follow the ones that it has made.
    pub steps: Range<u32>,
    /// The packet, the same for all its steps.
    pub job: Job<'a>,
    /// What it leads to: written by its deparser, and wanted only then.
    pub outcome: Option<&'a mut Outcome>,
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

impl Step {
    /// Its position among the steps of a gress of so many stages, from 0.
    #[must_use]
    pub fn position(self, n_stages: u32) -> u32 {
        match self {
            Self::Parser => 0,
            Self::Stage(stage) => stage + 1,
            Self::Deparser => n_stages + 1,
        }
    }

    /// The step at a position.
    #[must_use]
    pub fn at(position: u32, n_stages: u32) -> Self {
        match position.checked_sub(1) {
            None => Self::Parser,
            Some(stage) if stage < n_stages => Self::Stage(stage),
            Some(_) => Self::Deparser,
        }
    }
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
    /// Steps through a gress that has none.
    #[error("gress {gress} is not placed in stages")]
    NoStages {
        /// Which gress.
        gress: GressId,
    },
    /// A packet goes on from where another one stands, or leaves its steps without anywhere to say what it led to.
    #[error("the packet in slot {slot} of gress {gress} cannot go on")]
    LostPacket {
        /// Of which gress.
        gress: GressId,
        /// Which slot.
        slot: usize,
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
