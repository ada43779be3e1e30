//! Options that several subcommands share.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How a program is read.
#[derive(Args)]
pub(crate) struct Language {
    /// Look for included files here, before the files that come with p4rmt.
    #[arg(short = 'I', value_name = "DIR")]
    pub(crate) include: Vec<PathBuf>,
    /// Define a preprocessor macro.
    #[arg(short = 'D', value_name = "NAME[=VALUE]")]
    pub(crate) define: Vec<String>,
    /// Language version.
    #[arg(long, value_name = "VERSION", default_value = "p4-16")]
    pub(crate) std: Standard,
    /// Architecture, when the program does not say.
    #[arg(long, value_name = "NAME")]
    pub(crate) arch: Option<Architecture>,
    /// When to use colors.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// Versions of the language.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Standard {
    /// P4-16.
    #[value(name = "p4-16", alias = "p4_16", alias = "16")]
    P416,
}

/// Architectures that `--arch` names.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// Tofino 1.
    Tna,
    /// Tofino 2.
    T2na,
}

/// When to use colors.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

impl Color {
    /// Whether to color what goes to standard error.
    pub(crate) fn is_on_for_stderr(self) -> bool {
        match self {
            Self::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// How a report is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Text,
    /// For programs; the names are stable.
    Json,
}
