//! Packets that arrive while nobody looks: those that ask for nothing but a port pass both halves at once, one behind
//! the other, in one call of the engine, which reads them where they lie and puts what leaves where departures lie.
//!
//! A call ends behind the first packet that asks for more: what that causes happens, and the others enter behind it.

use std::ops::Range;

use p4rmt_engine::{Arriving, Last, Microseconds, Outcome, Passed};
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use super::{IngressEntry, V1model};
use crate::device::chassis::Chassis;
use crate::device::machine;
use crate::fate::DropReason;
use crate::{DeviceError, Refused};

/// So many packets are run in one call at most: what comes of them stays in the nearest caches.
const BATCH: usize = 64;

impl V1model {
    /// Whether packets that arrive may cross. What they say to the control plane is counted there and not kept.
    #[inline]
    pub(in crate::device) fn may_cross(&self, chassis: &Chassis) -> bool {
        chassis.keeps_no_records()
            && !chassis.keeps_digests
            && chassis.config.max_passes > 1
            && !chassis.has_units
            && chassis.instance.runs_through(self.gress)
    }

    /// Packets arrive, and all that each causes happens before the next.
    ///
    /// # Errors
    /// Which packet was refused, and why.
    pub(in crate::device) fn receive_all(
        &mut self,
        chassis: &mut Chassis,
        packets: &[Arriving<'_>],
    ) -> Result<(), Refused> {
        let mut n_done = 0;
        while let Some(first) = packets.get(n_done) {
            let next = &packets[n_done..];
            let next = &next[..next.len().min(self.reach)];
            let is_fine = |arriving: &&Arriving<'_>| chassis.check_arriving(arriving).is_ok();
            let n_fine = next.iter().take_while(is_fine).count();
            if n_fine == 0 {
                let checked = chassis.check_arriving(first);
                checked.map_err(|error| Refused::new(n_done, error))?;
            }
            n_done = self.pass(chassis, packets, n_done..n_done + n_fine)?;
        }
        Ok(())
    }

    /// Runs some of the packets up to the first that does not cross, and what that one causes. Returns which is next.
    ///
    /// # Errors
    /// Which packet was refused, and why.
    fn pass(
        &mut self,
        chassis: &mut Chassis,
        packets: &[Arriving<'_>],
        some: Range<usize>,
    ) -> Result<usize, Refused> {
        let first = some.start;
        let passage = &mut chassis.passage;
        if passage.time.clocks_per_us() != chassis.config.clocks_per_us {
            passage.time = Microseconds::new(chassis.config.clocks_per_us);
        }
        passage.clock = chassis.clock;
        passage.arrival = chassis.arrivals;
        let before = (passage.departures.len(), passage.departures.n_bytes());
        let (instance, state) = (&mut chassis.instance, &mut chassis.state);
        let passed = instance.run_through(self.gress, &packets[some], passage, state);
        let Passed { n_packets, last } =
            passed.map_err(|error| Refused::new(first, error.into()))?;
        chassis.clock = chassis.passage.clock;
        chassis.arrivals += n_packets as u64;
        let ran = &packets[first..first + n_packets];
        chassis.counters.packets_in += n_packets as u64;
        chassis.counters.bytes_in += ran
            .iter()
            .map(|packet| packet.bytes.len() as u64)
            .sum::<u64>();
        self.count_gone(chassis, before);
        // Where packets do not cross, few are looked at in vain.
        self.reach = match last {
            Last::Gone => BATCH.min(self.reach * 2),
            Last::Waits | Last::Claimed => 1,
        };
        let next = first + n_packets;
        if let (Last::Waits | Last::Claimed, Some(packet)) = (last, ran.last()) {
            let mut outcome = std::mem::take(&mut chassis.passage.outcome);
            let followed = self.follow(chassis, packet, &mut outcome);
            chassis.passage.outcome = outcome;
            followed.map_err(|error| Refused::new(next - 1, error))?;
        }
        Ok(next)
    }

    /// Counts packets that left, behind so many with so many bytes, and packets that were dropped.
    fn count_gone(&mut self, chassis: &mut Chassis, (n_left, n_bytes): (usize, usize)) {
        let departures = &chassis.passage.departures;
        let n_left = (departures.len() - n_left) as u64;
        chassis.counters.packets_out += n_left;
        chassis.counters.bytes_out += (departures.n_bytes() - n_bytes) as u64;
        chassis.counters.digests += std::mem::take(&mut chassis.passage.n_digests);
        chassis.count_passes(n_left * 2);
        let mut dropped = std::mem::take(&mut chassis.passage.dropped);
        for packet in dropped.drain(..) {
            chassis.count_passes(match packet.gress {
                GressRole::Ingress => 1,
                GressRole::Egress | GressRole::Whole => 2,
            });
            let reason = DropReason::Program {
                gress: packet.gress,
                span: packet.by.span().unwrap_or(Span::NONE),
            };
            chassis.end(packet.arrival, reason);
        }
        chassis.passage.dropped = dropped;
    }

    /// What follows a packet that did not cross.
    fn follow(
        &mut self,
        chassis: &mut Chassis,
        packet: &Arriving<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), DeviceError> {
        chassis.passes_left = chassis.config.max_passes - 1;
        chassis.count_pass();
        self.check_claims(outcome)?;
        let arrival = chassis.arrivals - 1;
        let bytes = chassis.pool.packet(packet.bytes);
        let entry = IngressEntry::arriving(arrival, packet.port, bytes);
        self.after_ingress(chassis, entry, outcome)?;
        chassis.clock = chassis.clock.saturating_add(1);
        machine::run(self, chassis)
    }
}
