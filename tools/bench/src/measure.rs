//! Comparing, then timing: an engine and the hand-written version of its work, round by round in turn.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use p4rmt_engine::Engine;

use crate::error::PacketDifference;
use crate::stopwatch::Stopwatch;
use crate::{BenchError, EngineName, Packets, Prepared, Row, Runner, Sink, Work};

/// A work on an engine.
pub struct Bench<'a> {
    work: &'a Work,
    prepared: &'a mut Prepared,
    runner: Runner,
}

/// Rounds that are too few for a median.
const MIN_ROUNDS: usize = 3;

/// Runs of one side in a round, at most.
const MAX_RUNS: usize = 5;

/// After so much time there are no more runs of a side in a round.
const ENOUGH: Duration = Duration::from_millis(50);

/// More rounds than that tell nothing new.
const MAX_ROUNDS: usize = 101;

impl<'a> Bench<'a> {
    /// Loads the program into an engine and fills its tables.
    ///
    /// # Errors
    /// What the engine does not load, and a work without stages on a clocked machine.
    pub fn new(
        work: &'a Work,
        prepared: &'a mut Prepared,
        engine: EngineName,
    ) -> Result<Self, BenchError> {
        Self::on(work, prepared, engine, engine.engine())
    }

    /// The same on an engine that is at hand.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn on(
        work: &'a Work,
        prepared: &'a mut Prepared,
        name: EngineName,
        engine: &dyn Engine,
    ) -> Result<Self, BenchError> {
        let runner = Runner::new(name, engine, &prepared.subject, &prepared.fill)?;
        Ok(Self {
            work,
            prepared,
            runner,
        })
    }

    /// Runs all packets once on either side, and compares what leaves and the state behind.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(&mut self) -> Result<(), BenchError> {
        let packets = &self.prepared.packets;
        let mut sink = Sink::keeping();
        self.runner.reset();
        self.runner.run(packets, &mut sink)?;
        let found = sink.into_packets();
        let native = &mut self.prepared.native;
        let mut sink = Sink::keeping();
        native.reset();
        native.run(packets, &mut sink);
        let expected = sink.into_packets();
        compare(self.work.name, self.runner.name().name(), &expected, &found)?;
        native.compare(self.runner.state())
    }

    /// Times both sides in turn, until about `budget` is spent.
    ///
    /// # Errors
    /// The device's.
    pub fn measure(&mut self, budget: Duration) -> Result<Row, BenchError> {
        let packets = &self.prepared.packets;
        let started = Instant::now();
        let (mut engine_ns, mut native_ns, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        while engine_ns.len() < MIN_ROUNDS
            || (engine_ns.len() < MAX_ROUNDS && started.elapsed() < budget)
        {
            let native = &mut self.prepared.native;
            let by_hand = shortest(|| {
                native.reset();
                let started = Stopwatch::start();
                native.run(packets, &mut Sink::default());
                Ok(started.elapsed())
            })?;
            let runner = &mut self.runner;
            let on_engine = shortest(|| {
                runner.reset();
                let started = Stopwatch::start();
                runner.run(packets, &mut Sink::default())?;
                Ok(started.elapsed())
            })?;
            native_ns.push(by_hand);
            engine_ns.push(on_engine);
            ratios.push(on_engine / by_hand.max(1.0));
        }
        let n_packets = packets.len();
        let per_packet = |ns: &mut Vec<f64>| median(ns) / n_packets as f64;
        let ns_per_packet = per_packet(&mut engine_ns);
        Ok(Row {
            work: self.work.name,
            engine: self.runner.name(),
            packets: n_packets as u64,
            ns_per_packet,
            packets_per_second: 1e9 / ns_per_packet,
            native_ns_per_packet: per_packet(&mut native_ns),
            ratio_to_native: median(&mut ratios),
        })
    }
}

/// Nanoseconds of the shortest of a few runs: as many as a short time allows. The first fills the caches
/// that the other side has emptied, and whatever else this computer does makes single ones longer.
fn shortest(mut run: impl FnMut() -> Result<Duration, BenchError>) -> Result<f64, BenchError> {
    let mut all = Duration::ZERO;
    let mut best = Duration::MAX;
    for _ in 0..MAX_RUNS {
        let time = run()?;
        best = best.min(time);
        all += time;
        if all > ENOUGH {
            break;
        }
    }
    Ok(best.as_nanos() as f64)
}

/// The middle value of some.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Compares what left, port by port: between ports there is no order.
fn compare(
    work: &str,
    engine: &'static str,
    expected: &Packets,
    found: &Packets,
) -> Result<(), BenchError> {
    let ports = expected.iter().chain(found.iter()).map(|(port, _)| port);
    for port in ports.collect::<BTreeSet<_>>() {
        let (expected, found) = (expected.of_port(port), found.of_port(port));
        let pairs = expected.iter().zip(&found).enumerate();
        for (index, (expected, found)) in pairs {
            if expected == found {
                continue;
            }
            let byte = expected.iter().zip(*found).position(|(a, b)| a != b);
            let byte = byte.unwrap_or_else(|| expected.len().min(found.len()));
            return Err(BenchError::OtherPacket {
                work: work.to_owned(),
                engine,
                difference: Box::new(PacketDifference {
                    port,
                    index,
                    byte,
                    expected: hex(expected),
                    found: hex(found),
                }),
            });
        }
        if expected.len() != found.len() {
            return Err(BenchError::OtherCount {
                work: work.to_owned(),
                engine,
                port,
                expected: expected.len(),
                found: found.len(),
            });
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
