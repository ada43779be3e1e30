//! How many bits a type has, least and most (clause 9).

use std::rc::Rc;

use p4rmt_syntax::ast::Expr;

use crate::check::{Checker, Operand};
use crate::error::ErrorKind;
use crate::typed::Builtin;
use crate::types::{Sort, Type, TypeKind};
use crate::value::{Known, Value};

impl<'a> Checker<'a> {
    /// The value of `minSizeInBits` and the like.
    pub(crate) fn size_of(&mut self, expr: &Expr, builtin: Builtin, ty: Type) -> Operand {
        let Some((least, most)) = self.bits_of(ty) else {
            if !self.types.has_params(ty) && !ty.is_poison() {
                let ty = self.show(ty);
                self.error(expr.span, ErrorKind::NoSize { ty });
            }
            return Operand::known(Type::INT, None, Known::Instantiated);
        };
        let value = match builtin {
            Builtin::MinSizeInBits => least,
            Builtin::MinSizeInBytes => least.div_ceil(8),
            Builtin::MaxSizeInBytes => most.div_ceil(8),
            _ => most,
        };
        Operand::constant(Type::INT, Value::Int(value.into()))
    }

    /// Least and most bits of a type that has a size.
    pub(crate) fn bits_of(&mut self, ty: Type) -> Option<(u64, u64)> {
        if let Some(size) = self.sizes.get(&ty) {
            return *size;
        }
        let size = self.compute_bits(ty);
        self.sizes.insert(ty, size);
        size
    }

    fn compute_bits(&mut self, ty: Type) -> Option<(u64, u64)> {
        match self.types.kind(ty).clone() {
            TypeKind::Bool => Some((1, 1)),
            TypeKind::Bits { width, .. } => Some((u64::from(width), u64::from(width))),
            TypeKind::Varbit(most) => Some((0, u64::from(most))),
            TypeKind::Tuple(parts) => self.sum_bits(parts.iter().copied()),
            TypeKind::Stack(element, size) => {
                let (least, most) = self.bits_of(element)?;
                let size = u64::from(size);
                Some((least.checked_mul(size)?, most.checked_mul(size)?))
            }
            TypeKind::Named { sort, decl, .. } => match sort {
                Sort::Struct | Sort::Header => {
                    let fields = self.fields_of(ty).unwrap_or_else(|| Rc::from([]));
                    self.sum_bits(fields.iter().map(|field| field.ty))
                }
                Sort::Union => {
                    let fields = self.fields_of(ty).unwrap_or_else(|| Rc::from([]));
                    let mut size = (0, 0);
                    for field in fields.iter() {
                        let (least, most) = self.bits_of(field.ty)?;
                        size = (least.max(size.0), most.max(size.1));
                    }
                    Some(size)
                }
                Sort::SerializableEnum | Sort::NewType => {
                    let underlying = self.underlying(decl)?;
                    self.bits_of(underlying)
                }
                Sort::Enum | Sort::Extern | Sort::Parser | Sort::Control | Sort::Package => None,
            },
            TypeKind::Poison
            | TypeKind::Void
            | TypeKind::Int
            | TypeKind::String
            | TypeKind::Error
            | TypeKind::MatchKind
            | TypeKind::List(_)
            | TypeKind::Param(_)
            | TypeKind::Table(_)
            | TypeKind::ApplyResult(_)
            | TypeKind::ActionRun(_)
            | TypeKind::ValueSet(_)
            | TypeKind::Fields(_)
            | TypeKind::Default
            | TypeKind::Invalid
            | TypeKind::Any
            | TypeKind::Infer(_) => None,
        }
    }

    fn sum_bits(&mut self, parts: impl Iterator<Item = Type>) -> Option<(u64, u64)> {
        let mut sum = (0u64, 0u64);
        for part in parts {
            let (least, most) = self.bits_of(part)?;
            sum = (sum.0.checked_add(least)?, sum.1.checked_add(most)?);
        }
        Some(sum)
    }
}
