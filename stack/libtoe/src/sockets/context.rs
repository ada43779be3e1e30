//! A context as applications have it.

use std::io;
use std::net::{SocketAddr, SocketAddrV4};

use p4rmt_wire::{ContextSettings, FailReason};

use super::host::{ContextState, Host, Kind, Patience, SocketId};
use crate::error::ToeError;

/// A context: what connections and listeners belong to, typically one a thread. Clones are the same context.
///
/// It is open until it is closed, not until it is dropped.
#[derive(Clone, Debug)]
pub struct Context {
    pub(crate) host: Host,
    pub(crate) socket: SocketId,
}

impl Context {
    /// Opens a context, and waits until it is there. The token of the settings does not matter.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] where the settings are not such as the pipe can work with; what the control
    /// plane has against it.
    pub fn open(host: &Host, settings: ContextSettings) -> io::Result<Self> {
        let context = Self::start(host, settings)?;
        let shared = &context.host.shared;
        let opened = shared.wait(context.socket, Patience::Endless, |core| {
            let state = core.context(context.socket)?;
            match (state.failure, state.number) {
                (Some(failure), _) => Err(failure.into()),
                (None, None) => Err(ToeError::WouldBlock.into()),
                (None, Some(_)) => Ok(()),
            }
        });
        opened.map(|()| context)
    }

    /// Opens a context without waiting until it is there. Listeners and connections can be asked for at once.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] where the settings are not such as the pipe can work with.
    pub fn start(host: &Host, settings: ContextSettings) -> io::Result<Self> {
        let socket = host.shared.with(|core| {
            let socket = core.add(Kind::Context(ContextState::default()));
            let settings = ContextSettings {
                token: socket.0,
                ..settings
            };
            if let Err(error) = core.toe.open_context(settings) {
                core.remove(socket);
                return Err(io::Error::from(error));
            }
            Ok(socket)
        })?;
        Ok(Self {
            host: host.clone(),
            socket,
        })
    }

    /// Its number, once it is there.
    #[must_use]
    pub fn number(&self) -> Option<u16> {
        let mut core = self.host.shared.lock();
        core.context(self.socket).ok()?.number
    }

    /// Closes it. Its listeners fail, its connections are reset.
    pub fn close(&self) {
        self.host.shared.with(|core| {
            let Some(Kind::Context(state)) = core.remove(self.socket) else {
                return;
            };
            if let Some(number) = state.number {
                let _ = core.toe.close_context(number);
            }
            let listeners = core.sockets.iter().filter(|(_, socket)| {
                matches!(&socket.kind, Kind::Listener(state) if state.context == self.socket)
            });
            let ended: Vec<SocketId> = listeners.map(|(id, _)| *id).collect();
            for id in ended.into_iter().chain(state.waiting) {
                core.attempt_failed(id, ToeError::Failed(FailReason::Aborted));
            }
        });
    }
}

/// The pipe speaks IPv4.
pub(crate) fn ipv4(address: SocketAddr) -> io::Result<SocketAddrV4> {
    match address {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}
