//! v1model: what its blocks and externs become, and what is refused, at its line.

mod support;

use std::collections::BTreeSet;

use p4rmt_ir::text::gress_text;
use p4rmt_ir::{Arch, GressRole};
use support::parse;

/// Declarations around an ingress and an egress.
fn program(top: &str, ingress: &str, egress: &str) -> String {
    format!(
        r"#include <core.p4>
#include <v1model.p4>
header h_t {{ bit<8> a; bit<16> b; }}
struct headers_t {{ h_t h; }}
struct inner_t {{ bit<4> p; @field_list(7) bit<4> q; }}
struct meta_t {{
    @field_list(1, 2) bit<8> x;
    @field_list(2) bit<16> y;
    bit<32> z;
    @field_list(1) inner_t inner;
    inner_t other;
}}
{top}
parser P(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {{
    state start {{ pkt.extract(hdr.h); transition accept; }}
}}
control V(inout headers_t hdr, inout meta_t meta) {{ apply {{ }} }}
control I(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {{
{ingress}
}}
control E(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {{
{egress}
}}
control C(inout headers_t hdr, inout meta_t meta) {{ apply {{ }} }}
control D(packet_out pkt, in headers_t hdr) {{ apply {{ pkt.emit(hdr.h); }} }}
V1Switch(P(), V(), I(), E(), C(), D()) main;
"
    )
}

/// The complaints of a program are those that its lines say behind `//~`.
#[track_caller]
fn refuse(top: &str, ingress: &str, egress: &str) {
    refuse_text(&program(top, ingress, egress));
}

#[track_caller]
fn refuse_text(text: &str) {
    let expected: BTreeSet<(usize, String)> = text
        .lines()
        .enumerate()
        .filter_map(|(line, content)| {
            let (_, said) = content.split_once("//~")?;
            Some((line + 1, said.trim().to_owned()))
        })
        .collect();
    assert!(!expected.is_empty(), "a fixture without a complaint");
    let parsed = parse(text);
    let diagnostics = match support::lower(&parsed) {
        Ok((_, diagnostics)) | Err(diagnostics) => diagnostics,
    };
    let found: BTreeSet<(usize, String)> = diagnostics
        .iter()
        .map(|diagnostic| {
            let line = parsed
                .sources
                .locate(diagnostic.span)
                .map_or(0, |location| location.line as usize);
            (line, format!("{} {}", diagnostic.code, diagnostic.message))
        })
        .collect();
    assert_eq!(found, expected, "in\n{text}");
}

/// The lines of the IR's text behind the tables: controls and deparser.
#[track_caller]
fn controls(top: &str, ingress: &str, egress: &str) -> String {
    let parsed = parse(&program(top, ingress, egress));
    let (program, _) = match support::lower(&parsed) {
        Ok(lowered) => lowered,
        Err(diagnostics) => panic!("{}", support::shown(&diagnostics, &parsed.sources)),
    };
    p4rmt_ir::validate(&program).expect("lowered programs are valid");
    assert_eq!(program.arch, Arch::V1model);
    let pipe = program.pipes.values().next().expect("there is one");
    let (_, gress) = pipe.gress(GressRole::Whole).expect("there is one");
    let text = gress_text(gress);
    let at = text.find("control verify").expect("there is one");
    text[at..].to_owned()
}

#[test]
fn a_program_has_four_controls_that_share_their_fields() {
    let text = controls(
        "",
        "apply { meta.z = 1; sm.egress_spec = 2; }",
        "apply { meta.z = meta.z + 1; }",
    );
    let expected = "control verify {  // V
}
control ingress {  // I
  f5 = 32w0x1  // meta.z
  f11 = 9w0x2  // sm.egress_spec
}
control egress {  // E
  f5 = (f5 + 32w0x1)  // meta.z
}
control compute {  // C
}
deparser {  // D
  emit h0  // hdr.h
}
";
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn requests_keep_the_fields_of_their_lists() {
    let text = controls(
        "",
        "apply {
            clone_preserving_field_list(CloneType.I2E, 5, 1);
            resubmit_preserving_field_list(2);
            clone3(CloneType.I2E, meta.z, { meta.other, sm.ingress_port, 8w1 });
        }",
        "apply {
            recirculate_preserving_field_list(7);
            clone(CloneType.E2E, 6);
            truncate(100);
        }",
    );
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for expected in [
        "clone received to 32w0x5 keeping [f3, f6, f7]",
        "resubmit keeping [f3, f4]",
        "clone received to f5 keeping [f8, f9, f10]",
        "recirculate keeping [f7, f9]",
        "clone deparsed to 32w0x6 keeping []",
        "truncate to 32w0x64",
    ] {
        assert!(lines.contains(&expected), "no `{expected}` in\n{text}");
    }
}

#[test]
fn requests_stand_where_the_switch_can_still_do_it() {
    refuse(
        "",
        "apply {
            clone(CloneType.E2E, 1); //~ E4006 `clone` may only be called in the egress
            recirculate_preserving_field_list(1); //~ E4006 `recirculate_preserving_field_list` may only be called in the egress
        }",
        "apply {
            clone_preserving_field_list(CloneType.I2E, 1, 1); //~ E4006 `clone_preserving_field_list` may only be called in the ingress
            resubmit_preserving_field_list(1); //~ E4006 `resubmit_preserving_field_list` may only be called in the ingress
        }",
    );
}

#[test]
fn functions_have_their_places() {
    let text = program("", "apply { assert(true); }", "apply { }");
    let emit = "pkt.emit(hdr.h);";
    let truncate = "truncate(5); //~ E4006 `truncate` may not be called in a deparser\n";
    refuse_text(&text.replace(emit, truncate));
}

#[test]
fn direct_meters_are_read_in_actions() {
    refuse(
        "",
        "direct_meter<bit<2>>(MeterType.bytes) m;
        bit<2> color = 0;
        action read() { m.read(color); }
        table t { key = { hdr.h.a : exact; } actions = { read; } meters = m; }
        apply {
            t.apply();
            m.read(color); //~ E4006 `direct_meter.read` may not be called in a control
        }",
        "apply { }",
    );
}

#[test]
fn registers_hold_values_and_structs_but_no_headers() {
    refuse(
        "",
        "register<inner_t>(4) structs;
        register<h_t>(4) headers; //~ E4008 `h_t` is not an element of a register
        register<bool>(0) empty; //~ E3004 a size of 0 is outside 1 to 4294967296
        apply {
            inner_t i;
            structs.read(i, 0);
        }",
        "apply { }",
    );
}

#[test]
fn properties_that_v1model_does_not_have_do_nothing() {
    refuse(
        "",
        "table t {
            key = { hdr.h.a : exact; }
            actions = { NoAction; }
            colour = 1; //~ W5002 v1model has no table property `colour`: it does nothing
        }
        apply { t.apply(); }",
        "apply { }",
    );
}

#[test]
fn externs_of_the_program_are_refused_by_name() {
    refuse(
        "extern mine { mine(); void run(); }",
        "mine() m; //~ E5002 extern `mine` is not supported
        apply { }",
        "apply { }",
    );
}

#[test]
fn arguments_that_choose_are_constant() {
    refuse(
        "",
        "apply {
            CloneType kind = meta.z == 0 ? CloneType.I2E : CloneType.E2E;
            clone(kind, 1); //~ E3001 this must be a constant
        }",
        "apply { }",
    );
}
