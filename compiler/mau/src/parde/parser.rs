//! What the states of a parser take of the machine's parser.
//!
//! * A state that leads on without a choice takes no row, where those that lead to it can do its work.
//! * A transition is a row; a range is as many as it has prefixes, a value set as many as members.
//! * A state goes through several cycles, each with a row of its own, if it moves further than the
//!   window, extracts more containers than there are extractors, or selects on more bytes than there
//!   are match registers.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    Bits, CallKind, ChecksumOp, Expr, FieldId, Gress, GressId, GressRole, HeaderId, Id, KeySet,
    State, StateId, StmtKind, Transition,
};
use p4rmt_source::Span;

use crate::parde::problem::PardeProblem;
use crate::phv::{
    Container, ContainerSize, PhvAllocation, gress_name, reachable_states, state_depths,
    statement_bits, successors, walk_block,
};
use crate::problem::{LocatedProblem, Problem};
use crate::target::{ParserLimits, Target};

/// What a parser uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParserUse {
    /// States that a packet can reach.
    pub states: u32,
    /// Rows: transitions, and cycles beyond the first of a state.
    pub rows: u32,
    /// Bytes that the widest transition matches on.
    pub match_bytes: u32,
    /// Cycles of the slowest state.
    pub cycles_max: u32,
    /// Bytes of the deepest packet; none behind a loop.
    pub depth_bytes: Option<u32>,
    /// Checksum units at work for one packet.
    pub checksum_units: u32,
}

/// What the parser of a gress uses, and what it can't do.
pub(crate) fn parser_use(
    id: GressId,
    gress: &Gress,
    phv: &PhvAllocation,
    target: &Target,
) -> (ParserUse, Vec<LocatedProblem>) {
    let mut census = Census {
        id,
        gress,
        phv,
        limits: &target.parser,
        used: ParserUse::default(),
        rows_once: BTreeMap::new(),
        problems: Vec::new(),
    };
    census.run();
    (census.used, census.problems)
}

struct Census<'a> {
    id: GressId,
    gress: &'a Gress,
    phv: &'a PhvAllocation,
    limits: &'a ParserLimits,
    used: ParserUse,
    /// By place in the text: rows of a state there. A loop over header stacks comes here as copies of its
    /// states, one a position, of which a parser needs one.
    rows_once: BTreeMap<Span, u32>,
    problems: Vec<LocatedProblem>,
}

impl Census<'_> {
    fn run(&mut self) {
        let parser = &self.gress.parser;
        let reach = reachable_states(self.gress);
        let reached = &reach[parser.start.index()];
        let states = parser.states.iter();
        let states: Vec<(StateId, &State)> =
            states.filter(|(state, _)| reached[state.index()]).collect();
        self.used.states = count(states.len());
        let folded = self.folded(&states);
        for (id, state) in &states {
            self.state(state, folded.contains(id));
        }
        self.depth(&states);
        self.used.checksum_units = self.checksums(&states, &reach);
        let available = self.limits.tcam_rows;
        let needed = self
            .rows_once
            .values()
            .fold(0, |sum: u32, rows| sum.saturating_add(*rows));
        if needed > available {
            let parser = parser.name.clone();
            let problem = PardeProblem::TooManyRows {
                parser,
                needed,
                available,
            };
            self.refuse(problem, self.gress.parser.span);
        }
        let available = self.limits.parser_checksum_units;
        if self.used.checksum_units > available {
            let problem = PardeProblem::TooManyChecksums {
                block: parser.name.clone(),
                place: "parser",
                needed: self.used.checksum_units,
                available,
            };
            self.refuse(problem, parser.span);
        }
    }

    fn refuse(&mut self, problem: PardeProblem, span: Span) {
        let problem = Problem::Parde(problem);
        self.problems.push(LocatedProblem { problem, span });
    }

    fn state(&mut self, state: &State, is_folded: bool) {
        let window_bits = self.limits.input_window_bytes.saturating_mul(8);
        let mut moved_bits = 0_u32;
        let mut ahead_bits = 0_u32;
        let mut refused = Vec::new();
        walk_block(&state.body, &mut |stmt| {
            let ahead = lookahead_bits(&stmt.kind);
            if ahead > window_bits {
                refused.push((stmt.span, ahead.div_ceil(8)));
            }
            ahead_bits = ahead_bits.max(moved_bits.saturating_add(ahead));
            moved_bits = moved_bits.saturating_add(statement_bits(self.gress, &stmt.kind));
        });
        let of_keys = match &state.transition {
            Transition::Goto(_) => 0,
            Transition::Select { keys, .. } => keys.iter().map(expr_lookahead).max().unwrap_or(0),
        };
        if of_keys > window_bits {
            refused.push((state.span, of_keys.div_ceil(8)));
        }
        for (span, needed) in refused {
            let problem = PardeProblem::LookaheadTooFar {
                state: state.name.clone(),
                needed,
                available: self.limits.input_window_bytes,
            };
            self.refuse(problem, span);
        }
        let mut by_value = None;
        walk_block(&state.body, &mut |stmt| {
            if let StmtKind::Advance { bits } = &stmt.kind {
                by_value = by_value.or((!matches!(bits, Expr::Const(_))).then_some(stmt.span));
            }
        });
        if let Some(span) = by_value {
            let state = state.name.clone();
            self.refuse(PardeProblem::AdvanceByValue { state }, span);
        }
        let extract_cycles = self.extract_cycles(state);
        let window_cycles = moved_bits.max(ahead_bits).div_ceil(window_bits.max(1));
        let match_bytes = self.match_bytes(state);
        let registers: u32 = self.limits.match_register_bytes.iter().sum();
        let match_cycles = match_bytes.div_ceil(registers.max(1)).max(1);
        let cycles = extract_cycles.max(window_cycles).max(match_cycles).max(1);
        let rows = self.rows(state, registers);
        // Each register's worth of a long key needs a row for each value.
        let rows = rows.saturating_mul(match_cycles);
        let others = cycles.saturating_sub(match_cycles);
        let rows = rows.saturating_add(others);
        self.used.rows = self.used.rows.saturating_add(rows);
        let once = self.rows_once.entry(state.span).or_default();
        *once = if is_folded { *once } else { rows.max(*once) };
        self.used.match_bytes = self.used.match_bytes.max(match_bytes);
        self.used.cycles_max = self.used.cycles_max.max(cycles);
    }

    /// The states whose work the rows that lead to them do, too: they lead on without a choice, and both fit one
    /// cycle.
    fn folded(&self, states: &[(StateId, &State)]) -> BTreeSet<StateId> {
        let window_bits = self.limits.input_window_bytes.saturating_mul(8);
        let mut folded = BTreeSet::new();
        for (id, state) in states {
            if *id == self.gress.parser.start || !matches!(state.transition, Transition::Goto(_)) {
                continue;
            }
            let mut leading = states
                .iter()
                .filter(|(_, other)| successors(&other.transition).contains(id));
            let (bits, taken) = self.work(state);
            let fit_one_cycle = leading.all(|(before, other)| {
                let (bits_before, taken_before) = self.work(other);
                let takes = taken.iter().zip(taken_before).zip(self.limits.extractors);
                !folded.contains(before)
                    && *before != *id
                    && bits.saturating_add(bits_before) <= window_bits
                    && takes
                        .into_iter()
                        .all(|((own, before), available)| own + before <= available)
            });
            if fit_one_cycle {
                folded.insert(*id);
            }
        }
        folded
    }

    /// By how many bits a state moves, and the extractors by size that it takes in all.
    fn work(&self, state: &State) -> (u32, [u32; 3]) {
        let mut bits = 0_u32;
        walk_block(&state.body, &mut |stmt| {
            bits = bits.saturating_add(statement_bits(self.gress, &stmt.kind));
        });
        (bits, self.taken(state))
    }

    /// Rows of a transition.
    fn rows(&mut self, state: &State, registers: u32) -> u32 {
        let Transition::Select { cases, .. } = &state.transition else {
            return 1;
        };
        let mut rows = 0_u32;
        for case in cases {
            let mut of_case = 1_u32;
            for keyset in &case.keysets {
                let n = match keyset {
                    KeySet::Any | KeySet::Exact(_) | KeySet::Mask { .. } => 1,
                    KeySet::Range { lo, hi } => n_prefixes(lo, hi),
                    KeySet::ValueSet(set) => {
                        let set = &self.gress.value_sets[*set];
                        let needed: u32 = set.widths.iter().map(|width| width.div_ceil(8)).sum();
                        if needed > registers {
                            let problem = PardeProblem::ValueSetTooWide {
                                value_set: set.name.clone(),
                                needed,
                                available: registers,
                            };
                            self.refuse(problem, case.span);
                        }
                        u32::try_from(set.size).unwrap_or(u32::MAX)
                    }
                };
                of_case = of_case.saturating_mul(n);
            }
            rows = rows.saturating_add(of_case);
        }
        rows
    }

    /// Bytes that a transition looks at, each once.
    fn match_bytes(&self, state: &State) -> u32 {
        let Transition::Select { keys, .. } = &state.transition else {
            return 0;
        };
        let mut bytes: BTreeSet<(Option<usize>, u32)> = BTreeSet::new();
        let mut others = 0;
        for key in keys {
            let mut note = |field: FieldId, hi: u32, lo: u32| match self.wire_position(field) {
                Some((header, offset)) => {
                    let end = offset + self.gress.fields[field].width;
                    let range = (end - 1 - hi) / 8..=(end - 1 - lo) / 8;
                    bytes.extend(range.map(|byte| (Some(header.index()), byte)));
                }
                None => others += (hi - lo + 1).div_ceil(8),
            };
            for (field, hi, lo) in crate::unit::field_slices(key, self.gress) {
                note(field, hi, lo);
            }
            key.walk(&mut |part| {
                if let Expr::Lookahead { offset, width } = part {
                    let range = offset / 8..(offset + width).div_ceil(8);
                    bytes.extend(range.map(|byte| (None, byte)));
                }
            });
        }
        count(bytes.len()) + others
    }

    fn wire_position(&self, field: FieldId) -> Option<(HeaderId, u32)> {
        let p4rmt_ir::FieldKind::Header(header) = self.gress.fields[field].kind else {
            return None;
        };
        let mut offset = 0_u32;
        for of in &self.gress.headers[header].fields {
            if *of == field {
                return Some((header, offset));
            }
            offset = offset.saturating_add(self.gress.fields[*of].width);
        }
        None
    }

    /// Cycles in which a state fills its containers.
    fn extract_cycles(&self, state: &State) -> u32 {
        let cycles = self.taken(state).into_iter().zip(self.limits.extractors);
        let cycles = cycles.map(|(taken, available)| taken.div_ceil(available.max(1)));
        cycles.max().unwrap_or(1)
    }

    /// Extractors by size that a state takes in all its cycles.
    fn taken(&self, state: &State) -> [u32; 3] {
        let mut containers: BTreeSet<Container> = BTreeSet::new();
        let mut note = |field: FieldId| {
            let homes = self.phv.of_field(self.id, field);
            containers.extend(homes.filter(|of| of.life.from == 0).map(|of| of.container));
        };
        walk_block(&state.body, &mut |stmt| match &stmt.kind {
            StmtKind::Extract { header, .. } => {
                let header = &self.gress.headers[*header];
                header.fields.iter().copied().for_each(&mut note);
                note(header.valid);
            }
            StmtKind::Assign { dst, .. } => dst.field().into_iter().for_each(&mut note),
            StmtKind::If { .. }
            | StmtKind::Apply { .. }
            | StmtKind::Call(_)
            | StmtKind::Labeled { .. }
            | StmtKind::Loop { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        });
        let extractors = self.limits.extractors;
        let mut taken = [0_u32; 3];
        for container in containers {
            let own = container.size.index();
            // The narrowest that is wide enough, or several of the widest.
            let wide_enough = (own..3).find(|size| extractors[*size] > 0);
            let widest = (0..3).rev().find(|size| extractors[*size] > 0);
            if let Some(size) = wide_enough.or(widest) {
                let bits = ContainerSize::ALL[size].bits();
                taken[size] += container.size.bits().div_ceil(bits);
            }
        }
        taken
    }

    fn depth(&mut self, states: &[(StateId, &State)]) {
        let depths = state_depths(self.gress);
        let available = match self.gress.role {
            GressRole::Egress => self.limits.egress_depth_bytes_max,
            GressRole::Ingress | GressRole::Whole => self.limits.ingress_depth_bytes_max,
        };
        let mut deepest = Some(0);
        let mut refused = None;
        for (id, state) in states {
            let Some(mut bits) = depths[id.index()] else {
                deepest = None;
                continue;
            };
            walk_block(&state.body, &mut |stmt| {
                bits = bits.saturating_add(statement_bits(self.gress, &stmt.kind));
            });
            let needed = bits.div_ceil(8);
            deepest = deepest.map(|deepest: u32| deepest.max(needed));
            if needed > available && refused.is_none() {
                let problem = PardeProblem::TooDeep {
                    state: state.name.clone(),
                    gress: gress_name(self.gress.role),
                    needed,
                    available,
                };
                refused = Some((problem, state.span));
            }
        }
        self.used.depth_bytes = deepest;
        if let Some((problem, span)) = refused {
            self.refuse(problem, span);
        }
    }

    /// Checksum units that one packet needs at one time. Two checksums share a unit where they do the
    /// same up to where their ways part.
    fn checksums(&self, states: &[(StateId, &State)], reach: &[Vec<bool>]) -> u32 {
        let mut works: BTreeMap<usize, Work<'_>> = BTreeMap::new();
        for (id, state) in states {
            walk_block(&state.body, &mut |stmt| {
                if let StmtKind::Call(call) = &stmt.kind
                    && let CallKind::Checksum { unit, op, args } = &call.kind
                {
                    let work = works.entry(unit.index()).or_default();
                    work.entry(id.index()).or_default().push((*op, args));
                }
            });
        }
        let meet = |a: usize, b: usize| reach[a][b] || reach[b][a];
        let mut units: Vec<Work<'_>> = Vec::new();
        for work in works.into_values() {
            let can_join = |known: &&mut Work<'_>| {
                let alone = |a: &BTreeMap<_, _>, b: &BTreeMap<usize, _>| -> Vec<usize> {
                    let own = a.keys().copied();
                    own.filter(|state| !b.contains_key(state)).collect()
                };
                let (of_known, of_work) = (alone(known, &work), alone(&work, known));
                let agree = work
                    .iter()
                    .all(|(state, calls)| known.get(state).is_none_or(|known| known == calls));
                agree
                    && !of_known
                        .iter()
                        .any(|a| of_work.iter().any(|b| meet(*a, *b)))
            };
            match units.iter_mut().find(can_join) {
                Some(known) => known.extend(work),
                None => units.push(work),
            }
        }
        let under_way = |at: usize| {
            let is_busy = |unit: &&BTreeMap<usize, _>| {
                unit.keys().any(|from| reach[*from][at]) && unit.keys().any(|to| reach[at][*to])
            };
            count(units.iter().filter(is_busy).count())
        };
        let at = states.iter().map(|(state, _)| under_way(state.index()));
        at.max().unwrap_or(0)
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// By state: what a checksum unit does there.
type Work<'a> = BTreeMap<usize, Vec<(ChecksumOp, &'a [Expr])>>;

/// Bits ahead of the cursor that a statement looks at.
fn lookahead_bits(stmt: &StmtKind) -> u32 {
    match stmt {
        StmtKind::Assign { value, .. } => expr_lookahead(value),
        StmtKind::If { cond, .. } | StmtKind::Verify { cond, .. } => expr_lookahead(cond),
        StmtKind::Call(call) => call
            .args()
            .into_iter()
            .map(expr_lookahead)
            .max()
            .unwrap_or(0),
        StmtKind::Advance { bits } => expr_lookahead(bits),
        StmtKind::Extract { varbit_bits, .. } => varbit_bits.as_ref().map_or(0, expr_lookahead),
        StmtKind::Apply { .. }
        | StmtKind::Labeled { .. }
        | StmtKind::Loop { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Emit { .. } => 0,
    }
}

fn expr_lookahead(expr: &Expr) -> u32 {
    let mut bits = 0;
    expr.walk(&mut |part| {
        if let Expr::Lookahead { offset, width } = part {
            bits = bits.max(offset.saturating_add(*width));
        }
    });
    bits
}

/// How many values with don't-care bits at the end make up a range.
fn n_prefixes(lo: &Bits, hi: &Bits) -> u32 {
    let (Some(mut lo), Some(hi)) = (lo.to_u64(), hi.to_u64()) else {
        return u32::MAX;
    };
    let mut n = 0_u32;
    while lo <= hi {
        n = n.saturating_add(1);
        let aligned = if lo == 0 {
            63
        } else {
            lo.trailing_zeros().min(63)
        };
        let size = (0..=aligned).rev().map(|bits| 1_u64 << bits);
        let fitting = size.clone().find(|size| size - 1 <= hi - lo).unwrap_or(1);
        match lo.checked_add(fitting) {
            Some(next) => lo = next,
            None => break,
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lo: u64, hi: u64, expected: u32) {
        let bits = |value| Bits::from_u64(16, value);
        assert_eq!(n_prefixes(&bits(lo), &bits(hi)), expected, "{lo}..={hi}");
    }

    #[test]
    fn a_range_is_as_many_rows_as_it_has_prefixes() {
        check(0, 0xffff, 1);
        check(7, 7, 1);
        check(0, 7, 1);
        check(1, 6, 4);
        check(1, 0xfffe, 30);
        check(9, 3, 0);
    }
}
