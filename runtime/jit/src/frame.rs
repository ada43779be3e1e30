//! What compiled code and the engine exchange: one record for the packet in work.
//!
//! Compiled code reads and writes the fields of [`Frame`] at their offsets, and hands the frame to
//! [`crate::callbacks`] where it needs more than arithmetic.

use p4rmt_engine::{Given, Outcome, ProfileMembers, State};
use p4rmt_ir::{Bits, Gress, GressId, HashId, Id};

use crate::tables::TableView;

/// The packet in work. What stands first is the same for a batch; pointers of the rest are good for one
/// run of one packet.
#[repr(C)]
pub(crate) struct Frame {
    /// Registers, counters and meters ([`State::memory_mut`]).
    pub(crate) memory: *mut u8,
    /// Words that go to callbacks and come from them.
    pub(crate) scratch: *mut u64,
    /// By table.
    pub(crate) tables: *const TableView,
    /// By table: hits, then misses.
    pub(crate) counts: *mut [u64; 2],
    /// What callbacks work on.
    pub(crate) run: *mut Run,

    /// What the parser sees: the prefix and the packet in one piece, as far as a parser can read.
    pub(crate) bytes: *const u8,
    /// Bits of prefix and packet together.
    pub(crate) n_bits: u64,
    /// Bytes of the packet without prefix: what counters and meters count.
    pub(crate) packet_bytes: u64,
    /// The clock at which the packet entered the part that it is in.
    pub(crate) clock: u64,
    /// Where packets lie that pass a stage ([`crate::flight`]).
    pub(crate) records: *const *mut u8,
    /// How many they are.
    pub(crate) n_records: u64,
    /// Of a packet that runs through: the clock at which it enters the part behind the traffic manager.
    pub(crate) exit_clock: u64,
    /// [`p4rmt_engine::Job::inputs`].
    pub(crate) inputs: *const u64,
    /// Of a packet that runs through: what it is given.
    pub(crate) given: [u64; Given::N],
    /// Every field, as the packet starts with it and as it becomes.
    pub(crate) fields: *mut u64,
    /// Behind the traffic manager: [`Outcome::phv`].
    pub(crate) phv_out: *mut u64,
    /// [`Outcome::values`].
    pub(crate) values: *mut u64,
    /// [`Outcome::written`].
    pub(crate) written: *mut u64,
    /// Room for what the deparser emits.
    pub(crate) out: *mut u8,
    /// Bytes that it emitted there.
    pub(crate) out_bytes: u64,
    /// The headers that it emitted, in order.
    pub(crate) emitted: *mut u32,
    /// How many.
    pub(crate) n_emitted: u64,
    /// In (behind the traffic manager) and out (in front of it): where the payload starts, in bytes.
    pub(crate) payload_offset: u64,
    /// How parsing failed: the error in the high half, the number of the statement in the low one; 0
    /// if it did not.
    pub(crate) failure: u64,
    /// Whether the failure dropped the packet.
    pub(crate) is_dropped: u64,
    /// Bits of the headers that were valid behind the parser.
    pub(crate) parsed_bits: u64,
    /// Of a packet that runs through: what became of it, a [`Way`].
    pub(crate) way: u64,
    /// Of one that left: where.
    pub(crate) taken_port: u64,
    /// Whether a callback has told the outcome anything.
    pub(crate) is_told: u64,
    /// What the last callback gave.
    pub(crate) answer: u64,
}

/// What became of a packet that ran through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It waits in front of the traffic manager.
    Waits,
    /// It was dropped there.
    DroppedBefore,
    /// It was dropped behind.
    DroppedBehind,
    /// It left.
    Left,
}

/// What callbacks work on.
pub(crate) struct Run {
    pub(crate) gress: *const Gress,
    pub(crate) gress_id: GressId,
    pub(crate) loaded: *const crate::load::LoadedGress,
    pub(crate) state: *const State,
    pub(crate) memory_bytes: usize,
    pub(crate) outcome: *mut Outcome,
    pub(crate) buffers: *mut RunBuffers,
}

/// What callbacks use again from packet to packet.
#[derive(Default)]
pub(crate) struct RunBuffers {
    /// Bytes that are hashed.
    pub(crate) bytes: Vec<u8>,
    /// Values that wait to be hashed behind them.
    pub(crate) hashed: Vec<Bits>,
    /// What the deparser emitted, where it is not made of whole bytes.
    pub(crate) emitted: Vec<Bits>,
    /// By checksum unit: what was extracted since its residual was asked for.
    pub(crate) extracted: Vec<Bits>,
    /// The record of a picked member.
    pub(crate) record: Vec<u64>,
}

impl Default for Frame {
    fn default() -> Self {
        use std::ptr::{null, null_mut};
        Self {
            memory: null_mut(),
            scratch: null_mut(),
            tables: null(),
            counts: null_mut(),
            run: null_mut(),
            bytes: null(),
            n_bits: 0,
            packet_bytes: 0,
            clock: 0,
            records: null(),
            n_records: 0,
            exit_clock: 0,
            inputs: null(),
            given: [0; Given::N],
            fields: null_mut(),
            phv_out: null_mut(),
            values: null_mut(),
            written: null_mut(),
            out: null_mut(),
            out_bytes: 0,
            emitted: null_mut(),
            n_emitted: 0,
            payload_offset: 0,
            failure: 0,
            is_dropped: 0,
            parsed_bits: 0,
            way: 0,
            taken_port: 0,
            is_told: 0,
            answer: 0,
        }
    }
}

impl Default for Run {
    fn default() -> Self {
        use std::ptr::{null, null_mut};
        Self {
            gress: null(),
            gress_id: GressId::from_index(0),
            loaded: null(),
            state: null(),
            memory_bytes: 0,
            outcome: null_mut(),
            buffers: null_mut(),
        }
    }
}

impl Run {
    pub(crate) fn profile(&self, id: p4rmt_ir::ProfileId) -> Option<&ProfileMembers> {
        let gress = self.gress_id;
        // SAFETY: the state outlives the run, and nothing changes entries during it.
        unsafe { &*self.state }.profile(p4rmt_engine::Ref { gress, id })
    }

    pub(crate) fn hasher(&self, hash: HashId) -> &p4rmt_engine::Hasher {
        // SAFETY: what was loaded outlives the run and is never changed during it.
        &unsafe { &*self.loaded }.hashers[hash]
    }

    pub(crate) fn gress(&self) -> &Gress {
        // SAFETY: the program outlives the run and is never changed.
        unsafe { &*self.gress }
    }
}
