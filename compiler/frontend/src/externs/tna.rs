//! The externs of TNA and T2NA: what their constructors make.

use p4rmt_ir::{
    Bits, Checksum, Classifier, CountKind, Counter, CrcPolynomial, Digest, Filter, FilterKind,
    GressRole, Hash, HashAlgorithm, MathUnit, Meter, Partitions, Random,
};
use p4rmt_source::Span;

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::math_unit::Function;
use crate::externs::{Construction, ExternKind, hash};
use crate::fold;
use crate::lower::Lower;
use crate::scope::{Binding, Object};
use crate::types::Type;
use crate::value::Value;

/// Bits of the widest polynomial.
const CRC_WIDTH_MAX: u32 = 64;

impl<'a> Lower<'a> {
    /// What a constructor makes.
    pub(super) fn make_extern(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let span = made.span;
        if self.role == GressRole::Whole {
            return self.make_v1_extern(made);
        }
        match made.decl.name.text.as_str() {
            "Register" | "DirectRegister" => self.make_register(made),
            "RegisterAction"
            | "RegisterAction2"
            | "RegisterAction3"
            | "RegisterAction4"
            | "DirectRegisterAction"
            | "DirectRegisterAction2"
            | "DirectRegisterAction3"
            | "DirectRegisterAction4"
            | "MinMaxAction"
            | "MinMaxAction2"
            | "MinMaxAction3"
            | "MinMaxAction4" => self.make_register_action(made),
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
            "Lpf" | "DirectLpf" | "Wred" | "DirectWred" => self.make_filter(made),
            "ActionProfile" => self.make_action_profile(made),
            "ActionSelector" => self.make_action_selector(made),
            "ParserCounter" => self.make_parser_counter(made),
            "ParserPriority" => Some(ExternKind::ParserPriority),
            "Pktgen" => {
                self.warning(
                    "W5004",
                    span,
                    "what the deparser asks of the packet generator is not sent: only timers trigger it",
                );
                Some(ExternKind::PacketGenerator)
            }
            "Atcam" => Some(ExternKind::Layout(Some(Partitions {
                count: number_arg(made, 0).map_or(0, u64::from),
                index: None,
                classifier: None,
            }))),
            "Alpm" => Some(ExternKind::Layout(Some(Partitions {
                count: number_arg(made, 0).map_or(ALPM_PARTITIONS, u64::from),
                index: None,
                classifier: Some(Classifier {
                    subtrees: number_arg(made, 1).map_or(ALPM_SUBTREES, u64::from),
                    subset_bits: number_arg(made, 2),
                    step_bits: number_arg(made, 3),
                    excluded_bits: 0,
                }),
            }))),
            "IdleTimeout" => Some(ExternKind::Layout(None)),
            other => {
                self.error(
                    span,
                    ErrorKind::Extern {
                        name: other.to_owned(),
                    },
                );
                None
            }
        }
    }

    /// The first argument as a small number.
    fn constant_arg(&mut self, made: &Construction<'a, '_>) -> Option<u32> {
        number_arg(made, 0)
    }

    /// The width of a type that must be a number.
    fn number_width(&mut self, ty: &Type, span: Span) -> Option<u32> {
        let width = ty.scalar_width();
        if width.is_none() {
            self.mismatch(span, "a number with a width", ty);
        }
        width
    }

    /// The name of the member of an enumeration that a constant argument is.
    pub(super) fn member_arg(&mut self, arg: Option<&Arg<'a>>, span: Span) -> Option<String> {
        let value = arg?.value()?;
        let Type::Enum(enumeration) = &value.ty else {
            self.mismatch(span, "a member of an enum", &value.ty.clone());
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
            adjust_bytes: 0,
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
            adjust_bytes: 0,
            filter: None,
            span: made.span,
        });
        Some(ExternKind::Meter(id))
    }

    /// `Lpf<T, I>(size)`, `DirectLpf<T>()`, `Wred<T, I>(size, drop, no_drop)`,
    /// `DirectWred<T>(drop, no_drop)`.
    fn make_filter(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let name = made.decl.name.text.as_str();
        let is_direct = name.starts_with("Direct");
        let ty = made.types.first()?.clone();
        let width = self.number_width(&ty, made.span)?;
        if width > Filter::WIDTH_MAX {
            let expected = "a number of at most 32 bits";
            self.mismatch(made.span, expected, &ty);
            return None;
        }
        let size = if is_direct {
            0
        } else {
            let size = made.args.first()?.value()?.as_number()?;
            self.bounded(&size, made.span, 1, 1 << 32)?
        };
        let bits = |position: usize| {
            let arg = made.args.get(position + usize::from(!is_direct))?;
            arg.value()?.as_bits().cloned()
        };
        let kind = if name.ends_with("Lpf") {
            FilterKind::LowPass
        } else {
            let (drop, no_drop) = (bits(0)?, bits(1)?);
            FilterKind::EarlyDrop { drop, no_drop }
        };
        let result = match kind {
            FilterKind::LowPass => ty,
            FilterKind::EarlyDrop { .. } => Type::bit(8),
        };
        let id = self.gress.meters.push(Meter {
            name: made.name.clone(),
            kind: CountKind::Packets,
            size,
            colors: [0, 1, 3].map(|color| Bits::from_u64(8, color)),
            adjust_bytes: 0,
            filter: Some(Filter { width, kind }),
            span: made.span,
        });
        Some(ExternKind::Filter(id, result))
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
                    _ => return None,
                }
            }
            _ => match hash::algorithm(&name) {
                Some(algorithm) => algorithm,
                None => {
                    self.error(
                        made.span,
                        p4rmt_typing::ErrorKind::MissingArgument {
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
        if width > CRC_WIDTH_MAX {
            self.mismatch(made.span, "`bit` of at most 64", &ty);
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
            self.unsupported(
                made.span,
                "a CRC polynomial with `msb` set",
                "pass `false` for `msb`",
            );
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
                    p4rmt_typing::ErrorKind::Division {
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
            self.mismatch(made.span, "a struct of numbers", &ty);
            return None;
        }
        let id = self.gress.digests.push(Digest {
            name: made.name.clone(),
            fields,
            span: made.span,
        });
        Some(ExternKind::Digest(id))
    }
}

/// Names and widths of the scalars of a digest.
pub(super) fn digest_fields(name: &str, ty: &Type, fields: &mut Vec<(String, u32)>) {
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

/// Partitions of an `Alpm` that does not say how many it has, and prefixes that lead to one of them, as
/// the public Tofino compiler takes them.
pub(crate) const ALPM_PARTITIONS: u64 = 1024;
pub(crate) const ALPM_SUBTREES: u64 = 2;

/// An argument as a small number.
fn number_arg(made: &Construction<'_, '_>, index: usize) -> Option<u32> {
    let number = made.args.get(index)?.value()?.as_number()?;
    u32::try_from(&number).ok()
}
