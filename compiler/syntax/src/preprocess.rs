//! The preprocessor: files in, one expanded text out, every byte of which knows where it came from.
//!
//! It handles `#include`, `#define` (of objects and functions, `#` and `##`), `#undef`, `#if` and
//! its kin, `#error`, `#warning`, line continuation and comments; `#line` and `#pragma` are passed
//! over. Comments and directives become blanks of the same length in the expanded text, so that a
//! complaint about them has a span like any other.
//!
//! What is wrong is collected; reading goes on behind it.

mod condition;
mod directive;
mod macros;
pub(crate) mod token;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use p4rmt_source::{Code, Diagnostic, Diagnostics, FileId, Origin, Sources, Span};

use crate::Setting;
use crate::codes;
use crate::load::{Loader, Options};
use macros::{Expander, Macro, MacroError, Macros, Source, Word, spell, words};
use token::{Token, TokenKind, tokenize};

/// Runs the preprocessor over the file `path` and what it includes.
pub(crate) fn preprocess(
    path: &Path,
    options: &Options,
    loader: &dyn Loader,
) -> (Sources, Vec<Setting>, Diagnostics) {
    let mut preprocessor = Preprocessor {
        options,
        loader,
        sources: Sources::new(),
        diagnostics: Diagnostics::new(),
        macros: Macros::new(),
        expander: Expander::default(),
        loaded: HashMap::new(),
        once: HashSet::new(),
        settings: Vec::new(),
        noted: HashSet::new(),
        n_includes: 0,
        is_over: false,
    };
    preprocessor.define_options();
    match preprocessor.load(path) {
        Ok(Some(file)) => preprocessor.run_file(file, 0),
        Ok(None) => preprocessor.unreadable(path, "there is no such file"),
        Err(reason) => preprocessor.unreadable(path, &reason),
    }
    (
        preprocessor.sources,
        preprocessor.settings,
        preprocessor.diagnostics,
    )
}

struct Preprocessor<'a> {
    options: &'a Options,
    loader: &'a dyn Loader,
    sources: Sources,
    diagnostics: Diagnostics,
    macros: Macros,
    expander: Expander,
    /// Files that were read, or are known not to be there.
    loaded: HashMap<PathBuf, Option<FileId>>,
    /// Files with `#pragma once`.
    once: HashSet<FileId>,
    /// Macros that conditionals asked for and found, each once a file.
    settings: Vec<Setting>,
    /// Which macros of which files are among them.
    noted: HashSet<(FileId, Rc<str>)>,
    n_includes: usize,
    /// Whether a limit was met, behind which nothing is read.
    is_over: bool,
}

/// A conditional that is open.
struct Conditional {
    /// Whether its present part is read.
    is_live: bool,
    /// Whether one of its parts was read.
    was_live: bool,
    /// Whether the conditional around it is read.
    is_outer_live: bool,
    /// Whether its `#else` has been.
    has_else: bool,
    /// The directive that opened it.
    span: Span,
}

/// One file on its way through the preprocessor.
struct Reading {
    file: FileId,
    text: Arc<str>,
    tokens: Vec<Token>,
    at: usize,
    conditionals: Vec<Conditional>,
    depth: usize,
}

impl Reading {
    fn is_live(&self) -> bool {
        self.conditionals.last().is_none_or(|last| last.is_live)
    }

    /// The index one past the tokens of the line that begins at `from`.
    fn line_end(&self, from: usize) -> usize {
        let is_end = |token: &Token| token.kind == TokenKind::Newline;
        let length = self.tokens[from..].iter().position(is_end);
        length.map_or(self.tokens.len(), |length| from + length)
    }
}

/// Reads a macro's arguments on from a file.
struct FileWords<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// One past the last token that was taken.
    taken: usize,
    /// Of the word that was peeked.
    peeked: usize,
}

impl Source for FileWords<'_> {
    fn peek(&mut self) -> Option<Word> {
        let mut at = self.taken;
        while self.tokens.get(at)?.kind.is_space() {
            at += 1;
        }
        self.peeked = at;
        let token = self.tokens[at];
        Some(Word::new(
            token.kind,
            token.text(self.text),
            at > self.taken,
        ))
    }

    fn advance(&mut self) {
        self.taken = self.peeked + 1;
    }
}

impl Preprocessor<'_> {
    fn define_options(&mut self) {
        for (name, value) in &self.options.defines {
            let value = value.as_deref().unwrap_or("1");
            let definition = Macro {
                params: None,
                body: words(&tokenize(value), value),
                definition: None,
            };
            self.macros
                .insert(name.as_str().into(), Rc::new(definition));
        }
    }

    fn unreadable(&mut self, path: &Path, reason: &str) {
        let message = format!("cannot read `{}`: {reason}", path.display());
        let help = "check the name of the file and your rights to it";
        self.diagnostics
            .push(Diagnostic::error(codes::UNREADABLE_FILE, Span::NONE, message).with_help(help));
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::error(code, span, message));
    }

    /// The file behind a path, read once. `Err` is why it cannot be read.
    fn load(&mut self, path: &Path) -> Result<Option<FileId>, String> {
        if let Some(known) = self.loaded.get(path) {
            return Ok(*known);
        }
        let text = self.loader.load(path).map_err(|error| error.to_string())?;
        let file = match text {
            Some(text) if text.len() > Sources::MAX_TEXT => {
                return Err("it is too long to be a program".to_owned());
            }
            Some(text) => Some(self.sources.add_file(path.to_owned(), text)),
            None => None,
        };
        self.loaded.insert(path.to_owned(), file);
        Ok(file)
    }

    fn run_file(&mut self, file: FileId, depth: usize) {
        let Some(source) = self.sources.file(file) else {
            return;
        };
        let text = Arc::clone(&source.text);
        let tokens = tokenize(&text);
        let mut reading = Reading {
            file,
            text,
            tokens,
            at: 0,
            conditionals: Vec::new(),
            depth,
        };
        let mut is_line_start = true;
        while let Some(token) = reading.tokens.get(reading.at).copied() {
            if self.is_over {
                return;
            }
            if is_line_start && token.is(&reading.text, "#") {
                self.directive(&mut reading);
                continue;
            }
            is_line_start = match token.kind {
                TokenKind::Newline => true,
                TokenKind::Blank | TokenKind::Comment | TokenKind::OpenComment => is_line_start,
                TokenKind::Word | TokenKind::Number | TokenKind::String | TokenKind::Punct => false,
            };
            if reading.is_live() {
                self.live_token(&mut reading, token);
            } else {
                reading.at += 1;
            }
        }
        for conditional in reading.conditionals {
            self.diagnostics.push(
                Diagnostic::error(
                    codes::UNBALANCED_CONDITIONAL,
                    conditional.span,
                    "this conditional has no `#endif`",
                )
                .with_help("add `#endif` where the conditional text ends"),
            );
        }
        // Tokens of two files never touch.
        self.push_blank(reading.file, reading.text.len() as u32, "\n");
    }

    /// Passes a token on to the expanded text.
    fn live_token(&mut self, reading: &mut Reading, token: Token) {
        match token.kind {
            TokenKind::Comment => self.push_blanked(reading, token.lo, token.hi),
            TokenKind::OpenComment => {
                let span = self.push_blanked(reading, token.lo, token.hi);
                let opening = Span::new(span.lo, span.lo + 2);
                self.diagnostics.push(
                    Diagnostic::error(
                        codes::UNTERMINATED_COMMENT,
                        opening,
                        "this comment has no end",
                    )
                    .with_help("close it with `*/`"),
                );
                Span::NONE
            }
            TokenKind::Word if self.macros.contains_key(token.text(&reading.text)) => {
                return self.macro_use(reading, token);
            }
            TokenKind::Word if matches!(token.text(&reading.text), "__LINE__" | "__FILE__") => {
                self.builtin_macro(reading, token);
                Span::NONE
            }
            TokenKind::Blank if token.text(&reading.text).starts_with('\\') => {
                self.push_blanked(reading, token.lo, token.hi)
            }
            TokenKind::Word
            | TokenKind::Number
            | TokenKind::String
            | TokenKind::Punct
            | TokenKind::Blank
            | TokenKind::Newline => {
                let text = Arc::clone(&reading.text);
                self.push(token.text(&text), file_origin(reading.file, token.lo))
            }
        };
        reading.at += 1;
    }

    /// Appends to the expanded text, unless that is full.
    fn push(&mut self, text: &str, origin: Origin) -> Span {
        let lo = self.sources.expanded().len();
        if lo + text.len() > Sources::MAX_TEXT {
            if !self.is_over {
                self.is_over = true;
                let message = "the program is too long with all that it includes";
                self.error(codes::EXPANSION_LIMIT, Span::NONE, message);
            }
            return Span::NONE;
        }
        self.sources.push(text, origin);
        Span::new(lo as u32, (lo + text.len()) as u32)
    }

    /// Appends blanks, with line ends kept, for these bytes of the file.
    fn push_blanked(&mut self, reading: &Reading, lo: u32, hi: u32) -> Span {
        let bytes = &reading.text.as_bytes()[lo as usize..hi as usize];
        let blanks: String = bytes
            .iter()
            .map(|byte| if *byte == b'\n' { '\n' } else { ' ' })
            .collect();
        self.push(&blanks, file_origin(reading.file, lo))
    }

    fn push_blank(&mut self, file: FileId, at: u32, blank: &str) {
        self.push(blank, file_origin(file, at));
    }

    fn builtin_macro(&mut self, reading: &Reading, token: Token) {
        let Some(source) = self.sources.file(reading.file) else {
            return;
        };
        let value = match token.text(&reading.text) {
            "__LINE__" => source.line_column(token.lo).0.to_string(),
            _ => format!("\"{}\"", source.name().replace('\\', "/")),
        };
        let origin = Origin::Macro {
            file: reading.file,
            use_lo: token.lo,
            use_hi: token.hi,
            definition: None,
        };
        self.push(&value, origin);
    }

    /// Replaces the use of a macro at `token`.
    fn macro_use(&mut self, reading: &mut Reading, token: Token) {
        let name = token.text(&reading.text);
        let definition = self.macros.get(name).and_then(|found| found.definition);
        let first = Word::new(TokenKind::Word, name, false);
        let mut more = FileWords {
            text: &reading.text,
            tokens: &reading.tokens,
            taken: reading.at + 1,
            peeked: reading.at + 1,
        };
        let expanded = self.expander.expand(&self.macros, vec![first], &mut more);
        let taken = more.taken;
        let use_hi = reading.tokens[taken - 1].hi;
        match expanded {
            Ok(words) => {
                // What stands before and after must not become one word with the expansion.
                let text = format!(" {} ", spell(&words));
                let origin = Origin::Macro {
                    file: reading.file,
                    use_lo: token.lo,
                    use_hi,
                    definition,
                };
                self.push(&text, origin);
                reading.at = taken;
            }
            Err(error) => {
                let span = self.push_blanked(reading, token.lo, token.hi);
                reading.at += 1;
                self.macro_error(span, &error);
            }
        }
    }

    fn macro_error(&mut self, span: Span, error: &MacroError) {
        let (code, help) = match error {
            MacroError::OpenArguments { .. } => {
                (codes::BAD_MACRO_USE, "close the arguments with `)`")
            }
            MacroError::ArgumentCount { .. } => (
                codes::BAD_MACRO_USE,
                "give one argument for each parameter of the `#define`",
            ),
            MacroError::TooLong { .. } | MacroError::TooDeep { .. } => {
                self.is_over = true;
                (codes::EXPANSION_LIMIT, "let macros use fewer other macros")
            }
        };
        self.diagnostics
            .push(Diagnostic::error(code, span, error.to_string()).with_help(help));
    }
}

fn file_origin(file: FileId, at: u32) -> Origin {
    Origin::File { file, at }
}
