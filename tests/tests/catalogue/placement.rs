//! E05xx: what does not fit a machine.

use crate::frame::{INGRESS, INGRESS_OF_TOFINO2};
use crate::{Case, case};

/// A case on Tofino 2.
const fn fits(
    code: &'static str,
    accepted: &'static str,
    refused: &'static str,
    line: u32,
) -> Case {
    case(code, INGRESS, accepted, refused, line).placed("tofino2")
}

/// The body of the ingress: a table that runs the register action `ra`, with this body, on a register
/// of so many of these elements.
macro_rules! stateful {
    ($body:literal) => {
        stateful!("bit<32>", "16", $body)
    };
    ($element:literal, $size:literal, $body:literal) => {
        concat!(
            "Register<",
            $element,
            ", bit<32>>(",
            $size,
            ") r;\n",
            "RegisterAction<",
            $element,
            ", bit<32>, bit<32>>(r) ra = {\n",
            " void apply(inout ",
            $element,
            " v, out bit<32> o) {\n",
            "  ",
            $body,
            " } };\n",
            "action a() { md.x = ra.execute(hdr.h.d); }\n",
            "table t { actions = { a; } default_action = a; }\napply { t.apply(); }"
        )
    };
}

/// The body of the ingress: a table `t` with the action `a`.
macro_rules! acting {
    ($action:literal) => {
        concat!(
            $action,
            "\ntable t { key = { hdr.h.n : exact; } actions = { a; } }\napply { t.apply(); }"
        )
    };
}

/// The body of the ingress: a table `t` with the actions `a` and `b`, which use the counter `n`.
macro_rules! counting {
    ($actions:literal) => {
        concat!(
            "Counter<bit<32>, bit<32>>(16, CounterType_t.PACKETS) n;\n",
            $actions,
            "\ntable t { key = { hdr.h.n : exact; } actions = { a; b; } }\napply { t.apply(); }"
        )
    };
}

/// The body of the ingress: a table `t` with this key.
macro_rules! matching {
    ($key:literal) => {
        concat!(
            "table t { key = {\n ",
            $key,
            "; } actions = { NoAction; } }\napply { t.apply(); }"
        )
    };
}

/// The body of the ingress: two tables that each set a byte of what a third moves into one sum, the
/// second with this key.
macro_rules! setting_bytes {
    ($key:literal) => {
        concat!(
            "action set_kind(bit<8> v) { hdr.h.kind = v; }\n",
            "action set_n(bit<8> v) { hdr.h.n = v; }\n",
            "action join() { hdr.h.i = hdr.h.kind ++ hdr.h.n; }\n",
            "action count() { hdr.h.i = hdr.h.i + 1; }\n",
            "table t { key = { hdr.h.a : exact; } actions = { set_kind; } }\n",
            "table u { key = { ",
            $key,
            " : exact; } actions = { set_n; } }\n",
            "table v { key = { hdr.h.b : exact; } actions = { join; count; } }\n",
            "apply { t.apply(); u.apply(); v.apply(); }"
        )
    };
}

pub(crate) const CASES: &[Case] = &[
    case(
        "E0501",
        INGRESS,
        "#define STEP hdr.h.a = hdr.h.a + hdr.h.b; hdr.h.b = hdr.h.b + hdr.h.a;\napply { STEP STEP }",
        "#define STEP hdr.h.a = hdr.h.a + hdr.h.b; hdr.h.b = hdr.h.b + hdr.h.a;\n\
         apply { STEP STEP STEP STEP STEP STEP STEP }",
        // Of the pipe.
        21,
    )
    .placed("tofino1"),
    fits(
        "E0502",
        stateful!("v = v + 1; o = v;"),
        stateful!("bit<32>", "4000000", "v = v + 1; o = v;"),
        6,
    ),
    fits(
        "E0503",
        matching!("hdr.wide.p[511:0] : exact"),
        matching!("hdr.wide.p : exact; hdr.wide.q : exact"),
        1,
    ),
    fits("E0504", matching!("hdr.h.i : range"), matching!("hdr.h.a : range"), 2),
    fits(
        "E0505",
        "Counter<bit<32>, bit<16>>(16, CounterType_t.PACKETS) n;\n\
         action a() { n.count(hdr.h.i); hdr.h.b = 1; }\n\
         table first { key = { hdr.h.a : exact; } actions = { a; } }\n\
         table second { key = { hdr.h.c : exact; } actions = { a; } }\n\
         apply { if (hdr.h.n == 1) { first.apply(); } else { second.apply(); } }",
        "Counter<bit<32>, bit<16>>(16, CounterType_t.PACKETS) n;\n\
         action a() { n.count(hdr.h.i); hdr.h.b = 1; }\n\
         table first { key = { hdr.h.a : exact; } actions = { a; } }\n\
         table second { key = { hdr.h.b : exact; } actions = { a; } }\n\
         apply { first.apply(); second.apply(); }",
        4,
    ),
    fits(
        "E0506",
        stateful!("v = v + 1; o = v;"),
        "Register<bit<32>, bit<16>>(16) r;\nRegister<bit<32>, bit<16>>(16) q;\n\
         action a() { hdr.h.b = r.read(hdr.h.i); }\naction b() { hdr.h.b = q.read(hdr.h.i); }\n\
         table t { key = { hdr.h.a : exact; } actions = { a; b; } }\napply { t.apply(); }",
        5,
    ),
    fits(
        "E0507",
        "action set() { hdr.h.b = 1; }\ntable s { key = { hdr.h.a : exact; } actions = { set; } }\n\
         @stage(1) table t { key = { hdr.h.b : exact; } actions = { set; } }\n\
         apply { s.apply(); t.apply(); }",
        "action set() { hdr.h.b = 1; }\ntable s { key = { hdr.h.a : exact; } actions = { set; } }\n\
         @stage(0) table t { key = { hdr.h.b : exact; } actions = { set; } }\n\
         apply { s.apply(); t.apply(); }",
        3,
    ),
    case(
        "E0508",
        INGRESS,
        "Counter<bit<32>, bit<16>>(16, CounterType_t.PACKETS) n;\n\
         action a() { n.count(hdr.h.i); hdr.h.n = 1; }\naction c() { n.count(hdr.h.i); }\n\
         table t1 { key = { hdr.h.a : exact; } actions = { a; } }\n\
         table t2 { key = { hdr.h.kind : exact; } actions = { c; } }\n\
         apply { if (hdr.h.c == 1) { t1.apply(); } if (hdr.h.d == 1) { t2.apply(); } }",
        "Counter<bit<32>, bit<16>>(16, CounterType_t.PACKETS) n;\n\
         action a() { n.count(hdr.h.i); hdr.h.n = 1; }\naction c() { n.count(hdr.h.i); }\n\
         table t1 { key = { hdr.h.a : exact; } actions = { a; } }\n\
         table t2 { key = { hdr.h.kind : exact; } actions = { c; } }\n\
         action after() { hdr.h.b = 3; }\naction before() { hdr.h.kind = 2; }\n\
         table after_t1 { key = { hdr.h.n : exact; } actions = { after; } }\n\
         table before_t2 { key = { hdr.wide.p[7:0] : exact; } actions = { before; } }\n\
         apply { if (hdr.h.c == 1) { t1.apply(); after_t1.apply(); }\n\
         if (hdr.h.d == 1) { before_t2.apply(); t2.apply(); } }",
        5,
    )
    .placed("tofino1"),
    fits(
        "E0510",
        acting!("action a(bit<32> x) {\n hdr.h.a = (hdr.h.b + x) & hdr.h.c; }"),
        // Behind an action that exits, nothing can be done.
        acting!("action a(bit<32> x) {\n hdr.h.a = (hdr.h.b + x) & hdr.h.c; exit; }"),
        2,
    ),
    fits(
        "E0511",
        acting!("action a() {\n hdr.h.a = hdr.h.b << 3; }"),
        acting!("action a() {\n hdr.h.a = hdr.h.b * hdr.h.c; }"),
        2,
    ),
    fits(
        "E0512",
        acting!("action a(bit<32> x, bit<32> y) {\n hdr.h.a = x + y; }"),
        acting!("action a(bit<32> x, bit<32> y) {\n hdr.h.a = x + y; exit; }"),
        2,
    ),
    fits(
        "E0513",
        "apply {\n if (hdr.h.a == hdr.h.b) { hdr.h.c = 1; } }",
        "apply {\n if (hdr.h.a - hdr.h.b == 0) { hdr.h.c = 1; } }",
        2,
    ),
    fits(
        "E0514",
        "apply {\n if (hdr.h.a > 7) { hdr.h.c = 1; } }",
        "apply {\n if (hdr.h.a > hdr.h.b) { hdr.h.c = 1; } }",
        2,
    ),
    fits(
        "E0515",
        "apply {\n if (hdr.h.a >= 5 << 22) { hdr.h.c = 1; } }",
        "apply {\n if (hdr.h.a >= 9 << 19) { hdr.h.c = 1; } }",
        2,
    ),
    fits(
        "E0520",
        stateful!("v = v + 1; o = v;"),
        "#define ACTION(name, n) RegisterAction<bit<32>, bit<32>, bit<32>>(r) name = { \
         void apply(inout bit<32> v, out bit<32> o) { v = v + n; o = v; } };\n\
         Register<bit<32>, bit<32>>(16) r;\n\
         ACTION(r1, 1) ACTION(r2, 2) ACTION(r3, 3) ACTION(r4, 4) ACTION(r5, 5)\n\
         #define CALL(name, of) action name() { md.x = of.execute(hdr.h.d); }\n\
         CALL(a1, r1) CALL(a2, r2) CALL(a3, r3) CALL(a4, r4) CALL(a5, r5)\n\
         table t { key = { hdr.h.a : exact; } actions = { a1; a2; a3; a4; a5; } }\napply { t.apply(); }",
        3,
    ),
    fits(
        "E0521",
        stateful!("v = hdr.h.a; o = hdr.h.b;"),
        stateful!("if (v == hdr.h.c) { v = hdr.h.a; }\n  o = hdr.h.b;"),
        5,
    ),
    fits(
        "E0522",
        stateful!("if (v == hdr.h.a) { v = 1; } o = 0;"),
        stateful!("bit<16>", "16", "if (hdr.h.a == 1) { v = 1; } o = 0;"),
        4,
    ),
    fits(
        "E0524",
        stateful!("v = v + 1; o = v;"),
        stateful!("bit<24>", "16", "v = v + 1; o = 0;"),
        1,
    ),
    case(
        "E0525",
        INGRESS,
        stateful!("if (v == 0 || v == hdr.h.a) { v = 1; } o = v;"),
        stateful!("if (v == 0 || v == 5 || v < 9) { v = 1; } o = v;"),
        4,
    )
    .placed("tofino1"),
    fits(
        "E0526",
        stateful!("if (v + 3 == hdr.h.a) { v = 1; } o = 0;"),
        stateful!("if ((v ^ hdr.h.a) == 1) { v = 1; } o = 0;"),
        4,
    ),
    fits(
        "E0527",
        stateful!("pair_t", "16", "v.lo = v.lo + 1; o = v.hi;"),
        stateful!("pair_t", "16", "v.lo = v.lo + 1; o = v.hi + hdr.h.a;"),
        4,
    ),
    case(
        "E0528",
        INGRESS_OF_TOFINO2,
        stateful!("v = v + 1; o = v;"),
        "Register<bit<32>, bit<16>>(16) r;\n\
         RegisterAction2<bit<32>, bit<16>, bit<32>, bit<32>>(r) ra = {\n \
         void apply(inout bit<32> v, out bit<32> o, out bit<32> p) { v = v + 1; o = v; p = hdr.h.a; } };\n\
         action a() { md.x = ra.execute(hdr.h.i, md.y); }\n\
         table t { actions = { a; } default_action = a; }\napply { t.apply(); }",
        3,
    )
    .placed("tofino1"),
    fits(
        "E0529",
        stateful!("if (hdr.h.a == 0) { v = 1; } else { v = 2; } o = 0;"),
        stateful!("if (hdr.h.a == 0) { v = 1; } else if (hdr.h.b == 0) { v = 2; } else {\n v = 3; } o = 0;"),
        5,
    ),
    fits(
        "E0530",
        stateful!("v = v + hdr.h.a; o = 0;"),
        stateful!("v = v + hdr.h.a;\n  v = v + 1; o = 0;"),
        5,
    ),
    fits(
        "E0531",
        stateful!("v = v & hdr.h.a; o = v;"),
        stateful!("v = v >> 1; o = 0;"),
        4,
    ),
    fits(
        "E0532",
        stateful!("bit<64>", "16", "v = 1; o = 0;"),
        stateful!("bit<64>", "16", "v = v + 1; o = 0;"),
        4,
    ),
    fits(
        "E0533",
        stateful!("if (v < hdr.h.a) { v = 1; } o = 0;"),
        stateful!("if (v < hdr.h.a + hdr.h.b) { v = 1; } o = 0;"),
        4,
    ),
    case(
        "E0534",
        INGRESS,
        stateful!("if (v == 3) { v = 1; } o = 0;"),
        stateful!("if (v[7:4] == 3) { v = 1; } o = 0;"),
        4,
    )
    .placed("tofino1"),
    fits(
        "E0535",
        stateful!("if (v == 100) { v = v + 200; } else { v = v + 300; } o = 0;"),
        stateful!("if (v == 100 || v == 400 || v == 500) { v = v + 200; } else { v = v + 300; } o = 0;"),
        4,
    ),
    case(
        "E0536",
        INGRESS,
        stateful!("if (v > 0x40000000) { v = 1; } o = 0;"),
        stateful!("if (v > 0xc0000000) { v = 1; } o = 0;"),
        4,
    )
    .placed("tofino1"),
    fits(
        "E0537",
        stateful!("bit<1>", "16", "v = 1; o = 0;"),
        stateful!("bit<1>", "16", "v = hdr.h.a[0:0]; o = 0;"),
        4,
    ),
    fits(
        "E0538",
        concat!(
            "MathUnit<bit<32>>(MathOp_t.SQR, 1) square;\n",
            stateful!("pair_t", "16", "v.lo = square.execute(v.lo); o = 0;")
        ),
        concat!(
            "MathUnit<bit<32>>(MathOp_t.SQR, 1) square;\n",
            stateful!("pair_t", "16", "v.hi = square.execute(v.hi); o = 0;")
        ),
        5,
    ),
    fits(
        "E0560",
        stateful!("o = v / hdr.h.a; v = v + 1;"),
        stateful!("v = v / hdr.h.a; o = 0;"),
        4,
    ),
    fits(
        "E0561",
        stateful!("o = this.predicate(v == hdr.h.a, v == 3); if (v == 3) { v = 0; }"),
        stateful!("o = this.predicate(v == hdr.h.a); if (v == 3) { v = 0; }"),
        4,
    ),
    fits(
        "E0562",
        stateful!("bit<128>", "16", "o = (bit<32>)this.max8(v, 0xffff);"),
        stateful!("bit<128>", "16", "o = (bit<32>)this.max8(v, 0xffff); v = 0;"),
        4,
    ),
    fits(
        "E0563",
        stateful!("bit<64>", "16", "o = 0; if (v == hdr.h.a ++ hdr.h.b) { o = 1; }"),
        stateful!("bit<64>", "16", "o = 0; if (v < hdr.h.a ++ hdr.h.b) { o = 1; }"),
        4,
    ),
    fits(
        "E0564",
        stateful!("bit<64>", "16", "o = 0; if (v & 1 == hdr.h.a ++ hdr.h.b & 1 || v & 2 == hdr.h.a ++ hdr.h.b & 2) { o = 1; }"),
        stateful!("bit<64>", "16", "o = 0; if (v & 1 == hdr.h.a ++ hdr.h.b & 1 || v & 2 == hdr.h.a ++ hdr.h.b & 2 || v & 4 == hdr.h.a ++ hdr.h.b & 4) { o = 1; }"),
        4,
    ),
    // A sum has one container, so what is moved into it has the same size of one.
    fits(
        "E0545",
        setting_bytes!("hdr.h.kind"),
        setting_bytes!("hdr.h.a"),
        6,
    ),
    fits(
        "E0570",
        acting!("Counter<bit<32>, bit<32>>(16, CounterType_t.PACKETS) n;\naction a() {\n n.count(hdr.h.a); }"),
        acting!(
            "Counter<bit<32>, bit<32>>(16, CounterType_t.PACKETS) n;\naction a() {\n n.count(hdr.h.a);\n n.count(hdr.h.a); }"
        ),
        4,
    ),
    fits(
        "E0571",
        counting!("action a() { n.count(hdr.h.a); }\naction b() { n.count(hdr.h.a); }"),
        counting!("action a() { n.count(hdr.h.a); }\naction b() { n.count(hdr.h.b); }"),
        3,
    ),
    fits(
        "E0572",
        counting!("action a() { n.count(5); }\naction b(bit<32> i) { n.count(i); }"),
        counting!("action a() { n.count(hdr.h.a); }\naction b(bit<32> i) { n.count(i); }"),
        3,
    ),
    fits(
        "E0573",
        acting!("Counter<bit<32>, bit<32>>(16, CounterType_t.PACKETS) n;\naction a() {\n n.count(hdr.h.a); }"),
        acting!(
            "Counter<bit<32>, bit<32>>(16, CounterType_t.PACKETS) n;\naction a() {\n n.count(hdr.h.a + hdr.h.b); }"
        ),
        3,
    ),
];
