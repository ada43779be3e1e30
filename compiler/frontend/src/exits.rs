//! `exit` out of calls whose arguments are copied: the copies are made before everything ends
//! (clause 12.5 of the language specification), also where the action of a table exits.

use p4rmt_ir::{ActionId, Arm, Block, Expr, Stmt, StmtKind, TableId, UnaryOp};
use p4rmt_source::Span;

use crate::fold;
use crate::inline::Copy;
use crate::lower::{Lower, Unit};
use crate::storage::{Slot, Storage};
use crate::types::Type;

impl Lower<'_> {
    /// The body of a call with what it copies out, at its end and wherever it exits.
    pub(crate) fn copied_out(&mut self, body: Block, copies: &[Copy], span: Span) -> Block {
        if copies.is_empty() {
            return body;
        }
        let body = self.before_exits(body, copies, span);
        self.block_of(|lower| {
            lower.block().extend(body);
            lower.copy_out(copies, span);
        })
    }

    /// The block with the copies in front of everything that ends the program's blocks.
    fn before_exits(&mut self, block: Block, copies: &[Copy], span: Span) -> Block {
        let mut done = Block::new();
        let mut rest = block.into_iter().peekable();
        while let Some(Stmt { kind, span: at }) = rest.next() {
            let kind = match kind {
                StmtKind::Exit => {
                    done.extend(self.block_of(|lower| lower.copy_out(copies, span)));
                    StmtKind::Exit
                }
                StmtKind::Leave(label) => {
                    if self.deparser_end == Some(label) {
                        done.extend(self.block_of(|lower| lower.copy_out(copies, span)));
                    }
                    StmtKind::Leave(label)
                }
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => StmtKind::If {
                    cond,
                    then: self.before_exits(then, copies, span),
                    otherwise: self.before_exits(otherwise, copies, span),
                },
                StmtKind::Labeled { label, body } => StmtKind::Labeled {
                    label,
                    body: self.before_exits(body, copies, span),
                },
                StmtKind::Loop { label, body } => StmtKind::Loop {
                    label,
                    body: self.before_exits(body, copies, span),
                },
                StmtKind::Apply { table, arms } => {
                    let arms: Vec<Arm> = arms
                        .into_iter()
                        .map(|arm| Arm {
                            on: arm.on,
                            body: self.before_exits(arm.body, copies, span),
                        })
                        .collect();
                    let flag = self.flagged(table, at);
                    let is_tested = |next: &Stmt, flag: Slot| matches!(&next.kind, StmtKind::If { cond, .. } if *cond == flag.read());
                    match flag {
                        Some(flag) if !rest.peek().is_some_and(|next| is_tested(next, flag)) => {
                            done.push(Stmt {
                                kind: StmtKind::Apply {
                                    table,
                                    arms: guarded(arms, flag, at),
                                },
                                span: at,
                            });
                            let mut then = self.block_of(|lower| lower.copy_out(copies, span));
                            then.push(Stmt {
                                kind: StmtKind::Exit,
                                span: at,
                            });
                            StmtKind::If {
                                cond: flag.read(),
                                then,
                                otherwise: Block::new(),
                            }
                        }
                        _ => StmtKind::Apply { table, arms },
                    }
                }
                kind @ (StmtKind::Assign { .. }
                | StmtKind::Call(_)
                | StmtKind::Extract { .. }
                | StmtKind::Advance { .. }
                | StmtKind::Verify { .. }
                | StmtKind::Emit { .. }) => kind,
            };
            done.push(Stmt { kind, span: at });
        }
        done
    }

    /// Makes the actions of a table that exit end and set a flag instead; the flag, if there are any.
    fn flagged(&mut self, table: TableId, span: Span) -> Option<Slot> {
        let actions: Vec<ActionId> = self.gress.tables[table]
            .actions
            .iter()
            .map(|named| named.action)
            .collect();
        let (known, new): (Vec<ActionId>, Vec<ActionId>) = actions
            .into_iter()
            .filter(|action| {
                self.flagged_actions.contains(action) || exits(&self.gress.actions[*action].body)
            })
            .partition(|action| self.flagged_actions.contains(action));
        if known.is_empty() && new.is_empty() {
            return None;
        }
        let flag = self.exit_flag(span)?;
        for action in new {
            let is_global = self
                .lowered_actions
                .iter()
                .any(|((_, scope), lowered)| *scope == self.global && *lowered == Some(action));
            if is_global {
                // Another table may have it, whose control does not look at the flag.
                self.unsupported(
                    span,
                    "`exit` in an action of the top level under copied arguments",
                    "declare the action in the control",
                );
                continue;
            }
            let label = self.gress.label();
            let body = std::mem::take(&mut self.gress.actions[action].body);
            let body = with_flag(body, flag, label);
            let span = self.gress.actions[action].span;
            self.gress.actions[action].body = vec![Stmt {
                kind: StmtKind::Labeled { label, body },
                span,
            }];
            self.flagged_actions.insert(action);
        }
        Some(flag)
    }

    /// The field that says that an action of a table has exited.
    fn exit_flag(&mut self, span: Span) -> Option<Slot> {
        if self.exit_flag.is_none()
            && let Some(Storage::Leaf(slot)) = self.temporary("exited", &Type::Bool, span)
        {
            self.exit_flag = Some(slot);
        }
        self.exit_flag
    }

    /// The body of a deparser, with the label that its `exit` leaves.
    pub(crate) fn closed(&mut self, body: Block, span: Span) -> Block {
        match self.deparser_end.take() {
            Some(label) if self.unit == Unit::Deparser => {
                self.block_of(|lower| lower.emit_labeled(label, body, span))
            }
            _ => body,
        }
    }
}

/// Whether something in the block exits.
fn exits(block: &Block) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Exit => true,
        StmtKind::If {
            then, otherwise, ..
        } => exits(then) || exits(otherwise),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => exits(body),
        StmtKind::Apply { arms, .. } => arms.iter().any(|arm| exits(&arm.body)),
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Leave(_)
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}

/// The body of an action where each `exit` sets the flag and leaves the label.
fn with_flag(block: Block, flag: Slot, label: p4rmt_ir::LabelId) -> Block {
    let mut done = Block::new();
    for Stmt { kind, span } in block {
        let kind = match kind {
            StmtKind::Exit => {
                done.push(Stmt {
                    kind: StmtKind::Assign {
                        dst: flag.place(),
                        value: fold::truth(true),
                    },
                    span,
                });
                StmtKind::Leave(label)
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => StmtKind::If {
                cond,
                then: with_flag(then, flag, label),
                otherwise: with_flag(otherwise, flag, label),
            },
            StmtKind::Labeled { label: own, body } => StmtKind::Labeled {
                label: own,
                body: with_flag(body, flag, label),
            },
            StmtKind::Loop { label: own, body } => StmtKind::Loop {
                label: own,
                body: with_flag(body, flag, label),
            },
            // No table is applied in an action.
            kind @ (StmtKind::Assign { .. }
            | StmtKind::Apply { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. }) => kind,
        };
        done.push(Stmt { kind, span });
    }
    done
}

/// Arms that do nothing where the action has exited.
fn guarded(arms: Vec<Arm>, flag: Slot, span: Span) -> Vec<Arm> {
    let cond: Expr = fold::unary(UnaryOp::Not, flag.read());
    arms.into_iter()
        .map(|arm| Arm {
            on: arm.on,
            body: vec![Stmt {
                kind: StmtKind::If {
                    cond: cond.clone(),
                    then: arm.body,
                    otherwise: Block::new(),
                },
                span,
            }],
        })
        .collect()
}
