//! Writing pcap with nanoseconds.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{CaptureError, CaptureFault, ETHERNET, MAX_CAPTURED};

/// Writes a capture. It appears under its name only when it is whole: until
/// [`CaptureWriter::finish`], the packets are in a temporary file beside it, which is removed if the
/// writer is dropped before.
pub struct CaptureWriter {
    file: BufWriter<File>,
    temporary: Temporary,
    path: PathBuf,
    offset: u64,
}

/// A file that is removed unless it is renamed.
struct Temporary {
    path: PathBuf,
    is_wanted: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_wanted {
            // Nobody could be told that it stays.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl CaptureWriter {
    /// Begins a capture that will be at `path`, in place of what may be there.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path) -> Result<Self, CaptureError> {
        let (file, temporary) = open_beside(path).map_err(|error| CaptureFault::Io(error).at(0))?;
        let mut writer = Self {
            file: BufWriter::with_capacity(1 << 16, file),
            temporary: Temporary {
                path: temporary,
                is_wanted: false,
            },
            path: path.to_owned(),
            offset: 0,
        };
        let mut header = Vec::with_capacity(24);
        header.extend(0xa1b2_3c4d_u32.to_le_bytes());
        header.extend(2u16.to_le_bytes());
        header.extend(4u16.to_le_bytes());
        header.extend([0; 8]);
        header.extend(MAX_CAPTURED.to_le_bytes());
        header.extend(ETHERNET.to_le_bytes());
        writer.append(&header)?;
        Ok(writer)
    }

    /// Appends a packet.
    ///
    /// # Errors
    /// The file cannot be written, or the packet is longer than [`MAX_CAPTURED`].
    pub fn write(&mut self, timestamp_ns: u64, packet: &[u8]) -> Result<(), CaptureError> {
        let len = u32::try_from(packet.len())
            .ok()
            .filter(|len| *len <= MAX_CAPTURED);
        let Some(len) = len else {
            let too_long = CaptureFault::TooLong {
                what: "packet",
                length: packet.len() as u64,
                available: u64::from(MAX_CAPTURED),
            };
            return Err(too_long.at(self.offset));
        };
        // The format's seconds end in 2106.
        let seconds = u32::try_from(timestamp_ns / 1_000_000_000).unwrap_or(u32::MAX);
        let nanoseconds = (timestamp_ns % 1_000_000_000) as u32;
        let mut header = [0; 16];
        let fields = [seconds, nanoseconds, len, len];
        for (place, field) in header.chunks_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        self.append(&header)?;
        self.append(packet)
    }

    /// Brings everything that was written so far into the temporary file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> Result<(), CaptureError> {
        let result = self.file.flush();
        result.map_err(|error| CaptureFault::Io(error).at(self.offset))
    }

    /// Ends the capture and gives it its name.
    ///
    /// # Errors
    /// The file cannot be written or renamed; nothing is at `path` then that was not before.
    pub fn finish(mut self) -> Result<(), CaptureError> {
        self.flush()?;
        let result = std::fs::rename(&self.temporary.path, &self.path);
        result.map_err(|error| CaptureFault::Io(error).at(self.offset))?;
        self.temporary.is_wanted = true;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), CaptureError> {
        let result = self.file.write_all(bytes);
        result.map_err(|error| CaptureFault::Io(error).at(self.offset))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

/// Makes a new file in the folder of `path`, under a name that is free.
fn open_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    for attempt in 0..1000 {
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{attempt}.part"));
        let temporary = path.with_file_name(temporary);
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)
        {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
