//! Fixed-function units of ports: what a deparser cannot do and port hardware does.
//!
//! * [`PortUnit::Roce`]: RoCEv2 over IPv4 over Ethernet, untagged. The IPv4 total length that the
//!   program writes is the one on the wire, padding and ICRC included, as is the UDP length. Out: the
//!   frame is cut where its data end (total length, less ICRC, less the pad count of the BTH), padding
//!   of zeros and the ICRC follow. A frame that is shorter than that cannot be completed and is
//!   dropped. In: what follows the total length (Ethernet padding) is cut off, the ICRC is verified
//!   and stripped, and so is the padding; all length fields stay as they were. A wrong ICRC drops
//!   and counts.
//! * [`PortUnit::TcpChecksum`]: TCP over IPv4 over Ethernet, untagged. Out: the checksum is filled in,
//!   over the segment that the total length gives. In: it is verified; a wrong one drops and counts.
//!
//! Every other packet passes untouched. Neither unit looks at the IPv4 header checksum.
//!
//! The ICRC is the CRC-32 of Ethernet, sent lowest byte first, over eight bytes of ones and the packet
//! from its IPv4 header to the end of its padding, with ones in place of the fields that may change on
//! the way: type of service, time to live, IPv4 header checksum, UDP checksum, and the fifth byte of
//! the BTH (the RoCEv2 annex of the InfiniBand specification).

use thiserror::Error;

use crate::Packet;

/// A unit of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortUnit {
    /// Completes and checks RoCEv2 packets.
    Roce,
    /// Completes and checks TCP checksums.
    TcpChecksum,
}

/// Why a unit drops a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum PortUnitFault {
    /// The frame ends before the length in its IPv4 header.
    #[error("the packet ends before its IPv4 total length")]
    Truncated,
    /// The lengths leave no room for the headers.
    #[error("the IPv4 total length leaves no room for the headers")]
    TooShort,
    /// The invariant CRC is wrong.
    #[error("the ICRC is wrong")]
    WrongIcrc,
    /// The checksum is wrong.
    #[error("the TCP checksum is wrong")]
    WrongTcpChecksum,
}

const ETHERNET: usize = 14;
/// The longest IPv4 header.
const MAX_IPV4: usize = 60;
const UDP: usize = 8;
const BTH: usize = 12;
const ICRC: usize = 4;
const MIN_TCP: usize = 20;
const ROCE_PORT: u16 = 4791;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;

impl PortUnit {
    /// Completes a packet that leaves.
    ///
    /// # Errors
    /// Why it cannot be completed, and is dropped.
    pub fn send(self, packet: &mut Packet) -> Result<(), PortUnitFault> {
        let Some(ip) = Ipv4::of(packet) else {
            return Ok(());
        };
        match self {
            Self::Roce if ip.is_roce(packet) => send_roce(ip, packet),
            Self::TcpChecksum if ip.is_tcp(packet) => send_tcp(ip, packet),
            Self::Roce | Self::TcpChecksum => Ok(()),
        }
    }

    /// Checks a packet that arrives, and strips what the unit of the other end added.
    ///
    /// # Errors
    /// Why it is dropped.
    pub fn receive(self, packet: &mut Packet) -> Result<(), PortUnitFault> {
        let Some(ip) = Ipv4::of(packet) else {
            return Ok(());
        };
        match self {
            Self::Roce if ip.is_roce(packet) => receive_roce(ip, packet),
            Self::TcpChecksum if ip.is_tcp(packet) => receive_tcp(ip, packet),
            Self::Roce | Self::TcpChecksum => Ok(()),
        }
    }
}

/// Where an unfragmented IPv4 packet has its parts.
#[derive(Clone, Copy)]
struct Ipv4 {
    /// Where its payload starts.
    payload: usize,
    /// Where its total length says that it ends; it may lie beyond the frame.
    end: usize,
}

impl Ipv4 {
    /// Finds them; none if the frame is no such packet.
    fn of(frame: &[u8]) -> Option<Self> {
        let header = frame.get(ETHERNET..ETHERNET + 20)?;
        let is_ipv4 = frame[12..14] == [0x08, 0x00] && header[0] >> 4 == 4;
        // More fragments, or not the first one: neither has all of what the units work on.
        let is_fragment = be16(header, 6) & 0x3fff != 0;
        let payload = ETHERNET + usize::from(header[0] & 15) * 4;
        let is_whole = payload >= ETHERNET + 20 && frame.len() >= payload;
        (is_ipv4 && !is_fragment && is_whole).then(|| Self {
            payload,
            end: ETHERNET + usize::from(be16(header, 2)),
        })
    }

    fn protocol(frame: &[u8]) -> u8 {
        frame[ETHERNET + 9]
    }

    fn is_tcp(self, frame: &[u8]) -> bool {
        Self::protocol(frame) == PROTOCOL_TCP && frame.len() >= self.payload + MIN_TCP
    }

    fn is_roce(self, frame: &[u8]) -> bool {
        Self::protocol(frame) == PROTOCOL_UDP
            && frame.len() >= self.payload + UDP + BTH
            && be16(frame, self.payload + 2) == ROCE_PORT
    }

    /// The pad count of the BTH.
    fn padding(self, frame: &[u8]) -> usize {
        usize::from(frame[self.payload + UDP + 1] >> 4 & 3)
    }

    /// Where the data end: before padding and ICRC.
    fn data_end(self, frame: &[u8]) -> Result<usize, PortUnitFault> {
        let end = self.end.checked_sub(ICRC + self.padding(frame));
        end.filter(|end| *end >= self.payload + UDP + BTH)
            .ok_or(PortUnitFault::TooShort)
    }
}

fn send_roce(ip: Ipv4, packet: &mut Packet) -> Result<(), PortUnitFault> {
    let data_end = ip.data_end(packet)?;
    if packet.len() < data_end {
        return Err(PortUnitFault::Truncated);
    }
    let padding = ip.padding(packet);
    packet.truncate(data_end);
    packet.extend_from_slice(&[0; 3][..padding]);
    let icrc = icrc(ip, packet);
    packet.extend_from_slice(&icrc.to_le_bytes());
    Ok(())
}

fn receive_roce(ip: Ipv4, packet: &mut Packet) -> Result<(), PortUnitFault> {
    let data_end = ip.data_end(packet)?;
    let icrc_at = ip.end - ICRC;
    let found = packet
        .get(icrc_at..ip.end)
        .ok_or(PortUnitFault::Truncated)?;
    if found != icrc(ip, &packet[..icrc_at]).to_le_bytes() {
        return Err(PortUnitFault::WrongIcrc);
    }
    packet.truncate(data_end);
    Ok(())
}

/// The ICRC of a frame that ends with its padding.
fn icrc(ip: Ipv4, frame: &[u8]) -> u32 {
    let headers_end = ip.payload + UDP + BTH;
    // Eight bytes of ones, then the headers, in one piece.
    let mut headers = [0xff; 8 + MAX_IPV4 + UDP + BTH];
    let headers = &mut headers[..8 + headers_end - ETHERNET];
    headers[8..].copy_from_slice(&frame[ETHERNET..headers_end]);
    let udp = ip.payload - ETHERNET;
    for at in [1, 8, 10, 11, udp + 6, udp + 7, udp + UDP + 4] {
        headers[8 + at] = 0xff;
    }
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(headers);
    hasher.update(&frame[headers_end..]);
    hasher.finalize()
}

fn send_tcp(ip: Ipv4, packet: &mut [u8]) -> Result<(), PortUnitFault> {
    let segment = ip.payload..ip.end;
    if segment.len() < MIN_TCP {
        return Err(PortUnitFault::TooShort);
    }
    if packet.len() < ip.end {
        return Err(PortUnitFault::Truncated);
    }
    let field = ip.payload + 16;
    packet[field..field + 2].fill(0);
    let checksum = !tcp_sum(ip, packet);
    packet[field..field + 2].copy_from_slice(&checksum.to_be_bytes());
    Ok(())
}

fn receive_tcp(ip: Ipv4, packet: &[u8]) -> Result<(), PortUnitFault> {
    let segment = ip.payload..ip.end;
    if segment.len() < MIN_TCP {
        return Err(PortUnitFault::TooShort);
    }
    if packet.len() < ip.end {
        return Err(PortUnitFault::Truncated);
    }
    if tcp_sum(ip, packet) != 0xffff {
        return Err(PortUnitFault::WrongTcpChecksum);
    }
    Ok(())
}

/// The one's-complement sum over pseudo header and segment.
fn tcp_sum(ip: Ipv4, frame: &[u8]) -> u16 {
    let segment = &frame[ip.payload..ip.end];
    let addresses = &frame[ETHERNET + 12..ETHERNET + 20];
    let length = segment.len() as u64;
    let rest = u64::from(PROTOCOL_TCP) + length;
    let sum = fold(sum_words(addresses) + sum_words(segment));
    // Such a sum turned around is the sum of words turned around (RFC 1071).
    fold(rest + u64::from(sum.swap_bytes()))
}

/// A sum of 16-bit words, with its carries.
fn fold(sum: u64) -> u16 {
    let halves = (sum & 0xffff_ffff) + (sum >> 32);
    let quarters = (halves & 0xffff) + (halves >> 16 & 0xffff) + (halves >> 32);
    let sum = (quarters & 0xffff) + (quarters >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

/// The sum of all 16-bit words, lowest byte first, zeros behind: modulo 2^16 - 1,
/// and zero only where all is. Words of 64 bits are summed, which comes to the same.
fn sum_words(bytes: &[u8]) -> u64 {
    let (words, left) = bytes.as_chunks::<8>();
    let (mut sum, mut n_carries) = (tail(bytes, left), 0);
    for word in words {
        let (more, is_over) = sum.overflowing_add(u64::from_le_bytes(*word));
        sum = more;
        n_carries += u64::from(is_over);
    }
    // What a carry stands for, 2^64, is 1 modulo 2^16 - 1.
    (sum & 0xffff_ffff) + (sum >> 32) + n_carries
}

/// The last bytes of a piece, up to seven, as a word, lowest byte first.
fn tail(bytes: &[u8], last: &[u8]) -> u64 {
    if last.is_empty() {
        return 0;
    }
    match bytes.last_chunk() {
        Some(word) => u64::from_le_bytes(*word) >> (64 - 8 * last.len()),
        None => last
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[cfg(test)]
mod tests;
