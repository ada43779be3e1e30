//! What a parser takes: states and rows, cycles, bytes that it matches on and looks at, depth, checksum units.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    Bits, Call, CallKind, ChecksumId, ChecksumOp, Expr, FieldId, FieldKind, Gress, GressId,
    GressRole, KeySet, State, StateId, Stmt, StmtKind, Transition,
};
use p4rmt_source::Span;

use super::{Ends, header_bits, statements};
use crate::checker::Violation;
use crate::parde::ParserUse;
use crate::phv::{Container, ContainerSize, PhvAllocation};

/// What a state takes.
#[derive(Default)]
struct StateNeeds {
    rows: u64,
    cycles: u64,
    match_bytes: u64,
}

impl Ends<'_> {
    pub(super) fn check_parser(
        &mut self,
        (id, gress): (GressId, &Gress),
        allocation: &PhvAllocation,
        claimed: &ParserUse,
    ) {
        let name = gress.parser.name.as_str();
        let ways = Ways::of(gress);
        let reached = &ways.behind[&gress.parser.start];
        let mut rows = 0;
        // A loop over a header stack comes here as copies of its states: the machine needs them once.
        let mut rows_once: BTreeMap<Span, u64> = BTreeMap::new();
        let (mut cycles, mut match_bytes) = (0, 0);
        for state_id in reached {
            let state = &gress.parser.states[*state_id];
            let needs = self.state(state, (id, gress), allocation);
            rows += needs.rows;
            // Rows that lead to a state without a choice can do its work, too.
            let is_folded =
                matches!(state.transition, Transition::Goto(_)) && *state_id != gress.parser.start;
            let own = if is_folded { 0 } else { needs.rows };
            let once = rows_once.entry(state.span).or_default();
            *once = own.max(*once);
            cycles = needs.cycles.max(cycles);
            match_bytes = needs.match_bytes.max(match_bytes);
        }
        let checksums = ways.checksums(gress);
        let limits = self.target.parser.clone();
        self.counted(name, "states", reached.len() as u64, claimed.states);
        self.counted(name, "rows", rows, claimed.rows);
        self.counted(name, "cycles of a state", cycles, claimed.cycles_max);
        self.counted(
            name,
            "bytes of a transition",
            match_bytes,
            claimed.match_bytes,
        );
        self.counted(name, "checksum units", checksums, claimed.checksum_units);
        self.limited(name, "rows", rows_once.values().sum(), limits.tcam_rows);
        self.limited(
            name,
            "checksum units",
            checksums,
            limits.parser_checksum_units,
        );
        let depth = ways.depth_bits(gress).div_ceil(8);
        if let Some(claimed) = claimed.depth_bytes {
            self.counted(name, "bytes of depth", depth, claimed);
        }
        let available = match gress.role {
            GressRole::Egress => limits.egress_depth_bytes_max,
            GressRole::Ingress | GressRole::Whole => limits.ingress_depth_bytes_max,
        };
        self.limited(name, "bytes of depth", depth, available);
    }

    fn state(
        &mut self,
        state: &State,
        of: (GressId, &Gress),
        allocation: &PhvAllocation,
    ) -> StateNeeds {
        let gress = of.1;
        let window_bytes = self.target.parser.input_window_bytes;
        let window_bits = 8 * u64::from(window_bytes).max(1);
        let body = statements(&state.body);
        // Where the cursor gets, and how far a statement sees from there.
        let (mut cursor, mut furthest) = (0, 0);
        for stmt in &body {
            let ahead = exprs_of(stmt).into_iter().map(seen_ahead).max();
            let ahead = ahead.unwrap_or(0);
            self.limited(&state.name, "bytes ahead", ahead.div_ceil(8), window_bytes);
            furthest = furthest.max(cursor + ahead);
            cursor += moved_bits(stmt, gress);
            if let StmtKind::Advance { bits } = &stmt.kind
                && !matches!(bits, Expr::Const(_))
            {
                let state = state.name.clone();
                self.violations.push(Violation::MovesByValue { state });
            }
        }
        let registers: u32 = self.target.parser.match_register_bytes.iter().sum();
        let (mut rows, mut match_bytes) = (1, 0);
        if let Transition::Select { keys, cases } = &state.transition {
            for key in keys {
                let ahead = seen_ahead(key).div_ceil(8);
                self.limited(&state.name, "bytes ahead", ahead, window_bytes);
            }
            match_bytes = bytes_of_keys(keys, gress);
            rows = 0;
            for case in cases {
                let mut product = 1_u64;
                for keyset in &case.keysets {
                    let n = match keyset {
                        KeySet::Any | KeySet::Exact(_) | KeySet::Mask { .. } => 1,
                        KeySet::Range { lo, hi } => cubes_of_range(lo, hi),
                        KeySet::ValueSet(set) => {
                            let set = &gress.value_sets[*set];
                            let bytes = set.widths.iter().map(|bits| u64::from(*bits).div_ceil(8));
                            let bytes = bytes.sum();
                            self.limited(&set.name, "bytes of a member", bytes, registers);
                            set.size
                        }
                    };
                    product = product.saturating_mul(n);
                }
                rows += product;
            }
        }
        let looks = match_bytes.div_ceil(u64::from(registers).max(1)).max(1);
        let moves = cursor.max(furthest).div_ceil(window_bits);
        let fills = self.cycles_of_filling(&body, of, allocation);
        let cycles = looks.max(moves).max(fills);
        StateNeeds {
            // A long key is looked at piece by piece, a row each; what else takes longer, a row a cycle.
            rows: rows.saturating_mul(looks) + (cycles - looks),
            cycles,
            match_bytes,
        }
    }

    /// Cycles in which extractors fill the containers that a state writes.
    fn cycles_of_filling(
        &self,
        body: &[&Stmt],
        (id, gress): (GressId, &Gress),
        allocation: &PhvAllocation,
    ) -> u64 {
        let mut written: BTreeSet<FieldId> = BTreeSet::new();
        for stmt in body {
            match &stmt.kind {
                StmtKind::Extract { header, .. } => {
                    let header = &gress.headers[*header];
                    written.extend(header.fields.iter().copied());
                    written.insert(header.valid);
                }
                StmtKind::Assign { dst, .. } => written.extend(dst.field()),
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
            }
        }
        let homes = allocation.residences.iter();
        let filled: BTreeSet<Container> = homes
            .filter(|of| of.gress == id && of.life.from == 0 && written.contains(&of.slice.field))
            .map(|of| of.container)
            .collect();
        let there = self.target.parser.extractors;
        let mut busy = [0_u64; 3];
        for container in filled {
            let sizes = ContainerSize::ALL.into_iter().zip(there).enumerate();
            let with = sizes.filter(|(_, (_, n))| *n > 0);
            let (fitting, others): (Vec<_>, Vec<_>) =
                with.partition(|(_, (size, _))| *size >= container.size);
            if let Some((at, _)) = fitting.first() {
                busy[*at] += 1;
            } else if let Some((at, (size, _))) = others.last() {
                busy[*at] += u64::from(container.size.bits().div_ceil(size.bits()));
            }
        }
        let cycles = busy.into_iter().zip(there);
        let cycles = cycles.map(|(busy, there)| busy.div_ceil(u64::from(there.max(1))));
        cycles.max().unwrap_or(0)
    }
}

/// What lies behind what.
struct Ways {
    /// By state: those that a packet can come to from there, itself among them.
    behind: BTreeMap<StateId, BTreeSet<StateId>>,
    /// By state: those to which it leads.
    next: BTreeMap<StateId, Vec<StateId>>,
}

impl Ways {
    fn of(gress: &Gress) -> Self {
        let state_of = |target: &p4rmt_ir::Target| match target {
            p4rmt_ir::Target::State(state) => Some(*state),
            p4rmt_ir::Target::Accept | p4rmt_ir::Target::Reject => None,
        };
        let mut next: BTreeMap<StateId, Vec<StateId>> = BTreeMap::new();
        for (id, state) in gress.parser.states.iter() {
            let targets = match &state.transition {
                Transition::Goto(target) => state_of(target).into_iter().collect(),
                Transition::Select { cases, .. } => cases
                    .iter()
                    .filter_map(|case| state_of(&case.target))
                    .collect(),
            };
            next.insert(id, targets);
        }
        let mut behind: BTreeMap<StateId, BTreeSet<StateId>> = BTreeMap::new();
        for id in next.keys() {
            let mut found = BTreeSet::from([*id]);
            let mut open = vec![*id];
            while let Some(state) = open.pop() {
                for to in &next[&state] {
                    if found.insert(*to) {
                        open.push(*to);
                    }
                }
            }
            behind.insert(*id, found);
        }
        Self { behind, next }
    }

    /// Bits of the longest way from the start that leads through no loop.
    fn depth_bits(&self, gress: &Gress) -> u64 {
        let loops = |state: &StateId| {
            let mut next = self.next[state].iter();
            next.any(|to| self.behind[to].contains(state))
        };
        let reached = &self.behind[&gress.parser.start];
        let looping = reached.iter().filter(|state| loops(state));
        let unknown: BTreeSet<StateId> = looping
            .flat_map(|state| self.behind[state].iter().copied())
            .collect();
        let mut known: BTreeMap<StateId, u64> = BTreeMap::new();
        if unknown.contains(&gress.parser.start) {
            return 0;
        }
        // The states that have the most behind them come first: each comes after all that lead to it.
        let mut order: Vec<StateId> = reached.difference(&unknown).copied().collect();
        order.sort_by_key(|state| std::cmp::Reverse(self.behind[state].len()));
        let mut deepest = 0;
        for state in order {
            let body = statements(&gress.parser.states[state].body);
            let own: u64 = body.iter().map(|stmt| moved_bits(stmt, gress)).sum();
            let end = known.get(&state).copied().unwrap_or(0) + own;
            deepest = deepest.max(end);
            for to in &self.next[&state] {
                let at = known.entry(*to).or_default();
                *at = end.max(*at);
            }
        }
        deepest
    }

    /// Checksums under way in one state of which no two can have one unit: those that do different things in
    /// one state, or something in states that one packet may come to both of.
    fn checksums(&self, gress: &Gress) -> u64 {
        let mut works: BTreeMap<ChecksumId, Work<'_>> = BTreeMap::new();
        for state in &self.behind[&gress.parser.start] {
            for stmt in statements(&gress.parser.states[*state].body) {
                if let StmtKind::Call(Call {
                    kind: CallKind::Checksum { unit, op, args },
                    ..
                }) = &stmt.kind
                {
                    let work = works.entry(*unit).or_default();
                    work.entry(*state).or_default().push((*op, args));
                }
            }
        }
        let works: Vec<Work<'_>> = works.into_values().collect();
        let mut most = 0;
        for at in &self.behind[&gress.parser.start] {
            let is_busy = |work: &&Work<'_>| {
                work.keys().any(|from| self.behind[from].contains(at))
                    && work.keys().any(|to| self.behind[at].contains(to))
            };
            let mut apart: Vec<&Work<'_>> = Vec::new();
            for work in works.iter().filter(is_busy) {
                if apart.iter().all(|other| self.differ(work, other)) {
                    apart.push(work);
                }
            }
            most = most.max(apart.len() as u64);
        }
        most
    }

    fn differ(&self, one: &Work<'_>, other: &Work<'_>) -> bool {
        let is_otherwise = |(state, calls): (&StateId, &Vec<_>)| {
            other.get(state).is_some_and(|of_other| of_other != calls)
        };
        let alone = |own: &Work<'_>, its: &Work<'_>| -> Vec<StateId> {
            own.keys()
                .filter(|state| !its.contains_key(state))
                .copied()
                .collect()
        };
        let its = alone(other, one);
        let may_meet = |a: &StateId| {
            let mut its = its.iter();
            its.any(|b| self.behind[a].contains(b) || self.behind[b].contains(a))
        };
        one.iter().any(is_otherwise) || alone(one, other).iter().any(may_meet)
    }
}

/// By state: what a checksum does there.
type Work<'a> = BTreeMap<StateId, Vec<(ChecksumOp, &'a [Expr])>>;

/// By how many bits a statement moves the cursor.
fn moved_bits(stmt: &Stmt, gress: &Gress) -> u64 {
    match &stmt.kind {
        StmtKind::Extract { header, .. } => header_bits(*header, gress),
        StmtKind::Advance {
            bits: Expr::Const(bits),
        } => bits.low_u64().min(u64::from(u32::MAX)),
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

/// What a statement evaluates by itself.
fn exprs_of(stmt: &Stmt) -> Vec<&Expr> {
    match &stmt.kind {
        StmtKind::Assign { value, .. } => vec![value],
        StmtKind::If { cond, .. } | StmtKind::Verify { cond, .. } => vec![cond],
        StmtKind::Call(call) => call.args(),
        StmtKind::Advance { bits } => vec![bits],
        StmtKind::Extract { varbit_bits, .. } => varbit_bits.iter().collect(),
        StmtKind::Apply { .. }
        | StmtKind::Labeled { .. }
        | StmtKind::Loop { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Emit { .. } => Vec::new(),
    }
}

/// Bits from the cursor on that an expression looks at.
fn seen_ahead(expr: &Expr) -> u64 {
    let mut furthest = 0;
    expr.walk(&mut |part| {
        if let Expr::Lookahead { offset, width } = part {
            furthest = furthest.max(u64::from(*offset) + u64::from(*width));
        }
    });
    furthest
}

/// Bytes of headers and of the packet that the keys of a transition take their bits from, each once. What
/// stands in no header can't be less than its bits.
fn bytes_of_keys(keys: &[Expr], gress: &Gress) -> u64 {
    let mut bytes: BTreeSet<(Option<p4rmt_ir::HeaderId>, u64)> = BTreeSet::new();
    let mut loose = 0;
    for key in keys {
        let mut open = vec![(key, None)];
        while let Some((expr, bits)) = open.pop() {
            match (expr, bits) {
                (Expr::Slice { arg, hi, lo }, _) => open.push((&**arg, Some((*hi, *lo)))),
                (Expr::Resize { arg, width, .. }, None) if *width > 0 => {
                    open.push((&**arg, Some((width - 1, 0))));
                }
                (Expr::Resize { arg, .. }, _) => open.push((&**arg, bits)),
                (Expr::Lookahead { offset, width }, _) => {
                    let end = u64::from(*offset) + u64::from(*width);
                    let range = u64::from(*offset) / 8..end.div_ceil(8);
                    bytes.extend(range.map(|byte| (None, byte)));
                }
                (Expr::Field(field), _) => {
                    let last = gress.fields[*field].width.saturating_sub(1);
                    let (hi, lo) =
                        bits.map_or((last, 0), |(hi, lo): (u32, u32)| (hi.min(last), lo));
                    match end_of_field(*field, gress) {
                        Some((header, end)) if lo <= hi => {
                            let range =
                                (end - 1 - u64::from(hi)) / 8..=(end - 1 - u64::from(lo)) / 8;
                            bytes.extend(range.map(|byte| (Some(header), byte)));
                        }
                        Some(_) => {}
                        None => loose += u64::from(hi.saturating_sub(lo) + 1).div_ceil(8),
                    }
                }
                (Expr::Unary { arg, .. } | Expr::MathUnit { arg, .. }, _) => {
                    open.push((&**arg, None))
                }
                (Expr::Lane(lane), _) => open.extend(lane.args().map(|arg| (arg, None))),
                (Expr::Binary { lhs, rhs, .. }, _) => open.extend([(&**lhs, None), (&**rhs, None)]),
                (
                    Expr::Mux {
                        cond,
                        then,
                        otherwise,
                    },
                    _,
                ) => open.extend([(&**cond, None), (&**then, None), (&**otherwise, None)]),
                (Expr::Const(_) | Expr::Param { .. } | Expr::Local { .. }, _) => {}
            }
        }
    }
    bytes.len() as u64 + loose
}

/// The header of a field, and the position on the wire behind its lowest bit.
fn end_of_field(field: FieldId, gress: &Gress) -> Option<(p4rmt_ir::HeaderId, u64)> {
    let FieldKind::Header(header) = gress.fields[field].kind else {
        return None;
    };
    let fields = &gress.headers[header].fields;
    let position = fields.iter().position(|of| *of == field)?;
    let widths = fields[..=position].iter();
    let end = widths.map(|of| u64::from(gress.fields[*of].width)).sum();
    Some((header, end))
}

/// Of how many values with don't-care bits at the end a range consists: its halves are looked at until they
/// are inside or outside.
fn cubes_of_range(lo: &Bits, hi: &Bits) -> u64 {
    let (Some(lo), Some(hi)) = (lo.to_u64(), hi.to_u64()) else {
        return 1;
    };
    let mut n = 0;
    let mut open = vec![(0_u64, u64::MAX)];
    while let Some((first, last)) = open.pop() {
        if last < lo || hi < first {
            continue;
        }
        if lo <= first && last <= hi {
            n += 1;
            continue;
        }
        let middle = first + (last - first) / 2;
        open.extend([(first, middle), (middle + 1, last)]);
    }
    n
}
