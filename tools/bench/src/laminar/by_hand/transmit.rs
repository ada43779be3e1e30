//! A write of the host: its payload becomes a segment for the peer.

use super::frame::{be16, be32, fold, is_icrc_right, raw_sum};
use super::receive::window;
use super::{ByHand, nanoseconds};
use crate::Sink;
use crate::laminar::NETWORK_PORT;
use crate::laminar::connection::{Context, LOCAL_IP, OWN_MAC, PEER_MAC};

const IP: usize = 14;
const UDP: usize = 34;
const BTH: usize = 42;
const RETH: usize = 54;
const TCP: usize = 34;

/// Headers of the longest kind of write.
const HEADERS: usize = RETH + 16;

/// A write of a host for a connection that there is, its lengths and ICRC right.
#[inline]
pub(super) fn find(frame: &[u8], n_connections: usize) -> Option<u32> {
    let headers: &[u8; HEADERS] = frame.first_chunk()?;
    let is_write = headers[12..14] == [8, 0]
        && headers[IP] == 0x45
        && be16(headers, IP + 6) & 0x3fff == 0
        && headers[IP + 9] == 17
        && be16(headers, UDP + 2) == 4791
        && headers[BTH] & 0xfe == 0x2a
        && be16(headers, RETH) == 0;
    let to = be32(headers, IP + 16);
    if !is_write || (to != LOCAL_IP && to != Context::new(0).own_ip) {
        return None;
    }
    let icrc_at = (IP + usize::from(be16(headers, IP + 2))).checked_sub(4)?;
    if frame.len() < icrc_at + 4 || icrc_at < HEADERS || !is_icrc_right(frame, icrc_at) {
        return None;
    }
    let number = u32::from(be16(headers, RETH + 2));
    ((number as usize) < n_connections).then_some(number)
}

impl ByHand {
    /// All that a write causes.
    #[inline]
    pub(super) fn transmit(&mut self, number: u32, frame: &[u8], sink: &mut Sink) {
        self.clock += 1;
        let now = nanoseconds(self.clock);
        self.clock += 1;
        let connection = &mut self.connections[number as usize];
        let cold = &mut self.cold[number as usize];
        let pushes = frame[BTH] == 0x2b;
        let start = if pushes { HEADERS + 4 } else { HEADERS };
        let pad = usize::from(frame[BTH + 1] >> 4 & 3);
        let end = IP + usize::from(be16(frame, IP + 2)) - 4 - pad;
        let Some(payload) = frame.get(start..end).filter(|payload| !payload.is_empty()) else {
            return;
        };
        let len = payload.len() as u32;
        let seq = be32(frame, RETH + 4).wrapping_add(cold.first_tx);
        let start = seq.wrapping_sub(connection.tx_next);
        if (start as i32) < 0 {
            return;
        }
        let stop = start.wrapping_add(len);
        let is_fresh = stop > connection.tx_handed;
        connection.tx_handed = connection.tx_handed.max(stop);
        let has_credit = connection.tx_credits != 0;
        connection.tx_credits = connection.tx_credits.saturating_sub(len);
        if !has_credit || stop > connection.tx_window {
            return;
        }
        if is_fresh && cold.timed_since == 0 {
            cold.timed_end = stop;
            cold.timed_since = now;
        }
        let out = &mut *self.frame;
        out[..6].copy_from_slice(&PEER_MAC);
        out[6..12].copy_from_slice(&OWN_MAC);
        out[12..14].copy_from_slice(&[8, 0]);
        let total_len = 40 + payload.len() as u16;
        out[IP..IP + 12].copy_from_slice(&[0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0]);
        out[IP + 2..IP + 4].copy_from_slice(&total_len.to_be_bytes());
        out[IP + 12..IP + 16].copy_from_slice(&cold.local_ip.to_be_bytes());
        out[IP + 16..IP + 20].copy_from_slice(&cold.peer_ip.to_be_bytes());
        let checksum = !fold(raw_sum(&out[IP..IP + 20]));
        out[IP + 10..IP + 12].copy_from_slice(&checksum.to_le_bytes());
        out[TCP..TCP + 2].copy_from_slice(&cold.local_port.to_be_bytes());
        out[TCP + 2..TCP + 4].copy_from_slice(&cold.peer_port.to_be_bytes());
        out[TCP + 4..TCP + 8].copy_from_slice(&seq.to_be_bytes());
        let acknowledged = connection.rx_next.wrapping_sub(connection.rx_broken);
        out[TCP + 8..TCP + 12].copy_from_slice(&acknowledged.to_be_bytes());
        let flags = if pushes { 0x5018_0000 } else { 0x5010_0000 };
        let window = window(connection, connection.rx_free, connection.rx_broken != 0);
        out[TCP + 12..TCP + 16].copy_from_slice(&(flags | window).to_be_bytes());
        let end = IP + usize::from(total_len);
        out[TCP + 16..TCP + 20].fill(0);
        out[TCP + 20..end].copy_from_slice(payload);
        let pseudo = u64::from((6 + total_len - 20).swap_bytes());
        let addresses = raw_sum(&out[IP + 12..IP + 20]);
        let checksum = !fold(addresses + pseudo + raw_sum(&out[TCP..end]));
        out[TCP + 16..TCP + 18].copy_from_slice(&checksum.to_le_bytes());
        sink.packet(NETWORK_PORT, &out[..end]);
    }
}
