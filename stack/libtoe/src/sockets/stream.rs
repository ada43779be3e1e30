//! A connection as applications have it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::context::{Context, ipv4};
use super::host::{Core, Host, Kind, Patience, SocketId, StreamState, attempt_error};
use crate::connection::ConnectionId;
use crate::error::ToeError;

/// A connection, as that of `std::net`.
///
/// Dropped, with all of its clones, it is closed in the background: what was written is sent, and the stream ends
/// behind it. What the peer still sends is thrown away. Number and buffer are free again when both streams have ended,
/// or when the peer has acknowledged nothing for a minute.
///
/// Small writes are not held back to be joined with later ones (there is no `set_nodelay`): what is written between
/// two turns of the driver goes in as few segments as it can.
#[derive(Debug)]
pub struct TcpStream {
    pub(crate) handle: Arc<Handle>,
}

/// What clones of a stream share.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) host: Host,
    pub(crate) socket: SocketId,
    options: Mutex<Options>,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    is_nonblocking: bool,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl TcpStream {
    pub(crate) fn new(host: &Host, socket: SocketId, is_nonblocking: bool) -> Self {
        let options = Options {
            is_nonblocking,
            read_timeout: None,
            write_timeout: None,
        };
        Self {
            handle: Arc::new(Handle {
                host: host.clone(),
                socket,
                options: Mutex::new(options),
            }),
        }
    }

    /// Connects to a peer, and waits until it has answered.
    ///
    /// # Errors
    /// [`io::ErrorKind::ConnectionRefused`], [`io::ErrorKind::TimedOut`], [`io::ErrorKind::HostUnreachable`],
    /// [`io::ErrorKind::ResourceBusy`] where no connections or buffers are left.
    pub fn connect(context: &Context, address: impl Into<SocketAddr>) -> io::Result<Self> {
        Self::connect_within(context, address.into(), Patience::Endless)
    }

    /// The same, for so long at most.
    ///
    /// # Errors
    /// As [`TcpStream::connect`]; [`io::ErrorKind::TimedOut`] also where the time is up.
    pub fn connect_timeout(
        context: &Context,
        address: impl Into<SocketAddr>,
        timeout: Duration,
    ) -> io::Result<Self> {
        Self::connect_within(context, address.into(), Patience::Some(timeout))
    }

    fn connect_within(
        context: &Context,
        address: SocketAddr,
        patience: Patience,
    ) -> io::Result<Self> {
        let stream = Self::start(context, address)?;
        stream.set_nonblocking(false)?;
        let shared = &context.host.shared;
        let socket = stream.handle.socket;
        shared.wait(socket, patience, |core| core.open_stream(socket))?;
        Ok(stream)
    }

    /// Connects without waiting, and does not wait later either. Until the connection is there, reads and writes
    /// return [`io::ErrorKind::WouldBlock`]; when it is, it is writable. Where it does not come about, they say why.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] for IPv6; where the context is closed.
    pub fn start(context: &Context, address: impl Into<SocketAddr>) -> io::Result<Self> {
        let remote = ipv4(address.into())?;
        let local = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let socket = context.host.shared.with(|core| {
            let state = StreamState::Connecting { remote, local };
            let socket = core.add(Kind::Stream(state));
            let started = core.start(context.socket, socket);
            if started.is_err() {
                core.remove(socket);
            }
            started.map(|()| socket)
        })?;
        Ok(Self::new(&context.host, socket, true))
    }

    /// Another handle of the same connection.
    ///
    /// # Errors
    /// None; as `std::net` has it.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            handle: Arc::clone(&self.handle),
        })
    }

    /// The peer's address.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where there is no connection.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.addresses().map(|[_, remote]| remote)
    }

    /// Our address.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where there is no connection.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.addresses().map(|[local, _]| local)
    }

    fn addresses(&self) -> io::Result<[SocketAddr; 2]> {
        let mut core = self.handle.host.shared.lock();
        let connection = core
            .open_stream(self.handle.socket)
            .map_err(|_| io::Error::from(io::ErrorKind::NotConnected))?;
        Ok(core.toe.addresses(connection)?.map(SocketAddr::from))
    }

    /// Whether calls return [`io::ErrorKind::WouldBlock`] instead of waiting.
    ///
    /// # Errors
    /// None; as `std::net` has it.
    pub fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.change(|options| options.is_nonblocking = is_nonblocking);
        Ok(())
    }

    /// How long a read waits: then it returns [`io::ErrorKind::TimedOut`].
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for no time at all.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        check_timeout(timeout)?;
        self.change(|options| options.read_timeout = timeout);
        Ok(())
    }

    /// How long a write waits: then it returns [`io::ErrorKind::TimedOut`].
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for no time at all.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        check_timeout(timeout)?;
        self.change(|options| options.write_timeout = timeout);
        Ok(())
    }

    /// Ends what is sent, behind what was written, or what is read, or both.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where there is no connection; [`io::ErrorKind::WouldBlock`] where
    /// [reservations](crate::Reservation) are not committed; why the connection failed, if it did.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let socket = self.handle.socket;
        self.handle.host.shared.with(|core| {
            let connection = core
                .open_stream(socket)
                .map_err(|_| io::Error::from(io::ErrorKind::NotConnected))?;
            if matches!(how, Shutdown::Write | Shutdown::Both) {
                core.toe.shutdown_write(connection)?;
            }
            if matches!(how, Shutdown::Read | Shutdown::Both) {
                core.toe.shutdown_read(connection)?;
                core.notify(socket);
            }
            Ok(())
        })
    }

    /// Resets the connection: reads and writes fail from when the control plane has done so.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where there is no connection.
    pub fn abort(&self) -> io::Result<()> {
        let socket = self.handle.socket;
        self.handle.host.shared.with(|core| {
            let connection = core.open_stream(socket)?;
            Ok(core.toe.abort(connection)?)
        })
    }

    /// Why the connection failed, if it did.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where there is none any longer.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        let mut core = self.handle.host.shared.lock();
        match core.stream(self.handle.socket)? {
            StreamState::Connecting { .. } => Ok(None),
            StreamState::Failed(failure) => Ok(Some(attempt_error(*failure))),
            StreamState::Open(connection) => {
                let connection = *connection;
                Ok(core.toe.failure(connection)?.map(io::Error::from))
            }
        }
    }

    /// Reads without taking: the next read finds the same bytes.
    ///
    /// # Errors
    /// As a read.
    pub fn peek(&self, bytes: &mut [u8]) -> io::Result<usize> {
        self.wait_to_read(|core, connection| {
            let [first, second] = core.toe.received(connection)?;
            let n_first = first.len().min(bytes.len());
            bytes[..n_first].copy_from_slice(&first[..n_first]);
            let n_second = second.len().min(bytes.len() - n_first);
            bytes[n_first..n_first + n_second].copy_from_slice(&second[..n_second]);
            Ok(n_first + n_second)
        })
    }

    pub(crate) fn wait_to_read<T>(
        &self,
        mut attempt: impl FnMut(&mut Core, ConnectionId) -> Result<T, ToeError>,
    ) -> io::Result<T> {
        let options = self.options();
        self.wait(options.read_timeout, options, &mut attempt)
    }

    pub(crate) fn wait_to_write<T>(
        &self,
        mut attempt: impl FnMut(&mut Core, ConnectionId) -> Result<T, ToeError>,
    ) -> io::Result<T> {
        let options = self.options();
        self.wait(options.write_timeout, options, &mut attempt)
    }

    fn wait<T>(
        &self,
        timeout: Option<Duration>,
        options: Options,
        attempt: &mut impl FnMut(&mut Core, ConnectionId) -> Result<T, ToeError>,
    ) -> io::Result<T> {
        let patience = match (options.is_nonblocking, timeout) {
            (true, _) => Patience::None,
            (false, Some(timeout)) => Patience::Some(timeout),
            (false, None) => Patience::Endless,
        };
        let socket = self.handle.socket;
        self.handle.host.shared.wait(socket, patience, |core| {
            let connection = core.open_stream(socket)?;
            Ok(attempt(core, connection)?)
        })
    }

    fn options(&self) -> Options {
        *self.locked_options()
    }

    fn change(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.locked_options());
    }

    fn locked_options(&self) -> std::sync::MutexGuard<'_, Options> {
        let options = self.handle.options.lock();
        options.unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_timeout(timeout: Option<Duration>) -> io::Result<()> {
    match timeout {
        Some(Duration::ZERO) => Err(io::ErrorKind::InvalidInput.into()),
        Some(_) | None => Ok(()),
    }
}

impl Read for &TcpStream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.wait_to_read(|core, connection| core.toe.read(connection, bytes))
    }
}

impl Write for &TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait_to_write(|core, connection| core.toe.write(connection, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        (&*self).read(bytes)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.host.shared.with(|core| {
            if let Some(Kind::Stream(StreamState::Open(connection))) = core.remove(self.socket) {
                core.by_connection.remove(&connection);
                let now = core.now();
                core.toe.close(connection, now);
            }
        });
    }
}
