//! Programs that are wrong: each cause with its code, message and line.

mod support;

use support::errors;

#[track_caller]
fn refuse(text: &str, expected: &[&str]) {
    assert_eq!(errors(text), expected, "{text}");
}

/// The body stands on line 2.
#[track_caller]
fn refuse_in_apply(top: &str, body: &str, expected: &[&str]) {
    refuse(
        &format!(
            "{top} control c(inout bit<8> a, in bit<16> w, inout int<8> s, inout bool t) {{ apply {{\n{body}\n}} }}\n"
        ),
        expected,
    );
}

#[test]
fn unknown_name_is_said_once() {
    refuse_in_apply(
        "",
        "bit<8> b = nope + 1; b = nope2.x[3:0] + b;",
        &[
            "2: E1001 unknown name `nope`",
            "2: E1001 unknown name `nope2`",
        ],
    );
}

#[test]
fn name_is_not_known_before_its_declaration() {
    refuse(
        "const bit<8> a = b;\nconst bit<8> b = 1;",
        &["1: E1001 unknown name `b`"],
    );
}

#[test]
fn two_declarations_of_one_name() {
    refuse(
        "struct S {}\nheader S {}",
        &["2: E1002 `S` is declared twice"],
    );
    refuse(
        "struct S { bit<8> x;\n bit<8> x; }",
        &["2: E1002 `x` is declared twice"],
    );
    refuse_in_apply("", "bit<8> a;", &["2: E1002 `a` is declared twice"]);
}

#[test]
fn unknown_members() {
    refuse_in_apply(
        "struct S { bit<8> x; } enum E { A }",
        "S v; a = v.y; t = E.A == E.B; v.apply();",
        &[
            "2: E1003 `S` has no member `y`",
            "2: E1003 `E` has no member `B`",
            "2: E1003 `S` has no member `apply`",
        ],
    );
}

#[test]
fn declarations_that_need_themselves() {
    refuse(
        "struct S {\n S s; }",
        &["2: E1004 `S` is declared in terms of itself"],
    );
    refuse(
        "bit<8> f(in bit<8> x) {\n return f(x); }",
        &["2: E1004 `f` is declared in terms of itself"],
    );
    refuse(
        "control c() {\n c() inner; apply {} }",
        &["2: E1004 `c` is declared in terms of itself"],
    );
}

#[test]
fn types_that_do_not_agree() {
    refuse_in_apply(
        "",
        "a = w; t = a; s = a; a = t ? a : w;",
        &[
            "2: E2001 expected `bit<8>`, found `bit<16>`",
            "2: E2001 expected `bool`, found `bit<8>`",
            "2: E2001 expected `int<8>`, found `bit<8>`",
            "2: E2001 expected `bit<8>`, found `bit<16>`",
        ],
    );
}

#[test]
fn operators_on_what_they_are_not_defined_on() {
    refuse_in_apply(
        "",
        "a = a + w; t = t < t; a = a + s; a = a << s; t = !a;",
        &[
            "2: E2002 operator `+` is not defined on `bit<8>` and `bit<16>`",
            "2: E2002 operator `<` is not defined on `bool` and `bool`",
            "2: E2002 operator `+` is not defined on `bit<8>` and `int<8>`",
            "2: E2002 operator `<<` is not defined on `bit<8>` and `int<8>`",
            "2: E2002 operator `!` is not defined on `bit<8>`",
        ],
    );
}

#[test]
fn what_cannot_be_written() {
    refuse_in_apply(
        "const bit<8> K = 1;",
        "K = 2; w = 1;",
        &["2: E2004 `K` is read only", "2: E2004 `w` is read only"],
    );
    refuse_in_apply(
        "extern void f(out bit<8> x);",
        "f(a + 1); f(3);",
        &[
            "2: E2003 this cannot be written to",
            "2: E2001 expected `bit<8>`, found `int`",
            "2: E2003 this cannot be written to",
        ],
    );
}

#[test]
fn arguments_that_do_not_fit() {
    let top = "extern void f(in bit<8> x, in bit<8> y);";
    refuse_in_apply(
        top,
        "f(1); f(1, 2, 3); f(x = 1, z = 2); f(1, y = 2);",
        &[
            "2: E2005 `f` needs an argument for `y`",
            "2: E2005 `f` takes 2 arguments, 3 given",
            "2: E2005 `f` has no parameter `z`",
            "2: E2005 either all arguments are named, or none",
        ],
    );
}

#[test]
fn casts_that_the_language_has_not() {
    refuse_in_apply(
        "type bit<8> N; enum E { A }",
        "a = (bit<8>)t; s = (int<8>)w; N n = (N)w; a = (bit<8>)E.A;",
        &[
            "2: E2006 `bool` cannot be cast to `bit<8>`",
            "2: E2006 `bit<16>` cannot be cast to `int<8>`",
            "2: E2006 `bit<16>` cannot be cast to `N`",
            "2: E2006 `E` cannot be cast to `bit<8>`",
        ],
    );
}

#[test]
fn numbers_that_need_a_width() {
    refuse_in_apply(
        "extern void f<T>(in T x);",
        "a = (bit<8>)(1 << a); f(1); bit<9> b = 1 ++ a;",
        &[
            "2: E2007 this number needs a width",
            "2: E2007 this number needs a width",
            "2: E2007 this number needs a width",
        ],
    );
}

#[test]
fn type_arguments() {
    refuse_in_apply(
        "extern T f<T>(in bit<8> x); struct S<T> { T x; }",
        "a = f(a); S v; a = f<bool, bool>(a);",
        &[
            "2: E2008 type argument `T` cannot be inferred",
            "2: E2008 `S` takes 1 type arguments, 0 given",
            "2: E2008 `f` takes 1 type arguments, 2 given",
        ],
    );
}

#[test]
fn slices_and_indices_out_of_range() {
    refuse_in_apply(
        "header H { bit<8> x; }",
        "H[2] h; a[8:0] = 1; a = h[2].x; a[0:3] = 1;",
        &[
            "2: E2010 bits [8:0] of a value of 8 bits",
            "2: E3005 index 2 of a stack of 2",
            "2: E2010 bits [0:3] of a value of 8 bits",
        ],
    );
}

#[test]
fn struct_expression_must_name_every_field_or_say_dots() {
    refuse_in_apply(
        "struct S { bit<8> x; bit<8> y; }",
        "S v = { x = 1 }; v = { 1 }; v = { x = 1, z = 2, ... };",
        &[
            "2: E2016 no value for the field `y` of `S`",
            "2: E2001 expected `S`, found `tuple<int>`",
            "2: E1003 `S` has no member `z`",
        ],
    );
}

#[test]
fn what_must_be_constant() {
    refuse_in_apply(
        "",
        "bit<(a)> x; const bit<8> k = a;",
        &[
            "2: E3001 this must be a constant",
            "2: E3001 this must be a constant",
        ],
    );
    refuse(
        "control c()(bit<8> n) {\n bit<n> x; apply {} }",
        &["2: E3001 this must be a constant"],
    );
}

#[test]
fn arithmetic_without_result() {
    refuse(
        "const int a = 1 / 0;\nconst int b = -1 % 2;\nconst int c = 1 << -1;\nconst int d = 1 << 99999999;",
        &[
            "1: E3003 division of 1 by 0 has no result",
            "2: E3003 division of -1 by a value has no result",
            "3: E3003 shift by -1",
            "4: E3003 shift by 99999999",
        ],
    );
}

#[test]
fn assertion_that_does_not_hold() {
    refuse(
        "#include <core.p4>\nconst bool b = static_assert(1 > 2, \"no\");",
        &["2: E3006 this assertion does not hold"],
    );
}

#[test]
fn blocks_that_do_not_fit() {
    refuse(
        "control C<T>(inout T x); package P<T>(C<T> a, C<T> b);
         control a(inout bit<8> x) { apply {} } control b(inout bit<9> x) { apply {} } control d(in bit<8> x) { apply {} }
         P(a(), b()) p;
         P(a(), d()) main;",
        &[
            "3: E2001 expected `C<bit<8>>`, found `b`",
            "4: E2001 expected `C<bit<8>>`, found `d`",
        ],
    );
}

#[test]
fn keysets_as_many_as_what_they_match() {
    refuse(
        "#include <core.p4>
         parser p(in bit<8> x) { state start { transition select(x, x) {
            (1, 2, 3) : accept;
            4 : accept;
            (1, _) : nowhere; } } }",
        &[
            "3: E2020 2 values are matched, with 3 keysets",
            "4: E2020 2 values are matched, with 1 keysets",
            "5: E1006 no state `nowhere` in this parser",
        ],
    );
}

#[test]
fn abstract_methods_missing_or_with_another_head() {
    let top = "extern A { A(); abstract void f(in bit<8> x); }";
    refuse(
        &format!("{top}\nA() a;"),
        &["2: E2014 `a` does not define the abstract method `f`"],
    );
    refuse(
        &format!("{top}\nA() a = {{ void f(in bit<9> x) {{}} }};"),
        &["2: E6013 `f` differs from its declaration: `x` is of type `bit<9>` instead of `bit<8>`"],
    );
}

#[test]
fn the_true_mistake_alone_where_another_would_follow_from_it() {
    // A body of another name is why the method is missing.
    let top = "extern A { A(); abstract void f(in bit<8> x); }";
    refuse(
        &format!("{top}\nA() a = {{ void g(in bit<8> x) {{}} }};"),
        &["2: E6012 `A` has no abstract method `g`"],
    );
    // Whether a function returns is asked once it is right.
    refuse(
        "bit<4> f(in bit<4> w) {\n const int<(w)> c = 1; }",
        &["2: E3001 this must be a constant"],
    );
    // One of two properties of a name may have been meant as the other one.
    refuse(
        "control c() {\n table t {\n key = {}\n key = {}\n } apply {} }",
        &["4: E7002 `key` is there twice"],
    );
}

#[test]
fn a_list_in_parentheses_stands_for_one_key() {
    refuse(
        "#include <core.p4>
         parser p(in bit<8> x) { state start { transition select(x) {
            ({ ... }) : accept; } } }",
        &["3: E2001 expected `bit<8>`, found `tuple<...>`"],
    );
}
