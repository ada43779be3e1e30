//! What happens to a program: entries, packets, and what the control plane does in between, as a packet
//! vector.

use std::fmt::Write as _;

use super::values::{bytes, digits};
use super::writer::{KeyKind, Table, Writer};

/// Packets, with entries before and between them.
pub(super) fn write_vector(writer: &mut Writer) -> String {
    let mut vector = String::new();
    if writer.is_v1model() {
        vector.push_str(
            "mirroring_add 5 3\nmc_mgrp_create 1\nmc_node_create 7 1 2\nmc_node_associate 1 0\n",
        );
    }
    let tables = writer.tables.clone();
    for round in 0..3 {
        if round > 0 && writer.chance(20) {
            vector.push_str("remove all\n");
        }
        for table in &tables {
            let most = writer.pick(&[0, 2, 6, 20]);
            for _ in 0..writer.between(0, most) {
                add(writer, table, &mut vector);
            }
            if !table.is_default_const && writer.chance(20) {
                let action = writer.pick(&table.actions);
                let call = call(writer, &action.name, &action.data);
                writeln!(vector, "setdefault {} {call}", table.name).expect("a string");
            }
        }
        for _ in 0..12 {
            let len = writer.pick(&[1_usize, 5, 20, 40, 40, 60, 60, 100]);
            let len = writer.between(len.div_ceil(2), len);
            let packet = bytes(&mut writer.random, len);
            let port = writer.between(0, 2);
            write!(vector, "packet {port} ").expect("a string");
            for byte in packet {
                write!(vector, "{byte:02x}").expect("a string");
            }
            vector.push('\n');
        }
    }
    vector
}

fn add(writer: &mut Writer, table: &Table, vector: &mut String) {
    let is_ordered = table
        .keys
        .iter()
        .any(|(kind, _)| !matches!(kind, KeyKind::Exact | KeyKind::Lpm));
    write!(vector, "add {}", table.name).expect("a string");
    if is_ordered {
        write!(vector, " {}", writer.between(1, 9)).expect("a string");
    }
    for (index, (kind, width)) in table.keys.iter().enumerate() {
        let value = key(writer, *kind, *width);
        if let Some(value) = value {
            write!(vector, " k{index}:{value}").expect("a string");
        }
    }
    let action = writer.pick(&table.actions);
    let call = call(writer, &action.name, &action.data);
    writeln!(vector, " {call}").expect("a string");
}

fn call(writer: &mut Writer, name: &str, data: &[u32]) -> String {
    let args: Vec<String> = data
        .iter()
        .enumerate()
        .map(|(index, width)| format!("p{index}:0x{}", digits(&mut writer.random, *width)))
        .collect();
    format!("{name}({})", args.join(", "))
}

/// What a key is to match; nothing for anything.
fn key(writer: &mut Writer, kind: KeyKind, width: u32) -> Option<String> {
    let value = digits(&mut writer.random, width);
    Some(match kind {
        KeyKind::Exact => format!("0x{value}"),
        KeyKind::Ternary => {
            let masked: String = value
                .chars()
                .map(|digit| if writer.chance(50) { '*' } else { digit })
                .collect();
            format!("0x{masked}")
        }
        KeyKind::Lpm => format!("0x{value}/{}", writer.between(0, width as usize)),
        KeyKind::Range => {
            let mut bounds = [value, digits(&mut writer.random, width)];
            bounds.sort();
            format!("0x{}..0x{}", bounds[0], bounds[1])
        }
        KeyKind::Optional if writer.chance(30) => return None,
        KeyKind::Optional => format!("0x{value}"),
    })
}
