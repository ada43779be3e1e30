//! The control flow of a control in the structured form: tables and the conditions around them.

use std::collections::HashMap;

use p4rmt_ir::{
    Action, ActionId, Arena, Arm, Block, Control, Id, LabelId, Outcome, Stmt, StmtKind, TableId,
};

use crate::emit::dot::{Graph, Scope};

/// Draws the tables of a control, and which follows which. `name` begins the names of its nodes.
pub(super) fn draw(
    graph: &mut Graph,
    scope: &Scope,
    name: &str,
    control: &Control,
    actions: &Arena<ActionId, Action>,
) {
    let mut flow = Flow {
        actions,
        graph,
        scope,
        name,
        n_conditions: 0,
        n_applied: HashMap::new(),
        left: HashMap::new(),
        exits: Vec::new(),
    };
    let begin = format!("{name}_begin");
    flow.graph.node(&begin, "begin", ", shape=ellipse");
    let mut ends = flow.block(&control.body, vec![Loose::new(begin, "")]);
    ends.append(&mut flow.exits);
    let end = format!("{name}_end");
    flow.graph.node(&end, "end", ", shape=ellipse");
    flow.join(&ends, &end);
}

/// The beginning of an edge whose end is not known yet.
#[derive(Clone, PartialEq, Eq)]
struct Loose {
    from: String,
    label: String,
}

impl Loose {
    fn new(from: String, label: impl Into<String>) -> Self {
        Self {
            from,
            label: label.into(),
        }
    }
}

struct Flow<'a, 'g> {
    actions: &'a Arena<ActionId, Action>,
    graph: &'g mut Graph,
    scope: &'a Scope<'a>,
    name: &'a str,
    n_conditions: usize,
    /// How often a table was drawn: the language applies one once, but a step may have copied code.
    n_applied: HashMap<TableId, usize>,
    /// Edges that leave a labelled block.
    left: HashMap<LabelId, Vec<Loose>>,
    /// Edges that leave the control.
    exits: Vec<Loose>,
}

impl Flow<'_, '_> {
    /// Draws a block that these edges lead to; the edges that lead out of its end.
    fn block(&mut self, block: &Block, mut edges: Vec<Loose>) -> Vec<Loose> {
        for stmt in block {
            if edges.is_empty() {
                break;
            }
            edges = self.stmt(stmt, edges);
        }
        edges
    }

    fn stmt(&mut self, stmt: &Stmt, edges: Vec<Loose>) -> Vec<Loose> {
        match &stmt.kind {
            StmtKind::If {
                then, otherwise, ..
            } => {
                if !matters(std::slice::from_ref(stmt), &mut Vec::new()) {
                    return edges;
                }
                let node = self.condition(&self.scope.words(stmt.span), ", shape=diamond");
                self.join(&edges, &node);
                let mut ends = self.block(then, vec![Loose::new(node.clone(), "true")]);
                merge(
                    &mut ends,
                    self.block(otherwise, vec![Loose::new(node, "false")]),
                );
                ends
            }
            StmtKind::Apply { table, arms } => self.apply(*table, arms, &edges),
            StmtKind::Labeled { label, body } => {
                let mut ends = self.block(body, edges);
                merge(&mut ends, self.left.remove(label).unwrap_or_default());
                ends
            }
            StmtKind::Loop { label, body } => {
                if !matters(std::slice::from_ref(stmt), &mut Vec::new()) {
                    return edges;
                }
                let node = self.condition("loop", ", shape=circle");
                self.join(&edges, &node);
                let again = self.block(body, vec![Loose::new(node.clone(), "")]);
                self.join(&again, &node);
                self.left.remove(label).unwrap_or_default()
            }
            StmtKind::Leave(label) => {
                let mut left = self.left.remove(label).unwrap_or_default();
                merge(&mut left, edges);
                self.left.insert(*label, left);
                Vec::new()
            }
            StmtKind::Exit => {
                merge(&mut self.exits, edges);
                Vec::new()
            }
            StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => edges,
        }
    }

    /// Draws a node that is no table; its name.
    fn condition(&mut self, label: &str, style: &str) -> String {
        let node = format!("{}_c{}", self.name, self.n_conditions);
        self.n_conditions += 1;
        self.graph.node(&node, label, style);
        node
    }

    fn apply(&mut self, id: TableId, arms: &[Arm], edges: &[Loose]) -> Vec<Loose> {
        let n_applied = self.n_applied.entry(id).or_default();
        let node = format!("{}_t{}_{n_applied}", self.name, id.index());
        *n_applied += 1;
        let gress = self.scope.gress;
        let table = &gress.tables[id];
        let mut label = table.name.clone();
        for key in &table.keys {
            label.push_str(&format!("\n{}", key.name));
        }
        let style = if table.is_declared {
            ""
        } else {
            ", style=rounded"
        };
        self.graph.node(&node, &label, style);
        self.join(edges, &node);
        let mut ends = Vec::new();
        for arm in arms {
            let outcome = match arm.on {
                Outcome::Hit => "hit",
                Outcome::Miss => "miss",
                Outcome::Action(action) => &self.actions[action].name,
                Outcome::Otherwise => "otherwise",
            };
            let begin = vec![Loose::new(node.clone(), outcome)];
            merge(&mut ends, self.block(&arm.body, begin));
        }
        let covers = |outcome| arms.iter().any(|arm| arm.on == outcome);
        let is_covered = covers(Outcome::Hit) && covers(Outcome::Miss);
        if !is_covered && !covers(Outcome::Otherwise) {
            let label = if arms.is_empty() { "" } else { "otherwise" };
            merge(&mut ends, vec![Loose::new(node, label)]);
        }
        ends
    }

    fn join(&mut self, edges: &[Loose], to: &str) {
        for edge in edges {
            self.graph.edge(&edge.from, to, &edge.label, "");
        }
    }
}

/// Adds edges that are not there yet.
fn merge(edges: &mut Vec<Loose>, more: Vec<Loose>) {
    for edge in more {
        if !edges.contains(&edge) {
            edges.push(edge);
        }
    }
}

/// Whether statements do anything that the graph shows: apply a table, end the control, or leave a
/// block around them. `inner` are the labels of the blocks within.
fn matters(block: &[Stmt], inner: &mut Vec<LabelId>) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Apply { .. } | StmtKind::Exit => true,
        StmtKind::Leave(label) => !inner.contains(label),
        StmtKind::If {
            then, otherwise, ..
        } => matters(then, inner) || matters(otherwise, inner),
        StmtKind::Labeled { label, body } | StmtKind::Loop { label, body } => {
            inner.push(*label);
            let found = matters(body, inner);
            inner.pop();
            found
        }
        StmtKind::Assign { .. }
        | StmtKind::Call(_)
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. }
        | StmtKind::Emit { .. } => false,
    })
}
