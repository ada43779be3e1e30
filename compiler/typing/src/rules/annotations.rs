//! Annotations: the bodies of those that the specification and the control plane's define, and
//! structured ones (clauses 20, 20.3).
//!
//! * A structured annotation is there once, without an unstructured one of its name, and holds
//!   constants of type `int`, `bool` or `string`.
//! * `@name`, `@deprecated` and `@noWarn` hold a string; marks such as `@hidden` hold nothing.

use p4rmt_syntax::ast::{self, Annotation, AnnotationBody, DeclarationKind, Expr};

use crate::check::Checker;
use crate::error::ErrorKind;
use crate::rules::violation::Violation;
use crate::types::Type;
use crate::walk::{self, Visitor};

/// Looks at all annotations of a program.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    for declaration in &program.declarations {
        let (annotations, type_params) = match &declaration.kind {
            DeclarationKind::Parser(parser) => (&parser.head.annotations, &parser.head.type_params),
            DeclarationKind::Control(control) => {
                (&control.head.annotations, &control.head.type_params)
            }
            _ => continue,
        };
        type_params_are_no_values(check, annotations, type_params);
    }
    walk::program(&mut Annotations { check }, program);
}

struct Annotations<'c, 'a> {
    check: &'c mut Checker<'a>,
}

impl<'a> Visitor<'a> for Annotations<'_, 'a> {
    fn annotations(&mut self, annotations: &'a [Annotation]) {
        for (position, annotation) in annotations.iter().enumerate() {
            once(self.check, &annotations[..position], annotation);
            body(self.check, annotation);
            structured(self.check, annotation);
        }
    }
}

fn is_structured(annotation: &Annotation) -> bool {
    matches!(
        annotation.body,
        AnnotationBody::Expressions(_) | AnnotationBody::Fields(_)
    )
}

/// Structured annotations do not repeat.
fn once(check: &mut Checker<'_>, before: &[Annotation], annotation: &Annotation) {
    let name = &annotation.name.text;
    let first = before.iter().find(|other| {
        other.name.text == *name && (is_structured(other) || is_structured(annotation))
    });
    if let Some(first) = first {
        let violation = Violation::AnnotationTwice { name: name.clone() };
        check.violate_with(annotation.span, violation, first.span, "first here");
    }
}

/// The bodies of annotations that have a meaning.
fn body(check: &mut Checker<'_>, annotation: &Annotation) {
    let name = annotation.name.text.as_str();
    let text = match &annotation.body {
        AnnotationBody::Empty => "",
        AnnotationBody::Unstructured(text) => text.trim(),
        // What stands behind `@pragma` has its own rules, each machine's.
        AnnotationBody::Pragma(_) | AnnotationBody::Expressions(_) | AnnotationBody::Fields(_) => {
            return;
        }
    };
    let needed = match name {
        "name" | "deprecated" | "noWarn" if !is_string(text) => "a string",
        "hidden" | "optional" | "tableonly" | "defaultonly" | "pure" | "noSideEffects"
            if !text.is_empty() =>
        {
            "nothing"
        }
        "match" if !is_match_kind(check, text) => "a match kind",
        "pkginfo" if text.is_empty() => "pairs of names and values",
        "p4runtime_translation" if !is_translation(text) => {
            "a string, and `string`, `bit<W>` or a number of bits"
        }
        _ => return,
    };
    let name = name.to_owned();
    check.violate(annotation.span, Violation::AnnotationBody { name, needed });
}

/// Whether a text is strings, or names of strings, put together with `++`.
fn is_string(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        rest = match rest.strip_prefix('"') {
            Some(string) => match end_of_string(string) {
                Some(end) => &string[end..],
                None => return false,
            },
            None => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                let starts_as_name =
                    rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
                if end == 0 || !starts_as_name {
                    return false;
                }
                &rest[end..]
            }
        };
        rest = rest.trim_start();
        if rest.is_empty() {
            return true;
        }
        match rest.strip_prefix("++") {
            Some(more) => rest = more.trim_start(),
            None => return false,
        }
    }
}

/// Where a string ends, behind its closing quote.
fn end_of_string(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn is_match_kind(check: &Checker<'_>, text: &str) -> bool {
    check.match_kinds.contains_key(text.trim_start_matches('.'))
}

/// Whether a text is a string and a type of the control plane.
fn is_translation(text: &str) -> bool {
    let Some(uri) = text.strip_prefix('"') else {
        return false;
    };
    let Some(rest) = end_of_string(uri).map(|end| uri[end..].trim_start()) else {
        return false;
    };
    let Some(ty) = rest.strip_prefix(',').map(str::trim) else {
        return false;
    };
    let is_number = |text: &str| {
        let text = text.trim();
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let bits = ty.strip_prefix("bit").map(str::trim_start);
    let width = bits.and_then(|bits| bits.strip_prefix('<')?.strip_suffix('>'));
    ty == "string" || is_number(ty) || width.is_some_and(is_number)
}

/// The values of a structured annotation.
fn structured<'a>(check: &mut Checker<'a>, annotation: &'a Annotation) {
    match &annotation.body {
        AnnotationBody::Expressions(values) => {
            for expr in values {
                value(check, expr);
            }
        }
        AnnotationBody::Fields(fields) => {
            let names: Vec<&'a ast::Name> = fields.iter().map(|field| &field.name).collect();
            check.check_distinct(&names);
            for field in fields {
                value(check, &field.value);
            }
        }
        AnnotationBody::Empty | AnnotationBody::Unstructured(_) | AnnotationBody::Pragma(_) => {}
    }
}

/// A value of a structured annotation. Names of places that are no more in scope are left alone.
fn value<'a>(check: &mut Checker<'a>, expr: &'a Expr) {
    let mut names = Names {
        check,
        are_known: true,
    };
    walk::walk_expr(&mut names, walk::Site::TOP, expr);
    if !names.are_known {
        return;
    }
    let operand = check.infer(expr);
    if operand.ty.is_poison() {
        return;
    }
    let is_plain = check.is_integral(operand.ty) || matches!(operand.ty, Type::BOOL | Type::STRING);
    if !is_plain || operand.value.is_none() {
        check.violate(expr.span, Violation::AnnotationValue);
    }
}

/// Whether all names are those of the top level.
struct Names<'c, 'a> {
    check: &'c mut Checker<'a>,
    are_known: bool,
}

impl<'a> Visitor<'a> for Names<'_, 'a> {
    fn expr(&mut self, _at: walk::Site<'a>, expr: &'a Expr) {
        if let ast::ExprKind::Path(path) = &expr.kind
            && self.check.scopes.top(&path.name.text).is_none()
        {
            self.are_known = false;
        }
    }
}

/// Type parameters of a block in its own annotations.
fn type_params_are_no_values<'a>(
    check: &mut Checker<'a>,
    annotations: &'a [Annotation],
    type_params: &'a [ast::Name],
) {
    struct Find<'c, 'a> {
        check: &'c mut Checker<'a>,
        type_params: &'a [ast::Name],
    }
    impl<'a> Visitor<'a> for Find<'_, 'a> {
        fn expr(&mut self, _at: walk::Site<'a>, expr: &'a Expr) {
            if let ast::ExprKind::Path(path) = &expr.kind
                && self
                    .type_params
                    .iter()
                    .any(|param| param.text == path.name.text)
            {
                let kind = ErrorKind::WrongKind {
                    name: path.name.text.clone(),
                    expected: "a value",
                };
                self.check.error(path.span, kind);
            }
        }
    }
    let mut find = Find { check, type_params };
    for annotation in annotations {
        match &annotation.body {
            AnnotationBody::Expressions(values) => {
                for expr in values {
                    walk::walk_expr(&mut find, walk::Site::TOP, expr);
                }
            }
            AnnotationBody::Fields(fields) => {
                for field in fields {
                    walk::walk_expr(&mut find, walk::Site::TOP, &field.value);
                }
            }
            AnnotationBody::Empty | AnnotationBody::Unstructured(_) | AnnotationBody::Pragma(_) => {
            }
        }
    }
}

/// The text of an annotation's string, if it is one literal.
#[must_use]
pub fn string_of(annotation: &Annotation) -> Option<&str> {
    let AnnotationBody::Unstructured(text) = &annotation.body else {
        return None;
    };
    let inner = text.trim().strip_prefix('"')?;
    let end = end_of_string(inner)?;
    inner[end..].trim().is_empty().then(|| &inner[..end - 1])
}

#[cfg(test)]
mod tests {
    use super::{is_string, is_translation};

    #[test]
    fn strings_and_what_is_put_together_of_them() {
        for text in ["\"a\"", "\"a\" ++ \"b\"", "\"a\\\"\" ++ MESSAGE"] {
            assert!(is_string(text), "{text}");
        }
        for text in ["", "4", "\"a\" | \"b\"", "\"a\" ++", "\"a"] {
            assert!(!is_string(text), "{text}");
        }
    }

    #[test]
    fn types_of_the_control_plane() {
        for text in ["\"u\", string", "\"u\", bit<32>", "\"u\",32"] {
            assert!(is_translation(text), "{text}");
        }
        for text in ["\"u\", bool", "\"u\", int<32>", "\"u\"", "\"u\", bit<5+3>"] {
            assert!(!is_translation(text), "{text}");
        }
    }
}
