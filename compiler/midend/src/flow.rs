//! The control as a sequence of tables and gateways.
//!
//! * An `Apply` becomes a table node. A key that is not a field, a slice of one, or either under a
//!   constant mask is computed into a local field before.
//! * An `If` becomes a gateway, its condition as it stands: what a gateway cannot test is the
//!   placer's to refuse, at the program's own line.
//! * Other statements become keyless tables with one action. Neighbours share one as long as they
//!   can happen at once ([`Step::join`]) and touch at most one unit with memory; the statements of a
//!   directly called action stay together where they can.
//! * An assignment of a comparison, or of a choice other than a minimum or maximum, becomes a gateway with an assignment on either
//!   side: action units do not compare.

use indexmap::{IndexMap, IndexSet};
use p4rmt_ir::{
    ActionCall, ActionId, ActionRef, Arena, BinaryOp, Bits, CallKind, Expr, Field, FieldId,
    FieldKind, Gateway, GatewayId, Hash, HashId, LabelId, Node, ParallelAction, Place,
    RegisterAction, RegisterActionId, Seq, Stmt, StmtKind, Table, TableId,
};
use p4rmt_source::Span;

use crate::bytes::SharedBytes;
use crate::error::MidendError;
use crate::naming::TableNames;
use crate::simplify::{Fields, has_comparison, is_min_or_max, simplified};
use crate::step::{Step, Units};

/// What the control flow is made with.
pub(crate) struct Flow<'a> {
    pub(crate) control: &'a str,
    pub(crate) inlined: &'a IndexMap<LabelId, String>,
    pub(crate) register_actions: &'a Arena<RegisterActionId, RegisterAction>,
    pub(crate) hashes: &'a Arena<HashId, Hash>,
    pub(crate) fields: &'a mut Arena<FieldId, Field>,
    pub(crate) tables: &'a mut Arena<TableId, Table>,
    pub(crate) names: TableNames,
    pub(crate) shared_bytes: SharedBytes,
    pub(crate) actions: &'a mut Arena<ActionId, ParallelAction>,
    pub(crate) gateways: Arena<GatewayId, Gateway>,
    /// Each table that is applied, and where.
    pub(crate) applied: IndexMap<TableId, Span>,
    pub(crate) errors: &'a mut Vec<MidendError>,
}

/// Statements that will be one keyless table, and where the first of them stands.
#[derive(Default)]
struct Pending {
    step: Step,
    span: Option<Span>,
    /// The actions that they are from.
    names: IndexSet<String>,
}

impl Flow<'_> {
    /// Makes a sequence of a block without jumps.
    pub(crate) fn seq(&mut self, block: &[Stmt]) -> Seq {
        let mut seq = Vec::new();
        let mut pending = Pending::default();
        self.block(block, &mut pending, &mut seq);
        self.flush(&mut pending, &mut seq);
        seq
    }

    fn block(&mut self, block: &[Stmt], pending: &mut Pending, seq: &mut Seq) {
        for stmt in block {
            self.stmt(stmt, pending, seq);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, pending: &mut Pending, seq: &mut Seq) {
        let span = stmt.span;
        match &stmt.kind {
            StmtKind::Assign { dst, value } => match choice(dst, value, span, self.fields) {
                Some((cond, then, otherwise)) => {
                    self.branch(cond, &[then], &[otherwise], span, pending, seq);
                }
                None => self.join(stmt, span, pending, seq),
            },
            StmtKind::Call(call) => match direct_unit(&call.kind) {
                Some(what) => self.errors.push(MidendError::DirectOutside { what, span }),
                None => self.join(stmt, span, pending, seq),
            },
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                let cond = simplified(cond.clone(), self.fields);
                self.branch(cond, then, otherwise, span, pending, seq);
            }
            StmtKind::Apply { table, arms } => {
                if let Some(first) = self.applied.insert(*table, span) {
                    let table = self.tables[*table].name.clone();
                    let twice = MidendError::AppliedTwice { table, first, span };
                    return self.errors.push(twice);
                }
                self.compute_keys(*table, pending, seq);
                self.flush(pending, seq);
                let arms = arms.iter().map(|arm| (arm.on, self.seq(&arm.body)));
                let arms = arms.collect();
                let table = *table;
                seq.push(Node::Table { table, arms });
            }
            StmtKind::Labeled { label, body } => {
                let name = self.inlined.get(label).map(String::as_str);
                self.group(body, name, span, pending, seq);
            }
            // Refused when jumps were removed.
            StmtKind::Loop { .. } | StmtKind::Leave(_) | StmtKind::Exit => {}
            // The validator keeps these out of controls.
            StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }

    fn branch(
        &mut self,
        cond: Expr,
        then: &[Stmt],
        otherwise: &[Stmt],
        span: Span,
        pending: &mut Pending,
        seq: &mut Seq,
    ) {
        if let Expr::Const(bits) = &cond {
            let taken = if bits.is_true() { then } else { otherwise };
            return self.block(taken, pending, seq);
        }
        self.flush(pending, seq);
        let name = format!("cond-{}", self.gateways.len());
        let gateway = self.gateways.push(Gateway { name, cond, span });
        let then = self.seq(then);
        let otherwise = self.seq(otherwise);
        seq.push(Node::Gateway {
            gateway,
            then,
            otherwise,
        });
    }

    /// Statements that belong together: in the pending table if all of them fit, else in one of
    /// their own if they fit there, else one by one.
    fn group(
        &mut self,
        body: &[Stmt],
        name: Option<&str>,
        span: Span,
        pending: &mut Pending,
        seq: &mut Seq,
    ) {
        let mut straight = Vec::new();
        if !flatten(body, self.fields, &mut straight) {
            return self.block(body, pending, seq);
        }
        let units = self.units();
        let mut step = pending.step.clone();
        let is_joined = straight.iter().all(|stmt| step.join(stmt, units).is_ok());
        let is_possible = || self.shared_bytes.can_hold(&step.values, self.fields);
        if is_joined && (pending.step.is_empty() || is_possible()) {
            pending.step = step;
            pending.span.get_or_insert(span);
            pending.names.extend(name.map(str::to_owned));
            return;
        }
        self.flush(pending, seq);
        for stmt in straight {
            self.join(stmt, span, pending, seq);
            pending.names.extend(name.map(str::to_owned));
        }
    }

    /// Adds a statement to the pending table, or begins another one with it.
    fn join(&mut self, stmt: &Stmt, span: Span, pending: &mut Pending, seq: &mut Seq) {
        if pending.step.join(stmt, self.units()).is_err() {
            self.flush(pending, seq);
            if pending.step.join(stmt, self.units()).is_err() {
                let limit = crate::symbolic::MAX_SIZE;
                self.errors.push(MidendError::ValueTooLarge { limit, span });
            }
        }
        pending.span.get_or_insert(span);
    }

    fn units(&self) -> Units<'_> {
        Units {
            fields: self.fields,
            register_actions: self.register_actions,
            hashes: self.hashes,
        }
    }

    /// Makes the pending statements a keyless table.
    fn flush(&mut self, pending: &mut Pending, seq: &mut Seq) {
        let Pending { step, span, names } = std::mem::take(pending);
        if step.is_empty() {
            return;
        }
        let span = span.unwrap_or(Span::NONE);
        let stem = match names.first() {
            Some(first) if names.len() == 1 => first.clone(),
            Some(first) => format!("{first}+{}", names.len() - 1),
            None => format!("{}.step", self.control),
        };
        let name = self.names.take(&stem);
        let action = step.into_action(name.clone(), Vec::new(), false, span, self.fields);
        let action = self.actions.push(action);
        let table = self.tables.push(keyless_table(name, action, span));
        self.applied.insert(table, span);
        let arms = Vec::new();
        seq.push(Node::Table { table, arms });
    }

    /// Brings the keys of a table into one of the forms that a crossbar can deliver.
    fn compute_keys(&mut self, table: TableId, pending: &mut Pending, seq: &mut Seq) {
        for position in 0..self.tables[table].keys.len() {
            let key = &self.tables[table].keys[position];
            let span = key.span;
            let name = format!("{}.{}", self.tables[table].name, key.name);
            let expr = masked_field(simplified(key.expr.clone(), self.fields));
            if is_masked_field(&expr) {
                self.tables[table].keys[position].expr = expr;
                continue;
            }
            let field = self.fields.push(Field {
                name,
                width: expr.width_in(self.fields),
                is_signed: false,
                kind: FieldKind::Local,
                span,
            });
            let kind = StmtKind::Assign {
                dst: Place::Field(field),
                value: expr,
            };
            self.stmt(&Stmt { kind, span }, pending, seq);
            self.tables[table].keys[position].expr = Expr::Field(field);
        }
    }
}

/// A table that always runs its action.
pub(crate) fn keyless_table(name: String, action: ActionId, span: Span) -> Table {
    Table {
        name,
        keys: Vec::new(),
        actions: vec![ActionRef {
            action,
            in_entries: false,
            as_default: true,
        }],
        default_action: ActionCall {
            action,
            args: Vec::new(),
        },
        is_default_const: true,
        entries: Vec::new(),
        are_entries_const: true,
        size: 1,
        is_size_given: false,
        direct_counters: Vec::new(),
        direct_meters: Vec::new(),
        direct_registers: Vec::new(),
        implementation: None,
        has_idle_timeout: false,
        proxy_hash: None,
        partitions: None,
        stage_pragma: None,
        ways_pragma: None,
        pack_pragma: None,
        is_declared: false,
        span,
    }
}

/// Takes groups inside the group apart. False if there is more than assignments and calls.
fn flatten<'a>(body: &'a [Stmt], fields: &Fields, straight: &mut Vec<&'a Stmt>) -> bool {
    body.iter().all(|stmt| match &stmt.kind {
        StmtKind::Assign { dst, value } => {
            straight.push(stmt);
            choice(dst, value, stmt.span, fields).is_none()
        }
        StmtKind::Call(call) => {
            straight.push(stmt);
            direct_unit(&call.kind).is_none()
        }
        StmtKind::Labeled { body, .. } => flatten(body, fields, straight),
        StmtKind::If { .. }
        | StmtKind::Apply { .. }
        | StmtKind::Loop { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}

/// What the call uses of the entry that selected it, if it does.
fn direct_unit(kind: &CallKind) -> Option<&'static str> {
    match kind {
        CallKind::RegisterAction { index: None, .. } => Some("a direct register"),
        CallKind::Count { index: None, .. } => Some("a direct counter"),
        CallKind::Meter { index: None, .. } => Some("a direct meter"),
        CallKind::Filter { index: None, .. } => Some("a direct filter"),
        CallKind::RegisterAction { index: Some(_), .. }
        | CallKind::Count { index: Some(_), .. }
        | CallKind::Meter { index: Some(_), .. }
        | CallKind::Filter { index: Some(_), .. }
        | CallKind::RegisterRead { .. }
        | CallKind::RegisterWrite { .. }
        | CallKind::Hash { .. }
        | CallKind::Random { .. }
        | CallKind::Checksum { .. }
        | CallKind::Mirror { .. }
        | CallKind::Resubmit { .. }
        | CallKind::Generate { .. }
        | CallKind::Digest { .. }
        | CallKind::V1(_) => None,
    }
}

/// An assignment whose value turns on a condition, as the condition and an assignment for either
/// side.
fn choice(dst: &Place, value: &Expr, span: Span, fields: &Fields) -> Option<(Expr, Stmt, Stmt)> {
    let assign = |value| Stmt {
        kind: StmtKind::Assign {
            dst: dst.clone(),
            value,
        },
        span,
    };
    let one_and_zero = |width, is_signed| {
        let one = Bits::from_bool(true).resize(width, is_signed);
        (Expr::Const(one), Expr::Const(Bits::zero(width)))
    };
    let (cond, (one, zero)) = match simplified(value.clone(), fields) {
        Expr::Mux {
            cond,
            then,
            otherwise,
        } if is_min_or_max(&cond, &then, &otherwise) => return None,
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => (*cond, (*then, *otherwise)),
        Expr::Resize {
            arg,
            width,
            is_signed,
        } if is_test(&arg, fields) => (*arg, one_and_zero(width, is_signed)),
        value if is_test(&value, fields) => (value, one_and_zero(1, false)),
        _ => return None,
    };
    Some((cond, assign(one), assign(zero)))
}

/// Whether the expression is one bit that comes of a comparison.
fn is_test(expr: &Expr, fields: &Fields) -> bool {
    expr.width_in(fields) == 1 && has_comparison(expr)
}

/// A mask to the right of what it masks.
fn masked_field(expr: Expr) -> Expr {
    match expr {
        Expr::Binary {
            op: BinaryOp::And,
            lhs,
            rhs,
        } if matches!(*lhs, Expr::Const(_)) => Expr::binary(BinaryOp::And, *rhs, *lhs),
        other => other,
    }
}

/// Whether a crossbar can deliver the expression: a field, a slice of one, or either under a
/// constant mask.
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
