//! Congestion control: from what the pipe counts of a connection to the rate at which it is granted credits.
//!
//! A policy is asked at most once a round-trip time, with what has happened since. Rates are bytes a second; the
//! caller keeps them above one segment a round of SYNCs, and below what the buffers take.

mod dctcp;
mod timely;

use crate::config::Algorithm;

/// What has happened on a connection since it was looked at last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    /// Nanoseconds since then; not 0.
    pub(crate) elapsed_ns: u64,
    /// Bytes that were acknowledged.
    pub(crate) acked: u64,
    /// Those under an echo of congestion.
    pub(crate) marked: u64,
    /// Fast retransmits.
    pub(crate) n_fast: u32,
    /// Retransmission timeouts.
    pub(crate) n_timeouts: u32,
    /// The mean of the round-trip times measured since then, in nanoseconds; none if there were none.
    pub(crate) rtt_ns: Option<u64>,
    /// The smoothed round-trip time, in nanoseconds; not 0.
    pub(crate) smoothed_ns: u64,
    /// The largest payload of a segment.
    pub(crate) mss: u16,
}

/// A policy.
pub(crate) trait CongestionControl: Send {
    /// The rate from now on, in bytes a second.
    fn update(&mut self, observed: &Observed) -> u64;
}

/// The policy of a new connection, which begins at this rate.
pub(crate) fn begin(algorithm: Algorithm, rate: u64) -> Box<dyn CongestionControl> {
    match algorithm {
        Algorithm::Dctcp => Box::new(dctcp::Dctcp::new(rate)),
        Algorithm::Timely => Box::new(timely::Timely::new(rate)),
        Algorithm::Unlimited => Box::new(Unlimited),
    }
}

/// No policy.
struct Unlimited;

impl CongestionControl for Unlimited {
    fn update(&mut self, _: &Observed) -> u64 {
        u64::MAX
    }
}

/// The greatest rate that a policy keeps: more than any port has, and far from where products overflow.
const MAX_RATE: u64 = 1 << 40;

/// Bytes in a time, as a rate.
pub(crate) fn per_second(bytes: u64, ns: u64) -> u64 {
    let rate = u128::from(bytes) * 1_000_000_000 / u128::from(ns.max(1));
    u64::try_from(rate).unwrap_or(u64::MAX).min(MAX_RATE)
}

/// `value` times `of` in `in_all`.
fn share(value: u64, of: u64, in_all: u64) -> u64 {
    let share = u128::from(value) * u128::from(of) / u128::from(in_all.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// The least rate that a policy keeps: a segment a round-trip time.
fn least(observed: &Observed) -> u64 {
    per_second(observed.mss.into(), observed.smoothed_ns)
}

/// By how much a rate grows that adds a segment each round-trip time.
fn step(observed: &Observed) -> u64 {
    share(least(observed), observed.elapsed_ns, observed.smoothed_ns)
}

/// Whether so much was sent that the rate was what limited it: at least half of it.
fn is_used(rate: u64, observed: &Observed) -> bool {
    per_second(observed.acked, observed.elapsed_ns) >= rate / 2
}
