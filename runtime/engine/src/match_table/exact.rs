//! Exact tables: one flat hash table with open addressing.
//!
//! A bucket is the words of a key, a place, 0 if it is empty, and words that belong to the entry and mean something
//! to whoever wanted them. Buckets are a power of two, at least
//! half of them empty; one that is taken leads to the next. Compiled code looks up by itself what is said
//! here: [`ExactTable::MULTIPLIER`], [`ExactTable::hash`].

use super::key::Pattern;
use super::place_of;

/// A hash table of keys.
#[derive(Clone, Debug)]
pub struct ExactTable {
    n_words: usize,
    n_data: usize,
    buckets: Vec<u64>,
    /// 64 less the bits of a bucket's number.
    shift: u32,
    n_entries: usize,
}

/// There are never fewer buckets than 2 to the power of this.
const MIN_BITS: u32 = 3;

impl ExactTable {
    /// What hashing multiplies by: 2^64 divided by the golden ratio, made odd.
    pub const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

    pub(super) fn new(n_words: usize, n_data: usize, n_entries: usize) -> Self {
        let mut table = Self {
            n_words,
            n_data,
            buckets: Vec::new(),
            shift: 64 - MIN_BITS,
            n_entries: 0,
        };
        table.make_room(n_entries);
        table
    }

    /// Empties it, with room for so many entries.
    fn make_room(&mut self, n_entries: usize) {
        let bits = (n_entries * 2).next_power_of_two().ilog2().max(MIN_BITS);
        self.shift = 64 - bits;
        self.n_entries = 0;
        self.buckets.clear();
        self.buckets.resize(self.stride() << bits, 0);
    }

    pub(super) fn fill(&mut self, patterns: &[Option<Pattern>]) {
        self.make_room(patterns.iter().flatten().count());
        for (slot, pattern) in patterns.iter().enumerate() {
            if let Some(pattern) = pattern {
                self.insert(&pattern.value, place_of(slot));
            }
        }
    }

    /// Follows entries that went and came; nothing if there is no room for them.
    pub(super) fn follow(
        &mut self,
        removed: &[(usize, Pattern)],
        added: &[usize],
        patterns: &[Option<Pattern>],
    ) -> Option<()> {
        removed.iter().for_each(|(_, old)| self.remove(&old.value));
        if (self.n_entries + added.len()) * 2 > self.n_buckets() {
            return None;
        }
        for slot in added {
            self.insert(&patterns[*slot].as_ref()?.value, place_of(*slot));
        }
        Some(())
    }

    /// Words of a bucket.
    fn stride(&self) -> usize {
        self.n_words + 1 + self.n_data
    }

    /// The words that belong to the entry with this key.
    pub(super) fn data_mut(&mut self, key: &[u64]) -> &mut [u64] {
        let (number, stride) = (self.find(key), self.stride());
        &mut self.buckets[number * stride..][..stride][self.n_words + 1..]
    }

    fn n_buckets(&self) -> usize {
        1 << (64 - self.shift)
    }

    /// The hash of a key; its highest bits are the number of the bucket.
    #[must_use]
    pub fn hash(key: &[u64]) -> u64 {
        key.iter().fold(0u64, |hash, word| {
            (hash.rotate_left(32) ^ word).wrapping_mul(Self::MULTIPLIER)
        })
    }

    /// The buckets one after the other: the words of a key, its place, and what belongs to it.
    #[must_use]
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// By how much a hash is shifted to the right to get the number of a bucket.
    #[must_use]
    pub fn shift(&self) -> u32 {
        self.shift
    }

    fn bucket(&self, number: usize) -> &[u64] {
        let stride = self.stride();
        &self.buckets[number * stride..][..stride]
    }

    fn home(&self, key: &[u64]) -> usize {
        (Self::hash(key) >> self.shift) as usize
    }

    /// The number of the bucket with the key, or of the empty one where it would be.
    fn find(&self, key: &[u64]) -> usize {
        let mask = self.n_buckets() - 1;
        let mut number = self.home(key);
        loop {
            let bucket = self.bucket(number);
            if bucket[self.n_words] == 0 || bucket[..self.n_words] == *key {
                return number;
            }
            number = (number + 1) & mask;
        }
    }

    /// The place of a key; 0 for none.
    #[must_use]
    pub fn lookup(&self, key: &[u64]) -> u64 {
        self.bucket(self.find(key))[self.n_words]
    }

    fn insert(&mut self, key: &[u64], place: u32) {
        let number = self.find(key);
        let stride = self.stride();
        let bucket = &mut self.buckets[number * stride..][..stride];
        bucket[..self.n_words].copy_from_slice(key);
        bucket[self.n_words] = u64::from(place);
        self.n_entries += 1;
    }

    /// Empties the bucket of a key; those behind it that it had pushed on move up.
    fn remove(&mut self, key: &[u64]) {
        let mut hole = self.find(key);
        if self.bucket(hole)[self.n_words] == 0 {
            return;
        }
        self.n_entries -= 1;
        let mask = self.n_buckets() - 1;
        let stride = self.stride();
        let mut number = hole;
        loop {
            number = (number + 1) & mask;
            let bucket = self.bucket(number);
            if bucket[self.n_words] == 0 {
                break;
            }
            let home = self.home(&bucket[..self.n_words]);
            // It may move up if its home is not behind the hole.
            if number.wrapping_sub(home) & mask >= number.wrapping_sub(hole) & mask {
                let from = number * stride;
                self.buckets.copy_within(from..from + stride, hole * stride);
                hole = number;
            }
        }
        self.buckets[hole * stride..][..stride].fill(0);
    }
}
