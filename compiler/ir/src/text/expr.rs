//! Expressions and places as text. Every operator stands in parentheses.

use std::fmt;

use crate::{BinaryOp, Expr, LaneExpr, LanePart, Place, UnaryOp};

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Const(bits) => write!(f, "{bits}"),
            Self::Field(field) => write!(f, "{field}"),
            Self::Param { index, .. } => write!(f, "p{index}"),
            Self::Local { local, .. } => write!(f, "{local}"),
            Self::Slice { arg, hi, lo } => write!(f, "{arg}[{hi}:{lo}]"),
            Self::Unary { op, arg } => write!(f, "{op}{arg}"),
            Self::Binary { op, lhs, rhs } => write!(f, "({lhs} {op} {rhs})"),
            Self::Resize {
                arg,
                width,
                is_signed,
            } => {
                let sign = if *is_signed { "int" } else { "bit" };
                write!(f, "({arg} as {sign}<{width}>)")
            }
            Self::Mux {
                cond,
                then,
                otherwise,
            } => write!(f, "({cond} ? {then} : {otherwise})"),
            Self::Lookahead { offset, width } => {
                write!(f, "lookahead<{width}>({offset})")
            }
            Self::MathUnit { unit, arg, width } => write!(f, "{unit}<{width}>({arg})"),
            Self::Lane(lane) => {
                let LaneExpr {
                    op,
                    word,
                    mask,
                    change,
                } = &**lane;
                let part = match op.part {
                    LanePart::Number => "",
                    LanePart::Index => ".index",
                    LanePart::Word => ".word",
                };
                write!(f, "{}{part}({word}, {mask}, {change})", op.name())
            }
        }
    }
}

impl fmt::Display for UnaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Not => "~",
            Self::Neg => "-",
        })
    }
}

/// As in P4; an `s` marks what is signed.
impl fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::DivU => "/",
            Self::RemU => "%",
            Self::AddSatU => "|+|",
            Self::SubSatU => "|-|",
            Self::AddSatS => "|+|s",
            Self::SubSatS => "|-|s",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
            Self::Shl => "<<",
            Self::ShrU => ">>",
            Self::ShrS => ">>s",
            Self::Concat => "++",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::LtU => "<",
            Self::LeU => "<=",
            Self::LtS => "<s",
            Self::LeS => "<=s",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "{field}"),
            Self::FieldSlice { field, hi, lo } => write!(f, "{field}[{hi}:{lo}]"),
            Self::Local(local) => write!(f, "{local}"),
            Self::LocalSlice { local, hi, lo } => write!(f, "{local}[{hi}:{lo}]"),
        }
    }
}
