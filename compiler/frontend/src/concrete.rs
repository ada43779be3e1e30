//! From the types of typing to those of values: type parameters get what they stand for here, and what
//! no machine can store is refused.

use std::rc::Rc;

use p4rmt_ir::Bits;
use p4rmt_source::Span;
use p4rmt_syntax::ast;
use p4rmt_typing::{self as typing, DeclId, Detail, Field, Member, Node, Sort, TypeKind};

use crate::error::ErrorKind;
use crate::lower::Lower;
use crate::scope::{Binding, ScopeId};
use crate::types::{EnumType, Newtype, Record, RecordField, RecordKind, Type};

/// How many elements a stack may have: each is stored by itself.
const MAX_STACK: u32 = 256;

impl<'a> Lower<'a> {
    /// The type that is written.
    pub(crate) fn ty(&mut self, ty: &'a ast::Type) -> Type {
        match self.typed.ty(ty) {
            Some(found) => self.concrete(found, ty.span),
            None => Type::Poison,
        }
    }

    /// A type, seen from the current scope, which says what type parameters stand for.
    pub(crate) fn concrete(&mut self, ty: typing::Type, span: Span) -> Type {
        if let Some(known) = self.types.get(&ty) {
            return known.clone();
        }
        let made = self.concrete_kind(ty, span);
        if !self.typed.types.has_params(ty) {
            self.types.insert(ty, made.clone());
        }
        made
    }

    fn concrete_kind(&mut self, ty: typing::Type, span: Span) -> Type {
        let typed = self.typed;
        match typed.types.kind(ty) {
            TypeKind::Void => Type::Void,
            TypeKind::Bool => Type::Bool,
            TypeKind::Int => Type::Int,
            TypeKind::String => Type::String,
            TypeKind::Error => Type::Error,
            TypeKind::Bits { width: 0, .. } | TypeKind::Varbit(0) => {
                self.unsupported(span, "a value of no bits", "leave it out");
                Type::Poison
            }
            TypeKind::Bits { width, is_signed } => Type::Bits {
                width: *width,
                is_signed: *is_signed,
            },
            TypeKind::Varbit(most) => Type::Varbit(*most),
            TypeKind::Tuple(parts) => {
                let parts = parts.iter();
                Type::Tuple(parts.map(|part| self.concrete(*part, span)).collect())
            }
            TypeKind::List(element) => Type::List(Rc::new(self.concrete(*element, span))),
            TypeKind::Stack(element, size) => {
                if *size > MAX_STACK {
                    let (what, limit) = ("elements of a stack", MAX_STACK as usize);
                    self.error(span, ErrorKind::TooMany { what, limit });
                    return Type::Poison;
                }
                Type::Stack(Rc::new(self.concrete(*element, span)), *size)
            }
            TypeKind::Named { sort, decl, args } => {
                let args = args.iter();
                let args = args.map(|arg| self.concrete(*arg, span)).collect();
                self.named(*sort, *decl, args, span)
            }
            TypeKind::Param(param) => match self.scopes.lookup(self.scope, *param) {
                Some(Binding::Type(ty)) => ty.clone(),
                _ => Type::Open,
            },
            TypeKind::Fields(fields) => {
                let fields = fields.iter().map(|(name, ty)| RecordField {
                    name: name.to_string(),
                    ty: self.concrete(*ty, span),
                    is_flexible: false,
                    span,
                });
                Type::Record(Rc::new(Record {
                    decl: None,
                    name: String::new(),
                    args: Vec::new(),
                    kind: RecordKind::Struct,
                    fields: fields.collect(),
                    is_flexible: false,
                }))
            }
            TypeKind::Poison => Type::Poison,
            TypeKind::Any | TypeKind::Infer(_) => Type::Open,
            // Nothing of these types is stored or passed on.
            TypeKind::MatchKind
            | TypeKind::Table(_)
            | TypeKind::ApplyResult(_)
            | TypeKind::ActionRun(_)
            | TypeKind::ValueSet(_)
            | TypeKind::Default
            | TypeKind::Invalid => Type::Void,
        }
    }

    /// A declared type with these arguments.
    fn named(&mut self, sort: Sort, id: DeclId, args: Vec<Type>, span: Span) -> Type {
        let decl = self.typed.decl(id);
        match (&decl.detail, sort) {
            (Detail::Fields(fields), Sort::Header) => {
                self.record(id, RecordKind::Header, fields, args)
            }
            (Detail::Fields(fields), Sort::Union) => {
                self.record(id, RecordKind::Union, fields, args)
            }
            (Detail::Fields(fields), _) => self.record(id, RecordKind::Struct, fields, args),
            (Detail::Members(members), _) => {
                let count = u64::try_from(members.len()).unwrap_or(u64::MAX);
                let width = (u64::BITS - count.saturating_sub(1).leading_zeros()).max(1);
                let numbered = members.iter().zip(0u64..);
                let members = numbered
                    .map(|(member, value)| (member.name.to_owned(), Bits::from_u64(width, value)));
                Type::Enum(Rc::new(EnumType {
                    decl: id,
                    name: decl.name.to_owned(),
                    underlying: None,
                    width,
                    members: members.collect(),
                }))
            }
            (
                Detail::SerializableEnum {
                    underlying,
                    members,
                },
                _,
            ) => self.serializable_enum(id, *underlying, members, span),
            (Detail::Underlying(underlying), _) => match self.concrete(*underlying, decl.span) {
                Type::Poison => Type::Poison,
                inner => Type::Newtype(Rc::new(Newtype {
                    decl: id,
                    name: decl.name.to_owned(),
                    inner,
                })),
            },
            _ => Type::Object(decl.name.into()),
        }
    }

    /// A struct, header or header union, made once for each list of arguments.
    fn record(
        &mut self,
        id: DeclId,
        kind: RecordKind,
        fields: &'a [Field<'a>],
        args: Vec<Type>,
    ) -> Type {
        let key = (id, args);
        if let Some(known) = self.records.get(&key) {
            return known.clone();
        }
        let decl = self.typed.decl(id);
        let params = decl.type_params.iter().copied();
        let outer = self.scope;
        self.scope = self.scopes.open(None);
        for (param, arg) in params.zip(&key.1) {
            self.scopes
                .bind(self.scope, param, Binding::Type(arg.clone()));
        }
        let list = match decl.node {
            Node::Record(list) => Some(list),
            _ => None,
        };
        let says = |annotations: &[ast::Annotation]| {
            annotations.iter().any(|of| of.name.text == "flexible")
        };
        let is_marked = |name: &str| {
            let of = list.and_then(|list| list.fields.iter().find(|of| of.name.text == name));
            of.is_some_and(|of| says(&of.annotations))
        };
        let fields = fields.iter().map(|field| RecordField {
            name: field.name.to_owned(),
            ty: self.concrete(field.ty, field.span),
            is_flexible: is_marked(field.name),
            span: field.span,
        });
        let fields = fields.collect();
        self.scope = outer;
        let made = Type::Record(Rc::new(Record {
            decl: Some(id),
            name: decl.name.to_owned(),
            args: key.1.clone(),
            kind,
            fields,
            is_flexible: list.is_some_and(|list| says(&list.annotations)),
        }));
        self.records.insert(key, made.clone());
        made
    }

    /// An enumeration whose members are numbers.
    fn serializable_enum(
        &mut self,
        id: DeclId,
        underlying: typing::Type,
        members: &'a [Member<'a>],
        span: Span,
    ) -> Type {
        let underlying = self.concrete(underlying, span);
        let Type::Bits { width, .. } = underlying else {
            return Type::Poison;
        };
        let members = members.iter().filter_map(|member| {
            let bits = member.value.as_ref()?.to_bits(width)?;
            Some((member.name.to_owned(), bits))
        });
        Type::Enum(Rc::new(EnumType {
            decl: id,
            name: self.typed.decl(id).name.to_owned(),
            underlying: Some(underlying),
            width,
            members: members.collect(),
        }))
    }

    /// A scope in which type parameters stand for their arguments, which are seen from the current one.
    pub(crate) fn type_scope(
        &mut self,
        args: &[(DeclId, typing::Type)],
        parent: ScopeId,
        span: Span,
    ) -> ScopeId {
        let args = self.concrete_args(args, span);
        self.scope_of(args, parent)
    }

    /// Type arguments, seen from the current scope.
    pub(crate) fn concrete_args(
        &mut self,
        args: &[(DeclId, typing::Type)],
        span: Span,
    ) -> Vec<(DeclId, Type)> {
        let args = args.iter();
        args.map(|(param, ty)| (*param, self.concrete(*ty, span)))
            .collect()
    }

    /// A scope in which type parameters stand for these types; the last one says.
    pub(crate) fn scope_of(
        &mut self,
        types: impl IntoIterator<Item = (DeclId, Type)>,
        parent: ScopeId,
    ) -> ScopeId {
        let scope = self.scopes.open(Some(parent));
        for (param, ty) in types {
            self.scopes.bind(scope, param, Binding::Type(ty));
        }
        scope
    }
}
