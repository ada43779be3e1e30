//! Containers for the fields of a pipe: the packet header vector.
//!
//! [`allocate`] takes a placed pipe and gives each live field slice bits of a container, or says what
//! stands against it.
//!
//! 1. [`life`]: who touches each field, and from which stage to which it is live; [`validity`] says which
//!    headers a packet may have at all, and together.
//! 2. [`clot`]: bytes that only pass from parser to deparser need no container where the machine can
//!    carry them otherwise.
//! 3. [`layout`]: which fields share a container, from the wire and from what actions combine:
//!    [`class`] says which bits need one size of container, [`size`] which; [`tile`] divides headers,
//!    [`phase`] says where the parser finds what it assigns, [`work`] what an action asks of a container,
//!    [`alu`] what one ALU can do.
//! 4. [`assign`]: a container for each chunk; [`cluster`] says which need one group, [`room`] what fits
//!    beside what.
//!
//! The result is a side table, checked by [`checker`], which shares nothing with these steps.

mod alu;
mod assign;
pub mod checker;
mod class;
mod clot;
mod cluster;
pub mod container;
mod job;
mod layout;
mod life;
mod operation;
mod phase;
mod problem;
mod room;
mod size;
mod tile;
mod validity;
mod work;

use std::collections::BTreeSet;

use p4rmt_ir::{FieldId, FieldKind, GressId, GressRole, Id, Pipe, Placement};

pub use clot::Clot;
pub use container::{Container, ContainerKind, ContainerSize};
pub use life::Life;
pub use operation::FieldSlice;
pub use problem::PhvProblem;

pub(crate) use clot::{state_depths, statement_bits};
pub(crate) use job::{reachable_states, successors};
pub(crate) use life::walk_block;

use crate::phv::alu::AluFault;
use crate::phv::assign::{Assignment, assign};
use crate::phv::clot::find_clots;
use crate::phv::job::GressJob;
use crate::phv::layout::{Chunk, Layout, lay_out};
use crate::phv::room::Effort;
use crate::phv::size::Load;
use crate::phv::tile::{Piece, TileFault};
use crate::problem::{LocatedProblem, Problem};
use crate::target::Target;
use crate::unit::Unit;

/// Bits of a field in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Residence {
    /// The gress whose field it is.
    pub gress: GressId,
    /// Which bits.
    pub slice: FieldSlice,
    /// Where.
    pub container: Container,
    /// The lowest bit there.
    pub lo: u32,
    /// When.
    pub life: Life,
}

/// Where the fields of a pipe are.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PhvAllocation {
    /// By gress, then by field, then from the lowest bit.
    pub residences: Vec<Residence>,
    /// Bytes outside containers.
    pub clots: Vec<(GressId, Clot)>,
}

impl PhvAllocation {
    /// The containers of a field, from its lowest bit.
    pub fn of_field(&self, gress: GressId, field: FieldId) -> impl Iterator<Item = &Residence> {
        self.residences
            .iter()
            .filter(move |of| of.gress == gress && of.slice.field == field)
    }
}

/// What comes of looking for containers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Allocated {
    /// Where fields are.
    pub allocation: PhvAllocation,
    /// What no allocation can do.
    pub problems: Vec<LocatedProblem>,
    /// What found no room where there may be some: the search gives up at some point.
    pub left_over: Vec<LocatedProblem>,
}

/// Finds containers for the fields of a placed pipe. `units` are those of all gresses.
#[must_use]
pub fn allocate(pipe: &Pipe, units: &[Unit], placement: &Placement, target: &Target) -> Allocated {
    let jobs: Vec<GressJob<'_>> = pipe
        .gresses
        .ids()
        .map(|gress| GressJob::new(gress, pipe, units, placement))
        .collect();
    let mut problems = Vec::new();
    let mut clots = Vec::new();
    let mut absent: Vec<Vec<bool>> = Vec::new();
    for job in &jobs {
        let of_gress = find_clots(job, &target.clot);
        let mut is_absent = vec![false; job.gress.fields.len()];
        for field in of_gress.iter().flat_map(|clot| &clot.fields) {
            is_absent[field.index()] = true;
        }
        absent.push(is_absent);
        clots.extend(of_gress.into_iter().map(|clot| (job.id, clot)));
        problems.extend(validity_problem(job, target));
    }
    let (layouts, assignment) = best_assignment(&jobs, &absent, target);
    for (job, layout) in jobs.iter().zip(&layouts) {
        problems.extend(layout_problems(job, layout, target));
    }
    let mut left_over = Vec::new();
    if problems.is_empty() {
        for (problem, is_certain) in room_problems(&jobs, &assignment, target) {
            let list = if is_certain {
                &mut problems
            } else {
                &mut left_over
            };
            list.push(problem);
        }
    }
    let mut residences = Vec::new();
    for ((gress, chunk), place) in assignment.chunks.iter().zip(&assignment.places) {
        let Some((container, shift)) = place else {
            continue;
        };
        residences.extend(chunk.pieces.iter().map(|piece| Residence {
            gress: jobs[*gress].id,
            slice: piece.slice,
            container: assignment.containers[*container],
            lo: piece.at + shift,
            life: piece.life,
        }));
    }
    residences.sort_by_key(|of| (of.gress.index(), of.slice.field, of.slice.lo));
    Allocated {
        allocation: PhvAllocation { residences, clots },
        problems,
        left_over,
    }
}

/// Rounds of looking for room: at first chunks share bits over time only, then also side by side.
const ROUNDS: [(Effort, usize); 2] = [(Effort::Plain, 4), (Effort::Packed, 24)];

/// The layouts and the assignment of them that leave the least behind. Of what found no room, each
/// round gives some the first choice, or makes containers of its size dearer for all.
fn best_assignment(
    jobs: &[GressJob<'_>],
    absent: &[Vec<bool>],
    target: &Target,
) -> (Vec<Layout>, Assignment) {
    let last_entry = jobs.iter().map(|job| job.uses.last_entry).max();
    let mut best: Option<((usize, usize), Vec<Layout>, Assignment)> = None;
    for (effort, n_rounds) in ROUNDS {
        let mut wishes = Wishes::new(jobs.len());
        for _ in 0..n_rounds {
            let mut load = Load::new(&target.phv, last_entry.unwrap_or(0), wishes.spared);
            let layouts: Vec<Layout> = jobs
                .iter()
                .enumerate()
                .map(|(gress, job)| {
                    let avoided = &wishes.avoided[gress];
                    lay_out(job, target, absent[gress].clone(), avoided, &mut load)
                })
                .collect();
            let n_faults: usize = layouts.iter().map(|layout| layout.faults.len()).sum();
            let found = assign(jobs, &layouts, &wishes.first, effort, &target.phv);
            let is_complete = found.left_over.is_empty();
            wishes.learn(&found);
            let cost = (n_faults, found.left_over.len());
            if best.as_ref().is_none_or(|(known, _, _)| cost < *known) {
                best = Some((cost, layouts, found));
            }
            if is_complete {
                break;
            }
        }
        if best.as_ref().is_some_and(|((_, left), _, _)| *left == 0) {
            break;
        }
    }
    let (_, layouts, assignment) = best.expect("at least one order is tried");
    (layouts, assignment)
}

/// What a round wants otherwise than the one before.
struct Wishes {
    /// Fields that have the first choice, by position among the jobs.
    first: Vec<(usize, FieldId)>,
    /// By gress: sizes that bits should not have.
    avoided: Vec<Vec<(FieldSlice, ContainerSize)>>,
    /// By size: containers that should be left.
    spared: [u32; 3],
}

impl Wishes {
    fn new(n_gresses: usize) -> Self {
        Self {
            first: Vec::new(),
            avoided: vec![Vec::new(); n_gresses],
            spared: [0; 3],
        }
    }

    /// What found no room gets the first choice. If it had that, it takes another size, and so do
    /// others, as many as are wanted.
    fn learn(&mut self, found: &Assignment) {
        let Some(left) = found.left_over.first() else {
            return;
        };
        let (gress, chunk) = &found.chunks[*left];
        let Some(piece) = chunk.pieces.first() else {
            return;
        };
        let own = (*gress, piece.slice.field);
        if !self.first.contains(&own) {
            self.first.insert(0, own);
            return;
        }
        for chunk in &found.left_over {
            self.spared[found.chunks[*chunk].1.size.index()] += 1;
        }
        let avoided = (piece.slice, chunk.size);
        if !self.avoided[*gress].contains(&avoided) {
            self.avoided[*gress].push(avoided);
        }
    }
}

fn layout_problems(job: &GressJob<'_>, layout: &Layout, target: &Target) -> Vec<LocatedProblem> {
    let mut problems: Vec<LocatedProblem> = Vec::new();
    for fault in &layout.faults {
        let problem = match fault {
            TileFault::Alu {
                action,
                field,
                fault,
            } => alu_problem(job, *action, *field, *fault, target),
            TileFault::Conflict { first, second } => LocatedProblem {
                problem: Problem::Phv(PhvProblem::Conflict {
                    first: job.units[first.0].name.clone(),
                    first_field: job.name(first.1).to_owned(),
                    second: job.units[second.0].name.clone(),
                    second_field: job.name(second.1).to_owned(),
                }),
                span: job.units[second.0].span,
            },
        };
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    for &(action, field) in &layout.too_wide {
        let action = &job.actions[action];
        problems.push(LocatedProblem {
            problem: Problem::Phv(PhvProblem::ComputationTooWide {
                action: action.name.clone(),
                field: job.name(field).to_owned(),
                needed: job.gress.fields[field].width,
                available: 2 * ContainerSize::B32.bits(),
            }),
            span: action.span,
        });
    }
    problems
}

fn alu_problem(
    job: &GressJob<'_>,
    action: usize,
    field: FieldId,
    fault: AluFault,
    target: &Target,
) -> LocatedProblem {
    let of = &job.actions[action];
    let action = of.name.clone();
    let named = job.name(field).to_owned();
    let written = of.operations.iter();
    let operation = written
        .clone()
        .find(|operation| operation.dst.field == field);
    let span = operation.map_or(of.span, |operation| operation.span);
    let problem = match fault {
        AluFault::TooManySources { needed } => PhvProblem::TooManySources {
            action,
            fields: in_words(job, written.map(|operation| operation.dst.field).collect()),
            needed,
            available: target.phv.sources_max,
        },
        AluFault::Neighbours => PhvProblem::ComputedBesideOthers {
            action,
            neighbours: in_words(job, neighbours(job, field)),
            field: named,
        },
        AluFault::Misaligned | AluFault::Interleaved | AluFault::Restricted => {
            PhvProblem::NotAligned {
                action,
                field: named,
            }
        }
    };
    LocatedProblem {
        problem: Problem::Phv(problem),
        span,
    }
}

/// The other fields in the bytes of a header field.
fn neighbours(job: &GressJob<'_>, field: FieldId) -> Vec<FieldId> {
    let Some(header) = job.header_of(field) else {
        return Vec::new();
    };
    let mut offset = 0_u32;
    let mut spans = Vec::new();
    for of in &job.gress.headers[header].fields {
        let end = offset + job.gress.fields[*of].width;
        spans.push((*of, offset / 8, end.div_ceil(8)));
        offset = end;
    }
    let own = spans.iter().find(|(of, _, _)| *of == field).copied();
    let Some((_, from, to)) = own else {
        return Vec::new();
    };
    let near = spans.iter();
    near.filter(|(of, start, end)| *of != field && *start < to && from < *end)
        .map(|(of, _, _)| *of)
        .collect()
}

/// The first names of these, and how many more.
fn in_words(job: &GressJob<'_>, mut fields: Vec<FieldId>) -> String {
    const SHOWN: usize = 4;
    fields.sort_unstable();
    fields.dedup();
    let mut names: Vec<String> = fields
        .iter()
        .take(SHOWN)
        .map(|field| format!("`{}`", job.name(*field)))
        .collect();
    match fields.len() {
        0 => return "other fields".to_owned(),
        n if n > SHOWN => names.push(format!("{} more", n - SHOWN)),
        _ => {}
    }
    names.join(", ")
}

fn validity_problem(job: &GressJob<'_>, target: &Target) -> Option<LocatedProblem> {
    let bits = job.gress.fields.iter().filter(|(field, of)| {
        matches!(of.kind, FieldKind::Validity(_)) && job.uses.fields[*field].is_deparsed
    });
    let needed = u32::try_from(bits.count()).unwrap_or(u32::MAX);
    let available = target.phv.validity_bits_max;
    (needed > available).then(|| LocatedProblem {
        problem: Problem::Phv(PhvProblem::TooManyHeaders {
            gress: gress_name(job.gress.role),
            needed,
            available,
        }),
        span: job.gress.deparser.span,
    })
}

pub(crate) fn gress_name(role: GressRole) -> &'static str {
    match role {
        GressRole::Ingress => "ingress",
        GressRole::Egress => "egress",
        GressRole::Whole => "pipe",
    }
}

/// What found no container: bits that stand alone, all of a gress together, and what actions combine. Each
/// with whether there is none: more bits than there are belong to one packet at one time.
fn room_problems(
    jobs: &[GressJob<'_>],
    assignment: &Assignment,
    target: &Target,
) -> Vec<(LocatedProblem, bool)> {
    let mut problems = Vec::new();
    let pieces_of = |gress: usize, chunks: &[usize]| -> Vec<Piece> {
        let chunks = chunks.iter().map(|chunk| &assignment.chunks[*chunk]);
        let own = chunks.filter(|(of, _)| *of == gress);
        own.flat_map(|(_, chunk)| chunk.pieces.clone()).collect()
    };
    let bound = &assignment.left_clusters;
    for (gress, job) in jobs.iter().enumerate() {
        let mut free = assignment.left_over.clone();
        for cluster in bound {
            let pieces = pieces_of(gress, cluster);
            if let Some(problem) = cluster_problem(job, cluster, &pieces, assignment, target) {
                problems.push(problem);
                free.retain(|chunk| !cluster.contains(chunk));
            }
        }
        let pieces = pieces_of(gress, &free);
        let Some(first) = pieces.first() else {
            continue;
        };
        let own = assignment.chunks.iter().filter(|(of, _)| *of == gress);
        let fields = own.flat_map(|(_, chunk)| chunk.pieces.iter().map(|piece| piece.slice.field));
        let fields: BTreeSet<FieldId> = fields.collect();
        let whole = |field: FieldId| {
            let slice = FieldSlice::whole(field, job.gress);
            let life = job.life(field)?;
            Some(Piece { slice, at: 0, life })
        };
        let all: Vec<Piece> = fields.into_iter().filter_map(whole).collect();
        let used = busiest_bits(job, &all);
        let available = container_bits(job.gress.role, target);
        let problem = PhvProblem::NoRoom {
            fields: in_words(job, pieces.iter().map(|piece| piece.slice.field).collect()),
            bits: pieces.iter().map(|piece| piece.slice.width()).sum(),
            gress: gress_name(job.gress.role),
            used,
            available,
        };
        let span = job.gress.fields[first.slice.field].span;
        problems.push((
            LocatedProblem {
                problem: Problem::Phv(problem),
                span,
            },
            used > available,
        ));
    }
    problems
}

/// What to say of fields that need one group of containers, where these are some of the gress.
fn cluster_problem(
    job: &GressJob<'_>,
    cluster: &[usize],
    pieces: &[Piece],
    assignment: &Assignment,
    target: &Target,
) -> Option<(LocatedProblem, bool)> {
    let first = pieces.first()?;
    let chunks = || cluster.iter().map(|chunk| &assignment.chunks[*chunk].1);
    let live_at = |entry: u32| {
        let is_live = |chunk: &&Chunk| chunk.pieces.iter().any(|of| of.life.contains(entry));
        chunks().filter(is_live).count()
    };
    let needed = (0..=job.uses.last_entry).map(live_at).max().unwrap_or(0);
    let reads = |action: &usize| {
        let mut readers = pieces
            .iter()
            .map(|piece| &job.readers[piece.slice.field.index()]);
        readers.any(|readers| readers.contains(action))
    };
    let mut writers = pieces
        .iter()
        .flat_map(|piece| &job.writers[piece.slice.field.index()]);
    let action = *writers.find(|action| reads(action))?;
    let limits = &target.phv;
    let size = chunks().next().map_or(0, |chunk| chunk.size.bits());
    let available = limits.normal_per_group + limits.mocha_per_group + limits.dark_per_group;
    let problem = PhvProblem::GroupTooSmall {
        action: job.actions[action].name.clone(),
        fields: in_words(job, pieces.iter().map(|piece| piece.slice.field).collect()),
        needed: u32::try_from(needed).unwrap_or(u32::MAX),
        size,
        available,
    };
    // In the largest containers there are.
    let largest = ContainerSize::B32.bits() * available;
    let is_certain = busiest_bits(job, pieces) > largest;
    let span = job.gress.fields[first.slice.field].span;
    Some((
        LocatedProblem {
            problem: Problem::Phv(problem),
            span,
        },
        is_certain,
    ))
}

/// Bits that one packet needs at the busiest entry: of pieces, the widest first, those that it has beside all
/// before.
fn busiest_bits(job: &GressJob<'_>, pieces: &[Piece]) -> u32 {
    let mut widest: Vec<&Piece> = pieces.iter().collect();
    widest.sort_by_key(|piece| (std::cmp::Reverse(piece.slice.width()), piece.slice));
    let at = |entry: u32| {
        let mut held: Vec<FieldId> = Vec::new();
        let mut bits = 0_u32;
        for piece in widest.iter().filter(|piece| piece.life.contains(entry)) {
            let field = piece.slice.field;
            let is_beside = |other: &FieldId| {
                *other == field || !(job.are_apart(field, *other) || job.never_meet(field, *other))
            };
            if held.last() == Some(&field) || held.iter().all(is_beside) {
                held.push(field);
                bits = bits.saturating_add(piece.slice.width());
            }
        }
        bits
    };
    (0..=job.uses.last_entry).map(at).max().unwrap_or(0)
}

fn container_bits(role: GressRole, target: &Target) -> u32 {
    Container::all(&target.phv)
        .iter()
        .filter(|container| container.may_be_of(role, &target.phv))
        .fold(0, |sum: u32, container| {
            sum.saturating_add(container.size.bits())
        })
}
