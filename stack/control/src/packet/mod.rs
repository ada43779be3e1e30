//! Packets that come to the control plane's port, and those that it sends: read with every length checked, written
//! with every checksum.

mod arp;
mod icmp;
mod ipv4;
mod tcp;

pub(crate) use arp::{Arp, ArpOperation};
pub(crate) use icmp::echo_reply;
pub(crate) use ipv4::Ipv4;
pub(crate) use tcp::{Segment, SynOptions, flags};

use p4rmt_wire::Notice;

/// A MAC address.
pub(crate) type Mac = [u8; 6];

/// Everybody's MAC address.
pub(crate) const BROADCAST: Mac = [0xff; 6];

const ETHERNET: usize = 14;
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
/// The shortest frame, without its check sequence.
const MIN_FRAME: usize = 60;

/// A frame that came.
#[derive(Clone, Debug)]
pub(crate) enum Frame<'a> {
    Arp(Arp),
    Ipv4(Ipv4<'a>),
    Notice(Notice),
}

impl<'a> Frame<'a> {
    /// Reads a frame; none if it is damaged, or nothing that the control plane knows.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_at_checked(ETHERNET)?;
        match [header[12], header[13]] {
            ETHERTYPE_IPV4 => Ipv4::read(bytes).map(Self::Ipv4),
            ETHERTYPE_ARP => Arp::read(body).map(Self::Arp),
            _ => Notice::parse(bytes).ok().map(Self::Notice),
        }
    }
}

/// An Ethernet header, behind which a packet is to come.
fn ethernet(dst: Mac, src: Mac, ether_type: [u8; 2]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(MIN_FRAME);
    frame.extend(dst);
    frame.extend(src);
    frame.extend(ether_type);
    frame
}

/// The MAC address of a frame whose header is there.
fn mac_at(frame: &[u8], at: usize) -> Mac {
    let mut mac = [0; 6];
    mac.copy_from_slice(&frame[at..at + 6]);
    mac
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from(be16(bytes, at)) << 16 | u32::from(be16(bytes, at + 2))
}

/// The one's-complement sum of RFC 1071, folded.
fn ones_sum(start: u32, bytes: &[u8]) -> u16 {
    let mut sum = u64::from(start);
    for pair in bytes.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
