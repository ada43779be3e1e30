//! Why bytes are not what they should be.

/// What is wrong with a packet, or with what was to become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// It ends too early.
    #[error("the {part} needs {needed} bytes, and {available} are there")]
    Short {
        /// Where it ends.
        part: &'static str,
        /// Bytes that this part needs.
        needed: usize,
        /// Bytes that are left for it.
        available: usize,
    },
    /// A field has a value that it must not have.
    #[error("the {field} is {found:#x}, not {expected:#x}")]
    Field {
        /// Which.
        field: &'static str,
        /// What it is.
        found: u64,
        /// What it must be.
        expected: u64,
    },
    /// A field has a value that means nothing.
    #[error("the {field} is {found:#x}, which means nothing")]
    Unknown {
        /// Which.
        field: &'static str,
        /// What it is.
        found: u64,
    },
    /// A payload is too long for a packet.
    #[error("{needed} bytes of payload do not fit into a packet, {available} do")]
    Long {
        /// Bytes of the payload.
        needed: usize,
        /// Bytes that a packet can have.
        available: usize,
    },
}
