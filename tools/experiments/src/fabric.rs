//! A leaf-spine network: hosts, leaves, spines, and links with queues between them.

use crate::link::{Carried, Link, LinkSettings};

/// How large a network is, and how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FabricSettings {
    pub(crate) n_leaves: usize,
    pub(crate) hosts_a_leaf: usize,
    pub(crate) n_spines: usize,
    /// Between a host and its leaf.
    pub(crate) host_link: LinkSettings,
    /// Between a leaf and a spine.
    pub(crate) core_link: LinkSettings,
}

/// The links of a network.
#[derive(Debug)]
pub(crate) struct Fabric {
    settings: FabricSettings,
    links: Vec<Link>,
}

/// A way through the network: at most four links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    links: [u32; 4],
    n_links: u8,
}

impl Path {
    /// The link number `hop` on the way.
    pub(crate) fn link(&self, hop: u8) -> Option<usize> {
        (hop < self.n_links).then(|| self.links[usize::from(hop)] as usize)
    }
}

impl Fabric {
    pub(crate) fn new(settings: FabricSettings) -> Self {
        let n_hosts = settings.n_leaves * settings.hosts_a_leaf;
        let n_core = settings.n_leaves * settings.n_spines;
        let host_links = vec![Link::new(settings.host_link); 2 * n_hosts];
        let core_links = vec![Link::new(settings.core_link); 2 * n_core];
        Self {
            settings,
            links: [host_links, core_links].concat(),
        }
    }

    /// How many hosts there are.
    pub(crate) fn n_hosts(&self) -> usize {
        self.settings.n_leaves * self.settings.hosts_a_leaf
    }

    /// The way from a host to another; `spread` picks the spine.
    pub(crate) fn path(&self, from: usize, to: usize, spread: u64) -> Path {
        let FabricSettings {
            hosts_a_leaf,
            n_spines,
            n_leaves,
            ..
        } = self.settings;
        let n_hosts = self.n_hosts();
        let (from_leaf, to_leaf) = (from / hosts_a_leaf, to / hosts_a_leaf);
        let (up, down) = (from, n_hosts + to);
        if from_leaf == to_leaf {
            return Path {
                links: [up as u32, down as u32, 0, 0],
                n_links: 2,
            };
        }
        let spine = spread as usize % n_spines;
        let core = |leaf: usize| 2 * n_hosts + leaf * n_spines + spine;
        let links = [
            up,
            core(from_leaf),
            n_leaves * n_spines + core(to_leaf),
            down,
        ];
        Path {
            links: links.map(|link| link as u32),
            n_links: 4,
        }
    }

    /// A packet comes to a link.
    pub(crate) fn carry(&mut self, link: usize, now: u64, bytes: u64) -> Option<Carried> {
        self.links[link].carry(now, bytes)
    }

    /// Packets that queues had no room for.
    pub(crate) fn n_lost(&self) -> u64 {
        self.links.iter().map(Link::n_lost).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_leads_from_one_place_to_another() {
        let link = LinkSettings {
            rate: 1,
            delay: 0,
            queue: 0,
            mark_from: None,
        };
        let fabric = Fabric::new(FabricSettings {
            n_leaves: 3,
            hosts_a_leaf: 4,
            n_spines: 2,
            host_link: link,
            core_link: link,
        });
        let mut ends = std::collections::BTreeMap::new();
        for from in 0..12 {
            for to in (0..12).filter(|to| *to != from) {
                for spine in 0..2 {
                    let path = fabric.path(from, to, spine);
                    let (here, there) = (from / 4, to / 4);
                    let nodes = if here == there {
                        vec![from, 100 + here, to]
                    } else {
                        let spine = 200 + spine as usize;
                        vec![from, 100 + here, spine, 100 + there, to]
                    };
                    for (hop, end) in nodes.windows(2).enumerate() {
                        let link = path.link(hop as u8).expect("a link between two nodes");
                        assert!(link < fabric.links.len());
                        let known = ends.entry(link).or_insert_with(|| end.to_vec());
                        assert_eq!(known, end, "link {link}");
                    }
                    assert_eq!(path.link(nodes.len() as u8 - 1), None);
                }
            }
        }
        assert_eq!(ends.len(), fabric.links.len(), "all are used");
    }
}
