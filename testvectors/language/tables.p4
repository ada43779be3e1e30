// Keys are evaluated one after the other before the table is looked up; what a table did is a value; a
// table may be applied more than once (clause 14.2.2).
struct pair_t {
    bit<8>  x;
    bit<16> y;
}

struct meta_t { }
#include "../v1model/frame.p4"

bit<8> step(inout bit<8> x, in bit<8> by) {
    x = x + by;
    if (x > 0x20) {
        return 0;
    }
    return x;
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    bit<8> n = 0;
    action add(bit<16> x) {
        n = n + 1;
        hdr.data.c = hdr.data.c + x;
    }
    action nothing() { n = n + 0x10; }
    // b, b + 1, b + 1
    table keyed {
        key = {
            hdr.data.b : exact @name("before");
            step(hdr.data.b, 1) : exact @name("stepped");
            hdr.data.b & 0xf : exact @name("after");
        }
        actions = { add; nothing; }
        const default_action = nothing();
        const entries = {
            (1, 2, 2): add(0x100);
            (2, 3, 3): add(0x200);
            (0x20, 0, 1): add(0x400);
        }
    }
    // Action data that are a struct.
    action both(inout bit<8> x, pair_t p) {
        hdr.data.c = p.y;
        x = p.x;
    }
    table compound {
        key = { hdr.data.b : exact; }
        actions = { both(hdr.data.b); nothing; }
        const default_action = nothing;
        const entries = { 7: both(hdr.data.b, { 0x71, 0x7273 }); }
    }
    table keyless {
        actions = { add; nothing; }
        const default_action = add(7);
    }
    apply {
        if (hdr.data.a == 1) {
            keyed.apply();
            keyed.apply();
        } else if (hdr.data.a == 2) {
            bool hit = keyed.apply().hit;
            if (!keyless.apply().miss || hit) {
                hdr.data.d = 0xbad;
            } else {
                hdr.data.d = 0x900d;
            }
        } else if (hdr.data.a == 3) {
            for (bit<8> i in 1 .. 3) {
                keyless.apply();
            }
        } else if (hdr.data.a == 5) {
            compound.apply();
        } else if (keyed.apply().hit && keyless.apply().miss) {
            hdr.data.d = 1;
        }
        hdr.data.a = n;
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
