//! Arithmetic on values that are known when the program is compiled.

use num_bigint::{BigInt, Sign};
use p4rmt_syntax::ast::{BinaryOp, UnaryOp};

use crate::error::ErrorKind;

/// The most bits that a number may have while it is computed.
const MAX_BITS: u64 = 1 << 16;

/// A number for a message; a very long one is cut.
pub(crate) fn shown(value: &BigInt) -> String {
    if value.bits() > 256 {
        return format!("a number of {} bits", value.bits());
    }
    value.to_string()
}

/// A number cut to a width, in the range of its signedness.
pub(crate) fn wrap(value: &BigInt, width: u32, is_signed: bool) -> BigInt {
    let modulus = BigInt::from(1) << width;
    let mut wrapped = value % &modulus;
    if wrapped.sign() == Sign::Minus {
        wrapped += &modulus;
    }
    if is_signed && width > 0 && wrapped.bit(u64::from(width) - 1) {
        wrapped -= modulus;
    }
    wrapped
}

/// How a number is represented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `int`.
    Unbounded,
    /// `bit<width>` or `int<width>`.
    Fixed(u32, bool),
}

impl Form {
    fn cut(self, value: BigInt) -> Result<BigInt, ErrorKind> {
        match self {
            Self::Fixed(width, is_signed) => Ok(wrap(&value, width, is_signed)),
            Self::Unbounded if value.bits() > MAX_BITS => Err(ErrorKind::NumberTooLarge {
                most: MAX_BITS as usize,
            }),
            Self::Unbounded => Ok(value),
        }
    }

    fn saturate(self, value: BigInt) -> BigInt {
        let Self::Fixed(width, is_signed) = self else {
            return value;
        };
        let (least, most) = if is_signed {
            let half = BigInt::from(1) << width.saturating_sub(1);
            (-half.clone(), half - 1)
        } else {
            (BigInt::from(0), (BigInt::from(1) << width) - 1)
        };
        value.clamp(least, most)
    }
}

/// `-a`, `~a`, `+a`.
///
/// # Errors
/// The result is too large to be computed.
pub fn unary(op: UnaryOp, form: Form, arg: &BigInt) -> Result<BigInt, ErrorKind> {
    match op {
        UnaryOp::Negate => form.cut(-arg),
        UnaryOp::Complement => form.cut(!arg.clone()),
        UnaryOp::Plus | UnaryOp::Not => Ok(arg.clone()),
    }
}

/// An operator whose result is a number of the left operand's form.
///
/// # Errors
/// The result is not defined or too large to be computed.
pub fn binary(
    op: BinaryOp,
    form: Form,
    left: &BigInt,
    right: &BigInt,
) -> Result<BigInt, ErrorKind> {
    let value = match op {
        BinaryOp::Mul => left * right,
        BinaryOp::Div | BinaryOp::Mod => {
            if left.sign() == Sign::Minus || right.sign() != Sign::Plus {
                return Err(ErrorKind::Division {
                    lhs: shown(left),
                    rhs: shown(right),
                });
            }
            if op == BinaryOp::Div {
                left / right
            } else {
                left % right
            }
        }
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::AddSat => form.saturate(left + right),
        BinaryOp::SubSat => form.saturate(left - right),
        BinaryOp::Shl | BinaryOp::Shr => return shift(op, form, left, right),
        BinaryOp::BitAnd => left & right,
        BinaryOp::BitXor => left ^ right,
        BinaryOp::BitOr => left | right,
        BinaryOp::Le
        | BinaryOp::Ge
        | BinaryOp::Lt
        | BinaryOp::Gt
        | BinaryOp::Ne
        | BinaryOp::Eq
        | BinaryOp::Concat
        | BinaryOp::And
        | BinaryOp::Or => left.clone(),
    };
    form.cut(value)
}

fn shift(op: BinaryOp, form: Form, left: &BigInt, right: &BigInt) -> Result<BigInt, ErrorKind> {
    let too_far = || ErrorKind::ShiftDistance {
        distance: shown(right),
    };
    if right.sign() == Sign::Minus {
        return Err(too_far());
    }
    let is_left = op == BinaryOp::Shl;
    // Beyond this nothing changes any more, except that unbounded numbers grow.
    let limit = match form {
        Form::Fixed(width, _) => u64::from(width) + 1,
        Form::Unbounded if is_left => MAX_BITS,
        Form::Unbounded => left.bits() + 1,
    };
    let distance = match u64::try_from(right) {
        Ok(distance) if distance <= limit => distance,
        _ if form == Form::Unbounded && is_left && left.sign() != Sign::NoSign => {
            return Err(too_far());
        }
        _ => limit,
    };
    form.cut(if is_left {
        left << distance
    } else {
        left >> distance
    })
}

/// A comparison of two numbers.
#[must_use]
pub fn compare(op: BinaryOp, left: &BigInt, right: &BigInt) -> bool {
    match op {
        BinaryOp::Le => left <= right,
        BinaryOp::Ge => left >= right,
        BinaryOp::Lt => left < right,
        BinaryOp::Gt => left > right,
        BinaryOp::Ne => left != right,
        _ => left == right,
    }
}
