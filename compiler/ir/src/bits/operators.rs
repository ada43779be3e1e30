//! The operators of expressions on values.
//!
//! Where both arguments must be equally wide and are not, the right one is cut or extended with
//! zeros to the width of the left one: no input panics.

use super::{Bits, INLINE_BITS, LIMB_BITS, Repr};
use crate::{BinaryOp, UnaryOp};

impl Bits {
    /// Applies an operator to one argument.
    #[must_use]
    pub fn unary(op: UnaryOp, arg: &Self) -> Self {
        match op {
            UnaryOp::Not => arg.not(),
            UnaryOp::Neg => Self::zero(arg.width).sub(arg),
        }
    }

    /// Applies an operator to two arguments.
    #[must_use]
    pub fn binary(op: BinaryOp, lhs: &Self, rhs: &Self) -> Self {
        match op {
            BinaryOp::Concat => lhs.concat(rhs),
            BinaryOp::Shl => lhs.shl(rhs.as_shift_of(lhs.width)),
            BinaryOp::ShrU => lhs.shr(rhs.as_shift_of(lhs.width), false),
            BinaryOp::ShrS => lhs.shr(rhs.as_shift_of(lhs.width), lhs.sign_bit()),
            _ if rhs.width != lhs.width => Self::binary(op, lhs, &rhs.resize(lhs.width, false)),
            BinaryOp::Add => lhs.add(rhs),
            BinaryOp::Sub => lhs.sub(rhs),
            BinaryOp::Mul => lhs.mul(rhs),
            BinaryOp::DivU => lhs.div(rhs),
            BinaryOp::RemU => lhs.rem(rhs),
            BinaryOp::AddSatU => {
                let sum = lhs.add(rhs);
                if sum.cmp_u(lhs).is_lt() {
                    Self::ones(lhs.width)
                } else {
                    sum
                }
            }
            BinaryOp::SubSatU => {
                if lhs.cmp_u(rhs).is_lt() {
                    Self::zero(lhs.width)
                } else {
                    lhs.sub(rhs)
                }
            }
            BinaryOp::AddSatS => {
                let fits = lhs.sign_bit() != rhs.sign_bit();
                lhs.add(rhs).saturated(fits, lhs)
            }
            BinaryOp::SubSatS => {
                let fits = lhs.sign_bit() == rhs.sign_bit();
                lhs.sub(rhs).saturated(fits, lhs)
            }
            BinaryOp::And => lhs.limbwise(rhs, |left, right| left & right),
            BinaryOp::Or => lhs.limbwise(rhs, |left, right| left | right),
            BinaryOp::Xor => lhs.limbwise(rhs, |left, right| left ^ right),
            BinaryOp::Eq => Self::from_bool(lhs == rhs),
            BinaryOp::Ne => Self::from_bool(lhs != rhs),
            BinaryOp::LtU => Self::from_bool(lhs.cmp_u(rhs).is_lt()),
            BinaryOp::LeU => Self::from_bool(lhs.cmp_u(rhs).is_le()),
            BinaryOp::LtS => Self::from_bool(lhs.cmp_s(rhs).is_lt()),
            BinaryOp::LeS => Self::from_bool(lhs.cmp_s(rhs).is_le()),
        }
    }

    fn not(&self) -> Self {
        match &self.repr {
            Repr::Inline(value) => Self::from_u128(self.width, !value),
            Repr::Wide(_) => Self::from_limbs(self.width, |position| !self.limb(position)),
        }
    }

    fn add(&self, other: &Self) -> Self {
        if let (Repr::Inline(left), Repr::Inline(right)) = (&self.repr, &other.repr) {
            return Self::from_u128(self.width, left.wrapping_add(*right));
        }
        let mut carry = false;
        self.limbwise(other, |left, right| {
            let (sum, first) = left.overflowing_add(right);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first || second;
            sum
        })
    }

    pub(super) fn sub(&self, other: &Self) -> Self {
        if let (Repr::Inline(left), Repr::Inline(right)) = (&self.repr, &other.repr) {
            return Self::from_u128(self.width, left.wrapping_sub(*right));
        }
        let mut borrow = false;
        self.limbwise(other, |left, right| {
            let (difference, first) = left.overflowing_sub(right);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            borrow = first || second;
            difference
        })
    }

    /// Combines limb by limb, the lowest first.
    fn limbwise(&self, other: &Self, mut combine: impl FnMut(u64, u64) -> u64) -> Self {
        Self::from_limbs(self.width, |position| {
            combine(self.limb(position), other.limb(position))
        })
    }

    fn mul(&self, other: &Self) -> Self {
        if let (Repr::Inline(left), Repr::Inline(right)) = (&self.repr, &other.repr) {
            return Self::from_u128(self.width, left.wrapping_mul(*right));
        }
        Self::from_biguint(self.width, &(self.to_biguint() * other.to_biguint()))
    }

    fn div(&self, other: &Self) -> Self {
        if other.is_zero() {
            return Self::ones(self.width);
        }
        if let (Repr::Inline(left), Repr::Inline(right)) = (&self.repr, &other.repr) {
            return Self::from_u128(self.width, left / right);
        }
        Self::from_biguint(self.width, &(self.to_biguint() / other.to_biguint()))
    }

    fn rem(&self, other: &Self) -> Self {
        if other.is_zero() {
            return self.clone();
        }
        if let (Repr::Inline(left), Repr::Inline(right)) = (&self.repr, &other.repr) {
            return Self::from_u128(self.width, left % right);
        }
        Self::from_biguint(self.width, &(self.to_biguint() % other.to_biguint()))
    }

    /// A signed sum or difference whose left argument was `lhs`: if it overflowed, the bound on the
    /// left argument's side. `fits` says that the signs of the arguments rule an overflow out.
    fn saturated(self, fits: bool, lhs: &Self) -> Self {
        if fits || self.sign_bit() == lhs.sign_bit() {
            return self;
        }
        let width = self.width;
        let least = Self::from_u64(width, 1).shl(width.checked_sub(1));
        if lhs.sign_bit() { least } else { least.not() }
    }

    /// This value as the amount that a value of `width` bits is shifted by; nothing if that shifts
    /// all of it out.
    fn as_shift_of(&self, width: u32) -> Option<u32> {
        let amount = u32::try_from(self.to_u64()?).ok()?;
        (amount < width).then_some(amount)
    }

    /// Shifts left; without an amount everything is shifted out.
    pub(super) fn shl(&self, amount: Option<u32>) -> Self {
        let Some(amount) = amount.filter(|amount| *amount < self.width) else {
            return Self::zero(self.width);
        };
        if let Repr::Inline(value) = self.repr {
            return Self::from_u128(self.width, value << amount);
        }
        Self::from_limbs(self.width, |position| {
            match (position * LIMB_BITS).checked_sub(amount) {
                Some(lo) => self.window(u64::from(lo)),
                None => self
                    .limb(0)
                    .checked_shl(amount - position * LIMB_BITS)
                    .unwrap_or(0),
            }
        })
    }

    /// Shifts right and fills from above; without an amount everything is shifted out.
    fn shr(&self, amount: Option<u32>, fill: bool) -> Self {
        let amount = amount.unwrap_or(self.width);
        let shifted = if self.width <= INLINE_BITS {
            let value = self.low_u128().checked_shr(amount).unwrap_or(0);
            Self::from_u128(self.width, value)
        } else {
            Self::from_limbs(self.width, |position| {
                self.window(u64::from(amount) + u64::from(LIMB_BITS) * u64::from(position))
            })
        };
        if !fill {
            return shifted;
        }
        let filling = Self::ones(self.width).shl(self.width.checked_sub(amount));
        shifted.limbwise(&filling, |left, right| left | right)
    }
}
