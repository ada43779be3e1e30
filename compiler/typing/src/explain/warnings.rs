//! Pages about warnings.

use p4rmt_source::Explanation;

pages! {
    "W1001" "declaration that nothing uses"
    "A variable, parameter, table, action or instance that nothing uses does nothing. (Constants and names of types of the top level, and what included files declare, are not looked at.)"
    "action a() { bit<8> x = 1; }"
    "remove it, or begin its name with `_`";
    "W1002" "hidden name"
    "A declaration has the name of another one in a scope around it, which cannot be reached by this name any more."
    "control c(inout bit<8> x) { apply { bit<8> x = 1; } }"
    "rename one of them";
    "W1003" "deprecated"
    "The declaration says by `@deprecated` that it will go, and what to use instead."
    "@deprecated(\"use g\") extern void f();"
    "do what the message says";
    "W2001" "value read before it is set"
    "On some way through the program, a variable or an `out` parameter is read before anything was assigned to it. What is read then can be anything."
    "bit<8> x; hdr.ipv4.ttl = x;"
    "assign a value where it is declared";
    "W2002" "`out` parameter without a value"
    "On some way through the callable, an `out` parameter is never assigned to. What the caller gets then can be anything."
    "void f(out bit<8> x) {}"
    "assign a value on every way, or make it `inout`";
    "W2003" "field of an invalid header"
    "The header has not been extracted or set valid here, or was set invalid. What its fields hold is undefined, and what is written to them is lost."
    "header h_t { bit<8> a; } … h_t h; h.a = 1;"
    "call `setValid` first, or ask `isValid`";
    "W3001" "comparison with one outcome"
    "A number without a sign is never below 0, and never above what its width can hold."
    "if (hdr.ipv4.ttl >= 0) {}"
    "remove the comparison, or compare with what was meant";
    "W3002" "number that does not fit"
    "The type cannot hold the number, so that only its lowest bits are kept."
    "bit<4> x = 20;"
    "use a wider type, or cut the number with a cast";
    "W6001" "never reached"
    "Nothing leads here: a statement behind a `return` or `exit`, a state that no transition names, a case behind one that takes all."
    "action a() { return; x = 1; }"
    "remove it, or what stands before it";
    "W6002" "state without a transition"
    "A state that does not say where it leads rejects the packet."
    "state start { pkt.extract(hdr.eth); }"
    "add `transition accept;`, or `transition reject;` if that is meant";
    "W6003" "arguments that overwrite each other"
    "Two arguments of a call are written to the same place when it ends; the later one wins."
    "f(x, x) // void f(out bit<8> a, out bit<8> b)"
    "use another variable for one of them";
    "W7001" "entries of the same priority"
    "If both match a packet, it is open which of them is taken."
    "entries = { priority = 5 : 1 : a; priority = 5 : _ : b; }"
    "use different priorities";
    "W7002" "entries out of the order of their priorities"
    "The order in which entries are written is not the one in which they match."
    "entries = { priority = 1 : 1 : a; priority = 5 : _ : b; }"
    "write entries in the order of their priorities";
    "W7003" "entry that never matches"
    "Entries match in their order, and one above takes all packets that this one would take."
    "const entries = { _ : a; 1 : b; }"
    "move it up, or remove it";
    "W7004" "constant key"
    "The key has the same value for every packet, so that it tells nothing apart."
    "key = { 8w1 : exact; }"
    "remove the key";
}
