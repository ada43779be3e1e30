//! The assignments of actions that no action ALU can do ([`p4rmt_ir::alu`]).

use p4rmt_ir::ParallelAction;
use p4rmt_ir::alu::{AluFault, check_value};

use crate::problem::{LocatedProblem, Problem};

/// The assignments of an action that no action ALU can do.
#[must_use]
pub fn check_action(action: &ParallelAction) -> Vec<LocatedProblem> {
    let name = || action.name.clone();
    let problem_of = |fault| match fault {
        AluFault::TooDeep => Problem::ExpressionTooDeep { action: name() },
        AluFault::NoSuchOperation(operator) => Problem::NoSuchOperation {
            action: name(),
            operator,
        },
        AluFault::TwoDataOperands => Problem::TwoDataOperands { action: name() },
    };
    action
        .assigns
        .iter()
        .filter_map(|assign| {
            let problem = problem_of(check_value(&assign.value).err()?);
            Some(LocatedProblem {
                problem,
                span: assign.span,
            })
        })
        .collect()
}
