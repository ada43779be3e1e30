//! The parser that pest makes of `p4.pest`.

/// The parser; its `Rule` names the grammar's rules.
#[derive(pest_derive::Parser)]
#[grammar = "p4.pest"]
pub(crate) struct P4;
