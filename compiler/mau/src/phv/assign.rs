//! Which container each chunk goes into.
//!
//! Greedy, the most constrained first: chunks that action ALUs combine (all of them into one group of
//! containers), then bytes of headers, then what leaves through a container of its own, then the
//! rest, wide before narrow. A chunk shares a container with others that are never live beside it, and
//! where room is scarce also with others in other bits. Each place is tried against every action that
//! reads or writes there ([`crate::phv::alu`]).

use std::collections::HashMap;

use p4rmt_ir::{FieldId, FieldKind, GressRole};

use crate::phv::cluster::clusters;
use crate::phv::container::{Container, ContainerKind, ContainerSize};
use crate::phv::job::GressJob;
use crate::phv::layout::{Chunk, Layout, Sharing};
use crate::phv::operation::FieldSlice;
use crate::phv::room::{Effort, Room};
use crate::phv::tile::Piece;
use crate::target::PhvLimits;

/// What was placed, and what was not.
pub(crate) struct Assignment {
    pub(crate) containers: Vec<Container>,
    /// All chunks with their gress, by position among the jobs.
    pub(crate) chunks: Vec<(usize, Chunk)>,
    /// By chunk: its container and how far it is shifted.
    pub(crate) places: Vec<Option<(usize, u32)>>,
    /// Chunks that found no place.
    pub(crate) left_over: Vec<usize>,
    /// Those of them that must be in one group with others.
    pub(crate) left_clusters: Vec<Vec<usize>>,
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
    let room = Room::new(jobs, effort, limits);
    let mut by_size: HashMap<(ContainerKind, ContainerSize), Vec<usize>> = HashMap::new();
    for (index, container) in room.containers.iter().enumerate() {
        by_size
            .entry((container.kind, container.size))
            .or_default()
            .push(index);
    }
    let mut assigner = Assigner {
        room,
        by_size,
        left_over: Vec::new(),
        left_clusters: Vec::new(),
    };
    let mut clusters = Vec::new();
    for (gress, layout) in layouts.iter().enumerate() {
        clusters.extend(assigner.add_gress(gress, &layout.chunks));
    }
    assigner.place_all(clusters, first);
    Assignment {
        containers: assigner.room.containers,
        chunks: assigner.room.chunks,
        places: assigner.room.places,
        left_over: assigner.left_over,
        left_clusters: assigner.left_clusters,
    }
}

struct Assigner<'a> {
    room: Room<'a>,
    by_size: HashMap<(ContainerKind, ContainerSize), Vec<usize>>,
    left_over: Vec<usize>,
    left_clusters: Vec<Vec<usize>>,
}

impl Assigner<'_> {
    /// Takes the chunks of a gress, and says which of them must be in one group.
    fn add_gress(&mut self, gress: usize, chunks: &[Chunk]) -> Vec<Vec<usize>> {
        let mut clusters = clusters(&self.room.jobs[gress], chunks);
        let added: Vec<usize> = chunks
            .iter()
            .map(|chunk| self.room.add(gress, chunk.clone()))
            .collect();
        for chunk in clusters.iter_mut().flatten() {
            *chunk = added[*chunk];
        }
        clusters
    }

    fn place_all(&mut self, clusters: Vec<Vec<usize>>, first: &[(usize, FieldId)]) {
        let (mut bound, mut free): (Vec<Vec<usize>>, Vec<Vec<usize>>) =
            clusters.into_iter().partition(|cluster| cluster.len() > 1);
        let turn = |cluster: &[usize]| {
            let holds = |(gress, field): &(usize, FieldId)| {
                cluster.iter().any(|chunk| {
                    let (of, chunk) = &self.room.chunks[*chunk];
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
            .map(|chunk| self.room.chunks[*chunk].1.size.bits())
            .sum()
    }

    /// The order of chunks that are bound to no others: the smaller, the earlier.
    fn rank(&self, chunk: usize) -> (bool, u8, std::cmp::Reverse<u32>, usize) {
        let of = &self.room.chunks[chunk].1;
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
            let of = &self.room.chunks[*chunk].1;
            let is_fixed = of.header.is_some() || of.shift_max == 0;
            (!of.has_upper, !is_fixed, self.rank(*chunk))
        };
        cluster.sort_by_key(rank);
        let (gress, first) = &self.room.chunks[cluster[0]];
        let role = self.room.jobs[*gress].gress.role;
        let size = first.size;
        let n_groups = self.room.limits.group_counts[size.index()];
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
        self.left_clusters.push(cluster);
    }

    fn place_in_group(&mut self, cluster: &[usize], group: Option<(ContainerSize, u32)>) -> bool {
        for &chunk in cluster {
            if self.room.places[chunk].is_some() {
                continue;
            }
            let is_placed = if self.room.chunks[chunk].1.has_upper {
                self.place_pair(chunk, group)
            } else {
                self.place(chunk, group)
            };
            if !is_placed {
                for &chunk in cluster {
                    self.room.remove(chunk);
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
            self.room.chunks[chunk].1.size,
            group,
        );
        for container in candidates {
            let index = self.room.containers[container].index;
            let next = self.room.containers.get(container + 1);
            let is_pair =
                index.is_multiple_of(2) && next.is_some_and(|next| next.index == index + 1);
            if !is_pair || self.room.try_place(chunk, container, 0).is_err() {
                continue;
            }
            if self.room.try_place(chunk + 1, container + 1, 0).is_ok() {
                return true;
            }
            self.room.remove(chunk);
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
                let gress = self.room.chunks[chunk].0;
                let half = self.room.add(gress, half);
                self.place_divided(half);
            }
        }
    }

    /// A chunk as two of half the size.
    fn halves(&self, chunk: usize) -> Option<(Chunk, Chunk)> {
        let of = &self.room.chunks[chunk].1;
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
        let of = &self.room.chunks[chunk].1;
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
                        if self.room.try_place(chunk, container, shift).is_ok() {
                            return true;
                        }
                        // An empty container is as good at every shift, but for what is rotated.
                        if self.room.tenants[container].is_empty() && group.is_none() {
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
        let (gress, of) = &self.room.chunks[chunk];
        let job = &self.room.jobs[*gress];
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
        let gress = self.room.chunks[chunk].0;
        let role = self.room.jobs[gress].gress.role;
        let of_kind = self.by_size.get(&(kind, size));
        let mut candidates: Vec<(u8, usize)> = of_kind
            .into_iter()
            .flatten()
            .filter_map(|&index| {
                let container = self.room.containers[index];
                if !container.may_be_of(role, self.room.limits)
                    || group.is_some_and(|group| container.group(self.room.limits) != Some(group))
                {
                    return None;
                }
                let owner = self.room.owners.get(&container.granule(self.room.limits));
                match owner {
                    Some((owner, n)) if *owner != gress && *n > 0 => None,
                    Some((_, n)) if *n > 0 && !self.room.tenants[index].is_empty() => {
                        Some((0, index))
                    }
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
}
