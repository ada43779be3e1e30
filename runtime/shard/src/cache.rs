//! What was found for packets that say the same: only so many bytes of a packet are looked at, and who sends one
//! packet sends more.
//!
//! What is found hangs on nothing but bytes of fixed places, on whether a packet is long enough, and on its port. So packets
//! that agree in all of these come to the same. A place in the cache holds one of them; the next that comes there takes it.

use crate::explore::{Node, Tree};
use crate::graph::{Graph, Value, ValueId};

/// Answers by what a packet says.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Where eight bytes begin, and which of their bits are looked at.
    words: Vec<(usize, u64)>,
    /// Lengths beyond are all the same.
    max_len: usize,
    /// A line a place: what was said, then the answer.
    lines: Vec<u64>,
    /// What the packet at hand says.
    key: Vec<u64>,
}

/// So many packets are remembered.
const N_LINES: usize = 1 << 13;

/// An answer that is none: nothing is remembered there.
const EMPTY: u64 = 0;

impl Cache {
    /// The cache for a tree and other values, where so many bytes stand in front of packets, the same ones for
    /// the same port.
    pub(crate) fn new(
        graph: &Graph,
        tree: &Tree,
        values: impl IntoIterator<Item = ValueId>,
        n_before: usize,
    ) -> Self {
        let mut bytes: Vec<u8> = Vec::new();
        let mut look_at = |from: usize, to: usize| {
            for bit in from.max(8 * n_before)..to {
                let bit = bit - 8 * n_before;
                if bytes.len() <= bit / 8 {
                    bytes.resize(bit / 8 + 1, 0);
                }
                bytes[bit / 8] |= 0x80 >> (bit % 8);
            }
        };
        let mut max_len = 0;
        let mut roots: Vec<ValueId> = values.into_iter().collect();
        for node in &tree.nodes {
            match node {
                Node::Length { bits, .. } => max_len = max_len.max(bits.div_ceil(8) as usize),
                Node::Select { keys, .. } => roots.extend(keys),
                Node::End(_) | Node::Any(_) => {}
            }
        }
        for id in graph.reach(roots) {
            if let Value::Input { offset, width } = graph.get(id) {
                look_at(*offset as usize, (*offset + *width) as usize);
            }
        }
        max_len = max_len.saturating_sub(n_before).max(bytes.len());
        let mut words = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == 0 {
                at += 1;
                continue;
            }
            let mut mask = [0; 8];
            let some = &bytes[at..bytes.len().min(at + 8)];
            mask[..some.len()].copy_from_slice(some);
            words.push((at, u64::from_le_bytes(mask)));
            at += 8;
        }
        let n_words = words.len() + 2;
        Self {
            lines: vec![EMPTY; N_LINES * n_words],
            key: vec![0; n_words - 1],
            words,
            max_len,
        }
    }

    /// The answer that was given to a packet that says the same.
    #[inline]
    pub(crate) fn get(&mut self, port: u16, packet: &[u8]) -> Option<u64> {
        let len = packet.len().min(self.max_len);
        self.key[0] = u64::from(port) << 48 | len as u64;
        for ((at, mask), word) in self.words.iter().zip(&mut self.key[1..]) {
            let whole = packet.get(*at..).and_then(|rest| rest.first_chunk::<8>());
            let bytes = match whole {
                Some(bytes) => u64::from_le_bytes(*bytes),
                None => ending(packet, *at),
            };
            *word = bytes & mask;
        }
        let line = self.line();
        let (said, answer) = line.split_at(line.len() - 1);
        (answer[0] != EMPTY && said == self.key).then(|| answer[0] - 1)
    }

    /// Remembers the answer to the packet that was asked for last.
    pub(crate) fn put(&mut self, answer: u64) {
        let n_words = self.key.len() + 1;
        let start = self.place() * n_words;
        let line = &mut self.lines[start..start + n_words];
        line[..n_words - 1].copy_from_slice(&self.key);
        line[n_words - 1] = answer + 1;
    }

    fn line(&self) -> &[u64] {
        let n_words = self.key.len() + 1;
        let start = self.place() * n_words;
        &self.lines[start..start + n_words]
    }

    fn place(&self) -> usize {
        let hash = self.key.iter().fold(0u64, |hash, word| {
            (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
        });
        (hash >> 51) as usize % N_LINES
    }
}

/// Eight bytes from a place on, of a packet that ends before: zeros behind.
#[cold]
fn ending(packet: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    let rest = packet.get(at..).unwrap_or_default();
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_agree_where_they_are_looked_at_have_one_answer() {
        let mut graph = Graph::default();
        let nibble = graph.add(Value::Input {
            offset: 20,
            width: 4,
        });
        let tree = Tree {
            nodes: vec![Node::Length {
                bits: 32,
                enough: 0,
                short: 0,
            }],
            root: 0,
            ends: Vec::new(),
        };
        // One byte stands in front: the nibble is the low half of the second byte of packets.
        let mut cache = Cache::new(&graph, &tree, [nibble], 1);
        assert_eq!(cache.get(1, &[1, 0x25, 3, 4]), None);
        cache.put(0);
        assert_eq!(
            cache.get(1, &[9, 0x95, 9, 9, 9]),
            Some(0),
            "the same nibble"
        );
        assert_eq!(cache.get(1, &[1, 0x26, 3, 4]), None, "another");
        assert_eq!(cache.get(2, &[1, 0x25, 3, 4]), None, "of another port");
        assert_eq!(cache.get(1, &[1, 0x25]), None, "too short");
    }
}
