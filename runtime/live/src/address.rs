//! What a port can be attached to, as it is written.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::packet::PacketSocket;
use crate::tap::Tap;
use crate::{LiveError, LivePort};

/// What a port is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortAddress {
    /// `tap:NAME`: a TAP interface; one that is not there is made, and goes when it is closed.
    Tap(String),
    /// `packet:NAME`: an interface that is there, through a packet socket.
    Packet(String),
}

/// A text that is no address of a port.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It begins with nothing that we know.
    #[error("`{text}` is nothing to attach a port to: write `tap:NAME` or `packet:NAME`")]
    UnknownKind {
        /// The text.
        text: String,
    },
    /// No interface can have this name.
    #[error(
        "`{name}` is no name of an interface: it has 1 to 15 bytes, no `/`, no `%` and no space"
    )]
    BadName {
        /// The name.
        name: String,
    },
}

impl FromStr for PortAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let unknown = || AddressError::UnknownKind {
            text: text.to_owned(),
        };
        let (kind, name) = text.split_once(':').ok_or_else(unknown)?;
        let address = match kind {
            "tap" => Self::Tap(name.to_owned()),
            "packet" => Self::Packet(name.to_owned()),
            _ => return Err(unknown()),
        };
        // A `%d` in a name is a number that the kernel picks: the interface would have another name than was said.
        let is_bad = |c: char| c == '/' || c == '%' || c == '\0' || c.is_whitespace();
        if name.is_empty()
            || name.len() > 15
            || name == "."
            || name == ".."
            || name.contains(is_bad)
        {
            let name = name.to_owned();
            return Err(AddressError::BadName { name });
        }
        Ok(address)
    }
}

impl fmt::Display for PortAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tap(name) => write!(f, "tap:{name}"),
            Self::Packet(name) => write!(f, "packet:{name}"),
        }
    }
}

impl PortAddress {
    /// Opens it. A TAP interface that is made for it is set up.
    ///
    /// # Errors
    /// It is not there, or we may not.
    pub fn open(&self) -> Result<Box<dyn LivePort>, LiveError> {
        let name = self.to_string();
        Ok(match self {
            Self::Tap(interface) => Box::new(Tap::open(name, interface)?),
            Self::Packet(interface) => Box::new(PacketSocket::open(name, interface)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_text_and_text_is_addresses() {
        for text in ["tap:laminar0", "packet:eth0", "tap:123456789012345"] {
            let address: PortAddress = text.parse().expect("it is one");
            assert_eq!(address.to_string(), text);
        }
        for text in [
            "tap:",
            "tap:1234567890123456",
            "tap:a/b",
            "tap:a b",
            "tap:t%d",
            "tap:..",
            "tun:a",
            "eth0",
            "",
            ":",
        ] {
            assert!(text.parse::<PortAddress>().is_err(), "{text}");
        }
    }
}
