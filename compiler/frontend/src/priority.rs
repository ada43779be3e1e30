//! Priorities of the entries that a program brings, so that the larger one wins.
//!
//! Clause 14.2.1.4 of the language specification: an entry has the priority that it says; one that says
//! none comes `priority_delta` behind the one before it. Where no entry says one, the first wins.
//! `largest_priority_wins = false` turns the order around.

use p4rmt_ir::GressRole;
use p4rmt_syntax::ast::{self, AnnotationBody, PropertyKind};

use crate::lower::Lower;
use crate::table::TableObject;

/// The largest priority: what control planes of either convention can name.
const MAX_PRIORITY: i64 = 0x7fff_ffff;

impl<'a> Lower<'a> {
    /// A priority for each entry, the largest of which wins. That a program gives them rightly is known.
    pub(crate) fn priorities(
        &mut self,
        entries: &'a [ast::Entry],
        table: &TableObject<'a>,
    ) -> Option<Vec<u32>> {
        if let Some(numbers) = self.annotated_priorities(entries) {
            return Some(
                numbers
                    .into_iter()
                    .map(|number| u32::MAX - number)
                    .collect(),
            );
        }
        let largest_wins = self
            .property(table.decl, "largest_priority_wins")
            .and_then(|value| self.const_bits(value))
            .is_none_or(|bits| bits.is_true());
        if entries.iter().all(|entry| entry.priority.is_none()) {
            let numbers = 1..=u32::try_from(entries.len()).ok()?;
            return Some(if largest_wins {
                numbers.rev().collect()
            } else {
                numbers.map(|number| u32::MAX - number).collect()
            });
        }
        let delta = match self.property(table.decl, "priority_delta") {
            Some(value) => self.size(value, 1, MAX_PRIORITY.unsigned_abs())?,
            None => 1,
        };
        let delta = i64::try_from(delta).ok()?;
        let step = if largest_wins { -delta } else { delta };
        let mut priorities = Vec::new();
        let mut last = 0_i64;
        for entry in entries {
            last = match &entry.priority {
                Some(expr) => {
                    let number = self.size(expr, 0, MAX_PRIORITY.unsigned_abs())?;
                    i64::try_from(number).ok()?
                }
                None => last.saturating_add(step),
            };
            let number = u32::try_from(last).ok()?;
            priorities.push(if largest_wins {
                number
            } else {
                u32::MAX - number
            });
        }
        Some(priorities)
    }

    /// The value of a property that the language does not define, if the table has it.
    fn property(&self, table: &'a ast::Table, wanted: &str) -> Option<&'a ast::Expr> {
        table
            .properties
            .iter()
            .find_map(|property| match &property.kind {
                PropertyKind::Other { name, value } if name.text == wanted => Some(value),
                _ => None,
            })
    }

    /// v1model, `@priority(n)` behind entries: a number each, of which the smallest wins; an entry
    /// without one has its position, from 1 (as p4c takes it). Nothing where no entry has one.
    fn annotated_priorities(&self, entries: &'a [ast::Entry]) -> Option<Vec<u32>> {
        let has_other = entries.iter().any(|entry| entry.priority.is_some());
        if self.role != GressRole::Whole || has_other {
            return None;
        }
        let given = |entry: &ast::Entry| {
            entry
                .annotations
                .iter()
                .filter(|annotation| annotation.name.text == "priority")
                .find_map(|annotation| match &annotation.body {
                    AnnotationBody::Unstructured(text) | AnnotationBody::Pragma(text) => {
                        text.trim().parse::<u32>().ok()
                    }
                    AnnotationBody::Empty
                    | AnnotationBody::Expressions(_)
                    | AnnotationBody::Fields(_) => None,
                })
        };
        if !entries.iter().any(|entry| given(entry).is_some()) {
            return None;
        }
        let numbers = (1..).zip(entries);
        Some(
            numbers
                .map(|(position, entry)| given(entry).unwrap_or(position))
                .collect(),
        )
    }
}
