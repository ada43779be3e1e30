//! `p4rmt fit`: place a program in the stages of a machine, and say what it uses.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use p4rmt_mau::what_if::{Relief, resize, what_it_takes};
use p4rmt_report::{FitDiff, FitReport, WhatIf};

use crate::args::Language;
use crate::check::{print, to_json};
use crate::failure::Failure;
use crate::{machine, program};

/// Place a program in the stages of a machine and report what it uses.
#[derive(clap::Args)]
#[command(after_help = "Example: p4rmt fit laminar.p4 --target tofino2

More:
  p4rmt fit laminar.p4 --format html -o fit.html
  p4rmt fit laminar.p4 --what-if stages=8 --size segments=16384
  p4rmt fit --diff old.p4 new.p4")]
pub(crate) struct Args {
    /// The program.
    #[arg(value_name = "PROG.p4")]
    program: PathBuf,
    /// The machine: `tofino1`, `tofino2`, or a target file. Without it: the one that the program's
    /// architecture is for.
    #[arg(long, value_name = "NAME|FILE.toml")]
    target: Option<String>,
    /// Compare with this program instead: which table moved, and what pushed it there.
    #[arg(long, value_name = "OLD.p4", conflicts_with_all = ["what_if", "size"])]
    diff: Option<PathBuf>,
    /// What if a number of the target file were another one: `stages`, `sram_blocks`,
    /// `salu.comparators`. May be given several times.
    #[arg(long, value_name = "NUMBER=N", value_parser = change::<u32>)]
    what_if: Vec<(String, u32)>,
    /// What if a table, register, counter, meter or profile had this many entries. May be given several
    /// times.
    #[arg(long, value_name = "TABLE=N", value_parser = change::<u64>)]
    size: Vec<(String, u64)>,
    /// Which pipe of a program with several.
    #[arg(long, value_name = "NAME")]
    pipe: Option<String>,
    /// How the report is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Write the report to this file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Fail if the program takes more stages than this: a gate for CI.
    #[arg(long, value_name = "N")]
    max_stages: Option<u32>,
    #[command(flatten)]
    language: Language,
}

/// How the report is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs; the names are stable.
    Json,
    /// A page for a browser or a printer, in one file.
    Html,
}

/// Reads `NAME=NUMBER`.
fn change<N: std::str::FromStr>(text: &str) -> Result<(String, N), String> {
    let (name, number) = text.split_once('=').ok_or("it is written NAME=NUMBER")?;
    let number = number
        .parse()
        .map_err(|_| format!("`{number}` is not a number that is possible here"))?;
    Ok((name.to_owned(), number))
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let (report, text) = match &args.diff {
        Some(old) => difference(old, args)?,
        None if args.what_if.is_empty() && args.size.is_empty() => {
            let report = Question::as_written(&args.program, args)?.fit()?.0;
            let text = match args.format {
                Format::Text => p4rmt_report::text(&report),
                Format::Json => to_json(&report) + "\n",
                Format::Html => p4rmt_report::html(&report),
            };
            (report, text)
        }
        None => what_if(args)?,
    };
    match &args.output {
        Some(path) => program::write_whole(path, text.as_bytes())?,
        None => print(text.trim_end()),
    }
    let is_bug = |code| code == p4rmt_driver::INTERNAL_ERROR.0;
    if report.problems.iter().any(|problem| is_bug(problem.code)) {
        return Err(Failure::Bug);
    }
    if !report.fits {
        return Err(Failure::Reported);
    }
    match args.max_stages {
        Some(limit) if report.stages_used > limit => Err(Failure::Input(format!(
            "`{}` takes {} of {}, more than --max-stages {limit}",
            report.program,
            p4rmt_mau::counted::counted(report.stages_used, "stages"),
            report.target
        ))),
        Some(_) | None => Ok(()),
    }
}

/// The fit of the program, and how it differs from that of an older one.
fn difference(old: &Path, args: &Args) -> Result<(FitReport, String), Failure> {
    let old = Question::as_written(old, args)?.fit()?.0;
    let new = Question::as_written(&args.program, args)?.fit()?.0;
    let diff = FitDiff::new(&old, &new);
    let text = match args.format {
        Format::Text => diff.text(),
        Format::Json => to_json(&diff) + "\n",
        Format::Html => return Err(no_page("a difference")),
    };
    Ok((new, text))
}

/// The fit of the program on the machine that the question describes, and how that differs from what is.
fn what_if(args: &Args) -> Result<(FitReport, String), Failure> {
    let as_written = Question::as_written(&args.program, args)?;
    let before = as_written.fit()?.0;
    let (report, relief) = as_written.changed(args)?.fit()?;
    let sizes = args
        .size
        .iter()
        .map(|(name, size)| format!("{name}={size}"));
    let numbers = args.what_if.iter();
    let numbers = numbers.map(|(name, number)| format!("{name}={number}"));
    let answer = WhatIf {
        changes: numbers.chain(sizes).collect(),
        difference: FitDiff::new(&before, &report),
        tables_keep_percent: relief.and_then(|relief| relief.table_percent),
        report,
    };
    let text = match args.format {
        Format::Text => answer.text(),
        Format::Json => to_json(&answer) + "\n",
        Format::Html => return Err(no_page("the answer to a question")),
    };
    Ok((answer.report, text))
}

fn no_page(what: &str) -> Failure {
    Failure::Usage(format!(
        "{what} is written as text or JSON: `--format html` shows one fit"
    ))
}

/// A program and a machine to place it on.
struct Question {
    compiled: p4rmt_driver::Compiled,
    pipe: p4rmt_ir::PipeId,
    target_name: String,
    target: p4rmt_mau::Target,
    is_changed: bool,
}

impl Question {
    fn as_written(path: &Path, args: &Args) -> Result<Self, Failure> {
        let generation = machine::generation_of(args.target.as_deref());
        let compiled = program::compile(path, &args.language, generation)?;
        let arch = compiled.program.arch;
        let name = args.target.as_deref().or(machine::default_target(arch));
        let name = name.ok_or_else(|| {
            let why = "a program of this architecture has no stages: name a target";
            Failure::Usage(why.to_owned())
        })?;
        Ok(Self {
            pipe: machine::find_pipe(&compiled.program, args.pipe.as_deref())?,
            target: machine::load_target(name)?,
            target_name: name.to_owned(),
            compiled,
            is_changed: false,
        })
    }

    /// The same with the sizes and limits of the command line.
    fn changed(mut self, args: &Args) -> Result<Self, Failure> {
        self.target = machine::load_changed_target(&self.target_name, &args.what_if)?;
        let program = Arc::make_mut(&mut self.compiled.program);
        for (name, size) in &args.size {
            resize(program, self.pipe, name, *size)
                .map_err(|error| Failure::Usage(error.to_string()))?;
        }
        self.is_changed = true;
        Ok(self)
    }

    /// The report, and of a changed program that does not fit what it would take.
    fn fit(&self) -> Result<(FitReport, Option<Relief>), Failure> {
        let fit = machine::place(&self.compiled, self.pipe, &self.target)?;
        let program = &self.compiled.program;
        let sources = &self.compiled.sources;
        let report = p4rmt_report::report(&fit, program, self.pipe, &self.target, sources);
        let relief = if self.is_changed && !fit.fits() {
            let relief = what_it_takes(program, self.pipe, &self.target);
            Some(relief.expect("it was placed above"))
        } else {
            None
        };
        Ok((report, relief))
    }
}
