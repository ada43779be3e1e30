//! What stages use of each resource, with the memories that their tables reach by an index.

use std::collections::BTreeSet;

use p4rmt_ir::{Body, CounterId, Gress, Id, Pipe, RegisterId, Slot, TablePart};

use super::condition::least_rows;
use super::flow::{self, Item, Memory};
use super::memory::{counter_bits, register_bits};
use super::{Checker, Violation};

impl Checker<'_> {
    pub(super) fn check_stages(&mut self, items: &[Item], pipe: &Pipe) {
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
            let hosts: BTreeSet<Slot> = here
                .iter()
                .filter(|item| item.table.is_none())
                .filter_map(|item| item.first())
                .collect();
            let of_condition = |item: &&Item| self.least_gateways(item, pipe);
            let conditions: u64 = here.iter().map(of_condition).sum();
            let of_table = |item: &&&Item| {
                let shares = item.first().is_some_and(|slot| hosts.contains(&slot));
                item.wants_gateway && !shares
            };
            let gateways = conditions + here.iter().filter(of_table).count() as u64;
            let slots: BTreeSet<Slot> = here
                .iter()
                .flat_map(|item| &item.slots)
                .filter(|slot| slot.stage == stage)
                .copied()
                .collect();
            let in_stage = |part: &&TablePart| part.slot.stage == stage;
            let chained: u64 = here
                .iter()
                .map(|item| match item.table {
                    None => self.least_gateways(item, pipe).saturating_sub(1),
                    Some(id) => {
                        let table = &pipe.gresses[item.gress].tables[id];
                        let own = item.parts.iter().filter(in_stage);
                        own.map(|part| self.logical_tables(table, part) - 1).sum()
                    }
                })
                .sum();
            let sram = parts().map(|part| u64::from(part.memory.sram)).sum();
            let map_ram = parts().map(|part| u64::from(part.memory.map_ram)).sum();
            let tcam = parts().map(|part| u64::from(part.memory.tcam)).sum();
            let acting: Vec<&Item> = here
                .iter()
                .copied()
                .filter(|item| item.acting().any(|slot| slot.stage == stage))
                .collect();
            let mut needs = self.memories_of(&acting, pipe);
            for item in &here {
                self.add_own_memory(&mut needs, item, stage, pipe);
            }
            let wires = self.wires_of(&here, stage, pipe);
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
                ("result buses", wires.result_buses, limits.result_buses),
                (
                    "ternary result buses",
                    wires.ternary_result_buses,
                    limits.ternary_result_buses,
                ),
                ("instruction rows", wires.instruction_rows, limits.vliw_rows),
                ("hash bits", wires.hash_bits, limits.hash_bits),
                (
                    "hash functions",
                    wires.hash_functions,
                    limits.hash_functions,
                ),
                (
                    "hash distribution units",
                    wires.hash_dist_units,
                    limits.hash_dist_units,
                ),
                (
                    "bytes of the action data bus",
                    wires.action_bus_bytes,
                    limits.action_bus_bytes,
                ),
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
            for (what, used, needed) in [
                ("SRAM blocks", sram, needs.sram),
                ("map RAM blocks", map_ram, needs.map_ram),
                ("TCAM blocks", tcam, needs.tcam),
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

    /// Gateways of a condition: for its bits, and for its rows.
    fn least_gateways(&self, item: &Item, pipe: &Pipe) -> u64 {
        let Some(cond) = &item.cond else {
            return 0;
        };
        let limits = &self.target.gateway;
        let bits = limits.phv_bytes.saturating_mul(8) + limits.hash_bits;
        let rows = least_rows(cond, &pipe.gresses[item.gress], limits.rows);
        let of_bits = (item.compared.len() as u64).div_ceil(u64::from(bits).max(1));
        of_bits.max(u64::from(rows.div_ceil(limits.rows))).max(1)
    }

    /// Adds what the parts of a table in a stage take by themselves.
    fn add_own_memory(&self, needs: &mut Needs, item: &Item, stage: u32, pipe: &Pipe) {
        let gress = &pipe.gresses[item.gress];
        let Some(table) = item.table.map(|table| &gress.tables[table]) else {
            return;
        };
        if table.keys.is_empty() || self.is_in_gateway(table, item, gress) {
            return;
        }
        for part in item.parts.iter().filter(|part| part.slot.stage == stage) {
            let least = self.least_memory(table, part, item, gress);
            needs.sram = needs.sram.saturating_add(least.sram);
            needs.tcam = needs.tcam.saturating_add(least.tcam);
            needs.map_ram = needs.map_ram.saturating_add(least.map_ram);
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
                let filled = cells.div_ceil(per_block);
                needs.add_blocks(filled + u64::from(self.target.salu.spare_banks));
                let meter = (memory.0 == 2).then(|| gress.meters.values().nth(memory.1));
                if meter.flatten().is_some_and(|meter| meter.filter.is_none()) {
                    let per_ram = u64::from(self.target.meter.blocks_per_color_ram);
                    needs.map_ram += filled.div_ceil(per_ram);
                }
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
        needs.sram = needs.sram.saturating_add(
            profile
                .size
                .saturating_mul(data_bits)
                .div_ceil(block_bits.max(1)),
        );
        let Some(selector) = profile.selector else {
            return;
        };
        needs.meter_alus += 1;
        let words = selector.groups.map_or(0, |groups| {
            let per_word = self.target.selector.members_per_word;
            u64::from(groups.max_size.div_ceil(per_word).max(1)) * u64::from(groups.n_groups)
        });
        let filled = words.div_ceil(u64::from(self.target.sram.depth_words));
        needs.add_blocks(filled + u64::from(self.target.salu.spare_banks));
    }
}

#[derive(Default)]
struct Needs {
    sram: u64,
    tcam: u64,
    map_ram: u64,
    meter_alus: u64,
    stats_alus: u64,
}

impl Needs {
    /// Blocks with a map RAM each.
    fn add_blocks(&mut self, n: u64) {
        self.sram = self.sram.saturating_add(n);
        self.map_ram = self.map_ram.saturating_add(n);
    }
}

/// Cells of a memory and bits that each takes of a word.
fn cells_of((kind, index): Memory, gress: &Gress) -> (u64, u64) {
    match kind {
        0 => {
            let id = RegisterId::from_index(index);
            (gress.registers[id].size, register_bits(id, gress))
        }
        1 => {
            let id = CounterId::from_index(index);
            (gress.counters[id].size, counter_bits(id, gress))
        }
        _ => {
            let meter = gress.meters.values().nth(index);
            (meter.expect("the id comes from the gress").size, 128)
        }
    }
}
