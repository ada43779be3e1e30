//! Builds a program around one gress, runs packets through it, and reads what came out.

use std::sync::Arc;

use p4rmt_engine::{
    Engine, GressInterface, Instance, Interface, Job, Mode, Outcome, Part, State, StateLayout,
    Trace, Verdict, WordLayout,
};
use p4rmt_interp::Interp;
use p4rmt_ir::build::program;
use p4rmt_ir::{Arch, Bits, FieldId, Gress, GressId, Id, PipeId, Program};

/// A loaded gress, all of whose fields are watched.
pub(crate) struct Bench {
    pub(crate) program: Arc<Program>,
    pub(crate) state: State,
    instance: Box<dyn Instance>,
    outcome: Outcome,
    words: WordLayout,
    inputs: Vec<FieldId>,
}

pub(crate) fn gress_id() -> GressId {
    GressId::from_index(0)
}

/// The errors of `core.p4`.
pub(crate) const ERRORS: [&str; 7] = [
    "NoError",
    "PacketTooShort",
    "NoMatch",
    "StackOutOfBounds",
    "HeaderTooShort",
    "ParserTimeout",
    "ParserInvalidArgument",
];

/// A program of one gress, with the errors of `core.p4`.
pub(crate) fn whole(arch: Arch, gress: Gress) -> Arc<Program> {
    let mut program = program("test", arch, [gress]);
    program.errors = ERRORS.map(str::to_owned).into();
    Arc::new(program)
}

impl Bench {
    /// Loads a gress of a T2NA program, unplaced, without inputs.
    pub(crate) fn new(gress: Gress) -> Self {
        Self::load(whole(Arch::T2na, gress), Mode::Unplaced, &[])
    }

    /// Loads a program of one gress.
    #[track_caller]
    pub(crate) fn load(program: Arc<Program>, mode: Mode, inputs: &[FieldId]) -> Self {
        let pipe = PipeId::from_index(0);
        let gress = &program.pipes[pipe].gresses[gress_id()];
        let watched: Vec<FieldId> = gress.fields.ids().collect();
        let words = WordLayout::new(gress, &watched);
        let interface = Interface {
            gresses: std::iter::once(GressInterface {
                inputs: inputs.to_vec(),
                watched,
                crossing: None,
            })
            .collect(),
        };
        let instance = Interp.load(Arc::clone(&program), pipe, mode, interface);
        let layout = StateLayout::new(Arc::clone(&program), pipe).expect("small");
        Self {
            program,
            state: State::new(layout).expect("entries fit"),
            instance: instance.expect("it loads"),
            outcome: Outcome::default(),
            words,
            inputs: inputs.to_vec(),
        }
    }

    /// The same program in its first state.
    pub(crate) fn fresh(&self) -> Self {
        Self::load(Arc::clone(&self.program), Mode::Unplaced, &self.inputs)
    }

    fn gress(&self) -> &Gress {
        &self.program.pipes[PipeId::from_index(0)].gresses[gress_id()]
    }

    /// Runs a packet.
    #[track_caller]
    pub(crate) fn run(&mut self, packet: &[u8]) -> &Outcome {
        self.run_with(&[], packet, 0, &[])
    }

    /// Runs a packet without bytes; returns a field.
    #[track_caller]
    pub(crate) fn run_for(&mut self, field: FieldId) -> Bits {
        self.run(&[]);
        self.value(field)
    }

    /// Runs a packet with a prefix, a clock and values of the inputs.
    #[track_caller]
    pub(crate) fn run_with(
        &mut self,
        prefix: &[u8],
        packet: &[u8],
        clock: u64,
        inputs: &[Bits],
    ) -> &Outcome {
        self.run_traced(prefix, packet, clock, inputs, None)
    }

    /// The same, with a trace.
    #[track_caller]
    pub(crate) fn run_traced(
        &mut self,
        prefix: &[u8],
        packet: &[u8],
        clock: u64,
        inputs: &[Bits],
        trace: Option<&mut dyn Trace>,
    ) -> &Outcome {
        let layout = WordLayout::new(self.gress(), &self.inputs);
        let mut words = vec![0; layout.n_words()];
        for (position, value) in inputs.iter().enumerate() {
            layout.set(&mut words, position, value);
        }
        let bytes = [prefix, packet].concat();
        let job = Job {
            bytes: &bytes,
            prefix_len: prefix.len(),
            clock,
            inputs: &words,
            part: Part::Whole,
            phv: &[],
        };
        let outcomes = std::slice::from_mut(&mut self.outcome);
        let result = self
            .instance
            .run(gress_id(), &[job], outcomes, &mut self.state, trace);
        result.expect("it runs");
        &self.outcome
    }

    /// Runs a packet through a part of a whole gress, its fields starting as given.
    #[track_caller]
    pub(crate) fn run_part(&mut self, packet: &[u8], part: Part, phv: &[u64]) -> &Outcome {
        let job = Job {
            bytes: packet,
            prefix_len: 0,
            clock: 0,
            inputs: &[],
            part,
            phv,
        };
        let outcomes = std::slice::from_mut(&mut self.outcome);
        let result = self
            .instance
            .run(gress_id(), &[job], outcomes, &mut self.state, None);
        result.expect("it runs");
        &self.outcome
    }

    /// A field as the last packet left it.
    pub(crate) fn value(&self, field: FieldId) -> Bits {
        self.words.get(&self.outcome.values, field.index())
    }

    /// All fields as the last packet left them.
    pub(crate) fn values(&self) -> &[u64] {
        &self.outcome.values
    }

    pub(crate) fn counts(&self) -> Vec<p4rmt_engine::TableCounts> {
        self.instance.table_counts(gress_id())
    }
}

/// The name of the error with which parsing failed, or nothing.
pub(crate) fn failure(outcome: &Outcome) -> Option<&'static str> {
    match outcome.verdict {
        Verdict::Accepted => None,
        Verdict::Failed(failure) | Verdict::Dropped(failure) => {
            Some(ERRORS[failure.error as usize])
        }
    }
}

pub(crate) fn bits(width: u32, value: u64) -> Bits {
    Bits::from_u64(width, value)
}
