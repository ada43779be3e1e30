//! How complaints look. To accept changes: `INSTA_UPDATE=always cargo test -p p4rmt-syntax`.

use crate::common::{Files, parse_text, render};

#[track_caller]
fn check(name: &str, text: &str) {
    let rejected = parse_text(text).expect_err("is refused");
    insta::assert_snapshot!(name, render(&rejected));
}

#[test]
fn sign_that_is_missing() {
    check(
        "missing_semicolon",
        "header h {\n    bit<8> a\n    bit<8> b;\n}\n",
    );
    check(
        "missing_semicolon_on_one_line",
        "action a() { x = 1 y = 2; }\n",
    );
    check(
        "missing_parenthesis",
        "control c() {\n    apply {\n        if (x == 1 { y(); }\n    }\n}\n",
    );
    check("missing_angle", "struct s { bit<8 a; }\n");
    check(
        "missing_colon",
        "parser p() { state s { transition select(x) { 1 accept; } } }\n",
    );
}

#[test]
fn word_that_cannot_stand_here() {
    check("value_as_statement", "action a() { x == 1; }\n");
    check("member_as_statement", "action a() { x.y; }\n");
    check("keyword_as_name", "action table() { }\n");
    check("type_as_function", "const bit<8> x = bit<8>(0);\n");
    check("operator_without_value", "const int x = 1 +;\n");
    check("global_variable", "bit<8> x = 1;\n");
    check("table_at_top_level", "table t { }\n");
    check("invalid_header_with_spaces", "const h x = { # };\n");
    check("p4_14", "header_type h { fields { a : 8; } }\n");
    check("while_loop", "action a() { while (true) { } }\n");
    check(
        "loop_variable_without_type",
        "action a() { for (i in 1 .. 2) { } }\n",
    );
    check(
        "unknown_table_property",
        "control c() { table t { 5 = 1; } apply { } }\n",
    );
    check("control_without_apply", "control c() { action a() { } }\n");
}

#[test]
fn several_declarations_with_faults() {
    check(
        "several",
        "header h {\n    bit<8> a\n}\nconst bit<8> fine = 1;\nstruct s {\n    bit<8> 1;\n} extra;\n\ncontrol c() {\n    apply { f(; }\n}\nparser p() {\n    state { }\n}\n",
    );
    check(
        "brace_that_is_missing",
        "control c() {\n    apply {\n        x = 1;\n    }\n\nstruct s {\n    bit a b;\n}\n",
    );
}

#[test]
fn several_faults_within_a_declaration() {
    check(
        "several_statements",
        "control c(inout bit<8> x) {\n    action a() {\n        x = ;\n        x = 1;\n        x + 1;\n        if (x == ) { x = 2; } else { x = 3; }\n        return\n    }\n    table t {\n        key = { x exact; }\n        actions = { a; }\n        size = 5 5;\n    }\n    apply {\n        t.apply();\n        if (x > 1) x = 2 else x = 3;\n    }\n}\n",
    );
    check(
        "several_members",
        "struct s {\n    bit<8> a\n    bit<8> b;\n    bit<> c;\n    bit<8> d;\n    8 e;\n}\nparser p() {\n    state start {\n        transition select(x) {\n            1: accept;\n            2 accept;\n            3: 4;\n        }\n    }\n    state next { transition 5; }\n}\n",
    );
}

#[test]
fn what_may_come_of_a_gap_is_not_reported() {
    // Without `apply` a control is no control, which is not what is wrong with it.
    check(
        "apply_with_a_fault",
        "control c() {\n    action a() { }\n    apply ( ) { a(); }\n}\n",
    );
    // Nobody knows what stands where after a bracket is lost.
    check(
        "lost_bracket",
        "action a() {\n    x = (1 + 2;\n    y = ;\n}\nconst int z = ;\n",
    );
}

#[test]
fn fault_within_a_macro() {
    check(
        "macro",
        "#define SUM(a, b) a + * b\nconst int x = SUM(1,\n                  2);\n",
    );
}

#[test]
fn fault_within_an_include() {
    let files = [
        ("main.p4", "#include \"part.p4\"\nconst int y = ;\n"),
        ("part.p4", "// A part.\nconst int x = = 1;\n"),
    ];
    let rejected = Files::new(&files).parse().expect_err("is refused");
    insta::assert_snapshot!("include", render(&rejected));
}

#[test]
fn text_that_ends_too_soon() {
    check("end_in_block", "action a() {\n    x = 1;\n");
    check("end_in_expression", "const int x =");
}

#[test]
fn text_of_no_language() {
    check(
        "stray_character",
        "const int é = 1;\nconst int x = $ + `;\n",
    );
    check("string_without_end", "const string s = \"abc;\n");
    check(
        "string_over_lines",
        "const string s = \"abc;\nconst string t = \"x\";\n",
    );
    check(
        "bad_numbers",
        "const int a = 8w;\nconst int b = 0b12;\nconst int c = 99999999999w1;\n",
    );
    check("closing_brace_alone", "}\nconst int x = 1;\n");
}

#[test]
fn faults_of_the_preprocessor() {
    check(
        "preprocessor",
        "#include <none.p4>\n#include none\n#if 1 +\n#endif\n#define F(a) a\nconst int x = F(1, 2);\n#error stop \"here\"\n#else\n",
    );
}

#[test]
fn nesting_that_is_too_deep() {
    let text = format!(
        "const int x =\n    {}1{};\n",
        "(".repeat(200),
        ")".repeat(200)
    );
    check("too_deep", &text);
    check(
        "too_long",
        &format!("const int x = 1{};\n", " +\n    1".repeat(500)),
    );
}
