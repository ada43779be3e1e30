//! Where packets go that leave a replay: a capture a port, or nowhere.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::{CaptureError, CaptureWriter};

/// Where packets go that leave.
pub trait ReplayOutput {
    /// Takes a packet: its port, the nanoseconds since 1970 at which it left, its bytes.
    ///
    /// # Errors
    /// The packet cannot be kept.
    fn packet(&mut self, port: u16, timestamp_ns: u64, bytes: &[u8]) -> Result<(), CaptureError>;
}

/// An output that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutput;

/// An output of one capture a port, `port-N.pcap` in a folder. They appear when all are whole.
pub struct CaptureFolder {
    folder: PathBuf,
    writers: BTreeMap<u16, CaptureWriter>,
}

impl ReplayOutput for NoOutput {
    fn packet(&mut self, _port: u16, _ns: u64, _bytes: &[u8]) -> Result<(), CaptureError> {
        Ok(())
    }
}

impl CaptureFolder {
    /// An output in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn create(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            writers: BTreeMap::new(),
        })
    }

    /// Ends all captures and gives them their names; returns them by port.
    ///
    /// # Errors
    /// A capture cannot be ended.
    pub fn finish(mut self) -> Result<Vec<(u16, PathBuf)>, CaptureError> {
        self.writers
            .values_mut()
            .try_for_each(CaptureWriter::flush)?;
        let mut paths = Vec::new();
        for (port, writer) in self.writers {
            writer.finish()?;
            paths.push((port, path_of(&self.folder, port)));
        }
        Ok(paths)
    }
}

impl ReplayOutput for CaptureFolder {
    fn packet(&mut self, port: u16, timestamp_ns: u64, bytes: &[u8]) -> Result<(), CaptureError> {
        let writer = match self.writers.entry(port) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(CaptureWriter::create(&path_of(&self.folder, port))?)
            }
        };
        writer.write(timestamp_ns, bytes)
    }
}

fn path_of(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!("port-{port}.pcap"))
}
