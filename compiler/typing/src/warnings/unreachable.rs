//! Statements behind an end, states that nothing leads to, cases behind one that takes all, and states
//! that end without saying how.

use p4rmt_syntax::ast::{self, KeysetKind, Statement, StatementKind, TransitionKind};

use crate::check::Checker;
use crate::rules::is_catch_all;
use crate::walk::{self, Site, Visitor};
use crate::warnings::{Warning, Warnings};

/// Looks for what nothing leads to.
pub(crate) fn check<'a>(
    check: &mut Checker<'a>,
    program: &'a ast::Program,
    warnings: &mut Warnings<'_>,
) {
    walk::program(&mut Unreachable { check, warnings }, program);
}

struct Unreachable<'c, 'w, 'o, 'a> {
    check: &'c mut Checker<'a>,
    warnings: &'w mut Warnings<'o>,
}

impl<'a> Unreachable<'_, '_, '_, 'a> {
    /// The statement behind one that ends its block.
    fn statements(&mut self, statements: &[Statement]) {
        let mut rest = statements.iter();
        if rest.any(ends)
            && let Some(next) = rest.find(|next| !matches!(next.kind, StatementKind::Empty))
        {
            let warning = Warning::Unreachable {
                what: "this statement",
            };
            self.warnings.warn(next.span, &warning);
        }
    }

    fn select(&mut self, cases: &[ast::SelectCase]) {
        let mut seen: Vec<String> = Vec::new();
        let mut takes_all = false;
        for case in cases {
            let key = self.key_of(&case.keyset);
            let is_repeated = key.as_ref().is_some_and(|key| seen.contains(key));
            if takes_all || is_repeated {
                let warning = Warning::Unreachable { what: "this case" };
                self.warnings.warn(case.span, &warning);
            }
            takes_all |= is_catch_all(&case.keyset);
            seen.extend(key);
        }
    }

    /// A keyset of single values, as something to compare.
    fn key_of(&self, keyset: &ast::KeysetTuple) -> Option<String> {
        let mut key = String::new();
        for element in &keyset.elements {
            match &element.kind {
                KeysetKind::Expr(value) => {
                    key.push_str(&format!("{:?};", self.check.value_at(value)?));
                }
                KeysetKind::Default | KeysetKind::DontCare => key.push_str("_;"),
                KeysetKind::Mask(value, mask) => {
                    let (value, mask) = (self.check.value_at(value)?, self.check.value_at(mask)?);
                    key.push_str(&format!("{value:?}&{mask:?};"));
                }
                KeysetKind::Range(first, last) => {
                    let (first, last) = (self.check.value_at(first)?, self.check.value_at(last)?);
                    key.push_str(&format!("{first:?}-{last:?};"));
                }
            }
        }
        Some(key)
    }
}

/// Whether nothing behind a statement in its block is reached.
fn ends(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Return(_)
        | StatementKind::Exit
        | StatementKind::Break
        | StatementKind::Continue => true,
        StatementKind::Block(block) => block.statements.iter().any(ends),
        StatementKind::If {
            then,
            otherwise: Some(otherwise),
            ..
        } => ends(then) && ends(otherwise),
        StatementKind::If { .. }
        | StatementKind::Empty
        | StatementKind::Assign { .. }
        | StatementKind::Call(_)
        | StatementKind::Switch { .. }
        | StatementKind::For { .. }
        | StatementKind::ForIn { .. }
        | StatementKind::Variable(_)
        | StatementKind::Const(_)
        | StatementKind::Instantiation(_) => false,
    }
}

impl<'a> Visitor<'a> for Unreachable<'_, '_, '_, 'a> {
    fn statement(&mut self, _at: Site<'a>, statement: &'a Statement) {
        match &statement.kind {
            StatementKind::Block(block) => self.statements(&block.statements),
            StatementKind::Switch { cases, .. } => {
                for body in cases.iter().filter_map(|case| case.body.as_ref()) {
                    self.statements(&body.statements);
                }
            }
            _ => {}
        }
    }

    fn action(&mut self, _at: Site<'a>, action: &'a ast::Action) {
        self.statements(&action.body.statements);
    }

    fn function(&mut self, _at: Site<'a>, function: &'a ast::Function) {
        self.statements(&function.body.statements);
    }

    fn control(&mut self, control: &'a ast::Control) {
        self.statements(&control.apply.statements);
    }

    fn parser(&mut self, parser: &'a ast::Parser) {
        let mut reached: Vec<&str> = vec!["start"];
        let mut at = 0;
        while let Some(name) = reached.get(at).copied() {
            at += 1;
            let Some(state) = parser.states.iter().find(|state| state.name.text == name) else {
                continue;
            };
            let mut targets: Vec<&ast::Name> = Vec::new();
            match state.transition.as_ref().map(|transition| &transition.kind) {
                None => {}
                Some(TransitionKind::Direct(target)) => targets.push(target),
                Some(TransitionKind::Select { cases, .. }) => {
                    targets.extend(cases.iter().map(|case| &case.state));
                }
            }
            for target in targets {
                if !reached.contains(&target.text.as_str()) {
                    reached.push(&target.text);
                }
            }
        }
        for state in &parser.states {
            if !reached.contains(&state.name.text.as_str()) {
                let warning = Warning::Unreachable { what: "this state" };
                self.warnings.warn(state.name.span, &warning);
            }
        }
    }

    fn state(&mut self, _at: Site<'a>, state: &'a ast::ParserState) {
        match state.transition.as_ref().map(|transition| &transition.kind) {
            None => {
                let warning = Warning::ImplicitReject {
                    name: state.name.text.clone(),
                };
                self.warnings.warn(state.name.span, &warning);
            }
            Some(TransitionKind::Select { cases, .. }) => self.select(cases),
            Some(TransitionKind::Direct(_)) => {}
        }
    }
}
