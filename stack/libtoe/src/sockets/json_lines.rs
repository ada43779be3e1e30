//! Messages as lines of JSON, for a control plane in another process.

use std::io::{self, Read, Write};

use p4rmt_wire::{HostEvent, HostRequest};

use super::link::ControlChannel;

/// The longest line that is believed in, in bytes.
const MAX_LINE: usize = 1 << 16;

/// A channel over a stream of bytes that does not wait, such as a Unix socket after `set_nonblocking(true)`.
#[derive(Debug)]
pub struct JsonLines<S> {
    stream: S,
    /// What has come and is not a whole line yet.
    inbound: Vec<u8>,
    /// Bytes of `inbound` that were looked at and have no end of a line.
    n_searched: usize,
    /// What the stream has not taken yet.
    outbound: Vec<u8>,
}

impl<S: Read + Write> JsonLines<S> {
    /// A channel over `stream`, whose calls must not wait.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            inbound: Vec::new(),
            n_searched: 0,
            outbound: Vec::new(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.outbound.is_empty() {
            match self.stream.write(&self.outbound) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n_written) => drop(self.outbound.drain(..n_written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The next whole line, without its end.
    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.inbound[self.n_searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.n_searched = self.inbound.len();
            return None;
        };
        let end = self.n_searched + end;
        self.n_searched = 0;
        let mut line: Vec<u8> = self.inbound.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}

impl<S: Read + Write> ControlChannel for JsonLines<S> {
    fn receive(&mut self) -> io::Result<Option<HostEvent>> {
        self.flush()?;
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            if self.inbound.len() > MAX_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::ConnectionAborted.into()),
                Ok(n_read) => self.inbound.extend_from_slice(&bytes[..n_read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn send(&mut self, request: HostRequest) -> io::Result<()> {
        serde_json::to_writer(&mut self.outbound, &request)?;
        self.outbound.push(b'\n');
        self.flush()
    }
}
