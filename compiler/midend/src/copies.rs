//! Reads of a copy become reads of what it was copied from.
//!
//! A parameter that can't be passed by reference is a local field with a copy of its argument. If the
//! argument still has that value wherever the parameter is read, the copy is of no use: it would cost a
//! table, a stage and a container. Nothing reads it any more then, and [`crate::dead`] removes it.
//!
//! 1. A local field, or one of a header that no packet has, is a *candidate* if something copies one and the
//!    same other field to it, whole.
//! 2. A copy *holds* behind a table all of whose actions make it, up to a write of itself, of its source, or
//!    of the validity of the header that the source is in. Where branches meet, it holds if it does on all.
//! 3. A candidate that is read anywhere where its copy does not hold stays as it is.
//! 4. What is copied back unchanged then is copied to itself, and is not any more.

use std::collections::{HashMap, HashSet};

use p4rmt_ir::{
    Bits, Block, CallKind, Expr, FieldId, FieldKind, Gress, Node, ParallelAction, ParallelAssign,
    Place, StmtKind, TableId, Tables,
};

use crate::dead::{actions_of, covers_all, inner_fields};
use crate::step::fields_read;

/// By copy: what it is made of.
type Sources = HashMap<FieldId, FieldId>;

/// Reads sources in place of their copies where that is the same.
pub(crate) fn forward_copies(tables: &mut Tables, gress: &mut Gress) {
    let inner = inner_fields(gress);
    let mut done = HashSet::new();
    loop {
        let mut candidates = copies_in(tables, &inner);
        candidates.retain(|copy, _| !done.contains(copy));
        if candidates.is_empty() {
            return;
        }
        let mut walk = Walk {
            gress,
            tables,
            inner: &inner,
            candidates,
        };
        walk.seq(&tables.seq, Some(Sources::new()));
        // Of a chain of copies the last one goes first.
        let in_between: HashSet<FieldId> = walk.candidates.values().copied().collect();
        let mut replaced = walk.candidates;
        replaced.retain(|copy, _| !in_between.contains(copy));
        if replaced.is_empty() {
            return;
        }
        replace(tables, gress, &replaced);
        done.extend(replaced.into_keys());
    }
}

/// The inner fields to which one other field is copied, and no second one.
fn copies_in(tables: &Tables, inner: &HashSet<FieldId>) -> Sources {
    let mut sources: HashMap<FieldId, Option<FieldId>> = HashMap::new();
    for assign in tables.actions.values().flat_map(|action| &action.assigns) {
        if let Some((copy, source)) = as_copy(assign, inner) {
            let known = sources.entry(copy).or_insert(Some(source));
            *known = known.filter(|known| *known == source);
        }
    }
    let only = sources.into_iter();
    only.filter_map(|(copy, source)| Some((copy, source?)))
        .collect()
}

/// The copy that an assignment makes of a whole field in an inner one, and that field.
fn as_copy(assign: &ParallelAssign, inner: &HashSet<FieldId>) -> Option<(FieldId, FieldId)> {
    let (Place::Field(copy), Expr::Field(source)) = (&assign.dst, &assign.value) else {
        return None;
    };
    (inner.contains(copy) && copy != source).then_some((*copy, *source))
}

/// A walk along the control flow, which gives up candidates that it finds read where they do not hold.
struct Walk<'a> {
    gress: &'a Gress,
    tables: &'a Tables,
    inner: &'a HashSet<FieldId>,
    candidates: Sources,
}

impl Walk<'_> {
    /// What holds behind a sequence, if it does before it; none if no packet comes there.
    fn seq(&mut self, seq: &[Node], held: Option<Sources>) -> Option<Sources> {
        seq.iter().fold(held, |held, node| {
            let held = held?;
            match node {
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    self.read(&self.tables.gateways[*gateway].cond, &held);
                    let then = self.seq(then, Some(held.clone()));
                    let otherwise = self.seq(otherwise, Some(held));
                    meet(then, otherwise)
                }
                Node::Table { table, arms } => {
                    let after = self.table(*table, &held);
                    let through = if covers_all(arms) {
                        None
                    } else {
                        after.clone()
                    };
                    arms.iter().fold(through, |joined, (_, arm)| {
                        let of_arm = self.seq(arm, after.clone());
                        meet(joined, of_arm)
                    })
                }
            }
        })
    }

    /// What holds behind a table, whichever of its actions ran.
    fn table(&mut self, table: TableId, held: &Sources) -> Option<Sources> {
        let gress = self.gress;
        for key in &gress.tables[table].keys {
            self.read(&key.expr, held);
        }
        let mut joined = None;
        for id in actions_of(table, gress) {
            let action = &self.tables.actions[id];
            for assign in &action.assigns {
                self.read(&assign.value, held);
            }
            for (call, _) in &action.calls {
                call.args().into_iter().for_each(|arg| self.read(arg, held));
                if let CallKind::RegisterAction { action, .. } = call.kind {
                    for field in fields_read(&gress.register_actions[action]) {
                        self.read_field(field, held);
                    }
                }
            }
            if !action.exits {
                joined = meet(joined, Some(self.behind(action, held.clone())));
            }
        }
        joined
    }

    /// What holds behind an action.
    fn behind(&self, action: &ParallelAction, mut held: Sources) -> Sources {
        let outs = action.calls.iter().flat_map(|(call, _)| &call.outs);
        let dsts = action.assigns.iter().map(|assign| &assign.dst);
        let places = outs.flatten().chain(dsts);
        let written: HashSet<FieldId> = places.filter_map(Place::field).collect();
        let made = action
            .assigns
            .iter()
            .filter_map(|assign| as_copy(assign, self.inner));
        held.retain(|copy, _| !written.contains(copy));
        held.extend(made.filter(|(copy, source)| self.candidates.get(copy) == Some(source)));
        held.retain(|_, source| {
            let is_changed = match self.gress.fields[*source].kind {
                FieldKind::Header(header) => written.contains(&self.gress.headers[header].valid),
                FieldKind::Validity(_)
                | FieldKind::VarbitWidth(_)
                | FieldKind::Metadata
                | FieldKind::Intrinsic
                | FieldKind::Local => false,
            };
            !is_changed && !written.contains(source)
        });
        held
    }

    fn read(&mut self, expr: &Expr, held: &Sources) {
        expr.walk(&mut |part| {
            if let Expr::Field(field) = part {
                self.read_field(*field, held);
            }
        });
    }

    fn read_field(&mut self, field: FieldId, held: &Sources) {
        if !held.contains_key(&field) {
            self.candidates.remove(&field);
        }
    }
}

/// What holds on both ways; all, if no packet takes the other.
fn meet(one: Option<Sources>, other: Option<Sources>) -> Option<Sources> {
    match (one, other) {
        (Some(mut one), Some(other)) => {
            one.retain(|copy, _| other.contains_key(copy));
            Some(one)
        }
        (one, other) => one.or(other),
    }
}

/// Reads these sources in place of their copies, everywhere in the control.
fn replace(tables: &mut Tables, gress: &mut Gress, sources: &Sources) {
    let keys = gress.tables.values_mut().flat_map(|table| &mut table.keys);
    keys.for_each(|key| rename(&mut key.expr, sources));
    for gateway in tables.gateways.values_mut() {
        rename(&mut gateway.cond, sources);
    }
    for action in tables.actions.values_mut() {
        for assign in &mut action.assigns {
            rename(&mut assign.value, sources);
        }
        let is_idle = |assign: &ParallelAssign| match (&assign.dst, &assign.value) {
            (Place::Field(dst), Expr::Field(source)) => dst == source,
            _ => false,
        };
        action.assigns.retain(|assign| !is_idle(assign));
        for (call, _) in &mut action.calls {
            let args = call.args_mut();
            args.into_iter().for_each(|arg| rename(arg, sources));
        }
    }
    for action in gress.register_actions.values_mut() {
        rename_in(&mut action.body, sources);
    }
}

fn rename_in(block: &mut Block, sources: &Sources) {
    for stmt in block {
        match &mut stmt.kind {
            StmtKind::Assign { value, .. } => rename(value, sources),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                rename(cond, sources);
                rename_in(then, sources);
                rename_in(otherwise, sources);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                rename_in(body, sources)
            }
            StmtKind::Call(call) => {
                let args = call.args_mut();
                args.into_iter().for_each(|arg| rename(arg, sources));
            }
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

fn rename(expr: &mut Expr, sources: &Sources) {
    fn renamed(expr: Expr, sources: &Sources) -> Expr {
        match expr {
            Expr::Field(field) => Expr::Field(*sources.get(&field).unwrap_or(&field)),
            other => other.map_args(&mut |arg| renamed(arg, sources)),
        }
    }
    let empty = Expr::Const(Bits::zero(0));
    *expr = renamed(std::mem::replace(expr, empty), sources);
}

#[cfg(test)]
mod tests {
    use p4rmt_ir::build::{GressBuilder, assign, branch, constant, eq, program};
    use p4rmt_ir::{Arch, Block, FieldId, GressRole, Id, PipeId, Stmt};

    use super::*;

    /// The fields of the program below: a copy, what it is made of, what else there is, and the validity of
    /// the header of the source.
    struct Fields {
        copy: FieldId,
        source: FieldId,
        out: FieldId,
        valid: FieldId,
    }

    /// How many assignments are left of a control: those to the copy, and those to its source.
    #[track_caller]
    fn check(body: impl FnOnce(&Fields) -> Block, expected: [usize; 2]) {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let (header, fields) = gress.header("h", &[("source", 8)]);
        gress.extract(header);
        let copy = gress.local("copy", 8);
        let out = gress.metadata("out", 8);
        let source = fields[0];
        // It follows the fields of its header.
        let valid = FieldId::from_index(fields[0].index() + 1);
        let fields = Fields {
            copy,
            source,
            out,
            valid,
        };
        let body = body(&fields);
        let structured = program("copies", Arch::Tna, [gress.structured(body)]);
        let tables = crate::to_tables(&structured).expect("it has a tables form");
        let gress = &tables.pipes[PipeId::from_index(0)].gresses[Id::from_index(0)];
        let actions = &gress.as_tables().expect("the tables form").actions;
        let assigns = actions.values().flat_map(|action| &action.assigns);
        let written: Vec<FieldId> = assigns.filter_map(|assign| assign.dst.field()).collect();
        let n = |field: FieldId| written.iter().filter(|of| **of == field).count();
        assert_eq!([n(copy), n(source)], expected);
    }

    /// Reads the copy under a condition, so in another table than the one that makes it.
    fn read(of: &Fields) -> Stmt {
        let cond = eq(Expr::Field(of.out), constant(8, 1));
        branch(cond, vec![assign(of.out, Expr::Field(of.copy))], vec![])
    }

    fn make(of: &Fields) -> Stmt {
        assign(of.copy, Expr::Field(of.source))
    }

    #[test]
    fn a_source_that_stays_is_read_itself() {
        check(|of| vec![make(of), read(of)], [0, 0]);
        let change = |of: &Fields| assign(of.source, constant(8, 7));
        check(|of| vec![make(of), read(of), change(of)], [0, 1]);
    }

    #[test]
    fn what_is_read_behind_a_change_of_the_source_is_a_copy() {
        let change = |of: &Fields| assign(of.source, constant(8, 7));
        check(|of| vec![make(of), change(of), read(of)], [1, 1]);
        check(|of| vec![make(of), read(of), change(of), read(of)], [1, 1]);
    }

    #[test]
    fn what_is_read_behind_a_change_of_the_header_is_a_copy() {
        let lose = |of: &Fields| assign(of.valid, constant(1, 0));
        check(|of| vec![make(of), lose(of), read(of)], [1, 0]);
        check(|of| vec![make(of), read(of), lose(of)], [0, 0]);
    }

    #[test]
    fn what_is_made_on_one_branch_is_a_copy_behind_it() {
        let on_one = |of: &Fields, then| {
            let cond = eq(Expr::Field(of.out), constant(8, 2));
            branch(cond, then, vec![])
        };
        check(|of| vec![on_one(of, vec![make(of)]), read(of)], [1, 0]);
        check(|of| vec![on_one(of, vec![make(of), read(of)])], [0, 0]);
    }

    #[test]
    fn what_is_copied_back_unchanged_is_not_written() {
        let back = |of: &Fields| assign(of.source, Expr::Field(of.copy));
        check(|of| vec![make(of), read(of), back(of)], [0, 0]);
    }
}
