//! `p4rmt check`: parse, type-check and lower a program, or every program below a folder.

use std::io::Write;
use std::path::PathBuf;

use p4rmt_driver::{Compiled, Rejected};
use p4rmt_ir as ir;
use serde::{Deserialize, Serialize};

use crate::args::{Language, ReportFormat};
use crate::failure::Failure;
use crate::{corpus, program};

/// Parse, type-check and lower a program.
#[derive(clap::Args)]
#[command(after_help = "Example: p4rmt check laminar.p4")]
pub(crate) struct Args {
    /// The program.
    #[arg(value_name = "PROG.p4", required_unless_present = "corpus")]
    program: Option<PathBuf>,
    /// Check every `.p4` file below this folder: a line a program, then totals.
    #[arg(long, value_name = "DIR", conflicts_with = "program")]
    corpus: Option<PathBuf>,
    /// Seconds that one program of a corpus may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    time_limit: u64,
    /// How the report is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    language: Language,
}

/// What `--format json` writes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// A row a program.
    pub(crate) programs: Vec<Row>,
}

/// One program of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Its file, below the corpus where there is one.
    pub(crate) name: String,
    /// How it went.
    pub(crate) result: Verdict,
    /// The code of the first error; empty without one.
    pub(crate) code: String,
    /// The message of the first error; empty without one.
    pub(crate) reason: String,
}

/// How checking a program went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// It is a program that we carry.
    Accepted,
    /// It is at fault.
    Refused,
    /// It may be right, but uses what we do not carry.
    Unsupported,
    /// A bug of ours.
    Panic,
    /// It took too long.
    Timeout,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    match (&args.program, &args.corpus) {
        (_, Some(folder)) => {
            let limit = std::time::Duration::from_secs(args.time_limit);
            corpus::check(folder, &args.language, limit, args.format)
        }
        (Some(path), None) => match args.format {
            ReportFormat::Text => {
                let compiled = program::compile(path, &args.language, None)?;
                print(&summarize(&compiled.program));
                Ok(())
            }
            ReportFormat::Json => {
                let result = program::compile_quietly(path, &args.language, None)?;
                let row = row(&path.display().to_string(), &result);
                let is_accepted = row.result == Verdict::Accepted;
                print(&to_json(&Report {
                    programs: vec![row],
                }));
                if is_accepted {
                    Ok(())
                } else {
                    Err(Failure::Reported)
                }
            }
        },
        (None, None) => Err(Failure::Usage("name a program or a corpus".to_owned())),
    }
}

/// The row of a program.
fn row(name: &str, result: &Result<Compiled, Box<Rejected>>) -> Row {
    let name = name.to_owned();
    let rejected = match result {
        Ok(_) => {
            let (code, reason) = (String::new(), String::new());
            return Row {
                name,
                result: Verdict::Accepted,
                code,
                reason,
            };
        }
        Err(rejected) => rejected,
    };
    let errors = || {
        let all = rejected.diagnostics.iter();
        all.filter(|diagnostic| diagnostic.severity == p4rmt_source::Severity::Error)
    };
    let is_unsupported = |code: &str| p4rmt_driver::explain::is_unsupported(code);
    // What is wrong for certain comes before what is merely not carried.
    let first = errors()
        .find(|error| !is_unsupported(error.code.0))
        .or_else(|| errors().next());
    let (code, reason, span) = first
        .map(|error| (error.code.0.to_owned(), error.message.clone(), error.span))
        .unwrap_or_default();
    let result = if is_unsupported(&code) {
        Verdict::Unsupported
    } else {
        Verdict::Refused
    };
    let reason = match rejected.sources.locate(span) {
        Some(place) => format!("{place}: {reason}"),
        None => reason,
    };
    Row {
        name,
        result,
        code,
        reason,
    }
}

/// What an accepted program consists of, in one line a pipe.
fn summarize(program: &ir::Program) -> String {
    let arch = match program.arch {
        ir::Arch::Tna => "tna",
        ir::Arch::T2na => "t2na",
        ir::Arch::V1model => "v1model",
    };
    let mut lines = Vec::new();
    for pipe in program.pipes.values() {
        let sum = |count: fn(&ir::Gress) -> usize| pipe.gresses.values().map(count).sum::<usize>();
        let n_tables = sum(|gress| {
            gress
                .tables
                .values()
                .filter(|table| table.is_declared)
                .count()
        });
        lines.push(format!(
            "{} ({arch}, pipe `{}`): {n_tables} tables, {} registers, {} parser states: accepted",
            program.name,
            pipe.name,
            sum(|gress| gress.registers.len()),
            sum(|gress| gress.parser.states.len()),
        ));
    }
    lines.join("\n")
}

/// JSON for people who look at it too.
pub(crate) fn to_json(report: &impl Serialize) -> String {
    serde_json::to_string_pretty(report).expect("reports have string keys and finite numbers")
}

/// Prints the output of a command. Whoever reads it may stop before its end (`| head`).
pub(crate) fn print(text: &str) {
    let result = writeln!(std::io::stdout().lock(), "{text}");
    if let Err(error) = result
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        panic!("standard output cannot be written: {error}");
    }
}
