//! For which generation a program is compiled.

use std::path::Path;

use p4rmt_driver::{FIRST_GENERATION, Generation, Options, compile};
use p4rmt_ir::Arch;
use p4rmt_syntax::{LoadError, Loader};

struct OneFile(String);

impl Loader for OneFile {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        Ok((path == Path::new("main.p4")).then(|| self.0.clone()))
    }
}

/// A program that takes either interface and assigns this to the mirror type.
fn program(mirror_type: &str) -> OneFile {
    let text = r#"
#include <core.p4>
#if __TARGET_TOFINO__ == 2
#include <t2na.p4>
#else
#include <tna.p4>
#endif
header h_t { bit<8> a; }
struct headers_t { h_t h; }
struct metadata_t {}
parser IP(packet_in pkt, out headers_t hdr, out metadata_t md,
          out ingress_intrinsic_metadata_t intr) {
    state start { pkt.extract(intr); pkt.advance(PORT_METADATA_SIZE); transition accept; }
}
control I(inout headers_t hdr, inout metadata_t md, in ingress_intrinsic_metadata_t intr,
          in ingress_intrinsic_metadata_from_parser_t prsr,
          inout ingress_intrinsic_metadata_for_deparser_t dprsr,
          inout ingress_intrinsic_metadata_for_tm_t tm) {
    apply { dprsr.mirror_type = MIRROR; }
}
control ID(packet_out pkt, inout headers_t hdr, in metadata_t md,
           in ingress_intrinsic_metadata_for_deparser_t dprsr) {
    apply { pkt.emit(hdr); }
}
parser EP(packet_in pkt, out headers_t hdr, out metadata_t md,
          out egress_intrinsic_metadata_t intr) {
    state start { pkt.extract(intr); transition accept; }
}
control E(inout headers_t hdr, inout metadata_t md, in egress_intrinsic_metadata_t intr,
          in egress_intrinsic_metadata_from_parser_t prsr,
          inout egress_intrinsic_metadata_for_deparser_t dprsr,
          inout egress_intrinsic_metadata_for_output_port_t oport) {
    apply {}
}
control ED(packet_out pkt, inout headers_t hdr, in metadata_t md,
           in egress_intrinsic_metadata_for_deparser_t dprsr) {
    apply { pkt.emit(hdr); }
}
Pipeline(IP(), I(), ID(), EP(), E(), ED()) pipe;
Switch(pipe) main;
"#;
    OneFile(text.replace("MIRROR", mirror_type))
}

/// The architecture that it is compiled for, and whether it is said that another one was meant.
fn compiled(mirror_type: &str, options: &Options) -> Option<(Arch, bool)> {
    let compiled = compile("main.p4".as_ref(), options, &program(mirror_type)).ok()?;
    let mut warnings = compiled.warnings.iter();
    let is_told = warnings.any(|warning| warning.code == FIRST_GENERATION);
    Some((compiled.program.arch, is_told))
}

#[test]
fn a_program_for_both_is_compiled_for_the_second() {
    let found = compiled("1", &Options::default());
    assert_eq!(found, Some((Arch::T2na, false)));
}

#[test]
fn a_program_that_is_right_for_the_first_alone_is_compiled_for_that() {
    let found = compiled("3w1", &Options::default());
    assert_eq!(found, Some((Arch::Tna, true)));
}

#[test]
fn who_names_a_generation_gets_it() {
    let second = Options {
        generation: Some(Generation::Tofino2),
        ..Options::default()
    };
    assert_eq!(compiled("3w1", &second), None);
    let defined = Options {
        defines: vec![("__TARGET_TOFINO__".to_owned(), Some("2".to_owned()))],
        ..Options::default()
    };
    assert_eq!(compiled("3w1", &defined), None);
}

#[test]
fn what_is_wrong_for_both_is_told_of_the_second() {
    let rejected = compile("main.p4".as_ref(), &Options::default(), &program("5w1"));
    let rejected = rejected.expect_err("it is wrong");
    let mut messages = rejected.diagnostics.iter().map(|found| &found.message);
    assert!(messages.any(|message| message.contains("bit<4>")));
}
