//! A pass through the ingress, and what follows it: resubmission, copies, the way on.

use p4rmt_engine::{Outcome, Verdict};
use p4rmt_ir::GressRole;
use p4rmt_shard::{Arrivals, Bounds};
use p4rmt_source::Span;

use super::intrinsic::{INGRESS_WATCHED, MARGIN, ingress};
use super::{EgressEntry, Head, IngressEntry, Made, Tofino, parser_drop};
use crate::device::chassis::Chassis;
use crate::device::watched::Watched;
use crate::fate::{DropReason, FateEvent};
use crate::traffic::Replica;
use crate::{Entrant, EntrantKind, Packet};

/// The unicast port that is none.
const NO_PORT: u64 = 0x1ff;

/// What a pass decided.
struct Decision {
    drop_ctl: u64,
    /// The statement that wrote `drop_ctl` last, if it drops the packet.
    drop_span: Option<Span>,
    is_for_cpu: bool,
    bypasses_egress: bool,
    qid: u64,
    cos: u64,
    cos_for_cpu: u64,
    unicast: Option<u16>,
    groups: [Option<u16>; 2],
    /// Whether a mirrored copy is of the packet as deparsed.
    copies_deparsed: bool,
    may_mirror: bool,
    may_resubmit: bool,
}

impl Decision {
    #[inline]
    fn read(watched: &Watched<{ INGRESS_WATCHED.len() }>, outcome: &Outcome) -> Self {
        let get = |name| watched.get(outcome, name);
        let is_written = |name| watched.is_written(outcome, name);
        let drop_ctl = get(ingress::DROP_CTL);
        let group = |name| Some(get(name) as u16).filter(|group| *group != 0);
        let unicast = Some(get(ingress::UCAST_EGRESS_PORT))
            .filter(|port| is_written(ingress::UCAST_EGRESS_PORT) && *port != NO_PORT)
            .map(|port| port as u16);
        Self {
            drop_ctl,
            drop_span: (drop_ctl & 1 != 0)
                .then(|| watched.written(outcome, ingress::DROP_CTL))
                .flatten(),
            is_for_cpu: get(ingress::COPY_TO_CPU) == 1 && drop_ctl & 2 == 0,
            bypasses_egress: get(ingress::BYPASS_EGRESS) == 1,
            qid: get(ingress::QID),
            cos: get(ingress::COS),
            cos_for_cpu: get(ingress::COS_FOR_CPU),
            unicast,
            groups: [group(ingress::MCAST_GRP_A), group(ingress::MCAST_GRP_B)],
            copies_deparsed: is_written(ingress::MIRROR_IO_SELECT)
                && get(ingress::MIRROR_IO_SELECT) == 1,
            may_mirror: drop_ctl & 4 == 0 && watched.is_valid(outcome, ingress::MIRROR_TYPE),
            may_resubmit: drop_ctl & 1 == 0 && watched.is_valid(outcome, ingress::RESUBMIT_TYPE),
        }
    }

    fn is_dropped(&self) -> bool {
        self.drop_ctl & 1 != 0
    }
}

impl Tofino {
    /// How packets arrive in the ingress.
    pub(in crate::device) fn arrivals(&self) -> Arrivals {
        const TIMESTAMP: usize = 2;
        let (start, end) = self.ingress.header.bits_of(TIMESTAMP).unwrap_or_default();
        Arrivals {
            gress: self.ingress.gress,
            clock_bits: Bounds { start, end },
        }
    }

    /// What stands in front of a packet that arrives on a port, at time 0.
    pub(in crate::device) fn arrival_prefix(&self, chassis: &Chassis, port: u16) -> Vec<u8> {
        let header = self.ingress.header.bytes([0, port.into(), 0]);
        let metadata = chassis.port_metadata.get(usize::from(port));
        let metadata = metadata.and_then(Option::as_ref);
        let mut behind = metadata.cloned().unwrap_or_default();
        behind.resize(chassis.config.port_metadata_bytes, 0);
        [header, behind].concat()
    }

    /// What the device puts in front of a packet that enters now.
    #[inline]
    pub(super) fn ingress_head(
        &mut self,
        chassis: &mut Chassis,
        entry: &mut IngressEntry,
        head: &mut Head,
    ) {
        let ns = chassis.now_ns();
        let values = [
            u64::from(entry.resubmit.is_some()),
            u64::from(entry.entrant.port),
            ns,
        ];
        let metadata = chassis.port_metadata.get(usize::from(entry.entrant.port));
        let metadata = metadata.and_then(Option::as_ref);
        let metadata = entry.resubmit.as_ref().or(metadata);
        let metadata_len = chassis.config.port_metadata_bytes;
        head.prefix_len = self.ingress.header.n_bytes() + metadata_len;
        let front = entry.packet.front_mut(MARGIN + head.prefix_len);
        let (header, behind) = front.split_at_mut(front.len() - metadata_len);
        self.ingress.header.write(header, values);
        behind.fill(0);
        if let Some(metadata) = metadata {
            let len = metadata.len().min(metadata_len);
            behind[..len].copy_from_slice(&metadata[..len]);
        }
        self.ingress.timestamp.inputs(ns, &mut head.inputs);
    }

    /// What follows a pass.
    #[inline]
    pub(super) fn after_ingress(
        &mut self,
        chassis: &mut Chassis,
        entry: IngressEntry,
        head: &Head,
        outcome: &mut Outcome,
    ) {
        let arrival = entry.entrant.arrival;
        let gress = GressRole::Ingress;
        chassis.keep_messages(arrival, self.ingress.gress, outcome);
        if let Verdict::Dropped(failure) = outcome.verdict {
            chassis.pool.give_back(entry.packet);
            return chassis.end(arrival, parser_drop(gress, failure));
        }
        if let Some(port) = self.only_port(outcome) {
            let (length, mut packet) = (entry.packet.len(), entry.packet);
            head.deparse(&mut packet, outcome);
            chassis.tell(arrival, FateEvent::Forwarded { port, rid: None });
            let watched = &self.ingress.watched;
            let made = Made {
                arrival,
                made_by: chassis.made_by,
                qid: watched.get(outcome, ingress::QID),
                length: length as u32,
                is_mirrored: false,
                mirror_len: 0,
            };
            let cos = watched.get(outcome, ingress::COS);
            let entry = self.entry(made, Replica::of_unicast(port), cos, packet);
            return self.queue_egress(chassis, entry);
        }
        let decision = Decision::read(&self.ingress.watched, outcome);
        if decision.may_mirror && decision.copies_deparsed {
            let received = entry.packet.with_front(head.prefix_len);
            let mut copied = chassis.pool.packet(received);
            copied.replace_front(head.prefix_len, &[]);
            head.deparse(&mut copied, outcome);
            self.mirror(chassis, gress, arrival, outcome, &copied);
            chassis.pool.give_back(copied);
        } else if decision.may_mirror {
            self.mirror(chassis, gress, arrival, outcome, &entry.packet);
        }
        let resubmit = outcome.resubmit.as_ref();
        if let Some(request) = resubmit.filter(|_| decision.may_resubmit) {
            let header = outcome.extra.get(request.header.clone());
            chassis.counters.resubmitted += 1;
            chassis.tell(arrival, FateEvent::Resubmitted);
            let entrant = Entrant {
                made_by: chassis.made_by,
                kind: EntrantKind::Resubmitted,
                ..entry.entrant
            };
            let entry = IngressEntry {
                entrant,
                resubmit: Some(header.unwrap_or_default().to_vec()),
                packet: entry.packet,
            };
            return self.queue_ingress(chassis, entry);
        }
        let mut packet = entry.packet;
        let length = packet.len();
        head.deparse(&mut packet, outcome);
        self.forward(chassis, arrival, length as u32, &decision, packet);
    }

    /// The port of a packet that asks for nothing else: no drop, no copy, no other way.
    #[inline]
    fn only_port(&self, outcome: &Outcome) -> Option<u16> {
        let watched = &self.ingress.watched;
        let more = [
            ingress::DROP_CTL,
            ingress::COPY_TO_CPU,
            ingress::MCAST_GRP_A,
            ingress::MCAST_GRP_B,
            ingress::BYPASS_EGRESS,
        ]
        .into_iter()
        .fold(0, |more, name| more | watched.get(outcome, name));
        let port = watched.get(outcome, ingress::UCAST_EGRESS_PORT);
        let is_only = more == 0
            && port != NO_PORT
            && outcome.mirrors.is_empty()
            && outcome.resubmit.is_none()
            && watched.is_written(outcome, ingress::UCAST_EGRESS_PORT);
        is_only.then_some(port as u16)
    }

    /// Sends a packet on its ways: to the CPU, to its port, to its groups.
    fn forward(
        &mut self,
        chassis: &mut Chassis,
        arrival: u64,
        length: u32,
        decision: &Decision,
        packet: Packet,
    ) {
        let made = Made {
            arrival,
            made_by: chassis.made_by,
            qid: decision.qid,
            length,
            is_mirrored: false,
            mirror_len: 0,
        };
        if decision.is_for_cpu {
            chassis.tell(arrival, FateEvent::CopiedToCpu);
            let replica = Replica::of_unicast(chassis.config.cpu_port);
            let packet = chassis.pool.packet(&packet);
            let entry = self.entry(made, replica, decision.cos_for_cpu, packet);
            self.send(chassis, entry, decision);
        }
        if decision.is_dropped() {
            let reason = DropReason::Program {
                gress: GressRole::Ingress,
                span: decision.drop_span.unwrap_or(Span::NONE),
            };
            chassis.pool.give_back(packet);
            return chassis.end(arrival, reason);
        }
        let mut replicas = Vec::new();
        for group in decision.groups.into_iter().flatten() {
            replicas.extend(chassis.replicate(arrival, group));
        }
        if let Some(port) = decision.unicast {
            chassis.tell(arrival, FateEvent::Forwarded { port, rid: None });
            let replica = Replica::of_unicast(port);
            let packet = chassis.pool.packet(&packet);
            let entry = self.entry(made, replica, decision.cos, packet);
            self.send(chassis, entry, decision);
        }
        for replica in replicas {
            let (port, rid) = (replica.port, Some(replica.rid));
            chassis.tell(arrival, FateEvent::Forwarded { port, rid });
            let packet = chassis.pool.packet(&packet);
            let entry = self.entry(made, replica, decision.cos, packet);
            self.send(chassis, entry, decision);
        }
        chassis.pool.give_back(packet);
        if decision.unicast.is_none() && decision.groups == [None; 2] && !decision.is_for_cpu {
            chassis.end(arrival, DropReason::NoDestination);
        }
    }

    /// Sends a copy to the egress, or past it.
    fn send(&mut self, chassis: &mut Chassis, entry: Box<EgressEntry>, decision: &Decision) {
        if decision.bypasses_egress {
            let EgressEntry {
                arrival,
                replica,
                packet,
                ..
            } = *entry;
            self.leave(chassis, arrival, replica.port, packet);
        } else {
            self.queue_egress(chassis, entry);
        }
    }
}
