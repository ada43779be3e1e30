//! Why a pipe cannot be emitted, or what was emitted not built.

use std::path::PathBuf;

use p4rmt_ir::PipeId;
use p4rmt_source::Span;
use thiserror::Error;

/// Why a pipe cannot be emitted.
#[derive(Debug, Error)]
pub enum EmitError {
    /// There is no such pipe.
    #[error("the program has no pipe {pipe}: it has {available}")]
    NoPipe {
        /// What was asked for.
        pipe: PipeId,
        /// How many there are.
        available: usize,
    },
    /// A construct that emitted Rust does not have.
    #[error("{construct} cannot be written as Rust yet: run it with `--engine jit` or `interp`")]
    Unsupported {
        /// What it is.
        construct: &'static str,
        /// Where it stands in the program.
        span: Span,
    },
    /// The state of the pipe cannot be laid out.
    #[error(transparent)]
    State(#[from] p4rmt_engine::StateError),
    /// The text that was made is no Rust: a bug of ours.
    #[error("the text of `{file}` is no Rust, which is a bug of p4rmt: {reason}")]
    NoRust {
        /// Which file.
        file: String,
        /// What the parser of Rust says.
        reason: String,
    },
}

/// Why emitted pipes could not be built or started.
#[derive(Debug, Error)]
pub enum BuildError {
    /// There is no cargo.
    #[error(
        "`{}` cannot be run, and emitted Rust is built by cargo: {reason}; install Rust, or use another engine",
        cargo.display()
    )]
    NoCargo {
        /// What was tried.
        cargo: PathBuf,
        /// Why it cannot be run.
        #[source]
        reason: std::io::Error,
    },
    /// A file of the crate cannot be written.
    #[error("cannot write `{}`: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: std::io::Error,
    },
    /// cargo does not build the crate.
    #[error("cargo does not build the emitted crate in `{}`:\n{output}", folder.display())]
    NotBuilt {
        /// Where the crate is.
        folder: PathBuf,
        /// What cargo says.
        output: String,
    },
    /// What was built cannot be started.
    #[error("cannot start `{}`: {reason}", program.display())]
    NotStarted {
        /// What was built.
        program: PathBuf,
        /// Why.
        #[source]
        reason: std::io::Error,
    },
}

impl EmitError {
    /// Where in the program it lies, if anywhere.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Unsupported { span, .. } => Some(*span),
            Self::NoPipe { .. } | Self::State(_) | Self::NoRust { .. } => None,
        }
    }
}
