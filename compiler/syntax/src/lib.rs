//! P4-16 text in, syntax tree out, and back again.
//!
//! [`parse`] reads a file through a [`Loader`] and takes three steps:
//!
//! 1. `preprocess`: includes and macros; the result is the expanded text of [`Sources`].
//! 2. `parser`: words that name types are marked (`marks`), then each declaration is parsed by the
//!    grammar in `p4.pest` and made a tree (`tree`).
//! 3. What was wrong on the way is collected; a program with an error has no tree.
//!
//! [`print()`] makes P4 of a tree again. Nothing here resolves a name or knows a type.
//!
//! ```
//! use std::path::Path;
//! use p4rmt_syntax::{LoadError, Loader, Options, parse, print};
//!
//! struct OneFile;
//! impl Loader for OneFile {
//!     fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
//!         let text = "#define WIDTH 8\nconst bit<WIDTH> x = 1 + 2;\n";
//!         Ok((path == Path::new("a.p4")).then(|| text.to_owned()))
//!     }
//! }
//!
//! let parsed = parse(Path::new("a.p4"), &Options::default(), &OneFile).expect("well formed");
//! assert_eq!(print(&parsed.program), "const bit<8> x = 1 + 2;\n");
//! ```

pub mod ast;
pub mod codes;
mod explain;
mod grammar;
mod load;
mod marks;
mod parser;
mod preprocess;
mod print;
mod tree;

use std::path::Path;

use p4rmt_source::{Diagnostics, FileId, Sources};

pub use explain::explanations;
pub use load::{LoadError, Loader, Options};
pub use print::{print, print_expr, print_type};

/// A program that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Its text, and the way back to its files.
    pub sources: Sources,
    /// Its tree.
    pub program: ast::Program,
    /// The macros that conditionals asked for and found.
    pub settings: Vec<Setting>,
    /// What is worth knowing (`#warning` and the like); never an error.
    pub warnings: Diagnostics,
}

/// A macro by which a program, or an include, was given one of its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// What it stood for.
    pub value: String,
    /// The file with the conditional that asked for it.
    pub tested_in: FileId,
    /// The file that defined it; none for one that was defined from the start.
    pub defined_in: Option<FileId>,
}

/// A program that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// What was read of its text.
    pub sources: Sources,
    /// What is wrong; at least one error.
    pub diagnostics: Diagnostics,
}

/// Reads the program in the file `path`, with all that it includes.
///
/// # Errors
///
/// The file or an include cannot be read, or the text is not P4-16; every error has a place but that
/// of a program file that cannot be read.
pub fn parse(path: &Path, options: &Options, loader: &dyn Loader) -> Result<Parsed, Box<Rejected>> {
    let (sources, settings, mut diagnostics) = preprocess::preprocess(path, options, loader);
    // What the preprocessor refused would only be refused again in other words.
    let program = if diagnostics.has_errors() {
        ast::Program::default()
    } else {
        let (program, faults) = parser::parse_text(sources.expanded());
        diagnostics.append(faults);
        program
    };
    if diagnostics.has_errors() {
        return Err(Box::new(Rejected {
            sources,
            diagnostics,
        }));
    }
    Ok(Parsed {
        sources,
        program,
        settings,
        warnings: diagnostics,
    })
}
