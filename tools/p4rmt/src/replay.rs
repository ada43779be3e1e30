//! `p4rmt replay`: captures through a program.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use indicatif::{ProgressBar, ProgressStyle};
use p4rmt_driver::Compiled;
use p4rmt_mau::counted::counted;
use p4rmt_pipeline::{
    CaptureFolder, CoresUsed, Device, DeviceError, Execution, LockStep, NoOutput, OneCore,
    ReplayClock, ReplayInput, ReplayOptions, ReplayOutput, ReplaySummary, replay_in_lock_step,
    replay_on_cores,
};
use p4rmt_shard::NoKey;
use serde::Serialize;

use crate::args::{Input, Language, ReportFormat};
use crate::check::{print, to_json};
use crate::failure::Failure;
use crate::machine::{self, Machine};
use crate::outcome::{self, Dropped, TableLookups};
use crate::program;
use crate::test::read_vector;

/// Send captures through a program; what leaves each port becomes a capture.
#[derive(clap::Args)]
#[command(
    after_help = "Example: p4rmt replay laminar.p4 --setup setup.stf --in 1=network.pcap --in 2=host.pcap --out out"
)]
pub(crate) struct Args {
    /// The program.
    #[arg(value_name = "PROG.p4")]
    program: PathBuf,
    /// A capture (pcap or pcapng) that arrives on a port; may be given again for others.
    #[arg(long = "in", value_name = "PORT=FILE", required = true)]
    inputs: Vec<Input>,
    /// Write `port-N.pcap` for each port that packets leave by into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A vector that sets tables, registers and ports first.
    #[arg(long, value_name = "FILE.stf")]
    setup: Option<PathBuf>,
    /// When packets arrive: as their timestamps say, at the line rate of their ports, or so many a
    /// second.
    #[arg(
        long,
        value_name = "timestamps|line-rate|PPS",
        default_value = "timestamps"
    )]
    clock: Clock,
    /// Run in lock step: packets arrive at their clocks whatever is still on its way, one a clock enters
    /// each gress, queues fill and overflow. Latencies are those of the fit and of the target file.
    /// Without it, all that a packet causes happens before the next one arrives.
    #[arg(long)]
    lock_step: bool,
    /// Share the packets among so many cores. The result is that of one, to the byte: the program and its entries
    /// must show which packets touch no memory of others (by connection, say). Where they do not, the summary says
    /// why, and one core does it.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=64),
        conflicts_with = "lock_step"
    )]
    jobs: u32,
    /// Go through the captures so many times.
    #[arg(long = "loop", value_name = "N", default_value_t = 1)]
    rounds: u64,
    /// Write the state (registers, counters, entries, the clock) to this file afterwards.
    #[arg(long, value_name = "FILE")]
    save_state: Option<PathBuf>,
    /// Go on with the state in this file, after the setup that it was made with. Packets that were captured
    /// later arrive as if there had been no break.
    #[arg(long, value_name = "FILE")]
    load_state: Option<PathBuf>,
    /// How the summary is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    machine: machine::MachineArgs,
    #[command(flatten)]
    language: Language,
}

#[derive(Clone, Copy, Debug)]
struct Clock(ReplayClock);

impl FromStr for Clock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "timestamps" => Ok(Self(ReplayClock::Timestamps)),
            "line-rate" => Ok(Self(ReplayClock::LineRate)),
            rate => match rate.parse() {
                Ok(rate) if rate > 0 => Ok(Self(ReplayClock::PacketsPerSecond(rate))),
                Ok(_) | Err(_) => {
                    Err("write `timestamps`, `line-rate`, or packets per second".to_owned())
                }
            },
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let generation = machine::generation_of(args.machine.target.as_deref());
    let compiled = program::compile(&args.program, &args.language, generation)?;
    let machine = Machine::new(&compiled, &args.machine)?;
    let mut device = set_up(&args.program, args.setup.as_deref(), &machine)?;
    if let Some(path) = &args.load_state {
        load_state(&mut device, path)?;
    }
    let inputs: Vec<ReplayInput> = args
        .inputs
        .iter()
        .map(|input| ReplayInput::file(input.port, &input.path))
        .collect();
    let options = ReplayOptions {
        clock: args.clock.0,
        rounds: args.rounds,
    };

    let refused = |error: DeviceError| Failure::Input(error.to_string());
    let progress = progress_bar(args);
    let mut tell = |n_bytes| progress.set_position(n_bytes);
    let failed = |error: p4rmt_pipeline::ReplayError| {
        let place = error.span().and_then(|span| compiled.sources.locate(span));
        let place = place.map_or_else(String::new, |place| format!(", at {place}"));
        Failure::Input(format!("{error}{place}"))
    };
    let mut play = |mut device: Device, output: &mut dyn ReplayOutput| {
        if !args.lock_step {
            let engine = machine.only_engine()?;
            let replayed = replay_on_cores(
                &mut device,
                engine,
                args.jobs,
                &inputs,
                options,
                output,
                &mut tell,
            );
            let (summary, used) = replayed.map_err(failed)?;
            return Ok((summary, used, device));
        }
        let clocked = LockStep::new(device, machine.timing()?, Execution::Wavefront);
        let mut clocked = clocked.map_err(refused)?;
        let summary = replay_in_lock_step(&mut clocked, &inputs, options, output, &mut tell);
        let summary = summary.map_err(failed)?;
        let (device, _) = clocked.finish().map_err(refused)?;
        let used = CoresUsed {
            cores: 1,
            ..CoresUsed::default()
        };
        Ok((summary, used, device))
    };
    let mut captures = Vec::new();
    let (summary, used, device) = match &args.out {
        None => play(device, &mut NoOutput)?,
        Some(folder) => {
            let unwritable = |source| Failure::Write {
                path: folder.clone(),
                source,
            };
            let mut output = CaptureFolder::create(folder).map_err(unwritable)?;
            let played = play(device, &mut output)?;
            captures = output
                .finish()
                .map_err(|error| Failure::Input(format!("{}: {error}", folder.display())))?;
            played
        }
    };
    progress.finish_and_clear();
    if let Some(path) = &args.save_state {
        program::write_whole(path, &device.to_bytes())?;
    }
    let cores = Cores::new(&compiled, &used);
    let report = Report::new(&compiled, &machine, &summary, &captures, cores);
    match args.format {
        ReportFormat::Text => print(&report.render()),
        ReportFormat::Json => print(&to_json(&report)),
    }
    Ok(())
}

/// A device after its setup.
pub(crate) fn set_up(
    program: &Path,
    setup: Option<&Path>,
    machine: &Machine,
) -> Result<Device, Failure> {
    let device = machine
        .device(machine.only_engine()?)
        .map_err(|error| Failure::Input(format!("{}: {error}", program.display())))?;
    let Some(path) = setup else {
        return Ok(device);
    };
    let setup = read_vector(path)?;
    let (device, errors) = p4rmt_stf::apply(&setup, device);
    if errors.is_empty() {
        return Ok(device);
    }
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Err(Failure::Input(lines.join("\nerror: ")))
}

/// Lets a device go on where another stood.
fn load_state(device: &mut Device, path: &Path) -> Result<(), Failure> {
    let bytes = std::fs::read(path).map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })?;
    let restored = device.restore(&bytes);
    restored.map_err(|error| Failure::Input(format!("{}: {error}", path.display())))
}

/// A bar over the bytes of all captures, shown on a terminal only.
fn progress_bar(args: &Args) -> ProgressBar {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let n_bytes: u64 = args.inputs.iter().map(|input| size(&input.path)).sum();
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}")
        .expect("the template is fixed");
    ProgressBar::new(n_bytes.saturating_mul(args.rounds)).with_style(style)
}

/// The summary of a replay.
#[derive(Debug, Serialize)]
struct Report {
    program: String,
    /// `interp`.
    engine: &'static str,
    /// The machine whose stages it ran in; none if it ran without stages.
    target: Option<String>,
    stages_used: Option<u32>,
    #[serde(skip)]
    why_unplaced: Option<String>,
    cores: Cores,
    packets_in: u64,
    bytes_in: u64,
    packets_out: u64,
    bytes_out: u64,
    ports_out: Vec<PortOut>,
    dropped: Vec<Dropped>,
    tables: Vec<TableLookups>,
    /// Mirrored copies that entered a gress again.
    pseudo_segments: u64,
    resubmitted: u64,
    recirculated: u64,
    generated: u64,
    digests: u64,
    /// Packets that were cut when they were captured.
    cut_in_capture: u64,
    seconds: f64,
    /// With reading and writing captures.
    packets_per_second: f64,
    /// Spent in the device: ports, pipe, traffic manager.
    pipe_seconds: f64,
    /// The device alone.
    pipe_packets_per_second: f64,
}

/// How the packets were shared.
#[derive(Debug, Serialize)]
struct Cores {
    used: u32,
    /// By which key, on several.
    key: Option<String>,
    /// Why on one, if more were wanted.
    reason: Option<String>,
    /// Where that shows in the program: `file:line:column`.
    at: Option<String>,
}

impl Cores {
    fn new(compiled: &Compiled, used: &CoresUsed) -> Self {
        let place = |span| {
            let place = compiled.sources.locate(span)?;
            Some(place.to_string())
        };
        let no_key = match &used.reason {
            Some(OneCore::NoKey(no_key)) => Some(no_key),
            Some(_) | None => None,
        };
        let origin = no_key.and_then(NoKey::origin).and_then(place);
        let origin = origin.map_or_else(String::new, |origin| format!(" (at {origin})"));
        Self {
            used: used.cores,
            key: used.key.clone(),
            reason: used.reason.as_ref().map(|why| format!("{why}{origin}")),
            at: no_key.and_then(NoKey::span).and_then(place),
        }
    }

    /// For people; nothing where nobody asked.
    fn render(&self) -> String {
        let at = self.at.as_ref();
        let at = at.map_or_else(String::new, |at| format!(", at {at}"));
        match (&self.key, &self.reason) {
            (Some(key), _) => format!("on {}, {key}\n", counted(self.used, "cores")),
            (None, Some(reason)) => format!("on one core: {reason}{at}\n"),
            (None, None) => String::new(),
        }
    }
}

#[derive(Debug, Serialize)]
struct PortOut {
    port: u16,
    packets: u64,
    file: Option<String>,
}

impl Report {
    fn new(
        compiled: &Compiled,
        machine: &Machine,
        summary: &ReplaySummary,
        captures: &[(u16, PathBuf)],
        cores: Cores,
    ) -> Self {
        let counters = &summary.counters;
        let file = |port| {
            let capture = captures.iter().find(|(capture, _)| *capture == port);
            capture.map(|(_, path)| path.display().to_string())
        };
        let ports_out = summary.packets_out.iter();
        let lookups = summary.tables.iter();
        let lookups = lookups.map(|table| (table.name.as_str(), table.hits, table.misses));
        let seconds = summary.elapsed.as_secs_f64();
        let pipe_seconds = summary.in_pipe.as_secs_f64();
        let rate = |seconds: f64| {
            if seconds > 0.0 {
                counters.packets_in as f64 / seconds
            } else {
                0.0
            }
        };
        Self {
            program: compiled.program.name.clone(),
            engine: machine.engines()[0].name(),
            target: machine.fit.as_ref().map(|fit| fit.placement.target.clone()),
            stages_used: machine.fit.as_ref().map(|fit| fit.placement.stages_used),
            why_unplaced: machine.why_unplaced.clone(),
            cores,
            packets_in: counters.packets_in,
            bytes_in: counters.bytes_in,
            packets_out: counters.packets_out,
            bytes_out: counters.bytes_out,
            ports_out: ports_out
                .map(|(&port, &packets)| PortOut {
                    port,
                    packets,
                    file: file(port),
                })
                .collect(),
            dropped: outcome::dropped(compiled, counters),
            tables: outcome::table_lookups(compiled, lookups),
            pseudo_segments: counters.mirror_copies,
            resubmitted: counters.resubmitted,
            recirculated: counters.recirculated,
            generated: counters.generated,
            digests: counters.digests,
            cut_in_capture: summary.cut_in_capture,
            seconds,
            packets_per_second: rate(seconds),
            pipe_seconds,
            pipe_packets_per_second: rate(pipe_seconds),
        }
    }

    /// The summary for people.
    fn render(&self) -> String {
        let how = outcome::how(
            self.target.as_deref(),
            self.stages_used,
            self.why_unplaced.as_deref(),
        );
        let mut text = format!("{}, on {}, {how}\n", self.program, self.engine);
        text += &self.cores.render();
        text.push('\n');
        let mut row = |name: &str, value: String| text += &format!("{name:<18}{value}\n");
        row(
            "packets in",
            format!("{:>9}  ({} bytes)", self.packets_in, self.bytes_in),
        );
        row(
            "packets out",
            format!("{:>9}  ({} bytes)", self.packets_out, self.bytes_out),
        );
        for port in &self.ports_out {
            let file = port
                .file
                .as_ref()
                .map_or_else(String::new, |file| format!("  {file}"));
            row(
                &format!("  on port {}", port.port),
                format!("{:>9}{file}", port.packets),
            );
        }
        for (name, count) in [
            ("pseudo segments", self.pseudo_segments),
            ("resubmitted", self.resubmitted),
            ("recirculated", self.recirculated),
            ("generated", self.generated),
            ("digests", self.digests),
            ("cut in capture", self.cut_in_capture),
        ] {
            if count > 0 {
                row(name, format!("{count:>9}"));
            }
        }
        text += &outcome::render(&self.dropped, &self.tables);
        text + &format!(
            "\n{:.3} s with captures, {:.0} packets a second\n{:.3} s in the device, {:.0} packets a second",
            self.seconds, self.packets_per_second, self.pipe_seconds, self.pipe_packets_per_second
        )
    }
}
