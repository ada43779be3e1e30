//! Going on within a declaration: the statement or member with a fault is blanked, and the rest of the
//! declaration parsed again.
//!
//! Only what is certain is blanked, so that no fault is reported that the program has not:
//!
//! * All brackets of the declaration pair up.
//! * The item stands in a block whose items end with `;`, or is one with a block of its own.
//! * The declaration may do without it: a control may not do without its `apply`.

use crate::marks::Marked;
use crate::preprocess::token::Token;

/// What was blanked.
pub(super) struct Blanked {
    /// The position, among the tokens that are left, of the one behind it.
    pub(super) next: usize,
}

/// Blanks the innermost item, between the tokens `from` and `to` of a declaration, that the token at
/// `fault` belongs to. `None` if there is none that can be left out.
pub(super) fn blank_item(
    text: &str,
    marked: &mut Marked,
    (from, to): (usize, usize),
    fault: usize,
) -> Option<Blanked> {
    let (lo, hi) = (marked.tokens.get(from)?.lo, marked.tokens.get(to - 1)?.hi);
    let is_within = |at: u32| (lo..hi).contains(&at);
    if fault >= to || marked.unpaired.iter().any(|open| is_within(open.at)) {
        return None;
    }
    let item = blocks_around(text, &marked.tokens, from, fault)
        .into_iter()
        .rev()
        .find_map(|open| item_in_block(text, &marked.tokens, open, to, fault))?;
    let (first, last) = (
        marked.tokens.get(item.start)?,
        marked.tokens.get(item.end - 1)?,
    );
    if first.is(text, "apply") {
        return None;
    }
    let range = first.lo as usize..last.hi as usize;
    let blanks: String = marked.text[range.clone()]
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect();
    marked.text.replace_range(range, &blanks);
    let next = item.start;
    marked.tokens.drain(item);
    Some(Blanked { next })
}

/// The `{` that are open where the fault is, outermost first. A `}` with a fault is still within.
fn blocks_around(text: &str, tokens: &[Token], from: usize, fault: usize) -> Vec<usize> {
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate().take(fault).skip(from) {
        match token.text(text) {
            "{" => open.push(at),
            "}" => {
                open.pop();
            }
            _ => {}
        }
    }
    open
}

/// The item with the fault in the block that opens at `open`, if its items end with `;`.
fn item_in_block(
    text: &str,
    tokens: &[Token],
    open: usize,
    to: usize,
    fault: usize,
) -> Option<std::ops::Range<usize>> {
    let sign = |at: usize| tokens.get(at).map_or("", |token| token.text(text));
    let mut depth = 0usize;
    let mut start = open + 1;
    let mut has_semicolon = false;
    let mut found = None;
    for at in open + 1..to {
        let mut is_end = false;
        match sign(at) {
            "{" | "(" | "[" => depth += 1,
            "}" if depth == 0 => {
                // An item without an end: what is missing is what ends it.
                if found.is_none() && fault == at && start < at {
                    found = Some(start..at);
                }
                return found.filter(|_| has_semicolon);
            }
            ")" | "]" => depth = depth.checked_sub(1)?,
            "}" => {
                depth -= 1;
                is_end = depth == 0
                    && !matches!(
                        sign(at + 1),
                        "else" | ";" | "," | ")" | "]" | "." | ":" | "="
                    );
            }
            ";" if depth == 0 => {
                has_semicolon = true;
                is_end = sign(at + 1) != "else";
            }
            _ => {}
        }
        if is_end {
            if found.is_none() && (start..=at).contains(&fault) {
                found = Some(start..at + 1);
            }
            start = at + 1;
        }
    }
    None
}
