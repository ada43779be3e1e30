//! The externs of TNA and T2NA: what their constructors make and what their methods do.

use p4rmt_ir::{
    Bits, Call, CallKind, Checksum, ChecksumOp, CountKind, Counter, CrcPolynomial, Digest, Expr,
    Hash, HashAlgorithm, MathUnit, Meter, Random, StmtKind,
};
use p4rmt_source::Span;
use p4rmt_syntax::ast;

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::math_unit::Function;
use crate::externs::{Construction, ExternKind, ExternObject, hash};
use crate::fold;
use crate::lower::{Lower, Unit};
use crate::scope::{Binding, Object};
use crate::storage::Slot;
use crate::types::Type;
use crate::value::Value;

/// Bits of the data that a checksum unit sums at a time.
const CHECKSUM_UNIT: u32 = 16;
/// Bits of a byte.
const BYTE: u32 = 8;

impl<'a> Lower<'a> {
    /// What a constructor makes.
    pub(super) fn make_extern(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let span = made.span;
        match made.decl.name.text.as_str() {
            "Register" | "DirectRegister" => self.make_register(made),
            "RegisterAction"
            | "RegisterAction2"
            | "RegisterAction3"
            | "RegisterAction4"
            | "DirectRegisterAction"
            | "DirectRegisterAction2"
            | "DirectRegisterAction3"
            | "DirectRegisterAction4" => self.make_register_action(made),
            "RegisterParam" => {
                let value = made.args.first()?.value()?.clone();
                self.warning(
                    "W4001",
                    span,
                    "a register parameter keeps its first value: the control plane cannot change it",
                );
                Some(ExternKind::RegisterParam(value))
            }
            "Counter" | "DirectCounter" => self.make_counter(made),
            "Meter" | "DirectMeter" => self.make_meter(made),
            "Hash" => self.make_hash(made),
            "CRCPolynomial" => self.make_polynomial(made),
            "Random" => {
                let ty = made.types.first()?.clone();
                let width = self.number_width(&ty, span)?;
                let id = self.gress.randoms.push(Random {
                    name: made.name.clone(),
                    width,
                    span,
                });
                Some(ExternKind::Random(id, ty))
            }
            "MathUnit" => self.make_math_unit(made),
            "Checksum" => {
                let id = self.gress.checksums.push(Checksum {
                    name: made.name.clone(),
                    span,
                });
                Some(ExternKind::Checksum(id))
            }
            "Mirror" => Some(ExternKind::Mirror(self.constant_arg(made))),
            "Resubmit" => Some(ExternKind::Resubmit(self.constant_arg(made))),
            "Digest" => self.make_digest(made),
            "Alpm" | "Atcam" | "IdleTimeout" => Some(ExternKind::Layout),
            other => {
                self.error(
                    span,
                    &ErrorKind::Extern {
                        name: other.to_owned(),
                    },
                );
                None
            }
        }
    }

    /// The first argument as a small number.
    fn constant_arg(&mut self, made: &Construction<'a, '_>) -> Option<u32> {
        let number = made.args.first()?.value()?.as_number()?;
        u32::try_from(&number).ok()
    }

    /// The width of a type that must be a number.
    fn number_width(&mut self, ty: &Type, span: Span) -> Option<u32> {
        let width = ty.scalar_width();
        if width.is_none() {
            self.mismatch_text(span, "a number with a width", ty);
        }
        width
    }

    /// The name of the member of an enumeration that a constant argument is.
    fn member_arg(&mut self, arg: Option<&Arg<'a>>, span: Span) -> Option<String> {
        let value = arg?.value()?;
        let Type::Enum(enumeration) = &value.ty else {
            self.mismatch_text(span, "a member of an enum", &value.ty.clone());
            return None;
        };
        let bits = value.as_bits()?;
        enumeration
            .members
            .iter()
            .find(|(_, member)| member == bits)
            .map(|(name, _)| name.clone())
    }

    /// What a counter or meter counts.
    fn count_kind(&mut self, arg: Option<&Arg<'a>>, span: Span) -> Option<CountKind> {
        match self.member_arg(arg, span)?.to_ascii_uppercase().as_str() {
            "PACKETS" => Some(CountKind::Packets),
            "BYTES" => Some(CountKind::Bytes),
            _ => Some(CountKind::PacketsAndBytes),
        }
    }

    /// `Counter<W, I>(size, type)`, `DirectCounter<W>(type)`.
    fn make_counter(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let is_direct = made.decl.name.text == "DirectCounter";
        let ty = made.types.first()?.clone();
        let width = self.number_width(&ty, made.span)?;
        let (size, kind) = self.cells(made, is_direct)?;
        let id = self.gress.counters.push(Counter {
            name: made.name.clone(),
            kind,
            width,
            size,
            span: made.span,
        });
        Some(ExternKind::Counter(id))
    }

    /// The size, 0 for a direct one, and what is counted.
    fn cells(&mut self, made: &Construction<'a, '_>, is_direct: bool) -> Option<(u64, CountKind)> {
        if is_direct {
            return Some((0, self.count_kind(made.args.first(), made.span)?));
        }
        let size = made.args.first()?.value()?.as_number()?;
        let size = self.bounded(&size, made.span, 1, 1 << 32)?;
        Some((size, self.count_kind(made.args.get(1), made.span)?))
    }

    /// `Meter<I>(size, type)`, `DirectMeter(type)`, with or without colours.
    fn make_meter(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let is_direct = made.decl.name.text == "DirectMeter";
        let (size, kind) = self.cells(made, is_direct)?;
        let first = if is_direct { 1 } else { 2 };
        // The constructor names red, yellow, green, in this order.
        let color = |position: usize, default: u64| {
            made.args
                .get(first + position)
                .and_then(Arg::value)
                .filter(|value| value.ty.scalar_width() == Some(8))
                .and_then(|value| value.as_bits().cloned())
                .unwrap_or_else(|| Bits::from_u64(8, default))
        };
        let colors = [color(2, 0), color(1, 1), color(0, 3)];
        let id = self.gress.meters.push(Meter {
            name: made.name.clone(),
            kind,
            size,
            colors,
            span: made.span,
        });
        Some(ExternKind::Meter(id))
    }

    /// `Hash<W>(algorithm)`, `Hash<W>(algorithm, polynomial)`.
    fn make_hash(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let ty = made.types.first()?.clone();
        let width = self.number_width(&ty, made.span)?;
        let name = self.member_arg(made.args.first(), made.span)?;
        let algorithm = match made.args.get(1) {
            Some(Arg::Object(Binding::Object(Object::Extern(polynomial)))) => {
                match &polynomial.kind {
                    ExternKind::Polynomial(polynomial) => HashAlgorithm::Crc(polynomial.clone()),
                    _ => {
                        self.mismatch_text(made.span, "a CRC polynomial", &Type::Void);
                        return None;
                    }
                }
            }
            _ => match hash::algorithm(&name) {
                Some(algorithm) => algorithm,
                None => {
                    self.error(
                        made.span,
                        &ErrorKind::MissingArgument {
                            callee: "Hash".to_owned(),
                            name: "poly".to_owned(),
                        },
                    );
                    return None;
                }
            },
        };
        let id = self.gress.hashes.push(Hash {
            name: made.name.clone(),
            algorithm,
            width,
            span: made.span,
        });
        Some(ExternKind::Hash(id, ty))
    }

    /// `CRCPolynomial<T>(coeff, reversed, msb, extended, init, xor)`.
    fn make_polynomial(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let ty = made.types.first()?.clone();
        let width = self.number_width(&ty, made.span)?;
        if !matches!(width, 8 | 16 | 32 | 64) {
            self.mismatch_text(made.span, "`bit` of 8, 16, 32 or 64", &ty);
            return None;
        }
        let number = |position: usize| {
            let value = made.args.get(position)?.value()?.as_number()?;
            Bits::from_bigint(width, &value).to_u64()
        };
        let truth = |position: usize| {
            let value = made.args.get(position)?.value()?;
            Some(value.as_bits()?.is_true())
        };
        if truth(2)? {
            self.unsupported(made.span, "a CRC polynomial with `msb` set");
            return None;
        }
        Some(ExternKind::Polynomial(CrcPolynomial {
            width,
            poly: number(0)?,
            init: number(4)?,
            xor_out: number(5)?,
            is_reflected: truth(1)?,
        }))
    }

    /// `MathUnit<T>(op, factor)`, `MathUnit<T>(op, a, b)`, `MathUnit<T>(invert, shift, scale, table)`.
    fn make_math_unit(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let values: Vec<Value> = made
            .args
            .iter()
            .filter_map(|arg| arg.value().cloned())
            .collect();
        let unit = if values.len() == 4 {
            let table_value = values[3].clone();
            let exprs = self.flatten(&table_value, made.span)?;
            let mut table = [0; 16];
            // The list begins with the value of the largest input.
            for (position, expr) in exprs.iter().take(16).enumerate() {
                let value = fold::as_const(expr)?.low_u64();
                table[15 - position] = u8::try_from(value).ok()?;
            }
            MathUnit {
                name: made.name.clone(),
                is_inverted: values[0].as_bits()?.is_true(),
                shift: i8::try_from(&values[1].as_number()?).ok()?,
                scale: i8::try_from(&values[2].as_number()?).ok()?,
                table,
                span: made.span,
            }
        } else {
            let op = self.member_arg(made.args.first(), made.span)?;
            let function = Function::of(&op)?;
            let number = |position: usize| -> Option<f64> {
                let number = i64::try_from(&values.get(position)?.as_number()?).ok()?;
                Some(number as f64)
            };
            let numerator = number(1)?;
            let denominator = number(2).unwrap_or(1.0);
            if numerator < 0.0 || denominator <= 0.0 {
                self.error(
                    made.span,
                    &ErrorKind::Division {
                        lhs: numerator.to_string(),
                        rhs: denominator.to_string(),
                    },
                );
                return None;
            }
            let table = function.table(numerator / denominator);
            MathUnit {
                name: made.name.clone(),
                is_inverted: function.is_inverted,
                shift: function.shift,
                scale: table.scale,
                table: table.values,
                span: made.span,
            }
        };
        Some(ExternKind::MathUnit(self.gress.math_units.push(unit)))
    }

    /// `Digest<T>(type)`.
    fn make_digest(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let ty = made.types.first()?.clone();
        let mut fields = Vec::new();
        digest_fields("", &ty, &mut fields);
        if fields.is_empty() {
            self.mismatch_text(made.span, "a struct of numbers", &ty);
            return None;
        }
        let id = self.gress.digests.push(Digest {
            name: made.name.clone(),
            fields,
            span: made.span,
        });
        Some(ExternKind::Digest(id))
    }

    /// Calls a method of an extern.
    pub(crate) fn call_method(
        &mut self,
        object: &ExternObject<'a>,
        name: &'a ast::Name,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        let type_name = object.decl.name.text.clone();
        let Some(method) = self.method(object.decl, &name.text, args, false) else {
            self.error(
                name.span,
                &ErrorKind::UnknownMethod {
                    object: type_name,
                    method: name.text.clone(),
                    available: args.len(),
                },
            );
            return Value::poison();
        };
        if !is_place(&object.kind, self.unit) {
            let place = self.unit.name();
            self.error(
                span,
                &ErrorKind::ExternPlace {
                    object: type_name,
                    method: name.text.clone(),
                    place,
                },
            );
            return Value::poison();
        }
        let outer = self.scopes.open(Some(self.global));
        for (param, ty) in object.decl.type_params.iter().zip(&object.args) {
            self.scopes
                .bind(outer, &param.text, Binding::Type(ty.clone()));
        }
        let callee = format!("{type_name}.{}", name.text);
        let Some(scope) = self.type_scope(&callee, &method.type_params, type_args, outer, span)
        else {
            return Value::poison();
        };
        let Some(evaluated) = self.arguments(&callee, &method.params, args, scope, span) else {
            return Value::poison();
        };
        let result = match &method.kind {
            ast::MethodKind::Method { result, .. } => self.type_in(scope, result),
            ast::MethodKind::Constructor => Type::Void,
        };
        self.run_method(object, &name.text, &evaluated, result, dest, span)
    }

    /// What a method does.
    fn run_method(
        &mut self,
        object: &ExternObject<'a>,
        name: &str,
        args: &[Arg<'a>],
        result: Type,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        let is_direct = object.decl.name.text.starts_with("Direct");
        match (&object.kind, name) {
            (ExternKind::RegisterAction(action), "execute") => {
                self.execute(*action, args, &result, dest, is_direct, span)
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
                if !matches!(args.last(), None | Some(Arg::Omitted))
                    && args.len() > usize::from(!is_direct)
                {
                    self.unsupported(span, "adjusting the byte count of a counter");
                    return Value::poison();
                }
                self.emit(
                    span,
                    StmtKind::Call(Call {
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
                    arg => self.data(arg, Some(BYTE), span),
                };
                if let (Some(session), Some(header)) = (self.read_index(&session, span), header) {
                    self.emit(
                        span,
                        StmtKind::Call(Call {
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
                    arg => self.data(arg, Some(BYTE), span),
                };
                if let Some(header) = header {
                    self.emit(
                        span,
                        StmtKind::Call(Call {
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
                        StmtKind::Call(Call {
                            kind: CallKind::Digest {
                                digest: *digest,
                                fields,
                            },
                            outs: Vec::new(),
                        }),
                    );
                }
                Value::void()
            }
            _ => {
                self.error(
                    span,
                    &ErrorKind::ExternMethod {
                        object: object.decl.name.text.clone(),
                        method: name.to_owned(),
                    },
                );
                Value::poison()
            }
        }
    }

    /// All scalars of an argument, a multiple of so many bits in all.
    fn data(&mut self, arg: Option<&Arg<'a>>, unit: Option<u32>, span: Span) -> Option<Vec<Expr>> {
        let value = arg?.value()?.clone();
        let exprs = self.flatten(&value, span)?;
        if let Some(unit) = unit {
            let bits: u32 = exprs
                .iter()
                .map(|expr| expr.width_in(&self.gress.fields))
                .sum();
            if !bits.is_multiple_of(unit) {
                self.error(span, &ErrorKind::Alignment { bits, unit });
                return None;
            }
        }
        Some(exprs)
    }

    /// Adds a call with one result.
    fn call_with_result(
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
            StmtKind::Call(Call {
                kind,
                outs: vec![Some(slot.place())],
            }),
        );
        Value::slot(ty.clone(), slot)
    }

    /// `register.read(index)`, `register.write(index, value)`.
    fn register_access(
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
                    StmtKind::Call(Call {
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
            StmtKind::Call(Call {
                kind: CallKind::RegisterRead { register, index },
                outs,
            }),
        );
        Value::place(ty.clone(), storage)
    }

    /// `meter.execute(…)`.
    fn run_meter(
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
                self.unsupported(span, "adjusting the byte count of a meter");
                return Value::poison();
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

    /// Methods of a checksum unit.
    fn run_checksum(
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
                            self.error(span, &ErrorKind::NotConstant);
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
                    &ErrorKind::ExternMethod {
                        object: "Checksum".to_owned(),
                        method: name.to_owned(),
                    },
                );
                return Value::poison();
            }
        };
        if op == ChecksumOp::SubtractAllAndDeposit {
            let Some(Arg::Place(_, crate::storage::Storage::Leaf(slot))) = args.first() else {
                self.error(span, &ErrorKind::NotAssignable);
                return Value::poison();
            };
            let kind = CallKind::Checksum {
                unit,
                op,
                args: Vec::new(),
            };
            let outs = vec![Some(slot.place())];
            self.emit(span, StmtKind::Call(Call { kind, outs }));
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
                StmtKind::Call(Call {
                    kind,
                    outs: Vec::new(),
                }),
            );
            return Value::void();
        }
        self.call_with_result(kind, result, dest, span)
    }
}

/// Whether the machine has the unit in this part of the pipe.
fn is_place(kind: &ExternKind, unit: Unit) -> bool {
    let units: &[Unit] = match kind {
        ExternKind::Register(..)
        | ExternKind::RegisterAction(_)
        | ExternKind::Counter(_)
        | ExternKind::Meter(_)
        | ExternKind::Hash(..)
        | ExternKind::Random(..) => &[Unit::Control, Unit::Action],
        ExternKind::RegisterParam(_) | ExternKind::MathUnit(_) => &[Unit::RegisterAction],
        ExternKind::Checksum(_) => &[Unit::Parser, Unit::Deparser],
        ExternKind::Mirror(_) | ExternKind::Resubmit(_) | ExternKind::Digest(_) => {
            &[Unit::Deparser]
        }
        ExternKind::Polynomial(_) | ExternKind::Layout => &[],
    };
    units.contains(&unit)
}

/// Names and widths of the scalars of a digest.
fn digest_fields(name: &str, ty: &Type, fields: &mut Vec<(String, u32)>) {
    if let Some(width) = ty.scalar_width() {
        fields.push((name.to_owned(), width));
        return;
    }
    let join = |member: &str| {
        if name.is_empty() {
            member.to_owned()
        } else {
            format!("{name}.{member}")
        }
    };
    match ty.without_newtypes() {
        Type::Record(record) => {
            for field in &record.fields {
                digest_fields(&join(&field.name), &field.ty, fields);
            }
        }
        Type::Tuple(types) => {
            for (position, ty) in types.iter().enumerate() {
                digest_fields(&join(&position.to_string()), ty, fields);
            }
        }
        _ => {}
    }
}
