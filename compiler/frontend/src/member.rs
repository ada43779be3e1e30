//! Members, elements and slices: parts of values, and what types and stacks have beside fields.

use num_bigint::BigInt;
use p4rmt_ir::{BinaryOp, Bits, Expr, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ExprKind};

use crate::error::ErrorKind;
use crate::fold;
use crate::lower::{Lower, Unit};
use crate::scope::Binding;
use crate::storage::{StackStorage, Storage};
use crate::types::Type;
use crate::value::{Data, Value};

/// Width of positions in stacks, in bits.
const INDEX_WIDTH: u32 = 32;

impl<'a> Lower<'a> {
    /// `a.x`.
    pub(crate) fn member(&mut self, base: &'a ast::Expr, name: &'a ast::Name, span: Span) -> Value {
        if let ExprKind::Path(path) = &base.kind
            && let Some(ty) = self.path_as_type(path)
        {
            return self.type_member(&ty, name);
        }
        if let ExprKind::Call { callee, args, .. } = &base.kind
            && let Some(table) = self.applied_table(callee)
        {
            return self.apply_outcome(&table, args, name, span);
        }
        let value = self.expr(base, None);
        self.value_member(&value, name, span)
    }

    /// A member of a value.
    pub(crate) fn value_member(&mut self, value: &Value, name: &'a ast::Name, span: Span) -> Value {
        if value.is_poison() {
            return Value::poison();
        }
        match value.ty.without_newtypes() {
            Type::Record(record) => {
                let position = record
                    .fields
                    .iter()
                    .position(|field| field.name == name.text);
                if let Some(position) = position {
                    let ty = record.fields[position].ty.clone();
                    return match &value.data {
                        Data::Place(storage) => storage
                            .part(position)
                            .map_or_else(Value::poison, |storage| Value::place(ty, storage)),
                        Data::Fields(fields) | Data::Header { fields, .. } => {
                            fields.get(position).cloned().unwrap_or_else(Value::poison)
                        }
                        _ => Value::poison(),
                    };
                }
            }
            Type::Stack(element, size) => {
                if let Some(value) = self.stack_member(value, element, *size, name, span) {
                    return value;
                }
            }
            _ => {}
        }
        self.error(
            name.span,
            &ErrorKind::UnknownMember {
                ty: value.ty.to_string(),
                member: name.text.clone(),
            },
        );
        Value::poison()
    }

    /// `next`, `last`, `lastIndex` and `size` of a stack.
    pub(crate) fn stack_member(
        &mut self,
        value: &Value,
        element: &Type,
        size: u32,
        name: &'a ast::Name,
        span: Span,
    ) -> Option<Value> {
        if name.text == "size" {
            return Some(Value::constant(
                Type::bit(32),
                Bits::from_u64(32, u64::from(size)),
            ));
        }
        let Data::Place(Storage::Stack(stack)) = &value.data else {
            return None;
        };
        if !value.ty.is_header_stack()
            || !matches!(name.text.as_str(), "next" | "last" | "lastIndex")
        {
            return None;
        }
        if self.unit != Unit::Parser {
            self.error(
                span,
                &ErrorKind::Misplaced {
                    what: "`next`, `last` or `lastIndex` of a stack",
                    place: self.unit.name(),
                },
            );
            return Some(Value::poison());
        }
        if self.is_structured {
            let stack = stack.clone();
            return Some(self.stack_at_run_time(&stack, element, name, span));
        }
        let next = self.stack_next(stack.id);
        if name.text == "lastIndex" {
            let last = u64::from(next).wrapping_sub(1);
            return Some(Value::constant(Type::bit(32), Bits::from_u64(32, last)));
        }
        let position = if name.text == "next" {
            Some(next)
        } else {
            next.checked_sub(1)
        };
        let storage = position.and_then(|position| stack.elements.get(position as usize));
        match storage {
            Some(storage) => Some(Value::place(element.clone(), storage.clone())),
            None => {
                // Beyond the stack: the parser stops here with an error.
                self.raise("StackOutOfBounds", span);
                let storage = stack.elements.first()?.clone();
                Some(Value::place(element.clone(), storage))
            }
        }
    }

    /// `next`, `last` and `lastIndex` by a count of the elements that have been extracted.
    fn stack_at_run_time(
        &mut self,
        stack: &std::rc::Rc<StackStorage>,
        element: &Type,
        name: &'a ast::Name,
        span: Span,
    ) -> Value {
        let next = self.gress.next_index(stack, span).read();
        let one = fold::constant(INDEX_WIDTH, 1);
        let last = fold::binary(BinaryOp::Sub, next.clone(), one);
        if name.text == "lastIndex" {
            return Value::scalar(Type::bit(INDEX_WIDTH), last);
        }
        let size = fold::constant(
            INDEX_WIDTH,
            u64::try_from(stack.elements.len()).unwrap_or(u64::MAX),
        );
        // The last one of none is beyond the end, too.
        let index = if name.text == "next" { next } else { last };
        let is_there = fold::binary(BinaryOp::LtU, index.clone(), size);
        self.verify_or("StackOutOfBounds", is_there, span);
        let Some(Storage::Leaf(slot)) = self.temporary("index", &Type::bit(INDEX_WIDTH), span)
        else {
            return Value::poison();
        };
        self.emit_assign(span, slot.place(), index);
        Value::place(
            element.clone(),
            Storage::Choice {
                index: slot.read(),
                options: stack.elements.clone(),
            },
        )
    }

    /// The next free element of a stack, as the parser has extracted so far.
    pub(crate) fn stack_next(&self, id: usize) -> u32 {
        self.stack_next
            .iter()
            .find(|(stack, _)| *stack == id)
            .map_or(0, |(_, next)| *next)
    }

    /// Raises a parser error without a condition.
    pub(crate) fn raise(&mut self, error: &str, span: Span) {
        self.verify_or(error, fold::truth(false), span);
    }

    /// Raises a parser error where the condition does not hold.
    fn verify_or(&mut self, error: &str, cond: Expr, span: Span) {
        let position = self
            .errors
            .iter()
            .position(|name| name == error)
            .unwrap_or_default();
        self.emit(
            span,
            StmtKind::Verify {
                cond,
                error: fold::constant(
                    crate::types::ERROR_WIDTH,
                    u64::try_from(position).unwrap_or_default(),
                ),
            },
        );
    }

    /// The type that a path names, if it names one; silent if it does not.
    pub(crate) fn path_as_type(&mut self, path: &'a ast::Path) -> Option<Type> {
        let scope = if path.is_absolute {
            self.global
        } else {
            self.scope
        };
        match self.scopes.lookup(scope, &path.name.text)? {
            Binding::Type(ty) => Some(ty.clone()),
            Binding::Declaration(declaration) => {
                let declaration = *declaration;
                match declaration.kind {
                    ast::DeclarationKind::Enum(_)
                    | ast::DeclarationKind::SerializableEnum(_)
                    | ast::DeclarationKind::Typedef(_)
                    | ast::DeclarationKind::NewType(_)
                    | ast::DeclarationKind::Struct(_)
                    | ast::DeclarationKind::Header(_)
                    | ast::DeclarationKind::HeaderUnion(_) => {
                        Some(self.declared(declaration, Vec::new(), path.span))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `E.x`, `error.x`.
    pub(crate) fn type_member(&mut self, ty: &Type, name: &'a ast::Name) -> Value {
        let found = match ty.without_newtypes() {
            Type::Poison => return Value::poison(),
            Type::Enum(enumeration) => enumeration
                .members
                .iter()
                .find(|(member, _)| *member == name.text)
                .map(|(_, bits)| bits.clone()),
            Type::Error => self
                .errors
                .iter()
                .position(|error| *error == name.text)
                .map(|position| {
                    Bits::from_u64(
                        crate::types::ERROR_WIDTH,
                        u64::try_from(position).unwrap_or_default(),
                    )
                }),
            _ => None,
        };
        match found {
            Some(bits) => Value::constant(ty.clone(), bits),
            None => {
                self.error(
                    name.span,
                    &ErrorKind::UnknownMember {
                        ty: ty.to_string(),
                        member: name.text.clone(),
                    },
                );
                Value::poison()
            }
        }
    }

    /// `a[i]`.
    pub(crate) fn index(&mut self, base: &'a ast::Expr, index: &'a ast::Expr, span: Span) -> Value {
        let value = self.expr(base, None);
        let mark = self.block().len();
        let position = self.expr(index, None);
        let mut value = value;
        // A place is written or read when the index is known.
        if !matches!(value.data, Data::Place(_)) {
            self.settle(&mut value, mark, span);
        }
        if value.is_poison() || position.is_poison() {
            return Value::poison();
        }
        let Some(types) = self
            .element_types(&value.ty)
            .filter(|_| matches!(value.ty, Type::Stack(..) | Type::Tuple(_)))
        else {
            self.mismatch_text(base.span, "a header stack or tuple", &value.ty);
            return Value::poison();
        };
        if let Some(number) = position.as_number() {
            let found = usize::try_from(&number).ok().filter(|at| *at < types.len());
            let Some(at) = found else {
                self.error(
                    index.span,
                    &ErrorKind::IndexRange {
                        index: number.to_string(),
                        size: u32::try_from(types.len()).unwrap_or(u32::MAX),
                    },
                );
                return Value::poison();
            };
            return match self.parts(&value) {
                Some(mut parts) if at < parts.len() => parts.swap_remove(at),
                _ => Value::poison(),
            };
        }
        let Type::Stack(element, _) = &value.ty else {
            self.error(index.span, &ErrorKind::NotConstant);
            return Value::poison();
        };
        let element = (**element).clone();
        let Type::Bits { width, .. } = *position.ty.as_number() else {
            self.mismatch_text(index.span, "a number", &position.ty);
            return Value::poison();
        };
        let Some(read) = self.read(&position, index.span) else {
            return Value::poison();
        };
        // The index is evaluated once, now.
        let Some(Storage::Leaf(slot)) = self.temporary("index", &Type::bit(INDEX_WIDTH), span)
        else {
            return Value::poison();
        };
        self.emit_assign(span, slot.place(), index_of(read, width));
        let storage = match &value.data {
            Data::Place(storage) => Some(storage.clone()),
            _ => self.temporary("array", &value.ty, span).inspect(|stored| {
                self.assign_storage(stored, &value, span);
            }),
        };
        match storage.and_then(|storage| storage.element(&slot.read())) {
            Some(chosen) => Value::place(element, chosen),
            None => Value::poison(),
        }
    }

    /// `a[lo+:width]`.
    pub(crate) fn plus_slice(
        &mut self,
        base: &'a ast::Expr,
        lo: &'a ast::Expr,
        width: &'a ast::Expr,
        span: Span,
    ) -> Value {
        let value = self.expr(base, None);
        match (self.const_number(lo), self.const_number(width)) {
            (Some(lo), Some(width)) => {
                let hi = &lo + width - BigInt::from(1);
                self.slice_value(value, hi, lo, span)
            }
            _ => Value::poison(),
        }
    }

    /// `a[hi:lo]`.
    pub(crate) fn slice(
        &mut self,
        base: &'a ast::Expr,
        hi: &'a ast::Expr,
        lo: &'a ast::Expr,
        span: Span,
    ) -> Value {
        let value = self.expr(base, None);
        match (self.const_number(hi), self.const_number(lo)) {
            (Some(hi), Some(lo)) => self.slice_value(value, hi, lo, span),
            _ => Value::poison(),
        }
    }

    /// A slice of a value.
    pub(crate) fn slice_value(
        &mut self,
        value: Value,
        hi: BigInt,
        lo: BigInt,
        span: Span,
    ) -> Value {
        if value.is_poison() {
            return Value::poison();
        }
        if let Data::Int(number) = &value.data {
            let bounds = u32::try_from(&hi).ok().zip(u32::try_from(&lo).ok());
            if let Some((hi, lo)) = bounds.filter(|(hi, lo)| hi >= lo && *hi < Bits::MAX_WIDTH) {
                let bits = Bits::from_bigint(hi + 1, number).slice(hi, lo);
                return Value::constant(Type::bit(hi - lo + 1), bits);
            }
        }
        let Type::Bits { width, .. } = *value.ty.without_newtypes().as_number() else {
            self.mismatch_text(span, "a number with a width", &value.ty);
            return Value::poison();
        };
        let bounds = u32::try_from(&hi)
            .ok()
            .zip(u32::try_from(&lo).ok())
            .filter(|(hi, lo)| lo <= hi && *hi < width);
        let Some((hi, lo)) = bounds else {
            self.error(
                span,
                &ErrorKind::SliceRange {
                    hi: hi.to_string(),
                    lo: lo.to_string(),
                    width,
                },
            );
            return Value::poison();
        };
        let ty = Type::bit(hi - lo + 1);
        if let Data::Place(storage) = &value.data {
            return Value::place(ty, slice_storage(storage, hi, lo));
        }
        match self.read(&value, span) {
            Some(expr) => Value::scalar(ty, fold::slice(expr, width, hi, lo)),
            None => Value::poison(),
        }
    }
}

/// An index in as many bits as positions have; one that does not fit stays beyond every array.
fn index_of(index: Expr, width: u32) -> Expr {
    if width <= INDEX_WIDTH {
        return fold::resize(index, width, INDEX_WIDTH, false);
    }
    let most = fold::constant(width, u64::from(u32::MAX));
    fold::mux(
        fold::binary(BinaryOp::LtU, index.clone(), most),
        fold::resize(index, width, INDEX_WIDTH, false),
        fold::constant(INDEX_WIDTH, u64::from(u32::MAX)),
    )
}

/// A slice of scalar storage.
fn slice_storage(storage: &Storage, hi: u32, lo: u32) -> Storage {
    match storage {
        Storage::Leaf(slot) => Storage::Leaf(slot.slice(hi, lo)),
        Storage::Choice { index, options } => Storage::Choice {
            index: index.clone(),
            options: options
                .iter()
                .map(|option| slice_storage(option, hi, lo))
                .collect(),
        },
        Storage::Varbit { .. } | Storage::Record(_) | Storage::Stack(_) => storage.clone(),
    }
}
