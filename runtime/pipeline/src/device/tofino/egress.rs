//! A pass through the egress, and what follows it: mirrored copies, the way out.

use p4rmt_engine::{Outcome, Verdict};
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use super::intrinsic::{MARGIN, egress};
use super::{EgressEntry, Head, IngressEntry, Tofino, parser_drop};
use crate::device::chassis::Chassis;
use crate::fate::{DropReason, FateEvent};
use crate::{Entrant, EntrantKind, Packet};

impl Tofino {
    /// What the device puts in front of a packet that enters now.
    #[inline]
    pub(super) fn egress_head(
        &mut self,
        chassis: &mut Chassis,
        entry: &mut EgressEntry,
        head: &mut Head,
    ) {
        chassis.counters.mirror_copies += u64::from(entry.is_mirrored);
        let ns = chassis.now_ns();
        let queued = entry.queued;
        let enqueued_ns = queued
            .clock
            .map_or(ns, |clock| chassis.config.nanoseconds(clock));
        let values = [
            u64::from(entry.replica.port),
            enqueued_ns,
            u64::from(entry.replica.rid),
            u64::from(entry.replica.is_first),
            entry.qid,
            entry.cos,
            u64::from(entry.length),
            queued.depth_before,
            queued.depth_behind,
            ns.wrapping_sub(enqueued_ns),
        ];
        // The mirror header stands there already.
        let mirror_len = entry.mirror_len as usize;
        head.prefix_len = self.egress.header.n_bytes() + mirror_len;
        let front = entry.packet.front_mut(MARGIN + head.prefix_len);
        let (header, _) = front.split_at_mut(front.len() - mirror_len);
        self.egress.header.write(header, values);
        self.egress.timestamp.inputs(ns, &mut head.inputs);
    }

    /// What follows an egress pass: copies, the way out.
    #[inline]
    pub(super) fn after_egress(
        &mut self,
        chassis: &mut Chassis,
        mut entry: Box<EgressEntry>,
        head: &Head,
        outcome: &mut Outcome,
    ) {
        let arrival = entry.arrival;
        let role = GressRole::Egress;
        chassis.keep_messages(arrival, self.egress.gress, outcome);
        if let Verdict::Dropped(failure) = outcome.verdict {
            self.give_back(chassis, entry);
            return chassis.end(arrival, parser_drop(role, failure));
        }
        let watched = &self.egress.watched;
        let drop_ctl = watched.get(outcome, egress::DROP_CTL);
        if outcome.mirrors.is_empty() {
            head.deparse(&mut entry.packet, outcome);
        } else {
            let copies_received = watched.is_written(outcome, egress::MIRROR_IO_SELECT)
                && watched.get(outcome, egress::MIRROR_IO_SELECT) == 0;
            let may_mirror = drop_ctl & 4 == 0 && watched.is_valid(outcome, egress::MIRROR_TYPE);
            if may_mirror && copies_received {
                self.mirror(chassis, role, arrival, outcome, &entry.packet);
            }
            head.deparse(&mut entry.packet, outcome);
            if may_mirror && !copies_received {
                self.mirror(chassis, role, arrival, outcome, &entry.packet);
            }
        }
        if drop_ctl & 1 != 0 {
            let span = self.egress.watched.written(outcome, egress::DROP_CTL);
            let reason = DropReason::Program {
                gress: role,
                span: span.unwrap_or(Span::NONE),
            };
            self.give_back(chassis, entry);
            return chassis.end(arrival, reason);
        }
        let packet = std::mem::take(&mut entry.packet);
        let port = entry.replica.port;
        self.spare.push(entry);
        self.leave(chassis, arrival, port, packet);
    }

    /// A packet leaves the pipe: it comes back, or goes out through its port.
    #[inline]
    pub(super) fn leave(&mut self, chassis: &mut Chassis, arrival: u64, port: u16, packet: Packet) {
        if chassis.recirculates(port) {
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
        chassis.depart(arrival, port, packet);
    }
}
