//! A minimal control plane: it answers ARP, accepts connections, has a retransmission and a persist
//! timer, and mends windows that broke.
//!
//! It sees what comes to its port and reads registers, as a program beside the switch does; what it
//! does is the packets that it sends from its port, and the connections that it asks for.

use std::collections::BTreeMap;

use super::rig::{BUFFER_BYTES, HOST_PATH, Identity, LOCAL_PORT, MSS, PEER_PATH, Rig};
use super::wire::{TcpSegment, flags};

/// Microseconds until the first retransmission, and the most that they become by doubling.
const TIMEOUT: [u64; 2] = [5_000, 80_000];
/// The EtherType of its own packets.
const CONTROL: [u8; 2] = [0x88, 0xb5];
/// Operations of its commands.
const RESET: u8 = 1;
const SYNC: u8 = 2;

/// What the control plane wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A packet to be sent from its port.
    Send(Vec<u8>),
    /// A connection to be put into tables and registers.
    Open {
        /// What the tables hold.
        identity: Identity,
        /// The window of the peer's SYN, in bytes.
        window: u32,
    },
}

/// The control plane.
#[derive(Debug, Default)]
pub struct ControlPlane {
    connections: BTreeMap<u16, Watched>,
    n_timeouts: u64,
    n_resets: u64,
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    identity: Identity,
    /// The first unacknowledged byte when it was last looked at, and since when it is the same.
    next_ack: u32,
    since: u64,
    timeout: u64,
}

impl ControlPlane {
    /// A packet arrives on its port.
    ///
    /// # Panics
    /// If it is none that Laminar sends there.
    pub fn take(&mut self, packet: &[u8], now: u64) -> Vec<Request> {
        match [packet[12], packet[13]] {
            [0x08, 0x06] => vec![Request::Send(arp_reply(packet))],
            CONTROL => self.take_notice(packet),
            _ => self.take_segment(packet, now),
        }
    }

    /// Looks after the connections: what makes no progress is started again.
    pub fn watch(&mut self, rig: &Rig, now: u64) -> Vec<Request> {
        let mut requests = Vec::new();
        for (id, watched) in &mut self.connections {
            let state = rig.read(*id);
            if state.tx_avail == 0 || state.tx_next_ack != watched.next_ack {
                watched.next_ack = state.tx_next_ack;
                watched.since = now;
                watched.timeout = TIMEOUT[0];
            } else if now - watched.since >= watched.timeout {
                watched.since = now;
                watched.timeout = (2 * watched.timeout).min(TIMEOUT[1]);
                self.n_timeouts += 1;
                if state.tx_remote_avail < state.tx_avail.min(MSS) {
                    // A byte that the peer has makes it tell its window again.
                    let probe = TcpSegment {
                        seq: state.tx_next_ack.wrapping_sub(1),
                        ack: state.acknowledged_seq(),
                        window: state.advertised_window(0),
                        ..segment_to(watched.identity.peer_port)
                    };
                    requests.push(Request::Send(probe.to_bytes()));
                }
                requests.push(Request::Send(command(SYNC, *id, 0)));
            }
        }
        requests
    }

    /// How often the retransmission timer went off.
    #[must_use]
    pub fn n_timeouts(&self) -> u64 {
        self.n_timeouts
    }

    /// How many windows were mended.
    #[must_use]
    pub fn n_resets(&self) -> u64 {
        self.n_resets
    }

    /// The peer speaks of the connection itself: a SYN, also one that it sends again.
    fn take_segment(&mut self, packet: &[u8], now: u64) -> Vec<Request> {
        let syn = TcpSegment::from_bytes(packet).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(syn.ports[1], LOCAL_PORT);
        if syn.flags & flags::SYN == 0 {
            // Of a connection that is being opened.
            return Vec::new();
        }
        let peer_port = syn.ports[0];
        let known = self
            .connections
            .values()
            .find(|watched| watched.identity.peer_port == peer_port);
        let mut requests = Vec::new();
        let identity = if let Some(watched) = known {
            watched.identity
        } else {
            let id = u16::try_from(self.connections.len()).expect("there are 32,768 connections");
            let identity = Identity {
                id,
                peer_port,
                first_rx: syn.seq.wrapping_add(1),
                // Any number will do; this one is soon across 2^32.
                first_tx: 0xffff_8000,
            };
            let watched = Watched {
                identity,
                next_ack: identity.first_tx,
                since: now,
                timeout: TIMEOUT[0],
            };
            self.connections.insert(id, watched);
            requests.push(Request::Open {
                identity,
                window: syn.window.into(),
            });
            identity
        };
        let [mss_high, mss_low] = u16::try_from(MSS).expect("it is 1460").to_be_bytes();
        let answer = TcpSegment {
            seq: identity.first_tx.wrapping_sub(1),
            ack: identity.first_rx,
            flags: flags::SYN | flags::ACK,
            window: u16::try_from(BUFFER_BYTES - MSS).expect("the buffer has 64 KiB"),
            options: vec![2, 4, mss_high, mss_low],
            ..segment_to(peer_port)
        };
        requests.push(Request::Send(answer.to_bytes()));
        requests
    }

    /// Laminar tells that a window broke, or of an acknowledgment of what was never sent.
    fn take_notice(&mut self, packet: &[u8]) -> Vec<Request> {
        let word = |at: usize| {
            let bytes = packet[at..at + 4]
                .try_into()
                .expect("four bytes were taken");
            u32::from_be_bytes(bytes)
        };
        let (reason, id) = (packet[14], u16::from_be_bytes([packet[16], packet[17]]));
        assert_eq!(reason, 1, "nothing is acknowledged that was not sent");
        let (rx_next_seq, rx_broken) = (word(18), word(22));
        if rx_broken == 0 {
            // Mended since.
            return Vec::new();
        }
        self.n_resets += 1;
        let whole = rx_next_seq.wrapping_sub(rx_broken);
        vec![Request::Send(command(RESET, id, whole))]
    }
}

/// A pure acknowledgment to a peer, but for its numbers.
fn segment_to(peer_port: u16) -> TcpSegment {
    TcpSegment {
        path: PEER_PATH.reversed(),
        ports: [LOCAL_PORT, peer_port],
        seq: 0,
        ack: 0,
        flags: flags::ACK,
        window: 0,
        ecn: 0,
        options: Vec::new(),
        payload: Vec::new(),
    }
}

/// A command to Laminar.
fn command(operation: u8, connection: u16, value: u32) -> Vec<u8> {
    let [_, own_mac] = PEER_PATH.macs;
    let mut packet = Vec::with_capacity(60);
    packet.extend(own_mac);
    packet.extend(HOST_PATH.macs[0]);
    packet.extend(CONTROL);
    packet.extend([operation, 0]);
    packet.extend(connection.to_be_bytes());
    packet.extend(value.to_be_bytes());
    packet.resize(60, 0);
    packet
}

/// The answer to an ARP request: our MAC address.
fn arp_reply(request: &[u8]) -> Vec<u8> {
    let [_, own_mac] = PEER_PATH.macs;
    let (asker, asked_ip) = (&request[22..32], &request[38..42]);
    let mut reply = Vec::with_capacity(60);
    reply.extend(&asker[..6]);
    reply.extend(own_mac);
    reply.extend(&request[12..20]);
    reply.extend([0, 2]);
    reply.extend(own_mac);
    reply.extend(asked_ip);
    reply.extend(asker);
    reply.resize(60, 0);
    reply
}
