//! Values as native integers, and what the control plane matches them with.

use p4rmt_ir::{BinaryOp, Bits, LaneOp, Match, MathUnit};

/// A value of the program as Rust has it: `bool` for one bit, the smallest unsigned integer that it fits
/// up to 128 bits, [`Bits`] beyond.
pub trait Value: Clone {
    /// The value, cut to a width.
    fn to_bits(&self, width: u32) -> Bits;
    /// The value of these bits; bits that it has no room for are lost.
    fn from_bits(bits: &Bits) -> Self;
}

impl Value for bool {
    fn to_bits(&self, width: u32) -> Bits {
        Bits::from_u64(width, u64::from(*self))
    }
    fn from_bits(bits: &Bits) -> Self {
        bits.bit(0)
    }
}

macro_rules! integer_values {
    ($($integer:ty)*) => {$(
        impl Value for $integer {
            fn to_bits(&self, width: u32) -> Bits {
                Bits::from_u128(width, u128::from(*self))
            }
            fn from_bits(bits: &Bits) -> Self {
                bits.low_u128() as $integer
            }
        }
    )*};
}

integer_values! { u8 u16 u32 u64 u128 }

impl Value for Bits {
    fn to_bits(&self, width: u32) -> Bits {
        self.resize(width, false)
    }
    fn from_bits(bits: &Bits) -> Self {
        bits.clone()
    }
}

/// The value as so many bits.
#[must_use]
pub fn bits(width: u32, value: impl Value) -> Bits {
    value.to_bits(width)
}

/// The lowest bits of a value of any width.
#[must_use]
pub fn narrow<T: Value>(bits: &Bits) -> T {
    T::from_bits(bits)
}

/// A word of a value of any width, the lowest first.
#[must_use]
pub fn word(bits: &Bits, position: u32) -> u64 {
    bits.slice(position * 64 + 63, position * 64).low_u64()
}

/// Signed sum, saturated, of values of so many bits.
#[must_use]
pub fn add_sat_s<T: Value>(width: u32, lhs: T, rhs: T) -> T {
    let [lhs, rhs] = [lhs, rhs].map(|value| value.to_bits(width));
    T::from_bits(&Bits::binary(BinaryOp::AddSatS, &lhs, &rhs))
}

/// Signed difference, saturated, of values of so many bits.
#[must_use]
pub fn sub_sat_s<T: Value>(width: u32, lhs: T, rhs: T) -> T {
    let [lhs, rhs] = [lhs, rhs].map(|value| value.to_bits(width));
    T::from_bits(&Bits::binary(BinaryOp::SubSatS, &lhs, &rhs))
}

/// What a math unit gives.
#[must_use]
pub fn math<T: Value>(unit: &MathUnit, input: &Bits, width: u32) -> T {
    T::from_bits(&crate::math_unit(unit, input, width))
}

/// What is found in the lanes of a word.
#[must_use]
pub fn lane<T: Value>(op: LaneOp, word: &Bits, mask: &Bits, change: &Bits) -> T {
    T::from_bits(&op.value(word, mask, change))
}

/// Equal under a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ternary<T> {
    /// To be equal to.
    pub value: T,
    /// Where bits count.
    pub mask: T,
}

/// Equal in the highest bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lpm<T> {
    /// To be equal to.
    pub value: T,
    /// How many of the highest bits count.
    pub prefix_len: u32,
}

/// From `lo` to `hi`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range<T> {
    /// Least.
    pub lo: T,
    /// Greatest.
    pub hi: T,
}

/// What an entry wants of one key.
pub trait MatchValue {
    /// The match, of a key of so many bits.
    fn to_match(&self, width: u32) -> Match;
}

impl<T: Value> MatchValue for T {
    fn to_match(&self, width: u32) -> Match {
        Match::Exact(self.to_bits(width))
    }
}

impl<T: Value> MatchValue for Ternary<T> {
    fn to_match(&self, width: u32) -> Match {
        Match::Ternary {
            value: self.value.to_bits(width),
            mask: self.mask.to_bits(width),
        }
    }
}

impl<T: Value> MatchValue for Lpm<T> {
    fn to_match(&self, width: u32) -> Match {
        Match::Lpm {
            value: self.value.to_bits(width),
            prefix_len: self.prefix_len,
        }
    }
}

impl<T: Value> MatchValue for Range<T> {
    fn to_match(&self, width: u32) -> Match {
        Match::Range {
            lo: self.lo.to_bits(width),
            hi: self.hi.to_bits(width),
        }
    }
}

impl<T: Value> MatchValue for Option<T> {
    fn to_match(&self, width: u32) -> Match {
        match self {
            Some(value) => Match::Exact(value.to_bits(width)),
            None => Match::Any,
        }
    }
}

/// Up to `N` bytes that values are put into one behind the other, as a hash of v1model sees them.
#[derive(Clone, Debug)]
pub struct BitBuffer<const N: usize> {
    bytes: [u8; N],
    n_bits: usize,
}

impl<const N: usize> Default for BitBuffer<N> {
    fn default() -> Self {
        Self {
            bytes: [0; N],
            n_bits: 0,
        }
    }
}

impl<const N: usize> BitBuffer<N> {
    /// Appends whole bytes.
    #[inline]
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        if self.n_bits.is_multiple_of(8) {
            let start = self.n_bits / 8;
            if let Some(room) = self.bytes.get_mut(start..start + bytes.len()) {
                room.copy_from_slice(bytes);
                self.n_bits += bytes.len() * 8;
            }
        } else {
            bytes.iter().for_each(|byte| self.push_piece(*byte, 8));
        }
    }

    /// Appends a value, its highest bit first.
    pub fn push(&mut self, value: &Bits) {
        let width = value.width();
        let first = width % 8;
        if first > 0 {
            self.push_piece(value.slice(width - 1, width - first).low_u64() as u8, first);
        }
        for lo in (0..width - first).step_by(8).rev() {
            self.push_piece(value.slice(lo + 7, lo).low_u64() as u8, 8);
        }
    }

    fn push_piece(&mut self, piece: u8, n_bits: u32) {
        let (start, used) = (self.n_bits / 8, self.n_bits as u32 % 8);
        let pair = (u16::from(piece) << (16 - n_bits)) >> used;
        for (byte, more) in self.bytes.iter_mut().skip(start).zip(pair.to_be_bytes()) {
            *byte |= more;
        }
        self.n_bits += n_bits as usize;
    }

    /// The bytes; zero bits fill the last one.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.n_bits.div_ceil(8).min(N)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BitWriter;

    #[test]
    fn values_lie_behind_each_other_as_a_writer_puts_them() {
        let values = [
            (3u32, 5u64),
            (13, 0x1abc),
            (8, 0x7f),
            (1, 1),
            (64, u64::MAX - 6),
            (7, 0x55),
        ];
        let mut buffer = BitBuffer::<16>::default();
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        for (width, value) in values {
            let value = Bits::from_u64(width, value);
            buffer.push(&value);
            writer.write(&value);
        }
        assert_eq!(buffer.bytes(), bytes);
    }
}
