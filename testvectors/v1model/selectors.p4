// Entries that lead to members of an action profile, which two tables share, and to groups of an action
// selector, whose hash picks the member.
struct meta_t { }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    action_profile(8) ports;
    action_selector(HashAlgorithm.identity, 16, 8) paths;
    action to(bit<9> port) { standard_metadata.egress_spec = port; }
    action mark(bit<16> value) { hdr.data.c = value; }
    table first {
        key = { hdr.data.a : exact; }
        actions = { to; mark; }
        implementation = ports;
    }
    table second {
        key = { hdr.data.b : exact; }
        actions = { to; mark; }
        implementation = ports;
    }
    table third {
        key = {
            hdr.data.c : lpm;
            hdr.data.d[7:0] : selector;
        }
        actions = { to; NoAction; }
        implementation = paths;
    }
    apply {
        first.apply();
        second.apply();
        third.apply();
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
