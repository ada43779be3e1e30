//! What several cores did, put into the order and at the times of one.

use super::worker::{Passes, Ran};
use super::{Batch, OneCore};
use crate::{DeviceConfig, DropReason};

/// Puts batches together, one after the other.
pub(super) struct Merge {
    /// The clock behind all that was put together.
    pub(super) clock: u64,
    config: DeviceConfig,
    observes_time: bool,
    reasons: Vec<DropReason>,
    /// From which packet on nothing may be taken, and why.
    stop: Option<(u64, OneCore)>,
}

impl Merge {
    pub(super) fn new(clock: u64, config: DeviceConfig, observes_time: bool) -> Self {
        Self {
            clock,
            config,
            observes_time,
            reasons: Vec::new(),
            stop: None,
        }
    }

    /// Why packets ended, in the order in which that came about first.
    pub(super) fn reasons(&self) -> &[DropReason] {
        &self.reasons
    }

    /// From this packet on nothing may be taken.
    pub(super) fn stop_at(&mut self, packet: u64, why: OneCore) {
        self.stop.get_or_insert((packet, why));
    }

    /// Puts a batch together that all cores have run.
    ///
    /// # Errors
    /// What was wrong. What had left before was shown.
    pub(super) fn batch(
        &mut self,
        batch: &Batch,
        ran: &[Ran],
        passes: &mut Passes,
        show: &mut impl FnMut(u16, u64, &[u8]),
    ) -> Result<(), OneCore> {
        /// How far a core's part is taken: packets, packets that left, their bytes, reasons.
        #[derive(Clone, Copy, Default)]
        struct Taken {
            packets: usize,
            left: usize,
            bytes: usize,
            reasons: usize,
        }
        let mut taken = vec![Taken::default(); ran.len()];
        let mut start = 0;
        for (position, packet) in batch.packets.iter().enumerate() {
            let number = batch.first + position as u64;
            let len = packet.end - start;
            start = packet.end;
            let core = packet.shard as usize;
            let (ran, taken) = (&ran[core], &mut taken[core]);
            let Some(done) = ran.packets.get(taken.packets) else {
                let why = ran.stopped.as_ref().map(|(_, why)| why.clone());
                return Err(why.unwrap_or(OneCore::Refused { packet: number }));
            };
            taken.packets += 1;
            let entered = self.clock.max(packet.not_before);
            if self.observes_time && entered != done.entered {
                return Err(OneCore::Waits { packet: number });
            }
            let n_passes = done.done - done.entered;
            for left in &ran.left[taken.left..taken.left + done.n_left as usize] {
                let clock = entered.saturating_add(left.clock - done.entered);
                let bytes = &ran.bytes[taken.bytes..left.end];
                show(left.port, self.config.nanoseconds(clock), bytes);
                taken.bytes = left.end;
            }
            taken.left += done.n_left as usize;
            for (_, reason) in ran.reasons[taken.reasons..]
                .iter()
                .take_while(|(at, _)| *at == position)
            {
                taken.reasons += 1;
                if !self.reasons.contains(reason) {
                    self.reasons.push(*reason);
                }
            }
            if packet.foreseen != entered || n_passes != passes.of(packet.port, len) {
                passes.learn(packet.port, len, n_passes);
            }
            self.clock = entered.saturating_add(n_passes);
        }
        match self
            .stop
            .take_if(|(packet, _)| *packet <= batch.first + batch.packets.len() as u64)
        {
            Some((_, why)) => Err(why),
            None => Ok(()),
        }
    }
}
