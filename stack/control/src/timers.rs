//! Looking after connections: the registers of all of them are read in a few requests, and what is due is done.

use p4rmt_control::Request;
use p4rmt_wire::{Command, FailReason};

use crate::connection::OwnStream;
use crate::now::Now;
use crate::packet::{Segment, flags};
use crate::plane::ControlPlane;
use crate::registers::{self, Snapshot};
use crate::watch::Due;
use crate::{PlaneError, tables};

/// `tx_dupack_cnt` does not count beyond this.
const MOST_DUPLICATES: u32 = 255;
/// What it is set back to: above the third, which acts.
const SOME_DUPLICATES: u32 = 4;

impl ControlPlane {
    /// The next look comes no later than after a usual time from now.
    pub(crate) fn watch_soon(&mut self, now_ns: u64) {
        let soon = now_ns + self.config.timing.watch_ns;
        self.watch_ns = if self.watch_ns <= now_ns {
            soon
        } else {
            self.watch_ns.min(soon)
        };
    }

    /// Looks at all connections.
    pub(crate) fn watch(&mut self, now: &mut Now<'_>) -> Result<(), PlaneError> {
        let n_open = self.by_tuple.len() as u64;
        let timing = self.config.timing;
        let all = timing.watch_ns_per_connection.saturating_mul(n_open);
        self.watch_ns = now.ns.saturating_add(timing.watch_ns.max(all).max(1));
        let open = self
            .connections
            .iter()
            .filter(|(_, connection)| !connection.is_over);
        let ids: Vec<u16> = open.map(|(id, _)| *id).collect();
        let (Some(first), Some(last)) = (ids.first().copied(), ids.last().copied()) else {
            self.rounds.reach(now, None, &timing)?;
            return Ok(());
        };
        let states = Snapshot::read_range(now, first, last - first + 1)?;
        let mut rates = Vec::new();
        for id in &ids {
            if let Some(state) = states.get(usize::from(id - first)) {
                self.watch_one(now, *id, state)?;
                rates.extend(self.grant(now.ns, *id, state));
            }
        }
        now.all(rates)?;
        let granted = self.connections.iter().rev();
        let mut granted = granted.filter(|(_, connection)| connection.watched.granted.is_some());
        let last = granted.next().map(|(id, _)| *id);
        if self.rounds.reach(now, last, &timing)? {
            // What a round grants depends on how long it is.
            let again = ids.iter().filter_map(|id| {
                let state = states.get(usize::from(id - first))?;
                self.grant(now.ns, *id, state)
            });
            let again = again.collect();
            now.all(again)?;
        }
        Ok(())
    }

    fn watch_one(
        &mut self,
        now: &mut Now<'_>,
        id: u16,
        state: &Snapshot,
    ) -> Result<(), PlaneError> {
        // A notice may have been lost.
        self.mend(now, id, state)?;
        self.progress(now, id, state)?;
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        if connection.is_over {
            return Ok(());
        }
        if let Some(observed) = connection.watched.observe(now.ns, state, connection.mss) {
            connection.watched.rate = connection.congestion.update(&observed);
        }
        let (timing, limits) = (&self.config.timing, &self.config.limits);
        let mss = connection.mss;
        match connection.watched.look(now.ns, state, mss, timing, limits) {
            Due::Nothing => Ok(()),
            Due::Timeout => {
                self.statistics.timeouts += 1;
                if matches!(connection.own, OwnStream::FinSent(_)) {
                    self.send_fin(now, id)
                } else {
                    restart(now, id)
                }
            }
            Due::Unblocked => {
                self.statistics.unblocked += 1;
                restart(now, id)
            }
            Due::Probe => {
                self.statistics.probes += 1;
                if state.tx_dupack_cnt == MOST_DUPLICATES {
                    now.all(vec![registers::write(
                        "tx_dupack_cnt",
                        id,
                        &[SOME_DUPLICATES],
                    )])?;
                }
                self.probe(now, id, state)
            }
            Due::GiveUp => {
                self.statistics.timed_out += 1;
                self.send_reset(now, id)?;
                self.end_abruptly(now, id, FailReason::TimedOut)
            }
        }
    }

    /// Asks for the peer's window, with a byte that it has: our FIN, if it is all that is out.
    fn probe(&mut self, now: &mut Now<'_>, id: u16, state: &Snapshot) -> Result<(), PlaneError> {
        let Some(connection) = self.connections.get(&id) else {
            return Ok(());
        };
        if matches!(connection.own, OwnStream::FinSent(_)) {
            return self.send_fin(now, id);
        }
        let probe = Segment::of_ours(
            &connection.tuple,
            state.tx_next_ack.wrapping_sub(1),
            state.rcv_next(),
            flags::ACK,
            state.window(connection.own_scale),
        );
        self.send(now, &probe)
    }

    /// What changes in `rates`.
    fn grant(&mut self, now_ns: u64, id: u16, state: &Snapshot) -> Option<Request> {
        let connection = self.connections.get_mut(&id)?;
        let context = self.contexts.get(&connection.context)?;
        if connection.is_over {
            return None;
        }
        // While there are no rounds, it is that of the first to come.
        let period_ns = self.rounds.period_ns().max(self.config.timing.sync_ns);
        let watched = &mut connection.watched;
        let transmit_bytes = context.settings.transmit_bytes;
        let grant = watched.grant(now_ns, state, connection.mss, transmit_bytes, period_ns);
        match (watched.granted, grant) {
            (None, None) => None,
            (Some(_), None) => {
                watched.granted = None;
                Some(tables::forget_rate(id))
            }
            (before, Some((credit, limit))) => {
                // A little more or less is not worth a write.
                let is_near = |old: u32, new: u32| old.abs_diff(new) <= new / 16;
                if before.is_some_and(|(c, l)| is_near(c, credit) && is_near(l, limit)) {
                    return None;
                }
                watched.granted = Some((credit, limit));
                Some(tables::rate(id, credit, limit, before.is_none()))
            }
        }
    }
}

/// The host is to start again from what is not acknowledged.
fn restart(now: &mut Now<'_>, id: u16) -> Result<(), PlaneError> {
    now.command(Command::Sync {
        connection: id,
        freed: 0,
    })
}
