//! Which actions and tables may end the control that they run in.

use std::collections::HashSet;

use p4rmt_ir::{ActionId, Block, Body, CallKind, Gress, StmtKind, TableId, V1Call};

/// What may end its control: `exit` in it, or a claim of the program.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    actions: HashSet<ActionId>,
    tables: HashSet<TableId>,
}

impl Flows {
    pub(crate) fn new(gress: &Gress) -> Self {
        let mut flows = Self::default();
        // Tables are not applied by actions, so that the actions come first.
        match &gress.body {
            Body::Structured(body) => {
                let ending = body
                    .actions
                    .iter()
                    .filter(|(_, action)| flows.ends(&action.body));
                flows.actions = ending.map(|(id, _)| id).collect();
            }
            Body::Tables(body) => {
                let ending = body.actions.iter().filter(|(_, action)| action.exits);
                flows.actions = ending.map(|(id, _)| id).collect();
            }
        }
        for (id, table) in gress.tables.iter() {
            let listed = table.actions.iter().map(|listed| listed.action);
            let mut all = listed.chain([table.default_action.action]);
            if all.any(|action| flows.actions.contains(&action)) {
                flows.tables.insert(id);
            }
        }
        flows
    }

    pub(crate) fn action(&self, action: ActionId) -> bool {
        self.actions.contains(&action)
    }

    pub(crate) fn table(&self, table: TableId) -> bool {
        self.tables.contains(&table)
    }

    /// Whether a statement of the block may end the control.
    fn ends(&self, block: &Block) -> bool {
        block.iter().any(|stmt| match &stmt.kind {
            StmtKind::Exit => true,
            StmtKind::Call(call) => matches!(call.kind, CallKind::V1(V1Call::Claim { .. })),
            StmtKind::If {
                then, otherwise, ..
            } => self.ends(then) || self.ends(otherwise),
            StmtKind::Apply { table, arms } => {
                self.table(*table) || arms.iter().any(|arm| self.ends(&arm.body))
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => self.ends(body),
            StmtKind::Assign { .. }
            | StmtKind::Leave(_)
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => false,
        })
    }
}
