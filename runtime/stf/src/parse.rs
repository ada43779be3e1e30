//! Text to statements: one statement a line, keywords in any case, `#` begins a comment.
//!
//! Every line that makes no sense gives one error; the lines around it are read all the same.

use crate::cursor::Cursor;
use crate::error::SyntaxError;
use crate::syntax::{
    ActionText, AddEntry, CellIndex, CompareOp, CounterCheck, Element, GeneratorText, Half,
    MatchText, MeterRate, PortUnitName, Statement, StatementKind, TargetText, Vector,
};
use crate::value::Pattern;

/// At most so many errors are collected.
const MAX_ERRORS: usize = 20;

const PORT: &str = "a port number";
const SESSION: &str = "a mirror session";
const GROUP: &str = "a multicast group";
const COUNT: &str = "a number of copies";
const INDEX: &str = "an index";
const PROFILE: &str = "an action profile";
const NUMBER: &str = "the number of a member or group";

/// Reads a vector.
///
/// # Errors
/// Every line that is no statement, at most the first twenty.
pub fn parse(file: &str, text: &str) -> Result<Vector, Vec<SyntaxError>> {
    let mut statements = Vec::new();
    let mut errors = Vec::new();
    for (number, text) in (1u32..).zip(text.lines()) {
        let mut cursor = Cursor::new(file, number, text);
        if cursor.is_at_end() {
            continue;
        }
        match statement(&mut cursor).and_then(|kind| cursor.end().map(|()| kind)) {
            Ok(kind) => statements.push(Statement { line: number, kind }),
            Err(error) => errors.push(error),
        }
        if errors.len() == MAX_ERRORS {
            break;
        }
    }
    if errors.is_empty() {
        let file = file.to_owned();
        return Ok(Vector { file, statements });
    }
    Err(errors)
}

/// Reads a vector from bytes, which must be UTF-8.
///
/// # Errors
/// As [`parse`], or the first byte that is not UTF-8.
pub fn parse_bytes(file: &str, bytes: &[u8]) -> Result<Vector, Vec<SyntaxError>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(file, text),
        Err(error) => {
            let good = &bytes[..error.valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let line_start = good.iter().rposition(|byte| *byte == b'\n');
            let before = &good[line_start.map_or(0, |at| at + 1)..];
            let column = String::from_utf8_lossy(before).chars().count() + 1;
            Err(vec![SyntaxError {
                file: file.to_owned(),
                line: u32::try_from(line).unwrap_or(u32::MAX),
                column: u32::try_from(column).unwrap_or(u32::MAX),
                expected: "text in UTF-8",
                found: format!("the byte {:#04x}", bytes[error.valid_up_to()]),
            }])
        }
    }
}

fn statement(cursor: &mut Cursor<'_>) -> Result<StatementKind, SyntaxError> {
    let start = cursor.position();
    let keyword = cursor.keyword().unwrap_or_default();
    Ok(match keyword.as_str() {
        "add" => StatementKind::Add(add(cursor)?),
        "setdefault" => StatementKind::SetDefault {
            table: cursor.name("a table")?,
            action: action(cursor)?,
        },
        "remove" => {
            if !cursor.eat_keyword("all") {
                return Err(cursor.error("`all`"));
            }
            StatementKind::RemoveAll
        }
        "packet" => StatementKind::Packet {
            port: cursor.number(PORT)?,
            bytes: cursor.bytes()?,
        },
        "expect" => expect(cursor)?,
        "no_packet" => StatementKind::NoPacket,
        "wait" => StatementKind::Wait,
        "check_counter" => check_counter(cursor)?,
        "check_register" => check_register(cursor)?,
        "counter_read" => StatementKind::CounterRead {
            counter: cursor.name("a counter")?,
            index: cell_index(cursor)?,
        },
        "counter_write" => StatementKind::CounterWrite {
            counter: cursor.name("a counter")?,
            index: cell_index(cursor)?,
            packets: cursor.number("a number of packets")?,
            bytes: cursor.number("a number of bytes")?,
        },
        "register_read" => StatementKind::RegisterRead(element(cursor)?),
        "register_write" => StatementKind::RegisterWrite {
            element: element(cursor)?,
            value: cursor.value()?,
        },
        "register_reset" => StatementKind::RegisterReset {
            register: cursor.name("a register")?,
        },
        "meter_get_rates" => StatementKind::MeterGetRates {
            meter: cursor.name("a meter")?,
            index: cell_index(cursor)?,
        },
        "meter_set_rates" => StatementKind::MeterSetRates {
            meter: cursor.name("a meter")?,
            index: Some(cell_index(cursor)?),
            rates: meter_rates(cursor)?,
        },
        "filter_set" => StatementKind::FilterSet {
            filter: cursor.name("a filter")?,
            index: if cursor.eat_keyword("all") {
                None
            } else {
                Some(cell_index(cursor)?)
            },
            time_constant: cursor.number("a time constant in clocks")?,
            thresholds: if cursor.is_at_end() {
                None
            } else {
                let min = cursor.number("an average below which nothing is dropped")?;
                let max = cursor.number("an average from which on all is dropped")?;
                let at = cursor.position();
                let percent: u8 = cursor.number("a probability in hundredths")?;
                if percent > 100 {
                    return Err(cursor.error_at(at, "a probability in hundredths, at most 100"));
                }
                Some((min, max, percent))
            },
        },
        "meter_array_set_rates" => StatementKind::MeterSetRates {
            meter: cursor.name("a meter")?,
            index: None,
            rates: meter_rates(cursor)?,
        },
        "mirroring_add" => StatementKind::MirrorAdd {
            session: cursor.number(SESSION)?,
            port: cursor.number(PORT)?,
            truncate: truncation(cursor)?,
        },
        "mirroring_add_mc" => StatementKind::MirrorAddGroup {
            session: cursor.number(SESSION)?,
            group: cursor.number(GROUP)?,
            truncate: truncation(cursor)?,
        },
        "mirroring_delete" => StatementKind::MirrorDelete {
            session: cursor.number(SESSION)?,
        },
        "mirroring_get" => StatementKind::MirrorGet {
            session: cursor.number(SESSION)?,
        },
        "mc_mgrp_create" => StatementKind::GroupCreate {
            group: cursor.number(GROUP)?,
        },
        "mc_node_create" => StatementKind::NodeCreate {
            rid: cursor.number("a replication id")?,
            ports: ports(cursor)?,
        },
        "mc_node_update" => StatementKind::NodeUpdate {
            node: cursor.number("a node")?,
            ports: ports(cursor)?,
        },
        "mc_node_associate" => StatementKind::NodeAssociate {
            group: cursor.number(GROUP)?,
            node: cursor.number("a node")?,
        },
        "port_unit" => port_unit(cursor)?,
        "hold" => {
            mirror(cursor)?;
            StatementKind::HoldMirror
        }
        "release" => {
            mirror(cursor)?;
            StatementKind::ReleaseMirror {
                count: cursor.optional_number(COUNT)?,
            }
        }
        "drop" => {
            mirror(cursor)?;
            StatementKind::DropMirror {
                count: cursor.optional_number(COUNT)?,
            }
        }
        "tick" => StatementKind::Tick {
            clocks: cursor.number("a number of clocks")?,
        },
        "ignore" => StatementKind::Ignore {
            port: cursor.number(PORT)?,
        },
        "pktgen" => StatementKind::PacketGenerator(generator(cursor)?),
        "value_set_add" => StatementKind::ValueSetAdd {
            set: cursor.name("a value set")?,
            values: set_values(cursor)?,
        },
        "value_set_clear" => StatementKind::ValueSetClear {
            set: cursor.name("a value set")?,
        },
        "profile_member" => StatementKind::ProfileMember {
            profile: cursor.name(PROFILE)?,
            member: cursor.number(NUMBER)?,
            action: action(cursor)?,
        },
        "profile_member_delete" => StatementKind::ProfileMemberDelete {
            profile: cursor.name(PROFILE)?,
            member: cursor.number(NUMBER)?,
        },
        "profile_group" => StatementKind::ProfileGroup {
            profile: cursor.name(PROFILE)?,
            group: cursor.number(NUMBER)?,
            members: members(cursor)?,
        },
        "profile_group_delete" => StatementKind::ProfileGroupDelete {
            profile: cursor.name(PROFILE)?,
            group: cursor.number(NUMBER)?,
        },
        "check_digest" => StatementKind::CheckDigest {
            digest: cursor.name("a digest")?,
            values: values(cursor)?,
        },
        "pktgen_stop" => StatementKind::PacketGeneratorStop {
            app: cursor.number("an application")?,
        },
        _ => return Err(cursor.error_at(start, "a statement (`add`, `packet`, `expect`, …)")),
    })
}

fn add(cursor: &mut Cursor<'_>) -> Result<AddEntry, SyntaxError> {
    let table = cursor.name("a table")?;
    let priority = if starts_with_digit(cursor.peek_word()) {
        Some(cursor.number("a priority")?)
    } else {
        None
    };
    let mut matches = Vec::new();
    let target = loop {
        let name = cursor.name("a key field or an action")?;
        if cursor.eat(":") {
            let value = cursor.value()?;
            let mut item = MatchText {
                field: name,
                value,
                prefix_len: None,
                range_hi: None,
            };
            if cursor.eat("/") {
                item.prefix_len = Some(cursor.number("the length of a prefix")?);
            } else if cursor.eat("..") {
                item.range_hi = Some(cursor.value()?);
            }
            matches.push(item);
        } else {
            break target(cursor, name)?;
        }
    };
    let id = if cursor.eat("=") {
        let id = cursor.name("the id of the entry")?;
        Some(id.trim_start_matches('$').to_owned())
    } else {
        None
    };
    Ok(AddEntry {
        table,
        priority,
        matches,
        target,
        id,
    })
}

/// What follows a name behind the matches: parameters, or the number of a member or group.
fn target(cursor: &mut Cursor<'_>, name: String) -> Result<TargetText, SyntaxError> {
    let start = cursor.position();
    if (name == "member" || name == "group") && cursor.eat("(") {
        if starts_with_digit(cursor.peek_word()) {
            let number = cursor.number(NUMBER)?;
            cursor.expect(")", "`)`")?;
            return Ok(match name.as_str() {
                "member" => TargetText::Member(number),
                _ => TargetText::Group(number),
            });
        }
        // The program has an action of this name.
        cursor.back_to(start);
    }
    let args = args(cursor)?;
    Ok(TargetText::Action(ActionText { name, args }))
}

fn action(cursor: &mut Cursor<'_>) -> Result<ActionText, SyntaxError> {
    Ok(ActionText {
        name: cursor.name("an action")?,
        args: args(cursor)?,
    })
}

fn args(cursor: &mut Cursor<'_>) -> Result<Vec<(String, crate::Value)>, SyntaxError> {
    cursor.expect("(", "`:` and a value, or `(` and the action's parameters")?;
    let mut args = Vec::new();
    if cursor.eat(")") {
        return Ok(args);
    }
    loop {
        let param = cursor.name("a parameter")?;
        cursor.expect(":", "`:`")?;
        args.push((param, cursor.value()?));
        if cursor.eat(")") {
            return Ok(args);
        }
        cursor.expect(",", "`,` or `)`")?;
    }
}

fn expect(cursor: &mut Cursor<'_>) -> Result<StatementKind, SyntaxError> {
    let port = cursor.number(PORT)?;
    if cursor.is_at_end() {
        return Ok(StatementKind::Expect {
            port,
            pattern: None,
        });
    }
    let pattern = Pattern {
        nibbles: cursor.nibbles()?,
        is_exact: cursor.eat("$"),
    };
    if pattern.is_exact && !pattern.nibbles.len().is_multiple_of(2) {
        return Err(cursor.error("one more hexadecimal digit before `$`, to make whole bytes"));
    }
    Ok(StatementKind::Expect {
        port,
        pattern: Some(pattern),
    })
}

fn check_counter(cursor: &mut Cursor<'_>) -> Result<StatementKind, SyntaxError> {
    let counter = cursor.name("a counter")?;
    cursor.expect("(", "`(`")?;
    let index = cell_index(cursor)?;
    cursor.expect(")", "`)`")?;
    let is_bytes = match () {
        () if cursor.is_at_end() => None,
        () if cursor.eat_keyword("bytes") => Some(true),
        () if cursor.eat_keyword("packets") => Some(false),
        () => return Err(cursor.error("`packets` or `bytes`")),
    };
    let check = match is_bytes {
        Some(is_bytes) => Some(CounterCheck {
            is_bytes,
            op: compare_op(cursor)?,
            value: cursor.number("a count")?,
        }),
        None => None,
    };
    Ok(StatementKind::CheckCounter {
        counter,
        index,
        check,
    })
}

/// An index, or `$ID`.
fn cell_index(cursor: &mut Cursor<'_>) -> Result<CellIndex, SyntaxError> {
    if starts_with_digit(cursor.peek_word()) {
        return Ok(CellIndex::Number(cursor.number(INDEX)?));
    }
    let id = cursor.name("an index or the id of an entry")?;
    Ok(CellIndex::Entry(id.trim_start_matches('$').to_owned()))
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
}

fn compare_op(cursor: &mut Cursor<'_>) -> Result<CompareOp, SyntaxError> {
    let spellings = [
        ("==", CompareOp::Eq),
        ("!=", CompareOp::Ne),
        ("<=", CompareOp::Le),
        (">=", CompareOp::Ge),
        ("<", CompareOp::Lt),
        (">", CompareOp::Gt),
        ("=", CompareOp::Eq),
    ];
    let found = spellings.iter().find(|(text, _)| cursor.eat(text));
    found
        .map(|(_, op)| *op)
        .ok_or_else(|| cursor.error("a comparison (`==`, `!=`, `<`, `<=`, `>`, `>=`, or `=`)"))
}

fn half(cursor: &mut Cursor<'_>) -> Option<Half> {
    match () {
        () if cursor.eat_keyword("lo") => Some(Half::Lo),
        () if cursor.eat_keyword("hi") => Some(Half::Hi),
        () => None,
    }
}

/// `NAME INDEX [lo|hi]`
fn element(cursor: &mut Cursor<'_>) -> Result<Element, SyntaxError> {
    Ok(Element {
        register: cursor.name("a register")?,
        index: cursor.number(INDEX)?,
        half: half(cursor),
    })
}

/// `NAME(INDEX) [lo|hi] = VALUE`
fn check_register(cursor: &mut Cursor<'_>) -> Result<StatementKind, SyntaxError> {
    let register = cursor.name("a register")?;
    cursor.expect("(", "`(`")?;
    let index = cursor.number(INDEX)?;
    cursor.expect(")", "`)`")?;
    let half = half(cursor);
    if !cursor.eat("==") {
        cursor.expect("=", "`=`")?;
    }
    let element = Element {
        register,
        index,
        half,
    };
    Ok(StatementKind::CheckRegister {
        element,
        value: cursor.value()?,
    })
}

fn meter_rates(cursor: &mut Cursor<'_>) -> Result<Vec<MeterRate>, SyntaxError> {
    let mut rates = Vec::new();
    while rates.is_empty() || !cursor.is_at_end() {
        let rate_e12 = rate_e12(cursor)?;
        cursor.expect(":", "`:` and a burst")?;
        let burst = cursor.number("a burst in packets or bytes")?;
        rates.push(MeterRate { rate_e12, burst });
        if rates.len() > 2 {
            return Err(cursor.error("at most two rates, committed and peak"));
        }
    }
    Ok(rates)
}

/// A decimal number with a fraction, as a multiple of a millionth of a millionth.
fn rate_e12(cursor: &mut Cursor<'_>) -> Result<u64, SyntaxError> {
    const EXPECTED: &str = "a rate in packets or bytes a microsecond, with at most 12 decimals";
    let at = cursor.position();
    let word = cursor.keyword().unwrap_or_default();
    let (whole, fraction) = word.split_once('.').unwrap_or((&word, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let value = (is_number(whole) && is_number(fraction) && fraction.len() <= 12).then(|| {
        let whole: u64 = whole.parse().ok()?;
        let fraction: u64 = format!("{fraction:0<12}").parse().ok()?;
        whole.checked_mul(1_000_000_000_000)?.checked_add(fraction)
    });
    value.flatten().ok_or_else(|| cursor.error_at(at, EXPECTED))
}

fn truncation(cursor: &mut Cursor<'_>) -> Result<Option<u16>, SyntaxError> {
    if cursor.eat_keyword("truncate") {
        cursor.number("a number of bytes, at most 65535").map(Some)
    } else {
        Ok(None)
    }
}

/// A value or a range each, at least one.
fn set_values(
    cursor: &mut Cursor<'_>,
) -> Result<Vec<(crate::Value, Option<crate::Value>)>, SyntaxError> {
    let mut values = Vec::new();
    while values.is_empty() || !cursor.is_at_end() {
        let value = cursor.value()?;
        let hi = if cursor.eat("..") {
            Some(cursor.value()?)
        } else {
            None
        };
        values.push((value, hi));
    }
    Ok(values)
}

fn ports(cursor: &mut Cursor<'_>) -> Result<Vec<u16>, SyntaxError> {
    let mut ports = vec![cursor.number(PORT)?];
    while !cursor.is_at_end() {
        ports.push(cursor.number(PORT)?);
    }
    Ok(ports)
}

/// Numbers up to the end of the line.
fn members(cursor: &mut Cursor<'_>) -> Result<Vec<u32>, SyntaxError> {
    let mut members = Vec::new();
    while !cursor.is_at_end() {
        members.push(cursor.number(NUMBER)?);
    }
    Ok(members)
}

/// Values up to the end of the line.
fn values(cursor: &mut Cursor<'_>) -> Result<Vec<crate::Value>, SyntaxError> {
    let mut values = Vec::new();
    while !cursor.is_at_end() {
        values.push(cursor.value()?);
    }
    Ok(values)
}

fn port_unit(cursor: &mut Cursor<'_>) -> Result<StatementKind, SyntaxError> {
    let port = cursor.number(PORT)?;
    let unit = match () {
        () if cursor.eat_keyword("roce") => PortUnitName::Roce,
        () if cursor.eat_keyword("tcp_checksum") => PortUnitName::TcpChecksum,
        () => return Err(cursor.error("a port unit (`roce` or `tcp_checksum`)")),
    };
    Ok(StatementKind::PortUnit { port, unit })
}

fn mirror(cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
    if cursor.eat_keyword("mirror") {
        return Ok(());
    }
    Err(cursor.error("`mirror`"))
}

/// `APP PORT once|every CLOCKS [batches N] [packets N] HEX…`
fn generator(cursor: &mut Cursor<'_>) -> Result<GeneratorText, SyntaxError> {
    let app = cursor.number("an application, 0 to 15")?;
    let port = cursor.number(PORT)?;
    let is_periodic = match () {
        () if cursor.eat_keyword("once") => false,
        () if cursor.eat_keyword("every") => true,
        () => return Err(cursor.error("`once` or `every`")),
    };
    let period = cursor.number("a number of clocks")?;
    let mut batches = 1;
    let mut packets = 1;
    loop {
        match () {
            () if cursor.eat_keyword("batches") => {
                batches = cursor.number("a number of batches")?;
            }
            () if cursor.eat_keyword("packets") => {
                packets = cursor.number("a number of packets")?;
            }
            () => break,
        }
    }
    Ok(GeneratorText {
        app,
        port,
        period,
        is_periodic,
        batches,
        packets,
        payload: cursor.bytes()?,
    })
}

#[cfg(test)]
mod tests;
