//! The parser: expanded text in, declarations out.
//!
//! 1. [`mark`] marks the words that name types and refuses what cannot be parsed at all.
//! 2. Declarations are parsed one by one. One with a fault is skipped, so that the faults of the
//!    next ones are found too: the next one begins behind the `;` or `}` that ends the faulty one, or
//!    at a word at the beginning of a line that only begins declarations.

mod expected;

use p4rmt_source::{Diagnostic, Diagnostics, Span};
use pest::Parser as _;
use pest::error::{Error, ErrorVariant, InputLocation};

use crate::ast::Program;
use crate::codes;
use crate::grammar::{P4, Rule};
use crate::marks::{Marked, Unpaired, mark};
use crate::preprocess::token::{Token, TokenKind};
use crate::tree::Builder;
use expected::expected;

/// How many declarations with faults are reported before the rest is left unread.
const MAX_FAULTS: usize = 20;

/// Parses the expanded text.
pub(crate) fn parse_text(expanded: &str) -> (Program, Diagnostics) {
    let (marked, diagnostics) = mark(expanded);
    let mut program = Program::default();
    if diagnostics.has_errors() {
        return (program, diagnostics);
    }
    let mut builder = Builder::new(expanded);
    let mut faults = Diagnostics::new();
    let mut at = 0;
    while let Some(token) = marked.tokens.get(at) {
        if marked.text.as_bytes()[token.lo as usize] == b';' {
            at += 1;
            continue;
        }
        let from = token.lo as usize;
        match P4::parse(Rule::declaration, &marked.text[from..]) {
            Ok(mut pairs) => {
                let declaration = pairs.next().expect("a rule that matches is one pair");
                let end = token.lo + declaration.as_span().end() as u32;
                program
                    .declarations
                    .push(builder.build(declaration, token.lo));
                at += marked.tokens[at..].partition_point(|token| token.lo < end);
            }
            Err(error) => {
                let (fault, fault_at) = syntax_error(expanded, &marked, at, &error);
                faults.push(fault);
                if faults.len() == MAX_FAULTS {
                    break;
                }
                at = next_declaration(expanded, &marked.tokens, at, fault_at);
            }
        }
    }
    faults.append(builder.diagnostics);
    (program, faults)
}

/// The complaint about the declaration at token `at`, and the token that it is about.
fn syntax_error(
    text: &str,
    marked: &Marked,
    at: usize,
    error: &Error<Rule>,
) -> (Diagnostic, usize) {
    let tokens = &marked.tokens;
    let base = tokens[at].lo;
    let offset = match error.location {
        InputLocation::Pos(offset) | InputLocation::Span((offset, _)) => base + offset as u32,
    };
    let positives = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
        ErrorVariant::CustomError { .. } => {
            // The stack was nearly used up.
            let span = Span::new(base, tokens[at].hi);
            let diagnostic = Diagnostic::error(
                codes::TOO_DEEP,
                span,
                "this declaration nests deeper than the parser can follow",
            )
            .with_help("split it into several declarations");
            return (diagnostic, at);
        }
    };
    let fault_at = tokens.partition_point(|token| token.hi <= offset);
    let expected = expected(positives);
    let found = tokens.get(fault_at);
    let found_text = match found {
        Some(token) => format!("`{}`", shorten(token.text(text))),
        None => "the end of the text".to_owned(),
    };
    let message = format!("expected {}, found {found_text}", expected.words);
    let before = fault_at
        .checked_sub(1)
        .and_then(|before| tokens.get(before));
    // A sign that is missing is missing behind the word before, not at the next one.
    let span = match (expected.is_missing_sign, before, found) {
        (true, Some(before), _) if is_line_end_between(text, before, found) => {
            Span::new(before.hi - 1, before.hi)
        }
        (_, _, Some(token)) => Span::new(token.lo, token.hi),
        (_, Some(before), None) => Span::new(before.hi - 1, before.hi),
        (_, None, None) => Span::NONE,
    };
    let label = if found.is_some_and(|token| token.lo == span.lo) {
        format!("expected {}", expected.words)
    } else {
        format!("expected {} after this", expected.words)
    };
    let mut diagnostic = Diagnostic::error(codes::UNEXPECTED, span, message).with_label(label);
    let help = expected
        .help
        .or_else(|| found.and_then(|token| help_for(token.text(text))));
    if let Some(help) = help {
        diagnostic = diagnostic.with_help(help);
    }
    let end = found.map_or(u32::MAX, |token| token.hi);
    if let Some(open) = unpaired_within(&marked.unpaired, base, end) {
        let span = Span::new(open.at, open.at + 1);
        diagnostic =
            diagnostic.with_note_at(span, format!("this `{}` has no partner", open.bracket));
    }
    (diagnostic, fault_at)
}

/// What to say about a word that stands where it cannot.
fn help_for(found: &str) -> Option<&'static str> {
    match found {
        _ if found.starts_with('"') && found.contains('\n') => {
            Some("this string runs over several lines; is its end missing?")
        }
        "while" | "do" => {
            Some("the loops of the language are `for (…; …; …)` and `for (T x in …)`")
        }
        "}" => Some("something before the `}` is not complete"),
        "==" => Some("`=` assigns, `==` compares"),
        _ if crate::marks::is_keyword(found) && found != "_" => {
            Some("this word has a meaning of its own; choose another name if it was meant as one")
        }
        _ => None,
    }
}

/// The first bracket without a partner between two places.
fn unpaired_within(unpaired: &[Unpaired], lo: u32, hi: u32) -> Option<Unpaired> {
    let within = unpaired
        .iter()
        .filter(|bracket| (lo..hi).contains(&bracket.at));
    within.min_by_key(|bracket| bracket.at).copied()
}

fn is_line_end_between(text: &str, before: &Token, found: Option<&Token>) -> bool {
    let hi = found.map_or(text.len(), |found| found.lo as usize);
    let between = text.get(before.hi as usize..hi);
    between.is_some_and(|between| between.contains('\n'))
}

/// At most forty characters of a word, on one line.
fn shorten(word: &str) -> String {
    let cut = word.char_indices().enumerate();
    let mut cut = cut.filter(|(nth, (_, c))| *nth == 40 || *c == '\n');
    match cut.next() {
        Some((_, (end, _))) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}

/// The token that begins the declaration after the one at `from`, which has a fault at `fault_at`.
fn next_declaration(text: &str, tokens: &[Token], from: usize, fault_at: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        let is_line_start =
            token.lo == 0 || text.as_bytes().get(token.lo as usize - 1) == Some(&b'\n');
        if at > from && at >= fault_at && is_line_start && begins_declaration(token, text) {
            return at;
        }
        match token.text(text) {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                let is_end = tokens.get(at + 1).is_none_or(|next| next.text(text) != ";");
                if depth == 0 && at >= fault_at && is_end {
                    return at + 1;
                }
            }
            ";" if depth == 0 && at >= fault_at => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Whether a word can only begin a declaration of the top level.
fn begins_declaration(token: &Token, text: &str) -> bool {
    token.kind == TokenKind::Word
        && matches!(
            token.text(text),
            "header"
                | "header_union"
                | "struct"
                | "control"
                | "parser"
                | "extern"
                | "package"
                | "typedef"
                | "match_kind"
        )
}
