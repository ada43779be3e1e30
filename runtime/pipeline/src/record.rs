//! Records of what engine and device did with packets, for those who explain or count it.
//!
//! A [`Device`](crate::Device) that was asked for them keeps a record of each pass through a gress,
//! with the engine's events, and of each fate, in the order in which they came about: what follows
//! a pass, in fates, stands behind it.

use p4rmt_engine::{Event, Outcome, Part};
use p4rmt_ir::GressId;

use crate::Fate;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceRecord {
    /// A packet passed a gress, or a part of one.
    Pass(Box<PassRecord>),
    /// What the device did with a packet.
    Fate(Fate),
}

/// A pass through a gress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassRecord {
    /// Its number: passes count from 0.
    pub number: u64,
    /// The packet that passed.
    pub entrant: Entrant,
    /// The gress.
    pub gress: GressId,
    /// The part of it.
    pub part: Part,
    /// The clock at which the packet entered.
    pub clock: u64,
    /// What the parser saw in front of the packet.
    pub prefix: Vec<u8>,
    /// The packet as it entered.
    pub packet: Vec<u8>,
    /// What the engine told.
    pub events: Vec<Event<'static>>,
    /// What came of it.
    pub outcome: Outcome,
}

/// A packet that enters a gress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entrant {
    /// The number of the arrival that it goes back to, from 0.
    pub arrival: u64,
    /// The pass that made it; none for a packet that arrived.
    pub made_by: Option<u64>,
    /// What it is.
    pub kind: EntrantKind,
    /// Where it came in, or where it is to leave.
    pub port: u16,
}

/// What a packet is that enters a gress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntrantKind {
    /// It arrived on a port, or the packet generator made it.
    Arrived,
    /// The ingress sent it back to its parser.
    Resubmitted,
    /// It came back through the egress.
    Recirculated,
    /// On its way to its port.
    Forwarded,
    /// A copy of a multicast group, on its way to its port.
    Replicated {
        /// The replication id.
        rid: u16,
    },
    /// A mirrored or cloned copy.
    Mirrored,
    /// Parsed again for a cloned copy (v1model).
    ParsedForClone,
}
