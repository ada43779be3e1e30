//! Pages about declarations, blocks, statements, calls and annotations.

use p4rmt_source::Explanation;

pages! {
    "E6001" "action data before other parameters"
    "The parameters of an action without a direction are its data, which entries give; they stand at the end."
    "action a(bit<8> data, inout bit<8> x) {}"
    "move the parameters with a direction to the front";
    "E6002" "default value of a parameter"
    "Only parameters that are read, `in` or without a direction, can have a default value, and not if they are optional."
    "void f(out bit<8> x = 0) { x = 1; }"
    "remove the default value";
    "E6003" "optional parameter"
    "`@optional` leaves it to the machine what a missing argument means. So it is for what machines define: packages, parsers, controls, and the functions, methods and constructors of externs."
    "bit<8> f(@optional in bit<8> x) { return x; }"
    "give the parameter a default value instead";
    "E6010" "instance in the wrong place"
    "Parsers are instantiated in parsers, controls in controls, externs in both and at the top level, packages at the top level; before the states or the `apply`, never in an action or function."
    "control c() { apply { my_control() inner; } }"
    "declare the instance before `apply`";
    "E6011" "block behind an instance without abstract methods"
    "The block behind an instance defines the abstract methods of its extern."
    "counter() c = { void f() {} };"
    "remove the block";
    "E6012" "unknown abstract method"
    "The block behind an instance defines methods that its extern declares with `abstract`, and no others."
    "balancer() b = { bit<4> on_flow() { return 0; } };"
    "use the name that the extern declares";
    "E6013" "method that differs from its declaration"
    "The body of an abstract method has the result, the number of parameters, and the types and directions that the extern declares."
    "extern e { e(); abstract void f(in bit<8> x); } e() i = { void f(in bit<16> x) {} };"
    "copy the head from the extern, with the type arguments in place";
    "E6014" "constructor call of an extern with abstract methods"
    "The methods of such an extern are defined behind the name of its instance, so that an instance without a name cannot be made."
    "Switch(balancer()) main;"
    "declare the instance with its block, and pass its name";
    "E6015" "constructor or method"
    "A constructor has the name of its extern and no result type; every other method has a result type, `void` if it returns nothing."
    "extern counter { count(); }"
    "write `void` before the method, or the extern's name for a constructor";
    "E6016" "methods that no call can tell apart"
    "Several methods have one name only if calls can tell them apart by the number or by the names of their arguments; types do not count."
    "extern e { void f(in bit<8> a); void f(in bit<16> a); }"
    "give the method or a parameter another name";
    "E6017" "function that ends without a value"
    "A function with a result returns a value on every way through it."
    "bit<8> f(in bool c) { if (c) return 1; }"
    "add a `return` at the end";
    "E6020" "parser without a first state"
    "A parser begins in its state `start`."
    "parser p() { state begin { transition accept; } }"
    "name the first state `start`";
    "E6021" "state that the language has"
    "`accept` and `reject` are the ends of every parser, and have no body."
    "parser p() { state start { transition accept; } state accept {} }"
    "remove the state, or give it another name";
    "E6022" "parser without an end"
    "From `start`, some way leads to `accept` or `reject`."
    "parser p() { state start { transition start; } }"
    "lead one of the states to `accept`";
    "E6023" "value that `select` cannot look at"
    "`select` looks at numbers with a width, `bool`, enumerations, and tuples of these."
    "transition select(hdr.ipv4) { _ : accept; }"
    "select on a field";
    "E6024" "type that a value set cannot hold"
    "A value set holds what a `select` can look at: numbers with a width, `bool`, enumerations, and tuples and structs of these."
    "value_set<int>(4) s;"
    "use a type with a width";
    "E6030" "call in the wrong place"
    "Tables and controls are applied in the `apply` of a control, parsers in states, actions are called in an `apply` or in actions. `verify` belongs to parsers, and nothing is called in a keyset."
    "action a() { t.apply(); }"
    "move the call to where it may stand";
    "E6031" "statement in the wrong place"
    "States end by a transition: they have no `return`, no `exit`, no `switch`. Functions do not `exit`."
    "state start { return; }"
    "use a transition, or `if`";
    "E6032" "property of a header stack outside of parsers"
    "`next`, `last` and `lastIndex` follow the parser through the stack; elsewhere there is nothing that they could follow."
    "apply { hdr.vlan.last.setInvalid(); }"
    "use an index";
    "E6033" "`action_run` outside of a `switch`"
    "Which action a table has run can only be the expression of a `switch`, as a whole, in the `apply` of a control."
    "if (t.apply().action_run == a) {}"
    "write `switch (t.apply().action_run) { a: { … } }`";
    "E6041" "label twice"
    "The labels of a `switch` are all different, since at most one of them can match."
    "switch (x) { 1: {} 1: {} }"
    "remove one, or put both bodies into one case";
    "E6042" "label behind `default`"
    "`default` is for what no other label matches, so it comes last, and once."
    "switch (x) { default: {} 1: {} }"
    "move `default` to the end";
    "E6043" "label that is no action of the table"
    "The labels of a `switch` over `action_run` are names of actions that the table lists."
    "switch (t.apply().action_run) { other: {} }"
    "add the action to the table, or remove the case";
    "E6050" "`main` that is no package"
    "What the machine runs is a package under the name `main`."
    "my_extern() main;"
    "instantiate the package of the architecture as `main`";
    "E6060" "body of an annotation"
    "`@name`, `@deprecated` and `@noWarn` hold a string, `@match` holds a match kind, marks such as `@hidden` and `@optional` hold nothing."
    "@name(4) action a() {}"
    "write the body that the annotation takes";
    "E6061" "annotation twice"
    "An annotation in brackets is there once on an element, and not beside one in parentheses of its name."
    "@limits[1] @limits[2] action a() {}"
    "merge them into one";
    "E6062" "value in an annotation"
    "What an annotation in brackets holds is known when the program is compiled, and is an `int`, a `bool` or a `string`."
    "@limits[{ 1, 2 }] action a() {}"
    "write the values one by one";
}
