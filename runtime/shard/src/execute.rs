//! Runs the match-action part of a gress on values instead of numbers: which memory a packet touches, by which
//! indices, under which conditions.
//!
//! Both branches of a condition run, and what they write is [`Graph::mux`] of the two. So do all actions that a table can
//! lead to with the entries that it has. What a register returns is unknown.

use std::collections::HashMap;

use p4rmt_engine::Ref;
use p4rmt_ir::{
    ActionId, BinaryOp, Bits, Block, Body, Call, CallKind, ControlRole, Datum, Expr, FieldId,
    FieldKind, Gress, GressId, Id, LabelId, LocalId, MeterId, Node, Outcome, Place, RegisterId,
    Seq, Stmt, StmtKind, TableId, V1Call,
};
use p4rmt_source::Span;

use crate::graph::{Graph, Lookup, LookupId, Value, ValueId};
use crate::tables::Summaries;
use crate::{Cause, NoKey};

/// Memory that is not merely added to: an array of a gress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Array {
    Register(Ref<RegisterId>),
    /// A meter or filter.
    Meter(Ref<MeterId>),
}

/// That a packet touches memory.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) array: Array,
    pub(crate) index: ValueId,
    /// One bit; unknown counts as true.
    pub(crate) condition: ValueId,
    pub(crate) writes: bool,
    /// Elements that the index counts at once.
    pub(crate) n_elements: u64,
    pub(crate) span: Span,
}

/// What is known of a table that was applied.
#[derive(Clone, Copy, Debug)]
enum Looked {
    /// Its key is.
    Up(LookupId, TableId),
    /// It has no entries: this action runs, by default.
    Default(ActionId),
    /// Nothing.
    Unknown(ValueId),
}

/// A run through the match-action part.
pub(crate) struct Execution<'a, 's> {
    pub(crate) graph: &'a mut Graph,
    pub(crate) summaries: &'a mut Summaries<'s>,
    gress: &'a Gress,
    id: GressId,
    pub(crate) fields: Vec<ValueId>,
    params: Vec<ValueId>,
    locals: Vec<ValueId>,
    /// The cell of direct memory.
    direct: Option<ValueId>,
    /// Conditions under which a label was left.
    left: HashMap<LabelId, ValueId>,
    exited: ValueId,
    pub(crate) accesses: Vec<Access>,
    pub(crate) refusal: Option<NoKey>,
}

impl<'a, 's> Execution<'a, 's> {
    pub(crate) fn new(
        graph: &'a mut Graph,
        summaries: &'a mut Summaries<'s>,
        gress: &'a Gress,
        id: GressId,
        fields: Vec<ValueId>,
    ) -> Self {
        let exited = graph.truth(false);
        Self {
            graph,
            summaries,
            gress,
            id,
            fields,
            params: Vec::new(),
            locals: Vec::new(),
            direct: None,
            left: HashMap::new(),
            exited,
            accesses: Vec::new(),
            refusal: None,
        }
    }

    /// Runs all of it.
    pub(crate) fn run(&mut self) {
        let always = self.graph.truth(true);
        match &self.gress.body {
            Body::Tables(tables) => {
                self.sequence(&tables.seq, always);
            }
            Body::Structured(body) => {
                for control in &body.controls {
                    if control.role == ControlRole::Egress {
                        self.cross_traffic_manager();
                    }
                    self.exited = self.graph.truth(false);
                    self.block(&control.body, always);
                }
            }
        }
    }

    /// What the machine writes between the two halves of v1model is unknown.
    fn cross_traffic_manager(&mut self) {
        for (name, field) in &self.gress.intrinsics {
            if name != INGRESS_PORT {
                self.fields[field.index()] = machine_value(self.graph, self.gress, *field);
            }
        }
    }

    /// The value of an expression.
    pub(crate) fn value(&mut self, expr: &Expr) -> ValueId {
        match expr {
            Expr::Const(bits) => self.graph.bits(bits.clone()),
            Expr::Field(field) => self.fields[field.index()],
            Expr::Param { index, .. } => self.params[*index as usize],
            Expr::Local { local, .. } => self.locals[local.index()],
            Expr::Slice { arg, hi, lo } => {
                let arg = self.value(arg);
                self.graph.slice(arg, *hi, *lo)
            }
            Expr::Unary { op, arg } => {
                let arg = self.value(arg);
                self.graph.unary(*op, arg)
            }
            Expr::Binary { op, lhs, rhs } => {
                let (lhs, rhs) = (self.value(lhs), self.value(rhs));
                self.graph.binary(*op, lhs, rhs)
            }
            Expr::Resize {
                arg,
                width,
                is_signed,
            } => {
                let arg = self.value(arg);
                self.graph.resize(arg, *width, *is_signed)
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                let cond = self.value(cond);
                let (then, otherwise) = (self.value(then), self.value(otherwise));
                self.graph.mux(cond, then, otherwise)
            }
            // Only in parsers and register actions, which do not run here.
            Expr::Lookahead { .. } | Expr::MathUnit { .. } | Expr::Lane(_) => {
                self.graph.unknown_of(Cause::Varying, Span::NONE)
            }
        }
    }

    /// Writes a place under a condition.
    pub(crate) fn store(&mut self, place: &Place, new: ValueId, active: ValueId) {
        let (hi, lo) = match place {
            Place::Field(_) | Place::Local(_) => {
                let old = self.old(place);
                let value = self.graph.mux(active, new, old);
                return self.set(place, value);
            }
            Place::FieldSlice { hi, lo, .. } | Place::LocalSlice { hi, lo, .. } => (*hi, *lo),
        };
        let old = self.old(place);
        let width = self.width(place);
        let mut value = new;
        if hi + 1 < width {
            let above = self.graph.slice(old, width - 1, hi + 1);
            value = self.graph.binary(BinaryOp::Concat, above, value);
        }
        if lo > 0 {
            let below = self.graph.slice(old, lo - 1, 0);
            value = self.graph.binary(BinaryOp::Concat, value, below);
        }
        let value = self.graph.mux(active, value, old);
        self.set(place, value);
    }

    fn width(&self, place: &Place) -> u32 {
        match place {
            Place::Field(field) | Place::FieldSlice { field, .. } => {
                self.gress.fields[*field].width
            }
            // Actions of the tables form declare their variables; only whole ones are results.
            Place::Local(_) => 0,
            Place::LocalSlice { hi, .. } => hi + 1,
        }
    }

    fn old(&mut self, place: &Place) -> ValueId {
        match place {
            Place::Field(field) | Place::FieldSlice { field, .. } => self.fields[field.index()],
            Place::Local(local) | Place::LocalSlice { local, .. } => self.locals[local.index()],
        }
    }

    fn set(&mut self, place: &Place, value: ValueId) {
        match place {
            Place::Field(field) | Place::FieldSlice { field, .. } => {
                self.fields[field.index()] = value;
            }
            Place::Local(local) | Place::LocalSlice { local, .. } => {
                self.locals[local.index()] = value;
            }
        }
    }

    /// Nodes of the tables form, in order; returns the condition under which what follows runs.
    fn sequence(&mut self, seq: &Seq, mut active: ValueId) -> ValueId {
        for node in seq {
            if self.graph.is_false(active) {
                break;
            }
            active = match node {
                Node::Table { table, arms } => {
                    let (looked, after) = self.apply(*table, active);
                    let arms = arms.iter().map(|(on, seq)| (*on, seq));
                    self.arms(looked, after, arms.collect(), Self::sequence)
                }
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let cond = self.gress.as_tables().map(|body| &body.gateways[*gateway]);
                    let cond = cond.map(|gateway| self.value(&gateway.cond));
                    let cond = cond.unwrap_or(active);
                    let (yes, no) = self.branches(active, cond);
                    let yes = self.sequence(then, yes);
                    let no = self.sequence(otherwise, no);
                    self.joined(active, yes, no)
                }
            };
        }
        active
    }

    /// Conditions of the two branches.
    fn branches(&mut self, active: ValueId, cond: ValueId) -> (ValueId, ValueId) {
        let yes = self.graph.and(active, cond);
        let not = self.graph.not(cond);
        (yes, self.graph.and(active, not))
    }

    /// The condition behind two branches: that before them, unless one was left.
    fn joined(&mut self, before: ValueId, yes: ValueId, no: ValueId) -> ValueId {
        if self.is_straight() {
            return before;
        }
        self.graph.or(yes, no)
    }

    /// Whether nothing has left the labels around, nor the control.
    fn is_straight(&self) -> bool {
        let mut left = self.left.values();
        self.graph.is_false(self.exited) && left.all(|left| self.graph.is_false(*left))
    }

    /// What follows a table: the first arm that fits.
    fn arms<B: ?Sized>(
        &mut self,
        looked: Looked,
        active: ValueId,
        arms: Vec<(Outcome, &B)>,
        mut run: impl FnMut(&mut Self, &B, ValueId) -> ValueId,
    ) -> ValueId {
        let mut rest = active;
        let mut behind = self.graph.truth(false);
        for (on, body) in arms {
            let cond = match (on, looked) {
                (Outcome::Otherwise, _) => self.graph.truth(true),
                (_, Looked::Unknown(unknown)) => unknown,
                (Outcome::Hit, Looked::Up(lookup, _)) => self.graph.add(Value::Hit(lookup)),
                (Outcome::Miss, Looked::Up(lookup, _)) => {
                    let hit = self.graph.add(Value::Hit(lookup));
                    self.graph.not(hit)
                }
                (Outcome::Action(action), Looked::Up(lookup, table)) => {
                    self.ran(lookup, table, action)
                }
                (Outcome::Hit, Looked::Default(_)) => self.graph.truth(false),
                (Outcome::Miss, Looked::Default(_)) => self.graph.truth(true),
                (Outcome::Action(action), Looked::Default(ran)) => self.graph.truth(action == ran),
            };
            let (yes, no) = self.branches(rest, cond);
            let yes = run(self, body, yes);
            behind = self.graph.or(behind, yes);
            rest = no;
        }
        self.joined(active, behind, rest)
    }

    /// Whether a lookup leads to an action.
    fn ran(&mut self, lookup: LookupId, table: TableId, action: ActionId) -> ValueId {
        let outcomes = self.summaries.of(Ref {
            gress: self.id,
            id: table,
        });
        let mut actions = outcomes.actions.iter();
        if !actions.any(|(found, _)| *found == action) {
            return self.graph.truth(false);
        }
        if outcomes.actions.len() == 1 {
            return self.graph.truth(true);
        }
        if outcomes.has_groups {
            let span = self.gress.tables[table].span;
            return self.graph.unknown_of(Cause::Selector, span);
        }
        self.graph.add(Value::Ran { lookup, action })
    }

    /// Looks a table up and runs what it can lead to. Returns what is known of it, and the
    /// condition under which the control goes on.
    fn apply(&mut self, id: TableId, active: ValueId) -> (Looked, ValueId) {
        let table = &self.gress.tables[id];
        let place = Ref { gress: self.id, id };
        let keys: Vec<ValueId> = table.keys.iter().map(|key| self.value(&key.expr)).collect();
        let outcomes = self.summaries.of(place);
        let unknown = keys.iter().find_map(|key| self.graph.unknown(*key));
        let lookup = self.graph.add_lookup(Lookup { table: place, keys });
        let is_sure = !outcomes.has_entries || table.keys.is_empty();
        let (hit, slot) = match &unknown {
            _ if is_sure => {
                let behind = self.graph.bits(Bits::from_u64(64, table.size));
                (self.graph.truth(false), behind)
            }
            Some((cause, span)) => {
                let unknown = self.graph.unknown_of(cause.clone(), *span);
                (unknown, unknown)
            }
            None => {
                let slot = self.graph.add(Value::Slot(lookup));
                (self.graph.add(Value::Hit(lookup)), slot)
            }
        };
        if self.gress.role == p4rmt_ir::GressRole::Whole {
            self.direct_with_hit(id, active, hit, slot);
        }
        let mut after = active;
        for (action, args) in &outcomes.actions {
            let cond = match &unknown {
                _ if outcomes.actions.len() == 1 => self.graph.truth(true),
                Some((cause, span)) => self.graph.unknown_of(cause.clone(), *span),
                None => self.ran(lookup, id, *action),
            };
            let params = args.iter().enumerate().map(|(index, known)| match known {
                Some(bits) => self.graph.bits(bits.clone()),
                None => match &unknown {
                    Some((cause, span)) => self.graph.unknown_of(cause.clone(), *span),
                    None if outcomes.has_groups => {
                        self.graph.unknown_of(Cause::Selector, table.span)
                    }
                    None => self.graph.add(Value::Param {
                        lookup,
                        action: *action,
                        index: index as u32,
                    }),
                },
            });
            self.params = params.collect();
            self.direct = Some(slot);
            let active = self.graph.and(active, cond);
            after = self.action(*action, active, after);
        }
        self.direct = None;
        let looked = match (&outcomes.actions[..], hit) {
            ([(action, _)], _) if is_sure => Looked::Default(*action),
            (_, hit) if unknown.is_some() => Looked::Unknown(hit),
            _ => Looked::Up(lookup, id),
        };
        (looked, after)
    }

    /// The direct meters and registers of v1model work with each hit.
    fn direct_with_hit(&mut self, id: TableId, active: ValueId, hit: ValueId, slot: ValueId) {
        let table = &self.gress.tables[id];
        let condition = self.graph.and(active, hit);
        for meter in &table.direct_meters {
            self.accesses.push(Access {
                array: Array::Meter(Ref {
                    gress: self.id,
                    id: *meter,
                }),
                index: slot,
                condition,
                writes: true,
                n_elements: 1,
                span: table.span,
            });
        }
    }

    /// An action with its data, under a condition. `after` is what the control goes on under without it.
    fn action(&mut self, id: ActionId, active: ValueId, after: ValueId) -> ValueId {
        if self.graph.is_false(active) {
            return after;
        }
        match &self.gress.body {
            Body::Structured(body) => {
                let body = &body.actions[id].body;
                let ends = self.block(body, active);
                if ends == active {
                    return after;
                }
                let not = self.graph.not(active);
                let not = self.graph.and(after, not);
                self.graph.or(not, ends)
            }
            Body::Tables(body) => {
                let action = &body.actions[id];
                let zeros = action.locals.values().map(|local| Bits::zero(local.width));
                self.locals = zeros.map(|zero| self.graph.bits(zero)).collect();
                let always = self.graph.truth(true);
                for (call, span) in &action.calls {
                    let results = self.call(call, active, *span);
                    for (place, result) in call.outs.iter().zip(results) {
                        if let Some(place) = place {
                            self.store(place, result, always);
                        }
                    }
                }
                let assigns = action.assigns.iter();
                let values: Vec<ValueId> =
                    assigns.map(|assign| self.value(&assign.value)).collect();
                for (assign, value) in action.assigns.iter().zip(values) {
                    self.store(&assign.dst, value, active);
                }
                if action.exits {
                    self.exited = self.graph.or(self.exited, active);
                    let not = self.graph.not(active);
                    return self.graph.and(after, not);
                }
                after
            }
        }
    }

    /// Statements in order; returns the condition under which what follows runs.
    pub(crate) fn block(&mut self, block: &Block, mut active: ValueId) -> ValueId {
        for stmt in block {
            if self.graph.is_false(active) {
                break;
            }
            active = self.statement(stmt, active);
        }
        active
    }

    fn statement(&mut self, stmt: &Stmt, active: ValueId) -> ValueId {
        match &stmt.kind {
            StmtKind::Assign { dst, value } => {
                let value = self.value(value);
                self.store(dst, value, active);
                active
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                let cond = self.value(cond);
                let (yes, no) = self.branches(active, cond);
                let yes = self.block(then, yes);
                let no = self.block(otherwise, no);
                self.joined(active, yes, no)
            }
            StmtKind::Apply { table, arms } => {
                let (looked, after) = self.apply(*table, active);
                let arms = arms.iter().map(|arm| (arm.on, &arm.body));
                self.arms(looked, after, arms.collect(), Self::block)
            }
            StmtKind::Call(call) => {
                let results = self.call(call, active, stmt.span);
                for (place, result) in call.outs.iter().zip(results) {
                    if let Some(place) = place {
                        self.store(place, result, active);
                    }
                }
                active
            }
            StmtKind::Labeled { label, body } => {
                let never = self.graph.truth(false);
                self.left.insert(*label, never);
                let ends = self.block(body, active);
                let left = self.left.remove(label).unwrap_or(never);
                // Whoever left it goes on with the others.
                if self.is_straight() {
                    return active;
                }
                self.graph.or(ends, left)
            }
            StmtKind::Leave(label) => {
                let never = self.graph.truth(false);
                let left = self.left.get(label).copied().unwrap_or(never);
                let left = self.graph.or(left, active);
                self.left.insert(*label, left);
                never
            }
            StmtKind::Exit => {
                self.exited = self.graph.or(self.exited, active);
                self.graph.truth(false)
            }
            StmtKind::Loop { body, label } => {
                // How often it turns is not known, nor what its turns leave.
                let unknown = self.graph.unknown_of(Cause::Loop, stmt.span);
                self.fields.fill(unknown);
                self.block(body, unknown);
                self.left.remove(label);
                self.fields.fill(unknown);
                active
            }
            // Only in parsers and deparsers.
            StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => active,
        }
    }

    /// A call; returns its results.
    fn call(&mut self, call: &Call, active: ValueId, span: Span) -> Vec<ValueId> {
        let n_results = call.outs.len();
        let cause = match &call.kind {
            CallKind::RegisterAction { action, index } => {
                let action = &self.gress.register_actions[*action];
                let register = &self.gress.registers[action.register];
                let writes = writes_memory(&action.body, &action.memory);
                let n_elements = action.n_elements(register);
                let id = action.register;
                self.touch_register(id, index.as_ref(), active, writes, n_elements, span);
                Cause::Register {
                    name: register.name.clone(),
                }
            }
            CallKind::RegisterRead { register, index } => {
                self.touch_register(*register, Some(index), active, false, 1, span);
                Cause::Register {
                    name: self.gress.registers[*register].name.clone(),
                }
            }
            CallKind::RegisterWrite {
                register, index, ..
            } => {
                self.touch_register(*register, Some(index), active, true, 1, span);
                return Vec::new();
            }
            CallKind::Meter { meter, index, .. } => {
                // In v1model a direct meter has worked with the hit.
                if index.is_some() || self.gress.role != p4rmt_ir::GressRole::Whole {
                    self.touch_meter(*meter, index.as_ref(), active, span);
                }
                Cause::Meter {
                    name: self.gress.meters[*meter].name.clone(),
                }
            }
            CallKind::Filter { meter, index, .. } => {
                self.touch_meter(*meter, index.as_ref(), active, span);
                Cause::Meter {
                    name: self.gress.meters[*meter].name.clone(),
                }
            }
            CallKind::Hash { hash, args } => {
                let data = args.iter().map(|arg| self.value(arg)).collect();
                let hash = Ref {
                    gress: self.id,
                    id: *hash,
                };
                return vec![self.graph.hash(hash, data, false)];
            }
            CallKind::Random { .. } => Cause::Random,
            CallKind::Checksum { .. } => Cause::Checksum,
            CallKind::V1(call) => return self.v1(call, active, span),
            // Counts are sums, whoever adds to them first; the others are for the deparser.
            CallKind::Count { .. }
            | CallKind::Mirror { .. }
            | CallKind::Resubmit { .. }
            | CallKind::Generate { .. }
            | CallKind::Digest { .. } => return Vec::new(),
        };
        vec![self.graph.unknown_of(cause, span); n_results]
    }

    fn touch_register(
        &mut self,
        id: RegisterId,
        index: Option<&Expr>,
        condition: ValueId,
        writes: bool,
        n_elements: u64,
        span: Span,
    ) {
        let index = self.index(index);
        let gress = self.id;
        self.accesses.push(Access {
            array: Array::Register(Ref { gress, id }),
            index,
            condition,
            writes,
            n_elements,
            span,
        });
    }

    fn touch_meter(&mut self, id: MeterId, index: Option<&Expr>, condition: ValueId, span: Span) {
        let index = self.index(index);
        let gress = self.id;
        self.accesses.push(Access {
            array: Array::Meter(Ref { gress, id }),
            index,
            condition,
            writes: true,
            n_elements: 1,
            span,
        });
    }

    /// An index, or the cell of the entry.
    fn index(&mut self, index: Option<&Expr>) -> ValueId {
        match (index, self.direct) {
            (Some(index), _) => self.value(index),
            (None, Some(slot)) => slot,
            (None, None) => self.graph.bits(Bits::zero(64)),
        }
    }

    fn v1(&mut self, call: &V1Call, active: ValueId, span: Span) -> Vec<ValueId> {
        let what = match call {
            V1Call::Clone { .. } => "a clone",
            V1Call::Resubmit { .. } => "a resubmission",
            V1Call::Recirculate { .. } => "a recirculation",
            V1Call::Hash {
                hash,
                data,
                with_payload,
            } => return vec![self.hash_of_bytes(*hash, data, *with_payload, span)],
            V1Call::Truncate { .. } | V1Call::Log { .. } | V1Call::Claim { .. } => {
                return Vec::new();
            }
        };
        if !self.graph.is_false(active) {
            self.refusal.get_or_insert(NoKey::Copies { what, span });
        }
        Vec::new()
    }

    /// A hash as bmv2 computes it: fields of headers that are not there are left out.
    fn hash_of_bytes(
        &mut self,
        hash: p4rmt_ir::HashId,
        data: &[Datum],
        with_payload: bool,
        span: Span,
    ) -> ValueId {
        let mut values = Vec::new();
        for datum in data {
            let Datum::Value(expr) = datum else {
                return self.graph.unknown_of(Cause::Varying, span);
            };
            if let Expr::Field(field) = expr
                && let FieldKind::Header(header) = self.gress.fields[*field].kind
            {
                let valid = self.fields[self.gress.headers[header].valid.index()];
                if self.graph.is_false(valid) {
                    continue;
                }
                if !self.graph.is_true(valid) {
                    return self.graph.unknown_of(Cause::Varying, span);
                }
            }
            values.push(self.value(expr));
        }
        if with_payload {
            return self.graph.unknown_of(Cause::Varying, span);
        }
        let hash = Ref {
            gress: self.id,
            id: hash,
        };
        self.graph.hash(hash, values, true)
    }
}

/// The field of v1model that stays what it is.
pub(crate) const INGRESS_PORT: &str = "standard_metadata_t.ingress_port";

/// What a field is that the machine writes.
pub(crate) fn machine_value(graph: &mut Graph, gress: &Gress, field: FieldId) -> ValueId {
    let Some(declared) = gress.fields.get(field) else {
        return graph.unknown_of(Cause::Clock, Span::NONE);
    };
    let cause = Cause::Machine {
        field: declared.name.clone(),
    };
    graph.unknown_of(cause, declared.span)
}

/// Whether statements may change one of the variables that hold the element.
fn writes_memory(block: &Block, memory: &[LocalId]) -> bool {
    let is_memory = |place: &Place| {
        let local = place.local();
        local.is_some_and(|local| memory.contains(&local))
    };
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Assign { dst, .. } => is_memory(dst),
        StmtKind::If {
            then, otherwise, ..
        } => writes_memory(then, memory) || writes_memory(otherwise, memory),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => writes_memory(body, memory),
        StmtKind::Call(call) => call.outs.iter().flatten().any(is_memory),
        StmtKind::Apply { arms, .. } => arms.iter().any(|arm| writes_memory(&arm.body, memory)),
        StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}
