//! Options that several subcommands share.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::str::FromStr;

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
    /// Turn warnings off: codes with commas between them, or `warnings` for all.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,
    /// Make errors of warnings: codes with commas between them, or `warnings` for all that are not
    /// allowed by code.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) deny: Vec<String>,
    /// When to use colors.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

impl Language {
    /// The same options as arguments of another process, whose output nobody sees in color.
    pub(crate) fn to_arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        let mut option = |name: &str, value: OsString| {
            arguments.push(name.into());
            arguments.push(value);
        };
        for folder in &self.include {
            option("-I", folder.into());
        }
        for define in &self.define {
            option("-D", define.into());
        }
        option("--std", value_name(self.std));
        if let Some(arch) = self.arch {
            option("--arch", value_name(arch));
        }
        for code in &self.allow {
            option("--allow", code.into());
        }
        for code in &self.deny {
            option("--deny", code.into());
        }
        option("--color", value_name(Color::Never));
        arguments
    }
}

/// How the command line spells a value.
fn value_name(value: impl ValueEnum) -> OsString {
    value
        .to_possible_value()
        .map_or_else(OsString::new, |value| value.get_name().into())
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
    /// The software switch.
    V1model,
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

/// How programs of a corpus are run.
#[derive(Args)]
pub(crate) struct CorpusArgs {
    /// Seconds that one program of a corpus may take.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 20,
        requires = "corpus"
    )]
    pub(crate) time_limit: u64,
    /// Memory that one program of a corpus may take, in MiB; 0 for no limit.
    #[arg(long, value_name = "MIB", default_value_t = 2048, requires = "corpus")]
    pub(crate) memory_limit: u64,
    /// Programs of a corpus that run at the same time; as many as there are cores unless given.
    #[arg(short, long, value_name = "N", requires = "corpus")]
    pub(crate) jobs: Option<std::num::NonZeroUsize>,
}

/// A capture that arrives on a port: `PORT=FILE`.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// Where it arrives.
    pub(crate) port: u16,
    /// The capture.
    pub(crate) path: PathBuf,
}

impl FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (port, path) = text
            .split_once('=')
            .ok_or("write PORT=FILE, such as 1=in.pcap")?;
        let port = port
            .parse()
            .map_err(|_| format!("`{port}` is no port number"))?;
        Ok(Self {
            port,
            path: PathBuf::from(path),
        })
    }
}
