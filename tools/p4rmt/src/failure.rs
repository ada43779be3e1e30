//! How a subcommand ends when it does not end well.

use std::path::PathBuf;
use std::process::ExitCode;

/// Why a subcommand failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The program, vector or capture is at fault, and what is wrong has been printed.
    #[error("")]
    Reported,
    /// A bug of ours, which has been printed.
    #[error("")]
    Bug,
    /// A file could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in the input is at fault: a message, ready to print.
    #[error("{0}")]
    Input(String),
    /// The command line asks for something that there is not.
    #[error("{0}")]
    Usage(String),
}

impl Failure {
    /// Exit status of a bug of ours (`EX_SOFTWARE`).
    pub(crate) const BUG_STATUS: u8 = 70;

    /// Prints the failure, if it has not been, and gives the exit status.
    #[expect(clippy::print_stderr, reason = "the edge of the program")]
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Reported => ExitCode::from(1),
            Self::Bug => ExitCode::from(Self::BUG_STATUS),
            Self::Read { .. } | Self::Write { .. } | Self::Input(_) => {
                eprintln!("error: {self}");
                ExitCode::from(1)
            }
            Self::Usage(_) => {
                eprintln!("error: {self}\n\nFor more information, try '--help'.");
                ExitCode::from(2)
            }
        }
    }
}
