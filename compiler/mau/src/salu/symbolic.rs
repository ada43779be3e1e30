//! A register action run symbolically: each value as an expression over memory and fields before the
//! call.

use p4rmt_ir::{Bits, Block, Expr, Id, Place, RegisterAction, StmtKind};

use crate::problem::Problem;

/// Nodes beyond which an expression is certainly more than the unit can do.
const NODES_MAX: usize = 2_000;

/// The values of the variables of a register action, as expressions over the memory's and fields'
/// values before the call.
#[derive(Clone)]
pub(super) struct Symbolic<'a> {
    action: &'a RegisterAction,
    pub(super) values: Vec<Expr>,
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
        Self { action, values }
    }

    fn too_deep(&self) -> Problem {
        Problem::ValueTooDeep {
            action: self.action.name.clone(),
        }
    }

    pub(super) fn run(&mut self, block: &Block) -> Result<(), Problem> {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Assign {
                    dst: Place::Local(local),
                    value,
                } => {
                    self.values[local.index()] = self.substitute(value)?;
                }
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => self.branch(cond, then, otherwise)?,
                StmtKind::Assign { .. } => {
                    return Err(Problem::NoSuchStatefulOperation {
                        action: self.action.name.clone(),
                        operator: "an assignment to a part of a value",
                    });
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
                | StmtKind::Emit { .. } => return Err(self.too_deep()),
            }
        }
        Ok(())
    }

    fn branch(&mut self, cond: &Expr, then: &Block, otherwise: &Block) -> Result<(), Problem> {
        let cond = self.substitute(cond)?;
        let mut taken = self.clone();
        taken.run(then)?;
        self.run(otherwise)?;
        for (value, taken) in self.values.iter_mut().zip(taken.values) {
            if *value != taken {
                let untaken = std::mem::replace(value, Expr::Const(Bits::zero(1)));
                *value = Expr::mux(cond.clone(), taken, untaken);
            }
        }
        if self.values.iter().any(|value| n_nodes(value) > NODES_MAX) {
            return Err(self.too_deep());
        }
        Ok(())
    }

    fn substitute(&self, expr: &Expr) -> Result<Expr, Problem> {
        let value = self.with_values(expr.clone());
        if n_nodes(&value) > NODES_MAX {
            return Err(self.too_deep());
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
