//! What an engine is, and everything that all engines share.
//!
//! An [`Engine`] loads a pipe of a program and gives an [`Instance`], whose one operation is to run
//! a batch of packets through one gress. What outlives a packet is the caller's [`State`]; what goes
//! in and comes out are [`Job`]s and [`Outcome`]s. The rest of the crate are the parts from which
//! engines are built: match tables, hashes, checksums, meters, math units and the packet cursor, each
//! defined once.

mod checksum;
mod cursor;
mod entries;
mod entry_error;
mod hash;
mod instance;
mod job;
mod layout;
mod match_table;
mod math_unit;
mod meter;
mod names;
mod random;
mod save;
mod state;
mod trace;
mod words;

pub use checksum::OnesSum;
pub use cursor::{BitWriter, Cursor};
pub use entries::{Stamp, TableEntries};
pub use entry_error::EntryError;
pub use hash::Hasher;
pub use instance::{Engine, EngineError, GressInterface, Instance, Interface, Mode, TableCounts};
pub use job::{DigestMessage, Job, MirrorRequest, Outcome, ParseFailure, ResubmitRequest, Verdict};
pub use layout::{Array, ArrayField, GressLayout, Ref, StateLayout};
pub use match_table::{Hit, MatchTable};
pub use math_unit::math_unit;
pub use meter::{Color, FRACTION_BITS as METER_FRACTION_BITS, MeterCell, MeterConfig};
pub use names::{
    NameError, find_action, find_counter, find_meter, find_register, find_table, find_value_set,
};
pub use random::random_value;
pub use state::{Counts, State, StateError};
pub use trace::{Event, Trace};
pub use words::WordLayout;
