//! The same device again, for another core, and what it did put back together.

use std::sync::Arc;

use p4rmt_engine::{Engine, Interface, Mode, StateLayout, TableCounts};
use p4rmt_ir::{CounterId, GressId};
use p4rmt_shard::{Arrivals, Key, NoKey};

use super::guard::Guard;
use super::{Device, Machine};
use crate::generator::Generator;
use crate::{DeviceCounters, DeviceError, DropReason};

/// Several cores changed the same element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// The place in the memory of the state.
    pub(crate) offset: usize,
}

impl Device {
    /// The key by which so many devices could share the work of this one.
    pub(crate) fn key(&self, n_shards: u32) -> Result<Key, NoKey> {
        let arrivals: Arrivals = match &self.machine {
            Machine::Tofino(tofino) => tofino.arrivals(),
            Machine::V1model(v1model) => v1model.arrivals(),
        };
        let interface: &Interface = self.chassis.instance.interface();
        Key::new(&self.chassis.state, interface, &arrivals, n_shards)
    }

    /// What the parser sees in front of a packet that arrives on a port.
    pub(crate) fn arrival_prefix(&self, port: u16) -> Vec<u8> {
        match &self.machine {
            Machine::Tofino(tofino) => tofino.arrival_prefix(&self.chassis, port),
            Machine::V1model(_) => Vec::new(),
        }
    }

    /// Whether mirrored copies pass as they come.
    pub(crate) fn is_open(&self) -> bool {
        match &self.machine {
            Machine::Tofino(tofino) => tofino.is_open(),
            Machine::V1model(v1model) => v1model.is_open(),
        }
    }

    /// Whether nobody wants to know what becomes of packets.
    pub(crate) fn keeps_no_records(&self) -> bool {
        self.chassis.keeps_no_records()
    }

    /// The same device again, on an engine: set up like this one, as it stands now, with nothing counted.
    pub(crate) fn replica(&self, engine: &dyn Engine) -> Result<Self, DeviceError> {
        let layout: &Arc<StateLayout> = self.chassis.state.layout();
        let mode = match &self.placement {
            Some(placement) => Mode::Placed(Arc::clone(placement)),
            None => Mode::Unplaced,
        };
        let program = Arc::clone(&self.chassis.program);
        let mut replica = Self::new(engine, program, layout.pipe_id(), mode)?;
        let (from, to) = (&self.chassis, &mut replica.chassis);
        to.state = from.state.clone();
        to.config = from.config.clone();
        to.traffic = from.traffic.clone();
        to.units.clone_from(&from.units);
        to.port_metadata.clone_from(&from.port_metadata);
        to.clock = from.clock;
        Ok(replica)
    }

    /// From now on packets that would touch memory of another core are refused.
    pub(crate) fn set_guard(&mut self, guard: Guard) {
        self.chassis.guard = Some(Box::new(guard));
    }

    /// How many packets have left and were not taken.
    pub(crate) fn n_departures(&self) -> usize {
        self.chassis.passage.departures.len()
    }

    /// This device has done what its replicas did, until a clock. `reasons` are those for which packets ended, in
    /// the order in which that came about.
    ///
    /// # Errors
    /// An element that several of them changed: then nothing is.
    pub(crate) fn absorb(
        &mut self,
        replicas: &[Self],
        clock: u64,
        generator: Generator,
        reasons: &[DropReason],
    ) -> Result<(), Conflict> {
        let memories: Vec<&[u8]> = replicas
            .iter()
            .map(|replica| replica.chassis.state.memory())
            .collect();
        let mut memory = merged(
            self.chassis.state.memory(),
            &memories,
            &self.counter_places(),
        )?;
        self.sum_counters(replicas, &mut memory);
        self.chassis.state.memory_mut().copy_from_slice(&memory);
        for replica in replicas {
            self.chassis.arrivals += replica.chassis.arrivals;
            add(&mut self.chassis.counters, &replica.chassis.counters);
            let counts = replica.table_counts().into_iter().map(|(_, counts)| counts);
            let counts: Vec<TableCounts> = counts.collect();
            self.looked_up_elsewhere
                .resize(counts.len(), TableCounts::default());
            for (all, counts) in self.looked_up_elsewhere.iter_mut().zip(counts) {
                all.hits += counts.hits;
                all.misses += counts.misses;
            }
        }
        for reason in reasons {
            let counts = replicas.iter();
            let counts = counts.filter_map(|replica| replica.chassis.counters.dropped.get(reason));
            let count: u64 = counts.sum();
            *self.chassis.counters.dropped.entry(*reason).or_default() += count;
        }
        self.chassis.clock = clock;
        self.generator = generator;
        Ok(())
    }

    /// Where counters lie: first byte, and behind the last.
    fn counter_places(&self) -> Vec<(usize, usize)> {
        let layout = self.chassis.state.layout();
        let gresses = layout.pipe().gresses.ids();
        let arrays = gresses.filter_map(|id| layout.gress(id));
        let counters = arrays.flat_map(|arrays| arrays.counters.values());
        let places = counters.map(|array| {
            let n_bytes = array.stride * array.cells as usize;
            (array.offset, array.offset + n_bytes)
        });
        places.collect()
    }

    /// Counters have counted what any of the replicas counted.
    fn sum_counters(&self, replicas: &[Self], memory: &mut [u8]) {
        let layout = self.chassis.state.layout();
        let gresses: Vec<GressId> = layout.pipe().gresses.ids().collect();
        for gress in gresses {
            let Some(arrays) = layout.gress(gress) else {
                continue;
            };
            let ids: Vec<CounterId> = arrays.counters.ids().collect();
            for id in ids {
                let array = &arrays.counters[id];
                let place = |index: u64| {
                    let start = array.offset + index as usize * array.stride;
                    start..start + array.stride
                };
                for index in 0..array.cells {
                    let before = &self.chassis.state.memory()[place(index)];
                    let changed = replicas
                        .iter()
                        .map(|replica| replica.chassis.state.memory());
                    let changed: Vec<&[u8]> = changed
                        .filter(|memory| memory[place(index)] != *before)
                        .collect();
                    if changed.is_empty() {
                        continue;
                    }
                    let before: Vec<u64> = array
                        .read(self.chassis.state.memory(), index)
                        .map(|count| count.low_u64())
                        .collect();
                    let mut all = before.clone();
                    for memory in changed {
                        let counts = array.read(memory, index);
                        for ((all, before), count) in all.iter_mut().zip(&before).zip(counts) {
                            let more = count.low_u64().wrapping_sub(*before);
                            *all = all.wrapping_add(more);
                        }
                    }
                    let values: Vec<_> = array
                        .fields
                        .iter()
                        .zip(all)
                        .map(|(field, count)| p4rmt_ir::Bits::from_u64(field.width, count))
                        .collect();
                    array.write(memory, index, &values);
                }
            }
        }
    }
}

/// Memory with what any of several copies changed, but for places that are summed.
fn merged(before: &[u8], copies: &[&[u8]], summed: &[(usize, usize)]) -> Result<Vec<u8>, Conflict> {
    /// Copies are compared piece by piece: most of them have changed nothing.
    const PIECE: usize = 4096;
    let mut memory = before.to_vec();
    let is_summed = |offset| {
        let mut summed = summed.iter();
        summed.any(|(start, end)| (*start..*end).contains(&offset))
    };
    for (start, before) in (0..).step_by(PIECE).zip(before.chunks(PIECE)) {
        let pieces: Vec<&[u8]> = copies
            .iter()
            .map(|copy| &copy[start..start + before.len()])
            .filter(|piece| *piece != before)
            .collect();
        for piece in pieces {
            for (at, (byte, before)) in piece.iter().zip(before).enumerate() {
                let offset = start + at;
                if byte == before || is_summed(offset) {
                    continue;
                }
                if memory[offset] != *before {
                    return Err(Conflict { offset });
                }
                memory[offset] = *byte;
            }
        }
    }
    Ok(memory)
}

/// Adds what was counted, but for why packets ended.
fn add(all: &mut DeviceCounters, more: &DeviceCounters) {
    let DeviceCounters {
        packets_in,
        bytes_in,
        packets_out,
        bytes_out,
        mirror_copies,
        resubmitted,
        recirculated,
        generated,
        digests,
        dropped: _,
    } = more;
    all.packets_in += packets_in;
    all.bytes_in += bytes_in;
    all.packets_out += packets_out;
    all.bytes_out += bytes_out;
    all.mirror_copies += mirror_copies;
    all.resubmitted += resubmitted;
    all.recirculated += recirculated;
    all.generated += generated;
    all.digests += digests;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_either_copy_changed_is_changed_and_what_both_did_is_told() {
        let before = [1, 2, 3, 4];
        let found = merged(&before, &[&[9, 2, 3, 4], &[1, 2, 8, 4]], &[]);
        assert_eq!(found, Ok(vec![9, 2, 8, 4]));
        let both: [&[u8]; 2] = [&[9, 2, 3, 4], &[8, 2, 3, 4]];
        assert_eq!(merged(&before, &both, &[]), Err(Conflict { offset: 0 }));
        assert_eq!(merged(&before, &both, &[(0, 1)]), Ok(before.to_vec()));
    }
}
