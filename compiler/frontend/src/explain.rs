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
