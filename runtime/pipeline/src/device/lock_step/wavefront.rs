//! Packet by packet: all that enter a gress up to a clock, each through the whole of it, in batches that end
//! before anything that they cause could enter.

use p4rmt_engine::{Outcome, Trace};

use super::line::{Item, Waiting};
use super::timing::LOOP;
use super::{ByPacket, EGRESS, Flight, INGRESS, LockStep};
use crate::DeviceError;

impl LockStep {
    pub(super) fn run_wavefront(&mut self, until: u64) -> Result<(), DeviceError> {
        loop {
            for side in [INGRESS, EGRESS] {
                let horizon = self.horizon(side, until);
                let mut clock = self.sides[side].done;
                let mut batch = Vec::new();
                while let Some(next) = self.sides[side].line.next_clock(clock)
                    && next < horizon
                {
                    if let Some(waiting) = self.turn(side, next) {
                        batch.push((next, waiting));
                    }
                    clock = next + 1;
                }
                self.sides[side].done = self.sides[side].done.max(horizon);
                self.run_batch(side, batch)?;
            }
            let lines = self.sides.iter();
            let next = lines.filter_map(|side| side.line.next_clock(side.done));
            // Until something enters, nothing can come to pass.
            let Some(next) = next.min().or((until < u64::MAX).then_some(until)) else {
                return Ok(());
            };
            for side in &mut self.sides {
                side.done = side.done.max(next.min(until));
            }
            if next >= until {
                return Ok(());
            }
        }
    }

    /// The clock before which everything that enters a side is known.
    fn horizon(&self, side: usize, until: u64) -> u64 {
        let way = if side == INGRESS {
            LOOP
        } else {
            self.traffic_manager
        };
        let sources = self.sides.iter();
        let earliest = sources.map(|source| source.done.saturating_add(source.total + way));
        earliest.chain([until]).min().unwrap_or(until)
    }

    /// Runs what enters a side, in order; writes fall between packets.
    fn run_batch(&mut self, side: usize, batch: Vec<(u64, Waiting)>) -> Result<(), DeviceError> {
        let mut flights = Vec::new();
        for (clock, waiting) in batch {
            match waiting.item {
                Item::Packet(entry) => flights.push(self.enter(entry, waiting.n_passes, clock)),
                Item::Write(write) => {
                    self.run_flights(side, &mut flights)?;
                    if let Err(error) = write.apply(&mut self.device.chassis.state) {
                        self.refused.push((clock, error));
                    }
                }
            }
        }
        self.run_flights(side, &mut flights)
    }

    fn run_flights(&mut self, side: usize, flights: &mut Vec<Flight>) -> Result<(), DeviceError> {
        let gress = self.sides[side].gress;
        let chassis = &mut self.device.chassis;
        let jobs: Vec<_> = flights
            .iter()
            .map(|flight| flight.entry.job(&flight.head, flight.clock))
            .collect();
        let mut outcomes = vec![Outcome::default(); jobs.len()];
        let mut by_packet = ByPacket::default();
        let trace: Option<&mut dyn Trace> = match &chassis.trace {
            Some(_) => Some(&mut by_packet),
            None => None,
        };
        let state = &mut chassis.state;
        chassis
            .instance
            .run(gress, &jobs, &mut outcomes, state, trace)?;
        drop(jobs);
        let events = by_packet.0.into_iter().map(Some);
        let events = events.chain(std::iter::repeat_with(|| None));
        for ((mut flight, mut outcome), events) in flights.drain(..).zip(outcomes).zip(events) {
            flight.events = events.unwrap_or_default();
            self.leave(side, flight, &mut outcome);
        }
        Ok(())
    }
}
