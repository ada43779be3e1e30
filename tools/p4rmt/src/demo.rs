//! `p4rmt demo laminar`: Laminar with its control plane and a host behind it, and a TCP peer in front that nobody here
//! wrote: the Linux of this machine, in a network namespace of its own, or smoltcp where that is not allowed.
//!
//! The host runs an echo server and an HTTP server on libTOE. Every byte that goes either way is known, and compared.

mod client;
mod host;
mod link;
mod namespace;
mod pattern;
mod port;
mod servers;
mod smoltcp_peer;
mod sources;
mod station;

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Subcommand, ValueEnum};
use p4rmt_driver::{Compiled, Options};
use p4rmt_live::{LivePort, PairEnd, PortAddress, pair};
use p4rmt_mau::Target;
use p4rmt_pipeline::Device;

use crate::failure::Failure;
use crate::program::failure_of;
use link::{Impairment, Link};
use namespace::Namespace;
use pattern::Pattern;
use station::{OWN_IP, PREFIX_LEN, Settings, Station};

/// Programs that are demonstrated.
#[derive(clap::Args)]
#[command(
    after_help = "Example: p4rmt demo laminar --megabytes 100\n\nWith root, Linux is the peer (TAP interface, network namespace); without it, smoltcp."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    demo: Demo,
}

#[derive(Subcommand)]
enum Demo {
    /// A TCP stack in the pipe: files and echoes between a host behind it and a peer in front
    Laminar(LaminarArgs),
}

/// How the demonstration goes.
#[derive(clap::Args)]
struct LaminarArgs {
    /// Which peer: Linux needs root
    #[arg(long, value_name = "PEER", default_value = "auto")]
    peer: PeerName,
    /// Mebibytes that go each way
    #[arg(long, value_name = "N", default_value_t = 16)]
    megabytes: u64,
    /// Connections that are opened, used and closed beside, at most 64 at a time
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: u64,
    /// What happens to packets between peer and switch: loss=P%, duplicate=P%, reorder=P%, delay=Nms, jitter=Nus
    #[arg(long, value_name = "LIST")]
    impair: Option<Impairment>,
    /// Without selective acknowledgments: laminar.p4 without its extension LAMINAR_SACK
    #[arg(long)]
    no_sack: bool,
    /// What chance comes from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Records what passes between peer and switch
    #[arg(long, value_name = "FILE.pcap")]
    capture: Option<PathBuf>,
    /// Stays until interrupted, for your own connections
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PeerName {
    /// Linux with root, otherwise smoltcp
    Auto,
    /// The Linux of this machine, in a network namespace
    Linux,
    /// smoltcp, in this process
    Smoltcp,
}

const PEER_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Packets that wait between two threads at most.
const QUEUE: usize = 4096;
/// Connections that are open at once.
const AT_ONCE: u64 = 64;
/// Bytes of each.
const SMALL: u64 = 64 << 10;

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let Demo::Laminar(args) = &args.demo;
    laminar(args)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Input(error.to_string())
}

/// Prints a line at once: somebody is watching.
#[expect(clippy::print_stdout, reason = "the edge of the program")]
fn say(line: &str) {
    println!("{line}");
}

fn laminar(args: &LaminarArgs) -> Result<(), Failure> {
    let is_root = nix::unistd::geteuid().is_root();
    let is_linux = match args.peer {
        PeerName::Auto => is_root,
        PeerName::Linux if !is_root => {
            let why = "the Linux of this machine needs root: use `--peer smoltcp`";
            return Err(Failure::Usage(why.to_owned()));
        }
        PeerName::Linux => true,
        PeerName::Smoltcp => false,
    };
    let start = Instant::now();
    let device = laminar_device(!args.no_sack)?;
    say(&format!(
        "laminar.p4 placed and compiled in {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    ));
    if is_linux {
        with_linux(args, device)
    } else {
        if args.peer == PeerName::Auto {
            say("without root: the peer is smoltcp, in this process");
        }
        with_smoltcp(args, device)
    }
}

/// `laminar.p4` in the stages of its machine, as machine code.
fn laminar_device(has_sack: bool) -> Result<Device, Failure> {
    let mut options = Options::default();
    if has_sack {
        options.defines.push(("LAMINAR_SACK".to_owned(), None));
    }
    let compiled = p4rmt_driver::compile(&sources::program(), &options, &sources::BuiltIn);
    let compiled: Compiled = compiled.map_err(|rejected| failure_of(&rejected))?;
    let target = Target::built_in("tofino2").expect("the target is built in");
    crate::machine::place_on(&compiled, &target)
}

fn settings(args: &LaminarArgs) -> Settings {
    let mut random = fastrand::Rng::new();
    Settings {
        secret: [random.u64(..), random.u64(..)],
        has_sack: !args.no_sack,
    }
}

// ---- Linux ----

fn with_linux(args: &LaminarArgs, device: Device) -> Result<(), Failure> {
    let number = std::process::id();
    let interface = format!("lam{number}");
    let namespace = Namespace::new(format!("p4rmt-{number}"))?;
    let address = PortAddress::Tap(interface.clone());
    let open = move || address.open().map_err(failed);
    let (station, ends, link) = wire_up(args, device, open)?;
    namespace.adopt(&interface, PEER_IP, PREFIX_LEN)?;
    say(&format!(
        "peer: Linux in namespace {}, {PEER_IP} on {interface}; Laminar is {OWN_IP}",
        namespace.name()
    ));
    let servers = host::start(ends).map_err(failed)?;
    let mut report = Report::default();
    let len = args.megabytes << 20;
    report.step(&format!("curl, {} MiB down", args.megabytes), len, || {
        curl_down(&namespace, len)
    });
    report.step(&format!("curl, {} MiB up", args.megabytes), len, || {
        curl_up(&namespace, len)
    });
    report.step(
        &format!(
            "{} connections, {} KiB there and back",
            args.connections,
            SMALL >> 10
        ),
        args.connections * SMALL,
        || {
            let many = namespace.run(|| many_echoes(args.connections));
            many.map_err(|failure| failure.to_string())?
        },
    );
    if args.keep && report.is_good() {
        say(&format!(
            "try it: ip netns exec {} curl http://{OWN_IP}/  (Ctrl-C ends it)",
            namespace.name()
        ));
        wait_for_interrupt(&station);
    }
    finish(report, station, link, &servers)
}

fn curl_down(namespace: &Namespace, len: u64) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let url = format!("http://{OWN_IP}:{}/bytes/{len}", host::HTTP_PORT);
    curl(namespace, &["-o".as_ref(), file.path(), url.as_ref()])?;
    let found = file
        .path()
        .metadata()
        .map_err(|error| error.to_string())?
        .len();
    if found != len {
        return Err(format!("{found} bytes of {len} arrived"));
    }
    let mut file = File::open(file.path()).map_err(|error| error.to_string())?;
    match servers::DOWN.read(&mut file, len) {
        Ok(None) => Ok(()),
        Ok(Some(at)) => Err(format!("byte {at} of {len} is another")),
        Err(error) => Err(error.to_string()),
    }
}

fn curl_up(namespace: &Namespace, len: u64) -> Result<(), String> {
    let mut file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let written = servers::UP.write(&mut file, len);
    written.map_err(|error| error.to_string())?;
    let url = format!("http://{OWN_IP}:{}/bytes/{len}", host::HTTP_PORT);
    let said = curl(namespace, &["-T".as_ref(), file.path(), url.as_ref()])?;
    match said.as_str() {
        "intact\n" => Ok(()),
        other => Err(format!("the server says: {}", other.trim())),
    }
}

/// Runs curl in the namespace; returns what it printed.
fn curl(namespace: &Namespace, args: &[&Path]) -> Result<String, String> {
    let output = namespace
        .command("curl")
        .args(["-sS", "--fail-with-body", "--max-time", "600"])
        .args(args)
        .output();
    let output = output.map_err(|error| format!("curl: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(said.trim().to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Opens, uses and closes connections, some at a time. It runs in the namespace.
fn many_echoes(n_connections: u64) -> Result<(), String> {
    let next = AtomicU64::new(0);
    let results = thread::scope(|scope| {
        let workers = (0..AT_ONCE.min(n_connections)).map(|_| {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= n_connections {
                        return Ok(());
                    }
                    one_echo(number).map_err(|error| format!("connection {number}: {error}"))?;
                }
            })
        });
        let workers: Vec<_> = workers.collect();
        let results = workers.into_iter().map(|worker| {
            let result = worker.join();
            result.unwrap_or_else(|_| Err("a thread panicked".to_owned()))
        });
        results.collect::<Vec<Result<(), String>>>()
    });
    results.into_iter().collect()
}

fn one_echo(number: u64) -> io::Result<()> {
    let address = SocketAddrV4::new(OWN_IP, host::ECHO_PORT);
    let patience = Duration::from_secs(30);
    let stream = TcpStream::connect_timeout(&address.into(), patience)?;
    stream.set_read_timeout(Some(patience))?;
    client::echo(&stream, Pattern(100 + number), SMALL)
}

// ---- smoltcp ----

fn with_smoltcp(args: &LaminarArgs, device: Device) -> Result<(), Failure> {
    let (outer, peer_end) = pair("peer", QUEUE);
    let open = move || Ok(Box::new(outer) as Box<dyn LivePort>);
    let (station, ends, link) = wire_up(args, device, open)?;
    let servers = host::start(ends).map_err(failed)?;
    let mut peer = smoltcp_peer::Peer::new(peer_end, PEER_IP, PREFIX_LEN, args.seed);
    let mut report = Report::default();
    let len = args.megabytes << 20;
    let http = SocketAddrV4::new(OWN_IP, host::HTTP_PORT);
    let echo = SocketAddrV4::new(OWN_IP, host::ECHO_PORT);
    report.step(&format!("HTTP, {} MiB down", args.megabytes), len, || {
        let done = peer
            .connect(http)
            .and_then(|stream| client::get(stream, len));
        done.map_err(|error| error.to_string())
    });
    report.step(&format!("HTTP, {} MiB up", args.megabytes), len, || {
        let done = peer
            .connect(http)
            .and_then(|stream| client::put(stream, len));
        done.map_err(|error| error.to_string())
    });
    report.step(
        &format!(
            "{} connections, {} KiB there and back",
            args.connections,
            SMALL >> 10
        ),
        args.connections * SMALL,
        || {
            (0..args.connections).try_for_each(|number| {
                let stream = peer.connect(echo);
                let done =
                    stream.and_then(|stream| client::echo(stream, Pattern(100 + number), SMALL));
                done.map_err(|error| format!("connection {number}: {error}"))
            })
        },
    );
    finish(report, station, link, &servers)
}

// ---- both ----

/// Starts the switch, and the link in front of it where packets are to be recorded or hindered.
fn wire_up(
    args: &LaminarArgs,
    device: Device,
    open: impl FnOnce() -> Result<Box<dyn LivePort>, Failure> + Send + 'static,
) -> Result<(Station, station::HostEnds, Option<Link>), Failure> {
    if args.impair.is_none() && args.capture.is_none() {
        let (station, ends) = Station::start(device, settings(args), open)?;
        return Ok((station, ends, None));
    }
    let capture = args.capture.as_deref().map(link::capture).transpose()?;
    let (inner, switch_end): (PairEnd, PairEnd) = pair("link", QUEUE);
    let impairment = args.impair.unwrap_or_default();
    let link = Link::start(impairment, args.seed, capture, open, inner)?;
    let open = move || Ok(Box::new(switch_end) as Box<dyn LivePort>);
    let (station, ends) = Station::start(device, settings(args), open)?;
    Ok((station, ends, Some(link)))
}

/// What was seen.
#[derive(Default)]
struct Report {
    n_failed: usize,
}

impl Report {
    /// Does something, and says how it went.
    fn step(&mut self, what: &str, bytes: u64, act: impl FnOnce() -> Result<(), String>) {
        let start = Instant::now();
        let result = act();
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(()) => {
                let mbps = bytes as f64 * 8.0 / seconds / 1e6;
                say(&format!(
                    "{what:<44} intact  {seconds:7.2} s  {mbps:7.0} Mbit/s"
                ));
            }
            Err(why) => {
                self.n_failed += 1;
                say(&format!("{what:<44} FAILED  {seconds:7.2} s  {why}"));
            }
        }
    }

    fn is_good(&self) -> bool {
        self.n_failed == 0
    }
}

/// Lets connections end, stops everything, and says what was counted.
fn finish(
    report: Report,
    station: Station,
    link: Option<Link>,
    servers: &host::Servers,
) -> Result<(), Failure> {
    let patience = Instant::now() + Duration::from_secs(10);
    while servers.n_sockets() > host::N_STAYING && Instant::now() < patience && !station.is_over() {
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(100));
    let n_left = servers.n_sockets().saturating_sub(host::N_STAYING);
    servers.stop();
    let outcome = station.stop()?;
    let mut text = String::new();
    for (number, port) in &outcome.live.ports {
        let _ = writeln!(
            text,
            "port {number} ({}): {} packets in, {} out",
            port.name, port.packets_in, port.packets_out
        );
    }
    if let Some(link) = link {
        let carried = link.stop()?;
        let _ = writeln!(
            text,
            "link: {} packets, {} lost, {} doubled, {} overtaken",
            carried.n_packets, carried.n_lost, carried.n_duplicates, carried.n_reordered
        );
    }
    let (n_open, n_kept) = outcome.n_connections;
    let _ = writeln!(
        text,
        "connections left: {n_left} of the host, {n_open} in the pipe's tables, {n_kept} numbers not given back"
    );
    let statistics = outcome.statistics;
    let _ = writeln!(
        text,
        "control plane: {} accepted, {} closed, {} reset by peers, {} timeouts, {} probes, {} windows mended, {} given up",
        statistics.accepted,
        statistics.closed,
        statistics.reset_by_peer,
        statistics.timeouts,
        statistics.probes,
        statistics.mended_windows,
        statistics.timed_out,
    );
    say(text.trim_end());
    if report.is_good() {
        say("every byte arrived intact");
        return Ok(());
    }
    Err(Failure::Reported)
}

/// Waits for Ctrl-C, or until the switch has ended by itself.
fn wait_for_interrupt(station: &Station) {
    let signals = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
    let is_asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    for signal in signals {
        // Without it, the signal ends the process at once.
        let _ = signal_hook::flag::register(signal, std::sync::Arc::clone(&is_asked));
    }
    while !is_asked.load(Ordering::Relaxed) && !station.is_over() {
        thread::sleep(Duration::from_millis(50));
    }
}
