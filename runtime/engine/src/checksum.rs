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
}
