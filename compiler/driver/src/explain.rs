//! Every code that a diagnostic can bear, with its page.

use p4rmt_source::Explanation;

/// All pages, in order of their codes.
#[must_use]
pub fn pages() -> Vec<&'static Explanation> {
    let mut pages: Vec<_> = [
        p4rmt_syntax::explanations(),
        p4rmt_frontend::explanations(),
        p4rmt_midend::explanations(),
        p4rmt_mau::explanations(),
    ]
    .into_iter()
    .flatten()
    .collect();
    pages.sort_by_key(|page| page.code);
    pages
}

/// The page of a code, in any case of letters.
#[must_use]
pub fn page(code: &str) -> Option<&'static Explanation> {
    pages()
        .into_iter()
        .find(|page| page.code.eq_ignore_ascii_case(code))
}

/// Whether a code says that a program may be right, but uses what is not carried.
#[must_use]
pub fn is_unsupported(code: &str) -> bool {
    code.starts_with("E5")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_has_two_pages() {
        let codes: Vec<_> = pages().iter().map(|page| page.code).collect();
        for pair in codes.windows(2) {
            assert!(pair[0] < pair[1], "{} has two pages", pair[0]);
        }
    }
}
