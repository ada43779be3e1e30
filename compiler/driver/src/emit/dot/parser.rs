//! The graph of a parser: a node a state, an edge a case.

use p4rmt_ir::{Block, Gress, Id, KeySet, StateId, StmtKind, Target, Transition};

use crate::emit::dot::{Graph, Scope};

/// Draws the parser of the scope.
pub(super) fn draw(graph: &mut Graph, scope: &Scope) {
    let parser = &scope.gress.parser;
    let mut ends = Ends::default();
    for (id, state) in parser.states.iter() {
        let mut label = state.name.clone();
        extracts(&state.body, scope.gress, &mut label);
        if let Transition::Select { keys, .. } = &state.transition {
            let keys: Vec<String> = keys.iter().map(|key| scope.reads(key)).collect();
            label.push_str(&format!("\nselect ({})", keys.join(", ")));
        }
        let style = if id == parser.start {
            ", penwidth=2"
        } else {
            ""
        };
        graph.node(&state_name(scope, id), &label, style);
    }
    for (id, state) in parser.states.iter() {
        let from = state_name(scope, id);
        match &state.transition {
            Transition::Goto(target) => {
                graph.edge(&from, &ends.name(scope, *target), "", "");
            }
            Transition::Select { cases, .. } => {
                for case in cases {
                    let sets: Vec<String> = case
                        .keysets
                        .iter()
                        .map(|keyset| keyset_label(keyset, scope.gress))
                        .collect();
                    let to = ends.name(scope, case.target);
                    graph.edge(&from, &to, &sets.join(", "), "");
                }
            }
        }
    }
    if ends.accept {
        let name = ends.name(scope, Target::Accept);
        graph.node(&name, "accept", ", shape=ellipse");
    }
    if ends.reject {
        let name = ends.name(scope, Target::Reject);
        graph.node(&name, "reject", ", shape=ellipse");
    }
}

/// Which ends are led to.
#[derive(Default)]
struct Ends {
    accept: bool,
    reject: bool,
}

impl Ends {
    fn name(&mut self, scope: &Scope, target: Target) -> String {
        match target {
            Target::State(id) => state_name(scope, id),
            Target::Accept => {
                self.accept = true;
                format!("{}_accept", scope.prefix)
            }
            Target::Reject => {
                self.reject = true;
                format!("{}_reject", scope.prefix)
            }
        }
    }
}

fn state_name(scope: &Scope, id: StateId) -> String {
    format!("{}_s{}", scope.prefix, id.index())
}

/// Adds a line for each header that the block extracts, at any depth.
fn extracts(block: &Block, gress: &Gress, label: &mut String) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Extract { header, .. } => {
                label.push_str(&format!("\nextract {}", gress.headers[*header].name));
            }
            StmtKind::If {
                then, otherwise, ..
            } => {
                extracts(then, gress, label);
                extracts(otherwise, gress, label);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                extracts(body, gress, label);
            }
            StmtKind::Apply { arms, .. } => {
                for arm in arms {
                    extracts(&arm.body, gress, label);
                }
            }
            StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}

fn keyset_label(keyset: &KeySet, gress: &Gress) -> String {
    match keyset {
        KeySet::Any => "_".to_owned(),
        KeySet::Exact(value) => value.to_string(),
        KeySet::Mask { value, mask } => format!("{value} &&& {mask}"),
        KeySet::Range { lo, hi } => format!("{lo} .. {hi}"),
        KeySet::ValueSet(id) => gress.value_sets[*id].name.clone(),
    }
}
