//! Keysets: what values of a select or of a table's key are matched with.

use p4rmt_syntax::ast::{ExprKind, Keyset, KeysetKind, KeysetTuple};

use crate::check::Checker;
use crate::error::ErrorKind;
use crate::types::{Type, TypeKind};

/// Checks keysets against the types of what they are matched with.
pub(crate) fn check_keyset<'a>(check: &mut Checker<'a>, tuple: &'a KeysetTuple, types: &[Type]) {
    if let [only] = &tuple.elements[..] {
        match only.kind {
            KeysetKind::Default | KeysetKind::DontCare => return,
            // One list stands for all.
            KeysetKind::Expr(ref expr) if types.len() > 1 && !tuple.is_tuple => {
                let operand = check.infer(expr);
                let expected = check.types.tuple(types.to_vec());
                let is_list = matches!(expr.kind, ExprKind::List(_));
                if is_list {
                    check.coerce(expr, expected);
                } else if let TypeKind::ValueSet(element) = *check.types.kind(operand.ty) {
                    check_set(check, expr.span, element, types);
                } else {
                    count(check, tuple, types);
                }
                return;
            }
            KeysetKind::Expr(_) | KeysetKind::Mask(..) | KeysetKind::Range(..) => {}
        }
    }
    if tuple.elements.len() != types.len() {
        for keyset in &tuple.elements {
            check_one(check, keyset, Type::POISON);
        }
        count(check, tuple, types);
        return;
    }
    for (keyset, ty) in tuple.elements.iter().zip(types) {
        check_one(check, keyset, *ty);
    }
}

fn count(check: &mut Checker<'_>, tuple: &KeysetTuple, types: &[Type]) {
    let kind = ErrorKind::KeyCount {
        needed: types.len(),
        available: tuple.elements.len(),
    };
    check.error(tuple.span, kind);
}

/// A value set holds values of one type, or structs or tuples of several.
fn check_set(check: &mut Checker<'_>, span: p4rmt_source::Span, element: Type, types: &[Type]) {
    let parts: Vec<Type> = match check.types.kind(element).clone() {
        TypeKind::Tuple(parts) => parts.to_vec(),
        _ => match check.fields_of(element) {
            Some(fields) => fields.iter().map(|field| field.ty).collect(),
            None => vec![element],
        },
    };
    let fits = parts.len() == types.len()
        && parts
            .iter()
            .zip(types)
            .all(|(part, ty)| check.agrees(*part, *ty));
    if !fits {
        let expected = check.types.tuple(types.to_vec());
        check.mismatch(span, expected, element);
    }
}

fn check_one<'a>(check: &mut Checker<'a>, keyset: &'a Keyset, ty: Type) {
    match &keyset.kind {
        KeysetKind::Default | KeysetKind::DontCare => {}
        KeysetKind::Expr(expr) => {
            let operand = check.infer(expr);
            if let TypeKind::ValueSet(element) = *check.types.kind(operand.ty) {
                if !check.agrees(element, ty) {
                    check_set(check, expr.span, element, &[ty]);
                }
                return;
            }
            check.coerce(expr, ty);
        }
        KeysetKind::Mask(value, mask) => {
            check.check_value(value, ty);
            check.check_value(mask, ty);
        }
        KeysetKind::Range(first, last) => {
            check.check_value(first, ty);
            check.check_value(last, ty);
        }
    }
}
