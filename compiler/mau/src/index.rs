//! How tables reach memories: one call an action, one way to the index a table.
//!
//! The index of a register, counter or meter comes with the entry, or from fields and hashes through hash
//! distribution. A table is wired for one of them, and hash distribution gives it one value.
//!
//! * No action calls one memory twice.
//! * All actions that take the index from fields or a hash take the same.
//! * No other action of that table takes it from its entry, or a constant.
//! * What comes from fields is not computed: hash distribution moves bits, it does not add.

use p4rmt_ir::{
    BinaryOp, Call, CallKind, Expr, Gress, LocalId, ParallelAction, Place, Table, Tables,
};
use p4rmt_source::Span;

use crate::demand::{SharedMemory, index_of, shared_memory};
use crate::problem::{LocatedProblem, Problem};
use crate::unit::actions_of;

/// A call of a memory.
struct Reach<'a> {
    action: &'a ParallelAction,
    index: &'a Expr,
    span: Span,
}

/// What of the indices of a table the machine can't wire.
pub(crate) fn check_indices(table: &Table, gress: &Gress, tables: &Tables) -> Vec<LocatedProblem> {
    let mut reached: Vec<(SharedMemory, Vec<Reach<'_>>)> = Vec::new();
    for action in actions_of(table) {
        let action = &tables.actions[action];
        for (call, span) in &action.calls {
            let memory = shared_memory(&call.kind, gress);
            let (Some(memory), Some(index)) = (memory, index_of(&call.kind)) else {
                continue;
            };
            let reach = Reach {
                action,
                index,
                span: *span,
            };
            match reached.iter_mut().find(|(known, _)| *known == memory) {
                Some((_, list)) => list.push(reach),
                None => reached.push((memory, vec![reach])),
            }
        }
    }
    let problems = reached.iter().flat_map(|(memory, list)| {
        let name = memory.name(gress);
        check_memory(table, name, list)
    });
    problems.collect()
}

fn check_memory(table: &Table, memory: &str, list: &[Reach<'_>]) -> Vec<LocatedProblem> {
    let mut problems = Vec::new();
    let mut complain =
        |problem: Problem, span: Span| problems.push(LocatedProblem { problem, span });
    let (table, memory) = (|| table.name.clone(), || memory.to_owned());
    for (position, reach) in list.iter().enumerate() {
        let mut before = list[..position].iter();
        if before.any(|other| std::ptr::eq(other.action, reach.action)) {
            let problem = Problem::CalledTwice {
                action: reach.action.name.clone(),
                memory: memory(),
            };
            complain(problem, reach.span);
        }
        if computes(reach.index) {
            let problem = Problem::IndexComputed {
                action: reach.action.name.clone(),
                memory: memory(),
            };
            complain(problem, reach.span);
        }
    }
    let distributed = || list.iter().filter(|reach| is_distributed(reach.index));
    let Some(first) = distributed().next() else {
        return problems;
    };
    let source = source_of(first);
    if let Some(other) = distributed().find(|reach| source_of(reach) != source) {
        let problem = Problem::TwoIndices {
            table: table(),
            memory: memory(),
        };
        complain(problem, other.span);
    }
    if let Some(other) = list.iter().find(|reach| !is_distributed(reach.index)) {
        let problem = Problem::MixedIndex {
            table: table(),
            memory: memory(),
        };
        complain(problem, other.span);
    }
    problems
}

/// Whether an index comes through hash distribution.
fn is_distributed(index: &Expr) -> bool {
    let mut is_it = false;
    index.walk(&mut |part| is_it |= matches!(part, Expr::Field(_) | Expr::Local { .. }));
    is_it
}

/// Whether an index is more than bits of fields and hashes put together.
fn computes(index: &Expr) -> bool {
    let mut is_it = false;
    index.walk(&mut |part| {
        is_it |= match part {
            Expr::Binary { op, .. } => *op != BinaryOp::Concat,
            Expr::Unary { .. } | Expr::Mux { .. } | Expr::MathUnit { .. } | Expr::Lane(_) => true,
            Expr::Const(_)
            | Expr::Field(_)
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Slice { .. }
            | Expr::Resize { .. }
            | Expr::Lookahead { .. } => false,
        };
    });
    is_it
}

/// An index with the hashes behind its variables, which each action numbers by itself.
fn source_of<'a>(reach: &Reach<'a>) -> (String, Vec<&'a CallKind>) {
    let mut locals: Vec<LocalId> = Vec::new();
    reach.index.walk(&mut |part| {
        if let Expr::Local { local, .. } = part {
            locals.push(*local);
        }
    });
    if locals.is_empty() {
        return (format!("{:?}", reach.index), Vec::new());
    }
    let gives = |call: &Call, local: LocalId| {
        call.outs.iter().flatten().any(|place| match place {
            Place::Local(of) | Place::LocalSlice { local: of, .. } => *of == local,
            Place::Field(_) | Place::FieldSlice { .. } => false,
        })
    };
    let mut kinds = Vec::new();
    for local in locals {
        let calls = reach.action.calls.iter().map(|(call, _)| call);
        kinds.extend(
            calls
                .filter(|call| gives(call, local))
                .map(|call| &call.kind),
        );
    }
    (String::new(), kinds)
}
