//! One exchange: a peer, a link that loses and reorders, Laminar, a host, and the control plane that
//! brings them together, in simulated time.
//!
//! A step is: what has arrived enters the switch, which answers; the packet generator's triggers of
//! the time since come; the host and the control plane do what they have to do; the peer is polled.
//! Then time goes on to when the next thing happens.

use p4rmt_driver::Compiled;
use p4rmt_pipeline::{Departure, GeneratorApp};

use super::control::{ControlPlane, Request};
use super::host::{Host, HostSide};
use super::link::Link;
use super::model::Connection;
use super::peer::Peer;
use super::rig::{
    BUFFER_BYTES, CONTROL_PORT, HOST_PORT, Identity, LOCAL_PORT, MSS, NETWORK_PORT, PEER_PATH, Rig,
    connections_setup,
};
use crate::mutation::Random;
use crate::rig::Form;

/// The port of Tofino 2's packet generator.
const GENERATOR_PORT: u16 = 6;
/// Microseconds between two periodic SYNCs.
const GENERATOR_PERIOD: u64 = 500;
/// Bytes that each of them grants, up to a cap.
const GRANT: u32 = 32 << 10;
const GRANT_LIMIT: u32 = 64 << 10;
/// Credits at the start: ten segments, as RFC 6928 has it.
const FIRST_CREDITS: u32 = 10 * MSS;
/// Microseconds between switch and peer.
const DELAY: u64 = 100;

/// How an exchange goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// What all chance comes from.
    pub seed: u64,
    /// Packets of a thousand that the link loses, in each direction.
    pub loss_per_mille: usize,
    /// Packets of a thousand that others may overtake.
    pub late_per_mille: usize,
    /// Pseudo segments of a thousand that the switch loses.
    pub lost_copies_per_mille: usize,
    /// Bytes that the host's application reads a millisecond; none if it reads all at once.
    pub reads_per_ms: Option<u32>,
}

/// What came of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the host has read.
    pub at_host: Vec<u8>,
    /// What the peer has read.
    pub at_peer: Vec<u8>,
    /// Microseconds that it took.
    pub micros: u64,
    /// Packets that the links lost.
    pub n_lost: u64,
    /// Pseudo segments that the switch lost.
    pub n_lost_copies: u64,
    /// How often the host started again from what was not acknowledged.
    pub n_restarts: u64,
    /// How often the control plane's retransmission timer went off.
    pub n_timeouts: u64,
    /// How many windows the control plane mended.
    pub n_resets: u64,
}

/// An exchange that goes on.
pub struct Exchange<H = Host> {
    conditions: Conditions,
    random: Random,
    rig: Rig,
    peer: Peer,
    host: H,
    control: ControlPlane,
    to_switch: Link,
    to_peer: Link,
    /// Connections that wait for their place in the tables.
    opening: Vec<(Identity, u32)>,
    id: Option<u16>,
    from_host: Vec<u8>,
    from_peer: Vec<u8>,
    n_written: usize,
    now: u64,
    last_read: u64,
    outcome: Outcome,
}

impl Exchange {
    /// An exchange of these bytes, which begins with the peer's SYN.
    ///
    /// # Panics
    /// If `laminar.p4` does not run, or its tables are not what the rig thinks they are.
    #[must_use]
    pub fn new(
        compiled: &Compiled,
        form: Form,
        conditions: Conditions,
        from_host: Vec<u8>,
        from_peer: Vec<u8>,
    ) -> Self {
        Self::with_host(
            Host::default(),
            compiled,
            form,
            conditions,
            from_host,
            from_peer,
        )
    }
}

impl<H: HostSide> Exchange<H> {
    /// The same with another host.
    ///
    /// # Panics
    /// As [`Exchange::new`].
    #[must_use]
    pub fn with_host(
        host: H,
        compiled: &Compiled,
        form: Form,
        conditions: Conditions,
        from_host: Vec<u8>,
        from_peer: Vec<u8>,
    ) -> Self {
        let Conditions {
            seed,
            loss_per_mille,
            late_per_mille,
            ..
        } = conditions;
        let mut rig = Rig::new(compiled, form, &[]);
        rig.device.hold_mirrors();
        let app = GeneratorApp {
            port: GENERATOR_PORT,
            period: GENERATOR_PERIOD * rig.device.config().clocks_per_us,
            is_periodic: true,
            batches: 1,
            packets: 1,
            payload: vec![0; 58],
        };
        rig.device
            .start_generator(0, app)
            .expect("it has 16 of them");
        let mut random = Random::new(seed);
        let link = |seed| Link::new(seed, DELAY, loss_per_mille, late_per_mille);
        let (to_switch, to_peer) = (link(random.any()), link(random.any()));
        Self {
            conditions,
            rig,
            peer: Peer::connect(PEER_PATH, [10_000, LOCAL_PORT], random.any()),
            random,
            host,
            control: ControlPlane::default(),
            to_switch,
            to_peer,
            opening: Vec::new(),
            id: None,
            from_host,
            from_peer,
            n_written: 0,
            now: 0,
            last_read: 0,
            outcome: Outcome::default(),
        }
    }

    /// Lets the exchange go on until all has been read on both sides, or until this time, in
    /// microseconds.
    #[must_use]
    pub fn run(mut self, until: u64) -> Outcome {
        while self.now < until && !self.is_done() {
            self = self.step();
        }
        Outcome {
            micros: self.now,
            n_lost: self.to_switch.n_lost() + self.to_peer.n_lost(),
            n_restarts: self.host.n_restarts(),
            n_timeouts: self.control.n_timeouts(),
            n_resets: self.control.n_resets(),
            ..self.outcome
        }
    }

    fn is_done(&self) -> bool {
        self.outcome.at_host.len() >= self.from_peer.len()
            && self.outcome.at_peer.len() >= self.from_host.len()
    }

    fn step(mut self) -> Self {
        let clock = self.rig.device.config().clock_at(self.now * 1000);
        self.rig.device.advance_to(clock).expect("steps are short");
        let generated: Vec<Departure> = self.rig.device.take_departures().collect();
        self.dispatch(generated);
        while let Some(packet) = self.to_switch.take(self.now) {
            self.enter(NETWORK_PORT, &packet);
            self.settle(700);
            self.serve_host();
        }
        self.settle(1000);
        self.serve_host();
        for request in self.control.watch(&self.rig, self.now) {
            self.carry_out(request);
        }
        self.serve_host();
        self.settle(1000);
        self.serve_peer();
        self = self.open();
        self.now = self.next_event();
        self
    }

    /// A packet enters the switch, and what leaves goes its ways.
    fn enter(&mut self, port: u16, packet: &[u8]) {
        let left = self.rig.receive(port, packet);
        self.dispatch(left);
    }

    fn dispatch(&mut self, left: Vec<Departure>) {
        for packet in left {
            match packet.port {
                NETWORK_PORT => self.to_peer.send(self.now, packet.bytes.into_vec()),
                HOST_PORT => self.host.take(&packet.bytes),
                CONTROL_PORT => {
                    for request in self.control.take(&packet.bytes, self.now) {
                        self.carry_out(request);
                    }
                }
                port => panic!("a packet left on port {port}"),
            }
        }
    }

    /// At once: a RESET that comes late would set back what has gone on.
    fn carry_out(&mut self, request: Request) {
        match request {
            Request::Send(packet) => self.enter(CONTROL_PORT, &packet),
            Request::Open { identity, window } => self.opening.push((identity, window)),
        }
    }

    /// Each pseudo segment that waits comes in now with this probability, or is lost, or waits.
    fn settle(&mut self, per_mille: usize) {
        while self.rig.device.n_held_mirrors() > 0 && self.random.happens(per_mille) {
            if self.random.happens(self.conditions.lost_copies_per_mille) {
                self.outcome.n_lost_copies += 1;
                self.rig.device.drop_mirrors(Some(1));
            } else {
                self.rig
                    .device
                    .release_mirrors(Some(1))
                    .expect("the packets are short");
                let left = self.rig.device.take_departures().collect();
                self.dispatch(left);
            }
        }
    }

    fn serve_host(&mut self) {
        let Some(id) = self.id else { return };
        let limit = match self.conditions.reads_per_ms {
            None => u32::MAX,
            Some(limit) if self.now >= self.last_read + 1000 => {
                self.last_read = self.now;
                limit
            }
            Some(_) => 0,
        };
        self.outcome.at_host.extend(self.host.read(id, limit));
        for write in self.host.take_writes() {
            self.enter(HOST_PORT, &write);
        }
    }

    fn serve_peer(&mut self) {
        let now = self.now.cast_signed();
        while let Some(packet) = self.to_peer.take(self.now) {
            self.peer.deliver(packet);
            self.peer.poll(now);
            self.outcome.at_peer.extend(self.peer.read());
        }
        self.n_written += self.peer.write(&self.from_peer[self.n_written..]);
        self.peer.poll(now);
        for packet in self.peer.take_sent() {
            self.to_switch.send(self.now, packet);
        }
    }

    /// Puts connections into tables and registers.
    fn open(mut self) -> Self {
        for (identity, window) in std::mem::take(&mut self.opening) {
            let id = identity.id;
            let rate = format!(
                "add rates meta.connection:{id} grant(credit:{GRANT}, limit:{GRANT_LIMIT})"
            );
            self.rig = self
                .rig
                .configure(&(connections_setup(&[identity]) + &rate));
            let state = Connection {
                rx_next_seq: identity.first_rx,
                rx_avail: BUFFER_BYTES - MSS,
                rx_broken: 0,
                rx_ooo_tail: 0,
                rx_ooo_head: 0,
                tx_next_ack: identity.first_tx,
                tx_dupack_cnt: 0,
                tx_avail: 0,
                tx_credits: FIRST_CREDITS,
                tx_remote_avail: window,
            };
            self.rig.write(id, &state);
            self.host.open(identity, FIRST_CREDITS);
            self.host.send(id, &self.from_host);
            self.id = Some(id);
        }
        self
    }

    /// When anything happens next: a packet arrives, the peer's timer or the generator goes off.
    fn next_event(&mut self) -> u64 {
        let generator = (self.now / GENERATOR_PERIOD + 1) * GENERATOR_PERIOD;
        let peer = self.peer.next_poll().map(i64::cast_unsigned);
        let links = [self.to_switch.next_arrival(), self.to_peer.next_arrival()];
        let next = links.into_iter().flatten().chain(peer).chain([generator]);
        next.min().unwrap_or(generator).max(self.now + 1)
    }
}
