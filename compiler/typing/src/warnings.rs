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
mod state;
mod unreachable;
mod unused;
mod warning;

use p4rmt_source::{Code, Diagnostic, Diagnostics, Span};
use p4rmt_syntax::ast::{self, Annotation};

use crate::check::Checker;
use crate::explain;
use crate::hash::FastSet;
use crate::rules::string_of;
use crate::walk::{self, Site, Visitor};

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
    silenced: Vec<(Span, String)>,
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
        let is_silenced = self.silenced.iter().any(|(within, name)| {
            within.lo <= span.lo
                && span.hi <= within.hi
                && (name == warning.code() || name == warning.name())
        });
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
        silenced: silenced(program),
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

/// The declarations with `@noWarn`, and what they silence.
fn silenced(program: &ast::Program) -> Vec<(Span, String)> {
    struct Silenced(Vec<(Span, String)>);
    impl Silenced {
        fn add(&mut self, annotations: &[Annotation], span: Span) {
            let given = annotations.iter().filter(|a| a.name.text == "noWarn");
            for text in given.filter_map(string_of) {
                self.0.push((span, text.to_owned()));
            }
        }
    }
    impl<'a> Visitor<'a> for Silenced {
        fn annotated(&mut self, annotations: &'a [Annotation], span: Span) {
            self.add(annotations, span);
        }
        fn variable(&mut self, _at: Site<'a>, variable: &'a ast::Variable) {
            self.add(&variable.annotations, variable.span);
        }
        fn constant(&mut self, constant: &'a ast::Const) {
            self.add(&constant.annotations, constant.span);
        }
        fn instantiation(&mut self, _at: Site<'a>, instance: &'a ast::Instantiation) {
            self.add(&instance.annotations, instance.span);
        }
        fn action(&mut self, _at: Site<'a>, action: &'a ast::Action) {
            self.add(&action.annotations, action.span);
        }
        fn table(&mut self, _at: Site<'a>, table: &'a ast::Table) {
            self.add(&table.annotations, table.span);
            for property in &table.properties {
                self.add(&property.annotations, property.span);
            }
        }
        fn parser(&mut self, parser: &'a ast::Parser) {
            self.add(&parser.head.annotations, parser.span);
        }
        fn control(&mut self, control: &'a ast::Control) {
            self.add(&control.head.annotations, control.span);
        }
        fn state(&mut self, _at: Site<'a>, state: &'a ast::ParserState) {
            self.add(&state.annotations, state.span);
        }
        fn function(&mut self, _at: Site<'a>, function: &'a ast::Function) {
            let prototype = &function.prototype;
            self.add(
                &prototype.annotations,
                prototype.span.join(function.body.span),
            );
        }
    }
    let mut silenced = Silenced(Vec::new());
    walk::program(&mut silenced, program);
    silenced.0
}
