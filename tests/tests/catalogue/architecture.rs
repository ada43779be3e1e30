//! E4xxx, W4xxx: what an architecture asks of a program. E5xxx, W5xxx: what of the language and the
//! architectures is not carried. W0901: for which generation.

use crate::frame::{DEPARSER, INGRESS, MAIN, PARSER, V1MODEL, WHOLE};
use crate::{Case, case};

/// A whole program for v1model.
const SMALL: &str = "#include <core.p4>
#include <v1model.p4>
struct none_t {}
parser P(packet_in pkt, out none_t h, inout none_t m, inout standard_metadata_t s) {
 state start { transition accept; } }
control C(inout none_t h, inout none_t m) { apply {} }
control I(inout none_t h, inout none_t m, inout standard_metadata_t s) { apply {} }
control D(packet_out pkt, in none_t h) { apply {} }
V1Switch(P(), C(), I(), I(), C(), D()) main;";

macro_rules! ingress_parameters {
    () => {
        "inout hdr_t hdr, inout md_t md, in ingress_intrinsic_metadata_t m, \
         in ingress_intrinsic_metadata_from_parser_t prsr, \
         inout ingress_intrinsic_metadata_for_deparser_t dprsr, \
         inout ingress_intrinsic_metadata_for_tm_t tm"
    };
}

macro_rules! egress_parameters {
    () => {
        "inout hdr_t hdr, inout md_t md, in egress_intrinsic_metadata_t m, \
         in egress_intrinsic_metadata_from_parser_t prsr, \
         inout egress_intrinsic_metadata_for_deparser_t dprsr, \
         inout egress_intrinsic_metadata_for_output_port_t oport"
    };
}

/// A table `t` with a key and this property.
macro_rules! table_with {
    ($property:literal) => {
        concat!(
            "table t { key = { hdr.h.a : exact; } actions = { NoAction; }\n ",
            $property,
            "; }\napply { t.apply(); }"
        )
    };
}

pub(crate) const CASES: &[Case] = &[
    case("E4001", WHOLE, SMALL, "const bit<8> x = 1;", 0).compiled(),
    case(
        "E4002",
        WHOLE,
        SMALL,
        "control c();\npackage Mine(c c);\ncontrol d() { apply {} }\nMine(d()) main;",
        4,
    )
    .compiled(),
    case(
        "E4006",
        DEPARSER,
        "Mirror(1) mirror;\napply {\n mirror.emit(1); }",
        "Register<bit<32>, bit<16>>(16) r;\napply {\n r.write(0, 1); }",
        3,
    ),
    case(
        "E4007",
        MAIN,
        concat!(
            "Register<bit<32>, bit<16>>(16) r;\nRegister<bit<32>, bit<16>>(16) q;\n",
            "control J(",
            ingress_parameters!(),
            ") { apply { md.x = r.read(0); } }\n",
            "control F(",
            egress_parameters!(),
            ") { apply { md.x = q.read(0); } }\n",
            "Pipeline(IP(), J(), ID(), EP(), F(), ED()) pipe;\nSwitch(pipe) main;"
        ),
        concat!(
            "Register<bit<32>, bit<16>>(16) r;\n",
            "control J(",
            ingress_parameters!(),
            ") { apply { md.x = r.read(0); } }\n",
            "control F(",
            egress_parameters!(),
            ") { apply { md.x = r.read(0); } }\n",
            "Pipeline(IP(), J(), ID(), EP(), F(), ED()) pipe;\nSwitch(pipe) main;"
        ),
        1,
    ),
    case(
        "E4008",
        INGRESS,
        "Register<pair_t, bit<16>>(16) r;\napply {}",
        "Register<hdr_t, bit<16>>(16) r;\napply {}",
        1,
    ),
    case(
        "E4010",
        DEPARSER,
        "Mirror(1) mirror;\napply {\n mirror.emit<tuple<bit<4>, bit<4>>>(1, { 4w1, 4w0 }); }",
        "Mirror(1) mirror;\napply {\n mirror.emit<tuple<bit<4>>>(1, { 4w1 }); }",
        3,
    ),
    case(
        "E4014",
        INGRESS,
        "Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;\nActionProfile(16) pool;\n\
         ActionSelector(pool, hash, SelectorMode_t.FAIR, 4, 4) first;\napply {}",
        "Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;\nActionProfile(16) pool;\n\
         ActionSelector(pool, hash, SelectorMode_t.FAIR, 4, 4) first;\n\
         ActionSelector(pool, hash, SelectorMode_t.FAIR, 4, 4) second;\napply {}",
        4,
    ),
    case(
        "E4015",
        INGRESS,
        "Counter<bit<32>, bit<8>>(4, CounterType_t.BYTES) n;\napply { n.count(1, 4);\n n.count(2, 4); }",
        "Counter<bit<32>, bit<8>>(4, CounterType_t.BYTES) n;\napply { n.count(1, 4);\n n.count(2, 14); }",
        3,
    ),
    case(
        "E5001",
        PARSER,
        "state start { pkt.extract(m); transition select(m.resubmit_flag) { 1 : more; _ : accept; } }\n\
         state more { pkt.extract(hdr.stack.next); transition accept; }",
        "state start { pkt.extract(m); if (m.resubmit_flag == 1) {\n \
         pkt.extract(hdr.stack.next); } transition accept; }",
        2,
    ),
    case(
        "E5002",
        INGRESS,
        "Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;\n\
         ActionSelector(16, hash, SelectorMode_t.FAIR) first;\napply {}",
        "Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;\n\
         ActionSelector(16, hash, SelectorMode_t.FAIR) first;\n\
         SelectorAction(first) plug = {\n void apply(inout bit<1> v) { v = 0; } };\napply {}",
        3,
    ),
    case(
        "E5003",
        INGRESS,
        table_with!("size = 4"),
        table_with!("dynamic_table_size = true"),
        2,
    ),
    case(
        "E5004",
        INGRESS,
        "table t { key = {\n hdr.h.a : exact; } actions = { NoAction; } }\napply { t.apply(); }",
        "table t { key = {\n hdr.h.a : dleft_hash; } actions = { NoAction; } }\napply { t.apply(); }",
        2,
    ),
    case(
        "E5005",
        INGRESS,
        "apply {\n for (bit<32> i in 0 .. 100) { hdr.h.a = hdr.h.a + i; } }",
        "apply {\n for (bit<32> i in 0 .. 1000000) { hdr.h.a = hdr.h.a + i; } }",
        2,
    ),
    case(
        "W0901",
        INGRESS,
        "apply {\n MirrorType_t kind = dprsr.mirror_type; hdr.h.n = (bit<8>)kind; }",
        "apply {\n bit<3> kind = dprsr.mirror_type; hdr.h.n = (bit<8>)kind; }",
        0,
    ),
    case(
        "W4001",
        INGRESS,
        "const bit<32> limit = 100;\napply { hdr.h.a = limit; }",
        "RegisterParam<bit<32>>(100) limit;\napply {}",
        1,
    ),
    case(
        "W5001",
        INGRESS,
        table_with!("size = 4"),
        table_with!("idle_timeout = true"),
        2,
    ),
    case(
        "W5002",
        V1MODEL,
        table_with!("implementation = action_profile(32w4)"),
        table_with!("implementaton = action_profile(32w4)"),
        2,
    ),
    case(
        "W5003",
        INGRESS,
        "Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;\n\
         ActionSelector(16, hash, SelectorMode_t.FAIR) first;\napply {}",
        "Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;\n\
         ActionSelector(16, hash, SelectorMode_t.RESILIENT) first;\napply {}",
        2,
    ),
    case(
        "W5004",
        DEPARSER,
        "apply { pkt.emit(hdr); }",
        "Pktgen() generator;\napply { if (dprsr.pktgen == 1) { generator.emit(hdr.h); } pkt.emit(hdr); }",
        1,
    ),
    case(
        "W5005",
        INGRESS,
        "Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;\ntable t { key = { hdr.h.a : exact; } actions = { NoAction; } }\n\
         apply { hdr.h.i = hash.get({ hdr.h.b }); t.apply(); }",
        "Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;\n\
         table t { key = { hdr.h.a : exact; } actions = { NoAction; }\n proxy_hash = hash; }\n\
         apply { t.apply(); }",
        3,
    ),
];
