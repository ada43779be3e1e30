//! libTOE: the host's side of Laminar.

mod application;
mod connection;
mod context;
mod error;
mod frontier;
mod inbound;
mod outbound;
mod ring;
mod toe;

pub use connection::{Chunk, ConnectionId, Readiness, Reservation};
pub use error::ToeError;
pub use toe::{Counters, Event, Toe};
