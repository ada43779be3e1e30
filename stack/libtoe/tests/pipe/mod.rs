//! A pipe, a control plane and peers in one, by their rules but without their machinery: as small as can be, and
//! sharing nothing with libTOE but the formats.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "a module of several tests, each of which uses a part of it"
)]

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

use p4rmt_wire::{
    ContextSettings, FailReason, HostEvent, HostRequest, Opened, Path, RdmaWrite, Ready,
    ReceiveRegion, Report, ReportReason, SwitchAddress, SwitchSide,
};

pub const BUFFER_BYTES: u32 = 1 << 12;
pub const MSS: u16 = 100;
pub const SWITCH: SwitchSide = SwitchSide {
    mac: [2, 0, 0, 0, 1, 2],
    ip: [10, 0, 1, 2],
};
pub const OUR_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 10_000);

pub fn settings(token: u64) -> ContextSettings {
    ContextSettings {
        token,
        port: 2,
        mac: [2, 0, 0, 0, 1, 1],
        ip: [10, 0, 1, 1],
        queue_pair: 0x11,
        remote_key: 0x1000,
        reports: 0x2_0000_0000,
        receive: ReceiveRegion {
            base: 0x1_0000_0000,
            buffer_bytes: BUFFER_BYTES,
            n_buffers: 64,
        },
        transmit_bytes: 3000,
    }
}

/// A connection, seen from the pipe, and what its peer has.
#[derive(Debug)]
pub struct Flow {
    pub opened: Opened,
    /// What the peer sends, from its first byte.
    pub from_peer: Vec<u8>,
    /// How much of it went to the host.
    pub n_delivered: usize,
    /// How far the host has said that there is room.
    pub window_end: usize,
    /// What the peer has received.
    pub at_peer: Vec<u8>,
    pub credits: u32,
    /// Bytes that the generator grants, and up to how many it does.
    pub grant: [u32; 2],
    /// Bytes that the peer takes; beyond, the pipe drops.
    pub peer_limit: usize,
    pub n_duplicates: u32,
    pub is_end_told: bool,
    pub shutdown: Option<u32>,
    pub is_closed: bool,
}

/// The pipe and all behind it.
#[derive(Debug)]
pub struct Pipe {
    pub settings: ContextSettings,
    pub flows: BTreeMap<u16, Flow>,
    pub to_host: VecDeque<Vec<u8>>,
    pub events: VecDeque<HostEvent>,
    /// What the peers of connections that are no more have received.
    pub ended: BTreeMap<u16, Vec<u8>>,
    /// All that the host has asked for.
    pub requests: Vec<HostRequest>,
    /// Connections that a peer opens when there is a listener.
    pub listener: Option<SocketAddrV4>,
    /// What happens to connections that the host asks for.
    pub refusal: Option<FailReason>,
    pub sequence: u32,
    pub next_number: u16,
    pub free_buffers: Vec<u32>,
    pub first_seqs: [u32; 2],
}

impl Pipe {
    pub fn new() -> Self {
        Self {
            settings: settings(0),
            flows: BTreeMap::new(),
            to_host: VecDeque::new(),
            events: VecDeque::new(),
            ended: BTreeMap::new(),
            requests: Vec::new(),
            listener: None,
            refusal: None,
            sequence: 0,
            next_number: 5,
            free_buffers: (0..settings(0).receive.n_buffers).rev().collect(),
            first_seqs: [u32::MAX - 1000, u32::MAX - 700],
        }
    }

    /// A connection, which the host is yet to be told of.
    pub fn open(&mut self, local: SocketAddrV4, remote: SocketAddrV4) -> Opened {
        let number = self.next_number;
        self.next_number += 1;
        let opened = Opened {
            connection: number,
            context: 0,
            local,
            remote,
            buffer: self.free_buffers.pop().expect("buffers are left"),
            first_rx_seq: self.first_seqs[0],
            first_tx_seq: self.first_seqs[1],
            mss: MSS,
            credits: 1000,
        };
        let flow = Flow {
            opened: opened.clone(),
            from_peer: Vec::new(),
            n_delivered: 0,
            window_end: (BUFFER_BYTES - u32::from(MSS)) as usize,
            at_peer: Vec::new(),
            credits: 1000,
            grant: [500, 1000],
            peer_limit: 1 << 40,
            n_duplicates: 0,
            is_end_told: false,
            shutdown: None,
            is_closed: false,
        };
        self.flows.insert(number, flow);
        opened
    }

    /// A peer connects to the listener.
    pub fn accept(&mut self) -> u16 {
        let local = self.listener.expect("the host listens");
        let remote = SocketAddrV4::new(*PEER.ip(), PEER.port() + self.next_number);
        let opened = self.open(local, remote);
        let number = opened.connection;
        self.events.push_back(HostEvent::Accepted(opened));
        number
    }

    /// The next bytes of the peer, at most `len`, reach the host. How many did.
    pub fn deliver(&mut self, number: u16, len: usize) -> usize {
        let flow = self.flows.get_mut(&number).expect("it is open");
        let start = flow.n_delivered;
        let end = flow.from_peer.len().min(flow.window_end).min(start + len);
        if end == start {
            return 0;
        }
        flow.n_delivered = end;
        let payload = flow.from_peer[start..end].to_vec();
        self.write_data(number, start, &payload, Some(end));
        end - start
    }

    /// A write of payload at this place of the stream, with the position up to which bytes are ready.
    pub fn write_data(&mut self, number: u16, start: usize, payload: &[u8], ready: Option<usize>) {
        let opened = &self.flows[&number].opened;
        let base = self.settings.receive.address_of(opened.buffer);
        let place = start as u64 % u64::from(BUFFER_BYTES);
        let immediate = ready.map(|ready| {
            let position = opened.first_rx_seq.wrapping_add(ready as u32);
            let connection = number;
            Ready {
                connection,
                position,
            }
            .immediate()
        });
        let packet = self.packet(base + place, immediate, payload);
        self.to_host.push_back(packet);
    }

    /// A packet to the host, with the next sequence number.
    pub fn packet(&mut self, address: u64, immediate: Option<u32>, payload: &[u8]) -> Vec<u8> {
        let write = RdmaWrite {
            path: Path {
                src_mac: SWITCH.mac,
                dst_mac: self.settings.mac,
                src_ip: SWITCH.ip,
                dst_ip: self.settings.ip,
            },
            queue_pair: self.settings.queue_pair,
            sequence: self.sequence,
            address,
            remote_key: self.settings.remote_key,
            immediate,
        };
        self.sequence = (self.sequence + 1) & 0xff_ffff;
        let mut packet = Vec::new();
        write.emit([payload, &[]], &mut packet).expect("it fits");
        packet
    }

    pub fn report(&mut self, number: u16, reason: ReportReason) {
        let flow = self.flows.get_mut(&number).expect("it is open");
        let [credit, limit] = flow.grant;
        let mut granted = 0;
        let is_granting = matches!(reason, ReportReason::Generator | ReportReason::Host);
        if is_granting && flow.credits <= limit {
            granted = credit;
            flow.credits += credit;
        }
        if reason == ReportReason::FastRetransmit {
            flow.credits /= 2;
        }
        let next_ack = flow
            .opened
            .first_tx_seq
            .wrapping_add(flow.at_peer.len() as u32);
        let report = Report {
            connection: number,
            next_ack,
            granted,
            reason,
        };
        let mut payload = Vec::new();
        report.emit(&mut payload);
        let address = self.settings.reports + 16 * u64::from(number);
        let packet = self.packet(address, None, &payload);
        self.to_host.push_back(packet);
    }

    /// A write of the host arrives. What it asks for.
    pub fn receive(&mut self, packet: &[u8]) -> SwitchAddress {
        let (write, payload) = RdmaWrite::parse(packet).expect("the host's writes are whole");
        assert_eq!(write.path.src_ip, self.settings.ip);
        assert_eq!(write.path.dst_ip, SWITCH.ip);
        let asked = SwitchAddress::from_address(write.address).expect("it is one of two kinds");
        match asked {
            SwitchAddress::Transmit { connection, offset } => {
                self.transmit(connection, offset, payload);
            }
            SwitchAddress::Sync { connection, freed } => {
                if let Some(flow) = self.flows.get_mut(&connection) {
                    flow.window_end += freed as usize;
                    assert!(
                        flow.window_end + MSS as usize <= flow.n_delivered + BUFFER_BYTES as usize,
                        "more was freed than the buffer has"
                    );
                    self.report(connection, ReportReason::Host);
                }
            }
        }
        asked
    }

    fn transmit(&mut self, number: u16, offset: u32, payload: &[u8]) {
        let Some(flow) = self.flows.get_mut(&number) else {
            return;
        };
        assert!(payload.len() <= MSS.into() && !payload.is_empty());
        if flow.credits == 0 {
            return;
        }
        flow.credits = flow.credits.saturating_sub(payload.len() as u32);
        let next = flow.at_peer.len();
        let ahead = offset.wrapping_sub(next as u32).cast_signed();
        let end = next as i64 + i64::from(ahead) + payload.len() as i64;
        if end > flow.peer_limit as i64 {
            return;
        }
        if ahead > 0 {
            flow.n_duplicates += 1;
            if flow.n_duplicates == 3 {
                self.report(number, ReportReason::FastRetransmit);
            }
            return;
        }
        let n_old = ahead.unsigned_abs() as usize;
        if n_old < payload.len() {
            flow.at_peer.extend(&payload[n_old..]);
            flow.n_duplicates = 0;
        }
    }

    /// The host asks the control plane for something.
    pub fn handle(&mut self, request: HostRequest) {
        match &request {
            HostRequest::OpenContext(settings) => {
                self.settings = settings.clone();
                let token = settings.token;
                self.events.push_back(HostEvent::ContextOpened {
                    token,
                    context: 0,
                    switch: SWITCH,
                });
            }
            HostRequest::Listen { context, local, .. } => {
                if *local.ip() == OUR_IP {
                    let port = if local.port() == 0 {
                        4000
                    } else {
                        local.port()
                    };
                    let local = SocketAddrV4::new(OUR_IP, port);
                    self.listener = Some(local);
                    let context = *context;
                    self.events
                        .push_back(HostEvent::Listening { context, local });
                } else {
                    self.events.push_back(HostEvent::Failed {
                        token: None,
                        address: Some(*local),
                        reason: FailReason::BadAddress,
                    });
                }
            }
            HostRequest::StopListening { .. } => self.listener = None,
            HostRequest::Connect { token, remote, .. } => {
                let (token, remote) = (*token, *remote);
                match self.refusal {
                    Some(reason) => self.events.push_back(HostEvent::Failed {
                        token: Some(token),
                        address: Some(remote),
                        reason,
                    }),
                    None => {
                        let local = SocketAddrV4::new(OUR_IP, 30_000 + self.next_number);
                        let opened = self.open(local, remote);
                        self.events
                            .push_back(HostEvent::Connected { token, opened });
                    }
                }
            }
            HostRequest::Shutdown { connection, length } => {
                if let Some(flow) = self.flows.get_mut(connection) {
                    flow.shutdown = Some(*length);
                }
            }
            HostRequest::Abort { connection } => {
                self.events.push_back(HostEvent::Reset {
                    connection: *connection,
                    reason: FailReason::Aborted,
                });
            }
            HostRequest::Release { connection } => {
                if let Some(flow) = self.flows.remove(connection) {
                    self.free_buffers.push(flow.opened.buffer);
                    self.ended.insert(*connection, flow.at_peer);
                }
            }
            HostRequest::CloseContext { .. } => self.flows.clear(),
            HostRequest::Taken { .. } => {}
        }
        self.requests.push(request);
    }

    /// The peer has sent all that it will.
    pub fn finish_peer(&mut self, number: u16) {
        let flow = self.flows.get_mut(&number).expect("it is open");
        flow.is_end_told = true;
        self.events.push_back(HostEvent::PeerFinished {
            connection: number,
            length: flow.from_peer.len() as u32,
        });
    }

    /// Says so where both streams have ended.
    pub fn close_ended(&mut self) {
        for (number, flow) in &mut self.flows {
            let is_sent = flow.shutdown == Some(flow.at_peer.len() as u32);
            if is_sent && flow.is_end_told && !flow.is_closed {
                flow.is_closed = true;
                self.events.push_back(HostEvent::Closed {
                    connection: *number,
                });
            }
        }
    }
}
