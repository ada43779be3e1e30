//! Where bytes and numbers meet: the parser's cursor and the deparser's writer.
//!
//! Bits are counted from the start, the highest bit of each byte first. Neither needs to be at the
//! start of a byte.

use p4rmt_ir::Bits;

/// A position in a packet that lies in two pieces, the prefix and the packet itself.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    prefix: &'a [u8],
    packet: &'a [u8],
    position_bits: u64,
}

/// Appends numbers of any width to bytes.
#[derive(Debug)]
pub struct BitWriter<'a> {
    bytes: &'a mut Vec<u8>,
    /// Bits used in the last byte; 0 if it is full or there is none.
    used_bits: u32,
}

/// Values up to this width are read without allocation.
const SHORT_BITS: u32 = 120;

impl<'a> Cursor<'a> {
    /// A cursor at the start.
    #[must_use]
    pub fn new(prefix: &'a [u8], packet: &'a [u8]) -> Self {
        Self {
            prefix,
            packet,
            position_bits: 0,
        }
    }

    /// Where it is, in bits from the start of the prefix.
    #[must_use]
    pub fn position_bits(&self) -> u64 {
        self.position_bits
    }

    /// Where it is, in bytes from the start of the prefix, the one that it stands in counted whole.
    #[must_use]
    pub fn position_bytes(&self) -> usize {
        self.position_bits.div_ceil(8) as usize
    }

    /// How many bits are ahead.
    #[must_use]
    pub fn remaining_bits(&self) -> u64 {
        (self.prefix.len() as u64 + self.packet.len() as u64) * 8 - self.position_bits
    }

    /// Moves ahead; nothing, and no movement, if the packet ends before.
    pub fn advance(&mut self, bits: u64) -> Option<()> {
        if bits > self.remaining_bits() {
            return None;
        }
        self.position_bits += bits;
        Some(())
    }

    /// Reads `width` bits and moves behind them; nothing if the packet ends before.
    pub fn read(&mut self, width: u32) -> Option<Bits> {
        let value = self.peek(0, width)?;
        self.position_bits += u64::from(width);
        Some(value)
    }

    /// Reads bits as bytes, the first in the highest bit of the first byte, zero bits behind the last one,
    /// and moves behind them; nothing if the packet ends before. `n_bits` is at most `N * 8`.
    #[inline]
    pub fn read_bytes<const N: usize>(&mut self, n_bits: u32) -> Option<[u8; N]> {
        if u64::from(n_bits) > self.remaining_bits() {
            return None;
        }
        let first = (self.position_bits / 8) as usize;
        let is_aligned = self.position_bits.is_multiple_of(8) && n_bits as usize == N * 8;
        let whole = if is_aligned {
            self.in_one_piece(first, first + N)
        } else {
            None
        };
        let bytes = match whole.and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => bytes,
            None => self.gather(n_bits),
        };
        self.position_bits += u64::from(n_bits);
        Some(bytes)
    }

    /// The next bits, wherever they lie; they are there.
    fn gather<const N: usize>(&self, n_bits: u32) -> [u8; N] {
        let mut bytes = [0; N];
        let mut left = n_bits;
        for (index, byte) in bytes.iter_mut().enumerate() {
            let n_here = left.min(8);
            let piece = self.peek(index as u64 * 8, n_here);
            let piece = piece.map_or(0, |piece| piece.low_u64() as u8);
            *byte = piece.checked_shl(8 - n_here).unwrap_or(0);
            left -= n_here;
        }
        bytes
    }

    /// Reads `width` bits from `offset` bits ahead; nothing if the packet ends before.
    #[must_use]
    pub fn peek(&self, offset: u64, width: u32) -> Option<Bits> {
        if offset.checked_add(u64::from(width))? > self.remaining_bits() {
            return None;
        }
        let first_bit = self.position_bits + offset;
        let end_bit = first_bit + u64::from(width);
        let first_byte = (first_bit / 8) as usize;
        let end_byte = end_bit.div_ceil(8) as usize;
        let unused = (end_byte as u64 * 8 - end_bit) as u32;
        if width <= SHORT_BITS {
            let joined = |high: u128, byte: u8| high << 8 | u128::from(byte);
            let raw = match self.in_one_piece(first_byte, end_byte) {
                Some(bytes) => bytes.iter().copied().fold(0, joined),
                None => (first_byte..end_byte)
                    .map(|index| self.byte(index))
                    .fold(0, joined),
            };
            return Some(Bits::from_u128(width, raw >> unused));
        }
        let bytes: Vec<u8> = (first_byte..end_byte)
            .map(|index| self.byte(index))
            .collect();
        let raw = Bits::from_bytes_be(width + unused, &bytes);
        Some(raw.slice(width + unused - 1, unused))
    }

    /// The bytes of a range that ends where the packet does or before, if prefix or packet holds
    /// all of it.
    fn in_one_piece(&self, first: usize, end: usize) -> Option<&'a [u8]> {
        let behind = self.prefix.len();
        match first.checked_sub(behind) {
            Some(first) => self.packet.get(first..end - behind),
            None => self.prefix.get(first..end),
        }
    }

    /// The byte at this position, which is below the length.
    fn byte(&self, index: usize) -> u8 {
        match index.checked_sub(self.prefix.len()) {
            None => self.prefix[index],
            Some(index) => self.packet[index],
        }
    }
}

impl<'a> BitWriter<'a> {
    /// A writer behind what is there already.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self {
            bytes,
            used_bits: 0,
        }
    }

    /// Appends a value, its highest bit first.
    pub fn write(&mut self, value: &Bits) {
        let width = value.width();
        if self.used_bits == 0 && width.is_multiple_of(8) && width <= 64 {
            let bytes = value.low_u64().to_be_bytes();
            let n_bytes = (width / 8) as usize;
            self.bytes.extend_from_slice(&bytes[8 - n_bytes..]);
            return;
        }
        let mut left = width;
        while left > 0 {
            if self.used_bits == 0 {
                self.bytes.push(0);
            }
            let n_bits = (8 - self.used_bits).min(left);
            let piece = value.slice(left - 1, left - n_bits).low_u64() as u8;
            let shift = 8 - self.used_bits - n_bits;
            *self.bytes.last_mut().expect("pushed above or before") |= piece << shift;
            self.used_bits = (self.used_bits + n_bits) % 8;
            left -= n_bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_across_bytes_and_pieces() {
        let mut cursor = Cursor::new(&[0xab], &[0xcd, 0xef]);
        assert_eq!(cursor.read(4), Some(Bits::from_u64(4, 0xa)));
        assert_eq!(cursor.peek(4, 12), Some(Bits::from_u64(12, 0xcde)));
        assert_eq!(cursor.read(12), Some(Bits::from_u64(12, 0xbcd)));
        assert_eq!(cursor.position_bytes(), 2);
        assert_eq!(cursor.read(9), None);
        assert_eq!(cursor.position_bits(), 16);
        assert_eq!(cursor.read(1), Some(Bits::from_u64(1, 1)));
        assert_eq!(cursor.position_bytes(), 3);
        assert_eq!(cursor.advance(7), Some(()));
        assert_eq!(cursor.advance(1), None);
        assert_eq!(cursor.read(0), Some(Bits::zero(0)));
    }

    #[test]
    fn bytes_are_read_across_pieces_and_at_any_offset() {
        let bytes: Vec<u8> = (1..=32).collect();
        for offset in 0..20 {
            for n_bits in [1u32, 7, 8, 15, 31, 32] {
                let mut cursor = Cursor::new(&bytes[..2], &bytes[2..]);
                cursor.advance(offset).expect("32 bytes");
                let expected = cursor.peek(0, n_bits).expect("32 bytes");
                let expected = expected.concat(&Bits::zero(32 - n_bits));
                let read = cursor.read_bytes::<4>(n_bits).expect("32 bytes");
                assert_eq!(
                    Bits::from_bytes_be(32, &read),
                    expected,
                    "{offset} {n_bits}"
                );
                assert_eq!(cursor.position_bits(), offset + u64::from(n_bits));
            }
        }
        assert_eq!(Cursor::new(&[], &bytes).read_bytes::<33>(264), None);
    }

    #[test]
    fn wide_values_come_back_at_any_offset() {
        let bytes: Vec<u8> = (1..=64).collect();
        for offset in 0..16 {
            for width in [113u32, 120, 121, 128, 129, 200, 333] {
                let mut cursor = Cursor::new(&bytes[..7], &bytes[7..]);
                cursor.advance(offset).expect("64 bytes");
                let head = Bits::zero(offset as u32);
                let value = cursor.read(width).expect("64 bytes");
                let mut written = Vec::new();
                let mut writer = BitWriter::new(&mut written);
                writer.write(&head);
                writer.write(&value);
                let whole = Bits::from_bytes_be(64 * 8, &bytes);
                let expected = whole.slice(511 - offset as u32, 512 - offset as u32 - width);
                assert_eq!(value, expected, "offset {offset} width {width}");
                let back = Cursor::new(&written, &[]).peek(offset, width);
                assert_eq!(back, Some(value));
            }
        }
    }
}
