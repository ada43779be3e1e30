//! Why the control plane cannot go on.

use p4rmt_control::ControlError;
use thiserror::Error;

/// Why the control plane cannot go on.
#[derive(Debug, Error)]
pub enum PlaneError {
    /// The switch refused something that it should take, or is out of reach.
    #[error(transparent)]
    Switch(#[from] ControlError),
    /// The switch answered something else than was asked.
    #[error("the switch answered something else than was asked")]
    Answer,
    /// A network port has no mirror session of its number.
    #[error("port {port} cannot be a network port: they are 1 to 126")]
    BadNetworkPort {
        /// The port.
        port: u16,
    },
    /// A prefix is longer than an address.
    #[error("port {port} has a prefix of {len} bits: an IPv4 address has 32")]
    BadPrefix {
        /// The port.
        port: u16,
        /// The length, in bits.
        len: u8,
    },
    /// A gateway lies outside of its network.
    #[error("the gateway of port {port} is not in the port's network")]
    FarGateway {
        /// The port.
        port: u16,
    },
    /// No segment has so little payload.
    #[error("an MSS of {mss} bytes is too small: IPv4 asks for at least 536")]
    SmallMss {
        /// The MSS.
        mss: u16,
    },
}
