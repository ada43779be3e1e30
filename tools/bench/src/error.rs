//! What keeps a benchmark from being run.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use thiserror::Error;

/// Why there is no figure.
#[derive(Debug, Error)]
pub enum BenchError {
    /// No work has this name.
    #[error("there is no work `{name}`: there are {known}")]
    NoWork {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A program is refused; what the compiler says.
    #[error("{rendered}")]
    Rejected {
        /// As a user would see it.
        rendered: String,
    },
    /// The placer says no.
    #[error(transparent)]
    Place(Box<p4rmt_mau::PlaceError>),
    /// The program does not fit the machine that it is for.
    #[error("`{program}` does not fit {target}")]
    DoesNotFit {
        /// The program.
        program: String,
        /// The machine.
        target: String,
    },
    /// A work without stages cannot run clock by clock.
    #[error("`{work}` has no stages: it cannot run clock by clock")]
    NoStages {
        /// The work.
        work: String,
    },
    /// The device says no.
    #[error(transparent)]
    Device(Box<p4rmt_pipeline::DeviceError>),
    /// A name of the program is not there.
    #[error(transparent)]
    Name(#[from] p4rmt_engine::NameError),
    /// An entry does not fit its table.
    #[error(transparent)]
    Entry(Box<p4rmt_engine::EntryError>),
    /// A register cannot be written.
    #[error(transparent)]
    State(Box<p4rmt_engine::StateError>),
    /// The program cannot be emitted as Rust.
    #[error(transparent)]
    Emit(#[from] p4rmt_rustgen::EmitError),
    /// There is no cargo to build emitted Rust with.
    #[error("`{}` cannot be started, which builds emitted Rust: {source}", cargo.display())]
    NoCargo {
        /// What was started.
        cargo: PathBuf,
        /// Why it was not.
        source: io::Error,
    },
    /// Cargo does not build what was emitted.
    #[error("emitted Rust is not built:\n{output}")]
    NotBuilt {
        /// What cargo says.
        output: String,
    },
    /// A file of the program that is built, or the program itself, cannot be used.
    #[error("{}: {source}", program.display())]
    Child {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program that was built ends without a figure.
    #[error("{} ends with {status}", program.display())]
    ChildFailed {
        /// Which.
        program: PathBuf,
        /// How.
        status: ExitStatus,
    },
    /// A replay fails.
    #[error(transparent)]
    Replay(#[from] p4rmt_pipeline::ReplayError),
    /// Several cores leave another state than one.
    #[error("{work}: several cores leave another state than one")]
    OtherOnCores {
        /// The work.
        work: String,
    },
    /// Not as many packets leave by a port.
    #[error("{work} on {engine}: port {port} sends {found} packets, by hand {expected}")]
    OtherCount {
        /// The work.
        work: String,
        /// The engine.
        engine: &'static str,
        /// The port.
        port: u16,
        /// By hand.
        expected: usize,
        /// On the engine.
        found: usize,
    },
    /// A packet differs.
    #[error("{work} on {engine}: {difference}")]
    OtherPacket {
        /// The work.
        work: String,
        /// The engine.
        engine: &'static str,
        /// How.
        difference: Box<PacketDifference>,
    },
    /// A register differs.
    #[error("`{register}`[{index}] is {found}, by hand {expected}")]
    OtherState {
        /// Its name.
        register: &'static str,
        /// Its element.
        index: usize,
        /// By hand.
        expected: u64,
        /// On the engine.
        found: u64,
    },
}

/// How a packet differs.
#[derive(Debug, Error)]
#[error("packet {index} of port {port} differs from byte {byte} on: {found}, by hand {expected}")]
pub struct PacketDifference {
    /// The port.
    pub port: u16,
    /// The packet, from 0.
    pub index: usize,
    /// The first byte that differs.
    pub byte: usize,
    /// By hand, in hexadecimal.
    pub expected: String,
    /// On the engine.
    pub found: String,
}

impl From<p4rmt_pipeline::DeviceError> for BenchError {
    fn from(error: p4rmt_pipeline::DeviceError) -> Self {
        Self::Device(Box::new(error))
    }
}

impl From<p4rmt_engine::EntryError> for BenchError {
    fn from(error: p4rmt_engine::EntryError) -> Self {
        Self::Entry(Box::new(error))
    }
}

impl From<p4rmt_engine::StateError> for BenchError {
    fn from(error: p4rmt_engine::StateError) -> Self {
        Self::State(Box::new(error))
    }
}

impl From<p4rmt_mau::PlaceError> for BenchError {
    fn from(error: p4rmt_mau::PlaceError) -> Self {
        Self::Place(Box::new(error))
    }
}
