//! Values and conditions: what evaluating them reads, and what they say where they hold and where not.

use p4rmt_syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

use crate::typed::{Builtin, Callee};
use crate::value::Value;
use crate::warnings::flow::Flow;
use crate::warnings::state::{Fact, State, merge};

impl<'a> Flow<'_, '_, '_, 'a> {
    /// Reads the value of an expression, with all that evaluating it does.
    pub(super) fn read(&mut self, expr: &'a Expr, state: &mut State) {
        match &expr.kind {
            ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::String(_)
            | ExprKind::This
            | ExprKind::Dots
            | ExprKind::Invalid
            | ExprKind::TypeMember { .. } => {}
            ExprKind::Path(_) | ExprKind::Member { .. } | ExprKind::Index { .. } => {
                self.way(expr, state, false);
                if let Some(place) = self.place(expr)
                    && let Some(fact) = state.values_within(&place)
                    && fact.can_be_bad
                {
                    self.unset(expr, fact);
                }
            }
            ExprKind::List(elements) => {
                for element in elements {
                    self.read(element, state);
                }
            }
            ExprKind::Struct { fields, .. } => {
                for field in fields {
                    self.read(&field.value, state);
                }
            }
            ExprKind::Unary { operand, .. } | ExprKind::Cast { operand, .. } => {
                self.read(operand, state);
            }
            ExprKind::Binary {
                op: BinaryOp::And | BinaryOp::Or,
                ..
            } => {
                let (holds, fails) = self.condition(expr, state.clone());
                if let Some(after) = merge_tested(holds, fails, state) {
                    *state = after;
                }
            }
            ExprKind::Binary { left, right, .. } => {
                self.read(left, state);
                self.read(right, state);
            }
            ExprKind::Conditional {
                condition,
                then,
                otherwise,
            } => {
                let (holds, fails) = self.condition(condition, state.clone());
                let holds = holds.map(|mut state| {
                    self.read(then, &mut state);
                    state
                });
                let fails = fails.map(|mut state| {
                    self.read(otherwise, &mut state);
                    state
                });
                if let Some(after) = merge_tested(holds, fails, state) {
                    *state = after;
                }
            }
            ExprKind::Slice { base, .. } => self.read(base, state),
            ExprKind::PlusSlice { base, lo, .. } => {
                self.read(base, state);
                self.read(lo, state);
            }
            ExprKind::Call { .. } => {
                if let Some(after) = self.evaluate(expr, state.clone()) {
                    *state = after;
                }
            }
        }
    }

    /// What is known where a condition holds, and where it does not.
    pub(super) fn condition(
        &mut self,
        expr: &'a Expr,
        mut state: State,
    ) -> (Option<State>, Option<State>) {
        if let Some(Value::Bool(value)) = self.check.value_at(expr) {
            return if value {
                (Some(state), None)
            } else {
                (None, Some(state))
            };
        }
        match &expr.kind {
            ExprKind::Unary {
                op: UnaryOp::Not,
                operand,
            } => {
                let (holds, fails) = self.condition(operand, state);
                (fails, holds)
            }
            ExprKind::Binary {
                op: BinaryOp::And,
                left,
                right,
            } => {
                let (holds, fails) = self.condition(left, state.clone());
                match holds {
                    None => (None, fails),
                    Some(held) => {
                        let (holds, other) = self.condition(right, held);
                        (holds, merge_tested(fails, other, &state))
                    }
                }
            }
            ExprKind::Binary {
                op: BinaryOp::Or,
                left,
                right,
            } => {
                let (holds, fails) = self.condition(left, state.clone());
                match fails {
                    None => (holds, None),
                    Some(failed) => {
                        let (other, fails) = self.condition(right, failed);
                        (merge_tested(holds, other, &state), fails)
                    }
                }
            }
            ExprKind::Call { callee, .. } => {
                let is_valid = self
                    .check
                    .call_of(expr)
                    .is_some_and(|call| call.callee == Callee::Builtin(Builtin::IsValid));
                if is_valid
                    && let ExprKind::Member { base, .. } = &callee.kind
                    && let Some(place) = self.place(base)
                {
                    let mut other = state.clone();
                    state.set_header(place.clone(), Fact::GOOD);
                    other.set_header(place, Fact::BAD);
                    return (Some(state), Some(other));
                }
                let after = self.evaluate(expr, state);
                (after.clone(), after)
            }
            _ => {
                self.read(expr, &mut state);
                (Some(state.clone()), Some(state))
            }
        }
    }
}

/// What is known behind both ways of a condition.
pub(super) fn merge_tested(
    left: Option<State>,
    right: Option<State>,
    before: &State,
) -> Option<State> {
    let mut after = merge(left, right)?;
    after.forget_tests(before);
    Some(after)
}
