//! The files, the expanded text, and the way from a place in the text back to file and line.
//!
//! The expanded text is a sequence of [`Segment`]s in order, each of which says where its bytes come
//! from: copied from a file, or the result of a macro's use in a file. Invariant: segments are sorted
//! by `lo`, the first begins at 0, and every byte belongs to exactly one of them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::span::Span;

/// Identifies a file within its [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A file as it was read. A file that is included twice is kept once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name, as diagnostics show it.
    pub path: PathBuf,
    /// Its text.
    pub text: Arc<str>,
    /// The offset of the first byte of each line; the first is 0.
    line_starts: Vec<u32>,
}

impl SourceFile {
    fn new(path: PathBuf, text: Arc<str>) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0)
            .chain(newlines.map(|(at, _)| offset(at + 1)))
            .collect();
        Self {
            path,
            text,
            line_starts,
        }
    }

    /// Its name as text.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Line and column of a byte, both from 1; columns count characters.
    #[must_use]
    pub fn line_column(&self, at: u32) -> (u32, u32) {
        let line_idx = self.line_starts.partition_point(|start| *start <= at) - 1;
        let start = self.line_starts[line_idx] as usize;
        let end = (at as usize).min(self.text.len());
        let before = self.text.as_bytes().get(start..end).unwrap_or_default();
        // Count characters by their first bytes, so that a place inside one does no harm.
        let n_chars = before.iter().filter(|byte| (**byte & 0xc0) != 0x80).count();
        (offset(line_idx + 1), offset(n_chars + 1))
    }
}

/// Where a segment of the expanded text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Copied byte for byte from a file, from this offset on.
    File {
        /// The file.
        file: FileId,
        /// The offset of the first byte.
        at: u32,
    },
    /// What a macro's use became.
    Macro {
        /// The file of the use.
        file: FileId,
        /// The first byte of the use.
        use_lo: u32,
        /// One past the last byte of the use, arguments included.
        use_hi: u32,
        /// The file and offset of the definition; none for one of the command line.
        definition: Option<(FileId, u32)>,
    },
}

/// A stretch of the expanded text with one origin. It ends where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its first byte in the expanded text.
    pub lo: u32,
    /// Where it comes from.
    pub origin: Origin,
}

/// A place in a file. Lines and columns count from 1; the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file's name.
    pub file: PathBuf,
    /// The first line.
    pub line: u32,
    /// The first column, in characters.
    pub column: u32,
    /// The line of the end.
    pub end_line: u32,
    /// The column one past the end.
    pub end_column: u32,
    /// For text that came out of a macro: where that macro is defined, as `file:line`.
    pub defined_at: Option<String>,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// All the text of one compilation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<SourceFile>,
    text: String,
    segments: Vec<Segment>,
}

impl Sources {
    /// The longest text that is taken, in bytes: spans are 32 bits wide, and no program is this long.
    pub const MAX_TEXT: usize = 1 << 28;

    /// No text at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One file whose text is the expanded text.
    #[must_use]
    pub fn from_text(path: impl Into<PathBuf>, text: &str) -> Self {
        let mut sources = Self::new();
        let file = sources.add_file(path.into(), text);
        sources.push(text, Origin::File { file, at: 0 });
        sources
    }

    /// Adds a file, without putting it into the expanded text.
    pub fn add_file(&mut self, path: PathBuf, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(offset(self.files.len()));
        self.files.push(SourceFile::new(path, text.into()));
        id
    }

    /// Appends to the expanded text what comes from `origin`.
    pub fn push(&mut self, text: &str, origin: Origin) {
        if text.is_empty() {
            return;
        }
        let lo = offset(self.text.len());
        if !self.continues_last(lo, origin) {
            self.segments.push(Segment { lo, origin });
        }
        self.text.push_str(text);
    }

    /// Whether text at `lo` of this origin only makes the last segment longer.
    fn continues_last(&self, lo: u32, origin: Origin) -> bool {
        match (self.segments.last(), origin) {
            (
                Some(Segment {
                    lo: last_lo,
                    origin:
                        Origin::File {
                            file: last_file,
                            at: last_at,
                        },
                }),
                Origin::File { file, at },
            ) => *last_file == file && last_at + (lo - last_lo) == at,
            _ => false,
        }
    }

    /// The expanded text.
    #[must_use]
    pub fn expanded(&self) -> &str {
        &self.text
    }

    /// The files, in the order in which they were read.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// A file.
    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// The segments of the expanded text, in order.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The expanded text of a span; empty when the span is none or out of the text.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.text
            .get(span.lo as usize..span.hi as usize)
            .unwrap_or_default()
    }

    /// Where a span comes from. `None` when it is none, or out of the text. What came out of a macro
    /// is at the place of the macro's use.
    #[must_use]
    pub fn locate(&self, span: Span) -> Option<Location> {
        let (file, lo, hi) = self.file_range(span)?;
        let source = self.file(file)?;
        let (line, column) = source.line_column(lo);
        let (end_line, end_column) = source.line_column(hi);
        Some(Location {
            file: source.path.clone(),
            line,
            column,
            end_line,
            end_column,
            defined_at: self.definition(span).and_then(|(file, at)| {
                let source = self.file(file)?;
                Some(format!(
                    "{}:{}",
                    source.path.display(),
                    source.line_column(at).0
                ))
            }),
        })
    }

    /// The bytes of a file that a span comes from. A span that runs over several files ends with the
    /// first.
    #[must_use]
    pub fn file_range(&self, span: Span) -> Option<(FileId, u32, u32)> {
        if span.is_none() || span.lo as usize > self.text.len() {
            return None;
        }
        let (file, lo, first_hi) = self.origin_of_byte(span.lo)?;
        if span.hi <= span.lo {
            return Some((file, lo, lo));
        }
        let (last_file, _, hi) = self.origin_of_byte(span.hi - 1)?;
        let is_whole = last_file == file && hi >= lo;
        Some((file, lo, if is_whole { hi } else { first_hi }))
    }

    /// The macro definition that the first byte of a span came out of.
    #[must_use]
    pub fn definition(&self, span: Span) -> Option<(FileId, u32)> {
        if span.is_none() {
            return None;
        }
        match self.segment_at(span.lo)?.origin {
            Origin::File { .. } => None,
            Origin::Macro { definition, .. } => definition,
        }
    }

    /// The file, the byte, and one past the byte that a byte of the expanded text comes from.
    fn origin_of_byte(&self, at: u32) -> Option<(FileId, u32, u32)> {
        let segment = self.segment_at(at)?;
        Some(match segment.origin {
            Origin::File { file, at: start } => {
                let lo = start + (at - segment.lo);
                (file, lo, lo + 1)
            }
            Origin::Macro {
                file,
                use_lo,
                use_hi,
                ..
            } => (file, use_lo, use_hi),
        })
    }

    fn segment_at(&self, at: u32) -> Option<&Segment> {
        let after = self.segments.partition_point(|segment| segment.lo <= at);
        self.segments.get(after.checked_sub(1)?)
    }
}

/// An offset as spans hold it. Texts are far shorter than 4 GiB ([`Sources::MAX_TEXT`]).
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a.p4` with `b.p4` in its middle and a macro's use at its end.
    fn sources() -> Sources {
        let mut sources = Sources::new();
        let a = sources.add_file("a.p4".into(), "one\n#include\ntwo é M(1)\n");
        let b = sources.add_file("b.p4".into(), "inner\n");
        sources.push("one\n", Origin::File { file: a, at: 0 });
        sources.push("inner\n", Origin::File { file: b, at: 0 });
        sources.push("two ", Origin::File { file: a, at: 13 });
        sources.push("é ", Origin::File { file: a, at: 17 });
        let origin = Origin::Macro {
            file: a,
            use_lo: 20,
            use_hi: 24,
            definition: Some((b, 2)),
        };
        sources.push("x + 1", origin);
        sources
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let sources = sources();
        let lo = sources.expanded().find(text).expect("is there");
        let span = Span::new(lo as u32, (lo + text.len()) as u32);
        assert_eq!(sources.text(span), text);
        let place = sources
            .locate(span)
            .map(|at| format!("{at}-{}:{} {:?}", at.end_line, at.end_column, at.defined_at));
        assert_eq!(place.as_deref(), Some(expected));
    }

    #[test]
    fn places_lead_back_to_files() {
        check("one", "a.p4:1:1-1:4 None");
        check("inner", "b.p4:1:1-1:6 None");
        check("two", "a.p4:3:1-3:4 None");
    }

    #[test]
    fn columns_count_characters() {
        check("é", "a.p4:3:5-3:6 None");
    }

    #[test]
    fn macros_are_at_their_use() {
        check("+", "a.p4:3:7-3:11 Some(\"b.p4:1\")");
        check("é x", "a.p4:3:5-3:11 None");
    }

    #[test]
    fn span_over_two_files_ends_with_the_first() {
        check("one\ninner", "a.p4:1:1-1:2 None");
        // Around an include it covers the directive.
        check("one\ninner\ntwo", "a.p4:1:1-3:4 None");
    }

    #[test]
    fn text_that_follows_makes_a_segment_longer() {
        assert_eq!(sources().segments().len(), 4);
    }

    #[test]
    fn end_and_nowhere_do_no_harm() {
        let sources = sources();
        let end = sources.expanded().len() as u32;
        assert!(sources.locate(Span::new(end, end)).is_some());
        assert!(sources.locate(Span::NONE).is_none());
        assert!(sources.locate(Span::new(end + 7, end + 9)).is_none());
        assert_eq!(sources.text(Span::new(end - 1, end + 9)), "");
        assert!(Sources::new().locate(Span::new(0, 0)).is_none());
    }
}
