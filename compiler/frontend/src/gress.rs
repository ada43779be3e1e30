//! A gress under construction: arenas that grow while parsers and controls are inlined.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use indexmap::IndexMap;
use p4rmt_ir::{
    Action, ActionId, ActionProfile, Arena, Checksum, ChecksumId, Counter, CounterId, Digest,
    DigestId, FILLER, Field, FieldId, FieldKind, Hash, HashId, Header, HeaderId, Id, LabelId,
    MathUnits, Meter, MeterId, ProfileId, Random, RandomId, Register, RegisterAction,
    RegisterActionId, RegisterId, Table, TableId, ValueSet, ValueSetId,
};
use p4rmt_source::Span;

use crate::storage::{Base, RecordStorage, Slot, StackStorage, Storage};
use crate::types::{RecordKind, Type};

/// Bits of a byte.
const BYTE: u32 = 8;

/// Everything of a gress but its blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct GressBuilder {
    /// Whether headers take whole bytes: bits that are short of one are filled up behind the fields
    /// (Tofino; the vendor's compiler takes such headers where they are `@flexible`).
    pub(crate) fills_bytes: bool,
    pub(crate) fields: Arena<FieldId, Field>,
    pub(crate) headers: Arena<HeaderId, Header>,
    pub(crate) intrinsics: IndexMap<String, FieldId>,
    pub(crate) tables: Arena<TableId, Table>,
    pub(crate) actions: Arena<ActionId, Action>,
    pub(crate) registers: Arena<RegisterId, Register>,
    pub(crate) register_actions: Arena<RegisterActionId, RegisterAction>,
    pub(crate) math_units: MathUnits,
    pub(crate) counters: Arena<CounterId, Counter>,
    pub(crate) meters: Arena<MeterId, Meter>,
    pub(crate) hashes: Arena<HashId, Hash>,
    pub(crate) randoms: Arena<RandomId, Random>,
    pub(crate) checksums: Arena<ChecksumId, Checksum>,
    pub(crate) digests: Arena<DigestId, Digest>,
    pub(crate) profiles: Arena<ProfileId, ActionProfile>,
    pub(crate) value_sets: Arena<ValueSetId, ValueSet>,
    pub(crate) inlined: IndexMap<LabelId, String>,
    /// Headers of variables that the program or the compiler made.
    pub(crate) local_headers: HashSet<HeaderId>,
    /// By header of a union: the validity bits of the others.
    unions: HashMap<HeaderId, Vec<Slot>>,
    /// By stack: the field with the number of its next free element.
    next_indices: HashMap<usize, Slot>,
    n_stacks: usize,
    n_labels: usize,
    n_temporaries: usize,
}

impl GressBuilder {
    /// A field.
    pub(crate) fn field(&mut self, name: String, ty: &Type, kind: FieldKind, span: Span) -> Slot {
        let width = ty.scalar_width().unwrap_or(1).max(1);
        let field = self.fields.push(Field {
            name,
            width,
            is_signed: ty.is_signed(),
            kind,
            span,
        });
        Slot::whole(Base::Field(field), width)
    }

    /// Storage for a variable of this type, made of fields; nothing for a type that has no values.
    pub(crate) fn storage(
        &mut self,
        name: &str,
        ty: &Type,
        kind: FieldKind,
        span: Span,
    ) -> Option<Storage> {
        Some(match ty.without_newtypes() {
            Type::Record(record) => match record.kind {
                RecordKind::Struct | RecordKind::Union => {
                    let fields: Vec<Storage> = record
                        .fields
                        .iter()
                        .map(|field| {
                            self.storage(
                                &format!("{name}.{}", field.name),
                                &field.ty,
                                kind,
                                field.span,
                            )
                        })
                        .collect::<Option<_>>()?;
                    if record.kind == RecordKind::Union {
                        self.join(&fields);
                    }
                    Storage::Record(Rc::new(RecordStorage {
                        fields,
                        header: None,
                    }))
                }
                RecordKind::Header => {
                    let header = self.header(name, record, span)?;
                    if kind == FieldKind::Local {
                        header.visit_headers(&mut |header, _| {
                            self.local_headers.insert(header);
                        });
                    }
                    header
                }
            },
            Type::Stack(element, size) => {
                let id = self.n_stacks;
                self.n_stacks += 1;
                let elements = (0..*size)
                    .map(|position| {
                        self.storage(&format!("{name}[{position}]"), element, kind, span)
                    })
                    .collect::<Option<_>>()?;
                Storage::Stack(Rc::new(StackStorage {
                    id,
                    name: name.to_owned(),
                    elements,
                }))
            }
            Type::Tuple(types) => {
                let fields = types
                    .iter()
                    .enumerate()
                    .map(|(position, ty)| {
                        self.storage(&format!("{name}[{position}]"), ty, kind, span)
                    })
                    .collect::<Option<_>>()?;
                Storage::Record(Rc::new(RecordStorage {
                    fields,
                    header: None,
                }))
            }
            Type::Varbit(max) => Storage::Varbit {
                value: self.field(name.to_owned(), &Type::bit(*max), kind, span),
                width: self.field(format!("{name}.$width"), &Type::bit(32), kind, span),
            },
            scalar => {
                scalar.scalar_width()?;
                Storage::Leaf(self.field(name.to_owned(), scalar, kind, span))
            }
        })
    }

    /// Storage for a header.
    fn header(&mut self, name: &str, record: &crate::types::Record, span: Span) -> Option<Storage> {
        let header = HeaderId::from_index(self.headers.len());
        let valid = self.field(
            format!("{name}.$valid"),
            &Type::Bool,
            FieldKind::Validity(header),
            span,
        );
        let Base::Field(valid_field) = valid.base else {
            return None;
        };
        let mut varbit = None;
        let mut ids = Vec::new();
        let mut flexible = Vec::new();
        let mut fields = Vec::new();
        for field in &record.fields {
            let first = ids.len();
            let field_name = format!("{name}.{}", field.name);
            let kind = FieldKind::Header(header);
            let storage = match field.ty.without_newtypes() {
                Type::Varbit(_) if varbit.is_some() => return None,
                Type::Varbit(max) => {
                    let slot = self.field(field_name.clone(), &Type::bit(*max), kind, field.span);
                    let width = self.field(
                        format!("{field_name}.$width"),
                        &Type::bit(32),
                        FieldKind::VarbitWidth(header),
                        field.span,
                    );
                    if let (Base::Field(value), Base::Field(width)) = (slot.base, width.base) {
                        varbit = Some((value, width));
                        ids.push(value);
                    }
                    Storage::Varbit { value: slot, width }
                }
                ty => {
                    let storage = self.storage(&field_name, ty, kind, field.span)?;
                    storage.visit_leaves(&mut |slot| {
                        if let Base::Field(field) = slot.base {
                            ids.push(field);
                        }
                    });
                    storage
                }
            };
            fields.push(storage);
            let of_type = match field.ty.without_newtypes() {
                Type::Record(of) => of.is_flexible,
                _ => false,
            };
            if record.is_flexible || field.is_flexible || of_type {
                flexible.extend_from_slice(&ids[first..]);
            }
        }
        let bits: u32 = record
            .fields
            .iter()
            .filter_map(|field| field.ty.width())
            .sum();
        if self.fills_bytes && varbit.is_none() && !bits.is_multiple_of(BYTE) {
            let rest = Type::bit(BYTE - bits % BYTE);
            let kind = FieldKind::Header(header);
            let filler = self.field(format!("{name}{FILLER}"), &rest, kind, span);
            if let Base::Field(filler) = filler.base {
                ids.push(filler);
            }
            // Nobody else could read a header that does not end with a byte.
            flexible.clone_from(&ids);
        }
        let made = self.headers.push(Header {
            name: name.to_owned(),
            type_name: record.name.clone(),
            fields: ids,
            flexible,
            valid: valid_field,
            varbit,
            span,
        });
        debug_assert_eq!(made, header, "headers do not nest");
        Some(Storage::Record(Rc::new(RecordStorage {
            fields,
            header: Some((header, valid)),
        })))
    }

    /// The field with the number of the next free element of a stack, made when it is first needed.
    pub(crate) fn next_index(&mut self, stack: &StackStorage, span: Span) -> Slot {
        if let Some(next) = self.next_indices.get(&stack.id) {
            return *next;
        }
        let name = format!("{}.$next", stack.name);
        let next = self.field(name, &Type::bit(32), FieldKind::Local, span);
        self.next_indices.insert(stack.id, next);
        next
    }

    /// Remembers headers as those of a union, of which one at most is valid.
    fn join(&mut self, members: &[Storage]) {
        let mut headers = Vec::new();
        for member in members {
            member.visit_headers(&mut |header, valid| headers.push((header, valid)));
        }
        for (header, _) in &headers {
            let others = headers
                .iter()
                .filter(|(other, _)| other != header)
                .map(|(_, valid)| *valid)
                .collect();
            self.unions.insert(*header, others);
        }
    }

    /// The validity bits of the headers that are invalid where this one is valid, if it is part of a
    /// union.
    pub(crate) fn rivals(&self, header: HeaderId) -> &[Slot] {
        self.unions.get(&header).map_or(&[], Vec::as_slice)
    }

    /// Whether it has a header that is part of a union, without being the union.
    pub(crate) fn is_union_member(&self, storage: &Storage) -> bool {
        match storage {
            Storage::Record(record) => record
                .header
                .is_some_and(|(header, _)| self.unions.contains_key(&header)),
            Storage::Choice { options, .. } => {
                options.iter().any(|option| self.is_union_member(option))
            }
            Storage::Leaf(_) | Storage::Varbit { .. } | Storage::Stack(_) => false,
        }
    }

    /// A label that nothing has yet.
    pub(crate) fn label(&mut self) -> LabelId {
        let label = LabelId::from_index(self.n_labels);
        self.n_labels += 1;
        label
    }

    /// A name that no variable of the program can have.
    pub(crate) fn temporary_name(&mut self, path: &str, what: &str) -> String {
        let number = self.n_temporaries;
        self.n_temporaries += 1;
        if path.is_empty() {
            format!("${what}{number}")
        } else {
            format!("{path}.${what}{number}")
        }
    }
}
