//! Statements and calls: which stand where, what they name, and the widths that meet in them.

use super::{Checker, Part, Rule, Scope};
use crate::{
    Block, Call, CallKind, ChecksumOp, Expr, FieldId, GressRole, LabelId, Outcome, Place, Stmt,
    StmtKind, TableId,
};

impl Checker<'_> {
    /// Checks the statements of one body, with its labels.
    pub(super) fn block(&mut self, block: &Block, scope: Scope<'_>) {
        let mut around = Vec::new();
        self.stmts(block, scope, &mut around);
        self.unique_labels(block);
    }

    fn stmts(&mut self, block: &Block, scope: Scope<'_>, around: &mut Vec<LabelId>) {
        for stmt in block {
            self.stmt(stmt, scope, around);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, scope: Scope<'_>, around: &mut Vec<LabelId>) {
        if !stmt.span.is_none() {
            self.span = stmt.span;
        }
        let part = scope.part;
        match &stmt.kind {
            StmtKind::Assign { dst, value } => {
                let width = self.expr(value, scope);
                let expected = self.place(dst, scope);
                self.same_width("a value", width, expected);
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                self.condition(cond, scope);
                self.stmts(then, scope, around);
                self.stmts(otherwise, scope, around);
            }
            StmtKind::Apply { table, arms } => {
                if part != Part::Control {
                    self.misplaced("`apply`", part);
                }
                for arm in arms {
                    self.outcome(*table, arm.on);
                    self.stmts(&arm.body, scope, around);
                }
                let tables = &self.gress.tables;
                self.known(tables, *table);
            }
            StmtKind::Call(call) => self.call(call, scope),
            StmtKind::Labeled { label, body } | StmtKind::Loop { label, body } => {
                if part == Part::RegisterAction {
                    self.misplaced("a label", part);
                }
                around.push(*label);
                self.stmts(body, scope, around);
                around.pop();
            }
            StmtKind::Leave(label) => {
                if !around.contains(label) {
                    let label = label.to_string();
                    self.fail(Rule::LostLabel { label });
                }
            }
            StmtKind::Exit => {
                if part != Part::Control && part != Part::Action {
                    self.misplaced("`exit`", part);
                }
            }
            StmtKind::Extract {
                header,
                varbit_bits,
            } => {
                self.parser_only("`extract`", part);
                let headers = &self.gress.headers;
                let header = self.known(headers, *header);
                let has_varbit = header.is_some_and(|header| header.varbit.is_some());
                if header.is_some() && has_varbit != varbit_bits.is_some() {
                    self.same_count(
                        "varbit widths",
                        usize::from(varbit_bits.is_some()),
                        usize::from(has_varbit),
                    );
                }
                if let Some(bits) = varbit_bits {
                    self.expr(bits, scope);
                }
            }
            StmtKind::Advance { bits } => {
                self.parser_only("`advance`", part);
                self.expr(bits, scope);
            }
            StmtKind::Verify { cond, error } => {
                self.parser_only("`verify`", part);
                self.condition(cond, scope);
                let width = self.expr(error, scope);
                if width.is_some_and(|width| width > 32) {
                    self.same_width("an error", width, Some(32));
                }
            }
            StmtKind::Emit { header } => {
                if part != Part::Deparser {
                    self.misplaced("`emit`", part);
                }
                let headers = &self.gress.headers;
                self.known(headers, *header);
            }
        }
    }

    fn parser_only(&mut self, what: &'static str, part: Part) {
        if part != Part::Parser {
            self.misplaced(what, part);
        }
    }

    /// Checks the condition of an arm against the table's actions.
    pub(super) fn outcome(&mut self, table: TableId, on: Outcome) {
        let (Outcome::Action(action), Some(table)) = (on, self.gress.tables.get(table)) else {
            return;
        };
        if table.actions.iter().all(|named| named.action != action) {
            let action = action.to_string();
            let what = "an arm";
            self.fail(Rule::UnlistedAction { action, what });
        }
    }

    fn unique_labels(&mut self, block: &Block) {
        let mut seen = std::collections::HashSet::new();
        let mut blocks = vec![block];
        while let Some(block) = blocks.pop() {
            for stmt in block {
                match &stmt.kind {
                    StmtKind::Labeled { label, body } | StmtKind::Loop { label, body } => {
                        if !seen.insert(*label) {
                            let (what, name) = ("label", label.to_string());
                            self.fail(Rule::Duplicate { what, name });
                        }
                        blocks.push(body);
                    }
                    StmtKind::If {
                        then, otherwise, ..
                    } => blocks.extend([then, otherwise]),
                    StmtKind::Apply { arms, .. } => {
                        blocks.extend(arms.iter().map(|arm| &arm.body));
                    }
                    StmtKind::Assign { .. }
                    | StmtKind::Call(_)
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

    /// Checks a call: where it stands, its arguments, and its results.
    pub(super) fn call(&mut self, call: &Call, scope: Scope<'_>) {
        self.call_place(&call.kind, scope.part);
        for arg in call.args() {
            self.expr(arg, scope);
        }
        let results = self.call_kind(&call.kind, scope);
        if let Some(results) = &results {
            self.same_count("results", call.outs.len(), results.len());
        }
        for (position, out) in call.outs.iter().enumerate() {
            let Some(out) = out else { continue };
            let width = self.place(out, scope);
            let result = results.as_ref().and_then(|all| all.get(position).copied());
            self.same_width("a result", result, width);
        }
    }

    fn call_place(&mut self, kind: &CallKind, part: Part) {
        // v1model has its checksums, clones and digests in controls and actions.
        let is_whole = self.gress.role == GressRole::Whole;
        let in_control = matches!(part, Part::Control | Part::Action);
        let (what, is_right) = match kind {
            CallKind::RegisterAction { .. }
            | CallKind::RegisterRead { .. }
            | CallKind::RegisterWrite { .. } => ("an access to a register", in_control),
            CallKind::Count { .. } => ("a counter", in_control),
            CallKind::Meter { .. } => ("a meter", in_control),
            CallKind::Filter { .. } => ("a filter", in_control && !is_whole),
            CallKind::Generate { .. } => {
                let is_right = part == Part::Deparser && self.gress.role == GressRole::Ingress;
                ("a trigger of the packet generator", is_right)
            }
            CallKind::Hash { .. } => ("a hash", in_control),
            CallKind::Random { .. } => ("a random value", in_control),
            CallKind::Checksum { .. } => (
                "a checksum",
                matches!(part, Part::Parser | Part::Deparser) || is_whole && in_control,
            ),
            CallKind::Mirror { .. } => {
                let is_right = part == Part::Deparser || is_whole && in_control;
                ("a mirror", is_right)
            }
            CallKind::Resubmit { .. } => {
                let is_right = part == Part::Deparser || is_whole && in_control;
                ("a resubmission", is_right)
            }
            CallKind::Digest { .. } => {
                let is_right = part == Part::Deparser || is_whole && in_control;
                ("a digest", is_right)
            }
            CallKind::V1(call) => return self.v1_place(call, part),
        };
        if !is_right {
            self.misplaced(what, part);
        }
    }

    /// Checks what a call names; the widths of its results if they can be told.
    fn call_kind(&mut self, kind: &CallKind, scope: Scope<'_>) -> Option<Vec<u32>> {
        let gress = self.gress;
        match kind {
            CallKind::RegisterAction { action, index } => {
                let action = self.known(&gress.register_actions, *action)?;
                self.params_of_register_action(&action.body, scope);
                let register = self.known(&gress.registers, action.register)?;
                let is_direct = register.size == 0;
                self.direct(&action.register, is_direct, index.is_none());
                let widths = action.outputs.iter().map(|output| {
                    let local = action.locals.get(*output);
                    local.map_or(0, |local| local.width)
                });
                Some(widths.collect())
            }
            CallKind::RegisterRead { register, .. } => {
                let register = self.known(&gress.registers, *register)?;
                Some(register.element.iter().map(|value| value.width).collect())
            }
            CallKind::RegisterWrite {
                register, values, ..
            } => {
                let register = self.known(&gress.registers, *register)?;
                self.same_count("values", values.len(), register.element.len());
                for (value, field) in values.iter().zip(&register.element) {
                    let width = self.expr(value, scope);
                    self.same_width("a value", width, Some(field.width));
                }
                Some(Vec::new())
            }
            CallKind::Count { counter, index } => {
                if gress.role == GressRole::Whole && index.is_none() {
                    self.misplaced("a call of a direct counter", scope.part);
                }
                let is_direct = self.known(&gress.counters, *counter)?.size == 0;
                self.direct(counter, is_direct, index.is_none());
                Some(Vec::new())
            }
            CallKind::Meter { meter, index, .. } => {
                let unit = self.known(&gress.meters, *meter)?;
                self.direct(meter, unit.size == 0, index.is_none());
                if unit.filter.is_some() {
                    let unit = meter.to_string();
                    self.fail(Rule::WrongMeter { unit });
                }
                Some(vec![unit.colors[0].width()])
            }
            CallKind::Filter {
                meter,
                index,
                value,
            } => {
                let unit = self.known(&gress.meters, *meter)?;
                self.direct(meter, unit.size == 0, index.is_none());
                let Some(filter) = &unit.filter else {
                    let unit = meter.to_string();
                    self.fail(Rule::WrongMeter { unit });
                    return None;
                };
                let n_before = self.violations.len();
                let width = self.expr(value, scope);
                // They were reported when the arguments were checked.
                self.violations.truncate(n_before);
                self.same_width("a value", width, Some(filter.width));
                Some(vec![filter.result_width()])
            }
            CallKind::Generate { header } => {
                self.total("the header of a generated packet", header, 8, scope);
                Some(Vec::new())
            }
            CallKind::Hash { hash, .. } => {
                let hash = self.known(&gress.hashes, *hash)?;
                Some(vec![hash.width])
            }
            CallKind::Random { random } => {
                let random = self.known(&gress.randoms, *random)?;
                Some(vec![random.width])
            }
            CallKind::Checksum { unit, op, args } => {
                self.known(&gress.checksums, *unit)?;
                self.total("the arguments of a checksum", args, 16, scope);
                Some(match op {
                    ChecksumOp::Add | ChecksumOp::Subtract => Vec::new(),
                    ChecksumOp::Verify => vec![1],
                    ChecksumOp::Get
                    | ChecksumOp::Update { .. }
                    | ChecksumOp::SubtractAllAndDeposit => vec![16],
                })
            }
            CallKind::Mirror { header, .. } => {
                self.total("the fields of a mirror header", header, 8, scope);
                Some(Vec::new())
            }
            CallKind::Resubmit { header, .. } => {
                self.total("the fields of a resubmit header", header, 8, scope);
                Some(Vec::new())
            }
            CallKind::Digest {
                digest,
                receiver,
                fields,
            } => {
                let digest = self.known(&gress.digests, *digest)?;
                if let Some(receiver) = receiver {
                    if gress.role != GressRole::Whole {
                        self.misplaced("a receiver", scope.part);
                    }
                    let width = receiver.width(gress);
                    self.same_width("a receiver", Some(width), Some(32));
                }
                self.same_count("fields of a digest", fields.len(), digest.fields.len());
                for (value, (_, expected)) in fields.iter().zip(&digest.fields) {
                    let width = self.expr(value, scope);
                    self.same_width("a field of a digest", width, Some(*expected));
                }
                Some(Vec::new())
            }
            CallKind::V1(call) => self.v1_call(call, scope),
        }
    }

    fn direct(&mut self, unit: &impl std::fmt::Display, is_direct: bool, used_as_direct: bool) {
        if is_direct != used_as_direct {
            let unit = unit.to_string();
            self.fail(Rule::NotDirect { unit });
        }
    }

    fn total(&mut self, what: &'static str, args: &[Expr], unit: u32, scope: Scope<'_>) {
        let n_before = self.violations.len();
        let widths: Option<Vec<u32>> = args.iter().map(|arg| self.expr(arg, scope)).collect();
        // They were reported when the arguments were checked.
        self.violations.truncate(n_before);
        let found = widths
            .iter()
            .flatten()
            .fold(0, |sum: u32, width| sum.saturating_add(*width));
        if widths.is_some() && !found.is_multiple_of(unit) {
            self.fail(Rule::NotMultiple { what, found, unit });
        }
    }

    /// A register action may read parameters of whatever action calls it: all must have them.
    fn params_of_register_action(&mut self, body: &Block, scope: Scope<'_>) {
        let mut read = Vec::new();
        visit_exprs(body, &mut |expr| {
            if let Expr::Param { .. } = expr {
                read.push(expr.clone());
            }
        });
        for param in read {
            self.expr(&param, scope);
        }
    }
}

/// Calls `visit` on every expression inside assignments and conditions.
fn visit_exprs(block: &Block, visit: &mut impl FnMut(&Expr)) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Assign { value, .. } => value.walk(visit),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                cond.walk(visit);
                visit_exprs(then, visit);
                visit_exprs(otherwise, visit);
            }
            // Not in a register action.
            StmtKind::Apply { .. }
            | StmtKind::Call(_)
            | StmtKind::Labeled { .. }
            | StmtKind::Loop { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}

/// The bits that a place covers, of a field.
pub(super) fn bits_of(
    place: &Place,
    width_of: impl Fn(FieldId) -> u32,
) -> Option<(FieldId, u32, u32)> {
    match place {
        Place::Field(field) => Some((*field, width_of(*field).saturating_sub(1), 0)),
        Place::FieldSlice { field, hi, lo } => Some((*field, *hi, *lo)),
        Place::Local(_) | Place::LocalSlice { .. } => None,
    }
}
