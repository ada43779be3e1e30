// A direct meter works with every hit; `read` gives the colour of this one.
struct meta_t { bit<8> color; }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    direct_meter<bit<8>>(MeterType.packets) pace;
    action mark(bit<8> to) {
        pace.read(meta.color);
        hdr.data.b = meta.color;
        hdr.data.c[7:0] = to;
    }
    action pass() { }
    table t {
        key = { hdr.data.a : ternary; }
        actions = { mark; pass; }
        default_action = pass();
        meters = pace;
    }
    apply { t.apply(); }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
