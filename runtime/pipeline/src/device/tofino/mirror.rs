//! Mirrored copies: what a pass asks for, on its way to the egress of its session.

use p4rmt_engine::Outcome;
use p4rmt_ir::GressRole;

use super::{Made, Tofino};
use crate::device::chassis::{Chassis, MAX_PACKET};
use crate::fate::{DropReason, FateEvent};
use crate::mirror_gate::Gated;
use crate::traffic::{MirrorTarget, Replica};

impl Tofino {
    /// Makes the mirrored copy that a pass asked for.
    #[inline]
    pub(super) fn mirror(
        &mut self,
        chassis: &mut Chassis,
        gress: GressRole,
        arrival: u64,
        outcome: &Outcome,
        packet: &[u8],
    ) {
        let Some(request) = outcome.mirrors.last() else {
            return;
        };
        let session = request.session as u16;
        chassis.tell(
            arrival,
            FateEvent::Mirrored {
                gress,
                session,
                span: request.span,
            },
        );
        let Some(target) = chassis.traffic.session(session) else {
            return chassis.end(arrival, DropReason::NoSession { session });
        };
        let header = outcome
            .extra
            .get(request.header.clone())
            .unwrap_or_default();
        let whole = header.len() + packet.len();
        let length = whole.min(target.truncate.map_or(MAX_PACKET, usize::from));
        let header = &header[..header.len().min(length)];
        let packet = &packet[..length - header.len()];
        let mut copy = |chassis: &mut Chassis, replica: Replica| {
            let mut packet = chassis.pool.packet(packet);
            packet.put_in_front(header);
            let made = Made {
                arrival,
                made_by: chassis.made_by,
                qid: 0,
                length: length as u32,
                is_mirrored: true,
                mirror_len: header.len() as u32,
            };
            let copy = self.entry(made, replica, 0, packet);
            if self.mirrors.is_open() {
                return self.queue_egress(chassis, copy);
            }
            match self.mirrors.arrive(copy) {
                Gated::In(copy) => self.queue_egress(chassis, copy),
                Gated::Held => chassis.tell(arrival, FateEvent::MirrorHeld),
                Gated::Lost => chassis.end(arrival, DropReason::MirrorLost),
            }
        };
        match target.to {
            MirrorTarget::Port(port) => copy(chassis, Replica::of_unicast(port)),
            MirrorTarget::Group(group) => {
                let replicas = chassis.replicate(arrival, group);
                for replica in replicas {
                    copy(chassis, replica);
                }
            }
        }
    }
}
