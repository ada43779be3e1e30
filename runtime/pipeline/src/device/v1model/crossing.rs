//! Packets that arrive while nobody looks: one that asks for nothing but a port passes both halves at once, and
//! the next ones with it, in one call of the engine.
//!
//! A packet that crosses takes two clocks and leaves nothing behind in the machine. So it is known when the one
//! behind it enters, and a batch is what its packets are one by one. It ends behind the first that does not
//! cross: what that causes happens, and the others enter behind it.

use p4rmt_engine::{Job, Outcome, Part};
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use super::{DROP_PORT, IngressEntry, V1model, watched};
use crate::device::chassis::Chassis;
use crate::device::{Arriving, machine};
use crate::fate::DropReason;
use crate::{DeviceError, Packet, Refused};

/// So many packets are run in one call: what comes of them stays in the nearest cache.
const BATCH: usize = 16;

/// What comes of the packets of a batch.
pub(super) type Outcomes = [Outcome; BATCH];

/// A packet that has come in through its port.
pub(super) struct Arrived {
    /// Which of those that were given, from 0.
    index: usize,
    arrival: u64,
    not_before: u64,
    /// The clock at which it enters.
    clock: u64,
    port: u16,
    packet: Packet,
}

impl V1model {
    /// Whether packets that arrive may cross.
    #[inline]
    pub(in crate::device) fn may_cross(&self, chassis: &Chassis) -> bool {
        self.crosses && chassis.config.max_passes > 1 && chassis.keeps_no_records()
    }

    /// Packets arrive, and all that each causes happens before the next.
    ///
    /// # Errors
    /// Which packet was refused, and why.
    pub(in crate::device) fn receive_all<'a>(
        &mut self,
        chassis: &mut Chassis,
        mut packets: impl Iterator<Item = Arriving<'a>>,
    ) -> Result<(), Refused> {
        let mut index = 0;
        loop {
            let mut batch = std::mem::take(&mut self.batch);
            let mut refused = None;
            while batch.len() < BATCH
                && refused.is_none()
                && let Some(Arriving {
                    not_before,
                    port,
                    bytes,
                }) = packets.next()
            {
                match chassis.take_in(port, bytes) {
                    Ok(Some((arrival, packet))) => batch.push(Arrived {
                        index,
                        arrival,
                        not_before,
                        clock: 0,
                        port,
                        packet,
                    }),
                    Ok(None) => chassis.clock = chassis.clock.max(not_before),
                    Err(error) => refused = Some(Refused::new(index, error)),
                }
                index += 1;
            }
            let is_last = batch.len() < BATCH;
            let passed = self.pass(chassis, &mut batch);
            batch.clear();
            self.batch = batch;
            passed?;
            if let Some(refused) = refused {
                return Err(refused);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Runs a batch to its end.
    fn pass(&mut self, chassis: &mut Chassis, mut batch: &mut [Arrived]) -> Result<(), Refused> {
        let mut outcomes = self.outcomes.take().unwrap_or_default();
        while let Some(first) = batch.first() {
            let index = first.index;
            let next = batch.len().min(self.reach);
            let n_passed = self.pass_some(chassis, &mut batch[..next], &mut outcomes);
            let n_passed = n_passed.map_err(|error| Refused::new(index, error))?;
            // Where packets do not cross, few are made ready for it in vain.
            self.reach = match outcomes[..n_passed].last() {
                Some(last) if last.is_end_of_batch() => 1,
                Some(_) | None => BATCH.min(self.reach * 2),
            };
            let (passed, rest) = batch.split_at_mut(n_passed);
            for (arrived, outcome) in passed.iter_mut().zip(&mut *outcomes) {
                self.follow(chassis, arrived, outcome)
                    .map_err(|error| Refused::new(arrived.index, error))?;
            }
            batch = rest;
        }
        self.outcomes = Some(outcomes);
        Ok(())
    }

    /// Runs packets up to the first that does not cross. Returns how many that are.
    fn pass_some(
        &mut self,
        chassis: &mut Chassis,
        batch: &mut [Arrived],
        outcomes: &mut Outcomes,
    ) -> Result<usize, DeviceError> {
        let mut given = [[0; _]; BATCH];
        let mut n_given = 0;
        let mut free = chassis.clock;
        for (arrived, given) in batch.iter_mut().zip(&mut given) {
            arrived.clock = arrived.not_before.max(free);
            let then = arrived.clock.saturating_add(1);
            free = then.saturating_add(1);
            let now_us = chassis.ns_at(arrived.clock) / 1000;
            let then_us = chassis.ns_at(then) / 1000;
            let length = arrived.packet.len() as u64;
            // In the order of `BEFORE` and `BEHIND`.
            let port = arrived.port.into();
            let delta = then_us.wrapping_sub(now_us);
            *given = [port, length, now_us, then_us, now_us, delta];
            n_given = self.metadata.pick_crossing_inputs(given);
        }
        let nothing = Job {
            bytes: &[],
            prefix_len: 0,
            clock: 0,
            inputs: &[],
            part: Part::Through,
            phv: &[],
        };
        let mut jobs = [nothing; BATCH];
        for ((job, arrived), given) in jobs.iter_mut().zip(&*batch).zip(&given) {
            job.bytes = &arrived.packet;
            job.clock = arrived.clock;
            job.inputs = &given[..n_given];
        }
        chassis.emitted = None;
        let (jobs, state) = (&jobs[..batch.len()], &mut chassis.state);
        let instance = &mut chassis.instance;
        Ok(instance.run_through(self.gress, jobs, outcomes, state)?)
    }

    /// What follows a packet that has run.
    #[inline]
    fn follow(
        &mut self,
        chassis: &mut Chassis,
        arrived: &mut Arrived,
        outcome: &mut Outcome,
    ) -> Result<(), DeviceError> {
        let Arrived { arrival, port, .. } = *arrived;
        let packet = std::mem::take(&mut arrived.packet);
        chassis.clock = arrived.clock;
        chassis.passes_left = chassis.config.max_passes - 1;
        chassis.count_pass();
        let Some(to) = outcome.crossed else {
            chassis.keep_messages(arrival, self.gress, outcome);
            self.check_claims(outcome)?;
            let entry = IngressEntry::arriving(arrival, port, packet);
            self.after_ingress(chassis, entry, outcome)?;
            chassis.clock = chassis.clock.saturating_add(1);
            return machine::run(self, chassis);
        };
        chassis.clock = chassis.clock.saturating_add(1);
        chassis.count_pass();
        chassis.keep_messages(arrival, self.gress, outcome);
        self.check_claims(outcome)?;
        self.after_crossing(chassis, arrival, to as u16, packet, outcome);
        chassis.clock = chassis.clock.saturating_add(1);
        Ok(())
    }

    /// What follows both halves: a drop, or the way out.
    #[inline]
    fn after_crossing(
        &mut self,
        chassis: &mut Chassis,
        arrival: u64,
        port: u16,
        mut packet: Packet,
        outcome: &Outcome,
    ) {
        if self.watched.get(outcome, watched::EGRESS_SPEC) == DROP_PORT {
            let span = self.watched.written(outcome, watched::EGRESS_SPEC);
            let reason = DropReason::Program {
                gress: GressRole::Egress,
                span: span.unwrap_or(Span::NONE),
            };
            chassis.pool.give_back(packet);
            return chassis.end(arrival, reason);
        }
        packet.replace_front(outcome.payload_offset, &outcome.bytes);
        if let Some(length) = outcome.requests.truncate {
            packet.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        }
        chassis.depart(arrival, port, packet);
    }
}
