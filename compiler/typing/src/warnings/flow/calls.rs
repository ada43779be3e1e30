//! Calls: arguments are read, what is called runs if it is an action, and arguments are written.

use p4rmt_syntax::ast::{self, ArgumentValue, Direction, Expr, ExprKind};

use crate::decl::{DeclId, Node};
use crate::typed::{ArgSource, Builtin, Call, Callee};
use crate::warnings::flow::Flow;
use crate::warnings::state::{Fact, State, merge};

/// How deep actions are followed into the actions that they call.
const MAX_DEPTH: usize = 8;

impl<'a> Flow<'_, '_, '_, 'a> {
    /// Evaluates a call; `None` if nothing comes after it.
    pub(super) fn evaluate(&mut self, expr: &'a Expr, mut state: State) -> Option<State> {
        let ExprKind::Call { callee, args, .. } = &expr.kind else {
            self.read(expr, &mut state);
            return Some(state);
        };
        let Some(call) = self.check.call_of(expr) else {
            return Some(state);
        };
        match call.callee {
            Callee::Builtin(builtin) => {
                self.builtin(builtin, callee, args, &mut state);
                Some(state)
            }
            Callee::ApplyTable(table) => {
                let outcomes = self.apply(table, state);
                outcomes
                    .into_iter()
                    .fold(None, |state, (_, outcome)| merge(state, outcome))
            }
            Callee::Action(action) => {
                self.arguments_in(&call, &mut state);
                let mut after = self.run_action(action, state)?;
                self.arguments_out(&call, false, &mut after);
                Some(after)
            }
            Callee::Method(method) => {
                if let ExprKind::Member { base, .. } = &callee.kind {
                    self.way(base, &mut state, false);
                }
                self.arguments_in(&call, &mut state);
                let is_extract = self.check.decl(method).name == "extract";
                self.arguments_out(&call, is_extract, &mut state);
                Some(state)
            }
            Callee::Function(_)
            | Callee::ExternFunction(_)
            | Callee::ExternConstructor(_)
            | Callee::Constructor(_)
            | Callee::Apply(_)
            | Callee::ApplyDirectly(_) => {
                self.arguments_in(&call, &mut state);
                self.arguments_out(&call, false, &mut state);
                Some(state)
            }
        }
    }

    /// What the language itself has to call.
    fn builtin(
        &mut self,
        builtin: Builtin,
        callee: &'a Expr,
        args: &'a [ast::Argument],
        state: &mut State,
    ) {
        let ExprKind::Member { base, .. } = &callee.kind else {
            return;
        };
        for arg in args {
            if let ArgumentValue::Expr(value) = &arg.value {
                self.read(value, state);
            }
        }
        match builtin {
            Builtin::SetValid | Builtin::SetInvalid => {
                self.way(base, state, true);
                if let Some(place) = self.place(base) {
                    let is_valid = builtin == Builtin::SetValid;
                    state.set_header(place, if is_valid { Fact::GOOD } else { Fact::BAD });
                }
            }
            Builtin::IsValid | Builtin::PushFront | Builtin::PopFront => {
                self.way(base, state, false)
            }
            Builtin::MinSizeInBits
            | Builtin::MinSizeInBytes
            | Builtin::MaxSizeInBits
            | Builtin::MaxSizeInBytes
            | Builtin::ListSize => {}
        }
    }

    /// Arguments that are read before a call.
    pub(super) fn arguments_in(&mut self, call: &Call<'a>, state: &mut State) {
        for (value, direction) in self.arguments(call) {
            match direction {
                Direction::In | Direction::None | Direction::InOut => {
                    // Whole headers and structs are handed over with whatever is in them.
                    if self.is_single(self.check.type_of(value)) || self.place(value).is_none() {
                        self.read(value, state);
                    } else {
                        self.way(value, state, false);
                    }
                }
                Direction::Out => {}
            }
        }
    }

    /// Arguments that are written after a call.
    pub(super) fn arguments_out(&mut self, call: &Call<'a>, is_extract: bool, state: &mut State) {
        for (value, direction) in self.arguments(call) {
            match direction {
                Direction::Out | Direction::InOut => {
                    if !is_extract {
                        self.write(value, None, state);
                        continue;
                    }
                    self.way(value, state, true);
                    if let Some(place) = self.place(value) {
                        state.set_all(&place);
                        state.set_header(place, Fact::GOOD);
                    }
                }
                Direction::In | Direction::None => {}
            }
        }
    }

    /// The arguments that are given, in the order of the parameters.
    fn arguments(&self, call: &Call<'a>) -> Vec<(&'a Expr, Direction)> {
        let Some(signature) = self.check.signature_of(call) else {
            return Vec::new();
        };
        let pairs = signature.params.iter().zip(&call.args);
        let given = pairs.filter_map(|(param, source)| match source {
            ArgSource::Given(ast::Argument {
                value: ArgumentValue::Expr(value),
                ..
            }) => Some((value, param.direction)),
            _ => None,
        });
        given.collect()
    }

    /// Follows an action from a call of it.
    pub(super) fn run_action(&mut self, action: DeclId, mut state: State) -> Option<State> {
        let Node::Action(node) = self.check.decl(action).node else {
            return Some(state);
        };
        if self.depth == MAX_DEPTH {
            return Some(State::default());
        }
        self.depth += 1;
        self.out_params(&node.params, &mut state);
        let outer = std::mem::take(&mut self.returned);
        let end = self.block(&node.body, state);
        let returned = std::mem::replace(&mut self.returned, outer);
        self.depth -= 1;
        returned
            .into_iter()
            .fold(end, |end, state| merge(end, Some(state)))
    }
}
