//! Entries and actions of a vector as the state wants them: names looked up, values cut to width.
//!
//! * Names match in full or by an end that is unique at a dot. Of keys, `name$N` is `name[N]`, and
//!   `x.$valid$`, `x.$valid` and `x.valid` are `x.isValid()`.
//! * Ternary: a digit that is written is compared, a wildcard is not, nor are digits that are not
//!   written; a decimal number is compared whole.
//! * Lpm: the prefix is as long as the digits that are no wildcards, unless its length is given.
//! * Range: `LO..HI`, or a single number.
//! * A key that is not named: exact is zero, all others match anything.

use p4rmt_engine::{Ref, find_action, find_table};
use p4rmt_ir::{
    ActionCall, ActionId, Bits, Body, Entry, Gress, Key, Match, MatchKind, Param, Pipe, Table,
    TableId,
};

use crate::error::StatementFault;
use crate::syntax::{ActionText, AddEntry, MatchText};
use crate::value::Value;

/// Looks up what an `add` names.
pub(crate) fn entry(pipe: &Pipe, text: &AddEntry) -> Result<(Ref<TableId>, Entry), StatementFault> {
    let table_ref = find_table(pipe, &text.table)?;
    let gress = &pipe.gresses[table_ref.gress];
    let table = &gress.tables[table_ref.id];
    let mut wanted: Vec<Option<&MatchText>> = vec![None; table.keys.len()];
    for item in &text.matches {
        let position = key_position(table, &item.field)?;
        if wanted[position].replace(item).is_some() {
            return Err(StatementFault::KeyTwice {
                table: table.name.clone(),
                key: table.keys[position].name.clone(),
            });
        }
    }
    let matches = table
        .keys
        .iter()
        .zip(wanted)
        .map(|(key, item)| match_of(gress, key, item))
        .collect::<Result<_, _>>()?;
    let entry = Entry {
        matches,
        priority: text.priority.unwrap_or_default(),
        action: action(pipe, table_ref, &text.action)?,
        span: p4rmt_source::Span::NONE,
    };
    Ok((table_ref, entry))
}

/// Looks up an action of a table, and puts its arguments in order.
pub(crate) fn action(
    pipe: &Pipe,
    table: Ref<TableId>,
    text: &ActionText,
) -> Result<ActionCall, StatementFault> {
    let action = find_action(pipe, table, &text.name)?;
    let params = params(&pipe.gresses[table.gress], action);
    for (position, (name, _)) in text.args.iter().enumerate() {
        if !params.iter().any(|param| param.name == *name) {
            return Err(StatementFault::NoParam {
                action: text.name.clone(),
                param: name.clone(),
                params: params.iter().map(|param| param.name.clone()).collect(),
            });
        }
        if text.args[..position]
            .iter()
            .any(|(before, _)| before == name)
        {
            return Err(StatementFault::ArgTwice {
                action: text.name.clone(),
                param: name.clone(),
            });
        }
    }
    let args = params
        .iter()
        .map(|param| {
            let arg = text.args.iter().find(|(name, _)| *name == param.name);
            let (_, value) = arg.ok_or_else(|| StatementFault::MissingArg {
                action: text.name.clone(),
                param: param.name.clone(),
            })?;
            plain(value, param.width, &param.name)
        })
        .collect::<Result<_, _>>()?;
    Ok(ActionCall { action, args })
}

fn params(gress: &Gress, action: ActionId) -> &[Param] {
    let params = match &gress.body {
        Body::Structured(body) => body.actions.get(action).map(|action| &action.params),
        Body::Tables(body) => body.actions.get(action).map(|action| &action.params),
    };
    params.map_or(&[], Vec::as_slice)
}

/// A number without wildcards.
pub(crate) fn plain(value: &Value, width: u32, what: &str) -> Result<Bits, StatementFault> {
    if value.has_wildcards() {
        return Err(StatementFault::Wildcards {
            value: value.text().to_owned(),
            what: what.to_owned(),
        });
    }
    fitting(value, width, what)
}

fn fitting(value: &Value, width: u32, what: &str) -> Result<Bits, StatementFault> {
    value.to_bits(width).ok_or_else(|| StatementFault::TooWide {
        value: value.text().to_owned(),
        what: what.to_owned(),
        width,
    })
}

fn match_of(gress: &Gress, key: &Key, item: Option<&MatchText>) -> Result<Match, StatementFault> {
    let width = key.expr.width(gress);
    let Some(item) = item else {
        return Ok(match key.kind {
            MatchKind::Exact => Match::Exact(Bits::zero(width)),
            MatchKind::Ternary
            | MatchKind::Lpm
            | MatchKind::Range
            | MatchKind::Optional
            | MatchKind::Selector => Match::Any,
        });
    };
    if let Some(hi) = &item.range_hi {
        let lo = plain(&item.value, width, &key.name)?;
        let hi = plain(hi, width, &key.name)?;
        return Ok(Match::Range { lo, hi });
    }
    if let Some(prefix_len) = item.prefix_len {
        return match key.kind {
            MatchKind::Lpm | MatchKind::Ternary => Ok(Match::Lpm {
                value: fitting(&item.value, width, &key.name)?,
                prefix_len,
            }),
            MatchKind::Exact | MatchKind::Range | MatchKind::Optional | MatchKind::Selector => {
                Err(StatementFault::NoPrefix {
                    key: key.name.clone(),
                })
            }
        };
    }
    Ok(match key.kind {
        MatchKind::Ternary => Match::Ternary {
            value: fitting(&item.value, width, &key.name)?,
            mask: item.value.mask(width),
        },
        MatchKind::Lpm => Match::Lpm {
            value: fitting(&item.value, width, &key.name)?,
            prefix_len: item.value.implied_prefix_len(width),
        },
        MatchKind::Optional | MatchKind::Selector if item.value.is_any() => Match::Any,
        MatchKind::Exact | MatchKind::Range | MatchKind::Optional | MatchKind::Selector => {
            Match::Exact(plain(&item.value, width, &key.name)?)
        }
    })
}

/// The position of the key with this name.
fn key_position(table: &Table, field: &str) -> Result<usize, StatementFault> {
    let names: Vec<String> = table.keys.iter().map(|key| normal(&key.name)).collect();
    let wanted = normal(field);
    let spellings = [wanted.clone(), format!("{wanted}.isValid()")];
    for wanted in &spellings {
        if let Some(position) = names.iter().position(|name| name == wanted) {
            return Ok(position);
        }
    }
    for wanted in &spellings {
        let is_end = |name: &str| {
            let front = name.strip_suffix(wanted.as_str());
            front.is_some_and(|front| front.ends_with('.'))
        };
        let mut found = (0..names.len()).filter(|position| is_end(&names[*position]));
        match (found.next(), found.next()) {
            (Some(position), None) => return Ok(position),
            (None, _) => {}
            (Some(_), Some(_)) => {
                return Err(StatementFault::AmbiguousKey {
                    table: table.name.clone(),
                    field: field.to_owned(),
                    keys: names.into_iter().filter(|name| is_end(name)).collect(),
                });
            }
        }
    }
    Err(StatementFault::NoKey {
        table: table.name.clone(),
        field: field.to_owned(),
        keys: table.keys.iter().map(|key| key.name.clone()).collect(),
    })
}

/// A name of a key with one spelling for stacks and validity.
fn normal(name: &str) -> String {
    let name = name.trim_start_matches('.');
    let mut parts = Vec::new();
    for part in name.split('.') {
        if matches!(part, "$valid$" | "$valid" | "valid" | "isValid()") {
            parts.push("isValid()".to_owned());
            continue;
        }
        let stack = part.rsplit_once('$').filter(|(front, index)| {
            !front.is_empty() && !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit())
        });
        parts.push(match stack {
            Some((front, index)) => format!("{front}[{index}]"),
            None => part.to_owned(),
        });
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_one_spelling() {
        assert_eq!(normal("hdr.h$1.f"), "hdr.h[1].f");
        assert_eq!(normal("hdr.h[1].f"), "hdr.h[1].f");
        assert_eq!(normal(".a.$valid$"), "a.isValid()");
        assert_eq!(normal("a.$valid"), "a.isValid()");
        assert_eq!(normal("a.valid"), "a.isValid()");
        assert_eq!(normal("a.isValid()"), "a.isValid()");
        assert_eq!(normal("a$b"), "a$b");
    }
}
