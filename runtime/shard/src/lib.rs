//! Which packets may run apart: the key that decides all memory that a packet touches.
//!
//! Two packets that touch different elements of registers and meters come to the same in any order. [`Key`] finds out
//! from the program, the entries of its tables, and a packet's bytes which elements that can be, and deals packets to
//! cores so that none touches what another core's packets touch. What is only added to (counters) is left out: sums can
//! be added. What cannot be proved is refused, with the reason ([`NoKey`]).
//!
//! Nothing here runs a packet, and nothing is taken for granted of the machine around the pipe: each packet that enters a
//! gress, whoever made it, is looked at before it does ([`Key::check`]), so that a copy that crosses from one key to
//! another is seen before it has touched anything.

mod cache;
mod evaluate;
mod execute;
mod explore;
mod graph;
mod key;
mod link;
mod reason;
mod tables;
mod time;

use p4rmt_ir::GressId;

pub use key::{Finder, Key};
pub use reason::{Cause, Crossing, NoKey};

use time::observes_time;

/// How packets arrive in a pipe.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// In which gress.
    pub gress: GressId,
    /// Which bits of what its parser sees hang on the clock.
    pub clock_bits: Bounds,
}

/// Places from one to another, in bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The first.
    pub start: u32,
    /// Behind the last.
    pub end: u32,
}
