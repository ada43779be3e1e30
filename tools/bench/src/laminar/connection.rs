//! The connections: who they are, and where their bytes go. A function of their number.

use super::wire::Path;

/// Contexts that connections are spread over.
pub(super) const N_CONTEXTS: u32 = 64;

/// Where our own segments and acknowledgments come from.
pub(super) const LOCAL_IP: u32 = 0x0a00_0002;
/// Our MAC address.
pub(super) const OWN_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// The MAC address of the peers, or of the router before them.
pub(super) const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// Bytes of a receive buffer, less one.
pub(super) const BUFFER_MASK: u32 = 0xffff;
/// Shift of both windows.
pub(super) const WINDOW_SCALE: u8 = 7;
/// The largest payload.
pub(super) const MSS: u32 = 1460;
/// Free bytes of every receive buffer: more than a round brings.
pub(super) const FREE: u32 = 1 << 30;
/// Credits of every connection: more than a round spends.
pub(super) const CREDITS: u32 = 1 << 30;
/// The window of every peer in bytes.
pub(super) const REMOTE_WINDOW: u32 = 65_535 << WINDOW_SCALE;

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    /// Its number, an index of every register.
    pub(super) number: u32,
    /// Its context.
    pub(super) context: u32,
    pub(super) peer_ip: u32,
    pub(super) peer_port: u16,
    pub(super) local_port: u16,
    /// Of the first byte that comes.
    pub(super) first_rx: u32,
    /// Of the first byte that goes.
    pub(super) first_tx: u32,
    /// Where its receive buffer begins.
    pub(super) buffer: u64,
}

impl Connection {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            context: number % N_CONTEXTS,
            // Sixteen connections a peer.
            peer_ip: 0x0a01_0000 | number >> 4,
            peer_port: 10_000 + (number & 15) as u16,
            local_port: 20_000,
            first_rx: number.wrapping_mul(0x9e37_79b1).wrapping_add(1000),
            first_tx: number.wrapping_mul(0x85eb_ca77).wrapping_add(5000),
            buffer: 0x1_0000_0000 + u64::from(number) * 2 * (u64::from(BUFFER_MASK) + 1),
        }
    }

    /// From the peer to us.
    pub(super) fn path(&self) -> Path {
        Path {
            src_mac: PEER_MAC,
            dst_mac: OWN_MAC,
            src_ip: self.peer_ip,
            dst_ip: LOCAL_IP,
            src_port: self.peer_port,
            dst_port: self.local_port,
        }
    }
}

/// A context: the queue pair of a core of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) host_mac: [u8; 6],
    pub(super) host_ip: u32,
    pub(super) own_ip: u32,
    pub(super) queue_pair: u32,
    pub(super) remote_key: u32,
    /// Where reports go.
    pub(super) reports: u64,
}

impl Context {
    pub(super) fn new(number: u32) -> Self {
        Self {
            host_mac: [2, 0, 0, 0, 1, 1],
            host_ip: 0x0a00_0101,
            own_ip: 0x0a00_0102,
            queue_pair: 0x11 + number,
            remote_key: 0x1000 + number,
            reports: 0x2_0000_0000 + u64::from(number) * (1 << 19),
        }
    }
}

/// A MAC address as a number.
pub(super) fn mac(bytes: [u8; 6]) -> u64 {
    bytes
        .iter()
        .fold(0, |mac, byte| mac << 8 | u64::from(*byte))
}
