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

#[cfg(test)]
mod tests {
    use crate::{Code, Diagnostic, Sources, Span};

    #[track_caller]
    fn check(diagnostic: &Diagnostic, expected: &[&str]) {
        let sources = Sources::from_text("a.p4", "bit<8> x;\nbit<9> y;\n");
        let rendered = sources.render(diagnostic, false);
        let found: Vec<&str> = rendered.lines().map(str::trim_end).collect();
        assert_eq!(found, expected);
        assert!(sources.render(diagnostic, true).contains("\u{1b}["));
    }

    #[test]
    fn place_label_notes_and_help_are_shown() {
        let diagnostic = Diagnostic::error(Code("E0000"), Span::new(7, 8), "`x` is wrong")
            .with_label("here")
            .with_note("so it is said")
            .with_note_at(Span::new(10, 16), "as here")
            .with_help("write `y`");
        check(
            &diagnostic,
            &[
                "error[E0000]: `x` is wrong",
                " --> a.p4:1:8",
                "  |",
                "1 | bit<8> x;",
                "  |        ^ here",
                "  |",
                "  = note: so it is said",
                "note: as here",
                " --> a.p4:2:1",
                "  |",
                "2 | bit<9> y;",
                "  | ^^^^^^",
                "  = help: write `y`",
            ],
        );
    }

    #[test]
    fn what_has_no_place_is_shown_too() {
        let diagnostic =
            Diagnostic::warning(Code("W0000"), Span::NONE, "no place").with_help("none");
        check(
            &diagnostic,
            &["warning[W0000]: no place", " |", " = help: none"],
        );
    }

    #[test]
    fn place_behind_the_text_is_shown_at_its_end() {
        let diagnostic = Diagnostic::error(Code("E0000"), Span::new(20, 20), "too short");
        let sources = Sources::from_text("a.p4", "bit<8> x;\nbit<9> y;\n");
        assert!(
            sources
                .render(&diagnostic, false)
                .starts_with("error[E0000]: too short")
        );
    }
}
