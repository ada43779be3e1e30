//! Statements: what is known behind each of them, and where bodies and loops are left.

use p4rmt_syntax::ast::{
    self, Expr, ExprKind, ForCollection, Statement, StatementKind, SwitchLabel,
};

use crate::decl::DeclId;
use crate::hash::FastSet;
use crate::types::TypeKind;
use crate::warnings::flow::Flow;
use crate::warnings::flow::values::merge_tested;
use crate::warnings::state::{Place, State, merge};

/// How often a loop is followed before what it may change is taken as it is.
const MAX_ROUNDS: usize = 8;

impl<'a> Flow<'_, '_, '_, 'a> {
    pub(super) fn block(&mut self, block: &'a ast::Block, state: State) -> Option<State> {
        self.statements(&block.statements, Some(state))
    }

    pub(super) fn statements(
        &mut self,
        statements: &'a [Statement],
        mut state: Option<State>,
    ) -> Option<State> {
        for statement in statements {
            state = self.statement(statement, state?);
        }
        state
    }

    pub(super) fn variable(&mut self, variable: &'a ast::Variable, state: &mut State) {
        let Some(root) = self.check.declared(&variable.name) else {
            return;
        };
        match &variable.init {
            None => self.declare(root, state),
            Some(init) => {
                self.read(init, state);
                let place = Place {
                    root,
                    path: Vec::new(),
                };
                self.store(&place, self.check.decl(root).ty, init, state);
            }
        }
    }

    pub(super) fn statement(
        &mut self,
        statement: &'a Statement,
        mut state: State,
    ) -> Option<State> {
        match &statement.kind {
            StatementKind::Empty | StatementKind::Const(_) | StatementKind::Instantiation(_) => {}
            StatementKind::Assign { target, op, value } => {
                self.read(value, &mut state);
                if op.is_some() {
                    self.read(target, &mut state);
                }
                self.write(target, Some(value), &mut state);
            }
            StatementKind::Call(call) => return self.evaluate(call, state),
            StatementKind::If {
                condition,
                then,
                otherwise,
            } => {
                let (holds, fails) = self.condition(condition, state.clone());
                let after = holds.and_then(|state| self.statement(then, state));
                let other = match (fails, otherwise) {
                    (Some(state), Some(otherwise)) => self.statement(otherwise, state),
                    (fails, _) => fails,
                };
                return merge_tested(after, other, &state);
            }
            StatementKind::Block(block) => return self.block(block, state),
            StatementKind::Return(value) => {
                if let Some(value) = value {
                    self.read(value, &mut state);
                }
                self.returned.push(state);
                return None;
            }
            StatementKind::Exit => return None,
            StatementKind::Break => {
                self.left.push(state);
                return None;
            }
            StatementKind::Continue => {
                self.continued.push(state);
                return None;
            }
            StatementKind::Switch { subject, cases } => return self.switch(subject, cases, state),
            StatementKind::For {
                init,
                condition,
                update,
                body,
                ..
            } => {
                let state = self.statements(init, Some(state))?;
                return self.rounds(state, |flow, before| {
                    let (holds, fails) = flow.condition(condition, before);
                    let after = holds.and_then(|state| flow.statement(body, state));
                    let after = flow.go_on(after);
                    (flow.statements(update, after), fails)
                });
            }
            StatementKind::ForIn {
                collection, body, ..
            } => {
                match collection {
                    ForCollection::Expr(value) => self.read(value, &mut state),
                    ForCollection::Range(first, last) => {
                        self.read(first, &mut state);
                        self.read(last, &mut state);
                    }
                }
                return self.rounds(state, |flow, before| {
                    let after = flow.statement(body, before.clone());
                    (flow.go_on(after), Some(before))
                });
            }
            StatementKind::Variable(variable) => self.variable(variable, &mut state),
        }
        Some(state)
    }

    /// The end of a loop's body, and where it goes on.
    fn go_on(&mut self, after: Option<State>) -> Option<State> {
        let continued = std::mem::take(&mut self.continued);
        continued
            .into_iter()
            .fold(after, |after, state| merge(after, Some(state)))
    }

    /// Follows a loop until nothing changes. A round gives what is known behind the body and at the
    /// loop's end.
    fn rounds(
        &mut self,
        start: State,
        mut round: impl FnMut(&mut Self, State) -> (Option<State>, Option<State>),
    ) -> Option<State> {
        let was_quiet = std::mem::replace(&mut self.is_quiet, true);
        let outer_left = std::mem::take(&mut self.left);
        let outer_continued = std::mem::take(&mut self.continued);
        let n_returned = self.returned.len();
        let mut before = start;
        for _ in 0..MAX_ROUNDS {
            self.left.clear();
            let (after, _) = round(self, before.clone());
            let next = match after {
                Some(after) => before.clone().join(&after),
                None => before.clone(),
            };
            if next == before {
                break;
            }
            before = next;
        }
        self.is_quiet = was_quiet;
        self.left.clear();
        self.returned.truncate(n_returned);
        let (_, mut end) = round(self, before);
        for state in std::mem::replace(&mut self.left, outer_left) {
            end = merge(end, Some(state));
        }
        self.continued = outer_continued;
        end
    }

    /// Follows each case from what leads to it.
    fn switch(
        &mut self,
        subject: &'a Expr,
        cases: &'a [ast::SwitchCase],
        mut state: State,
    ) -> Option<State> {
        let table = match self.check.types.kind(self.check.type_of(subject)) {
            TypeKind::ActionRun(table) => Some(*table),
            _ => None,
        };
        let outcomes = match table {
            Some(table) => self.apply(table, state),
            None => {
                self.read(subject, &mut state);
                vec![(None, Some(state))]
            }
        };
        let mut end = None;
        // What is known where a case falls through.
        let mut pending: Option<State> = None;
        let mut named: FastSet<DeclId> = FastSet::default();
        let mut has_default = false;
        for case in cases {
            let entering = match (&case.label, table) {
                (SwitchLabel::Default(_), _) => {
                    has_default = true;
                    outcomes
                        .iter()
                        .filter(|(action, _)| action.is_none_or(|action| !named.contains(&action)))
                        .fold(None, |state, (_, outcome)| merge(state, outcome.clone()))
                }
                (SwitchLabel::Expr(label), Some(_)) => {
                    let action = match &label.kind {
                        ExprKind::Path(path) => self.check.path_of(path),
                        _ => None,
                    };
                    named.extend(action);
                    outcomes
                        .iter()
                        .filter(|(of, _)| *of == action)
                        .fold(None, |state, (_, outcome)| merge(state, outcome.clone()))
                }
                (SwitchLabel::Expr(_), None) => {
                    outcomes.first().and_then(|(_, state)| state.clone())
                }
            };
            let entering = merge(pending.take(), entering);
            match (&case.body, entering) {
                (Some(body), Some(state)) => {
                    let after = self.block(body, state);
                    end = merge(end, after);
                }
                (Some(_), None) => {}
                (None, entering) => pending = entering,
            }
        }
        end = merge(end, pending);
        if !has_default {
            let rest = outcomes
                .into_iter()
                .filter(|(action, _)| action.is_none_or(|action| !named.contains(&action)));
            end = rest.fold(end, |end, (_, outcome)| merge(end, outcome));
        }
        end
    }
}
