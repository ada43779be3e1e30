//! Diagnostics: complaints as data, with a code, a place, notes and a way out.
//!
//! A diagnostic is built where the fault is found and rendered once, at the edge, by
//! [`Sources::render`](crate::Sources::render). Texts are lower case, without a full stop, with
//! names in backquotes.

use crate::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something worth knowing.
    Note,
    /// The program is taken, but probably does not mean what it says.
    Warning,
    /// The program is refused.
    Error,
}

/// The name of a kind of complaint, such as `E0101`. What it means is told by `p4rmt explain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Its kind.
    pub code: Code,
    /// What is wrong, in one line.
    pub message: String,
    /// Where; [`Span::NONE`] when it is nowhere in the text.
    pub span: Span,
    /// What to write at the caret; empty for nothing.
    pub label: String,
    /// Further places that belong to the same picture, each with what to write there.
    pub labels: Vec<(Span, String)>,
    /// Further places and facts, in the order in which they are shown.
    pub notes: Vec<(Option<Span>, String)>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without label, notes and help.
    #[must_use]
    pub fn new(severity: Severity, code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            span,
            label: String::new(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// An error.
    #[must_use]
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    /// The same with this text at the caret.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with one more place, shown together with the first one. For what is far away, or is a
    /// remark more than a part of the complaint, [`Diagnostic::with_note_at`] is better.
    #[must_use]
    pub fn with_label_at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.labels.push((span, label.into()));
        self
    }

    /// The same with one more fact.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push((None, note.into()));
        self
    }

    /// The same with one more place.
    #[must_use]
    pub fn with_note_at(mut self, span: Span, note: impl Into<String>) -> Self {
        self.notes.push((Some(span), note.into()));
        self
    }

    /// The same with this way out.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A list of diagnostics, in the order in which they were found.
///
/// At most [`Diagnostics::CAP`] are kept; the rest is counted, so that broken input cannot fill the
/// memory or the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    n_errors: usize,
    n_left_out: usize,
}

impl Diagnostics {
    /// How many are kept.
    pub const CAP: usize = 100;

    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.n_errors += 1;
        }
        if self.items.len() < Self::CAP {
            return self.items.push(diagnostic);
        }
        self.n_left_out += 1;
        // What makes the program be refused may not be left out for the sake of warnings.
        let is_error = |item: &Diagnostic| item.severity == Severity::Error;
        if is_error(&diagnostic)
            && let Some(idx) = self.items.iter().rposition(|item| !is_error(item))
        {
            self.items.remove(idx);
            self.items.push(diagnostic);
        }
    }

    /// Adds all of another list.
    pub fn append(&mut self, other: Self) {
        self.n_left_out += other.n_left_out;
        let n_errors = self.n_errors + other.n_errors;
        for diagnostic in other.items {
            self.push(diagnostic);
        }
        self.n_errors = n_errors;
    }

    /// What `change` makes of each; those that it makes nothing of go without a trace.
    #[must_use]
    pub fn filter_map(self, change: impl FnMut(Diagnostic) -> Option<Diagnostic>) -> Self {
        let is_error = |item: &&Diagnostic| item.severity == Severity::Error;
        let n_kept_errors = self.items.iter().filter(is_error).count();
        let mut changed = Self {
            n_left_out: self.n_left_out,
            n_errors: self.n_errors - n_kept_errors,
            ..Self::default()
        };
        for diagnostic in self.items.into_iter().filter_map(change) {
            changed.push(diagnostic);
        }
        changed
    }

    /// Puts them into the order of their places in the expanded text; those of one place stay in
    /// theirs, and those without a place come last.
    pub fn sort_by_place(&mut self) {
        self.items.sort_by_key(|diagnostic| diagnostic.span.lo);
    }

    /// Whether one of them is an error, kept or not.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.n_errors > 0
    }

    /// How many errors there are, kept or not.
    #[must_use]
    pub fn n_errors(&self) -> usize {
        self.n_errors
    }

    /// How many diagnostics were counted but not kept.
    #[must_use]
    pub fn n_left_out(&self) -> usize {
        self.n_left_out
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Those that are kept, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.items.iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut diagnostics = Self::new();
        diagnostics.push(diagnostic);
        diagnostics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_the_cap_is_counted() {
        let mut diagnostics = Diagnostics::new();
        for _ in 0..Diagnostics::CAP {
            diagnostics.push(Diagnostic::warning(Code("W0000"), Span::NONE, "careful"));
        }
        assert!(!diagnostics.has_errors());
        let mut more = Diagnostics::from(Diagnostic::error(Code("E0000"), Span::NONE, "wrong"));
        more.append(diagnostics.clone());
        diagnostics.append(more);
        assert!(diagnostics.has_errors());
        assert_eq!(diagnostics.len(), Diagnostics::CAP);
        assert_eq!(diagnostics.n_left_out(), Diagnostics::CAP + 1);
        assert_eq!(diagnostics.n_errors(), 1);
        let is_kept = |item: &Diagnostic| item.severity == Severity::Error;
        assert!(diagnostics.iter().any(is_kept), "the error is shown");
    }

    #[test]
    fn warnings_become_errors_or_nothing() {
        let mut diagnostics = Diagnostics::new();
        for code in ["W0001", "W0002", "W0003"] {
            diagnostics.push(Diagnostic::warning(Code(code), Span::NONE, "careful"));
        }
        let changed = diagnostics.filter_map(|mut diagnostic| {
            if diagnostic.code.0 == "W0002" {
                diagnostic.severity = Severity::Error;
            }
            (diagnostic.code.0 != "W0001").then_some(diagnostic)
        });
        let shown: Vec<_> = changed.iter().map(|d| (d.code.0, d.severity)).collect();
        assert_eq!(
            shown,
            [("W0002", Severity::Error), ("W0003", Severity::Warning)]
        );
        assert_eq!(changed.n_errors(), 1);
    }
}
