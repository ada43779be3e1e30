//! Keysets: what values of a select or of a table's key are matched with.

use p4rmt_syntax::ast::{Expr, ExprKind, Keyset, KeysetKind, KeysetTuple};

use crate::check::Checker;
use crate::error::ErrorKind;
use crate::types::{Sort, Type, TypeKind};

/// Checks keysets against the types of what they are matched with.
pub(crate) fn check_keyset<'a>(check: &mut Checker<'a>, tuple: &'a KeysetTuple, types: &[Type]) {
    if let [only] = &tuple.elements[..] {
        match only.kind {
            KeysetKind::Default | KeysetKind::DontCare => return,
            // One list stands for all; in parentheses, for what it stands there for.
            KeysetKind::Expr(ref expr)
                if is_list(expr)
                    && !check.takes_list(types)
                    && (types.len() > 1 || !tuple.is_tuple) =>
            {
                check.infer(expr);
                let expected = check.types.tuple(types.to_vec());
                check.coerce(expr, expected);
                return;
            }
            KeysetKind::Expr(ref expr) if types.len() > 1 && !tuple.is_tuple => {
                let operand = check.infer(expr);
                if let TypeKind::ValueSet(element) = *check.types.kind(operand.ty) {
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
        _ => {
            let mut leaves = Vec::new();
            check.leaves(element, types.len(), &mut leaves);
            leaves
        }
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
        KeysetKind::Mask(first, last) | KeysetKind::Range(first, last) => {
            // Masks and ranges are about numbers: those of a serializable enumeration.
            let ty = match *check.types.kind(ty) {
                TypeKind::Named {
                    sort: Sort::SerializableEnum,
                    decl,
                    ..
                } => check.underlying(decl).unwrap_or(ty),
                _ => ty,
            };
            check.check_value(first, ty);
            check.check_value(last, ty);
        }
    }
}

fn is_list(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::List(_))
}

impl Checker<'_> {
    /// Whether what is matched is one value that a list can be converted to.
    fn takes_list(&self, types: &[Type]) -> bool {
        matches!(types, [only] if matches!(
            self.types.kind(*only),
            TypeKind::Poison
                | TypeKind::Tuple(_)
                | TypeKind::Stack(..)
                | TypeKind::Named {
                    sort: Sort::Struct | Sort::Header,
                    ..
                }
        ))
    }

    /// The types of the fields of a type, those of structs within it in their place; one more than
    /// `most` at most.
    fn leaves(&mut self, ty: Type, most: usize, leaves: &mut Vec<Type>) {
        if leaves.len() > most {
            return;
        }
        match self.fields_of(ty) {
            Some(fields) => {
                for field in fields.iter() {
                    self.leaves(field.ty, most, leaves);
                }
            }
            None => leaves.push(ty),
        }
    }
}
