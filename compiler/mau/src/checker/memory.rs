//! What the parts of tables take of memory at the least, whatever way their entries are laid out.
//!
//! * Exact: as many entries share a word, blocks side by side, as its bits hold: of each the version, what
//!   names its action, and the key but for what finds the word. A hashed table has its ways.
//! * Partitions: a few entries a word; the table in front has a row a prefix.
//! * TCAM: blocks side by side for the bytes of the key, on top of each other for the rows, of which a part
//!   of the entries with a range takes several. What entries do stands beside.
//! * Action data that do not fit beside the key, and memories with a cell an entry: of those a spare block,
//!   as many map RAMs, colours of meters, idle times.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    Body, CallKind, CountKind, CounterId, Expr, FieldId, Gress, Id, Key, MatchKind, RegisterId,
    Table, TablePart,
};

use super::Checker;
use super::flow::{Item, assigned_param_bits};

/// Blocks.
#[derive(Clone, Copy, Default)]
pub(super) struct Least {
    pub(super) sram: u64,
    pub(super) tcam: u64,
    pub(super) map_ram: u64,
}

/// How an exact table finds its words, as far as the key decides that.
pub(super) struct Lookup {
    /// Bits of key that a word stores at the least.
    pub(super) stored_bits: u64,
    /// Ways at the least, and whether they are all that one hash function has room for.
    pub(super) ways: u64,
    pub(super) is_hashed: bool,
}

fn matched(table: &Table) -> impl Iterator<Item = &Key> {
    let keys = table.keys.iter();
    keys.filter(|key| key.kind != MatchKind::Selector)
}

/// Whether all that a table matches on is exact.
pub(super) fn is_exact(table: &Table) -> bool {
    matched(table).all(|key| key.kind == MatchKind::Exact)
}

impl Checker<'_> {
    /// Blocks that a part of a table with keys takes by itself.
    pub(super) fn least_memory(
        &self,
        table: &Table,
        part: &TablePart,
        item: &Item,
        gress: &Gress,
    ) -> Least {
        let classifier = table.partitions.as_ref().and_then(|of| of.classifier);
        if let (Some(partitions), Some(classifier), 0) =
            (&table.partitions, classifier, part.entries)
        {
            let rows = partitions.count.saturating_mul(classifier.subtrees);
            return Least {
                tcam: rows.div_ceil(self.depth_rows()),
                ..Least::default()
            };
        }
        let entries = part.entries.min(1 << 40);
        let mut least = Least::default();
        if table.partitions.is_some() {
            let most = u64::from(self.target.exact.entries_per_word_max);
            least.sram = entries.div_ceil(most * self.depth_words());
        } else if is_exact(table) {
            least.sram = self.least_exact(table, entries, item, gress);
        } else {
            least.tcam = self.least_tcam(table, entries, gress);
            least.sram = self.least_indirection(table, entries, item, gress);
        }
        least.sram += self.least_action_data(table, entries, gress);
        self.add_direct(&mut least, table, entries, gress);
        least
    }

    fn depth_words(&self) -> u64 {
        u64::from(self.target.sram.depth_words)
    }

    fn depth_rows(&self) -> u64 {
        u64::from(self.target.tcam.depth_rows)
    }

    /// How an exact table finds its words.
    pub(super) fn lookup(&self, table: &Table, item: &Item, gress: &Gress) -> Lookup {
        let exact = &self.target.exact;
        let is_masked = matched(table).any(|key| matches!(key.expr, Expr::Binary { .. }));
        let key_bits: u64 = match table.proxy_hash {
            Some(hash) => u64::from(gress.hashes[hash].width),
            None => item.matched.len() as u64,
        };
        let found_bits =
            u64::from(exact.hash_index_bits) + u64::from(exact.identity_extra_bits_max);
        let is_hashed = !is_masked && key_bits > found_bits;
        let asked = table
            .ways_pragma
            .filter(|ways| (1..=exact.ways_max).contains(ways));
        let ways = match asked {
            Some(ways) => ways,
            None if is_hashed => exact.ways_min,
            None => 1,
        };
        // Bits under a mask are not all stored, and each of the key's may be one that finds the word.
        let stored_bits = if is_masked {
            0
        } else {
            key_bits.saturating_sub(found_bits)
        };
        Lookup {
            stored_bits,
            ways: u64::from(ways),
            is_hashed,
        }
    }

    /// Blocks side by side that one entry takes.
    pub(super) fn least_width(&self, lookup: &Lookup) -> u64 {
        let entry = lookup.stored_bits + u64::from(self.target.exact.version_bits);
        entry
            .div_ceil(u64::from(self.target.sram.width_bits))
            .max(1)
    }

    fn least_exact(&self, table: &Table, entries: u64, item: &Item, gress: &Gress) -> u64 {
        let exact = &self.target.exact;
        if item.is_found_by_position(gress) {
            return 0;
        }
        let lookup = self.lookup(table, item, gress);
        let overhead = self.overhead_bits(table, item, gress);
        let entry = lookup.stored_bits + overhead + u64::from(exact.version_bits);
        let mut least = u64::MAX;
        for width in 1..=u64::from(exact.width_rams_max) {
            let within = |bits: u64, all: u64| all.checked_div(bits).unwrap_or(u64::MAX);
            let pack = [
                within(entry, width * u64::from(self.target.sram.width_bits)),
                within(overhead, width * u64::from(exact.overhead_bits_max)),
                width * u64::from(exact.entries_per_word_max),
                u64::from(exact.pack_max),
            ];
            let pack = pack.into_iter().min().unwrap_or(0);
            if pack > 0 {
                let depth = entries.div_ceil(pack * self.depth_words()).max(lookup.ways);
                least = least.min(depth * width);
            }
        }
        if least == u64::MAX { 0 } else { least }
    }

    /// Bits of an entry that name its action, what follows, and cells that it reaches by an index of its own.
    fn overhead_bits(&self, table: &Table, item: &Item, gress: &Gress) -> u64 {
        let rules = &self.target.action_data;
        let hits: Vec<_> = table.actions.iter().filter(|of| of.in_entries).collect();
        let n_hits = u64::try_from(hits.len()).unwrap_or(u64::MAX);
        let mut bits = if n_hits > u64::from(rules.short_codes) {
            let follows = if item.asks_which_action {
                rules.next_table_bits
            } else {
                0
            };
            u64::from(rules.instruction_address_bits) + u64::from(follows)
        } else {
            u64::from(u64::BITS - n_hits.saturating_sub(1).leading_zeros())
        };
        let Body::Tables(tables) = &gress.body else {
            return bits;
        };
        let mut reached: BTreeSet<(u8, usize)> = BTreeSet::new();
        for action in &hits {
            for (call, _) in &tables.actions[action.action].calls {
                if let Some(memory) = reached_by_entry(&call.kind, gress) {
                    reached.insert(memory);
                }
            }
        }
        bits += reached.len() as u64 * u64::from(rules.index_bits_min.min(32));
        bits
    }

    /// Logical tables of a part of a table in partitions: a few blocks are searched one after the other.
    pub(super) fn logical_tables(&self, table: &Table, part: &TablePart) -> u64 {
        let Some(partitions) = table.partitions.as_ref().filter(|_| part.entries > 0) else {
            return 1;
        };
        let exact = &self.target.exact;
        let of_partition = part.entries.div_ceil(partitions.count.max(1));
        let words = of_partition.div_ceil(u64::from(exact.entries_per_word_max));
        words.div_ceil(u64::from(exact.partition_blocks_max)).max(1)
    }

    fn least_tcam(&self, table: &Table, entries: u64, gress: &Gress) -> u64 {
        let tcam = &self.target.tcam;
        let (mut bits, mut range_bytes, mut lines, mut is_split) = (0, 0, 1, false);
        // By field: bits of it, each once.
        let mut seen: BTreeMap<FieldId, BTreeSet<u32>> = BTreeMap::new();
        for key in matched(table) {
            let is_range = key.kind == MatchKind::Range;
            let slice = match &key.expr {
                Expr::Field(field) => {
                    Some((*field, gress.fields[*field].width.saturating_sub(1), 0))
                }
                Expr::Slice { arg, hi, lo } => match **arg {
                    Expr::Field(field) => Some((field, *hi, *lo)),
                    _ => None,
                },
                // Under a mask less may count.
                _ => None,
            };
            let Some((field, hi, lo)) = slice else {
                continue;
            };
            if is_range {
                // A byte holds a nibble of a range; an entry takes a row a nibble on either side.
                let nibbles = u64::from(hi / 4 - lo / 4 + 1);
                range_bytes += nibbles;
                let needed = (2 * nibbles - 1).min(u64::from(tcam.range_lines_max));
                lines = needed.max(lines);
                is_split |= hi - lo + 1 >= tcam.range_split_bits;
            } else {
                let of_field = seen.entry(field).or_default();
                bits += (lo..=hi).filter(|bit| of_field.insert(*bit)).count() as u64;
            }
        }
        let bytes = bits.div_ceil(8) + range_bytes;
        let single_bytes = u64::from(tcam.single_key_bytes);
        let pair_bytes = u64::from(tcam.pair_key_bytes).max(2 * single_bytes);
        // Bytes of a range do not share a block's half byte, so that one may be left for another.
        let left = u64::from(range_bytes > 0);
        let mut width = if is_split { 2 } else { 1 };
        // A block more for what the pairs before it do not hold.
        while (width / 2) * pair_bytes + (width % 2) * (single_bytes + left) < bytes {
            width += 1;
        }
        let percent = u64::from(tcam.range_entries_percent).min(100);
        let n_ranges = if lines > 1 {
            entries * percent / 100
        } else {
            0
        };
        let rows = n_ranges * lines + (entries - n_ranges);
        rows.div_ceil(self.depth_rows()) * width
    }

    /// Blocks that say what the entries of TCAM do, where they say anything.
    pub(super) fn least_indirection(
        &self,
        table: &Table,
        entries: u64,
        item: &Item,
        gress: &Gress,
    ) -> u64 {
        let bits = self.overhead_bits(table, item, gress);
        if bits == 0 {
            return 0;
        }
        let per_word = u64::from(self.target.sram.width_bits) / bits.next_power_of_two().max(8);
        entries.div_ceil(per_word.max(1) * self.depth_words())
    }

    /// Blocks of action data that do not fit beside the key.
    fn least_action_data(&self, table: &Table, entries: u64, gress: &Gress) -> u64 {
        let Body::Tables(tables) = &gress.body else {
            return 0;
        };
        if table.implementation.is_some() {
            return 0;
        }
        let listed = table.actions.iter().filter(|of| of.in_entries);
        let bits = listed.map(|of| assigned_param_bits(&tables.actions[of.action]));
        let bytes = bits.max().unwrap_or(0).div_ceil(8);
        let beside = u64::from(self.target.action_data.immediate_bits) / 8;
        if bytes <= beside {
            return 0;
        }
        let apart = (bytes - beside).next_power_of_two();
        if apart > u64::from(self.target.action_data.entry_bytes_max) {
            return 1 << 40;
        }
        let word_bytes = u64::from(self.target.sram.width_bits / 8).max(1);
        if apart <= word_bytes {
            entries.div_ceil((word_bytes / apart) * self.depth_words())
        } else {
            entries.div_ceil(self.depth_words()) * apart.div_ceil(word_bytes)
        }
    }

    fn add_direct(&self, least: &mut Least, table: &Table, entries: u64, gress: &Gress) {
        let spare = u64::from(self.target.salu.spare_banks);
        let blocks = |per_word: u64| entries.div_ceil(per_word.max(1) * self.depth_words());
        let word_bits = u64::from(self.target.sram.width_bits);
        let counters = table.direct_counters.iter();
        let registers = table.direct_registers.iter();
        let cells = counters
            .map(|id| counter_bits(*id, gress))
            .chain(registers.map(|id| register_bits(*id, gress)))
            .chain(table.direct_meters.iter().map(|_| word_bits));
        for cell_bits in cells {
            let needed = blocks(word_bits / cell_bits.max(1)) + spare;
            least.sram += needed;
            least.map_ram += needed;
        }
        for meter in &table.direct_meters {
            if gress.meters[*meter].filter.is_none() {
                let per_ram = u64::from(self.target.meter.blocks_per_color_ram);
                least.map_ram += blocks(1).div_ceil(per_ram);
            }
        }
        if table.has_idle_timeout {
            least.map_ram += blocks(u64::from(self.target.meter.idle_times_per_word));
        }
    }
}

/// The memory that a call reaches by an index that an entry has.
fn reached_by_entry(call: &CallKind, gress: &Gress) -> Option<(u8, usize)> {
    let (memory, index) = match call {
        CallKind::RegisterAction { action, index } => {
            let register = gress.register_actions[*action].register;
            ((0, register.index()), index.as_ref()?)
        }
        CallKind::RegisterRead { register, index }
        | CallKind::RegisterWrite {
            register, index, ..
        } => ((0, register.index()), index),
        CallKind::Count { counter, index } => ((1, counter.index()), index.as_ref()?),
        CallKind::Meter { meter, index, .. } | CallKind::Filter { meter, index, .. } => {
            ((2, meter.index()), index.as_ref()?)
        }
        CallKind::Hash { .. }
        | CallKind::Random { .. }
        | CallKind::Checksum { .. }
        | CallKind::Mirror { .. }
        | CallKind::Resubmit { .. }
        | CallKind::Generate { .. }
        | CallKind::Digest { .. }
        | CallKind::V1(_) => return None,
    };
    let mut is_of_entry = false;
    index.walk(&mut |part| is_of_entry |= matches!(part, Expr::Param { .. }));
    is_of_entry.then_some(memory)
}

/// Bits of a word that a counter takes.
pub(super) fn counter_bits(id: CounterId, gress: &Gress) -> u64 {
    let counter = &gress.counters[id];
    match (counter.kind, counter.width) {
        (CountKind::Packets | CountKind::Bytes, 0..=32) => 32,
        (CountKind::Packets | CountKind::Bytes, _) => 64,
        (CountKind::PacketsAndBytes, 0..=36) => 64,
        (CountKind::PacketsAndBytes, _) => 128,
    }
}

/// Bits of a word that an element of a register takes.
pub(super) fn register_bits(id: RegisterId, gress: &Gress) -> u64 {
    let element = gress.registers[id].element.iter();
    let bits: u64 = element.map(|value| u64::from(value.width)).sum();
    bits.max(1).next_power_of_two()
}
