//! `laminar.p4` beside an independent model: random sequences of segments, transmissions, SYNCs,
//! resets, and pseudo segments that are held, released and lost, on several connections.
//!
//! After every step the nine registers of the connection are those of the model, and what left is
//! what the model says. From the RDMA writes alone the streams are rebuilt: every byte is in its
//! place, nothing is outside the buffer, what is ready is there in order without gaps, and what has
//! been acknowledged has been notified.

use std::collections::VecDeque;

use p4rmt_pipeline::Departure;
use p4rmt_tests::laminar::model::{Acknowledged, Connection, Copy, Segment, Sent};
use p4rmt_tests::laminar::rig::{
    BUFFER_BYTES, CONTROL_PORT, HOST_PATH, HOST_PORT, Identity, LOCAL_PORT, MSS, NETWORK_PORT,
    PEER_PATH, QUEUE_PAIR, REMOTE_KEY, REPORTS_BASE, Rig,
};
use p4rmt_tests::laminar::wire::{RdmaWrite, TcpSegment, flags};
use p4rmt_tests::mutation::Random;
use p4rmt_tests::rig::{Form, compile_program};

/// Sequences of a run.
const N_SEQUENCES: u64 = 10_000;
/// Events of a sequence.
const N_EVENTS: usize = 30;
/// Free bytes of the receive buffer at the start: one MSS of the buffer is kept back.
const FREE: u32 = BUFFER_BYTES - MSS;

/// Where the four connections begin: small, across 2^32, across 2^31, at zero.
const IDENTITIES: [Identity; 4] = [
    Identity {
        id: 0,
        peer_port: 10_000,
        first_rx: 1000,
        first_tx: 5000,
    },
    Identity {
        id: 1,
        peer_port: 10_001,
        first_rx: 0xffff_f000,
        first_tx: 0xffff_fc00,
    },
    Identity {
        id: 77,
        peer_port: 10_002,
        first_rx: 0x7fff_f000,
        first_tx: 0x7fff_f800,
    },
    Identity {
        id: 32_767,
        peer_port: 10_003,
        first_rx: 0,
        first_tx: 0,
    },
];

/// A copy that waits outside the pipe.
#[derive(Clone, Copy, Debug)]
struct Held {
    link: usize,
    copy: Copy,
    is_marked: bool,
    /// Whether it goes to the control plane instead of the peer.
    is_notice: bool,
}

/// A connection, its model, and the host's memory.
struct Link {
    identity: Identity,
    model: Connection,
    /// The receive buffer, by offset; nothing where nothing was written.
    memory: Vec<Option<u8>>,
    /// Up to where the host has been told that bytes are ready.
    ready: u32,
    /// Up to where it has told us that they are free again.
    freed: u32,
    /// The last transmitted byte but one.
    sent: u32,
}

/// The byte of the peer's stream at this sequence number.
fn stream_byte(id: u16, seq: u32) -> u8 {
    let mixed = (u64::from(seq) << 16 | u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as u8
}

fn stream(id: u16, seq: u32, len: u32) -> Vec<u8> {
    (0..len)
        .map(|at| stream_byte(id, seq.wrapping_add(at)))
        .collect()
}

struct World {
    rig: Rig,
    links: Vec<Link>,
    held: VecDeque<Held>,
    /// Packet sequence number of the next write to the host.
    sequence: u32,
}

impl World {
    fn start(mut self, random: &mut Random) -> Self {
        self.rig.device.drop_mirrors(None);
        self.held.clear();
        for link in &mut self.links {
            let Identity {
                id,
                first_rx,
                first_tx,
                ..
            } = link.identity;
            link.model = Connection {
                rx_next_seq: first_rx,
                rx_avail: [FREE, 10_000, 3_000, 0][random.below(4)],
                rx_broken: 0,
                rx_ooo_tail: 0,
                rx_ooo_head: 0,
                tx_next_ack: first_tx,
                tx_dupack_cnt: 0,
                tx_avail: 0,
                tx_credits: [0, 1_000, 65_536, 1 << 20][random.below(4)],
                tx_remote_avail: [0, 2_000, 65_535][random.below(3)],
            };
            link.memory.fill(None);
            (link.ready, link.freed) = (first_rx, first_rx);
            link.sent = first_tx;
            self.rig.write(id, &link.model);
        }
        self
    }

    /// One event on a random connection.
    fn step(&mut self, random: &mut Random) {
        let at = random.below(self.links.len());
        match random.below(100) {
            0..48 => self.segment(at, random),
            48..66 => self.release(),
            66..72 => self.lose(),
            72..86 => self.transmit(at, random),
            86..95 => self.sync(at, random),
            _ => self.reset(at),
        }
    }

    fn check(&self, at: usize) {
        let link = &self.links[at];
        assert_eq!(
            self.rig.read(link.identity.id),
            link.model,
            "state of connection {at}"
        );
        assert_eq!(
            self.rig.device.n_held_mirrors(),
            self.held.len(),
            "copies that wait"
        );
    }

    /// A segment of the peer: near the stream or the interval, short or long, old or ahead.
    fn segment(&mut self, at: usize, random: &mut Random) {
        let link = &mut self.links[at];
        let model = &mut link.model;
        let base = match random.below(4) {
            0 => model.rx_next_seq.wrapping_add(model.rx_ooo_tail),
            1 => model.rx_next_seq.wrapping_add(model.rx_ooo_head),
            _ => model.rx_next_seq,
        };
        let len = [0, 0, 1, 100, 500, 536, 1000, MSS][random.below(8)];
        let shift = [0, 0, 0, 1, 100, 500, 1000, 2000][random.below(8)];
        let seq = match random.below(4) {
            0 => base.wrapping_sub(len.min(shift)),
            1 | 2 => base,
            _ => base.wrapping_add(shift),
        };
        let acked = [0, 0, 1, 300, 1000][random.below(5)];
        let ack = match random.below(12) {
            0 => model.tx_next_ack.wrapping_sub(1 + acked),
            1 => model.tx_next_ack.wrapping_add(model.tx_avail + 1 + acked),
            2..5 => model.tx_next_ack.wrapping_add(model.tx_avail.min(acked)),
            5 => model.tx_next_ack.wrapping_add(model.tx_avail),
            _ => model.tx_next_ack,
        };
        let window = [0, 1000, 30_000, 65_535][random.below(4)];
        let ecn = if random.happens(200) { 3 } else { 2 };
        let segment = Segment {
            seq,
            len,
            ack,
            window: u32::from(window),
        };

        let before = *model;
        let acknowledged = model.acknowledge(segment);
        let received = model.receive(segment);
        let packet = TcpSegment {
            path: PEER_PATH,
            ports: [link.identity.peer_port, LOCAL_PORT],
            seq,
            ack,
            flags: flags::ACK,
            window,
            ecn,
            options: Vec::new(),
            payload: stream(link.identity.id, seq, len),
        };
        let left = self.rig.receive(NETWORK_PORT, &packet.to_bytes());

        let is_beyond = acknowledged == Acknowledged::Beyond;
        let is_fast = acknowledged == Acknowledged::FastRetransmit;
        if is_fast {
            // The math unit halves as well as sixteen values can: the model takes what it gave.
            let halved = self.rig.read(self.links[at].identity.id).tx_credits;
            let exact = before.tx_credits / 2;
            let error = halved.abs_diff(exact);
            assert!(
                error <= exact / 8 + 1,
                "{} was halved to {halved}",
                before.tx_credits
            );
            self.links[at].model.tx_credits = halved;
        }
        if received.is_delivered {
            self.take_write(at, &left, seq, len, received.notified);
        } else if is_fast {
            self.take_report(at, &left, 4, before.tx_next_ack);
        } else {
            assert!(left.is_empty(), "nothing leaves of {segment:?}: {left:?}");
        }
        let held = |copy, is_notice| Held {
            link: at,
            copy,
            is_marked: ecn == 3,
            is_notice,
        };
        if let Some(copy) = received.copy {
            self.held.push_back(held(copy, false));
            if received.is_broken || is_beyond {
                self.held.push_back(held(copy, true));
            }
        } else if is_beyond {
            let copy = Copy {
                seq: self.links[at].model.rx_next_seq,
                len: 0,
            };
            self.held.push_back(held(copy, true));
        }
        self.check(at);
    }

    /// The oldest copy passes the stages again and leaves as an acknowledgment or a notice.
    fn release(&mut self) {
        let Some(held) = self.held.pop_front() else {
            return;
        };
        let link = &mut self.links[held.link];
        link.model.merge(held.copy);
        self.rig.device.release_mirrors(Some(1)).unwrap();
        let left: Vec<Departure> = self.rig.device.take_departures().collect();
        let [packet] = left.as_slice() else {
            panic!("one packet leaves of a copy: {left:?}")
        };
        if held.is_notice {
            assert_eq!(packet.port, CONTROL_PORT);
            assert_eq!(&packet.bytes[12..14], &[0x88, 0xb5], "a notice");
        } else {
            assert_eq!(packet.port, NETWORK_PORT);
            let expected = acknowledgment(link, held.is_marked);
            let found = TcpSegment::from_bytes(&packet.bytes).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(found, expected);
            let notified = link.ready.wrapping_sub(found.ack).cast_signed();
            assert!(
                notified >= 0,
                "{} bytes were acknowledged and not notified",
                -notified
            );
        }
        self.check(held.link);
    }

    fn lose(&mut self) {
        if let Some(held) = self.held.pop_front() {
            self.rig.device.drop_mirrors(Some(1));
            self.check(held.link);
        }
    }

    /// A transmit write of libTOE.
    fn transmit(&mut self, at: usize, random: &mut Random) {
        let link = &mut self.links[at];
        let len = [1, 100, 536, 1000, MSS][random.below(5)];
        let seq = match random.below(6) {
            0 => link.model.tx_next_ack.wrapping_sub(len),
            1 => link.model.tx_next_ack,
            _ => link.sent,
        };
        let offset = seq.wrapping_sub(link.identity.first_tx);
        let payload = stream(link.identity.id, seq, len);
        let is_push = random.happens(300);
        let sent = link.model.transmit(seq, len);
        let end = seq.wrapping_add(len);
        if end.wrapping_sub(link.sent).cast_signed() > 0 && sent != Sent::Stale {
            link.sent = end;
        }
        let write = from_host(
            u64::from(link.identity.id) << 32 | u64::from(offset),
            payload.clone(),
            is_push.then_some(0),
        );
        let left = self.rig.receive(HOST_PORT, &write.to_bytes());
        let link = &self.links[at];
        if sent == Sent::Segment {
            let [packet] = left.as_slice() else {
                panic!("one segment leaves: {left:?}")
            };
            assert_eq!(packet.port, NETWORK_PORT);
            let push = if is_push { flags::PSH } else { 0 };
            let expected = TcpSegment {
                seq,
                flags: flags::ACK | push,
                payload,
                ..acknowledgment(link, false)
            };
            assert_eq!(TcpSegment::from_bytes(&packet.bytes), Ok(expected));
        } else {
            assert!(left.is_empty(), "{sent:?}: {left:?}");
        }
        self.check(at);
    }

    /// libTOE gives back some of what it was told is ready.
    fn sync(&mut self, at: usize, random: &mut Random) {
        let link = &mut self.links[at];
        let available = link.ready.wrapping_sub(link.freed);
        let freed = [0, available / 4, available / 2, available][random.below(4)];
        link.freed = link.freed.wrapping_add(freed);
        let is_update = link.model.sync(freed, MSS);
        let address = 0x8000 << 48 | u64::from(link.identity.id) << 32 | u64::from(freed);
        let next_ack = link.model.tx_next_ack;
        let write = from_host(address, Vec::new(), None);
        let left = self.rig.receive(HOST_PORT, &write.to_bytes());
        self.take_report(at, &left, 2, next_ack);
        if is_update {
            let copy = Copy {
                seq: self.links[at].model.rx_next_seq,
                len: 0,
            };
            self.held.push_back(Held {
                link: at,
                copy,
                is_marked: false,
                is_notice: false,
            });
        }
        self.check(at);
    }

    /// The control plane thaws a broken window. The copies that know of the time before have left by
    /// then.
    fn reset(&mut self, at: usize) {
        if self.links[at].model.rx_broken == 0 {
            return;
        }
        while self.held.iter().any(|held| held.link == at) {
            self.release();
        }
        let link = &mut self.links[at];
        let whole = link.model.acknowledged_seq();
        link.model.reset();
        let mut packet = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0x64, 0x88, 0xb5, 1, 0];
        packet.extend(link.identity.id.to_be_bytes());
        packet.extend(whole.to_be_bytes());
        packet.resize(60, 0);
        let left = self.rig.receive(CONTROL_PORT, &packet);
        assert!(left.is_empty(), "a RESET only passes: {left:?}");
        self.check(at);
    }

    /// The packet sequence number counts every write to the host.
    fn expect_write(&mut self, left: &[Departure]) -> RdmaWrite {
        let [packet] = left else {
            panic!("one write leaves: {left:?}")
        };
        assert_eq!(packet.port, HOST_PORT);
        let write = RdmaWrite::from_bytes(&packet.bytes).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(write.path, HOST_PATH);
        assert_eq!(write.queue_pair, QUEUE_PAIR);
        assert_eq!(write.rkey, REMOTE_KEY);
        assert_eq!(write.sequence, self.sequence, "packet sequence number");
        self.sequence = (self.sequence + 1) & 0xff_ffff;
        write
    }

    /// A write into the receive buffer: the host's memory is made of these alone.
    fn take_write(
        &mut self,
        at: usize,
        left: &[Departure],
        seq: u32,
        len: u32,
        notified: Option<u32>,
    ) {
        let write = self.expect_write(left);
        let link = &mut self.links[at];
        let offset = write.address.wrapping_sub(link.identity.buffer_base());
        let end = offset + write.payload.len() as u64;
        let twice = 2 * u64::from(BUFFER_BYTES);
        assert!(
            end <= twice,
            "the write is inside the buffer: {offset:#x} to {end:#x}"
        );
        let expected = seq.wrapping_sub(link.identity.first_rx) % BUFFER_BYTES;
        assert_eq!(offset, u64::from(expected), "the write is at its place");
        assert_eq!(write.payload.len(), len as usize);
        for (at, byte) in (offset..).zip(&write.payload) {
            let at = usize::try_from(at % u64::from(BUFFER_BYTES)).unwrap();
            link.memory[at] = Some(*byte);
        }
        match (write.immediate, notified) {
            (None, None) => {}
            (Some(immediate), Some(position)) => {
                assert_eq!(
                    immediate >> 17,
                    u32::from(link.identity.id),
                    "whose bytes are ready"
                );
                assert_eq!(
                    immediate & 0x1_ffff,
                    position & 0x1_ffff,
                    "how many are ready"
                );
                make_ready(link, position);
            }
            (found, expected) => panic!("notified {found:?}, expected {expected:?}"),
        }
    }

    fn take_report(&mut self, at: usize, left: &[Departure], reason: u32, next_ack: u32) {
        let write = self.expect_write(left);
        let id = self.links[at].identity.id;
        assert_eq!(write.address, REPORTS_BASE + u64::from(id) * 16);
        let words = [u32::from(id), next_ack, 0, reason];
        assert_eq!(write.payload, words.map(u32::to_be_bytes).concat());
        assert_eq!(write.immediate, None);
    }
}

/// The bytes up to `position` are ready: they are there, and they are the peer's.
fn make_ready(link: &mut Link, position: u32) {
    let more = position.wrapping_sub(link.ready).cast_signed();
    for _ in 0..more {
        let at = link.ready.wrapping_sub(link.identity.first_rx) % BUFFER_BYTES;
        let expected = stream_byte(link.identity.id, link.ready);
        assert_eq!(
            link.memory[at as usize],
            Some(expected),
            "byte {} is ready",
            link.ready
        );
        link.ready = link.ready.wrapping_add(1);
    }
}

/// The acknowledgment that leaves in the state as it is.
fn acknowledgment(link: &Link, is_marked: bool) -> TcpSegment {
    TcpSegment {
        path: PEER_PATH.reversed(),
        ports: [LOCAL_PORT, link.identity.peer_port],
        seq: link.model.bare_seq(),
        ack: link.model.acknowledged_seq(),
        flags: flags::ACK | if is_marked { flags::ECE } else { 0 },
        window: link.model.advertised_window(0),
        ecn: 0,
        options: Vec::new(),
        payload: Vec::new(),
    }
}

/// A write of libTOE.
fn from_host(address: u64, payload: Vec<u8>, immediate: Option<u32>) -> RdmaWrite {
    RdmaWrite {
        path: HOST_PATH.reversed(),
        queue_pair: 0x100,
        sequence: 0,
        address,
        rkey: 0,
        immediate,
        payload,
    }
}

/// Runs the sequences of these seeds.
fn run(form: Form, seeds: std::ops::Range<u64>) {
    let compiled = compile_program("laminar.p4");
    let links = IDENTITIES.map(|identity| Link {
        identity,
        model: Rig::new(&compiled, form, &[]).read(identity.id),
        memory: vec![None; BUFFER_BYTES as usize],
        ready: 0,
        freed: 0,
        sent: 0,
    });
    let mut rig = Rig::new(&compiled, form, &IDENTITIES);
    rig.device.hold_mirrors();
    let mut world = World {
        rig,
        links: links.into(),
        held: VecDeque::new(),
        sequence: 0,
    };
    for seed in seeds {
        let mut random = Random::new(seed);
        world = world.start(&mut random);
        for event in 0..N_EVENTS {
            let step = std::panic::AssertUnwindSafe(|| world.step(&mut random));
            if let Err(panic) = std::panic::catch_unwind(step) {
                eprintln!("seed {seed}, event {event}, {form:?}");
                std::panic::resume_unwind(panic);
            }
        }
    }
}

#[test]
fn tables_form() {
    run(Form::Tables, 0..N_SEQUENCES / 2);
}

#[test]
fn placed_form() {
    run(Form::Placed("tofino2"), N_SEQUENCES / 2..N_SEQUENCES);
}
