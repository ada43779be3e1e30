//! Removes what nothing can tell: writes to local fields that are not read, results of calls that
//! nobody takes, and the tables and gateways that are empty then.
//!
//! Every write costs the machine a dependency. Only fields of kind [`FieldKind::Local`] can be dead, those
//! of a header that neither parser nor deparser has, and those of one that nothing makes valid, which no
//! deparser emits: all others belong to the packet, the device, or the program's own metadata. A field is live as a whole or not at all; a write of a part
//! does not end the life of the rest.

use std::collections::HashSet;

use p4rmt_ir::{
    ActionId, Arena, Block, Call, CallKind, Expr, FieldId, FieldKind, Gress, HeaderId, Id, Local,
    LocalId, Node, Outcome, ParallelAction, ParallelAssign, Place, Stmt, StmtKind, TableId, Tables,
};

use crate::step::fields_read;

type Live = HashSet<FieldId>;

/// Removes dead writes, empty tables that the compiler made, and empty gateways, until nothing
/// changes. `gress` has the tables and everything that actions call.
pub(crate) fn remove_dead(tables: &mut Tables, gress: &Gress) {
    let passing = passing_fields(tables, gress);
    let gress = &Scope { gress, passing };
    loop {
        let mut sweep = Sweep::new(tables, gress);
        sweep.seq(&tables.seq, sweep.live_at_end.clone());
        let live_behind = sweep.live_behind;
        let mut changed = false;
        for (action, live) in tables.actions.values_mut().zip(&live_behind) {
            changed |= trim(action, live, gress);
        }
        changed |= prune(&mut tables.seq, &tables.actions, gress);
        if !changed {
            return;
        }
    }
}

/// A gress, and what of it can be dead.
struct Scope<'a> {
    gress: &'a Gress,
    passing: Live,
}

impl std::ops::Deref for Scope<'_> {
    type Target = Gress;
    fn deref(&self) -> &Gress {
        self.gress
    }
}

/// The fields that end with the control: local ones, those of headers that neither parser nor deparser has,
/// and those of headers that are never valid.
fn passing_fields(tables: &Tables, gress: &Gress) -> Live {
    let mut may_be_valid: Live = Live::new();
    for state in gress.parser.states.values() {
        made_valid(&state.body, gress, &mut may_be_valid);
    }
    made_valid(&gress.deparser.body, gress, &mut may_be_valid);
    for assign in tables.actions.values().flat_map(|action| &action.assigns) {
        note_valid(&assign.dst, &assign.value, gress, &mut may_be_valid);
    }
    let inner = inner_fields(gress);
    let is_passing = |(id, of): (FieldId, FieldKind)| match of {
        FieldKind::Header(header) => {
            inner.contains(&id) || !may_be_valid.contains(&gress.headers[header].valid)
        }
        FieldKind::Local
        | FieldKind::Validity(_)
        | FieldKind::VarbitWidth(_)
        | FieldKind::Metadata
        | FieldKind::Intrinsic => inner.contains(&id),
    };
    let fields = gress.fields.iter().map(|(id, field)| (id, field.kind));
    let passing = fields.filter(|field| is_passing(*field));
    passing.map(|(id, _)| id).collect()
}

/// Local fields, and those of headers that no parser extracts and no deparser emits: variables.
pub(crate) fn inner_fields(gress: &Gress) -> Live {
    let mut on_wire: HashSet<HeaderId> = HashSet::new();
    for state in gress.parser.states.values() {
        headers_of(&state.body, &mut on_wire);
    }
    headers_of(&gress.deparser.body, &mut on_wire);
    let is_inner = |of: FieldKind| match of {
        FieldKind::Local => true,
        FieldKind::Header(header) | FieldKind::Validity(header) => !on_wire.contains(&header),
        FieldKind::VarbitWidth(_) | FieldKind::Metadata | FieldKind::Intrinsic => false,
    };
    let fields = gress.fields.iter();
    let inner = fields.filter(|(_, field)| is_inner(field.kind));
    inner.map(|(id, _)| id).collect()
}

/// Adds the headers that statements of a parser or deparser name.
fn headers_of(block: &Block, headers: &mut HashSet<HeaderId>) {
    for Stmt { kind, .. } in block {
        match kind {
            StmtKind::Extract { header, .. } | StmtKind::Emit { header } => {
                headers.insert(*header);
            }
            StmtKind::If {
                then, otherwise, ..
            } => {
                headers_of(then, headers);
                headers_of(otherwise, headers);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                headers_of(body, headers);
            }
            StmtKind::Apply { arms, .. } => {
                for arm in arms {
                    headers_of(&arm.body, headers);
                }
            }
            StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. } => {}
        }
    }
}

/// Notes an assignment of a validity bit to anything but false.
fn note_valid(dst: &Place, value: &Expr, gress: &Gress, may_be_valid: &mut Live) {
    let is_false = matches!(value, Expr::Const(bits) if bits.is_zero());
    if let Some(field) = dst.field()
        && matches!(gress.fields[field].kind, FieldKind::Validity(_))
        && !is_false
    {
        may_be_valid.insert(field);
    }
}

/// The validity bits that statements may set.
fn made_valid(block: &Block, gress: &Gress, may_be_valid: &mut Live) {
    for Stmt { kind, .. } in block {
        match kind {
            StmtKind::Extract { header, .. } => {
                may_be_valid.insert(gress.headers[*header].valid);
            }
            StmtKind::Assign { dst, value } => note_valid(dst, value, gress, may_be_valid),
            StmtKind::If {
                then, otherwise, ..
            } => {
                made_valid(then, gress, may_be_valid);
                made_valid(otherwise, gress, may_be_valid);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                made_valid(body, gress, may_be_valid);
            }
            StmtKind::Apply { arms, .. } => {
                for arm in arms {
                    made_valid(&arm.body, gress, may_be_valid);
                }
            }
            StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}

/// One walk from the end of the control to its start.
struct Sweep<'a> {
    gress: &'a Scope<'a>,
    tables: &'a Tables,
    live_at_end: Live,
    /// By action: what is live behind any table that has it.
    live_behind: Vec<Live>,
}

impl<'a> Sweep<'a> {
    fn new(tables: &'a Tables, gress: &'a Scope<'a>) -> Self {
        let mut live_at_end = Live::new();
        read_by_block(&gress.deparser.body, gress, &mut live_at_end);
        Self {
            gress,
            tables,
            live_at_end,
            live_behind: vec![Live::new(); tables.actions.len()],
        }
    }

    /// What is live before the sequence.
    fn seq(&mut self, seq: &[Node], live_behind: Live) -> Live {
        seq.iter()
            .rev()
            .fold(live_behind, |live, node| self.node(node, live))
    }

    fn node(&mut self, node: &Node, live_behind: Live) -> Live {
        match node {
            Node::Gateway {
                gateway,
                then,
                otherwise,
            } => {
                let mut live = self.seq(then, live_behind.clone());
                live.extend(self.seq(otherwise, live_behind));
                read_by(&self.tables.gateways[*gateway].cond, self.gress, &mut live);
                live
            }
            Node::Table { table, arms } => {
                let mut after = Live::new();
                if !covers_all(arms) {
                    after.clone_from(&live_behind);
                }
                for (_, arm) in arms {
                    after.extend(self.seq(arm, live_behind.clone()));
                }
                self.table(*table, after)
            }
        }
    }

    /// What is live before a table; `after` is live behind its action, ahead of its arms.
    fn table(&mut self, table: TableId, after: Live) -> Live {
        let mut live = Live::new();
        for action_id in actions_of(table, self.gress) {
            let action = &self.tables.actions[action_id];
            let mut after = after.clone();
            if action.exits {
                after.extend(&self.live_at_end);
            }
            let mut before = after.clone();
            for assign in &action.assigns {
                if let Place::Field(field) = assign.dst {
                    before.remove(&field);
                }
            }
            // A write that is dead behind this table may be live behind another one with the same
            // action; what it reads does not matter here all the same.
            for assign in &action.assigns {
                if is_live(assign, &after, self.gress) {
                    read_by(&assign.value, self.gress, &mut before);
                }
            }
            for (call, _) in &action.calls {
                read_by_call(call, self.gress, &mut before);
            }
            live.extend(before);
            self.live_behind[action_id.index()].extend(after);
        }
        for key in &self.gress.tables[table].keys {
            read_by(&key.expr, self.gress, &mut live);
        }
        live
    }
}

/// The actions that a table can run.
pub(crate) fn actions_of(table: TableId, gress: &Gress) -> HashSet<ActionId> {
    let table = &gress.tables[table];
    let named = table.actions.iter().map(|named| named.action);
    named.chain([table.default_action.action]).collect()
}

/// Whether some arm runs, whatever comes of a table.
pub(crate) fn covers_all(arms: &[(Outcome, Vec<Node>)]) -> bool {
    let has = |outcome| arms.iter().any(|(on, _)| *on == outcome);
    has(Outcome::Otherwise) || has(Outcome::Hit) && has(Outcome::Miss)
}

fn is_live(assign: &ParallelAssign, live: &Live, gress: &Scope<'_>) -> bool {
    assign
        .dst
        .field()
        .is_none_or(|field| !gress.passing.contains(&field) || live.contains(&field))
}

/// Adds the fields that the expression reads and that can be dead.
fn read_by(expr: &Expr, gress: &Scope<'_>, live: &mut Live) {
    expr.walk(&mut |part| {
        if let Expr::Field(field) = part
            && gress.passing.contains(field)
        {
            live.insert(*field);
        }
    });
}

fn read_by_call(call: &Call, gress: &Scope<'_>, live: &mut Live) {
    for arg in call.args() {
        read_by(arg, gress, live);
    }
    if let CallKind::RegisterAction { action, .. } = call.kind {
        live.extend(fields_read(&gress.register_actions[action]));
    }
}

/// Adds the fields that can be dead and that statements of a deparser read, whatever they write.
fn read_by_block(block: &Block, gress: &Scope<'_>, live: &mut Live) {
    for Stmt { kind, .. } in block {
        match kind {
            StmtKind::Assign { value, .. } => read_by(value, gress, live),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                read_by(cond, gress, live);
                read_by_block(then, gress, live);
                read_by_block(otherwise, gress, live);
            }
            StmtKind::Call(call) => read_by_call(call, gress, live),
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                read_by_block(body, gress, live);
            }
            StmtKind::Apply { arms, .. } => {
                for arm in arms {
                    read_by_block(&arm.body, gress, live);
                }
            }
            StmtKind::Extract {
                varbit_bits: Some(expr),
                ..
            }
            | StmtKind::Advance { bits: expr }
            | StmtKind::Verify { cond: expr, .. } => read_by(expr, gress, live),
            StmtKind::Extract {
                varbit_bits: None, ..
            }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Emit { .. } => {}
        }
    }
}

/// Removes from an action what is dead. True if there was any.
fn trim(action: &mut ParallelAction, live: &Live, gress: &Scope<'_>) -> bool {
    let before = (action.assigns.len(), action.calls.len());
    action.assigns.retain(|assign| is_live(assign, live, gress));
    // Backwards, so that a call that only feeds a dead call is dead as well.
    let mut used: HashSet<LocalId> = HashSet::new();
    let use_locals = |expr: &Expr, used: &mut HashSet<LocalId>| {
        expr.walk(&mut |part| {
            if let Expr::Local { local, .. } = part {
                used.insert(*local);
            }
        });
    };
    for assign in &action.assigns {
        use_locals(&assign.value, &mut used);
    }
    let mut kept = Vec::new();
    for (mut call, span) in std::mem::take(&mut action.calls).into_iter().rev() {
        for out in &mut call.outs {
            let local = out.as_ref().and_then(Place::local);
            if local.is_some_and(|local| !used.contains(&local)) {
                *out = None;
            }
        }
        if call.outs.iter().all(Option::is_none) && is_pure(&call.kind) {
            continue;
        }
        for arg in call.args() {
            use_locals(arg, &mut used);
        }
        kept.push((call, span));
    }
    kept.reverse();
    action.calls = kept;
    drop_unused_locals(action);
    (action.assigns.len(), action.calls.len()) != before
}

/// Whether a call does nothing but give results.
fn is_pure(kind: &CallKind) -> bool {
    match kind {
        CallKind::Hash { .. } | CallKind::Random { .. } | CallKind::RegisterRead { .. } => true,
        CallKind::RegisterAction { .. }
        | CallKind::RegisterWrite { .. }
        | CallKind::Count { .. }
        | CallKind::Meter { .. }
        | CallKind::Filter { .. }
        | CallKind::Checksum { .. }
        | CallKind::Mirror { .. }
        | CallKind::Resubmit { .. }
        | CallKind::Generate { .. }
        | CallKind::Digest { .. }
        | CallKind::V1(_) => false,
    }
}

/// Removes the locals that no call and no assignment reads; no call may write one of them.
pub(crate) fn drop_unused_locals(action: &mut ParallelAction) {
    let mut used: HashSet<LocalId> = HashSet::new();
    let mut add = |expr: &Expr| {
        expr.walk(&mut |part| {
            if let Expr::Local { local, .. } = part {
                used.insert(*local);
            }
        });
    };
    for assign in &action.assigns {
        add(&assign.value);
    }
    for (call, _) in &action.calls {
        call.args().into_iter().for_each(&mut add);
    }
    if action.locals.ids().all(|local| used.contains(&local)) {
        return;
    }
    let mut locals: Arena<LocalId, Local> = Arena::new();
    let renamed: Vec<LocalId> = action
        .locals
        .iter()
        .map(|(id, local)| {
            if used.contains(&id) {
                locals.push(local.clone())
            } else {
                id
            }
        })
        .collect();
    action.locals = locals;
    for assign in &mut action.assigns {
        rename_locals(&mut assign.value, &renamed);
    }
    for (call, _) in &mut action.calls {
        for arg in call.args_mut() {
            rename_locals(arg, &renamed);
        }
        for out in call.outs.iter_mut().flatten() {
            if let Place::Local(local) = out {
                *local = renamed[local.index()];
            }
        }
    }
}

fn rename_locals(expr: &mut Expr, renamed: &[LocalId]) {
    fn renaming(expr: Expr, renamed: &[LocalId]) -> Expr {
        match expr {
            Expr::Local { local, width } => Expr::Local {
                local: renamed[local.index()],
                width,
            },
            other => other.map_args(&mut |arg| renaming(arg, renamed)),
        }
    }
    let empty = Expr::Const(p4rmt_ir::Bits::zero(0));
    *expr = renaming(std::mem::replace(expr, empty), renamed);
}

/// Removes nodes without an effect. True if there was any.
fn prune(seq: &mut Vec<Node>, actions: &Arena<ActionId, ParallelAction>, gress: &Gress) -> bool {
    let n_before = seq.len();
    let mut changed = false;
    seq.retain_mut(|node| match node {
        Node::Gateway {
            then, otherwise, ..
        } => {
            changed |= prune(then, actions, gress);
            changed |= prune(otherwise, actions, gress);
            !(then.is_empty() && otherwise.is_empty())
        }
        Node::Table { table, arms } => {
            for (_, arm) in arms.iter_mut() {
                changed |= prune(arm, actions, gress);
            }
            // An empty arm matters only ahead of an `Otherwise` that it keeps from running.
            while arms.last().is_some_and(|(_, arm)| arm.is_empty()) {
                arms.pop();
            }
            if arms.iter().all(|(on, _)| *on != Outcome::Otherwise) {
                arms.retain(|(_, arm)| !arm.is_empty());
            }
            let action = &actions[gress.tables[*table].default_action.action];
            let is_idle = action.assigns.is_empty() && action.calls.is_empty() && !action.exits;
            gress.tables[*table].is_declared || !is_idle
        }
    });
    changed || seq.len() != n_before
}
