//! One direction of a link, with the queue in front of it.

/// What a link is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkSettings {
    /// Bits a second.
    pub(crate) rate: u64,
    /// Nanoseconds from one end to the other.
    pub(crate) delay: u64,
    /// Bytes that may wait; what comes beyond is lost.
    pub(crate) queue: u64,
    /// Bytes that wait from which on packets are marked, if they are.
    pub(crate) mark_from: Option<u64>,
}

/// A link whose queue is first in, first out.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    settings: LinkSettings,
    /// When the last byte so far has been sent.
    free_at: u64,
    n_lost: u64,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    /// When it is at the other end.
    pub(crate) arrival: u64,
    /// Whether it met a queue that marks.
    pub(crate) is_marked: bool,
}

impl Link {
    pub(crate) fn new(settings: LinkSettings) -> Self {
        Self {
            settings,
            free_at: 0,
            n_lost: 0,
        }
    }

    /// A packet of so many bytes comes to the link; none if it is lost.
    pub(crate) fn carry(&mut self, now: u64, bytes: u64) -> Option<Carried> {
        let LinkSettings {
            rate,
            delay,
            queue,
            mark_from,
        } = self.settings;
        let start = self.free_at.max(now);
        let waiting = u128::from(start - now) * u128::from(rate) / 8_000_000_000;
        if waiting + u128::from(bytes) > u128::from(queue) {
            self.n_lost += 1;
            return None;
        }
        self.free_at = start + (bytes * 8_000_000_000).div_ceil(rate);
        Some(Carried {
            arrival: self.free_at + delay,
            is_marked: mark_from.is_some_and(|from| waiting >= u128::from(from)),
        })
    }

    /// How many packets were lost.
    pub(crate) fn n_lost(&self) -> u64 {
        self.n_lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_wait_are_marked_and_are_lost() {
        let mut link = Link::new(LinkSettings {
            rate: 8_000_000_000,
            delay: 500,
            queue: 300,
            mark_from: Some(100),
        });
        let carried = |arrival, is_marked| Some(Carried { arrival, is_marked });
        // A byte takes a nanosecond.
        assert_eq!(link.carry(1000, 100), carried(1600, false));
        assert_eq!(link.carry(1000, 100), carried(1700, true));
        assert_eq!(link.carry(1000, 100), carried(1800, true));
        assert_eq!(link.carry(1000, 100), None);
        assert_eq!(
            link.carry(1001, 100),
            None,
            "99 bytes less wait, but one is being sent"
        );
        assert_eq!(link.carry(1100, 100), carried(1900, true));
        assert_eq!(link.carry(5000, 100), carried(5600, false));
        assert_eq!(link.n_lost(), 2);
    }
}
