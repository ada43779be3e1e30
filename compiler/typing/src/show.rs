//! Types as a person writes them.

use std::fmt::Write;

use crate::decl::{Decl, DeclId};
use crate::types::{Type, TypeKind, Types};

/// How many bytes of a type are shown.
const MAX_SHOWN: usize = 200;

/// A type as the program would write it; a long one is cut.
pub(crate) fn show(types: &Types, decls: &[Decl<'_>], ty: Type) -> String {
    let mut text = String::new();
    write(types, decls, ty, &mut text);
    if text.len() > MAX_SHOWN {
        let end = (0..=MAX_SHOWN)
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

fn write(types: &Types, decls: &[Decl<'_>], ty: Type, text: &mut String) {
    if text.len() > MAX_SHOWN {
        return;
    }
    let name = |id: &DeclId| decls.get(id.0 as usize).map_or("?", |decl| decl.name);
    match types.kind(ty) {
        TypeKind::Poison => text.push('?'),
        TypeKind::Void => text.push_str("void"),
        TypeKind::Bool => text.push_str("bool"),
        TypeKind::Int => text.push_str("int"),
        TypeKind::String => text.push_str("string"),
        TypeKind::Error => text.push_str("error"),
        TypeKind::MatchKind => text.push_str("match_kind"),
        TypeKind::Bits { width, is_signed } => {
            let name = if *is_signed { "int" } else { "bit" };
            let _ = write!(text, "{name}<{width}>");
        }
        TypeKind::Varbit(max) => {
            let _ = write!(text, "varbit<{max}>");
        }
        TypeKind::Tuple(parts) => {
            text.push_str("tuple");
            write_args(types, decls, parts, text, true);
        }
        TypeKind::List(element) => {
            text.push_str("list<");
            write(types, decls, *element, text);
            text.push('>');
        }
        TypeKind::Stack(element, size) => {
            write(types, decls, *element, text);
            let _ = write!(text, "[{size}]");
        }
        TypeKind::Named { decl, args, .. } => {
            text.push_str(name(decl));
            write_args(types, decls, args, text, false);
        }
        TypeKind::Param(decl) => text.push_str(name(decl)),
        TypeKind::Table(decl) => {
            let _ = write!(text, "table {}", name(decl));
        }
        TypeKind::ApplyResult(decl) => {
            let _ = write!(text, "result of {}.apply()", name(decl));
        }
        TypeKind::ActionRun(decl) => {
            let _ = write!(text, "actions of {}", name(decl));
        }
        TypeKind::ValueSet(element) => {
            text.push_str("value_set<");
            write(types, decls, *element, text);
            text.push('>');
        }
        TypeKind::Fields(fields) => {
            text.push_str("{ ");
            for (position, (name, ty)) in fields.iter().enumerate() {
                if position > 0 {
                    text.push_str(", ");
                }
                write(types, decls, *ty, text);
                let _ = write!(text, " {name}");
            }
            text.push_str(" }");
        }
        TypeKind::Default => text.push_str("..."),
        TypeKind::Invalid => text.push_str("{#}"),
        TypeKind::Any | TypeKind::Infer(_) => text.push('_'),
    }
}

/// `<a, b>`; nothing for no arguments, unless the brackets are part of the type.
fn write_args(types: &Types, decls: &[Decl<'_>], args: &[Type], text: &mut String, always: bool) {
    if args.is_empty() && !always {
        return;
    }
    text.push('<');
    for (position, arg) in args.iter().enumerate() {
        if position > 0 {
            text.push_str(", ");
        }
        write(types, decls, *arg, text);
    }
    text.push('>');
}
