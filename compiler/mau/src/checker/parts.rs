//! The parts of tables: their order, what they hold, and whether they have memory for it.

use p4rmt_ir::{Expr, Gress, MatchKind, Table, TablePart};

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
                if !self.holds(table, part, gress) {
                    self.violations.push(Violation::TooLittleMemory {
                        table: item.name.clone(),
                        entries: part.entries,
                    });
                }
            }
        }
    }

    /// Whether a gateway may have the entries of a table, so that it needs no memory.
    fn is_in_gateway(&self, table: &Table, item: &Item, gress: &Gress) -> bool {
        let gateway = &self.target.gateway;
        let bits: u32 = table.keys.iter().map(|key| key.expr.width(gress)).sum();
        let is_plain = |kind| !matches!(kind, MatchKind::Range | MatchKind::Selector);
        table.are_entries_const
            && table.entries.len() <= gateway.payloads.min(gateway.rows) as usize
            && bits <= gateway.phv_bytes.saturating_mul(8) + gateway.hash_bits
            && table.keys.iter().all(|key| is_plain(key.kind))
            && item.parts.len() == 1
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
}
