// Indirect counters: packets, bytes, both; an index beyond the array counts nowhere.
struct meta_t { }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    counter(4, CounterType.packets) seen;
    counter(4, CounterType.bytes) volume;
    counter(4, CounterType.packets_and_bytes) both;
    apply {
        seen.count((bit<32>)hdr.data.a);
        volume.count((bit<32>)hdr.data.a);
        both.count((bit<32>)hdr.data.b);
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
