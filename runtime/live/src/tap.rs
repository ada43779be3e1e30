//! TAP interfaces: what the machine sends into one arrives at the port, and what leaves the port comes out of it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use crate::{Burst, LiveError, LivePort, Sent};

/// An attached TAP interface. One that was made goes with it.
pub(crate) struct Tap {
    name: String,
    device: SyncDevice,
}

impl Tap {
    /// Makes an interface that is not there, or attaches to one that is, and sets it up.
    pub(crate) fn open(name: String, interface: &str) -> Result<Self, LiveError> {
        let opened = DeviceBuilder::new()
            .name(interface)
            .layer(Layer::L2)
            .build_sync()
            .and_then(|device| device.set_nonblocking(true).map(|()| device));
        match opened {
            Ok(device) => Ok(Self { name, device }),
            Err(source) => Err(match source.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EPERM | Errno::EACCES) => LiveError::NoRight { name },
                Some(Errno::EBUSY) => LiveError::Busy { name },
                Some(Errno::EINVAL | Errno::EEXIST) => LiveError::NotTap { name },
                Some(_) | None => LiveError::Open { name, source },
            }),
        }
    }
}

impl LivePort for Tap {
    fn name(&self) -> &str {
        &self.name
    }

    fn receive(&mut self, burst: &mut Burst, max_packets: usize) -> io::Result<()> {
        for _ in 0..max_packets {
            match burst.read(|room| self.device.recv(room)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn send(&mut self, packet: &[u8]) -> io::Result<Sent> {
        loop {
            let error = match self.device.send(packet) {
                Ok(_) => return Ok(Sent::Done),
                Err(error) => error,
            };
            return match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EINTR) => continue,
                Some(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM) => Ok(Sent::Full),
                // An interface that is down says so in these words.
                Some(Errno::EIO) => Ok(Sent::Down),
                Some(Errno::EINVAL | Errno::EMSGSIZE) => Ok(Sent::Refused),
                Some(_) | None => Err(error),
            };
        }
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}
