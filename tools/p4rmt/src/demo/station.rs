//! The switch with its control plane, in a thread of its own: packets of all ports through the pipe, and what the
//! control plane does between them.

use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use p4rmt_control::{Event, Subscription, Switch as _};
use p4rmt_laminar_control::{Config, ControlPlane, HostPort as HostSide, Network, Statistics};
use p4rmt_libtoe::Queue;
use p4rmt_live::{Live, LiveCounters, LivePort};
use p4rmt_pipeline::{Device, PortUnit};
use p4rmt_wire::{HostEvent, HostRequest};

use super::port::{HostPort, waker};
use crate::failure::Failure;

/// The switch port of the peers.
const NETWORK_PORT: u16 = 1;
/// The switch port of the host.
pub(super) const HOST_PORT: u16 = 2;
/// The switch port of the control plane.
const CONTROL_PORT: u16 = 64;

/// Our addresses: towards the peers, then towards the host.
pub(super) const OWN_IP: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
pub(super) const OWN_MAC: [u8; 6] = [2, 0, 0x4c, 0x61, 0x6d, 2];
pub(super) const PREFIX_LEN: u8 = 24;
const HOST_SIDE_IP: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 2);
const HOST_SIDE_MAC: [u8; 6] = [2, 0, 0x4c, 0x61, 0x6d, 3];

/// How long a turn waits at most: so soon a stop is noticed at the latest.
const LONGEST_TURN: Duration = Duration::from_millis(100);

/// The thread.
pub(super) struct Station {
    thread: JoinHandle<Result<Outcome, Failure>>,
    is_stopped: Arc<AtomicBool>,
    waker: UnixStream,
}

/// What the control plane is told beside addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// Two numbers that nobody else knows.
    pub(super) secret: [u64; 2],
    /// Whether the pipe names intervals.
    pub(super) has_sack: bool,
}

/// What was counted.
pub(super) struct Outcome {
    pub(super) live: LiveCounters,
    pub(super) statistics: Statistics,
    /// Connections in the tables, and numbers that the host still has.
    pub(super) n_connections: (usize, usize),
}

/// What the host has of the station: packets, and messages.
pub(super) struct HostEnds {
    pub(super) packets: Queue<Vec<u8>, Vec<u8>>,
    pub(super) messages: Queue<HostRequest, HostEvent>,
}

impl Station {
    /// Starts a switch. `open` gives the port of the peers, in the thread that will use it.
    pub(super) fn start(
        mut device: Device,
        how: Settings,
        open: impl FnOnce() -> Result<Box<dyn LivePort>, Failure> + Send + 'static,
    ) -> Result<(Self, HostEnds), Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Input(error.to_string());
        for (port, unit) in [
            (NETWORK_PORT, PortUnit::TcpChecksum),
            (HOST_PORT, PortUnit::Roce),
        ] {
            let set = device.set_port_unit(port, Some(unit));
            set.map_err(|error| failed(&error))?;
        }
        let (packets, switch_packets) = Queue::pair();
        let (messages, switch_messages) = Queue::pair();
        let (wake_end, waker_end) = UnixStream::pair().map_err(|error| failed(&error))?;
        let clone = waker_end.try_clone().map_err(|error| failed(&error))?;
        clone
            .set_nonblocking(true)
            .map_err(|error| failed(&error))?;
        switch_messages.call(waker(clone));
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&is_stopped);
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let begun = begin(device, how, switch_packets, wake_end, open);
            let (live, control) = match begun {
                Ok(begun) => {
                    // Whoever started it may have gone.
                    let _ = ready.send(());
                    begun
                }
                Err(failure) => return Err(failure),
            };
            run(live, control, &switch_messages, &stopped)
        });
        if is_ready.recv().is_err() {
            return Err(joined(thread).err().unwrap_or(Failure::Bug));
        }
        let station = Self {
            thread,
            is_stopped,
            waker: waker_end,
        };
        Ok((station, HostEnds { packets, messages }))
    }

    /// Whether it has ended by itself, which is a failure.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Stops it, and says what it has counted.
    pub(super) fn stop(self) -> Result<Outcome, Failure> {
        self.is_stopped.store(true, Ordering::Release);
        // It looks by itself from time to time.
        let _ = std::io::Write::write(&mut &self.waker, &[1]);
        joined(self.thread)
    }
}

fn joined(thread: JoinHandle<Result<Outcome, Failure>>) -> Result<Outcome, Failure> {
    // A panic has been reported where it happened.
    thread.join().unwrap_or(Err(Failure::Bug))
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Input(error.to_string())
}

fn begin(
    device: Device,
    how: Settings,
    packets: Queue<Vec<u8>, Vec<u8>>,
    wake_end: UnixStream,
    open: impl FnOnce() -> Result<Box<dyn LivePort>, Failure>,
) -> Result<(Live, ControlPlane), Failure> {
    let mut live = Live::new(device);
    live.attach(NETWORK_PORT, open()?).map_err(failed)?;
    let host = HostPort::new(packets).map_err(failed)?;
    live.attach(HOST_PORT, Box::new(host)).map_err(failed)?;
    live.wake_on(wake_end).map_err(failed)?;
    live.subscribe(Subscription {
        ports: [CONTROL_PORT].into(),
        ..Subscription::default()
    });
    let network = Network {
        port: NETWORK_PORT,
        mac: OWN_MAC,
        ip: OWN_IP,
        prefix_len: PREFIX_LEN,
        gateway: None,
    };
    let host = HostSide {
        port: HOST_PORT,
        mac: HOST_SIDE_MAC,
        ip: HOST_SIDE_IP,
    };
    let mut config = Config::new(vec![network], vec![host], how.secret);
    config.has_sack = how.has_sack;
    let mut control = ControlPlane::new(config).map_err(failed)?;
    control.start(&mut live).map_err(failed)?;
    Ok((live, control))
}

/// Turn after turn, until it is stopped.
fn run(
    mut live: Live,
    mut control: ControlPlane,
    messages: &Queue<HostEvent, HostRequest>,
    is_stopped: &AtomicBool,
) -> Result<Outcome, Failure> {
    let mut patience = Duration::ZERO;
    while !is_stopped.load(Ordering::Acquire) {
        live.turn(Some(patience)).map_err(failed)?;
        let now_ns = live.now_ns().map_err(failed)?;
        for event in live.take_events() {
            if let Event::Packet { bytes, .. } = event {
                control.packet(now_ns, &bytes, &mut live).map_err(failed)?;
            }
        }
        while let Some(request) = messages.pop() {
            let asked = control.host_request(now_ns, request, &mut live);
            asked.map_err(failed)?;
        }
        let due_ns = control.poll(now_ns, &mut live).map_err(failed)?;
        for event in control.take_events() {
            messages.push(event);
        }
        patience = due_ns.map_or(LONGEST_TURN, |due_ns| {
            Duration::from_nanos(due_ns.saturating_sub(now_ns)).min(LONGEST_TURN)
        });
    }
    Ok(Outcome {
        live: live.counters(),
        statistics: control.statistics(),
        n_connections: control.n_connections(),
    })
}
