//! What a connection sends: its buffer in the host's memory, filled by an application and written to the pipe.
//!
//! Positions count from the first byte of the stream, in 64 bits. In order: **acknowledged** ≤ **sent** ≤
//! **committed** ≤ **reserved**. All that is not acknowledged is kept: a report may ask to start again from there.
//!
//! What may be sent, beside what is committed:
//!
//! * **Credits** are those of the pipe, counted along: each write takes its bytes, not below zero, and one that finds
//!   any may take more than there are. A write that is lost on its way took no credits of the pipe, so the two may come
//!   apart; where the pipe reports that it has credits left ([`Outbound::grant`]) and none are known here, one more
//!   write is risked. The pipe drops it if that was wrong, and the timer of the control plane starts again.
//! * **In flight**: after a timeout one segment, and as many bytes more as are acknowledged, up to the whole buffer.
//!   The pipe drops what the peer's window does not allow, and says nothing; this finds out how much that is.

use std::ops::Range;

use p4rmt_wire::ReportReason;

use crate::frontier::Frontier;
use crate::ring::Ring;

/// A transmit buffer and what is known of the stream in it.
#[derive(Debug)]
pub(crate) struct Outbound {
    ring: Ring,
    first_seq: u32,
    mss: u16,
    acked: u64,
    sent: u64,
    /// The most that was ever sent.
    reached: u64,
    committed: Frontier,
    reserved: u64,
    credits: u32,
    /// Bytes that may be in flight.
    limit: u64,
    /// A write went out since the generator's last report.
    is_sent_since_report: bool,
    is_shut: bool,
    n_restarts: u64,
}

impl Outbound {
    pub(crate) fn new(buffer_bytes: usize, first_seq: u32, mss: u16, credits: u32) -> Self {
        Self {
            ring: Ring::new(buffer_bytes),
            first_seq,
            mss,
            acked: 0,
            sent: 0,
            reached: 0,
            committed: Frontier::default(),
            reserved: 0,
            credits,
            limit: buffer_bytes as u64,
            is_sent_since_report: false,
            is_shut: false,
            n_restarts: 0,
        }
    }

    /// Bytes that can be reserved now.
    pub(crate) fn room(&self) -> usize {
        self.ring.len() - (self.reserved - self.acked) as usize
    }

    /// Bytes that can ever be reserved at once.
    pub(crate) fn capacity(&self) -> usize {
        self.ring.len()
    }

    /// Reserves the next bytes of the stream, if there is room for all of them.
    pub(crate) fn reserve(&mut self, len: usize) -> Option<Range<u64>> {
        if self.is_shut || len > self.room() {
            return None;
        }
        let start = self.reserved;
        self.reserved += len as u64;
        Some(start..self.reserved)
    }

    /// Bytes that are reserved and not committed.
    pub(crate) fn reserved_mut(&mut self, range: &Range<u64>) -> Option<[&mut [u8]; 2]> {
        let is_there = self.committed.front() <= range.start && range.end <= self.reserved;
        let len = (range.end - range.start) as usize;
        is_there.then(|| self.ring.slices_mut(range.start, len))
    }

    /// Commits bytes that were reserved, in any order: they are sent when all before them are committed.
    pub(crate) fn commit(&mut self, range: Range<u64>) {
        if range.end <= self.reserved {
            self.committed.add(range);
        }
    }

    /// Appends bytes by copying them, as many as there is room for.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(self.room());
        if let Some(range) = self.reserve(len) {
            self.ring.write(range.start, &bytes[..len]);
            self.commit(range);
            return len;
        }
        0
    }

    /// Reservations that were not committed, or wait for others.
    pub(crate) fn has_reservations(&self) -> bool {
        self.reserved > self.committed.front()
    }

    /// The stream ends here, before whatever was reserved and not committed; returns its length.
    pub(crate) fn shut(&mut self) -> u64 {
        self.is_shut = true;
        self.committed.front()
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.is_shut
    }

    pub(crate) fn acked(&self) -> u64 {
        self.acked
    }

    pub(crate) fn n_restarts(&self) -> u64 {
        self.n_restarts
    }

    /// The peer has all before a sequence number. Whether that can be.
    pub(crate) fn acknowledge(&mut self, next_ack: u32) -> bool {
        let known = self.first_seq.wrapping_add(self.acked as u32);
        let more = next_ack.wrapping_sub(known);
        // A report that was overtaken by another.
        if more > u32::MAX / 2 {
            return true;
        }
        let outstanding = self.reached - self.acked;
        // The end of the stream itself takes a number, too.
        let is_end_acked = self.is_shut && u64::from(more) == outstanding + 1;
        let more = if is_end_acked {
            outstanding
        } else {
            u64::from(more)
        };
        if more > outstanding {
            return false;
        }
        self.acked += more;
        self.sent = self.sent.max(self.acked);
        self.limit = (self.limit + more).min(self.ring.len() as u64);
        true
    }

    /// A report allows so many bytes more, or asks to start again.
    pub(crate) fn grant(&mut self, granted: u32, reason: ReportReason) {
        self.credits = self.credits.saturating_add(granted);
        match reason {
            ReportReason::Generator => {
                // A grant is given whole unless there are credits left.
                if granted == 0 && self.credits == 0 && !self.is_sent_since_report {
                    self.credits = 1;
                }
                self.is_sent_since_report = false;
            }
            ReportReason::Host => {}
            ReportReason::Timeout => {
                self.restart();
                self.limit = self.mss.into();
                self.credits = self.credits.max(1);
            }
            ReportReason::FastRetransmit => {
                self.restart();
                self.credits /= 2;
            }
        }
    }

    fn restart(&mut self) {
        if self.sent > self.acked {
            self.n_restarts += 1;
        }
        self.sent = self.acked;
    }

    fn next_len(&self) -> usize {
        let len = (self.committed.front() - self.sent).min(self.mss.into());
        let in_flight = self.sent - self.acked;
        if self.credits == 0 || in_flight + len > self.limit.max(self.mss.into()) {
            return 0;
        }
        len as usize
    }

    pub(crate) fn can_send(&self) -> bool {
        self.next_len() > 0
    }

    /// The next write: where it begins in the stream, modulo 2³², its bytes, and whether nothing waits behind it.
    pub(crate) fn send(&mut self) -> Option<(u32, [&[u8]; 2], bool)> {
        let len = self.next_len();
        if len == 0 {
            return None;
        }
        let at = self.sent;
        self.sent += len as u64;
        self.reached = self.reached.max(self.sent);
        // A write has fewer bytes than 2^16.
        self.credits = self.credits.saturating_sub(len as u32);
        self.is_sent_since_report = true;
        let is_last = self.sent == self.committed.front();
        Some((at as u32, self.ring.slices(at, len), is_last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u16 = 10;

    fn outbound(first_seq: u32, credits: u32) -> Outbound {
        Outbound::new(100, first_seq, MSS, credits)
    }

    /// Sends all that may be sent: offsets and lengths.
    fn drain(outbound: &mut Outbound) -> Vec<(u32, usize)> {
        let mut sent = Vec::new();
        while let Some((at, bytes, _)) = outbound.send() {
            sent.push((at, bytes[0].len() + bytes[1].len()));
        }
        sent
    }

    #[test]
    fn writes_take_credits_and_the_last_may_take_more() {
        let mut outbound = outbound(0, 15);
        assert_eq!(outbound.write(&[1; 45]), 45);
        assert_eq!(drain(&mut outbound), [(0, 10), (10, 10)]);
        outbound.grant(11, ReportReason::Host);
        assert_eq!(drain(&mut outbound), [(20, 10), (30, 10)]);
        outbound.grant(1, ReportReason::Generator);
        assert_eq!(drain(&mut outbound), [(40, 5)]);
    }

    #[test]
    fn what_is_acknowledged_makes_room() {
        let mut outbound = outbound(u32::MAX - 14, 1000);
        assert_eq!(outbound.write(&[1; 120]), 100);
        assert_eq!(outbound.write(&[1; 20]), 0);
        assert_eq!(drain(&mut outbound).len(), 10);
        assert!(outbound.acknowledge(u32::MAX - 14 + 10));
        assert!(outbound.acknowledge(10), "25 bytes: across 2^32");
        assert!(outbound.acknowledge(9), "a report that comes late");
        assert_eq!(outbound.acked(), 25);
        assert_eq!(outbound.write(&[1; 120]), 25);
        assert!(!outbound.acknowledge(86), "more than was sent");
        assert!(outbound.acknowledge(85));
    }

    #[test]
    fn the_end_of_the_stream_is_acknowledged_with_a_number_of_its_own() {
        let mut outbound = outbound(0, 1000);
        assert_eq!(outbound.write(&[1; 5]), 5);
        assert_eq!(drain(&mut outbound), [(0, 5)]);
        assert!(!outbound.acknowledge(6));
        assert_eq!(outbound.shut(), 5);
        assert!(outbound.acknowledge(6));
        assert_eq!(outbound.acked(), 5);
    }

    #[test]
    fn after_a_timeout_one_segment_and_then_as_much_as_is_acknowledged() {
        let mut outbound = outbound(0, 1000);
        assert_eq!(outbound.write(&[1; 80]), 80);
        assert_eq!(drain(&mut outbound).len(), 8);
        assert!(outbound.acknowledge(20));
        outbound.grant(0, ReportReason::Timeout);
        assert_eq!(drain(&mut outbound), [(20, 10)]);
        assert!(outbound.acknowledge(30));
        assert_eq!(drain(&mut outbound), [(30, 10), (40, 10)]);
        assert!(outbound.acknowledge(50));
        assert_eq!(drain(&mut outbound), [(50, 10), (60, 10), (70, 10)]);
        assert_eq!(outbound.n_restarts(), 1);
    }

    #[test]
    fn a_fast_retransmission_starts_again_with_half_the_credits() {
        let mut outbound = outbound(0, 70);
        assert_eq!(outbound.write(&[1; 100]), 100);
        assert_eq!(outbound.send().map(|(at, ..)| at), Some(0));
        assert!(outbound.acknowledge(0));
        outbound.grant(0, ReportReason::FastRetransmit);
        assert_eq!(drain(&mut outbound), [(0, 10), (10, 10), (20, 10)]);
    }

    /// A write that was lost took no credits of the pipe, which then grants nothing.
    #[test]
    fn credits_that_the_pipe_still_has_are_found_again() {
        let mut outbound = outbound(0, 10);
        assert_eq!(outbound.write(&[1; 30]), 30);
        assert_eq!(drain(&mut outbound), [(0, 10)]);
        outbound.grant(0, ReportReason::Generator);
        assert!(!outbound.can_send(), "the write may be on its way");
        outbound.grant(0, ReportReason::Host);
        assert!(!outbound.can_send(), "this says nothing of a period");
        outbound.grant(0, ReportReason::Generator);
        assert_eq!(drain(&mut outbound), [(10, 10)]);
    }

    #[test]
    fn reservations_are_sent_in_order_whatever_is_committed_first() {
        let mut outbound = outbound(0, 1000);
        let first = outbound.reserve(4).expect("there is room");
        let second = outbound.reserve(3).expect("there is room");
        assert!(outbound.reserve(94).is_none());
        for (range, byte) in [(&second, 2), (&first, 1)] {
            let [bytes, _] = outbound.reserved_mut(range).expect("it is reserved");
            bytes.fill(byte);
        }
        outbound.commit(second);
        assert!(!outbound.can_send());
        assert!(outbound.has_reservations());
        outbound.commit(first.clone());
        assert!(outbound.reserved_mut(&first).is_none(), "it is on its way");
        let (at, bytes, is_last) = outbound.send().expect("all is committed");
        assert_eq!(
            (at, bytes[0], is_last),
            (0, &[1, 1, 1, 1, 2, 2, 2][..], true)
        );
    }

    #[test]
    fn offsets_go_on_behind_four_gibibytes() {
        let mut outbound = outbound(5, 1000);
        let start = (1_u64 << 32) - 4;
        (outbound.acked, outbound.sent, outbound.reached) = (start, start, start);
        outbound.reserved = start;
        outbound.committed.add(0..start);
        assert_eq!(outbound.write(&[7; 30]), 30);
        let offsets = [(u32::MAX - 3, 10), (6, 10), (16, 10)];
        assert_eq!(drain(&mut outbound), offsets);
        assert!(outbound.acknowledge(5 + 6));
        assert_eq!(outbound.acked(), (1 << 32) + 6);
        outbound.grant(0, ReportReason::FastRetransmit);
        assert_eq!(drain(&mut outbound), [(6, 10), (16, 10)]);
    }
}
