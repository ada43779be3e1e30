//! E6xxx: declarations, blocks, statements, calls and annotations.

use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "E6001",
        "action a(inout bit<8> x, bit<8> data) { x = data; }",
        "action a(bit<8> data,\n inout bit<8> x) { x = data; }",
        2,
    ),
    case(
        "E6002",
        "extern void f(in bit<8> x = 1, bit<8> y = 2);",
        "extern void f(\n out bit<8> x = 1);",
        2,
    ),
    case(
        "E6003",
        "extern void f(@optional in bit<8> x);\npackage p(@optional bit<8> x);",
        "bit<8> f(\n @optional in bit<8> x) { return x; }",
        2,
    ),
    case(
        "E6010",
        "control i() { apply {} }\ncontrol c() {\n i() x;\n apply { x.apply(); } }",
        "control i() { apply {} }\ncontrol c() {\n apply {\n i() x; } }",
        4,
    ),
    case(
        "E6011",
        "extern e { e(); abstract void f(); }\ne() x = { void f() {} };",
        "extern e { e(); void f(); }\ne() x = { void f() {} };",
        2,
    ),
    case(
        "E6012",
        "extern e { e(); abstract void f(); }\ne() x = { void f() {} };",
        "extern e { e(); abstract void f(); }\ne() x = { void f() {}\n void g() {} };",
        3,
    ),
    case(
        "E6013",
        "extern e<T> { e(); abstract void f(in T x); }\ne<bit<8>>() x = { void f(in bit<8> x) {} };",
        "extern e<T> { e(); abstract void f(in T x); }\ne<bit<8>>() x = { void f(in bit<16> x) {} };",
        2,
    ),
    case(
        "E6014",
        "extern e { e(); abstract void f(); }\npackage p(e x);\ne() x = { void f() {} };\np(x) main;",
        "extern e { e(); abstract void f(); }\npackage p(e x);\np(e()) main;",
        3,
    ),
    case(
        "E6015",
        "extern e { e(); void f(); }",
        "extern e {\n f(); }",
        2,
    ),
    case(
        "E6016",
        "extern e { void f(in bit<8> a); void f(in bit<8> b); }",
        "extern e { void f(in bit<8> a);\n void f(in bit<16> a); }",
        2,
    ),
    case(
        "E6017",
        "bit<8> f(in bool c) { if (c) { return 1; } else { return 2; } }",
        "bit<8> f(in bool c) { if (c) { return 1; } }",
        1,
    ),
    case(
        "E6020",
        "parser p() { state start { transition accept; } }",
        "parser p() { state begin { transition accept; } }",
        1,
    ),
    case(
        "E6021",
        "parser p() { state start { transition accept; } }",
        "parser p() { state start { transition accept; }\n state accept {} }",
        2,
    ),
    case(
        "E6022",
        "parser p(in bit<8> x) { state start { transition select(x) { 1: start; } } }",
        "parser p() { state start { transition next; } state next { transition start; } }",
        1,
    ),
    case(
        "E6023",
        "parser p(in bit<8> x) { state start { transition select(x) { _: accept; } } }",
        "header h {} parser p(in h x) { state start {\n transition select(x) { _: accept; } } }",
        2,
    ),
    case(
        "E6024",
        "parser p() { value_set<bit<8>>(4) s; state start { transition accept; } }",
        "parser p() {\n value_set<int>(4) s; state start { transition accept; } }",
        2,
    ),
    case(
        "E6030",
        "control c() { table t { actions = {} }\n apply { t.apply(); } }",
        "control c() { table t { actions = {} }\n action a() { t.apply(); } apply {} }",
        2,
    ),
    case(
        "E6031",
        "action a() { return; }",
        "parser p() { state start {\n return; } }",
        2,
    ),
    case(
        "E6032",
        "header h {}\nparser p(inout h[2] s) { state start {\n s.next.setValid(); transition accept; } }",
        "header h {}\ncontrol c(inout h[2] s) { apply {\n s.next.setValid(); } }",
        3,
    ),
    case(
        "E6033",
        "action a() {}\ncontrol c() { table t { actions = { a; } } apply {\n switch (t.apply().action_run) { a: {} } } }",
        "extern void f<T>(in T x);\ncontrol c() { table t { actions = {} } apply {\n f(t.apply().action_run); } }",
        3,
    ),
    case(
        "E6041",
        "control c(in bit<8> x) { apply { switch (x) { 1: {}\n 2: {} } } }",
        "control c(in bit<8> x) { apply { switch (x) { 1: {}\n 1: {} } } }",
        2,
    ),
    case(
        "E6042",
        "control c(in bit<8> x) { apply { switch (x) { 1: {}\n default: {} } } }",
        "control c(in bit<8> x) { apply { switch (x) { default: {}\n 1: {} } } }",
        2,
    ),
    case(
        "E6043",
        "action a() {}\naction b() {}\ncontrol c() { table t { actions = { a; } } apply { switch (t.apply().action_run) {\n a: {} } } }",
        "action a() {}\naction b() {}\ncontrol c() { table t { actions = { a; } } apply { switch (t.apply().action_run) {\n b: {} } } }",
        4,
    ),
    case(
        "E6050",
        "package p();\np() main;",
        "extern e { e(); }\ne() main;",
        2,
    ),
    case(
        "E6060",
        "@name(\"b\" ++ \"c\") action a() {}",
        "@name(4) action a() {}",
        1,
    ),
    case(
        "E6061",
        "@a[1] @b(2) @b(3) action a() {}",
        "@a[1]\n@a(2) action a() {}",
        2,
    ),
    case(
        "E6062",
        "@a[1, true, \"x\"] action a() {}",
        "@a[x = { 1, 2 }] action a() {}",
        1,
    ),
];
