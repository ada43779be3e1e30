//! Gives tables, gateways and generated actions that no longer stand in the control flow up.

use std::collections::HashSet;

use p4rmt_ir::{ActionId, Arena, GatewayId, Id, Node, Table, TableId, Tables};

/// Keeps the tables and gateways in the control flow, and of the actions the first `n_declared` and
/// those that a kept table names.
pub(crate) fn compact(
    tables: &mut Tables,
    all_tables: &mut Arena<TableId, Table>,
    n_declared: usize,
) {
    let mut used = Used::default();
    used.seq(&tables.seq);
    let new_tables = retain(all_tables, |id| used.tables.contains(&id));
    let new_gateways = retain(&mut tables.gateways, |id| used.gateways.contains(&id));
    rename(&mut tables.seq, &new_tables, &new_gateways);

    let named: HashSet<ActionId> = all_tables
        .values()
        .flat_map(|table| table.actions.iter().map(|named| named.action))
        .chain(all_tables.values().map(|table| table.default_action.action))
        .collect();
    let new_actions = retain(&mut tables.actions, |id| {
        id.index() < n_declared || named.contains(&id)
    });
    for table in all_tables.values_mut() {
        let renamed = |action: ActionId| new_actions[action.index()].expect("it is named");
        for named in &mut table.actions {
            named.action = renamed(named.action);
        }
        table.default_action.action = renamed(table.default_action.action);
        for entry in &mut table.entries {
            entry.action.action = renamed(entry.action.action);
        }
    }
}

#[derive(Default)]
struct Used {
    tables: HashSet<TableId>,
    gateways: HashSet<GatewayId>,
}

impl Used {
    fn seq(&mut self, seq: &[Node]) {
        for node in seq {
            match node {
                Node::Table { table, arms } => {
                    self.tables.insert(*table);
                    arms.iter().for_each(|(_, arm)| self.seq(arm));
                }
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    self.gateways.insert(*gateway);
                    self.seq(then);
                    self.seq(otherwise);
                }
            }
        }
    }
}

/// Keeps some elements of an arena; returns the new id of each.
fn retain<I: Id, T>(arena: &mut Arena<I, T>, keep: impl Fn(I) -> bool) -> Vec<Option<I>> {
    let mut kept = Arena::new();
    let ids: Vec<I> = arena.ids().collect();
    let renamed = ids
        .into_iter()
        .zip(std::mem::take(arena))
        .map(|(id, item)| keep(id).then(|| kept.push(item)))
        .collect();
    *arena = kept;
    renamed
}

fn rename(seq: &mut [Node], tables: &[Option<TableId>], gateways: &[Option<GatewayId>]) {
    for node in seq {
        match node {
            Node::Table { table, arms } => {
                *table = tables[table.index()].expect("it is in the control flow");
                for (_, arm) in arms {
                    rename(arm, tables, gateways);
                }
            }
            Node::Gateway {
                gateway,
                then,
                otherwise,
            } => {
                *gateway = gateways[gateway.index()].expect("it is in the control flow");
                rename(then, tables, gateways);
                rename(otherwise, tables, gateways);
            }
        }
    }
}
