//! A link that loses and reorders packets, the same way for the same seed.

use std::collections::BTreeMap;

use crate::mutation::Random;

/// One direction of a link.
#[derive(Clone, Debug)]
pub struct Link {
    random: Random,
    /// Microseconds that every packet takes.
    delay: u64,
    /// Packets of a thousand that are lost.
    loss_per_mille: usize,
    /// Packets of a thousand that take up to four times as long, so that others overtake them.
    late_per_mille: usize,
    /// What is on its way, by when it arrives and when it was sent.
    on_way: BTreeMap<(u64, u64), Vec<u8>>,
    n_sent: u64,
    n_lost: u64,
}

impl Link {
    /// A link on which so many packets of a thousand are lost, and so many late.
    #[must_use]
    pub fn new(seed: u64, delay: u64, loss_per_mille: usize, late_per_mille: usize) -> Self {
        Self {
            random: Random::new(seed),
            delay,
            loss_per_mille,
            late_per_mille,
            on_way: BTreeMap::new(),
            n_sent: 0,
            n_lost: 0,
        }
    }

    /// Sends a packet at this time, in microseconds.
    pub fn send(&mut self, now: u64, packet: Vec<u8>) {
        self.n_sent += 1;
        if self.random.happens(self.loss_per_mille) {
            self.n_lost += 1;
            return;
        }
        let mut arrival = now + self.delay;
        if self.random.happens(self.late_per_mille) {
            arrival += self.random.any() % (3 * self.delay + 1);
        }
        self.on_way.insert((arrival, self.n_sent), packet);
    }

    /// The next packet that has arrived by this time.
    pub fn take(&mut self, now: u64) -> Option<Vec<u8>> {
        let first = self.on_way.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next packet arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<u64> {
        self.on_way.keys().next().map(|(arrival, _)| *arrival)
    }

    /// How many packets were lost.
    #[must_use]
    pub fn n_lost(&self) -> u64 {
        self.n_lost
    }
}
