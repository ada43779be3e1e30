//! `p4rmt fit`: place a program in the stages of a machine, and say what it uses.

use std::path::{Path, PathBuf};

use p4rmt_report::{FitDiff, FitReport};

use crate::args::{Language, ReportFormat};
use crate::check::{print, to_json};
use crate::failure::Failure;
use crate::{machine, program};

/// Place a program in the stages of a machine and report what it uses.
#[derive(clap::Args)]
#[command(after_help = "Example: p4rmt fit laminar.p4 --target tofino2")]
pub(crate) struct Args {
    /// The program.
    #[arg(value_name = "PROG.p4")]
    program: PathBuf,
    /// The machine: `tofino1`, `tofino2`, or a target file. Without it: the one that the program's
    /// architecture is for.
    #[arg(long, value_name = "NAME|FILE.toml")]
    target: Option<String>,
    /// Compare with this program instead: which table moved, and what pushed it there.
    #[arg(long, value_name = "OLD.p4")]
    diff: Option<PathBuf>,
    /// Which pipe of a program with several.
    #[arg(long, value_name = "NAME")]
    pipe: Option<String>,
    /// How the report is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    /// Write the report to this file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Fail if the program takes more stages than this: a gate for CI.
    #[arg(long, value_name = "N")]
    max_stages: Option<u32>,
    #[command(flatten)]
    language: Language,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let report = fit(&args.program, args)?;
    let text = match (&args.diff, args.format) {
        (None, ReportFormat::Text) => p4rmt_report::text(&report),
        (None, ReportFormat::Json) => to_json(&report) + "\n",
        (Some(old), format) => {
            let diff = FitDiff::new(&fit(old, args)?, &report);
            match format {
                ReportFormat::Text => diff.text(),
                ReportFormat::Json => to_json(&diff) + "\n",
            }
        }
    };
    match &args.output {
        Some(path) => program::write_whole(path, text.as_bytes())?,
        None => print(text.trim_end()),
    }
    if !report.fits {
        return Err(Failure::Reported);
    }
    match args.max_stages {
        Some(limit) if report.stages_used > limit => Err(Failure::Input(format!(
            "`{}` takes {} stages of {}, more than --max-stages {limit}",
            report.program, report.stages_used, report.target
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Compiles and places one program.
fn fit(path: &Path, args: &Args) -> Result<FitReport, Failure> {
    let generation = machine::generation_of(args.target.as_deref());
    let compiled = program::compile(path, &args.language, generation)?;
    let arch = compiled.program.arch;
    let target = args
        .target
        .as_deref()
        .or(machine::default_target(arch))
        .ok_or_else(|| {
            Failure::Usage("a program of this architecture has no stages: name a target".to_owned())
        })?;
    let target = machine::load_target(target)?;
    let pipe = machine::find_pipe(&compiled.program, args.pipe.as_deref())?;
    let fit = machine::place(&compiled, pipe, &target)?;
    Ok(p4rmt_report::report(
        &fit,
        &compiled.program,
        pipe,
        &target,
        &compiled.sources,
    ))
}
