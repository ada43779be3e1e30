//! The catalogue of the codes that are not the type checker's, which has one of its own: each has a
//! program that keeps its rule, one that breaks it, and what a person then reads as a golden file. A
//! code of `p4rmt explain` that is in neither catalogue fails the test.
//!
//! To accept changes of messages: `INSTA_UPDATE=always cargo test -p p4rmt-tests --test catalogue`.

mod architecture;
mod frame;
mod placement;
mod tables_form;
mod text;

use std::collections::BTreeSet;
use std::path::Path;

use p4rmt_driver::{Generation, Lowered, Options, check};
use p4rmt_ir::{Id, PipeId};
use p4rmt_mau::{Target, place};
use p4rmt_source::{Diagnostic, Severity, Sources};
use p4rmt_syntax::{LoadError, Loader};

use crate::frame::Frame;

/// Codes without a case, and why.
const WITHOUT_CASE: [(&str, &str); 17] = [
    (
        "E0901",
        "a bug of ours: no program may cause it, and the driver's own tests hold its message",
    ),
    ("E0540", ON_SMALL_MACHINES),
    ("E0541", ON_SMALL_MACHINES),
    ("E0542", ON_SMALL_MACHINES),
    ("E0543", ON_SMALL_MACHINES),
    ("E0544", ON_SMALL_MACHINES),
    ("E0546", ON_SMALL_MACHINES),
    ("E0547", ON_SMALL_MACHINES),
    ("E0550", ON_SMALL_MACHINES),
    ("E0551", ON_SMALL_MACHINES),
    ("E0552", ON_SMALL_MACHINES),
    ("E0553", ON_SMALL_MACHINES),
    ("E0554", ON_SMALL_MACHINES),
    ("E0555", ON_SMALL_MACHINES),
    ("E0556", ON_SMALL_MACHINES),
    ("E0557", ON_SMALL_MACHINES),
    ("E0558", ON_SMALL_MACHINES),
];

/// The limits of real machines take long programs.
const ON_SMALL_MACHINES: &str =
    "takes a long program on a real machine: `tests/tests/containers.rs` has its cases and golden";

/// In place of a program: there is no such file.
const NO_FILE: &str = "(no file)";

/// What is done with the programs of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// They are checked.
    Checked,
    /// They are compiled for the machine that they are for.
    Compiled,
    /// They are placed on this machine.
    Placed(&'static str),
}

/// A rule, and a program on either side of it.
struct Case {
    code: &'static str,
    frame: Frame,
    /// A program that keeps the rule.
    accepted: &'static str,
    /// A program that breaks it.
    refused: &'static str,
    /// The line that is complained about, from the first of the case; 0 for a complaint without a place.
    line: u32,
    goal: Goal,
}

/// A case that checking the programs tells.
const fn case(
    code: &'static str,
    frame: Frame,
    accepted: &'static str,
    refused: &'static str,
    line: u32,
) -> Case {
    Case {
        code,
        frame,
        accepted,
        refused,
        line,
        goal: Goal::Checked,
    }
}

impl Case {
    /// The same, but the programs are to run.
    const fn compiled(mut self) -> Self {
        self.goal = Goal::Compiled;
        self
    }

    /// The same, but the programs are placed on this machine.
    const fn placed(mut self, target: &'static str) -> Self {
        self.goal = Goal::Placed(target);
        self
    }
}

fn cases() -> impl Iterator<Item = &'static Case> {
    let families = [
        text::CASES,
        tables_form::CASES,
        placement::CASES,
        architecture::CASES,
    ];
    families.into_iter().flatten()
}

/// The program under test; what comes with p4rmt is there anyway.
struct Files<'a>(&'a str);

impl Loader for Files<'_> {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        let is_there = path == Path::new("test.p4") && self.0 != NO_FILE;
        Ok(is_there.then(|| self.0.to_owned()))
    }
}

/// A complaint as it reaches a person.
#[derive(Debug)]
struct Complaint {
    code: String,
    severity: Severity,
    /// In the program; 0 without a place.
    line: u32,
    text: String,
}

impl Complaint {
    fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        Self {
            code: diagnostic.code.to_string(),
            severity: diagnostic.severity,
            line: sources
                .locate(diagnostic.span)
                .map_or(0, |place| place.line),
            text: sources.render(diagnostic, false),
        }
    }
}

/// What is said about one of the programs of a case.
fn complaints(case: &Case, part: &str) -> Vec<Complaint> {
    let program = match part {
        NO_FILE => NO_FILE.to_owned(),
        part => format!("{}{part}\n{}", case.frame.before, case.frame.behind),
    };
    let n_before = case.frame.before.lines().count() as u32;
    let generation = match case.goal {
        Goal::Placed("tofino1") => Some(Generation::Tofino1),
        Goal::Placed(_) => Some(Generation::Tofino2),
        Goal::Checked | Goal::Compiled => None,
    };
    let options = Options {
        generation,
        ..Options::default()
    };
    let mut complaints = said(&program, &options, case.goal);
    for complaint in &mut complaints {
        complaint.line = complaint.line.saturating_sub(n_before);
    }
    complaints
}

fn said(program: &str, options: &Options, goal: Goal) -> Vec<Complaint> {
    let all = |diagnostics: &p4rmt_source::Diagnostics, sources: &Sources| {
        let said = diagnostics.iter();
        said.map(|diagnostic| Complaint::new(diagnostic, sources))
            .collect::<Vec<_>>()
    };
    let checked = match check(Path::new("test.p4"), options, &Files(program)) {
        Ok(checked) => checked,
        Err(rejected) => return all(&rejected.diagnostics, &rejected.sources),
    };
    let mut complaints = all(&checked.warnings, &checked.sources);
    match (goal, &checked.lowered) {
        (Goal::Checked, _) => {}
        (Goal::Placed(target), Lowered::Forms(forms)) => {
            complaints.extend(problems(&forms.program, target, &checked.sources));
        }
        (Goal::Compiled | Goal::Placed(_), _) => {
            if let Err(rejected) = checked.compiled() {
                complaints.extend(all(&rejected.diagnostics, &rejected.sources));
            }
        }
    }
    complaints
}

/// Why the first pipe of a program does not fit, in the words of the report.
fn problems(program: &p4rmt_ir::Program, target: &str, sources: &Sources) -> Vec<Complaint> {
    let target = Target::built_in(target).expect("it comes with the compiler");
    let pipe = PipeId::from_index(0);
    let fit = place(program, pipe, &target).expect("a pipe of tables");
    let report = p4rmt_report::report(&fit, program, pipe, &target, sources);
    let text = p4rmt_report::text(&report);
    let paragraphs = text.split("\n\n").filter(|part| part.starts_with("error["));
    let problems = report.problems.iter().zip(paragraphs);
    problems
        .map(|(problem, text)| Complaint {
            code: problem.code.to_owned(),
            severity: Severity::Error,
            line: problem.span.as_ref().map_or(0, |place| place.line),
            text: text.to_owned(),
        })
        .collect()
}

#[test]
fn every_code_is_in_one_catalogue() {
    let pages = p4rmt_driver::explain::pages();
    let all: BTreeSet<&str> = pages.iter().map(|page| page.code).collect();
    // Typing's own catalogue has a case for each of these.
    let typing = p4rmt_typing::explanations().iter().map(|page| page.code);
    let here = cases().map(|case| case.code);
    let without = WITHOUT_CASE.iter().map(|(code, _)| *code);
    let found: BTreeSet<&str> = typing.chain(here).chain(without).collect();
    let in_one_only: Vec<_> = all.symmetric_difference(&found).collect();
    assert!(in_one_only.is_empty(), "{in_one_only:?}");
}

#[test]
fn codes_of_small_machines_have_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let files = std::fs::read_dir(folder).expect("the golden files of containers.rs");
    let names: Vec<String> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    for (code, _) in WITHOUT_CASE
        .iter()
        .filter(|(_, why)| *why == ON_SMALL_MACHINES)
    {
        let start = format!("containers__{code}_");
        assert!(names.iter().any(|name| name.starts_with(&start)), "{code}");
    }
}

#[test]
fn no_code_is_in_both_catalogues_or_twice_in_one() {
    let mut known: BTreeSet<&str> = p4rmt_typing::explanations()
        .iter()
        .map(|page| page.code)
        .collect();
    for case in cases() {
        assert!(known.insert(case.code), "{}", case.code);
    }
}

#[test]
fn programs_that_keep_a_rule_are_accepted() {
    for case in cases() {
        let wrong: Vec<_> = complaints(case, case.accepted)
            .into_iter()
            .filter(|said| said.severity == Severity::Error || said.code == case.code)
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", case.code);
    }
}

#[test]
fn programs_that_break_a_rule_are_told_so_at_the_place() {
    let mut missing = Vec::new();
    for case in cases() {
        let said = complaints(case, case.refused);
        let wanted = if case.code.starts_with('W') {
            Severity::Warning
        } else {
            Severity::Error
        };
        let mut matching = said.iter().filter(|said| said.code == case.code);
        match (matching.next(), matching.next()) {
            (Some(found), None) if (found.severity, found.line) == (wanted, case.line) => {
                insta::assert_snapshot!(case.code, found.text);
            }
            _ => missing.push((case.code, case.line, said)),
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
