//! The router by hand: a hash table of hosts, a trie of prefixes, next hops by number.

use std::hint::black_box;

use p4rmt_engine::State;

use super::poptrie::Poptrie;
use super::routes::Routes;
use crate::{BenchError, Native, Packets, Sink};

/// A next hop as it goes into a frame.
#[derive(Clone, Copy, Debug)]
struct Hop {
    macs: [u8; 12],
    port: u16,
}

/// No next hop.
const NONE: u16 = u16::MAX;

/// Ethernet and IPv4.
const HEADERS: usize = 34;

/// The longest frame.
const MAX_FRAME: usize = 2048;

/// The router.
pub(super) struct ByHand {
    /// Address and next hop; open addressing, at most half full.
    hosts: Vec<(u32, u16)>,
    shift: u32,
    routes: Poptrie,
    hops: Vec<Hop>,
    frame: Box<[u8; MAX_FRAME]>,
}

impl ByHand {
    pub(super) fn new(routes: &Routes) -> Self {
        let n_slots = (routes.hosts.len() * 2).next_power_of_two();
        let mut by_hand = Self {
            hosts: vec![(0, NONE); n_slots],
            shift: 32 - n_slots.trailing_zeros(),
            routes: Poptrie::new(&routes.prefixes),
            hops: routes
                .next_hops
                .iter()
                .map(|hop| {
                    let mut macs = [0; 12];
                    macs[..6].copy_from_slice(&hop.dst.to_be_bytes()[2..]);
                    macs[6..].copy_from_slice(&hop.src.to_be_bytes()[2..]);
                    Hop {
                        macs,
                        port: hop.port,
                    }
                })
                .collect(),
            frame: Box::new([0; MAX_FRAME]),
        };
        for (address, hop) in &routes.hosts {
            let mut at = by_hand.home(*address);
            while by_hand.hosts[at].1 != NONE {
                at = (at + 1) & (n_slots - 1);
            }
            by_hand.hosts[at] = (*address, *hop);
        }
        by_hand
    }

    fn home(&self, address: u32) -> usize {
        (address.wrapping_mul(0x9e37_79b1) >> self.shift) as usize
    }

    #[inline]
    fn host(&self, address: u32) -> u16 {
        let mask = self.hosts.len() - 1;
        let mut at = self.home(address);
        loop {
            let (found, hop) = self.hosts[at & mask];
            if hop == NONE || found == address {
                return hop;
            }
            at += 1;
        }
    }

    #[inline]
    fn forward(&mut self, frame: &[u8], sink: &mut Sink) {
        let Some(headers) = frame.first_chunk::<HEADERS>() else {
            return;
        };
        let is_ipv4 = headers[12..14] == [8, 0] && headers[14] == 0x45;
        if !is_ipv4 || sum(headers) != 0xffff || headers[22] <= 1 || frame.len() > MAX_FRAME {
            return;
        }
        let address = u32::from_be_bytes([headers[30], headers[31], headers[32], headers[33]]);
        let mut hop = self.host(address);
        if hop == NONE {
            hop = self.routes.find(address);
        }
        let Some(hop) = self.hops.get(usize::from(hop)) else {
            return;
        };
        let out = &mut self.frame[..frame.len()];
        out.copy_from_slice(frame);
        out[..12].copy_from_slice(&hop.macs);
        out[22] -= 1;
        out[24..26].fill(0);
        let checksum = !sum(out.first_chunk().expect("as long as what came"));
        out[24..26].copy_from_slice(&checksum.to_le_bytes());
        sink.packet(hop.port, out);
    }
}

impl Native for ByHand {
    fn reset(&mut self) {}

    fn run(&mut self, packets: &Packets, sink: &mut Sink) {
        for (port, frame) in packets.iter() {
            black_box(port);
            self.forward(frame, sink);
        }
    }

    fn compare(&self, _state: &State) -> Result<(), BenchError> {
        // A router keeps nothing.
        Ok(())
    }
}

/// The one's-complement sum of the IPv4 header, its words as they lie in memory.
#[inline]
fn sum(headers: &[u8; HEADERS]) -> u16 {
    let mut sum: u64 = headers[14..]
        .chunks_exact(4)
        .map(|quad| u64::from(u32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]])))
        .sum();
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}
