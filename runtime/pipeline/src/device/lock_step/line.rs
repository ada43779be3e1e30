//! The line of packets that wait for a gress: who is next, who does not fit any more.
//!
//! One packet a clock enters. The order is total, and says nothing of how packets are run: writes of
//! the control plane first, then copies before new packets, then the lowest port, then the earliest.
//! Before the egress stand queues, one a port and queue number, and ports that take time to send.
//!
//! What comes from one source comes in order, nearly always; so does what stands in one lane. Nothing is searched
//! for, and nothing sorted.

use std::collections::VecDeque;

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
struct Key {
    class: Class,
    port: u16,
    /// From when on it can enter.
    ready: u64,
    /// What made it: the pass, and the how manyth of its copies.
    origin: (u64, u32),
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

/// Where something comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Outside,
    Ingress,
    Egress,
}

/// A line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// By source, in the order of clocks, then of keys: what cannot enter yet.
    coming: [VecDeque<(Key, Waiting)>; 3],
    /// In the order of class and port: what can.
    lanes: Vec<Lane>,
    /// How many are in all lanes together.
    n_ready: usize,
    /// By port.
    ports: Vec<Port>,
}

/// Those of one class and port that can enter, in order.
#[derive(Debug)]
struct Lane {
    class: Class,
    port: u16,
    waiting: VecDeque<Waiting>,
}

/// What packets in line for a port share.
#[derive(Clone, Debug, Default)]
struct Port {
    /// When it can send again.
    free_at: u64,
    /// Queues with the cells that are in them.
    queues: Vec<(u64, u64)>,
}

impl Line {
    /// Puts something in line.
    pub(super) fn push(
        &mut self,
        source: Source,
        ready: u64,
        origin: (u64, u32),
        waiting: Waiting,
    ) {
        let (class, port) = match &waiting.item {
            Item::Write(_) => (Class::Write, 0),
            Item::Packet(entry) => {
                let class = if entry.is_copy() {
                    Class::Copy
                } else {
                    Class::New
                };
                (class, entry.port())
            }
        };
        let key = Key {
            class,
            port,
            ready,
            origin,
        };
        let coming = &mut self.coming[source as usize];
        let mut others = coming.iter();
        let behind = others.rposition(|(other, _)| (other.ready, other) < (ready, &key));
        let at = behind.map_or(0, |behind| behind + 1);
        if at == coming.len() {
            coming.push_back((key, waiting));
        } else {
            coming.insert(at, (key, waiting));
        }
    }

    /// The first clock, not before `clock`, at which anything can happen.
    pub(super) fn next_clock(&self, clock: u64) -> Option<u64> {
        let coming = self.coming.iter().filter_map(VecDeque::front);
        let coming = coming.map(|(key, _)| key.ready).min();
        let mut next = coming;
        if self.n_ready > 0 {
            let lanes = self.lanes.iter().filter(|lane| !lane.waiting.is_empty());
            let free_at = lanes.map(|lane| self.free_at(lane.class, lane.port)).min();
            next = next.into_iter().chain(free_at).min();
        }
        next.map(|next| next.max(clock))
    }

    /// What happens at a clock: packets that do not fit are lost, at most one thing enters.
    pub(super) fn turn(
        &mut self,
        clock: u64,
        config: &DeviceConfig,
        lost: &mut Vec<Entry>,
    ) -> Option<Waiting> {
        while let Some(source) = self.next_source(clock) {
            let (key, mut waiting) = self.coming[source].pop_front()?;
            if let Item::Packet(entry) = &mut waiting.item
                && !self.takes(clock, entry, config)
            {
                if let Item::Packet(entry) = waiting.item {
                    lost.push(entry);
                }
                continue;
            }
            let is_alone = self.n_ready == 0 && self.next_source(clock).is_none();
            if is_alone && self.free_at(key.class, key.port) <= clock {
                self.leave(clock, &mut waiting, config);
                return Some(waiting);
            }
            self.lane(key.class, key.port).waiting.push_back(waiting);
            self.n_ready += 1;
        }
        if self.n_ready == 0 {
            return None;
        }
        let mut lanes = self.lanes.iter();
        let next = lanes.position(|lane| {
            !lane.waiting.is_empty() && self.free_at(lane.class, lane.port) <= clock
        });
        let mut waiting = self.lanes[next?].waiting.pop_front()?;
        self.n_ready -= 1;
        self.leave(clock, &mut waiting, config);
        Some(waiting)
    }

    /// The source of the first that can get in line by now.
    #[inline]
    fn next_source(&self, clock: u64) -> Option<usize> {
        let mut first: Option<(&Key, usize)> = None;
        for (source, coming) in self.coming.iter().enumerate() {
            if let Some((key, _)) = coming.front()
                && key.ready <= clock
                && first.is_none_or(|(other, _)| (key.ready, key) < (other.ready, other))
            {
                first = Some((key, source));
            }
        }
        first.map(|(_, source)| source)
    }

    /// When what stands in a lane can enter.
    fn free_at(&self, class: Class, port: u16) -> u64 {
        match class {
            Class::Write => 0,
            Class::Copy | Class::New => {
                let port = self.ports.get(usize::from(port));
                port.map_or(0, |port| port.free_at)
            }
        }
    }

    fn lane(&mut self, class: Class, port: u16) -> &mut Lane {
        let lanes = &mut self.lanes;
        let found = lanes.binary_search_by_key(&(class, port), |lane| (lane.class, lane.port));
        let at = found.unwrap_or_else(|at| {
            let waiting = VecDeque::new();
            lanes.insert(
                at,
                Lane {
                    class,
                    port,
                    waiting,
                },
            );
            at
        });
        &mut lanes[at]
    }

    /// Gets a packet in line, if there is room.
    fn takes(&mut self, clock: u64, entry: &mut Entry, config: &DeviceConfig) -> bool {
        let (queue, limit) = match entry {
            Entry::Ingress(_) => (0, config.input_cells),
            Entry::Egress(entry) => (entry.queue(), config.queue_cells),
        };
        let cells = cells(entry, config);
        let depth = self.port(entry.port()).depth(queue);
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

    /// Takes something out of line.
    fn leave(&mut self, clock: u64, waiting: &mut Waiting, config: &DeviceConfig) {
        let Item::Packet(entry) = &mut waiting.item else {
            return;
        };
        let cells = cells(entry, config);
        let queue = match entry {
            Entry::Ingress(_) => 0,
            Entry::Egress(entry) => entry.queue(),
        };
        let port = self.port(entry.port());
        let depth = port.depth(queue);
        *depth = depth.saturating_sub(cells);
        if let Entry::Egress(entry) = entry {
            entry.queued.depth_behind = *depth;
            if let Some(clocks) = config.clocks_to_send(entry.len()) {
                port.free_at = clock.saturating_add(clocks);
            }
        }
    }

    fn port(&mut self, port: u16) -> &mut Port {
        let index = usize::from(port);
        if self.ports.len() <= index {
            self.ports.resize_with(index + 1, Port::default);
        }
        &mut self.ports[index]
    }
}

impl Port {
    /// The cells in a queue.
    fn depth(&mut self, queue: u64) -> &mut u64 {
        let known = self.queues.iter().position(|(known, _)| *known == queue);
        let at = known.unwrap_or_else(|| {
            self.queues.push((queue, 0));
            self.queues.len() - 1
        });
        &mut self.queues[at].1
    }
}

/// How much room a packet takes.
fn cells(entry: &Entry, config: &DeviceConfig) -> u64 {
    let cell = config.cell_bytes.max(1);
    (entry.packet().len().div_ceil(cell) as u64).max(1)
}
