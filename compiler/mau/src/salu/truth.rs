//! Conditions as functions of comparators.
//!
//! A comparator takes the sum of a half, an operand and a constant, exactly or modulo 2^width, and
//! compares it with zero. What the language means by a comparison is made of these:
//!
//! * Values against each other: the exact difference. Equality has no sign, so its sum is modular.
//! * Sums and differences that wrap (`md.now - v < 10`): the order of two wrapped values follows from
//!   their signs and that of their wrapped difference. With a constant on one side these are two
//!   comparators; where it is the sign itself (`(int<32>)(md.now - v) < 0`), one.
//!
//! * Of values that are wider than a sum: whether memory and a field are equal, all bits or those of a
//!   mask. Nothing else; but a narrow field by itself is compared at any width.
//! * What `predicate()` is given are the first comparators, in its order.
//!
//! Where the comparators are too few for that, the second way is the exact sum, one comparator, which
//! is what the vendor's compiler makes of them; it is right unless the sum wraps, and is noted.

use p4rmt_ir::salu::{ElementLayout, Half, LayoutKind, Relation, SumKind};
use p4rmt_ir::{BinaryOp, Expr, Gress, UnaryOp};
use p4rmt_source::Span;

use super::fault::{Fault, Located};
use super::halves::Halves;
use super::normal::{bare_operand, is_operand, normal, slice};
use super::symbolic::first_choice;
use crate::target::SaluLimits;

/// A condition as a function of comparators.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Truth {
    /// Always the same.
    Const(bool),
    /// What the comparator with this number says.
    Comparator(usize),
    /// Not.
    Not(Box<Truth>),
    /// Both.
    And(Box<Truth>, Box<Truth>),
    /// One of them but not both.
    Xor(Box<Truth>, Box<Truth>),
}

impl Truth {
    /// Whether it holds where exactly the comparators in this set hold.
    pub(super) fn holds(&self, case: usize) -> bool {
        match self {
            Self::Const(value) => *value,
            Self::Comparator(number) => case >> number & 1 == 1,
            Self::Not(arg) => !arg.holds(case),
            Self::And(a, b) => a.holds(case) && b.holds(case),
            Self::Xor(a, b) => a.holds(case) != b.holds(case),
        }
    }
}

fn not(arg: Truth) -> Truth {
    match arg {
        Truth::Const(value) => Truth::Const(!value),
        Truth::Not(arg) => *arg,
        arg => Truth::Not(Box::new(arg)),
    }
}

fn and(a: Truth, b: Truth) -> Truth {
    match (a, b) {
        (Truth::Const(false), _) | (_, Truth::Const(false)) => Truth::Const(false),
        (Truth::Const(true), other) | (other, Truth::Const(true)) => other,
        (a, b) if a == b => a,
        (a, b) => Truth::And(Box::new(a), Box::new(b)),
    }
}

fn or(a: Truth, b: Truth) -> Truth {
    not(and(not(a), not(b)))
}

fn xor(a: Truth, b: Truth) -> Truth {
    match (a, b) {
        (Truth::Const(false), other) | (other, Truth::Const(false)) => other,
        (Truth::Const(true), other) | (other, Truth::Const(true)) => not(other),
        (a, b) if a == b => Truth::Const(false),
        (a, b) => Truth::Xor(Box::new(a), Box::new(b)),
    }
}

fn choice(cond: Truth, then: Truth, otherwise: Truth) -> Truth {
    or(and(cond.clone(), then), and(not(cond), otherwise))
}

/// What a comparator compares with zero, before it is known where its constant stands: the sum is
/// zero, or it is less than zero.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    pub(super) sum: Sum,
    /// [`Relation::Equal`] or [`Relation::Less`].
    pub(super) relation: Relation,
    pub(super) kind: SumKind,
    /// Whether the comparator says the opposite.
    pub(super) is_negated: bool,
}

impl Test {
    /// A comparator that always says the same.
    pub(super) fn constant(value: bool) -> Self {
        Self {
            sum: Sum::default(),
            relation: Relation::Equal,
            kind: SumKind::Modular,
            is_negated: !value,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.sum, self.relation, self.kind) == (&other.sum, other.relation, other.kind)
    }

    /// The mask of a comparison of wide values.
    pub(super) fn match_mask(&self) -> Option<u64> {
        let memory = self
            .sum
            .memory
            .as_ref()
            .filter(|_| self.kind == SumKind::Match);
        memory.map(|term| term.mask)
    }
}

/// A sum of a half, an operand and a constant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sum {
    pub(super) memory: Option<Signed<Half>>,
    pub(super) operand: Option<Signed<Expr>>,
    pub(super) constant: i128,
}

/// A term and its sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Signed<T> {
    pub(super) source: T,
    pub(super) is_negated: bool,
    pub(super) mask: u64,
}

impl Sum {
    fn negated(mut self) -> Self {
        if let Some(term) = &mut self.memory {
            term.is_negated = !term.is_negated;
        }
        if let Some(term) = &mut self.operand {
            term.is_negated = !term.is_negated;
        }
        self.constant = -self.constant;
        self
    }

    fn plus(self, other: Self) -> Result<Self, Fault> {
        let one = |a: bool, b: bool, what| {
            if a && b {
                Err(Fault::Twice(what))
            } else {
                Ok(())
            }
        };
        one(
            self.memory.is_some(),
            other.memory.is_some(),
            "compares two values of memory",
        )?;
        one(
            self.operand.is_some(),
            other.operand.is_some(),
            "compares two fields",
        )?;
        Ok(Self {
            memory: self.memory.or(other.memory),
            operand: self.operand.or(other.operand),
            constant: self.constant + other.constant,
        })
    }

    /// Whether the first of its terms is subtracted.
    fn leads_negated(&self) -> bool {
        let memory = self.memory.as_ref().map(|term| term.is_negated);
        let operand = self.operand.as_ref().map(|term| term.is_negated);
        memory.or(operand).unwrap_or(false)
    }

    /// Whether it is nothing but its constant.
    fn is_constant(&self) -> bool {
        self.memory.is_none() && self.operand.is_none()
    }
}

/// One side of a comparison.
pub(super) struct Side {
    pub(super) sum: Sum,
    /// Whether it is more than one term, and so wraps.
    wraps: bool,
    /// Whether the terms are to be read as signed numbers; none where there are none.
    is_signed: Option<bool>,
}

/// What conditions are made of, while they are taken.
pub(super) struct Conditions<'a> {
    pub(super) gress: &'a Gress,
    pub(super) halves: Halves,
    pub(super) salu: &'a SaluLimits,
    /// Whether sums that wrap are compared as the language says.
    pub(super) is_exact: bool,
    /// What is tested, each once, and where first.
    pub(super) tests: Vec<(Test, Span)>,
    /// Where a sum is compared as if it did not wrap.
    pub(super) inexact: Vec<Span>,
    /// How many of the tests are those of `predicate()`, which are the first ones.
    pub(super) n_asked: usize,
    /// Those of them that are constants, by number.
    pub(super) constants: Vec<(usize, bool)>,
    /// By test: the number of its comparator.
    pub(super) places: Vec<usize>,
    pub(super) known: Vec<(Expr, Truth)>,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(
        gress: &'a Gress,
        halves: Halves,
        salu: &'a SaluLimits,
        is_exact: bool,
    ) -> Self {
        Self {
            gress,
            halves,
            salu,
            is_exact,
            tests: Vec::new(),
            inexact: Vec::new(),
            n_asked: 0,
            constants: Vec::new(),
            places: Vec::new(),
            known: Vec::new(),
        }
    }

    /// What a condition says, over memory and fields before the call.
    pub(super) fn take(&mut self, cond: &Expr, span: Span) -> Result<Truth, Located> {
        if let Some((_, truth)) = self.known.iter().find(|(known, _)| known == cond) {
            return Ok(truth.clone());
        }
        let expr = normal(self.halves.in_halves(cond.clone()), self.gress);
        let truth = self.truth(&expr, span).map_err(|fault| fault.at(span))?;
        self.known.push((cond.clone(), truth.clone()));
        Ok(truth)
    }

    fn truth(&mut self, cond: &Expr, span: Span) -> Result<Truth, Fault> {
        match cond {
            Expr::Const(bits) => Ok(Truth::Const(bits.is_true())),
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            } => Ok(not(self.truth(arg, span)?)),
            Expr::Binary {
                op: op @ (BinaryOp::And | BinaryOp::Or | BinaryOp::Xor),
                lhs,
                rhs,
            } => {
                let (a, b) = (self.truth(lhs, span)?, self.truth(rhs, span)?);
                Ok(match op {
                    BinaryOp::And => and(a, b),
                    BinaryOp::Or => or(a, b),
                    _ => xor(a, b),
                })
            }
            Expr::Binary { op, lhs, rhs } if op.is_comparison() => {
                self.comparison(*op, lhs, rhs, span)
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                let cond = self.truth(cond, span)?;
                let then = self.truth(then, span)?;
                Ok(choice(cond, then, self.truth(otherwise, span)?))
            }
            // A bit by itself is compared with zero.
            Expr::Field(_)
            | Expr::Local { .. }
            | Expr::Slice { .. }
            | Expr::Resize { .. }
            | Expr::Binary { .. } => {
                let zero = Expr::Const(p4rmt_ir::Bits::zero(cond.width(self.gress)));
                self.comparison(BinaryOp::Ne, cond, &zero, span)
            }
            Expr::Param { .. }
            | Expr::Unary { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => Err(Fault::ComparisonTooDeep),
        }
    }

    fn comparison(
        &mut self,
        op: BinaryOp,
        lhs: &Expr,
        rhs: &Expr,
        span: Span,
    ) -> Result<Truth, Fault> {
        let width = lhs.width(self.gress);
        let is_equality = matches!(op, BinaryOp::Eq | BinaryOp::Ne);
        if width == 1 && is_equality && (is_truth(lhs) || is_truth(rhs)) {
            let differ = xor(self.truth(lhs, span)?, self.truth(rhs, span)?);
            return Ok(if op == BinaryOp::Ne {
                differ
            } else {
                not(differ)
            });
        }
        let whole = Expr::binary(op, lhs.clone(), rhs.clone());
        if let Some((cond, then, otherwise)) = first_choice(&whole, true) {
            let cond = self.truth(&cond, span)?;
            let then = self.truth(&normal(then, self.gress), span)?;
            let otherwise = self.truth(&normal(otherwise, self.gress), span)?;
            return Ok(choice(cond, then, otherwise));
        }
        match op {
            BinaryOp::Ne => Ok(not(self.comparison(BinaryOp::Eq, lhs, rhs, span)?)),
            BinaryOp::LeU => Ok(not(self.comparison(BinaryOp::LtU, rhs, lhs, span)?)),
            BinaryOp::LeS => Ok(not(self.comparison(BinaryOp::LtS, rhs, lhs, span)?)),
            BinaryOp::Eq => self.equality(lhs, rhs, span),
            BinaryOp::LtU => self.order(lhs, rhs, false, span),
            BinaryOp::LtS => self.order(lhs, rhs, true, span),
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::DivU
            | BinaryOp::RemU
            | BinaryOp::AddSatU
            | BinaryOp::SubSatU
            | BinaryOp::AddSatS
            | BinaryOp::SubSatS
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Xor
            | BinaryOp::Shl
            | BinaryOp::ShrU
            | BinaryOp::ShrS
            | BinaryOp::Concat => Err(Fault::ComparisonTooDeep),
        }
    }

    fn equality(&mut self, lhs: &Expr, rhs: &Expr, span: Span) -> Result<Truth, Fault> {
        let ElementLayout { half_bits, kind } = self.halves.layout;
        if kind == LayoutKind::Split && lhs.width(self.gress) == 2 * half_bits {
            let bits = |expr: &Expr, lo| slice(expr.clone(), lo + half_bits - 1, lo, self.gress);
            let [low, high] = [0, half_bits].map(|lo| (bits(lhs, lo), bits(rhs, lo)));
            let low = self.equality(&low.0, &low.1, span)?;
            return Ok(and(low, self.equality(&high.0, &high.1, span)?));
        }
        if let Some(truth) = self.wide_equality(lhs, rhs, span)? {
            return Ok(truth);
        }
        let (a, b) = (self.side(lhs, None)?, self.side(rhs, None)?);
        let half = self.halves.layout.half_bits;
        let wraps = a.wraps || b.wraps;
        if wraps && lhs.width(self.gress) != half {
            return Err(Fault::ComparisonTooDeep);
        }
        let sum = a.sum.plus(b.sum.negated())?;
        if sum.is_constant() {
            return Ok(Truth::Const(sum.constant == 0));
        }
        // No value of a half equals what no half can hold. (An operand that is wider is refused.)
        let operand = sum.operand.as_ref();
        let is_narrow = operand.is_none_or(|operand| operand.source.width(self.gress) <= half);
        if !wraps && is_narrow && sum.constant.unsigned_abs() >= 1 << half {
            return Ok(Truth::Const(false));
        }
        Ok(self.test(sum, Relation::Equal, SumKind::Modular, span))
    }

    fn order(
        &mut self,
        lhs: &Expr,
        rhs: &Expr,
        is_signed: bool,
        span: Span,
    ) -> Result<Truth, Fault> {
        let half = self.halves.layout.half_bits;
        let a = self.side(lhs, Some(is_signed))?;
        let b = self.side(rhs, Some(is_signed))?;
        if !self.is_summed(&a.sum) || !self.is_summed(&b.sum) {
            return Err(self.wide_fault("orders values that are too wide"));
        }
        if !a.wraps && !b.wraps {
            let kind = match (a.is_signed, b.is_signed) {
                (Some(a), Some(b)) if a != b => return Err(Fault::ComparisonTooDeep),
                (None, None) => is_signed,
                (Some(signed), _) | (_, Some(signed)) => signed,
            };
            let kind = if kind {
                SumKind::Signed
            } else {
                SumKind::Unsigned
            };
            let sum = a.sum.plus(b.sum.negated())?;
            return Ok(self.test(sum, Relation::Less, kind, span));
        }
        if lhs.width(self.gress) != half {
            return Err(Fault::ComparisonTooDeep);
        }
        let difference = a.sum.clone().plus(b.sum.clone().negated())?;
        if !self.is_exact {
            let kind = if is_signed {
                SumKind::Wrapped
            } else {
                SumKind::Unsigned
            };
            if !self.inexact.contains(&span) {
                self.inexact.push(span);
            }
            return Ok(self.test(difference, Relation::Less, kind, span));
        }
        let mut sign = |sum: Sum| self.test(sum, Relation::Less, SumKind::Wrapped, span);
        let (a, b, difference) = (sign(a.sum), sign(b.sum), sign(difference));
        // Of different signs, the negative one is less, or as unsigned numbers the larger.
        let by_sign = if is_signed { a.clone() } else { b.clone() };
        Ok(choice(xor(a, b), by_sign, difference))
    }

    /// The comparator that makes this test: a new one where none does.
    fn test(&mut self, sum: Sum, relation: Relation, kind: SumKind, span: Span) -> Truth {
        let half = self.halves.layout.half_bits;
        let modulus = 1_i128 << half;
        let wrapped = |constant: i128| {
            let low = constant.rem_euclid(modulus);
            if low >= modulus / 2 {
                low - modulus
            } else {
                low
            }
        };
        if sum.is_constant() {
            return Truth::Const(match (relation, kind) {
                (Relation::Equal, _) => wrapped(sum.constant) == 0,
                (_, SumKind::Wrapped | SumKind::Modular | SumKind::Match) => {
                    wrapped(sum.constant) < 0
                }
                (_, SumKind::Unsigned | SumKind::Signed) => sum.constant < 0,
            });
        }
        let (mut sum, mut is_negated) = (sum, false);
        match kind {
            // x = 0 where -x = 0; the first term is added.
            SumKind::Modular => {
                if sum.leads_negated() {
                    sum = sum.negated();
                }
                sum.constant = wrapped(sum.constant);
            }
            // -x < 0 where not x < 1.
            SumKind::Unsigned | SumKind::Signed => {
                if sum.leads_negated() {
                    sum = sum.negated();
                    sum.constant -= 1;
                    is_negated = true;
                }
            }
            SumKind::Wrapped => sum.constant = wrapped(sum.constant),
            SumKind::Match => {}
        }
        let test = Test {
            sum,
            relation,
            kind,
            is_negated: false,
        };
        let truth = self.comparator(test, span);
        if is_negated { not(truth) } else { truth }
    }

    /// The comparator that says this, a new one where none does.
    pub(super) fn comparator(&mut self, test: Test, span: Span) -> Truth {
        let known = self
            .tests
            .iter()
            .position(|(known, _)| known.is_same(&test));
        let number = known.unwrap_or_else(|| {
            self.tests.push((test, span));
            self.tests.len() - 1
        });
        let truth = Truth::Comparator(number);
        if self.tests[number].0.is_negated {
            not(truth)
        } else {
            truth
        }
    }

    /// A side of a comparison as a sum. `is_signed`: how an order reads it; none for equality.
    pub(super) fn side(&self, expr: &Expr, is_signed: Option<bool>) -> Result<Side, Fault> {
        let width = expr.width(self.gress);
        let half = self.halves.layout.half_bits;
        let all = u64::MAX >> (64 - half.min(64));
        let memory = |half: Half, mask: u64| Sum {
            memory: Some(Signed {
                source: half,
                is_negated: false,
                mask,
            }),
            ..Sum::default()
        };
        let one = |sum: Sum, is_signed: Option<bool>| Side {
            sum,
            wraps: false,
            is_signed,
        };
        match expr {
            Expr::Const(bits) => {
                let value = if is_signed == Some(true) {
                    bits.to_bigint_signed()
                } else {
                    bits.to_biguint().into()
                };
                let constant = i128::try_from(value).map_err(|_| Fault::ConstantTooWide)?;
                Ok(one(
                    Sum {
                        constant,
                        ..Sum::default()
                    },
                    None,
                ))
            }
            expr if is_operand(expr) => {
                // A narrow number with a sign gets its sign from the crossbar.
                let extended = if is_signed == Some(true) && width < half {
                    normal(Expr::resize(expr.clone(), half, true), self.gress)
                } else {
                    expr.clone()
                };
                let operand = Some(Signed {
                    source: bare_operand(&extended),
                    is_negated: false,
                    mask: all,
                });
                let is_signed = is_signed.map(|signed| signed && width <= half);
                Ok(one(
                    Sum {
                        operand,
                        ..Sum::default()
                    },
                    is_signed,
                ))
            }
            Expr::Local { .. } => match self.halves.half_of(expr) {
                Some(half) => Ok(one(memory(half, all), is_signed)),
                None => Err(Fault::ComparisonTooDeep),
            },
            Expr::Resize {
                arg,
                is_signed: extends_sign,
                ..
            } => match self.halves.half_of(arg) {
                Some(half) if !extends_sign => Ok(one(memory(half, all), is_signed.map(|_| false))),
                Some(half) if is_signed == Some(true) => Ok(one(memory(half, all), Some(true))),
                _ => Err(sliced_or_deep(arg)),
            },
            Expr::Binary {
                op: BinaryOp::And,
                lhs,
                rhs,
            } if self.salu.has_comparator_masks && is_signed != Some(true) => {
                match (
                    self.halves.half_of(lhs),
                    &**rhs,
                    self.halves.half_of(rhs),
                    &**lhs,
                ) {
                    (Some(half), Expr::Const(mask), ..) | (.., Some(half), Expr::Const(mask)) => {
                        Ok(one(memory(half, mask.low_u64()), is_signed))
                    }
                    _ => Err(Fault::ComparisonTooDeep),
                }
            }
            Expr::Binary {
                op: op @ (BinaryOp::Add | BinaryOp::Sub),
                lhs,
                rhs,
            } => {
                let (a, b) = (self.term(lhs)?, self.term(rhs)?);
                let b = if *op == BinaryOp::Sub { b.negated() } else { b };
                Ok(Side {
                    sum: a.plus(b)?,
                    wraps: true,
                    is_signed,
                })
            }
            Expr::Unary {
                op: UnaryOp::Neg,
                arg,
            } => Ok(Side {
                sum: self.term(arg)?.negated(),
                wraps: true,
                is_signed,
            }),
            Expr::Slice { arg, .. } => Err(sliced_or_deep(arg)),
            Expr::Field(_)
            | Expr::Param { .. }
            | Expr::Unary { .. }
            | Expr::Binary { .. }
            | Expr::Mux { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => Err(Fault::ComparisonTooDeep),
        }
    }

    /// A term of a sum that wraps at the width of a half, where signs do not matter.
    fn term(&self, expr: &Expr) -> Result<Sum, Fault> {
        Ok(self.side(expr, None)?.sum)
    }
}

fn sliced_or_deep(arg: &Expr) -> Fault {
    if matches!(arg, Expr::Local { .. } | Expr::Slice { .. }) {
        Fault::Sliced("compares bits of the register's value")
    } else {
        Fault::ComparisonTooDeep
    }
}

/// Whether the expression is a comparison or joins some.
pub(super) fn is_truth(expr: &Expr) -> bool {
    match expr {
        Expr::Binary { op, .. } if op.is_comparison() => true,
        Expr::Binary {
            op: BinaryOp::And | BinaryOp::Or | BinaryOp::Xor,
            lhs,
            rhs,
        } => is_truth(lhs) || is_truth(rhs),
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => is_truth(arg),
        Expr::Mux {
            then, otherwise, ..
        } => is_truth(then) || is_truth(otherwise),
        Expr::Const(_)
        | Expr::Field(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Slice { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Resize { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => false,
    }
}
