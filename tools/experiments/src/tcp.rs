//! TCP as a model, a segment at a time: who sends, and who receives and remembers so many intervals.

mod receiver;
mod sender;

pub(crate) use receiver::{Acknowledgment, Fidelity, Receiver};
pub(crate) use sender::{Congestion, Sender, SenderSettings};

/// Payload of a segment, in bytes.
pub(crate) const MSS: u64 = 1460;

/// Bytes of a segment beside its payload: Ethernet with preamble and gap, IPv4, TCP with 12 bytes of options.
pub(crate) const OVERHEAD: u64 = 38 + 20 + 32;
