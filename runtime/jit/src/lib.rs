//! The engine that compiles a pipe to machine code with Cranelift.
//!
//! It means what the interpreter means, and is compared with it. A gress becomes one function, parser
//! to deparser, in which fields are variables of the machine ([`compile`](self)); what is rare, or wide,
//! or belongs to the control plane, that function asks the engine for. Code is made when the first
//! packet needs it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use p4rmt_engine::{
//!     Engine, GressInterface, Interface, Job, Mode, Outcome, Part, State, StateLayout,
//! };
//! use p4rmt_jit::Jit;
//! use p4rmt_ir::build::{GressBuilder, assign, constant, program};
//! use p4rmt_ir::{Arch, GressRole, PipeId, Id};
//!
//! // A pipe that sends every packet to port 2.
//! let mut gress = GressBuilder::new(GressRole::Ingress);
//! let port = gress.intrinsic("ingress_intrinsic_metadata_for_tm_t.ucast_egress_port", 9);
//! let gress = gress.structured(vec![assign(port, constant(9, 2))]);
//! let program = Arc::new(program("two", Arch::Tna, [gress]));
//! let pipe = PipeId::from_index(0);
//!
//! let watched = GressInterface { watched: vec![port], ..Default::default() };
//! let interface = Interface { gresses: std::iter::once(watched).collect() };
//! let mut state = State::new(StateLayout::new(Arc::clone(&program), pipe)?)?;
//! let mut instance = Jit.load(program, pipe, Mode::Unplaced, interface)?;
//!
//! let packet = [0xff; 64];
//! let (part, phv) = (Part::Whole, &[][..]);
//! let jobs = [Job { bytes: &packet, prefix_len: 0, clock: 0, inputs: &[], part, phv }];
//! let mut outcomes = [Outcome::default()];
//! instance.run(Id::from_index(0), &jobs, &mut outcomes, &mut state, None)?;
//! assert_eq!(outcomes[0].values, [2]);
//! # Ok::<(), p4rmt_engine::EngineError>(())
//! ```
//!
//! All `unsafe` of the project is here: code that was compiled is called with pointers
//! ([`frame`](self)), and asks back with them.

mod call;
mod callbacks;
mod compile;
mod flight;
mod frame;
mod instance;
mod load;
mod machine_code;
mod passage;
mod tables;

use std::sync::Arc;

use p4rmt_engine::{Engine, EngineError, Instance, Interface, Mode};
use p4rmt_ir::{PipeId, Program};

use crate::instance::JitInstance;

/// The engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jit;

impl Engine for Jit {
    fn name(&self) -> &'static str {
        "jit"
    }

    fn load(
        &self,
        program: Arc<Program>,
        pipe: PipeId,
        mode: Mode,
        interface: Interface,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let instance = JitInstance::load(program, pipe, &mode, interface)?;
        Ok(Box::new(instance))
    }
}
