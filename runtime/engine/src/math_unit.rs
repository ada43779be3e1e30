//! The math unit of a stateful ALU: an approximate power of its input by a table of sixteen values.
//!
//! The input is taken as `(i / 8) * 2^e` with a table position `i` of four bits, cutting off the bits
//! behind them; the result is `table[i] * 2^(scale + e')`, where `e'` is `e` doubled, kept or halved
//! (shift 1, 0, -1) and negated if the unit is inverted. Where the exponent is halved, `e` must be
//! even: `i` is then 4 to 15, otherwise 8 to 15.
//!
//! The table, its index range and the scale are what the public compiler programs
//! (`bf-p4c/mau/stateful_alu.cpp`); that the exponent of the input is the one that makes those
//! tables right is inferred, as are: zero reads `table[0]` with exponent 0, bits that fall below the
//! binary point are cut off, and bits above the result's width are lost.

use p4rmt_ir::{BinaryOp, Bits, MathUnit};

/// What the unit gives for `input`, `width` bits wide.
#[must_use]
pub fn math_unit(unit: &MathUnit, input: &Bits, width: u32) -> Bits {
    let (index, exponent) = normalise(input, unit.shift < 0);
    let shifted = match unit.shift {
        ..0 => exponent / 2,
        0 => exponent,
        1.. => exponent * 2,
    };
    let exponent = i64::from(unit.scale) + if unit.is_inverted { -shifted } else { shifted };
    let value = Bits::from_u64(width.max(8), u64::from(unit.table[index]));
    let distance = Bits::from_u64(64, exponent.unsigned_abs());
    let op = if exponent < 0 {
        BinaryOp::ShrU
    } else {
        BinaryOp::Shl
    };
    Bits::binary(op, &value, &distance).resize(width, false)
}

/// Table position and exponent of a number.
fn normalise(input: &Bits, is_exponent_even: bool) -> (usize, i64) {
    let Some(highest) = (0..input.width()).rev().find(|bit| input.bit(*bit)) else {
        return (0, 0);
    };
    let exponent = if is_exponent_even {
        highest.next_multiple_of(2)
    } else {
        highest
    };
    let index = match exponent.checked_sub(3) {
        Some(lo) => input.slice(exponent, lo).low_u64(),
        None => input.low_u64() << (3 - exponent),
    };
    (index as usize, i64::from(exponent))
}

#[cfg(test)]
mod tests {
    use p4rmt_source::Span;

    use super::*;

    /// The unit for `factor * f(x)` as the compiler would program it.
    fn unit(is_inverted: bool, shift: i8, scale: i8, f: impl Fn(f64) -> f64) -> MathUnit {
        let first = if shift < 0 { 4 } else { 8 };
        let mut table = [0; 16];
        for (index, value) in table.iter_mut().enumerate().skip(first) {
            *value = (f(index as f64 / 8.0) * f64::from(-scale).exp2()).round() as u8;
        }
        MathUnit {
            name: "mu".into(),
            is_inverted,
            shift,
            scale,
            table,
            span: Span::default(),
        }
    }

    #[track_caller]
    fn check_within(unit: &MathUnit, f: impl Fn(f64) -> f64, relative: f64) {
        for input in (1u64..5000).chain((1..14).map(|power| 77_777 << power)) {
            let result = math_unit(unit, &Bits::from_u64(64, input), 64).low_u64() as f64;
            let exact = f(input as f64);
            let error = (result - exact).abs();
            assert!(
                error <= exact * relative + 1.0,
                "f({input}) = {result}, not {exact}"
            );
        }
    }

    #[test]
    fn functions_come_out_within_the_table_resolution() {
        check_within(&unit(false, 0, -7, |x| x), |x| x, 0.13);
        check_within(&unit(false, 1, -6, |x| x * x), |x| x * x, 0.25);
        check_within(&unit(false, -1, -7, f64::sqrt), f64::sqrt, 0.14);
        let million = |x: f64| 1e6 / x;
        check_within(&unit(true, 0, 12, million), million, 0.15);
    }

    #[test]
    fn exact_values() {
        let double = unit(false, 0, -6, |x| 2.0 * x);
        for (input, expected) in [
            (0, 0),
            (1, 2),
            (5, 10),
            (9, 18),
            (15, 30),
            (17, 32),
            (31, 60),
        ] {
            let result = math_unit(&double, &Bits::from_u64(32, input), 32);
            assert_eq!(result, Bits::from_u64(32, expected), "2 * {input}");
        }
    }
}
