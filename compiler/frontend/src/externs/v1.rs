//! The externs of v1model, by name. bmv2's simple_switch says what they do where the declarations leave
//! it open.

mod checksum;
mod memory;
mod request;

use p4rmt_ir::{Bits, Call, CallKind, ClaimKind, Expr, Random, StmtKind, V1Call};
use p4rmt_source::Span;
use p4rmt_syntax::ast;
use p4rmt_typing as typing;

use crate::args::Arg;
use crate::fold;
use crate::lower::{Lower, Unit};
use crate::storage::{Base, Storage};
use crate::types::Type;
use crate::value::{Data, Value};

/// An extern function of v1model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Drop,
    Hash,
    Random,
    Digest,
    Verify { with_payload: bool },
    Update { with_payload: bool },
    Clone,
    Resubmit,
    Recirculate,
    Truncate,
    Claim(ClaimKind),
    Log,
}

impl Function {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "mark_to_drop" => Self::Drop,
            "hash" => Self::Hash,
            "random" => Self::Random,
            "digest" => Self::Digest,
            "verify_checksum" => Self::Verify {
                with_payload: false,
            },
            "verify_checksum_with_payload" => Self::Verify { with_payload: true },
            "update_checksum" => Self::Update {
                with_payload: false,
            },
            "update_checksum_with_payload" => Self::Update { with_payload: true },
            "clone" | "clone3" | "clone_preserving_field_list" => Self::Clone,
            "resubmit" | "resubmit_preserving_field_list" => Self::Resubmit,
            "recirculate" | "recirculate_preserving_field_list" => Self::Recirculate,
            "truncate" => Self::Truncate,
            "assert" => Self::Claim(ClaimKind::Assert),
            "assume" => Self::Claim(ClaimKind::Assume),
            "log_msg" => Self::Log,
            _ => return None,
        })
    }

    /// Where it may be called.
    fn places(self) -> &'static [Unit] {
        match self {
            Self::Drop => &[Unit::Control, Unit::Action, Unit::Parser],
            Self::Hash | Self::Claim(_) | Self::Log => {
                &[Unit::Control, Unit::Action, Unit::Parser, Unit::Deparser]
            }
            Self::Random
            | Self::Digest
            | Self::Verify { .. }
            | Self::Update { .. }
            | Self::Clone
            | Self::Resubmit
            | Self::Recirculate
            | Self::Truncate => &[Unit::Control, Unit::Action],
        }
    }
}

impl<'a> Lower<'a> {
    /// Calls a function of v1model; nothing if it has none of this name.
    pub(super) fn call_v1_function(
        &mut self,
        prototype: &'a ast::FunctionPrototype,
        call: &'a typing::Call<'a>,
        span: Span,
    ) -> Option<Value> {
        let name = &prototype.name.text;
        let function = Function::of(name)?;
        let possible = function.places();
        if !possible.contains(&self.unit) {
            self.error(
                span,
                crate::error::ErrorKind::CallPlace {
                    callee: name.clone(),
                    place: self.unit.name(),
                    possible: Unit::names(possible),
                },
            );
            return Some(Value::poison());
        }
        let Some(given) = self.arguments(call, span) else {
            return Some(Value::poison());
        };
        let done = match function {
            Function::Drop => self.mark_to_drop(given.first(), span),
            Function::Hash => self.hash_in_range(&given, span),
            Function::Random => self.random_in_range(&given, span),
            Function::Digest => self.send_digest(&given, span),
            Function::Verify { with_payload } => self.verify_checksum(&given, with_payload, span),
            Function::Update { with_payload } => self.update_checksum(&given, with_payload, span),
            Function::Clone => self.clone_packet(name, &given, span),
            Function::Resubmit | Function::Recirculate => {
                self.start_again(name, &given, function == Function::Resubmit, span)
            }
            Function::Truncate => self.truncate(&given, span),
            Function::Claim(kind) => self.claim(kind, &given, span),
            Function::Log => self.log(&given, span),
        };
        Some(match done {
            Some(()) => Value::void(),
            None => Value::poison(),
        })
    }

    /// Adds a call of v1model without results.
    fn emit_v1(&mut self, call: V1Call, span: Span) {
        self.emit(
            span,
            StmtKind::Call(Call {
                kind: CallKind::V1(call),
                outs: Vec::new(),
            }),
        );
    }

    /// A scalar that the program does not name: its place and what it reads as.
    fn wide_temporary(&mut self, width: u32, span: Span) -> Option<(p4rmt_ir::Place, Expr)> {
        let slot = self.scalar_temporary("v1", &Type::bit(width), span)?;
        Some((slot.place(), slot.read()))
    }

    /// Stores a value of so many bits in an `out` argument of a scalar type, cut or extended.
    fn store_out(&mut self, arg: &Arg<'a>, value: Expr, width: u32, span: Span) -> Option<()> {
        let Arg::Place(ty, storage) = arg else {
            return Some(());
        };
        let Some(wanted) = ty.scalar_width() else {
            self.mismatch(span, "a number with a width", ty);
            return None;
        };
        let value = fold::resize(value, width, wanted, false);
        self.assign_storage(storage, &Value::scalar(ty.clone(), value), span);
        Some(())
    }

    /// The scalar of an argument and its width; a number without one has 64 bits.
    fn number(&mut self, arg: Option<&Arg<'a>>, span: Span) -> Option<(Expr, u32)> {
        let value = arg?.value()?.clone();
        let value = match value.ty {
            Type::Int => self.converted(value, &Type::bit(64), span),
            _ => value,
        };
        let expr = self.read(&value, span)?;
        let width = expr.width_in(&self.gress.fields);
        Some((expr, width))
    }

    /// `mark_to_drop(standard_metadata)`: to port 511 and no multicast group. Without an argument it
    /// is about the metadata of the packet.
    fn mark_to_drop(&mut self, arg: Option<&Arg<'a>>, span: Span) -> Option<()> {
        for (name, value) in [("egress_spec", u64::MAX), ("mcast_grp", 0)] {
            let leaf = match arg {
                Some(Arg::Place(Type::Record(record), storage)) => {
                    let position = record.fields.iter().position(|field| field.name == name);
                    position.and_then(|position| storage.part(position))
                }
                _ => {
                    let field = self.intrinsic(name);
                    field.map(|field| {
                        let width = self.gress.fields[field].width;
                        Storage::Leaf(crate::storage::Slot::whole(Base::Field(field), width))
                    })
                }
            };
            if let Some(Storage::Leaf(slot)) = leaf {
                let value = fold::constant(slot.width(), value);
                self.emit_assign(span, slot.place(), value);
            }
        }
        Some(())
    }

    /// A field of the standard metadata; nothing where a block is only checked.
    fn intrinsic(&self, name: &str) -> Option<p4rmt_ir::FieldId> {
        let name = format!("standard_metadata_t.{name}");
        self.gress.intrinsics.get(&name).copied()
    }

    /// `random(result, lo, hi)`: a draw that is so wide that no value between the bounds is much
    /// likelier than another, brought between them.
    fn random_in_range(&mut self, args: &[Arg<'a>], span: Span) -> Option<()> {
        /// How much wider the draw is than the bounds.
        const EXTRA_BITS: u32 = 64;
        let (lo, lo_width) = self.number(args.get(1), span)?;
        let (hi, hi_width) = self.number(args.get(2), span)?;
        let width = lo_width.max(hi_width);
        let wide = (width + EXTRA_BITS).min(Bits::MAX_WIDTH);
        let random = self.gress.randoms.push(Random {
            name: self.dotted("random"),
            width: wide,
            span,
        });
        let (place, drawn) = self.wide_temporary(wide, span)?;
        self.emit(
            span,
            StmtKind::Call(Call {
                kind: CallKind::Random { random },
                outs: vec![Some(place)],
            }),
        );
        let lo = fold::resize(lo, lo_width, wide, false);
        let hi = fold::resize(hi, hi_width, wide, false);
        let n_values = fold::binary(
            p4rmt_ir::BinaryOp::Add,
            fold::binary(p4rmt_ir::BinaryOp::Sub, hi, lo.clone()),
            fold::constant(wide, 1),
        );
        let offset = fold::binary(p4rmt_ir::BinaryOp::RemU, drawn, n_values);
        let value = fold::binary(p4rmt_ir::BinaryOp::Add, lo, offset);
        self.store_out(args.first()?, value, wide, span)
    }

    /// `truncate(length)`.
    fn truncate(&mut self, args: &[Arg<'a>], span: Span) -> Option<()> {
        let (length, _) = self.number(args.first(), span)?;
        self.emit_v1(V1Call::Truncate { length }, span);
        Some(())
    }

    /// `assert(check)`, `assume(check)`.
    fn claim(&mut self, kind: ClaimKind, args: &[Arg<'a>], span: Span) -> Option<()> {
        let (cond, _) = self.number(args.first(), span)?;
        self.emit_v1(V1Call::Claim { kind, cond }, span);
        Some(())
    }

    /// `log_msg(text)`, `log_msg(text, { a, b })`.
    fn log(&mut self, given: &[Arg<'a>], span: Span) -> Option<()> {
        let values = match given.get(1).and_then(Arg::value) {
            Some(value) => {
                let value = value.clone();
                self.flatten(&value, span)?
            }
            None => Vec::new(),
        };
        let Some(Data::Str(text)) = given.first().and_then(Arg::value).map(|text| &text.data)
        else {
            self.not_constant(span);
            return None;
        };
        let format = text.to_string();
        self.emit_v1(V1Call::Log { format, values }, span);
        Some(())
    }
}
