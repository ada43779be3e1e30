//! What happens when, in emulated time: a queue of events, those of one time in the order in which they were set.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events to come. Times are nanoseconds.
#[derive(Debug)]
pub(crate) struct Events<E> {
    heap: BinaryHeap<Reverse<Planned<E>>>,
    now: u64,
    n_set: u64,
}

#[derive(Debug)]
struct Planned<E> {
    time: u64,
    number: u64,
    event: E,
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<E> Eq for Planned<E> {}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Planned<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.number).cmp(&(other.time, other.number))
    }
}

impl<E> Events<E> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            now: 0,
            n_set: 0,
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// An event is to happen; one in the past happens now.
    pub(crate) fn set(&mut self, time: u64, event: E) {
        self.n_set += 1;
        self.heap.push(Reverse(Planned {
            time: time.max(self.now),
            number: self.n_set,
            event,
        }));
    }

    /// Time goes on to the next event.
    pub(crate) fn take(&mut self) -> Option<E> {
        let Reverse(planned) = self.heap.pop()?;
        self.now = planned.time;
        Some(planned.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_in_the_order_in_which_they_were_set() {
        let mut events = Events::new();
        for (time, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b')] {
            events.set(time, event);
        }
        assert_eq!(events.take(), Some('a'));
        events.set(0, 'x');
        let rest: Vec<_> = std::iter::from_fn(|| Some((events.take()?, events.now()))).collect();
        assert_eq!(rest, [('x', 1), ('b', 2), ('c', 5), ('d', 5)]);
    }
}
