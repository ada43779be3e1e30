//! `p4rmt emit`: the program written out again, as P4, as the text of its forms, as a graph.

use std::path::PathBuf;

use clap::ValueEnum;
use p4rmt_driver::emit::{self, Form};
use p4rmt_driver::{Checked, Forms, Lowered};

use crate::args::Language;
use crate::check::print;
use crate::failure::Failure;
use crate::{machine, program, rust};

/// Write a program out again, in another form.
#[derive(clap::Args)]
#[command(after_help = "Example: p4rmt emit laminar.p4 --to dot -o laminar.dot")]
pub(crate) struct Args {
    /// The program.
    #[arg(value_name = "PROG.p4")]
    program: PathBuf,
    /// What to write.
    #[arg(long, value_name = "WHAT")]
    to: Output,
    /// Which form of the IR; both unless given.
    #[arg(long, value_name = "FORM")]
    form: Option<FormName>,
    /// Write it to this file; `--to rust`: into this folder.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// `--to rust`: which pipe of a program with several.
    #[arg(long, value_name = "NAME")]
    pipe: Option<String>,
    /// `--to rust`: where the crate finds `p4rmt-engine`. Without it: in the checkout that p4rmt was built
    /// from, if that is still there, and otherwise by version, where cargo finds crates.
    #[arg(long, value_name = "DIR")]
    engine_path: Option<PathBuf>,
    #[command(flatten)]
    language: Language,
}

/// What a program can be written as.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// P4 in one file, which means the same: includes in their places (but those that come with
    /// p4rmt), macros replaced.
    P4,
    /// The intermediate representation as text.
    Ir,
    /// The graphs of parsers and tables, for Graphviz.
    Dot,
    /// The pipe as a Rust crate, to read, build and embed.
    Rust,
}

/// The forms of the IR.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormName {
    /// Statements in order.
    Structured,
    /// Tables and gateways (Tofino).
    Tables,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.form.is_some() && args.to != Output::Ir {
        return Err(Failure::Usage("`--form` goes with `--to ir`".to_owned()));
    }
    if args.to == Output::Rust {
        return rust(args);
    }
    if args.pipe.is_some() || args.engine_path.is_some() {
        let why = "`--pipe` and `--engine-path` go with `--to rust`";
        return Err(Failure::Usage(why.to_owned()));
    }
    let checked = program::check(&args.program, &args.language)?;
    let text = match args.to {
        Output::P4 => emit::p4(&checked),
        Output::Ir => ir(forms(&checked)?, args.form)?,
        Output::Dot => emit::dot::dot(forms(&checked)?, &checked.sources),
        Output::Rust => unreachable!("it is no single text"),
    };
    match &args.output {
        Some(path) => program::write_whole(path, text.as_bytes()),
        None => {
            print(text.trim_end());
            Ok(())
        }
    }
}

/// Writes the pipe as a crate.
fn rust(args: &Args) -> Result<(), Failure> {
    let Some(folder) = &args.output else {
        let why = "`--to rust` writes several files: give a folder with `-o DIR`";
        return Err(Failure::Usage(why.to_owned()));
    };
    let compiled = program::compile(&args.program, &args.language, None)?;
    let pipe = machine::find_pipe(&compiled.program, args.pipe.as_deref())?;
    let locate = |span| compiled.sources.locate(span).map(|place| place.to_string());
    let interface = p4rmt_pipeline::interface(&compiled.program, pipe)
        .map_err(|error| Failure::Input(error.to_string()))?;
    let options = p4rmt_rustgen::Options {
        interface: &interface,
        locate: &locate,
        engine: &rust::dependency(args.engine_path.as_deref())?,
    };
    let emitted = p4rmt_rustgen::emit(&compiled.program, pipe, &options).map_err(|error| {
        let place = error.span().and_then(locate);
        let place = place.map_or_else(String::new, |place| format!(", at {place}"));
        Failure::Input(format!("{error}{place}"))
    })?;
    for (path, text) in emitted.files() {
        let path = folder.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| Failure::Write {
                path: folder.to_owned(),
                source,
            })?;
        }
        program::write_whole(&path, text.as_bytes())?;
    }
    Ok(())
}

fn forms(checked: &Checked) -> Result<&Forms, Failure> {
    match &checked.lowered {
        Lowered::Forms(forms) => Ok(forms),
        Lowered::NoMachine(why) => Err(Failure::Input(format!(
            "the program can be written as P4 only: {why}"
        ))),
    }
}

fn ir(forms: &Forms, name: Option<FormName>) -> Result<String, Failure> {
    let none = || Failure::Input("a program of this architecture has no tables form".to_owned());
    match name {
        Some(FormName::Structured) => emit::ir(forms, Form::Structured).ok_or_else(none),
        Some(FormName::Tables) => emit::ir(forms, Form::Tables).ok_or_else(none),
        None => {
            let titled = [("structured", Form::Structured), ("tables", Form::Tables)]
                .into_iter()
                .filter_map(|(title, form)| {
                    Some(format!("// {title} form\n{}", emit::ir(forms, form)?))
                });
            Ok(titled.collect::<Vec<_>>().join("\n"))
        }
    }
}
