//! What an application does with its connections. Nothing here waits.

use std::net::SocketAddrV4;
use std::time::Duration;

use p4rmt_wire::HostRequest;

use crate::connection::{Chunk, ConnectionId, Readiness, Reservation};
use crate::error::ToeError;
use crate::toe::Toe;

impl Toe {
    /// What can be done with a connection without waiting.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn readiness(&mut self, id: ConnectionId) -> Result<Readiness, ToeError> {
        let (connection, inbound) = self.parts(id)?;
        connection.is_changed = false;
        let is_failed = connection.failure.is_some();
        let outbound = &connection.outbound;
        Ok(Readiness {
            is_readable: is_failed
                || connection.is_discarding
                || inbound.n_available() > 0
                || inbound.is_at_end(),
            is_writable: is_failed || outbound.is_shut() || outbound.room() > 0,
            is_hung_up: is_failed || connection.is_closed,
        })
    }

    /// Our address, and the peer's.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn addresses(&mut self, id: ConnectionId) -> Result<[SocketAddrV4; 2], ToeError> {
        let connection = self.connection(id)?;
        Ok([connection.local, connection.remote])
    }

    /// Takes an accepted connection: its listener's backlog has room for another.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn take(&mut self, id: ConnectionId) -> Result<(), ToeError> {
        self.connection(id)?;
        self.request(HostRequest::Taken {
            connection: id.number(),
        });
        Ok(())
    }

    /// Reads into `bytes` what is there; 0 at the end of the stream.
    ///
    /// # Errors
    /// [`ToeError::WouldBlock`] where nothing is there; why the connection failed, if it did.
    pub fn read(&mut self, id: ConnectionId, bytes: &mut [u8]) -> Result<usize, ToeError> {
        let (connection, inbound) = self.parts(id)?;
        connection.is_changed = false;
        check_failure(connection.failure)?;
        if bytes.is_empty() || connection.is_discarding || inbound.is_at_end() {
            return Ok(0);
        }
        let n_read = inbound.read(bytes);
        if n_read == 0 {
            return Err(ToeError::WouldBlock);
        }
        self.enqueue(id.number());
        Ok(n_read)
    }

    /// What can be read, where the pipe has put it: two slices, the second empty unless it crosses the end of the
    /// buffer. Both are empty at the end of the stream.
    ///
    /// # Errors
    /// As [`Toe::read`].
    pub fn received(&mut self, id: ConnectionId) -> Result<[&[u8]; 2], ToeError> {
        let (connection, inbound) = self.parts(id)?;
        connection.is_changed = false;
        check_failure(connection.failure)?;
        if connection.is_discarding {
            return Ok([&[], &[]]);
        }
        if inbound.n_available() == 0 && !inbound.is_at_end() {
            return Err(ToeError::WouldBlock);
        }
        Ok(inbound.available())
    }

    /// Takes the next bytes out of the stream, at most `len`, and leaves them where they are. The chunk is empty at
    /// the end of the stream.
    ///
    /// # Errors
    /// As [`Toe::read`].
    pub fn take_received(&mut self, id: ConnectionId, len: usize) -> Result<Chunk, ToeError> {
        self.received(id)?;
        let (_, inbound) = self.parts(id)?;
        let range = inbound.take(len);
        Ok(Chunk { id, range })
    }

    /// The bytes of a chunk: two slices, the second empty unless it crosses the end of the buffer.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn chunk_slices(&mut self, chunk: &Chunk) -> Result<[&[u8]; 2], ToeError> {
        let (_, inbound) = self.parts(chunk.id)?;
        inbound.bytes(&chunk.range).ok_or(ToeError::Gone)
    }

    /// Frees the place of a chunk. The peer is told of it as far as all places before it are free, too.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn free(&mut self, chunk: Chunk) -> Result<(), ToeError> {
        let (_, inbound) = self.parts(chunk.id)?;
        inbound.free(chunk.range);
        self.enqueue(chunk.id.number());
        Ok(())
    }

    /// Writes as many bytes as there is room for.
    ///
    /// # Errors
    /// [`ToeError::WouldBlock`] where there is no room; [`ToeError::ShutDown`] where the stream has ended; why the
    /// connection failed, if it did.
    pub fn write(&mut self, id: ConnectionId, bytes: &[u8]) -> Result<usize, ToeError> {
        let connection = self.connection(id)?;
        connection.is_changed = false;
        check_failure(connection.failure)?;
        if connection.outbound.is_shut() {
            return Err(ToeError::ShutDown);
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        let n_written = connection.outbound.write(bytes);
        if n_written == 0 {
            return Err(ToeError::WouldBlock);
        }
        self.enqueue(id.number());
        Ok(n_written)
    }

    /// Reserves the next `len` bytes of the stream, to be filled in place.
    ///
    /// # Errors
    /// [`ToeError::TooMany`] where there can never be room for so many; otherwise as [`Toe::write`].
    pub fn reserve(&mut self, id: ConnectionId, len: usize) -> Result<Reservation, ToeError> {
        let connection = self.connection(id)?;
        connection.is_changed = false;
        check_failure(connection.failure)?;
        let outbound = &mut connection.outbound;
        if outbound.is_shut() {
            return Err(ToeError::ShutDown);
        }
        if len > outbound.capacity() {
            return Err(ToeError::TooMany {
                needed: len,
                available: outbound.capacity(),
            });
        }
        let range = outbound.reserve(len).ok_or(ToeError::WouldBlock)?;
        Ok(Reservation { id, range })
    }

    /// The place of a reservation: two slices, the second empty unless it crosses the end of the buffer.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn reservation_slices(
        &mut self,
        reservation: &Reservation,
    ) -> Result<[&mut [u8]; 2], ToeError> {
        let connection = self.connection(reservation.id)?;
        let slices = connection.outbound.reserved_mut(&reservation.range);
        slices.ok_or(ToeError::Gone)
    }

    /// Commits what was reserved: it is sent when all that was reserved before it is committed, too.
    ///
    /// # Errors
    /// [`ToeError::ShutDown`] where the stream has ended before it; otherwise as [`Toe::write`].
    pub fn commit(&mut self, reservation: Reservation) -> Result<(), ToeError> {
        let connection = self.connection(reservation.id)?;
        check_failure(connection.failure)?;
        if connection.outbound.is_shut() {
            return Err(ToeError::ShutDown);
        }
        connection.outbound.commit(reservation.range);
        self.enqueue(reservation.id.number());
        Ok(())
    }

    /// Ends the stream that is sent, behind what was written. Once more does nothing.
    ///
    /// # Errors
    /// [`ToeError::WouldBlock`] where reservations are not committed; why the connection failed, if it did.
    pub fn shutdown_write(&mut self, id: ConnectionId) -> Result<(), ToeError> {
        let connection = self.connection(id)?;
        check_failure(connection.failure)?;
        if connection.outbound.is_shut() {
            return Ok(());
        }
        if connection.outbound.has_reservations() {
            return Err(ToeError::WouldBlock);
        }
        self.end_stream(id);
        Ok(())
    }

    /// Reads nothing any longer: what comes is thrown away, and a read finds the end.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn shutdown_read(&mut self, id: ConnectionId) -> Result<(), ToeError> {
        let (connection, inbound) = self.parts(id)?;
        connection.is_discarding = true;
        let range = inbound.take(usize::MAX);
        inbound.free(range);
        self.enqueue(id.number());
        Ok(())
    }

    /// Gives a connection up. What was written is still sent, and the stream ends behind it; what comes is thrown
    /// away. Number and buffer are given back when both streams have ended, or nothing is acknowledged any longer.
    pub fn close(&mut self, id: ConnectionId, now: Duration) {
        let Ok((connection, inbound)) = self.parts(id) else {
            return;
        };
        if connection.is_closed || connection.failure.is_some() {
            self.release(id.number());
            return;
        }
        connection.is_discarding = true;
        let is_shut = connection.outbound.is_shut();
        // Chunks that an application has kept are freed as well.
        let range = inbound.take(usize::MAX);
        inbound.free(0..range.end);
        if !is_shut {
            self.end_stream(id);
        }
        self.enqueue(id.number());
        self.abandon(id, now);
    }

    /// Resets a connection. Its number and its buffer stay until it is closed.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub fn abort(&mut self, id: ConnectionId) -> Result<(), ToeError> {
        let connection = self.connection(id)?;
        if connection.failure.is_none() && !connection.is_closed {
            self.request(HostRequest::Abort {
                connection: id.number(),
            });
        }
        Ok(())
    }

    /// Why a connection failed, if it did.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn failure(&mut self, id: ConnectionId) -> Result<Option<ToeError>, ToeError> {
        Ok(self.connection(id)?.failure)
    }

    fn end_stream(&mut self, id: ConnectionId) {
        if let Ok(connection) = self.connection(id) {
            // Lengths are told modulo 2^32.
            let length = connection.outbound.shut() as u32;
            self.request(HostRequest::Shutdown {
                connection: id.number(),
                length,
            });
        }
    }
}

fn check_failure(failure: Option<ToeError>) -> Result<(), ToeError> {
    failure.map_or(Ok(()), Err)
}
