//! What a user can read.

/// What has happened since the control plane began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Connections that peers have opened.
    pub accepted: u64,
    /// Connections that hosts have opened.
    pub connected: u64,
    /// Connections of hosts that did not come about.
    pub failed: u64,
    /// Connections that ended on both sides.
    pub closed: u64,
    /// Connections that peers reset.
    pub reset_by_peer: u64,
    /// Connections that hosts reset.
    pub reset_by_host: u64,
    /// Connections whose peers did not answer any more.
    pub timed_out: u64,
    /// SYNs that were not answered: nobody had room.
    pub syns_dropped: u64,
    /// SYNs that were answered with a cookie.
    pub cookies_sent: u64,
    /// Connections that a cookie opened.
    pub cookies_taken: u64,
    /// Handshakes that could not be finished: no number, no buffer, no place in a backlog.
    pub refused: u64,
    /// RSTs to those whose segments belong to no connection.
    pub strays_reset: u64,
    /// Answers to RSTs, SYNs and numbers that may be forged.
    pub challenges: u64,
    /// Retransmission timeouts.
    pub timeouts: u64,
    /// Probes of closed windows.
    pub probes: u64,
    /// Transmissions that the peer's window had stopped and that were started again.
    pub unblocked: u64,
    /// Windows that broke and were mended.
    pub mended_windows: u64,
    /// Acknowledgments of what was never sent, taken back.
    pub mended_acks: u64,
    /// Segments that went through the pipe again: without FIN, without options, or just behind a handshake.
    pub passed_on: u64,
    /// Packets that are none, or not for us.
    pub ignored: u64,
}
