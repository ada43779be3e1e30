//! What the ALU of one container can do in one action.
//!
//! In: what an action does to the bits of a container, where its sources are as far as they have a
//! place yet, and which bits must stay. Out: nothing, or the rule that is broken. What has no place yet
//! is taken to be where it suits.
//!
//! * There are at most as many sources as the target says. Bits that stay make the container itself a
//!   source; constants, parameters and results of calls together are one.
//! * Moves: all bits of one source are rotated alike. Of two sources, one is not rotated, and the
//!   other's bits have none of the first between them; or both are rotated by whole bytes.
//! * A computation is the only one in its container, but that one bitwise operation may be on several
//!   fields there. It sees no foreign bits: its operands stand where its result does, and nothing else
//!   in the container is live, but for a value combined with data at its own place, bitwise or at the
//!   top.

use p4rmt_ir::{FieldId, Id};

use crate::phv::container::ContainerKind;
use crate::phv::operation::{Bitwise, Reach};
use crate::phv::tile::ANY_FIELD;

/// Where a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In a container, its lowest bit at `lo`.
    Placed {
        container: usize,
        lo: u32,
    },
    /// A field without a place yet.
    Unplaced(FieldId),
    /// One that will be at `lo` of whatever container it gets.
    Fixed {
        lo: u32,
    },
    Data,
}

/// What an action does to some bits of a container.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) lo: u32,
    pub(crate) width: u32,
    pub(crate) deed: Deed,
}

#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Move(Origin),
    Compute {
        /// Which operation of the action it is a part of.
        operation: usize,
        reach: Reach,
        origins: Vec<Origin>,
    },
}

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AluFault {
    TooManySources { needed: u32 },
    Misaligned,
    Interleaved,
    Neighbours,
    Restricted,
}

/// A container and what must stay in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bench {
    pub(crate) container: usize,
    pub(crate) kind: ContainerKind,
    pub(crate) bits: u32,
    pub(crate) preserved: u32,
    pub(crate) sources_max: u32,
}

/// Bits `lo` to `lo + width - 1` of a container.
pub(crate) fn bit_mask(lo: u32, width: u32) -> u32 {
    let ones = if width >= 32 {
        u32::MAX
    } else {
        (1 << width) - 1
    };
    ones.checked_shl(lo).unwrap_or(0)
}

/// Whether one instruction does all the steps.
pub(crate) fn check_steps(bench: &Bench, steps: &[Step]) -> Result<(), AluFault> {
    let computes = |step: &Step| matches!(step.deed, Deed::Compute { .. });
    match bench.kind {
        ContainerKind::Normal => {}
        ContainerKind::Mocha | ContainerKind::Dark => return check_whole(bench, steps),
        ContainerKind::Tagalong => return Err(AluFault::Restricted),
    }
    if steps.iter().any(computes) {
        check_computation(bench, steps)
    } else {
        check_moves(bench, steps)
    }
}

/// Bits of one source that are rotated alike.
struct Group {
    /// The container and the rotation; none of data. A field without a place is its own container.
    key: GroupKey,
    mask: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupKey {
    Container { container: usize, rotation: u32 },
    Unplaced(FieldId),
    Data,
}

fn groups(bench: &Bench, steps: &[Step]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut add = |key: GroupKey, mask: u32| match groups.iter_mut().find(|group| group.key == key)
    {
        Some(group) => group.mask |= mask,
        None => groups.push(Group { key, mask }),
    };
    if bench.preserved != 0 {
        let key = GroupKey::Container {
            container: bench.container,
            rotation: 0,
        };
        add(key, bench.preserved);
    }
    for step in steps {
        if let Deed::Move(origin) = step.deed {
            let key = match origin {
                Origin::Placed { container, lo } => GroupKey::Container {
                    container,
                    rotation: (step.lo + bench.bits - lo % bench.bits) % bench.bits,
                },
                Origin::Unplaced(field) => GroupKey::Unplaced(field),
                Origin::Fixed { .. } => GroupKey::Unplaced(FieldId::from_index(ANY_FIELD)),
                Origin::Data => GroupKey::Data,
            };
            add(key, bit_mask(step.lo, step.width));
        }
    }
    groups
}

fn check_moves(bench: &Bench, steps: &[Step]) -> Result<(), AluFault> {
    let groups = groups(bench, steps);
    let needed = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    if needed > bench.sources_max {
        return Err(AluFault::TooManySources { needed });
    }
    let [first, second] = &groups[..] else {
        return Ok(());
    };
    let rotation = |group: &Group| match group.key {
        GroupKey::Container { rotation, .. } => Some(rotation),
        GroupKey::Unplaced(_) | GroupKey::Data => None,
    };
    match (rotation(first), rotation(second)) {
        (Some(a), Some(b)) if a != 0 && b != 0 => {
            let by_bytes =
                |rotation: u32, mask: u32| rotation.is_multiple_of(8) && is_of_bytes(mask);
            if by_bytes(a, first.mask) && by_bytes(b, second.mask) {
                Ok(())
            } else {
                Err(AluFault::Misaligned)
            }
        }
        (Some(0), Some(0)) => Ok(()),
        (Some(a), Some(b)) => {
            let rotated = if a == 0 { second } else { first };
            let fixed = if a == 0 { first } else { second };
            let by_bytes = (a + b) % 8 == 0 && is_of_bytes(first.mask) && is_of_bytes(second.mask);
            if by_bytes || hull(rotated.mask) & fixed.mask == 0 {
                Ok(())
            } else {
                Err(AluFault::Interleaved)
            }
        }
        (Some(rotation), None) | (None, Some(rotation)) if rotation != 0 => {
            let apart = hull(first.mask) & second.mask == 0 || hull(second.mask) & first.mask == 0;
            if apart {
                Ok(())
            } else {
                Err(AluFault::Interleaved)
            }
        }
        (Some(_), None) | (None, Some(_)) | (None, None) => Ok(()),
    }
}

/// Mocha and dark containers: all of it, from one source, as it is.
fn check_whole(bench: &Bench, steps: &[Step]) -> Result<(), AluFault> {
    let groups = groups(bench, steps);
    let [only] = &groups[..] else {
        return Err(AluFault::Restricted);
    };
    let computes = |step: &Step| matches!(step.deed, Deed::Compute { .. });
    let is_turned = |step: &Step| {
        let fixed = match &step.deed {
            Deed::Move(Origin::Fixed { lo }) => Some(*lo),
            Deed::Move(_) | Deed::Compute { .. } => None,
        };
        fixed.is_some_and(|lo| lo != step.lo)
    };
    let is_possible = match only.key {
        GroupKey::Container { rotation, .. } => rotation == 0,
        GroupKey::Unplaced(_) => !steps.iter().any(is_turned),
        GroupKey::Data => bench.kind == ContainerKind::Mocha,
    };
    if bench.preserved == 0 && is_possible && !steps.iter().any(computes) {
        Ok(())
    } else {
        Err(AluFault::Restricted)
    }
}

fn check_computation(bench: &Bench, steps: &[Step]) -> Result<(), AluFault> {
    let mut known: Option<(usize, Reach)> = None;
    // Containers of all steps; none for data and what has no place yet.
    let mut sources: Vec<Option<usize>> = Vec::new();
    for step in steps {
        let Deed::Compute {
            operation,
            reach,
            origins,
        } = &step.deed
        else {
            return Err(AluFault::Neighbours);
        };
        let is_one = |(other, of): (usize, Reach)| {
            let is_shared = matches!(reach, Reach::Bitwise(op) if *op != Bitwise::Mixed);
            of == *reach && (other == *operation || is_shared)
        };
        if !known.is_none_or(is_one) {
            return Err(AluFault::Neighbours);
        }
        known = Some((*operation, *reach));
        check_operands(bench, step, *reach, origins)?;
        for origin in origins {
            let source = match origin {
                Origin::Placed { container, .. } => Some(*container),
                Origin::Data => None,
                Origin::Unplaced(_) | Origin::Fixed { .. } => continue,
            };
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
    }
    let needed = u32::try_from(sources.len()).unwrap_or(u32::MAX);
    if needed > bench.sources_max {
        return Err(AluFault::TooManySources { needed });
    }
    Ok(())
}

fn check_operands(
    bench: &Bench,
    step: &Step,
    reach: Reach,
    origins: &[Origin],
) -> Result<(), AluFault> {
    let needed = u32::try_from(origins.len()).unwrap_or(u32::MAX);
    if needed > bench.sources_max {
        return Err(AluFault::TooManySources { needed });
    }
    for origin in origins {
        if let Origin::Placed { lo, .. } = origin
            && *lo != step.lo
        {
            return Err(AluFault::Misaligned);
        }
    }
    let own = Origin::Placed {
        container: bench.container,
        lo: step.lo,
    };
    let keeps_neighbours = origins.contains(&own) && origins.contains(&Origin::Data);
    match reach {
        Reach::Bitwise(_) if bench.preserved == 0 || keeps_neighbours => Ok(()),
        // Nothing is above that a carry could reach, and below nothing is added.
        Reach::Carry if keeps_neighbours && bench.preserved >> step.lo == 0 => Ok(()),
        Reach::Carry | Reach::Whole if bench.preserved == 0 && step.lo == 0 => Ok(()),
        Reach::Bitwise(_) | Reach::Carry | Reach::Whole => Err(AluFault::Neighbours),
    }
}

/// The bits from the lowest to the highest.
fn hull(mask: u32) -> u32 {
    if mask == 0 {
        return 0;
    }
    let (lo, hi) = (mask.trailing_zeros(), 31 - mask.leading_zeros());
    bit_mask(lo, hi - lo + 1)
}

fn is_of_bytes(mask: u32) -> bool {
    mask.to_le_bytes()
        .iter()
        .all(|byte| *byte == 0 || *byte == 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BITS: u32 = 16;

    #[track_caller]
    fn check(preserved: u32, steps: &[Step], expected: Result<(), AluFault>) {
        let bench = Bench {
            container: 0,
            kind: ContainerKind::Normal,
            bits: BITS,
            preserved,
            sources_max: 2,
        };
        assert_eq!(check_steps(&bench, steps), expected, "{steps:?}");
    }

    fn moved(lo: u32, width: u32, container: usize, from: u32) -> Step {
        let deed = Deed::Move(Origin::Placed {
            container,
            lo: from,
        });
        Step { lo, width, deed }
    }

    fn data(lo: u32, width: u32) -> Step {
        let deed = Deed::Move(Origin::Data);
        Step { lo, width, deed }
    }

    fn sum(lo: u32, width: u32, origins: &[Origin]) -> Step {
        let deed = Deed::Compute {
            operation: 0,
            reach: Reach::Carry,
            origins: origins.to_vec(),
        };
        Step { lo, width, deed }
    }

    #[test]
    fn two_sources_are_merged_three_are_not() {
        check(0, &[moved(0, 8, 1, 0), moved(8, 8, 2, 8)], Ok(()));
        check(0xf000, &[moved(0, 8, 1, 0)], Ok(()));
        let three = Err(AluFault::TooManySources { needed: 3 });
        check(0xf000, &[moved(0, 8, 1, 0), moved(8, 4, 2, 8)], three);
        check(0xf000, &[moved(0, 8, 1, 0), data(8, 4)], three);
    }

    #[test]
    fn one_source_is_rotated_at_will_two_are_not() {
        check(0, &[moved(3, 9, 1, 0)], Ok(()));
        check(0, &[moved(0, 4, 1, 3), moved(4, 12, 2, 4)], Ok(()));
        let two = Err(AluFault::Misaligned);
        check(0, &[moved(0, 4, 1, 3), moved(4, 12, 2, 1)], two);
        check(0, &[moved(0, 8, 1, 8), moved(8, 8, 2, 0)], Ok(()));
    }

    #[test]
    fn a_rotated_source_is_not_mixed_with_what_stays() {
        let mixed = Err(AluFault::Interleaved);
        check(0x0ff0, &[moved(0, 4, 1, 1), moved(12, 4, 1, 13)], mixed);
        check(0x0ff0, &[moved(0, 4, 1, 0), moved(12, 4, 1, 12)], Ok(()));
    }

    #[test]
    fn one_bitwise_operation_is_on_several_fields() {
        let step = |lo, operation, op, from| Step {
            lo,
            width: 8,
            deed: Deed::Compute {
                operation,
                reach: Reach::Bitwise(op),
                origins: vec![
                    Origin::Placed {
                        container: from,
                        lo,
                    },
                    Origin::Placed { container: 2, lo },
                ],
            },
        };
        let pair = |op, from| [step(0, 0, Bitwise::Xor, 1), step(8, 1, op, from)];
        check(0, &pair(Bitwise::Xor, 1), Ok(()));
        check(0, &pair(Bitwise::And, 1), Err(AluFault::Neighbours));
        let three = Err(AluFault::TooManySources { needed: 3 });
        check(0, &pair(Bitwise::Xor, 3), three);
    }

    #[test]
    fn a_sum_has_its_container_to_itself() {
        let at = |container, lo| Origin::Placed { container, lo };
        check(0, &[sum(0, 16, &[at(1, 0), at(2, 0)])], Ok(()));
        check(0, &[sum(0, 9, &[at(1, 0), Origin::Data])], Ok(()));
        let alone = Err(AluFault::Neighbours);
        check(0xf000, &[sum(0, 9, &[at(1, 0), Origin::Data])], alone);
        check(0xff00, &[sum(0, 8, &[at(0, 0), Origin::Data])], alone);
        check(0x00ff, &[sum(8, 8, &[at(0, 8), Origin::Data])], Ok(()));
        let askew = Err(AluFault::Misaligned);
        check(0, &[sum(0, 8, &[at(1, 8), Origin::Data])], askew);
    }
}
