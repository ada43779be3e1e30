//! P4-16 text in, syntax tree out, and back again.
//!
//! [`parse`] reads a file through a [`Loader`], runs the preprocessor, and parses the result into an
//! [`ast::Program`].

pub mod ast;
pub mod codes;
mod grammar;
mod load;
mod marks;
mod parser;
mod preprocess;
mod print;
mod tree;

use std::path::Path;

use p4rmt_source::{Diagnostics, Sources};

pub use load::{LoadError, Loader, Options};
pub use print::{print, print_expr, print_type};

/// A program that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Its text, and the way back to its files.
    pub sources: Sources,
    /// Its tree.
    pub program: ast::Program,
    /// What is worth knowing (`#warning` and the like); never an error.
    pub warnings: Diagnostics,
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
    let (sources, mut diagnostics) = preprocess::preprocess(path, options, loader);
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
        warnings: diagnostics,
    })
}
