//! What a connection receives: its buffer in the host's memory, written by the pipe and read by an application.
//!
//! Positions count from the first byte of the stream, in 64 bits. In order:
//!
//! * **given back** ≤ **freed** ≤ **taken** ≤ **shown** ≤ **ready**: what the pipe knows to be free again, what the
//!   application has freed without a gap, what it was given, what it may be given, what the pipe says is ready.
//! * Bytes are shown as far as they are ready *and* have arrived without a gap. The pipe acknowledges bytes that it
//!   has written; were such a write lost on the way to the host, nobody would send it again. So arrivals are tracked,
//!   and a gap that stays is an error of the connection instead of wrong bytes.
//! * The pipe's addresses name a place in the buffer, not a round. A write that would end a buffer's size or more
//!   ahead of what is free belongs to the round before: a segment that is partly or wholly older than what is there.
//!   Only what is new of it is written.

use std::ops::Range;

use crate::frontier::Frontier;
use crate::ring::Ring;

use p4rmt_wire::Ready;

/// A receive buffer and what is known of the stream in it.
#[derive(Debug)]
pub(crate) struct Inbound {
    ring: Ring,
    first_seq: u32,
    arrived: Frontier,
    ready: u64,
    taken: u64,
    freed: Frontier,
    given_back: u64,
    end: Option<u64>,
}

impl Inbound {
    pub(crate) fn new(buffer_bytes: usize) -> Self {
        Self {
            ring: Ring::new(buffer_bytes),
            first_seq: 0,
            arrived: Frontier::default(),
            ready: 0,
            taken: 0,
            freed: Frontier::default(),
            given_back: 0,
            end: None,
        }
    }

    /// The next stream begins, in the same memory.
    pub(crate) fn reset(&mut self) {
        self.first_seq = 0;
        self.arrived = Frontier::default();
        self.ready = 0;
        self.taken = 0;
        self.freed = Frontier::default();
        self.given_back = 0;
        self.end = None;
    }

    /// The sequence number of the stream's first byte, which positions of the pipe are relative to.
    pub(crate) fn begin(&mut self, first_seq: u32) {
        self.first_seq = first_seq;
    }

    /// Bytes that were written to a place in the buffer, at most as many as it has.
    pub(crate) fn arrive(&mut self, place: u64, bytes: &[u8]) {
        let size = self.ring.len() as u64;
        let len = bytes.len() as u64;
        let front = self.arrived.front();
        let ahead = (place + size - front % size) % size;
        let mut start = front + ahead;
        if start + len > self.freed.front() + size {
            // Of the round before, if there was one.
            let Some(before) = start.checked_sub(size) else {
                return;
            };
            start = before;
        }
        let n_old = front.saturating_sub(start).min(len);
        let fresh = start + n_old..start + len;
        // A write whose new part would cross what is not free is one that the pipe never makes.
        if fresh.end > self.freed.front() + size {
            return;
        }
        // At most `len`, which is a slice's.
        self.ring.write(fresh.start, &bytes[n_old as usize..]);
        self.arrived.add(fresh);
    }

    /// Bytes are ready up to a position: low bits of a sequence number. It may come again, and late.
    pub(crate) fn notify(&mut self, position: u32) {
        let known = self.first_seq.wrapping_add(self.ready as u32);
        let more = u64::from(position.wrapping_sub(known) & Ready::POSITION_MASK);
        if self.ready + more <= self.freed.front() + self.ring.len() as u64 {
            self.ready += more;
        }
    }

    /// The stream ends after so many bytes, modulo 2³². Whether that can be.
    pub(crate) fn finish(&mut self, length: u32) -> bool {
        let more = u64::from(length.wrapping_sub(self.ready as u32));
        let end = self.ready + more;
        if more > self.ring.len() as u64 || self.end.is_some_and(|known| known != end) {
            return false;
        }
        self.end = Some(end);
        true
    }

    /// How far bytes may be given to the application.
    pub(crate) fn shown(&self) -> u64 {
        self.ready.min(self.arrived.front())
    }

    /// Bytes that are ready did not arrive.
    pub(crate) fn has_hole(&self) -> bool {
        self.ready > self.arrived.front()
    }

    /// How many bytes can be taken.
    pub(crate) fn n_available(&self) -> usize {
        // At most the buffer's size.
        (self.shown() - self.taken) as usize
    }

    /// All bytes that there will be were taken.
    pub(crate) fn is_at_end(&self) -> bool {
        self.end == Some(self.taken)
    }

    /// The bytes that can be taken.
    pub(crate) fn available(&self) -> [&[u8]; 2] {
        self.ring.slices(self.taken, self.n_available())
    }

    /// Takes bytes, at most as many as are available; they stay where they are until they are freed.
    pub(crate) fn take(&mut self, len: usize) -> Range<u64> {
        let start = self.taken;
        self.taken += len.min(self.n_available()) as u64;
        start..self.taken
    }

    /// Bytes that were taken and not freed.
    pub(crate) fn bytes(&self, range: &Range<u64>) -> Option<[&[u8]; 2]> {
        let is_there = self.freed.front() <= range.start && range.end <= self.taken;
        is_there.then(|| {
            self.ring
                .slices(range.start, (range.end - range.start) as usize)
        })
    }

    /// Frees bytes that were taken, in any order.
    pub(crate) fn free(&mut self, range: Range<u64>) {
        if range.end <= self.taken {
            self.freed.add(range);
        }
    }

    /// Takes and frees bytes at once, by copying them.
    pub(crate) fn read(&mut self, bytes: &mut [u8]) -> usize {
        let range = self.take(bytes.len());
        let len = (range.end - range.start) as usize;
        self.ring.read(range.start, &mut bytes[..len]);
        self.free(range);
        len
    }

    /// Bytes to give back to the pipe, once they are a quarter of the buffer.
    pub(crate) fn to_give_back(&self) -> Option<u32> {
        let more = self.freed.front() - self.given_back;
        // At most the buffer's size.
        (more >= self.ring.len() as u64 / 4).then_some(more as u32)
    }

    /// They are on their way.
    pub(crate) fn give_back(&mut self) {
        self.given_back = self.freed.front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1 << 12;

    /// A buffer of a stream that has come so far, all of it read.
    fn at(position: u64, first_seq: u32) -> Inbound {
        let mut inbound = Inbound::new(SIZE);
        inbound.begin(first_seq);
        inbound.arrived.add(0..position);
        inbound.freed.add(0..position);
        inbound.ready = position;
        inbound.taken = position;
        inbound.given_back = position;
        inbound
    }

    fn position_of(inbound: &Inbound, position: u64) -> u32 {
        inbound.first_seq.wrapping_add(position as u32) & Ready::POSITION_MASK
    }

    #[track_caller]
    fn check_available(inbound: &Inbound, expected: &[u8]) {
        assert_eq!(inbound.available().concat(), expected);
    }

    #[test]
    fn streams_go_on_behind_four_gibibytes() {
        let start = (1_u64 << 32) - 3;
        for first_seq in [0, 7, u32::MAX - 1] {
            let mut inbound = at(start, first_seq);
            inbound.arrive(start % SIZE as u64, b"abcdef");
            inbound.notify(position_of(&inbound, start + 6));
            check_available(&inbound, b"abcdef");
            assert!(inbound.finish(3), "six bytes from three before 2^32");
            let mut bytes = [0; 8];
            assert_eq!(inbound.read(&mut bytes), 6);
            assert!(inbound.is_at_end());
        }
    }

    #[test]
    fn bytes_are_shown_when_they_are_ready_and_there() {
        let mut inbound = at(10, 1000);
        inbound.arrive(13, b"def");
        check_available(&inbound, b"");
        inbound.arrive(10, b"abc");
        check_available(&inbound, b"");
        inbound.notify(position_of(&inbound, 14));
        check_available(&inbound, b"abcd");
        inbound.notify(position_of(&inbound, 18));
        check_available(&inbound, b"abcdef");
        assert!(inbound.has_hole(), "two that are ready are not there");
        inbound.arrive(16, b"gh");
        check_available(&inbound, b"abcdefgh");
        assert!(!inbound.has_hole());
    }

    #[test]
    fn positions_that_repeat_or_come_late_change_nothing() {
        let mut inbound = at(50_000, 77);
        inbound.arrive(50_000 % SIZE as u64, b"abc");
        for position in [50_003, 50_003, 50_001, 49_000, 50_003] {
            inbound.notify(position_of(&inbound, position));
        }
        check_available(&inbound, b"abc");
    }

    #[test]
    fn old_bytes_of_a_segment_change_nothing() {
        let mut inbound = at(5_000, 0);
        inbound.arrive(5_000 % SIZE as u64, b"abcd");
        inbound.notify(position_of(&inbound, 5_004));
        // Two old bytes, two new.
        inbound.arrive(5_002 % SIZE as u64, b"XYef");
        inbound.notify(position_of(&inbound, 5_006));
        check_available(&inbound, b"abcdef");
        // All old.
        inbound.arrive(5_001 % SIZE as u64, b"ZZ");
        check_available(&inbound, b"abcdef");
    }

    #[test]
    fn a_write_crosses_the_end_of_the_buffer() {
        let position = 2 * SIZE as u64 - 2;
        let mut inbound = at(position, 0);
        inbound.arrive(SIZE as u64 - 2, b"abcde");
        inbound.notify(position_of(&inbound, position + 5));
        assert_eq!(inbound.available(), [&b"ab"[..], b"cde"]);
    }

    #[test]
    fn places_are_given_back_as_their_front_grows() {
        let mut inbound = at(0, 0);
        let quarter = SIZE / 4;
        inbound.arrive(0, &[1; SIZE / 2]);
        inbound.notify(SIZE as u32 / 2);
        let first = inbound.take(100);
        let second = inbound.take(quarter);
        inbound.free(second.clone());
        assert_eq!(inbound.to_give_back(), None, "the first are still in use");
        assert_eq!(inbound.bytes(&first).map(|bytes| bytes[0].len()), Some(100));
        inbound.free(first.clone());
        assert_eq!(inbound.to_give_back(), Some(100 + quarter as u32));
        assert_eq!(inbound.bytes(&first), None, "it may be overwritten");
        inbound.give_back();
        assert_eq!(inbound.to_give_back(), None);
    }

    #[test]
    fn an_end_that_cannot_be_is_refused() {
        let mut inbound = at(10, 0);
        assert!(!inbound.finish(9), "so much is ready already");
        assert!(!inbound.finish(11 + SIZE as u32));
        assert!(inbound.finish(12));
        assert!(!inbound.finish(13), "it was 12");
    }

    #[test]
    fn a_full_buffer_takes_a_position_of_all_its_bytes() {
        for size in [1 << 12, 1 << 17] {
            let mut inbound = Inbound::new(size);
            let bytes = vec![5; size];
            inbound.arrive(0, &bytes);
            let half = size as u32 / 2;
            inbound.notify(half);
            inbound.notify(size as u32 - 1);
            assert_eq!(inbound.n_available(), size - 1);
        }
    }
}
