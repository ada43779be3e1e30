//! Operators on values, whose operands typing has given one type where they need one; and logic that
//! evaluates only what it must.

use num_bigint::{BigInt, Sign};
use p4rmt_ir::{BinaryOp, Bits, Expr, StmtKind, UnaryOp};
use p4rmt_source::Span;
use p4rmt_syntax::ast;
use p4rmt_typing::ErrorKind;
use p4rmt_typing::eval::{self, Form};

use crate::convert::read_storage;
use crate::fold;
use crate::lower::Lower;
use crate::storage::Storage;
use crate::types::Type;
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// `-a`, `!a`, `~a`, `+a`.
    pub(crate) fn unary(&mut self, op: ast::UnaryOp, operand: &'a ast::Expr) -> Value {
        let value = self.expr(operand);
        if value.is_poison() || op == ast::UnaryOp::Plus {
            return value;
        }
        if let Data::Int(number) = &value.data {
            let computed = eval::unary(op, Form::Unbounded, number);
            return self.computed(computed, operand.span);
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

    /// A number of any size that only instantiation gives.
    fn computed(&mut self, computed: Result<BigInt, ErrorKind>, span: Span) -> Value {
        match computed {
            Ok(number) => Value::int(number),
            Err(kind) => {
                self.error(span, kind);
                Value::poison()
            }
        }
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
        let mut lhs = self.expr(left);
        let mark = self.block().len();
        let rhs = self.expr(right);
        self.settle(&mut lhs, mark, span);
        self.binary_values(op, &lhs, &rhs, span)
    }

    /// The same on values.
    pub(crate) fn binary_values(
        &mut self,
        op: ast::BinaryOp,
        lhs: &Value,
        rhs: &Value,
        span: Span,
    ) -> Value {
        if lhs.is_poison() || rhs.is_poison() {
            return Value::poison();
        }
        let is_shift = matches!(op, ast::BinaryOp::Shl | ast::BinaryOp::Shr);
        if let Data::Int(left) = &lhs.data
            && let Some(right) = rhs.as_number()
            && (is_shift || matches!(rhs.data, Data::Int(_)))
        {
            return self.int_binary(op, left, &right, span);
        }
        let value = match op {
            ast::BinaryOp::Eq | ast::BinaryOp::Ne => self.equality(op, lhs, rhs, span),
            ast::BinaryOp::Shl | ast::BinaryOp::Shr => self.shift(op, lhs, rhs, span),
            _ => self.arithmetic(op, lhs, rhs, span),
        };
        value.unwrap_or_else(Value::poison)
    }

    /// Operators on two numbers of one type, and `++`.
    fn arithmetic(
        &mut self,
        op: ast::BinaryOp,
        lhs: &Value,
        rhs: &Value,
        span: Span,
    ) -> Option<Value> {
        let (left, right) = (self.read(lhs, span)?, self.read(rhs, span)?);
        let is_signed = lhs.ty.is_signed();
        let by_sign = |signed, unsigned| if is_signed { signed } else { unsigned };
        let (op, is_swapped, is_comparison) = match op {
            ast::BinaryOp::Add => (BinaryOp::Add, false, false),
            ast::BinaryOp::Sub => (BinaryOp::Sub, false, false),
            ast::BinaryOp::Mul => (BinaryOp::Mul, false, false),
            ast::BinaryOp::Div => (BinaryOp::DivU, false, false),
            ast::BinaryOp::Mod => (BinaryOp::RemU, false, false),
            ast::BinaryOp::AddSat => (by_sign(BinaryOp::AddSatS, BinaryOp::AddSatU), false, false),
            ast::BinaryOp::SubSat => (by_sign(BinaryOp::SubSatS, BinaryOp::SubSatU), false, false),
            ast::BinaryOp::BitAnd => (BinaryOp::And, false, false),
            ast::BinaryOp::BitOr => (BinaryOp::Or, false, false),
            ast::BinaryOp::BitXor => (BinaryOp::Xor, false, false),
            ast::BinaryOp::Concat => (BinaryOp::Concat, false, false),
            ast::BinaryOp::Lt => (by_sign(BinaryOp::LtS, BinaryOp::LtU), false, true),
            ast::BinaryOp::Le => (by_sign(BinaryOp::LeS, BinaryOp::LeU), false, true),
            ast::BinaryOp::Gt => (by_sign(BinaryOp::LtS, BinaryOp::LtU), true, true),
            ast::BinaryOp::Ge => (by_sign(BinaryOp::LeS, BinaryOp::LeU), true, true),
            ast::BinaryOp::Shl
            | ast::BinaryOp::Shr
            | ast::BinaryOp::Eq
            | ast::BinaryOp::Ne
            | ast::BinaryOp::And
            | ast::BinaryOp::Or => return None,
        };
        if matches!(op, BinaryOp::DivU | BinaryOp::RemU)
            && fold::as_const(&right).is_some_and(Bits::is_zero)
        {
            let (lhs, rhs) = (lhs.ty.to_string(), "0".to_owned());
            self.error(span, ErrorKind::Division { lhs, rhs });
            return None;
        }
        let ty = match (is_comparison, op) {
            (true, _) => Type::Bool,
            (false, BinaryOp::Concat) => Type::Bits {
                width: lhs.ty.scalar_width()? + rhs.ty.scalar_width()?,
                is_signed,
            },
            (false, _) => lhs.ty.clone(),
        };
        let expr = if is_swapped {
            fold::binary(op, right, left)
        } else {
            fold::binary(op, left, right)
        };
        Some(Value::scalar(ty, expr))
    }

    /// `<<`, `>>`.
    fn shift(&mut self, op: ast::BinaryOp, lhs: &Value, rhs: &Value, span: Span) -> Option<Value> {
        let distance = match &rhs.data {
            Data::Int(number) if number.sign() == Sign::Minus => {
                let distance = number.to_string();
                self.error(span, ErrorKind::ShiftDistance { distance });
                return None;
            }
            // Any distance beyond the widest value shifts everything out.
            Data::Int(number) => {
                fold::constant(32, u64::from(u32::try_from(number).unwrap_or(u32::MAX)))
            }
            _ => self.read(rhs, span)?,
        };
        let value = self.read(lhs, span)?;
        let op = match op {
            ast::BinaryOp::Shl => BinaryOp::Shl,
            _ if lhs.ty.is_signed() => BinaryOp::ShrS,
            _ => BinaryOp::ShrU,
        };
        Some(Value::scalar(
            lhs.ty.clone(),
            fold::binary(op, value, distance),
        ))
    }

    /// `==`, `!=`.
    fn equality(
        &mut self,
        op: ast::BinaryOp,
        lhs: &Value,
        rhs: &Value,
        span: Span,
    ) -> Option<Value> {
        let expr = match (op, self.equal(lhs, rhs, span)?) {
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
        Some(Value::scalar(Type::Bool, expr))
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
            self.mismatch(span, "values that can be compared", &lhs.ty);
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
        let lhs = self.expr(left);
        let mut rhs = Value::poison();
        let block = self.block_of(|lower| rhs = lower.expr(right));
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
        let is_comparison = matches!(
            op,
            ast::BinaryOp::Eq
                | ast::BinaryOp::Ne
                | ast::BinaryOp::Lt
                | ast::BinaryOp::Le
                | ast::BinaryOp::Gt
                | ast::BinaryOp::Ge
        );
        if is_comparison {
            return Value::truth(eval::compare(op, lhs, rhs));
        }
        let computed = eval::binary(op, Form::Unbounded, lhs, rhs);
        self.computed(computed, span)
    }
}
