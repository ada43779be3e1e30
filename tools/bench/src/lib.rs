//! Benchmarks: what an engine takes for a packet, beside what hand-written Rust takes for the same work,
//! measured in one run.
//!
//! A [`Work`] is a program with its tables filled, packets in memory, and a [`Native`] that does the same
//! by hand. [`Bench::check`] compares what leaves, byte for byte, and the state behind; [`Bench::measure`]
//! times both in turn. What is timed is the device, from bytes in to bytes out: parsers, stages,
//! traffic manager, copies, port units.

mod acl;
mod compile;
mod cores;
mod device;
mod error;
mod l3;
mod laminar;
mod measure;
mod native;
mod packets;
mod prng;
mod report;
mod rust;
mod stopwatch;
mod tables;
mod work;

pub use compile::{CompileRow, measure_compile};
pub use cores::{CoresRow, measure_cores};
pub use device::{EngineName, Runner};
pub use error::BenchError;
pub use laminar::prepare_anything;
pub use measure::Bench;
pub use native::Native;
pub use packets::{Packets, Sink};
pub use report::{Report, Row, Skipped};
pub use rust::{measure_rust, run_child};
pub use work::{Prepared, WORKS, Work};
