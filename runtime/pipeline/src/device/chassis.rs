//! What every machine stands in: engine and state, ports, clock, counters, records, the way out.

use std::sync::Arc;

use p4rmt_engine::{
    Arriving, DigestMessage, Event, Instance, Job, LogMessage, Outcome, Passage, State, TIME_MASK,
    Trace, nanoseconds_and_rest,
};
use p4rmt_ir::{GressId, Program};

use super::check_port;
use super::departure::{self, Departure, EmittedHeaders};
use super::guard::Guard;
use crate::fate::{DeviceCounters, DropReason, Fate, FateEvent};
use crate::packet::PacketPool;
use crate::traffic::Replica;
use crate::{
    DeviceConfig, DeviceError, Entrant, MAX_PORTS, Packet, PassRecord, PortUnit, TraceRecord,
    TrafficManager,
};

/// The longest packet, in bytes: length fields have 16 bits.
pub(super) const MAX_PACKET: usize = 65_535;

/// A message that a program sent to the control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentDigest {
    /// The number of the arrival that it goes back to, from 0.
    pub arrival: u64,
    /// The gress that owns the digest.
    pub gress: GressId,
    /// The message.
    pub message: DigestMessage,
}

/// A line that a program logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedLine {
    /// The number of the arrival that it goes back to, from 0.
    pub arrival: u64,
    /// The message.
    pub message: LogMessage,
}

/// A clock as time: a thousand times it is so many nanoseconds times the clocks of a microsecond, and a rest.
#[derive(Clone, Copy, Debug, Default)]
struct Now {
    clock: u64,
    ns: u64,
    rest: u64,
}

impl Now {
    /// The next clocks need no division.
    #[inline]
    fn advance(&mut self, clock: u64, config: &DeviceConfig) {
        /// So many clocks and no more are counted one by one.
        const FEW: u64 = 4;
        let n_clocks = clock.wrapping_sub(self.clock);
        if n_clocks == 0 {
            return;
        }
        let clocks_per_us = config.clocks_per_us.max(1);
        if n_clocks > FEW || clock > u64::MAX / 1000 || clocks_per_us < 500 {
            let (ns, rest) = nanoseconds_and_rest(clocks_per_us, clock);
            *self = Self { clock, ns, rest };
            return;
        }
        self.clock = clock;
        self.rest += n_clocks * 1000;
        while self.rest >= clocks_per_us {
            self.rest -= clocks_per_us;
            self.ns += 1;
        }
    }
}

/// What machines share.
pub(super) struct Chassis {
    pub(super) program: Arc<Program>,
    pub(super) instance: Box<dyn Instance>,
    pub(super) state: State,
    pub(super) config: DeviceConfig,
    pub(super) traffic: TrafficManager,
    pub(super) units: Vec<Option<PortUnit>>,
    /// Whether any port has one.
    pub(super) has_units: bool,
    pub(super) port_metadata: Vec<Option<Vec<u8>>>,
    /// The clock of the next entry into a gress.
    pub(super) clock: u64,
    /// The nanoseconds of the clock, as they were asked for last.
    now: Now,
    pub(super) arrivals: u64,
    /// How many more passes the arrival in work may lead to.
    pub(super) passes_left: u32,
    /// What has left, and what an engine needs to run packets through.
    pub(super) passage: Passage,
    /// The headers of packets that have left, by position, of those that somebody wanted to know them of.
    emitted_by: Vec<(usize, EmittedHeaders)>,
    pub(super) pool: PacketPool,
    pub(super) counters: DeviceCounters,
    /// Where the reason stands among those counted for which a packet ended last.
    last_reason: usize,
    pub(super) fates: Option<Vec<Fate>>,
    /// Whether messages to the control plane are kept, whatever else is.
    pub(super) keeps_digests: bool,
    pub(super) trace: Option<Vec<TraceRecord>>,
    /// How many passes through a gress there have been.
    n_passes: u64,
    /// How many writes of the control plane there have been in lock step.
    pub(super) n_writes: u32,
    /// The pass that what comes about now goes back to.
    pub(super) made_by: Option<u64>,
    /// What the deparser of the pass in work emitted, if anybody wants to know.
    pub(super) emitted: Option<EmittedHeaders>,
    pub(super) digests: Vec<SentDigest>,
    pub(super) log: Vec<LoggedLine>,
    /// What looks at packets that enter a gress, where this is one of several cores.
    pub(super) guard: Option<Box<Guard>>,
}

impl Chassis {
    pub(super) fn new(
        program: Arc<Program>,
        instance: Box<dyn Instance>,
        state: State,
        config: DeviceConfig,
    ) -> Self {
        let passage = Passage::new(config.clocks_per_us);
        Self {
            program,
            instance,
            state,
            config,
            traffic: TrafficManager::default(),
            units: vec![None; usize::from(MAX_PORTS)],
            has_units: false,
            port_metadata: vec![None; usize::from(MAX_PORTS)],
            clock: 0,
            now: Now::default(),
            arrivals: 0,
            passes_left: 0,
            passage,
            emitted_by: Vec::new(),
            pool: PacketPool::default(),
            counters: DeviceCounters::default(),
            last_reason: 0,
            fates: None,
            keeps_digests: false,
            trace: None,
            n_passes: 0,
            n_writes: 0,
            made_by: None,
            emitted: None,
            digests: Vec::new(),
            log: Vec::new(),
            guard: None,
        }
    }

    /// Numbers a packet that arrives, and gives it its passes.
    pub(super) fn next_arrival(&mut self) -> u64 {
        self.passes_left = self.config.max_passes;
        self.made_by = None;
        self.arrivals += 1;
        self.arrivals - 1
    }

    /// Nanoseconds since clock 0.
    #[inline]
    pub(super) fn now_ns(&mut self) -> u64 {
        self.ns_at(self.clock)
    }

    /// Nanoseconds at a clock, which is not before that for which they were asked for last.
    #[inline]
    pub(super) fn ns_at(&mut self, clock: u64) -> u64 {
        self.now.advance(clock, &self.config);
        self.now.ns & TIME_MASK
    }

    /// A clock may be other nanoseconds from now on.
    pub(super) fn forget_now(&mut self) {
        self.now = Now::default();
    }

    /// Records what happens to a packet.
    #[inline]
    pub(super) fn tell(&mut self, arrival: u64, event: FateEvent) {
        if !self.keeps_no_records() {
            self.keep_record(arrival, event);
        }
    }

    #[cold]
    fn keep_record(&mut self, arrival: u64, event: FateEvent) {
        let fate = Fate {
            arrival,
            clock: self.clock,
            event,
        };
        if let Some(trace) = &mut self.trace {
            trace.push(TraceRecord::Fate(fate));
        }
        if let Some(fates) = &mut self.fates {
            fates.push(fate);
        }
    }

    /// A packet, or a copy of one, ends here.
    pub(super) fn end(&mut self, arrival: u64, reason: DropReason) {
        let dropped = &mut self.counters.dropped;
        match dropped.get_index_mut(self.last_reason) {
            Some((last, count)) if *last == reason => *count += 1,
            Some(_) | None => {
                let entry = dropped.entry(reason);
                self.last_reason = entry.index();
                *entry.or_default() += 1;
            }
        }
        self.tell(arrival, FateEvent::Dropped(reason));
    }

    /// Counts what a pass had to say, and keeps it if somebody wants it.
    #[inline]
    pub(super) fn keep_messages(&mut self, arrival: u64, gress: GressId, outcome: &mut Outcome) {
        self.counters.digests += outcome.digests.len() as u64;
        if self.fates.is_none() && !self.keeps_digests {
            return;
        }
        let digests = outcome.digests.drain(..);
        self.digests.extend(digests.map(|message| SentDigest {
            arrival,
            gress,
            message,
        }));
        if self.fates.is_none() {
            return;
        }
        let log = outcome.log.drain(..);
        self.log
            .extend(log.map(|message| LoggedLine { arrival, message }));
    }

    /// Whether a packet of this length may get in line for a gress, behind so many; if not, it ends.
    /// Loops must neither run nor grow for ever.
    #[inline]
    pub(super) fn admits(&mut self, arrival: u64, len: usize, n_queued: usize) -> bool {
        if len > MAX_PACKET {
            self.end(arrival, DropReason::TooLong);
            return false;
        }
        if n_queued >= self.passes_left as usize {
            self.end(arrival, DropReason::TooManyPasses);
            return false;
        }
        true
    }

    /// The copies that a multicast group makes; a group without any is recorded.
    pub(super) fn replicate(&mut self, arrival: u64, group: u16) -> Vec<Replica> {
        let replicas = self.traffic.replicas(group).unwrap_or_default();
        if replicas.is_empty() {
            self.end(arrival, DropReason::EmptyGroup { group });
        }
        replicas
    }

    /// Runs one packet through a gress.
    #[inline]
    pub(super) fn pass(
        &mut self,
        gress: GressId,
        entrant: impl FnOnce() -> Entrant,
        job: Job<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), DeviceError> {
        self.count_pass();
        if let Some(guard) = &mut self.guard {
            guard.check(gress, job.bytes)?;
        }
        if !self.keeps_no_records() {
            return self.recorded_pass(gress, entrant(), job, outcome);
        }
        self.emitted = None;
        let state = &mut self.state;
        Ok(self.instance.pass(gress, &job, outcome, state)?)
    }

    /// The same where somebody wants to know.
    #[cold]
    fn recorded_pass(
        &mut self,
        gress: GressId,
        entrant: Entrant,
        job: Job<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), DeviceError> {
        let state = &mut self.state;
        let outcome = std::slice::from_mut(outcome);
        if let Some(records) = &mut self.trace {
            let mut events: Vec<Event<'static>> = Vec::new();
            let trace: &mut dyn Trace = &mut events;
            self.instance
                .run(gress, &[job], outcome, state, Some(trace))?;
            records.push(TraceRecord::Pass(Box::new(PassRecord {
                number: self.made_by.unwrap_or_default(),
                entrant,
                gress,
                part: job.part,
                clock: job.clock,
                prefix: job.prefix().to_vec(),
                packet: job.packet().to_vec(),
                events,
                outcome: outcome[0].clone(),
            })));
        } else {
            self.instance.run(gress, &[job], outcome, state, None)?;
        }
        self.emitted = Some(EmittedHeaders {
            gress,
            headers: outcome[0].emitted.clone(),
        });
        Ok(())
    }

    /// Whether what leaves through a port comes back to the ingress.
    #[inline]
    pub(super) fn recirculates(&self, port: u16) -> bool {
        match self.config.recirculation_ports[..] {
            [only] => only == port,
            ref ports => ports.contains(&port),
        }
    }

    /// Whether nobody wants to know what becomes of packets.
    #[inline]
    pub(super) fn keeps_no_records(&self) -> bool {
        self.trace.is_none() && self.fates.is_none()
    }

    /// A pass begins.
    #[inline]
    pub(super) fn count_pass(&mut self) {
        self.made_by = Some(self.n_passes);
        self.n_passes += 1;
    }

    /// There have been passes that nothing goes back to.
    #[inline]
    pub(super) fn count_passes(&mut self, n_passes: u64) {
        self.n_passes += n_passes;
    }

    /// Refuses a packet that does not fit the device.
    ///
    /// # Errors
    /// A port that there is not, a packet that is too long.
    #[inline]
    pub(super) fn check_arriving(&self, arriving: &Arriving<'_>) -> Result<(), DeviceError> {
        check_port(arriving.port)?;
        let needed = arriving.bytes.len();
        if needed > MAX_PACKET {
            return Err(DeviceError::PacketTooLong {
                needed,
                available: MAX_PACKET,
            });
        }
        Ok(())
    }

    /// A packet arrives: it gets a number, and comes in through the unit of its port, which may refuse it.
    ///
    /// # Errors
    /// A port that there is not, a packet that is too long.
    #[inline]
    pub(super) fn take_in(
        &mut self,
        arriving: &Arriving<'_>,
    ) -> Result<Option<(u64, Packet)>, DeviceError> {
        self.check_arriving(arriving)?;
        let (port, bytes) = (arriving.port, arriving.bytes);
        let len = bytes.len();
        let arrival = self.next_arrival();
        let packet = self.pool.packet(bytes);
        self.counters.packets_in += 1;
        self.counters.bytes_in += len as u64;
        self.tell(arrival, FateEvent::Arrived { port, len });
        let packet = self.receive_unit(arrival, port, packet);
        Ok(packet.map(|packet| (arrival, packet)))
    }

    /// A packet comes in through the unit of its port, which may refuse it.
    #[inline]
    pub(super) fn receive_unit(
        &mut self,
        arrival: u64,
        port: u16,
        mut packet: Packet,
    ) -> Option<Packet> {
        if let Some(unit) = self.units[usize::from(port)]
            && let Err(fault) = unit.receive(&mut packet)
        {
            self.end(arrival, DropReason::PortUnit { port, fault });
            return None;
        }
        Some(packet)
    }

    /// A packet goes out through the unit of its port.
    #[inline]
    pub(super) fn depart(&mut self, arrival: u64, port: u16, mut packet: Packet) {
        if let Some(unit) = self.units.get(usize::from(port)).copied().flatten()
            && let Err(fault) = unit.send(&mut packet)
        {
            return self.end(arrival, DropReason::PortUnit { port, fault });
        }
        let len = packet.len();
        self.counters.packets_out += 1;
        self.counters.bytes_out += len as u64;
        self.tell(arrival, FateEvent::Left { port, len });
        if !self.keeps_no_records()
            && let Some(headers) = &self.emitted
        {
            let position = self.passage.departures.len();
            self.emitted_by.push((position, headers.clone()));
        }
        let departures = &mut self.passage.departures;
        departures.push(arrival, self.clock, port, &packet);
        self.pool.give_back(packet);
    }

    /// Takes the packets that have left since the last time, in order.
    pub(super) fn take_departures(&mut self) -> Vec<Departure> {
        let departures = &mut self.passage.departures;
        departure::take_all(departures, &mut self.emitted_by, &self.config)
    }

    /// Forgets them.
    pub(super) fn clear_departures(&mut self) {
        self.passage.departures.clear();
        self.emitted_by.clear();
    }
}

#[cfg(test)]
mod tests {
    use p4rmt_ir::Arch;

    use super::*;

    #[test]
    fn time_that_goes_on_by_clocks_is_time_that_is_divided() {
        for clocks_per_us in [1, 499, 500, 999, 1000, 1001, 1220, 1350, 100_000] {
            let mut config = DeviceConfig::for_arch(Arch::T2na);
            config.clocks_per_us = clocks_per_us;
            let mut now = Now::default();
            let mut clock = 0;
            for step in [
                0,
                1,
                2,
                3,
                4,
                5,
                1,
                1,
                1000,
                1,
                4,
                u64::MAX / 1001,
                1,
                u64::MAX / 2,
                3,
                1,
                9,
            ]
            .repeat(5)
            {
                clock = u64::wrapping_add(clock, step);
                now.advance(clock, &config);
                assert_eq!(now.ns & TIME_MASK, config.nanoseconds(clock));
            }
        }
    }
}
