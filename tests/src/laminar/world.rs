//! All of Laminar in simulated time: a machine, links that lose and reorder, the pipe, its control plane, and libTOE.
//!
//! A step is: what has arrived enters the switch; the packet generator's triggers of the time since come; control
//! plane and libTOE do what they have to do; the machine is polled. Then time goes on to when the next thing happens.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use p4rmt_driver::Compiled;
use p4rmt_engine::Engine;
use p4rmt_laminar_control::{Config, ControlPlane, HostPort, Network, Statistics};
use p4rmt_libtoe::{Event, Toe};
use p4rmt_pipeline::{Device, PortUnit};
use p4rmt_wire::{ContextSettings, HostEvent, ReceiveRegion};

use super::link::Link;
use super::machine::Machine;
use super::rig::{CONTROL_PORT, HOST_PATH, HOST_PORT, NETWORK_PORT, PEER_PATH, QUEUE_PAIR};
use crate::mutation::Random;
use crate::rig::{Form, device_on};

/// The only context.
pub const CONTEXT: u16 = 0;
/// Our address.
pub const OUR_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The machine's.
pub const PEER_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// What the world is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// What all chance comes from.
    pub seed: u64,
    /// Packets of a thousand that the link loses, in each direction.
    pub loss_per_mille: usize,
    /// Packets of a thousand that others may overtake.
    pub late_per_mille: usize,
    /// Microseconds between switch and machine.
    pub delay: u64,
    /// Bytes of a receive buffer of the host.
    pub buffer_bytes: u32,
    /// Receive buffers of the host.
    pub n_buffers: u32,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            seed: 1,
            loss_per_mille: 0,
            late_per_mille: 0,
            delay: 100,
            buffer_bytes: 64 << 10,
            n_buffers: 1024,
        }
    }
}

/// The world.
pub struct World {
    /// The switch.
    pub device: Device,
    /// The control plane.
    pub plane: ControlPlane,
    /// The host.
    pub toe: Toe,
    /// Whoever is on the other side.
    pub machine: Machine,
    /// Events of libTOE that nobody has taken.
    pub events: VecDeque<Event>,
    /// First sequence numbers of the machine's connections, by its port.
    first_rx: BTreeMap<u16, u32>,
    is_cut: bool,
    to_switch: Link,
    to_machine: Link,
    /// When the control plane wants to be polled, in nanoseconds.
    due_ns: u64,
    now: u64,
}

/// The usual configuration, with times that fit links of a tenth of a millisecond.
#[must_use]
pub fn config(seed: u64) -> Config {
    let network = Network {
        port: NETWORK_PORT,
        mac: PEER_PATH.macs[1],
        ip: OUR_IP,
        prefix_len: 24,
        gateway: None,
    };
    let host = HostPort {
        port: HOST_PORT,
        mac: HOST_PATH.macs[0],
        ip: HOST_PATH.ips[0].into(),
    };
    let mut config = Config::new(vec![network], vec![host], [seed, 77]);
    config.timing.min_rto_ns = 5_000_000;
    config.timing.first_rto_ns = 20_000_000;
    config.timing.max_rto_ns = 200_000_000;
    // smoltcp answers one segment a second that lies outside of its window.
    config.timing.max_probe_ns = 500_000_000;
    config.timing.syn_ns = 50_000_000;
    config.timing.time_wait_ns = 100_000_000;
    config.timing.arp_ns = 10_000_000;
    config.timing.watch_ns = 500_000;
    config.timing.sync_ns_per_packet = 5_000;
    config
}

impl World {
    /// A world that has just begun.
    ///
    /// # Panics
    /// If `laminar.p4` does not run, or the control plane cannot begin with it.
    #[must_use]
    pub fn new(compiled: &Compiled, engine: &dyn Engine, weather: Weather, config: Config) -> Self {
        let mut device = device_on(engine, compiled, Form::Tables);
        device
            .set_port_unit(NETWORK_PORT, Some(PortUnit::TcpChecksum))
            .expect("the port is there");
        device
            .set_port_unit(HOST_PORT, Some(PortUnit::Roce))
            .expect("the port is there");
        let mut plane = ControlPlane::new(config).expect("the configuration is good");
        plane.start(&mut device).expect("the switch is fresh");
        let mut toe = Toe::new();
        let settings = ContextSettings {
            token: 1,
            port: HOST_PORT,
            mac: HOST_PATH.macs[1],
            ip: HOST_PATH.ips[1],
            queue_pair: QUEUE_PAIR,
            remote_key: 0x1000,
            reports: 0x2_0000_0000,
            receive: ReceiveRegion {
                base: 0x1_0000_0000,
                buffer_bytes: weather.buffer_bytes,
                n_buffers: weather.n_buffers,
            },
            transmit_bytes: 64 << 10,
        };
        toe.open_context(settings).expect("the settings are good");
        let mut random = Random::new(weather.seed);
        let Weather {
            delay,
            loss_per_mille,
            late_per_mille,
            ..
        } = weather;
        let link = |seed| Link::new(seed, delay, loss_per_mille, late_per_mille);
        let (to_switch, to_machine) = (link(random.any()), link(random.any()));
        let mut world = Self {
            device,
            plane,
            toe,
            machine: Machine::new(PEER_PATH, random.any()),
            events: VecDeque::new(),
            first_rx: BTreeMap::new(),
            is_cut: false,
            to_switch,
            to_machine,
            due_ns: 0,
            now: 0,
        };
        world.settle();
        assert!(
            matches!(
                world.events.pop_front(),
                Some(Event::ContextOpened {
                    context: CONTEXT,
                    ..
                })
            ),
            "the context is opened"
        );
        world
    }

    /// What time it is, in microseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The same, for libTOE.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.now)
    }

    /// Asks for connections to a port.
    ///
    /// # Panics
    /// If it is not granted.
    pub fn listen(&mut self, port: u16, backlog: u32) {
        let local = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
        self.toe
            .listen(CONTEXT, local, backlog)
            .expect("the context is there");
        self.settle();
        assert!(
            matches!(self.events.pop_front(), Some(Event::Listening { .. })),
            "the port is free"
        );
    }

    /// A frame enters the switch at the network port, as if somebody on the way had sent it.
    pub fn inject(&mut self, frame: &[u8]) {
        self.enter(NETWORK_PORT, frame);
    }

    /// From now on nothing arrives at the machine or from it.
    pub fn cut(&mut self) {
        self.is_cut = true;
    }

    /// The sequence number of the first byte that the machine sends from a port.
    #[must_use]
    pub fn first_rx(&self, port: u16) -> Option<u32> {
        self.first_rx.get(&port).copied()
    }

    /// What the control plane has counted.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.plane.statistics()
    }

    /// How many packets were lost on the links.
    #[must_use]
    pub fn n_lost(&self) -> u64 {
        self.to_switch.n_lost() + self.to_machine.n_lost()
    }

    /// Goes on to when the next thing happens, and lets it happen.
    ///
    /// # Panics
    /// If the switch, the control plane or libTOE refuse what the others do.
    pub fn step(&mut self) {
        let clock = self.device.config().clock_at(self.now * 1000);
        self.device.advance_to(clock).expect("steps are short");
        self.dispatch();
        while let Some(packet) = self.to_switch.take(self.now) {
            self.enter(NETWORK_PORT, &packet);
            self.settle();
        }
        if self.due_ns <= self.now * 1000 {
            self.poll_plane();
        }
        self.toe.poll(self.time());
        self.settle();
        while let Some(packet) = self.to_machine.take(self.now) {
            self.machine.deliver(packet);
            self.machine.poll(self.now);
        }
        self.machine.poll(self.now);
        for packet in self.machine.take_sent() {
            if self.is_cut {
                continue;
            }
            self.to_switch.send(self.now, packet);
        }
        self.now = self.next_event();
    }

    /// Carries on until something holds, or this time.
    pub fn run_until(&mut self, until: u64, mut holds: impl FnMut(&mut Self) -> bool) -> bool {
        loop {
            if holds(self) {
                return true;
            }
            if self.now >= until {
                return false;
            }
            self.step();
        }
    }

    fn next_event(&mut self) -> u64 {
        let machine = self.machine.next_poll();
        let links = [
            self.to_switch.next_arrival(),
            self.to_machine.next_arrival(),
        ];
        let trigger = self.device.next_trigger();
        let trigger = trigger.map(|clock| self.device.config().nanoseconds(clock).div_ceil(1000));
        let plane = (self.due_ns != u64::MAX).then_some(self.due_ns.div_ceil(1000));
        let toe = self.toe.poll_at().map(|at| at.as_micros() as u64);
        let next = links.into_iter().flatten().chain(machine);
        let next = next.chain(trigger).chain(plane).chain(toe).min();
        // Applications have no times of their own.
        next.unwrap_or(u64::MAX)
            .min(self.now + 1000)
            .max(self.now + 1)
    }

    fn poll_plane(&mut self) {
        let due = self.plane.poll(self.now * 1000, &mut self.device);
        self.due_ns = due.expect("the switch takes it").unwrap_or(u64::MAX);
        self.dispatch();
    }

    fn enter(&mut self, port: u16, packet: &[u8]) {
        self.device
            .receive(port, packet)
            .expect("the port is there");
        self.dispatch();
    }

    /// What has left goes its ways.
    fn dispatch(&mut self) {
        loop {
            let left: Vec<_> = self.device.take_departures().collect();
            if left.is_empty() {
                return;
            }
            for packet in left {
                match packet.port {
                    NETWORK_PORT if self.is_cut => {}
                    NETWORK_PORT => self.to_machine.send(self.now, packet.bytes.into_vec()),
                    HOST_PORT => {
                        // A report of a connection that was given back, and the like.
                        let _ = self.toe.receive(&packet.bytes, self.time());
                    }
                    CONTROL_PORT => {
                        let now_ns = self.now * 1000;
                        let taken = self.plane.packet(now_ns, &packet.bytes, &mut self.device);
                        taken.unwrap_or_else(|error| panic!("{error}"));
                        // What it has begun may have times of its own.
                        self.due_ns = 0;
                    }
                    port => panic!("a packet left on port {port}"),
                }
            }
        }
    }

    /// Control plane and libTOE speak until they have nothing to say.
    fn settle(&mut self) {
        let mut packet = Vec::new();
        loop {
            let mut is_quiet = true;
            while let Some(request) = self.toe.poll_request() {
                let now_ns = self.now * 1000;
                let done = self.plane.host_request(now_ns, request, &mut self.device);
                done.unwrap_or_else(|error| panic!("{error}"));
                self.due_ns = 0;
                self.dispatch();
                is_quiet = false;
            }
            for event in self.plane.take_events() {
                let shown = format!("{event:?}");
                if let HostEvent::Accepted(opened) | HostEvent::Connected { opened, .. } = &event {
                    let port = opened.remote.port();
                    self.first_rx.insert(port, opened.first_rx_seq);
                }
                self.toe
                    .handle(event, self.time())
                    .unwrap_or_else(|error| panic!("{shown}: {error}"));
                is_quiet = false;
            }
            while self.toe.poll_transmit(&mut packet) {
                self.enter(HOST_PORT, &packet);
                is_quiet = false;
            }
            if is_quiet {
                break;
            }
        }
        while let Some(event) = self.toe.poll_event() {
            self.events.push_back(event);
        }
    }
}
