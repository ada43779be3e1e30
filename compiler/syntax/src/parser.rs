//! The parser: expanded text in, declarations out.
//!
//! 1. [`mark`] marks the words that name types and refuses what cannot be parsed at all.
//! 2. Declarations are parsed one by one. The statement or member with a fault is left out and the
//!    rest of its declaration parsed again ([`recover`]), so that further faults are found.
//! 3. Where that cannot be done the declaration is skipped: the next one begins behind the `;` or `}`
//!    that ends the faulty one, or at a word at the beginning of a line that only begins declarations.

mod expected;
mod recover;

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

/// How many faults are reported before the rest is left unread.
const MAX_FAULTS: usize = 20;

/// Parses the expanded text.
pub(crate) fn parse_text(expanded: &str) -> (Program, Diagnostics) {
    let (mut marked, diagnostics) = mark(expanded);
    let mut program = Program::default();
    if diagnostics.has_errors() {
        return (program, diagnostics);
    }
    let mut builder = Builder::new(expanded);
    let mut faults = Diagnostics::new();
    let mut at = 0;
    // The token behind what was left out of the declaration at hand.
    let mut behind_gap = None;
    while let Some(token) = marked.tokens.get(at).copied() {
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
                behind_gap = None;
            }
            Err(error) => {
                let (fault, fault_at) = syntax_error(expanded, &marked, at, &error);
                let next = next_declaration(expanded, &marked.tokens, at, fault_at);
                // A fault right behind a gap, or before it, may come of the gap.
                if behind_gap.is_some_and(|behind_gap| fault_at <= behind_gap) {
                    (at, behind_gap) = (next, None);
                    continue;
                }
                faults.push(fault);
                if faults.len() == MAX_FAULTS {
                    break;
                }
                match recover::blank_item(expanded, &mut marked, (at, next), fault_at) {
                    Some(blanked) => behind_gap = Some(blanked.next),
                    None => (at, behind_gap) = (next, None),
                }
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
    let found = tokens.get(fault_at);
    let found_word = found.map_or("", |token| whole_sign(text, token));
    let is_bracket = |token: &Token| matches!(token.text(text), "(" | "[" | "{");
    let is_top_level = !tokens[at..fault_at.max(at)].iter().any(is_bracket);
    let expected = expected(positives, found_word, is_top_level);
    let found_text = match found {
        Some(_) => format!("`{}`", shorten(found_word)),
        None => "the end of the text".to_owned(),
    };
    let message = format!("expected {}, found {found_text}", expected.words);
    let before = fault_at
        .checked_sub(1)
        .and_then(|before| tokens.get(before));
    // A sign that is missing is missing behind the word before, not at the next one.
    let span = match (expected.is_missing_sign, before, found) {
        (true, Some(before), _)
            if expected.words == "`;`" || is_line_end_between(text, before, found) =>
        {
            Span::new(before.hi - 1, before.hi)
        }
        (_, _, Some(token)) => Span::new(token.lo, token.lo + found_word.len() as u32),
        (_, Some(before), None) => Span::new(before.hi - 1, before.hi),
        (_, None, None) => Span::NONE,
    };
    let label = if found.is_some_and(|token| token.lo == span.lo) {
        format!("expected {}", expected.words)
    } else {
        format!("expected {} after this", expected.words)
    };
    let mut diagnostic = Diagnostic::error(codes::UNEXPECTED, span, message).with_label(label);
    let help = match tokens[at].text(text) {
        "header_type" | "field_list" | "field_list_calculation" | "calculated_field" => {
            Some("this looks like P4-14; write it in P4-16")
        }
        _ => expected.help,
    };
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

/// A word, or all of a sign of two characters.
fn whole_sign<'a>(text: &'a str, token: &Token) -> &'a str {
    let two = text.get(token.lo as usize..token.lo as usize + 2);
    two.filter(|two| {
        matches!(
            *two,
            "==" | "!=" | "<=" | ">=" | "<<" | ">>" | "&&" | "||" | "++" | ".."
        )
    })
    .unwrap_or_else(|| token.text(text))
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
    let mut open: Vec<&str> = Vec::new();
    for (at, token) in tokens.iter().enumerate().skip(from) {
        let is_line_start =
            token.lo == 0 || text.as_bytes().get(token.lo as usize - 1) == Some(&b'\n');
        if at > from && at >= fault_at && is_line_start && begins_declaration(token, text) {
            return at;
        }
        match token.text(text) {
            bracket @ ("{" | "(" | "[") => open.push(bracket),
            ")" if open.last() == Some(&"(") => _ = open.pop(),
            "]" if open.last() == Some(&"[") => _ = open.pop(),
            "}" => {
                // What was opened within the braces and not closed ends with them.
                let partner = open.iter().rposition(|bracket| *bracket == "{");
                open.truncate(partner.unwrap_or(0));
                if open.is_empty() && at >= fault_at {
                    return behind_brace(text, tokens, at);
                }
            }
            ";" if open.is_empty() && at >= fault_at => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// The token behind a closing brace, and behind the `;` or `name;` that follows it.
fn behind_brace(text: &str, tokens: &[Token], brace: usize) -> usize {
    let is_semicolon = |at: usize| tokens.get(at).is_some_and(|token| token.is(text, ";"));
    if is_semicolon(brace + 1) {
        brace + 2
    } else if is_semicolon(brace + 2) {
        brace + 3
    } else {
        brace + 1
    }
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
