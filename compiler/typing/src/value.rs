//! Values that are known when a program is compiled.

use std::rc::Rc;

use num_bigint::BigInt;
use p4rmt_ir::Bits;

use crate::decl::DeclId;

/// A value that is known when the program is compiled. Its type is the expression's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `true`, `false`.
    Bool(bool),
    /// A number: of any size as an `int`, in the range of its type as a `bit<W>` or `int<W>`.
    Int(BigInt),
    /// A string.
    String(Rc<str>),
    /// A member of an enumeration without underlying type, by its position.
    Enum(usize),
    /// A value of a serializable enumeration, by its number: it need not be that of a member.
    SerializableEnum(BigInt),
    /// A member of `error`.
    Error(DeclId),
    /// A member of `match_kind`.
    MatchKind(DeclId),
    /// The parts of a tuple, list, stack, or struct, or the fields of a valid header, in the order of the
    /// type; `None` where a part is not known.
    Composite(Rc<[Option<Value>]>),
    /// An invalid header or header union.
    Invalid,
}

impl Value {
    /// The number, of an integer or a serializable enumeration.
    #[must_use]
    pub fn as_int(&self) -> Option<&BigInt> {
        match self {
            Self::Int(value) | Self::SerializableEnum(value) => Some(value),
            _ => None,
        }
    }

    /// The truth value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number cut to a width, in two's complement.
    #[must_use]
    pub fn to_bits(&self, width: u32) -> Option<Bits> {
        self.as_int().map(|value| Bits::from_bigint(width, value))
    }
}

/// How much is known of an expression before a packet arrives (clause 18.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Known {
    /// Nothing: it is computed for each packet.
    No,
    /// It is known once everything is instantiated: it depends on a constructor's parameter.
    Instantiated,
    /// It is known from the program's text alone.
    Local,
}
