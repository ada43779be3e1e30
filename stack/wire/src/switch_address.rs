//! What a host's write to the pipe asks for. Its address says it:
//!
//! | upper 32 bits | lower 32 bits | meaning |
//! |---|---|---|
//! | connection | stream offset modulo 2³² | transmit the payload |
//! | 0x8000_0000 + connection | bytes freed | SYNC: so much of the receive buffer is free again |
//!
//! A transmission with immediate data, whatever they are, sets PSH.

use crate::WireError;

/// The bit of an address that makes a SYNC of it.
const SYNC: u64 = 1 << 63;

/// What a write to the pipe asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchAddress {
    /// Transmit the payload.
    Transmit {
        /// For which connection; 15 bits.
        connection: u16,
        /// Where the payload stands in the stream, in bytes modulo 2³².
        offset: u32,
    },
    /// Bytes of the receive buffer are free again; the payload does not matter.
    Sync {
        /// Of which connection; 15 bits.
        connection: u16,
        /// How many.
        freed: u32,
    },
}

impl SwitchAddress {
    /// Reads the address of a write.
    ///
    /// # Errors
    /// Where it is of neither kind.
    pub fn from_address(address: u64) -> Result<Self, WireError> {
        let low = (address & 0xffff_ffff) as u32;
        let connection = address >> 32 & 0x7fff;
        let kind = address >> 47;
        match (kind, connection as u16) {
            (0, connection) => Ok(Self::Transmit {
                connection,
                offset: low,
            }),
            (0x1_0000, connection) => Ok(Self::Sync {
                connection,
                freed: low,
            }),
            _ => Err(WireError::Unknown {
                field: "address of a write to the switch",
                found: address,
            }),
        }
    }

    /// The address of the write.
    #[must_use]
    pub fn address(self) -> u64 {
        let (kind, connection, low) = match self {
            Self::Transmit { connection, offset } => (0, connection, offset),
            Self::Sync { connection, freed } => (SYNC, connection, freed),
        };
        kind | u64::from(connection & 0x7fff) << 32 | u64::from(low)
    }
}
