//! The states of a parser, their transitions and select expressions.

use std::collections::HashMap;

use p4rmt_syntax::ast::{self, Name, TransitionKind};

use crate::check::Checker;
use crate::decl::{DeclId, Node};
use crate::error::ErrorKind;
use crate::keysets;
use crate::types::Type;

/// Checks the states of a parser, which may be used before they are declared.
pub(crate) fn check_states<'a>(check: &mut Checker<'a>, parser: &'a ast::Parser) {
    let mut states: HashMap<&'a str, DeclId> = HashMap::new();
    for state in &parser.states {
        let id = check.declare(&state.name, Node::State(state));
        match states.get(state.name.text.as_str()).copied() {
            Some(first) => check.duplicate(id, first),
            None => {
                states.insert(&state.name.text, id);
            }
        }
    }
    for state in &parser.states {
        check.scoped(|check| {
            check.statements(&state.statements);
            if let Some(transition) = &state.transition {
                check_transition(check, &transition.kind, &states);
            }
        });
    }
}

fn check_transition<'a>(
    check: &mut Checker<'a>,
    transition: &'a TransitionKind,
    states: &HashMap<&'a str, DeclId>,
) {
    match transition {
        TransitionKind::Direct(name) => check_target(check, name, states),
        TransitionKind::Select { subjects, cases } => {
            let types: Vec<Type> = subjects
                .iter()
                .map(|subject| {
                    let operand = check.infer(subject);
                    check.needs_value(subject, operand.ty);
                    operand.ty
                })
                .collect();
            for case in cases {
                keysets::check_keyset(check, &case.keyset, &types);
                check_target(check, &case.state, states);
            }
        }
    }
}

fn check_target(check: &mut Checker<'_>, name: &Name, states: &HashMap<&str, DeclId>) {
    match states.get(name.text.as_str()) {
        Some(id) => check.record_name(name, *id),
        None if matches!(name.text.as_str(), "accept" | "reject") => {}
        None => {
            let kind = ErrorKind::UnknownState {
                name: name.text.clone(),
            };
            let mut known: Vec<&str> = states.keys().copied().collect();
            known.extend(["accept", "reject"]);
            known.sort_unstable();
            let near = p4rmt_source::did_you_mean(&name.text, known);
            check.error_near(name.span, &kind, near);
        }
    }
}
