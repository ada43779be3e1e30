//! Values of expressions while a program is lowered: typed, and as far evaluated as they can be.

use std::rc::Rc;

use num_bigint::BigInt;
use p4rmt_ir::{Bits, Expr};

use crate::storage::{Slot, Storage};
use crate::types::Type;

/// A typed value.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    /// Its type.
    pub(crate) ty: Type,
    /// What it is.
    pub(crate) data: Data,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Something that has been complained about.
    Poison,
    /// Nothing: the result of a call that returns nothing.
    Void,
    /// A number without a width.
    Int(BigInt),
    /// A string.
    Str(Rc<str>),
    /// A scalar.
    Expr(Expr),
    /// The fields of a struct, the elements of a tuple or stack, in order.
    Fields(Vec<Value>),
    /// A header that is not stored anywhere.
    Header {
        /// One bit.
        valid: Expr,
        /// Its fields in order.
        fields: Vec<Value>,
    },
    /// What is stored here, when it is read.
    Place(Storage),
}

impl Value {
    /// A value that has been complained about.
    pub(crate) fn poison() -> Self {
        Self {
            ty: Type::Poison,
            data: Data::Poison,
        }
    }

    /// The result of a call that returns nothing.
    pub(crate) fn void() -> Self {
        Self {
            ty: Type::Void,
            data: Data::Void,
        }
    }

    /// A scalar.
    pub(crate) fn scalar(ty: Type, expr: Expr) -> Self {
        Self {
            ty,
            data: Data::Expr(expr),
        }
    }

    /// A scalar constant.
    pub(crate) fn constant(ty: Type, bits: Bits) -> Self {
        Self::scalar(ty, Expr::Const(bits))
    }

    /// A truth value.
    pub(crate) fn truth(value: bool) -> Self {
        Self::constant(Type::Bool, Bits::from_bool(value))
    }

    /// A number without a width.
    pub(crate) fn int(value: BigInt) -> Self {
        Self {
            ty: Type::Int,
            data: Data::Int(value),
        }
    }

    /// What is stored in a place.
    pub(crate) fn place(ty: Type, storage: Storage) -> Self {
        Self {
            ty,
            data: Data::Place(storage),
        }
    }

    /// What is stored in a scalar place.
    pub(crate) fn slot(ty: Type, slot: Slot) -> Self {
        Self::place(ty, Storage::Leaf(slot))
    }

    /// Whether something about it has been complained about.
    pub(crate) fn is_poison(&self) -> bool {
        matches!(self.data, Data::Poison) || self.ty.is_poison()
    }

    /// The value, if it is a scalar constant with a width.
    pub(crate) fn as_bits(&self) -> Option<&Bits> {
        match &self.data {
            Data::Expr(Expr::Const(bits)) => Some(bits),
            _ => None,
        }
    }

    /// The value as a number, if it is a constant.
    pub(crate) fn as_number(&self) -> Option<BigInt> {
        match &self.data {
            Data::Int(value) => Some(value.clone()),
            Data::Expr(Expr::Const(bits)) => Some(if self.ty.is_signed() {
                bits.to_bigint_signed()
            } else {
                BigInt::from(bits.to_biguint())
            }),
            _ => None,
        }
    }
}
