//! `p4rmt test`: packet vectors against a program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use p4rmt_driver::Compiled;
use p4rmt_mau::counted::counted;
use p4rmt_source::Span;
use p4rmt_stf::{Place, Vector};
use serde::{Deserialize, Serialize};

use crate::args::{CorpusArgs, Language, ReportFormat};
use crate::check::{first_error, print, to_json};
use crate::corpus::{self, Ended};
use crate::coverage::{self, Coverage};
use crate::failure::Failure;
use crate::machine::{self, Machine};
use crate::program;

/// Run packet vectors (STF) against a program, each from fresh state.
#[derive(clap::Args)]
#[command(
    after_help = "Example: p4rmt test laminar.p4 --setup testvectors/laminar/setup/one-connection.stf testvectors/laminar/*.stf"
)]
pub(crate) struct Args {
    /// The program.
    #[arg(value_name = "PROG.p4", required_unless_present = "corpus")]
    program: Option<PathBuf>,
    /// The vectors.
    #[arg(value_name = "VECTOR.stf", required_unless_present = "corpus")]
    vectors: Vec<PathBuf>,
    /// A vector that runs before each of the others.
    #[arg(long, value_name = "FILE.stf")]
    setup: Option<PathBuf>,
    /// Test every `X.p4` below this folder that has an `X.stf` beside it.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["program", "vectors", "setup"])]
    corpus: Option<PathBuf>,
    #[command(flatten)]
    limits: CorpusArgs,
    /// Say what the vectors reached of the program, and what they did not: parser states and
    /// transitions, tables, entries, actions, conditions, and the branches of register actions.
    #[arg(long, conflicts_with = "corpus")]
    coverage: bool,
    /// How the report is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    #[command(flatten)]
    machine: machine::MachineArgs,
    #[command(flatten)]
    language: Language,
}

/// What `--format json` writes: a row a vector, or a row a program of a corpus.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    programs: Vec<Row>,
    totals: Totals,
    /// With `--coverage`.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    coverage: Option<coverage::Report>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    name: String,
    result: Verdict,
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Pass,
    Fail,
    Unsupported,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Totals {
    pass: usize,
    fail: usize,
    unsupported: usize,
}

impl Report {
    fn new(programs: Vec<Row>) -> Self {
        let count = |verdict| programs.iter().filter(|row| row.result == verdict).count();
        let totals = Totals {
            pass: count(Verdict::Pass),
            fail: count(Verdict::Fail),
            unsupported: count(Verdict::Unsupported),
        };
        Self {
            programs,
            totals,
            coverage: None,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if let Some(folder) = &args.corpus {
        return run_corpus(folder, args);
    }
    let program = args
        .program
        .as_ref()
        .ok_or_else(|| Failure::Usage("name a program and its vectors, or a corpus".to_owned()))?;
    let generation = machine::generation_of(args.machine.target.as_deref());
    let compiled = match args.format {
        ReportFormat::Text => program::compile(program, &args.language, generation)?,
        ReportFormat::Json => {
            match program::compile_quietly(program, &args.language, generation)? {
                Ok(compiled) => compiled,
                Err(rejected) => return refuse_in_json(program, &rejected),
            }
        }
    };
    let machine = Machine::new(&compiled, &args.machine)?;
    let setup = args.setup.as_deref().map(read_vector).transpose()?;
    let mut coverage = args
        .coverage
        .then(|| Coverage::new(machine.pipe(), &compiled.sources));
    let mut rows = Vec::new();
    for path in &args.vectors {
        let (row, readings) =
            run_vector(path, setup.as_ref(), &machine, &compiled, coverage.as_mut())?;
        if args.format == ReportFormat::Text {
            show_row(&row);
            for (place, text) in readings {
                print(&format!("      {place}: {text}"));
            }
        }
        rows.push(row);
    }
    let mut report = Report::new(rows);
    report.coverage = coverage.as_ref().map(coverage::Report::new);
    let Totals { pass, fail, .. } = report.totals;
    match args.format {
        ReportFormat::Text => {
            let engines: Vec<&str> = machine.engines().iter().map(|e| e.name()).collect();
            let engines = engines.join(" and ");
            let how = match (&machine.fit, &machine.why_unplaced) {
                (Some(fit), _) => format!(
                    "{engines}, placed in {} of {}",
                    counted(fit.placement.stages_used, "stages"),
                    fit.placement.target
                ),
                (None, Some(why)) => format!("{engines}, without stages: {why}"),
                (None, None) => format!("{engines}, without stages"),
            };
            print(&format!("{pass} passed, {fail} failed ({how})"));
            if let Some(coverage) = &report.coverage {
                print(&format!("\n{}", coverage.render()));
            }
        }
        ReportFormat::Json => print(&to_json(&report)),
    }
    if fail == 0 {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}

/// The report of a program that is not accepted, a row of it.
fn refuse_in_json(path: &Path, rejected: &p4rmt_driver::Rejected) -> Result<(), Failure> {
    let (code, reason) = first_error(rejected);
    let result = if is_not_carried(&code) {
        Verdict::Unsupported
    } else {
        Verdict::Fail
    };
    let reason = format!("{code}: {reason}");
    let name = path.display().to_string();
    print(&to_json(&Report::new(vec![Row {
        name,
        result,
        reason,
    }])));
    Err(program::failure_of(rejected))
}

/// Whether a program with this error may be right, and we cannot run it.
fn is_not_carried(code: &str) -> bool {
    p4rmt_driver::explain::is_unsupported(code) || p4rmt_driver::NO_MACHINE_CODES.contains(&code)
}

/// Runs a vector: its row, and what its statements read.
fn run_vector(
    path: &Path,
    setup: Option<&Vector>,
    machine: &Machine,
    compiled: &Compiled,
    coverage: Option<&mut Coverage<'_>>,
) -> Result<(Row, Vec<(Place, String)>), Failure> {
    let vector = read_vector(path)?;
    let locate = |span: Span| compiled.sources.locate(span).map(|place| place.to_string());
    let engines = machine.engines();
    let mut coverage = coverage;
    let mut row = Row {
        name: path.display().to_string(),
        result: Verdict::Pass,
        reason: String::new(),
    };
    let mut readings = Vec::new();
    for engine in &engines {
        let device = || machine.device(*engine);
        let report = match &mut coverage {
            Some(coverage) => p4rmt_stf::run_watched(&vector, setup, device, *coverage),
            None => p4rmt_stf::run(&vector, setup, device),
        };
        let report =
            report.map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
        if !report.is_pass() {
            row.result = Verdict::Fail;
            if engines.len() > 1 {
                row.reason += &format!("on {}:\n", engine.name());
            }
            row.reason += &report.render(&compiled.program.errors, &locate);
        }
        readings = report.readings;
    }
    Ok((row, readings))
}

fn show_row(row: &Row) {
    let verdict = match row.result {
        Verdict::Pass => "pass",
        Verdict::Fail => "FAIL",
        Verdict::Unsupported => "unsupported",
    };
    print(&format!("{verdict:<5} {}", row.name));
    for line in row.reason.lines() {
        print(&format!("      {line}"));
    }
}

/// Reads a vector; what is wrong in it becomes one message.
pub(crate) fn read_vector(path: &Path) -> Result<Vector, Failure> {
    let bytes = std::fs::read(path).map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })?;
    p4rmt_stf::parse_bytes(&path.display().to_string(), &bytes).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::Input(lines.join("\nerror: "))
    })
}

fn run_corpus(folder: &Path, args: &Args) -> Result<(), Failure> {
    let mut programs = corpus::p4_files(folder)?;
    programs.retain(|path| path.with_extension("stf").exists());
    let rows = corpus::in_parallel(&programs, &args.limits, |path| {
        let name = corpus::name_within(folder, path);
        let mut arguments: Vec<OsString> = ["test", "--format", "json"].map(Into::into).into();
        arguments.push(path.into());
        arguments.push(path.with_extension("stf").into());
        arguments.extend(args.machine.to_arguments());
        arguments.extend(args.language.to_arguments());
        let ended = corpus::run_child(path, &arguments, &args.limits)?;
        let reported = match &ended {
            Ended::Done { stdout, .. } => serde_json::from_str::<Report>(stdout).ok(),
            Ended::TimedOut | Ended::OutOfMemory => None,
        };
        Ok(
            match reported.and_then(|report| report.programs.into_iter().next()) {
                Some(row) => Row { name, ..row },
                None => Row {
                    name,
                    result: Verdict::Fail,
                    reason: ended.why_no_report(&args.limits),
                },
            },
        )
    })?;
    let report = Report::new(rows);
    match args.format {
        ReportFormat::Json => print(&to_json(&report)),
        ReportFormat::Text => {
            for row in &report.programs {
                let verdict = format!("{:?}", row.result).to_lowercase();
                let reason = row.reason.lines().next().unwrap_or_default();
                print(format!("{verdict:<12}{}  {reason}", row.name).trim_end());
            }
            let Totals {
                pass,
                fail,
                unsupported,
            } = report.totals;
            print(&format!(
                "{pass} pass, {fail} fail, {unsupported} unsupported"
            ));
        }
    }
    Ok(())
}
