//! What an action does to the pieces of a container: the [`Step`]s of its operations that write there, and the
//! bits that it has to leave as they are.
//!
//! In: an action, the pieces, and where sources are, as far as that is known. A step is of bits whose sources
//! lie together, so that [`crate::phv::alu`] can say whether one instruction does them all.

use p4rmt_ir::FieldId;

use crate::phv::alu::{Deed, Origin, Step, bit_mask};
use crate::phv::job::{GressJob, PlacedAction};
use crate::phv::operation::{Effect, FieldSlice, Operation, Source};
use crate::phv::tile::Piece;

/// What an action does to a container.
pub(crate) struct Work {
    /// The field that it writes first.
    pub(crate) field: FieldId,
    pub(crate) steps: Vec<Step>,
    /// Bits that it has to leave as they are.
    pub(crate) preserved: u32,
}

/// What an action does to the pieces of a container; nothing if it does not write there. `origin` says
/// where sources are.
pub(crate) fn work_in(
    job: &GressJob<'_>,
    action: &PlacedAction,
    pieces: &[Piece],
    origin: &dyn Fn(FieldSlice) -> Origin,
) -> Option<Work> {
    let mut steps = Vec::new();
    let mut first = None;
    for (number, operation) in action.operations.iter().enumerate() {
        for piece in pieces {
            let Some(common) = operation.dst.common(piece.slice) else {
                continue;
            };
            first = first.or(Some(operation.dst.field));
            let lo = piece.at + common.lo - piece.slice.lo;
            push_steps(job, operation, number, common, lo, origin, &mut steps);
        }
    }
    let field = first?;
    let sets_data = |step: &Step| matches!(step.deed, Deed::Move(Origin::Data));
    let has_data = steps.iter().any(sets_data);
    let mut preserved = 0;
    for piece in pieces.iter().filter(|piece| action.passes(piece.life)) {
        let width = piece.slice.width();
        if has_data && job.is_zero(piece.slice.field) {
            // Data bring its zeros along.
            let deed = Deed::Move(Origin::Data);
            let lo = piece.at;
            steps.push(Step { lo, width, deed });
            continue;
        }
        let mut stays = bit_mask(piece.at, width);
        for operation in &action.operations {
            if let Some(common) = operation.dst.common(piece.slice) {
                let lo = piece.at + common.lo - piece.slice.lo;
                stays &= !bit_mask(lo, common.width());
            }
        }
        preserved |= stays;
    }
    Some(Work {
        field,
        steps,
        preserved,
    })
}

/// The steps for the bits `common` of an operation's result, which lie at `lo`.
fn push_steps(
    job: &GressJob<'_>,
    operation: &Operation,
    number: usize,
    common: FieldSlice,
    lo: u32,
    origin: &dyn Fn(FieldSlice) -> Origin,
    steps: &mut Vec<Step>,
) {
    let below = common.lo - operation.dst.lo;
    let part = |source: &Source| match source {
        Source::Field(slice) if job.life(slice.field).is_none() => None,
        Source::Field(slice) => {
            let part = FieldSlice {
                field: slice.field,
                lo: slice.lo + below,
                hi: slice.hi.min(slice.lo + below + common.width() - 1),
            };
            (part.lo <= part.hi).then_some(part)
        }
        Source::Data => None,
    };
    match &operation.effect {
        Effect::Move(Source::Field(slice)) => match part(&Source::Field(*slice)) {
            Some(part) => push_moves(lo, part, origin, steps),
            None => steps.push(Step {
                lo,
                width: common.width(),
                deed: Deed::Move(Origin::Data),
            }),
        },
        Effect::Move(Source::Data) => steps.push(Step {
            lo,
            width: common.width(),
            deed: Deed::Move(Origin::Data),
        }),
        Effect::Compute { reach, sources } => {
            let parts: Vec<Option<FieldSlice>> = sources.iter().map(part).collect();
            for (at, width, origins) in runs_together(&parts, common.width(), origin) {
                let deed = Deed::Compute {
                    operation: number,
                    reach: *reach,
                    origins,
                };
                let lo = lo + at;
                steps.push(Step { lo, width, deed });
            }
        }
    }
}

/// Runs of bits in which each source lies together: where they begin, how wide they are, and where the
/// sources are. A source that is no field is data, and so is what is above one.
fn runs_together(
    parts: &[Option<FieldSlice>],
    width: u32,
    origin: &dyn Fn(FieldSlice) -> Origin,
) -> Vec<(u32, u32, Vec<Origin>)> {
    let distinct = |origins: &mut dyn Iterator<Item = Origin>| {
        let mut found: Vec<Origin> = Vec::new();
        for origin in origins {
            if !found.contains(&origin) {
                found.push(origin);
            }
        }
        found
    };
    let is_placed = |origin: Origin| matches!(origin, Origin::Placed { .. });
    let bit_of = |slice: FieldSlice, bit: u32| FieldSlice {
        hi: slice.lo + bit,
        lo: slice.lo + bit,
        ..slice
    };
    let lies_together = |part: &Option<FieldSlice>| {
        part.is_none_or(|part| {
            let mut bits = (0..part.width()).map(|bit| origin(bit_of(part, bit)));
            is_placed(origin(part)) || !bits.any(is_placed)
        })
    };
    if parts.iter().all(lies_together) {
        let mut origins = parts.iter().map(|part| part.map_or(Origin::Data, origin));
        return vec![(0, width, distinct(&mut origins))];
    }
    let at = |bit: u32| -> Vec<Origin> {
        let of = |part: &Option<FieldSlice>| match part {
            Some(part) if bit < part.width() => origin(bit_of(*part, bit)),
            Some(_) | None => Origin::Data,
        };
        parts.iter().map(of).collect()
    };
    let mut runs = Vec::new();
    let mut start = 0;
    while start < width {
        let first = at(start);
        let follows = |bit: u32| {
            let mut pairs = first.iter().zip(at(bit));
            pairs.all(|(first, next)| is_next(*first, next, bit - start))
        };
        let mut end = start + 1;
        while end < width && follows(end) {
            end += 1;
        }
        runs.push((start, end - start, distinct(&mut first.into_iter())));
        start = end;
    }
    runs
}

/// Whether a bit lies `distance` bits above the first.
fn is_next(first: Origin, next: Origin, distance: u32) -> bool {
    match (first, next) {
        (
            Origin::Placed { container, lo },
            Origin::Placed {
                container: other,
                lo: at,
            },
        ) => container == other && at == lo + distance,
        (first, next) => first == next,
    }
}

/// Moves of a source that may lie in several containers: runs of bits that lie together.
fn push_moves(
    lo: u32,
    part: FieldSlice,
    origin: &dyn Fn(FieldSlice) -> Origin,
    steps: &mut Vec<Step>,
) {
    let whole = origin(part);
    let one_bit = |bit: u32| {
        origin(FieldSlice {
            hi: bit,
            lo: bit,
            ..part
        })
    };
    let is_placed = |origin: Origin| matches!(origin, Origin::Placed { .. });
    if is_placed(whole) || !(part.lo..=part.hi).any(|bit| is_placed(one_bit(bit))) {
        steps.push(Step {
            lo,
            width: part.width(),
            deed: Deed::Move(whole),
        });
        return;
    }
    let mut bit = part.lo;
    while bit <= part.hi {
        let start = bit;
        let first = one_bit(start);
        let follows = |bit: u32| is_next(first, one_bit(bit), bit - start);
        while bit < part.hi && follows(bit + 1) {
            bit += 1;
        }
        steps.push(Step {
            lo: lo + start - part.lo,
            width: bit - start + 1,
            deed: Deed::Move(first),
        });
        bit += 1;
    }
}
