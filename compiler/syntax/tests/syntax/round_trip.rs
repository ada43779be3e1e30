//! What is printed parses to the same tree.

use crate::common::{EVERYTHING, parse_text, render};
use p4rmt_syntax::ast::structure;
use p4rmt_syntax::print;

#[track_caller]
fn check(text: &str) {
    let parsed = parse_text(text).unwrap_or_else(|rejected| panic!("{}", render(&rejected)));
    let printed = print(&parsed.program);
    let again =
        parse_text(&printed).unwrap_or_else(|rejected| panic!("{}\n{printed}", render(&rejected)));
    assert_eq!(
        structure(&parsed.program),
        structure(&again.program),
        "{printed}"
    );
    assert_eq!(print(&again.program), printed);
}

#[test]
fn one_of_each_construct_comes_back() {
    check(EVERYTHING);
}

#[test]
fn parentheses_that_mean_something_come_back() {
    check("const int a = (1 + 2) * 3 - (4 - 5) - -(6 << (7 + 8)) + (1 == (2 < 3) ? 1 : 2);");
    check("const int a = (x ? y : z) ? (p ? q : r) : s ? t : u;");
    check("typedef bit<8> T; const T a = -(T) (b + c)[3:0] + ((T) b)[1:0] ++ (~c).d;");
}

#[test]
fn else_stays_with_its_if() {
    check("action a() { if (x) { if (y) b(); } else c(); if (x) if (y) b(); else c(); }");
    check("action a() { if (x) for (bit<8> i in y) if (z) b(); else c(); else d(); }");
}

#[test]
fn strings_come_back() {
    check(r#"@a("x\"y") const string s = "a\"b\\c\nd\e";"#);
    check("const string s = \"over\ntwo lines\";");
}

#[test]
fn widths_with_a_greater_sign_come_back() {
    check(
        "const bit<(a > b ? 8 : 4)> x = 1; const bit<a + 1> y = 2; header h { varbit<(1 >> 2)> z; }",
    );
}

#[test]
fn trees_as_deep_as_may_be_come_back() {
    check(&format!("const int x = 1{};", " + 1".repeat(390)));
    check(&format!(
        "const int x = {}1{};",
        "(1 - ".repeat(70),
        ")".repeat(70)
    ));
    check(&format!(
        "action a() {{ {} b(); }}",
        "if (x) c(); else ".repeat(190)
    ));
    check(&format!(
        "action a() {{ {}{} }}",
        "{".repeat(150),
        "}".repeat(150)
    ));
    check(&format!(
        "const {}bit<8>{} x = 1;",
        "tuple<".repeat(150),
        ">".repeat(150)
    ));
}
