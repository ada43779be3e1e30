// Value sets of the parser: of one value, and of a struct whose fields are matched in ways of their own.
struct meta_t { }
struct pair_t {
    @match(ternary) bit<8>  b;
    @match(range)   bit<16> c;
}
#include "frame.p4"

parser ParseBySets(packet_in pkt, out headers_t hdr, inout meta_t meta,
                   inout standard_metadata_t standard_metadata) {
    value_set<bit<8>>(4) firsts;
    value_set<pair_t>(4) pairs;
    state start {
        pkt.extract(hdr.data);
        transition select(hdr.data.a) {
            firsts: one;
            default: more;
        }
    }
    state more {
        transition select(hdr.data.b, hdr.data.c) {
            pairs: two;
            (0xff, _): three;
            default: accept;
        }
    }
    state one {
        standard_metadata.egress_spec = 1;
        transition accept;
    }
    state two {
        standard_metadata.egress_spec = 2;
        transition accept;
    }
    state three {
        standard_metadata.egress_spec = 3;
        transition accept;
    }
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply { }
}

V1Switch(ParseBySets(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
