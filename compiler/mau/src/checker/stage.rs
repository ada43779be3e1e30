//! What stages use of each resource, with the memories that their tables reach by an index.

use std::collections::BTreeSet;

use p4rmt_ir::{Body, CountKind, Gress, Id, Pipe, Slot};

use super::flow::{self, Item, Memory};
use super::wires::wires_of;
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
            let wires = wires_of(&here, stage, pipe, self.target);
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
