//! What the control plane keeps of a connection: who speaks to whom, how far each stream's end has come, and what
//! its timers and its congestion control watch.

use std::net::SocketAddrV4;

use crate::congestion::CongestionControl;
use crate::watch::Watched;

/// Who speaks to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tuple {
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
}

/// A connection that is in the tables, or was and waits for its host to let it go.
pub(crate) struct Connection {
    pub(crate) tuple: Tuple,
    pub(crate) context: u16,
    pub(crate) buffer: u32,
    /// The listener in whose backlog it counts.
    pub(crate) listener: Option<SocketAddrV4>,
    pub(crate) first_rx: u32,
    pub(crate) first_tx: u32,
    /// The largest payload that we send.
    pub(crate) mss: u16,
    pub(crate) own_scale: u8,
    pub(crate) is_over: bool,
    /// The stream that the peer sends.
    pub(crate) peer: PeerStream,
    /// The stream that the host sends.
    pub(crate) own: OwnStream,
    /// We sent our FIN before we had the peer's.
    pub(crate) ended_first: bool,
    /// When a segment that may be forged was answered last.
    pub(crate) challenged_ns: Option<u64>,
    pub(crate) watched: Watched,
    pub(crate) congestion: Box<dyn CongestionControl>,
}

/// How far the end of the peer's stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeerStream {
    /// There is none.
    Open,
    /// It has come, but not all bytes before it: it has this sequence number.
    EndsAt(u32),
    /// All has come, and is acknowledged.
    Ended,
}

/// How far the end of the host's stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnStream {
    /// There is none.
    Open,
    /// It is known, but not all bytes before it are acknowledged: our FIN will have this sequence number.
    EndsAt(u32),
    /// Our FIN is on its way.
    FinSent(u32),
    /// It is acknowledged.
    Ended,
}

impl Connection {
    /// Whether both streams have ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.peer == PeerStream::Ended && self.own == OwnStream::Ended
    }
}

/// How far `seq` lies behind `base`; negative where it lies before it.
pub(crate) fn distance(seq: u32, base: u32) -> i32 {
    seq.wrapping_sub(base).cast_signed()
}
