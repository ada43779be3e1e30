//! What hand-written versions of a work have in common.

use p4rmt_engine::State;

use crate::{BenchError, Packets, Sink};

/// A work done by hand: the same bytes out for the same bytes in, and the same state behind.
pub trait Native {
    /// Everything is as it was before the first packet.
    fn reset(&mut self);

    /// All packets, in order; what leaves goes to the sink, in the order of the engines for each port.
    fn run(&mut self, packets: &Packets, sink: &mut Sink);

    /// Compares what is kept from packet to packet with the registers of an engine.
    ///
    /// # Errors
    /// The first difference.
    fn compare(&self, state: &State) -> Result<(), BenchError>;
}
