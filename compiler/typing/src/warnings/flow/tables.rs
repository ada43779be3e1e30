//! Tables: keys are read, then one of the actions runs, or none.

use p4rmt_syntax::ast::{Expr, ExprKind, PropertyKind};

use crate::decl::{DeclId, Node};
use crate::rules::action_refs;
use crate::warnings::flow::Flow;
use crate::warnings::state::State;

impl<'a> Flow<'_, '_, '_, 'a> {
    /// Applies a table: what is known after each action that it may run, and after none.
    pub(super) fn apply(
        &mut self,
        table: DeclId,
        mut state: State,
    ) -> Vec<(Option<DeclId>, Option<State>)> {
        let Node::Table(node) = self.check.decl(table).node else {
            return vec![(None, Some(state))];
        };
        let mut has_default = false;
        for property in &node.properties {
            match &property.kind {
                PropertyKind::Key(elements) => {
                    for element in elements {
                        self.key(&element.expr, &mut state);
                    }
                }
                PropertyKind::DefaultAction(_) => has_default = true,
                PropertyKind::Actions(_)
                | PropertyKind::Entries(_)
                | PropertyKind::Size(_)
                | PropertyKind::Other { .. } => {}
            }
        }
        let mut outcomes = Vec::new();
        for action in action_refs(node) {
            let Some(decl) = self.check.path_of(&action.path) else {
                continue;
            };
            let mut before = state.clone();
            let call = self.check.action_call(action);
            if let Some(call) = &call {
                self.arguments_in(call, &mut before);
            }
            let mut after = self.run_action(decl, before);
            if let (Some(call), Some(after)) = (&call, &mut after) {
                self.arguments_out(call, false, after);
            }
            outcomes.push((Some(decl), after));
        }
        if !has_default {
            outcomes.push((None, Some(state)));
        }
        outcomes
    }

    /// A key may be a field of a header that is not valid, if another key says whether it is.
    fn key(&mut self, expr: &'a Expr, state: &mut State) {
        let place = self.place(expr);
        let is_header_field = match &expr.kind {
            ExprKind::Member { base, .. } => self.is_header(self.check.type_of(base)),
            _ => false,
        };
        if place.is_none() && !is_header_field {
            if !matches!(expr.kind, ExprKind::Slice { .. }) {
                self.read(expr, state);
            }
        } else if !is_header_field {
            self.read(expr, state);
        }
    }
}
