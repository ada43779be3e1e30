//! Containers, parsers and deparsers: for each limit a program that just fits, and one that just does
//! not, with what is said and where. The limits are turned on a copy of Tofino 2, so that programs stay
//! short.

use std::path::Path;

use p4rmt_driver::{DiskLoader, Generation, Options, compile};
use p4rmt_ir::{Id, PipeId};
use p4rmt_mau::{Target, place};
use p4rmt_syntax::{LoadError, Loader};

struct OneFile(String);

impl Loader for OneFile {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        Ok((path == Path::new("main.p4")).then(|| self.0.clone()))
    }
}

/// The parts in which the programs of these tests differ.
#[derive(Clone, Copy, Default)]
struct Parts<'a> {
    types: &'a str,
    headers: &'a str,
    metadata: &'a str,
    parser_locals: &'a str,
    states: &'a str,
    control: &'a str,
    apply: &'a str,
    deparser_locals: &'a str,
    deparse: &'a str,
}

impl Parts<'_> {
    fn text(&self) -> String {
        let Self {
            types,
            headers,
            metadata,
            parser_locals,
            states,
            control,
            apply,
            deparser_locals,
            deparse,
        } = self;
        format!(
            "#include <core.p4>
#include <t2na.p4>
{types}
struct headers_t {{ {headers} }}
struct metadata_t {{ {metadata} }}
struct nothing_t {{}}
parser IP(packet_in pkt, out headers_t hdr, out metadata_t md, out ingress_intrinsic_metadata_t intr) {{
    {parser_locals}
    state start {{ pkt.extract(intr); pkt.advance(PORT_METADATA_SIZE); transition first; }}
    {states}
}}
control I(inout headers_t hdr, inout metadata_t md, in ingress_intrinsic_metadata_t intr,
          in ingress_intrinsic_metadata_from_parser_t prsr,
          inout ingress_intrinsic_metadata_for_deparser_t dprsr,
          inout ingress_intrinsic_metadata_for_tm_t tm) {{
    {control}
    apply {{ {apply} }}
}}
control ID(packet_out pkt, inout headers_t hdr, in metadata_t md,
           in ingress_intrinsic_metadata_for_deparser_t dprsr) {{
    {deparser_locals}
    apply {{ {deparse} pkt.emit(hdr); }}
}}
parser EP(packet_in pkt, out nothing_t hdr, out nothing_t md, out egress_intrinsic_metadata_t intr) {{
    state start {{ pkt.extract(intr); transition accept; }}
}}
control E(inout nothing_t hdr, inout nothing_t md, in egress_intrinsic_metadata_t intr,
          in egress_intrinsic_metadata_from_parser_t prsr,
          inout egress_intrinsic_metadata_for_deparser_t dprsr,
          inout egress_intrinsic_metadata_for_output_port_t oport) {{
    apply {{}}
}}
control ED(packet_out pkt, inout nothing_t hdr, in nothing_t md,
           in egress_intrinsic_metadata_for_deparser_t dprsr) {{
    apply {{}}
}}
Pipeline(IP(), I(), ID(), EP(), E(), ED()) pipe;
Switch(pipe) main;
"
        )
    }
}

/// What stands in the way on a changed Tofino 2: the codes, and all of it as a person reads it.
#[track_caller]
fn problems(parts: &Parts<'_>, change: impl Fn(&mut Target)) -> (Vec<&'static str>, String) {
    let options = Options {
        generation: Some(Generation::Tofino2),
        ..Options::default()
    };
    let compiled = compile(Path::new("main.p4"), &options, &OneFile(parts.text()));
    let compiled = match compiled {
        Ok(compiled) => compiled,
        Err(rejected) => panic!("{:?}", rejected.diagnostics),
    };
    let mut target = Target::built_in("tofino2").expect("built in");
    change(&mut target);
    let fit = place(&compiled.program, PipeId::from_index(0), &target).expect("it is sound");
    assert_eq!(
        fit.unallocated,
        vec![],
        "the search finds one, or there is none"
    );
    let all = || fit.problems.iter();
    let bugs: Vec<String> = fit.bugs.iter().map(|of| of.problem.to_string()).collect();
    assert_eq!(bugs, Vec::<String>::new());
    let shown = all().map(|of| compiled.sources.render(&of.diagnostic(), false));
    let shown: Vec<String> = shown.collect();
    (
        all().map(|of| of.problem.code().0).collect(),
        shown.join("\n"),
    )
}

/// With the limit as `fits` sets it, the program fits; as `refused` sets it, it is refused so.
#[track_caller]
fn check(
    code: &str,
    parts: &Parts<'_>,
    fits: impl Fn(&mut Target),
    refused: impl Fn(&mut Target),
) -> String {
    let (_, shown) = problems(parts, fits);
    assert_eq!(shown, "", "it should fit");
    let (codes, shown) = problems(parts, refused);
    assert_eq!(codes.first(), Some(&code), "{shown}");
    shown
}

/// The first program fits, the second one is refused so.
#[track_caller]
fn check_pair(code: &str, fits: &Parts<'_>, refused: &Parts<'_>) -> String {
    let (_, shown) = problems(fits, |_| {});
    assert_eq!(shown, "", "it should fit");
    let (codes, shown) = problems(refused, |_| {});
    assert_eq!(codes.first(), Some(&code), "{shown}");
    shown
}

const ONE_HEADER: Parts<'static> = Parts {
    types: "header h_t { bit<32> a; bit<32> b; bit<8> key; }",
    headers: "h_t h;",
    metadata: "",
    parser_locals: "",
    states: "state first { pkt.extract(hdr.h); transition accept; }",
    control: "",
    apply: "",
    deparser_locals: "",
    deparse: "",
};

#[test]
fn fields_that_find_no_container() {
    let parts = Parts {
        types: "header h_t { bit<32> a; bit<32> b; bit<8> key; }",
        control: "action set(bit<32> a, bit<32> b) { hdr.h.a = a; hdr.h.b = b; }
    table t { key = { hdr.h.key : exact; } actions = { set; } }",
        apply: "t.apply();",
        ..ONE_HEADER
    };
    let with = |n: u32| {
        move |target: &mut Target| {
            target.phv.group_counts = [1, 1, 1];
            target.phv.granule_containers = [1, 1, 1];
            target.phv.normal_per_group = n;
            (target.phv.mocha_per_group, target.phv.dark_per_group) = (0, 0);
        }
    };
    let shown = check("E0540", &parts, with(2), with(1));
    insta::assert_snapshot!("E0540_fields_that_find_no_container", shown);
}

#[test]
fn fields_that_no_group_holds_together() {
    let parts = Parts {
        metadata: "bit<32> x; bit<32> y;",
        control: "action one() { hdr.h.a = md.x; }
    action two() { md.x = hdr.h.b; }
    table t { key = { hdr.h.key : exact; } actions = { one; two; } }
    table u { key = { hdr.h.key : exact; } actions = { one; two; } }",
        apply: "t.apply(); u.apply();",
        ..ONE_HEADER
    };
    let with = |n: u32| {
        move |target: &mut Target| {
            target.phv.normal_per_group = n;
            (target.phv.mocha_per_group, target.phv.dark_per_group) = (0, 0);
        }
    };
    let shown = check("E0541", &parts, with(3), with(2));
    insta::assert_snapshot!("E0541_fields_that_no_group_holds_together", shown);
}

/// Room for so many containers of each size.
fn with_containers(n: u32) -> impl Fn(&mut Target) {
    move |target: &mut Target| {
        target.phv.group_counts = [1, 1, 1];
        target.phv.normal_per_group = n;
        target.phv.granule_containers = [1, 1, 1];
        (target.phv.mocha_per_group, target.phv.dark_per_group) = (0, 0);
    }
}

/// A header is added where another one was: they have the same containers. Where a packet may have both,
/// they have not.
#[test]
fn headers_that_are_added_in_the_place_of_others() {
    let parts = |apply: &'static str| {
        Parts {
        types: "header h_t { bit<8> key; } header g_t { bit<32> a; bit<32> b; bit<16> c; bit<8> d; }",
        headers: "h_t h; g_t old; g_t new;",
        states: "state first { pkt.extract(hdr.h); transition select(hdr.h.key) {
        1 : second; default : accept; } }
    state second { pkt.extract(hdr.old); transition accept; }",
        control: "action put() { hdr.new.setValid(); hdr.new.a = 1; hdr.new.b = 2; hdr.new.c = 3; hdr.new.d = 4; }
    action swap() { hdr.old.setInvalid(); put(); }",
        apply,
        ..ONE_HEADER
    }
    };
    let swapped = parts("if (hdr.old.isValid()) { swap(); }");
    let otherwise = parts("if (!hdr.old.isValid()) { put(); }");
    let both = parts("if (hdr.old.isValid()) { put(); }");
    for apart in [swapped, otherwise] {
        let (_, shown) = problems(&apart, with_containers(2));
        assert_eq!(shown, "", "it should fit");
    }
    let (codes, shown) = problems(&both, with_containers(2));
    assert_eq!(codes.first(), Some(&"E0540"), "{shown}");
}

/// What stands of a header in the program need not be in a container.
#[test]
fn headers_that_no_packet_has_take_nothing() {
    let parts = |apply: &'static str| Parts {
        types: "header h_t { bit<8> key; } header g_t { bit<32> a; bit<32> b; bit<32> c; bit<32> d; }",
        headers: "h_t h; g_t g;",
        apply,
        ..ONE_HEADER
    };
    let (never, once) = (
        parts("hdr.g.a = 1;"),
        parts("hdr.g.setValid(); hdr.g.a = 1;"),
    );
    let (_, shown) = problems(&never, with_containers(2));
    assert_eq!(shown, "", "it should fit");
    let (codes, shown) = problems(&once, with_containers(2));
    assert_eq!(codes.first(), Some(&"E0540"), "{shown}");
}

/// From the hash matrix come bits of any container, whatever stands beside their result.
#[test]
fn the_hash_matrix_sees_all_containers() {
    let parts = |control: &'static str| Parts {
        types: "header h_t { bit<4> high; bit<4> low; bit<32> wide; bit<8> key; }",
        control,
        apply: "t.apply();",
        ..ONE_HEADER
    };
    let matrix = parts(
        "action set() { @in_hash { hdr.h.low = hdr.h.low ^ hdr.h.wide[21:18] ^ hdr.h.key[6:3]; } }
    table t { key = { hdr.h.key : exact; } actions = { set; } }",
    );
    let alu = parts(
        "action set() { hdr.h.low = hdr.h.low ^ hdr.h.wide[21:18]; }
    table t { key = { hdr.h.key : exact; } actions = { set; } }",
    );
    check_pair("E0544", &matrix, &alu);
}

#[test]
fn a_byte_from_three_sources() {
    let parts = |action: &'static str| Parts {
        types: "header h_t { bit<3> a; bit<3> b; bit<2> c; bit<8> key; }
header g_t { bit<8> x; } header k_t { bit<8> x; }",
        headers: "h_t h; g_t g; k_t k;",
        states: "state first { pkt.extract(hdr.h); pkt.extract(hdr.g); pkt.extract(hdr.k); transition accept; }",
        control: action,
        apply: "t.apply();",
        ..ONE_HEADER
    };
    let two = parts(
        "action set() { hdr.h.a = hdr.g.x[7:5]; }
    table t { key = { hdr.h.key : exact; } actions = { set; } }",
    );
    let three = parts(
        "action set() { hdr.h.a = hdr.g.x[7:5]; hdr.h.b = hdr.k.x[4:2]; hdr.h.c = 1; }
    table t { key = { hdr.h.key : exact; } actions = { set; } }",
    );
    let shown = check_pair("E0542", &two, &three);
    insta::assert_snapshot!("E0542_a_byte_from_three_sources", shown);
}

#[test]
fn arithmetic_in_a_part_of_a_byte() {
    let parts = |control: &'static str| Parts {
        types: "header h_t { bit<4> high; bit<4> low; bit<8> key; }",
        control,
        apply: "t.apply();",
        ..ONE_HEADER
    };
    let high = parts(
        "action count() { hdr.h.high = hdr.h.high + 1; }
    table t { key = { hdr.h.key : exact; } actions = { count; } }",
    );
    let low = parts(
        "action count() { hdr.h.low = hdr.h.low + 1; }
    table t { key = { hdr.h.key : exact; } actions = { count; } }",
    );
    let shown = check_pair("E0543", &high, &low);
    insta::assert_snapshot!("E0543_arithmetic_in_a_part_of_a_byte", shown);
}

/// Only a header that stays between the gresses is short of a byte: its fields may stand anywhere.
#[test]
fn a_header_short_of_a_byte_has_no_order() {
    let parts = |types: &'static str| Parts {
        types,
        headers: "h_t h; g_t g;",
        control: "action count() { hdr.g.x = 1; hdr.g.sum = hdr.g.sum + 1; }
    table t { key = { hdr.h.key : exact; } actions = { count; } }",
        apply: "hdr.g.setValid(); hdr.g.sum = hdr.h.key; t.apply();",
        ..ONE_HEADER
    };
    let short = parts("header h_t { bit<8> key; } header g_t { bit<3> x; bit<8> sum; }");
    let whole = parts("header h_t { bit<8> key; } header g_t { bit<3> x; bit<8> sum; bit<5> y; }");
    check_pair("E0543", &short, &whole);
}

/// The halves of an address go different ways: one into a sum, the other into a field of half its size.
#[test]
fn halves_of_a_field_in_containers_of_different_sizes() {
    let parts = Parts {
        types: "header h_t { bit<48> a; bit<32> b; bit<16> c; bit<8> key; }",
        control: "action split() { hdr.h.b = hdr.h.a[31:0]; hdr.h.c = hdr.h.a[47:32]; }
    action count() { hdr.h.b = hdr.h.b + 1; }
    table t { key = { hdr.h.key : exact; } actions = { split; count; } }",
        apply: "t.apply();",
        ..ONE_HEADER
    };
    let (_, shown) = problems(&parts, |_| {});
    assert_eq!(shown, "", "it should fit");
}

#[test]
fn laminar_has_a_container_for_every_field() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let options = Options {
        include_dirs: vec![folder.clone()],
        generation: Some(Generation::Tofino2),
        ..Options::default()
    };
    let compiled = compile(&folder.join("laminar.p4"), &options, &DiskLoader);
    let program = compiled.expect("it compiles").program;
    let target = Target::built_in("tofino2").expect("built in");
    let fit = place(&program, PipeId::from_index(0), &target).expect("it is sound");
    assert!(fit.fits() && !fit.phv.residences.is_empty());
    assert_eq!((fit.unallocated, fit.bugs), (vec![], vec![]));
}

#[test]
fn operands_at_different_bits() {
    let parts = |control: &'static str| Parts {
        types: "header h_t { bit<4> high; bit<4> low; bit<8> key; }",
        metadata: "bit<4> x;",
        control,
        apply: "t.apply(); tm.qid = 3w0 ++ md.x;",
        ..ONE_HEADER
    };
    let low = parts(
        "action count(bit<4> by) { md.x = hdr.h.low + by; }
    table t { key = { hdr.h.key : exact; } actions = { count; } }",
    );
    let high = parts(
        "action count(bit<4> by) { md.x = hdr.h.high + by; }
    table t { key = { hdr.h.key : exact; } actions = { count; } }",
    );
    let shown = check_pair("E0544", &low, &high);
    insta::assert_snapshot!("E0544_operands_at_different_bits", shown);
}

/// A table in front of it finds the partition, in the stage of another table that writes the same
/// containers, and runs no action.
#[test]
fn a_prefix_table_in_partitions_writes_where_its_entries_are() {
    let parts = Parts {
        control: "Alpm(number_partitions = 1024, subtrees_per_partition = 2) partitions;
    action set(bit<32> b) { hdr.h.b = b; }
    table t { key = { hdr.h.key : exact; } actions = { set; } }
    table u { key = { hdr.h.a : lpm; } actions = { set; } size = 2048; alpm = partitions; }",
        apply: "t.apply(); u.apply();",
        ..ONE_HEADER
    };
    let (_, shown) = problems(&parts, |_| {});
    assert_eq!(shown, "", "it should fit");
}

#[test]
fn a_sum_over_more_than_two_containers() {
    let parts = |metadata: &'static str| Parts {
        metadata,
        control: "action count() { md.sum = md.sum + 1; }
    action drop() { dprsr.drop_ctl = 1; }
    table t { key = { hdr.h.key : exact; } actions = { count; } }
    table u { key = { md.sum : exact; } actions = { drop; } }",
        apply: "t.apply(); u.apply();",
        ..ONE_HEADER
    };
    let (two, three) = (parts("bit<64> sum;"), parts("bit<128> sum;"));
    let shown = check_pair("E0546", &two, &three);
    insta::assert_snapshot!("E0546_a_sum_over_more_than_two_containers", shown);
}

#[test]
fn headers_that_the_deparser_does_not_see() {
    let parts = Parts {
        types: "header h_t { bit<8> a; }",
        headers: "h_t h; h_t g;",
        states: "state first { pkt.extract(hdr.h); pkt.extract(hdr.g); transition accept; }",
        ..ONE_HEADER
    };
    let with = |n: u32| move |target: &mut Target| target.phv.validity_bits_max = n;
    let shown = check("E0547", &parts, with(2), with(1));
    insta::assert_snapshot!("E0547_headers_that_the_deparser_does_not_see", shown);
}

#[test]
fn rows_of_the_parser() {
    let parts = Parts {
        types: "header h_t { bit<16> port; }",
        states: "state first { pkt.extract(hdr.h); transition select(hdr.h.port) { 1 .. 6 : second; default : accept; } }
    state second { transition accept; }",
        ..ONE_HEADER
    };
    // The way out of the start, the range as four prefixes, and the rest; `second` is done with what leads to it.
    let with = |n: u32| move |target: &mut Target| target.parser.tcam_rows = n;
    let shown = check("E0550", &parts, with(6), with(5));
    insta::assert_snapshot!("E0550_rows_of_the_parser", shown);
}

#[test]
fn a_look_beyond_the_window() {
    let parts = Parts {
        states: "state first { transition select(pkt.lookahead<bit<40>>()[7:0]) { 1 : second; default : accept; } }
    state second { transition accept; }",
        ..ONE_HEADER
    };
    let with = |n: u32| move |target: &mut Target| target.parser.input_window_bytes = n;
    let shown = check("E0551", &parts, with(5), with(4));
    insta::assert_snapshot!("E0551_a_look_beyond_the_window", shown);
}

#[test]
fn a_packet_that_is_parsed_too_deep() {
    // Metadata of packet and port are parsed, too.
    let with = |n: u32| move |target: &mut Target| target.parser.ingress_depth_bytes_max = n;
    let shown = check("E0552", &ONE_HEADER, with(41), with(40));
    insta::assert_snapshot!("E0552_a_packet_that_is_parsed_too_deep", shown);
}

#[test]
fn an_advance_by_a_value() {
    let parts = |states: &'static str| Parts {
        states,
        ..ONE_HEADER
    };
    let constant =
        parts("state first { pkt.extract(hdr.h); pkt.advance(32w16); transition accept; }");
    let value =
        parts("state first { pkt.extract(hdr.h); pkt.advance(hdr.h.a); transition accept; }");
    let shown = check_pair("E0553", &constant, &value);
    insta::assert_snapshot!("E0553_an_advance_by_a_value", shown);
}

#[test]
fn a_value_set_wider_than_the_match_registers() {
    let parts = Parts {
        parser_locals: "value_set<bit<32>>(4) known;",
        states: "state first { pkt.extract(hdr.h); transition select(hdr.h.a) { known : second; default : accept; } }
    state second { transition accept; }",
        ..ONE_HEADER
    };
    let with =
        |n: usize| move |target: &mut Target| target.parser.match_register_bytes = vec![1; n];
    let shown = check("E0554", &parts, with(4), with(3));
    insta::assert_snapshot!("E0554_a_value_set_wider_than_the_match_registers", shown);
}

#[test]
fn checksums_in_the_parser() {
    let parts = Parts {
        metadata: "bit<1> bad; bit<1> worse;",
        parser_locals: "Checksum() one; Checksum() two;",
        states: "state first { pkt.extract(hdr.h); one.add(hdr.h.a); two.add(hdr.h.b); transition second; }
    state second { md.bad = (bit<1>) one.verify(); md.worse = (bit<1>) two.verify(); transition accept; }",
        apply: "if (md.bad == 1 || md.worse == 1) { dprsr.drop_ctl = 1; }",
        ..ONE_HEADER
    };
    let with = |n: u32| move |target: &mut Target| target.parser.parser_checksum_units = n;
    let shown = check("E0555", &parts, with(2), with(1));
    insta::assert_snapshot!("E0555_checksums_in_the_parser", shown);
}

#[test]
fn checksums_in_the_deparser() {
    let parts = Parts {
        types: "header h_t { bit<16> a; bit<16> b; bit<16> c; }",
        deparser_locals: "Checksum() one; Checksum() two;",
        deparse: "hdr.h.a = one.update({hdr.h.c}); hdr.h.b = two.update({hdr.h.c});",
        ..ONE_HEADER
    };
    let with = |n: u32| move |target: &mut Target| target.deparser.deparser_checksum_units = n;
    let shown = check("E0555", &parts, with(2), with(1));
    insta::assert_snapshot!("E0555_checksums_in_the_deparser", shown);
}

#[test]
fn entries_of_the_field_dictionary() {
    // Nine bytes of a header are two chunks.
    let with = |n: u32| move |target: &mut Target| target.deparser.dictionary_entries = n;
    let shown = check("E0556", &ONE_HEADER, with(2), with(1));
    insta::assert_snapshot!("E0556_entries_of_the_field_dictionary", shown);
}

#[test]
fn a_digest_that_is_too_long() {
    let parts = Parts {
        types: "header h_t { bit<32> a; bit<32> b; bit<8> key; } struct report_t { bit<32> a; bit<9> port; }",
        apply: "dprsr.digest_type = 1;",
        metadata: "bit<9> port;",
        deparser_locals: "Digest<report_t>() told;",
        deparse: "if (dprsr.digest_type == 1) { told.pack({hdr.h.a, md.port}); }",
        ..ONE_HEADER
    };
    let with = |n: u32| move |target: &mut Target| target.deparser.digest_bytes_max = n;
    let shown = check("E0557", &parts, with(6), with(5));
    insta::assert_snapshot!("E0557_a_digest_that_is_too_long", shown);
    let with = |n: u32| move |target: &mut Target| target.deparser.digest_types = n;
    let shown = check("E0558", &parts, with(1), with(0));
    insta::assert_snapshot!("E0558_a_digest_that_is_too_long", shown);
}

#[test]
fn a_resubmission_that_is_too_long() {
    let parts = Parts {
        types: "header h_t { bit<32> a; bit<32> b; bit<8> key; }",
        apply: "dprsr.resubmit_type = 1;",
        deparser_locals: "Resubmit() again;",
        deparse: "if (dprsr.resubmit_type == 1) { again.emit(hdr.h); }",
        ..ONE_HEADER
    };
    let with = |n: u32| move |target: &mut Target| target.deparser.resubmit_bytes_max = n;
    let shown = check("E0557", &parts, with(9), with(8));
    insta::assert_snapshot!("E0557_a_resubmission_that_is_too_long", shown);
    let with = |n: u32| move |target: &mut Target| target.deparser.resubmit_types = n;
    let shown = check("E0558", &parts, with(1), with(0));
    insta::assert_snapshot!("E0558_a_resubmission_that_is_too_long", shown);
}

#[test]
fn mirror_headers_that_are_not_told_apart() {
    let parts = Parts {
        metadata: "MirrorId_t session;",
        apply: "dprsr.mirror_type = 1; md.session = 5;",
        deparser_locals: "Mirror() copy;",
        deparse: "if (dprsr.mirror_type == 1) { copy.emit(md.session, hdr.h); }",
        ..ONE_HEADER
    };
    let with = |n: u32| move |target: &mut Target| target.deparser.ingress_mirror_types = n;
    let shown = check("E0558", &parts, with(1), with(0));
    insta::assert_snapshot!("E0558_mirror_headers_that_are_not_told_apart", shown);
}
