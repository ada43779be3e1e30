//! The methods that an extern declares, and their overloads (clause 7.2.11).
//!
//! * A method without a result is a constructor, named as the extern; the constructor has no result.
//! * Overloads differ in the number or in the names of their parameters.

use p4rmt_syntax::ast::{self, DeclarationKind, MethodKind, Parameter};

use crate::check::Checker;
use crate::hash::FastMap;
use crate::rules::violation::Violation;

/// Looks at all externs.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    for declaration in &program.declarations {
        if let DeclarationKind::Extern(object) = &declaration.kind {
            check_extern(check, object);
        }
    }
}

fn check_extern<'a>(check: &mut Checker<'a>, object: &'a ast::Extern) {
    let mut methods: FastMap<&str, Vec<(&'a ast::Name, &'a [Parameter])>> = FastMap::default();
    for method in &object.methods {
        let is_named_as_extern = method.name.text == object.name.text;
        match &method.kind {
            MethodKind::Constructor if !is_named_as_extern => {
                let violation = Violation::NoResultType {
                    method: method.name.text.clone(),
                    object: object.name.text.clone(),
                };
                check.violate(method.name.span, violation);
            }
            MethodKind::Method { result, .. } if is_named_as_extern => {
                let name = object.name.text.clone();
                check.violate(result.span, Violation::ConstructorResult { name });
            }
            MethodKind::Constructor | MethodKind::Method { .. } => {}
        }
        let others = methods.entry(&method.name.text).or_default();
        overload(check, &method.name, &method.params, others);
        others.push((&method.name, &method.params));
    }
}

/// Whether a call can tell a method from the others of its name.
fn overload(
    check: &mut Checker<'_>,
    name: &ast::Name,
    params: &[Parameter],
    others: &[(&ast::Name, &[Parameter])],
) {
    let same = others.iter().find(|(_, other)| {
        other.len() == params.len()
            && other.iter().all(|other| {
                params
                    .iter()
                    .any(|param| param.name.text == other.name.text)
            })
    });
    if let Some((first, _)) = same {
        let violation = Violation::SameOverload {
            name: name.text.clone(),
        };
        check.violate_with(
            name.span,
            violation,
            first.span,
            "the other is declared here",
        );
    }
}
