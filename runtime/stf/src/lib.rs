//! Packet vectors: the STF language and its runner.
//!
//! [`parse`] makes a [`Vector`] of text. `testvectors/README.md` is the grammar.
//!
//! ```
//! let vector = p4rmt_stf::parse("a.stf", "packet 1 0102\nexpect 2 0102 $\n").unwrap();
//! assert_eq!(vector.statements.len(), 2);
//! ```

mod cursor;
mod error;
mod parse;
mod syntax;
mod value;

pub use error::{StatementError, StatementFault, SyntaxError};
pub use parse::{parse, parse_bytes};
pub use syntax::{
    ActionText, AddEntry, CompareOp, CounterCheck, CounterIndex, Element, GeneratorText, Half,
    MatchText, MeterRate, PortUnitName, Statement, StatementKind, Vector,
};
pub use value::{Difference, Pattern, Value};
