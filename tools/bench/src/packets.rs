//! Packets in memory: those that arrive, and what is made of those that leave.

use std::hint::black_box;

/// Packets with the ports at which they arrive, one behind the other in one block of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packets {
    bytes: Vec<u8>,
    /// Port, start, end.
    places: Vec<(u16, usize, usize)>,
}

/// Where packets leave to. It touches each packet as a port would that sends it from where it lies.
#[derive(Debug, Default)]
pub struct Sink {
    /// How many packets left.
    pub n_packets: u64,
    /// How many bytes.
    pub n_bytes: u64,
    kept: Option<Packets>,
}

impl Packets {
    /// Adds a packet.
    pub fn push(&mut self, port: u16, packet: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend(packet);
        self.places.push((port, start, self.bytes.len()));
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// All of them, in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u16, &[u8])> {
        let places = self.places.iter();
        places.map(|(port, start, end)| (*port, &self.bytes[*start..*end]))
    }

    /// One of them.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<(u16, &[u8])> {
        let (port, start, end) = *self.places.get(index)?;
        Some((port, &self.bytes[start..end]))
    }

    /// Those of one port, in order.
    pub(crate) fn of_port(&self, port: u16) -> Vec<&[u8]> {
        let packets = self.iter().filter(|(found, _)| *found == port);
        packets.map(|(_, packet)| packet).collect()
    }
}

impl Sink {
    /// A sink that keeps what leaves.
    #[must_use]
    pub fn keeping() -> Self {
        Self {
            kept: Some(Packets::default()),
            ..Self::default()
        }
    }

    /// A packet leaves.
    #[inline]
    pub fn packet(&mut self, port: u16, packet: &[u8]) {
        self.n_packets += 1;
        self.n_bytes += packet.len() as u64;
        black_box((port, packet));
        if let Some(kept) = &mut self.kept {
            kept.push(port, packet);
        }
    }

    /// What left; nothing if it was not to be kept.
    #[must_use]
    pub fn into_packets(self) -> Packets {
        self.kept.unwrap_or_default()
    }
}
