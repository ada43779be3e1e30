//! E7xxx: tables.

use crate::{Case, case};

/// A program with a table in a control with actions `a` and `b`, the table's text beginning in line 9.
macro_rules! table {
    ($($line:literal)*) => {
        concat!(
            "#include <core.p4>\n",
            "match_kind { range, optional }\n",
            "header h_t { bit<8> x; bit<8> y; bool b; varbit<8> v; }\n",
            "control c(inout h_t h) {\n",
            "action a() {}\n",
            "action b(inout bit<8> p, bit<8> q) { p = q; }\n",
            "action d() {}\n",
            "table t {\n",
            $($line, "\n",)*
            "}\n",
            "apply { t.apply(); } }\n",
        )
    };
}

pub(crate) const CASES: &[Case] = &[
    case(
        "E7001",
        table!("actions = {}"),
        table!("key = { h.x: exact; }"),
        8,
    ),
    case(
        "E7002",
        table!("actions = {}" "size = 1;"),
        table!("actions = {}" "size = 1;" "size = 2;"),
        11,
    ),
    case(
        "E7003",
        table!("actions = { a; }" "default_action = a;"),
        table!("default_action = a;" "actions = { a; }"),
        9,
    ),
    case(
        "E7004",
        table!("actions = {}" "size = 4 * 2;"),
        table!("actions = {}" "size = -1;"),
        10,
    ),
    case(
        "E7005",
        table!("actions = { a;" "d; }"),
        table!("actions = { a;" "a; }"),
        10,
    ),
    case(
        "E7006",
        table!("actions = { a; }" "default_action = a;"),
        table!("actions = { a; }" "default_action = d;"),
        10,
    ),
    case(
        "E7007",
        table!("actions = { b(h.x); }"),
        table!("actions = { b(p = h.x, q = 1); }"),
        9,
    ),
    case(
        "E7008",
        table!("actions = { b(h.x); }" "default_action = b(h.x, 1);"),
        table!("actions = { b(h.x); }" "default_action = b(h.y, 1);"),
        10,
    ),
    case(
        "E7009",
        table!("actions = { b(h.x); }" "default_action = b(h.x, 1);"),
        table!("actions = { b(h.x); }" "default_action = b(h.x, h.y);"),
        10,
    ),
    case(
        "E7010",
        table!("actions = { @tableonly a; d; }" "default_action = d;"),
        table!("actions = { @tableonly a; d; }" "default_action = a;"),
        10,
    ),
    case(
        "E7011",
        table!("actions = {}" "key = { h.b: exact; }"),
        table!("actions = {}" "key = { h.v: exact; }"),
        10,
    ),
    case(
        "E7012",
        table!("actions = {}" "key = { h.x: lpm; }"),
        table!("actions = {}" "key = { h.b: lpm; }"),
        10,
    ),
    case(
        "E7013",
        table!("actions = {}" "key = { h.x + h.y: exact @name(\"sum\"); h.x & 7: exact; }"),
        table!("actions = {}" "key = { h.x + h.y: exact; }"),
        10,
    ),
    case(
        "E7014",
        "action NoAction() {}\ncontrol c() { table t { actions = {} } apply { t.apply(); } }",
        "action NoAction(bit<8> x) {}\ncontrol c() { table t { actions = {} } apply { t.apply(); } }",
        1,
    ),
    case(
        "E7020",
        table!("actions = { a; }" "key = { h.x: exact; }" "entries = { 1: a; }"),
        table!("actions = { a; }" "entries = { _: a; }"),
        10,
    ),
    case(
        "E7022",
        table!("actions = { a; }" "key = { h.x: range; h.y: ternary; }" "entries = { (1..2, 1 &&& 3): a; }"),
        table!("actions = { a; }" "key = { h.x: range; h.y: ternary; }" "entries = { (1..2, 1..3): a; }"),
        11,
    ),
    case(
        "E7023",
        table!("actions = { a; }" "key = { h.x: lpm; }" "entries = { 0x10 &&& 0xF0: a; }"),
        table!("actions = { a; }" "key = { h.x: lpm; }" "entries = { 0x10 &&& 0x0F: a; }"),
        11,
    ),
    case(
        "E7024",
        table!("actions = { a; }" "key = { h.x: range; }" "entries = { 1..8: a; }"),
        table!("actions = { a; }" "key = { h.x: range; }" "entries = { 8..1: a; }"),
        11,
    ),
    case(
        "E7025",
        table!("actions = { a; }" "key = { h.x: exact; }" "entries = { 1: a;" "2: a; }"),
        table!("actions = { a; }" "key = { h.x: exact; }" "entries = { 1: a;" "1: a; }"),
        12,
    ),
    case(
        "E7026",
        table!("actions = { a; }" "key = { h.x: ternary; }" "entries = { priority = 1: 1: a; }"),
        table!("actions = { a; }" "key = { h.x: ternary; }" "const entries = { priority = 1: 1: a; }"),
        11,
    ),
    case(
        "E7027",
        table!("actions = { a; }" "key = { h.x: ternary; }" "entries = { priority = 9: 1: a; 2: a; }"),
        table!("actions = { a; }" "key = { h.x: ternary; }" "entries = { 1: a; priority = 9: 2: a; }"),
        11,
    ),
    case(
        "E7028",
        table!("actions = { a; }" "key = { h.x: ternary; }" "entries = { priority = 1: 1: a;" "2: a; }"),
        table!("actions = { a; }" "key = { h.x: ternary; }" "entries = { priority = 0: 1: a;" "2: a; }"),
        12,
    ),
];
