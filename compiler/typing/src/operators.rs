//! Operators: what they are defined on, and their values.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{BinaryOp, Expr, UnaryOp};

use crate::capability::Capability;
use crate::check::{Checker, Operand};
use crate::error::ErrorKind;
use crate::eval::{self, Form};
use crate::types::{Sort, Type, TypeKind};
use crate::value::{Known, Value};

impl<'a> Checker<'a> {
    /// An operand as arithmetic sees it: members of serializable enumerations become numbers.
    pub(crate) fn as_number(&mut self, expr: &'a Expr, operand: Operand) -> Operand {
        let TypeKind::Named {
            sort: Sort::SerializableEnum,
            decl,
            ..
        } = *self.types.kind(operand.ty)
        else {
            return operand;
        };
        let Some(underlying) = self.underlying(decl) else {
            return operand;
        };
        let value = self.coerce(expr, underlying);
        Operand {
            ty: underlying,
            value,
            ..operand
        }
    }

    /// How numbers of a type are represented.
    fn form(&self, ty: Type) -> Option<Form> {
        match self.types.kind(ty) {
            TypeKind::Int => Some(Form::Unbounded),
            TypeKind::Bits { width, is_signed } => Some(Form::Fixed(*width, *is_signed)),
            _ => None,
        }
    }

    pub(crate) fn infer_unary(&mut self, expr: &'a Expr, op: UnaryOp, arg: &'a Expr) -> Operand {
        let operand = self.infer(arg);
        if operand.ty.is_poison() {
            return operand;
        }
        let operator = match op {
            UnaryOp::Not => "!",
            UnaryOp::Complement => "~",
            UnaryOp::Negate => "-",
            UnaryOp::Plus => "+",
        };
        if op == UnaryOp::Not {
            if operand.ty == Type::BOOL {
                let value = operand.value.as_ref().and_then(Value::as_bool);
                return Operand {
                    value: value.map(|value| Value::Bool(!value)),
                    ..operand
                };
            }
            return self.bad_operand(expr, operator, operand.ty);
        }
        let operand = self.as_number(arg, operand);
        let form = self.form(operand.ty);
        let form = form.filter(|form| op != UnaryOp::Complement || *form != Form::Unbounded);
        let Some(form) = form else {
            return self.bad_operand(expr, operator, operand.ty);
        };
        let value = match operand.value.as_ref().and_then(Value::as_int) {
            Some(value) => match eval::unary(op, form, value) {
                Ok(value) => Some(Value::Int(value)),
                Err(kind) => {
                    self.error(expr.span, kind);
                    return Operand::poison();
                }
            },
            None => None,
        };
        Operand { value, ..operand }
    }

    fn bad_operand(&mut self, expr: &Expr, operator: &'static str, arg: Type) -> Operand {
        let arg = self.show(arg);
        self.error(expr.span, ErrorKind::UnaryOperand { operator, arg });
        Operand::poison()
    }

    fn bad_operands(&mut self, span: Span, op: BinaryOp, lhs: Type, rhs: Type) -> Operand {
        if !lhs.is_poison() && !rhs.is_poison() {
            let kind = ErrorKind::BinaryOperands {
                operator: op.sign(),
                lhs: self.show(lhs),
                rhs: self.show(rhs),
            };
            self.error(span, kind);
        }
        Operand::poison()
    }

    pub(crate) fn infer_binary(
        &mut self,
        expr: &'a Expr,
        op: BinaryOp,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Operand {
        let lhs = self.infer(left);
        let rhs = self.infer(right);
        self.binary_at(expr.span, op, (left, lhs), (right, rhs))
    }

    /// An operator on operands that have been looked at.
    pub(crate) fn binary_at(
        &mut self,
        span: Span,
        op: BinaryOp,
        (left, lhs): (&'a Expr, Operand),
        (right, rhs): (&'a Expr, Operand),
    ) -> Operand {
        if lhs.ty.is_poison() || rhs.ty.is_poison() {
            return match op {
                BinaryOp::Le
                | BinaryOp::Ge
                | BinaryOp::Lt
                | BinaryOp::Gt
                | BinaryOp::Ne
                | BinaryOp::Eq
                | BinaryOp::And
                | BinaryOp::Or => Operand {
                    ty: Type::BOOL,
                    ..Operand::poison()
                },
                _ => Operand::poison(),
            };
        }
        let known = lhs.known.min(rhs.known);
        match op {
            BinaryOp::And | BinaryOp::Or => {
                if lhs.ty != Type::BOOL || rhs.ty != Type::BOOL {
                    return self.bad_operands(span, op, lhs.ty, rhs.ty);
                }
                let values = (
                    lhs.value.as_ref().and_then(Value::as_bool),
                    rhs.value.as_ref().and_then(Value::as_bool),
                );
                let value = match values {
                    (Some(a), Some(b)) => Some(Value::Bool(if op == BinaryOp::And {
                        a && b
                    } else {
                        a || b
                    })),
                    _ => None,
                };
                Operand::known(Type::BOOL, value, known)
            }
            BinaryOp::Eq | BinaryOp::Ne => self.equality(span, op, (left, lhs), (right, rhs)),
            BinaryOp::Concat => self.concat(span, (left, lhs), (right, rhs)),
            BinaryOp::Shl | BinaryOp::Shr => self.shift(span, op, (left, lhs), (right, rhs)),
            BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Mod
            | BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::AddSat
            | BinaryOp::SubSat
            | BinaryOp::BitAnd
            | BinaryOp::BitXor
            | BinaryOp::BitOr
            | BinaryOp::Le
            | BinaryOp::Ge
            | BinaryOp::Lt
            | BinaryOp::Gt => self.arithmetic(span, op, (left, lhs), (right, rhs)),
        }
    }

    /// Two numbers as one type: an `int` takes the width of the other.
    pub(crate) fn common_number(
        &mut self,
        (left, lhs): (&'a Expr, Operand),
        (right, rhs): (&'a Expr, Operand),
    ) -> Option<(Type, Operand, Operand)> {
        let mut lhs = self.as_number(left, lhs);
        let mut rhs = self.as_number(right, rhs);
        self.form(lhs.ty)?;
        self.form(rhs.ty)?;
        if lhs.ty == Type::INT && rhs.ty != Type::INT {
            lhs.value = self.coerce(left, rhs.ty);
            lhs.ty = rhs.ty;
        } else if rhs.ty == Type::INT && lhs.ty != Type::INT {
            rhs.value = self.coerce(right, lhs.ty);
            rhs.ty = lhs.ty;
        }
        (lhs.ty == rhs.ty).then_some((lhs.ty, lhs, rhs))
    }

    fn arithmetic(
        &mut self,
        span: Span,
        op: BinaryOp,
        left: (&'a Expr, Operand),
        right: (&'a Expr, Operand),
    ) -> Operand {
        let types = (left.1.ty, right.1.ty);
        let known = left.1.known.min(right.1.known);
        if matches!(op, BinaryOp::Div | BinaryOp::Mod) {
            // Before a number takes the width of the other operand, and with it another sign.
            for (at, operand) in [&left, &right] {
                let value = operand.value.as_ref().and_then(Value::as_int);
                if let Some(value) = value.filter(|value| value.sign() == num_bigint::Sign::Minus) {
                    let is_left = std::ptr::eq(*at, left.0);
                    let (shown, other) = (eval::shown(value), "a value".to_owned());
                    let (lhs, rhs) = if is_left {
                        (shown, other)
                    } else {
                        (other, shown)
                    };
                    self.error(span, ErrorKind::Division { lhs, rhs });
                    return Operand::poison();
                }
            }
        }
        let Some((ty, lhs, rhs)) = self.common_number(left, right) else {
            return self.bad_operands(span, op, types.0, types.1);
        };
        let Some(form) = self.form(ty) else {
            return Operand::poison();
        };
        let is_defined = match op {
            // On numbers of any size `&`, `|` and `^` are those of their two's complement, as the
            // reference compiler has it; the specification leaves them out.
            BinaryOp::AddSat | BinaryOp::SubSat => form != Form::Unbounded,
            BinaryOp::Div | BinaryOp::Mod => !matches!(form, Form::Fixed(_, true)),
            _ => true,
        };
        if !is_defined {
            return self.bad_operands(span, op, types.0, types.1);
        }
        let is_comparison = matches!(
            op,
            BinaryOp::Le | BinaryOp::Ge | BinaryOp::Lt | BinaryOp::Gt
        );
        let values = (
            lhs.value.as_ref().and_then(Value::as_int),
            rhs.value.as_ref().and_then(Value::as_int),
        );
        if is_comparison {
            let value = match values {
                (Some(a), Some(b)) => Some(Value::Bool(eval::compare(op, a, b))),
                _ => None,
            };
            return Operand::known(Type::BOOL, value, known);
        }
        let value = match values {
            (Some(a), Some(b)) => match eval::binary(op, form, a, b) {
                Ok(value) => Some(Value::Int(value)),
                Err(kind) => {
                    self.error(span, kind);
                    return Operand {
                        ty,
                        ..Operand::poison()
                    };
                }
            },
            (_, Some(b)) if matches!(op, BinaryOp::Div | BinaryOp::Mod) && *b == 0.into() => {
                let kind = ErrorKind::Division {
                    lhs: "a value".to_owned(),
                    rhs: eval::shown(b),
                };
                self.error(span, kind);
                None
            }
            _ => None,
        };
        Operand::known(ty, value, known)
    }

    fn shift(
        &mut self,
        span: Span,
        op: BinaryOp,
        (left, lhs): (&'a Expr, Operand),
        (right, rhs): (&'a Expr, Operand),
    ) -> Operand {
        let known = lhs.known.min(rhs.known);
        let lhs = self.as_number(left, lhs);
        let rhs = self.as_number(right, rhs);
        let (Some(form), Some(distance_form)) = (self.form(lhs.ty), self.form(rhs.ty)) else {
            return self.bad_operands(span, op, lhs.ty, rhs.ty);
        };
        let distance = rhs.value.as_ref().and_then(Value::as_int);
        if let Some(distance) = distance
            && distance.sign() == num_bigint::Sign::Minus
        {
            let distance = eval::shown(distance);
            self.error(span, ErrorKind::ShiftDistance { distance });
            return Operand {
                ty: lhs.ty,
                ..Operand::poison()
            };
        }
        if matches!(distance_form, Form::Fixed(_, true)) && rhs.known == Known::No {
            return self.bad_operands(span, op, lhs.ty, rhs.ty);
        }
        if form == Form::Unbounded && rhs.known == Known::No {
            self.error(left.span, ErrorKind::NeedsWidth);
            return Operand::poison();
        }
        let value = match (lhs.value.as_ref().and_then(Value::as_int), distance) {
            (Some(a), Some(b)) => match eval::binary(op, form, a, b) {
                Ok(value) => Some(Value::Int(value)),
                Err(kind) => {
                    self.error(span, kind);
                    return Operand {
                        ty: lhs.ty,
                        ..Operand::poison()
                    };
                }
            },
            _ => None,
        };
        Operand::known(lhs.ty, value, known)
    }

    fn concat(
        &mut self,
        span: Span,
        (left, lhs): (&'a Expr, Operand),
        (right, rhs): (&'a Expr, Operand),
    ) -> Operand {
        let known = lhs.known.min(rhs.known);
        if lhs.ty == Type::STRING && rhs.ty == Type::STRING {
            let value = match (&lhs.value, &rhs.value) {
                (Some(Value::String(a)), Some(Value::String(b))) => {
                    if a.len() + b.len() > MAX_STRING {
                        self.error(span, ErrorKind::StringTooLong { most: MAX_STRING });
                        return Operand::poison();
                    }
                    Some(Value::String(format!("{a}{b}").into()))
                }
                _ => None,
            };
            return Operand::known(Type::STRING, value, known);
        }
        let lhs = self.as_number(left, lhs);
        let rhs = self.as_number(right, rhs);
        for (operand, at) in [(&lhs, left), (&rhs, right)] {
            if operand.ty == Type::INT {
                self.error(at.span, ErrorKind::NeedsWidth);
                return Operand::poison();
            }
        }
        let (Some(Form::Fixed(high, is_signed)), Some(Form::Fixed(low, _))) =
            (self.form(lhs.ty), self.form(rhs.ty))
        else {
            return self.bad_operands(span, BinaryOp::Concat, lhs.ty, rhs.ty);
        };
        let width = high + low;
        if width > crate::resolve::MAX_WIDTH {
            let kind = ErrorKind::Width {
                width: width.to_string(),
                least: 0,
                most: crate::resolve::MAX_WIDTH,
            };
            self.error(span, kind);
            return Operand::poison();
        }
        let ty = self.types.make(TypeKind::Bits { width, is_signed });
        let values = (
            lhs.value.as_ref().and_then(Value::as_int),
            rhs.value.as_ref().and_then(Value::as_int),
        );
        let value = match values {
            (Some(a), Some(b)) => {
                let joined = (a << low) + eval::wrap(b, low, false);
                Some(Value::Int(eval::wrap(&joined, width, is_signed)))
            }
            _ => None,
        };
        Operand::known(ty, value, known)
    }

    fn equality(
        &mut self,
        span: Span,
        op: BinaryOp,
        (left, lhs): (&'a Expr, Operand),
        (right, rhs): (&'a Expr, Operand),
    ) -> Operand {
        let known = lhs.known.min(rhs.known);
        let types = (lhs.ty, rhs.ty);
        let (ty, left_value, right_value) = if lhs.ty == rhs.ty {
            (lhs.ty, lhs.value, rhs.value)
        } else if self.is_integral(lhs.ty) && self.is_integral(rhs.ty) {
            match self.common_number((left, lhs), (right, rhs)) {
                Some((ty, lhs, rhs)) => (ty, lhs.value, rhs.value),
                None => return self.bad_operands(span, op, types.0, types.1),
            }
        } else if self.is_untyped(rhs.ty) {
            (lhs.ty, lhs.value, self.coerce(right, types.0))
        } else if self.is_untyped(lhs.ty) {
            let value = self.coerce(left, types.1);
            (rhs.ty, value, rhs.value)
        } else {
            return self.bad_operands(span, op, types.0, types.1);
        };
        if !self.can(Capability::Equality, ty) {
            return self.bad_operands(span, op, types.0, types.1);
        }
        let value = match (left_value, right_value) {
            (Some(a), Some(b)) => {
                equal(&a, &b).map(|same| Value::Bool(same == (op == BinaryOp::Eq)))
            }
            _ => None,
        };
        Operand::known(Type::BOOL, value, known)
    }

    /// Whether an expression of this type has the type of its place, whatever that is.
    fn is_untyped(&self, ty: Type) -> bool {
        matches!(
            self.types.kind(ty),
            TypeKind::Tuple(_) | TypeKind::Fields(_) | TypeKind::Default | TypeKind::Invalid
        )
    }

    pub(crate) fn infer_conditional(
        &mut self,
        expr: &'a Expr,
        condition: &'a Expr,
        then: &'a Expr,
        otherwise: &'a Expr,
    ) -> Operand {
        let (condition_value, condition_known) = self.check_value(condition, Type::BOOL);
        let lhs = self.infer(then);
        let rhs = self.infer(otherwise);
        if lhs.ty.is_poison() || rhs.ty.is_poison() {
            return Operand::poison();
        }
        let known = condition_known.min(lhs.known).min(rhs.known);
        let types = (lhs.ty, rhs.ty);
        let (ty, lhs_value, rhs_value) = if lhs.ty == rhs.ty {
            if lhs.ty == Type::INT && condition_known == Known::No {
                self.error(expr.span, ErrorKind::NeedsWidth);
                return Operand::poison();
            }
            (lhs.ty, lhs.value, rhs.value)
        } else if self.is_integral(lhs.ty) && self.is_integral(rhs.ty) {
            match self.common_number((then, lhs), (otherwise, rhs)) {
                Some((ty, lhs, rhs)) => (ty, lhs.value, rhs.value),
                None => {
                    self.mismatch(otherwise.span, types.0, types.1);
                    return Operand::poison();
                }
            }
        } else if self.is_untyped(rhs.ty) {
            (lhs.ty, lhs.value, self.coerce(otherwise, types.0))
        } else if self.is_untyped(lhs.ty) {
            let value = self.coerce(then, types.1);
            (rhs.ty, value, rhs.value)
        } else {
            self.mismatch(otherwise.span, types.0, types.1);
            return Operand::poison();
        };
        let condition = condition_value.as_ref().and_then(Value::as_bool);
        let value = condition.and_then(|holds| if holds { lhs_value } else { rhs_value });
        Operand::known(ty, value, known)
    }
}

/// How many bytes a string may have that is put together.
const MAX_STRING: usize = 1 << 16;

/// How many parts of values are compared before that is given up.
const MAX_COMPARED: usize = 1 << 16;

/// Whether two values are equal; `None` if that is not known.
pub(crate) fn equal(left: &Value, right: &Value) -> Option<bool> {
    let mut budget = MAX_COMPARED;
    equal_within(left, right, &mut budget)
}

fn equal_within(left: &Value, right: &Value, budget: &mut usize) -> Option<bool> {
    *budget = budget.checked_sub(1)?;
    match (left, right) {
        (Value::Composite(left), Value::Composite(right)) => {
            if left.len() != right.len() {
                return None;
            }
            let mut same = true;
            for (left, right) in left.iter().zip(right.iter()) {
                same &= equal_within(left.as_ref()?, right.as_ref()?, budget)?;
            }
            Some(same)
        }
        (Value::Composite(_), _) | (_, Value::Composite(_)) => Some(false),
        _ => Some(left == right),
    }
}
