//! E01xx, W01xx: reading the text.

use crate::frame::WHOLE;
use crate::{Case, NO_FILE, case};

pub(crate) const CASES: &[Case] = &[
    case("E0101", WHOLE, "const bit<8> x = 1;", NO_FILE, 0),
    case(
        "E0102",
        WHOLE,
        "#include <core.p4>",
        "const bit<8> x = 1;\n#include <headers/mine.p4>",
        2,
    ),
    case(
        "E0103",
        WHOLE,
        "#include <core.p4>",
        "const bit<8> x = 1;\n#include core.p4",
        2,
    ),
    case(
        "E0104",
        WHOLE,
        "#ifdef NOTHING\n#error this program needs another machine\n#endif\nconst bit<8> x = 1;",
        "#ifndef NOTHING\n#error this program needs another machine\n#endif\nconst bit<8> x = 1;",
        2,
    ),
    case(
        "E0105",
        WHOLE,
        "#ifdef DEBUG\nconst int level = 2;\n#endif\nconst bit<8> x = 1;",
        "const bit<8> x = 1;\n#ifdef DEBUG\nconst int level = 2;",
        2,
    ),
    case(
        "E0106",
        WHOLE,
        "#if 1 + 1\nconst bit<8> x = 1;\n#endif",
        "const bit<8> x = 1;\n#if 1 +\n#endif",
        2,
    ),
    case(
        "E0107",
        WHOLE,
        "#define MAX(a, b) a > b ? a : b\nconst int x = MAX(1, 2);",
        "#define MAX(a, b) a > b ? a : b\nconst int x = MAX(1);",
        2,
    ),
    case(
        "E0108",
        WHOLE,
        "#ifndef ONCE\n#define ONCE\n#include \"test.p4\"\nconst int x = 1;\n#endif",
        "const int x = 1;\n#include \"test.p4\"",
        2,
    ),
    case(
        "E0109",
        WHOLE,
        "/* the first table */\nconst int x = 1;",
        "const int x = 1;\n/* the first table",
        2,
    ),
    case(
        "E0150",
        WHOLE,
        "header h {\n bit<8> a; }",
        "header h {\n bit<8> a }",
        2,
    ),
    case(
        "E0151",
        WHOLE,
        "const int x = ((1));",
        "#define FIVE(x) (((((x)))))\n#define MANY(x) FIVE(FIVE(FIVE(FIVE(FIVE(FIVE(x))))))\n\
         const int x = MANY(MANY(MANY(MANY(MANY(MANY(1))))));",
        3,
    ),
    case(
        "E0152",
        WHOLE,
        "const bit<8> x = 8w0b11;",
        "const bit<8> x =\n 8w0b12;",
        2,
    ),
    case(
        "E0153",
        WHOLE,
        "const int size = 1;",
        "const int\n größe = 1;",
        2,
    ),
    case(
        "E0154",
        WHOLE,
        "@name(\"abc\") const int x = 1;",
        "@name(\n\"abc) const int x = 1;",
        2,
    ),
    case(
        "W0101",
        WHOLE,
        "#ifdef NOTHING\n#warning this table will go\n#endif\nconst bit<8> x = 1;",
        "const bit<8> x = 1;\n#warning this table will go",
        2,
    ),
    case(
        "W0102",
        WHOLE,
        "#define SIZE 1\n#undef SIZE\n#define SIZE 2\nconst bit<8> x = SIZE;",
        "#define SIZE 1\n#define SIZE 2\nconst bit<8> x = SIZE;",
        2,
    ),
    case(
        "W0103",
        WHOLE,
        "#include <core.p4>",
        "const bit<8> x = 1;\n#inlcude <core.p4>",
        2,
    ),
];
