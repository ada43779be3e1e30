//! Replies and events for people. What can be given back as a statement is written as one.

use std::fmt::Write as _;

use p4rmt_control::{
    ArrayDescription, Call, Description, Entry, EntryTarget, Event, KeyKind, KeyMatch, Number,
    Rates, Reply, Request, Session,
};
use p4rmt_engine::METER_FRACTION_BITS;

/// A reply to a request; empty where there is nothing to say.
pub(crate) fn reply(request: &Request, reply: &Reply, description: Option<&Description>) -> String {
    let text = match reply {
        Reply::Done => String::new(),
        Reply::Entries { entries, default } => {
            let table = match request {
                Request::Entries { table } => table.as_str(),
                _ => "",
            };
            dump(table, entries, default, description)
        }
        Reply::Elements(elements) => {
            let (name, first) = match request {
                Request::ReadRegister {
                    register, index, ..
                } => (register.as_str(), *index),
                _ => ("", 0),
            };
            let lines = (first..).zip(elements);
            lines
                .map(|(index, values)| format!("{name}({index}) = {}\n", joined(values)))
                .collect()
        }
        Reply::Counts(counts) => {
            let (name, first) = match request {
                Request::ReadCounter { counter, index, .. } => (counter.as_str(), *index),
                _ => ("", 0),
            };
            let lines = (first..).zip(counts).map(|(index, (packets, bytes))| {
                let counts = [(packets, "packets"), (bytes, "bytes")];
                let counts = counts
                    .iter()
                    .filter_map(|(count, what)| Some(format!(" {} {what}", (**count)?)));
                let counts: String = counts.collect();
                format!("{name}({index}) ={counts}\n")
            });
            lines.collect()
        }
        Reply::Rates(rates) => {
            let (name, index) = match request {
                Request::ReadMeter { meter, index } => (meter.as_str(), *index),
                _ => ("", 0),
            };
            let clocks_per_us = description.map_or(1, |description| description.clocks_per_us);
            format!("{name}({index}) = {}\n", shown_rates(rates, clocks_per_us))
        }
        Reply::Session(None) => "the session is not there\n".to_owned(),
        Reply::Session(Some(session)) => {
            let (to, truncate) = match session {
                Session::Port { port, truncate } => (format!("port {port}"), truncate),
                Session::Group { group, truncate } => (format!("group {group}"), truncate),
            };
            let cut = truncate.map_or_else(String::new, |bytes| format!(", cut at {bytes} bytes"));
            format!("leads to {to}{cut}\n")
        }
        Reply::Node(node) => format!("node {node}\n"),
        Reply::Group(None) => "the group is not there\n".to_owned(),
        Reply::Group(Some(nodes)) => nodes
            .iter()
            .map(|node| {
                format!(
                    "node {}: rid {}, ports {}\n",
                    node.node,
                    node.rid,
                    listed(&node.ports)
                )
            })
            .collect(),
        Reply::Profile { members, groups } => {
            let name = match request {
                Request::Profile { profile } => profile.as_str(),
                _ => "",
            };
            let members = members.iter().map(|(number, call)| {
                format!("profile_member {name} {number} {}\n", shown_call(call))
            });
            let groups = groups.iter().map(|(number, members)| {
                format!("profile_group {name} {number} {}\n", listed(members))
            });
            members.chain(groups).collect()
        }
        Reply::Values(members) => members
            .iter()
            .map(|values| {
                let values: Vec<String> = values.iter().map(shown_value).collect();
                format!("{}\n", values.join(" "))
            })
            .collect(),
        Reply::Description(description) => describe(description),
        Reply::Time { clock, ns } => format!("clock {clock}, {ns} ns\n"),
        Reply::All(replies) => {
            let requests = match request {
                Request::All(requests) => requests.as_slice(),
                _ => &[],
            };
            let pairs = requests.iter().zip(replies);
            let texts = pairs.map(|(request, of)| self::reply(request, of, description));
            texts
                .filter(|text| !text.is_empty())
                .map(|text| text + "\n")
                .collect()
        }
    };
    text.trim_end().to_owned()
}

/// An event.
pub(crate) fn event(event: &Event) -> String {
    match event {
        Event::Packet { port, bytes, ns } => {
            let mut text = format!("packet {port} ");
            for byte in bytes {
                // Text takes all that is written.
                let _ = write!(text, "{byte:02x}");
            }
            text + &format!("  # {ns} ns")
        }
        Event::Digest { digest, fields, ns } => {
            format!("digest {digest} {}  # {ns} ns", joined(fields))
        }
    }
}

fn joined(numbers: &[Number]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(" ")
}

fn listed<T: ToString>(numbers: &[T]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(" ")
}

/// The entries of a table as statements that would make them.
fn dump(
    table: &str,
    entries: &[Entry],
    default: &Call,
    description: Option<&Description>,
) -> String {
    let tables = description.map_or(&[][..], |description| &description.tables);
    let is_end = |full: &str| {
        full.strip_suffix(table)
            .is_some_and(|front| front.ends_with('.'))
    };
    let described = tables
        .iter()
        .find(|described| described.name == table)
        .or_else(|| tables.iter().find(|described| is_end(&described.name)));
    let name = described.map_or(table, |described| described.name.as_str());
    let mut text = String::new();
    for entry in entries {
        text += &format!("add {name}");
        if entry.priority > 0 {
            text += &format!(" {}", entry.priority);
        }
        for (key, found) in &entry.keys {
            let described =
                described.and_then(|table| table.keys.iter().find(|of| of.name == *key));
            let width = described.map_or(64, |key| key.width);
            let is_ternary = described.is_some_and(|key| key.kind == KeyKind::Ternary);
            if let Some(value) = shown_match(found, width, is_ternary) {
                text += &format!(" {key}:{value}");
            }
        }
        text += &match &entry.target {
            EntryTarget::Action(call) => format!(" {}\n", shown_call(call)),
            EntryTarget::Member(member) => format!(" member({member})\n"),
            EntryTarget::Group(group) => format!(" group({group})\n"),
        };
    }
    text + &format!("setdefault {name} {}\n", shown_call(default))
}

fn shown_call(call: &Call) -> String {
    let args = call
        .args
        .iter()
        .map(|(name, value)| format!("{name}:{value}"));
    let args: Vec<String> = args.collect();
    format!("{}({})", call.action, args.join(", "))
}

/// What a key must be, as a statement has it; none where it may be anything.
fn shown_match(found: &KeyMatch, width: u32, is_ternary: bool) -> Option<String> {
    Some(match found {
        KeyMatch::Any => return None,
        // Of a ternary key only digits that are written count.
        KeyMatch::Exact(value) if is_ternary => with_wildcards(value, None, width),
        KeyMatch::Ternary { value, mask } => with_wildcards(value, Some(mask), width),
        KeyMatch::Exact(_) | KeyMatch::Lpm { .. } | KeyMatch::Range { .. } => shown_value(found),
    })
}

/// Digits of a binary number, or of a hexadecimal one where no digit is in part a wildcard.
fn with_wildcards(value: &Number, mask: Option<&Number>, width: u32) -> String {
    let bits = |number: &Number| {
        let bits = number.to_bits(width);
        (0..width)
            .rev()
            .map(|at| bits.as_ref().is_some_and(|bits| bits.bit(at)))
            .collect::<Vec<bool>>()
    };
    let value = bits(value);
    let mask = mask.map_or_else(|| vec![true; width as usize], bits);
    let digits: Vec<(bool, bool)> = value.into_iter().zip(mask).collect();
    // Nibbles count from the lowest bit.
    let nibbles: Vec<_> = digits.rchunks(4).rev().collect();
    let is_whole = |nibble: &&[(bool, bool)]| nibble.iter().all(|(_, mask)| *mask == nibble[0].1);
    if width.is_multiple_of(4) && nibbles.iter().all(is_whole) {
        let digits = nibbles.iter().map(|nibble| {
            let value = nibble
                .iter()
                .fold(0, |value, (bit, _)| value << 1 | u32::from(*bit));
            let digit = char::from_digit(value, 16).unwrap_or('0');
            if nibble[0].1 { digit } else { '*' }
        });
        return format!("0x{}", digits.collect::<String>());
    }
    let digits = digits.iter().map(|(bit, mask)| match (mask, bit) {
        (false, _) => '*',
        (true, true) => '1',
        (true, false) => '0',
    });
    format!("0b{}", digits.collect::<String>())
}

fn shown_value(found: &KeyMatch) -> String {
    match found {
        KeyMatch::Exact(value) => value.to_string(),
        KeyMatch::Ternary { value, mask } => format!("{value} under {mask}"),
        KeyMatch::Lpm { value, prefix_len } => format!("{value}/{prefix_len}"),
        KeyMatch::Range { lo, hi } => format!("{lo}..{hi}"),
        KeyMatch::Any => "any".to_owned(),
    }
}

/// In the units of statements: a microsecond, packets or bytes.
fn shown_rates(rates: &Rates, clocks_per_us: u64) -> String {
    let shown = |rate: u64, burst: u64| {
        let e12 = u128::from(rate) * u128::from(clocks_per_us) * 1_000_000_000_000;
        let e12 = e12 >> METER_FRACTION_BITS;
        let (whole, fraction) = (e12 / 1_000_000_000_000, e12 % 1_000_000_000_000);
        format!("{whole}.{fraction:012}:{}", burst >> METER_FRACTION_BITS)
    };
    format!(
        "{} {}",
        shown(rates.cir, rates.cbs),
        shown(rates.pir, rates.pbs)
    )
}

/// What there is to be named.
fn describe(description: &Description) -> String {
    let mut text = format!(
        "program {}, {} clocks in a microsecond\n",
        description.program, description.clocks_per_us
    );
    let fields = |fields: &[(String, u32)]| {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, width)| format!("{name} bit<{width}>"))
            .collect();
        fields.join(", ")
    };
    for table in &description.tables {
        text += &format!(
            "table {}: {} of {} entries\n",
            table.name, table.entries, table.size
        );
        for key in &table.keys {
            let kind = match key.kind {
                KeyKind::Exact => "exact",
                KeyKind::Ternary => "ternary",
                KeyKind::Lpm => "lpm",
                KeyKind::Range => "range",
                KeyKind::Optional => "optional",
                KeyKind::Selector => "selector",
            };
            text += &format!("  key {}: {kind} bit<{}>\n", key.name, key.width);
        }
        for action in &table.actions {
            text += &format!("  action {}({})\n", action.name, fields(&action.params));
        }
    }
    let arrays: [(&str, &[ArrayDescription]); 4] = [
        ("register", &description.registers),
        ("counter", &description.counters),
        ("meter", &description.meters),
        ("value set", &description.value_sets),
    ];
    for (what, arrays) in arrays {
        for array in arrays {
            let widths: Vec<String> = array
                .widths
                .iter()
                .map(|width| format!(" bit<{width}>"))
                .collect();
            text += &format!(
                "{what} {}: {}{}\n",
                array.name,
                array.size,
                widths.join(",")
            );
        }
    }
    for profile in &description.profiles {
        text += &format!("profile {profile}\n");
    }
    for digest in &description.digests {
        text += &format!("digest {}({})\n", digest.name, fields(&digest.fields));
    }
    text
}
