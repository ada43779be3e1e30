//! A number without a width: what is written in a request, before it is known where it goes.

use std::fmt;
use std::str::FromStr;

use num_bigint::BigUint;
use p4rmt_ir::Bits;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A natural number of at most 2,048 bits. As text it is hexadecimal with `0x` in front, or decimal; it is written
/// as the former.
#[derive(Clone)]
pub struct Number(Bits);

/// The widest value of the language, in bits.
const MAX_BITS: u32 = 2048;

/// A text that is no number.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{text}` is no number: write decimal digits, or hexadecimal ones behind `0x`, of at most 2,048 bits"
)]
pub struct NumberError {
    /// The text.
    pub text: String,
}

impl Number {
    /// The value of a field.
    #[must_use]
    pub fn of(bits: &Bits) -> Self {
        Self(bits.clone())
    }

    /// As a field of so many bits has it; none if it does not fit.
    #[must_use]
    pub fn to_bits(&self, width: u32) -> Option<Bits> {
        let bits = self.0.resize(width, false);
        bits.cmp_u(&self.0).is_eq().then_some(bits)
    }

    /// The number, if it has at most 64 bits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        self.0.to_u64()
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(Bits::from_u64(64, value))
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        u64::from(value).into()
    }
}

impl From<u16> for Number {
    fn from(value: u16) -> Self {
        u64::from(value).into()
    }
}

impl From<u8> for Number {
    fn from(value: u8) -> Self {
        u64::from(value).into()
    }
}

impl From<u128> for Number {
    fn from(value: u128) -> Self {
        Self(Bits::from_u128(128, value))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.cmp_u(&other.0).is_eq()
    }
}

impl Eq for Number {}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0.to_biguint())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None => (text, 10),
        };
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        // More digits than any number of so many bits has are not computed with.
        let value = (is_number && digits.len() <= 700)
            .then(|| BigUint::parse_bytes(digits.as_bytes(), radix))
            .flatten();
        match value.filter(|value| value.bits() <= u64::from(MAX_BITS)) {
            Some(value) => Ok(Self(Bits::from_biguint(
                (value.bits() as u32).max(1),
                &value,
            ))),
            None => Err(NumberError {
                text: text.to_owned(),
            }),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_a_number_and_back() {
        for (text, expected) in [("0", "0x0"), ("258", "0x102"), ("0xFf", "0xff")] {
            let number: Number = text.parse().expect("it is one");
            assert_eq!(number.to_string(), expected);
        }
        let wide = format!("0x1{}", "0".repeat(511));
        assert_eq!(
            wide.parse::<Number>().expect("2,045 bits").to_string(),
            wide
        );
        let too_wide = format!("0x1{}", "0".repeat(512));
        for text in ["", "0x", "-1", "1.5", "ten", "0b1", "+1", "1_0", &too_wide] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_fits_where_its_bits_do() {
        let number = Number::from(0x1ff_u16);
        assert_eq!(number.to_bits(9), Some(Bits::from_u64(9, 0x1ff)));
        assert_eq!(number.to_bits(8), None);
        assert_eq!(number, "511".parse().expect("it is one"));
    }
}
