//! The marked text: the expanded text, byte for byte as long, with each word that names a type marked.
//!
//! P4's grammar asks at two places whether a name is a type: `(T) - x` is a cast or a subtraction,
//! `f<T>(x)` a call or two comparisons. A grammar over characters cannot know; one pass over the
//! words beforehand can. It follows the language's scopes: a type is known from its declaration to
//! the end of the block around it, a type parameter to the end of its declaration. The first byte of
//! every word that names a type becomes [`MARK`], so that all offsets stay what they are.
//!
//! The same pass refuses what the parser must not be given: characters of no word, strings without
//! an end, and nesting so deep that a recursive parser would run out of stack.

use std::collections::HashMap;

use p4rmt_source::{Diagnostic, Diagnostics, Span};

use crate::codes;
use crate::preprocess::token::{Token, TokenKind, tokenize};

/// The first byte of a marked word.
pub(crate) const MARK: u8 = 1;

/// How deep brackets, `<`, `?`, `if` and `for` may nest, all together.
pub(crate) const MAX_NESTING: usize = 160;

/// The expanded text made ready for the parser.
pub(crate) struct Marked {
    /// The text.
    pub(crate) text: String,
    /// Its tokens, without white space.
    pub(crate) tokens: Vec<Token>,
    /// The brackets without a partner, by offset.
    pub(crate) unpaired: Vec<Unpaired>,
}

/// A bracket without a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unpaired {
    pub(crate) at: u32,
    pub(crate) bracket: char,
}

/// Marks the expanded text. With errors there is nothing to parse.
pub(crate) fn mark(expanded: &str) -> (Marked, Diagnostics) {
    let mut bytes = expanded.as_bytes().to_vec();
    let mut tokens = tokenize(expanded);
    // Macros can spell what only looks like a comment.
    for token in &tokens {
        if matches!(token.kind, TokenKind::Comment | TokenKind::OpenComment) {
            bytes[token.lo as usize..token.hi as usize].fill(b' ');
        }
    }
    tokens.retain(|token| !token.kind.is_space());
    let diagnostics = refuse_characters(expanded, &tokens);
    let mut scan = Scan {
        text: expanded,
        tokens: &tokens,
        types: HashMap::new(),
        frames: vec![Frame::new('{', 0)],
        depth: 0,
        pending: None,
        unpaired: Vec::new(),
        diagnostics,
    };
    let mut at = 0;
    while at < tokens.len() {
        if scan.step(at) {
            bytes[tokens[at].lo as usize] = MARK;
        }
        if scan.diagnostics.n_errors() > 0 && scan.depth > MAX_NESTING {
            break;
        }
        at += 1;
    }
    let opened = scan.frames.iter().skip(1).map(|frame| Unpaired {
        at: frame.at,
        bracket: frame.bracket,
    });
    scan.unpaired.extend(opened);
    let unpaired = std::mem::take(&mut scan.unpaired);
    let diagnostics = scan.diagnostics;
    let text = String::from_utf8(bytes).expect("only bytes of ASCII were replaced, by ASCII");
    let marked = Marked {
        text,
        tokens,
        unpaired,
    };
    (marked, diagnostics)
}

/// Complains about characters that begin no word, once for each line.
fn refuse_characters(text: &str, tokens: &[Token]) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let mut is_in_annotation = 0usize;
    let mut last_refused: Option<u32> = None;
    for (at, token) in tokens.iter().enumerate() {
        if token.kind != TokenKind::Punct {
            continue;
        }
        let punct = token.text(text);
        // The bodies of annotations hold any tokens.
        let opens_annotation = punct == "(" && at >= 2 && tokens[at - 2].is(text, "@");
        if opens_annotation || is_in_annotation > 0 {
            match punct {
                "(" => is_in_annotation += 1,
                ")" => is_in_annotation -= 1,
                _ => {}
            }
        }
        let is_known = "()[]{}<>=+-*/%&|^~!?:;,.@".contains(punct)
            || punct == "#" && at > 0 && tokens[at - 1].is(text, "{");
        let is_control = punct.as_bytes() == [MARK];
        if (is_known || is_in_annotation > 0) && punct != "\"" && !is_control {
            continue;
        }
        let is_same_line = last_refused.is_some_and(|last| {
            let between = text.get(last as usize..token.lo as usize);
            between.is_some_and(|between| !between.contains('\n'))
        });
        last_refused = Some(token.lo);
        if is_same_line {
            continue;
        }
        let span = Span::new(token.lo, token.hi);
        diagnostics.push(if punct == "\"" {
            open_string(text, &tokens[..at], span)
        } else {
            let shown = punct.escape_debug();
            let message = format!("`{shown}` begins no word of the language");
            Diagnostic::error(codes::STRAY_CHARACTER, span, message).with_help("remove it")
        });
    }
    diagnostics
}

/// The complaint about a string without an end; what is meant may be an earlier one.
fn open_string(text: &str, before: &[Token], span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error(codes::UNTERMINATED_STRING, span, "this string has no end")
        .with_help("close it with `\"`");
    let runs_on =
        |token: &&Token| token.kind == TokenKind::String && token.text(text).contains('\n');
    match before.iter().find(runs_on) {
        Some(first) => diagnostic.with_note_at(
            Span::new(first.lo, first.lo + 1),
            "this string runs over several lines; perhaps it is the one",
        ),
        None => diagnostic,
    }
}

/// A bracket that is open, or the text as a whole.
struct Frame<'a> {
    bracket: char,
    at: u32,
    /// The types that are declared in it.
    types: Vec<&'a str>,
    /// What nests in it without brackets: `<`, `?`, `if`, `for`.
    n_open: usize,
}

impl Frame<'_> {
    fn new(bracket: char, at: u32) -> Self {
        Self {
            bracket,
            at,
            types: Vec::new(),
            n_open: 0,
        }
    }
}

/// Type parameters whose scope has not begun or ended.
struct Pending<'a> {
    names: Vec<&'a str>,
    /// How many brackets are open around the declaration.
    n_frames: usize,
}

struct Scan<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// How often a name is declared as a type in the scopes that are open.
    types: HashMap<&'a str, usize>,
    frames: Vec<Frame<'a>>,
    depth: usize,
    pending: Option<Pending<'a>>,
    unpaired: Vec<Unpaired>,
    diagnostics: Diagnostics,
}

impl<'a> Scan<'a> {
    fn text_at(&self, at: usize) -> &'a str {
        self.tokens
            .get(at)
            .map_or("", |token| token.text(self.text))
    }

    fn is_word(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| token.kind == TokenKind::Word)
    }

    /// Looks at one token. Returns whether it names a type.
    fn step(&mut self, at: usize) -> bool {
        let token = self.tokens[at];
        let text = token.text(self.text);
        match token.kind {
            TokenKind::Word => {
                let before = at.checked_sub(1).map_or("", |before| self.text_at(before));
                if before != "@" && before != "." {
                    self.declare_at(at, before);
                }
                self.types.contains_key(text)
            }
            TokenKind::Punct => {
                self.punct(token, text);
                false
            }
            TokenKind::Number
            | TokenKind::String
            | TokenKind::Blank
            | TokenKind::Newline
            | TokenKind::Comment
            | TokenKind::OpenComment => false,
        }
    }

    fn punct(&mut self, token: Token, text: &str) {
        match text {
            "(" | "[" | "{" => {
                let bracket = text.chars().next().unwrap_or('(');
                let mut frame = Frame::new(bracket, token.lo);
                if text == "{" {
                    let is_body = |pending: &Pending<'_>| pending.n_frames == self.frames.len();
                    if let Some(pending) = self.pending.take_if(|pending| is_body(pending)) {
                        frame.types = pending.names;
                    }
                }
                self.frames.push(frame);
                self.deepen(token);
            }
            ")" | "]" | "}" => self.close(token, text),
            ";" => {
                self.settle();
                let n_frames = self.frames.len();
                if let Some(pending) = self.pending.take_if(|pending| pending.n_frames == n_frames)
                {
                    self.forget(&pending.names);
                }
            }
            "<" | "?" => self.open_without_bracket(token),
            ">" => {
                if let Some(frame) = self.frames.last_mut()
                    && frame.n_open > 0
                {
                    frame.n_open -= 1;
                    self.depth -= 1;
                }
            }
            _ => {}
        }
    }

    fn open_without_bracket(&mut self, token: Token) {
        if let Some(frame) = self.frames.last_mut() {
            frame.n_open += 1;
            self.deepen(token);
        }
    }

    /// What nests without brackets ends here.
    fn settle(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            self.depth -= std::mem::take(&mut frame.n_open);
        }
    }

    fn deepen(&mut self, token: Token) {
        self.depth += 1;
        if self.depth == MAX_NESTING + 1 {
            let message = format!("this nests deeper than {MAX_NESTING} levels");
            let span = Span::new(token.lo, token.hi);
            self.diagnostics.push(
                Diagnostic::error(codes::TOO_DEEP, span, message).with_help(
                    "name a part of it: a constant, a variable, a function or an action",
                ),
            );
        }
    }

    fn close(&mut self, token: Token, text: &str) {
        let opening = match text {
            ")" => '(',
            "]" => '[',
            _ => '{',
        };
        let partner = self
            .frames
            .iter()
            .rposition(|frame| frame.bracket == opening);
        let Some(partner) = partner.filter(|partner| *partner > 0) else {
            self.unpaired.push(Unpaired {
                at: token.lo,
                bracket: text.chars().next().unwrap_or(')'),
            });
            return;
        };
        while self.frames.len() > partner {
            self.settle();
            let Some(frame) = self.frames.pop() else {
                return;
            };
            self.depth -= 1;
            self.forget(&frame.types);
            if self.frames.len() > partner {
                self.unpaired.push(Unpaired {
                    at: frame.at,
                    bracket: frame.bracket,
                });
            }
        }
        if text == "}" {
            self.settle();
        }
    }

    fn forget(&mut self, names: &[&'a str]) {
        for name in names {
            if let Some(count) = self.types.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    self.types.remove(name);
                }
            }
        }
    }

    fn declare(&mut self, name: &'a str) {
        if is_keyword(name) {
            return;
        }
        *self.types.entry(name).or_default() += 1;
        if let Some(frame) = self.frames.last_mut() {
            frame.types.push(name);
        }
    }

    /// Declares what the declaration at this word declares as types.
    fn declare_at(&mut self, at: usize, before: &str) {
        match self.text_at(at) {
            "header" | "struct" | "header_union" | "parser" | "control" | "package"
                if self.is_word(at + 1) =>
            {
                self.declare(self.text_at(at + 1));
                self.declare_params(at + 2);
            }
            "enum" => {
                if let Some(name) = self.last_word_before(at + 1, &["{", ";"]) {
                    self.declare(name);
                }
            }
            "extern" if self.is_word(at + 1) => {
                let after = match self.text_at(at + 2) {
                    "<" => self.end_of_params(at + 2).unwrap_or(at + 2),
                    _ => at + 2,
                };
                if matches!(self.text_at(after), "{" | ";") {
                    self.declare(self.text_at(at + 1));
                    self.declare_params(at + 2);
                }
            }
            "typedef" => self.declare_typedef(at + 1),
            "type" if matches!(before, "" | ";" | "}" | "{" | ")") && self.is_word(at + 1) => {
                self.declare_typedef(at + 1);
            }
            "if" | "for" => self.open_without_bracket(self.tokens[at]),
            _ if self.text_at(at + 1) == "<" && self.is_result_type(at) => {
                let end = self.end_of_params(at + 1);
                if end.is_some_and(|end| self.text_at(end) == "(") {
                    self.declare_params(at + 1);
                }
            }
            _ => {}
        }
    }

    /// Whether what stands before the word can be the result type of a function of that name.
    fn is_result_type(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else {
            return false;
        };
        match self.text_at(before) {
            "return" | "else" | "in" | "out" | "inout" => false,
            ">" | "]" => true,
            _ => self.is_word(before),
        }
    }

    /// The new name of a typedef whose type begins at `at`.
    fn declare_typedef(&mut self, at: usize) {
        // A struct within the typedef declares itself.
        if let Some(name) = self.last_word_before(at, &[";", "{", "}"]) {
            self.declare(name);
        }
    }

    /// The last word outside brackets before one of these signs.
    fn last_word_before(&self, from: usize, ends: &[&str]) -> Option<&'a str> {
        let mut last = None;
        let mut depth = 0usize;
        // A declaration's head is short; what is longer is broken.
        for at in from..self.tokens.len().min(from + 256) {
            let text = self.text_at(at);
            match text {
                _ if ends.contains(&text) => return last,
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                _ if depth == 0 && self.is_word(at) => last = Some(text),
                _ => {}
            }
        }
        None
    }

    /// One past the `>` of `<A, B>` at `at`, when nothing but names is in it.
    fn end_of_params(&self, at: usize) -> Option<usize> {
        let mut at = at + 1;
        loop {
            if !self.is_word(at) {
                return None;
            }
            match self.text_at(at + 1) {
                ">" => return Some(at + 2),
                "," => at += 2,
                _ => return None,
            }
        }
    }

    /// Declares the type parameters `<A, B>` at `at`, if there are any, for this declaration.
    fn declare_params(&mut self, at: usize) {
        if self.text_at(at) != "<" {
            return;
        }
        let Some(end) = self.end_of_params(at) else {
            return;
        };
        let names: Vec<&str> = (at + 1..end)
            .filter(|at| self.is_word(*at))
            .map(|at| self.text_at(at))
            .filter(|name| !is_keyword(name))
            .collect();
        for name in &names {
            *self.types.entry(name).or_default() += 1;
        }
        if let Some(former) = self.pending.take() {
            self.forget(&former.names);
        }
        self.pending = Some(Pending {
            names,
            n_frames: self.frames.len(),
        });
    }
}

/// Whether a word has a meaning of its own, in places at least.
pub(crate) fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "abstract"
            | "action"
            | "actions"
            | "apply"
            | "bit"
            | "bool"
            | "break"
            | "const"
            | "continue"
            | "control"
            | "default"
            | "else"
            | "entries"
            | "enum"
            | "error"
            | "exit"
            | "extern"
            | "false"
            | "for"
            | "header"
            | "header_union"
            | "if"
            | "in"
            | "inout"
            | "int"
            | "key"
            | "list"
            | "match_kind"
            | "out"
            | "package"
            | "parser"
            | "priority"
            | "return"
            | "select"
            | "state"
            | "string"
            | "struct"
            | "switch"
            | "table"
            | "this"
            | "transition"
            | "true"
            | "tuple"
            | "type"
            | "typedef"
            | "value_set"
            | "varbit"
            | "void"
            | "_"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that are marked, in order.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let (marked, diagnostics) = mark(text);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let found: Vec<&str> = marked
            .tokens
            .iter()
            .filter(|token| marked.text.as_bytes()[token.lo as usize] == MARK)
            .map(|token| token.text(text))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn declared_types_are_marked_from_their_declaration_on() {
        check("x; header x { } x y;", &["x", "x"]);
        check(
            "typedef bit<8> b; type b c; enum bit<8> e { a } e",
            &["b", "b", "c", "e", "e"],
        );
        check("extern E<T> { T get(); } T E", &["E", "T", "T", "E"]);
    }

    #[test]
    fn type_parameters_end_with_their_declaration() {
        check("control c<H>(inout H h); H", &["c", "H", "H"]);
        check("T f<T>(in T x) { T y; } T", &["T", "T", "T"]);
    }

    #[test]
    fn call_with_type_arguments_declares_nothing() {
        check("action a() { x = f<T>(y); f<T>(y); return f<T>(y); }", &[]);
    }

    #[test]
    fn local_types_end_with_their_block() {
        check("extern void f(); control c() { }", &["c"]);
        check("{ typedef bit t; t x; } t", &["t", "t"]);
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &[(u32, &str)]) {
        let (_, diagnostics) = mark(text);
        let found: Vec<(u32, &str)> = diagnostics
            .iter()
            .map(|diagnostic| (diagnostic.span.lo, diagnostic.message.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn characters_of_no_word_are_refused() {
        check_refused(
            "a é é\n$",
            &[
                (2, "`é` begins no word of the language"),
                (8, "`$` begins no word of the language"),
            ],
        );
        check_refused("\u{1}", &[(0, "`\\u{1}` begins no word of the language")]);
        check_refused("@a($#) {#}", &[]);
        check_refused("\"a\n", &[(0, "this string has no end")]);
    }

    #[test]
    fn deep_nesting_is_refused() {
        for opening in ["(", "[", "{", "<", "?", "if (x) ", "a<("] {
            let (_, diagnostics) = mark(&opening.repeat(100_000));
            assert_eq!(diagnostics.n_errors(), 1, "{opening}");
        }
        let (_, diagnostics) = mark(&"if (a < b) { x = y < z ? a : b; }".repeat(1000));
        assert!(!diagnostics.has_errors());
    }
}
