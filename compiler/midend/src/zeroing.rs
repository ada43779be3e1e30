//! Removes writes of zero to local fields that nothing can have written before.
//!
//! A packet starts with every field zero, so `bit<16> x = 0;` at the start of a control changes nothing;
//! but the write would make every later write of the field wait a stage.

use std::collections::HashSet;

use p4rmt_ir::{
    ActionId, Block, Expr, FieldId, FieldKind, Gress, Node, ParallelAction, ParallelAssign,
    StmtKind, TableId, Tables,
};

/// Removes the writes from the tables that the compiler made. What the parser writes counts as written.
pub(crate) fn remove_zeroing(tables: &mut Tables, gress: &Gress) {
    let mut written = HashSet::new();
    for state in gress.parser.states.values() {
        written_by_block(&state.body, &mut written);
    }
    let mut walk = Walk {
        gress,
        tables,
        needless: Vec::new(),
    };
    let seq = &walk.tables.seq;
    walk.seq(seq, &mut written);
    for (action, field) in walk.needless {
        let is_needless =
            |assign: &ParallelAssign| assign.dst.field() == Some(field) && is_zero(assign);
        tables.actions[action]
            .assigns
            .retain(|assign| !is_needless(assign));
    }
}

fn is_zero(assign: &ParallelAssign) -> bool {
    matches!(&assign.value, Expr::Const(bits) if bits.is_zero())
}

fn written_by_block(block: &Block, written: &mut HashSet<FieldId>) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Assign { dst, .. } => written.extend(dst.field()),
            StmtKind::Call(call) => {
                written.extend(
                    call.outs
                        .iter()
                        .flatten()
                        .filter_map(p4rmt_ir::Place::field),
                );
            }
            StmtKind::If {
                then, otherwise, ..
            } => {
                written_by_block(then, written);
                written_by_block(otherwise, written);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                written_by_block(body, written);
            }
            StmtKind::Apply { arms, .. } => {
                for arm in arms {
                    written_by_block(&arm.body, written);
                }
            }
            // Extracting writes fields of headers, which are not local.
            StmtKind::Extract { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}

/// A walk along the control flow.
struct Walk<'a> {
    gress: &'a Gress,
    tables: &'a Tables,
    /// Fields that these actions write zero to although they hold it.
    needless: Vec<(ActionId, FieldId)>,
}

impl<'a> Walk<'a> {
    fn seq(&mut self, seq: &'a [Node], written: &mut HashSet<FieldId>) {
        for node in seq {
            match node {
                Node::Gateway {
                    then, otherwise, ..
                } => {
                    let mut otherwise_written = written.clone();
                    self.seq(then, written);
                    self.seq(otherwise, &mut otherwise_written);
                    written.extend(otherwise_written);
                }
                Node::Table { table, arms } => {
                    self.table(*table, written);
                    let before_arms = written.clone();
                    for (_, arm) in arms {
                        let mut arm_written = before_arms.clone();
                        self.seq(arm, &mut arm_written);
                        written.extend(arm_written);
                    }
                }
            }
        }
    }

    fn table(&mut self, table: TableId, written: &mut HashSet<FieldId>) {
        let table = &self.gress.tables[table];
        let named = table.actions.iter().map(|named| named.action);
        let actions: HashSet<ActionId> = named.chain([table.default_action.action]).collect();
        if !table.is_declared
            && let [action] = actions.iter().copied().collect::<Vec<_>>()[..]
        {
            self.find_needless(action, written);
        }
        for action in actions {
            written.extend(written_by(&self.tables.actions[action]));
        }
    }

    /// A field that the action writes in parts only holds zero as long as all parts are zero.
    fn find_needless(&mut self, id: ActionId, written: &HashSet<FieldId>) {
        let action = &self.tables.actions[id];
        for field in action
            .assigns
            .iter()
            .filter_map(|assign| assign.dst.field())
        {
            let is_local = self.gress.fields[field].kind == FieldKind::Local;
            let mut writes = action
                .assigns
                .iter()
                .filter(|a| a.dst.field() == Some(field));
            if is_local && !written.contains(&field) && writes.all(is_zero) {
                self.needless.push((id, field));
            }
        }
    }
}

fn written_by(action: &ParallelAction) -> impl Iterator<Item = FieldId> + '_ {
    let outs = action
        .calls
        .iter()
        .flat_map(|(call, _)| call.outs.iter().flatten());
    let dsts = action.assigns.iter().map(|assign| &assign.dst);
    outs.chain(dsts).filter_map(p4rmt_ir::Place::field)
}

#[cfg(test)]
mod tests {
    use p4rmt_ir::build::{GressBuilder, assign, branch, constant, eq, program};
    use p4rmt_ir::{Arch, Block, FieldId, GressRole, Id, PipeId};

    use super::*;

    /// How many assignments to the local `x` are left of a control that ends by sending `x` out.
    #[track_caller]
    fn check(body: impl FnOnce(FieldId, FieldId) -> Block, expected: usize) {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let local = gress.local("x", 8);
        let out = gress.metadata("out", 8);
        let mut body = body(local, out);
        body.push(assign(out, Expr::Field(local)));
        let structured = program("zero", Arch::Tna, [gress.structured(body)]);
        let tables = crate::to_tables(&structured).expect("it has a tables form");
        let gress = &tables.pipes[PipeId::from_index(0)].gresses[Id::from_index(0)];
        let actions = &gress.as_tables().expect("the tables form").actions;
        let assigns = actions.values().flat_map(|action| &action.assigns);
        assert_eq!(
            assigns
                .filter(|assign| assign.dst.field() == Some(local))
                .count(),
            expected
        );
    }

    #[test]
    fn zero_where_nothing_was_written_is_needless() {
        let on_one = |x, out, value| {
            let cond = eq(Expr::Field(out), constant(8, 1));
            branch(cond, vec![assign(x, constant(8, value))], vec![])
        };
        check(|x, out| vec![on_one(x, out, 0)], 0);
        check(|x, out| vec![on_one(x, out, 7)], 1);
    }

    #[test]
    fn zero_over_something_else_stays() {
        let cond = |out, value| eq(Expr::Field(out), constant(8, value));
        check(
            |x, out| {
                vec![
                    branch(cond(out, 1), vec![assign(x, constant(8, 7))], vec![]),
                    branch(cond(out, 2), vec![assign(x, constant(8, 0))], vec![]),
                ]
            },
            2,
        );
    }
}
