//! Packet sockets: frames of an interface of the machine arrive at the port, and what leaves the port is sent there.
//!
//! The machine itself sees the frames as well. An interface that leaves checksums or segmentation to its hardware
//! hands on frames that are not finished: that is to be turned off (`ethtool -K NAME tx off gso off tso off gro off`).

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, bind,
    getsockname, recvmsg, sendmsg, socket,
};

use crate::{Burst, LiveError, LivePort, Sent};

/// Frames that the machine itself sends through the interface are seen, too; they bear this mark.
const PACKET_OUTGOING: u8 = 4;

/// Why there is no frame.
enum Unread {
    /// The machine sent it.
    Outgoing,
    /// The system says so.
    Error(Errno),
}

/// An interface that a packet socket is bound to.
pub(crate) struct PacketSocket {
    name: String,
    socket: OwnedFd,
}

impl PacketSocket {
    /// Binds a socket to an interface that is there.
    pub(crate) fn open(name: String, interface: &str) -> Result<Self, LiveError> {
        let address = match address_of(interface) {
            Ok(Some(address)) => address,
            Ok(None) => return Err(LiveError::NoInterface { name }),
            Err(error) => return Err(failed(name, error)),
        };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let opened = socket(
            AddressFamily::Packet,
            SockType::Raw,
            flags,
            SockProtocol::EthAll,
        )
        .and_then(|socket| bind(socket.as_raw_fd(), &address).map(|()| socket));
        match opened {
            Ok(socket) => Ok(Self { name, socket }),
            Err(error) => Err(failed(name, error)),
        }
    }

    /// Whether the interface that it was bound to is still there: one that is gone has the number -1.
    fn is_bound(&self) -> bool {
        let address = getsockname::<LinkAddr>(self.socket.as_raw_fd());
        address.is_ok_and(|address| i32::try_from(address.ifindex()).is_ok_and(|index| index > 0))
    }

    /// What an error of the interface means.
    fn broken(&self, error: Errno) -> io::Result<()> {
        match error {
            Errno::ENETDOWN if self.is_bound() => Ok(()),
            error => Err(error.into()),
        }
    }
}

fn failed(name: String, error: Errno) -> LiveError {
    match error {
        Errno::EPERM | Errno::EACCES => LiveError::NoRight { name },
        error => LiveError::Open {
            name,
            source: error.into(),
        },
    }
}

/// The address of an interface of this name. That it is none is a clear error before it is asked for by number.
fn address_of(interface: &str) -> Result<Option<LinkAddr>, Errno> {
    if if_nametoindex(interface).is_err() {
        return Ok(None);
    }
    let mut found = getifaddrs()?.filter(|found| found.interface_name == interface);
    Ok(found.find_map(|found| found.address?.as_link_addr().copied()))
}

impl LivePort for PacketSocket {
    fn name(&self) -> &str {
        &self.name
    }

    fn receive(&mut self, burst: &mut Burst, max_packets: usize) -> io::Result<()> {
        for _ in 0..max_packets {
            let descriptor = self.socket.as_raw_fd();
            let received = burst.read(|room| {
                let mut parts = [IoSliceMut::new(room)];
                let flags = MsgFlags::MSG_DONTWAIT;
                let received = recvmsg::<LinkAddr>(descriptor, &mut parts, None, flags);
                let received = received.map_err(Unread::Error)?;
                let kind = received.address.map(|address| address.pkttype());
                if kind == Some(PACKET_OUTGOING) {
                    return Err(Unread::Outgoing);
                }
                Ok(received.bytes)
            });
            match received {
                Ok(()) | Err(Unread::Outgoing | Unread::Error(Errno::EINTR)) => {}
                Err(Unread::Error(Errno::EAGAIN)) => break,
                Err(Unread::Error(error)) => self.broken(error)?,
            }
        }
        Ok(())
    }

    fn send(&mut self, packet: &[u8]) -> io::Result<Sent> {
        loop {
            let parts = [IoSlice::new(packet)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let sent =
                sendmsg::<SockaddrStorage>(self.socket.as_raw_fd(), &parts, &[], flags, None);
            return match sent {
                Ok(_) => Ok(Sent::Done),
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM) => Ok(Sent::Full),
                Err(Errno::EINVAL | Errno::EMSGSIZE) => Ok(Sent::Refused),
                Err(error) => self.broken(error).map(|()| Sent::Down),
            };
        }
    }

    /// An interface is down before it goes, and then does not say so again.
    fn check(&mut self) -> io::Result<()> {
        if self.is_bound() {
            return Ok(());
        }
        Err(Errno::ENODEV.into())
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
