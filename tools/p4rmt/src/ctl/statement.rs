//! Statements of the vector language as requests.
//!
//! Names go to the switch as they are written. What a key's digits mean depends on how the key is compared
//! (`testvectors/README.md`), which the switch is asked for once.

use p4rmt_control::{
    Call, Client, Description, Entry, EntryTarget, Filter, KeyDescription, KeyKind, KeyMatch,
    Number, Rates, Reply, Request, Session, Subscription, Switch as _, TableDescription, Timer,
    Unit,
};
use p4rmt_engine::METER_FRACTION_BITS;
use p4rmt_stf::{
    ActionText, AddEntry, CellIndex, Element, GeneratorText, Half, MatchText, MeterRate,
    PortUnitName, StatementKind, TargetText, Value,
};

use super::Refused;

/// So many cells are written by one request.
const MAX_CELLS: u64 = 4096;

/// What a statement wants.
pub(crate) enum Wish {
    /// It is blank.
    Nothing,
    /// To be carried out one after the other.
    Ask(Vec<Request>),
    /// To hear what happens.
    Watch(Subscription),
}

/// Knows the switch to which statements go.
pub(crate) struct Translator {
    pub(crate) client: Client,
    description: Option<Description>,
}

impl Translator {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            description: None,
        }
    }

    fn description(&mut self) -> Result<&Description, Refused> {
        if self.description.is_none() {
            self.description = Some(self.client.describe()?);
        }
        Ok(self.description.get_or_insert_default())
    }

    /// What the switch has, if a reply cannot be shown without.
    pub(crate) fn description_for(
        &mut self,
        reply: &Reply,
    ) -> Result<Option<&Description>, Refused> {
        match reply {
            Reply::Entries { .. } | Reply::Rates(_) => self.description().map(Some),
            _ => Ok(None),
        }
    }

    /// What a statement wants.
    pub(crate) fn wish(&mut self, text: &str) -> Result<Wish, Refused> {
        let text = text.split('#').next().unwrap_or_default().trim();
        let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let name = || one_word(keyword, rest);
        let request = match keyword.to_ascii_lowercase().as_str() {
            "" => return Ok(Wish::Nothing),
            "watch" => return watch(rest).map(Wish::Watch),
            "program" => Request::Describe,
            "time" => Request::Time,
            "table_dump" => Request::Entries { table: name()? },
            "table_clear" => Request::Clear { table: name()? },
            "profile_dump" => Request::Profile { profile: name()? },
            "value_set_dump" => Request::Values { set: name()? },
            "mc_mgrp_get" => Request::Group {
                group: number_of(&name()?)?,
            },
            "mc_mgrp_delete" => Request::DeleteGroup {
                group: number_of(&name()?)?,
            },
            "mc_node_delete" => Request::DeleteNode {
                node: number_of(&name()?)?,
            },
            "modify" => {
                let add = parse_add(rest)?;
                let (table, entry) = self.entry(&add)?;
                Request::Modify { table, entry }
            }
            "delete" => {
                // An entry is named as it is added, only that its action does not matter.
                let add = parse_add(&format!("{rest} any()"))?;
                let (table, entry) = self.entry(&add)?;
                Request::Delete {
                    table,
                    keys: entry.keys,
                    priority: entry.priority,
                }
            }
            "register_read" | "counter_read" if rest.contains("..") => {
                range_read(&keyword.to_ascii_lowercase(), rest)?
            }
            _ => return self.of_vector(text).map(Wish::Ask),
        };
        Ok(Wish::Ask(vec![request]))
    }

    /// A statement as vectors have it.
    fn of_vector(&mut self, text: &str) -> Result<Vec<Request>, Refused> {
        let request = match parse(text)? {
            StatementKind::Add(text) => {
                if text.id.is_some() {
                    return Err(nonsense("an entry has a name of its own in vectors only"));
                }
                let (table, entry) = self.entry(&text)?;
                Request::Insert { table, entry }
            }
            StatementKind::SetDefault { table, action } => {
                let call = call_of(&action)?;
                Request::SetDefault { table, call }
            }
            StatementKind::Packet { port, bytes } => Request::Send { port, bytes },
            StatementKind::CounterRead { counter, index } => Request::ReadCounter {
                counter,
                index: cell(&index)?,
                count: 1,
            },
            StatementKind::CounterWrite {
                counter,
                index,
                packets,
                bytes,
            } => Request::WriteCounter {
                counter,
                index: cell(&index)?,
                packets,
                bytes,
            },
            StatementKind::RegisterRead(Element {
                register, index, ..
            }) => Request::ReadRegister {
                register,
                index,
                count: 1,
            },
            StatementKind::RegisterWrite { element, value } => Request::WriteRegisterValue {
                register: element.register,
                index: element.index,
                position: match element.half {
                    None | Some(Half::Lo) => 0,
                    Some(Half::Hi) => 1,
                },
                value: plain(&value)?,
            },
            StatementKind::RegisterReset { register } => Request::ResetRegister { register },
            StatementKind::MeterGetRates { meter, index } => Request::ReadMeter {
                meter,
                index: cell(&index)?,
            },
            StatementKind::MeterSetRates {
                meter,
                index,
                rates,
            } => {
                let rates = rates_of(&rates, self.description()?.clocks_per_us);
                let write = |index| Request::WriteMeter {
                    meter: meter.clone(),
                    index,
                    rates,
                };
                return self.for_cells(&meter, index.as_ref(), write);
            }
            StatementKind::FilterSet {
                filter,
                index,
                time_constant,
                thresholds,
            } => {
                let (min, max, percent) = thresholds.unwrap_or_default();
                let write = |index| Request::WriteFilter {
                    meter: filter.clone(),
                    index,
                    filter: Filter {
                        time_constant,
                        min,
                        max,
                        percent,
                    },
                };
                return self.for_cells(&filter, index.as_ref(), write);
            }
            StatementKind::MirrorAdd {
                session,
                port,
                truncate,
            } => Request::SetSession {
                session,
                to: Session::Port { port, truncate },
            },
            StatementKind::MirrorAddGroup {
                session,
                group,
                truncate,
            } => Request::SetSession {
                session,
                to: Session::Group { group, truncate },
            },
            StatementKind::MirrorDelete { session } => Request::DeleteSession { session },
            StatementKind::MirrorGet { session } => Request::Session { session },
            StatementKind::GroupCreate { group } => Request::CreateGroup { group },
            StatementKind::NodeCreate { rid, ports } => Request::CreateLooseNode { rid, ports },
            StatementKind::NodeUpdate { node, ports } => Request::UpdateNode { node, ports },
            StatementKind::NodeAssociate { group, node } => Request::AddNode { group, node },
            StatementKind::PortUnit { port, unit } => Request::SetPortUnit {
                port,
                unit: Some(match unit {
                    PortUnitName::Roce => Unit::Roce,
                    PortUnitName::TcpChecksum => Unit::TcpChecksum,
                }),
            },
            StatementKind::PacketGenerator(text) => {
                let clocks_per_us = self.description()?.clocks_per_us;
                start_generator(text, clocks_per_us)
            }
            StatementKind::PacketGeneratorStop { app } => Request::StopGenerator { app },
            StatementKind::ValueSetAdd { set, values } => {
                let values = values.iter().map(|(value, hi)| member(value, hi.as_ref()));
                let values = values.collect::<Result<_, _>>()?;
                Request::InsertValue { set, values }
            }
            StatementKind::ValueSetClear { set } => Request::ClearValues { set },
            StatementKind::ProfileMember {
                profile,
                member,
                action,
            } => Request::SetMember {
                profile,
                member,
                call: call_of(&action)?,
            },
            StatementKind::ProfileMemberDelete { profile, member } => {
                Request::DeleteMember { profile, member }
            }
            StatementKind::ProfileGroup {
                profile,
                group,
                members,
            } => Request::SetMemberGroup {
                profile,
                group,
                members,
            },
            StatementKind::ProfileGroupDelete { profile, group } => {
                Request::DeleteMemberGroup { profile, group }
            }
            StatementKind::RemoveAll => {
                return Err(nonsense("write `table_clear TABLE` to remove all entries"));
            }
            StatementKind::Expect { .. }
            | StatementKind::NoPacket
            | StatementKind::Wait
            | StatementKind::CheckCounter { .. }
            | StatementKind::CheckRegister { .. }
            | StatementKind::CheckDigest { .. }
            | StatementKind::HoldMirror
            | StatementKind::ReleaseMirror { .. }
            | StatementKind::DropMirror { .. }
            | StatementKind::Tick { .. }
            | StatementKind::Ignore { .. } => {
                return Err(nonsense(
                    "this belongs into a vector: a running switch can be told and read, not checked or held",
                ));
            }
        };
        Ok(vec![request])
    }

    /// A request for one cell of a meter, or for each.
    fn for_cells(
        &mut self,
        meter: &str,
        index: Option<&CellIndex>,
        write: impl Fn(u64) -> Request,
    ) -> Result<Vec<Request>, Refused> {
        if let Some(index) = index {
            return Ok(vec![write(cell(index)?)]);
        }
        let meters = &self.description()?.meters;
        let found = by_end(meters, meter, |found| &found.name)
            .ok_or_else(|| nonsense(&format!("there is no single meter `{meter}`")))?;
        let starts = (0..found.size).step_by(MAX_CELLS as usize);
        let requests = starts.map(|start| {
            let end = found.size.min(start + MAX_CELLS);
            Request::All((start..end).map(&write).collect())
        });
        Ok(requests.collect())
    }

    fn entry(&mut self, text: &AddEntry) -> Result<(String, Entry), Refused> {
        let tables = &self.description()?.tables;
        let table = by_end(tables, &text.table, |table| &table.name)
            .ok_or_else(|| nonsense(&format!("there is no single table `{}`", text.table)))?;
        let mut keys = Vec::new();
        for item in &text.matches {
            let key = find_key(table, &item.field)?;
            keys.push((key.name.clone(), key_match(key, item)?));
        }
        // As in vectors, an exact key that is not named is zero.
        for key in table.keys.iter().filter(|key| key.kind == KeyKind::Exact) {
            if keys.iter().all(|(name, _)| *name != key.name) {
                keys.push((key.name.clone(), KeyMatch::Exact(Number::from(0_u8))));
            }
        }
        let target = match &text.target {
            TargetText::Action(action) => EntryTarget::Action(call_of(action)?),
            TargetText::Member(member) => EntryTarget::Member(*member),
            TargetText::Group(group) => EntryTarget::Group(*group),
        };
        let entry = Entry {
            keys,
            priority: text.priority.unwrap_or_default(),
            target,
        };
        Ok((table.name.clone(), entry))
    }
}

fn nonsense(why: &str) -> Refused {
    Refused::Nonsense(why.to_owned())
}

fn parse(text: &str) -> Result<StatementKind, Refused> {
    let vector = p4rmt_stf::parse("statement", text).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Refused::Nonsense(errors.join("\n"))
    })?;
    let mut statements = vector.statements.into_iter();
    match (statements.next(), statements.next()) {
        (Some(statement), None) => Ok(statement.kind),
        _ => Err(nonsense("write one statement at a time")),
    }
}

fn parse_add(rest: &str) -> Result<AddEntry, Refused> {
    match parse(&format!("add {rest}"))? {
        StatementKind::Add(text) => Ok(text),
        _ => Err(nonsense("an entry is to be named here")),
    }
}

fn one_word(keyword: &str, rest: &str) -> Result<String, Refused> {
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return Err(Refused::Nonsense(format!(
            "`{keyword}` takes one name or number"
        )));
    }
    Ok(rest.trim_matches('"').to_owned())
}

fn number_of<T: std::str::FromStr>(text: &str) -> Result<T, Refused> {
    let number = text.parse();
    number.map_err(|_| Refused::Nonsense(format!("`{text}` is no number that fits here")))
}

/// `watch [PORT…] [digests]`.
fn watch(rest: &str) -> Result<Subscription, Refused> {
    let mut subscription = Subscription::default();
    for word in rest.split_whitespace() {
        if word.eq_ignore_ascii_case("digests") {
            subscription.digests = true;
        } else {
            subscription.ports.push(number_of(word)?);
        }
    }
    if subscription == Subscription::default() {
        return Ok(Subscription {
            ports: (0..p4rmt_pipeline::MAX_PORTS).collect(),
            digests: true,
        });
    }
    Ok(subscription)
}

/// `register_read NAME FIRST..LAST`, and of counters.
fn range_read(keyword: &str, rest: &str) -> Result<Request, Refused> {
    let wrong = || Refused::Nonsense(format!("write `{keyword} NAME FIRST..LAST`"));
    let (name, range) = rest.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let (first, last) = range.trim().split_once("..").ok_or_else(wrong)?;
    let (index, last) = (number_of::<u64>(first)?, number_of::<u64>(last)?);
    let count = last.checked_sub(index).and_then(|span| span.checked_add(1));
    let count = count.ok_or_else(wrong)?;
    let name = name.trim_matches('"').to_owned();
    Ok(if keyword == "register_read" {
        Request::ReadRegister {
            register: name,
            index,
            count,
        }
    } else {
        Request::ReadCounter {
            counter: name,
            index,
            count,
        }
    })
}

/// The one of this name, or the only one whose name ends so at a dot.
fn by_end<'a, T>(items: &'a [T], name: &str, name_of: impl Fn(&T) -> &String) -> Option<&'a T> {
    if let Some(found) = items.iter().find(|item| name_of(item) == name) {
        return Some(found);
    }
    let is_end = |full: &str| {
        let front = full.strip_suffix(name);
        front.is_some_and(|front| front.ends_with('.'))
    };
    let mut found = items.iter().filter(|item| is_end(name_of(item)));
    match (found.next(), found.next()) {
        (Some(found), None) => Some(found),
        (None, _) | (Some(_), Some(_)) => None,
    }
}

fn find_key<'a>(table: &'a TableDescription, field: &str) -> Result<&'a KeyDescription, Refused> {
    let keys: Vec<String> = table
        .keys
        .iter()
        .map(|key| p4rmt_stf::key_spelling(&key.name))
        .collect();
    let wanted = p4rmt_stf::key_spelling(field);
    let found = [wanted.clone(), format!("{wanted}.isValid()")]
        .iter()
        .find_map(|wanted| {
            let found = by_end(&keys, wanted, |key| key)?;
            keys.iter().position(|key| key == found)
        });
    found.map(|position| &table.keys[position]).ok_or_else(|| {
        let names: Vec<&str> = table.keys.iter().map(|key| key.name.as_str()).collect();
        let names = names.join(", ");
        Refused::Nonsense(format!(
            "table `{}` has no single key `{field}`: it has {names}",
            table.name
        ))
    })
}

/// What the digits of a key mean.
fn key_match(key: &KeyDescription, item: &MatchText) -> Result<KeyMatch, Refused> {
    let value = &item.value;
    if let Some(hi) = &item.range_hi {
        return Ok(KeyMatch::Range {
            lo: plain(value)?,
            hi: plain(hi)?,
        });
    }
    let prefix_len = match key.kind {
        KeyKind::Lpm => Some(
            item.prefix_len
                .unwrap_or_else(|| value.implied_prefix_len(key.width)),
        ),
        KeyKind::Ternary => item.prefix_len,
        KeyKind::Exact | KeyKind::Range | KeyKind::Optional | KeyKind::Selector => {
            if item.prefix_len.is_some() {
                return Err(Refused::Nonsense(format!("`{}` takes no prefix", key.name)));
            }
            None
        }
    };
    let fixed = fixed(value, key.width, &key.name)?;
    Ok(match (prefix_len, key.kind) {
        (Some(prefix_len), _) => KeyMatch::Lpm {
            value: fixed,
            prefix_len,
        },
        (None, KeyKind::Ternary) => KeyMatch::Ternary {
            value: fixed,
            mask: Number::of(&value.mask(key.width)),
        },
        (None, KeyKind::Optional | KeyKind::Selector) if value.is_any() => KeyMatch::Any,
        (None, _) => KeyMatch::Exact(plain(value)?),
    })
}

/// A number, wildcards as zeros.
fn fixed(value: &Value, width: u32, what: &str) -> Result<Number, Refused> {
    let bits = value.to_bits(width).ok_or_else(|| {
        let text = value.text();
        Refused::Nonsense(format!(
            "{text} does not fit `{what}`, which has {width} bits"
        ))
    })?;
    Ok(Number::of(&bits))
}

/// A number without wildcards.
fn plain(value: &Value) -> Result<Number, Refused> {
    /// The widest that there can be.
    const WIDTH: u32 = 2048;
    if value.has_wildcards() {
        let text = value.text();
        return Err(Refused::Nonsense(format!(
            "{text} must have no wildcards here"
        )));
    }
    fixed(value, WIDTH, "a number")
}

/// A value of a member of a value set. Its width does not matter: digits in front of those written are compared.
fn member(value: &Value, hi: Option<&Value>) -> Result<KeyMatch, Refused> {
    let width = 4 * value.text().len().max(1) as u32;
    Ok(match hi {
        Some(hi) => KeyMatch::Range {
            lo: plain(value)?,
            hi: plain(hi)?,
        },
        None if value.has_wildcards() => KeyMatch::Ternary {
            value: fixed(value, width, "a number")?,
            mask: Number::of(&value.mask(width)),
        },
        None => KeyMatch::Exact(plain(value)?),
    })
}

fn call_of(action: &ActionText) -> Result<Call, Refused> {
    let args = action.args.iter();
    let args = args.map(|(name, value)| Ok((name.clone(), plain(value)?)));
    Ok(Call {
        action: action.name.clone(),
        args: args.collect::<Result<_, Refused>>()?,
    })
}

fn cell(index: &CellIndex) -> Result<u64, Refused> {
    match index {
        CellIndex::Number(index) => Ok(*index),
        CellIndex::Entry(_) => Err(nonsense("an entry has a name of its own in vectors only")),
    }
}

/// Rates a clock, of rates a microsecond.
fn rates_of(rates: &[MeterRate], clocks_per_us: u64) -> Rates {
    let [committed, peak] = [rates.first(), rates.last()].map(|rate| {
        let (rate, burst) = rate.map_or((0, 0), |rate| (rate.rate_e12, rate.burst));
        let tokens = u128::from(rate) << METER_FRACTION_BITS;
        let tokens = tokens / 1_000_000_000_000 / u128::from(clocks_per_us.max(1));
        let burst = u128::from(burst) << METER_FRACTION_BITS;
        [tokens, burst].map(|value| u64::try_from(value).unwrap_or(u64::MAX))
    });
    Rates {
        cir: committed[0],
        cbs: committed[1],
        pir: peak[0],
        pbs: peak[1],
    }
}

fn start_generator(text: GeneratorText, clocks_per_us: u64) -> Request {
    let ns = (u128::from(text.period) * 1000).div_ceil(u128::from(clocks_per_us.max(1)));
    Request::StartGenerator {
        app: text.app,
        timer: Timer {
            port: text.port,
            period_ns: u64::try_from(ns).unwrap_or(u64::MAX),
            is_periodic: text.is_periodic,
            batches: text.batches,
            packets: text.packets,
            payload: text.payload,
        },
    }
}
