//! Implicit and explicit conversions between types, and reading values as scalars.
//!
//! Implicit: a number without a width takes the width that is needed; a member of an enumeration
//! with an underlying type becomes a number; a list becomes a tuple, struct or header field by
//! field. Everything else takes a cast (clause 8.11 of the language specification).

use std::rc::Rc;

use num_bigint::BigInt;
use p4rmt_ir::{BinaryOp, Bits, Expr};
use p4rmt_source::Span;
use p4rmt_syntax::ast;

use crate::error::ErrorKind;
use crate::fold;
use crate::lower::Lower;
use crate::storage::Storage;
use crate::types::{RecordKind, Type};
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// The value as one of this type.
    pub(crate) fn coerce(&mut self, value: Value, ty: &Type, span: Span) -> Value {
        if value.is_poison() || ty.is_poison() {
            return Value::poison();
        }
        match (&value.data, ty) {
            (_, Type::Var(_)) => return value,
            (Data::Int(number), Type::Bits { width, is_signed }) => {
                let bits = self.fit(number, *width, *is_signed, span);
                return Value::constant(ty.clone(), bits);
            }
            (Data::Int(number), Type::Newtype(newtype)) => {
                if let Type::Bits { width, is_signed } = *newtype.inner.without_newtypes() {
                    let bits = self.fit(number, width, is_signed, span);
                    return Value::constant(ty.clone(), bits);
                }
            }
            (Data::Default, _) => {
                return match self.default_value(ty) {
                    Some(value) => value,
                    None => {
                        self.mismatch_text(span, "a type with a default value", ty);
                        Value::poison()
                    }
                };
            }
            (Data::Invalid, Type::Record(record)) if record.kind != RecordKind::Struct => {
                return self.default_value(ty).unwrap_or_else(Value::poison);
            }
            (Data::Fields(fields), Type::List(element)) if value.ty != *ty => {
                let fields = fields
                    .clone()
                    .into_iter()
                    .map(|field| self.coerce(field, element, span))
                    .collect();
                return self.assemble(ty, fields);
            }
            (Data::Fields(fields), _) if value.ty != *ty => {
                if let Some(types) = self.element_types(ty)
                    && types.len() == fields.len()
                    && (matches!(value.ty, Type::Tuple(_)) || self.same_names(&value.ty, ty))
                {
                    let fields = fields
                        .clone()
                        .into_iter()
                        .zip(&types)
                        .map(|(field, ty)| self.coerce(field, ty, span))
                        .collect();
                    return self.assemble(ty, fields);
                }
            }
            _ => {}
        }
        if value.ty == *ty || value.ty == Type::Var("_".into()) {
            return value;
        }
        // A constant can do without its width.
        if matches!(ty, Type::Int)
            && matches!(value.ty.as_number(), Type::Bits { .. })
            && let Some(number) = value.as_number()
        {
            return Value::int(number);
        }
        // A member of an enumeration with an underlying type is a number.
        if let Type::Enum(enumeration) = &value.ty
            && enumeration.underlying.as_ref() == Some(ty)
        {
            return Value {
                ty: ty.clone(),
                data: value.data,
            };
        }
        // A stored tuple is field by field what is needed.
        if let (Type::Tuple(types), Data::Place(storage)) = (&value.ty, &value.data)
            && let Some(wanted) = self.element_types(ty)
            && wanted.len() == types.len()
        {
            let fields: Option<Vec<Value>> = types
                .iter()
                .enumerate()
                .map(|(position, ty)| Some(Value::place(ty.clone(), storage.part(position)?)))
                .collect();
            if let Some(fields) = fields {
                let fields = fields
                    .into_iter()
                    .zip(&wanted)
                    .map(|(field, ty)| self.coerce(field, ty, span))
                    .collect();
                return self.assemble(ty, fields);
            }
        }
        self.mismatch(span, ty, &value.ty);
        Value::poison()
    }

    /// Whether two records have the same field names in order.
    fn same_names(&self, left: &Type, right: &Type) -> bool {
        match (left, right) {
            (Type::Record(left), Type::Record(right)) => {
                left.name.is_empty()
                    && left
                        .fields
                        .iter()
                        .map(|field| &field.name)
                        .eq(right.fields.iter().map(|field| &field.name))
            }
            _ => false,
        }
    }

    /// The types of the parts of a struct, header, tuple or stack.
    pub(crate) fn element_types(&self, ty: &Type) -> Option<Vec<Type>> {
        match ty {
            Type::Record(record) => {
                Some(record.fields.iter().map(|field| field.ty.clone()).collect())
            }
            Type::Tuple(types) => Some(types.to_vec()),
            Type::Stack(element, size) => Some(vec![(**element).clone(); *size as usize]),
            Type::Newtype(newtype) => self.element_types(&newtype.inner),
            _ => None,
        }
    }

    /// A value of this type made of its parts.
    pub(crate) fn assemble(&mut self, ty: &Type, fields: Vec<Value>) -> Value {
        if fields.iter().any(Value::is_poison) {
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

    /// The number cut to a width, with a warning if that changes it.
    pub(crate) fn fit(&mut self, number: &BigInt, width: u32, is_signed: bool, span: Span) -> Bits {
        let bits = Bits::from_bigint(width, number);
        // A negative number of an unsigned type, and all ones of a signed one, are common and meant.
        let one = BigInt::from(1);
        let is_plain = *number < (&one << width) && *number >= -(one << (width - 1));
        if !is_plain {
            let ty = Type::Bits { width, is_signed };
            self.warning(
                "W3002",
                span,
                &format!("{number} does not fit `{ty}`: it is cut to its lowest bits"),
            );
        }
        bits
    }

    /// The default value of a type: zeros, and headers invalid.
    pub(crate) fn default_value(&self, ty: &Type) -> Option<Value> {
        if let Some(width) = ty.scalar_width() {
            return Some(Value::constant(ty.clone(), Bits::zero(width)));
        }
        if let Type::Varbit(width) = ty {
            return Some(Value::constant(ty.clone(), Bits::zero(*width)));
        }
        let fields = self
            .element_types(ty)?
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
        match &value.data {
            Data::Expr(expr) => Some(expr.clone()),
            Data::Place(storage) => {
                let expr = read_storage(storage);
                if expr.is_none() {
                    self.mismatch_text(span, "a scalar", &value.ty);
                }
                expr
            }
            Data::Int(_) => {
                self.error(span, &ErrorKind::NeedsWidth);
                None
            }
            Data::Poison => None,
            Data::Void
            | Data::Str
            | Data::Fields(_)
            | Data::Header { .. }
            | Data::Default
            | Data::Invalid => {
                self.mismatch_text(span, "a scalar", &value.ty);
                None
            }
        }
    }

    /// The scalar that an expression of this type evaluates to.
    pub(crate) fn scalar(&mut self, expr: &'a ast::Expr, ty: &Type) -> Option<Expr> {
        let value = self.expr_as(expr, ty);
        self.read(&value, expr.span)
    }

    /// The value that an expression of this type evaluates to.
    pub(crate) fn expr_as(&mut self, expr: &'a ast::Expr, ty: &Type) -> Value {
        let value = self.expr(expr, Some(ty));
        self.coerce(value, ty, expr.span)
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
            Data::Place(_) if self.element_types(&value.ty).is_some() => {
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
    pub(crate) fn parts(&mut self, value: &Value) -> Option<Vec<Value>> {
        if let (Type::List(_), Data::Fields(fields)) = (&value.ty, &value.data) {
            return Some(fields.clone());
        }
        let types = self.element_types(&value.ty)?;
        match &value.data {
            Data::Fields(fields) | Data::Header { fields, .. } => Some(fields.clone()),
            Data::Place(storage) => types
                .into_iter()
                .enumerate()
                .map(|(position, ty)| Some(Value::place(ty, storage.part(position)?)))
                .collect(),
            _ => None,
        }
    }

    /// Whether a header is valid, or any header of a union: one bit.
    pub(crate) fn validity(&mut self, value: &Value) -> Option<Expr> {
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

    /// `(ty) value`.
    pub(crate) fn cast(&mut self, value: Value, ty: &Type, span: Span) -> Value {
        if value.is_poison() || ty.is_poison() {
            return Value::poison();
        }
        if value.ty == *ty {
            return value;
        }
        let from = value.ty.clone();
        if matches!(ty, Type::Int) {
            // A constant with a width may be used without it.
            if let Some(number) = value.as_number() {
                return Value::int(number);
            }
        }
        let is_compound = matches!(ty, Type::List(_)) || self.element_types(ty).is_some();
        if is_compound && matches!(value.data, Data::Fields(_)) {
            return self.coerce(value, ty, span);
        }
        if matches!(value.data, Data::Default | Data::Invalid) {
            return self.coerce(value, ty, span);
        }
        let target = ty.without_newtypes().as_number().clone();
        if let Data::Int(number) = &value.data {
            return match target {
                Type::Bits { width, .. } => {
                    Value::constant(ty.clone(), Bits::from_bigint(width, number))
                }
                Type::Bool if *number == BigInt::from(0) || *number == BigInt::from(1) => {
                    Value::truth(*number == BigInt::from(1))
                }
                _ => self.no_cast(&from, ty, span),
            };
        }
        let source = from.without_newtypes().as_number().clone();
        let is_conversion = match (&source, &target) {
            (
                Type::Bits { width, is_signed },
                Type::Bits {
                    width: target_width,
                    is_signed: target_signed,
                },
            ) => width == target_width || is_signed == target_signed,
            (
                Type::Bits {
                    width: 1,
                    is_signed: false,
                },
                Type::Bool,
            )
            | (
                Type::Bool,
                Type::Bits {
                    width: 1,
                    is_signed: false,
                },
            ) => true,
            (source, target) => {
                source == target
                    && (matches!(from, Type::Newtype(_)) || matches!(ty, Type::Newtype(_)))
            }
        };
        if !is_conversion {
            return self.no_cast(&from, ty, span);
        }
        match (source.scalar_width(), target.scalar_width()) {
            (Some(from_width), Some(to_width)) if from_width != to_width => {
                let Some(expr) = self.read(&value, span) else {
                    return Value::poison();
                };
                let expr = fold::resize(expr, from_width, to_width, source.is_signed());
                Value::scalar(ty.clone(), expr)
            }
            _ => Value {
                ty: ty.clone(),
                data: value.data,
            },
        }
    }

    /// Complains about a cast that the language does not have.
    fn no_cast(&mut self, from: &Type, to: &Type, span: Span) -> Value {
        self.error(
            span,
            &ErrorKind::Cast {
                from: from.to_string(),
                to: to.to_string(),
            },
        );
        Value::poison()
    }

    /// The number that a constant expression evaluates to.
    pub(crate) fn const_number(&mut self, expr: &'a ast::Expr) -> Option<BigInt> {
        let value = self.constant(expr, None)?;
        let number = value.as_number();
        if number.is_none() && !value.is_poison() {
            if matches!(value.ty.as_number(), Type::Int | Type::Bits { .. }) {
                self.error(expr.span, &ErrorKind::NotConstant);
            } else {
                self.mismatch(expr.span, &Type::Int, &value.ty);
            }
        }
        number
    }

    /// The bits that a constant expression of a scalar type evaluates to.
    pub(crate) fn const_of_type(&mut self, expr: &'a ast::Expr, ty: &Type) -> Option<Bits> {
        let mut value = self.constant(expr, Some(ty))?;
        if let (Data::Fields(fields), Type::Tuple(_)) = (&value.data, &value.ty)
            && let [only] = fields.as_slice()
        {
            // A list of one value stands for it.
            value = only.clone();
        }
        let value = self.coerce(value, ty, expr.span);
        if value.is_poison() {
            return None;
        }
        let bits = value.as_bits().cloned();
        if bits.is_none() {
            self.error(expr.span, &ErrorKind::NotConstant);
        }
        bits
    }

    /// All scalars that a constant expression evaluates to, in order.
    pub(crate) fn const_scalars(&mut self, expr: &'a ast::Expr, ty: &Type) -> Option<Vec<Bits>> {
        if ty.scalar_width().is_some() {
            return Some(vec![self.const_of_type(expr, ty)?]);
        }
        let value = self.constant(expr, Some(ty))?;
        let value = self.coerce(value, ty, expr.span);
        if value.is_poison() {
            return None;
        }
        let scalars = self.flatten(&value, expr.span)?;
        let bits: Option<Vec<Bits>> = scalars
            .iter()
            .map(|scalar| fold::as_const(scalar).cloned())
            .collect();
        if bits.is_none() {
            self.error(expr.span, &ErrorKind::NotConstant);
        }
        bits
    }

    /// The value of an expression that must not need anything done.
    pub(crate) fn constant(&mut self, expr: &'a ast::Expr, want: Option<&Type>) -> Option<Value> {
        let mut value = Value::poison();
        let block = self.block_of(|lower| value = lower.expr(expr, want));
        if !block.is_empty() {
            self.error(expr.span, &ErrorKind::NotConstant);
            return None;
        }
        (!value.is_poison()).then_some(value)
    }

    /// `const T x = a;`
    pub(crate) fn constant_declaration(&mut self, constant: &'a ast::Const) -> Value {
        let ty = self.ty(&constant.ty);
        let Some(value) = self.constant(&constant.value, Some(&ty)) else {
            return Value::poison();
        };
        let value = self.coerce(value, &ty, constant.value.span);
        if !is_constant(&value) && !value.is_poison() {
            self.error(constant.value.span, &ErrorKind::NotConstant);
            return Value::poison();
        }
        value
    }
}

/// Whether a value is known when the program is compiled.
pub(crate) fn is_constant(value: &Value) -> bool {
    match &value.data {
        Data::Int(_) | Data::Str | Data::Expr(Expr::Const(_)) => true,
        Data::Fields(fields) => fields.iter().all(is_constant),
        Data::Header { valid, fields } => {
            fold::as_const(valid).is_some() && fields.iter().all(is_constant)
        }
        Data::Poison
        | Data::Void
        | Data::Expr(_)
        | Data::Place(_)
        | Data::Default
        | Data::Invalid => false,
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

/// An anonymous record, for `{ x = a }` where no type is expected.
pub(crate) fn anonymous(fields: Vec<crate::types::RecordField>, span: Span) -> Type {
    Type::Record(Rc::new(crate::types::Record {
        name: String::new(),
        args: Vec::new(),
        kind: RecordKind::Struct,
        fields,
        span,
    }))
}
