//! What a gateway can compare, and how many gateways a condition takes.
//!
//! * A condition joins, by and, or, not: one-bit fields, (in)equality of two sources, order of a
//!   source and a constant. A source is a field, a slice of one, a constant, or a field under a
//!   constant mask.
//! * A gateway is a small TCAM: each of its few rows is what holds together, and the first row that holds
//!   decides. It compares a few bytes of fields with constants or with each other, and some bits more,
//!   which come through the hash matrix. What is ordered is among those. That a field with several bits
//!   differs takes a row.
//! * A condition that needs more rows, bytes or bits is a chain of gateways.

use std::collections::BTreeSet;

use p4rmt_ir::{BinaryOp, Bits, Expr, FieldId, Gateway, Gress, UnaryOp};

use crate::problem::{LocatedProblem, Problem};
use crate::target::Target;
use crate::unit::field_slices;

/// A slice of a field: the field, its highest and lowest bit.
pub(crate) type Slice = (FieldId, u32, u32);

/// What of a condition no gateway can compute.
#[must_use]
pub fn check_condition(
    gateway: &Gateway,
    gress: &Gress,
    target: &Target,
) -> Option<LocatedProblem> {
    let ordered = || {
        let available = target.gateway.hash_bits;
        let comparisons = Comparisons::of(&gateway.cond, gress);
        let orders = comparisons.list.iter().filter(|of| of.kind == Kind::Order);
        let needed = orders.map(Comparison::bits).max()?;
        let problem = Problem::ConditionOrdersTooMuch { needed, available };
        (needed > available).then_some(problem)
    };
    let problem = check_cond(&gateway.cond).err().or_else(ordered)?;
    Some(LocatedProblem {
        problem,
        span: gateway.span,
    })
}

/// The gateways that a condition takes: at least one.
#[must_use]
pub fn n_gateways(gateway: &Gateway, gress: &Gress, target: &Target) -> u32 {
    let chain = chain(&gateway.cond, gress, target);
    u32::try_from(chain.len()).unwrap_or(u32::MAX).max(1)
}

/// What a condition takes of the crossbar: the slices that it compares, and bits that come through the
/// hash matrix.
pub(crate) fn compared(gateway: &Gateway, gress: &Gress, target: &Target) -> (Vec<Slice>, u32) {
    let comparisons = Comparisons::of(&gateway.cond, gress);
    let links = chain(&gateway.cond, gress, target);
    let hash_bits = links.iter().map(|link| link.hash_bits(target)).max();
    let slices = comparisons.list.iter().flat_map(|of| of.slices.clone());
    (slices.collect(), hash_bits.unwrap_or(0))
}

/// How a gateway compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// With a constant.
    Constant,
    /// With another field, byte by byte.
    Field,
    /// Whether it is less than a constant.
    Order,
}

/// A comparison of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    kind: Kind,
    /// What is read.
    slices: Vec<Slice>,
    /// What it says when it holds.
    said: Expr,
}

impl Comparison {
    fn bits(&self) -> u32 {
        self.slices.iter().map(|(_, hi, lo)| hi - lo + 1).sum()
    }
}

/// The comparisons of a condition, each once.
#[derive(Default)]
struct Comparisons {
    list: Vec<Comparison>,
}

/// What holds together: comparisons that hold, and those that must not.
type Row = BTreeSet<(usize, bool)>;

/// Alternatives beyond which a condition is not looked at as a whole.
const ROWS_MAX: usize = 64;

impl Comparisons {
    fn of(cond: &Expr, gress: &Gress) -> Self {
        let mut comparisons = Self::default();
        comparisons.rows(cond, true, gress);
        comparisons
    }

    fn add(&mut self, comparison: Comparison) -> usize {
        let known = self.list.iter().position(|of| *of == comparison);
        known.unwrap_or_else(|| {
            self.list.push(comparison);
            self.list.len() - 1
        })
    }

    /// The alternatives under which a condition comes out as `wanted`.
    fn rows(&mut self, cond: &Expr, wanted: bool, gress: &Gress) -> Vec<Row> {
        match cond {
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            } => self.rows(arg, !wanted, gress),
            Expr::Binary { op, lhs, rhs } => self.rows_of_binary(*op, (lhs, rhs), wanted, gress),
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                let mut rows = both(
                    self.rows(cond, true, gress),
                    &self.rows(then, wanted, gress),
                );
                rows.extend(both(
                    self.rows(cond, false, gress),
                    &self.rows(otherwise, wanted, gress),
                ));
                rows
            }
            Expr::Const(bits) => {
                let holds = (0..bits.width()).any(|bit| bits.bit(bit));
                if holds == wanted {
                    vec![Row::new()]
                } else {
                    Vec::new()
                }
            }
            Expr::Field(_)
            | Expr::Slice { .. }
            | Expr::Resize { .. }
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Unary { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => {
                let slices = field_slices(cond, gress);
                self.row(Kind::Constant, slices, cond.clone(), wanted)
            }
        }
    }

    fn rows_of_binary(
        &mut self,
        op: BinaryOp,
        (lhs, rhs): (&Expr, &Expr),
        wanted: bool,
        gress: &Gress,
    ) -> Vec<Row> {
        let is_bool = |expr: &Expr| expr.width(gress) == 1;
        match op {
            BinaryOp::And | BinaryOp::Or if is_bool(lhs) => {
                let sides = (self.rows(lhs, wanted, gress), self.rows(rhs, wanted, gress));
                if (op == BinaryOp::And) == wanted {
                    both(sides.0, &sides.1)
                } else {
                    either(sides.0, sides.1)
                }
            }
            BinaryOp::Xor | BinaryOp::Ne | BinaryOp::Eq
                if is_bool(lhs) && !(is_source(lhs) && is_source(rhs)) =>
            {
                let differ = (op != BinaryOp::Eq) == wanted;
                let mut rows = Vec::new();
                for left in [true, false] {
                    let right = left != differ;
                    let left = self.rows(lhs, left, gress);
                    rows = either(rows, both(left, &self.rows(rhs, right, gress)));
                }
                rows
            }
            BinaryOp::Eq | BinaryOp::Ne => {
                let slices = |expr: &Expr| masked_slices(expr, gress);
                let (left, right) = (slices(lhs), slices(rhs));
                let kind = if left.is_empty() || right.is_empty() {
                    Kind::Constant
                } else {
                    Kind::Field
                };
                let slices = left.into_iter().chain(right).collect();
                let said = Expr::binary(BinaryOp::Eq, lhs.clone(), rhs.clone());
                self.row(kind, slices, said, (op == BinaryOp::Eq) == wanted)
            }
            BinaryOp::LtU | BinaryOp::LeU | BinaryOp::LtS | BinaryOp::LeS => {
                let (kind, slices) = ordered_slices(op, lhs, rhs, gress);
                let said = Expr::binary(op, lhs.clone(), rhs.clone());
                self.row(kind, slices, said, wanted)
            }
            // What no gateway computes is refused elsewhere.
            BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Xor
            | BinaryOp::Add
            | BinaryOp::AddSatU
            | BinaryOp::AddSatS
            | BinaryOp::Sub
            | BinaryOp::SubSatU
            | BinaryOp::SubSatS
            | BinaryOp::Mul
            | BinaryOp::DivU
            | BinaryOp::RemU
            | BinaryOp::Shl
            | BinaryOp::ShrU
            | BinaryOp::ShrS
            | BinaryOp::Concat => {
                let mut slices = field_slices(lhs, gress);
                slices.extend(field_slices(rhs, gress));
                let said = Expr::binary(op, lhs.clone(), rhs.clone());
                self.row(Kind::Constant, slices, said, wanted)
            }
        }
    }

    fn row(&mut self, kind: Kind, slices: Vec<Slice>, said: Expr, holds: bool) -> Vec<Row> {
        let comparison = self.add(Comparison { kind, slices, said });
        vec![Row::from([(comparison, holds)])]
    }

    /// The gateways that have these rows.
    fn chain_of(&self, rows: &[Row], target: &Target) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for row in rows {
            let whole = self.link_of(row);
            let last = links.last().map(|last| last.with(&whole));
            if let Some(together) = last.filter(|link| link.fits(target)) {
                links.pop();
                links.push(together);
            } else if whole.fits(target) {
                links.push(whole);
            } else {
                // What holds together may be asked for one after the other.
                links.extend(self.pieces_of(row, target));
            }
        }
        links
    }

    fn pieces_of(&self, row: &Row, target: &Target) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for &(comparison, holds) in row {
            let alone = self.link_of(&Row::from([(comparison, holds)]));
            for piece in alone.pieces(target) {
                let last = links.last().map(|last| last.with(&piece));
                match last.filter(|link| link.fits(target)) {
                    Some(together) => {
                        links.pop();
                        links.push(together);
                    }
                    None => links.push(piece),
                }
            }
        }
        links
    }

    fn link_of(&self, row: &Row) -> Link {
        let mut link = Link {
            n_rows: 1,
            ..Link::default()
        };
        for &(comparison, holds) in row {
            let comparison = &self.list[comparison];
            match comparison.kind {
                Kind::Constant => {
                    // Another row says what must not be.
                    if !holds && comparison.bits() > 1 {
                        link.n_rows += 1;
                    }
                    let bytes = comparison.slices.iter();
                    link.bytes.extend(
                        bytes.flat_map(|(field, hi, lo)| {
                            (lo / 8..=hi / 8).map(|byte| (*field, byte))
                        }),
                    );
                }
                Kind::Field => {
                    link.n_rows += u32::from(!holds);
                    link.paired_bytes += (comparison.bits() / 2).div_ceil(8);
                }
                Kind::Order => {
                    link.ordered_bits += comparison.bits();
                    link.n_rows += comparison.bits().div_ceil(4) - 1;
                }
            }
        }
        link
    }
}

/// The gateways that a condition takes, one after the other: those that ask when it holds, or those that
/// ask when not.
fn chain(cond: &Expr, gress: &Gress, target: &Target) -> Vec<Link> {
    let mut comparisons = Comparisons::default();
    let alternatives = [true, false].map(|wanted| comparisons.rows(cond, wanted, gress));
    let chains = alternatives.map(|rows| comparisons.chain_of(&rows, target));
    chains.into_iter().min_by_key(Vec::len).unwrap_or_default()
}

/// What one gateway compares.
#[derive(Clone, Debug, Default)]
struct Link {
    n_rows: u32,
    /// Bytes that are compared with constants.
    bytes: BTreeSet<(FieldId, u32)>,
    /// Bytes that are compared with bytes.
    paired_bytes: u32,
    /// Bits that are ordered.
    ordered_bits: u32,
}

impl Link {
    fn with(&self, other: &Self) -> Self {
        Self {
            n_rows: self.n_rows + other.n_rows,
            bytes: self.bytes.union(&other.bytes).copied().collect(),
            paired_bytes: self.paired_bytes + other.paired_bytes,
            ordered_bits: self.ordered_bits + other.ordered_bits,
        }
    }

    /// Bits that come through the hash matrix: what is ordered, and bytes that have no place elsewhere.
    fn hash_bits(&self, target: &Target) -> u32 {
        let bytes = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let needed = bytes.saturating_add(self.paired_bytes);
        let over = needed.saturating_sub(target.gateway.phv_bytes);
        self.ordered_bits.saturating_add(over.saturating_mul(8))
    }

    fn fits(&self, target: &Target) -> bool {
        let limits = &target.gateway;
        self.n_rows <= limits.rows
            && self.paired_bytes <= limits.phv_bytes
            && self.hash_bits(target) <= limits.hash_bits
    }

    /// The same in parts that fit a gateway each.
    fn pieces(self, target: &Target) -> Vec<Self> {
        if self.fits(target) {
            return vec![self];
        }
        let limits = &target.gateway;
        let most = (limits.phv_bytes + limits.hash_bits / 8).max(1);
        let mut pieces = Vec::new();
        let bytes: Vec<(FieldId, u32)> = self.bytes.into_iter().collect();
        for part in bytes.chunks(most as usize) {
            pieces.push(Self {
                n_rows: 1,
                bytes: part.iter().copied().collect(),
                ..Self::default()
            });
        }
        let mut paired_bytes = self.paired_bytes;
        while paired_bytes > 0 {
            let part = paired_bytes.min(limits.phv_bytes.max(1));
            paired_bytes -= part;
            pieces.push(Self {
                n_rows: 1,
                paired_bytes: part,
                ..Self::default()
            });
        }
        if self.ordered_bits > 0 {
            pieces.push(Self {
                n_rows: self.ordered_bits.div_ceil(4),
                ordered_bits: self.ordered_bits,
                ..Self::default()
            });
        }
        pieces
    }
}

/// Rows in which one of each holds; no more than are looked at.
fn both(left: Vec<Row>, right: &[Row]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for first in left {
        for second in right {
            let row: Row = first.union(second).copied().collect();
            let is_contradiction = row.iter().any(|(of, holds)| row.contains(&(*of, !holds)));
            if !is_contradiction && !rows.contains(&row) && rows.len() < ROWS_MAX {
                rows.push(row);
            }
        }
    }
    rows
}

/// Rows of which one holds.
fn either(mut left: Vec<Row>, right: Vec<Row>) -> Vec<Row> {
    for row in right {
        if !left.contains(&row) && left.len() < ROWS_MAX {
            left.push(row);
        }
    }
    left
}

/// The slices of a source; under a constant mask, those that it leaves.
pub(crate) fn masked_slices(expr: &Expr, gress: &Gress) -> Vec<Slice> {
    let slices = field_slices(expr, gress);
    let Expr::Binary {
        op: BinaryOp::And,
        lhs,
        rhs,
    } = expr
    else {
        return slices;
    };
    let ([(field, _, lo)], (Expr::Const(mask), _) | (_, Expr::Const(mask))) =
        (&slices[..], (&**lhs, &**rhs))
    else {
        return slices;
    };
    let ones = (0..mask.width()).filter(|bit| mask.bit(*bit));
    ones.map(|bit| (*field, lo + bit, lo + bit)).collect()
}

/// What an order of a source and a constant reads. Bits below the lowest one of the constant do not
/// count; where one bit or an equality decides, it is compared as that.
fn ordered_slices(op: BinaryOp, lhs: &Expr, rhs: &Expr, gress: &Gress) -> (Kind, Vec<Slice>) {
    let is_signed = matches!(op, BinaryOp::LtS | BinaryOp::LeS);
    let is_strict = matches!(op, BinaryOp::LtU | BinaryOp::LtS);
    let (source, bound) = match (lhs, rhs) {
        // `x < c` asks whether x is at least c, `x <= c` and `c < x` whether it is at least c + 1.
        (source, Expr::Const(bound)) => (source, bound_bits(bound, !is_strict)),
        (Expr::Const(bound), source) => (source, bound_bits(bound, is_strict)),
        (lhs, rhs) => {
            let mut slices = field_slices(lhs, gress);
            slices.extend(field_slices(rhs, gress));
            return (Kind::Order, slices);
        }
    };
    let slices = field_slices(source, gress);
    let &[(field, hi, lo)] = &slices[..] else {
        return (Kind::Order, slices);
    };
    let Some(lowest) = (0..bound.width()).find(|bit| bound.bit(*bit)) else {
        // The sign, or nothing at all.
        return (Kind::Constant, vec![(field, hi, hi)]);
    };
    let above = (field, hi, (lo + lowest).min(hi));
    let is_power = (lowest + 1..bound.width()).all(|bit| !bound.bit(bit));
    if is_power && !is_signed {
        (Kind::Constant, vec![above])
    } else if is_signed {
        (Kind::Order, slices)
    } else {
        (Kind::Order, vec![above])
    }
}

/// The bound itself, or the one after it.
fn bound_bits(bound: &Bits, is_next: bool) -> Bits {
    if is_next {
        Bits::from_biguint(bound.width(), &(bound.to_biguint() + 1_u32))
    } else {
        bound.clone()
    }
}

fn check_cond(cond: &Expr) -> Result<(), Problem> {
    if is_source(cond) {
        return Ok(());
    }
    match cond {
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => check_cond(arg),
        Expr::Unary {
            op: UnaryOp::Neg, ..
        } => Err(computes("negation")),
        Expr::Binary { op, lhs, rhs } => check_binary(*op, lhs, rhs),
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => check_cond(arg),
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => {
            check_cond(cond)?;
            check_cond(then)?;
            check_cond(otherwise)
        }
        Expr::Param { .. } | Expr::Local { .. } => Err(computes("action data")),
        Expr::MathUnit { .. } => Err(computes("a math unit")),
        Expr::Lane(_) => Err(computes("a search in lanes")),
        Expr::Lookahead { .. } => Err(computes("bits of the packet")),
        Expr::Const(_) | Expr::Field(_) => Ok(()),
    }
}

fn check_binary(op: BinaryOp, lhs: &Expr, rhs: &Expr) -> Result<(), Problem> {
    match op {
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
            check_cond(lhs)?;
            check_cond(rhs)
        }
        BinaryOp::Eq | BinaryOp::Ne => {
            check_operand(lhs)?;
            check_operand(rhs)
        }
        BinaryOp::LtU | BinaryOp::LeU | BinaryOp::LtS | BinaryOp::LeS => {
            check_operand(lhs)?;
            check_operand(rhs)?;
            if reads_field(lhs) && reads_field(rhs) {
                Err(Problem::ConditionOrdersFields)
            } else {
                Ok(())
            }
        }
        BinaryOp::Add | BinaryOp::AddSatU | BinaryOp::AddSatS => Err(computes("a sum")),
        BinaryOp::Sub | BinaryOp::SubSatU | BinaryOp::SubSatS => Err(computes("a difference")),
        BinaryOp::Mul | BinaryOp::DivU | BinaryOp::RemU => {
            Err(computes("multiplication or division"))
        }
        BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS => Err(computes("a shift")),
        BinaryOp::Concat => Err(computes("a concatenation")),
    }
}

fn computes(operator: &'static str) -> Problem {
    Problem::ConditionComputes { operator }
}

/// One side of a comparison.
fn check_operand(expr: &Expr) -> Result<(), Problem> {
    if is_source(expr) {
        Ok(())
    } else {
        check_cond(expr)
    }
}

fn is_source(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_) | Expr::Field(_) => true,
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => is_source(arg),
        Expr::Binary {
            op: BinaryOp::Concat,
            lhs,
            rhs,
        } => is_source(lhs) && is_source(rhs),
        Expr::Binary {
            op: BinaryOp::And,
            lhs,
            rhs,
        } => {
            let is_masked = matches!(**lhs, Expr::Const(_)) || matches!(**rhs, Expr::Const(_));
            is_masked && is_source(lhs) && is_source(rhs)
        }
        Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => false,
    }
}

fn reads_field(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| found |= matches!(expr, Expr::Field(_)));
    found
}

#[cfg(test)]
mod tests {
    use p4rmt_ir::{Bits, FieldId, Id};

    use super::*;

    fn field(index: usize) -> Expr {
        Expr::Field(FieldId::from_index(index))
    }

    fn constant(value: u64) -> Expr {
        Expr::Const(Bits::from_u64(32, value))
    }

    #[track_caller]
    fn check(cond: &Expr, expected: Result<(), Problem>) {
        assert_eq!(check_cond(cond), expected, "{cond:?}");
    }

    #[test]
    fn comparisons_of_fields_and_constants_are_possible() {
        let equal = Expr::binary(BinaryOp::Eq, field(0), field(1));
        let less = Expr::binary(BinaryOp::LtS, field(0), constant(0));
        check(&equal, Ok(()));
        check(&less, Ok(()));
        check(
            &Expr::binary(BinaryOp::And, equal, Expr::unary(UnaryOp::Not, less)),
            Ok(()),
        );
        let masked = Expr::binary(BinaryOp::And, field(0), constant(0xff));
        check(&Expr::binary(BinaryOp::Ne, masked, constant(0)), Ok(()));
    }

    #[test]
    fn arithmetic_is_refused() {
        let difference = Expr::binary(BinaryOp::Sub, field(0), field(1));
        let cond = Expr::binary(BinaryOp::LtS, difference, constant(0));
        check(&cond, Err(computes("a difference")));
    }

    #[test]
    fn two_fields_are_not_ordered() {
        let cond = Expr::binary(BinaryOp::LtU, field(0), field(1));
        check(&cond, Err(Problem::ConditionOrdersFields));
    }
}
