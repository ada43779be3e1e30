//! What a device refuses.

use p4rmt_engine::{EngineError, StateError};
use p4rmt_ir::ClaimKind;
use p4rmt_shard::Crossing;
use p4rmt_source::Span;
use thiserror::Error;

/// Why a device cannot be made, or does not do what it was asked for.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The pipe lacks a gress.
    #[error("the pipe has no {gress}")]
    NoGress {
        /// `ingress`, `egress` or `gress of v1model`.
        gress: &'static str,
    },
    /// A port beyond the last one.
    #[error("there is no port {port}: they are numbered from 0 to {}", available - 1)]
    NoPort {
        /// What was asked for.
        port: u16,
        /// How many there are.
        available: u16,
    },
    /// A packet that is longer than a length field can say.
    #[error("a packet of {needed} bytes is too long: at most {available}")]
    PacketTooLong {
        /// Its length.
        needed: usize,
        /// The longest that there can be.
        available: usize,
    },
    /// A multicast group that is not there.
    #[error("there is no multicast group {group}: create it first")]
    NoGroup {
        /// The group.
        group: u16,
    },
    /// A multicast node that is not there.
    #[error("there is no multicast node {node}: {available} were created")]
    NoNode {
        /// The node.
        node: u32,
        /// How many there are.
        available: usize,
    },
    /// A mirror session that is not there.
    #[error("there is no mirror session {session}")]
    NoSession {
        /// The session.
        session: u16,
    },
    /// An application of the packet generator that is not there.
    #[error("the packet generator has no application {app}: it has {available}")]
    NoGeneratorApp {
        /// The application.
        app: u8,
        /// How many there are.
        available: u8,
    },
    /// The applications together make more packets than a tick may.
    #[error(
        "so long a tick would generate more than {available} packets: tick less, or make the \
         period longer"
    )]
    TooManyGenerated {
        /// How many a tick may generate.
        available: u64,
    },
    /// Time beyond what the clock can count.
    #[error("the clock cannot go on by {needed}: it has {available} to go")]
    ClockOverflow {
        /// Clocks that should pass.
        needed: u64,
        /// Clocks that can.
        available: u64,
    },
    /// Lock step is for programs in stages.
    #[error("only a program that is placed in stages runs in lock step")]
    NoStages,
    /// Memory that several stages touch belongs to none.
    #[error("`{name}` lies in several stages: lock step wants one")]
    InSeveralStages {
        /// The register, counter or meter.
        name: String,
    },
    /// Copies are held back or waited for by number, which has no clock.
    #[error("mirrored copies are held back: release them before lock step")]
    MirrorsHeld,
    /// A claim of the program does not hold for a packet.
    #[error("the program's `{}` is wrong for this packet", match kind {
        ClaimKind::Assert => "assert",
        ClaimKind::Assume => "assume",
    })]
    WrongClaim {
        /// How the program made it.
        kind: ClaimKind,
        /// The statement.
        span: Span,
    },
    /// On one of several cores: memory of another.
    #[error(transparent)]
    Crossing(#[from] Crossing),
    /// The engine refuses.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The state refuses.
    #[error(transparent)]
    State(#[from] StateError),
}

impl DeviceError {
    /// Its place in the program, where it has one.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::WrongClaim { span, .. } => Some(*span),
            Self::NoGress { .. }
            | Self::NoPort { .. }
            | Self::PacketTooLong { .. }
            | Self::NoGroup { .. }
            | Self::NoNode { .. }
            | Self::NoSession { .. }
            | Self::NoGeneratorApp { .. }
            | Self::TooManyGenerated { .. }
            | Self::ClockOverflow { .. }
            | Self::NoStages
            | Self::InSeveralStages { .. }
            | Self::MirrorsHeld
            | Self::Crossing(_)
            | Self::Engine(_)
            | Self::State(_) => None,
        }
    }
}

/// One of several packets was refused.
#[derive(Debug, Error)]
#[error("packet {index}: {cause}")]
pub struct Refused {
    /// Which, from 0.
    pub index: usize,
    /// Why.
    #[source]
    pub cause: Box<DeviceError>,
}

impl Refused {
    pub(crate) fn new(index: usize, cause: DeviceError) -> Self {
        let cause = Box::new(cause);
        Self { index, cause }
    }
}
