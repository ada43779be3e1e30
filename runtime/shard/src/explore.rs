//! All ways through a parser, and behind each the match-action part: a tree of questions to the bytes of a packet,
//! with what it touches at the leaves.
//!
//! On each way the place of every header is fixed, unless its length varies, from where on nothing more is known
//! of the packet. A packet that ends early takes a way of its own.

use std::collections::HashMap;

use p4rmt_engine::{OnParserError, Ref, State};
use p4rmt_ir::{
    self as ir, Bits, Call, CallKind, Expr, Gress, GressId, GressRole, HeaderId, Id, KeySet, Place,
    StateId, Stmt, StmtKind, Target, Transition,
};
use p4rmt_source::Span;

use crate::execute::{Access, Execution, INGRESS_PORT, machine_value};
use crate::graph::{Graph, Value, ValueId};
use crate::tables::Summaries;
use crate::{Bounds, Cause, NoKey};

/// The number of a node.
pub(crate) type NodeId = usize;

/// A question to a packet, or what follows of the answers.
#[derive(Debug)]
pub(crate) enum Node {
    /// All is known: which of the ends.
    End(usize),
    /// Whether it has so many bits.
    Length {
        bits: u32,
        enough: NodeId,
        short: NodeId,
    },
    /// The first case whose sets hold the keys.
    Select {
        keys: Vec<ValueId>,
        cases: Vec<(Vec<Vec<KeySet>>, NodeId)>,
        otherwise: NodeId,
    },
    /// Any of these.
    Any(Vec<NodeId>),
}

/// Where a packet stands behind the match-action part.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) accesses: Vec<Access>,
    /// Every field; empty where the packet does not come so far.
    pub(crate) fields: Vec<ValueId>,
    /// By place and width of what the parser saw: header and position of the field there.
    pub(crate) origins: HashMap<(u32, u32), (HeaderId, usize)>,
}

/// A gress, explored.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: NodeId,
    pub(crate) ends: Vec<End>,
}

/// So many nodes are enough for any parser that a machine has room for.
const MAX_NODES: usize = 1 << 12;

/// So many states one behind the other.
const MAX_DEPTH: usize = 128;

/// Fields, and how far the parser is.
#[derive(Clone)]
struct Stand {
    fields: Vec<ValueId>,
    /// In bits; none behind what varies.
    cursor: Option<u32>,
    origins: HashMap<(u32, u32), (HeaderId, usize)>,
    /// What is written when parsing ends.
    deposits: Vec<(Place, ValueId)>,
}

struct Explorer<'a, 's> {
    graph: &'a mut Graph,
    summaries: &'a mut Summaries<'s>,
    state: &'a State,
    gress: &'a Gress,
    id: GressId,
    on_error: OnParserError,
    /// Bits of what the parser sees that hang on the clock.
    clock: Bounds,
    tree: Tree,
    refusal: Option<NoKey>,
}

/// Explores a gress.
pub(crate) fn explore(
    graph: &mut Graph,
    summaries: &mut Summaries<'_>,
    state: &State,
    id: GressId,
    inputs: &[ir::FieldId],
    clock: Bounds,
) -> Result<Tree, NoKey> {
    let layout = state.layout();
    let gress = &layout.pipe().gresses[id];
    let widths = gress.fields.values().map(|field| field.width);
    let mut fields: Vec<ValueId> = widths.map(|width| graph.bits(Bits::zero(width))).collect();
    if gress.role == GressRole::Whole {
        for (name, field) in &gress.intrinsics {
            let width = gress.fields[*field].width;
            fields[field.index()] = if name == INGRESS_PORT {
                graph.add(Value::Port { width })
            } else {
                machine_value(graph, gress, *field)
            };
        }
    }
    for field in inputs {
        if gress.intrinsics.get(INGRESS_PORT) != Some(field) {
            fields[field.index()] = machine_value(graph, gress, *field);
        }
    }
    let mut explorer = Explorer {
        graph,
        summaries,
        state,
        gress,
        id,
        on_error: OnParserError::new(layout.program(), gress),
        clock,
        tree: Tree {
            nodes: Vec::new(),
            root: 0,
            ends: Vec::new(),
        },
        refusal: None,
    };
    let stand = Stand {
        fields,
        cursor: Some(0),
        origins: HashMap::new(),
        deposits: Vec::new(),
    };
    let root = explorer.state(gress.parser.start, stand, 0);
    explorer.tree.root = root;
    match explorer.refusal {
        Some(refusal) => Err(refusal),
        None => Ok(explorer.tree),
    }
}

impl Explorer<'_, '_> {
    fn node(&mut self, node: Node) -> NodeId {
        if self.tree.nodes.len() >= MAX_NODES {
            self.refuse_paths();
        }
        self.tree.nodes.push(node);
        self.tree.nodes.len() - 1
    }

    fn refuse_paths(&mut self) {
        let gress = match self.gress.role {
            GressRole::Ingress => "the ingress",
            GressRole::Egress => "the egress",
            GressRole::Whole => "the program",
        };
        self.refusal.get_or_insert(NoKey::TooManyPaths {
            gress,
            available: MAX_NODES,
        });
    }

    fn state(&mut self, id: StateId, stand: Stand, depth: usize) -> NodeId {
        if depth >= MAX_DEPTH {
            self.refuse_paths();
        }
        if self.refusal.is_some() {
            return 0;
        }
        let state = &self.gress.parser.states[id];
        self.steps(&state.body, &state.transition, stand, depth)
    }

    /// Statements of a state, then its transition.
    fn steps(
        &mut self,
        steps: &[Stmt],
        transition: &Transition,
        mut stand: Stand,
        depth: usize,
    ) -> NodeId {
        let Some((stmt, rest)) = steps.split_first() else {
            return self.transition(transition, stand, depth);
        };
        if let Some(bits) = self.lookahead(stmt, stand.cursor) {
            return self.length(bits, stand, depth, |this, stand| {
                this.after(stmt, rest, transition, stand, depth)
            });
        }
        if let StmtKind::Extract {
            header,
            varbit_bits: None,
        } = &stmt.kind
            && let Some(start) = stand.cursor
        {
            let header = *header;
            let declared = &self.gress.headers[header];
            let widths = declared
                .fields
                .iter()
                .map(|of| self.gress.fields[*of].width);
            let end = widths.fold(start, u32::saturating_add);
            return self.length(end, stand, depth, |this, mut stand| {
                this.extract(header, start, &mut stand);
                stand.cursor = Some(end);
                this.steps(rest, transition, stand, depth)
            });
        }
        if let StmtKind::Advance { bits } = &stmt.kind {
            let by = self.value(bits, &mut stand);
            let by = self.graph.constant(by).and_then(Bits::to_u64);
            let by = by.and_then(|by| u32::try_from(by).ok());
            let end = stand.cursor.zip(by);
            if let Some(end) = end.and_then(|(start, by)| start.checked_add(by)) {
                return self.length(end, stand, depth, |this, mut stand| {
                    stand.cursor = Some(end);
                    this.steps(rest, transition, stand, depth)
                });
            }
        }
        self.after(stmt, rest, transition, stand, depth)
    }

    /// A statement that asks nothing more of the length, then the rest.
    fn after(
        &mut self,
        stmt: &Stmt,
        rest: &[Stmt],
        transition: &Transition,
        mut stand: Stand,
        depth: usize,
    ) -> NodeId {
        match &stmt.kind {
            StmtKind::Assign { dst, value } => {
                let value = self.value(value, &mut stand);
                self.store(dst, value, &mut stand);
            }
            StmtKind::Call(call) => self.call(call, stmt.span, &mut stand),
            StmtKind::Verify { cond, .. } => {
                let cond = self.value(cond, &mut stand);
                if !self.graph.is_true(cond) {
                    let failed = self.fail(stand.clone());
                    let holds = self.steps(rest, transition, stand, depth);
                    return self.branch(cond, holds, failed);
                }
            }
            StmtKind::Extract { header, .. } => {
                // Of varying length, or behind what is: it may be too long for the packet.
                let failed = self.fail(stand.clone());
                self.extract_varying(*header, stmt.span, &mut stand);
                let goes_on = self.steps(rest, transition, stand, depth);
                return self.node(Node::Any(vec![goes_on, failed]));
            }
            StmtKind::Advance { .. } => {
                let failed = self.fail(stand.clone());
                stand.cursor = None;
                let goes_on = self.steps(rest, transition, stand, depth);
                return self.node(Node::Any(vec![goes_on, failed]));
            }
            StmtKind::If { .. }
            | StmtKind::Labeled { .. }
            | StmtKind::Loop { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Apply { .. }
            | StmtKind::Emit { .. } => return self.branching(stmt, rest, transition, stand, depth),
        }
        self.steps(rest, transition, stand, depth)
    }

    /// A statement with statements in it: each side is a way of its own.
    fn branching(
        &mut self,
        stmt: &Stmt,
        rest: &[Stmt],
        transition: &Transition,
        mut stand: Stand,
        depth: usize,
    ) -> NodeId {
        let joined = |body: &[Stmt]| [body, rest].concat();
        match &stmt.kind {
            StmtKind::If {
                cond,
                then,
                otherwise,
            } if !leaves(then) && !leaves(otherwise) => {
                let cond = self.value(cond, &mut stand);
                let yes = self.steps(&joined(then), transition, stand.clone(), depth + 1);
                let no = self.steps(&joined(otherwise), transition, stand, depth + 1);
                self.branch(cond, yes, no)
            }
            StmtKind::Labeled { body, .. } if !leaves(body) => {
                self.steps(&joined(body), transition, stand, depth + 1)
            }
            _ => {
                // Wherever it goes, nothing is known any more.
                let failed = self.fail(stand.clone());
                let unknown = self.graph.unknown_of(Cause::Loop, stmt.span);
                stand.fields.fill(unknown);
                stand.cursor = None;
                let goes_on = self.steps(rest, transition, stand, depth);
                self.node(Node::Any(vec![goes_on, failed]))
            }
        }
    }

    /// Two ways by a condition.
    fn branch(&mut self, cond: ValueId, yes: NodeId, no: NodeId) -> NodeId {
        if self.graph.is_true(cond) {
            return yes;
        }
        if self.graph.is_false(cond) {
            return no;
        }
        if self.graph.unknown(cond).is_some() {
            return self.node(Node::Any(vec![yes, no]));
        }
        let holds = vec![KeySet::Exact(Bits::from_bool(true))];
        self.node(Node::Select {
            keys: vec![cond],
            cases: vec![(vec![holds], yes)],
            otherwise: no,
        })
    }

    /// Asks for a length; a packet that is shorter fails here.
    fn length(
        &mut self,
        bits: u32,
        stand: Stand,
        _depth: usize,
        goes_on: impl FnOnce(&mut Self, Stand) -> NodeId,
    ) -> NodeId {
        let short = self.fail(stand.clone());
        let enough = goes_on(self, stand);
        self.node(Node::Length {
            bits,
            enough,
            short,
        })
    }

    /// Up to where a statement looks ahead, if it does.
    fn lookahead(&self, stmt: &Stmt, cursor: Option<u32>) -> Option<u32> {
        let cursor = cursor?;
        let exprs: Vec<&Expr> = match &stmt.kind {
            StmtKind::Assign { value, .. } => vec![value],
            StmtKind::Call(call) => call.args(),
            StmtKind::Verify { cond, error } => vec![cond, error],
            StmtKind::If { cond, .. } => vec![cond],
            StmtKind::Advance { bits } => vec![bits],
            StmtKind::Extract { varbit_bits, .. } => varbit_bits.iter().collect(),
            StmtKind::Apply { .. }
            | StmtKind::Labeled { .. }
            | StmtKind::Loop { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Emit { .. } => Vec::new(),
        };
        furthest(&exprs, cursor)
    }

    fn transition(&mut self, transition: &Transition, mut stand: Stand, depth: usize) -> NodeId {
        let (keys, cases) = match transition {
            Transition::Goto(target) => return self.target(*target, stand, depth),
            Transition::Select { keys, cases } => (keys, cases),
        };
        let looked = keys.iter().collect::<Vec<_>>();
        let ahead = stand.cursor.and_then(|cursor| furthest(&looked, cursor));
        let values: Vec<ValueId> = keys.iter().map(|key| self.value(key, &mut stand)).collect();
        let failed = self.fail(stand.clone());
        let mut targets: Vec<(Target, NodeId)> = Vec::new();
        let mut leads = Vec::new();
        for case in cases {
            let known = targets.iter().find(|(target, _)| *target == case.target);
            let node = match known {
                Some((_, node)) => *node,
                None => {
                    let node = self.target(case.target, stand.clone(), depth);
                    targets.push((case.target, node));
                    node
                }
            };
            leads.push((self.key_sets(&case.keysets), node));
        }
        let is_unknown = values
            .iter()
            .any(|value| self.graph.unknown(*value).is_some());
        let select = if is_unknown {
            let nodes = leads.into_iter().map(|(_, node)| node);
            self.node(Node::Any(nodes.chain([failed]).collect()))
        } else {
            self.node(Node::Select {
                keys: values,
                cases: leads,
                otherwise: failed,
            })
        };
        match ahead {
            Some(bits) => self.node(Node::Length {
                bits,
                enough: select,
                short: failed,
            }),
            None => select,
        }
    }

    /// The sets of a case, any of which may hold all keys: those of a value set as it stands.
    fn key_sets(&self, keysets: &[KeySet]) -> Vec<Vec<KeySet>> {
        let members = |id: &ir::ValueSetId| {
            let gress = self.id;
            self.state.value_set(Ref { gress, id: *id }).to_vec()
        };
        if let [KeySet::ValueSet(id)] = keysets {
            return members(id);
        }
        let mut all = vec![Vec::new()];
        for keyset in keysets {
            let choices = match keyset {
                KeySet::ValueSet(id) => members(id).into_iter().flatten().collect(),
                KeySet::Any | KeySet::Exact(_) | KeySet::Mask { .. } | KeySet::Range { .. } => {
                    vec![keyset.clone()]
                }
            };
            let before = std::mem::take(&mut all);
            for set in before {
                all.extend(
                    choices
                        .iter()
                        .map(|choice| [&set[..], std::slice::from_ref(choice)].concat()),
                );
            }
        }
        all
    }

    fn target(&mut self, target: Target, stand: Stand, depth: usize) -> NodeId {
        match target {
            Target::State(id) => self.state(id, stand, depth + 1),
            Target::Accept => self.end(stand),
            Target::Reject => self.fail(stand),
        }
    }

    /// A packet that does not parse.
    fn fail(&mut self, mut stand: Stand) -> NodeId {
        if self.on_error.drops {
            self.tree.ends.push(End {
                accesses: Vec::new(),
                fields: Vec::new(),
                origins: HashMap::new(),
            });
            let end = self.tree.ends.len() - 1;
            return self.node(Node::End(end));
        }
        if let Some((field, _)) = &self.on_error.report {
            stand.fields[field.index()] = machine_value(self.graph, self.gress, *field);
        }
        self.end(stand)
    }

    /// The match-action part.
    fn end(&mut self, mut stand: Stand) -> NodeId {
        if self.refusal.is_some() {
            return 0;
        }
        for (place, value) in std::mem::take(&mut stand.deposits) {
            self.store(&place, value, &mut stand);
        }
        let mut execution = Execution::new(
            self.graph,
            self.summaries,
            self.gress,
            self.id,
            stand.fields,
        );
        execution.run();
        let (accesses, fields) = (execution.accesses, execution.fields);
        self.refusal = execution.refusal;
        let mut accesses: Vec<Access> = accesses;
        accesses.retain(|access| !self.graph.is_false(access.condition));
        self.tree.ends.push(End {
            accesses,
            fields,
            origins: stand.origins,
        });
        let end = self.tree.ends.len() - 1;
        self.node(Node::End(end))
    }

    fn extract(&mut self, id: HeaderId, start: u32, stand: &mut Stand) {
        let header = &self.gress.headers[id];
        let mut offset = start;
        for (position, field) in header.fields.iter().enumerate() {
            let width = self.gress.fields[*field].width;
            stand.fields[field.index()] = self.input(offset, width);
            stand.origins.insert((offset, width), (id, position));
            offset += width;
        }
        stand.fields[header.valid.index()] = self.graph.truth(true);
    }

    fn extract_varying(&mut self, id: HeaderId, span: Span, stand: &mut Stand) {
        let header = &self.gress.headers[id];
        let unknown = self.graph.unknown_of(Cause::Varying, span);
        let widths = header.varbit.map(|(_, width)| width);
        for field in header.fields.iter().copied().chain(widths) {
            stand.fields[field.index()] = unknown;
        }
        stand.fields[header.valid.index()] = self.graph.truth(true);
        stand.cursor = None;
    }

    /// Bits of what the parser sees, but for those of the clock.
    fn input(&mut self, offset: u32, width: u32) -> ValueId {
        if offset < self.clock.end && offset.saturating_add(width) > self.clock.start {
            return self.graph.unknown_of(Cause::Clock, self.gress.parser.span);
        }
        self.graph.add(Value::Input { offset, width })
    }

    /// The value of an expression, with what lies ahead.
    fn value(&mut self, expr: &Expr, stand: &mut Stand) -> ValueId {
        match expr {
            Expr::Lookahead { offset, width } => match stand.cursor {
                Some(cursor) => self.input(cursor.saturating_add(*offset), *width),
                None => {
                    let span = self.gress.parser.span;
                    self.graph.unknown_of(Cause::Varying, span)
                }
            },
            Expr::Slice { arg, hi, lo } => {
                let arg = self.value(arg, stand);
                self.graph.slice(arg, *hi, *lo)
            }
            Expr::Unary { op, arg } => {
                let arg = self.value(arg, stand);
                self.graph.unary(*op, arg)
            }
            Expr::Binary { op, lhs, rhs } => {
                let (lhs, rhs) = (self.value(lhs, stand), self.value(rhs, stand));
                self.graph.binary(*op, lhs, rhs)
            }
            Expr::Resize {
                arg,
                width,
                is_signed,
            } => {
                let arg = self.value(arg, stand);
                self.graph.resize(arg, *width, *is_signed)
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                let cond = self.value(cond, stand);
                let (then, otherwise) = (self.value(then, stand), self.value(otherwise, stand));
                self.graph.mux(cond, then, otherwise)
            }
            Expr::Const(bits) => self.graph.bits(bits.clone()),
            Expr::Field(field) => stand.fields[field.index()],
            Expr::Param { .. } | Expr::Local { .. } | Expr::MathUnit { .. } | Expr::Lane(_) => {
                self.graph.unknown_of(Cause::Varying, Span::NONE)
            }
        }
    }

    fn store(&mut self, place: &Place, value: ValueId, stand: &mut Stand) {
        let fields = std::mem::take(&mut stand.fields);
        let always = self.graph.truth(true);
        let mut execution = Execution::new(self.graph, self.summaries, self.gress, self.id, fields);
        if place.field().is_some() {
            execution.store(place, value, always);
        }
        stand.fields = execution.fields;
    }

    /// Calls of a parser: checksums, and whatever else there may be, of unknown result.
    fn call(&mut self, call: &Call, span: Span, stand: &mut Stand) {
        let cause = match &call.kind {
            CallKind::Checksum { .. } => Cause::Checksum,
            CallKind::Random { .. } => Cause::Random,
            _ => Cause::Varying,
        };
        let unknown = self.graph.unknown_of(cause.clone(), span);
        for place in call.outs.iter().flatten() {
            self.store(place, unknown, stand);
            if cause == Cause::Checksum {
                stand.deposits.push((place.clone(), unknown));
            }
        }
    }
}

/// Up to where expressions look ahead of a cursor, if they do.
fn furthest(exprs: &[&Expr], cursor: u32) -> Option<u32> {
    let mut end = None;
    for expr in exprs {
        expr.walk(&mut |expr| {
            if let Expr::Lookahead { offset, width } = expr {
                let here = cursor.saturating_add(*offset).saturating_add(*width);
                end = end.max(Some(here));
            }
        });
    }
    end
}

/// Whether something in a block leaves it.
fn leaves(block: &[Stmt]) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Leave(_) | StmtKind::Exit | StmtKind::Loop { .. } | StmtKind::Apply { .. } => {
            true
        }
        StmtKind::If {
            then, otherwise, ..
        } => leaves(then) || leaves(otherwise),
        StmtKind::Labeled { body, .. } => leaves(body),
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}
