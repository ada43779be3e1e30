//! The catalogue of codes: each has a page, a program that keeps its rule, one that breaks it, and the
//! rendered message as a golden file. A code that lacks one of these fails the test.
//!
//! To accept changes of messages: `INSTA_UPDATE=always cargo test -p p4rmt-typing --test catalogue`.

mod declarations;
mod flow;
mod names;
mod tables;
mod types;
mod warnings;

use std::collections::BTreeSet;
use std::path::Path;

use p4rmt_source::Severity;
use p4rmt_syntax::{LoadError, Loader, Options, Parsed};
use p4rmt_typing::Origin;

/// A rule, and a program on either side of it.
struct Case {
    /// The code.
    code: &'static str,
    /// A program that keeps the rule.
    accepted: &'static str,
    /// A program that breaks it.
    refused: &'static str,
    /// The line that is complained about.
    line: u32,
}

/// A case: code, what keeps the rule, what breaks it, and in which line.
const fn case(
    code: &'static str,
    accepted: &'static str,
    refused: &'static str,
    line: u32,
) -> Case {
    Case {
        code,
        accepted,
        refused,
        line,
    }
}

fn cases() -> impl Iterator<Item = &'static Case> {
    [
        names::CASES,
        types::CASES,
        declarations::CASES,
        tables::CASES,
        warnings::CASES,
    ]
    .into_iter()
    .flatten()
}

/// The program under test and the core library.
struct Files<'a>(&'a str);

impl Loader for Files<'_> {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        let text = match path.to_str() {
            Some("test.p4") => self.0,
            Some("/std/core.p4") => include_str!("../../../../p4src/core.p4"),
            _ => return Ok(None),
        };
        Ok(Some(text.to_owned()))
    }
}

#[track_caller]
fn parse(text: &str) -> Parsed {
    let options = Options {
        include_dirs: vec!["/std".into()],
        defines: Vec::new(),
    };
    match p4rmt_syntax::parse(Path::new("test.p4"), &options, &Files(text)) {
        Ok(parsed) => parsed,
        Err(rejected) => panic!("{:?}\n{text}", rejected.diagnostics),
    }
}

/// What is said about a program: code, severity, line, and the rendered message of each.
fn said(text: &str) -> Vec<(String, Severity, u32, String)> {
    let parsed = parse(text);
    let origin = |span| match parsed.sources.locate(span) {
        Some(place) if place.file == Path::new("test.p4") => Origin::Program,
        Some(_) | None => Origin::System,
    };
    let (_, diagnostics) = p4rmt_typing::check_and_warn(&parsed.program, &origin);
    let said = diagnostics.iter().map(|diagnostic| {
        let place = parsed.sources.locate(diagnostic.span);
        (
            diagnostic.code.to_string(),
            diagnostic.severity,
            place.map_or(0, |place| place.line),
            parsed.sources.render(diagnostic, false),
        )
    });
    said.collect()
}

/// The codes that the sources can say.
fn codes() -> BTreeSet<&'static str> {
    let sources = [
        include_str!("../../src/error.rs"),
        include_str!("../../src/rules/violation.rs"),
        include_str!("../../src/warnings/warning.rs"),
    ];
    let words = sources.into_iter().flat_map(|source| source.split('"'));
    let is_code = |word: &&str| {
        word.len() == 5
            && word.starts_with(['E', 'W'])
            && word[1..].bytes().all(|byte| byte.is_ascii_digit())
    };
    words.filter(is_code).collect()
}

#[test]
fn every_code_has_a_page_and_a_case() {
    let pages: BTreeSet<&str> = p4rmt_typing::explanations()
        .iter()
        .map(|page| page.code)
        .collect();
    let with_case: BTreeSet<&str> = cases().map(|case| case.code).collect();
    assert_eq!(codes(), pages, "codes and pages");
    assert_eq!(codes(), with_case, "codes and cases");
}

#[test]
fn no_code_has_two_pages() {
    let pages = p4rmt_typing::explanations();
    let distinct: BTreeSet<&str> = pages.iter().map(|page| page.code).collect();
    assert_eq!(distinct.len(), pages.len());
}

#[test]
fn programs_that_keep_a_rule_are_accepted() {
    for case in cases() {
        let wrong: Vec<_> = said(case.accepted)
            .into_iter()
            .filter(|(code, severity, ..)| *severity == Severity::Error || code == case.code)
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", case.code);
    }
}

#[test]
fn programs_that_break_a_rule_are_told_so_at_the_place() {
    let mut missing = Vec::new();
    for case in cases() {
        let said = said(case.refused);
        let wanted = if case.code.starts_with('W') {
            Severity::Warning
        } else {
            Severity::Error
        };
        let found = said.iter().find(|(code, severity, line, _)| {
            code == case.code && *severity == wanted && *line == case.line
        });
        match found {
            Some((.., message)) => insta::assert_snapshot!(case.code, message),
            None => missing.push((case.code, case.line, said)),
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn warning_is_turned_off_on_a_declaration_by_code_or_name() {
    let text = |annotation: &str| {
        format!(
            "control c() {{ {annotation} action a() {{ bit<8> x = 1; }} apply {{ a(); }} }}\n\
             control p(); package top(p _p); top(c()) main;"
        )
    };
    let codes = |text: &str| -> Vec<String> { said(text).into_iter().map(|said| said.0).collect() };
    assert_eq!(codes(&text("")), ["W1001"]);
    assert_eq!(codes(&text("@noWarn(\"unused\")")), Vec::<String>::new());
    assert_eq!(codes(&text("@noWarn(\"W1001\")")), Vec::<String>::new());
    assert_eq!(codes(&text("@noWarn(\"shadow\")")), ["W1001"]);
}
