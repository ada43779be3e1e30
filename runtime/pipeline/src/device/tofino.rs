//! The machine that TNA and T2NA programs run on: ingress and egress, each with parser and deparser,
//! and the traffic manager between them.
//!
//! # Order
//!
//! Packets enter each gress in the order in which they were made, egress before ingress; of what one
//! ingress pass makes, the mirrored copy comes first, then the copy for the CPU, unicast, multicast
//! group a, and b.
//!
//! # What it does, and where that comes from
//!
//! Read from the published architecture files, driver and tests:
//!
//! * Ingress parsers see 8 bytes of intrinsic metadata, then port metadata (8 bytes on Tofino 1, 24 on
//!   Tofino 2), then the packet. A resubmitted packet has the resubmit header in their place, padded
//!   with zeros, and `resubmit_flag` set.
//! * `drop_ctl` bit 0 disables unicast, multicast and resubmit, bit 1 the copy to the CPU, bit 2
//!   mirroring. (For ingress, the P4-16 files call bit 2 reserved and the P4-14 files of the same chips
//!   give it this meaning, which is modelled.) So dropping a packet does not keep it from being
//!   mirrored unless bit 2 is set.
//! * An ingress mirror copies the packet as received, an egress mirror the packet as deparsed, each
//!   with the mirror header in front; where the program writes `mirror_io_select`, 0 means as received
//!   and 1 as deparsed. Mirrored copies go to the egress of the session's port. The session's
//!   truncation counts the mirror header. (Tofino 2 truncates to multiples of 4 bytes; this is not
//!   modelled.)
//! * A unicast port counts only if the program wrote it; port 511 is no port. Likewise a request to
//!   mirror or resubmit counts only if the program wrote `mirror_type` or `resubmit_type`: zero is a
//!   type like any other.
//!
//! Inferred:
//!
//! * `pkt_length` is the length in bytes, without frame check sequence, of the packet as it arrived at
//!   the ingress; for a mirrored copy that of the copy with its mirror header. (The real machine's
//!   number includes four bytes of check sequence, which packets here do not have.)
//! * `bypass_egress` holds for every copy of the pass but the mirrored one.
//! * Of several mirror requests of one pass the last counts.
//! * A resubmitted packet goes nowhere else; requests to resubmit it again are obeyed.
//! * The replication id of what is no multicast copy is zero.
//! * Queues are empty: depths, congestion and delays read as zero. (In lock step there are queues.)

mod egress;
mod ingress;
mod intrinsic;
mod mirror;

use std::collections::VecDeque;

use p4rmt_engine::{Interface, Job, Outcome, Part, StateLayout};
use p4rmt_ir::{Arch, GressId, GressRole};

use super::chassis::Chassis;
use super::machine::{self, Machine};
use super::watched::Watched;
use crate::fate::DropReason;
use crate::mirror_gate::MirrorGate;
use crate::traffic::Replica;
use crate::{DeviceError, Entrant, EntrantKind, Packet};
use intrinsic::{EGRESS_WATCHED, INGRESS_WATCHED, IntrinsicHeader, Timestamp};

/// The machine.
pub(super) struct Tofino {
    ingress: Gate<3, 12>,
    egress: Gate<10, 3>,
    timer_header: IntrinsicHeader<3>,
    ingress_queue: VecDeque<IngressEntry>,
    egress_queue: VecDeque<Box<EgressEntry>>,
    mirrors: MirrorGate<Box<EgressEntry>>,
    /// Entries of packets that are gone, to be used again.
    #[expect(
        clippy::vec_box,
        reason = "entries wait, move and are held by their address"
    )]
    spare: Vec<Box<EgressEntry>>,
}

/// The way into a gress, and what is read behind it.
struct Gate<const HEADER: usize, const WATCHED: usize> {
    gress: GressId,
    header: IntrinsicHeader<HEADER>,
    timestamp: Timestamp,
    watched: Watched<WATCHED>,
    /// None only during a pass.
    buffers: Option<Box<Buffers>>,
}

/// A packet on its way into the ingress.
#[derive(Debug)]
pub(super) struct IngressEntry {
    pub(super) entrant: Entrant,
    /// With this header in place of port metadata, if it was resubmitted.
    resubmit: Option<Vec<u8>>,
    packet: Packet,
}

/// A packet on its way into the egress.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EgressEntry {
    arrival: u64,
    made_by: Option<u64>,
    replica: Replica,
    qid: u64,
    cos: u64,
    /// As `pkt_length` tells it.
    length: u32,
    pub(super) is_mirrored: bool,
    pub(super) queued: Queued,
    /// Bytes of the mirror header, which stands in front of the packet.
    mirror_len: u32,
    packet: Packet,
}

/// What is known of a packet on its way into the egress before it is known where it goes.
#[derive(Clone, Copy)]
struct Made {
    arrival: u64,
    made_by: Option<u64>,
    qid: u64,
    length: u32,
    is_mirrored: bool,
    mirror_len: u32,
}

/// What a packet found in its queue, where there are queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Queued {
    /// When it got in line; none where lines are not modelled.
    pub(super) clock: Option<u64>,
    /// Cells before it then.
    pub(super) depth_before: u64,
    /// Cells behind it when it left the line.
    pub(super) depth_behind: u64,
}

/// A packet on its way into a gress.
#[derive(Debug)]
pub(super) enum Entry {
    Ingress(IngressEntry),
    Egress(Box<EgressEntry>),
}

/// What the device gives a packet on its way.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Bytes that stand in front of the packet.
    prefix_len: usize,
    inputs: Vec<u64>,
}

/// What every pass through a gress uses again.
#[derive(Default)]
struct Buffers {
    head: Head,
    outcome: Outcome,
}

impl Head {
    /// What the engine is given for a packet that the prefix stands in front of.
    #[inline]
    fn job<'a>(&'a self, packet: &'a Packet, clock: u64) -> Job<'a> {
        Job {
            bytes: packet.with_front(self.prefix_len),
            prefix_len: self.prefix_len,
            clock,
            inputs: &self.inputs,
            part: Part::Whole,
            phv: &[],
        }
    }

    /// Puts headers as deparsed in the place of what the parser has seen: payload stays where it is.
    #[inline]
    fn deparse(&self, packet: &mut Packet, outcome: &Outcome) {
        match outcome.payload_offset.checked_sub(self.prefix_len) {
            Some(n_parsed) => packet.replace_front(n_parsed, &outcome.bytes),
            None => self.deparse_prefix(packet, outcome),
        }
    }

    /// The same where the parser has left something of the prefix.
    #[cold]
    fn deparse_prefix(&self, packet: &mut Packet, outcome: &Outcome) {
        // What the parser has left of the prefix belongs to the payload.
        let in_prefix = &packet.with_front(self.prefix_len)[..self.prefix_len];
        let front = [&outcome.bytes, &in_prefix[outcome.payload_offset..]].concat();
        packet.replace_front(0, &front);
    }
}

impl Entry {
    /// What enters.
    pub(super) fn entrant(&self) -> Entrant {
        match self {
            Self::Ingress(entry) => entry.entrant,
            Self::Egress(entry) => entry.entrant(),
        }
    }

    /// Its port: where it came from, or where it goes.
    pub(super) fn port(&self) -> u16 {
        match self {
            Self::Ingress(entry) => entry.entrant.port,
            Self::Egress(entry) => entry.replica.port,
        }
    }

    /// Whether it is a copy, or comes back: such enter before new packets.
    pub(super) fn is_copy(&self) -> bool {
        match self {
            Self::Egress(entry) => entry.is_mirrored,
            Self::Ingress(entry) => match entry.entrant.kind {
                EntrantKind::Resubmitted | EntrantKind::Recirculated => true,
                EntrantKind::Arrived
                | EntrantKind::Forwarded
                | EntrantKind::Replicated { .. }
                | EntrantKind::Mirrored
                | EntrantKind::ParsedForClone => false,
            },
        }
    }

    /// The packet, without what is put in front of it.
    pub(super) fn packet(&self) -> &[u8] {
        match self {
            Self::Ingress(entry) => &entry.packet,
            Self::Egress(entry) => &entry.packet,
        }
    }

    /// What the engine is given.
    pub(super) fn job<'a>(&'a self, head: &'a Head, clock: u64) -> Job<'a> {
        match self {
            Self::Ingress(entry) => head.job(&entry.packet, clock),
            Self::Egress(entry) => head.job(&entry.packet, clock),
        }
    }
}

impl Tofino {
    /// Makes the machine for a pipe, and asks in the interface for what it exchanges with it.
    ///
    /// # Errors
    /// A pipe without ingress or egress.
    pub(super) fn new(
        arch: Arch,
        layout: &StateLayout,
        interface: &mut Interface,
    ) -> Result<Self, DeviceError> {
        let pipe = layout.pipe();
        let find = |role, gress| pipe.gress(role).ok_or(DeviceError::NoGress { gress });
        let (ingress_id, ingress) = find(GressRole::Ingress, "ingress")?;
        let (egress_id, egress) = find(GressRole::Egress, "egress")?;
        const ONE_EACH: &str = "the interface has one entry a gress";
        let into = interface.gresses.get_mut(ingress_id).expect(ONE_EACH);
        let ingress_gate = Gate {
            gress: ingress_id,
            header: IntrinsicHeader::ingress(ingress),
            timestamp: Timestamp::new(
                ingress,
                "ingress_intrinsic_metadata_from_parser_t.global_tstamp",
                into,
            ),
            watched: Watched::new(ingress, INGRESS_WATCHED, into),
            buffers: None,
        };
        let into = interface.gresses.get_mut(egress_id).expect(ONE_EACH);
        let egress_gate = Gate {
            gress: egress_id,
            header: IntrinsicHeader::egress(egress, arch),
            timestamp: Timestamp::new(
                egress,
                "egress_intrinsic_metadata_from_parser_t.global_tstamp",
                into,
            ),
            watched: Watched::new(egress, EGRESS_WATCHED, into),
            buffers: None,
        };
        Ok(Self {
            ingress: ingress_gate,
            egress: egress_gate,
            timer_header: IntrinsicHeader::generator_timer(ingress, arch),
            ingress_queue: VecDeque::new(),
            egress_queue: VecDeque::new(),
            mirrors: MirrorGate::default(),
            spare: Vec::new(),
        })
    }

    /// What the device gives a packet that enters its gress now; the prefix stands in front of it then.
    pub(super) fn prepare(&mut self, chassis: &mut Chassis, entry: &mut Entry, head: &mut Head) {
        match entry {
            Entry::Ingress(entry) => self.ingress_head(chassis, entry, head),
            Entry::Egress(entry) => self.egress_head(chassis, entry, head),
        }
    }

    /// What follows a pass: copies get in line, or the packet leaves.
    pub(super) fn follow(
        &mut self,
        chassis: &mut Chassis,
        entry: Entry,
        head: &Head,
        outcome: &mut Outcome,
    ) {
        match entry {
            Entry::Ingress(entry) => self.after_ingress(chassis, entry, head, outcome),
            Entry::Egress(entry) => self.after_egress(chassis, entry, head, outcome),
        }
    }

    /// Takes what is in line for a gress.
    pub(super) fn take_entries(&mut self) -> impl Iterator<Item = Entry> {
        let ingress = self.ingress_queue.drain(..).map(Entry::Ingress);
        ingress.chain(self.egress_queue.drain(..).map(Entry::Egress))
    }

    /// A pass through the ingress, and what follows it.
    #[inline]
    fn pass_ingress(
        &mut self,
        chassis: &mut Chassis,
        mut entry: IngressEntry,
    ) -> Result<(), DeviceError> {
        let mut buffers = self.ingress.buffers.take().unwrap_or_default();
        let Buffers { head, outcome } = &mut *buffers;
        self.ingress_head(chassis, &mut entry, head);
        let job = head.job(&entry.packet, chassis.clock);
        chassis.pass(self.ingress.gress, || entry.entrant, job, outcome)?;
        self.after_ingress(chassis, entry, head, outcome);
        self.ingress.buffers = Some(buffers);
        Ok(())
    }

    /// A pass through the egress, and what follows it.
    #[inline]
    fn pass_egress(
        &mut self,
        chassis: &mut Chassis,
        mut entry: Box<EgressEntry>,
    ) -> Result<(), DeviceError> {
        let mut buffers = self.egress.buffers.take().unwrap_or_default();
        let Buffers { head, outcome } = &mut *buffers;
        self.egress_head(chassis, &mut entry, head);
        let job = head.job(&entry.packet, chassis.clock);
        chassis.pass(self.egress.gress, || entry.entrant(), job, outcome)?;
        self.after_egress(chassis, entry, head, outcome);
        self.egress.buffers = Some(buffers);
        Ok(())
    }

    /// The header of a packet that the packet generator makes: application, batch, packet.
    pub(super) fn timer_header(&self, values: [u64; 3]) -> Vec<u8> {
        self.timer_header.bytes(values)
    }

    /// Puts a packet in line for the ingress, if a pass is left for it.
    fn queue_ingress(&mut self, chassis: &mut Chassis, entry: IngressEntry) {
        let arrival = entry.entrant.arrival;
        if chassis.admits(arrival, entry.packet.len(), self.n_queued()) {
            self.ingress_queue.push_back(entry);
        }
    }

    /// Puts a packet in line for the egress, if a pass is left for it.
    #[inline]
    fn queue_egress(&mut self, chassis: &mut Chassis, entry: Box<EgressEntry>) {
        if chassis.admits(entry.arrival, entry.packet.len(), self.n_queued()) {
            self.egress_queue.push_back(entry);
        } else {
            self.give_back(chassis, entry);
        }
    }

    /// An entry for a packet; one that was used before, if there is one.
    #[inline]
    fn entry(
        &mut self,
        made: Made,
        replica: Replica,
        cos: u64,
        packet: Packet,
    ) -> Box<EgressEntry> {
        let Made {
            arrival,
            made_by,
            qid,
            length,
            is_mirrored,
            mirror_len,
        } = made;
        let mut entry = self.spare.pop().unwrap_or_default();
        entry.arrival = arrival;
        entry.made_by = made_by;
        entry.replica = replica;
        entry.qid = qid;
        entry.cos = cos;
        entry.length = length;
        entry.is_mirrored = is_mirrored;
        entry.queued = Queued::default();
        entry.mirror_len = mirror_len;
        entry.packet = packet;
        entry
    }

    /// A packet is gone: its buffers are used again.
    #[inline]
    fn give_back(&mut self, chassis: &mut Chassis, mut entry: Box<EgressEntry>) {
        chassis.pool.give_back(std::mem::take(&mut entry.packet));
        self.spare.push(entry);
    }

    /// Whether copies pass as they come.
    pub(super) fn is_open(&self) -> bool {
        self.mirrors.is_open()
    }

    /// A packet that comes in through a port.
    #[inline]
    pub(super) fn arriving(arrival: u64, port: u16, packet: Packet) -> IngressEntry {
        let entrant = Entrant {
            arrival,
            made_by: None,
            kind: EntrantKind::Arrived,
            port,
        };
        IngressEntry {
            entrant,
            resubmit: None,
            packet,
        }
    }

    /// How many mirrored copies wait.
    pub(super) fn n_held(&self) -> usize {
        self.mirrors.n_held()
    }

    fn n_queued(&self) -> usize {
        self.ingress_queue.len() + self.egress_queue.len()
    }
}

impl Machine for Tofino {
    type Entry = Box<EgressEntry>;

    #[inline]
    fn enter(
        &mut self,
        chassis: &mut Chassis,
        arrival: u64,
        port: u16,
        packet: Packet,
    ) -> Result<(), DeviceError> {
        self.pass_ingress(chassis, Self::arriving(arrival, port, packet))
    }

    #[inline]
    fn step(&mut self, chassis: &mut Chassis) -> Result<bool, DeviceError> {
        if let Some(entry) = self.egress_queue.pop_front() {
            self.pass_egress(chassis, entry)?;
        } else if let Some(entry) = self.ingress_queue.pop_front() {
            self.pass_ingress(chassis, entry)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn gate(&mut self) -> &mut MirrorGate<Box<EgressEntry>> {
        &mut self.mirrors
    }

    fn queue(&mut self, entry: Box<EgressEntry>) {
        self.egress_queue.push_back(entry);
    }
}

impl EgressEntry {
    /// The queue that it waits in.
    pub(super) fn queue(&self) -> u64 {
        self.qid
    }

    /// Bytes of the packet, without what is put in front of it.
    pub(super) fn len(&self) -> usize {
        self.packet.len()
    }

    /// What enters the egress.
    fn entrant(&self) -> Entrant {
        let Replica { port, rid, .. } = self.replica;
        Entrant {
            arrival: self.arrival,
            made_by: self.made_by,
            kind: match (self.is_mirrored, rid) {
                (true, _) => EntrantKind::Mirrored,
                (false, 0) => EntrantKind::Forwarded,
                (false, rid) => EntrantKind::Replicated { rid },
            },
            port,
        }
    }
}

impl machine::EgressEntry for Box<EgressEntry> {
    fn arrival(&self) -> u64 {
        self.arrival
    }
}

fn parser_drop(gress: GressRole, failure: p4rmt_engine::ParseFailure) -> DropReason {
    DropReason::Parser {
        gress,
        error: failure.error,
        span: failure.span,
    }
}
