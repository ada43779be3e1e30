//! The parts of tables: their order, what they hold, and whether they have memory for it.

use p4rmt_ir::{Gress, MatchKind, Table};

use super::flow::Item;
use super::{Checker, Violation};

impl Checker<'_> {
    pub(super) fn check_parts(&mut self, items: &[Item], gress: &Gress) {
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
            let available = self.target.tcam.range_key_bits_max;
            for key in table.keys.iter().filter(|key| key.kind == MatchKind::Range) {
                let needed = key.expr.width(gress);
                if needed > available {
                    self.violations.push(Violation::RangeTooWide {
                        table: item.name.clone(),
                        needed,
                        available,
                    });
                }
            }
            if table.keys.is_empty() || self.is_in_gateway(table, item, gress) {
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
                let least = self.least_memory(table, part, item, gress);
                let is_enough = least.sram <= u64::from(part.memory.sram)
                    && least.tcam <= u64::from(part.memory.tcam)
                    && least.map_ram <= u64::from(part.memory.map_ram);
                if !is_enough {
                    self.violations.push(Violation::TooLittleMemory {
                        table: item.name.clone(),
                        entries: part.entries,
                    });
                }
            }
        }
    }

    /// Whether a gateway may have the entries of a table, so that it needs no memory.
    pub(super) fn is_in_gateway(&self, table: &Table, item: &Item, gress: &Gress) -> bool {
        let gateway = &self.target.gateway;
        let bits: u32 = table.keys.iter().map(|key| key.expr.width(gress)).sum();
        let is_plain = |kind| !matches!(kind, MatchKind::Range | MatchKind::Selector);
        table.are_entries_const
            && table.entries.len() <= gateway.payloads.min(gateway.rows) as usize
            && bits <= gateway.phv_bytes.saturating_mul(8) + gateway.hash_bits
            && table.keys.iter().all(|key| is_plain(key.kind))
            && item.parts.len() == 1
    }
}
