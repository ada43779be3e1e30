//! The values of a register action case by case: a case says of each comparator whether it holds.
//!
//! With at most four comparators there are at most sixteen cases, and in each of them every value is
//! an expression without a choice. Predicates, what a slot computes and what a word of output can show
//! are read off these.

use p4rmt_ir::salu::Predicate;
use p4rmt_ir::{BinaryOp, Bits, Expr, Gress};
use p4rmt_source::Span;

use super::fault::Located;
use super::normal::{normal, slice};
use super::symbolic::Tree;
use super::truth::{Conditions, Truth};

/// A value in one case.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leaf {
    /// The normal expression.
    pub(super) expr: Expr,
    /// The statement that made it.
    pub(super) span: Span,
}

/// A value in each case.
pub(super) type Cases = Vec<Leaf>;

/// A value whose conditions are known.
pub(super) enum Decided {
    Leaf(Leaf),
    /// An expression in which comparisons stand as numbers.
    Truths {
        leaf: Leaf,
        truths: Vec<(Expr, Truth)>,
    },
    Choice(Truth, Box<Decided>, Box<Decided>),
}

/// Takes the conditions of a value.
pub(super) fn decide(tree: &Tree, conditions: &mut Conditions<'_>) -> Result<Decided, Located> {
    match tree {
        Tree::Choice {
            cond,
            span,
            then,
            otherwise,
        } => {
            let cond = conditions.take(cond, *span)?;
            let then = decide(then, conditions)?;
            let otherwise = decide(otherwise, conditions)?;
            Ok(Decided::Choice(cond, Box::new(then), Box::new(otherwise)))
        }
        Tree::Leaf { expr, span } => {
            let mut found = Vec::new();
            comparisons(expr, &mut found);
            let mut truths = Vec::new();
            for comparison in found {
                let truth = conditions.take(&comparison, *span)?;
                truths.push((comparison, truth));
            }
            let leaf = |expr| Leaf { expr, span: *span };
            if truths.is_empty() {
                let expr = conditions.halves.in_halves(expr.clone());
                return Ok(Decided::Leaf(leaf(normal(expr, conditions.gress))));
            }
            Ok(Decided::Truths {
                leaf: leaf(expr.clone()),
                truths,
            })
        }
    }
}

/// What `predicate()` is given, the first first, where an expression is one.
pub(super) fn asked(expr: &Expr) -> Option<Vec<Expr>> {
    fn parts(expr: &Expr, into: &mut Vec<Expr>) {
        match expr {
            Expr::Binary {
                op: BinaryOp::Concat,
                lhs,
                rhs,
            } => {
                parts(rhs, into);
                parts(lhs, into);
            }
            expr => into.push(expr.clone()),
        }
    }
    let Expr::Binary {
        op: BinaryOp::Shl,
        lhs,
        rhs,
    } = expr
    else {
        return None;
    };
    let is_one = matches!(&**lhs, Expr::Const(bits) if bits.to_u64() == Some(1));
    is_one.then(|| {
        let mut answers = Vec::new();
        parts(rhs, &mut answers);
        answers
    })
}

/// What the `predicate()` calls in a value are given.
pub(super) fn all_asked(tree: &Tree, into: &mut Vec<(Vec<Expr>, Span)>) {
    match tree {
        Tree::Leaf { expr, span } => expr.walk(&mut |part| {
            if let Some(answers) = asked(part)
                && !into.iter().any(|(known, _)| *known == answers)
            {
                into.push((answers, *span));
            }
        }),
        Tree::Choice {
            then, otherwise, ..
        } => {
            all_asked(then, into);
            all_asked(otherwise, into);
        }
    }
}

/// The comparisons in an expression, but for those of minimums and maximums, each once; and what
/// `predicate()` is given.
fn comparisons(expr: &Expr, into: &mut Vec<Expr>) {
    if let Some(answers) = asked(expr) {
        let answers = answers.into_iter();
        into.extend(answers.filter(|answer| !matches!(answer, Expr::Const(_))));
        return;
    }
    match expr {
        Expr::Binary { op, .. } if op.is_comparison() => {
            if !into.contains(expr) {
                into.push(expr.clone());
            }
        }
        // What is left of choices in a leaf is minimums and maximums.
        Expr::Mux { .. } => {}
        Expr::Binary { lhs, rhs, .. } => {
            comparisons(lhs, into);
            comparisons(rhs, into);
        }
        Expr::Slice { arg, .. } | Expr::Unary { arg, .. } | Expr::Resize { arg, .. } => {
            comparisons(arg, into);
        }
        Expr::Const(_)
        | Expr::Field(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => {}
    }
}

impl Decided {
    /// The value in each of the cases that so many comparators have, when these are arranged.
    pub(super) fn cases(&self, conditions: &Conditions<'_>) -> Cases {
        let n_cases = 1usize << conditions.tests.len();
        (0..n_cases)
            .map(|case| self.value(case, conditions))
            .collect()
    }

    fn value(&self, case: usize, conditions: &Conditions<'_>) -> Leaf {
        match self {
            Self::Leaf(leaf) => leaf.clone(),
            Self::Truths { leaf, truths } => {
                let expr = replaced(leaf.expr.clone(), &|expr| {
                    let (_, truth) = truths.iter().find(|(known, _)| known == expr)?;
                    let holds = conditions.holds(truth, case);
                    Some(Expr::Const(Bits::from_bool(holds)))
                });
                let expr = conditions.halves.in_halves(expr);
                Leaf {
                    expr: normal(expr, conditions.gress),
                    span: leaf.span,
                }
            }
            Self::Choice(cond, then, otherwise) => {
                if conditions.holds(cond, case) {
                    then.value(case, conditions)
                } else {
                    otherwise.value(case, conditions)
                }
            }
        }
    }
}

fn replaced(expr: Expr, by: &impl Fn(&Expr) -> Option<Expr>) -> Expr {
    match by(&expr) {
        Some(expr) => expr,
        None => expr.map_args(&mut |arg| replaced(arg, by)),
    }
}

/// Whether a value is zero.
pub(super) fn is_zero(expr: &Expr) -> bool {
    matches!(expr, Expr::Const(bits) if bits.is_zero())
}

/// The cases of so many as a predicate, which does not look at the comparators that are not there.
pub(super) fn predicate(n_cases: usize, holds: impl Fn(usize) -> bool) -> Predicate {
    let mut bits = 0u16;
    for case in 0..16 {
        if holds(case % n_cases.max(1)) {
            bits |= 1 << case;
        }
    }
    Predicate(bits)
}

/// Bits of a value in each case, as [`slice`].
pub(super) fn sliced(cases: &Cases, hi: u32, lo: u32, gress: &Gress) -> Cases {
    let leaves = cases.iter().map(|leaf| Leaf {
        expr: slice(leaf.expr.clone(), hi, lo, gress),
        span: leaf.span,
    });
    leaves.collect()
}
