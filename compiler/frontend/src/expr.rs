//! Expressions: names, lists, casts, conditions, and what they evaluate to.
//!
//! What an expression does besides yielding a value (calls) is added to the current block. An
//! operand that was evaluated before such a call is saved first if the call could change it.

use p4rmt_ir::{Expr, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ExprKind};

use crate::convert::assembled;
use crate::fold;
use crate::lower::Lower;
use crate::rewrite;
use crate::scope::Binding;
use crate::storage::{Base, Storage};
use crate::types::{RecordField, Type};
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// The value of an expression as its place sees it: after the implicit conversion, if there is one.
    pub(crate) fn expr(&mut self, expr: &'a ast::Expr) -> Value {
        let value = self.deeper(expr.span, |lower| lower.placed(expr));
        let value = value.unwrap_or_else(Value::poison);
        if value.is_poison() {
            self.lost(expr.span);
        }
        value
    }

    fn placed(&mut self, expr: &'a ast::Expr) -> Value {
        let typed = self.typed;
        let to = typed.conversion(expr);
        let to = to.map(|ty| self.concrete(ty, expr.span));
        if let Some(value) = typed.value_of(expr)
            && let Some(ty) = to.clone().or_else(|| self.own_type(expr))
            && let Some(known) = self.known(value, &ty)
        {
            return known;
        }
        match &expr.kind {
            ExprKind::Dots | ExprKind::Invalid => to
                .and_then(|ty| self.default_value(&ty))
                .unwrap_or_else(Value::poison),
            ExprKind::List(elements) => self.list(elements, to, expr.span),
            ExprKind::Struct { fields, .. } => self.struct_value(expr, fields, to),
            _ => {
                let value = self.own(expr);
                match to {
                    Some(ty) => self.converted(value, &ty, expr.span),
                    None => value,
                }
            }
        }
    }

    /// The type of an expression before it is converted.
    fn own_type(&mut self, expr: &'a ast::Expr) -> Option<Type> {
        let ty = self.typed.expr(expr)?.ty;
        Some(self.concrete(ty, expr.span))
    }

    /// The value of an expression before it is converted, or the place that it names.
    fn own(&mut self, expr: &'a ast::Expr) -> Value {
        match &expr.kind {
            ExprKind::Path(path) => match self.lookup(path) {
                Binding::Value(value) => value,
                Binding::Place { ty, storage } => Value::place(ty, storage),
                Binding::Poison | Binding::Type(_) | Binding::Object(_) => Value::poison(),
            },
            ExprKind::This => {
                self.unsupported(
                    expr.span,
                    "`this`",
                    "pass what the method needs as an argument",
                );
                Value::poison()
            }
            ExprKind::Unary { op, operand } => self.unary(*op, operand),
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, expr.span),
            ExprKind::Conditional {
                condition,
                then,
                otherwise,
            } => self.conditional(condition, then, otherwise, expr.span),
            ExprKind::Cast { operand, .. } => {
                let value = self.expr(operand);
                match self.own_type(expr) {
                    Some(ty) => self.cast(value, &ty, expr.span),
                    None => Value::poison(),
                }
            }
            ExprKind::Member { base, .. } => self.member(expr, base),
            ExprKind::Index { base, index } => self.index(base, index, expr.span),
            ExprKind::Slice { base, hi, lo } => self.slice(base, hi, lo, expr.span),
            ExprKind::PlusSlice { base, lo, width } => self.plus_slice(base, lo, width, expr.span),
            ExprKind::Call { .. } => self.call(expr, None),
            // These have a value that typing knows, or the type of their place.
            ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::String(_)
            | ExprKind::TypeMember { .. }
            | ExprKind::Dots
            | ExprKind::Invalid
            | ExprKind::List(_)
            | ExprKind::Struct { .. } => Value::poison(),
        }
    }

    /// A place that an expression names, with its type.
    pub(crate) fn place(&mut self, expr: &'a ast::Expr) -> Option<(Type, Storage)> {
        let value = self.deeper(expr.span, |lower| lower.own(expr))?;
        match value.data {
            Data::Place(storage) => Some((value.ty, storage)),
            Data::Poison => {
                self.lost(expr.span);
                None
            }
            _ => {
                // The variable of a loop that is written out.
                self.error(expr.span, p4rmt_typing::ErrorKind::NotAssignable);
                None
            }
        }
    }

    /// `{ a, b }`, of the type that it is converted to, or a tuple.
    fn list(&mut self, elements: &'a [ast::Expr], to: Option<Type>, span: Span) -> Value {
        let mut fields: Vec<Value> = Vec::new();
        let mut has_dots = false;
        for element in elements {
            if matches!(element.kind, ExprKind::Dots) {
                has_dots = true;
                break;
            }
            let mark = self.block().len();
            let value = self.expr(element);
            for earlier in &mut fields {
                self.settle(earlier, mark, span);
            }
            fields.push(value);
        }
        let Some(ty) = to else {
            let types = fields.iter().map(|field| field.ty.clone()).collect();
            return assembled(&Type::Tuple(types), fields);
        };
        if has_dots {
            let types = ty.elements().unwrap_or_default();
            for ty in types.iter().skip(fields.len()) {
                fields.push(self.default_value(ty).unwrap_or_else(Value::poison));
            }
        }
        assembled(&ty, fields)
    }

    /// `{ x = a, y = b }`; what is left out has its default value.
    fn struct_value(
        &mut self,
        expr: &'a ast::Expr,
        fields: &'a [ast::NamedExpr],
        to: Option<Type>,
    ) -> Value {
        let mut given: Vec<(&str, Value)> = Vec::new();
        for field in fields {
            let mark = self.block().len();
            let value = self.expr(&field.value);
            for (_, earlier) in &mut given {
                self.settle(earlier, mark, expr.span);
            }
            given.push((&field.name.text, value));
        }
        let ty = to.or_else(|| self.own_type(expr));
        let Some(Type::Record(record)) = &ty else {
            return Value::poison();
        };
        let value_of = |field: &RecordField| {
            let found = given.iter().find(|(name, _)| *name == field.name);
            let found = found.map(|(_, value)| value.clone());
            found
                .or_else(|| self.default_value(&field.ty))
                .unwrap_or_else(Value::poison)
        };
        let values = record.fields.iter().map(value_of).collect();
        assembled(&Type::Record(record.clone()), values)
    }

    /// `c ? a : b`.
    fn conditional(
        &mut self,
        condition: &'a ast::Expr,
        then: &'a ast::Expr,
        otherwise: &'a ast::Expr,
        span: Span,
    ) -> Value {
        let Some(cond) = self.scalar(condition) else {
            return Value::poison();
        };
        if let Some(bits) = fold::as_const(&cond) {
            return self.expr(if bits.is_true() { then } else { otherwise });
        }
        let mut left = Value::poison();
        let mut right = Value::poison();
        let then_block = self.block_of(|lower| left = lower.expr(then));
        let otherwise_block = self.block_of(|lower| right = lower.expr(otherwise));
        if left.is_poison() || right.is_poison() {
            return Value::poison();
        }
        let ty = left.ty.clone();
        if then_block.is_empty() && otherwise_block.is_empty() && ty.scalar_width().is_some() {
            return match (
                self.read(&left, then.span),
                self.read(&right, otherwise.span),
            ) {
                (Some(left), Some(right)) => Value::scalar(ty, fold::mux(cond, left, right)),
                _ => Value::poison(),
            };
        }
        let Some(storage) = self.temporary("cond", &ty, span) else {
            self.mismatch(span, "a type with values", &ty);
            return Value::poison();
        };
        let target = storage.clone();
        let then_block = self.block_of(|lower| {
            lower.block().extend(then_block);
            lower.assign_storage(&target, &left, span);
        });
        let otherwise_block = self.block_of(|lower| {
            lower.block().extend(otherwise_block);
            lower.assign_storage(&target, &right, span);
        });
        self.emit(
            span,
            StmtKind::If {
                cond,
                then: then_block,
                otherwise: otherwise_block,
            },
        );
        Value::place(ty, storage)
    }

    /// Saves a value that was evaluated before the statements from `mark` on, if one of them could
    /// change what it reads.
    pub(crate) fn settle(&mut self, value: &mut Value, mark: usize, span: Span) {
        if self.block().len() <= mark {
            return;
        }
        let mut written = rewrite::Accesses::default();
        let tail = self.block()[mark..].to_vec();
        written.add_block(&tail);
        let reads = value_bases(value);
        let is_changed = reads.iter().any(|base| match base {
            Base::Field(field) => written.may_write(*field),
            Base::Local(_) => true,
        });
        if !is_changed {
            return;
        }
        let Some(storage) = self.temporary("saved", &value.ty, span) else {
            return;
        };
        let old = value.clone();
        let target = storage.clone();
        let saving = self.block_of(|lower| lower.assign_storage(&target, &old, span));
        self.block().splice(mark..mark, saving);
        value.data = Data::Place(storage);
    }
}

/// The fields and variables that a value reads.
pub(crate) fn value_bases(value: &Value) -> Vec<Base> {
    let mut bases = Vec::new();
    collect_bases(value, &mut bases);
    bases
}

fn collect_bases(value: &Value, bases: &mut Vec<Base>) {
    let mut add_expr = |expr: &Expr| {
        expr.walk(&mut |part| match part {
            Expr::Field(field) => bases.push(Base::Field(*field)),
            Expr::Local { local, .. } => bases.push(Base::Local(*local)),
            _ => {}
        });
    };
    match &value.data {
        Data::Expr(expr) => add_expr(expr),
        Data::Header { valid, fields } => {
            add_expr(valid);
            for field in fields {
                collect_bases(field, bases);
            }
        }
        Data::Fields(fields) => {
            for field in fields {
                collect_bases(field, bases);
            }
        }
        Data::Place(storage) => {
            if let Storage::Choice { index, .. } = storage {
                add_expr(index);
            }
            bases.extend(storage.bases());
        }
        Data::Poison | Data::Void | Data::Int(_) | Data::Str(_) => {}
    }
}
