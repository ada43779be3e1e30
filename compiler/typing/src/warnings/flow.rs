//! Values that are read before they are set, and fields of headers that are not valid, along every path
//! of a program (clauses 8.25, 6.8).
//!
//! 1. Functions and actions are followed by themselves, controls with the actions that they and their
//!    tables run, parsers state by state until nothing changes.
//! 2. A condition with `isValid` splits what is known.
//! 3. What is not known is not complained about: headers that come in by a parameter, elements of
//!    stacks, members of unions, whatever an extern writes.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{
    self, ArgumentValue, BinaryOp, ControlLocal, DeclarationKind, Direction, Expr, ExprKind,
    ForCollection, KeysetKind, ParserLocal, PropertyKind, Statement, StatementKind, SwitchLabel,
    TransitionKind, UnaryOp,
};

use crate::check::Checker;
use crate::decl::{DeclId, Node};
use crate::hash::{FastMap, FastSet};
use crate::rules::action_refs;
use crate::typed::{ArgSource, Builtin, Call, Callee, MemberOf};
use crate::types::{Sort, Type, TypeKind};
use crate::value::Value;
use crate::walk::{self, Body, Site, Visitor};
use crate::warnings::state::{Fact, Place, State, merge};
use crate::warnings::{Warning, Warnings};

/// The most parts of a variable that are told apart.
const MAX_PARTS: usize = 256;
/// How deep actions are followed into the actions that they call.
const MAX_DEPTH: usize = 8;
/// How often a loop is followed before what it may change is taken as it is.
const MAX_ROUNDS: usize = 8;

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
    fn warn(&mut self, span: Span, warning: &Warning) {
        if !self.is_quiet {
            self.warnings.warn(span, warning);
        }
    }

    // ------------------------------------------------------------------------------- bodies

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

    fn out_params(&mut self, params: &'a [ast::Parameter], state: &mut State) {
        for param in params {
            if param.direction == Direction::Out
                && let Some(root) = self.check.declared(&param.name)
            {
                self.declare(root, state);
            }
        }
    }

    /// Single values that an `out` parameter takes out have been set.
    fn out_set(&mut self, params: &'a [ast::Parameter], end: &State) {
        for param in params {
            let Some(root) = self.check.declared(&param.name) else {
                continue;
            };
            let is_single =
                param.direction == Direction::Out && self.is_single(self.check.decl(root).ty);
            let place = Place {
                root,
                path: Vec::new(),
            };
            if let Some(fact) = end.values_within(&place)
                && is_single
                && fact.can_be_bad
                && (self.is_alone || !fact.can_be_good)
            {
                let warning = Warning::OutUnset {
                    name: param.name.text.clone(),
                    verb: verb(fact),
                };
                self.warn(param.name.span, &warning);
            }
        }
    }

    fn is_single(&self, ty: Type) -> bool {
        match self.check.types.kind(ty) {
            TypeKind::Bool | TypeKind::Bits { .. } | TypeKind::Error => true,
            TypeKind::Named { sort, .. } => {
                matches!(sort, Sort::Enum | Sort::SerializableEnum | Sort::NewType)
            }
            _ => false,
        }
    }

    /// Declares a variable without a value.
    fn declare(&mut self, root: DeclId, state: &mut State) {
        let ty = self.check.decl(root).ty;
        let place = Place {
            root,
            path: Vec::new(),
        };
        let mut n_parts = 0;
        self.parts(ty, place, state, &mut n_parts);
    }

    fn parts(&mut self, ty: Type, place: Place, state: &mut State, n_parts: &mut usize) {
        *n_parts += 1;
        if *n_parts > MAX_PARTS {
            return;
        }
        if self.is_single(ty) {
            state.set_value(place, Fact::BAD);
            return;
        }
        let TypeKind::Named { sort, .. } = self.check.types.kind(ty) else {
            return;
        };
        match sort {
            Sort::Header => state.set_header(place, Fact::BAD),
            Sort::Struct => {
                if let Some(fields) = self.check.fields_of(ty) {
                    for (position, field) in fields.iter().enumerate() {
                        self.parts(field.ty, place.field(position), state, n_parts);
                    }
                }
            }
            Sort::Union
            | Sort::Enum
            | Sort::SerializableEnum
            | Sort::NewType
            | Sort::Extern
            | Sort::Parser
            | Sort::Control
            | Sort::Package => {}
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

    fn parser_states(&mut self, parser: &'a ast::Parser) {
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

    // --------------------------------------------------------------------------- statements

    fn block(&mut self, block: &'a ast::Block, state: State) -> Option<State> {
        self.statements(&block.statements, Some(state))
    }

    fn statements(
        &mut self,
        statements: &'a [Statement],
        mut state: Option<State>,
    ) -> Option<State> {
        for statement in statements {
            state = self.statement(statement, state?);
        }
        state
    }

    fn variable(&mut self, variable: &'a ast::Variable, state: &mut State) {
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

    fn statement(&mut self, statement: &'a Statement, mut state: State) -> Option<State> {
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

    // --------------------------------------------------------------------------- conditions

    /// What is known where a condition holds, and where it does not.
    fn condition(&mut self, expr: &'a Expr, mut state: State) -> (Option<State>, Option<State>) {
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

    // ------------------------------------------------------------------------------- places

    /// The place that an expression names, if it is one that is known of.
    fn place(&mut self, expr: &Expr) -> Option<Place> {
        match &expr.kind {
            ExprKind::Path(path) => {
                let root = self.check.path_of(path)?;
                match self.check.decl(root).node {
                    Node::Variable(_) | Node::Param(..) => Some(Place {
                        root,
                        path: Vec::new(),
                    }),
                    _ => None,
                }
            }
            ExprKind::Member { base, .. } => {
                let Some(MemberOf::Field(position)) = self.check.member_of(expr) else {
                    return None;
                };
                // A member of a union changes with the others.
                let of = self.check.type_of(base);
                if let TypeKind::Named {
                    sort: Sort::Union, ..
                } = self.check.types.kind(of)
                {
                    return None;
                }
                Some(self.place(base)?.field(position))
            }
            _ => None,
        }
    }

    fn is_header(&self, ty: Type) -> bool {
        matches!(
            self.check.types.kind(ty),
            TypeKind::Named {
                sort: Sort::Header,
                ..
            }
        )
    }

    /// Looks at the way to a place: indices are read, and headers on it are valid.
    fn way(&mut self, expr: &'a Expr, state: &mut State, is_write: bool) {
        match &expr.kind {
            ExprKind::Member { base, .. } => {
                let is_field = matches!(self.check.member_of(expr), Some(MemberOf::Field(_)));
                if is_field
                    && self.is_header(self.check.type_of(base))
                    && let Some(place) = self.place(base)
                    && let Some(fact) = state.header(&place)
                    && fact.can_be_bad
                    && !(is_write && fact.can_be_good)
                {
                    let warning = Warning::InvalidHeader {
                        name: p4rmt_syntax::print_expr(base),
                        verb: verb(fact),
                    };
                    self.warn(expr.span, &warning);
                }
                self.way(base, state, is_write);
            }
            ExprKind::Index { base, index } => {
                self.way(base, state, is_write);
                self.read(index, state);
            }
            ExprKind::Slice { base, .. } => self.way(base, state, is_write),
            ExprKind::PlusSlice { base, lo, .. } => {
                self.way(base, state, is_write);
                self.read(lo, state);
            }
            ExprKind::Path(_) => {}
            _ => self.read(expr, state),
        }
    }

    /// Writes to a place, from a value if there is one.
    fn write(&mut self, target: &'a Expr, value: Option<&'a Expr>, state: &mut State) {
        self.way(target, state, true);
        let mut whole = target;
        let mut is_part = false;
        while let ExprKind::Slice { base, .. } | ExprKind::PlusSlice { base, .. } = &whole.kind {
            whole = base;
            is_part = true;
        }
        let Some(place) = self.place(whole) else {
            return;
        };
        match value {
            Some(value) if !is_part => {
                let ty = self.check.type_of(whole);
                self.store(&place, ty, value, state);
            }
            _ => {
                state.set_all(&place);
                state.forget_headers(&place);
            }
        }
    }

    /// What is known of a place once it has a value.
    fn store(&mut self, place: &Place, ty: Type, value: &Expr, state: &mut State) {
        state.set_all(place);
        let from = self.place(value);
        match (&value.kind, from) {
            (_, Some(from)) => state.copy_headers(place, &from),
            (ExprKind::Invalid, _) if self.is_header(ty) => {
                state.set_header(place.clone(), Fact::BAD);
            }
            (ExprKind::List(_) | ExprKind::Struct { .. }, _) if self.is_header(ty) => {
                state.set_header(place.clone(), Fact::GOOD);
            }
            _ => state.forget_headers(place),
        }
    }

    // ---------------------------------------------------------------------------- expressions

    /// Reads the value of an expression, with all that evaluating it does.
    fn read(&mut self, expr: &'a Expr, state: &mut State) {
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

    fn unset(&mut self, expr: &Expr, fact: Fact) {
        // A struct of which only some fields are set is passed on as it is, and where tables decide
        // on several ways at once, that none of them goes by is theirs to know.
        let may_be_meant = !self.is_alone || !self.is_single(self.check.type_of(expr));
        if fact.can_be_good && may_be_meant {
            return;
        }
        let warning = Warning::Unset {
            name: p4rmt_syntax::print_expr(expr),
            verb: verb(fact),
        };
        self.warn(expr.span, &warning);
    }

    // ---------------------------------------------------------------------------------- calls

    /// Evaluates a call; `None` if nothing comes after it.
    fn evaluate(&mut self, expr: &'a Expr, mut state: State) -> Option<State> {
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
    fn arguments_in(&mut self, call: &Call<'a>, state: &mut State) {
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
    fn arguments_out(&mut self, call: &Call<'a>, is_extract: bool, state: &mut State) {
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
    fn run_action(&mut self, action: DeclId, mut state: State) -> Option<State> {
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

    /// Applies a table: what is known after each action that it may run, and after none.
    fn apply(&mut self, table: DeclId, mut state: State) -> Vec<(Option<DeclId>, Option<State>)> {
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

/// What is known behind both ways of a condition.
fn merge_tested(left: Option<State>, right: Option<State>, before: &State) -> Option<State> {
    let mut after = merge(left, right)?;
    after.forget_tests(before);
    Some(after)
}

fn verb(fact: Fact) -> &'static str {
    if fact.can_be_good { "may be" } else { "is" }
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
