//! What v1model alone has: the parts of a whole gress, requests, hashes, messages and claims, profiles,
//! direct counters and meters.

use p4rmt_engine::{EntryTarget, InstalledEntry, METER_FRACTION_BITS, MeterConfig, Part, Ref};
use p4rmt_ir::build::{GressBuilder, add, apply, assign, branch, call, constant, param, stmt};
use p4rmt_ir::{
    ActionCall, ActionProfile, Arch, Block, CallKind, ClaimKind, Cloned, CountKind, Counter, Datum,
    Expr, FieldId, FieldKind, GressRole, Hash, HashAlgorithm, Id, Match, MatchKind, Meter,
    Outcome as On, Selector, StmtKind, V1Call,
};
use p4rmt_source::Span;

use crate::support::{Bench, bits, failure, gress_id, whole};

const SPAN: Span = Span { lo: 3, hi: 9 };

fn load(gress: GressBuilder, bodies: [Block; 4]) -> Bench {
    let [verify, ingress, egress, compute] = bodies;
    let program = whole(Arch::V1model, gress.whole(verify, ingress, egress, compute));
    p4rmt_ir::validate(&program).expect("the program is valid");
    Bench::load(program, p4rmt_engine::Mode::Unplaced, &[])
}

fn v1(kind: V1Call) -> p4rmt_ir::Stmt {
    let mut stmt = call(CallKind::V1(kind), []);
    stmt.span = SPAN;
    stmt
}

fn count(field: FieldId) -> p4rmt_ir::Stmt {
    assign(field, add(Expr::Field(field), constant(8, 1)))
}

#[test]
fn parts_run_what_is_theirs_and_hand_the_fields_on() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let (header, fields) = gress.header("h", &[("f", 8)]);
    let names = ["parsed", "verify", "ingress", "egress", "compute"];
    let counts = names.map(|name| gress.metadata(name, 8));
    let parser = &mut gress.gress.parser;
    let start = parser.start;
    let start = parser.states.get_mut(start).expect("there is a start");
    let extract = StmtKind::Extract {
        header,
        varbit_bits: None,
    };
    start.body = vec![stmt(extract), count(counts[0])];
    gress.gress.deparser.body = vec![stmt(StmtKind::Emit { header })];
    let body = |position: usize| vec![count(counts[position]), count(fields[0])];
    let mut bench = load(gress, [body(1), body(2), body(3), body(4)]);
    let found = |bench: &Bench| counts.map(|field| bench.value(field).low_u64());

    bench.run_part(&[0x10, 0xee], Part::Parser, &[]);
    assert_eq!(found(&bench), [1, 0, 0, 0, 0]);
    let front = bench.run_part(&[0x10, 0xee], Part::Front, &[]).clone();
    assert_eq!(found(&bench), [1, 1, 1, 0, 0]);
    assert_eq!((front.payload_offset, front.parsed_bits), (1, 8));
    assert_eq!(front.bytes, [0; 0], "nothing is deparsed yet");
    let part = Part::Back { payload_offset: 1 };
    let back = bench.run_part(&[0x10, 0xee], part, &front.phv).clone();
    assert_eq!(found(&bench), [1, 1, 1, 1, 1]);
    assert_eq!((back.bytes, back.payload_offset), (vec![0x14], 1));
    // What is kept of the fields is before check sums are computed.
    bench.run_part(&[0x10], part, &back.phv);
    assert_eq!(found(&bench), [1, 1, 1, 2, 1]);
}

#[test]
fn exits_end_their_control_only() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let [ingress, egress] = ["i", "e"].map(|name| gress.metadata(name, 8));
    let exiting = |field| vec![count(field), stmt(StmtKind::Exit), count(field)];
    let bodies = [Vec::new(), exiting(ingress), exiting(egress), Vec::new()];
    let mut bench = load(gress, bodies);
    let front = bench.run_part(&[], Part::Front, &[]).phv.clone();
    bench.run_part(&[], Part::Back { payload_offset: 0 }, &front);
    assert_eq!(bench.value(ingress), bits(8, 1));
    assert_eq!(bench.value(egress), bits(8, 1));
}

#[test]
fn a_parser_that_fails_leads_to_the_ingress() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let error = gress.intrinsic("standard_metadata_t.parser_error", 32);
    let ran = gress.metadata("ran", 8);
    let (header, _) = gress.header("h", &[("f", 8)]);
    let parser = &mut gress.gress.parser;
    let start = parser.start;
    let start = parser.states.get_mut(start).expect("there is a start");
    start.body = vec![stmt(StmtKind::Extract {
        header,
        varbit_bits: None,
    })];
    let mut bench = load(
        gress,
        [Vec::new(), vec![count(ran)], Vec::new(), Vec::new()],
    );
    let outcome = bench.run_part(&[], Part::Front, &[]);
    assert_eq!(failure(outcome), Some("PacketTooShort"));
    assert_eq!(bench.value(error), bits(32, 1));
    assert_eq!(bench.value(ran), bits(8, 1));
}

#[test]
fn of_two_requests_the_last_counts_and_of_two_lengths_the_least() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let [a, b] = ["a", "b"].map(|name| gress.metadata(name, 8));
    let clone = |session, kept| {
        v1(V1Call::Clone {
            of: Cloned::Received,
            session: constant(32, session),
            kept,
        })
    };
    let cut = |length| {
        v1(V1Call::Truncate {
            length: constant(32, length),
        })
    };
    let again = |kept| v1(V1Call::Resubmit { kept });
    let body = vec![
        clone(1, vec![a]),
        clone(0, vec![b]),
        again(vec![a, b]),
        again(vec![]),
        cut(30),
        cut(20),
        cut(40),
    ];
    let mut bench = load(gress, [Vec::new(), body, Vec::new(), Vec::new()]);
    let requests = bench.run_part(&[], Part::Front, &[]).requests.clone();
    let clone = requests.clone.expect("it was asked for");
    assert_eq!((clone.session, clone.kept, clone.span), (0, vec![b], SPAN));
    assert_eq!(requests.resubmit.expect("it was asked for").kept, []);
    assert_eq!(requests.truncate, Some(20));
    assert_eq!(requests.recirculate, None);
}

#[test]
fn a_wrong_claim_ends_the_packet() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let ran = gress.metadata("ran", 8);
    let claim = |holds| {
        v1(V1Call::Claim {
            kind: ClaimKind::Assume,
            cond: constant(1, holds),
        })
    };
    let says = |text: &str, values| {
        v1(V1Call::Log {
            format: text.to_owned(),
            values,
        })
    };
    let inner = branch(constant(1, 1), vec![claim(0), count(ran)], Vec::new());
    let body = vec![
        claim(1),
        count(ran),
        says("{} and {}, {}", vec![Expr::Field(ran), constant(70, 3)]),
        inner,
        says("never", vec![]),
    ];
    let mut bench = load(gress, [Vec::new(), body, Vec::new(), Vec::new()]);
    let outcome = bench.run_part(&[], Part::Front, &[]);
    let wrong = outcome.wrong_claim.expect("the second is wrong");
    assert_eq!((wrong.kind, wrong.span), (ClaimKind::Assume, SPAN));
    let lines: Vec<&str> = outcome.log.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines, ["1 and 3, {}"]);
    assert_eq!(bench.value(ran), bits(8, 1));
}

/// Runs a packet through a parser that extracts `h`, of a byte and up to 16 bits more, as many as the
/// byte says, and takes the hash of data in the ingress.
#[track_caller]
fn hashed(
    algorithm: HashAlgorithm,
    width: u32,
    packet: &[u8],
    data: impl Fn(FieldId, Datum) -> Vec<Datum>,
    with_payload: bool,
) -> u64 {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let (header, fields) = gress.header("h", &[("len", 8), ("opt", 16)]);
    let varbit_width = gress.field("h.$width", 32, FieldKind::VarbitWidth(header));
    gress.gress.headers[header].varbit = Some((fields[1], varbit_width));
    let out = gress.metadata("out", width);
    let hash = gress.gress.hashes.push(Hash {
        name: "hash".to_owned(),
        algorithm,
        width,
        span: Span::NONE,
    });
    let parser = &mut gress.gress.parser;
    let start = parser.start;
    let start = parser.states.get_mut(start).expect("there is a start");
    let extract = StmtKind::Extract {
        header,
        varbit_bits: Some(Expr::Lookahead {
            offset: 0,
            width: 8,
        }),
    };
    start.body = vec![stmt(extract)];
    let varbit = Datum::Varbit {
        field: fields[1],
        width: varbit_width,
    };
    let kind = CallKind::V1(V1Call::Hash {
        hash,
        data: data(fields[0], varbit),
        with_payload,
    });
    let body = vec![call(kind, [out])];
    let mut bench = load(gress, [Vec::new(), body, Vec::new(), Vec::new()]);
    bench.run_part(packet, Part::Front, &[]);
    bench.value(out).low_u64()
}

#[test]
fn hashes_are_over_bytes() {
    let identity = |packet: &[u8], with_payload| {
        let data = |len, varbit| vec![Datum::Value(Expr::Field(len)), varbit];
        hashed(HashAlgorithm::Identity, 64, packet, data, with_payload)
    };
    assert_eq!(identity(&[16, 0xab, 0xcd, 0xee], false), 0x10_abcd);
    assert_eq!(identity(&[8, 0xab, 0xcd, 0xee], false), 0x08ab);
    assert_eq!(identity(&[8, 0xab, 0xcd, 0xee], true), 0x08ab_cdee);
    // Of more than eight bytes the first eight count.
    let long = [8, 1, 2, 3, 4, 5, 6, 7, 9, 10];
    assert_eq!(identity(&long, true), 0x0801_0203_0405_0607);
    // Fields of a header that is not valid are left out.
    assert_eq!(identity(&[24, 1, 2], false), 0);
    let odd = |_, _| vec![Datum::Value(constant(4, 0xa)), Datum::Value(constant(1, 1))];
    let packet = [0, 0];
    assert_eq!(
        hashed(HashAlgorithm::Identity, 64, &packet, odd, false),
        0xa8,
        "zero bits behind fill the last byte"
    );
    let words = |_, _| vec![Datum::Value(constant(24, 0x01_02ff))];
    assert_eq!(
        hashed(HashAlgorithm::Csum16, 16, &packet, words, false),
        0xfffc,
        "the complement of 0102 + ff00, its carry added"
    );
    assert_eq!(
        hashed(HashAlgorithm::Xor(16), 16, &packet, words, false),
        0xfe02
    );
}

/// A table `t` with `counters` and `meters` direct to it, whose action reads the meter's colour.
fn direct() -> (Bench, FieldId, FieldId) {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let [key, color] = ["key", "color"].map(|name| gress.metadata(name, 8));
    let counter = gress.gress.counters.push(Counter {
        name: "c".to_owned(),
        kind: CountKind::PacketsAndBytes,
        width: 64,
        size: 0,
        adjust_bytes: 0,
        span: Span::NONE,
    });
    let meter = gress.gress.meters.push(Meter {
        name: "m".to_owned(),
        kind: CountKind::Packets,
        size: 0,
        colors: [0, 1, 2].map(|color| bits(8, color)),
        adjust_bytes: 0,
        filter: None,
        span: Span::NONE,
    });
    let read = CallKind::Meter {
        meter,
        index: None,
        color: None,
    };
    let look = gress.action("look", &[], vec![call(read, [color])]);
    let table = gress.table("t", &[(Expr::Field(key), MatchKind::Exact)], &[look]);
    let declared = &mut gress.gress.tables[table];
    declared.direct_counters = vec![counter];
    declared.direct_meters = vec![meter];
    let set_key = assign(
        key,
        Expr::Lookahead {
            offset: 0,
            width: 8,
        },
    );
    let parser = &mut gress.gress.parser;
    let start = parser.start;
    let start = parser.states.get_mut(start).expect("there is a start");
    start.body = vec![set_key];
    let body = vec![apply(table, [])];
    let bench = load(gress, [Vec::new(), body, Vec::new(), Vec::new()]);
    (bench, key, color)
}

#[test]
fn direct_counters_and_meters_work_with_hits() {
    let (mut bench, _, color) = direct();
    let table = Ref {
        gress: gress_id(),
        id: Id::from_index(0),
    };
    let entry = InstalledEntry {
        matches: vec![Match::Exact(bits(8, 7))],
        priority: 0,
        target: EntryTarget::Action(ActionCall {
            action: Id::from_index(0),
            args: Vec::new(),
        }),
        span: Span::NONE,
    };
    let slot = bench.state.insert_entry(table, entry).expect("it fits");
    let meter = Ref {
        gress: gress_id(),
        id: Id::from_index(0),
    };
    let packets = |n: u64| n << METER_FRACTION_BITS;
    let config = MeterConfig {
        cir: 0,
        cbs: packets(1),
        pir: 0,
        pbs: packets(2),
    };
    let configured = bench.state.configure_meter(meter, slot as u64, config);
    configured.expect("the entry has a cell");
    let mut colors = Vec::new();
    for packet in [[7, 0], [7, 0], [6, 0], [7, 0]] {
        bench.run_part(&packet, Part::Front, &[]);
        colors.push(bench.value(color).low_u64());
    }
    assert_eq!(colors, [0, 1, 0, 2], "green, yellow, a miss, red");
    let counter = Ref {
        gress: gress_id(),
        id: Id::from_index(0),
    };
    let counts = bench.state.counter(counter, slot as u64).expect("a cell");
    assert_eq!((counts.packets, counts.bytes), (Some(3), Some(6)));
}

#[test]
fn a_selector_picks_a_member_by_its_keys() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let fields = ["key", "a", "b", "out", "arm"].map(|name| gress.metadata(name, 8));
    let [key, a, b, out, arm] = fields;
    let miss = gress.action("miss", &[], vec![assign(out, constant(8, 0xff))]);
    let set = gress.action("set", &[8], vec![assign(out, param(0, 8))]);
    let hash = gress.hash("hash", 8);
    let profile = gress.gress.profiles.push(ActionProfile {
        name: "pool".to_owned(),
        size: 4,
        selector: Some(Selector { hash, groups: None }),
        span: Span::NONE,
    });
    let keys = [
        (Expr::Field(key), MatchKind::Exact),
        (Expr::slice(Expr::Field(a), 3, 0), MatchKind::Selector),
        (Expr::slice(Expr::Field(b), 3, 0), MatchKind::Selector),
    ];
    let table = gress.table("t", &keys, &[miss, set]);
    gress.gress.tables[table].implementation = Some(profile);
    let byte = |offset| Expr::Lookahead { offset, width: 8 };
    let parser = &mut gress.gress.parser;
    let start = parser.start;
    let start = parser.states.get_mut(start).expect("there is a start");
    start.body = vec![
        assign(key, byte(0)),
        assign(a, byte(8)),
        assign(b, byte(16)),
    ];
    let arms = [
        (On::Action(set), vec![assign(arm, constant(8, 1))]),
        (On::Action(miss), vec![assign(arm, constant(8, 2))]),
        (On::Hit, vec![assign(arm, constant(8, 3))]),
    ];
    let body = vec![apply(table, arms)];
    let mut bench = load(gress, [Vec::new(), body, Vec::new(), Vec::new()]);

    let gress = gress_id();
    let place = Ref { gress, id: profile };
    for (member, value) in [(1, 0x10), (2, 0x20), (5, 0x50)] {
        let call = ActionCall {
            action: set,
            args: vec![bits(8, value)],
        };
        bench
            .state
            .set_member(place, member, call)
            .expect("it fits");
    }
    let group = bench.state.set_group(place, 8, &[5, 1, 2]);
    group.expect("they are there");
    bench
        .state
        .set_group(place, 9, &[])
        .expect("it may be empty");
    for (value, target) in [
        (1, EntryTarget::Member(2)),
        (2, EntryTarget::Group(8)),
        (3, EntryTarget::Group(9)),
    ] {
        let entry = InstalledEntry {
            matches: vec![Match::Exact(bits(8, value)), Match::Any, Match::Any],
            priority: 0,
            target,
            span: Span::NONE,
        };
        let table = Ref { gress, id: table };
        bench.state.insert_entry(table, entry).expect("it fits");
    }
    let mut run = |packet: [u8; 3]| {
        bench.run_part(&packet, Part::Front, &[]);
        [out, arm].map(|field| bench.value(field).low_u64())
    };
    assert_eq!(run([0, 0, 0]), [0xff, 2]);
    assert_eq!(run([1, 0, 0]), [0x20, 1]);
    // The hash is the two low nibbles.
    for (a, b) in [(0u8, 0u8), (0, 1), (0, 2), (1, 3), (0xf7, 0xf9)] {
        let hash = (a & 15) * 16 + (b & 15);
        let expected = [0x10, 0x20, 0x50][usize::from(hash % 3)];
        assert_eq!(run([2, a, b]), [expected, 1], "{hash}");
    }
    assert_eq!(
        run([3, 0, 0]),
        [0, 3],
        "an empty group hits and runs nothing"
    );
}

#[test]
fn a_packet_draws_anew_each_time() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let drawn = [0, 1].map(|n| gress.metadata(&format!("m{n}"), 64));
    let random = gress.gress.randoms.push(p4rmt_ir::Random {
        name: "r".to_owned(),
        width: 64,
        span: Span::NONE,
    });
    let body = drawn.map(|out| call(CallKind::Random { random }, [out]));
    let mut bench = load(gress, [Vec::new(), body.into(), Vec::new(), Vec::new()]);
    bench.run_part(&[], Part::Front, &[]);
    let first = drawn.map(|field| bench.value(field));
    assert_ne!(first[0], first[1]);
    bench.run_part(&[], Part::Front, &[]);
    assert_eq!(drawn.map(|field| bench.value(field)), first);
}
