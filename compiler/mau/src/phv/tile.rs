//! How the bytes of a header are divided among containers.
//!
//! Parser and deparser move whole containers, so a container holds bytes that are neighbours on the
//! wire. [`Tiler::tile`] picks the cheapest division by dynamic programming over the bytes: few
//! containers, but none that an action could not write.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;

use p4rmt_ir::{FieldId, HeaderId, Id};

use crate::phv::alu::{AluFault, Bench, Deed, Origin, check_steps};
use crate::phv::class::ClassId;
use crate::phv::container::{Container, ContainerKind, ContainerSize};
use crate::phv::job::GressJob;
use crate::phv::life::Life;
use crate::phv::operation::{Effect, FieldSlice, Reach};
use crate::phv::work::{Work, work_in};
use crate::target::PhvLimits;

/// Bits of a field inside a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) slice: FieldSlice,
    /// Its lowest bit in the container.
    pub(crate) at: u32,
    pub(crate) life: Life,
}

/// Bytes of a header for one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tile {
    pub(crate) first_byte: u32,
    pub(crate) size: ContainerSize,
}

/// Why an action can't write a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TileFault {
    /// What an ALU can't do: in which action, and to which field.
    Alu {
        action: usize,
        field: FieldId,
        fault: AluFault,
    },
    /// Two tables of one stage write it.
    Conflict {
        first: (usize, FieldId),
        second: (usize, FieldId),
    },
}

/// Stands for the container that is not chosen yet.
const NOWHERE: usize = usize::MAX;

/// Stands for whatever field may be put where it suits.
pub(crate) const ANY_FIELD: usize = u32::MAX as usize;

/// What all containers of a size cost together.
const COST: u32 = 10_000;
/// What a fault costs.
pub(crate) const FAULT: u32 = 100_000;
/// What a size costs that the field's partners don't have.
const WRONG_SIZE: u32 = 1_000_000;

pub(crate) struct Tiler<'a> {
    job: &'a GressJob<'a>,
    sources_max: u32,
    /// What a container of a size costs: the more there are, the less.
    pub(crate) costs_of_sizes: [u32; 3],
    /// By field: whether it is in no container.
    pub(crate) is_absent: Vec<bool>,
    costs: RefCell<HashMap<(HeaderId, u32, ContainerSize), u32>>,
    /// By header: [`Self::slices_by_byte`], once it is asked for.
    bytes: Vec<OnceCell<Vec<Option<Vec<FieldSlice>>>>>,
}

impl<'a> Tiler<'a> {
    pub(crate) fn new(job: &'a GressJob<'a>, limits: &PhvLimits, is_absent: Vec<bool>) -> Self {
        let cost = |size| COST / Container::count(ContainerKind::Normal, size, limits).max(1);
        Self {
            job,
            sources_max: limits.sources_max,
            costs_of_sizes: ContainerSize::ALL.map(cost),
            is_absent,
            costs: RefCell::new(HashMap::new()),
            bytes: job.gress.headers.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    /// Whether a field needs a container.
    pub(crate) fn is_live(&self, field: FieldId) -> bool {
        self.job.life(field).is_some() && !self.is_absent[field.index()]
    }

    /// The fields of a header with the position of their highest bit on the wire.
    pub(crate) fn offsets(&self, header: HeaderId) -> Vec<(FieldId, u32)> {
        let mut offset = 0_u32;
        let mut offsets = Vec::new();
        for field in &self.job.gress.headers[header].fields {
            offsets.push((*field, offset));
            offset = offset.saturating_add(self.job.gress.fields[*field].width);
        }
        offsets
    }

    /// By byte of a header: the bits in it that need a container; none where the byte has another way.
    fn slices_by_byte(&self, header: HeaderId) -> Vec<Option<Vec<FieldSlice>>> {
        let mut bytes: Vec<Option<Vec<FieldSlice>>> = Vec::new();
        for (field, offset) in self.offsets(header) {
            let end = offset + self.job.gress.fields[field].width;
            for byte in offset / 8..end.div_ceil(8) {
                let slice = FieldSlice {
                    field,
                    hi: end - 1 - offset.max(byte * 8),
                    lo: end - end.min(byte * 8 + 8),
                };
                let byte = byte as usize;
                if bytes.len() <= byte {
                    bytes.resize(byte + 1, Some(Vec::new()));
                }
                if self.is_absent[field.index()] {
                    bytes[byte] = None;
                } else if let Some(slices) = &mut bytes[byte] {
                    slices.extend(self.job.life(field).map(|_| slice));
                }
            }
        }
        bytes
    }

    /// What of a header lies in a tile.
    pub(crate) fn pieces(&self, header: HeaderId, tile: Tile) -> Vec<Piece> {
        let start = tile.first_byte * 8;
        let end = start + tile.size.bits();
        let mut pieces = Vec::new();
        for (field, offset) in self.offsets(header) {
            let field_end = offset + self.job.gress.fields[field].width;
            let (from, to) = (start.max(offset), end.min(field_end));
            let Some(life) = self.job.life(field) else {
                continue;
            };
            if from < to && !self.is_absent[field.index()] {
                let slice = FieldSlice {
                    field,
                    hi: field_end - 1 - from,
                    lo: field_end - to,
                };
                let at = end - to;
                pieces.push(Piece { slice, at, life });
            }
        }
        pieces
    }

    /// The cheapest division of a header's bytes, and its cost. `wrong_for` gives the classes of bits
    /// that must have another size.
    pub(crate) fn tile(
        &self,
        header: HeaderId,
        wrong_for: &dyn Fn(FieldSlice, ContainerSize) -> Option<ClassId>,
    ) -> (Vec<Tile>, u32) {
        let bytes = self.bytes[header.index()]
            .get_or_init(|| self.slices_by_byte(header))
            .as_slice();
        let n_bytes = bytes.len();
        // By byte: the cheapest way to the end of the header, and its first step.
        let mut best: Vec<(u32, Option<ContainerSize>)> = vec![(0, None); n_bytes + 1];
        for start in (0..n_bytes).rev() {
            let is_needed = bytes[start]
                .as_ref()
                .is_some_and(|slices| !slices.is_empty());
            let mut cheapest = if is_needed {
                (u32::MAX, None)
            } else {
                (best[start + 1].0, None)
            };
            for size in ContainerSize::ALL.into_iter().rev() {
                let end = start + size.bytes() as usize;
                let Some(covered) = bytes
                    .get(start..end)
                    .filter(|b| b.iter().all(Option::is_some))
                else {
                    continue;
                };
                let mut wrong: Vec<ClassId> = covered
                    .iter()
                    .flatten()
                    .flatten()
                    .filter_map(|slice| wrong_for(*slice, size))
                    .collect();
                wrong.dedup();
                let n_wrong = u32::try_from(wrong.len()).unwrap_or(u32::MAX);
                let first_byte = u32::try_from(start).unwrap_or(u32::MAX);
                let tile = Tile { first_byte, size };
                let cost = self
                    .cost(header, tile)
                    .saturating_add(n_wrong.saturating_mul(WRONG_SIZE))
                    .saturating_add(best[end].0);
                if cost < cheapest.0 {
                    cheapest = (cost, Some(size));
                }
            }
            best[start] = cheapest;
        }
        let mut tiles = Vec::new();
        let mut at = 0;
        while at < n_bytes {
            match best[at].1 {
                Some(size) => {
                    let first_byte = u32::try_from(at).unwrap_or(u32::MAX);
                    tiles.push(Tile { first_byte, size });
                    at += size.bytes() as usize;
                }
                None => at += 1,
            }
        }
        (tiles, best.first().map_or(0, |(cost, _)| *cost))
    }

    fn cost(&self, header: HeaderId, tile: Tile) -> u32 {
        let key = (header, tile.first_byte, tile.size);
        if let Some(cost) = self.costs.borrow().get(&key) {
            return *cost;
        }
        let pieces = self.pieces(header, tile);
        let n_faults = u32::try_from(self.faults(&pieces, tile.size).len()).unwrap_or(u32::MAX);
        let cost =
            self.costs_of_sizes[tile.size.index()].saturating_add(n_faults.saturating_mul(FAULT));
        self.costs.borrow_mut().insert(key, cost);
        cost
    }

    /// What stands against these pieces being in one container, wherever everything else is.
    pub(crate) fn faults(&self, pieces: &[Piece], size: ContainerSize) -> Vec<TileFault> {
        let mut faults = Vec::new();
        let mut actions: Vec<usize> = Vec::new();
        for piece in pieces {
            actions.extend(&self.job.writers[piece.slice.field.index()]);
            faults.extend(self.operand_fault(piece));
            let is_above = |of: &&Piece| of.at > piece.at && of.life.overlaps(piece.life);
            if let Some(action) = self.widening(piece.slice)
                && pieces.iter().any(|of| is_above(&of))
            {
                faults.push(TileFault::Alu {
                    action,
                    field: piece.slice.field,
                    fault: AluFault::Neighbours,
                });
            }
        }
        actions.sort_unstable();
        actions.dedup();
        for index in actions {
            let action = &self.job.actions[index];
            let work = work_in(self.job, action, pieces, &|source| {
                self.origin(source, pieces)
            });
            let Some(work) = work else {
                continue;
            };
            if let Err(fault) = self.check(&work, size) {
                faults.push(TileFault::Alu {
                    action: index,
                    field: work.field,
                    fault,
                });
            }
        }
        for (position, first) in pieces.iter().enumerate() {
            for second in &pieces[position + 1..] {
                let (a, b) = (first.slice.field, second.slice.field);
                if a == b || !first.life.overlaps(second.life) {
                    continue;
                }
                if let Some((one, other)) = self.job.conflict(a, b) {
                    faults.push(TileFault::Conflict {
                        first: (one, a),
                        second: (other, b),
                    });
                }
            }
        }
        faults
    }

    /// What it costs that these tiles are cut as they are, where actions move fields between them.
    pub(crate) fn cost_between(&self, tiles: &[(HeaderId, Tile)]) -> u64 {
        let pieces: Vec<Vec<Piece>> = tiles
            .iter()
            .map(|(header, tile)| self.pieces(*header, *tile))
            .collect();
        let mut n_faults = 0;
        for (own, (_, tile)) in tiles.iter().enumerate() {
            let has_other_size = Cell::new(false);
            let origin = |source: FieldSlice| {
                for (index, pieces) in pieces.iter().enumerate() {
                    for piece in pieces {
                        if piece.slice.common(source) == Some(source) {
                            if tiles[index].1.size != tile.size {
                                has_other_size.set(true);
                            }
                            let container = if index == own { NOWHERE } else { index };
                            let lo = piece.at + source.lo - piece.slice.lo;
                            return Origin::Placed { container, lo };
                        }
                    }
                }
                Origin::Unplaced(FieldId::from_index(ANY_FIELD))
            };
            let mut actions: Vec<usize> = Vec::new();
            for piece in &pieces[own] {
                actions.extend(&self.job.writers[piece.slice.field.index()]);
            }
            actions.sort_unstable();
            actions.dedup();
            for action in actions {
                let work = work_in(self.job, &self.job.actions[action], &pieces[own], &origin);
                let is_fine = work.is_none_or(|work| self.check(&work, tile.size).is_ok());
                n_faults += u64::from(!is_fine || has_other_size.take());
            }
        }
        n_faults * u64::from(FAULT)
    }

    fn check(&self, work: &Work, size: ContainerSize) -> Result<(), AluFault> {
        let bench = Bench {
            container: NOWHERE,
            kind: ContainerKind::Normal,
            bits: size.bits(),
            preserved: work.preserved,
            sources_max: self.sources_max,
        };
        check_steps(&bench, &work.steps)
    }

    /// Fields off the wire that an action moves into a tile, each with where it goes, if they must
    /// share a container to be few enough sources.
    pub(crate) fn joined_sources(
        &self,
        pieces: &[Piece],
        size: ContainerSize,
        is_loose: &dyn Fn(FieldId) -> bool,
    ) -> Vec<Vec<(FieldId, u32)>> {
        let mut actions: Vec<usize> = Vec::new();
        for piece in pieces {
            actions.extend(&self.job.writers[piece.slice.field.index()]);
        }
        actions.sort_unstable();
        actions.dedup();
        let mut joined = Vec::new();
        for index in actions {
            let action = &self.job.actions[index];
            let apart = |source: FieldSlice| match self.origin(source, pieces) {
                Origin::Unplaced(_) if self.job.header_of(source.field).is_none() => {
                    Origin::Unplaced(source.field)
                }
                origin => origin,
            };
            let Some(work) = work_in(self.job, action, pieces, &apart) else {
                continue;
            };
            let is_too_many = matches!(
                self.check(&work, size),
                Err(AluFault::TooManySources { .. })
            );
            if !is_too_many {
                continue;
            }
            let sources = work.steps.iter().filter_map(|step| match step.deed {
                Deed::Move(Origin::Unplaced(field)) => {
                    let width = self.job.gress.fields[field].width;
                    (is_loose(field) && step.width == width).then_some((field, step.lo))
                }
                Deed::Move(_) | Deed::Compute { .. } => None,
            });
            let sources: Vec<(FieldId, u32)> = sources.collect();
            if sources.len() > 1 {
                joined.push(sources);
            }
        }
        joined
    }

    /// Where a source is, if these pieces decide it. Fields of one header count as one container, and
    /// so do all fields that are on no wire: they can be put together.
    fn origin(&self, source: FieldSlice, pieces: &[Piece]) -> Origin {
        for piece in pieces {
            if let Some(common) = piece.slice.common(source)
                && common == source
            {
                return Origin::Placed {
                    container: NOWHERE,
                    lo: piece.at + source.lo - piece.slice.lo,
                };
            }
        }
        let first_of = |header: HeaderId| self.job.gress.headers[header].fields.first().copied();
        let header = self.job.header_of(source.field).and_then(first_of);
        Origin::Unplaced(header.unwrap_or(FieldId::from_index(ANY_FIELD)))
    }

    /// An action that computes with bits as a wider value: there are zeros above them.
    fn widening(&self, slice: FieldSlice) -> Option<usize> {
        let readers = self.job.readers[slice.field.index()].iter().copied();
        readers.into_iter().find(|action| {
            let mut operations = self.job.actions[*action].operations.iter();
            operations.any(|operation| {
                let Effect::Compute { sources, .. } = &operation.effect else {
                    return false;
                };
                let mut sources = sources.iter().filter_map(|source| source.slice());
                sources.any(|source| {
                    source.width() < operation.dst.width()
                        && slice
                            .common(source)
                            .is_some_and(|common| common.hi == source.hi)
                })
            })
        })
    }

    /// Whether an action computes with bits as a wider value.
    pub(crate) fn is_widened(&self, slice: FieldSlice) -> bool {
        self.widening(slice).is_some()
    }

    /// Whether a computation needs the field of this piece elsewhere in its container.
    fn operand_fault(&self, piece: &Piece) -> Option<TileFault> {
        for &index in &self.job.readers[piece.slice.field.index()] {
            for operation in &self.job.actions[index].operations {
                let Effect::Compute { reach, sources } = &operation.effect else {
                    continue;
                };
                let is_rigid = match reach {
                    Reach::Bitwise(_) => false,
                    Reach::Carry | Reach::Whole => true,
                };
                for slice in sources.iter().filter_map(|source| source.slice()) {
                    let Some(common) = piece.slice.common(slice) else {
                        continue;
                    };
                    let is_own = operation.dst.field == slice.field;
                    let low = piece.at + common.lo - piece.slice.lo;
                    // A value changed in its own place is looked at where it is written.
                    if is_rigid && !is_own && low != (common.lo - slice.lo) % 32 {
                        return Some(TileFault::Alu {
                            action: index,
                            field: slice.field,
                            fault: AluFault::Misaligned,
                        });
                    }
                }
            }
        }
        None
    }
}
