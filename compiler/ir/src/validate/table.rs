//! Tables of both forms, and the body: controls and actions, or control flow and parallel actions.

use std::collections::HashSet;

use super::stmt::bits_of;
use super::{Checker, Part, Rule, Scope, double_touches};
use crate::{
    ActionCall, ActionId, Arena, BinaryOp, Bits, Body, CallKind, Entry, Expr, GatewayId, GressRole,
    LocalId, Match, MatchKind, Node, ParallelAction, Param, Place, Stmt, StmtKind, Table, TableId,
    Tables,
};

impl Checker<'_> {
    pub(super) fn tables(&mut self) {
        let gress = self.gress;
        for (id, table) in gress.tables.iter() {
            self.enter(format!("table {id}"), table.span);
            self.table(table);
        }
        let declared = gress.tables.values().filter(|table| table.is_declared);
        self.unique_names("table", declared.map(|table| &table.name));
    }

    fn table(&mut self, table: &Table) {
        let gress = self.gress;
        let widths: Vec<Option<u32>> = table
            .keys
            .iter()
            .map(|key| self.expr(&key.expr, Scope::of(Part::Table)))
            .collect();
        if let Body::Tables(_) = gress.body {
            for (key, of_table) in table.keys.iter().enumerate() {
                if !is_masked_field(&of_table.expr) {
                    self.fail(Rule::ComputedKey { key });
                }
            }
        }
        for named in &table.actions {
            self.known_action(named.action);
            self.direct_units(table, named.action);
        }
        self.listed(table, table.default_action.action, "a default");
        self.action_call(&table.default_action);
        for entry in &table.entries {
            self.entry(table, entry, &widths);
        }
        self.implementation(table);
        if let Some(hash) = table.proxy_hash {
            self.known(&gress.hashes, hash);
        }
        for counter in &table.direct_counters {
            self.known(&gress.counters, *counter);
        }
        for meter in &table.direct_meters {
            self.known(&gress.meters, *meter);
        }
        for register in &table.direct_registers {
            self.known(&gress.registers, *register);
        }
    }

    fn known_action(&mut self, action: ActionId) {
        if self.params(action).is_none() {
            let id = action.to_string();
            self.fail(Rule::UnknownId { id });
        }
    }

    fn params(&self, action: ActionId) -> Option<&[Param]> {
        match &self.gress.body {
            Body::Structured(structured) => {
                let action = structured.actions.get(action)?;
                Some(&action.params)
            }
            Body::Tables(tables) => Some(&tables.actions.get(action)?.params),
        }
    }

    fn listed(&mut self, table: &Table, action: ActionId, what: &'static str) {
        let is_listed = table
            .actions
            .iter()
            .any(|named| named.action == action && (what != "an entry" || named.in_entries));
        if !is_listed {
            let action = action.to_string();
            self.fail(Rule::UnlistedAction { action, what });
        }
    }

    fn action_call(&mut self, call: &ActionCall) {
        let Some(params) = self.params(call.action) else {
            return self.known_action(call.action);
        };
        let widths: Vec<u32> = params.iter().map(|param| param.width).collect();
        self.same_count("arguments", call.args.len(), widths.len());
        for (arg, expected) in call.args.iter().zip(widths) {
            self.same_width("an argument", Some(arg.width()), Some(expected));
        }
    }

    fn entry(&mut self, table: &Table, entry: &Entry, widths: &[Option<u32>]) {
        self.same_count("matches", entry.matches.len(), table.keys.len());
        let keys = table.keys.iter().zip(widths).zip(&entry.matches);
        for (key, ((of_table, width), of_entry)) in keys.enumerate() {
            let fits = match of_entry {
                Match::Exact(_) => {
                    matches!(of_table.kind, MatchKind::Exact | MatchKind::Optional)
                }
                Match::Ternary { .. } => of_table.kind == MatchKind::Ternary,
                Match::Lpm { .. } => of_table.kind == MatchKind::Lpm,
                Match::Range { .. } => of_table.kind == MatchKind::Range,
                Match::Any => of_table.kind != MatchKind::Exact,
            };
            if !fits {
                self.fail(Rule::WrongMatch { key });
            }
            let mut check = |bits: &Bits| self.same_width("a match", Some(bits.width()), *width);
            match of_entry {
                Match::Exact(value) => check(value),
                Match::Ternary { value, mask } => {
                    check(value);
                    check(mask);
                }
                Match::Lpm { value, prefix_len } => {
                    check(value);
                    let (len, width) = (*prefix_len, value.width());
                    if len > width {
                        self.fail(Rule::LongPrefix { len, width });
                    }
                }
                Match::Range { lo, hi } => {
                    check(lo);
                    check(hi);
                }
                Match::Any => {}
            }
        }
        self.listed(table, entry.action.action, "an entry");
        self.action_call(&entry.action);
    }

    /// What an action uses of the entry must be attached to the table.
    fn direct_units(&mut self, table: &Table, action: ActionId) {
        let mut lost = Vec::new();
        let mut visit = |kind: &CallKind| match kind {
            CallKind::Count {
                counter,
                index: None,
            } if !table.direct_counters.contains(counter) => lost.push(counter.to_string()),
            CallKind::Meter {
                meter, index: None, ..
            }
            | CallKind::Filter {
                meter, index: None, ..
            } if !table.direct_meters.contains(meter) => lost.push(meter.to_string()),
            CallKind::RegisterAction {
                action,
                index: None,
            } => {
                let action = self.gress.register_actions.get(*action);
                if let Some(register) = action.map(|action| action.register)
                    && !table.direct_registers.contains(&register)
                {
                    lost.push(register.to_string());
                }
            }
            _ => {}
        };
        match &self.gress.body {
            Body::Structured(structured) => {
                if let Some(action) = structured.actions.get(action) {
                    visit_calls(&action.body, &mut visit);
                }
            }
            Body::Tables(tables) => {
                if let Some(action) = tables.actions.get(action) {
                    action.calls.iter().for_each(|(call, _)| visit(&call.kind));
                }
            }
        }
        for unit in lost {
            self.fail(Rule::NotDirect { unit });
        }
    }

    pub(super) fn body(&mut self) {
        match &self.gress.body {
            Body::Structured(structured) => {
                for (id, action) in structured.actions.iter() {
                    self.enter(format!("action {id}"), action.span);
                    action
                        .params
                        .iter()
                        .for_each(|param| self.width(param.width));
                    let scope = Scope {
                        params: Some(&action.params),
                        ..Scope::of(Part::Action)
                    };
                    self.block(&action.body, scope);
                }
                self.enter("controls".to_owned(), self.gress.parser.span);
                self.control_roles(&structured.controls);
                for control in &structured.controls {
                    self.enter(format!("control `{}`", control.name), control.span);
                    self.control = Some(control.role);
                    self.block(&control.body, Scope::of(Part::Control));
                }
                self.control = None;
            }
            Body::Tables(tables) => self.tables_form(tables),
        }
    }

    fn tables_form(&mut self, tables: &Tables) {
        for (id, action) in tables.actions.iter() {
            self.enter(format!("action {id}"), action.span);
            self.parallel_action(action);
        }
        for (id, gateway) in tables.gateways.iter() {
            self.enter(format!("gateway {id}"), gateway.span);
            self.condition(&gateway.cond, Scope::of(Part::Table));
        }
        self.enter("control flow".to_owned(), self.gress.parser.span);
        let mut seen = (HashSet::new(), HashSet::new());
        self.seq(&tables.seq, tables, &mut seen);
        let ids_are_known = seen.0.iter().all(|id| self.gress.tables.get(*id).is_some());
        if self.gress.role != GressRole::Whole && ids_are_known {
            for touch in double_touches(self.gress) {
                self.span = touch.second;
                let register = touch.register.to_string();
                self.fail(Rule::TouchedTwice { register });
            }
        }
    }

    fn seq(
        &mut self,
        seq: &[Node],
        tables: &Tables,
        seen: &mut (HashSet<TableId>, HashSet<GatewayId>),
    ) {
        let gress = self.gress;
        for node in seq {
            match node {
                Node::Table { table, arms } => {
                    self.known(&gress.tables, *table);
                    if !seen.0.insert(*table) {
                        let id = table.to_string();
                        self.fail(Rule::StandsTwice { id });
                    }
                    for (on, arm) in arms {
                        self.outcome(*table, *on);
                        self.seq(arm, tables, seen);
                    }
                }
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    self.known(&tables.gateways, *gateway);
                    if !seen.1.insert(*gateway) {
                        let id = gateway.to_string();
                        self.fail(Rule::StandsTwice { id });
                    }
                    self.seq(then, tables, seen);
                    self.seq(otherwise, tables, seen);
                }
            }
        }
    }

    fn parallel_action(&mut self, action: &ParallelAction) {
        action
            .params
            .iter()
            .for_each(|param| self.width(param.width));
        action
            .locals
            .values()
            .for_each(|local| self.width(local.width));
        let locals: Vec<u32> = action.locals.values().map(|local| local.width).collect();
        let scope = Scope {
            part: Part::Action,
            params: Some(&action.params),
            locals: &locals,
        };
        let mut written: HashSet<LocalId> = HashSet::new();
        for (call, span) in &action.calls {
            self.span = *span;
            for arg in call.args() {
                self.reads_written(arg, &written);
            }
            self.call(call, scope);
            for out in call.outs.iter().flatten() {
                match out {
                    Place::Local(local) if written.insert(*local) => {}
                    Place::Local(local) => {
                        let local = local.to_string();
                        self.fail(Rule::LocalWrittenTwice { local });
                    }
                    Place::Field(_) | Place::FieldSlice { .. } | Place::LocalSlice { .. } => {
                        self.misplaced("a result that is not a local", Part::Action);
                    }
                }
            }
        }
        let mut bits: Arena<crate::FieldId, Vec<(u32, u32)>> =
            self.gress.fields.values().map(|_| Vec::new()).collect();
        for assign in &action.assigns {
            self.span = assign.span;
            self.reads_written(&assign.value, &written);
            let width = self.expr(&assign.value, scope);
            let expected = self.place(&assign.dst, scope);
            self.same_width("a value", width, expected);
            let fields = &self.gress.fields;
            let width_of = |field| fields.get(field).map_or(1, |field| field.width);
            let Some((field, hi, lo)) = bits_of(&assign.dst, width_of) else {
                self.misplaced("an assignment to a local", Part::Action);
                continue;
            };
            if fields.get(field).is_none() {
                continue;
            }
            let overlap = bits[field]
                .iter()
                .find(|(other_hi, other_lo)| *other_lo <= hi && *other_hi >= lo);
            if let Some((_, other_lo)) = overlap {
                let bit = lo.max(*other_lo);
                let field = field.to_string();
                self.fail(Rule::WrittenTwice { field, bit });
            }
            bits[field].push((hi, lo));
        }
    }

    fn reads_written(&mut self, expr: &Expr, written: &HashSet<LocalId>) {
        let mut lost = Vec::new();
        expr.walk(&mut |part| {
            if let Expr::Local { local, .. } = part
                && !written.contains(local)
            {
                lost.push(local.to_string());
            }
        });
        for local in lost {
            self.fail(Rule::ReadBeforeWritten { local });
        }
    }
}

fn visit_calls(block: &[Stmt], visit: &mut impl FnMut(&CallKind)) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Call(call) => visit(&call.kind),
            StmtKind::If {
                then, otherwise, ..
            } => {
                visit_calls(then, visit);
                visit_calls(otherwise, visit);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                visit_calls(body, visit);
            }
            StmtKind::Assign { .. }
            | StmtKind::Apply { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}

/// Whether a key is what a crossbar delivers: a field, a slice of one, or either under a constant
/// mask.
fn is_masked_field(expr: &Expr) -> bool {
    let is_field = |expr: &Expr| match expr {
        Expr::Field(_) => true,
        Expr::Slice { arg, .. } => matches!(**arg, Expr::Field(_)),
        _ => false,
    };
    match expr {
        Expr::Binary {
            op: BinaryOp::And,
            lhs,
            rhs,
        } => is_field(lhs) && matches!(**rhs, Expr::Const(_)),
        other => is_field(other),
    }
}
