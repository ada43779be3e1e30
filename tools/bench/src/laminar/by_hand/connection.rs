//! A connection in memory: one cache line that every segment touches, and what few do.

use crate::laminar::connection::{
    BUFFER_MASK, CREDITS, Connection, FREE, REMOTE_WINDOW, WINDOW_SCALE,
};

/// What every segment reads and writes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Hot {
    pub(super) rx_next: u32,
    pub(super) rx_free: u32,
    /// Bytes since the window broke.
    pub(super) rx_broken: u32,
    /// The out-of-order interval, from `rx_next`; 0: none.
    pub(super) ooo_tail: u32,
    pub(super) ooo_head: u32,
    pub(super) tx_next: u32,
    pub(super) tx_handed: u32,
    pub(super) tx_credits: u32,
    pub(super) tx_window: u32,
    pub(super) first_rx: u32,
    pub(super) buffer_mask: u32,
    pub(super) buffer_high: u32,
    pub(super) buffer_low: u32,
    pub(super) context: u16,
    pub(super) duplicates: u8,
    pub(super) own_scale: u8,
    pub(super) peer_scale: u8,
}

/// What only some packets need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cold {
    pub(super) first_tx: u32,
    pub(super) local_ip: u32,
    pub(super) peer_ip: u32,
    pub(super) local_port: u16,
    pub(super) peer_port: u16,
    pub(super) acked: u32,
    pub(super) marked: u32,
    pub(super) fast: u32,
    pub(super) timed_end: u32,
    /// 0: no segment is timed.
    pub(super) timed_since: u32,
    pub(super) rtt_ns: u32,
    pub(super) rtt_samples: u32,
}

impl Hot {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            rx_next: connection.first_rx,
            rx_free: FREE,
            rx_broken: 0,
            ooo_tail: 0,
            ooo_head: 0,
            tx_next: connection.first_tx,
            tx_handed: 0,
            tx_credits: CREDITS,
            tx_window: REMOTE_WINDOW,
            first_rx: connection.first_rx,
            buffer_mask: BUFFER_MASK,
            buffer_high: (connection.buffer >> 32) as u32,
            buffer_low: connection.buffer as u32,
            context: connection.context as u16,
            duplicates: 0,
            own_scale: WINDOW_SCALE,
            peer_scale: WINDOW_SCALE,
        }
    }
}

impl Cold {
    pub(super) fn new(connection: &Connection) -> Self {
        let path = connection.path();
        Self {
            first_tx: connection.first_tx,
            local_ip: path.dst_ip,
            peer_ip: path.src_ip,
            local_port: path.dst_port,
            peer_port: path.src_port,
            acked: 0,
            marked: 0,
            fast: 0,
            timed_end: 0,
            timed_since: 0,
            rtt_ns: 0,
            rtt_samples: 0,
        }
    }

    /// No packet has been seen.
    pub(super) fn reset(&mut self) {
        self.acked = 0;
        self.marked = 0;
        self.fast = 0;
        self.timed_end = 0;
        self.timed_since = 0;
        self.rtt_ns = 0;
        self.rtt_samples = 0;
    }
}
