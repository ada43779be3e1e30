//! Parser and ingress, and what follows: clones, digests, the way back or on.

use p4rmt_engine::{Job, Outcome, Part};
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use super::metadata::Standard;
use super::{DROP_PORT, EgressEntry, IngressEntry, Instance, V1model, watched};
use crate::device::chassis::Chassis;
use crate::fate::{DropReason, FateEvent};
use crate::{DeviceError, Entrant, EntrantKind};

impl V1model {
    pub(super) fn run_ingress(
        &mut self,
        chassis: &mut Chassis,
        entry: IngressEntry,
    ) -> Result<(), DeviceError> {
        let mut phv = self.free_fields.pop().unwrap_or_default();
        self.metadata.clear(&mut phv);
        self.metadata.restore(&mut phv, &entry.kept);
        let length = entry.packet.len() as u64;
        self.metadata.set(&mut phv, Standard::PacketLength, length);
        let instance = entry.instance as u64;
        self.metadata
            .set(&mut phv, Standard::InstanceType, instance);
        if entry.instance == Instance::Normal {
            let (port, us) = (u64::from(entry.port), chassis.now_ns() / 1000);
            self.metadata.set(&mut phv, Standard::IngressPort, port);
            let field = Standard::IngressGlobalTimestamp;
            self.metadata.set(&mut phv, field, us);
        }
        let job = Job {
            bytes: &entry.packet,
            prefix_len: 0,
            clock: chassis.clock,
            inputs: &[],
            part: Part::Front,
            phv: &phv,
        };
        let mut outcome = self.outcome.take().unwrap_or_default();
        let entrant = || Entrant {
            arrival: entry.arrival,
            made_by: entry.made_by,
            kind: match entry.instance {
                Instance::Resubmitted => EntrantKind::Resubmitted,
                Instance::Recirculated => EntrantKind::Recirculated,
                Instance::Normal
                | Instance::IngressClone
                | Instance::EgressClone
                | Instance::Replica => EntrantKind::Arrived,
            },
            port: entry.port,
        };
        let result = chassis
            .pass(self.gress, entrant, job, &mut outcome[0])
            .and_then(|_| {
                chassis.keep_messages(entry.arrival, self.gress, &mut outcome[0]);
                self.check_claims(&outcome[0])?;
                self.after_ingress(chassis, entry, &mut outcome[0])
            });
        self.outcome = Some(outcome);
        self.free_fields.push(phv);
        result
    }

    pub(super) fn after_ingress(
        &mut self,
        chassis: &mut Chassis,
        entry: IngressEntry,
        outcome: &mut Outcome,
    ) -> Result<(), DeviceError> {
        let arrival = entry.arrival;
        if let Some(request) = &outcome.requests.clone {
            self.clone_received(chassis, &entry, outcome, request)?;
        }
        if let Some(request) = &outcome.requests.resubmit {
            chassis.counters.resubmitted += 1;
            chassis.tell(arrival, FateEvent::Resubmitted);
            let entry = IngressEntry {
                made_by: chassis.made_by,
                instance: Instance::Resubmitted,
                kept: self.metadata.keep(&outcome.phv, &request.kept),
                ..entry
            };
            self.queue_ingress(chassis, entry);
            return Ok(());
        }
        let group = self.watched.get(outcome, watched::MCAST_GRP) as u16;
        if group != 0 {
            for replica in chassis.replicate(arrival, group) {
                let (port, rid) = (replica.port, Some(replica.rid));
                chassis.tell(arrival, FateEvent::Forwarded { port, rid });
                let copied = IngressEntry {
                    kept: Vec::new(),
                    packet: chassis.pool.packet(&entry.packet),
                    ..entry
                };
                let phv = outcome.phv.clone();
                let instance = Instance::Replica;
                let mut copy = self.forwarded(chassis, copied, outcome, phv, instance, port);
                let rid = u64::from(replica.rid);
                self.metadata.set(&mut copy.phv, Standard::EgressRid, rid);
                self.queue_egress(chassis, copy);
            }
            chassis.pool.give_back(entry.packet);
            return Ok(());
        }
        let port = self.watched.get(outcome, watched::EGRESS_SPEC);
        if port == DROP_PORT {
            let span = self.watched.written(outcome, watched::EGRESS_SPEC);
            let reason = DropReason::Program {
                gress: GressRole::Ingress,
                span: span.unwrap_or(Span::NONE),
            };
            chassis.pool.give_back(entry.packet);
            chassis.end(arrival, reason);
            return Ok(());
        }
        let port = port as u16;
        chassis.tell(arrival, FateEvent::Forwarded { port, rid: None });
        // The fields go on with the packet; the outcome gets other room.
        let room = self.free_fields.pop().unwrap_or_default();
        let fields = std::mem::replace(&mut outcome.phv, room);
        let entry = self.forwarded(chassis, entry, outcome, fields, Instance::Normal, port);
        self.queue_egress(chassis, entry);
        Ok(())
    }

    /// The packet on its way from the ingress to a port.
    fn forwarded(
        &self,
        chassis: &Chassis,
        entry: IngressEntry,
        outcome: &Outcome,
        phv: Vec<u64>,
        instance: Instance,
        port: u16,
    ) -> EgressEntry {
        let length_bits = (entry.packet.len() as u64 * 8)
            .saturating_add(self.metadata.header_bits(&phv))
            .saturating_sub(outcome.parsed_bits);
        EgressEntry {
            arrival: entry.arrival,
            made_by: chassis.made_by,
            port,
            ingress_port: entry.port,
            instance,
            phv,
            length: length_bits / 8,
            packet: entry.packet,
            payload_offset: outcome.payload_offset,
            truncate: outcome.requests.truncate,
            queued_at: chassis.clock,
        }
    }
}
