//! The control flow of a gress as the checker sees it: items with their places, in order.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    ActionId, BinaryOp, Call, CallKind, Expr, FieldId, Gress, GressId, Id, MatchKind, Node,
    Outcome, ParallelAction, Place, Seq, Slot, Stmt, StmtKind, TableId, TablePart,
};

/// A table or gateway with its place.
pub(super) struct Item {
    pub(super) gress: GressId,
    pub(super) name: String,
    pub(super) table: Option<TableId>,
    /// Outcomes above it: position of the deciding item in its gress, and arm.
    pub(super) path: Vec<(usize, usize)>,
    pub(super) exits: bool,
    /// What it reads before it decides on an action.
    pub(super) keys: BTreeSet<(FieldId, u32)>,
    /// What a table matches on, but for what selects a member.
    pub(super) matched: BTreeSet<(FieldId, u32)>,
    /// Whether what follows depends on the action that ran.
    pub(super) asks_which_action: bool,
    /// What it reads and writes in all.
    pub(super) reads: BTreeSet<(FieldId, u32)>,
    pub(super) writes: BTreeSet<(FieldId, u32)>,
    /// By action: what that reads and writes.
    pub(super) actions: BTreeMap<ActionId, Touched>,
    /// By arm: the actions that lead there.
    pub(super) leads: Vec<BTreeSet<ActionId>>,
    pub(super) memories: BTreeSet<Memory>,
    pub(super) parts: Vec<TablePart>,
    pub(super) slots: Vec<Slot>,
    /// Bits that it compares at the least if it is a gateway.
    pub(super) compared: BTreeSet<(FieldId, u32)>,
    /// Its condition if it is one.
    pub(super) cond: Option<Expr>,
    /// Whether a part without entries finds the partition of a packet for the others.
    pub(super) has_classifier: bool,
    /// Whether it runs only by a gateway, one of its own if no condition shares its logical table.
    pub(super) wants_gateway: bool,
}

/// Bits that are read and bits that are written.
pub(super) type Touched = (BTreeSet<(FieldId, u32)>, BTreeSet<(FieldId, u32)>);

/// What tables reach by an index: 0 register, 1 counter, 2 meter, 3 profile; and which.
pub(super) type Memory = (u8, usize);

/// The walk over the control flow of one gress.
pub(super) struct Walk<'a> {
    pub(super) gress_id: GressId,
    pub(super) gress: &'a Gress,
    pub(super) tables: &'a p4rmt_ir::Tables,
    pub(super) placed: &'a p4rmt_ir::GressPlacement,
}

impl Walk<'_> {
    pub(super) fn seq(&self, seq: &Seq, path: &[(usize, usize)], items: &mut Vec<Item>) {
        for node in seq {
            let position = items.len();
            let arms: Vec<&Seq> = match node {
                Node::Table { table, arms } => {
                    let mut item = self.table(*table, path);
                    item.leads = self.leads(*table, arms);
                    let asks = |(on, _): &(Outcome, Seq)| matches!(on, Outcome::Action(_));
                    item.asks_which_action = arms.iter().any(asks);
                    items.push(item);
                    arms.iter().map(|(_, seq): &(Outcome, Seq)| seq).collect()
                }
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let of = &self.tables.gateways[*gateway];
                    let mut item = self.item(of.name.clone(), path);
                    self.bits_of(&of.cond, &mut item.reads);
                    item.slots.extend(self.placed.gateways.get(*gateway));
                    item.cond = Some(of.cond.clone());
                    let mut spans = BTreeSet::new();
                    self.compared(&of.cond, &mut spans);
                    for (field, hi, lo) in spans {
                        item.compared.extend((lo..=hi).map(|bit| (field, bit)));
                    }
                    items.push(item);
                    vec![then, otherwise]
                }
            };
            for (arm, seq) in arms.into_iter().enumerate() {
                let mut below = path.to_vec();
                below.push((position, arm));
                self.seq(seq, &below, items);
            }
        }
    }

    fn item(&self, name: String, path: &[(usize, usize)]) -> Item {
        Item {
            gress: self.gress_id,
            name,
            table: None,
            path: path.to_vec(),
            exits: false,
            keys: BTreeSet::new(),
            matched: BTreeSet::new(),
            asks_which_action: false,
            reads: BTreeSet::new(),
            writes: BTreeSet::new(),
            actions: BTreeMap::new(),
            leads: Vec::new(),
            memories: BTreeSet::new(),
            parts: Vec::new(),
            slots: Vec::new(),
            compared: BTreeSet::new(),
            cond: None,
            has_classifier: false,
            wants_gateway: false,
        }
    }

    fn table(&self, id: TableId, path: &[(usize, usize)]) -> Item {
        let table = &self.gress.tables[id];
        let mut item = self.item(table.name.clone(), path);
        item.table = Some(id);
        let partitions = table.partitions.as_ref();
        item.has_classifier = partitions.is_some_and(|of| of.classifier.is_some());
        for key in &table.keys {
            self.bits_of(&key.expr, &mut item.keys);
            if key.kind != MatchKind::Selector {
                self.bits_of(&key.expr, &mut item.matched);
            }
        }
        if let Some(profile) = table.implementation {
            item.memories.insert((3, Id::index(profile)));
        }
        let listed = table.actions.iter().map(|action| action.action);
        let actions: BTreeSet<_> = listed.chain([table.default_action.action]).collect();
        let mut all = item.keys.clone();
        let mut all_writes = BTreeSet::new();
        for action_id in actions {
            let action = &self.tables.actions[action_id];
            item.exits |= action.exits;
            for (call, _) in &action.calls {
                self.call(call, &mut item);
                item.wants_gateway |= table.keys.is_empty() && needs_hash(&call.kind);
            }
            for assign in &action.assigns {
                self.bits_of(&assign.value, &mut item.reads);
                self.place(&assign.dst, &mut item);
            }
            let touched = (
                std::mem::take(&mut item.reads),
                std::mem::take(&mut item.writes),
            );
            all.extend(touched.0.iter().copied());
            all_writes.extend(touched.1.iter().copied());
            item.actions.insert(action_id, touched);
        }
        item.reads = all;
        item.writes = all_writes;
        item.parts = self.placed.tables.get(id).cloned().unwrap_or_default();
        item.slots = item.parts.iter().map(|part| part.slot).collect();
        item
    }

    /// By arm: the actions after which it may be the first that fits.
    fn leads(&self, table: TableId, arms: &[(Outcome, Seq)]) -> Vec<BTreeSet<ActionId>> {
        let table = &self.gress.tables[table];
        let mut all: BTreeSet<ActionId> = table.actions.iter().map(|a| a.action).collect();
        all.insert(table.default_action.action);
        let hits = table
            .actions
            .iter()
            .filter(|a| a.in_entries)
            .map(|a| a.action)
            .collect();
        let mut misses = BTreeSet::from([table.default_action.action]);
        if !table.is_default_const {
            misses.extend(
                table
                    .actions
                    .iter()
                    .filter(|a| a.as_default)
                    .map(|a| a.action),
            );
        }
        let mut gone = BTreeSet::new();
        let mut leads = Vec::new();
        for (on, _) in arms {
            let possible = match on {
                Outcome::Hit => &hits,
                Outcome::Miss => &misses,
                Outcome::Action(_) | Outcome::Otherwise => &all,
            };
            let wanted = |action: &ActionId| !matches!(on, Outcome::Action(a) if a != action);
            leads.push(possible.difference(&gone).copied().filter(wanted).collect());
            if let Outcome::Action(action) = on {
                gone.insert(*action);
            }
        }
        leads
    }

    fn place(&self, place: &Place, item: &mut Item) {
        match place {
            Place::Field(field) => {
                item.writes
                    .extend((0..self.gress.fields[*field].width).map(|bit| (*field, bit)));
            }
            Place::FieldSlice { field, hi, lo } => {
                item.writes.extend((*lo..=*hi).map(|bit| (*field, bit)));
            }
            Place::Local(_) | Place::LocalSlice { .. } => {}
        }
    }

    fn call(&self, call: &Call, item: &mut Item) {
        let mut exprs: Vec<&Expr> = Vec::new();
        match &call.kind {
            CallKind::RegisterAction { action, index } => {
                let action = &self.gress.register_actions[*action];
                exprs.extend(index);
                self.statements(&action.body, item);
                if index.is_some() {
                    item.memories.insert((0, Id::index(action.register)));
                }
            }
            CallKind::RegisterRead { register, index } => {
                exprs.push(index);
                item.memories.insert((0, Id::index(*register)));
            }
            CallKind::RegisterWrite {
                register,
                index,
                values,
            } => {
                exprs.push(index);
                exprs.extend(values);
                item.memories.insert((0, Id::index(*register)));
            }
            CallKind::Count { counter, index } => {
                exprs.extend(index);
                if index.is_some() {
                    item.memories.insert((1, Id::index(*counter)));
                }
            }
            CallKind::Meter {
                meter,
                index,
                color,
            } => {
                exprs.extend(index.iter().chain(color));
                if index.is_some() {
                    item.memories.insert((2, Id::index(*meter)));
                }
            }
            CallKind::Filter {
                meter,
                index,
                value,
            } => {
                exprs.extend(index.iter().chain([value]));
                if index.is_some() {
                    item.memories.insert((2, Id::index(*meter)));
                }
            }
            CallKind::Hash { args, .. } | CallKind::Checksum { args, .. } => exprs.extend(args),
            CallKind::Mirror {
                session, header, ..
            } => {
                exprs.push(session);
                exprs.extend(header);
            }
            CallKind::Resubmit { header, .. } | CallKind::Generate { header } => {
                exprs.extend(header);
            }
            CallKind::Digest { fields, .. } => exprs.extend(fields),
            CallKind::V1(call) => exprs.extend(call.args()),
            CallKind::Random { .. } => {}
        }
        for expr in exprs {
            self.bits_of(expr, &mut item.reads);
        }
        for place in call.outs.iter().flatten() {
            self.place(place, item);
        }
    }

    fn statements(&self, block: &[Stmt], item: &mut Item) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Assign { value, .. } => self.bits_of(value, &mut item.reads),
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => {
                    self.bits_of(cond, &mut item.reads);
                    self.statements(then, item);
                    self.statements(otherwise, item);
                }
                StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                    self.statements(body, item);
                }
                StmtKind::Call(call) => self.call(call, item),
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

    fn bits_of(&self, expr: &Expr, bits: &mut BTreeSet<(FieldId, u32)>) {
        let mut spans = BTreeSet::new();
        self.spans_of(expr, &mut spans);
        for (field, hi, lo) in spans {
            bits.extend((lo..=hi).map(|bit| (field, bit)));
        }
    }

    /// The bits that a condition compares at the least: of a comparison that orders, or looks through a mask,
    /// none may be left.
    fn compared(&self, cond: &Expr, spans: &mut BTreeSet<(FieldId, u32, u32)>) {
        match cond {
            Expr::Binary { op, lhs, rhs } => match op {
                BinaryOp::LtU | BinaryOp::LeU | BinaryOp::LtS | BinaryOp::LeS => {}
                BinaryOp::And if cond.width(self.gress) > 1 => {}
                // Fields that are compared with each other meet byte by byte.
                BinaryOp::Eq | BinaryOp::Ne if !matches!(**lhs, Expr::Const(_)) => {
                    self.compared(lhs, spans);
                }
                BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::Xor
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Concat => {
                    self.compared(lhs, spans);
                    self.compared(rhs, spans);
                }
                // No gateway computes.
                BinaryOp::Add
                | BinaryOp::AddSatU
                | BinaryOp::AddSatS
                | BinaryOp::Sub
                | BinaryOp::SubSatU
                | BinaryOp::SubSatS
                | BinaryOp::Mul
                | BinaryOp::DivU
                | BinaryOp::RemU
                | BinaryOp::Shl
                | BinaryOp::ShrU
                | BinaryOp::ShrS => {}
            },
            Expr::Unary { arg, .. } => self.compared(arg, spans),
            Expr::Mux { .. }
            | Expr::Field(_)
            | Expr::Slice { .. }
            | Expr::Resize { .. }
            | Expr::Const(_)
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => self.spans_of(cond, spans),
        }
    }

    fn spans_of(&self, expr: &Expr, spans: &mut BTreeSet<(FieldId, u32, u32)>) {
        let whole = |field: FieldId| self.gress.fields[field].width.saturating_sub(1);
        match expr {
            Expr::Field(field) => {
                spans.insert((*field, whole(*field), 0));
            }
            Expr::Slice { arg, hi, lo } => match **arg {
                Expr::Field(field) => {
                    spans.insert((field, *hi, *lo));
                }
                ref arg => self.spans_of(arg, spans),
            },
            Expr::Resize { arg, width, .. } => match **arg {
                Expr::Field(field) if *width > 0 => {
                    spans.insert((field, whole(field).min(width - 1), 0));
                }
                ref arg => self.spans_of(arg, spans),
            },
            Expr::Unary { arg, .. } | Expr::MathUnit { arg, .. } => self.spans_of(arg, spans),
            Expr::Lane(lane) => {
                let args = lane.args();
                args.into_iter().for_each(|arg| self.spans_of(arg, spans));
            }
            Expr::Binary { lhs, rhs, .. } => {
                self.spans_of(lhs, spans);
                self.spans_of(rhs, spans);
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                self.spans_of(cond, spans);
                self.spans_of(then, spans);
                self.spans_of(otherwise, spans);
            }
            Expr::Const(_) | Expr::Param { .. } | Expr::Local { .. } | Expr::Lookahead { .. } => {}
        }
    }
}

/// Bits of the parameters that an action assigns.
pub(super) fn assigned_param_bits(action: &ParallelAction) -> u64 {
    let mut read = BTreeSet::new();
    for assign in &action.assigns {
        assign.value.walk(&mut |expr| {
            if let Expr::Param { index, .. } = expr {
                read.insert(*index);
            }
        });
    }
    let params = action.params.iter().zip(0..);
    let read = params.filter(|(_, index)| read.contains(index));
    read.map(|(param, _)| u64::from(param.width)).sum()
}

/// Whether a call takes a value from a hash or random unit, or computes its index from fields.
fn needs_hash(kind: &CallKind) -> bool {
    let is_computed = |index: &Expr| {
        let mut found = false;
        index.walk(&mut |expr| found |= matches!(expr, Expr::Field(_) | Expr::Local { .. }));
        found
    };
    match kind {
        CallKind::Hash { .. } | CallKind::Random { .. } => true,
        CallKind::RegisterAction { index, .. }
        | CallKind::Count { index, .. }
        | CallKind::Meter { index, .. }
        | CallKind::Filter { index, .. } => index.as_ref().is_some_and(is_computed),
        CallKind::RegisterRead { index, .. } | CallKind::RegisterWrite { index, .. } => {
            is_computed(index)
        }
        CallKind::Checksum { .. }
        | CallKind::Mirror { .. }
        | CallKind::Resubmit { .. }
        | CallKind::Generate { .. }
        | CallKind::Digest { .. }
        | CallKind::V1(_) => false,
    }
}

impl Item {
    pub(super) fn first(&self) -> Option<Slot> {
        self.slots.first().copied()
    }

    /// The places in which its actions run: not that of a table that only finds the partition.
    pub(super) fn acting(&self) -> impl Iterator<Item = Slot> + '_ {
        let is_front = |part: &TablePart| self.has_classifier && part.entries == 0;
        let parts = self.parts.iter().filter(move |part| !is_front(part));
        parts.map(|part| part.slot)
    }

    /// Whether it may be a table whose key is the position of the entry.
    pub(super) fn is_found_by_position(&self, gress: &Gress) -> bool {
        let table = self.table.map(|table| &gress.tables[table]);
        table.is_some_and(|table| {
            let bits: u32 = table.keys.iter().map(|key| key.expr.width(gress)).sum();
            let has_each_key = bits < u64::BITS && table.size >= 1 << bits;
            table.actions.len() <= 1 && has_each_key
        })
    }

    /// The first of those.
    pub(super) fn first_acting(&self) -> Option<Slot> {
        self.acting().next().or(self.first())
    }

    pub(super) fn last(&self) -> Option<Slot> {
        self.slots.last().copied()
    }

    /// Whether no packet runs both items of one gress.
    pub(super) fn excludes(&self, other: &Item) -> bool {
        for (own, its) in self.path.iter().zip(&other.path) {
            if own.0 != its.0 {
                return false;
            }
            if own.1 != its.1 {
                return true;
            }
        }
        false
    }

    /// What this item, at `position`, does to packets that `later` runs for too.
    pub(super) fn touches_before(&self, position: usize, later: &Item) -> Option<Touched> {
        let (_, arm) = later.path.iter().find(|(above, _)| *above == position)?;
        let leads = self.leads.get(*arm)?;
        let (mut reads, mut writes) = (self.keys.clone(), BTreeSet::new());
        for (_, touched) in self
            .actions
            .iter()
            .filter(|(action, _)| leads.contains(action))
        {
            reads.extend(touched.0.iter().copied());
            writes.extend(touched.1.iter().copied());
        }
        Some((reads, writes))
    }

    pub(super) fn is_child_of(&self, position: usize) -> bool {
        self.path
            .last()
            .is_some_and(|(above, _)| *above == position)
    }
}
