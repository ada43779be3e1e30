//! What the preprocessor makes of text, and where it says that text came from.

use crate::common::{Files, render};
use p4rmt_source::Span;
use p4rmt_syntax::{Parsed, Rejected};

/// Words of the expanded text, behind `const int x =` and before `;`.
#[track_caller]
fn check(text: &str, expected: &str) {
    let parsed = Files::new(&[("main.p4", text)]).parse();
    let parsed = parsed.unwrap_or_else(|rejected| panic!("{}", render(&rejected)));
    let words: Vec<&str> = parsed.sources.expanded().split_whitespace().collect();
    assert_eq!(words.join(" "), expected);
}

#[track_caller]
fn refused(files: &[(&str, &str)]) -> Box<Rejected> {
    Files::new(files).parse().expect_err("is refused")
}

/// The first complaint and where it is.
#[track_caller]
fn check_refused(text: &str, place: &str, expected: &str) {
    let rejected = refused(&[("main.p4", text)]);
    let first = rejected.diagnostics.iter().next().expect("an error");
    let location = rejected.sources.locate(first.span).expect("a place");
    assert_eq!(
        (location.to_string().as_str(), first.message.as_str()),
        (place, expected)
    );
}

#[test]
fn objects_are_replaced() {
    check(
        "#define A 1 + B\n#define B 2\nconst int x = A;",
        "const int x = 1 + 2 ;",
    );
    check(
        "#define A 1\n#undef A\nconst int x = A;",
        "const int x = A;",
    );
    check("const int x = GIVEN + SEVEN;", "const int x = 1 + 7 ;");
    check("#define A A\nconst int x = f(A);", "const int x = f( A );");
}

#[test]
fn functions_take_arguments() {
    check(
        "#define F(a, b) b - a\nconst int x = F(1, f(2, 3));",
        "const int x = f(2, 3) - 1 ;",
    );
    check(
        "#define F(a) a\nconst int x = F(F(F(1)));",
        "const int x = 1 ;",
    );
    check("#define F() 3\nconst int x = F( );", "const int x = 3 ;");
    check("#define F(a) [a]\nconst int F = 1;", "const int F = 1;");
    check(
        "#define F(a, ...) g(a, __VA_ARGS__)\nconst int x = F(1, 2, 3);",
        "const int x = g(1, 2, 3) ;",
    );
    check(
        "#define F(a) a +\\\n 1\nconst int x = F(\n2\n);",
        "const int x = 2 + 1 ;",
    );
    check(
        "#define G F\n#define F(a) a\nconst int x = G(4);",
        "const int x = 4 ;",
    );
}

#[test]
fn words_are_pasted_and_quoted() {
    check(
        "#define F(a, b) a ## b\nconst int F(x, y) = 1;",
        "const int xy = 1;",
    );
    check(
        "#define F(n) x_ ## n ## _t\nconst int F(1) = 1;",
        "const int x_1_t = 1;",
    );
    check(
        "#define S(a) #a\nconst string x = S(a + \"b\");",
        "const string x = \"a + \\\"b\\\"\" ;",
    );
    check(
        "#define E(a, b) a##b\nconst int x = E(, 5);",
        "const int x = 5 ;",
    );
    // A sign and a word are no one word; what stays is looked at again.
    check(
        "#define N 5\n#define S(n) x = ##n\nconst int S(N) ;",
        "const int x =5 ;",
    );
}

#[test]
fn conditionals_choose() {
    let choose = |condition: &str| {
        format!("#if {condition}\nconst int x = 1;\n#else\nconst int x = 2;\n#endif\n")
    };
    check(&choose("GIVEN && SEVEN == 7"), "const int x = 1;");
    check(
        &choose("defined(NOT) || !defined GIVEN"),
        "const int x = 2;",
    );
    check(&choose("SEVEN > 3 ? 0 : 1"), "const int x = 2;");
    check(
        "#ifdef NOT\n#error no\n#elif SEVEN == 7\nconst int x = 3;\n#elif 1\n#error no\n#else\n#error no\n#endif",
        "const int x = 3;",
    );
    check(
        "#ifndef NOT\n#if 0\n#if 1\n#error no\n#else\n#error no\n#endif\n#endif\n#endif",
        "",
    );
    check(
        "#if 0\n\"it's not closed /* here\n#endif */\n#endif\nconst int x = 1;",
        "const int x = 1;",
    );
}

#[test]
fn comments_and_splices_are_blank() {
    check(
        "const /* a\n b */ int // c \\\n d\nx \\\n = 1;",
        "const int x = 1;",
    );
}

#[test]
fn directives_without_effect_pass() {
    check(
        "#pragma once\n#line 7 \"x\"\n# 12 \"y\"\n#\n#ident \"z\"\nconst int x = 1;",
        "const int x = 1;",
    );
    check(
        "const int x = __LINE__;\nconst string f = __FILE__;",
        "const int x = 1; const string f = \"main.p4\";",
    );
}

#[test]
fn includes_are_found_in_order() {
    let files = [
        (
            "main.p4",
            "#include \"sub/a.p4\"\n#include <b.p4>\n#define FILE <c.p4>\n#include FILE\n#include <b.p4>\n",
        ),
        ("sub/a.p4", "#include \"n.p4\"\nconst int a = 1;\n"),
        ("sub/n.p4", "const int n = 1;\n"),
        ("include/b.p4", "#pragma once\nconst int b = 1;"),
        ("include/c.p4", "const int c = 1;"),
    ];
    let parsed = Files::new(&files).parse().expect("parses");
    let words: Vec<&str> = parsed.sources.expanded().split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        "const int n = 1; const int a = 1; const int b = 1; const int c = 1;"
    );
    assert_eq!(locate(&parsed, "n ="), "sub/n.p4:1:11");
    assert_eq!(locate(&parsed, "c ="), "include/c.p4:1:11");
}

/// The place of the first occurrence of a text.
fn locate(parsed: &Parsed, text: &str) -> String {
    let at = parsed.sources.expanded().find(text).expect("is there") as u32;
    let location = parsed.sources.locate(Span::new(at, at + 1));
    location.expect("has a place").to_string()
}

#[test]
fn every_place_is_the_one_in_the_file() {
    let text =
        "#define TWO(a) a + a\n/* é */ const int x = TWO(\n 3) + y;\nconst int z = 1; // end\n";
    let parsed = Files::new(&[("main.p4", text)]).parse().expect("parses");
    assert_eq!(locate(&parsed, "const int x"), "main.p4:2:9");
    assert_eq!(locate(&parsed, "3 + 3"), "main.p4:2:23");
    assert_eq!(locate(&parsed, "y;"), "main.p4:3:7");
    assert_eq!(locate(&parsed, "z ="), "main.p4:4:11");
    let at = parsed.sources.expanded().find("3 + 3").expect("is there") as u32;
    let location = parsed
        .sources
        .locate(Span::new(at, at + 5))
        .expect("a place");
    assert_eq!(location.defined_at.as_deref(), Some("main.p4:1"));
    assert_eq!((location.end_line, location.end_column), (3, 4));
}

#[test]
fn warnings_are_kept() {
    let text =
        "#warning take care\n#define A 1\n#define A 2\n#define A 2\n#unknown\nconst int x = A;";
    let parsed = Files::new(&[("main.p4", text)]).parse().expect("parses");
    let found: Vec<&str> = parsed
        .warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    assert_eq!(
        found,
        [
            "#warning: take care",
            "macro `A` is defined again, differently",
            "directive `#unknown` is not known and has no effect",
        ]
    );
}

#[test]
fn faults_of_directives_are_refused_at_their_line() {
    check_refused("\n#error not here\n", "main.p4:2:1", "#error: not here");
    check_refused("#if 1\n", "main.p4:1:1", "this conditional has no `#endif`");
    check_refused("\n#endif\n", "main.p4:2:1", "`#endif` without `#if`");
    check_refused(
        "#if 1\n#else\n#else\n#endif",
        "main.p4:3:1",
        "`#else` after `#else`",
    );
    check_refused(
        "#if 1 +\n#endif",
        "main.p4:1:1",
        "this condition has no value: expected a value, found the end of the line",
    );
    check_refused(
        "#if 1 / 0\n#endif",
        "main.p4:1:1",
        "this condition has no value: division by zero",
    );
    check_refused(
        "  #include x.p4\n",
        "main.p4:1:3",
        "`#include` takes the name of a file",
    );
    check_refused(
        "#include <none.p4>\n",
        "main.p4:1:1",
        "cannot find `none.p4`",
    );
    check_refused(
        "#include \"not_text.p4\"\n",
        "main.p4:1:1",
        "cannot read `not_text.p4`: it is not UTF-8 text",
    );
    check_refused("#define\n", "main.p4:1:1", "`#define` takes a name");
    check_refused(
        "#define F(a\n",
        "main.p4:1:1",
        "the parameters of this macro have no end",
    );
    check_refused(
        "#define F(1) x\n",
        "main.p4:1:1",
        "the parameters of a macro are names with commas between them",
    );
    check_refused(
        "#define F(a) a\nconst int x = F(1, 2);",
        "main.p4:2:15",
        "macro `F` takes 1 arguments, not 2",
    );
    check_refused(
        "#define F(a) a\nconst int x = F(1;",
        "main.p4:2:15",
        "the arguments of macro `F` have no end",
    );
    check_refused(
        "const int x /* = 1;",
        "main.p4:1:13",
        "this comment has no end",
    );
}

#[test]
fn program_that_is_not_there_has_no_place() {
    let rejected = refused(&[]);
    assert_eq!(
        render(&rejected),
        "error[E0101]: cannot read `main.p4`: there is no such file\n |\n = help: check the name of the file and \
         your rights to it"
    );
}
