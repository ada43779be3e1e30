//! Entries that never match, priorities that say something else than the order of entries, and keys
//! that are always the same (clauses 14.2.1.4, 14.2.1.5).

use num_bigint::BigInt;
use p4rmt_syntax::ast::{self, Entry, KeyElement, Keyset, KeysetKind, PropertyKind};

use crate::check::Checker;
use crate::rules::{keys, width_of};
use crate::value::Known;
use crate::walk::{self, Site, Visitor};
use crate::warnings::{Warning, Warnings};

/// Looks at keys and entries.
pub(crate) fn check<'a>(
    check: &mut Checker<'a>,
    program: &'a ast::Program,
    warnings: &mut Warnings<'_>,
) {
    walk::program(&mut Entries { check, warnings }, program);
}

struct Entries<'c, 'w, 'o, 'a> {
    check: &'c mut Checker<'a>,
    warnings: &'w mut Warnings<'o>,
}

impl<'a> Visitor<'a> for Entries<'_, '_, '_, 'a> {
    fn table(&mut self, _at: Site<'a>, table: &'a ast::Table) {
        let keys = keys(table);
        for key in &keys {
            if self.check.known(&key.expr) == Known::Local {
                self.warnings.warn(key.expr.span, &Warning::ConstantKey);
            }
        }
        for property in &table.properties {
            let PropertyKind::Entries(entries) = &property.kind else {
                continue;
            };
            let has_priorities = entries.iter().any(|entry| entry.priority.is_some());
            if has_priorities {
                self.priorities(table, entries);
            } else {
                self.covered(&keys, entries);
            }
        }
    }
}

/// The values that a keyset holds.
#[derive(Clone, Debug)]
enum Set {
    /// All.
    All,
    /// Those that agree with a value where a mask has ones.
    Masked(BigInt, BigInt),
    /// Those from one to another.
    Range(BigInt, BigInt),
}

impl Set {
    /// Whether this set holds all of another.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Masked(value, mask), Self::Masked(other, other_mask)) => {
                let shared: BigInt = mask & other_mask;
                let agrees = (value ^ other) & mask == BigInt::from(0);
                shared == *mask && agrees
            }
            (Self::Range(first, last), Self::Range(other_first, other_last)) => {
                first <= other_first && other_last <= last
            }
            (Self::Masked(..), Self::All | Self::Range(..))
            | (Self::Range(..), Self::All | Self::Masked(..)) => false,
        }
    }
}

impl Entries<'_, '_, '_, '_> {
    /// Entries behind one that takes all of their packets. Of prefixes the longest wins, whatever the
    /// order.
    fn covered(&mut self, keys: &[&KeyElement], entries: &[Entry]) {
        if keys
            .iter()
            .any(|key| !matches!(key.match_kind.text.as_str(), "exact" | "ternary" | "range"))
        {
            return;
        }
        let mut before: Vec<(Vec<Set>, p4rmt_source::Span)> = Vec::new();
        for entry in entries {
            let Some(sets) = self.sets(keys, &entry.keyset) else {
                continue;
            };
            let covering = before.iter().find(|(other, _)| {
                other
                    .iter()
                    .zip(&sets)
                    .all(|(other, set)| other.covers(set))
            });
            if let Some((_, first)) = covering {
                let note = Some((*first, "this one"));
                let span = entry.keyset.span;
                self.warnings.warn_with(span, &Warning::CoveredEntry, note);
            }
            before.push((sets, entry.keyset.span));
        }
    }

    fn sets(&self, keys: &[&KeyElement], keyset: &ast::KeysetTuple) -> Option<Vec<Set>> {
        if let [
            Keyset {
                kind: KeysetKind::Default | KeysetKind::DontCare,
                ..
            },
        ] = keyset.elements[..]
        {
            return Some(vec![Set::All; keys.len()]);
        }
        if keyset.elements.len() != keys.len() {
            return None;
        }
        let number = |expr| self.check.value_at(expr)?.as_int().cloned();
        let sets = keyset.elements.iter().zip(keys).map(|(element, key)| {
            let width = width_of(self.check, self.check.type_of(&key.expr))?;
            let all = (BigInt::from(1) << width) - 1;
            Some(match &element.kind {
                KeysetKind::Default | KeysetKind::DontCare => Set::All,
                KeysetKind::Expr(value) if key.match_kind.text == "range" => {
                    let value: BigInt = number(value)?;
                    Set::Range(value.clone(), value)
                }
                KeysetKind::Expr(value) => Set::Masked(number(value)?, all),
                KeysetKind::Mask(value, mask) => Set::Masked(number(value)?, number(mask)?),
                KeysetKind::Range(first, last) => Set::Range(number(first)?, number(last)?),
            })
        });
        sets.collect()
    }

    /// Priorities, as the specification computes them.
    fn priorities(&mut self, table: &ast::Table, entries: &[Entry]) {
        let property = |wanted: &str| {
            table
                .properties
                .iter()
                .find_map(|property| match &property.kind {
                    PropertyKind::Other { name, value } if name.text == wanted => {
                        self.check.value_at(value)
                    }
                    _ => None,
                })
        };
        let largest_wins = property("largest_priority_wins")
            .and_then(|value| value.as_bool())
            .unwrap_or(true);
        let delta = property("priority_delta")
            .and_then(|value| value.as_int().cloned())
            .unwrap_or_else(|| BigInt::from(1));
        let mut seen: Vec<(BigInt, p4rmt_source::Span)> = Vec::new();
        for entry in entries {
            let priority = match (&entry.priority, seen.last()) {
                (Some(expr), _) => {
                    let value = self.check.value_at(expr);
                    let Some(value) = value.and_then(|value| value.as_int().cloned()) else {
                        return;
                    };
                    value
                }
                (None, Some((last, _))) if largest_wins => last - &delta,
                (None, Some((last, _))) => last + &delta,
                (None, None) => return,
            };
            let span = entry.keyset.span;
            if let Some((_, first)) = seen.iter().find(|(other, _)| *other == priority) {
                let warning = Warning::SamePriority {
                    priority: priority.to_string(),
                };
                self.warnings
                    .warn_with(span, &warning, Some((*first, "this one")));
            }
            if let Some((last, at)) = seen.last() {
                let is_out_of_order = if largest_wins {
                    *last < priority
                } else {
                    *last > priority
                };
                if is_out_of_order {
                    let note = Some((*at, "the one above"));
                    self.warnings.warn_with(span, &Warning::PriorityOrder, note);
                }
            }
            seen.push((priority, span));
        }
    }
}
