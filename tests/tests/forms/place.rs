//! Legal placements by the rules of the IR's docs alone: no target, no limits.
//!
//! Units are placed in the order of the control flow. A unit is in a later stage than one that writes
//! what it reads or writes, and in no earlier stage than one that reads what it writes or leads to it.
//! Logical ids grow in the order of the control flow.

use std::collections::BTreeSet;

use p4rmt_ir::{
    ActionId, Call, CallKind, Expr, FieldId, GatewayId, Gress, GressPlacement, Id, MemoryUse, Node,
    Placement, Seq, Slot, StmtKind, TableId, TablePart, Tables,
};

use crate::maker::Dice;

/// A placement of the gress. Every unit may come up to `slack` stages later than it could, and
/// tables with entries may lie in two stages, if `slack` is not 0.
pub(crate) fn place(gress: &Gress, dice: &mut Dice, slack: u64) -> Placement {
    let tables = gress.as_tables().expect("the tables form");
    let mut placer = Placer {
        gress,
        tables,
        dice,
        slack,
        placed: Vec::new(),
        parts: vec![Vec::new(); gress.tables.len()],
        gateways: vec![
            Slot {
                stage: 0,
                logical_id: 0
            };
            tables.gateways.len()
        ],
    };
    placer.seq(&tables.seq, 0);
    let stages_used = placer.placed.iter().map(|unit| unit.last + 1).max();
    let stages_used = stages_used.unwrap_or(0);
    let placed = GressPlacement {
        tables: placer.parts.into_iter().collect(),
        gateways: placer.gateways.into_iter().collect(),
        stateful: Vec::new(),
    };
    Placement {
        target: "without limits".into(),
        stages_available: stages_used,
        stages_used,
        gresses: std::iter::once(placed).collect(),
    }
}

/// A unit that has its place.
struct Unit {
    first: u32,
    last: u32,
    reads: BTreeSet<FieldId>,
    writes: BTreeSet<FieldId>,
}

struct Placer<'a> {
    gress: &'a Gress,
    tables: &'a Tables,
    dice: &'a mut Dice,
    slack: u64,
    placed: Vec<Unit>,
    parts: Vec<Vec<TablePart>>,
    gateways: Vec<Slot>,
}

impl Placer<'_> {
    fn seq(&mut self, seq: &Seq, min_stage: u32) {
        for node in seq {
            match node {
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let last = self.gateway(*gateway, min_stage);
                    self.seq(then, last);
                    self.seq(otherwise, last);
                }
                Node::Table { table, arms } => {
                    let last = self.table(*table, min_stage);
                    for (_, arm) in arms {
                        self.seq(arm, last);
                    }
                }
            }
        }
    }

    fn gateway(&mut self, id: GatewayId, min_stage: u32) -> u32 {
        let reads = fields_of(&self.tables.gateways[id].cond);
        let stage = self.earliest(&reads, &BTreeSet::new(), min_stage);
        self.gateways[id.index()] = self.slot(stage);
        self.add(stage, stage, reads, BTreeSet::new());
        stage
    }

    fn table(&mut self, id: TableId, min_stage: u32) -> u32 {
        let table = &self.gress.tables[id];
        let mut reads: BTreeSet<FieldId> = table
            .keys
            .iter()
            .flat_map(|key| fields_of(&key.expr))
            .collect();
        let mut writes = BTreeSet::new();
        for listed in &table.actions {
            self.action(listed.action, &mut reads, &mut writes);
        }
        self.action(table.default_action.action, &mut reads, &mut writes);
        let first = self.earliest(&reads, &writes, min_stage);
        let n_entries = table.entries.len() as u64;
        let mut stages = vec![(first, u64::MAX)];
        if self.slack > 0 && n_entries > 1 && self.dice.below(2) == 0 {
            stages = vec![(first, n_entries / 2), (first + 1, u64::MAX)];
        }
        for (stage, entries) in &stages {
            let slot = self.slot(*stage);
            self.parts[id.index()].push(TablePart {
                slot,
                entries: *entries,
                memory: MemoryUse::default(),
            });
        }
        let last = stages.last().map_or(first, |(stage, _)| *stage);
        self.add(first, last, reads, writes);
        last
    }

    fn add(&mut self, first: u32, last: u32, reads: BTreeSet<FieldId>, writes: BTreeSet<FieldId>) {
        self.placed.push(Unit {
            first,
            last,
            reads,
            writes,
        });
    }

    /// A slot behind all others of the stage.
    fn slot(&self, stage: u32) -> Slot {
        let others = self.placed.iter();
        let n_before = others
            .filter(|unit| (unit.first..=unit.last).contains(&stage))
            .count();
        Slot {
            stage,
            logical_id: n_before as u32,
        }
    }

    fn earliest(
        &mut self,
        reads: &BTreeSet<FieldId>,
        writes: &BTreeSet<FieldId>,
        min_stage: u32,
    ) -> u32 {
        let mut stage = min_stage;
        for unit in &self.placed {
            let meets =
                |one: &BTreeSet<FieldId>, other: &BTreeSet<FieldId>| !one.is_disjoint(other);
            if meets(&unit.writes, reads) || meets(&unit.writes, writes) {
                stage = stage.max(unit.last + 1);
            } else if meets(&unit.reads, writes) {
                stage = stage.max(unit.last);
            }
            // An exit keeps later units from running: they must not come before it.
            stage = stage.max(if self.has_exits() { unit.last } else { 0 });
        }
        stage + self.dice.below(self.slack + 1) as u32
    }

    fn has_exits(&self) -> bool {
        self.tables.actions.values().any(|action| action.exits)
    }

    fn action(&self, id: ActionId, reads: &mut BTreeSet<FieldId>, writes: &mut BTreeSet<FieldId>) {
        let action = &self.tables.actions[id];
        for (call, _) in &action.calls {
            self.call(call, reads);
        }
        for assign in &action.assigns {
            reads.extend(fields_of(&assign.value));
            writes.extend(assign.dst.field());
        }
    }

    fn call(&self, call: &Call, reads: &mut BTreeSet<FieldId>) {
        for arg in call.args() {
            reads.extend(fields_of(arg));
        }
        if let CallKind::RegisterAction { action, .. } = &call.kind {
            let mut blocks = vec![&self.gress.register_actions[*action].body];
            while let Some(block) = blocks.pop() {
                for stmt in block {
                    match &stmt.kind {
                        StmtKind::Assign { value, .. } => reads.extend(fields_of(value)),
                        StmtKind::If {
                            cond,
                            then,
                            otherwise,
                        } => {
                            reads.extend(fields_of(cond));
                            blocks.extend([then, otherwise]);
                        }
                        other => panic!("a register action has no {other:?}"),
                    }
                }
            }
        }
    }
}

fn fields_of(expr: &Expr) -> BTreeSet<FieldId> {
    let mut fields = BTreeSet::new();
    expr.walk(&mut |expr| {
        if let Expr::Field(field) = expr {
            fields.insert(*field);
        }
    });
    fields
}
