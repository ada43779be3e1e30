//! A pass through the ingress, and what follows it: resubmission, copies, the way on.

use p4rmt_engine::{Outcome, Verdict};
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use super::intrinsic::{INGRESS_WATCHED, ingress};
use super::{EgressEntry, Head, IngressEntry, Queued, Tofino, parser_drop};
use crate::device::chassis::{Chassis, EmittedHeaders};
use crate::device::watched::Watched;
use crate::fate::{DropReason, FateEvent};
use crate::traffic::Replica;
use crate::{Entrant, EntrantKind, Packet};

/// The unicast port that is none.
const NO_PORT: u64 = 0x1ff;

/// What a pass decided.
struct Decision {
    drop_ctl: u64,
    /// The statement that wrote `drop_ctl` last.
    drop_span: Span,
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
    fn read(watched: &Watched<{ INGRESS_WATCHED.len() }>, outcome: &Outcome) -> Self {
        let get = |name| watched.get(outcome, name);
        let written = |name| watched.written(outcome, name);
        let drop_ctl = get(ingress::DROP_CTL);
        let group = |name| Some(get(name) as u16).filter(|group| *group != 0);
        let unicast = Some(get(ingress::UCAST_EGRESS_PORT))
            .filter(|port| written(ingress::UCAST_EGRESS_PORT).is_some() && *port != NO_PORT)
            .map(|port| port as u16);
        Self {
            drop_ctl,
            drop_span: written(ingress::DROP_CTL).unwrap_or(Span::NONE),
            is_for_cpu: get(ingress::COPY_TO_CPU) == 1 && drop_ctl & 2 == 0,
            bypasses_egress: get(ingress::BYPASS_EGRESS) == 1,
            qid: get(ingress::QID),
            cos: get(ingress::COS),
            cos_for_cpu: get(ingress::COS_FOR_CPU),
            unicast,
            groups: [group(ingress::MCAST_GRP_A), group(ingress::MCAST_GRP_B)],
            copies_deparsed: written(ingress::MIRROR_IO_SELECT).is_some()
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
    /// What the device puts in front of a packet that enters now.
    pub(super) fn ingress_head(
        &self,
        chassis: &mut Chassis,
        entry: &IngressEntry,
        head: &mut Head,
    ) {
        let ns = chassis.now_ns();
        head.prefix.clear();
        let values = [
            u64::from(entry.resubmit.is_some()),
            u64::from(entry.entrant.port),
            ns,
        ];
        self.ingress.header.append(&mut head.prefix, values);
        let start = head.prefix.len();
        let metadata = chassis.port_metadata.get(usize::from(entry.entrant.port));
        let metadata = metadata.and_then(Option::as_ref);
        let metadata = entry.resubmit.as_ref().or(metadata);
        head.prefix
            .extend_from_slice(metadata.map_or(&[][..], |bytes| bytes));
        head.prefix
            .resize(start + chassis.config.port_metadata_bytes, 0);
        self.ingress.timestamp.inputs(ns, &mut head.inputs);
    }

    /// What follows a pass.
    pub(super) fn after_ingress(
        &mut self,
        chassis: &mut Chassis,
        entry: IngressEntry,
        head: &Head,
        outcome: &Outcome,
        headers: Option<EmittedHeaders>,
    ) {
        let arrival = entry.entrant.arrival;
        let gress = GressRole::Ingress;
        if let Verdict::Dropped(failure) = outcome.verdict {
            chassis.pool.give_back(entry.packet);
            return chassis.end(arrival, parser_drop(gress, failure));
        }
        let decision = Decision::read(&self.ingress.watched, outcome);
        if decision.may_mirror && decision.copies_deparsed {
            let mut copied = chassis.pool.packet(&entry.packet);
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
        self.forward(chassis, arrival, length, &decision, packet, headers);
    }

    /// Sends a packet on its ways: to the CPU, to its port, to its groups.
    fn forward(
        &mut self,
        chassis: &mut Chassis,
        arrival: u64,
        length: usize,
        decision: &Decision,
        packet: Packet,
        headers: Option<EmittedHeaders>,
    ) {
        let made_by = chassis.made_by;
        let copy = |replica: Replica, cos: u64, packet: Packet| EgressEntry {
            arrival,
            made_by,
            replica,
            qid: decision.qid,
            cos,
            length,
            is_mirrored: false,
            queued: Queued::default(),
            mirror_len: 0,
            packet,
        };
        if decision.is_for_cpu {
            chassis.tell(arrival, FateEvent::CopiedToCpu);
            let replica = Replica::of_unicast(chassis.config.cpu_port);
            let packet = chassis.pool.packet(&packet);
            let entry = copy(replica, decision.cos_for_cpu, packet);
            self.send(chassis, entry, decision, &headers);
        }
        if decision.is_dropped() {
            let reason = DropReason::Program {
                gress: GressRole::Ingress,
                span: decision.drop_span,
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
            // Without other copies, it is the packet itself that goes.
            if replicas.is_empty() {
                let entry = copy(replica, decision.cos, packet);
                return self.send(chassis, entry, decision, &headers);
            }
            let packet = chassis.pool.packet(&packet);
            let entry = copy(replica, decision.cos, packet);
            self.send(chassis, entry, decision, &headers);
        }
        for replica in replicas {
            let (port, rid) = (replica.port, Some(replica.rid));
            chassis.tell(arrival, FateEvent::Forwarded { port, rid });
            let packet = chassis.pool.packet(&packet);
            let entry = copy(replica, decision.cos, packet);
            self.send(chassis, entry, decision, &headers);
        }
        chassis.pool.give_back(packet);
        if decision.unicast.is_none() && decision.groups == [None; 2] && !decision.is_for_cpu {
            chassis.end(arrival, DropReason::NoDestination);
        }
    }

    /// Sends a copy to the egress, or past it.
    fn send(
        &mut self,
        chassis: &mut Chassis,
        entry: EgressEntry,
        decision: &Decision,
        headers: &Option<EmittedHeaders>,
    ) {
        if decision.bypasses_egress {
            self.leave(
                chassis,
                entry.arrival,
                entry.replica.port,
                entry.packet,
                headers.clone(),
            );
        } else {
            self.queue_egress(chassis, entry);
        }
    }
}
