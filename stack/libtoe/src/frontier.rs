//! How far a stream has come without a gap, where its ranges come in any order: bytes that arrive, places that are
//! freed, reservations that are committed.

use std::ops::Range;

/// A front, and ranges ahead of it that wait for what is between.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frontier {
    front: u64,
    /// In order, apart from each other and from the front.
    ahead: Vec<Range<u64>>,
}

impl Frontier {
    /// All before this position is there.
    pub(crate) fn front(&self) -> u64 {
        self.front
    }

    /// Adds a range, which may overlap what is there; returns whether the front advanced.
    pub(crate) fn add(&mut self, range: Range<u64>) -> bool {
        if range.end <= self.front || range.is_empty() {
            return false;
        }
        if range.start > self.front {
            self.insert(range);
            return false;
        }
        self.front = range.end;
        let n_reached = self
            .ahead
            .partition_point(|waiting| waiting.start <= range.end);
        // Ranges that wait are apart, so only the last that was reached can end beyond the front.
        if let Some(last) = self.ahead.drain(..n_reached).next_back() {
            self.front = self.front.max(last.end);
        }
        true
    }

    fn insert(&mut self, mut range: Range<u64>) {
        let first = self
            .ahead
            .partition_point(|waiting| waiting.end < range.start);
        let end = self
            .ahead
            .partition_point(|waiting| waiting.start <= range.end);
        if let Some(touched) = self.ahead.get(first..end) {
            for waiting in touched {
                range.start = range.start.min(waiting.start);
                range.end = range.end.max(waiting.end);
            }
        }
        self.ahead.splice(first..end.max(first), [range]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a bit a byte.
        #[test]
        fn front_is_the_first_gap(ranges in proptest::collection::vec((0_u64..60, 0_u64..12), 1..40)) {
            let mut frontier = Frontier::default();
            let mut seen = [false; 100];
            for (start, len) in ranges {
                let before = frontier.front();
                let is_advanced = frontier.add(start..start + len);
                seen[start as usize..(start + len) as usize].fill(true);
                let front = seen.iter().position(|seen| !seen).unwrap_or(seen.len());
                prop_assert_eq!(frontier.front(), front as u64);
                prop_assert_eq!(is_advanced, frontier.front() > before);
                let mut last = frontier.front();
                for waiting in &frontier.ahead {
                    prop_assert!(waiting.start > last && waiting.end > waiting.start, "{:?}", frontier);
                    last = waiting.end;
                }
            }
        }
    }
}
