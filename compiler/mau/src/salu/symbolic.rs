//! A register action run symbolically: each value as a choice of expressions over memory and fields
//! before the call.

use p4rmt_ir::{BinaryOp, Bits, Block, Expr, Id, LocalId, Place, RegisterAction, Stmt, StmtKind};
use p4rmt_source::Span;

use super::fault::{Fault, Located};
use super::normal::is_minimum;

/// Nodes beyond which a value is certainly more than the unit can do.
const NODES_MAX: usize = 2_000;

/// A value: conditions lead to expressions without a choice in them. Both read memory, as the locals
/// that hold it, and fields, before the call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// What it is.
    Leaf {
        /// The expression.
        expr: Expr,
        /// The statement that made it.
        span: Span,
    },
    /// One of two.
    Choice {
        /// Between which it chooses.
        cond: Expr,
        /// The statement that made it.
        span: Span,
        /// Where the condition holds.
        then: Box<Tree>,
        /// Where it does not.
        otherwise: Box<Tree>,
    },
}

impl Tree {
    fn n_nodes(&self) -> usize {
        match self {
            Self::Leaf { expr, .. } => n_nodes(expr),
            Self::Choice {
                cond,
                then,
                otherwise,
                ..
            } => n_nodes(cond) + then.n_nodes() + otherwise.n_nodes(),
        }
    }

    fn to_expr(&self) -> Expr {
        match self {
            Self::Leaf { expr, .. } => expr.clone(),
            Self::Choice {
                cond,
                then,
                otherwise,
                ..
            } => Expr::mux(cond.clone(), then.to_expr(), otherwise.to_expr()),
        }
    }

    /// Bits of it, at the places where it was made, but for a place that is replaced.
    fn sliced(&self, hi: u32, lo: u32, (replaced, by): (Span, Span)) -> Self {
        let place = |span: Span| if span == replaced { by } else { span };
        match self {
            Self::Leaf { expr, span } => Self::Leaf {
                expr: Expr::slice(expr.clone(), hi, lo),
                span: place(*span),
            },
            Self::Choice {
                cond,
                span,
                then,
                otherwise,
            } => Self::Choice {
                cond: cond.clone(),
                span: place(*span),
                then: Box::new(then.sliced(hi, lo, (replaced, by))),
                otherwise: Box::new(otherwise.sliced(hi, lo, (replaced, by))),
            },
        }
    }

    /// Whether both are the same, wherever they come from.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Leaf { expr: a, .. }, Self::Leaf { expr: b, .. }) => a == b,
            (
                Self::Choice {
                    cond: a,
                    then: a_then,
                    otherwise: a_otherwise,
                    ..
                },
                Self::Choice {
                    cond: b,
                    then: b_then,
                    otherwise: b_otherwise,
                    ..
                },
            ) => a == b && a_then.is_same(b_then) && a_otherwise.is_same(b_otherwise),
            (Self::Leaf { .. }, Self::Choice { .. }) | (Self::Choice { .. }, Self::Leaf { .. }) => {
                false
            }
        }
    }
}

/// The values of all variables behind a register action.
///
/// # Errors
///
/// What makes them more than the unit could ever do.
pub(super) fn run(action: &RegisterAction) -> Result<Vec<Tree>, Located> {
    let values = action
        .locals
        .iter()
        .map(|(local, variable)| Tree::Leaf {
            expr: if action.memory.contains(&local) {
                Expr::Local {
                    local,
                    width: variable.width,
                }
            } else {
                Expr::Const(Bits::zero(variable.width))
            },
            span: action.span,
        })
        .collect();
    let widths = action.locals.values().map(|local| local.width).collect();
    let mut symbolic = Symbolic {
        values,
        widths,
        start: action.span,
    };
    symbolic.block(&action.body)?;
    Ok(symbolic.values)
}

#[derive(Clone)]
struct Symbolic {
    values: Vec<Tree>,
    widths: Vec<u32>,
    /// The place of what nothing has been assigned to.
    start: Span,
}

impl Symbolic {
    fn block(&mut self, block: &Block) -> Result<(), Located> {
        block.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<(), Located> {
        let span = stmt.span;
        match &stmt.kind {
            StmtKind::Assign {
                dst: Place::Local(local),
                value,
            } => {
                let value = self.tree(value.clone(), span, NODES_MAX)?;
                self.values[local.index()] = value;
                Ok(())
            }
            StmtKind::Assign {
                dst: Place::LocalSlice { local, hi, lo },
                value,
            } => {
                let width = self.widths[local.index()];
                let old = || Expr::Local {
                    local: *local,
                    width,
                };
                let mut whole = value.clone();
                if *lo > 0 {
                    let below = Expr::slice(old(), lo - 1, 0);
                    whole = Expr::binary(BinaryOp::Concat, whole, below);
                }
                if hi + 1 < width {
                    let above = Expr::slice(old(), width - 1, hi + 1);
                    whole = Expr::binary(BinaryOp::Concat, above, whole);
                }
                let value = self.tree(whole, span, NODES_MAX)?;
                self.values[local.index()] = value;
                Ok(())
            }
            // The validator keeps writes to fields out of register actions.
            StmtKind::Assign { .. } => Err(Fault::TooDeep.at(span)),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                let cond = self.condition(cond, span)?;
                let mut taken = self.clone();
                taken.block(then)?;
                self.block(otherwise)?;
                for (value, taken) in self.values.iter_mut().zip(taken.values) {
                    if !value.is_same(&taken) {
                        let placeholder = Tree::Leaf {
                            expr: Expr::Const(Bits::zero(1)),
                            span,
                        };
                        let untaken = std::mem::replace(value, placeholder);
                        *value = Tree::Choice {
                            cond: cond.clone(),
                            span,
                            then: Box::new(taken),
                            otherwise: Box::new(untaken),
                        };
                    }
                }
                let is_large = self.values.iter().any(|value| value.n_nodes() > NODES_MAX);
                if is_large {
                    Err(Fault::TooDeep.at(span))
                } else {
                    Ok(())
                }
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
            | StmtKind::Emit { .. } => Err(Fault::TooDeep.at(span)),
        }
    }

    fn condition(&self, cond: &Expr, span: Span) -> Result<Expr, Located> {
        let mut room = Some(NODES_MAX);
        let cond = self.with_values(cond.clone(), &mut room);
        room.map(|_| cond).ok_or(Fault::TooDeep.at(span))
    }

    fn with_values(&self, expr: Expr, room: &mut Option<usize>) -> Expr {
        let Some(left) = *room else { return expr };
        if let Expr::Local { local, .. } = expr {
            let value = &self.values[local.index()];
            *room = left.checked_sub(value.n_nodes());
            return value.to_expr();
        }
        *room = left.checked_sub(1);
        expr.map_args(&mut |arg| self.with_values(arg, room))
    }

    /// The expression, which reads variables as they are now, as a tree: choices come out of it.
    fn tree(&self, expr: Expr, span: Span, room: usize) -> Result<Tree, Located> {
        // A variable that is nothing but copied or cut keeps the place where it was made.
        if let Expr::Local { local, .. } = expr {
            return Ok(self.values[local.index()].clone());
        }
        if let Expr::Slice { arg, hi, lo } = &expr
            && let Expr::Local { local, .. } = **arg
        {
            return Ok(self.values[local.index()].sliced(*hi, *lo, (self.start, span)));
        }
        self.lifted(expr, &[], span, room)
    }

    /// `chosen`: the variables whose choices have been made, and what they are.
    fn lifted(
        &self,
        expr: Expr,
        chosen: &[(LocalId, Tree)],
        span: Span,
        room: usize,
    ) -> Result<Tree, Located> {
        let Some(room) = room.checked_sub(n_nodes(&expr)) else {
            return Err(Fault::TooDeep.at(span));
        };
        if let Some((cond, then, otherwise)) = first_choice(&expr, false) {
            let cond = self.condition(&cond, span)?;
            return Ok(Tree::Choice {
                cond,
                span,
                then: Box::new(self.lifted(then, chosen, span, room / 2)?),
                otherwise: Box::new(self.lifted(otherwise, chosen, span, room / 2)?),
            });
        }
        let value_of = |local: LocalId| -> &Tree {
            let made = chosen.iter().rev().find(|(of, _)| *of == local);
            made.map_or(&self.values[local.index()], |(_, tree)| tree)
        };
        let mut open = None;
        expr.walk(&mut |part| {
            if let Expr::Local { local, .. } = part
                && matches!(value_of(*local), Tree::Choice { .. })
            {
                open.get_or_insert(*local);
            }
        });
        if let Some(local) = open
            && let Tree::Choice {
                cond,
                span: chooser,
                then,
                otherwise,
            } = value_of(local).clone()
        {
            let with = |tree: Box<Tree>| {
                let mut chosen = chosen.to_vec();
                chosen.push((local, *tree));
                chosen
            };
            let (then, otherwise) = (with(then), with(otherwise));
            return Ok(Tree::Choice {
                cond,
                span: chooser,
                then: Box::new(self.lifted(expr.clone(), &then, span, room / 2)?),
                otherwise: Box::new(self.lifted(expr, &otherwise, span, room / 2)?),
            });
        }
        Ok(Tree::Leaf {
            expr: substituted(expr, &|local| value_of(local).to_expr()),
            span,
        })
    }
}

fn substituted(expr: Expr, value_of: &impl Fn(LocalId) -> Expr) -> Expr {
    match expr {
        Expr::Local { local, .. } => value_of(local),
        expr => expr.map_args(&mut |arg| substituted(arg, value_of)),
    }
}

/// The first choice in an expression, a minimum or maximum only if `takes_minimum`: its condition, and
/// the expression with each of its sides in its place.
pub(super) fn first_choice(expr: &Expr, takes_minimum: bool) -> Option<(Expr, Expr, Expr)> {
    if let Expr::Mux {
        cond,
        then,
        otherwise,
    } = expr
    {
        if takes_minimum || !is_minimum(cond, then, otherwise) {
            return Some(((**cond).clone(), (**then).clone(), (**otherwise).clone()));
        }
        return None;
    }
    let mut args = Vec::new();
    let _ = expr.clone().map_args(&mut |arg| {
        args.push(arg.clone());
        arg
    });
    let mut choices = args.iter().enumerate();
    let found = choices.find_map(|(at, arg)| Some((at, first_choice(arg, takes_minimum)?)));
    let (at, (cond, then, otherwise)) = found?;
    let with = |side: Expr| {
        let (mut position, mut side) = (0, Some(side));
        expr.clone().map_args(&mut |arg| {
            position += 1;
            if position == at + 1 {
                side.take().unwrap_or(arg)
            } else {
                arg
            }
        })
    };
    Some((cond, with(then), with(otherwise)))
}

fn n_nodes(expr: &Expr) -> usize {
    let mut n = 0;
    expr.walk(&mut |_| n += 1);
    n
}
