//! Takes generated tables apart where some of their work could be done stages earlier.
//!
//! Neighbouring statements share a table, whatever they wait for; but a table goes where the last of its
//! inputs is ready, and what follows any of its statements would wait with it. So each table and
//! gateway is given a *level*, the earliest stage that its dependencies allow, and a generated action is
//! split by the levels that its parts would have alone:
//!
//! 1. Parts are what must stay together: calls and assignments that share a local, and assignments
//!    to one field.
//! 2. A part's level is one above those of the writers of what it reads and writes, and not below
//!    those of the readers of what it writes, nor below that of the gateways around it.
//! 3. All parts of an action read what was there before it, so a part that writes what another part
//!    reads must not come before it: its level is raised.
//! 4. Parts of one level stay one table; the tables stand in order of their levels.
//!
//! Nothing is split where that does not make the longest chain of levels shorter: an action stays
//! together for its own sake.
//!
//! Levels are a guess at what a placer will do. They decide where a table is split, never what it means.

use std::collections::{BTreeMap, HashMap};

use p4rmt_ir::{
    ActionId, CallKind, Expr, FieldId, Gress, Id, Node, ParallelAction, ParallelAssign, Place, Seq,
    TableId, Tables,
};

use crate::dead::drop_unused_locals;
use crate::flow::keyless_table;
use crate::naming::TableNames;
use crate::step::fields_read;

/// Splits the generated tables of a gress, if that makes the longest chain shorter. `gress` has the
/// tables that `tables` leads to.
pub(crate) fn spread(tables: &mut Tables, gress: &mut Gress) {
    let mut split_tables = tables.clone();
    let mut split_gress = gress.clone();
    let depth = walk(tables, gress, false);
    let split_depth = walk(&mut split_tables, &mut split_gress, true);
    if split_depth < depth {
        *tables = split_tables;
        *gress = split_gress;
    }
}

/// Gives levels, splits where `splits` is set; the highest level.
fn walk(tables: &mut Tables, gress: &mut Gress, splits: bool) -> u32 {
    let seq = std::mem::take(&mut tables.seq);
    let mut spread = Spread {
        tables,
        names: TableNames::of(&gress.tables),
        gress,
        splits,
        highest: 0,
    };
    let seq = spread.seq(seq, 0, &mut Times::default());
    let highest = spread.highest;
    tables.seq = seq;
    highest
}

/// Levels at which fields were last written and read, on any path.
#[derive(Clone, Debug, Default)]
struct Times {
    written: HashMap<FieldId, u32>,
    read: HashMap<FieldId, u32>,
}

impl Times {
    /// The later of both ways.
    fn merge(&mut self, other: &Self) {
        for (ours, theirs) in [
            (&mut self.written, &other.written),
            (&mut self.read, &other.read),
        ] {
            for (field, level) in theirs {
                let ours = ours.entry(*field).or_default();
                *ours = (*ours).max(*level);
            }
        }
    }
}

/// What some work reads and writes.
#[derive(Clone, Debug, Default)]
struct Access {
    reads: Vec<FieldId>,
    writes: Vec<FieldId>,
}

impl Access {
    fn add_expr(&mut self, expr: &Expr) {
        expr.walk(&mut |part| {
            if let Expr::Field(field) = part {
                self.reads.push(*field);
            }
        });
    }

    fn add_assign(&mut self, assign: &ParallelAssign) {
        self.add_expr(&assign.value);
        self.writes.extend(assign.dst.field());
    }

    fn add_call(&mut self, call: &p4rmt_ir::Call, gress: &Gress) {
        call.args().into_iter().for_each(|arg| self.add_expr(arg));
        if let CallKind::RegisterAction { action, .. } = call.kind {
            self.reads
                .extend(fields_read(&gress.register_actions[action]));
        }
    }

    fn add_action(&mut self, action: &ParallelAction, gress: &Gress) {
        for (call, _) in &action.calls {
            self.add_call(call, gress);
        }
        for assign in &action.assigns {
            self.add_assign(assign);
        }
    }

    /// The earliest level, not below `base`.
    fn level(&self, base: u32, times: &Times) -> u32 {
        let written = |field: &FieldId| times.written.get(field).map_or(0, |level| level + 1);
        let read = |field: &FieldId| times.read.get(field).copied().unwrap_or(0);
        let after_writes = self.reads.iter().chain(&self.writes).map(written);
        let after_reads = self.writes.iter().map(read);
        after_writes.chain(after_reads).fold(base, u32::max)
    }

    /// Notes that this happens at the level.
    fn note(&self, level: u32, times: &mut Times) {
        for (fields, times) in [
            (&self.reads, &mut times.read),
            (&self.writes, &mut times.written),
        ] {
            for field in fields {
                let time = times.entry(*field).or_default();
                *time = (*time).max(level);
            }
        }
    }
}

struct Spread<'a> {
    tables: &'a mut Tables,
    gress: &'a mut Gress,
    names: TableNames,
    splits: bool,
    /// The highest level so far.
    highest: u32,
}

impl Spread<'_> {
    /// Splits what is in the sequence, which no unit enters below level `base`.
    fn seq(&mut self, seq: Seq, base: u32, times: &mut Times) -> Seq {
        let mut result = Vec::with_capacity(seq.len());
        for node in seq {
            self.node(node, base, times, &mut result);
        }
        result
    }

    fn node(&mut self, node: Node, base: u32, times: &mut Times, result: &mut Seq) {
        match node {
            Node::Gateway {
                gateway,
                then,
                otherwise,
            } => {
                let mut access = Access::default();
                access.add_expr(&self.tables.gateways[gateway].cond);
                let level = access.level(base, times);
                self.highest = self.highest.max(level);
                access.note(level, times);
                let mut other_times = times.clone();
                let then = self.seq(then, level, times);
                let otherwise = self.seq(otherwise, level, &mut other_times);
                times.merge(&other_times);
                result.push(Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                });
            }
            Node::Table { table, arms }
                if self.splits && arms.is_empty() && !self.is_declared(table) =>
            {
                self.split(table, base, times, result);
            }
            Node::Table { table, arms } => {
                let access = self.access(table);
                let level = access.level(base, times);
                self.highest = self.highest.max(level);
                access.note(level, times);
                let before = times.clone();
                let arms = arms
                    .into_iter()
                    .map(|(on, arm)| {
                        let mut arm_times = before.clone();
                        let arm = self.seq(arm, level, &mut arm_times);
                        times.merge(&arm_times);
                        (on, arm)
                    })
                    .collect();
                result.push(Node::Table { table, arms });
            }
        }
    }

    fn is_declared(&self, table: TableId) -> bool {
        self.gress.tables[table].is_declared
    }

    fn access(&self, table: TableId) -> Access {
        let of_table = &self.gress.tables[table];
        let mut access = Access::default();
        for key in &of_table.keys {
            access.add_expr(&key.expr);
        }
        for named in &of_table.actions {
            access.add_action(&self.tables.actions[named.action], self.gress);
        }
        access
    }

    /// Puts the tables that a generated table is split into.
    fn split(&mut self, table: TableId, base: u32, times: &mut Times, result: &mut Seq) {
        let action_id = self.gress.tables[table].default_action.action;
        let action = &self.tables.actions[action_id];
        let parts = parts_of(action);
        let accesses: Vec<Access> = parts
            .iter()
            .map(|part| {
                let mut access = Access::default();
                for call in &part.calls {
                    access.add_call(&action.calls[*call].0, self.gress);
                }
                for assign in &part.assigns {
                    access.add_assign(&action.assigns[*assign]);
                }
                access
            })
            .collect();
        let levels = levels_of(&accesses, base, times);
        let mut by_level: BTreeMap<u32, Part> = BTreeMap::new();
        for ((part, access), level) in parts.into_iter().zip(&accesses).zip(levels) {
            self.highest = self.highest.max(level);
            access.note(level, times);
            by_level.entry(level).or_default().merge(part);
        }
        let node = |table| Node::Table {
            table,
            arms: Vec::new(),
        };
        if by_level.len() <= 1 {
            return result.push(node(table));
        }
        let whole = action.clone();
        for (position, part) in by_level.into_values().enumerate() {
            let action = part.action(&whole);
            let table = if position == 0 {
                self.tables.actions[action_id] = action;
                table
            } else {
                self.add_table(table, action)
            };
            result.push(node(table));
        }
    }

    /// A table beside a generated one.
    fn add_table(&mut self, beside: TableId, mut action: ParallelAction) -> TableId {
        let name = self.names.take(&self.gress.tables[beside].name);
        action.name.clone_from(&name);
        let span = action.span;
        let action: ActionId = self.tables.actions.push(action);
        self.gress.tables.push(keyless_table(name, action, span))
    }
}

/// Calls and assignments of an action that stay together, by position.
#[derive(Clone, Debug, Default)]
struct Part {
    calls: Vec<usize>,
    assigns: Vec<usize>,
}

impl Part {
    fn merge(&mut self, other: Self) {
        self.calls.extend(other.calls);
        self.calls.sort_unstable();
        self.assigns.extend(other.assigns);
        self.assigns.sort_unstable();
    }

    /// The part as an action of its own.
    fn action(&self, whole: &ParallelAction) -> ParallelAction {
        let calls = self.calls.iter().map(|call| whole.calls[*call].clone());
        let assigns = self
            .assigns
            .iter()
            .map(|assign| whole.assigns[*assign].clone());
        let mut action = ParallelAction {
            calls: calls.collect(),
            assigns: assigns.collect(),
            ..whole.clone()
        };
        if let Some(span) = action
            .calls
            .iter()
            .map(|(_, span)| *span)
            .chain(action.assigns.iter().map(|assign| assign.span))
            .find(|span| !span.is_none())
        {
            action.span = span;
        }
        drop_unused_locals(&mut action);
        action
    }
}

/// Groups calls and assignments that share a local, or write one field.
fn parts_of(action: &ParallelAction) -> Vec<Part> {
    let n_calls = action.calls.len();
    let mut groups = Groups((0..n_calls + action.assigns.len()).collect());
    let mut of_local: HashMap<usize, usize> = HashMap::new();
    let mut of_field: HashMap<FieldId, usize> = HashMap::new();
    for (item, (call, _)) in action.calls.iter().enumerate() {
        let mut locals = Vec::new();
        call.args()
            .into_iter()
            .for_each(|arg| locals_in(arg, &mut locals));
        let outs = call.outs.iter().flatten().filter_map(Place::local);
        locals.extend(outs.map(Id::index));
        for local in locals {
            groups.join(*of_local.entry(local).or_insert(item), item);
        }
    }
    for (position, assign) in action.assigns.iter().enumerate() {
        let item = n_calls + position;
        let mut locals = Vec::new();
        locals_in(&assign.value, &mut locals);
        for local in locals {
            groups.join(*of_local.entry(local).or_insert(item), item);
        }
        if let Some(field) = assign.dst.field() {
            groups.join(*of_field.entry(field).or_insert(item), item);
        }
    }
    let mut parts: BTreeMap<usize, Part> = BTreeMap::new();
    for item in 0..groups.0.len() {
        let part = parts.entry(groups.root(item)).or_default();
        match item.checked_sub(n_calls) {
            None => part.calls.push(item),
            Some(position) => part.assigns.push(position),
        }
    }
    parts.into_values().collect()
}

/// Disjoint groups of items: each leads to another one of its group, the root to itself.
struct Groups(Vec<usize>);

impl Groups {
    fn root(&mut self, item: usize) -> usize {
        let mut item = item;
        while self.0[item] != item {
            self.0[item] = self.0[self.0[item]];
            item = self.0[item];
        }
        item
    }

    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        // The lower one leads: parts stay in the order of their first items.
        self.0[left.max(right)] = left.min(right);
    }
}

fn locals_in(expr: &Expr, locals: &mut Vec<usize>) {
    expr.walk(&mut |part| {
        if let Expr::Local { local, .. } = part {
            locals.push(local.index());
        }
    });
}

/// A level for each part.
fn levels_of(accesses: &[Access], base: u32, times: &Times) -> Vec<u32> {
    let mut levels: Vec<u32> = accesses
        .iter()
        .map(|access| access.level(base, times))
        .collect();
    let mut writers: HashMap<FieldId, usize> = HashMap::new();
    for (position, access) in accesses.iter().enumerate() {
        writers.extend(access.writes.iter().map(|field| (*field, position)));
    }
    // Who reads a field comes no later than who writes it. Levels only rise, up to the highest.
    let mut changed = true;
    while changed {
        changed = false;
        for (reader, access) in accesses.iter().enumerate() {
            for writer in access.reads.iter().filter_map(|field| writers.get(field)) {
                if levels[*writer] < levels[reader] {
                    levels[*writer] = levels[reader];
                    changed = true;
                }
            }
        }
    }
    levels
}
