//! The pages of `p4rmt explain`: each example gets the code that it is the example of.

use p4rmt_syntax::explanations;

use crate::common::parse_text;

/// Pages whose example is no whole text.
const NO_TEXT: &[&str] = &["E0101", "E0151"];

#[test]
fn examples_get_their_codes() {
    for page in explanations() {
        if NO_TEXT.contains(&page.code) {
            continue;
        }
        let diagnostics = match parse_text(page.example) {
            Ok(parsed) => parsed.warnings,
            Err(rejected) => rejected.diagnostics,
        };
        let first = diagnostics.iter().next().map(|first| first.code.0);
        assert_eq!(first, Some(page.code), "{}", page.example);
    }
}

#[test]
fn pages_are_in_order_and_one_a_code() {
    let codes: Vec<&str> = explanations().iter().map(|page| page.code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
}
