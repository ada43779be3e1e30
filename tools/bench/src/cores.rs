//! The same packets on one core and on several: a replay of a capture in memory, by the clock on the wall.

use std::io::Cursor;
use std::sync::Arc;

use p4rmt_pipeline::{
    NoOutput, ReplayClock, ReplayInput, ReplayOptions, ReplaySummary, replay, replay_on_cores,
};
use serde::Serialize;

use crate::{BenchError, EngineName, Packets, Prepared, Work};

/// What a work takes on several cores. Names and order are a contract.
#[derive(Clone, Debug, Serialize)]
pub struct CoresRow {
    /// The work.
    pub work: &'static str,
    /// The engine.
    pub engine: EngineName,
    /// Packets that arrive.
    pub packets: u64,
    /// On how many cores they were run.
    pub cores: u32,
    /// Why on fewer than wanted.
    pub reason: Option<String>,
    /// Arriving packets, on one core.
    pub one_core_packets_per_second: f64,
    /// The same on all.
    pub packets_per_second: f64,
    /// How many times faster: the best run of each side.
    pub speedup: f64,
}

/// A packet arrives so often: often enough to keep any engine busy, seldom enough that no packet waits for another.
const PACKETS_PER_SECOND: u64 = 40_000_000;

/// Runs of either side, one after the other.
const RUNS: usize = 5;

/// Replays a work on one core and on several.
///
/// # Errors
/// What the device does not do.
pub fn measure_cores(
    work: &Work,
    prepared: &Prepared,
    name: EngineName,
    cores: u32,
) -> Result<CoresRow, BenchError> {
    let mut device = prepared.subject.device(name.engine())?;
    (prepared.fill)(&mut device)?;
    let fresh = device.to_bytes();
    let inputs = captures(&prepared.packets);
    let options = ReplayOptions {
        clock: ReplayClock::PacketsPerSecond(PACKETS_PER_SECOND),
        rounds: 1,
    };
    let (mut one, mut many) = (f64::MAX, f64::MAX);
    let (mut used, mut reason) = (1, None);
    let seconds = |summary: &ReplaySummary| summary.elapsed.as_secs_f64();
    for _ in 0..RUNS {
        device.restore(&fresh)?;
        let summary = replay(&mut device, &inputs, options, &mut NoOutput, &mut |_| {})?;
        one = one.min(seconds(&summary));
        let expected = device.to_bytes();
        device.restore(&fresh)?;
        let (summary, shared) = replay_on_cores(
            &mut device,
            name.engine(),
            cores,
            &inputs,
            options,
            &mut NoOutput,
            &mut |_| {},
        )?;
        many = many.min(seconds(&summary));
        (used, reason) = (shared.cores, shared.reason.map(|reason| reason.to_string()));
        if expected != device.to_bytes() {
            return Err(BenchError::OtherOnCores {
                work: work.name.to_owned(),
            });
        }
    }
    let packets = prepared.packets.len() as u64;
    Ok(CoresRow {
        work: work.name,
        engine: name,
        packets,
        cores: used,
        reason,
        one_core_packets_per_second: packets as f64 / one,
        packets_per_second: packets as f64 / many,
        speedup: one / many,
    })
}

/// The packets as one capture a port.
fn captures(packets: &Packets) -> Vec<ReplayInput> {
    let mut ports: Vec<u16> = packets.iter().map(|(port, _)| port).collect();
    ports.sort_unstable();
    ports.dedup();
    let mut inputs = Vec::new();
    for port in ports {
        // Nanoseconds, version 2.4, Ethernet.
        let header = [0xa1b2_3c4d, 4 << 16 | 2, 0, 0, 1 << 18, 1];
        let mut capture: Vec<u8> = header
            .iter()
            .flat_map(|word: &u32| word.to_le_bytes())
            .collect();
        for (at, (_, bytes)) in (0u32..)
            .zip(packets.iter())
            .filter(|(_, (of, _))| *of == port)
        {
            let len = bytes.len() as u32;
            let record = [at / 1_000_000_000, at % 1_000_000_000, len, len];
            capture.extend(record.iter().flat_map(|word| word.to_le_bytes()));
            capture.extend(bytes);
        }
        let capture: Arc<[u8]> = capture.into();
        inputs.push(ReplayInput {
            port,
            name: format!("port {port}"),
            open: Box::new(move || Ok(Box::new(Cursor::new(Arc::clone(&capture))))),
        });
    }
    inputs
}
