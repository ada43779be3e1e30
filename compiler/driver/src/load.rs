//! Where files come from: the disk, and the declarations that are built in.

use std::io;
use std::path::{Path, PathBuf};

use p4rmt_syntax::{LoadError, Loader};

/// The folder, on no disk, of the files that are built in. It is searched after every `-I`.
pub(crate) const BUILTIN_DIR: &str = "<p4rmt>";

/// The standard interfaces, as `p4src/` declares them.
const BUILTIN_FILES: &[(&str, &str)] = &[
    ("core.p4", include_str!("../../../p4src/core.p4")),
    ("tna.p4", include_str!("../../../p4src/tna.p4")),
    ("t2na.p4", include_str!("../../../p4src/t2na.p4")),
    (
        "tofino/externs.p4",
        include_str!("../../../p4src/tofino/externs.p4"),
    ),
    (
        "tofino/metadata.p4",
        include_str!("../../../p4src/tofino/metadata.p4"),
    ),
    (
        "tofino/register_actions2.p4",
        include_str!("../../../p4src/tofino/register_actions2.p4"),
    ),
    (
        "tofino/types.p4",
        include_str!("../../../p4src/tofino/types.p4"),
    ),
];

/// Reads files from the disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskLoader;

impl Loader for DiskLoader {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        if path.is_dir() {
            return Ok(None);
        }
        match std::fs::read(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(LoadError::NotText),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LoadError::Refused {
                reason: error.to_string(),
            }),
        }
    }
}

/// Reads what is built in, and everything else through another loader.
pub(crate) struct WithBuiltin<'a> {
    /// The other loader.
    pub(crate) other: &'a dyn Loader,
}

impl Loader for WithBuiltin<'_> {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        let Ok(name) = path.strip_prefix(BUILTIN_DIR) else {
            return self.other.load(path);
        };
        let file = BUILTIN_FILES
            .iter()
            .find(|(builtin, _)| Path::new(builtin) == name);
        Ok(file.map(|(_, text)| (*text).to_owned()))
    }
}

/// The folder of the built-in files, as an include folder.
pub(crate) fn builtin_dir() -> PathBuf {
    PathBuf::from(BUILTIN_DIR)
}
