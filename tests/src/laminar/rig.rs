//! `laminar.p4` on a device, between a peer on port 1 and a host on port 2, the control plane on
//! port 64: tables filled, registers set and read, packets in and out as this crate's own types.

use p4rmt_driver::Compiled;
use p4rmt_engine::{Ref, find_register};
use p4rmt_ir::{Bits, RegisterId};
use p4rmt_pipeline::{Departure, Device};

use super::model::Connection;
use super::wire::Path;
use crate::rig::{Form, device};

/// The switch port of the peers.
pub const NETWORK_PORT: u16 = 1;
/// The switch port of the host.
pub const HOST_PORT: u16 = 2;
/// The switch port of the control plane.
pub const CONTROL_PORT: u16 = 64;

/// Bytes of each buffer of a connection.
pub const BUFFER_BYTES: u32 = 1 << 16;
/// The largest payload of a segment.
pub const MSS: u32 = 1460;

/// From a peer to us.
pub const PEER_PATH: Path = Path {
    macs: [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]],
    ips: [[10, 0, 0, 1], [10, 0, 0, 2]],
};
/// From us to the host.
pub const HOST_PATH: Path = Path {
    macs: [[2, 0, 0, 0, 1, 2], [2, 0, 0, 0, 1, 1]],
    ips: [[10, 0, 1, 2], [10, 0, 1, 1]],
};
/// Our port of every connection.
pub const LOCAL_PORT: u16 = 20_000;
/// The queue pair of the only context.
pub const QUEUE_PAIR: u32 = 0x11;
/// Its remote key.
pub const REMOTE_KEY: u32 = 0x1000;
/// Where the reports of its connections go, 16 bytes a connection.
pub const REPORTS_BASE: u64 = 0x2_0000_0000;

/// The names of the registers of [`Connection`], in its order; `rx_avail` is a pair.
const REGISTERS: [&str; 9] = [
    "rx_next_seq",
    "rx_avail",
    "rx_ooo_tail",
    "rx_ooo_head",
    "tx_next_ack",
    "tx_dupack_cnt",
    "tx_avail",
    "tx_credits",
    "tx_remote_avail",
];

/// What the tables hold of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub id: u16,
    /// The peer's port.
    pub peer_port: u16,
    /// The sequence number of the first byte that it receives.
    pub first_rx: u32,
    /// The sequence number of the first byte that it sends.
    pub first_tx: u32,
}

impl Identity {
    /// Where its receive buffer begins, twice in a row.
    #[must_use]
    pub fn buffer_base(&self) -> u64 {
        0x1_0000_0000 + u64::from(self.id) * 4 * u64::from(BUFFER_BYTES)
    }
}

/// Laminar between its neighbours.
pub struct Rig {
    /// The device.
    pub device: Device,
    registers: [Ref<RegisterId>; 9],
}

impl Rig {
    /// A device with these connections in its tables.
    ///
    /// # Panics
    /// If a table of `laminar.p4` is not what this file thinks it is.
    #[must_use]
    pub fn new(compiled: &Compiled, form: Form, identities: &[Identity]) -> Self {
        let text = ports_setup() + &connections_setup(identities);
        let device = configured(device(compiled, form), &text);
        let pipe = device.state().layout().pipe();
        let registers = REGISTERS.map(|name| {
            find_register(pipe, name).unwrap_or_else(|error| panic!("register `{name}`: {error}"))
        });
        Self { device, registers }
    }

    /// The same with more in its tables: statements of a setup.
    ///
    /// # Panics
    /// If they cannot be carried out.
    #[must_use]
    pub fn configure(self, text: &str) -> Self {
        Self {
            device: configured(self.device, text),
            ..self
        }
    }

    /// Sets the state of a connection.
    ///
    /// # Panics
    /// If a register of `laminar.p4` is not what this file thinks it is.
    pub fn write(&mut self, id: u16, state: &Connection) {
        let values = [
            [state.rx_next_seq, 0],
            [state.rx_avail, state.rx_broken],
            [state.rx_ooo_tail, 0],
            [state.rx_ooo_head, 0],
            [state.tx_next_ack, 0],
            [state.tx_dupack_cnt, 0],
            [state.tx_avail, 0],
            [state.tx_credits, 0],
            [state.tx_remote_avail, 0],
        ];
        for (register, values) in self.registers.into_iter().zip(values) {
            let element = self
                .device
                .state()
                .register(register, id.into())
                .expect("it is there");
            let element: Vec<Bits> = element
                .iter()
                .zip(values)
                .map(|(old, value)| Bits::from_u64(old.width(), value.into()))
                .collect();
            let state = self.device.state_mut();
            state
                .write_register(register, id.into(), &element)
                .expect("it is there");
        }
    }

    /// The state of a connection.
    ///
    /// # Panics
    /// If a register of `laminar.p4` is not what this file thinks it is.
    #[must_use]
    pub fn read(&self, id: u16) -> Connection {
        let element = |index: usize| {
            let register = self.registers[index];
            self.device
                .state()
                .register(register, id.into())
                .expect("it is there")
        };
        let value = |index: usize, half: usize| {
            u32::try_from(element(index)[half].low_u64()).expect("registers have 32 bits")
        };
        Connection {
            rx_next_seq: value(0, 0),
            rx_avail: value(1, 0),
            rx_broken: value(1, 1),
            rx_ooo_tail: value(2, 0),
            rx_ooo_head: value(3, 0),
            tx_next_ack: value(4, 0),
            tx_dupack_cnt: value(5, 0),
            tx_avail: value(6, 0),
            tx_credits: value(7, 0),
            tx_remote_avail: value(8, 0),
        }
    }

    /// Lets a packet arrive and returns what leaves because of it.
    ///
    /// # Panics
    /// If the device refuses the packet.
    pub fn receive(&mut self, port: u16, packet: &[u8]) -> Vec<Departure> {
        self.device
            .receive(port, packet)
            .expect("the port is there");
        self.device.take_departures().collect()
    }
}

fn configured(device: Device, text: &str) -> Device {
    let vector = p4rmt_stf::parse("setup", text).expect("the setup is well formed");
    let (device, errors) = p4rmt_stf::apply(&vector, device);
    assert!(errors.is_empty(), "{}", errors[0]);
    device
}

fn mac(mac: [u8; 6]) -> String {
    format!("0x{}", mac.map(|byte| format!("{byte:02x}")).concat())
}

fn ip(ip: [u8; 4]) -> String {
    format!("0x{:08x}", u32::from_be_bytes(ip))
}

/// The statements that a control plane begins with: ports, ourselves, the host, the way to the peer.
#[must_use]
pub fn ports_setup() -> String {
    let [peer_mac, own_mac] = PEER_PATH.macs;
    let [peer_ip, own_ip] = PEER_PATH.ips;
    let [host_own_mac, host_mac] = HOST_PATH.macs;
    let [host_own_ip, host_ip] = HOST_PATH.ips;
    format!(
        "port_unit {NETWORK_PORT} tcp_checksum
         port_unit {HOST_PORT} roce
         mirroring_add 1 {NETWORK_PORT} truncate 40
         mirroring_add 127 {CONTROL_PORT} truncate 40
         mc_mgrp_create 1
         mc_node_create 0 {NETWORK_PORT} {CONTROL_PORT}
         mc_node_associate 1 0
         mirroring_add_mc 129 1 truncate 40
         add ports ig_intr_md.ingress_port:{NETWORK_PORT} has_role(role:1, session:1)
         add ports ig_intr_md.ingress_port:{HOST_PORT} has_role(role:2, session:2)
         add ports ig_intr_md.ingress_port:{CONTROL_PORT} has_role(role:3, session:127)
         add local_addresses hdr.ipv4.dst_addr:{} is_ours()
         add local_addresses hdr.ipv4.dst_addr:{} is_ours()
         add contexts meta.context:0 address_host(host_mac:{}, own_mac:{}, host_ip:{}, own_ip:{}, \
             queue_pair:{QUEUE_PAIR}, remote_key:{REMOTE_KEY}, port:{HOST_PORT})
         add reports meta.context:0 report_to(top:{}, mid:{}, low:{})
         add routes meta.peer_ip:{}/32 via(next_hop:1)
         add next_hops meta.next_hop:1 reach(dst_mac:{}, src_mac:{}, port:{NETWORK_PORT})
         add reply_hops meta.next_hop:1 reply_over(dst_mac:{}, src_mac:{}, session:1)
         add bridge hdr.ethernet.dst_addr:{} forward(port:{NETWORK_PORT})
         add bridge hdr.ethernet.dst_addr:{} to_control()
         add bridge hdr.ethernet.dst_addr:0xffffffffffff to_control()
",
        ip(own_ip),
        ip(host_own_ip),
        mac(host_mac),
        mac(host_own_mac),
        ip(host_ip),
        ip(host_own_ip),
        REPORTS_BASE >> 48,
        REPORTS_BASE >> 32 & 0xffff,
        REPORTS_BASE & 0xffff_ffff,
        ip(peer_ip),
        mac(peer_mac),
        mac(own_mac),
        mac(peer_mac),
        mac(own_mac),
        mac(peer_mac),
        mac(own_mac),
    )
}

/// The statements that make connections known.
#[must_use]
pub fn connections_setup(identities: &[Identity]) -> String {
    let [peer_ip, own_ip] = PEER_PATH.ips;
    let mut text = String::new();
    for identity in identities {
        let Identity {
            id,
            peer_port,
            first_rx,
            first_tx,
        } = identity;
        let base = identity.buffer_base();
        let (top, mid, low) = (base >> 48, base >> 32 & 0xffff, base & 0xffff_ffff);
        let (own_ip, peer_ip) = (ip(own_ip), ip(peer_ip));
        text += &format!(
            "add segments hdr.ipv4.src_addr:{peer_ip} hdr.ipv4.dst_addr:{own_ip} \
                 hdr.tcp.src_port:{peer_port} hdr.tcp.dst_port:{LOCAL_PORT} known(connection:{id})
             add connections meta.connection:{id} describe(context:0, own_scale:0, peer_scale:0, \
                 mss:{MSS}, dscp:0, ecn:0)
             add receive_buffers meta.connection:{id} receive_into(top:{top}, mid:{mid}, low:{low}, \
                 mask:{}, first_seq:{first_rx})
             add transmit_streams meta.connection:{id} transmit_as(local_ip:{own_ip}, \
                 peer_ip:{peer_ip}, local_port:{LOCAL_PORT}, peer_port:{peer_port}, \
                 first_seq:{first_tx})
",
            BUFFER_BYTES - 1,
        );
    }
    text
}
