//! What a program has that a control plane can name.

use p4rmt_engine::Ref;
use p4rmt_ir::{Gress, MatchKind, Table};
use p4rmt_pipeline::Device;
use serde::{Deserialize, Serialize};

use crate::resolve::signature;

/// What a program has that a control plane can name, with full names, a gress after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The program's name.
    pub program: String,
    /// Clocks of the device in a microsecond.
    pub clocks_per_us: u64,
    /// The tables that the program declares.
    pub tables: Vec<TableDescription>,
    /// Registers, with the widths of the values of an element.
    pub registers: Vec<ArrayDescription>,
    /// Counters.
    pub counters: Vec<ArrayDescription>,
    /// Meters and filters.
    pub meters: Vec<ArrayDescription>,
    /// Value sets of the parser, with the widths of the values of a member.
    pub value_sets: Vec<ArrayDescription>,
    /// Action profiles and selectors.
    pub profiles: Vec<String>,
    /// Digests.
    pub digests: Vec<DigestDescription>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableDescription {
    /// Its name.
    pub name: String,
    /// Its keys in order.
    pub keys: Vec<KeyDescription>,
    /// What it can do.
    pub actions: Vec<ActionDescription>,
    /// How many entries it can have.
    pub size: u64,
    /// How many it has.
    pub entries: u64,
}

/// A key of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDescription {
    /// Its name.
    pub name: String,
    /// How it is compared.
    pub kind: KeyKind,
    /// In bits.
    pub width: u32,
}

/// How a key is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Equal.
    Exact,
    /// Equal under a mask of the entry.
    Ternary,
    /// Equal in the highest bits; the longest wins.
    Lpm,
    /// Between two bounds.
    Range,
    /// Equal, or left out by the entry.
    Optional,
    /// Not compared: input of a selector's hash.
    Selector,
}

/// An action of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionDescription {
    /// Its name.
    pub name: String,
    /// Names and widths in bits of its parameters.
    pub params: Vec<(String, u32)>,
}

/// A register, counter, meter or value set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrayDescription {
    /// Its name.
    pub name: String,
    /// How many elements, cells or members it can have.
    pub size: u64,
    /// In bits; empty where it has none that matter.
    #[serde(default)]
    pub widths: Vec<u32>,
}

/// A digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestDescription {
    /// Its name.
    pub name: String,
    /// Names and widths in bits of its fields.
    pub fields: Vec<(String, u32)>,
}

impl Description {
    /// How many things it names.
    pub(crate) fn len(&self) -> u64 {
        let of_table = |table: &TableDescription| 1 + table.keys.len() + table.actions.len();
        let tables: usize = self.tables.iter().map(of_table).sum();
        let arrays = [
            &self.registers,
            &self.counters,
            &self.meters,
            &self.value_sets,
        ];
        let arrays: usize = arrays.iter().map(|arrays| arrays.len()).sum();
        (tables + arrays + self.profiles.len() + self.digests.len()) as u64
    }
}

/// Describes what a device runs.
pub(crate) fn describe(device: &Device) -> Description {
    let layout = device.state().layout();
    let mut description = Description {
        program: device.program().name.clone(),
        clocks_per_us: device.config().clocks_per_us,
        ..Description::default()
    };
    for (id, gress) in layout.pipe().gresses.iter() {
        let declared = gress.tables.iter().filter(|(_, table)| table.is_declared);
        description.tables.extend(declared.map(|(table_id, table)| {
            let place = Ref {
                gress: id,
                id: table_id,
            };
            let entries = device
                .state()
                .table(place)
                .map_or(0, |entries| entries.len());
            describe_table(gress, table, entries as u64)
        }));
        let array = |name: &str, size, widths| ArrayDescription {
            name: name.to_owned(),
            size,
            widths,
        };
        let arrays = layout.gress(id);
        let cells = |cells: Option<u64>, declared: u64| cells.unwrap_or(declared);
        description
            .registers
            .extend(gress.registers.iter().map(|(id, register)| {
                let size = arrays
                    .and_then(|arrays| arrays.registers.get(id))
                    .map(|array| array.cells);
                let widths = register.element.iter().map(|field| field.width).collect();
                array(&register.name, cells(size, register.size), widths)
            }));
        description
            .counters
            .extend(gress.counters.iter().map(|(id, counter)| {
                let size = arrays
                    .and_then(|arrays| arrays.counters.get(id))
                    .map(|array| array.cells);
                array(&counter.name, cells(size, counter.size), Vec::new())
            }));
        description
            .meters
            .extend(gress.meters.iter().map(|(id, meter)| {
                let size = arrays
                    .and_then(|arrays| arrays.meters.get(id))
                    .map(|array| array.cells);
                array(&meter.name, cells(size, meter.size), Vec::new())
            }));
        let sets = gress.value_sets.values();
        description
            .value_sets
            .extend(sets.map(|set| array(&set.name, set.size, set.widths.clone())));
        let profiles = gress.profiles.values();
        description
            .profiles
            .extend(profiles.map(|profile| profile.name.clone()));
        let digests = gress.digests.values();
        description
            .digests
            .extend(digests.map(|digest| DigestDescription {
                name: digest.name.clone(),
                fields: digest.fields.clone(),
            }));
    }
    description
}

fn describe_table(gress: &Gress, table: &Table, entries: u64) -> TableDescription {
    let keys = table.keys.iter().map(|key| KeyDescription {
        name: key.name.clone(),
        kind: kind_of(key.kind),
        width: key.expr.width(gress),
    });
    let actions = table.actions.iter().filter_map(|listed| {
        let (name, params) = signature(gress, listed.action)?;
        let params = params.iter().map(|param| (param.name.clone(), param.width));
        Some(ActionDescription {
            name: name.to_owned(),
            params: params.collect(),
        })
    });
    TableDescription {
        name: table.name.clone(),
        keys: keys.collect(),
        actions: actions.collect(),
        size: table.size,
        entries,
    }
}

fn kind_of(kind: MatchKind) -> KeyKind {
    match kind {
        MatchKind::Exact => KeyKind::Exact,
        MatchKind::Ternary => KeyKind::Ternary,
        MatchKind::Lpm => KeyKind::Lpm,
        MatchKind::Range => KeyKind::Range,
        MatchKind::Optional => KeyKind::Optional,
        MatchKind::Selector => KeyKind::Selector,
    }
}
