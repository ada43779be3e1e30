//! `p4rmt check`: parse, type-check and lower a program, or every program below a folder.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use p4rmt_driver::{Checked, Lowered, Rejected};
use p4rmt_ir as ir;
use p4rmt_source::{Diagnostics, Severity, Sources};
use serde::{Deserialize, Serialize};

use crate::args::{CorpusArgs, Language, ReportFormat};
use crate::corpus::{self, Ended};
use crate::failure::Failure;
use crate::program;

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
    #[command(flatten)]
    limits: CorpusArgs,
    /// How the report is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    language: Language,
}

/// What `--format json` writes.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    /// A row a program.
    programs: Vec<Row>,
}

/// One program of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    /// Its file, below the corpus where there is one.
    name: String,
    /// How it went.
    result: Verdict,
    /// The code of the first error; empty without one.
    code: String,
    /// The message of the first error, or what is worth knowing about a program that is accepted;
    /// empty without either.
    reason: String,
    /// What else is worth knowing.
    #[serde(default)]
    warnings: Vec<Warning>,
}

/// A warning of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Warning {
    code: String,
    reason: String,
}

/// How checking a program went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// It is a program of the language, and lowered if there is a machine for it.
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
        (_, Some(folder)) => check_corpus(folder, args),
        (Some(path), None) => match args.format {
            ReportFormat::Text => {
                let checked = program::check(path, &args.language)?;
                print(&summarize(path, &checked));
                Ok(())
            }
            ReportFormat::Json => check_in_json(path, args),
        },
        (None, None) => Err(Failure::Usage("name a program or a corpus".to_owned())),
    }
}

fn check_in_json(path: &Path, args: &Args) -> Result<(), Failure> {
    let result = program::check_quietly(path, &args.language, None)?;
    let row = row(&path.display().to_string(), &result);
    let is_accepted = row.result == Verdict::Accepted;
    print(&to_json(&Report {
        programs: vec![row],
    }));
    match result {
        Ok(_) if is_accepted => Ok(()),
        Ok(_) => Err(Failure::Reported),
        Err(rejected) => Err(program::failure_of(&rejected)),
    }
}

fn check_corpus(folder: &Path, args: &Args) -> Result<(), Failure> {
    let programs = corpus::p4_files(folder)?;
    let rows = corpus::in_parallel(&programs, &args.limits, |path| {
        let name = corpus::name_within(folder, path);
        let mut arguments: Vec<OsString> = ["check", "--format", "json"].map(Into::into).into();
        arguments.push(path.into());
        arguments.extend(args.language.to_arguments());
        let ended = corpus::run_child(path, &arguments, &args.limits)?;
        let reported = match &ended {
            Ended::Done { stdout, .. } => serde_json::from_str::<Report>(stdout).ok(),
            Ended::TimedOut | Ended::OutOfMemory => None,
        };
        if let Some(row) = reported.and_then(|report| report.programs.into_iter().next()) {
            return Ok(Row { name, ..row });
        }
        let result = match ended {
            Ended::TimedOut => Verdict::Timeout,
            Ended::Done { .. } | Ended::OutOfMemory => Verdict::Panic,
        };
        Ok(Row {
            name,
            result,
            code: String::new(),
            reason: ended.why_no_report(&args.limits),
            warnings: Vec::new(),
        })
    })?;
    match args.format {
        ReportFormat::Json => print(&to_json(&Report { programs: rows })),
        ReportFormat::Text => print(&table(&rows)),
    }
    Ok(())
}

/// A line a program, then totals.
fn table(rows: &[Row]) -> String {
    let mut lines = Vec::new();
    for row in rows {
        let verdict = format!("{:?}", row.result).to_lowercase();
        let line = format!("{verdict:<12}{}  {} {}", row.name, row.code, row.reason);
        lines.push(line.trim_end().to_owned());
    }
    let count = |verdict| rows.iter().filter(|row| row.result == verdict).count();
    lines.push(format!(
        "{} programs: {} accepted, {} refused, {} unsupported, {} panics, {} timeouts",
        rows.len(),
        count(Verdict::Accepted),
        count(Verdict::Refused),
        count(Verdict::Unsupported),
        count(Verdict::Panic),
        count(Verdict::Timeout),
    ));
    lines.join("\n")
}

/// The row of a program.
fn row(name: &str, result: &Result<Checked, Box<Rejected>>) -> Row {
    match result {
        Ok(checked) => Row {
            name: name.to_owned(),
            result: Verdict::Accepted,
            code: String::new(),
            reason: match &checked.lowered {
                Lowered::Forms(_) => String::new(),
                Lowered::NoMachine(why) => format!("checked; {why}"),
            },
            warnings: warnings(&checked.sources, &checked.warnings),
        },
        Err(rejected) => {
            let (code, reason) = first_error(rejected);
            let result = if code == p4rmt_driver::INTERNAL_ERROR.0 {
                Verdict::Panic
            } else if p4rmt_driver::explain::is_unsupported(&code) {
                Verdict::Unsupported
            } else {
                Verdict::Refused
            };
            Row {
                name: name.to_owned(),
                result,
                code,
                reason,
                warnings: warnings(&rejected.sources, &rejected.diagnostics),
            }
        }
    }
}

/// The code and message of the first error. What is wrong for certain comes before what is merely
/// not carried.
pub(crate) fn first_error(rejected: &Rejected) -> (String, String) {
    let errors = || {
        let all = rejected.diagnostics.iter();
        all.filter(|diagnostic| diagnostic.severity == Severity::Error)
    };
    let first = errors()
        .find(|error| !p4rmt_driver::explain::is_unsupported(error.code.0))
        .or_else(|| errors().next());
    first.map_or_else(Default::default, |error| {
        (
            error.code.0.to_owned(),
            placed(&rejected.sources, error.span, &error.message),
        )
    })
}

fn warnings(sources: &Sources, diagnostics: &Diagnostics) -> Vec<Warning> {
    diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Warning)
        .map(|warning| Warning {
            code: warning.code.0.to_owned(),
            reason: placed(sources, warning.span, &warning.message),
        })
        .collect()
}

/// A message behind its place.
fn placed(sources: &Sources, span: p4rmt_source::Span, message: &str) -> String {
    match sources.locate(span) {
        Some(place) => format!("{place}: {message}"),
        None => message.to_owned(),
    }
}

/// What an accepted program consists of, in one line a pipe.
fn summarize(path: &Path, checked: &Checked) -> String {
    let forms = match &checked.lowered {
        Lowered::Forms(forms) => forms,
        Lowered::NoMachine(why) => {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            return format!("{name}: accepted (checked; {why})");
        }
    };
    let program = &forms.program;
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
