//! From types as written to types as meant.

use std::rc::Rc;

use num_bigint::BigInt;
use p4rmt_ir::Bits;
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, DeclarationKind, TypeKind};

use crate::error::ErrorKind;
use crate::lower::Lower;
use crate::scope::Binding;
use crate::types::{EnumType, Newtype, Record, RecordField, RecordKind, Type};

/// How many elements a stack may have.
const MAX_STACK: u64 = 256;

impl<'a> Lower<'a> {
    /// The type that is meant.
    pub(crate) fn ty(&mut self, ty: &'a ast::Type) -> Type {
        match &ty.kind {
            TypeKind::Void => Type::Void,
            TypeKind::Bool => Type::Bool,
            TypeKind::Error => Type::Error,
            TypeKind::MatchKind => Type::MatchKind,
            TypeKind::String => Type::String,
            TypeKind::Bit(None) => Type::bit(1),
            TypeKind::Bit(Some(width)) => self.width(width).map_or(Type::Poison, Type::bit),
            TypeKind::Int(width) => self.width(width).map_or(Type::Poison, |width| Type::Bits {
                width,
                is_signed: true,
            }),
            TypeKind::Integer => Type::Int,
            TypeKind::Varbit(width) => self.width(width).map_or(Type::Poison, Type::Varbit),
            TypeKind::Named(path) => self.named_type(path, Vec::new(), ty.span),
            TypeKind::Specialized { base, args } => {
                let args = args.iter().map(|arg| self.ty(arg)).collect();
                self.named_type(base, args, ty.span)
            }
            TypeKind::Array { element, size } => {
                let element_type = self.ty(element);
                let Some(size) = self.size(size, 1, MAX_STACK) else {
                    return Type::Poison;
                };
                if matches!(
                    element_type,
                    Type::Void | Type::Int | Type::String | Type::MatchKind | Type::Object { .. }
                ) {
                    self.mismatch_text(element.span, "a type with values", &element_type);
                    return Type::Poison;
                }
                Type::Stack(Rc::new(element_type), u32::try_from(size).unwrap_or(1))
            }
            TypeKind::Tuple(types) => Type::Tuple(types.iter().map(|ty| self.ty(ty)).collect()),
            TypeKind::List(element) => match self.ty(element) {
                Type::Poison => Type::Poison,
                element => Type::List(Rc::new(element)),
            },
            TypeKind::DontCare => Type::Var("_".into()),
            TypeKind::Derived(declaration) => self.declared(declaration, Vec::new(), ty.span),
        }
    }

    /// Complains about a type that is not of the kind that is needed.
    pub(crate) fn mismatch_text(&mut self, span: Span, expected: &str, found: &Type) {
        if !found.is_poison() {
            self.error(
                span,
                &ErrorKind::Mismatch {
                    expected: expected.to_owned(),
                    found: found.to_string(),
                },
            );
        }
    }

    /// A width in bits.
    fn width(&mut self, expr: &'a ast::Expr) -> Option<u32> {
        let value = self.const_number(expr)?;
        let width = u32::try_from(&value)
            .ok()
            .filter(|width| (1..=Bits::MAX_WIDTH).contains(width));
        if width.is_none() {
            self.error(
                expr.span,
                &ErrorKind::Width {
                    width: value.to_string(),
                    least: 1,
                    most: Bits::MAX_WIDTH,
                },
            );
        }
        width
    }

    /// A constant number within bounds.
    pub(crate) fn size(&mut self, expr: &'a ast::Expr, least: u64, most: u64) -> Option<u64> {
        let value = self.const_number(expr)?;
        self.bounded(&value, expr.span, least, most)
    }

    /// A number within bounds; complains if it is not.
    pub(crate) fn bounded(
        &mut self,
        value: &BigInt,
        span: Span,
        least: u64,
        most: u64,
    ) -> Option<u64> {
        let size = u64::try_from(value)
            .ok()
            .filter(|size| (least..=most).contains(size));
        if size.is_none() {
            self.error(
                span,
                &ErrorKind::Size {
                    size: value.to_string(),
                    least,
                    most,
                },
            );
        }
        size
    }

    /// The type that a name stands for.
    fn named_type(&mut self, path: &'a ast::Path, args: Vec<Type>, span: Span) -> Type {
        match self.lookup(path) {
            Binding::Poison => Type::Poison,
            Binding::Type(ty) if args.is_empty() => ty,
            Binding::Declaration(declaration) => self.declared(declaration, args, span),
            Binding::Type(_) | Binding::Value(_) | Binding::Place { .. } | Binding::Object(_) => {
                self.error(
                    span,
                    &ErrorKind::WrongKind {
                        name: path.name.text.clone(),
                        expected: "a type",
                    },
                );
                Type::Poison
            }
        }
    }

    /// The type that a declaration declares.
    pub(crate) fn declared(
        &mut self,
        declaration: &'a ast::Declaration,
        args: Vec<Type>,
        span: Span,
    ) -> Type {
        let key = (std::ptr::from_ref(declaration), args);
        if let Some(ty) = self.types.get(&key) {
            return ty.clone();
        }
        let (pointer, args) = key;
        let name = declaration_name(declaration).unwrap_or("?");
        if self.resolving.contains(&pointer) {
            self.error(
                span,
                &ErrorKind::Recursive {
                    name: name.to_owned(),
                },
            );
            return Type::Poison;
        }
        if self.resolving.len() >= crate::lower::MAX_DEPTH {
            self.error(
                span,
                &ErrorKind::TooDeep {
                    limit: crate::lower::MAX_DEPTH,
                },
            );
            return Type::Poison;
        }
        let params = type_params(declaration);
        if params.len() != args.len() {
            // A constructor or package may leave its type arguments to be inferred.
            let may_infer = args.is_empty() && is_object(declaration);
            if !may_infer {
                self.error(
                    span,
                    &ErrorKind::TypeArgumentCount {
                        name: name.to_owned(),
                        needed: params.len(),
                        available: args.len(),
                    },
                );
                return Type::Poison;
            }
        }
        self.resolving.push(pointer);
        let global = self.global;
        let ty = self.in_scope(global, |lower| {
            let scope = lower.scope;
            for (param, arg) in params.iter().zip(&args) {
                lower
                    .scopes
                    .bind(scope, &param.text, Binding::Type(arg.clone()));
            }
            lower.declared_type(declaration, &args, span)
        });
        self.resolving.pop();
        self.types.insert((pointer, args), ty.clone());
        ty
    }

    /// The same, its type parameters bound.
    fn declared_type(
        &mut self,
        declaration: &'a ast::Declaration,
        args: &[Type],
        span: Span,
    ) -> Type {
        match &declaration.kind {
            DeclarationKind::Header(list) => self.record(list, RecordKind::Header, args),
            DeclarationKind::HeaderUnion(list) => self.record(list, RecordKind::Union, args),
            DeclarationKind::Struct(list) => self.record(list, RecordKind::Struct, args),
            DeclarationKind::Enum(decl) => {
                let count = u64::try_from(decl.members.len()).unwrap_or(u64::MAX);
                let width = (u64::BITS - count.saturating_sub(1).leading_zeros()).max(1);
                self.check_distinct(decl.members.iter());
                Type::Enum(Rc::new(EnumType {
                    name: decl.name.text.clone(),
                    underlying: None,
                    width,
                    members: decl
                        .members
                        .iter()
                        .zip(0u64..)
                        .map(|(name, value)| (name.text.clone(), Bits::from_u64(width, value)))
                        .collect(),
                    span: decl.span,
                }))
            }
            DeclarationKind::SerializableEnum(decl) => self.serializable_enum(decl),
            DeclarationKind::Typedef(decl) => self.ty(&decl.ty),
            DeclarationKind::NewType(decl) => {
                let inner = self.ty(&decl.ty);
                if inner.is_poison() {
                    return Type::Poison;
                }
                Type::Newtype(Rc::new(Newtype {
                    name: decl.name.text.clone(),
                    inner,
                    span: decl.span,
                }))
            }
            _ if is_object(declaration) => Type::Object {
                name: declaration_name(declaration).unwrap_or("?").into(),
                args: args.into(),
            },
            _ => {
                self.error(
                    span,
                    &ErrorKind::WrongKind {
                        name: declaration_name(declaration).unwrap_or("?").to_owned(),
                        expected: "a type",
                    },
                );
                Type::Poison
            }
        }
    }

    /// A struct, header or header union.
    fn record(&mut self, list: &'a ast::FieldList, kind: RecordKind, args: &[Type]) -> Type {
        self.check_distinct(list.fields.iter().map(|field| &field.name));
        let mut fields = Vec::new();
        for field in &list.fields {
            let ty = self.ty(&field.ty);
            let is_allowed = match (kind, ty.without_newtypes()) {
                (_, Type::Poison | Type::Var(_)) => true,
                (RecordKind::Header, ty) => may_be_in_header(ty),
                (RecordKind::Union, ty) => ty.as_header().is_some(),
                (
                    RecordKind::Struct,
                    Type::Void | Type::Int | Type::String | Type::MatchKind | Type::Object { .. },
                ) => false,
                (RecordKind::Struct, _) => true,
            };
            if !is_allowed {
                self.mismatch_text(
                    field.span,
                    match kind {
                        RecordKind::Struct => "a type with values",
                        RecordKind::Header => "numbers, and at most one varbit",
                        RecordKind::Union => "a header",
                    },
                    &ty,
                );
            }
            fields.push(RecordField {
                name: field.name.text.clone(),
                ty: if is_allowed { ty } else { Type::Poison },
                span: field.span,
            });
        }
        Type::Record(Rc::new(Record {
            name: list.name.text.clone(),
            args: args.to_vec(),
            kind,
            fields,
            span: list.span,
        }))
    }

    /// An enumeration whose members are numbers.
    fn serializable_enum(&mut self, decl: &'a ast::SerializableEnum) -> Type {
        let underlying = self.ty(&decl.ty);
        let number = underlying.without_newtypes().clone();
        let Type::Bits { width, .. } = number else {
            self.mismatch_text(decl.ty.span, "`bit` or `int` with a width", &underlying);
            return Type::Poison;
        };
        self.check_distinct(decl.members.iter().map(|member| &member.name));
        let mut members: Vec<(String, Bits)> = Vec::new();
        self.in_scope(self.scope, |lower| {
            for member in &decl.members {
                let bits = lower
                    .const_of_type(&member.value, &number)
                    .unwrap_or_else(|| Bits::zero(width));
                // A later member may be given in terms of this one.
                let scope = lower.scope;
                lower.scopes.bind(
                    scope,
                    &member.name.text,
                    Binding::Value(crate::value::Value::constant(number.clone(), bits.clone())),
                );
                members.push((member.name.text.clone(), bits));
            }
        });
        Type::Enum(Rc::new(EnumType {
            name: decl.name.text.clone(),
            underlying: Some(number),
            width,
            members,
            span: decl.span,
        }))
    }

    /// Complains about names that are declared twice.
    pub(crate) fn check_distinct<'n>(&mut self, names: impl Iterator<Item = &'n ast::Name>) {
        let mut seen = std::collections::HashSet::new();
        for name in names {
            if !seen.insert(&name.text) {
                self.error(
                    name.span,
                    &ErrorKind::DuplicateName {
                        name: name.text.clone(),
                    },
                );
            }
        }
    }
}

/// Whether a header may have fields of this type: bits in a fixed order.
fn may_be_in_header(ty: &Type) -> bool {
    match ty.without_newtypes() {
        Type::Varbit(_) => true,
        Type::Record(record) => {
            record.kind == RecordKind::Struct
                && record
                    .fields
                    .iter()
                    .all(|field| may_be_in_header(&field.ty))
        }
        Type::Stack(element, _) => may_be_in_header(element),
        Type::Error => false,
        ty => ty.scalar_width().is_some(),
    }
}

/// The name that a declaration declares, if it is one.
pub(crate) fn declaration_name(declaration: &ast::Declaration) -> Option<&str> {
    name_of(declaration).map(|name| name.text.as_str())
}

/// The same with its place.
pub(crate) fn name_of(declaration: &ast::Declaration) -> Option<&ast::Name> {
    Some(match &declaration.kind {
        DeclarationKind::Const(decl) => &decl.name,
        DeclarationKind::Extern(decl) => &decl.name,
        DeclarationKind::ExternForward(name) => name,
        DeclarationKind::ExternFunction(decl) => &decl.name,
        DeclarationKind::Function(decl) => &decl.prototype.name,
        DeclarationKind::Action(decl) => &decl.name,
        DeclarationKind::Parser(decl) => &decl.head.name,
        DeclarationKind::ParserType(decl) => &decl.name,
        DeclarationKind::Control(decl) => &decl.head.name,
        DeclarationKind::ControlType(decl) => &decl.name,
        DeclarationKind::Package(decl) => &decl.name,
        DeclarationKind::Header(decl)
        | DeclarationKind::HeaderUnion(decl)
        | DeclarationKind::Struct(decl) => &decl.name,
        DeclarationKind::Enum(decl) => &decl.name,
        DeclarationKind::SerializableEnum(decl) => &decl.name,
        DeclarationKind::Typedef(decl) | DeclarationKind::NewType(decl) => &decl.name,
        DeclarationKind::Instantiation(decl) => &decl.name,
        DeclarationKind::Error(_) | DeclarationKind::MatchKind(_) => return None,
    })
}

/// The type parameters of a declaration.
pub(crate) fn type_params(declaration: &ast::Declaration) -> &[ast::Name] {
    match &declaration.kind {
        DeclarationKind::Extern(decl) => &decl.type_params,
        DeclarationKind::ExternFunction(decl) => &decl.type_params,
        DeclarationKind::Function(decl) => &decl.prototype.type_params,
        DeclarationKind::Parser(decl) => &decl.head.type_params,
        DeclarationKind::ParserType(decl) => &decl.type_params,
        DeclarationKind::Control(decl) => &decl.head.type_params,
        DeclarationKind::ControlType(decl) => &decl.type_params,
        DeclarationKind::Package(decl) => &decl.type_params,
        DeclarationKind::Header(decl)
        | DeclarationKind::HeaderUnion(decl)
        | DeclarationKind::Struct(decl) => &decl.type_params,
        DeclarationKind::Const(_)
        | DeclarationKind::ExternForward(_)
        | DeclarationKind::Action(_)
        | DeclarationKind::Enum(_)
        | DeclarationKind::SerializableEnum(_)
        | DeclarationKind::Error(_)
        | DeclarationKind::MatchKind(_)
        | DeclarationKind::Typedef(_)
        | DeclarationKind::NewType(_)
        | DeclarationKind::Instantiation(_) => &[],
    }
}

/// Whether instances are made of what it declares.
fn is_object(declaration: &ast::Declaration) -> bool {
    matches!(
        declaration.kind,
        DeclarationKind::Extern(_)
            | DeclarationKind::ExternForward(_)
            | DeclarationKind::Parser(_)
            | DeclarationKind::ParserType(_)
            | DeclarationKind::Control(_)
            | DeclarationKind::ControlType(_)
            | DeclarationKind::Package(_)
    )
}
