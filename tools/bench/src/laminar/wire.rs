//! Making the packets that arrive: TCP segments of peers, RDMA writes of the host.

use super::connection::{Context, LOCAL_IP, OWN_MAC};

/// Acknowledges.
pub(super) const ACK: u8 = 0x10;

/// Who sends to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) src_mac: [u8; 6],
    pub(super) dst_mac: [u8; 6],
    pub(super) src_ip: u32,
    pub(super) dst_ip: u32,
    pub(super) src_port: u16,
    pub(super) dst_port: u16,
}

/// A TCP segment without options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) path: Path,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    pub(super) payload: &'a [u8],
    /// Whether it met congestion.
    pub(super) is_marked: bool,
}

/// An RDMA write that libTOE wants to be transmitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write<'a> {
    pub(super) context: Context,
    pub(super) connection: u32,
    /// In the stream.
    pub(super) offset: u32,
    pub(super) has_immediate: bool,
    pub(super) payload: &'a [u8],
}

impl Segment<'_> {
    /// The frame, with valid checksums.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let path = self.path;
        let tcp_len = 20 + self.payload.len();
        let mut frame = ethernet(&path);
        frame.extend(ipv4(&path, 6, tcp_len, if self.is_marked { 3 } else { 0 }));
        let tcp = frame.len();
        frame.extend(path.src_port.to_be_bytes());
        frame.extend(path.dst_port.to_be_bytes());
        frame.extend(self.seq.to_be_bytes());
        frame.extend(self.ack.to_be_bytes());
        frame.extend([0x50, self.flags]);
        frame.extend(self.window.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(self.payload);
        let pseudo =
            sum(&path.src_ip.to_be_bytes()) + sum(&path.dst_ip.to_be_bytes()) + 6 + tcp_len as u64;
        let checksum = fold(pseudo + sum(&frame[tcp..]));
        frame[tcp + 16..tcp + 18].copy_from_slice(&checksum.to_be_bytes());
        frame
    }
}

impl Write<'_> {
    /// The frame, with its ICRC.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let path = Path {
            src_mac: self.context.host_mac,
            dst_mac: OWN_MAC,
            src_ip: self.context.host_ip,
            dst_ip: LOCAL_IP,
            src_port: 0xc000,
            dst_port: 4791,
        };
        let n_immediate = if self.has_immediate { 4 } else { 0 };
        let len = self.payload.len();
        let pad = len.wrapping_neg() & 3;
        let udp_len = 8 + 12 + 16 + n_immediate + len + pad + 4;
        let mut frame = ethernet(&path);
        frame.extend(ipv4(&path, 17, udp_len, 0));
        frame.extend(path.src_port.to_be_bytes());
        frame.extend(path.dst_port.to_be_bytes());
        frame.extend((udp_len as u16).to_be_bytes());
        frame.extend([0; 2]);
        frame.extend([
            if self.has_immediate { 0x2b } else { 0x2a },
            (pad as u8) << 4,
        ]);
        frame.extend([0xff, 0xff]);
        frame.extend(self.context.queue_pair.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(self.connection.to_be_bytes());
        frame.extend(self.offset.to_be_bytes());
        frame.extend(self.context.remote_key.to_be_bytes());
        frame.extend((len as u32).to_be_bytes());
        frame.extend(std::iter::repeat_n(0, n_immediate));
        frame.extend(self.payload);
        frame.extend(std::iter::repeat_n(0, pad));
        let mut covered = [&[0xff; 8], &frame[14..]].concat();
        for at in [1, 8, 10, 11, 26, 27, 32] {
            covered[8 + at] = 0xff;
        }
        frame.extend(crc32fast::hash(&covered).to_le_bytes());
        frame
    }
}

fn ethernet(path: &Path) -> Vec<u8> {
    [&path.dst_mac[..], &path.src_mac, &[0x08, 0x00]].concat()
}

fn ipv4(path: &Path, protocol: u8, payload_len: usize, tos: u8) -> [u8; 20] {
    let mut header = [0; 20];
    header[0] = 0x45;
    header[1] = tos;
    header[2..4].copy_from_slice(&(20 + payload_len as u16).to_be_bytes());
    header[6] = 0x40;
    header[8] = 64;
    header[9] = protocol;
    header[12..16].copy_from_slice(&path.src_ip.to_be_bytes());
    header[16..].copy_from_slice(&path.dst_ip.to_be_bytes());
    let checksum = fold(sum(&header));
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header
}

/// The sum of big-endian words, an odd last byte in the higher half.
fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks(2).map(|word| {
        let low = word.get(1).copied().unwrap_or_default();
        u64::from(u16::from_be_bytes([word[0], low]))
    });
    words.sum()
}

/// The checksum of a sum.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
