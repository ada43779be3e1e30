// To a key, a field of an invalid header is zero, whatever is left in it.
struct meta_t { }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    action to(bit<9> port) { standard_metadata.egress_spec = port; }
    table t {
        key = {
            hdr.data.c : exact;
            hdr.data.d[15:0] : ternary;
            hdr.data.isValid() : exact;
        }
        actions = { to; NoAction; }
    }
    apply {
        if (hdr.data.a == 1) {
            hdr.data.setInvalid();
        }
        t.apply();
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
