//! Tables: their properties.

use p4rmt_syntax::ast::{self, Expr, ExprKind, Property, PropertyKind};

use crate::args::Binding;
use crate::check::{Body, Checker, Place};
use crate::decl::{DeclId, Node};
use crate::entries;
use crate::error::ErrorKind;
use crate::typed::Address;
use crate::value::Known;

/// Checks a table, whose declaration is not in scope yet.
pub(crate) fn check_table<'a>(check: &mut Checker<'a>, table: &'a ast::Table, id: DeclId) {
    let place = Place {
        body: Body::ControlLocals,
        ..check.place.clone()
    };
    check.at(place, |check| {
        let mut keys = Vec::new();
        for property in &table.properties {
            if let PropertyKind::Key(elements) = &property.kind {
                for element in elements {
                    keys.push(check_key(check, element));
                }
            }
        }
        for property in &table.properties {
            check_property(check, property, &keys, id);
        }
    });
}

/// An element of a key that has been looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    pub(crate) element: &'a ast::KeyElement,
}

fn check_key<'a>(check: &mut Checker<'a>, element: &'a ast::KeyElement) -> Key<'a> {
    let operand = check.infer(&element.expr);
    check.needs_value(&element.expr, operand.ty);
    let name = &element.match_kind;
    match check.match_kinds.get(name.text.as_str()).copied() {
        Some(id) => check.record_name(name, id),
        None => {
            let kind = ErrorKind::UnknownName {
                name: name.text.clone(),
            };
            let near = check.near_match_kind(&name.text);
            check.error_near(name.span, &kind, near);
        }
    }
    Key { element }
}

fn check_property<'a>(
    check: &mut Checker<'a>,
    property: &'a Property,
    keys: &[Key<'a>],
    table: DeclId,
) {
    match &property.kind {
        PropertyKind::Key(_) => {}
        PropertyKind::Actions(actions) => {
            for action in actions {
                check.listed_action(action, Binding::Listed);
            }
        }
        PropertyKind::Entries(list) => {
            for entry in list {
                entries::check_entry(check, entry, keys, table);
            }
        }
        PropertyKind::DefaultAction(action) => check_default_action(check, action),
        PropertyKind::Size(size) => {
            let operand = check.infer(size);
            if !operand.ty.is_poison() && !check.is_integral(operand.ty) {
                check.mismatch_with(size.span, "a number", operand.ty);
            } else if operand.known < Known::Instantiated {
                check.error(size.span, ErrorKind::NotConstant);
            }
        }
        PropertyKind::Other { value, .. } => {
            if let ExprKind::Path(path) = &value.kind {
                let ids = check.scopes.all(&path.name.text).next().cloned();
                let id = ids.and_then(|ids| ids.first().copied());
                if let Some(id) = id.filter(|id| check.value_of_decl(*id).is_none()) {
                    // What a property means is the architecture's; it may name anything.
                    check.record_path(path, id);
                    return;
                }
            }
            check.infer(value);
        }
    }
}

/// `default_action = a;`, `default_action = a(…);`
fn check_default_action<'a>(check: &mut Checker<'a>, action: &'a Expr) {
    let (path, args) = match &action.kind {
        ExprKind::Path(path) => (path, [].as_slice()),
        ExprKind::Call { callee, args, .. } => match &callee.kind {
            ExprKind::Path(path) => (path, args.as_slice()),
            _ => return not_an_action(check, action),
        },
        _ => return not_an_action(check, action),
    };
    if let Some((_, call)) = check.bind_action(path, args, Binding::Full, action.span) {
        check.tables.calls.insert(Address::of(action), call);
    }
}

fn not_an_action(check: &mut Checker<'_>, expr: &Expr) {
    check.error(expr.span, ErrorKind::NotAnAction);
}

/// The label of a `switch` over what a table ran.
pub(crate) fn check_action_label<'a>(check: &mut Checker<'a>, label: &'a Expr, _table: DeclId) {
    let ExprKind::Path(path) = &label.kind else {
        return not_an_action(check, label);
    };
    let Some(ids) = check.lookup(path) else {
        return;
    };
    let Some(id) = ids.first().copied() else {
        return;
    };
    check.record_path(path, id);
    if !matches!(check.decl(id).node, Node::Action(_)) {
        not_an_action(check, label);
    }
}
