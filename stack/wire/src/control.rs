//! What the control plane and the pipe say to each other in packets of their own, EtherType 0x88B5.

use crate::WireError;
use crate::bytes::{Reader, expect};

/// The EtherType of commands and notices, one of those for local experiments.
pub const ETHERTYPE_CONTROL: u16 = 0x88b5;

const SHORTEST_FRAME: usize = 60;
const OPERATION_RESET: u8 = 1;
const OPERATION_SYNC: u8 = 2;

/// What the control plane tells the pipe, from its port. Nobody looks at the addresses of these frames: they are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The window that broke is whole again: in one pass `rx_next_seq` is set and the bytes since it broke are
    /// forgotten.
    Reset {
        /// Of which connection; 15 bits.
        connection: u16,
        /// The new `rx_next_seq`.
        next_seq: u32,
    },
    /// A SYNC; a retransmission timeout is one that frees nothing.
    Sync {
        /// Of which connection; 15 bits.
        connection: u16,
        /// Bytes of the receive buffer that are free again.
        freed: u32,
    },
}

impl Command {
    /// Reads a frame.
    ///
    /// # Errors
    /// Where it is no command.
    pub fn parse(frame: &[u8]) -> Result<Self, WireError> {
        let (_, mut reader) = parse_header(frame)?;
        let operation = reader.u8("command")?;
        reader.u8("command")?;
        let connection = parse_connection(&mut reader, "command")?;
        let value = reader.u32("command")?;
        match operation {
            OPERATION_RESET => Ok(Self::Reset {
                connection,
                next_seq: value,
            }),
            OPERATION_SYNC => Ok(Self::Sync {
                connection,
                freed: value,
            }),
            _ => Err(WireError::Unknown {
                field: "operation of a command",
                found: operation.into(),
            }),
        }
    }

    /// Appends the frame, padded to the shortest that Ethernet has.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let (operation, connection, value) = match *self {
            Self::Reset {
                connection,
                next_seq,
            } => (OPERATION_RESET, connection, next_seq),
            Self::Sync { connection, freed } => (OPERATION_SYNC, connection, freed),
        };
        let end = out.len() + SHORTEST_FRAME;
        out.extend([0; 12]);
        out.extend(ETHERTYPE_CONTROL.to_be_bytes());
        out.extend([operation, 0]);
        out.extend(connection.to_be_bytes());
        out.extend(value.to_be_bytes());
        out.resize(end, 0);
    }
}

/// What the pipe tells the control plane of a connection, as its own pass found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The peer's MAC address.
    pub src_mac: [u8; 6],
    /// Ours.
    pub dst_mac: [u8; 6],
    /// The window broke: more came than `rx_avail` has. [`Command::Reset`] to [`Notice::whole_seq`] mends it.
    pub is_window_broken: bool,
    /// Bytes were acknowledged that were never handed over for sending.
    pub is_ack_beyond: bool,
    /// Which connection; 15 bits.
    pub connection: u16,
    /// `rx_next_seq`.
    pub rx_next_seq: u32,
    /// `rx_avail`, high word: bytes by which `rx_next_seq` advanced since the window broke.
    pub rx_broken: u32,
    /// `rx_avail`, low word: free bytes of the receive buffer.
    pub rx_avail: u32,
    /// `tx_next_ack`.
    pub tx_next_ack: u32,
    /// `tx_avail`.
    pub tx_avail: u32,
}

impl Notice {
    const WINDOW_BROKEN: u8 = 1;
    const ACK_BEYOND: u8 = 2;

    /// Reads a frame.
    ///
    /// # Errors
    /// Where it is no notice.
    pub fn parse(frame: &[u8]) -> Result<Self, WireError> {
        let ([dst_mac, src_mac], mut reader) = parse_header(frame)?;
        let reason = reader.u8("notice")?;
        if reason & !(Self::WINDOW_BROKEN | Self::ACK_BEYOND) != 0 {
            return Err(WireError::Unknown {
                field: "reason of a notice",
                found: reason.into(),
            });
        }
        reader.u8("notice")?;
        Ok(Self {
            src_mac,
            dst_mac,
            is_window_broken: reason & Self::WINDOW_BROKEN != 0,
            is_ack_beyond: reason & Self::ACK_BEYOND != 0,
            connection: parse_connection(&mut reader, "notice")?,
            rx_next_seq: reader.u32("notice")?,
            rx_broken: reader.u32("notice")?,
            rx_avail: reader.u32("notice")?,
            tx_next_ack: reader.u32("notice")?,
            tx_avail: reader.u32("notice")?,
        })
    }

    /// Appends the frame, as the pipe makes it: without padding.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let mut reason = 0;
        if self.is_window_broken {
            reason |= Self::WINDOW_BROKEN;
        }
        if self.is_ack_beyond {
            reason |= Self::ACK_BEYOND;
        }
        out.extend(self.dst_mac);
        out.extend(self.src_mac);
        out.extend(ETHERTYPE_CONTROL.to_be_bytes());
        out.extend([reason, 0]);
        out.extend(self.connection.to_be_bytes());
        for word in [
            self.rx_next_seq,
            self.rx_broken,
            self.rx_avail,
            self.tx_next_ack,
            self.tx_avail,
        ] {
            out.extend(word.to_be_bytes());
        }
    }

    /// The sequence number up to which all bytes were taken: what was dropped since the window broke lies behind it.
    #[must_use]
    pub fn whole_seq(&self) -> u32 {
        self.rx_next_seq.wrapping_sub(self.rx_broken)
    }
}

/// Destination and source address, and what is behind the EtherType.
fn parse_header(frame: &[u8]) -> Result<([[u8; 6]; 2], Reader<'_>), WireError> {
    let mut reader = Reader(frame);
    let dst_mac = reader.array("Ethernet header")?;
    let src_mac = reader.array("Ethernet header")?;
    expect(
        "EtherType",
        reader.u16("Ethernet header")?,
        ETHERTYPE_CONTROL,
    )?;
    Ok(([dst_mac, src_mac], reader))
}

fn parse_connection(reader: &mut Reader<'_>, part: &'static str) -> Result<u16, WireError> {
    let connection = reader.u16(part)?;
    if connection > 0x7fff {
        return Err(WireError::Unknown {
            field: "connection",
            found: connection.into(),
        });
    }
    Ok(connection)
}
