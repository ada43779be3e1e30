//! Laminar's data path, written by hand: segments to the host and their acknowledgments, writes of the
//! host to peers, as `laminar.p4` does them, every case of both.
//!
//! What makes it fast: all that a segment changes of its connection lies in one cache line; segments
//! are taken in bursts, in two passes, so that the lookups of a burst wait for memory together;
//! headers that do not change are copied whole, with the part of their checksums that is known.
//!
//! Not here: what is neither a segment of a known connection nor a write of a host for one (bridging,
//! SYNCs, commands). Such packets are lost; no work has any.

mod connection;
mod frame;
mod lookup;
mod receive;
mod transmit;

use p4rmt_engine::State;

use super::connection::{Connection, Context, N_CONTEXTS};
use super::{HOST_PORT, NETWORK_PORT};
use crate::tables::Reader;
use crate::{BenchError, Native, Packets, Sink};
use connection::{Cold, Hot};
use frame::{HostFrame, MAX_FRAME};
use lookup::Segments;

/// Segments that are looked up before the first of them is done.
const BURST: usize = 32;

/// Laminar.
pub(super) struct ByHand {
    segments: Segments,
    connections: Vec<Hot>,
    cold: Vec<Cold>,
    hosts: Vec<HostFrame>,
    /// The frame that is being made.
    frame: Box<[u8; MAX_FRAME]>,
    /// How far the machine's clock is: one entry into a gress a clock.
    clock: u64,
    fresh: Vec<Hot>,
}

impl ByHand {
    pub(super) fn new(n_connections: u32) -> Self {
        let connections: Vec<_> = (0..n_connections).map(Connection::new).collect();
        let fresh: Vec<_> = connections.iter().map(Hot::new).collect();
        Self {
            segments: Segments::new(&connections),
            connections: fresh.clone(),
            cold: connections.iter().map(Cold::new).collect(),
            hosts: (0..N_CONTEXTS)
                .map(|n| HostFrame::new(&Context::new(n)))
                .collect(),
            frame: Box::new([0; MAX_FRAME]),
            clock: 0,
            fresh,
        }
    }
}

/// Nanoseconds at a clock, as 32 bits.
fn nanoseconds(clock: u64) -> u32 {
    (clock * 1000 / 1350) as u32
}

impl Native for ByHand {
    fn reset(&mut self) {
        self.connections.copy_from_slice(&self.fresh);
        self.cold.iter_mut().for_each(Cold::reset);
        self.hosts.iter_mut().for_each(|host| host.sequence = 0);
        self.clock = 0;
    }

    fn run(&mut self, packets: &Packets, sink: &mut Sink) {
        let mut start = 0;
        while start < packets.len() {
            let end = packets.len().min(start + BURST);
            let mut found = [None; BURST];
            let mut touched = 0;
            for (found, index) in found.iter_mut().zip(start..end) {
                let Some((port, packet)) = packets.get(index) else {
                    break;
                };
                *found = match port {
                    NETWORK_PORT => receive::find(&self.segments, packet),
                    HOST_PORT => transmit::find(packet, self.connections.len()),
                    _ => None,
                };
                if let Some(number) = found {
                    // Its line of the cache is on its way from here on.
                    touched ^= self.connections[*number as usize].rx_next;
                }
            }
            std::hint::black_box(touched);
            for (found, index) in found.into_iter().zip(start..end) {
                let (Some(number), Some((port, packet))) = (found, packets.get(index)) else {
                    continue;
                };
                if port == NETWORK_PORT {
                    self.receive(number, packet, sink);
                } else {
                    self.transmit(number, packet, sink);
                }
            }
            start = end;
        }
    }

    fn compare(&self, state: &State) -> Result<(), BenchError> {
        type Value = fn(&Hot) -> [u32; 2];
        let of_connections: [(&'static str, Value); 9] = [
            ("rx_next_seq", |c| [c.rx_next, 0]),
            ("rx_avail", |c| [c.rx_free, c.rx_broken]),
            ("rx_ooo_tail", |c| [c.ooo_tail, 0]),
            ("rx_ooo_head", |c| [c.ooo_head, 0]),
            ("tx_next_ack", |c| [c.tx_next, 0]),
            ("tx_dupack_cnt", |c| [c.duplicates.into(), 0]),
            ("tx_avail", |c| [c.tx_handed, 0]),
            ("tx_credits", |c| [c.tx_credits, 0]),
            ("tx_remote_avail", |c| [c.tx_window, 0]),
        ];
        for (name, value) in of_connections {
            let register = Reader::new(state, name)?;
            for (index, connection) in self.connections.iter().enumerate() {
                register.expect(index, &value(connection))?;
            }
        }
        // When a segment left differs from one way of running it to another.
        type Statistic = fn(&Cold) -> u32;
        let statistics: [(&'static str, Statistic); 4] = [
            ("acked_bytes", |c| c.acked),
            ("marked_bytes", |c| c.marked),
            ("fast_retransmits", |c| c.fast),
            ("rtt_timed", |c| c.timed_end),
        ];
        for (name, value) in statistics {
            let register = Reader::new(state, name)?;
            for (index, cold) in self.cold.iter().enumerate() {
                register.expect(index, &[value(cold)])?;
            }
        }
        let register = Reader::new(state, "dma_sequence")?;
        for (index, host) in self.hosts.iter().enumerate() {
            register.expect(index, &[host.sequence])?;
        }
        Ok(())
    }
}
