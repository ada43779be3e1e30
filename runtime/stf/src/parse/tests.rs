//! What the language takes and what it refuses.

use super::*;

#[track_caller]
fn one(text: &str) -> StatementKind {
    let vector = parse("v.stf", text).expect("the text is a statement");
    assert_eq!(vector.statements.len(), 1, "{text}");
    vector.statements[0].kind.clone()
}

#[track_caller]
fn refused(text: &str, message: &str) {
    let errors = parse("v.stf", text).expect_err("the text is no statement");
    assert_eq!(errors[0].to_string(), message);
}

fn value(text: &str) -> crate::Value {
    crate::Value::parse(text).expect("a number")
}

#[test]
fn entries_have_priorities_matches_arguments_and_ids() {
    let expected = AddEntry {
        table: "ingress.t".to_owned(),
        priority: Some(10),
        matches: vec![
            MatchText {
                field: "hdr.h[0].f$1".to_owned(),
                value: value("0x*f"),
                prefix_len: None,
                range_hi: None,
            },
            MatchText {
                field: "r".to_owned(),
                value: value("1"),
                prefix_len: None,
                range_hi: Some(value("0x5")),
            },
            MatchText {
                field: "a b".to_owned(),
                value: value("0b1*"),
                prefix_len: Some(8),
                range_hi: None,
            },
        ],
        target: TargetText::Action(ActionText {
            name: "act".to_owned(),
            args: vec![("p".to_owned(), value("1")), ("q".to_owned(), value("0x2"))],
        }),
        id: Some("A".to_owned()),
    };
    let text =
        "ADD ingress.t 10 hdr.h[0].f$1:0x*f r:1..0x5 \"a b\":0b1*/8 act(p:1, q : 0x2) = A # yes";
    assert_eq!(one(text), StatementKind::Add(expected));
}

#[test]
fn packets_are_bytes_and_expects_are_nibbles() {
    let packet = StatementKind::Packet {
        port: 1,
        bytes: vec![0x01, 0x23, 0x45],
    };
    assert_eq!(one("packet 1 012 345"), packet);
    let any = StatementKind::Expect {
        port: 2,
        pattern: None,
    };
    assert_eq!(one("Expect 2"), any);
    let StatementKind::Expect {
        pattern: Some(pattern),
        ..
    } = one("expect 2 0*1f $ # the end")
    else {
        panic!("a pattern was given");
    };
    assert_eq!(pattern.nibbles, [Some(0), None, Some(1), Some(15)]);
    assert!(pattern.is_exact);
}

#[test]
fn counters_and_registers_are_checked_in_both_dialects() {
    let check = |text: &str| match one(text) {
        StatementKind::CheckCounter { index, check, .. } => (index, check),
        other => panic!("{other:?}"),
    };
    let packets = |op, value| {
        Some(CounterCheck {
            is_bytes: false,
            op,
            value,
        })
    };
    let entry = CellIndex::Entry("A".to_owned());
    assert_eq!(
        check("check_counter cnt($A) packets == 3"),
        (entry, packets(CompareOp::Eq, 3))
    );
    assert_eq!(
        check("check_counter a.cnt(7) PACKETS = 0x3"),
        (CellIndex::Number(7), packets(CompareOp::Eq, 3))
    );
    assert_eq!(check("check_counter c(7)"), (CellIndex::Number(7), None));
    let element = |half| Element {
        register: "r".to_owned(),
        index: 5,
        half,
    };
    assert_eq!(
        one("check_register r(5) hi = 0xff"),
        StatementKind::CheckRegister {
            element: element(Some(Half::Hi)),
            value: value("0xff"),
        }
    );
    assert_eq!(
        one("register_write r 5 lo 100"),
        StatementKind::RegisterWrite {
            element: element(Some(Half::Lo)),
            value: value("100"),
        }
    );
    assert_eq!(
        one("register_read r 5"),
        StatementKind::RegisterRead(element(None))
    );
}

#[test]
fn every_other_statement_is_known() {
    let text = "
        # a comment
        setdefault t a()
        remove all
        no_packet
        wait
        counter_read c 1
        counter_write c 1 2 3
        register_reset r
        meter_get_rates m 2
        meter_set_rates m 2 0.000005:4 0.00002:5
        meter_array_set_rates m 1:7
        mirroring_add 1 5
        mirroring_add 1 5 truncate 64
        mirroring_add_mc 8 3
        mirroring_delete 1
        mirroring_get 1
        mc_mgrp_create 1
        mc_node_create 0 6 7
        mc_node_update 0 8
        mc_node_associate 1 0
        port_unit 2 roce
        port_unit 1 TCP_checksum
        hold mirror
        release mirror
        release mirror 2
        drop mirror 1
        tick 100
        ignore 3
        pktgen 1 68 every 1000 batches 2 packets 3 0011
        value_set_add vs 0x1* 7..9
        value_set_clear vs
        pktgen_stop 1
        counter_read c $A
        counter_write c $A 2 3
        meter_get_rates m $A
        meter_set_rates m $A 1:2
        profile_member p 7 a(x:1)
        profile_member_delete p 7
        profile_group p 1 7 8 9
        profile_group p 2
        profile_group_delete p 1
        check_digest d 1 0x2* 3
        check_digest d
        expect 1
        expect 1 $
        EXPECT 1 **0A $
        check_counter c(3)
        CHECK_COUNTER c(3) bytes != 4";
    let vector = parse("v.stf", text).expect("all lines are statements");
    assert_eq!(vector.statements.len(), 47);
    assert_eq!(vector.statements[0].line, 3);
    assert_eq!(
        one("meter_set_rates m 2 0.000005:4"),
        StatementKind::MeterSetRates {
            meter: "m".to_owned(),
            index: Some(CellIndex::Number(2)),
            rates: vec![MeterRate {
                rate_e12: 5_000_000,
                burst: 4,
            }],
        }
    );
}

#[test]
fn entries_lead_to_actions_members_and_groups() {
    let target = |text: &str| match one(text) {
        StatementKind::Add(entry) => entry.target,
        other => panic!("{other:?} adds no entry"),
    };
    assert_eq!(target("add t k:1 member(7)"), TargetText::Member(7));
    assert_eq!(target("add t k:1 group( 0x8 ) = A"), TargetText::Group(8));
    let action = |name: &str, args| {
        TargetText::Action(ActionText {
            name: name.to_owned(),
            args,
        })
    };
    assert_eq!(target("add t k:1 group()"), action("group", Vec::new()));
    let args = vec![("n".to_owned(), value("7"))];
    assert_eq!(target("add t k:1 member(n:7)"), action("member", args));
    refused(
        "add t k:1 member(7, 8)",
        "v.stf:1:19: expected `)`, found `,`",
    );
    refused(
        "add t k:1 group(4294967296)",
        "v.stf:1:17: expected the number of a member or group, found `4294967296`",
    );
    refused(
        "profile_member p a(x:1)",
        "v.stf:1:18: expected the number of a member or group, found `a`",
    );
}

#[test]
fn errors_say_where_and_what() {
    refused(
        "\n  paket 1 00",
        "v.stf:2:3: expected a statement (`add`, `packet`, `expect`, …), found `paket`",
    );
    refused(
        "packet 1 0g",
        "v.stf:1:11: expected hexadecimal digits, found `g`",
    );
    refused(
        "packet 1 0*",
        "v.stf:1:11: expected hexadecimal digits without wildcards, found `*`",
    );
    refused(
        "packet 1 012",
        "v.stf:1:13: expected one more hexadecimal digit, to make whole bytes, found the end of \
         the line",
    );
    refused(
        "packet 70000 00",
        "v.stf:1:8: expected a port number, found `70000`",
    );
    refused(
        "add t a(x:1 y:2)",
        "v.stf:1:13: expected `,` or `)`, found `y`",
    );
    refused(
        "expect 1 00 $ 00",
        "v.stf:1:15: expected the end of the line, found `00`",
    );
    refused(
        "port_unit 1 tls",
        "v.stf:1:13: expected a port unit (`roce` or `tcp_checksum`), found `tls`",
    );
    refused(
        "check_register r(1) = *",
        "v.stf:1:23: expected a number of at most 2048 bits (decimal, 0x, or 0b), found `*`",
    );
    let errors = parse("v.stf", &"nonsense\n".repeat(100)).expect_err("nothing is a statement");
    assert_eq!(errors.len(), MAX_ERRORS);
    let errors = parse_bytes("v.stf", b"wait\n\xff").expect_err("not UTF-8");
    assert_eq!(
        errors[0].to_string(),
        "v.stf:2:1: expected text in UTF-8, found the byte 0xff"
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
fn nonsense_never_panics() {
    let text =
        "add ingress.t 10 hdr.h[0].f$1:0x*f r:1..0x5 \"a b\":0b1*/8 act(p:1, q : 0x2) = A # yes\n\
        expect 2 0*1f $\npacket 1 0123 # é\ncheck_register r(5) hi = 0xff\n\
        check_counter cnt($A) packets == 3\nmeter_set_rates m 2 0.000005:4 0.00002:5\n\
        pktgen 1 68 every 1000 batches 2 packets 3 0011\nmirroring_add 1 5 truncate 64\n"
            .as_bytes();
    let mut seed = 0x1234_5678_9abc_def1;
    let mut n_refused = 0;
    for cut in 0..text.len() {
        n_refused += u32::from(parse_bytes("v.stf", &text[..cut]).is_err());
    }
    for _ in 0..20_000 {
        let mut damaged = text.to_vec();
        for _ in 0..1 + next(&mut seed) % 4 {
            let at = next(&mut seed) as usize % damaged.len();
            match next(&mut seed) % 3 {
                0 => damaged[at] = next(&mut seed) as u8,
                1 => damaged[at] ^= 1 << (next(&mut seed) % 8),
                _ => damaged[at] = b" \n[]()\":*$#,=/."[next(&mut seed) as usize % 15],
            }
        }
        n_refused += u32::from(parse_bytes("v.stf", &damaged).is_err());
    }
    assert!(n_refused > 5_000, "most nonsense is refused: {n_refused}");
}
