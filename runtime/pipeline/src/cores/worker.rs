//! One core: its packets of each batch, in their order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use super::{Batch, OneCore};
use crate::{Device, DeviceError, DropReason};

/// What came of a core's packets of a batch.
pub(super) struct Ran {
    /// By packet of this core, in order.
    pub(super) packets: Vec<RanPacket>,
    /// By packet that left, in order.
    pub(super) left: Vec<Left>,
    pub(super) bytes: Vec<u8>,
    /// Reasons for which packets ended that had not been seen before, with the position in the batch.
    pub(super) reasons: Vec<(usize, DropReason)>,
    /// Where it stopped, and why.
    pub(super) stopped: Option<(usize, OneCore)>,
}

/// A packet that ran.
#[derive(Clone, Copy)]
pub(super) struct RanPacket {
    /// The clock at which it entered, and the first behind all that it caused.
    pub(super) entered: u64,
    pub(super) done: u64,
    /// How many packets left because of it.
    pub(super) n_left: u32,
}

/// A packet that left.
#[derive(Clone, Copy)]
pub(super) struct Left {
    pub(super) port: u16,
    pub(super) clock: u64,
    /// Where its bytes end.
    pub(super) end: usize,
}

/// A core that has nothing more to do.
pub(super) struct Done {
    pub(super) device: Device,
    pub(super) busy: Duration,
}

/// Runs batches until there are no more.
pub(super) fn work(
    mut device: Device,
    shard: u32,
    batches: &Receiver<Arc<Batch>>,
    tell: &SyncSender<Ran>,
) -> Done {
    let mut busy = Duration::ZERO;
    let mut has_stopped = false;
    while let Ok(batch) = batches.recv() {
        let started = Instant::now();
        let ran = run(&mut device, shard, &batch, has_stopped);
        busy += started.elapsed();
        has_stopped |= ran.stopped.is_some();
        if tell.send(ran).is_err() {
            break;
        }
    }
    Done { device, busy }
}

/// Runs this core's packets of a batch.
fn run(device: &mut Device, shard: u32, batch: &Batch, has_stopped: bool) -> Ran {
    let mut ran = Ran {
        packets: Vec::new(),
        left: Vec::new(),
        bytes: Vec::new(),
        reasons: Vec::new(),
        stopped: None,
    };
    if has_stopped {
        return ran;
    }
    let mut start = 0;
    for (position, packet) in batch.packets.iter().enumerate() {
        let bytes = &batch.bytes[start..packet.end];
        start = packet.end;
        if packet.shard != shard {
            continue;
        }
        let n_reasons = device.counters().dropped.len();
        let n_left = device.n_departures();
        let received = device
            .advance_to(packet.foreseen)
            .map(|()| device.clock())
            .and_then(|entered| {
                match packet.app {
                    None => device.receive(packet.port, bytes),
                    Some(app) => device.receive_generated(app, packet.port, bytes),
                }?;
                Ok(entered)
            });
        match received {
            Ok(entered) => ran.packets.push(RanPacket {
                entered,
                done: device.clock(),
                n_left: (device.n_departures() - n_left) as u32,
            }),
            Err(error) => {
                let packet = batch.first + position as u64;
                let why = match error {
                    DeviceError::Crossing(crossing) => OneCore::Crosses { packet, crossing },
                    _ => OneCore::Refused { packet },
                };
                ran.stopped = Some((position, why));
                break;
            }
        }
        let reasons = device.counters().dropped.keys().skip(n_reasons);
        ran.reasons
            .extend(reasons.map(|reason| (position, *reason)));
    }
    device.show_departures(|departure| {
        ran.bytes.extend_from_slice(departure.bytes);
        ran.left.push(Left {
            port: departure.port,
            clock: departure.clock,
            end: ran.bytes.len(),
        });
    });
    ran
}

/// How many passes packets take, by port and length: as many as the last one did.
#[derive(Default)]
pub(super) struct Passes {
    known: HashMap<(u16, usize), u64>,
}

/// More lengths and ports than these tell nothing.
const MAX_KNOWN: usize = 1 << 12;

impl Passes {
    /// How many passes a packet will take, if it is like others.
    pub(super) fn of(&self, port: u16, len: usize) -> u64 {
        self.known.get(&(port, len)).copied().unwrap_or(2)
    }

    /// How many one took.
    pub(super) fn learn(&mut self, port: u16, len: usize, n_passes: u64) {
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert((port, len), n_passes);
    }
}
