//! Bytes in the payload buffers themselves, without copies.
//!
//! What is received is taken out of the stream as [`Chunk`]s, which stay where the pipe has put them until they are
//! freed, in any order. What is sent is reserved, filled in place, and committed, in any order; it is sent in the order
//! in which it was reserved. Both can be mixed with reads and writes.
//!
//! The closures that see the bytes hold the host's lock: nothing else of the host moves meanwhile, and they must not
//! use its sockets. A thread that has much to do with a chunk better copies, or drives the core itself
//! ([`Toe`](crate::Toe)).

use std::io;

use super::stream::TcpStream;
use crate::connection::{Chunk, ConnectionId, Reservation};
use crate::error::ToeError;

impl TcpStream {
    /// Shows all that can be read, without taking it: two slices, the second empty unless the bytes cross the end of
    /// the buffer, both empty at the end of the stream. Waits as a read does.
    ///
    /// # Errors
    /// As a read.
    pub fn recv_slices<T>(&self, show: impl FnOnce([&[u8]; 2]) -> T) -> io::Result<T> {
        let mut show = Some(show);
        self.wait_to_read(|core, connection| {
            let slices = core.toe.received(connection)?;
            // Only the last attempt comes so far.
            let show = show.take().ok_or(ToeError::WouldBlock)?;
            Ok(show(slices))
        })
    }

    /// Takes the next bytes out of the stream, at most `len`, and leaves them where they are; empty at the end of the
    /// stream. Waits as a read does.
    ///
    /// # Errors
    /// As a read.
    pub fn recv_chunk(&self, len: usize) -> io::Result<Chunk> {
        self.wait_to_read(|core, connection| core.toe.take_received(connection, len))
    }

    /// Shows the bytes of a chunk of this stream.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where it is no chunk of this stream, or the connection is gone.
    pub fn chunk_slices<T>(
        &self,
        chunk: &Chunk,
        show: impl FnOnce([&[u8]; 2]) -> T,
    ) -> io::Result<T> {
        self.with_connection(chunk.id, |core| Ok(show(core.toe.chunk_slices(chunk)?)))
    }

    /// Frees a chunk of this stream: the peer may send so much more, as far as all before it is free, too.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where it is no chunk of this stream, or the connection is gone.
    pub fn consume(&self, chunk: Chunk) -> io::Result<()> {
        self.with_connection(chunk.id, |core| Ok(core.toe.free(chunk)?))
    }

    /// Reserves the next `len` bytes to be sent. Waits for room as a write does.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] where the buffer never has so much room; otherwise as a write.
    pub fn send_reserve(&self, len: usize) -> io::Result<Reservation> {
        self.wait_to_write(|core, connection| core.toe.reserve(connection, len))
    }

    /// Lets the bytes of a reservation of this stream be filled: two slices, the second empty unless they cross the end
    /// of the buffer. What is in them before is of no meaning.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where it is no reservation of this stream, or the connection is gone.
    pub fn reservation_slices<T>(
        &self,
        reservation: &Reservation,
        fill: impl FnOnce([&mut [u8]; 2]) -> T,
    ) -> io::Result<T> {
        self.with_connection(reservation.id, |core| {
            Ok(fill(core.toe.reservation_slices(reservation)?))
        })
    }

    /// Commits a reservation of this stream: it is sent when all before it is committed, too.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where it is no reservation of this stream; otherwise as a write.
    pub fn send_commit(&self, reservation: Reservation) -> io::Result<()> {
        self.with_connection(reservation.id, |core| Ok(core.toe.commit(reservation)?))
    }

    fn with_connection<T>(
        &self,
        id: ConnectionId,
        act: impl FnOnce(&mut super::host::Core) -> io::Result<T>,
    ) -> io::Result<T> {
        let socket = self.handle.socket;
        self.handle.host.shared.with(|core| {
            if core.open_stream(socket)? != id {
                return Err(ToeError::Gone.into());
            }
            act(core)
        })
    }
}
