//! Replaying captures: packets of several captures, merged in order of time, through a device.
//!
//! 1. The next packet is the earliest of all inputs; of several at one time the one of the lowest
//!    port, then of the first input. Time begins at the first packet. Timestamps that go backwards
//!    arrive as soon as they are read.
//! 2. What it causes happens, and what leaves goes to the output, with the time at which it left.
//!
//! Memory does not grow with the length of the captures: a window of packets is read, run, and what left
//! is written.

mod output;
mod run;
mod source;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use p4rmt_engine::Engine;
use p4rmt_source::Span;
use thiserror::Error;

use crate::cores::{Cores, CoresUsed};
use crate::{CaptureError, Device, DeviceCounters, DeviceError, DropReason, LockStep};
pub use output::{CaptureFolder, NoOutput, ReplayOutput};
use run::{Run, Way};
pub use source::ReplayInput;

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
    /// How long it took, with reading and writing captures.
    pub elapsed: Duration,
    /// How long the pipe took, with all that is around it in the device.
    pub in_pipe: Duration,
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
    /// The device cannot be made again for another core.
    #[error("the device cannot be made again for another core: {0}")]
    Replica(#[source] DeviceError),
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
            Self::Open { .. }
            | Self::Capture { .. }
            | Self::Output(_)
            | Self::Replica(_)
            | Self::NoRate => None,
        }
    }
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

/// The same as [`replay`], with the same result, on several cores where a key says which packets may run apart; where
/// there is none, on one. The engine is that of the device.
///
/// # Errors
/// As for [`replay`].
pub fn replay_on_cores(
    device: &mut Device,
    engine: &dyn Engine,
    n_cores: u32,
    inputs: &[ReplayInput],
    options: ReplayOptions,
    output: &mut dyn ReplayOutput,
    progress: &mut dyn FnMut(u64),
) -> Result<(ReplaySummary, CoresUsed), ReplayError> {
    let on_one = |reason| CoresUsed {
        cores: 1,
        key: None,
        reason,
    };
    if n_cores <= 1 {
        let summary = replay(device, inputs, options, output, progress)?;
        return Ok((summary, on_one(None)));
    }
    if options.clock == ReplayClock::PacketsPerSecond(0) {
        return Err(ReplayError::NoRate);
    }
    let capture_time = device.capture_time();
    let cores = Cores::new(device, engine, n_cores).map_err(ReplayError::Replica)?;
    let (n_shown, reason) = match cores {
        Err(why) => (0, Some(why)),
        Ok(cores) => {
            let mut key = cores.key().summary().to_owned();
            if cores.key().observes_time() {
                key += "; the program may ask for the time";
            }
            let way = Way::Cores(Box::new(cores));
            match Run::new(way, options, output, progress).on_cores(inputs) {
                Ok(summary) => {
                    let used = CoresUsed {
                        cores: n_cores,
                        key: Some(key),
                        reason: None,
                    };
                    return Ok((summary, used));
                }
                Err((why, n_left)) => (n_left, why),
            }
        }
    };
    // The device stands at its beginning: what the cores gave so far is given again, and is the same.
    if let Some(time) = capture_time {
        device.set_capture_time(time);
    } else {
        device.forget_capture_time();
    }
    let mut output = Behind {
        output,
        n_known: n_shown,
    };
    let summary = replay(device, inputs, options, &mut output, progress)?;
    Ok((summary, on_one(reason)))
}

/// An output that has some packets already.
struct Behind<'a> {
    output: &'a mut dyn ReplayOutput,
    n_known: u64,
}

impl ReplayOutput for Behind<'_> {
    fn packet(&mut self, port: u16, timestamp_ns: u64, bytes: &[u8]) -> Result<(), CaptureError> {
        match self.n_known.checked_sub(1) {
            Some(left) => {
                self.n_known = left;
                Ok(())
            }
            None => self.output.packet(port, timestamp_ns, bytes),
        }
    }
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

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            clock: ReplayClock::Timestamps,
            rounds: 1,
        }
    }
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
