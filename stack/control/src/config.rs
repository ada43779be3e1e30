//! What a control plane is told when it begins.

use std::net::Ipv4Addr;

use crate::PlaneError;

/// What a control plane is told when it begins.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where peers are.
    pub networks: Vec<Network>,
    /// Where hosts are.
    pub hosts: Vec<HostPort>,
    /// Makes sequence numbers unpredictable: two random numbers that nobody else knows.
    pub secret: [u64; 2],
    /// The largest payload of a segment that we take and send: what the links carry, less 40.
    pub mss: u16,
    /// Whether ECN is asked for and taken at handshakes. Laminar echoes each mark as DCTCP does, and never
    /// sends CWR: for networks whose peers do so, too.
    pub has_ecn: bool,
    /// Whether the pipe names intervals in its acknowledgments (`LAMINAR_SACK`): selective acknowledgments are agreed on
    /// at handshakes then. Those of peers come here, and their blocks are passed over.
    pub has_sack: bool,
    /// How rates are found.
    pub congestion: Algorithm,
    /// How long things take.
    pub timing: Timing,
    /// How many things there may be.
    pub limits: Limits,
}

/// A network port and what lies behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The port: 1 to 126.
    pub port: u16,
    /// Our MAC address there.
    pub mac: [u8; 6],
    /// Our address there.
    pub ip: Ipv4Addr,
    /// How many bits of it name the network.
    pub prefix_len: u8,
    /// The way to everybody else.
    pub gateway: Option<Ipv4Addr>,
}

/// A host port: where hosts find the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// The port.
    pub port: u16,
    /// The pipe's MAC address there.
    pub mac: [u8; 6],
    /// The pipe's address there.
    pub ip: Ipv4Addr,
}

/// A congestion control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// By the share of marked bytes, and by losses.
    #[default]
    Dctcp,
    /// By round-trip times, and by losses.
    Timely,
    /// None: as much as the buffers and the peer's window take.
    Unlimited,
}

/// How long things take, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two looks at the registers of connections, at least.
    pub watch_ns: u64,
    /// More for each connection, so that looking takes no larger share of the time.
    pub watch_ns_per_connection: u64,
    /// Between two rounds of SYNCs of the packet generator, at least.
    pub sync_ns: u64,
    /// More for each packet of a round: how fast the pipe may generate them.
    pub sync_ns_per_packet: u64,
    /// The retransmission timeout before any round-trip time is known.
    pub first_rto_ns: u64,
    /// The least one. Peers delay acknowledgments, Linux by 40 ms.
    pub min_rto_ns: u64,
    /// The greatest one.
    pub max_rto_ns: u64,
    /// The longest time between two probes of a closed window.
    pub max_probe_ns: u64,
    /// Until a SYN or its answer is sent again; twice as long each time.
    pub syn_ns: u64,
    /// How long a connection that we ended first is remembered.
    pub time_wait_ns: u64,
    /// How long the number of a connection and its buffer rest before they are used again: nothing of the old one
    /// is on its way by then.
    pub rest_ns: u64,
    /// Between two answers to segments of one connection that cannot be right.
    pub challenge_ns: u64,
    /// Between two ARP requests for one address.
    pub arp_ns: u64,
    /// How long a MAC address is taken to be right.
    pub neighbour_ns: u64,
}

/// How many things there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections; the pipe has 32,768.
    pub connections: u16,
    /// Handshakes of peers that are remembered. What comes beyond is answered with a cookie.
    pub half_open: usize,
    /// Connections that are remembered behind their end.
    pub time_wait: usize,
    /// Neighbours; the pipe has 1,024 next hops.
    pub neighbours: u16,
    /// How often a SYN or its answer is sent.
    pub syn_tries: u32,
    /// How often data, an end or a probe is sent again before the connection is given up.
    pub retries: u32,
    /// RSTs a second to those whose segments belong to no connection.
    pub resets_per_second: u32,
}

impl Default for Timing {
    fn default() -> Self {
        const MS: u64 = 1_000_000;
        Self {
            watch_ns: 2 * MS,
            watch_ns_per_connection: 10_000,
            sync_ns: MS / 2,
            sync_ns_per_packet: 50_000,
            first_rto_ns: 1000 * MS,
            min_rto_ns: 50 * MS,
            max_rto_ns: 60_000 * MS,
            max_probe_ns: 2000 * MS,
            syn_ns: 1000 * MS,
            time_wait_ns: 2000 * MS,
            rest_ns: MS,
            challenge_ns: 10 * MS,
            arp_ns: 1000 * MS,
            neighbour_ns: 60_000 * MS,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 32_768,
            half_open: 256,
            time_wait: 4096,
            neighbours: 1000,
            syn_tries: 6,
            retries: 15,
            resets_per_second: 1000,
        }
    }
}

impl Config {
    /// A configuration with these ports and all else as it usually is.
    #[must_use]
    pub fn new(networks: Vec<Network>, hosts: Vec<HostPort>, secret: [u64; 2]) -> Self {
        Self {
            networks,
            hosts,
            secret,
            mss: 1460,
            has_ecn: false,
            has_sack: false,
            congestion: Algorithm::default(),
            timing: Timing::default(),
            limits: Limits::default(),
        }
    }

    /// Whether an address is ours, towards peers.
    pub(crate) fn is_ours(&self, ip: Ipv4Addr) -> bool {
        self.networks.iter().any(|network| network.ip == ip)
    }

    pub(crate) fn check(&self) -> Result<(), PlaneError> {
        if self.mss < 536 {
            return Err(PlaneError::SmallMss { mss: self.mss });
        }
        for network in &self.networks {
            let port = network.port;
            if !(1..=126).contains(&port) {
                return Err(PlaneError::BadNetworkPort { port });
            }
            if network.prefix_len > 32 {
                let len = network.prefix_len;
                return Err(PlaneError::BadPrefix { port, len });
            }
            if network.gateway.is_some_and(|ip| !network.holds(ip)) {
                return Err(PlaneError::FarGateway { port });
            }
        }
        Ok(())
    }
}

impl Network {
    /// Whether an address lies in the network.
    #[must_use]
    pub fn holds(&self, ip: Ipv4Addr) -> bool {
        let rest = 32 - u32::from(self.prefix_len.min(32));
        let differs = u32::from(self.ip) ^ u32::from(ip);
        differs.checked_shr(rest).unwrap_or(0) == 0
    }
}
