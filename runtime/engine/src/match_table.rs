//! What a table's entries are looked up in, derived from the State and good for one [`Stamp`].
//!
//! A key is a string of words: each part of the key takes ceil(width / 64) of them, the lowest first,
//! as in [`crate::WordLayout`]. Every entry is a value under a mask, and bounds for parts that are
//! compared as ranges. Entries have a *rank*, the order in which they win: by priority where the table
//! has priorities, else by prefix length, then by slot.
//!
//! Few entries are tried in order of rank. Many are put in groups of one mask each, a hash map a
//! group, searched from the group with the best rank on, until no later group can win: an exact table
//! is one group, a prefix table one group a prefix length, so that the cost of a lookup grows with the
//! number of different masks, not of entries.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use p4rmt_ir::{Bits, Gress, Match, Table};

use crate::entries::has_priorities;
use crate::{InstalledEntry, Stamp, TableEntries, WordLayout};

/// Entries of a table, arranged for lookup.
#[derive(Clone, Debug)]
pub struct MatchTable {
    stamp: Stamp,
    search: Search,
}

/// An entry that a lookup found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its slot.
    pub slot: usize,
    /// How many entries of the table win against it.
    pub rank: usize,
}

#[derive(Clone, Debug)]
enum Search {
    InOrder(Vec<(Box<[u64]>, Pattern)>),
    ByMask(Vec<Group>),
}

/// The entries of one mask.
#[derive(Clone, Debug)]
struct Group {
    mask: Box<[u64]>,
    best_rank: usize,
    entries: HashMap<Box<[u64]>, Vec<Pattern>, BuildHasherDefault<WordHasher>>,
}

/// An entry without its mask.
#[derive(Clone, Debug)]
struct Pattern {
    value: Box<[u64]>,
    ranges: Vec<Range>,
    hit: Hit,
}

/// Bounds of a part of the key.
#[derive(Clone, Debug)]
struct Range {
    first_word: usize,
    lo: Box<[u64]>,
    hi: Box<[u64]>,
}

/// Up to this many entries are tried in order.
const FEW: usize = 8;

/// Keys of up to this many words are masked without allocation.
const SHORT_KEY: usize = 16;

impl MatchTable {
    /// Arranges the entries of a table.
    #[must_use]
    pub fn new(gress: &Gress, table: &Table, entries: &TableEntries) -> Self {
        let widths: Vec<u32> = table.keys.iter().map(|key| key.expr.width(gress)).collect();
        let mut ordered: Vec<(usize, &InstalledEntry)> = entries.iter().collect();
        if has_priorities(table) {
            ordered.sort_by_key(|(slot, entry)| (Reverse(entry.priority), *slot));
        } else {
            ordered.sort_by_key(|(slot, entry)| (Reverse(prefix_len(entry)), *slot));
        }
        let patterns = ordered
            .into_iter()
            .enumerate()
            .map(|(rank, (slot, entry))| {
                let hit = Hit { slot, rank };
                pattern(&widths, entry, hit)
            });
        let search = if entries.len() <= FEW {
            Search::InOrder(patterns.collect())
        } else {
            Search::ByMask(group(patterns))
        };
        Self {
            stamp: entries.stamp(),
            search,
        }
    }

    /// Whether it shows what the table holds.
    #[must_use]
    pub fn is_current(&self, entries: &TableEntries) -> bool {
        self.stamp == entries.stamp()
    }

    /// The entry that wins for a key, which has the words of all parts of the table's key.
    #[must_use]
    pub fn lookup(&self, key: &[u64]) -> Option<Hit> {
        match &self.search {
            Search::InOrder(patterns) => patterns.iter().find_map(|(mask, pattern)| {
                let words = key.iter().zip(mask).zip(&pattern.value);
                let is_equal = words
                    .into_iter()
                    .all(|((key, mask), value)| key & mask == *value);
                (is_equal && pattern.is_in_ranges(key)).then_some(pattern.hit)
            }),
            Search::ByMask(groups) => {
                let mut short = [0; SHORT_KEY];
                let mut long = Vec::new();
                let masked = match short.get_mut(..key.len()) {
                    Some(masked) => masked,
                    None => {
                        long.resize(key.len(), 0);
                        &mut long[..]
                    }
                };
                let mut best: Option<Hit> = None;
                for group in groups {
                    if best.is_some_and(|best| best.rank < group.best_rank) {
                        break;
                    }
                    for ((masked, key), mask) in masked.iter_mut().zip(key).zip(&group.mask) {
                        *masked = key & mask;
                    }
                    let found = group.entries.get(&*masked).and_then(|patterns| {
                        let found = patterns.iter().find(|pattern| pattern.is_in_ranges(key))?;
                        Some(found.hit)
                    });
                    best = match (best, found) {
                        (Some(best), Some(found)) if best.rank < found.rank => Some(best),
                        (best, found) => found.or(best),
                    };
                }
                best
            }
        }
    }
}

impl Pattern {
    fn is_in_ranges(&self, key: &[u64]) -> bool {
        self.ranges.iter().all(|range| {
            let key = &key[range.first_word..][..range.lo.len()];
            let at_least = range.lo.iter().rev().le(key.iter().rev());
            at_least && key.iter().rev().le(range.hi.iter().rev())
        })
    }
}

/// Groups entries that come in order of rank by their masks, the best first.
fn group(patterns: impl Iterator<Item = (Box<[u64]>, Pattern)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of: HashMap<Box<[u64]>, usize> = HashMap::new();
    for (mask, pattern) in patterns {
        let position = *group_of.entry(mask).or_insert_with_key(|mask| {
            groups.push(Group {
                mask: mask.clone(),
                best_rank: pattern.hit.rank,
                entries: HashMap::default(),
            });
            groups.len() - 1
        });
        let same_value = groups[position].entries.entry(pattern.value.clone());
        same_value.or_default().push(pattern);
    }
    groups
}

/// The length of the prefix of an entry, 0 where its table has no prefix.
fn prefix_len(entry: &InstalledEntry) -> u32 {
    let lens = entry.matches.iter().map(|wanted| match wanted {
        Match::Lpm { prefix_len, .. } => *prefix_len,
        Match::Exact(_) | Match::Ternary { .. } | Match::Range { .. } | Match::Any => 0,
    });
    lens.max().unwrap_or(0)
}

/// The entry as words: mask, and value with bounds.
fn pattern(widths: &[u32], entry: &InstalledEntry, hit: Hit) -> (Box<[u64]>, Pattern) {
    let (mut value_words, mut mask_words, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
    for (wanted, width) in entry.matches.iter().zip(widths) {
        let (value, mask) = match wanted {
            Match::Exact(value) => (value.clone(), Bits::ones(*width)),
            Match::Ternary { value, mask } => (value.clone(), mask.clone()),
            Match::Lpm { value, prefix_len } => {
                (value.clone(), Bits::prefix_mask(*width, *prefix_len))
            }
            Match::Any => (Bits::zero(*width), Bits::zero(*width)),
            Match::Range { lo, hi } => {
                ranges.push(Range {
                    first_word: value_words.len(),
                    lo: words(lo),
                    hi: words(hi),
                });
                (Bits::zero(*width), Bits::zero(*width))
            }
        };
        WordLayout::push(&mut value_words, &value);
        WordLayout::push(&mut mask_words, &mask);
    }
    let pattern = Pattern {
        value: value_words.into(),
        ranges,
        hit,
    };
    (mask_words.into(), pattern)
}

fn words(value: &Bits) -> Box<[u64]> {
    let mut words = Vec::new();
    WordLayout::push(&mut words, value);
    words.into()
}

/// Hashes words by multiplication and folding: keys are chosen by the control plane, which is
/// trusted not to attack its own tables.
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
        let product = u128::from(self.0 ^ word ^ 0xf39c_c060_5ced_c835) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn write_usize(&mut self, length: usize) {
        self.write_u64(length as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
