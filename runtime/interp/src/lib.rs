//! The reference meaning of the IR, written to be read: every other engine is compared with it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use p4rmt_engine::{
//!     Engine, GressInterface, Interface, Job, Mode, Outcome, Part, State, StateLayout,
//! };
//! use p4rmt_interp::Interp;
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
//! let mut instance = Interp.load(program, pipe, Mode::Unplaced, interface)?;
//!
//! let packet = [0xff; 64];
//! let (part, phv) = (Part::Whole, &[][..]);
//! let jobs = [Job { bytes: &packet, prefix_len: 0, clock: 0, inputs: &[], part, phv }];
//! let mut outcomes = [Outcome::default()];
//! instance.run(Id::from_index(0), &jobs, &mut outcomes, &mut state, None)?;
//! assert_eq!(outcomes[0].values, [2]);
//! assert_eq!(jobs[0].payload(&outcomes[0]), packet);
//! # Ok::<(), p4rmt_engine::EngineError>(())
//! ```
//!
//! It walks the IR as it is. What can be found out once is found out by [`Interp::load`]: the order
//! of the stages, hash tables, watched fields; the rest is done as the crate docs of `p4rmt-ir` say
//! it, a file a subject:
//!
//! | file | what |
//! |---|---|
//! | `instance.rs` | a batch: for each packet parser, body, deparser, outcome |
//! | `packet.rs` | the packet in work: its fields, when writes land |
//! | `expr.rs` | expressions |
//! | `parser.rs` | states, extraction, errors |
//! | `statement.rs` | statements, in order |
//! | `table.rs` | lookup: key, entry, action data |
//! | `action.rs` | actions of both forms |
//! | `control.rs` | control flow, unplaced |
//! | `stages.rs` | control flow, placed: stage by stage |
//! | `call.rs`, `stateful.rs`, `checksum.rs` | externs |
//! | `v1.rs` | what v1model alone has: requests to the switch, hashes, messages, claims |
//! | `deparser.rs` | emission, mirror, resubmit and digest requests |

mod action;
mod call;
mod checksum;
mod control;
mod deparser;
mod expr;
mod instance;
mod load;
mod packet;
mod parser;
mod stages;
mod stateful;
mod statement;
mod table;
mod v1;

use std::sync::Arc;

use p4rmt_engine::{Engine, EngineError, Instance, Interface, Mode};
use p4rmt_ir::{PipeId, Program};

use crate::instance::InterpInstance;

/// The interpreter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interp;

impl Engine for Interp {
    fn name(&self) -> &'static str {
        "interp"
    }

    fn load(
        &self,
        program: Arc<Program>,
        pipe: PipeId,
        mode: Mode,
        interface: Interface,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let instance = InterpInstance::load(program, pipe, &mode, interface)?;
        Ok(Box::new(instance))
    }
}
