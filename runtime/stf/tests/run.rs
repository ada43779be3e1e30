//! Vectors on a device with the interpreter in it: what passes, what fails, and what is said about it.

#[path = "../../pipeline/tests/commanded/mod.rs"]
mod commanded;

use std::sync::Arc;

use p4rmt_engine::Mode;
use p4rmt_interp::Interp;
use p4rmt_ir::{Id, PipeId};
use p4rmt_pipeline::Device;
use p4rmt_source::Span;
use p4rmt_stf::{Report, parse, run};

fn report(setup: &str, text: &str) -> Report {
    let setup = parse("setup.stf", setup).expect("the setup makes sense");
    let vector = parse("v.stf", text).expect("the vector makes sense");
    run(&vector, Some(&setup), || {
        let program = Arc::new(commanded::commanded());
        Device::new(&Interp, program, PipeId::from_index(0), Mode::Unplaced)
    })
    .expect("the program runs on the device")
}

#[track_caller]
fn passes(text: &str) {
    let report = report("", text);
    assert!(report.is_pass(), "{}", report.render(&[], &|_| None));
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    let report = report("", text);
    let locate = |span: Span| (span == commanded::DROP_SPAN).then(|| "a.p4:7:3".to_owned());
    let rendered = report.render(&[], &locate);
    assert_eq!(rendered.trim_end(), expected.trim());
}

#[test]
fn expects_are_queues_and_may_stand_in_front() {
    passes(
        "expect 5 0005 **** 000b 0000 00 0005 00 00 00 00 00 00 00 01 $
         packet 1 00 0005 00 00 00 00 00 00 00 01
         packet 1 00 0006 00 00 00 00 00 00 00
         expect 0
         packet 1 00 0005 00 00 01 00 00 00 00 02
         expect 5 00 0005 0
         no_packet
         wait",
    );
}

#[test]
fn entries_reach_tables_counters_and_registers() {
    passes(
        "add count 10 key0:0x00** note(p0:0x12) = A
         add Ingress.count 20 key0:0x0007 nothing()
         packet 1 00 0005 00 00 01 00 00 00 00
         packet 1 00 0005 00 00 01 00 00 00 00 00
         packet 1 00 0007 00 00 01 00 00 00 00
         expect 5
         expect 5
         expect 7
         check_counter hits($A) packets == 2
         check_counter hits(0) bytes = 21
         check_register noted(1) = 0x12
         check_register Ingress.noted(1) hi = 0x0000abcd
         check_register noted(1) hi = 0x**cd
         register_write noted 1 hi 7
         check_register noted(1) lo = 18
         check_register noted(1) hi = 7
         register_reset noted
         check_register noted(1) = 0
         counter_write hits 0 9 99
         check_counter hits(0) packets >= 9
         check_counter hits(0)
         remove all
         setdefault count Ingress.note(p0:3)
         packet 1 00 0005 00 00 01 00 00 00 00
         expect 5
         check_register noted(1) = 3
         ignore 9
         packet 1 00 0009 00 00 01 00 00 00 00",
    );
}

#[test]
fn copies_are_held_released_and_lost() {
    passes(
        "mirroring_add 4 10 truncate 13
         hold mirror
         packet 1 01 0005 00 00 00 04 00 00 00 0102
         packet 1 01 0005 00 00 00 04 00 00 00 0304
         packet 1 01 0005 00 00 00 04 00 00 00 0506
         drop mirror 1
         release mirror 1
         expect 10 000a 0000 000d aaaa 01 0005 00 00 00 04 00 00 00 03 $
         release mirror
         expect 10 **** **** **** **** ** **** ** ** ** ** ** ** ** 05 $
         mc_mgrp_create 3
         mc_node_create 1 2 3
         mc_node_associate 3 0
         mirroring_add_mc 5 3
         packet 1 01 0005 00 00 00 05 00 00 00
         expect 2
         expect 3
         mirroring_delete 5",
    );
}

#[test]
fn a_mismatch_names_byte_and_field() {
    fails(
        "packet 1 00 0005 00 00 01 00 00 00 00 77
         expect 5 00 0005 00 00 02",
        "
v.stf:2: port 5, packet 1: byte 5 (cmd.bypass): expected 02, found 01
  expected: 000005000002
  found:    0000050000010000000077
                      ^^
  the packet goes back to v.stf:1
  packet of v.stf:1:
    arrived on port 1 (11 bytes)
    sent to port 5
    left on port 5 (11 bytes)",
    );
    fails(
        "packet 1 00 0005 00 00 01 00 00 00 00 77
         expect 5 00 0005 00 00 01 00 00 00 00 $",
        "
v.stf:2: port 5, packet 1: the packet has 11 bytes, 10 were expected
  expected: 00000500000100000000 $
  found:    0000050000010000000077
                                ^^
  the packet goes back to v.stf:1
  packet of v.stf:1:
    arrived on port 1 (11 bytes)
    sent to port 5
    left on port 5 (11 bytes)",
    );
}

#[test]
fn a_missing_packet_says_where_everything_went() {
    fails(
        "expect 5
         packet 1 01 0005 00 00 01 00 00 00 00",
        "
v.stf:1: port 5: the packet did not come
  packet of v.stf:2:
    arrived on port 1 (10 bytes)
    dropped: dropped by the ingress at a.p4:7:3",
    );
    fails(
        "packet 1 00 0005 00 00 01 00 00 00 00",
        "
v.stf:1: port 5, packet 1: nothing expects this packet
  got:      00000500000100000000
  packet of v.stf:1:
    arrived on port 1 (10 bytes)
    sent to port 5
    left on port 5 (10 bytes)",
    );
}

#[test]
fn statements_that_cannot_be_carried_out_say_why() {
    let cases = [
        (
            "add nowhere key0:1 note(p0:1)",
            "there is no table `nowhere`",
        ),
        (
            "add count key1:1 note(p0:1)",
            "table `Ingress.count` has no key `key1`: it has key0",
        ),
        (
            "add count key0:1 note()",
            "parameter `p0` of action `note` has no value",
        ),
        (
            "add count key0:1 note(q:1)",
            "action `note` has no parameter `q`: it has p0",
        ),
        (
            "add count key0:0x12345 note(p0:1)",
            "`0x12345` does not fit into the 16 bits of `key0`",
        ),
        (
            "add count key0:1 note(p0:0x*)",
            "`0x*` has wildcards: `p0` wants a plain number",
        ),
        (
            "add count key0:1 key0:1 note(p0:1)",
            "key `key0` of table `Ingress.count` is given twice",
        ),
        (
            "check_register noted(4) = 1",
            "`Ingress.noted` has no element 4: it has 4",
        ),
        (
            "check_counter hits($B) packets == 1",
            "no entry before this line was named `B`",
        ),
        (
            "mc_node_associate 1 0",
            "there is no multicast node 0: 0 were created",
        ),
        (
            "packet 600 00",
            "there is no port 600: they are numbered from 0 to 511",
        ),
    ];
    for (text, expected) in cases {
        let report = report("", &format!("wait\n{text}\nexpect 5"));
        let rendered = report.render(&[], &|_| None);
        assert_eq!(rendered.trim_end(), format!("v.stf:2: {expected}"));
    }
}

#[test]
fn checks_show_what_they_found() {
    fails(
        "check_register noted(2) hi = 0x10
         add count 1 nothing() = A
         check_counter hits($A) packets > 0",
        "
v.stf:1: register noted(2) hi: expected 0x10, found 0x0 (32w0x0)
v.stf:3: counter hits(0) packets: expected > 0, found 0",
    );
}

#[test]
fn the_setup_comes_first() {
    let setup = "register_write noted 2 5\nport_unit 2 roce\n";
    let report = report(setup, "check_register noted(2) = 5\nregister_read noted 2");
    assert!(report.is_pass(), "{}", report.render(&[], &|_| None));
    assert_eq!(report.readings[0].1, "Ingress.noted(2) = 0x5 0x0");
}

#[test]
fn the_generator_is_a_statement() {
    passes(
        "pktgen 8 68 every 100 packets 2 00000000 99
         tick 250
         expect 0
         expect 0 0800000000010000000099 $
         expect 0
         expect 0
         pktgen_stop 8
         tick 1000
         pktgen 0 68 once 10 0000000000
         tick 1000
         expect 0",
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
    let text = "mirroring_add 4 10 truncate 13
mc_mgrp_create 7
mc_node_create 1 6 2
mc_node_associate 7 0
pktgen 8 68 every 90 packets 2 00000000 99
add count 10 key0:0x00** note(p0:0x12) = A
setdefault count nothing()
hold mirror
packet 1 01 0005 07 01 00 04 02 00 00 0102
packet 1 00 0006 07 01 00 04 00 00 09 0304
register_write noted 1 hi 7
meter_array_set_rates m 1:7
port_unit 2 roce
release mirror 1
check_counter hits($A) packets == 2
check_register noted(1) hi = 0x0000abcd
counter_write hits 0 9 99
tick 120
remove all
drop mirror
expect 5 0005
release mirror
"
    .as_bytes();
    let mut seed = 0x2545_f491_4f6c_dd1d;
    let mut n_run = 0;
    for _ in 0..3_000 {
        let mut damaged = text.to_vec();
        for _ in 0..1 + next(&mut seed) % 3 {
            let at = next(&mut seed) as usize % damaged.len();
            damaged[at] = b"0123456789abcdef $*\n"[next(&mut seed) as usize % 20];
        }
        let Ok(vector) = p4rmt_stf::parse_bytes("v.stf", &damaged) else {
            continue;
        };
        n_run += 1;
        let report = run(&vector, None, || {
            let program = Arc::new(commanded::commanded());
            let pipe = PipeId::from_index(0);
            let mut device = Device::new(&Interp, program, pipe, Mode::Unplaced)?;
            device.config_mut().max_passes = 200;
            Ok(device)
        })
        .expect("the program runs on the device");
        assert!(!report.is_pass(), "there is no meter `m`");
        assert!(!report.render(&[], &|_| None).is_empty());
    }
    assert!(n_run > 100, "{n_run}");
}
