//! Which container each chunk goes into.
//!
//! Greedy, the most constrained first: chunks that action ALUs combine (all of them into one group of
//! containers), then bytes of headers, then what leaves through a container of its own, then the
//! rest, wide before narrow. A chunk shares a container with others that are never live beside it, and
//! where room is scarce also with others in other bits. Each place is tried against every action that
//! reads or writes there ([`crate::phv::alu`]).

use std::collections::HashMap;

use p4rmt_ir::{FieldId, FieldKind, GressRole, Id};

use crate::phv::alu::{AluFault, Bench, Origin, check_steps};
use crate::phv::container::{Container, ContainerKind, ContainerSize, Granule};
use crate::phv::job::GressJob;
use crate::phv::layout::{Chunk, Layout, Sharing};
use crate::phv::operation::{Effect, FieldSlice, Reach};
use crate::phv::tile::{ANY_FIELD, Piece, work_in};
use crate::target::PhvLimits;

/// A chunk in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tenant {
    chunk: usize,
    shift: u32,
}

/// What was placed, and what was not.
pub(crate) struct Assignment {
    pub(crate) containers: Vec<Container>,
    /// All chunks with their gress, by position among the jobs.
    pub(crate) chunks: Vec<(usize, Chunk)>,
    /// By chunk: its container and how far it is shifted.
    pub(crate) places: Vec<Option<(usize, u32)>>,
    /// Chunks that found no place.
    pub(crate) left_over: Vec<usize>,
}

/// How much is tried for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effort {
    /// Chunks share bits over time only.
    Plain,
    /// Chunks also live side by side in a container.
    Packed,
}

/// Places the chunks of all gresses. Of chunks that must be in one group, those with one of `first`
/// have the first choice.
pub(crate) fn assign(
    jobs: &[GressJob<'_>],
    layouts: &[Layout],
    first: &[(usize, FieldId)],
    effort: Effort,
    limits: &PhvLimits,
) -> Assignment {
    let containers = Container::all(limits);
    let n_containers = containers.len();
    let mut by_size: HashMap<(ContainerKind, ContainerSize), Vec<usize>> = HashMap::new();
    for (index, container) in containers.iter().enumerate() {
        by_size
            .entry((container.kind, container.size))
            .or_default()
            .push(index);
    }
    let mut assigner = Assigner {
        jobs,
        limits,
        effort,
        containers,
        by_size,
        chunks: Vec::new(),
        places: Vec::new(),
        tenants: vec![Vec::new(); n_containers],
        owners: HashMap::new(),
        homes: jobs
            .iter()
            .map(|job| vec![Vec::new(); job.gress.fields.len()])
            .collect(),
        left_over: Vec::new(),
    };
    let mut clusters = Vec::new();
    for (gress, layout) in layouts.iter().enumerate() {
        clusters.extend(assigner.add_gress(gress, &layout.chunks));
    }
    assigner.place_all(clusters, first);
    Assignment {
        containers: assigner.containers,
        chunks: assigner.chunks,
        places: assigner.places,
        left_over: assigner.left_over,
    }
}

struct Assigner<'a> {
    jobs: &'a [GressJob<'a>],
    limits: &'a PhvLimits,
    effort: Effort,
    containers: Vec<Container>,
    by_size: HashMap<(ContainerKind, ContainerSize), Vec<usize>>,
    chunks: Vec<(usize, Chunk)>,
    places: Vec<Option<(usize, u32)>>,
    /// By container.
    tenants: Vec<Vec<Tenant>>,
    /// The gress that has a granule, and how many chunks are in it.
    owners: HashMap<Granule, (usize, usize)>,
    /// By gress and field: the slices that have a place, the container and the lowest bit in it.
    homes: Vec<Vec<Vec<(FieldSlice, usize, u32)>>>,
    left_over: Vec<usize>,
}

impl Assigner<'_> {
    /// Takes the chunks of a gress, and says which of them must be in one group.
    fn add_gress(&mut self, gress: usize, chunks: &[Chunk]) -> Vec<Vec<usize>> {
        let first = self.chunks.len();
        self.chunks
            .extend(chunks.iter().map(|chunk| (gress, chunk.clone())));
        self.places.resize(self.chunks.len(), None);
        let all: Vec<usize> = (first..self.chunks.len()).collect();
        self.clusters(gress, &all)
    }

    fn place_all(&mut self, clusters: Vec<Vec<usize>>, first: &[(usize, FieldId)]) {
        let (mut bound, mut free): (Vec<Vec<usize>>, Vec<Vec<usize>>) =
            clusters.into_iter().partition(|cluster| cluster.len() > 1);
        let turn = |cluster: &[usize]| {
            let holds = |(gress, field): &(usize, FieldId)| {
                cluster.iter().any(|chunk| {
                    let (of, chunk) = &self.chunks[*chunk];
                    let mut pieces = chunk.pieces.iter();
                    of == gress && pieces.any(|piece| piece.slice.field == *field)
                })
            };
            first.iter().position(holds).unwrap_or(first.len())
        };
        bound.sort_by_key(|cluster| {
            (
                turn(cluster),
                std::cmp::Reverse(self.bits_of(cluster)),
                cluster[0],
            )
        });
        free.sort_by_key(|cluster| (turn(cluster), self.rank(cluster[0])));
        // A single chunk with the first choice goes before what is bound to others.
        let n_early = free
            .iter()
            .filter(|cluster| turn(cluster) < first.len())
            .count();
        let late = free.split_off(n_early);
        for cluster in free {
            self.place_divided(cluster[0]);
        }
        for cluster in bound {
            self.place_cluster(cluster);
        }
        for cluster in late {
            self.place_divided(cluster[0]);
        }
    }

    fn bits_of(&self, cluster: &[usize]) -> u32 {
        cluster
            .iter()
            .map(|chunk| self.chunks[*chunk].1.size.bits())
            .sum()
    }

    /// Chunks of one gress whose containers must be in one group.
    fn clusters(&self, gress: usize, chunks: &[usize]) -> Vec<Vec<usize>> {
        let job = &self.jobs[gress];
        let mut by_field: Vec<Vec<usize>> = vec![Vec::new(); job.gress.fields.len()];
        for (position, chunk) in chunks.iter().enumerate() {
            for piece in &self.chunks[*chunk].1.pieces {
                by_field[piece.slice.field.index()].push(position);
            }
        }
        let mut parents: Vec<usize> = (0..chunks.len()).collect();
        let find = |parents: &[usize], mut of: usize| {
            while parents[of] != of {
                of = parents[of];
            }
            of
        };
        let holds = |position: usize, slice: FieldSlice| {
            let pieces = &self.chunks[chunks[position]].1.pieces;
            pieces
                .iter()
                .any(|piece| piece.slice.common(slice).is_some())
        };
        for action in &job.actions {
            for operation in &action.operations {
                for source in operation.effect.sources().iter().filter_map(|s| s.slice()) {
                    for &to in &by_field[operation.dst.field.index()] {
                        for &from in &by_field[source.field.index()] {
                            let meets = parts_meet(operation.dst, source, &|part_of_dst, part| {
                                holds(to, part_of_dst) && holds(from, part)
                            });
                            if to != from && meets {
                                let (a, b) = (find(&parents, to), find(&parents, from));
                                parents[a.max(b)] = a.min(b);
                            }
                        }
                    }
                }
            }
        }
        // Both halves of a wide value stand side by side.
        for (position, chunk) in chunks.iter().enumerate() {
            if self.chunks[*chunk].1.has_upper && position + 1 < chunks.len() {
                let (a, b) = (find(&parents, position), find(&parents, position + 1));
                parents[a.max(b)] = a.min(b);
            }
        }
        let mut clusters: Vec<Vec<usize>> = vec![Vec::new(); chunks.len()];
        for (position, chunk) in chunks.iter().enumerate() {
            clusters[find(&parents, position)].push(*chunk);
        }
        clusters.retain(|cluster| !cluster.is_empty());
        clusters
    }

    /// The order of chunks that are bound to no others: the smaller, the earlier.
    fn rank(&self, chunk: usize) -> (bool, u8, std::cmp::Reverse<u32>, usize) {
        let of = &self.chunks[chunk].1;
        let class = match (of.header, of.sharing) {
            (Some(_), _) => 0,
            (None, Sharing::Alone) => 1,
            (None, Sharing::Scarce) => 2,
            (None, Sharing::Validity) => 3,
        };
        let width = of.pieces.iter().map(|piece| piece.slice.width()).sum();
        (
            of.is_divisible || of.is_growable,
            class,
            std::cmp::Reverse(width),
            chunk,
        )
    }

    fn place_cluster(&mut self, mut cluster: Vec<usize>) {
        let rank = |chunk: &usize| {
            let of = &self.chunks[*chunk].1;
            let is_fixed = of.header.is_some() || of.shift_max == 0;
            (!of.has_upper, !is_fixed, self.rank(*chunk))
        };
        cluster.sort_by_key(rank);
        let (gress, first) = &self.chunks[cluster[0]];
        let role = self.jobs[*gress].gress.role;
        let size = first.size;
        let n_groups = self.limits.group_counts[size.index()];
        let groups: Vec<u32> = match role {
            GressRole::Egress => (0..n_groups).rev().collect(),
            GressRole::Ingress | GressRole::Whole => (0..n_groups).collect(),
        };
        for group in groups {
            if self.place_in_group(&cluster, Some((size, group))) {
                return;
            }
        }
        // What can't be together is reported by the actions that need it; the rest still finds room.
        self.left_over.extend(&cluster);
    }

    fn place_in_group(&mut self, cluster: &[usize], group: Option<(ContainerSize, u32)>) -> bool {
        for &chunk in cluster {
            if self.places[chunk].is_some() {
                continue;
            }
            let is_placed = if self.chunks[chunk].1.has_upper {
                self.place_pair(chunk, group)
            } else {
                self.place(chunk, group)
            };
            if !is_placed {
                for &chunk in cluster {
                    self.remove(chunk);
                }
                return false;
            }
        }
        true
    }

    /// Places the two halves of a wide value: the lower in an even container, the upper behind it.
    fn place_pair(&mut self, chunk: usize, group: Option<(ContainerSize, u32)>) -> bool {
        let candidates = self.candidates(
            chunk,
            ContainerKind::Normal,
            self.chunks[chunk].1.size,
            group,
        );
        for container in candidates {
            let index = self.containers[container].index;
            let next = self.containers.get(container + 1);
            let is_pair =
                index.is_multiple_of(2) && next.is_some_and(|next| next.index == index + 1);
            if !is_pair || self.try_place(chunk, container, 0).is_err() {
                continue;
            }
            if self.try_place(chunk + 1, container + 1, 0).is_ok() {
                return true;
            }
            self.remove(chunk);
        }
        false
    }

    /// Places a chunk, in parts if need be.
    fn place_divided(&mut self, chunk: usize) {
        if self.place(chunk, None) {
            return;
        }
        let halves = self.halves(chunk);
        let Some((upper, lower)) = halves else {
            self.left_over.push(chunk);
            return;
        };
        for half in [upper, lower] {
            if !half.pieces.is_empty() {
                let gress = self.chunks[chunk].0;
                self.chunks.push((gress, half));
                self.places.push(None);
                self.place_divided(self.chunks.len() - 1);
            }
        }
    }

    /// A chunk as two of half the size.
    fn halves(&self, chunk: usize) -> Option<(Chunk, Chunk)> {
        let of = &self.chunks[chunk].1;
        let size = match of.size {
            ContainerSize::B8 => return None,
            ContainerSize::B16 => ContainerSize::B8,
            ContainerSize::B32 => ContainerSize::B16,
        };
        if !of.is_divisible {
            return None;
        }
        let half = size.bits();
        let part = |from: u32| {
            let pieces = of.pieces.iter().filter_map(|piece| {
                let end = piece.at + piece.slice.width();
                let (lo, hi) = (piece.at.max(from), end.min(from + half));
                (lo < hi).then(|| Piece {
                    slice: FieldSlice {
                        field: piece.slice.field,
                        lo: piece.slice.lo + lo - piece.at,
                        hi: piece.slice.lo + hi - 1 - piece.at,
                    },
                    at: lo - from,
                    life: piece.life,
                })
            });
            let pieces: Vec<Piece> = pieces.collect();
            let top = pieces
                .iter()
                .map(|piece| piece.at + piece.slice.width())
                .max();
            Chunk {
                size,
                shift_max: if of.shift_max == 0 {
                    0
                } else {
                    half - top.unwrap_or(half)
                },
                pieces,
                ..of.clone()
            }
        };
        Some((part(half), part(0)))
    }

    fn place(&mut self, chunk: usize, group: Option<(ContainerSize, u32)>) -> bool {
        let of = &self.chunks[chunk].1;
        let (size, is_growable, shift_max) = (of.size, of.is_growable, of.shift_max);
        let mut sizes = vec![size];
        if is_growable {
            sizes.extend(
                ContainerSize::ALL
                    .into_iter()
                    .filter(|larger| *larger > size),
            );
        }
        for size in sizes {
            for kind in [
                ContainerKind::Tagalong,
                ContainerKind::Dark,
                ContainerKind::Mocha,
                ContainerKind::Normal,
            ] {
                if !self.is_possible(chunk, kind) {
                    continue;
                }
                for container in self.candidates(chunk, kind, size, group) {
                    for shift in 0..=shift_max {
                        if self.try_place(chunk, container, shift).is_ok() {
                            return true;
                        }
                        // An empty container is as good at every shift, but for what is rotated.
                        if self.tenants[container].is_empty() && group.is_none() {
                            break;
                        }
                    }
                }
            }
        }
        false
    }

    /// Whether what a kind of container can't do leaves room for the chunk at all.
    fn is_possible(&self, chunk: usize, kind: ContainerKind) -> bool {
        let (gress, of) = &self.chunks[chunk];
        let job = &self.jobs[*gress];
        of.pieces.iter().all(|piece| {
            let field = piece.slice.field;
            let uses = &job.uses.fields[field];
            let is_validity = matches!(job.gress.fields[field].kind, FieldKind::Validity(_));
            let has_way_in = uses.is_parsed || uses.may_lack_value;
            match kind {
                ContainerKind::Normal | ContainerKind::Mocha => true,
                ContainerKind::Tagalong => !uses.is_in_stages() && !is_validity,
                ContainerKind::Dark => !has_way_in && !uses.is_deparsed && !uses.is_matched,
            }
        })
    }

    /// Containers in the order in which they are tried: those that the gress uses, then empty ones
    /// beside them, then others.
    fn candidates(
        &self,
        chunk: usize,
        kind: ContainerKind,
        size: ContainerSize,
        group: Option<(ContainerSize, u32)>,
    ) -> Vec<usize> {
        let gress = self.chunks[chunk].0;
        let role = self.jobs[gress].gress.role;
        let of_kind = self.by_size.get(&(kind, size));
        let mut candidates: Vec<(u8, usize)> = of_kind
            .into_iter()
            .flatten()
            .filter_map(|&index| {
                let container = self.containers[index];
                if !container.may_be_of(role, self.limits)
                    || group.is_some_and(|group| container.group(self.limits) != Some(group))
                {
                    return None;
                }
                let owner = self.owners.get(&container.granule(self.limits));
                match owner {
                    Some((owner, n)) if *owner != gress && *n > 0 => None,
                    Some((_, n)) if *n > 0 && !self.tenants[index].is_empty() => Some((0, index)),
                    Some((_, n)) if *n > 0 => Some((1, index)),
                    Some(_) | None => Some((2, index)),
                }
            })
            .collect();
        let is_egress = role == GressRole::Egress;
        candidates.sort_by_key(|(rank, index)| {
            let index = i64::try_from(*index).unwrap_or(i64::MAX);
            (*rank, if is_egress { -index } else { index })
        });
        candidates.into_iter().map(|(_, index)| index).collect()
    }

    fn try_place(&mut self, chunk: usize, container: usize, shift: u32) -> Result<(), AluFault> {
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
            return true;
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

    fn remove(&mut self, chunk: usize) {
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
        operation: &crate::phv::operation::Operation,
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
        // It may yet go where all the others are.
        Origin::Unplaced(FieldId::from_index(ANY_FIELD))
    }
}

/// Whether no packet has both chunks, and nothing but the parser writes them.
fn are_exclusive(job: &GressJob<'_>, a: &Chunk, b: &Chunk) -> bool {
    let (Some(first), Some(second)) = (a.header, b.header) else {
        return false;
    };
    let is_read_only = |chunk: &Chunk| {
        let mut pieces = chunk.pieces.iter();
        pieces.all(|piece| {
            let of = &job.uses.fields[piece.slice.field];
            of.is_extracted && of.write_stages.is_empty()
        })
    };
    job.are_exclusive(first, second) && is_read_only(a) && is_read_only(b)
}

/// Whether, of some bits of a result and the bits of the source that go there, both are wanted.
fn parts_meet(
    dst: FieldSlice,
    source: FieldSlice,
    wanted: &dyn Fn(FieldSlice, FieldSlice) -> bool,
) -> bool {
    let width = dst.width().min(source.width());
    let mut bit = 0;
    while bit < width {
        // No container is cut finer than this, but for bits that share a byte.
        let part = |of: FieldSlice| FieldSlice {
            lo: of.lo + bit,
            hi: of.lo + bit,
            ..of
        };
        if wanted(part(dst), part(source)) {
            return true;
        }
        bit += 1;
    }
    false
}
