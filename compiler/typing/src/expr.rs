//! Types and values of expressions.

use std::rc::Rc;

use num_bigint::BigInt;
use p4rmt_syntax::ast::{self, Expr, ExprKind, IntLiteral, NamedExpr};

use crate::check::{Checker, Operand};
use crate::decl::{DeclId, Node};
use crate::error::ErrorKind;
use crate::eval;
use crate::types::{Type, TypeKind};
use crate::value::{Known, Value};

impl<'a> Checker<'a> {
    /// The type, value and knowledge of an expression by itself, which are remembered.
    pub(crate) fn infer(&mut self, expr: &'a Expr) -> Operand {
        let operand = self.infer_kind(expr);
        self.record(expr, &operand);
        operand
    }

    fn infer_kind(&mut self, expr: &'a Expr) -> Operand {
        match &expr.kind {
            ExprKind::Bool(value) => Operand::constant(Type::BOOL, Value::Bool(*value)),
            ExprKind::Int(literal) => self.infer_int(expr, literal),
            ExprKind::String(text) => {
                Operand::constant(Type::STRING, Value::String(Rc::from(text.as_str())))
            }
            ExprKind::Path(path) => self.infer_path(path),
            ExprKind::This => match self.place.this {
                Some(ty) => Operand::known(ty, None, Known::Local),
                None => {
                    let kind = ErrorKind::Misplaced {
                        what: "`this`",
                        place: "what is not a method of an instance",
                    };
                    self.error(expr.span, kind);
                    Operand::poison()
                }
            },
            ExprKind::Dots => Operand::known(Type::DEFAULT, None, Known::Local),
            ExprKind::Invalid => Operand::constant(Type::INVALID, Value::Invalid),
            ExprKind::List(items) => self.infer_list(items),
            ExprKind::Struct { fields, .. } => self.infer_struct(fields),
            ExprKind::Unary { op, operand } => self.infer_unary(expr, *op, operand),
            ExprKind::Binary { op, left, right } => self.infer_binary(expr, *op, left, right),
            ExprKind::Conditional {
                condition,
                then,
                otherwise,
            } => self.infer_conditional(expr, condition, then, otherwise),
            ExprKind::Cast { ty, operand } => self.infer_cast(expr, ty, operand),
            ExprKind::Member { base, name } => self.infer_member(expr, base, name),
            ExprKind::TypeMember { ty, name } => self.infer_type_member(expr, ty, name),
            ExprKind::Index { base, index } => self.infer_index(expr, base, index),
            ExprKind::Slice { base, hi, lo } => self.infer_slice(expr, base, hi, lo),
            ExprKind::PlusSlice { base, lo, width } => self.infer_plus_slice(expr, base, lo, width),
            ExprKind::Call {
                callee,
                type_args,
                args,
            } => self.infer_call(expr, callee, type_args, args),
        }
    }

    fn infer_int(&mut self, expr: &Expr, literal: &IntLiteral) -> Operand {
        let value = BigInt::from(literal.value.clone());
        match literal.width {
            None => Operand::constant(Type::INT, Value::Int(value)),
            Some((width, is_signed)) => {
                if width > crate::resolve::MAX_WIDTH || is_signed && width == 0 {
                    let kind = ErrorKind::Width {
                        width: width.to_string(),
                        least: u32::from(is_signed),
                        most: crate::resolve::MAX_WIDTH,
                    };
                    self.error(expr.span, kind);
                    return Operand::poison();
                }
                let ty = self.types.make(TypeKind::Bits { width, is_signed });
                Operand::constant(ty, Value::Int(eval::wrap(&value, width, is_signed)))
            }
        }
    }

    /// A name where a value is expected.
    fn infer_path(&mut self, path: &'a ast::Path) -> Operand {
        let Some(ids) = self.lookup(path) else {
            return Operand::poison();
        };
        let Some(id) = ids.first().copied() else {
            return Operand::poison();
        };
        self.record_path(path, id);
        self.value_of_decl(id).unwrap_or_else(|| {
            let name = path.name.text.clone();
            let expected = "a value";
            self.error(path.span, ErrorKind::WrongKind { name, expected });
            Operand::poison()
        })
    }

    /// What a declaration is as a value; `None` of one that is none.
    pub(crate) fn value_of_decl(&self, id: DeclId) -> Option<Operand> {
        let decl = self.decl(id);
        match decl.node {
            Node::Const(_)
            | Node::Variable(_)
            | Node::LoopVariable(_)
            | Node::Param(..)
            | Node::Instance(_)
            | Node::ValueSet(_)
            | Node::Table(_)
            | Node::EnumMember(_)
            | Node::ErrorMember(_)
            | Node::MatchKindMember(_) => Some(Operand {
                ty: decl.ty,
                value: decl.value.clone(),
                known: decl.known,
            }),
            Node::TypeParam(_)
            | Node::Record(_)
            | Node::Enum(_)
            | Node::SerializableEnum(_)
            | Node::Typedef(_)
            | Node::NewType(_)
            | Node::Extern(_)
            | Node::ExternForward(_)
            | Node::Method(_)
            | Node::ExternFunction(_)
            | Node::Function(_)
            | Node::Action(_)
            | Node::Parser(_)
            | Node::ParserType(_)
            | Node::Control(_)
            | Node::ControlType(_)
            | Node::Package(_)
            | Node::State(_) => None,
        }
    }

    fn infer_list(&mut self, items: &'a [Expr]) -> Operand {
        let operands: Vec<Operand> = items.iter().map(|item| self.infer(item)).collect();
        let mut known = Known::Local;
        for (item, operand) in items.iter().zip(&operands) {
            self.needs_value(item, operand.ty);
            known = known.min(operand.known);
        }
        let parts: Vec<Type> = operands.iter().map(|operand| operand.ty).collect();
        if parts.iter().any(|part| part.is_poison()) {
            return Operand::poison();
        }
        let ty = self.types.tuple(parts);
        let value = operands.into_iter().map(|operand| operand.value).collect();
        Operand::known(ty, Some(Value::Composite(value)), known)
    }

    fn infer_struct(&mut self, fields: &'a [NamedExpr]) -> Operand {
        let mut known = Known::Local;
        let mut types: Vec<(Rc<str>, Type)> = Vec::with_capacity(fields.len());
        let mut is_poison = false;
        for field in fields {
            let operand = self.infer(&field.value);
            self.needs_value(&field.value, operand.ty);
            known = known.min(operand.known);
            is_poison |= operand.ty.is_poison();
            types.push((Rc::from(field.name.text.as_str()), operand.ty));
        }
        let names: Vec<&'a ast::Name> = fields.iter().map(|field| &field.name).collect();
        self.check_distinct(&names);
        if is_poison {
            return Operand::poison();
        }
        let ty = self.types.make(TypeKind::Fields(types.into()));
        Operand::known(ty, None, known)
    }

    /// Refuses what gives nothing, where a value is needed.
    pub(crate) fn needs_value(&mut self, expr: &Expr, ty: Type) {
        if ty == Type::VOID {
            self.error(expr.span, ErrorKind::NoValue);
        }
    }

    /// `a[i]`
    fn infer_index(&mut self, expr: &'a Expr, base: &'a Expr, index: &'a Expr) -> Operand {
        let base_operand = self.infer(base);
        let index_operand = self.infer(index);
        if base_operand.ty.is_poison() || index_operand.ty.is_poison() {
            return Operand::poison();
        }
        let index_operand = self.as_number(index, index_operand);
        let position = index_operand
            .value
            .as_ref()
            .and_then(Value::as_int)
            .cloned();
        if !self.is_integral(index_operand.ty) {
            self.mismatch_with(index.span, "a number", index_operand.ty);
            return Operand::poison();
        }
        let known = base_operand.known.min(index_operand.known);
        let (ty, size) = match self.types.kind(base_operand.ty).clone() {
            TypeKind::Stack(element, size) => (element, size as usize),
            TypeKind::Tuple(parts) => {
                let Some(position) = position.clone() else {
                    self.error(index.span, ErrorKind::NotConstant);
                    return Operand::poison();
                };
                let at = usize::try_from(&position).ok();
                let part = at.and_then(|at| parts.get(at)).copied();
                (part.unwrap_or(Type::POISON), parts.len())
            }
            _ => {
                let found = base_operand.ty;
                self.mismatch_with(base.span, "a stack or tuple", found);
                return Operand::poison();
            }
        };
        let Some(position) = position else {
            return Operand::known(ty, None, known);
        };
        let at = usize::try_from(&position).ok().filter(|at| *at < size);
        if at.is_none() && self.is_unevaluated && !ty.is_poison() {
            return Operand::known(ty, None, known);
        }
        let Some(at) = at else {
            let kind = ErrorKind::IndexRange {
                index: eval::shown(&position),
                size: u32::try_from(size).unwrap_or(u32::MAX),
            };
            self.error(expr.span, kind);
            return Operand::poison();
        };
        let value = match &base_operand.value {
            Some(Value::Composite(parts)) => parts.get(at).cloned().flatten(),
            _ => None,
        };
        Operand::known(ty, value, known)
    }

    /// Says that something else is needed than a value of this type.
    pub(crate) fn mismatch_with(&mut self, span: p4rmt_source::Span, expected: &str, found: Type) {
        if found.is_poison() {
            return;
        }
        let found = self.show(found);
        let expected = expected.to_owned();
        self.error(span, ErrorKind::Mismatch { expected, found });
    }

    /// The base of a slice: its width, or `None` for an `int`, and its operand.
    fn slice_base(&mut self, base: &'a Expr) -> Option<(Option<u32>, Operand)> {
        let operand = self.infer(base);
        let operand = self.as_number(base, operand);
        match self.types.kind(operand.ty) {
            TypeKind::Bits { width, .. } => Some((Some(*width), operand)),
            TypeKind::Int => Some((None, operand)),
            _ => {
                self.mismatch_with(base.span, "bit<W> or int<W>", operand.ty);
                None
            }
        }
    }

    /// `a[hi:lo]`
    fn infer_slice(
        &mut self,
        expr: &'a Expr,
        base: &'a Expr,
        hi: &'a Expr,
        lo: &'a Expr,
    ) -> Operand {
        let base = self.slice_base(base);
        let hi = self.local_int(hi);
        let lo = self.local_int(lo);
        let (Some((width, base)), Some(hi), Some(lo)) = (base, hi, lo) else {
            return Operand::poison();
        };
        self.slice(expr, width, &base, &hi, &lo)
    }

    fn slice(
        &mut self,
        expr: &Expr,
        width: Option<u32>,
        base: &Operand,
        hi: &BigInt,
        lo: &BigInt,
    ) -> Operand {
        let most = width.unwrap_or(crate::resolve::MAX_WIDTH);
        let high = u32::try_from(hi).ok().filter(|hi| *hi < most);
        let low = u32::try_from(lo).ok();
        let (Some(high), Some(low)) = (high, low) else {
            return self.slice_range(expr, hi, lo, most);
        };
        if low > high {
            return self.slice_range(expr, hi, lo, most);
        }
        let ty = self.types.bit(high - low + 1);
        let value = base.value.as_ref().and_then(Value::as_int);
        let value =
            value.map(|value| Value::Int(eval::wrap(&(value >> low), high - low + 1, false)));
        Operand::known(ty, value, base.known)
    }

    fn slice_range(&mut self, expr: &Expr, hi: &BigInt, lo: &BigInt, width: u32) -> Operand {
        let kind = ErrorKind::SliceRange {
            hi: eval::shown(hi),
            lo: eval::shown(lo),
            width,
        };
        self.error(expr.span, kind);
        Operand::poison()
    }

    /// `a[lo+:width]`
    fn infer_plus_slice(
        &mut self,
        expr: &'a Expr,
        base: &'a Expr,
        lo: &'a Expr,
        width: &'a Expr,
    ) -> Operand {
        let base = self.slice_base(base);
        let low = self.infer(lo);
        let low = self.as_number(lo, low);
        let n_bits = self.local_int(width);
        let (Some((base_width, base)), Some(n_bits)) = (base, n_bits) else {
            return Operand::poison();
        };
        if low.ty.is_poison() {
            return Operand::poison();
        }
        if !self.is_integral(low.ty) {
            self.mismatch_with(lo.span, "a number", low.ty);
            return Operand::poison();
        }
        if let Some(from) = low.value.as_ref().and_then(Value::as_int).cloned() {
            let hi = &from + &n_bits - 1;
            return self.slice(expr, base_width, &base, &hi, &from);
        }
        if matches!(
            self.types.kind(low.ty),
            TypeKind::Bits {
                is_signed: true,
                ..
            }
        ) {
            self.mismatch_with(lo.span, "bit<W>", low.ty);
            return Operand::poison();
        }
        let most = base_width.unwrap_or(crate::resolve::MAX_WIDTH);
        let n_bits = u32::try_from(&n_bits)
            .ok()
            .filter(|n| (1..=most).contains(n));
        let Some(n_bits) = n_bits else {
            let kind = ErrorKind::Width {
                width: self
                    .operand(width)
                    .value
                    .and_then(|v| v.as_int().map(eval::shown))
                    .unwrap_or_default(),
                least: 1,
                most,
            };
            self.error(width.span, kind);
            return Operand::poison();
        };
        let ty = self.types.bit(n_bits);
        Operand::known(ty, None, base.known.min(low.known))
    }
}
