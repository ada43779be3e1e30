//! Statements of controls, actions, functions and parser states.

use p4rmt_ir::{Arm, Block, Expr, Outcome, StmtKind, UnaryOp};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ExprKind, StatementKind, SwitchLabel};
use p4rmt_typing::MemberOf;

use crate::fold;
use crate::lower::{Frame, Lower, Unit};
use crate::rewrite::Accesses;
use crate::scope::Binding;
use crate::storage::Storage;
use crate::types::Type;
use crate::value::Value;

impl<'a> Lower<'a> {
    /// Statements in a scope of their own.
    pub(crate) fn block_statement(&mut self, block: &'a ast::Block) {
        let outer = self.in_hash;
        self.in_hash = self.is_in_hash(block);
        self.in_scope(self.scope, |lower| lower.statements(&block.statements));
        self.in_hash = outer;
    }

    /// Statements in the current scope.
    pub(crate) fn statements(&mut self, statements: &'a [ast::Statement]) {
        for statement in statements {
            if self.is_exhausted() {
                return;
            }
            self.statement(statement);
        }
    }

    /// One statement.
    pub(crate) fn statement(&mut self, statement: &'a ast::Statement) {
        self.deeper(statement.span, |lower| lower.statement_kind(statement));
    }

    fn statement_kind(&mut self, statement: &'a ast::Statement) {
        let span = statement.span;
        match &statement.kind {
            StatementKind::Empty => {}
            StatementKind::Assign { target, op, value } => {
                self.assignment(target, *op, value, span);
            }
            StatementKind::Call(expr) => {
                if self.call(expr, None).is_poison() {
                    self.lost(span);
                }
            }
            StatementKind::If {
                condition,
                then,
                otherwise,
            } => self.if_statement(condition, then, otherwise.as_deref(), span),
            StatementKind::Block(block) => self.block_statement(block),
            StatementKind::Return(value) => self.return_statement(value.as_ref(), span),
            StatementKind::Exit if self.unit == Unit::Deparser => {
                let label = self.deparser_end();
                self.emit(span, StmtKind::Leave(label));
            }
            StatementKind::Exit => self.emit(span, StmtKind::Exit),
            StatementKind::Break => {
                if let Some(frame) = self.loops.last() {
                    let label = frame.on_break;
                    self.emit(span, StmtKind::Leave(label));
                }
            }
            StatementKind::Continue => {
                if let Some(frame) = self.loops.last() {
                    let label = frame.on_continue;
                    self.emit(span, StmtKind::Leave(label));
                }
            }
            StatementKind::Switch { subject, cases } => self.switch(subject, cases, span),
            StatementKind::For {
                init,
                condition,
                update,
                body,
                ..
            } => self.for_loop(init, condition, update, body, span),
            StatementKind::ForIn {
                name,
                collection,
                body,
                ..
            } => self.for_in(name, collection, body, span),
            StatementKind::Variable(variable) => self.variable_declaration(variable),
            // Typing knows the value of a constant, and that no instance stands here.
            StatementKind::Const(_) | StatementKind::Instantiation(_) => {}
        }
    }

    /// `T x = a;`
    pub(crate) fn variable_declaration(&mut self, variable: &'a ast::Variable) {
        let ty = self.ty(&variable.ty);
        let value = variable
            .init
            .as_ref()
            .map(|init| (self.expr(init), init.span));
        if ty.is_poison() {
            self.bind(&variable.name, Binding::Poison);
            return;
        }
        let Some(storage) = self.variable(&variable.name.text, &ty, variable.span) else {
            self.mismatch(variable.ty.span, "a type with values", &ty);
            self.bind(&variable.name, Binding::Poison);
            return;
        };
        match value {
            Some((value, span)) => self.assign_storage(&storage, &value, span),
            // What runs once a packet finds its headers invalid.
            None if self.unit == Unit::Parser || self.is_structured || self.n_loops > 0 => {
                self.invalidate(&storage, variable.span);
            }
            None => {}
        }
        self.bind(&variable.name, Binding::Place { ty, storage });
    }

    /// Makes every header of a storage invalid.
    pub(crate) fn invalidate(&mut self, storage: &Storage, span: Span) {
        let mut valid_bits = Vec::new();
        storage.visit_headers(&mut |_, valid| valid_bits.push(valid));
        for valid in valid_bits {
            self.emit_assign(span, valid.place(), fold::truth(false));
        }
        if self.unit == Unit::Parser && self.is_structured {
            let mut stacks = Vec::new();
            storage.visit_stacks(&mut |stack| stacks.push(stack.clone()));
            for stack in stacks {
                let next = self.gress.next_index(&stack, span);
                self.emit_assign(span, next.place(), fold::constant(next.width(), 0));
            }
        }
    }

    /// What `exit` leaves in a deparser.
    fn deparser_end(&mut self) -> p4rmt_ir::LabelId {
        match self.deparser_end {
            Some(label) => label,
            None => {
                let label = self.gress.label();
                self.deparser_end = Some(label);
                label
            }
        }
    }

    /// `if (c) … else …`; the result of a table is tested by the table's arms.
    fn if_statement(
        &mut self,
        condition: &'a ast::Expr,
        then: &'a ast::Statement,
        otherwise: Option<&'a ast::Statement>,
        span: Span,
    ) {
        if let Some((table, is_hit)) = self.applied_test(condition) {
            let then = self.block_of(|lower| lower.nested(then));
            let otherwise = self.block_of(|lower| {
                if let Some(otherwise) = otherwise {
                    lower.nested(otherwise);
                }
            });
            let (hit, miss) = if is_hit {
                (then, otherwise)
            } else {
                (otherwise, then)
            };
            let mut arms = Vec::new();
            if !hit.is_empty() {
                arms.push(Arm {
                    on: Outcome::Hit,
                    body: hit,
                });
            }
            if !miss.is_empty() {
                arms.push(Arm {
                    on: Outcome::Miss,
                    body: miss,
                });
            }
            self.apply_table(&table, arms, condition.span);
            return;
        }
        let cond = self.scalar(condition);
        if let Some(bits) = cond.as_ref().and_then(fold::as_const) {
            let taken = if bits.is_true() {
                Some(then)
            } else {
                otherwise
            };
            if let Some(taken) = taken {
                self.nested(taken);
            }
            return;
        }
        let then = self.block_of(|lower| lower.nested(then));
        let otherwise = self.block_of(|lower| {
            if let Some(otherwise) = otherwise {
                lower.nested(otherwise);
            }
        });
        if let Some(cond) = cond {
            self.emit_if(cond, then, otherwise, span);
        }
    }

    /// Adds an `if`, unless it does nothing.
    pub(crate) fn emit_if(&mut self, cond: Expr, then: Block, otherwise: Block, span: Span) {
        match (then.is_empty(), otherwise.is_empty()) {
            (true, true) => {}
            (true, false) => self.emit(
                span,
                StmtKind::If {
                    cond: fold::unary(UnaryOp::Not, cond),
                    then: otherwise,
                    otherwise: then,
                },
            ),
            _ => self.emit(
                span,
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                },
            ),
        }
    }

    /// A statement in a scope of its own.
    pub(crate) fn nested(&mut self, statement: &'a ast::Statement) {
        self.in_scope(self.scope, |lower| lower.statement(statement));
    }

    /// The table whose result a condition is, and whether the condition holds on a hit.
    fn applied_test(
        &mut self,
        condition: &'a ast::Expr,
    ) -> Option<(std::rc::Rc<crate::table::TableObject<'a>>, bool)> {
        match &condition.kind {
            ExprKind::Unary {
                op: ast::UnaryOp::Not,
                operand,
            } => {
                let (table, is_hit) = self.applied_test(operand)?;
                Some((table, !is_hit))
            }
            ExprKind::Member { base, .. } => {
                let is_hit = match self.typed.member(condition)? {
                    MemberOf::Hit => true,
                    MemberOf::Miss => false,
                    _ => return None,
                };
                Some((self.applied_table(base)?, is_hit))
            }
            _ => None,
        }
    }

    /// `return;`, `return a;`
    fn return_statement(&mut self, value: Option<&'a ast::Expr>, span: Span) {
        let Some(frame) = self.frames.last().cloned() else {
            return;
        };
        if let Some(expr) = value {
            let value = self.expr(expr);
            self.store_result(&value, span);
        }
        let label = match frame.label {
            Some(label) => label,
            None => {
                let label = self.gress.label();
                if let Some(frame) = self.frames.last_mut() {
                    frame.label = Some(label);
                }
                label
            }
        };
        self.emit(span, StmtKind::Leave(label));
    }

    /// Stores the result of the call that is being inlined.
    pub(crate) fn store_result(&mut self, value: &Value, span: Span) {
        let Some(Frame {
            result, storage, ..
        }) = self.frames.last().cloned()
        else {
            return;
        };
        let storage = match storage {
            Some(storage) => Some(storage),
            None => self.temporary("result", &result, span),
        };
        if let Some(storage) = storage {
            self.assign_storage(&storage, value, span);
            if let Some(frame) = self.frames.last_mut() {
                frame.storage = Some(storage);
            }
        }
    }

    /// `switch (a) { … }`
    fn switch(&mut self, subject: &'a ast::Expr, cases: &'a [ast::SwitchCase], span: Span) {
        if let ExprKind::Member { base, .. } = &subject.kind
            && self.typed.member(subject) == Some(MemberOf::ActionRun)
            && let Some(table) = self.applied_table(base)
        {
            self.switch_action(&table, cases, span);
        } else {
            self.switch_value(subject, cases, span);
        }
    }

    /// The bodies of a `switch` with the labels that lead to each.
    fn switch_groups(
        cases: &'a [ast::SwitchCase],
    ) -> Vec<(Vec<&'a SwitchLabel>, Option<&'a ast::Block>)> {
        let mut groups = Vec::new();
        let mut labels = Vec::new();
        for case in cases {
            labels.push(&case.label);
            if let Some(body) = &case.body {
                groups.push((std::mem::take(&mut labels), Some(body)));
            }
        }
        if !labels.is_empty() {
            groups.push((labels, None));
        }
        groups
    }

    /// `switch (t.apply().action_run) { … }`
    fn switch_action(
        &mut self,
        table: &std::rc::Rc<crate::table::TableObject<'a>>,
        cases: &'a [ast::SwitchCase],
        span: Span,
    ) {
        let lowered = self.lower_table(table);
        let mut arms = Vec::new();
        let mut after = Vec::new();
        for (labels, body) in Self::switch_groups(cases) {
            let body_block = self.block_of(|lower| {
                if let Some(body) = body {
                    lower.block_statement(body);
                }
            });
            let mut outcomes = Vec::new();
            for label in labels {
                match label {
                    SwitchLabel::Default(_) => outcomes.push(Outcome::Otherwise),
                    SwitchLabel::Expr(expr) => {
                        let named = match &expr.kind {
                            ExprKind::Path(path) => self.typed.path(path),
                            _ => None,
                        };
                        let action = lowered.as_ref().zip(named);
                        let action = action.and_then(|(table, named)| table.action(named));
                        outcomes.extend(action.map(Outcome::Action));
                    }
                }
            }
            let accesses = Accesses::of(&body_block);
            let may_repeat = !accesses.applies && !accesses.has_labels && !accesses.calls;
            if outcomes.len() < 2 || may_repeat {
                for on in outcomes {
                    arms.push(Arm {
                        on,
                        body: body_block.clone(),
                    });
                }
                continue;
            }
            // A body with tables stands in one place: the arms say that it is to run.
            let Some(Storage::Leaf(slot)) = self.temporary("case", &Type::Bool, span) else {
                continue;
            };
            self.emit_assign(span, slot.place(), fold::truth(false));
            for on in outcomes {
                let body = self.block_of(|lower| {
                    lower.emit_assign(span, slot.place(), fold::truth(true));
                });
                arms.push(Arm { on, body });
            }
            after.push((slot.read(), body_block));
        }
        // Arms are tried in order: the default comes last.
        arms.sort_by_key(|arm| arm.on == Outcome::Otherwise);
        self.apply_table(table, arms, span);
        for (cond, body) in after {
            self.emit_if(cond, body, Block::new(), span);
        }
    }

    /// `switch` over values.
    fn switch_value(&mut self, subject: &'a ast::Expr, cases: &'a [ast::SwitchCase], span: Span) {
        let value = self.expr(subject);
        let ty = value.ty.clone();
        let Some(read) = self.read(&value, subject.span) else {
            return;
        };
        // The bodies may change what is looked at.
        let Some(Storage::Leaf(slot)) = self.temporary("switch", &ty, span) else {
            return;
        };
        self.emit_assign(span, slot.place(), read);
        let mut chain: Vec<(Expr, Block)> = Vec::new();
        let mut default = Block::new();
        for (labels, body) in Self::switch_groups(cases) {
            let block = self.block_of(|lower| {
                if let Some(body) = body {
                    lower.block_statement(body);
                }
            });
            let mut cond = fold::truth(false);
            let mut is_default = false;
            for label in labels {
                match label {
                    SwitchLabel::Default(_) => is_default = true,
                    SwitchLabel::Expr(expr) => {
                        if let Some(bits) = self.const_bits(expr) {
                            let equal = fold::binary(
                                p4rmt_ir::BinaryOp::Eq,
                                slot.read(),
                                Expr::Const(bits),
                            );
                            cond = fold::or(cond, equal);
                        }
                    }
                }
            }
            if is_default {
                default = block;
            } else {
                chain.push((cond, block));
            }
        }
        let mut rest = default;
        for (cond, block) in chain.into_iter().rev() {
            rest = self.block_of(|lower| lower.emit_if(cond, block, rest, span));
        }
        self.block().extend(rest);
    }
}
