//! Entries and actions of a vector as the state wants them: names looked up, values cut to width.
//!
//! * Names match in full or by an end that is unique at a dot. Of keys, `name$N` is `name[N]`, and
//!   `x.$valid$`, `x.$valid` and `x.valid` are `x.isValid()`.
//! * Ternary: a digit that is written is compared, a wildcard is not, nor are digits that are not
//!   written; a decimal number is compared whole.
//! * Lpm: the prefix is as long as the digits that are no wildcards, unless its length is given.
//! * Range: `LO..HI`, or a single number.
//! * A key that is not named: exact is zero, all others match anything.

use p4rmt_engine::{
    EntryTarget, InstalledEntry, Ref, find_action, find_profile_action, find_table, find_value_set,
};
use p4rmt_ir::{
    ActionCall, ActionId, Bits, Body, Gress, Key, KeySet, Match, MatchKind, Param, Pipe, ProfileId,
    Table, TableId, ValueSetId,
};

use crate::error::StatementFault;
use crate::syntax::{ActionText, AddEntry, MatchText, TargetText};
use crate::value::Value;

/// Looks up what an `add` names.
pub(crate) fn entry(
    pipe: &Pipe,
    text: &AddEntry,
) -> Result<(Ref<TableId>, InstalledEntry), StatementFault> {
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
    let target = match &text.target {
        TargetText::Action(text) => EntryTarget::Action(action(pipe, table_ref, text)?),
        TargetText::Member(member) => EntryTarget::Member(*member),
        TargetText::Group(group) => EntryTarget::Group(*group),
    };
    let entry = InstalledEntry {
        matches,
        priority: text.priority.unwrap_or_default(),
        target,
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
    call(&pipe.gresses[table.gress], action, text)
}

/// Looks up an action of the tables that a profile implements, and puts its arguments in order.
pub(crate) fn profile_action(
    pipe: &Pipe,
    profile: Ref<ProfileId>,
    text: &ActionText,
) -> Result<ActionCall, StatementFault> {
    let action = find_profile_action(pipe, profile, &text.name)?;
    call(&pipe.gresses[profile.gress], action, text)
}

fn call(gress: &Gress, action: ActionId, text: &ActionText) -> Result<ActionCall, StatementFault> {
    let params = params(gress, action);
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

/// Looks up a value set, and gives a member the form of its keys.
pub(crate) fn member(
    pipe: &Pipe,
    name: &str,
    values: &[(Value, Option<Value>)],
) -> Result<(Ref<ValueSetId>, Vec<KeySet>), StatementFault> {
    let id = find_value_set(pipe, name)?;
    let widths = &pipe.gresses[id.gress].value_sets[id.id].widths;
    let member = values.iter().enumerate().map(|(position, (value, hi))| {
        // A member of too many values is refused by the state, with the numbers.
        let width = widths.get(position).copied().unwrap_or(1);
        match hi {
            Some(hi) => Ok(KeySet::Range {
                lo: plain(value, width, name)?,
                hi: plain(hi, width, name)?,
            }),
            None if value.has_wildcards() => Ok(KeySet::Mask {
                value: fitting(value, width, name)?,
                mask: value.mask(width),
            }),
            None => Ok(KeySet::Exact(fitting(value, width, name)?)),
        }
    });
    Ok((id, member.collect::<Result<_, StatementFault>>()?))
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
    let names: Vec<String> = table
        .keys
        .iter()
        .map(|key| key_spelling(&key.name))
        .collect();
    let wanted = key_spelling(field);
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
#[must_use]
pub fn key_spelling(name: &str) -> String {
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

    use p4rmt_ir::build::{GressBuilder, program};
    use p4rmt_ir::{Arch, Expr, GressRole, Id, ValueSet};

    use crate::syntax::StatementKind;

    /// A table with a key of each kind, 16 bits wide: `e`, `t`, `l`, `r`, `o`.
    fn pipe() -> Pipe {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let act = gress.action("C.act", &[8, 16], Vec::new());
        let kinds = [
            MatchKind::Exact,
            MatchKind::Ternary,
            MatchKind::Lpm,
            MatchKind::Range,
            MatchKind::Optional,
        ];
        let keys = kinds.map(|kind| (Expr::Field(gress.metadata("m", 16)), kind));
        let table = gress.table("C.t", &keys, &[act]);
        let names = ["a.e", "a.t", "a.b.l", "r", "h.isValid()"];
        let table = gress.gress.tables.get_mut(table).expect("just made");
        for (key, name) in table.keys.iter_mut().zip(names) {
            key.name = name.to_owned();
        }
        let gress = gress.structured(Vec::new());
        program("p", Arch::Tna, [gress]).pipes[Id::from_index(0)].clone()
    }

    fn resolved(matches: &str) -> Result<Vec<Match>, StatementFault> {
        let text = format!("add t 7 {matches} act(p1:0x3, p0:2)");
        let vector = crate::parse("v.stf", &text).expect("the text is a statement");
        let StatementKind::Add(text) = &vector.statements[0].kind else {
            panic!("the statement adds");
        };
        let (_, entry) = super::entry(&pipe(), text)?;
        assert_eq!(entry.priority, 7);
        let args = [Bits::from_u64(8, 2), Bits::from_u64(16, 3)];
        let EntryTarget::Action(call) = &entry.target else {
            panic!("the entry has an action of its own");
        };
        assert_eq!(call.args, args, "arguments are put in order");
        Ok(entry.matches)
    }

    #[track_caller]
    fn check(matches: &str, position: usize, expected: Match) {
        let found = resolved(matches).expect("the entry fits");
        assert_eq!(found[position], expected, "{matches}");
    }

    fn bits(value: u64) -> Bits {
        Bits::from_u64(16, value)
    }

    #[test]
    fn every_kind_of_key_takes_its_values() {
        let ternary = |value, mask| Match::Ternary {
            value: bits(value),
            mask: bits(mask),
        };
        let lpm = |value, prefix_len| Match::Lpm {
            value: bits(value),
            prefix_len,
        };
        check("e:0x12", 0, Match::Exact(bits(0x12)));
        check("t:1", 0, Match::Exact(bits(0)));
        check("a.t:0x0a", 1, ternary(0x0a, 0xff));
        check("t:0x*1*2", 1, ternary(0x102, 0x0f0f));
        check("t:10", 1, ternary(10, 0xffff));
        check("t:0x0a00/8", 1, lpm(0x0a00, 8));
        check("e:1", 1, Match::Any);
        check("l:0x0a**", 2, lpm(0x0a00, 8));
        check("b.l:0x0a00/9", 2, lpm(0x0a00, 9));
        check("l:0b101", 2, lpm(5, 3));
        check("l:258", 2, lpm(258, 16));
        check("e:1", 2, Match::Any);
        let range = Match::Range {
            lo: bits(5),
            hi: bits(0x10),
        };
        check("r:5..0x10", 3, range);
        check("r:5", 3, Match::Exact(bits(5)));
        check("h.$valid$:0b1", 4, Match::Exact(bits(1)));
        check("h.$valid:0b1", 4, Match::Exact(bits(1)));
        check("h:1", 4, Match::Exact(bits(1)));
        check("valid:0x*", 4, Match::Any);
    }

    #[test]
    fn members_of_value_sets_take_the_form_of_their_keys() {
        let mut pipe = pipe();
        let gress = pipe.gresses.get_mut(Id::from_index(0));
        gress.expect("one gress").value_sets.push(ValueSet {
            name: "P.set".to_owned(),
            widths: vec![9, 8],
            size: 1,
            span: p4rmt_source::Span::NONE,
        });
        let value = |text| Value::parse(text).expect("a number");
        let values = [(value("3"), None), (value("0x1*"), None)];
        let (_, member) = member(&pipe, "set", &values).expect("the member fits");
        let expected = [
            KeySet::Exact(Bits::from_u64(9, 3)),
            KeySet::Mask {
                value: Bits::from_u64(8, 0x10),
                mask: Bits::from_u64(8, 0xf0),
            },
        ];
        assert_eq!(member, expected);
        let range = [(value("3"), Some(value("0x200")))];
        let refused = super::member(&pipe, "set", &range);
        assert!(matches!(
            refused,
            Err(StatementFault::TooWide { width: 9, .. })
        ));
    }

    #[test]
    fn keys_refuse_what_they_do_not_take() {
        assert!(matches!(
            resolved("e:1/3"),
            Err(StatementFault::NoPrefix { .. })
        ));
        assert!(matches!(
            resolved("e:0x*"),
            Err(StatementFault::Wildcards { .. })
        ));
        assert!(matches!(
            resolved("r:0x1*"),
            Err(StatementFault::Wildcards { .. })
        ));
        assert!(matches!(
            resolved("t:0x12345"),
            Err(StatementFault::TooWide { .. })
        ));
        assert!(matches!(resolved("x:1"), Err(StatementFault::NoKey { .. })));
    }

    #[test]
    fn keys_have_one_spelling() {
        assert_eq!(key_spelling("hdr.h$1.f"), "hdr.h[1].f");
        assert_eq!(key_spelling("hdr.h[1].f"), "hdr.h[1].f");
        assert_eq!(key_spelling(".a.$valid$"), "a.isValid()");
        assert_eq!(key_spelling("a.$valid"), "a.isValid()");
        assert_eq!(key_spelling("a.valid"), "a.isValid()");
        assert_eq!(key_spelling("a.isValid()"), "a.isValid()");
        assert_eq!(key_spelling("a$b"), "a$b");
    }
}
