//! Packets as they stand on the wires around Laminar: TCP segments on the network's side, RoCEv2
//! writes on the host's. Built and read by this file alone, so that nothing that the pipe does can
//! hide in it.

/// Who speaks to whom, from the sender's point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Source and destination MAC address.
    pub macs: [[u8; 6]; 2],
    /// Source and destination IPv4 address.
    pub ips: [[u8; 4]; 2],
}

impl Path {
    /// The path back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            macs: [self.macs[1], self.macs[0]],
            ips: [self.ips[1], self.ips[0]],
        }
    }
}

/// TCP flags, as they stand in the header.
pub mod flags {
    /// No more data.
    pub const FIN: u8 = 0x01;
    /// Start of a connection.
    pub const SYN: u8 = 0x02;
    /// Abort.
    pub const RST: u8 = 0x04;
    /// Deliver at once.
    pub const PSH: u8 = 0x08;
    /// The acknowledgment field counts.
    pub const ACK: u8 = 0x10;
    /// Echo of a congestion mark.
    pub const ECE: u8 = 0x40;
    /// Congestion window reduced.
    pub const CWR: u8 = 0x80;
}

/// A TCP segment over IPv4 over Ethernet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpSegment {
    /// From whom to whom.
    pub path: Path,
    /// Source and destination port.
    pub ports: [u16; 2],
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// See [`flags`].
    pub flags: u8,
    /// The window field as it stands, unscaled.
    pub window: u16,
    /// ECN bits of the IPv4 header: 3 is congestion experienced.
    pub ecn: u8,
    /// Bytes of TCP options, a multiple of 4.
    pub options: Vec<u8>,
    /// Data.
    pub payload: Vec<u8>,
}

/// An RDMA write of an unreliable connection, over UDP over IPv4 over Ethernet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdmaWrite {
    /// From whom to whom.
    pub path: Path,
    /// The queue pair that it is for; 24 bits.
    pub queue_pair: u32,
    /// Packet sequence number; 24 bits.
    pub sequence: u32,
    /// Virtual address.
    pub address: u64,
    /// Remote key.
    pub rkey: u32,
    /// Immediate data, if it notifies.
    pub immediate: Option<u32>,
    /// Data, without padding.
    pub payload: Vec<u8>,
}

/// Why bytes are not the packet that they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The packet ends too early.
    #[error("the packet ends after {len} bytes, in its `{part}`")]
    Short {
        /// Bytes that there are.
        len: usize,
        /// Where it ends.
        part: &'static str,
    },
    /// A field has a value that it must not have.
    #[error("`{field}` is {found:#x}, not {expected:#x}")]
    Field {
        /// Which.
        field: &'static str,
        /// What it is.
        found: u64,
        /// What it must be.
        expected: u64,
    },
}

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const TCP: usize = 20;
const UDP: usize = 8;
const BTH: usize = 12;
const RETH: usize = 16;
const IMMEDIATE: usize = 4;
const ICRC: usize = 4;
const ROCE_PORT: u16 = 4791;

impl TcpSegment {
    /// The packet, with valid checksums.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let tcp_len = TCP + self.options.len() + self.payload.len();
        let mut bytes = ethernet_and_ipv4(self.path, self.ecn, 6, tcp_len);
        let tcp_at = bytes.len();
        bytes.extend(self.ports[0].to_be_bytes());
        bytes.extend(self.ports[1].to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        let words = (TCP + self.options.len()) / 4;
        bytes.push(u8::try_from(words << 4).expect("at most 40 bytes of options"));
        bytes.push(self.flags);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.options);
        bytes.extend(&self.payload);
        let checksum = !tcp_sum(&bytes[ETHERNET + 12..ETHERNET + IPV4], &bytes[tcp_at..]);
        bytes[tcp_at + 16..tcp_at + 18].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    /// Reads a packet; both checksums must be right.
    ///
    /// # Errors
    /// Where it is not a TCP segment, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let (path, ecn, body) = read_ipv4(bytes, 6)?;
        let addresses = &bytes[ETHERNET + 12..ETHERNET + IPV4];
        let header = part(body, 0, TCP, "TCP header")?;
        expect("TCP checksum", tcp_sum(addresses, body), 0xffff_u16)?;
        let header_len = usize::from(header[12] >> 4) * 4;
        let options = part(body, TCP, header_len.saturating_sub(TCP), "TCP options")?;
        Ok(Self {
            path,
            ports: [be16(header, 0), be16(header, 2)],
            seq: be32(header, 4),
            ack: be32(header, 8),
            flags: header[13],
            window: be16(header, 14),
            ecn,
            options: options.to_vec(),
            payload: body[TCP + options.len()..].to_vec(),
        })
    }
}

impl RdmaWrite {
    /// The packet, with padding and a valid ICRC.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let padding = self.payload.len().wrapping_neg() % 4;
        let immediate = if self.immediate.is_some() {
            IMMEDIATE
        } else {
            0
        };
        let body = BTH + RETH + immediate + self.payload.len() + padding + ICRC;
        let mut bytes = ethernet_and_ipv4(self.path, 0, 17, UDP + body);
        bytes.extend(0xc000_u16.to_be_bytes());
        bytes.extend(ROCE_PORT.to_be_bytes());
        bytes.extend(narrow16(UDP + body).to_be_bytes());
        bytes.extend([0; 2]);
        bytes.push(if self.immediate.is_some() { 0x2b } else { 0x2a });
        bytes.push(u8::try_from(padding << 4).expect("at most 3 bytes of padding"));
        bytes.extend(0xffff_u16.to_be_bytes());
        bytes.extend(self.queue_pair.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.address.to_be_bytes());
        bytes.extend(self.rkey.to_be_bytes());
        let len = u32::try_from(self.payload.len()).expect("a packet is shorter than 2^32 bytes");
        bytes.extend(len.to_be_bytes());
        bytes.extend(
            self.immediate
                .iter()
                .flat_map(|immediate| immediate.to_be_bytes()),
        );
        bytes.extend(&self.payload);
        bytes.extend(&[0; 3][..padding]);
        bytes.extend(icrc(&bytes).to_le_bytes());
        bytes
    }

    /// Reads a packet; its checksums must be right.
    ///
    /// # Errors
    /// Where it is not such a write, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let (path, _, udp) = read_ipv4(bytes, 17)?;
        let header = part(udp, 0, UDP, "UDP header")?;
        expect("UDP destination port", be16(header, 2), ROCE_PORT)?;
        expect("UDP length", be16(header, 4), narrow16(udp.len()))?;
        let bth = part(udp, UDP, BTH, "BTH")?;
        let has_immediate = match bth[0] {
            0x2a => false,
            0x2b => true,
            opcode => return Err(field("BTH opcode", opcode, 0x2a_u8)),
        };
        let reth = part(udp, UDP + BTH, RETH, "RETH")?;
        let mut at = UDP + BTH + RETH;
        let mut immediate = None;
        if has_immediate {
            immediate = Some(be32(part(udp, at, IMMEDIATE, "immediate data")?, 0));
            at += IMMEDIATE;
        }
        let len = be32(reth, 12) as usize;
        let payload = part(udp, at, len, "payload")?;
        let padding = usize::from(bth[1] >> 4 & 3);
        let icrc_at = at + len + padding;
        let found = u32::from_le_bytes(
            part(udp, icrc_at, ICRC, "ICRC")?
                .try_into()
                .expect("four bytes were asked for"),
        );
        expect(
            "end of the packet",
            udp.len() as u64,
            (icrc_at + ICRC) as u64,
        )?;
        let end = ETHERNET + IPV4 + icrc_at;
        expect("ICRC", found, icrc(&bytes[..end]))?;
        Ok(Self {
            path,
            queue_pair: be32(bth, 4) & 0xff_ffff,
            sequence: be32(bth, 8) & 0xff_ffff,
            address: u64::from(be32(reth, 0)) << 32 | u64::from(be32(reth, 4)),
            rkey: be32(reth, 8),
            immediate,
            payload: payload.to_vec(),
        })
    }
}

fn ethernet_and_ipv4(path: Path, ecn: u8, protocol: u8, body_len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ETHERNET + IPV4 + body_len);
    bytes.extend(path.macs[1]);
    bytes.extend(path.macs[0]);
    bytes.extend([0x08, 0x00, 0x45, ecn]);
    bytes.extend(narrow16(IPV4 + body_len).to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    bytes.extend(path.ips[0]);
    bytes.extend(path.ips[1]);
    let checksum = !ones_sum(0, &bytes[ETHERNET..]);
    bytes[ETHERNET + 10..ETHERNET + 12].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// The path, the ECN bits, and what is behind the IPv4 header up to its total length.
fn read_ipv4(bytes: &[u8], protocol: u8) -> Result<(Path, u8, &[u8]), WireError> {
    let header = part(bytes, ETHERNET, IPV4, "IPv4 header")?;
    expect("EtherType", be16(bytes, 12), 0x0800_u16)?;
    expect("IPv4 version and header length", header[0], 0x45_u8)?;
    expect("IPv4 protocol", header[9], protocol)?;
    expect("IPv4 checksum", ones_sum(0, header), 0xffff_u16)?;
    let total = usize::from(be16(header, 2));
    let body = part(
        bytes,
        ETHERNET + IPV4,
        total.saturating_sub(IPV4),
        "IPv4 payload",
    )?;
    let array = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
    let mac = |at: usize| {
        let mut mac = [0; 6];
        mac.copy_from_slice(&bytes[at..at + 6]);
        mac
    };
    Ok((
        Path {
            macs: [mac(6), mac(0)],
            ips: [array(12), array(16)],
        },
        header[1] & 3,
        body,
    ))
}

/// The one's-complement sum of RFC 1071, folded.
fn ones_sum(start: u32, bytes: &[u8]) -> u16 {
    let sum = bytes.chunks(2).fold(u64::from(start), |sum, pair| {
        sum + u64::from(pair[0]) * 256 + u64::from(*pair.get(1).unwrap_or(&0))
    });
    let mut sum = sum;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).expect("the sum is folded")
}

/// The sum over the pseudo header (`addresses` are both IPv4 addresses) and the segment.
fn tcp_sum(addresses: &[u8], segment: &[u8]) -> u16 {
    let pseudo = u32::from(ones_sum(0, addresses)) + 6 + u32::from(narrow16(segment.len()));
    ones_sum(pseudo, segment)
}

/// The invariant CRC of a RoCEv2 packet without it: CRC-32 over eight bytes of ones and the packet
/// from its IPv4 header on, with every field that may change on the way set to ones.
fn icrc(bytes: &[u8]) -> u32 {
    let mut masked = vec![0xff; 8];
    masked.extend(&bytes[ETHERNET..]);
    let ipv4 = 8;
    let udp = ipv4 + IPV4;
    let bth = udp + UDP;
    for at in [
        ipv4 + 1,
        ipv4 + 8,
        ipv4 + 10,
        ipv4 + 11,
        udp + 6,
        udp + 7,
        bth + 4,
    ] {
        masked[at] = 0xff;
    }
    crc32fast::hash(&masked)
}

fn part<'a>(
    bytes: &'a [u8],
    at: usize,
    len: usize,
    name: &'static str,
) -> Result<&'a [u8], WireError> {
    let short = WireError::Short {
        len: bytes.len(),
        part: name,
    };
    let end = at.checked_add(len).ok_or(short.clone())?;
    bytes.get(at..end).ok_or(short)
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from(be16(bytes, at)) << 16 | u32::from(be16(bytes, at + 2))
}

fn narrow16(len: usize) -> u16 {
    u16::try_from(len).expect("a packet is shorter than 64 KiB")
}

fn field<T: Into<u64>>(field: &'static str, found: T, expected: T) -> WireError {
    WireError::Field {
        field,
        found: found.into(),
        expected: expected.into(),
    }
}

fn expect<T: Into<u64> + Copy + PartialEq>(
    name: &'static str,
    found: T,
    expected: T,
) -> Result<(), WireError> {
    if found == expected {
        Ok(())
    } else {
        Err(field(name, found, expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: Path = Path {
        macs: [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]],
        ips: [[10, 0, 0, 1], [10, 0, 0, 2]],
    };

    #[test]
    fn segment_survives_the_wire() {
        let segment = TcpSegment {
            path: PATH,
            ports: [10000, 20000],
            seq: 1000,
            ack: 5000,
            flags: flags::ACK | flags::PSH,
            window: 65535,
            ecn: 3,
            options: vec![1, 1, 1, 0],
            payload: b"abc".to_vec(),
        };
        let bytes = segment.to_bytes();
        assert_eq!(TcpSegment::from_bytes(&bytes), Ok(segment));
        for at in ETHERNET..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            assert!(
                TcpSegment::from_bytes(&damaged).is_err(),
                "damage at byte {at} is seen"
            );
        }
    }

    #[test]
    fn write_survives_the_wire() {
        let write = RdmaWrite {
            path: PATH,
            queue_pair: 0x11,
            sequence: 7,
            address: 0x1_0000_0000,
            rkey: 0x1000,
            immediate: Some(42),
            payload: b"hello".to_vec(),
        };
        let bytes = write.to_bytes();
        assert_eq!(
            bytes.len() % 4,
            ETHERNET % 4,
            "the payload is padded to 4 bytes"
        );
        assert_eq!(RdmaWrite::from_bytes(&bytes), Ok(write));
    }
}
