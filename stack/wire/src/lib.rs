//! What Laminar, its control plane and its hosts say to each other.
//!
//! The packets are those of `testvectors/laminar/README.md`; a host and the control plane speak beside the pipe,
//! in messages ([`HostRequest`], [`HostEvent`]) that carry no payload of a connection.

mod host;

pub use host::{
    ContextSettings, FailReason, HostEvent, HostRequest, Opened, ReceiveRegion, SwitchSide,
};
