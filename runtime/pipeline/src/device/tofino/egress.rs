//! A pass through the egress, and what follows it: mirrored copies, the way out.

use p4rmt_engine::{Job, Outcome, Part, Verdict};
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use super::intrinsic::egress;
use super::{EgressEntry, IngressEntry, Tofino, parser_drop};
use crate::device::chassis::{Chassis, EmittedHeaders, deparsed};
use crate::fate::{DropReason, FateEvent};
use crate::{DeviceError, Entrant, EntrantKind};

impl Tofino {
    pub(super) fn run_egress(
        &mut self,
        chassis: &mut Chassis,
        entry: EgressEntry,
    ) -> Result<(), DeviceError> {
        let ns = chassis.now_ns();
        let mut buffers = std::mem::take(&mut self.buffers);
        buffers.prefix.clear();
        let values = [
            u64::from(entry.replica.port),
            ns,
            u64::from(entry.replica.rid),
            u64::from(entry.replica.is_first),
            entry.qid,
            entry.cos,
            entry.length as u64,
        ];
        self.egress.header.append(&mut buffers.prefix, values);
        buffers.prefix.extend(&entry.mirror_header);
        self.egress.timestamp.inputs(ns, &mut buffers.inputs);
        if entry.is_mirrored {
            chassis.counters.mirror_copies += 1;
        }
        let job = Job {
            prefix: &buffers.prefix,
            packet: &entry.packet,
            clock: chassis.clock,
            inputs: &buffers.inputs,
            part: Part::Whole,
            phv: &[],
        };
        let outcome = &mut buffers.outcome;
        let gress = self.egress.gress;
        let headers = chassis.pass(gress, entry.entrant(), job, outcome)?;
        let deparsed = deparsed(&job, &outcome[0]);
        chassis.keep_messages(entry.arrival, gress, &mut outcome[0]);
        self.after_egress(chassis, entry, &outcome[0], deparsed, headers);
        self.buffers = buffers;
        Ok(())
    }

    /// What follows an egress pass: copies, the way out.
    fn after_egress(
        &mut self,
        chassis: &mut Chassis,
        entry: EgressEntry,
        outcome: &Outcome,
        deparsed: Vec<u8>,
        headers: Option<EmittedHeaders>,
    ) {
        let arrival = entry.arrival;
        let role = GressRole::Egress;
        if let Verdict::Dropped(failure) = outcome.verdict {
            return chassis.end(arrival, parser_drop(role, failure));
        }
        let watched = &self.egress.watched;
        let drop_ctl = watched.get(outcome, egress::DROP_CTL);
        let span = watched.written(outcome, egress::DROP_CTL);
        let copies_received = watched.written(outcome, egress::MIRROR_IO_SELECT).is_some()
            && watched.get(outcome, egress::MIRROR_IO_SELECT) == 0;
        if drop_ctl & 4 == 0 && watched.is_valid(outcome, egress::MIRROR_TYPE) {
            let copied = if copies_received {
                &entry.packet
            } else {
                &deparsed
            };
            self.mirror(chassis, role, arrival, outcome, copied);
        }
        if drop_ctl & 1 != 0 {
            let reason = DropReason::Program {
                gress: role,
                span: span.unwrap_or(Span::NONE),
            };
            return chassis.end(arrival, reason);
        }
        self.leave(chassis, arrival, entry.replica.port, deparsed, headers);
    }

    /// A packet leaves the pipe: it comes back, or goes out through its port.
    pub(super) fn leave(
        &mut self,
        chassis: &mut Chassis,
        arrival: u64,
        port: u16,
        packet: Vec<u8>,
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
