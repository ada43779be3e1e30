//! From a P4 file to the form that engines run: the ordered list of compiler steps.
//!
//! 1. `syntax`: preprocess and parse.
//! 2. `typing`: names, types, constants of the whole program, whatever its architecture.
//! 3. `frontend`: instantiation of what typing knows; the structured form.
//! 4. `midend`: the tables form (TNA and T2NA).
//!
//! [`check`] stops, content, where there is no machine for a program that is right; [`compile`]
//! refuses such a program.
//!
//! The IR is validated after each step that makes some. Placement is a step of its own
//! ([`p4rmt_mau`]), because it needs a target and a program may be run without one.

pub mod emit;
pub mod explain;
mod lints;
mod load;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use p4rmt_ir as ir;
use p4rmt_source::{Code, Diagnostic, Diagnostics, Severity, Sources, Span};
pub use p4rmt_syntax::{LoadError, Loader};
use p4rmt_syntax::{Setting, ast};
use p4rmt_typing::Typed;

pub use p4rmt_frontend::NO_MACHINE_CODES;

pub use lints::{ALL_WARNINGS, LintError, Lints};
pub use load::DiskLoader;

/// The code of a diagnostic that is about us, not about the program.
pub const INTERNAL_ERROR: Code = Code("E0901");

/// The code of the note that a program is compiled for the first generation.
pub const FIRST_GENERATION: Code = Code("W0901");

/// The macro by which a program knows its generation.
const GENERATION_MACRO: &str = "__TARGET_TOFINO__";

/// How a program is compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where `#include` looks, before the built-in declarations.
    pub include_dirs: Vec<PathBuf>,
    /// Macros with their values.
    pub defines: Vec<(String, Option<String>)>,
    /// The generation of the machine that the program is compiled for, which its preprocessor sees
    /// as `__TARGET_TOFINO__`. Without it, a program that includes `tna.p4` whatever the generation
    /// is for the first, and so is one that is right for that alone; every other one is for the second.
    pub generation: Option<Generation>,
    /// What becomes of warnings.
    pub lints: Lints,
}

/// A generation of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Tofino 1.
    Tofino1,
    /// Tofino 2.
    Tofino2,
}

/// A program that was checked: it is P4-16, whether there is a machine for it or not.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its text, and the way from spans back to files.
    pub sources: Sources,
    /// Its syntax tree.
    pub syntax: Arc<ast::Program>,
    /// The macros by which it chose a form of what it includes.
    pub settings: Vec<Setting>,
    /// What is worth knowing; never an error.
    pub warnings: Diagnostics,
    /// What it was lowered to.
    pub lowered: Lowered,
}

/// What became of a program that was checked.
#[derive(Clone, Debug)]
pub enum Lowered {
    /// Both forms.
    Forms(Forms),
    /// It cannot be lowered, and nothing is wrong with that.
    NoMachine(NoMachine),
}

/// A program's forms.
#[derive(Clone, Debug)]
pub struct Forms {
    /// The structured form.
    pub structured: Arc<ir::Program>,
    /// The form that engines run: tables for TNA and T2NA.
    pub program: Arc<ir::Program>,
}

/// Why there is no machine for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoMachine {
    /// The package that `main` is an instance of; none without `main`.
    pub package: Option<String>,
    /// The complaint of those who need a machine.
    diagnostics: Diagnostics,
}

impl std::fmt::Display for NoMachine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.package {
            Some(package) => write!(f, "there is no machine for package `{package}`"),
            None => f.write_str("it has no `main` that a machine could run"),
        }
    }
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

impl Checked {
    /// The program for a machine.
    ///
    /// # Errors
    /// There is no machine for it.
    pub fn compiled(self) -> Result<Compiled, Box<Rejected>> {
        match self.lowered {
            Lowered::Forms(Forms {
                structured,
                program,
            }) => Ok(Compiled {
                sources: self.sources,
                structured,
                program,
                warnings: self.warnings,
            }),
            Lowered::NoMachine(NoMachine { diagnostics, .. }) => Err(Box::new(Rejected {
                sources: self.sources,
                diagnostics,
            })),
        }
    }
}

/// Compiles the program in the file `path`.
///
/// # Errors
/// The program cannot be read, is not P4-16, uses what is not supported, or is for a machine that
/// there is not. Every error has a place in the text but those of files that cannot be read.
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
    check(path, options, loader)?.compiled()
}

/// Checks the program in the file `path`, and lowers it where there is a machine for it.
///
/// # Errors
/// As [`compile`], but a program for which there is no machine is accepted.
pub fn check(
    path: &Path,
    options: &Options,
    loader: &dyn Loader,
) -> Result<Checked, Box<Rejected>> {
    let parsed = parse(path, options, loader).map_err(|mut rejected| {
        rejected.diagnostics = options
            .lints
            .apply(std::mem::take(&mut rejected.diagnostics));
        rejected
    });
    let checked = parsed.and_then(|parsed| check_parsed(path, parsed, None, options));
    checked.or_else(|rejected| check_for_first_generation(path, options, loader, rejected))
}

/// Checks a program that was refused for the second generation for the first, if it asks which one it
/// is compiled for and nobody has said. What was wrong before, if it is no better then.
fn check_for_first_generation(
    path: &Path,
    options: &Options,
    loader: &dyn Loader,
    rejected: Box<Rejected>,
) -> Result<Checked, Box<Rejected>> {
    let mut names = options.defines.iter().map(|(name, _)| name);
    let is_said = options.generation.is_some() || names.any(|name| name == GENERATION_MACRO);
    if is_said || !includes(&rejected.sources, "t2na.p4") {
        return Err(rejected);
    }
    let message = "this program is compiled for Tofino 1: Tofino 2 refuses it";
    let mut note = Diagnostic::warning(FIRST_GENERATION, Span::NONE, message)
        .with_help("say which one is meant, as in `-D __TARGET_TOFINO__=1`");
    let mut errors = rejected.diagnostics.iter();
    if let Some(error) = errors.find(|found| found.severity == Severity::Error) {
        note = note.with_note(format!("for Tofino 2: {}", error.message));
    }
    let first = parse_for(path, options, Generation::Tofino1, loader);
    let is_another = |parsed: &p4rmt_syntax::Parsed| !includes(&parsed.sources, "t2na.p4");
    first
        .ok()
        .filter(is_another)
        .and_then(|parsed| check_parsed(path, parsed, Some(note), options).ok())
        .ok_or(rejected)
}

/// Whether a file of this name was read.
fn includes(sources: &Sources, name: &str) -> bool {
    sources.files().iter().any(|file| file.path.ends_with(name))
}

/// The steps behind the parser.
fn check_parsed(
    path: &Path,
    parsed: p4rmt_syntax::Parsed,
    note: Option<Diagnostic>,
    options: &Options,
) -> Result<Checked, Box<Rejected>> {
    let mut diagnostics = parsed.warnings;
    note.into_iter().for_each(|note| diagnostics.push(note));
    let name = path
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into());
    let origin = |span| load::origin(&parsed.sources, path, span);
    let lowered = {
        let (typed, found) = p4rmt_typing::check_and_warn(&parsed.program, &origin);
        let is_typed = !found.has_errors();
        diagnostics.append(found);
        is_typed
            .then(|| lower(&parsed.program, &typed, &name, &mut diagnostics))
            .flatten()
    };
    if lowered.is_none() && !diagnostics.has_errors() {
        let message = "a step of the compiler refused the program without a reason";
        diagnostics.push(bug(message.to_owned()));
    }
    let diagnostics = options.lints.apply(diagnostics);
    match lowered {
        Some(lowered) if !diagnostics.has_errors() => Ok(Checked {
            sources: parsed.sources,
            syntax: Arc::new(parsed.program),
            settings: parsed.settings,
            warnings: diagnostics,
            lowered,
        }),
        Some(_) | None => Err(Box::new(Rejected {
            sources: parsed.sources,
            diagnostics,
        })),
    }
}

/// The steps behind typing; `None` after an error. What they say is added to `diagnostics`.
fn lower<'a>(
    syntax: &'a ast::Program,
    typed: &'a Typed<'a>,
    name: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Lowered> {
    let structured = match p4rmt_frontend::lower(syntax, typed, name) {
        Ok((structured, more)) => {
            let silenced = p4rmt_typing::Silenced::of(syntax);
            let more = more.filter_map(|warning| {
                let is_silenced = silenced.covers(warning.span, warning.code.0);
                (!is_silenced).then_some(warning)
            });
            diagnostics.append(more);
            structured
        }
        Err(refused) => {
            return match no_machine(syntax, refused) {
                Ok(no_machine) => Some(Lowered::NoMachine(no_machine)),
                Err(refused) => {
                    diagnostics.append(refused);
                    None
                }
            };
        }
    };
    if let Err(bug) = check_valid(&structured, "front end") {
        diagnostics.append(bug);
        return None;
    }
    let structured = Arc::new(structured);
    let program = match structured.arch {
        ir::Arch::Tna | ir::Arch::T2na => match p4rmt_midend::to_tables(&structured) {
            Ok(program) => Arc::new(program),
            Err(errors) => {
                for error in &errors {
                    diagnostics.push(Diagnostic::from(error));
                }
                return None;
            }
        },
        ir::Arch::V1model => Arc::clone(&structured),
    };
    if let Err(bug) = check_valid(&program, "midend") {
        diagnostics.append(bug);
        return None;
    }
    Some(Lowered::Forms(Forms {
        structured,
        program,
    }))
}

/// Whether what was refused, though its types are right, is a program for which there is no machine:
/// `Ok` if so. A text that declares nothing at all is no program.
fn no_machine(syntax: &ast::Program, refused: Diagnostics) -> Result<NoMachine, Diagnostics> {
    let is_absent = |diagnostic: &Diagnostic| NO_MACHINE_CODES.contains(&diagnostic.code.0);
    if syntax.declarations.is_empty() || !refused.iter().any(is_absent) {
        return Err(refused);
    }
    Ok(NoMachine {
        package: main_package(syntax),
        diagnostics: refused,
    })
}

/// The package that `main` is an instance of.
fn main_package(syntax: &ast::Program) -> Option<String> {
    let main = syntax
        .declarations
        .iter()
        .find_map(|declaration| match &declaration.kind {
            ast::DeclarationKind::Instantiation(instance) if instance.name.text == "main" => {
                Some(instance)
            }
            _ => None,
        })?;
    Some(match &main.ty.kind {
        ast::TypeKind::Named(path) | ast::TypeKind::Specialized { base: path, .. } => {
            path.name.text.clone()
        }
        _ => p4rmt_syntax::print_type(&main.ty),
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
    if includes(sources, "tna.p4") && !includes(sources, "t2na.p4") {
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
    if !defines.iter().any(|(name, _)| name == GENERATION_MACRO) {
        let value = match generation {
            Generation::Tofino1 => "1",
            Generation::Tofino2 => "2",
        };
        defines.push((GENERATION_MACRO.to_owned(), Some(value.to_owned())));
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
    Err(bug(format!("the {step} made invalid IR: {}", listed.join("; "))).into())
}

fn bug(message: String) -> Diagnostic {
    Diagnostic::error(INTERNAL_ERROR, Span::NONE, message)
        .with_help("this is a bug in p4rmt, not in your program: please report it")
}

#[cfg(test)]
mod tests {
    use p4rmt_ir::GressRole;
    use p4rmt_ir::build::{GressBuilder, assign, constant, program};

    use super::*;

    #[test]
    fn invalid_ir_is_a_bug_of_ours() {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let narrow = gress.metadata("a", 8);
        let body = vec![assign(narrow, constant(16, 1))];
        let wrong = program("test", ir::Arch::T2na, [gress.structured(body)]);
        let said = check_valid(&wrong, "front end").expect_err("the widths differ");
        let shown: Vec<String> = said
            .iter()
            .map(|diagnostic| Sources::new().render(diagnostic, false))
            .collect();
        let lines: Vec<&str> = shown[0].lines().map(str::trim_end).collect();
        let message = "error[E0901]: the front end made invalid IR: pipe0, gress0, control `Control`: \
                       a value is 16 bits wide where 8 are needed";
        let help = " = help: this is a bug in p4rmt, not in your program: please report it";
        assert_eq!(lines, [message, " |", help]);
    }
}
