//! Tables whose entries compete: ternary, range and optional keys.
//!
//! * A handful of entries is tried in order.
//! * Up to some thousands, each value of each byte of the key has a bit vector of the entries that it
//!   does not rule out, in order of rank (T. V. Lakshman and D. Stiliadis, "High-speed policy-based packet
//!   forwarding using efficient multi-dimensional range matching", SIGCOMM 1998, with bytes in place of fields). The
//!   conjunction of one vector a byte leaves the entries that match; the first counts. A range rules out by
//!   its highest bytes only, so that entries with ranges are looked at again.
//! * More than that are put in groups of one mask each, a hash map a group, searched from the group with
//!   the strongest entry on until no later group can win (tuple space search).

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::exact::ExactTable;
use super::key::Pattern;
use super::place_of;

/// Entries that compete.
#[derive(Clone, Debug)]
pub struct TernaryTable {
    n_words: usize,
    /// The strongest entry first, unless they are in groups.
    ranked: Vec<Order>,
    n_entries: usize,
    search: Search,
}

#[derive(Clone, Debug)]
enum Search {
    InOrder,
    Vectors(BitVectors),
    Groups(Vec<Group>),
}

/// The order in which entries win: strength, then slot.
type Order = (Reverse<u32>, usize);

/// Up to this many entries are tried in order.
const FEW: usize = 16;
/// Up to this many entries have bit vectors.
const MANY: usize = 4096;

/// By byte of the key and value: a bit vector of the entries that the value does not rule out.
#[derive(Clone, Debug)]
struct BitVectors {
    /// The bytes of the key that any entry looks at.
    bytes: Vec<u32>,
    /// By position in `bytes`, then by value: its vector.
    lines: Vec<Line>,
    /// Lines of a vector.
    n_lines: usize,
}

/// Bits of 512 entries: one line of a processor's cache.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line([u64; 8]);

const LINE_BITS: usize = 512;

/// The entries of one mask.
#[derive(Clone, Debug)]
struct Group {
    mask: Box<[u64]>,
    best: Order,
    /// By masked value, the strongest first.
    entries: HashMap<Box<[u64]>, Vec<Order>, BuildHasherDefault<WordHasher>>,
}

/// Keys of up to this many words are masked without allocation.
const SHORT_KEY: usize = 16;

impl TernaryTable {
    pub(super) fn new(n_words: usize) -> Self {
        Self {
            n_words,
            ranked: Vec::new(),
            n_entries: 0,
            search: Search::InOrder,
        }
    }

    pub(super) fn fill(&mut self, patterns: &[Option<Pattern>]) {
        let entries = patterns.iter().enumerate();
        let entries = entries.filter_map(|(slot, pattern)| Some((slot, pattern.as_ref()?)));
        let mut entries: Vec<(Order, &Pattern)> = entries
            .map(|(slot, pattern)| (order(slot, pattern), pattern))
            .collect();
        entries.sort_unstable_by_key(|(order, _)| *order);
        self.n_entries = entries.len();
        self.ranked = entries.iter().map(|(order, _)| *order).collect();
        self.search = match entries.len() {
            0..=FEW => Search::InOrder,
            n_entries @ ..=MANY => {
                let mut vectors = BitVectors::new(n_entries + n_entries / 4);
                for (rank, (_, pattern)) in entries.iter().enumerate() {
                    vectors.look_at_bytes_of(pattern, rank);
                    vectors.set(rank, pattern);
                }
                Search::Vectors(vectors)
            }
            _ => {
                self.ranked.clear();
                let mut groups = Vec::new();
                let mut group_of = HashMap::new();
                for (order, pattern) in entries {
                    let at = *group_of.entry(&pattern.mask).or_insert_with(|| {
                        groups.push(Group::new(pattern, order));
                        groups.len() - 1
                    });
                    groups[at].insert(order, pattern);
                }
                Search::Groups(groups)
            }
        };
    }

    /// Follows entries that went and came; nothing if another structure suits them.
    pub(super) fn follow(
        &mut self,
        removed: &[(usize, Pattern)],
        added: &[usize],
        patterns: &[Option<Pattern>],
    ) -> Option<()> {
        self.n_entries = self.n_entries + added.len() - removed.len();
        let suits = match &self.search {
            Search::InOrder => self.n_entries <= FEW,
            Search::Vectors(vectors) => {
                let most = vectors.n_lines * LINE_BITS;
                (FEW / 2..=most).contains(&self.n_entries)
            }
            Search::Groups(_) => self.n_entries > MANY / 2,
        };
        if !suits {
            return None;
        }
        for (slot, old) in removed {
            self.remove(order(*slot, old), old);
        }
        for slot in added {
            let new = patterns[*slot].as_ref()?;
            self.insert(order(*slot, new), new);
        }
        Some(())
    }

    /// The slots of at most so many entries, the strongest first.
    pub(super) fn in_order(&self, most: usize) -> Option<impl Iterator<Item = usize>> {
        let is_ranked = !matches!(self.search, Search::Groups(_)) && self.n_entries <= most;
        is_ranked.then(|| self.ranked.iter().map(|(_, slot)| *slot))
    }

    fn insert(&mut self, order: Order, pattern: &Pattern) {
        if let Search::Groups(groups) = &mut self.search {
            match groups.iter_mut().find(|group| group.mask == pattern.mask) {
                Some(group) => group.insert(order, pattern),
                None => {
                    let mut group = Group::new(pattern, order);
                    group.insert(order, pattern);
                    groups.push(group);
                }
            }
            return groups.sort_by_key(|group| group.best);
        }
        let rank = self.ranked.partition_point(|other| *other < order);
        if let Search::Vectors(vectors) = &mut self.search {
            vectors.look_at_bytes_of(pattern, self.ranked.len());
            vectors.insert(rank);
            vectors.set(rank, pattern);
        }
        self.ranked.insert(rank, order);
    }

    fn remove(&mut self, order: Order, pattern: &Pattern) {
        if let Search::Groups(groups) = &mut self.search {
            if let Some(group) = groups.iter_mut().find(|group| group.mask == pattern.mask) {
                group.remove(order, pattern);
            }
            groups.retain(|group| !group.entries.is_empty());
            return groups.sort_by_key(|group| group.best);
        }
        let rank = self.ranked.partition_point(|other| *other < order);
        self.ranked.remove(rank);
        if let Search::Vectors(vectors) = &mut self.search {
            vectors.remove(rank);
        }
    }

    /// The place of the entry that wins for a key; 0 for none.
    pub(super) fn lookup(&self, key: &[u64], patterns: &[Option<Pattern>]) -> u64 {
        let found = match &self.search {
            Search::InOrder => self.ranked.iter().find(|(_, slot)| {
                let pattern = patterns[*slot].as_ref();
                pattern.is_some_and(|pattern| pattern.matches(key))
            }),
            Search::Vectors(vectors) => self.look_up_vectors(vectors, key, patterns),
            Search::Groups(groups) => self.look_up_groups(groups, key, patterns),
        };
        found.map_or(0, |(_, slot)| u64::from(place_of(*slot)))
    }

    fn look_up_vectors(
        &self,
        vectors: &BitVectors,
        key: &[u64],
        patterns: &[Option<Pattern>],
    ) -> Option<&Order> {
        if self.ranked.len() <= 64 {
            let mut bits = vectors.first_word(key);
            while bits != 0 {
                let order = self.ranked.get(bits.trailing_zeros() as usize)?;
                if is_in_ranges(patterns, order, key) {
                    return Some(order);
                }
                bits &= bits - 1;
            }
            return None;
        }
        for line in 0..vectors.n_lines {
            let left = vectors.conjunction(key, line);
            for (word, mut bits) in left.0.into_iter().enumerate() {
                while bits != 0 {
                    let rank = line * LINE_BITS + word * 64 + bits.trailing_zeros() as usize;
                    let order = self.ranked.get(rank)?;
                    if is_in_ranges(patterns, order, key) {
                        return Some(order);
                    }
                    bits &= bits - 1;
                }
            }
        }
        None
    }

    fn look_up_groups<'g>(
        &self,
        groups: &'g [Group],
        key: &[u64],
        patterns: &[Option<Pattern>],
    ) -> Option<&'g Order> {
        let mut short = [0; SHORT_KEY];
        let mut long = Vec::new();
        let masked = match short.get_mut(..self.n_words) {
            Some(masked) => masked,
            None => {
                long.resize(self.n_words, 0);
                &mut long[..]
            }
        };
        let mut best: Option<&Order> = None;
        for group in groups {
            if best.is_some_and(|best| *best < group.best) {
                break;
            }
            for ((masked, key), mask) in masked.iter_mut().zip(key).zip(&group.mask) {
                *masked = key & mask;
            }
            let found = group.entries.get(&*masked).and_then(|orders| {
                let mut orders = orders.iter();
                orders.find(|order| is_in_ranges(patterns, order, key))
            });
            best = best.into_iter().chain(found).min();
        }
        best
    }
}

fn order(slot: usize, pattern: &Pattern) -> Order {
    (Reverse(pattern.strength), slot)
}

fn is_in_ranges(patterns: &[Option<Pattern>], (_, slot): &Order, key: &[u64]) -> bool {
    let pattern = patterns[*slot].as_ref();
    pattern.is_some_and(|pattern| pattern.is_in_ranges(key))
}

impl Group {
    fn new(pattern: &Pattern, best: Order) -> Self {
        Self {
            mask: pattern.mask.clone(),
            best,
            entries: HashMap::default(),
        }
    }

    fn insert(&mut self, order: Order, pattern: &Pattern) {
        self.best = self.best.min(order);
        let orders = self.entries.entry(pattern.value.clone()).or_default();
        let at = orders.partition_point(|other| *other < order);
        orders.insert(at, order);
    }

    fn remove(&mut self, order: Order, pattern: &Pattern) {
        if let Some(orders) = self.entries.get_mut(&pattern.value) {
            orders.retain(|other| *other != order);
            if orders.is_empty() {
                self.entries.remove(&pattern.value);
            }
        }
        let firsts = self.entries.values().filter_map(|orders| orders.first());
        self.best = firsts.min().copied().unwrap_or(order);
    }
}

impl BitVectors {
    /// Vectors of bytes that are still to come, with room for so many entries.
    fn new(n_entries: usize) -> Self {
        Self {
            bytes: Vec::new(),
            lines: Vec::new(),
            n_lines: n_entries.div_ceil(LINE_BITS).max(1),
        }
    }

    /// Looks at each byte that an entry looks at; those before it, so many, did not look at new ones.
    fn look_at_bytes_of(&mut self, pattern: &Pattern, n_before: usize) {
        let masked = pattern.mask.iter().enumerate().flat_map(|(word, mask)| {
            let bytes = mask.to_le_bytes().into_iter().zip(word as u32 * 8..);
            bytes.filter_map(|(mask, byte)| (mask != 0).then_some(byte))
        });
        let ranged = pattern.ranges.iter().flat_map(|range| {
            let first = range.first_word as u32 * 8;
            first..first + range.lo.len() as u32 * 8
        });
        for byte in masked.chain(ranged) {
            if self.bytes.contains(&byte) {
                continue;
            }
            self.bytes.push(byte);
            let mut all = vec![Line::default(); self.n_lines];
            (0..n_before).for_each(|rank| set_bit(&mut all, rank));
            (0..256).for_each(|_| self.lines.extend(&all));
        }
    }

    /// Puts an entry where no bit is set yet.
    fn set(&mut self, rank: usize, pattern: &Pattern) {
        for (position, byte) in self.bytes.iter().enumerate() {
            let [lo, hi, value, mask] = bounds(pattern, *byte);
            for number in 0..=255 {
                if (lo..=hi).contains(&number) && number & mask == value {
                    let first = (position * 256 + usize::from(number)) * self.n_lines;
                    set_bit(&mut self.lines[first..][..self.n_lines], rank);
                }
            }
        }
    }

    /// Makes room for an entry: those from its rank on move down.
    fn insert(&mut self, rank: usize) {
        let (word, below) = (rank / 64, (1u64 << (rank % 64)) - 1);
        for vector in self.lines.chunks_mut(self.n_lines) {
            let first = word_of(vector, word);
            let mut carry = *first >> 63;
            *first = (*first & below) | (*first & !below) << 1;
            for at in word + 1..vector.len() * 8 {
                let word = word_of(vector, at);
                (*word, carry) = (*word << 1 | carry, *word >> 63);
            }
        }
    }

    /// Takes an entry out: those behind it move up.
    fn remove(&mut self, rank: usize) {
        let (word, below) = (rank / 64, (1u64 << (rank % 64)) - 1);
        for vector in self.lines.chunks_mut(self.n_lines) {
            let mut carry = 0;
            for at in (word + 1..vector.len() * 8).rev() {
                let word = word_of(vector, at);
                (*word, carry) = (*word >> 1 | carry, *word << 63);
            }
            let first = word_of(vector, word);
            *first = (*first & below) | (*first >> 1 & !below) | carry;
        }
    }

    /// Of the first 64 entries those that no byte of a key rules out.
    fn first_word(&self, key: &[u64]) -> u64 {
        let vectors = self.lines.chunks_exact(256 * self.n_lines);
        let of_bytes = self.bytes.iter().zip(vectors);
        of_bytes.fold(u64::MAX, |left, (byte, vectors)| {
            let value = key[*byte as usize / 8] >> (byte % 8 * 8) & 0xff;
            left & vectors[value as usize * self.n_lines].0[0]
        })
    }

    /// Of 512 entries those that no byte of a key rules out.
    fn conjunction(&self, key: &[u64], line: usize) -> Line {
        let mut left = Line([u64::MAX; 8]);
        for (position, byte) in self.bytes.iter().enumerate() {
            let value = key[*byte as usize / 8] >> (byte % 8 * 8) & 0xff;
            let vector = (position * 256 + value as usize) * self.n_lines;
            let here = &self.lines[vector + line].0;
            for (left, here) in left.0.iter_mut().zip(here) {
                *left &= here;
            }
        }
        left
    }
}

/// What an entry wants of a byte of the key: its lowest and highest value, and value and mask.
fn bounds(pattern: &Pattern, byte: u32) -> [u8; 4] {
    let of = |words: &[u64], byte: u32| (words[byte as usize / 8] >> (byte % 8 * 8)) as u8;
    let range = pattern.ranges.iter().find(|range| {
        let first = range.first_word as u32 * 8;
        (first..first + range.lo.len() as u32 * 8).contains(&byte)
    });
    let Some(range) = range else {
        return [0, 255, of(&pattern.value, byte), of(&pattern.mask, byte)];
    };
    let byte = byte - range.first_word as u32 * 8;
    let n_bytes = range.lo.len() as u32 * 8;
    let is_same_above = (byte + 1..n_bytes).all(|byte| of(&range.lo, byte) == of(&range.hi, byte));
    if is_same_above {
        [of(&range.lo, byte), of(&range.hi, byte), 0, 0]
    } else {
        [0, 255, 0, 0]
    }
}

fn word_of(vector: &mut [Line], word: usize) -> &mut u64 {
    &mut vector[word / 8].0[word % 8]
}

fn set_bit(vector: &mut [Line], rank: usize) {
    *word_of(vector, rank / 64) |= 1 << (rank % 64);
}

/// Hashes words as exact tables do: keys are chosen by the control plane, which is trusted not to
/// attack its own tables.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = ExactTable::hash(&[self.0, word]);
    }

    fn write_usize(&mut self, length: usize) {
        self.write_u64(length as u64);
    }

    fn finish(&self) -> u64 {
        // A map takes the lowest bits, too, and the best are the highest.
        self.0 ^ self.0 >> 32
    }
}
