//! What stands around the part of a program that a case is about.

/// Text in front of a case, and behind it.
pub(crate) struct Frame {
    /// Whole lines.
    pub(crate) before: &'static str,
    /// What makes a program of it.
    pub(crate) behind: &'static str,
}

macro_rules! declarations {
    ($includes:literal) => {
        concat!(
            "#include <core.p4>\n",
            $includes,
            "header h_t { bit<8> kind; bit<8> n; bit<16> i; bit<32> a; bit<32> b; bit<32> c; bit<32> d; }
header wide_t { bit<1024> p; bit<1024> q; }
struct hdr_t { h_t h; wide_t wide; h_t[4] stack; }
struct pair_t { bit<32> lo; bit<32> hi; }
struct md_t { bit<32> x; bit<32> y; bit<16> i; pair_t p; }
"
        )
    };
}

/// For the generation that the program is compiled for.
macro_rules! either {
    () => {
        declarations!(
            "#if __TARGET_TOFINO__ == 1\n#include <tna.p4>\n#else\n#include <t2na.p4>\n#endif\n"
        )
    };
}

macro_rules! parser_head {
    () => {
        "parser IP(packet_in pkt, out hdr_t hdr, out md_t md, out ingress_intrinsic_metadata_t m) {\n"
    };
}

macro_rules! parser {
    () => {
        concat!(
            parser_head!(),
            "    state start { pkt.extract(m); pkt.advance(PORT_METADATA_SIZE); pkt.extract(hdr.h); pkt.extract(hdr.wide); transition accept; }\n}\n"
        )
    };
}

macro_rules! ingress_head {
    () => {
        "control I(inout hdr_t hdr, inout md_t md, in ingress_intrinsic_metadata_t m,
          in ingress_intrinsic_metadata_from_parser_t prsr,
          inout ingress_intrinsic_metadata_for_deparser_t dprsr,
          inout ingress_intrinsic_metadata_for_tm_t tm) {\n"
    };
}

macro_rules! deparser_head {
    () => {
        "control ID(packet_out pkt, inout hdr_t hdr, in md_t md,
           in ingress_intrinsic_metadata_for_deparser_t dprsr) {\n"
    };
}

macro_rules! egress {
    () => {
        "parser EP(packet_in pkt, out hdr_t hdr, out md_t md, out egress_intrinsic_metadata_t m) {
    state start { pkt.extract(m); transition accept; }
}
control E(inout hdr_t hdr, inout md_t md, in egress_intrinsic_metadata_t m,
          in egress_intrinsic_metadata_from_parser_t prsr,
          inout egress_intrinsic_metadata_for_deparser_t dprsr,
          inout egress_intrinsic_metadata_for_output_port_t oport) {
    apply {}
}
control ED(packet_out pkt, inout hdr_t hdr, in md_t md,
           in egress_intrinsic_metadata_for_deparser_t dprsr) {
    apply { pkt.emit(hdr); }
}
"
    };
}

macro_rules! main {
    () => {
        "Pipeline(IP(), I(), ID(), EP(), E(), ED()) pipe;\nSwitch(pipe) main;\n"
    };
}

macro_rules! behind_ingress {
    () => {
        concat!(
            "}\n",
            deparser_head!(),
            "    apply { pkt.emit(hdr); }\n}\n",
            egress!(),
            main!()
        )
    };
}

/// The case is the whole program.
pub(crate) const WHOLE: Frame = Frame {
    before: "",
    behind: "",
};

/// The case is the body of the ingress control.
pub(crate) const INGRESS: Frame = Frame {
    before: concat!(either!(), parser!(), ingress_head!()),
    behind: behind_ingress!(),
};

/// The same, and the program is for the second generation, whatever it is compiled for.
pub(crate) const INGRESS_OF_TOFINO2: Frame = Frame {
    before: concat!(
        declarations!("#include <t2na.p4>\n"),
        parser!(),
        ingress_head!()
    ),
    behind: behind_ingress!(),
};

/// The case is the body of the ingress parser.
pub(crate) const PARSER: Frame = Frame {
    before: concat!(either!(), parser_head!()),
    behind: concat!("}\n", ingress_head!(), "    apply {}\n", behind_ingress!()),
};

/// The case is the body of the ingress deparser.
pub(crate) const DEPARSER: Frame = Frame {
    before: concat!(
        either!(),
        parser!(),
        ingress_head!(),
        "    apply {}\n}\n",
        deparser_head!()
    ),
    behind: concat!("}\n", egress!(), main!()),
};

/// The case is what uses the blocks.
pub(crate) const MAIN: Frame = Frame {
    before: concat!(
        either!(),
        parser!(),
        ingress_head!(),
        "    apply {}\n}\n",
        deparser_head!(),
        "    apply { pkt.emit(hdr); }\n}\n",
        egress!()
    ),
    behind: "",
};

/// The case is the body of the ingress control of a v1model program.
pub(crate) const V1MODEL: Frame = Frame {
    before: "#include <core.p4>
#include <v1model.p4>
header h_t { bit<8> n; bit<16> i; bit<32> a; }
struct hdr_t { h_t h; }
struct md_t { bit<32> x; }
parser P(packet_in pkt, out hdr_t hdr, inout md_t md, inout standard_metadata_t sm) {
    state start { pkt.extract(hdr.h); transition accept; }
}
control V(inout hdr_t hdr, inout md_t md) { apply {} }
control I(inout hdr_t hdr, inout md_t md, inout standard_metadata_t sm) {\n",
    behind: "}
control E(inout hdr_t hdr, inout md_t md, inout standard_metadata_t sm) { apply {} }
control D(packet_out pkt, in hdr_t hdr) { apply { pkt.emit(hdr); } }
V1Switch(P(), V(), I(), E(), V(), D()) main;\n",
};
