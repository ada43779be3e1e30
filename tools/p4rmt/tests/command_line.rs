//! The contracts of the command line: exit status, messages with a place, names in JSON, and that
//! nothing half done is left behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const TINY: &str = "p4src/examples/tiny.p4";
const SWITCHING: &str = "testvectors/tiny/switching.stf";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the command in the root of the repository.
fn p4rmt(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_p4rmt"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("the command was built")
}

/// Checks the exit status, and that both streams together contain each of `parts`.
#[track_caller]
fn check(arguments: &[&str], status: i32, parts: &[&str]) -> String {
    let output = p4rmt(arguments);
    let stdout = String::from_utf8(output.stdout).expect("text");
    let all = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{arguments:?}:\n{all}");
    for part in parts {
        assert!(all.contains(part), "{arguments:?}: no `{part}` in:\n{all}");
    }
    stdout
}

#[track_caller]
fn check_json(arguments: &[&str], status: i32) -> Value {
    let stdout = check(arguments, status, &[]);
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}:\n{stdout}"))
}

/// A folder with one file in it.
fn folder_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    let path = path.to_str().expect("text").to_owned();
    (folder, path)
}

/// A program with a mistake in line 57.
fn broken_program() -> (tempfile::TempDir, String) {
    let text = fs::read_to_string(root().join(TINY)).expect("text");
    let broken = text.replace(
        "hdr.ethernet.dst_addr : exact",
        "hdr.ethernet.dst_adr : exact",
    );
    folder_with("broken.p4", broken.as_bytes())
}

/// A capture of one packet to the first known address of the vector.
fn capture() -> Vec<u8> {
    let mut packet = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    packet.resize(60, 0x55);
    let mut bytes = Vec::new();
    bytes.extend(0xa1b2_c3d4_u32.to_le_bytes());
    bytes.extend([2, 0, 4, 0]);
    bytes.extend([0_u32, 0, 65_535, 1].map(u32::to_le_bytes).concat());
    bytes.extend([1_000_u32, 0, 60, 60].map(u32::to_le_bytes).concat());
    bytes.extend(packet);
    bytes
}

#[test]
fn check_accepts_a_program() {
    check(
        &["check", TINY],
        0,
        &["tiny (t2na, pipe `pipe`)", "accepted"],
    );
}

#[test]
fn check_refuses_a_program_at_its_line() {
    let (_folder, path) = broken_program();
    check(
        &["check", &path],
        1,
        &["error[E1003]", "broken.p4:57:30", "help:"],
    );
    let report = check_json(&["check", &path, "--format", "json"], 1);
    let row = &report["programs"][0];
    assert_eq!(row["result"], "refused");
    assert_eq!(row["code"], "E1003");
}

#[test]
fn check_of_what_is_not_there_or_no_text() {
    check(&["check", "nowhere.p4"], 1, &["cannot read `nowhere.p4`"]);
    let (_folder, path) = folder_with("bytes.p4", &[0xff, 0xfe, 0x00]);
    check(&["check", &path], 1, &["error"]);
    // Text that declares nothing is no program: most often a file that was cut.
    let (_folder, path) = folder_with("empty.p4", b"");
    check(&["check", &path], 1, &["error[E4001]"]);
    check(&["fit", &path], 1, &["error[E4001]"]);
}

#[test]
fn check_of_a_corpus_has_a_row_a_program() {
    let (folder, _path) = broken_program();
    fs::copy(root().join(TINY), folder.path().join("good.p4")).expect("a copy");
    let corpus = folder.path().to_str().expect("text");
    let report = check_json(&["check", "--corpus", corpus, "--format", "json"], 0);
    let rows = report["programs"].as_array().expect("an array");
    let results: Vec<_> = rows
        .iter()
        .map(|row| (&row["name"], &row["result"]))
        .collect();
    assert_eq!(results.len(), 2);
    assert_eq!(
        (results[0].0, results[0].1),
        (&"broken.p4".into(), &"refused".into())
    );
    assert_eq!(
        (results[1].0, results[1].1),
        (&"good.p4".into(), &"accepted".into())
    );
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in ["check", "fit", "test", "replay", "emit", "explain"] {
        check(
            &[command, "--help"],
            0,
            &[&format!("Example: p4rmt {command} ")],
        );
    }
}

#[test]
fn wrong_usage_is_2() {
    check(&[], 2, &["Usage"]);
    check(&["chekc"], 2, &[]);
    check(&["test", TINY], 2, &["VECTOR.stf"]);
    check(
        &["test", TINY, SWITCHING, "--engine", "gpu"],
        2,
        &["possible values: interp, jit"],
    );
    check(
        &[
            "test", TINY, SWITCHING, "--engine", "rust", "--target", "tofino2",
        ],
        2,
        &["emitted Rust runs without stages"],
    );
    check(
        &["fit", TINY, "--target", "tofino9"],
        2,
        &["there is no target `tofino9`"],
    );
    check(
        &["fit", TINY, "--pipe", "nowhere"],
        2,
        &["no pipe `nowhere`", "`pipe`"],
    );
    check(&["explain", "E9999"], 2, &["there is no code `E9999`"]);
    check(&["explain", "E1O03"], 2, &["did you mean `E1003`?"]);
    check(
        &["check", TINY, "--deny", "E1003"],
        2,
        &["`E1003` is an error"],
    );
    check(
        &["check", TINY, "--allow", "W0193"],
        2,
        &["no warning `W0193`: did you mean `W0103`?"],
    );
    check(&["emit", TINY, "--to", "c"], 2, &["possible values"]);
    check(
        &["emit", TINY, "--to", "rust"],
        2,
        &["give a folder with `-o DIR`"],
    );
    check(
        &["emit", TINY, "--to", "dot", "--form", "tables"],
        2,
        &["`--form` goes with `--to ir`"],
    );
    check(
        &["replay", TINY, "--in", "x=a.pcap"],
        2,
        &["`x` is no port number"],
    );
}

#[test]
fn explain_has_a_page_with_a_way_out() {
    check(
        &["explain", "e1003"],
        0,
        &["E1003: unknown member", "What to do"],
    );
}

#[test]
fn explain_without_a_code_lists_all() {
    let list = check(&["explain"], 0, &["E0101  ", "W0102  ", "E5001  "]);
    let mut codes: Vec<_> = list.lines().map(|line| &line[..5]).collect();
    let in_order = codes.clone();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, in_order, "in order, each once");
}

/// Every `E1234` and `W1234` in quotes in the sources of the workspace.
fn codes_in(folder: &Path, found: &mut std::collections::BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "target" && name != "tests" {
            codes_in(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).expect("text");
            // What tests of a module invent is no code.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for quoted in text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
            {
                for word in quoted.split('"') {
                    let digits = word.strip_prefix(['E', 'W']).unwrap_or_default();
                    if digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit()) {
                        found.entry(word.to_owned()).or_insert_with(|| path.clone());
                    }
                }
            }
        }
    }
}

#[test]
fn every_code_has_a_page() {
    let mut codes = std::collections::BTreeMap::new();
    for folder in ["compiler", "runtime", "tools"] {
        codes_in(&root().join(folder), &mut codes);
    }
    assert!(codes.len() > 80, "the search finds codes: {codes:?}");
    for (code, path) in codes {
        assert!(
            p4rmt_driver::explain::page(&code).is_some(),
            "{code} in {} has no page",
            path.display()
        );
    }
}

#[test]
fn check_accepts_what_no_machine_is_for() {
    let text = "#include <ebpf_model.p4>\n\
        header h { bit<8> x; }\n\
        struct headers { h first; }\n\
        parser p(packet_in packet, out headers hdr) {\n\
            state start { packet.extract(hdr.first); transition accept; }\n\
        }\n\
        control c(inout headers hdr, out bool pass) { apply { pass = hdr.first.x == 1; } }\n\
        ebpfFilter(p(), c()) main;\n";
    let (_folder, path) = folder_with("filter.p4", text.as_bytes());
    let note = "checked; there is no machine for package `ebpfFilter`";
    check(&["check", &path], 0, &[note]);
    let report = check_json(&["check", &path, "--format", "json"], 0);
    let row = &report["programs"][0];
    assert_eq!(
        (&row["result"], &row["code"], &row["reason"]),
        (&"accepted".into(), &"".into(), &note.into())
    );
    check(
        &["emit", &path, "--to", "p4"],
        0,
        &["#include <ebpf_model.p4>"],
    );
    check(&["emit", &path, "--to", "ir"], 1, &["as P4 only"]);
    // What is wrong is wrong, machine or no machine.
    let wrong = text.replace("hdr.first.x == 1", "hdr.first.y == 1");
    let (_folder, path) = folder_with("filter.p4", wrong.as_bytes());
    check(&["check", &path], 1, &["error[E1003]", "filter.p4:7"]);
    // Nothing runs it either.
    let (_folder, path) = folder_with("filter.p4", text.as_bytes());
    check(&["fit", &path], 1, &["error[E4002]", "ebpfFilter"]);
}

#[test]
fn warnings_are_allowed_and_denied_by_code() {
    let text = fs::read_to_string(root().join(TINY)).expect("text");
    let (_folder, path) = folder_with("warned.p4", format!("#warning careful\n{text}").as_bytes());
    let warned = "warning[W0101]";
    check(&["check", &path], 0, &[warned, "accepted"]);
    let report = check_json(&["check", &path, "--format", "json"], 0);
    let warning = &report["programs"][0]["warnings"][0];
    assert_eq!(warning["code"], "W0101");
    assert!(
        warning["reason"]
            .as_str()
            .expect("text")
            .contains("warned.p4:1:1")
    );
    for allowed in ["W0101", "W0102,w0101", "warnings"] {
        let output = p4rmt(&["check", &path, "--allow", allowed]);
        assert!(output.status.success());
        assert!(output.stderr.is_empty(), "--allow {allowed} says nothing");
    }
    for denied in ["W0101", "warnings"] {
        check(
            &["check", &path, "--deny", denied],
            1,
            &["error[W0101]", &format!("`--deny {denied}`")],
        );
    }
    check(
        &["check", &path, "--deny", "warnings", "--allow", "W0101"],
        0,
        &["accepted"],
    );
}

#[test]
fn architecture_of_the_command_line_is_held_against_the_program() {
    check(&["check", TINY, "--arch", "t2na"], 0, &[]);
    check(&["check", TINY, "--arch", "v1model"], 1, &["for a Tofino"]);
    check(&["check", TINY, "--std", "p4-16"], 0, &[]);
    check(
        &["check", TINY, "--std", "p4-14"],
        2,
        &["possible values: p4-16"],
    );
}

/// The programs of the repository that stand by themselves.
fn own_programs() -> Vec<String> {
    let mut programs = vec!["laminar.p4".to_owned()];
    for folder in ["p4src/examples", "testvectors"] {
        let mut folders = vec![root().join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "p4")
                    // A part is read by those that include it.
                    && fs::read_to_string(&path).expect("text").contains(" main;")
                {
                    programs.push(path.to_str().expect("text").to_owned());
                }
            }
        }
    }
    programs.sort();
    programs
}

#[test]
fn emitted_p4_means_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let programs = own_programs();
    assert!(programs.len() > 1, "{programs:?}");
    let mut n_lowered = 0;
    for program in programs {
        // The name of a program is that of its file.
        let copy = folder
            .path()
            .join(Path::new(&program).file_name().expect("a name"));
        let copy = copy.to_str().expect("text");
        check(&["emit", &program, "--to", "p4", "-o", copy], 0, &[]);
        check(&["check", copy], 0, &["accepted"]);
        let ir = p4rmt(&["emit", &program, "--to", "ir"]);
        if !ir.status.success() {
            continue;
        }
        n_lowered += 1;
        let again = check(&["emit", copy, "--to", "ir"], 0, &[]);
        assert!(
            again.as_bytes() == ir.stdout,
            "{program} means something else when emitted"
        );
    }
    assert!(n_lowered > 1);
}

#[test]
fn emitted_ir_has_the_form_that_is_asked_for() {
    let both = check(
        &["emit", TINY, "--to", "ir"],
        0,
        &["// structured form", "// tables form"],
    );
    let structured = check(
        &["emit", TINY, "--to", "ir", "--form", "structured"],
        0,
        &[],
    );
    let tables = check(&["emit", TINY, "--to", "ir", "--form", "tables"], 0, &[]);
    assert_ne!(structured, tables);
    assert!(both.contains(structured.trim_end()));
    assert!(both.contains(tables.trim_end()));
}

#[test]
fn emit_writes_a_whole_file_or_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.dot");
    let output = path.to_str().expect("text");
    let printed = check(&["emit", TINY, "--to", "dot"], 0, &["digraph \"tiny\""]);
    let said = check(&["emit", TINY, "--to", "dot", "-o", output], 0, &[]);
    assert!(said.is_empty());
    assert_eq!(fs::read_to_string(&path).expect("the graph"), printed);
    let (_broken_folder, broken) = broken_program();
    check(
        &["emit", &broken, "--to", "dot", "-o", output],
        1,
        &["E1003"],
    );
    assert_eq!(fs::read_to_string(&path).expect("the graph"), printed);
    let nowhere = "nowhere/at/all/tiny.dot";
    check(
        &["emit", TINY, "--to", "dot", "-o", nowhere],
        1,
        &["cannot write `nowhere/at/all/tiny.dot`"],
    );
}

#[cfg(unix)]
#[test]
fn program_of_a_corpus_may_not_eat_the_machine() {
    let (folder, _path) = broken_program();
    let corpus = folder.path().to_str().expect("text");
    // With so little memory, not even the process can begin its work.
    let report = check_json(
        &[
            "check",
            "--corpus",
            corpus,
            "--memory-limit",
            "1",
            "--jobs",
            "1",
            "--format",
            "json",
        ],
        0,
    );
    let row = &report["programs"][0];
    assert_eq!(row["name"], "broken.p4");
    assert_eq!(row["result"], "panic");
    let reason = row["reason"].as_str().expect("text");
    assert!(!reason.is_empty());
}

#[test]
fn corpus_of_vectors_has_a_row_a_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = folder.path().to_str().expect("text");
    fs::copy(root().join(TINY), folder.path().join("good.p4")).expect("a copy");
    fs::copy(root().join(SWITCHING), folder.path().join("good.stf")).expect("a copy");
    fs::write(folder.path().join("wrong.p4"), "header h { bit<8> x }").expect("a program");
    fs::write(folder.path().join("wrong.stf"), "packet 0 00").expect("a vector");
    fs::write(folder.path().join("no_machine.p4"), "#include <core.p4>").expect("a program");
    fs::write(folder.path().join("no_machine.stf"), "packet 0 00").expect("a vector");
    fs::write(folder.path().join("alone.p4"), "").expect("a program");
    let report = check_json(&["test", "--corpus", corpus, "--format", "json"], 0);
    let rows = report["programs"].as_array().expect("an array");
    let results: Vec<_> = rows
        .iter()
        .map(|row| (row["name"].as_str(), row["result"].as_str()))
        .collect();
    assert_eq!(
        results,
        [
            (Some("good.p4"), Some("pass")),
            (Some("no_machine.p4"), Some("unsupported")),
            (Some("wrong.p4"), Some("fail")),
        ]
    );
    assert_eq!(report["totals"]["pass"], 1);
    assert_eq!(report["totals"]["fail"], 1);
    assert_eq!(report["totals"]["unsupported"], 1);
    check(
        &["test", "--corpus", corpus],
        0,
        &["1 pass, 1 fail, 1 unsupported"],
    );
}

#[test]
fn vectors_run_on_every_engine() {
    let on = |engine: &'static str| ["test", TINY, SWITCHING, "--engine", engine];
    check(&on("jit"), 0, &["1 passed, 0 failed (jit, placed"]);
    check(
        &on("all"),
        0,
        &["1 passed, 0 failed (interp and jit, placed"],
    );
    let captures = ["--in", "1=testvectors/laminar/exchange-network.pcap"];
    let replay = [&["replay", "laminar.p4", "--engine", "all"], &captures[..]].concat();
    check(&replay, 2, &["name the engine"]);
}

#[test]
fn fit_says_what_fits_and_gates() {
    check(&["fit", TINY], 0, &["tiny fits tofino2", "1 of 20 stages"]);
    check(&["fit", TINY, "--max-stages", "1"], 0, &[]);
    check(
        &["fit", "laminar.p4", "--max-stages", "3"],
        1,
        &["more than --max-stages 3"],
    );
}

#[test]
fn fit_answers_what_if() {
    let smaller = ["fit", "laminar.p4", "--what-if", "stages=4"];
    check(
        &smaller,
        1,
        &["with stages=4, laminar does not fit", "no size helps"],
    );
    let json = check_json(&[&smaller[..], &["--format", "json"]].concat(), 1);
    assert_eq!(json["stages_available"], 4);
    assert_eq!(json["changes"][0], "stages=4");
    assert_eq!(json["difference"]["old"]["fits"], true);
    let larger = ["fit", "laminar.p4", "--size", "identify.segments=131072"];
    check(
        &larger,
        0,
        &["laminar fits tofino2", "LaminarIngress.identify.segments"],
    );
    for (question, parts) in [
        (["--what-if", "stagse=4"], "did you mean `stages`?"),
        (["--what-if", "stages"], "it is written NAME=NUMBER"),
        (["--size", "sgments=4"], "did you mean `segments`?"),
        (["--size", "segments=many"], "`many` is not a number"),
    ] {
        let arguments = [&["fit", "laminar.p4"], &question[..]].concat();
        check(&arguments, 2, &[parts]);
    }
}

#[test]
fn fit_writes_a_page() {
    let (_folder, path) = folder_with("fit.html", b"");
    check(
        &["fit", "laminar.p4", "--format", "html", "-o", &path],
        0,
        &[],
    );
    let page = fs::read_to_string(&path).expect("a page");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    let both = ["fit", TINY, "--diff", TINY, "--format", "html"];
    check(&both, 2, &["text or JSON"]);
}

#[test]
fn fit_json_has_the_names_of_the_contract() {
    let report = check_json(
        &[
            "fit",
            "laminar.p4",
            "--target",
            "tofino2",
            "--format",
            "json",
        ],
        0,
    );
    for name in [
        "program",
        "target",
        "pipe",
        "fits",
        "stages_used",
        "stages_available",
        "critical_path",
        "tables",
        "stages",
        "totals",
        "phv",
        "parser",
        "latency",
        "power_w_per_pipe",
        "problems",
    ] {
        assert!(report.get(name).is_some(), "`{name}` is in the report");
    }
    for name in [
        "name",
        "gress",
        "stages",
        "match_kind",
        "key_bits",
        "entries",
        "sram",
        "tcam",
        "map_ram",
        "blocked_by",
        "span",
    ] {
        assert!(
            report["tables"][0].get(name).is_some(),
            "`{name}` is in a table"
        );
    }
    for name in [
        "stage",
        "logical_tables",
        "sram",
        "tcam",
        "map_ram",
        "gateway",
        "exact_xbar_bytes",
        "ternary_xbar_bytes",
        "hash_bits",
        "hash_dist",
        "meter_alu",
        "stats_alu",
        "vliw",
        "action_bus_bytes",
    ] {
        assert!(
            report["stages"][0].get(name).is_some(),
            "`{name}` is in a stage"
        );
    }
    assert_eq!(report["fits"], true);
    assert_eq!(report["stages_available"], 20);
    assert!(report["stages_used"].as_u64().expect("a number") <= 20);
    let sram = &report["totals"]["sram"];
    assert_eq!(sram["available"], 1600, "all stages of the pipe count");
    assert!(sram["used"].as_u64().expect("a number") > 0);
}

#[test]
fn fit_diff_says_what_moved_and_why() {
    let text = fs::read_to_string(root().join(TINY)).expect("text");
    let slower = text.replace(
        "        switching.apply();",
        "        hdr.ethernet.dst_addr = hdr.ethernet.dst_addr ^ 1;\n        switching.apply();",
    );
    let (_folder, new) = folder_with("slower.p4", slower.as_bytes());
    check(
        &["fit", "--diff", TINY, TINY],
        0,
        &["every table is where it was"],
    );
    let parts = [
        "before  tiny fits: 1 stage,",
        "now     slower fits: 2 stages",
        "Ingress.switching",
    ];
    check(&["fit", "--diff", TINY, &new], 0, &parts);
    let diff = check_json(&["fit", "--diff", TINY, &new, "--format", "json"], 0);
    let moved = &diff["moved"][0];
    assert_eq!(moved["name"], "Ingress.switching");
    assert_eq!(
        (&moved["before"][0], &moved["now"][0]),
        (&0.into(), &1.into())
    );
    assert_eq!(moved["blocked_by"]["kind"], "match");
}

#[test]
fn fit_writes_a_whole_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fit.json");
    let output = path.to_str().expect("text");
    check(&["fit", TINY, "--format", "json", "-o", output], 0, &[]);
    let text = fs::read_to_string(&path).expect("the report");
    assert!(serde_json::from_str::<Value>(&text).is_ok());
    #[cfg(unix)]
    {
        // A device is written to: a file of that name would take its place for everybody.
        let link = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &link).expect("a link");
        check(&["fit", TINY, "-o", link.to_str().expect("text")], 0, &[]);
        assert!(
            fs::symlink_metadata(&link)
                .expect("it is there")
                .is_symlink()
        );
    }
    let nowhere = "nowhere/at/all/fit.json";
    check(
        &["fit", TINY, "-o", nowhere],
        1,
        &["cannot write `nowhere/at/all/fit.json`"],
    );
}

#[test]
fn test_passes_and_fails() {
    check(
        &["test", TINY, SWITCHING],
        0,
        &["pass", "1 passed, 0 failed", "placed in 1 stage of"],
    );
    check(
        &["test", TINY, SWITCHING, "--unplaced"],
        0,
        &["without stages"],
    );
    let text = fs::read_to_string(root().join(SWITCHING)).expect("text");
    let (_folder, path) = folder_with("bad.stf", text.replace("F00D $", "F00E $").as_bytes());
    check(
        &["test", TINY, &path],
        1,
        &["FAIL", "bad.stf:28", "expected 0e, found 0d"],
    );
    let report = check_json(&["test", TINY, &path, SWITCHING, "--format", "json"], 1);
    assert_eq!(report["totals"]["pass"], 1);
    assert_eq!(report["totals"]["fail"], 1);
    assert_eq!(report["totals"]["unsupported"], 0);
}

#[test]
fn test_of_nonsense_has_a_place() {
    let (_folder, path) = folder_with("nonsense.stf", b"# fine\npakcet 1 00\n");
    check(&["test", TINY, &path], 1, &["nonsense.stf:2:1"]);
    let (_folder, path) = folder_with("entry.stf", b"add nowhere a:1 b()\n");
    check(&["test", TINY, &path], 1, &["entry.stf:1", "nowhere"]);
}

#[test]
fn replay_makes_a_capture_a_port() {
    let (folder, input) = folder_with("in.pcap", &capture());
    let setup = folder.path().join("setup.stf");
    let entry = "add switching hdr.ethernet.dst_addr:0x020000000002 forward(port:2)\n";
    fs::write(&setup, entry).expect("a setup");
    let (setup, out) = (setup.to_str().expect("text"), folder.path().join("out"));
    let out_text = out.to_str().expect("text");
    let arguments = [
        "replay",
        TINY,
        "--in",
        &format!("1={input}"),
        "--setup",
        setup,
        "--out",
        out_text,
    ];
    check(&arguments, 0, &["packets in", "on port 2"]);
    let written = fs::read(out.join("port-2.pcap")).expect("a capture");
    assert_eq!(
        written[..4],
        0xa1b2_3c4d_u32.to_le_bytes(),
        "nanosecond timestamps"
    );
    assert_eq!(written.len(), 24 + 16 + 60);
}

/// In lock step the same packets leave; each takes the clocks of the machine, so they come later.
#[test]
fn replay_in_lock_step_takes_the_clocks_of_the_machine() {
    let (folder, input) = folder_with("in.pcap", &capture());
    let setup = folder.path().join("setup.stf");
    let entry = "add switching hdr.ethernet.dst_addr:0x020000000002 forward(port:2)\n";
    fs::write(&setup, entry).expect("a setup");
    let setup = setup.to_str().expect("text");
    let replay = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let arrival = format!("1={input}");
        let out_text = out.to_str().expect("text");
        let arguments = [
            "replay", TINY, "--in", &arrival, "--setup", setup, "--out", out_text,
        ];
        check(&[&arguments[..], more].concat(), 0, &["on port 2"]);
        fs::read(out.join("port-2.pcap")).expect("a capture")
    };
    let (batch, clocked) = (replay("batch", &[]), replay("clocked", &["--lock-step"]));
    let (header, packet) = (24, 24 + 16);
    assert_eq!(batch[packet..], clocked[packet..], "the packet itself");
    let nanoseconds = |capture: &[u8]| {
        let word = |at: usize| {
            let bytes = capture[at..at + 4].try_into().expect("four bytes");
            u64::from(u32::from_le_bytes(bytes))
        };
        word(header) * 1_000_000_000 + word(header + 4)
    };
    assert!(
        nanoseconds(&clocked) > nanoseconds(&batch),
        "parser, stages and deparser take time"
    );
}

#[test]
fn replay_of_a_damaged_capture_leaves_none_behind() {
    let mut bytes = capture();
    bytes.extend([0; 7]);
    let (folder, input) = folder_with("cut.pcap", &bytes);
    let setup = folder.path().join("setup.stf");
    let entry = "add switching hdr.ethernet.dst_addr:0x020000000002 forward(port:2)\n";
    fs::write(&setup, entry).expect("a setup");
    let (setup, out) = (setup.to_str().expect("text"), folder.path().join("out"));
    let out_text = out.to_str().expect("text");
    let arguments = [
        "replay",
        TINY,
        "--in",
        &format!("1={input}"),
        "--setup",
        setup,
        "--out",
        out_text,
    ];
    check(&arguments, 1, &["cut.pcap", "at byte 100"]);
    let left: Vec<_> = fs::read_dir(&out)
        .map(|entries| {
            entries
                .filter_map(|entry| entry.ok().map(|e| e.path()))
                .collect()
        })
        .unwrap_or_default();
    let finished = left
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "pcap"));
    assert_eq!(
        finished.count(),
        0,
        "no part passes for the whole: {left:?}"
    );
}

#[test]
fn state_is_saved_and_loaded() {
    let (folder, input) = folder_with("in.pcap", &capture());
    let state = folder.path().join("state");
    let state = state.to_str().expect("text");
    let arrival = format!("1={input}");
    check(
        &["replay", TINY, "--in", &arrival, "--save-state", state],
        0,
        &[],
    );
    check(
        &["replay", TINY, "--in", &arrival, "--load-state", state],
        0,
        &[],
    );
    let other = [
        "replay",
        "laminar.p4",
        "--in",
        &arrival,
        "--load-state",
        state,
    ];
    check(&other, 1, &["state"]);
}

#[test]
fn emitted_rust_is_a_crate_with_a_module_a_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().join("tiny");
    let into = into.to_str().expect("text");
    check(&["emit", TINY, "--to", "rust", "-o", into], 0, &[]);
    let manifest = fs::read_to_string(folder.path().join("tiny/Cargo.toml")).expect("a manifest");
    assert!(manifest.contains("p4rmt-engine"), "{manifest}");
    let source = fs::read_to_string(folder.path().join("tiny/src/lib.rs")).expect("a crate");
    assert!(source.contains("mod "), "{source}");
}

#[test]
fn emitted_rust_that_nobody_can_build_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_p4rmt"))
        .args(["test", TINY, SWITCHING, "--engine", "rust", "--cache"])
        .arg(folder.path())
        .env("CARGO", folder.path().join("no-cargo"))
        .current_dir(root())
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}{printed}");
    assert!(
        format!("{said}{printed}").contains("cargo"),
        "{said}{printed}"
    );
}
