//! E04xx: what a pipeline of tables cannot do, whatever its size.

use crate::frame::INGRESS;
use crate::{Case, case};

/// A register `r` and a register action `ra` on it, which adds what is given.
macro_rules! adding {
    ($what:literal) => {
        concat!(
            "Register<bit<32>, bit<16>>(16) r;\n",
            "RegisterAction<bit<32>, bit<16>, bit<32>>(r) ra = {\n",
            " void apply(inout bit<32> v, out bit<32> o) { v = v + ",
            $what,
            "; o = v; } };\n"
        )
    };
}

/// A table `t` that runs the action `a`, and what follows it.
macro_rules! applied {
    ($rest:literal) => {
        concat!(
            "\ntable t { actions = { a; } default_action = a; }\napply { t.apply(); ",
            $rest,
            " }"
        )
    };
}

pub(crate) const CASES: &[Case] = &[
    case(
        "E0401",
        INGRESS,
        "apply {\n for (bit<32> i in 0 .. 3) { hdr.h.a = hdr.h.a + i; } }",
        "apply {\n for (bit<32> i = 0; i < hdr.h.b; i = i + 1) { hdr.h.a = hdr.h.a + hdr.h.c; } }",
        2,
    ),
    case(
        "E0402",
        INGRESS,
        concat!(
            "action a() { hdr.h.b = 1;\n exit; }",
            applied!("hdr.h.c = 1;")
        ),
        concat!(
            "action a() { if (hdr.h.a == 0) {\n exit; } hdr.h.b = 1; }",
            applied!("hdr.h.c = 1;")
        ),
        2,
    ),
    case(
        "E0403",
        INGRESS,
        concat!(
            adding!("1"),
            "action a() {\n md.x = ra.execute(hdr.h.i); }",
            applied!("")
        ),
        concat!(
            adding!("1"),
            "action a() { if (hdr.h.a == 0) {\n md.x = ra.execute(hdr.h.i); } }",
            applied!("")
        ),
        5,
    ),
    case(
        "E0404",
        INGRESS,
        concat!(
            adding!("hdr.h.a"),
            "action a() { hdr.h.b = hdr.h.c - 1;\n hdr.h.d = ra.execute(hdr.h.i); }",
            applied!("")
        ),
        concat!(
            adding!("hdr.h.a"),
            "action a() { hdr.h.a = hdr.h.c - 1;\n hdr.h.d = ra.execute(hdr.h.i); }",
            applied!("")
        ),
        5,
    ),
    case(
        "E0405",
        INGRESS,
        concat!("action a() { hdr.h.a = hdr.h.a + hdr.h.a; }", applied!("")),
        concat!(
            "#define TWICE hdr.h.a = hdr.h.a + hdr.h.a;\n#define MORE TWICE TWICE TWICE TWICE\n\
             action a() {\n MORE MORE MORE MORE }",
            applied!("")
        ),
        4,
    ),
    case(
        "E0406",
        INGRESS,
        "table t { key = { hdr.h.a : exact; } actions = { NoAction; } }\n\
         apply { if (hdr.h.n == 1) { t.apply(); } else {\n t.apply(); } }",
        "table t { key = { hdr.h.a : exact; } actions = { NoAction; } }\n\
         apply { t.apply();\n t.apply(); }",
        3,
    ),
    case(
        "E0410",
        INGRESS,
        "apply { if (hdr.h.a == 1) { exit; } if (hdr.h.a == 2) { exit; } hdr.h.b = 1; }",
        "#define ONE if (hdr.h.a == hdr.h.b) { exit; } hdr.h.b = hdr.h.b + 1;\n\
         #define EIGHT ONE ONE ONE ONE ONE ONE ONE ONE\n\
         #define MANY EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT\n\
         apply {\n MANY MANY MANY MANY MANY }",
        5,
    ),
    case(
        "E0411",
        INGRESS,
        concat!(
            adding!("1"),
            "apply { if (hdr.h.a == 1) { md.x = ra.execute(0); }\n else { md.x = ra.execute(1); } }"
        ),
        concat!(
            adding!("1"),
            "apply { if (hdr.h.a == 1) { md.x = ra.execute(0); }\n if (hdr.h.a == 2) { md.x = ra.execute(1); } }"
        ),
        5,
    ),
    case(
        "E0412",
        INGRESS,
        "DirectCounter<bit<32>>(CounterType_t.PACKETS) n;\naction a() { n.count(); }\n\
         table t { key = { hdr.h.a : exact; } actions = { a; } counters = n; }\napply { t.apply(); }",
        "DirectCounter<bit<32>>(CounterType_t.PACKETS) n;\napply {\n n.count(); }",
        3,
    ),
];
