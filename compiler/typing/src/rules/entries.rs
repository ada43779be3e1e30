//! Entries of tables: their keysets, actions and priorities (clauses 14.2.1.4, 14.2.1.5).

use num_bigint::{BigInt, Sign};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Entry, KeyElement, Keyset, KeysetKind, Property, PropertyKind};

use crate::check::Checker;
use crate::error::ErrorKind;
use crate::rules::tables;
use crate::rules::violation::Violation;
use crate::types::{Type, TypeKind};
use crate::value::{Known, Value};

/// The largest priority, that of a signed number of 32 bits as in the control plane's messages.
const MAX_PRIORITY: i64 = i32::MAX as i64;

/// Looks at the entries of a table.
pub(crate) fn check<'a>(check: &mut Checker<'a>, table: &'a ast::Table, property: &'a Property) {
    let PropertyKind::Entries(entries) = &property.kind else {
        return;
    };
    let keys = tables::keys(table);
    if keys.is_empty() {
        if !entries.is_empty() {
            let violation = Violation::EntriesWithoutKey {
                name: table.name.text.clone(),
            };
            check.violate(property.span, violation);
        }
        return;
    }
    for entry in entries {
        keysets(check, &keys, entry);
        if let Some(decl) = check.path_of(&entry.action.path) {
            let call = check.action_call(&entry.action);
            let path = &entry.action.path;
            tables::chosen_action(check, table, path, decl, call.as_deref(), "defaultonly");
        }
    }
    same_keys(check, &keys, entries);
    priorities(check, table, property, &keys, entries);
}

/// The keysets of one entry.
fn keysets<'a>(check: &mut Checker<'a>, keys: &[&KeyElement], entry: &'a Entry) {
    let elements = &entry.keyset.elements;
    if elements.len() != keys.len() {
        // Typing says what is missing; one `_` stands for all.
        return;
    }
    for (key, keyset) in keys.iter().zip(elements) {
        form(check, key, keyset, elements.len());
        for value in values(keyset) {
            let is_unknown = check.known(value) < Known::Instantiated;
            if is_unknown && !check.type_of(value).is_poison() {
                check.error(value.span, ErrorKind::NotConstant);
            }
        }
    }
}

/// The expressions of a keyset.
fn values(keyset: &Keyset) -> Vec<&ast::Expr> {
    match &keyset.kind {
        KeysetKind::Default | KeysetKind::DontCare => Vec::new(),
        KeysetKind::Expr(value) => vec![value],
        KeysetKind::Mask(value, mask) => vec![value, mask],
        KeysetKind::Range(first, last) => vec![first, last],
    }
}

/// Whether a keyset has a form that its key's match kind has.
fn form<'a>(check: &mut Checker<'a>, key: &KeyElement, keyset: &'a Keyset, n_keys: usize) {
    let kind = key.match_kind.text.as_str();
    let wrong = match (&keyset.kind, kind) {
        (KeysetKind::Default, "exact") => Some("`default`"),
        (KeysetKind::DontCare, "exact") if n_keys > 1 => Some("`_`"),
        (KeysetKind::Mask(..), "range" | "optional") => Some("a mask"),
        (KeysetKind::Range(..), "exact" | "lpm" | "ternary" | "optional") => Some("a range"),
        _ => None,
    };
    if let Some(form) = wrong {
        let violation = Violation::EntryForm {
            form,
            kind: kind.to_owned(),
        };
        check.violate_with(keyset.span, violation, key.span, "the key");
        return;
    }
    match &keyset.kind {
        KeysetKind::Mask(_, mask) if kind == "lpm" => {
            if let Some(mask_bits) = number(check, mask)
                && let Some(width) = width_of(check, check.type_at(mask))
                && !is_prefix(&mask_bits, width)
            {
                check.violate(mask.span, Violation::NotPrefix);
            }
        }
        KeysetKind::Range(first, last) => {
            if let (Some(low), Some(high)) = (number(check, first), number(check, last))
                && low > high
            {
                let violation = Violation::EmptyRange {
                    first: low.to_string(),
                    last: high.to_string(),
                };
                check.violate(keyset.span, violation);
            }
        }
        KeysetKind::Default | KeysetKind::DontCare | KeysetKind::Expr(_) | KeysetKind::Mask(..) => {
        }
    }
}

fn number(check: &Checker<'_>, expr: &ast::Expr) -> Option<BigInt> {
    check.value_at(expr)?.as_int().cloned()
}

/// The width of a type of numbers.
pub(crate) fn width_of(check: &Checker<'_>, ty: Type) -> Option<u32> {
    match check.types.kind(ty) {
        TypeKind::Bits { width, .. } => Some(*width),
        _ => None,
    }
}

/// Whether a mask of this width is ones and then zeros.
fn is_prefix(mask: &BigInt, width: u32) -> bool {
    let all = (BigInt::from(1) << width) - 1;
    let mask = mask & &all;
    let zeros: BigInt = &all ^ mask;
    // The zeros are the lowest bits exactly if one more is a power of two.
    let above: BigInt = &zeros + 1;
    (zeros & above).sign() == Sign::NoSign
}

/// Where every key is matched exactly, no two entries have the same key.
fn same_keys(check: &mut Checker<'_>, keys: &[&KeyElement], entries: &[Entry]) {
    if !keys.iter().all(|key| key.match_kind.text == "exact") {
        return;
    }
    let mut seen: std::collections::HashMap<Vec<String>, Span> = std::collections::HashMap::new();
    for entry in entries {
        if entry.keyset.elements.len() != keys.len() {
            continue;
        }
        let mut key = Vec::new();
        for keyset in &entry.keyset.elements {
            let KeysetKind::Expr(value) = &keyset.kind else {
                break;
            };
            let Some(value) = check.value_at(value) else {
                break;
            };
            key.push(value_key(&value));
        }
        if key.len() != keys.len() {
            continue;
        }
        if let Some(first) = seen.insert(key, entry.keyset.span) {
            check.violate_with(entry.keyset.span, Violation::SameKey, first, "first here");
        }
    }
}

/// A value as something to look up.
fn value_key(value: &Value) -> String {
    format!("{value:?}")
}

/// Priorities of entries.
fn priorities<'a>(
    check: &mut Checker<'a>,
    table: &'a ast::Table,
    property: &Property,
    keys: &[&KeyElement],
    entries: &'a [Entry],
) {
    let given = entries.iter().find_map(|entry| entry.priority.as_ref());
    let Some(given) = given else {
        return;
    };
    let reason = if property.is_const {
        Some("entries of `const entries` match in their order")
    } else if keys
        .iter()
        .all(|key| matches!(key.match_kind.text.as_str(), "exact" | "lpm"))
    {
        Some("at most one entry matches, or the one with the longest prefix")
    } else {
        None
    };
    if let Some(reason) = reason {
        check.violate(given.span, Violation::NoPriority { reason });
        return;
    }
    if let Some(first) = entries.first()
        && first.priority.is_none()
    {
        check.violate_with(first.span, Violation::FirstPriority, given.span, "as here");
        return;
    }
    let property = |wanted: &str| {
        table
            .properties
            .iter()
            .find_map(|property| match &property.kind {
                PropertyKind::Other { name, value } if name.text == wanted => check.value_at(value),
                _ => None,
            })
    };
    let largest_wins = property("largest_priority_wins").and_then(|value| value.as_bool());
    let delta = property("priority_delta").and_then(|value| value.as_int().cloned());
    let delta = delta.unwrap_or_else(|| BigInt::from(1));
    let mut priority = BigInt::from(0);
    for entry in entries {
        let span = match &entry.priority {
            Some(expr) => {
                let Some(value) = number(check, expr) else {
                    return;
                };
                priority = value;
                expr.span
            }
            None => {
                if largest_wins == Some(false) {
                    priority += &delta;
                } else {
                    priority -= &delta;
                }
                entry.span
            }
        };
        if priority.sign() == Sign::Minus || priority > BigInt::from(MAX_PRIORITY) {
            let value = priority.to_string();
            check.violate(span, Violation::PriorityRange { value });
            return;
        }
    }
}
