// `switch` on values and on what a table did; labels that fall through (clause 12.7).
enum bit<8> kind_t { first = 1, third = 3 }
enum color_t { red, green, blue }

struct meta_t { }
#include "../v1model/frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    action one() { hdr.data.b = 0x11; }
    action two(bit<8> x) { hdr.data.b = x; }
    action three() { }
    table t {
        key = { hdr.data.c : exact; }
        actions = { one; two; three; }
        const default_action = three;
        const entries = {
            1: one();
            2: two(0x22);
            3: three();
        }
    }
    apply {
        switch (hdr.data.a) {
            // The subject is read once, before any body changes it.
            1:
            2: { hdr.data.a = 3; hdr.data.d = 0x12; }
            3: { hdr.data.d = 3; }
            0x80:
            default: { hdr.data.d = 0xdd; }
        }
        switch (t.apply().action_run) {
            one:
            two: { hdr.data.d = hdr.data.d | 0xa00; return; }
            three: { hdr.data.d = hdr.data.d | 0xb00; }
        }
        switch ((kind_t) hdr.data.b) {
            kind_t.first: { hdr.data.d = hdr.data.d | 0x1000; }
            kind_t.third: { hdr.data.d = hdr.data.d | 0x3000; }
        }
        color_t color = hdr.data.b > 2 ? color_t.blue : color_t.green;
        switch (color) {
            color_t.red: { hdr.data.d = 0; }
            color_t.green: { hdr.data.d = hdr.data.d | 0x20000; }
            default: { hdr.data.d = hdr.data.d | 0x40000; }
        }
        switch (hdr.data.c[1:0]) {
            0: { }
            1: { hdr.data.d = 0; }
        }
        hdr.data.d = hdr.data.d | 0x80000000;
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
