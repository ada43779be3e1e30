//! A small exchange on several connections, as it would be captured on both sides of the switch:
//! what peers send to the network port, and what libTOE writes to the host port.
//!
//! The packets are made by this crate alone. So that both ends behave as in the world, they ask the
//! model what Laminar has acknowledged and told; the device never runs. By chance, from one seed:
//! segments of the peers are lost and sent again, overtaken, sent twice, marked by a congested
//! switch; there are keep-alive probes; segments to the peers get lost behind the switch, and come
//! again after three duplicate acknowledgments. All streams end whole.

use std::fs;
use std::path::Path;

use p4rmt_pipeline::{CaptureError, CaptureFault, CaptureWriter};

use super::model::{Acknowledged, Connection, Segment, Sent};
use super::rig::{
    BUFFER_BYTES, HOST_PATH, Identity, LOCAL_PORT, MSS, PEER_PATH, connections_setup, ports_setup,
};
use super::wire::{RdmaWrite, TcpSegment, flags};
use crate::mutation::Random;

/// The seed of the recording in `testvectors/laminar`.
pub const SEED: u64 = 1;
/// Lines of each stream; see [`text`].
const N_LINES: usize = 140;
/// When it begins, in nanoseconds since 1970.
const BEGIN_NS: u64 = 1_750_000_000_000_000_000;
/// Credits at the start, and what a periodic SYNC grants while there are fewer than this.
const CREDITS: u32 = 16_384;
const GRANT: u32 = 4096;
/// Clocks between periodic SYNCs: half a millisecond of a machine with a clock of 1 GHz.
const GENERATOR_PERIOD: u32 = 500_000;
/// Freed bytes that are given back by one SYNC.
const SYNC_BYTES: u32 = 1500;

/// Packets with the nanoseconds since 1970 at which they were seen.
pub type Packets = Vec<(u64, Vec<u8>)>;

/// What was recorded, and what it must become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What arrived on the network port.
    pub network: Packets,
    /// What arrived on the host port.
    pub host: Packets,
    /// The vector that sets the device up for it.
    pub setup: String,
    /// The connections and their streams.
    pub streams: Vec<Streams>,
}

/// The streams of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streams {
    /// The connection.
    pub identity: Identity,
    /// What the host receives.
    pub to_host: Vec<u8>,
    /// What the peer receives.
    pub to_peer: Vec<u8>,
}

/// A connection that is being recorded. Positions are offsets in the streams.
struct Talk {
    streams: Streams,
    model: Connection,
    /// Up to where the peer has sent.
    peer_sent: u32,
    /// A segment that waits to be overtaken.
    late: Option<(u32, u32)>,
    /// Up to where the host was told that bytes are ready, and what it has given back of them.
    ready: u32,
    freed: u32,
    /// Up to where the host has sent.
    host_sent: u32,
    /// What has reached the peer.
    arrived: Vec<bool>,
}

struct Recorder {
    random: Random,
    now_ns: u64,
    network: Packets,
    host: Packets,
}

/// Records an exchange of eight connections.
#[must_use]
pub fn record(seed: u64) -> Recording {
    let mut recorder = Recorder {
        random: Random::new(seed),
        now_ns: BEGIN_NS,
        network: Vec::new(),
        host: Vec::new(),
    };
    let mut talks: Vec<Talk> = (0..8).map(Talk::new).collect();
    while let Some(at) = recorder.pick(&talks) {
        recorder.step(&mut talks[at]);
    }
    let identities: Vec<Identity> = talks.iter().map(|talk| talk.streams.identity).collect();
    Recording {
        network: recorder.network,
        host: recorder.host,
        setup: setup(&identities),
        streams: talks.into_iter().map(|talk| talk.streams).collect(),
    }
}

impl Recording {
    /// Writes `exchange-network.pcap`, `exchange-host.pcap` and `setup/exchange.stf` into a folder.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), CaptureError> {
        let setup = folder.join("setup");
        fs::create_dir_all(&setup)
            .and_then(|()| fs::write(setup.join("exchange.stf"), &self.setup))
            .map_err(|error| CaptureError {
                offset: 0,
                fault: CaptureFault::Io(error),
            })?;
        for (name, packets) in [("network", &self.network), ("host", &self.host)] {
            let path = folder.join(format!("exchange-{name}.pcap"));
            let mut writer = CaptureWriter::create(&path)?;
            for (timestamp_ns, packet) in packets {
                writer.write(*timestamp_ns, packet)?;
            }
            writer.finish()?;
        }
        Ok(())
    }
}

/// A stream that a person can read.
fn text(id: u16, speaker: &str) -> Vec<u8> {
    let lines = 1..=N_LINES;
    let lines = lines.map(|line| format!("connection {id}, line {line:03} of the {speaker}\n"));
    lines.collect::<String>().into_bytes()
}

/// The state that each connection begins in.
fn begin(identity: &Identity) -> Connection {
    Connection {
        rx_next_seq: identity.first_rx,
        rx_avail: BUFFER_BYTES - MSS,
        rx_broken: 0,
        rx_ooo_tail: 0,
        rx_ooo_head: 0,
        tx_next_ack: identity.first_tx,
        tx_dupack_cnt: 0,
        tx_avail: 0,
        tx_credits: CREDITS,
        tx_remote_avail: 65_535,
    }
}

fn setup(identities: &[Identity]) -> String {
    let n_connections = identities.len();
    let mut lines = vec![
        format!(
            "# {n_connections} connections with a peer, for the captures beside this file's folder."
        ),
        "# All three are made by `cargo run -p p4rmt-tests --example exchange`.".to_owned(),
    ];
    lines.push("\n# Ports, ourselves, the host, and the way to the peer.".to_owned());
    let statements = ports_setup();
    lines.extend(statements.lines().map(|line| line.trim().to_owned()));
    lines.push("\n# Connections.".to_owned());
    let statements = connections_setup(identities);
    lines.extend(statements.lines().map(|line| line.trim().to_owned()));
    lines.push("\n# Their state, and the credits that the packet generator brings.".to_owned());
    for identity in identities {
        let (id, state) = (identity.id, begin(identity));
        for (name, value) in [
            ("rx_next_seq", state.rx_next_seq),
            ("rx_avail", state.rx_avail),
            ("tx_next_ack", state.tx_next_ack),
            ("tx_credits", state.tx_credits),
            ("tx_remote_avail", state.tx_remote_avail),
        ] {
            lines.push(format!("register_write {name} {id} {value}"));
        }
        lines.push(format!(
            "add rates meta.connection:{id} grant(credit:{GRANT}, limit:{CREDITS})"
        ));
    }
    lines.push(format!(
        "pktgen 0 6 every {GENERATOR_PERIOD} packets {n_connections} 00"
    ));
    lines.join("\n") + "\n"
}

impl Talk {
    fn new(id: u16) -> Self {
        // Some streams pass 2^32 on their way.
        let identity = Identity {
            id,
            peer_port: 10_000 + id,
            first_rx: u32::from(id).wrapping_mul(0x2000_0000).wrapping_sub(1000),
            first_tx: u32::from(id).wrapping_mul(0x4000_0000).wrapping_sub(2000),
        };
        let streams = Streams {
            identity,
            to_host: text(id, "peer"),
            to_peer: text(id, "host"),
        };
        Self {
            model: begin(&identity),
            arrived: vec![false; streams.to_peer.len()],
            streams,
            peer_sent: 0,
            late: None,
            ready: 0,
            freed: 0,
            host_sent: 0,
        }
    }

    /// Up to where the peer knows that its bytes have arrived.
    fn acked(&self) -> u32 {
        let first = self.streams.identity.first_rx;
        self.model.acknowledged_seq().wrapping_sub(first)
    }

    /// Up to where the host knows that its bytes have arrived.
    fn host_acked(&self) -> u32 {
        let first = self.streams.identity.first_tx;
        self.model.tx_next_ack.wrapping_sub(first)
    }

    /// Up to where the peer has all bytes of the host.
    fn whole(&self) -> u32 {
        let n_whole = self.arrived.iter().take_while(|arrived| **arrived).count();
        length(n_whole)
    }

    fn receives_all(&self) -> bool {
        self.acked() == length(self.streams.to_host.len())
    }

    fn transmits_all(&self) -> bool {
        self.host_acked() == length(self.streams.to_peer.len())
    }
}

impl Recorder {
    /// A connection on which there is still something to do.
    fn pick(&mut self, talks: &[Talk]) -> Option<usize> {
        let open = talks.iter().enumerate();
        let open = open.filter(|(_, talk)| !talk.receives_all() || !talk.transmits_all());
        let open: Vec<usize> = open.map(|(at, _)| at).collect();
        (!open.is_empty()).then(|| open[self.random.below(open.len())])
    }

    /// One thing happens on a connection, a few microseconds after the last.
    fn step(&mut self, talk: &mut Talk) {
        let is_receiving = !talk.receives_all();
        if is_receiving && (talk.transmits_all() || self.random.happens(500)) {
            self.peer_sends(talk);
        } else {
            self.host_sends(talk);
        }
    }

    fn peer_sends(&mut self, talk: &mut Talk) {
        let end = length(talk.streams.to_host.len());
        if self.random.happens(30) {
            // A keep-alive: no payload, before what comes next.
            let seq = talk.acked().wrapping_sub(1);
            return self.segment(talk, seq, 0, false);
        }
        let (at, len) = if talk.peer_sent < end {
            let len = self.length(end - talk.peer_sent);
            (talk.peer_sent, len)
        } else if let Some(late) = talk.late.take() {
            late
        } else {
            // Everything was sent, and something is missing: again from there.
            let at = talk.acked();
            (at, self.length(end - at))
        };
        let is_new = at == talk.peer_sent;
        talk.peer_sent = talk.peer_sent.max(at + len);
        let is_marked = self.random.happens(100);
        match self.random.below(100) {
            // Lost on its way to the switch.
            0..6 => {}
            6..20 if is_new && talk.late.is_none() => talk.late = Some((at, len)),
            20..26 => {
                self.segment(talk, at, len, is_marked);
                self.segment(talk, at, len, false);
            }
            _ => {
                self.segment(talk, at, len, is_marked);
                if let Some((at, len)) = talk.late.take() {
                    self.segment(talk, at, len, false);
                }
            }
        }
    }

    fn host_sends(&mut self, talk: &mut Talk) {
        let end = length(talk.streams.to_peer.len());
        if talk.host_sent == end {
            // The last of it was lost.
            talk.host_sent = talk.host_acked();
        }
        if talk.host_sent == end {
            return;
        }
        let (id, at) = (talk.streams.identity.id, talk.host_sent);
        let len = self.length(end - at);
        talk.host_sent += len;
        let payload = talk.streams.to_peer[range(at, len)].to_vec();
        let address = u64::from(id) << 32 | u64::from(at);
        self.write(address, payload, talk.host_sent == end);
        let seq = talk.streams.identity.first_tx.wrapping_add(at);
        let sent = talk.model.transmit(seq, len);
        if sent != Sent::Segment || self.random.happens(80) {
            // Refused by the switch, or lost behind it.
            return;
        }
        talk.arrived[range(at, len)].fill(true);
        let next = talk.peer_sent;
        self.segment(talk, next, 0, false);
    }

    /// A segment of the peer, with all that it and the host know now, enters the network port.
    fn segment(&mut self, talk: &mut Talk, at: u32, len: u32, is_marked: bool) {
        let Identity {
            peer_port,
            first_rx,
            first_tx,
            ..
        } = talk.streams.identity;
        let segment = Segment {
            seq: first_rx.wrapping_add(at),
            len,
            ack: first_tx.wrapping_add(talk.whole()),
            window: 65_535,
        };
        let is_last = at + len == length(talk.streams.to_host.len());
        let packet = TcpSegment {
            path: PEER_PATH,
            ports: [peer_port, LOCAL_PORT],
            seq: segment.seq,
            ack: segment.ack,
            flags: flags::ACK | if is_last && len > 0 { flags::PSH } else { 0 },
            window: 65_535,
            ecn: if is_marked { 3 } else { 2 },
            options: Vec::new(),
            payload: match len {
                0 => Vec::new(),
                _ => talk.streams.to_host[range(at, len)].to_vec(),
            },
        };
        let now_ns = self.pass_time();
        self.network.push((now_ns, packet.to_bytes()));
        if talk.model.acknowledge(segment) == Acknowledged::FastRetransmit {
            talk.host_sent = talk.host_acked();
        }
        talk.host_sent = talk.host_sent.max(talk.host_acked());
        let received = talk.model.receive(segment);
        if let Some(position) = received.notified {
            talk.ready = position.wrapping_sub(first_rx);
        }
        if let Some(copy) = received.copy {
            talk.model.merge(copy);
        }
        self.sync(talk);
    }

    /// The host gives back what it has read.
    fn sync(&mut self, talk: &mut Talk) {
        let freed = talk.ready - talk.freed;
        if freed >= SYNC_BYTES {
            talk.freed = talk.ready;
            let id = talk.streams.identity.id;
            let address = 0x8000 << 48 | u64::from(id) << 32 | u64::from(freed);
            self.write(address, Vec::new(), false);
            talk.model.sync(freed, MSS);
        }
    }

    fn write(&mut self, address: u64, payload: Vec<u8>, is_last: bool) {
        let write = RdmaWrite {
            path: HOST_PATH.reversed(),
            queue_pair: 0x100,
            sequence: length(self.host.len()),
            address,
            rkey: 0,
            immediate: is_last.then_some(0),
            payload,
        };
        let now_ns = self.pass_time();
        self.host.push((now_ns, write.to_bytes()));
    }

    fn pass_time(&mut self) -> u64 {
        self.now_ns += 500 + self.random.any() % 5000;
        self.now_ns
    }

    /// Bytes of the next segment, of so many that are left.
    fn length(&mut self, left: u32) -> u32 {
        let lengths = [64, 128, 200, 333, 536, MSS];
        lengths[self.random.below(lengths.len())].min(left)
    }
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a recording is small")
}

fn range(at: u32, len: u32) -> std::ops::Range<usize> {
    at as usize..(at + len) as usize
}
