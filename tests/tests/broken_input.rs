//! Broken input of every kind gets an error with a place; nothing panics, nothing hangs.

use std::collections::HashMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use p4rmt_driver::{Compiled, DiskLoader, Options, compile};
use p4rmt_source::Severity;
use p4rmt_syntax::{LoadError, Loader};
use p4rmt_tests::mutation::{Random, mutate};
use p4rmt_tests::rig::{Form, compile_program, device, root};

/// How long one broken input may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Words that lead a parser of P4 astray.
const P4_WORDS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "<",
    ">",
    ";",
    "header",
    "struct",
    "control",
    "parser",
    "table",
    "apply",
    "state",
    "transition",
    "select",
    "bit<0>",
    "bit<4096>",
    "int<1>",
    "varbit<8>",
    "0x",
    "8w256",
    "/*",
    "*/",
    "\"",
    "@",
    "#include <core.p4>",
    "#if",
    "#endif",
    "#define x x",
    "extern",
    "exit;",
    "return;",
    "&&&",
    "..",
    "++",
    "<<",
    "1 << 100000",
    "/ 0",
    "% 0",
    "[7:0]",
    "[0:7]",
    "default",
    "_",
    "typedef",
    "enum",
    "error",
    "this",
    "in",
    "out",
    "inout",
    "Register<bit<32>, bit<8>>(0)",
];

/// Words that lead a reader of vectors astray.
const STF_WORDS: &[&str] = &[
    "packet",
    "expect",
    "add",
    "0x",
    "0xZZ",
    "-1",
    "99999999999999999999",
    "*",
    "$",
    "no_packet",
    "register_write",
    "check_register",
    "hold mirror",
    "release mirror",
    "drop mirror 3",
    "tick",
    "tick 18446744073709551615",
    "setdefault",
    "remove all",
    "mirroring_add",
    "(",
    ")",
    ":",
    ",",
    "mc_mgrp_create 1",
    "mc_node_create 1 2",
    "port_unit 1 roce",
    "port_unit 700 roce",
    "\"",
    "#",
    "packet 0",
    "packet 600 00",
    "counter_read x 1",
    "meter_set_rates m 0 1:2",
    "wait",
];

/// Files in memory before files on the disk.
struct Overlay(HashMap<PathBuf, String>);

impl Loader for Overlay {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        match self.0.get(path) {
            Some(text) => Ok(Some(text.clone())),
            None => DiskLoader.load(path),
        }
    }
}

/// Runs `work` on many mutations of `original`; a panic or a hang names the seed and keeps the input.
fn survive(what: &str, count: u64, original: &[u8], words: &[&str], work: impl Fn(&[u8])) {
    for seed in 0..count {
        let broken = mutate(&mut Random::new(seed), original, words);
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| work(&broken)));
        let elapsed = start.elapsed();
        if result.is_err() || elapsed > PATIENCE {
            let kept = std::env::temp_dir().join(format!("p4rmt-broken-{what}-{seed}"));
            fs::write(&kept, &broken).unwrap();
            panic!(
                "{what}, seed {seed}: panicked or took {elapsed:?}; kept in {}",
                kept.display()
            );
        }
    }
}

/// Compiles `text` as the file `path`; what is refused must say why and where.
fn compile_broken(path: &Path, program: &Path, text: &[u8]) {
    let Ok(text) = String::from_utf8(text.to_vec()) else {
        return;
    };
    let overlay = Overlay(HashMap::from([(path.to_owned(), text)]));
    let Err(rejected) = compile(program, &Options::default(), &overlay) else {
        return;
    };
    let errors = || {
        rejected
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
    };
    assert!(errors().count() > 0, "what is refused has an error");
    for error in errors() {
        let has_place = rejected.sources.locate(error.span).is_some();
        // Only what is missing as a whole has no place.
        let is_of_the_whole = ["E0101", "E4001"].contains(&error.code.0);
        assert!(
            has_place || is_of_the_whole,
            "{}: {} has no place",
            error.code.0,
            error.message
        );
        assert!(!rejected.sources.render(error, false).is_empty());
    }
}

#[test]
fn p4_text() {
    let path = root().join("p4src/examples/tiny.p4");
    let original = fs::read(&path).unwrap();
    survive("p4", 2_000, &original, P4_WORDS, |broken| {
        compile_broken(&path, &path, broken)
    });
}

#[test]
fn empty_and_blank_programs() {
    let path = root().join("p4src/examples/tiny.p4");
    for text in [
        "", "\n", "//", "/*", "\u{feff}", "\0", "#", "#include", "\\",
    ] {
        compile_broken(&path, &path, text.as_bytes());
    }
}

fn run_broken(compiled: &Compiled, text: &[u8]) {
    let vector = match p4rmt_stf::parse_bytes("broken.stf", text) {
        Ok(vector) => vector,
        Err(errors) => {
            assert!(!errors.is_empty(), "what is refused has an error");
            return assert!(
                errors
                    .iter()
                    .all(|error| error.to_string().contains("broken.stf:"))
            );
        }
    };
    let report = p4rmt_stf::run(&vector, None, || Ok(device(compiled, Form::Tables))).unwrap();
    for failure in &report.failures {
        assert!(
            failure.to_string().contains("broken.stf"),
            "{failure} has a place"
        );
    }
}

#[test]
fn vectors() {
    let compiled = compile_program("p4src/examples/tiny.p4");
    let original = fs::read(root().join("testvectors/tiny/switching.stf")).unwrap();
    survive("stf", 1_500, &original, STF_WORDS, |broken| {
        run_broken(&compiled, broken)
    });
}

#[test]
fn entries_for_what_is_not_there() {
    let compiled = compile_program("p4src/examples/tiny.p4");
    for line in [
        "add nowhere key:1 forward(port:1)",
        "add Ingress.switching hdr.nowhere:1 Ingress.forward(port:1)",
        "add Ingress.switching hdr.ethernet.dst_addr:1 Ingress.nowhere()",
        "add Ingress.switching hdr.ethernet.dst_addr:1 Ingress.forward(nothing:1)",
        "add Ingress.switching hdr.ethernet.dst_addr:1 Ingress.forward()",
        "add Ingress.switching hdr.ethernet.dst_addr:1 Ingress.forward(port:512)",
        "add Ingress.switching hdr.ethernet.dst_addr:0x1000000000000 Ingress.forward(port:1)",
        "register_write nowhere 0 0",
        "register_write Egress.sent 512 0",
        "register_write Egress.sent 0 0x100000000",
        "check_register Egress.sent(512) = 0",
        "check_counter nowhere(0) packets = 0",
        "setdefault Ingress.switching Ingress.nowhere()",
        "packet 512 00",
    ] {
        let vector = p4rmt_stf::parse("entry.stf", line)
            .unwrap_or_else(|errors| panic!("`{line}` is well formed: {}", errors[0]));
        let report = p4rmt_stf::run(&vector, None, || Ok(device(&compiled, Form::Tables))).unwrap();
        let shown = report.render(&[], &|_| None);
        assert!(!report.is_pass(), "`{line}` is refused");
        assert!(shown.contains("entry.stf:1"), "`{line}`: {shown}");
    }
}
