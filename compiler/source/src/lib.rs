//! Source text, spans, and diagnostics: where text comes from, and how a complaint looks.
//!
//! * [`Span`]: a range of the expanded text (all includes and macros in their places).
//! * [`Sources`]: the files, the expanded text, and the way back from one to the other.
//! * [`Diagnostic`], [`Diagnostics`]: complaints as data. [`Sources::render`] makes text of one;
//!   nothing here prints.
//! * [`nearest`]: what a misspelled name was meant to be.
//!
//! ```
//! use p4rmt_source::{Code, Diagnostic, Sources, Span};
//!
//! let sources = Sources::from_text("a.p4", "bit<8> x;\n");
//! let error = Diagnostic::error(Code("E0000"), Span::new(7, 8), "`x` is not welcome")
//!     .with_help("write `y`");
//! assert!(sources.render(&error, false).contains("a.p4:1:8"));
//! ```

mod diagnostic;
mod explanation;
mod nearest;
mod render;
mod sources;
mod span;

pub use diagnostic::{Code, Diagnostic, Diagnostics, Severity};
pub use explanation::Explanation;
pub use nearest::{did_you_mean, nearest};
pub use sources::{FileId, Location, Origin, Segment, SourceFile, Sources};
pub use span::Span;
