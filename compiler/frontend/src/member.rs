//! Members, elements and slices: parts of values, and what types and stacks have beside fields.

use num_bigint::BigInt;
use p4rmt_ir::{BinaryOp, Bits, Expr, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast;
use p4rmt_typing::{ErrorKind, MemberOf};

use crate::fold;
use crate::lower::Lower;
use crate::storage::{StackStorage, Storage};
use crate::types::Type;
use crate::value::{Data, Value};

/// Width of positions in stacks, in bits.
const INDEX_WIDTH: u32 = 32;

impl<'a> Lower<'a> {
    /// `a.x`.
    pub(crate) fn member(&mut self, expr: &'a ast::Expr, base: &'a ast::Expr) -> Value {
        let Some(member) = self.typed.member(expr) else {
            return Value::poison();
        };
        match member {
            MemberOf::Field(position) => {
                let value = self.expr(base);
                self.part(&value, position)
            }
            MemberOf::StackNext | MemberOf::StackLast | MemberOf::StackLastIndex => {
                let value = self.expr(base);
                self.stack_member(&value, member, expr.span)
                    .unwrap_or_else(Value::poison)
            }
            MemberOf::Hit | MemberOf::Miss => match self.applied_table(base) {
                Some(table) => self.apply_outcome(&table, member == MemberOf::Hit, expr.span),
                None => Value::poison(),
            },
            // Typing knows the value of these, or that they stand in a `switch`.
            MemberOf::EnumMember(..)
            | MemberOf::Error(_)
            | MemberOf::StackSize
            | MemberOf::ActionRun => Value::poison(),
        }
    }

    /// `next`, `last` and `lastIndex` of a stack.
    fn stack_member(&mut self, value: &Value, member: MemberOf, span: Span) -> Option<Value> {
        let (Type::Stack(element, _), Data::Place(Storage::Stack(stack))) =
            (&value.ty, &value.data)
        else {
            return None;
        };
        if self.is_structured {
            let stack = stack.clone();
            return Some(self.stack_at_run_time(&stack, element, member, span));
        }
        let next = self.stack_next(stack.id);
        if member == MemberOf::StackLastIndex {
            let last = u64::from(next).wrapping_sub(1);
            return Some(Value::constant(Type::bit(32), Bits::from_u64(32, last)));
        }
        let position = if member == MemberOf::StackNext {
            Some(next)
        } else {
            next.checked_sub(1)
        };
        let storage = position.and_then(|position| stack.elements.get(position as usize));
        match storage {
            Some(storage) => Some(Value::place((**element).clone(), storage.clone())),
            None => {
                // Beyond the stack: the parser stops here with an error.
                self.raise("StackOutOfBounds", span);
                let storage = stack.elements.first()?.clone();
                Some(Value::place((**element).clone(), storage))
            }
        }
    }

    /// `next`, `last` and `lastIndex` by a count of the elements that have been extracted.
    fn stack_at_run_time(
        &mut self,
        stack: &std::rc::Rc<StackStorage>,
        element: &Type,
        member: MemberOf,
        span: Span,
    ) -> Value {
        let next = self.gress.next_index(stack, span).read();
        let one = fold::constant(INDEX_WIDTH, 1);
        let last = fold::binary(BinaryOp::Sub, next.clone(), one);
        if member == MemberOf::StackLastIndex {
            return Value::scalar(Type::bit(INDEX_WIDTH), last);
        }
        let size = fold::constant(
            INDEX_WIDTH,
            u64::try_from(stack.elements.len()).unwrap_or(u64::MAX),
        );
        // The last one of none is beyond the end, too.
        let index = if member == MemberOf::StackNext {
            next
        } else {
            last
        };
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

    /// `a[i]`.
    pub(crate) fn index(&mut self, base: &'a ast::Expr, index: &'a ast::Expr, span: Span) -> Value {
        let mut value = self.expr(base);
        let mark = self.block().len();
        let position = self.expr(index);
        // A place is written or read when the index is known.
        if !matches!(value.data, Data::Place(_)) {
            self.settle(&mut value, mark, span);
        }
        if value.is_poison() || position.is_poison() {
            return Value::poison();
        }
        if let Some(number) = position.as_number() {
            let size = value.ty.elements().map_or(0, |types| types.len());
            return match usize::try_from(&number).ok().filter(|at| *at < size) {
                Some(at) => self.part(&value, at),
                None => {
                    let index_text = number.to_string();
                    let size = u32::try_from(size).unwrap_or(u32::MAX);
                    let kind = ErrorKind::IndexRange {
                        index: index_text,
                        size,
                    };
                    self.error(index.span, kind);
                    Value::poison()
                }
            };
        }
        let (Type::Stack(element, _), Some(width)) = (&value.ty, position.ty.scalar_width()) else {
            return Value::poison();
        };
        let element = (**element).clone();
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
        let value = self.expr(base);
        match (self.const_number(lo), self.const_number(width)) {
            (Some(lo), Some(width)) => {
                let hi = &lo + width - BigInt::from(1);
                self.slice_value(&value, &hi, &lo, span)
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
        let value = self.expr(base);
        match (self.const_number(hi), self.const_number(lo)) {
            (Some(hi), Some(lo)) => self.slice_value(&value, &hi, &lo, span),
            _ => Value::poison(),
        }
    }

    /// A slice of a value.
    fn slice_value(&mut self, value: &Value, hi: &BigInt, lo: &BigInt, span: Span) -> Value {
        if value.is_poison() {
            return Value::poison();
        }
        let width = value.ty.scalar_width().unwrap_or(Bits::MAX_WIDTH);
        let bounds = u32::try_from(hi).ok().zip(u32::try_from(lo).ok());
        let Some((hi, lo)) = bounds.filter(|(hi, lo)| lo <= hi && *hi < width) else {
            let (hi, lo) = (hi.to_string(), lo.to_string());
            self.error(span, ErrorKind::SliceRange { hi, lo, width });
            return Value::poison();
        };
        let ty = Type::bit(hi - lo + 1);
        match &value.data {
            Data::Int(number) => {
                let bits = Bits::from_bigint(hi + 1, number).slice(hi, lo);
                Value::constant(ty, bits)
            }
            Data::Place(storage) => Value::place(ty, slice_storage(storage, hi, lo)),
            _ => match self.read(value, span) {
                Some(expr) => Value::scalar(ty, fold::slice(expr, width, hi, lo)),
                None => Value::poison(),
            },
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
