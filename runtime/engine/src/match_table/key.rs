//! What is looked up: the parts of a key as one number, and an entry in the same form.
//!
//! The parts that are compared bit by bit follow each other without gaps, so that a key of several short
//! fields is one word. Exact parts stand before a prefix, whose end is filled with zeros to a whole word: an
//! entry is then a prefix of the whole. Parts that are compared as ranges have words of their own above.

use std::borrow::Cow;

use p4rmt_ir::{Bits, Gress, Match, MatchKind, Table};

use crate::InstalledEntry;
use crate::entries::has_priorities;

/// How the key of a table lies in words, the lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLayout {
    kind: TableKind,
    pieces: Vec<KeyPiece>,
    /// By part: its width, and its lowest bit among all; none for one that is not looked up.
    parts: Vec<(u32, Option<u32>)>,
    n_words: usize,
    has_ranges: bool,
    has_priorities: bool,
    max_entries: u64,
}

/// A piece of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPiece {
    /// A part of the table's key, by position.
    Part(usize),
    /// So many zeros.
    Zeros(u32),
}

/// Which structure a table needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// Only exact parts.
    Exact,
    /// A prefix, and perhaps exact parts.
    Prefix,
    /// Anything else.
    Ternary,
}

/// An entry as it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Zero where the mask is.
    pub(super) value: Box<[u64]>,
    pub(super) mask: Box<[u64]>,
    pub(super) ranges: Vec<Range>,
    /// The stronger wins: the priority, where the table has priorities, else the length of its prefix.
    pub(super) strength: u32,
    /// Bits of the mask of a prefix table: they are the highest.
    pub(super) prefix_bits: u32,
}

/// Bounds of a part of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first_word: usize,
    pub(super) lo: Box<[u64]>,
    pub(super) hi: Box<[u64]>,
}

impl KeyLayout {
    /// The layout of a table's key.
    #[must_use]
    pub fn new(gress: &Gress, table: &Table) -> Self {
        let widths: Vec<u32> = table.keys.iter().map(|key| key.expr.width(gress)).collect();
        let of_kind = |wanted: &[MatchKind]| -> Vec<usize> {
            let keys = table.keys.iter().enumerate();
            let found = keys.filter(|(_, key)| wanted.contains(&key.kind));
            found.map(|(position, _)| position).collect()
        };
        let prefixes = of_kind(&[MatchKind::Lpm]);
        let has_priorities = has_priorities(table);
        let kind = match prefixes.len() {
            0 if !has_priorities => TableKind::Exact,
            1 if !has_priorities => TableKind::Prefix,
            _ => TableKind::Ternary,
        };
        let mut in_order = of_kind(&[MatchKind::Exact, MatchKind::Ternary, MatchKind::Optional]);
        in_order.extend(prefixes);
        let n_bits: u32 = in_order.iter().map(|part| widths[*part]).sum();
        let fill = n_bits.next_multiple_of(64) - n_bits;
        let mut pieces = Vec::new();
        for range in of_kind(&[MatchKind::Range]) {
            let width = widths[range];
            pieces.push(KeyPiece::Zeros(width.next_multiple_of(64) - width));
            pieces.push(KeyPiece::Part(range));
        }
        if kind != TableKind::Prefix {
            pieces.push(KeyPiece::Zeros(fill));
        }
        pieces.extend(in_order.into_iter().map(KeyPiece::Part));
        if kind == TableKind::Prefix {
            pieces.push(KeyPiece::Zeros(fill));
        }
        pieces.retain(|piece| *piece != KeyPiece::Zeros(0));
        let mut parts: Vec<(u32, Option<u32>)> =
            widths.iter().map(|width| (*width, None)).collect();
        let mut bit = 0;
        for piece in pieces.iter().rev() {
            match piece {
                KeyPiece::Part(part) => {
                    parts[*part].1 = Some(bit);
                    bit += widths[*part];
                }
                KeyPiece::Zeros(width) => bit += width,
            }
        }
        Self {
            kind,
            pieces,
            parts,
            n_words: (bit / 64) as usize,
            has_ranges: table.keys.iter().any(|key| key.kind == MatchKind::Range),
            has_priorities,
            max_entries: crate::entries::capacity(table),
        }
    }

    /// Which structure the table needs.
    #[must_use]
    pub fn kind(&self) -> TableKind {
        self.kind
    }

    /// What a key is made of, its highest bits first: a multiple of 64 bits.
    #[must_use]
    pub fn pieces(&self) -> &[KeyPiece] {
        &self.pieces
    }

    /// Words of a key.
    #[must_use]
    pub fn n_words(&self) -> usize {
        self.n_words
    }

    /// Bytes of a key, from the lowest, behind which it is all zeros; none where a part is a range, which lies above.
    #[must_use]
    pub fn n_bytes(&self) -> Option<usize> {
        let zeros = match self.pieces.first() {
            Some(KeyPiece::Zeros(width)) => *width,
            Some(KeyPiece::Part(_)) | None => 0,
        };
        let n_bits = self.n_words as u32 * 64 - zeros;
        (!self.has_ranges).then(|| n_bits.div_ceil(8) as usize)
    }

    /// How many entries there can be.
    #[must_use]
    pub fn max_entries(&self) -> u64 {
        self.max_entries
    }

    /// The words of a key, of whose parts `value` gives the values.
    pub fn key<'v>(&self, words: &mut Vec<u64>, value: impl Fn(usize) -> Cow<'v, Bits>) {
        words.clear();
        words.resize(self.n_words, 0);
        for (part, (_, bit)) in self.parts.iter().enumerate() {
            if let Some(bit) = bit {
                put(words, *bit, &value(part));
            }
        }
    }

    /// The entry as it is looked up.
    pub(super) fn pattern(&self, entry: &InstalledEntry) -> Pattern {
        let mut value_words = vec![0; self.n_words];
        let mut mask_words = vec![0; self.n_words];
        let mut ranges = Vec::new();
        let (mut prefix_len, mut prefix_bits) = (0, 0);
        for (wanted, (width, bit)) in entry.matches.iter().zip(&self.parts) {
            let Some(bit) = *bit else { continue };
            let (value, mask) = match wanted {
                Match::Exact(value) => {
                    prefix_bits += width;
                    (value, Bits::ones(*width))
                }
                Match::Ternary { value, mask } => (value, mask.clone()),
                Match::Lpm {
                    value,
                    prefix_len: len,
                } => {
                    prefix_bits += len;
                    prefix_len = prefix_len.max(*len);
                    (value, Bits::prefix_mask(*width, *len))
                }
                Match::Range { lo, hi } => {
                    let words = |value: &Bits| {
                        let mut words = vec![0; width.div_ceil(64) as usize];
                        put(&mut words, 0, value);
                        words.into()
                    };
                    ranges.push(Range {
                        first_word: (bit / 64) as usize,
                        lo: words(lo),
                        hi: words(hi),
                    });
                    continue;
                }
                Match::Any => continue,
            };
            put(&mut value_words, bit, value);
            put(&mut mask_words, bit, &mask);
        }
        Pattern {
            value: value_words.into(),
            mask: mask_words.into(),
            ranges,
            strength: if self.has_priorities {
                entry.priority
            } else {
                prefix_len
            },
            prefix_bits,
        }
    }
}

/// Puts a value into words that are zero there.
fn put(words: &mut [u64], bit: u32, value: &Bits) {
    for lo in (0..value.width()).step_by(64) {
        let part = match value.width() {
            0..=64 => value.low_u64(),
            _ => value.slice(lo + 63, lo).low_u64(),
        };
        let (word, shift) = (((bit + lo) / 64) as usize, (bit + lo) % 64);
        words[word] |= part << shift;
        if shift > 0
            && let Some(above) = words.get_mut(word + 1)
        {
            *above |= part >> (64 - shift);
        }
    }
}

impl Pattern {
    /// Whether a key matches.
    pub(super) fn matches(&self, key: &[u64]) -> bool {
        let words = key.iter().zip(&self.mask).zip(&self.value);
        let mut words = words.into_iter();
        words.all(|((key, mask), value)| key & mask == *value) && self.is_in_ranges(key)
    }

    /// Whether the parts of a key that are compared as ranges are within their bounds.
    pub(super) fn is_in_ranges(&self, key: &[u64]) -> bool {
        self.ranges.iter().all(|range| {
            let key = &key[range.first_word..][..range.lo.len()];
            let at_least = range.lo.iter().rev().le(key.iter().rev());
            at_least && key.iter().rev().le(range.hi.iter().rev())
        })
    }
}
