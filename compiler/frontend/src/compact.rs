//! Variables that nothing reads or writes go: parameters that were replaced by their arguments, and
//! the headers of such.

use std::collections::{HashMap, HashSet};

use p4rmt_ir::{Arena, Body, Expr, FieldId, FieldKind, Gress, HeaderId, StmtKind};

use crate::rewrite::{self, Accesses, Replacement};
use crate::storage::{Base, Slot};

/// Drops the local fields and headers that no statement, key or program of the gress touches.
pub(crate) fn drop_unused(gress: &mut Gress, local_headers: &HashSet<HeaderId>) {
    let used = used_fields(gress);
    let headers = kept_headers(gress, &used, local_headers);
    let mut by: HashMap<FieldId, Replacement> = HashMap::new();
    let mut new_ids: HashMap<FieldId, FieldId> = HashMap::new();
    let mut fields = Arena::new();
    for (old, field) in gress.fields.iter() {
        let is_kept = match field.kind {
            FieldKind::Local => used.contains(&old),
            FieldKind::Header(header)
            | FieldKind::Validity(header)
            | FieldKind::VarbitWidth(header) => headers.contains_key(&header),
            FieldKind::Metadata | FieldKind::Intrinsic => true,
        };
        if !is_kept {
            continue;
        }
        let mut field = field.clone();
        field.kind = match field.kind {
            FieldKind::Header(header) => FieldKind::Header(headers[&header]),
            FieldKind::Validity(header) => FieldKind::Validity(headers[&header]),
            FieldKind::VarbitWidth(header) => FieldKind::VarbitWidth(headers[&header]),
            other @ (FieldKind::Local | FieldKind::Metadata | FieldKind::Intrinsic) => other,
        };
        let width = field.width;
        let new = fields.push(field);
        new_ids.insert(old, new);
        if new != old {
            by.insert(
                old,
                Replacement {
                    read: Expr::Field(new),
                    write: Some(Slot::whole(Base::Field(new), width)),
                },
            );
        }
    }
    if by.is_empty() && fields.len() == gress.fields.len() {
        return;
    }
    gress.fields = fields;
    renumber_headers(gress, &headers, &new_ids);
    for field in gress.intrinsics.values_mut() {
        *field = new_ids[field];
    }
    visit_blocks(gress, &mut |block| {
        rewrite::replace(block, &by);
        rename_headers(block, &headers);
    });
    visit_exprs(gress, &mut |expr| rewrite::replace_expr(expr, &by));
}

/// Every field that a statement, key or transition touches.
fn used_fields(gress: &mut Gress) -> HashSet<FieldId> {
    let mut accesses = Accesses::default();
    visit_blocks(gress, &mut |block| accesses.add_block(block));
    visit_exprs(gress, &mut |expr| accesses.add_expr(expr));
    let mut used = accesses.reads;
    used.extend(accesses.writes);
    used
}

/// The headers that stay, with their new ids: those that are declared by the program's blocks, and
/// those of variables that are used.
fn kept_headers(
    gress: &mut Gress,
    used: &HashSet<FieldId>,
    local_headers: &HashSet<HeaderId>,
) -> HashMap<HeaderId, HeaderId> {
    let mut named = HashSet::new();
    visit_blocks(gress, &mut |block| collect_headers(block, &mut named));
    let mut kept = HashMap::new();
    for (old, header) in gress.headers.iter() {
        let is_used = used.contains(&header.valid)
            || header.fields.iter().any(|field| used.contains(field))
            || named.contains(&old)
            || !local_headers.contains(&old);
        if is_used {
            kept.insert(old, p4rmt_ir::Id::from_index(kept.len()));
        }
    }
    kept
}

/// Drops headers and gives the others their new ids and fields.
fn renumber_headers(
    gress: &mut Gress,
    headers: &HashMap<HeaderId, HeaderId>,
    fields: &HashMap<FieldId, FieldId>,
) {
    let kept = gress
        .headers
        .iter()
        .filter(|(id, _)| headers.contains_key(id))
        .map(|(_, header)| {
            let mut header = header.clone();
            header.valid = fields[&header.valid];
            for field in &mut header.fields {
                *field = fields[field];
            }
            header.varbit = header
                .varbit
                .map(|(value, width)| (fields[&value], fields[&width]));
            header
        })
        .collect();
    gress.headers = kept;
}

/// The headers that statements name.
fn collect_headers(block: &[p4rmt_ir::Stmt], named: &mut HashSet<HeaderId>) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Extract { header, .. } | StmtKind::Emit { header } => {
                named.insert(*header);
            }
            StmtKind::If {
                then, otherwise, ..
            } => {
                collect_headers(then, named);
                collect_headers(otherwise, named);
            }
            StmtKind::Apply { arms, .. } => {
                for arm in arms {
                    collect_headers(&arm.body, named);
                }
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                collect_headers(body, named);
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

/// Gives the headers of statements their new ids.
fn rename_headers(block: &mut [p4rmt_ir::Stmt], headers: &HashMap<HeaderId, HeaderId>) {
    for stmt in block {
        match &mut stmt.kind {
            StmtKind::Extract { header, .. } | StmtKind::Emit { header } => {
                *header = headers[header];
            }
            StmtKind::If {
                then, otherwise, ..
            } => {
                rename_headers(then, headers);
                rename_headers(otherwise, headers);
            }
            StmtKind::Apply { arms, .. } => {
                for arm in arms {
                    rename_headers(&mut arm.body, headers);
                }
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                rename_headers(body, headers);
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

/// Calls `visit` on every outermost block.
fn visit_blocks(gress: &mut Gress, visit: &mut impl FnMut(&mut p4rmt_ir::Block)) {
    for state in gress.parser.states.values_mut() {
        visit(&mut state.body);
    }
    if let Body::Structured(structured) = &mut gress.body {
        for control in &mut structured.controls {
            visit(&mut control.body);
        }
        for action in structured.actions.values_mut() {
            visit(&mut action.body);
        }
    }
    visit(&mut gress.deparser.body);
    for action in gress.register_actions.values_mut() {
        visit(&mut action.body);
    }
}

/// Calls `visit` on every expression outside of statements.
fn visit_exprs(gress: &mut Gress, visit: &mut impl FnMut(&mut Expr)) {
    for state in gress.parser.states.values_mut() {
        if let p4rmt_ir::Transition::Select { keys, .. } = &mut state.transition {
            keys.iter_mut().for_each(&mut *visit);
        }
    }
    for table in gress.tables.values_mut() {
        for key in &mut table.keys {
            visit(&mut key.expr);
        }
    }
}
