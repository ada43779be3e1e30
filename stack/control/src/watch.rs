//! What is watched of a connection: whether it makes progress, how long its round trips take, and what it is
//! granted.
//!
//! * **Retransmission** (RFC 6298): what is handed over and not acknowledged makes progress within the timeout, or
//!   the host is told to start again. The timeout doubles each time.
//! * **Persistence**: while the peer's window is closed, a probe goes out instead. What the window has stopped is lost
//!   (the pipe sends nothing twice by itself), so the host is told to start again as soon as all before it is
//!   acknowledged and the window is open.
//! * **Grants**: a round of SYNCs grants what the rate makes of the time between two; never so much that what is on
//!   its way could exceed half of the peer's window, or what the host keeps.

use crate::config::{Limits, Timing};
use crate::congestion::{Observed, per_second};
use crate::connection::distance;
use crate::registers::Snapshot;

/// Segments that may be sent before there is any feedback (RFC 6928).
pub(crate) const FIRST_SEGMENTS: u32 = 10;
/// A round-trip time, while none is known.
const UNKNOWN_RTT_NS: u64 = 1_000_000;

/// What a look at a connection finds to be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// The retransmission timer went off.
    Timeout,
    /// The peer's window is open again, and what it had stopped is to be sent again.
    Unblocked,
    /// The window is closed, and is asked for.
    Probe,
    /// The peer has not answered for too long.
    GiveUp,
}

/// What is watched of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) rtt: RoundTrip,
    /// `tx_next_ack` when it was looked at last, and since when it is the same.
    next_ack: u32,
    since_ns: u64,
    /// Timeouts and probes since then: how far the timer has backed off.
    n_tries: u32,
    /// Those since the peer showed last that it is there.
    n_silent: u32,
    /// `tx_dupack_cnt` at the last probe: each answer to one counts there.
    n_duplicates: u32,
    /// From this sequence number on the peer's window has stopped what was handed over.
    stopped_at: Option<u32>,
    /// What the counters were when congestion control was asked last, and when.
    before: Snapshot,
    before_ns: u64,
    n_timeouts: u32,
    pub(crate) rate: u64,
    /// What the entry in `rates` grants, and up to where; none if there is none.
    pub(crate) granted: Option<(u32, u32)>,
    /// When there was something to do last.
    busy_ns: u64,
}

/// So often a connection without anything to do is asked all the same, in nanoseconds.
const BEAT_NS: u64 = 200_000_000;

impl Watched {
    /// Of a connection that begins now.
    pub(crate) fn new(now_ns: u64, next_ack: u32, mss: u16, rtt: RoundTrip) -> Self {
        let first = FIRST_SEGMENTS * u32::from(mss);
        Self {
            next_ack,
            since_ns: now_ns,
            n_tries: 0,
            n_silent: 0,
            n_duplicates: 0,
            stopped_at: None,
            before: Snapshot::default(),
            before_ns: now_ns,
            n_timeouts: 0,
            rate: per_second(first.into(), rtt.smoothed_ns()),
            granted: None,
            busy_ns: now_ns,
            rtt,
        }
    }

    /// Our FIN is on its way: its time begins now.
    pub(crate) fn restart_timer(&mut self, now_ns: u64) {
        self.since_ns = now_ns;
        self.n_tries = 0;
        self.n_silent = 0;
    }

    /// Looks at a connection.
    pub(crate) fn look(
        &mut self,
        now_ns: u64,
        state: &Snapshot,
        mss: u16,
        timing: &Timing,
        limits: &Limits,
    ) -> Due {
        let mss = u32::from(mss);
        if state.tx_avail == 0 || state.tx_next_ack != self.next_ack {
            self.next_ack = state.tx_next_ack;
            self.restart_timer(now_ns);
        }
        if state.tx_avail == 0 {
            self.stopped_at = None;
            return Due::Nothing;
        }
        let is_open = state.tx_remote_avail >= state.tx_avail.min(mss);
        if let Some(stopped_at) = self.stopped_at {
            // The segment that did not fit begins up to an MSS before the end of the window.
            let left = distance(stopped_at, state.tx_next_ack);
            if is_open && left <= mss.cast_signed() {
                self.stopped_at = None;
                self.restart_timer(now_ns);
                return Due::Unblocked;
            }
        } else if state.tx_avail > state.tx_remote_avail {
            let end = state.tx_next_ack.wrapping_add(state.tx_remote_avail);
            self.stopped_at = Some(end);
        }
        let longest = if is_open {
            timing.max_rto_ns
        } else {
            timing.max_probe_ns
        };
        let timeout = backed_off(self.rtt.timeout_ns(timing), self.n_tries).min(longest);
        if now_ns.saturating_sub(self.since_ns) < timeout {
            return Due::Nothing;
        }
        self.since_ns = now_ns;
        self.n_tries += 1;
        self.n_silent += 1;
        if !is_open && state.tx_dupack_cnt != self.n_duplicates {
            self.n_duplicates = state.tx_dupack_cnt;
            self.n_silent = 0;
        }
        if self.n_silent > limits.retries {
            Due::GiveUp
        } else if is_open {
            self.n_timeouts += 1;
            Due::Timeout
        } else {
            Due::Probe
        }
    }

    /// What has happened since congestion control was asked last; none if that is not long ago.
    pub(crate) fn observe(&mut self, now_ns: u64, state: &Snapshot, mss: u16) -> Option<Observed> {
        let elapsed_ns = now_ns.saturating_sub(self.before_ns);
        if elapsed_ns == 0 || elapsed_ns < self.rtt.smoothed_ns() {
            return None;
        }
        let since = |now: u32, before: u32| now.wrapping_sub(before);
        let before = std::mem::replace(&mut self.before, *state);
        self.before_ns = now_ns;
        let n_samples = since(state.rtt_samples, before.rtt_samples);
        let rtt_ns = since(state.rtt_ns, before.rtt_ns).checked_div(n_samples);
        if let Some(rtt_ns) = rtt_ns {
            self.rtt.sample(rtt_ns.into());
        }
        Some(Observed {
            elapsed_ns,
            acked: since(state.acked_bytes, before.acked_bytes).into(),
            marked: since(state.marked_bytes, before.marked_bytes).into(),
            n_fast: since(state.fast_retransmits, before.fast_retransmits),
            n_timeouts: std::mem::take(&mut self.n_timeouts),
            rtt_ns: rtt_ns.map(u64::from),
            smoothed_ns: self.rtt.smoothed_ns(),
            mss,
        })
    }

    /// What a round of SYNCs is to grant, and up to how many credits; none to a connection that has had nothing to
    /// do for a while and has all that it needs to begin again. It is still asked from time to time: a host may take its
    /// credits for spent where writes were lost on their way, and hears of it by a report alone.
    pub(crate) fn grant(
        &mut self,
        now_ns: u64,
        state: &Snapshot,
        mss: u16,
        transmit_bytes: u32,
        period_ns: u64,
    ) -> Option<(u32, u32)> {
        let mss = u32::from(mss);
        let most = (state.tx_remote_avail / 2).min(transmit_bytes).max(mss);
        let first = FIRST_SEGMENTS.saturating_mul(mss).min(most);
        let has_acked = state.acked_bytes != self.before.acked_bytes;
        if state.tx_avail > 0 || has_acked || state.tx_credits < first {
            self.busy_ns = now_ns;
        }
        let rtt_ns = self.rtt.smoothed_ns();
        let patience_ns = (8 * rtt_ns).max(4 * period_ns).max(20_000_000);
        let idle_ns = now_ns.saturating_sub(self.busy_ns);
        if idle_ns > patience_ns && idle_ns % BEAT_NS.max(4 * patience_ns) > patience_ns {
            return None;
        }
        let part = |value: u64, of: u64, in_all: u64| {
            let part = u128::from(value) * u128::from(of) / u128::from(in_all.max(1));
            u32::try_from(part).unwrap_or(u32::MAX)
        };
        let by_rate = part(self.rate, period_ns, 1_000_000_000);
        let by_window = part(most.into(), period_ns, rtt_ns.max(period_ns));
        let credit = by_rate.min(by_window).max(mss);
        Some((credit, most - credit))
    }
}

/// A timeout after so many that went off.
fn backed_off(timeout_ns: u64, n_tries: u32) -> u64 {
    timeout_ns.saturating_mul(1 << n_tries.min(20))
}

/// Round-trip times of a connection (RFC 6298), in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoundTrip {
    /// Smoothed, and its variation; none before the first sample.
    smoothed: Option<(u64, u64)>,
}

impl RoundTrip {
    /// A sample was taken.
    pub(crate) fn sample(&mut self, rtt_ns: u64) {
        let rtt_ns = rtt_ns.max(1);
        self.smoothed = Some(match self.smoothed {
            None => (rtt_ns, rtt_ns / 2),
            Some((smoothed, variation)) => {
                let variation = (3 * variation + smoothed.abs_diff(rtt_ns)) / 4;
                ((7 * smoothed + rtt_ns) / 8, variation)
            }
        });
    }

    /// The smoothed one.
    pub(crate) fn smoothed_ns(&self) -> u64 {
        let (smoothed, _) = self.smoothed.unwrap_or((UNKNOWN_RTT_NS, 0));
        smoothed.max(1)
    }

    /// How long an acknowledgment may take.
    pub(crate) fn timeout_ns(&self, timing: &Timing) -> u64 {
        let timeout = match self.smoothed {
            None => timing.first_rto_ns,
            Some((smoothed, variation)) => smoothed + 4 * variation,
        };
        timeout.max(timing.min_rto_ns).min(timing.max_rto_ns)
    }
}

#[cfg(test)]
mod tests;
