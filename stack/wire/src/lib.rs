//! What Laminar, its control plane and its hosts say to each other.
//!
//! The packets are those of `testvectors/laminar/README.md`. Each type is read by `parse` and written by `emit`; every
//! length is checked before it is used, and nothing is allocated but what the caller's buffer grows.
//!
//! * Between pipe and host: [`RdmaWrite`], what its address asks of the pipe ([`SwitchAddress`]), and what the pipe
//!   tells by it ([`Ready`], [`Report`]).
//! * Between pipe and control plane: [`Command`], [`Notice`].
//! * A host and the control plane speak beside the pipe, in messages ([`HostRequest`], [`HostEvent`]) that carry no
//!   payload of a connection.
//!
//! ```
//! use p4rmt_wire::{Path, RdmaWrite, SwitchAddress};
//!
//! let path = Path { src_mac: [2; 6], dst_mac: [4; 6], src_ip: [10, 0, 1, 1], dst_ip: [10, 0, 1, 2] };
//! let address = SwitchAddress::Transmit { connection: 7, offset: 1460 }.address();
//! let write = RdmaWrite { path, queue_pair: 0x100, sequence: 0, address, remote_key: 0, immediate: None };
//! let mut packet = Vec::new();
//! write.emit([b"hello, ", b"world"], &mut packet)?;
//! assert_eq!(RdmaWrite::parse(&packet)?, (write, &b"hello, world"[..]));
//! # Ok::<(), p4rmt_wire::WireError>(())
//! ```

mod bytes;
mod control;
mod error;
mod host;
mod report;
mod roce;
mod switch_address;

pub use control::{Command, ETHERTYPE_CONTROL, Notice};
pub use error::WireError;
pub use host::{
    ContextSettings, FailReason, HostEvent, HostRequest, Opened, ReceiveRegion, SwitchSide,
};
pub use report::{Ready, Report, ReportReason};
pub use roce::{MASK_24_BITS, MAX_WRITE_BYTES, Path, RdmaWrite};
pub use switch_address::SwitchAddress;
