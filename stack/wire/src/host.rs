//! What a host's library and the control plane say to each other: who wants a connection, who has one, and when it
//! ends. Payload never goes this way.
//!
//! # A connection's life
//!
//! * The host opens a context ([`HostRequest::OpenContext`]), which says where the pipe may write.
//! * It listens, or connects. The control plane does the handshake; the first that the host hears of a connection
//!   is that it is [`Opened`], with all that is needed to use it through the pipe.
//! * [`HostRequest::Shutdown`] says how long the stream is that the host sends: when the peer has acknowledged all
//!   of it, the control plane sends FIN. [`HostEvent::PeerFinished`] says how long the other one is: when the host has
//!   read so far, its application reads the end.
//! * When both streams have ended, or at a reset, the control plane says so ([`HostEvent::Closed`],
//!   [`HostEvent::Reset`]). The number of the connection and its buffer stay the host's until it says
//!   [`HostRequest::Release`].
//!
//! All positions are in bytes and modulo 2³².

use std::net::SocketAddrV4;

use serde::{Deserialize, Serialize};

/// What a host asks of the control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HostRequest {
    /// A context: [`HostEvent::ContextOpened`].
    OpenContext(ContextSettings),
    /// The context and all of its connections are gone, whatever state they are in.
    CloseContext {
        /// Which.
        context: u16,
    },
    /// Connections to an address are to be accepted: [`HostEvent::Listening`], then [`HostEvent::Accepted`].
    Listen {
        /// For which context.
        context: u16,
        /// The address. Port 0 asks for any that is free.
        local: SocketAddrV4,
        /// How many may be in the handshake or wait to be taken at once.
        backlog: u32,
    },
    /// No more connections to an address. Those that were accepted stay.
    StopListening {
        /// The address.
        local: SocketAddrV4,
    },
    /// A connection to a peer: [`HostEvent::Connected`] or [`HostEvent::Failed`].
    Connect {
        /// For which context.
        context: u16,
        /// What the answer will name.
        token: u64,
        /// The peer.
        remote: SocketAddrV4,
        /// The address to come from; port 0 asks for any that is free.
        local: SocketAddrV4,
    },
    /// An accepted connection was taken by the application: it no longer counts in its listener's backlog.
    Taken {
        /// Which.
        connection: u16,
    },
    /// The stream that the host sends ends here.
    Shutdown {
        /// Of which connection.
        connection: u16,
        /// Its length.
        length: u32,
    },
    /// The connection is to be reset.
    Abort {
        /// Which.
        connection: u16,
    },
    /// The host has done with a connection: its number and its buffer are free. One that is still open is reset.
    Release {
        /// Which.
        connection: u16,
    },
}

/// Where the pipe finds a host, and where it may write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextSettings {
    /// What the answer will name.
    pub token: u64,
    /// The switch port that the host is at.
    pub port: u16,
    /// The host's MAC address.
    pub mac: [u8; 6],
    /// The host's IPv4 address, as of RoCE packets.
    pub ip: [u8; 4],
    /// Its queue pair, 24 bits.
    pub queue_pair: u32,
    /// The key of its memory.
    pub remote_key: u32,
    /// Where reports go, 16 bytes a connection: a multiple of 512 KiB.
    pub reports: u64,
    /// Its receive buffers.
    pub receive: ReceiveRegion,
    /// Bytes that the host keeps of what a connection sends: no more is granted to it at once.
    pub transmit_bytes: u32,
}

/// Receive buffers: `n_buffers` of them, each mapped twice in a row, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiveRegion {
    /// Where the first begins: a multiple of twice `buffer_bytes`.
    pub base: u64,
    /// Bytes of each, counted once: a power of two, at most 128 KiB.
    pub buffer_bytes: u32,
    /// How many.
    pub n_buffers: u32,
}

impl ReceiveRegion {
    /// Where a buffer begins.
    #[must_use]
    pub fn address_of(&self, buffer: u32) -> u64 {
        self.base + u64::from(buffer) * 2 * u64::from(self.buffer_bytes)
    }
}

/// What the control plane tells a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HostEvent {
    /// A context is there.
    ContextOpened {
        /// As it was asked for.
        token: u64,
        /// Its number.
        context: u16,
        /// Where the host finds the pipe.
        switch: SwitchSide,
    },
    /// A listener is there.
    Listening {
        /// For which context.
        context: u16,
        /// Its address, with its port.
        local: SocketAddrV4,
    },
    /// A peer has connected to a listener.
    Accepted(Opened),
    /// A connection that was asked for is there.
    Connected {
        /// As it was asked for.
        token: u64,
        /// The connection.
        opened: Opened,
    },
    /// What was asked for does not come about.
    Failed {
        /// As it was asked for; none for a listener.
        token: Option<u64>,
        /// The address: of the peer, or of the listener.
        address: Option<SocketAddrV4>,
        /// Why.
        reason: FailReason,
    },
    /// The stream of the peer ends here: nothing comes behind so many bytes.
    PeerFinished {
        /// Of which connection.
        connection: u16,
        /// Its length.
        length: u32,
    },
    /// Both streams have ended and are acknowledged.
    Closed {
        /// Which connection.
        connection: u16,
    },
    /// The connection is no more: the peer has reset it, or does not answer.
    Reset {
        /// Which.
        connection: u16,
        /// Why.
        reason: FailReason,
    },
}

/// Where a host finds the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchSide {
    /// Its MAC address on the host's side.
    pub mac: [u8; 6],
    /// Its IPv4 address on the host's side, as of RoCE packets.
    pub ip: [u8; 4],
}

/// A connection that is open, with all that is needed to use it through the pipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// Its number.
    pub connection: u16,
    /// Its context.
    pub context: u16,
    /// Our address.
    pub local: SocketAddrV4,
    /// The peer's.
    pub remote: SocketAddrV4,
    /// Which receive buffer it has.
    pub buffer: u32,
    /// The sequence number of the first byte that the peer sends.
    pub first_rx_seq: u32,
    /// The sequence number of the first byte that the host sends: [reports](ContextSettings::reports) name sequence
    /// numbers.
    pub first_tx_seq: u32,
    /// The largest payload of a write, in bytes.
    pub mss: u16,
    /// Bytes that may be sent before the first grant.
    pub credits: u32,
}

/// Why something does not come about, or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailReason {
    /// The peer refused, or reset.
    Refused,
    /// The peer did not answer.
    TimedOut,
    /// No contexts, connections, buffers, entries or ports are left.
    NoneLeft,
    /// The address is in use, or none of ours.
    BadAddress,
    /// There is no way to the peer.
    NoRoute,
    /// The host itself has asked for it.
    Aborted,
    /// The settings are not such as the pipe can work with.
    BadSettings,
}
