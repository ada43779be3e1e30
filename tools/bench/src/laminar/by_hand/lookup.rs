//! From addresses and ports to a connection: open addressing, at most half full.

use crate::laminar::connection::Connection;

/// A slot: both addresses, both ports, the connection.
#[derive(Clone, Copy, Debug)]
struct Slot {
    ips: u64,
    ports: u32,
    number: u32,
}

/// A number that is no connection's.
const NONE: u32 = u32::MAX;

/// The table.
pub(super) struct Segments {
    slots: Vec<Slot>,
    mask: usize,
}

impl Segments {
    pub(super) fn new(connections: &[Connection]) -> Self {
        let n_slots = (connections.len() * 2).next_power_of_two();
        let empty = Slot {
            ips: 0,
            ports: 0,
            number: NONE,
        };
        let mut segments = Self {
            slots: vec![empty; n_slots],
            mask: n_slots - 1,
        };
        for connection in connections {
            let path = connection.path();
            let mut key = [0; 12];
            key[..4].copy_from_slice(&path.src_ip.to_be_bytes());
            key[4..8].copy_from_slice(&path.dst_ip.to_be_bytes());
            key[8..10].copy_from_slice(&path.src_port.to_be_bytes());
            key[10..].copy_from_slice(&path.dst_port.to_be_bytes());
            let (ips, ports) = split(&key);
            let mut at = segments.home(ips, ports);
            while segments.slots[at].number != NONE {
                at = (at + 1) & segments.mask;
            }
            let number = connection.number;
            segments.slots[at] = Slot { ips, ports, number };
        }
        segments
    }

    fn home(&self, ips: u64, ports: u32) -> usize {
        let mixed = (ips ^ u64::from(ports).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 40) as usize & self.mask
    }

    /// The connection of source address, destination address, source port, destination port as they
    /// lie in a packet.
    #[inline]
    pub(super) fn find(&self, key: &[u8; 12]) -> Option<u32> {
        let (ips, ports) = split(key);
        let mut at = self.home(ips, ports);
        loop {
            let slot = &self.slots[at & self.mask];
            if slot.ips == ips && slot.ports == ports && slot.number != NONE {
                return Some(slot.number);
            }
            if slot.number == NONE {
                return None;
            }
            at += 1;
        }
    }
}

#[inline]
fn split(key: &[u8; 12]) -> (u64, u32) {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *key;
    (
        u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        u32::from_le_bytes([i, j, k, l]),
    )
}
