//! A device on several cores, with the results of one.
//!
//! 1. The key ([`p4rmt_shard`]) says which core has the memory that an arriving packet will touch. Each core has a
//!    replica of the device and runs its packets in their order.
//! 2. What leaves is put back into the order in which it would leave one core: by arrival, then as the packet's own
//!    core made it.
//! 3. When a packet enters hangs on how many passes all packets before it took. A core takes it that packets like those
//!    before take as many as they took; what that gave is corrected once it is known. Where the program may
//!    ask for the time, there is nothing to correct: either it was right, or it is wrong from there on.
//! 4. What a core did is right as long as nothing was wrong before. So what is wrong ends it: whoever drives the
//!    cores goes back to the beginning, which the device itself still stands at, and takes one core.
//! 5. At the end the device takes over what its replicas changed: of each element that is one of them, and counters
//!    are sums.

mod merge;
mod worker;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use p4rmt_engine::Engine;
use p4rmt_shard::{Crossing, Finder, Key, NoKey};
use thiserror::Error;

use crate::device::Guard;
use crate::generator::Generator;
use crate::{Arriving, Device, DeviceError, MAX_PORTS};
use merge::Merge;
use worker::{Done, Passes, Ran};

/// So many batches are on their way before the first is waited for.
const DEPTH: usize = 4;

/// Why one core did it all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OneCore {
    /// There is no key.
    #[error(transparent)]
    NoKey(#[from] NoKey),
    /// Copies that wait outside the pipe are let in by number, whatever their keys.
    #[error("mirrored copies are held back")]
    MirrorsHeld,
    /// Records are in one order.
    #[error("records of what becomes of packets are kept")]
    KeepsRecords,
    /// A packet would have touched what another core has.
    #[error("packet {packet}: {crossing}")]
    Crosses {
        /// Which, of all that arrived, from 0.
        packet: u64,
        /// What it would have touched.
        crossing: Crossing,
    },
    /// The program may ask for the time, and a packet came at another than was foreseen.
    #[error(
        "packet {packet} had to wait for packets before it, and the program may ask for the time"
    )]
    Waits {
        /// Which, of all that arrived, from 0.
        packet: u64,
    },
    /// A packet was refused.
    #[error("packet {packet} was refused")]
    Refused {
        /// Which, of all that arrived, from 0.
        packet: u64,
    },
    /// Two cores changed one element: a bug of ours.
    #[error("two cores changed the byte at {offset} of the state: please report this")]
    Conflict {
        /// The place in the memory of the state.
        offset: usize,
    },
}

/// How a replay was shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoresUsed {
    /// On how many cores.
    pub cores: u32,
    /// By which key; none on one core.
    pub key: Option<String>,
    /// Why on one, if more were wanted.
    pub reason: Option<OneCore>,
}

/// Packets that arrive one after the other, each with its core.
struct Batch {
    bytes: Vec<u8>,
    packets: Vec<BatchPacket>,
    /// The number of the first.
    first: u64,
}

struct BatchPacket {
    port: u16,
    /// The application of the packet generator that made it; none for a packet from outside.
    app: Option<u8>,
    shard: u32,
    not_before: u64,
    /// When it is taken to enter.
    foreseen: u64,
    /// Where its bytes end.
    end: usize,
}

/// A device's replicas at work.
pub(crate) struct Cores<'d> {
    device: &'d mut Device,
    key: Arc<Key>,
    finder: Finder,
    prefixes: Vec<Option<Vec<u8>>>,
    workers: Vec<Worker>,
    /// Batches that were sent and not merged.
    on_their_way: VecDeque<Arc<Batch>>,
    merge: Merge,
    passes: Passes,
    /// When the last packet that was sent is taken to be done.
    foreseen_end: u64,
    n_sent: u64,
    fault: Option<OneCore>,
    /// The packet generator, ahead of the device's.
    generator: Generator,
}

struct Worker {
    /// None once it shall end.
    batches: Option<SyncSender<Arc<Batch>>>,
    ran: Receiver<Ran>,
    thread: JoinHandle<Done>,
}

/// Whether several cores can share the work of a device, and by which key.
fn key_for(device: &Device, n_cores: u32) -> Result<Key, OneCore> {
    if !device.is_open() {
        return Err(OneCore::MirrorsHeld);
    }
    if !device.keeps_no_records() {
        return Err(OneCore::KeepsRecords);
    }
    Ok(device.key(n_cores)?)
}

impl<'d> Cores<'d> {
    /// Sets replicas of a device to work.
    ///
    /// # Errors
    /// Why one core has to do it; a replica that cannot be made.
    pub(crate) fn new(
        device: &'d mut Device,
        engine: &dyn Engine,
        n_cores: u32,
    ) -> Result<Result<Self, OneCore>, DeviceError> {
        let key = match key_for(device, n_cores) {
            Ok(key) => Arc::new(key),
            Err(reason) => return Ok(Err(reason)),
        };
        let mut workers = Vec::new();
        for shard in 0..n_cores {
            let mut replica = device.replica(engine)?;
            replica.set_guard(Guard::new(Arc::clone(&key), shard));
            let (batches, to_run) = sync_channel(DEPTH + 1);
            let (tell, ran) = sync_channel(DEPTH + 1);
            let thread = std::thread::spawn(move || worker::work(replica, shard, &to_run, &tell));
            workers.push(Worker {
                batches: Some(batches),
                ran,
                thread,
            });
        }
        let clock = device.clock();
        Ok(Ok(Self {
            finder: key.finder(),
            prefixes: vec![None; usize::from(MAX_PORTS)],
            workers,
            on_their_way: VecDeque::new(),
            merge: Merge::new(clock, device.config().clone(), key.observes_time()),
            passes: Passes::default(),
            foreseen_end: clock,
            n_sent: 0,
            fault: None,
            generator: device.generator().clone(),
            key,
            device,
        }))
    }

    /// The device as it stood before.
    pub(crate) fn device(&self) -> &Device {
        self.device
    }

    /// The same, to change what cores do not ask for.
    pub(crate) fn device_mut(&mut self) -> &mut Device {
        self.device
    }

    /// Where time stands behind all that was merged.
    pub(crate) fn clock(&self) -> u64 {
        self.merge.clock
    }

    /// What went wrong.
    pub(crate) fn fault(&self) -> Option<&OneCore> {
        self.fault.as_ref()
    }

    /// By which key packets are shared.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Packets arrive.
    pub(crate) fn receive_all(&mut self, packets: &[Arriving<'_>]) {
        if self.fault.is_some() {
            return;
        }
        let mut batch = Batch {
            bytes: Vec::new(),
            packets: Vec::new(),
            first: self.n_sent,
        };
        for packet in packets {
            if let Err(why) = self.send(&mut batch, *packet) {
                let number = batch.first + batch.packets.len() as u64;
                self.merge.stop_at(number, why);
                break;
            }
        }
        let batch = Arc::new(batch);
        for worker in &self.workers {
            if let Some(batches) = &worker.batches {
                // A worker that is gone has panicked, which joining it tells.
                let _ = batches.send(Arc::clone(&batch));
            }
        }
        self.on_their_way.push_back(batch);
    }

    /// Puts a packet into a batch, behind those that the generator makes before it.
    fn send(&mut self, batch: &mut Batch, packet: Arriving<'_>) -> Result<(), OneCore> {
        let not_before = packet.not_before;
        let available = self.device.config().max_generated;
        let count = self
            .generator
            .count_until(not_before, available.saturating_add(1));
        if count > available {
            return Err(OneCore::Refused {
                packet: self.n_sent,
            });
        }
        while let Some((clock, id, app)) = self.generator.take_trigger(not_before) {
            for (number, packet_id) in app.numbers() {
                let generated = self.device.generated(id, &app, number, packet_id);
                let arriving = Arriving {
                    not_before: clock,
                    port: app.port,
                    bytes: &generated,
                };
                self.send_one(batch, arriving, Some(id))?;
            }
        }
        self.send_one(batch, packet, None)
    }

    fn send_one(
        &mut self,
        batch: &mut Batch,
        packet: Arriving<'_>,
        app: Option<u8>,
    ) -> Result<(), OneCore> {
        let Arriving {
            not_before,
            port,
            bytes,
        } = packet;
        let packet = self.n_sent;
        let prefix = self.prefixes.get_mut(usize::from(port));
        let prefix = prefix.ok_or(OneCore::Refused { packet })?;
        let prefix = prefix.get_or_insert_with(|| self.device.arrival_prefix(port));
        let shard = self.key.shard(&mut self.finder, port, prefix, bytes);
        let shard = shard.map_err(|crossing| OneCore::Crosses { packet, crossing })?;
        self.n_sent += 1;
        let foreseen = self.foreseen_end.max(not_before);
        self.foreseen_end = foreseen.saturating_add(self.passes.of(port, bytes.len()));
        batch.bytes.extend_from_slice(bytes);
        batch.packets.push(BatchPacket {
            port,
            app,
            shard: shard.unwrap_or((packet % self.workers.len() as u64) as u32),
            not_before,
            foreseen,
            end: batch.bytes.len(),
        });
        Ok(())
    }

    /// Shows what has left by now, in the order and at the nanoseconds of one core; all of it if nothing may be on its
    /// way any more.
    pub(crate) fn show_departures(&mut self, is_end: bool, mut show: impl FnMut(u16, u64, &[u8])) {
        let limit = if is_end { 0 } else { DEPTH };
        while self.on_their_way.len() > limit && self.fault.is_none() {
            let Some(batch) = self.on_their_way.pop_front() else {
                break;
            };
            let ran = self.workers.iter().map(|worker| worker.ran.recv());
            let ran: Vec<Ran> = ran.flatten().collect();
            if ran.len() < self.workers.len() {
                self.fault = Some(OneCore::Refused {
                    packet: batch.first,
                });
                break;
            }
            let merged = self.merge.batch(&batch, &ran, &mut self.passes, &mut show);
            self.fault = merged.err();
        }
        if is_end {
            self.foreseen_end = self.merge.clock;
        }
    }

    /// All work is done: the device takes it over. Returns how long the busiest core was at work.
    ///
    /// # Errors
    /// What went wrong; the device stands as before then.
    pub(crate) fn finish(mut self: Box<Self>) -> Result<(&'d Device, Duration), OneCore> {
        for worker in &mut self.workers {
            worker.batches = None;
        }
        let mut replicas = Vec::new();
        let mut busy = Duration::ZERO;
        for worker in self.workers {
            // What it still has to tell is of no use, but must not keep it waiting.
            while worker.ran.recv().is_ok() {}
            match worker.thread.join() {
                Ok(done) => {
                    busy = busy.max(done.busy);
                    replicas.push(done.device);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let absorbed = self.device.absorb(
            &replicas,
            self.merge.clock,
            self.generator,
            self.merge.reasons(),
        );
        match absorbed {
            Ok(()) => Ok((self.device, busy)),
            Err(conflict) => Err(OneCore::Conflict {
                offset: conflict.offset,
            }),
        }
    }
}
