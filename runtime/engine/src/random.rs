//! Random values as a function of time and place, never of the order of calls: engines may run
//! packets in any grouping and draw the same values.

use p4rmt_ir::{Bits, GressId, Id, RandomId};

/// The value that a unit gives to the packet that entered its gress at `clock`, when the packet draws
/// for the `draw`th time, from 0. A second packet of the same clock draws the same.
#[must_use]
pub fn random_value(clock: u64, gress: GressId, unit: RandomId, draw: u32, width: u32) -> Bits {
    let place = (gress.index() as u64) << 32 | unit.index() as u64;
    let mut state = mix(clock ^ mix(place.wrapping_add(GOLDEN)));
    if draw > 0 {
        state = mix(state ^ mix(u64::from(draw)));
    }
    let mut value = Bits::zero(0);
    while value.width() < width {
        value = value.concat(&Bits::from_u64(64, state));
        state = mix(state.wrapping_add(GOLDEN));
    }
    value.resize(width, false)
}

/// 2^64 divided by the golden ratio: the step of SplitMix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
/// 2014), a bijection in which every bit depends on every other.
pub(crate) fn mix(seed: u64) -> u64 {
    let seed = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ seed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ seed >> 31
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn values_depend_on_clock_gress_unit_and_draw_alone() {
        let mut seen = HashSet::new();
        for clock in 0..50 {
            for gress in 0..2 {
                for unit in 0..3 {
                    let (gress, unit) = (GressId::from_index(gress), RandomId::from_index(unit));
                    for draw in 0..3 {
                        let value = random_value(clock, gress, unit, draw, 100);
                        assert_eq!(value, random_value(clock, gress, unit, draw, 100));
                        assert_eq!(value.width(), 100);
                        assert!(seen.insert(value));
                    }
                }
            }
        }
    }
}
