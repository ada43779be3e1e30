//! Values that are read before they are set, and fields of headers that are not valid, along every path
//! of a program (clauses 8.25, 6.8).
//!
//! 1. Functions and actions are followed by themselves, controls with the actions that they and their
//!    tables run, parsers state by state until nothing changes.
//! 2. A condition with `isValid` splits what is known.
//! 3. What is not known is not complained about: headers that come in by a parameter, elements of
//!    stacks, members of unions, whatever an extern writes.
//!
//! | file | what it follows |
//! |---|---|
//! | `statements`, `parsers` | bodies, from statement to statement and from state to state |
//! | `values`, `calls`, `tables` | what evaluating does |
//! | `places` | what is known of variables and their parts |
//! | `complaints` | what is read of it: the warnings |

mod calls;
mod complaints;
mod parsers;
mod places;
mod statements;
mod tables;
mod values;

use p4rmt_syntax::ast::{self, ControlLocal, DeclarationKind};

use crate::check::Checker;
use crate::walk::{self, Body, Site, Visitor};
use crate::warnings::Warnings;
use crate::warnings::state::{State, merge};

/// Follows all paths of a program.
pub(crate) fn check<'a>(
    check: &mut Checker<'a>,
    program: &'a ast::Program,
    warnings: &mut Warnings<'_>,
) {
    let mut flow = Flow {
        check,
        warnings,
        is_quiet: false,
        is_alone: true,
        depth: 0,
        returned: Vec::new(),
        left: Vec::new(),
        continued: Vec::new(),
    };
    walk::program(&mut flow, program);
    flow.is_alone = false;
    for declaration in &program.declarations {
        match &declaration.kind {
            DeclarationKind::Parser(parser) => flow.parser_states(parser),
            DeclarationKind::Control(control) => flow.control_body(control),
            _ => {}
        }
    }
}

struct Flow<'c, 'w, 'o, 'a> {
    check: &'c mut Checker<'a>,
    warnings: &'w mut Warnings<'o>,
    /// Whether only what comes out is asked for.
    is_quiet: bool,
    /// Whether the body is followed by itself, so that no table elsewhere decides on its ways together
    /// with others.
    is_alone: bool,
    depth: usize,
    /// What is known where the body that is followed returns.
    returned: Vec<State>,
    /// What is known where loops are left by `break`.
    left: Vec<State>,
    /// What is known where loops go on by `continue`.
    continued: Vec<State>,
}

/// What runs by itself: functions and actions, whatever calls them.
impl<'a> Visitor<'a> for Flow<'_, '_, '_, 'a> {
    fn action(&mut self, _at: Site<'a>, action: &'a ast::Action) {
        self.callable(&action.params, |flow, state| {
            flow.block(&action.body, state)
        });
    }

    fn function(&mut self, at: Site<'a>, function: &'a ast::Function) {
        // What an abstract method may give, its extern may not ask for.
        let params = match at.body {
            Body::Method => [].as_slice(),
            _ => function.prototype.params.as_slice(),
        };
        self.callable(params, |flow, state| flow.block(&function.body, state));
    }
}

impl<'a> Flow<'_, '_, '_, 'a> {
    /// Follows a body from its parameters to its ends.
    fn callable(
        &mut self,
        params: &'a [ast::Parameter],
        body: impl FnOnce(&mut Self, State) -> Option<State>,
    ) {
        let mut state = State::default();
        self.out_params(params, &mut state);
        let returned = std::mem::take(&mut self.returned);
        let end = body(self, state);
        let returned = std::mem::replace(&mut self.returned, returned);
        let end = returned
            .into_iter()
            .fold(end, |end, state| merge(end, Some(state)));
        if let Some(end) = end {
            self.out_set(params, &end);
        }
    }

    fn control_body(&mut self, control: &'a ast::Control) {
        self.callable(&control.head.params, |flow, mut state| {
            for local in &control.locals {
                if let ControlLocal::Variable(variable) = local {
                    flow.variable(variable, &mut state);
                }
            }
            flow.block(&control.apply, state)
        });
    }
}
