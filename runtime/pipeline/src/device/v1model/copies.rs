//! Clones: what a packet asks for, on its way to the egress of its session.

use p4rmt_engine::{CloneRequest, Job, Outcome, Part};
use p4rmt_ir::{FieldId, GressRole};

use super::metadata::Standard;
use super::{EgressEntry, IngressEntry, Instance, V1model};
use crate::device::chassis::Chassis;
use crate::fate::{DropReason, FateEvent};
use crate::mirror_gate::Gated;
use crate::traffic::{MirrorSession, MirrorTarget, Replica};
use crate::{DeviceError, Entrant, EntrantKind};

/// A session's number has 15 bits.
const SESSION_MASK: u64 = 0x7fff;

impl V1model {
    /// Copies the packet as it entered the parser: it is parsed again, and keeps fields as they are
    /// at the end of the ingress.
    pub(super) fn clone_received(
        &mut self,
        chassis: &mut Chassis,
        entry: &IngressEntry,
        ingress: &Outcome,
        request: &CloneRequest,
    ) -> Result<(), DeviceError> {
        let role = GressRole::Ingress;
        let Some(session) = session(chassis, role, entry.arrival, request) else {
            return Ok(());
        };
        let mut phv = Vec::new();
        self.metadata.clear(&mut phv);
        let port = u64::from(entry.port);
        self.metadata.set(&mut phv, Standard::IngressPort, port);
        let job = Job {
            bytes: &entry.packet,
            prefix_len: 0,
            clock: chassis.clock,
            inputs: &[],
            part: Part::Parser,
            phv: &phv,
        };
        let mut parsed = [Outcome::default()];
        let entrant = || Entrant {
            arrival: entry.arrival,
            made_by: entry.made_by,
            kind: EntrantKind::ParsedForClone,
            port: entry.port,
        };
        let made_by = chassis.made_by;
        chassis.pass(self.gress, entrant, job, &mut parsed[0])?;
        chassis.made_by = made_by;
        let [parsed] = parsed;
        self.check_claims(&parsed)?;
        let copy = EgressEntry {
            arrival: entry.arrival,
            made_by: chassis.made_by,
            port: 0,
            ingress_port: entry.port,
            instance: Instance::IngressClone,
            phv: self.copied_fields(&parsed.phv, &ingress.phv, &request.kept),
            length: entry.packet.len() as u64,
            packet: chassis.pool.packet(&entry.packet),
            payload_offset: parsed.payload_offset,
            truncate: session.truncate.map(u64::from),
            queued_at: chassis.clock,
        };
        self.send_copies(chassis, &session, copy);
        Ok(())
    }

    /// Copies the packet as it is behind the egress: it starts there again, headers as they are.
    pub(super) fn clone_processed(
        &mut self,
        chassis: &mut Chassis,
        entry: &EgressEntry,
        egress: &Outcome,
        request: &CloneRequest,
    ) {
        let role = GressRole::Egress;
        let Some(session) = session(chassis, role, entry.arrival, request) else {
            return;
        };
        let length_bits = (entry.length * 8)
            .saturating_add(self.metadata.header_bits(&egress.phv))
            .saturating_sub(self.metadata.header_bits(&entry.phv));
        let copy = EgressEntry {
            arrival: entry.arrival,
            made_by: chassis.made_by,
            port: 0,
            ingress_port: entry.ingress_port,
            instance: Instance::EgressClone,
            phv: self.copied_fields(&egress.phv, &egress.phv, &request.kept),
            length: length_bits / 8,
            packet: chassis.pool.packet(&entry.packet),
            payload_offset: entry.payload_offset,
            truncate: session.truncate.map(u64::from),
            queued_at: chassis.clock,
        };
        self.send_copies(chassis, &session, copy);
    }

    /// The fields of a copy: headers from one place, of metadata only the kept ones, from another.
    fn copied_fields(&self, headers: &[u64], metadata: &[u64], kept: &[FieldId]) -> Vec<u64> {
        let mut phv = headers.to_vec();
        self.metadata.reset(&mut phv);
        let kept = self.metadata.keep(metadata, kept);
        self.metadata.restore(&mut phv, &kept);
        phv
    }

    /// Sends a copy to where its session leads.
    fn send_copies(&mut self, chassis: &mut Chassis, session: &MirrorSession, copy: EgressEntry) {
        let arrival = copy.arrival;
        let replicas = match session.to {
            MirrorTarget::Port(port) => vec![Replica::of_unicast(port)],
            MirrorTarget::Group(group) => chassis.replicate(arrival, group),
        };
        for replica in replicas {
            let mut phv = copy.phv.clone();
            let rid = u64::from(replica.rid);
            self.metadata.set(&mut phv, Standard::EgressRid, rid);
            let copy = EgressEntry {
                port: replica.port,
                phv,
                packet: chassis.pool.packet(&copy.packet),
                ..copy
            };
            match self.copies.arrive(copy) {
                Gated::In(copy) => self.queue_egress(chassis, copy),
                Gated::Held => chassis.tell(arrival, FateEvent::MirrorHeld),
                Gated::Lost => chassis.end(arrival, DropReason::MirrorLost),
            }
        }
    }
}

/// The session of a request, if it is there.
fn session(
    chassis: &mut Chassis,
    gress: GressRole,
    arrival: u64,
    request: &CloneRequest,
) -> Option<MirrorSession> {
    let session = (request.session & SESSION_MASK) as u16;
    let span = request.span;
    chassis.tell(
        arrival,
        FateEvent::Mirrored {
            gress,
            session,
            span,
        },
    );
    let found = chassis.traffic.session(session);
    if found.is_none() {
        chassis.end(arrival, DropReason::NoSession { session });
    }
    found
}
