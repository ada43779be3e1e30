//! The control plane of Laminar: all of TCP that is not in the pipe.
//!
//! It stands on the run-time interface of a switch alone ([`Switch`](p4rmt_control::Switch)) and does no input or
//! output of its own: what arrives at the control plane's port goes into [`ControlPlane::packet`], what hosts ask for into
//! [`ControlPlane::host_request`], the time into [`ControlPlane::poll`], which says when it wants to be asked again.
//! What it wants done it does through the switch; what it has to say to hosts is taken from it
//! ([`ControlPlane::take_events`]).
//!
//! | file | what |
//! |---|---|
//! | `plane` | the way in and out; who gets which packet |
//! | `neighbours` | ARP, next hops, routes |
//! | `handshake`, `sequence` | SYNs both ways, cookies, connections into the tables |
//! | `segment` | segments of open connections that the pipe does not take; notices |
//! | `ending` | FINs, resets, what is left behind a connection |
//! | `timers`, `watch`, `congestion`, `generator` | progress, probes, rates, rounds of SYNCs |
//! | `host` | contexts, buffers, listeners |
//! | `tables`, `registers` | the program's names |
//!
//! `README.md` of this crate says how it was decided what the sources leave open.

mod config;
mod congestion;
mod connection;
mod ending;
mod error;
mod generator;
mod handshake;
mod host;
mod neighbours;
mod now;
mod numbers;
mod packet;
mod plane;
mod registers;
mod segment;
mod sequence;
mod siphash;
mod statistics;
mod tables;
mod timers;
mod watch;

pub use config::{Algorithm, Config, HostPort, Limits, Network, Timing};
pub use error::PlaneError;
pub use plane::ControlPlane;
pub use statistics::Statistics;
