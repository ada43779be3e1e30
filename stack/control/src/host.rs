//! Contexts of hosts, their receive buffers, and listeners.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use p4rmt_wire::ContextSettings;

use crate::numbers::Numbers;

/// The largest receive buffer: a notification has 17 bits for a position.
const MAX_BUFFER_BYTES: u32 = 128 << 10;
/// Reports of a context have a slot for each of 32,768 connections.
const REPORTS_ALIGN: u64 = 512 << 10;

/// A context.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: ContextSettings,
    pub(crate) buffers: Numbers,
}

/// Somebody who waits for connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener {
    pub(crate) context: u16,
    pub(crate) backlog: u32,
    /// Handshakes that are remembered.
    pub(crate) n_half_open: u32,
    /// Connections that wait to be taken.
    pub(crate) n_waiting: u32,
}

impl Context {
    pub(crate) fn new(settings: ContextSettings, rest_ns: u64) -> Self {
        let n_buffers = settings.receive.n_buffers;
        Self {
            settings,
            buffers: Numbers::new(0, n_buffers, rest_ns),
        }
    }

    /// The scale of the windows that we advertise: the least with which a whole buffer can be said.
    pub(crate) fn scale(&self) -> u8 {
        let bits = self.settings.receive.buffer_bytes.ilog2();
        u8::try_from(bits.saturating_sub(16)).unwrap_or(0)
    }

    /// Free bytes of an empty buffer: one MSS is kept back, so that what a segment repeats never reaches what has
    /// not been read.
    pub(crate) fn free_bytes(&self, mss: u16) -> u32 {
        let bytes = self.settings.receive.buffer_bytes;
        bytes.saturating_sub(mss.into())
    }
}

/// Whether the pipe can work with the settings of a context.
pub(crate) fn are_good(settings: &ContextSettings, mss: u16) -> bool {
    let receive = &settings.receive;
    let bytes = u64::from(receive.buffer_bytes);
    let end = u64::from(receive.n_buffers)
        .checked_mul(2 * bytes)
        .and_then(|all| receive.base.checked_add(all));
    receive.buffer_bytes.is_power_of_two()
        && (2 * u32::from(mss)..=MAX_BUFFER_BYTES).contains(&receive.buffer_bytes)
        && receive.base.is_multiple_of(2 * bytes)
        && end.is_some()
        && settings.reports.is_multiple_of(REPORTS_ALIGN)
        && settings.reports.checked_add(REPORTS_ALIGN).is_some()
        && settings.queue_pair < 1 << 24
        && settings.transmit_bytes > 0
}

/// The address of the listener for a connection to this address: its own, or that for all of ours.
pub(crate) fn listener_of(
    listeners: &BTreeMap<SocketAddrV4, Listener>,
    local: SocketAddrV4,
) -> Option<SocketAddrV4> {
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, local.port());
    [local, any]
        .into_iter()
        .find(|address| listeners.contains_key(address))
}
