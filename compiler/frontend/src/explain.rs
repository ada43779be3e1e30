//! What each code means: the text of `p4rmt explain`.

use p4rmt_source::Explanation;

/// What is said about this code.
#[must_use]
pub fn explanation(code: &str) -> Option<&'static Explanation> {
    EXPLANATIONS
        .iter()
        .find(|explanation| explanation.code == code)
}

/// All codes of the front end in order.
#[must_use]
pub fn explanations() -> &'static [Explanation] {
    EXPLANATIONS
}

macro_rules! explanations {
    ($($code:literal $title:literal $text:literal $example:literal $help:literal;)*) => {
        const EXPLANATIONS: &[Explanation] = &[$(Explanation {
            code: $code, title: $title, text: $text, example: $example, help: $help,
        }),*];
    };
}

explanations! {
    "E1001" "unknown name"
    "A name must be declared, in the scope that it is used in or in one around it."
    "apply { hdr.ipv4.ttl = tll; }"
    "check the spelling, or declare it";
    "E1002" "duplicate name"
    "A scope holds one declaration of a name; only functions and methods of externs can be overloaded, by their number of parameters."
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
    "E2001" "types do not agree"
    "A value must have the type that is needed. Only numbers without a width, and members of enums with an underlying type, are converted by themselves."
    "bit<8> a = 16w1;"
    "write a cast to the type that is expected, as `(bit<16>)x` casts to `bit<16>`";
    "E2002" "operator on types that it is not defined on"
    "Arithmetic needs two numbers of the same width and signedness, logic needs `bool`, concatenation needs numbers with a width."
    "bit<8> a; bit<16> b; a + b"
    "cast one of the operands";
    "E2003" "not assignable"
    "On the left of an assignment, and for `out` and `inout` parameters, stands something that holds a value: a variable, a field, an element of a stack, or a slice of one."
    "1 = x;"
    "assign to a variable or a field";
    "E2004" "read only"
    "Parameters with direction `in` or none, and constants, keep their value."
    "control c(in bit<8> a) { apply { a = 1; } }"
    "copy it into a variable, or make the parameter `inout`";
    "E2005" "wrong arguments"
    "A call gives every parameter one argument, by position or by name, but for parameters that are optional or have a default."
    "action a(bit<8> x) {} apply { a(); }"
    "give each parameter one argument";
    "E2006" "cast that does not exist"
    "Casts exist between numbers of one width or one signedness, between `bit<1>` and `bool`, and between a type and what it renames or stores. A change of width and sign takes two casts."
    "(int<16>)(bit<8>)x"
    "cast in two steps";
    "E2007" "number without a width"
    "A number as it stands in the program has no width. It takes one from what it is assigned to or combined with; here there is nothing."
    "hash.get({ 1 })"
    "write the width, as in `16w1`";
    "E2008" "type arguments"
    "Generic types and methods take as many type arguments as they declare; those of methods can be left out where the arguments determine them."
    "Register<bit<32>>(1024) r;"
    "write the type arguments";
    "E2009" "not callable"
    "Actions, functions, methods, and `apply` of tables, parsers and controls are called."
    "hdr.ipv4();"
    "call one of these";
    "E2010" "slice out of range"
    "A slice `x[hi:lo]` has constant bounds with width > hi >= lo >= 0."
    "bit<8> x; x[8:1]"
    "keep both bounds below the width";
    "E2011" "return"
    "A function returns a value of its type; actions and controls return nothing."
    "action a() { return 1; }"
    "return what is declared";
    "E2012" "misplaced statement"
    "Tables are applied in controls, not in actions or parsers; parsers extract, deparsers emit."
    "action a() { t.apply(); }"
    "move it to where it may stand";
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
    "E4001" "no main"
    "The program instantiates the package of its architecture under the name `main`."
    "Pipeline(...) pipe;"
    "instantiate the package of the architecture, as in `Switch(pipe) main;` or `V1Switch(P(), V(), I(), E(), C(), D()) main;`";
    "E4002" "no machine for the package"
    "The machines here run `Switch` of TNA and T2NA, and `V1Switch` of v1model. A program with any other package, `MultiParserSwitch` among them, is checked, and can be neither placed nor run."
    "MyPackage(...) main;"
    "instantiate `Switch` of `t2na.p4` or `tna.p4`, or `V1Switch` of `v1model.p4`; `p4rmt check` takes the program as it is";
    "E4006" "extern in the wrong place"
    "Each unit of the machine is in one part of the pipe: registers, meters, counters, hashes and random values in the match-action part, checksums in parser and deparser, mirror, resubmit and digest in the deparser. In v1model, what asks something of the switch stands where the switch can still do it: `resubmit` and clones of what came in, in the ingress; `recirculate` and clones of what goes out, in the egress."
    "parser p(...) { state start { reg.read(0); } }"
    "move the call to the part of the pipe that has the unit";
    "E4007" "extern used in both gresses"
    "Memory belongs to stages of one gress."
    "Register<bit<32>, bit<8>>(256) shared; // used in ingress and egress"
    "make an instance for each gress";
    "E4008" "register element"
    "An element is one number, or a struct of up to two numbers of one width."
    "Register<header_t, bit<8>>(256) r;"
    "use a number, or a struct of two";
    "E4010" "alignment"
    "Checksums, mirror headers and resubmit headers are made of whole bytes."
    "mirror.emit(session, { 4w1 });"
    "put constant bits behind them, as in `{ hdr.h.a, 4w0 }`";
    "E4012" "entry that its key cannot hold"
    "Exact keys take values, `lpm` keys take values and contiguous masks, ternary keys take values and masks, range keys take values and ranges, optional keys take values and `_`."
    "key = { hdr.h.a : exact; } const entries = { 1 &&& 3 : a; }"
    "write a value, or match the key in the way that holds what is written";
    "E4014" "two selectors over one profile"
    "The groups of an action profile belong to one action selector."
    "ActionSelector(ap, hash, mode, 4, 4) a; ActionSelector(ap, hash, mode, 8, 4) b;"
    "declare an action profile for each selector, or let the tables share one selector";
    "E4015" "two byte adjustments"
    "A counter or meter has one number of bytes that packets count less, for all calls."
    "c.count(0, 4); … c.count(0, 14);"
    "adjust by the same constant everywhere, or use a counter for each";
    "E5001" "part of the language that is not supported"
    "The language has it, the compiler does not carry it (yet)."
    "header_union u { h1 a; h2 b; }"
    "write what the message says instead";
    "E5002" "extern that is not supported"
    "The architecture declares it, the compiler does not carry it (yet)."
    "SelectorAction(selector) unplug = { … };"
    "remove it, or replace it by a supported one";
    "E5003" "table property that is not supported"
    "The property would change what the table does, and the compiler does not carry it (yet)."
    "dynamic_table_size = true;"
    "remove the property";
    "E5004" "match kind that is not supported"
    "Keys are matched `exact`, `ternary`, `lpm`, `range`, `optional`, or hashed as `selector`."
    "key = { hdr.ipv4.src_addr : dleft_hash; }"
    "match `exact`, `ternary`, `lpm`, `range` or `optional`, or hash the key with `selector`";
    "E5005" "program too large"
    "Loops are written out, calls are put in their places, and a state is made for each way to it: what nests multiplies."
    "a parser loop over a stack of 100,000 elements"
    "let loops take fewer turns, calls nest less deeply, stacks have fewer elements";
    "W3002" "number that does not fit"
    "The type cannot hold the number, so that only its lowest bits are kept."
    "bit<4> x = 20;"
    "use a wider type, or cut the number with a cast";
    "W4001" "register parameter"
    "A `RegisterParam` can be changed by the control plane of the machine. Here it keeps the value that the program gives it."
    "RegisterParam<bit<32>>(100) limit;"
    "use a constant if it never changes";
    "W5001" "idle timeout"
    "Entries of the machine can report that nothing matched them for a while. Here they do not; packets are treated the same."
    "idle_timeout = true;"
    "remove the property if the reports are not needed";
    "W5002" "unknown table property"
    "A table property that the architecture does not declare changes nothing."
    "table t { implementaton = selector; }"
    "check the spelling, or remove it";
    "W5003" "resilient selector"
    "The chip picks members of a resilient group so that one that goes moves no packets of the others. Its way is not published: here members are picked by the hash modulo their number, resilient or not."
    "ActionSelector(profile, hash, SelectorMode_t.RESILIENT, 120, 4) selector;"
    "expect other members than the chip picks, or use `SelectorMode_t.FAIR`";
    "W5004" "trigger of the packet generator"
    "The deparser can tell the packet generator to send. The generator of this machine has applications that timers trigger, no other ones."
    "Pktgen() generator;"
    "expect no packets from it";
    "W5005" "proxy hash"
    "A table with a proxy hash holds hashes in place of keys, so that on the chip another key with the same hash matches, too. Here entries match by the whole key."
    "proxy_hash = Hash<bit<32>>(HashAlgorithm_t.CRC32);"
    "expect no false matches";
}
