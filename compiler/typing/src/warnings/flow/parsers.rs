//! The states of a parser, until what is known at each of them changes no more.

use p4rmt_syntax::ast::{self, KeysetKind, ParserLocal, TransitionKind};

use crate::hash::FastMap;
use crate::warnings::flow::Flow;
use crate::warnings::state::State;

impl<'a> Flow<'_, '_, '_, 'a> {
    pub(super) fn parser_states(&mut self, parser: &'a ast::Parser) {
        let states: FastMap<&str, &'a ast::ParserState> = parser
            .states
            .iter()
            .map(|state| (state.name.text.as_str(), state))
            .collect();
        let mut start = State::default();
        self.out_params(&parser.head.params, &mut start);
        for local in &parser.locals {
            if let ParserLocal::Variable(variable) = local {
                self.variable(variable, &mut start);
            }
        }
        let mut known: FastMap<&str, State> = FastMap::default();
        known.insert("start", start);
        let mut open = vec!["start"];
        let mut n_rounds = 0;
        self.is_quiet = true;
        while let Some(name) = open.pop() {
            n_rounds += 1;
            // What is known only shrinks, so that this ends; the bound is for what nobody writes.
            if n_rounds > 64 * (parser.states.len() + 1) {
                break;
            }
            let (Some(state), Some(before)) = (states.get(name), known.get(name).cloned()) else {
                continue;
            };
            let Some(after) = self.parser_state(state, before) else {
                continue;
            };
            for target in targets(state) {
                let merged = match known.get(target) {
                    Some(other) => other.clone().join(&after),
                    None => after.clone(),
                };
                if known.get(target) != Some(&merged) {
                    known.insert(target, merged);
                    open.push(target);
                }
            }
        }
        self.is_quiet = false;
        for state in &parser.states {
            if let Some(before) = known.remove(state.name.text.as_str()) {
                self.parser_state(state, before);
            }
        }
        if let Some(end) = known.get("accept").cloned() {
            self.out_set(&parser.head.params, &end);
        }
    }

    /// Follows a state to its transition.
    fn parser_state(&mut self, state: &'a ast::ParserState, before: State) -> Option<State> {
        let mut after = self.statements(&state.statements, Some(before))?;
        if let Some(ast::Transition {
            kind: TransitionKind::Select { subjects, cases },
            ..
        }) = &state.transition
        {
            for subject in subjects {
                self.read(subject, &mut after);
            }
            for case in cases {
                for keyset in &case.keyset.elements {
                    match &keyset.kind {
                        KeysetKind::Default | KeysetKind::DontCare => {}
                        KeysetKind::Expr(value) => self.read(value, &mut after),
                        KeysetKind::Mask(first, second) | KeysetKind::Range(first, second) => {
                            self.read(first, &mut after);
                            self.read(second, &mut after);
                        }
                    }
                }
            }
        }
        Some(after)
    }
}

/// The states that a state leads to.
fn targets(state: &ast::ParserState) -> Vec<&str> {
    match state.transition.as_ref().map(|transition| &transition.kind) {
        None => Vec::new(),
        Some(TransitionKind::Direct(name)) => vec![&name.text],
        Some(TransitionKind::Select { cases, .. }) => {
            cases.iter().map(|case| case.state.text.as_str()).collect()
        }
    }
}
