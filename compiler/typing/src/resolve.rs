//! What names and written types mean.

use p4rmt_syntax::ast;
use p4rmt_syntax::ast::TypeKind as Written;

use crate::check::Checker;
use crate::decl::{DeclId, Detail, Node};
use crate::error::ErrorKind;
use crate::eval;
use crate::scope::Overloads;
use crate::typed::Address;
use crate::types::{Sort, Type, TypeKind};
use crate::value::Known;

/// The widest number, as in the reference compiler.
pub(crate) const MAX_WIDTH: u32 = 2048;
/// The most elements of a stack.
pub(crate) const MAX_STACK: u32 = 1 << 24;

/// Whether a generic type must come with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generic {
    /// It must.
    Specialized,
    /// They may be missing or `_`, and are inferred.
    Open,
}

impl<'a> Checker<'a> {
    /// The declarations that a name means here: those of the innermost scope that has it.
    pub(crate) fn lookup(&mut self, path: &'a ast::Path) -> Option<Overloads> {
        let name = path.name.text.as_str();
        let found = if path.is_absolute {
            self.scopes.top(name).cloned()
        } else {
            self.scopes.all(name).next().cloned()
        };
        if found.is_none() {
            self.unknown(path);
        }
        found
    }

    /// Says that nothing has this name.
    pub(crate) fn unknown(&mut self, path: &ast::Path) {
        let name = path.name.text.clone();
        if self
            .place
            .within
            .is_some_and(|id| self.decl(id).name == name)
        {
            self.error(path.span, ErrorKind::Recursive { name });
            return;
        }
        if let Some(later) = self.declared_later(&name, path.span) {
            let note = "declared here, after its use";
            self.error_with(path.span, ErrorKind::UnknownName { name }, later, note);
            return;
        }
        let near = self.near_name(&name);
        self.error_near(path.span, &ErrorKind::UnknownName { name }, near);
    }

    /// Whether a declaration names a type.
    pub(crate) fn is_type(&self, id: DeclId) -> bool {
        match self.decl(id).node {
            Node::TypeParam(_)
            | Node::Record(_)
            | Node::Enum(_)
            | Node::SerializableEnum(_)
            | Node::Typedef(_)
            | Node::NewType(_)
            | Node::Extern(_)
            | Node::ExternForward(_)
            | Node::Parser(_)
            | Node::ParserType(_)
            | Node::Control(_)
            | Node::ControlType(_)
            | Node::Package(_) => true,
            Node::Const(_)
            | Node::Variable(_)
            | Node::LoopVariable(_)
            | Node::Param(..)
            | Node::Method(_)
            | Node::ExternFunction(_)
            | Node::Function(_)
            | Node::Action(_)
            | Node::Instance(_)
            | Node::ValueSet(_)
            | Node::Table(_)
            | Node::State(_)
            | Node::EnumMember(_)
            | Node::ErrorMember(_)
            | Node::MatchKindMember(_) => false,
        }
    }

    /// The type's declaration that a name means where only a type can stand: declarations of other
    /// kinds do not hide it, so that `in H H` can be followed by another parameter of type `H`.
    pub(crate) fn lookup_type(&mut self, path: &'a ast::Path) -> Option<DeclId> {
        let name = path.name.text.as_str();
        let mut other = false;
        let mut found = None;
        if path.is_absolute {
            for id in self.scopes.top(name).into_iter().flat_map(|ids| ids.iter()) {
                match self.is_type(*id) {
                    true => found = Some(*id),
                    false => other = true,
                }
            }
        } else {
            for id in self.scopes.all(name).flat_map(|ids| ids.iter()) {
                if self.is_type(*id) {
                    found = Some(*id);
                    break;
                }
                other = true;
            }
        }
        match found {
            Some(id) => {
                self.record_path(path, id);
            }
            None if other => {
                let name = path.name.text.clone();
                let expected = "a type";
                self.error(path.span, ErrorKind::WrongKind { name, expected });
            }
            None => self.unknown(path),
        }
        found
    }

    /// The type that a written type means; one that is generic comes with its arguments.
    pub(crate) fn resolve(&mut self, ty: &'a ast::Type) -> Type {
        self.resolve_as(ty, Generic::Specialized)
    }

    /// The type that a written type means.
    pub(crate) fn resolve_as(&mut self, ty: &'a ast::Type, generic: Generic) -> Type {
        let resolved = self.resolve_kind(ty, generic);
        self.tables.types.insert(Address::of(ty), resolved);
        resolved
    }

    fn resolve_kind(&mut self, ty: &'a ast::Type, generic: Generic) -> Type {
        match &ty.kind {
            Written::Void => Type::VOID,
            Written::Bool => Type::BOOL,
            Written::Error => Type::ERROR,
            Written::MatchKind => Type::MATCH_KIND,
            Written::String => Type::STRING,
            Written::Bit(None) => self.types.bit(1),
            Written::Bit(Some(width)) => self.sized(width, 0, |width| TypeKind::Bits {
                width,
                is_signed: false,
            }),
            Written::Int(width) => self.sized(width, 1, |width| TypeKind::Bits {
                width,
                is_signed: true,
            }),
            Written::Varbit(width) => self.sized(width, 0, TypeKind::Varbit),
            Written::Integer => Type::INT,
            Written::Named(path) => {
                let Some(id) = self.lookup_type(path) else {
                    return Type::POISON;
                };
                self.named_type(id, path, generic)
            }
            Written::Specialized { base, args } => {
                let args: Vec<Type> = args
                    .iter()
                    .map(|arg| self.resolve_as(arg, generic))
                    .collect();
                let Some(id) = self.lookup_type(base) else {
                    return Type::POISON;
                };
                self.specialized_type(id, base, args)
            }
            Written::Array { element, size } => {
                let element = self.resolve_as(element, generic);
                let Some(size) = self.local_number(size, 0, MAX_STACK) else {
                    return Type::POISON;
                };
                if element.is_poison() {
                    return element;
                }
                self.make_type(TypeKind::Stack(element, size), ty.span)
            }
            Written::Tuple(parts) => {
                let parts: Vec<Type> = parts
                    .iter()
                    .map(|part| self.resolve_as(part, generic))
                    .collect();
                self.make_type(TypeKind::Tuple(parts.into()), ty.span)
            }
            Written::List(element) => {
                let element = self.resolve_as(element, generic);
                self.make_type(TypeKind::List(element), ty.span)
            }
            Written::DontCare => Type::ANY,
            Written::Derived(declaration) => self
                .declare_type(declaration)
                .map_or(Type::POISON, |id| self.decl(id).ty),
        }
    }

    /// A type; an error if it is too large.
    fn make_type(&mut self, kind: TypeKind, span: p4rmt_source::Span) -> Type {
        if self.types.mentions_poison(&kind) {
            return Type::POISON;
        }
        let ty = self.types.make(kind);
        if ty.is_poison() {
            let most = crate::types::MAX_TYPE_SIZE;
            self.error(span, ErrorKind::TypeTooLarge { most });
        }
        ty
    }

    /// Whether a type's declaration is being looked at, so that it cannot be used yet.
    fn is_unfinished(&self, id: DeclId) -> bool {
        let decl = self.decl(id);
        match decl.node {
            Node::Record(_) | Node::Enum(_) | Node::SerializableEnum(_) => {
                matches!(decl.detail, Detail::None)
            }
            Node::Extern(_) | Node::Parser(_) | Node::Control(_) => self.place.owner == Some(id),
            _ => false,
        }
    }

    /// The type that a declaration names, without type arguments.
    pub(crate) fn named_type(&mut self, id: DeclId, path: &ast::Path, generic: Generic) -> Type {
        let decl = self.decl(id);
        let n_params = decl.type_params.len();
        if self.is_unfinished(id) {
            let name = decl.name.to_owned();
            return self.error(path.span, ErrorKind::Recursive { name });
        }
        if n_params == 0 {
            return decl.ty;
        }
        if generic == Generic::Specialized {
            let name = decl.name.to_owned();
            return self.error(
                path.span,
                ErrorKind::TypeArgumentCount {
                    name,
                    needed: n_params,
                    available: 0,
                },
            );
        }
        self.specialized_type(id, path, vec![Type::ANY; n_params])
    }

    /// The type that a declaration names, with these type arguments.
    pub(crate) fn specialized_type(
        &mut self,
        id: DeclId,
        path: &ast::Path,
        args: Vec<Type>,
    ) -> Type {
        let decl = self.decl(id);
        if decl.type_params.len() != args.len() {
            let name = decl.name.to_owned();
            let needed = decl.type_params.len();
            return self.error(
                path.span,
                ErrorKind::TypeArgumentCount {
                    name,
                    needed,
                    available: args.len(),
                },
            );
        }
        if self.is_unfinished(id) {
            let name = decl.name.to_owned();
            return self.error(path.span, ErrorKind::Recursive { name });
        }
        let TypeKind::Named { sort, decl, .. } = *self.types.kind(decl.ty) else {
            return Type::POISON;
        };
        if args.iter().any(|arg| arg.is_poison()) {
            return Type::POISON;
        }
        let args = args.into();
        self.make_type(TypeKind::Named { sort, decl, args }, path.span)
    }

    /// A type whose width is written.
    fn sized(&mut self, width: &'a ast::Expr, least: u32, make: impl Fn(u32) -> TypeKind) -> Type {
        match self.local_width(width, least) {
            Some(width) => self.types.make(make(width)),
            None => Type::POISON,
        }
    }

    /// A width that the program's text gives.
    pub(crate) fn local_width(&mut self, expr: &'a ast::Expr, least: u32) -> Option<u32> {
        let value = self.local_int(expr)?;
        let width = u32::try_from(&value).ok();
        let width = width.filter(|width| (least..=MAX_WIDTH).contains(width));
        if width.is_none() {
            self.error(
                expr.span,
                ErrorKind::Width {
                    width: eval::shown(&value),
                    least,
                    most: MAX_WIDTH,
                },
            );
        }
        width
    }

    /// A number that the program's text gives.
    pub(crate) fn local_number(
        &mut self,
        expr: &'a ast::Expr,
        least: u32,
        most: u32,
    ) -> Option<u32> {
        let value = self.local_int(expr)?;
        let number = u32::try_from(&value).ok();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.error(
                expr.span,
                ErrorKind::Size {
                    size: eval::shown(&value),
                    least: u64::from(least),
                    most: u64::from(most),
                },
            );
        }
        number
    }

    /// The integer that an expression is by the program's text alone.
    pub(crate) fn local_int(&mut self, expr: &'a ast::Expr) -> Option<num_bigint::BigInt> {
        let operand = self.infer(expr);
        if operand.ty.is_poison() {
            return None;
        }
        if !self.is_integral(operand.ty) {
            let found = self.show(operand.ty);
            let expected = "int".to_owned();
            self.error(expr.span, ErrorKind::Mismatch { expected, found });
            return None;
        }
        let value = operand
            .value
            .as_ref()
            .and_then(|value| value.as_int().cloned());
        if value.is_none() || operand.known != Known::Local {
            self.error(expr.span, ErrorKind::NotConstant);
            return None;
        }
        value
    }

    /// Whether values of a type are numbers, or stand for them.
    pub(crate) fn is_integral(&self, ty: Type) -> bool {
        matches!(
            self.types.kind(ty),
            TypeKind::Int
                | TypeKind::Bits { .. }
                | TypeKind::Named {
                    sort: Sort::SerializableEnum,
                    ..
                }
        )
    }
}
