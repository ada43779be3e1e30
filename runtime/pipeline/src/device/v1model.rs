//! The machine that v1model programs run on, as bmv2's `simple_switch` has it (its `simple_switch.cpp`
//! and `docs/simple_switch.md` are what is followed here).
//!
//! # Order
//!
//! Packets that wait for the egress go before packets that wait for the parser; otherwise they go in
//! the order in which they were made. bmv2 runs both in threads of their own, so that no order between
//! them is promised there.
//!
//! # Behind the ingress
//!
//! 1. A clone that was asked for is made: the packet as it entered the parser, parsed again with no
//!    metadata but `ingress_port`. Then its metadata are zero but for the fields that the field list keeps,
//!    as they are at the end of the ingress; `instance_type` is 1. It goes to the port of its session, or
//!    once to each port of the session's group. A session that is not there makes no copy.
//! 2. Digests are sent, with the values that their calls gave.
//! 3. A resubmitted packet starts again as it entered the parser; its metadata are zero but for the kept
//!    fields, `packet_length`, and `instance_type`, which is 6. It goes nowhere else.
//! 4. `mcast_grp`, where it is not zero: a copy for each port of each node of the group, with its
//!    `egress_rid` and `instance_type` 5. The packet itself ends.
//! 5. `egress_spec` 511: the packet is dropped. `mark_to_drop` writes 511 there and zero to `mcast_grp`.
//! 6. Otherwise it goes to the port `egress_spec`, with `instance_type` 0. Nothing written means port 0.
//!
//! # Around the egress
//!
//! All fields keep their values from the ingress, but for `egress_port`, `egress_rid`, the time stamps and
//! `packet_length`: the length on arrival, and what headers made valid or invalid since the parser add to
//! it or take from it. `egress_spec` starts at zero (bmv2 writes 512, of which nine bits are left). Behind the
//! egress:
//!
//! 1. A clone that was asked for is made: headers and payload as they are behind the egress; metadata zero
//!    but for the kept fields; `instance_type` 2. It starts at the egress, without being deparsed and parsed.
//! 2. `egress_spec` 511: the packet is dropped. Other values mean nothing here.
//! 3. Check sums are computed, the packet is deparsed. A recirculated packet goes to the parser; its metadata
//!    are zero but for the kept fields, `packet_length`, and `instance_type`, which is 4.
//! 4. Otherwise the packet leaves, cut to the least length that `truncate` asked for.
//!
//! # Further
//!
//! * `ingress_port` of a packet that was resubmitted, recirculated or cloned is zero, as in bmv2, where the
//!   field list does not keep it.
//! * Time stamps are microseconds of the emulated clock, a thousandth of the clocks; queues are empty.
//! * Counters and meters count bytes of the packet as it entered the parser.
//! * Session numbers have 15 bits.
//!
//! On purpose otherwise than in bmv2: the values of a digest are those at its call, as `v1model.p4` says,
//! and each call sends one; `truncate` in the ingress holds for multicast copies, too.

mod copies;
mod crossing;
mod egress;
mod ingress;
mod metadata;

use p4rmt_engine::{Interface, Outcome, StateLayout};
use p4rmt_ir::{Bits, FieldId, GressId, GressRole};
use p4rmt_shard::{Arrivals, Bounds};
use std::collections::VecDeque;

use super::chassis::Chassis;
use super::machine::{self, Machine};
use super::watched::Watched;
use crate::mirror_gate::MirrorGate;
use crate::{DeviceError, Packet};
use metadata::Metadata;

/// No more fields than those of so many packets wait to be used again.
const MAX_FREE: usize = 64;

/// The port that is none.
const DROP_PORT: u64 = 511;

/// What the device reads behind either part.
const WATCHED: [&str; 2] = [
    "standard_metadata_t.egress_spec",
    "standard_metadata_t.mcast_grp",
];

/// Positions in [`WATCHED`].
mod watched {
    pub(super) const EGRESS_SPEC: usize = 0;
    pub(super) const MCAST_GRP: usize = 1;
}

/// What `instance_type` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instance {
    Normal = 0,
    IngressClone = 1,
    EgressClone = 2,
    Recirculated = 4,
    Replica = 5,
    Resubmitted = 6,
}

/// The machine.
pub(super) struct V1model {
    gress: GressId,
    metadata: Metadata,
    watched: Watched<{ WATCHED.len() }>,
    ingress_queue: VecDeque<IngressEntry>,
    egress_queue: VecDeque<EgressEntry>,
    copies: MirrorGate<EgressEntry>,
    /// None only during a pass.
    outcome: Option<Box<[Outcome; 1]>>,
    /// Fields of packets that are gone: their room is used again.
    free_fields: Vec<Vec<u64>>,
    /// How many packets are run next in one call, if they pass both halves at once.
    reach: usize,
}

/// A packet on its way into the parser.
struct IngressEntry {
    arrival: u64,
    made_by: Option<u64>,
    /// Where the packet arrived, however often it has been round since.
    port: u16,
    instance: Instance,
    /// Values of fields that it keeps from its last round.
    kept: Vec<(FieldId, Bits)>,
    packet: Packet,
}

impl IngressEntry {
    /// A packet that comes in through a port.
    fn arriving(arrival: u64, port: u16, packet: Packet) -> Self {
        Self {
            arrival,
            made_by: None,
            port,
            instance: Instance::Normal,
            kept: Vec::new(),
            packet,
        }
    }
}

/// A packet on its way into the egress.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EgressEntry {
    arrival: u64,
    made_by: Option<u64>,
    port: u16,
    /// Where it arrived.
    ingress_port: u16,
    instance: Instance,
    /// Every field.
    phv: Vec<u64>,
    /// As `packet_length` tells it.
    length: u64,
    /// As it entered the parser.
    packet: Packet,
    payload_offset: usize,
    /// To this many bytes it will be cut.
    truncate: Option<u64>,
    /// The clock at which it got in line.
    queued_at: u64,
}

impl V1model {
    /// Makes the machine for a pipe, and asks in the interface for what it exchanges with it.
    ///
    /// # Errors
    /// A pipe without a gress of v1model.
    pub(super) fn new(
        layout: &StateLayout,
        interface: &mut Interface,
    ) -> Result<Self, DeviceError> {
        let found = layout.pipe().gress(GressRole::Whole);
        let (id, gress) = found.ok_or(DeviceError::NoGress {
            gress: "gress of v1model",
        })?;
        let into = interface.gresses.get_mut(id);
        let into = into.expect("the interface has one entry a gress");
        let metadata = Metadata::new(gress);
        into.crossing = metadata.crossing();
        Ok(Self {
            gress: id,
            metadata,
            watched: Watched::new(gress, WATCHED, into),
            ingress_queue: VecDeque::new(),
            egress_queue: VecDeque::new(),
            copies: MirrorGate::default(),
            outcome: None,
            free_fields: Vec::new(),
            reach: 1,
        })
    }

    /// How packets arrive.
    pub(super) fn arrivals(&self) -> Arrivals {
        Arrivals {
            gress: self.gress,
            clock_bits: Bounds::default(),
        }
    }

    /// Whether cloned packets pass as they come.
    pub(super) fn is_open(&self) -> bool {
        self.copies.is_open()
    }

    /// How many cloned packets wait.
    pub(super) fn n_held(&self) -> usize {
        self.copies.n_held()
    }

    /// Puts a packet in line for the parser, if a pass is left for it.
    fn queue_ingress(&mut self, chassis: &mut Chassis, entry: IngressEntry) {
        if chassis.admits(entry.arrival, entry.packet.len(), self.n_queued()) {
            self.ingress_queue.push_back(entry);
        }
    }

    /// Puts a packet in line for the egress, if a pass is left for it.
    fn queue_egress(&mut self, chassis: &mut Chassis, entry: EgressEntry) {
        if chassis.admits(entry.arrival, entry.packet.len(), self.n_queued()) {
            self.egress_queue.push_back(entry);
        }
    }

    /// A packet is gone.
    fn forget(&mut self, chassis: &mut Chassis, entry: EgressEntry) {
        chassis.pool.give_back(entry.packet);
        if self.free_fields.len() < MAX_FREE {
            self.free_fields.push(entry.phv);
        }
    }

    fn n_queued(&self) -> usize {
        self.ingress_queue.len() + self.egress_queue.len()
    }

    /// Refuses what a wrong claim of the program ended; nothing is left on its way then.
    #[inline]
    fn check_claims(&mut self, outcome: &Outcome) -> Result<(), DeviceError> {
        let Some(claim) = outcome.wrong_claim else {
            return Ok(());
        };
        self.ingress_queue.clear();
        self.egress_queue.clear();
        Err(DeviceError::WrongClaim {
            kind: claim.kind,
            span: claim.span,
        })
    }
}

impl Machine for V1model {
    type Entry = EgressEntry;

    #[inline]
    fn enter(
        &mut self,
        chassis: &mut Chassis,
        arrival: u64,
        port: u16,
        packet: Packet,
    ) -> Result<(), DeviceError> {
        self.run_ingress(chassis, IngressEntry::arriving(arrival, port, packet))
    }

    #[inline]
    fn step(&mut self, chassis: &mut Chassis) -> Result<bool, DeviceError> {
        if let Some(entry) = self.egress_queue.pop_front() {
            self.run_egress(chassis, entry)?;
        } else if let Some(entry) = self.ingress_queue.pop_front() {
            self.run_ingress(chassis, entry)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn gate(&mut self) -> &mut MirrorGate<EgressEntry> {
        &mut self.copies
    }

    fn queue(&mut self, entry: EgressEntry) {
        self.egress_queue.push_back(entry);
    }
}

impl machine::EgressEntry for EgressEntry {
    fn arrival(&self) -> u64 {
        self.arrival
    }
}
