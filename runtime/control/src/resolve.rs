//! Names and numbers of a request, as the state wants them; and entries of the state, as requests have them.

use p4rmt_engine::{EntryTarget as Target, InstalledEntry, Ref, find_action, find_profile_action};
use p4rmt_ir::{
    ActionCall, ActionId, BinaryOp, Bits, Body, Gress, KeySet, Match, Param, Pipe, ProfileId,
    Table, TableId, ValueSetId,
};

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
    with_args(&pipe.gresses[table.gress], action, call)
}

/// An action of the tables that a profile implements, and its arguments in order.
pub(crate) fn profile_call(
    pipe: &Pipe,
    profile: Ref<ProfileId>,
    call: &Call,
) -> Result<ActionCall, ControlError> {
    let action = find_profile_action(pipe, profile, &call.action)?;
    with_args(&pipe.gresses[profile.gress], action, call)
}

fn with_args(gress: &Gress, action: ActionId, call: &Call) -> Result<ActionCall, ControlError> {
    let params = params(gress, action);
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

/// What the state calls a member of a value set.
pub(crate) fn value_set_member(
    pipe: &Pipe,
    set: Ref<ValueSetId>,
    values: &[KeyMatch],
) -> Result<Vec<KeySet>, ControlError> {
    let set = &pipe.gresses[set.gress].value_sets[set.id];
    // Too many values or too few are refused by the state.
    let widths = set.widths.iter().copied().chain(std::iter::repeat(64));
    let member = values.iter().zip(widths).map(|(value, width)| {
        let fit = |number: &Number| fit(number, width, &set.name);
        Ok(match value {
            KeyMatch::Any => KeySet::Any,
            KeyMatch::Exact(value) => KeySet::Exact(fit(value)?),
            KeyMatch::Ternary { value, mask } => masked(fit(value)?, fit(mask)?),
            KeyMatch::Lpm { value, prefix_len } => {
                let n_free = width.saturating_sub(*prefix_len);
                let mask = Bits::ones(width);
                let n_free = Bits::from_u64(32, u64::from(n_free));
                let mask = Bits::binary(BinaryOp::Shl, &mask, &n_free);
                masked(fit(value)?, mask)
            }
            KeyMatch::Range { lo, hi } => KeySet::Range {
                lo: fit(lo)?,
                hi: fit(hi)?,
            },
        })
    });
    member.collect()
}

fn masked(value: Bits, mask: Bits) -> KeySet {
    KeySet::Mask {
        value: Bits::binary(BinaryOp::And, &value, &mask),
        mask,
    }
}

/// A value of a member of a value set, as a request would have it.
pub(crate) fn shown_key_set(set: &KeySet) -> KeyMatch {
    match set {
        // The control plane put it in, so it names no other set.
        KeySet::Any | KeySet::ValueSet(_) => KeyMatch::Any,
        KeySet::Exact(value) => KeyMatch::Exact(Number::of(value)),
        KeySet::Mask { value, mask } => KeyMatch::Ternary {
            value: Number::of(value),
            mask: Number::of(mask),
        },
        KeySet::Range { lo, hi } => KeyMatch::Range {
            lo: Number::of(lo),
            hi: Number::of(hi),
        },
    }
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
    let gress = &pipe.gresses[place.gress];
    let table = &gress.tables[place.id];
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
            Target::Action(call) => EntryTarget::Action(shown_call(gress, call)),
            Target::Member(member) => EntryTarget::Member(*member),
            Target::Group(group) => EntryTarget::Group(*group),
        },
    }
}

/// An action and its data, as a request would have them.
pub(crate) fn shown_call(gress: &Gress, call: &ActionCall) -> Call {
    let args = params(gress, call.action).iter().zip(&call.args);
    Call {
        action: signature(gress, call.action).map_or_else(String::new, |(name, _)| name.to_owned()),
        args: args
            .map(|(param, value)| (param.name.clone(), Number::of(value)))
            .collect(),
    }
}

fn params(gress: &Gress, action: ActionId) -> &[Param] {
    signature(gress, action).map_or(&[], |(_, params)| params)
}

/// The name and the parameters of an action.
pub(crate) fn signature(gress: &Gress, action: ActionId) -> Option<(&str, &[Param])> {
    match &gress.body {
        Body::Structured(body) => {
            let action = body.actions.get(action)?;
            Some((&action.name, &action.params))
        }
        Body::Tables(body) => {
            let action = body.actions.get(action)?;
            Some((&action.name, &action.params))
        }
    }
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
