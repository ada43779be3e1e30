//! Segments of open connections that the pipe leaves to us, and what it tells.
//!
//! * SYNs and RSTs, after RFC 5961: only an RST with exactly the next sequence number counts; all else that may be
//!   forged is answered with an acknowledgment, now and then.
//! * FINs, and segments with options: checked, and what the pipe can take of them goes through it again, as an
//!   ordinary segment that arrives at the network port. So payload never takes another way than to the host.
//! * Segments that the pipe did not know yet when they came: likewise.
//! * A window that broke is mended. An acknowledgment of what was never sent is taken back: `acked_bytes` did not
//!   count it, so it says where `tx_next_ack` was. Until then nothing else moves it.

use p4rmt_wire::{Command, FailReason, Notice};

use crate::PlaneError;
use crate::connection::{OwnStream, PeerStream, distance};
use crate::now::Now;
use crate::packet::{Segment, flags};
use crate::plane::ControlPlane;
use crate::registers::{self, Snapshot};

impl ControlPlane {
    /// A segment of an open connection.
    pub(crate) fn take_open(
        &mut self,
        now: &mut Now<'_>,
        id: u16,
        segment: &Segment<'_>,
    ) -> Result<(), PlaneError> {
        let Some(connection) = self.connections.get(&id) else {
            return Ok(());
        };
        let context = self.contexts.get(&connection.context);
        let transmit_bytes = context.map_or(0, |context| context.settings.transmit_bytes);
        let mut state = Snapshot::read(now, id)?;
        if self.mend(now, id, &state)? {
            state = Snapshot::read(now, id)?;
        }
        let start = distance(segment.seq, state.rcv_next());
        let room = state.rx_avail.min(1 << 30).cast_signed();
        if segment.has(flags::RST) {
            if start == 0 {
                self.statistics.reset_by_peer += 1;
                return self.end_abruptly(now, id, FailReason::Refused);
            }
            if (0..=room).contains(&start) {
                return self.challenge(now, id, &state);
            }
            return Ok(());
        }
        if segment.has(flags::SYN) {
            return self.challenge(now, id, &state);
        }
        if !segment.has(flags::ACK) {
            return Ok(());
        }
        // Nothing older than what can be on its way (RFC 5961, 5), and nothing that was never sent.
        let ack = distance(segment.ack, state.tx_next_ack);
        let oldest = -(transmit_bytes.min(1 << 30).cast_signed()) - 1;
        let newest = state.tx_avail.min(1 << 30).cast_signed();
        let is_ack_good = (oldest..=newest).contains(&ack);
        let end = start.wrapping_add(segment.len().cast_signed());
        let is_old = end < 0 || end == 0 && segment.len() > 0 || segment.len() == 0 && start < 0;
        if !is_ack_good || start > room || is_old && segment.payload.is_empty() {
            return self.challenge(now, id, &state);
        }
        let has_news = ack > 0 || ack == 0 && state.tx_avail == 0;
        let state = if segment.payload.is_empty() && !has_news {
            state
        } else {
            self.pass_on(now, segment)?;
            Snapshot::read(now, id)?
        };
        let mut is_early = false;
        if segment.has(flags::FIN)
            && let Some(connection) = self.connections.get_mut(&id)
            && connection.peer != PeerStream::Ended
        {
            let end = segment.seq.wrapping_add(segment.payload.len() as u32);
            if distance(end, state.rcv_next()) >= 0 {
                connection.peer = PeerStream::EndsAt(end);
                is_early = end != state.rcv_next();
            }
        }
        if is_early && segment.payload.is_empty() {
            // What is missing is asked for.
            self.acknowledge(now, id, &state)?;
        }
        self.progress(now, id, &state)
    }

    /// Lets a segment come again, as one that the pipe takes.
    fn pass_on(&mut self, now: &mut Now<'_>, segment: &Segment<'_>) -> Result<(), PlaneError> {
        let plain = Segment {
            flags: segment.flags & !flags::FIN,
            options: &[],
            ..*segment
        };
        let from = *segment.src.ip();
        if let Some((network, mac)) = self.neighbours.neighbour(from)
            && let Some(frame) = plain.to_frame([network.mac, mac])
        {
            self.statistics.passed_on += 1;
            now.switch.send(network.port, frame)?;
        }
        Ok(())
    }

    /// Answers what may be forged: a peer that is what it seems to be knows what to do then.
    fn challenge(
        &mut self,
        now: &mut Now<'_>,
        id: u16,
        state: &Snapshot,
    ) -> Result<(), PlaneError> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        let wait_ns = self.config.timing.challenge_ns;
        let since = |last: u64| now.ns.saturating_sub(last);
        if connection
            .challenged_ns
            .is_some_and(|last| since(last) < wait_ns)
        {
            return Ok(());
        }
        connection.challenged_ns = Some(now.ns);
        self.statistics.challenges += 1;
        self.acknowledge(now, id, state)
    }

    /// The pipe tells of a connection. What it tells may be old: the registers say how it is.
    pub(crate) fn take_notice(
        &mut self,
        now: &mut Now<'_>,
        notice: &Notice,
    ) -> Result<(), PlaneError> {
        let id = notice.connection;
        let connection = self.connections.get(&id);
        if connection.is_none_or(|connection| connection.is_over) {
            return Ok(());
        }
        let state = Snapshot::read(now, id)?;
        self.mend(now, id, &state)?;
        Ok(())
    }

    /// Mends what broke of a connection, and says whether anything did.
    pub(crate) fn mend(
        &mut self,
        now: &mut Now<'_>,
        id: u16,
        state: &Snapshot,
    ) -> Result<bool, PlaneError> {
        let Some(first_tx) = self
            .connections
            .get(&id)
            .map(|connection| connection.first_tx)
        else {
            return Ok(false);
        };
        if state.rx_broken != 0 {
            // The difference does not change while the window is broken, and nobody else mends it.
            let next_seq = state.rcv_next();
            now.command(Command::Reset {
                connection: id,
                next_seq,
            })?;
            self.statistics.mended_windows += 1;
            let whole = Snapshot::read(now, id)?;
            // The peer was told that it is closed.
            if whole.rx_avail >= u32::from(self.config.mss) {
                self.acknowledge(now, id, &whole)?;
            }
        }
        // The first byte that is not acknowledged, by what was.
        let next_ack = first_tx.wrapping_add(state.acked_bytes);
        if next_ack != state.tx_next_ack {
            now.all(vec![registers::write("tx_next_ack", id, &[next_ack])])?;
            self.statistics.mended_acks += 1;
            if !matches!(
                self.own_stream(id),
                Some(OwnStream::FinSent(_) | OwnStream::Ended)
            ) {
                // What the host sent meanwhile was stale, and dropped.
                now.command(Command::Sync {
                    connection: id,
                    freed: 0,
                })?;
            }
            let mended = Snapshot::read(now, id)?;
            self.challenge(now, id, &mended)?;
        }
        Ok(state.rx_broken != 0 || next_ack != state.tx_next_ack)
    }

    fn own_stream(&self, id: u16) -> Option<OwnStream> {
        self.connections.get(&id).map(|connection| connection.own)
    }
}
