//! Compiling the program that a command line names, and showing what the compiler says.

use std::path::{Path, PathBuf};

use p4rmt_driver::{Compiled, DiskLoader, Generation, Options, Rejected};
use p4rmt_source::{Diagnostics, Sources};

use crate::args::{Architecture, Language};
use crate::failure::Failure;

/// The compiler's options for a command line. `generation` is the target's, where there is one.
pub(crate) fn options(language: &Language, generation: Option<Generation>) -> Options {
    let by_arch = language.arch.map(|arch| match arch {
        Architecture::Tna => Generation::Tofino1,
        Architecture::T2na => Generation::Tofino2,
    });
    let defines = language
        .define
        .iter()
        .map(|define| match define.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (define.clone(), None),
        });
    Options {
        include_dirs: language.include.clone(),
        defines: defines.collect(),
        generation: generation.or(by_arch),
    }
}

/// Compiles a program. Warnings and errors are printed.
pub(crate) fn compile(
    path: &Path,
    language: &Language,
    generation: Option<Generation>,
) -> Result<Compiled, Failure> {
    let color = language.color.is_on_for_stderr();
    match compile_quietly(path, language, generation)? {
        Ok(compiled) => {
            show(&compiled.sources, &compiled.warnings, color);
            Ok(compiled)
        }
        Err(rejected) => {
            show(&rejected.sources, &rejected.diagnostics, color);
            let is_bug = |code| code == p4rmt_driver::INTERNAL_ERROR;
            let is_bug = rejected
                .diagnostics
                .iter()
                .any(|diagnostic| is_bug(diagnostic.code));
            Err(if is_bug {
                Failure::Bug
            } else {
                Failure::Reported
            })
        }
    }
}

/// Compiles a program; what the compiler says is returned.
pub(crate) fn compile_quietly(
    path: &Path,
    language: &Language,
    generation: Option<Generation>,
) -> Result<Result<Compiled, Box<Rejected>>, Failure> {
    if let Err(source) = std::fs::metadata(path) {
        return Err(Failure::Read {
            path: path.to_owned(),
            source,
        });
    }
    Ok(p4rmt_driver::compile(
        path,
        &options(language, generation),
        &DiskLoader,
    ))
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
