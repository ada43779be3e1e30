//! What outlives a packet: counters, meters, registers, and implementations of tables.

use p4rmt_ir::{
    ActionProfile, Bits, Call, CallKind, CountKind, Counter, ElementField, Meter, Register,
    Selector, StmtKind,
};
use p4rmt_source::Span;

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::{Construction, ExternKind, ExternObject};
use crate::lower::{Lower, Unit};
use crate::storage::Storage;
use crate::types::{RecordKind, Type};
use crate::value::Value;

/// Bits of a count: more than any run counts.
const COUNT_WIDTH: u32 = 64;
/// Bits of a colour.
const COLOR_WIDTH: u32 = 2;
/// The most cells of an array.
const MAX_SIZE: u64 = 1 << 32;

impl<'a> Lower<'a> {
    /// What a constructor of v1model makes.
    pub(in crate::externs) fn make_v1_extern(
        &mut self,
        made: &Construction<'a, '_>,
    ) -> Option<ExternKind> {
        match made.decl.name.text.as_str() {
            "counter" | "direct_counter" => self.make_v1_counter(made),
            "meter" | "direct_meter" => self.make_v1_meter(made),
            "register" => self.make_v1_register(made),
            "action_profile" | "action_selector" => self.make_profile(made),
            "Checksum16" => {
                let name = "csum16".to_owned();
                let hash = self.gress.hashes.push(p4rmt_ir::Hash {
                    name,
                    algorithm: p4rmt_ir::HashAlgorithm::Csum16,
                    width: 16,
                    span: made.span,
                });
                Some(ExternKind::Checksum16(hash))
            }
            other => {
                let name = other.to_owned();
                self.error(made.span, ErrorKind::Extern { name });
                None
            }
        }
    }

    /// The size, 0 for a direct one, and what is counted.
    fn v1_cells(&mut self, made: &Construction<'a, '_>) -> Option<(u64, CountKind)> {
        let is_direct = made.decl.name.text.starts_with("direct_");
        let size = if is_direct { 0 } else { self.v1_size(made, 0)? };
        let kind = self.member_arg(made.args.get(usize::from(!is_direct)), made.span)?;
        Some((
            size,
            match kind.as_str() {
                "packets" => CountKind::Packets,
                "bytes" => CountKind::Bytes,
                _ => CountKind::PacketsAndBytes,
            },
        ))
    }

    /// An argument that says how many cells there are.
    fn v1_size(&mut self, made: &Construction<'a, '_>, position: usize) -> Option<u64> {
        let Some(size) = made.args.get(position)?.value()?.as_number() else {
            self.not_constant(made.span);
            return None;
        };
        self.bounded(&size, made.span, 1, MAX_SIZE)
    }

    fn make_v1_counter(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let (size, kind) = self.v1_cells(made)?;
        let counter = self.gress.counters.push(Counter {
            name: made.name.clone(),
            kind,
            width: COUNT_WIDTH,
            size,
            adjust_bytes: 0,
            span: made.span,
        });
        Some(ExternKind::Counter(counter))
    }

    fn make_v1_meter(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let (size, kind) = self.v1_cells(made)?;
        let meter = self.gress.meters.push(Meter {
            name: made.name.clone(),
            kind,
            size,
            colors: [0, 1, 2].map(|color| Bits::from_u64(COLOR_WIDTH, color)),
            adjust_bytes: 0,
            filter: None,
            span: made.span,
        });
        Some(ExternKind::Meter(meter))
    }

    /// `register<T>(size)`: an element has all scalars of its type, and starts with zeros.
    fn make_v1_register(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let ty = made.types.first()?.clone();
        let mut element = Vec::new();
        if !element_fields("", &ty, &mut element) || element.is_empty() {
            if !ty.is_poison() {
                let ty = ty.to_string();
                self.error(made.span, ErrorKind::RegisterElement { ty });
            }
            return None;
        }
        let size = self.v1_size(made, 0)?;
        let initial = element.iter().map(|field| Bits::zero(field.width));
        let initial = initial.collect();
        let register = self.gress.registers.push(Register {
            name: made.name.clone(),
            size,
            element,
            initial,
            span: made.span,
        });
        Some(ExternKind::Register(register, ty))
    }

    /// `action_profile(size)`, `action_selector(algorithm, size, width)`.
    fn make_profile(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let is_selector = made.decl.name.text == "action_selector";
        let size = self.v1_size(made, usize::from(is_selector))?;
        let selector = if is_selector {
            // bmv2 takes the whole hash, whatever width the program gives it.
            let (hash, _) = self.v1_hash(made.args.first(), made.span)?;
            let groups = None;
            Some(Selector { hash, groups })
        } else {
            None
        };
        let profile = self.gress.profiles.push(ActionProfile {
            name: made.name.clone(),
            size,
            selector,
            span: made.span,
        });
        Some(ExternKind::Profile(profile))
    }

    /// What a method of v1model does; nothing if it has none of this name.
    pub(in crate::externs) fn run_v1_method(
        &mut self,
        object: &ExternObject<'a>,
        name: &str,
        args: &[Arg<'a>],
        span: Span,
    ) -> Option<Value> {
        let is_direct = object.decl.name.text.starts_with("direct_");
        let done = match (&object.kind, name) {
            // The hit has counted already.
            (ExternKind::Counter(_), "count") if is_direct => Some(()),
            (ExternKind::Counter(counter), "count") => {
                let counter = *counter;
                self.number(args.first(), span).map(|(index, _)| {
                    let index = Some(index);
                    let kind = CallKind::Count { counter, index };
                    let outs = Vec::new();
                    self.emit(span, StmtKind::Call(Call { kind, outs }));
                })
            }
            (ExternKind::Meter(meter), "execute_meter" | "read") => {
                self.run_v1_meter(*meter, is_direct, args, span)
            }
            (ExternKind::Register(register, ty), "read") => {
                self.read_v1_register(*register, ty, args, span)
            }
            (ExternKind::Register(register, _), "write") => {
                let register = *register;
                self.write_v1_register(register, args, span)
            }
            (ExternKind::Checksum16(hash), "get") => {
                let value = self.checksum16(*hash, args, span);
                return Some(value.unwrap_or_else(Value::poison));
            }
            _ => return None,
        };
        Some(match done {
            Some(()) => Value::void(),
            None => Value::poison(),
        })
    }

    /// `meter.execute_meter(index, result)`, `direct_meter.read(result)`.
    fn run_v1_meter(
        &mut self,
        meter: p4rmt_ir::MeterId,
        is_direct: bool,
        args: &[Arg<'a>],
        span: Span,
    ) -> Option<()> {
        if is_direct && self.unit != Unit::Action {
            let kind = ErrorKind::CallPlace {
                callee: "direct_meter.read".to_owned(),
                place: self.unit.name(),
                possible: Unit::names(&[Unit::Action]),
            };
            self.error(span, kind);
            return None;
        }
        let index = if is_direct {
            None
        } else {
            Some(self.number(args.first(), span)?.0)
        };
        let result = args.last()?;
        let (place, color) = self.wide_temporary(COLOR_WIDTH, span)?;
        let kind = CallKind::Meter {
            meter,
            index,
            color: None,
        };
        let outs = vec![Some(place)];
        self.emit(span, StmtKind::Call(Call { kind, outs }));
        self.store_out(result, color, COLOR_WIDTH, span)
    }

    /// `register.read(result, index)`.
    fn read_v1_register(
        &mut self,
        register: p4rmt_ir::RegisterId,
        ty: &Type,
        args: &[Arg<'a>],
        span: Span,
    ) -> Option<()> {
        let (index, _) = self.number(args.get(1), span)?;
        let Some(Arg::Place(_, target)) = args.first() else {
            return Some(());
        };
        // What is read goes where it is wanted at once, unless that is chosen at run time.
        let read = match target {
            Storage::Leaf(_) | Storage::Record(_) if !has_choice(target) => target.clone(),
            _ => self.temporary("read", ty, span)?,
        };
        let mut outs = Vec::new();
        read.visit_leaves(&mut |slot| outs.push(Some(slot.place())));
        let kind = CallKind::RegisterRead { register, index };
        self.emit(span, StmtKind::Call(Call { kind, outs }));
        if read != *target {
            self.assign_storage(target, &Value::place(ty.clone(), read), span);
        }
        Some(())
    }

    /// `register.write(index, value)`.
    fn write_v1_register(
        &mut self,
        register: p4rmt_ir::RegisterId,
        args: &[Arg<'a>],
        span: Span,
    ) -> Option<()> {
        let (index, _) = self.number(args.first(), span)?;
        let value = args.get(1)?.value()?.clone();
        let values = self.flatten(&value, span)?;
        let kind = CallKind::RegisterWrite {
            register,
            index,
            values,
        };
        let outs = Vec::new();
        self.emit(span, StmtKind::Call(Call { kind, outs }));
        Some(())
    }
}

/// Whether some part of the storage is chosen at run time.
fn has_choice(storage: &Storage) -> bool {
    match storage {
        Storage::Leaf(_) | Storage::Varbit { .. } => false,
        Storage::Record(record) => record.fields.iter().any(has_choice),
        Storage::Stack(stack) => stack.elements.iter().any(has_choice),
        Storage::Choice { .. } => true,
    }
}

/// Adds the scalars of a register's element; false for a type that has none, or headers, whose
/// validity no register keeps.
fn element_fields(name: &str, ty: &Type, fields: &mut Vec<ElementField>) -> bool {
    if let Some(width) = ty.scalar_width() {
        fields.push(ElementField {
            name: name.to_owned(),
            width,
            is_signed: ty.is_signed(),
        });
        return true;
    }
    let join = |member: &str| match name {
        "" => member.to_owned(),
        name => format!("{name}.{member}"),
    };
    match ty.without_newtypes() {
        Type::Record(record) if record.kind == RecordKind::Struct => record
            .fields
            .iter()
            .all(|field| element_fields(&join(&field.name), &field.ty, fields)),
        Type::Tuple(types) => types
            .iter()
            .enumerate()
            .all(|(position, ty)| element_fields(&join(&position.to_string()), ty, fields)),
        _ => false,
    }
}
