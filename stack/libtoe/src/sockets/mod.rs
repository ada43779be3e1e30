//! Sockets over any transport: what applications of `std::net` know, on connections of the pipe.
//!
//! A [`Host`] is what sockets belong to, a [`Driver`] moves its packets and messages. Either one thread runs the driver
//! ([`Driver::spawn`]) and any others use sockets that wait, or one thread does both: it creates sockets by the
//! functions named `start`, which do not wait, and calls [`Driver::drive`] in between.
//!
//! All state stands behind one lock. A call holds it while it copies, never while it waits.

pub(crate) mod context;
pub(crate) mod driver;
pub(crate) mod host;
pub(crate) mod json_lines;
pub(crate) mod link;
pub(crate) mod listener;
pub(crate) mod poller;
pub(crate) mod queue;
pub(crate) mod stream;
pub(crate) mod zero_copy;
