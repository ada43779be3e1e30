//! The checker of placements. It shares nothing with the placer: from pipe, placement and target
//! alone it derives again what must hold, so that a fault of the placer is found and not repeated.
//!
//! * Every table of the control flow has parts, every gateway a slot, in stages and logical tables
//!   that the machine has; a logical table belongs to one table and at most one gateway directly
//!   above it.
//! * A unit is in a later stage than every unit before it whose writes it reads or repeats, and has a
//!   later slot than every one that reads what it writes, decides whether it runs, or exits; unless no
//!   packet runs both.
//! * The parts of a table are in stages that rise, hold its entries together, and have memory.
//! * No stage uses more of a resource than it has; registers, counters and meters of a stage have
//!   their memory and ALUs.
//! * All users of one register, counter, meter or selector are in one stage.
//! * Each register action that tables call is an instruction of its register's stateful ALU, which has
//!   the comparators, slots, words, operands and constants that it uses.
//! * Without long branches, all that a unit leads to stands before anything else of its gress.

mod flow;
mod stateful;
mod wires;

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    Body, CountKind, Expr, FieldId, Gress, Id, MatchKind, Pipe, Placement, Slot, Table, TablePart,
};

use self::flow::{Item, Memory, Walk};
use crate::target::Target;

pub use self::stateful::UnitFault;

/// A rule that a placement breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A unit has no place.
    #[error("`{unit}` is not placed")]
    NotPlaced {
        /// Which.
        unit: String,
    },
    /// A place that the machine does not have.
    #[error("`{unit}` is in stage {}, logical table {}, which the machine does not have", slot.stage, slot.logical_id)]
    NoSuchSlot {
        /// Which.
        unit: String,
        /// Its place.
        slot: Slot,
    },
    /// Two units in one logical table that can't share it.
    #[error("`{first}` and `{second}` are both in logical table {} of stage {}", slot.logical_id, slot.stage)]
    SlotTaken {
        /// A unit.
        first: String,
        /// Another one.
        second: String,
        /// The place.
        slot: Slot,
    },
    /// A unit that is not after one on which it depends.
    #[error("`{second}` must be in a later stage than `{first}`: both touch `{field}`")]
    TooEarly {
        /// The unit that comes first.
        first: String,
        /// The unit that is too early.
        second: String,
        /// The field.
        field: String,
    },
    /// A unit that has an earlier slot than one that it must follow.
    #[error("`{second}` must have a later slot than `{first}`")]
    OutOfOrder {
        /// The unit that comes first.
        first: String,
        /// The unit that must follow.
        second: String,
    },
    /// Parts that do not rise.
    #[error("the parts of `{table}` are not in stages that rise")]
    PartsOutOfOrder {
        /// The table.
        table: String,
    },
    /// Parts that hold too little.
    #[error("the parts of `{table}` hold {held} entries, not {wanted}")]
    TooFewEntries {
        /// The table.
        table: String,
        /// What they hold.
        held: u64,
        /// Its size.
        wanted: u64,
    },
    /// A part whose memory can't hold its entries.
    #[error("a part of `{table}` with {entries} entries has too little memory")]
    TooLittleMemory {
        /// The table.
        table: String,
        /// Entries of the part.
        entries: u64,
    },
    /// More of a resource than a stage has.
    #[error("stage {stage} uses {used} {what}, but has {available}")]
    OverLimit {
        /// The stage.
        stage: u32,
        /// Of what.
        what: &'static str,
        /// How many are used.
        used: u64,
        /// How many there are.
        available: u32,
    },
    /// Memories of a stage that its tables do not account for.
    #[error(
        "stage {stage} accounts for {used} {what}, its registers, counters, meters and profiles alone take {needed}"
    )]
    UncountedMemory {
        /// The stage.
        stage: u32,
        /// Of what.
        what: &'static str,
        /// What the tables account for.
        used: u64,
        /// What is needed.
        needed: u64,
    },
    /// A memory that is reached from two stages.
    #[error("`{memory}` is used in stages {first} and {second}")]
    SharedOverStages {
        /// The register, counter or meter.
        memory: String,
        /// A stage.
        first: u32,
        /// Another one.
        second: u32,
    },
    /// A stateful ALU that can't do what it is to do.
    #[error("the stateful ALU of `{register}`: {fault}")]
    StatefulUnit {
        /// The register.
        register: String,
        /// What is wrong.
        fault: UnitFault,
    },
    /// Something in between where the machine has no long branches.
    #[error("`{unit}` stands between `{open}` and what that leads to")]
    InBetween {
        /// The unit.
        unit: String,
        /// The unit that leads on.
        open: String,
    },
}

/// The rules that a placement breaks, in a fixed order.
#[must_use]
pub fn check_placement(pipe: &Pipe, placement: &Placement, target: &Target) -> Vec<Violation> {
    let mut checker = Checker {
        target,
        violations: Vec::new(),
    };
    let mut all = Vec::new();
    for (gress_id, gress) in pipe.gresses.iter() {
        let mut items = Vec::new();
        if let (Body::Tables(tables), Some(placed)) = (&gress.body, placement.gresses.get(gress_id))
        {
            let walk = Walk {
                gress_id,
                gress,
                tables,
                placed,
            };
            walk.seq(&tables.seq, &[], &mut items);
        }
        if let (Body::Tables(tables), Some(placed)) = (&gress.body, placement.gresses.get(gress_id))
        {
            let faults = stateful::check_units(gress, tables, placed, target);
            checker.violations.extend(faults);
        }
        checker.check_places(&items);
        checker.check_order(&items, gress);
        checker.check_parts(&items, gress);
        checker.check_next_table(&items);
        all.extend(items);
    }
    checker.check_slots(&all);
    checker.check_stages(&all, pipe);
    checker.check_shared(&all, pipe);
    checker.violations
}

struct Checker<'a> {
    target: &'a Target,
    violations: Vec<Violation>,
}

impl Checker<'_> {
    fn check_places(&mut self, items: &[Item]) {
        for item in items {
            if item.slots.is_empty() {
                self.violations.push(Violation::NotPlaced {
                    unit: item.name.clone(),
                });
            }
            for slot in &item.slots {
                let is_there = slot.stage < self.target.machine.stages
                    && slot.logical_id < self.target.stage.logical_tables;
                if !is_there {
                    self.violations.push(Violation::NoSuchSlot {
                        unit: item.name.clone(),
                        slot: *slot,
                    });
                }
            }
        }
    }

    fn check_order(&mut self, items: &[Item], gress: &Gress) {
        let mut writers: BTreeMap<(FieldId, u32), Vec<usize>> = BTreeMap::new();
        let mut readers: BTreeMap<(FieldId, u32), Vec<usize>> = BTreeMap::new();
        let mut exiting: Vec<usize> = Vec::new();
        for (later_at, later) in items.iter().enumerate() {
            let mut related: BTreeSet<usize> = exiting.iter().copied().collect();
            related.extend(later.path.iter().map(|(above, _)| *above));
            for bit in later.reads.iter().chain(&later.writes) {
                related.extend(writers.get(bit).into_iter().flatten());
            }
            for bit in &later.writes {
                related.extend(readers.get(bit).into_iter().flatten());
                writers.entry(*bit).or_default().push(later_at);
            }
            for bit in &later.reads {
                readers.entry(*bit).or_default().push(later_at);
            }
            if later.exits {
                exiting.push(later_at);
            }
            for earlier_at in related {
                self.check_pair(items, earlier_at, later_at, gress);
            }
        }
    }

    /// The order of two items that have something to do with each other.
    fn check_pair(&mut self, items: &[Item], earlier_at: usize, later_at: usize, gress: &Gress) {
        let (earlier, later) = (&items[earlier_at], &items[later_at]);
        let (Some(last), Some(first)) = (earlier.last(), later.first()) else {
            return;
        };
        if earlier.excludes(later) {
            return;
        }
        let name = |item: &Item| item.name.clone();
        let before = earlier.touches_before(earlier_at, later);
        let (reads, writes) = match &before {
            Some((reads, writes)) => (reads, writes),
            None => (&earlier.reads, &earlier.writes),
        };
        // A table that only finds a partition matches on the keys, and does nothing else.
        let acts_in = later.first_acting().unwrap_or(first);
        let is_early = |bit: &&(FieldId, u32)| {
            let is_key = later.table.is_none() || later.keys.contains(*bit);
            let needed_in = if is_key { first } else { acts_in };
            writes.contains(*bit) && needed_in.stage <= last.stage
        };
        let mut touched = later.reads.iter().chain(&later.writes);
        let data = touched.find(is_early);
        if let Some((field, _)) = data {
            self.violations.push(Violation::TooEarly {
                first: name(earlier),
                second: name(later),
                field: gress.fields[*field].name.clone(),
            });
            return;
        }
        let shares_slot = later.is_child_of(earlier_at) && earlier.table.is_none();
        let decides = later.path.iter().any(|(above, _)| *above == earlier_at);
        let overwrites = reads.iter().any(|bit| later.writes.contains(bit));
        let follows = |slot: Slot| slot > last || (shares_slot && slot == last);
        let is_out_of_order =
            (decides || earlier.exits) && !follows(first) || overwrites && !follows(acts_in);
        if is_out_of_order {
            self.violations.push(Violation::OutOfOrder {
                first: name(earlier),
                second: name(later),
            });
        }
    }

    fn check_parts(&mut self, items: &[Item], gress: &Gress) {
        for item in items {
            let Some(table) = item.table.map(|table| &gress.tables[table]) else {
                continue;
            };
            if item
                .slots
                .windows(2)
                .any(|pair| pair[0].stage >= pair[1].stage)
            {
                self.violations.push(Violation::PartsOutOfOrder {
                    table: item.name.clone(),
                });
            }
            if table.keys.is_empty() {
                continue;
            }
            let held = item
                .parts
                .iter()
                .fold(0_u64, |sum, part| sum.saturating_add(part.entries));
            if held < table.size && !item.parts.is_empty() {
                self.violations.push(Violation::TooFewEntries {
                    table: item.name.clone(),
                    held,
                    wanted: table.size,
                });
            }
            for part in &item.parts {
                if !self.holds(table, part, gress) {
                    self.violations.push(Violation::TooLittleMemory {
                        table: item.name.clone(),
                        entries: part.entries,
                    });
                }
            }
        }
    }

    /// Whether there are as many bits of memory as the keys of a part have at the least.
    fn holds(&self, table: &Table, part: &TablePart, gress: &Gress) -> bool {
        let keys = || {
            table
                .keys
                .iter()
                .filter(|key| key.kind != MatchKind::Selector)
        };
        let is_masked = keys().any(|key| matches!(key.expr, Expr::Binary { .. }));
        let key_bits: u64 = match table.proxy_hash {
            Some(hash) => u64::from(gress.hashes[hash].width),
            None => keys().map(|key| u64::from(key.expr.width(gress))).sum(),
        };
        if let Some(partitions) = &table.partitions {
            // A part without entries is the table in front, with a row a prefix; the others have a few
            // entries a word.
            let rows = u64::from(part.memory.tcam) * u64::from(self.target.tcam.depth_rows);
            let words = u64::from(part.memory.sram) * u64::from(self.target.sram.depth_words);
            return match partitions.classifier {
                Some(classifier) if part.entries == 0 => {
                    rows >= partitions.count.saturating_mul(classifier.subtrees)
                }
                Some(_) | None => {
                    let most = u64::from(self.target.exact.entries_per_word_max);
                    part.entries <= words.saturating_mul(most)
                }
            };
        }
        if keys().all(|key| key.kind == MatchKind::Exact) {
            // What picks the word need not be stored: ten bits of address, and up to eight more.
            let stored = if is_masked {
                0
            } else {
                key_bits.saturating_sub(18)
            };
            let word_bits = u64::from(self.target.sram.width_bits);
            let bits =
                u64::from(part.memory.sram) * word_bits * u64::from(self.target.sram.depth_words);
            // An entry for each key needs no key at all.
            let is_full = key_bits < 64 && table.size >= 1 << key_bits;
            is_full || part.entries.saturating_mul(stored) <= bits
        } else {
            let rows = u64::from(part.memory.tcam) * u64::from(self.target.tcam.depth_rows);
            let pair_bits = 8 * u64::from(self.target.tcam.pair_key_bytes);
            let wanted = if is_masked {
                1
            } else {
                (2 * key_bits / pair_bits).max(1)
            };
            part.entries.saturating_mul(wanted) <= rows
        }
    }

    fn check_next_table(&mut self, items: &[Item]) {
        if self.target.machine.long_branch_tags > 0 {
            return;
        }
        for (position, open) in items.iter().enumerate() {
            let is_under = |item: &Item| item.path.iter().any(|(above, _)| *above == position);
            let end = items
                .iter()
                .filter(|item| is_under(item))
                .filter_map(Item::last)
                .max();
            let (Some(start), Some(end)) = (open.last(), end) else {
                continue;
            };
            for (other_at, other) in items.iter().enumerate() {
                let is_above = open.path.iter().any(|(above, _)| *above == other_at);
                let is_other =
                    other_at != position && !is_under(other) && !is_above && !other.excludes(open);
                if is_other && other.slots.iter().any(|slot| start < *slot && *slot < end) {
                    self.violations.push(Violation::InBetween {
                        unit: other.name.clone(),
                        open: open.name.clone(),
                    });
                }
            }
        }
    }

    /// A logical table belongs to one table, and to one gateway directly above it.
    fn check_slots(&mut self, items: &[Item]) {
        let mut taken: BTreeMap<Slot, Vec<&Item>> = BTreeMap::new();
        for item in items {
            for slot in &item.slots {
                taken.entry(*slot).or_default().push(item);
            }
        }
        let mut by_gress: BTreeMap<usize, Vec<&Item>> = BTreeMap::new();
        for item in items {
            by_gress
                .entry(Id::index(item.gress))
                .or_default()
                .push(item);
        }
        for (slot, sharing) in taken {
            let is_shared_well = match sharing[..] {
                [_] => true,
                [gateway, table] => {
                    let own = &by_gress[&Id::index(gateway.gress)];
                    let above = table.path.last().and_then(|(above, _)| own.get(*above));
                    gateway.table.is_none()
                        && table.table.is_some()
                        && gateway.gress == table.gress
                        && above.is_some_and(|above| std::ptr::eq(*above, gateway))
                        && table.first() == Some(slot)
                }
                _ => false,
            };
            if !is_shared_well {
                self.violations.push(Violation::SlotTaken {
                    first: sharing[0].name.clone(),
                    second: sharing[1].name.clone(),
                    slot,
                });
            }
        }
    }

    fn check_stages(&mut self, items: &[Item], pipe: &Pipe) {
        let stages: BTreeSet<u32> = items
            .iter()
            .flat_map(|item| item.slots.iter().map(|slot| slot.stage))
            .collect();
        for stage in stages {
            let here: Vec<&Item> = items
                .iter()
                .filter(|item| item.slots.iter().any(|slot| slot.stage == stage))
                .collect();
            let parts = || {
                here.iter()
                    .flat_map(|item| &item.parts)
                    .filter(|part| part.slot.stage == stage)
            };
            let gateway_slots: BTreeSet<Slot> = here
                .iter()
                .filter(|item| item.table.is_none())
                .filter_map(|item| item.first())
                .collect();
            let gateway = &self.target.gateway;
            let match_bits = gateway.phv_bytes.saturating_mul(8) + gateway.hash_bits;
            let gateways: u64 = here
                .iter()
                .map(|item| match item.table {
                    None => u64::from(item.n_gateways.div_ceil(match_bits).max(1)),
                    Some(_) => {
                        let shares = item
                            .first()
                            .is_some_and(|slot| gateway_slots.contains(&slot));
                        u64::from(item.wants_gateway && !shares)
                    }
                })
                .sum();
            let slots: BTreeSet<Slot> = here
                .iter()
                .flat_map(|item| &item.slots)
                .filter(|slot| slot.stage == stage)
                .copied()
                .collect();
            let chained: u64 = here
                .iter()
                .filter(|item| item.table.is_none())
                .map(|item| u64::from(item.n_gateways.div_ceil(match_bits).max(1)) - 1)
                .sum();
            let sram = parts().map(|part| u64::from(part.memory.sram)).sum();
            let map_ram = parts().map(|part| u64::from(part.memory.map_ram)).sum();
            let tcam = parts().map(|part| u64::from(part.memory.tcam)).sum();
            let acting: Vec<&Item> = here
                .iter()
                .copied()
                .filter(|item| item.acting().any(|slot| slot.stage == stage))
                .collect();
            let needs = self.memories_of(&acting, pipe);
            let wires = wires::wires_of(&here, stage, pipe);
            let limits = &self.target.stage;
            for (what, used, available) in [
                (
                    "logical tables",
                    slots.len() as u64 + chained,
                    limits.logical_tables,
                ),
                ("gateways", gateways, limits.gateways),
                ("SRAM blocks", sram, limits.sram_blocks),
                ("map RAM blocks", map_ram, limits.map_rams),
                ("TCAM blocks", tcam, limits.tcam_blocks),
                (
                    "stateful and meter ALUs",
                    needs.meter_alus,
                    limits.meter_alus,
                ),
                ("counter ALUs", needs.stats_alus, limits.stats_alus),
                (
                    "bytes of the exact match crossbar",
                    wires.exact_bytes,
                    limits.exact_xbar_bytes,
                ),
                (
                    "bytes of the ternary match crossbar",
                    wires.ternary_bytes,
                    limits.ternary_xbar_bytes,
                ),
                (
                    "tables in TCAM",
                    wires.ternary_tables,
                    limits.ternary_tables,
                ),
                ("search buses", wires.search_buses, limits.search_buses),
                ("instruction rows", wires.instruction_rows, limits.vliw_rows),
            ] {
                if used > u64::from(available) {
                    self.violations.push(Violation::OverLimit {
                        stage,
                        what,
                        used,
                        available,
                    });
                }
            }
            let in_sram = needs.blocks.saturating_add(needs.data_blocks);
            for (what, used, needed) in [
                ("SRAM blocks", sram, in_sram),
                ("map RAM blocks", map_ram, needs.blocks),
            ] {
                if used < needed {
                    self.violations.push(Violation::UncountedMemory {
                        stage,
                        what,
                        used,
                        needed,
                    });
                }
            }
        }
    }

    /// Blocks and ALUs of the memories that tables of a stage reach by an index, and ALUs of those
    /// with one cell an entry.
    fn memories_of(&self, here: &[&Item], pipe: &Pipe) -> Needs {
        let mut needs = Needs::default();
        let mut seen: BTreeSet<(usize, Memory)> = BTreeSet::new();
        for item in here {
            let gress = &pipe.gresses[item.gress];
            if let Some(table) = item.table.map(|table| &gress.tables[table]) {
                needs.stats_alus += table.direct_counters.len() as u64;
                needs.meter_alus +=
                    (table.direct_meters.len() + table.direct_registers.len()) as u64;
            }
            for memory in &item.memories {
                if !seen.insert((Id::index(item.gress), *memory)) {
                    continue;
                }
                if memory.0 == 3 {
                    self.add_profile(&mut needs, memory.1, gress);
                    continue;
                }
                let (cells, cell_bits) = cells_of(*memory, gress);
                if memory.0 == 1 {
                    needs.stats_alus += 1;
                } else {
                    needs.meter_alus += 1;
                }
                let word_bits = u64::from(self.target.sram.width_bits);
                let per_block =
                    (word_bits / cell_bits).max(1) * u64::from(self.target.sram.depth_words);
                needs.blocks += cells.div_ceil(per_block) + u64::from(self.target.salu.spare_banks);
            }
        }
        needs
    }

    /// What an action profile takes: the action data of its members; with a selector a bit for each
    /// member of each group, a spare block and an ALU.
    fn add_profile(&self, needs: &mut Needs, index: usize, gress: &Gress) {
        let (id, profile) = gress
            .profiles
            .iter()
            .nth(index)
            .expect("the id comes from the gress");
        let block_bits = u64::from(self.target.sram.width_bits)
            .saturating_mul(u64::from(self.target.sram.depth_words));
        let mut data_bits = 0;
        if let Body::Tables(tables) = &gress.body {
            for table in gress.tables.values() {
                if table.implementation != Some(id) {
                    continue;
                }
                let listed = table.actions.iter().map(|action| action.action);
                for action in listed.chain([table.default_action.action]) {
                    data_bits = data_bits.max(flow::assigned_param_bits(&tables.actions[action]));
                }
            }
        }
        needs.data_blocks += profile
            .size
            .saturating_mul(data_bits)
            .div_ceil(block_bits.max(1));
        let Some(selector) = profile.selector else {
            return;
        };
        needs.meter_alus += 1;
        needs.blocks += u64::from(self.target.salu.spare_banks);
        if let Some(groups) = selector.groups {
            let members = u64::from(groups.max_size).saturating_mul(u64::from(groups.n_groups));
            needs.blocks += members.div_ceil(block_bits.max(1));
        }
    }

    fn check_shared(&mut self, items: &[Item], pipe: &Pipe) {
        let mut stages: BTreeMap<(usize, Memory), u32> = BTreeMap::new();
        for item in items {
            for memory in &item.memories {
                // Action data without a selector only are read: stages may have copies.
                let profile = || pipe.gresses[item.gress].profiles.values().nth(memory.1);
                if memory.0 == 3 && profile().is_some_and(|of| of.selector.is_none()) {
                    continue;
                }
                let key = (Id::index(item.gress), *memory);
                for slot in item.acting() {
                    let first = *stages.entry(key).or_insert(slot.stage);
                    if first != slot.stage {
                        self.violations.push(Violation::SharedOverStages {
                            memory: name_of(*memory, &pipe.gresses[item.gress]),
                            first,
                            second: slot.stage,
                        });
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Needs {
    /// Blocks with a map RAM each.
    blocks: u64,
    /// Blocks without one.
    data_blocks: u64,
    meter_alus: u64,
    stats_alus: u64,
}

/// Cells of a memory and bits that each takes of a word.
fn cells_of((kind, index): Memory, gress: &Gress) -> (u64, u64) {
    match kind {
        0 => {
            let register = gress
                .registers
                .values()
                .nth(index)
                .expect("the id comes from the gress");
            let bits = register
                .element
                .iter()
                .map(|value| u64::from(value.width))
                .sum::<u64>();
            let mut cell_bits = 1;
            while cell_bits < bits {
                cell_bits *= 2;
            }
            (register.size, cell_bits)
        }
        1 => {
            let counter = gress
                .counters
                .values()
                .nth(index)
                .expect("the id comes from the gress");
            let cell_bits = match (counter.kind, counter.width) {
                (CountKind::Packets | CountKind::Bytes, 0..=32) => 32,
                (CountKind::Packets | CountKind::Bytes, _) => 64,
                (CountKind::PacketsAndBytes, 0..=36) => 64,
                (CountKind::PacketsAndBytes, _) => 128,
            };
            (counter.size, cell_bits)
        }
        _ => {
            let meter = gress
                .meters
                .values()
                .nth(index)
                .expect("the id comes from the gress");
            (meter.size, 128)
        }
    }
}

fn name_of((kind, index): Memory, gress: &Gress) -> String {
    let name = match kind {
        0 => gress
            .registers
            .values()
            .nth(index)
            .map(|register| &register.name),
        1 => gress
            .counters
            .values()
            .nth(index)
            .map(|counter| &counter.name),
        2 => gress.meters.values().nth(index).map(|meter| &meter.name),
        _ => gress
            .profiles
            .values()
            .nth(index)
            .map(|profile| &profile.name),
    };
    name.cloned().expect("the id comes from the gress")
}
