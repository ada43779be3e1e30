//! Laminar: segments of peers on port 1, a host on port 2, the control plane on port 64.

mod connection;
mod setup;
mod wire;

use crate::device::Subject;
use crate::prng::Prng;
use crate::{BenchError, Packets, Prepared};
use connection::Connection;

/// Bytes of payload of every segment.
const PAYLOAD: usize = 64;

/// The port of the peers.
const NETWORK_PORT: u16 = 1;
/// The port of the host.
const HOST_PORT: u16 = 2;
/// The port of the control plane.
const CONTROL_PORT: u16 = 64;

/// Segments in order: each connection has its turn in an order that looks random and is always the
/// same, so that two segments of one connection are as far apart as they can be.
pub(crate) fn receive(n_connections: u32, n_packets: usize) -> Result<Prepared, BenchError> {
    let mut turns: Vec<u32> = (0..n_connections).collect();
    Prng::new(1).shuffle(&mut turns);
    let mut payloads = Prng::new(2);
    let mut packets = Packets::default();
    for (index, number) in (0..n_packets).zip(turns.iter().cycle()) {
        let connection = Connection::new(*number);
        let n_before = index / turns.len() * PAYLOAD;
        let segment = wire::Segment {
            path: connection.path(),
            seq: connection.first_rx.wrapping_add(n_before as u32),
            ack: connection.first_tx,
            flags: wire::ACK,
            window: 65_535,
            payload: &payload(&mut payloads),
        };
        packets.push(NETWORK_PORT, &segment.to_bytes());
    }
    Ok(Prepared {
        subject: Subject::new("laminar.p4")?,
        packets,
        fill: Box::new(move |device| setup::fill(device, n_connections)),
        native: None,
    })
}

fn payload(prng: &mut Prng) -> [u8; PAYLOAD] {
    let mut payload = [0; PAYLOAD];
    for bytes in payload.chunks_exact_mut(8) {
        bytes.copy_from_slice(&prng.next().to_le_bytes());
    }
    payload
}
