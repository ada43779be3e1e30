//! What parsers and deparsers take of the machine: both ends of a gress.
//!
//! In: a pipe and the containers of its fields. Out: what each parser and deparser uses, and what it
//! can't do, at its line.

mod deparser;
mod parser;
mod problem;

use p4rmt_ir::{Arena, GressId, Pipe};

pub use deparser::DeparserUse;
pub use parser::ParserUse;
pub use problem::PardeProblem;

use crate::phv::PhvAllocation;
use crate::problem::LocatedProblem;
use crate::target::Target;

/// What the parser and the deparser of a gress use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PardeUse {
    /// The parser.
    pub parser: ParserUse,
    /// The deparser.
    pub deparser: DeparserUse,
}

/// What the parsers and deparsers of a pipe use, and what they can't do.
#[must_use]
pub fn parde_use(
    pipe: &Pipe,
    phv: &PhvAllocation,
    target: &Target,
) -> (Arena<GressId, PardeUse>, Vec<LocatedProblem>) {
    let mut problems = Vec::new();
    let mut uses = Arena::new();
    for (id, gress) in pipe.gresses.iter() {
        let (parser, of_parser) = parser::parser_use(id, gress, phv, target);
        let (deparser, of_deparser) = deparser::deparser_use(id, gress, phv, target);
        problems.extend(of_parser);
        problems.extend(of_deparser);
        uses.push(PardeUse { parser, deparser });
    }
    (uses, problems)
}
