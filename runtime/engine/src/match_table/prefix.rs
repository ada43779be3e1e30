//! Prefix tables: a trie whose cells are filled with what wins there.
//!
//! What all prefixes begin with is taken off: keys that begin otherwise find nothing. The root is an array of cells,
//! one for each value of the next bits of a key; a node has a cell for each value of the next four, 64 bytes together. A cell holds the place of the longest prefix that covers
//! it, or leads to a node. So a lookup takes one step, and one more for each four bits by which prefixes there
//! are longer than what the root tells apart, however many entries there are. Memory is at most 64 bytes for
//! each entry and four bits of its length. A prefix that begins otherwise than all before it arranges them anew, which
//! happens a dozen times at most before nothing is left that they begin with.

use std::collections::HashMap;

use super::key::{KeyLayout, Pattern};
use super::place_of;

/// A trie of prefixes.
#[derive(Clone, Debug)]
pub struct PrefixTable {
    root_bits: u32,
    /// So many first bits all prefixes have in common: a multiple of what a node tells apart.
    n_common: u32,
    /// The highest word of a key that has them and zeros behind.
    common: u64,
    /// The root's, then those of each node.
    cells: Vec<u32>,
    /// By place: the length of the prefix.
    lens: Vec<u32>,
    /// The places of prefixes, by length and value.
    places: HashMap<(u32, Box<[u64]>), u32>,
    /// By length: how many prefixes.
    n_of_len: Vec<usize>,
    /// Prefixes that were removed since it was filled: nodes stay behind.
    n_removed: usize,
}

/// Tables with room for fewer entries than this have a small root.
const FEW: u64 = 256;

impl PrefixTable {
    /// Marks a cell that leads to a node: the other bits are the number of its first cell.
    pub const NODE: u32 = 1 << 31;
    /// Bits of a key that a node tells apart.
    pub const NODE_BITS: u32 = 4;
    /// Bits of a key that a root tells apart at most.
    const MAX_ROOT_BITS: u32 = 16;

    pub(super) fn new(layout: &KeyLayout) -> Self {
        Self {
            root_bits: Self::root_bits_of(layout),
            n_common: 0,
            common: 0,
            cells: Vec::new(),
            lens: Vec::new(),
            places: HashMap::new(),
            n_of_len: Vec::new(),
            n_removed: 0,
        }
    }

    /// Bits of a key that the root of such a table tells apart.
    #[must_use]
    pub fn root_bits_of(layout: &KeyLayout) -> u32 {
        if layout.max_entries() < FEW {
            8
        } else {
            Self::MAX_ROOT_BITS
        }
    }

    /// The cells: first the root's, one for each value of the first bits.
    #[must_use]
    pub fn cells(&self) -> &[u32] {
        &self.cells
    }

    pub(super) fn fill(&mut self, patterns: &[Option<Pattern>]) {
        self.find_common(patterns);
        self.cells.clear();
        self.cells.resize(1 << self.root_bits, 0);
        self.lens.clear();
        self.places.clear();
        self.n_of_len.clear();
        self.n_removed = 0;
        for (slot, pattern) in patterns.iter().enumerate() {
            if let Some(pattern) = pattern {
                self.insert(slot, pattern);
            }
        }
    }

    /// Finds what all prefixes begin with, as far as the root still lies in the highest word.
    fn find_common(&mut self, patterns: &[Option<Pattern>]) {
        let mut patterns = patterns.iter().flatten();
        (self.n_common, self.common) = (0, 0);
        let Some(first) = patterns.next() else { return };
        let of_first = highest(&first.value);
        let least = patterns.fold(first.prefix_bits, |n_bits, pattern| {
            let same = (highest(&pattern.value) ^ of_first).leading_zeros();
            n_bits.min(same).min(pattern.prefix_bits)
        });
        let n_common = least.min(64 - Self::MAX_ROOT_BITS);
        self.n_common = n_common - n_common % Self::NODE_BITS;
        self.common = of_first & !(u64::MAX >> self.n_common);
    }

    /// Whether a prefix begins as all do.
    fn has_common(&self, pattern: &Pattern) -> bool {
        let differs = highest(&pattern.value) ^ self.common;
        pattern.prefix_bits >= self.n_common && differs.leading_zeros() >= self.n_common
    }

    /// Follows entries that went and came; nothing if too many nodes stay behind, or one begins otherwise.
    pub(super) fn follow(
        &mut self,
        removed: &[(usize, Pattern)],
        added: &[usize],
        patterns: &[Option<Pattern>],
    ) -> Option<()> {
        removed
            .iter()
            .for_each(|(slot, old)| self.remove(*slot, old));
        self.n_removed += removed.len();
        if self.n_removed > self.places.len() + 1024 {
            return None;
        }
        for slot in added {
            let pattern = patterns[*slot].as_ref()?;
            if !self.has_common(pattern) {
                return None;
            }
            self.insert(*slot, pattern);
        }
        Some(())
    }

    /// What is taken off the highest word of a key: what is left of it is the number of its cell of the root, and
    /// [`Self::root_shift`] more bits. A larger number has no cell.
    #[must_use]
    pub fn root_base(&self) -> u64 {
        self.common
    }

    /// By how much that is shifted to the right.
    #[must_use]
    pub fn root_shift(&self) -> u32 {
        64 - self.n_common - self.root_bits
    }

    /// The place of the longest prefix of a key; 0 for none.
    #[must_use]
    pub fn lookup(&self, key: &[u64]) -> u64 {
        let number = highest(key).wrapping_sub(self.common) >> self.root_shift();
        if number >> self.root_bits != 0 {
            return 0;
        }
        let mut cell = self.cells[number as usize];
        let mut depth = self.n_common + self.root_bits;
        while cell & Self::NODE != 0 {
            let node = (cell & !Self::NODE) as usize;
            cell = self.cells[node + bits(key, depth, Self::NODE_BITS)];
            depth += Self::NODE_BITS;
        }
        u64::from(cell)
    }

    fn insert(&mut self, slot: usize, pattern: &Pattern) {
        let (place, len) = (place_of(slot), pattern.prefix_bits);
        let (index, at) = (place as usize, len as usize);
        if self.lens.len() <= index {
            self.lens.resize(index + 1, 0);
        }
        self.lens[index] = len;
        if self.n_of_len.len() <= at {
            self.n_of_len.resize(at + 1, 0);
        }
        self.n_of_len[at] += 1;
        self.places.insert((len, pattern.value.clone()), place);
        let (first, n_cells) = self.cells_of(&pattern.value, len);
        self.cover(first, n_cells, place);
    }

    fn remove(&mut self, slot: usize, pattern: &Pattern) {
        let (place, len) = (place_of(slot), pattern.prefix_bits);
        self.n_of_len[len as usize] -= 1;
        self.places.remove(&(len, pattern.value.clone()));
        let instead = self.next_shorter(&pattern.value, len);
        let (first, n_cells) = self.cells_of(&pattern.value, len);
        self.uncover(first, n_cells, place, instead);
    }

    /// The place of the longest prefix of a value that is shorter than `len`; 0 for none.
    fn next_shorter(&self, value: &[u64], len: u32) -> u32 {
        let lens = (0..len).rev();
        let mut used = lens.filter(|len| self.n_of_len[*len as usize] > 0);
        let found = used.find_map(|len| self.places.get(&(len, first_bits(value, len))));
        found.copied().unwrap_or(0)
    }

    /// The cells that a prefix covers, of the root or of the node that tells its last bit apart; nodes
    /// that are missing on the way are made.
    fn cells_of(&mut self, value: &[u64], len: u32) -> (usize, usize) {
        let mut number = bits(value, self.n_common, self.root_bits);
        let mut end = self.n_common + self.root_bits;
        while end < len {
            let cell = self.cells[number];
            let node = if cell & Self::NODE != 0 {
                (cell & !Self::NODE) as usize
            } else {
                let node = self.cells.len();
                self.cells.resize(node + (1 << Self::NODE_BITS), cell);
                let leads = u32::try_from(node).expect("entries are bounded");
                self.cells[number] = Self::NODE | leads;
                node
            };
            number = node + bits(value, end, Self::NODE_BITS);
            end += Self::NODE_BITS;
        }
        (number, 1 << (end - len))
    }

    /// Puts a place into cells, and into those below them, where no longer prefix is.
    fn cover(&mut self, first: usize, n_cells: usize, place: u32) {
        for number in first..first + n_cells {
            let cell = self.cells[number];
            if cell & Self::NODE != 0 {
                let node = (cell & !Self::NODE) as usize;
                self.cover(node, 1 << Self::NODE_BITS, place);
            } else if cell == 0 || self.lens[cell as usize] <= self.lens[place as usize] {
                self.cells[number] = place;
            }
        }
    }

    /// Puts another place into cells that hold one, and into those below them.
    fn uncover(&mut self, first: usize, n_cells: usize, place: u32, instead: u32) {
        for number in first..first + n_cells {
            let cell = self.cells[number];
            if cell & Self::NODE != 0 {
                let node = (cell & !Self::NODE) as usize;
                self.uncover(node, 1 << Self::NODE_BITS, place, instead);
            } else if cell == place {
                self.cells[number] = instead;
            }
        }
    }
}

/// The highest word of a key.
fn highest(key: &[u64]) -> u64 {
    key.last().copied().unwrap_or(0)
}

/// So many bits of a key, from the highest on; they do not cross a word.
fn bits(key: &[u64], from: u32, n_bits: u32) -> usize {
    let word = key.len().checked_sub(1 + (from / 64) as usize);
    let word = word.and_then(|word| key.get(word)).copied().unwrap_or(0);
    let shift = 64 - from % 64 - n_bits;
    (word >> shift) as usize & ((1 << n_bits) - 1)
}

/// A value with zeros behind its first bits.
fn first_bits(value: &[u64], len: u32) -> Box<[u64]> {
    let below = value.len() as u32 * 64 - len;
    let words = value.iter().zip(0u32..);
    let kept = words.map(
        |(word, position)| match below.saturating_sub(position * 64) {
            cleared @ 0..64 => word >> cleared << cleared,
            _ => 0,
        },
    );
    kept.collect()
}
