//! The tables of a router: as many prefixes as asked for, with the lengths that such tables have.

use std::collections::BTreeMap;

use crate::prng::Prng;

/// Next hops.
const N_NEXT_HOPS: u64 = 1024;
/// Host routes.
const N_HOSTS: usize = 1024;

/// Of a hundred prefixes, how many have at most this length: about what the routing tables of the
/// Internet have, where the greater part has 24 bits.
const LENGTHS: [(u64, u32); 8] = [
    (2, 16),
    (4, 18),
    (8, 19),
    (14, 20),
    (20, 21),
    (32, 22),
    (42, 23),
    (100, 24),
];

/// A prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prefix {
    pub(super) address: u32,
    pub(super) len: u32,
}

/// Where to send a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NextHop {
    pub(super) dst: u64,
    pub(super) src: u64,
    pub(super) port: u16,
}

/// The tables.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    pub(super) hosts: Vec<(u32, u16)>,
    pub(super) prefixes: Vec<(Prefix, u16)>,
    pub(super) next_hops: Vec<NextHop>,
}

impl Routes {
    /// The same in every run.
    pub(super) fn new(n_prefixes: usize) -> Self {
        let mut prng = Prng::new(n_prefixes as u64);
        let mut prefixes = BTreeMap::new();
        while prefixes.len() < n_prefixes {
            let of_hundred = prng.below(100);
            let len = LENGTHS.iter().find(|(up_to, _)| of_hundred < *up_to);
            let len = len.map_or(24, |(_, len)| *len);
            let address = any_address(&mut prng) & mask(len);
            prefixes.insert(Prefix { address, len }, any_next_hop(&mut prng));
        }
        let mut hosts = BTreeMap::new();
        while hosts.len() < N_HOSTS {
            hosts.insert(any_address(&mut prng), any_next_hop(&mut prng));
        }
        let next_hops = (0..N_NEXT_HOPS).map(|number| NextHop {
            dst: 0x0200_0001_0000 | number,
            src: 0x0200_0002_0000 + number % u64::from(super::N_PORTS),
            port: (number % u64::from(super::N_PORTS)) as u16,
        });
        Self {
            hosts: hosts.into_iter().collect(),
            prefixes: prefixes.into_iter().collect(),
            next_hops: next_hops.collect(),
        }
    }

    /// The address of a host route.
    pub(super) fn any_host(&self, prng: &mut Prng) -> u32 {
        self.hosts[prng.below(self.hosts.len() as u64) as usize].0
    }

    /// An address below a prefix.
    pub(super) fn any_under_prefix(&self, prng: &mut Prng) -> u32 {
        let (prefix, _) = self.prefixes[prng.below(self.prefixes.len() as u64) as usize];
        prefix.address | prng.next() as u32 & !mask(prefix.len)
    }
}

/// A mask of the highest bits.
pub(super) fn mask(len: u32) -> u32 {
    u32::MAX.checked_shl(32 - len).unwrap_or_default()
}

/// A unicast address: 1.0.0.0 to 223.255.255.255.
fn any_address(prng: &mut Prng) -> u32 {
    (prng.below(0xdf00_0000) + 0x0100_0000) as u32
}

fn any_next_hop(prng: &mut Prng) -> u16 {
    prng.below(N_NEXT_HOPS) as u16
}
