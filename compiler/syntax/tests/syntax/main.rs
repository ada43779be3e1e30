//! Tests of the syntax crate from outside: text in, trees and complaints out.

mod broken_input;
mod common;
mod diagnostics;
mod explain;
mod preprocessor;
mod round_trip;
mod speed;
mod trees;
