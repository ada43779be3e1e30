//! Who lives where: containers with the chunks in them, and whether one more has room beside those that
//! are there.
//!
//! Invariant: whatever is in it, every action that reads or writes there is one instruction
//! ([`crate::phv::alu`]), and no container or granule has two gresses.

use std::collections::HashMap;

use p4rmt_ir::{FieldId, Id};

use crate::phv::alu::{AluFault, Bench, Origin, check_steps};
use crate::phv::container::{Container, Granule};
use crate::phv::job::GressJob;
use crate::phv::layout::{Chunk, Sharing};
use crate::phv::operation::{Effect, FieldSlice, Operation, Reach};
use crate::phv::tile::{ANY_FIELD, Piece};
use crate::phv::work::work_in;
use crate::target::PhvLimits;

/// How much is tried for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effort {
    /// Chunks share bits over time only.
    Plain,
    /// Chunks also live side by side in a container.
    Packed,
}

/// A chunk in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenant {
    pub(crate) chunk: usize,
    shift: u32,
}

/// The containers of a machine and what is in them.
pub(crate) struct Room<'a> {
    pub(crate) jobs: &'a [GressJob<'a>],
    pub(crate) limits: &'a PhvLimits,
    pub(crate) effort: Effort,
    pub(crate) containers: Vec<Container>,
    /// All chunks with their gress, by position among the jobs.
    pub(crate) chunks: Vec<(usize, Chunk)>,
    /// By chunk: its container and how far it is shifted.
    pub(crate) places: Vec<Option<(usize, u32)>>,
    /// By container.
    pub(crate) tenants: Vec<Vec<Tenant>>,
    /// The gress that has a granule, and how many chunks are in it.
    pub(crate) owners: HashMap<Granule, (usize, usize)>,
    /// By gress and field: the slices that have a place, the container and the lowest bit in it.
    homes: Vec<Vec<Vec<(FieldSlice, usize, u32)>>>,
    /// By gress and field: slices that will be at a known bit of whatever container they get.
    fixed: Vec<Vec<Vec<(FieldSlice, u32)>>>,
}

impl<'a> Room<'a> {
    /// All containers, empty.
    pub(crate) fn new(jobs: &'a [GressJob<'a>], effort: Effort, limits: &'a PhvLimits) -> Self {
        let containers = Container::all(limits);
        let homes = jobs
            .iter()
            .map(|job| vec![Vec::new(); job.gress.fields.len()]);
        let fixed = jobs
            .iter()
            .map(|job| vec![Vec::new(); job.gress.fields.len()]);
        Self {
            jobs,
            limits,
            effort,
            tenants: vec![Vec::new(); containers.len()],
            containers,
            chunks: Vec::new(),
            places: Vec::new(),
            owners: HashMap::new(),
            homes: homes.collect(),
            fixed: fixed.collect(),
        }
    }

    /// Adds a chunk without a place.
    pub(crate) fn add(&mut self, gress: usize, chunk: Chunk) -> usize {
        if chunk.shift_max == 0 && !chunk.is_divisible {
            for piece in &chunk.pieces {
                let fixed = &mut self.fixed[gress][piece.slice.field.index()];
                fixed.push((piece.slice, piece.at));
            }
        }
        self.chunks.push((gress, chunk));
        self.places.push(None);
        self.chunks.len() - 1
    }

    /// Puts a chunk into a container, if there is room for it.
    pub(crate) fn try_place(
        &mut self,
        chunk: usize,
        container: usize,
        shift: u32,
    ) -> Result<(), AluFault> {
        if !self.has_room(chunk, container, shift) {
            return Err(AluFault::Restricted);
        }
        self.insert(chunk, container, shift);
        let result = self.check_around(chunk, container);
        if result.is_err() {
            self.remove(chunk);
        }
        result
    }

    fn has_room(&self, chunk: usize, container: usize, shift: u32) -> bool {
        let (gress, of) = &self.chunks[chunk];
        let bits = self.containers[container].size.bits();
        let top = of
            .pieces
            .iter()
            .map(|piece| piece.at + piece.slice.width())
            .max();
        if top.unwrap_or(0) + shift > bits {
            return false;
        }
        self.tenants[container].iter().all(|tenant| {
            let (_, other) = &self.chunks[tenant.chunk];
            self.can_share(*gress, of, shift, other, tenant.shift)
        })
    }

    fn can_share(&self, gress: usize, a: &Chunk, a_shift: u32, b: &Chunk, b_shift: u32) -> bool {
        let job = &self.jobs[gress];
        if are_exclusive(job, a, b) {
            return !self.conflicts(job, a, b);
        }
        let live_at = |chunk: &Chunk, entry: u32| {
            let mut pieces = chunk.pieces.iter();
            pieces.any(|piece| piece.life.contains(entry))
        };
        let both_at = |entry: u32| live_at(a, entry) && live_at(b, entry);
        if (a.is_extracted || b.is_extracted) && both_at(0) {
            return false;
        }
        if (a.is_emitted || b.is_emitted) && both_at(job.uses.last_entry) {
            return false;
        }
        let mut are_beside = false;
        for one in &a.pieces {
            for other in &b.pieces {
                if one.life.overlaps(other.life) {
                    let (one_lo, other_lo) = (one.at + a_shift, other.at + b_shift);
                    let apart = one_lo + one.slice.width() <= other_lo
                        || other_lo + other.slice.width() <= one_lo;
                    if !apart {
                        return false;
                    }
                    are_beside = true;
                }
            }
        }
        if !are_beside {
            return true;
        }
        let may_share = match (a.sharing, b.sharing) {
            (Sharing::Alone, _) | (_, Sharing::Alone) => false,
            (Sharing::Validity, Sharing::Validity) => true,
            (Sharing::Scarce, _) | (_, Sharing::Scarce) => self.effort == Effort::Packed,
        };
        may_share && !self.conflicts(job, a, b)
    }

    fn conflicts(&self, job: &GressJob<'_>, a: &Chunk, b: &Chunk) -> bool {
        a.pieces.iter().any(|one| {
            b.pieces
                .iter()
                .any(|other| job.conflict(one.slice.field, other.slice.field).is_some())
        })
    }

    fn insert(&mut self, chunk: usize, container: usize, shift: u32) {
        let gress = self.chunks[chunk].0;
        self.tenants[container].push(Tenant { chunk, shift });
        self.places[chunk] = Some((container, shift));
        let granule = self.containers[container].granule(self.limits);
        let owner = self.owners.entry(granule).or_insert((gress, 0));
        owner.0 = gress;
        owner.1 += 1;
        for piece in &self.chunks[chunk].1.pieces {
            self.homes[gress][piece.slice.field.index()].push((
                piece.slice,
                container,
                piece.at + shift,
            ));
        }
    }

    /// Takes a chunk out of its container.
    pub(crate) fn remove(&mut self, chunk: usize) {
        let Some((container, _)) = self.places[chunk].take() else {
            return;
        };
        let gress = self.chunks[chunk].0;
        self.tenants[container].retain(|tenant| tenant.chunk != chunk);
        let granule = self.containers[container].granule(self.limits);
        if let Some(owner) = self.owners.get_mut(&granule) {
            owner.1 = owner.1.saturating_sub(1);
        }
        for piece in &self.chunks[chunk].1.pieces {
            self.homes[gress][piece.slice.field.index()]
                .retain(|(slice, at, _)| (*slice, *at) != (piece.slice, container));
        }
    }

    /// Whether all actions that read or write what the chunk brings into a container are possible.
    fn check_around(&self, chunk: usize, container: usize) -> Result<(), AluFault> {
        let (gress, of) = &self.chunks[chunk];
        let job = &self.jobs[*gress];
        let mut checks: Vec<(usize, usize)> = Vec::new();
        for tenant in &self.tenants[container] {
            for piece in &self.chunks[tenant.chunk].1.pieces {
                let writers = &job.writers[piece.slice.field.index()];
                checks.extend(writers.iter().map(|action| (container, *action)));
            }
        }
        for piece in &of.pieces {
            for &action in &job.readers[piece.slice.field.index()] {
                for operation in &job.actions[action].operations {
                    let reads = operation.effect.sources().iter();
                    let mut slices = reads.filter_map(|source| source.slice());
                    if slices.any(|slice| slice.common(piece.slice).is_some()) {
                        let homes = &self.homes[*gress][operation.dst.field.index()];
                        checks.extend(homes.iter().map(|(_, home, _)| (*home, action)));
                    }
                }
            }
        }
        checks.sort_unstable();
        checks.dedup();
        for (container, action) in checks {
            self.check_action(*gress, container, action)?;
        }
        Ok(())
    }

    fn check_action(&self, gress: usize, container: usize, action: usize) -> Result<(), AluFault> {
        let job = &self.jobs[gress];
        let of = self.containers[container];
        let pieces: Vec<Piece> = self.tenants[container]
            .iter()
            .flat_map(|tenant| {
                self.chunks[tenant.chunk]
                    .1
                    .pieces
                    .iter()
                    .map(|piece| Piece {
                        at: piece.at + tenant.shift,
                        ..*piece
                    })
            })
            .collect();
        let action = &job.actions[action];
        let origin = |slice: FieldSlice| self.origin(gress, slice);
        let Some(work) = work_in(job, action, &pieces, &origin) else {
            return Ok(());
        };
        for operation in &action.operations {
            self.check_reach(gress, container, operation)?;
        }
        let bench = Bench {
            container,
            kind: of.kind,
            bits: of.size.bits(),
            preserved: work.preserved,
            sources_max: self.limits.sources_max,
        };
        check_steps(&bench, &work.steps)
    }

    /// Whether the sources of an operation that writes into a container are in its group, and a
    /// value that is computed whole has one container, or two side by side.
    fn check_reach(
        &self,
        gress: usize,
        container: usize,
        operation: &Operation,
    ) -> Result<(), AluFault> {
        let group = self.containers[container].group(self.limits);
        let homes = &self.homes[gress];
        let here = homes[operation.dst.field.index()]
            .iter()
            .filter(|(_, home, _)| *home == container);
        for (slice, _, _) in here {
            let Some(part) = slice.common(operation.dst) else {
                continue;
            };
            for source in operation.effect.sources().iter().filter_map(|s| s.slice()) {
                let lo = source.lo + part.lo - operation.dst.lo;
                let wanted = FieldSlice {
                    field: source.field,
                    lo,
                    hi: source.hi.min(lo + part.width() - 1),
                };
                if wanted.lo > wanted.hi {
                    continue;
                }
                for (known, home, _) in &homes[source.field.index()] {
                    let is_far = self.containers[*home].group(self.limits) != group;
                    if known.common(wanted).is_some() && is_far {
                        return Err(AluFault::Restricted);
                    }
                }
            }
            let is_split = part.width() < operation.dst.width();
            let is_whole = matches!(
                operation.effect,
                Effect::Compute {
                    reach: Reach::Carry | Reach::Whole,
                    ..
                }
            );
            let on_pair = operation.dst.width() > 32 && part.lo % 32 == 0;
            if is_split && is_whole && !on_pair {
                return Err(AluFault::Misaligned);
            }
        }
        Ok(())
    }

    fn origin(&self, gress: usize, slice: FieldSlice) -> Origin {
        for (known, container, at) in &self.homes[gress][slice.field.index()] {
            if known.common(slice) == Some(slice) {
                return Origin::Placed {
                    container: *container,
                    lo: at + slice.lo - known.lo,
                };
            }
        }
        for (known, at) in &self.fixed[gress][slice.field.index()] {
            if known.common(slice) == Some(slice) {
                let lo = at + slice.lo - known.lo;
                return Origin::Fixed { lo };
            }
        }
        // It may yet go where all the others are.
        Origin::Unplaced(FieldId::from_index(ANY_FIELD))
    }
}

/// Whether no packet has both chunks at one time.
fn are_exclusive(job: &GressJob<'_>, a: &Chunk, b: &Chunk) -> bool {
    a.pieces.iter().all(|one| {
        let mut others = b.pieces.iter();
        others.all(|other| {
            let (one, other) = (one.slice.field, other.slice.field);
            job.are_apart(one, other) || job.never_meet(one, other)
        })
    })
}
