//! Packets that were received together, in one buffer that is used again and again.

use std::io;
use std::ops::Range;

use p4rmt_pipeline::Arriving;

/// The longest packet that is received, in bytes.
const MAX_PACKET: usize = 65_535;

/// Packets in the order in which they were received.
#[derive(Debug, Default)]
pub struct Burst {
    /// Room; `used` bytes of it are packets.
    buffer: Vec<u8>,
    used: usize,
    packets: Vec<(u16, Range<usize>)>,
    /// Where the packets that are received now arrive.
    port: u16,
}

impl Burst {
    /// Adds a packet.
    pub fn push(&mut self, packet: &[u8]) {
        let end = self.used + packet.len();
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        self.buffer[self.used..end].copy_from_slice(packet);
        self.add(packet.len());
    }

    /// Adds the packet that `read` puts at the front of the room that it is given, with as many bytes as it says.
    ///
    /// # Errors
    /// That of `read`; nothing is added then.
    pub fn read<E>(&mut self, read: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<(), E> {
        let end = self.used + MAX_PACKET;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        let len = read(&mut self.buffer[self.used..end])?;
        self.add(len.min(MAX_PACKET));
        Ok(())
    }

    fn add(&mut self, len: usize) {
        let start = self.used;
        self.used += len;
        self.packets.push((self.port, start..self.used));
    }

    /// How many packets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The packets, in order.
    pub fn packets(&self) -> impl Iterator<Item = &[u8]> {
        let packets = self.packets.iter();
        packets.map(|(_, range)| &self.buffer[range.clone()])
    }

    /// Forgets all packets.
    pub fn clear(&mut self) {
        self.used = 0;
        self.packets.clear();
    }

    /// Receives from a port. Says how many packets and bytes came.
    pub(crate) fn receive(
        &mut self,
        port: u16,
        receive: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<(u64, u64)> {
        let before = (self.packets.len(), self.used);
        self.port = port;
        receive(self)?;
        let n_packets = self.packets.len() - before.0;
        Ok((n_packets as u64, (self.used - before.1) as u64))
    }

    /// The packets as they arrive at a device, none before a clock.
    pub(crate) fn arriving(&self, not_before: u64) -> Vec<Arriving<'_>> {
        let packets = self.packets.iter();
        let arriving = packets.map(|(port, range)| Arriving {
            not_before,
            port: *port,
            bytes: &self.buffer[range.clone()],
        });
        arriving.collect()
    }
}
