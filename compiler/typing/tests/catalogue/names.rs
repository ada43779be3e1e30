//! E1xxx: names.

use crate::{Case, case};

pub(crate) const CASES: &[Case] = &[
    case(
        "E1001",
        "const bit<8> a = 1;\nconst bit<8> b = a;",
        "const bit<8> a = 1;\nconst bit<8> b = c;",
        2,
    ),
    case(
        "E1002",
        "const bit<8> a = 1;\nconst bit<8> b = 1;",
        "const bit<8> a = 1;\nconst bit<8> a = 1;",
        2,
    ),
    case(
        "E1003",
        "enum e { a }\nconst e x = e.a;",
        "enum e { a }\nconst e x = e.b;",
        2,
    ),
    case(
        "E1004",
        "struct s { bit<8> a; }\nstruct t { s inner; }",
        "struct s {\n s inner; }",
        2,
    ),
    case(
        "E1005",
        "struct s {}\nconst bit<8> x = 1;\nheader h { bit<8> a; }",
        "const bit<8> x = 1;\nheader h { x a; }",
        2,
    ),
    case(
        "E1006",
        "parser p() { state start {\n transition accept; } }",
        "parser p() { state start {\n transition other; } }",
        2,
    ),
    case(
        "E1007",
        "control c() { action a() {}\n @name(\"u\") action b() {}\n table t { actions = { a; b; } } apply {} }",
        "control c() { action a() {}\n @name(\"a\") action b() {}\n table t { actions = { a; b; } } apply {} }",
        2,
    ),
];
