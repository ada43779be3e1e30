//! Frames as they leave, and the checksums in them.

use crate::laminar::connection::{Context, OWN_MAC};

/// Ethernet, IPv4, UDP, BTH, RETH.
pub(super) const WRITE_HEADERS: usize = 14 + 20 + 8 + 12 + 16;

/// The longest frame that is made.
pub(super) const MAX_FRAME: usize = 2048;

/// Writes for the host over one queue pair: its headers, as far as they are always the same.
pub(super) struct HostFrame {
    headers: [u8; WRITE_HEADERS],
    /// The sum of the words of the IPv4 header, without length and checksum.
    ip_sum: u32,
    /// ICRC up to the sequence number, of the last length and opcode.
    known: KnownCrc,
    /// Of the next write.
    pub(super) sequence: u32,
    /// Where reports go.
    pub(super) reports: u64,
}

/// The ICRC of the constant front of a write.
#[derive(Clone, Copy)]
struct KnownCrc {
    total_len: u16,
    opcode: u8,
    pad: u8,
    crc: u32,
}

/// Write only, and with immediate data.
const WRITE: u8 = 0x2a;
const WRITE_WITH_IMMEDIATE: u8 = 0x2b;

/// Where fields of a write lie.
const IP: usize = 14;
const UDP: usize = 34;
const BTH: usize = 42;
const RETH: usize = 54;

/// A write without what is known of its queue pair.
#[derive(Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) address_high: u32,
    pub(super) address_low: u32,
    pub(super) immediate: Option<u32>,
    pub(super) payload: &'a [u8],
}

impl HostFrame {
    pub(super) fn new(context: &Context) -> Self {
        let mut headers = [0; WRITE_HEADERS];
        headers[..6].copy_from_slice(&context.host_mac);
        headers[6..12].copy_from_slice(&OWN_MAC);
        headers[12] = 8;
        headers[IP] = 0x45;
        headers[IP + 6] = 0x40;
        headers[IP + 8] = 64;
        headers[IP + 9] = 17;
        headers[IP + 12..IP + 16].copy_from_slice(&context.own_ip.to_be_bytes());
        headers[IP + 16..IP + 20].copy_from_slice(&context.host_ip.to_be_bytes());
        headers[UDP..UDP + 2].copy_from_slice(&0xc000u16.to_be_bytes());
        headers[UDP + 2..UDP + 4].copy_from_slice(&4791u16.to_be_bytes());
        headers[BTH + 2] = 0xff;
        headers[BTH + 3] = 0xff;
        headers[BTH + 5..BTH + 8].copy_from_slice(&context.queue_pair.to_be_bytes()[1..]);
        headers[RETH + 8..RETH + 12].copy_from_slice(&context.remote_key.to_be_bytes());
        let ip_sum = words(&headers[IP..UDP]) as u32;
        Self {
            headers,
            ip_sum,
            known: KnownCrc {
                total_len: 0,
                opcode: 0,
                pad: 0,
                crc: 0,
            },
            sequence: 0,
            reports: context.reports,
        }
    }

    /// The frame of the next write; returns how long it is.
    #[inline]
    pub(super) fn fill(&mut self, write: &Write<'_>, frame: &mut [u8; MAX_FRAME]) -> usize {
        let len = write.payload.len();
        let pad = len.wrapping_neg() & 3;
        let n_immediate = if write.immediate.is_some() { 4 } else { 0 };
        let total_len = (WRITE_HEADERS - IP + n_immediate + len + pad + 4) as u16;
        let opcode = if write.immediate.is_some() {
            WRITE_WITH_IMMEDIATE
        } else {
            WRITE
        };
        frame[..WRITE_HEADERS].copy_from_slice(&self.headers);
        frame[IP + 2..IP + 4].copy_from_slice(&total_len.to_be_bytes());
        let ip_checksum = !fold(u64::from(self.ip_sum) + u64::from(total_len));
        frame[IP + 10..IP + 12].copy_from_slice(&ip_checksum.to_be_bytes());
        frame[UDP + 4..UDP + 6].copy_from_slice(&(total_len - 20).to_be_bytes());
        frame[BTH] = opcode;
        frame[BTH + 1] = (pad as u8) << 4;
        let sequence = self.sequence & 0x00ff_ffff;
        frame[BTH + 8..RETH].copy_from_slice(&sequence.to_be_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        frame[RETH..RETH + 4].copy_from_slice(&write.address_high.to_be_bytes());
        frame[RETH + 4..RETH + 8].copy_from_slice(&write.address_low.to_be_bytes());
        frame[RETH + 12..RETH + 16].copy_from_slice(&(len as u32).to_be_bytes());
        let mut end = WRITE_HEADERS;
        if let Some(immediate) = write.immediate {
            frame[end..end + 4].copy_from_slice(&immediate.to_be_bytes());
            end += 4;
        }
        frame[end..end + len].copy_from_slice(write.payload);
        end += len;
        frame[end..end + pad].fill(0);
        end += pad;
        let known = self.known;
        let front = if (known.total_len, known.opcode, known.pad) == (total_len, opcode, pad as u8)
        {
            known.crc
        } else {
            let crc = front_crc(frame);
            self.known = KnownCrc {
                total_len,
                opcode,
                pad: pad as u8,
                crc,
            };
            crc
        };
        let mut hasher = crc32fast::Hasher::new_with_initial(front);
        hasher.update(&frame[BTH + 8..end]);
        frame[end..end + 4].copy_from_slice(&hasher.finalize().to_le_bytes());
        end + 4
    }
}

/// The ICRC of a frame up to the sequence number, its changing fields as ones.
fn front_crc(frame: &[u8]) -> u32 {
    let mut front = [0xff; 8 + 20 + 8 + 8];
    front[8..].copy_from_slice(&frame[IP..BTH + 8]);
    for at in [1, 8, 10, 11, 26, 27, 32] {
        front[8 + at] = 0xff;
    }
    crc32fast::hash(&front)
}

/// Whether the ICRC of a frame that ends there is right.
#[inline]
pub(super) fn is_icrc_right(frame: &[u8], end: usize) -> bool {
    let mut hasher = crc32fast::Hasher::new();
    let mut front = [0xff; 8 + 20 + 8 + 12];
    front[8..].copy_from_slice(&frame[IP..RETH]);
    for at in [1, 8, 10, 11, 26, 27, 32] {
        front[8 + at] = 0xff;
    }
    hasher.update(&front);
    hasher.update(&frame[RETH..end]);
    hasher.finalize().to_le_bytes() == frame[end..end + 4]
}

/// The sum of big-endian words of an even number of bytes.
pub(super) fn words(bytes: &[u8]) -> u64 {
    let words = bytes.chunks_exact(2);
    words
        .map(|word| u64::from(u16::from_be_bytes([word[0], word[1]])))
        .sum()
}

/// The one's-complement sum of bytes, as lie in memory: bytes swapped on this machine, which is the
/// same sum with its bytes swapped.
#[inline]
pub(super) fn raw_sum(bytes: &[u8]) -> u64 {
    // Eight bytes a step, each half in a sum of its own.
    let (octets, rest) = bytes.as_chunks::<8>();
    let (mut low, mut high) = (0u64, 0u64);
    for octet in octets {
        let octet = u64::from_le_bytes(*octet);
        low += octet & 0xffff_ffff;
        high += octet >> 32;
    }
    let mut sum = low + high;
    // The rest in registers: what was just put together in memory is slow to read as a whole.
    let (quads, rest) = rest.as_chunks::<4>();
    for quad in quads {
        sum += u64::from(u32::from_le_bytes(*quad));
    }
    for (byte, shift) in rest.iter().zip([0, 8, 16]) {
        sum += u64::from(*byte) << shift;
    }
    sum
}

/// A sum in 16 bits.
#[inline]
pub(super) fn fold(mut sum: u64) -> u16 {
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// Bytes as a big-endian number.
#[inline]
pub(super) fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// Bytes as a big-endian number.
#[inline]
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
