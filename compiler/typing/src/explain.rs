//! What each code means: the text of `p4rmt explain`, a file a block of codes.

use std::sync::OnceLock;

use p4rmt_source::Explanation;

/// A list of pages: code, title, rule, example, way out.
macro_rules! pages {
    ($($code:literal $title:literal $text:literal $example:literal $help:literal;)*) => {
        /// The pages of this block, in order.
        pub(super) const PAGES: &[Explanation] = &[$(Explanation {
            code: $code, title: $title, text: $text, example: $example, help: $help,
        }),*];
    };
}

mod constants;
mod declarations;
mod names;
mod tables;
mod types;
mod warnings;

/// What is said about this code.
#[must_use]
pub fn explanation(code: &str) -> Option<&'static Explanation> {
    explanations()
        .iter()
        .find(|explanation| explanation.code == code)
}

/// All codes of the check in order.
#[must_use]
pub fn explanations() -> &'static [Explanation] {
    static ALL: OnceLock<Vec<Explanation>> = OnceLock::new();
    ALL.get_or_init(|| {
        [
            names::PAGES,
            types::PAGES,
            constants::PAGES,
            declarations::PAGES,
            tables::PAGES,
            warnings::PAGES,
        ]
        .concat()
    })
}
