//! Random well-typed programs, with entries and packets: what engines and forms are compared on.
//!
//! A seed gives a program as P4 text and what happens to it as a packet vector without expectations, so
//! that whatever is found can be looked at, cut down, and run again with `p4rmt test`. Programs are
//! right by construction: a refusal is a mistake of the front end or of the generator. Only what a
//! machine of stages cannot do may be refused, for the two architectures that have them.
//!
//! | file | what it writes |
//! |---|---|
//! | `writer` | the text, and the names of what is in scope |
//! | `values` | numbers that often meet: the small ones, and those at the ends of their widths |
//! | `exprs` | expressions and conditions of a width |
//! | `headers` | header types, the parser, the deparser |
//! | `body` | registers, actions, tables, statements of a control |
//! | `architecture` | the program around them, for v1model and for Tofino 2 |
//! | `happenings` | entries, packets, what the control plane does in between |
//! | `compare` | the program in every form on every engine |

mod architecture;
mod body;
mod compare;
mod exprs;
mod happenings;
mod headers;
mod values;
mod writer;

use p4rmt_ir::Arch;

use crate::mutation::Random;
use architecture::write_program;
use happenings::write_vector;
use writer::Writer;

pub use compare::{Compared, Found, compare, compare_on, lowered};

/// A program with what happens to it.
#[derive(Clone, Debug)]
pub struct RandomProgram {
    /// What it is for: v1model or T2NA.
    pub arch: Arch,
    /// The program.
    pub text: String,
    /// Entries and packets.
    pub vector: String,
}

/// The program of a seed; the same one each time.
#[must_use]
pub fn random_program(arch: Arch, seed: u64) -> RandomProgram {
    let mut writer = Writer::new(arch, Random::new(seed));
    write_program(&mut writer);
    let vector = write_vector(&mut writer);
    RandomProgram {
        arch,
        text: writer.finish(),
        vector,
    }
}
