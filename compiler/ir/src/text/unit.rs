//! Tables, actions, and the units that they use, as text.

use std::fmt;

use super::{Listed, Text};
use crate::{
    ActionCall, Body, CountKind, Entry, FilterKind, Gress, GroupLimits, HashAlgorithm, Local,
    Match, MatchKind, Param, RegisterAction, Selector, Table, TableId,
};

impl Text {
    pub(super) fn units(&mut self, gress: &Gress) {
        for (id, register) in gress.registers.iter() {
            let element = register.element.iter().map(|field| {
                let sign = if field.is_signed { "int" } else { "bit" };
                format!("{sign}<{}>", field.width)
            });
            let element: Vec<String> = element.collect();
            self.commented(
                format_args!(
                    "register {id}: {} x {} from {}",
                    register.size,
                    Listed(&element),
                    Listed(&register.initial)
                ),
                &register.name,
            );
        }
        for (id, action) in gress.register_actions.iter() {
            self.register_action(id, action, gress);
        }
        for (id, unit) in gress.math_units.iter() {
            self.commented(
                format_args!(
                    "math unit {id}: shift {}, scale {}{}, {:?}",
                    unit.shift,
                    unit.scale,
                    if unit.is_inverted { ", inverted" } else { "" },
                    unit.table
                ),
                &unit.name,
            );
        }
        for (id, counter) in gress.counters.iter() {
            let kind = kind_text(counter.kind);
            self.commented(
                format_args!(
                    "counter {id}: {} x {kind} bit<{}>{}",
                    counter.size,
                    counter.width,
                    Less(counter.adjust_bytes)
                ),
                &counter.name,
            );
        }
        for (id, meter) in gress.meters.iter() {
            let size = meter.size;
            let Some(filter) = &meter.filter else {
                let kind = kind_text(meter.kind);
                let less = Less(meter.adjust_bytes);
                let colors = Listed(&meter.colors);
                self.commented(
                    format_args!("meter {id}: {size} x {kind}{less} {colors}"),
                    &meter.name,
                );
                continue;
            };
            let width = filter.width;
            match &filter.kind {
                FilterKind::LowPass => self.commented(
                    format_args!("meter {id}: {size} x average of bit<{width}>"),
                    &meter.name,
                ),
                FilterKind::EarlyDrop { drop, no_drop } => self.commented(
                    format_args!("meter {id}: {size} x drop {drop} or {no_drop} by bit<{width}>"),
                    &meter.name,
                ),
            }
        }
        for (id, hash) in gress.hashes.iter() {
            self.commented(
                format_args!("hash {id}: bit<{}> {}", hash.width, hash.algorithm),
                &hash.name,
            );
        }
        for (id, random) in gress.randoms.iter() {
            self.commented(
                format_args!("random {id}: bit<{}>", random.width),
                &random.name,
            );
        }
        for (id, checksum) in gress.checksums.iter() {
            self.commented(format_args!("checksum {id}"), &checksum.name);
        }
        for (id, digest) in gress.digests.iter() {
            let fields = digest.fields.iter();
            let fields: Vec<String> = fields.map(|(_, width)| format!("bit<{width}>")).collect();
            self.commented(
                format_args!("digest {id}: {}", Listed(&fields)),
                &digest.name,
            );
        }
        for (id, profile) in gress.profiles.iter() {
            let selector = match profile.selector {
                Some(Selector { hash, groups }) => match groups {
                    Some(limits) => {
                        let GroupLimits { max_size, n_groups } = limits;
                        format!(", {n_groups} groups of {max_size} by {hash}")
                    }
                    None => format!(", groups by {hash}"),
                },
                None => String::new(),
            };
            self.commented(
                format_args!("profile {id}: {}{selector}", profile.size),
                &profile.name,
            );
        }
        for (id, set) in gress.value_sets.iter() {
            self.commented(
                format_args!("value set {id}: {} x {}", set.size, Listed(&set.widths)),
                &set.name,
            );
        }
    }

    fn register_action(&mut self, id: impl fmt::Display, action: &RegisterAction, gress: &Gress) {
        self.open(
            format_args!(
                "register action {id}: {} in {} gives {}",
                action.register,
                Listed(&action.memory),
                Listed(&action.outputs)
            ),
            &action.name,
        );
        self.locals(action.locals.iter());
        self.block(&action.body, gress);
        self.close();
    }

    fn locals<'a>(&mut self, locals: impl Iterator<Item = (impl fmt::Display, &'a Local)>) {
        for (id, local) in locals {
            self.commented(
                format_args!("local {id}: bit<{}>", local.width),
                &local.name,
            );
        }
    }

    pub(super) fn actions(&mut self, gress: &Gress) {
        match &gress.body {
            Body::Structured(structured) => {
                for (id, action) in structured.actions.iter() {
                    let params = Listed(&action.params);
                    self.open(format_args!("action {id}{params}"), &action.name);
                    self.block(&action.body, gress);
                    self.close();
                }
            }
            Body::Tables(tables) => {
                for (id, action) in tables.actions.iter() {
                    let params = Listed(&action.params);
                    self.open(format_args!("parallel action {id}{params}"), &action.name);
                    self.locals(action.locals.iter());
                    for (call, _) in &action.calls {
                        self.call(call, gress);
                    }
                    for assign in &action.assigns {
                        self.assign(&assign.dst, &assign.value, gress);
                    }
                    if action.exits {
                        self.line("exit");
                    }
                    self.close();
                }
            }
        }
    }

    pub(super) fn table(&mut self, id: TableId, table: &Table) {
        self.open(format_args!("table {id}"), &table.name);
        for key in &table.keys {
            self.commented(format_args!("key {} {}", key.expr, key.kind), &key.name);
        }
        for named in &table.actions {
            let only = match (named.in_entries, named.as_default) {
                (true, true) => "",
                (true, false) => " in entries only",
                (false, true) => " as default only",
                (false, false) => " never",
            };
            self.line(format_args!("action {}{only}", named.action));
        }
        let fixed = |is_const| if is_const { "const " } else { "" };
        self.line(format_args!(
            "{}default {}",
            fixed(table.is_default_const),
            table.default_action
        ));
        for entry in &table.entries {
            self.line(format_args!(
                "{}entry {entry}",
                fixed(table.are_entries_const)
            ));
        }
        let assumed = if table.is_size_given { "" } else { " assumed" };
        self.line(format_args!("size {}{assumed}", table.size));
        for counter in &table.direct_counters {
            self.line(format_args!("direct {counter}"));
        }
        for meter in &table.direct_meters {
            self.line(format_args!("direct {meter}"));
        }
        for register in &table.direct_registers {
            self.line(format_args!("direct {register}"));
        }
        if let Some(profile) = table.implementation {
            self.line(format_args!("members in {profile}"));
        }
        if table.has_idle_timeout {
            self.line("tells of idle entries");
        }
        if let Some(hash) = table.proxy_hash {
            self.line(format_args!("stores {hash}"));
        }
        if let Some(partitions) = &table.partitions {
            self.line(format_args!("in {} partitions", partitions.count));
        }
        if let Some(stage) = table.stage_pragma {
            self.line(format_args!("in stage {stage}"));
        }
        if let Some(ways) = table.ways_pragma {
            self.line(format_args!("in {ways} ways"));
        }
        if let Some(pack) = table.pack_pragma {
            self.line(format_args!("{pack} entries a word"));
        }
        if !table.is_declared {
            self.line("not declared");
        }
        self.close();
    }
}

/// Bytes that do not count.
struct Less(i32);

impl fmt::Display for Less {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            bytes => write!(f, " less {bytes}"),
        }
    }
}

fn kind_text(kind: CountKind) -> &'static str {
    match kind {
        CountKind::Packets => "packets",
        CountKind::Bytes => "bytes",
        CountKind::PacketsAndBytes => "packets and bytes",
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bit<{}>", self.width)
    }
}

impl fmt::Display for MatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Ternary => "ternary",
            Self::Lpm => "lpm",
            Self::Range => "range",
            Self::Optional => "optional",
            Self::Selector => "selector",
        })
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(value) => write!(f, "{value}"),
            Self::Ternary { value, mask } => write!(f, "{value} &&& {mask}"),
            Self::Lpm { value, prefix_len } => write!(f, "{value}/{prefix_len}"),
            Self::Range { lo, hi } => write!(f, "{lo}..{hi}"),
            Self::Any => f.write_str("_"),
        }
    }
}

impl fmt::Display for ActionCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.action, Listed(&self.args))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matches = Listed(&self.matches);
        write!(f, "{matches} priority {} => {}", self.priority, self.action)
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Random => f.write_str("random"),
            Self::Xor(width) => write!(f, "xor{width}"),
            Self::Crc(crc) => write!(
                f,
                "crc{} poly {:#x} init {:#x} xorout {:#x}{}",
                crc.width,
                crc.poly,
                crc.init,
                crc.xor_out,
                if crc.is_reflected { " reflected" } else { "" }
            ),
            Self::Csum16 => f.write_str("csum16"),
        }
    }
}
