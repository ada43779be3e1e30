//! A minimal host: what libTOE does, and no more.
//!
//! * Its memory is made of the RDMA writes alone. What is ready it knows from their immediate data,
//!   17 bits of a sequence number; what it has read it gives back by a SYNC, a quarter of the buffer
//!   at a time.
//! * What it sends goes out as writes of at most one MSS, within the credits that it was told of and
//!   a share of its transmit buffer. It keeps what the peer has not acknowledged, and starts again
//!   from there when a report says so.

use std::collections::{BTreeMap, VecDeque};

use super::rig::{BUFFER_BYTES, HOST_PATH, Identity, MSS, QUEUE_PAIR, REMOTE_KEY, REPORTS_BASE};
use super::wire::RdmaWrite;

/// Bytes that may be on their way to a peer: three quarters of a window without scaling, so that
/// what the peer has not read yet does not matter.
const IN_FLIGHT: u32 = 48 << 10;

/// Why a report came (`REPORT_…` in `p4src/laminar/types.p4`).
const TIMEOUT: u32 = 3;
const FAST_RETRANSMIT: u32 = 4;

/// What an exchange needs of a host.
pub trait HostSide {
    /// Opens a connection on which so many bytes may be sent before the first grant.
    fn open(&mut self, identity: Identity, credits: u32);
    /// Queues bytes for sending.
    fn send(&mut self, id: u16, bytes: &[u8]);
    /// Takes what is ready, at most `limit` bytes.
    fn read(&mut self, id: u16, limit: u32) -> Vec<u8>;
    /// Takes the writes that are to go to the switch.
    fn take_writes(&mut self) -> Vec<Vec<u8>>;
    /// A write of the switch arrives.
    fn take(&mut self, packet: &[u8]);
    /// How often it started again from the first byte that was not acknowledged.
    fn n_restarts(&self) -> u64;
}

/// A host with one context.
#[derive(Debug, Default)]
pub struct Host {
    endpoints: BTreeMap<u16, Endpoint>,
    /// Packet sequence number of the next write to come.
    next_in: u32,
    /// Packet sequence number of the next write to go.
    next_out: u32,
    writes: VecDeque<Vec<u8>>,
    n_restarts: u64,
}

/// The host's end of a connection. Positions are sequence numbers in, stream offsets out.
#[derive(Debug)]
struct Endpoint {
    identity: Identity,
    /// The receive buffer. It is mapped twice, so that a write may cross its end.
    memory: Vec<u8>,
    ready: u32,
    read: u32,
    freed: u32,
    /// All that is to be sent, from the first byte of the stream.
    outgoing: Vec<u8>,
    acked: u32,
    sent: u32,
    credits: u32,
}

impl HostSide for Host {
    fn open(&mut self, identity: Identity, credits: u32) {
        let endpoint = Endpoint {
            identity,
            memory: vec![0; BUFFER_BYTES as usize],
            ready: identity.first_rx,
            read: identity.first_rx,
            freed: identity.first_rx,
            outgoing: Vec::new(),
            acked: 0,
            sent: 0,
            credits,
        };
        self.endpoints.insert(identity.id, endpoint);
    }

    fn send(&mut self, id: u16, bytes: &[u8]) {
        self.endpoint(id).outgoing.extend(bytes);
    }

    /// The place of what was read is given back when it is a quarter of the buffer.
    fn read(&mut self, id: u16, limit: u32) -> Vec<u8> {
        let endpoint = self.endpoint(id);
        let n_bytes = endpoint.ready.wrapping_sub(endpoint.read).min(limit);
        let bytes = (0..n_bytes).map(|at| {
            let seq = endpoint.read.wrapping_add(at);
            endpoint.memory[endpoint.offset_of(seq)]
        });
        let bytes = bytes.collect();
        endpoint.read = endpoint.read.wrapping_add(n_bytes);
        let freed = endpoint.read.wrapping_sub(endpoint.freed);
        if freed >= BUFFER_BYTES / 4 {
            endpoint.freed = endpoint.read;
            self.write(
                0x8000 << 48 | u64::from(id) << 32 | u64::from(freed),
                Vec::new(),
                false,
            );
        }
        bytes
    }

    fn take_writes(&mut self) -> Vec<Vec<u8>> {
        let ids: Vec<u16> = self.endpoints.keys().copied().collect();
        for id in ids {
            while let Some((at, payload, is_last)) = self.endpoint(id).next_write() {
                self.write(u64::from(id) << 32 | u64::from(at), payload, is_last);
            }
        }
        self.writes.drain(..).collect()
    }

    /// # Panics
    /// If it is damaged, for somebody else, out of order, or outside of all buffers.
    fn take(&mut self, packet: &[u8]) {
        let write = RdmaWrite::from_bytes(packet).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(write.path, HOST_PATH);
        assert_eq!(write.queue_pair, QUEUE_PAIR);
        assert_eq!(write.rkey, REMOTE_KEY);
        assert_eq!(write.sequence, self.next_in, "packet sequence number");
        self.next_in = (self.next_in + 1) & 0xff_ffff;
        if write.address >= REPORTS_BASE {
            self.take_report(&write);
        } else {
            let endpoint = self
                .endpoints
                .values_mut()
                .find(|endpoint| endpoint.holds(write.address))
                .unwrap_or_else(|| panic!("a write to {:#x}, where nothing is", write.address));
            endpoint.take_payload(&write);
        }
    }

    fn n_restarts(&self) -> u64 {
        self.n_restarts
    }
}

impl Host {
    fn take_report(&mut self, write: &RdmaWrite) {
        let words: Vec<u32> = write
            .payload
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_be_bytes(*word))
            .collect();
        let [connection, next_ack, granted, reason] = words[..] else {
            panic!("a report of {} bytes", write.payload.len())
        };
        assert_eq!(write.address, REPORTS_BASE + u64::from(connection) * 16);
        let id = u16::try_from(connection).expect("connections have 15 bits");
        let endpoint = self.endpoint(id);
        endpoint.acked = next_ack.wrapping_sub(endpoint.identity.first_tx);
        assert!(
            endpoint.acked as usize <= endpoint.outgoing.len(),
            "what was never sent is acknowledged: {} bytes",
            endpoint.acked
        );
        endpoint.sent = endpoint.sent.max(endpoint.acked);
        endpoint.credits = endpoint.credits.saturating_add(granted);
        match reason {
            TIMEOUT => endpoint.sent = endpoint.acked,
            FAST_RETRANSMIT => {
                endpoint.sent = endpoint.acked;
                endpoint.credits /= 2;
            }
            _ => return,
        }
        self.n_restarts += 1;
    }

    fn endpoint(&mut self, id: u16) -> &mut Endpoint {
        let endpoint = self.endpoints.get_mut(&id);
        endpoint.unwrap_or_else(|| panic!("connection {id} is not open"))
    }

    fn write(&mut self, address: u64, payload: Vec<u8>, is_last: bool) {
        let write = RdmaWrite {
            path: HOST_PATH.reversed(),
            queue_pair: 0x100,
            sequence: self.next_out,
            address,
            rkey: 0,
            immediate: is_last.then_some(0),
            payload,
        };
        self.next_out = (self.next_out + 1) & 0xff_ffff;
        self.writes.push_back(write.to_bytes());
    }
}

impl Endpoint {
    fn offset_of(&self, seq: u32) -> usize {
        (seq.wrapping_sub(self.identity.first_rx) % BUFFER_BYTES) as usize
    }

    fn holds(&self, address: u64) -> bool {
        let base = self.identity.buffer_base();
        (base..base + 2 * u64::from(BUFFER_BYTES)).contains(&address)
    }

    fn take_payload(&mut self, write: &RdmaWrite) {
        let size = self.memory.len();
        let start = usize::try_from(write.address - self.identity.buffer_base());
        let start = start.expect("the address is in the buffer");
        let end = start + write.payload.len();
        assert!(end <= 2 * size, "a write that ends outside of its buffer");
        for (at, byte) in (start..end).zip(&write.payload) {
            self.memory[at % size] = *byte;
        }
        let Some(immediate) = write.immediate else {
            return;
        };
        assert_eq!(
            immediate >> 17,
            u32::from(self.identity.id),
            "whose bytes are ready"
        );
        let more = (immediate & 0x1_ffff).wrapping_sub(self.ready) & 0x1_ffff;
        self.ready = self.ready.wrapping_add(more);
        let used = self.ready.wrapping_sub(self.freed);
        assert!(used <= BUFFER_BYTES, "{used} bytes are in the buffer");
    }

    /// Where the next write begins in the stream, its bytes, and whether it is the last for now.
    fn next_write(&mut self) -> Option<(u32, Vec<u8>, bool)> {
        let queued = u32::try_from(self.outgoing.len()).expect("streams are shorter than 4 GiB");
        let end = (self.sent + MSS).min(queued);
        if end == self.sent || end - self.acked > IN_FLIGHT || self.credits == 0 {
            return None;
        }
        let at = self.sent;
        let payload = self.outgoing[at as usize..end as usize].to_vec();
        self.credits = self.credits.saturating_sub(end - at);
        self.sent = end;
        Some((at, payload, end == queued))
    }
}
