//! The packet of parsers and deparsers, and the functions of `core.p4` and TNA.

use p4rmt_ir::{BinaryOp, Bits, Expr, GressRole, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ArgumentValue, ExprKind};
use p4rmt_typing::{ArgSource, Call, MemberOf};

use crate::convert::assembled;
use crate::error::ErrorKind;
use crate::fold;
use crate::lower::{Lower, Unit};
use crate::storage::Storage;
use crate::types::Type;
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// `pkt.extract(…)` and the like.
    pub(crate) fn call_packet(&mut self, name: &str, call: &'a Call<'a>, span: Span) -> Value {
        let wanted = match name {
            "emit" => Unit::Deparser,
            _ => Unit::Parser,
        };
        if self.unit != wanted {
            let kind = ErrorKind::CallPlace {
                callee: format!("packet.{name}"),
                place: self.unit.name(),
                possible: wanted.name().to_owned(),
            };
            self.error(span, kind);
            return Value::poison();
        }
        let exprs: Vec<Option<&'a ast::Expr>> = call.args.iter().map(given).collect();
        match (name, exprs.as_slice()) {
            ("extract", [Some(header)]) => self.extract(header, None, span),
            ("extract", [Some(header), Some(bits)]) => self.extract(header, Some(bits), span),
            ("extract", [None]) => {
                let header = call.param_types.first().copied();
                let width = header.and_then(|ty| self.concrete(ty, span).width());
                if let Some(width) = width {
                    let bits = fold::constant(32, u64::from(width));
                    self.emit(span, StmtKind::Advance { bits });
                }
            }
            ("advance", [Some(bits)]) => {
                if let Some(bits) = self.scalar(bits) {
                    self.emit(span, StmtKind::Advance { bits });
                }
            }
            ("lookahead", []) => {
                let ty = self.concrete(call.result, span);
                let mut offset = 0;
                let Some(value) = self.ahead(&ty, &mut offset) else {
                    self.mismatch(span, "a type of fixed width", &ty);
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
                let value = self.expr(value);
                self.emit_value(&value, span);
            }
            _ => {
                let kind = ErrorKind::ExternMethod {
                    object: "packet".to_owned(),
                    method: name.to_owned(),
                };
                self.error(span, kind);
            }
        }
        Value::void()
    }

    /// `pkt.extract(header)`, `pkt.extract(header, bits)`.
    fn extract(&mut self, expr: &'a ast::Expr, bits: Option<&'a ast::Expr>, span: Span) {
        let Some((_, storage)) = self.place(expr) else {
            return;
        };
        let varbit_bits = match bits.map(|bits| self.scalar(bits)) {
            Some(None) => return,
            bits => bits.flatten(),
        };
        self.extract_into(&storage, varbit_bits.as_ref(), span);
        self.advance_stack(expr, span);
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
        let ExprKind::Member { base, .. } = &expr.kind else {
            return;
        };
        if self.typed.member(expr) != Some(MemberOf::StackNext) {
            // A header of a union that is the next of a stack.
            if self.typed.member(base) == Some(MemberOf::StackNext) {
                self.advance_stack(base, span);
            }
            return;
        }
        let value = self.expr(base);
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
        let fields = ty
            .elements()?
            .iter()
            .map(|ty| self.ahead(ty, offset))
            .collect::<Option<Vec<_>>>()?;
        Some(assembled(ty, fields))
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
            _ => self.mismatch(span, "headers", &value.ty),
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
        call: &'a Call<'a>,
        span: Span,
    ) -> Value {
        if self.role == GressRole::Whole
            && let Some(value) = self.call_v1_function(function, call, span)
        {
            return value;
        }
        let name = function.name.text.as_str();
        let exprs: Vec<&'a ast::Expr> = call.args.iter().filter_map(given).collect();
        match (name, exprs.as_slice()) {
            ("verify", [cond, error]) => {
                let cond = self.scalar(cond);
                let error = self.scalar(error);
                if let (Some(cond), Some(error)) = (cond, error) {
                    self.emit(span, StmtKind::Verify { cond, error });
                }
                Value::void()
            }
            ("min" | "max", [left, right]) => {
                let lhs = self.expr(left);
                let rhs = self.expr(right);
                let op = if name == "min" {
                    ast::BinaryOp::Le
                } else {
                    ast::BinaryOp::Ge
                };
                let cond = self.binary_values(op, &lhs, &rhs, span);
                match (
                    self.read(&cond, span),
                    self.read(&lhs, left.span),
                    self.read(&rhs, right.span),
                ) {
                    (Some(cond), Some(left), Some(right)) => {
                        Value::scalar(lhs.ty, fold::mux(cond, left, right))
                    }
                    _ => Value::poison(),
                }
            }
            ("sizeInBits" | "sizeInBytes", [value]) => {
                let value = self.expr(value);
                let Some(width) = value.ty.width() else {
                    self.mismatch(span, "a type of fixed width", &value.ty);
                    return Value::poison();
                };
                let size = if name == "sizeInBits" {
                    width
                } else {
                    width.div_ceil(8)
                };
                Value::constant(Type::bit(32), Bits::from_u64(32, u64::from(size)))
            }
            ("port_metadata_unpack", _) => {
                if self.unit != Unit::Parser {
                    self.misplaced("`port_metadata_unpack`", span);
                    return Value::poison();
                }
                let ty = self.concrete(call.result, span);
                self.port_metadata(&ty, span)
            }
            // The field's value is undefined from here on: keeping it is as good as any.
            ("invalidate", [_]) => Value::void(),
            // Typing has decided it.
            ("static_assert", _) => Value::truth(true),
            _ => {
                let name = name.to_owned();
                self.error(span, ErrorKind::Extern { name });
                Value::poison()
            }
        }
    }

    /// The metadata of the port, which stand in front of the packet, and past them.
    fn port_metadata(&mut self, ty: &Type, span: Span) -> Value {
        let size = self.typed.top_level("PORT_METADATA_SIZE");
        let size = size.and_then(|decl| self.typed.decl(decl).value.as_ref()?.as_int());
        let mut offset = 0;
        let value = self.ahead(ty, &mut offset);
        let Some(value) = value else {
            self.mismatch(span, "a type of fixed width", ty);
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

/// The expression of an argument.
fn given<'a>(source: &ArgSource<'a>) -> Option<&'a ast::Expr> {
    match source {
        ArgSource::Given(ast::Argument {
            value: ArgumentValue::Expr(expr),
            ..
        }) => Some(expr),
        ArgSource::Default(expr) => Some(*expr),
        ArgSource::Given(_) | ArgSource::Omitted => None,
    }
}
