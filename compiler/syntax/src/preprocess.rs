//! The preprocessor: files in, one expanded text out, every byte of which knows where it came from.
//!
//! It handles `#include`, `#define` (of objects and functions, `#` and `##`), `#undef`, `#if` and
//! its kin, `#error`, `#warning`, line continuation and comments; `#line` and `#pragma` are passed
//! over. Comments and directives become blanks of the same length in the expanded text, so that a
//! complaint about them has a span like any other.
//!
//! What is wrong is collected; reading goes on behind it.

mod condition;
mod macros;
pub(crate) mod token;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use p4rmt_source::{Code, Diagnostic, Diagnostics, FileId, Origin, Sources, Span};

use crate::codes;
use crate::load::{Loader, Options};
use condition::evaluate;
use macros::{Expander, Macro, MacroError, Macros, NoMore, Source, Word, spell, words};
use token::{Token, TokenKind, tokenize};

/// How deep files may include each other.
const MAX_INCLUDE_DEPTH: usize = 64;
/// How many files may be included, counting each time.
const MAX_INCLUDES: usize = 10_000;
/// How deep conditionals may nest.
const MAX_CONDITIONALS: usize = 256;

/// Runs the preprocessor over the file `path` and what it includes.
pub(crate) fn preprocess(
    path: &Path,
    options: &Options,
    loader: &dyn Loader,
) -> (Sources, Diagnostics) {
    let mut preprocessor = Preprocessor {
        options,
        loader,
        sources: Sources::new(),
        diagnostics: Diagnostics::new(),
        macros: Macros::new(),
        expander: Expander::default(),
        loaded: HashMap::new(),
        once: HashSet::new(),
        n_includes: 0,
        is_over: false,
    };
    preprocessor.define_options();
    match preprocessor.load(path) {
        Ok(Some(file)) => preprocessor.run_file(file, 0),
        Ok(None) => preprocessor.unreadable(path, "there is no such file"),
        Err(reason) => preprocessor.unreadable(path, &reason),
    }
    (preprocessor.sources, preprocessor.diagnostics)
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
        self.error(codes::UNREADABLE_FILE, Span::NONE, message);
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

    /// Handles the directive whose `#` is at hand, up to but without the end of its line.
    fn directive(&mut self, reading: &mut Reading) {
        let from = reading.at;
        let end = reading.line_end(from);
        reading.at = end;
        let line: Vec<Token> = reading.tokens[from + 1..end]
            .iter()
            .copied()
            .filter(|token| !token.kind.is_space())
            .collect();
        let text = Arc::clone(&reading.text);
        let name = line.first().map_or("", |token| token.text(&text));
        let hi = line.last().map_or(reading.tokens[from].hi, |last| last.hi);
        let span = self.push_blanked(reading, reading.tokens[from].lo, hi);
        let open = reading.tokens[from..end].last().copied();
        if let Some(open) = open.filter(|open| open.kind == TokenKind::OpenComment) {
            self.live_token(reading, open);
            reading.at = end;
        }
        let args = line.get(1..).unwrap_or_default();
        match name {
            "if" | "ifdef" | "ifndef" => self.open_conditional(reading, name, args, span),
            "elif" | "else" | "endif" => self.turn_conditional(reading, name, args, span),
            _ if !reading.is_live() => {}
            "include" => self.include(reading, args, span),
            "define" => self.define(reading, args, &reading.tokens[from..end], span),
            "undef" => match args {
                [name] if name.kind == TokenKind::Word => {
                    self.macros.remove(name.text(&text));
                }
                _ => self.malformed(span, "`#undef` takes one name", "write `#undef NAME`"),
            },
            "error" => {
                let message = self.message_of(&text, args);
                self.error(codes::USER_ERROR, span, format!("#error: {message}"));
            }
            "warning" => {
                let message = format!("#warning: {}", self.message_of(&text, args));
                self.diagnostics
                    .push(Diagnostic::warning(codes::USER_WARNING, span, message));
            }
            "pragma" => {
                if args.first().is_some_and(|arg| arg.text(&text) == "once") {
                    self.once.insert(reading.file);
                }
            }
            "line" | "" | "ident" => {}
            // The line markers of other preprocessors.
            _ if line[0].kind == TokenKind::Number => {}
            _ => self.diagnostics.push(
                Diagnostic::warning(
                    codes::UNKNOWN_DIRECTIVE,
                    span,
                    format!("directive `#{name}` is not known and has no effect"),
                )
                .with_help("the directives are `#include`, `#define`, `#undef`, `#if`, `#ifdef`, `#ifndef`, `#elif`, `#else`, `#endif`, `#error`, `#warning`, `#line` and `#pragma`"),
            ),
        }
    }

    fn message_of(&self, text: &str, args: &[Token]) -> String {
        match args {
            [first, .., last] => text
                .get(first.lo as usize..last.hi as usize)
                .unwrap_or_default(),
            [only] => only.text(text),
            [] => "",
        }
        .to_owned()
    }

    fn malformed(&mut self, span: Span, message: &str, help: &str) {
        self.diagnostics
            .push(Diagnostic::error(codes::MALFORMED_DIRECTIVE, span, message).with_help(help));
    }

    fn open_conditional(&mut self, reading: &mut Reading, name: &str, args: &[Token], span: Span) {
        if reading.conditionals.len() == MAX_CONDITIONALS {
            self.is_over = true;
            let message = format!("conditionals nest deeper than {MAX_CONDITIONALS} levels");
            return self.error(codes::EXPANSION_LIMIT, span, message);
        }
        let is_outer_live = reading.is_live();
        let is_live = is_outer_live
            && match name {
                "if" => self.condition(&reading.text, args, span),
                _ => match args {
                    [macro_name] if macro_name.kind == TokenKind::Word => {
                        let is_defined = self.macros.contains_key(macro_name.text(&reading.text));
                        is_defined == (name == "ifdef")
                    }
                    _ => {
                        let message = format!("`#{name}` takes one name");
                        self.malformed(span, &message, "for an expression write `#if`");
                        false
                    }
                },
            };
        reading.conditionals.push(Conditional {
            is_live,
            was_live: is_live,
            is_outer_live,
            has_else: false,
            span,
        });
    }

    /// `#elif`, `#else`, `#endif`.
    fn turn_conditional(&mut self, reading: &mut Reading, name: &str, args: &[Token], span: Span) {
        let Some(last) = reading.conditionals.last_mut() else {
            let message = format!("`#{name}` without `#if`");
            return self.error(codes::UNBALANCED_CONDITIONAL, span, message);
        };
        if name == "endif" {
            reading.conditionals.pop();
            return;
        }
        if last.has_else {
            let message = format!("`#{name}` after `#else`");
            let diagnostic = Diagnostic::error(codes::UNBALANCED_CONDITIONAL, span, message)
                .with_note_at(last.span, "of this conditional");
            return self.diagnostics.push(diagnostic);
        }
        last.has_else = name == "else";
        let is_next = last.is_outer_live && !last.was_live;
        let is_live = is_next && (name == "else" || self.condition(&reading.text, args, span));
        last.is_live = is_live;
        last.was_live |= is_live;
    }

    /// Whether the expression of an `#if` is other than zero; false for one without a value.
    fn condition(&mut self, text: &str, args: &[Token], span: Span) -> bool {
        let mut answered = Vec::new();
        let mut last_hi = u32::MAX;
        let mut rest = args;
        while let [first, after @ ..] = rest {
            rest = after;
            if first.text(text) != "defined" {
                // `&&` and the like stay together.
                let is_spaced = first.lo != last_hi;
                answered.push(Word::new(first.kind, first.text(text), is_spaced));
                last_hi = first.hi;
                continue;
            }
            let name = match rest {
                [open, name, close, after @ ..] if open.is(text, "(") && close.is(text, ")") => {
                    rest = after;
                    Some(name)
                }
                [name, after @ ..] => {
                    rest = after;
                    Some(name)
                }
                [] => None,
            };
            let Some(name) = name.filter(|name| name.kind == TokenKind::Word) else {
                let message = "`defined` takes the name of a macro";
                self.diagnostics.push(
                    Diagnostic::error(codes::BAD_CONDITION, span, message)
                        .with_help("write `defined(NAME)`"),
                );
                return false;
            };
            let value = if self.macros.contains_key(name.text(text)) {
                "1"
            } else {
                "0"
            };
            answered.push(Word::new(TokenKind::Number, value, true));
        }
        let expanded = match self.expander.expand(&self.macros, answered, &mut NoMore) {
            Ok(expanded) => expanded,
            Err(error) => {
                self.macro_error(span, &error);
                return false;
            }
        };
        match evaluate(&spell(&expanded)) {
            Ok(value) => value != 0,
            Err(error) => {
                let message = format!("this condition has no value: {error}");
                self.error(codes::BAD_CONDITION, span, message);
                false
            }
        }
    }

    fn define(&mut self, reading: &Reading, args: &[Token], line: &[Token], span: Span) {
        let text = &*reading.text;
        let Some(name) = args.first().filter(|name| name.kind == TokenKind::Word) else {
            return self.malformed(span, "`#define` takes a name", "write `#define NAME VALUE`");
        };
        let after_name = line
            .iter()
            .position(|token| token.lo == name.lo)
            .map_or(line.len(), |at| at + 1);
        let mut body = &line[after_name..];
        let mut params = None;
        if body.first().is_some_and(|token| token.is(text, "(")) {
            let Some(close) = body.iter().position(|token| token.is(text, ")")) else {
                return self.malformed(
                    span,
                    "the parameters of this macro have no end",
                    "write `#define NAME(a, b) …`",
                );
            };
            let Some(names) = parameters(&body[1..close], text) else {
                return self.malformed(
                    span,
                    "the parameters of a macro are names with commas between them",
                    "write `#define NAME(a, b) …`",
                );
            };
            params = Some(names);
            body = &body[close + 1..];
        }
        let name_text = name.text(text);
        if name_text == "defined" {
            return self.malformed(span, "`defined` cannot be a macro", "choose another name");
        }
        let definition = Macro {
            params,
            body: words(body, text),
            definition: Some((reading.file, name.lo)),
        };
        let redefined = self
            .macros
            .get(name_text)
            .filter(|former| !former.is_same(&definition));
        if redefined.is_some() {
            let message = format!("macro `{name_text}` is defined again, differently");
            self.diagnostics.push(
                Diagnostic::warning(codes::MACRO_REDEFINED, span, message)
                    .with_help(format!("put `#undef {name_text}` before it")),
            );
        }
        self.macros.insert(name_text.into(), Rc::new(definition));
    }

    fn include(&mut self, reading: &Reading, args: &[Token], span: Span) {
        let Some((name, is_quoted)) = self.include_name(reading, args) else {
            return self.malformed(
                span,
                "`#include` takes the name of a file",
                "write `#include <core.p4>` or `#include \"file.p4\"`",
            );
        };
        let mut folders = Vec::new();
        if is_quoted {
            let including = self
                .sources
                .file(reading.file)
                .map(|file| file.path.clone());
            let folder = including.and_then(|path| path.parent().map(Path::to_owned));
            folders.push(folder.unwrap_or_default());
        }
        folders.extend(self.options.include_dirs.iter().cloned());
        for folder in &folders {
            match self.load(&folder.join(&name)) {
                Ok(Some(file)) => return self.include_file(reading, file, span),
                Ok(None) => {}
                Err(reason) => {
                    let message =
                        format!("cannot read `{}`: {reason}", folder.join(&name).display());
                    return self.error(codes::INCLUDE_NOT_FOUND, span, message);
                }
            }
        }
        let searched: Vec<String> = folders
            .iter()
            .map(|folder| match folder.as_os_str().is_empty() {
                true => "`.`".to_owned(),
                false => format!("`{}`", folder.display()),
            })
            .collect();
        let message = format!("cannot find `{name}`");
        let mut diagnostic = Diagnostic::error(codes::INCLUDE_NOT_FOUND, span, message)
            .with_help("give the folder that it is in with `-I DIR`");
        if !searched.is_empty() {
            diagnostic = diagnostic.with_note(format!("looked in {}", searched.join(", ")));
        }
        self.diagnostics.push(diagnostic);
    }

    /// The name of an include, and whether it is in quotes.
    fn include_name(&mut self, reading: &Reading, args: &[Token]) -> Option<(String, bool)> {
        let (first, last) = (args.first()?, args.last()?);
        let written = reading.text.get(first.lo as usize..last.hi as usize)?;
        if first.kind != TokenKind::Word {
            return file_name(written);
        }
        let expanded = self
            .expander
            .expand(&self.macros, words(args, &reading.text), &mut NoMore)
            .ok()?;
        file_name(&spell(&expanded))
    }

    fn include_file(&mut self, reading: &Reading, file: FileId, span: Span) {
        if self.once.contains(&file) {
            return;
        }
        self.n_includes += 1;
        if reading.depth == MAX_INCLUDE_DEPTH || self.n_includes > MAX_INCLUDES {
            self.is_over = true;
            let message = format!(
                "includes nest deeper than {MAX_INCLUDE_DEPTH} levels, or there are more than {MAX_INCLUDES}"
            );
            self.diagnostics.push(
                Diagnostic::error(codes::EXPANSION_LIMIT, span, message).with_help(
                    "guard a file that includes itself with `#ifndef`, `#define` and `#endif`",
                ),
            );
            return;
        }
        self.run_file(file, reading.depth + 1);
    }
}

fn file_origin(file: FileId, at: u32) -> Origin {
    Origin::File { file, at }
}

/// The name within `"…"` or `<…>`, and whether it is in quotes.
fn file_name(written: &str) -> Option<(String, bool)> {
    let written = written.trim();
    let (name, is_quoted) = if let Some(rest) = written.strip_prefix('"') {
        (rest.strip_suffix('"')?, true)
    } else {
        (written.strip_prefix('<')?.strip_suffix('>')?, false)
    };
    (!name.is_empty() && !name.contains(['"', '\0'])).then(|| (name.to_owned(), is_quoted))
}

/// The names between the parentheses of a `#define`.
fn parameters(tokens: &[Token], text: &str) -> Option<Vec<Rc<str>>> {
    let tokens: Vec<&Token> = tokens
        .iter()
        .filter(|token| !token.kind.is_space())
        .collect();
    let mut names: Vec<Rc<str>> = Vec::new();
    let mut rest = tokens.as_slice();
    loop {
        match rest {
            [] if names.is_empty() => return Some(names),
            [a, b, c] if [a, b, c].iter().all(|dot| dot.is(text, ".")) => {
                names.push("__VA_ARGS__".into());
                return Some(names);
            }
            [name, after @ ..] if name.kind == TokenKind::Word => {
                names.push(name.text(text).into());
                match after {
                    [] => return Some(names),
                    [comma, after @ ..] if comma.is(text, ",") => rest = after,
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}
