//! Parsers: states, extraction, errors.

use p4rmt_engine::{Mode, Verdict};
use p4rmt_ir::build::{GressBuilder, assign, constant, eq, stmt};
use p4rmt_ir::{
    Arch, Block, Case, Expr, FieldId, FieldKind, Gress, GressRole, HeaderId, Id, KeySet, State,
    StateId, StmtKind, Target, Transition, ValueSet, ValueSetId,
};
use p4rmt_source::Span;

use crate::support::{Bench, bits, failure, gress_id, whole};

fn extract(header: HeaderId) -> p4rmt_ir::Stmt {
    stmt(StmtKind::Extract {
        header,
        varbit_bits: None,
    })
}

/// Replaces the start state; further states follow with ids from 1.
fn set_states(gress: &mut GressBuilder, states: Vec<(Block, Transition)>) {
    let states = states.into_iter().enumerate();
    gress.gress.parser.states = states
        .map(|(position, (body, transition))| State {
            name: format!("s{position}"),
            body,
            transition,
            span: Span::new(position as u32, position as u32 + 1),
        })
        .collect();
}

fn accept() -> Transition {
    Transition::Goto(Target::Accept)
}

fn goto(state: usize) -> Target {
    Target::State(StateId::from_index(state))
}

fn select(keys: Vec<Expr>, cases: Vec<(Vec<KeySet>, Target)>) -> Transition {
    let cases = cases.into_iter().map(|(keysets, target)| Case {
        keysets,
        target,
        span: Span::NONE,
    });
    Transition::Select {
        keys,
        cases: cases.collect(),
    }
}

/// A header of 4, 12 and 16 bits, extracted by the start state.
fn one_header() -> (GressBuilder, HeaderId, Vec<FieldId>, FieldId) {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (header, fields) = gress.header("h", &[("a", 4), ("b", 12), ("c", 16)]);
    let valid = gress.gress.headers[header].valid;
    set_states(&mut gress, vec![(vec![extract(header)], accept())]);
    (gress, header, fields, valid)
}

#[test]
fn extraction_fills_fields_and_makes_valid() {
    let (gress, _, fields, valid) = one_header();
    let mut bench = Bench::new(gress.structured(Vec::new()));
    let outcome = bench.run(&[0x12, 0x34, 0x56, 0x78, 0x9a]);
    assert_eq!(outcome.verdict, Verdict::Accepted);
    assert_eq!(outcome.payload_offset, 4);
    assert_eq!(bench.value(fields[0]), bits(4, 0x1));
    assert_eq!(bench.value(fields[1]), bits(12, 0x234));
    assert_eq!(bench.value(fields[2]), bits(16, 0x5678));
    assert_eq!(bench.value(valid), bits(1, 1));
}

#[test]
fn the_prefix_comes_before_the_packet() {
    let (gress, _, fields, _) = one_header();
    let mut bench = Bench::new(gress.structured(Vec::new()));
    let outcome = bench.run_with(&[0x12], &[0x34, 0x56, 0x78, 0x9a], 0, &[]);
    assert_eq!(outcome.payload_offset, 4);
    assert_eq!(bench.value(fields[1]), bits(12, 0x234));
}

#[test]
fn a_short_packet_leaves_the_header_alone() {
    let (gress, _, fields, valid) = one_header();
    let mut bench = Bench::load(
        whole(Arch::V1model, gress.structured(Vec::new())),
        Mode::Unplaced,
        &[],
    );
    let outcome = bench.run(&[0x12, 0x34, 0x56]);
    assert_eq!(failure(outcome), Some("PacketTooShort"));
    assert!(matches!(outcome.verdict, Verdict::Failed(_)));
    assert_eq!(outcome.payload_offset, 0);
    assert_eq!(bench.value(fields[0]), bits(4, 0));
    assert_eq!(bench.value(valid), bits(1, 0));
}

/// The ingress of a program that sets `m` in the body, and reads `parser_err` there if asked to.
fn failing(role: GressRole, reads_error: bool) -> (Gress, FieldId, FieldId) {
    let (mut gress, ..) = one_header();
    gress.gress.role = role;
    let error = gress.intrinsic(
        if role == GressRole::Egress {
            "egress_intrinsic_metadata_from_parser_t.parser_err"
        } else {
            "ingress_intrinsic_metadata_from_parser_t.parser_err"
        },
        16,
    );
    let seen = gress.metadata("m", 16);
    let value = if reads_error {
        Expr::Field(error)
    } else {
        constant(16, 7)
    };
    (gress.structured(vec![assign(seen, value)]), error, seen)
}

#[test]
fn tna_ingress_drops_what_it_cannot_parse_unless_it_looks_at_the_error() {
    let (gress, _, _) = failing(GressRole::Ingress, false);
    let mut bench = Bench::new(gress);
    let outcome = bench.run(&[1]);
    assert!(matches!(outcome.verdict, Verdict::Dropped(_)));
    assert_eq!(failure(outcome), Some("PacketTooShort"));
    let (gress, error, seen) = failing(GressRole::Ingress, true);
    let mut bench = Bench::new(gress);
    let outcome = bench.run(&[1]);
    assert!(matches!(outcome.verdict, Verdict::Failed(_)));
    assert_eq!(
        bench.value(error),
        bits(16, 0x0002),
        "PARSER_ERROR_PARTIAL_HDR"
    );
    assert_eq!(bench.value(seen), bits(16, 0x0002));
    let (gress, error, seen) = failing(GressRole::Egress, false);
    let mut bench = Bench::new(gress);
    assert!(matches!(bench.run(&[1]).verdict, Verdict::Failed(_)));
    assert_eq!(bench.value(error), bits(16, 0x0002));
    assert_eq!(bench.value(seen), bits(16, 7), "the egress goes on");
}

#[test]
fn select_takes_the_first_case_that_matches() {
    let (mut gress, header, fields, _) = one_header();
    let which = gress.metadata("which", 8);
    let set = |value| (vec![assign(which, constant(8, value))], accept());
    let keys = vec![Expr::Field(fields[0]), Expr::Field(fields[1])];
    let exact = |value| KeySet::Exact(bits(4, value));
    let mask = KeySet::Mask {
        value: bits(12, 0xf0f),
        mask: bits(12, 0x0f0),
    };
    let range = KeySet::Range {
        lo: bits(12, 0x010),
        hi: bits(12, 0x020),
    };
    let cases = vec![
        (vec![exact(1), KeySet::Any], goto(1)),
        (vec![KeySet::Any, mask], goto(2)),
        (vec![KeySet::Any, range], goto(3)),
        (vec![exact(9), KeySet::Any], Target::Reject),
    ];
    let start = (vec![extract(header)], select(keys, cases));
    set_states(&mut gress, vec![start, set(1), set(2), set(3)]);
    let mut bench = Bench::new(gress.structured(Vec::new()));
    let mut check = |bytes: [u8; 2], expected: u64, error| {
        let outcome = bench.run(&[bytes[0], bytes[1], 0, 0]);
        assert_eq!(failure(outcome), error, "{bytes:x?}");
        if error.is_none() {
            assert_eq!(bench.value(which), bits(8, expected), "{bytes:x?}");
        }
    };
    check([0x10, 0x00], 1, None);
    check([0x20, 0x0f], 2, None);
    check([0x20, 0x10], 3, None);
    check([0x20, 0x20], 3, None);
    check([0x20, 0x21], 0, Some("NoMatch"));
    check([0x90, 0x30], 0, Some("NoError"));
}

#[test]
fn value_sets_are_what_the_control_plane_says() {
    let (mut gress, header, fields, _) = one_header();
    let which = gress.metadata("which", 8);
    let value_set: ValueSetId = gress.gress.value_sets.push(ValueSet {
        name: "vs".into(),
        widths: vec![12],
        size: 2,
        span: Span::NONE,
    });
    let transition = select(
        vec![Expr::Field(fields[1])],
        vec![
            (vec![KeySet::ValueSet(value_set)], goto(1)),
            (vec![KeySet::Any], Target::Accept),
        ],
    );
    let set = (vec![assign(which, constant(8, 1))], accept());
    set_states(&mut gress, vec![(vec![extract(header)], transition), set]);
    let mut bench = Bench::new(gress.structured(Vec::new()));
    let packet = [0x12, 0x34, 0, 0];
    bench.run(&packet);
    assert_eq!(bench.value(which), bits(8, 0));
    let place = p4rmt_engine::Ref {
        gress: gress_id(),
        id: value_set,
    };
    let member = vec![KeySet::Exact(bits(12, 0x234))];
    bench.state.insert_value(place, member).expect("it fits");
    bench.run(&packet);
    assert_eq!(bench.value(which), bits(8, 1));
}

#[test]
fn lookahead_advance_and_verify() {
    let mut gress = GressBuilder::new(GressRole::Egress);
    let seen = gress.metadata("seen", 12);
    let ahead = Expr::Lookahead {
        offset: 4,
        width: 12,
    };
    let advance = stmt(StmtKind::Advance {
        bits: constant(8, 12),
    });
    let verify = stmt(StmtKind::Verify {
        cond: eq(Expr::Field(seen), constant(12, 0x234)),
        error: constant(8, 3),
    });
    let body = vec![assign(seen, ahead), advance, verify];
    set_states(&mut gress, vec![(body, accept())]);
    let program = whole(Arch::T2na, gress.structured(Vec::new()));
    let mut bench = Bench::load(program, Mode::Unplaced, &[]);
    let outcome = bench.run(&[0x12, 0x34]);
    assert_eq!(failure(outcome), None);
    assert_eq!(
        outcome.payload_offset, 2,
        "a cursor inside a byte is behind it"
    );
    assert_eq!(bench.value(seen), bits(12, 0x234));
    assert_eq!(failure(bench.run(&[0x12, 0x35])), Some("StackOutOfBounds"));
    assert_eq!(failure(bench.run(&[0x12])), Some("PacketTooShort"));
    assert_eq!(
        bench.value(seen),
        bits(12, 0),
        "nothing is written past the end"
    );
}

#[test]
fn a_varbit_field_is_as_wide_as_the_packet_says() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let (header, fields) = gress.header("h", &[("len", 8), ("opt", 32), ("end", 8)]);
    let width = gress.field("h.$width", 32, FieldKind::VarbitWidth(header));
    gress.gress.headers[header].varbit = Some((fields[1], width));
    let varbit_bits = Some(Expr::Lookahead {
        offset: 0,
        width: 8,
    });
    let body = vec![stmt(StmtKind::Extract {
        header,
        varbit_bits,
    })];
    set_states(&mut gress, vec![(body, accept())]);
    gress.gress.deparser.body = vec![stmt(StmtKind::Emit { header })];
    let program = whole(Arch::V1model, gress.structured(Vec::new()));
    let mut bench = Bench::load(program, Mode::Unplaced, &[]);
    for packet in [&[0, 0xee][..], &[8, 0xab, 0xee], &[24, 1, 2, 3, 0xee]] {
        let outcome = bench.run(packet);
        assert_eq!(failure(outcome), None);
        assert_eq!(outcome.bytes, packet);
        assert_eq!(bench.value(fields[2]), bits(8, 0xee));
        assert_eq!(bench.value(width), bits(32, u64::from(packet[0])));
    }
    assert_eq!(
        failure(bench.run(&[40, 0, 0, 0, 0, 0, 0])),
        Some("HeaderTooShort")
    );
    assert_eq!(failure(bench.run(&[24, 0, 0, 0])), Some("PacketTooShort"));
    assert_eq!(
        failure(bench.run(&[40, 0])),
        Some("PacketTooShort"),
        "the packet's length is looked at before the header's"
    );
}

#[test]
fn a_parser_of_v1model_moves_by_whole_bytes() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let (header, fields) = gress.header("h", &[("opt", 32)]);
    let width = gress.field("h.$width", 32, FieldKind::VarbitWidth(header));
    gress.gress.headers[header].varbit = Some((fields[0], width));
    let by = Expr::Lookahead {
        offset: 0,
        width: 8,
    };
    let advance = stmt(StmtKind::Advance { bits: by.clone() });
    let extract = stmt(StmtKind::Extract {
        header,
        varbit_bits: Some(by),
    });
    set_states(&mut gress, vec![(vec![advance, extract], accept())]);
    let program = whole(Arch::V1model, gress.structured(Vec::new()));
    let mut bench = Bench::load(program, Mode::Unplaced, &[]);
    assert_eq!(failure(bench.run(&[8, 8, 0])), None);
    let odd = Some("ParserInvalidArgument");
    assert_eq!(failure(bench.run(&[9, 8, 0])), odd);
    assert_eq!(failure(bench.run(&[8, 9, 0])), odd);
    assert_eq!(
        failure(bench.run(&[8, 9])),
        odd,
        "the argument is looked at first"
    );
}

#[test]
fn states_that_go_round_end() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    set_states(&mut gress, vec![(Vec::new(), Transition::Goto(goto(0)))]);
    let program = whole(Arch::V1model, gress.structured(Vec::new()));
    let mut bench = Bench::load(program, Mode::Unplaced, &[]);
    assert_eq!(failure(bench.run(&[1, 2, 3])), Some("ParserTimeout"));
}

#[test]
fn any_packet_of_any_length_parses_or_fails() {
    let (gress, ..) = one_header();
    let mut bench = Bench::new(gress.structured(Vec::new()));
    for length in 0..6 {
        let packet = vec![0xff; length];
        let outcome = bench.run(&packet);
        assert_eq!(failure(outcome).is_none(), length >= 4);
        assert!(outcome.payload_offset <= length);
    }
}
