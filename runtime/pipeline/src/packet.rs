//! The bytes of a packet on its way through the device.
//!
//! There is room in front of them: what a device puts in front of a packet for its parser stands there, and
//! headers that a deparser emits take the places of those that were parsed, so that payload stays where it is. Buffers
//! of packets that are gone are used again.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A packet. It reads as its bytes.
#[derive(Clone, Default)]
pub struct Packet {
    /// What stands before and behind the packet is of no meaning.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// Bytes of room in front of a new packet.
const ROOM: usize = 192;

/// Bytes of room behind one that a new buffer has.
const TAIL: usize = 16;

impl Packet {
    /// A packet of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self::in_buffer(Vec::new(), bytes)
    }

    /// The same in a buffer that was used before.
    #[inline]
    fn in_buffer(mut buffer: Vec<u8>, bytes: &[u8]) -> Self {
        let end = ROOM + bytes.len();
        if buffer.len() < end {
            lengthen(&mut buffer, end);
        }
        buffer[ROOM..end].copy_from_slice(bytes);
        Self {
            buffer,
            start: ROOM,
            end,
        }
    }

    /// Its bytes alone.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        self.buffer.truncate(self.end);
        self.buffer.drain(..self.start);
        self.buffer
    }

    /// The bytes in front of it, which do not belong to it, to be written.
    #[inline]
    pub(crate) fn front_mut(&mut self, n_bytes: usize) -> &mut [u8] {
        if n_bytes > self.start {
            self.make_room(n_bytes);
        }
        &mut self.buffer[self.start - n_bytes..self.start]
    }

    /// Puts bytes in front that do not belong to it.
    #[inline]
    pub(crate) fn put_in_front(&mut self, front: &[u8]) {
        self.front_mut(front.len()).copy_from_slice(front);
    }

    /// It and so many bytes that were put in front of it.
    #[inline]
    pub(crate) fn with_front(&self, n_bytes: usize) -> &[u8] {
        &self.buffer[self.start - n_bytes..self.end]
    }

    /// Puts other bytes in the place of its first `n_bytes`.
    #[inline]
    pub(crate) fn replace_front(&mut self, n_bytes: usize, front: &[u8]) {
        self.start += n_bytes.min(self.len());
        self.put_in_front(front);
        self.start -= front.len();
    }

    /// Room for so many bytes in front, more than there is.
    #[cold]
    fn make_room(&mut self, n_bytes: usize) {
        let more = n_bytes - self.start + ROOM;
        self.buffer.splice(..0, std::iter::repeat_n(0, more));
        self.start += more;
        self.end += more;
    }

    /// Cuts it to this many bytes, if it is longer.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start.saturating_add(len));
    }

    /// Appends bytes.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        if self.buffer.len() < end {
            lengthen(&mut self.buffer, end);
        }
        self.buffer[self.end..end].copy_from_slice(bytes);
        self.end = end;
    }
}

/// A buffer is long enough, and for a little more.
#[cold]
fn lengthen(buffer: &mut Vec<u8>, needed: usize) {
    buffer.resize(needed + TAIL, 0);
}

impl Deref for Packet {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }
}

impl DerefMut for Packet {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..self.end]
    }
}

impl From<Vec<u8>> for Packet {
    fn from(buffer: Vec<u8>) -> Self {
        Self {
            start: 0,
            end: buffer.len(),
            buffer,
        }
    }
}

/// Bytes are compared, not the room in front of them.
impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Packet {}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self[..].fmt(f)
    }
}

/// Buffers that wait to be used again.
#[derive(Debug, Default)]
pub(crate) struct PacketPool {
    buffers: Vec<Vec<u8>>,
}

/// No more buffers than this wait.
const MAX_WAITING: usize = 1024;

impl PacketPool {
    /// A packet of these bytes.
    #[inline]
    pub(crate) fn packet(&mut self, bytes: &[u8]) -> Packet {
        let buffer = self.buffers.pop().unwrap_or_default();
        Packet::in_buffer(buffer, bytes)
    }

    /// A packet is gone.
    #[inline]
    pub(crate) fn give_back(&mut self, packet: Packet) {
        if self.buffers.len() < MAX_WAITING {
            self.buffers.push(packet.buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_come_and_go_and_the_rest_stays() {
        let mut packet = Packet::new(b"header payload");
        packet.put_in_front(b"meta");
        assert_eq!(packet.with_front(4), b"metaheader payload");
        assert_eq!(&packet[..], b"header payload");
        packet.replace_front(6, b"longer header");
        assert_eq!(&packet[..], b"longer header payload");
        packet.truncate(13);
        packet.extend_from_slice(b"!");
        assert_eq!(packet, Packet::from(b"longer header!".to_vec()));
        assert_eq!(packet.into_vec(), b"longer header!");
    }

    #[test]
    fn room_is_made_where_there_is_none() {
        let mut packet = Packet::from(b"payload".to_vec());
        let front = vec![7; 1000];
        packet.put_in_front(&front);
        assert_eq!(packet.with_front(1000).len(), 1007);
        packet.replace_front(0, &front);
        assert_eq!(packet[..1000], front);
        assert_eq!(&packet[1000..], b"payload");
        packet.replace_front(5000, b"");
        assert!(packet.is_empty());
    }

    #[test]
    fn buffers_are_used_again() {
        let mut pool = PacketPool::default();
        let packet = pool.packet(&[1; 100]);
        let address = packet.as_ptr();
        pool.give_back(packet);
        let packet = pool.packet(&[2; 50]);
        assert_eq!(packet.as_ptr(), address);
        assert_eq!(packet[..], [2; 50]);
    }
}
