//! Early ends of blocks: `return`, `break` and `continue` become statements that leave a label; here
//! they go where they lead nowhere else, and where the machine has nothing like them.

use std::collections::HashMap;

use p4rmt_ir::{Block, LabelId, Stmt, StmtKind};

use crate::lower::Lower;

/// How many statements a block may grow to when its early ends are removed.
const MAX_GROWN: usize = 4096;

/// The block without labels: what follows an early end moves under the condition that it is not
/// taken. Nothing if it has loops, or grows too much.
pub(crate) fn without_labels(block: Block) -> Option<Block> {
    let mut budget = MAX_GROWN;
    flatten(block, &mut budget)
}

fn flatten(block: Block, budget: &mut usize) -> Option<Block> {
    let mut flat = Block::new();
    for Stmt { kind, span } in block {
        *budget = budget.checked_sub(1)?;
        match kind {
            StmtKind::Labeled { label, body } => {
                let body = flatten(body, budget)?;
                flat.extend(skip_rest(body, label, budget)?);
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => flat.push(Stmt {
                kind: StmtKind::If {
                    cond,
                    then: flatten(then, budget)?,
                    otherwise: flatten(otherwise, budget)?,
                },
                span,
            }),
            StmtKind::Loop { .. } => return None,
            kind => flat.push(Stmt { kind, span }),
        }
    }
    Some(flat)
}

/// The block without what leaves the label: the rest of the block is skipped instead.
fn skip_rest(block: Block, label: LabelId, budget: &mut usize) -> Option<Block> {
    let mut kept = Block::new();
    let mut rest = block.into_iter();
    while let Some(Stmt { kind, span }) = rest.next() {
        *budget = budget.checked_sub(1)?;
        match kind {
            StmtKind::Leave(left) if left == label => return Some(kept),
            StmtKind::If {
                cond,
                mut then,
                mut otherwise,
            } if has_leave(&then, label) || has_leave(&otherwise, label) => {
                let rest: Block = rest.collect();
                then.extend(rest.iter().cloned());
                otherwise.extend(rest);
                kept.push(Stmt {
                    kind: StmtKind::If {
                        cond,
                        then: skip_rest(then, label, budget)?,
                        otherwise: skip_rest(otherwise, label, budget)?,
                    },
                    span,
                });
                return Some(kept);
            }
            kind => kept.push(Stmt { kind, span }),
        }
    }
    Some(kept)
}

/// Removes what leaves the label at the end of the block, where it leads nowhere else.
pub(crate) fn trim_tail(block: &mut Block, label: LabelId) {
    let first_end = block
        .iter()
        .position(|stmt| matches!(stmt.kind, StmtKind::Leave(_) | StmtKind::Exit));
    if let Some(end) = first_end {
        // Nothing reaches what stands behind it.
        block.truncate(end + 1);
    }
    while let Some(Stmt { kind, .. }) = block.last_mut() {
        match kind {
            StmtKind::Leave(left) if *left == label => {
                block.pop();
            }
            StmtKind::If {
                then, otherwise, ..
            } => {
                trim_tail(then, label);
                trim_tail(otherwise, label);
                return;
            }
            StmtKind::Apply { arms, .. } => {
                for arm in arms {
                    trim_tail(&mut arm.body, label);
                }
                return;
            }
            StmtKind::Labeled { body, .. } => {
                trim_tail(body, label);
                return;
            }
            _ => return,
        }
    }
}

/// Whether something in the block leaves the label.
pub(crate) fn has_leave(block: &Block, label: LabelId) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Leave(left) => *left == label,
        StmtKind::If {
            then, otherwise, ..
        } => has_leave(then, label) || has_leave(otherwise, label),
        StmtKind::Apply { arms, .. } => arms.iter().any(|arm| has_leave(&arm.body, label)),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => has_leave(body, label),
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}

impl Lower<'_> {
    /// Gives a block that stands in several places labels of its own.
    pub(crate) fn relabel(&mut self, block: &mut Block, labels: &mut HashMap<LabelId, LabelId>) {
        for stmt in block {
            match &mut stmt.kind {
                StmtKind::Labeled { label, body } | StmtKind::Loop { label, body } => {
                    let new = self.gress.label();
                    labels.insert(*label, new);
                    *label = new;
                    self.relabel(body, labels);
                }
                StmtKind::Leave(label) => {
                    if let Some(new) = labels.get(label) {
                        *label = *new;
                    }
                }
                StmtKind::If {
                    then, otherwise, ..
                } => {
                    self.relabel(then, labels);
                    self.relabel(otherwise, labels);
                }
                StmtKind::Apply { arms, .. } => {
                    for arm in arms {
                        self.relabel(&mut arm.body, labels);
                    }
                }
                StmtKind::Assign { .. }
                | StmtKind::Call(_)
                | StmtKind::Exit
                | StmtKind::Extract { .. }
                | StmtKind::Advance { .. }
                | StmtKind::Verify { .. }
                | StmtKind::Emit { .. } => {}
            }
        }
    }
}
