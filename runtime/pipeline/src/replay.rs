//! Replaying captures: packets of several captures, merged in order of time, through a device.
//!
//! 1. The next packet is the earliest of all inputs; of several at one time the one of the lowest
//!    port, then of the first input. Time begins at the first packet. Timestamps that go backwards
//!    arrive as soon as they are read.
//! 2. What it causes happens, and what leaves goes to the output, with the time at which it left.
//!
//! Memory does not grow with the length of the captures.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use p4rmt_source::Span;
use thiserror::Error;

use crate::{
    CaptureError, CaptureReader, CaptureWriter, Departure, Device, DeviceCounters, DeviceError,
    DropReason, LockStep,
};

/// Bits a nanosecond of a port at line rate: 100 Gb/s.
const LINE_RATE: u64 = 100;

/// Bytes of preamble, frame check sequence and gap that every packet takes on the wire.
const WIRE_OVERHEAD: u64 = 24;

/// A capture that arrives on a port. It is opened anew for each round.
pub struct ReplayInput {
    /// The port.
    pub port: u16,
    /// Its name, for messages.
    pub name: String,
    /// Opens it.
    pub open: Box<dyn Fn() -> io::Result<Box<dyn Read>>>,
}

/// When packets arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplayClock {
    /// As their timestamps say.
    #[default]
    Timestamps,
    /// One after the other on each port, at 100 Gb/s.
    LineRate,
    /// One after the other over all ports, so many a second.
    PacketsPerSecond(u64),
}

/// How captures are replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayOptions {
    /// When packets arrive.
    pub clock: ReplayClock,
    /// How often the captures are gone through, each time after the end of the time before.
    pub rounds: u64,
}

/// Where packets go that leave.
pub trait ReplayOutput {
    /// Takes a packet: its port, the nanoseconds since 1970 at which it left, its bytes.
    ///
    /// # Errors
    /// The packet cannot be kept.
    fn packet(&mut self, port: u16, timestamp_ns: u64, bytes: &[u8]) -> Result<(), CaptureError>;
}

/// An output that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutput;

/// An output of one capture a port, `port-N.pcap` in a folder. They appear when all are whole.
pub struct CaptureFolder {
    folder: PathBuf,
    writers: BTreeMap<u16, CaptureWriter>,
}

/// What a replay was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplaySummary {
    /// Packets and bytes in and out, and everything else that the device counted meanwhile.
    pub counters: DeviceCounters,
    /// Packets that left, by port.
    pub packets_out: BTreeMap<u16, u64>,
    /// Hits and misses by table, a gress after the other.
    pub tables: Vec<TableSummary>,
    /// Packets that had been cut when they were captured, and went in as they were.
    pub cut_in_capture: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// How often a table was looked up during a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSummary {
    /// Its name.
    pub name: String,
    /// Lookups that found an entry.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
}

/// Why a replay ends early.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// A capture cannot be opened.
    #[error("{name}: {cause}")]
    Open {
        /// Which.
        name: String,
        /// Why.
        cause: io::Error,
    },
    /// A capture is damaged.
    #[error("{name}: {cause}")]
    Capture {
        /// Which.
        name: String,
        /// What is wrong.
        cause: CaptureError,
    },
    /// What leaves cannot be kept.
    #[error("the output cannot be written: {0}")]
    Output(CaptureError),
    /// The device refuses a packet.
    #[error("{name}: packet {position}: {cause}")]
    Device {
        /// Of which capture.
        name: String,
        /// Which packet of it, from 1.
        position: u64,
        /// Why.
        cause: Box<DeviceError>,
    },
    /// No packet can come at no packets a second.
    #[error("a rate of 0 packets a second brings no packet")]
    NoRate,
}

impl ReplayError {
    /// Its place in the program, where it has one.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Device { cause, .. } => cause.span(),
            Self::Open { .. } | Self::Capture { .. } | Self::Output(_) | Self::NoRate => None,
        }
    }
}

/// A capture being read, with its next packet.
struct Source<'a> {
    input: &'a ReplayInput,
    reader: CaptureReader<Box<dyn Read>>,
    next: Option<Pending>,
    n_packets: u64,
    /// At line rate: when its port is free again, in nanoseconds from the start of the round.
    free_ns: u64,
    n_cut: u64,
}

struct Pending {
    timestamp_ns: u64,
    bytes: Vec<u8>,
}

/// Replays captures through a device. `progress` is told, now and then, how many bytes were read.
///
/// # Errors
/// What keeps the replay from going on to its end.
pub fn replay(
    device: &mut Device,
    inputs: &[ReplayInput],
    options: ReplayOptions,
    output: &mut dyn ReplayOutput,
    progress: &mut dyn FnMut(u64),
) -> Result<ReplaySummary, ReplayError> {
    if options.clock == ReplayClock::PacketsPerSecond(0) {
        return Err(ReplayError::NoRate);
    }
    let way = Way::OneByOne(device);
    Run::new(way, options, output, progress).all(inputs)
}

/// The same in lock step: packets arrive at their clocks, whatever is still on its way.
///
/// # Errors
/// As for [`replay`].
pub fn replay_in_lock_step(
    machine: &mut LockStep,
    inputs: &[ReplayInput],
    options: ReplayOptions,
    output: &mut dyn ReplayOutput,
    progress: &mut dyn FnMut(u64),
) -> Result<ReplaySummary, ReplayError> {
    if options.clock == ReplayClock::PacketsPerSecond(0) {
        return Err(ReplayError::NoRate);
    }
    let way = Way::LockStep(machine);
    Run::new(way, options, output, progress).all(inputs)
}

/// What packets arrive at.
enum Way<'a> {
    /// What a packet causes happens before the next one arrives.
    OneByOne(&'a mut Device),
    /// It happens when it happens.
    LockStep(&'a mut LockStep),
}

/// So many packets arrive in lock step before what they cause is run.
const ARRIVALS: u64 = 256;

impl Way<'_> {
    fn device(&self) -> &Device {
        match self {
            Self::OneByOne(device) => device,
            Self::LockStep(machine) => machine.device(),
        }
    }

    /// Where time stands.
    fn clock(&self) -> u64 {
        match self {
            Self::OneByOne(device) => device.clock(),
            Self::LockStep(machine) => machine.clock(),
        }
    }

    /// Time goes on to the arrival of a packet.
    fn advance(&mut self, clock: u64, n_packets: u64) -> Result<(), DeviceError> {
        match self {
            Self::OneByOne(device) => device.advance_to(clock),
            Self::LockStep(machine) if n_packets.is_multiple_of(ARRIVALS) => {
                machine.run_until(clock)
            }
            Self::LockStep(_) => Ok(()),
        }
    }

    fn receive(&mut self, clock: u64, port: u16, bytes: &[u8]) -> Result<(), DeviceError> {
        match self {
            Self::OneByOne(device) => device.receive(port, bytes),
            Self::LockStep(machine) => machine.arrive(clock, port, bytes),
        }
    }

    /// The end of a round.
    fn settle(&mut self) -> Result<(), DeviceError> {
        match self {
            Self::OneByOne(_) => Ok(()),
            Self::LockStep(machine) => machine.settle(),
        }
    }

    fn show_departures(&mut self, show: impl FnMut(&Departure)) {
        match self {
            Self::OneByOne(device) => device.show_departures(show),
            Self::LockStep(machine) => machine.take_departures().iter().for_each(show),
        }
    }
}

/// What a round of a replay says at its end.
fn summary(
    run: Run<'_>,
    counters_before: &DeviceCounters,
    tables_before: Vec<TableSummary>,
    started: Instant,
) -> Result<ReplaySummary, ReplayError> {
    let device = run.way.device();
    let tables = table_summaries(device).into_iter().zip(tables_before);
    Ok(ReplaySummary {
        counters: since(device.counters(), counters_before),
        packets_out: run.packets_out,
        tables: tables
            .map(|(after, before)| TableSummary {
                hits: after.hits - before.hits,
                misses: after.misses - before.misses,
                name: after.name,
            })
            .collect(),
        cut_in_capture: run.cut_in_capture,
        elapsed: started.elapsed(),
    })
}

/// A packet of a capture that is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextPacket {
    /// Where it arrives.
    pub port: u16,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The capture.
    pub name: String,
    /// Which packet of it, from 1.
    pub position: u64,
}

/// Replays captures up to a packet, counted over all of them from 0 in the order in which they arrive.
/// Time has come to its arrival, and it has not arrived. None if there are not so many.
///
/// # Errors
/// What keeps the replay from coming so far.
pub fn replay_up_to(
    device: &mut Device,
    inputs: &[ReplayInput],
    clock: ReplayClock,
    n_before: u64,
) -> Result<Option<NextPacket>, ReplayError> {
    let options = ReplayOptions { clock, rounds: 1 };
    if clock == ReplayClock::PacketsPerSecond(0) {
        return Err(ReplayError::NoRate);
    }
    let (mut output, mut progress) = (NoOutput, |_| {});
    let way = Way::OneByOne(device);
    let mut run = Run::new(way, options, &mut output, &mut progress);
    run.stop_before = Some(n_before);
    run.round(inputs)
}

impl<'a> Run<'a> {
    fn new(
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
            epoch_ns: None,
            packets_out: BTreeMap::new(),
            n_packets: 0,
            bytes_read: 0,
            cut_in_capture: 0,
            stop_before: None,
        }
    }

    /// Goes through the captures as often as is wanted.
    fn all(mut self, inputs: &[ReplayInput]) -> Result<ReplaySummary, ReplayError> {
        let started = Instant::now();
        let counters_before = self.way.device().counters().clone();
        let tables_before = table_summaries(self.way.device());
        for _ in 0..self.options.rounds {
            self.round(inputs)?;
        }
        summary(self, &counters_before, tables_before, started)
    }
}

struct Run<'a> {
    way: Way<'a>,
    options: ReplayOptions,
    output: &'a mut dyn ReplayOutput,
    progress: &'a mut dyn FnMut(u64),
    /// What the device's clock 0 is, in nanoseconds since 1970.
    epoch_ns: Option<u64>,
    packets_out: BTreeMap<u16, u64>,
    n_packets: u64,
    bytes_read: u64,
    cut_in_capture: u64,
    /// The packet that does not arrive any more.
    stop_before: Option<u64>,
}

impl Run<'_> {
    /// Goes through the captures; returns the packet that it stopped before.
    fn round(&mut self, inputs: &[ReplayInput]) -> Result<Option<NextPacket>, ReplayError> {
        let mut sources = inputs
            .iter()
            .map(Source::open)
            .collect::<Result<Vec<_>, _>>()?;
        // Rounds and captures begin where the device's clock stands.
        let start_ns = self.way.device().config().nanoseconds(self.way.clock());
        let first_ns = sources
            .iter()
            .filter_map(|source| Some(source.next.as_ref()?.timestamp_ns));
        let first_ns = first_ns.min().unwrap_or_default();
        self.epoch_ns
            .get_or_insert(first_ns.saturating_sub(start_ns));
        let n_before = self.n_packets;
        let is_line_rate = self.options.clock == ReplayClock::LineRate;
        loop {
            let earliest = sources
                .iter_mut()
                .filter(|source| source.next.is_some())
                .min_by_key(|source| (source.next_ns(is_line_rate), source.input.port));
            let Some(source) = earliest else { break };
            let Some(Pending {
                timestamp_ns,
                bytes,
            }) = source.next.take()
            else {
                break;
            };
            let at_ns = match self.options.clock {
                ReplayClock::Timestamps => timestamp_ns.saturating_sub(first_ns),
                ReplayClock::LineRate => source.free_ns,
                ReplayClock::PacketsPerSecond(rate) => {
                    let nth = u128::from(self.n_packets - n_before);
                    let ns = nth * 1_000_000_000 / u128::from(rate.max(1));
                    u64::try_from(ns).unwrap_or(u64::MAX)
                }
            };
            let wire_bits = (bytes.len() as u64 + WIRE_OVERHEAD) * 8;
            source.free_ns += wire_bits.div_ceil(LINE_RATE);
            let at_ns = start_ns.saturating_add(at_ns);
            if self.stop_before == Some(self.n_packets) {
                self.advance(source, at_ns)?;
                return Ok(Some(NextPacket {
                    port: source.input.port,
                    bytes,
                    name: source.input.name.clone(),
                    position: source.n_packets,
                }));
            }
            self.enter(source, at_ns, &bytes)?;
            let before = source.reader.offset();
            source.advance(bytes)?;
            self.bytes_read += source.reader.offset() - before;
            self.n_packets += 1;
            if self.n_packets.is_multiple_of(1024) {
                (self.progress)(self.bytes_read);
            }
        }
        let last = sources.first();
        let settled = self.way.settle();
        if let (Err(cause), Some(source)) = (settled, last) {
            return Err(source.refused(cause));
        }
        self.keep_departures()?;
        self.cut_in_capture += sources.iter().map(|source| source.n_cut).sum::<u64>();
        (self.progress)(self.bytes_read);
        Ok(None)
    }

    /// Time goes on to the arrival of a packet.
    fn advance(&mut self, source: &Source<'_>, at_ns: u64) -> Result<(), ReplayError> {
        let clock = self.way.device().config().clock_at(at_ns);
        let result = self.way.advance(clock, self.n_packets);
        result.map_err(|cause| source.refused(cause))
    }

    fn enter(&mut self, source: &Source<'_>, at_ns: u64, bytes: &[u8]) -> Result<(), ReplayError> {
        self.advance(source, at_ns)?;
        let clock = self.way.device().config().clock_at(at_ns);
        let result = self.way.receive(clock, source.input.port, bytes);
        result.map_err(|cause| source.refused(cause))?;
        self.keep_departures()
    }

    fn keep_departures(&mut self) -> Result<(), ReplayError> {
        let epoch_ns = self.epoch_ns.unwrap_or_default();
        let (packets_out, output) = (&mut self.packets_out, &mut self.output);
        let mut result = Ok(());
        self.way.show_departures(|departure| {
            if result.is_err() {
                return;
            }
            *packets_out.entry(departure.port).or_default() += 1;
            let timestamp_ns = epoch_ns.saturating_add(departure.timestamp_ns);
            result = output.packet(departure.port, timestamp_ns, &departure.bytes);
        });
        result.map_err(ReplayError::Output)
    }
}

impl<'a> Source<'a> {
    fn open(input: &'a ReplayInput) -> Result<Self, ReplayError> {
        let opened = (input.open)().map_err(|cause| ReplayError::Open {
            name: input.name.clone(),
            cause,
        })?;
        let reader = CaptureReader::new(opened).map_err(|cause| ReplayError::Capture {
            name: input.name.clone(),
            cause,
        })?;
        let mut source = Self {
            input,
            reader,
            next: None,
            n_packets: 0,
            free_ns: 0,
            n_cut: 0,
        };
        source.advance(Vec::new())?;
        Ok(source)
    }

    /// That the device refuses the packet.
    fn refused(&self, cause: DeviceError) -> ReplayError {
        ReplayError::Device {
            name: self.input.name.clone(),
            position: self.n_packets,
            cause: Box::new(cause),
        }
    }

    /// Reads the next packet; the buffer is used again.
    fn advance(&mut self, mut bytes: Vec<u8>) -> Result<(), ReplayError> {
        let packet = self
            .reader
            .next_packet()
            .map_err(|cause| ReplayError::Capture {
                name: self.input.name.clone(),
                cause,
            })?;
        let Some(packet) = packet else {
            self.next = None;
            return Ok(());
        };
        bytes.clear();
        bytes.extend(packet.bytes);
        self.n_cut += u64::from(packet.original_len as usize > packet.bytes.len());
        self.n_packets += 1;
        self.next = Some(Pending {
            timestamp_ns: packet.timestamp_ns,
            bytes,
        });
        Ok(())
    }

    fn next_ns(&self, is_line_rate: bool) -> u64 {
        if is_line_rate {
            return self.free_ns;
        }
        self.next
            .as_ref()
            .map_or(u64::MAX, |pending| pending.timestamp_ns)
    }
}

impl ReplayInput {
    /// A capture in a file.
    #[must_use]
    pub fn file(port: u16, path: &Path) -> Self {
        let owned = path.to_owned();
        Self {
            port,
            name: path.display().to_string(),
            open: Box::new(move || {
                let file = File::open(&owned)?;
                Ok(Box::new(BufReader::with_capacity(1 << 18, file)))
            }),
        }
    }
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            clock: ReplayClock::Timestamps,
            rounds: 1,
        }
    }
}

impl ReplayOutput for NoOutput {
    fn packet(&mut self, _port: u16, _ns: u64, _bytes: &[u8]) -> Result<(), CaptureError> {
        Ok(())
    }
}

impl CaptureFolder {
    /// An output in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn create(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            writers: BTreeMap::new(),
        })
    }

    /// Ends all captures and gives them their names; returns them by port.
    ///
    /// # Errors
    /// A capture cannot be ended.
    pub fn finish(mut self) -> Result<Vec<(u16, PathBuf)>, CaptureError> {
        self.writers
            .values_mut()
            .try_for_each(CaptureWriter::flush)?;
        let mut paths = Vec::new();
        for (port, writer) in self.writers {
            writer.finish()?;
            paths.push((port, path_of(&self.folder, port)));
        }
        Ok(paths)
    }
}

impl ReplayOutput for CaptureFolder {
    fn packet(&mut self, port: u16, timestamp_ns: u64, bytes: &[u8]) -> Result<(), CaptureError> {
        let writer = match self.writers.entry(port) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(CaptureWriter::create(&path_of(&self.folder, port))?)
            }
        };
        writer.write(timestamp_ns, bytes)
    }
}

fn path_of(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!("port-{port}.pcap"))
}

fn table_summaries(device: &Device) -> Vec<TableSummary> {
    let counts = device.table_counts().into_iter();
    counts
        .map(|(name, counts)| TableSummary {
            name: name.to_owned(),
            hits: counts.hits,
            misses: counts.misses,
        })
        .collect()
}

/// What was counted between two moments.
fn since(after: &DeviceCounters, before: &DeviceCounters) -> DeviceCounters {
    let dropped = |reason: &DropReason| before.dropped.get(reason).copied().unwrap_or_default();
    DeviceCounters {
        packets_in: after.packets_in - before.packets_in,
        bytes_in: after.bytes_in - before.bytes_in,
        packets_out: after.packets_out - before.packets_out,
        bytes_out: after.bytes_out - before.bytes_out,
        mirror_copies: after.mirror_copies - before.mirror_copies,
        resubmitted: after.resubmitted - before.resubmitted,
        recirculated: after.recirculated - before.recirculated,
        generated: after.generated - before.generated,
        digests: after.digests - before.digests,
        dropped: after
            .dropped
            .iter()
            .map(|(reason, count)| (*reason, count - dropped(reason)))
            .filter(|(_, count)| *count > 0)
            .collect(),
    }
}
