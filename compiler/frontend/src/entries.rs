//! Entries and default actions of tables: constant action data, priorities, key sets.

use p4rmt_ir::{ActionCall, Bits, Entry, Match, MatchKind};
use p4rmt_syntax::ast::{self, ArgumentValue, Direction, KeysetKind};
use p4rmt_typing::{ArgSource, Call, Callee, ErrorKind, Violation};

use crate::lower::Lower;
use crate::table::{Listed, TableObject};
use crate::types::Type;

impl<'a> Lower<'a> {
    /// An action of the table with constant action data; arguments that the list binds may be repeated.
    pub(crate) fn action_call(
        &mut self,
        call: &'a Call<'a>,
        listed: &[Listed],
    ) -> Option<ActionCall> {
        let Callee::Action(id) = call.callee else {
            return None;
        };
        let action = listed.iter().find(|entry| entry.decl == id)?;
        let params = &self.typed.signature(call.callee)?.params;
        let mut args = Vec::new();
        for (param, source) in params.iter().zip(&call.args) {
            if param.direction != Direction::None {
                continue;
            }
            match source {
                ArgSource::Given(ast::Argument {
                    value: ArgumentValue::Expr(value),
                    ..
                }) => args.extend(self.const_scalars(value)?),
                ArgSource::Default(value) => args.extend(self.const_scalars(value)?),
                ArgSource::Given(arg) => {
                    self.not_constant(arg.span);
                    return None;
                }
                ArgSource::Omitted => return None,
            }
        }
        Some(ActionCall {
            action: action.id,
            args,
        })
    }

    /// The entries of a table, the first of the highest priority unless they say otherwise.
    pub(crate) fn entries(
        &mut self,
        entries: &'a [ast::Entry],
        keys: &[(Type, MatchKind)],
        listed: &[Listed],
        table: &TableObject<'a>,
    ) -> Option<Vec<Entry>> {
        let priorities = self.priorities(entries, table);
        let mut lowered = Vec::new();
        let mut is_good = priorities.is_some();
        let priorities = priorities.unwrap_or_else(|| vec![0; entries.len()]);
        for (entry, priority) in entries.iter().zip(priorities) {
            let matches = self.key_sets(&entry.keyset, keys);
            let call = self.typed.action_call(&entry.action);
            let action = call.and_then(|call| self.action_call(call, listed));
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
    fn key_sets(
        &mut self,
        keyset: &'a ast::KeysetTuple,
        keys: &[(Type, MatchKind)],
    ) -> Option<Vec<Match>> {
        if let [only] = keyset.elements.as_slice()
            && keys.len() != 1
        {
            let values = match &only.kind {
                // One list stands for all.
                KeysetKind::Expr(list) => self.const_scalars(list)?.into_iter().map(Some).collect(),
                _ => vec![None; keys.len()],
            };
            let keys = keys.iter().zip(values);
            return keys
                .map(|((_, kind), value)| match value {
                    Some(value) => Some(exact(value, *kind)),
                    None => self.key_set(only, *kind),
                })
                .collect();
        }
        let sets = keyset.elements.iter().zip(keys);
        sets.map(|(set, (_, kind))| self.key_set(set, *kind))
            .collect()
    }

    /// What an entry wants of one key.
    fn key_set(&mut self, set: &'a ast::Keyset, kind: MatchKind) -> Option<Match> {
        let refuse = |lower: &mut Self, form: &'static str| {
            let kind = kind_name(kind).to_owned();
            let violation = Violation::EntryForm { form, kind };
            lower.error(set.span, ErrorKind::Rule(violation));
            None
        };
        match &set.kind {
            KeysetKind::Default | KeysetKind::DontCare => match kind {
                MatchKind::Exact => refuse(self, "`_`"),
                _ => Some(Match::Any),
            },
            KeysetKind::Expr(expr) => Some(exact(self.const_bits(expr)?, kind)),
            KeysetKind::Mask(value, mask) => {
                let (value, mask) = (self.const_bits(value)?, self.const_bits(mask)?);
                let width = mask.width();
                let prefix_len = (0..=width).find(|len| Bits::prefix_mask(width, *len) == mask);
                match (kind, prefix_len) {
                    (MatchKind::Ternary, _) => Some(Match::Ternary { value, mask }),
                    (MatchKind::Lpm, Some(prefix_len)) => Some(Match::Lpm { value, prefix_len }),
                    _ => refuse(self, "a mask"),
                }
            }
            KeysetKind::Range(lo, hi) => {
                let (lo, hi) = (self.const_bits(lo)?, self.const_bits(hi)?);
                match kind {
                    MatchKind::Range => Some(Match::Range { lo, hi }),
                    _ => refuse(self, "a range"),
                }
            }
        }
    }
}

/// One value, as a key is matched.
fn exact(value: Bits, kind: MatchKind) -> Match {
    let width = value.width();
    match kind {
        MatchKind::Exact | MatchKind::Optional | MatchKind::Selector => Match::Exact(value),
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
    }
}

fn kind_name(kind: MatchKind) -> &'static str {
    match kind {
        MatchKind::Exact => "exact",
        MatchKind::Ternary => "ternary",
        MatchKind::Lpm => "lpm",
        MatchKind::Range => "range",
        MatchKind::Optional => "optional",
        MatchKind::Selector => "selector",
    }
}
