//! Statements: one after the other, each seeing what all before it wrote.
//!
//! Parsers, controls, actions of the structured form, register actions and deparsers are made of
//! them; which kinds may stand where, the validator has checked.

use p4rmt_engine::{Event, ParseFailure};
use p4rmt_ir::{Block, LabelId, Stmt, StmtKind};
use p4rmt_source::Span;

use crate::control::first_arm;
use crate::packet::Packet;

/// What comes after a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The next one.
    Next,
    /// What follows the innermost enclosing statement with this label.
    Leave(LabelId),
    /// The end of the control.
    Exit,
    /// Parser: the end of parsing.
    Fail(ParseFailure),
    /// The end of the packet: a claim of the program was wrong.
    Stop,
}

impl<'a> Packet<'a> {
    /// Runs a block up to its end or the first statement that leads out of it.
    pub(crate) fn run_block(&mut self, block: &'a Block) -> Flow {
        for stmt in block {
            match self.run_stmt(stmt) {
                Flow::Next => {}
                flow => return flow,
            }
        }
        Flow::Next
    }

    fn run_stmt(&mut self, stmt: &'a Stmt) -> Flow {
        match &stmt.kind {
            StmtKind::Assign { dst, value } => {
                let value = self.eval(value).into_owned();
                if let Some(flow) = self.too_short(stmt.span) {
                    return flow;
                }
                self.store(dst, value, stmt.span);
                Flow::Next
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                let holds = self.holds(cond);
                if let Some(flow) = self.too_short(stmt.span) {
                    return flow;
                }
                self.tell(|| Event::Condition {
                    span: stmt.span,
                    holds,
                });
                self.run_block(if holds { then } else { otherwise })
            }
            StmtKind::Apply { table, arms } => {
                let (applied, flow) = self.apply_structured(*table);
                if flow != Flow::Next {
                    return flow;
                }
                match first_arm(arms.iter().map(|arm| arm.on), applied) {
                    Some(position) => self.run_block(&arms[position].body),
                    None => Flow::Next,
                }
            }
            StmtKind::Call(call) => {
                self.run_call(call, stmt.span);
                if self.outcome.wrong_claim.is_some() {
                    return Flow::Stop;
                }
                self.too_short(stmt.span).unwrap_or(Flow::Next)
            }
            StmtKind::Labeled { label, body } => match self.run_block(body) {
                Flow::Leave(left) if left == *label => Flow::Next,
                flow => flow,
            },
            StmtKind::Loop { label, body } => self.run_loop(*label, body),
            StmtKind::Leave(label) => Flow::Leave(*label),
            StmtKind::Exit => Flow::Exit,
            StmtKind::Extract {
                header,
                varbit_bits,
            } => self.extract(*header, varbit_bits.as_ref(), stmt.span),
            StmtKind::Advance { bits } => self.advance(bits, stmt.span),
            StmtKind::Verify { cond, error } => self.verify(cond, error, stmt.span),
            StmtKind::Emit { header } => {
                self.emit(*header);
                Flow::Next
            }
        }
    }

    /// Runs the body until something leads out of the loop, or all turns of the packet are used up.
    fn run_loop(&mut self, label: LabelId, body: &'a Block) -> Flow {
        while self.work.turns_left > 0 {
            self.work.turns_left -= 1;
            match self.run_block(body) {
                Flow::Next => {}
                Flow::Leave(left) if left == label => return Flow::Next,
                flow => return flow,
            }
        }
        Flow::Next
    }

    /// The way on if an expression just looked ahead beyond the packet.
    pub(crate) fn too_short(&mut self, span: Span) -> Option<Flow> {
        self.is_too_short.take().then_some(Flow::Fail(ParseFailure {
            error: self.loaded.errors.packet_too_short,
            span,
        }))
    }
}
