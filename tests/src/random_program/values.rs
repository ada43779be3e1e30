//! Numbers that often meet: keys, entries and packets draw from the same few values, or hardly anything
//! would ever be equal.

use crate::mutation::Random;

/// A number as hexadecimal digits, its highest bits cut to `width`.
pub(super) fn digits(random: &mut Random, width: u32) -> String {
    let n_digits = width.div_ceil(4) as usize;
    let mut nibbles = vec![0_u8; n_digits];
    match random.below(8) {
        0..=2 => {}
        3 | 4 => *nibbles.last_mut().expect("a width is not 0") = random.below(4) as u8,
        5 => nibbles.fill(15),
        6 => nibbles[random.below(n_digits)] = 1 << random.below(4),
        _ => nibbles.fill_with(|| random.below(16) as u8),
    }
    let spare = n_digits as u32 * 4 - width;
    nibbles[0] &= 15 >> spare;
    nibbles
        .iter()
        .map(|nibble| char::from_digit(u32::from(*nibble), 16).expect("a nibble"))
        .collect()
}

/// A literal of P4 of a width.
pub(super) fn literal(random: &mut Random, width: u32) -> String {
    format!("{width}w0x{}", digits(random, width))
}

/// Bytes of a packet.
pub(super) fn bytes(random: &mut Random, len: usize) -> Vec<u8> {
    let kind = random.below(4);
    let byte = |_| match (kind, random.below(6)) {
        (0, _) => 0,
        (1, 0) | (2, 0..=2) => random.below(4) as u8,
        (2, 3) => 0xff,
        (3, _) => random.any() as u8,
        _ => 0,
    };
    (0..len).map(byte).collect()
}
