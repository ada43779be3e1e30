//! A device attached to the machine's network, in real time.
//!
//! A [`Live`] owns a [`Device`](p4rmt_pipeline::Device) and what stands at its ports: each a [`LivePort`], an interface
//! of the machine ([`PortAddress::open`]) or one end of a pair in this process ([`pair`]). Its caller runs the loop:
//! each [`Live::turn`] waits until there is something to do, does a bounded amount of it, and says what. Between two
//! turns, and so between two packets, the caller does as it likes with the device: a [`Live`] is a
//! [`Switch`](p4rmt_control::Switch), and hears of packets and digests after [`Live::subscribe`].
//!
//! ```
//! # use std::time::Duration;
//! # fn run(device: p4rmt_pipeline::Device) -> Result<(), p4rmt_live::LiveError> {
//! use p4rmt_live::{Live, LivePort, Sent, pair};
//!
//! let (switch_end, mut host) = pair("host", 1024);
//! let mut live = Live::new(device);
//! live.attach(1, Box::new(switch_end))?;
//! assert!(matches!(host.send(&[0; 60]), Ok(Sent::Done)));
//! let turn = live.turn(Some(Duration::ZERO))?;
//! assert_eq!(turn.packets_in, 1);
//! # Ok(())
//! # }
//! ```
#![cfg(target_os = "linux")]

mod address;
mod burst;
mod clock;
mod connection;
mod counters;
mod error;
mod events;
mod live;
mod packet;
mod pair;
mod port;
mod server;
mod socket;
mod tap;
mod time;
mod wait;

pub use address::{AddressError, PortAddress};
pub use burst::Burst;
pub use clock::{Clock, ManualClock, MonotonicClock};
pub use counters::{LiveCounters, PortCounters, Refusal};
pub use error::LiveError;
pub use live::{Live, Turn};
pub use pair::{PairEnd, pair};
pub use port::{LivePort, Sent};
