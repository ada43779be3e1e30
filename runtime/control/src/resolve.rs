//! Names and numbers of a request, as the state wants them; and entries of the state, as requests have them.

use p4rmt_engine::{EntryTarget as Target, InstalledEntry, Ref, find_action};
use p4rmt_ir::{ActionCall, ActionId, Bits, Body, Gress, Match, Param, Pipe, Table, TableId};

use crate::{Call, ControlError, Entry, EntryTarget, KeyMatch, Number};

/// What the state calls an entry.
pub(crate) fn entry(
    pipe: &Pipe,
    table: Ref<TableId>,
    entry: &Entry,
) -> Result<InstalledEntry, ControlError> {
    let target = match &entry.target {
        EntryTarget::Action(wanted) => Target::Action(call(pipe, table, wanted)?),
        EntryTarget::Member(member) => Target::Member(*member),
        EntryTarget::Group(group) => Target::Group(*group),
    };
    Ok(InstalledEntry {
        matches: matches(pipe, table, &entry.keys)?,
        priority: entry.priority,
        target,
        span: p4rmt_source::Span::NONE,
    })
}

/// A match for each key of a table, in their order.
pub(crate) fn matches(
    pipe: &Pipe,
    place: Ref<TableId>,
    keys: &[(String, KeyMatch)],
) -> Result<Vec<Match>, ControlError> {
    let gress = &pipe.gresses[place.gress];
    let table = &gress.tables[place.id];
    let mut wanted: Vec<Option<&KeyMatch>> = vec![None; table.keys.len()];
    for (name, key) in keys {
        let position = key_position(table, name)?;
        if wanted[position].replace(key).is_some() {
            return Err(ControlError::KeyCount {
                table: table.name.clone(),
                key: table.keys[position].name.clone(),
                n: 2,
            });
        }
    }
    let matches = table.keys.iter().zip(wanted).map(|(key, wanted)| {
        let width = key.expr.width(gress);
        let fit = |number: &Number| fit(number, width, &key.name);
        Ok(match wanted {
            None if key.kind == p4rmt_ir::MatchKind::Exact => {
                return Err(ControlError::KeyCount {
                    table: table.name.clone(),
                    key: key.name.clone(),
                    n: 0,
                });
            }
            None | Some(KeyMatch::Any) => Match::Any,
            Some(KeyMatch::Exact(value)) => Match::Exact(fit(value)?),
            Some(KeyMatch::Ternary { value, mask }) => Match::Ternary {
                value: fit(value)?,
                mask: fit(mask)?,
            },
            Some(KeyMatch::Lpm { value, prefix_len }) => Match::Lpm {
                value: fit(value)?,
                prefix_len: *prefix_len,
            },
            Some(KeyMatch::Range { lo, hi }) => Match::Range {
                lo: fit(lo)?,
                hi: fit(hi)?,
            },
        })
    });
    matches.collect()
}

/// An action of a table and its arguments in order.
pub(crate) fn call(
    pipe: &Pipe,
    table: Ref<TableId>,
    call: &Call,
) -> Result<ActionCall, ControlError> {
    let action = find_action(pipe, table, &call.action)?;
    let params = params(&pipe.gresses[table.gress], action);
    let wrong_count = |param: &str, n: usize| ControlError::ParamCount {
        action: call.action.clone(),
        param: param.to_owned(),
        n,
        params: params.iter().map(|param| param.name.clone()).collect(),
    };
    let unknown = call
        .args
        .iter()
        .find(|(name, _)| params.iter().all(|param| param.name != *name));
    if let Some((name, _)) = unknown {
        return Err(wrong_count(name, 1));
    }
    let args = params.iter().map(|param| {
        let mut given = call.args.iter().filter(|(name, _)| *name == param.name);
        match (given.next(), given.count()) {
            (Some((_, value)), 0) => fit(value, param.width, &param.name),
            (None, _) => Err(wrong_count(&param.name, 0)),
            (Some(_), more) => Err(wrong_count(&param.name, 1 + more)),
        }
    });
    Ok(ActionCall {
        action,
        args: args.collect::<Result<_, _>>()?,
    })
}

/// A number as a field of so many bits.
pub(crate) fn fit(number: &Number, width: u32, what: &str) -> Result<Bits, ControlError> {
    number.to_bits(width).ok_or_else(|| ControlError::TooWide {
        value: number.clone(),
        what: what.to_owned(),
        width,
    })
}

/// An entry of the state, as a request would have it.
pub(crate) fn shown_entry(pipe: &Pipe, place: Ref<TableId>, entry: &InstalledEntry) -> Entry {
    let table = &pipe.gresses[place.gress].tables[place.id];
    let keys = table.keys.iter().zip(&entry.matches).map(|(key, found)| {
        let found = match found {
            Match::Exact(value) => KeyMatch::Exact(Number::of(value)),
            Match::Ternary { value, mask } => KeyMatch::Ternary {
                value: Number::of(value),
                mask: Number::of(mask),
            },
            Match::Lpm { value, prefix_len } => KeyMatch::Lpm {
                value: Number::of(value),
                prefix_len: *prefix_len,
            },
            Match::Range { lo, hi } => KeyMatch::Range {
                lo: Number::of(lo),
                hi: Number::of(hi),
            },
            Match::Any => KeyMatch::Any,
        };
        (key.name.clone(), found)
    });
    Entry {
        keys: keys.collect(),
        priority: entry.priority,
        target: match &entry.target {
            Target::Action(call) => EntryTarget::Action(shown_call(pipe, place, call)),
            Target::Member(member) => EntryTarget::Member(*member),
            Target::Group(group) => EntryTarget::Group(*group),
        },
    }
}

/// An action and its data, as a request would have them.
pub(crate) fn shown_call(pipe: &Pipe, place: Ref<TableId>, call: &ActionCall) -> Call {
    let gress = &pipe.gresses[place.gress];
    let name = match &gress.body {
        Body::Structured(body) => body.actions.get(call.action).map(|action| &action.name),
        Body::Tables(body) => body.actions.get(call.action).map(|action| &action.name),
    };
    let args = params(gress, call.action).iter().zip(&call.args);
    Call {
        action: name.cloned().unwrap_or_default(),
        args: args
            .map(|(param, value)| (param.name.clone(), Number::of(value)))
            .collect(),
    }
}

fn params(gress: &Gress, action: ActionId) -> &[Param] {
    let params = match &gress.body {
        Body::Structured(body) => body.actions.get(action).map(|action| &action.params),
        Body::Tables(body) => body.actions.get(action).map(|action| &action.params),
    };
    params.map_or(&[], Vec::as_slice)
}

/// The position of the key with this name, or the only one that ends so at a dot.
fn key_position(table: &Table, name: &str) -> Result<usize, ControlError> {
    let names = || table.keys.iter().map(|key| key.name.as_str()).enumerate();
    if let Some((position, _)) = names().find(|(_, full)| *full == name) {
        return Ok(position);
    }
    let is_end = |full: &str| {
        full.strip_suffix(name)
            .is_some_and(|front| front.ends_with('.'))
    };
    let mut found = names().filter(|(_, full)| is_end(full));
    match (found.next(), found.next()) {
        (Some((position, _)), None) => Ok(position),
        (None, _) | (Some(_), Some(_)) => Err(ControlError::NoKey {
            table: table.name.clone(),
            key: name.to_owned(),
            keys: names().map(|(_, full)| full.to_owned()).collect(),
        }),
    }
}
