//! Values with wildcards, and patterns of packets.

use p4rmt_ir::Bits;

/// The widest number that a vector may hold, in bits: the widest value of the IR.
pub(crate) const MAX_WIDTH: u32 = 2048;

/// A number as written: decimal, hexadecimal or binary, the latter two with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The digits' bits, wildcards as zeros; as wide as the digits.
    bits: Bits,
    /// Ones under the digits that are written, as wide as `bits`; zeros under wildcards.
    mask: Bits,
    /// How many of the digits' bits are no wildcards; none for a decimal number, which says nothing
    /// about digits.
    fixed_bits: Option<u32>,
    /// The text.
    text: String,
}

impl Value {
    /// Reads a number. Nothing if it is none, or wider than 2,048 bits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        if let Some(digits) = lower.strip_prefix("0x") {
            return Self::from_digits(text, digits, 4);
        }
        if let Some(digits) = lower.strip_prefix("0b") {
            return Self::from_digits(text, digits, 1);
        }
        let value = text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse::<u128>().ok())??;
        let width = (128 - value.leading_zeros()).max(1);
        Some(Self {
            bits: Bits::from_u128(width, value),
            mask: Bits::ones(width),
            fixed_bits: None,
            text: text.to_owned(),
        })
    }

    fn from_digits(text: &str, digits: &str, bits_per_digit: u32) -> Option<Self> {
        let n_digits = u32::try_from(digits.len()).ok()?;
        if n_digits == 0 || n_digits > MAX_WIDTH / bits_per_digit {
            return None;
        }
        let ones = (1u64 << bits_per_digit) - 1;
        let width = n_digits * bits_per_digit;
        let mut bits = Bits::zero(width);
        let mut mask = Bits::zero(width);
        let mut fixed_bits = 0;
        let mut hi = width;
        for digit in digits.chars() {
            let lo = hi - bits_per_digit;
            if digit != '*' {
                let digit = digit.to_digit(1 << bits_per_digit)?;
                let digit = Bits::from_u64(bits_per_digit, u64::from(digit));
                bits = bits.with_slice(hi - 1, lo, &digit);
                mask = mask.with_slice(hi - 1, lo, &Bits::from_u64(bits_per_digit, ones));
                fixed_bits += bits_per_digit;
            }
            hi = lo;
        }
        Some(Self {
            bits,
            mask,
            fixed_bits: Some(fixed_bits),
            text: text.to_owned(),
        })
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a digit is a wildcard.
    #[must_use]
    pub fn has_wildcards(&self) -> bool {
        self.mask != Bits::ones(self.mask.width())
    }

    /// Whether all digits are wildcards.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.mask.is_zero()
    }

    /// The number with this width, wildcards as zeros; nothing if it does not fit.
    #[must_use]
    pub fn to_bits(&self, width: u32) -> Option<Bits> {
        let resized = self.bits.resize(width, false);
        let back = resized.resize(self.bits.width().max(width), false);
        let full = self.bits.resize(self.bits.width().max(width), false);
        (back == full).then_some(resized)
    }

    /// Ones under the digits that are written, zeros under wildcards and above the first digit; all
    /// ones for a decimal number.
    #[must_use]
    pub fn mask(&self, width: u32) -> Bits {
        match self.fixed_bits {
            Some(_) => self.mask.resize(width, false),
            None => Bits::ones(width),
        }
    }

    /// Zeros under wildcards, ones everywhere else: where a number that is checked must be this one.
    #[must_use]
    pub fn mask_of(&self, width: u32) -> Bits {
        if self.has_wildcards() {
            self.mask(width)
        } else {
            Bits::ones(width)
        }
    }

    /// The number, if it has no wildcards and fits into 64 bits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        if self.has_wildcards() {
            return None;
        }
        self.bits.to_u64()
    }

    /// The length of the prefix that an lpm key of this width gets where none is written: the bits
    /// of the digits that are no wildcards, the whole width for a decimal number.
    #[must_use]
    pub fn implied_prefix_len(&self, width: u32) -> u32 {
        self.fixed_bits.map_or(width, |bits| bits.min(width))
    }
}

/// What a packet must look like, by nibbles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    /// Its nibbles from the front; none for one that may be anything.
    pub nibbles: Vec<Option<u8>>,
    /// Whether the packet must end where the pattern does.
    pub is_exact: bool,
}

/// Where a packet does not look like the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// At this byte: the first that differs.
    Byte(usize),
    /// The packet ends before the pattern does.
    TooShort,
    /// The packet goes on behind an exact pattern.
    TooLong,
}

impl Pattern {
    /// The first difference, if there is one.
    #[must_use]
    pub fn difference(&self, packet: &[u8]) -> Option<Difference> {
        for (position, nibble) in self.nibbles.iter().enumerate() {
            let Some(byte) = packet.get(position / 2) else {
                return Some(Difference::TooShort);
            };
            let found = if position % 2 == 0 {
                byte >> 4
            } else {
                byte & 15
            };
            if nibble.is_some_and(|nibble| nibble != found) {
                return Some(Difference::Byte(position / 2));
            }
        }
        let n_bytes = self.nibbles.len().div_ceil(2);
        (self.is_exact && packet.len() > n_bytes).then_some(Difference::TooLong)
    }

    /// Of a byte that differs, the first bit that does, counted from the highest.
    pub(crate) fn first_bit(&self, packet: &[u8], byte: usize) -> usize {
        let found = packet.get(byte).copied().unwrap_or_default();
        let differs = |half: usize, found: u8| {
            let wanted = self.nibbles.get(byte * 2 + half).copied().flatten();
            wanted.map_or(0, |wanted| wanted ^ found)
        };
        let differing = differs(0, found >> 4) << 4 | differs(1, found & 15);
        differing.leading_zeros() as usize & 7
    }

    /// How many bytes it describes.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.nibbles.len().div_ceil(2)
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for nibble in &self.nibbles {
            match nibble {
                Some(nibble) => write!(f, "{nibble:x}")?,
                None => write!(f, "*")?,
            }
        }
        if self.is_exact {
            write!(f, " $")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, width: u32, expected: Option<u64>, mask: u64, prefix_len: u32) {
        let value = Value::parse(text).expect("the text is a number");
        let bits = value.to_bits(width).map(|bits| bits.low_u64());
        assert_eq!(bits, expected, "value of {text}");
        assert_eq!(value.mask(width).low_u64(), mask, "mask of {text}");
        assert_eq!(
            value.implied_prefix_len(width),
            prefix_len,
            "prefix of {text}"
        );
    }

    #[test]
    fn numbers_have_values_masks_and_prefixes() {
        check("10", 8, Some(10), 0xff, 8);
        check("0", 8, Some(0), 0xff, 8);
        check("256", 8, None, 0xff, 8);
        check("0x0a", 32, Some(10), 0xff, 8);
        check("0x0a**", 16, Some(0x0a00), 0xff00, 8);
        check("0x****0101", 32, Some(0x0101), 0xffff, 16);
        check("0b1*0", 4, Some(0b100), 0b101, 2);
        check("0x0000000001", 8, Some(1), 0xff, 8);
        check("0XfF", 8, Some(255), 0xff, 8);
    }

    #[test]
    fn nonsense_is_no_number() {
        for text in ["", "0x", "0b", "0b2", "0xg", "-1", "1.5", "*", "0x-", "12a"] {
            assert_eq!(Value::parse(text), None, "{text}");
        }
        assert_eq!(Value::parse(&format!("0x{}", "f".repeat(513))), None);
        assert!(Value::parse(&format!("0x{}", "f".repeat(512))).is_some());
        assert_eq!(Value::parse(&"9".repeat(80)), None);
    }

    #[test]
    fn patterns_match_prefixes_unless_exact() {
        let mut pattern = Pattern {
            nibbles: vec![Some(1), None, Some(3)],
            is_exact: false,
        };
        assert_eq!(pattern.difference(&[0x1f, 0x3a, 0xff]), None);
        assert_eq!(pattern.difference(&[0x1f, 0x4a]), Some(Difference::Byte(1)));
        assert_eq!(pattern.difference(&[0x1f]), Some(Difference::TooShort));
        pattern.is_exact = true;
        assert_eq!(pattern.difference(&[0x1f, 0x3a]), None);
        assert_eq!(
            pattern.difference(&[0x1f, 0x3a, 0]),
            Some(Difference::TooLong)
        );
    }
}
