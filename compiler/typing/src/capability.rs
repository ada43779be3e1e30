//! What a type can do because its parts can: have a default value, be compared.

use std::rc::Rc;

use crate::check::Checker;
use crate::types::{Sort, Type, TypeKind};

/// Something that a type of parts can do if all its parts can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Capability {
    /// To have a default value (clause 7.3).
    Default,
    /// To be compared for equality.
    Equality,
}

impl Checker<'_> {
    /// Whether values of a type can do it.
    pub(crate) fn can(&mut self, capability: Capability, ty: Type) -> bool {
        if let Some(known) = self.capabilities.get(&(capability, ty)) {
            return *known;
        }
        let can = match self.types.kind(ty).clone() {
            TypeKind::Poison
            | TypeKind::Any
            | TypeKind::Bool
            | TypeKind::Int
            | TypeKind::Error
            | TypeKind::Bits { .. }
            | TypeKind::Varbit(_) => true,
            TypeKind::String => capability == Capability::Default,
            TypeKind::MatchKind => capability == Capability::Equality,
            TypeKind::Tuple(parts) => parts.iter().all(|part| self.can(capability, *part)),
            TypeKind::Stack(element, _) => self.can(capability, element),
            TypeKind::Named { sort, decl, .. } => match sort {
                Sort::Enum | Sort::SerializableEnum => true,
                // Headers and unions are invalid by default, whatever is in them.
                Sort::Header | Sort::Union if capability == Capability::Default => true,
                Sort::Struct | Sort::Header | Sort::Union => {
                    let fields = self.fields_of(ty).unwrap_or_else(|| Rc::from([]));
                    fields.iter().all(|field| self.can(capability, field.ty))
                }
                Sort::NewType => {
                    let underlying = self.underlying(decl);
                    underlying.is_some_and(|ty| self.can(capability, ty))
                }
                Sort::Extern | Sort::Parser | Sort::Control | Sort::Package => false,
            },
            TypeKind::Void
            | TypeKind::List(_)
            | TypeKind::Param(_)
            | TypeKind::Table(_)
            | TypeKind::ApplyResult(_)
            | TypeKind::ActionRun(_)
            | TypeKind::ValueSet(_)
            | TypeKind::Fields(_)
            | TypeKind::Default
            | TypeKind::Invalid
            | TypeKind::Infer(_) => false,
        };
        self.capabilities.insert((capability, ty), can);
        can
    }
}
