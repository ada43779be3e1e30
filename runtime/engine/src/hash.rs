//! Hash functions over strings of bits.
//!
//! The arguments are one long number, the first in the highest bits. What the algorithms do with it
//! was read from the public drivers (`bf-utils/dynamic_hash`):
//!
//! * CRC: zero bits in front fill the first byte; bytes from the highest on. `is_reflected` turns the
//!   bits of each byte and of the result around.
//! * XOR: zero bits behind fill the last piece.
//! * Identity: the lowest bits of the number.
//!
//! The result is the lowest bits of what the algorithm gives, with zeros above it.

use p4rmt_ir::{BinaryOp, Bits, CrcPolynomial, Hash, HashAlgorithm};

use crate::checksum::OnesSum;
use crate::random::mix;

/// A hash function, ready to run.
#[derive(Clone, Debug)]
pub struct Hasher {
    width: u32,
    algorithm: Algorithm,
}

#[derive(Clone, Debug)]
enum Algorithm {
    Identity,
    Random,
    Xor(u32),
    Crc(Crc),
    Csum16,
}

/// A CRC with the remainders of all bytes. The register is kept in the highest bits of 64 (in the
/// lowest where it is reflected).
#[derive(Clone, Debug)]
struct Crc {
    polynomial: CrcPolynomial,
    remainders: Box<[u64; 256]>,
}

impl Hasher {
    /// Prepares a hash function.
    #[must_use]
    pub fn new(hash: &Hash) -> Self {
        let algorithm = match &hash.algorithm {
            HashAlgorithm::Identity => Algorithm::Identity,
            HashAlgorithm::Random => Algorithm::Random,
            HashAlgorithm::Xor(width) => Algorithm::Xor((*width).max(1)),
            HashAlgorithm::Crc(polynomial) => Algorithm::Crc(Crc::new(polynomial)),
            HashAlgorithm::Csum16 => Algorithm::Csum16,
        };
        Self {
            width: hash.width,
            algorithm,
        }
    }

    /// The hash of the data.
    #[must_use]
    pub fn hash(&self, data: &Bits) -> Bits {
        let full = match &self.algorithm {
            Algorithm::Identity => data.clone(),
            Algorithm::Random => random_linear(data, self.width),
            Algorithm::Xor(width) => xor_pieces(data, *width),
            Algorithm::Crc(crc) => Bits::from_u64(64, crc.of(&data.to_bytes_be())),
            Algorithm::Csum16 => {
                let mut sum = OnesSum::default();
                sum.add(data);
                sum.checksum()
            }
        };
        full.resize(self.width, false)
    }

    /// The hash of a number of so many bits that lies in bytes, zero bits in front.
    #[must_use]
    pub fn hash_number(&self, width: u32, bytes: &[u8]) -> Bits {
        match &self.algorithm {
            Algorithm::Crc(crc) => Bits::from_u64(64, crc.of(bytes)).resize(self.width, false),
            Algorithm::Identity | Algorithm::Random | Algorithm::Xor(_) | Algorithm::Csum16 => {
                self.hash(&Bits::from_bytes_be(width, bytes))
            }
        }
    }

    /// The hash of bytes, as bmv2 computes it: a sum or a piece that ends early is filled with zeros
    /// behind, and identity is the number that the first eight bytes make.
    #[must_use]
    pub fn hash_bytes(&self, bytes: &[u8]) -> Bits {
        let bytes = match &self.algorithm {
            Algorithm::Identity => &bytes[..bytes.len().min(8)],
            Algorithm::Crc(crc) => {
                return Bits::from_u64(64, crc.of(bytes)).resize(self.width, false);
            }
            Algorithm::Csum16 => {
                let mut sum = OnesSum::default();
                sum.add_bytes(bytes);
                return sum.checksum().resize(self.width, false);
            }
            Algorithm::Random | Algorithm::Xor(_) => bytes,
        };
        let width = u32::try_from(bytes.len() * 8).unwrap_or(u32::MAX);
        self.hash(&Bits::from_bytes_be(width, bytes))
    }
}

impl Crc {
    fn new(polynomial: &CrcPolynomial) -> Self {
        let polynomial = CrcPolynomial {
            width: polynomial.width.clamp(1, 64),
            ..polynomial.clone()
        };
        let poly = aligned(&polynomial, polynomial.poly);
        let mut remainders = Box::new([0; 256]);
        for (byte, remainder) in (0u64..).zip(remainders.iter_mut()) {
            *remainder = if polynomial.is_reflected {
                (0..8).fold(byte, |rest, _| {
                    rest >> 1 ^ if rest & 1 == 1 { poly } else { 0 }
                })
            } else {
                let top = 1 << 63;
                (0..8).fold(byte << 56, |rest, _| {
                    rest << 1 ^ if rest & top == 0 { 0 } else { poly }
                })
            };
        }
        Self {
            polynomial,
            remainders,
        }
    }

    fn of(&self, bytes: &[u8]) -> u64 {
        let init = aligned(&self.polynomial, self.polynomial.init);
        let register = bytes.iter().fold(init, |register, byte| {
            if self.polynomial.is_reflected {
                self.remainders[usize::from(register as u8 ^ byte)] ^ register >> 8
            } else {
                self.remainders[usize::from((register >> 56) as u8 ^ byte)] ^ register << 8
            }
        });
        let unused = 64 - self.polynomial.width;
        let result = if self.polynomial.is_reflected {
            register
        } else {
            register >> unused
        };
        (result ^ self.polynomial.xor_out) & (u64::MAX >> unused)
    }
}

/// A parameter of the polynomial as it lies in the register.
fn aligned(polynomial: &CrcPolynomial, parameter: u64) -> u64 {
    let high = parameter << (64 - polynomial.width);
    if polynomial.is_reflected {
        high.reverse_bits()
    } else {
        high
    }
}

/// Exclusive or of pieces of `width` bits, from the highest on.
fn xor_pieces(data: &Bits, width: u32) -> Bits {
    let mut left = data.width();
    let mut result = Bits::zero(width);
    while left > 0 {
        let n_bits = left.min(width);
        let piece = data.slice(left - 1, left - n_bits);
        let piece = piece.concat(&Bits::zero(width - n_bits));
        result = Bits::binary(BinaryOp::Xor, &result, &piece);
        left -= n_bits;
    }
    result
}

/// A linear function over GF(2): each result bit is the parity of the data under a fixed mask that
/// looks random.
fn random_linear(data: &Bits, width: u32) -> Bits {
    (0..width).fold(Bits::zero(0), |high, position| {
        let parity = (0..data.width()).step_by(64).fold(0, |parity, lo| {
            let mask = mix(u64::from(position) << 32 | u64::from(lo) | 1 << 63);
            parity ^ (data.slice(lo + 63, lo).low_u64() & mask).count_ones()
        });
        high.concat(&Bits::from_bool(parity & 1 == 1))
    })
}

#[cfg(test)]
mod tests {
    use p4rmt_source::Span;

    use super::*;

    fn hasher(algorithm: HashAlgorithm, width: u32) -> Hasher {
        Hasher::new(&Hash {
            name: "h".into(),
            algorithm,
            width,
            span: Span::default(),
        })
    }

    fn crc(width: u32, poly: u64, init: u64, is_reflected: bool, xor_out: u64) -> HashAlgorithm {
        HashAlgorithm::Crc(CrcPolynomial {
            width,
            poly,
            init,
            xor_out,
            is_reflected,
        })
    }

    /// The check values of the catalogue of parametrised CRC algorithms: the CRC of `123456789`.
    #[test]
    fn crcs_of_the_catalogue() {
        let digits = Bits::from_bytes_be(72, b"123456789");
        let u64_max = u64::MAX;
        for (name, width, poly, init, is_reflected, xor_out, check) in [
            ("CRC-8/SMBUS", 8, 0x07, 0, false, 0, 0xf4),
            ("CRC-8/MAXIM-DOW", 8, 0x31, 0, true, 0, 0xa1),
            ("CRC-16/ARC", 16, 0x8005, 0, true, 0, 0xbb3d),
            ("CRC-16/IBM-3740", 16, 0x1021, 0xffff, false, 0, 0x29b1),
            ("CRC-16/USB", 16, 0x8005, 0xffff, true, 0xffff, 0xb4c8),
            (
                "CRC-32/ISO-HDLC",
                32,
                0x04c1_1db7,
                0xffff_ffff,
                true,
                0xffff_ffff,
                0xcbf4_3926,
            ),
            (
                "CRC-32/BZIP2",
                32,
                0x04c1_1db7,
                0xffff_ffff,
                false,
                0xffff_ffff,
                0xfc89_1918,
            ),
            (
                "CRC-32/ISCSI",
                32,
                0x1edc_6f41,
                0xffff_ffff,
                true,
                0xffff_ffff,
                0xe306_9283,
            ),
            (
                "CRC-64/ECMA-182",
                64,
                0x42f0_e1eb_a9ea_3693,
                0,
                false,
                0,
                0x6c40_df5f_0b49_7347,
            ),
            (
                "CRC-64/XZ",
                64,
                0x42f0_e1eb_a9ea_3693,
                u64_max,
                true,
                u64_max,
                0x995d_c9bb_df19_39fa,
            ),
            (
                "CRC-12/UMTS without reflection",
                12,
                0x80f,
                0,
                false,
                0,
                0xf5b,
            ),
        ] {
            let hasher = hasher(crc(width, poly, init, is_reflected, xor_out), width);
            assert_eq!(hasher.hash(&digits).low_u64(), check, "{name}");
        }
    }

    #[test]
    fn crc_agrees_with_the_crc_crate() {
        let crate_crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        let ours = hasher(crc(32, 0x04c1_1db7, 0xffff_ffff, true, 0xffff_ffff), 32);
        for length in 0..40u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(37)).collect();
            let data = Bits::from_bytes_be(u32::from(length) * 8, &bytes);
            assert_eq!(
                ours.hash(&data).low_u64(),
                u64::from(crate_crc.checksum(&bytes))
            );
        }
    }

    #[test]
    fn crc_fills_the_first_byte_with_zeros_in_front() {
        let hasher = hasher(crc(16, 0x8005, 0, true, 0), 16);
        let short = Bits::from_u64(9, 0x1ab);
        assert_eq!(hasher.hash(&short), hasher.hash(&Bits::from_u64(16, 0x1ab)));
    }

    #[test]
    fn xor_fills_the_last_piece_with_zeros_behind() {
        let hasher = hasher(HashAlgorithm::Xor(8), 8);
        let data = Bits::from_u64(20, 0x1_2345);
        assert_eq!(hasher.hash(&data), Bits::from_u64(8, 0x12 ^ 0x34 ^ 0x50));
    }

    #[test]
    fn identity_takes_the_lowest_bits() {
        let data = Bits::from_u64(32, 0x1234_5678);
        assert_eq!(
            hasher(HashAlgorithm::Identity, 12).hash(&data),
            Bits::from_u64(12, 0x678)
        );
        assert_eq!(
            hasher(HashAlgorithm::Identity, 40).hash(&data),
            Bits::from_u64(40, 0x1234_5678)
        );
    }

    #[test]
    fn random_is_linear_and_spreads() {
        let hasher = hasher(HashAlgorithm::Random, 16);
        let xor = |left: &Bits, right: &Bits| Bits::binary(BinaryOp::Xor, left, right);
        let (left, right) = (
            Bits::from_u64(80, 0x1234_5678_9abc),
            Bits::from_u64(80, 0xfeed_beef),
        );
        let sum = hasher.hash(&xor(&left, &right));
        assert_eq!(sum, xor(&hasher.hash(&left), &hasher.hash(&right)));
        assert!(hasher.hash(&Bits::zero(80)).is_zero());
        let hashes: std::collections::HashSet<_> = (0..1000)
            .map(|value| hasher.hash(&Bits::from_u64(80, value)))
            .collect();
        assert!(hashes.len() > 900, "{} of 1000 values differ", hashes.len());
    }
}
