//! Trees of statements, parser states, and keysets.

use p4rmt_source::Span;
use pest::iterators::Pair;

use crate::ast::{
    Block, Expr, ExprKind, ForCollection, Keyset, KeysetKind, KeysetTuple, ParserState, SelectCase,
    Statement, StatementKind, SwitchCase, SwitchLabel, Transition, TransitionKind, Variable,
};
use crate::codes;
use crate::grammar::Rule;
use crate::tree::expression::binary_op;
use crate::tree::{Builder, Parts};

impl Builder<'_> {
    pub(super) fn block(&mut self, pair: Pair<'_, Rule>) -> Block {
        let mut parts = self.parts(pair);
        let annotations = self.annotations(&mut parts);
        let statements = self.statements(&mut parts);
        Block {
            annotations,
            statements,
            span: parts.span,
        }
    }

    /// The statements that are next.
    fn statements(&mut self, parts: &mut Parts<'_>) -> Vec<Statement> {
        let mut statements = Vec::new();
        while parts.peek().is_some_and(|rule| rule != Rule::transition) {
            let statement = parts.take();
            statements.push(self.statement(statement));
        }
        statements
    }

    fn statement(&mut self, pair: Pair<'_, Rule>) -> Statement {
        let span = self.span(&pair);
        self.deeper(1, span, |builder| builder.shallow_statement(pair))
            .unwrap_or(Statement {
                kind: StatementKind::Empty,
                span,
            })
    }

    fn shallow_statement(&mut self, pair: Pair<'_, Rule>) -> Statement {
        let rule = pair.as_rule();
        if rule == Rule::block {
            let block = self.block(pair);
            let span = block.span;
            let kind = StatementKind::Block(block);
            return Statement { kind, span };
        }
        let mut parts = self.parts(pair);
        let span = parts.span;
        let kind = match rule {
            Rule::empty_statement => StatementKind::Empty,
            Rule::exit_statement => StatementKind::Exit,
            Rule::break_statement => StatementKind::Break,
            Rule::continue_statement => StatementKind::Continue,
            Rule::return_statement => StatementKind::Return(self.optional_expr(&mut parts)),
            Rule::if_statement => return self.if_statement(parts),
            Rule::switch_statement => self.switch_statement(parts),
            Rule::for_statement => self.for_statement(parts),
            Rule::assignment_or_call | Rule::for_assignment => self.assignment_or_call(parts),
            Rule::for_declaration => {
                let annotations = self.annotations(&mut parts);
                let ty = self.type_ref(parts.take());
                let (ty, name) = self.declarator(ty, parts.take());
                let init = self.optional_expr(&mut parts);
                StatementKind::Variable(Variable {
                    annotations,
                    ty,
                    name,
                    init,
                    span,
                })
            }
            Rule::constant_declaration => {
                let annotations = self.annotations(&mut parts);
                StatementKind::Const(self.constant(parts.take(), annotations, span))
            }
            _ => {
                let annotations = self.annotations(&mut parts);
                match self.variable_or_instance(parts.take(), annotations, span) {
                    Ok(variable) => StatementKind::Variable(variable),
                    Err(instance) => StatementKind::Instantiation(*instance),
                }
            }
        };
        Statement { kind, span }
    }

    /// `if … else if … else …`, a list in the grammar and nested in the tree.
    fn if_statement(&mut self, mut parts: Parts<'_>) -> Statement {
        let span = parts.span;
        let mut arms: Vec<(Expr, Statement, Span)> = Vec::new();
        let mut otherwise = None;
        while let Some(pair) = parts.next() {
            match pair.as_rule() {
                Rule::k_else => {}
                Rule::expr => {
                    let from = self.span(&pair);
                    // Each `else if` is one level deeper than the one before.
                    let n_levels = arms.len() + 1;
                    let then = parts.take();
                    let arm = self.deeper(n_levels, from, |builder| {
                        (builder.expr(pair), builder.statement(then), from)
                    });
                    match arm {
                        Some(arm) => arms.push(arm),
                        None => break,
                    }
                }
                _ => otherwise = Some(Box::new(self.statement(pair))),
            }
        }
        for (condition, then, from) in arms.into_iter().rev() {
            let end = otherwise.as_ref().map_or(then.span, |last| last.span);
            let kind = StatementKind::If {
                condition,
                then: Box::new(then),
                otherwise,
            };
            otherwise = Some(Box::new(Statement {
                kind,
                span: from.join(end),
            }));
        }
        let kind = match otherwise {
            Some(first) => first.kind,
            None => StatementKind::Empty,
        };
        Statement { kind, span }
    }

    fn switch_statement(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let subject = self.expr(parts.take());
        let mut cases = Vec::new();
        while let Some(case) = parts.next() {
            let mut parts = self.parts(case);
            let label = parts.take();
            let label = match label.as_rule() {
                Rule::k_default => SwitchLabel::Default(self.span(&label)),
                _ => SwitchLabel::Expr(self.expr(label)),
            };
            let body = parts.next().map(|block| self.block(block));
            cases.push(SwitchCase {
                label,
                body,
                span: parts.span,
            });
        }
        StatementKind::Switch { subject, cases }
    }

    fn for_statement(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let annotations = self.annotations(&mut parts);
        let head = parts.take();
        let is_in = head.as_rule() == Rule::for_in;
        let mut head = self.parts(head);
        if is_in {
            let mut variable = self.parts(head.take());
            let variable_annotations = self.annotations(&mut variable);
            let ty = self.type_ref(variable.take());
            let name = self.name(&variable.take());
            head.has(Rule::k_in);
            let first = self.expr(head.take());
            head.has(Rule::s_range);
            let collection = match self.optional_expr(&mut head) {
                Some(last) => ForCollection::Range(first, last),
                None => ForCollection::Expr(first),
            };
            return StatementKind::ForIn {
                annotations,
                variable_annotations,
                ty,
                name,
                collection,
                body: Box::new(self.statement(parts.take())),
            };
        }
        let mut init = self.parts(head.take());
        let init = self.statements(&mut init);
        let condition = self.expr(head.take());
        let mut update = self.parts(head.take());
        let update = self.statements(&mut update);
        StatementKind::For {
            annotations,
            init,
            condition,
            update,
            body: Box::new(self.statement(parts.take())),
        }
    }

    fn assignment_or_call(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let target = self.lvalue(parts.take());
        if let Some(assign) = parts.take_if(Rule::assign) {
            let op = assign
                .as_str()
                .strip_suffix('=')
                .filter(|op| !op.is_empty());
            return StatementKind::Assign {
                target,
                op: op.map(binary_op),
                value: self.expr(parts.take()),
            };
        }
        if !matches!(target.kind, ExprKind::Call { .. }) {
            let end = Span::new(target.span.hi, target.span.hi);
            let message = "expected `=` or `(`: a value alone is no statement";
            let help = "assign it, or call it";
            self.error(codes::UNEXPECTED, target.span.join(end), message, help);
        }
        StatementKind::Call(target)
    }

    pub(super) fn state(&mut self, pair: Pair<'_, Rule>) -> ParserState {
        let mut parts = self.parts(pair);
        let annotations = self.annotations(&mut parts);
        let name = self.name(&parts.take());
        let statements = self.statements(&mut parts);
        let transition = parts.next().map(|pair| self.transition(pair));
        ParserState {
            annotations,
            name,
            statements,
            transition,
            span: parts.span,
        }
    }

    fn transition(&mut self, pair: Pair<'_, Rule>) -> Transition {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let target = parts.take();
        if target.as_rule() == Rule::name {
            let kind = TransitionKind::Direct(self.name(&target));
            return Transition { kind, span };
        }
        let mut parts = self.parts(target);
        let subjects = parts.take_if(Rule::expr_list);
        let subjects = subjects.map_or_else(Vec::new, |list| self.expr_list(list));
        let mut cases = Vec::new();
        while let Some(case) = parts.next() {
            let mut parts = self.parts(case);
            let keyset = self.keyset(parts.take());
            let state = self.name(&parts.take());
            cases.push(SelectCase {
                keyset,
                state,
                span: parts.span,
            });
        }
        let kind = TransitionKind::Select { subjects, cases };
        Transition { kind, span }
    }

    pub(super) fn keyset(&mut self, pair: Pair<'_, Rule>) -> KeysetTuple {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let only = parts.take();
        if only.as_rule() == Rule::simple_keyset {
            return KeysetTuple {
                elements: vec![self.simple_keyset(only)],
                is_tuple: false,
                span,
            };
        }
        let mut parts = self.parts(only);
        let mut elements = Vec::new();
        while let Some(element) = parts.next() {
            elements.push(self.simple_keyset(element));
        }
        KeysetTuple {
            elements,
            is_tuple: true,
            span,
        }
    }

    fn simple_keyset(&mut self, pair: Pair<'_, Rule>) -> Keyset {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let first = parts.take();
        let kind = match first.as_rule() {
            Rule::k_default => KeysetKind::Default,
            Rule::dont_care => KeysetKind::DontCare,
            _ => {
                let first = self.expr(first);
                if parts.has(Rule::s_mask) {
                    KeysetKind::Mask(first, self.expr(parts.take()))
                } else if parts.has(Rule::s_range) {
                    KeysetKind::Range(first, self.expr(parts.take()))
                } else {
                    KeysetKind::Expr(first)
                }
            }
        };
        Keyset { kind, span }
    }
}
