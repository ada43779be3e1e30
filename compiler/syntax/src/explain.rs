//! What each code of this crate means: the text of `p4rmt explain`.

use p4rmt_source::{Code, Explanation};

use crate::codes;

/// The pages of this crate's codes, in order.
#[must_use]
pub fn explanations() -> &'static [Explanation] {
    EXPLANATIONS
}

const EXPLANATIONS: &[Explanation] = &[
    page(
        codes::UNREADABLE_FILE,
        "the program cannot be read",
        "The file that was named on the command line is not there, may not be read, or is not UTF-8 text.",
        "p4rmt check no_such_program.p4",
        "check the name of the file and your rights to it",
    ),
    page(
        codes::INCLUDE_NOT_FOUND,
        "an included file is not found",
        "`#include \"file\"` looks in the folder of the including file, then where `#include <file>` looks: in the folders given with `-I`, in order, and last among the built-in declarations (`core.p4`, `tna.p4`, `t2na.p4`).",
        "#include <headers/mine.p4>",
        "give the folder that the file is in with `-I DIR`",
    ),
    page(
        codes::MALFORMED_DIRECTIVE,
        "a directive is not well formed",
        "A line that begins with `#` is for the preprocessor, and each directive has its form: `#include <file>` or `\"file\"`, `#define NAME VALUE` or `NAME(a, b) VALUE`, `#undef NAME`, `#ifdef NAME`, `#ifndef NAME`.",
        "#include core.p4",
        "write the directive in its form",
    ),
    page(
        codes::USER_ERROR,
        "the program refuses itself",
        "An `#error` line was reached. Programs use it to say that a macro is missing, or that a target is not supported.",
        "#error this program needs another machine",
        "do what the message says, often by defining a macro with `-D NAME=VALUE`",
    ),
    page(
        codes::UNBALANCED_CONDITIONAL,
        "`#if` and `#endif` do not pair up",
        "Each `#if`, `#ifdef` and `#ifndef` is closed by one `#endif` in the same file, with any number of `#elif` and then at most one `#else` between them.",
        "#ifdef DEBUG\nconst int level = 2;",
        "add the `#endif`, or remove the one too many",
    ),
    page(
        codes::BAD_CONDITION,
        "the expression of an `#if` has no value",
        "Behind `#if` and `#elif` stands an expression of integers of 64 bits with the operators of C, macros, and `defined(NAME)`. A name that is no macro is 0.",
        "#if 1 +\n#endif",
        "complete the expression",
    ),
    page(
        codes::BAD_MACRO_USE,
        "a macro is used with the wrong arguments",
        "A macro with parameters takes one argument for each of them; commas within parentheses do not separate arguments.",
        "#define MAX(a, b) a > b ? a : b\nconst int x = MAX(1);",
        "give one argument for each parameter of the `#define`, and close the list with `)`",
    ),
    page(
        codes::EXPANSION_LIMIT,
        "includes or macros without end",
        "Files may include each other 64 levels deep and 10,000 times in all, conditionals may nest 256 levels deep, and macros may become 4 million words. What is more is taken for a program that includes or expands itself without end.",
        "#include \"main.p4\"",
        "guard a file that is included twice with `#ifndef`, `#define` and `#endif`; let macros use fewer other macros",
    ),
    page(
        codes::UNTERMINATED_COMMENT,
        "a comment has no end",
        "A comment that begins with `/*` ends with `*/`. Comments do not nest.",
        "/* the first table",
        "close it with `*/`",
    ),
    page(
        codes::UNEXPECTED,
        "something else was expected",
        "The text does not follow the grammar of P4-16. The message says what could stand at this place, and what stands there. A sign that is missing is shown behind the word that it should follow.",
        "header h { bit<8> a }",
        "add what is missing, or remove what is too much",
    ),
    page(
        codes::TOO_DEEP,
        "nesting is too deep",
        "Brackets, type arguments, `?`, `if` and `for` may nest 160 levels deep all together, and no expression may be 400 operators long. Nothing that a person writes comes near.",
        "const int x = ((((((((((((((((((((((((((1))))))))))))))))))))))))));  // and so on",
        "name a part of it: a constant, a variable, a function or an action",
    ),
    page(
        codes::BAD_NUMBER,
        "a number has no value",
        "A number is decimal or begins with `0x`, `0o`, `0b` or `0d`; underscores between digits mean nothing. A width in front makes it `bit<W>` (`8w255`) or `int<W>` (`8s1`).",
        "const bit<8> x = 8w0b12;",
        "write digits of the base",
    ),
    page(
        codes::STRAY_CHARACTER,
        "a character begins no word",
        "Outside strings, comments and annotations the language uses letters, digits, underscores and its own signs; names are of ASCII letters.",
        "const int größe = 1;",
        "remove the character",
    ),
    page(
        codes::UNTERMINATED_STRING,
        "a string has no end",
        "A string ends with `\"`. Within it `\\\"` is a quote and `\\\\` a backslash; it may run over several lines.",
        "const string s = \"abc;",
        "close it with `\"`",
    ),
    page(
        codes::USER_WARNING,
        "the program warns",
        "A `#warning` line was reached.",
        "#warning this table will go",
        "do what the message says",
    ),
    page(
        codes::MACRO_REDEFINED,
        "a macro is defined again, differently",
        "The later definition counts from its place on. Often two files use one name for two things.",
        "#define SIZE 1\n#define SIZE 2",
        "rename one of them, or put `#undef` before the later one",
    ),
    page(
        codes::UNKNOWN_DIRECTIVE,
        "a directive is not known",
        "The line has no effect. Mostly its name is misspelt.",
        "#inlcude <core.p4>",
        "check the spelling, or remove the line",
    ),
];

const fn page(
    code: Code,
    title: &'static str,
    text: &'static str,
    example: &'static str,
    help: &'static str,
) -> Explanation {
    Explanation {
        code: code.0,
        title,
        text,
        example,
        help,
    }
}
