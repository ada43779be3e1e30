//! DCTCP (Alizadeh and others, SIGCOMM 2010; RFC 8257), as a rate: α is the smoothed share of marked bytes, and a
//! time with marks lowers the rate by half of that share. Before the first sign of congestion the rate doubles.

use super::{CongestionControl, MAX_RATE, Observed, is_used, least, share, step};

/// α and shares are in parts of 2^20; the gain of α is 1 in 16 (RFC 8257, 4.2).
const ONE: u64 = 1 << 20;
const GAIN_SHIFT: u32 = 4;

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Dctcp {
    rate: u64,
    alpha: u64,
    /// Below this rate it doubles.
    threshold: u64,
}

impl Dctcp {
    pub(super) fn new(rate: u64) -> Self {
        Self {
            rate,
            // Pessimistic at first (RFC 8257, 4.2).
            alpha: ONE,
            threshold: u64::MAX,
        }
    }
}

impl CongestionControl for Dctcp {
    fn update(&mut self, observed: &Observed) -> u64 {
        if observed.acked > 0 {
            let marked = share(ONE, observed.marked.min(observed.acked), observed.acked);
            self.alpha = self.alpha - (self.alpha >> GAIN_SHIFT) + (marked >> GAIN_SHIFT);
        }
        if observed.n_timeouts > 0 {
            self.threshold = self.rate / 2;
            self.rate = least(observed);
        } else if observed.n_fast > 0 {
            self.rate /= 2;
            self.threshold = self.rate;
        } else if observed.marked > 0 {
            self.rate -= share(self.rate, self.alpha, 2 * ONE);
            self.threshold = self.rate;
        } else if is_used(self.rate, observed) {
            let doubled = self.rate.saturating_mul(2).min(self.threshold);
            self.rate = doubled.max(self.rate.saturating_add(step(observed)));
        }
        self.rate = self.rate.max(least(observed)).min(MAX_RATE);
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round-trip time of a millisecond, of which a rate took all that it could.
    fn observed(rate: u64) -> Observed {
        Observed {
            elapsed_ns: 1_000_000,
            acked: rate / 1000,
            smoothed_ns: 1_000_000,
            mss: 1000,
            ..Observed::default()
        }
    }

    fn update(dctcp: &mut Dctcp, change: impl FnOnce(&mut Observed)) -> u64 {
        let mut observed = observed(dctcp.rate);
        change(&mut observed);
        dctcp.update(&observed)
    }

    #[test]
    fn doubles_until_the_first_mark_then_adds_a_segment_a_round_trip() {
        let mut dctcp = Dctcp::new(10_000_000);
        assert_eq!(update(&mut dctcp, |_| {}), 20_000_000);
        assert_eq!(update(&mut dctcp, |_| {}), 40_000_000);
        let lowered = update(&mut dctcp, |observed| observed.marked = observed.acked);
        // α was 1, was smoothed twice without a mark and once with nothing but marks: 0.8865.
        assert_eq!(lowered / 10_000, 2227, "40 MB/s less 0.44 of it");
        assert_eq!(update(&mut dctcp, |_| {}), lowered + 1_000_000);
    }

    #[test]
    fn few_marks_lower_it_little_once_that_is_known() {
        let mut dctcp = Dctcp::new(10_000_000);
        for _ in 0..200 {
            update(&mut dctcp, |observed| observed.marked = observed.acked / 10);
        }
        dctcp.rate = 100_000_000;
        let before = dctcp.rate;
        let after = update(&mut dctcp, |observed| observed.marked = observed.acked / 10);
        let lost = (before - after) * 100 / before.max(1);
        assert!(
            (4..=6).contains(&lost),
            "{before} to {after}: half of a tenth"
        );
    }

    #[test]
    fn a_loss_halves_and_a_timeout_begins_anew_up_to_half_of_what_it_was() {
        let mut dctcp = Dctcp::new(64_000_000);
        assert_eq!(
            update(&mut dctcp, |observed| observed.n_fast = 3),
            32_000_000
        );
        assert_eq!(
            update(&mut dctcp, |observed| observed.n_timeouts = 1),
            1_000_000
        );
        let rates: Vec<u64> = (0..6).map(|_| update(&mut dctcp, |_| {})).collect();
        let expected = [2, 4, 8, 16, 17, 18].map(|rate| rate * 1_000_000);
        assert_eq!(rates, expected);
    }

    #[test]
    fn what_does_not_use_its_rate_does_not_raise_it() {
        let mut dctcp = Dctcp::new(10_000_000);
        let rate = update(&mut dctcp, |observed| observed.acked = 100);
        assert_eq!(rate, 10_000_000);
    }
}
