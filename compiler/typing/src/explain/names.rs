//! Pages about names.

use p4rmt_source::Explanation;

pages! {
    "E1001" "unknown name"
    "A name must be declared, in the scope that it is used in or in one around it."
    "apply { hdr.ipv4.ttl = tll; }"
    "check the spelling, or declare it";
    "E1002" "duplicate name"
    "A scope holds one declaration of a name; only functions and methods of externs can be overloaded, by the number or the names of their parameters."
    "bit<8> a; bit<16> a;"
    "rename one of them";
    "E1003" "unknown member"
    "A struct or header has the fields that it declares, an enum its members, a header `isValid`, `setValid` and `setInvalid`."
    "hdr.ipv4.tll = 64;"
    "use a member that the type declares";
    "E1004" "recursive declaration"
    "Types, parsers, controls, functions and actions may not need themselves: everything is inlined, and a packet must take a bounded time."
    "struct s { s inner; }"
    "remove the cycle";
    "E1005" "a name of another kind"
    "The name is declared, but stands for something that cannot be used here: a type where a value is needed, a control where an action is needed."
    "table t { actions = { my_control; } }"
    "name something of the kind that is needed";
    "E1006" "unknown parser state"
    "A transition leads to a state of the same parser, to `accept` or to `reject`."
    "transition parse_ipv7;"
    "declare the state, or use `accept` or `reject`";
    "E1007" "name of the control plane given twice"
    "The control plane tells tables, actions, extern instances and value sets apart by their full names: the local name, or what `@name` says, behind the name of the block around. A name that begins with a dot is full as it is, and shared by all instances of its block."
    "@name(\".t\") table a { actions = {} } @name(\".t\") table b { actions = {} }"
    "give each its own name; without the dot, each instance of the block has one of its own";
}
