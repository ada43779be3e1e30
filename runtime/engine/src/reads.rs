//! Whether anything behind the parser reads a field.

use p4rmt_ir::{Block, Body, Expr, FieldId, Gress, StmtKind};

/// Whether a table, condition, action, register action or the deparser reads the field.
pub(crate) fn reads_field(gress: &Gress, field: FieldId) -> bool {
    let mut found = false;
    walk_bodies(gress, &mut |expr| {
        expr.walk(&mut |expr| found |= *expr == Expr::Field(field));
    });
    found
}

/// Visits the expressions of everything behind the parser.
pub(crate) fn walk_bodies(gress: &Gress, mut visit: &mut impl FnMut(&Expr)) {
    for key in gress.tables.values().flat_map(|table| &table.keys) {
        visit(&key.expr);
    }
    for action in gress.register_actions.values() {
        walk_block(&action.body, &mut visit);
    }
    walk_block(&gress.deparser.body, &mut visit);
    match &gress.body {
        Body::Structured(body) => {
            for control in &body.controls {
                walk_block(&control.body, &mut visit);
            }
            for action in body.actions.values() {
                walk_block(&action.body, &mut visit);
            }
        }
        Body::Tables(body) => {
            for gateway in body.gateways.values() {
                visit(&gateway.cond);
            }
            for action in body.actions.values() {
                for (call, _) in &action.calls {
                    call.args().into_iter().for_each(&mut visit);
                }
                for assign in &action.assigns {
                    visit(&assign.value);
                }
            }
        }
    }
}

/// Visits the expressions of a block.
pub(crate) fn walk_block(block: &Block, visit: &mut impl FnMut(&Expr)) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Assign { value, .. } => visit(value),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                visit(cond);
                walk_block(then, visit);
                walk_block(otherwise, visit);
            }
            StmtKind::Apply { arms, .. } => {
                arms.iter().for_each(|arm| walk_block(&arm.body, visit));
            }
            StmtKind::Call(call) => call.args().into_iter().for_each(&mut *visit),
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => walk_block(body, visit),
            StmtKind::Extract { varbit_bits, .. } => varbit_bits.iter().for_each(&mut *visit),
            StmtKind::Advance { bits } => visit(bits),
            StmtKind::Verify { cond, error } => {
                visit(cond);
                visit(error);
            }
            StmtKind::Leave(_) | StmtKind::Exit | StmtKind::Emit { .. } => {}
        }
    }
}
