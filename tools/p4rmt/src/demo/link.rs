//! The way between the peer and the switch: packets are recorded, lost, doubled, held back and overtaken, as it is said.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use p4rmt_live::{Burst, LivePort, PairEnd};
use p4rmt_pipeline::CaptureWriter;

use crate::failure::Failure;

/// What happens to packets, in each direction by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Impairment {
    /// Shares of all packets.
    loss: f64,
    duplicates: f64,
    /// Those that others overtake.
    reordered: f64,
    delay: Duration,
    /// The delay is as much longer or shorter at most.
    jitter: Duration,
}

/// How long a packet that others are to overtake takes longer.
const DETOUR: Duration = Duration::from_millis(1);
/// How long a wait is at most: so soon a stop is noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

impl FromStr for Impairment {
    type Err = String;

    /// `loss=1%,duplicate=1%,reorder=5%,delay=1ms,jitter=500us`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut impairment = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let wrong = || {
                format!(
                    "`{part}`: write loss=P%, duplicate=P%, reorder=P%, delay=Nus or jitter=Nms"
                )
            };
            match name {
                "loss" => impairment.loss = share(value).ok_or_else(wrong)?,
                "duplicate" => impairment.duplicates = share(value).ok_or_else(wrong)?,
                "reorder" => impairment.reordered = share(value).ok_or_else(wrong)?,
                "delay" => impairment.delay = time(value).ok_or_else(wrong)?,
                "jitter" => impairment.jitter = time(value).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            }
        }
        Ok(impairment)
    }
}

fn share(text: &str) -> Option<f64> {
    let percent: f64 = text.strip_suffix('%')?.parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

fn time(text: &str) -> Option<Duration> {
    let (number, nanos) = match (text.strip_suffix("us"), text.strip_suffix("ms")) {
        (Some(number), _) => (number, 1e3),
        (_, Some(number)) => (number, 1e6),
        (None, None) => return None,
    };
    let number: f64 = number.parse().ok()?;
    let is_sane = (0.0..=60e9).contains(&(number * nanos));
    is_sane.then(|| Duration::from_nanos((number * nanos) as u64))
}

/// The thread that carries packets.
pub(super) struct Link {
    thread: JoinHandle<Result<Carried, Failure>>,
    is_stopped: Arc<AtomicBool>,
}

/// What was done to packets, in both directions together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Carried {
    pub(super) n_packets: u64,
    pub(super) n_lost: u64,
    pub(super) n_duplicates: u64,
    pub(super) n_reordered: u64,
}

impl Link {
    /// Carries packets between a port, opened in the thread that does it, and an end of a pair.
    pub(super) fn start(
        impairment: Impairment,
        seed: u64,
        capture: Option<CaptureWriter>,
        open: impl FnOnce() -> Result<Box<dyn LivePort>, Failure> + Send + 'static,
        inner: PairEnd,
    ) -> Result<Self, Failure> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&is_stopped);
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let outer = open()?;
            let carrier = Carrier {
                impairment,
                random: fastrand::Rng::with_seed(seed),
                capture,
                start: Instant::now(),
                outer,
                inner,
                waiting: BinaryHeap::new(),
                n_sent: 0,
                carried: Carried::default(),
            };
            // Whoever started it may have gone.
            let _ = ready.send(());
            carrier.run(&stopped)
        });
        if is_ready.recv().is_err() {
            let failure = thread.join().unwrap_or(Err(Failure::Bug)).err();
            return Err(failure.unwrap_or(Failure::Bug));
        }
        Ok(Self { thread, is_stopped })
    }

    /// Stops it.
    pub(super) fn stop(self) -> Result<Carried, Failure> {
        self.is_stopped.store(true, Ordering::Release);
        self.thread.join().unwrap_or(Err(Failure::Bug))
    }
}

/// When a packet arrives, its number among all, where it goes, and its bytes.
type OnWay = (Instant, u64, Direction, Vec<u8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    In,
    Out,
}

struct Carrier {
    impairment: Impairment,
    random: fastrand::Rng,
    capture: Option<CaptureWriter>,
    start: Instant,
    /// Where the peer is.
    outer: Box<dyn LivePort>,
    /// Where the switch is.
    inner: PairEnd,
    /// By when they arrive, then by when they were sent.
    waiting: BinaryHeap<Reverse<OnWay>>,
    n_sent: u64,
    carried: Carried,
}

impl Carrier {
    fn run(mut self, is_stopped: &AtomicBool) -> Result<Carried, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Input(error.to_string());
        let mut burst = Burst::default();
        while !is_stopped.load(Ordering::Acquire) {
            self.wait().map_err(|error| failed(&error))?;
            burst.clear();
            let received = self.outer.receive(&mut burst, 64);
            received.map_err(|error| failed(&format!("{}: {error}", self.outer.name())))?;
            for packet in burst.packets() {
                self.carry(Direction::In, packet.to_vec())?;
            }
            for _ in 0..64 {
                let Some(packet) = self.inner.take() else {
                    break;
                };
                self.carry(Direction::Out, packet)?;
            }
            self.let_through().map_err(|error| failed(&error))?;
        }
        if let Some(capture) = self.capture {
            capture.finish().map_err(|error| failed(&error))?;
        }
        Ok(self.carried)
    }

    fn wait(&self) -> nix::Result<()> {
        let due = self.waiting.peek().map(|Reverse((due, ..))| *due);
        let patience = due.map_or(LONGEST_WAIT, |due| {
            due.saturating_duration_since(Instant::now())
                .min(LONGEST_WAIT)
        });
        let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
        let mut descriptors = [
            readable(self.outer.descriptor()),
            readable(self.inner.descriptor()),
        ];
        match ppoll(
            &mut descriptors,
            Some(TimeSpec::from_duration(patience)),
            None,
        ) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A packet is sent: what happens to it is decided here.
    fn carry(&mut self, direction: Direction, packet: Vec<u8>) -> Result<(), Failure> {
        // What leaves the switch is recorded as it left, what comes to it as it arrives.
        if direction == Direction::Out {
            self.record(&packet)?;
        }
        self.carried.n_packets += 1;
        if self.random.f64() < self.impairment.loss {
            self.carried.n_lost += 1;
            return Ok(());
        }
        if self.random.f64() < self.impairment.duplicates {
            self.carried.n_duplicates += 1;
            self.send_on(direction, packet.clone());
        }
        self.send_on(direction, packet);
        Ok(())
    }

    fn send_on(&mut self, direction: Direction, packet: Vec<u8>) {
        let Impairment {
            reordered,
            delay,
            jitter,
            ..
        } = self.impairment;
        let mut takes = delay + jitter.mul_f64(2.0 * self.random.f64());
        takes = takes.saturating_sub(jitter);
        if self.random.f64() < reordered {
            self.carried.n_reordered += 1;
            takes += DETOUR;
        }
        self.n_sent += 1;
        let entry = (Instant::now() + takes, self.n_sent, direction, packet);
        self.waiting.push(Reverse(entry));
    }

    /// What has arrived by now.
    fn let_through(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        while let Some(Reverse((due, ..))) = self.waiting.peek()
            && *due <= now
        {
            let Some(Reverse((_, _, direction, packet))) = self.waiting.pop() else {
                break;
            };
            let sent = match direction {
                Direction::In => {
                    self.record(&packet)?;
                    self.inner.send(&packet)
                }
                Direction::Out => self.outer.send(&packet),
            };
            // One that finds no room is lost, as on any link.
            sent.map_err(|error| Failure::Input(error.to_string()))?;
        }
        Ok(())
    }

    fn record(&mut self, packet: &[u8]) -> Result<(), Failure> {
        let Some(capture) = &mut self.capture else {
            return Ok(());
        };
        let ns = self.start.elapsed().as_nanos() as u64;
        let written = capture.write(ns, packet);
        written.map_err(|error| Failure::Input(error.to_string()))
    }
}

/// A capture that is written as packets pass.
pub(super) fn capture(path: &Path) -> Result<CaptureWriter, Failure> {
    let writer = CaptureWriter::create(path);
    writer.map_err(|error| Failure::Input(format!("cannot write `{}`: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impairments_are_text() {
        let impairment: Impairment = "loss=1%,reorder=5%,duplicate=0.5%,delay=1ms,jitter=500us"
            .parse()
            .expect("it is one");
        let expected = Impairment {
            loss: 0.01,
            duplicates: 0.005,
            reordered: 0.05,
            delay: Duration::from_millis(1),
            jitter: Duration::from_micros(500),
        };
        assert_eq!(impairment, expected);
        assert_eq!("".parse(), Ok(Impairment::default()));
        for text in [
            "loss",
            "loss=1",
            "loss=101%",
            "loss=-1%",
            "delay=5",
            "delay=1e99ms",
            "speed=1%",
        ] {
            assert!(text.parse::<Impairment>().is_err(), "{text}");
        }
    }
}
