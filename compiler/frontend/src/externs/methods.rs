//! Methods of the externs of TNA and T2NA: what a call of each does.

use p4rmt_ir::{Bits, CallKind, ChecksumOp, Expr, GressRole, StmtKind};
use p4rmt_source::Span;
use p4rmt_typing::Call;

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::{ExternKind, ExternObject};
use crate::lower::{Lower, Unit};
use crate::storage::Slot;
use crate::types::Type;
use crate::value::Value;

/// Bits of the data that a checksum unit sums at a time.
const CHECKSUM_UNIT: u32 = 16;
/// Bits of a byte.
const BYTE: u32 = 8;

impl<'a> Lower<'a> {
    /// Calls a method of an extern.
    pub(crate) fn call_method(
        &mut self,
        object: &ExternObject<'a>,
        name: &str,
        call: &'a Call<'a>,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        let possible = places(&object.kind);
        if !possible.contains(&self.unit) {
            let kind = ErrorKind::CallPlace {
                callee: format!("{}.{name}", object.decl.name.text),
                place: self.unit.name(),
                possible: Unit::names(possible),
            };
            self.error(span, kind);
            return Value::poison();
        }
        let Some(evaluated) = self.arguments(call, span) else {
            return Value::poison();
        };
        let result = self.concrete(call.result, span);
        self.run_method(object, name, &evaluated, result, dest, span)
    }

    /// What a method does.
    pub(crate) fn run_method(
        &mut self,
        object: &ExternObject<'a>,
        name: &str,
        args: &[Arg<'a>],
        result: Type,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        if self.role == GressRole::Whole
            && let Some(value) = self.run_v1_method(object, name, args, span)
        {
            return value;
        }
        let is_direct = object.decl.name.text.starts_with("Direct");
        match (&object.kind, name) {
            (ExternKind::RegisterAction(action), "execute") => {
                self.execute(*action, args, &result, dest, is_direct, span)
            }
            (ExternKind::OwnAction(memory), _) => {
                self.run_own_method(name, memory, args, result, span)
            }
            (ExternKind::RegisterParam(value), "read") => value.clone(),
            (ExternKind::Register(register, ty), "read" | "write") if !is_direct => {
                self.register_access(*register, ty, name == "write", args, span)
            }
            (ExternKind::Counter(counter), "count") => {
                let index = if is_direct {
                    None
                } else {
                    match args.first().and_then(Arg::value).cloned() {
                        Some(value) => match self.read_index(&value, span) {
                            Some(index) => Some(index),
                            None => return Value::poison(),
                        },
                        None => return Value::poison(),
                    }
                };
                let adjust = args.get(usize::from(!is_direct)).and_then(Arg::value);
                if let Some(adjust) = adjust.cloned() {
                    let Some(bytes) = self.byte_adjustment(&adjust, span) else {
                        return Value::poison();
                    };
                    let unit = &mut self.gress.counters[*counter];
                    let before = std::mem::replace(&mut unit.adjust_bytes, bytes);
                    let name = unit.name.clone();
                    self.check_adjustment(name, before, bytes, span);
                }
                self.emit(
                    span,
                    StmtKind::Call(p4rmt_ir::Call {
                        kind: CallKind::Count {
                            counter: *counter,
                            index,
                        },
                        outs: Vec::new(),
                    }),
                );
                Value::void()
            }
            (ExternKind::Meter(meter), "execute") => {
                self.run_meter(*meter, args, is_direct, &result, dest, span)
            }
            (ExternKind::Filter(filter, ty), "execute") => {
                self.run_filter(*filter, args, is_direct, ty, dest, span)
            }
            (ExternKind::ParserCounter(counter), _) => {
                self.run_parser_counter(counter, name, args, span)
            }
            (ExternKind::ParserPriority, "set") => Value::void(),
            (ExternKind::PacketGenerator, "emit") => {
                if let Some(header) = self.data(args.first(), Some(BYTE), span) {
                    let kind = CallKind::Generate { header };
                    let outs = Vec::new();
                    self.emit(span, StmtKind::Call(p4rmt_ir::Call { kind, outs }));
                }
                Value::void()
            }
            (ExternKind::Hash(hash, ty), "get") => {
                let Some(args) = self.data(args.first(), None, span) else {
                    return Value::poison();
                };
                let ty = ty.clone();
                self.call_with_result(CallKind::Hash { hash: *hash, args }, &ty, dest, span)
            }
            (ExternKind::Random(random, ty), "get") => {
                let ty = ty.clone();
                self.call_with_result(CallKind::Random { random: *random }, &ty, dest, span)
            }
            (ExternKind::MathUnit(unit), "execute") => {
                let Some(value) = args.first().and_then(Arg::value).cloned() else {
                    return Value::poison();
                };
                match (result.scalar_width(), self.read(&value, span)) {
                    (Some(width), Some(arg)) => Value::scalar(
                        result,
                        Expr::MathUnit {
                            unit: *unit,
                            arg: Box::new(arg),
                            width,
                        },
                    ),
                    _ => Value::poison(),
                }
            }
            (ExternKind::Checksum(unit), _) => {
                self.run_checksum(*unit, name, args, &result, dest, span)
            }
            (ExternKind::Mirror(mirror_type), "emit") => {
                let Some(session) = args.first().and_then(Arg::value).cloned() else {
                    return Value::poison();
                };
                let header = match args.get(1) {
                    None => Some(Vec::new()),
                    arg => {
                        let value = arg.and_then(Arg::value);
                        let is_header = value.is_some_and(|value| value.ty.as_header().is_some());
                        self.data(arg, (!is_header).then_some(BYTE), span)
                            .map(|header| self.in_bytes(header))
                    }
                };
                if let (Some(session), Some(header)) = (self.read_index(&session, span), header) {
                    self.emit(
                        span,
                        StmtKind::Call(p4rmt_ir::Call {
                            kind: CallKind::Mirror {
                                mirror_type: *mirror_type,
                                session,
                                header,
                            },
                            outs: Vec::new(),
                        }),
                    );
                }
                Value::void()
            }
            (ExternKind::Resubmit(resubmit_type), "emit") => {
                let header = match args.first() {
                    None => Some(Vec::new()),
                    arg => self.data(arg, None, span),
                };
                if let Some(header) = header.map(|header| self.in_bytes(header)) {
                    self.emit(
                        span,
                        StmtKind::Call(p4rmt_ir::Call {
                            kind: CallKind::Resubmit {
                                resubmit_type: *resubmit_type,
                                header,
                            },
                            outs: Vec::new(),
                        }),
                    );
                }
                Value::void()
            }
            (ExternKind::Digest(digest), "pack") => {
                if let Some(fields) = self.data(args.first(), None, span) {
                    self.emit(
                        span,
                        StmtKind::Call(p4rmt_ir::Call {
                            kind: CallKind::Digest {
                                digest: *digest,
                                receiver: None,
                                fields,
                            },
                            outs: Vec::new(),
                        }),
                    );
                }
                Value::void()
            }
            _ => {
                let kind = ErrorKind::ExternMethod {
                    object: object.decl.name.text.clone(),
                    method: name.to_owned(),
                };
                self.error(span, kind);
                Value::poison()
            }
        }
    }

    /// The data with zeros behind them, where they are short of a byte.
    fn in_bytes(&self, mut data: Vec<Expr>) -> Vec<Expr> {
        let widths = data.iter();
        let widths = widths.map(|expr| expr.width_in(&self.gress.fields));
        let rest = widths.sum::<u32>() % BYTE;
        if rest > 0 {
            data.push(Expr::Const(Bits::zero(BYTE - rest)));
        }
        data
    }

    /// All scalars of an argument, a multiple of so many bits in all.
    pub(crate) fn data(
        &mut self,
        arg: Option<&Arg<'a>>,
        unit: Option<u32>,
        span: Span,
    ) -> Option<Vec<Expr>> {
        let value = arg?.value()?.clone();
        let exprs = self.flatten(&value, span)?;
        if let Some(unit) = unit {
            let bits: u32 = exprs
                .iter()
                .map(|expr| expr.width_in(&self.gress.fields))
                .sum();
            if !bits.is_multiple_of(unit) {
                self.error(span, ErrorKind::Alignment { bits, unit });
                return None;
            }
        }
        Some(exprs)
    }

    /// Adds a call with one result.
    pub(crate) fn call_with_result(
        &mut self,
        kind: CallKind,
        ty: &Type,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        let width = ty.scalar_width();
        let slot = match dest.filter(|dest| Some(dest.width()) == width) {
            Some(dest) => Some(dest),
            None => self.scalar_temporary("out", ty, span),
        };
        let Some(slot) = slot else {
            return Value::poison();
        };
        self.emit(
            span,
            StmtKind::Call(p4rmt_ir::Call {
                kind,
                outs: vec![Some(slot.place())],
            }),
        );
        Value::slot(ty.clone(), slot)
    }

    /// `register.read(index)`, `register.write(index, value)`.
    pub(crate) fn register_access(
        &mut self,
        register: p4rmt_ir::RegisterId,
        ty: &Type,
        is_write: bool,
        args: &[Arg<'a>],
        span: Span,
    ) -> Value {
        let Some(index) = args.first().and_then(Arg::value).cloned() else {
            return Value::poison();
        };
        let Some(index) = self.read_index(&index, span) else {
            return Value::poison();
        };
        if is_write {
            let Some(value) = args.get(1).and_then(Arg::value).cloned() else {
                return Value::poison();
            };
            if let Some(values) = self.flatten(&value, span) {
                self.emit(
                    span,
                    StmtKind::Call(p4rmt_ir::Call {
                        kind: CallKind::RegisterWrite {
                            register,
                            index,
                            values,
                        },
                        outs: Vec::new(),
                    }),
                );
            }
            return Value::void();
        }
        let Some(storage) = self.temporary("read", ty, span) else {
            return Value::poison();
        };
        let mut outs = Vec::new();
        storage.visit_leaves(&mut |slot| outs.push(Some(slot.place())));
        self.emit(
            span,
            StmtKind::Call(p4rmt_ir::Call {
                kind: CallKind::RegisterRead { register, index },
                outs,
            }),
        );
        Value::place(ty.clone(), storage)
    }

    /// `meter.execute(…)`.
    pub(crate) fn run_meter(
        &mut self,
        meter: p4rmt_ir::MeterId,
        args: &[Arg<'a>],
        is_direct: bool,
        result: &Type,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        let mut args = args.iter();
        let index = if is_direct {
            None
        } else {
            match args.next().and_then(Arg::value).cloned() {
                Some(value) => match self.read_index(&value, span) {
                    Some(index) => Some(index),
                    None => return Value::poison(),
                },
                None => return Value::poison(),
            }
        };
        let mut color = None;
        for arg in args {
            let Some(value) = arg.value().cloned() else {
                continue;
            };
            if matches!(value.ty, Type::Enum(_)) {
                color = self.read(&value, span);
            } else {
                let Some(bytes) = self.byte_adjustment(&value, span) else {
                    return Value::poison();
                };
                let unit = &mut self.gress.meters[meter];
                let before = std::mem::replace(&mut unit.adjust_bytes, bytes);
                let name = unit.name.clone();
                self.check_adjustment(name, before, bytes, span);
            }
        }
        self.call_with_result(
            CallKind::Meter {
                meter,
                index,
                color,
            },
            result,
            dest,
            span,
        )
    }

    /// The bytes that a packet counts less: a constant, read as a signed number of 32 bits.
    fn byte_adjustment(&mut self, value: &Value, span: Span) -> Option<i32> {
        let Some(number) = value.as_number() else {
            self.not_constant(span);
            return None;
        };
        let bits = Bits::from_bigint(32, &number).low_u64();
        Some(bits as u32 as i32)
    }

    /// A unit has one adjustment for all its calls.
    fn check_adjustment(&mut self, name: String, before: i32, bytes: i32, span: Span) {
        if before != 0 && before != bytes {
            let first = i64::from(before);
            let second = i64::from(bytes);
            self.error(
                span,
                ErrorKind::SecondAdjustment {
                    name,
                    first,
                    second,
                },
            );
        }
    }

    /// `filter.execute(value [, index])`.
    fn run_filter(
        &mut self,
        meter: p4rmt_ir::MeterId,
        args: &[Arg<'a>],
        is_direct: bool,
        result: &Type,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        let Some(value) = args.first().and_then(Arg::value).cloned() else {
            return Value::poison();
        };
        let index = match args.get(1).and_then(Arg::value).cloned() {
            Some(index) if !is_direct => match self.read_index(&index, span) {
                Some(index) => Some(index),
                None => return Value::poison(),
            },
            _ => None,
        };
        let Some(value) = self.read(&value, span) else {
            return Value::poison();
        };
        let kind = CallKind::Filter {
            meter,
            index,
            value,
        };
        self.call_with_result(kind, result, dest, span)
    }

    /// Methods of a checksum unit.
    pub(crate) fn run_checksum(
        &mut self,
        unit: p4rmt_ir::ChecksumId,
        name: &str,
        args: &[Arg<'a>],
        result: &Type,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        let op = match name {
            "add" => ChecksumOp::Add,
            "subtract" => ChecksumOp::Subtract,
            "verify" => ChecksumOp::Verify,
            "get" => ChecksumOp::Get,
            "update" => {
                let zeros_as_ones = match args.get(1).and_then(Arg::value) {
                    None => false,
                    Some(value) => match value.as_bits() {
                        Some(bits) => bits.is_true(),
                        None => {
                            self.not_constant(span);
                            return Value::poison();
                        }
                    },
                };
                ChecksumOp::Update { zeros_as_ones }
            }
            "subtract_all_and_deposit" => ChecksumOp::SubtractAllAndDeposit,
            _ => {
                self.error(
                    span,
                    ErrorKind::ExternMethod {
                        object: "Checksum".to_owned(),
                        method: name.to_owned(),
                    },
                );
                return Value::poison();
            }
        };
        if op == ChecksumOp::SubtractAllAndDeposit {
            let Some(Arg::Place(_, crate::storage::Storage::Leaf(slot))) = args.first() else {
                self.error(span, p4rmt_typing::ErrorKind::NotAssignable);
                return Value::poison();
            };
            let kind = CallKind::Checksum {
                unit,
                op,
                args: Vec::new(),
            };
            let outs = vec![Some(slot.place())];
            self.emit(span, StmtKind::Call(p4rmt_ir::Call { kind, outs }));
            return Value::void();
        }
        let data = if args.is_empty() {
            Vec::new()
        } else {
            match self.data(args.first(), Some(BYTE), span) {
                Some(mut data) => {
                    let bits: u32 = data
                        .iter()
                        .map(|expr| expr.width_in(&self.gress.fields))
                        .sum();
                    // An odd byte at the end is the high one of a unit.
                    if !bits.is_multiple_of(CHECKSUM_UNIT) {
                        data.push(Expr::Const(Bits::zero(
                            CHECKSUM_UNIT - bits % CHECKSUM_UNIT,
                        )));
                    }
                    data
                }
                None => return Value::poison(),
            }
        };
        let kind = CallKind::Checksum {
            unit,
            op,
            args: data,
        };
        if *result == Type::Void {
            self.emit(
                span,
                StmtKind::Call(p4rmt_ir::Call {
                    kind,
                    outs: Vec::new(),
                }),
            );
            return Value::void();
        }
        self.call_with_result(kind, result, dest, span)
    }
}

/// The parts of the pipe in which the machine has the unit.
fn places(kind: &ExternKind) -> &'static [Unit] {
    match kind {
        ExternKind::Register(..)
        | ExternKind::RegisterAction(_)
        | ExternKind::Counter(_)
        | ExternKind::Meter(_)
        | ExternKind::Filter(..)
        | ExternKind::Hash(..)
        | ExternKind::Random(..) => &[Unit::Control, Unit::Action],
        ExternKind::OwnAction(_) | ExternKind::RegisterParam(_) | ExternKind::MathUnit(_) => {
            &[Unit::RegisterAction]
        }
        ExternKind::Checksum(_) => &[Unit::Parser, Unit::Deparser],
        ExternKind::Mirror(_) | ExternKind::Resubmit(_) | ExternKind::Digest(_) => {
            &[Unit::Deparser]
        }
        ExternKind::PacketGenerator => &[Unit::Deparser],
        ExternKind::ParserCounter(_) | ExternKind::ParserPriority => &[Unit::Parser],
        ExternKind::Checksum16(_) => &[Unit::Parser, Unit::Control, Unit::Action, Unit::Deparser],
        ExternKind::Polynomial(_) | ExternKind::Layout(_) | ExternKind::Profile(_) => &[],
    }
}
