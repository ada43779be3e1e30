//! What is worth a second look in a program that has no errors: one file a group of warnings.
//!
//! | file | what it looks for |
//! |---|---|
//! | `unused` | declarations that nothing uses |
//! | `shadow` | names that hide others |
//! | `flow`, `state` | values read before they are set, fields of invalid headers, along every path |
//! | `unreachable` | statements, states and cases that nothing leads to |
//! | `conditions` | comparisons that always come out the same |
//! | `numbers` | numbers that their type cuts |
//! | `entries` | entries that never match, priorities |
//! | `calls` | what is deprecated, arguments that overwrite each other |
//!
//! A warning can be turned off by its code or its name: for one declaration by `@noWarn("…")`, for all
//! of a program by whoever shows it.

mod calls;
mod conditions;
mod entries;
mod flow;
mod numbers;
mod shadow;
mod silenced;
mod state;
mod unreachable;
mod unused;
mod warning;

use p4rmt_source::{Code, Diagnostic, Diagnostics, Span};
use p4rmt_syntax::ast;

use crate::check::Checker;
use crate::explain;
use crate::hash::FastSet;

pub use silenced::Silenced;
pub use warning::Warning;

/// Where a piece of text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The program's own file.
    Program,
    /// A file that the program includes: what it declares may be used elsewhere.
    Included,
    /// The declarations that come with the compiler.
    System,
}

/// The warnings about a program.
pub(crate) struct Warnings<'o> {
    origin: &'o dyn Fn(Span) -> Origin,
    silenced: Silenced,
    seen: FastSet<(u32, u32, &'static str)>,
    found: Diagnostics,
}

impl Warnings<'_> {
    /// Warns of something.
    pub(crate) fn warn(&mut self, span: Span, warning: &Warning) {
        self.warn_with(span, warning, None);
    }

    /// Warns of something that another place has to do with.
    pub(crate) fn warn_with(&mut self, span: Span, warning: &Warning, note: Option<(Span, &str)>) {
        if span.is_none() || (self.origin)(span) == Origin::System {
            return;
        }
        let mut names = [warning.code(), warning.name()].into_iter();
        let is_silenced = names.any(|name| self.silenced.covers(span, name));
        if is_silenced || !self.seen.insert((span.lo, span.hi, warning.code())) {
            return;
        }
        let mut diagnostic = Diagnostic::warning(Code(warning.code()), span, warning.to_string());
        if let Some((at, text)) = note {
            diagnostic = diagnostic.with_note_at(at, text);
        }
        if let Some(page) = explain::explanation(warning.code()) {
            diagnostic = diagnostic.with_help(page.help);
        }
        self.found.push(diagnostic);
    }

    /// Whether something is declared in the program's own file, so that nothing else can use it.
    pub(crate) fn is_own(&self, span: Span) -> bool {
        (self.origin)(span) == Origin::Program
    }
}

/// Looks for all that is worth a warning in a program without errors.
pub(crate) fn check<'a>(
    check: &mut Checker<'a>,
    program: &'a ast::Program,
    origin: &dyn Fn(Span) -> Origin,
) -> Diagnostics {
    let mut warnings = Warnings {
        origin,
        silenced: Silenced::of(program),
        seen: FastSet::default(),
        found: Diagnostics::new(),
    };
    unused::check(check, program, &mut warnings);
    shadow::check(check, program, &mut warnings);
    flow::check(check, program, &mut warnings);
    unreachable::check(check, program, &mut warnings);
    conditions::check(check, program, &mut warnings);
    numbers::check(check, program, &mut warnings);
    entries::check(check, program, &mut warnings);
    calls::check(check, program, &mut warnings);
    warnings.found.sort_by_place();
    warnings.found
}
