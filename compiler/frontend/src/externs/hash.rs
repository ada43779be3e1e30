//! Hash functions: algorithms by name, and custom polynomials.

use p4rmt_ir::{CrcPolynomial, HashAlgorithm};

/// The algorithm of a member of `HashAlgorithm_t`; nothing for `CUSTOM`.
pub(crate) fn algorithm(name: &str) -> Option<HashAlgorithm> {
    let crc = |width, poly, is_reflected, ones: u64| {
        HashAlgorithm::Crc(CrcPolynomial {
            width,
            poly,
            init: ones,
            xor_out: ones,
            is_reflected,
        })
    };
    Some(match name {
        "IDENTITY" => HashAlgorithm::Identity,
        "RANDOM" => HashAlgorithm::Random,
        "XOR8" => HashAlgorithm::Xor(8),
        "XOR16" => HashAlgorithm::Xor(16),
        "XOR32" => HashAlgorithm::Xor(32),
        // The variants that the machine's software takes by these names.
        "CRC8" => crc(8, 0x07, false, 0),
        "CRC16" => crc(16, 0x8005, true, 0),
        "CRC32" => crc(32, 0x04c1_1db7, true, 0xffff_ffff),
        "CRC64" => crc(64, 0x42f0_e1eb_a9ea_3693, false, 0),
        _ => return None,
    })
}
