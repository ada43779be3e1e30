//! Directives: the lines that begin with `#`.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use p4rmt_source::{Diagnostic, FileId, Span};

use crate::preprocess::condition::evaluate;
use crate::preprocess::macros::{Macro, NoMore, Word, spell, words};
use crate::preprocess::token::{Token, TokenKind};
use crate::preprocess::{Conditional, Preprocessor, Reading};
use crate::{Setting, codes};

/// How deep files may include each other.
const MAX_INCLUDE_DEPTH: usize = 64;
/// How many files may be included, counting each time.
const MAX_INCLUDES: usize = 10_000;
/// How deep conditionals may nest.
const MAX_CONDITIONALS: usize = 256;

impl Preprocessor<'_> {
    /// Handles the directive whose `#` is at hand, up to but without the end of its line.
    pub(super) fn directive(&mut self, reading: &mut Reading) {
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
        if is_outer_live {
            self.note_settings(reading.file, &reading.text, args);
        }
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
        if is_next && name == "elif" {
            self.note_settings(reading.file, &reading.text, args);
        }
        let is_live = is_next && (name == "else" || self.condition(&reading.text, args, span));
        last.is_live = is_live;
        last.was_live |= is_live;
    }

    /// Keeps the macros that a conditional asks for.
    fn note_settings(&mut self, file: FileId, text: &str, args: &[Token]) {
        for arg in args.iter().filter(|arg| arg.kind == TokenKind::Word) {
            let Some((name, found)) = self.macros.get_key_value(arg.text(text)) else {
                continue;
            };
            if found.params.is_none() && self.noted.insert((file, Rc::clone(name))) {
                self.settings.push(Setting {
                    name: name.to_string(),
                    value: spell(&found.body).trim().to_owned(),
                    tested_in: file,
                    defined_in: found.definition.map(|(file, _)| file),
                });
            }
        }
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
                let help = "write an expression of integers, macros and `defined(NAME)`";
                self.diagnostics
                    .push(Diagnostic::error(codes::BAD_CONDITION, span, message).with_help(help));
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
