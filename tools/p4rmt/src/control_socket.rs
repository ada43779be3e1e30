//! Where a running switch is found that nobody gave a socket.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// In the folder of the user's session, or below `/tmp` by the user's number.
pub(crate) fn path() -> PathBuf {
    let session = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    if let Some(folder) = session.filter(|folder| folder.is_dir()) {
        return folder.join("p4rmt.socket");
    }
    // The owner of what describes this process is its user.
    let user = std::fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid());
    PathBuf::from(format!("/tmp/p4rmt-{user}.socket"))
}
