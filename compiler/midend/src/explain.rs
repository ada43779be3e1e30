//! What each code of this step means: its part of `p4rmt explain`.

use p4rmt_source::Explanation;

/// All codes in order.
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
    "E0401" "a loop in a pipeline"
    "A packet passes each stage once, so a loop runs only as its turns written out. Loops over values that the compiler knows are written out before."
    "for (bit<8> i = 0; i < hdr.n.count; i = i + 1) { md.sum = md.sum + i; }"
    "let it turn a number of times that the compiler knows, with the rest under a condition";
    "E0402" "an exit under a condition in an action"
    "An action of the machine does everything at once, and either ends the control or does not: it cannot decide."
    "action a() { if (md.x == 0) { exit; } md.y = 1; }"
    "test the condition in the control, around two actions, or let the entries of a table choose between them";
    "E0403" "a call under a condition in an action"
    "An action runs all of its calls. A register, counter or meter that should be touched only sometimes belongs to an action of its own."
    "action a() { if (md.x == 0) { md.y = read_it.execute(md.i); } }"
    "test the condition in the control, around two actions, or let the entries of a table choose between them";
    "E0404" "a register action reads what its caller wrote"
    "A stateful ALU works beside the action that calls it and sees the fields as they entered the stage, not what the action writes."
    "action a() { md.x = hdr.h.y - 1; md.z = uses_x.execute(md.i); }"
    "write the field in a table that is applied before this one";
    "E0405" "a value that depends on too much at once"
    "The statements of an action happen at once: what one of them wrote is put into those that read it. The value grew beyond all bounds."
    "action a() { md.x = md.x + md.x; md.x = md.x + md.x; }"
    "compute parts of it in tables that are applied before this one";
    "E0406" "a table applied twice"
    "A table is in one place of the pipe, and a packet passes it once."
    "apply { t.apply(); t.apply(); }"
    "apply it once, behind a field that says whether to, or declare a second table";
    "E0410" "branches nested too deeply"
    "What follows a statement that may end the control early goes into the branch that goes on. There are more of them than any machine has stages for."
    "if (a == 1) { exit; } if (a == 2) { exit; } if (a == 3) { exit; }"
    "let a table decide what ends, or join conditions with `||` that end alike";
    "E0411" "a register touched twice"
    "A register is in one stage, and its stateful ALU runs once for a packet. Conditions are not compared: two `if` that test opposites count as able to hold both."
    "if (a == 1) { r.execute(0); } if (a == 2) { r.execute(1); }"
    "let one register action do both, or put the two into branches of one condition";
    "E0412" "a direct unit without a table"
    "A direct register, counter or meter has one cell for each entry of its table: only an action that an entry selects has a cell to use."
    "apply { my_direct_counter.count(); }"
    "call it in an action of its table, or give it a size and an index";
}
