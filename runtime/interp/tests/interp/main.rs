//! The interpreter on small programs by hand: what each construct of the IR means.

mod deparser;
mod parser;
mod placed;
mod stateful;
mod statements;
mod support;
mod tables;
mod tracing;
mod v1;
