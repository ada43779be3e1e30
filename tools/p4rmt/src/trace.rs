//! `p4rmt trace`: what a program does with a packet, step by step.

pub(crate) mod explain;
pub(crate) mod explanation;
mod grid;
pub(crate) mod names;
mod text;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use p4rmt_driver::Compiled;
use p4rmt_engine::Ref;
use p4rmt_ir::TableId;
use p4rmt_pipeline::{
    Device, EntrantKind, FateEvent, ReplayClock, ReplayInput, TraceRecord, replay_up_to,
};
use p4rmt_stf::{Observer, Place, StatementKind};

use crate::args::{Input, Language, ReportFormat};
use crate::check::{print, to_json};
use crate::failure::Failure;
use crate::machine::{self, Machine};
use crate::program;
use crate::replay::set_up;
use crate::test::read_vector;
use explain::Explainer;
use explanation::{Explanation, PacketTrace};

/// Explain what a program does with a packet: parser states, lookups with the entry that hit, actions,
/// what each statement changed, registers before and after, where the packet went and what it caused.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  p4rmt trace laminar.p4 --setup testvectors/laminar/setup/one-connection.stf --vector testvectors/laminar/in-order.stf
  p4rmt trace laminar.p4 --setup setup.stf --in 1=network.pcap --in 2=host.pcap --packet 12
  p4rmt trace laminar.p4 --setup setup.stf --vector case.stf --packet 1..4 --clock
  p4rmt trace prog.p4 --setup entries.stf --port 1 --data 0200000000020200000000010800

JSON (names are stable): { program, engine, target, stages_used, packets: [ { packet, from, port, data,
before, passes: [ { pass, made_by, gress, entered_as, rid, port, clock, data, sections: [ { section, name,
steps: [ { step, at, … } ] } ], deparsed, then: [ { event, is_drop, at } ] } ] } ] }. A step is a `state`,
`extract`, `transition`, `parser_error`, `condition`, `table`, `write`, `register`, `counter`, `computed`,
`emit` or `request`; `at` is file:line. With --clock also clock: { steps: [ { gress, step, cycles } ],
rows: [ { clock, packets, events } ] }, packets by step.")]
pub(crate) struct Args {
    /// The program.
    #[arg(value_name = "PROG.p4")]
    program: PathBuf,
    /// Explain a packet of this vector; what stands before it is carried out first.
    #[arg(long, value_name = "FILE.stf", conflicts_with_all = ["inputs", "port"])]
    vector: Option<PathBuf>,
    /// Explain a packet of captures; those before it go through first. May be given again.
    #[arg(long = "in", value_name = "PORT=FILE", conflicts_with = "port")]
    inputs: Vec<Input>,
    /// Which packet of the vector or of all captures, from 1; `N..M` for several.
    #[arg(
        long,
        value_name = "N|N..M",
        default_value = "1",
        conflicts_with = "port"
    )]
    packet: Packets,
    /// Explain a packet that arrives on this port.
    #[arg(long, value_name = "PORT", requires = "data")]
    port: Option<u16>,
    /// Its bytes in hexadecimal.
    #[arg(long, value_name = "HEX", requires = "port")]
    data: Option<Hex>,
    /// Show how the packets move through the stages, clock by clock: the first arrives, then one a clock.
    /// What stands before them is carried out first, as without this option.
    #[arg(long)]
    clock: bool,
    /// A vector that sets tables, registers and ports first.
    #[arg(long, value_name = "FILE.stf")]
    setup: Option<PathBuf>,
    /// How the trace is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    machine: machine::MachineArgs,
    #[command(flatten)]
    language: Language,
}

/// Numbers of packets, from 1.
#[derive(Clone, Debug)]
struct Packets(RangeInclusive<u64>);

impl FromStr for Packets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.parse() {
            Ok(number) if number > 0 => Ok(number),
            Ok(_) | Err(_) => Err("write the number of a packet, from 1, or N..M".to_owned()),
        };
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(text)?, number(text)?),
        };
        if first > last {
            return Err(format!("there is nothing from {first} to {last}"));
        }
        Ok(Self(first..=last))
    }
}

/// Bytes in hexadecimal; blanks do not count.
#[derive(Clone, Debug)]
struct Hex(Vec<u8>);

impl FromStr for Hex {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut digits = Vec::new();
        for character in text.chars().filter(|character| !character.is_whitespace()) {
            let digit = character.to_digit(16);
            let digit = digit.ok_or_else(|| format!("`{character}` is no hexadecimal digit"))?;
            digits.push(digit as u8);
        }
        if digits.len() % 2 == 1 {
            return Err("half a byte is missing".to_owned());
        }
        Ok(Self(
            digits
                .chunks(2)
                .map(|pair| pair[0] << 4 | pair[1])
                .collect(),
        ))
    }
}

/// A packet that was asked for, as it arrived.
struct Arrived {
    /// In the vector or in the captures.
    number: u64,
    from: String,
    port: u16,
    bytes: Vec<u8>,
    /// The device's number for it; none where the device refused it.
    arrival: Option<u64>,
}

/// The packets that were asked for, and everything that was recorded since the first of them.
#[derive(Default)]
struct Run {
    arrived: Vec<Arrived>,
    records: Vec<TraceRecord>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let generation = machine::generation_of(args.machine.target.as_deref());
    let compiled = program::compile(&args.program, &args.language, generation)?;
    let machine = Machine::new(&compiled, &args.machine)?;
    let run = if let Some(path) = &args.vector {
        run_vector(args, path, &machine)?
    } else if let (Some(port), Some(data)) = (args.port, &args.data) {
        run_by_hand(args, port, &data.0, &machine, &compiled)?
    } else if !args.inputs.is_empty() {
        run_captures(args, &machine, &compiled)?
    } else {
        return Err(Failure::Usage(
            "name a packet: of a vector (--vector), of a capture (--in), or by hand (--port, --data)"
                .to_owned(),
        ));
    };
    let clock = args
        .clock
        .then(|| watch(args, &machine, &compiled, &run))
        .transpose()?;
    let explanation = Explanation {
        clock,
        ..explain(&compiled, &machine, run)
    };
    match args.format {
        ReportFormat::Text => print(&text::render(&explanation)),
        ReportFormat::Json => print(&to_json(&explanation)),
    }
    Ok(())
}

/// Makes the records an explanation, a packet after the other.
fn explain(compiled: &Compiled, machine: &Machine, run: Run) -> Explanation {
    let explainer = Explainer {
        program: &compiled.program,
        pipe: machine.pipe(),
        sources: &compiled.sources,
    };
    let Run { arrived, records } = run;
    let packets = arrived.into_iter().map(|arrived| {
        let mut packet = PacketTrace {
            packet: arrived.number,
            from: arrived.from,
            port: arrived.port,
            data: names::hex(&arrived.bytes),
            before: Vec::new(),
            passes: Vec::new(),
        };
        // By number of the device: its number among the passes of the packet.
        let mut numbers = BTreeMap::new();
        for record in &records {
            match record {
                TraceRecord::Pass(pass) if Some(pass.entrant.arrival) == arrived.arrival => {
                    let number = packet.passes.len() as u64 + 1;
                    if pass.entrant.kind != EntrantKind::ParsedForClone {
                        numbers.insert(pass.number, number);
                    }
                    let made_by = pass.entrant.made_by;
                    let made_by = made_by.and_then(|made_by| numbers.get(&made_by).copied());
                    packet.passes.push(explainer.pass(pass, number, made_by));
                }
                TraceRecord::Fate(fate) if Some(fate.arrival) == arrived.arrival => {
                    let is_told = matches!(fate.event, FateEvent::Arrived { .. });
                    if is_told {
                        continue;
                    }
                    // A clone that is parsed again is part of the pass that asked for it.
                    let mut passes = packet.passes.iter_mut().rev();
                    let last = passes.find(|pass| pass.gress != "parser");
                    let fates = match last {
                        Some(pass) => &mut pass.then,
                        None => &mut packet.before,
                    };
                    fates.push(explainer.fate(fate));
                }
                TraceRecord::Pass(_) | TraceRecord::Fate(_) => {}
            }
        }
        packet
    });
    Explanation {
        program: compiled.program.name.clone(),
        engine: machine.engines()[0].name(),
        target: machine.fit.as_ref().map(|fit| fit.placement.target.clone()),
        stages_used: machine.fit.as_ref().map(|fit| fit.placement.stages_used),
        packets: packets.collect(),
        clock: None,
    }
}

/// Lets the packets that were asked for move through the machine in lock step.
fn watch(
    args: &Args,
    machine: &Machine,
    compiled: &Compiled,
    run: &Run,
) -> Result<grid::Grid, Failure> {
    let timing = machine.timing()?;
    let mut device = set_up(&args.program, args.setup.as_deref(), machine)?;
    let n_before = args.packet.0.start() - 1;
    if let Some(path) = &args.vector {
        let mut vector = read_vector(path)?;
        let mut packets = vector.statements.iter().enumerate();
        let mut packets = packets
            .by_ref()
            .filter(|(_, statement)| matches!(statement.kind, StatementKind::Packet { .. }));
        let first = packets.nth(usize::try_from(n_before).unwrap_or(usize::MAX));
        let first = first.map_or(0, |(at, _)| at);
        vector.statements.truncate(first);
        (device, _) = p4rmt_stf::apply(&vector, device);
    } else if args.port.is_none() {
        let inputs = replay_inputs(args);
        replay_up_to(&mut device, &inputs, ReplayClock::Timestamps, n_before)
            .map_err(|error| Failure::Input(error.to_string()))?;
    }
    device.take_departures();
    let packets: Vec<(u64, u16, Vec<u8>)> = run
        .arrived
        .iter()
        .map(|packet| (packet.number, packet.port, packet.bytes.clone()))
        .collect();
    let n_used = machine
        .fit
        .as_ref()
        .map_or(0, |fit| fit.placement.stages_used);
    let errors = &compiled.program.errors;
    grid::watch(device, machine.pipe(), timing, n_used, &packets, errors)
        .map_err(|error| Failure::Input(error.to_string()))
}

/// The captures that were named.
fn replay_inputs(args: &Args) -> Vec<ReplayInput> {
    args.inputs
        .iter()
        .map(|input| ReplayInput::file(input.port, &input.path))
        .collect()
}

/// Watches a vector until its packets come.
struct Watcher {
    wanted: RangeInclusive<u64>,
    n_packets: u64,
    run: Run,
}

impl Observer for Watcher {
    fn before(&mut self, place: &Place, statement: &StatementKind, device: &mut Device) {
        let StatementKind::Packet { port, bytes } = statement else {
            return;
        };
        self.n_packets += 1;
        if self.n_packets == *self.wanted.start() {
            device.record_trace(true);
        }
        if self.wanted.contains(&self.n_packets) {
            self.run.arrived.push(Arrived {
                number: self.n_packets,
                from: place.to_string(),
                port: *port,
                bytes: bytes.clone(),
                arrival: Some(device.n_arrivals()),
            });
        }
    }

    fn after(&mut self, _: &Place, _: Option<(Ref<TableId>, usize)>, device: &mut Device) {
        self.run.records.extend(device.take_trace());
    }
}

fn run_vector(args: &Args, path: &Path, machine: &Machine) -> Result<Run, Failure> {
    let vector = read_vector(path)?;
    let mut device = set_up(&args.program, args.setup.as_deref(), machine)?;
    device.take_departures();
    let mut watcher = Watcher {
        wanted: args.packet.0.clone(),
        n_packets: 0,
        run: Run::default(),
    };
    p4rmt_stf::run_watched(&vector, None, || Ok(device), &mut watcher)
        .map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
    let n_packets = watcher.n_packets;
    found(
        watcher.run,
        n_packets,
        &args.packet.0,
        &path.display().to_string(),
    )
}

/// Refuses a packet that was not there.
fn found(
    run: Run,
    n_packets: u64,
    wanted: &RangeInclusive<u64>,
    name: &str,
) -> Result<Run, Failure> {
    if run.arrived.is_empty() {
        return Err(Failure::Input(format!(
            "there is no packet {} in {name}: it has {n_packets}",
            wanted.start()
        )));
    }
    Ok(run)
}

/// Lets a packet arrive, and keeps what happens.
fn arrive(
    device: &mut Device,
    port: u16,
    bytes: &[u8],
    compiled: &Compiled,
) -> Result<Vec<TraceRecord>, Failure> {
    device.record_trace(true);
    device.receive(port, bytes).map_err(|error| {
        let place = error.span().and_then(|span| compiled.sources.locate(span));
        let place = place.map_or_else(String::new, |place| format!(", at {place}"));
        Failure::Input(format!("{error}{place}"))
    })?;
    Ok(device.take_trace())
}

fn run_by_hand(
    args: &Args,
    port: u16,
    bytes: &[u8],
    machine: &Machine,
    compiled: &Compiled,
) -> Result<Run, Failure> {
    let mut device = set_up(&args.program, args.setup.as_deref(), machine)?;
    let arrived = Arrived {
        number: 1,
        from: "the command line".to_owned(),
        port,
        bytes: bytes.to_vec(),
        arrival: Some(device.n_arrivals()),
    };
    Ok(Run {
        records: arrive(&mut device, port, bytes, compiled)?,
        arrived: vec![arrived],
    })
}

fn run_captures(args: &Args, machine: &Machine, compiled: &Compiled) -> Result<Run, Failure> {
    let mut run = Run::default();
    let names: Vec<String> = args
        .inputs
        .iter()
        .map(|input| input.path.display().to_string())
        .collect();
    let mut n_packets = 0;
    for number in args.packet.0.clone() {
        let mut device = set_up(&args.program, args.setup.as_deref(), machine)?;
        let inputs = replay_inputs(args);
        let next = replay_up_to(&mut device, &inputs, ReplayClock::Timestamps, number - 1)
            .map_err(|error| Failure::Input(error.to_string()))?;
        let Some(next) = next else {
            n_packets = device.n_arrivals();
            break;
        };
        // Devices of different packets count alike, so arrivals tell packets apart.
        run.arrived.push(Arrived {
            number,
            from: format!("{}, packet {}", next.name, next.position),
            port: next.port,
            bytes: next.bytes.clone(),
            arrival: Some(device.n_arrivals()),
        });
        run.records
            .extend(arrive(&mut device, next.port, &next.bytes, compiled)?);
    }
    found(run, n_packets, &args.packet.0, &names.join(", "))
}
