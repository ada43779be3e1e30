//! What left, against what was expected: a queue a port.
//!
//! Packets and expectations of a port are taken in pairs, in order. Where a pair does not fit, a
//! packet may be missing or too many: if what came fits one of the next expectations, those before it
//! are missing; if the expectation fits one of the next packets, those before it are too many; else
//! the pair is a mismatch.

use std::collections::{BTreeMap, BTreeSet};

use crate::dissect::PacketLayout;
use crate::report::{Failure, Place};
use crate::value::{Difference, Pattern};

/// How far to look for what fits.
const LOOK_AHEAD: usize = 4;

/// Something expected on a port.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) place: Place,
    /// None for any packet.
    pub(crate) pattern: Option<Pattern>,
}

/// Something that came out of a port.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) bytes: Vec<u8>,
    pub(crate) cause: Place,
    /// The program's headers in its front.
    pub(crate) layout: PacketLayout,
}

/// Queues of both, by port.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    pub(crate) expected: BTreeMap<u16, Vec<Expected>>,
    pub(crate) found: BTreeMap<u16, Vec<Found>>,
    pub(crate) ignored: BTreeSet<u16>,
}

impl Queues {
    /// Everything that does not fit, and how many packets were compared.
    pub(crate) fn compare(&self) -> (Vec<Failure>, u64) {
        let mut failures = Vec::new();
        let mut n_compared = 0;
        let ports: BTreeSet<u16> = self
            .expected
            .keys()
            .chain(self.found.keys())
            .copied()
            .collect();
        for port in ports.difference(&self.ignored) {
            let expected = self.expected.get(port).map_or(&[][..], Vec::as_slice);
            let found = self.found.get(port).map_or(&[][..], Vec::as_slice);
            n_compared += expected.len().min(found.len()) as u64;
            compare_port(*port, expected, found, &mut failures);
        }
        (failures, n_compared)
    }
}

fn fits(expected: &Expected, found: &Found) -> bool {
    let pattern = expected.pattern.as_ref();
    pattern.is_none_or(|pattern| pattern.difference(&found.bytes).is_none())
}

fn compare_port(port: u16, expected: &[Expected], found: &[Found], failures: &mut Vec<Failure>) {
    let (mut next_expected, mut next_found) = (0, 0);
    let missing = |at: usize| Failure::Missing {
        place: expected[at].place.clone(),
        port,
        expected: expected[at].pattern.clone(),
    };
    let unexpected = |at: usize| Failure::Unexpected {
        port,
        position: at + 1,
        found: found[at].bytes.clone(),
        cause: found[at].cause.clone(),
    };
    while next_expected < expected.len() && next_found < found.len() {
        let (wanted, came) = (&expected[next_expected], &found[next_found]);
        let pattern = wanted.pattern.as_ref();
        let Some((pattern, difference)) =
            pattern.and_then(|pattern| Some((pattern, pattern.difference(&came.bytes)?)))
        else {
            next_expected += 1;
            next_found += 1;
            continue;
        };
        let later_expected = (next_expected + 1..expected.len().min(next_expected + LOOK_AHEAD))
            .find(|at| fits(&expected[*at], came));
        let later_found = (next_found + 1..found.len().min(next_found + LOOK_AHEAD))
            .find(|at| fits(wanted, &found[*at]));
        let n_missing = expected.len().cmp(&found.len());
        match (later_expected, later_found) {
            (Some(at), _) if n_missing.is_gt() => {
                failures.extend((next_expected..at).map(missing));
                next_expected = at;
            }
            (_, Some(at)) if n_missing.is_lt() => {
                failures.extend((next_found..at).map(unexpected));
                next_found = at;
            }
            (Some(_) | None, Some(_) | None) => {
                failures.push(Failure::Mismatch {
                    place: wanted.place.clone(),
                    port,
                    position: next_found + 1,
                    expected: pattern.clone(),
                    found: came.bytes.clone(),
                    difference,
                    field: match difference {
                        Difference::Byte(byte) => {
                            let bit = byte * 8 + pattern.first_bit(&came.bytes, byte);
                            came.layout.field_at(&came.bytes, bit)
                        }
                        Difference::TooShort | Difference::TooLong => String::new(),
                    },
                    cause: came.cause.clone(),
                });
                next_expected += 1;
                next_found += 1;
            }
        }
    }
    failures.extend((next_expected..expected.len()).map(missing));
    failures.extend((next_found..found.len()).map(unexpected));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32) -> Place {
        Place {
            file: "v.stf".to_owned(),
            line,
        }
    }

    /// Expects and finds one-byte packets, given as digits; `*` expects anything.
    #[track_caller]
    fn check(expected: &str, found: &str, failures: &[&str]) {
        let mut queues = Queues::default();
        let expected = (1..).zip(expected.chars()).map(|(line, digit)| Expected {
            place: place(line),
            pattern: digit.to_digit(10).map(|digit| Pattern {
                nibbles: vec![Some(0), Some(digit as u8)],
                is_exact: true,
            }),
        });
        let found = (101..).zip(found.chars()).map(|(line, digit)| Found {
            bytes: vec![digit.to_digit(10).expect("a digit") as u8],
            cause: place(line),
            layout: PacketLayout::default(),
        });
        queues.expected.insert(1, expected.collect());
        queues.found.insert(1, found.collect());
        let described: Vec<String> = queues
            .compare()
            .0
            .iter()
            .map(|failure| match failure {
                Failure::Missing { place, .. } => format!("missing {}", place.line),
                Failure::Unexpected { cause, .. } => format!("unexpected {}", cause.line),
                Failure::Mismatch { place, cause, .. } => {
                    format!("mismatch {} {}", place.line, cause.line)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(described, failures);
        queues.ignored.insert(1);
        assert!(
            queues.compare().0.is_empty(),
            "an ignored port is not compared"
        );
    }

    #[test]
    fn pairs_are_compared_and_gaps_found() {
        check("123", "123", &[]);
        check("1*3", "193", &[]);
        check("123", "143", &["mismatch 2 102"]);
        check("1234", "134", &["missing 2"]);
        check("134", "1234", &["unexpected 102"]);
        check("12", "", &["missing 1", "missing 2"]);
        check("", "12", &["unexpected 101", "unexpected 102"]);
        check("12", "21", &["mismatch 1 101", "mismatch 2 102"]);
    }
}
