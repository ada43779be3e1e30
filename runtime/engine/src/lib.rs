//! What an engine is, and everything that all engines share.
//!
//! An [`Engine`] loads a pipe of a program and gives an [`Instance`], which runs a batch of packets
//! through one gress, or packets through some [`Step`]s of it. What outlives a packet is the caller's [`State`];
//! what goes in and comes out are [`Job`]s and [`Outcome`]s. The rest of the crate are the parts from which
//! engines are built: match tables, hashes, checksums, meters, filters, stateful ALUs, math units and the
//! packet cursor, each defined once.
//!
//! ```
//! use std::sync::Arc;
//!
//! use p4rmt_engine::{State, StateLayout, find_register};
//! use p4rmt_ir::build::{GressBuilder, program};
//! use p4rmt_ir::{Arch, Bits, GressRole, Id, PipeId};
//!
//! let mut gress = GressBuilder::new(GressRole::Ingress);
//! gress.register("Ingress.rx_next_seq", 1024, &[32]);
//! let program = Arc::new(program("p", Arch::Tna, [gress.structured(vec![])]));
//!
//! let layout = StateLayout::new(program, PipeId::from_index(0))?;
//! let mut state = State::new(Arc::clone(&layout))?;
//! let register = find_register(layout.pipe(), "rx_next_seq").expect("the only one");
//! state.write_register(register, 7, &[Bits::from_u64(32, 1000)])?;
//!
//! let restored = State::from_bytes(&layout, &state.to_bytes())?;
//! assert_eq!(restored.register(register, 7)?, [Bits::from_u64(32, 1000)]);
//! # Ok::<(), p4rmt_engine::StateError>(())
//! ```

mod checksum;
mod cursor;
mod difference;
pub mod emitted;
mod entries;
mod entry_error;
mod filter;
mod hash;
mod instance;
mod job;
mod key_set;
mod layout;
mod load;
mod match_table;
mod math_unit;
mod meter;
mod names;
mod packet_headers;
mod parser_error;
mod passage;
mod profiles;
mod random;
mod reads;
pub mod remote;
mod save;
mod schedule;
mod state;
mod stateful_alu;
mod time;
mod trace;
mod uses;
mod words;

pub use checksum::{OnesSum, Residual};
/// The IR: crates that are emitted depend on this crate alone.
pub use p4rmt_ir as ir;
pub use p4rmt_source::Span;

pub use cursor::{BitWriter, Cursor};
pub use difference::Difference;
pub use entries::{EntryTarget, InstalledEntry, Stamp, TableEntries};
pub use entry_error::EntryError;
pub use filter::{FilterCell, FilterConfig, filter_draw};
pub use hash::Hasher;
pub use instance::{
    Engine, EngineError, GressInterface, Instance, Interface, Mode, Step, Stepping, TableCounts,
};
pub use job::{
    CloneRequest, DigestMessage, Job, KeepRequest, LogMessage, MirrorRequest, Outcome,
    ParseFailure, Part, ResubmitRequest, SwitchRequests, Verdict, Writer, WrongClaim, fill_log,
};
pub use key_set::{are_in_key_sets, is_in_key_set};
pub use layout::{Array, ArrayField, GressLayout, Ref, StateLayout};
pub use load::{open_pipe, schedule_of, watched_positions};
pub use match_table::{
    Changes, ExactTable, KeyLayout, KeyPiece, Masked, MatchTable, PrefixTable, Search, TableKind,
    TernaryTable,
};
pub use math_unit::math_unit;
pub use meter::{Color, FRACTION_BITS as METER_FRACTION_BITS, MeterCell, MeterConfig};
pub use names::{
    NameError, find_action, find_counter, find_digest, find_meter, find_profile,
    find_profile_action, find_register, find_table, find_value_set,
};
pub use packet_headers::{PacketHeaders, emitted_headers};
pub use parser_error::{MAX_IDLE_STATES, MAX_TURNS, OnParserError, StandardErrors};
pub use passage::{
    Arriving, Crossing, Departures, DroppedPacket, Given, Last, Left, Passage, Passed,
};
pub use profiles::ProfileMembers;
pub use random::random_value;
pub use schedule::{OTHERWISE, PlacedUnit, Schedule, THEN, TablePart, UnitKind};
pub use state::{Counts, State, StateError};
pub use stateful_alu::{StatefulResult, run_instruction};
pub use time::{Microseconds, TIME_MASK, clock_at, nanoseconds_and_rest};
pub use trace::{Event, HitEntry, Trace, Unit};
pub use uses::FieldUses;
pub use words::WordLayout;
