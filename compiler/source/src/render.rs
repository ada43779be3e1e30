//! A diagnostic as text: source line, caret, notes, help.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::sources::{SourceFile, Sources};
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
            .elements(self.picture(diagnostic));
        if let Some((file, at)) = self.definition(diagnostic.span) {
            let definition = self.file(file).map(|source| {
                let line = source.line_column(at).0;
                format!("from a macro defined at {}:{line}", source.name())
            });
            title = title.elements(definition.map(|note| Level::NOTE.message(note)));
        }
        for (span, label) in &diagnostic.labels {
            // What cannot be in the picture is told below it.
            if self.is_apart(diagnostic.span, *span) {
                title = title.elements(self.snippet(*span, label));
            }
        }
        let mut report = vec![title];
        for (place, note) in &diagnostic.notes {
            let snippet = place.and_then(|span| self.snippet(span, ""));
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

    /// The lines around the place of a diagnostic, with its further labels where they are in the same
    /// file.
    fn picture<'a>(
        &'a self,
        diagnostic: &'a Diagnostic,
    ) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let mut snippet = self.snippet(diagnostic.span, &diagnostic.label)?;
        for (span, label) in &diagnostic.labels {
            if !self.is_apart(diagnostic.span, *span)
                && let Some((_, range)) = self.shown_range(*span)
            {
                snippet =
                    snippet.annotation(AnnotationKind::Context.span(range).label(label.as_str()));
            }
        }
        Some(snippet)
    }

    /// Whether two places have no picture in common.
    fn is_apart(&self, one: Span, other: Span) -> bool {
        let file = |span| self.file_range(span).map(|(file, _, _)| file);
        file(one) != file(other)
    }

    /// The lines around a span, with a caret under it.
    fn snippet<'a>(
        &'a self,
        span: Span,
        label: &'a str,
    ) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let (source, range) = self.shown_range(span)?;
        let annotation = AnnotationKind::Primary.span(range);
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

    /// The file that a span is shown in, and the bytes of it.
    fn shown_range(&self, span: Span) -> Option<(&SourceFile, Range<usize>)> {
        let (file, lo, hi) = self.file_range(span)?;
        let source = self.file(file)?;
        let (lo, hi) = char_range(&source.text, lo as usize, hi as usize);
        Some((source, lo..hi))
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
    fn labels_of_one_file_are_one_picture() {
        let diagnostic = Diagnostic::error(Code("E0000"), Span::new(17, 18), "`y` is wider")
            .with_label("9 bits")
            .with_label_at(Span::new(7, 8), "8 bits");
        check(
            &diagnostic,
            &[
                "error[E0000]: `y` is wider",
                " --> a.p4:2:8",
                "  |",
                "1 | bit<8> x;",
                "  |        - 8 bits",
                "2 | bit<9> y;",
                "  |        ^ 9 bits",
            ],
        );
    }

    #[test]
    fn label_in_another_file_has_its_own_picture() {
        let mut sources = Sources::new();
        for (name, text) in [("a.p4", "bit<8> x;\n"), ("b.p4", "bit<9> y;\n")] {
            let file = sources.add_file(name.into(), text);
            sources.push(text, crate::Origin::File { file, at: 0 });
        }
        let diagnostic = Diagnostic::error(Code("E0000"), Span::new(17, 18), "`y` is wider")
            .with_label_at(Span::new(7, 8), "8 bits");
        let rendered = sources.render(&diagnostic, false);
        assert!(rendered.contains("b.p4:1:8"), "{rendered}");
        assert!(rendered.contains("a.p4:1:8"), "{rendered}");
        assert!(rendered.contains("8 bits"), "{rendered}");
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
