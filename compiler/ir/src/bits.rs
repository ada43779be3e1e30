//! Integers of a fixed width: the one definition of every value and operator of the IR.
//!
//! A [`Bits`] is a width and an unsigned number below 2^width. Signedness belongs to operators
//! ([`BinaryOp::LtS`](crate::BinaryOp::LtS)), never to values. Every operation is total: it neither
//! panics nor fails at any width, and bits beyond a width are zero wherever they are asked for. Values
//! of up to 128 bits are stored inline, wider ones in limbs on the heap.

mod operators;

use std::cmp::Ordering;
use std::fmt;

use num_bigint::{BigInt, BigUint, Sign};

/// An unsigned integer of a fixed width. Programs have widths of 1 to [`Bits::MAX_WIDTH`]; width 0
/// is the empty string of bits, and what is concatenated for a hash may be longer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Bits {
    width: u32,
    repr: Repr,
}

/// The number: bits at and above the width are zero, so that equality is structural.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    /// Where the width is at most 128.
    Inline(u128),
    /// Where it is more: ceil(width / 64) limbs, the lowest first.
    Wide(Box<[u64]>),
}

const LIMB_BITS: u32 = 64;
const INLINE_BITS: u32 = 128;

/// The lowest `width` bits set, all of them from 128 on.
fn low_mask(width: u32) -> u128 {
    if width >= INLINE_BITS {
        u128::MAX
    } else {
        (1 << width) - 1
    }
}

impl Bits {
    /// The widest value of a program, in bits.
    pub const MAX_WIDTH: u32 = 2048;

    /// Builds a value from its limbs, the lowest first; bits beyond the width are cut.
    fn from_limbs(width: u32, mut limb: impl FnMut(u32) -> u64) -> Self {
        if width <= LIMB_BITS {
            return Self::from_u64(width, if width == 0 { 0 } else { limb(0) });
        }
        if width <= INLINE_BITS {
            let low = limb(0);
            return Self::from_u128(width, u128::from(low) | u128::from(limb(1)) << LIMB_BITS);
        }
        let mut limbs: Box<[u64]> = (0..width.div_ceil(LIMB_BITS)).map(limb).collect();
        let used = width % LIMB_BITS;
        if let Some(top) = limbs.last_mut()
            && used != 0
        {
            *top &= u64::MAX >> (LIMB_BITS - used);
        }
        Self {
            width,
            repr: Repr::Wide(limbs),
        }
    }

    /// The limb at this position, zero beyond the width.
    fn limb(&self, position: u32) -> u64 {
        match &self.repr {
            Repr::Inline(value) => match position {
                0 => *value as u64,
                1 => (*value >> LIMB_BITS) as u64,
                _ => 0,
            },
            Repr::Wide(limbs) => limbs.get(position as usize).copied().unwrap_or(0),
        }
    }

    /// The number of limbs.
    fn n_limbs(&self) -> u32 {
        self.width.div_ceil(LIMB_BITS)
    }

    /// The 64 bits from bit `lo` upwards.
    fn window(&self, lo: u64) -> u64 {
        let Ok(position) = u32::try_from(lo / u64::from(LIMB_BITS)) else {
            return 0;
        };
        let shift = (lo % u64::from(LIMB_BITS)) as u32;
        let low = self.limb(position) >> shift;
        if shift == 0 {
            low
        } else {
            low | self.limb(position + 1) << (LIMB_BITS - shift)
        }
    }

    /// Zero of this width.
    #[must_use]
    pub fn zero(width: u32) -> Self {
        Self::from_limbs(width, |_| 0)
    }

    /// All ones of this width.
    #[must_use]
    pub fn ones(width: u32) -> Self {
        Self::from_limbs(width, |_| u64::MAX)
    }

    /// One bit.
    #[must_use]
    pub fn from_bool(value: bool) -> Self {
        Self::from_u128(1, u128::from(value))
    }

    /// The value cut to `width` bits.
    #[must_use]
    pub fn from_u64(width: u32, value: u64) -> Self {
        Self::from_u128(width, u128::from(value))
    }

    /// The value cut to `width` bits.
    #[must_use]
    pub fn from_u128(width: u32, value: u128) -> Self {
        if width <= INLINE_BITS {
            return Self {
                width,
                repr: Repr::Inline(value & low_mask(width)),
            };
        }
        Self::from_limbs(width, |position| match position {
            0 => value as u64,
            1 => (value >> LIMB_BITS) as u64,
            _ => 0,
        })
    }

    /// The bytes as one number, the highest byte first, cut to its lowest `width` bits.
    #[must_use]
    pub fn from_bytes_be(width: u32, bytes: &[u8]) -> Self {
        let mut chunks = bytes.rchunks(8);
        Self::from_limbs(width, |_| {
            chunks.next().map_or(0, |chunk| {
                chunk
                    .iter()
                    .fold(0, |limb, byte| limb << 8 | u64::from(*byte))
            })
        })
    }

    /// The number cut to its lowest `width` bits.
    #[must_use]
    pub fn from_biguint(width: u32, value: &BigUint) -> Self {
        let mut digits = value.iter_u64_digits();
        Self::from_limbs(width, |_| digits.next().unwrap_or(0))
    }

    /// The number in two's complement, cut to its lowest `width` bits.
    #[must_use]
    pub fn from_bigint(width: u32, value: &BigInt) -> Self {
        let magnitude = Self::from_biguint(width, value.magnitude());
        if value.sign() == Sign::Minus {
            Self::zero(width).sub(&magnitude)
        } else {
            magnitude
        }
    }

    /// The width in bits.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// ceil(width / 8) bytes, the highest first, the value in the lowest bits.
    #[must_use]
    pub fn to_bytes_be(&self) -> Vec<u8> {
        (0..self.width.div_ceil(8))
            .rev()
            .map(|byte| (self.limb(byte / 8) >> (8 * (byte % 8))) as u8)
            .collect()
    }

    /// The value as an unsigned number.
    #[must_use]
    pub fn to_biguint(&self) -> BigUint {
        match &self.repr {
            Repr::Inline(value) => BigUint::from(*value),
            Repr::Wide(_) => BigUint::from_bytes_be(&self.to_bytes_be()),
        }
    }

    /// The value as a number in two's complement.
    #[must_use]
    pub fn to_bigint_signed(&self) -> BigInt {
        let value = BigInt::from(self.to_biguint());
        if self.sign_bit() {
            value - (BigInt::from(1) << self.width)
        } else {
            value
        }
    }

    /// The value, if it fits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        (1..self.n_limbs())
            .all(|position| self.limb(position) == 0)
            .then(|| self.limb(0))
    }

    /// The value, if it fits.
    #[must_use]
    pub fn to_u128(&self) -> Option<u128> {
        (2..self.n_limbs())
            .all(|position| self.limb(position) == 0)
            .then(|| self.low_u128())
    }

    /// The lowest 64 bits.
    #[must_use]
    pub fn low_u64(&self) -> u64 {
        self.limb(0)
    }

    /// The lowest 128 bits.
    #[must_use]
    pub fn low_u128(&self) -> u128 {
        match &self.repr {
            Repr::Inline(value) => *value,
            Repr::Wide(_) => u128::from(self.limb(0)) | u128::from(self.limb(1)) << LIMB_BITS,
        }
    }

    /// Whether every bit is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match &self.repr {
            Repr::Inline(value) => *value == 0,
            Repr::Wide(limbs) => limbs.iter().all(|limb| *limb == 0),
        }
    }

    /// Whether any bit is 1: of a condition, whether it holds.
    #[must_use]
    pub fn is_true(&self) -> bool {
        !self.is_zero()
    }

    /// The bit at this position, 0 the lowest; beyond the width it is 0.
    #[must_use]
    pub fn bit(&self, position: u32) -> bool {
        self.limb(position / LIMB_BITS) >> (position % LIMB_BITS) & 1 == 1
    }

    /// The highest bit.
    fn sign_bit(&self) -> bool {
        self.width != 0 && self.bit(self.width - 1)
    }

    /// The highest `len` of `width` bits set: the mask of a prefix. A longer prefix is all ones.
    #[must_use]
    pub fn prefix_mask(width: u32, len: u32) -> Self {
        Self::ones(width).shl(Some(width.saturating_sub(len)))
    }

    /// Bits `hi` down to `lo`, both included; those beyond the width are 0. Empty if `hi < lo`.
    #[must_use]
    pub fn slice(&self, hi: u32, lo: u32) -> Self {
        let width = hi.saturating_add(1).saturating_sub(lo);
        match &self.repr {
            Repr::Inline(value) if lo < INLINE_BITS => Self::from_u128(width, value >> lo),
            Repr::Inline(_) => Self::zero(width),
            Repr::Wide(_) => Self::from_limbs(width, |position| {
                self.window(u64::from(lo) + u64::from(LIMB_BITS) * u64::from(position))
            }),
        }
    }

    /// This value with bits `hi` down to `lo` replaced by the lowest bits of `value`. What would lie
    /// beyond the width is lost.
    #[must_use]
    pub fn with_slice(&self, hi: u32, lo: u32, value: &Self) -> Self {
        let slice_width = hi.saturating_add(1).saturating_sub(lo);
        if let (Repr::Inline(old), Repr::Inline(new)) = (&self.repr, &value.repr)
            && lo < INLINE_BITS
        {
            let mask = low_mask(slice_width) << lo;
            return Self::from_u128(self.width, old & !mask | new << lo & mask);
        }
        let mask = Self::ones(slice_width)
            .resize(self.width, false)
            .shl(Some(lo));
        let moved = value.resize(self.width, false).shl(Some(lo));
        Self::from_limbs(self.width, |position| {
            let mask = mask.limb(position);
            self.limb(position) & !mask | moved.limb(position) & mask
        })
    }

    /// This value above `low`; as wide as both together.
    #[must_use]
    pub fn concat(&self, low: &Self) -> Self {
        let width = self.width.saturating_add(low.width);
        if width <= INLINE_BITS {
            let high = self.low_u128().checked_shl(low.width).unwrap_or(0);
            return Self::from_u128(width, high | low.low_u128());
        }
        let high = self.resize(width, false).shl(Some(low.width));
        Self::from_limbs(width, |position| high.limb(position) | low.limb(position))
    }

    /// The value cut or extended to `width` bits, by its sign bit or by zeros.
    #[must_use]
    pub fn resize(&self, width: u32, is_signed: bool) -> Self {
        if width == self.width {
            return self.clone();
        }
        if is_signed && width > self.width && self.sign_bit() {
            let extension = Self::ones(width).shl(Some(self.width));
            return Self::from_limbs(width, |position| {
                extension.limb(position) | self.limb(position)
            });
        }
        Self::from_limbs(width, |position| self.limb(position))
    }

    /// Compares as unsigned numbers, whatever the widths.
    #[must_use]
    pub fn cmp_u(&self, other: &Self) -> Ordering {
        if let (Repr::Inline(left), Repr::Inline(right)) = (&self.repr, &other.repr) {
            return left.cmp(right);
        }
        (0..self.n_limbs().max(other.n_limbs()))
            .rev()
            .map(|position| self.limb(position).cmp(&other.limb(position)))
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Compares as numbers in two's complement, each of its own width.
    #[must_use]
    pub fn cmp_s(&self, other: &Self) -> Ordering {
        match (self.sign_bit(), other.sign_bit()) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.cmp_u(other),
            (true, true) => {
                let width = self.width.max(other.width);
                self.resize(width, true).cmp_u(&other.resize(width, true))
            }
        }
    }
}

impl fmt::LowerHex for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match &self.repr {
            Repr::Inline(value) => format!("{value:x}"),
            Repr::Wide(_) => self.to_biguint().to_str_radix(16),
        };
        f.pad_integral(true, "0x", &digits)
    }
}

/// As in a P4 program: `8w0x1f`.
impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}w{self:#x}", self.width)
    }
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
