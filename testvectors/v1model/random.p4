// Random values lie between their bounds, which belong to them.
struct meta_t { bit<8> x; bit<32> y; }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    register<bit<32>>(4) drawn;
    apply {
        // No choice.
        random(meta.x, 8w7, 8w7);
        hdr.data.b = meta.x;
        // All values of the type, and one of four, which are counted.
        random(meta.y, 0, 0xffffffff);
        random(meta.y, 2, 5);
        if (meta.y < 2 || meta.y > 5) {
            mark_to_drop(standard_metadata);
        } else {
            bit<32> n;
            drawn.read(n, meta.y - 2);
            drawn.write(meta.y - 2, n + 1);
        }
        // How many of the four were drawn so far.
        bit<32> sum = 0;
        bit<32> n;
        drawn.read(n, 0);
        sum = sum + n;
        drawn.read(n, 1);
        sum = sum + n;
        drawn.read(n, 2);
        sum = sum + n;
        drawn.read(n, 3);
        hdr.data.d = sum + n;
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
