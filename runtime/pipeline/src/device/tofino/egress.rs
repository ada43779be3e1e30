//! A pass through the egress, and what follows it: mirrored copies, the way out.

use p4rmt_engine::{Outcome, Verdict};
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use super::intrinsic::egress;
use super::{EgressEntry, Head, IngressEntry, Tofino, parser_drop};
use crate::device::chassis::{Chassis, EmittedHeaders};
use crate::fate::{DropReason, FateEvent};
use crate::{Entrant, EntrantKind, Packet};

impl Tofino {
    /// What the device puts in front of a packet that enters now.
    pub(super) fn egress_head(&self, chassis: &mut Chassis, entry: &EgressEntry, head: &mut Head) {
        let ns = chassis.now_ns();
        let queued = entry.queued;
        let enqueued_ns = queued
            .clock
            .map_or(ns, |clock| chassis.config.nanoseconds(clock));
        head.prefix.clear();
        let values = [
            u64::from(entry.replica.port),
            enqueued_ns,
            u64::from(entry.replica.rid),
            u64::from(entry.replica.is_first),
            entry.qid,
            entry.cos,
            entry.length as u64,
            queued.depth_before,
            queued.depth_behind,
            ns.wrapping_sub(enqueued_ns),
        ];
        self.egress.header.append(&mut head.prefix, values);
        let mirror_header = &entry.packet.with_front(entry.mirror_len)[..entry.mirror_len];
        head.prefix.extend_from_slice(mirror_header);
        self.egress.timestamp.inputs(ns, &mut head.inputs);
    }

    /// What follows an egress pass: copies, the way out.
    pub(super) fn after_egress(
        &mut self,
        chassis: &mut Chassis,
        entry: EgressEntry,
        head: &Head,
        outcome: &Outcome,
        headers: Option<EmittedHeaders>,
    ) {
        let arrival = entry.arrival;
        let role = GressRole::Egress;
        let mut packet = entry.packet;
        if let Verdict::Dropped(failure) = outcome.verdict {
            chassis.pool.give_back(packet);
            return chassis.end(arrival, parser_drop(role, failure));
        }
        let watched = &self.egress.watched;
        let drop_ctl = watched.get(outcome, egress::DROP_CTL);
        let span = watched.written(outcome, egress::DROP_CTL);
        let copies_received = watched.written(outcome, egress::MIRROR_IO_SELECT).is_some()
            && watched.get(outcome, egress::MIRROR_IO_SELECT) == 0;
        let may_mirror = drop_ctl & 4 == 0 && watched.is_valid(outcome, egress::MIRROR_TYPE);
        if may_mirror && copies_received {
            self.mirror(chassis, role, arrival, outcome, &packet);
        }
        head.deparse(&mut packet, outcome);
        if may_mirror && !copies_received {
            self.mirror(chassis, role, arrival, outcome, &packet);
        }
        if drop_ctl & 1 != 0 {
            let reason = DropReason::Program {
                gress: role,
                span: span.unwrap_or(Span::NONE),
            };
            chassis.pool.give_back(packet);
            return chassis.end(arrival, reason);
        }
        self.leave(chassis, arrival, entry.replica.port, packet, headers);
    }

    /// A packet leaves the pipe: it comes back, or goes out through its port.
    pub(super) fn leave(
        &mut self,
        chassis: &mut Chassis,
        arrival: u64,
        port: u16,
        packet: Packet,
        headers: Option<EmittedHeaders>,
    ) {
        if chassis.config.recirculation_ports.contains(&port) {
            chassis.counters.recirculated += 1;
            chassis.tell(arrival, FateEvent::Recirculated { port });
            let entrant = Entrant {
                arrival,
                made_by: chassis.made_by,
                kind: EntrantKind::Recirculated,
                port,
            };
            let entry = IngressEntry {
                entrant,
                resubmit: None,
                packet,
            };
            return self.queue_ingress(chassis, entry);
        }
        chassis.depart(arrival, port, packet, headers);
    }
}
