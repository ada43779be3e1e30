//! Actions of the tables form: all at once.

use p4rmt_ir::{ActionId, Bits, Expr, Id, ParallelAction, Place, Tables};

use crate::packet::Packet;

impl<'a> Packet<'a> {
    /// Runs an action on the fields as they are: calls in order, then all assignments. What it
    /// writes to fields lands later.
    pub(crate) fn run_parallel(&mut self, action: &'a ParallelAction) {
        self.run_calls(action);
        for assign in &action.assigns {
            let value = self.eval(&assign.value).into_owned();
            self.store_later(&assign.dst, value, assign.span);
        }
    }

    /// The same, and the writes land.
    pub(crate) fn run_parallel_and_land(&mut self, id: ActionId, action: &'a ParallelAction) {
        if !self.loaded.is_orderless[id.index()] {
            self.run_parallel(action);
            return self.land();
        }
        self.run_calls(action);
        for assign in &action.assigns {
            let value = self.eval(&assign.value).into_owned();
            self.store(&assign.dst, value, assign.span);
        }
    }

    fn run_calls(&mut self, action: &'a ParallelAction) {
        self.work.locals.clear();
        for local in action.locals.values() {
            self.work.locals.push(Bits::zero(local.width));
        }
        for (call, span) in &action.calls {
            self.run_call(call, *span);
        }
    }
}

/// By action: whether no assignment reads a field that one before it writes, so that it cannot be
/// told whether they happen at once or in order.
pub(crate) fn orderless_actions(body: &Tables) -> Vec<bool> {
    body.actions.values().map(is_orderless).collect()
}

fn is_orderless(action: &ParallelAction) -> bool {
    let mut written = Vec::new();
    action.assigns.iter().all(|assign| {
        let mut reads_written = false;
        assign.value.walk(&mut |expr| {
            if let Expr::Field(field) = expr {
                reads_written |= written.contains(field);
            }
        });
        written.extend(Place::field(&assign.dst));
        !reads_written
    })
}
