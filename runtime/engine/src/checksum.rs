//! The checksum unit of parsers and deparsers: the 16-bit one's-complement sum of RFC 1071.
//!
//! In a parser the unit computes what a sum over the whole packet owes to the part that is not
//! parsed (the *residual*): the program subtracts the checksum field and the headers, and what
//! remains is added again to the new headers by the deparser. A subtracted checksum field counts as
//! the sum that it stands for, so the residual is the running sum itself, not its complement.

use p4rmt_ir::Bits;

/// A running one's-complement sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnesSum(u16);

impl OnesSum {
    /// Adds data, cut into 16-bit words from the top; if the last one is short, zero bits follow.
    pub fn add(&mut self, data: &Bits) {
        self.words(data, |word| word);
    }

    /// Subtracts data: adds the complement of each word.
    pub fn subtract(&mut self, data: &Bits) {
        self.words(data, |word| !word);
    }

    /// Adds bytes, two a word; if the last word is short, a zero byte follows.
    #[inline]
    pub fn add_bytes(&mut self, bytes: &[u8]) {
        self.add_sum(sum_of(bytes));
    }

    /// Subtracts bytes: adds the complement of each word.
    #[inline]
    pub fn subtract_bytes(&mut self, bytes: &[u8]) {
        let n_words = bytes.len().div_ceil(2) as u64;
        self.add_sum(n_words * 0xffff - sum_of(bytes));
    }

    /// Subtracts what a residual has gathered, and empties that.
    pub fn subtract_residual(&mut self, residual: &mut Residual) {
        self.add_sum(residual.n_words * 0xffff - residual.sum);
        *residual = Residual::default();
    }

    fn add_sum(&mut self, more: u64) {
        let mut sum = u64::from(self.0) + more;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        self.0 = sum as u16;
    }

    /// The running sum as a number.
    #[inline]
    #[must_use]
    pub fn to_u16(self) -> u16 {
        self.0
    }

    fn words(&mut self, data: &Bits, prepare: impl Fn(u16) -> u16) {
        let mut left = data.width();
        let mut sum = u64::from(self.0);
        while left > 0 {
            let n_bits = left.min(16);
            let piece = data.slice(left - 1, left - n_bits).low_u64() as u16;
            let word = piece.checked_shl(16 - n_bits).unwrap_or(0);
            sum += u64::from(prepare(word));
            left -= n_bits;
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        self.0 = sum as u16;
    }

    /// The running sum.
    #[must_use]
    pub fn sum(self) -> Bits {
        Bits::from_u64(16, u64::from(self.0))
    }

    /// The checksum: the complement of the sum.
    #[must_use]
    pub fn checksum(self) -> Bits {
        Bits::from_u64(16, u64::from(!self.0))
    }

    /// Whether data that include their checksum are correct: the sum is all ones.
    #[must_use]
    pub fn is_correct(self) -> bool {
        self.0 == 0xffff
    }
}

/// The sum of words of two bytes, not folded.
#[inline]
fn sum_of(bytes: &[u8]) -> u64 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let pairs = pairs
        .iter()
        .map(|pair| u64::from(u16::from_be_bytes(*pair)));
    let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    pairs.sum::<u64>() + last
}

/// What is extracted while a residual is due, one value behind the other, as a sum of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residual {
    sum: u64,
    /// Words that have begun.
    n_words: u64,
    /// Bits of the last one that are taken; 0 where it is full or there is none.
    used_bits: u32,
}

impl Residual {
    /// Appends whole bytes.
    #[inline]
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        if self.used_bits == 0 {
            self.sum += sum_of(bytes);
            self.n_words += bytes.len().div_ceil(2) as u64;
            self.used_bits = bytes.len() as u32 % 2 * 8;
        } else {
            bytes.iter().for_each(|byte| self.push(u16::from(*byte), 8));
        }
    }

    /// Appends a value.
    pub fn push_bits(&mut self, value: &Bits) {
        for position in (0..value.width()).rev() {
            self.push(u16::from(value.bit(position)), 1);
        }
    }

    /// Appends up to eight bits.
    fn push(&mut self, piece: u16, n_bits: u32) {
        if self.used_bits == 0 {
            self.n_words += 1;
        }
        let end = self.used_bits + n_bits;
        if end <= 16 {
            self.sum += u64::from(piece) << (16 - end);
        } else {
            self.n_words += 1;
            self.sum += u64::from(piece >> (end - 16));
            self.sum += u64::from(piece << (32 - end));
        }
        self.used_bits = end % 16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 1071 §3.
    const RFC_DATA: [u8; 8] = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];

    #[test]
    fn sum_of_rfc_1071() {
        let mut sum = OnesSum::default();
        sum.add(&Bits::from_bytes_be(64, &RFC_DATA));
        assert_eq!(sum.sum(), Bits::from_u64(16, 0xddf2));
        assert_eq!(sum.checksum(), Bits::from_u64(16, 0x220d));
        assert!(!sum.is_correct());
        sum.add(&sum.checksum());
        assert!(sum.is_correct());
    }

    #[test]
    fn residual_and_new_headers_give_the_new_checksum() {
        let (header, payload) = (Bits::from_u64(32, 0x1234_abcd), Bits::from_u64(48, 0xfeed));
        let new_header = Bits::from_u64(32, 0xffff_0001);
        let checksum_of = |parts: [&Bits; 2]| {
            let mut sum = OnesSum::default();
            parts.iter().for_each(|part| sum.add(part));
            sum.checksum()
        };
        let mut parser = OnesSum::default();
        parser.subtract(&checksum_of([&header, &payload]));
        parser.subtract(&header);
        let rewritten = checksum_of([&new_header, &parser.sum()]);
        assert_eq!(rewritten, checksum_of([&new_header, &payload]));
    }

    #[test]
    fn a_short_last_word_is_filled_with_zeros() {
        let mut sum = OnesSum::default();
        sum.add(&Bits::from_u64(24, 0x01_02_03));
        assert_eq!(sum.sum(), Bits::from_u64(16, 0x0102 + 0x0300));
    }

    #[test]
    fn bytes_and_residuals_sum_as_numbers_do() {
        let bytes: Vec<u8> = (0..41u8).map(|byte| byte.wrapping_mul(201)).collect();
        for split in 0..bytes.len() {
            let data = Bits::from_bytes_be(bytes.len() as u32 * 8, &bytes);
            let (mut whole, mut by_bytes) = (OnesSum(7), OnesSum(7));
            whole.add(&data);
            by_bytes.add_bytes(&bytes);
            assert_eq!(whole, by_bytes);
            whole.subtract(&data);
            by_bytes.subtract_bytes(&bytes);
            assert_eq!(whole, by_bytes);
            let mut residual = Residual::default();
            residual.push_bytes(&bytes[..split]);
            let rest = data.slice((bytes.len() - split) as u32 * 8 - 1, 0);
            let cut = (split as u32 * 5) % rest.width();
            if cut > 0 {
                residual.push_bits(&rest.slice(rest.width() - 1, cut));
                residual.push_bits(&rest.slice(cut - 1, 0));
            } else {
                residual.push_bytes(&bytes[split..]);
            }
            let mut by_residual = OnesSum(7);
            by_residual.subtract_residual(&mut residual);
            let mut expected = OnesSum(7);
            expected.subtract(&data);
            assert_eq!(by_residual, expected, "{split}");
        }
    }
}
