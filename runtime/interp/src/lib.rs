//! The reference meaning of the IR, written to be read: every other engine is compared with it.
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
mod reads;
mod stages;
mod stateful;
mod statement;
mod table;

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
