//! Bytes that go from the parser to the deparser outside containers.
//!
//! A run of bytes of one header can, if the parser extracts it, the deparser emits it, and nobody
//! looks at it in between. A gap is kept between two runs wherever they meet in a packet: a run never
//! includes the first bytes of its header.

use p4rmt_ir::{FieldId, Gress, HeaderId, Id, StateId, StmtKind};

use crate::phv::job::{GressJob, is_made_valid, successors};
use crate::phv::life::walk_block;
use crate::target::ClotLimits;

/// A run of bytes of a header outside containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clot {
    /// The header.
    pub header: HeaderId,
    /// The first byte of it.
    pub first_byte: u32,
    /// How many bytes.
    pub bytes: u32,
    /// The fields in it.
    pub fields: Vec<FieldId>,
}

/// The runs of a gress that spare the most containers.
pub(crate) fn find_clots(job: &GressJob<'_>, limits: &ClotLimits) -> Vec<Clot> {
    if limits.per_gress == 0 {
        return Vec::new();
    }
    let gress = job.gress;
    let ends = header_ends(gress);
    let mut candidates: Vec<Clot> = gress
        .headers
        .iter()
        .filter(|(header, _)| {
            ends[header.index()].is_some_and(|end| end <= limits.position_bytes_max)
        })
        .flat_map(|(header, _)| runs(job, header, limits))
        .collect();
    candidates.sort_by_key(|clot| std::cmp::Reverse(clot.bytes));
    let mut chosen: Vec<Clot> = Vec::new();
    for clot in candidates {
        chosen.push(clot);
        let is_over = chosen.len() > limits.per_gress as usize
            || live_together(gress, &chosen) > limits.live_max as usize;
        if is_over {
            chosen.pop();
        }
    }
    chosen.sort_by_key(|clot| (clot.header.index(), clot.first_byte));
    chosen
}

/// The longest runs of a header.
fn runs(job: &GressJob<'_>, header: HeaderId, limits: &ClotLimits) -> Vec<Clot> {
    let of = &job.gress.headers[header];
    let may_pass = |field: &FieldId| {
        let of = &job.uses.fields[*field];
        let is_short = job.gress.fields[*field].width <= limits.bytes_max * 8;
        of.is_extracted && of.is_emitted && !of.is_in_stages() && is_short
    };
    // A header that an action makes has its bytes in containers, and one without an order of its own may
    // have another one in the other gress.
    let is_made = is_made_valid(of.valid, job.gress);
    if is_made || of.varbit.is_some() || of.has_no_order(&job.gress.fields) {
        return Vec::new();
    }
    let mut runs: Vec<Clot> = Vec::new();
    let mut open: Option<(u32, Vec<FieldId>)> = None;
    let mut offset = 0_u32;
    let mut free_from = limits.gap_bytes;
    let mut close = |open: &mut Option<(u32, Vec<FieldId>)>, end: u32, free_from: &mut u32| {
        if let Some((start, fields)) = open.take() {
            let bytes = (end - start) / 8;
            if (end - start).is_multiple_of(8) && bytes > limits.gap_bytes {
                runs.push(Clot {
                    header,
                    first_byte: start / 8,
                    bytes,
                    fields,
                });
                *free_from = end / 8 + limits.gap_bytes;
            }
        }
    };
    let mut last_whole: Option<(u32, usize)> = None;
    for field in &of.fields {
        let width = job.gress.fields[*field].width;
        let end = offset.saturating_add(width);
        let too_long = open
            .as_ref()
            .is_some_and(|(start, _)| end - start > limits.bytes_max * 8);
        if !may_pass(field) || too_long {
            // What does not fill a byte stays outside.
            if let (Some((_, fields)), Some((whole, n_fields))) = (&mut open, last_whole) {
                fields.truncate(n_fields);
                close(&mut open, whole, &mut free_from);
            }
            open = None;
        }
        if may_pass(field) && open.is_none() && offset.is_multiple_of(8) && offset / 8 >= free_from
        {
            open = Some((offset, Vec::new()));
            last_whole = None;
        }
        if let Some((_, fields)) = &mut open {
            fields.push(*field);
            if end.is_multiple_of(8) {
                last_whole = Some((end, fields.len()));
            }
        }
        offset = end;
    }
    if let (Some((_, fields)), Some((whole, n_fields))) = (&mut open, last_whole) {
        fields.truncate(n_fields);
        close(&mut open, whole, &mut free_from);
    }
    runs
}

/// By header: the furthest byte of a packet at which it may end; none if that has no bound or the
/// header is not extracted.
fn header_ends(gress: &Gress) -> Vec<Option<u32>> {
    let mut ends: Vec<Option<u32>> = vec![None; gress.headers.len()];
    let depths = state_depths(gress);
    for (id, state) in gress.parser.states.iter() {
        let Some(mut bits) = depths[id.index()] else {
            continue;
        };
        walk_block(&state.body, &mut |stmt| {
            bits = bits.saturating_add(statement_bits(gress, &stmt.kind));
            if let StmtKind::Extract { header, .. } = &stmt.kind {
                let end = &mut ends[header.index()];
                *end = (*end).max(Some(bits.div_ceil(8)));
            }
        });
    }
    ends
}

/// By how many bits a statement moves the cursor; at most, where that depends on the packet.
pub(crate) fn statement_bits(gress: &Gress, stmt: &StmtKind) -> u32 {
    match stmt {
        StmtKind::Extract { header, .. } => gress.headers[*header]
            .fields
            .iter()
            .fold(0, |sum: u32, field| {
                sum.saturating_add(gress.fields[*field].width)
            }),
        StmtKind::Advance {
            bits: p4rmt_ir::Expr::Const(bits),
        } => u32::try_from(bits.low_u64()).unwrap_or(u32::MAX),
        StmtKind::Advance { .. }
        | StmtKind::Assign { .. }
        | StmtKind::If { .. }
        | StmtKind::Apply { .. }
        | StmtKind::Call(_)
        | StmtKind::Labeled { .. }
        | StmtKind::Loop { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => 0,
    }
}

/// By state: the furthest bit of a packet at which it may begin; none behind a loop.
pub(crate) fn state_depths(gress: &Gress) -> Vec<Option<u32>> {
    let states = &gress.parser.states;
    let length = |state: StateId| {
        let mut bits = 0_u32;
        walk_block(&states[state].body, &mut |stmt| {
            bits = bits.saturating_add(statement_bits(gress, &stmt.kind));
        });
        bits
    };
    let mut depths: Vec<Option<u32>> = vec![None; states.len()];
    depths[gress.parser.start.index()] = Some(0);
    // As many rounds as there are states reach every depth, unless there is a loop.
    let mut is_looping = vec![false; states.len()];
    for round in 0..=states.len() {
        let mut has_changed = false;
        for from in states.ids() {
            let Some(depth) = depths[from.index()] else {
                continue;
            };
            for to in successors(&states[from].transition) {
                let reached = Some(depth.saturating_add(length(from)));
                if depths[to.index()] < reached {
                    depths[to.index()] = reached;
                    has_changed = true;
                    is_looping[to.index()] |= round == states.len();
                }
            }
        }
        if !has_changed {
            break;
        }
    }
    let reach = crate::phv::job::reachable_states(gress);
    for (from, _) in is_looping
        .iter()
        .enumerate()
        .filter(|(_, looping)| **looping)
    {
        for (to, _) in reach[from]
            .iter()
            .enumerate()
            .filter(|(_, reached)| **reached)
        {
            depths[to] = None;
        }
    }
    depths
}

/// How many of these one packet may have.
fn live_together(gress: &Gress, clots: &[Clot]) -> usize {
    let states = &gress.parser.states;
    let count = |state: StateId| {
        let mut n = 0;
        walk_block(&states[state].body, &mut |stmt| {
            if let StmtKind::Extract { header, .. } = &stmt.kind {
                n += clots.iter().filter(|clot| clot.header == *header).count();
            }
        });
        n
    };
    let counts: Vec<usize> = states.ids().map(count).collect();
    let mut most = counts.clone();
    for _ in 0..states.len() {
        let mut has_changed = false;
        for from in states.ids() {
            for to in successors(&states[from].transition) {
                // Behind a loop all of them count.
                let with = (counts[from.index()] + most[to.index()]).min(clots.len());
                if most[from.index()] < with {
                    most[from.index()] = with;
                    has_changed = true;
                }
            }
        }
        if !has_changed {
            break;
        }
    }
    most[gress.parser.start.index()]
}
