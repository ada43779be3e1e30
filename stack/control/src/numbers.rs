//! Numbers of connections, contexts and next hops, and buffers: given out from the lowest on, and given back.

use std::collections::{BTreeSet, VecDeque};

/// Numbers from `first` on. What is given back rests for a while before it is given out again.
#[derive(Debug)]
pub(crate) struct Numbers {
    free: BTreeSet<u32>,
    /// Those that rest, and since when.
    resting: VecDeque<(u64, u32)>,
    rest_ns: u64,
    next: u32,
    end: u32,
}

impl Numbers {
    pub(crate) fn new(first: u32, end: u32, rest_ns: u64) -> Self {
        Self {
            free: BTreeSet::new(),
            resting: VecDeque::new(),
            rest_ns,
            next: first,
            end,
        }
    }

    /// A number that is free.
    pub(crate) fn take(&mut self, now_ns: u64) -> Option<u32> {
        while let Some((since, number)) = self.resting.front().copied()
            && now_ns.saturating_sub(since) >= self.rest_ns
        {
            self.resting.pop_front();
            self.free.insert(number);
        }
        if let Some(number) = self.free.pop_first() {
            return Some(number);
        }
        let number = (self.next < self.end).then_some(self.next)?;
        self.next += 1;
        Some(number)
    }

    /// A number is free again, soon.
    pub(crate) fn give_back(&mut self, now_ns: u64, number: u32) {
        self.resting.push_back((now_ns, number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_is_given_out_and_what_is_given_back_rests() {
        let mut numbers = Numbers::new(1, 4, 10);
        assert_eq!(
            [0; 4].map(|now| numbers.take(now)),
            [Some(1), Some(2), Some(3), None]
        );
        numbers.give_back(100, 3);
        numbers.give_back(105, 2);
        assert_eq!(numbers.take(109), None);
        assert_eq!(numbers.take(110), Some(3));
        assert_eq!(numbers.take(110), None);
        numbers.give_back(115, 1);
        assert_eq!(
            numbers.take(200),
            Some(1),
            "the lowest of those that have rested"
        );
    }
}
