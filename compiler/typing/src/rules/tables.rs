//! Tables: their properties, keys and actions (clause 14.2).
//!
//! * `actions` is there; each property once; `default_action` and entries after what they speak of.
//! * The list of actions binds parameters with a direction and leaves action data open; what follows
//!   it uses the same arguments.
//! * Keys are of types that can be looked up and that their match kind is defined on, and have names.

use p4rmt_syntax::ast::{
    self, ActionRef, ArgumentValue, BinaryOp, Direction, Expr, ExprKind, KeyElement, PropertyKind,
};

use crate::check::Checker;
use crate::decl::DeclId;
use crate::rules::entries;
use crate::rules::violation::Violation;
use crate::typed::{ArgSource, Builtin, Call, Callee};
use crate::types::{Sort, Type, TypeKind};
use crate::value::{Known, Value};
use crate::walk::{self, Site, Visitor};

/// Looks at all tables of a program.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    let mut tables = Tables {
        check,
        needs_no_action: false,
    };
    walk::program(&mut tables, program);
    if tables.needs_no_action {
        no_action(check);
    }
}

/// `NoAction`, if it is declared, is what it is in the core library: tables without a default action
/// run it.
fn no_action(check: &mut Checker<'_>) {
    let ids = check.scopes.top("NoAction").cloned();
    let Some(decl) = ids.and_then(|ids| ids.first().copied()) else {
        return;
    };
    let decl = check.decl(decl);
    let is_fit = match decl.node {
        crate::decl::Node::Action(action) => action.params.is_empty(),
        _ => false,
    };
    if !is_fit {
        let span = decl.span;
        check.violate(span, Violation::NoAction);
    }
}

struct Tables<'c, 'a> {
    check: &'c mut Checker<'a>,
    /// Whether a table has no default action of its own.
    needs_no_action: bool,
}

impl<'a> Visitor<'a> for Tables<'_, 'a> {
    fn table(&mut self, _at: Site<'a>, table: &'a ast::Table) {
        self.needs_no_action |= !table
            .properties
            .iter()
            .any(|property| matches!(property.kind, PropertyKind::DefaultAction(_)));
        check_table(self.check, table);
    }
}

/// The actions that a table lists.
pub(crate) fn action_refs(table: &ast::Table) -> impl Iterator<Item = &ActionRef> {
    table
        .properties
        .iter()
        .flat_map(|property| match &property.kind {
            PropertyKind::Actions(actions) => actions.as_slice(),
            PropertyKind::Key(_)
            | PropertyKind::Entries(_)
            | PropertyKind::DefaultAction(_)
            | PropertyKind::Size(_)
            | PropertyKind::Other { .. } => &[],
        })
}

/// The elements of a table's key.
pub(crate) fn keys(table: &ast::Table) -> Vec<&KeyElement> {
    let keys = table
        .properties
        .iter()
        .filter_map(|property| match &property.kind {
            PropertyKind::Key(elements) => Some(elements),
            PropertyKind::Actions(_)
            | PropertyKind::Entries(_)
            | PropertyKind::DefaultAction(_)
            | PropertyKind::Size(_)
            | PropertyKind::Other { .. } => None,
        });
    keys.flatten().collect()
}

/// The name of a property, as written.
fn property_name(kind: &PropertyKind) -> &str {
    match kind {
        PropertyKind::Key(_) => "key",
        PropertyKind::Actions(_) => "actions",
        PropertyKind::Entries(_) => "entries",
        PropertyKind::DefaultAction(_) => "default_action",
        PropertyKind::Size(_) => "size",
        PropertyKind::Other { name, .. } => &name.text,
    }
}

fn check_table<'a>(check: &mut Checker<'a>, table: &'a ast::Table) {
    properties(check, table);
    list_of_actions(check, table);
    for property in &table.properties {
        match &property.kind {
            PropertyKind::Key(elements) => {
                for element in elements {
                    key(check, element);
                }
            }
            PropertyKind::DefaultAction(action) => default_action(check, table, action),
            PropertyKind::Size(size) => {
                property_value(
                    check,
                    "size",
                    size,
                    "a constant number of entries",
                    |value| matches!(value, Value::Int(size) if size.sign() != num_bigint::Sign::Minus),
                );
            }
            PropertyKind::Other { name, value } => match name.text.as_str() {
                "largest_priority_wins" => {
                    property_value(check, &name.text, value, "`true` or `false`", |value| {
                        matches!(value, Value::Bool(_))
                    });
                }
                "priority_delta" => {
                    property_value(
                        check,
                        &name.text,
                        value,
                        "a constant above zero",
                        |value| matches!(value, Value::Int(delta) if delta.sign() == num_bigint::Sign::Plus),
                    );
                }
                _ => {}
            },
            PropertyKind::Actions(_) => {}
            PropertyKind::Entries(_) => entries::check(check, table, property),
        }
    }
}

fn property_value(
    check: &mut Checker<'_>,
    name: &str,
    value: &Expr,
    needed: &'static str,
    fits: impl Fn(&Value) -> bool,
) {
    if check.type_of(value).is_poison() {
        return;
    }
    let is_fit = match check.value_at(value) {
        Some(value) => fits(&value),
        // It follows from a constructor's argument.
        None => check.known(value) == Known::Instantiated,
    };
    if !is_fit {
        let name = name.to_owned();
        check.violate(value.span, Violation::PropertyValue { name, needed });
    }
}

/// Which properties there are, and in which order.
fn properties(check: &mut Checker<'_>, table: &ast::Table) {
    let mut seen: Vec<(&str, p4rmt_source::Span)> = Vec::new();
    let mut is_any_twice = false;
    for property in &table.properties {
        let name = property_name(&property.kind);
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
            let violation = Violation::PropertyTwice {
                name: name.to_owned(),
            };
            check.violate_with(property.span, violation, *first, "first here");
            is_any_twice = true;
        }
        seen.push((name, property.span));
    }
    let position = |wanted: &str| seen.iter().position(|(name, _)| *name == wanted);
    // One of two may have been meant as the list of actions.
    if position("actions").is_none() && !is_any_twice {
        let violation = Violation::NoActions {
            name: table.name.text.clone(),
        };
        check.violate(table.name.span, violation);
    }
    for (earlier, later) in [
        ("actions", "default_action"),
        ("key", "entries"),
        ("actions", "entries"),
    ] {
        if let (Some(first), Some(second)) = (position(earlier), position(later))
            && second < first
        {
            let (at, other) = (seen[second].1, seen[first].1);
            let note = format!("`{earlier}` stands here");
            check.violate_with(at, Violation::PropertyOrder { earlier, later }, other, note);
        }
    }
}

/// The list of actions.
fn list_of_actions<'a>(check: &mut Checker<'a>, table: &'a ast::Table) {
    let mut seen: Vec<&ast::Path> = Vec::new();
    for action in action_refs(table) {
        let name = &action.path.name.text;
        if let Some(first) = seen.iter().find(|path| path.name.text == *name) {
            let violation = Violation::ActionTwice { name: name.clone() };
            check.violate_with(action.span, violation, first.span, "first here");
        }
        seen.push(&action.path);
        let Some(call) = check.action_call(action) else {
            continue;
        };
        let Some(signature) = check.signature_of(&call) else {
            continue;
        };
        for (param, source) in signature.params.iter().zip(&call.args) {
            if let ArgSource::Given(arg) = source
                && param.direction == Direction::None
            {
                let name = param.name.to_owned();
                check.violate(arg.span, Violation::ActionDataBound { name });
            }
        }
        for arg in action.args.iter().flatten() {
            if let ArgumentValue::Expr(value) = &arg.value {
                let mut applied = TableApplied { check, found: None };
                walk::walk_expr(&mut applied, Site::TOP, value);
                if let Some(span) = applied.found {
                    let violation = Violation::CallPlace {
                        what: "a table".to_owned(),
                        place: "an argument of an action",
                    };
                    check.violate(span, violation);
                }
            }
        }
    }
}

/// Looks for the application of a table.
struct TableApplied<'c, 'a> {
    check: &'c mut Checker<'a>,
    found: Option<p4rmt_source::Span>,
}

impl<'a> Visitor<'a> for TableApplied<'_, 'a> {
    fn expr(&mut self, _at: Site<'a>, expr: &'a Expr) {
        if let Some(call) = self.check.call_of(expr)
            && matches!(call.callee, Callee::ApplyTable(_))
        {
            self.found = Some(expr.span);
        }
    }
}

/// The default action.
fn default_action<'a>(check: &mut Checker<'a>, table: &'a ast::Table, action: &'a Expr) {
    let path = match &action.kind {
        ExprKind::Path(path) => path,
        ExprKind::Call { callee, .. } => match &callee.kind {
            ExprKind::Path(path) => path,
            _ => return,
        },
        _ => return,
    };
    let Some(decl) = check.path_of(path) else {
        return;
    };
    let call = check.call_of(action);
    chosen_action(check, table, path, decl, call.as_deref(), "tableonly");
}

/// An action that a table's default or one of its entries names.
pub(crate) fn chosen_action<'a>(
    check: &mut Checker<'a>,
    table: &'a ast::Table,
    path: &'a ast::Path,
    decl: DeclId,
    call: Option<&Call<'a>>,
    forbidden: &'static str,
) {
    let listed = action_refs(table).find(|action| check.path_of(&action.path) == Some(decl));
    let Some(listed) = listed else {
        if !matches!(check.decl(decl).node, crate::decl::Node::Action(_)) {
            return;
        }
        let violation = Violation::UnlistedAction {
            name: path.name.text.clone(),
        };
        check.violate_with(path.span, violation, table.name.span, "the table");
        return;
    };
    if listed.annotations.iter().any(|a| a.name.text == forbidden) {
        let violation = Violation::ActionMarked {
            name: path.name.text.clone(),
            annotation: forbidden,
        };
        check.violate_with(path.span, violation, listed.span, "marked here");
    }
    let (Some(call), Some(listed_call)) = (call, check.action_call(listed)) else {
        return;
    };
    let Some(signature) = check.signature_of(call) else {
        return;
    };
    for ((param, given), bound) in signature
        .params
        .iter()
        .zip(&call.args)
        .zip(&listed_call.args)
    {
        let ArgSource::Given(arg) = given else {
            continue;
        };
        let ArgumentValue::Expr(value) = &arg.value else {
            continue;
        };
        let name = param.name.to_owned();
        match (param.direction, bound) {
            (Direction::None, _) => {
                if check.known(value) < Known::Instantiated && !check.type_of(value).is_poison() {
                    check.violate(arg.span, Violation::ActionDataValue { name });
                }
            }
            (Direction::In | Direction::Out | Direction::InOut, ArgSource::Given(first)) => {
                let is_same = match &first.value {
                    ArgumentValue::Expr(first) => same_text(first, value),
                    ArgumentValue::DontCare => false,
                };
                if !is_same {
                    let violation = Violation::OtherArgument { name };
                    check.violate_with(arg.span, violation, first.span, "as listed");
                }
            }
            (
                Direction::In | Direction::Out | Direction::InOut,
                ArgSource::Default(_) | ArgSource::Omitted,
            ) => {}
        }
    }
}

/// Whether two expressions are written alike, but for their layout and the order of named fields.
fn same_text(left: &Expr, right: &Expr) -> bool {
    if let (
        ExprKind::Struct { fields, has_dots },
        ExprKind::Struct {
            fields: others,
            has_dots: other_has_dots,
        },
    ) = (&left.kind, &right.kind)
    {
        return has_dots == other_has_dots
            && fields.len() == others.len()
            && fields.iter().all(|field| {
                others.iter().any(|other| {
                    other.name.text == field.name.text && same_text(&field.value, &other.value)
                })
            });
    }
    p4rmt_syntax::print_expr(left) == p4rmt_syntax::print_expr(right)
}

/// An element of a key.
fn key<'a>(check: &mut Checker<'a>, element: &'a KeyElement) {
    let ty = check.type_of(&element.expr);
    if !is_key(check, ty) {
        let ty = check.show(ty);
        check.violate(element.expr.span, Violation::KeyType { ty });
        return;
    }
    let kind = element.match_kind.text.as_str();
    let needs_number = matches!(kind, "lpm" | "range");
    if needs_number && !is_number(check, ty) {
        let ty = check.show(ty);
        let kind = kind.to_owned();
        check.violate(element.expr.span, Violation::KeyMatchKind { ty, kind });
    }
    let has_name = element.annotations.iter().any(|a| a.name.text == "name");
    if !has_name && !has_own_name(check, &element.expr) {
        check.violate(element.expr.span, Violation::KeyName);
    }
}

/// Whether values of a type can be looked up.
fn is_key(check: &Checker<'_>, ty: Type) -> bool {
    match check.types.kind(ty) {
        TypeKind::Poison
        | TypeKind::Param(_)
        | TypeKind::Bool
        | TypeKind::Error
        | TypeKind::Bits { .. } => true,
        TypeKind::Named { sort, .. } => {
            matches!(sort, Sort::Enum | Sort::SerializableEnum | Sort::NewType)
        }
        _ => false,
    }
}

/// Whether values of a type are numbers.
fn is_number(check: &Checker<'_>, ty: Type) -> bool {
    match check.types.kind(ty) {
        TypeKind::Poison | TypeKind::Param(_) | TypeKind::Bits { .. } => true,
        TypeKind::Named { sort, decl, .. } => match sort {
            Sort::SerializableEnum => true,
            Sort::NewType => match check.decl(*decl).detail {
                crate::decl::Detail::Underlying(inner) => is_number(check, inner),
                _ => true,
            },
            _ => false,
        },
        _ => false,
    }
}

/// Whether the control plane's name of a key follows from how it is written.
fn has_own_name(check: &Checker<'_>, expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Path(_) | ExprKind::Int(_) | ExprKind::Bool(_) | ExprKind::TypeMember { .. } => {
            true
        }
        ExprKind::Member { base, .. } => has_own_name(check, base),
        ExprKind::Index { base, index } => has_own_name(check, base) && has_own_name(check, index),
        ExprKind::Slice { base, hi, lo } => {
            has_own_name(check, base) && has_own_name(check, hi) && has_own_name(check, lo)
        }
        ExprKind::PlusSlice { base, lo, width } => {
            has_own_name(check, base) && has_own_name(check, lo) && has_own_name(check, width)
        }
        ExprKind::Binary {
            op: BinaryOp::BitAnd,
            left,
            right,
        } => has_own_name(check, left) && has_own_name(check, right),
        ExprKind::Call { callee, .. } => match check.call_of(expr) {
            Some(call) => {
                matches!(call.callee, Callee::Builtin(Builtin::IsValid))
                    && has_own_name(check, callee)
            }
            None => true,
        },
        ExprKind::String(_)
        | ExprKind::This
        | ExprKind::Dots
        | ExprKind::Invalid
        | ExprKind::List(_)
        | ExprKind::Struct { .. }
        | ExprKind::Unary { .. }
        | ExprKind::Binary { .. }
        | ExprKind::Conditional { .. }
        | ExprKind::Cast { .. } => false,
    }
}
