//! libTOE in place of the minimal host of an exchange. What a control plane would tell it of its connections is made up
//! from what the rig puts into tables.
//!
//! Between it and the switch, transmissions may be lost; what gives back buffers is not, and nothing of what the
//! switch writes.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddrV4;
use std::time::Duration;

use p4rmt_libtoe::{ConnectionId, Event, Toe, ToeError};
use p4rmt_wire::{
    ContextSettings, HostEvent, HostRequest, Opened, RdmaWrite, ReceiveRegion, SwitchAddress,
    SwitchSide,
};

use super::host::HostSide;
use super::rig::{
    BUFFER_BYTES, HOST_PATH, HOST_PORT, Identity, LOCAL_PORT, MSS, PEER_PATH, QUEUE_PAIR,
    REMOTE_KEY, REPORTS_BASE,
};
use crate::mutation::Random;

/// Bytes that are kept of what is sent: three quarters of a window without scaling, so that what the peer has not
/// read yet does not matter.
const TRANSMIT_BYTES: u32 = 48 << 10;
const TOKEN: u64 = 1;
/// An exchange knows no time of its host; nothing that waits for it is to come up.
const NOW: Duration = Duration::ZERO;

/// libTOE with one context.
pub struct ToeHost {
    toe: Toe,
    ids: BTreeMap<u16, ConnectionId>,
    /// Bytes that found no room yet.
    waiting: BTreeMap<u16, VecDeque<u8>>,
    random: Random,
    lost_per_mille: usize,
    n_lost: u64,
}

impl ToeHost {
    /// A host that loses so many transmissions of a thousand on their way to the switch.
    ///
    /// # Panics
    /// If libTOE does not take the settings of the rig.
    #[must_use]
    pub fn new(seed: u64, lost_per_mille: usize) -> Self {
        let mut toe = Toe::new();
        let [switch_mac, mac] = HOST_PATH.macs;
        let [switch_ip, ip] = HOST_PATH.ips;
        let first = Identity {
            id: 0,
            peer_port: 0,
            first_rx: 0,
            first_tx: 0,
        };
        let settings = ContextSettings {
            token: TOKEN,
            port: HOST_PORT,
            mac,
            ip,
            queue_pair: QUEUE_PAIR,
            remote_key: REMOTE_KEY,
            reports: REPORTS_BASE,
            receive: ReceiveRegion {
                base: first.buffer_base(),
                buffer_bytes: BUFFER_BYTES,
                n_buffers: 64,
            },
            transmit_bytes: TRANSMIT_BYTES,
        };
        toe.open_context(settings.clone())
            .expect("the pipe works with these settings");
        let asked = toe.poll_request();
        assert_eq!(asked, Some(HostRequest::OpenContext(settings)));
        let opened = HostEvent::ContextOpened {
            token: TOKEN,
            context: 0,
            switch: SwitchSide {
                mac: switch_mac,
                ip: switch_ip,
            },
        };
        toe.handle(opened, NOW).expect("it was asked for");
        Self {
            toe,
            ids: BTreeMap::new(),
            waiting: BTreeMap::new(),
            random: Random::new(seed),
            lost_per_mille,
            n_lost: 0,
        }
    }

    fn fill(&mut self, id: u16) {
        let waiting = self.waiting.entry(id).or_default();
        let bytes = waiting.make_contiguous();
        if bytes.is_empty() {
            return;
        }
        match self.toe.write(self.ids[&id], bytes) {
            Ok(n_written) => drop(waiting.drain(..n_written)),
            Err(error) => assert_eq!(error, ToeError::WouldBlock),
        }
    }
}

impl HostSide for ToeHost {
    fn open(&mut self, identity: Identity, credits: u32) {
        let [peer_ip, own_ip] = PEER_PATH.ips;
        // Buffers of the rig are four of their sizes apart, those of a region two.
        let buffer = 2 * u32::from(identity.id);
        let opened = Opened {
            connection: identity.id,
            context: 0,
            local: SocketAddrV4::new(own_ip.into(), LOCAL_PORT),
            remote: SocketAddrV4::new(peer_ip.into(), identity.peer_port),
            buffer,
            first_rx_seq: identity.first_rx,
            first_tx_seq: identity.first_tx,
            mss: u16::try_from(MSS).expect("it is 1460"),
            credits,
        };
        self.toe
            .handle(HostEvent::Accepted(opened), NOW)
            .expect("the connection is new");
        while let Some(event) = self.toe.poll_event() {
            if let Event::Accepted { id, .. } = event {
                self.ids.insert(id.number(), id);
            }
        }
        assert!(self.ids.contains_key(&identity.id));
    }

    fn send(&mut self, id: u16, bytes: &[u8]) {
        self.waiting.entry(id).or_default().extend(bytes);
        self.fill(id);
    }

    fn read(&mut self, id: u16, limit: u32) -> Vec<u8> {
        let mut bytes = vec![0; BUFFER_BYTES.min(limit) as usize];
        let n_read = match self.toe.read(self.ids[&id], &mut bytes) {
            Ok(n_read) => n_read,
            Err(ToeError::WouldBlock) => 0,
            Err(error) => panic!("{error}"),
        };
        bytes.truncate(n_read);
        bytes
    }

    fn take_writes(&mut self) -> Vec<Vec<u8>> {
        let ids: Vec<u16> = self.ids.keys().copied().collect();
        for id in ids {
            self.fill(id);
        }
        let mut writes = Vec::new();
        let mut packet = Vec::new();
        while self.toe.poll_transmit(&mut packet) {
            let (write, _) = RdmaWrite::parse(&packet).expect("libTOE writes whole packets");
            let asked = SwitchAddress::from_address(write.address).expect("it is of two kinds");
            let is_lost = match asked {
                SwitchAddress::Transmit { .. } => self.random.happens(self.lost_per_mille),
                SwitchAddress::Sync { .. } => false,
            };
            if is_lost {
                self.n_lost += 1;
            } else {
                writes.push(std::mem::take(&mut packet));
            }
        }
        writes
    }

    /// # Panics
    /// If libTOE refuses it, or misses one before it.
    fn take(&mut self, packet: &[u8]) {
        self.toe
            .receive(packet, NOW)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(self.toe.counters().n_missing, 0);
        assert_eq!(self.toe.poll_at(), None, "no byte is missing");
    }

    fn n_restarts(&self) -> u64 {
        self.toe.counters().n_restarts
    }
}
