//! From a P4 file to the form that engines run: the ordered list of compiler steps.
//!
//! 1. `syntax`: preprocess and parse.
//! 2. `frontend`: names, types, instantiation; the structured form.
//! 3. `midend`: the tables form (TNA and T2NA).
//!
//! The IR is validated after each step that makes some. Placement is a step of its own
//! ([`p4rmt_mau`]), because it needs a target and a program may be run without one.

pub mod explain;
mod load;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use p4rmt_ir as ir;
use p4rmt_source::{Code, Diagnostic, Diagnostics, Severity, Sources, Span};
use p4rmt_syntax::Loader;

pub use load::DiskLoader;

/// The code of a diagnostic that is about us, not about the program.
pub const INTERNAL_ERROR: Code = Code("E0901");

/// How a program is compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where `#include` looks, before the built-in declarations.
    pub include_dirs: Vec<PathBuf>,
    /// Macros with their values.
    pub defines: Vec<(String, Option<String>)>,
    /// The generation of the machine that the program is compiled for, which its preprocessor sees
    /// as `__TARGET_TOFINO__`. Without it, a program that includes `tna.p4` whatever the generation
    /// is for the first, every other one for the second.
    pub generation: Option<Generation>,
}

/// A generation of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Tofino 1.
    Tofino1,
    /// Tofino 2.
    Tofino2,
}

/// A compiled program.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Its text, and the way from spans back to files.
    pub sources: Sources,
    /// The structured form.
    pub structured: Arc<ir::Program>,
    /// The form that engines run: tables for TNA and T2NA.
    pub program: Arc<ir::Program>,
    /// What is worth knowing; never an error.
    pub warnings: Diagnostics,
}

/// A program that was refused.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// What was read of its text.
    pub sources: Sources,
    /// What is wrong; at least one error.
    pub diagnostics: Diagnostics,
}

/// Compiles the program in the file `path`.
///
/// # Errors
/// The program cannot be read, is not P4-16, or uses what is not supported. Every error has a place
/// in the text but those of files that cannot be read.
///
/// # Examples
/// ```no_run
/// use p4rmt_driver::{DiskLoader, Options, compile};
///
/// match compile("laminar.p4".as_ref(), &Options::default(), &DiskLoader) {
///     Ok(compiled) => assert_eq!(compiled.program.pipes.len(), 1),
///     Err(rejected) => {
///         for diagnostic in &rejected.diagnostics {
///             eprint!("{}", rejected.sources.render(diagnostic, false));
///         }
///     }
/// }
/// ```
pub fn compile(
    path: &Path,
    options: &Options,
    loader: &dyn Loader,
) -> Result<Compiled, Box<Rejected>> {
    let parsed = parse(path, options, loader)?;
    let sources = parsed.sources;
    let mut warnings = parsed.warnings;
    let name = path
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into());

    let structured = match p4rmt_frontend::lower(&parsed.program, &name) {
        Ok((structured, more)) => {
            warnings.append(more);
            structured
        }
        Err(diagnostics) => {
            return Err(Box::new(Rejected {
                sources,
                diagnostics,
            }));
        }
    };
    if let Err(bug) = check_valid(&structured, "front end") {
        return Err(Box::new(Rejected {
            sources,
            diagnostics: bug,
        }));
    }

    let program = match p4rmt_midend::to_tables(&structured) {
        Ok(program) => program,
        Err(errors) => {
            let mut diagnostics = Diagnostics::new();
            for error in &errors {
                diagnostics.push(Diagnostic::from(error));
            }
            return Err(Box::new(Rejected {
                sources,
                diagnostics,
            }));
        }
    };
    if let Err(bug) = check_valid(&program, "midend") {
        return Err(Box::new(Rejected {
            sources,
            diagnostics: bug,
        }));
    }

    debug_assert!(
        warnings
            .iter()
            .all(|warning| warning.severity != Severity::Error)
    );
    Ok(Compiled {
        sources,
        structured: Arc::new(structured),
        program: Arc::new(program),
        warnings,
    })
}

/// Parses the program for the generation that the options name or, without one, that the program
/// shows to be meant by including `tna.p4` even when asked for the second.
fn parse(
    path: &Path,
    options: &Options,
    loader: &dyn Loader,
) -> Result<p4rmt_syntax::Parsed, Box<Rejected>> {
    let parse_for = |generation| parse_for(path, options, generation, loader);
    if let Some(generation) = options.generation {
        return parse_for(generation);
    }
    let second = parse_for(Generation::Tofino2);
    let sources = match &second {
        Ok(parsed) => &parsed.sources,
        Err(rejected) => &rejected.sources,
    };
    let includes = |name: &str| sources.files().iter().any(|file| file.path.ends_with(name));
    if includes("tna.p4") && !includes("t2na.p4") {
        parse_for(Generation::Tofino1)
    } else {
        second
    }
}

fn parse_for(
    path: &Path,
    options: &Options,
    generation: Generation,
    loader: &dyn Loader,
) -> Result<p4rmt_syntax::Parsed, Box<Rejected>> {
    let mut include_dirs = options.include_dirs.clone();
    include_dirs.push(load::builtin_dir());
    let mut defines = options.defines.clone();
    if !defines.iter().any(|(name, _)| name == "__TARGET_TOFINO__") {
        let value = match generation {
            Generation::Tofino1 => "1",
            Generation::Tofino2 => "2",
        };
        defines.push(("__TARGET_TOFINO__".to_owned(), Some(value.to_owned())));
    }
    let options = p4rmt_syntax::Options {
        include_dirs,
        defines,
    };
    p4rmt_syntax::parse(path, &options, &load::WithBuiltin { other: loader }).map_err(|rejected| {
        Box::new(Rejected {
            sources: rejected.sources,
            diagnostics: rejected.diagnostics,
        })
    })
}

/// A step that makes invalid IR has a bug, whatever the program: that is said, and nothing runs it.
fn check_valid(program: &ir::Program, step: &'static str) -> Result<(), Diagnostics> {
    let Err(violations) = ir::validate(program) else {
        return Ok(());
    };
    let listed: Vec<String> = violations.iter().map(ToString::to_string).collect();
    let message = format!("the {step} made invalid IR: {}", listed.join("; "));
    Err(Diagnostic::error(INTERNAL_ERROR, Span::NONE, message)
        .with_help("this is a bug in p4rmt, not in your program: please report it")
        .into())
}
