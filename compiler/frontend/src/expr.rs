//! Expressions: names, members, indices, slices, lists, casts, and what they evaluate to.
//!
//! What an expression does besides yielding a value (calls) is added to the current block. An
//! operand that was evaluated before such a call is saved first if the call could change it.

use num_bigint::BigInt;
use p4rmt_ir::{Bits, Expr, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ExprKind};

use crate::error::ErrorKind;
use crate::fold;
use crate::lower::Lower;
use crate::rewrite;
use crate::scope::{Binding, Object};
use crate::storage::{Base, Storage};
use crate::types::{RecordField, Type};
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// The value of an expression. `want` is the type that is wanted, as a hint for lists; the
    /// result may be of another one.
    pub(crate) fn expr(&mut self, expr: &'a ast::Expr, want: Option<&Type>) -> Value {
        self.deeper(expr.span, |lower| lower.expr_kind(expr, want))
            .unwrap_or_else(Value::poison)
    }

    fn expr_kind(&mut self, expr: &'a ast::Expr, want: Option<&Type>) -> Value {
        match &expr.kind {
            ExprKind::Bool(value) => Value::truth(*value),
            ExprKind::Int(literal) => self.literal(literal, expr.span),
            ExprKind::String(_) => Value {
                ty: Type::String,
                data: Data::Str,
            },
            ExprKind::Path(path) => self.path_value(path),
            ExprKind::This => {
                self.unsupported(
                    expr.span,
                    "`this`",
                    "pass what the method needs as an argument",
                );
                Value::poison()
            }
            ExprKind::Dots => Value {
                ty: Type::Var("_".into()),
                data: Data::Default,
            },
            ExprKind::Invalid => Value {
                ty: Type::Var("_".into()),
                data: Data::Invalid,
            },
            ExprKind::List(elements) => self.list(elements, want, expr.span),
            ExprKind::Struct { fields, has_dots } => {
                self.struct_value(fields, *has_dots, want, expr.span)
            }
            ExprKind::Unary { op, operand } => self.unary(*op, operand, expr.span),
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, expr.span),
            ExprKind::Conditional {
                condition,
                then,
                otherwise,
            } => self.conditional(condition, then, otherwise, want, expr.span),
            ExprKind::Cast { ty, operand } => {
                let ty = self.ty(ty);
                let value = self.expr(operand, Some(&ty));
                self.cast(value, &ty, expr.span)
            }
            ExprKind::Member { base, name } => self.member(base, name, expr.span),
            ExprKind::TypeMember { ty, name } => {
                let ty = self.ty(ty);
                self.type_member(&ty, name)
            }
            ExprKind::Index { base, index } => self.index(base, index, expr.span),
            ExprKind::Slice { base, hi, lo } => self.slice(base, hi, lo, expr.span),
            ExprKind::PlusSlice { base, lo, width } => self.plus_slice(base, lo, width, expr.span),
            ExprKind::Call {
                callee,
                type_args,
                args,
            } => self.call(callee, type_args, args, want, None, expr.span),
        }
    }

    /// An integer as written.
    fn literal(&mut self, literal: &ast::IntLiteral, span: Span) -> Value {
        let number = BigInt::from(literal.value.clone());
        match literal.width {
            None => Value::int(number),
            Some((width, is_signed)) => {
                if !(1..=Bits::MAX_WIDTH).contains(&width) {
                    self.error(
                        span,
                        &ErrorKind::Width {
                            width: width.to_string(),
                            least: 1,
                            most: Bits::MAX_WIDTH,
                        },
                    );
                    return Value::poison();
                }
                let bits = self.fit(&number, width, is_signed, span);
                Value::constant(Type::Bits { width, is_signed }, bits)
            }
        }
    }

    /// What a name evaluates to.
    fn path_value(&mut self, path: &'a ast::Path) -> Value {
        match self.lookup(path) {
            Binding::Poison => Value::poison(),
            Binding::Value(value) => value,
            Binding::Place { ty, storage, .. } => Value::place(ty, storage),
            Binding::Declaration(_) | Binding::Type(_) | Binding::Object(_) => {
                self.error(
                    path.span,
                    &ErrorKind::WrongKind {
                        name: path.name.text.clone(),
                        expected: "a value",
                    },
                );
                Value::poison()
            }
        }
    }

    /// `{ a, b }`.
    fn list(&mut self, elements: &'a [ast::Expr], want: Option<&Type>, span: Span) -> Value {
        let wanted = match want {
            Some(Type::List(element)) => Some(vec![(**element).clone(); elements.len()]),
            want => want.and_then(|ty| self.element_types(ty)),
        };
        let mut fields: Vec<Value> = Vec::new();
        let mut has_dots = false;
        for (position, element) in elements.iter().enumerate() {
            if matches!(element.kind, ExprKind::Dots) && position + 1 == elements.len() {
                has_dots = true;
                break;
            }
            let mark = self.block().len();
            let field_type = wanted.as_ref().and_then(|types| types.get(position));
            let mut value = self.expr(element, field_type);
            if let Some(ty) = field_type {
                value = self.coerce(value, ty, element.span);
            }
            for earlier in &mut fields {
                self.settle(earlier, mark, span);
            }
            fields.push(value);
        }
        if has_dots && let Some(types) = &wanted {
            for ty in types.iter().skip(fields.len()) {
                fields.push(self.default_value(ty).unwrap_or_else(Value::poison));
            }
        }
        match (want, wanted) {
            (Some(ty), Some(types)) => {
                if types.len() != fields.len() {
                    self.error(
                        span,
                        &ErrorKind::ArgumentCount {
                            callee: ty.to_string(),
                            needed: types.len(),
                            available: fields.len(),
                        },
                    );
                    return Value::poison();
                }
                self.assemble(ty, fields)
            }
            _ => {
                let types = fields.iter().map(|field| field.ty.clone()).collect();
                self.assemble(&Type::Tuple(types), fields)
            }
        }
    }

    /// `{ x = a, y = b }`.
    fn struct_value(
        &mut self,
        fields: &'a [ast::NamedExpr],
        has_dots: bool,
        want: Option<&Type>,
        span: Span,
    ) -> Value {
        self.check_distinct(fields.iter().map(|field| &field.name));
        let Some(Type::Record(record)) = want else {
            let mut types = Vec::new();
            let mut values: Vec<Value> = Vec::new();
            for field in fields {
                let mark = self.block().len();
                let value = self.expr(&field.value, None);
                for earlier in &mut values {
                    self.settle(earlier, mark, span);
                }
                types.push(RecordField {
                    name: field.name.text.clone(),
                    ty: value.ty.clone(),
                    span: field.name.span,
                });
                values.push(value);
            }
            let ty = crate::coerce::anonymous(types, span);
            return self.assemble(&ty, values);
        };
        let record = record.clone();
        let mut given: Vec<(String, Value)> = Vec::new();
        for field in fields {
            let mark = self.block().len();
            let Some(declared) = record
                .fields
                .iter()
                .find(|declared| declared.name == field.name.text)
            else {
                self.error(
                    field.name.span,
                    &ErrorKind::UnknownMember {
                        ty: record.name.clone(),
                        member: field.name.text.clone(),
                    },
                );
                return Value::poison();
            };
            let value = self.expr_as(&field.value, &declared.ty);
            for (_, earlier) in &mut given {
                self.settle(earlier, mark, span);
            }
            given.push((field.name.text.clone(), value));
        }
        let mut values = Vec::new();
        for declared in &record.fields {
            let position = given.iter().position(|(name, _)| *name == declared.name);
            match position {
                Some(position) => values.push(given.swap_remove(position).1),
                None if has_dots => {
                    values.push(
                        self.default_value(&declared.ty)
                            .unwrap_or_else(Value::poison),
                    );
                }
                None => {
                    self.error(
                        span,
                        &ErrorKind::MissingArgument {
                            callee: record.name.clone(),
                            name: declared.name.clone(),
                        },
                    );
                    return Value::poison();
                }
            }
        }
        self.assemble(&Type::Record(record), values)
    }

    /// `c ? a : b`.
    fn conditional(
        &mut self,
        condition: &'a ast::Expr,
        then: &'a ast::Expr,
        otherwise: &'a ast::Expr,
        want: Option<&Type>,
        span: Span,
    ) -> Value {
        let Some(cond) = self.scalar(condition, &Type::Bool) else {
            self.expr(then, want);
            self.expr(otherwise, want);
            return Value::poison();
        };
        if let Some(bits) = fold::as_const(&cond) {
            let (taken, other) = if bits.is_true() {
                (then, otherwise)
            } else {
                (otherwise, then)
            };
            // The other one is looked at for its type and its mistakes alone.
            let mut unused = Value::poison();
            self.block_of(|lower| unused = lower.expr(other, want));
            let value = self.expr(taken, want);
            return if matches!(value.data, Data::Int(_)) && !matches!(unused.ty, Type::Int) {
                self.coerce(value, &unused.ty, span)
            } else {
                value
            };
        }
        let mut left = Value::poison();
        let mut right = Value::poison();
        let then_block = self.block_of(|lower| left = lower.expr(then, want));
        let otherwise_block = self.block_of(|lower| right = lower.expr(otherwise, want));
        let Some((left, right)) = self.agree(left, right, want, span) else {
            return Value::poison();
        };
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
            self.mismatch_text(span, "a type with values", &ty);
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

    /// Two values as values of one type.
    pub(crate) fn agree(
        &mut self,
        left: Value,
        right: Value,
        want: Option<&Type>,
        span: Span,
    ) -> Option<(Value, Value)> {
        if left.is_poison() || right.is_poison() {
            return None;
        }
        let is_open =
            |value: &Value| matches!(value.data, Data::Int(_) | Data::Default | Data::Invalid);
        let (left, right) = match (is_open(&left), is_open(&right)) {
            (true, true) => match want {
                Some(ty) => (self.coerce(left, ty, span), self.coerce(right, ty, span)),
                None => (left, right),
            },
            (true, false) => {
                let ty = right.ty.as_number().clone();
                let ty = if matches!(left.data, Data::Int(_)) {
                    ty
                } else {
                    right.ty.clone()
                };
                let left = self.coerce(left, &ty, span);
                let right = self.coerce(right, &ty, span);
                (left, right)
            }
            (false, true) => {
                let ty = left.ty.as_number().clone();
                let ty = if matches!(right.data, Data::Int(_)) {
                    ty
                } else {
                    left.ty.clone()
                };
                let right = self.coerce(right, &ty, span);
                let left = self.coerce(left, &ty, span);
                (left, right)
            }
            (false, false) if left.ty == right.ty => (left, right),
            (false, false) => {
                if matches!(left.data, Data::Fields(_)) && !matches!(right.data, Data::Fields(_)) {
                    let ty = right.ty.clone();
                    (self.coerce(left, &ty, span), right)
                } else {
                    // A serializable enumeration meets a number of its underlying type.
                    let ty = left.ty.as_number().clone();
                    if left.ty != ty && *right.ty.as_number() == ty {
                        (self.coerce(left, &ty, span), self.coerce(right, &ty, span))
                    } else {
                        let ty = left.ty.clone();
                        (left, self.coerce(right, &ty, span))
                    }
                }
            }
        };
        (!left.is_poison() && !right.is_poison()).then_some((left, right))
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

    /// The table that a callee applies, if it is `t.apply`; silent if it is not.
    pub(crate) fn applied_table(
        &mut self,
        callee: &'a ast::Expr,
    ) -> Option<std::rc::Rc<crate::table::TableObject<'a>>> {
        let ExprKind::Member { base, name } = &callee.kind else {
            return None;
        };
        let ExprKind::Path(path) = &base.kind else {
            return None;
        };
        if name.text != "apply" {
            return None;
        }
        match self.scopes.lookup(self.scope, &path.name.text)? {
            Binding::Object(Object::Table(table)) => Some(table.clone()),
            _ => None,
        }
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
        Data::Poison | Data::Void | Data::Int(_) | Data::Str | Data::Default | Data::Invalid => {}
    }
}
