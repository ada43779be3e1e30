//! The interfaces that come with the compiler: programs for each of them are checked, and what one
//! platform has and another has not is told apart.

use std::path::Path;

use p4rmt_driver::{Lowered, Options, check, compile};
use p4rmt_syntax::{LoadError, Loader};

struct OneFile<'a>(&'a str);

impl Loader for OneFile<'_> {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        Ok((path == Path::new("main.p4")).then(|| self.0.to_owned()))
    }
}

/// The package that there is no machine for, or the code and line of the first error.
fn checked(text: &str) -> Result<Option<String>, String> {
    let result = check("main.p4".as_ref(), &Options::default(), &OneFile(text));
    match result.map(|checked| checked.lowered) {
        Ok(Lowered::NoMachine(why)) => Ok(why.package),
        Ok(Lowered::Forms(_)) => Err("there is a machine".to_owned()),
        Err(rejected) => {
            let shown: Vec<String> = rejected
                .diagnostics
                .iter()
                .map(|found| rejected.sources.render(found, false))
                .collect();
            Err(shown.join("\n"))
        }
    }
}

#[track_caller]
fn accepts(text: &str, package: &str) {
    match checked(text) {
        Ok(found) => assert_eq!(found.as_deref(), Some(package)),
        Err(message) => panic!("{message}"),
    }
}

#[track_caller]
fn refuses(text: &str, code: &str) {
    let message = checked(text).expect_err("is refused");
    assert!(message.contains(code), "{message}");
}

#[test]
fn core_has_all_of_the_specification() {
    let text = "#include <core.p4>
        const bool ok = static_assert(8w1 == 1, \"no\") && static_assert(true);
        match_kind { range }
        error { Own }
        header h { bit<8> n; varbit<64> v; }
        struct headers { h first; h second; }
        parser p(packet_in packet, out headers hdr) {
            state start {
                packet.extract(hdr.first, 32w8);
                packet.advance(packet.length() * 8);
                verify(packet.lookahead<bit<8>>() != 0, error.Own);
                verify(hdr.first.n > 1, error.ParserInvalidArgument);
                transition select(hdr.first.n) {
                    1: reject;
                    default: next;
                }
            }
            state next { packet.extract(hdr.second, 0); transition accept; }
        }
        control d(packet_out packet, in headers hdr) {
            action unused() { NoAction(); }
            apply { packet.emit(hdr); packet.emit(hdr.first); }
        }
        parser P<H>(packet_in packet, out H hdr);
        control D<H>(packet_out packet, in H hdr);
        package Two<H>(P<H> p, D<H> d);
        Two(p(), d()) main;";
    accepts(text, "Two");
}

/// A PSA program with these declarations in its ingress, and these statements.
fn psa(include: &str, locals: &str, statements: &str) -> String {
    format!(
        "#include <core.p4>
        #include <{include}>
        struct none {{ }}
        header ethernet_t {{ bit<48> dst; bit<48> src; bit<16> kind; }}
        struct headers {{ ethernet_t ethernet; }}
        parser ip(packet_in buffer, out headers hdr, inout none meta,
            in psa_ingress_parser_input_metadata_t istd, in none resubmitted, in none again) {{
            state start {{
                transition select(istd.packet_path) {{
                    PSA_PacketPath_t.RESUBMIT: accept;
                    default: ethernet;
                }}
            }}
            state ethernet {{ buffer.extract(hdr.ethernet); transition accept; }}
        }}
        control ig(inout headers hdr, inout none meta, in psa_ingress_input_metadata_t istd,
            inout psa_ingress_output_metadata_t ostd) {{
            Register<bit<32>, bit<8>>(256) seen;
            Hash<bit<16>>(PSA_HashAlgorithm_t.CRC16) hash;
            Counter<bit<64>, bit<8>>(16, PSA_CounterType_t.PACKETS_AND_BYTES) counter;
            DirectMeter(PSA_MeterType_t.BYTES) meter;
            Random<bit<16>>(0, 100) random;
            Digest<bit<48>>() digest;
            ActionSelector(PSA_HashAlgorithm_t.CRC32, 64, 16) selector;
            action forward(PortId_t port) {{
                send_to_port(ostd, port);
                ostd.clone = meter.execute() == PSA_MeterColor_t.RED;
            }}
            action drop() {{ ingress_drop(ostd); }}
            table t {{
                key = {{ hdr.ethernet.dst: ternary; hdr.ethernet.kind: selector; }}
                actions = {{ forward; drop; NoAction; }}
                psa_implementation = selector;
                psa_direct_meter = meter;
            }}
            {locals}
            apply {{
                seen.write(1, seen.read(1) + 1);
                hdr.ethernet.kind = hash.get_hash(16w0, {{ hdr.ethernet.src }}, 16w64) + random.read();
                counter.count(3);
                digest.pack(hdr.ethernet.src);
                if (t.apply().miss) {{ multicast(ostd, (MulticastGroup_t) 1); }}
                ostd.egress_port = psa_PortId_header_to_int((PortIdInHeader_t) 7);
                {statements}
            }}
        }}
        control id(packet_out buffer, out none clone, out none resubmit, out none normal,
            inout headers hdr, in none meta, in psa_ingress_output_metadata_t istd) {{
            InternetChecksum() checksum;
            apply {{
                checksum.add({{ hdr.ethernet.kind }});
                if (psa_normal(istd)) {{ hdr.ethernet.kind = checksum.get(); }}
                buffer.emit(hdr);
            }}
        }}
        parser ep(packet_in buffer, out headers hdr, inout none meta,
            in psa_egress_parser_input_metadata_t istd, in none normal, in none i2e, in none e2e) {{
            state start {{ buffer.extract(hdr.ethernet); transition accept; }}
        }}
        control eg(inout headers hdr, inout none meta, in psa_egress_input_metadata_t istd,
            inout psa_egress_output_metadata_t ostd) {{
            apply {{ if (istd.egress_port == PSA_PORT_CPU) egress_drop(ostd); }}
        }}
        control ed(packet_out buffer, out none clone, out none again, inout headers hdr,
            in none meta, in psa_egress_output_metadata_t istd,
            in psa_egress_deparser_input_metadata_t edstd) {{
            apply {{ if (!psa_recirculate(istd, edstd)) buffer.emit(hdr); }}
        }}
        IngressPipeline(ip(), ig(), id()) ingress;
        EgressPipeline(ep(), eg(), ed()) egress;
        PSA_Switch(ingress, PacketReplicationEngine(), egress, BufferingQueueingEngine()) main;"
    )
}

#[test]
fn psa_program_is_checked_on_every_platform() {
    for include in ["psa.p4", "bmv2/psa.p4", "dpdk/psa.p4"] {
        accepts(&psa(include, "", ""), "PSA_Switch");
    }
}

#[test]
fn only_dpdk_counts_a_length() {
    let program = |include| psa(include, "", "counter.count(3, 32w64);");
    accepts(&program("dpdk/psa.p4"), "PSA_Switch");
    refuses(&program("psa.p4"), "E2005");
    let meter = "Meter<bit<8>>(4, PSA_MeterType_t.BYTES) sized;";
    let execute = "ostd.drop = sized.dpdk_execute(1, 32w64) == PSA_MeterColor_t.RED;";
    accepts(&psa("dpdk/psa.p4", meter, execute), "PSA_Switch");
    refuses(&psa("bmv2/psa.p4", meter, execute), "E1003");
}

#[test]
fn psa_numbers_are_types_of_their_own() {
    refuses(&psa("psa.p4", "", "ostd.egress_port = 32w1;"), "E2001");
}

/// A PNA program with this beginning of its main control.
fn pna(include: &str, has_pre_control: bool, statements: &str) -> String {
    let (pre, argument, direction) = if has_pre_control {
        (
            "control pre(in headers hdr, inout none meta, in pna_pre_input_metadata_t istd,
                inout pna_pre_output_metadata_t ostd) { apply { ostd.decrypt = istd.pass == (PassNumber_t) 1; } }",
            "pre(),",
            "in",
        )
    } else {
        ("", "", "inout")
    };
    format!(
        "#include <{include}>
        struct none {{ }}
        header ethernet_t {{ bit<48> dst; bit<48> src; bit<16> kind; }}
        struct headers {{ ethernet_t ethernet; }}
        {pre}
        parser mp(packet_in pkt, out headers hdr, inout none meta,
            in pna_main_parser_input_metadata_t istd) {{
            state start {{ pkt.extract(hdr.ethernet); transition accept; }}
        }}
        control mc(inout headers hdr, inout none meta, in pna_main_input_metadata_t istd,
            inout pna_main_output_metadata_t ostd) {{
            Counter<bit<64>, bit<8>>(16, PNA_CounterType_t.BYTES) counter;
            apply {{
                send_to_port((PortId_t) 1);
                set_entry_expire_time((ExpireTimeProfileId_t) 2);
                {statements}
            }}
        }}
        control md(packet_out pkt, {direction} headers hdr, in none meta,
            in pna_main_output_metadata_t ostd) {{ apply {{ pkt.emit(hdr); }} }}
        PNA_NIC(mp(), {argument} mc(), md()) main;"
    )
}

#[test]
fn pna_program_is_checked_on_every_platform() {
    accepts(
        &pna("pna.p4", true, "counter.count(1); counter.count(1, 64);"),
        "PNA_NIC",
    );
    accepts(
        &pna("dpdk/pna.p4", true, "counter.count(1, 64);"),
        "PNA_NIC",
    );
    accepts(
        &pna(
            "bmv2/pna.p4",
            false,
            "bool host = is_host_port(istd.input_port);",
        ),
        "PNA_NIC",
    );
    accepts(
        &pna("tc/pna.p4", false, "skb_set_mark(skb_get_mark() + 1);"),
        "PNA_NIC",
    );
    refuses(&pna("bmv2/pna.p4", false, "skb_get_meta();"), "E1001");
    refuses(&pna("bmv2/pna.p4", false, "counter.count(1, 64);"), "E2005");
}

#[test]
fn filters_are_checked() {
    let headers = "header h { bit<8> x; } struct headers { h first; } struct none { }";
    let body = "state start { packet.extract(hdr.first); transition accept; }";
    accepts(
        &format!(
            "#include <ebpf_model.p4>
            {headers}
            parser p(packet_in packet, out headers hdr) {{ {body} }}
            control c(inout headers hdr, out bool pass) {{
                CounterArray(10, true) counters;
                table t {{
                    key = {{ hdr.first.x: exact; }}
                    actions = {{ NoAction; }}
                    implementation = hash_table(64);
                }}
                apply {{ t.apply(); counters.increment(1); pass = true; }}
            }}
            ebpfFilter(p(), c()) main;"
        ),
        "ebpfFilter",
    );
    accepts(
        &format!(
            "#include <xdp_model.p4>
            {headers}
            parser p(packet_in packet, out headers hdr) {{ {body} }}
            control s(inout headers hdr, in xdp_input imd, out xdp_output omd) {{
                apply {{
                    omd.output_action = xdp_action.XDP_TX;
                    omd.output_port = imd.input_port + BPF_KTIME_GET_NS();
                }}
            }}
            control d(in headers hdr, packet_out packet) {{ apply {{ packet.emit(hdr); }} }}
            xdp(p(), s(), d()) main;"
        ),
        "xdp",
    );
}

#[test]
fn ubpf_has_two_versions() {
    let program = |version: &str, metadata: &str, statement: &str| {
        format!(
            "{version}
            #include <ubpf_model.p4>
            header h {{ bit<8> x; }} struct headers {{ h first; }} struct none {{ }}
            parser p(packet_in packet, out headers hdr, inout none meta {metadata}) {{
                state start {{ packet.extract(hdr.first); transition accept; }}
            }}
            control c(inout headers hdr, inout none meta {metadata}) {{
                Register<bit<32>, bit<32>>(1) seen;
                apply {{ seen.write(0, seen.read(0) + 1); mark_to_pass(); {statement} }}
            }}
            control d(packet_out packet, in headers hdr) {{ apply {{ packet.emit(hdr.first); }} }}
            ubpf(p(), c(), d()) main;"
        )
    };
    let metadata = ", inout standard_metadata std";
    let redirect = "std.output_action = ubpf_action.REDIRECT;";
    accepts(&program("", metadata, redirect), "ubpf");
    let old = "#define UBPF_MODEL_VERSION 20200304";
    accepts(&program(old, "", ""), "ubpf");
    refuses(&program(old, metadata, ""), "E1001");
}

/// A program of TNA with two parsers for the ports of its ingress.
const TWO_PARSERS: &str = "#include <core.p4>
#include <tna.p4>
struct none_t {}
parser IP(packet_in pkt, out none_t h, out none_t m, out ingress_intrinsic_metadata_t i)(bool all) {
    state start { pkt.extract(i); pkt.advance(PORT_METADATA_SIZE); transition accept; }
}
control I(inout none_t h, inout none_t m, in ingress_intrinsic_metadata_t i,
          in ingress_intrinsic_metadata_from_parser_t p,
          inout ingress_intrinsic_metadata_for_deparser_t d,
          inout ingress_intrinsic_metadata_for_tm_t t) { apply {} }
control ID(packet_out pkt, inout none_t h, in none_t m,
           in ingress_intrinsic_metadata_for_deparser_t d) { apply {} }
parser EP(packet_in pkt, out none_t h, out none_t m, out egress_intrinsic_metadata_t e) {
    state start { pkt.extract(e); transition accept; }
}
control E(inout none_t h, inout none_t m, in egress_intrinsic_metadata_t e,
          in egress_intrinsic_metadata_from_parser_t p,
          inout egress_intrinsic_metadata_for_deparser_t d,
          inout egress_intrinsic_metadata_for_output_port_t o) { apply {} }
control ED(packet_out pkt, inout none_t h, in none_t m,
           in egress_intrinsic_metadata_for_deparser_t d) { apply {} }
IngressParsers(IP(true), IP(false)) ig_parsers;
EgressParsers(EP()) eg_parsers;
MultiParserPipeline(ig_parsers, I(), ID(), eg_parsers, E(), ED()) pipe;
MultiParserSwitch(pipe) main;
";

#[test]
fn pipeline_of_several_parsers_is_checked_and_no_machine_runs_it() {
    accepts(TWO_PARSERS, "MultiParserSwitch");
    refuses(&TWO_PARSERS.replace("EP()", "IP(true)"), "E2001");
    let files = OneFile(TWO_PARSERS);
    let refused = compile("main.p4".as_ref(), &Options::default(), &files);
    let refused = refused.expect_err("nothing runs it");
    let said: Vec<_> = refused
        .diagnostics
        .iter()
        .map(|said| {
            let place = refused.sources.locate(said.span).expect("it has a place");
            (said.code.0, place.line, said.message.as_str())
        })
        .collect();
    let message = "no machine runs the package `MultiParserSwitch`";
    assert_eq!(said, [("E4002", 25, message)]);
}

#[test]
fn text_without_a_declaration_is_no_program() {
    refuses("", "E4001");
    refuses("// A comment, cut\n", "E4001");
    refuses("/* nothing */", "E4001");
}
