//! The captures of a replay, each with its next packet.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::ReplayError;
use crate::{CaptureReader, DeviceError};

/// A capture that arrives on a port. It is opened anew for each round.
pub struct ReplayInput {
    /// The port.
    pub port: u16,
    /// Its name, for messages.
    pub name: String,
    /// Opens it.
    pub open: Box<dyn Fn() -> io::Result<Box<dyn Read>>>,
}

/// A capture being read, with its next packet.
pub(super) struct Source<'a> {
    pub(super) input: &'a ReplayInput,
    reader: CaptureReader<Box<dyn Read>>,
    pub(super) next: Option<Pending>,
    /// How many packets were read, the next one with them.
    pub(super) n_packets: u64,
    /// At line rate: when its port is free again, in nanoseconds from the start of the round.
    pub(super) free_ns: u64,
    pub(super) n_cut: u64,
}

/// A packet that was read and has not arrived.
pub(super) struct Pending {
    pub(super) timestamp_ns: u64,
    pub(super) bytes: Vec<u8>,
}

impl<'a> Source<'a> {
    pub(super) fn open(input: &'a ReplayInput) -> Result<Self, ReplayError> {
        let opened = (input.open)().map_err(|cause| ReplayError::Open {
            name: input.name.clone(),
            cause,
        })?;
        let reader = CaptureReader::new(opened).map_err(|cause| ReplayError::Capture {
            name: input.name.clone(),
            cause,
        })?;
        let mut source = Self {
            input,
            reader,
            next: None,
            n_packets: 0,
            free_ns: 0,
            n_cut: 0,
        };
        source.advance(Vec::new())?;
        Ok(source)
    }

    /// How many bytes were read.
    pub(super) fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// That the device refuses a packet of this position, from 1.
    pub(super) fn refused(&self, position: u64, cause: DeviceError) -> ReplayError {
        ReplayError::Device {
            name: self.input.name.clone(),
            position,
            cause: Box::new(cause),
        }
    }

    /// Reads the next packet; the buffer is used again.
    pub(super) fn advance(&mut self, mut bytes: Vec<u8>) -> Result<(), ReplayError> {
        let packet = self
            .reader
            .next_packet()
            .map_err(|cause| ReplayError::Capture {
                name: self.input.name.clone(),
                cause,
            })?;
        let Some(packet) = packet else {
            self.next = None;
            return Ok(());
        };
        bytes.clear();
        bytes.extend(packet.bytes);
        self.n_cut += u64::from(packet.original_len as usize > packet.bytes.len());
        self.n_packets += 1;
        self.next = Some(Pending {
            timestamp_ns: packet.timestamp_ns,
            bytes,
        });
        Ok(())
    }

    pub(super) fn next_ns(&self, is_line_rate: bool) -> u64 {
        if is_line_rate {
            return self.free_ns;
        }
        self.next
            .as_ref()
            .map_or(u64::MAX, |pending| pending.timestamp_ns)
    }
}

impl ReplayInput {
    /// A capture in a file.
    #[must_use]
    pub fn file(port: u16, path: &Path) -> Self {
        let owned = path.to_owned();
        Self {
            port,
            name: path.display().to_string(),
            open: Box::new(move || {
                let file = File::open(&owned)?;
                Ok(Box::new(BufReader::with_capacity(1 << 18, file)))
            }),
        }
    }
}
