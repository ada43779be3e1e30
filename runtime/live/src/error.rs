//! Why a run cannot begin, or ends.

use std::io;
use std::path::PathBuf;

use nix::errno::Errno;
use p4rmt_pipeline::DeviceError;
use thiserror::Error;

/// Why a run cannot begin, or ends.
#[derive(Debug, Error)]
pub enum LiveError {
    /// A port to which something is attached already.
    #[error("port {port} is attached to `{name}` already")]
    PortTaken {
        /// The port.
        port: u16,
        /// What is attached.
        name: String,
    },
    /// What a port is attached to has vanished.
    #[error("port {port}: `{name}` is gone: {source}")]
    PortGone {
        /// The port.
        port: u16,
        /// What was attached.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// The interface of a port does not come up again.
    #[error("port {port}: `{name}` has been down for {seconds} seconds")]
    PortDown {
        /// The port.
        port: u16,
        /// What is attached.
        name: String,
        /// How long.
        seconds: u64,
    },
    /// An interface cannot be made or opened for want of a right.
    #[error(
        "cannot attach `{name}`: this needs the right to administer the network (CAP_NET_ADMIN, CAP_NET_RAW): \
         run as root, or let root make a TAP interface for you: `ip tuntap add dev NAME mode tap user USER`"
    )]
    NoRight {
        /// What was to be attached.
        name: String,
    },
    /// A TAP interface that another process has.
    #[error("cannot attach `{name}`: another process is attached to it")]
    Busy {
        /// What was to be attached.
        name: String,
    },
    /// An interface that is no TAP interface.
    #[error(
        "cannot attach `{name}`: there is an interface of this name that is no TAP interface: write `packet:`"
    )]
    NotTap {
        /// What was to be attached.
        name: String,
    },
    /// An interface that is not there.
    #[error("cannot attach `{name}`: there is no such interface")]
    NoInterface {
        /// What was to be attached.
        name: String,
    },
    /// An interface cannot be made or opened.
    #[error("cannot attach `{name}`: {source}")]
    Open {
        /// What was to be attached.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// Another switch listens at a socket.
    #[error("another switch listens at `{}`: stop it, or name another socket", path.display())]
    SocketInUse {
        /// The socket.
        path: PathBuf,
    },
    /// What stands where a socket is to be is none.
    #[error("`{}` is there already and is no socket: remove it, or name another socket", path.display())]
    NoSocket {
        /// The file.
        path: PathBuf,
    },
    /// A socket cannot be made.
    #[error("cannot listen at `{}`: {source}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The device goes on no more.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The system does not let us wait.
    #[error("cannot wait for packets: {0}")]
    Wait(Errno),
}
