//! Types as values have them once everything is instantiated: no type parameters, every width and
//! number of elements in place.
//!
//! Records, enumerations and newtypes are nominal: two are equal if they come from the same
//! declaration with the same type arguments. [`Type::Poison`] is the type of what has already been
//! complained about.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use p4rmt_ir::Bits;
use p4rmt_source::Span;
use p4rmt_typing::DeclId;

/// A resolved type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    /// Of something that an error was reported about.
    Poison,
    /// Of a call that returns nothing.
    Void,
    /// `bool`.
    Bool,
    /// `int`: a constant of any size.
    Int,
    /// `string`.
    String,
    /// `error`.
    Error,
    /// `bit<width>` or `int<width>`.
    Bits {
        /// In bits.
        width: u32,
        /// Whether it is `int<width>`.
        is_signed: bool,
    },
    /// `varbit<max>`.
    Varbit(u32),
    /// A struct, header or header union.
    Record(Rc<Record>),
    /// A header stack.
    Stack(Rc<Type>, u32),
    /// An enumeration.
    Enum(Rc<EnumType>),
    /// `type … name`.
    Newtype(Rc<Newtype>),
    /// `tuple<…>`, and the type of a list expression.
    Tuple(Rc<[Type]>),
    /// `list<…>`: values of one type, as many as there are.
    List(Rc<Type>),
    /// An extern, parser, control or package, by name.
    Object(Rc<str>),
    /// A type argument that nothing says: `_`.
    Open,
}

/// What kind of record a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// `struct`.
    Struct,
    /// `header`.
    Header,
    /// `header_union`.
    Union,
}

/// A struct, header or header union.
#[derive(Debug)]
pub(crate) struct Record {
    /// Its declaration; none of a struct expression that nothing gives a type.
    pub(crate) decl: Option<DeclId>,
    /// Its name.
    pub(crate) name: String,
    /// Type arguments.
    pub(crate) args: Vec<Type>,
    /// What it is.
    pub(crate) kind: RecordKind,
    /// Its fields in order.
    pub(crate) fields: Vec<RecordField>,
    /// `@flexible`: the compiler may lay it out as it likes.
    pub(crate) is_flexible: bool,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordField {
    /// Its name.
    pub(crate) name: String,
    /// Its type.
    pub(crate) ty: Type,
    /// `@flexible`: the compiler may put it elsewhere in a header.
    pub(crate) is_flexible: bool,
    /// Its declaration.
    pub(crate) span: Span,
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.decl == other.decl
            && self.args == other.args
            && (self.decl.is_some() || self.fields == other.fields)
    }
}

impl Eq for Record {}

impl Hash for Record {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.decl.hash(state);
    }
}

/// An enumeration.
#[derive(Debug)]
pub(crate) struct EnumType {
    /// Its declaration.
    pub(crate) decl: DeclId,
    /// Its name.
    pub(crate) name: String,
    /// The type that its members are stored as, where the program says it.
    pub(crate) underlying: Option<Type>,
    /// Width of a member in bits.
    pub(crate) width: u32,
    /// Its members in order.
    pub(crate) members: Vec<(String, Bits)>,
}

impl PartialEq for EnumType {
    fn eq(&self, other: &Self) -> bool {
        self.decl == other.decl
    }
}

impl Eq for EnumType {}

impl Hash for EnumType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.decl.hash(state);
    }
}

/// A type with the values of another one and a name of its own.
#[derive(Debug)]
pub(crate) struct Newtype {
    /// Its declaration.
    pub(crate) decl: DeclId,
    /// Its name.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) inner: Type,
}

impl PartialEq for Newtype {
    fn eq(&self, other: &Self) -> bool {
        self.decl == other.decl
    }
}

impl Eq for Newtype {}

impl Hash for Newtype {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.decl.hash(state);
    }
}

/// Width in bits of a value of type `error`.
pub(crate) const ERROR_WIDTH: u32 = 16;

impl Type {
    /// `bit<width>`.
    pub(crate) fn bit(width: u32) -> Self {
        Self::Bits {
            width,
            is_signed: false,
        }
    }

    /// Whether something about this type has been complained about.
    pub(crate) fn is_poison(&self) -> bool {
        matches!(self, Self::Poison)
    }

    /// Whether values are signed numbers.
    pub(crate) fn is_signed(&self) -> bool {
        match self {
            Self::Bits { is_signed, .. } => *is_signed,
            Self::Newtype(newtype) => newtype.inner.is_signed(),
            Self::Enum(enumeration) => enumeration.underlying.as_ref().is_some_and(Self::is_signed),
            _ => false,
        }
    }

    /// The width in bits of a type whose values are single scalars of a fixed width.
    pub(crate) fn scalar_width(&self) -> Option<u32> {
        match self {
            Self::Bool => Some(1),
            Self::Error => Some(ERROR_WIDTH),
            Self::Bits { width, .. } => Some(*width),
            Self::Enum(enumeration) => Some(enumeration.width),
            Self::Newtype(newtype) => newtype.inner.scalar_width(),
            Self::Poison
            | Self::Void
            | Self::Int
            | Self::String
            | Self::Varbit(_)
            | Self::Record(_)
            | Self::Stack(..)
            | Self::Tuple(_)
            | Self::List(_)
            | Self::Object(_)
            | Self::Open => None,
        }
    }

    /// The width in bits of everything in it, varbits at their maximum.
    pub(crate) fn width(&self) -> Option<u32> {
        match self {
            Self::Varbit(max) => Some(*max),
            Self::Record(record) if record.kind != RecordKind::Union => record
                .fields
                .iter()
                .try_fold(0u32, |sum, field| sum.checked_add(field.ty.width()?)),
            Self::Stack(element, size) => element.width()?.checked_mul(*size),
            Self::Tuple(types) => types
                .iter()
                .try_fold(0u32, |sum, ty| sum.checked_add(ty.width()?)),
            Self::Newtype(newtype) => newtype.inner.width(),
            _ => self.scalar_width(),
        }
    }

    /// The record, if it is a header.
    pub(crate) fn as_header(&self) -> Option<&Rc<Record>> {
        match self {
            Self::Record(record) if record.kind == RecordKind::Header => Some(record),
            _ => None,
        }
    }

    /// Whether it is a header union.
    pub(crate) fn is_union(&self) -> bool {
        matches!(self, Self::Record(record) if record.kind == RecordKind::Union)
    }

    /// Whether it is a stack of headers or header unions.
    pub(crate) fn is_header_stack(&self) -> bool {
        matches!(self, Self::Stack(element, _) if element.as_header().is_some() || element.is_union())
    }

    /// The type below every newtype.
    pub(crate) fn without_newtypes(&self) -> &Type {
        match self {
            Self::Newtype(newtype) => newtype.inner.without_newtypes(),
            _ => self,
        }
    }

    /// The types of the parts of a struct, header, tuple or stack.
    pub(crate) fn elements(&self) -> Option<Vec<Type>> {
        match self {
            Self::Record(record) => {
                Some(record.fields.iter().map(|field| field.ty.clone()).collect())
            }
            Self::Tuple(types) => Some(types.to_vec()),
            Self::Stack(element, size) => Some(vec![(**element).clone(); *size as usize]),
            Self::Newtype(newtype) => newtype.inner.elements(),
            _ => None,
        }
    }

    /// The widths of all scalars in order.
    pub(crate) fn scalar_widths(&self) -> Option<Vec<u32>> {
        let Some(types) = self.elements() else {
            return Some(vec![self.scalar_width()?]);
        };
        let parts: Option<Vec<Vec<u32>>> = types.iter().map(Self::scalar_widths).collect();
        Some(parts?.concat())
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poison => f.write_str("?"),
            Self::Void => f.write_str("void"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::String => f.write_str("string"),
            Self::Error => f.write_str("error"),
            Self::Bits {
                width,
                is_signed: false,
            } => write!(f, "bit<{width}>"),
            Self::Bits {
                width,
                is_signed: true,
            } => write!(f, "int<{width}>"),
            Self::Varbit(max) => write!(f, "varbit<{max}>"),
            Self::Record(record) => {
                f.write_str(&record.name)?;
                write_args(f, &record.args)
            }
            Self::Stack(element, size) => write!(f, "{element}[{size}]"),
            Self::Enum(enumeration) => f.write_str(&enumeration.name),
            Self::Newtype(newtype) => f.write_str(&newtype.name),
            Self::Tuple(types) => {
                f.write_str("tuple")?;
                write_args(f, types)
            }
            Self::List(element) => write!(f, "list<{element}>"),
            Self::Object(name) => f.write_str(name),
            Self::Open => f.write_str("_"),
        }
    }
}

/// `<a, b>`, or nothing.
fn write_args(f: &mut fmt::Formatter<'_>, args: &[Type]) -> fmt::Result {
    if args.is_empty() {
        return Ok(());
    }
    f.write_str("<")?;
    for (position, arg) in args.iter().enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{arg}")?;
    }
    f.write_str(">")
}
