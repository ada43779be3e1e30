//! The units of a pipe: what is placed in stages.
//!
//! In: a pipe in the tables form. Out: its tables and gateways in the order of the control flow,
//! each with its place in that flow and with the bits of fields that it reads and writes. A unit
//! comes after every unit whose writes it may see.

use p4rmt_ir::{
    ActionId, Body, Call, CallKind, Expr, FieldId, GatewayId, Gress, GressId, Id, Node, Outcome,
    ParallelAction, Pipe, Place, RegisterActionId, Seq, Stmt, StmtKind, TableId, Tables,
};
use p4rmt_source::Span;

/// A unit: its position in the control flow of its gress, ingress first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(u32);

impl Id for UnitId {
    fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("an arena holds fewer than 2^32 elements"))
    }
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitKind {
    /// A match-action table.
    Table(TableId),
    /// A condition.
    Gateway(GatewayId),
}

/// A table or gateway of a pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The gress that it belongs to.
    pub gress: GressId,
    /// What it is.
    pub kind: UnitKind,
    /// Its name.
    pub name: String,
    /// Where it stands in the program.
    pub span: Span,
    /// The decisions above it, outermost first: it runs if each came out this way.
    pub path: Vec<Decision>,
    /// How many units directly after it stand under its decision, at any depth.
    pub n_descendants: usize,
    /// Whether what follows depends on the action that ran, not only on hit or miss.
    pub branches_on_action: bool,
    /// Whether one of its actions ends the control.
    pub exits: bool,
    /// What it reads and writes.
    pub accesses: Vec<Access>,
    /// Of a table, by arm: the actions that can lead there.
    pub arm_actions: Vec<Vec<ActionId>>,
}

/// An outcome of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    /// The unit that decides.
    pub unit: UnitId,
    /// Which of its arms runs: of a gateway, 0 where it holds and 1 where not.
    pub arm: usize,
}

/// Bits of a field that a unit reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// The field.
    pub field: FieldId,
    /// Highest bit.
    pub hi: u32,
    /// Lowest bit.
    pub lo: u32,
    /// How.
    pub usage: Usage,
    /// The action that does it; none for keys and conditions.
    pub action: Option<ActionId>,
    /// Where it stands in the program.
    pub span: Span,
}

/// The way in which a unit touches a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Usage {
    /// Read through an input crossbar: keys, conditions, hashes, indices, stateful ALUs.
    Match,
    /// Read by an action ALU.
    Action,
    /// Written by an action ALU.
    Write,
}

impl Unit {
    /// The unit whose outcome decides directly whether this one runs.
    #[must_use]
    pub fn parent(&self) -> Option<Decision> {
        self.path.last().copied()
    }

    /// Whether no packet runs both.
    #[must_use]
    pub fn is_exclusive_with(&self, other: &Self) -> bool {
        let fork = self.path.iter().zip(&other.path).find(|(a, b)| a != b);
        self.gress == other.gress && fork.is_some_and(|(a, b)| a.unit == b.unit)
    }

    /// Whether this unit, `id`, may do `access` to a packet that also runs `later`: not if that runs
    /// only after another action.
    #[must_use]
    pub fn may_do_before(&self, id: UnitId, access: &Access, later: &Self) -> bool {
        let decision = later.path.iter().find(|decision| decision.unit == id);
        match (access.action, decision) {
            (Some(action), Some(decision)) => self
                .arm_actions
                .get(decision.arm)
                .is_none_or(|actions| actions.contains(&action)),
            (None, _) | (_, None) => true,
        }
    }

    /// Whether this unit runs only under a decision of that one.
    #[must_use]
    pub fn is_under(&self, ancestor: UnitId) -> bool {
        self.path.iter().any(|decision| decision.unit == ancestor)
    }
}

/// The units of a pipe whose gresses are all in the tables form; the first gress that is not,
/// otherwise.
///
/// # Errors
///
/// The gress that is in the structured form.
pub fn collect_units(pipe: &Pipe) -> Result<Vec<Unit>, GressId> {
    let mut units = Vec::new();
    for (gress_id, gress) in pipe.gresses.iter() {
        match &gress.body {
            Body::Tables(tables) => {
                let flow = Flow {
                    gress_id,
                    gress,
                    tables,
                };
                flow.collect(&tables.seq, &mut Vec::new(), &mut units);
            }
            Body::Structured(_) => return Err(gress_id),
        }
    }
    Ok(units)
}

/// The control flow of one gress.
struct Flow<'a> {
    gress_id: GressId,
    gress: &'a Gress,
    tables: &'a Tables,
}

impl Flow<'_> {
    fn collect(&self, seq: &Seq, path: &mut Vec<Decision>, units: &mut Vec<Unit>) {
        for node in seq {
            let unit = UnitId::from_index(units.len());
            let arms: Vec<&Seq> = match node {
                Node::Table { table, arms } => {
                    let mut unit = self.table_unit(*table, path);
                    unit.arm_actions = arm_actions(&self.gress.tables[*table], arms);
                    unit.branches_on_action =
                        arms.iter().any(|(on, _)| matches!(on, Outcome::Action(_)));
                    units.push(unit);
                    arms.iter().map(|(_, seq)| seq).collect()
                }
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    units.push(self.gateway_unit(*gateway, path));
                    vec![then, otherwise]
                }
            };
            for (arm, seq) in arms.into_iter().enumerate() {
                path.push(Decision { unit, arm });
                self.collect(seq, path, units);
                path.pop();
            }
            units[unit.index()].n_descendants = units.len() - unit.index() - 1;
        }
    }

    fn gateway_unit(&self, id: GatewayId, path: &[Decision]) -> Unit {
        let gateway = &self.tables.gateways[id];
        let mut accesses = Accesses::new(self.gress);
        accesses.read(&gateway.cond, Usage::Match, gateway.span);
        Unit {
            gress: self.gress_id,
            kind: UnitKind::Gateway(id),
            name: gateway.name.clone(),
            span: gateway.span,
            path: path.to_vec(),
            n_descendants: 0,
            branches_on_action: false,
            exits: false,
            accesses: accesses.list,
            arm_actions: Vec::new(),
        }
    }

    fn table_unit(&self, id: TableId, path: &[Decision]) -> Unit {
        let table = &self.gress.tables[id];
        let mut accesses = Accesses::new(self.gress);
        for key in &table.keys {
            accesses.read(&key.expr, Usage::Match, key.span);
        }
        let mut exits = false;
        for action_id in actions_of(table) {
            let action = &self.tables.actions[action_id];
            exits |= action.exits;
            accesses.of_action = Some(action_id);
            accesses.action(action);
        }
        Unit {
            gress: self.gress_id,
            kind: UnitKind::Table(id),
            name: table.name.clone(),
            span: table.span,
            path: path.to_vec(),
            n_descendants: 0,
            branches_on_action: false,
            exits,
            accesses: accesses.list,
            arm_actions: Vec::new(),
        }
    }
}

/// The actions that a table can run, each once.
pub(crate) fn actions_of(table: &p4rmt_ir::Table) -> Vec<ActionId> {
    let mut actions: Vec<_> = table.actions.iter().map(|action| action.action).collect();
    if !actions.contains(&table.default_action.action) {
        actions.push(table.default_action.action);
    }
    actions
}

/// By arm, the actions of a table after which it may run: the first arm that fits does.
fn arm_actions(table: &p4rmt_ir::Table, arms: &[(Outcome, Seq)]) -> Vec<Vec<ActionId>> {
    let all = actions_of(table);
    let mut named: Vec<ActionId> = Vec::new();
    arms.iter()
        .map(|(on, _)| {
            let can_lead = |action: &ActionId| match on {
                Outcome::Hit => table
                    .actions
                    .iter()
                    .any(|a| a.action == *action && a.in_entries),
                Outcome::Miss => {
                    let is_default = table.default_action.action == *action;
                    let may_become = table
                        .actions
                        .iter()
                        .any(|a| a.action == *action && a.as_default);
                    is_default || (may_become && !table.is_default_const)
                }
                Outcome::Action(wanted) => wanted == action,
                Outcome::Otherwise => true,
            };
            let reached = all
                .iter()
                .copied()
                .filter(|action| can_lead(action) && !named.contains(action));
            let reached = reached.collect();
            if let Outcome::Action(action) = on {
                named.push(*action);
            }
            reached
        })
        .collect()
}

/// Collects accesses, each once.
struct Accesses<'a> {
    gress: &'a Gress,
    of_action: Option<ActionId>,
    list: Vec<Access>,
}

impl<'a> Accesses<'a> {
    fn new(gress: &'a Gress) -> Self {
        Self {
            gress,
            of_action: None,
            list: Vec::new(),
        }
    }

    fn add(&mut self, field: FieldId, hi: u32, lo: u32, usage: Usage, span: Span) {
        let action = self.of_action;
        let is_known = |known: &Access| {
            (known.field, known.usage, known.action) == (field, usage, action)
                && known.lo <= lo
                && hi <= known.hi
        };
        if !self.list.iter().any(is_known) {
            self.list.push(Access {
                field,
                hi,
                lo,
                usage,
                action,
                span,
            });
        }
    }

    fn read(&mut self, expr: &Expr, usage: Usage, span: Span) {
        for (field, hi, lo) in field_slices(expr, self.gress) {
            self.add(field, hi, lo, usage, span);
        }
    }

    fn write(&mut self, place: &Place, span: Span) {
        match place {
            Place::Field(field) => {
                let hi = self.gress.fields[*field].width.saturating_sub(1);
                self.add(*field, hi, 0, Usage::Write, span);
            }
            Place::FieldSlice { field, hi, lo } => self.add(*field, *hi, *lo, Usage::Write, span),
            Place::Local(_) | Place::LocalSlice { .. } => {}
        }
    }

    fn action(&mut self, action: &ParallelAction) {
        for (call, span) in &action.calls {
            self.call(call, *span);
        }
        for assign in &action.assigns {
            self.read(&assign.value, Usage::Action, assign.span);
            self.write(&assign.dst, assign.span);
        }
    }

    /// Everything that a unit other than an action ALU reads comes through an input crossbar.
    fn call(&mut self, call: &Call, span: Span) {
        if let CallKind::RegisterAction { action, .. } = &call.kind {
            self.register_action(*action);
        }
        for arg in call_args(&call.kind) {
            self.read(arg, Usage::Match, span);
        }
        for place in call.outs.iter().flatten() {
            self.write(place, span);
        }
    }

    fn register_action(&mut self, action: RegisterActionId) {
        let gress = self.gress;
        self.block(&gress.register_actions[action].body);
    }

    fn block(&mut self, block: &[Stmt]) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Assign { value, .. } => self.read(value, Usage::Match, stmt.span),
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => {
                    self.read(cond, Usage::Match, stmt.span);
                    self.block(then);
                    self.block(otherwise);
                }
                StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => self.block(body),
                StmtKind::Call(call) => self.call(call, stmt.span),
                // The validator keeps these out of register actions.
                StmtKind::Apply { .. }
                | StmtKind::Leave(_)
                | StmtKind::Exit
                | StmtKind::Extract { .. }
                | StmtKind::Advance { .. }
                | StmtKind::Verify { .. }
                | StmtKind::Emit { .. } => {}
            }
        }
    }
}

/// The expressions that a call reads.
pub(crate) fn call_args(kind: &CallKind) -> Vec<&Expr> {
    match kind {
        CallKind::RegisterAction { index, .. } | CallKind::Count { index, .. } => {
            index.iter().collect()
        }
        CallKind::RegisterRead { index, .. } => vec![index],
        CallKind::RegisterWrite { index, values, .. } => {
            std::iter::once(index).chain(values).collect()
        }
        CallKind::Meter { index, color, .. } => index.iter().chain(color).collect(),
        CallKind::Filter { index, value, .. } => index.iter().chain([value]).collect(),
        CallKind::Hash { args, .. } | CallKind::Checksum { args, .. } => args.iter().collect(),
        CallKind::Random { .. } => Vec::new(),
        CallKind::Mirror {
            session, header, ..
        } => std::iter::once(session).chain(header).collect(),
        CallKind::Resubmit { header, .. } | CallKind::Generate { header } => {
            header.iter().collect()
        }
        CallKind::Digest { fields, .. } => fields.iter().collect(),
        CallKind::V1(call) => call.args(),
    }
}

/// The bits of fields that an expression reads: field, highest and lowest bit.
pub(crate) fn field_slices(expr: &Expr, gress: &Gress) -> Vec<(FieldId, u32, u32)> {
    let mut slices = Vec::new();
    collect_slices(expr, gress, &mut slices);
    slices
}

fn collect_slices(expr: &Expr, gress: &Gress, slices: &mut Vec<(FieldId, u32, u32)>) {
    match expr {
        Expr::Const(_) | Expr::Param { .. } | Expr::Local { .. } | Expr::Lookahead { .. } => {}
        Expr::Field(field) => {
            slices.push((*field, gress.fields[*field].width.saturating_sub(1), 0));
        }
        Expr::Slice { arg, hi, lo } => match &**arg {
            Expr::Field(field) => slices.push((*field, *hi, *lo)),
            arg => collect_slices(arg, gress, slices),
        },
        Expr::Resize { arg, width, .. } => match &**arg {
            Expr::Field(field) if *width > 0 && *width < gress.fields[*field].width => {
                slices.push((*field, width - 1, 0));
            }
            arg => collect_slices(arg, gress, slices),
        },
        Expr::Unary { arg, .. } | Expr::MathUnit { arg, .. } => collect_slices(arg, gress, slices),
        Expr::Lane(lane) => {
            let args = lane.args();
            args.into_iter()
                .for_each(|arg| collect_slices(arg, gress, slices));
        }
        Expr::Binary { lhs, rhs, .. } => {
            collect_slices(lhs, gress, slices);
            collect_slices(rhs, gress, slices);
        }
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => {
            collect_slices(cond, gress, slices);
            collect_slices(then, gress, slices);
            collect_slices(otherwise, gress, slices);
        }
    }
}
