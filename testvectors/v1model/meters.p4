// An indirect meter of packets: green, yellow and red are 0, 1 and 2. One that nobody set up is green.
struct meta_t { bit<2> color; }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    meter(4, MeterType.packets) pace;
    apply {
        pace.execute_meter((bit<32>)hdr.data.a, meta.color);
        hdr.data.b = (bit<8>)meta.color;
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
