//! A diagnostic as text: source line, caret, notes, help.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::sources::Sources;
use crate::span::Span;

impl Sources {
    /// The diagnostic as a person reads it, without a newline at its end. With `color`, ANSI escapes.
    #[must_use]
    pub fn render(&self, diagnostic: &Diagnostic, color: bool) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mut title = level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code.0)
            .elements(self.snippet(diagnostic.span, &diagnostic.label, AnnotationKind::Primary));
        if let Some((file, at)) = self.definition(diagnostic.span) {
            let definition = self.file(file).map(|source| {
                let line = source.line_column(at).0;
                format!("from a macro defined at {}:{line}", source.name())
            });
            title = title.elements(definition.map(|note| Level::NOTE.message(note)));
        }
        let mut report = vec![title];
        for (place, note) in &diagnostic.notes {
            let snippet = place.and_then(|span| self.snippet(span, "", AnnotationKind::Primary));
            match snippet {
                Some(snippet) => {
                    report.push(Level::NOTE.secondary_title(note.as_str()).element(snippet));
                }
                None => {
                    let last = report.pop().expect("the title is there");
                    report.push(last.element(Level::NOTE.message(note.as_str())));
                }
            }
        }
        if let Some(help) = &diagnostic.help {
            let last = report.pop().expect("the title is there");
            report.push(last.element(Level::HELP.message(help.as_str())));
        }
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.render(&report)
    }

    /// The lines around a span, with a caret under it.
    fn snippet<'a>(
        &'a self,
        span: Span,
        label: &'a str,
        kind: AnnotationKind,
    ) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let (file, lo, hi) = self.file_range(span)?;
        let source = self.file(file)?;
        let (lo, hi) = char_range(&source.text, lo as usize, hi as usize);
        let annotation = kind.span(lo..hi);
        let annotation = if label.is_empty() {
            annotation
        } else {
            annotation.label(label)
        };
        Some(
            Snippet::source(&*source.text)
                .path(source.name())
                .annotation(annotation),
        )
    }
}

/// The range within the text, on character boundaries.
fn char_range(text: &str, lo: usize, hi: usize) -> (usize, usize) {
    let mut lo = lo.min(text.len());
    while !text.is_char_boundary(lo) {
        lo -= 1;
    }
    let mut hi = hi.clamp(lo, text.len());
    while !text.is_char_boundary(hi) {
        hi += 1;
    }
    (lo, hi)
}
