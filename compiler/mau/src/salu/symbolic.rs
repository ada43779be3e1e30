//! A register action run symbolically: each value as an expression over memory and fields before the
//! call.

use p4rmt_ir::{Bits, Block, Expr, Id, Place, RegisterAction, StmtKind};
use p4rmt_source::Span;

use crate::problem::{LocatedProblem, Problem};

/// Nodes beyond which an expression is certainly more than the unit can do.
const NODES_MAX: usize = 2_000;

/// The values of the variables of a register action, as expressions over the memory's and fields'
/// values before the call.
#[derive(Clone)]
pub(super) struct Symbolic<'a> {
    action: &'a RegisterAction,
    pub(super) values: Vec<Expr>,
    /// By variable: where it was assigned last; the action where it never was.
    pub(super) spans: Vec<Span>,
}

impl<'a> Symbolic<'a> {
    pub(super) fn new(action: &'a RegisterAction) -> Self {
        let values = action
            .locals
            .iter()
            .map(|(local, variable)| {
                if action.memory.contains(&local) {
                    Expr::Local {
                        local,
                        width: variable.width,
                    }
                } else {
                    Expr::Const(Bits::zero(variable.width))
                }
            })
            .collect();
        let spans = action.locals.iter().map(|_| action.span).collect();
        Self {
            action,
            values,
            spans,
        }
    }

    fn too_deep(&self, span: Span) -> LocatedProblem {
        let action = self.action.name.clone();
        let problem = Problem::ValueTooDeep { action };
        LocatedProblem { problem, span }
    }

    pub(super) fn run(&mut self, block: &Block) -> Result<(), LocatedProblem> {
        for stmt in block {
            let span = stmt.span;
            match &stmt.kind {
                StmtKind::Assign {
                    dst: Place::Local(local),
                    value,
                } => {
                    self.values[local.index()] = self.substitute(value, span)?;
                    self.spans[local.index()] = span;
                }
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => self.branch(cond, then, otherwise, span)?,
                StmtKind::Assign { .. } => {
                    let problem = Problem::NoSuchStatefulOperation {
                        action: self.action.name.clone(),
                        operator: "an assignment to a part of a value",
                    };
                    return Err(LocatedProblem { problem, span });
                }
                // The validator keeps these out of register actions.
                StmtKind::Apply { .. }
                | StmtKind::Call(_)
                | StmtKind::Labeled { .. }
                | StmtKind::Loop { .. }
                | StmtKind::Leave(_)
                | StmtKind::Exit
                | StmtKind::Extract { .. }
                | StmtKind::Advance { .. }
                | StmtKind::Verify { .. }
                | StmtKind::Emit { .. } => return Err(self.too_deep(span)),
            }
        }
        Ok(())
    }

    fn branch(
        &mut self,
        cond: &Expr,
        then: &Block,
        otherwise: &Block,
        span: Span,
    ) -> Result<(), LocatedProblem> {
        let cond = self.substitute(cond, span)?;
        let mut taken = self.clone();
        taken.run(then)?;
        self.run(otherwise)?;
        let places = self.spans.iter_mut().zip(taken.spans);
        for ((value, taken), (span, taken_span)) in
            self.values.iter_mut().zip(taken.values).zip(places)
        {
            if *value != taken {
                // The other branch assigns it, too, or leaves it as it was.
                if *span == self.action.span {
                    *span = taken_span;
                }
                let untaken = std::mem::replace(value, Expr::Const(Bits::zero(1)));
                *value = Expr::mux(cond.clone(), taken, untaken);
            }
        }
        if self.values.iter().any(|value| n_nodes(value) > NODES_MAX) {
            return Err(self.too_deep(span));
        }
        Ok(())
    }

    fn substitute(&self, expr: &Expr, span: Span) -> Result<Expr, LocatedProblem> {
        let value = self.with_values(expr.clone());
        if n_nodes(&value) > NODES_MAX {
            return Err(self.too_deep(span));
        }
        Ok(value)
    }

    fn with_values(&self, expr: Expr) -> Expr {
        match expr {
            Expr::Local { local, .. } => self.values[local.index()].clone(),
            expr => expr.map_args(&mut |arg| self.with_values(arg)),
        }
    }
}

fn n_nodes(expr: &Expr) -> usize {
    let mut n = 0;
    expr.walk(&mut |_| n += 1);
    n
}
