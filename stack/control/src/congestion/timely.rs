//! Timely (Mittal and others, SIGCOMM 2015): the rate follows the gradient of the round-trip time, normed by the
//! least one. Below a low threshold it grows; above a high one it shrinks at once.

use super::{CongestionControl, MAX_RATE, Observed, is_used, least, share, step};

/// Shares are in parts of 2^20.
const ONE: i64 = 1 << 20;
/// Weight of a new difference of round-trip times: 7 in 8, as α = 0.875 of the paper's text.
const NEW_EIGHTHS: i64 = 7;
/// How much is taken off at most: β = 0.8.
const BETA_TENTHS: u64 = 8;
/// The thresholds, in least round-trip times, in tenths. The paper's are absolute, for one network.
const LOW_TENTHS: u64 = 15;
const HIGH_TENTHS: u64 = 50;
/// So many falling round-trip times in a row make it grow five times as fast.
const N_HASTE: u32 = 5;

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Timely {
    rate: u64,
    least_ns: u64,
    before_ns: Option<u64>,
    /// The smoothed difference of round-trip times, in nanoseconds.
    difference_ns: i64,
    n_falling: u32,
}

impl Timely {
    pub(super) fn new(rate: u64) -> Self {
        Self {
            rate,
            least_ns: u64::MAX,
            before_ns: None,
            difference_ns: 0,
            n_falling: 0,
        }
    }

    fn follow(&mut self, rtt_ns: u64, observed: &Observed) {
        // Clocks may stand still between two packets.
        let rtt_ns = rtt_ns.max(1);
        self.least_ns = self.least_ns.min(rtt_ns);
        let before = self.before_ns.replace(rtt_ns).unwrap_or(rtt_ns);
        let difference = rtt_ns.cast_signed() - before.cast_signed();
        self.difference_ns =
            ((8 - NEW_EIGHTHS) * self.difference_ns + NEW_EIGHTHS * difference) / 8;
        let gradient = self.difference_ns.saturating_mul(ONE) / self.least_ns.cast_signed();
        let (low, high) = (
            self.least_ns * LOW_TENTHS / 10,
            self.least_ns * HIGH_TENTHS / 10,
        );
        self.n_falling = if gradient <= 0 { self.n_falling + 1 } else { 0 };
        if rtt_ns > high {
            self.n_falling = 0;
            self.lower(share(rtt_ns - high, BETA_TENTHS, 10), rtt_ns);
        } else if rtt_ns < low || gradient <= 0 {
            if is_used(self.rate, observed) {
                let haste = if self.n_falling >= N_HASTE { 5 } else { 1 };
                self.rate = self
                    .rate
                    .saturating_add(step(observed).saturating_mul(haste));
            }
        } else {
            let gradient = gradient.min(ONE).unsigned_abs();
            self.lower(share(gradient, BETA_TENTHS, 10), ONE.unsigned_abs());
        }
    }

    /// Takes a share off.
    fn lower(&mut self, of: u64, in_all: u64) {
        self.rate -= share(self.rate, of, in_all).min(self.rate);
    }
}

impl CongestionControl for Timely {
    fn update(&mut self, observed: &Observed) -> u64 {
        if observed.n_timeouts > 0 {
            self.rate = least(observed);
        } else if observed.n_fast > 0 {
            self.rate /= 2;
        } else if let Some(rtt_ns) = observed.rtt_ns {
            self.follow(rtt_ns.min(1 << 40), observed);
        }
        self.rate = self.rate.max(least(observed)).min(MAX_RATE);
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each round-trip time in microseconds, and the rate after it, of a connection that uses its rate.
    fn run(timely: &mut Timely, rtts: &[u64]) -> Vec<u64> {
        let rates = rtts.iter().map(|rtt| {
            timely.update(&Observed {
                elapsed_ns: 1_000_000,
                acked: timely.rate / 1000,
                rtt_ns: Some(rtt * 1000),
                smoothed_ns: 1_000_000,
                mss: 1000,
                ..Observed::default()
            })
        });
        rates.collect()
    }

    #[test]
    fn grows_while_round_trips_are_short_and_faster_after_five() {
        let mut timely = Timely::new(10_000_000);
        let rates = run(&mut timely, &[100; 6]);
        let expected = [11, 12, 13, 14, 19, 24].map(|rate| rate * 1_000_000);
        assert_eq!(rates, expected);
    }

    #[test]
    fn shrinks_with_the_gradient_and_at_once_above_the_high_threshold() {
        let mut timely = Timely::new(10_000_000);
        run(&mut timely, &[100]);
        let rising = run(&mut timely, &[180, 260]);
        assert!(
            rising[0] < 11_000_000 && rising[1] < rising[0],
            "{rising:?}"
        );
        let high = run(&mut timely, &[1000]);
        // 1 - 0.8 (1 - 500 / 1000)
        assert_eq!(high[0], (rising[1] - rising[1] * 4 / 10).max(1_000_000));
    }

    #[test]
    fn losses_count_too() {
        let mut timely = Timely::new(10_000_000);
        let lossy = Observed {
            n_fast: 1,
            smoothed_ns: 1_000_000,
            mss: 1000,
            ..Observed::default()
        };
        assert_eq!(timely.update(&lossy), 5_000_000);
    }
}
