//! A pass through the egress, and what follows it: mirrored copies, the way out.

use p4rmt_engine::{Job, Outcome, Verdict};
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use super::{Departure, Device, EgressEntry, EmittedHeaders, IngressEntry, deparsed, parser_drop};
use crate::DeviceError;
use crate::fate::{DropReason, FateEvent};
use crate::intrinsic::egress;

impl Device {
    pub(super) fn run_egress(&mut self, entry: EgressEntry) -> Result<(), DeviceError> {
        let ns = self.config.nanoseconds(self.clock);
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
            self.counters.mirror_copies += 1;
        }
        let job = Job {
            prefix: &buffers.prefix,
            packet: &entry.packet,
            clock: self.clock,
            inputs: &buffers.inputs,
        };
        let outcome = &mut buffers.outcome;
        let gress = self.egress.gress;
        let headers = self.pass(gress, job, outcome)?;
        let deparsed = deparsed(&job, &outcome[0]);
        self.after_egress(entry, &outcome[0], deparsed, headers);
        self.buffers = buffers;
        Ok(())
    }

    /// What follows an egress pass: copies, the way out.
    fn after_egress(
        &mut self,
        entry: EgressEntry,
        outcome: &Outcome,
        deparsed: Vec<u8>,
        headers: Option<EmittedHeaders>,
    ) {
        let arrival = entry.arrival;
        let role = GressRole::Egress;
        if let Verdict::Dropped(failure) = outcome.verdict {
            return self.end(arrival, parser_drop(role, failure));
        }
        self.counters.digests += outcome.digests.len() as u64;
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
            self.mirror(role, arrival, outcome, copied);
        }
        if drop_ctl & 1 != 0 {
            let reason = DropReason::Program {
                gress: role,
                span: span.unwrap_or(Span::NONE),
            };
            return self.end(arrival, reason);
        }
        self.leave(arrival, entry.replica.port, deparsed, headers);
    }

    /// A packet leaves the pipe: it comes back, or goes out through the unit of its port.
    pub(super) fn leave(
        &mut self,
        arrival: u64,
        port: u16,
        mut packet: Vec<u8>,
        headers: Option<EmittedHeaders>,
    ) {
        if self.config.recirculation_ports.contains(&port) {
            self.counters.recirculated += 1;
            self.tell(arrival, FateEvent::Recirculated { port });
            return self.queue_ingress(IngressEntry {
                arrival,
                port,
                resubmit: None,
                packet,
            });
        }
        if let Some(unit) = self.units.get(usize::from(port)).copied().flatten()
            && let Err(fault) = unit.send(&mut packet)
        {
            return self.end(arrival, DropReason::PortUnit { port, fault });
        }
        let len = packet.len();
        self.counters.packets_out += 1;
        self.counters.bytes_out += len as u64;
        self.tell(arrival, FateEvent::Left { port, len });
        self.departures.push(Departure {
            port,
            timestamp_ns: self.config.nanoseconds(self.clock),
            arrival,
            bytes: packet,
            headers,
        });
    }
}
