// Registers: read and written any number of times, elements of several values, indices beyond the array.
struct meta_t { }
struct pair_t {
    bit<8>  tag;
    bit<32> sum;
}
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    register<bit<32>>(4) total;
    register<pair_t>(2) pairs;
    register<bool>(1) was_odd;
    apply {
        bit<32> old;
        total.read(old, (bit<32>)hdr.data.a);
        total.write((bit<32>)hdr.data.a, old + hdr.data.d);
        total.read(hdr.data.d, (bit<32>)hdr.data.a);

        pair_t pair;
        pairs.read(pair, 1);
        pair.tag = pair.tag + 1;
        pair.sum = pair.sum + 0x100;
        pairs.write(1, pair);
        hdr.data.b = pair.tag;

        bool odd;
        was_odd.read(odd, 0);
        hdr.data.c = odd ? 16w1 : 0;
        was_odd.write(0, hdr.data.a[0:0] == 1);
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
