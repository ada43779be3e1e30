//! The socket file of a running switch: there while it runs, and gone afterwards.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::LiveError;

/// A socket that somebody may connect to, by its file.
#[derive(Debug)]
pub(crate) struct SocketFile {
    pub(crate) listener: UnixListener,
    path: PathBuf,
    /// Which file it is, in case that another takes its place.
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    /// Listens at a path; what a switch that is gone has left there is removed. Only the user may connect.
    pub(crate) fn bind(path: &Path) -> Result<Self, LiveError> {
        let failed = |source| LiveError::Socket {
            path: path.to_owned(),
            source,
        };
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path)?;
                UnixListener::bind(path).map_err(failed)?
            }
            bound => bound.map_err(failed)?,
        };
        let file = Self {
            listener,
            path: path.to_owned(),
            identity: identity(path),
        };
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        file.listener.set_nonblocking(true).map_err(failed)?;
        Ok(file)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // Whoever removed it before us has done what we were to do.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Removes a socket that nobody listens to any more; refuses anything else.
fn remove_stale(path: &Path) -> Result<(), LiveError> {
    let failed = |source| LiveError::Socket {
        path: path.to_owned(),
        source,
    };
    let metadata = fs::symlink_metadata(path).map_err(failed)?;
    if !metadata.file_type().is_socket() {
        let path = path.to_owned();
        return Err(LiveError::NoSocket { path });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        // Whoever does not let us connect is there all the same.
        Ok(_) | Err(_) => {
            let path = path.to_owned();
            Err(LiveError::SocketInUse { path })
        }
    }
}
