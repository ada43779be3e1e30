//! The line of packets that wait for a gress: who is next, who does not fit any more.
//!
//! One packet a clock enters. The order is total, and says nothing of how packets are run: writes of
//! the control plane first, then copies before new packets, then the lowest port, then the earliest.
//! Before the egress stand queues, one a port and queue number, and ports that take time to send.

use std::collections::BTreeMap;

use crate::DeviceConfig;
use crate::device::tofino::Entry;

use super::write::ControlWrite;

/// What waits.
#[derive(Debug)]
pub(super) enum Item {
    Packet(Entry),
    Write(ControlWrite),
}

/// Its place in the order of entry. Derived comparison is the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    class: Class,
    port: u16,
    /// From when on it can enter.
    ready: u64,
    /// What made it: the pass, and the how manyth of its copies.
    pub(super) origin: (u64, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Write,
    Copy,
    New,
}

/// Something that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) item: Item,
    /// How many passes its ancestors have made.
    pub(super) n_passes: u32,
}

/// What came of a clock.
pub(super) enum Turn {
    /// This enters the gress.
    Enters(Waiting),
    /// There was no room in line for this packet.
    Lost(Entry),
}

/// A line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// By clock and order: what cannot enter yet.
    coming: BTreeMap<(u64, Key), Waiting>,
    /// What can.
    ready: BTreeMap<Key, Waiting>,
    /// By port and queue: cells in line.
    depths: BTreeMap<(u16, u64), u64>,
    /// By port: when it can send again.
    free_at: BTreeMap<u16, u64>,
}

impl Line {
    /// Puts something in line.
    pub(super) fn push(&mut self, ready: u64, origin: (u64, u32), waiting: Waiting) {
        let (class, port) = match &waiting.item {
            Item::Write(_) => (Class::Write, 0),
            Item::Packet(entry) => {
                let class = if entry.is_copy() {
                    Class::Copy
                } else {
                    Class::New
                };
                (class, entry.entrant().port)
            }
        };
        let key = Key {
            class,
            port,
            ready,
            origin,
        };
        self.coming.insert((ready, key), waiting);
    }

    /// The first clock, not before `clock`, at which anything can happen.
    pub(super) fn next_clock(&self, clock: u64) -> Option<u64> {
        let coming = self.coming.keys().next().map(|(ready, _)| *ready);
        let busy = |key: &Key| match key.class {
            Class::Write => 0,
            Class::Copy | Class::New => self.free_at.get(&key.port).copied().unwrap_or_default(),
        };
        let ready = self.ready.keys().map(busy).min();
        let next = match (coming, ready) {
            (Some(coming), Some(ready)) => Some(coming.min(ready)),
            (coming, ready) => coming.or(ready),
        };
        next.map(|next| next.max(clock))
    }

    /// What happens at a clock: packets that do not fit are lost, at most one thing enters.
    pub(super) fn turn(&mut self, clock: u64, config: &DeviceConfig, turns: &mut Vec<Turn>) {
        while let Some(first) = self.coming.first_entry() {
            if first.key().0 > clock {
                break;
            }
            let ((_, key), mut waiting) = first.remove_entry();
            if let Item::Packet(entry) = &mut waiting.item
                && !self.takes(clock, entry, config)
            {
                if let Item::Packet(entry) = waiting.item {
                    turns.push(Turn::Lost(entry));
                }
                continue;
            }
            self.ready.insert(key, waiting);
        }
        let is_free = |key: &&Key| {
            let free_at = self.free_at.get(&key.port);
            key.class == Class::Write || free_at.is_none_or(|free_at| *free_at <= clock)
        };
        let Some(key) = self.ready.keys().find(is_free).copied() else {
            return;
        };
        let Some(mut waiting) = self.ready.remove(&key) else {
            return;
        };
        if let Item::Packet(entry) = &mut waiting.item {
            self.leave(clock, entry, config);
        }
        turns.push(Turn::Enters(waiting));
    }

    /// Gets a packet in line, if there is room.
    fn takes(&mut self, clock: u64, entry: &mut Entry, config: &DeviceConfig) -> bool {
        let (queue, limit) = match entry {
            Entry::Ingress(_) => (0, config.input_cells),
            Entry::Egress(entry) => (entry.queue(), config.queue_cells),
        };
        let cells = cells(entry, config);
        let depth = self
            .depths
            .entry((entry.entrant().port, queue))
            .or_default();
        let before = *depth;
        if before + cells > limit {
            return false;
        }
        *depth += cells;
        if let Entry::Egress(entry) = entry {
            entry.queued.clock = Some(clock);
            entry.queued.depth_before = before;
        }
        true
    }

    /// Takes a packet out of line.
    fn leave(&mut self, clock: u64, entry: &mut Entry, config: &DeviceConfig) {
        let cells = cells(entry, config);
        let port = entry.entrant().port;
        let queue = match entry {
            Entry::Ingress(_) => 0,
            Entry::Egress(entry) => entry.queue(),
        };
        let depth = self.depths.entry((port, queue)).or_default();
        *depth = depth.saturating_sub(cells);
        if let Entry::Egress(entry) = entry {
            entry.queued.depth_behind = *depth;
            if let Some(clocks) = config.clocks_to_send(entry.len()) {
                self.free_at.insert(port, clock.saturating_add(clocks));
            }
        }
    }
}

/// How much room a packet takes.
fn cells(entry: &Entry, config: &DeviceConfig) -> u64 {
    let cell = config.cell_bytes.max(1);
    (entry.packet().len().div_ceil(cell) as u64).max(1)
}
