//! One replay on one core and on several, compared.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use p4rmt_driver::{Compiled, DiskLoader, Options, compile};
use p4rmt_engine::Engine;
use p4rmt_interp::Interp;
use p4rmt_jit::Jit;
use p4rmt_pipeline::{
    CaptureError, CoresUsed, Device, OneCore, ReplayClock, ReplayInput, ReplayOptions,
    ReplayOutput, ReplaySummary, replay_on_cores,
};
use p4rmt_source::Span;
use p4rmt_syntax::{LoadError, Loader};
use p4rmt_tests::rig::{Form, compile_program, device_on};

use super::programs::{Tofino, V1};

/// A program with its setup.
pub(crate) struct Subject {
    compiled: Compiled,
    form: Form,
    setup: String,
    /// Of a program that is one.
    text: String,
}

/// Captures, and when their packets arrive.
pub(crate) struct Replay {
    pub(crate) captures: Vec<(u16, Arc<[u8]>)>,
    pub(crate) clock: ReplayClock,
    pub(crate) rounds: u64,
}

/// A program that is a text.
struct Text(String);

impl Loader for Text {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        if path == Path::new("test.p4") {
            return Ok(Some(self.0.clone()));
        }
        DiskLoader.load(path)
    }
}

impl Subject {
    pub(crate) fn of_file(path: &str, target: Option<&'static str>, setup: &str) -> Self {
        Self {
            compiled: compile_program(path),
            form: target.map_or(Form::Structured, Form::Placed),
            setup: setup.to_owned(),
            text: String::new(),
        }
    }

    pub(crate) fn tofino(program: &Tofino, setup: &str) -> Self {
        Self::of_text(program.text(), Form::Placed("tofino2"), setup)
    }

    pub(crate) fn v1model(program: &V1) -> Self {
        Self::of_text(program.text(), Form::Structured, "")
    }

    fn of_text(text: String, form: Form, setup: &str) -> Self {
        let compiled = compile(
            Path::new("test.p4"),
            &Options::default(),
            &Text(text.clone()),
        );
        let compiled = compiled.unwrap_or_else(|rejected| {
            let shown = rejected.diagnostics.iter();
            let shown: Vec<_> = shown.map(|d| rejected.sources.render(d, false)).collect();
            panic!("{}", shown.join("\n"));
        });
        Self {
            compiled,
            form,
            setup: setup.to_owned(),
            text,
        }
    }

    /// The text of the line of a place in the program.
    pub(crate) fn line(&self, span: Span) -> String {
        let place = self.compiled.sources.locate(span).expect("it has a place");
        let mut lines = self.text.lines();
        lines
            .nth(place.line as usize - 1)
            .unwrap_or_default()
            .to_owned()
    }

    fn device(&self, engine: &dyn Engine) -> Device {
        let device = device_on(engine, &self.compiled, self.form);
        let setup = p4rmt_stf::parse("setup.stf", &self.setup).unwrap();
        let (device, errors) = p4rmt_stf::apply(&setup, device);
        assert!(errors.is_empty(), "{}", errors[0]);
        device
    }
}

impl Replay {
    pub(crate) fn new(captures: Vec<(u16, Vec<u8>)>) -> Self {
        let captures = captures.into_iter();
        Self {
            captures: captures.map(|(port, bytes)| (port, bytes.into())).collect(),
            clock: ReplayClock::Timestamps,
            rounds: 1,
        }
    }

    /// Packets with their nanoseconds on a port.
    pub(crate) fn of_packets(port: u16, packets: impl Iterator<Item = (u64, Vec<u8>)>) -> Self {
        let header = [0xa1b2_3c4d_u32, 4 << 16 | 2, 0, 0, 1 << 18, 1];
        let mut capture: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        for (ns, packet) in packets {
            let len = packet.len() as u32;
            let record = [
                (ns / 1_000_000_000) as u32,
                (ns % 1_000_000_000) as u32,
                len,
                len,
            ];
            capture.extend(record.iter().flat_map(|word| word.to_le_bytes()));
            capture.extend(packet);
        }
        Self::new(vec![(port, capture)])
    }
}

/// What leaves, by port, with its times.
#[derive(Default)]
struct Kept(BTreeMap<u16, Vec<(u64, Vec<u8>)>>);

impl ReplayOutput for Kept {
    fn packet(&mut self, port: u16, timestamp_ns: u64, bytes: &[u8]) -> Result<(), CaptureError> {
        let packets = self.0.entry(port).or_default();
        packets.push((timestamp_ns, bytes.to_vec()));
        Ok(())
    }
}

/// What a replay led to, but for how long it took.
struct Outcome {
    kept: Kept,
    summary: ReplaySummary,
    drop_order: Vec<String>,
    saved: Vec<u8>,
    n_arrivals: u64,
    used: CoresUsed,
}

fn run(subject: &Subject, replay: &Replay, engine: &dyn Engine, n_cores: u32) -> Outcome {
    let mut device = subject.device(engine);
    let inputs: Vec<ReplayInput> = replay
        .captures
        .iter()
        .map(|(port, bytes)| {
            let bytes = Arc::clone(bytes);
            ReplayInput {
                port: *port,
                name: format!("port {port}"),
                open: Box::new(move || Ok(Box::new(Cursor::new(Arc::clone(&bytes))))),
            }
        })
        .collect();
    let options = ReplayOptions {
        clock: replay.clock,
        rounds: replay.rounds,
    };
    let mut kept = Kept::default();
    let replayed = replay_on_cores(
        &mut device,
        engine,
        n_cores,
        &inputs,
        options,
        &mut kept,
        &mut |_| {},
    );
    let (mut summary, used) = replayed.unwrap();
    (summary.elapsed, summary.in_pipe) = Default::default();
    let reasons = summary.counters.dropped.keys();
    Outcome {
        kept,
        drop_order: reasons.map(|reason| format!("{reason:?}")).collect(),
        summary,
        saved: device.to_bytes(),
        n_arrivals: device.n_arrivals(),
        used,
    }
}

/// Runs a replay on one core and on each of these numbers, on two engines, and compares all that it leads to.
/// Returns why the last was on one core.
#[track_caller]
pub(crate) fn check_same(subject: &Subject, replay: &Replay, cores: &[u32]) -> Option<OneCore> {
    let mut reason = None;
    let engines: [&dyn Engine; 2] = [&Interp, &Jit];
    for engine in engines {
        let one = run(subject, replay, engine, 1);
        assert_eq!(
            one.used,
            CoresUsed {
                cores: 1,
                key: None,
                reason: None
            }
        );
        assert!(!one.kept.0.is_empty(), "something leaves");
        for n_cores in cores {
            let many = run(subject, replay, engine, *n_cores);
            let name = format!("{} on {n_cores} cores", engine.name());
            for (port, expected) in &one.kept.0 {
                let found = many.kept.0.get(port).map_or(&[][..], |packets| packets);
                let pairs = expected.iter().zip(found).enumerate();
                for (position, (expected, found)) in pairs {
                    assert_eq!(found, expected, "{name}: packet {position} of port {port}");
                }
                assert_eq!(
                    found.len(),
                    expected.len(),
                    "{name}: packets of port {port}"
                );
            }
            assert_eq!(many.kept.0.len(), one.kept.0.len(), "{name}: ports");
            assert_eq!(many.summary, one.summary, "{name}");
            assert_eq!(many.drop_order, one.drop_order, "{name}: reasons, in order");
            assert!(many.saved == one.saved, "{name}: the state behind");
            assert_eq!(many.n_arrivals, one.n_arrivals, "{name}");
            match &many.used.reason {
                None => assert_eq!(many.used.cores, *n_cores),
                Some(_) => assert_eq!(many.used.cores, 1),
            }
            reason = many.used.reason;
        }
    }
    reason
}
