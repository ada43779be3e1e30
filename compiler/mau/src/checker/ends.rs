//! What both ends of a gress take of the machine, derived again from the pipe, its containers and the target
//! alone, and held against what the fit says of them.
//!
//! * No parser or deparser takes more than there is, and none takes more than the fit counts.
//! * A parser sees no further ahead than its window, moves by constants, and no member of a value set is
//!   wider than the registers that a transition matches on.

mod deparser;
mod parser;

use p4rmt_ir::{Arena, Gress, GressId, Pipe, Stmt, StmtKind};

use super::Violation;
use crate::parde::PardeUse;
use crate::phv::PhvAllocation;
use crate::target::Target;

/// The rules that parsers and deparsers break, or break if `claimed` is what they use.
#[must_use]
pub fn check_ends(
    pipe: &Pipe,
    allocation: &PhvAllocation,
    claimed: &Arena<GressId, PardeUse>,
    target: &Target,
) -> Vec<Violation> {
    let mut ends = Ends {
        target,
        violations: Vec::new(),
    };
    for (id, gress) in pipe.gresses.iter() {
        let claimed = claimed.get(id).copied().unwrap_or_default();
        ends.check_parser((id, gress), allocation, &claimed.parser);
        ends.check_deparser((id, gress), allocation, &claimed.deparser);
    }
    ends.violations
}

struct Ends<'a> {
    target: &'a Target,
    violations: Vec<Violation>,
}

impl Ends<'_> {
    /// Of `what` at least `needed` are used, `claimed` is what the fit says.
    fn counted(&mut self, block: &str, what: &'static str, needed: u64, claimed: u32) {
        if needed > u64::from(claimed) {
            self.violations.push(Violation::EndMiscounted {
                block: block.to_owned(),
                what,
                needed,
                claimed,
            });
        }
    }

    /// Of `what` at least `needed` are used, `available` are there.
    fn limited(&mut self, block: &str, what: &'static str, needed: u64, available: u32) {
        if needed > u64::from(available) {
            self.violations.push(Violation::EndOverLimit {
                block: block.to_owned(),
                what,
                needed,
                available,
            });
        }
    }
}

/// All statements of a block, those inside others too.
fn statements(block: &[Stmt]) -> Vec<&Stmt> {
    let mut found = Vec::new();
    let mut open: Vec<&Stmt> = block.iter().rev().collect();
    while let Some(stmt) = open.pop() {
        found.push(stmt);
        match &stmt.kind {
            StmtKind::If {
                then, otherwise, ..
            } => open.extend(then.iter().chain(otherwise).rev()),
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                open.extend(body.iter().rev());
            }
            StmtKind::Assign { .. }
            | StmtKind::Apply { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
    found
}

/// Bits of a header on the wire.
fn header_bits(header: p4rmt_ir::HeaderId, gress: &Gress) -> u64 {
    let fields = gress.headers[header].fields.iter();
    fields
        .map(|field| u64::from(gress.fields[*field].width))
        .sum()
}
