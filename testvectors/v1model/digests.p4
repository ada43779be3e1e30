// Digests carry what the values are when they are sent, not what becomes of them.
struct meta_t { bit<8> x; }
struct learn_t {
    bit<8>  a;
    bit<9>  port;
    bit<32> d;
}
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        meta.x = hdr.data.a;
        if (hdr.data.b == 1) {
            digest<learn_t>(1, { meta.x, standard_metadata.ingress_port, hdr.data.d });
        }
        meta.x = 0xff;
        hdr.data.d = 0;
        if (hdr.data.b == 2) {
            digest<learn_t>(2, { a = 7, port = 8, d = 9 });
        }
        standard_metadata.egress_spec = 1;
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
