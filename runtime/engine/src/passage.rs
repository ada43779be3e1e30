//! Packets that run through a whole gress at once, one behind the other, across its traffic manager: what goes in, and
//! what comes of them.
//!
//! One that asks for nothing but a port, or for none, leaves nothing behind but bytes, a place in the clock and the
//! state. So the next one can follow in the same call, and what has left lies in one piece of memory. The first that
//! asks for more is the last of its call.

use p4rmt_ir::{FieldId, GressRole};

use crate::{Microseconds, Outcome, Writer};

/// A packet that is to arrive.
#[derive(Clone, Copy, Debug)]
pub struct Arriving<'a> {
    /// The clock before which it does not.
    pub not_before: u64,
    /// At which port.
    pub port: u16,
    /// The packet.
    pub bytes: &'a [u8],
}

/// The way of a packet across the traffic manager of a whole gress. All fields are at most a word wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The fields that are given to a packet before it starts, and what.
    pub before: Vec<(FieldId, Given)>,
    /// The field with the port that it is to take. It is watched.
    pub port: FieldId,
    /// What stands there if it is to take none, in front of the traffic manager or behind it: it is dropped.
    pub no_port: u64,
    /// The fields that are zero unless it asks for more.
    pub zeros: Vec<FieldId>,
    /// The fields that become zero.
    pub cleared: Vec<FieldId>,
    /// The field that becomes its port.
    pub taken_port: Option<FieldId>,
    /// The field that becomes its length in bytes, as headers make it by then.
    pub length: Option<FieldId>,
    /// The fields that are given to it behind, and what.
    pub behind: Vec<(FieldId, Given)>,
}

/// What a packet is given that runs through. Times are those of [`Microseconds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Where it arrived.
    Port,
    /// Its length in bytes.
    Length,
    /// When it enters.
    EntryTime,
    /// When it enters the part behind the traffic manager: a clock later.
    ExitTime,
    /// The time between the two.
    TimeBetween,
}

impl Given {
    /// How many there are.
    pub const N: usize = 5;
}

/// What packets led to that ran through a gress.
#[derive(Clone, Debug)]
pub struct Passage {
    /// In: the clock of the next entry. Out: the same behind those that ran; if the last waits, its own entry.
    pub clock: u64,
    /// The clock as time.
    pub time: Microseconds,
    /// The number of the packet that is next.
    pub arrival: u64,
    /// Those that left, behind what was there.
    pub departures: Departures,
    /// Those that were dropped, behind what was there.
    pub dropped: Vec<DroppedPacket>,
    /// Messages to the control plane, added to what was there. The messages themselves are not kept.
    pub n_digests: u64,
    /// Of the last packet, if it waits or made a wrong claim: what else came of it.
    pub outcome: Outcome,
}

/// How far packets came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// How many ran.
    pub n_packets: usize,
    /// What is with the last of them.
    pub last: Last,
}

/// What is with the last packet that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Last {
    /// It left or was dropped.
    #[default]
    Gone,
    /// It waits in front of the traffic manager, as [`crate::Part::Front`] leaves it.
    Waits,
    /// It made a wrong claim.
    Claimed,
}

/// A packet that the program dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedPacket {
    /// Its number.
    pub arrival: u64,
    /// In front of the traffic manager ([`GressRole::Ingress`]) or behind.
    pub gress: GressRole,
    /// What wrote [`Crossing::port`] last.
    pub by: Writer,
}

/// Packets that left, one behind the other in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Departures {
    left: Vec<Left>,
    bytes: Vec<u8>,
}

/// A packet that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// The number of the arrival that it goes back to.
    pub arrival: u64,
    /// The clock at which its last pass began.
    pub clock: u64,
    /// Where.
    pub port: u16,
    /// Where its bytes end; they start where those of the one before it end.
    end: usize,
}

impl Passage {
    /// Nothing yet, at the beginning of a clock that ticks so often in a microsecond.
    #[must_use]
    pub fn new(clocks_per_us: u64) -> Self {
        Self {
            clock: 0,
            time: Microseconds::new(clocks_per_us),
            arrival: 0,
            departures: Departures::default(),
            dropped: Vec::new(),
            n_digests: 0,
            outcome: Outcome::default(),
        }
    }
}

impl Departures {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.left.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Bytes of all of them together.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// A packet leaves that lies elsewhere.
    #[inline]
    pub fn push(&mut self, arrival: u64, clock: u64, port: u16, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.push_written(arrival, clock, port);
    }

    /// A packet leaves that was written behind all others.
    #[inline]
    pub fn push_written(&mut self, arrival: u64, clock: u64, port: u16) {
        self.left.push(Left {
            arrival,
            clock,
            port,
            end: self.bytes.len(),
        });
    }

    /// Makes room for so many packets of so many bytes together.
    #[inline]
    pub fn reserve(&mut self, n_packets: usize, n_bytes: usize) {
        self.left.reserve(n_packets);
        self.bytes.reserve(n_bytes);
    }

    /// Where the next packet is written, whose bytes are to be added.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Each with its bytes, in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Left, &[u8])> {
        let mut start = 0;
        self.left.iter().map(move |left| {
            let bytes = &self.bytes[start..left.end];
            start = left.end;
            (*left, bytes)
        })
    }

    /// All are taken.
    pub fn clear(&mut self) {
        self.left.clear();
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_that_left_lie_one_behind_the_other() {
        let mut departures = Departures::default();
        departures.push(0, 3, 7, b"first");
        departures.push(1, 5, 8, b"");
        departures.bytes_mut().extend(b"third");
        departures.push_written(1, 6, 9);
        let found = departures.iter();
        let found: Vec<_> = found.map(|(left, bytes)| (left.port, bytes)).collect();
        assert_eq!(found, [(7, &b"first"[..]), (8, b""), (9, b"third")]);
        departures.clear();
        assert!(departures.is_empty());
    }
}
