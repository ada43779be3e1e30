//! Statements, parser states and keysets as P4.

use crate::ast::{
    Block, Expr, ForCollection, Keyset, KeysetKind, KeysetTuple, ParserState, Statement,
    StatementKind, SwitchCase, SwitchLabel, Transition, TransitionKind, Variable,
};
use crate::print::Printer;

impl Printer {
    pub(super) fn block(&mut self, block: &Block) {
        self.annotations(&block.annotations);
        self.braced(&block.statements, Self::statement);
    }

    pub(super) fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Empty => self.put(";"),
            StatementKind::Assign { .. } | StatementKind::Call(_) => {
                self.open_statement(statement);
                self.put(";");
            }
            StatementKind::If {
                condition,
                then,
                otherwise,
            } => self.if_statement(condition, then, otherwise.as_deref()),
            StatementKind::Block(block) => self.block(block),
            StatementKind::Return(value) => {
                self.put("return");
                if let Some(value) = value {
                    self.put(" ");
                    self.expr(value);
                }
                self.put(";");
            }
            StatementKind::Exit => self.put("exit;"),
            StatementKind::Break => self.put("break;"),
            StatementKind::Continue => self.put("continue;"),
            StatementKind::Switch { subject, cases } => {
                self.put("switch (");
                self.expr(subject);
                self.put(") ");
                self.braced(cases, Self::switch_case);
            }
            StatementKind::For {
                annotations,
                init,
                condition,
                update,
                body,
            } => {
                self.annotations(annotations);
                self.put("for (");
                self.list(init, Self::open_statement);
                self.put("; ");
                self.expr(condition);
                self.put("; ");
                self.list(update, Self::open_statement);
                self.put(") ");
                self.statement(body);
            }
            StatementKind::ForIn {
                annotations,
                variable_annotations,
                ty,
                name,
                collection,
                body,
            } => {
                self.annotations(annotations);
                self.put("for (");
                self.annotations(variable_annotations);
                self.ty(ty);
                self.put(" ");
                self.name(name);
                self.put(" in ");
                match collection {
                    ForCollection::Expr(expr) => self.expr(expr),
                    ForCollection::Range(first, last) => self.pair(first, " .. ", last),
                }
                self.put(") ");
                self.statement(body);
            }
            StatementKind::Variable(variable) => {
                self.variable(variable);
                self.put(";");
            }
            StatementKind::Const(constant) => self.constant(constant),
            StatementKind::Instantiation(instance) => self.instantiation(instance),
        }
    }

    /// An assignment, call or variable without its `;`, as in the head of a `for`.
    fn open_statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Assign { target, op, value } => {
                self.expr(target);
                self.put(" ");
                if let Some(op) = op {
                    self.put(op.sign());
                }
                self.put("= ");
                self.expr(value);
            }
            StatementKind::Call(call) => self.expr(call),
            StatementKind::Variable(variable) => self.variable(variable),
            StatementKind::Empty
            | StatementKind::If { .. }
            | StatementKind::Block(_)
            | StatementKind::Return(_)
            | StatementKind::Exit
            | StatementKind::Break
            | StatementKind::Continue
            | StatementKind::Switch { .. }
            | StatementKind::For { .. }
            | StatementKind::ForIn { .. }
            | StatementKind::Const(_)
            | StatementKind::Instantiation(_) => self.statement(statement),
        }
    }

    /// A chain of `else if` is a loop here, as in the grammar.
    fn if_statement(
        &mut self,
        condition: &Expr,
        then: &Statement,
        mut otherwise: Option<&Statement>,
    ) {
        self.if_arm(condition, then, otherwise.is_some());
        while let Some(statement) = otherwise {
            self.put(" else ");
            let StatementKind::If {
                condition,
                then,
                otherwise: next,
            } = &statement.kind
            else {
                return self.statement(statement);
            };
            otherwise = next.as_deref();
            self.if_arm(condition, then, otherwise.is_some());
        }
    }

    fn if_arm(&mut self, condition: &Expr, then: &Statement, has_else: bool) {
        self.put("if (");
        self.expr(condition);
        self.put(") ");
        // Without braces an inner `if` would take the `else`.
        if has_else && would_take_else(then) {
            self.braced(std::slice::from_ref(then), Self::statement);
        } else {
            self.statement(then);
        }
    }

    fn switch_case(&mut self, case: &SwitchCase) {
        match &case.label {
            SwitchLabel::Default(_) => self.put("default"),
            SwitchLabel::Expr(expr) => self.expr(expr),
        }
        self.put(":");
        if let Some(body) = &case.body {
            self.put(" ");
            self.block(body);
        }
    }

    pub(super) fn variable(&mut self, variable: &Variable) {
        self.annotations(&variable.annotations);
        self.ty(&variable.ty);
        self.put(" ");
        self.name(&variable.name);
        self.initializer(variable.init.as_ref());
    }

    pub(super) fn state(&mut self, state: &ParserState) {
        self.annotations(&state.annotations);
        self.put("state ");
        self.name(&state.name);
        self.put(" {");
        self.indent += 1;
        for statement in &state.statements {
            self.line_end();
            self.statement(statement);
        }
        if let Some(transition) = &state.transition {
            self.line_end();
            self.transition(transition);
        }
        self.indent -= 1;
        self.line_end();
        self.put("}");
    }

    fn transition(&mut self, transition: &Transition) {
        self.put("transition ");
        match &transition.kind {
            TransitionKind::Direct(name) => {
                self.name(name);
                self.put(";");
            }
            TransitionKind::Select { subjects, cases } => {
                self.put("select(");
                self.list(subjects, Self::expr);
                self.put(") ");
                self.braced(cases, |printer, case| {
                    printer.keyset(&case.keyset);
                    printer.put(": ");
                    printer.name(&case.state);
                    printer.put(";");
                });
            }
        }
    }

    pub(super) fn keyset(&mut self, keyset: &KeysetTuple) {
        if keyset.is_tuple {
            self.put("(");
        }
        self.list(&keyset.elements, Self::simple_keyset);
        if keyset.is_tuple {
            self.put(")");
        }
    }

    fn simple_keyset(&mut self, keyset: &Keyset) {
        match &keyset.kind {
            KeysetKind::Default => self.put("default"),
            KeysetKind::DontCare => self.put("_"),
            KeysetKind::Expr(expr) => self.expr(expr),
            KeysetKind::Mask(value, mask) => self.pair(value, " &&& ", mask),
            KeysetKind::Range(first, last) => self.pair(first, " .. ", last),
        }
    }

    fn pair(&mut self, first: &Expr, sign: &str, second: &Expr) {
        self.expr(first);
        self.put(sign);
        self.expr(second);
    }
}

/// Whether an `else` behind this statement would belong to an `if` in it.
fn would_take_else(statement: &Statement) -> bool {
    let mut last = statement;
    loop {
        last = match &last.kind {
            StatementKind::If { otherwise, .. } => match otherwise {
                Some(otherwise) => otherwise,
                None => return true,
            },
            StatementKind::For { body, .. } | StatementKind::ForIn { body, .. } => body,
            StatementKind::Empty
            | StatementKind::Assign { .. }
            | StatementKind::Call(_)
            | StatementKind::Block(_)
            | StatementKind::Return(_)
            | StatementKind::Exit
            | StatementKind::Break
            | StatementKind::Continue
            | StatementKind::Switch { .. }
            | StatementKind::Variable(_)
            | StatementKind::Const(_)
            | StatementKind::Instantiation(_) => return false,
        };
    }
}
