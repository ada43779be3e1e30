//! The registers of a pipe and the stateful ALUs that run their actions.

use p4rmt_ir::salu::StatefulUnit;
use p4rmt_ir::{Arena, CallKind, Gress, GressId, Id, Pipe, RegisterActionId, RegisterId, Tables};
use p4rmt_source::Span;

use crate::graph::DependencyGraph;
use crate::problem::LocatedProblem;
use crate::salu::map_register;
use crate::target::Target;
use crate::unit::{UnitKind, actions_of};

/// A comparison that a unit makes without wrapping where the language would let a sum wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InexactComparison {
    /// The gress.
    pub gress: GressId,
    /// The register action.
    pub action: RegisterActionId,
    /// The comparison.
    pub span: Span,
}

/// The stateful ALUs of a pipe.
#[derive(Clone, Debug, Default)]
pub(crate) struct StatefulUnits {
    /// By gress: a unit for each register whose actions can be instructions.
    pub(crate) units: Arena<GressId, Vec<StatefulUnit>>,
    pub(crate) inexact: Vec<InexactComparison>,
    /// What the others want that no unit does.
    pub(crate) problems: Vec<LocatedProblem>,
}

/// Makes instructions of the register actions that the tables of a pipe call.
pub(crate) fn map_registers(
    pipe: &Pipe,
    graph: &DependencyGraph,
    target: &Target,
) -> StatefulUnits {
    let mut mapped = StatefulUnits::default();
    for (gress_id, gress) in pipe.gresses.iter() {
        let mut units = Vec::new();
        for (register, actions) in called_actions(gress_id, gress, graph) {
            match map_register(register, &actions, gress, target) {
                Ok(made) => {
                    let inexact = made.inexact.into_iter();
                    mapped
                        .inexact
                        .extend(inexact.map(|(action, span)| InexactComparison {
                            gress: gress_id,
                            action,
                            span,
                        }));
                    units.push(made.unit);
                }
                Err(problems) => mapped.problems.extend(problems),
            }
        }
        mapped.units.push(units);
    }
    mapped
}

/// The register actions that tables of a gress call, by register, in the order of the control flow.
fn called_actions(
    gress_id: GressId,
    gress: &Gress,
    graph: &DependencyGraph,
) -> Vec<(RegisterId, Vec<RegisterActionId>)> {
    let Some(Tables { actions, .. }) = gress.as_tables() else {
        return Vec::new();
    };
    let mut called: Vec<(RegisterId, Vec<RegisterActionId>)> = Vec::new();
    let mut seen = vec![false; actions.len()];
    for unit in graph.units.iter().filter(|unit| unit.gress == gress_id) {
        let UnitKind::Table(table) = unit.kind else {
            continue;
        };
        for action in actions_of(&gress.tables[table]) {
            if std::mem::replace(&mut seen[action.index()], true) {
                continue;
            }
            for (call, _) in &actions[action].calls {
                let CallKind::RegisterAction { action, .. } = call.kind else {
                    continue;
                };
                let register = gress.register_actions[action].register;
                match called.iter_mut().find(|(known, _)| *known == register) {
                    Some((_, actions)) if actions.contains(&action) => {}
                    Some((_, actions)) => actions.push(action),
                    None => called.push((register, vec![action])),
                }
            }
        }
    }
    called
}
