//! Constants that their place cannot hold (clause 7.2.1).

use num_bigint::{BigInt, Sign};
use p4rmt_syntax::ast::{self, DeclarationKind};

use crate::check::Checker;
use crate::rules::violation::Violation;
use crate::types::TypeKind;
use crate::value::Value;

/// Looks at the members of serializable enumerations.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    for declaration in &program.declarations {
        enumeration(check, declaration);
    }
}

fn enumeration<'a>(check: &mut Checker<'a>, declaration: &'a ast::Declaration) {
    let enumeration = match &declaration.kind {
        DeclarationKind::SerializableEnum(enumeration) => enumeration,
        DeclarationKind::Typedef(typedef) => {
            if let ast::TypeKind::Derived(inner) = &typedef.ty.kind {
                self::enumeration(check, inner);
            }
            return;
        }
        _ => return,
    };
    let underlying = check.written(&enumeration.ty);
    let TypeKind::Bits { width, is_signed } = *check.types.kind(underlying) else {
        return;
    };
    for member in &enumeration.members {
        let Some(Value::Int(value)) = check.own_value(&member.value) else {
            continue;
        };
        if !fits(&value, width, is_signed) {
            let violation = Violation::EnumValue {
                value: value.to_string(),
                ty: check.show(underlying),
            };
            check.violate(member.value.span, violation);
        }
    }
}

/// Whether a type of numbers has a value.
pub(crate) fn fits(value: &BigInt, width: u32, is_signed: bool) -> bool {
    if is_signed {
        let bound = BigInt::from(1) << (width.max(1) - 1);
        *value >= -&bound && *value < bound
    } else {
        value.sign() != Sign::Minus && *value < BigInt::from(1) << width
    }
}
