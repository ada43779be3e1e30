//! TCP segments (RFC 9293).

use std::net::SocketAddrV4;

use super::{Ipv4, Mac, be16, be32, ones_sum};
use crate::connection::Tuple;

/// Flags, as they stand in the header.
pub(crate) mod flags {
    pub(crate) const FIN: u8 = 0x01;
    pub(crate) const SYN: u8 = 0x02;
    pub(crate) const RST: u8 = 0x04;
    pub(crate) const ACK: u8 = 0x10;
    pub(crate) const ECE: u8 = 0x40;
    pub(crate) const CWR: u8 = 0x80;
}

const PROTOCOL: u8 = 6;
const HEADER: usize = 20;

/// A segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) src: SocketAddrV4,
    pub(crate) dst: SocketAddrV4,
    /// DSCP and ECN.
    pub(crate) tos: u8,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    /// As it stands, without scale.
    pub(crate) window: u16,
    pub(crate) options: &'a [u8],
    pub(crate) payload: &'a [u8],
}

/// What a SYN says in its options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SynOptions {
    pub(crate) mss: Option<u16>,
    pub(crate) scale: Option<u8>,
    /// Whether selective acknowledgments are permitted.
    pub(crate) permits_sack: bool,
}

impl<'a> Segment<'a> {
    /// Reads the segment of a packet; none if it is damaged.
    pub(crate) fn read(packet: &Ipv4<'a>) -> Option<Self> {
        let bytes = packet.payload;
        let fixed = bytes.get(..HEADER)?;
        let header_len = usize::from(fixed[12] >> 4) * 4;
        let options = bytes.get(HEADER..header_len)?;
        let pseudo = Ipv4::pseudo_sum(packet.src, packet.dst, PROTOCOL, bytes.len());
        if packet.protocol != PROTOCOL || ones_sum(pseudo, bytes) != 0xffff {
            return None;
        }
        Some(Self {
            src: SocketAddrV4::new(packet.src, be16(fixed, 0)),
            dst: SocketAddrV4::new(packet.dst, be16(fixed, 2)),
            tos: packet.tos,
            seq: be32(fixed, 4),
            ack: be32(fixed, 8),
            flags: fixed[13],
            window: be16(fixed, 14),
            options,
            payload: &bytes[header_len..],
        })
    }

    /// A segment of ours, without payload.
    pub(crate) fn of_ours(tuple: &Tuple, seq: u32, ack: u32, flags: u8, window: u16) -> Self {
        Self {
            src: tuple.local,
            dst: tuple.remote,
            tos: 0,
            seq,
            ack,
            flags,
            window,
            options: &[],
            payload: &[],
        }
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// How much of the stream it takes: its payload, a SYN and a FIN.
    pub(crate) fn len(&self) -> u32 {
        let n_flags = u32::from(self.has(flags::SYN)) + u32::from(self.has(flags::FIN));
        self.payload.len() as u32 + n_flags
    }

    /// The connection that it is of, as we see it.
    pub(crate) fn tuple(&self) -> Tuple {
        Tuple {
            local: self.dst,
            remote: self.src,
        }
    }

    /// A frame with this segment in it; `None` if it is longer than IPv4 can say.
    pub(crate) fn to_frame(self, macs: [Mac; 2]) -> Option<Vec<u8>> {
        let header_len = HEADER + self.options.len();
        let mut bytes = Vec::with_capacity(header_len + self.payload.len());
        bytes.extend(self.src.port().to_be_bytes());
        bytes.extend(self.dst.port().to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        // Options have at most 40 bytes.
        bytes.extend([(header_len as u8 / 4) << 4, self.flags]);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.options);
        bytes.extend(self.payload);
        let (src, dst) = (*self.src.ip(), *self.dst.ip());
        let checksum = !ones_sum(Ipv4::pseudo_sum(src, dst, PROTOCOL, bytes.len()), &bytes);
        bytes[16..18].copy_from_slice(&checksum.to_be_bytes());
        Ipv4 {
            macs,
            src,
            dst,
            tos: self.tos,
            protocol: PROTOCOL,
            payload: &bytes,
        }
        .to_frame()
    }
}

impl SynOptions {
    /// Reads options; those that are not known, and all behind a damaged one, are passed over.
    pub(crate) fn read(mut options: &[u8]) -> Self {
        let mut found = Self::default();
        while let Some((kind, rest)) = options.split_first() {
            match kind {
                0 => break,
                1 => options = rest,
                _ => {
                    let len = rest.first().map_or(0, |len| usize::from(*len));
                    let Some(option) = options.get(..len).filter(|_| len >= 2) else {
                        break;
                    };
                    match option {
                        [2, 4, high, low] => found.mss = Some(u16::from_be_bytes([*high, *low])),
                        // RFC 7323 takes a larger one for 14.
                        [3, 3, scale] => found.scale = Some((*scale).min(14)),
                        [4, 2] => found.permits_sack = true,
                        _ => {}
                    }
                    options = &options[len..];
                }
            }
        }
        found
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(mss) = self.mss {
            let [high, low] = mss.to_be_bytes();
            bytes.extend([2, 4, high, low]);
        }
        if let Some(scale) = self.scale {
            bytes.extend([1, 3, 3, scale]);
        }
        if self.permits_sack {
            bytes.extend([1, 1, 4, 2]);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Frame;

    #[test]
    fn a_segment_survives_the_wire_and_damage_is_seen() {
        let segment = Segment {
            src: "10.0.0.1:1000".parse().expect("an address"),
            dst: "10.0.0.2:80".parse().expect("an address"),
            tos: 3,
            seq: 0xffff_fff0,
            ack: 7,
            flags: flags::ACK | flags::FIN,
            window: 1000,
            options: &[1, 1, 1, 0],
            payload: b"odd",
        };
        let frame = segment.to_frame([[2; 6], [4; 6]]).expect("it is short");
        let Some(Frame::Ipv4(packet)) = Frame::read(&frame) else {
            panic!("it is IPv4");
        };
        assert_eq!(packet.macs, [[2; 6], [4; 6]]);
        assert_eq!(Segment::read(&packet), Some(segment));
        assert_eq!(segment.len(), 4);
        for at in 14..14 + 20 + 24 + 3 {
            let mut damaged = frame.clone();
            damaged[at] ^= 0x11;
            let read = match Frame::read(&damaged) {
                Some(Frame::Ipv4(packet)) => Segment::read(&packet).is_some(),
                _ => false,
            };
            assert!(!read, "damage at byte {at} is seen");
        }
        for len in 0..frame.len() - 1 {
            let short = &frame[..len];
            assert!(!matches!(Frame::read(short), Some(Frame::Ipv4(_))), "{len}");
        }
    }

    #[test]
    fn options_are_read_as_far_as_they_make_sense() {
        let check = |bytes: &[u8], mss, scale| {
            let found = SynOptions::read(bytes);
            assert_eq!((found.mss, found.scale), (mss, scale), "{bytes:?}");
            assert_eq!(found.permits_sack, bytes.first() == Some(&4));
        };
        check(&[], None, None);
        check(&[2, 4, 5, 0xb4, 1, 3, 3, 7], Some(1460), Some(7));
        check(
            &[4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 15],
            None,
            Some(14),
        );
        check(&[0, 2, 4, 5, 0xb4], None, None);
        check(&[2, 4, 5], None, None);
        check(&[2], None, None);
        check(&[9, 0, 2, 4, 5, 0xb4], None, None);
        check(&[9, 1, 2, 4, 5, 0xb4], None, None);
        check(&[2, 3, 5], None, None);
    }

    #[test]
    fn options_are_read_as_they_were_written() {
        for options in [
            SynOptions::default(),
            SynOptions {
                mss: Some(1460),
                scale: None,
                permits_sack: true,
            },
            SynOptions {
                mss: Some(9000),
                scale: Some(14),
                permits_sack: false,
            },
        ] {
            assert_eq!(SynOptions::read(&options.to_bytes()), options);
        }
    }
}
