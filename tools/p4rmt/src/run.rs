//! `p4rmt run`: a program on the machine's network.

mod report;

use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::str::FromStr;

use p4rmt_live::{Live, LiveError, PortAddress};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::{Language, ReportFormat};
use crate::check::{print, to_json};
use crate::control_socket;
use crate::failure::Failure;
use crate::machine::{self, Machine};
use crate::outcome;
use crate::program;
use crate::replay::set_up;
use report::Report;

/// Run a program on interfaces of this machine, in real time, until interrupted.
#[derive(clap::Args)]
#[command(
    after_help = "Example: p4rmt run switch.p4 --port 1=tap:p0 --port 2=tap:p1 --setup setup.stf --engine jit\n\n\
        `tap:NAME` is a TAP interface: it is made and set up, and goes when the run ends, unless it was there before. \
        `packet:NAME` is an interface that is there; have it finish its frames first \
        (`ethtool -K NAME tx off tso off gso off gro off`). Both need root, or CAP_NET_ADMIN and CAP_NET_RAW. \
        Meanwhile `p4rmt ctl` reads and writes entries, registers and the rest."
)]
pub(crate) struct Args {
    /// The program.
    #[arg(value_name = "PROG.p4")]
    program: PathBuf,
    /// What a port is attached to; may be given again for others.
    #[arg(long = "port", value_name = "N=tap:NAME|N=packet:NAME")]
    ports: Vec<Port>,
    /// A vector that sets tables, registers and ports first.
    #[arg(long, value_name = "FILE.stf")]
    setup: Option<PathBuf>,
    /// The socket at which it is controlled. Without it: where `p4rmt ctl` looks.
    #[arg(long, value_name = "SOCKET")]
    control: Option<PathBuf>,
    /// How the summary is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    machine: machine::MachineArgs,
    #[command(flatten)]
    language: Language,
}

/// A port and what it is attached to: `N=ADDRESS`.
#[derive(Clone, Debug)]
struct Port {
    number: u16,
    address: PortAddress,
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, address) = text
            .split_once('=')
            .ok_or("write N=tap:NAME, such as 1=tap:p0")?;
        Ok(Self {
            number: number
                .parse()
                .map_err(|_| format!("`{number}` is no port number"))?,
            address: address
                .parse()
                .map_err(|error: p4rmt_live::AddressError| error.to_string())?,
        })
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let generation = machine::generation_of(args.machine.target.as_deref());
    let compiled = program::compile(&args.program, &args.language, generation)?;
    let machine = Machine::new(&compiled, &args.machine)?;
    let device = set_up(&args.program, args.setup.as_deref(), &machine)?;
    // From here on a signal ends the run and not the process: nothing is left behind.
    let signals = catch_signals().map_err(|error| Failure::Input(error.to_string()))?;
    let mut live = Live::new(device);
    let refused = |error: LiveError| Failure::Input(error.to_string());
    live.wake_on(signals)
        .map_err(|error| Failure::Input(error.to_string()))?;
    for Port { number, address } in &args.ports {
        let port = address.open().map_err(refused)?;
        live.attach(*number, port).map_err(refused)?;
    }
    let socket = args.control.clone().unwrap_or_else(control_socket::path);
    live.listen(&socket).map_err(refused)?;
    announce(args, &machine, &socket);
    let ended = run_until_woken(&mut live);
    let report = Report::new(&compiled, &machine, &live);
    match args.format {
        ReportFormat::Text => print(&report.render()),
        ReportFormat::Json => print(&to_json(&report)),
    }
    ended.map_err(|error| {
        let span = match &error {
            LiveError::Device(error) => error.span(),
            _ => None,
        };
        let place = span.and_then(|span| compiled.sources.locate(span));
        let place = place.map_or_else(String::new, |place| format!(", at {place}"));
        Failure::Input(format!("{error}{place}"))
    })
}

fn run_until_woken(live: &mut Live) -> Result<(), LiveError> {
    while !live.turn(None)?.is_woken {}
    Ok(())
}

/// What can be read from as soon as somebody wants the run to end.
fn catch_signals() -> io::Result<UnixStream> {
    let (hears, says) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::low_level::pipe::register(signal, says.try_clone()?)?;
    }
    Ok(hears)
}

/// Says that it runs, and how it is reached and ended.
#[expect(clippy::print_stderr, reason = "standard output is for the summary")]
fn announce(args: &Args, machine: &Machine, socket: &std::path::Path) {
    let fit = machine.fit.as_ref().map(|fit| &fit.placement);
    let how = outcome::how(
        fit.map(|placement| placement.target.as_str()),
        fit.map(|placement| placement.stages_used),
        machine.why_unplaced.as_deref(),
    );
    let engine = machine.engines()[0].name();
    eprintln!("{} runs on {engine}, {how}", args.program.display());
    for Port { number, address } in &args.ports {
        eprintln!("port {number}: {address}");
    }
    eprintln!("control: {}", socket.display());
    eprintln!("Ctrl-C ends it");
}
