//! Expressions: pure, typed by width alone, owned by the statement that they stand in.
//!
//! A value is a [`Bits`] of a fixed width; signedness is a property of the operator, not of the
//! value. A truth value is one bit. Evaluation never fails: an operator is total (division by zero
//! yields all ones, the remainder the dividend; shifts past the width yield zero, or the sign).

use crate::{Arena, Bits, Field, FieldId, Gress, LaneExpr, LocalId, MathUnitId};

/// A pure expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A constant.
    Const(Bits),
    /// The value of a field: when it is read is defined by where the expression stands (see the
    /// crate docs).
    Field(FieldId),
    /// The action-data parameter at this position of the action that the expression stands in.
    Param {
        /// Position among the action's parameters.
        index: u32,
        /// Its width in bits.
        width: u32,
    },
    /// A variable of the action or register action that the expression stands in.
    Local {
        /// The variable.
        local: LocalId,
        /// Its width in bits.
        width: u32,
    },
    /// Bits `hi` down to `lo` of the argument, both included, 0 the least significant.
    Slice {
        /// What is sliced.
        arg: Box<Expr>,
        /// Highest bit.
        hi: u32,
        /// Lowest bit.
        lo: u32,
    },
    /// An operator with one argument.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its argument.
        arg: Box<Expr>,
    },
    /// An operator with two arguments.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left argument.
        lhs: Box<Expr>,
        /// Right argument: as wide as the left, but for `Concat` and shifts.
        rhs: Box<Expr>,
    },
    /// The argument cut or extended to `width` bits.
    Resize {
        /// What is resized.
        arg: Box<Expr>,
        /// The new width in bits.
        width: u32,
        /// Whether a wider result repeats the sign bit.
        is_signed: bool,
    },
    /// `then` where the condition is 1, else `otherwise`.
    Mux {
        /// One bit.
        cond: Box<Expr>,
        /// The value where the condition is 1.
        then: Box<Expr>,
        /// The value where it is 0; as wide as `then`.
        otherwise: Box<Expr>,
    },
    /// In a parser only: `width` bits of the packet, `offset` bits ahead of the cursor. Beyond the
    /// end of the packet it raises `PacketTooShort` when the statement is run.
    Lookahead {
        /// Distance from the cursor in bits.
        offset: u32,
        /// Width in bits.
        width: u32,
    },
    /// In a register action only: the output of the register's math unit.
    MathUnit {
        /// The unit.
        unit: MathUnitId,
        /// Its input.
        arg: Box<Expr>,
        /// Width of the result in bits.
        width: u32,
    },
    /// In a register action only: the smallest or largest number in the lanes of a word.
    Lane(Box<LaneExpr>),
}

/// An operator with one argument; the result is as wide as the argument unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// Bitwise complement; of one bit, logical not.
    Not,
    /// Two's complement negation.
    Neg,
}

/// An operator with two arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// Sum modulo 2^width.
    Add,
    /// Difference modulo 2^width.
    Sub,
    /// Product modulo 2^width.
    Mul,
    /// Unsigned quotient.
    DivU,
    /// Unsigned remainder.
    RemU,
    /// Unsigned saturating sum (`|+|`).
    AddSatU,
    /// Unsigned saturating difference (`|-|`).
    SubSatU,
    /// Signed saturating sum.
    AddSatS,
    /// Signed saturating difference.
    SubSatS,
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Left shift; the right argument is unsigned and of any width.
    Shl,
    /// Logical right shift.
    ShrU,
    /// Arithmetic right shift.
    ShrS,
    /// Left argument above the right one; as wide as both together.
    Concat,
    /// One bit: equality.
    Eq,
    /// One bit: inequality.
    Ne,
    /// One bit: unsigned less.
    LtU,
    /// One bit: unsigned less or equal.
    LeU,
    /// One bit: signed less.
    LtS,
    /// One bit: signed less or equal.
    LeS,
}

impl BinaryOp {
    /// Whether the result is one bit whatever the width of the arguments.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        match self {
            Self::Eq | Self::Ne | Self::LtU | Self::LeU | Self::LtS | Self::LeS => true,
            Self::Add
            | Self::Sub
            | Self::Mul
            | Self::DivU
            | Self::RemU
            | Self::AddSatU
            | Self::SubSatU
            | Self::AddSatS
            | Self::SubSatS
            | Self::And
            | Self::Or
            | Self::Xor
            | Self::Shl
            | Self::ShrU
            | Self::ShrS
            | Self::Concat => false,
        }
    }

    /// Whether the operator is a shift, whose right argument may have any width.
    #[must_use]
    pub fn is_shift(self) -> bool {
        matches!(self, Self::Shl | Self::ShrU | Self::ShrS)
    }
}

impl Expr {
    /// The width of the value in bits. `gress` gives the widths of fields.
    #[must_use]
    pub fn width(&self, gress: &Gress) -> u32 {
        self.width_in(&gress.fields)
    }

    /// The width of the value in bits.
    #[must_use]
    pub fn width_in(&self, fields: &Arena<FieldId, Field>) -> u32 {
        match self {
            Self::Const(bits) => bits.width(),
            Self::Field(field) => fields[*field].width,
            Self::Param { width, .. }
            | Self::Local { width, .. }
            | Self::Resize { width, .. }
            | Self::Lookahead { width, .. }
            | Self::MathUnit { width, .. } => *width,
            Self::Slice { hi, lo, .. } => hi - lo + 1,
            Self::Unary { arg, .. } => arg.width_in(fields),
            Self::Binary { op, lhs, .. } if !op.is_comparison() && *op != BinaryOp::Concat => {
                lhs.width_in(fields)
            }
            Self::Binary {
                op: BinaryOp::Concat,
                lhs,
                rhs,
            } => lhs.width_in(fields) + rhs.width_in(fields),
            Self::Binary { .. } => 1,
            Self::Mux { then, .. } => then.width_in(fields),
            Self::Lane(lane) => lane.op.width(),
        }
    }

    /// The operator applied to the argument.
    #[must_use]
    pub fn unary(op: UnaryOp, arg: Self) -> Self {
        Self::Unary {
            op,
            arg: Box::new(arg),
        }
    }

    /// The operator applied to the arguments.
    #[must_use]
    pub fn binary(op: BinaryOp, lhs: Self, rhs: Self) -> Self {
        Self::Binary {
            op,
            lhs: Box::new(lhs),
            rhs: Box::new(rhs),
        }
    }

    /// Bits `hi` down to `lo` of the argument.
    #[must_use]
    pub fn slice(arg: Self, hi: u32, lo: u32) -> Self {
        Self::Slice {
            arg: Box::new(arg),
            hi,
            lo,
        }
    }

    /// The argument cut or extended to `width` bits.
    #[must_use]
    pub fn resize(arg: Self, width: u32, is_signed: bool) -> Self {
        Self::Resize {
            arg: Box::new(arg),
            width,
            is_signed,
        }
    }

    /// `then` where the condition is 1, else `otherwise`.
    #[must_use]
    pub fn mux(cond: Self, then: Self, otherwise: Self) -> Self {
        Self::Mux {
            cond: Box::new(cond),
            then: Box::new(then),
            otherwise: Box::new(otherwise),
        }
    }

    /// This expression with each expression directly inside it replaced by what `change` makes
    /// of it.
    #[must_use]
    pub fn map_args(self, change: &mut impl FnMut(Self) -> Self) -> Self {
        match self {
            Self::Const(_)
            | Self::Field(_)
            | Self::Param { .. }
            | Self::Local { .. }
            | Self::Lookahead { .. } => self,
            Self::Slice { arg, hi, lo } => Self::slice(change(*arg), hi, lo),
            Self::Unary { op, arg } => Self::unary(op, change(*arg)),
            Self::Binary { op, lhs, rhs } => Self::binary(op, change(*lhs), change(*rhs)),
            Self::Resize {
                arg,
                width,
                is_signed,
            } => Self::resize(change(*arg), width, is_signed),
            Self::Mux {
                cond,
                then,
                otherwise,
            } => Self::mux(change(*cond), change(*then), change(*otherwise)),
            Self::MathUnit { unit, arg, width } => Self::MathUnit {
                unit,
                arg: Box::new(change(*arg)),
                width,
            },
            Self::Lane(lane) => {
                let LaneExpr {
                    op,
                    word,
                    mask,
                    change: by,
                } = *lane;
                Self::Lane(Box::new(LaneExpr {
                    op,
                    word: change(word),
                    mask: change(mask),
                    change: change(by),
                }))
            }
        }
    }

    /// Calls `visit` on this expression and then on every expression inside it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Expr)) {
        visit(self);
        match self {
            Self::Const(_)
            | Self::Field(_)
            | Self::Param { .. }
            | Self::Local { .. }
            | Self::Lookahead { .. } => {}
            Self::Slice { arg, .. }
            | Self::Unary { arg, .. }
            | Self::Resize { arg, .. }
            | Self::MathUnit { arg, .. } => arg.walk(visit),
            Self::Binary { lhs, rhs, .. } => {
                lhs.walk(visit);
                rhs.walk(visit);
            }
            Self::Mux {
                cond,
                then,
                otherwise,
            } => {
                cond.walk(visit);
                then.walk(visit);
                otherwise.walk(visit);
            }
            Self::Lane(lane) => {
                let args = lane.args();
                args.into_iter().for_each(|arg| arg.walk(visit));
            }
        }
    }
}

/// Where a value can be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A whole field.
    Field(FieldId),
    /// Bits `hi` down to `lo` of a field, both included; the others keep their value.
    FieldSlice {
        /// The field.
        field: FieldId,
        /// Highest bit.
        hi: u32,
        /// Lowest bit.
        lo: u32,
    },
    /// A variable of the action or register action.
    Local(LocalId),
    /// Bits `hi` down to `lo` of such a variable.
    LocalSlice {
        /// The variable.
        local: LocalId,
        /// Highest bit.
        hi: u32,
        /// Lowest bit.
        lo: u32,
    },
}

impl Place {
    /// The field that is written, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<FieldId> {
        match self {
            Self::Field(field) | Self::FieldSlice { field, .. } => Some(*field),
            Self::Local(_) | Self::LocalSlice { .. } => None,
        }
    }

    /// The variable that is written, if it is one.
    #[must_use]
    pub fn local(&self) -> Option<LocalId> {
        match self {
            Self::Local(local) | Self::LocalSlice { local, .. } => Some(*local),
            Self::Field(_) | Self::FieldSlice { .. } => None,
        }
    }
}
