//! Which registers a packet can touch twice.
//!
//! A walk along the control flow of the tables form carries the registers that may have been touched
//! on the way. Branches that exclude each other do not meet; what follows them has seen both. Nothing is
//! known about conditions: two gateways that test opposites one after the other count as able to hold
//! both.

use std::collections::HashMap;

use p4rmt_source::Span;

use crate::{
    ActionId, CallKind, Gress, Node, Outcome, ParallelAction, RegisterId, TableId, Tables,
};

/// A register that one packet can touch twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoubleTouch {
    /// Which.
    pub register: RegisterId,
    /// The access that may come first.
    pub first: Span,
    /// The one that may follow it.
    pub second: Span,
}

/// The registers that one packet can touch twice on some path of the tables form; none in the
/// structured form. All ids must be good.
#[must_use]
pub fn double_touches(gress: &Gress) -> Vec<DoubleTouch> {
    let Some(tables) = gress.as_tables() else {
        return Vec::new();
    };
    let mut walk = Walk {
        gress,
        tables,
        found: Vec::new(),
    };
    walk.seq(&tables.seq, Touched::new());
    walk.found
}

/// Registers that may have been touched, and where.
type Touched = HashMap<RegisterId, Span>;

struct Walk<'a> {
    gress: &'a Gress,
    tables: &'a Tables,
    found: Vec<DoubleTouch>,
}

impl Walk<'_> {
    /// What may have been touched behind the sequence.
    fn seq(&mut self, seq: &[Node], before: Touched) -> Touched {
        seq.iter()
            .fold(before, |touched, node| self.node(node, touched))
    }

    fn node(&mut self, node: &Node, before: Touched) -> Touched {
        match node {
            Node::Gateway {
                then, otherwise, ..
            } => {
                let mut behind = self.seq(then, before.clone());
                behind.extend(self.seq(otherwise, before));
                behind
            }
            Node::Table { table, arms } => self.table(*table, arms, before),
        }
    }

    fn table(&mut self, table: TableId, arms: &[(Outcome, Vec<Node>)], before: Touched) -> Touched {
        let of_table = &self.gress.tables[table];
        let mut after: Vec<(ActionId, Touched)> = Vec::new();
        let named = of_table.actions.iter().map(|named| named.action);
        for action in named.chain([of_table.default_action.action]) {
            if after.iter().all(|(known, _)| *known != action) {
                let touched = self.action(&self.tables.actions[action], &before);
                after.push((action, touched));
            }
        }
        // An action that ends the control is followed by nothing.
        after.retain(|(action, _)| !self.tables.actions[*action].exits);
        let mut behind = Touched::new();
        let mut rest = after.clone();
        for (on, arm) in arms {
            let ways = match on {
                Outcome::Action(action) => {
                    rest.retain(|(other, _)| other != action);
                    let taken = after.iter().filter(|(other, _)| other == action);
                    taken.cloned().collect()
                }
                Outcome::Otherwise => std::mem::take(&mut rest),
                Outcome::Hit | Outcome::Miss => after.clone(),
            };
            let before_arm = ways.into_iter().flat_map(|(_, touched)| touched).collect();
            behind.extend(self.seq(arm, before_arm));
        }
        behind.extend(rest.into_iter().flat_map(|(_, touched)| touched));
        behind
    }

    /// What may have been touched behind an action.
    fn action(&mut self, action: &ParallelAction, before: &Touched) -> Touched {
        let mut touched = before.clone();
        for (call, span) in &action.calls {
            let register = match &call.kind {
                CallKind::RegisterAction { action, .. } => {
                    self.gress.register_actions[*action].register
                }
                CallKind::RegisterRead { register, .. }
                | CallKind::RegisterWrite { register, .. } => *register,
                CallKind::Count { .. }
                | CallKind::Meter { .. }
                | CallKind::Filter { .. }
                | CallKind::Hash { .. }
                | CallKind::Random { .. }
                | CallKind::Checksum { .. }
                | CallKind::Mirror { .. }
                | CallKind::Resubmit { .. }
                | CallKind::Generate { .. }
                | CallKind::Digest { .. }
                | CallKind::V1(_) => continue,
            };
            if let Some(first) = touched.insert(register, *span)
                && self.found.iter().all(|touch| touch.register != register)
            {
                self.found.push(DoubleTouch {
                    register,
                    first,
                    second: *span,
                });
            }
        }
        touched
    }
}
