//! A receiver that remembers a bounded number of intervals ahead of its stream.

use std::ops::Range;

/// How many intervals ahead of the stream are remembered; none for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fidelity(pub(crate) Option<usize>);

/// Blocks of an acknowledgment: so many fit beside timestamps.
const MAX_BLOCKS: usize = 3;

/// The receiver of one flow. Positions are segments.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    fidelity: Fidelity,
    next: u32,
    /// Ahead of `next`, apart from each other, in order.
    intervals: Vec<Range<u32>>,
}

/// What it answers to a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledgment {
    /// All segments before this one have come.
    pub(crate) next: u32,
    /// Of those behind it: the one that was touched last, then others.
    pub(crate) blocks: Vec<Range<u32>>,
    /// Whether the segment was marked.
    pub(crate) is_echo: bool,
}

impl Receiver {
    pub(crate) fn new(fidelity: Fidelity) -> Self {
        Self {
            fidelity,
            next: 0,
            intervals: Vec::new(),
        }
    }

    /// A segment comes.
    pub(crate) fn take(&mut self, segment: u32, is_marked: bool) -> Acknowledgment {
        let mut touched = None;
        if segment == self.next {
            self.next += 1;
            if let Some(first) = self.intervals.first()
                && first.start == self.next
            {
                self.next = first.end;
                self.intervals.remove(0);
            }
        } else if segment > self.next {
            touched = self.remember(segment);
        }
        let mut blocks = Vec::new();
        if let Some(at) = touched {
            blocks.push(self.intervals[at].clone());
        }
        let others = self.intervals.iter().enumerate();
        let others = others.filter(|(at, _)| Some(*at) != touched);
        blocks.extend(
            others
                .map(|(_, block)| block.clone())
                .take(MAX_BLOCKS - blocks.len()),
        );
        Acknowledgment {
            next: self.next,
            blocks,
            is_echo: is_marked,
        }
    }

    /// Keeps a segment ahead of the stream, if an interval is left for it. Returns which has it.
    fn remember(&mut self, segment: u32) -> Option<usize> {
        // The first that does not lie before it.
        let at = self
            .intervals
            .partition_point(|interval| interval.end < segment);
        if let Some(interval) = self.intervals.get_mut(at)
            && interval.start <= segment + 1
        {
            interval.start = interval.start.min(segment);
            interval.end = interval.end.max(segment + 1);
            let end = interval.end;
            if let Some(behind) = self.intervals.get(at + 1)
                && behind.start == end
            {
                self.intervals[at].end = behind.end;
                self.intervals.remove(at + 1);
            }
            return Some(at);
        }
        if self
            .fidelity
            .0
            .is_some_and(|most| self.intervals.len() >= most)
        {
            return None;
        }
        self.intervals.insert(at, segment..segment + 1);
        Some(at)
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "intervals are meant")]
mod tests {
    use super::*;

    /// What is known after these segments: the next one, and all intervals.
    fn after(fidelity: Option<usize>, segments: &[u32]) -> (u32, Vec<Range<u32>>) {
        let mut receiver = Receiver::new(Fidelity(fidelity));
        for segment in segments {
            receiver.take(*segment, false);
        }
        (receiver.next, receiver.intervals)
    }

    #[test]
    fn intervals_begin_grow_meet_and_are_merged() {
        assert_eq!(after(None, &[0, 1, 3, 5, 4]), (2, vec![3..6]));
        assert_eq!(after(None, &[5, 3, 7, 6]), (0, vec![3..4, 5..8]));
        assert_eq!(after(None, &[1, 2, 0, 4]), (3, vec![4..5]));
        assert_eq!(after(None, &[2, 2, 2, 1, 1, 0, 0]), (3, vec![]));
    }

    #[test]
    fn what_finds_no_interval_is_lost() {
        assert_eq!(after(Some(0), &[1, 2, 0]), (1, vec![]));
        assert_eq!(after(Some(1), &[2, 5, 3, 1, 0]), (4, vec![]));
        assert_eq!(after(Some(2), &[2, 5, 8, 6]), (0, vec![2..3, 5..7]));
    }

    #[test]
    fn whatever_comes_in_whatever_order_is_all_there_in_the_end() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..200 {
            let fidelity = [None, Some(0), Some(1), Some(2)][random.usize(..4)];
            let mut receiver = Receiver::new(Fidelity(fidelity));
            let mut seen = std::collections::BTreeSet::new();
            while receiver.next < 20 {
                let segment = random.u32(..20);
                let answer = receiver.take(segment, false);
                seen.insert(segment);
                assert!((0..answer.next).all(|segment| seen.contains(&segment)));
                let mut blocks = answer.blocks.iter().flat_map(Clone::clone);
                assert!(blocks.all(|segment| segment > answer.next && seen.contains(&segment)));
                if fidelity.is_none() {
                    assert!(!seen.contains(&answer.next));
                }
            }
        }
    }
}
