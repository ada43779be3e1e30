//! W: what a program without errors may not mean.

use crate::{Case, case};

/// A program whose `apply` begins in line 7, in a control with parameters `h` and `x`.
macro_rules! apply {
    ($($line:literal)*) => {
        concat!(
            "#include <core.p4>\n",
            "match_kind { range }\n",
            "header h_t { bit<8> a; bit<8> b; }\n",
            "extern void f(out bit<8> a, out bit<8> b);\n",
            "@deprecated(\"use f\") extern void g();\n",
            "control c(inout h_t h, inout bit<8> x) { action n() {} action m() {} apply {\n",
            $($line, "\n",)*
            "n(); m(); } }\n",
            "control p(inout h_t h, inout bit<8> x); package top(p _p); top(c()) main;\n",
        )
    };
}

/// A program with a table whose properties begin in line 5.
macro_rules! table {
    ($($line:literal)*) => {
        concat!(
            "#include <core.p4>\n",
            "control c(inout bit<8> x) {\n",
            "action a() {} action b() {}\n",
            "table t { actions = { a; b; }\n",
            $($line, "\n",)*
            "}\n",
            "apply { t.apply(); } }\n",
            "control p(inout bit<8> x); package top(p _p); top(c()) main;\n",
        )
    };
}

/// A program with a parser whose states begin in line 3.
macro_rules! states {
    ($($line:literal)*) => {
        concat!(
            "#include <core.p4>\n",
            "header h_t { bit<8> a; } parser c(packet_in k, out h_t h) {\n",
            $($line, "\n",)*
            "}\n",
            "parser p(packet_in k, out h_t h); package top(p _p); top(c()) main;\n",
        )
    };
}

pub(crate) const CASES: &[Case] = &[
    case(
        "W1001",
        apply!("bit<8> y = 1; x = y;"),
        apply!("bit<8> y = 1;"),
        7,
    ),
    case(
        "W1002",
        apply!("bit<8> y = 1; x = y;"),
        apply!("bit<8> y = 1; { bool y = true; if (y) { x = 1; } } x = y;"),
        7,
    ),
    case("W1003", apply!("n();"), apply!("g();"), 7),
    case(
        "W2001",
        apply!("bit<8> y; y = 1; x = y;" "bit<8> z; if (x == 1) { z = 1; } else { return; } x = z;"),
        apply!("bit<8> y;" "x = y;"),
        8,
    ),
    case(
        "W2002",
        "bit<8> f(out bit<8> a) { a = 1; return a; }",
        "void f(in bool c, out bit<8> a) { if (c) { a = 1; } }",
        1,
    ),
    case(
        "W2003",
        apply!("h_t i; i.setValid(); i.a = 1; x = i.a;" "if (h.isValid()) { x = h.a; } x = h.b;"),
        apply!("h.setInvalid();" "x = h.a;"),
        8,
    ),
    case(
        "W3001",
        apply!("if (x > 0) { n(); }"),
        apply!("if (x >= 0) { n(); }"),
        7,
    ),
    case(
        "W3002",
        apply!("x = 255; x = 0xFF & -1;"),
        apply!("x = 256;"),
        7,
    ),
    case(
        "W6001",
        states!("state start { transition select(k.lookahead<bit<8>>()) { 1: next; _: accept; } }" "state next { transition accept; }"),
        states!("state start { transition accept; }" "state next { transition accept; }"),
        4,
    ),
    case(
        "W6002",
        states!("state start { transition reject; }"),
        states!("state start { }"),
        3,
    ),
    case("W6003", apply!("f(x, h.a);"), apply!("f(x, x);"), 7),
    case(
        "W7001",
        table!("key = { x: ternary; }" "entries = { priority = 9: 1: a;" "2: b; }"),
        table!("key = { x: ternary; }" "entries = { priority = 9: 1: a;" "priority = 9: 2: b; }"),
        7,
    ),
    case(
        "W7002",
        table!("key = { x: ternary; }" "entries = { priority = 9: 1: a;" "priority = 5: 2: b; }"),
        table!("key = { x: ternary; }" "entries = { priority = 5: 1: a;" "priority = 9: 2: b; }"),
        7,
    ),
    case(
        "W7003",
        table!("key = { x: ternary; }" "const entries = { 1: a;" "0 &&& 1: b; }"),
        table!("key = { x: ternary; }" "const entries = { 0 &&& 1: a;" "2: b; }"),
        7,
    ),
    case(
        "W7004",
        table!("key = { x: exact; }"),
        table!("key = { 8w1: exact; }"),
        5,
    ),
];
