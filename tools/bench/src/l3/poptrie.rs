//! Longest prefixes in a trie whose nodes count bits (poptrie, SIGCOMM 2015): 16 bits by table, then six a
//! node, children and leaves each in one row, found by how many come before.

use super::routes::Prefix;

/// No route.
const NONE: u16 = u16::MAX;

/// Bits that the first table takes.
const DIRECT_BITS: u32 = 16;

/// Bits that a node takes.
const STRIDE: u32 = 6;

/// Marks a leaf in the first table.
const LEAF: u32 = 1 << 31;

/// Sixty-four ways on.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// Which of them are nodes.
    inner: u64,
    /// Which of the others begin a run of equal leaves.
    leaves: u64,
    first_child: u32,
    first_leaf: u32,
}

/// The trie.
pub(super) struct Poptrie {
    direct: Vec<u32>,
    nodes: Vec<Node>,
    leaves: Vec<u16>,
}

impl Poptrie {
    /// A trie of prefixes and what they lead to.
    pub(super) fn new(prefixes: &[(Prefix, u16)]) -> Self {
        let mut trie = Self {
            direct: vec![0; 1 << DIRECT_BITS],
            nodes: Vec::new(),
            leaves: Vec::new(),
        };
        let (mut short, long): (Vec<_>, Vec<_>) = prefixes
            .iter()
            .partition(|(prefix, _)| prefix.len <= DIRECT_BITS);
        let mut values = vec![NONE; 1 << DIRECT_BITS];
        short.sort_by_key(|(prefix, _)| prefix.len);
        for (prefix, value) in short {
            let first = (prefix.address >> (32 - DIRECT_BITS)) as usize;
            values[first..first + (1 << (DIRECT_BITS - prefix.len))].fill(value);
        }
        let mut below: Vec<Vec<(Prefix, u16)>> = vec![Vec::new(); 1 << DIRECT_BITS];
        for (prefix, value) in long {
            below[(prefix.address >> (32 - DIRECT_BITS)) as usize].push((prefix, value));
        }
        for (slot, (value, below)) in values.into_iter().zip(below).enumerate() {
            trie.direct[slot] = if below.is_empty() {
                LEAF | u32::from(value)
            } else {
                let node = trie.nodes.len();
                trie.nodes.push(Node::default());
                trie.fill(node, DIRECT_BITS, value, &below);
                node as u32
            };
        }
        trie
    }

    /// Makes a node of the prefixes below it; `value` is what a shorter one leads to.
    fn fill(&mut self, node: usize, depth: u32, value: u16, prefixes: &[(Prefix, u16)]) {
        let mut values = [(0, value); 1 << STRIDE];
        let mut below: Vec<Vec<(Prefix, u16)>> = vec![Vec::new(); 1 << STRIDE];
        for (prefix, value) in prefixes {
            let first = chunk(prefix.address, depth);
            if prefix.len > depth + STRIDE {
                below[first].push((*prefix, *value));
                continue;
            }
            let n_slots = 1 << (depth + STRIDE - prefix.len);
            for slot in &mut values[first..first + n_slots] {
                if prefix.len >= slot.0 {
                    *slot = (prefix.len, *value);
                }
            }
        }
        let mut made = Node {
            first_child: self.nodes.len() as u32,
            first_leaf: self.leaves.len() as u32,
            ..Node::default()
        };
        let mut last = None;
        for (slot, ((_, value), below)) in values.iter().zip(&below).enumerate() {
            if !below.is_empty() {
                made.inner |= 1 << slot;
                self.nodes.push(Node::default());
            } else if last != Some(*value) {
                made.leaves |= 1 << slot;
                self.leaves.push(*value);
                last = Some(*value);
            }
        }
        self.nodes[node] = made;
        let inner = values
            .iter()
            .zip(&below)
            .filter(|(_, below)| !below.is_empty());
        for (child, ((_, value), below)) in (made.first_child as usize..).zip(inner) {
            self.fill(child, depth + STRIDE, *value, below);
        }
    }

    /// What the longest prefix of an address leads to.
    #[inline]
    pub(super) fn find(&self, address: u32) -> u16 {
        let entry = self.direct[(address >> (32 - DIRECT_BITS)) as usize];
        if entry & LEAF != 0 {
            return entry as u16;
        }
        let mut node = &self.nodes[entry as usize];
        let mut depth = DIRECT_BITS;
        loop {
            let slot = chunk(address, depth);
            let up_to = u64::MAX >> (63 - slot);
            if node.inner >> slot & 1 == 0 {
                let before = (node.leaves & up_to).count_ones();
                return self.leaves[(node.first_leaf + before - 1) as usize];
            }
            let before = (node.inner & up_to).count_ones();
            node = &self.nodes[(node.first_child + before - 1) as usize];
            depth += STRIDE;
        }
    }
}

/// The bits of an address that a node at this depth looks at; zeros follow the last.
#[inline]
fn chunk(address: u32, depth: u32) -> usize {
    ((address << depth) >> (32 - STRIDE)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::l3::routes::{Routes, mask};
    use crate::prng::Prng;

    #[test]
    fn the_trie_finds_what_a_scan_finds() {
        let mut routes = Routes::new(500).prefixes;
        // Longer ones than a router of the Internet has, too.
        let mut prng = Prng::new(1);
        for len in 0..=32 {
            let (near, _) = routes[prng.below(500) as usize];
            let address = (near.address | prng.next() as u32 & !mask(near.len)) & mask(len);
            if routes
                .iter()
                .all(|(prefix, _)| *prefix != Prefix { address, len })
            {
                routes.push((Prefix { address, len }, len as u16));
            }
        }
        let trie = Poptrie::new(&routes);
        for _ in 0..20_000 {
            let (near, _) = routes[prng.below(routes.len() as u64) as usize];
            let address = near.address | prng.next() as u32 & !mask(near.len);
            let scan = routes.iter();
            let scan = scan.filter(|(prefix, _)| address & mask(prefix.len) == prefix.address);
            let scan = scan.max_by_key(|(prefix, _)| prefix.len);
            let expected = scan.map_or(NONE, |(_, value)| *value);
            assert_eq!(trie.find(address), expected, "{address:#x}");
        }
    }
}
