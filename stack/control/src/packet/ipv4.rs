//! IPv4 (RFC 791), without fragments.

use std::net::Ipv4Addr;

use super::{ETHERNET, ETHERTYPE_IPV4, MIN_FRAME, Mac, be16, ethernet, mac_at, ones_sum};

/// An IPv4 packet in its frame, whole and with a right header checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ipv4<'a> {
    /// Destination and source, as in the frame.
    pub(crate) macs: [Mac; 2],
    pub(crate) src: Ipv4Addr,
    pub(crate) dst: Ipv4Addr,
    /// DSCP and ECN.
    pub(crate) tos: u8,
    pub(crate) protocol: u8,
    pub(crate) payload: &'a [u8],
}

const HEADER: usize = 20;

impl<'a> Ipv4<'a> {
    pub(crate) fn read(frame: &'a [u8]) -> Option<Self> {
        let packet = frame.get(ETHERNET..)?;
        let fixed = packet.get(..HEADER)?;
        let header_len = usize::from(fixed[0] & 15) * 4;
        let total = usize::from(be16(fixed, 2));
        let header = packet.get(..header_len)?;
        let payload = packet.get(header_len..total)?;
        let is_whole = be16(fixed, 6) & 0x3fff == 0;
        let is_right = fixed[0] >> 4 == 4 && header_len >= HEADER && ones_sum(0, header) == 0xffff;
        let ip = |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
        (is_whole && is_right).then(|| Self {
            macs: [mac_at(frame, 0), mac_at(frame, 6)],
            src: ip(12),
            dst: ip(16),
            tos: fixed[1],
            protocol: fixed[9],
            payload,
        })
    }

    /// A frame with this packet in it; `None` if it is longer than IPv4 can say.
    pub(crate) fn to_frame(self) -> Option<Vec<u8>> {
        let total = u16::try_from(HEADER + self.payload.len()).ok()?;
        let mut frame = ethernet(self.macs[0], self.macs[1], ETHERTYPE_IPV4);
        frame.extend([0x45, self.tos]);
        frame.extend(total.to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, self.protocol, 0, 0]);
        frame.extend(self.src.octets());
        frame.extend(self.dst.octets());
        let checksum = !ones_sum(0, &frame[ETHERNET..]);
        frame[ETHERNET + 10..ETHERNET + 12].copy_from_slice(&checksum.to_be_bytes());
        frame.extend(self.payload);
        frame.resize(frame.len().max(MIN_FRAME), 0);
        Some(frame)
    }

    /// The sum that a transport checksum begins with.
    pub(super) fn pseudo_sum(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, len: usize) -> u32 {
        let mut addresses = [0; 8];
        addresses[..4].copy_from_slice(&src.octets());
        addresses[4..].copy_from_slice(&dst.octets());
        // A segment is shorter than 64 KiB.
        u32::from(ones_sum(0, &addresses)) + u32::from(protocol) + len as u32
    }
}
