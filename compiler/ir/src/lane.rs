//! Lanes: a word as several small numbers side by side, of which a unit finds the smallest or largest.
//!
//! Lane 0 is the lowest. A lane takes part if its bit of the mask is 1. Public programs of the second
//! generation show that the index counts from the lowest lane, and that what comes out is the number
//! before it is changed. Inferred, since nothing says it: of equal numbers the lowest lane is found;
//! where none takes part, lane 0 is found, with all ones as the smallest and zero as the largest number,
//! and nothing is changed; a change wraps.

use crate::{BinaryOp, Bits, Expr};

/// What is found in the lanes of a word, as an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneExpr {
    /// What is found, and what of it is the value.
    pub op: LaneOp,
    /// The word: [`LaneOp::WORD_BITS`] bits.
    pub word: Expr,
    /// A bit for each lane.
    pub mask: Expr,
    /// What the lane that is found is changed by, as wide as a lane; zero leaves it alone. Only
    /// [`LanePart::Word`] sees it.
    pub change: Expr,
}

impl LaneExpr {
    /// The expressions in it.
    #[must_use]
    pub fn args(&self) -> [&Expr; 3] {
        [&self.word, &self.mask, &self.change]
    }
}

/// What is found in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LaneOp {
    /// Whether it is the largest number, not the smallest; all are unsigned.
    pub is_largest: bool,
    /// Bits of a lane: 8 or 16.
    pub lane_bits: u32,
    /// What of it is the value.
    pub part: LanePart,
}

/// What of a lane that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LanePart {
    /// Its number.
    Number,
    /// Which lane it is.
    Index,
    /// The whole word, with the lane changed.
    Word,
}

impl LaneOp {
    /// Bits of the word.
    pub const WORD_BITS: u32 = 128;

    /// How many lanes there are, which are the bits of the mask.
    #[must_use]
    pub fn n_lanes(self) -> u32 {
        Self::WORD_BITS / self.lane_bits.max(1)
    }

    /// Bits of an index.
    #[must_use]
    pub fn index_bits(self) -> u32 {
        self.n_lanes().max(2).ilog2()
    }

    /// Bits of the value.
    #[must_use]
    pub fn width(self) -> u32 {
        match self.part {
            LanePart::Number => self.lane_bits,
            LanePart::Index => self.index_bits(),
            LanePart::Word => Self::WORD_BITS,
        }
    }

    /// The name of the method that asks for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self.is_largest, self.lane_bits) {
            (false, 8) => "min8",
            (true, 8) => "max8",
            (false, _) => "min16",
            (true, _) => "max16",
        }
    }

    /// The value for a word, a mask and a change.
    #[must_use]
    pub fn value(self, word: &Bits, mask: &Bits, change: &Bits) -> Bits {
        let word = word.resize(Self::WORD_BITS, false);
        let bits = self.lane_bits.max(1);
        let lane = |index: u32| word.slice(index * bits + bits - 1, index * bits);
        let mut found: Option<(u32, Bits)> = None;
        for index in (0..self.n_lanes()).filter(|index| mask.bit(*index)) {
            let number = lane(index);
            let is_better = found.as_ref().is_none_or(|(_, best)| {
                if self.is_largest {
                    number.cmp_u(best).is_gt()
                } else {
                    number.cmp_u(best).is_lt()
                }
            });
            if is_better {
                found = Some((index, number));
            }
        }
        match (self.part, found) {
            (LanePart::Number, Some((_, number))) => number,
            (LanePart::Number, None) if self.is_largest => Bits::zero(bits),
            (LanePart::Number, None) => Bits::ones(bits),
            (LanePart::Index, found) => {
                let index = found.map_or(0, |(index, _)| index);
                Bits::from_u64(self.index_bits(), u64::from(index))
            }
            (LanePart::Word, None) => word,
            (LanePart::Word, Some((index, number))) => {
                let changed = Bits::binary(BinaryOp::Add, &number, &change.resize(bits, true));
                let lanes = (0..self.n_lanes()).rev();
                lanes.fold(Bits::zero(0), |above, at| {
                    above.concat(&if at == index {
                        changed.clone()
                    } else {
                        lane(at)
                    })
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is_largest: bool, lane_bits: u32, mask: u64, expected: (u64, u64)) {
        // From the lowest: 5, 3, 9, 3, and zeros.
        let word = Bits::from_u128(
            128,
            if lane_bits == 8 {
                0x0309_0305
            } else {
                0x0003_0009_0003_0005
            },
        );
        let find = |part| {
            let op = LaneOp {
                is_largest,
                lane_bits,
                part,
            };
            let mask = Bits::from_u64(op.n_lanes(), mask);
            op.value(&word, &mask, &Bits::zero(lane_bits))
        };
        let found = (
            find(LanePart::Number).low_u64(),
            find(LanePart::Index).low_u64(),
        );
        assert_eq!(found, expected);
        assert_eq!(find(LanePart::Word), word);
    }

    #[test]
    fn lanes_that_take_part_are_compared_and_the_lowest_of_equals_is_found() {
        check(true, 8, 0xffff, (9, 2));
        check(true, 8, 0xfffb, (5, 0));
        check(false, 8, 0b1110, (3, 1));
        check(false, 8, 0b1100, (3, 3));
        check(false, 8, 0xffff, (0, 4));
        check(true, 16, 0xff, (9, 2));
        check(false, 16, 0b1111, (3, 1));
    }

    #[test]
    fn of_no_lanes_the_number_is_what_any_other_beats() {
        check(false, 8, 0, (0xff, 0));
        check(true, 16, 0, (0, 0));
    }

    #[test]
    fn a_change_touches_the_lane_that_was_found_and_wraps() {
        let op = LaneOp {
            is_largest: true,
            lane_bits: 16,
            part: LanePart::Word,
        };
        let word = Bits::from_u64(64, 0x0003_0009_0003_0005).resize(128, false);
        let mask = Bits::ones(8);
        let less = op.value(&word, &mask, &Bits::from_u64(16, 0xfff8));
        assert_eq!(less.low_u64(), 0x0003_0001_0003_0005);
        let wrapped = op.value(&word, &mask, &Bits::from_u64(16, 0xfff6));
        assert_eq!(wrapped.low_u64(), 0x0003_ffff_0003_0005);
        let none = op.value(&word, &Bits::zero(8), &Bits::ones(16));
        assert_eq!(none, word);
    }
}
