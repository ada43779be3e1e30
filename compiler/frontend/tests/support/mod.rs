//! Small programs around what a test is about.

use std::path::Path;

use p4rmt_ir::Program as Ir;
use p4rmt_source::Diagnostics;
use p4rmt_syntax::{LoadError, Loader, Options, Parsed};

/// The program under test and the declarations that come with the compiler.
struct Files<'a>(&'a str);

impl Loader for Files<'_> {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        let text = match path.to_str() {
            Some("test.p4") => self.0,
            Some("/std/core.p4") => include_str!("../../../../p4src/core.p4"),
            Some("/std/v1model.p4") => include_str!("../../../../p4src/v1model.p4"),
            Some("/std/t2na.p4") => include_str!("../../../../p4src/t2na.p4"),
            Some("/std/tna.p4") => include_str!("../../../../p4src/tna.p4"),
            Some("/std/tofino/externs.p4") => {
                include_str!("../../../../p4src/tofino/externs.p4")
            }
            Some("/std/tofino/metadata.p4") => {
                include_str!("../../../../p4src/tofino/metadata.p4")
            }
            Some("/std/tofino/register_actions2.p4") => {
                include_str!("../../../../p4src/tofino/register_actions2.p4")
            }
            Some("/std/tofino/types.p4") => include_str!("../../../../p4src/tofino/types.p4"),
            _ => return Ok(None),
        };
        Ok(Some(text.to_owned()))
    }
}

/// The tree of a program.
#[track_caller]
pub(crate) fn parse(text: &str) -> Parsed {
    let options = Options {
        include_dirs: vec!["/std".into()],
        defines: Vec::new(),
    };
    match p4rmt_syntax::parse(Path::new("test.p4"), &options, &Files(text)) {
        Ok(parsed) => parsed,
        Err(rejected) => panic!("{}", shown(&rejected.diagnostics, &rejected.sources)),
    }
}

/// The tree of a program, if the grammar takes it.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn try_parse(text: &str) -> Option<Parsed> {
    let options = Options {
        include_dirs: vec!["/std".into()],
        defines: Vec::new(),
    };
    p4rmt_syntax::parse(Path::new("test.p4"), &options, &Files(text)).ok()
}

/// Typing and lowering; typing's complaints stop it.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn lower(parsed: &Parsed) -> Result<(Ir, Diagnostics), Diagnostics> {
    let (typed, found) = p4rmt_typing::check(&parsed.program);
    if found.has_errors() {
        return Err(found);
    }
    p4rmt_frontend::lower(&parsed.program, &typed, "test")
}

/// Diagnostics as a person sees them.
pub(crate) fn shown(diagnostics: &Diagnostics, sources: &p4rmt_source::Sources) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| sources.render(diagnostic, false))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Declarations in front of the blocks: headers, metadata.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) const DECLARATIONS: &str = r"
#include <core.p4>
#include <t2na.p4>
header eth_t { bit<48> dst; bit<48> src; bit<16> kind; }
header vlan_t { bit<3> pcp; bit<1> dei; bit<12> vid; bit<16> kind; }
header ip_t { bit<8> ttl; bit<8> proto; bit<16> len; bit<32> src; bit<32> dst; bit<16> csum; }
struct hdr_t { eth_t eth; vlan_t[3] vlan; ip_t ip; }
struct pair_t { bit<32> lo; bit<32> hi; }
struct md_t { bit<32> a; bit<32> b; bit<16> c; bit<8> d; bit<1> x; bool f; pair_t p; int<8> s; }
";

/// Blocks after those that a test is about.
#[allow(dead_code, reason = "not every test file needs it")]
const REST: &str = r"
parser RestEP(packet_in pkt, out hdr_t hdr, out md_t md, out egress_intrinsic_metadata_t m) {
    state start { pkt.extract(m); transition accept; }
}
control RestE(inout hdr_t hdr, inout md_t md, in egress_intrinsic_metadata_t m,
              in egress_intrinsic_metadata_from_parser_t prsr,
              inout egress_intrinsic_metadata_for_deparser_t dprsr,
              inout egress_intrinsic_metadata_for_output_port_t oport) { apply { } }
control RestED(packet_out pkt, inout hdr_t hdr, in md_t md,
               in egress_intrinsic_metadata_for_deparser_t dprsr) { apply { pkt.emit(hdr); } }
Pipeline(IP(), I(), ID(), RestEP(), RestE(), RestED()) pipe;
Switch(pipe) main;
";

/// The blocks of a program that a test replaces.
#[allow(dead_code, reason = "not every test file needs it")]
#[derive(Clone, Copy, Default)]
pub(crate) struct Program<'a> {
    /// Declarations of the top level.
    pub(crate) top: &'a str,
    /// Declarations and states of the ingress parser.
    pub(crate) parser: Option<&'a str>,
    /// Declarations and `apply` of the ingress control.
    pub(crate) control: Option<&'a str>,
    /// Declarations and `apply` of the ingress deparser.
    pub(crate) deparser: Option<&'a str>,
}

#[allow(dead_code, reason = "not every test file needs it")]
impl Program<'_> {
    /// The whole text.
    pub(crate) fn text(&self) -> String {
        let parser = self.parser.unwrap_or(
            "state start { pkt.extract(m); pkt.advance(PORT_METADATA_SIZE); transition accept; }",
        );
        let control = self.control.unwrap_or("apply { }");
        let deparser = self.deparser.unwrap_or("apply { pkt.emit(hdr); }");
        format!(
            "{DECLARATIONS}\n{top}\n\
             parser IP(packet_in pkt, out hdr_t hdr, out md_t md, out ingress_intrinsic_metadata_t m) {{\n\
             {parser}\n}}\n\
             control I(inout hdr_t hdr, inout md_t md, in ingress_intrinsic_metadata_t m, \
             in ingress_intrinsic_metadata_from_parser_t prsr, \
             inout ingress_intrinsic_metadata_for_deparser_t dprsr, \
             inout ingress_intrinsic_metadata_for_tm_t tm) {{\n{control}\n}}\n\
             control ID(packet_out pkt, inout hdr_t hdr, in md_t md, \
             in ingress_intrinsic_metadata_for_deparser_t dprsr) {{\n{deparser}\n}}\n{REST}",
            top = self.top,
        )
    }
}
