//! Laminar: segments of peers on port 1, a host on port 2, the control plane on port 64.

mod by_hand;
mod connection;
mod setup;
mod wire;

use crate::device::Subject;
use crate::prng::Prng;
use crate::{BenchError, Packets, Prepared};
use by_hand::ByHand;
use connection::{Connection, Context};

/// Bytes of payload of every segment.
const PAYLOAD: usize = 64;

/// The port of the peers.
const NETWORK_PORT: u16 = 1;
/// The port of the host.
const HOST_PORT: u16 = 2;
/// The port of the control plane.
const CONTROL_PORT: u16 = 64;

/// The connections' turns: an order that looks random and is always the same, so that two packets of one
/// connection are as far apart as they can be.
fn turns(n_connections: u32) -> Vec<u32> {
    let mut turns: Vec<u32> = (0..n_connections).collect();
    Prng::new(1).shuffle(&mut turns);
    turns
}

fn prepared(n_connections: u32, packets: Packets) -> Result<Prepared, BenchError> {
    Ok(Prepared {
        subject: Subject::new("laminar.p4")?,
        packets,
        fill: Box::new(move |device| setup::fill(device, n_connections)),
        native: Box::new(ByHand::new(n_connections)),
    })
}

/// The segment of a connection that begins with its `nth` payload.
fn segment(number: u32, nth: u32, prng: &mut Prng) -> Vec<u8> {
    let connection = Connection::new(number);
    wire::Segment {
        path: connection.path(),
        seq: connection.first_rx.wrapping_add(nth * PAYLOAD as u32),
        ack: connection.first_tx,
        flags: wire::ACK,
        window: 65_535,
        payload: &payload(prng),
        is_marked: false,
    }
    .to_bytes()
}

/// Segments in order.
pub(crate) fn receive(n_connections: u32, n_packets: usize) -> Result<Prepared, BenchError> {
    let turns = turns(n_connections);
    let mut prng = Prng::new(2);
    let mut packets = Packets::default();
    for (index, number) in (0..n_packets).zip(turns.iter().cycle()) {
        let nth = (index / turns.len()) as u32;
        packets.push(NETWORK_PORT, &segment(*number, nth, &mut prng));
    }
    prepared(n_connections, packets)
}

/// Of a thousand segments, how many are overtaken by the next of their connection, or lost and sent again.
const OVERTAKEN: u64 = 5;
const LOST: u64 = 5;

/// After how many other segments of its connection a lost one is sent again.
const RESENT_AFTER: u32 = 3;

/// Segments of which one in a hundred is lost or overtaken.
pub(crate) fn receive_with_loss(
    n_connections: u32,
    n_packets: usize,
) -> Result<Prepared, BenchError> {
    /// Where a connection is: what comes next, and what is late, with the turns until it comes.
    #[derive(Clone, Copy, Default)]
    struct Progress {
        nth: u32,
        late: Option<(u32, u32)>,
    }
    let turns = turns(n_connections);
    let mut progress = vec![Progress::default(); turns.len()];
    let mut prng = Prng::new(3);
    let mut packets = Packets::default();
    for (_, number) in (0..n_packets).zip(turns.iter().cycle()) {
        let at = &mut progress[*number as usize];
        if let Some((nth, 0)) = at.late {
            at.late = None;
            packets.push(NETWORK_PORT, &segment(*number, nth, &mut prng));
            continue;
        }
        at.late = match at.late {
            Some((nth, n_turns)) => Some((nth, n_turns - 1)),
            None => match prng.below(1000) {
                draw if draw < OVERTAKEN => Some((at.nth, 0)),
                draw if draw < OVERTAKEN + LOST => Some((at.nth, RESENT_AFTER - 1)),
                _ => None,
            }
            .inspect(|_| at.nth += 1),
        };
        packets.push(NETWORK_PORT, &segment(*number, at.nth, &mut prng));
        at.nth += 1;
    }
    prepared(n_connections, packets)
}

/// Writes of the host, to be sent in order; one in eight ends a message.
pub(crate) fn transmit(n_connections: u32, n_packets: usize) -> Result<Prepared, BenchError> {
    let turns = turns(n_connections);
    let mut prng = Prng::new(4);
    let mut packets = Packets::default();
    for (index, number) in (0..n_packets).zip(turns.iter().cycle()) {
        let write = wire::Write {
            context: Context::new(Connection::new(*number).context),
            connection: *number,
            offset: (index / turns.len() * PAYLOAD) as u32,
            has_immediate: prng.below(8) == 0,
            payload: &payload(&mut prng),
        };
        packets.push(HOST_PORT, &write.to_bytes());
    }
    prepared(n_connections, packets)
}

/// Anything that a segment or a write can be, in no order: what only shows whether all cases are alike.
///
/// # Errors
/// The compiler's.
pub fn prepare_anything(n_packets: usize, seed: u64) -> Result<Prepared, BenchError> {
    const CONNECTIONS: u32 = 4;
    let mut prng = Prng::new(seed);
    let mut packets = Packets::default();
    for _ in 0..n_packets {
        let connection = Connection::new(prng.below(CONNECTIONS.into()) as u32);
        // Near the start of both streams, sometimes far.
        let near = |prng: &mut Prng| match prng.below(16) {
            0 => prng.next() as u32,
            1 => (prng.below(4) << 30) as u32,
            _ => (prng.below(40) * 16) as u32,
        };
        let len = prng.below(5) as usize * 16 + prng.below(3) as usize;
        let payload = payload(&mut prng);
        if prng.below(4) == 0 {
            let write = wire::Write {
                context: Context::new(connection.context),
                connection: connection.number,
                offset: near(&mut prng).wrapping_sub(64),
                has_immediate: prng.below(2) == 0,
                payload: &payload[..len.min(PAYLOAD)],
            };
            packets.push(HOST_PORT, &write.to_bytes());
            continue;
        }
        let segment = wire::Segment {
            path: connection.path(),
            seq: connection
                .first_rx
                .wrapping_add(near(&mut prng))
                .wrapping_sub(64),
            ack: connection
                .first_tx
                .wrapping_add(near(&mut prng) / 2)
                .wrapping_sub(16),
            flags: wire::ACK | [0, 0x40, 0x08][prng.below(3) as usize],
            window: prng.next() as u16 >> 8,
            payload: &payload[..len.min(PAYLOAD)],
            is_marked: prng.below(4) == 0,
        };
        packets.push(NETWORK_PORT, &segment.to_bytes());
    }
    prepared(CONNECTIONS, packets)
}

fn payload(prng: &mut Prng) -> [u8; PAYLOAD] {
    let mut payload = [0; PAYLOAD];
    for bytes in payload.chunks_exact_mut(8) {
        bytes.copy_from_slice(&prng.next().to_le_bytes());
    }
    payload
}
