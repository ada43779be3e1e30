//! Every code that a diagnostic can bear, with its page.

use p4rmt_source::{Explanation, nearest};

/// The pages of the driver's own codes.
const OWN: &[Explanation] = &[
    Explanation {
        code: crate::INTERNAL_ERROR.0,
        title: "a bug in p4rmt",
        text: "A step of the compiler made something that the next step may not be given. The program \
           may be right; what was made is left out, because it could not be trusted.",
        example: "",
        help: "report it, with the program and the message; meanwhile, the place that is named shows \
           what to write differently",
    },
    Explanation {
        code: crate::FIRST_GENERATION.0,
        title: "compiled for Tofino 1",
        text: "The program asks for which generation it is compiled, is right for Tofino 1, and wrong \
               for Tofino 2, which is what programs are compiled for where nobody says otherwise. So it \
               is compiled for Tofino 1.",
        example: "#if __TARGET_TOFINO__ == 2 … #include <t2na.p4> … and then `bit<3> mirror_type`",
        help: "say which one is meant, as in `-D __TARGET_TOFINO__=1`",
    },
];

/// All pages, in order of their codes.
#[must_use]
pub fn pages() -> Vec<&'static Explanation> {
    let mut pages: Vec<_> = [
        OWN,
        p4rmt_syntax::explanations(),
        p4rmt_typing::explanations(),
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

/// The known code that one which is not known was probably meant to be.
#[must_use]
pub fn near(code: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    nearest(&code.to_ascii_uppercase(), known)
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
    fn pages_are_whole_and_one_a_code() {
        let pages = pages();
        for pair in pages.windows(2) {
            assert_ne!(pair[0].code, pair[1].code, "two steps have one code");
        }
        for page in pages {
            let is_code = page.code.len() == 5 && page.code.starts_with(['E', 'W']);
            assert!(is_code, "{}", page.code);
            for text in [page.title, page.text, page.help] {
                assert!(!text.is_empty(), "{} has a gap", page.code);
            }
        }
    }

    #[test]
    fn misspelled_code_has_a_near_one() {
        let codes = || pages().into_iter().map(|page| page.code);
        assert_eq!(near("e1o01", codes()), Some("E1001"));
        assert_eq!(near("what", codes()), None);
    }
}
