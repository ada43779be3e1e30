//! Why a register action is not an instruction, before it is told with names.

use p4rmt_source::Span;

use crate::problem::{LocatedProblem, Problem};

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A value is more than one operation.
    TooDeep,
    /// A value or a comparison takes two of what an instruction takes one of.
    Twice(&'static str),
    /// A comparison is no sum of a half, an operand and a constant.
    ComparisonTooDeep,
    /// An operator that the unit does not have.
    NoSuchOperation(&'static str),
    /// Arithmetic of so many bits.
    TooWide(u32),
    /// Bits of memory, or of a result, where only the whole can be had.
    Sliced(&'static str),
    /// A constant that no row of the register file holds.
    ConstantTooWide,
    /// A half has so many alternatives.
    Alternatives(u32),
    /// More values than halves.
    Values(u32),
    /// More words of output than the unit has.
    Words(u32),
    /// More than an element of one bit can do.
    OneBit(&'static str),
    /// More comparisons than comparators.
    Comparisons(u32),
    /// The math unit where it does not lead.
    MathUnit(&'static str),
    /// A division that the divider does not do.
    Division(&'static str),
    /// The case of comparators where it is not that of those asked for.
    Predicate(&'static str),
    /// A search in lanes that the unit does not do.
    Search(&'static str),
    /// A comparison of more bits than sums have that is none of equality.
    WideComparison(&'static str),
    /// More comparisons of more bits than sums have, or masks of them, than there are comparators.
    WideComparisons(u32),
}

/// A [`Fault`] and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) fault: Fault,
    pub(super) span: Span,
}

impl Fault {
    pub(super) fn at(self, span: Span) -> Located {
        Located { fault: self, span }
    }
}

/// What the unit has of what faults count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Available {
    pub(super) comparators: u32,
    pub(super) alternatives: u32,
    pub(super) values: u32,
    pub(super) words: u32,
    pub(super) arithmetic_bits: u32,
    pub(super) constant_bits: u32,
    pub(super) has_masks: bool,
    pub(super) has_divider: bool,
    pub(super) wide_comparators: u32,
}

impl Located {
    pub(super) fn problem(self, action: &str, available: &Available) -> LocatedProblem {
        let action = action.to_owned();
        let problem = match self.fault {
            Fault::TooDeep => Problem::ValueTooDeep { action },
            Fault::Twice(what) => Problem::TwoSources { action, what },
            Fault::ComparisonTooDeep => Problem::ComparisonTooDeep { action },
            Fault::NoSuchOperation(operator) => {
                Problem::NoSuchStatefulOperation { action, operator }
            }
            Fault::TooWide(needed) => Problem::ArithmeticTooWide {
                action,
                needed,
                available: available.arithmetic_bits,
            },
            Fault::Sliced(what) => Problem::SlicedValue {
                action,
                what,
                has_masks: available.has_masks,
            },
            Fault::ConstantTooWide => Problem::ConstantTooWide {
                action,
                available: available.constant_bits,
            },
            Fault::Alternatives(needed) => Problem::TooManyAlternatives {
                action,
                needed,
                available: available.alternatives,
            },
            Fault::Values(needed) => Problem::TooManyValues {
                action,
                needed,
                available: available.values,
            },
            Fault::Words(needed) => Problem::TooManyOutputs {
                action,
                needed,
                available: available.words,
            },
            Fault::OneBit(what) => Problem::OneBitElement { action, what },
            Fault::Comparisons(needed) => Problem::TooManyComparisons {
                action,
                needed,
                available: available.comparators,
            },
            Fault::MathUnit(what) => Problem::MathUnitMisplaced { action, what },
            Fault::Division(what) => Problem::Division {
                action,
                what,
                has_divider: available.has_divider,
            },
            Fault::Predicate(what) => Problem::PredicateOutput { action, what },
            Fault::Search(what) => Problem::LaneSearch { action, what },
            Fault::WideComparison(what) => Problem::WideComparison {
                action,
                what,
                available: available.arithmetic_bits,
            },
            Fault::WideComparisons(needed) => Problem::TooManyWideComparisons {
                action,
                needed,
                available: available.wide_comparators,
            },
        };
        LocatedProblem {
            problem,
            span: self.span,
        }
    }
}
