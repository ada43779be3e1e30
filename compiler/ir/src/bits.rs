//! Integers of a fixed width.

/// An unsigned integer of 1 to 2,048 bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bits {
    width: u32,
    value: u128,
}

impl Bits {
    /// The width in bits.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The value cut to `width` bits.
    #[must_use]
    pub fn from_u128(width: u32, value: u128) -> Self {
        let mask = if width >= 128 {
            u128::MAX
        } else {
            (1 << width) - 1
        };
        Self {
            width,
            value: value & mask,
        }
    }
}
