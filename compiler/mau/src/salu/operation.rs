//! A value without a choice in it as operations of slots.
//!
//! An operation takes memory or a constant first, an operand, a constant or the math unit second. What
//! is the other way round in the program takes the reversed operation. Bitwise logic of two sources is
//! one of sixteen operations, however it is written. What two operations give can be joined by *or*. Of a
//! half that is wider than sums, the low word can be computed while what is above stays.

use p4rmt_ir::salu::{Half, Opcode, Slot};
use p4rmt_ir::{BinaryOp, Expr, Gress, MathUnitId, UnaryOp};

use super::fault::Fault;
use super::halves::Halves;
use super::normal::{Minimum, bare_operand, is_operand, minimum};

/// An operation whose sources have no place yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) opcode: Opcode,
    pub(super) a: Option<Source>,
    pub(super) b: Option<Source>,
    /// The half of memory that passes by above a low word.
    pub(super) passes: Option<Half>,
}

/// A source of an operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    Memory(Half),
    Operand(Expr),
    /// A number of the half's width, read as signed.
    Constant(i64),
    Math(MathUnitId, MathArg),
}

/// What the math unit reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum MathArg {
    Memory(Half),
    Operand(Expr),
}

impl Source {
    /// Whether it can stand first.
    fn is_first(&self) -> bool {
        matches!(self, Self::Memory(_) | Self::Constant(_))
    }

    /// Whether it can stand second.
    fn is_second(&self) -> bool {
        !matches!(self, Self::Memory(_))
    }
}

/// What makes operations of values.
#[derive(Clone, Copy)]
pub(super) struct Operations<'a> {
    pub(super) gress: &'a Gress,
    pub(super) halves: Halves,
    pub(super) arithmetic_bits_max: u32,
    /// Whether they are done in an upper half that holds no memory, where sums keep their carry.
    pub(super) is_spare: bool,
    /// Whether they compute the low word of a wider half.
    pub(super) is_low: bool,
}

impl Operations<'_> {
    /// Bits that are computed.
    fn half_bits(&self) -> u32 {
        let half_bits = self.halves.layout.half_bits;
        if self.is_low {
            half_bits.min(Slot::LOW_BITS)
        } else {
            half_bits
        }
    }

    /// Bits of what an upper half without memory computes.
    pub(super) fn spare_bits(&self) -> u32 {
        self.halves.layout.spare_bits()
    }

    /// The operations, one or two, whose results joined by *or* are this normal expression as wide as a
    /// half.
    pub(super) fn of(&self, expr: &Expr) -> Result<Vec<Operation>, Fault> {
        let fault = match self.single(expr) {
            Ok(operation) => return Ok(vec![operation]),
            Err(fault) => fault,
        };
        if let Expr::Binary {
            op: BinaryOp::Or,
            lhs,
            rhs,
        } = expr
            && let (Ok(a), Ok(b)) = (self.single(lhs), self.single(rhs))
        {
            return Ok(vec![a, b]);
        }
        match self.low_word(expr)? {
            Some(operation) => Ok(vec![operation]),
            None => Err(fault),
        }
    }

    /// The operation on the low word of a half above which memory passes by.
    fn low_word(&self, expr: &Expr) -> Result<Option<Operation>, Fault> {
        let Expr::Binary {
            op: BinaryOp::Concat,
            lhs,
            rhs,
        } = expr
        else {
            return Ok(None);
        };
        let Expr::Slice { arg, lo, .. } = &**lhs else {
            return Ok(None);
        };
        let half_bits = self.halves.layout.half_bits;
        let is_high = *lo == Slot::LOW_BITS && lhs.width(self.gress) + lo == half_bits;
        let Some(half) = self.halves.half_of(arg).filter(|_| is_high) else {
            return Ok(None);
        };
        let low = Operations {
            is_low: true,
            ..*self
        };
        let mut operation = low.single(rhs)?;
        if let (None, Some(Source::Constant(_))) = (&operation.b, &operation.a) {
            // Memory passes where the first source would be.
            operation.opcode = Opcode::AluB;
            operation.b = operation.a.take();
        }
        operation.passes = Some(half);
        let is_passed = operation
            .a
            .as_ref()
            .is_none_or(|a| *a == Source::Memory(half));
        Ok(is_passed.then_some(operation))
    }

    fn single(&self, expr: &Expr) -> Result<Operation, Fault> {
        if let Some(source) = self.source(expr)? {
            return Ok(moved(source));
        }
        let operation = match expr {
            Expr::Unary {
                op: UnaryOp::Not, ..
            }
            | Expr::Binary {
                op: BinaryOp::And | BinaryOp::Or | BinaryOp::Xor,
                ..
            } => self.bitwise(expr)?,
            Expr::Unary {
                op: UnaryOp::Neg,
                arg,
            } => {
                let zero = Source::Constant(0);
                self.two(Opcode::Sub, Opcode::SubR, zero, self.wanted(arg)?)?
            }
            Expr::Binary { op, lhs, rhs } => {
                let (opcode, reversed) = arithmetic(*op)?;
                let (a, b) = (self.wanted(lhs)?, self.wanted(rhs)?);
                self.two(opcode, reversed, a, b)?
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => match minimum(cond, then, otherwise) {
                Some(Minimum {
                    is_maximum,
                    is_signed,
                    lhs,
                    rhs,
                }) => {
                    let opcode = match (is_maximum, is_signed) {
                        (false, false) => Opcode::MinU,
                        (false, true) => Opcode::MinS,
                        (true, false) => Opcode::MaxU,
                        (true, true) => Opcode::MaxS,
                    };
                    self.two(opcode, opcode, self.wanted(lhs)?, self.wanted(rhs)?)?
                }
                None => return Err(Fault::TooDeep),
            },
            Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => {
                return Err(Fault::Sliced(if is_memory(arg) {
                    "takes bits of the register's value"
                } else {
                    "takes bits of a result"
                }));
            }
            Expr::Const(_)
            | Expr::Field(_)
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => return Err(Fault::TooDeep),
        };
        if !operation.opcode.is_move() && self.half_bits() > self.arithmetic_bits_max {
            return Err(Fault::TooWide(self.half_bits()));
        }
        let width = expr.width(self.gress);
        if operation.opcode.knows_width() && width != self.half_bits() {
            return Err(Fault::TooWide(width));
        }
        Ok(operation)
    }

    /// A source of the divider.
    pub(super) fn divided(&self, expr: &Expr) -> Result<Source, Fault> {
        if self.half_bits() > self.arithmetic_bits_max {
            return Err(Fault::TooWide(self.half_bits()));
        }
        // Numbers without a sign are what they are however many zeros stand above them.
        let source = self.wanted(match expr {
            Expr::Resize {
                arg,
                is_signed: false,
                ..
            } if self.halves.half_of(arg).is_some() => arg,
            expr => expr,
        })?;
        match (&source, expr) {
            (Source::Math(..), _) => Err(Fault::MathUnit("divides what the math unit gives")),
            (Source::Operand(operand), _)
                if operand.width(self.gress) > self.half_bits().max(8) =>
            {
                Err(Fault::TooWide(operand.width(self.gress)))
            }
            // It is not negative.
            (Source::Constant(_), Expr::Const(bits)) => {
                let value = i64::try_from(bits.to_biguint()).map_err(|_| Fault::ConstantTooWide)?;
                let is_held = value >> self.half_bits().min(62) == 0;
                let value = is_held.then_some(Source::Constant(value));
                value.ok_or(Fault::TooWide(bits.width()))
            }
            _ => Ok(source),
        }
    }

    fn wanted(&self, expr: &Expr) -> Result<Source, Fault> {
        if let Some(source) = self.source(expr)? {
            return Ok(source);
        }
        Err(match expr {
            Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => {
                Fault::Sliced(if is_memory(arg) {
                    "computes with bits of the register's value"
                } else {
                    "computes with bits of a result"
                })
            }
            Expr::Const(_)
            | Expr::Field(_)
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Unary { .. }
            | Expr::Binary { .. }
            | Expr::Mux { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => Fault::TooDeep,
        })
    }

    /// The source that a normal expression is, if it is one.
    fn source(&self, expr: &Expr) -> Result<Option<Source>, Fault> {
        Ok(match expr {
            Expr::Const(bits) => {
                let value = i64::try_from(bits.to_bigint_signed());
                Some(Source::Constant(value.map_err(|_| Fault::ConstantTooWide)?))
            }
            Expr::Local { .. } => self.halves.half_of(expr).map(Source::Memory),
            Expr::Slice { arg, hi, lo: 0 } if self.is_low && hi + 1 == Slot::LOW_BITS => {
                match self.halves.half_of(arg) {
                    None => is_operand(expr).then(|| Source::Operand(bare_operand(expr))),
                    half => half.map(Source::Memory),
                }
            }
            Expr::Resize {
                arg,
                is_signed: false,
                ..
            } if self.is_spare && self.halves.half_of(arg).is_some() => {
                self.halves.half_of(arg).map(Source::Memory)
            }
            expr if is_operand(expr) => Some(Source::Operand(bare_operand(expr))),
            Expr::MathUnit { unit, arg, .. } => {
                let arg = match self.halves.half_of(arg) {
                    Some(half) => MathArg::Memory(half),
                    None if is_operand(arg) => MathArg::Operand(bare_operand(arg)),
                    None => {
                        return Err(Fault::MathUnit(
                            "computes what the math unit reads, which is memory or a field",
                        ));
                    }
                };
                Some(Source::Math(*unit, arg))
            }
            // The unit is as wide as the half, and what it gives beyond is cut off.
            Expr::Resize { arg, .. } | Expr::Slice { arg, lo: 0, .. }
                if matches!(**arg, Expr::MathUnit { .. } | Expr::Lane(_))
                    && expr.width(self.gress) <= arg.width(self.gress) =>
            {
                self.source(arg)?
            }
            _ => None,
        })
    }

    /// Two sources in the order that the unit wants, with the reversed operation if need be.
    fn two(
        &self,
        opcode: Opcode,
        reversed: Opcode,
        first: Source,
        second: Source,
    ) -> Result<Operation, Fault> {
        let made = |opcode, a, b| {
            Ok(Operation {
                opcode,
                a: Some(a),
                b: Some(b),
                passes: None,
            })
        };
        if first.is_first() && second.is_second() {
            return made(opcode, first, second);
        }
        if second.is_first() && first.is_second() {
            return made(reversed, second, first);
        }
        Err(Fault::Twice(match (&first, &second) {
            (Source::Memory(_), Source::Memory(_)) => "computes with two values of memory",
            _ => "computes with two fields",
        }))
    }

    /// Bitwise logic of at most two sources, as one of the sixteen operations.
    fn bitwise(&self, expr: &Expr) -> Result<Operation, Fault> {
        let mut sources = Vec::new();
        self.bitwise_sources(expr, &mut sources)?;
        // Bits of the table: the result for (a, b) = (0, 0), (0, 1), (1, 0), (1, 1).
        let result = |sources: &[Source]| {
            (0..4u8).fold(0u8, |table, case| {
                let values = [case & 2 != 0, case & 1 != 0];
                let bit = self.bitwise_value(expr, sources, values);
                table | u8::from(bit) << case
            })
        };
        match &sources[..] {
            [source] => {
                // Its bit alone decides: the results for 0 and 1.
                let table = result(&sources);
                let opcode = match (table & 0b0001 != 0, table & 0b0100 != 0, source.is_first()) {
                    (false, false, _) => Opcode::SetZ,
                    (true, true, _) => Opcode::SetHi,
                    (false, true, true) => Opcode::AluA,
                    (false, true, false) => Opcode::AluB,
                    (true, false, true) => Opcode::NotA,
                    (true, false, false) => Opcode::NotB,
                };
                Ok(Operation {
                    opcode,
                    a: opcode.takes_a().then(|| source.clone()),
                    b: opcode.takes_b().then(|| source.clone()),
                    passes: None,
                })
            }
            [first, second] => {
                let ordered = self.two(Opcode::And, Opcode::Or, first.clone(), second.clone())?;
                let order: Vec<Source> = ordered.a.into_iter().chain(ordered.b).collect();
                let opcode = LOGIC[usize::from(result(&order))];
                let [a, b] = <[Source; 2]>::try_from(order).map_err(|_| Fault::TooDeep)?;
                Ok(Operation {
                    opcode,
                    a: opcode.takes_a().then_some(a),
                    b: opcode.takes_b().then_some(b),
                    passes: None,
                })
            }
            _ => Err(Fault::TooDeep),
        }
    }

    fn bitwise_sources(&self, expr: &Expr, into: &mut Vec<Source>) -> Result<(), Fault> {
        match expr {
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            } => self.bitwise_sources(arg, into),
            Expr::Binary {
                op: BinaryOp::And | BinaryOp::Or | BinaryOp::Xor,
                lhs,
                rhs,
            } => {
                self.bitwise_sources(lhs, into)?;
                self.bitwise_sources(rhs, into)
            }
            expr => {
                let source = self.wanted(expr)?;
                if !into.contains(&source) {
                    into.push(source);
                }
                Ok(())
            }
        }
    }

    fn bitwise_value(&self, expr: &Expr, sources: &[Source], values: [bool; 2]) -> bool {
        match expr {
            Expr::Unary { arg, .. } => !self.bitwise_value(arg, sources, values),
            Expr::Binary {
                op: op @ (BinaryOp::And | BinaryOp::Or | BinaryOp::Xor),
                lhs,
                rhs,
            } => {
                let a = self.bitwise_value(lhs, sources, values);
                let b = self.bitwise_value(rhs, sources, values);
                match op {
                    BinaryOp::And => a && b,
                    BinaryOp::Or => a || b,
                    _ => a != b,
                }
            }
            expr => {
                let source = self.wanted(expr).ok();
                let position = sources
                    .iter()
                    .position(|known| Some(known) == source.as_ref());
                position.is_some_and(|position| values[position])
            }
        }
    }
}

/// The bitwise operations by their results for (0, 0), (0, 1), (1, 0), (1, 1), from the lowest bit.
const LOGIC: [Opcode; 16] = [
    Opcode::SetZ,
    Opcode::Nor,
    Opcode::AndCA,
    Opcode::NotA,
    Opcode::AndCB,
    Opcode::NotB,
    Opcode::Xor,
    Opcode::Nand,
    Opcode::And,
    Opcode::Xnor,
    Opcode::AluB,
    Opcode::OrCA,
    Opcode::AluA,
    Opcode::OrCB,
    Opcode::Or,
    Opcode::SetHi,
];

fn moved(source: Source) -> Operation {
    match source {
        Source::Constant(0) => Operation {
            opcode: Opcode::SetZ,
            a: None,
            b: None,
            passes: None,
        },
        source if source.is_first() => Operation {
            opcode: Opcode::AluA,
            a: Some(source),
            b: None,
            passes: None,
        },
        source => Operation {
            opcode: Opcode::AluB,
            a: None,
            b: Some(source),
            passes: None,
        },
    }
}

/// Whether an expression is memory, or bits of it.
fn is_memory(expr: &Expr) -> bool {
    match expr {
        Expr::Local { .. } => true,
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => is_memory(arg),
        Expr::Const(_)
        | Expr::Field(_)
        | Expr::Param { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => false,
    }
}

/// An operation, and the same with its sources the other way round.
fn arithmetic(op: BinaryOp) -> Result<(Opcode, Opcode), Fault> {
    match op {
        BinaryOp::Add => Ok((Opcode::Add, Opcode::Add)),
        BinaryOp::Sub => Ok((Opcode::Sub, Opcode::SubR)),
        BinaryOp::AddSatU => Ok((Opcode::SAddU, Opcode::SAddU)),
        BinaryOp::AddSatS => Ok((Opcode::SAddS, Opcode::SAddS)),
        BinaryOp::SubSatU => Ok((Opcode::SSubU, Opcode::SSubRU)),
        BinaryOp::SubSatS => Ok((Opcode::SSubS, Opcode::SSubRS)),
        BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS => Err(Fault::NoSuchOperation("a shift")),
        BinaryOp::Mul => Err(Fault::NoSuchOperation("a multiplication")),
        BinaryOp::DivU | BinaryOp::RemU => Err(Fault::Division(
            "computes with a quotient or writes it, and its stateful ALU only returns quotient and remainder",
        )),
        BinaryOp::Concat => Err(Fault::NoSuchOperation("a concatenation")),
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::LtU
        | BinaryOp::LeU
        | BinaryOp::LtS
        | BinaryOp::LeS => Err(Fault::NoSuchOperation("a comparison as a number")),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => Err(Fault::TooDeep),
    }
}
