//! Broken text: nothing panics, nothing hangs, and every refusal has a place in the text.

use std::time::{Duration, Instant};

use crate::common::{EVERYTHING, Random, parse_text};
use p4rmt_syntax::Rejected;

/// How long a text of this size may take at most, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// Parses the text; a refusal must have an error, and a place in a file for each.
#[track_caller]
fn check_survives(text: &str, what: &str) -> bool {
    let start = Instant::now();
    let result = parse_text(text);
    assert!(start.elapsed() < PATIENCE, "{what}: {:?}", start.elapsed());
    match result {
        Ok(_) => true,
        Err(rejected) => {
            assert!(
                rejected.diagnostics.has_errors(),
                "{what}: refused without an error"
            );
            check_places(&rejected, what);
            false
        }
    }
}

#[track_caller]
fn check_places(rejected: &Rejected, what: &str) {
    for diagnostic in &rejected.diagnostics {
        let location = rejected.sources.locate(diagnostic.span);
        let location = location.unwrap_or_else(|| panic!("{what}: no place: {diagnostic:?}"));
        assert!(
            location.line >= 1 && location.column >= 1,
            "{what}: {location}"
        );
        let rendered = rejected.sources.render(diagnostic, false);
        assert!(
            rendered.contains(&location.to_string()),
            "{what}: {rendered}"
        );
    }
}

#[test]
fn text_cut_anywhere_is_refused_or_whole() {
    let mut n_whole = 0;
    for cut in (0..EVERYTHING.len()).step_by(7) {
        if let Some(text) = EVERYTHING.get(..cut) {
            n_whole += usize::from(check_survives(text, &format!("cut at {cut}")));
        }
    }
    // A cut between two declarations leaves a program.
    assert!(n_whole < EVERYTHING.len() / 70, "{n_whole}");
}

#[test]
fn flipped_bytes_do_no_harm() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut n_refused = 0;
    for round in 0..2000 {
        let mut bytes = EVERYTHING.as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] = match random.below(3) {
                0 => bytes[at] ^ (1 << random.below(8)),
                1 => random.below(256) as u8,
                _ => {
                    let signs = b"(){}[]<>;:,.=@#\\\"/*\n\x01_?&|+-!~0a";
                    signs[random.below(signs.len())]
                }
            };
        }
        let text = String::from_utf8_lossy(&bytes);
        n_refused += usize::from(!check_survives(&text, &format!("flip round {round}")));
    }
    assert!(n_refused > 700, "{n_refused}");
}

#[test]
fn pieces_moved_about_do_no_harm() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let tokens: Vec<&str> = EVERYTHING
        .split_inclusive([' ', '\n', '(', '<', '{'])
        .collect();
    for round in 0..800 {
        let mut pieces = tokens.clone();
        for _ in 0..=random.below(6) {
            let from = random.below(pieces.len());
            let to = (from + random.below(12)).min(pieces.len());
            let cut: Vec<&str> = pieces.drain(from..to).collect();
            if random.below(2) == 0 {
                let at = random.below(pieces.len());
                pieces.splice(at..at, cut);
            }
        }
        check_survives(&pieces.concat(), &format!("move round {round}"));
    }
}

#[test]
fn words_in_any_order_do_no_harm() {
    let words = [
        "control",
        "parser",
        "header",
        "struct",
        "enum",
        "extern",
        "typedef",
        "type",
        "const",
        "table",
        "action",
        "apply",
        "key",
        "actions",
        "entries",
        "state",
        "transition",
        "select",
        "if",
        "else",
        "for",
        "in",
        "switch",
        "return",
        "bit",
        "int",
        "tuple",
        "list",
        "error",
        "a",
        "b",
        "T",
        "1",
        "8w3",
        "\"s\"",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        ";",
        ",",
        ".",
        ":",
        "=",
        "@",
        "+",
        "-",
        "&&&",
        "..",
        "...",
        "?",
        "!",
        "_",
        "{#}",
        "@pragma x\n",
        "\n#if",
        "\n#endif\n",
        "\n#define a b(\n",
    ];
    let mut random = Random(77);
    for round in 0..2000 {
        let length = random.below(60);
        let text: Vec<&str> = (0..length)
            .map(|_| words[random.below(words.len())])
            .collect();
        check_survives(&text.join(" "), &format!("soup round {round}"));
    }
}

#[test]
fn nothing_at_all_is_a_program() {
    assert!(check_survives("", "empty"));
    assert!(check_survives(" \n\n// nothing\n;", "blank"));
}

#[test]
fn deep_nesting_is_refused() {
    let in_body =
        |text: String| format!("typedef bit<8> T; control c() {{ apply {{ x = {text}; }} }}");
    let deep = 50_000;
    let cases = [
        "(".repeat(deep),
        "{".repeat(deep),
        in_body("(".repeat(deep) + "1" + &")".repeat(deep)),
        in_body("-".repeat(deep) + "1"),
        in_body("(T) ".repeat(deep) + "1"),
        in_body("1 + ".repeat(deep) + "1"),
        in_body("a ? ".repeat(deep) + "1" + &" : 1".repeat(deep)),
        in_body("a ? 1 : ".repeat(deep) + "1"),
        in_body("a".to_owned() + &".a".repeat(deep)),
        in_body("a".to_owned() + &"[a]".repeat(deep)),
        in_body("a[".repeat(deep)),
        in_body("f<T>(".repeat(deep)),
        in_body("T<".repeat(deep)),
        in_body("(T<bit<(".repeat(deep)),
        in_body("a < ".repeat(deep)),
        in_body("{".repeat(deep) + &"}".repeat(deep)),
        in_body("1;".to_owned() + &"if (a) ".repeat(deep) + "x = 1"),
        in_body("1;".to_owned() + &"if (a) ; else ".repeat(deep) + "x = 1"),
        in_body("1;".to_owned() + &"for (T x in y) ".repeat(deep) + "x = 1"),
        format!("const tuple<{} x = 1;", "tuple<".repeat(deep)),
        format!("const T{} x = 1;", "[1]".repeat(deep)),
        format!("@a{}", "(".repeat(deep)),
        format!("@a[{}]", "{1,".repeat(deep)),
    ];
    for (index, text) in cases.iter().enumerate() {
        assert!(
            !check_survives(text, &format!("deep case {index}")),
            "deep case {index}"
        );
    }
}

/// What would take a careless grammar two tries a level.
#[test]
fn faults_within_nesting_take_no_time() {
    for opening in [
        "f<T>(", "(T) (", "(T<bit<(", "T<bit<((", "a[(", "{ a = (", "{ (", "(a, (", "f(x = (",
    ] {
        for depth in [10, 20, 39] {
            let text = format!(
                "struct T {{ }} control c() {{ apply {{ x = {} 1 1",
                opening.repeat(depth)
            );
            assert!(!check_survives(&text, opening));
        }
    }
}

#[test]
fn macros_that_grow_without_end_are_refused() {
    let mut text = "#define x0 y y y y y y y y y y\n".to_owned();
    for level in 1..40 {
        let before = format!("x{} ", level - 1).repeat(10);
        text += &format!("#define x{level} {before}\n");
    }
    assert!(!check_survives(&(text + "x39"), "billion words"));
    let nested = format!("#define f(a) a\n{}1{}", "f(".repeat(5000), ")".repeat(5000));
    assert!(!check_survives(&nested, "nested arguments"));
    let chain: Vec<String> = (0..5000)
        .map(|n| format!("#define m{n} m{}\n", n + 1))
        .collect();
    assert!(!check_survives(&(chain.concat() + "m0"), "chain"));
    assert!(!check_survives(&"#if 1\n".repeat(5000), "conditionals"));
    assert!(!check_survives(
        "#include \"main.p4\"\n#include \"main.p4\"\n",
        "includes itself"
    ));
}

#[test]
fn many_of_anything_takes_no_time() {
    for piece in [
        "enum ",
        "typedef ",
        "extern f<a, ",
        "extern f<",
        "a<",
        "a, ",
        "@a ",
        "@a(",
        "\"",
        "/*",
        "'",
        "#",
        "##\n",
        "_ ",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        let is_whole = check_survives(&text, piece);
        // Directives that are not known are warned of.
        assert_eq!(is_whole, piece.starts_with('#'), "{piece}");
    }
}

#[test]
fn absurd_numbers_are_refused() {
    assert!(!check_survives(
        &format!("const int x = {};", "9".repeat(100_000)),
        "digits"
    ));
    assert!(!check_survives("const int x = 99999999999w1;", "width"));
    assert!(!check_survives("const int x = 8w;", "no digits"));
    assert!(!check_survives("const int x = 0x;", "no hex digits"));
    assert!(!check_survives("const int x = 0b12;", "bad digit"));
}
