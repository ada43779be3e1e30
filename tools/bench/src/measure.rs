//! Comparing, then timing: an engine and the hand-written version of its work, round by round in turn.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::{BenchError, EngineName, Packets, Prepared, Row, Runner, Sink, Work};

/// A work on an engine.
pub struct Bench<'a> {
    work: &'a Work,
    prepared: &'a mut Prepared,
    runner: Runner,
}

/// Rounds that are too few for a median.
const MIN_ROUNDS: usize = 3;

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
        let runner = Runner::new(engine, &prepared.subject, &prepared.fill)?;
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
        let Some(native) = &mut self.prepared.native else {
            return Ok(());
        };
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
            let by_hand = self.prepared.native.as_mut().map(|native| {
                // What the engine did has emptied the caches: the first run only fills them again.
                for _ in 0..2 {
                    native.reset();
                    let started = Instant::now();
                    native.run(packets, &mut Sink::default());
                    native_ns.push(started.elapsed().as_nanos() as f64);
                }
                let timed = native_ns.pop().unwrap_or_default();
                *native_ns.last_mut().expect("it was pushed") = timed;
                timed
            });
            self.runner.reset();
            let started = Instant::now();
            self.runner.run(packets, &mut Sink::default())?;
            let elapsed = started.elapsed().as_nanos() as f64;
            engine_ns.push(elapsed);
            ratios.extend(by_hand.map(|by_hand| elapsed / by_hand.max(1.0)));
        }
        let n_packets = packets.len();
        let per_packet = |ns: &mut Vec<f64>| median(ns).map(|ns| ns / n_packets as f64);
        let ns_per_packet = per_packet(&mut engine_ns).unwrap_or_default();
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

/// The middle value.
fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
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
                port,
                index,
                byte,
                expected: hex(expected),
                found: hex(found),
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
