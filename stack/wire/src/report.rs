//! What the pipe tells a host of a connection: by immediate data how far its bytes are ready, by reports what the
//! peer has acknowledged and what may be sent.

use crate::WireError;
use crate::bytes::{Reader, expect};

const POSITION_BITS: u32 = 17;

/// Immediate data: how far the bytes of a connection are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Which connection; 15 bits.
    pub connection: u16,
    /// The low 17 bits of the sequence number behind the last byte that is ready.
    pub position: u32,
}

impl Ready {
    /// The bits of a position.
    pub const POSITION_MASK: u32 = (1 << POSITION_BITS) - 1;

    /// Reads immediate data; all of them mean something.
    #[must_use]
    pub fn from_immediate(immediate: u32) -> Self {
        Self {
            connection: (immediate >> POSITION_BITS) as u16,
            position: immediate & Self::POSITION_MASK,
        }
    }

    /// The immediate data.
    #[must_use]
    pub fn immediate(self) -> u32 {
        u32::from(self.connection) << POSITION_BITS | self.position & Self::POSITION_MASK
    }
}

/// Why a report came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportReason {
    /// A periodic SYNC of the packet generator.
    Generator,
    /// The answer to the host's own SYNC.
    Host,
    /// The retransmission timer went off: start again from `next_ack`.
    Timeout,
    /// The third duplicate acknowledgment: start again from `next_ack`.
    FastRetransmit,
}

impl ReportReason {
    fn number(self) -> u32 {
        match self {
            Self::Generator => 1,
            Self::Host => 2,
            Self::Timeout => 3,
            Self::FastRetransmit => 4,
        }
    }
}

/// A report: 16 bytes, written to the slot of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Of which connection; 15 bits.
    pub connection: u16,
    /// The sequence number of the first byte that the peer has not acknowledged.
    pub next_ack: u32,
    /// Bytes that this SYNC allows to be sent more.
    pub granted: u32,
    /// Why it came.
    pub reason: ReportReason,
}

impl Report {
    /// Bytes of a report.
    pub const BYTES: usize = 16;

    /// Reads the payload of a report.
    ///
    /// # Errors
    /// Where it has not 16 bytes, or names a connection or reason that there is not.
    pub fn parse(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(payload);
        let connection = reader.u32("report")?;
        let next_ack = reader.u32("report")?;
        let granted = reader.u32("report")?;
        let reason = reader.u32("report")?;
        expect("rest behind a report", reader.0.len() as u64, 0)?;
        if connection > 0x7fff {
            return Err(WireError::Unknown {
                field: "connection of a report",
                found: connection.into(),
            });
        }
        let reason = match reason {
            1 => ReportReason::Generator,
            2 => ReportReason::Host,
            3 => ReportReason::Timeout,
            4 => ReportReason::FastRetransmit,
            _ => {
                return Err(WireError::Unknown {
                    field: "reason of a report",
                    found: reason.into(),
                });
            }
        };
        Ok(Self {
            connection: connection as u16,
            next_ack,
            granted,
            reason,
        })
    }

    /// Appends the payload of the report.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend(u32::from(self.connection).to_be_bytes());
        out.extend(self.next_ack.to_be_bytes());
        out.extend(self.granted.to_be_bytes());
        out.extend(self.reason.number().to_be_bytes());
    }
}
