//! Whether a placed gress does what its control flow does in order.
//!
//! In: the units of a gress with their stages. Out: whether running tables and gateways one after the
//! other, each seeing what those before it wrote, comes to the same as running them stage by stage. It
//! does where placement has kept every dependency, which is what placement is for; an engine that knows it
//! need not run stage by stage. Of two nodes that one packet can meet, where the control flow has the first
//! before the second:
//!
//! * The second reads or matches what the first assigns: it stands in a later stage.
//! * The second assigns what the first reads: it does not stand in an earlier stage.
//! * Both write the same field, or touch the same register, meter or source of random values; or
//!   the first leads to the second, or may end the control; or one reads what a call of the other gives, which shows at
//!   once: the units stand in that order.
//!
//! What is not certain counts as kept by none.

use p4rmt_ir::{Call, CallKind, Expr, Gress, Id, Place, RegisterActionId, TableId, Tables};

use super::{PlacedUnit, Schedule, UnitKind};
use crate::reads::walk_block;

/// A set of fields and stateful things.
#[derive(Clone, Debug, Default)]
struct Set(Vec<u64>);

/// What a node touches, and where it stands.
#[derive(Clone, Debug)]
struct Access {
    reads: Set,
    /// Written by assignments: behind the stage.
    assigned: Set,
    /// Written by calls, at once; and what outlives the packet.
    called: Set,
    may_exit: bool,
    parent: Option<(usize, usize)>,
    /// The first and the last stage, and positions among all units.
    stages: [u32; 2],
    units: [usize; 2],
}

impl Schedule {
    /// Whether running the control flow in order comes to the same.
    #[must_use]
    pub fn keeps_order(&self, gress: &Gress, tables: &Tables) -> bool {
        let mut nodes: Vec<Option<Access>> = vec![None; self.n_nodes];
        for (position, unit) in self.units.iter().enumerate() {
            let stage = unit.slot.stage;
            match &mut nodes[unit.node] {
                Some(access) => {
                    access.stages[0] = access.stages[0].min(stage);
                    access.stages[1] = access.stages[1].max(stage);
                    access.units[1] = position;
                }
                node => *node = Some(Access::new(gress, tables, unit, position)),
            }
        }
        let Some(nodes) = nodes.into_iter().collect::<Option<Vec<Access>>>() else {
            return false;
        };
        nodes.iter().enumerate().all(|(at, second)| {
            let mut firsts = nodes[..at].iter().enumerate();
            firsts.all(|(before, first)| {
                are_exclusive(&nodes, before, at) || first.is_kept_before(second, before, &nodes)
            })
        })
    }
}

/// The nodes that lead to a node, each with the branch.
fn ancestors(nodes: &[Access], node: usize) -> impl Iterator<Item = (usize, usize)> {
    std::iter::successors(nodes[node].parent, |(parent, _)| nodes[*parent].parent)
}

/// Whether no packet meets both.
fn are_exclusive(nodes: &[Access], one: usize, other: usize) -> bool {
    ancestors(nodes, one).any(|(node, branch)| {
        ancestors(nodes, other).any(|(also, by)| also == node && by != branch)
    })
}

impl Access {
    fn new(gress: &Gress, tables: &Tables, unit: &PlacedUnit, position: usize) -> Self {
        let mut access = Self {
            reads: Set::default(),
            assigned: Set::default(),
            called: Set::default(),
            may_exit: false,
            parent: unit.parent,
            stages: [unit.slot.stage; 2],
            units: [position; 2],
        };
        match &unit.kind {
            UnitKind::Gateway(gateway) => access.read(&tables.gateways[*gateway].cond),
            UnitKind::Table(part) => access.add_table(gress, tables, part.table),
        }
        access
    }

    fn add_table(&mut self, gress: &Gress, tables: &Tables, id: TableId) {
        let table = &gress.tables[id];
        for key in &table.keys {
            self.read(&key.expr);
        }
        let listed = table.actions.iter().map(|listed| listed.action);
        for action in listed.chain([table.default_action.action]) {
            let action = &tables.actions[action];
            self.may_exit |= action.exits;
            for (call, _) in &action.calls {
                self.add_call(gress, call);
            }
            for assign in &action.assigns {
                self.read(&assign.value);
                if let Some(field) = assign.dst.field() {
                    self.assigned.insert(field.index());
                }
            }
        }
    }

    fn add_call(&mut self, gress: &Gress, call: &Call) {
        call.args().into_iter().for_each(|arg| self.read(arg));
        let outs = call.outs.iter().flatten().filter_map(Place::field);
        outs.for_each(|field| self.called.insert(field.index()));
        // Behind the fields, the things of each kind by turns.
        const KINDS: usize = 4;
        let n_fields = gress.fields.len();
        let mut touch = |kind: usize, index: usize| {
            self.called.insert(n_fields + index * KINDS + kind);
        };
        match &call.kind {
            CallKind::RegisterAction { action, .. } => {
                touch(0, gress.register_actions[*action].register.index());
                self.read_register_action(gress, *action);
            }
            CallKind::RegisterRead { register, .. } | CallKind::RegisterWrite { register, .. } => {
                touch(0, register.index());
            }
            // Counts come to the same in any order.
            CallKind::Count { .. } => {}
            CallKind::Meter { meter, .. } | CallKind::Filter { meter, .. } => {
                touch(1, meter.index());
            }
            CallKind::Random { random } => touch(2, random.index()),
            CallKind::Hash { .. } => {}
            CallKind::Checksum { .. }
            | CallKind::Mirror { .. }
            | CallKind::Resubmit { .. }
            | CallKind::Generate { .. }
            | CallKind::Digest { .. }
            | CallKind::V1(_) => touch(3, 0),
        }
    }

    fn read_register_action(&mut self, gress: &Gress, id: RegisterActionId) {
        let mut found = Vec::new();
        walk_block(&gress.register_actions[id].body, &mut |expr| {
            expr.walk(&mut |expr| {
                if let Expr::Field(field) = expr {
                    found.push(field.index());
                }
            });
        });
        found.into_iter().for_each(|field| self.reads.insert(field));
    }

    fn read(&mut self, expr: &Expr) {
        expr.walk(&mut |expr| {
            if let Expr::Field(field) = expr {
                self.reads.insert(field.index());
            }
        });
    }

    /// Whether a placement keeps this node before another that follows it in the control flow.
    fn is_kept_before(&self, second: &Self, number: usize, nodes: &[Self]) -> bool {
        let is_stage_before = self.stages[1] < second.stages[0];
        if is_stage_before {
            return true;
        }
        let is_same_stage = self.stages[1] == second.stages[0];
        let is_unit_before = is_same_stage && self.units[1] < second.units[0];
        let leads = second.parent.is_some_and(|(parent, _)| {
            parent == number || ancestors(nodes, parent).any(|(node, _)| node == number)
        });
        let needs_order = leads
            || self.may_exit
            || self.called.meets(&second.reads)
            || self.reads.meets(&second.called)
            || self.called.meets(&second.called)
            || self.called.meets(&second.assigned)
            || self.assigned.meets(&second.called)
            || self.assigned.meets(&second.assigned);
        !self.assigned.meets(&second.reads)
            && (is_unit_before || !needs_order)
            && (is_same_stage || !self.reads.meets(&second.assigned))
    }
}

impl Set {
    fn insert(&mut self, index: usize) {
        if self.0.len() <= index / 64 {
            self.0.resize(index / 64 + 1, 0);
        }
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn meets(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .any(|(one, other)| one & other != 0)
    }
}
