//! Which comparator makes which test: those that `predicate()` is given are the first ones, in its order,
//! and tests of wide values stand where comparators of those are, under masks that all actions of the
//! register share.

use p4rmt_ir::Expr;
use p4rmt_ir::salu::Predicate;
use p4rmt_source::Span;

use super::fault::{Fault, Located};
use super::truth::{Conditions, Test, Truth};

impl Conditions<'_> {
    /// Takes what `predicate()` is given, which must come before all else: a comparator each.
    pub(super) fn ask(&mut self, answers: &[Expr], span: Span) -> Result<(), Located> {
        for (number, answer) in answers.iter().enumerate() {
            let truth = self.take(answer, span)?;
            let is_negated = match truth {
                Truth::Const(value) => {
                    self.constants.push((self.tests.len(), value));
                    self.tests.push((Test::constant(value), span));
                    continue;
                }
                Truth::Comparator(of) if of == number => continue,
                Truth::Not(ref of) if **of == Truth::Comparator(number) => true,
                Truth::Not(ref of) => {
                    let is_other = matches!(**of, Truth::Comparator(_));
                    return Err(asked_fault(is_other).at(span));
                }
                Truth::Comparator(_) => return Err(asked_fault(true).at(span)),
                Truth::And(..) | Truth::Xor(..) => return Err(asked_fault(false).at(span)),
            };
            self.tests[number].0.is_negated = is_negated;
            let known = self.known.iter_mut().find(|(known, _)| known == answer);
            if let Some((_, truth)) = known {
                *truth = Truth::Comparator(number);
            }
        }
        self.n_asked = self.tests.len();
        Ok(())
    }

    /// Gives each test its comparator: first those of `predicate()`, those of wide values where such
    /// comparators are. `masks`: what other actions of the register have these compare under.
    pub(super) fn arrange(&mut self, masks: &[Option<u64>]) -> Result<(), Located> {
        let limit = (self.salu.comparators as usize).min(Predicate::COMPARATORS_MAX);
        let too_many = |n: usize, span: Span| {
            Fault::Comparisons(u32::try_from(n).unwrap_or(u32::MAX)).at(span)
        };
        if let Some((_, span)) = self.tests.get(limit) {
            return Err(too_many(self.tests.len(), *span));
        }
        let n_wide = (self.salu.wide_comparators as usize).min(limit);
        let can_match = |place: usize, mask: u64| {
            place < n_wide
                && masks
                    .get(place)
                    .is_none_or(|of| of.is_none_or(|of| of == mask))
        };
        let mut taken: Vec<Option<usize>> = vec![None; limit];
        for (number, (test, span)) in self.tests.iter().enumerate().take(self.n_asked) {
            if let Some(mask) = test.match_mask()
                && (test.is_negated || !can_match(number, mask))
            {
                let what = "gives `predicate()` a comparison of wide values where no comparator for that is, or one for inequality";
                return Err(Fault::Predicate(what).at(*span));
            }
            taken[number] = Some(number);
        }
        let others = self.n_asked..self.tests.len();
        let mut wide: Vec<(usize, u64)> = others
            .clone()
            .filter_map(|number| Some((number, self.tests[number].0.match_mask()?)))
            .collect();
        // Those that only one place is for come first.
        let room = |mask: u64, taken: &[Option<usize>]| {
            (0..n_wide)
                .filter(move |place| can_match(*place, mask) && taken[*place].is_none())
                .count()
        };
        wide.sort_by_key(|(_, mask)| room(*mask, &taken));
        let n_all = wide.len();
        for (number, mask) in wide {
            let place =
                (0..n_wide).find(|place| can_match(*place, mask) && taken[*place].is_none());
            let Some(place) = place else {
                let mut all: Vec<u64> = masks.iter().flatten().copied().collect();
                all.extend(self.tests.iter().filter_map(|(test, _)| test.match_mask()));
                all.sort_unstable();
                all.dedup();
                let needed = u32::try_from(all.len().max(n_all)).unwrap_or(u32::MAX);
                return Err(Fault::WideComparisons(needed).at(self.tests[number].1));
            };
            taken[place] = Some(number);
        }
        for number in others {
            if !taken.contains(&Some(number)) {
                let place = taken.iter().position(Option::is_none);
                let Some(place) = place else {
                    return Err(too_many(self.tests.len(), self.tests[number].1));
                };
                taken[place] = Some(number);
            }
        }
        while taken.last().is_some_and(Option::is_none) {
            taken.pop();
        }
        let tests = std::mem::take(&mut self.tests);
        self.places = vec![0; tests.len()];
        for (place, number) in taken.iter().enumerate() {
            if let Some(number) = number {
                self.places[*number] = place;
            }
            let idle = (Test::constant(false), Span::NONE);
            let test = number.map(|number| tests[number].clone());
            self.tests.push(test.unwrap_or(idle));
        }
        Ok(())
    }

    /// Whether a condition holds in a case, which is a set of comparators by their final numbers.
    pub(super) fn holds(&self, truth: &Truth, case: usize) -> bool {
        let places = self.places.iter().enumerate();
        let by_test = places.fold(0, |seen, (number, place)| {
            seen | (case >> place & 1) << number
        });
        truth.holds(by_test)
    }

    /// Whether a case is possible at all.
    pub(super) fn is_possible(&self, case: usize) -> bool {
        let constants = self.constants.iter();
        constants.fold(true, |possible, (number, value)| {
            possible && (case >> number & 1 == 1) == *value
        })
    }

    /// The first comparison beyond those that `predicate()` is given.
    pub(super) fn beyond_asked(&self) -> Option<Span> {
        self.tests.get(self.n_asked).map(|(_, span)| *span)
    }
}

fn asked_fault(is_twice: bool) -> Fault {
    Fault::Predicate(if is_twice {
        "gives `predicate()` one comparison twice"
    } else {
        "gives `predicate()` more than a comparison of memory, a field and a constant as they were before the call"
    })
}
