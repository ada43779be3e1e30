//! Statements: where each may stand, labels of switches, and functions that end without a value
//! (clauses 10, 12).

use p4rmt_syntax::ast::{self, Expr, ExprKind, Statement, StatementKind, SwitchCase, SwitchLabel};

use crate::check::Checker;
use crate::rules::instances::place_name;
use crate::rules::violation::Violation;
use crate::types::{Type, TypeKind};
use crate::value::Value;
use crate::walk::{self, Body, Site, Visitor};

/// Looks at all statements of a program.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    walk::program(&mut Statements { check }, program);
}

struct Statements<'c, 'a> {
    check: &'c mut Checker<'a>,
}

impl<'a> Statements<'_, 'a> {
    fn misplaced(&mut self, what: &'static str, place: &'static str, statement: &Statement) {
        let violation = Violation::StatementPlace { what, place };
        self.check.violate(statement.span, violation);
    }

    fn switch(&mut self, at: Site<'a>, subject: &'a Expr, cases: &'a [SwitchCase]) {
        self.default_is_last(cases);
        let ty = self.check.type_of(subject);
        match *self.check.types.kind(ty) {
            TypeKind::Poison => {}
            TypeKind::ActionRun(table) => {
                if at.body != Body::Apply {
                    self.check.violate(subject.span, Violation::ActionRun);
                }
                self.action_labels(table, cases);
            }
            _ => self.value_labels(cases),
        }
    }

    fn default_is_last(&mut self, cases: &[SwitchCase]) {
        let mut default = None;
        for case in cases {
            let span = match &case.label {
                SwitchLabel::Default(span) => *span,
                SwitchLabel::Expr(label) => label.span,
            };
            match default {
                Some(first) => {
                    let note = "`default` stands here";
                    self.check
                        .violate_with(span, Violation::DefaultNotLast, first, note);
                    return;
                }
                None => {
                    if matches!(case.label, SwitchLabel::Default(_)) {
                        default = Some(span);
                    }
                }
            }
        }
    }

    /// Labels of a switch over the actions of a table.
    fn action_labels(&mut self, table: crate::decl::DeclId, cases: &'a [SwitchCase]) {
        let crate::decl::Node::Table(node) = self.check.decl(table).node else {
            return;
        };
        let listed: Vec<_> = crate::rules::tables::action_refs(node)
            .filter_map(|action| self.check.path_of(&action.path))
            .collect();
        let mut seen = Vec::new();
        for case in cases {
            let SwitchLabel::Expr(label) = &case.label else {
                continue;
            };
            let named = match &label.kind {
                ExprKind::Path(path) => match self.check.path_of(path) {
                    Some(decl) => decl,
                    // Its name has been complained about.
                    None if self.check.type_of(label).is_poison() => continue,
                    None => {
                        self.not_an_action(node, label);
                        continue;
                    }
                },
                _ => {
                    self.not_an_action(node, label);
                    continue;
                }
            };
            if !listed.contains(&named) {
                self.not_an_action(node, label);
                continue;
            }
            match seen.iter().find(|(other, _)| *other == named) {
                Some((_, first)) => self.duplicate(label, *first),
                None => seen.push((named, label.span)),
            }
        }
    }

    fn not_an_action(&mut self, table: &ast::Table, label: &Expr) {
        let violation = Violation::ActionLabel {
            table: table.name.text.clone(),
        };
        self.check
            .violate_with(label.span, violation, table.name.span, "the table");
    }

    /// Labels of a switch over values.
    fn value_labels(&mut self, cases: &'a [SwitchCase]) {
        let mut seen: Vec<(Value, p4rmt_source::Span)> = Vec::new();
        for case in cases {
            let SwitchLabel::Expr(label) = &case.label else {
                continue;
            };
            if self.check.type_of(label).is_poison() {
                continue;
            }
            let Some(value) = self.check.value_at(label) else {
                continue;
            };
            match seen.iter().find(|(other, _)| *other == value) {
                Some((_, first)) => self.duplicate(label, *first),
                None => seen.push((value, label.span)),
            }
        }
    }

    fn duplicate(&mut self, label: &Expr, first: p4rmt_source::Span) {
        self.check
            .violate_with(label.span, Violation::DuplicateLabel, first, "first here");
    }
}

impl<'a> Visitor<'a> for Statements<'_, 'a> {
    fn statement(&mut self, at: Site<'a>, statement: &'a Statement) {
        match &statement.kind {
            StatementKind::Return(_) => {
                if at.body == Body::State {
                    self.misplaced("`return`", "a parser's state", statement);
                }
            }
            StatementKind::Exit => {
                if matches!(at.body, Body::State | Body::Function | Body::Method) {
                    self.misplaced("`exit`", place_name(at.body), statement);
                }
            }
            StatementKind::Switch { subject, cases } => {
                if at.body == Body::State {
                    self.misplaced("`switch`", "a parser's state", statement);
                }
                self.switch(at, subject, cases);
            }
            StatementKind::Empty
            | StatementKind::Assign { .. }
            | StatementKind::Call(_)
            | StatementKind::If { .. }
            | StatementKind::Block(_)
            | StatementKind::Break
            | StatementKind::Continue
            | StatementKind::For { .. }
            | StatementKind::ForIn { .. }
            | StatementKind::Variable(_)
            | StatementKind::Const(_)
            | StatementKind::Instantiation(_) => {}
        }
    }

    fn function(&mut self, _at: Site<'a>, function: &'a ast::Function) {
        let result = self.check.written(&function.prototype.result);
        if result == Type::VOID || result.is_poison() || block_returns(&function.body) {
            return;
        }
        let name = &function.prototype.name;
        // What a function returns is asked once it is right by itself.
        if self.check.has_error_in(name.span.join(function.body.span)) {
            return;
        }
        let violation = Violation::MissingReturn {
            name: name.text.clone(),
        };
        self.check.violate(name.span, violation);
    }
}

/// Whether a block cannot end without a `return`.
fn block_returns(block: &ast::Block) -> bool {
    block.statements.iter().any(returns)
}

fn returns(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Return(_) | StatementKind::Exit => true,
        StatementKind::Block(block) => block_returns(block),
        StatementKind::If {
            then,
            otherwise: Some(otherwise),
            ..
        } => returns(then) && returns(otherwise),
        StatementKind::Switch { cases, .. } => {
            let has_default = cases
                .iter()
                .any(|case| matches!(case.label, SwitchLabel::Default(_)));
            let last_has_body = cases.last().is_some_and(|case| case.body.is_some());
            has_default
                && last_has_body
                && cases
                    .iter()
                    .all(|case| case.body.as_ref().is_none_or(block_returns))
        }
        StatementKind::If { .. }
        | StatementKind::Empty
        | StatementKind::Assign { .. }
        | StatementKind::Call(_)
        | StatementKind::Break
        | StatementKind::Continue
        | StatementKind::For { .. }
        | StatementKind::ForIn { .. }
        | StatementKind::Variable(_)
        | StatementKind::Const(_)
        | StatementKind::Instantiation(_) => false,
    }
}
