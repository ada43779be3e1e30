//! Packet vectors: the STF language and its runner.
//!
//! [`parse`] makes a [`Vector`] of text, [`run`] carries it out on a device and makes a [`Report`].
//! `testvectors/README.md` is the grammar.
//!
//! ```
//! let vector = p4rmt_stf::parse("a.stf", "packet 1 0102\nexpect 2 0102 $\n").unwrap();
//! assert_eq!(vector.statements.len(), 2);
//! ```

mod compare;
mod cursor;
mod dissect;
mod error;
mod parse;
mod report;
mod resolve;
mod run;
mod syntax;
mod value;

pub use dissect::field_at;
pub use error::{StatementError, StatementFault, SyntaxError};
pub use parse::{parse, parse_bytes};
pub use report::{Failure, Place, Report, Way};
pub use resolve::key_spelling;
pub use run::{Observer, apply, run, run_watched};
pub use syntax::{
    ActionText, AddEntry, CellIndex, CompareOp, CounterCheck, Element, GeneratorText, Half,
    MatchText, MeterRate, PortUnitName, Statement, StatementKind, TargetText, Vector,
};
pub use value::{Difference, Pattern, Value};
