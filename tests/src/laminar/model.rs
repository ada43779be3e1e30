//! An independent model of one Laminar connection, written from its specification alone.
//!
//! It knows nothing of pipelines, stages or packets: it is what the nine state variables must be
//! after each event, as plain arithmetic. The property test runs it beside `laminar.p4`.
//!
//! All sequence numbers are modulo 2^32; an offset is a difference of two of them, read as signed.

/// The state of a connection, one field a register of `laminar.p4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Next sequence number expected in order.
    pub rx_next_seq: u32,
    /// Free bytes of the receive buffer.
    pub rx_avail: u32,
    /// Bytes by which `rx_next_seq` went on since the window broke; 0 while it is whole.
    pub rx_broken: u32,
    /// End of the out-of-order interval, from `rx_next_seq`; 0 if there is none.
    pub rx_ooo_tail: u32,
    /// Its start, likewise.
    pub rx_ooo_head: u32,
    /// First unacknowledged sequence number.
    pub tx_next_ack: u32,
    /// Duplicate acknowledgments in a row.
    pub tx_dupack_cnt: u32,
    /// Bytes handed over for sending, from `tx_next_ack`.
    pub tx_avail: u32,
    /// Bytes that congestion control still allows.
    pub tx_credits: u32,
    /// The peer's window in bytes.
    pub tx_remote_avail: u32,
}

/// A TCP segment of the peer, without SYN, FIN or RST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Sequence number of its first byte.
    pub seq: u32,
    /// Bytes of payload.
    pub len: u32,
    /// What it acknowledges.
    pub ack: u32,
    /// The window that it advertises, in bytes (scaled).
    pub window: u32,
}

/// What a segment causes on the receive side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Whether its payload is written to the host.
    pub is_delivered: bool,
    /// The position up to which bytes are ready, if the host is told.
    pub notified: Option<u32>,
    /// The copy that becomes its acknowledgment.
    pub copy: Option<Copy>,
    /// Whether the control plane is told that the window broke.
    pub is_broken: bool,
}

/// A pseudo segment: an acknowledgment on its way through the stages again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// First sequence number of the range that it merges.
    pub seq: u32,
    /// Length of the range in bytes; 0 if it only acknowledges.
    pub len: u32,
}

/// What came of a transmit write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It left as a segment.
    Segment,
    /// Below `tx_next_ack`: a stale retransmission.
    Stale,
    /// There were no credits.
    NoCredits,
    /// It ends beyond the peer's window.
    Window,
}

/// What a segment's acknowledgment was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// Newer than `tx_next_ack`, by this many bytes.
    New(u32),
    /// Newer, but beyond what was handed over.
    Beyond,
    /// The third duplicate in a row, with bytes in flight.
    FastRetransmit,
    /// Another duplicate.
    Duplicate,
    /// Equal, but not a duplicate by RFC 5681 (it has payload, or another window).
    Current,
    /// Older than `tx_next_ack`.
    Old,
}

fn offset(to: u32, from: u32) -> i64 {
    i64::from(to.wrapping_sub(from).cast_signed())
}

impl Connection {
    /// The receive side of a segment: stages 1 to 4 of the reassembly.
    pub fn receive(&mut self, segment: Segment) -> Received {
        let nothing = Received {
            is_delivered: false,
            notified: None,
            copy: None,
            is_broken: false,
        };
        let start = offset(segment.seq, self.rx_next_seq);
        let end = start + i64::from(segment.len);
        let ack_only = Some(Copy {
            seq: self.rx_next_seq,
            len: 0,
        });
        if segment.len == 0 {
            return Received {
                copy: ack_only.filter(|_| start < 0),
                ..nothing
            };
        }
        if end <= 0 && self.rx_broken != 0 {
            return Received {
                copy: ack_only,
                is_broken: true,
                ..nothing
            };
        }
        if end <= 0 {
            return Received {
                copy: self.acknowledgment(),
                ..nothing
            };
        }
        if start <= 0 {
            if !self.advance(end) {
                let copy = Some(Copy {
                    seq: self.rx_next_seq,
                    len: 0,
                });
                return Received {
                    copy,
                    is_broken: true,
                    ..nothing
                };
            }
            let notified = Some(self.ready_position());
            return Received {
                is_delivered: true,
                notified,
                copy: self.acknowledgment(),
                ..nothing
            };
        }
        let (start, end) = (start.unsigned_abs(), end.unsigned_abs());
        let (tail, head) = (u64::from(self.rx_ooo_tail), u64::from(self.rx_ooo_head));
        let is_tracked = tail > 0;
        if self.rx_broken != 0
            || end > u64::from(self.rx_avail)
            || (is_tracked && (start > tail || end < head))
        {
            return Received {
                copy: ack_only,
                ..nothing
            };
        }
        (self.rx_ooo_tail, self.rx_ooo_head) = if is_tracked {
            (narrow(tail.max(end)), narrow(head.min(start)))
        } else {
            (narrow(end), narrow(start))
        };
        let notified = self.touches_stream().then(|| self.ready_position());
        Received {
            is_delivered: true,
            notified,
            copy: self.acknowledgment(),
            ..nothing
        }
    }

    /// A pseudo segment that passes stages 1 to 4. Returns whether the window broke under it.
    pub fn merge(&mut self, copy: Copy) -> bool {
        let end = offset(copy.seq, self.rx_next_seq) + i64::from(copy.len);
        end > 0 && !self.advance(end)
    }

    /// Moves the stream on by `end` bytes, or breaks the window. Returns whether it is whole.
    fn advance(&mut self, end: i64) -> bool {
        let end = u32::try_from(end).expect("an offset in order is positive and below 2^31");
        self.rx_next_seq = self.rx_next_seq.wrapping_add(end);
        if self.rx_broken != 0 || end > self.rx_avail {
            self.rx_broken = self.rx_broken.wrapping_add(end);
            return false;
        }
        self.rx_avail -= end;
        self.rx_ooo_tail = self.rx_ooo_tail.saturating_sub(end);
        self.rx_ooo_head = self.rx_ooo_head.saturating_sub(end);
        true
    }

    /// Whether the out-of-order interval begins at the next byte of the stream.
    fn touches_stream(&self) -> bool {
        self.rx_ooo_head == 0 && self.rx_ooo_tail > 0
    }

    /// The position up to which bytes are ready, counting an interval that is still to be merged.
    fn ready_position(&self) -> u32 {
        if self.touches_stream() {
            self.rx_next_seq.wrapping_add(self.rx_ooo_tail)
        } else {
            self.rx_next_seq
        }
    }

    /// The copy of a segment that was taken or is a duplicate: it merges what can be merged.
    fn acknowledgment(&self) -> Option<Copy> {
        let len = if self.touches_stream() {
            self.rx_ooo_tail
        } else {
            0
        };
        Some(Copy {
            seq: self.rx_next_seq,
            len,
        })
    }

    /// What an acknowledgment that leaves now acknowledges.
    #[must_use]
    pub fn acknowledged_seq(&self) -> u32 {
        self.rx_next_seq.wrapping_sub(self.rx_broken)
    }

    /// The window that an acknowledgment that leaves now advertises, under this scale.
    #[must_use]
    pub fn advertised_window(&self, scale: u32) -> u16 {
        if self.rx_broken != 0 {
            return 0;
        }
        u16::try_from(self.rx_avail >> scale).unwrap_or(u16::MAX)
    }

    /// The RESET packet of the control plane.
    pub fn reset(&mut self) {
        self.rx_next_seq = self.acknowledged_seq();
        self.rx_broken = 0;
    }

    /// A SYNC of the host: `freed` bytes of the receive buffer are free again. Returns whether it
    /// lifts the window from under one MSS, which the peer must hear of.
    pub fn sync(&mut self, freed: u32, mss: u32) -> bool {
        let was_under = self.rx_avail < mss;
        self.rx_avail = self.rx_avail.wrapping_add(freed);
        was_under && self.rx_avail >= mss && self.rx_broken == 0
    }

    /// A transmit write of `len` bytes that begins at sequence number `seq`.
    pub fn transmit(&mut self, seq: u32, len: u32) -> Sent {
        let start = offset(seq, self.tx_next_ack);
        if start < 0 {
            return Sent::Stale;
        }
        let end = narrow(start.unsigned_abs() + u64::from(len));
        self.tx_avail = self.tx_avail.max(end);
        if self.tx_credits == 0 {
            return Sent::NoCredits;
        }
        self.tx_credits = self.tx_credits.saturating_sub(len);
        if end > self.tx_remote_avail {
            Sent::Window
        } else {
            Sent::Segment
        }
    }

    /// What a segment acknowledges. The receive side must not have seen it yet: whether its window
    /// counts depends on where it lies.
    pub fn acknowledge(&mut self, segment: Segment) -> Acknowledged {
        let start = offset(segment.seq, self.rx_next_seq);
        let newer = offset(segment.ack, self.tx_next_ack);
        if newer < 0 {
            return Acknowledged::Old;
        }
        if start == 0 || (start < 0 && segment.len > 0) {
            self.tx_remote_avail = segment.window;
        }
        if newer > 0 {
            let newer = narrow(newer.unsigned_abs());
            self.tx_next_ack = segment.ack;
            self.tx_dupack_cnt = 0;
            if newer > self.tx_avail {
                return Acknowledged::Beyond;
            }
            self.tx_avail -= newer;
            return Acknowledged::New(newer);
        }
        if segment.len > 0 {
            return Acknowledged::Current;
        }
        self.tx_dupack_cnt = (self.tx_dupack_cnt + 1).min(255);
        if self.tx_dupack_cnt == 3 && self.tx_avail > 0 {
            Acknowledged::FastRetransmit
        } else {
            Acknowledged::Duplicate
        }
    }

    /// Sequence number of an acknowledgment without payload: behind all that the peer may have seen.
    #[must_use]
    pub fn bare_seq(&self) -> u32 {
        self.tx_next_ack
            .wrapping_add(self.tx_avail.min(self.tx_remote_avail))
    }
}

/// An offset is below 2^31 in every sequence that a test makes.
fn narrow(offset: u64) -> u32 {
    u32::try_from(offset).expect("offsets stay below 2^31")
}
