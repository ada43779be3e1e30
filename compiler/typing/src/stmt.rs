//! Statements.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{
    BinaryOp, Block, Expr, ForCollection, Statement, StatementKind, SwitchCase, SwitchLabel,
};

use crate::check::{Body, Checker};
use crate::decl::Node;
use crate::error::ErrorKind;
use crate::tables;
use crate::types::{Sort, Type, TypeKind};
use crate::value::Known;

impl<'a> Checker<'a> {
    /// `{ … }`
    pub(crate) fn block(&mut self, block: &'a Block) {
        self.scoped(|check| check.statements(&block.statements));
    }

    /// Statements in the innermost scope.
    pub(crate) fn statements(&mut self, statements: &'a [Statement]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    pub(crate) fn statement(&mut self, statement: &'a Statement) {
        match &statement.kind {
            StatementKind::Empty => {}
            StatementKind::Assign { target, op, value } => {
                self.assignment(statement.span, target, *op, value);
            }
            StatementKind::Call(call) => {
                self.infer(call);
            }
            StatementKind::If {
                condition,
                then,
                otherwise,
            } => {
                self.check_value(condition, Type::BOOL);
                self.scoped(|check| check.statement(then));
                if let Some(otherwise) = otherwise {
                    self.scoped(|check| check.statement(otherwise));
                }
            }
            StatementKind::Block(block) => self.block(block),
            StatementKind::Return(value) => self.return_statement(statement.span, value.as_ref()),
            StatementKind::Exit => {}
            StatementKind::Break | StatementKind::Continue => {
                if self.place.n_loops == 0 {
                    let what = match statement.kind {
                        StatementKind::Break => "a `break`",
                        _ => "a `continue`",
                    };
                    let place = "what is not a loop";
                    self.error(statement.span, ErrorKind::Misplaced { what, place });
                }
            }
            StatementKind::Switch { subject, cases } => self.switch(subject, cases),
            StatementKind::For {
                init,
                condition,
                update,
                body,
                ..
            } => self.scoped(|check| {
                check.statements(init);
                check.check_value(condition, Type::BOOL);
                check.statements(update);
                check.in_loop(|check| check.scoped(|check| check.statement(body)));
            }),
            StatementKind::ForIn {
                ty,
                name,
                collection,
                body,
                ..
            } => {
                let ty = self.resolve(ty);
                self.collection(collection, ty);
                self.scoped(|check| {
                    let id = check.declare(name, Node::LoopVariable(statement));
                    check.decl_mut(id).ty = ty;
                    check.bind(id);
                    check.in_loop(|check| check.scoped(|check| check.statement(body)));
                });
            }
            StatementKind::Variable(variable) => self.variable(variable),
            StatementKind::Const(constant) => self.constant(constant),
            // That none may stand here is one of the rules.
            StatementKind::Instantiation(instance) => self.instantiation(instance),
        }
    }

    fn in_loop(&mut self, f: impl FnOnce(&mut Self)) {
        self.place.n_loops += 1;
        f(self);
        self.place.n_loops -= 1;
    }

    /// What a `for … in` loop runs over gives values of its variable's type.
    fn collection(&mut self, collection: &'a ForCollection, ty: Type) {
        match collection {
            ForCollection::Range(first, last) => {
                self.check_value(first, ty);
                self.check_value(last, ty);
                if !ty.is_poison() && !self.is_integral(ty) {
                    self.mismatch_with(first.span, "a number", ty);
                }
            }
            ForCollection::Expr(expr) => {
                let operand = self.infer(expr);
                match self.types.kind(operand.ty).clone() {
                    TypeKind::Poison => {}
                    TypeKind::Stack(element, _) | TypeKind::List(element) => {
                        if !self.agrees(element, ty) {
                            self.mismatch(expr.span, ty, element);
                        }
                    }
                    TypeKind::Tuple(_) => {
                        let list = self.types.make(TypeKind::List(ty));
                        self.coerce(expr, list);
                    }
                    _ => self.mismatch_with(expr.span, "a range, list or stack", operand.ty),
                }
            }
        }
    }

    fn assignment(&mut self, span: Span, target: &'a Expr, op: Option<BinaryOp>, value: &'a Expr) {
        let lhs = self.infer(target);
        if self.is_object(lhs.ty) && !lhs.ty.is_poison() {
            self.error(target.span, ErrorKind::NotAssignable);
            return;
        }
        self.check_place(target);
        match op {
            None => {
                self.check_value(value, lhs.ty);
            }
            Some(op) => {
                let ty = lhs.ty;
                let rhs = self.infer(value);
                let lhs = crate::check::Operand::runtime(ty);
                let result = self.binary_at(span, op, (target, lhs), (value, rhs));
                if !self.agrees(ty, result.ty) {
                    self.mismatch(span, ty, result.ty);
                }
            }
        }
    }

    fn return_statement(&mut self, span: Span, value: Option<&'a Expr>) {
        match value {
            None => {
                let returns_value = matches!(self.place.body, Body::Function | Body::Method)
                    && self.place.result != Type::VOID;
                if returns_value && !self.place.result.is_poison() {
                    self.error(span, ErrorKind::Return);
                }
            }
            Some(value) => {
                if self.place.result == Type::VOID {
                    self.infer(value);
                    self.error(span, ErrorKind::Return);
                } else {
                    self.check_value(value, self.place.result);
                }
            }
        }
    }

    /// `switch (a) { … }`
    fn switch(&mut self, subject: &'a Expr, cases: &'a [SwitchCase]) {
        let operand = self.infer(subject);
        let table = match self.types.kind(operand.ty) {
            TypeKind::ActionRun(table) => Some(*table),
            _ => None,
        };
        let mut ty = operand.ty;
        if table.is_none() && !ty.is_poison() {
            let is_switchable = self.is_integral(ty)
                || ty == Type::BOOL
                || ty == Type::ERROR
                || matches!(
                    self.types.kind(ty),
                    TypeKind::Named {
                        sort: Sort::Enum | Sort::NewType,
                        ..
                    }
                );
            if !is_switchable {
                self.mismatch_with(subject.span, "a number, enum or `action_run`", ty);
                ty = Type::POISON;
            }
        }
        for case in cases {
            match (&case.label, table) {
                (SwitchLabel::Default(_), _) => {}
                (SwitchLabel::Expr(label), Some(table)) => {
                    tables::check_action_label(self, label, table);
                }
                (SwitchLabel::Expr(label), None) => {
                    let (_, known) = self.check_value(label, ty);
                    if known < Known::Instantiated {
                        self.error(label.span, ErrorKind::NotConstant);
                    }
                }
            }
            if let Some(body) = &case.body {
                self.block(body);
            }
        }
    }
}
