//! Where the text of files comes from.

use std::path::{Path, PathBuf};

/// Reads files for the preprocessor, so that the library touches no disk of its own.
///
/// A driver with files of its own (`core.p4`, `tna.p4`) names a folder that is on no disk in
/// [`Options::include_dirs`] and answers for the paths below it.
pub trait Loader {
    /// The text of a file, or `None` when there is no such file.
    ///
    /// # Errors
    ///
    /// The file is there but cannot be read as text.
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError>;
}

/// Why a file that is there could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Its bytes are not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// The system refused.
    #[error("{reason}")]
    Refused {
        /// What the system said.
        reason: String,
    },
}

/// How a program is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where `#include` looks, in order; for `"…"` after the folder of the including file.
    pub include_dirs: Vec<PathBuf>,
    /// Macros that are defined from the start, as if by `#define NAME VALUE`; without a value, `1`.
    pub defines: Vec<(String, Option<String>)>,
}
