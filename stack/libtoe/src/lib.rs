//! libTOE: the host's side of Laminar. Sockets whose TCP is done by a pipe.
//!
//! A host has **contexts**, each a queue pair to the pipe and memory that the pipe may write to: receive buffers, one a
//! connection, and a place for reports. Payload goes between this memory and the pipe by RDMA writes; connections
//! are opened and ended by messages to the control plane. The host acknowledges nothing, orders nothing and measures
//! nothing: it copies what is ready to applications, says what they have freed, sends within the credits that it was
//! given, and starts again where a report says so.
//!
//! Two ways to use it:
//!
//! * **Sockets**: [`TcpListener`] and [`TcpStream`] as those of `std::net`, with threads that wait or a [`Poller`] over
//!   any number; beside reads and writes a way without copies ([`TcpStream::recv_chunk`],
//!   [`TcpStream::send_reserve`]). A [`Driver`] moves packets over any [`PacketLink`], and messages over any
//!   [`ControlChannel`].
//! * **The core** ([`Toe`]): packets and messages in and out, without threads, clocks or sockets.
//!
//! # Limits
//!
//! * Receive buffers are powers of two from 4 KiB to 128 KiB: ready positions have 17 bits. A quarter of a buffer may
//!   be free without the pipe knowing.
//! * The link must bring what the pipe writes whole and in order, or nearly so: the pipe has acknowledged it. Bytes that
//!   do not come within a second are an error of their connection ([`std::io::ErrorKind::ConnectionAborted`]), never
//!   wrong bytes. Transmissions may be lost on their way to the pipe: the control plane's timer has them sent again.
//! * The host does not know the window of the peer; what goes beyond it the pipe drops, and it is sent again.
//!   `transmit_bytes` should not be far above what peers offer.
//! * IPv4 only, no urgent data.
//!
//! # An echo server
//!
//! In a program the link is a port of the machine and the channel goes to the control plane; here both are queues of
//! which nobody has the other end.
//!
//! ```no_run
//! use std::io::{self, Read, Write};
//! use std::net::SocketAddrV4;
//!
//! use p4rmt_libtoe::{Context, ContextSettings, Host, Queue, TcpListener};
//!
//! fn serve(settings: ContextSettings, address: SocketAddrV4) -> io::Result<()> {
//!     let (link, _pipe) = Queue::<Vec<u8>, Vec<u8>>::pair();
//!     let (channel, _control_plane) = Queue::pair();
//!     let (host, driver) = Host::new(link, channel);
//!     let driver = driver.spawn();
//!     let context = Context::open(&host, settings)?;
//!     let listener = TcpListener::bind(&context, address)?;
//!     for stream in listener.incoming() {
//!         let mut stream = stream?;
//!         std::thread::spawn(move || {
//!             let mut bytes = [0; 4096];
//!             loop {
//!                 let n_read = stream.read(&mut bytes)?;
//!                 if n_read == 0 {
//!                     return io::Result::Ok(());
//!                 }
//!                 stream.write_all(&bytes[..n_read])?;
//!             }
//!         });
//!     }
//!     host.stop();
//!     driver.join().expect("the driver does not panic")
//! }
//! ```

mod application;
mod connection;
mod context;
mod error;
mod frontier;
mod inbound;
mod outbound;
mod ring;
mod sockets;
mod toe;

pub use connection::{Chunk, ConnectionId, Readiness, Reservation};
pub use error::ToeError;
pub use p4rmt_wire::{ContextSettings, FailReason, HostEvent, HostRequest, ReceiveRegion};
pub use sockets::context::Context;
pub use sockets::driver::Driver;
pub use sockets::host::Host;
pub use sockets::json_lines::JsonLines;
pub use sockets::link::{ControlChannel, PacketLink, Waker};
pub use sockets::listener::TcpListener;
pub use sockets::poller::{Interest, Pollable, Poller};
pub use sockets::queue::Queue;
pub use sockets::stream::TcpStream;
pub use toe::{Counters, Event, Toe};
