//! RDMA writes of an unreliable connection, as RoCEv2 carries them: Ethernet, IPv4, UDP port 4791, BTH, RETH,
//! immediate data if they notify, payload, padding to four bytes, ICRC.
//!
//! Writes of one packet only (opcodes 0x2A and 0x2B), without IPv4 options or a VLAN tag. What stands behind the
//! IPv4 total length is Ethernet's padding, and is not looked at.

use crate::WireError;
use crate::bytes::{Reader, expect};

const ETHERNET: usize = 14;
const IPV4: usize = 20;
const UDP: usize = 8;
const BTH: usize = 12;
const RETH: usize = 16;
const IMMEDIATE: usize = 4;
const ICRC: usize = 4;
const ETHERTYPE_IPV4: u16 = 0x0800;
const PROTOCOL_UDP: u8 = 17;
const ROCE_PORT: u16 = 4791;
/// Where writes come from; any port would do.
const SOURCE_PORT: u16 = 0xc000;
const WRITE_ONLY: u8 = 0x2a;
const WRITE_ONLY_WITH_IMMEDIATE: u8 = 0x2b;
const DEFAULT_PARTITION: u16 = 0xffff;
const DONT_FRAGMENT: u16 = 0x4000;

/// Queue pairs and packet sequence numbers have 24 bits.
pub const MASK_24_BITS: u32 = 0xff_ffff;

/// The longest payload of a write, in bytes: what an IPv4 packet has left beside headers, padding and ICRC.
pub const MAX_WRITE_BYTES: usize =
    u16::MAX as usize - IPV4 - UDP - BTH - RETH - IMMEDIATE - ICRC - 3;

/// Who speaks to whom, from the sender's point of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// The sender's MAC address.
    pub src_mac: [u8; 6],
    /// The receiver's MAC address.
    pub dst_mac: [u8; 6],
    /// The sender's IPv4 address.
    pub src_ip: [u8; 4],
    /// The receiver's IPv4 address.
    pub dst_ip: [u8; 4],
}

impl Path {
    /// The path back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            src_mac: self.dst_mac,
            dst_mac: self.src_mac,
            src_ip: self.dst_ip,
            dst_ip: self.src_ip,
        }
    }
}

/// An RDMA write, all but its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RdmaWrite {
    /// From whom to whom.
    pub path: Path,
    /// The queue pair that it is for; 24 bits.
    pub queue_pair: u32,
    /// Packet sequence number; 24 bits.
    pub sequence: u32,
    /// Virtual address of the payload's first byte.
    pub address: u64,
    /// The key of the memory.
    pub remote_key: u32,
    /// Immediate data, if it notifies.
    pub immediate: Option<u32>,
}

impl RdmaWrite {
    /// Reads a packet: the write, and its payload.
    ///
    /// # Errors
    /// Where it is no such write, its lengths do not agree, or it is damaged.
    pub fn parse(packet: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let mut reader = Reader(packet);
        let dst_mac = reader.array("Ethernet header")?;
        let src_mac = reader.array("Ethernet header")?;
        expect("EtherType", reader.u16("Ethernet header")?, ETHERTYPE_IPV4)?;
        let mut ipv4 = Reader(reader.0);
        let (src_ip, dst_ip, total) = parse_ipv4(&mut ipv4)?;
        let ip_packet = reader.take(total, "IPv4 packet")?;
        let mut reader = Reader(ip_packet);
        reader.take(IPV4, "IPv4 header")?;

        let udp_len = reader.0.len();
        reader.u16("UDP header")?;
        expect("UDP port", reader.u16("UDP header")?, ROCE_PORT)?;
        expect(
            "UDP length",
            usize::from(reader.u16("UDP header")?) as u64,
            udp_len as u64,
        )?;
        reader.u16("UDP header")?;

        let opcode = reader.u8("BTH")?;
        if opcode != WRITE_ONLY && opcode != WRITE_ONLY_WITH_IMMEDIATE {
            return Err(WireError::Unknown {
                field: "BTH opcode",
                found: opcode.into(),
            });
        }
        let padding = usize::from(reader.u8("BTH")? >> 4 & 3);
        reader.u16("BTH")?;
        let queue_pair = reader.u32("BTH")? & MASK_24_BITS;
        let sequence = reader.u32("BTH")? & MASK_24_BITS;
        let address = reader.u64("RETH")?;
        let remote_key = reader.u32("RETH")?;
        let len = reader.u32("RETH")?;
        let immediate = if opcode == WRITE_ONLY_WITH_IMMEDIATE {
            Some(reader.u32("immediate data")?)
        } else {
            None
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let payload = reader.take(len, "payload")?;
        reader.take(padding, "padding")?;
        let found = u32::from_le_bytes(reader.array("ICRC")?);
        expect("rest behind the ICRC", reader.0.len() as u64, 0)?;
        expect("ICRC", found, icrc(&ip_packet[..total - ICRC]))?;
        let path = Path {
            src_mac,
            dst_mac,
            src_ip,
            dst_ip,
        };
        let write = Self {
            path,
            queue_pair,
            sequence,
            address,
            remote_key,
            immediate,
        };
        Ok((write, payload))
    }

    /// Appends the packet with this payload, which may lie in two pieces, as that of a ring does.
    ///
    /// # Errors
    /// Where the payload is longer than [`MAX_WRITE_BYTES`]; then nothing is appended.
    pub fn emit(&self, payload: [&[u8]; 2], out: &mut Vec<u8>) -> Result<(), WireError> {
        let len = payload[0].len().saturating_add(payload[1].len());
        let (Ok(len_32), true) = (u32::try_from(len), len <= MAX_WRITE_BYTES) else {
            return Err(WireError::Long {
                needed: len,
                available: MAX_WRITE_BYTES,
            });
        };
        let padding = len_32.wrapping_neg() & 3;
        let immediate_len = if self.immediate.is_some() {
            IMMEDIATE
        } else {
            0
        };
        // Below 2^16, since the payload is at most `MAX_WRITE_BYTES`.
        let total = (IPV4 + UDP + BTH + RETH + immediate_len + ICRC) as u32 + len_32 + padding;
        let total = total as u16;
        out.reserve(ETHERNET + usize::from(total));
        out.extend(self.path.dst_mac);
        out.extend(self.path.src_mac);
        out.extend(ETHERTYPE_IPV4.to_be_bytes());
        let ip_at = out.len();
        self.emit_ipv4(total, out);
        out.extend(SOURCE_PORT.to_be_bytes());
        out.extend(ROCE_PORT.to_be_bytes());
        out.extend((total - IPV4 as u16).to_be_bytes());
        out.extend([0, 0]);
        out.push(match self.immediate {
            Some(_) => WRITE_ONLY_WITH_IMMEDIATE,
            None => WRITE_ONLY,
        });
        out.push((padding << 4) as u8);
        out.extend(DEFAULT_PARTITION.to_be_bytes());
        out.extend((self.queue_pair & MASK_24_BITS).to_be_bytes());
        out.extend((self.sequence & MASK_24_BITS).to_be_bytes());
        out.extend(self.address.to_be_bytes());
        out.extend(self.remote_key.to_be_bytes());
        out.extend(len_32.to_be_bytes());
        if let Some(immediate) = self.immediate {
            out.extend(immediate.to_be_bytes());
        }
        out.extend_from_slice(payload[0]);
        out.extend_from_slice(payload[1]);
        out.extend_from_slice(&[0; 3][..padding as usize]);
        let icrc = icrc(&out[ip_at..]);
        out.extend(icrc.to_le_bytes());
        Ok(())
    }

    fn emit_ipv4(&self, total: u16, out: &mut Vec<u8>) {
        let at = out.len();
        out.extend([0x45, 0]);
        out.extend(total.to_be_bytes());
        out.extend([0, 0]);
        out.extend(DONT_FRAGMENT.to_be_bytes());
        out.extend([64, PROTOCOL_UDP, 0, 0]);
        out.extend(self.path.src_ip);
        out.extend(self.path.dst_ip);
        let checksum = !ones_sum(&out[at..]);
        out[at + 10..at + 12].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// Both addresses and the total length, of a header without options.
fn parse_ipv4(reader: &mut Reader<'_>) -> Result<([u8; 4], [u8; 4], usize), WireError> {
    let header: [u8; IPV4] = reader.array("IPv4 header")?;
    expect("IPv4 version and header length", header[0], 0x45)?;
    expect("IPv4 checksum", ones_sum(&header), 0xffff)?;
    let mut fields = Reader(&header[2..]);
    let total = fields.u16("IPv4 header")?;
    fields.u16("IPv4 header")?;
    let fragment = fields.u16("IPv4 header")?;
    expect("IPv4 fragment", fragment & !DONT_FRAGMENT, 0)?;
    fields.u8("IPv4 header")?;
    expect("IPv4 protocol", fields.u8("IPv4 header")?, PROTOCOL_UDP)?;
    fields.u16("IPv4 header")?;
    let src_ip = fields.array("IPv4 header")?;
    let dst_ip = fields.array("IPv4 header")?;
    Ok((src_ip, dst_ip, usize::from(total)))
}

/// The one's-complement sum of RFC 1071 of bytes in pairs, folded.
fn ones_sum(bytes: &[u8]) -> u16 {
    let (pairs, _) = bytes.as_chunks::<2>();
    let mut sum: u32 = pairs
        .iter()
        .map(|pair| u32::from(u16::from_be_bytes(*pair)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// The invariant CRC of a packet from its IPv4 header on, without it: CRC-32 over eight bytes of ones and the packet,
/// with ones in every field that may change on the way: type of service, time to live, both checksums, and the
/// fifth byte of the BTH.
fn icrc(ip_packet: &[u8]) -> u32 {
    const MASKED: [usize; 7] = [1, 8, 10, 11, IPV4 + 6, IPV4 + 7, IPV4 + UDP + 4];
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[0xff; 8]);
    let Some((headers, rest)) = ip_packet.split_first_chunk::<{ IPV4 + UDP + BTH }>() else {
        hasher.update(ip_packet);
        return hasher.finalize();
    };
    let mut headers = *headers;
    for at in MASKED {
        headers[at] = 0xff;
    }
    hasher.update(&headers);
    hasher.update(rest);
    hasher.finalize()
}
