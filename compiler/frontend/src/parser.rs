//! Parsers: states, transitions, and sub-parsers put in place.
//!
//! States are made as they are reached. Where stacks are not counted at run time, there is one for each
//! state of the program and each position in the header stacks that it is reached with: so `next` and
//! `last` are known elements, and a loop over a stack becomes a chain. A sub-parser cuts the state that
//! applies it in two: its own states lie between, and its `accept` leads to the second half. A
//! condition around it cuts the state, too.

use std::collections::HashMap;
use std::rc::Rc;

use p4rmt_ir::{
    Bits, Block, Case, Id, KeySet, Parser, State, StateId, Target, Transition, ValueSet, ValueSetId,
};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ExprKind, ParserLocal, StatementKind, TransitionKind};
use p4rmt_typing::{Call, Callee, Node};

use crate::args::written_order;
use crate::error::ErrorKind;
use crate::inline::Copy;
use crate::lower::{Lower, MAX_DEPTH};
use crate::scope::{Binding, Instance, Object, ScopeId};

/// How many states a parser may have when everything is put in place.
const MAX_STATES: usize = 4096;

/// A parser or an `apply` of a sub-parser.
struct Run<'a> {
    /// Its declaration.
    decl: &'a ast::Parser,
    /// The scope of its declarations.
    scope: ScopeId,
    /// Its dotted name, in front of the names of its states.
    path: String,
    /// Where its `accept` leads; nothing for the parser itself.
    resume: Option<Point<'a>>,
    /// What is copied out when it accepts.
    copies: Vec<Copy>,
    /// How deep it is nested.
    depth: usize,
}

/// The next free element of each stack.
type Stacks = Vec<(usize, u32)>;

/// A place in a state.
#[derive(Clone)]
struct Point<'a> {
    run: usize,
    state: &'a ast::ParserState,
    /// The statements that are left of each open block, the innermost last; of the state itself first.
    rest: Vec<Rest<'a>>,
    /// Whether the state begins here, with a scope to be opened.
    is_start: bool,
    /// The run that has just accepted.
    accepted: Option<usize>,
}

/// What is left of a block.
#[derive(Clone)]
struct Rest<'a> {
    statements: &'a [ast::Statement],
    scope: ScopeId,
}

/// What tells states of the machine apart.
#[derive(Clone, PartialEq, Eq, Hash)]
struct StateKey {
    run: usize,
    state: *const ast::ParserState,
    rest: Vec<(*const ast::Statement, usize, ScopeId)>,
    accepted: Option<usize>,
    stacks: Stacks,
}

/// A parser under construction.
pub(crate) struct Machine<'a> {
    runs: Vec<Run<'a>>,
    states: Vec<State>,
    ids: HashMap<StateKey, StateId>,
    pending: Vec<(StateId, Point<'a>, Stacks)>,
}

impl<'a> Lower<'a> {
    /// Lowers a parser whose parameters are bound in the current scope.
    pub(crate) fn parser(&mut self, decl: &'a ast::Parser) -> Option<Parser> {
        let mut machine = Machine {
            runs: Vec::new(),
            states: Vec::new(),
            ids: HashMap::new(),
            pending: Vec::new(),
        };
        self.stack_next.clear();
        let scope = self.scopes.open(Some(self.scope));
        let outer = std::mem::replace(&mut self.scope, scope);
        let before = self.block_of(|lower| {
            for local in &decl.locals {
                lower.parser_local(local);
            }
        });
        self.scope = outer;
        machine.runs.push(Run {
            decl,
            scope,
            path: String::new(),
            resume: None,
            copies: Vec::new(),
            depth: 0,
        });
        let entry = if before.is_empty() {
            None
        } else {
            machine.states.push(State {
                name: "$entry".to_owned(),
                body: before,
                transition: Transition::Goto(Target::Reject),
                span: decl.span,
            });
            Some(StateId::from_index(0))
        };
        let start = self.start(&mut machine, 0)?;
        while let Some((id, point, stacks)) = machine.pending.pop() {
            self.stack_next = stacks;
            self.state(&mut machine, id, point);
            if machine.states.len() > MAX_STATES || self.is_exhausted() {
                let (what, limit) = ("parser states", MAX_STATES);
                self.error(decl.span, ErrorKind::TooMany { what, limit });
                return None;
            }
        }
        let start = match (entry, start) {
            (Some(entry), start) => {
                machine.states[entry.index()].transition = Transition::Goto(Target::State(start));
                entry
            }
            (None, start) => start,
        };
        Some(Parser {
            name: decl.head.name.text.clone(),
            states: machine.states.into_iter().collect(),
            start,
            span: decl.span,
        })
    }

    /// A declaration of a parser.
    fn parser_local(&mut self, local: &'a ParserLocal) {
        match local {
            // Typing knows its value.
            ParserLocal::Const(_) => {}
            ParserLocal::Variable(variable) => self.variable_declaration(variable),
            ParserLocal::Instantiation(instance) => {
                let binding = self.instance(instance);
                self.bind(&instance.name, binding);
            }
            ParserLocal::ValueSet(set) => {
                let binding = self.value_set(set);
                self.bind(&set.name, binding);
            }
        }
    }

    /// `value_set<T>(size) name;`
    fn value_set(&mut self, set: &'a ast::ValueSet) -> Binding<'a> {
        let ty = self.ty(&set.element);
        let size = self.size(&set.size, 1, u64::from(u32::MAX));
        let widths = ty.scalar_widths();
        match (size, widths) {
            (Some(size), Some(widths)) => {
                let name = self.control_plane_name(&set.annotations, &set.name.text);
                let id: ValueSetId = self.gress.value_sets.push(ValueSet {
                    name,
                    widths,
                    size,
                    span: set.span,
                });
                Binding::Object(Object::ValueSet(id))
            }
            _ => {
                self.mismatch(set.element.span, "numbers", &ty);
                Binding::Poison
            }
        }
    }

    /// The state of the machine for a place in a state of the program.
    fn state_id(&mut self, machine: &mut Machine<'a>, point: Point<'a>) -> StateId {
        self.stack_next.sort_unstable();
        let key = StateKey {
            run: point.run,
            state: point.state,
            rest: point
                .rest
                .iter()
                .map(|rest| (rest.statements.as_ptr(), rest.statements.len(), rest.scope))
                .collect(),
            accepted: point.accepted,
            stacks: self.stack_next.clone(),
        };
        if let Some(id) = machine.ids.get(&key) {
            return *id;
        }
        let id = StateId::from_index(machine.states.len());
        let run = &machine.runs[point.run];
        let mut name = if run.path.is_empty() {
            point.state.name.text.clone()
        } else {
            format!("{}.{}", run.path, point.state.name.text)
        };
        let n_left = point.rest.first().map_or(0, |rest| rest.statements.len());
        let at = point.state.statements.len() - n_left;
        if at > 0 {
            name = format!("{name}${at}");
        }
        let n_before = machine
            .states
            .iter()
            .filter(|state| {
                state.name == name
                    || state
                        .name
                        .strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.starts_with('#'))
            })
            .count();
        if n_before > 0 {
            name = format!("{name}#{n_before}");
        }
        machine.states.push(State {
            name,
            body: Block::new(),
            transition: Transition::Goto(Target::Reject),
            span: point.state.span,
        });
        machine.ids.insert(key, id);
        machine.pending.push((id, point, self.stack_next.clone()));
        id
    }

    /// Where a name leads, seen from a run.
    pub(crate) fn target(
        &mut self,
        machine: &mut Machine<'a>,
        run: usize,
        name: &'a ast::Name,
    ) -> Target {
        if let Some(id) = self.typed.name(name)
            && let Node::State(state) = self.typed.decl(id).node
        {
            return Target::State(self.start_of(machine, run, state));
        }
        match machine.runs[run].resume.clone() {
            _ if name.text == "reject" => Target::Reject,
            Some(point) => {
                let point = Point {
                    accepted: Some(run),
                    ..point
                };
                Target::State(self.state_id(machine, point))
            }
            None => Target::Accept,
        }
    }

    /// The state of a run that is first.
    fn start(&mut self, machine: &mut Machine<'a>, run: usize) -> Option<StateId> {
        let states = &machine.runs[run].decl.states;
        let start = states.iter().find(|state| state.name.text == "start")?;
        Some(self.start_of(machine, run, start))
    }

    /// The beginning of a state.
    fn start_of(
        &mut self,
        machine: &mut Machine<'a>,
        run: usize,
        state: &'a ast::ParserState,
    ) -> StateId {
        let rest = Rest {
            statements: &state.statements,
            scope: machine.runs[run].scope,
        };
        let point = Point {
            run,
            state,
            rest: vec![rest],
            is_start: true,
            accepted: None,
        };
        self.state_id(machine, point)
    }

    /// Lowers a state from a point on.
    fn state(&mut self, machine: &mut Machine<'a>, id: StateId, mut point: Point<'a>) {
        let outer_scope = self.scope;
        let outer_path = self.path.clone();
        if point.is_start
            && let Some(rest) = point.rest.first_mut()
        {
            rest.scope = self.scopes.open(Some(rest.scope));
        }
        let run_path = machine.runs[point.run].path.clone();
        if !run_path.is_empty() {
            self.path = format!("{outer_path}.{run_path}");
        }
        let mut transition = None;
        let body = self.block_of(|lower| {
            lower.state_depth = lower.blocks.len();
            if let Some(run) = point.accepted.take() {
                let copies = std::mem::take(&mut machine.runs[run].copies);
                lower.copy_out(&copies, point.state.span);
                machine.runs[run].copies = copies;
            }
            point.is_start = false;
            transition = lower.state_body(machine, point);
        });
        machine.states[id.index()].body = body;
        match transition {
            Some(transition) => machine.states[id.index()].transition = transition,
            None => self.lost(machine.states[id.index()].span),
        }
        self.scope = outer_scope;
        self.path = outer_path;
    }

    /// Lowers what is left of a state, up to where it is cut.
    fn state_body(
        &mut self,
        machine: &mut Machine<'a>,
        mut point: Point<'a>,
    ) -> Option<Transition> {
        let state_scope = point.rest.first()?.scope;
        while let Some(innermost) = point.rest.last_mut() {
            self.scope = innermost.scope;
            let Some((statement, others)) = innermost.statements.split_first() else {
                if point.rest.len() == 1 {
                    break;
                }
                point.rest.pop();
                continue;
            };
            innermost.statements = others;
            if let Some((instance, call)) = self.sub_parser(statement) {
                let target = self.enter(machine, &instance, call, point, statement.span);
                return Some(Transition::Goto(
                    target.map_or(Target::Reject, Target::State),
                ));
            }
            if !self.applies_parser(statement) {
                self.statement(statement);
                continue;
            }
            match &statement.kind {
                StatementKind::Block(block) => {
                    let scope = self.scopes.open(Some(self.scope));
                    point.rest.push(Rest {
                        statements: &block.statements,
                        scope,
                    });
                }
                StatementKind::If {
                    condition,
                    then,
                    otherwise,
                } => {
                    let cond = self.scalar(condition)?;
                    let then = self.branch(machine, &point, Some(then));
                    let otherwise = self.branch(machine, &point, otherwise.as_deref());
                    let case = |set, target| Case {
                        keysets: vec![set],
                        target,
                        span: statement.span,
                    };
                    return Some(Transition::Select {
                        keys: vec![cond],
                        cases: vec![
                            case(KeySet::Exact(Bits::from_bool(true)), then),
                            case(KeySet::Any, otherwise),
                        ],
                    });
                }
                _ => {
                    self.unsupported(
                        statement.span,
                        "`apply` of a parser in this statement",
                        "apply it in a state of its own",
                    );
                    return None;
                }
            }
        }
        self.scope = state_scope;
        self.transition(machine, &point)
    }

    /// Where a condition leads: to its branch, and behind it to what is left of the state.
    fn branch(
        &mut self,
        machine: &mut Machine<'a>,
        point: &Point<'a>,
        branch: Option<&'a ast::Statement>,
    ) -> Target {
        let mut point = point.clone();
        if let Some(statement) = branch {
            let scope = self.scopes.open(Some(self.scope));
            point.rest.push(Rest {
                statements: std::slice::from_ref(statement),
                scope,
            });
        }
        Target::State(self.state_id(machine, point))
    }

    /// Whether a sub-parser is applied somewhere in a statement.
    fn applies_parser(&mut self, statement: &'a ast::Statement) -> bool {
        match &statement.kind {
            StatementKind::Call(_) => self.sub_parser(statement).is_some(),
            StatementKind::Block(block) => block
                .statements
                .iter()
                .any(|statement| self.applies_parser(statement)),
            StatementKind::If {
                then, otherwise, ..
            } => {
                self.applies_parser(then)
                    || otherwise
                        .as_deref()
                        .is_some_and(|statement| self.applies_parser(statement))
            }
            StatementKind::Switch { cases, .. } => cases
                .iter()
                .filter_map(|case| case.body.as_ref())
                .flat_map(|body| &body.statements)
                .any(|statement| self.applies_parser(statement)),
            StatementKind::For { body, .. } | StatementKind::ForIn { body, .. } => {
                self.applies_parser(body)
            }
            StatementKind::Empty
            | StatementKind::Assign { .. }
            | StatementKind::Return(_)
            | StatementKind::Exit
            | StatementKind::Break
            | StatementKind::Continue
            | StatementKind::Variable(_)
            | StatementKind::Const(_)
            | StatementKind::Instantiation(_) => false,
        }
    }

    /// The sub-parser that a statement applies, if it is that.
    fn sub_parser(
        &mut self,
        statement: &'a ast::Statement,
    ) -> Option<(Rc<Instance<'a, ast::Parser>>, &'a Call<'a>)> {
        let StatementKind::Call(expr) = &statement.kind else {
            return None;
        };
        let call = self.typed.call(expr)?;
        match (call.callee, &expr.kind) {
            (Callee::Apply(_), ExprKind::Call { callee, .. }) => {
                let ExprKind::Member { base, .. } = &callee.kind else {
                    return None;
                };
                match self.object(base) {
                    Binding::Object(Object::Parser(instance)) => Some((instance, call)),
                    _ => None,
                }
            }
            (Callee::ApplyDirectly(id), _) => match self.typed.decl(id).node {
                Node::Parser(decl) => {
                    let instance = Instance {
                        decl,
                        head: self.typed.signature(call.callee)?,
                        types: Vec::new(),
                        path: decl.head.name.text.clone(),
                        args: Vec::new(),
                    };
                    Some((Rc::new(instance), call))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Enters a sub-parser.
    fn enter(
        &mut self,
        machine: &mut Machine<'a>,
        instance: &Rc<Instance<'a, ast::Parser>>,
        call: &'a Call<'a>,
        resume: Point<'a>,
        span: Span,
    ) -> Option<StateId> {
        let decl = instance.decl;
        let depth = machine.runs[resume.run].depth + 1;
        if depth > MAX_DEPTH {
            self.error(span, ErrorKind::TooDeep { limit: MAX_DEPTH });
            return None;
        }
        let evaluated = self.arguments(call, span)?;
        let types = self.instance_scope(instance, call, span);
        let outer = self.scope;
        self.scope = self.scopes.open(Some(types));
        let params = self.scope;
        for (param, binding) in &instance.args {
            self.scopes.bind(params, *param, binding.clone());
        }
        let order = written_order(call);
        let copies = self.bind_params(&instance.head.params, (&evaluated, &order), span);
        self.scope = self.scopes.open(Some(params));
        let scope = self.scope;
        for local in &decl.locals {
            self.parser_local(local);
        }
        self.scope = outer;
        let path = instance
            .path
            .rsplit('.')
            .next()
            .unwrap_or(&instance.path)
            .to_owned();
        let outer_path = &machine.runs[resume.run].path;
        let path = if outer_path.is_empty() {
            path
        } else {
            format!("{outer_path}.{path}")
        };
        machine.runs.push(Run {
            decl,
            scope,
            path,
            resume: Some(resume),
            copies,
            depth,
        });
        let run = machine.runs.len() - 1;
        self.start(machine, run)
    }

    /// Where a state goes.
    fn transition(&mut self, machine: &mut Machine<'a>, point: &Point<'a>) -> Option<Transition> {
        let Some(transition) = &point.state.transition else {
            return Some(Transition::Goto(Target::Reject));
        };
        match &transition.kind {
            TransitionKind::Direct(name) => {
                Some(Transition::Goto(self.target(machine, point.run, name)))
            }
            TransitionKind::Select { subjects, cases } => {
                self.select(machine, point.run, subjects, cases)
            }
        }
    }
}
