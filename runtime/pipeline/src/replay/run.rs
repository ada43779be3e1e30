//! Going through captures: a window of packets is read, run, and what left is written, again and again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::source::{Pending, Source};
use super::{
    NextPacket, ReplayClock, ReplayError, ReplayInput, ReplayOptions, ReplayOutput, ReplaySummary,
    TableSummary, since, table_summaries,
};
use crate::cores::{Cores, OneCore};
use crate::{Arriving, CaptureTime, Device, DeviceCounters, DeviceError, LockStep, Refused};

/// Bits a nanosecond of a port at line rate: 100 Gb/s.
const LINE_RATE: u64 = 100;

/// Bytes of preamble, frame check sequence and gap that every packet takes on the wire.
const WIRE_OVERHEAD: u64 = 24;

/// So many packets are read before they are run, and arrive in lock step before what they cause is run.
const WINDOW_PACKETS: usize = 256;

/// No more packets are read into a window that holds so many bytes.
const WINDOW_BYTES: usize = 1 << 20;

/// What packets arrive at.
pub(super) enum Way<'a> {
    /// What a packet causes happens before the next one arrives.
    OneByOne(&'a mut Device),
    /// It happens when it happens.
    LockStep(&'a mut LockStep),
    /// What it causes happens before the next one of its core arrives; the result is the same.
    Cores(Box<Cores<'a>>),
}

impl Way<'_> {
    fn device(&self) -> &Device {
        match self {
            Self::OneByOne(device) => device,
            Self::LockStep(machine) => machine.device(),
            Self::Cores(cores) => cores.device(),
        }
    }

    fn device_mut(&mut self) -> &mut Device {
        match self {
            Self::OneByOne(device) => device,
            Self::LockStep(machine) => machine.device_mut(),
            Self::Cores(cores) => cores.device_mut(),
        }
    }

    /// Whether nothing more of it may be taken.
    fn has_stopped(&self) -> bool {
        match self {
            Self::OneByOne(_) | Self::LockStep(_) => false,
            Self::Cores(cores) => cores.fault().is_some(),
        }
    }

    /// So many packets make a window.
    fn window_packets(&self) -> usize {
        match self {
            Self::OneByOne(_) | Self::LockStep(_) => WINDOW_PACKETS,
            // Handing a window to another core takes time.
            Self::Cores(_) => 4 * WINDOW_PACKETS,
        }
    }

    /// Where time stands.
    fn clock(&self) -> u64 {
        match self {
            Self::OneByOne(device) => device.clock(),
            Self::LockStep(machine) => machine.clock(),
            Self::Cores(cores) => cores.clock(),
        }
    }

    /// Time goes on to the arrival of a packet.
    fn advance(&mut self, clock: u64, n_packets: u64) -> Result<(), DeviceError> {
        match self {
            Self::OneByOne(device) => device.advance_to(clock),
            Self::LockStep(machine) if n_packets.is_multiple_of(WINDOW_PACKETS as u64) => {
                machine.run_until(clock)
            }
            Self::LockStep(_) | Self::Cores(_) => Ok(()),
        }
    }

    /// Packets arrive, the first of them behind so many. Refuses one of them, from 0.
    fn receive_all(&mut self, packets: &[Arriving<'_>], n_before: u64) -> Result<(), Refused> {
        let machine = match self {
            Self::OneByOne(device) => return device.receive_all(packets),
            Self::Cores(cores) => {
                cores.receive_all(packets);
                return Ok(());
            }
            Self::LockStep(machine) => machine,
        };
        for (index, packet) in packets.iter().enumerate() {
            let clock = packet.not_before;
            let is_full = (n_before + index as u64).is_multiple_of(WINDOW_PACKETS as u64);
            let advanced = if is_full {
                machine.run_until(clock)
            } else {
                Ok(())
            };
            let arrived = advanced.and_then(|()| machine.arrive(clock, packet.port, packet.bytes));
            arrived.map_err(|error| Refused::new(index, error))?;
        }
        Ok(())
    }

    /// The end of a round.
    fn settle(&mut self) -> Result<(), DeviceError> {
        match self {
            Self::OneByOne(_) | Self::Cores(_) => Ok(()),
            Self::LockStep(machine) => machine.settle(),
        }
    }

    /// Shows what has left, at the end of a round all that will: port, nanoseconds, bytes.
    fn show_departures(&mut self, is_end: bool, mut show: impl FnMut(u16, u64, &[u8])) {
        match self {
            Self::OneByOne(device) => device.show_departures(|departing| {
                show(departing.port, departing.timestamp_ns(), departing.bytes);
            }),
            Self::LockStep(machine) => machine.show_departures(|departing| {
                show(departing.port, departing.timestamp_ns(), departing.bytes);
            }),
            Self::Cores(cores) => cores.show_departures(is_end, show),
        }
    }
}

/// A replay on its way.
pub(super) struct Run<'a> {
    way: Way<'a>,
    options: ReplayOptions,
    output: &'a mut dyn ReplayOutput,
    progress: &'a mut dyn FnMut(u64),
    packets_out: BTreeMap<u16, u64>,
    n_packets: u64,
    bytes_read: u64,
    cut_in_capture: u64,
    /// Spent in the pipe.
    in_pipe: Duration,
    /// The packet that does not arrive any more.
    pub(super) stop_before: Option<u64>,
}

/// Packets that were read and will arrive, one behind the other in one block of memory.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    packets: Vec<Arrival>,
}

/// A packet of a window.
struct Arrival {
    /// Which capture.
    source: usize,
    /// Which packet of it, from 1.
    position: u64,
    at_ns: u64,
    /// The clock then.
    clock: u64,
    /// Where its bytes end in the window.
    end: usize,
}

/// When a round's packets arrive.
struct RoundTime {
    clock: ReplayClock,
    /// The timestamp of the first packet, and when it arrives.
    first_ns: u64,
    start_ns: u64,
    /// Packets of earlier rounds.
    n_before: u64,
}

impl RoundTime {
    /// When a packet arrives: the `nth` of all, of a port that is free then.
    fn of(&self, timestamp_ns: u64, free_ns: u64, nth: u64) -> u64 {
        let since_start = match self.clock {
            ReplayClock::Timestamps => timestamp_ns.saturating_sub(self.first_ns),
            ReplayClock::LineRate => free_ns,
            ReplayClock::PacketsPerSecond(rate) => {
                let nth = u128::from(nth - self.n_before);
                let ns = nth * 1_000_000_000 / u128::from(rate.max(1));
                u64::try_from(ns).unwrap_or(u64::MAX)
            }
        };
        self.start_ns.saturating_add(since_start)
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        way: Way<'a>,
        options: ReplayOptions,
        output: &'a mut dyn ReplayOutput,
        progress: &'a mut dyn FnMut(u64),
    ) -> Self {
        Self {
            way,
            options,
            output,
            progress,
            packets_out: BTreeMap::new(),
            n_packets: 0,
            bytes_read: 0,
            cut_in_capture: 0,
            in_pipe: Duration::ZERO,
            stop_before: None,
        }
    }

    /// Goes through the captures as often as is wanted.
    pub(super) fn all(mut self, inputs: &[ReplayInput]) -> Result<ReplaySummary, ReplayError> {
        let before = Before::now(self.way.device());
        for _ in 0..self.options.rounds {
            self.round(inputs)?;
        }
        let device = self.way.device();
        Ok(before.summary(device, self.packets_out, self.cut_in_capture, self.in_pipe))
    }

    /// The same on several cores. Where they cannot do it, why, and how many packets left before: what keeps the
    /// replay from its end keeps one core from it, too, and shows there.
    pub(super) fn on_cores(
        mut self,
        inputs: &[ReplayInput],
    ) -> Result<ReplaySummary, (Option<OneCore>, u64)> {
        let before = Before::now(self.way.device());
        let mut rounds = 0..self.options.rounds;
        let is_done = rounds.all(|_| self.round(inputs).is_ok());
        let n_left = self.packets_out.values().sum();
        let Way::Cores(cores) = self.way else {
            return Err((None, n_left));
        };
        if !is_done {
            return Err((None, n_left));
        }
        match cores.finish() {
            Ok((device, busy)) => {
                Ok(before.summary(device, self.packets_out, self.cut_in_capture, busy))
            }
            Err(why) => Err((Some(why), n_left)),
        }
    }

    /// Goes through the captures; returns the packet that it stopped before.
    pub(super) fn round(
        &mut self,
        inputs: &[ReplayInput],
    ) -> Result<Option<NextPacket>, ReplayError> {
        let sources = inputs.iter().map(Source::open);
        let mut sources = sources.collect::<Result<Vec<_>, _>>()?;
        let time = self.round_time(&sources);
        let mut window = Window::default();
        loop {
            // What was read before something that cannot be read arrives all the same.
            let filled = self.fill(&mut window, &mut sources, &time);
            let is_last = window.packets.len() < self.way.window_packets()
                && window.bytes.len() < WINDOW_BYTES;
            self.run(&window, &sources)?;
            if self.way.has_stopped() {
                return Ok(None);
            }
            (self.progress)(self.bytes_read);
            filled?;
            if is_last {
                break;
            }
        }
        if self.stop_before == Some(self.n_packets) {
            return self.next(&mut sources, &time);
        }
        let started = Instant::now();
        let settled = self.way.settle();
        self.in_pipe += started.elapsed();
        if let (Err(cause), Some(source)) = (settled, sources.first()) {
            return Err(source.refused(source.n_packets, cause));
        }
        self.keep_departures(true)?;
        self.cut_in_capture += sources.iter().map(|source| source.n_cut).sum::<u64>();
        Ok(None)
    }

    /// A round begins where the clock stands; but what was captured after all that has been goes on in
    /// the time of its timestamps, so that a replay in parts is one in whole.
    fn round_time(&mut self, sources: &[Source<'_>]) -> RoundTime {
        let device = self.way.device();
        let now_ns = device.config().nanoseconds(self.way.clock());
        let first_ns = sources
            .iter()
            .filter_map(|source| Some(source.next.as_ref()?.timestamp_ns));
        let first_ns = first_ns.min().unwrap_or_default();
        let capture_time = device.capture_time().unwrap_or(CaptureTime {
            epoch_ns: first_ns.saturating_sub(now_ns),
            last_ns: now_ns,
        });
        let CaptureTime { epoch_ns, last_ns } = capture_time;
        self.way.device_mut().set_capture_time(capture_time);
        let start_ns = match self.options.clock {
            ReplayClock::Timestamps => first_ns
                .checked_sub(epoch_ns)
                .filter(|first_ns| *first_ns >= last_ns)
                .unwrap_or(now_ns),
            ReplayClock::LineRate | ReplayClock::PacketsPerSecond(_) => now_ns,
        };
        RoundTime {
            clock: self.options.clock,
            first_ns,
            start_ns,
            n_before: self.n_packets,
        }
    }

    /// Reads packets, the earliest first, until the window is full or there are no more.
    fn fill(
        &mut self,
        window: &mut Window,
        sources: &mut [Source<'_>],
        time: &RoundTime,
    ) -> Result<(), ReplayError> {
        window.bytes.clear();
        window.packets.clear();
        while window.packets.len() < self.way.window_packets()
            && window.bytes.len() < WINDOW_BYTES
            && self.stop_before != Some(self.n_packets)
        {
            let Some(at) = earliest(sources, time.clock) else {
                break;
            };
            let source = &mut sources[at];
            let Some(Pending {
                timestamp_ns,
                bytes,
            }) = source.next.take()
            else {
                break;
            };
            window.bytes.extend(&bytes);
            let at_ns = time.of(timestamp_ns, source.free_ns, self.n_packets);
            window.packets.push(Arrival {
                source: at,
                position: source.n_packets,
                at_ns,
                clock: self.way.device().config().clock_at(at_ns),
                end: window.bytes.len(),
            });
            let wire_bits = (bytes.len() as u64 + WIRE_OVERHEAD) * 8;
            source.free_ns += wire_bits.div_ceil(LINE_RATE);
            self.n_packets += 1;
            let before = source.offset();
            source.advance(bytes)?;
            self.bytes_read += source.offset() - before;
        }
        Ok(())
    }

    /// The packets of a window arrive, and what they cause happens.
    fn run(&mut self, window: &Window, sources: &[Source<'_>]) -> Result<(), ReplayError> {
        let started = Instant::now();
        let first = self.n_packets - window.packets.len() as u64;
        let mut start = 0;
        let arriving = window.packets.iter().map(|arrival| {
            let bytes = &window.bytes[start..arrival.end];
            start = arrival.end;
            Arriving {
                not_before: arrival.clock,
                port: sources[arrival.source].input.port,
                bytes,
            }
        });
        let arriving: Vec<Arriving<'_>> = arriving.collect();
        self.way.receive_all(&arriving, first).map_err(|refused| {
            let arrival = &window.packets[refused.index];
            sources[arrival.source].refused(arrival.position, *refused.cause)
        })?;
        self.in_pipe += started.elapsed();
        if let (Some(time), Some(last)) = (self.way.device().capture_time(), window.packets.last())
        {
            let last_ns = last.at_ns.max(time.last_ns);
            let time = CaptureTime { last_ns, ..time };
            self.way.device_mut().set_capture_time(time);
        }
        self.keep_departures(false)
    }

    /// Time goes on to the arrival of the packet that is next, and it does not arrive.
    fn next(
        &mut self,
        sources: &mut [Source<'_>],
        time: &RoundTime,
    ) -> Result<Option<NextPacket>, ReplayError> {
        let Some(source) = earliest(sources, time.clock).map(|at| &mut sources[at]) else {
            return Ok(None);
        };
        let position = source.n_packets;
        let Some(pending) = source.next.take() else {
            return Ok(None);
        };
        let at_ns = time.of(pending.timestamp_ns, source.free_ns, self.n_packets);
        let clock = self.way.device().config().clock_at(at_ns);
        let advanced = self.way.advance(clock, self.n_packets);
        advanced.map_err(|cause| source.refused(position, cause))?;
        Ok(Some(NextPacket {
            port: source.input.port,
            bytes: pending.bytes,
            name: source.input.name.clone(),
            position,
        }))
    }

    fn keep_departures(&mut self, is_end: bool) -> Result<(), ReplayError> {
        let time = self.way.device().capture_time();
        let epoch_ns = time.map_or(0, |time| time.epoch_ns);
        let (packets_out, output) = (&mut self.packets_out, &mut self.output);
        let mut result = Ok(());
        self.way
            .show_departures(is_end, |port, timestamp_ns, bytes| {
                if result.is_err() {
                    return;
                }
                *packets_out.entry(port).or_default() += 1;
                let timestamp_ns = epoch_ns.saturating_add(timestamp_ns);
                result = output.packet(port, timestamp_ns, bytes);
            });
        result.map_err(ReplayError::Output)
    }
}

/// What was counted before a replay.
struct Before {
    started: Instant,
    counters: DeviceCounters,
    tables: Vec<TableSummary>,
}

impl Before {
    fn now(device: &Device) -> Self {
        Self {
            started: Instant::now(),
            counters: device.counters().clone(),
            tables: table_summaries(device),
        }
    }

    /// What the replay was.
    fn summary(
        self,
        device: &Device,
        packets_out: BTreeMap<u16, u64>,
        cut_in_capture: u64,
        in_pipe: Duration,
    ) -> ReplaySummary {
        let tables = table_summaries(device).into_iter().zip(self.tables);
        ReplaySummary {
            counters: since(device.counters(), &self.counters),
            packets_out,
            tables: tables
                .map(|(after, before)| TableSummary {
                    hits: after.hits - before.hits,
                    misses: after.misses - before.misses,
                    name: after.name,
                })
                .collect(),
            cut_in_capture,
            elapsed: self.started.elapsed(),
            in_pipe,
        }
    }
}

/// The capture whose packet comes next.
fn earliest(sources: &[Source<'_>], clock: ReplayClock) -> Option<usize> {
    let is_line_rate = clock == ReplayClock::LineRate;
    let waiting = sources.iter().enumerate();
    waiting
        .filter(|(_, source)| source.next.is_some())
        .min_by_key(|(_, source)| (source.next_ns(is_line_rate), source.input.port))
        .map(|(at, _)| at)
}
