//! Operators on values: typing, constants of any size, and logic that evaluates only what it must.

use num_bigint::{BigInt, Sign};
use p4rmt_ir::{BinaryOp, Expr, StmtKind, UnaryOp};
use p4rmt_source::Span;
use p4rmt_syntax::ast;

use crate::coerce::read_storage;
use crate::error::ErrorKind;
use crate::fold;
use crate::lower::Lower;
use crate::storage::Storage;
use crate::types::Type;
use crate::value::{Data, Value};

/// The longest number without a width, in bits.
const MAX_INT_BITS: u64 = 1 << 16;

impl<'a> Lower<'a> {
    /// `-a`, `!a`, `~a`, `+a`.
    pub(crate) fn unary(&mut self, op: ast::UnaryOp, operand: &'a ast::Expr, span: Span) -> Value {
        let value = self.expr(operand, None);
        if value.is_poison() {
            return value;
        }
        let value = if op == ast::UnaryOp::Not {
            value
        } else {
            let ty = value.ty.as_number().clone();
            Value {
                ty,
                data: value.data,
            }
        };
        match (op, &value.ty, &value.data) {
            (ast::UnaryOp::Negate, _, Data::Int(number)) => return Value::int(-number),
            (ast::UnaryOp::Complement, _, Data::Int(number)) => {
                return Value::int(-number - BigInt::from(1));
            }
            (ast::UnaryOp::Plus, Type::Bits { .. } | Type::Int, _) => return value,
            (ast::UnaryOp::Negate | ast::UnaryOp::Complement, Type::Bits { .. }, _)
            | (ast::UnaryOp::Not, Type::Bool, _) => {}
            _ => {
                self.error(
                    span,
                    &ErrorKind::UnaryOperand {
                        operator: unary_text(op),
                        arg: value.ty.to_string(),
                    },
                );
                return Value::poison();
            }
        }
        let Some(expr) = self.read(&value, operand.span) else {
            return Value::poison();
        };
        let op = if op == ast::UnaryOp::Negate {
            UnaryOp::Neg
        } else {
            UnaryOp::Not
        };
        Value::scalar(value.ty, fold::unary(op, expr))
    }

    /// `a + b` and the like.
    pub(crate) fn binary(
        &mut self,
        op: ast::BinaryOp,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        span: Span,
    ) -> Value {
        if matches!(op, ast::BinaryOp::And | ast::BinaryOp::Or) {
            return self.logic(op, left, right, span);
        }
        let mut lhs = self.expr(left, None);
        let mark = self.block().len();
        let rhs = self.expr(right, None);
        self.settle(&mut lhs, mark, span);
        self.binary_values(op, lhs, rhs, span)
    }

    /// The same on values.
    pub(crate) fn binary_values(
        &mut self,
        op: ast::BinaryOp,
        lhs: Value,
        rhs: Value,
        span: Span,
    ) -> Value {
        if lhs.is_poison() || rhs.is_poison() {
            return Value::poison();
        }
        if let (Data::Int(left), Data::Int(right)) = (&lhs.data, &rhs.data) {
            let (left, right) = (left.clone(), right.clone());
            return self.int_binary(op, &left, &right, span);
        }
        match op {
            // What it says is read from the tree by who wants it.
            ast::BinaryOp::Concat if matches!((&lhs.data, &rhs.data), (Data::Str, Data::Str)) => {
                lhs
            }
            ast::BinaryOp::Eq | ast::BinaryOp::Ne => self.equality(op, lhs, rhs, span),
            ast::BinaryOp::Shl | ast::BinaryOp::Shr => self.shift(op, lhs, rhs, span),
            ast::BinaryOp::Concat => self.concat(lhs, rhs, span),
            _ => self.arithmetic(op, lhs, rhs, span),
        }
    }

    /// Complains about operands.
    fn bad_operands(&mut self, op: ast::BinaryOp, lhs: &Type, rhs: &Type, span: Span) -> Value {
        self.error(
            span,
            &ErrorKind::BinaryOperands {
                operator: op.sign(),
                lhs: lhs.to_string(),
                rhs: rhs.to_string(),
            },
        );
        Value::poison()
    }

    /// Operators on two numbers of one type.
    fn arithmetic(&mut self, op: ast::BinaryOp, lhs: Value, rhs: Value, span: Span) -> Value {
        let (left_type, right_type) = (lhs.ty.clone(), rhs.ty.clone());
        let numbers = (lhs.ty.as_number().clone(), rhs.ty.as_number().clone());
        let ty = match &numbers {
            (Type::Int, ty @ Type::Bits { .. }) | (ty @ Type::Bits { .. }, Type::Int) => ty.clone(),
            (left @ Type::Bits { .. }, right) if left == right => left.clone(),
            _ => return self.bad_operands(op, &left_type, &right_type, span),
        };
        if matches!(op, ast::BinaryOp::Div | ast::BinaryOp::Mod) {
            let is_negative = |value: &Value| matches!(&value.data, Data::Int(number) if number.sign() == Sign::Minus);
            if is_negative(&lhs) || is_negative(&rhs) {
                self.error(
                    span,
                    &ErrorKind::Division {
                        lhs: left_type.to_string(),
                        rhs: right_type.to_string(),
                    },
                );
                return Value::poison();
            }
        }
        let lhs = self.coerce(lhs, &ty, span);
        let rhs = self.coerce(rhs, &ty, span);
        let (Some(left), Some(right)) = (self.read(&lhs, span), self.read(&rhs, span)) else {
            return Value::poison();
        };
        let is_signed = ty.is_signed();
        let (op, is_swapped, is_comparison) = match op {
            ast::BinaryOp::Add => (BinaryOp::Add, false, false),
            ast::BinaryOp::Sub => (BinaryOp::Sub, false, false),
            ast::BinaryOp::Mul => (BinaryOp::Mul, false, false),
            ast::BinaryOp::Div if !is_signed => (BinaryOp::DivU, false, false),
            ast::BinaryOp::Mod if !is_signed => (BinaryOp::RemU, false, false),
            ast::BinaryOp::AddSat if is_signed => (BinaryOp::AddSatS, false, false),
            ast::BinaryOp::AddSat => (BinaryOp::AddSatU, false, false),
            ast::BinaryOp::SubSat if is_signed => (BinaryOp::SubSatS, false, false),
            ast::BinaryOp::SubSat => (BinaryOp::SubSatU, false, false),
            ast::BinaryOp::BitAnd => (BinaryOp::And, false, false),
            ast::BinaryOp::BitOr => (BinaryOp::Or, false, false),
            ast::BinaryOp::BitXor => (BinaryOp::Xor, false, false),
            ast::BinaryOp::Lt if is_signed => (BinaryOp::LtS, false, true),
            ast::BinaryOp::Lt => (BinaryOp::LtU, false, true),
            ast::BinaryOp::Le if is_signed => (BinaryOp::LeS, false, true),
            ast::BinaryOp::Le => (BinaryOp::LeU, false, true),
            ast::BinaryOp::Gt if is_signed => (BinaryOp::LtS, true, true),
            ast::BinaryOp::Gt => (BinaryOp::LtU, true, true),
            ast::BinaryOp::Ge if is_signed => (BinaryOp::LeS, true, true),
            ast::BinaryOp::Ge => (BinaryOp::LeU, true, true),
            ast::BinaryOp::Div
            | ast::BinaryOp::Mod
            | ast::BinaryOp::Shl
            | ast::BinaryOp::Shr
            | ast::BinaryOp::Eq
            | ast::BinaryOp::Ne
            | ast::BinaryOp::Concat
            | ast::BinaryOp::And
            | ast::BinaryOp::Or => return self.bad_operands(op, &left_type, &right_type, span),
        };
        if matches!(op, BinaryOp::DivU | BinaryOp::RemU)
            && fold::as_const(&right).is_some_and(p4rmt_ir::Bits::is_zero)
        {
            self.error(
                span,
                &ErrorKind::Division {
                    lhs: left_type.to_string(),
                    rhs: "0".to_owned(),
                },
            );
            return Value::poison();
        }
        let expr = if is_swapped {
            fold::binary(op, right, left)
        } else {
            fold::binary(op, left, right)
        };
        Value::scalar(if is_comparison { Type::Bool } else { ty }, expr)
    }

    /// `<<`, `>>`.
    fn shift(&mut self, op: ast::BinaryOp, lhs: Value, rhs: Value, span: Span) -> Value {
        let ty = lhs.ty.as_number().clone();
        let distance_type = rhs.ty.as_number().clone();
        if let (Data::Int(value), Some(distance)) = (&lhs.data, rhs.as_number()) {
            let value = value.clone();
            return self.int_binary(op, &value, &distance, span);
        }
        if !matches!(ty, Type::Bits { .. })
            || !matches!(
                distance_type,
                Type::Int
                    | Type::Bits {
                        is_signed: false,
                        ..
                    }
            )
        {
            if matches!(ty, Type::Int) {
                self.error(span, &ErrorKind::NeedsWidth);
                return Value::poison();
            }
            return self.bad_operands(op, &lhs.ty, &rhs.ty, span);
        }
        let distance = match &rhs.data {
            Data::Int(number) => {
                if number.sign() == Sign::Minus {
                    self.error(
                        span,
                        &ErrorKind::ShiftDistance {
                            distance: number.to_string(),
                        },
                    );
                    return Value::poison();
                }
                // Any distance beyond the widest value shifts everything out.
                fold::constant(32, u64::from(u32::try_from(number).unwrap_or(u32::MAX)))
            }
            _ => match self.read(&rhs, span) {
                Some(expr) => expr,
                None => return Value::poison(),
            },
        };
        let Some(value) = self.read(&lhs, span) else {
            return Value::poison();
        };
        let op = match op {
            ast::BinaryOp::Shl => BinaryOp::Shl,
            _ if ty.is_signed() => BinaryOp::ShrS,
            _ => BinaryOp::ShrU,
        };
        Value::scalar(ty, fold::binary(op, value, distance))
    }

    /// `++`.
    fn concat(&mut self, lhs: Value, rhs: Value, span: Span) -> Value {
        let left = lhs.ty.as_number().clone();
        let right = rhs.ty.as_number().clone();
        let (
            Type::Bits {
                width: high,
                is_signed,
            },
            Type::Bits { width: low, .. },
        ) = (&left, &right)
        else {
            return self.bad_operands(ast::BinaryOp::Concat, &lhs.ty, &rhs.ty, span);
        };
        let width = high + low;
        if width > p4rmt_ir::Bits::MAX_WIDTH {
            self.error(
                span,
                &ErrorKind::Width {
                    width: width.to_string(),
                    least: 1,
                    most: p4rmt_ir::Bits::MAX_WIDTH,
                },
            );
            return Value::poison();
        }
        match (self.read(&lhs, span), self.read(&rhs, span)) {
            (Some(left), Some(right)) => Value::scalar(
                Type::Bits {
                    width,
                    is_signed: *is_signed,
                },
                fold::binary(BinaryOp::Concat, left, right),
            ),
            _ => Value::poison(),
        }
    }

    /// `==`, `!=`.
    fn equality(&mut self, op: ast::BinaryOp, lhs: Value, rhs: Value, span: Span) -> Value {
        let Some((lhs, rhs)) = self.agree(lhs, rhs, None, span) else {
            return Value::poison();
        };
        let Some(equal) = self.equal(&lhs, &rhs, span) else {
            return Value::poison();
        };
        let expr = match (op, equal) {
            (
                ast::BinaryOp::Ne,
                Expr::Binary {
                    op: BinaryOp::Eq,
                    lhs,
                    rhs,
                },
            ) => Expr::binary(BinaryOp::Ne, *lhs, *rhs),
            (ast::BinaryOp::Ne, equal) => fold::unary(UnaryOp::Not, equal),
            (_, equal) => equal,
        };
        Value::scalar(Type::Bool, expr)
    }

    /// Whether two values of one type are equal: headers are if both are invalid, or both are valid
    /// and their fields are equal.
    fn equal(&mut self, lhs: &Value, rhs: &Value, span: Span) -> Option<Expr> {
        if lhs.ty.scalar_width().is_some() {
            let (left, right) = (self.read(lhs, span)?, self.read(rhs, span)?);
            return Some(fold::binary(BinaryOp::Eq, left, right));
        }
        if let (Type::Varbit(_), Data::Place(left), Data::Place(right)) =
            (lhs.ty.without_newtypes(), &lhs.data, &rhs.data)
        {
            let (left, left_width) = left.varbit()?;
            let (right, right_width) = right.varbit()?;
            return Some(fold::and(
                fold::binary(
                    BinaryOp::Eq,
                    read_storage(&left_width)?,
                    read_storage(&right_width)?,
                ),
                fold::binary(BinaryOp::Eq, read_storage(&left)?, read_storage(&right)?),
            ));
        }
        let (Some(left), Some(right)) = (self.parts(lhs), self.parts(rhs)) else {
            self.bad_operands(ast::BinaryOp::Eq, &lhs.ty, &rhs.ty, span);
            return None;
        };
        let mut parts = Vec::new();
        for (left, right) in left.iter().zip(&right) {
            parts.push(self.equal(left, right, span)?);
        }
        let mut all = fold::all(parts);
        if lhs.ty.as_header().is_some() {
            let left = self.validity(lhs)?;
            let right = self.validity(rhs)?;
            let neither = fold::and(
                fold::unary(UnaryOp::Not, left.clone()),
                fold::unary(UnaryOp::Not, right.clone()),
            );
            all = fold::or(neither, fold::and(fold::and(left, right), all));
        }
        Some(all)
    }

    /// `&&`, `||`: the right one is evaluated only if it matters.
    fn logic(
        &mut self,
        op: ast::BinaryOp,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        span: Span,
    ) -> Value {
        let lhs = self.expr(left, None);
        let mut rhs = Value::poison();
        let block = self.block_of(|lower| rhs = lower.expr(right, None));
        if lhs.is_poison() || rhs.is_poison() {
            return Value::poison();
        }
        if lhs.ty != Type::Bool || rhs.ty != Type::Bool {
            return self.bad_operands(op, &lhs.ty, &rhs.ty, span);
        }
        let (Some(lhs), Some(rhs)) = (self.read(&lhs, left.span), self.read(&rhs, right.span))
        else {
            return Value::poison();
        };
        let is_and = op == ast::BinaryOp::And;
        if let Some(bits) = fold::as_const(&lhs)
            && bits.is_true() != is_and
        {
            return Value::truth(!is_and);
        }
        if block.is_empty() {
            let expr = if is_and {
                fold::and(lhs, rhs)
            } else {
                fold::or(lhs, rhs)
            };
            return Value::scalar(Type::Bool, expr);
        }
        let Some(Storage::Leaf(slot)) = self.temporary("logic", &Type::Bool, span) else {
            return Value::poison();
        };
        self.emit_assign(span, slot.place(), lhs);
        let cond = if is_and {
            slot.read()
        } else {
            fold::unary(UnaryOp::Not, slot.read())
        };
        let then = self.block_of(|lower| {
            lower.block().extend(block);
            lower.emit_assign(span, slot.place(), rhs);
        });
        self.emit(
            span,
            StmtKind::If {
                cond,
                then,
                otherwise: Vec::new(),
            },
        );
        Value::slot(Type::Bool, slot)
    }

    /// Operators on numbers without a width.
    fn int_binary(&mut self, op: ast::BinaryOp, lhs: &BigInt, rhs: &BigInt, span: Span) -> Value {
        let number = match op {
            ast::BinaryOp::Add => lhs + rhs,
            ast::BinaryOp::Sub => lhs - rhs,
            ast::BinaryOp::Mul => lhs * rhs,
            ast::BinaryOp::Div | ast::BinaryOp::Mod => {
                if lhs.sign() == Sign::Minus || rhs.sign() != Sign::Plus {
                    self.error(
                        span,
                        &ErrorKind::Division {
                            lhs: lhs.to_string(),
                            rhs: rhs.to_string(),
                        },
                    );
                    return Value::poison();
                }
                if op == ast::BinaryOp::Div {
                    lhs / rhs
                } else {
                    lhs % rhs
                }
            }
            ast::BinaryOp::Shl | ast::BinaryOp::Shr => {
                let distance = u64::try_from(rhs).ok().filter(|at| *at <= MAX_INT_BITS);
                let Some(distance) = distance else {
                    self.error(
                        span,
                        &ErrorKind::ShiftDistance {
                            distance: rhs.to_string(),
                        },
                    );
                    return Value::poison();
                };
                if op == ast::BinaryOp::Shl {
                    lhs << distance
                } else {
                    lhs >> distance
                }
            }
            ast::BinaryOp::BitAnd => lhs & rhs,
            ast::BinaryOp::BitOr => lhs | rhs,
            ast::BinaryOp::BitXor => lhs ^ rhs,
            ast::BinaryOp::Eq => return Value::truth(lhs == rhs),
            ast::BinaryOp::Ne => return Value::truth(lhs != rhs),
            ast::BinaryOp::Lt => return Value::truth(lhs < rhs),
            ast::BinaryOp::Le => return Value::truth(lhs <= rhs),
            ast::BinaryOp::Gt => return Value::truth(lhs > rhs),
            ast::BinaryOp::Ge => return Value::truth(lhs >= rhs),
            ast::BinaryOp::AddSat
            | ast::BinaryOp::SubSat
            | ast::BinaryOp::Concat
            | ast::BinaryOp::And
            | ast::BinaryOp::Or => {
                return self.bad_operands(op, &Type::Int, &Type::Int, span);
            }
        };
        if number.bits() > MAX_INT_BITS {
            self.error(
                span,
                &ErrorKind::Width {
                    width: number.bits().to_string(),
                    least: 1,
                    most: p4rmt_ir::Bits::MAX_WIDTH,
                },
            );
            return Value::poison();
        }
        Value::int(number)
    }
}

/// An operator as written.
fn unary_text(op: ast::UnaryOp) -> &'static str {
    match op {
        ast::UnaryOp::Not => "!",
        ast::UnaryOp::Complement => "~",
        ast::UnaryOp::Negate => "-",
        ast::UnaryOp::Plus => "+",
    }
}
