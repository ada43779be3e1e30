//! What a condition asks of gateways at the least, from its truth table over the comparisons that it makes.
//!
//! * A row of a gateway is a set of comparisons that hold and of ones that do not. Two cases in which a
//!   condition holds are in one row only if what they have in common suffices: so many cases of which no
//!   two do are so many rows. Rows may say when it holds or when not.
//! * That several bits differ from a constant takes a row more.
//! * What is ordered comes through the hash matrix, bit by bit, down to the lowest bit that counts.

use p4rmt_ir::{BinaryOp, Bits, Expr, Gress, UnaryOp};

/// Comparisons beyond which no truth table is made.
const COMPARISONS_MAX: usize = 12;

/// Rows up to which a condition is looked at as a whole; what comes behind may be asked piece by piece.
const ROWS_MAX: usize = 64;

/// Rows that a condition takes at the least in gateways of `available` rows.
pub(super) fn least_rows(cond: &Expr, gress: &Gress, available: u32) -> u32 {
    let mut atoms: Vec<Expr> = Vec::new();
    let form = form_of(cond, gress, &mut atoms);
    if atoms.len() > COMPARISONS_MAX {
        return 1;
    }
    let n_cases = 1_usize << atoms.len();
    let table: Vec<bool> = (0..n_cases).map(|case| form.holds(case)).collect();
    // A gateway of one row asks for a difference by itself.
    let dear = atoms.iter().enumerate().fold(0, |dear, (at, atom)| {
        let is_dear = available > 1 && has_several_bits(atom, gress);
        dear | usize::from(is_dear) << at
    });
    let rows = [true, false].map(|wanted| rows_apart(&table, wanted, dear));
    rows[0].min(rows[1]).max(1)
}

/// Rows of cases of this outcome of which no two are in one row, with those for what must differ in each.
fn rows_apart(table: &[bool], wanted: bool, dear: usize) -> u32 {
    let of_outcome = |case: &usize| table[*case] == wanted;
    let mut cases: Vec<usize> = (0..table.len()).filter(of_outcome).collect();
    // Those in which the fewest comparisons hold have the least in common.
    cases.sort_by_key(|case| case.count_ones());
    let mut chosen: Vec<usize> = Vec::new();
    let mut rows = 0;
    for case in cases {
        let is_apart =
            |other: &usize| table[case & other] != wanted || table[case | other] != wanted;
        if chosen.len() < ROWS_MAX && chosen.iter().all(is_apart) {
            chosen.push(case);
            let atoms = (0..usize::BITS).map(|at| 1_usize << at);
            let needed = atoms.take_while(|atom| *atom < table.len()).filter(|atom| {
                case & atom == 0 && dear & atom != 0 && table[case | atom] != wanted
            });
            rows += 1 + u32::try_from(needed.count()).unwrap_or(0);
        }
    }
    rows.min(u32::try_from(ROWS_MAX).unwrap_or(u32::MAX))
}

/// Whether a comparison is one of several bits for equality.
fn has_several_bits(atom: &Expr, gress: &Gress) -> bool {
    let Expr::Binary {
        op: BinaryOp::Eq,
        lhs,
        rhs,
    } = atom
    else {
        return false;
    };
    let bits = |side: &Expr| match side {
        Expr::Binary {
            op: BinaryOp::And,
            lhs,
            rhs,
        } => match (&**lhs, &**rhs) {
            (Expr::Const(mask), _) | (_, Expr::Const(mask)) => {
                let ones = (0..mask.width()).filter(|bit| mask.bit(*bit));
                u32::try_from(ones.count()).unwrap_or(u32::MAX)
            }
            _ => 0,
        },
        Expr::Field(_) | Expr::Slice { .. } => side.width(gress),
        Expr::Const(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Resize { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => 0,
    };
    let is_const = |side: &Expr| matches!(side, Expr::Const(_));
    (is_const(rhs) && bits(lhs) > 1) || (is_const(lhs) && bits(rhs) > 1)
}

/// A condition over numbered comparisons.
enum Form {
    Constant(bool),
    Atom(usize),
    Not(Box<Form>),
    And(Box<Form>, Box<Form>),
    Or(Box<Form>, Box<Form>),
    Differ(Box<Form>, Box<Form>),
    Choice(Box<Form>, Box<Form>, Box<Form>),
}

impl Form {
    fn holds(&self, case: usize) -> bool {
        match self {
            Self::Constant(holds) => *holds,
            Self::Atom(atom) => case >> atom & 1 == 1,
            Self::Not(arg) => !arg.holds(case),
            Self::And(a, b) => a.holds(case) && b.holds(case),
            Self::Or(a, b) => a.holds(case) || b.holds(case),
            Self::Differ(a, b) => a.holds(case) != b.holds(case),
            Self::Choice(cond, a, b) => {
                if cond.holds(case) {
                    a.holds(case)
                } else {
                    b.holds(case)
                }
            }
        }
    }
}

fn form_of(cond: &Expr, gress: &Gress, atoms: &mut Vec<Expr>) -> Form {
    let mut atom = |of: Expr| {
        let known = atoms.iter().position(|known| *known == of);
        Form::Atom(known.unwrap_or_else(|| {
            atoms.push(of);
            atoms.len() - 1
        }))
    };
    match cond {
        Expr::Const(bits) => Form::Constant(!bits.is_zero()),
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => Form::Not(Box::new(form_of(arg, gress, atoms))),
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => Form::Choice(
            Box::new(form_of(cond, gress, atoms)),
            Box::new(form_of(then, gress, atoms)),
            Box::new(form_of(otherwise, gress, atoms)),
        ),
        Expr::Binary { op, lhs, rhs } => {
            let is_bool = lhs.width(gress) == 1;
            let is_compared = moves_bits(lhs) && moves_bits(rhs);
            let equal = || Expr::binary(BinaryOp::Eq, (**lhs).clone(), (**rhs).clone());
            let sides = |atoms: &mut Vec<Expr>| {
                let left = Box::new(form_of(lhs, gress, atoms));
                (left, Box::new(form_of(rhs, gress, atoms)))
            };
            match op {
                BinaryOp::And if is_bool => {
                    let (left, right) = sides(atoms);
                    Form::And(left, right)
                }
                BinaryOp::Or if is_bool => {
                    let (left, right) = sides(atoms);
                    Form::Or(left, right)
                }
                BinaryOp::Xor | BinaryOp::Ne if is_bool && !is_compared => {
                    let (left, right) = sides(atoms);
                    Form::Differ(left, right)
                }
                BinaryOp::Eq if is_bool && !is_compared => {
                    let (left, right) = sides(atoms);
                    Form::Not(Box::new(Form::Differ(left, right)))
                }
                BinaryOp::Eq => atom(equal()),
                BinaryOp::Ne => Form::Not(Box::new(atom(equal()))),
                BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::Xor
                | BinaryOp::LtU
                | BinaryOp::LeU
                | BinaryOp::LtS
                | BinaryOp::LeS
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
                | BinaryOp::Concat => atom(cond.clone()),
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
        | Expr::Lane(_) => atom(cond.clone()),
    }
}

/// Whether an expression only moves bits, perhaps under a constant mask, so that a gateway compares it as a
/// whole.
fn moves_bits(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_) | Expr::Field(_) => true,
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => moves_bits(arg),
        Expr::Binary { op, lhs, rhs } => {
            let is_mask = matches!(**lhs, Expr::Const(_)) || matches!(**rhs, Expr::Const(_));
            let moves = *op == BinaryOp::Concat || *op == BinaryOp::And && is_mask;
            moves && moves_bits(lhs) && moves_bits(rhs)
        }
        Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => false,
    }
}

/// The bits of the widest order that a condition asks for.
pub(super) fn ordered_bits(cond: &Expr, gress: &Gress) -> u32 {
    let mut most = 0;
    cond.walk(&mut |part| {
        if let Expr::Binary { op, lhs, rhs } = part {
            most = most.max(bits_of_order(*op, lhs, rhs, gress));
        }
    });
    most
}

/// The bits that a condition orders if it is nothing but an order, or that what an order says does not hold.
pub(super) fn bits_of_single_order(cond: &Expr, gress: &Gress) -> u32 {
    match cond {
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => bits_of_single_order(arg, gress),
        Expr::Binary { op, lhs, rhs } => bits_of_order(*op, lhs, rhs, gress),
        Expr::Const(_)
        | Expr::Field(_)
        | Expr::Slice { .. }
        | Expr::Resize { .. }
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => 0,
    }
}

/// Bits of a field that are ordered against a constant. An order that one bit decides, or whether all bits
/// from one on are zero, is no order.
fn bits_of_order(op: BinaryOp, lhs: &Expr, rhs: &Expr, gress: &Gress) -> u32 {
    let (is_strict, is_signed) = match op {
        BinaryOp::LtU => (true, false),
        BinaryOp::LeU => (false, false),
        BinaryOp::LtS => (true, true),
        BinaryOp::LeS => (false, true),
        BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Xor
        | BinaryOp::Eq
        | BinaryOp::Ne
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
        | BinaryOp::Concat => return 0,
    };
    // The least value on the other side of the bound: `x < c` and `c <= x` have it at c, the others above.
    let (source, bound, is_next) = match (lhs, rhs) {
        (source, Expr::Const(bound)) => (source, bound, !is_strict),
        (Expr::Const(bound), source) => (source, bound, is_strict),
        _ => return 0,
    };
    let is_plain = match source {
        Expr::Field(_) => true,
        Expr::Slice { arg, .. } => matches!(**arg, Expr::Field(_)),
        Expr::Const(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Resize { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => false,
    };
    let width = source.width(gress);
    let (zeros, is_power) = low_zeros(bound, is_next);
    match zeros {
        Some(_) if is_plain && is_signed => width,
        Some(zeros) if is_plain && !is_power => width.saturating_sub(zeros),
        Some(_) | None => 0,
    }
}

/// Zeros below the lowest one of a bound, or of the one after it, and whether that is its only one. Nothing
/// where it has none.
fn low_zeros(bound: &Bits, is_next: bool) -> (Option<u32>, bool) {
    let width = bound.width();
    let mut digits: Vec<bool> = (0..width).map(|bit| bound.bit(bit)).collect();
    if is_next {
        for digit in &mut digits {
            *digit = !*digit;
            if *digit {
                break;
            }
        }
    }
    let ones = digits.iter().filter(|digit| **digit).count();
    let lowest = digits.iter().position(|digit| *digit);
    (lowest.and_then(|at| u32::try_from(at).ok()), ones == 1)
}

#[cfg(test)]
mod tests {
    use p4rmt_ir::GressRole;
    use p4rmt_ir::build::{GressBuilder, constant, eq};

    use super::*;

    #[track_caller]
    fn check(cond: impl Fn(&Expr) -> Expr, rows: u32, ordered: u32) {
        let mut builder = GressBuilder::new(GressRole::Ingress);
        let field = Expr::Field(builder.metadata("md.x", 16));
        let cond = cond(&field);
        assert_eq!(least_rows(&cond, &builder.gress, 4), rows);
        assert_eq!(ordered_bits(&cond, &builder.gress), ordered);
    }

    fn any_of(field: &Expr, values: u64) -> Expr {
        let each = (0..values).map(|value| eq(field.clone(), constant(16, value)));
        each.reduce(|a, b| Expr::binary(BinaryOp::Or, a, b))
            .expect("there is a value")
    }

    #[test]
    fn alternatives_take_a_row_each() {
        check(|of| any_of(of, 1), 1, 0);
        check(|of| any_of(of, 5), 5, 0);
        check(|of| any_of(of, 9), 9, 0);
    }

    /// That all differ takes a row each, and one that says so.
    #[test]
    fn what_must_differ_takes_rows() {
        let not = |cond: Expr| Expr::Unary {
            op: UnaryOp::Not,
            arg: Box::new(cond),
        };
        check(|of| not(any_of(of, 3)), 3, 0);
        let one_and_not_the_other = |of: &Expr| {
            let differs = not(eq(of.clone(), constant(16, 1)));
            Expr::binary(BinaryOp::And, any_of(of, 1), differs)
        };
        check(one_and_not_the_other, 2, 0);
    }

    #[test]
    fn an_order_goes_down_to_the_lowest_bit_that_counts() {
        let order = |op, value| move |of: &Expr| Expr::binary(op, of.clone(), constant(16, value));
        check(order(BinaryOp::LtU, 1500), 1, 14);
        check(order(BinaryOp::LeU, 1500), 1, 16);
        check(order(BinaryOp::LtU, 1024), 1, 0);
        check(order(BinaryOp::LtS, 24), 1, 16);
    }
}
