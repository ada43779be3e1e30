//! Captures: packets with timestamps in files, read as pcap or pcapng, written as pcap.
//!
//! Reading is streaming: memory does not grow with the length of a file, and a length field that
//! promises more than there is costs nothing. A file that ends in the middle of something, or lies
//! about lengths, is an error with the offset of what is wrong; the packets before it have been given
//! out by then. The formats are read here, not by a library: the one that was at hand computes with
//! length fields before it checks them.

mod read;
mod write;

use std::io;

use thiserror::Error;

pub use read::{CaptureReader, CapturedPacket};
pub use write::CaptureWriter;

/// The longest packet that a capture may hold, in bytes: what tcpdump takes for unlimited.
pub const MAX_CAPTURED: u32 = 262_144;

/// The link type of Ethernet.
const ETHERNET: u32 = 1;

/// What is wrong with a capture, and where.
#[derive(Debug, Error)]
#[error("{fault}, at byte {offset}")]
pub struct CaptureError {
    /// Where the record, block or header begins that is at fault.
    pub offset: u64,
    /// What is wrong.
    #[source]
    pub fault: CaptureFault,
}

/// What is wrong with a capture.
#[derive(Debug, Error)]
pub enum CaptureFault {
    /// The file cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The file is something else.
    #[error("not a capture: it begins with neither the mark of pcap nor that of pcapng")]
    NotACapture,
    /// The file ends too early.
    #[error("the capture ends in the middle of a {what}: {needed} bytes needed, {available} left")]
    Truncated {
        /// Of what.
        what: &'static str,
        /// How long it is.
        needed: u64,
        /// How much of it there is.
        available: u64,
    },
    /// A length that cannot be.
    #[error("the length of a {what} is {length}: at most {available} is possible")]
    TooLong {
        /// Of what.
        what: &'static str,
        /// What the file says.
        length: u64,
        /// What can be.
        available: u64,
    },
    /// A length that is too small for what it is the length of, or not a multiple of four.
    #[error("the length of a {what} cannot be {length}")]
    BadLength {
        /// Of what.
        what: &'static str,
        /// What the file says.
        length: u64,
    },
    /// A block's two lengths differ.
    #[error("the lengths at both ends of a block differ: {first} and {second}")]
    LengthsDiffer {
        /// In front.
        first: u32,
        /// Behind.
        second: u32,
    },
    /// Neither byte order.
    #[error("the section's mark of byte order is {found:#010x}")]
    BadByteOrder {
        /// What stands there.
        found: u32,
    },
    /// Not Ethernet.
    #[error("the packets are of link type {found}: only Ethernet (1) can be replayed")]
    LinkType {
        /// The link type.
        found: u32,
    },
    /// A packet of an interface that was not described.
    #[error("the packet is of interface {interface}: {available} were described")]
    NoInterface {
        /// Which.
        interface: u32,
        /// How many there are.
        available: usize,
    },
}

impl CaptureFault {
    /// The fault with its place.
    fn at(self, offset: u64) -> CaptureError {
        CaptureError {
            offset,
            fault: self,
        }
    }
}
