//! What a stateful ALU can just do and what it just can't: for each limit a register action that is
//! accepted and one that is refused, with its message and line.
//!
//! A line of a program that ends in `//!` is the one that the complaint points at.

use std::path::Path;

use p4rmt_driver::{Options, compile};
use p4rmt_ir::{Id, PipeId};
use p4rmt_mau::{Target, place};
use p4rmt_syntax::{LoadError, Loader};

struct OneFile(String);

impl Loader for OneFile {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        Ok((path == Path::new("main.p4")).then(|| self.0.clone()))
    }
}

/// A program with these declarations in its ingress and this apply block. `md` has `a`, `b`, `c` of 32
/// bits, `h` of 16, `wide` of 64, and `out1` to `out4` of 32.
fn program(interface: &str, declarations: &str, apply: &str) -> String {
    let text = r#"#include <core.p4>
#include <INTERFACE>
header h_t { bit<32> a; bit<32> b; bit<32> c; bit<16> h; bit<64> wide;
             bit<32> out1; bit<32> out2; bit<32> out3; bit<32> out4; bit<8> flag; }
struct headers_t { h_t md; }
struct metadata_t {}
struct pair { bit<32> lo; bit<32> hi; }
parser IP(packet_in pkt, out headers_t hdr, out metadata_t meta,
          out ingress_intrinsic_metadata_t intr) {
    state start { pkt.extract(intr); pkt.advance(PORT_METADATA_SIZE); pkt.extract(hdr.md); transition accept; }
}
control I(inout headers_t hdr, inout metadata_t meta, in ingress_intrinsic_metadata_t intr,
          in ingress_intrinsic_metadata_from_parser_t prsr,
          inout ingress_intrinsic_metadata_for_deparser_t dprsr,
          inout ingress_intrinsic_metadata_for_tm_t tm) {
DECLARATIONS
    apply { APPLY }
}
control ID(packet_out pkt, inout headers_t hdr, in metadata_t meta,
           in ingress_intrinsic_metadata_for_deparser_t dprsr) {
    apply { pkt.emit(hdr); }
}
parser EP(packet_in pkt, out headers_t hdr, out metadata_t meta,
          out egress_intrinsic_metadata_t intr) {
    state start { pkt.extract(intr); transition accept; }
}
control E(inout headers_t hdr, inout metadata_t meta, in egress_intrinsic_metadata_t intr,
          in egress_intrinsic_metadata_from_parser_t prsr,
          inout egress_intrinsic_metadata_for_deparser_t dprsr,
          inout egress_intrinsic_metadata_for_output_port_t oport) {
    apply {}
}
control ED(packet_out pkt, inout headers_t hdr, in metadata_t meta,
           in egress_intrinsic_metadata_for_deparser_t dprsr) {
    apply { pkt.emit(hdr); }
}
Pipeline(IP(), I(), ID(), EP(), E(), ED()) pipe;
Switch(pipe) main;
"#;
    let of_header = |text: &str| text.replace("md.", "hdr.md.");
    text.replace("INTERFACE", interface)
        .replace("DECLARATIONS", &of_header(declarations))
        .replace("APPLY", &of_header(apply))
}

/// Compiles and fits; nothing, or the first complaint.
#[track_caller]
fn check(target: &str, declarations: &str, apply: &str, expected: Option<&str>) {
    let interface = if target == "tofino1" {
        "tna.p4"
    } else {
        "t2na.p4"
    };
    check_of(interface, target, declarations, apply, expected);
}

/// The same for a program of this interface.
#[track_caller]
fn check_of(
    interface: &str,
    target: &str,
    declarations: &str,
    apply: &str,
    expected: Option<&str>,
) {
    let text = program(interface, declarations, apply);
    let file = OneFile(text.clone());
    let compiled = match compile(Path::new("main.p4"), &Options::default(), &file) {
        Ok(compiled) => compiled,
        Err(rejected) => {
            let shown = rejected.diagnostics.iter();
            let shown: Vec<_> = shown.map(|d| rejected.sources.render(d, false)).collect();
            panic!("{}\n{text}", shown.join("\n"));
        }
    };
    let target = Target::built_in(target).expect("it comes with the compiler");
    let fit = place(&compiled.program, PipeId::from_index(0), &target).expect("it has tables");
    let first = fit.problems.first();
    let message = first.map(|problem| problem.problem.to_string());
    assert_eq!(message.as_deref(), expected);
    if let Some(problem) = first {
        let line = compiled.sources.locate(problem.span).map(|at| at.line);
        let marked = text.lines().position(|line| line.ends_with("//!"));
        let marked = marked.map(|line| u32::try_from(line).expect("few lines") + 1);
        assert!(marked.is_some(), "the program marks no line");
        assert_eq!(line, marked, "the line of: {message:?}");
        assert!(!problem.problem.help().is_empty());
    }
}

/// One register action on an element of 32 bits with one output.
#[track_caller]
fn check_body(target: &str, body: &str, expected: Option<&str>) {
    check_on(target, "bit<32>", body, expected);
}

/// One register action on an element of this type, with an output of 32 bits.
#[track_caller]
fn check_on(target: &str, element: &str, body: &str, expected: Option<&str>) {
    let declarations = format!(
        "    Register<{element}, bit<8>>(256) reg;
    RegisterAction<{element}, bit<8>, bit<32>>(reg) act = {{
        void apply(inout {element} v, out bit<32> rv) {{
{body}
        }}
    }};"
    );
    check(
        target,
        &declarations,
        "md.out1 = act.execute(md.flag);",
        expected,
    );
}

/// Two actions on one register, each with an output of 32 bits.
#[track_caller]
fn check_two(target: &str, first: &str, second: &str, expected: Option<&str>) {
    let declarations = format!(
        "    Register<bit<32>, bit<8>>(256) reg;
    RegisterAction<bit<32>, bit<8>, bit<32>>(reg) act1 = {{
        void apply(inout bit<32> v, out bit<32> rv) {{
{first}
        }}
    }};
    RegisterAction<bit<32>, bit<8>, bit<32>>(reg) act2 = {{
        void apply(inout bit<32> v, out bit<32> rv) {{
{second}
        }}
    }};"
    );
    let apply = "if (md.flag == 0) { md.out1 = act1.execute(md.flag); }
            else { md.out1 = act2.execute(md.flag); }";
    check(target, &declarations, apply, expected);
}

#[test]
fn comparators() {
    let body = "rv = 0; if (v == 1 || v == md.a) { rv = 1; }";
    check_body("tofino1", body, None);
    let body = "rv = 0;
if (v == 1 || v == md.a || v == 3) { rv = 1; } //!";
    check_body("tofino2", body, None);
    let message = "the register action `I.act` makes 3 comparisons, its stateful ALU has 2";
    check_body("tofino1", body, Some(message));
    let body = "rv = 0; if (v == 1 || v == md.a || v == 3 || v > 9) { rv = 1; }";
    check_body("tofino2", body, None);
    let body = "rv = 0;
if (v == 1 || v == md.a || v == 3 || v > 9 || v == 20) { rv = 1; } //!";
    let message = "the register action `I.act` makes 5 comparisons, its stateful ALU has 4";
    check_body("tofino2", body, Some(message));
}

#[test]
fn a_predicate_is_any_function_of_the_comparators() {
    let body = "if ((v == 1) != (v < md.a)) { v = 7; rv = v; } else { v = v + 1; rv = 0; }";
    check_body("tofino1", body, None);
}

#[test]
fn a_sum_that_wraps_takes_two_comparators_if_there_are_two() {
    let body = "if (md.a - v > 100) { v = md.a; rv = 1; } else { rv = 0; }";
    check_body("tofino1", body, None);
    // With a second comparison it takes one, and is taken as if it did not wrap.
    let body = "rv = 0; if (md.a - v > 100 && v != 0) { v = md.a; rv = 1; }";
    check_body("tofino1", body, None);
    let body = "rv = 0;
if (md.a - v > 100 && v != 0 && md.b == 9) { v = md.a; rv = 1; } //!";
    let message = "the register action `I.act` makes 4 comparisons, its stateful ALU has 2";
    check_body("tofino1", body, Some(message));
}

#[test]
fn two_values_are_computed() {
    check_body("tofino1", "rv = v - md.b; v = v + md.a;", None);
    check_on("tofino1", "pair", "rv = v.lo; v.lo = v.lo + md.a;", None);
    // What is written is at hand.
    check_on("tofino1", "pair", "v.lo = v.lo + md.a; rv = v.lo;", None);
    let message = "the register action `I.act` computes 3 values, its stateful ALU 2; one written back unchanged counts";
    check_on("tofino1", "pair", "rv = v.lo + md.a; //!", Some(message));
}

#[test]
fn two_alternatives_of_a_value() {
    let body = "rv = 0; if (v == 1) { v = md.a; } else { v = v + 1; }";
    check_body("tofino1", body, None);
    let body = "rv = 0;
if (v == 1) { v = md.a; } else if (v == 2) { v = v + 1; } else {
v = 0; //!
}";
    let message = "the register action `I.act` has 3 alternatives for a value, its stateful ALU 2";
    check_body("tofino1", body, Some(message));
    // To leave it alone takes none, and what two operations give is joined by *or*.
    let body = "rv = 0; if (v == 1) { v = md.a; } else if (v == 2) { v = v + 1; }";
    check_body("tofino1", body, None);
    let body = "rv = 0; v = (v & md.a) | (~v & md.b);";
    check_body("tofino1", body, None);
}

#[test]
fn two_fields_for_all_actions_of_a_register() {
    let first = "rv = v; v = v + md.a;";
    let second = "rv = 0; if (v == md.b) { v = md.b; }";
    check_two("tofino1", first, second, None);
    let third = "rv = v;
if (v == md.b) { v = 0; } else { //!
v = md.c;
}";
    let message = "the actions of `I.reg` read 3 different fields (`hdr.md.a`, `hdr.md.c`, `hdr.md.b`), its stateful ALU takes 2";
    check_two("tofino1", first, third, Some(message));
}

#[test]
fn one_value_of_memory_and_one_field_an_operation() {
    let memory = "the register action `I.act` computes with two values of memory, its stateful ALU takes one of them";
    check_on(
        "tofino1",
        "pair",
        "rv = 0;\nv.lo = v.lo + v.hi; //!",
        Some(memory),
    );
    check_on("tofino1", "pair", "rv = 0; v.lo = v.hi + md.a;", None);
    let fields =
        "the register action `I.act` computes with two fields, its stateful ALU takes one of them";
    check_body("tofino1", "rv = 0;\nv = md.a + md.b; //!", Some(fields));
    let compared = "the register action `I.act` compares two values of memory, its stateful ALU takes one of them";
    let body = "rv = 0;\nif (v.lo < v.hi) { rv = 1; } //!";
    check_on("tofino1", "pair", body, Some(compared));
    check_on(
        "tofino1",
        "pair",
        "rv = 0; if (v.lo < md.a) { rv = 1; }",
        None,
    );
}

#[test]
fn no_result_feeds_another() {
    check_body("tofino1", "rv = 0; v = v + md.a;", None);
    let message = "the register action `I.act` needs more than one operation for a value";
    let body = "rv = 0;\nv = v + md.a;\nv = v + 100; //!";
    check_body("tofino1", body, Some(message));
    let body = "rv = 0;\nv = v + md.a + md.b; //!";
    check_body("tofino1", body, Some(message));
}

#[test]
fn constants_and_rows() {
    let body = "rv = v ^ 2000; if (v == 1000) { v = 1000; } else { v = v + 3000; }";
    check_body("tofino1", body, None);
    let first = "rv = v ^ 1000; v = v + 2000;";
    check_two("tofino1", first, "rv = v ^ 3000; v = v + 4000;", None);
    let second = "if (v == 5000) { rv = v; } else { rv = 0; }
v = v + 3000;";
    check_two("tofino1", first, second, None);
    let second = "rv = v ^ 3000;
if (v == 5000) { v = v + 4000; } //!";
    let message = "the actions of `I.reg` use 5 constants that are too large for an instruction (2000, 1000, 4000, 3000, 5000), its register file has 4 rows";
    check_two("tofino1", first, second, Some(message));
    // Small ones stand in the instructions.
    let second = "rv = v ^ 7; if (v == 6) { v = v - 5; }";
    check_two("tofino1", first, second, None);
}

#[test]
fn a_constant_has_a_sign() {
    let body = "rv = 0;\nif (v > 0xc0000000) { rv = 1; } //!";
    let message =
        "the register action `I.act` uses a constant that does not fit into 32 bits with its sign";
    check_body("tofino1", body, Some(message));
    check_body("tofino2", body, None);
    check_body("tofino1", "rv = 0; if (v > 0x7fffffff) { rv = 1; }", None);
}

#[test]
fn values_are_whole() {
    let message = "the register action `I.act` compares bits of the register's value, its stateful ALU takes the whole";
    let body = "rv = 0;\nif (v[15:8] == 3) { rv = 1; } //!";
    check_body("tofino2", body, Some(message));
    check_body(
        "tofino2",
        "rv = 0; if (v & 0xff00 == 0x300) { rv = 1; }",
        None,
    );
    let message =
        "a comparison in the register action `I.act` is more than memory, a field and a constant";
    let body = "rv = 0;\nif (v & 0xff00 == 0x300) { rv = 1; } //!";
    check_body("tofino1", body, Some(message));
    // The low bits of what comes out are had by cutting.
    check_body("tofino1", "rv = (bit<32>)v[7:0];", None);
    let message = "the register action `I.act` takes bits of the register's value, its stateful ALU takes the whole";
    let body = "rv = 0;\nv = (bit<32>)v[15:8]; //!";
    check_body("tofino1", body, Some(message));
    let message =
        "the register action `I.act` takes bits of a result, its stateful ALU takes the whole";
    let body = "rv = 0;\nv = (bit<32>)(v + 1)[15:0]; //!";
    check_body("tofino1", body, Some(message));
}

#[test]
fn operands_are_no_wider_than_the_element() {
    let body = "rv = 0; v = v + md.h;";
    check_on("tofino1", "bit<16>", body, None);
    let body = "rv = 0;\nif (md.a == 5) { v = v + 1; } //!";
    let message = "`hdr.md.a` has 32 bits, an operand of `I.reg` at most 16";
    check_on("tofino1", "bit<16>", body, Some(message));
}

#[test]
fn arithmetic_has_32_bits() {
    check_on("tofino2", "bit<64>", "rv = v[31:0]; v = md.wide;", None);
    let message = "the register action `I.act` computes or compares 64 bits, its stateful ALU 32; wider values can only be moved";
    check_on(
        "tofino2",
        "bit<64>",
        "rv = 0;\nv = v + 1; //!",
        Some(message),
    );
}

#[test]
fn the_low_word_of_a_wide_half_is_computed() {
    check_on("tofino2", "bit<64>", "rv = v[31:0]; v[31:0] = md.a;", None);
    let body = "rv = 0; v = v[63:32] ++ (v[31:0] + md.a);";
    check_on("tofino2", "bit<64>", body, None);
    check_on(
        "tofino2",
        "bit<128>",
        "rv = 0; v[95:64] = 5; v[31:0] = md.a;",
        None,
    );
    let message = "the register action `I.act` uses a concatenation, which no stateful ALU can do";
    let body = "rv = 0;\nv = (v[63:32] + md.a) ++ v[31:0]; //!";
    check_on("tofino2", "bit<64>", body, Some(message));
}

#[test]
fn elements() {
    for (element, is_possible) in [("bit<8>", true), ("bit<64>", true), ("bit<24>", false)] {
        let declarations = format!(
            "    Register<{element}, bit<8>>(256) reg; //!
    RegisterAction<{element}, bit<8>, {element}>(reg) act = {{
        void apply(inout {element} v) {{ v = 0; }}
    }};"
        );
        let message = "an element of `I.reg` is 24 bits";
        let expected = Some(message).filter(|_| !is_possible);
        check("tofino1", &declarations, "act.execute(md.flag);", expected);
    }
}

#[test]
fn one_bit() {
    let one = |body: &str, expected: Option<&str>| {
        let declarations = format!(
            "    Register<bit<1>, bit<8>>(256) reg;
    RegisterAction<bit<1>, bit<8>, bit<1>>(reg) act = {{
        void apply(inout bit<1> v, out bit<1> rv) {{
{body}
        }}
    }};"
        );
        let apply = "md.out1 = (bit<32>)act.execute(md.flag);";
        check("tofino1", &declarations, apply, expected);
    };
    one("rv = v; v = 1;", None);
    one("rv = ~v; v = 0;", None);
    let message = "the register action `I.act` has a condition; an element of one bit can be read, set and cleared";
    one("rv = v;\nif (v == 1) { v = 0; } //!", Some(message));
    let message = "the register action `I.act` writes something that is no constant; an element of one bit can be read, set and cleared";
    one("rv = v;\nv = ~v; //!", Some(message));
}

#[test]
fn four_actions_a_register() {
    let declarations = |n: usize| {
        let actions: Vec<String> = (1..=n)
            .map(|at| {
                // The control flow meets the first one last.
                let mark = if n == 5 && at == 1 { "//!" } else { "" };
                format!(
                    "    RegisterAction<bit<32>, bit<8>, bit<32>>(reg) {mark}
        act{at} = {{ void apply(inout bit<32> v, out bit<32> rv) {{ rv = v; v = {at}; }} }};"
                )
            })
            .collect();
        format!(
            "    Register<bit<32>, bit<8>>(256) reg;\n{}",
            actions.join("\n")
        )
    };
    let apply = |n: usize| {
        (1..=n).fold("{}".to_owned(), |rest, at| {
            format!("if (md.flag == {at}) {{ md.out1 = act{at}.execute(md.flag); }} else {rest}")
        })
    };
    check("tofino1", &declarations(4), &apply(4), None);
    let message = "`I.reg` has 5 register actions, its stateful ALU holds 4";
    check("tofino1", &declarations(5), &apply(5), Some(message));
}

#[test]
fn no_shift_and_no_product() {
    let message = "the register action `I.act` uses a shift, which no stateful ALU can do";
    check_body("tofino1", "rv = 0;\nv = v >> 1; //!", Some(message));
    let message = "the register action `I.act` uses a concatenation, which no stateful ALU can do";
    let body = "rv = 0;\nv = v[15:0] ++ md.h; //!";
    check_body("tofino1", body, Some(message));
    check_body("tofino1", "rv = 0; v = v |-| md.a;", None);
    check_body("tofino1", "rv = 0; v = md.h ++ md.h;", None);
    check_body("tofino1", "rv = 0; v = max(v, md.a);", None);
}

#[test]
fn a_comparison_is_an_output_or_a_condition() {
    check_body(
        "tofino1",
        "rv = (bit<32>)(bit<1>)(v == md.a); v = md.a;",
        None,
    );
    let message = "the register action `I.act` needs more than one operation for a value";
    let body = "rv = 0;\nv = v + (bit<32>)(bit<1>)(v == md.a) + md.a; //!";
    check_body("tofino1", body, Some(message));
}

#[test]
fn quotients_are_returned() {
    check_body("tofino2", "rv = v / md.a;", None);
    check_body("tofino2", "rv = v % 10; v = v + md.a;", None);
    check_body(
        "tofino2",
        "rv = 0; if (md.b != 0) { rv = md.a / md.b; }",
        None,
    );
    let message =
        "the register action `I.act` divides, and the stateful ALU of this machine has no divider";
    check_body("tofino1", "rv = v / md.a; //!", Some(message));
    let message = "the register action `I.act` computes with a quotient or writes it, and its stateful ALU only returns quotient and remainder";
    check_body("tofino2", "rv = 0;\nv = v / md.a; //!", Some(message));
    let deep = "the register action `I.act` needs more than one operation for a value";
    check_body("tofino2", "rv = v / md.a + 1; //!", Some(deep));
    let message = "the register action `I.act` returns a quotient or remainder in one case and something else in another, and a word of output shows one thing";
    let body = "rv = v;\nif (md.b != 0) {\nrv = v / md.b; //!\n}";
    check_body("tofino2", body, Some(message));
    let message = "the register action `I.act` uses a multiplication, which no stateful ALU can do";
    check_body("tofino2", "rv = v * md.a; //!", Some(message));
}

#[test]
fn one_division_a_call() {
    let two = |second: &str, expected: Option<&str>| {
        let declarations = format!(
            "    Register<bit<32>, bit<8>>(256) reg;
    RegisterAction<bit<32>, bit<8>, bit<32>>(reg) act = {{
        void apply(inout bit<32> v, out bit<32> rv1, out bit<32> rv2) {{
rv1 = v / md.a;
{second}
        }}
    }};"
        );
        check(
            "tofino2",
            &declarations,
            "md.out1 = act.execute(md.flag, md.out2);",
            expected,
        );
    };
    two("rv2 = v % md.a;", None);
    let message = "the register action `I.act` divides twice, and its stateful ALU has one divider";
    two("rv2 = v / md.b; //!", Some(message));
}

#[test]
fn a_divider_stands_in_the_upper_half() {
    check_on(
        "tofino2",
        "pair",
        "rv = v.lo / md.a; v.hi = v.hi + 1;",
        None,
    );
    check_on(
        "tofino2",
        "pair",
        "rv = v.lo / md.a; v.lo = v.lo + 1;",
        None,
    );
    let message = "the register action `I.act` has two alternatives for the value that is computed where its stateful ALU divides";
    // What is kept is an alternative, too.
    let body = "rv = v.lo / md.a;\nif (md.b == 1) {\nv.hi = v.hi + 1; //!\n}";
    check_on("tofino2", "pair", body, Some(message));
}

#[test]
fn sixty_four_bits_are_equal_or_not() {
    let one = |cond: &str| format!("rv = 0;\nif ({cond}) {{ rv = 1; }} //!");
    let accepted = |cond: &str| {
        check_on("tofino2", "bit<64>", &one(cond).replace("//!", ""), None);
    };
    accepted("v == md.wide");
    accepted("md.wide != v");
    accepted("v & 0xff == md.wide & 0xff");
    accepted("v[63:32] == md.a");
    // A narrow field alone is compared as ever.
    accepted("md.h > 5");
    accepted("v == md.wide && md.h != 5 && md.h < 700 && md.h != 3");
    let refused = |cond: &str, what: &str| {
        let message = format!(
            "the register action `I.act` {what}; of more than 32 bits its stateful ALU only says whether memory and a field are equal"
        );
        check_on("tofino2", "bit<64>", &one(cond), Some(&message));
    };
    refused(
        "v == 0",
        "compares wide memory with something that is no field",
    );
    refused("v < md.wide", "orders values that are too wide");
    refused(
        "md.wide == 5",
        "compares wide values that are not memory and a field",
    );
    refused(
        "v & 0xff == md.wide",
        "compares wide values under a mask on one side",
    );
    // Halves of 32 bits take a comparator each.
    let body = "rv = 0; if (v == md.wide) { rv = 1; }";
    check_on("tofino1", "bit<64>", body, None);
    let body = "rv = 0;\nif (v == md.wide && md.h == 5) { rv = 1; } //!";
    let message = "the register action `I.act` makes 3 comparisons, its stateful ALU has 2";
    check_on("tofino1", "bit<64>", body, Some(message));
}

#[test]
fn two_masks_of_wide_comparisons() {
    let body = "rv = 0; if (v & 1 == md.wide & 1 || v & 2 == md.wide & 2) { rv = 1; }";
    check_on("tofino2", "bit<64>", body, None);
    let body = "rv = 0;
if (v & 1 == md.wide & 1 || v & 2 == md.wide & 2 || v & 4 == md.wide & 4) { rv = 1; } //!";
    let message = "the register action `I.act` and those of its register before it make 3 comparisons of wide values with different masks, their stateful ALU has 2";
    check_on("tofino2", "bit<64>", body, Some(message));
}

#[test]
fn predicate_shows_all_comparisons() {
    check_body("tofino1", "rv = this.predicate(v == md.a, v < 10);", None);
    let body = "rv = this.predicate(v == md.a, v != 3); if (v == 3) { v = 0; }";
    check_body("tofino1", body, None);
    let body = "rv = this.predicate(v == 1, v == md.a, v > 9, md.a < 7);";
    check_body("tofino2", body, None);
    check_body("tofino2", "rv = this.predicate(false, v == 3);", None);
    let body = "rv = this.predicate(v == md.a);
if (v == 3) { v = 0; } //!";
    let message = "the register action `I.act` makes a comparison that it does not give to `predicate()`, which shows all of them";
    check_body("tofino1", body, Some(message));
    let message = "the register action `I.act` gives `predicate()` more than a comparison of memory, a field and a constant as they were before the call";
    let body = "rv = this.predicate(v == md.a && v < 10); //!";
    check_body("tofino2", body, Some(message));
    let body = "v = md.a;
rv = this.predicate(v == 3 && md.b == 1); //!";
    check_body("tofino2", body, Some(message));
    let message = "the register action `I.act` gives `predicate()` different comparisons in different cases; a write before the call makes them differ, too";
    let body = "if (v == md.a) { v = 1; }
rv = this.predicate(v == 3); //!";
    check_body("tofino2", body, Some(message));
    let message = "the register action `I.act` gives `predicate()` one comparison twice";
    let body = "rv = this.predicate(v == 3, v != 3); //!";
    check_body("tofino1", body, Some(message));
}

/// A search in a register of 16 bits, with number and index.
#[track_caller]
fn check_search(body: &str, expected: Option<&str>) {
    let declarations = format!(
        "    Register<bit<16>, bit<8>>(256) reg;
    MinMaxAction2<bit<16>, bit<8>, bit<16>, bit<3>>(reg) act = {{
        void apply(inout bit<128> v, out bit<16> rv, out bit<3> index) {{
{body}
        }}
    }};"
    );
    let apply = "bit<3> index; md.h = act.execute(md.flag, index); md.flag = (bit<8>)index;";
    check_of("t2na.p4", "tofino2", &declarations, apply, expected);
    if expected.is_none() {
        let message = "the register action `I.act` looks for the smallest or largest lane, which the stateful ALU of this machine can't do";
        let marked = declarations.replace(body, &format!("{body} //!"));
        check_of("t2na.p4", "tofino1", &marked, apply, Some(message));
    }
}

#[test]
fn one_lane_of_a_word_is_found() {
    check_search("rv = this.max16(v, 0xff, index);", None);
    check_search("rv = this.min16(v, md.flag, index, 255);", None);
    let refused = |body: &str, what: &str| {
        check_search(body, Some(&format!("the register action `I.act` {what}")));
    };
    refused(
        "rv = this.max16(v, 0xff, index);\nv[15:0] = 7; //!",
        "writes more to its memory than the change of the lane that it finds",
    );
    refused(
        "index = 0; rv = 0;\nif (md.flag == 1) { rv = this.max16(v, 0xff, index, 1); } //!",
        "changes the lane that it finds under a condition",
    );
    refused(
        "rv = this.max16(v, 0xff, index);\nif (md.flag == 1) {\nrv = this.min16(v, 0xff); //!\n}",
        "searches twice, and its stateful ALU finds one lane a call",
    );
    refused(
        "rv = this.max16(v, 0xff, index, -256); //!",
        "changes a lane by more than 255",
    );
    refused(
        "rv = this.max16(v, md.flag & 3, index); //!",
        "computes the mask of lanes, which is a constant or a field",
    );
}

#[test]
fn a_word_is_seen_for_a_search_only() {
    let declarations = "    Register<bit<16>, bit<8>>(256) reg;
    MinMaxAction<bit<16>, bit<8>, bit<16>>(reg) act = { //!
        void apply(inout bit<128> v, out bit<16> rv) { rv = v[15:0]; }
    };";
    let message = "the register action `I.act` sees a whole word of memory, but does not look for its smallest or largest lane";
    let apply = "md.h = act.execute(md.flag);";
    check_of("t2na.p4", "tofino2", declarations, apply, Some(message));
}

#[test]
fn a_search_is_all_that_is_computed() {
    check_on(
        "tofino2",
        "bit<128>",
        "rv = (bit<32>)this.max8(v, 0xffff);",
        None,
    );
    let message = "the register action `I.act` returns the lane that it finds in one case and something else in another, and a word of output shows one thing";
    let body = "rv = md.a;\nif (md.flag == 1) { rv = (bit<32>)this.max8(v, 0xffff); } //!";
    check_on("tofino2", "bit<128>", body, Some(message));
}
