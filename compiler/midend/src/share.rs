//! One place for a table that is applied on several branches.
//!
//! A table stands in the control flow once. Where a program applies it at the ends of branches that
//! exclude each other, it moves behind them: as it is if every branch ends with it, else under a guard,
//! a local field of one bit that starts at zero and that those branches set. Tables that the other
//! branches end with and that use the same register move along and stand in the guard's other branch, so
//! that it can be seen that no packet touches the register twice. Nothing moves across a statement but
//! guards, and nothing moves that has arms. Statements have no jumps any more.

use std::collections::{HashMap, HashSet};

use p4rmt_ir::{
    Arena, Bits, Block, Expr, Field, FieldId, FieldKind, Outcome, Place, RegisterId, Stmt,
    StmtKind, TableId,
};

/// Moves every table that is applied more than once, where that is possible.
pub(crate) fn share_tables(
    body: &mut Block,
    fields: &mut Arena<FieldId, Field>,
    registers: &HashMap<TableId, HashSet<RegisterId>>,
) {
    let mut share = Share {
        fields,
        registers,
        guards: HashSet::new(),
    };
    // A table that follows another one at the ends of branches lets it move next.
    while share.move_one(body) {}
}

struct Share<'a> {
    fields: &'a mut Arena<FieldId, Field>,
    /// By table: the registers that its actions touch.
    registers: &'a HashMap<TableId, HashSet<RegisterId>>,
    guards: HashSet<FieldId>,
}

impl Share<'_> {
    /// Moves one table; false if none can.
    fn move_one(&mut self, body: &mut Block) -> bool {
        let mut counts: HashMap<TableId, usize> = HashMap::new();
        let mut order = Vec::new();
        visit_applies(body, &mut |table| {
            let count = counts.entry(table).or_default();
            *count += 1;
            if *count == 2 {
                order.push(table);
            }
        });
        order.into_iter().any(|table| self.move_table(body, table))
    }

    /// Moves a table behind the innermost statement that has all of its places.
    fn move_table(&mut self, block: &mut Block, table: TableId) -> bool {
        let mut holders = (0..block.len()).filter(|position| applies(&block[*position], table) > 0);
        let (Some(position), None) = (holders.next(), holders.next()) else {
            return false;
        };
        let total = applies(&block[position], table);
        let stmt = &mut block[position];
        for branch in branches_mut(&mut stmt.kind) {
            if applies_in(branch, table) == total {
                return self.move_table(branch, table);
            }
        }
        let is_at_ends = match &stmt.kind {
            StmtKind::Apply { table: own, .. } if *own == table => false,
            kind => branches(kind)
                .into_iter()
                .all(|branch| self.only_at_end(branch, table)),
        };
        if !is_at_ends {
            return false;
        }
        let others = self.rivals(stmt, table);
        let moved = self.take_out(stmt, table, &others, &mut vec![table]);
        block.insert(position + 1, moved);
        true
    }

    /// Takes the table out of the ends of the statement, and the others, which exclude it; returns what
    /// is to follow the statement. `gone` are the tables up to this one.
    fn take_out(
        &mut self,
        stmt: &mut Stmt,
        table: TableId,
        others: &[TableId],
        gone: &mut Vec<TableId>,
    ) -> Stmt {
        let span = stmt.span;
        let apply = Stmt {
            kind: StmtKind::Apply {
                table,
                arms: Vec::new(),
            },
            span,
        };
        if others.is_empty() && self.always_applies(stmt, gone) {
            self.replace(stmt, table, None);
            return apply;
        }
        let guard = self.new_guard(table);
        let otherwise = match others {
            [] => Vec::new(),
            [next, rest @ ..] => {
                gone.push(*next);
                vec![self.take_out(stmt, *next, rest, gone)]
            }
        };
        self.replace(stmt, table, Some(guard));
        Stmt {
            kind: StmtKind::If {
                cond: Expr::Field(guard),
                then: vec![apply],
                otherwise,
            },
            span,
        }
    }

    /// The other tables of a statement that touch a register of this one and stand only at ends.
    fn rivals(&self, stmt: &Stmt, table: TableId) -> Vec<TableId> {
        let Some(own) = self.registers.get(&table) else {
            return Vec::new();
        };
        let mut found: Vec<TableId> = Vec::new();
        for branch in branches(&stmt.kind) {
            visit_applies(branch, &mut |other| {
                let shares = |registers: &HashSet<RegisterId>| !own.is_disjoint(registers);
                let is_rival = other != table && self.registers.get(&other).is_some_and(shares);
                if is_rival && !found.contains(&other) {
                    found.push(other);
                }
            });
        }
        let is_decided = |other: &TableId| match &stmt.kind {
            StmtKind::Apply { table, .. } if table == other => false,
            kind => branches(kind)
                .into_iter()
                .all(|branch| self.only_at_end(branch, *other)),
        };
        found.retain(is_decided);
        found
    }

    fn new_guard(&mut self, table: TableId) -> FieldId {
        let guard = self.fields.push(Field {
            name: format!("applies-{table}"),
            width: 1,
            is_signed: false,
            kind: FieldKind::Local,
            span: p4rmt_source::Span::NONE,
        });
        self.guards.insert(guard);
        guard
    }

    /// The position of the last statement that does more than set a guard.
    fn end(&self, block: &[Stmt]) -> Option<usize> {
        block.iter().rposition(|stmt| match &stmt.kind {
            StmtKind::Assign {
                dst: Place::Field(field),
                ..
            } => !self.guards.contains(field),
            _ => true,
        })
    }

    /// Whether the table stands in the block, if at all, without arms and ahead of nothing.
    fn only_at_end(&self, block: &[Stmt], table: TableId) -> bool {
        let Some(end) = self.end(block) else {
            return true;
        };
        if applies_in(&block[..end], table) > 0 {
            return false;
        }
        match &block[end].kind {
            StmtKind::Apply { table: own, arms } if *own == table => arms.is_empty(),
            kind => branches(kind)
                .into_iter()
                .all(|branch| self.only_at_end(branch, table)),
        }
    }

    /// Whether every way through the statement ends with one of the tables.
    fn always_applies(&self, stmt: &Stmt, tables: &[TableId]) -> bool {
        let covers_all = match &stmt.kind {
            StmtKind::If { .. } | StmtKind::Labeled { .. } => true,
            StmtKind::Apply { table: own, .. } if tables.contains(own) => return true,
            StmtKind::Apply { arms, .. } => {
                let has = |outcome| arms.iter().any(|arm| arm.on == outcome);
                has(Outcome::Otherwise) || has(Outcome::Hit) && has(Outcome::Miss)
            }
            StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Loop { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => false,
        };
        covers_all
            && branches(&stmt.kind).into_iter().all(|branch| {
                self.end(branch)
                    .is_some_and(|end| self.always_applies(&branch[end], tables))
            })
    }

    /// Takes the table out of the branches of a statement, and sets the guard in its place.
    fn replace(&self, stmt: &mut Stmt, table: TableId, guard: Option<FieldId>) {
        for branch in branches_mut(&mut stmt.kind) {
            let Some(end) = self.end(branch) else {
                continue;
            };
            match (&branch[end].kind, guard) {
                (StmtKind::Apply { table: own, .. }, None) if *own == table => {
                    branch.remove(end);
                }
                (StmtKind::Apply { table: own, .. }, Some(guard)) if *own == table => {
                    branch[end].kind = StmtKind::Assign {
                        dst: Place::Field(guard),
                        value: Expr::Const(Bits::from_bool(true)),
                    };
                }
                _ => self.replace(&mut branch[end], table, guard),
            }
        }
    }
}

/// The blocks inside a statement; those of a loop, which is refused, do not count.
fn branches(kind: &StmtKind) -> Vec<&Block> {
    match kind {
        StmtKind::If {
            then, otherwise, ..
        } => vec![then, otherwise],
        StmtKind::Apply { arms, .. } => arms.iter().map(|arm| &arm.body).collect(),
        StmtKind::Labeled { body, .. } => vec![body],
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Loop { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => Vec::new(),
    }
}

fn branches_mut(kind: &mut StmtKind) -> Vec<&mut Block> {
    match kind {
        StmtKind::If {
            then, otherwise, ..
        } => vec![then, otherwise],
        StmtKind::Apply { arms, .. } => arms.iter_mut().map(|arm| &mut arm.body).collect(),
        StmtKind::Labeled { body, .. } => vec![body],
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Loop { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => Vec::new(),
    }
}

/// Calls `visit` for each place where a table is applied.
fn visit_applies(block: &[Stmt], visit: &mut impl FnMut(TableId)) {
    for stmt in block {
        if let StmtKind::Apply { table, .. } = &stmt.kind {
            visit(*table);
        }
        for branch in branches(&stmt.kind) {
            visit_applies(branch, visit);
        }
    }
}

fn applies_in(block: &[Stmt], table: TableId) -> usize {
    let mut count = 0;
    visit_applies(block, &mut |other| count += usize::from(other == table));
    count
}

/// How often the statement applies the table.
fn applies(stmt: &Stmt, table: TableId) -> usize {
    applies_in(std::slice::from_ref(stmt), table)
}
