//! The packet of parsers and deparsers, and the functions of `core.p4` and TNA.

use p4rmt_ir::{BinaryOp, Bits, Expr, GressRole, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ArgumentValue, ExprKind};

use crate::error::ErrorKind;
use crate::fold;
use crate::lower::{Lower, Unit};
use crate::storage::Storage;
use crate::types::Type;
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// `pkt.extract(…)` and the like.
    pub(crate) fn call_packet(
        &mut self,
        name: &'a ast::Name,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        want: Option<&Type>,
        span: Span,
    ) -> Value {
        let wanted = match name.text.as_str() {
            "emit" => Unit::Deparser,
            _ => Unit::Parser,
        };
        if self.unit != wanted {
            self.error(
                span,
                &ErrorKind::CallPlace {
                    callee: format!("packet.{}", name.text),
                    place: self.unit.name(),
                    possible: wanted.name().to_owned(),
                },
            );
            return Value::poison();
        }
        let mut exprs = Vec::new();
        for arg in args {
            match &arg.value {
                ArgumentValue::Expr(expr) => exprs.push(Some(expr)),
                ArgumentValue::DontCare => exprs.push(None),
            }
        }
        match (name.text.as_str(), exprs.as_slice()) {
            ("extract", [Some(header)]) => return self.extract(header, None, span),
            ("extract", [Some(header), Some(bits)]) => {
                return self.extract(header, Some(bits), span);
            }
            ("extract", [None]) => {
                let width = match type_args {
                    [ty] => self.ty(ty).width(),
                    _ => None,
                };
                match width {
                    Some(width) => self.emit(
                        span,
                        StmtKind::Advance {
                            bits: fold::constant(32, u64::from(width)),
                        },
                    ),
                    None => self.error(
                        span,
                        &ErrorKind::CannotInfer {
                            name: "T".to_owned(),
                        },
                    ),
                }
            }
            ("advance", [Some(bits)]) => {
                if let Some(bits) = self.scalar(bits, &Type::bit(32)) {
                    self.emit(span, StmtKind::Advance { bits });
                }
            }
            ("lookahead", []) => {
                let ty = match (type_args, want) {
                    ([ty], _) => self.ty(ty),
                    (_, Some(ty)) => ty.clone(),
                    _ => {
                        self.error(
                            span,
                            &ErrorKind::CannotInfer {
                                name: "T".to_owned(),
                            },
                        );
                        return Value::poison();
                    }
                };
                let mut offset = 0;
                let Some(value) = self.ahead(&ty, &mut offset) else {
                    self.mismatch_text(span, "a type of fixed width", &ty);
                    return Value::poison();
                };
                if !self.is_structured {
                    return value;
                }
                // Read now: the packet may be too short for it, and what follows may move on.
                return match self.temporary("ahead", &ty, span) {
                    Some(storage) => {
                        self.assign_storage(&storage, &value, span);
                        Value::place(ty, storage)
                    }
                    None => value,
                };
            }
            ("emit", [Some(value)]) => {
                let value = self.expr(value, None);
                self.emit_value(&value, span);
            }
            ("extract" | "advance" | "lookahead" | "emit", _) => self.error(
                span,
                &ErrorKind::ArgumentCount {
                    callee: name.text.clone(),
                    needed: usize::from(name.text != "lookahead"),
                    available: args.len(),
                },
            ),
            _ => self.error(
                span,
                &ErrorKind::ExternMethod {
                    object: "packet".to_owned(),
                    method: name.text.clone(),
                },
            ),
        }
        Value::void()
    }

    /// `pkt.extract(header)`, `pkt.extract(header, bits)`.
    fn extract(&mut self, expr: &'a ast::Expr, bits: Option<&'a ast::Expr>, span: Span) -> Value {
        let Some((ty, storage)) = self.place(expr) else {
            return Value::poison();
        };
        let Some(record) = ty.as_header() else {
            self.mismatch_text(expr.span, "a header", &ty);
            return Value::poison();
        };
        let has_varbit = record
            .fields
            .iter()
            .any(|field| matches!(field.ty.without_newtypes(), Type::Varbit(_)));
        if has_varbit != bits.is_some() {
            self.error(
                span,
                &ErrorKind::ArgumentCount {
                    callee: "extract".to_owned(),
                    needed: if has_varbit { 2 } else { 1 },
                    available: if bits.is_some() { 2 } else { 1 },
                },
            );
            return Value::poison();
        }
        let varbit_bits = match bits {
            Some(bits) => match self.scalar(bits, &Type::bit(32)) {
                Some(bits) => Some(bits),
                None => return Value::poison(),
            },
            None => None,
        };
        self.extract_into(&storage, varbit_bits.as_ref(), span);
        self.advance_stack(expr, span);
        Value::void()
    }

    /// Extracts into a header, or into the one that an index says at run time.
    fn extract_into(&mut self, storage: &Storage, varbit_bits: Option<&Expr>, span: Span) {
        match storage {
            Storage::Record(record) => {
                let Some((header, _)) = record.header else {
                    return;
                };
                self.emit(
                    span,
                    StmtKind::Extract {
                        header,
                        varbit_bits: varbit_bits.cloned(),
                    },
                );
                self.retire_rivals(header, span);
            }
            Storage::Choice { index, options } => {
                let (index, options) = (index.clone(), options.clone());
                self.choose(&index, &options, span, &mut |lower, option| {
                    lower.extract_into(option, varbit_bits, span);
                });
            }
            Storage::Leaf(_) | Storage::Varbit { .. } | Storage::Stack(_) => {}
        }
    }

    /// After `pkt.extract(stack.next)` the next element is free.
    fn advance_stack(&mut self, expr: &'a ast::Expr, span: Span) {
        let ExprKind::Member { base, name } = &expr.kind else {
            return;
        };
        if name.text != "next" {
            if matches!(&base.kind, ExprKind::Member { name, .. } if name.text == "next") {
                // A header of a union that is the next of a stack.
                self.advance_stack(base, span);
            }
            return;
        }
        let value = self.expr(base, None);
        let Data::Place(Storage::Stack(stack)) = &value.data else {
            return;
        };
        if self.is_structured {
            let next = self.gress.next_index(stack, span);
            let more = fold::binary(BinaryOp::Add, next.read(), fold::constant(next.width(), 1));
            return self.emit_assign(span, next.place(), more);
        }
        if self.blocks.len() != self.state_depth {
            self.unsupported(
                span,
                "extracting into `next` under a condition",
                "let a `select` choose a state that extracts",
            );
            return;
        }
        let size = u32::try_from(stack.elements.len()).unwrap_or(u32::MAX);
        let next = (self.stack_next(stack.id) + 1).min(size);
        match self.stack_next.iter_mut().find(|(id, _)| *id == stack.id) {
            Some((_, position)) => *position = next,
            None => self.stack_next.push((stack.id, next)),
        }
    }

    /// What lies ahead in the packet, as a value of this type.
    fn ahead(&mut self, ty: &Type, offset: &mut u32) -> Option<Value> {
        if let Some(width) = ty.scalar_width() {
            let value = Value::scalar(
                ty.clone(),
                Expr::Lookahead {
                    offset: *offset,
                    width,
                },
            );
            *offset += width;
            return Some(value);
        }
        let fields = self
            .element_types(ty)?
            .iter()
            .map(|ty| self.ahead(ty, offset))
            .collect::<Option<Vec<_>>>()?;
        Some(self.assemble(ty, fields))
    }

    /// Emits every header of a value in order.
    fn emit_value(&mut self, value: &Value, span: Span) {
        match &value.data {
            Data::Place(storage) if !matches!(storage, Storage::Leaf(_)) => {
                self.emit_headers(storage, span);
            }
            Data::Poison => {}
            Data::Fields(fields) => {
                for field in fields.clone() {
                    self.emit_value(&field, span);
                }
            }
            _ => self.mismatch_text(span, "headers", &value.ty),
        }
    }

    /// Emits every header of a storage in order.
    fn emit_headers(&mut self, storage: &Storage, span: Span) {
        if let Storage::Choice { index, options } = storage {
            let (index, options) = (index.clone(), options.clone());
            return self.choose(&index, &options, span, &mut |lower, option| {
                lower.emit_headers(option, span);
            });
        }
        let mut headers = Vec::new();
        storage.visit_headers(&mut |header, _| headers.push(header));
        for header in headers {
            self.emit(span, StmtKind::Emit { header });
        }
    }

    /// A function that the architecture declares.
    pub(crate) fn call_extern_function(
        &mut self,
        function: &'a ast::FunctionPrototype,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        want: Option<&Type>,
        span: Span,
    ) -> Value {
        if self.role == GressRole::Whole
            && let Some(value) = self.call_v1_function(function, type_args, args, span)
        {
            return value;
        }
        let name = function.name.text.as_str();
        let mut exprs = Vec::new();
        for arg in args {
            match &arg.value {
                ArgumentValue::Expr(expr) => exprs.push(expr),
                ArgumentValue::DontCare => {}
            }
        }
        match (name, exprs.as_slice()) {
            ("verify", [cond, error]) => {
                if self.unit != Unit::Parser {
                    self.misplaced("`verify`", span);
                    return Value::poison();
                }
                let cond = self.scalar(cond, &Type::Bool);
                let error = self.scalar(error, &Type::Error);
                if let (Some(cond), Some(error)) = (cond, error) {
                    self.emit(span, StmtKind::Verify { cond, error });
                }
                Value::void()
            }
            ("min" | "max", [left, right]) => {
                let lhs = self.expr(left, want);
                let rhs = self.expr(right, want);
                let Some((lhs, rhs)) = self.agree(lhs, rhs, want, span) else {
                    return Value::poison();
                };
                let op = if name == "min" {
                    ast::BinaryOp::Le
                } else {
                    ast::BinaryOp::Ge
                };
                let ty = lhs.ty.clone();
                let cond = self.binary_values(op, lhs.clone(), rhs.clone(), span);
                match (
                    self.read(&cond, span),
                    self.read(&lhs, left.span),
                    self.read(&rhs, right.span),
                ) {
                    (Some(cond), Some(lhs), Some(rhs)) => {
                        Value::scalar(ty, fold::mux(cond, lhs, rhs))
                    }
                    _ => Value::poison(),
                }
            }
            ("sizeInBits" | "sizeInBytes", [value]) => {
                let value = self.expr(value, None);
                match value.ty.width() {
                    Some(width) => {
                        let size = if name == "sizeInBits" {
                            width
                        } else {
                            width.div_ceil(8)
                        };
                        Value::constant(Type::bit(32), Bits::from_u64(32, u64::from(size)))
                    }
                    None => {
                        if !value.is_poison() {
                            self.mismatch_text(span, "a type of fixed width", &value.ty);
                        }
                        Value::poison()
                    }
                }
            }
            ("port_metadata_unpack", _) => {
                if self.unit != Unit::Parser {
                    self.misplaced("`port_metadata_unpack`", span);
                    return Value::poison();
                }
                let ty = match (type_args, want) {
                    ([ty], _) => self.ty(ty),
                    (_, Some(ty)) => ty.clone(),
                    _ => {
                        self.error(
                            span,
                            &ErrorKind::CannotInfer {
                                name: "T".to_owned(),
                            },
                        );
                        return Value::poison();
                    }
                };
                self.port_metadata(&ty, span)
            }
            ("invalidate", [_]) => {
                // The field's value is undefined from here on: keeping it is as good as any.
                Value::void()
            }
            ("static_assert", [cond, ..]) => match self.const_of_type(cond, &Type::Bool) {
                Some(bits) if bits.is_zero() => {
                    self.error(span, &ErrorKind::AssertionFailed);
                    Value::poison()
                }
                Some(_) => Value::truth(true),
                None => Value::poison(),
            },
            _ => {
                self.error(
                    span,
                    &ErrorKind::Extern {
                        name: name.to_owned(),
                    },
                );
                Value::poison()
            }
        }
    }

    /// The metadata of the port, which stand in front of the packet, and past them.
    fn port_metadata(&mut self, ty: &Type, span: Span) -> Value {
        let size = match self
            .globals
            .get("PORT_METADATA_SIZE")
            .and_then(|declarations| declarations.first())
        {
            Some(ast::Declaration {
                kind: ast::DeclarationKind::Const(constant),
                ..
            }) => self.constant_declaration(constant).as_number(),
            _ => None,
        };
        let mut offset = 0;
        let value = self.ahead(ty, &mut offset);
        let Some(value) = value else {
            self.mismatch_text(span, "a type of fixed width", ty);
            return Value::poison();
        };
        let Some(Some(storage)) = Some(self.temporary("port", ty, span)) else {
            return Value::poison();
        };
        self.assign_storage(&storage, &value, span);
        let size = size
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(u64::from(offset));
        self.emit(
            span,
            StmtKind::Advance {
                bits: fold::constant(32, size),
            },
        );
        Value::place(ty.clone(), storage)
    }
}
