//! Conversions of values, and reading them: as scalars, part by part, as constants.
//!
//! Which conversion stands where is typing's to say ([`Typed::conversion`](p4rmt_typing::Typed)); what
//! becomes of a value is said here.

use num_bigint::BigInt;
use p4rmt_ir::{BinaryOp, Bits, Expr};
use p4rmt_source::Span;
use p4rmt_syntax::ast;
use p4rmt_typing::{self as typing, DeclId};

use crate::fold;
use crate::lower::Lower;
use crate::storage::Storage;
use crate::types::{ERROR_WIDTH, Type};
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// A value after an implicit conversion: a number gets the width of its place, a member of an
    /// enumeration becomes a number.
    pub(crate) fn converted(&mut self, value: Value, ty: &Type, span: Span) -> Value {
        if value.is_poison() || ty.is_poison() {
            return Value::poison();
        }
        if value.ty == *ty {
            return value;
        }
        if let (Data::Int(number), Some(width)) = (&value.data, ty.scalar_width()) {
            return Value::constant(ty.clone(), Bits::from_bigint(width, number));
        }
        if matches!(ty, Type::Int) {
            return match value.as_number() {
                Some(number) => Value::int(number),
                None => {
                    self.not_constant(span);
                    Value::poison()
                }
            };
        }
        Value {
            ty: ty.clone(),
            data: value.data,
        }
    }

    /// A value that typing has computed, as one of this type; nothing if some part of it is not known.
    pub(crate) fn known(&self, value: &typing::Value, ty: &Type) -> Option<Value> {
        let scalar = |bits| Some(Value::constant(ty.clone(), bits));
        match (value, ty.without_newtypes()) {
            (typing::Value::Int(number), Type::Int) => Some(Value::int(number.clone())),
            (typing::Value::String(text), _) => Some(Value {
                ty: Type::String,
                data: Data::Str(text.clone()),
            }),
            (typing::Value::Bool(truth), Type::Bool) => scalar(Bits::from_bool(*truth)),
            (typing::Value::Int(number) | typing::Value::SerializableEnum(number), known) => {
                match known {
                    Type::Varbit(_) => self.default_value(ty),
                    known => scalar(Bits::from_bigint(known.scalar_width()?, number)),
                }
            }
            (typing::Value::Enum(position), Type::Enum(enumeration)) => {
                scalar(enumeration.members.get(*position)?.1.clone())
            }
            (typing::Value::Error(id), Type::Error) => scalar(self.error_number(*id)),
            (typing::Value::Composite(parts), known) => {
                let types = match known {
                    Type::List(element) => vec![(**element).clone(); parts.len()],
                    known => known.elements()?,
                };
                if types.len() != parts.len() {
                    return None;
                }
                let parts = parts.iter().zip(&types);
                let parts: Option<Vec<Value>> = parts
                    .map(|(part, ty)| self.known(part.as_ref()?, ty))
                    .collect();
                Some(assembled(ty, parts?))
            }
            (typing::Value::Invalid, _) => self.default_value(ty),
            (
                typing::Value::Bool(_)
                | typing::Value::Enum(_)
                | typing::Value::Error(_)
                | typing::Value::MatchKind(_),
                _,
            ) => None,
        }
    }

    /// A member of `error` as a number.
    fn error_number(&self, id: DeclId) -> Bits {
        let name = self.typed.decl(id).name;
        let position = self.errors.iter().position(|error| error == name);
        let position = u64::try_from(position.unwrap_or_default()).unwrap_or_default();
        Bits::from_u64(ERROR_WIDTH, position)
    }

    /// The value of a constant.
    pub(crate) fn constant_value(&mut self, id: DeclId, constant: &'a ast::Const) -> Value {
        let decl = self.typed.decl(id);
        let ty = self.concrete(decl.ty, constant.ty.span);
        let known = decl.value.as_ref();
        match known.and_then(|value| self.known(value, &ty)) {
            Some(value) => value,
            None => self.expr(&constant.value),
        }
    }

    /// The default value of a type: zeros, and headers invalid.
    pub(crate) fn default_value(&self, ty: &Type) -> Option<Value> {
        if let Some(width) = ty.scalar_width() {
            return Some(Value::constant(ty.clone(), Bits::zero(width)));
        }
        if let Type::Varbit(width) = ty {
            return Some(Value::constant(ty.clone(), Bits::zero(*width)));
        }
        let fields = ty
            .elements()?
            .iter()
            .map(|ty| self.default_value(ty))
            .collect::<Option<Vec<_>>>()?;
        let data = if ty.as_header().is_some() {
            Data::Header {
                valid: fold::truth(false),
                fields,
            }
        } else {
            Data::Fields(fields)
        };
        Some(Value {
            ty: ty.clone(),
            data,
        })
    }

    /// What a scalar value reads as.
    pub(crate) fn read(&mut self, value: &Value, span: Span) -> Option<Expr> {
        let read = match &value.data {
            Data::Expr(expr) => Some(expr.clone()),
            Data::Place(storage) => read_storage(storage),
            Data::Int(_) => {
                self.error(span, typing::ErrorKind::NeedsWidth);
                return None;
            }
            Data::Poison => return None,
            Data::Void | Data::Str(_) | Data::Fields(_) | Data::Header { .. } => None,
        };
        if read.is_none() {
            self.mismatch(span, "a scalar", &value.ty);
        }
        read
    }

    /// The scalar that an expression evaluates to.
    pub(crate) fn scalar(&mut self, expr: &'a ast::Expr) -> Option<Expr> {
        let value = self.expr(expr);
        self.read(&value, expr.span)
    }

    /// All scalars of a value in order, those of headers without their validity.
    pub(crate) fn flatten(&mut self, value: &Value, span: Span) -> Option<Vec<Expr>> {
        let mut exprs = Vec::new();
        self.flatten_into(value, span, &mut exprs)?;
        Some(exprs)
    }

    fn flatten_into(&mut self, value: &Value, span: Span, exprs: &mut Vec<Expr>) -> Option<()> {
        match &value.data {
            Data::Fields(fields) | Data::Header { fields, .. } => {
                for field in fields {
                    self.flatten_into(field, span, exprs)?;
                }
            }
            Data::Place(_) if value.ty.elements().is_some() => {
                for part in self.parts(value)? {
                    self.flatten_into(&part, span, exprs)?;
                }
            }
            _ if matches!(value.ty.without_newtypes(), Type::Varbit(_)) => {
                self.unsupported(
                    span,
                    "a `varbit` in a list of data",
                    "leave it out of the list",
                );
                return None;
            }
            _ => exprs.push(self.read(value, span)?),
        }
        Some(())
    }

    /// The parts of a struct, header, tuple or stack, as values.
    pub(crate) fn parts(&self, value: &Value) -> Option<Vec<Value>> {
        match &value.data {
            Data::Fields(fields) | Data::Header { fields, .. } => Some(fields.clone()),
            Data::Place(storage) => {
                let types = value.ty.elements()?.into_iter().enumerate();
                types
                    .map(|(position, ty)| Some(Value::place(ty, storage.part(position)?)))
                    .collect()
            }
            _ => None,
        }
    }

    /// One of them.
    pub(crate) fn part(&self, value: &Value, position: usize) -> Value {
        let part = match &value.data {
            Data::Fields(fields) | Data::Header { fields, .. } => fields.get(position).cloned(),
            Data::Place(storage) => value.ty.elements().and_then(|mut types| {
                let storage = storage.part(position)?;
                (position < types.len()).then(|| Value::place(types.swap_remove(position), storage))
            }),
            _ => None,
        };
        part.unwrap_or_else(Value::poison)
    }

    /// Whether a header is valid, or any header of a union: one bit.
    pub(crate) fn validity(&self, value: &Value) -> Option<Expr> {
        if value.ty.is_union() {
            let mut is_any = fold::truth(false);
            for part in self.parts(value)? {
                is_any = fold::or(is_any, self.validity(&part)?);
            }
            return Some(is_any);
        }
        match &value.data {
            Data::Header { valid, .. } => Some(valid.clone()),
            Data::Place(storage) => read_storage(&storage.validity()?),
            _ => None,
        }
    }

    /// `(ty) value`, where the language has this cast.
    pub(crate) fn cast(&mut self, value: Value, ty: &Type, span: Span) -> Value {
        let from = value.ty.without_newtypes();
        let widths = (from.scalar_width(), ty.scalar_width());
        let (Some(from_width), Some(width)) = widths else {
            if let (Data::Int(number), Type::Bool) = (&value.data, ty) {
                return Value::truth(*number != BigInt::from(0));
            }
            return self.converted(value, ty, span);
        };
        if from_width == width {
            return self.converted(value, ty, span);
        }
        let is_signed = from.is_signed();
        match self.read(&value, span) {
            Some(expr) => {
                Value::scalar(ty.clone(), fold::resize(expr, from_width, width, is_signed))
            }
            None => Value::poison(),
        }
    }

    /// The bits that a constant expression of a scalar type evaluates to.
    pub(crate) fn const_bits(&mut self, expr: &'a ast::Expr) -> Option<Bits> {
        let mut scalars = self.const_scalars(expr)?;
        let bits = scalars.pop().filter(|_| scalars.is_empty());
        if bits.is_none() {
            self.not_constant(expr.span);
        }
        bits
    }

    /// All scalars that a constant expression evaluates to, in order.
    pub(crate) fn const_scalars(&mut self, expr: &'a ast::Expr) -> Option<Vec<Bits>> {
        let value = self.constant(expr)?;
        let scalars = self.flatten(&value, expr.span)?;
        let bits = scalars.iter().map(|scalar| fold::as_const(scalar).cloned());
        let bits: Option<Vec<Bits>> = bits.collect();
        if bits.is_none() {
            self.not_constant(expr.span);
        }
        bits
    }

    /// The number that a constant expression evaluates to.
    pub(crate) fn const_number(&mut self, expr: &'a ast::Expr) -> Option<BigInt> {
        let value = self.constant(expr)?;
        let number = value.as_number();
        if number.is_none() {
            self.not_constant(expr.span);
        }
        number
    }

    /// The value of an expression that must be known once everything is instantiated.
    pub(crate) fn constant(&mut self, expr: &'a ast::Expr) -> Option<Value> {
        let mut value = Value::poison();
        let block = self.block_of(|lower| value = lower.expr(expr));
        if value.is_poison() {
            return None;
        }
        if !block.is_empty() || !is_constant(&value) {
            self.not_constant(expr.span);
            return None;
        }
        Some(value)
    }

    /// A constant number within bounds.
    pub(crate) fn size(&mut self, expr: &'a ast::Expr, least: u64, most: u64) -> Option<u64> {
        let value = self.const_number(expr)?;
        self.bounded(&value, expr.span, least, most)
    }

    /// A number within bounds; complains if it is not.
    pub(crate) fn bounded(
        &mut self,
        value: &BigInt,
        span: Span,
        least: u64,
        most: u64,
    ) -> Option<u64> {
        let size = u64::try_from(value)
            .ok()
            .filter(|size| (least..=most).contains(size));
        if size.is_none() {
            let size = value.to_string();
            self.error(span, typing::ErrorKind::Size { size, least, most });
        }
        size
    }
}

/// A value of this type made of its parts.
pub(crate) fn assembled(ty: &Type, fields: Vec<Value>) -> Value {
    if ty.is_poison() || fields.iter().any(Value::is_poison) {
        return Value::poison();
    }
    let data = if ty.as_header().is_some() {
        Data::Header {
            valid: fold::truth(true),
            fields,
        }
    } else {
        Data::Fields(fields)
    };
    Value {
        ty: ty.clone(),
        data,
    }
}

/// Whether a value is known when the program is compiled.
pub(crate) fn is_constant(value: &Value) -> bool {
    match &value.data {
        Data::Int(_) | Data::Str(_) | Data::Expr(Expr::Const(_)) => true,
        Data::Fields(fields) => fields.iter().all(is_constant),
        Data::Header { valid, fields } => {
            fold::as_const(valid).is_some() && fields.iter().all(is_constant)
        }
        Data::Poison | Data::Void | Data::Expr(_) | Data::Place(_) => false,
    }
}

/// What scalar storage reads as.
pub(crate) fn read_storage(storage: &Storage) -> Option<Expr> {
    match storage {
        Storage::Leaf(slot) => Some(slot.read()),
        Storage::Choice { index, options } => {
            // An index beyond the elements reads as the last one: the language leaves it open.
            let (last, others) = options.split_last()?;
            let mut value = read_storage(last)?;
            for (position, option) in others.iter().enumerate().rev() {
                let cond = is_index(index, position);
                value = fold::mux(cond, read_storage(option)?, value);
            }
            Some(value)
        }
        Storage::Varbit { .. } | Storage::Record(_) | Storage::Stack(_) => None,
    }
}

/// Whether a run-time index of 32 bits is this position.
pub(crate) fn is_index(index: &Expr, position: usize) -> Expr {
    fold::binary(
        BinaryOp::Eq,
        index.clone(),
        fold::constant(32, u64::try_from(position).unwrap_or(u64::MAX)),
    )
}
