//! Types, each kept once: two types are equal exactly if their [`Type`]s are.
//!
//! Struct-like types, enumerations, newtypes, externs and blocks are nominal: a declaration and its
//! type arguments. [`TypeKind::Poison`] is the type of what has already been complained about; it
//! agrees with every type, so that one mistake is reported once. Within a generic declaration its
//! type parameters are [`TypeKind::Param`]; nothing outside of inference sees [`TypeKind::Infer`].
//!
//! A type knows the size of its written form, and one that is too large is refused where it is made:
//! so that what a program can write in a line cannot take a walk of years.

use std::rc::Rc;

use crate::decl::DeclId;
use crate::hash::FastMap;

/// A type; what it is, is told by [`Types::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Type(u32);

/// What a nominal type is declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    /// `struct`
    Struct,
    /// `header`
    Header,
    /// `header_union`
    Union,
    /// `enum`
    Enum,
    /// `enum bit<…>`
    SerializableEnum,
    /// `type`
    NewType,
    /// `extern`
    Extern,
    /// `parser`, with or without a body.
    Parser,
    /// `control`, with or without a body.
    Control,
    /// `package`
    Package,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TypeKind {
    /// Of something that an error was reported about.
    Poison,
    /// Of a call that returns nothing.
    Void,
    /// `bool`.
    Bool,
    /// `int`: a number of any size.
    Int,
    /// `string`.
    String,
    /// `error`.
    Error,
    /// `match_kind`.
    MatchKind,
    /// `bit<width>` or `int<width>`.
    Bits {
        /// In bits.
        width: u32,
        /// Whether it is `int<width>`.
        is_signed: bool,
    },
    /// `varbit<max>`.
    Varbit(u32),
    /// `tuple<…>`, and the type of a list expression.
    Tuple(Rc<[Type]>),
    /// `list<T>`.
    List(Type),
    /// `T[n]`: a header stack, or an array of anything else.
    Stack(Type, u32),
    /// A declared type with its type arguments.
    Named {
        /// What it is declared as.
        sort: Sort,
        /// Its declaration.
        decl: DeclId,
        /// Its type arguments; none if it is not generic.
        args: Rc<[Type]>,
    },
    /// A type parameter of the generic declaration that is looked at.
    Param(DeclId),
    /// A table; only `apply` can be asked of it.
    Table(DeclId),
    /// What `t.apply()` gives: `hit`, `miss`, `action_run`.
    ApplyResult(DeclId),
    /// `t.apply().action_run`.
    ActionRun(DeclId),
    /// A `value_set<T>`.
    ValueSet(Type),
    /// A struct expression that nothing gives a type yet, its fields as written.
    Fields(Rc<[(Rc<str>, Type)]>),
    /// `...`, until a type is expected.
    Default,
    /// `{#}`, until a type is expected.
    Invalid,
    /// `_` as a type argument.
    Any,
    /// What inference looks for.
    Infer(u32),
}

/// What is known of a type without another look at it.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// How many nodes its written form has.
    size: u32,
    has_params: bool,
    has_infer: bool,
}

/// What type parameters stand for.
pub(crate) type Substitution = Vec<(DeclId, Type)>;

/// The most nodes that the written form of a type may have.
pub(crate) const MAX_TYPE_SIZE: u32 = 4096;

/// All types of a program.
#[derive(Debug)]
pub struct Types {
    kinds: Vec<TypeKind>,
    facts: Vec<Facts>,
    ids: FastMap<TypeKind, Type>,
}

impl Type {
    /// The type of what has been complained about.
    pub const POISON: Self = Self(0);
    /// `void`.
    pub const VOID: Self = Self(1);
    /// `bool`.
    pub const BOOL: Self = Self(2);
    /// `int`.
    pub const INT: Self = Self(3);
    /// `string`.
    pub const STRING: Self = Self(4);
    /// `error`.
    pub const ERROR: Self = Self(5);
    /// `match_kind`.
    pub const MATCH_KIND: Self = Self(6);
    /// `...`.
    pub const DEFAULT: Self = Self(7);
    /// `{#}`.
    pub const INVALID: Self = Self(8);
    /// `_`.
    pub const ANY: Self = Self(9);

    /// Whether something about it has been complained about.
    #[must_use]
    pub fn is_poison(self) -> bool {
        self == Self::POISON
    }
}

impl Types {
    pub(crate) fn new() -> Self {
        let mut types = Self {
            kinds: Vec::new(),
            facts: Vec::new(),
            ids: FastMap::default(),
        };
        // In the order of the constants above.
        for kind in [
            TypeKind::Poison,
            TypeKind::Void,
            TypeKind::Bool,
            TypeKind::Int,
            TypeKind::String,
            TypeKind::Error,
            TypeKind::MatchKind,
            TypeKind::Default,
            TypeKind::Invalid,
            TypeKind::Any,
        ] {
            types.make(kind);
        }
        types
    }

    /// What a type is.
    #[must_use]
    pub fn kind(&self, ty: Type) -> &TypeKind {
        &self.kinds[ty.0 as usize]
    }

    /// The type of this kind; [`Type::POISON`] if it is too large.
    pub(crate) fn make(&mut self, kind: TypeKind) -> Type {
        if let Some(ty) = self.ids.get(&kind) {
            return *ty;
        }
        let mut facts = Facts {
            size: 1,
            has_params: matches!(kind, TypeKind::Param(_)),
            has_infer: matches!(kind, TypeKind::Infer(_)),
        };
        for part in parts(&kind) {
            let other = self.facts[part.0 as usize];
            facts.size = facts.size.saturating_add(other.size);
            facts.has_params |= other.has_params;
            facts.has_infer |= other.has_infer;
        }
        if facts.size > MAX_TYPE_SIZE {
            return Type::POISON;
        }
        let ty = Type(u32::try_from(self.kinds.len()).unwrap_or(0));
        self.kinds.push(kind.clone());
        self.facts.push(facts);
        self.ids.insert(kind, ty);
        ty
    }

    /// Whether a kind is made of something that has been complained about.
    pub(crate) fn mentions_poison(&self, kind: &TypeKind) -> bool {
        parts(kind).into_iter().any(Type::is_poison)
    }

    /// `bit<width>`.
    pub(crate) fn bit(&mut self, width: u32) -> Type {
        self.make(TypeKind::Bits {
            width,
            is_signed: false,
        })
    }

    /// `tuple<…>`.
    pub(crate) fn tuple(&mut self, parts: impl Into<Rc<[Type]>>) -> Type {
        self.make(TypeKind::Tuple(parts.into()))
    }

    /// Whether a type mentions type parameters.
    #[must_use]
    pub fn has_params(&self, ty: Type) -> bool {
        self.facts[ty.0 as usize].has_params
    }

    /// Whether a type mentions what inference still looks for.
    pub(crate) fn has_infer(&self, ty: Type) -> bool {
        self.facts[ty.0 as usize].has_infer
    }

    /// A type with its parts replaced.
    pub(crate) fn map_parts(
        &mut self,
        ty: Type,
        mut f: impl FnMut(&mut Self, Type) -> Type,
    ) -> Type {
        let kind = match self.kind(ty).clone() {
            TypeKind::Tuple(parts) => {
                TypeKind::Tuple(parts.iter().map(|part| f(self, *part)).collect())
            }
            TypeKind::List(element) => TypeKind::List(f(self, element)),
            TypeKind::Stack(element, size) => TypeKind::Stack(f(self, element), size),
            TypeKind::ValueSet(element) => TypeKind::ValueSet(f(self, element)),
            TypeKind::Named { sort, decl, args } => {
                if args.is_empty() {
                    return ty;
                }
                TypeKind::Named {
                    sort,
                    decl,
                    args: args.iter().map(|arg| f(self, *arg)).collect(),
                }
            }
            TypeKind::Fields(fields) => TypeKind::Fields(
                fields
                    .iter()
                    .map(|(name, ty)| (Rc::clone(name), f(self, *ty)))
                    .collect(),
            ),
            TypeKind::Poison
            | TypeKind::Void
            | TypeKind::Bool
            | TypeKind::Int
            | TypeKind::String
            | TypeKind::Error
            | TypeKind::MatchKind
            | TypeKind::Bits { .. }
            | TypeKind::Varbit(_)
            | TypeKind::Param(_)
            | TypeKind::Table(_)
            | TypeKind::ApplyResult(_)
            | TypeKind::ActionRun(_)
            | TypeKind::Default
            | TypeKind::Invalid
            | TypeKind::Any
            | TypeKind::Infer(_) => return ty,
        };
        self.make(kind)
    }

    /// A type with type parameters replaced by what `subst` gives for them.
    pub(crate) fn substitute(&mut self, ty: Type, subst: &[(DeclId, Type)]) -> Type {
        if subst.is_empty() || !self.has_params(ty) {
            return ty;
        }
        if let TypeKind::Param(param) = self.kind(ty) {
            let found = subst.iter().find(|(of, _)| of == param);
            return found.map_or(ty, |(_, to)| *to);
        }
        self.map_parts(ty, |types, part| types.substitute(part, subst))
    }
}

/// The types that a kind is made of.
fn parts(kind: &TypeKind) -> Vec<Type> {
    match kind {
        TypeKind::Tuple(parts) => parts.to_vec(),
        TypeKind::List(element) | TypeKind::Stack(element, _) | TypeKind::ValueSet(element) => {
            vec![*element]
        }
        TypeKind::Named { args, .. } => args.to_vec(),
        TypeKind::Fields(fields) => fields.iter().map(|(_, ty)| *ty).collect(),
        _ => Vec::new(),
    }
}
