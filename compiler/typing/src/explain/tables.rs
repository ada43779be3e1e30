//! Pages about tables.

use p4rmt_source::Explanation;

pages! {
    "E7001" "table without actions"
    "A table says with `actions` what it can do."
    "table t { key = { x : exact; } }"
    "add `actions = { … }`, if need be an empty one";
    "E7002" "property twice"
    "A table has each property once."
    "table t { actions = {} size = 1; size = 2; }"
    "remove one of them";
    "E7003" "properties in the wrong order"
    "What a table does by default, and its entries, are said behind the actions and keys that they speak of."
    "table t { default_action = a; actions = { a; } }"
    "move the property behind the other one";
    "E7004" "value of a property"
    "`size` is a constant number, `priority_delta` one above zero, `largest_priority_wins` is `true` or `false`."
    "table t { actions = {} size = true; }"
    "write a value of that kind";
    "E7005" "action listed twice"
    "The actions of a table have different names."
    "table t { actions = { a; a; } }"
    "remove one of them";
    "E7006" "action that the table does not list"
    "The default action, and the actions of entries, are among those that the table lists."
    "table t { actions = { a; } default_action = b; }"
    "add the action to the list";
    "E7007" "action data in the list of actions"
    "The list of a table gives arguments for parameters with a direction. Action data comes from the entries."
    "table t { actions = { a(data = 1); } }"
    "remove the argument";
    "E7008" "argument that differs from the list"
    "The default action, and the actions of entries, repeat the arguments that the list of actions gives, word by word."
    "table t { actions = { a(x); } default_action = a(y); }"
    "write the same argument as in the list";
    "E7009" "action data that is not a constant"
    "The default action, and entries, are there before any packet is: they give constants."
    "default_action = a(hdr.ipv4.ttl);"
    "pass a constant, or give the parameter a direction and bind it in the list";
    "E7010" "action in a place that its annotation forbids"
    "An action that is marked `@defaultonly` is for the default action, one that is marked `@tableonly` for entries."
    "table t { actions = { @tableonly a; } default_action = a; }"
    "remove the annotation, or use another action";
    "E7011" "key that cannot be looked up"
    "A key is a number with a width, a `bool`, an `error`, or a member of an enumeration."
    "key = { hdr.ipv4 : exact; }"
    "use the fields, one key each";
    "E7012" "match kind that a key's type does not have"
    "Prefixes and ranges are those of numbers."
    "key = { hdr.ipv4.isValid() : lpm; }"
    "match it `exact` or `ternary`";
    "E7013" "key without a name"
    "The control plane calls a key as it is written: a field, an element, a slice, a field under a mask. What is computed needs a name of its own."
    "key = { h.a + h.b : exact; }"
    "add `@name(\"…\")` behind the match kind";
    "E7014" "`NoAction` that is not the core library's"
    "A table without a default action runs `NoAction` when nothing matches, an action without parameters."
    "action NoAction(bit<8> x) {}"
    "include `core.p4`, or declare it as `action NoAction() {}`";
    "E7020" "entries without a key"
    "Entries say what is done for which keys; a table without a key only has a default action."
    "table t { actions = { a; } entries = { _ : a; } }"
    "add a key, or remove the entries";
    "E7022" "keyset that its match kind does not have"
    "`exact` and `optional` keys have one value, `lpm` and `ternary` keys a value under a mask, `range` keys a value or a range. `_` is for keys that may have any value."
    "key = { x : ternary; } … entries = { 1 .. 2 : a; }"
    "write the keyset in a form that the match kind has, or change the match kind";
    "E7023" "mask that is no prefix"
    "The mask of an `lpm` key is a number of ones, then only zeros."
    "0x11 &&& 0x0F : a;"
    "match the key `ternary`, or use a mask such as `0xF0`";
    "E7024" "empty range"
    "A range goes from its smaller to its larger bound."
    "8 .. 1 : a;"
    "exchange the bounds";
    "E7025" "entries with the same key"
    "Where all keys are matched exactly, each key has one entry."
    "1 : a; 1 : b;"
    "remove one of the entries";
    "E7026" "priority where there is none"
    "Entries have priorities if several can match, and if they are not constant: `const entries` match in their order, exact keys match one entry, prefixes by their length."
    "const entries = { priority = 1 : 1 : a; }"
    "remove the priority";
    "E7027" "first entry without a priority"
    "If one entry has a priority, the first one has, and the others count from it."
    "entries = { 1 : a; priority = 5 : 2 : a; }"
    "give the first entry a priority";
    "E7028" "priority out of range"
    "Priorities are numbers from 0 to 2,147,483,647, those too that are counted from another entry's."
    "entries = { priority = -1 : _ : a; }"
    "use another priority, or a smaller `priority_delta`";
}
