//! Statements: one after the other, each seeing what all before it wrote.

use cranelift_codegen::ir::InstBuilder;
use p4rmt_engine::EngineError;
use p4rmt_ir::{Block, LabelId, Stmt, StmtKind};

use super::Compiler;

impl Compiler<'_> {
    /// A block of statements; returns whether its end can be reached. Where not, the code at hand is
    /// complete.
    pub(super) fn block(&mut self, block: &Block) -> Result<bool, EngineError> {
        for stmt in block {
            if !self.stmt(stmt)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<bool, EngineError> {
        match &stmt.kind {
            StmtKind::Assign { dst, value } => {
                let value = self.expr(value);
                self.check_too_short(stmt.span);
                self.write(dst, value, stmt.span);
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                let cond = self.condition(cond);
                self.check_too_short(stmt.span);
                return self.if_else(cond, then, otherwise);
            }
            StmtKind::Apply { table, arms } => return self.apply_structured(*table, arms),
            StmtKind::Call(call) => {
                if !self.run_call(call, stmt.span)? {
                    return Ok(false);
                }
                self.check_too_short(stmt.span);
            }
            StmtKind::Labeled { label, body } => {
                let end = self.b.create_block();
                self.labels.push((*label, end));
                if self.block(body)? {
                    self.jump(end);
                }
                self.labels.pop();
                self.enter(end);
            }
            StmtKind::Loop { label, body } => self.run_loop(*label, body)?,
            StmtKind::Leave(label) => {
                let found = self.labels.iter().rev().find(|(known, _)| known == label);
                let (_, block) = *found.expect("the validator wants an enclosing label");
                self.jump(block);
                return Ok(false);
            }
            StmtKind::Exit => {
                let exit = self.exits.expect("a control has an end").exit;
                self.jump(exit);
                return Ok(false);
            }
            StmtKind::Extract {
                header,
                varbit_bits,
            } => self.extract(*header, varbit_bits.as_ref(), stmt.span),
            StmtKind::Advance { bits } => self.advance(bits, stmt.span),
            StmtKind::Verify { cond, error } => self.verify(cond, error, stmt.span),
            StmtKind::Emit { header } => self.emit(*header),
        }
        Ok(true)
    }

    fn if_else(
        &mut self,
        cond: super::Word,
        then: &Block,
        otherwise: &Block,
    ) -> Result<bool, EngineError> {
        let then_block = self.b.create_block();
        let join = self.b.create_block();
        let else_block = if otherwise.is_empty() {
            join
        } else {
            self.b.create_block()
        };
        self.b.ins().brif(cond, then_block, &[], else_block, &[]);
        self.enter(then_block);
        let mut is_reached = otherwise.is_empty();
        if self.block(then)? {
            self.jump(join);
            is_reached = true;
        }
        if !otherwise.is_empty() {
            self.enter(else_block);
            if self.block(otherwise)? {
                self.jump(join);
                is_reached = true;
            }
        }
        if is_reached {
            self.enter(join);
        } else {
            self.b.seal_block(join);
        }
        Ok(is_reached)
    }

    /// Runs the body until something leads out of the loop, or all turns of the packet are used up.
    fn run_loop(&mut self, label: LabelId, body: &Block) -> Result<(), EngineError> {
        let (head, end) = (self.b.create_block(), self.b.create_block());
        self.jump(head);
        self.b.switch_to_block(head);
        let left = self.b.use_var(self.turns_left);
        self.branch(left, end);
        let one = self.word(1);
        let left = self.b.ins().isub(left, one);
        self.b.def_var(self.turns_left, left);
        self.labels.push((label, end));
        if self.block(body)? {
            self.jump(head);
        }
        self.labels.pop();
        self.b.seal_block(head);
        self.enter(end);
        Ok(())
    }
}
