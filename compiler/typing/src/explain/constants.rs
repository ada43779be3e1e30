//! Pages about constants.

use p4rmt_source::Explanation;

pages! {
    "E3001" "not a constant"
    "Widths, sizes, arguments of constructors, entries and bounds of slices are computed by the compiler."
    "bit<(hdr.len)> x;"
    "use a constant expression";
    "E3003" "arithmetic without a result"
    "Division by zero, division of negative numbers, and shifts by negative or absurd distances have no result."
    "const int x = 1 / 0;"
    "change the operands";
    "E3004" "width or size out of range"
    "Values have 1 to 2,048 bits, stacks and tables have at least one element."
    "bit<4096> x;"
    "use several smaller ones";
    "E3005" "index out of range"
    "The stack has fewer elements."
    "header vlan_t[2] vlan; vlan[2].vid"
    "use an index below the size";
    "E3006" "assertion"
    "`static_assert` takes a condition that the compiler can decide, and that holds."
    "static_assert(SIZE <= 1024);"
    "change what it is about";
    "E3007" "number too large"
    "Numbers of type `int` may grow, but not without a bound."
    "const int x = 1 << 1000000;"
    "use smaller numbers";
    "E3010" "value of an enumeration out of range"
    "Each member of a serializable enumeration has a value that its underlying type can hold."
    "enum bit<4> e { a = 16 }"
    "use a wider type, or another value";
}
