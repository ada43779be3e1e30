//! `p4rmt trace` and `p4rmt test --coverage`: what they say about a small program and about Laminar.
//!
//! Which stage a table stands in is the placer's to choose: snapshots of placed programs leave it out.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const TINY: &str = "p4src/examples/tiny.p4";
const SWITCHING: &str = "testvectors/tiny/switching.stf";
const LAMINAR_SETUP: &str = "testvectors/laminar/setup/one-connection.stf";
const IN_ORDER: &str = "testvectors/laminar/in-order.stf";

/// Runs the command in the root of the repository; gives its output, both streams in one.
#[track_caller]
fn p4rmt(arguments: &[&str], status: i32) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_p4rmt"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .expect("the command was built");
    let text = String::from_utf8(output.stdout).expect("text");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {errors}"
    );
    text + &errors
}

/// The text without the numbers of stages.
fn without_stages(text: &str) -> String {
    let digits = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let lines = text
        .lines()
        .filter(|line| !line.ends_with("nothing to do"))
        .map(|line| match line.strip_prefix("  stage ") {
            Some(number) if digits(number) => "  stage N",
            Some(_) | None => line,
        });
    lines.skip(1).collect::<Vec<_>>().join("\n")
}

fn json(arguments: &[&str]) -> Value {
    let text = p4rmt(arguments, 0);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// A watched frame: it is mirrored, and the copy is followed.
#[test]
fn a_small_program_stage_by_stage() {
    let text = p4rmt(&["trace", TINY, "--vector", SWITCHING, "--packet", "3"], 0);
    insta::assert_snapshot!(without_stages(&text));
}

#[test]
fn a_small_program_in_json() {
    let arguments = ["trace", TINY, "--vector", SWITCHING, "--packet", "3"];
    let text = p4rmt(
        &[&arguments[..], &["--unplaced", "--format", "json"]].concat(),
        0,
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_segment_through_laminar() {
    let text = p4rmt(
        &[
            "trace",
            "laminar.p4",
            "--setup",
            LAMINAR_SETUP,
            "--vector",
            IN_ORDER,
            "--unplaced",
        ],
        0,
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_v1model_program_with_a_clone() {
    let clones = "testvectors/v1model/clones";
    let (program, vector) = (format!("{clones}.p4"), format!("{clones}.stf"));
    insta::assert_snapshot!(p4rmt(&["trace", &program, "--vector", &vector], 0));
}

#[test]
fn stages_are_those_of_the_placement_and_packets_are_what_left() {
    let trace = json(&[
        "trace",
        "laminar.p4",
        "--setup",
        LAMINAR_SETUP,
        "--vector",
        IN_ORDER,
        "--format",
        "json",
    ]);
    let passes = trace["packets"][0]["passes"].as_array().expect("passes");
    assert_eq!(passes.len(), 3, "ingress, write, acknowledgment");
    assert_eq!(passes[2]["entered_as"], "mirrored");
    assert_eq!(passes[2]["made_by"], 2);
    let stages = trace["stages_used"].as_u64().expect("it is placed");
    for pass in passes {
        let numbers = pass["sections"].as_array().expect("sections").iter();
        let numbers: Vec<u64> = numbers
            .filter(|section| section["section"] == "stage")
            .map(|section| {
                section["name"]
                    .as_str()
                    .expect("a name")
                    .parse()
                    .expect("a stage")
            })
            .collect();
        assert!(numbers.is_sorted() && numbers.iter().all(|stage| *stage < stages));
    }
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(IN_ORDER),
    );
    let acknowledgment = passes[2]["deparsed"].as_str().expect("it left");
    // The port fills in the check sum of TCP, bytes 50 and 51, behind the deparser.
    assert!(text.expect("the vector").contains(&acknowledgment[..100]));
}

#[test]
fn several_packets_of_captures() {
    let trace = json(&[
        "trace",
        "laminar.p4",
        "--setup",
        "testvectors/laminar/setup/exchange.stf",
        "--in",
        "1=testvectors/laminar/exchange-network.pcap",
        "--in",
        "2=testvectors/laminar/exchange-host.pcap",
        "--packet",
        "40..41",
        "--format",
        "json",
    ]);
    let packets = trace["packets"].as_array().expect("packets");
    assert_eq!(packets.len(), 2);
    assert_eq!(packets[1]["packet"], 41);
    assert!(
        packets
            .iter()
            .all(|packet| packet["passes"][0]["gress"] == "ingress")
    );
}

#[test]
fn a_packet_by_hand_is_dropped_at_its_line() {
    let text = p4rmt(
        &[
            "trace",
            TINY,
            "--port",
            "1",
            "--data",
            "0200 00000009 020000000001 0800",
        ],
        0,
    );
    let dropped = "✗ dropped: dropped by the ingress";
    let line = text.lines().find(|line| line.contains(dropped));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    assert!(line.ends_with("p4src/examples/tiny.p4:54"), "{line}");
}

#[test]
fn what_is_not_there_is_refused() {
    let check = |arguments: &[&str], status, part: &str| {
        let text = p4rmt(arguments, status);
        assert!(text.contains(part), "{text}");
    };
    check(&["trace", TINY], 2, "name a packet");
    let vector = ["trace", TINY, "--vector", SWITCHING];
    let beyond = [&vector[..], &["--packet", "99"]].concat();
    check(
        &beyond,
        1,
        "there is no packet 99 in testvectors/tiny/switching.stf: it has",
    );
    check(&[&vector[..], &["--packet", "0"]].concat(), 2, "from 1");
    check(
        &[&vector[..], &["--packet", "3..2"]].concat(),
        2,
        "nothing from 3 to 2",
    );
    let odd = ["trace", TINY, "--port", "1", "--data", "020"];
    check(&odd, 2, "half a byte is missing");
    check(&["trace", TINY, "--port", "1"], 2, "--data");
}

#[test]
fn coverage_of_a_small_program() {
    let text = p4rmt(&["test", TINY, SWITCHING, "--coverage"], 0);
    let at = text.find("coverage").expect("a coverage");
    insta::assert_snapshot!(&text[at..]);
}

/// The vectors of Laminar reach what Laminar is about: each register action, in each of its branches.
#[test]
fn coverage_of_laminar() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testvectors/laminar");
    let mut vectors: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|file| {
            file.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".stf"))
        .map(|name| format!("testvectors/laminar/{name}"))
        .collect();
    vectors.sort();
    let mut arguments = vec!["test", "laminar.p4", "--setup", LAMINAR_SETUP, "--coverage"];
    arguments.extend(["--format", "json"]);
    arguments.extend(vectors.iter().map(String::as_str));
    let report = json(&arguments);
    let summary = &report["coverage"]["summary"];
    for kind in [
        "parser_states",
        "tables",
        "register_actions",
        "register_branches",
    ] {
        let Value::Object(share) = &summary[kind] else {
            panic!("no {kind}: {summary}");
        };
        assert_eq!(share["reached"], share["total"], "{kind}");
        assert_ne!(share["total"], 0, "{kind}");
    }
    let entries = report["coverage"]["tables"].as_array().expect("tables");
    let origins: Vec<&Value> = entries
        .iter()
        .flat_map(|table| table["entries"].as_array().expect("entries"))
        .map(|entry| &entry["origin"])
        .collect();
    assert!(origins.contains(&&Value::from("const")) && origins.contains(&&Value::from("added")));
}

/// Packets in lock step: each is in one step at a time, for as long as the step takes, one behind the other.
#[test]
fn packets_move_clock_by_clock() {
    let trace = json(&[
        "trace", TINY, "--vector", SWITCHING, "--packet", "1..3", "--clock", "--format", "json",
    ]);
    let (steps, rows) = (&trace["clock"]["steps"], &trace["clock"]["rows"]);
    let steps = steps.as_array().expect("steps");
    let rows = rows.as_array().expect("rows");
    let number = |value: &Value| value.as_u64().expect("a number");
    let mut stays = std::collections::BTreeMap::new();
    for (row, next) in rows.iter().zip(rows.iter().skip(1)) {
        let (clock, until) = (number(&row["clock"]), number(&next["clock"]));
        assert!(clock < until);
        let mut seen = Vec::new();
        for (step, packets) in row["packets"].as_array().expect("steps").iter().enumerate() {
            for packet in packets.as_array().expect("packets") {
                assert!(
                    !seen.contains(&packet),
                    "{packet} is in two steps at {clock}"
                );
                seen.push(packet);
                let stay = stays
                    .entry((packet.to_string(), step))
                    .or_insert((clock, until));
                stay.1 = until;
            }
        }
    }
    let stay = |packet: &str, step| stays.get(&(format!("\"{packet}\""), step)).copied();
    for (at, step) in steps.iter().enumerate() {
        let Some(cycles) = step["cycles"].as_u64() else {
            continue;
        };
        for packet in ["1", "3", "3a"] {
            let is_there = packet != "3a" || step["gress"] == "egress";
            let (enters, leaves) = match stay(packet, at) {
                Some(stay) => stay,
                None if !is_there => continue,
                None => panic!("{packet} is never in {step}"),
            };
            assert_eq!(leaves - enters, cycles, "{packet} in {step}");
        }
        if step["gress"] == "ingress" {
            let (first, third) = (stay("1", at), stay("3", at));
            assert_eq!(first.map(|stay| stay.0 + 2), third.map(|stay| stay.0));
            assert!(
                stay("3a", at).is_none(),
                "a mirrored copy is in the ingress"
            );
        }
    }
    let text = rows.last().expect("a row")["events"].to_string();
    assert!(text.contains("left on port"), "{text}");
    let unplaced = p4rmt(
        &[
            "trace",
            TINY,
            "--vector",
            SWITCHING,
            "--clock",
            "--unplaced",
        ],
        1,
    );
    assert!(
        unplaced.contains("only a program that is placed"),
        "{unplaced}"
    );
}
