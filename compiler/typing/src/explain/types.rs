//! Pages about types.

use p4rmt_source::Explanation;

pages! {
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
    "`break` and `continue` belong to a loop, `this` to the methods that an instance defines."
    "action a() { break; }"
    "move it to where it may stand";
    "E2013" "nesting too deep"
    "Types and expressions nest as deep as programs need them to; what nests far deeper is refused, so that no program can make the compiler run without an end."
    "tuple<tuple<tuple<…>>>"
    "declare types and constants for the parts";
    "E2014" "abstract method without a body"
    "An instance of an extern with abstract methods defines each of them in the block behind its name."
    "RegisterAction<bit<8>, bit<8>, bit<8>>(r) a;"
    "add `= { … }` with a method of the declared parameters and result";
    "E2015" "no default value"
    "`...` stands for the default value of the type that is expected: numbers are 0, headers are invalid. Lists, match kinds, and objects have none."
    "list<bit<8>> l = ...;"
    "write a value";
    "E2016" "field without a value"
    "A struct expression gives every field a value, or has `...` at its end for the others."
    "s v = { a = 1 }; // and b?"
    "give the field a value, or end the expression with `...`";
    "E2017" "call without a value"
    "Actions, and functions and methods that return `void`, give nothing that could be computed with."
    "bit<8> a = f(); // void f()"
    "call it as a statement";
    "E2018" "no size"
    "Sizes in bits are known of numbers, `bool`, enumerations with an underlying type, and of what is made of these."
    "s.minSizeInBits() // string s;"
    "apply it to something that has bits";
    "E2020" "wrong number of keysets"
    "Behind a `select` of several values, and in a table with several keys, each value has one keyset; a single `_` or `default` stands for all."
    "transition select(a, b) { 1 : accept; }"
    "write one keyset for each value";
    "E2030" "type that cannot stand in another"
    "Headers hold numbers, `bool`, serializable enumerations, and structs and arrays of these; header unions hold headers; structs and tuples hold everything but `int`, `string`, `void`, lists and objects. What type arguments make of a generic type obeys the same rules."
    "header h { error e; }"
    "use a type that may stand there, or a struct instead of the header";
    "E2031" "type that a declaration cannot have"
    "Variables hold values that a packet can have: no `int`, no `string`, no objects; constants hold no objects; `_` is a type only where a call or an instance says which."
    "action a() { int x = 1; }"
    "use a type with a width, or a constant; write an instance as `T(…) x;`";
    "E2032" "type that cannot be named"
    "`type` makes a new type of `bit<W>`, `int<W>`, `bool`, or of another new type; `typedef` names everything but `void`, `string` and `match_kind`."
    "type ipv4_h my_header;"
    "use `typedef`, or write the type out";
    "E2033" "underlying type of an enumeration"
    "The members of a serializable enumeration are stored as `bit<W>` or `int<W>`, by itself or under the name of a `typedef`."
    "enum int size { small = 1 }"
    "write a width, as in `enum bit<8> size`";
    "E2034" "direction that a parameter cannot have"
    "A direction moves values in and out. Objects are passed as they are, numbers of type `int` and strings are constants, and what a constructor takes is known before any packet arrives: none of them has a direction."
    "extern void log(in string message);"
    "remove the direction";
    "E2035" "type that a parameter cannot have"
    "Which objects can be passed to which is fixed: parsers and packages to packages, parsers to the constructors of parsers, controls to those of controls; extern objects to everything but actions. Actions take values that entries can hold, so no `int`. A parser or control with a body is no type of a parameter."
    "action a(packet_out p) {}"
    "pass the values that are needed, or declare a type, as in `control C();`";
    "E2036" "type that cannot be returned"
    "Functions and methods return values: no parser, control or package; methods no `int` and no `string` either."
    "extern e { abstract int f(); }"
    "return a type with a width";
    "E2037" "argument that a method of the core library is not defined on"
    "`extract` takes a header: without `varbit` fields if it is the only argument, with one if a size follows. `lookahead` reads a type of fixed size. `emit` takes headers, stacks, unions, and structs of these."
    "packet.extract(md.port); // bit<9> port;"
    "pass a header, declared for what is in the packet";
}
