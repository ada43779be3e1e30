//! Compiling the program that a command line names, and showing what the compiler says.

use std::path::{Path, PathBuf};

use p4rmt_driver::{Checked, Compiled, DiskLoader, Generation, Lints, Lowered, Options, Rejected};
use p4rmt_ir::Arch;
use p4rmt_source::{Diagnostics, Sources};

use crate::args::{Architecture, Language};
use crate::failure::Failure;

/// The compiler's options for a command line. `generation` is the target's, where there is one.
fn options(language: &Language, generation: Option<Generation>) -> Result<Options, Failure> {
    let by_arch = language.arch.and_then(|arch| match arch {
        Architecture::Tna => Some(Generation::Tofino1),
        Architecture::T2na => Some(Generation::Tofino2),
        Architecture::V1model => None,
    });
    let defines = language
        .define
        .iter()
        .map(|define| match define.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (define.clone(), None),
        });
    Ok(Options {
        include_dirs: language.include.clone(),
        defines: defines.collect(),
        generation: generation.or(by_arch),
        lints: Lints::new(&language.allow, &language.deny)
            .map_err(|error| Failure::Usage(error.to_string()))?,
    })
}

/// Compiles a program. Warnings and errors are printed.
pub(crate) fn compile(
    path: &Path,
    language: &Language,
    generation: Option<Generation>,
) -> Result<Compiled, Failure> {
    let result = compile_quietly(path, language, generation)?;
    shown(result, language, |compiled| {
        (&compiled.sources, &compiled.warnings)
    })
}

/// Checks a program. Warnings and errors are printed.
pub(crate) fn check(path: &Path, language: &Language) -> Result<Checked, Failure> {
    let result = check_quietly(path, language, None)?;
    shown(result, language, |checked| {
        (&checked.sources, &checked.warnings)
    })
}

/// Prints what the compiler says about a program.
fn shown<T>(
    result: Result<T, Box<Rejected>>,
    language: &Language,
    warnings: impl FnOnce(&T) -> (&Sources, &Diagnostics),
) -> Result<T, Failure> {
    let color = language.color.is_on_for_stderr();
    match result {
        Ok(good) => {
            let (sources, warnings) = warnings(&good);
            show(sources, warnings, color);
            Ok(good)
        }
        Err(rejected) => {
            show(&rejected.sources, &rejected.diagnostics, color);
            Err(failure_of(&rejected))
        }
    }
}

/// How the process ends after a program was refused, and the reasons printed.
pub(crate) fn failure_of(rejected: &Rejected) -> Failure {
    let is_bug = |code| code == p4rmt_driver::INTERNAL_ERROR;
    let mut diagnostics = rejected.diagnostics.iter();
    if diagnostics.any(|diagnostic| is_bug(diagnostic.code)) {
        Failure::Bug
    } else {
        Failure::Reported
    }
}

/// Compiles a program; what the compiler says is returned.
pub(crate) fn compile_quietly(
    path: &Path,
    language: &Language,
    generation: Option<Generation>,
) -> Result<Result<Compiled, Box<Rejected>>, Failure> {
    Ok(check_quietly(path, language, generation)?.and_then(Checked::compiled))
}

/// Checks a program; what the compiler says is returned.
pub(crate) fn check_quietly(
    path: &Path,
    language: &Language,
    generation: Option<Generation>,
) -> Result<Result<Checked, Box<Rejected>>, Failure> {
    let options = options(language, generation)?;
    if let Err(source) = std::fs::metadata(path) {
        return Err(Failure::Read {
            path: path.to_owned(),
            source,
        });
    }
    let result = p4rmt_driver::check(path, &options, &DiskLoader);
    if let (Ok(checked), Some(arch)) = (&result, language.arch)
        && let Lowered::Forms(forms) = &checked.lowered
    {
        agree(arch, forms.program.arch)?;
    }
    Ok(result)
}

/// Whether `--arch` is no contradiction to what the program says.
fn agree(named: Architecture, found: Arch) -> Result<(), Failure> {
    let is_tofino = match found {
        Arch::Tna | Arch::T2na => true,
        Arch::V1model => false,
    };
    match (named, is_tofino) {
        (Architecture::Tna | Architecture::T2na, true) | (Architecture::V1model, false) => Ok(()),
        (Architecture::Tna | Architecture::T2na, false) => Err(Failure::Input(
            "`--arch` names a Tofino, but the program is for v1model".to_owned(),
        )),
        (Architecture::V1model, true) => Err(Failure::Input(
            "`--arch` names v1model, but the program is for a Tofino".to_owned(),
        )),
    }
}

/// Prints diagnostics, and how many there were if more than one is an error.
#[expect(clippy::print_stderr, reason = "diagnostics go to standard error")]
fn show(sources: &Sources, diagnostics: &Diagnostics, color: bool) {
    for diagnostic in diagnostics {
        eprintln!("{}\n", sources.render(diagnostic, color).trim_end());
    }
    let n_left_out = diagnostics.n_left_out();
    if n_left_out > 0 {
        eprintln!("{n_left_out} more are not shown");
    }
    if diagnostics.n_errors() > 1 {
        eprintln!("{} errors", diagnostics.n_errors());
    }
}

/// Reads a whole file as text.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let unreadable = |source| Failure::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        Failure::Input(format!(
            "`{}` is not text: byte {} is not UTF-8",
            path.display(),
            error.utf8_error().valid_up_to()
        ))
    })
}

/// Writes a whole file at once: to a neighbour first, which then takes its name, so that a file of
/// this name is never half written.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |source| Failure::Write {
        path: path.to_owned(),
        source,
    };
    // A pipe, a terminal or `/dev/null` is written to, not replaced.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return std::fs::write(path, bytes).map_err(failed);
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    std::fs::write(&partial, bytes).map_err(failed)?;
    std::fs::rename(&partial, path).map_err(|source| {
        // The rename failed, so the neighbour is of no use to anyone.
        let _ = std::fs::remove_file(&partial);
        failed(source)
    })
}
