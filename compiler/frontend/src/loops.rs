//! Loops: written out turn by turn where the compiler knows the values that they run over.

use num_bigint::BigInt;
use p4rmt_ir::{BinaryOp, Block, Expr, StmtKind, UnaryOp};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ExprKind, ForCollection, StatementKind};
use p4rmt_typing::DeclId;

use crate::error::ErrorKind;
use crate::fold;
use crate::leaves::has_leave;
use crate::lower::{LoopFrame, Lower};
use crate::scope::Binding;
use crate::storage::Storage;
use crate::types::Type;
use crate::value::{Data, Value};

/// How many turns of a loop are written out.
const MAX_TURNS: usize = 1024;

impl<'a> Lower<'a> {
    /// `for (init; condition; update) …`
    pub(crate) fn for_loop(
        &mut self,
        init: &'a [ast::Statement],
        condition: &'a ast::Expr,
        update: &'a [ast::Statement],
        body: &'a ast::Statement,
        span: Span,
    ) {
        if !self.is_structured && self.unrolled(init, condition, update, body, span).is_some() {
            return;
        }
        self.in_scope(self.scope, |lower| {
            lower.statements(init);
            lower.run_loop(
                span,
                &mut |lower| lower.scalar(condition),
                &mut |lower| lower.nested(body),
                &mut |lower| lower.statements(update),
            );
        });
    }

    /// A loop of the structured form: `body` and `update` for as long as the condition holds.
    fn run_loop(
        &mut self,
        span: Span,
        condition: &mut dyn FnMut(&mut Self) -> Option<Expr>,
        body: &mut dyn FnMut(&mut Self),
        update: &mut dyn FnMut(&mut Self),
    ) {
        let label = self.gress.label();
        let turn_label = self.gress.label();
        self.n_loops += 1;
        let turn = self.block_of(|lower| {
            if let Some(cond) = condition(lower) {
                let leave = lower.block_of(|lower| lower.emit(span, StmtKind::Leave(label)));
                lower.emit_if(fold::unary(UnaryOp::Not, cond), leave, Block::new(), span);
            }
            lower.loops.push(LoopFrame {
                on_break: label,
                on_continue: turn_label,
            });
            let inner = lower.block_of(body);
            lower.loops.pop();
            lower.emit_labeled(turn_label, inner, span);
            update(lower);
        });
        self.n_loops -= 1;
        self.emit(span, StmtKind::Loop { label, body: turn });
    }

    /// `for (T x in a .. b) …`: a copy of the body for each value, or a loop over a range.
    pub(crate) fn for_in(
        &mut self,
        name: &'a ast::Name,
        collection: &'a ForCollection,
        body: &'a ast::Statement,
        span: Span,
    ) {
        let Some(decl) = self.typed.declared(name) else {
            return;
        };
        let ty = self.concrete(self.typed.decl(decl).ty, span);
        let values: Vec<Value> = match collection {
            ForCollection::Range(first, last) if self.is_structured => {
                return self.range_loop(&ty, name, (first, last), body, span);
            }
            ForCollection::Range(first, last) => {
                let (Some(first), Some(last)) = (self.const_number(first), self.const_number(last))
                else {
                    return;
                };
                let count = &last - &first + BigInt::from(1);
                if count > BigInt::from(MAX_TURNS) {
                    return self.too_many_turns(span);
                }
                let count = usize::try_from(count).unwrap_or(0);
                (0..count)
                    .map(|turn| Value::int(&first + BigInt::from(turn)))
                    .collect()
            }
            ForCollection::Expr(expr) => {
                let mut value = self.expr(expr);
                if matches!(value.data, Data::Place(_)) && self.is_structured {
                    // The turns may change it; what they run over is what it was before the first.
                    if let Some(storage) = self.temporary("list", &value.ty, span) {
                        self.assign_storage(&storage, &value, span);
                        value.data = Data::Place(storage);
                    }
                }
                match self.parts(&value) {
                    Some(parts) => parts,
                    None => {
                        return self.mismatch(expr.span, "a list, tuple or stack", &value.ty);
                    }
                }
            }
        };
        let turns: Vec<Value> = values
            .into_iter()
            .map(|value| self.converted(value, &ty, span))
            .collect();
        self.turns(name, turns, body, span);
    }

    /// A loop over a range whose bounds are known at run time only, or that is long.
    fn range_loop(
        &mut self,
        ty: &Type,
        name: &'a ast::Name,
        (first, last): (&'a ast::Expr, &'a ast::Expr),
        body: &'a ast::Statement,
        span: Span,
    ) {
        let Some(width) = ty
            .scalar_width()
            .filter(|width| *width < p4rmt_ir::Bits::MAX_WIDTH)
        else {
            return self.mismatch(span, "numbers", ty);
        };
        let mut low = self.expr(first);
        let mark = self.block().len();
        let high = self.expr(last);
        self.settle(&mut low, mark, span);
        let (Some(low), Some(high)) = (self.read(&low, first.span), self.read(&high, last.span))
        else {
            return;
        };
        // One bit more than the values have, so that the last one can be passed.
        let wide = Type::bit(width + 1);
        let extend = |expr: Expr| fold::resize(expr, width, width + 1, ty.is_signed());
        let (Some(Storage::Leaf(at)), Some(Storage::Leaf(end)), Some(variable)) = (
            self.temporary("at", &wide, span),
            self.temporary("end", &wide, span),
            self.variable(&name.text, ty, name.span),
        ) else {
            return;
        };
        self.emit_assign(span, at.place(), extend(low));
        self.emit_assign(span, end.place(), extend(high));
        let op = if ty.is_signed() {
            BinaryOp::LeS
        } else {
            BinaryOp::LeU
        };
        self.run_loop(
            span,
            &mut |_| Some(fold::binary(op, at.read(), end.read())),
            &mut |lower| {
                let value = fold::slice(at.read(), width + 1, width - 1, 0);
                lower.assign_storage(&variable, &Value::scalar(ty.clone(), value), span);
                lower.in_scope(lower.scope, |lower| {
                    let binding = Binding::Place {
                        ty: ty.clone(),
                        storage: variable.clone(),
                    };
                    lower.bind(name, binding);
                    lower.nested(body);
                });
            },
            &mut |lower| {
                let one = fold::constant(width + 1, 1);
                lower.emit_assign(
                    span,
                    at.place(),
                    fold::binary(BinaryOp::Add, at.read(), one),
                );
            },
        );
    }

    /// The body once for each value of its variable.
    fn turns(
        &mut self,
        name: &'a ast::Name,
        values: Vec<Value>,
        body: &'a ast::Statement,
        span: Span,
    ) {
        let label = self.gress.label();
        let mut is_left = false;
        let turns = self.block_of(|lower| {
            for value in values {
                let turn_label = lower.gress.label();
                let turn = lower.block_of(|lower| {
                    lower.loops.push(LoopFrame {
                        on_break: label,
                        on_continue: turn_label,
                    });
                    lower.in_scope(lower.scope, |lower| {
                        let binding = lower.turn_variable(name, value, span);
                        lower.bind(name, binding);
                        lower.nested(body);
                    });
                    lower.loops.pop();
                });
                is_left |= has_leave(&turn, label);
                lower.emit_labeled(turn_label, turn, span);
            }
        });
        if is_left {
            self.emit(span, StmtKind::Labeled { label, body: turns });
        } else {
            self.block().extend(turns);
        }
    }

    /// What the variable of a loop stands for in one turn.
    fn turn_variable(&mut self, name: &'a ast::Name, value: Value, span: Span) -> Binding<'a> {
        if value.is_poison() {
            return Binding::Poison;
        }
        if self.is_structured
            && let Some(storage) = self.variable(&name.text, &value.ty, name.span)
        {
            self.assign_storage(&storage, &value, span);
            return Binding::Place {
                ty: value.ty,
                storage,
            };
        }
        Binding::Value(value)
    }

    /// A loop whose variable runs over values that the compiler knows, and that nothing but the loop
    /// itself writes, written out; nothing if it is none.
    fn unrolled(
        &mut self,
        init: &'a [ast::Statement],
        condition: &'a ast::Expr,
        update: &'a [ast::Statement],
        body: &'a ast::Statement,
        span: Span,
    ) -> Option<()> {
        let (
            [
                ast::Statement {
                    kind: StatementKind::Variable(variable),
                    ..
                },
            ],
            [
                ast::Statement {
                    kind: StatementKind::Assign { target, op, value },
                    ..
                },
            ],
        ) = (init, update)
        else {
            return None;
        };
        let ExprKind::Path(path) = &target.kind else {
            return None;
        };
        let name = &variable.name;
        let decl = self.typed.declared(name)?;
        if self.typed.path(path) != Some(decl) || self.is_assigned(body, decl) {
            return None;
        }
        let ty = self.ty(&variable.ty);
        let mut current = self.quiet(|lower| Some(lower.expr(variable.init.as_ref()?)))?;
        let mut values = Vec::new();
        loop {
            let holds = self.quiet(|lower| {
                lower.with_constant(name, &current, |lower| Some(lower.expr(condition)))
            })?;
            if !holds.as_bits()?.is_true() {
                break;
            }
            if values.len() >= MAX_TURNS {
                self.too_many_turns(span);
                return Some(());
            }
            let next = self.quiet(|lower| {
                lower.with_constant(name, &current, |lower| {
                    let value = lower.expr(value);
                    let value = match op {
                        Some(op) => {
                            let old = lower.expr(target);
                            lower.binary_values(*op, &old, &value, span)
                        }
                        None => value,
                    };
                    Some(lower.converted(value, &ty, span))
                })
            })?;
            values.push(std::mem::replace(&mut current, next));
        }
        self.turns(name, values, body, span);
        Some(())
    }

    /// Evaluates where a name stands for a constant.
    fn with_constant(
        &mut self,
        name: &'a ast::Name,
        value: &Value,
        evaluate: impl FnOnce(&mut Self) -> Option<Value>,
    ) -> Option<Value> {
        let value = value.clone();
        self.in_scope(self.scope, |lower| {
            lower.bind(name, Binding::Value(value));
            evaluate(lower)
        })
    }

    fn too_many_turns(&mut self, span: Span) {
        let (what, limit) = ("turns of a loop", MAX_TURNS);
        self.error(span, ErrorKind::TooMany { what, limit });
    }

    /// Whether a statement assigns to this variable.
    fn is_assigned(&self, statement: &ast::Statement, variable: DeclId) -> bool {
        let block = |statements: &[ast::Statement]| {
            statements
                .iter()
                .any(|statement| self.is_assigned(statement, variable))
        };
        match &statement.kind {
            StatementKind::Assign { target, .. } => self.root(target) == Some(variable),
            StatementKind::If {
                then, otherwise, ..
            } => {
                self.is_assigned(then, variable)
                    || otherwise
                        .as_deref()
                        .is_some_and(|statement| self.is_assigned(statement, variable))
            }
            StatementKind::Block(inner) => block(&inner.statements),
            StatementKind::Switch { cases, .. } => cases
                .iter()
                .filter_map(|case| case.body.as_ref())
                .any(|body| block(&body.statements)),
            StatementKind::For {
                init, update, body, ..
            } => block(init) || block(update) || self.is_assigned(body, variable),
            StatementKind::ForIn { body, .. } => self.is_assigned(body, variable),
            StatementKind::Empty
            // A call that would write it is refused: while the loop is written out it is a constant.
            | StatementKind::Call(_)
            | StatementKind::Return(_)
            | StatementKind::Exit
            | StatementKind::Break
            | StatementKind::Continue
            | StatementKind::Variable(_)
            | StatementKind::Const(_)
            | StatementKind::Instantiation(_) => false,
        }
    }

    /// The declaration that a place begins with.
    fn root(&self, expr: &ast::Expr) -> Option<DeclId> {
        match &expr.kind {
            ExprKind::Path(path) => self.typed.path(path),
            ExprKind::Member { base, .. }
            | ExprKind::Index { base, .. }
            | ExprKind::Slice { base, .. }
            | ExprKind::PlusSlice { base, .. } => self.root(base),
            _ => None,
        }
    }
}
