//! Bytes that pass from parser to deparser outside containers.
//!
//! * A gress has few enough of them, and so has each packet; none is too long or ends too far in the packet.
//! * A run of bytes is of whole fields of its header, in order, which the parser extracts, the deparser emits
//!   and no stage touches.
//! * Between two of one header is a gap, and one in front of each, so that there is one wherever two meet.

use std::collections::BTreeMap;

use p4rmt_ir::{FieldId, HeaderId, StateId, StmtKind};

use super::ends::targets;
use super::{Checker, PhvViolation};
use crate::phv::Clot;

impl Checker<'_> {
    pub(super) fn check_clots(&mut self, clots: &[&Clot]) {
        let limits = self.target.clot.clone();
        let mut found = Vec::new();
        let mut limit = |header: String, what: &'static str, used: u64, available: u32| {
            if used > u64::from(available) {
                found.push(PhvViolation::ClotLimit {
                    header,
                    what,
                    used,
                    available,
                });
            }
        };
        let name = |header: HeaderId| self.gress.headers[header].name.clone();
        let Some(first) = clots.first() else {
            return;
        };
        limit(
            name(first.header),
            "runs",
            clots.len() as u64,
            limits.per_gress,
        );
        let live = self.live_clots(clots);
        limit(
            name(first.header),
            "runs of a packet",
            live,
            limits.live_max,
        );
        let ends = self.header_ends();
        let mut torn = Vec::new();
        for clot in clots {
            let bytes = u64::from(clot.bytes);
            limit(name(clot.header), "bytes of a run", bytes, limits.bytes_max);
            // Where the header ends at the latest; nothing where that has no bound.
            let end = ends.get(&clot.header).copied().flatten();
            let end = end.unwrap_or(u64::MAX);
            limit(
                name(clot.header),
                "bytes in front",
                end,
                limits.position_bytes_max,
            );
            let before = clots
                .iter()
                .filter(|of| of.header == clot.header && of.first_byte < clot.first_byte);
            let free = before
                .map(|of| u64::from(of.first_byte) + u64::from(of.bytes))
                .max();
            let gap = u64::from(clot.first_byte).saturating_sub(free.unwrap_or(0));
            if gap < u64::from(limits.gap_bytes) || !self.is_run(clot) {
                torn.push(PhvViolation::TornClot {
                    header: name(clot.header),
                    first_byte: clot.first_byte,
                });
            }
        }
        found.extend(torn);
        self.violations.extend(found);
    }

    /// Whether the fields of a run are those of its bytes, whole, and only parser and deparser have them.
    fn is_run(&self, clot: &Clot) -> bool {
        let header = &self.gress.headers[clot.header];
        let mut bit = 0_u64;
        let mut inside = Vec::new();
        let start = 8 * u64::from(clot.first_byte);
        let end = start + 8 * u64::from(clot.bytes);
        let mut is_cut = false;
        for field in &header.fields {
            let next = bit + u64::from(self.gress.fields[*field].width);
            if start <= bit && next <= end {
                inside.push(*field);
            } else {
                is_cut |= bit < end && start < next;
            }
            bit = next;
        }
        let touched = |field: &FieldId| {
            self.units.iter().any(|placed| {
                let mut accesses = placed.unit.accesses.iter();
                accesses.any(|access| access.field == *field)
            })
        };
        let passes = self.parsed.1.contains(&clot.header) && self.deparsed.1.contains(&clot.header);
        inside == clot.fields && !is_cut && end <= bit && passes && !inside.iter().any(touched)
    }

    /// Runs that one packet has at the most: those of the headers on one way through the parser. A loop may
    /// take all that are in it.
    fn live_clots(&self, clots: &[&Clot]) -> u64 {
        let states = &self.gress.parser.states;
        let own = |state: StateId| -> u64 {
            let body = states[state].body.iter();
            let n = body.map(|stmt| match &stmt.kind {
                StmtKind::Extract { header, .. } => {
                    clots.iter().filter(|clot| clot.header == *header).count() as u64
                }
                StmtKind::Assign { .. }
                | StmtKind::If { .. }
                | StmtKind::Apply { .. }
                | StmtKind::Call(_)
                | StmtKind::Labeled { .. }
                | StmtKind::Loop { .. }
                | StmtKind::Leave(_)
                | StmtKind::Exit
                | StmtKind::Advance { .. }
                | StmtKind::Verify { .. }
                | StmtKind::Emit { .. } => 0,
            });
            n.sum()
        };
        let mut most: BTreeMap<StateId, u64> = BTreeMap::new();
        // Longer ways than there are states go round: by then a loop has counted more than once.
        let mut open = BTreeMap::from([(self.gress.parser.start, own(self.gress.parser.start))]);
        for _ in 0..states.len() {
            let mut next: BTreeMap<StateId, u64> = BTreeMap::new();
            for (state, n) in std::mem::take(&mut open) {
                for target in targets(&states[state].transition) {
                    if let p4rmt_ir::Target::State(to) = target {
                        let with = (n + own(*to)).min(clots.len() as u64);
                        let known = next.entry(*to).or_default();
                        *known = with.max(*known);
                    }
                }
                let known = most.entry(state).or_default();
                *known = n.max(*known);
            }
            open = next;
        }
        most.into_values().max().unwrap_or(0)
    }

    /// By header that the parser extracts: the byte of a packet behind it, at the latest; nothing behind a
    /// loop.
    fn header_ends(&self) -> BTreeMap<HeaderId, Option<u64>> {
        let states = &self.gress.parser.states;
        let mut ends: BTreeMap<HeaderId, Option<u64>> = BTreeMap::new();
        // By state: bits in front of it on the longest of the ways of one length.
        let mut open = BTreeMap::from([(self.gress.parser.start, 0_u64)]);
        for round in 0..=states.len() {
            let mut next: BTreeMap<StateId, u64> = BTreeMap::new();
            for (state, mut bits) in std::mem::take(&mut open) {
                for stmt in &states[state].body {
                    match &stmt.kind {
                        StmtKind::Extract { header, .. } => {
                            let fields = self.gress.headers[*header].fields.iter();
                            let widths = fields.map(|of| u64::from(self.gress.fields[*of].width));
                            bits += widths.sum::<u64>();
                            let end = ends.entry(*header).or_insert(Some(0));
                            // Only a loop leads on for as many states as there are.
                            let is_behind_loop = round == states.len();
                            *end = end
                                .filter(|end| !is_behind_loop || bits.div_ceil(8) <= *end)
                                .map(|end| end.max(bits.div_ceil(8)));
                        }
                        StmtKind::Advance {
                            bits: p4rmt_ir::Expr::Const(by),
                        } => bits += by.low_u64().min(u64::from(u32::MAX)),
                        StmtKind::Assign { .. }
                        | StmtKind::If { .. }
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
                for target in targets(&states[state].transition) {
                    if let p4rmt_ir::Target::State(to) = target {
                        let known = next.entry(*to).or_default();
                        *known = bits.max(*known);
                    }
                }
            }
            open = next;
        }
        ends
    }
}
