//! Reading pcap and pcapng.

use std::io::Read;

use super::{CaptureError, CaptureFault, ETHERNET, MAX_CAPTURED};

/// Section headers and interface descriptions are shorter than this.
const MAX_DESCRIPTION: u32 = 1 << 20;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;

const NS_PER_S: u128 = 1_000_000_000;

/// Reads the packets of a capture one by one.
pub struct CaptureReader<R> {
    input: Input<R>,
    format: Format,
    /// The bytes of the record or block in work.
    block: Vec<u8>,
}

/// A packet of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedPacket<'a> {
    /// Nanoseconds since 1970.
    pub timestamp_ns: u64,
    /// What was captured.
    pub bytes: &'a [u8],
    /// How long the packet was, in bytes; it may have been cut when it was captured.
    pub original_len: u32,
}

enum Format {
    Pcap {
        is_big_endian: bool,
        is_ns: bool,
        /// Bytes of a record before its packet.
        header_len: usize,
    },
    PcapNg {
        is_big_endian: bool,
        interfaces: Vec<Interface>,
    },
}

/// An interface of a pcapng section.
struct Interface {
    link_type: u32,
    snap_len: u32,
    /// Ticks a second.
    resolution: u128,
    /// Added to timestamps.
    offset_s: i64,
}

/// Bytes and how many of them were read.
struct Input<R> {
    reader: R,
    offset: u64,
}

impl<R: Read> Input<R> {
    /// Appends up to `len` bytes; returns how many there were.
    fn read(&mut self, len: u64, into: &mut Vec<u8>) -> Result<u64, CaptureError> {
        let start = into.len();
        // Whoever asks has bounded what a capture may want.
        into.resize(start + len as usize, 0);
        let mut end = start;
        let result = loop {
            match self.reader.read(&mut into[end..]) {
                Ok(0) => break Ok(()),
                Ok(n_bytes) => end += n_bytes,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        into.truncate(end);
        let found = (end - start) as u64;
        let offset = self.offset;
        self.offset += found;
        result.map_err(|error| CaptureFault::Io(error).at(offset))?;
        Ok(found)
    }

    /// Appends exactly `len` bytes of something that began at `start`.
    fn read_whole(
        &mut self,
        what: &'static str,
        start: u64,
        len: u64,
        into: &mut Vec<u8>,
    ) -> Result<(), CaptureError> {
        let before = self.offset - start;
        let found = self.read(len, into)?;
        if found == len {
            return Ok(());
        }
        let truncated = CaptureFault::Truncated {
            what,
            needed: before + len,
            available: before + found,
        };
        Err(truncated.at(start))
    }

    /// Passes over `len` bytes of something that began at `start`.
    fn skip(&mut self, what: &'static str, start: u64, len: u64) -> Result<(), CaptureError> {
        let before = self.offset - start;
        let copied = std::io::copy(&mut (&mut self.reader).take(len), &mut std::io::sink());
        let found = copied.map_err(|error| CaptureFault::Io(error).at(self.offset))?;
        self.offset += found;
        if found == len {
            return Ok(());
        }
        let truncated = CaptureFault::Truncated {
            what,
            needed: before + len,
            available: before + found,
        };
        Err(truncated.at(start))
    }
}

impl<R: Read> CaptureReader<R> {
    /// Reads the header of a capture. A reader that is not buffered is better wrapped in one.
    ///
    /// # Errors
    /// What is no capture, or not one of Ethernet.
    pub fn new(reader: R) -> Result<Self, CaptureError> {
        let mut input = Input { reader, offset: 0 };
        let mut block = Vec::new();
        if input.read(4, &mut block)? < 4 {
            return Err(CaptureFault::NotACapture.at(0));
        }
        let magic = u32_at(&block, 0, false);
        let (is_big_endian, is_ns, header_len) = match magic {
            0xa1b2_c3d4 => (false, false, 16),
            0xa1b2_3c4d => (false, true, 16),
            0xd4c3_b2a1 => (true, false, 16),
            0x4d3c_b2a1 => (true, true, 16),
            // With longer records, by Alexey Kuznetsov's patched libpcap.
            0xa1b2_cd34 => (false, false, 24),
            0x34cd_b2a1 => (true, false, 24),
            SECTION_HEADER => {
                let mut reader = Self {
                    input,
                    format: Format::PcapNg {
                        is_big_endian: false,
                        interfaces: Vec::new(),
                    },
                    block,
                };
                reader.section_header(0)?;
                return Ok(reader);
            }
            _ => return Err(CaptureFault::NotACapture.at(0)),
        };
        input.read_whole("file header", 0, 20, &mut block)?;
        // The higher bits tell about frame check sequences.
        let found = u32_at(&block, 20, is_big_endian) & 0x03ff_ffff;
        if found != ETHERNET {
            return Err(CaptureFault::LinkType { found }.at(20));
        }
        let format = Format::Pcap {
            is_big_endian,
            is_ns,
            header_len,
        };
        Ok(Self {
            input,
            format,
            block,
        })
    }

    /// How many bytes of the file were read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.input.offset
    }

    /// The next packet; none at the end.
    ///
    /// # Errors
    /// Whatever is wrong with what comes next. There is nothing sensible behind it.
    pub fn next_packet(&mut self) -> Result<Option<CapturedPacket<'_>>, CaptureError> {
        match self.format {
            Format::Pcap {
                is_big_endian,
                is_ns,
                header_len,
            } => self.next_record(is_big_endian, is_ns, header_len),
            Format::PcapNg { .. } => self.next_block(),
        }
    }

    fn next_record(
        &mut self,
        is_big_endian: bool,
        is_ns: bool,
        header_len: usize,
    ) -> Result<Option<CapturedPacket<'_>>, CaptureError> {
        const WHAT: &str = "record";
        let start = self.input.offset;
        self.block.clear();
        let found = self.input.read(header_len as u64, &mut self.block)?;
        if found == 0 {
            return Ok(None);
        }
        if found < header_len as u64 {
            let truncated = CaptureFault::Truncated {
                what: WHAT,
                needed: header_len as u64,
                available: found,
            };
            return Err(truncated.at(start));
        }
        let field = |at| u32_at(&self.block, at, is_big_endian);
        let (seconds, fraction, len, original_len) = (field(0), field(4), field(8), field(12));
        check_captured(len, start)?;
        self.block.clear();
        self.input
            .read_whole(WHAT, start, u64::from(len), &mut self.block)?;
        let fraction = u64::from(fraction) * if is_ns { 1 } else { 1000 };
        Ok(Some(CapturedPacket {
            timestamp_ns: u64::from(seconds) * 1_000_000_000 + fraction,
            bytes: &self.block,
            original_len,
        }))
    }

    /// Reads blocks until one holds a packet.
    fn next_block(&mut self) -> Result<Option<CapturedPacket<'_>>, CaptureError> {
        const WHAT: &str = "block";
        loop {
            let start = self.input.offset;
            self.block.clear();
            let found = self.input.read(4, &mut self.block)?;
            if found == 0 {
                return Ok(None);
            }
            if found < 4 {
                let truncated = CaptureFault::Truncated {
                    what: WHAT,
                    needed: 12,
                    available: found,
                };
                return Err(truncated.at(start));
            }
            if u32_at(&self.block, 0, false) == SECTION_HEADER {
                self.section_header(start)?;
                continue;
            }
            let is_big_endian = self.is_big_endian();
            let kind = u32_at(&self.block, 0, is_big_endian);
            self.input.read_whole(WHAT, start, 4, &mut self.block)?;
            let len = u32_at(&self.block, 4, is_big_endian);
            let longest = match kind {
                INTERFACE_DESCRIPTION => MAX_DESCRIPTION,
                // Room for options, of which a packet has few.
                OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET => MAX_CAPTURED * 2,
                _ => {
                    check_block(len, u32::MAX, start)?;
                    self.input.skip(WHAT, start, u64::from(len) - 8)?;
                    continue;
                }
            };
            check_block(len, longest, start)?;
            self.rest_of_block(start, len, is_big_endian)?;
            if kind == INTERFACE_DESCRIPTION {
                self.describe_interface(start)?;
                continue;
            }
            return self.packet_of_block(kind, start, is_big_endian).map(Some);
        }
    }

    fn is_big_endian(&self) -> bool {
        match self.format {
            Format::Pcap { is_big_endian, .. } | Format::PcapNg { is_big_endian, .. } => {
                is_big_endian
            }
        }
    }

    /// Reads what follows the type and length of a block, and checks the length at its end.
    fn rest_of_block(
        &mut self,
        start: u64,
        len: u32,
        is_big_endian: bool,
    ) -> Result<(), CaptureError> {
        let rest = u64::from(len) - self.block.len() as u64;
        self.input
            .read_whole("block", start, rest, &mut self.block)?;
        let second = u32_at(&self.block, self.block.len() - 4, is_big_endian);
        if second != len {
            return Err(CaptureFault::LengthsDiffer { first: len, second }.at(start));
        }
        Ok(())
    }

    /// Reads a section header, of which the first four bytes are read.
    fn section_header(&mut self, start: u64) -> Result<(), CaptureError> {
        self.input
            .read_whole("section header", start, 8, &mut self.block)?;
        let big_endian = match u32_at(&self.block, 8, false) {
            0x1a2b_3c4d => false,
            0x4d3c_2b1a => true,
            found => return Err(CaptureFault::BadByteOrder { found }.at(start)),
        };
        let len = u32_at(&self.block, 4, big_endian);
        check_block(len, MAX_DESCRIPTION, start)?;
        if len < 28 {
            let length = u64::from(len);
            return Err(CaptureFault::BadLength {
                what: "section header",
                length,
            }
            .at(start));
        }
        self.rest_of_block(start, len, big_endian)?;
        self.format = Format::PcapNg {
            is_big_endian: big_endian,
            interfaces: Vec::new(),
        };
        Ok(())
    }

    /// Takes note of the interface that the block describes.
    fn describe_interface(&mut self, start: u64) -> Result<(), CaptureError> {
        let Format::PcapNg {
            is_big_endian,
            interfaces,
        } = &mut self.format
        else {
            return Ok(());
        };
        let is_big_endian = *is_big_endian;
        if self.block.len() < 20 {
            let length = self.block.len() as u64;
            let what = "interface description";
            return Err(CaptureFault::BadLength { what, length }.at(start));
        }
        let mut interface = Interface {
            link_type: u32::from(u16_at(&self.block, 8, is_big_endian)),
            snap_len: u32_at(&self.block, 12, is_big_endian),
            resolution: 1_000_000,
            offset_s: 0,
        };
        let mut options = &self.block[16..self.block.len() - 4];
        while options.len() >= 4 {
            let code = u16_at(options, 0, is_big_endian);
            let len = usize::from(u16_at(options, 2, is_big_endian));
            let Some(value) = options.get(4..4 + len).filter(|_| code != 0) else {
                break;
            };
            match (code, value) {
                (OPTION_RESOLUTION, [exponent]) => interface.resolution = resolution(*exponent),
                (OPTION_OFFSET, value) if value.len() == 8 => {
                    let halves = [
                        u32_at(value, 0, is_big_endian),
                        u32_at(value, 4, is_big_endian),
                    ];
                    let [high, low] = if is_big_endian {
                        halves
                    } else {
                        [halves[1], halves[0]]
                    };
                    interface.offset_s = (u64::from(high) << 32 | u64::from(low)) as i64;
                }
                _ => {}
            }
            options = options
                .get(4 + len.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        interfaces.push(interface);
        Ok(())
    }

    /// The packet in a block that is whole.
    fn packet_of_block(
        &self,
        kind: u32,
        start: u64,
        is_big_endian: bool,
    ) -> Result<CapturedPacket<'_>, CaptureError> {
        let interfaces = match &self.format {
            Format::PcapNg { interfaces, .. } => interfaces.as_slice(),
            Format::Pcap { .. } => &[],
        };
        let header_len = if kind == SIMPLE_PACKET { 12 } else { 28 };
        // Without the length at the end.
        let block = &self.block[..self.block.len() - 4];
        if block.len() < header_len {
            let length = self.block.len() as u64;
            return Err(CaptureFault::BadLength {
                what: "packet block",
                length,
            }
            .at(start));
        }
        let field = |at| u32_at(block, at, is_big_endian);
        let interface = match kind {
            SIMPLE_PACKET => 0,
            OBSOLETE_PACKET => u32::from(u16_at(block, 8, is_big_endian)),
            _ => field(8),
        };
        let available = interfaces.len();
        let described = interfaces.get(interface as usize);
        let described = described.ok_or_else(|| {
            CaptureFault::NoInterface {
                interface,
                available,
            }
            .at(start)
        })?;
        let found = described.link_type;
        if found != ETHERNET {
            return Err(CaptureFault::LinkType { found }.at(start));
        }
        let room = (block.len() - header_len) as u32;
        let (len, original_len, timestamp_ns) = if kind == SIMPLE_PACKET {
            let original_len = field(8);
            let snap_len = match described.snap_len {
                0 => u32::MAX,
                snap_len => snap_len,
            };
            (original_len.min(snap_len).min(room), original_len, 0)
        } else {
            let ticks = u128::from(field(12)) << 32 | u128::from(field(16));
            (field(20), field(24), described.nanoseconds(ticks))
        };
        check_captured(len, start)?;
        if len > room {
            let too_long = CaptureFault::TooLong {
                what: "packet",
                length: u64::from(len),
                available: u64::from(room),
            };
            return Err(too_long.at(start));
        }
        Ok(CapturedPacket {
            timestamp_ns,
            bytes: &block[header_len..header_len + len as usize],
            original_len,
        })
    }
}

impl Interface {
    /// Nanoseconds since 1970, within 64 bits.
    fn nanoseconds(&self, ticks: u128) -> u64 {
        let ns = (ticks * NS_PER_S / self.resolution) as i128;
        let ns = ns + i128::from(self.offset_s) * 1_000_000_000;
        u64::try_from(ns.max(0)).unwrap_or(u64::MAX)
    }
}

/// Ticks a second by the option: a power of ten, or of two if the highest bit is set. Powers that no
/// timestamp can have count as the greatest that can be.
fn resolution(option: u8) -> u128 {
    let exponent = u32::from(option & 0x7f);
    if option & 0x80 == 0 {
        10u128.pow(exponent.min(27))
    } else {
        1 << exponent.min(96)
    }
}

fn check_captured(len: u32, start: u64) -> Result<(), CaptureError> {
    if len <= MAX_CAPTURED {
        return Ok(());
    }
    let too_long = CaptureFault::TooLong {
        what: "packet",
        length: u64::from(len),
        available: u64::from(MAX_CAPTURED),
    };
    Err(too_long.at(start))
}

fn check_block(len: u32, longest: u32, start: u64) -> Result<(), CaptureError> {
    let length = u64::from(len);
    if len < 12 || !len.is_multiple_of(4) {
        return Err(CaptureFault::BadLength {
            what: "block",
            length,
        }
        .at(start));
    }
    if len > longest {
        let available = u64::from(longest);
        let what = "block";
        return Err(CaptureFault::TooLong {
            what,
            length,
            available,
        }
        .at(start));
    }
    Ok(())
}

fn u32_at(bytes: &[u8], at: usize, is_big_endian: bool) -> u32 {
    let bytes = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    if is_big_endian {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    }
}

fn u16_at(bytes: &[u8], at: usize, is_big_endian: bool) -> u16 {
    let bytes = [bytes[at], bytes[at + 1]];
    if is_big_endian {
        u16::from_be_bytes(bytes)
    } else {
        u16::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests;
