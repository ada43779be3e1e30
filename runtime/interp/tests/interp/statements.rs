//! Statements and expressions of the structured form.

use p4rmt_engine::Mode;
use p4rmt_ir::build::{
    GressBuilder, add, apply, assign, assign_slice, branch, call, constant, eq, labeled, leave,
    param, stmt,
};
use p4rmt_ir::{
    Arch, BinaryOp, Bits, CallKind, CrcPolynomial, Expr, GressRole, HashAlgorithm, MatchKind,
    Outcome, Random, StmtKind, UnaryOp,
};
use p4rmt_source::Span;

use crate::support::{Bench, bits, whole};

/// The value of an expression over a field `x` of 16 bits that holds 0xbeef.
#[track_caller]
fn check_expr(expr: impl Fn(Expr) -> Expr, expected: Bits) {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let x = gress.metadata("x", 16);
    let y = gress.metadata("y", expected.width());
    let body = vec![
        assign(x, constant(16, 0xbeef)),
        assign(y, expr(Expr::Field(x))),
    ];
    let mut bench = Bench::new(gress.structured(body));
    assert_eq!(bench.run_for(y), expected);
}

#[test]
fn each_kind_of_expression() {
    check_expr(|x| x, bits(16, 0xbeef));
    check_expr(|_| constant(7, 5), bits(7, 5));
    check_expr(|x| Expr::slice(x, 11, 4), bits(8, 0xee));
    check_expr(|x| Expr::unary(UnaryOp::Not, x), bits(16, 0x4110));
    check_expr(|x| Expr::unary(UnaryOp::Neg, x), bits(16, 0x4111));
    check_expr(|x| add(x, constant(16, 0x5000)), bits(16, 0x0eef));
    check_expr(
        |x| Expr::binary(BinaryOp::Concat, x, constant(8, 1)),
        bits(24, 0x00be_ef01),
    );
    check_expr(|x| Expr::resize(x, 24, true), bits(24, 0x00ff_beef));
    check_expr(|x| Expr::resize(x, 8, false), bits(8, 0xef));
    check_expr(|x| eq(x, constant(16, 0xbeef)), bits(1, 1));
    let mux = |x, cond| Expr::mux(constant(1, cond), x, constant(16, 3));
    check_expr(|x| mux(x, 1), bits(16, 0xbeef));
    check_expr(|x| mux(x, 0), bits(16, 3));
}

#[test]
fn each_statement_sees_what_all_before_it_wrote() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (x, y) = (gress.metadata("x", 8), gress.metadata("y", 8));
    let body = vec![
        assign(x, constant(8, 0xf0)),
        assign(y, Expr::Field(x)),
        assign_slice(x, 3, 0, constant(4, 5)),
        assign(y, add(Expr::Field(x), Expr::Field(y))),
    ];
    let mut bench = Bench::new(gress.structured(body));
    assert_eq!(bench.run_for(x), bits(8, 0xf5));
    assert_eq!(bench.value(y), bits(8, 0xe5));
}

#[test]
fn a_packet_starts_with_zeros_and_the_inputs() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let stamp = gress.intrinsic("stamp", 100);
    let port = gress.intrinsic("port", 9);
    let count = gress.metadata("count", 8);
    let body = vec![assign(count, add(Expr::Field(count), constant(8, 1)))];
    let program = whole(Arch::Tna, gress.structured(body));
    let mut bench = Bench::load(program, Mode::Unplaced, &[stamp, port]);
    let wide = Bits::ones(100);
    bench.run_with(&[], &[], 0, &[wide.clone(), bits(9, 0x1ff)]);
    assert_eq!(bench.value(stamp), wide);
    assert_eq!(bench.value(port), bits(9, 0x1ff));
    bench.run_with(&[], &[], 0, &[bits(100, 1), bits(9, 0)]);
    assert_eq!(bench.value(stamp), bits(100, 1));
    assert_eq!(
        bench.value(count),
        bits(8, 1),
        "nothing is left of the packet before"
    );
}

#[test]
fn leave_goes_behind_its_label_and_exit_to_the_end() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let x = gress.metadata("x", 8);
    let (outer, inner) = (gress.label(), gress.label());
    let mark = |bit: u32| assign_slice(x, bit, bit, constant(1, 1));
    let body = vec![
        labeled(
            outer,
            vec![
                mark(0),
                labeled(inner, vec![mark(1), leave(outer), mark(2)]),
                mark(3),
            ],
        ),
        mark(4),
        branch(
            eq(Expr::Field(x), constant(8, 0x13)),
            vec![stmt(StmtKind::Exit)],
            Vec::new(),
        ),
        mark(5),
    ];
    let mut bench = Bench::new(gress.structured(body));
    assert_eq!(bench.run_for(x), bits(8, 0b01_0011));
}

#[test]
fn a_loop_turns_until_it_is_left() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let x = gress.metadata("x", 8);
    let label = gress.label();
    let turn = vec![
        assign(x, add(Expr::Field(x), constant(8, 3))),
        branch(
            eq(Expr::Field(x), constant(8, 30)),
            vec![leave(label)],
            Vec::new(),
        ),
    ];
    let body = vec![stmt(StmtKind::Loop { label, body: turn })];
    let mut bench = Bench::new(gress.structured(body));
    assert_eq!(bench.run_for(x), bits(8, 30));
}

#[test]
fn an_endless_loop_ends() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let x = gress.metadata("x", 8);
    let label = gress.label();
    let inner = gress.label();
    let endless = |label| {
        stmt(StmtKind::Loop {
            label,
            body: Vec::new(),
        })
    };
    let turn = vec![endless(inner)];
    let body = vec![
        stmt(StmtKind::Loop { label, body: turn }),
        assign(x, constant(8, 1)),
    ];
    let mut bench = Bench::new(gress.structured(body));
    assert_eq!(bench.run_for(x), bits(8, 1));
}

#[test]
fn a_table_runs_its_action_and_one_arm() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (x, arm) = (gress.metadata("x", 8), gress.metadata("arm", 8));
    let nop = gress.action("nop", &[], Vec::new());
    let set = gress.action("set", &[8], vec![assign(x, param(0, 8))]);
    let table = gress.table("t", &[(Expr::Field(x), MatchKind::Exact)], &[nop, set]);
    let entry = |key, value| p4rmt_ir::Entry {
        matches: vec![p4rmt_ir::Match::Exact(bits(8, key))],
        priority: 0,
        action: p4rmt_ir::ActionCall {
            action: set,
            args: vec![bits(8, value)],
        },
        span: Span::NONE,
    };
    gress.gress.tables[table].entries = vec![entry(0, 5), entry(1, 6)];
    let arms = |gress_arms: [(Outcome, u64); 3]| {
        gress_arms.map(|(on, value)| (on, vec![assign(arm, constant(8, value))]))
    };
    let by_action = [
        (Outcome::Action(nop), 1),
        (Outcome::Action(set), 2),
        (Outcome::Otherwise, 3),
    ];
    let mut hit = gress.clone();
    let body = vec![apply(table, arms(by_action))];
    let mut bench = Bench::new(hit.clone().structured(body));
    assert_eq!(bench.run_for(x), bits(8, 5));
    assert_eq!(bench.value(arm), bits(8, 2));
    let by_result = [
        (Outcome::Miss, 1),
        (Outcome::Hit, 2),
        (Outcome::Otherwise, 3),
    ];
    hit.gress.tables[table].entries.clear();
    let mut bench = Bench::new(hit.structured(vec![apply(table, arms(by_result))]));
    assert_eq!(bench.run_for(x), bits(8, 0));
    assert_eq!(bench.value(arm), bits(8, 1));
    assert_eq!((bench.counts()[0].hits, bench.counts()[0].misses), (0, 1));
}

#[test]
fn a_hash_takes_its_arguments_as_one_number() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let x = gress.metadata("x", 16);
    let hash = gress.hash("h", 16);
    gress.gress.hashes[hash].algorithm = HashAlgorithm::Crc(CrcPolynomial {
        width: 16,
        poly: 0x8005,
        init: 0,
        xor_out: 0,
        is_reflected: true,
    });
    let args = b"123456789"
        .map(|digit| constant(8, u64::from(digit)))
        .into();
    let body = vec![call(CallKind::Hash { hash, args }, [x])];
    let mut bench = Bench::new(gress.structured(body));
    assert_eq!(bench.run_for(x), bits(16, 0xbb3d));
}

#[test]
fn random_values_depend_on_the_clock() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let x = gress.metadata("x", 48);
    let random = gress.gress.randoms.push(Random {
        name: "r".into(),
        width: 48,
        span: Span::NONE,
    });
    let body = vec![call(CallKind::Random { random }, [x])];
    let mut bench = Bench::new(gress.structured(body));
    let mut draw = |clock| {
        bench.run_with(&[], &[], clock, &[]);
        bench.value(x)
    };
    let first = draw(1);
    assert_ne!(first, draw(2));
    assert_eq!(first, draw(1));
}
