//! Egress and deparser, and what follows: clones, the way back or out.

use p4rmt_engine::{Job, Outcome, Part};
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use super::metadata::Standard;
use super::{DROP_PORT, EgressEntry, IngressEntry, Instance, MAX_FREE, V1model, watched};
use crate::device::chassis::Chassis;
use crate::fate::{DropReason, FateEvent};
use crate::{DeviceError, Entrant, EntrantKind};

impl V1model {
    pub(super) fn run_egress(
        &mut self,
        chassis: &mut Chassis,
        mut entry: EgressEntry,
    ) -> Result<(), DeviceError> {
        let us = |clock| chassis.config.nanoseconds(clock) / 1000;
        let (now, queued) = (us(chassis.clock), us(entry.queued_at));
        let standard = [
            (Standard::EgressPort, u64::from(entry.port)),
            (Standard::EgressSpec, 0),
            (Standard::InstanceType, entry.instance as u64),
            (Standard::PacketLength, entry.length),
            (Standard::EgressGlobalTimestamp, now),
            (Standard::EnqTimestamp, queued),
            (Standard::DeqTimedelta, now - queued),
        ];
        for (field, value) in standard {
            self.metadata.set(&mut entry.phv, field, value);
        }
        match entry.instance {
            Instance::IngressClone | Instance::EgressClone => chassis.counters.mirror_copies += 1,
            Instance::Normal
            | Instance::Recirculated
            | Instance::Replica
            | Instance::Resubmitted => {}
        }
        let job = Job {
            bytes: &entry.packet,
            prefix_len: 0,
            clock: chassis.clock,
            inputs: &[],
            part: Part::Back {
                payload_offset: entry.payload_offset,
            },
            phv: &entry.phv,
        };
        let entrant = || Entrant {
            arrival: entry.arrival,
            made_by: entry.made_by,
            kind: match entry.instance {
                Instance::IngressClone | Instance::EgressClone => EntrantKind::Mirrored,
                Instance::Normal | Instance::Recirculated | Instance::Resubmitted => {
                    EntrantKind::Forwarded
                }
                Instance::Replica => EntrantKind::Replicated {
                    rid: self.metadata.standard(&entry.phv, Standard::EgressRid) as u16,
                },
            },
            port: entry.port,
        };
        let mut outcome = self.outcome.take().unwrap_or_default();
        let result = chassis
            .pass(self.gress, entrant, job, &mut outcome[0])
            .and_then(|()| {
                chassis.keep_messages(entry.arrival, self.gress, &mut outcome[0]);
                self.check_claims(&outcome[0])?;
                self.after_egress(chassis, entry, &outcome[0]);
                Ok(())
            });
        self.outcome = Some(outcome);
        result
    }

    fn after_egress(&mut self, chassis: &mut Chassis, mut entry: EgressEntry, outcome: &Outcome) {
        let arrival = entry.arrival;
        if let Some(request) = &outcome.requests.clone {
            self.clone_processed(chassis, &entry, outcome, request);
        }
        if self.watched.get(outcome, watched::EGRESS_SPEC) == DROP_PORT {
            let span = self.watched.written(outcome, watched::EGRESS_SPEC);
            let reason = DropReason::Program {
                gress: GressRole::Egress,
                span: span.unwrap_or(Span::NONE),
            };
            self.forget(chassis, entry);
            return chassis.end(arrival, reason);
        }
        entry
            .packet
            .replace_front(entry.payload_offset, &outcome.bytes);
        if let Some(request) = &outcome.requests.recirculate {
            chassis.counters.recirculated += 1;
            let port = entry.port;
            chassis.tell(arrival, FateEvent::Recirculated { port });
            let entry = IngressEntry {
                arrival,
                made_by: chassis.made_by,
                port: entry.ingress_port,
                instance: Instance::Recirculated,
                kept: self.metadata.keep(&outcome.phv, &request.kept),
                packet: entry.packet,
            };
            return self.queue_ingress(chassis, entry);
        }
        let least = [entry.truncate, outcome.requests.truncate];
        if let Some(length) = least.into_iter().flatten().min() {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            entry.packet.truncate(length);
        }
        let packet = std::mem::take(&mut entry.packet);
        chassis.depart(arrival, entry.port, packet);
        if self.free_fields.len() < MAX_FREE {
            self.free_fields.push(entry.phv);
        }
    }
}
