//! Every operation on `Bits` against wide-integer arithmetic, at widths around the seams of the
//! representation.

use num_bigint::{BigInt, BigUint};
use p4rmt_ir::{BinaryOp, Bits, UnaryOp};
use proptest::prelude::*;

const WIDTHS: [u32; 15] = [
    1, 7, 8, 31, 32, 33, 63, 64, 65, 127, 128, 129, 192, 200, 2048,
];

const BINARY_OPS: [BinaryOp; 22] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::DivU,
    BinaryOp::RemU,
    BinaryOp::AddSatU,
    BinaryOp::SubSatU,
    BinaryOp::AddSatS,
    BinaryOp::SubSatS,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
    BinaryOp::Shl,
    BinaryOp::ShrU,
    BinaryOp::ShrS,
    BinaryOp::Concat,
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::LtU,
    BinaryOp::LeU,
    BinaryOp::LtS,
    BinaryOp::LeS,
];

fn any_width() -> BoxedStrategy<u32> {
    prop_oneof![prop::sample::select(WIDTHS.to_vec()), 1..=300_u32].boxed()
}

/// Random, small, close to a bound, or with a run of ones: what carries and signs turn on.
fn value_of(width: u32) -> BoxedStrategy<Bits> {
    let bytes = width.div_ceil(8) as usize;
    let random = prop::collection::vec(any::<u8>(), bytes)
        .prop_map(move |bytes| Bits::from_bytes_be(width, &bytes));
    let low = (-4..4_i64).prop_map(move |value| Bits::from_bigint(width, &value.into()));
    let middle = (-2..=2_i64).prop_map(move |value| {
        Bits::from_bigint(width, &((BigInt::from(1) << (width - 1)) + value))
    });
    let run = (0..=width).prop_map(move |len| Bits::prefix_mask(width, len));
    prop_oneof![4 => random, 2 => low, 1 => middle, 1 => run].boxed()
}

fn value() -> BoxedStrategy<Bits> {
    any_width().prop_flat_map(value_of).boxed()
}

fn pair_of_one_width() -> BoxedStrategy<(Bits, Bits)> {
    any_width()
        .prop_flat_map(|width| {
            let equal = value_of(width).prop_map(|value| (value.clone(), value));
            prop_oneof![6 => (value_of(width), value_of(width)), 1 => equal]
        })
        .boxed()
}

fn unsigned(value: &Bits) -> BigInt {
    BigInt::from_bytes_be(num_bigint::Sign::Plus, &value.to_bytes_be())
}

fn signed(value: &Bits) -> BigInt {
    let number = unsigned(value);
    if number >= BigInt::from(1) << (value.width() - 1) {
        number - (BigInt::from(1) << value.width())
    } else {
        number
    }
}

/// The number modulo 2^width as bits, by way of bytes.
fn wrapped(width: u32, number: &BigInt) -> Bits {
    let modulus = BigInt::from(1) << width;
    let rest: BigInt = ((number % &modulus) + &modulus) % &modulus;
    Bits::from_bytes_be(width, &rest.to_bytes_be().1)
}

fn truth(value: bool) -> Bits {
    wrapped(1, &BigInt::from(u8::from(value)))
}

/// What the operator gives, in the arithmetic of unbounded integers.
fn expected(op: BinaryOp, lhs: &Bits, rhs: &Bits) -> Bits {
    let width = lhs.width();
    let (a, b) = (unsigned(lhs), unsigned(rhs));
    let (sa, sb) = (signed(lhs), signed(rhs));
    let largest: BigInt = (BigInt::from(1) << width) - 1;
    let largest_signed: BigInt = (BigInt::from(1) << (width - 1)) - 1;
    let least_signed: BigInt = -(BigInt::from(1) << (width - 1));
    let zero = BigInt::from(0);
    let shift = usize::try_from(b.clone().min(width.into())).expect("at most the width");
    match op {
        BinaryOp::Add => wrapped(width, &(a + b)),
        BinaryOp::Sub => wrapped(width, &(a - b)),
        BinaryOp::Mul => wrapped(width, &(a * b)),
        BinaryOp::DivU if b == zero => wrapped(width, &largest),
        BinaryOp::DivU => wrapped(width, &(a / b)),
        BinaryOp::RemU if b == zero => wrapped(width, &a),
        BinaryOp::RemU => wrapped(width, &(a % b)),
        BinaryOp::AddSatU => wrapped(width, &(a + b).min(largest)),
        BinaryOp::SubSatU => wrapped(width, &(a - b).max(zero)),
        BinaryOp::AddSatS => wrapped(width, &(sa + sb).clamp(least_signed, largest_signed)),
        BinaryOp::SubSatS => wrapped(width, &(sa - sb).clamp(least_signed, largest_signed)),
        BinaryOp::And => wrapped(width, &(a & b)),
        BinaryOp::Or => wrapped(width, &(a | b)),
        BinaryOp::Xor => wrapped(width, &(a ^ b)),
        BinaryOp::Shl => wrapped(width, &(a << shift)),
        BinaryOp::ShrU => wrapped(width, &(a >> shift)),
        BinaryOp::ShrS => wrapped(width, &(sa >> shift)),
        BinaryOp::Concat => wrapped(width + rhs.width(), &((a << rhs.width()) + b)),
        BinaryOp::Eq => truth(a == b),
        BinaryOp::Ne => truth(a != b),
        BinaryOp::LtU => truth(a < b),
        BinaryOp::LeU => truth(a <= b),
        BinaryOp::LtS => truth(sa < sb),
        BinaryOp::LeS => truth(sa <= sb),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn binary_operators_agree_with_unbounded_integers((lhs, rhs) in pair_of_one_width()) {
        for op in BINARY_OPS {
            prop_assert_eq!(
                Bits::binary(op, &lhs, &rhs), expected(op, &lhs, &rhs), "{:?} {} {}", op, lhs, rhs
            );
        }
    }

    #[test]
    fn shifts_and_concat_take_any_widths(lhs in value(), rhs in value()) {
        for op in [BinaryOp::Shl, BinaryOp::ShrU, BinaryOp::ShrS, BinaryOp::Concat] {
            prop_assert_eq!(
                Bits::binary(op, &lhs, &rhs), expected(op, &lhs, &rhs), "{:?} {} {}", op, lhs, rhs
            );
        }
    }

    #[test]
    fn shifts_by_every_amount_in_reach(lhs in value(), amount in 0..2100_u64) {
        let amount = Bits::from_u64(16, amount);
        for op in [BinaryOp::Shl, BinaryOp::ShrU, BinaryOp::ShrS] {
            prop_assert_eq!(Bits::binary(op, &lhs, &amount), expected(op, &lhs, &amount));
        }
    }

    #[test]
    fn unary_operators_agree_with_unbounded_integers(arg in value()) {
        let number = unsigned(&arg);
        let complement = (BigInt::from(1) << arg.width()) - 1 - &number;
        prop_assert_eq!(Bits::unary(UnaryOp::Not, &arg), wrapped(arg.width(), &complement));
        prop_assert_eq!(Bits::unary(UnaryOp::Neg, &arg), wrapped(arg.width(), &-number));
    }

    #[test]
    fn unequal_widths_take_the_left_one(lhs in value(), rhs in value()) {
        let cut = wrapped(lhs.width(), &unsigned(&rhs));
        for op in BINARY_OPS {
            if !op.is_shift() && op != BinaryOp::Concat {
                prop_assert_eq!(Bits::binary(op, &lhs, &rhs), expected(op, &lhs, &cut));
            }
        }
    }

    #[test]
    fn resizing_keeps_the_number(arg in value(), width in any_width()) {
        prop_assert_eq!(arg.resize(width, false), wrapped(width, &unsigned(&arg)));
        prop_assert_eq!(arg.resize(width, true), wrapped(width, &signed(&arg)));
    }

    #[test]
    fn slices_are_shifted_and_cut(arg in value(), hi in 0..2100_u32, width in 1..300_u32) {
        let lo = (hi + 1).saturating_sub(width);
        let number = unsigned(&arg) >> lo;
        prop_assert_eq!(arg.slice(hi, lo), wrapped(hi - lo + 1, &number));
    }

    #[test]
    fn slices_inside_are_replaced((old, new) in pair_of_one_width(), a in any::<u32>(), b in any::<u32>()) {
        let (a, b) = (a % old.width(), b % old.width());
        let (hi, lo) = (a.max(b), a.min(b));
        let mask = ((BigInt::from(1) << (hi - lo + 1)) - 1) << lo;
        let outside = ((BigInt::from(1) << old.width()) - 1) ^ &mask;
        let number = (unsigned(&old) & outside) | ((unsigned(&new) << lo) & mask);
        prop_assert_eq!(old.with_slice(hi, lo, &new), wrapped(old.width(), &number));
    }

    #[test]
    fn replacing_beyond_the_width_loses_what_is_beyond(
        old in value(), new in value(), lo in 0..2100_u32, width in 1..300_u32
    ) {
        let mask = ((BigInt::from(1) << width) - 1) << lo;
        let number = (unsigned(&old) | &mask) ^ &mask | ((unsigned(&new) << lo) & &mask);
        prop_assert_eq!(old.with_slice(lo + width - 1, lo, &new), wrapped(old.width(), &number));
    }

    #[test]
    fn numbers_and_bytes_go_out_and_in(arg in value()) {
        let width = arg.width();
        prop_assert_eq!(arg.to_bytes_be().len(), width.div_ceil(8) as usize);
        prop_assert_eq!(&Bits::from_bytes_be(width, &arg.to_bytes_be()), &arg);
        prop_assert_eq!(&Bits::from_biguint(width, &arg.to_biguint()), &arg);
        prop_assert_eq!(&Bits::from_bigint(width, &arg.to_bigint_signed()), &arg);
        prop_assert_eq!(BigInt::from(arg.to_biguint()), unsigned(&arg));
        prop_assert_eq!(arg.to_bigint_signed(), signed(&arg));
        prop_assert_eq!(arg.to_u64(), u64::try_from(unsigned(&arg)).ok());
        prop_assert_eq!(arg.to_u128(), u128::try_from(unsigned(&arg)).ok());
        prop_assert_eq!(Bits::from_u64(64, arg.low_u64()), arg.resize(64, false));
        prop_assert_eq!(Bits::from_u128(128, arg.low_u128()), arg.resize(128, false));
        prop_assert_eq!(Bits::from_u128(width, arg.low_u128()), arg.resize(128, false).resize(width, false));
        prop_assert_eq!(arg.is_zero(), unsigned(&arg) == BigInt::from(0));
        prop_assert_eq!(arg.is_true(), !arg.is_zero());
        for position in 0..width + 70 {
            prop_assert_eq!(arg.bit(position), unsigned(&arg).bit(u64::from(position)));
        }
    }

    #[test]
    fn numbers_too_large_are_cut(arg in value(), width in any_width()) {
        let cut = wrapped(width, &unsigned(&arg));
        prop_assert_eq!(&Bits::from_biguint(width, &arg.to_biguint()), &cut);
        prop_assert_eq!(&Bits::from_bytes_be(width, &arg.to_bytes_be()), &cut);
    }

    #[test]
    fn comparing_agrees_with_unbounded_integers(lhs in value(), rhs in value()) {
        prop_assert_eq!(lhs.cmp_u(&rhs), unsigned(&lhs).cmp(&unsigned(&rhs)));
        prop_assert_eq!(lhs.cmp_s(&rhs), signed(&lhs).cmp(&signed(&rhs)));
    }

    #[test]
    fn prefix_masks_set_the_highest_bits(width in any_width(), len in 0..2100_u32) {
        let len_inside = len.min(width);
        let number = ((BigInt::from(1) << len_inside) - 1) << (width - len_inside);
        prop_assert_eq!(Bits::prefix_mask(width, len), wrapped(width, &number));
    }
}

#[test]
fn constants_have_their_bits() {
    for width in WIDTHS {
        assert_eq!(Bits::zero(width).to_biguint(), BigUint::from(0_u8));
        let ones = (BigUint::from(1_u8) << width) - 1_u8;
        assert_eq!(Bits::ones(width).to_biguint(), ones);
        assert_eq!(Bits::ones(width).width(), width);
    }
    assert!(Bits::from_bool(true).is_true());
    assert_eq!(Bits::from_bool(false), Bits::zero(1));
}

#[test]
fn the_empty_string_of_bits_is_harmless() {
    let empty = Bits::zero(0);
    assert_eq!(empty.to_bytes_be(), Vec::<u8>::new());
    assert_eq!(Bits::from_bytes_be(0, &[0xff]), empty);
    assert_eq!(empty.concat(&Bits::ones(9)), Bits::ones(9));
    assert_eq!(Bits::ones(9).slice(3, 4), empty);
    assert_eq!(Bits::prefix_mask(0, 0), empty);
    for op in BINARY_OPS {
        let width = u32::from(op.is_comparison());
        assert_eq!(Bits::binary(op, &empty, &empty).width(), width);
    }
    assert_eq!(Bits::unary(UnaryOp::Not, &empty), empty);
    assert_eq!(Bits::unary(UnaryOp::Neg, &empty), empty);
}

#[test]
fn text_shows_width_and_value() {
    assert_eq!(Bits::from_u64(8, 0x1f).to_string(), "8w0x1f");
    assert_eq!(format!("{:x}", Bits::from_u64(8, 0x1f)), "1f");
    assert_eq!(format!("{:#06x}", Bits::from_u64(8, 0x1f)), "0x001f");
    let wide = Bits::from_u64(128, 0xab).concat(&Bits::zero(64));
    assert_eq!(wide.to_string(), "192w0xab0000000000000000");
}
