//! How connections end.
//!
//! * **The peer's FIN** is taken when all bytes before it have come: then one RESET command moves `rx_next_seq` over
//!   it, so that all that the pipe sends acknowledges it, and no notification ever counts it. Before that it is only
//!   remembered.
//! * **Ours** leaves when all bytes before it are acknowledged. It is handed over as a byte is: `tx_avail` is 1
//!   until `tx_next_ack` has moved over it. So the pipe knows where our stream is, whatever it sends.
//! * When both have ended, or at a reset, the connection leaves the tables at once. Its number and its buffer stay the
//!   host's until it lets them go. If we were the first to end, its place is remembered for a while (TIME-WAIT).

use std::collections::{BTreeMap, VecDeque};

use p4rmt_control::Request;
use p4rmt_wire::{Command, FailReason, HostEvent};

use crate::connection::{OwnStream, PeerStream, Tuple, distance};
use crate::now::Now;
use crate::packet::{Segment, flags};
use crate::plane::ControlPlane;
use crate::registers::{self, Snapshot};
use crate::{PlaneError, tables};

/// Connections that have ended, and may still be asked for.
#[derive(Debug, Default)]
pub(crate) struct TimeWait {
    by_tuple: BTreeMap<Tuple, Remembered>,
    /// In order of their end. Some may be gone.
    ends: VecDeque<(u64, Tuple)>,
}

#[derive(Clone, Copy, Debug)]
struct Remembered {
    until_ns: u64,
    /// The next sequence numbers, ours and the peer's.
    seq: u32,
    ack: u32,
}

impl TimeWait {
    fn add(&mut self, tuple: Tuple, remembered: Remembered, limit: usize) {
        while self.by_tuple.len() >= limit {
            let Some((_, oldest)) = self.ends.pop_front() else {
                return;
            };
            self.by_tuple.remove(&oldest);
        }
        self.ends.push_back((remembered.until_ns, tuple));
        self.by_tuple.insert(tuple, remembered);
    }

    pub(crate) fn holds(&self, tuple: &Tuple) -> bool {
        self.by_tuple.contains_key(tuple)
    }

    /// Whether a SYN with this number may begin anew: it lies behind all that came before.
    pub(crate) fn yields_to(&self, tuple: &Tuple, seq: u32) -> bool {
        let before = self.by_tuple.get(tuple);
        before.is_none_or(|before| distance(seq, before.ack) > 0)
    }

    pub(crate) fn remove(&mut self, tuple: &Tuple) {
        self.by_tuple.remove(tuple);
    }

    pub(crate) fn forget_old(&mut self, now_ns: u64) {
        while let Some((until_ns, tuple)) = self.ends.front().copied()
            && until_ns <= now_ns
        {
            self.ends.pop_front();
            // It may have begun anew, and ended again, since.
            if self
                .by_tuple
                .get(&tuple)
                .is_some_and(|it| it.until_ns <= now_ns)
            {
                self.by_tuple.remove(&tuple);
            }
        }
    }

    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.ends.front().map(|(until_ns, _)| *until_ns)
    }
}

impl ControlPlane {
    // ---- what hosts ask for ----

    /// The host's stream has this length.
    pub(crate) fn shutdown(
        &mut self,
        now: &mut Now<'_>,
        id: u16,
        length: u32,
    ) -> Result<(), PlaneError> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        if connection.is_over || connection.own != OwnStream::Open {
            return Ok(());
        }
        connection.own = OwnStream::EndsAt(connection.first_tx.wrapping_add(length));
        self.watch_soon(now.ns);
        let state = Snapshot::read(now, id)?;
        self.progress(now, id, &state)
    }

    pub(crate) fn abort(&mut self, now: &mut Now<'_>, id: u16) -> Result<(), PlaneError> {
        let connection = self.connections.get(&id);
        if connection.is_none_or(|connection| connection.is_over) {
            return Ok(());
        }
        self.statistics.reset_by_host += 1;
        self.send_reset(now, id)?;
        self.end_abruptly(now, id, FailReason::Aborted)
    }

    /// The host has done with a connection.
    pub(crate) fn release(&mut self, now: &mut Now<'_>, id: u16) -> Result<(), PlaneError> {
        let Some(connection) = self.connections.get(&id) else {
            return Ok(());
        };
        if !connection.is_over {
            self.statistics.reset_by_host += 1;
            self.send_reset(now, id)?;
            self.retire(now, id)?;
        }
        self.leave_backlog(id);
        if let Some(connection) = self.connections.remove(&id) {
            self.give_back(now.ns, connection.context, id, connection.buffer);
        }
        Ok(())
    }

    // ---- streams that end ----

    /// Does what a connection's state allows: takes the peer's FIN, sends ours, ends.
    pub(crate) fn progress(
        &mut self,
        now: &mut Now<'_>,
        id: u16,
        state: &Snapshot,
    ) -> Result<(), PlaneError> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        if connection.is_over {
            return Ok(());
        }
        let peer = connection.peer;
        if let PeerStream::EndsAt(end) = peer
            && state.rcv_next() == end
        {
            connection.peer = PeerStream::Ended;
            let length = end.wrapping_sub(connection.first_rx);
            now.command(Command::Reset {
                connection: id,
                next_seq: end.wrapping_add(1),
            })?;
            self.events.push_back(HostEvent::PeerFinished {
                connection: id,
                length,
            });
            let state = Snapshot::read(now, id)?;
            self.acknowledge(now, id, &state)?;
        }
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        match connection.own {
            OwnStream::EndsAt(end) if distance(state.tx_next_ack, end) >= 0 => {
                connection.own = OwnStream::FinSent(state.tx_next_ack);
                connection.ended_first = connection.peer != PeerStream::Ended;
                connection.watched.restart_timer(now.ns);
                now.all(vec![registers::write("tx_avail", id, &[1])])?;
                self.send_fin(now, id)?;
            }
            OwnStream::FinSent(end) if distance(state.tx_next_ack, end) > 0 => {
                connection.own = OwnStream::Ended;
            }
            _ => {}
        }
        if self
            .connections
            .get(&id)
            .is_some_and(|connection| connection.has_ended())
        {
            self.end_well(now, id)?;
        }
        Ok(())
    }

    /// Sends our FIN, for the first time or again.
    pub(crate) fn send_fin(&mut self, now: &mut Now<'_>, id: u16) -> Result<(), PlaneError> {
        let state = Snapshot::read(now, id)?;
        let Some(connection) = self.connections.get(&id) else {
            return Ok(());
        };
        let OwnStream::FinSent(end) = connection.own else {
            return Ok(());
        };
        let window = state.window(connection.own_scale);
        let fin_flags = flags::FIN | flags::ACK;
        let ack = state.rcv_next();
        let fin = Segment::of_ours(&connection.tuple, end, ack, fin_flags, window);
        self.send(now, &fin)
    }

    /// Both streams have ended.
    fn end_well(&mut self, now: &mut Now<'_>, id: u16) -> Result<(), PlaneError> {
        let state = Snapshot::read(now, id)?;
        let Some(connection) = self.connections.get(&id) else {
            return Ok(());
        };
        if connection.ended_first {
            let remembered = Remembered {
                until_ns: now.ns.saturating_add(self.config.timing.time_wait_ns),
                seq: state.tx_next_ack,
                ack: state.rcv_next(),
            };
            let limit = self.config.limits.time_wait.max(1);
            self.time_wait.add(connection.tuple, remembered, limit);
        }
        self.statistics.closed += 1;
        self.retire(now, id)?;
        self.events.push_back(HostEvent::Closed { connection: id });
        Ok(())
    }

    /// The connection is no more, and its host is told why.
    pub(crate) fn end_abruptly(
        &mut self,
        now: &mut Now<'_>,
        id: u16,
        reason: FailReason,
    ) -> Result<(), PlaneError> {
        self.retire(now, id)?;
        self.events.push_back(HostEvent::Reset {
            connection: id,
            reason,
        });
        Ok(())
    }

    /// Takes a connection out of the tables.
    fn retire(&mut self, now: &mut Now<'_>, id: u16) -> Result<(), PlaneError> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        connection.is_over = true;
        let tuple = connection.tuple;
        let mut requests: Vec<Request> = tables::forget_connection(id, &tuple).to_vec();
        if connection.watched.granted.take().is_some() {
            requests.push(tables::forget_rate(id));
        }
        self.by_tuple.remove(&tuple);
        now.all(requests)?;
        self.neighbours.remove_user(now, *tuple.remote.ip())
    }

    pub(crate) fn send_reset(&mut self, now: &mut Now<'_>, id: u16) -> Result<(), PlaneError> {
        let state = Snapshot::read(now, id)?;
        let Some(connection) = self.connections.get(&id) else {
            return Ok(());
        };
        let reset = Segment::of_ours(
            &connection.tuple,
            state.snd_next(),
            state.rcv_next(),
            flags::RST | flags::ACK,
            0,
        );
        self.send(now, &reset)
    }

    // ---- behind the end ----

    /// A segment of a connection that has ended: it has not got our last acknowledgment.
    pub(crate) fn take_late(
        &mut self,
        now: &mut Now<'_>,
        tuple: &Tuple,
        segment: &Segment<'_>,
    ) -> Result<(), PlaneError> {
        // RSTs do not end TIME-WAIT (RFC 1337); what only acknowledges needs no answer.
        if segment.has(flags::RST) || segment.len() == 0 {
            return Ok(());
        }
        let Some(before) = self.time_wait.by_tuple.get(tuple).copied() else {
            return Ok(());
        };
        let ack = Segment::of_ours(tuple, before.seq, before.ack, flags::ACK, 0);
        self.send(now, &ack)
    }
}
