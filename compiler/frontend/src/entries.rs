//! Entries and default actions of tables: constant action data, priorities, key sets.

use p4rmt_ir::{ActionCall, Bits, Entry, Match, MatchKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ArgumentValue, Direction, ExprKind, KeysetKind};

use crate::error::ErrorKind;
use crate::lower::Lower;
use crate::table::{Listed, TableObject};
use crate::types::Type;

impl<'a> Lower<'a> {
    /// `a` or `a(1, 2)` as the default action.
    pub(crate) fn action_call(
        &mut self,
        expr: &'a ast::Expr,
        listed: &[Listed<'a>],
    ) -> Option<ActionCall> {
        let (callee, args): (&'a ast::Expr, &'a [ast::Argument]) = match &expr.kind {
            ExprKind::Call { callee, args, .. } => (callee, args),
            _ => (expr, &[]),
        };
        let ExprKind::Path(path) = &callee.kind else {
            self.mismatch_text(expr.span, "an action", &Type::Void);
            return None;
        };
        self.call_of(path, args, listed, expr.span)
    }

    /// An action of the table with constant action data.
    pub(crate) fn call_of(
        &mut self,
        path: &'a ast::Path,
        args: &'a [ast::Argument],
        listed: &[Listed<'a>],
        span: Span,
    ) -> Option<ActionCall> {
        let entry = listed
            .iter()
            .find(|entry| entry.object.decl.name.text == path.name.text)?;
        // Arguments that the list binds may be repeated.
        let args = if args.len() == entry.n_bound + entry.types.len() {
            &args[entry.n_bound..]
        } else {
            args
        };
        if args.len() != entry.types.len() {
            self.error(
                span,
                &ErrorKind::ArgumentCount {
                    callee: path.name.text.clone(),
                    needed: entry.types.len(),
                    available: args.len(),
                },
            );
            return None;
        }
        let data: Vec<&'a ast::Parameter> = entry
            .object
            .decl
            .params
            .iter()
            .filter(|param| param.direction == Direction::None)
            .collect();
        let mut values: Vec<Option<Vec<Bits>>> = vec![None; args.len()];
        for (position, arg) in args.iter().enumerate() {
            let position = match &arg.name {
                None => Some(position),
                Some(name) => data.iter().position(|param| param.name.text == name.text),
            };
            let ArgumentValue::Expr(value) = &arg.value else {
                self.error(arg.span, &ErrorKind::NotConstant);
                return None;
            };
            let position = position.filter(|position| values[*position].is_none());
            let Some(position) = position else {
                self.error(
                    arg.span,
                    &ErrorKind::UnknownParameter {
                        callee: path.name.text.clone(),
                        name: arg
                            .name
                            .as_ref()
                            .map_or_else(String::new, |name| name.text.clone()),
                    },
                );
                return None;
            };
            values[position] = Some(self.const_scalars(value, &entry.types[position])?);
        }
        let values: Option<Vec<Vec<Bits>>> = values.into_iter().collect();
        Some(ActionCall {
            action: entry.id,
            args: values?.concat(),
        })
    }

    /// The entries of a table, the first of the highest priority unless they say otherwise.
    pub(crate) fn entries(
        &mut self,
        entries: &'a [ast::Entry],
        keys: &[(Type, MatchKind)],
        listed: &[Listed<'a>],
        table: &TableObject<'a>,
    ) -> Option<Vec<Entry>> {
        let priorities = self.priorities(entries, table);
        let mut lowered = Vec::new();
        let mut is_good = priorities.is_some();
        let priorities = priorities.unwrap_or_else(|| vec![0; entries.len()]);
        for (entry, priority) in entries.iter().zip(priorities) {
            let matches = self.key_sets(&entry.keyset, keys);
            let args = entry.action.args.as_deref().unwrap_or_default();
            let action = self.call_of(&entry.action.path, args, listed, entry.action.span);
            match (matches, action) {
                (Some(matches), Some(action)) => lowered.push(Entry {
                    matches,
                    priority,
                    action,
                    span: entry.span,
                }),
                _ => is_good = false,
            }
        }
        is_good.then_some(lowered)
    }

    /// A match for each key.
    pub(crate) fn key_sets(
        &mut self,
        keyset: &'a ast::KeysetTuple,
        keys: &[(Type, MatchKind)],
    ) -> Option<Vec<Match>> {
        let is_all =
            |set: &ast::Keyset| matches!(set.kind, KeysetKind::Default | KeysetKind::DontCare);
        let sets = &keyset.elements;
        if sets.len() == 1 && keys.len() != 1 && is_all(&sets[0]) {
            return keys
                .iter()
                .map(|(ty, kind)| self.key_set(&sets[0], ty, *kind))
                .collect();
        }
        if sets.len() != keys.len() {
            return None;
        }
        sets.iter()
            .zip(keys)
            .map(|(set, (ty, kind))| self.key_set(set, ty, *kind))
            .collect()
    }

    /// What an entry wants of one key.
    pub(crate) fn key_set(
        &mut self,
        set: &'a ast::Keyset,
        ty: &Type,
        kind: MatchKind,
    ) -> Option<Match> {
        let width = ty.scalar_width()?;
        let kind_name = match kind {
            MatchKind::Exact => "exact",
            MatchKind::Ternary => "ternary",
            MatchKind::Lpm => "lpm",
            MatchKind::Range => "range",
            MatchKind::Optional => "optional",
            MatchKind::Selector => "selector",
        };
        let refuse = |lower: &mut Self, what: &'static str| {
            lower.error(
                set.span,
                &ErrorKind::EntryKey {
                    kind: kind_name,
                    what,
                },
            );
            None
        };
        match &set.kind {
            KeysetKind::Default | KeysetKind::DontCare => match kind {
                MatchKind::Exact => refuse(self, "`_`"),
                _ => Some(Match::Any),
            },
            KeysetKind::Expr(expr) => {
                let value = self.const_of_type(expr, ty)?;
                Some(match kind {
                    MatchKind::Exact | MatchKind::Optional | MatchKind::Selector => {
                        Match::Exact(value)
                    }
                    MatchKind::Ternary => Match::Ternary {
                        value,
                        mask: Bits::ones(width),
                    },
                    MatchKind::Lpm => Match::Lpm {
                        value,
                        prefix_len: width,
                    },
                    MatchKind::Range => Match::Range {
                        lo: value.clone(),
                        hi: value,
                    },
                })
            }
            KeysetKind::Mask(value, mask) => {
                let value = self.const_of_type(value, ty.as_number())?;
                let mask = self.const_of_type(mask, ty.as_number())?;
                match kind {
                    MatchKind::Ternary => Some(Match::Ternary { value, mask }),
                    MatchKind::Lpm => {
                        let prefix_len =
                            (0..=width).find(|len| Bits::prefix_mask(width, *len) == mask);
                        match prefix_len {
                            Some(prefix_len) => Some(Match::Lpm { value, prefix_len }),
                            None => refuse(self, "a mask with holes"),
                        }
                    }
                    _ => refuse(self, "a mask"),
                }
            }
            KeysetKind::Range(lo, hi) => {
                let lo = self.const_of_type(lo, ty.as_number())?;
                let hi = self.const_of_type(hi, ty.as_number())?;
                if kind == MatchKind::Range {
                    Some(Match::Range { lo, hi })
                } else {
                    refuse(self, "a range")
                }
            }
        }
    }
}
