//! Where peers connect to.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::context::{Context, ipv4};
use super::host::{Host, Kind, ListenerState, Patience, SocketId, StreamState, attempt_error};
use super::stream::TcpStream;
use crate::error::ToeError;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 128;

/// A listener, as that of `std::net`. Dropped, it accepts no more; connections that nobody has accepted are reset.
#[derive(Debug)]
pub struct TcpListener {
    pub(crate) host: Host,
    pub(crate) socket: SocketId,
    is_nonblocking: AtomicBool,
}

impl TcpListener {
    /// Listens at an address, and waits until it does. Port 0 is any that is free.
    ///
    /// # Errors
    /// [`io::ErrorKind::AddrNotAvailable`] where the address is in use or none of the switch;
    /// [`io::ErrorKind::Unsupported`] for IPv6.
    pub fn bind(context: &Context, address: impl Into<SocketAddr>) -> io::Result<Self> {
        let listener = Self::start(context, address)?;
        listener.is_nonblocking.store(false, Ordering::Relaxed);
        let shared = &listener.host.shared;
        shared.wait(listener.socket, Patience::Endless, |core| {
            let state = core.listener(listener.socket)?;
            match (state.failure, state.local) {
                (Some(failure), _) => Err(attempt_error(failure)),
                (None, None) => Err(ToeError::WouldBlock.into()),
                (None, Some(_)) => Ok(()),
            }
        })?;
        Ok(listener)
    }

    /// The same without waiting. The listener does not wait either; where it does not come about,
    /// [`TcpListener::accept`] says so.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] for IPv6; where the context is closed.
    pub fn start(context: &Context, address: impl Into<SocketAddr>) -> io::Result<Self> {
        let asked = ipv4(address.into())?;
        let socket = context.host.shared.with(|core| {
            let socket = core.add(Kind::Listener(ListenerState {
                context: context.socket,
                asked,
                backlog: BACKLOG,
                is_asked: false,
                local: None,
                failure: None,
                accepted: VecDeque::new(),
            }));
            let started = core.start(context.socket, socket);
            if started.is_err() {
                core.remove(socket);
            }
            started.map(|()| socket)
        })?;
        Ok(Self {
            host: context.host.clone(),
            socket,
            is_nonblocking: AtomicBool::new(true),
        })
    }

    /// The next connection, and its peer. Waits for one, unless the listener does not wait.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where it does not wait; why there is no listener any longer.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let patience = if self.is_nonblocking.load(Ordering::Relaxed) {
            Patience::None
        } else {
            Patience::Endless
        };
        let (socket, remote) = self.host.shared.wait(self.socket, patience, |core| {
            let state = core.listener(self.socket)?;
            let Some(connection) = state.accepted.pop_front() else {
                return Err(match state.failure {
                    Some(failure) => attempt_error(failure),
                    None => ToeError::WouldBlock.into(),
                });
            };
            core.toe.take(connection)?;
            let [_, remote] = core.toe.addresses(connection)?;
            let socket = core.add(Kind::Stream(StreamState::Open(connection)));
            core.by_connection.insert(connection, socket);
            Ok((socket, remote))
        })?;
        Ok((TcpStream::new(&self.host, socket, false), remote.into()))
    }

    /// Connections as they come; each step waits as [`TcpListener::accept`] does.
    pub fn incoming(&self) -> impl Iterator<Item = io::Result<TcpStream>> {
        std::iter::repeat_with(|| self.accept().map(|(stream, _)| stream))
    }

    /// The address, with the port that was found.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where it does not listen yet, or any longer.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let mut core = self.host.shared.lock();
        let local = core.listener(self.socket)?.local;
        local
            .map(SocketAddr::from)
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Whether [`TcpListener::accept`] returns [`io::ErrorKind::WouldBlock`] instead of waiting. Accepted connections
    /// wait, as those of `std::net` do.
    ///
    /// # Errors
    /// None; as `std::net` has it.
    pub fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.is_nonblocking.store(is_nonblocking, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        self.host.shared.with(|core| {
            let Some(Kind::Listener(state)) = core.remove(self.socket) else {
                return;
            };
            if let Some(local) = state.local {
                core.by_listener.remove(&local);
                core.toe.stop_listening(local);
            }
            for connection in state.accepted {
                core.refuse(connection);
            }
        });
    }
}
