//! The dependency graph of a gress in the tables form.

use p4rmt_ir::{GressId, Id, Pipe};
use p4rmt_mau::graph::{DependencyGraph, DependencyKind};
use p4rmt_mau::unit::{UnitId, UnitKind, collect_units};

use crate::emit::dot::{Graph, Scope};

/// Draws what depends on what among the tables and conditions of a gress.
pub(super) fn draw(graph: &mut Graph, scope: &Scope, pipe: &Pipe, gress: GressId) {
    // A gress that is not in the tables form is not drawn here.
    let units = collect_units(pipe).unwrap_or_default();
    let dependencies = DependencyGraph::build(units);
    let name = |id: UnitId| format!("{}_u{}", scope.prefix, id.index());
    for id in dependencies.unit_ids() {
        let unit = &dependencies.units[id.index()];
        if unit.gress != gress {
            continue;
        }
        match unit.kind {
            UnitKind::Table(table) => {
                let table = &scope.gress.tables[table];
                let keys: Vec<&str> = table.keys.iter().map(|key| key.name.as_str()).collect();
                let mut label = unit.name.clone();
                if !keys.is_empty() {
                    label.push_str(&format!("\n{}", keys.join("\n")));
                }
                let style = if table.is_declared {
                    ""
                } else {
                    ", style=rounded"
                };
                graph.node(&name(id), &label, style);
            }
            UnitKind::Gateway(_) => {
                let words = scope.words(unit.span);
                let label = if words.is_empty() { &unit.name } else { &words };
                graph.node(&name(id), label, ", shape=diamond");
            }
        }
    }
    for edge in &dependencies.edges {
        if dependencies.units[edge.from.index()].gress != gress {
            continue;
        }
        let mut label = edge.kind.name().to_owned();
        if let Some(field) = edge.field {
            label.push_str(&format!("\n{}", scope.gress.fields[field].name));
        }
        let style = match edge.kind {
            DependencyKind::Match | DependencyKind::Action | DependencyKind::Output => "",
            DependencyKind::Anti => ", style=dashed",
            DependencyKind::Control => ", style=dotted",
        };
        graph.edge(&name(edge.from), &name(edge.to), &label, style);
    }
}
