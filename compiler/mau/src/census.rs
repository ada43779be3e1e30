//! What the units of a stage use of the wires that they share: input crossbars, hash functions, hash
//! distribution, buses to memories and actions, instruction rows.
//!
//! Units share what they have in common, so that their needs do not add up: a stage is counted as a
//! whole. Those of each unit alone are at least as much together.
//!
//! Counted as the vendor's reports count them (`bf-p4c/logging/resources.cpp`), before containers are
//! known: a field of a byte or more has bytes of its own, shorter fields share; an instruction row
//! takes two actions of a gress that write different fields, and serves both gresses.

use std::collections::BTreeSet;

use p4rmt_ir::{
    Arena, Bits, Expr, FieldId, Gress, GressId, Id, MatchKind, Pipe, Place, ProfileId, Table,
    Tables,
};

use crate::demand::{classifier_shape, n_subsets, uses_hash};
use crate::matrix::Matrix;
use crate::resource::{Resource, Usage};
use crate::schedule::Job;
use crate::sharing::{Container, Sharing};
use crate::sizing::TableLayout;
use crate::target::Target;
use crate::unit::{Unit, UnitKind, actions_of, field_slices};
use crate::wiring::{Wiring, functions_of};

/// Bytes of a crossbar, each counted once.
#[derive(Clone, Default)]
struct CrossbarBytes {
    bytes: BTreeSet<(usize, FieldId, u32)>,
    short: BTreeSet<(usize, FieldId)>,
    /// Bytes for ranges, a byte a nibble.
    ranges: u32,
}

impl CrossbarBytes {
    fn add(&mut self, gress_id: GressId, (field, hi, lo): (FieldId, u32, u32), gress: &Gress) {
        if gress.fields[field].width >= 8 {
            self.bytes
                .extend((lo / 8..=hi / 8).map(|byte| (gress_id.index(), field, byte)));
        } else {
            self.short.insert((gress_id.index(), field));
        }
    }

    fn count(&self, pipe: &Pipe) -> u32 {
        let width = |(gress, field): &(usize, FieldId)| {
            pipe.gresses[GressId::from_index(*gress)].fields[*field].width
        };
        let short_bits: u32 = self.short.iter().map(width).sum();
        count(self.bytes.len()) + short_bits.div_ceil(8) + self.ranges
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A unit in a stage.
pub(crate) struct Occupant<'a> {
    pub(crate) unit: &'a Unit,
    /// The layout of the part of a table that is there.
    pub(crate) layout: Option<TableLayout>,
}

impl Occupant<'_> {
    /// The profile that its entries lead to.
    fn profile(&self, pipe: &Pipe) -> Option<(usize, ProfileId)> {
        let UnitKind::Table(table) = self.unit.kind else {
            return None;
        };
        let gress = &pipe.gresses[self.unit.gress];
        let profile = gress.tables[table].implementation?;
        Some((self.unit.gress.index(), profile))
    }

    /// Whether it is the table in TCAM in front of a partitioned one.
    pub(crate) fn is_classifier(&self, gress: &Gress) -> bool {
        let UnitKind::Table(table) = self.unit.kind else {
            return false;
        };
        gress.tables[table].partitions.is_some()
            && self.layout.is_some_and(|layout| layout.memory.tcam > 0)
    }
}

/// Counts what the units of one stage use in place of what `usage` says of it.
pub(crate) fn add_census(usage: &mut Usage, occupants: &[Occupant<'_>], job: &Job<'_>) {
    let mut census = Census::new(job);
    for occupant in occupants {
        census.add(occupant);
    }
    census.count(usage);
}

/// What the units of a stage use, while they come one after the other.
#[derive(Clone)]
pub(crate) struct Census<'a> {
    pipe: &'a Pipe,
    sharing: &'a Sharing,
    target: &'a Target,
    ternary: CrossbarBytes,
    n_ternary: u32,
    wiring: Wiring<'a>,
    matrix: Matrix<'a>,
    search_buses: u32,
    result_buses: u32,
    ternary_result_buses: u32,
    /// Profiles whose members are counted: their data is in one memory, whoever leads there.
    profiles: BTreeSet<(usize, ProfileId)>,
    action_bus_bytes: u32,
    /// By gress.
    rows: Arena<GressId, InstructionRows<'a>>,
}

impl<'a> Census<'a> {
    /// That of an empty stage.
    pub(crate) fn new(job: &'a Job<'_>) -> Self {
        let (pipe, sharing, target) = (job.pipe, &job.sharing, job.target);
        Self {
            pipe,
            sharing,
            target,
            ternary: CrossbarBytes::default(),
            n_ternary: 0,
            wiring: Wiring::new(pipe, sharing, &job.compared, target),
            matrix: Matrix::new(target),
            search_buses: 0,
            result_buses: 0,
            ternary_result_buses: 0,
            profiles: BTreeSet::new(),
            action_bus_bytes: 0,
            rows: pipe
                .gresses
                .values()
                .map(|_| InstructionRows::default())
                .collect(),
        }
    }

    /// Adds a unit.
    pub(crate) fn add(&mut self, occupant: &Occupant<'_>) {
        let (pipe, sharing, target) = (self.pipe, self.sharing, self.target);
        let unit = occupant.unit;
        let is_in_tcam = occupant.layout.is_none_or(|layout| layout.memory.tcam > 0);
        let is_ternary = is_in_tcam && add_keys(unit, &pipe.gresses[unit.gress], &mut self.ternary);
        self.n_ternary += u32::from(is_ternary);
        for request in self.wiring.requests(occupant) {
            self.matrix.add(&request);
        }
        let add = |sum: &mut u32, n: u32| *sum = sum.saturating_add(n);
        add(&mut self.search_buses, search_buses(occupant, target));
        let (result, ternary) = result_buses(occupant, pipe, target);
        add(&mut self.result_buses, result);
        add(&mut self.ternary_result_buses, ternary);
        let profile = occupant.profile(pipe);
        if profile.is_none_or(|profile| self.profiles.insert(profile)) {
            let bytes = action_bus_bytes(occupant, pipe, sharing, target);
            add(&mut self.action_bus_bytes, bytes);
        }
        self.rows[unit.gress].add(occupant, pipe, sharing);
    }

    /// Says what is used.
    pub(crate) fn count(&self, usage: &mut Usage) {
        self.matrix.count(usage);
        usage[Resource::SearchBuses] = self.search_buses;
        usage[Resource::ResultBuses] = self.result_buses;
        usage[Resource::TernaryResultBuses] = self.ternary_result_buses;
        usage[Resource::ActionBusBytes] = self.action_bus_bytes;
        usage[Resource::TernaryTables] = self.n_ternary;
        usage[Resource::TernaryXbarBytes] = self.ternary.count(self.pipe);
        let rows = self.rows.values().map(|rows| rows.n_rows);
        usage[Resource::Vliw] = rows.max().unwrap_or(0);
    }
}

/// Buses that bring the key to the memory of an exact table: for each hash function, one for each block
/// of its width.
fn search_buses(occupant: &Occupant<'_>, target: &Target) -> u32 {
    let Some(layout) = occupant.layout.filter(|layout| layout.pack > 0) else {
        return 0;
    };
    let width = u32::try_from(layout.width).unwrap_or(u32::MAX);
    let functions = functions_of(&layout, target).len();
    width.saturating_mul(count(functions))
}

/// Buses that bring what an entry says to where it is read: those of SRAM, and those of TCAM
/// (`bf-p4c/mau/table_format.cpp`, `mau/tofino/memories.cpp`).
///
/// * Of an exact table, each word in which an entry says what to do; of one in partitions, each logical
///   table.
/// * What a gateway runs instead of an entry, or with a hash, comes like an entry of SRAM.
/// * What entries of TCAM do comes over a bus for each row of blocks that hold it. A default action without
///   a key comes the same way.
fn result_buses(occupant: &Occupant<'_>, pipe: &Pipe, target: &Target) -> (u32, u32) {
    let gress = &pipe.gresses[occupant.unit.gress];
    let (UnitKind::Table(table), Some(layout)) = (occupant.unit.kind, occupant.layout) else {
        return (0, 0);
    };
    let table = &gress.tables[table];
    if layout.memory.tcam > 0 {
        let rows = layout.indirection_blocks;
        return (0, rows.div_ceil(target.tcam.indirection_row_blocks).max(1));
    }
    if table.partitions.is_some() {
        return (layout.logical_tables, 0);
    }
    if layout.pack > 0 {
        let words = u32::try_from(layout.pack.min(layout.width)).unwrap_or(u32::MAX);
        return (words, 0);
    }
    let is_hashed = |tables: &Tables| {
        let mut actions = actions_of(table).into_iter();
        actions.any(|action| uses_hash(&tables.actions[action]))
    };
    let comes_as_entry = !table.keys.is_empty() || gress.as_tables().is_some_and(is_hashed);
    if comes_as_entry { (1, 0) } else { (0, 1) }
}

/// Bytes that a table puts on the action data bus, for the action that takes most: parameters, results
/// of calls, and constants that no instruction holds, each in the containers that it goes to.
fn action_bus_bytes(
    occupant: &Occupant<'_>,
    pipe: &Pipe,
    sharing: &Sharing,
    target: &Target,
) -> u32 {
    let unit = occupant.unit;
    let gress = &pipe.gresses[unit.gress];
    let (UnitKind::Table(table), Some(tables)) = (unit.kind, gress.as_tables()) else {
        return 0;
    };
    if occupant.is_classifier(gress) {
        return partition_bytes(&gress.tables[table], gress, target);
    }
    let bytes = actions_of(&gress.tables[table]).into_iter().map(|id| {
        let action = &tables.actions[id];
        let assigned = action.assigns.iter().filter_map(|assign| {
            let width = written_bits(&assign.dst, gress)?;
            Some(assigned_bytes(&assign.value, width, target))
        });
        let calls = action.calls.iter();
        let returned = calls.flat_map(|(call, _)| call.outs.iter().flatten());
        let returned =
            returned.filter_map(|place| Some(container_bytes(written_bits(place, gress)?)));
        // Bits that do not stand side by side are set under a mask, and that comes with them.
        let scattered = sharing.output_bits(unit, id, gress) > 1;
        let under_mask = if scattered { 2 } else { 0 };
        assigned
            .chain(returned)
            .fold(under_mask, u32::saturating_add)
    });
    bytes.max().unwrap_or(0)
}

/// Bytes that the table in front of a partitioned one gives to its actions.
fn partition_bytes(table: &Table, gress: &Gress, target: &Target) -> u32 {
    let front = classifier_shape(table, gress, target);
    front.map_or(0, |(shape, _)| {
        u32::try_from(shape.action_data_bytes).unwrap_or(u32::MAX)
    })
}

/// Bits of fields that an assignment writes.
fn written_bits(place: &Place, gress: &Gress) -> Option<u32> {
    match place {
        Place::Field(field) => Some(gress.fields[*field].width),
        Place::FieldSlice { hi, lo, .. } => Some(hi - lo + 1),
        Place::Local(_) | Place::LocalSlice { .. } => None,
    }
}

/// Bytes of the containers that hold so many bits.
fn container_bytes(bits: u32) -> u32 {
    let rest = bits % 32;
    bits / 32 * 4
        + match rest {
            0 => 0,
            1..=8 => 1,
            9..=16 => 2,
            17..=24 => 3,
            _ => 4,
        }
}

/// Bytes of a value that come over the bus: action data, results of calls, constants that no instruction
/// has.
fn assigned_bytes(value: &Expr, width: u32, target: &Target) -> u32 {
    if let Expr::Const(bits) = value {
        return constant_bytes(bits, width, target);
    }
    let mut takes = false;
    value.walk(&mut |part| {
        takes |= match part {
            Expr::Param { .. } | Expr::Local { .. } => true,
            Expr::Const(bits) => !is_inline(bits, target),
            Expr::Field(_)
            | Expr::Slice { .. }
            | Expr::Resize { .. }
            | Expr::Unary { .. }
            | Expr::Binary { .. }
            | Expr::Mux { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => false,
        };
    });
    if takes { container_bytes(width) } else { 0 }
}

/// Bytes of a constant that is moved: an instruction that fills a whole container has more bits for it
/// than one that fills a part of one.
fn constant_bytes(bits: &Bits, width: u32, target: &Target) -> u32 {
    if !width.is_multiple_of(8) {
        return if is_inline(bits, target) {
            0
        } else {
            container_bytes(width)
        };
    }
    let load_bits = target.action_data.load_constant_bits;
    let chunks = (0..width).step_by(32).map(|first| {
        let end = width.min(first + 32);
        let is_large = (first.saturating_add(load_bits)..end).any(|bit| bits.bit(bit));
        if is_large {
            container_bytes(end - first)
        } else {
            0
        }
    });
    chunks.sum()
}

/// Whether an instruction has a constant: a small number, of either sign, or one that it rotates to its
/// place.
fn is_inline(bits: &Bits, target: &Target) -> bool {
    let rules = &target.action_data;
    let width = bits.width();
    let Some(lowest) = (0..width).find(|bit| bits.bit(*bit)) else {
        return true;
    };
    let is_small =
        (lowest.saturating_add(rules.inline_constant_bits)..width).all(|bit| !bits.bit(bit));
    let is_negative = (rules.inline_negative_bits..width).all(|bit| bits.bit(bit));
    is_small || is_negative
}

/// Adds the keys of a ternary table. Returns whether it is one.
fn add_keys(unit: &Unit, gress: &Gress, ternary: &mut CrossbarBytes) -> bool {
    let UnitKind::Table(table) = unit.kind else {
        return false;
    };
    let keys = || {
        gress.tables[table]
            .keys
            .iter()
            .filter(|key| key.kind != MatchKind::Selector)
    };
    if keys().all(|key| key.kind == MatchKind::Exact) {
        return false;
    }
    for key in keys() {
        for slice in field_slices(&key.expr, gress) {
            if key.kind == MatchKind::Range {
                ternary.ranges += slice.1 / 4 - slice.2 / 4 + 1;
            } else {
                ternary.add(unit.gress, slice, gress);
            }
        }
    }
    true
}

/// Rows of instruction memory that the actions of a gress take, as the vendor's compiler gives them
/// (`mau/instruction_memory.cpp`): a row holds two actions that write different containers. The first
/// place of the first row does nothing; the first action of each table that does nothing is there, the
/// others have places of their own, so that the driver can tell them apart.
#[derive(Clone, Default)]
struct InstructionRows<'a> {
    /// What is written by those of a row, and places that are left.
    rows: Vec<(BTreeSet<Container>, u32)>,
    /// Members of a profile name the same instructions in every table that uses it.
    of_members: BTreeSet<(ProfileId, &'a str)>,
    n_rows: u32,
}

impl<'a> InstructionRows<'a> {
    /// Adds the actions of a unit.
    fn add(&mut self, occupant: &Occupant<'_>, pipe: &'a Pipe, sharing: &Sharing) {
        let UnitKind::Table(table) = occupant.unit.kind else {
            return;
        };
        let gress = &pipe.gresses[occupant.unit.gress];
        let mut written: Vec<BTreeSet<Container>> = Vec::new();
        if occupant.is_classifier(gress) {
            // Each of its actions writes the partition, and which part of the key counts.
            let n_actions = n_subsets(&gress.tables[table], gress);
            // Those of another table write other containers.
            let number = u32::try_from(table.index()).unwrap_or(u32::MAX);
            let partition = Container::Shared(u32::MAX.saturating_sub(number));
            written.extend((0..n_actions).map(|_| BTreeSet::from([partition])));
        } else {
            let of = &gress.tables[table];
            let tables = gress.as_tables();
            for action in actions_of(of) {
                let name = tables.map(|tables| tables.actions[action].name.as_str());
                let member = of.implementation.zip(name);
                if member.is_none_or(|member| self.of_members.insert(member)) {
                    written.push(sharing.written_by(occupant.unit, action));
                }
            }
        }
        let mut has_no_op = false;
        for writes in written {
            if writes.is_empty() && !has_no_op {
                has_no_op = true;
                self.n_rows = self.n_rows.max(1);
                continue;
            }
            let fits = |(taken, free): &(BTreeSet<Container>, u32)| {
                *free > 0 && taken.is_disjoint(&writes)
            };
            let row = self.rows.iter().position(fits).unwrap_or_else(|| {
                // Of the first row one place is taken by what does nothing.
                let n_places = if self.rows.is_empty() { 1 } else { 2 };
                self.rows.push((BTreeSet::new(), n_places));
                self.rows.len() - 1
            });
            self.rows[row].0.extend(writes);
            self.rows[row].1 -= 1;
            self.n_rows = self.n_rows.max(count(row + 1));
        }
    }
}
