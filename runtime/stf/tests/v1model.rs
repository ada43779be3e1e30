//! Vectors on the machine of v1model with the interpreter in it.

#[path = "../../pipeline/tests/switched/mod.rs"]
mod switched;

use std::sync::Arc;

use p4rmt_engine::Mode;
use p4rmt_interp::Interp;
use p4rmt_ir::{Id, PipeId};
use p4rmt_pipeline::Device;
use p4rmt_source::Span;
use p4rmt_stf::{Report, parse, run};

fn report(text: &str) -> Report {
    let vector = parse("v.stf", text).expect("the vector makes sense");
    run(&vector, None, || {
        let program = Arc::new(switched::switched());
        let mut device = Device::new(&Interp, program, PipeId::from_index(0), Mode::Unplaced)?;
        device.config_mut().max_passes = 10;
        Ok(device)
    })
    .expect("the program runs on the device")
}

fn locate(span: Span) -> Option<String> {
    let places = [
        (switched::CLAIM_SPAN, "a.p4:3:1"),
        (switched::DROP_SPAN, "a.p4:7:3"),
    ];
    let found = places.iter().find(|(known, _)| *known == span);
    found.map(|(_, place)| (*place).to_owned())
}

#[track_caller]
fn passes(text: &str) -> Report {
    let report = report(text);
    assert!(report.is_pass(), "{}", report.render(&[], &locate));
    report
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    let rendered = report(text).render(&[], &locate);
    assert_eq!(rendered.trim_end(), expected.trim());
}

#[test]
fn nodes_count_from_zero_over_all_groups() {
    passes(
        "mc_mgrp_create 3
         mc_mgrp_create 4
         mc_node_create 7 2
         mc_node_create 8 6 9
         mc_node_associate 4 1
         mc_node_associate 3 0
         packet 1 0005 03 00 00 00 00 00 00 00 00
         expect 2 ee 00 05 0002 0007
         packet 1 0005 04 00 00 00 00 00 00 00 00
         expect 6 ee 00 05 0006 0008
         expect 9 ee 00 05 0009 0008
         mc_node_update 1 5
         packet 1 0005 04 00 00 00 00 00 00 00 00
         expect 5 ee 00 05 0005 0008",
    );
}

#[test]
fn sessions_are_made_replaced_read_and_deleted() {
    let report = passes(
        "mirroring_get 4
         mirroring_add 4 9
         packet 1 01ff 00 04 00 00 00 00 00 00 00
         expect 9 ee 00 01
         mc_mgrp_create 3
         mc_node_create 1 6
         mc_node_associate 3 0
         mirroring_add_mc 4 3
         mirroring_get 4
         packet 1 01ff 00 04 00 00 00 00 00 00 00
         expect 6 ee 00 01
         mirroring_add 4 7
         mirroring_get 4
         mirroring_delete 4
         packet 1 01ff 00 04 00 00 00 00 00 00 00",
    );
    let readings: Vec<&str> = report
        .readings
        .iter()
        .map(|(_, text)| text.as_str())
        .collect();
    let expected = [
        "mirror session 4 is not there",
        "mirror session 4 leads to group 3",
        "mirror session 4 leads to port 7",
    ];
    assert_eq!(readings, expected);
    fails(
        "mirroring_delete 4",
        "v.stf:1: there is no mirror session 4",
    );
    fails(
        "mc_mgrp_create 1
         mc_node_associate 1 0",
        "v.stf:2: there is no multicast node 0: 0 were created",
    );
    fails(
        "mc_node_create 1 2
         mc_node_associate 1 0",
        "v.stf:2: there is no multicast group 1: create it first",
    );
}

#[test]
fn digests_are_checked_in_order() {
    let three = "packet 1 0007 00 00 00 00 00 00 00 03 00
         packet 1 0008 00 00 00 00 00 00 00 03 00
         packet 1 0009 00 00 00 00 00 00 00 03 00
         ignore 7
         ignore 8
         ignore 9";
    passes(&format!(
        "{three}
         check_digest told 1 7
         check_digest told
         check_digest told 0x0* 9"
    ));
    fails(
        &format!(
            "{three}
         check_digest told 1 8
         check_digest told 1
         check_digest told 1 0x12345
         check_digest told 1 8
         check_digest told
         check_digest told
         check_digest tell"
        ),
        "
v.stf:7: digest told: expected 1 8, found 0x1 0x7
v.stf:8: digest `told` has 2 fields, not 1
v.stf:9: `0x12345` does not fit into the 16 bits of `port`
v.stf:12: digest told: expected a message, but no more were sent
v.stf:13: there is no digest `tell`",
    );
}

#[test]
fn what_the_program_logs_is_in_the_report() {
    let report = passes(
        "wait
         packet 1 0005 00 00 00 00 00 00 00 02 00
         expect 5",
    );
    let readings: Vec<String> = report
        .readings
        .iter()
        .map(|(place, text)| format!("{place}: {text}"))
        .collect();
    assert_eq!(readings, ["v.stf:2: log: to 5, 1 of {}"]);
}

#[test]
fn a_wrong_claim_fails_where_its_packet_came_from() {
    fails(
        "packet 1 0005 00 00 00 00 00 00 00 00 00
         expect 5
         packet 1 0005 00 00 00 00 00 00 00 01 00",
        "
v.stf:3: the program's `assert` is wrong for this packet
  at a.p4:3:1",
    );
}

#[test]
fn a_packet_in_a_circle_fails() {
    let report = report("packet 1 0005 00 00 02 00 00 00 00 00 00");
    let rendered = report.render(&[], &locate);
    let expected = "v.stf:1: the packet goes round in circles, and was ended
  packet of v.stf:1:
    arrived on port 1 (11 bytes)
    resubmitted
";
    assert!(rendered.starts_with(expected), "{rendered}");
    assert!(
        rendered.ends_with("dropped: the packet goes round in circles\n"),
        "{rendered}"
    );
    assert_eq!(report.failures.len(), 1);
}

#[test]
fn a_drop_is_shown_with_its_place() {
    fails(
        "packet 1 0005 00 00 00 00 01 00 00 00 00
         expect 5",
        "
v.stf:2: port 5: the packet did not come
  packet of v.stf:1:
    arrived on port 1 (11 bytes)
    sent to port 5
    dropped: dropped by the egress at a.p4:7:3",
    );
}

/// Xorshift, so that the test needs no crate and no seed from outside.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn nonsense_that_still_is_a_vector_never_panics() {
    let text = "mirroring_add 4 9 truncate 20
mirroring_add_mc 6 3
mc_mgrp_create 3
mc_node_create 7 2 6
mc_node_associate 3 0
packet 1 0005 03 04 00 00 00 06 00 02 00 77
packet 1 0005 00 04 01 0f 00 00 01 03 01 77
packet 1 01ff 00 04 02 00 01 09 02 00 00 77
mc_node_update 0 5 511
hold mirror
packet 1 0005 00 04 00 00 00 09 00 03 00 77
release mirror 1
check_digest told 0x5* 5
check_digest told
tick 5
drop mirror 2
mirroring_get 4
mirroring_delete 4
profile_group_delete p 1
packet 511 0105 07 04 01 00 00 00 00 01 00 77
release mirror
"
    .as_bytes();
    let mut seed = 0x2545_f491_4f6c_dd1d;
    let mut n_run = 0;
    for _ in 0..2_000 {
        let mut damaged = text.to_vec();
        for _ in 0..1 + next(&mut seed) % 3 {
            let at = next(&mut seed) as usize % damaged.len();
            damaged[at] = b"0123456789abcdef $*\n"[next(&mut seed) as usize % 20];
        }
        let Ok(text) = String::from_utf8(damaged) else {
            continue;
        };
        if parse("v.stf", &text).is_err() {
            continue;
        }
        n_run += 1;
        let report = report(&text);
        assert!(!report.is_pass(), "there is no profile `p`");
        assert!(!report.render(&[], &locate).is_empty());
    }
    assert!(n_run > 100, "{n_run}");
}
