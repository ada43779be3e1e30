//! What is known along the paths of a program: each test is one way that paths part or meet.

use crate::said;

/// Declarations before the body of a control `c`.
const BEFORE: &str = "#include <core.p4>\nheader h_t { bit<8> a; }\nstruct s_t { h_t h; bit<8> n; }\ncontrol c(inout s_t s, inout bit<8> x) {\n";
/// What follows it.
const AFTER: &str =
    "}\ncontrol p(inout s_t s, inout bit<8> x);\npackage top(p _p);\ntop(c()) main;\n";

/// The warnings about a control whose body begins in line 5, as code and line.
#[track_caller]
fn check(body: &str, expected: &[(&str, u32)]) {
    let found = said(&format!("{BEFORE}{body}{AFTER}"));
    let found: Vec<(&str, u32)> = found.iter().map(|said| (said.0.as_str(), said.2)).collect();
    assert_eq!(found, expected, "{body}");
}

#[test]
fn value_is_set_on_both_ways_of_a_condition() {
    check(
        "apply { bit<8> y; if (x == 1) { y = 1; } else { y = 2; }\n x = y; }",
        &[],
    );
}

#[test]
fn value_that_no_way_sets_is_complained_about() {
    check(
        "apply { bit<8> y; if (x == 1) { x = 2; }\n x = y; }",
        &[("W2001", 6)],
    );
}

#[test]
fn value_that_an_action_of_every_outcome_sets() {
    check(
        "bit<8> y; action a() { y = 1; } action b() { y = 2; }\n\
         table t { actions = { a; b; } default_action = a; }\n\
         apply { t.apply(); x = y; }",
        &[],
    );
}

#[test]
fn part_of_a_value_sets_it() {
    check("apply { bit<8> y; y[3:0] = 1;\n x = y; }", &[]);
}

#[test]
fn loop_sets_what_is_read_behind_it_only_if_it_runs() {
    check(
        "apply { bit<8> y = 0; for (bit<8> i in 1 .. 3) { y = y + i; }\n x = y; }",
        &[],
    );
}

#[test]
fn exit_takes_its_way_out() {
    check(
        "apply { bit<8> y; if (x == 1) { y = 1; } else { exit; }\n x = y; }",
        &[],
    );
}

#[test]
fn header_that_is_asked_for_is_valid_there_and_invalid_elsewhere() {
    check(
        "apply { if (s.h.isValid()) { x = s.h.a; } else {\n x = s.h.a; } }",
        &[("W2003", 6)],
    );
}

#[test]
fn both_sides_of_a_conjunction_are_known_behind_it() {
    check(
        "apply { if (!s.h.isValid() && x == 1) {\n x = s.h.a; } else if (x == 2 && s.h.isValid()) { x = s.h.a; } }",
        &[("W2003", 6)],
    );
}

#[test]
fn asking_for_a_header_says_nothing_about_it_afterwards() {
    check(
        "apply { bool v = s.h.isValid() && s.h.a == 1;\n if (v) { x = s.h.a; } }",
        &[],
    );
}

#[test]
fn conjunction_that_fails_says_nothing_about_its_parts() {
    check(
        "apply { if (s.h.isValid() && x == 1) { x = 2; } else if (x == 3) {\n x = s.h.a; } }",
        &[],
    );
}

#[test]
fn header_is_valid_as_the_one_that_it_is_a_copy_of() {
    check(
        "apply { h_t i; h_t j; j = { 1 }; i = j; x = i.a;\n j.setInvalid(); i = j;\n x = i.a; }",
        &[("W2003", 7)],
    );
}

#[test]
fn case_of_a_switch_knows_what_its_action_did() {
    check(
        "action a() { s.h.setInvalid(); } action b() { s.h.setValid(); }\n\
         table t { actions = { a; b; } default_action = b; }\n\
         apply { switch (t.apply().action_run) {\n a: {\n x = s.h.a; }\n b: { x = s.h.a; } } }",
        &[("W2003", 9)],
    );
}

#[test]
fn parser_knows_what_was_extracted_on_every_way_to_a_state() {
    let text = "#include <core.p4>\nheader h_t { bit<8> a; }\nstruct s_t { h_t h; h_t i; }\n\
                parser c(packet_in k, out s_t s) {\n\
                state start { transition select(k.lookahead<bit<8>>()) { 1: one; _: two; } }\n\
                state one { k.extract(s.h); transition both; }\n\
                state two { k.extract(s.h); transition both; }\n\
                state both {\n\
                transition select(s.h.a) { 1: last; _: accept; } }\n\
                state last {\n\
                transition select(s.i.a) { 1: accept; } }\n\
                }\nparser p(packet_in k, out s_t s);\npackage top(p _p);\ntop(c()) main;\n";
    let found = said(text);
    let found: Vec<(&str, u32)> = found.iter().map(|said| (said.0.as_str(), said.2)).collect();
    assert_eq!(found, [("W2003", 11)]);
}
